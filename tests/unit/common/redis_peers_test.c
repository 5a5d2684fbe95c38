/* SPDX-License-Identifier: Apache-2.0 */
/* redis_peers_test - TLS, and peers that are not there or not well. */
#include "redis_test_client.h"
#include "redis_test_fake.h"

static void wait_down(void)
{
    want_down = true;
    if (cf_redis_is_up(redis))
        cf_loop_run(loop);
    want_down = false;
    ck_assert(!cf_redis_is_up(redis));
}

START_TEST(test_refused)
{
    struct cf_redis_opts opts = options(url_of("redis://127.0.0.1:%u", free_port()));
    struct result result;

    open_client(&opts);
    result = call("PING");
    ck_assert_str_eq(result.err.text, "not connected yet");
    while (strcmp(result.err.text, "connect: Connection refused") != 0) /* bounded by the guard */
        result = call("PING");
    ck_assert_int_eq(result.err.kind, CF_ERR_TRANSIENT);
    close_client();
    /* No such socket; freed before the failure is reported. */
    opts = options("unix:///tmp/no/such/socket");
    open_client(&opts);
    close_client();
    opts = options("redis://no-such-host.invalid");
    open_client(&opts);
    do
        result = call("PING");
    while (strcmp(result.err.text, "not connected yet") == 0);
    ck_assert_int_eq(result.err.kind, CF_ERR_TRANSIENT);
    close_client();
}
END_TEST

/* ---- TLS ---- */

static const struct {
    const char *names, *host;
    bool trusted, with_cert;
    const char *text; /* NULL: up */
} tls_rows[] = {
    {"IP:127.0.0.1", "127.0.0.1", true, true, NULL},
    {"DNS:localhost", "localhost", true, true, NULL},
    {"IP:127.0.0.1", "127.0.0.1", false, true, "the server's certificate is refused: "},
    {"IP:127.0.0.2", "127.0.0.1", true, true, "the server's certificate is refused: IP address mismatch"},
    {"DNS:elsewhere", "localhost", true, true, "the server's certificate is refused: hostname mismatch"},
    {"IP:127.0.0.1", "127.0.0.1", true, false, "the server refuses our side of TLS: "},
};

static void open_tls(int row)
{
    struct cf_redis_opts opts;

    redis_server_start(&server, tls_rows[row].names);
    opts = options(url_of("rediss://%s:%u", tls_rows[row].host, server.tls_port));
    opts.ca_file = tls_rows[row].trusted ? server.certs.ca : NULL;
    opts.cert_file = tls_rows[row].with_cert ? server.certs.client_cert : NULL;
    opts.key_file = tls_rows[row].with_cert ? server.certs.client_key : NULL;
    open_client(&opts);
}

START_TEST(test_tls)
{
    struct result result;

    open_tls(_i);
    if (!tls_rows[_i].text) {
        wait_up();
        ck_assert_str_eq(call("ECHO x").text, "x ");
    } else {
        do
            result = call("PING");
        while (!strstr(result.err.text, "TLS") && !strstr(result.err.text, "certificate"));
        ck_assert_msg(strstr(result.err.text, tls_rows[_i].text), "%s", result.err.text);
        ck_assert_int_eq(result.err.kind, CF_ERR_CONFIG);
    }
    teardown();
}
END_TEST

START_TEST(test_tls_traffic)
{
    static struct result results[2000];

    open_tls(0);
    wait_up();
    big_round_trip(5000000);
    for (int i = 0; i < 2000; i++)
        start(&results[i], "INCR n");
    cf_loop_run(loop);
    for (int i = 0; i < 2000; i++)
        ck_assert_int_eq(results[i].integer, i + 1);
    redis_server_kill(&server);
    wait_down();
    redis_server_run(&server);
    wait_up();
    ck_assert_str_eq(call("PING").text, "PONG ");
    teardown();
}
END_TEST

START_TEST(test_tls_to_a_plain_server)
{
    struct cf_redis_opts opts;
    struct result result;

    redis_server_start(&server, NULL);
    opts = options(url_of("rediss://127.0.0.1:%u", server.port));
    open_client(&opts);
    do
        result = call("PING");
    while (!strstr(result.err.text, "TLS handshake failed") &&
           !strstr(result.err.text, "no connection within"));
    ck_assert_int_eq(result.err.kind, CF_ERR_TRANSIENT);
    teardown();
}
END_TEST

/* ---- a peer that is not well ---- */

