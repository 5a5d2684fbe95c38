/* SPDX-License-Identifier: Apache-2.0 */
/* The requests of the post-call stage and their answers: good, bad and hostile ones. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "postcall_write.h"

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))
#define TASK "00T000000000001AAA"
#define CASE "500000000000001AAA"

static const struct postcall_org org = {.api_version = "v60.0", .external_id_field = "Call_Id__c"},
                                 bare_org = {.api_version = "v60.0"};
static const struct postcall_found nothing;
static const struct postcall_customer customer = {
    {"003000000000001AAA", 18}, {"001000000000001AAA", 18}, {CASE, 18}};

static struct cf_arena *arena;
static struct postcall_plan plan;

static void setup(void)
{
    static const struct postcall_field fields[] = {{"Queue__c", {"q", 1}}};

    arena = cf_arena_new(8U << 20);
    plan = (struct postcall_plan){.key = CF_STR("c'1"),
                                  .marker = CF_STR("[callfleet:c'1]"),
                                  .subject = CF_STR("Call \"x\""),
                                  .description = CF_STR("text\n[callfleet:c'1]"),
                                  .call_type = CF_STR("Inbound"),
                                  .activity_date = CF_STR("2026-11-22"),
                                  .duration_s = 7,
                                  .fields = fields,
                                  .n_fields = 1,
                                  .parts = {CF_STR("one"), CF_STR("two")},
                                  .n_parts = 2};
}

static void teardown(void)
{
    cf_arena_free(arena);
}

static const char *text(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_string(value) ? json_string_value(value) : "";
}

static const json_t *request(const json_t *graph, size_t i)
{
    return json_array_get(json_object_get(graph, "compositeRequest"), i);
}

static size_t count(const json_t *graph)
{
    return json_array_size(json_object_get(graph, "compositeRequest"));
}

static struct postcall_call call_of(const struct postcall_customer *whose, const struct postcall_found *found)
{
    return (struct postcall_call){&plan, whose, found};
}

START_TEST(test_first)
{
    struct postcall_call call = call_of(&customer, &nothing);
    json_t *graph = postcall_write_graph(&org, &call, 7);
    const json_t *task = json_object_get(request(graph, 0), "body");
    const json_t *comment = json_object_get(request(graph, 2), "body");
    size_t bytes;

    ck_assert_str_eq(text(graph, "graphId"), "g7");
    ck_assert_uint_eq(count(graph), 3);
    ck_assert_uint_eq(postcall_write_nodes(&call, &bytes), 3);
    ck_assert_uint_gt(bytes, 100);
    ck_assert_str_eq(text(request(graph, 0), "method"), "POST");
    ck_assert_str_eq(text(request(graph, 0), "url"), "/services/data/v60.0/sobjects/Task");
    ck_assert_str_eq(text(task, "Call_Id__c"), "c'1");
    ck_assert_str_eq(text(task, "CallObject"), "c'1");
    ck_assert_str_eq(text(task, "Subject"), "Call \"x\"");
    ck_assert_str_eq(text(task, "Queue__c"), "q");
    ck_assert_str_eq(text(task, "TaskSubtype"), "Call");
    ck_assert_str_eq(text(task, "WhoId"), "003000000000001AAA");
    ck_assert_str_eq(text(task, "WhatId"), CASE);
    ck_assert_ptr_null(json_object_get(task, "CallDisposition"));
    ck_assert_int_eq(json_integer_value(json_object_get(task, "CallDurationInSeconds")), 7);
    ck_assert_str_eq(text(request(graph, 2), "url"), "/services/data/v60.0/sobjects/CaseComment");
    ck_assert_str_eq(text(comment, "ParentId"), CASE);
    ck_assert_str_eq(text(comment, "CommentBody"), "two");
    json_decref(graph);
}
END_TEST

START_TEST(test_first_for_an_account)
{
    struct postcall_customer account = {.account_id = customer.account_id};
    struct postcall_call call = call_of(&account, &nothing);
    const json_t *task;
    json_t *graph;

    plan.n_parts = 0;
    graph = postcall_write_graph(&bare_org, &call, 0);
    task = json_object_get(request(graph, 0), "body");
    ck_assert_uint_eq(count(graph), 1);
    ck_assert_str_eq(text(task, "WhatId"), "001000000000001AAA");
    ck_assert_ptr_null(json_object_get(task, "WhoId"));
    ck_assert_ptr_null(json_object_get(task, "Call_Id__c"));
    json_decref(graph);
}
END_TEST

/* What [task_fields] names wins over the usual value, also with nothing; what the org lacks is left out. */
START_TEST(test_mapped_and_dropped)
{
    static const struct cf_pair mapped[] = {{"priority", "High"}, {"CallType", ""}, {NULL, NULL}};
    static const struct postcall_field fields[] = {{"priority", {"High", 4}}, {"Queue__c", {"q", 1}}};
    struct postcall_org lacking = org;
    struct postcall_call call = call_of(&customer, &nothing);
    const json_t *task;
    json_t *graph;

    plan.mapped = mapped;
    plan.fields = fields;
    plan.n_fields = 2;
    lacking.n_dropped = 2;
    strcpy(lacking.dropped[0], "queue__C");
    strcpy(lacking.dropped[1], "CallDurationInSeconds");
    graph = postcall_write_graph(&lacking, &call, 0);
    task = json_object_get(request(graph, 0), "body");
    ck_assert_str_eq(text(task, "priority"), "High");
    ck_assert_ptr_null(json_object_get(task, "Priority"));
    ck_assert_ptr_null(json_object_get(task, "CallType"));
    ck_assert_ptr_null(json_object_get(task, "Queue__c"));
    ck_assert_ptr_null(json_object_get(task, "CallDurationInSeconds"));
    ck_assert_str_eq(text(task, "Status"), "Completed");
    json_decref(graph);
}
END_TEST

