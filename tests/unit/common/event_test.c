/* SPDX-License-Identifier: Apache-2.0 */
#include "event/event.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* A view of a literal that may stand in a static table. */
#define LIT(literal)                                                                                         \
    {                                                                                                        \
        .p = (literal), .n = sizeof(literal) - 1                                                             \
    }
#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

#define DATA                                                                                                 \
    "\"callId\":\"c-1\",\"ani\":\"+15207739050\",\"dnis\":\"800\",\"startedAt\":\"2026-11-22T10:15:30."      \
    "123Z\""
#define BARE "{" DATA "}"
#define ENVELOPE                                                                                             \
    "\"specversion\":\"1.0\",\"id\":\"e-1\",\"source\":\"/acd\",\"type\":\"callfleet.call-started.v1\""
#define STRUCTURED                                                                                           \
    "{" ENVELOPE ",\"time\":\"2026-11-22T12:15:31+02:00\",\"traceparent\":\"" TRACE "\",\"data\":" BARE "}"
#define TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
#define AT_MS 1795342530123 /* 2026-11-22T10:15:30.123Z */

static struct cf_arena *arena;
static struct cf_err err;

static void setup(void)
{
    arena = cf_arena_new(CF_EVENT_ARENA_BYTES);
    err = (struct cf_err){0};
}

static void teardown(void)
{
    cf_arena_free(arena);
}

static struct cf_record record_of(struct cf_str value)
{
    return (struct cf_record){.topic = "call-started", .partition = 3, .offset = 42, .value = value};
}

/* NULL when it is refused; `err` then says why. */
static const struct cf_event *decode(enum cf_event_type type, const struct cf_record *record)
{
    const struct cf_event *event = NULL;

    if (cf_event_decode(arena, type, record, &event, &err) < 0)
        return NULL;
    return event;
}

static const struct cf_event *decode_text(enum cf_event_type type, const char *text)
{
    const struct cf_record record = record_of(cf_str_of(text));

    return decode(type, &record);
}

/* ---- the forms that are accepted ---- */

static const struct cf_header cloudevents[] = {{LIT("content-type"), LIT("application/cloudevents+json")}};
static const struct cf_header shouted[] = {
    {LIT("Content-Type"), LIT("Application/CloudEvents+JSON; charset=utf-8")}};
static const struct cf_header json_only[] = {{LIT("content-type"), LIT("application/json")}};
static const struct cf_header binary[] = {{LIT("content-type"), LIT("application/json")},
                                          {LIT("ce_specversion"), LIT("1.0")},
                                          {LIT("ce_id"), LIT("wrong")},
                                          {LIT("ce_id"), LIT("e-1")}, /* the last one counts */
                                          {LIT("ce_source"), LIT("/acd")},
                                          {LIT("ce_type"), LIT("callfleet.call-started.v1")},
                                          {LIT("ce_time"), LIT("2026-11-22T10:15:31Z")},
                                          {LIT("ce_traceparent"), LIT(TRACE)},
                                          {LIT("ce_other"), LIT("\xff")}};

static const struct {
    struct cf_str value;
    const struct cf_header *headers;
    size_t n_headers;
    bool bare;
} forms[] = {
    {LIT(BARE), NULL, 0, true},
    {LIT(" \n" BARE "\r\n"), json_only, N(json_only), true},
    {LIT("\0\0\0\0\x07" BARE), NULL, 0, true},
    {LIT(STRUCTURED), cloudevents, N(cloudevents), false},
    {LIT(STRUCTURED), shouted, N(shouted), false},
    {LIT(STRUCTURED), json_only, N(json_only), false},
    {LIT(STRUCTURED), NULL, 0, false},
    {LIT("\0\0\0\0\x07" STRUCTURED), cloudevents, N(cloudevents), false},
    {LIT(BARE), binary, N(binary), false},
    {LIT("\0\0\0\0\x07" BARE), binary, N(binary), false},
};

START_TEST(forms_are_accepted)
{
    struct cf_record record = record_of(forms[_i].value);
    const struct cf_event *event;

    record.headers = forms[_i].headers;
    record.n_headers = forms[_i].n_headers;
    event = decode(CF_EVENT_CALL_STARTED, &record);
    ck_assert_msg(event != NULL, "row %d: %s", _i, err.text);
    ck_assert_int_eq(event->type, CF_EVENT_CALL_STARTED);
    ck_assert_str_eq(event->data.call_started.call_id.p, "c-1");
    ck_assert_int_eq(event->data.call_started.started_at, AT_MS);
    ck_assert(event->data.call_started.language.p == NULL);
    ck_assert_str_eq(event->id.p, forms[_i].bare ? "call-started-3-42" : "e-1");
    if (forms[_i].bare) {
        ck_assert(event->source.p == NULL && event->traceparent.p == NULL);
        ck_assert(event->time == INT64_MIN);
    } else {
        ck_assert_str_eq(event->source.p, "/acd");
        ck_assert_str_eq(event->traceparent.p, TRACE);
        ck_assert_int_eq(event->time, 1795342531000);
    }
}
END_TEST

