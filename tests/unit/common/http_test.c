/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http.h"

#include <curl/curl.h>
#include <signal.h>

#include "http_test_server.h"
#include "loop/loop.h"
#include "test_certs.h"

#define GUARD_MS 20000 /* no test waits longer */

/* What one call brought. */
struct result {
    bool done, failed;
    int status;
    char body[4096], one[64];
    struct cf_err err;
    uint64_t elapsed_ms;
};

static struct cf_loop *loop;
static struct cf_timer *guard;
static struct cf_http *http;
static struct server *server;
static int waiting;

static void on_guard(void *arg)
{
    (void)arg;
    ck_abort_msg("a call did not end");
}

static void on_done(void *arg, const struct cf_http_response *res, const struct cf_err *err)
{
    struct result *result = arg;

    ck_assert_msg(!result->done, "the callback ran twice");
    ck_assert((res != NULL) != (err != NULL));
    result->done = true;
    if (err) {
        result->failed = true;
        result->err = *err;
    } else {
        result->status = cf_http_status(res);
        result->elapsed_ms = cf_http_elapsed_ms(res);
        (void)cf_str_copy(result->body, sizeof(result->body), cf_http_body(res));
        (void)cf_str_copy(result->one, sizeof(result->one), cf_http_header(res, "X-ONE"));
    }
    if (--waiting == 0)
        cf_loop_stop(loop);
}

static struct cf_http_opts options(void)
{
    return (struct cf_http_opts){.max_connections = 4,
                                 .connect_timeout_ms = 2000,
                                 .max_body_bytes = 20000,
                                 .max_header_bytes = 4096,
                                 .user_agent = "callfleet-test"};
}

static void open_client(const struct cf_http_opts *opts)
{
    struct cf_err err;

    loop = cf_loop_new();
    guard = cf_timer_new(loop, on_guard, NULL);
    cf_timer_start(guard, GUARD_MS, 0);
    http = cf_http_new(loop, opts, &err);
    ck_assert_ptr_nonnull(http);
}

static void setup(void)
{
    struct cf_http_opts opts = options();

    (void)signal(SIGPIPE, SIG_IGN);
    server = server_start(NULL, NULL);
    open_client(&opts);
}

static void close_client(void)
{
    cf_http_free(http);
    cf_timer_free(guard);
    cf_loop_free(loop);
}

static void teardown(void)
{
    close_client();
    server_stop(server);
}

static struct cf_http_call *start(const char *method, const char *path, const char *body, uint32_t timeout_ms,
                                  struct result *result)
{
    char url[256];
    struct cf_http_request request = {
        .method = method, .url = url, .body = cf_str_of(body), .timeout_ms = timeout_ms};

    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", server->port, path);
    memset(result, 0, sizeof(*result));
    waiting++;
    return cf_http_send(http, &request, on_done, result);
}

static struct result run(const char *method, const char *path, uint32_t timeout_ms)
{
    struct result result;

    (void)start(method, path, NULL, timeout_ms, &result);
    ck_assert(!result.done); /* never inside the call */
    cf_loop_run(loop);
    ck_assert(result.done);
    ck_assert_uint_eq(cf_http_in_flight(http), 0);
    return result;
}

static const struct {
    const char *method, *path;
    int status;
    const char *body, *one;
} answers[] = {
    {"GET", "/ok", 200, "hello", "first"},
    {"POST", "/ok", 200, "hello", "first"},
    {"GET", "/ok?q=a%20b", 200, "hello", "first"},
    {"GET", "/interim", 200, "hello", "first"},
    {"PATCH", "/204", 204, "", ""},
    {"GET", "/500", 500, "oops", ""},
    {"GET", "/redirect", 302, "", ""},
    {"GET", "/gzip", 200, "hello, gzip", ""},
    {"GET", "/delay/50", 200, "hello", "first"},
};

START_TEST(test_answers)
{
    struct result result = run(answers[_i].method, answers[_i].path, 5000);

    ck_assert_msg(!result.failed, "%s", result.err.text);
    ck_assert_int_eq(result.status, answers[_i].status);
    ck_assert_str_eq(result.body, answers[_i].body);
    ck_assert_str_eq(result.one, answers[_i].one);
    ck_assert_uint_eq(server->requests, 1);
}
END_TEST

