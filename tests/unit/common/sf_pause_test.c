/* SPDX-License-Identifier: Apache-2.0 */
/* When the Salesforce client does not ask: circuit, spent budget, records that fail alike. A scripted server.
 */
#include "metrics/metrics.h"
#include "unit/common/sf_test_server.h"

#define DATA "/services/data/v60.0"
#define LIMITS(used, max) JSON_TYPE "Sforce-Limit-Info: api-usage=" #used "/" #max "\r\n"
#define PAUSE_MS 300U

struct result {
    bool done, ok;
    struct cf_sf_failure failure;
};

static const struct cf_metric table[] = {
#include "sf/sf_metrics.def"
    {0}};
static struct cf_metrics *metrics;
static struct cf_metric_group *group;
static size_t pending;

static void on_result(void *arg, const struct cf_sf_response *res, const struct cf_sf_failure *failure)
{
    struct result *result = arg;

    ck_assert(!result->done);
    result->done = true;
    result->ok = res != NULL;
    if (failure)
        result->failure = *failure;
    if (--pending == 0)
        cf_loop_stop(loop);
}

static void ask(struct result *result, enum cf_sf_class class, const char *path, uint32_t timeout_ms)
{
    const struct cf_sf_request request = {class, "GET", path, NULL, timeout_ms};

    *result = (struct result){0};
    pending++;
    (void)cf_sf_send(sf, &request, on_result, result);
    ck_assert(!result->done); /* never inside the call */
}

static struct result run(enum cf_sf_class class, const char *path)
{
    struct result result;

    ask(&result, class, path, 5000);
    cf_loop_run(loop);
    return result;
}

static bool works(enum cf_sf_class class)
{
    return run(class, "/x").ok;
}

static double shown(size_t id)
{
    return cf_metric_value(group, id, NULL, NULL);
}

static struct cf_sf_opts guarded(void)
{
    struct cf_sf_opts opts = client_opts();

    opts.breaker_failures = 3;
    opts.breaker_ms = PAUSE_MS;
    opts.breaker_cap_ms = 10 * PAUSE_MS;
    opts.limit_pause_ms = PAUSE_MS;
    opts.stop_live_percent = 95;
    opts.stop_post_call_percent = 98;
    opts.stop_backfill_percent = 80;
    return opts;
}

static void use(const struct cf_sf_opts *opts)
{
    struct cf_err err;

    cf_sf_free(sf);
    sf = cf_sf_new(loop, opts, &err);
    ck_assert_msg(sf != NULL, "%s", err.text);
    cf_metrics_free(metrics);
    metrics = cf_metrics_new();
    group = cf_metrics_register(metrics, table);
    cf_sf_metrics(sf, group);
}

static void guarded_setup(void)
{
    struct cf_sf_opts opts;

    setup();
    opts = guarded();
    use(&opts);
}

static void guarded_teardown(void)
{
    teardown();
    cf_metrics_free(metrics);
    metrics = NULL;
}

static const struct answer *now_answer; /* NULL: all is fine */

static const struct answer *choose(const struct seen *seen)
{
    return strcmp(seen->path, TOKEN_PATH) == 0 ? NULL : now_answer;
}

/* Waits until a call passes again, which takes some pauses at most. */
static void until_works(enum cf_sf_class class)
{
    uint64_t until_ms = cf_clock_mono_ms() + 10000;

    while (!works(class)) {
        ck_assert_uint_lt(cf_clock_mono_ms(), until_ms);
        turn_ms(10);
    }
}

/* ---- circuit ---- */

static const struct answer outages[] = {
    {"/", HTML, "<html>down for maintenance</html>", 503, ANSWER},
    {"/", HTML, "<html>down for maintenance</html>", 200, ANSWER},
    {"/", NULL, "[{\"errorCode\":\"UNKNOWN_EXCEPTION\"}]", 500, ANSWER},
    {"/", NULL, NULL, 0, CUT},
    {"/", NULL,
     "[{\"errorCode\":\"INVALID_SESSION_ID\",\"message\":\"This session is not valid for use with the "
     "REST API\"}]",
     401, ANSWER},
    {"/", HTML, "<html>blocked by the firewall</html>", 403, ANSWER},
};