/* ---- poison ---- */

static const struct cf_header no_id[] = {{LIT("ce_specversion"), LIT("1.0")},
                                         {LIT("ce_source"), LIT("/acd")},
                                         {LIT("ce_type"), LIT("callfleet.call-started.v1")}};
static const struct cf_header only_id[] = {{LIT("ce_id"), LIT("e-1")}};
static const struct cf_header other_topic[] = {{LIT("ce_specversion"), LIT("1.0")},
                                               {LIT("ce_id"), LIT("e-1")},
                                               {LIT("ce_source"), LIT("/acd")},
                                               {LIT("ce_type"), LIT("callfleet.call-ended.v1")}};
static const struct cf_header future[] = {{LIT("ce_specversion"), LIT("2.0")},
                                          {LIT("ce_id"), LIT("e-1")},
                                          {LIT("ce_source"), LIT("/acd")},
                                          {LIT("ce_type"), LIT("callfleet.call-started.v1")}};
static const struct cf_header bad_utf8[] = {{LIT("ce_specversion"), LIT("1.0")},
                                            {LIT("ce_id"), LIT("e-\xc3")},
                                            {LIT("ce_source"), LIT("/acd")},
                                            {LIT("ce_type"), LIT("callfleet.call-started.v1")}};
static const struct cf_header null_id[] = {{LIT("ce_specversion"), LIT("1.0")},
                                           {LIT("ce_id"), {NULL, 0}},
                                           {LIT("ce_source"), LIT("/acd")},
                                           {LIT("ce_type"), LIT("callfleet.call-started.v1")}};