static const struct {
    const char *path;
    uint32_t timeout_ms;
    enum cf_err_kind kind;
    int code;         /* 0: any */
    const char *text; /* part of it */
} faults[] = {
    {"/reset", 5000, CF_ERR_TRANSIENT, CURLE_RECV_ERROR, ""},
    {"/silent", 5000, CF_ERR_TRANSIENT, CURLE_GOT_NOTHING, ""},
    {"/half", 5000, CF_ERR_TRANSIENT, CURLE_PARTIAL_FILE, ""},
    {"/half-chunk", 5000, CF_ERR_TRANSIENT, 0, ""},
    {"/old", 5000, CF_ERR_TRANSIENT, CURLE_RECV_ERROR, ""},
    {"/status", 5000, CF_ERR_TRANSIENT, CURLE_WEIRD_SERVER_REPLY, ""},
    {"/delay/5000", 100, CF_ERR_TRANSIENT, CURLE_OPERATION_TIMEDOUT, "within 100 ms"},
    {"/loris", 700, CF_ERR_TRANSIENT, CURLE_OPERATION_TIMEDOUT, "within 700 ms"},
    {"/huge", 5000, CF_ERR_REJECTED, CURLE_WRITE_ERROR, "body passed 20000 bytes"},
    {"/bomb", 5000, CF_ERR_REJECTED, CURLE_WRITE_ERROR, "body passed 20000 bytes"},
    {"/announced", 5000, CF_ERR_REJECTED, CURLE_FILESIZE_EXCEEDED, ""},
    {"/headers", 5000, CF_ERR_REJECTED, CURLE_WRITE_ERROR, "headers passed 4096 bytes"},
    {"/long-line", 5000, CF_ERR_REJECTED, 0, ""},
};

START_TEST(test_faults)
{
    struct result result = run("POST", faults[_i].path, faults[_i].timeout_ms);

    ck_assert(result.failed);
    ck_assert_int_eq(result.err.kind, faults[_i].kind);
    ck_assert_str_eq(result.err.from, "http");
    if (faults[_i].code)
        ck_assert_int_eq(result.err.code, faults[_i].code);
    ck_assert_msg(strstr(result.err.text, faults[_i].text), "%s", result.err.text);
    ck_assert_msg(cf_http_error_is_unknown_outcome(&result.err), "%s", result.err.text);
    /* The client goes on. */
    ck_assert_int_eq(run("GET", "/ok", 5000).status, 200);
}
END_TEST

static const struct {
    const char *method, *url, *header;
    int code;
    enum cf_err_kind kind;
} refused[] = {
    {"GET", "ftp://127.0.0.1/", NULL, CURLE_UNSUPPORTED_PROTOCOL, CF_ERR_CONFIG},
    {"GET", "file:///etc/passwd", NULL, CURLE_UNSUPPORTED_PROTOCOL, CF_ERR_CONFIG},
    {"GET", "http://127.0.0.1/a b", NULL, CURLE_URL_MALFORMAT, CF_ERR_CONFIG},
    {"GET", "http://127.0.0.1/\r\nX: y", NULL, CURLE_URL_MALFORMAT, CF_ERR_CONFIG},
    {"GET", "", NULL, CURLE_URL_MALFORMAT, CF_ERR_CONFIG},
    {"GET", "http://", NULL, CURLE_URL_MALFORMAT, CF_ERR_CONFIG},
    {"GET", "http://user:secret@127.0.0.1/", NULL, CURLE_LOGIN_DENIED, CF_ERR_CONFIG},
    {"GET /evil", "http://127.0.0.1/", NULL, CURLE_BAD_FUNCTION_ARGUMENT, CF_ERR_CONFIG},
    {"", "http://127.0.0.1/", NULL, CURLE_BAD_FUNCTION_ARGUMENT, CF_ERR_CONFIG},
    {"GET", "http://127.0.0.1/", "X-A: b\r\nX-C: d", CURLE_BAD_FUNCTION_ARGUMENT, CF_ERR_CONFIG},
    {"GET", "http://127.0.0.1/", "X-A: b\n", CURLE_BAD_FUNCTION_ARGUMENT, CF_ERR_CONFIG},
    {"GET", "http://127.0.0.1/", "no colon", CURLE_BAD_FUNCTION_ARGUMENT, CF_ERR_CONFIG},
    {"GET", "http://127.0.0.1/", ": no name", CURLE_BAD_FUNCTION_ARGUMENT, CF_ERR_CONFIG},
    {"GET", "http://127.0.0.1:1/secret?q=secret", NULL, CURLE_COULDNT_CONNECT, CF_ERR_TRANSIENT},
    {"GET", "http://no-such-host.invalid/", NULL, CURLE_COULDNT_RESOLVE_HOST, CF_ERR_TRANSIENT},
};