START_TEST(test_outage_opens_and_closes)
{
    struct result results[20];
    uint32_t seen;

    server.choose = choose;
    ck_assert(works(CF_SF_LIVE_CALLER));
    now_answer = &outages[_i];
    for (int i = 0; i < 3; i++)
        ck_assert(!works(CF_SF_LIVE_CALLER));
    ck_assert_double_eq(shown(CF_SF_M_CIRCUIT), 2);
    ck_assert_uint_eq(server.tokens, 1); /* no login helps */
    seen = (uint32_t)server.n_seen;
    for (size_t i = 0; i < 20; i++)
        ask(&results[i], (enum cf_sf_class)(i % 3), "/x", 5000);
    cf_loop_run(loop);
    for (size_t i = 0; i < 20; i++) {
        ck_assert(!results[i].ok && !results[i].failure.unknown_outcome);
        ck_assert_int_eq(results[i].failure.err.kind, CF_ERR_TRANSIENT);
        ck_assert_int_eq(results[i].failure.err.code, 0);
        ck_assert_uint_eq(results[i].failure.api_calls, 0);
        ck_assert_ptr_nonnull(strstr(results[i].failure.err.text, "paused"));
    }
    ck_assert_uint_eq(server.n_seen, seen); /* nothing was sent */
    ck_assert_double_eq(cf_metric_value(group, CF_SF_M_REFUSED, "live-caller", "circuit"), 7);
    now_answer = NULL;
    until_works(CF_SF_POST_CALL);
    ck_assert(works(CF_SF_LIVE_CALLER));
    ck_assert_double_eq(shown(CF_SF_M_CIRCUIT), 0);
}
END_TEST

/* Those who wait in line when it opens are told as well, not held until their deadlines. */
START_TEST(test_who_waits_is_told)
{
    struct cf_sf_opts opts = guarded();
    struct result results[40];
    uint64_t from_ms = cf_clock_mono_ms();

    opts.max_in_flight = 2;
    use(&opts);
    server.choose = choose;
    now_answer = &outages[0];
    for (size_t i = 0; i < 40; i++)
        ask(&results[i], CF_SF_LIVE_CALLER, "/x", 60000);
    cf_loop_run(loop);
    ck_assert_uint_lt(cf_clock_mono_ms() - from_ms, 20000);
    ck_assert_uint_le(server.n_seen, 1 + 3 + 2);
}
END_TEST

/* Half-open: one request goes, the others fail at once though the probe hangs. */
START_TEST(test_one_probe)
{
    static const struct answer hangs = {"/", NULL, NULL, 0, HANG};
    struct result probe, others[10];
    size_t seen;

    server.choose = choose;
    now_answer = &outages[0];
    for (int i = 0; i < 3; i++)
        ck_assert(!works(CF_SF_LIVE_CALLER));
    now_answer = &hangs;
    seen = server.n_seen;
    turn_ms(PAUSE_MS + 50);
    ask(&probe, CF_SF_LIVE_CALLER, "/probe", 400);
    for (size_t i = 0; i < 10; i++)
        ask(&others[i], CF_SF_LIVE_CALLER, "/other", 5000);
    while (!others[9].done)
        turn_ms(5);
    ck_assert(!probe.done);
    for (size_t i = 0; i < 10; i++)
        ck_assert_ptr_nonnull(strstr(others[i].failure.err.text, "paused"));
    cf_loop_run(loop);
    ck_assert(probe.done && !probe.ok);
    ck_assert_uint_eq(server.n_seen, seen + 1);
    ck_assert_str_eq(server.seen[seen].path, DATA "/probe");
    ck_assert_double_eq(shown(CF_SF_M_CIRCUIT), 2);
}
END_TEST

START_TEST(test_cancelled_probe)
{
    static const struct answer hangs = {"/", NULL, NULL, 0, HANG};
    const struct cf_sf_request request = {CF_SF_LIVE_CALLER, "GET", "/probe", NULL, 5000};
    struct cf_sf_call *probe;
    struct result result = {0};
    size_t seen;

    server.choose = choose;
    now_answer = &outages[0];
    for (int i = 0; i < 3; i++)
        ck_assert(!works(CF_SF_LIVE_CALLER));
    now_answer = &hangs;
    seen = server.n_seen;
    turn_ms(PAUSE_MS + 50);
    probe = cf_sf_send(sf, &request, on_result, &result);
    while (server.n_seen == seen)
        turn_ms(5);
    cf_sf_cancel(probe);
    now_answer = NULL;
    ck_assert(works(CF_SF_LIVE_CALLER));
}
END_TEST

