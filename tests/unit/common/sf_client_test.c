/* SPDX-License-Identifier: Apache-2.0 */
/* The Salesforce client against a scripted HTTP server in the same process, on the same loop. */
#include "unit/common/sf_test_server.h"

struct result {
    bool done, ok;
    int status;
    uint32_t api_calls;
    char text[128]; /* member "v" of the answer */
    struct cf_sf_failure failure;
};

static size_t pending;

static void on_result(void *arg, const struct cf_sf_response *res, const struct cf_sf_failure *failure)
{
    struct result *result = arg;

    ck_assert(!result->done);
    result->done = true;
    result->ok = res != NULL;
    if (res) {
        const char *v = json_string_value(json_object_get(res->json, "v"));

        result->status = res->status;
        result->api_calls = res->api_calls;
        (void)snprintf(result->text, sizeof(result->text), "%s", v ? v : "");
    } else {
        result->failure = *failure;
    }
    if (--pending == 0)
        cf_loop_stop(loop);
}

static void ask(struct result *result, const char *method, const char *path, uint32_t timeout_ms)
{
    const struct cf_sf_request request = {CF_SF_LIVE_CALLER, method, path, NULL, timeout_ms};

    *result = (struct result){0};
    pending++;
    (void)cf_sf_send(sf, &request, on_result, result);
    ck_assert(!result->done); /* never inside the call */
}

/* ---- tests ---- */

START_TEST(test_login_then_call)
{
    const struct answer script[] = {
        login,
        {"/services/data/v60.0/query?q=a", JSON_TYPE "Sforce-Limit-Info: api-usage=18/15000\r\n",
         "{\"v\":\"one\"}", 200, ANSWER},
        {"/services/data/v60.0/query/01g-2000", NULL, "{\"v\":\"two\"}", 200, ANSWER},
    };
    struct result one, two;

    SCRIPT(script);
    ck_assert_int_eq(cf_sf_budget(sf).limit, -1);
    ck_assert_ptr_null(cf_sf_instance_url(sf));
    ask(&one, "GET", "/query?q=a", 5000);
    cf_loop_run(loop);
    ask(&two, "GET", "/services/data/v60.0/query/01g-2000", 5000);
    cf_loop_run(loop);
    ck_assert(one.ok && two.ok);
    ck_assert_str_eq(one.text, "one");
    ck_assert_str_eq(two.text, "two");
    ck_assert_uint_eq(one.api_calls, 1);
    ck_assert_uint_eq(cf_sf_api_calls(sf), 2);
    ck_assert_int_eq(cf_sf_budget(sf).used, 18);
    ck_assert_int_eq(cf_sf_budget(sf).limit, 15000);
    ck_assert_str_eq(cf_sf_instance_url(sf), server.url);
    ck_assert_str_eq(server.seen[0].body,
                     "grant_type=password&client_id=client&username=user%2B1%40example.com&"
                     "client_secret=s3cret%26&password=pass%20word");
    ck_assert_str_eq(server.seen[1].bearer, "T1");
}
END_TEST

START_TEST(test_one_login_for_many)
{
    struct answer script[21] = {login};
    struct result results[20];

    for (size_t i = 1; i < 21; i++)
        script[i] = (struct answer){"/services/data/v60.0/x", "", "", 204, ANSWER};
    SCRIPT(script);
    for (size_t i = 0; i < 20; i++)
        ask(&results[i], "GET", "/x", 5000);
    cf_loop_run(loop);
    for (size_t i = 0; i < 20; i++)
        ck_assert(results[i].ok);
    ck_assert_uint_eq(server.tokens, 1);
}
END_TEST

START_TEST(test_401_refreshes_and_replays)
{
    const struct answer script[] = {
        login,
        {"/services/data/v60.0/a", NULL, "{}", 200, ANSWER},
        {"/services/data/v60.0/b", NULL, EXPIRED, 401, ANSWER},
        login,
        {"/services/data/v60.0/b", NULL, "{\"v\":\"again\"}", 200, ANSWER},
    };
    struct result a, b;

    SCRIPT(script);
    ask(&a, "GET", "/a", 5000);
    cf_loop_run(loop);
    ask(&b, "POST", "/b", 5000);
    cf_loop_run(loop);
    ck_assert(b.ok);
    ck_assert_str_eq(b.text, "again");
    ck_assert_uint_eq(b.api_calls, 2);
    ck_assert_str_eq(server.seen[4].bearer, "T2");
}
END_TEST

