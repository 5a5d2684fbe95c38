/* SPDX-License-Identifier: Apache-2.0 */
/* What is sent: every field there and back, what is refused, ids. What is read: event_test.c. */
#include "event/event.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

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

/* NULL when it is refused; `err` then says why. */
static const struct cf_event *decode_text(enum cf_event_type type, const char *text)
{
    const struct cf_record record = {
        .topic = "call-started", .partition = 3, .offset = 42, .value = cf_str_of(text)};
    const struct cf_event *event = NULL;

    if (cf_event_decode(arena, type, &record, &event, &err) < 0)
        return NULL;
    return event;
}

/* ---- every field of every event: decoded, encoded and decoded again it is the same text ---- */

#define CASE                                                                                                 \
    "{\"id\":\"5\",\"number\":\"0001\",\"subject\":\"Broken\",\"status\":\"New\",\"priority\":\"High\","     \
    "\"ownerId\":\"u\",\"createdAt\":\"2026-11-20T08:00:00.000Z\"}"
#define FULL_ACCOUNT "{\"id\":\"1\",\"name\":\"Ann & Co \xe2\x82\xac\",\"tier\":\"gold\",\"ownerId\":\"u\"}"
#define FULL_CONTACT "{\"id\":\"2\",\"name\":\"Ann\",\"ownerId\":\"u\"}"

static const struct {
    enum cf_event_type type;
    const char *subject, *data;
} whole[] = {
    {CF_EVENT_CALL_STARTED, "c",
     "{\"callId\":\"c\",\"ani\":\"\",\"dnis\":\"800\",\"startedAt\":\"2026-11-22T10:15:30.123Z\","
     "\"entryPointId\":\"ep\",\"direction\":\"inbound\",\"channel\":\"telephony\",\"language\":\"de-AT\","
     "\"parentCallId\":\"p\",\"attributes\":{\"a\":\"1\",\"b\":\"\"}}"},
    {CF_EVENT_CALL_QUEUED, "c",
     "{\"callId\":\"c\",\"queuedAt\":\"2026-11-22T10:15:30.123Z\",\"ani\":\"+1520\",\"dnis\":\"800\","
     "\"entryPointId\":\"ep\",\"language\":\"de\",\"parentCallId\":\"p\",\"attributes\":{},"
     "\"customer\":{\"status\":\"ambiguous\",\"account\":" FULL_ACCOUNT ",\"contact\":" FULL_CONTACT
     ",\"cases\":[" CASE ",{\"id\":\"6\"}],\"matchCount\":2,\"candidates\":[{\"account\":" FULL_ACCOUNT
     ",\"contact\":" FULL_CONTACT
     ",\"openCases\":0},{}],\"reason\":\"open-case\",\"source\":\"stale\",\"asOf\":"
     "\"2026-11-22T10:13:05.000Z\"},"
     "\"greeting\":{\"language\":\"de\",\"text\":\"Hallo\",\"ssml\":\"<speak/>\"},"
     "\"treatment\":{\"music\":\"m.wav\"},\"request\":{\"queueId\":\"q\",\"priority\":1,"
     "\"skills\":{\"de\":5,\"level\":2.5,\"vip\":true,\"x\":false,\"site\":\"Wien\"},\"agentId\":\"a\"}}"},
    {CF_EVENT_CALL_QUEUED, "c",
     "{\"callId\":\"c\",\"queuedAt\":\"2026-11-22T10:15:30.123Z\",\"ani\":null,"
     "\"customer\":{\"status\":\"unmatched\"},\"greeting\":{},\"treatment\":{},\"request\":{}}"},
    {CF_EVENT_CALL_ENDED, "c",
     "{\"callId\":\"c\",\"endedAt\":\"2026-11-22T10:15:30.123Z\",\"endedBy\":\"caller\",\"reason\":\"r\","
     "\"agentId\":\"a\",\"agentName\":\"A\",\"queueId\":\"q\",\"wrapUpCode\":\"w\",\"notes\":\"a\\nb\","
     "\"recordingUrl\":\"https://r\",\"transcriptUrl\":\"https://t\",\"talkMs\":1,\"holdMs\":0,\"queueMs\":2,"
     "\"ani\":\"1\",\"dnis\":\"2\",\"entryPointId\":\"ep\",\"startedAt\":\"2026-11-22T10:00:00.000Z\","
     "\"direction\":\"inbound\",\"parentCallId\":\"p\",\"attributes\":{\"a\":\"1\"}}"},
    {CF_EVENT_AGENT_STATE, "a",
     "{\"agentId\":\"a\",\"state\":\"wrapup\",\"at\":\"2026-11-22T10:15:30.123Z\",\"callId\":\"c\","
     "\"offerId\":\"o\",\"teamId\":\"t\",\"name\":\"A\",\"skills\":{},\"reason\":\"r\"}"},
    {CF_EVENT_CALL_ROUTED, "c",
     "{\"callId\":\"c\",\"agentId\":\"a\",\"decision\":\"connected\",\"domain\":\"d\",\"seq\":0,"
     "\"at\":\"2026-11-22T10:15:30.123Z\",\"waitMs\":5,\"queueId\":\"q\",\"priority\":3,\"offerId\":\"o\","
     "\"deadline\":\"2026-11-22T10:15:45.000Z\",\"position\":1,\"estimatedWaitMs\":9,\"reason\":\"r\","
     "\"cause\":{\"topic\":\"call-queued\",\"partition\":0,\"offset\":7,\"eventId\":\"e\",\"policyVersion\":"
     "1},"
     "\"screenPop\":{\"url\":\"https://"
     "x\",\"object\":\"Account\",\"id\":\"1\",\"label\":\"Ann\"},\"case\":" CASE ",\"cases\":[" CASE "]}"},
    {CF_EVENT_CALL_ROUTED, "a",
     "{\"agentId\":\"a\",\"decision\":\"agent-ready\",\"domain\":\"d\",\"seq\":1,"
     "\"at\":\"2026-11-22T10:15:30.123Z\",\"cause\":{}}"},
    {CF_EVENT_CALL_UPDATED, "c",
     "{\"callId\":\"c\",\"updatedAt\":\"2026-11-22T10:15:30.123Z\",\"outcome\":\"already-written\","
     "\"taskId\":\"t\","
     "\"caseId\":\"5\",\"commentIds\":[\"x\",\"y\"],\"contactId\":\"2\",\"accountId\":\"1\",\"attempts\":1,"
     "\"apiCalls\":0.125}"},
    {CF_EVENT_CALL_UPDATED, "c",
     "{\"callId\":\"c\",\"updatedAt\":\"2026-11-22T10:15:30.123Z\",\"outcome\":\"nothing-to-write\"}"},
};

