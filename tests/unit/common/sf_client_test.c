/* SPDX-License-Identifier: Apache-2.0 */
/* The Salesforce client against a scripted HTTP server in the same process, on the same loop. */
#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock/clock.h"
#include "http/http.h"
#include "log/log.h"
#include "loop/loop.h"
#include "sf/sf.h"
#include "sf/sf_priv.h"

#define MAX_CONNS 64
#define MAX_SEEN 64
#define TOKEN_PATH "/services/oauth2/token"
#define JSON_TYPE "Content-Type: application/json;charset=UTF-8\r\n"
#define HTML "Content-Type: text/html\r\n"
#define EXPIRED "[{\"errorCode\":\"INVALID_SESSION_ID\",\"message\":\"Session expired or invalid\"}]"

/* ---- the server: answers come in the order of the script; without one, by the token ---- */

enum act { ANSWER, HANG, CUT, HUGE_BODY };

struct answer {
    const char *path;    /* the request must start with it */
    const char *headers; /* NULL: JSON_TYPE */
    const char *body;    /* "%TOKEN": a login's answer with the next token */
    int status;
    enum act act;
};

struct seen {
    char method[8], path[256], bearer[128], body[4096];
};

struct conn {
    struct server *server;
    int fd;
    struct cf_fd *watch;
    struct cf_buf in;
};

struct server {
    int fd;
    char url[64];
    struct cf_fd *watch;
    struct conn conns[MAX_CONNS];
    size_t n_conns;
    const struct answer *script;
    size_t n_script, at;
    struct seen seen[MAX_SEEN];
    size_t n_seen;
    unsigned tokens;          /* given so far */
    unsigned expired;         /* without a script: tokens up to this one are refused */
    const char *instance_url; /* in logins; NULL: url */
};

static struct cf_loop *loop;
static struct server server;
static struct cf_http *http;
static struct cf_sf *sf;
static char dir[64];

static void send_all(int fd, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, data, n, MSG_NOSIGNAL);

        if (sent <= 0)
            return; /* the client has gone, which some tests want */
        data += sent;
        n -= (size_t)sent;
    }
}

static void answer(struct conn *conn, const struct answer *a)
{
    struct cf_buf out;
    char body[512];
    const char *content = a->body ? a->body : "";

    if (a->act == HANG)
        return;
    if (a->act == CUT) {
        (void)shutdown(conn->fd, SHUT_RDWR);
        return;
    }
    if (strcmp(content, "%TOKEN") == 0) {
        (void)snprintf(body, sizeof(body), "{\"access_token\":\"T%u\",\"instance_url\":\"%s\"}",
                       ++server.tokens, server.instance_url ? server.instance_url : server.url);
        content = body;
    }
    cf_buf_init(&out, 1 << 20);
    cf_buf_printf(&out, "HTTP/1.1 %d X\r\n%sContent-Length: %zu\r\n\r\n", a->status,
                  a->headers ? a->headers : JSON_TYPE,
                  a->act == HUGE_BODY ? (size_t)SF_MAX_BODY_BYTES + 1 : strlen(content));
    cf_buf_text(&out, content);
    send_all(conn->fd, out.p, out.n);
    cf_buf_done(&out);
}

static void note(struct cf_str head, struct cf_str body)
{
    struct seen *seen = &server.seen[server.n_seen];
    const char *bearer = strstr(head.p, "Authorization: Bearer ");

    ck_assert_uint_lt(server.n_seen, MAX_SEEN);
    *seen = (struct seen){0};
    ck_assert_int_eq(sscanf(head.p, "%7s %255s", seen->method, seen->path), 2);
    if (bearer)
        (void)sscanf(bearer, "Authorization: Bearer %127s", seen->bearer);
    (void)cf_str_copy(seen->body, sizeof(seen->body), body);
    server.n_seen++;
}

