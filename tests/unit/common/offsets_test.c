/* SPDX-License-Identifier: Apache-2.0 */
#include "offsets/offsets.h"

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>

#define RECORDS 600

static struct cf_offsets *restored(int64_t next, const char *text)
{
    struct cf_offsets *offsets = NULL;
    struct cf_err err;

    ck_assert_msg(cf_offsets_new(next, cf_str_of(text), &offsets, &err) == 0, "%s", err.text);
    return offsets;
}

START_TEST(watermark_waits_for_the_first_open_record)
{
    struct cf_offsets *offsets = restored(10, "");

    for (int64_t i = 10; i < 15; i++)
        ck_assert(cf_offsets_take(offsets, i));
    cf_offsets_done(offsets, 12);
    cf_offsets_done(offsets, 11);
    ck_assert_int_eq(cf_offsets_watermark(offsets), 10);
    cf_offsets_done(offsets, 10);
    ck_assert_int_eq(cf_offsets_watermark(offsets), 13);
    ck_assert_uint_eq(cf_offsets_open(offsets), 2);
    cf_offsets_free(offsets);
}
END_TEST

START_TEST(done_set_survives_a_restart)
{
    char text[CF_OFFSETS_TEXT_MAX + 1];
    struct cf_offsets *offsets = restored(0, "");

    for (int64_t i = 0; i < 6; i++)
        ck_assert(cf_offsets_take(offsets, i));
    cf_offsets_done(offsets, 2);
    cf_offsets_done(offsets, 3);
    cf_offsets_done(offsets, 5);
    ck_assert_uint_gt(cf_offsets_encode(offsets, text), 0);
    cf_offsets_free(offsets);

    offsets = restored(0, text);
    for (int64_t i = 0; i < 6; i++)
        ck_assert_int_eq(cf_offsets_take(offsets, i), i != 2 && i != 3 && i != 5);
    cf_offsets_done(offsets, 0);
    cf_offsets_done(offsets, 1);
    ck_assert_int_eq(cf_offsets_watermark(offsets), 4);
    cf_offsets_done(offsets, 4);
    ck_assert_int_eq(cf_offsets_watermark(offsets), 6);
    ck_assert_uint_eq(cf_offsets_encode(offsets, text), 0);
    cf_offsets_free(offsets);
}
END_TEST

START_TEST(foreign_metadata_is_no_done_set)
{
    struct cf_offsets *offsets = restored(5, "some other tool");

    ck_assert(cf_offsets_take(offsets, 5));
    cf_offsets_free(offsets);
}
END_TEST

START_TEST(damaged_metadata_stops)
{
    struct cf_offsets *offsets = NULL;
    struct cf_err err = {0};

    /* Format byte, then a varint that never ends. */
    ck_assert_int_eq(cf_offsets_new(5, cf_str_of("wf//"), &offsets, &err), -1);
    ck_assert_int_eq(err.kind, CF_ERR_FATAL);
    ck_assert_ptr_null(offsets);
}
END_TEST

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return *state >> 33;
}

/* One life of a worker: takes records, finishes some at random, commits and dies. Returns the committed
 * offset. */
static int64_t live(uint64_t *rng, int64_t from, char *text, unsigned *finished)
{
    struct cf_offsets *offsets = restored(from, text);
    int64_t open[RECORDS], committed;
    size_t n = 0;

    for (int64_t next = from; next < RECORDS; next++) {
        if (next % 7 == 6)
            continue; /* a transaction marker */
        if (cf_offsets_may_take(offsets) && cf_offsets_take(offsets, next))
            open[n++] = next;
        while (n > 0 && next_random(rng) % 3 == 0) {
            size_t i = next_random(rng) % n;

            cf_offsets_done(offsets, open[i]);
            finished[open[i]]++;
            open[i] = open[--n];
        }
        if (next_random(rng) % 150 == 0)
            break;
    }
    committed = cf_offsets_watermark(offsets);
    (void)cf_offsets_encode(offsets, text);
    cf_offsets_free(offsets);
    return committed;
}

START_TEST(every_record_is_done_once_over_many_lives)
{
    uint64_t rng = (uint64_t)_i * 77777 + 1;
    unsigned finished[RECORDS] = {0};
    char text[CF_OFFSETS_TEXT_MAX + 1] = "";
    int64_t committed = 0;

    for (int lives = 0; lives < 200000 && committed < RECORDS - 7; lives++)
        committed = live(&rng, committed, text, finished);
    for (int64_t i = 0; i < committed; i++)
        ck_assert_msg(finished[i] == (i % 7 == 6 ? 0U : 1U), "seed %d: offset %lld done %u times", _i,
                      (long long)i, finished[i]);
    ck_assert_int_ge(committed, RECORDS - 7);
}
END_TEST

START_TEST(full_before_the_metadata_is)
{
    char text[CF_OFFSETS_TEXT_MAX + 1];
    struct cf_offsets *offsets = restored(0, "");
    int64_t next = 0;

    while (cf_offsets_may_take(offsets))
        ck_assert(cf_offsets_take(offsets, next++));
    for (int64_t i = 1; i < next; i += 2)
        cf_offsets_done(offsets, i);
    ck_assert_uint_le(cf_offsets_encode(offsets, text), CF_OFFSETS_TEXT_MAX);
    ck_assert_int_gt(next, 900); /* room for about a thousand in flight per partition */
    cf_offsets_free(offsets);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("common.offsets");
    TCase *tc = tcase_create("core");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tc, watermark_waits_for_the_first_open_record);
    tcase_add_test(tc, done_set_survives_a_restart);
    tcase_add_test(tc, foreign_metadata_is_no_done_set);
    tcase_add_test(tc, damaged_metadata_stops);
    tcase_add_loop_test(tc, every_record_is_done_once_over_many_lives, 0, 100);
    tcase_add_test(tc, full_before_the_metadata_is);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
