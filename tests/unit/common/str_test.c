/* SPDX-License-Identifier: Apache-2.0 */
#include "str/str.h"

#include <check.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

START_TEST(views_compare)
{
    const struct cf_str none = {0};

    ck_assert(cf_str_eq(CF_STR("ab"), cf_str_of("ab")));
    ck_assert(!cf_str_eq(CF_STR("ab"), CF_STR("abc")));
    ck_assert(!cf_str_eq(CF_STR("ab"), CF_STR("ac")));
    ck_assert(cf_str_eq(none, CF_STR("")));
    ck_assert(cf_str_is(none, NULL));
    ck_assert(cf_str_eq(CF_STR("a\0b"), CF_STR("a\0b")));
    ck_assert(!cf_str_eq(CF_STR("a\0b"), CF_STR("a\0c")));
    ck_assert(cf_str_eq_nocase(CF_STR("aZ@[`{"), CF_STR("Az@[`{")));
    ck_assert(!cf_str_eq_nocase(CF_STR("@"), CF_STR("`"))); /* 0x20 apart, but no letters */
    ck_assert(!cf_str_eq_nocase(CF_STR("["), CF_STR("{")));
    ck_assert(!cf_str_eq_nocase(CF_STR("a"), CF_STR("ab")));
    ck_assert(cf_str_starts(CF_STR("abc"), CF_STR("ab")));
    ck_assert(cf_str_starts(CF_STR("abc"), none));
    ck_assert(cf_str_starts(none, none));
    ck_assert(!cf_str_starts(CF_STR("ab"), CF_STR("abc")));
}
END_TEST

static const struct {
    const char *text, *trimmed;
} trims[] = {{"", ""}, {" ", ""}, {"\t\n\v\f\r x y \r\n", "x y"}, {"x", "x"}, {"\x1f x\x0e", "\x1f x\x0e"}};

START_TEST(trim_cuts_white_space)
{
    ck_assert(cf_str_is(cf_str_trim(cf_str_of(trims[_i].text)), trims[_i].trimmed));
    ck_assert_uint_eq(cf_str_trim((struct cf_str){0}).n, 0);
}
END_TEST

START_TEST(copy_ends_with_nul)
{
    char to[4] = "zzz";

    ck_assert(cf_str_copy(to, 4, CF_STR("abc")));
    ck_assert_str_eq(to, "abc");
    ck_assert(!cf_str_copy(to, 4, CF_STR("abcd")));
    ck_assert_str_eq(to, "abc");
    ck_assert(cf_str_copy(to, 1, (struct cf_str){0}));
    ck_assert_str_eq(to, "");
    ck_assert(!cf_str_copy(to, 1, CF_STR("x")));
}
END_TEST

START_TEST(copy_into_nothing_aborts)
{
    char to;

    (void)cf_str_copy(&to, 0, CF_STR("x"));
}
END_TEST

static const struct {
    const char *text;
    bool fine;
    uint64_t value;
} numbers[] = {
    {"0", true, 0},
    {"007", true, 7},
    {"18446744073709551615", true, UINT64_MAX},
    {"00000000000000000000000000000000000001", true, 1},
    {"18446744073709551616", false, 0},
    {"18446744073709551620", false, 0},
    {"99999999999999999999", false, 0},
    {"", false, 0},
    {"-1", false, 0},
    {"+1", false, 0},
    {" 1", false, 0},
    {"1 ", false, 0},
    {"0x1", false, 0},
    {"1e3", false, 0},
    {"/", false, 0},
    {":", false, 0},
};

START_TEST(u64_reads_whole_numbers_only)
{
    uint64_t value = 42;

    ck_assert_int_eq(cf_str_u64(cf_str_of(numbers[_i].text), &value), numbers[_i].fine);
    ck_assert_uint_eq(value, numbers[_i].fine ? numbers[_i].value : 42);
}
END_TEST