/* Twenty calls meet the same dead token: one login, and each call is sent twice. */
START_TEST(test_401_for_many_is_one_login)
{
    struct result a, results[20];

    cf_sf_free(sf);
    client_new(20);
    ask(&a, "GET", "/a", 5000);
    cf_loop_run(loop);
    server.expired = server.tokens;
    for (size_t i = 0; i < 20; i++)
        ask(&results[i], "GET", "/b", 5000);
    cf_loop_run(loop);
    for (size_t i = 0; i < 20; i++) {
        ck_assert(results[i].ok);
        ck_assert_uint_eq(results[i].api_calls, 2);
    }
    ck_assert_uint_eq(server.tokens, 2);
}
END_TEST

/* A token that is refused at its first use: no other login before the backoff, and no replay. */
START_TEST(test_new_token_refused)
{
    const struct answer refused = {"/services/data/v60.0/a", NULL, EXPIRED, 401, ANSWER};
    const struct answer script[] = {login, refused, refused};
    struct result results[2];

    SCRIPT(script);
    for (size_t i = 0; i < 2; i++) {
        ask(&results[i], "GET", "/a", 5000);
        cf_loop_run(loop);
        ck_assert(!results[i].ok);
        ck_assert_int_eq(results[i].failure.err.kind, CF_ERR_TRANSIENT);
        ck_assert_int_eq(results[i].failure.err.code, 401);
        ck_assert_uint_eq(results[i].failure.api_calls, 1);
    }
}
END_TEST

/* ... but it is not given up for ever. */
START_TEST(test_new_token_refused_for_a_while)
{
    struct cf_sf_opts opts = client_opts();
    struct cf_err err;
    struct result result;
    uint64_t until = cf_clock_mono_ms() + 5000;

    opts.login_backoff_ms = 100;
    cf_sf_free(sf);
    sf = cf_sf_new(loop, &opts, &err);
    server.expired = 1;
    do {
        ck_assert_uint_lt(cf_clock_mono_ms(), until);
        server.n_seen = 0; /* it notes a few only */
        ask(&result, "GET", "/a", 5000);
        cf_loop_run(loop);
    } while (!result.ok);
    ck_assert_uint_eq(server.tokens, 2);
}
END_TEST

START_TEST(test_second_401_after_good_token)
{
    const struct answer script[] = {
        login,
        {"/services/data/v60.0/a", NULL, "{}", 200, ANSWER},
        {"/services/data/v60.0/a", NULL, EXPIRED, 401, ANSWER},
        login,
        {"/services/data/v60.0/a", NULL, EXPIRED, 401, ANSWER},
    };
    struct result a, b;

    SCRIPT(script);
    ask(&a, "GET", "/a", 5000);
    cf_loop_run(loop);
    ask(&b, "POST", "/a", 5000);
    cf_loop_run(loop);
    ck_assert(a.ok && !b.ok);
    ck_assert_int_eq(b.failure.err.code, 401);
    ck_assert_int_eq(b.failure.err.kind, CF_ERR_TRANSIENT);
    ck_assert(!b.failure.unknown_outcome);
    ck_assert_uint_eq(b.failure.api_calls, 2);
    ck_assert_uint_eq(server.n_seen, 5);
}
END_TEST

static int more; /* calls that on_good() still makes */

/* Keeps proving the token good, whichever it is. */
static void on_good(void *arg, const struct cf_sf_response *res, const struct cf_sf_failure *failure)
{
    const struct cf_sf_request request = {CF_SF_LIVE_CALLER, "GET", "/a", NULL, 5000};

    (void)failure;
    ck_assert_ptr_nonnull(res);
    if (--more > 0)
        (void)cf_sf_send(sf, &request, on_good, arg);
    else if (--pending == 0)
        cf_loop_stop(loop);
}

/* One resource says 401 for ever while others like every token: no login for each answer. */
START_TEST(test_401_for_ever)
{
    const struct cf_sf_request request = {CF_SF_LIVE_CALLER, "GET", "/a", NULL, 5000};
    struct result never[10];

    more = 100;
    pending = 1;
    (void)cf_sf_send(sf, &request, on_good, NULL);
    for (size_t i = 0; i < 10; i++)
        ask(&never[i], "GET", "/never", 5000);
    cf_loop_run(loop);
    for (size_t i = 0; i < 10; i++) {
        ck_assert(!never[i].ok);
        ck_assert_uint_le(never[i].failure.api_calls, 2);
    }
    ck_assert_uint_le(server.tokens, 1 + SF_MAX_REFRESHES);
}
END_TEST