static const struct {
    const char *what;
    struct cf_str value;
    const struct cf_header *headers;
    size_t n_headers;
    const char *error;
} poison[] = {
    {"tombstone", {NULL, 0}, NULL, 0, "value: null"},
    {"nothing", LIT(""), NULL, 0, "not valid JSON"},
    {"not JSON", LIT("hello"), NULL, 0, "not valid JSON"},
    {"cut", LIT("{\"callId\":\"c-1\",\"ani\""), NULL, 0, "not valid JSON"},
    {"truncated UTF-8", LIT("{" DATA ",\"language\":\"\xc3\"}"), NULL, 0, "not valid JSON"},
    {"duplicate key", LIT("{" DATA ",\"callId\":\"c-2\"}"), NULL, 0, "same key twice"},
    {"duplicate key, escaped", LIT("{" DATA ",\"call\\u0049d\":\"c-2\"}"), NULL, 0, "same key twice"},
    {"duplicate key, unknown", LIT("{" DATA ",\"x\":{\"a\":1,\"a\":1}}"), NULL, 0, "same key twice"},
    {"NUL in a string", LIT("{" DATA ",\"x\":\"a\\u0000b\"}"), NULL, 0, "NUL"},
    {"NUL byte", LIT("{" DATA ",\"x\":\"a\0b\"}"), NULL, 0, "not valid JSON"},
    {"huge number", LIT("{" DATA ",\"x\":1e400}"), NULL, 0, "not valid JSON"},
    {"trailing bytes", LIT(BARE "x"), NULL, 0, "not valid JSON"},
    {"an array", LIT("[" BARE "]"), NULL, 0, "not an object"},
    {"a string", LIT("\"c-1\""), NULL, 0, "not an object"},
    {"null", LIT("null"), NULL, 0, "not an object"},
    {"wrong type", LIT("{\"callId\":7,\"ani\":\"\",\"dnis\":\"\",\"startedAt\":\"2026-11-22T10:15:30Z\"}"),
     NULL, 0, "field callId: not a string"},
    {"missing id", LIT("{\"ani\":\"\",\"dnis\":\"\",\"startedAt\":\"2026-11-22T10:15:30Z\"}"), NULL, 0,
     "field callId: missing"},
    {"empty id", LIT("{\"callId\":\"\",\"ani\":\"\",\"dnis\":\"\",\"startedAt\":\"2026-11-22T10:15:30Z\"}"),
     NULL, 0, "field callId: empty"},
    {"bad time", LIT("{\"callId\":\"c\",\"ani\":\"\",\"dnis\":\"\",\"startedAt\":\"2026-02-29T10:15:30Z\"}"),
     NULL, 0, "field startedAt: not a time"},
    {"null field", LIT("{" DATA ",\"language\":null}"), NULL, 0, "field language: not a string"},
    {"bad attribute", LIT("{" DATA ",\"attributes\":{\"secret\":7}}"), NULL, 0,
     "field attributes: an entry is not a short string"},
    {"another event", LIT("{\"agentId\":\"a\",\"state\":\"idle\",\"at\":\"2026-11-22T10:15:30Z\"}"), NULL, 0,
     "missing"},
    {"structured without envelope", LIT(BARE), cloudevents, 1, "field specversion: missing"},
    {"structured, no event id",
     LIT("{\"specversion\":\"1.0\",\"source\":\"/acd\",\"type\":\"callfleet.call-started.v1\",\"data\":" BARE
         "}"),
     NULL, 0, "field id: missing"},
    {"future specversion",
     LIT("{\"specversion\":\"2.0\",\"id\":\"e\",\"source\":\"/"
         "a\",\"type\":\"callfleet.call-started.v1\",\"data\":" BARE "}"),
     NULL, 0, "field specversion: not 1.0"},
    {"unknown type",
     LIT("{\"specversion\":\"1.0\",\"id\":\"e\",\"source\":\"/"
         "a\",\"type\":\"com.example.order\",\"data\":" BARE "}"),
     NULL, 0, "field type: not callfleet.call-started.v1"},
    {"future type",
     LIT("{\"specversion\":\"1.0\",\"id\":\"e\",\"source\":\"/"
         "a\",\"type\":\"callfleet.call-started.v2\",\"data\":" BARE "}"),
     NULL, 0, "field type: not"},
    {"wrong topic",
     LIT("{\"specversion\":\"1.0\",\"id\":\"e\",\"source\":\"/"
         "a\",\"type\":\"callfleet.call-ended.v1\",\"data\":" BARE "}"),
     NULL, 0, "field type: not"},
    {"structured, no data", LIT("{" ENVELOPE "}"), NULL, 0, "field data: missing"},
    {"structured, data as text", LIT("{" ENVELOPE ",\"data\":\"{}\"}"), NULL, 0, "field data: not an object"},
    {"structured, data null", LIT("{" ENVELOPE ",\"data\":null}"), NULL, 0, "field data: not an object"},
    {"batch", LIT("[" STRUCTURED "]"), cloudevents, 1, "not an object"},
    {"binary without id", LIT(BARE), no_id, N(no_id), "field id: missing"},
    {"binary with an id alone", LIT(BARE), only_id, N(only_id), "field specversion: missing"},
    {"binary, wrong topic", LIT(BARE), other_topic, N(other_topic), "field type: not"},
    {"binary, future", LIT(BARE), future, N(future), "field specversion: not"},
    {"binary, broken UTF-8", LIT(BARE), bad_utf8, N(bad_utf8), "not text in UTF-8"},
    {"binary, null id", LIT(BARE), null_id, N(null_id), "field id: empty"},
    {"binary, no object", LIT("7"), binary, N(binary), "field data: not an object"},
    {"frame alone", LIT("\0\0\0\0\1"), NULL, 0, "not valid JSON"},
    {"half a frame", LIT("\0\0\0"), NULL, 0, "not valid JSON"},
    {"frame and Avro", LIT("\0\0\0\0\1\x06xyz"), NULL, 0, "not valid JSON"},
};

START_TEST(poison_is_refused)
{
    struct cf_record record = record_of(poison[_i].value);

    record.headers = poison[_i].headers;
    record.n_headers = poison[_i].n_headers;
    ck_assert_msg(decode(CF_EVENT_CALL_STARTED, &record) == NULL, "%s", poison[_i].what);
    ck_assert_int_eq(err.kind, CF_ERR_REJECTED);
    ck_assert_msg(strstr(err.text, poison[_i].error) != NULL, "%s: %s", poison[_i].what, err.text);
    ck_assert_msg(!strstr(err.text, "secret") && !strstr(err.text, "5207739050"), "%s", err.text);
}
END_TEST

/* ---- limits ---- */

