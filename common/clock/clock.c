/* SPDX-License-Identifier: Apache-2.0 */
#include "clock/clock.h"

#include <time.h>

#define MS_PER_DAY 86400000LL
#define MIN_WALL_MS (-62167219200000LL) /* 0000-01-01T00:00:00.000Z */
#define MAX_WALL_MS 253402300799999LL   /* 9999-12-31T23:59:59.999Z */

int64_t cf_clock_wall_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

uint64_t cf_clock_mono_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

uint64_t cf_clock_mono_ms(void)
{
    return cf_clock_mono_ns() / 1000000U;
}

/* Days since 1970-01-01 of a proleptic Gregorian date, counting years from March so that the leap day is last
 * (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil). */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

/* The inverse of days_of (same source, civil_from_days). */
static void date_of(int64_t days, int64_t *ret_year, int64_t *ret_month, int64_t *ret_day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;

    *ret_day = doy - (153 * mp + 2) / 5 + 1;
    *ret_month = mp < 10 ? mp + 3 : mp - 9;
    *ret_year = yoe + era * 400 + (*ret_month <= 2 ? 1 : 0);
}

static char *put(char *at, int64_t value, int digits, char behind)
{
    for (int i = digits - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    at[digits] = behind;
    return at + digits + 1;
}

void cf_clock_format(int64_t wall_ms, char ret_text[CF_CLOCK_TEXT_SIZE])
{
    int64_t year, month, day, rest;
    char *at = ret_text;

    if (wall_ms < MIN_WALL_MS)
        wall_ms = MIN_WALL_MS;
    if (wall_ms > MAX_WALL_MS)
        wall_ms = MAX_WALL_MS;
    rest = wall_ms % MS_PER_DAY;
    if (rest < 0)
        rest += MS_PER_DAY;
    date_of((wall_ms - rest) / MS_PER_DAY, &year, &month, &day);
    at = put(at, year, 4, '-');
    at = put(at, month, 2, '-');
    at = put(at, day, 2, 'T');
    at = put(at, rest / 3600000, 2, ':');
    at = put(at, rest / 60000 % 60, 2, ':');
    at = put(at, rest / 1000 % 60, 2, '.');
    at = put(at, rest % 1000, 3, 'Z');
    *at = '\0';
}

/* Reads exactly `digits` digits at `*pos`; -1 when there are not as many. */
static int64_t take(struct cf_str text, size_t *pos, size_t digits)
{
    int64_t value = 0;

    if (text.n - *pos < digits)
        return -1;
    for (size_t i = 0; i < digits; i++) {
        char c = text.p[*pos + i];

        if (c < '0' || c > '9')
            return -1;
        value = value * 10 + (c - '0');
    }
    *pos += digits;
    return value;
}

static bool skip(struct cf_str text, size_t *pos, const char *any_of)
{
    if (*pos >= text.n || !strchr(any_of, text.p[*pos]) || text.p[*pos] == '\0')
        return false;
    ++*pos;
    return true;
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

static bool take_date(struct cf_str text, size_t *pos, int64_t *ret_days)
{
    int64_t year = take(text, pos, 4), month, day;

    if (year < 0 || !skip(text, pos, "-"))
        return false;
    month = take(text, pos, 2);
    if (month < 1 || month > 12 || !skip(text, pos, "-"))
        return false;
    day = take(text, pos, 2);
    if (day < 1 || day > days_in_month(year, month))
        return false;
    *ret_days = days_of(year, month, day);
    return true;
}

static bool take_fraction(struct cf_str text, size_t *pos, int64_t *ret_ms)
{
    int64_t ms = 0, weight = 100;
    size_t first;

    *ret_ms = 0;
    if (!skip(text, pos, "."))
        return true;
    first = *pos;
    while (*pos < text.n && text.p[*pos] >= '0' && text.p[*pos] <= '9' && *pos - first < 9) {
        ms += (text.p[*pos] - '0') * weight;
        weight /= 10;
        ++*pos;
    }
    *ret_ms = ms;
    return *pos > first;
}

static bool take_time(struct cf_str text, size_t *pos, int64_t *ret_ms)
{
    int64_t hour = take(text, pos, 2), minute, second, ms;

    if (hour < 0 || hour > 23 || !skip(text, pos, ":"))
        return false;
    minute = take(text, pos, 2);
    if (minute < 0 || minute > 59 || !skip(text, pos, ":"))
        return false;
    second = take(text, pos, 2);
    if (second < 0 || second > 60 || !take_fraction(text, pos, &ms))
        return false;
    if (second == 60) {
        second = 59;
        ms = 999;
    }
    *ret_ms = ((hour * 60 + minute) * 60 + second) * 1000 + ms;
    return true;
}

static bool take_offset(struct cf_str text, size_t *pos, int64_t *ret_ms)
{
    int64_t hours, minutes;
    bool west;

    *ret_ms = 0;
    if (skip(text, pos, "Zz"))
        return true;
    west = *pos < text.n && text.p[*pos] == '-';
    if (!skip(text, pos, "+-"))
        return false;
    hours = take(text, pos, 2);
    if (hours < 0 || hours > 23 || !skip(text, pos, ":"))
        return false;
    minutes = take(text, pos, 2);
    if (minutes < 0 || minutes > 59)
        return false;
    *ret_ms = (hours * 60 + minutes) * 60000 * (west ? -1 : 1);
    return true;
}

bool cf_clock_parse(struct cf_str text, int64_t *ret_wall_ms)
{
    int64_t days, time_ms, offset_ms;
    size_t pos = 0;

    if (!take_date(text, &pos, &days) || !skip(text, &pos, "Tt ") || !take_time(text, &pos, &time_ms) ||
        !take_offset(text, &pos, &offset_ms) || pos != text.n)
        return false;
    *ret_wall_ms = days * MS_PER_DAY + time_ms - offset_ms;
    return true;
}