START_TEST(test_read)
{
    struct postcall_call calls[2] = {call_of(&customer, &nothing), call_of(&customer, &nothing)};
    struct postcall_plan other = plan;
    json_t *composite = postcall_write_read(&org, calls, 1);

    ck_assert(!json_is_true(json_object_get(composite, "allOrNone")));
    ck_assert_uint_eq(count(composite), 2);
    ck_assert_str_eq(
        text(request(composite, 0), "url"),
        "/services/data/v60.0/query?q=SELECT%20Id%2C%20Call_Id__c%2C%20Description%20FROM%20Task%20WHERE%20"
        "Call_Id__c%20IN%20%28%27c%5C%271%27%29%20ORDER%20BY%20CreatedDate%2C%20Id%20LIMIT%2010");
    ck_assert_ptr_nonnull(strstr(text(request(composite, 1), "url"), "ParentId%20IN%20%28%27" CASE "%27%29"));
    json_decref(composite);
    other.key = CF_STR("c2");
    other.n_parts = 0;
    calls[1].plan = &other;
    composite = postcall_write_read(&bare_org, calls, 2);
    ck_assert_ptr_nonnull(strstr(text(request(composite, 0), "url"),
                                 "WHERE%20CallObject%20IN%20%28%27c%5C%271%27%2C%27c2%27%29"));
    ck_assert_ptr_nonnull(strstr(text(request(composite, 1), "url"), "ParentId%20IN%20%28%27" CASE "%27%29"));
    json_decref(composite);
    composite = postcall_write_read(&org, calls + 1, 1); /* no case: no comments */
    ck_assert_uint_eq(count(composite), 1);
    json_decref(composite);
}
END_TEST

static const struct {
    const char *task;
    bool ours, consult, complete, has_first;
    size_t requests; /* 0: nothing to write */
    const char *method;
} rests[] = {
    {NULL, false, false, false, false, 3, "POST"},
    {NULL, false, false, true, false, 1, "POST"}, /* somebody deleted the Task */
    {TASK, true, false, false, false, 0, NULL},   /* its comments came with it, or were not wanted */
    {TASK, true, false, false, true, 0, NULL},
    {TASK, true, false, true, false, 0, NULL},
    {TASK, false, false, false, false, 3, "PATCH"},
    {TASK, false, false, true, false, 1, "PATCH"},
    {TASK, false, true, true, false, 0, NULL},
    {TASK, false, true, false, false, 2, "POST"},
    {TASK, false, true, false, true, 1, "POST"},
};