/* A whole request at the front of the buffer? */
static bool take_request(struct conn *conn)
{
    const char *end, *length;
    size_t head, body = 0;

    cf_buf_char(&conn->in, '\0');
    conn->in.n--;
    end = strstr(conn->in.p, "\r\n\r\n");
    if (!end)
        return false;
    head = (size_t)(end - conn->in.p) + 4;
    length = strstr(conn->in.p, "Content-Length: ");
    if (length && length < end)
        body = strtoul(length + 16, NULL, 10);
    if (conn->in.n < head + body)
        return false;
    note((struct cf_str){conn->in.p, head}, (struct cf_str){conn->in.p + head, body});
    conn->in.n = 0;
    return true;
}

static void serve(struct conn *conn, const struct seen *seen)
{
    static const struct answer login = {TOKEN_PATH, NULL, "%TOKEN", 200, ANSWER};
    static const struct answer refused = {"/", NULL, EXPIRED, 401, ANSWER};
    static const struct answer fine = {"/", NULL, "{}", 200, ANSWER};
    const struct answer *a = &server.script[server.at];

    if (!server.script) {
        bool expired = seen->bearer[0] == 'T' && strtoul(seen->bearer + 1, NULL, 10) <= server.expired;

        answer(conn, strcmp(seen->path, TOKEN_PATH) == 0 ? &login : expired ? &refused : &fine);
        return;
    }
    ck_assert_msg(server.at < server.n_script, "unexpected request %s", seen->path);
    ck_assert_msg(strncmp(seen->path, a->path, strlen(a->path)) == 0, "%s, not %s", seen->path, a->path);
    server.at++;
    answer(conn, a);
}

static void on_data(void *arg, int events)
{
    struct conn *conn = arg;
    char chunk[4096];
    ssize_t n = recv(conn->fd, chunk, sizeof(chunk), MSG_DONTWAIT);

    (void)events;
    if (n <= 0) {
        cf_fd_set(conn->watch, 0);
        return;
    }
    cf_buf_add(&conn->in, chunk, (size_t)n);
    if (!take_request(conn))
        return;
    serve(conn, &server.seen[server.n_seen - 1]);
}

static void on_connection(void *arg, int events)
{
    struct conn *conn = &server.conns[server.n_conns];

    (void)arg, (void)events;
    ck_assert_uint_lt(server.n_conns, MAX_CONNS);
    conn->fd = accept(server.fd, NULL, NULL);
    ck_assert_int_ge(conn->fd, 0);
    cf_buf_init(&conn->in, 1 << 20);
    conn->watch = cf_fd_add(loop, conn->fd, CF_LOOP_READ, on_data, conn);
    server.n_conns++;
}