START_TEST(round_trip)
{
    const struct cf_event *event = decode_text(whole[_i].type, whole[_i].data);
    struct cf_buf buf;
    struct cf_jsonw w;
    char want[4096];

    ck_assert_msg(event != NULL, "row %d: %s", _i, err.text);
    cf_buf_init(&buf, 65536);
    ck_assert_msg(cf_event_encode(event, &buf, &err) == 0, "row %d: %s", _i, err.text);
    (void)snprintf(want, sizeof(want),
                   "{\"specversion\":\"1.0\",\"id\":\"call-started-3-42\",\"source\":\"callfleet\","
                   "\"type\":\"callfleet.%s.v1\",\"subject\":\"%s\",\"datacontenttype\":\"application/"
                   "json\",\"data\":%s}",
                   cf_event_name(whole[_i].type), whole[_i].subject, whole[_i].data);
    cf_buf_char(&buf, '\0');
    ck_assert_str_eq(buf.p, want);
    event = decode_text(whole[_i].type, buf.p);
    ck_assert_msg(event != NULL, "row %d: %s", _i, err.text);
    cf_buf_clear(&buf);
    cf_jsonw_init(&w, &buf);
    cf_event_write_data(&w, event);
    cf_buf_char(&buf, '\0');
    ck_assert_str_eq(buf.p, whole[_i].data);
    cf_buf_done(&buf);
}
END_TEST

START_TEST(decoded_values)
{
    const struct cf_call_queued *q = &decode_text(CF_EVENT_CALL_QUEUED, whole[1].data)->data.call_queued;
    const struct cf_call_queued *bare = &decode_text(CF_EVENT_CALL_QUEUED, whole[2].data)->data.call_queued;

    ck_assert_int_eq(q->customer.status, CF_CUSTOMER_AMBIGUOUS);
    ck_assert_uint_eq(q->customer.n_cases, 2);
    ck_assert_str_eq(q->customer.cases[0].created_at.p, "2026-11-20T08:00:00.000Z");
    ck_assert_str_eq(q->customer.cases[1].id.p, "6");
    ck_assert(q->customer.cases[1].subject.p == NULL);
    ck_assert_uint_eq(q->customer.n_candidates, 2);
    ck_assert_int_eq(q->customer.candidates[0].open_cases, 0);
    ck_assert_int_eq(q->customer.candidates[1].open_cases, -1);
    ck_assert(q->customer.candidates[1].account.id.p == NULL);
    ck_assert_str_eq(q->customer.source.p, "stale");
    ck_assert_str_eq(q->customer.as_of.p, "2026-11-22T10:13:05.000Z");
    ck_assert(q->has_request && q->request.n_skills == 5 && q->request.priority == 1);
    ck_assert(q->request.skills[1].type == CF_JSON_DOUBLE && q->request.skills[1].number == 2.5);
    ck_assert(q->request.skills[2].type == CF_JSON_BOOL && q->request.skills[2].number == 1);
    ck_assert_str_eq(q->request.skills[4].text.p, "Wien");
    ck_assert(bare->ani.p == NULL && bare->has_request && bare->request.priority == 0);
    ck_assert_int_eq(bare->customer.match_count, -1);
}
END_TEST