START_TEST(test_rest)
{
    struct postcall_found found = {.task_id = cf_str_of(rests[_i].task),
                                   .task_is_ours = rests[_i].ours,
                                   .comments_complete = rests[_i].complete};
    struct postcall_call call = call_of(&customer, &found);
    json_t *graph;
    size_t bytes;

    if (rests[_i].has_first)
        found.comment_ids[0] = CF_STR("00a000000000001AAA");
    plan.consult = rests[_i].consult;
    graph = postcall_write_graph(&org, &call, 0);
    ck_assert_uint_eq(count(graph), rests[_i].requests);
    ck_assert_uint_eq(postcall_write_nodes(&call, &bytes), rests[_i].requests);
    if (rests[_i].method) {
        const json_t *body = json_object_get(request(graph, 0), "body");

        ck_assert_str_eq(text(request(graph, 0), "method"), rests[_i].method);
        /* What can be set at creation only, or names the record, is not in a change. */
        if (strcmp(rests[_i].method, "PATCH") == 0)
            ck_assert(!json_object_get(body, "TaskSubtype") && !json_object_get(body, "Call_Id__c"));
    }
    json_decref(graph);
}
END_TEST

/* ---- answers to writes ---- */

#define PART(ref, status, body)                                                                              \
    "{\"referenceId\":\"" ref "\",\"httpStatusCode\":" status ",\"body\":" body "}"
#define ERROR(code) "[{\"errorCode\":\"" code "\",\"message\":\"m\"}]"
#define HALTED PART("part0", "400", ERROR("PROCESSING_HALTED"))
#define MADE(ref, id) PART(ref, "201", "{\"id\":\"" id "\",\"success\":true}")

#define NO_COLUMN                                                                                            \
    "[{\"errorCode\":\"INVALID_FIELD\",\"message\":\"No such column 'Queue__c' on sobject of type Task\"}]"
#define NO_ACCESS                                                                                            \
    "[{\"errorCode\":\"INVALID_FIELD_FOR_INSERT_UPDATE\",\"message\":\"m\",\"fields\":[\"Queue__c\"]}]"

static const struct {
    const char *parts; /* of compositeResponse */
    enum postcall_verdict verdict;
    enum cf_err_kind kind;
} written[] = {
    {MADE("task", TASK) "," MADE("part0", "00a000000000001AAA"), POSTCALL_WRITTEN, 0},
    {PART("task", "400", ERROR("DUPLICATE_VALUE")) "," HALTED, POSTCALL_REPEAT, 0},
    {HALTED "," PART("task", "400", ERROR("DUPLICATE_VALUE")), POSTCALL_REPEAT, 0},
    {PART("task", "400", NO_COLUMN) "," HALTED, POSTCALL_NO_FIELD, CF_ERR_CONFIG},
    {PART("task", "400", NO_ACCESS) "," HALTED, POSTCALL_NO_FIELD, CF_ERR_CONFIG},
    {PART("part0", "400", ERROR("INVALID_FIELD")) "," HALTED, POSTCALL_FAILED, CF_ERR_CONFIG},
    {PART("task", "400", ERROR("INVALID_TYPE")) "," HALTED, POSTCALL_FAILED, CF_ERR_CONFIG},
    {PART("task", "400", ERROR("UNABLE_TO_LOCK_ROW")) "," HALTED, POSTCALL_LOCKED, CF_ERR_TRANSIENT},
    {PART("part1", "400", ERROR("STRING_TOO_LONG")) "," HALTED, POSTCALL_FAILED, CF_ERR_REJECTED},
    {PART("part0", "404", ERROR("ENTITY_IS_DELETED")), POSTCALL_STALE, CF_ERR_REJECTED},
    {PART("task", "400", ERROR("INVALID_CROSS_REFERENCE_KEY")), POSTCALL_STALE, CF_ERR_REJECTED},
    {HALTED "," HALTED, POSTCALL_HALTED, CF_ERR_TRANSIENT},
    {PART("task", "500", "null"), POSTCALL_UNCLEAR, CF_ERR_TRANSIENT},
    {PART("task", "500", ERROR("DUPLICATE_VALUE")), POSTCALL_UNCLEAR, 0},
    {PART("task", "\"200\"", "null"), POSTCALL_UNCLEAR, CF_ERR_TRANSIENT},
    {MADE("task", "not an id"), POSTCALL_UNCLEAR, CF_ERR_TRANSIENT},
    {MADE("other", TASK), POSTCALL_UNCLEAR, CF_ERR_TRANSIENT},
    {MADE("task", TASK) "," MADE("part99", TASK) "," MADE("part", TASK) "," MADE("part-1", TASK),
     POSTCALL_WRITTEN, 0},
    {"1,null,[],{}", POSTCALL_UNCLEAR, CF_ERR_TRANSIENT},
    {"", POSTCALL_UNCLEAR, CF_ERR_TRANSIENT},
};