static const struct {
    const char *reply, *flood;
    bool hang_up;
    const char *text;
} fakes[] = {
    {NULL, NULL, false, "the server closed the connection"},
    {"hello\r\n", NULL, false, "what came is not the Redis protocol"},
    {"HTTP/1.1 400 Bad Request\r\n\r\n", NULL, false, "what came is not the Redis protocol"},
    {"$x\r\n", NULL, false, "what came is not the Redis protocol"},
    {"*2\r\n$3\r\nab", NULL, true, "the server closed the connection"},
    {"$536870912\r\n", "xxxx", false, "a reply passed 20000000 bytes"},
    {"*2147483647\r\n", NULL, false, "a reply has more elements than fit 20000000 bytes"},
    {"*100\r\n*4999999\r\n", NULL, false, "a reply has more elements than fit 20000000 bytes"},
    {"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", NULL, false,
     "what came is not the Redis protocol"},
    {"+", "endless line", false, "what came is not the Redis protocol"},
    {"$", "123456789", false, "what came is not the Redis protocol"},
    {"*1\r\n", "123456789", false, "what came is not the Redis protocol"},
    {"*4000000\r\n", ":1\r\n", true, "the server closed the connection"},
    {"$5\r\nhel", NULL, false, "no answer to PING within 300 ms"},
};

START_TEST(test_sick_peers)
{
    struct fake_redis fake = {
        .reply = fakes[_i].reply, .flood = fakes[_i].flood, .hang_up = fakes[_i].hang_up};
    struct cf_redis_opts opts;
    struct result result;

    fake_start(&fake);
    opts = options(url_of("redis://127.0.0.1:%u", fake.port));
    opts.call_timeout_ms = fakes[_i].hang_up || fakes[_i].flood ? 5000 : 300;
    open_client(&opts);
    wait_up();
    result = call("PING");
    ck_assert_str_eq(result.err.text, fakes[_i].text);
    ck_assert_int_eq(result.err.kind, CF_ERR_TRANSIENT);
    ck_assert(!cf_redis_is_up(redis));
    wait_up();
    close_client();
    fake_stop(&fake);
}
END_TEST

START_TEST(test_reply_nobody_asked_for)
{
    struct fake_redis fake = {.reply = "+PONG\r\n+SURPRISE\r\n"};
    struct cf_redis_opts opts;

    fake_start(&fake);
    opts = options(url_of("redis://127.0.0.1:%u", fake.port));
    open_client(&opts);
    wait_up();
    ck_assert_str_eq(call("PING").text, "PONG ");
    ck_assert(!cf_redis_is_up(redis));
    ck_assert_str_eq(call("PING").err.text, "a reply that nobody asked for");
    close_client();
    fake_stop(&fake);
}
END_TEST

static const struct {
    const char *first, *text;
    enum cf_err_kind kind;
} first_answers[] = {
    {"-LOADING Redis is loading the dataset in memory\r\n", "LOADING in answer to PING", CF_ERR_TRANSIENT},
    {"-MASTERDOWN Link with MASTER is down\r\n", "MASTERDOWN in answer to PING", CF_ERR_TRANSIENT},
    {"-NOAUTH Authentication required.\r\n", "NOAUTH in answer to PING", CF_ERR_CONFIG},
    {"-weird\r\n", "ERR in answer to PING", CF_ERR_CONFIG},
    {"", "no connection within 1000 ms", CF_ERR_TRANSIENT},
};

START_TEST(test_not_ready_yet)
{
    struct fake_redis fake = {.first = first_answers[_i].first};
    struct cf_redis_opts opts;
    struct result result;

    fake_start(&fake);
    opts = options(url_of("redis://127.0.0.1:%u", fake.port));
    open_client(&opts);
    result = call_until_connected();
    ck_assert_str_eq(result.err.text, first_answers[_i].text);
    ck_assert_int_eq(result.err.kind, first_answers[_i].kind);
    wait_up();
    close_client();
    fake_stop(&fake);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("redis-peers");
    TCase *tcase = tcase_create("redis-peers");

    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, test_refused);
    tcase_add_loop_test(tcase, test_tls, 0, ROWS(tls_rows));
    tcase_add_test(tcase, test_tls_traffic);
    tcase_add_test(tcase, test_tls_to_a_plain_server);
    tcase_add_loop_test(tcase, test_sick_peers, 0, ROWS(fakes));
    tcase_add_test(tcase, test_reply_nobody_asked_for);
    tcase_add_loop_test(tcase, test_not_ready_yet, 0, ROWS(first_answers));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