/* ---- encoding refuses what nobody could read ---- */

START_TEST(encoding_keeps_the_contract)
{
    struct cf_event event = *decode_text(CF_EVENT_CALL_UPDATED, whole[8].data);
    struct cf_buf buf, tiny;
    char long_id[200];

    memset(long_id, 'x', sizeof(long_id));
    cf_buf_init(&buf, 65536);
    cf_buf_init(&tiny, 100);
    ck_assert_int_eq(cf_event_encode(&event, &buf, &err), 0);
    ck_assert_int_eq(cf_event_encode(&event, &tiny, &err), -1);
    event.data.call_updated.task_id = (struct cf_str){long_id, sizeof(long_id)};
    ck_assert_int_eq(cf_event_encode(&event, &buf, &err), -1);
    ck_assert(strstr(err.text, "field taskId cannot be sent") != NULL);
    ck_assert_int_eq(err.kind, CF_ERR_REJECTED);
    event.data.call_updated.task_id = (struct cf_str){0};
    event.data.call_updated.call_id = (struct cf_str){0};
    ck_assert_int_eq(cf_event_encode(&event, &buf, &err), -1);
    ck_assert(strstr(err.text, "field callId cannot be sent: missing") != NULL);
    event.data.call_updated.call_id = CF_STR("c");
    event.id = CF_STR("");
    ck_assert_int_eq(cf_event_encode(&event, &buf, &err), -1);
    cf_buf_done(&buf);
    cf_buf_done(&tiny);
}
END_TEST

/* Salesforce writes "+0000"; what is no time at all is left out. */
START_TEST(case_times_are_made_right)
{
    struct cf_case cases[] = {{.id = CF_STR("1"), .created_at = CF_STR("2026-11-20T09:00:00.000+0100")},
                              {.id = CF_STR("2"), .created_at = CF_STR("yesterday")},
                              {.id = CF_STR("3"), .created_at = CF_STR("")}};
    struct cf_customer customer = {.cases = cases, .n_cases = 3, .match_count = -1}, again;
    const struct cf_json *node;
    struct cf_jsonw w;
    struct cf_buf buf;

    cf_buf_init(&buf, 65536);
    cf_jsonw_init(&w, &buf);
    cf_event_write_customer(&w, &customer);
    node = cf_json_parse(arena, cf_buf_view(&buf), &err);
    ck_assert(node != NULL);
    ck_assert_int_eq(cf_event_read_customer(arena, node, &again, &err), 0);
    ck_assert_str_eq(again.cases[0].created_at.p, "2026-11-20T08:00:00.000Z");
    ck_assert(again.cases[1].created_at.p == NULL && again.cases[2].created_at.p == NULL);
    node = cf_json_parse(arena, CF_STR("{\"status\":\"matched\",\"cases\":[{\"id\":\"1\"},{}]}"), &err);
    ck_assert_int_eq(cf_event_read_customer(arena, node, &again, &err), -1);
    ck_assert_str_eq(err.text, "field cases.id: missing");
    cf_buf_done(&buf);
}
END_TEST

/* ---- ids ---- */

START_TEST(derived_ids)
{
    char a[37], b[37];

    /* python3 -c 'import uuid; print(uuid.uuid5(uuid.UUID("c5ae7346-12fd-45e1-9459-4845ab93b966"),
     * "e-1/lookup/0"))' */
    cf_event_derive_id(CF_STR("e-1"), "lookup", "0", a);
    ck_assert_str_eq(a, "e698e82a-04ef-5bef-9127-2a4e00787d13");
    cf_event_derive_id(CF_STR("e-1"), "lookup", "1", b);
    ck_assert_str_ne(a, b);
    cf_event_derive_id(CF_STR("e-2"), "lookup", "0", b);
    ck_assert_str_ne(a, b);
    cf_event_derive_id(CF_STR("e-1"), "routing", "0", b);
    ck_assert_str_ne(a, b);
}
END_TEST

static Suite *event_suite(void)
{
    Suite *suite = suite_create("event_encode");
    TCase *tc = tcase_create("event_encode");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, round_trip, 0, (int)N(whole));
    tcase_add_test(tc, decoded_values);
    tcase_add_test(tc, encoding_keeps_the_contract);
    tcase_add_test(tc, case_times_are_made_right);
    tcase_add_test(tc, derived_ids);
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
