/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/admin.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/loop.h"

#define GUARD_MS 20000

/* A raw client on the same loop: sends a text, collects what comes until the peer closes. */
struct client {
    struct cf_fd *watch;
    size_t n, total;
    int fd;
    bool closed;
    char got[8192];
};

static struct cf_loop *loop;
static struct cf_timer *guard;
static struct cf_admin *admin;
static int waiting, page_calls, stop_at_calls;

static int ok_page(void *arg, struct cf_buf *body, const char **content_type)
{
    (void)content_type;
    if (++page_calls == stop_at_calls)
        cf_loop_stop(loop);
    cf_buf_printf(body, "fine %s\n", (const char *)arg);
    return 200;
}

static int typed_page(void *arg, struct cf_buf *body, const char **content_type)
{
    (void)arg;
    *content_type = "application/json";
    cf_buf_text(body, "{}");
    return 503;
}

static int empty_page(void *arg, struct cf_buf *body, const char **content_type)
{
    (void)arg;
    (void)body;
    (void)content_type;
    return 200;
}

static int large_page(void *arg, struct cf_buf *body, const char **content_type)
{
    (void)arg;
    (void)content_type;
    while (body->n < 4000000)
        cf_buf_text(body, "0123456789012345678901234567890123456789\n");
    return 200;
}

static int endless_page(void *arg, struct cf_buf *body, const char **content_type)
{
    (void)arg;
    (void)content_type;
    while (!body->full)
        cf_buf_text(body, "0123456789012345678901234567890123456789\n");
    return 200;
}

static const struct cf_admin_page pages[] = {{"/livez", ok_page},        {"/readyz", typed_page},
                                             {"/empty", empty_page},     {"/large", large_page},
                                             {"/endless", endless_page}, {NULL, NULL}};

static void on_guard(void *arg)
{
    (void)arg;
    ck_abort_msg("an answer did not come");
}

static void on_client(void *arg, int events)
{
    struct client *client = arg;
    char buf[65536];
    ssize_t n;

    (void)events;
    n = recv(client->fd, buf, sizeof(buf), 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        cf_fd_del(client->watch);
        client->watch = NULL;
        client->closed = true;
        if (--waiting == 0)
            cf_loop_stop(loop);
        return;
    }
    for (ssize_t i = 0; i < n && client->n < sizeof(client->got) - 1; i++)
        client->got[client->n++] = buf[i];
    client->total += (size_t)n;
}

