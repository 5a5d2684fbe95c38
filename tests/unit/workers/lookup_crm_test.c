/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to Salesforce: shared ones, second tries, dropped fields, deadlines. */
#include "lookup_crm.h"
#include "unit/common/sf_test_server.h"

#define COMPOSITE "/services/data/v60.0/composite"
#define PART(reference, status, body)                                                                        \
    "{\"referenceId\":\"" reference "\",\"httpStatusCode\":" status ",\"body\":" body "}"
#define NONE "{\"records\":[]}"
#define FOUND "{\"compositeResponse\":[" PART("contacts", "200", NONE) "," PART("accounts", "200", NONE) "]}"
#define LACKS(field)                                                                                         \
    "{\"compositeResponse\":[" PART("contacts", "400",                                                       \
                                    "[{\"errorCode\":\"INVALID_FIELD\",\"message\":\"No such column '" field \
                                    "' on entity 'Account'\"}]") "," PART("accounts", "200", NONE) "]}"

struct told {
    bool done, answered, late;
    struct cf_err err;
};

static struct lookup_crm *crm;
static struct cf_phone one, two;
static size_t pending;

static void on_told(void *arg, const struct lookup_outcome *outcome)
{
    struct told *told = arg;

    ck_assert(!told->done);
    told->done = true;
    told->answered = outcome->answer != NULL;
    told->late = outcome->late;
    if (outcome->err)
        told->err = *outcome->err;
    ck_assert(told->answered == !outcome->err);
    if (--pending == 0)
        cf_loop_stop(loop);
}

static struct lookup_ask *ask(struct told *told, const struct cf_phone *phone, uint32_t timeout_ms)
{
    struct lookup_ask *handle;

    *told = (struct told){0};
    pending++;
    handle = lookup_crm_ask(crm, phone, timeout_ms, on_told, told);
    ck_assert(!told->done);
    return handle;
}

static void open_all(void)
{
    static const struct lookup_query_opts opts = {"v60.0", "Tier__c", true, true};

    setup();
    pending = 0;
    crm = lookup_crm_new(loop, sf, &opts, 10000);
    cf_phone_parse(CF_STR("+15207739050"), "US", &one);
    cf_phone_parse(CF_STR("+4930901820"), "US", &two);
}

static void close_all(void)
{
    lookup_crm_free(crm);
    teardown();
}

START_TEST(test_single_flight)
{
    const struct answer script[] = {
        login, {COMPOSITE, NULL, FOUND, 200, ANSWER}, {COMPOSITE, NULL, FOUND, 200, ANSWER}};
    struct told told[4];

    SCRIPT(script);
    ask(&told[0], &one, 5000);
    ask(&told[1], &one, 5000);
    ask(&told[2], &two, 5000);
    ask(&told[3], &one, 5000);
    cf_loop_run(loop);
    for (size_t i = 0; i < 4; i++)
        ck_assert(told[i].answered);
    ck_assert_uint_eq(lookup_crm_shared(crm), 2);
    ck_assert_uint_eq(cf_sf_api_calls(sf), 2);
}
END_TEST

/* A question that has less than half of an ask's time left, or more time than the ask has, is not joined. */
START_TEST(test_not_joined)
{
    struct told told[3];

    ask(&told[0], &one, 2000);
    ask(&told[1], &one, 5000);
    ask(&told[2], &one, 1000);
    cf_loop_run(loop);
    ck_assert_uint_eq(lookup_crm_shared(crm), 0);
}
END_TEST

START_TEST(test_second_try)
{
    const struct answer script[] = {
        login, {COMPOSITE, HTML, "<html>", 503, ANSWER}, {COMPOSITE, NULL, FOUND, 200, ANSWER}};
    struct told told;

    SCRIPT(script);
    ask(&told, &one, 5000);
    cf_loop_run(loop);
    ck_assert(told.answered);
}
END_TEST

START_TEST(test_three_tries)
{
    const struct answer down = {COMPOSITE, HTML, "<html>", 503, ANSWER};
    const struct answer script[] = {login, down, down, down};
    struct told told;

    SCRIPT(script);
    ask(&told, &one, 30000);
    cf_loop_run(loop);
    ck_assert(!told.answered && !told.late);
    ck_assert_int_eq(told.err.kind, CF_ERR_TRANSIENT);
    ck_assert_uint_eq(server.n_seen, 4);
}
END_TEST

