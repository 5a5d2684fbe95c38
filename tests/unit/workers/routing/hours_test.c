/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>

#include "clock/clock.h"
#include "engine/hours.h"

#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"
#define SYDNEY "AEST-10AEDT,M10.1.0,M4.1.0/3"
#define NEW_YORK "EST5EDT,M3.2.0,M11.1.0"

/* Around every change of the clocks. Wall seconds since 1970. */
static const struct {
    const char *zone;
    int64_t at_s;
    int32_t offset_s;
} offsets[] = {
    {"UTC", 0, 0},
    {BERLIN, 1700000000, 3600},
    {BERLIN, 1711846799, 3600}, /* 2024-03-31T00:59:59Z */
    {BERLIN, 1711846800, 7200},
    {BERLIN, 1729990799, 7200}, /* 2024-10-27T00:59:59Z */
    {BERLIN, 1729990800, 3600},
    {BERLIN, 1798761599, 3600},     /* 2026-12-31T23:59:59Z */
    {NEW_YORK, 1710053999, -18000}, /* 2024-03-10T06:59:59Z */
    {NEW_YORK, 1710054000, -14400},
    {NEW_YORK, 1730613599, -14400}, /* 2024-11-03T05:59:59Z */
    {NEW_YORK, 1730613600, -18000},
    {SYDNEY, 1712419199, 39600}, /* 2024-04-06T15:59:59Z */
    {SYDNEY, 1712419200, 36000},
    {SYDNEY, 1728143999, 36000}, /* 2024-10-05T15:59:59Z */
    {SYDNEY, 1728144000, 39600},
    {SYDNEY, 1735689599, 39600}, /* 2024-12-31T23:59:59Z */
    {"<+0545>-5:45", 1700000000, 20700},
    {"IST-1GMT0,M10.5.0,M3.5.0/1", 1711846799, 0}, /* Dublin: winter time is the exception */
    {"IST-1GMT0,M10.5.0,M3.5.0/1", 1711846800, 3600},
};

START_TEST(knows_the_offset)
{
    struct cf_zone zone;

    ck_assert(cf_zone_parse(cf_str_of(offsets[_i].zone), &zone));
    ck_assert_int_eq(cf_zone_offset_s(&zone, offsets[_i].at_s * 1000 + 999), offsets[_i].offset_s);
}
END_TEST

START_TEST(refuses_other_zones)
{
    static const char *const bad[] = {
        "",          "Europe/Berlin",    "CE-1",           "CET",
        "CET-1CEST", "CET-1CEST,J60,J3", "CET-25",         "CET-1CEST,M13.1.0,M1.1.0",
        "CET-1x",    "CET-1CEST,M3.5.0", "CET-1CEST,M3.5", "<CET-1"};
    struct cf_zone zone;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!cf_zone_parse(cf_str_of(bad[i]), &zone), "%s", bad[i]);
}
END_TEST

/* Monday to Friday 08:00-12:00 and 13:00-18:00, Saturday all day; two holidays. Berlin. */
static void make_hours(struct cf_hours *hours, struct cf_hours_holiday holidays[2])
{
    *hours = (struct cf_hours){.holidays = holidays, .n_holidays = 2};
    ck_assert(cf_zone_parse(CF_STR(BERLIN), &hours->zone));
    ck_assert_uint_eq(cf_hours_weekdays(CF_STR("mon-fri")), 0x3e);
    ck_assert_uint_eq(cf_hours_weekdays(CF_STR("SAT-mon")), 0x43);
    for (size_t i = 1; i <= 5; i++)
        ck_assert(cf_hours_add_span(&hours->week[i], CF_STR("08:00-12:00")) &&
                  cf_hours_add_span(&hours->week[i], CF_STR("13:00-18:00")));
    ck_assert(cf_hours_add_span(&hours->week[6], CF_STR("00:00-24:00")));
    ck_assert(cf_hours_date(CF_STR("12-25"), &holidays[0]));
    ck_assert(cf_hours_date(CF_STR("2026-12-24"), &holidays[1]));
    ck_assert(cf_hours_add_span(&holidays[1].hours, CF_STR("08:00-10:30")));
}

START_TEST(is_open)
{
    static const struct {
        const char *at;
        bool open;
    } rows[] = {
        {"2026-11-23T06:59:59.999Z", false}, {"2026-11-23T07:00:00.000Z", true}, /* Monday, winter */
        {"2026-11-23T10:59:59.999Z", true},  {"2026-11-23T11:00:00.000Z", false},
        {"2026-11-23T12:00:00.000Z", true},  {"2026-11-23T17:00:00.000Z", false},
        {"2026-07-06T06:00:00.000Z", true},  {"2026-07-06T16:00:00.000Z", false}, /* summer */
        {"2026-11-27T23:00:00.000Z", true},  {"2026-11-28T22:59:59.999Z", true},  /* Saturday, all day */
        {"2026-11-28T23:00:00.000Z", false}, {"2026-11-22T12:00:00.000Z", false},
        {"2026-12-24T09:00:00.000Z", true},  {"2026-12-24T09:30:00.000Z", false}, /* half a day */
        {"2025-12-24T09:30:00.000Z", true},  {"2026-12-25T09:00:00.000Z", false},
        {"2028-12-25T09:00:00.000Z", false},
    };
    struct cf_hours_holiday holidays[2] = {{0}};
    struct cf_hours hours;
    int64_t at;

    make_hours(&hours, holidays);
    ck_assert(cf_clock_parse(cf_str_of(rows[_i].at), &at));
    ck_assert_int_eq(cf_hours_open(&hours, at), rows[_i].open);
}
END_TEST

START_TEST(refuses_other_texts)
{
    static const char *const spans[] = {
        "", "8", "08:00", "08:00-08:00", "09:00-08:00", "08:00-24:01", "08:60-09:00", "08:00-09:00x"};
    static const char *const dates[] = {"",           "12",         "13-01",      "02-30",
                                        "2026-00-01", "2026-1-01x", "0000-01-01", "12-2x"};
    static const char *const days[] = {"", "mo", "monday", "mon-", "mon/fri", "xxx"};
    struct cf_hours_holiday holiday;
    struct cf_hours_day day = {.n = 0};

    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++)
        ck_assert_msg(!cf_hours_add_span(&day, cf_str_of(spans[i])), "%s", spans[i]);
    for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++)
        ck_assert_msg(!cf_hours_date(cf_str_of(dates[i]), &holiday), "%s", dates[i]);
    for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++)
        ck_assert_msg(cf_hours_weekdays(cf_str_of(days[i])) == 0, "%s", days[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hours");
    TCase *hours = tcase_create("hours");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(hours, knows_the_offset, 0, (int)(sizeof(offsets) / sizeof(offsets[0])));
    tcase_add_test(hours, refuses_other_zones);
    tcase_add_loop_test(hours, is_open, 0, 17);
    tcase_add_test(hours, refuses_other_texts);
    suite_add_tcase(suite, hours);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
