/* SPDX-License-Identifier: Apache-2.0 */
/* Date literals as ranges of milliseconds, in the org's time zone (UTC); weeks start on Sunday. */
#include "soql_priv.h"

#define DAY_MS 86400000LL
#define MAX_N 100000

enum unit { DAY, WEEK, MONTH, QUARTER, YEAR };

/* From the first day of unit `from` to the last of unit `until`, counted from the current one. `n` stands for
 * the literal's number: LAST_N_DAYS:3 is -3 .. 0. */
enum bound { ZERO, ONE, MINUS_ONE, N, MINUS_N };
static const struct range {
    const char *name;
    enum unit unit;
    enum bound from, until;
} ranges[] = {
    {"TODAY", DAY, ZERO, ZERO},
    {"YESTERDAY", DAY, MINUS_ONE, MINUS_ONE},
    {"TOMORROW", DAY, ONE, ONE},
    {"THIS_WEEK", WEEK, ZERO, ZERO},
    {"LAST_WEEK", WEEK, MINUS_ONE, MINUS_ONE},
    {"NEXT_WEEK", WEEK, ONE, ONE},
    {"THIS_MONTH", MONTH, ZERO, ZERO},
    {"LAST_MONTH", MONTH, MINUS_ONE, MINUS_ONE},
    {"NEXT_MONTH", MONTH, ONE, ONE},
    {"THIS_QUARTER", QUARTER, ZERO, ZERO},
    {"LAST_QUARTER", QUARTER, MINUS_ONE, MINUS_ONE},
    {"NEXT_QUARTER", QUARTER, ONE, ONE},
    {"THIS_YEAR", YEAR, ZERO, ZERO},
    {"LAST_YEAR", YEAR, MINUS_ONE, MINUS_ONE},
    {"NEXT_YEAR", YEAR, ONE, ONE},
    {"LAST_N_DAYS", DAY, MINUS_N, ZERO},
    {"NEXT_N_DAYS", DAY, ONE, N},
    {"N_DAYS_AGO", DAY, MINUS_N, MINUS_N},
    {"LAST_N_WEEKS", WEEK, MINUS_N, MINUS_ONE},
    {"NEXT_N_WEEKS", WEEK, ONE, N},
    {"N_WEEKS_AGO", WEEK, MINUS_N, MINUS_N},
    {"LAST_N_MONTHS", MONTH, MINUS_N, MINUS_ONE},
    {"NEXT_N_MONTHS", MONTH, ONE, N},
    {"N_MONTHS_AGO", MONTH, MINUS_N, MINUS_N},
    {"LAST_N_QUARTERS", QUARTER, MINUS_N, MINUS_ONE},
    {"NEXT_N_QUARTERS", QUARTER, ONE, N},
    {"N_QUARTERS_AGO", QUARTER, MINUS_N, MINUS_N},
    {"LAST_N_YEARS", YEAR, MINUS_N, MINUS_ONE},
    {"NEXT_N_YEARS", YEAR, ONE, N},
    {"N_YEARS_AGO", YEAR, MINUS_N, MINUS_N},
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

/* Days since 1970-01-01 of the first of a month, counted from January of year 0 (proleptic Gregorian). */
static int64_t day_of_month_start(int64_t month)
{
    int64_t year = floor_div(month, 12), m = month - year * 12 + 1, y = m <= 2 ? year - 1 : year;
    int64_t era = floor_div(y, 400), yoe = y - era * 400, doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5;

    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

/* The month a day is in, counted from January of year 0. */
static int64_t month_of_day(int64_t day)
{
    int64_t z = day + 719468, era = floor_div(z, 146097), doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    int64_t m = mp < 10 ? mp + 3 : mp - 9;

    return (yoe + era * 400 + (m <= 2 ? 1 : 0)) * 12 + m - 1;
}

/* First day of the unit that is `shift` units from the one `today` is in. */
static int64_t unit_start(enum unit unit, int64_t today, int64_t shift)
{
    static const int64_t months[] = {[MONTH] = 1, [QUARTER] = 3, [YEAR] = 12};
    int64_t size;

    if (unit == DAY)
        return today + shift;
    if (unit == WEEK) /* 1970-01-01 was a Thursday */
        return today - (today + 4 - floor_div(today + 4, 7) * 7) + shift * 7;
    size = months[unit];
    return day_of_month_start((floor_div(month_of_day(today), size) + shift) * size);
}

static const struct range *find(struct cf_str name, int64_t *ret_n)
{
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (cf_str_eq_nocase(name, cf_str_of(ranges[i].name)))
            return &ranges[i];
    }
    *ret_n = 90;
    if (cf_str_eq_nocase(name, CF_STR("LAST_90_DAYS")))
        return find(CF_STR("LAST_N_DAYS"), ret_n);
    if (cf_str_eq_nocase(name, CF_STR("NEXT_90_DAYS")))
        return find(CF_STR("NEXT_N_DAYS"), ret_n);
    return NULL;
}

static bool wants_n(const struct range *range)
{
    return range->from == MINUS_N || range->until == N;
}

bool soql_date_wants_n(struct cf_str name)
{
    int64_t n = -1;
    const struct range *range = find(name, &n);

    return range && n < 0 && wants_n(range);
}

bool soql_date_range(struct cf_str name, int64_t n, int64_t now_ms, struct soql_literal *ret_literal)
{
    int64_t fixed = -1, today = floor_div(now_ms, DAY_MS);
    const struct range *range = find(name, &fixed);

    if (fixed >= 0)
        n = fixed;
    if (!range || (wants_n(range) != (n >= 0)) || n > MAX_N)
        return false;
    int64_t shifts[] = {[ZERO] = 0, [ONE] = 1, [MINUS_ONE] = -1, [N] = n, [MINUS_N] = -n};

    ret_literal->kind = SOQL_RANGE;
    ret_literal->from_ms = unit_start(range->unit, today, shifts[range->from]) * DAY_MS;
    ret_literal->until_ms = unit_start(range->unit, today, shifts[range->until] + 1) * DAY_MS;
    return true;
}