static json_t *load(const char *before, const char *parts, const char *after)
{
    struct cf_buf buf;
    json_t *answer;

    cf_buf_init(&buf, 65536);
    cf_buf_text(&buf, before);
    cf_buf_text(&buf, parts);
    cf_buf_text(&buf, after);
    answer = json_loadb(buf.p, buf.n, 0, NULL);
    ck_assert_msg(answer, "%s", parts);
    cf_buf_done(&buf);
    return answer;
}

static json_t *answer_of(const char *parts)
{
    return load("{\"compositeResponse\":[", parts, "]}");
}

#define GRAPH(id, successful) "{\"graphId\":\"" id "\",\"isSuccessful\":" successful

/* Ours is g1, whatever the other says. */
static json_t *graphs_of(const char *parts, bool good)
{
    if (good)
        return load("{\"graphs\":[" GRAPH("g0", "false") "}," GRAPH(
                        "g1", "true") ",\"graphResponse\":{\"compositeResponse\":[",
                    parts, "]}}]}");
    return load("{\"graphs\":[" GRAPH("g1", "false") ",\"graphResponse\":{\"compositeResponse\":[", parts,
                "]}}," GRAPH("g0", "true") "}]}");
}

START_TEST(test_written)
{
    struct postcall_found found = {0};
    struct postcall_outcome outcome;
    json_t *answer = graphs_of(written[_i].parts, written[_i].verdict == POSTCALL_WRITTEN);

    postcall_read_written(arena, &org, answer, 1, &found, &outcome);
    ck_assert_int_eq(outcome.verdict, written[_i].verdict);
    json_decref(answer);
    if (written[_i].verdict == POSTCALL_WRITTEN)
        ck_assert(cf_str_is(found.task_id, TASK));
    if (written[_i].kind)
        ck_assert_int_eq(outcome.err.kind, written[_i].kind);
    if (outcome.verdict == POSTCALL_NO_FIELD)
        ck_assert_str_eq(outcome.field, "Queue__c");
}
END_TEST

/* Not the graph we asked for, or one that contradicts itself, proves nothing. */
START_TEST(test_graphs_that_are_not_there)
{
    static const char *const answers[] = {
        "{}",
        "{\"graphs\":null}",
        "{\"graphs\":[]}",
        "{\"graphs\":[1,null]}",
        "{\"graphs\":[{\"graphId\":\"g0\",\"isSuccessful\":true}]}",
        "{\"graphs\":[{\"graphId\":\"g1\",\"isSuccessful\":true}]}",
        "{\"graphs\":[{\"graphId\":\"g1\",\"isSuccessful\":false,\"graphResponse\":{\"compositeResponse\":"
        "[" MADE("task", TASK) "]}}]}",
        "[]",
    };

    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct postcall_found found = {0};
        struct postcall_outcome outcome;
        json_t *answer = json_loads(answers[i], 0, NULL);

        ck_assert_ptr_nonnull(answer);
        postcall_read_written(arena, &org, answer, 1, &found, &outcome);
        ck_assert_int_eq(outcome.verdict, POSTCALL_UNCLEAR);
        ck_assert_ptr_null(found.task_id.p);
        json_decref(answer);
    }
}
END_TEST

/* Without the unique field a duplicate value is somebody else's rule. */
START_TEST(test_duplicate_in_a_bare_org)
{
    struct postcall_found found = {0};
    struct postcall_outcome outcome;
    json_t *answer = graphs_of(PART("task", "400", ERROR("DUPLICATE_VALUE")), false);

    postcall_read_written(arena, &bare_org, answer, 1, &found, &outcome);
    ck_assert_int_eq(outcome.verdict, POSTCALL_FAILED);
    json_decref(answer);
}
END_TEST

/* ---- answers to reads ---- */

#define RECORDS(ref, records) PART(ref, "200", "{\"records\":[" records "]}")
#define TASK_OF(key, id, text)                                                                               \
    "{\"Id\":\"" id "\",\"call_id__C\":\"" key "\",\"CallObject\":\"" key "\",\"Description\":\"" text "\"}"
