/* SPDX-License-Identifier: Apache-2.0 */
/* The requests of the post-call stage and their answers: good, bad and hostile ones. */
#include <check.h>
#include <stdlib.h>

#include "postcall_write.h"

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))
#define TASK "00T000000000001AAA"
#define CASE "500000000000001AAA"

static const struct postcall_org org = {"v60.0", "Call_Id__c"}, bare_org = {"v60.0", NULL};
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

static const json_t *request(const json_t *composite, size_t i)
{
    return json_array_get(json_object_get(composite, "compositeRequest"), i);
}

static size_t count(const json_t *composite)
{
    return json_array_size(json_object_get(composite, "compositeRequest"));
}

START_TEST(test_first)
{
    json_t *composite = postcall_write_first(&org, &plan, &customer);
    const json_t *task = json_object_get(request(composite, 0), "body");
    const json_t *comment = json_object_get(request(composite, 2), "body");

    ck_assert(json_is_true(json_object_get(composite, "allOrNone")));
    ck_assert_uint_eq(count(composite), 3);
    ck_assert_str_eq(text(request(composite, 0), "method"), "POST");
    ck_assert_str_eq(text(request(composite, 0), "url"), "/services/data/v60.0/sobjects/Task");
    ck_assert_str_eq(text(task, "Call_Id__c"), "c'1");
    ck_assert_str_eq(text(task, "CallObject"), "c'1");
    ck_assert_str_eq(text(task, "Subject"), "Call \"x\"");
    ck_assert_str_eq(text(task, "Queue__c"), "q");
    ck_assert_str_eq(text(task, "TaskSubtype"), "Call");
    ck_assert_str_eq(text(task, "WhoId"), "003000000000001AAA");
    ck_assert_str_eq(text(task, "WhatId"), CASE);
    ck_assert_ptr_null(json_object_get(task, "CallDisposition"));
    ck_assert_int_eq(json_integer_value(json_object_get(task, "CallDurationInSeconds")), 7);
    ck_assert_str_eq(text(request(composite, 2), "url"), "/services/data/v60.0/sobjects/CaseComment");
    ck_assert_str_eq(text(comment, "ParentId"), CASE);
    ck_assert_str_eq(text(comment, "CommentBody"), "two");
    json_decref(composite);
}
END_TEST

START_TEST(test_first_for_an_account)
{
    struct postcall_customer account = {.account_id = customer.account_id};
    const json_t *task;
    json_t *composite;

    plan.n_parts = 0;
    composite = postcall_write_first(&bare_org, &plan, &account);
    task = json_object_get(request(composite, 0), "body");
    ck_assert_uint_eq(count(composite), 1);
    ck_assert_str_eq(text(task, "WhatId"), "001000000000001AAA");
    ck_assert_ptr_null(json_object_get(task, "WhoId"));
    ck_assert_ptr_null(json_object_get(task, "Call_Id__c"));
    json_decref(composite);
}
END_TEST

START_TEST(test_read)
{
    json_t *composite = postcall_write_read(&org, &plan, &customer);

    ck_assert(!json_is_true(json_object_get(composite, "allOrNone")));
    ck_assert_uint_eq(count(composite), 2);
    ck_assert_str_eq(
        text(request(composite, 0), "url"),
        "/services/data/v60.0/query?q=SELECT%20Id%2C%20Description%20FROM%20Task%20WHERE%20Call_Id__c%20%3D"
        "%20%27c%5C%271%27%20ORDER%20BY%20CreatedDate%2C%20Id%20LIMIT%2010");
    ck_assert_ptr_nonnull(strstr(text(request(composite, 1), "url"), "ParentId%20%3D%20%27" CASE "%27"));
    json_decref(composite);
    composite = postcall_write_read(&bare_org, &plan, &customer);
    ck_assert_ptr_nonnull(strstr(text(request(composite, 0), "url"), "WHERE%20CallObject%20%3D"));
    json_decref(composite);
}
END_TEST

static const struct {
    const char *task;
    bool ours, consult, complete, has_first;
    size_t requests; /* 0: nothing to write */
    const char *method;
} rests[] = {
    {NULL, false, false, false, false, 3, "POST"}, {TASK, true, false, false, false, 2, "POST"},
    {TASK, true, false, false, true, 1, "POST"},   {TASK, true, false, true, false, 0, NULL},
    {TASK, false, false, true, false, 1, "PATCH"}, {TASK, false, true, true, false, 0, NULL},
    {TASK, false, true, false, false, 2, "POST"},
};

START_TEST(test_rest)
{
    struct postcall_found found = {.task_id = cf_str_of(rests[_i].task),
                                   .task_is_ours = rests[_i].ours,
                                   .comments_complete = rests[_i].complete};
    json_t *composite;

    if (rests[_i].has_first)
        found.comment_ids[0] = CF_STR("00a000000000001AAA");
    plan.consult = rests[_i].consult;
    composite = postcall_write_rest(&org, &plan, &customer, &found);
    ck_assert_int_eq(composite != NULL, rests[_i].requests > 0);
    if (composite) {
        const json_t *body = json_object_get(request(composite, 0), "body");

        ck_assert_uint_eq(count(composite), rests[_i].requests);
        ck_assert_str_eq(text(request(composite, 0), "method"), rests[_i].method);
        /* What can be set at creation only, or names the record, is not in a change. */
        if (strcmp(rests[_i].method, "PATCH") == 0)
            ck_assert(!json_object_get(body, "TaskSubtype") && !json_object_get(body, "Call_Id__c"));
    }
    json_decref(composite);
}
END_TEST

/* ---- answers to writes ---- */