START_TEST(test_retry_after)
{
    static const struct answer later = {"/", HTML "Retry-After: 600\r\n", "", 429, ANSWER};
    struct result result;

    server.choose = choose;
    now_answer = &later;
    ck_assert_int_eq(run(CF_SF_POST_CALL, "/x").failure.err.kind, CF_ERR_THROTTLED);
    now_answer = NULL;
    turn_ms((uint64_t)2 * PAUSE_MS);
    result = run(CF_SF_POST_CALL, "/x");
    ck_assert_int_eq(result.failure.err.kind, CF_ERR_TRANSIENT);
    ck_assert_int_eq(result.failure.err.code, 0);
}
END_TEST

/* Bad records are no outage, however many. */
START_TEST(test_answers_that_say_no_keep_it_closed)
{
    static const struct answer no = {"/", NULL, "[{\"errorCode\":\"REQUIRED_FIELD_MISSING\"}]", 400, ANSWER};

    server.choose = choose;
    now_answer = &no;
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(run(CF_SF_POST_CALL, "/x").failure.err.kind, CF_ERR_REJECTED);
    ck_assert_double_eq(shown(CF_SF_M_CIRCUIT), 0);
}
END_TEST

/* A token endpoint that does not answer is an outage like any other; the login is the probe then. */
START_TEST(test_login_hangs)
{
    static const struct answer hangs = {TOKEN_PATH, NULL, NULL, 0, HANG};
    const struct answer script[] = {hangs};
    struct result results[12];

    SCRIPT(script);
    for (size_t i = 0; i < 12; i++)
        ask(&results[i], CF_SF_LIVE_CALLER, "/x", 200);
    cf_loop_run(loop);
    ck_assert_double_eq(shown(CF_SF_M_CIRCUIT), 2);
    ck_assert_ptr_nonnull(strstr(run(CF_SF_LIVE_CALLER, "/x").failure.err.text, "paused"));
}
END_TEST

START_TEST(test_credentials_refused_are_shown)
{
    const struct answer script[] = {{TOKEN_PATH, NULL, "{\"error\":\"invalid_grant\"}", 400, ANSWER}};

    SCRIPT(script);
    ck_assert(!works(CF_SF_LIVE_CALLER));
    ck_assert(!works(CF_SF_LIVE_CALLER));
    ck_assert_double_eq(shown(CF_SF_M_CREDENTIALS_REFUSED), 1);
    ck_assert_double_eq(cf_metric_value(group, CF_SF_M_LOGINS, "refused", NULL), 1);
}
END_TEST

/* ---- the day's allocation ---- */

START_TEST(test_allocation_spent)
{
    static const struct answer spent = {
        "/", NULL,
        "[{\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\",\"message\":\"TotalRequests Limit exceeded.\"}]", 403,
        ANSWER};
    struct result result;
    size_t seen;

    server.choose = choose;
    now_answer = &spent;
    for (int i = 0; i < SF_EXHAUSTED_RUN; i++)
        ck_assert_int_eq(run(CF_SF_LIVE_CALLER, "/x").failure.err.code, 403);
    seen = server.n_seen;
    result = run(CF_SF_LIVE_CALLER, "/x");
    ck_assert_int_eq(result.failure.err.kind, CF_ERR_THROTTLED);
    ck_assert_int_eq(result.failure.err.code, 403);
    ck_assert_str_eq(result.failure.error_code, "REQUEST_LIMIT_EXCEEDED");
    ck_assert_uint_eq(server.n_seen, seen);
    now_answer = NULL;
    until_works(CF_SF_LIVE_CALLER);
}
END_TEST

