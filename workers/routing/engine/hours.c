/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/hours.h"

#define DAY_S 86400

/* ---- the calendar (proleptic Gregorian) ---- */

struct date {
    int64_t year;
    int month, day;
};

/* Days since 1970-01-01. Years begin in March here, so that the day that comes and goes is the last one. */
static int64_t days_of(int64_t year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static struct date date_of(int64_t days)
{
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, of_era = z - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153;
    struct date date = {.month = (int)(m < 10 ? m + 3 : m - 9),
                        .day = (int)(of_year - (153 * m + 2) / 5 + 1)};

    date.year = y + era * 400 + (date.month <= 2);
    return date;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* 0: Sunday. 1970-01-01 was a Thursday. */
static int weekday_of(int64_t days)
{
    return (int)(((days + 4) % 7 + 7) % 7);
}

/* ---- zones ---- */

/* Reads a number of at most `max`; -1: there is none. */
static int64_t number(struct cf_str *rest, int64_t max)
{
    int64_t value = 0;
    size_t n = 0;

    while (n < rest->n && rest->p[n] >= '0' && rest->p[n] <= '9' && value <= max)
        value = value * 10 + (rest->p[n++] - '0');
    rest->p += n;
    rest->n -= n;
    return n > 0 && value <= max ? value : -1;
}

static bool take(struct cf_str *rest, char c)
{
    bool found = rest->n > 0 && rest->p[0] == c;

    rest->p += found;
    rest->n -= found;
    return found;
}

/* Letters, or anything between < and >. */
static bool skip_name(struct cf_str *rest)
{
    bool quoted = take(rest, '<');
    size_t n = 0;

    while (n < rest->n &&
           (quoted ? rest->p[n] != '>' : ((rest->p[n] | 32) >= 'a' && (rest->p[n] | 32) <= 'z')))
        n++;
    rest->p += n;
    rest->n -= n;
    return n >= 3 && (!quoted || take(rest, '>'));
}

/* [+-]h[h][:mm[:ss]] */
static bool read_time(struct cf_str *rest, int64_t max_hours, int32_t *ret_s)
{
    bool minus = take(rest, '-');
    int64_t h, m = 0, s = 0;

    if (!minus)
        (void)take(rest, '+');
    h = number(rest, max_hours);
    if (take(rest, ':')) {
        m = number(rest, 59);
        if (take(rest, ':'))
            s = number(rest, 59);
    }
    *ret_s = (int32_t)((minus ? -1 : 1) * (h * 3600 + m * 60 + s));
    return h >= 0 && m >= 0 && s >= 0;
}

/* ,Mm.w.d[/time] */
static bool read_rule(struct cf_str *rest, struct cf_zone_rule *rule)
{
    if (!take(rest, ',') || !take(rest, 'M'))
        return false;
    rule->month = (int)number(rest, 12);
    rule->week = take(rest, '.') ? (int)number(rest, 5) : -1;
    rule->weekday = take(rest, '.') ? (int)number(rest, 6) : -1;
    rule->seconds = 2 * 3600;
    if (take(rest, '/') && !read_time(rest, 167, &rule->seconds))
        return false;
    return rule->month >= 1 && rule->week >= 1 && rule->weekday >= 0;
}

bool cf_zone_parse(struct cf_str text, struct cf_zone *ret_zone)
{
    struct cf_zone zone = {0};
    struct cf_str rest = text;
    int32_t west_s = 0;

    if (cf_str_is(text, "UTC")) {
        *ret_zone = zone;
        return true;
    }
    if (!skip_name(&rest) || !read_time(&rest, 24, &west_s))
        return false;
    zone.standard_s = -west_s;
    zone.summer_s = zone.standard_s + 3600;
    if (rest.n > 0) {
        zone.has_summer = true;
        if (!skip_name(&rest))
            return false;
        if (rest.n > 0 && rest.p[0] != ',') {
            if (!read_time(&rest, 24, &west_s))
                return false;
            zone.summer_s = -west_s;
        }
        if (!read_rule(&rest, &zone.start) || !read_rule(&rest, &zone.end))
            return false;
    }
    *ret_zone = zone;
    return rest.n == 0;
}

/* Local seconds since 1970 of the rule's moment in that year. */
static int64_t moment(const struct cf_zone_rule *rule, int64_t year)
{
    int64_t first = days_of(year, rule->month, 1);
    int64_t behind = rule->month == 12 ? days_of(year + 1, 1, 1) : days_of(year, rule->month + 1, 1);
    int64_t day = first + (rule->weekday - weekday_of(first) + 7) % 7 + 7 * (int64_t)(rule->week - 1);

    while (day >= behind)
        day -= 7;
    return day * DAY_S + rule->seconds;
}

int32_t cf_zone_offset_s(const struct cf_zone *zone, int64_t wall_ms)
{
    int64_t now = floor_div(wall_ms, 1000), year, start, end;
    bool summer;

    if (!zone->has_summer)
        return zone->standard_s;
    year = date_of(floor_div(now + zone->standard_s, DAY_S)).year;
    start = moment(&zone->start, year) - zone->standard_s;
    end = moment(&zone->end, year) - zone->summer_s;
    /* In the south summer lasts over the end of the year. */
    summer = start < end ? now >= start && now < end : now >= start || now < end;
    return summer ? zone->summer_s : zone->standard_s;
}

/* ---- open? ---- */

static const struct cf_hours_day *day_of(const struct cf_hours *hours, int64_t days)
{
    struct date date = date_of(days);

    for (size_t i = 0; i < hours->n_holidays; i++) {
        const struct cf_hours_holiday *holiday = &hours->holidays[i];

        if (holiday->month == date.month && holiday->day == date.day &&
            (holiday->year == 0 || holiday->year == date.year))
            return &holiday->hours;
    }
    return &hours->week[weekday_of(days)];
}

bool cf_hours_open(const struct cf_hours *hours, int64_t wall_ms)
{
    int64_t local = floor_div(wall_ms, 1000) + cf_zone_offset_s(&hours->zone, wall_ms);
    int64_t days = floor_div(local, DAY_S), minute = (local - days * DAY_S) / 60;
    const struct cf_hours_day *day = day_of(hours, days);

    for (size_t i = 0; i < day->n; i++) {
        if (minute >= day->spans[i].from && minute < day->spans[i].to)
            return true;
    }
    return false;
}

/* ---- reading ---- */

static int read_minute(struct cf_str *rest)
{
    int64_t h = number(rest, 24), m = take(rest, ':') ? number(rest, 59) : -1;

    return h < 0 || m < 0 || (h == 24 && m > 0) ? -1 : (int)(h * 60 + m);
}

bool cf_hours_add_span(struct cf_hours_day *day, struct cf_str text)
{
    int from = read_minute(&text), to = take(&text, '-') ? read_minute(&text) : -1;

    if (from < 0 || to <= from || text.n > 0 || day->n == CF_HOURS_SPANS)
        return false;
    day->spans[day->n].from = from;
    day->spans[day->n++].to = to;
    return true;
}

bool cf_hours_date(struct cf_str text, struct cf_hours_holiday *ret_holiday)
{
    static const int longest[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t year = 0, month, day;

    if (text.n == 10) {
        year = number(&text, 9999);
        if (year < 1 || !take(&text, '-'))
            return false;
    }
    month = number(&text, 12);
    day = take(&text, '-') ? number(&text, 31) : -1;
    if (month < 1 || day < 1 || day > longest[month - 1] || text.n > 0)
        return false;
    ret_holiday->year = (int)year;
    ret_holiday->month = (int)month;
    ret_holiday->day = (int)day;
    return true;
}

static int weekday(struct cf_str name)
{
    static const char *const names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

    for (int i = 0; i < 7; i++) {
        if (cf_str_eq_nocase(name, cf_str_of(names[i])))
            return i;
    }
    return -1;
}

unsigned cf_hours_weekdays(struct cf_str text)
{
    struct cf_str first = {text.p, text.n < 3 ? text.n : 3}, last = first;
    unsigned days = 0;
    int from, to;

    if (text.n == 7 && text.p[3] == '-')
        last = (struct cf_str){text.p + 4, 3};
    else if (text.n != 3)
        return 0;
    from = weekday(first);
    to = weekday(last);
    if (from < 0 || to < 0)
        return 0;
    for (int day = from;; day = (day + 1) % 7) {
        days |= 1U << day;
        if (day == to)
            return days;
    }
}