START_TEST(test_invalid_grant_is_not_repeated)
{
    const struct answer script[] = {
        {TOKEN_PATH, NULL, "{\"error\":\"invalid_grant\",\"error_description\":\"authentication failure\"}",
         400, ANSWER},
    };
    struct result results[3];

    SCRIPT(script);
    for (size_t i = 0; i < 3; i++) {
        ask(&results[i], "GET", "/a", 5000);
        cf_loop_run(loop);
        ck_assert(!results[i].ok);
        ck_assert_int_eq(results[i].failure.err.kind, CF_ERR_TRANSIENT);
        ck_assert_ptr_nonnull(strstr(results[i].failure.err.text, "invalid_grant"));
        ck_assert_ptr_null(strstr(results[i].failure.err.text, "s3cret"));
    }
    ck_assert_uint_eq(server.n_seen, 1);
}
END_TEST

START_TEST(test_instance_url_is_used)
{
    const struct answer script[] = {login, {"/services/data/v60.0/a", NULL, "{}", 200, ANSWER}};
    char other[64];
    struct result a;

    (void)snprintf(other, sizeof(other), "http://localhost%s", strrchr(server.url, ':'));
    server.instance_url = other;
    SCRIPT(script);
    ask(&a, "GET", "/a", 5000);
    cf_loop_run(loop);
    ck_assert(a.ok);
    ck_assert_str_eq(cf_sf_instance_url(sf), other);
}
END_TEST

static const struct {
    struct answer answer;
    const char *method, *error_code;
    uint32_t timeout_ms;
    enum cf_err_kind kind;
    int code;
    bool unknown;
} failures[] = {
    {{"/", NULL, "[{\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\",\"message\":\"m\"}]", 403, ANSWER},
     "GET",
     "REQUEST_LIMIT_EXCEEDED",
     5000,
     CF_ERR_THROTTLED,
     403,
     false},
    {{"/", NULL, "[{\"errorCode\":\"UNKNOWN_EXCEPTION\"}]", 500, ANSWER},
     "PATCH",
     "UNKNOWN_EXCEPTION",
     5000,
     CF_ERR_TRANSIENT,
     500,
     true},
    {{"/", NULL, "[{\"errorCode\":\"MALFORMED_QUERY\"}]", 400, ANSWER},
     "GET",
     "MALFORMED_QUERY",
     5000,
     CF_ERR_CONFIG,
     400,
     false},
    {{"/", HTML, "<html>", 503, ANSWER}, "GET", "", 5000, CF_ERR_TRANSIENT, 503, false},
    {{"/", HTML, "<html>", 200, ANSWER}, "GET", "", 5000, CF_ERR_TRANSIENT, 200, false},
    {{"/", HTML, "<html>", 200, ANSWER}, "POST", "", 5000, CF_ERR_TRANSIENT, 200, true},
    {{"/", NULL, "[\"/x\",\"/y\"]", 300, ANSWER}, "PATCH", "", 5000, CF_ERR_REJECTED, 300, false},
    {{"/", NULL, NULL, 0, HANG}, "POST", "", 150, CF_ERR_TRANSIENT, 0, true},
    {{"/", NULL, NULL, 0, HANG}, "GET", "", 150, CF_ERR_TRANSIENT, 0, false},
    {{"/", NULL, NULL, 0, CUT}, "POST", "", 5000, CF_ERR_TRANSIENT, 0, true},
    {{"/", NULL, "{", 200, HUGE_BODY}, "GET", "", 5000, CF_ERR_TRANSIENT, 0, false},
    {{"/", NULL, "{", 200, HUGE_BODY}, "POST", "", 5000, CF_ERR_TRANSIENT, 0, true},
};

START_TEST(test_failures)
{
    const struct answer script[] = {login, failures[_i].answer};
    struct result a;

    SCRIPT(script);
    ask(&a, failures[_i].method, "/a", failures[_i].timeout_ms);
    cf_loop_run(loop);
    ck_assert(!a.ok);
    ck_assert_msg(a.failure.err.kind == failures[_i].kind, "%s", a.failure.err.text);
    ck_assert_int_eq(a.failure.err.code, failures[_i].code);
    ck_assert_str_eq(a.failure.error_code, failures[_i].error_code);
    ck_assert_int_eq(a.failure.unknown_outcome, failures[_i].unknown);
    ck_assert_uint_eq(a.failure.api_calls, 1);
}
END_TEST