#define TASK_ROW(id, text) TASK_OF("c'1", id, text)
#define COMMENT_OF(parent, id, text)                                                                         \
    "{\"Id\":\"" id "\",\"ParentId\":\"" parent "\",\"CommentBody\":\"" text "\"}"
#define COMMENT_ROW(id, text) COMMENT_OF(CASE, id, text)
#define C1 "00a000000000001AAA"
#define C2 "00a000000000002AAA"
#define NO_TASKS RECORDS("tasks", "")
#define NO_COMMENTS RECORDS("comments", "")

static const struct {
    const char *parts, *task, *first, *second;
    bool bare, good, ours, complete;
} found_rows[] = {
    {NO_TASKS "," NO_COMMENTS, NULL, NULL, NULL, false, true, false, false},
    {RECORDS("tasks", TASK_ROW(TASK, "a\\n[callfleet:c'1]")) "," NO_COMMENTS, TASK, NULL, NULL, false, true,
     true, false},
    {RECORDS("tasks", TASK_ROW(TASK, "a\\n[callfleet:c'1]\\nedited")) "," NO_COMMENTS, TASK, NULL, NULL,
     false, true, true, false},
    {RECORDS("tasks", TASK_ROW(TASK, "somebody's")) "," NO_COMMENTS, TASK, NULL, NULL, false, true, false,
     false},
    {RECORDS("tasks", TASK_ROW(TASK, "somebody's")) "," NO_COMMENTS, NULL, NULL, NULL, true, true, false,
     false},
    {RECORDS("tasks", TASK_ROW("00T000000000009AAA", "x\\n[callfleet:child]") "," TASK_ROW(
                          TASK, "[callfleet:c'1]")) "," NO_COMMENTS,
     TASK, NULL, NULL, true, true, true, false},
    {NO_TASKS "," RECORDS("comments", COMMENT_ROW(C1, "a\\n[callfleet:c'1] (1/2)")), NULL, C1, NULL, false,
     true, false, false},
    {NO_TASKS "," RECORDS("comments", COMMENT_ROW(C2, "a\\n[callfleet:c'1] (2/2)") "," COMMENT_ROW(
                                          C1, "a\\n[callfleet:c'1] (1/2)")),
     NULL, C1, C2, false, true, false, true},
    /* another version of the text, in one part */
    {NO_TASKS "," RECORDS("comments", COMMENT_ROW(C1, "a\\n[callfleet:c'1]")), NULL, C1, NULL, false, true,
     false, true},
    {NO_TASKS "," RECORDS("comments", COMMENT_ROW(C1, "[callfleet:c'1]\\nquoted")), NULL, NULL, NULL, false,
     true, false, false},
    {NO_TASKS "," RECORDS("comments", "1,null,[],{},{\"CommentBody\":5}"), NULL, NULL, NULL, false, true,
     false, false},
    /* other calls' of the same request */
    {RECORDS("tasks", TASK_OF("c2", TASK, "a\\n[callfleet:c2]")) "," NO_COMMENTS, NULL, NULL, NULL, false,
     true, false, false},
    {NO_TASKS "," RECORDS("comments", COMMENT_OF("500000000000002AAA", C1, "a\\n[callfleet:c'1]")), NULL,
     NULL, NULL, false, true, false, false},
    {NO_TASKS "," RECORDS("comments", COMMENT_OF("500000000000001", C1, "a\\n[callfleet:c'1] (1/2)")), NULL,
     C1, NULL, false, true, false, false},
    {NO_TASKS, NULL, NULL, NULL, false, false, false, false},
    {NO_TASKS "," PART("comments", "200", "{\"records\":null}"), NULL, NULL, NULL, false, false, false,
     false},
    {NO_TASKS "," PART("comments", "400", ERROR("QUERY_TIMEOUT")), NULL, NULL, NULL, false, false, false,
     false},
};