START_TEST(test_refused)
{
    const char *const headers[] = {refused[_i].header, NULL};
    struct cf_http_request request = {
        .method = refused[_i].method, .url = refused[_i].url, .headers = headers, .timeout_ms = 10000};
    struct result result = {0};

    waiting = 1;
    (void)cf_http_send(http, &request, on_done, &result);
    ck_assert(!result.done);
    cf_loop_run(loop);
    ck_assert(result.failed);
    ck_assert_int_eq(result.err.code, refused[_i].code);
    ck_assert_int_eq(result.err.kind, refused[_i].kind);
    ck_assert(!cf_http_error_is_unknown_outcome(&result.err));
    ck_assert_ptr_null(strstr(result.err.text, "secret"));
    ck_assert_int_eq(run("GET", "/ok", 5000).status, 200);
}
END_TEST

START_TEST(test_request_as_sent)
{
    const char *const headers[] = {"Authorization: Bearer x", "Content-Type: application/json", NULL};
    char url[64];
    struct cf_http_request request = {
        .method = "PATCH", .url = url, .headers = headers, .body = CF_STR("{\"a\":1}"), .timeout_ms = 5000};
    struct result result = {0};

    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/echo", server->port);
    waiting = 1;
    (void)cf_http_send(http, &request, on_done, &result);
    cf_loop_run(loop);
    ck_assert_ptr_nonnull(strstr(result.body, "PATCH /echo HTTP/1.1\r\n"));
    ck_assert_ptr_nonnull(strstr(result.body, "Authorization: Bearer x\r\n"));
    ck_assert_ptr_nonnull(strstr(result.body, "Content-Type: application/json\r\n"));
    ck_assert_ptr_nonnull(strstr(result.body, "User-Agent: callfleet-test\r\n"));
    ck_assert_ptr_nonnull(strstr(result.body, "Content-Length: 7\r\n"));
    ck_assert_ptr_nonnull(strstr(result.body, "{\"a\":1}"));
    ck_assert_ptr_null(strcasestr(result.body, "expect:"));
    /* The same handle again: nothing of the old request is left. */
    result = run("GET", "/echo", 5000);
    ck_assert_ptr_nonnull(strstr(result.body, "GET /echo HTTP/1.1\r\n"));
    ck_assert_ptr_null(strcasestr(result.body, "authorization"));
    ck_assert_ptr_null(strcasestr(result.body, "content-"));
    result = run("DELETE", "/echo", 5000);
    ck_assert_ptr_nonnull(strstr(result.body, "DELETE /echo HTTP/1.1\r\n"));
    result = run("POST", "/echo", 5000);
    ck_assert_ptr_nonnull(strstr(result.body, "Content-Length: 0\r\n"));
    ck_assert_ptr_null(strcasestr(result.body, "content-type"));
}
END_TEST

START_TEST(test_large_request_body)
{
    struct cf_buf body;
    struct result result;

    cf_buf_init(&body, 200000);
    while (body.n < 100000)
        cf_buf_text(&body, "0123456789");
    cf_buf_char(&body, '\0');
    (void)start("POST", "/ok", body.p, 5000, &result);
    cf_buf_done(&body); /* the call has its copy */
    cf_loop_run(loop);
    ck_assert_int_eq(result.status, 200);
}
END_TEST

START_TEST(test_keep_alive)
{
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(run("GET", "/ok", 5000).status, 200);
    ck_assert_uint_eq(server->connections, 1);
    ck_assert_uint_eq(server->requests, 5);
}
END_TEST