START_TEST(test_classes_stop)
{
    static const struct answer used[] = {{"/", LIMITS(79, 100), "{}", 200, ANSWER},
                                         {"/", LIMITS(96, 100), "{}", 200, ANSWER},
                                         {"/", LIMITS(99, 100), "{}", 200, ANSWER},
                                         {"/", LIMITS(3, 100), "{}", 200, ANSWER}};
    struct result result;
    size_t seen;

    server.choose = choose;
    now_answer = &used[0];
    ck_assert(works(CF_SF_LIVE_CALLER) && works(CF_SF_POST_CALL) && works(CF_SF_BACKFILL));
    now_answer = &used[1];
    ck_assert(works(CF_SF_POST_CALL));
    seen = server.n_seen;
    result = run(CF_SF_LIVE_CALLER, "/x");
    ck_assert_int_eq(result.failure.err.kind, CF_ERR_THROTTLED);
    ck_assert_int_eq(result.failure.err.code, 403);
    ck_assert(!works(CF_SF_BACKFILL));
    ck_assert_uint_eq(server.n_seen, seen);
    ck_assert_double_eq(cf_metric_value(group, CF_SF_M_STOPPED, "live-caller", NULL), 1);
    ck_assert_double_eq(cf_metric_value(group, CF_SF_M_STOPPED, "post-call", NULL), 0);
    ck_assert_double_eq(cf_metric_value(group, CF_SF_M_REFUSED, "live-caller", "budget"), 1);
    now_answer = &used[2];
    ck_assert(works(CF_SF_POST_CALL)); /* its answer tells */
    ck_assert(!works(CF_SF_POST_CALL));
}
END_TEST

/* With all classes stopped no answer tells that the day is over: GET /limits does. */
START_TEST(test_limits_are_polled)
{
    static const struct answer used = {"/", LIMITS(99, 100), "{}", 200, ANSWER};
    static const struct answer limits = {
        DATA "/limits", NULL, "{\"DailyApiRequests\":{\"Max\":100,\"Remaining\":97}}", 200, ANSWER};
    struct cf_sf_opts opts = guarded();
    uint64_t until_ms = cf_clock_mono_ms() + 10000;

    opts.limits_poll_ms = 100;
    use(&opts);
    server.choose = choose;
    now_answer = &limits; /* at the start */
    while (cf_sf_budget(sf).limit < 0) {
        ck_assert_uint_lt(cf_clock_mono_ms(), until_ms);
        turn_ms(5);
    }
    ck_assert_int_eq(cf_sf_budget(sf).used, 3);
    now_answer = &used;
    ck_assert(works(CF_SF_LIVE_CALLER));
    ck_assert(!works(CF_SF_LIVE_CALLER));
    now_answer = &limits;
    while (!works(CF_SF_LIVE_CALLER)) {
        ck_assert_uint_lt(cf_clock_mono_ms(), until_ms);
        turn_ms(50);
    }
    ck_assert_double_ge(cf_metric_value(group, CF_SF_M_API_CALLS, "limits", NULL), 2);
}
END_TEST

/* ---- the end of a pause ---- */

static unsigned told, told_probe;

static void on_recovery(void *arg, bool probe)
{
    (void)arg;
    told += !probe;
    told_probe += probe;
}

static void until_told(const unsigned *count, unsigned n)
{
    uint64_t until_ms = cf_clock_mono_ms() + 10000;

    while (*count < n) {
        ck_assert_uint_lt(cf_clock_mono_ms(), until_ms);
        turn_ms(10);
    }
}

/* Time alone tells those who were refused to send a probe, and its success all the others. */
START_TEST(test_recovery_is_told)
{
    static const struct answer away = {"/", NULL, NULL, 0, CUT};

    told = told_probe = 0;
    cf_sf_on_recovery(sf, on_recovery, NULL);
    ck_assert(works(CF_SF_POST_CALL));
    server.choose = choose;
    now_answer = &away;
    for (int i = 0; i < 3; i++)
        ck_assert(!run(CF_SF_POST_CALL, "/x").failure.paused);
    ck_assert(run(CF_SF_POST_CALL, "/x").failure.paused);
    until_told(&told_probe, 1);
    ck_assert(!works(CF_SF_POST_CALL));
    until_told(&told_probe, 2); /* without another refusal */
    now_answer = NULL;
    ck_assert_uint_eq(told, 0);
    ck_assert(works(CF_SF_POST_CALL));
    until_told(&told, 1);
    turn_ms(1500);
    ck_assert_uint_eq(told, 1);
}
END_TEST

/* The token endpoint is away: who needs a session is told as soon as there is one. */
START_TEST(test_recovery_of_logins_is_told)
{
    static const struct answer busy = {"/", NULL, "{\"error\":\"rate_limit_exceeded\"}", 400, ANSWER};
    const struct answer script[] = {busy, busy, login};

    told = told_probe = 0;
    cf_sf_on_recovery(sf, on_recovery, NULL);
    SCRIPT(script);
    ck_assert(run(CF_SF_POST_CALL, "/x").failure.paused);
    until_told(&told, 1);
    ck_assert_uint_eq(server.tokens, 1);
}
END_TEST

