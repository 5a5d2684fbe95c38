/* SPDX-License-Identifier: Apache-2.0 */
#include "clock/clock.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FIRST_MS (-62167219200000LL) /* 0000-01-01 */
#define LAST_MS 253402300799999LL    /* 9999-12-31T23:59:59.999 */

static const struct {
    const char *text, *formatted; /* formatted NULL: refused */
} times[] = {
    {"2026-11-22T10:15:30.123Z", "2026-11-22T10:15:30.123Z"},
    {"2026-11-22t10:15:30z", "2026-11-22T10:15:30.000Z"},
    {"2026-11-22 10:15:30+00:00", "2026-11-22T10:15:30.000Z"},
    {"2026-11-22T10:15:30-00:00", "2026-11-22T10:15:30.000Z"},
    {"2026-11-22T10:15:30.1Z", "2026-11-22T10:15:30.100Z"},
    {"2026-11-22T10:15:30.12Z", "2026-11-22T10:15:30.120Z"},
    {"2026-11-22T10:15:30.123999999Z", "2026-11-22T10:15:30.123Z"},
    {"2026-11-22T01:15:30+02:00", "2026-11-21T23:15:30.000Z"},
    {"2026-12-31T23:30:00-05:30", "2027-01-01T05:00:00.000Z"},
    {"2026-11-22T10:15:30+23:59", "2026-11-21T10:16:30.000Z"},
    {"2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"},
    {"2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000Z"},
    {"2024-02-28T23:59:59.999-00:01", "2024-02-29T00:00:59.999Z"},
    {"2023-02-28T23:59:59-00:01", "2023-03-01T00:00:59.000Z"},
    {"2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999Z"},
    {"1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"},
    {"0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"},
    {"9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"},
    {"9999-12-31T23:59:59.999-01:00", "9999-12-31T23:59:59.999Z"}, /* clamped */
    {"0000-01-01T00:00:00+01:00", "0000-01-01T00:00:00.000Z"},
    {"", NULL},
    {"2026", NULL},
    {"2026-11-22", NULL},
    {"2026-11-22T10:15:30", NULL},
    {"2026-11-22T10:15Z", NULL},
    {"2026-11-22T10:15:30.Z", NULL},
    {"2026-11-22T10:15:30.1234567890Z", NULL},
    {"2026-11-22T10:15:30,1Z", NULL},
    {"2026-11-22T10:15:30ZZ", NULL},
    {"2026-11-22T10:15:30Z ", NULL},
    {" 2026-11-22T10:15:30Z", NULL},
    {"2026-11-22_10:15:30Z", NULL},
    {"2026-1-22T10:15:30Z", NULL},
    {"2026-00-22T10:15:30Z", NULL},
    {"2026-13-22T10:15:30Z", NULL},
    {"2026-11-00T10:15:30Z", NULL},
    {"2026-11-31T10:15:30Z", NULL},
    {"2023-02-29T10:15:30Z", NULL},
    {"1900-02-29T10:15:30Z", NULL},
    {"2026-11-22T24:00:00Z", NULL},
    {"2026-11-22T10:60:00Z", NULL},
    {"2026-11-22T10:15:61Z", NULL},
    {"2026-11-22T10:15:30+24:00", NULL},
    {"2026-11-22T10:15:30+02:60", NULL},
    {"2026-11-22T10:15:30+0200", NULL},
    {"2026-11-22T10:15:30+02", NULL},
    {"-026-11-22T10:15:30Z", NULL},
    {"12026-11-22T10:15:30Z", NULL},
    {"20a6-11-22T10:15:30Z", NULL},
};

START_TEST(times_parse_and_format)
{
    char text[CF_CLOCK_TEXT_SIZE];
    int64_t ms = 42;

    ck_assert_int_eq(cf_clock_parse(cf_str_of(times[_i].text), &ms), times[_i].formatted != NULL);
    if (times[_i].formatted) {
        cf_clock_format(ms, text);
        ck_assert_str_eq(text, times[_i].formatted);
    } else {
        ck_assert_int_eq(ms, 42);
    }
}
END_TEST