#define PART(ref, status, body)                                                                              \
    "{\"referenceId\":\"" ref "\",\"httpStatusCode\":" status ",\"body\":" body "}"
#define ERROR(code) "[{\"errorCode\":\"" code "\",\"message\":\"m\"}]"
#define HALTED PART("part0", "400", ERROR("PROCESSING_HALTED"))
#define MADE(ref, id) PART(ref, "201", "{\"id\":\"" id "\",\"success\":true}")

static const struct {
    const char *parts; /* of compositeResponse */
    enum postcall_verdict verdict;
    enum cf_err_kind kind;
} written[] = {
    {MADE("task", TASK) "," MADE("part0", "00a000000000001AAA"), POSTCALL_WRITTEN, 0},
    {PART("task", "400", ERROR("DUPLICATE_VALUE")) "," HALTED, POSTCALL_REPEAT, 0},
    {HALTED "," PART("task", "400", ERROR("DUPLICATE_VALUE")), POSTCALL_REPEAT, 0},
    {PART("task", "400", ERROR("INVALID_FIELD")) "," HALTED, POSTCALL_FAILED, CF_ERR_CONFIG},
    {PART("task", "400", ERROR("UNABLE_TO_LOCK_ROW")) "," HALTED, POSTCALL_FAILED, CF_ERR_TRANSIENT},
    {PART("part1", "400", ERROR("STRING_TOO_LONG")) "," HALTED, POSTCALL_FAILED, CF_ERR_REJECTED},
    {PART("part0", "404", ERROR("ENTITY_IS_DELETED")), POSTCALL_STALE, CF_ERR_REJECTED},
    {PART("task", "400", ERROR("INVALID_CROSS_REFERENCE_KEY")), POSTCALL_STALE, CF_ERR_REJECTED},
    {HALTED "," HALTED, POSTCALL_FAILED, CF_ERR_TRANSIENT},
    {PART("task", "500", "null"), POSTCALL_FAILED, CF_ERR_TRANSIENT},
    {PART("task", "\"200\"", "null"), POSTCALL_FAILED, CF_ERR_TRANSIENT},
    {MADE("task", "not an id"), POSTCALL_FAILED, CF_ERR_TRANSIENT},
    {MADE("other", TASK), POSTCALL_FAILED, CF_ERR_TRANSIENT},
    {MADE("task", TASK) "," MADE("part99", TASK) "," MADE("part", TASK) "," MADE("part-1", TASK),
     POSTCALL_WRITTEN, 0},
    {"1,null,[],{}", POSTCALL_FAILED, CF_ERR_TRANSIENT},
    {"", POSTCALL_FAILED, CF_ERR_TRANSIENT},
};

static json_t *answer_of(const char *parts)
{
    struct cf_buf buf;
    json_t *answer;

    cf_buf_init(&buf, 65536);
    cf_buf_printf(&buf, "{\"compositeResponse\":[%s]}", parts);
    answer = json_loadb(buf.p, buf.n, 0, NULL);
    ck_assert_msg(answer, "%s", parts);
    cf_buf_done(&buf);
    return answer;
}

START_TEST(test_written)
{
    struct postcall_found found = {0};
    struct cf_err err = {0};
    json_t *answer = answer_of(written[_i].parts);

    ck_assert_int_eq(postcall_read_written(arena, &org, answer, &found, &err), written[_i].verdict);
    json_decref(answer);
    if (written[_i].verdict == POSTCALL_WRITTEN)
        ck_assert(cf_str_is(found.task_id, TASK));
    if (written[_i].kind)
        ck_assert_int_eq(err.kind, written[_i].kind);
}
END_TEST

/* Without the unique field a duplicate value is somebody else's rule. */
START_TEST(test_duplicate_in_a_bare_org)
{
    struct postcall_found found = {0};
    struct cf_err err = {0};
    json_t *answer = answer_of(PART("task", "400", ERROR("DUPLICATE_VALUE")));

    ck_assert_int_eq(postcall_read_written(arena, &bare_org, answer, &found, &err), POSTCALL_FAILED);
    json_decref(answer);
}
END_TEST

/* ---- answers to reads ---- */

#define RECORDS(ref, records) PART(ref, "200", "{\"records\":[" records "]}")
#define TASK_ROW(id, text) "{\"Id\":\"" id "\",\"Description\":\"" text "\"}"
#define COMMENT_ROW(id, text) "{\"Id\":\"" id "\",\"CommentBody\":\"" text "\"}"
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
    {NO_TASKS, NULL, NULL, NULL, false, false, false, false},
    {NO_TASKS "," PART("comments", "200", "{\"records\":null}"), NULL, NULL, NULL, false, false, false,
     false},
    {NO_TASKS "," PART("comments", "400", ERROR("QUERY_TIMEOUT")), NULL, NULL, NULL, false, false, false,
     false},
};

START_TEST(test_found)
{
    struct postcall_found found = {0};
    struct cf_err err = {0};
    json_t *answer;
    int rc;

    answer = answer_of(found_rows[_i].parts);
    rc = postcall_read_found(arena, found_rows[_i].bare ? &bare_org : &org, &plan, answer, &found, &err);
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

int main(void)
{
    Suite *suite = suite_create("postcall-write");
    TCase *tcase = tcase_create("write");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_first);
    tcase_add_test(tcase, test_first_for_an_account);
    tcase_add_test(tcase, test_read);
    tcase_add_loop_test(tcase, test_rest, 0, ROWS(rests));
    tcase_add_loop_test(tcase, test_written, 0, ROWS(written));
    tcase_add_test(tcase, test_duplicate_in_a_bare_org);
    tcase_add_loop_test(tcase, test_found, 0, ROWS(found_rows));
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