/* ---- verdicts of records ---- */

/* Each time another one. */
static enum cf_err_kind refused(int status, const char *code)
{
    static unsigned count;
    count++;
    const struct cf_sf_verdict verdict = {status, code, {(const char *)&count, sizeof(count)}};

    return cf_sf_record_failed(sf, &verdict);
}

/* One that is tried again and again says nothing about the others. */
START_TEST(test_one_record_pauses_nobody)
{
    const struct cf_sf_verdict verdict = {400, "STRING_TOO_LONG", CF_STR("a")};

    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(cf_sf_record_failed(sf, &verdict), CF_ERR_REJECTED);
    ck_assert(works(CF_SF_POST_CALL));
}
END_TEST

START_TEST(test_records_alike_pause_the_writers)
{
    size_t seen;

    ck_assert_int_eq(refused(400, "STRING_TOO_LONG"), CF_ERR_REJECTED);
    cf_sf_record_done(sf);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(refused(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION"), CF_ERR_REJECTED);
    for (int i = 0; i < 70; i++)
        ck_assert_int_eq(refused(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION"), CF_ERR_TRANSIENT);
    ck_assert_double_eq(shown(CF_SF_M_WRITERS), 2);
    seen = server.n_seen;
    ck_assert_ptr_nonnull(strstr(run(CF_SF_POST_CALL, "/x").failure.err.text, "all records alike"));
    ck_assert_uint_eq(server.n_seen, seen);
    ck_assert(works(CF_SF_LIVE_CALLER)); /* callers are looked up meanwhile */
    until_works(CF_SF_POST_CALL);        /* the probe */
    ck_assert_double_eq(shown(CF_SF_M_WRITERS), 1);
    ck_assert_int_eq(refused(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION"), CF_ERR_TRANSIENT);
    ck_assert(!works(CF_SF_POST_CALL));
    until_works(CF_SF_POST_CALL);
    cf_sf_record_done(sf);
    ck_assert_double_eq(shown(CF_SF_M_WRITERS), 0);
    ck_assert(works(CF_SF_POST_CALL) && works(CF_SF_POST_CALL));
    ck_assert_int_eq(refused(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION"), CF_ERR_REJECTED);
}
END_TEST

/* Other kinds go through, and are no run. */
START_TEST(test_other_records)
{
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(refused(400, "UNABLE_TO_LOCK_ROW"), CF_ERR_TRANSIENT);
        ck_assert_int_eq(refused(403, "REQUEST_LIMIT_EXCEEDED"), CF_ERR_THROTTLED);
    }
    ck_assert(works(CF_SF_POST_CALL));
}
END_TEST

/* A field that was never there is the configuration's fault; one that went away is waited for. */
START_TEST(test_configuration)
{
    ck_assert_int_eq(refused(400, "INVALID_FIELD"), CF_ERR_CONFIG);
    ck_assert(works(CF_SF_POST_CALL));
    cf_sf_record_done(sf);
    ck_assert_int_eq(refused(400, "INVALID_FIELD"), CF_ERR_TRANSIENT);
    ck_assert_double_eq(shown(CF_SF_M_CONFIG_ERROR), 1);
    ck_assert(!works(CF_SF_POST_CALL));
    until_works(CF_SF_POST_CALL);
    cf_sf_record_done(sf);
    ck_assert_double_eq(shown(CF_SF_M_CONFIG_ERROR), 0);
}
END_TEST

static enum cf_err_kind settled(enum cf_err_kind kind)
{
    struct cf_err err;

    (void)cf_err_set(&err, kind, "sf", 400, "the query failed");
    cf_sf_query_failed(sf, &err);
    return err.kind;
}

START_TEST(test_configuration_of_questions)
{
    ck_assert_int_eq(settled(CF_ERR_CONFIG), CF_ERR_CONFIG);
    cf_sf_record_done(sf);
    ck_assert_int_eq(settled(CF_ERR_THROTTLED), CF_ERR_THROTTLED);
    ck_assert_double_eq(shown(CF_SF_M_CONFIG_ERROR), 0);
    ck_assert_int_eq(settled(CF_ERR_CONFIG), CF_ERR_TRANSIENT);
    ck_assert_double_eq(shown(CF_SF_M_CONFIG_ERROR), 1);
    cf_sf_query_done(sf);
    ck_assert_double_eq(shown(CF_SF_M_CONFIG_ERROR), 0);
}
END_TEST

START_TEST(test_configuration_of_requests)
{
    static const struct answer gone = {"/", NULL, "[{\"errorCode\":\"UNSUPPORTED_API_VERSION\"}]", 410,
                                       ANSWER};

    server.choose = choose;
    now_answer = &gone;
    ck_assert_int_eq(run(CF_SF_POST_CALL, "/x").failure.err.kind, CF_ERR_CONFIG);
    now_answer = NULL;
    ck_assert(works(CF_SF_POST_CALL));
    now_answer = &gone;
    ck_assert_int_eq(run(CF_SF_POST_CALL, "/x").failure.err.kind, CF_ERR_TRANSIENT);
    ck_assert_double_eq(shown(CF_SF_M_CONFIG_ERROR), 1);
    ck_assert_int_eq(run(CF_SF_LIVE_CALLER, "/x").failure.err.kind,
                     CF_ERR_CONFIG); /* not worth another try */
    now_answer = NULL;
    ck_assert(works(CF_SF_POST_CALL));
    ck_assert_double_eq(shown(CF_SF_M_CONFIG_ERROR), 0);
}
END_TEST

/* ---- what must not be believed or followed ---- */

/* The org has moved: a login tells where, and the bearer goes to no address out of a header. */
START_TEST(test_redirect_is_not_followed)
{
    static const struct answer fine = {DATA "/x", NULL, "{}", 200, ANSWER};
    const struct answer script[] = {
        login,
        fine,
        {DATA "/x", HTML "Location: http://127.0.0.2:1/steal\r\n", "", 302, ANSWER},
        login,
        fine};

    SCRIPT(script);
    ck_assert(works(CF_SF_POST_CALL));
    ck_assert(works(CF_SF_POST_CALL));
    ck_assert_uint_eq(server.n_seen, 5);
}
END_TEST

static char deep[100001];

static const struct answer strange[] = {
    {"/", NULL, deep, 200, ANSWER},
    {"/", NULL, "{\"a\":1,\"a\":2}", 200, ANSWER},
    {"/", NULL, "{\"a\":\"\xff\"}", 200, ANSWER},
    {"/", "Content-Type: application/xml\r\n", "<a/>", 200, ANSWER},
    {"/", "Content-Type: text/plain\r\n", "{}", 200, ANSWER},
    {"/", NULL, "{}{}", 200, ANSWER},
};

START_TEST(test_strange_bodies)
{
    struct result result;

    memset(deep, '[', sizeof(deep) - 1);
    server.choose = choose;
    now_answer = &strange[_i];
    result = run(CF_SF_POST_CALL, "/x");
    ck_assert(!result.ok);
    ck_assert_int_eq(result.failure.err.kind, CF_ERR_TRANSIENT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sf_pause");
    TCase *tcase = tcase_create("pause");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, guarded_setup, guarded_teardown);
    tcase_set_timeout(tcase, 40);
    tcase_add_loop_test(tcase, test_outage_opens_and_closes, 0, (int)(sizeof(outages) / sizeof(outages[0])));
    tcase_add_test(tcase, test_who_waits_is_told);
    tcase_add_test(tcase, test_one_probe);
    tcase_add_test(tcase, test_cancelled_probe);
    tcase_add_test(tcase, test_retry_after);
    tcase_add_test(tcase, test_answers_that_say_no_keep_it_closed);
    tcase_add_test(tcase, test_login_hangs);
    tcase_add_test(tcase, test_credentials_refused_are_shown);
    tcase_add_test(tcase, test_allocation_spent);
    tcase_add_test(tcase, test_classes_stop);
    tcase_add_test(tcase, test_limits_are_polled);
    tcase_add_test(tcase, test_records_alike_pause_the_writers);
    tcase_add_test(tcase, test_recovery_is_told);
    tcase_add_test(tcase, test_recovery_of_logins_is_told);
    tcase_add_test(tcase, test_one_record_pauses_nobody);
    tcase_add_test(tcase, test_other_records);
    tcase_add_test(tcase, test_configuration);
    tcase_add_test(tcase, test_configuration_of_questions);
    tcase_add_test(tcase, test_configuration_of_requests);
    tcase_add_test(tcase, test_redirect_is_not_followed);
    tcase_add_loop_test(tcase, test_strange_bodies, 0, (int)(sizeof(strange) / sizeof(strange[0])));
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