START_TEST(buf_grows_and_views)
{
    struct cf_buf buf;
    char long_text[600];

    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    cf_buf_init(&buf, 4096);
    cf_buf_text(&buf, "a");
    cf_buf_char(&buf, '\0');
    cf_buf_str(&buf, CF_STR("b"));
    cf_buf_str(&buf, (struct cf_str){0});
    cf_buf_add(&buf, NULL, 0);
    cf_buf_u64(&buf, UINT64_MAX);
    cf_buf_i64(&buf, INT64_MIN);
    cf_buf_i64(&buf, -1);
    cf_buf_i64(&buf, 0);
    cf_buf_printf(&buf, "%s|%d", "", 7);
    ck_assert(cf_str_eq(cf_buf_view(&buf), CF_STR("a\0b18446744073709551615-9223372036854775808-10|7")));
    cf_buf_clear(&buf);
    cf_buf_printf(&buf, "%s!", long_text); /* longer than the small buffer of printf */
    ck_assert_uint_eq(buf.n, 600);
    ck_assert_int_eq(buf.p[599], '!');
    cf_buf_done(&buf);
    ck_assert_uint_eq(buf.n, 0);
    cf_buf_text(&buf, "again");
    ck_assert(cf_str_is(cf_buf_view(&buf), "again"));
    cf_buf_done(&buf);
}
END_TEST

START_TEST(buf_never_passes_its_limit)
{
    volatile size_t absurd = SIZE_MAX; /* or the compiler refuses the call below */
    struct cf_buf buf;

    cf_buf_init(&buf, 10);
    cf_buf_text(&buf, "0123456");
    cf_buf_text(&buf, "789a"); /* does not fit: dropped whole, and so is what follows */
    ck_assert(buf.full);
    cf_buf_char(&buf, 'x');
    ck_assert(cf_str_is(cf_buf_view(&buf), "0123456"));
    cf_buf_clear(&buf);
    ck_assert(!buf.full);
    cf_buf_printf(&buf, "%d", 1234567890);
    ck_assert(!buf.full && buf.n == 10 && buf.size <= 10);
    cf_buf_add(&buf, "x", absurd);
    ck_assert(buf.full && buf.n == 10);
    cf_buf_done(&buf);
}
END_TEST

/* What secrets rely on: within the room asked for, nothing moves. */
START_TEST(buf_reserve_keeps_its_place)
{
    struct cf_buf buf;
    const char *at;

    cf_buf_init(&buf, 1000);
    cf_buf_reserve(&buf, 900);
    at = buf.p;
    for (int i = 0; i < 900; i++)
        cf_buf_char(&buf, 'x');
    ck_assert_ptr_eq(buf.p, at);
    ck_assert_uint_eq(buf.n, 900);
    ck_assert(!buf.full);
    cf_buf_reserve(&buf, 101);
    ck_assert(buf.full);
    cf_buf_done(&buf);
}
END_TEST

START_TEST(buf_property)
{
    char model[512];
    size_t n = 0;
    struct cf_buf buf;
    unsigned seed = (unsigned)_i * 2654435761U + 1;

    cf_buf_init(&buf, sizeof(model));
    while (!buf.full) {
        char piece[64];
        size_t size = (size_t)rand_r(&seed) % sizeof(piece);

        for (size_t i = 0; i < size; i++)
            piece[i] = (char)rand_r(&seed);
        cf_buf_add(&buf, piece, size);
        if (n + size <= sizeof(model)) {
            memcpy(model + n, piece, size);
            n += size;
        }
        ck_assert_int_eq(cf_str_eq(cf_buf_view(&buf), (struct cf_str){model, n}), true);
    }
    cf_buf_done(&buf);
}
END_TEST

START_TEST(allocations_are_never_null)
{
    char *text = cf_strdup("x"), *zeroed = cf_calloc(0, 0);

    text = cf_realloc(text, 0);
    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_nonnull(zeroed);
    free(text);
    free(zeroed);
}
END_TEST

START_TEST(out_of_memory_aborts)
{
    free(cf_calloc(SIZE_MAX, 2));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("common.str");
    TCase *tcase = tcase_create("str");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tcase, views_compare);
    tcase_add_loop_test(tcase, trim_cuts_white_space, 0, (int)(sizeof(trims) / sizeof(trims[0])));
    tcase_add_test(tcase, copy_ends_with_nul);
    tcase_add_test_raise_signal(tcase, copy_into_nothing_aborts, SIGABRT);
    tcase_add_loop_test(tcase, u64_reads_whole_numbers_only, 0, (int)(sizeof(numbers) / sizeof(numbers[0])));
    tcase_add_test(tcase, buf_grows_and_views);
    tcase_add_test(tcase, buf_never_passes_its_limit);
    tcase_add_test(tcase, buf_reserve_keeps_its_place);
    tcase_add_loop_test(tcase, buf_property, 0, 20);
    tcase_add_test(tcase, allocations_are_never_null);
    (void)out_of_memory_aborts; /* sanitizers end the process their own way */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
    tcase_add_test_raise_signal(tcase, out_of_memory_aborts, SIGABRT);
#endif
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