static void server_open(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);

    server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(server.fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(server.fd, 64), 0);
    ck_assert_int_eq(getsockname(server.fd, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(server.url, sizeof(server.url), "http://127.0.0.1:%u", ntohs(address.sin_port));
    server.watch = cf_fd_add(loop, server.fd, CF_LOOP_READ, on_connection, NULL);
}

static void server_close(void)
{
    cf_fd_del(server.watch);
    close(server.fd);
    for (size_t i = 0; i < server.n_conns; i++) {
        cf_fd_del(server.conns[i].watch);
        close(server.conns[i].fd);
        cf_buf_done(&server.conns[i].in);
    }
}

#define SCRIPT(rows) (server.script = (rows), server.n_script = sizeof(rows) / sizeof((rows)[0]))

/* ---- the client ---- */

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

static void write_file(const char *name, const char *text, char *ret_path)
{
    int fd;

    (void)snprintf(ret_path, 128, "%s/%s", dir, name);
    fd = open(ret_path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static char secret_file[128], password_file[128];

static void client_new(uint32_t max_in_flight)
{
    struct cf_err err;
    const struct cf_sf_opts opts = {.login_url = server.url,
                                    .api_version = "v60.0",
                                    .grant = CF_SF_PASSWORD,
                                    .client_id = "client",
                                    .client_secret_file = secret_file,
                                    .username = "user+1@example.com",
                                    .password_file = password_file,
                                    .login_backoff_ms = 60000,
                                    .login_backoff_cap_ms = 120000,
                                    .max_in_flight = max_in_flight,
                                    .http = http};

    sf = cf_sf_new(loop, &opts, &err);
    ck_assert_msg(sf != NULL, "%s", err.text);
}

static void setup(void)
{
    struct cf_err err;

    cf_log_setup("test", CF_LOG_ERROR);
    (void)snprintf(dir, sizeof(dir), "/tmp/sf_client_test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    write_file("secret", "s3cret&\n", secret_file);
    write_file("password", "pass word\n", password_file);
    loop = cf_loop_new();
    server = (struct server){0};
    server_open();
    http = cf_sf_http_new(loop, NULL, 100, &err);
    ck_assert_ptr_nonnull(http);
    pending = 0;
    client_new(10);
}

static void teardown(void)
{
    cf_sf_free(sf);
    cf_http_free(http);
    server_close();
    cf_loop_free(loop);
    (void)unlink(secret_file);
    (void)unlink(password_file);
    (void)rmdir(dir);
}

/* ---- tests ---- */

static const struct answer login = {TOKEN_PATH, NULL, "%TOKEN", 200, ANSWER};

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

START_TEST(test_second_401_ends)
{
    const struct answer script[] = {
        login,
        {"/services/data/v60.0/a", NULL, EXPIRED, 401, ANSWER},
    };
    struct result a, b;

    SCRIPT(script);
    /* A token that is refused at its first use: the next login must wait for the backoff. */
    ask(&a, "GET", "/a", 5000);
    cf_loop_run(loop);
    ck_assert(!a.ok);
    ck_assert_int_eq(a.failure.err.kind, CF_ERR_TRANSIENT);
    ask(&b, "GET", "/a", 5000);
    cf_loop_run(loop);
    ck_assert(!b.ok);
    ck_assert_uint_eq(server.n_seen, 2);
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
     CF_ERR_REJECTED,
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

static void on_stop(void *arg)
{
    (void)arg;
    cf_loop_stop(loop);
}

START_TEST(test_cancel)
{
    const struct answer script[] = {login, {"/", NULL, NULL, 0, HANG}};
    const struct cf_sf_request request = {CF_SF_LIVE_CALLER, "GET", "/a", NULL, 5000};
    struct result results[2] = {0};
    struct cf_sf_call *sent, *waiting;
    struct cf_timer *timer = cf_timer_new(loop, on_stop, NULL);

    cf_sf_free(sf);
    client_new(1);
    SCRIPT(script);
    sent = cf_sf_send(sf, &request, on_result, &results[0]);
    waiting = cf_sf_send(sf, &request, on_result, &results[1]);
    while (server.n_seen < 2) { /* until the first hangs at the server */
        cf_timer_start(timer, 5, 0);
        cf_loop_run(loop);
    }
    cf_sf_cancel(waiting);
    cf_sf_cancel(sent);
    cf_timer_start(timer, 20, 0);
    cf_loop_run(loop);
    cf_timer_free(timer);
    ck_assert(!results[0].done && !results[1].done);
}
END_TEST

START_TEST(test_free_under_way)
{
    const struct answer script[] = {{TOKEN_PATH, NULL, NULL, 0, HANG}};
    const struct cf_sf_request request = {CF_SF_LIVE_CALLER, "GET", "/a", NULL, 5000};
    struct result result = {0};
    struct cf_timer *timer = cf_timer_new(loop, on_stop, NULL);

    SCRIPT(script);
    (void)cf_sf_send(sf, &request, on_result, &result);
    while (server.n_seen < 1) {
        cf_timer_start(timer, 5, 0);
        cf_loop_run(loop);
    }
    cf_sf_free(sf);
    sf = NULL;
    cf_timer_free(timer);
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
    tcase_add_test(tcase, test_second_401_ends);
    tcase_add_test(tcase, test_second_401_after_good_token);
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
