/* SPDX-License-Identifier: Apache-2.0 */
#include "json/json.h"

#include <check.h>
#include <stdlib.h>

#define ARENA_BYTES (2 * CF_JSON_ARENA_BYTES)
/* A view of a literal that may stand in a static table. */
#define LIT(literal)                                                                                         \
    {                                                                                                        \
        .p = (literal), .n = sizeof(literal) - 1                                                             \
    }

static const struct cf_json *parse(struct cf_arena *arena, struct cf_str text)
{
    struct cf_err err;

    return cf_json_parse(arena, text, &err);
}

/* ---- what is read, and what the same tree looks like when it is written ---- */

static const struct {
    const char *text, *want; /* want NULL: as `text` */
} good[] = {
    {"{}", NULL},
    {"[]", NULL},
    {" [ 1 , 2 ] \n", "[1,2]"},
    {"{\"a\":{\"b\":[1,\"x\",null,true,false]},\"c\":-7}", NULL},
    {"\"\\u00e9\\ud83d\\ude00\\/\"", "\"\xc3\xa9\xf0\x9f\x98\x80/\""},
    {"\"\\\"\\\\\\b\\f\\n\\r\\t\\u000b\\u001f\"", NULL},
    {"\"a long text without anything to escape in it, \xe2\x82\xac apart\"", NULL},
    {"\"\x7f\"", NULL},
    {"{\"\":\"\"}", NULL},
    {"{\"k\\u0065y\\n\":1}", "{\"key\\n\":1}"},
    {"9223372036854775807", NULL},
    {"-9223372036854775808", NULL},
    {"1.5", NULL},
    {"0.1", NULL},
    {"1.0", "1"},
    {"1E2", "100"},
    {"1e300", "1e+300"},
    {"12345678901234567890.0", "1.2345678901234567e+19"},
    {"4.9406564584124654e-324", "5e-324"},
    {"1.7976931348623157e308", "1.7976931348623157e+308"},
    {"1e-400", "0"},
    {"-0.0", "0"},
};

START_TEST(reads_and_writes)
{
    struct cf_arena *arena = cf_arena_new(ARENA_BYTES);
    const char *want = good[_i].want ? good[_i].want : good[_i].text;
    const struct cf_json *node = parse(arena, cf_str_of(good[_i].text));
    struct cf_jsonw w;
    struct cf_buf buf;

    ck_assert_msg(node != NULL, "row %d: %s", _i, good[_i].text);
    cf_buf_init(&buf, 4096);
    cf_jsonw_init(&w, &buf);
    cf_jsonw_node(&w, node);
    ck_assert_uint_eq(w.depth, 0);
    ck_assert_msg(cf_str_is(cf_buf_view(&buf), want), "row %d: %.*s, not %s", _i, CF_STR_FMT(buf), want);
    cf_buf_done(&buf);
    cf_arena_free(arena);
}
END_TEST

/* ---- what is refused ---- */

static const struct {
    struct cf_str text;
} bad[] = {
    {LIT("")},
    {LIT(" ")},
    {LIT("{")},
    {LIT("{\"a\":1")},
    {LIT("{\"a\":1}}")},
    {LIT("{\"a\":1} x")},
    {LIT("{}\0")},
    {LIT("{} {}")},
    {LIT("[1,]")},
    {LIT("{\"a\":1,}")},
    {LIT("{a:1}")},
    {LIT("{'a':1}")},
    {LIT("[1 2]")},
    {LIT("nul")},
    {LIT("NaN")},
    {LIT("Infinity")},
    {LIT("01")},
    {LIT("1.")},
    {LIT(".5")},
    {LIT("+1")},
    {LIT("0x10")},
    {LIT("1e400")},
    {LIT("-1e400")},
    {LIT("9223372036854775808")},
    {LIT("-9223372036854775809")},
    {LIT("123456789012345678901234567890")},
    {LIT("// x\n1")},
    {LIT("\xef\xbb\xbf{}")},
    {LIT("\"\x01\"")},
    {LIT("\"\n\"")},
    {LIT("\"a\\u0000b\"")},
    {LIT("{\"a\\u0000b\":1}")},
    {LIT("\"a\0b\"")},
    {LIT("\"\\x\"")},
    {LIT("\"\\ud800\"")},
    {LIT("\"\\udc00\\ud800\"")},
    {LIT("\"\xc3\"")},
    {LIT("\"\xc0\xaf\"")},
    {LIT("\"\xed\xa0\x80\"")},
    {LIT("\"\xf4\x90\x80\x80\"")},
    {LIT("{\"a\":\"\xe2\x82")},
    {LIT("{\"a\":1,\"a\":2}")},
    {LIT("{\"a\":1,\"\\u0061\":1}")},
    {LIT("{\"a\":1,\"b\":{\"c\":1,\"d\":1,\"c\":1}}")},
};