START_TEST(a_nul_byte_is_no_separator)
{
    int64_t ms;

    ck_assert(!cf_clock_parse(CF_STR("2026-11-22\00010:15:30Z"), &ms));
    ck_assert(!cf_clock_parse(CF_STR("2026-11-22T10:15:30\000"), &ms));
}
END_TEST

static int64_t random_ms(unsigned *seed)
{
    uint64_t random = (uint64_t)rand_r(seed) << 42 ^ (uint64_t)rand_r(seed) << 21 ^ (uint64_t)rand_r(seed);

    return FIRST_MS + (int64_t)(random % (uint64_t)(LAST_MS - FIRST_MS + 1));
}

/* Against the C library's calendar, and back. */
static void round_trip(int64_t ms)
{
    char text[CF_CLOCK_TEXT_SIZE], expected[64];
    int64_t again, fraction = ((ms % 1000) + 1000) % 1000;
    time_t seconds = (time_t)((ms - fraction) / 1000);
    struct tm tm;

    ck_assert_ptr_nonnull(gmtime_r(&seconds, &tm));
    (void)snprintf(expected, sizeof(expected), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
                   tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)fraction);
    cf_clock_format(ms, text);
    ck_assert_str_eq(text, expected);
    ck_assert(cf_clock_parse(cf_str_of(text), &again));
    ck_assert_int_eq(again, ms);
}

START_TEST(random_times_round_trip)
{
    unsigned seed = 20261122;

    for (int i = 0; i < 20000; i++)
        round_trip(random_ms(&seed));
    round_trip(FIRST_MS);
    round_trip(LAST_MS);
    round_trip(0);
    round_trip(-1);
}
END_TEST

START_TEST(every_day_of_four_centuries)
{
    for (int64_t day = -141427; day < -141427 + 146097; day++) /* 1582-10-15 on */
        round_trip(day * 86400000);
}
END_TEST

START_TEST(offsets_move_the_time)
{
    unsigned seed = 7;

    for (int i = 0; i < 2000; i++) {
        int64_t base, shifted;
        int hours = rand_r(&seed) % 24, minutes = rand_r(&seed) % 60, west = rand_r(&seed) % 2;
        char text[CF_CLOCK_TEXT_SIZE], other[64];

        cf_clock_format(random_ms(&seed), text);
        ck_assert(cf_clock_parse(cf_str_of(text), &base));
        (void)snprintf(other, sizeof(other), "%.23s%c%02d:%02d", text, west ? '-' : '+', hours, minutes);
        ck_assert(cf_clock_parse(cf_str_of(other), &shifted));
        ck_assert_int_eq(shifted - base, (hours * 60 + minutes) * 60000LL * (west ? 1 : -1));
    }
}
END_TEST

START_TEST(format_clamps)
{
    char text[CF_CLOCK_TEXT_SIZE];

    cf_clock_format(INT64_MIN, text);
    ck_assert_str_eq(text, "0000-01-01T00:00:00.000Z");
    cf_clock_format(INT64_MAX, text);
    ck_assert_str_eq(text, "9999-12-31T23:59:59.999Z");
}
END_TEST

START_TEST(clocks_run)
{
    uint64_t before = cf_clock_mono_ns();

    ck_assert_uint_le(before, cf_clock_mono_ns());
    ck_assert_uint_le(before / 1000000, cf_clock_mono_ms());
    ck_assert_int_gt(cf_clock_wall_ms(), 1700000000000LL);
    ck_assert_int_le(llabs(cf_clock_wall_ms() - (int64_t)time(NULL) * 1000), 2000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("common.clock");
    TCase *tcase = tcase_create("clock");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, times_parse_and_format, 0, (int)(sizeof(times) / sizeof(times[0])));
    tcase_add_test(tcase, a_nul_byte_is_no_separator);
    tcase_add_test(tcase, random_times_round_trip);
    tcase_add_test(tcase, every_day_of_four_centuries);
    tcase_add_test(tcase, offsets_move_the_time);
    tcase_add_test(tcase, format_clamps);
    tcase_add_test(tcase, clocks_run);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