/* A kept connection that dies without an answer: curl would repeat even a POST by itself. */
START_TEST(test_no_silent_second_write)
{
    struct result result;

    ck_assert_int_eq(run("POST", "/once", 5000).status, 200);
    result = run("POST", "/once", 5000);
    ck_assert(result.failed);
    ck_assert_int_eq(result.err.kind, CF_ERR_TRANSIENT);
    ck_assert(cf_http_error_is_unknown_outcome(&result.err));
    ck_assert_uint_eq(server->requests, 2);
    /* A read is simply repeated. */
    ck_assert_int_eq(run("GET", "/once", 5000).status, 200);
    ck_assert_int_eq(run("GET", "/once", 5000).status, 200);
    ck_assert_uint_eq(server->requests, 5);
}
END_TEST

START_TEST(test_connections_are_bounded)
{
    struct result results[12];

    for (size_t i = 0; i < 12; i++)
        (void)start("GET", "/delay/30", NULL, 5000, &results[i]);
    ck_assert_uint_eq(cf_http_in_flight(http), 12);
    cf_loop_run(loop);
    for (size_t i = 0; i < 12; i++)
        ck_assert_int_eq(results[i].status, 200);
    ck_assert_uint_le(server->most_open, 4);
    ck_assert_uint_ge(results[11].elapsed_ms, 60); /* waiting in line included */
}
END_TEST

/* More connections than one multi handle gets, and calls in line behind them, some of which go early. */
START_TEST(test_many_connections)
{
    enum { CALLS = 700 };
    static struct result results[CALLS];
    struct cf_http_opts opts = options();
    struct cf_http_call *calls[CALLS];

    close_client();
    opts.max_connections = 600;
    open_client(&opts);
    for (size_t i = 0; i < CALLS; i++)
        calls[i] = start("GET", "/delay/30", NULL, 20000, &results[i]);
    for (size_t i = 0; i < CALLS; i += 10) {
        cf_http_cancel(calls[i]);
        waiting--;
    }
    ck_assert_uint_eq(cf_http_in_flight(http), CALLS - CALLS / 10);
    cf_loop_run(loop);
    for (size_t i = 0; i < CALLS; i++)
        ck_assert_int_eq(results[i].status, i % 10 == 0 ? 0 : 200);
    ck_assert_uint_le(server->most_open, 600);
    ck_assert_uint_gt(server->most_open, 256);
    ck_assert_uint_eq(cf_http_in_flight(http), 0);
}
END_TEST

/* A listener whose queue is full: further connections wait for ever. Fills `ret_fds`; returns the port. */
static unsigned full_listener(int ret_fds[4])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    for (size_t i = 0; i < 4; i++)
        ret_fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(ret_fds[0], (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(ret_fds[0], 0), 0);
    ck_assert_int_eq(getsockname(ret_fds[0], (struct sockaddr *)&address, &size), 0);
    for (size_t i = 1; i < 4; i++)
        (void)connect(ret_fds[i], (struct sockaddr *)&address, sizeof(address));
    return ntohs(address.sin_port);
}

/* A call given up while its connection is not there yet: the number of its socket is free for the next one.
 */
START_TEST(test_deadline_while_connecting)
{
    struct result result = {.done = false};
    struct cf_http_request request = {.method = "GET", .timeout_ms = 100};
    char url[64];
    int fds[4];

    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", full_listener(fds));
    request.url = url;
    for (int i = 0; i < 3; i++) {
        memset(&result, 0, sizeof(result));
        waiting++;
        (void)cf_http_send(http, &request, on_done, &result);
        cf_loop_run(loop);
        ck_assert(result.failed);
        ck_assert_int_eq(result.err.kind, CF_ERR_TRANSIENT);
        ck_assert_int_eq(run("GET", "/ok", 2000).status, 200);
    }
    for (size_t i = 0; i < 4; i++)
        (void)close(fds[i]);
}
END_TEST