START_TEST(test_deadline_in_line)
{
    const struct answer script[] = {login, {"/", NULL, NULL, 0, HANG}};
    struct result first, second;
    uint64_t from_ms = cf_clock_mono_ms();

    cf_sf_free(sf);
    client_new(1);
    SCRIPT(script);
    ask(&first, "GET", "/a", 400);
    ask(&second, "POST", "/b", 100);
    cf_loop_run(loop);
    ck_assert(!first.ok && !second.ok);
    ck_assert_ptr_nonnull(strstr(second.failure.err.text, "in line"));
    ck_assert_uint_eq(second.failure.api_calls, 0);
    ck_assert(!second.failure.unknown_outcome);
    ck_assert_uint_lt(cf_clock_mono_ms() - from_ms, 3000);
}
END_TEST

START_TEST(test_live_callers_first)
{
    const struct answer script[] = {login,
                                    {"/services/data/v60.0/first", "", "", 204, ANSWER},
                                    {"/services/data/v60.0/live", "", "", 204, ANSWER},
                                    {"/services/data/v60.0/post", "", "", 204, ANSWER},
                                    {"/services/data/v60.0/back", "", "", 204, ANSWER}};
    static const char *const paths[] = {"/first", "/back", "/post", "/live"};
    static const enum cf_sf_class classes[] = {CF_SF_LIVE_CALLER, CF_SF_BACKFILL, CF_SF_POST_CALL,
                                               CF_SF_LIVE_CALLER};
    struct result results[4] = {0};

    cf_sf_free(sf);
    client_new(1);
    SCRIPT(script);
    for (size_t i = 0; i < 4; i++) {
        const struct cf_sf_request request = {classes[i], "GET", paths[i], NULL, 5000};

        pending++;
        (void)cf_sf_send(sf, &request, on_result, &results[i]);
    }
    cf_loop_run(loop);
    for (size_t i = 0; i < 4; i++)
        ck_assert(results[i].ok);
}
END_TEST

START_TEST(test_cancel)
{
    const struct answer script[] = {login, {"/", NULL, NULL, 0, HANG}};
    const struct cf_sf_request request = {CF_SF_LIVE_CALLER, "GET", "/a", NULL, 5000};
    struct result results[2] = {0};
    struct cf_sf_call *sent, *waiting;

    cf_sf_free(sf);
    client_new(1);
    SCRIPT(script);
    sent = cf_sf_send(sf, &request, on_result, &results[0]);
    waiting = cf_sf_send(sf, &request, on_result, &results[1]);
    while (server.n_seen < 2) /* until the first hangs at the server */
        turn_ms(5);
    cf_sf_cancel(waiting);
    cf_sf_cancel(sent);
    turn_ms(20);
    ck_assert(!results[0].done && !results[1].done);
}
END_TEST

START_TEST(test_free_under_way)
{
    const struct answer script[] = {{TOKEN_PATH, NULL, NULL, 0, HANG}};
    const struct cf_sf_request request = {CF_SF_LIVE_CALLER, "GET", "/a", NULL, 5000};
    struct result result = {0};

    SCRIPT(script);
    (void)cf_sf_send(sf, &request, on_result, &result);
    while (server.n_seen < 1)
        turn_ms(5);
    cf_sf_free(sf);
    sf = NULL;
    ck_assert(!result.done);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sf_client");
    TCase *tcase = tcase_create("client");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 20);
    tcase_add_test(tcase, test_login_then_call);
    tcase_add_test(tcase, test_one_login_for_many);
    tcase_add_test(tcase, test_401_refreshes_and_replays);
    tcase_add_test(tcase, test_401_for_many_is_one_login);
    tcase_add_test(tcase, test_new_token_refused);
    tcase_add_test(tcase, test_new_token_refused_for_a_while);
    tcase_add_test(tcase, test_second_401_after_good_token);
    tcase_add_test(tcase, test_401_for_ever);
    tcase_add_test(tcase, test_invalid_grant_is_not_repeated);
    tcase_add_test(tcase, test_instance_url_is_used);
    tcase_add_loop_test(tcase, test_failures, 0, (int)(sizeof(failures) / sizeof(failures[0])));
    tcase_add_test(tcase, test_deadline_in_line);
    tcase_add_test(tcase, test_live_callers_first);
    tcase_add_test(tcase, test_cancel);
    tcase_add_test(tcase, test_free_under_way);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