static void client_open(struct client *client, const char *request)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons(cf_admin_port(admin))};

    memset(client, 0, sizeof(*client));
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(client->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(send(client->fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    client->watch = cf_fd_add(loop, client->fd, CF_LOOP_READ, on_client, client);
    waiting++;
}

static void client_close(struct client *client)
{
    if (client->watch)
        waiting--;
    cf_fd_del(client->watch);
    (void)close(client->fd);
}

static void setup(void)
{
    static char word[] = "here";
    struct cf_err err = {0};

    (void)signal(SIGPIPE, SIG_IGN);
    loop = cf_loop_new();
    guard = cf_timer_new(loop, on_guard, NULL);
    cf_timer_start(guard, GUARD_MS, 0);
    admin = cf_admin_new(loop, "127.0.0.1:0", pages, word, &err);
    ck_assert_msg(admin, "%s", err.text);
    ck_assert_uint_gt(cf_admin_port(admin), 0);
}

static void teardown(void)
{
    cf_admin_free(admin);
    cf_timer_free(guard);
    cf_loop_free(loop);
}

static const struct {
    const char *request, *status, *part;
} rows[] = {
    {"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 ", "\r\n\r\nfine here\n"},
    {"GET /livez?a=b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 ", "fine here\n"},
    {"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 ",
     "Content-Type: text/plain; charset=utf-8\r\n"},
    {"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 503 ",
     "Content-Type: application/json\r\n"},
    {"GET /empty HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 ", "Content-Length: 0\r\n"},
    {"HEAD /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 ",
     "Content-Length: 10\r\n"},
    {"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 404 ", "no such page"},
    {"GET /livez/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 404 ", ""},
    {"POST /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 405 ",
     "Allow: GET, HEAD\r\n"},
    {"DELETE /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 405 ", ""},
    {"GET /endless HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 500 ", "size limit"},
    {"nonsense\r\n\r\n", "", ""},
};

START_TEST(test_pages)
{
    struct client client;

    client_open(&client, rows[_i].request);
    cf_loop_run(loop);
    ck_assert_msg(strncmp(client.got, rows[_i].status, strlen(rows[_i].status)) == 0, "%s", client.got);
    ck_assert_msg(strstr(client.got, rows[_i].part), "%s", client.got);
    if (strncmp(rows[_i].request, "HEAD", 4) == 0)
        ck_assert_ptr_null(strstr(client.got, "fine"));
    client_close(&client);
}
END_TEST

START_TEST(test_large_page)
{
    struct client client;

    client_open(&client, "GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    cf_loop_run(loop);
    ck_assert_uint_gt(client.total, 4000000);
    client_close(&client);
}
END_TEST

/* Half a request, and a body that is announced but never comes: both are cut, and others are served. */
START_TEST(test_idle_clients_are_cut)
{
    struct client half, body, ok;

    client_open(&half, "GET /livez HTTP/1.1\r\nHo");
    client_open(&body, "GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc");
    client_open(&ok, "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    cf_loop_run(loop);
    ck_assert(half.closed && body.closed && ok.closed);
    ck_assert_ptr_nonnull(strstr(ok.got, "fine"));
    ck_assert_int_eq(page_calls, 1);
    client_close(&half);
    client_close(&body);
    client_close(&ok);
}
END_TEST

static void on_pause(void *arg)
{
    (void)arg;
    cf_loop_stop(loop);
}

START_TEST(test_connections_are_bounded)
{
    static struct client clients[40];
    struct cf_timer *pause = cf_timer_new(loop, on_pause, NULL);
    uint64_t idle_ns;

    stop_at_calls = 30;
    for (size_t i = 0; i < 30; i++)
        client_open(&clients[i], "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
    cf_loop_run(loop);
    for (size_t i = 30; i < 40; i++)
        client_open(&clients[i], "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
    idle_ns = cf_loop_idle_ns(loop);
    cf_timer_start(pause, 300, 0); /* the other 8 must stay out however long one waits, and cost nothing */
    cf_loop_run(loop);
    ck_assert_int_eq(page_calls, 32);
    ck_assert_uint_gt(cf_loop_idle_ns(loop) - idle_ns, 150000000);
    for (size_t i = 0; i < 8; i++)
        client_close(&clients[i]);
    stop_at_calls = 40;
    cf_loop_run(loop);
    for (size_t i = 8; i < 40; i++)
        client_close(&clients[i]);
    cf_timer_free(pause);
}
END_TEST

START_TEST(test_free_with_a_client)
{
    struct client client;

    client_open(&client, "GET /livez HTTP/1.1\r\nHo");
    client_close(&client);
}
END_TEST

static const struct {
    const char *address;
    bool good;
} addresses[] = {
    {"127.0.0.1:0", true},
    {"[::1]:0", true},
    {":0", true},
    {"127.0.0.1", false},
    {"", false},
    {"127.0.0.1:", false},
    {"127.0.0.1:x", false},
    {"127.0.0.1:65536", false},
    {"localhost:0", false},
    {"[::1:0", false},
    {"192.0.2.1:0", false},
};

START_TEST(test_addresses)
{
    struct cf_err err = {0};

    loop = cf_loop_new();
    admin = cf_admin_new(loop, addresses[_i].address, pages, NULL, &err);
    ck_assert_msg((admin != NULL) == addresses[_i].good || errno == EAFNOSUPPORT, "%s", err.text);
    if (!admin)
        ck_assert_int_eq(err.kind, CF_ERR_CONFIG);
    cf_admin_free(admin);
    cf_loop_free(loop);
}
END_TEST

START_TEST(test_port_in_use)
{
    struct cf_err err = {0};
    char address[32];

    (void)snprintf(address, sizeof(address), "127.0.0.1:%u", cf_admin_port(admin));
    ck_assert_ptr_null(cf_admin_new(loop, address, pages, NULL, &err));
    ck_assert_str_eq(err.text, "admin_listen: Address already in use");
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

int main(void)
{
    Suite *suite = suite_create("admin");
    TCase *tcase = tcase_create("served"), *bare = tcase_create("bare");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, test_pages, 0, ROWS(rows));
    tcase_add_test(tcase, test_large_page);
    tcase_add_test(tcase, test_idle_clients_are_cut);
    tcase_add_test(tcase, test_connections_are_bounded);
    tcase_add_test(tcase, test_free_with_a_client);
    tcase_add_test(tcase, test_port_in_use);
    tcase_add_loop_test(bare, test_addresses, 0, ROWS(addresses));
    suite_add_tcase(suite, tcase);
    suite_add_tcase(suite, bare);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