START_TEST(test_deadline_runs_while_in_line)
{
    struct result slow[4], late;

    for (size_t i = 0; i < 4; i++)
        (void)start("GET", "/delay/600", NULL, 5000, &slow[i]);
    (void)start("POST", "/ok", NULL, 100, &late);
    cf_loop_run(loop);
    ck_assert(late.failed);
    ck_assert_int_eq(late.err.code, CURLE_COULDNT_CONNECT);
    ck_assert(!cf_http_error_is_unknown_outcome(&late.err));
    ck_assert_int_eq(slow[0].status, 200);
    ck_assert_uint_eq(server->requests, 4);
}
END_TEST

START_TEST(test_cancel)
{
    struct result slow, ok;
    struct cf_http_call *call = start("GET", "/delay/5000", NULL, 10000, &slow);

    cf_http_cancel(call);
    waiting--;
    call = start("GET", "not a url at all", NULL, 10000, &slow);
    cf_http_cancel(call);
    waiting--;
    (void)start("GET", "/delay/50", NULL, 5000, &ok);
    cf_loop_run(loop);
    ck_assert_int_eq(ok.status, 200);
    ck_assert(!slow.done);
}
END_TEST

static struct cf_http_call *victim;

static void cancel_other(void *arg, const struct cf_http_response *res, const struct cf_err *err)
{
    if (victim)
        cf_http_cancel(victim);
    victim = NULL;
    waiting -= 1;
    on_done(arg, res, err);
}

/* Both answers may be in curl's queue already when the first callback cancels the second call. */
START_TEST(test_cancel_inside_a_callback)
{
    char url[64];
    struct cf_http_request request = {.method = "GET", .url = url, .timeout_ms = 5000};
    struct result first = {0}, second;

    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/ok", server->port);
    waiting = 1;
    (void)cf_http_send(http, &request, cancel_other, &first);
    victim = start("GET", "/delay/20", NULL, 5000, &second);
    cf_loop_run(loop);
    ck_assert_int_eq(first.status, 200);
    ck_assert(!second.done);
    ck_assert_uint_eq(cf_http_in_flight(http), 0);
}
END_TEST

START_TEST(test_free_with_calls_under_way)
{
    struct result results[8];

    for (size_t i = 0; i < 8; i++)
        (void)start("GET", "/delay/5000", NULL, 10000, &results[i]);
    (void)start("GET", "/ok", NULL, 10000, &results[0]);
    /* teardown frees the client: no callback, no leak */
}
END_TEST

START_TEST(test_low_speed)
{
    struct cf_http_opts opts = options();
    struct result result;

    close_client();
    opts.low_speed_ms = 1000;
    open_client(&opts);
    result = run("GET", "/loris", 15000);
    ck_assert(result.failed);
    ck_assert_int_eq(result.err.kind, CF_ERR_TRANSIENT);
}
END_TEST