START_TEST(refuses)
{
    struct cf_arena *arena = cf_arena_new(ARENA_BYTES);
    struct cf_err err = {0};

    ck_assert_msg(cf_json_parse(arena, bad[_i].text, &err) == NULL, "row %d: %s", _i, bad[_i].text.p);
    ck_assert_int_eq(err.kind, CF_ERR_REJECTED);
    ck_assert_str_eq(err.from, "json");
    ck_assert_int_eq(strncmp(err.text, "not valid JSON: ", 16), 0);
    cf_arena_free(arena);
}
END_TEST

/* ---- limits ---- */

static void add_times(struct cf_buf *buf, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++)
        cf_buf_text(buf, text);
}

static const struct {
    const char *open, *close;
    size_t depth;
    bool ok;
} depths[] = {
    {"[", "]", CF_JSON_MAX_DEPTH, true},
    {"[", "]", CF_JSON_MAX_DEPTH + 1, false},
    {"[", "]", 5000, false},
    {"{\"a\":", "}", CF_JSON_MAX_DEPTH, true},
    {"{\"a\":", "}", CF_JSON_MAX_DEPTH + 1, false},
    {"{\"a\":", "}", 5000, false},
};

START_TEST(depth_is_bounded)
{
    struct cf_arena *arena = cf_arena_new(ARENA_BYTES);
    struct cf_buf buf;

    cf_buf_init(&buf, 65536);
    add_times(&buf, depths[_i].open, depths[_i].depth);
    cf_buf_text(&buf, "1");
    add_times(&buf, depths[_i].close, depths[_i].depth);
    ck_assert_msg((parse(arena, cf_buf_view(&buf)) != NULL) == depths[_i].ok, "row %d", _i);
    cf_buf_done(&buf);
    cf_arena_free(arena);
}
END_TEST

START_TEST(size_is_bounded)
{
    struct cf_arena *arena = cf_arena_new(ARENA_BYTES);
    struct cf_buf buf;

    cf_buf_init(&buf, CF_JSON_MAX_BYTES + 1);
    cf_buf_char(&buf, '"');
    add_times(&buf, "x", CF_JSON_MAX_BYTES - 2);
    cf_buf_char(&buf, '"');
    ck_assert_uint_eq(buf.n, CF_JSON_MAX_BYTES);
    ck_assert(parse(arena, cf_buf_view(&buf)) != NULL);
    cf_buf_char(&buf, ' ');
    ck_assert(parse(arena, cf_buf_view(&buf)) == NULL);
    cf_buf_done(&buf);
    cf_arena_free(arena);
}
END_TEST

static const struct {
    size_t values; /* beside the array itself */
    bool ok;
} counts[] = {{CF_JSON_MAX_NODES - 1, true}, {CF_JSON_MAX_NODES, false}, {500000, false}};

START_TEST(values_are_bounded)
{
    /* An arena of exactly the promised size: a parse that takes more aborts. */
    struct cf_arena *arena = cf_arena_new(CF_JSON_ARENA_BYTES);
    struct cf_buf buf;

    cf_buf_init(&buf, CF_JSON_MAX_BYTES);
    cf_buf_char(&buf, '[');
    add_times(&buf, "0,", counts[_i].values - 1);
    cf_buf_text(&buf, "0]");
    add_times(&buf, " ", CF_JSON_MAX_BYTES - buf.n);
    ck_assert_msg((parse(arena, cf_buf_view(&buf)) != NULL) == counts[_i].ok, "row %d", _i);
    cf_buf_done(&buf);
    cf_arena_free(arena);
}
END_TEST

