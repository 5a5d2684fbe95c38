/* SPDX-License-Identifier: Apache-2.0 */
#include "arena/arena.h"

#include <check.h>
#include <signal.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

#define KIB ((size_t)1024)

static char released[8];
static size_t n_released;

static void release(void *object)
{
    released[n_released++] = *(char *)object;
}

START_TEST(allocations_are_aligned_apart_and_kept)
{
    struct cf_arena *arena = cf_arena_new(1024 * KIB);
    unsigned char *pieces[300];
    size_t sizes[300];
    unsigned seed = 7;

    for (size_t i = 0; i < 300; i++) {
        sizes[i] = (size_t)rand_r(&seed) % 1500;
        pieces[i] = cf_arena_alloc(arena, sizes[i]);
        ck_assert_uint_eq((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        memset(pieces[i], (int)i, sizes[i]);
    }
    for (size_t i = 0; i < 300; i++) {
        for (size_t j = 0; j < sizes[i]; j++)
            ck_assert_uint_eq(pieces[i][j], (unsigned char)i);
    }
    ck_assert_uint_le(cf_arena_size(arena), 1024 * KIB);
    cf_arena_free(arena);
    cf_arena_free(NULL);
}
END_TEST

START_TEST(texts_are_copied_with_a_nul)
{
    struct cf_arena *arena = cf_arena_new(64 * KIB);
    char source[] = "text";
    struct cf_str copy = cf_arena_str(arena, cf_str_of(source));
    struct cf_str printed = cf_arena_printf(arena, "%s-%0500d", source, 7);

    source[0] = 'X';
    ck_assert(cf_str_is(copy, "text") && copy.p[4] == '\0');
    ck_assert_uint_eq(printed.n, 505);
    ck_assert_int_eq(printed.p[505], '\0');
    ck_assert_int_eq(printed.p[504], '7');
    ck_assert_str_eq(cf_arena_cstr(arena, (struct cf_str){0}), "");
    ck_assert_uint_eq(((unsigned char *)cf_arena_zalloc(arena, 3))[2], 0);
    cf_arena_free(arena);
}
END_TEST

START_TEST(clear_keeps_the_first_block_and_zalloc_zeroes_it)
{
    struct cf_arena *arena = cf_arena_new(64 * KIB);
    size_t first;

    memset(cf_arena_alloc(arena, 100), 0xff, 100);
    first = cf_arena_size(arena);
    (void)cf_arena_alloc(arena, 30 * KIB);
    ck_assert_uint_gt(cf_arena_size(arena), first);
    cf_arena_clear(arena);
    ck_assert_uint_eq(cf_arena_size(arena), first);
    for (size_t i = 0; i < 100; i++)
        ck_assert_uint_eq(((unsigned char *)cf_arena_zalloc(arena, 1))[0], 0);
    ck_assert_uint_eq(cf_arena_size(arena), first);
    cf_arena_clear(arena);
    cf_arena_clear(arena);
    cf_arena_free(arena);
}
END_TEST

START_TEST(owned_objects_go_newest_first)
{
    struct cf_arena *arena = cf_arena_new(64 * KIB);
    char a = 'a', b = 'b', c = 'c';

    ck_assert_ptr_eq(cf_arena_own(arena, &a, release), &a);
    (void)cf_arena_alloc(arena, 10 * KIB);
    (void)cf_arena_own(arena, &b, release);
    cf_arena_clear(arena);
    ck_assert_int_eq(memcmp(released, "ba", 2), 0);
    (void)cf_arena_own(arena, &c, release);
    cf_arena_free(arena);
    ck_assert_uint_eq(n_released, 3);
    ck_assert_int_eq(released[2], 'c');
}
END_TEST

/* Blocks double, but the last one takes what the limit leaves. */
START_TEST(all_of_the_limit_can_be_used)
{
    struct cf_arena *arena = cf_arena_new(10 * KIB);

    for (int i = 0; i < 10; i++)
        (void)cf_arena_alloc(arena, KIB);
    ck_assert_uint_eq(cf_arena_size(arena), 10 * KIB);
    cf_arena_free(arena);
}
END_TEST

START_TEST(over_the_limit_aborts)
{
    static const size_t sizes[] = {10 * KIB + 1, SIZE_MAX, SIZE_MAX - 7, SIZE_MAX / 2};
    struct cf_arena *arena = cf_arena_new(10 * KIB);

    (void)cf_arena_alloc(arena, sizes[_i]);
    cf_arena_free(arena);
}
END_TEST

START_TEST(one_more_than_the_limit_aborts)
{
    struct cf_arena *arena = cf_arena_new(10 * KIB);

    for (int i = 0; i < 11; i++)
        (void)cf_arena_alloc(arena, KIB);
    cf_arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("common.arena");
    TCase *tcase = tcase_create("arena");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tcase, allocations_are_aligned_apart_and_kept);
    tcase_add_test(tcase, texts_are_copied_with_a_nul);
    tcase_add_test(tcase, clear_keeps_the_first_block_and_zalloc_zeroes_it);
    tcase_add_test(tcase, owned_objects_go_newest_first);
    tcase_add_test(tcase, all_of_the_limit_can_be_used);
    tcase_add_loop_test_raise_signal(tcase, over_the_limit_aborts, SIGABRT, 0, 4);
    tcase_add_test_raise_signal(tcase, one_more_than_the_limit_aborts, SIGABRT);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
