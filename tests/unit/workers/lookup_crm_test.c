/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to Salesforce: shared ones, second tries, dropped fields, deadlines. */
#include "lookup_crm_priv.h"
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

static struct lookup_crm *crm_new(uint32_t batch, uint32_t linger_ms)
{
    const struct lookup_crm_opts opts = {
        .query = {"v60.0", "Tier__c", true, true, false, LOOKUP_STANDARD_PHONES},
        .try_ms = 10000,
        .batch = batch,
        .linger_ms = linger_ms};

    return lookup_crm_new(loop, sf, &opts);
}

static void open_all(void)
{
    setup();
    pending = 0;
    crm = crm_new(1, 0);
    cf_phone_parse(CF_STR("+15207739050"), "US", &one);
    cf_phone_parse(CF_STR("+4930901820"), "US", &two);
    turn_ms(1); /* the loop's clock stood still meanwhile, and deadlines count from it */
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
    ck_assert_uint_eq(lookup_crm_counts(crm).shared, 2);
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
    ck_assert_uint_eq(lookup_crm_counts(crm).shared, 0);
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
    {{COMPOSITE, NULL, "[{\"errorCode\":\"MALFORMED_QUERY\"}]", 400, ANSWER}, CF_ERR_CONFIG, false},
    {{COMPOSITE, NULL, LACKS("Phone"), 200, ANSWER}, CF_ERR_CONFIG, false},
};