START_TEST(test_environment_is_not_read)
{
    ck_assert_int_eq(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    ck_assert_int_eq(setenv("ALL_PROXY", "http://127.0.0.1:1", 1), 0);
    ck_assert_int_eq(run("GET", "/ok", 5000).status, 200);
}
END_TEST

START_TEST(test_proxy_option)
{
    struct cf_http_opts opts = options();
    struct cf_http_request request = {
        .method = "GET", .url = "http://somewhere.invalid/echo", .timeout_ms = 5000};
    struct result result = {0};
    char proxy[64];

    close_client();
    (void)snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", server->port);
    opts.proxy = proxy;
    ck_assert_int_eq(setenv("no_proxy", "*", 1), 0);
    open_client(&opts);
    waiting = 1;
    (void)cf_http_send(http, &request, on_done, &result);
    cf_loop_run(loop);
    /* The scripted server does not know the absolute path and hangs up: the request came here. */
    ck_assert(result.failed);
    ck_assert_uint_eq(server->requests, 1);
}
END_TEST

static struct result run_tls(const char *cert_names, bool trusted, const char *host)
{
    struct cf_http_opts opts = options();
    struct test_certs certs;
    struct result result = {0};
    char url[64];
    struct cf_http_request request = {.method = "GET", .url = url, .timeout_ms = 5000};

    (void)signal(SIGPIPE, SIG_IGN);
    test_certs_make(&certs, cert_names);
    server = server_start(certs.cert, certs.key);
    if (trusted)
        opts.ca_file = certs.ca;
    open_client(&opts);
    (void)snprintf(url, sizeof(url), "https://%s:%u/ok", host, server->port);
    waiting = 1;
    (void)cf_http_send(http, &request, on_done, &result);
    cf_loop_run(loop);
    teardown();
    test_certs_remove(&certs);
    return result;
}

static const struct {
    const char *names, *host;
    bool trusted, passes;
} tls_rows[] = {
    {"IP:127.0.0.1", "127.0.0.1", true, true},           {"DNS:localhost", "localhost", true, true},
    {"IP:127.0.0.1", "127.0.0.1", false, false},         {"DNS:elsewhere.example", "127.0.0.1", true, false},
    {"DNS:elsewhere.example", "localhost", true, false},
};

START_TEST(test_tls)
{
    struct result result = run_tls(tls_rows[_i].names, tls_rows[_i].trusted, tls_rows[_i].host);

    ck_assert_int_eq(result.failed, !tls_rows[_i].passes);
    if (result.failed) {
        ck_assert_int_eq(result.err.kind, CF_ERR_CONFIG);
        ck_assert_int_eq(result.err.code, CURLE_PEER_FAILED_VERIFICATION);
        ck_assert(!cf_http_error_is_unknown_outcome(&result.err));
    } else {
        ck_assert_int_eq(result.status, 200);
    }
}
END_TEST

START_TEST(test_bad_options)
{
    struct cf_http_opts opts = options();
    struct cf_err err = {0};

    switch (_i) {
    case 0:
        opts.max_connections = 0;
        break;
    case 1:
        opts.max_connections = 10001;
        break;
    case 2:
        opts.connect_timeout_ms = 0;
        break;
    case 3:
        opts.max_body_bytes = 0;
        break;
    default:
        opts.user_agent = "a\r\nX: b";
    }
    loop = cf_loop_new();
    ck_assert_ptr_null(cf_http_new(loop, &opts, &err));
    ck_assert_int_eq(err.kind, CF_ERR_CONFIG);
    cf_loop_free(loop);
}
END_TEST

START_TEST(test_escape)
{
    struct cf_buf buf;

    cf_buf_init(&buf, 1000);
    cf_http_escape(&buf, (struct cf_str){"aZ09-._~ +&=/%'\xc3\xa9\0x", 19});
    ck_assert(cf_str_is(cf_buf_view(&buf), "aZ09-._~%20%2B%26%3D%2F%25%27%C3%A9%00x"));
    cf_buf_done(&buf);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

int main(void)
{
    Suite *suite = suite_create("http");
    TCase *plain = tcase_create("plain"), *bare = tcase_create("bare");
    SRunner *runner;
    int failed;

    tcase_set_timeout(plain, 30);
    tcase_set_timeout(bare, 30);
    tcase_add_checked_fixture(plain, setup, teardown);
    tcase_add_loop_test(plain, test_answers, 0, ROWS(answers));
    tcase_add_loop_test(plain, test_faults, 0, ROWS(faults));
    tcase_add_loop_test(plain, test_refused, 0, ROWS(refused));
    tcase_add_test(plain, test_request_as_sent);
    tcase_add_test(plain, test_large_request_body);
    tcase_add_test(plain, test_keep_alive);
    tcase_add_test(plain, test_no_silent_second_write);
    tcase_add_test(plain, test_connections_are_bounded);
    tcase_add_test(plain, test_many_connections);
    tcase_add_test(plain, test_deadline_while_connecting);
    tcase_add_test(plain, test_deadline_runs_while_in_line);
    tcase_add_test(plain, test_cancel);
    tcase_add_test(plain, test_cancel_inside_a_callback);
    tcase_add_test(plain, test_free_with_calls_under_way);
    tcase_add_test(plain, test_low_speed);
    tcase_add_test(plain, test_environment_is_not_read);
    tcase_add_test(plain, test_proxy_option);
    tcase_add_loop_test(bare, test_tls, 0, ROWS(tls_rows));
    tcase_add_loop_test(bare, test_bad_options, 0, 5);
    tcase_add_test(bare, test_escape);
    suite_add_tcase(suite, plain);
    suite_add_tcase(suite, bare);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