/* An object of the largest size takes the promised memory and no quadratic time. */
START_TEST(large_object)
{
    struct cf_arena *arena = cf_arena_new(CF_JSON_ARENA_BYTES);
    const struct cf_json *node;
    struct cf_buf buf;

    cf_buf_init(&buf, CF_JSON_MAX_BYTES);
    cf_buf_char(&buf, '{');
    for (int i = 0; i < 65000; i++)
        cf_buf_printf(&buf, "\"%x\":%d,", (unsigned)i, i % 10);
    cf_buf_text(&buf, "\"last\":1}");
    node = parse(arena, cf_buf_view(&buf));
    ck_assert_int_eq(cf_json_get_int(node, "fde7", -1), 9); /* 64999 */
    ck_assert_int_eq(cf_json_get_int(node, "last", -1), 1);
    buf.n -= 1;
    cf_buf_text(&buf, ",\"7fff\":0}");
    cf_arena_clear(arena);
    ck_assert(parse(arena, cf_buf_view(&buf)) == NULL);
    cf_buf_done(&buf);
    cf_arena_free(arena);
}
END_TEST

/* ---- access ---- */

START_TEST(access_is_typed)
{
    struct cf_arena *arena = cf_arena_new(ARENA_BYTES);
    char text[] = "{\"s\":\"x\",\"i\":5,\"d\":6.0,\"f\":6.5,\"n\":null,\"e\":\"\",\"big\":1e300}";
    const struct cf_json *node = parse(arena, cf_str_of(text));

    memset(text, '#', sizeof(text)); /* the tree does not point into it */
    ck_assert_str_eq(cf_json_get_str(node, "s").p, "x");
    ck_assert_uint_eq(cf_json_get_str(node, "e").n, 0);
    ck_assert(cf_json_get_str(node, "e").p != NULL);
    ck_assert(cf_json_get_str(node, "i").p == NULL);
    ck_assert(cf_json_get_str(node, "none").p == NULL);
    ck_assert_int_eq(cf_json_get_int(node, "i", -1), 5);
    ck_assert_int_eq(cf_json_get_int(node, "d", -1), 6);
    ck_assert_int_eq(cf_json_get_int(node, "f", -1), -1);
    ck_assert_int_eq(cf_json_get_int(node, "big", -1), -1);
    ck_assert_int_eq(cf_json_get_int(node, "s", -1), -1);
    ck_assert_int_eq(cf_json_get(node, "n")->type, CF_JSON_NULL);
    ck_assert(cf_json_get(NULL, "n") == NULL);
    ck_assert(cf_json_get(cf_json_get(node, "s"), "n") == NULL);
    cf_arena_free(arena);
}
END_TEST

/* ---- writing ---- */