START_TEST(test_failure)
{
    const struct answer script[] = {login, failures[_i].answer};
    uint64_t from_ms = cf_clock_mono_ms();
    struct told told;

    SCRIPT(script);
    ask(&told, &one, 1000);
    cf_loop_run(loop);
    ck_assert(!told.answered);
    ck_assert_int_eq(told.err.kind, failures[_i].kind);
    ck_assert_int_eq(told.late, failures[_i].late);
    ck_assert_uint_lt(cf_clock_mono_ms() - from_ms, 10000);
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

/* ---- many numbers in one request ---- */

#define LONG_MS 60000 /* longer than any test: who waits so long hangs */

static struct cf_phone many[LOOKUP_QUERY_NUMBERS];
static struct told heard[LOOKUP_QUERY_NUMBERS];
static size_t n_seen_answers;

static void on_seen(void *arg, const struct cf_phone *phone, const struct lookup_query_opts *opts,
                    const json_t *answer)
{
    (void)arg;
    ck_assert(phone->status == CF_PHONE_OK && opts && answer);
    n_seen_answers++;
}

static void batching(uint32_t batch, uint32_t linger_ms)
{
    const struct lookup_crm_opts opts = {.query = {.api_version = "v60.0", .phones = LOOKUP_STANDARD_PHONES},
                                         .try_ms = 10000,
                                         .batch = batch,
                                         .linger_ms = linger_ms,
                                         .seen = on_seen};

    lookup_crm_free(crm);
    crm = lookup_crm_new(loop, sf, &opts);
    n_seen_answers = 0;
    for (size_t i = 0; i < LOOKUP_QUERY_NUMBERS; i++) {
        char text[24];

        (void)snprintf(text, sizeof(text), "+152077390%02zu", 10 + i);
        cf_phone_parse(cf_str_of(text), "US", &many[i]);
        ck_assert_int_eq(many[i].status, CF_PHONE_OK);
    }
    turn_ms(1); /* as in open_all() */
}

static void ask_many(size_t from, size_t n)
{
    for (size_t i = from; i < from + n; i++)
        ask(&heard[i], &many[i], 10000);
}

static bool asks_for(const struct seen *seen, const struct cf_phone *phone)
{
    return strstr(seen->body, phone->national) != NULL; /* %2B in front */
}

static size_t numbers_in(const struct seen *seen)
{
    size_t n = 0;

    for (size_t i = 0; i < LOOKUP_QUERY_NUMBERS; i++)
        n += asks_for(seen, &many[i]);
    return n;
}

#define COUNTED(n_requests, n_numbers)                                                                       \
    do {                                                                                                     \
        ck_assert_uint_eq(lookup_crm_counts(crm).requests, n_requests);                                      \
        ck_assert_uint_eq(lookup_crm_counts(crm).numbers, n_numbers);                                        \
    } while (0)

static void all_answered(size_t from, size_t n)
{
    for (size_t i = from; i < from + n; i++)
        ck_assert_msg(heard[i].answered, "%zu: %s", i, heard[i].err.text);
}

static const struct answer found = {COMPOSITE, NULL, FOUND, 200, ANSWER};

START_TEST(test_a_lone_caller_does_not_linger)
{
    const struct answer script[] = {login, found, found};

    SCRIPT(script);
    batching(20, LONG_MS);
    ask_many(0, 1);
    cf_loop_run(loop);
    ask_many(1, 1);
    cf_loop_run(loop);
    all_answered(0, 2);
    COUNTED(2, 2);
    ck_assert_uint_eq(n_seen_answers, 2);
}
END_TEST

START_TEST(test_one_moment_one_request)
{
    const struct answer script[] = {login, found};

    SCRIPT(script);
    batching(20, LONG_MS);
    ask_many(0, 3);
    ask(&heard[3], &many[1], 10000); /* single flight */
    cf_loop_run(loop);
    all_answered(0, 4);
    COUNTED(1, 3);
    ck_assert_uint_eq(numbers_in(&server.seen[1]), 3);
    ck_assert_uint_eq(n_seen_answers, 3);
}
END_TEST

/* The ones that come while a lone caller's request is under way go together when it is done. */
START_TEST(test_after_the_lone_one)
{
    const struct answer script[] = {login, found, found};

    SCRIPT(script);
    batching(20, LONG_MS);
    ask_many(0, 1);
    while (lookup_crm_counts(crm).requests == 0)
        turn_ms(1);
    ask_many(1, 3);
    cf_loop_run(loop);
    all_answered(0, 4);
    COUNTED(2, 4);
}
END_TEST

START_TEST(test_full_requests_leave_at_once)
{
    const struct answer script[] = {login, found, found, found};

    SCRIPT(script);
    batching(3, 50);
    ask_many(0, 8);
    COUNTED(2, 6); /* the other two linger */
    cf_loop_run(loop);
    all_answered(0, 8);
    COUNTED(3, 8);
}
END_TEST

START_TEST(test_little_time_left)
{
    static const struct answer hang = {COMPOSITE, NULL, NULL, 0, HANG};
    const struct answer script[] = {login, hang, found};

    SCRIPT(script);
    batching(20, LONG_MS);
    ask_many(0, 1);
    while (server.n_seen < 2)
        turn_ms(1);
    ask_many(1, 2);
    pending -= 3;
    ask(&heard[3], &many[3], 250);
    cf_loop_run(loop);
    while (!heard[1].done) /* the one that was in a hurry took them along, in time for itself or not */
        turn_ms(1);
    all_answered(1, 2);
    ck_assert(heard[3].done);
    ck_assert(!heard[0].done);
    COUNTED(2, 4);
}
END_TEST

START_TEST(test_failed_together_tried_together)
{
    const struct answer script[] = {login, {COMPOSITE, HTML, "<html>", 503, ANSWER}, found};

    SCRIPT(script);
    batching(20, LONG_MS);
    ask_many(0, 5);
    cf_loop_run(loop);
    all_answered(0, 5);
    COUNTED(2, 10);
}
END_TEST

/* ---- one bad number ---- */

static const struct answer *poison(const struct seen *seen)
{
    static const struct answer bad = {COMPOSITE, NULL, "[{\"errorCode\":\"MALFORMED_QUERY\"}]", 400, ANSWER};

    if (strncmp(seen->path, COMPOSITE, strlen(COMPOSITE)) != 0)
        return NULL;
    return asks_for(seen, &many[2]) ? &bad : &found;
}

START_TEST(test_a_bad_number_spoils_no_other)
{
    server.choose = poison;
    batching(8, LONG_MS);
    ask_many(0, 8);
    cf_loop_run(loop);
    for (size_t i = 0; i < 8; i++)
        ck_assert_int_eq(heard[i].answered, i != 2);
    ck_assert_int_eq(heard[2].err.kind, CF_ERR_CONFIG);
    ck_assert_uint_eq(lookup_crm_counts(crm).halved, 3);
    ck_assert_uint_eq(lookup_crm_counts(crm).requests, 7);
    ck_assert_uint_eq(n_seen_answers, 7);
}
END_TEST

static const struct answer *refuse(const struct seen *seen)
{
    static const struct answer bad = {COMPOSITE, NULL, "[{\"errorCode\":\"MALFORMED_QUERY\"}]", 400, ANSWER};

    return strncmp(seen->path, COMPOSITE, strlen(COMPOSITE)) == 0 ? &bad : NULL;
}

/* When all is refused it is not one number's fault: asking in halves ends. */
START_TEST(test_halving_has_an_end)
{
    server.choose = refuse;
    batching(20, LONG_MS);
    for (size_t round = 0; round < 3; round++) {
        ask_many(0, 20);
        cf_loop_run(loop);
        for (size_t i = 0; i < 20; i++)
            ck_assert(heard[i].done && heard[i].err.kind == CF_ERR_CONFIG);
    }
    ck_assert_uint_eq(lookup_crm_counts(crm).halved, MAX_HALVINGS);
    ck_assert_uint_eq(lookup_crm_counts(crm).requests, 3 + 2 * MAX_HALVINGS);
    server.choose = NULL; /* good answers bring the trust back */
}
END_TEST

static char crowd[4096];

static const struct answer *too_many_rows(const struct seen *seen)
{
    static const struct answer full = {COMPOSITE, NULL, crowd, 200, ANSWER};

    if (strncmp(seen->path, COMPOSITE, strlen(COMPOSITE)) != 0)
        return NULL;
    return asks_for(seen, &many[0]) ? &full : &found;
}

START_TEST(test_a_hot_number_hides_no_other)
{
    size_t n = (size_t)snprintf(
        crowd, sizeof(crowd), "%s",
        "{\"compositeResponse\":[" PART(
            "accounts", "200",
            NONE) ","
                  "{\"referenceId\":\"contacts\",\"httpStatusCode\":200,\"body\":{\"records\":[");

    for (size_t i = 0; i < LOOKUP_QUERY_ROWS(LOOKUP_QUERY_NUMBERS); i++)
        n += (size_t)snprintf(crowd + n, sizeof(crowd) - n, "%s{}", i ? "," : "");
    (void)snprintf(crowd + n, sizeof(crowd) - n, "]}}]}");
    server.choose = too_many_rows;
    batching(4, LONG_MS);
    ask_many(0, 4);
    cf_loop_run(loop);
    all_answered(0, 4);
    ck_assert_uint_eq(lookup_crm_counts(crm).halved, 2);
    COUNTED(5, 4 + 2 + 2 + 1 + 1);
}
END_TEST

/* ---- patience and going away ---- */

START_TEST(test_each_has_its_own_deadline)
{
    const struct answer script[] = {login, {COMPOSITE, NULL, NULL, 0, HANG}};

    SCRIPT(script);
    batching(20, LONG_MS);
    ask_many(0, 2);
    pending -= 2;
    ask(&heard[2], &many[2], 200);
    cf_loop_run(loop);
    ck_assert(heard[2].done && heard[2].late && heard[2].err.kind == CF_ERR_TRANSIENT);
    ck_assert(!heard[0].done && !heard[1].done);
    COUNTED(1, 3);
}
END_TEST

START_TEST(test_cancel_in_a_request)
{
    const struct answer script[] = {login, {COMPOSITE, NULL, NULL, 0, HANG}, found};
    struct lookup_ask *asks[3];

    SCRIPT(script);
    batching(20, LONG_MS);
    for (size_t i = 0; i < 3; i++)
        asks[i] = ask(&heard[i], &many[i], 10000);
    while (server.n_seen < 2)
        turn_ms(1);
    for (size_t i = 0; i < 3; i++)
        lookup_crm_cancel(asks[i]);
    pending = 0;
    ask_many(3, 1);
    cf_loop_run(loop);
    all_answered(3, 1);
    ck_assert(!heard[0].done && !heard[1].done && !heard[2].done);
}
END_TEST

/* ---- more than Salesforce can do ---- */

static void batching_as(uint32_t batch, uint32_t linger_ms, enum cf_sf_class priority)
{
    const struct lookup_crm_opts opts = {.query = {.api_version = "v60.0", .phones = LOOKUP_STANDARD_PHONES},
                                         .priority = priority,
                                         .try_ms = 10000,
                                         .batch = batch,
                                         .linger_ms = linger_ms,
                                         .seen = on_seen};

    batching(batch, linger_ms); /* for the numbers */
    lookup_crm_free(crm);
    crm = lookup_crm_new(loop, sf, &opts);
}

/* What was paid for is kept; nobody asks a second time because the caller's time is over. */
START_TEST(test_a_late_answer_is_kept)
{
    const struct answer script[] = {login, {COMPOSITE, NULL, NULL, 0, HANG}};

    SCRIPT(script);
    batching(20, LONG_MS);
    for (size_t i = 0; i < 3; i++)
        ask(&heard[i], &many[i], 300);
    cf_loop_run(loop);
    for (size_t i = 0; i < 3; i++)
        ck_assert(heard[i].late);
    while (!server.hanging)
        turn_ms(1);
    answer(server.hanging, &found);
    while (n_seen_answers < 3)
        turn_ms(1);
    ck_assert_uint_eq(lookup_crm_counts(crm).late, 3);
    COUNTED(1, 3);
    ck_assert_uint_eq(cf_sf_api_calls(sf), 1);
}
END_TEST

/* In the client's line a request has cost nothing: who waits for it in vain takes it along. */
START_TEST(test_not_sent_when_nobody_waits)
{
    const struct answer script[] = {login, {COMPOSITE, NULL, NULL, 0, HANG}};

    SCRIPT(script);
    cf_sf_free(sf);
    client_new(1);
    batching(1, 0);
    ask(&heard[0], &many[0], 10000);
    while (server.n_seen < 2)
        turn_ms(1);
    pending = 0;
    for (size_t i = 1; i < 6; i++)
        ask(&heard[i], &many[i], 300);
    cf_loop_run(loop);
    for (size_t i = 1; i < 6; i++)
        ck_assert(heard[i].late);
    ck_assert_uint_eq(cf_sf_api_calls(sf), 1);
    COUNTED(1, 1);
}
END_TEST

/* While the client has no room questions gather to full requests, and the last come first. */
START_TEST(test_pressure_fills_requests)
{
    const struct answer script[] = {login, {COMPOSITE, NULL, NULL, 0, HANG}, found, found};

    SCRIPT(script);
    cf_sf_free(sf);
    client_new(1);
    batching(4, 0);
    ask_many(0, 1);
    while (server.n_seen < 2)
        turn_ms(1);
    for (size_t i = 1; i < 7; i++) {
        ask_many(i, 1);
        turn_ms(2); /* without linger each would have been a request */
    }
    COUNTED(1, 1);
    answer(server.hanging, &found);
    cf_loop_run(loop);
    all_answered(0, 7);
    COUNTED(3, 7);
    ck_assert_uint_eq(numbers_in(&server.seen[2]), 4);
    for (size_t i = 3; i < 7; i++)
        ck_assert(asks_for(&server.seen[2], &many[i]));
}
END_TEST

/* Where nobody waits on the line, requests that would not overlap are shared as well. */
START_TEST(test_post_call_work_is_patient)
{
    const struct answer script[] = {login, found, found};

    SCRIPT(script);
    batching_as(20, 1000, CF_SF_POST_CALL);
    ask_many(0, 1);
    cf_loop_run(loop);
    COUNTED(1, 1);
    for (size_t i = 1; i < 5; i++) {
        ask_many(i, 1);
        turn_ms(10);
    }
    cf_loop_run(loop);
    all_answered(0, 5);
    COUNTED(2, 5);
}
END_TEST

START_TEST(test_retries_are_few_among_good_answers)
{
    const struct answer script[] = {login,
                                    {COMPOSITE, HTML, "<html>", 503, ANSWER},
                                    found,
                                    {COMPOSITE, HTML, "<html>", 503, ANSWER},
                                    found};

    SCRIPT(script);
    batching(20, LONG_MS);
    crm->retries = RETRY_COST - 1;
    ask_many(0, 1);
    cf_loop_run(loop);
    ck_assert_int_eq(heard[0].err.kind, CF_ERR_TRANSIENT);
    COUNTED(1, 1);
    ask_many(1, 1); /* its good answer pays for the next retry */
    cf_loop_run(loop);
    ask_many(2, 1);
    cf_loop_run(loop);
    all_answered(1, 2);
    COUNTED(4, 4);
}
END_TEST

START_TEST(test_an_open_circuit_is_told_at_once)
{
    const struct answer script[] = {login, {COMPOSITE, HTML, "<html>", 503, ANSWER}};
    struct cf_sf_opts opts = client_opts();
    struct cf_err err;

    SCRIPT(script);
    cf_sf_free(sf);
    opts.breaker_failures = 1;
    opts.breaker_ms = opts.breaker_cap_ms = 60000;
    sf = cf_sf_new(loop, &opts, &err);
    ck_assert_ptr_nonnull(sf);
    batching(20, LONG_MS);
    ask_many(0, 1); /* opens it, and finds it open at the next try */
    cf_loop_run(loop);
    COUNTED(2, 2);
    ask_many(1, 1);
    cf_loop_run(loop);
    ck_assert_int_eq(heard[1].err.kind, CF_ERR_TRANSIENT);
    ck_assert(!heard[1].late);
    COUNTED(3, 3);
    ck_assert_uint_eq(cf_sf_api_calls(sf), 1);
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
    tcase_add_test(tcase, test_a_lone_caller_does_not_linger);
    tcase_add_test(tcase, test_one_moment_one_request);
    tcase_add_test(tcase, test_after_the_lone_one);
    tcase_add_test(tcase, test_full_requests_leave_at_once);
    tcase_add_test(tcase, test_little_time_left);
    tcase_add_test(tcase, test_failed_together_tried_together);
    tcase_add_test(tcase, test_a_bad_number_spoils_no_other);
    tcase_add_test(tcase, test_halving_has_an_end);
    tcase_add_test(tcase, test_a_hot_number_hides_no_other);
    tcase_add_test(tcase, test_each_has_its_own_deadline);
    tcase_add_test(tcase, test_cancel_in_a_request);
    tcase_add_test(tcase, test_a_late_answer_is_kept);
    tcase_add_test(tcase, test_not_sent_when_nobody_waits);
    tcase_add_test(tcase, test_pressure_fills_requests);
    tcase_add_test(tcase, test_post_call_work_is_patient);
    tcase_add_test(tcase, test_retries_are_few_among_good_answers);
    tcase_add_test(tcase, test_an_open_circuit_is_told_at_once);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
