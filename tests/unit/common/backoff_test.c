/* SPDX-License-Identifier: Apache-2.0 */
#include "backoff/backoff.h"

#include <check.h>
#include <stdlib.h>

static const struct {
    uint32_t base_ms, cap_ms, attempt;
    uint64_t window_ms; /* the largest delay */
} rows[] = {
    {100, 30000, 0, 100},
    {100, 30000, 1, 100},
    {100, 30000, 2, 200},
    {100, 30000, 3, 400},
    {100, 30000, 9, 25600},
    {100, 30000, 10, 30000},
    {100, 30000, 31, 30000},
    {100, 30000, 32, 30000},
    {100, 30000, 33, 30000},
    {100, 30000, 64, 30000},
    {100, 30000, 65, 30000},
    {100, 30000, UINT32_MAX, 30000},
    {1, UINT32_MAX, 32, 1ULL << 31},
    {1, UINT32_MAX, 33, UINT32_MAX},
    {UINT32_MAX, UINT32_MAX, 32, UINT32_MAX},
    {500, 100, 1, 100},
    {0, 30000, 1, 0},
    {0, 30000, 40, 0},
    {100, 0, 5, 0},
};

/* The largest and the smallest random number give the two ends of the window. */
START_TEST(window_grows_to_the_cap)
{
    const struct cf_backoff backoff = {rows[_i].base_ms, rows[_i].cap_ms};

    ck_assert_uint_eq(cf_backoff_ms(&backoff, rows[_i].attempt, rows[_i].window_ms), rows[_i].window_ms);
    ck_assert_uint_eq(cf_backoff_ms(&backoff, rows[_i].attempt, rows[_i].window_ms + 1), 0);
    ck_assert_uint_eq(cf_backoff_ms(&backoff, rows[_i].attempt, 0), 0);
    ck_assert_uint_le(cf_backoff_ms(&backoff, rows[_i].attempt, UINT64_MAX), rows[_i].window_ms);
}
END_TEST

START_TEST(jitter_is_full)
{
    const struct cf_backoff backoff = {100, 30000};
    uint32_t low = 0, total = 10000;
    uint64_t random = 1;

    for (uint32_t i = 0; i < total; i++) {
        random = random * 6364136223846793005ULL + 1442695040888963407ULL;
        low += cf_backoff_ms(&backoff, 4, random >> 11) <= 400;
    }
    ck_assert_uint_gt(low, total * 45 / 100);
    ck_assert_uint_lt(low, total * 55 / 100);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("common.backoff");
    TCase *tcase = tcase_create("backoff");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tcase, window_grows_to_the_cap, 0, (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(tcase, jitter_is_full);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