static const struct {
    struct cf_str text;
    const char *want;
    bool utf8; /* without NUL */
} escapes[] = {
    {{NULL, 0}, "\"\"", true},
    {LIT("plain"), "\"plain\"", true},
    {LIT("1234567\""), "\"1234567\\\"\"", true},
    {LIT("12345678\\9"), "\"12345678\\\\9\"", true},
    {LIT("a\0b"), "\"a\\u0000b\"", false},
    {LIT("\x1f\x20\x7f"), "\"\\u001f \x7f\"", true},
    {LIT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"", true},
    {LIT("\xff"), "\"\xef\xbf\xbd\"", false},
    {LIT("abcdefg\xe2\x82"), "\"abcdefg\xef\xbf\xbd\xef\xbf\xbd\"", false},
    {LIT("\xc0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\"", false},
    {LIT("\xed\xa0\x80!"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd!\"", false},
    {LIT("\xf4\x90\x80\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", false},
};

START_TEST(writer_escapes)
{
    struct cf_jsonw w;
    struct cf_buf buf;

    cf_buf_init(&buf, 4096);
    cf_jsonw_init(&w, &buf);
    cf_jsonw_str(&w, escapes[_i].text);
    ck_assert_msg(cf_str_is(cf_buf_view(&buf), escapes[_i].want), "row %d: %.*s", _i, CF_STR_FMT(buf));
    ck_assert_msg(cf_json_utf8_ok(escapes[_i].text) == escapes[_i].utf8, "row %d", _i);
    cf_buf_done(&buf);
}
END_TEST

/* Every byte at every place of a word, so that the eight-at-a-time scan is right everywhere. */
START_TEST(writer_scan_is_exact)
{
    for (unsigned byte = 0; byte < 0x80; byte++) {
        for (size_t at = 0; at < 20; at++) {
            struct cf_arena *arena = cf_arena_new(ARENA_BYTES);
            char text[20];
            const struct cf_json *node;
            struct cf_jsonw w;
            struct cf_buf buf;

            memset(text, ' ', sizeof(text));
            text[at] = (char)(byte ? byte : 1);
            cf_buf_init(&buf, 4096);
            cf_jsonw_init(&w, &buf);
            cf_jsonw_str(&w, (struct cf_str){text, sizeof(text)});
            node = parse(arena, cf_buf_view(&buf));
            ck_assert(node && cf_str_eq(node->u.str, (struct cf_str){text, sizeof(text)}));
            cf_buf_done(&buf);
            cf_arena_free(arena);
        }
    }
}
END_TEST

START_TEST(writer_structures)
{
    struct cf_jsonw w;
    struct cf_buf buf;

    cf_buf_init(&buf, 4096);
    cf_jsonw_init(&w, &buf);
    cf_jsonw_begin_object(&w);
    cf_jsonw_put_str(&w, "a", CF_STR("x"));
    cf_jsonw_opt_str(&w, "none", (struct cf_str){0});
    cf_jsonw_opt_str(&w, "b", CF_STR(""));
    cf_jsonw_put_int(&w, "c", INT64_MIN);
    cf_jsonw_put_time(&w, "d", 1795601730123);
    cf_jsonw_key(&w, "e");
    cf_jsonw_begin_array(&w);
    cf_jsonw_bool(&w, true);
    cf_jsonw_null(&w);
    cf_jsonw_double(&w, 1.0 / 0.0);
    cf_jsonw_begin_object(&w);
    cf_jsonw_end_object(&w);
    cf_jsonw_double(&w, 0.25);
    cf_jsonw_end_array(&w);
    cf_jsonw_key_str(&w, CF_STR("f\""));
    cf_jsonw_int(&w, 0);
    cf_jsonw_end_object(&w);
    ck_assert_uint_eq(w.depth, 0);
    cf_buf_char(&buf, '\0');
    ck_assert_str_eq(buf.p, "{\"a\":\"x\",\"b\":\"\",\"c\":-9223372036854775808,"
                            "\"d\":\"2026-11-25T10:15:30.123Z\",\"e\":[true,null,null,{},0.25],\"f\\\"\":0}");
    cf_buf_done(&buf);
}
END_TEST

static Suite *json_suite(void)
{
    Suite *suite = suite_create("json");
    TCase *tc = tcase_create("json");

    tcase_add_loop_test(tc, reads_and_writes, 0, (int)(sizeof(good) / sizeof(good[0])));
    tcase_add_loop_test(tc, refuses, 0, (int)(sizeof(bad) / sizeof(bad[0])));
    tcase_add_loop_test(tc, depth_is_bounded, 0, (int)(sizeof(depths) / sizeof(depths[0])));
    tcase_add_test(tc, size_is_bounded);
    tcase_add_loop_test(tc, values_are_bounded, 0, (int)(sizeof(counts) / sizeof(counts[0])));
    tcase_add_test(tc, large_object);
    tcase_add_test(tc, access_is_typed);
    tcase_add_loop_test(tc, writer_escapes, 0, (int)(sizeof(escapes) / sizeof(escapes[0])));
    tcase_add_test(tc, writer_scan_is_exact);
    tcase_add_test(tc, writer_structures);
    suite_add_tcase(suite, tc);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(json_suite());
    int failed;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