START_TEST(limits)
{
    struct cf_buf buf;
    struct cf_record record;
    struct cf_header big = {CF_STR("x"), {NULL, 0}};

    cf_buf_init(&buf, CF_JSON_MAX_BYTES + 64);
    cf_buf_text(&buf, BARE);
    while (buf.n < CF_JSON_MAX_BYTES)
        cf_buf_char(&buf, ' ');
    record = record_of(cf_buf_view(&buf));
    ck_assert(decode(CF_EVENT_CALL_STARTED, &record) != NULL);
    cf_buf_char(&buf, ' ');
    record = record_of(cf_buf_view(&buf));
    ck_assert(decode(CF_EVENT_CALL_STARTED, &record) == NULL);
    ck_assert(strstr(err.text, "1048577 bytes") != NULL);

    record = record_of(CF_STR(BARE));
    big.value = (struct cf_str){buf.p, CF_EVENT_MAX_HEADER_BYTES - 1};
    record.headers = &big;
    record.n_headers = 1;
    ck_assert(decode(CF_EVENT_CALL_STARTED, &record) != NULL);
    big.value.n++;
    ck_assert(decode(CF_EVENT_CALL_STARTED, &record) == NULL);
    ck_assert(strstr(err.text, "headers") != NULL);
    cf_buf_done(&buf);
}
END_TEST

START_TEST(depth)
{
    struct cf_buf buf;

    cf_buf_init(&buf, 65536);
    cf_buf_text(&buf, "{" DATA ",\"x\":");
    for (int i = 0; i < 5000; i++)
        cf_buf_char(&buf, '[');
    for (int i = 0; i < 5000; i++)
        cf_buf_char(&buf, ']');
    cf_buf_text(&buf, "}");
    cf_buf_char(&buf, '\0');
    ck_assert(decode_text(CF_EVENT_CALL_STARTED, buf.p) == NULL);
    ck_assert(strstr(err.text, "not valid JSON") != NULL);
    cf_buf_done(&buf);
}
END_TEST

START_TEST(empty_key)
{
    struct cf_record record = record_of(CF_STR(BARE));

    record.key = CF_STR("c-1");
    ck_assert(decode(CF_EVENT_CALL_STARTED, &record) != NULL);
    record.key = CF_STR("");
    ck_assert(decode(CF_EVENT_CALL_STARTED, &record) == NULL);
    ck_assert_str_eq(err.text, "key: empty");
}
END_TEST

/* Code points, not bytes, are counted, and control characters are not printable. */
static const struct {
    const char *unit;
    int times;
    bool ok;
} ids[] = {{"x", 1, true},
           {"x", 128, true},
           {"x", 129, false},
           {"\xc3\xa9", 128, true},
           {"\xc3\xa9", 129, false},
           {"\xf0\x9f\x98\x80", 128, true},
           {"\xf0\x9f\x98\x80", 129, false},
           {" ", 1, true},
           {"\x7f", 1, false},
           {"\\n", 1, false},
           {"\xc2\x80", 1, false},
           {"\xc2\x9f", 1, false},
           {"\xc2\xa0", 1, true},
           {"\xe2\x80\xa8", 1, true}};

START_TEST(id_limits)
{
    struct cf_buf buf;

    cf_buf_init(&buf, 65536);
    cf_buf_text(&buf, "{\"callId\":\"");
    for (int i = 0; i < ids[_i].times; i++)
        cf_buf_text(&buf, ids[_i].unit);
    cf_buf_text(&buf, "\",\"ani\":\"\",\"dnis\":\"\",\"startedAt\":\"2026-11-22T10:15:30Z\"}");
    cf_buf_char(&buf, '\0');
    ck_assert_msg((decode_text(CF_EVENT_CALL_STARTED, buf.p) != NULL) == ids[_i].ok, "row %d", _i);
    cf_buf_done(&buf);
}
END_TEST

START_TEST(control_characters_anywhere)
{
    static const char *const units[] = {"\\u001f", "\\t", "\x7f", "\xc2\x85"};

    for (int at = 0; at < 20; at++) {
        char text[256];

        (void)snprintf(text, sizeof(text), "{\"callId\":\"%.*s%s%.*s\",\"endedAt\":\"2026-11-22T10:15:30Z\"}",
                       at, "abcdefghijklmnopqrst", units[_i], 20 - at, "abcdefghijklmnopqrst");
        ck_assert_msg(!decode_text(CF_EVENT_CALL_ENDED, text), "%d %d", _i, at);
        ck_assert(strstr(err.text, "field callId") != NULL);
    }
}
END_TEST

