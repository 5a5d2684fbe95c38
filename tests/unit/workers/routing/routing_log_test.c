/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>

#include "engine/routing_log.h"

#define HEAD(kind) "{\"v\":1,\"domain\":\"d\",\"t\":1000,\"kind\":\"" kind "\",\"cause\":{"
#define CAUSE "\"topic\":\"x\",\"partition\":2,\"offset\":3,\"eventId\":\"e\"}"

/* What is read and written again gives the same text. */
static const char *const same[] = {
    HEAD("tick") "}}",
    HEAD("tick") CAUSE "}",
    HEAD("tick") "\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"}}",
    HEAD("policy") CAUSE ",\"data\":{\"version\":4,\"policy\":\"{\\\"version\\\":4}\"}}",
    HEAD("call-ended") CAUSE ",\"data\":{\"callId\":\"c1\",\"endedAt\":\"1970-01-01T00:00:01.000Z\","
                             "\"endedBy\":\"caller\",\"reason\":\"r\",\"agentId\":\"a\"}}",
    HEAD("agent-state") CAUSE
    ",\"data\":{\"agentId\":\"a\",\"state\":\"ringing\",\"at\":\"1970-01-01T00:00:01.000Z\","
    "\"callId\":\"c\",\"offerId\":\"o\",\"teamId\":\"t\",\"name\":\"n\","
    "\"skills\":{\"x\":3,\"y\":true,\"z\":\"w\"}}}",
    HEAD("call-queued") CAUSE
    ",\"data\":{\"callId\":\"c\",\"queuedAt\":\"1970-01-01T00:00:01.000Z\",\"ani\":null,\"entryPointId\":"
    "\"ep\","
    "\"language\":\"de\",\"attributes\":{\"k\":\"v\"},\"customer\":{\"status\":\"matched\","
    "\"account\":{\"id\":\"001\",\"name\":\"Acme\",\"tier\":\"gold\",\"ownerId\":\"005\"},"
    "\"cases\":[{\"id\":\"500\",\"number\":\"1\",\"priority\":\"High\"}]},\"greeting\":{},\"treatment\":{},"
    "\"request\":{\"queueId\":\"q\",\"priority\":3,\"skills\":{\"s\":true},\"agentId\":\"a\"}}}",
};

static const struct {
    const char *text, *message;
} bad[] = {
    {"", "not valid JSON"},
    {"[]", "member v"},
    {"{\"v\":2}", "member v"},
    {"{\"v\":1,\"t\":1,\"kind\":\"tick\",\"cause\":{}}", "member domain"},
    {"{\"v\":1,\"domain\":\"d\",\"t\":-1,\"kind\":\"tick\",\"cause\":{}}", "member t"},
    {"{\"v\":1,\"domain\":\"d\",\"t\":1,\"kind\":\"tock\",\"cause\":{}}", "member kind"},
    {"{\"v\":1,\"domain\":\"d\",\"t\":1,\"kind\":\"tick\"}", "member cause"},
    {HEAD("call-ended") CAUSE "}", "member data"},
    {HEAD("call-ended") CAUSE ",\"data\":{\"callId\":\"c\"}}", "endedAt"},
    {HEAD("policy") CAUSE ",\"data\":{\"version\":1}}", "member data.policy"},
    {HEAD("policy") CAUSE ",\"data\":{\"policy\":\"\"}}", "member data.version"},
};

START_TEST(reads_what_it_wrote)
{
    struct cf_arena *arena = cf_arena_new(1 << 20);
    const struct cf_rt_record *record;
    struct cf_buf buf;
    struct cf_err err;

    cf_buf_init(&buf, 1 << 16);
    ck_assert_msg(cf_routing_log_decode(arena, cf_str_of(same[_i]), 9, &record, &err) == 0, "%s", err.text);
    ck_assert_int_eq(record->offset, 9);
    ck_assert_int_eq(record->t, 1000);
    ck_assert(cf_routing_log_encode(record, &buf, &err) == 0);
    cf_buf_char(&buf, '\0');
    ck_assert_str_eq(buf.p, same[_i]);
    cf_buf_done(&buf);
    cf_arena_free(arena);
}
END_TEST

START_TEST(refuses_with_the_member)
{
    struct cf_arena *arena = cf_arena_new(1 << 20);
    const struct cf_rt_record *record = NULL;
    struct cf_err err = {0};

    ck_assert_int_eq(cf_routing_log_decode(arena, cf_str_of(bad[_i].text), 0, &record, &err), -1);
    ck_assert_int_eq(err.kind, CF_ERR_REJECTED);
    ck_assert_msg(strstr(err.text, bad[_i].message), "%s: %s", bad[_i].text, err.text);
    ck_assert(!record);
    cf_arena_free(arena);
}
END_TEST

/* The caller's number and what was said to him stay out of the log. */
START_TEST(keeps_the_caller_out)
{
    struct cf_call_queued queued = {
        .call_id = CF_STR("c"), .ani = CF_STR("+4930901820"), .dnis = CF_STR("+49800")};
    struct cf_call_ended ended = {
        .call_id = CF_STR("c"), .ani = CF_STR("+4930901820"), .notes = CF_STR("secret")};
    struct cf_rt_record record = {.kind = CF_RT_CALL_QUEUED, .domain = CF_STR("d"), .u.call_queued = &queued};
    struct cf_buf buf;
    struct cf_err err;

    queued.greeting.text = CF_STR("Hello secret");
    cf_buf_init(&buf, 1 << 16);
    ck_assert(cf_routing_log_encode(&record, &buf, &err) == 0);
    cf_buf_char(&buf, '\0');
    ck_assert(!strstr(buf.p, "+49") && !strstr(buf.p, "secret"));
    record.kind = CF_RT_CALL_ENDED;
    record.u.call_ended = &ended;
    ck_assert(cf_routing_log_encode(&record, &buf, &err) == 0);
    cf_buf_char(&buf, '\0');
    ck_assert(!strstr(buf.p, "+49") && !strstr(buf.p, "secret"));
    cf_buf_done(&buf);
}
END_TEST

START_TEST(says_when_the_buffer_is_too_small)
{
    struct cf_rt_record record = {.kind = CF_RT_TICK, .domain = CF_STR("d")};
    struct cf_buf buf;
    struct cf_err err;

    cf_buf_init(&buf, 10);
    ck_assert_int_eq(cf_routing_log_encode(&record, &buf, &err), -1);
    ck_assert_int_eq(err.kind, CF_ERR_REJECTED);
    cf_buf_done(&buf);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("routing-log");
    TCase *codec = tcase_create("codec");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(codec, reads_what_it_wrote, 0, (int)(sizeof(same) / sizeof(same[0])));
    tcase_add_loop_test(codec, refuses_with_the_member, 0, (int)(sizeof(bad) / sizeof(bad[0])));
    tcase_add_test(codec, keeps_the_caller_out);
    tcase_add_test(codec, says_when_the_buffer_is_too_small);
    suite_add_tcase(suite, codec);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
