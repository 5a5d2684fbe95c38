/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hours - when a queue is open: weekdays, holidays, time zone with summer time.
 *
 * A zone is a POSIX TZ text such as "CET-1CEST,M3.5.0,M10.5.0/3" - the last line of a zoneinfo file. An IANA
 * name would be read from the files of whatever machine runs the engine, and two machines with different
 * files would decide differently; a zone in the policy is in the log like all else. Promise: pure.
 */
#ifndef CF_ENGINE_HOURS_H
#define CF_ENGINE_HOURS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "str/str.h"

enum { CF_HOURS_SPANS = 4 }; /* of one day */

/* Month 1-12, week 1-5 (5: the last), weekday 0-6 (0: Sunday), then so many seconds after local midnight. */
struct cf_zone_rule {
    int month, week, weekday;
    int32_t seconds;
};

struct cf_zone {
    int32_t standard_s, summer_s; /* east of UTC */
    bool has_summer;
    struct cf_zone_rule start, end; /* of summer time */
};

struct cf_hours_day {
    struct {
        int from, to; /* minutes of the day, to behind the last */
    } spans[CF_HOURS_SPANS];
    size_t n; /* 0: closed */
};

struct cf_hours_holiday {
    int year, month, day; /* year 0: every one */
    struct cf_hours_day hours;
};

struct cf_hours {
    struct cf_str id;
    struct cf_zone zone;
    struct cf_hours_day week[7]; /* 0: Sunday */
    const struct cf_hours_holiday *holidays;
    size_t n_holidays;
};

/** false: not a zone of that form. */
bool cf_zone_parse(struct cf_str text, struct cf_zone *ret_zone);
/** Seconds east of UTC at that moment. */
int32_t cf_zone_offset_s(const struct cf_zone *zone, int64_t wall_ms);
bool cf_hours_open(const struct cf_hours *hours, int64_t wall_ms);

/** "08:00-12:00"; false: not such a text. A day ends at 24:00. */
bool cf_hours_add_span(struct cf_hours_day *day, struct cf_str text);
/** "2026-12-25", or "12-25" for every year. */
bool cf_hours_date(struct cf_str text, struct cf_hours_holiday *ret_holiday);
/** "mon", "mon-fri", "sat-sun": which days, as bits (1: Sunday); 0: not such a text. */
unsigned cf_hours_weekdays(struct cf_str text);

#endif
