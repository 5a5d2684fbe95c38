/* SPDX-License-Identifier: Apache-2.0 */
#include "log/log.h"

#include <check.h>
#include <ctype.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct cf_buf line;

static void setup(void)
{
    cf_buf_init(&line, 1 << 16);
    cf_log_setup("lookup", CF_LOG_INFO);
}

static void teardown(void)
{
    cf_buf_done(&line);
}

/* One line, one object, nothing behind it. The caller releases it. */
static json_t *parsed(struct cf_str text)
{
    json_error_t error;
    json_t *object;

    ck_assert_uint_gt(text.n, 2);
    ck_assert_int_eq(text.p[text.n - 1], '\n');
    ck_assert_ptr_null(memchr(text.p, '\n', text.n - 1));
    object = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(object != NULL, "%s in %.*s", error.text, CF_STR_FMT(text));
    ck_assert(json_is_object(object));
    return object;
}

static const char *field(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static json_t *formatted(const struct cf_log_ctx *ctx, struct cf_str msg)
{
    cf_buf_clear(&line);
    cf_log_format(&line, CF_LOG_WARN, "sf", ctx, msg);
    return parsed(cf_buf_view(&line));
}

START_TEST(fields)
{
    const struct cf_log_ctx ctx = {CF_STR("call-1"), CF_STR("event-1"), "call-started", 3, 17};
    json_t *object = formatted(&ctx, CF_STR("no answer"));

    ck_assert_str_eq(field(object, "level"), "warn");
    ck_assert_str_eq(field(object, "worker"), "lookup");
    ck_assert_str_eq(field(object, "module"), "sf");
    ck_assert_str_eq(field(object, "msg"), "no answer");
    ck_assert_str_eq(field(object, "call_id"), "call-1");
    ck_assert_str_eq(field(object, "event_id"), "event-1");
    ck_assert_str_eq(field(object, "topic"), "call-started");
    ck_assert_int_eq(json_integer_value(json_object_get(object, "partition")), 3);
    ck_assert_int_eq(json_integer_value(json_object_get(object, "offset")), 17);
    ck_assert_uint_eq(strlen(field(object, "ts")), 24);
    json_decref(object);
    object = formatted(NULL, (struct cf_str){0});
    ck_assert_str_eq(field(object, "msg"), "");
    ck_assert_uint_eq(json_object_size(object), 5);
    json_decref(object);
}
END_TEST

static const struct {
    const char *text, *logged;
} masks[] = {
    {"123456", "123456"},
    {"1234567", "***67"},
    {"+15205550123", "+***23"},
    {"ani=5205550123,", "ani=***23,"},
    {"tel:+49-30-23125123", "tel:+***23"},
    {"(520) 555-0123", "(***23"},
    {"520.555.0123", "***23"},
    {"520 555 0123 x", "***23 x"},
    {"+1 (520) 555-0123", "+***23"},
    {"01 99 00 12 34", "***34"},
    {"030/23125-123", "***23"},
    {"10.0.12.113:9092", "10.0.12.113:9092"},
    {"192.168.100.200", "192.168.100.200"},
    {"1192.168.100.200", "***00"},
    {"192.168.100.200.7", "***.7"},
    {"1.2.3.4", "1.2.3.4"},
    {"2026-11-22 5205550123", "2026-11-22 ***23"},
    {"2026-11-221234", "***34"},
    {"520-555-01-2", "***-2"},
    {"2026-11-22 10:15:30", "2026-11-22 10:15:30"},
    {"2026-11-22T10:15:30.123Z", "2026-11-22T10:15:30.123Z"},
    {"HTTP 503 after 3 tries in 1500 ms", "HTTP 503 after 3 tries in 1500 ms"},
    {"12 of 34, 56", "12 of 34, 56"},
    {"offset 12345678", "offset ***78"},
    {"a-1-2-3", "a-1-2-3"},
    {"550e8400-e29b", "550e8400-e29b"},
    {"tab\tquote\"back\\", "tab\tquote\"back\\"},
    {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x93\x9e", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x93\x9e"},
    {"\x1b[31m", "\x1b[31m"},
    {"\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
    {"a\xc2\x85"
     "b\xe2\x80\xa8"
     "c",
     "a\xef\xbf\xbd"
     "b\xef\xbf\xbd"
     "c"},
};

START_TEST(messages_are_escaped_and_masked)
{
    json_t *object = formatted(NULL, cf_str_of(masks[_i].text));

    ck_assert_str_eq(field(object, "msg"), masks[_i].logged);
    for (size_t i = 0; i + 1 < line.n; i++)
        ck_assert_uint_ge((unsigned char)line.p[i], 0x20);
    ck_assert_ptr_null(memchr(line.p, 0x7f, line.n));
    json_decref(object);
}
END_TEST

START_TEST(ids_are_masked_too)
{
    const struct cf_log_ctx ctx = {CF_STR("+15205550123"), CF_STR("e\n5205550123"), "a\"b", 0, 1234567890123};
    json_t *object = formatted(&ctx, CF_STR("x"));

    ck_assert_str_eq(field(object, "call_id"), "+***23");
    ck_assert_str_eq(field(object, "event_id"), "e\n***23");
    ck_assert_str_eq(field(object, "topic"), "a\"b");
    ck_assert_int_eq(json_integer_value(json_object_get(object, "offset")), 1234567890123);
    json_decref(object);
}
END_TEST

START_TEST(everything_is_cut)
{
    static char control[4000];
    const struct cf_str bytes = {control, sizeof(control)};
    const struct cf_log_ctx ctx = {bytes, bytes, "t", 0, 0};
    json_t *object;

    memset(control, 1, sizeof(control)); /* each becomes six bytes */
    object = formatted(&ctx, bytes);
    ck_assert_uint_le(line.n, 4096);
    json_decref(object);
    memset(control, 'x', sizeof(control));
    object = formatted(NULL, bytes);
    ck_assert_uint_ge(strlen(field(object, "msg")), 990);
    ck_assert_uint_le(strlen(field(object, "msg")), 1024);
    json_decref(object);
}
END_TEST

/* Bytes that make trouble come up often: digits, separators, quotes, controls, broken UTF-8. */
static void random_bytes(unsigned *seed, char *to, size_t n)
{
    static const char often[] =
        "0123456789012345678901234567890123456789+-() ./\"\\\n\r\t\x7f\xc2\xe2\x80\xa8\xf0\xed";

    for (size_t i = 0; i < n; i++) {
        to[i] = (char)rand_r(seed);
        if (rand_r(seed) % 4)
            to[i] = often[(size_t)rand_r(seed) % (sizeof(often) - 1)];
    }
}

static size_t longest_digit_run(const char *text)
{
    size_t longest = 0, run = 0;

    for (; *text; text++) {
        run = isdigit((unsigned char)*text) ? run + 1 : 0;
        if (run > longest)
            longest = run;
    }
    return longest;
}

START_TEST(any_bytes_give_a_valid_masked_line)
{
    unsigned seed = (unsigned)_i * 2654435761U + 1;
    char bytes[3][700];

    for (int i = 0; i < 200; i++) {
        size_t n = (size_t)rand_r(&seed) % sizeof(bytes[0]);
        const struct cf_log_ctx ctx = {{bytes[0], n}, {bytes[1], n / 2}, "t", 1, rand_r(&seed)};
        json_t *object;

        for (int j = 0; j < 3; j++)
            random_bytes(&seed, bytes[j], sizeof(bytes[j]));
        object = formatted(i % 2 ? &ctx : NULL, (struct cf_str){bytes[2], sizeof(bytes[2]) - n});
        ck_assert_uint_lt(longest_digit_run(field(object, "msg")), 7);
        if (field(object, "call_id"))
            ck_assert_uint_lt(longest_digit_run(field(object, "call_id")), 7);
        ck_assert_uint_le(line.n, 4096);
        json_decref(object);
    }
}
END_TEST

/* ---- what reaches stderr: the test's stderr is a pipe while `act` runs ---- */

static void captured(void (*act)(int reader), struct cf_buf *ret_text)
{
    int ends[2], saved = dup(STDERR_FILENO);
    char bytes[4096];
    ssize_t n;

    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    (void)close(ends[1]);
    act(ends[0]);
    ck_assert_int_eq(dup2(saved, STDERR_FILENO), STDERR_FILENO);
    (void)close(saved);
    while ((n = read(ends[0], bytes, sizeof(bytes))) > 0)
        cf_buf_add(ret_text, bytes, (size_t)n);
    (void)close(ends[0]);
}

static size_t count(const struct cf_buf *text, const char *what)
{
    size_t n = 0;
    const char *at = text->p, *end = text->p + text->n;

    while (at && (at = memmem(at, (size_t)(end - at), what, strlen(what)))) {
        n++;
        at++;
    }
    return n;
}

static void write_many(int reader)
{
    const struct cf_err err = {CF_ERR_THROTTLED, 429, "http", "too many for +15205550123"};

    (void)reader;
    for (int i = 0; i < 1000; i++)
        cf_log_info("test", NULL, "the same %d", i);
    cf_log_debug("test", NULL, "below the level");
    cf_log_err(CF_LOG_ERROR, "test", NULL, "request failed", &err);
    cf_log_setup("lookup", CF_LOG_DEBUG);
    cf_log_debug("test", NULL, "at the level");
}

START_TEST(one_kind_is_limited)
{
    captured(write_many, &line);
    ck_assert_uint_eq(count(&line, "the same"), 10);
    ck_assert_uint_eq(count(&line, "the same 9\""), 1);
    ck_assert_uint_eq(count(&line, "below"), 0);
    ck_assert_uint_eq(count(&line, "at the level"), 1);
    ck_assert_uint_eq(count(&line,
                            "\"msg\":\"request failed\",\"error_kind\":\"throttled\",\"error_from\":\"http\","
                            "\"error_code\":429,\"error\":\"too many for +***23\"}"),
                      1);
}
END_TEST

/* Two kinds whose addresses fall into one slot of the limiter. */
static void flood_and_whisper(int reader)
{
    static char texts[1024] = "flood";
    const struct cf_err err = {CF_ERR_TRANSIENT, 0, "test", "lost"};

    (void)reader;
    memcpy(texts + 512, "whisper", sizeof("whisper"));
    for (int i = 0; i < 100; i++)
        cf_log_err(CF_LOG_ERROR, "test", NULL, texts, &err);
    cf_log_err(CF_LOG_ERROR, "test", NULL, texts + 512, &err);
}

START_TEST(a_flood_hides_no_other_kind)
{
    captured(flood_and_whisper, &line);
    ck_assert_uint_eq(count(&line, "flood"), 10);
    ck_assert_uint_eq(count(&line, "whisper"), 1);
}
END_TEST

static void fill_pipe(int reader)
{
    static const char *const kinds[] = {"apple", "banana", "cherry", "damson", "elderberry",
                                        "fig",   "grape",  "hazel",  "iris",   "juniper"};
    static char id[500];
    const struct cf_log_ctx ctx = {{id, sizeof(id)}, {id, sizeof(id)}, "t", 0, 0};
    const struct cf_err err = {CF_ERR_FATAL, 0, "test", "lost"};
    char bytes[8192];

    memset(id, 'x', sizeof(id));
    ck_assert_int_ge(fcntl(STDERR_FILENO, F_SETPIPE_SZ, 8192), 0);
    for (size_t i = 0; i < 50; i++)
        cf_log_err(CF_LOG_ERROR, "test", &ctx, kinds[i % 10], &err);
    ck_assert_int_gt(read(reader, bytes, sizeof(bytes)), 3000);
    cf_log_info("test", NULL, "there is room again");
}

/* Nobody reads: the writer must not wait, and says afterwards how much was lost. */
START_TEST(full_pipe_drops_and_counts)
{
    const char *last;

    captured(fill_pipe, &line);
    ck_assert_uint_eq(count(&line, "there is room again"), 1);
    ck_assert_uint_eq(count(&line, "\"dropped\":4"), 1);
    last = memrchr(line.p, '\n', line.n - 1);
    json_decref(parsed(
        (struct cf_str){last ? last + 1 : line.p, last ? (size_t)(line.p + line.n - last - 1) : line.n}));
}
END_TEST

START_TEST(level_names)
{
    enum cf_log_level level = CF_LOG_INFO;

    ck_assert(cf_log_level_of(CF_STR("debug"), &level) && level == CF_LOG_DEBUG);
    ck_assert(cf_log_level_of(CF_STR("error"), &level) && level == CF_LOG_ERROR);
    ck_assert(!cf_log_level_of(CF_STR("Error"), &level) && level == CF_LOG_ERROR);
    ck_assert(!cf_log_level_of((struct cf_str){0}, &level));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("common.log");
    TCase *tcase = tcase_create("log");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, fields);
    tcase_add_loop_test(tcase, messages_are_escaped_and_masked, 0, (int)(sizeof(masks) / sizeof(masks[0])));
    tcase_add_test(tcase, ids_are_masked_too);
    tcase_add_test(tcase, everything_is_cut);
    tcase_add_loop_test(tcase, any_bytes_give_a_valid_masked_line, 0, 20);
    tcase_add_test(tcase, one_kind_is_limited);
    tcase_add_test(tcase, a_flood_hides_no_other_kind);
    tcase_add_test(tcase, full_pipe_drops_and_counts);
    tcase_add_test(tcase, level_names);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