START_TEST(test_found)
{
    struct postcall_call call = call_of(&customer, &nothing);
    struct postcall_found found = {0};
    struct cf_err err = {0};
    json_t *answer;
    int rc;

    answer = answer_of(found_rows[_i].parts);
    rc = postcall_read_found(arena, found_rows[_i].bare ? &bare_org : &org, &call,
                             &(struct postcall_answer){answer, 3}, &found, &err);
    json_decref(answer);
    ck_assert_int_eq(rc, found_rows[_i].good ? 0 : -1);
    if (rc != 0)
        return;
    ck_assert(cf_str_eq(found.task_id, cf_str_of(found_rows[_i].task)));
    ck_assert(cf_str_eq(found.comment_ids[0], cf_str_of(found_rows[_i].first)));
    ck_assert(cf_str_eq(found.comment_ids[1], cf_str_of(found_rows[_i].second)));
    ck_assert_int_eq(found.task_is_ours, found_rows[_i].ours);
    ck_assert_int_eq(found.comments_complete, found_rows[_i].complete);
}
END_TEST

#define CUT(ref, records)                                                                                    \
    PART(ref, "200", "{\"totalSize\":9,\"done\":false,\"nextRecordsUrl\":\"/x\",\"records\":[" records "]}")
#define OURS TASK_ROW(TASK, "a\\n[callfleet:c'1]")
#define FOREIGN TASK_ROW(TASK, "a\\n[callfleet:child]")

static const struct {
    const char *parts;
    size_t n;
    bool consult;
    int rc;
} cuts[] = {
    {CUT("tasks", "") "," NO_COMMENTS, 2, false, 1},
    {CUT("tasks", "") "," NO_COMMENTS, 1, false, 0}, /* no fewer can be asked */
    {CUT("tasks", OURS) "," CUT("comments", ""), 2, false, 0},
    {RECORDS("tasks", FOREIGN) "," CUT("comments", ""), 2, false, 1},
    {NO_TASKS "," CUT("comments", ""), 2, true, 1},
    {NO_TASKS "," CUT("comments", ""), 2, false, 0}, /* no Task, no comments: one graph */
};

START_TEST(test_answers_cut_short)
{
    struct postcall_call call = call_of(&customer, &nothing);
    struct postcall_found found = {0};
    json_t *answer = answer_of(cuts[_i].parts);
    struct cf_err err;

    plan.consult = cuts[_i].consult;
    ck_assert_int_eq(
        postcall_read_found(arena, &org, &call, &(struct postcall_answer){answer, cuts[_i].n}, &found, &err),
        cuts[_i].rc);
    json_decref(answer);
}
END_TEST

/* A question is the same for all events. */
START_TEST(test_refused_questions)
{
    static const struct {
        const char *code, *status;
        enum cf_err_kind kind;
    } rows[] = {{"MALFORMED_QUERY", "400", CF_ERR_CONFIG},
                {"INVALID_FIELD", "400", CF_ERR_CONFIG},
                {"INSUFFICIENT_ACCESS", "403", CF_ERR_CONFIG},
                {"QUERY_TIMEOUT", "400", CF_ERR_TRANSIENT},
                {"UNKNOWN_EXCEPTION", "500", CF_ERR_TRANSIENT}};
    struct postcall_call call = call_of(&customer, &nothing);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct postcall_found found;
        struct cf_err err = {0};
        char parts[300];
        json_t *answer;

        (void)snprintf(parts, sizeof(parts), PART("tasks", "%s", ERROR("%s")), rows[i].status, rows[i].code);
        answer = answer_of(parts);
        ck_assert_int_eq(
            postcall_read_found(arena, &org, &call, &(struct postcall_answer){answer, 1}, &found, &err), -1);
        ck_assert_int_eq(err.kind, rows[i].kind);
        json_decref(answer);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("postcall-write");
    TCase *tcase = tcase_create("write");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_first);
    tcase_add_test(tcase, test_first_for_an_account);
    tcase_add_test(tcase, test_mapped_and_dropped);
    tcase_add_test(tcase, test_read);
    tcase_add_loop_test(tcase, test_rest, 0, ROWS(rests));
    tcase_add_loop_test(tcase, test_written, 0, ROWS(written));
    tcase_add_test(tcase, test_graphs_that_are_not_there);
    tcase_add_test(tcase, test_duplicate_in_a_bare_org);
    tcase_add_loop_test(tcase, test_answers_cut_short, 0, ROWS(cuts));
    tcase_add_test(tcase, test_refused_questions);
    tcase_add_loop_test(tcase, test_found, 0, ROWS(found_rows));
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