static const struct {
    struct answer answer;
    enum cf_err_kind kind;
    bool late;
} failures[] = {
    {{COMPOSITE, NULL, NULL, 0, HANG}, CF_ERR_TRANSIENT, true},
    {{COMPOSITE, NULL, "[{\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\"}]", 403, ANSWER}, CF_ERR_THROTTLED, false},
    {{COMPOSITE, NULL, "[{\"errorCode\":\"MALFORMED_QUERY\"}]", 400, ANSWER}, CF_ERR_REJECTED, false},
    {{COMPOSITE, NULL, LACKS("Phone"), 200, ANSWER}, CF_ERR_REJECTED, false},
};

START_TEST(test_failure)
{
    const struct answer script[] = {login, failures[_i].answer};
    uint64_t from_ms = cf_clock_mono_ms();
    struct told told;

    SCRIPT(script);
    ask(&told, &one, 300);
    cf_loop_run(loop);
    ck_assert(!told.answered);
    ck_assert_int_eq(told.err.kind, failures[_i].kind);
    ck_assert_int_eq(told.late, failures[_i].late);
    ck_assert_uint_lt(cf_clock_mono_ms() - from_ms, 2000);
}
END_TEST

START_TEST(test_dropped_field)
{
    const struct answer script[] = {login,
                                    {COMPOSITE, NULL, LACKS("Tier__c"), 200, ANSWER},
                                    {COMPOSITE, NULL, LACKS("LastActivityDate"), 200, ANSWER},
                                    {COMPOSITE, NULL, FOUND, 200, ANSWER},
                                    {COMPOSITE, NULL, FOUND, 200, ANSWER}};
    struct told told;

    SCRIPT(script);
    cf_log_setup("test", CF_LOG_ERROR);
    ask(&told, &one, 5000);
    cf_loop_run(loop);
    ck_assert(told.answered);
    ask(&told, &two, 5000);
    cf_loop_run(loop);
    ck_assert(told.answered);
    ck_assert_ptr_nonnull(strstr(server.seen[1].body, "Tier__c"));
    ck_assert_ptr_null(strstr(server.seen[2].body, "Tier__c"));
    ck_assert_ptr_nonnull(strstr(server.seen[2].body, "LastActivityDate"));
    ck_assert_ptr_null(strstr(server.seen[3].body, "LastActivityDate"));
    ck_assert_ptr_null(strstr(server.seen[4].body, "Tier__c")); /* for good */
}
END_TEST

START_TEST(test_cancel)
{
    const struct answer script[] = {login, {COMPOSITE, NULL, FOUND, 200, ANSWER}};
    struct told told[3];
    struct lookup_ask *asks[3];

    SCRIPT(script);
    for (size_t i = 0; i < 2; i++)
        asks[i] = ask(&told[i], &one, 5000);
    asks[2] = ask(&told[2], &two, 5000);
    lookup_crm_cancel(asks[2]); /* the last of its question: never sent */
    lookup_crm_cancel(asks[0]); /* the other one still waits */
    pending -= 2;
    cf_loop_run(loop);
    ck_assert(told[1].answered);
    ck_assert(!told[0].done && !told[2].done);
}
END_TEST

START_TEST(test_free_with_open_questions)
{
    const struct answer script[] = {login, {COMPOSITE, NULL, NULL, 0, HANG}};
    struct told told[2];

    SCRIPT(script);
    ask(&told[0], &one, 5000);
    ask(&told[1], &one, 5000);
    while (server.n_seen < 2)
        turn_ms(5);
    lookup_crm_free(crm);
    crm = NULL;
    turn_ms(10);
    ck_assert(!told[0].done && !told[1].done);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lookup_crm");
    TCase *tcase = tcase_create("crm");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, open_all, close_all);
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, test_single_flight);
    tcase_add_test(tcase, test_not_joined);
    tcase_add_test(tcase, test_second_try);
    tcase_add_test(tcase, test_three_tries);
    tcase_add_loop_test(tcase, test_failure, 0, (int)(sizeof(failures) / sizeof(failures[0])));
    tcase_add_test(tcase, test_dropped_field);
    tcase_add_test(tcase, test_cancel);
    tcase_add_test(tcase, test_free_with_open_questions);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