static const struct {
    const char *text;
    bool ok;
} times[] = {{"2026-11-22T10:15:30.123Z", true},
             {"2026-11-22t10:15:30z", true},
             {"2026-11-22 10:15:30Z", true},
             {"2026-11-22T10:15:30.123456789+05:30", true},
             {"2024-02-29T00:00:00Z", true},
             {"2000-02-29T00:00:00Z", true},
             {"2016-12-31T23:59:60Z", true},
             {"2016-12-31T23:59:60.5-00:00", true},
             {"0000-01-01T00:00:00+23:59", true},
             {"9999-12-31T23:59:59-23:59", true},
             {"2016-12-31T23:58:60Z", false},
             {"2017-01-01T00:59:60+01:00", false},
             {"2016-12-31T23:59:61Z", false},
             {"2026-02-29T00:00:00Z", false},
             {"1900-02-29T00:00:00Z", false},
             {"2026-11-31T00:00:00Z", false},
             {"2026-13-01T00:00:00Z", false},
             {"2026-11-22T24:00:00Z", false},
             {"2026-11-22T10:15:30", false},
             {"2026-11-22", false},
             {"2026-11-22T10:15Z", false},
             {"2026-11-22T10:15:30.Z", false},
             {"2026-11-22T10:15:30.1234567890Z", false},
             {"2026-11-22T10:15:30+0000", false},
             {"2026-11-22T10:15:30+24:00", false},
             {"2026-11-22T10:15:30Z\\n", false},
             {" 2026-11-22T10:15:30Z", false},
             {"+2026-11-22T10:15:30Z", false},
             {"1795342530123", false},
             {"", false}};

START_TEST(time_forms)
{
    char text[256];

    (void)snprintf(text, sizeof(text), "{\"callId\":\"c\",\"ani\":\"\",\"dnis\":\"\",\"startedAt\":\"%s\"}",
                   times[_i].text);
    ck_assert_msg((decode_text(CF_EVENT_CALL_STARTED, text) != NULL) == times[_i].ok, "%s", times[_i].text);
}
END_TEST

static const struct {
    const char *text;
    int64_t want; /* -2: refused */
} integers[] = {{"0", 0},
                {"-0", 0},
                {"1.0", 1},
                {"1e3", 1000},
                {"9007199254740991", 9007199254740991},
                {"9007199254740992", -2},
                {"9007199254740992.0", -2},
                {"1e300", -2},
                {"-1", -2},
                {"1.5", -2},
                {"\"1\"", -2},
                {"true", -2},
                {"null", -2}};

START_TEST(integer_forms)
{
    char text[256];
    const struct cf_event *event;

    (void)snprintf(text, sizeof(text),
                   "{\"callId\":\"c\",\"endedAt\":\"2026-11-22T10:15:30Z\",\"talkMs\":%s}",
                   integers[_i].text);
    event = decode_text(CF_EVENT_CALL_ENDED, text);
    ck_assert_msg((event != NULL) == (integers[_i].want != -2), "%s", integers[_i].text);
    if (event) {
        ck_assert_int_eq(event->data.call_ended.talk_ms, integers[_i].want);
        ck_assert_int_eq(event->data.call_ended.hold_ms, -1);
        ck_assert(event->data.call_ended.started_at == INT64_MIN);
    }
}
END_TEST

/* ---- words ---- */

START_TEST(unknown_words_are_other)
{
    const struct cf_event *event = decode_text(
        CF_EVENT_AGENT_STATE,
        "{\"new\":[{}],\"at\":\"2026-11-22T10:15:30Z\",\"state\":\"meditating\",\"agentId\":\"a\"}");

    ck_assert(event != NULL);
    ck_assert_int_eq(event->data.agent_state.state, CF_AGENT_OTHER);
    ck_assert(!event->data.agent_state.has_skills);
    ck_assert_str_eq(cf_agent_status_name(CF_AGENT_OTHER), "other");
    ck_assert_str_eq(cf_agent_status_name(CF_AGENT_WRAPUP), "wrapup");
    ck_assert_str_eq(cf_customer_status_name(CF_CUSTOMER_OTHER), "other");
    ck_assert_str_eq(cf_customer_status_name(CF_CUSTOMER_OVER_BUDGET), "over-budget");
}
END_TEST

static Suite *event_suite(void)
{
    Suite *suite = suite_create("event");
    TCase *tc = tcase_create("event");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, forms_are_accepted, 0, (int)N(forms));
    tcase_add_loop_test(tc, poison_is_refused, 0, (int)N(poison));
    tcase_add_test(tc, limits);
    tcase_add_test(tc, depth);
    tcase_add_test(tc, empty_key);
    tcase_add_loop_test(tc, id_limits, 0, (int)N(ids));
    tcase_add_loop_test(tc, control_characters_anywhere, 0, 4);
    tcase_add_loop_test(tc, time_forms, 0, (int)N(times));
    tcase_add_loop_test(tc, integer_forms, 0, (int)N(integers));
    tcase_add_test(tc, unknown_words_are_other);
    suite_add_tcase(suite, tc);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(event_suite());
    int failed;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
