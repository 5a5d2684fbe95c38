/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sf_test_server - a Salesforce of few words for unit tests: a scripted HTTP server in the test's process, on
 * the test's loop, and a client (password grant) that talks to it. Answers come in the order of the script,
 * and a request that is not the script's next fails the test; without a script a function of the test's own
 * or the token decides.
 */
#ifndef CF_SF_TEST_SERVER_H
#define CF_SF_TEST_SERVER_H

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

#define MAX_BODY (1 << 20)
#define MAX_CONNS 64
#define MAX_SEEN 256
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
    char method[8], path[256], bearer[128], body[65536];
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
    struct conn *hanging;     /* the last one that got no answer: answer() it later */
    unsigned tokens;          /* given so far */
    unsigned expired;         /* without a script: tokens up to this one are refused, and .../never always */
    const char *instance_url; /* in logins; NULL: url */
    const struct answer *(*choose)(
        const struct seen *seen); /* instead of a script; NULL from it: as without */
};

static struct cf_loop *loop;
static struct server server;
static struct cf_http *http;
static struct cf_sf *sf;
static char dir[64];

static inline void send_all(int fd, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, data, n, MSG_NOSIGNAL);

        if (sent <= 0)
            return; /* the client has gone, which some tests want */
        data += sent;
        n -= (size_t)sent;
    }
}

static inline void answer(struct conn *conn, const struct answer *a)
{
    struct cf_buf out;
    char body[512];
    const char *content = a->body ? a->body : "";

    if (a->act == HANG) {
        server.hanging = conn;
        return;
    }
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
                  a->act == HUGE_BODY ? (size_t)MAX_BODY + 1 : strlen(content));
    cf_buf_text(&out, content);
    send_all(conn->fd, out.p, out.n);
    cf_buf_done(&out);
}

static inline void note(struct cf_str head, struct cf_str body)
{
    struct seen *seen = &server.seen[server.n_seen];
    const char *bearer = strstr(head.p, "Authorization: Bearer ");

    ck_assert_uint_lt(server.n_seen, MAX_SEEN);
    memset(seen, 0, sizeof(*seen));
    ck_assert_int_eq(sscanf(head.p, "%7s %255s", seen->method, seen->path), 2);
    if (bearer)
        (void)sscanf(bearer, "Authorization: Bearer %127s", seen->bearer);
    (void)cf_str_copy(seen->body, sizeof(seen->body), body);
    server.n_seen++;
}

/* A whole request at the front of the buffer? */
static inline bool take_request(struct conn *conn)
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

static inline void serve(struct conn *conn, const struct seen *seen)
{
    static const struct answer login = {TOKEN_PATH, NULL, "%TOKEN", 200, ANSWER};
    static const struct answer refused = {"/", NULL, EXPIRED, 401, ANSWER};
    static const struct answer fine = {"/", NULL, "{}", 200, ANSWER};
    const struct answer *a = server.choose ? server.choose(seen) : &server.script[server.at];

    if (server.choose && a) {
        answer(conn, a);
        return;
    }
    if (!server.script) {
        bool expired = seen->bearer[0] == 'T' && strtoul(seen->bearer + 1, NULL, 10) <= server.expired;

        expired = expired || strstr(seen->path, "/never");

        answer(conn, strcmp(seen->path, TOKEN_PATH) == 0 ? &login : expired ? &refused : &fine);
        return;
    }
    ck_assert_msg(server.at < server.n_script, "unexpected request %s", seen->path);
    ck_assert_msg(strncmp(seen->path, a->path, strlen(a->path)) == 0, "%s, not %s", seen->path, a->path);
    server.at++;
    answer(conn, a);
}

static inline void on_data(void *arg, int events)
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

static inline void on_connection(void *arg, int events)
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

static inline void server_open(void)
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

static inline void server_close(void)
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

static inline void write_file(const char *name, const char *text, char *ret_path)
{
    int fd;

    (void)snprintf(ret_path, 128, "%s/%s", dir, name);
    fd = open(ret_path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static char secret_file[128], password_file[128];

/* The options of a client of this server. */
static inline struct cf_sf_opts client_opts(void)
{
    return (struct cf_sf_opts){.login_url = server.url,
                               .api_version = "v60.0",
                               .grant = CF_SF_PASSWORD,
                               .client_id = "client",
                               .client_secret_file = secret_file,
                               .username = "user+1@example.com",
                               .password_file = password_file,
                               .login_backoff_ms = 60000,
                               .login_backoff_cap_ms = 120000,
                               .max_in_flight = 10,
                               .http = http};
}

static inline void client_new(uint32_t max_in_flight)
{
    struct cf_sf_opts opts = client_opts();
    struct cf_err err;

    opts.max_in_flight = max_in_flight;
    sf = cf_sf_new(loop, &opts, &err);
    ck_assert_msg(sf != NULL, "%s", err.text);
}

static inline void setup(void)
{
    const struct cf_http_opts opts = {.max_connections = 100,
                                      .connect_timeout_ms = 5000,
                                      .max_body_bytes = MAX_BODY,
                                      .max_header_bytes = 1 << 16,
                                      .user_agent = "test"};
    struct cf_err err;

    cf_log_setup("test", CF_LOG_ERROR);
    (void)snprintf(dir, sizeof(dir), "/tmp/callfleet_sf_test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    write_file("secret", "s3cret&\n", secret_file);
    write_file("password", "pass word\n", password_file);
    loop = cf_loop_new();
    memset(&server, 0, sizeof(server));
    server_open();
    http = cf_http_new(loop, &opts, &err);
    ck_assert_ptr_nonnull(http);
    client_new(10);
}

static inline void teardown(void)
{
    cf_sf_free(sf);
    cf_http_free(http);
    server_close();
    cf_loop_free(loop);
    (void)unlink(secret_file);
    (void)unlink(password_file);
    (void)rmdir(dir);
}

static inline void on_stop(void *arg)
{
    (void)arg;
    cf_loop_stop(loop);
}

/* Lets the loop turn for that long. */
static inline void turn_ms(uint64_t ms)
{
    struct cf_timer *timer = cf_timer_new(loop, on_stop, NULL);

    cf_timer_start(timer, ms, 0);
    cf_loop_run(loop);
    cf_timer_free(timer);
}

static const struct answer login = {TOKEN_PATH, NULL, "%TOKEN", 200, ANSWER};

#endif
