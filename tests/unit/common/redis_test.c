/* SPDX-License-Identifier: Apache-2.0 */
/* redis_test - calls, scripts and log-in against a real server. */
#include "redis_test_client.h"

static void setup(void)
{
    struct cf_redis_opts opts;

    redis_server_start(&server, NULL);
    opts = options(url_of("unix://%s", server.socket));
    open_client(&opts);
    wait_up();
}

/* ---- commands ---- */

static const struct {
    const char *command;
    enum cf_reply_type type;
    const char *text;
} commands[] = {
    {"PING", CF_REPLY_STATUS, "PONG "},
    {"GET nothing", CF_REPLY_NIL, "nil "},
    {"INCRBY n 41", CF_REPLY_INTEGER, "41 "},
    {"DECRBY n 41", CF_REPLY_INTEGER, "-41 "},
    {"ECHO hello", CF_REPLY_STRING, "hello "},
    {"MGET a b", CF_REPLY_ARRAY, "[ nil nil ] "},
    {"KEYS *", CF_REPLY_ARRAY, "[ ] "},
    {"EVAL return{1,{2,{3,'x'}},false} 0", CF_REPLY_ARRAY, "[ 1 [ 2 [ 3 x ] ] nil ] "},
    {"EVAL return{redis.error_reply('MINE'),1} 0", CF_REPLY_ARRAY, "[ ERR MINE 1 ] "},
};

START_TEST(test_commands)
{
    struct result result = call(commands[_i].command);

    ck_assert_msg(!result.err.kind, "%s", result.err.text);
    ck_assert_int_eq(result.type, commands[_i].type);
    ck_assert_str_eq(result.text, commands[_i].text);
    ck_assert_uint_eq(cf_redis_pending(redis), 0);
}
END_TEST

static const struct {
    const char *before, *command;
    enum cf_err_kind kind;
    const char *text;
} errors[] = {
    {"PING", "NOSUCHCOMMAND secret", CF_ERR_REJECTED, "ERR in answer to NOSUCHCOMMAND"},
    {"SET k v", "LPUSH k secret", CF_ERR_REJECTED, "WRONGTYPE in answer to LPUSH"},
    {"PING", "EVALSHA ffffffffffffffffffffffffffffffffffffffff 0", CF_ERR_TRANSIENT,
     "NOSCRIPT in answer to EVALSHA"},
    {"CONFIG SET maxmemory 1", "SET k secret", CF_ERR_TRANSIENT, "OOM in answer to SET"},
    {"ACL SETUSER default -get", "GET secret", CF_ERR_CONFIG, "NOPERM in answer to GET"},
    {"ACL SETUSER default resetkeys ~mine", "GET secret", CF_ERR_CONFIG, "NOPERM in answer to GET"},
    {"REPLICAOF 127.0.0.1 1", "SET k secret", CF_ERR_TRANSIENT, "READONLY in answer to SET"},
    {"CONFIG SET replica-serve-stale-data no", "PING", 0, ""},
};

START_TEST(test_errors)
{
    struct result result = call(errors[_i].before);

    ck_assert_msg(!result.err.kind, "%s", result.err.text);
    result = call(errors[_i].command);
    ck_assert_int_eq(result.err.kind, errors[_i].kind);
    ck_assert_str_eq(result.err.text, errors[_i].text);
}
END_TEST

/* A demoted primary: the address may lead to the new one, so the connection is made again. */
START_TEST(test_readonly_reconnects)
{
    (void)call("REPLICAOF 127.0.0.1 1");
    (void)call("SET k v");
    ck_assert_int_eq(downs, 1);
    wait_up();
    (void)call("REPLICAOF NO ONE");
    ck_assert_str_eq(call("SET k v").text, "OK ");
}
END_TEST

START_TEST(test_binary_values)
{
    struct cf_str set[] = {CF_STR("SET"), {"k\0\r\n", 4}, {"\0\1\xff\r\n$3\r\n", 9}};
    struct cf_str get[] = {CF_STR("GET"), {"k\0\r\n", 4}};
    struct result result = {0};

    cf_redis_call(redis, 3, set, NULL, NULL); /* the reply is dropped */
    waiting = 1;
    cf_redis_call(redis, 2, get, on_reply, &result);
    cf_loop_run(loop);
    ck_assert_uint_eq(result.size, 9);
}
END_TEST

START_TEST(test_big_values)
{
    big_round_trip(8000000);
}
END_TEST

START_TEST(test_reply_over_the_limit)
{
    struct result result;

    ck_assert_str_eq(call("SETRANGE big 20000000 x").text, "20000001 ");
    result = call("GET big");
    ck_assert_int_eq(result.err.kind, CF_ERR_TRANSIENT);
    ck_assert_str_eq(result.err.text, "a reply passed 20000000 bytes");
    wait_up();
    ck_assert_str_eq(call("PING").text, "PONG ");
}
END_TEST

START_TEST(test_many_arguments)
{
    static struct cf_str argv[100001];
    struct result result = {0};

    argv[0] = CF_STR("DEL");
    for (size_t i = 1; i < 100001; i++)
        argv[i] = CF_STR("some-key");
    waiting = 1;
    cf_redis_call(redis, 100001, argv, on_reply, &result);
    cf_loop_run(loop);
    ck_assert_str_eq(result.text, "0 ");
}
END_TEST

START_TEST(test_pipeline_keeps_order)
{
    static struct result results[5000];

    for (int i = 0; i < 5000; i++)
        start(&results[i], "INCR n");
    ck_assert_uint_eq(cf_redis_pending(redis), 5000);
    cf_loop_run(loop);
    for (int i = 0; i < 5000; i++)
        ck_assert_int_eq(results[i].integer, i + 1);
    ck_assert_uint_eq(cf_redis_pending(redis), 0);
}
END_TEST

START_TEST(test_max_pending)
{
    struct cf_redis_opts opts = options(url_of("unix://%s", server.socket));
    struct result results[5];

    close_client();
    opts.max_pending = 3;
    open_client(&opts);
    wait_up();
    for (size_t i = 0; i < 5; i++)
        start(&results[i], "PING");
    cf_loop_run(loop);
    ck_assert_str_eq(results[2].text, "PONG ");
    ck_assert_int_eq(results[3].err.kind, CF_ERR_THROTTLED);
    ck_assert_int_eq(results[4].err.kind, CF_ERR_THROTTLED);
    ck_assert_str_eq(call("PING").text, "PONG ");
}
END_TEST

START_TEST(test_write_buffer_is_bounded)
{
    size_t size = 30000000;
    char *value = cf_calloc(size, 1);
    struct cf_str set[] = {CF_STR("SET"), CF_STR("big"), {value, size}};
    struct result results[4];

    memset(results, 0, sizeof(results));
    for (size_t i = 0; i < 4; i++) {
        waiting++;
        cf_redis_call(redis, 3, set, on_reply, &results[i]);
    }
    cf_loop_run(loop);
    ck_assert_str_eq(results[0].text, "OK ");
    ck_assert_str_eq(results[1].text, "OK ");
    ck_assert_int_eq(results[2].err.kind, CF_ERR_THROTTLED);
    ck_assert_int_eq(results[3].err.kind, CF_ERR_THROTTLED);
    free(value);
}
END_TEST

static void call_from_callback(void *arg, const struct cf_reply *reply, const struct cf_err *err)
{
    static const struct cf_str ping = {"PING", 4};

    ck_assert_ptr_null(err);
    ck_assert_ptr_nonnull(reply);
    cf_redis_call(redis, 1, &ping, on_reply, arg);
}

START_TEST(test_call_from_a_callback)
{
    static const struct cf_str ping = {"PING", 4};
    struct result result = {0};

    waiting = 1;
    cf_redis_call(redis, 1, &ping, call_from_callback, &result);
    cf_loop_run(loop);
    ck_assert_str_eq(result.text, "PONG ");
}
END_TEST

/* ---- scripts ---- */

static struct result eval(const char *script)
{
    struct cf_str args[] = {CF_STR("k"), {"a\0b", 3}};
    struct result result = {0};

    waiting = 1;
    cf_redis_eval(redis, script, 1, 2, args, on_reply, &result);
    ck_assert_int_eq(result.done, 0);
    cf_loop_run(loop);
    ck_assert_int_eq(result.done, 1);
    return result;
}

START_TEST(test_eval)
{
    static const char script[] = "return {KEYS[1], #ARGV[1]}";

    ck_assert_str_eq(eval(script).text, "[ k 3 ] ");
    ck_assert_str_eq(eval(script).text, "[ k 3 ] ");
    (void)call("SCRIPT FLUSH");
    ck_assert_str_eq(eval(script).text, "[ k 3 ] ");
    /* It was sent whole only when the server did not know it. */
    ck_assert_ptr_nonnull(
        strstr(call("EVAL return(redis.call('info','commandstats')):match('cmdstat_eval:calls=%d+') 0").text,
               "calls=2"));
    ck_assert_str_eq(eval("return redis.error_reply('MINE x')").err.text, "MINE in answer to EVALSHA");
    ck_assert_int_eq(eval("return {err='NOSCRIPT x'}").err.kind, CF_ERR_TRANSIENT);
}
END_TEST

START_TEST(test_many_scripts)
{
    static char scripts[40][32];
    char want[8];

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 40; i++) {
            (void)snprintf(scripts[i], sizeof(scripts[i]), "return %d", i);
            (void)snprintf(want, sizeof(want), "%d ", i);
            ck_assert_str_eq(eval(scripts[i]).text, want);
        }
    }
}
END_TEST

/* ---- trouble ---- */

START_TEST(test_killed_and_restarted)
{
    struct result results[3];

    (void)kill(server.pid, SIGSTOP);
    for (size_t i = 0; i < 3; i++)
        start(&results[i], "PING");
    redis_server_kill(&server);
    cf_loop_run(loop);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(results[i].err.kind, CF_ERR_TRANSIENT);
    ck_assert(!cf_redis_is_up(redis));
    ck_assert_int_eq(downs, 1);
    ck_assert_int_eq(call("PING").err.kind, CF_ERR_TRANSIENT);
    redis_server_run(&server);
    wait_up();
    ck_assert_int_eq(ups, 2);
    ck_assert_str_eq(call("PING").text, "PONG ");
}
END_TEST

START_TEST(test_call_timeout)
{
    struct cf_redis_opts opts = options(url_of("unix://%s", server.socket));
    struct result first, second;

    close_client();
    opts.call_timeout_ms = 200;
    open_client(&opts);
    wait_up();
    (void)call("CLIENT PAUSE 700 ALL");
    start(&first, "GET k");
    start(&second, "GET k");
    cf_loop_run(loop);
    ck_assert_str_eq(first.err.text, "no answer to GET within 200 ms");
    ck_assert_int_eq(second.err.kind, CF_ERR_TRANSIENT);
    ck_assert(!cf_redis_is_up(redis));
    wait_up(); /* when the pause is over */
    ck_assert_str_eq(call("PING").text, "PONG ");
}
END_TEST

START_TEST(test_free_with_pending_calls)
{
    static struct result results[10];

    for (size_t i = 0; i < 10; i++)
        start(&results[i], "PING");
    cf_redis_free(redis);
    redis = NULL;
    for (size_t i = 0; i < 10; i++) {
        ck_assert_int_eq(results[i].done, 1);
        ck_assert_str_eq(results[i].err.text, "closed");
    }
}
END_TEST

/* ---- log-in ---- */

static const char *write_password(const char *password)
{
    static char path[128];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/password", server.dir);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(password, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

START_TEST(test_passwords)
{
    struct cf_redis_opts opts;
    const char *path = write_password("wrong\n");
    struct result result;

    (void)call("ACL SETUSER worker on >right +@all ~*");
    (void)call("ACL SETUSER default off");
    opts = options(url_of("redis://127.0.0.1:%u/3", server.port));
    close_client();
    open_client(&opts);
    result = call_until_connected();
    ck_assert_str_eq(result.err.text, "NOAUTH in answer to SELECT");
    ck_assert_int_eq(result.err.kind, CF_ERR_CONFIG);
    close_client();
    opts.username = "worker";
    opts.password_file = path;
    open_client(&opts);
    result = call_until_connected();
    ck_assert_str_eq(result.err.text, "WRONGPASS in answer to AUTH");
    ck_assert_int_eq(result.err.kind, CF_ERR_CONFIG);
    /* A rotated password is found without a restart; an empty file meanwhile does no harm. */
    (void)write_password("");
    while (strcmp(result.err.text, "redis_password_file is empty") != 0)
        result = call("PING");
    (void)write_password("right\n");
    wait_up();
    ck_assert_ptr_nonnull(strstr(call("CLIENT INFO").text, " db=3 "));
    close_client();
    opts = options(url_of("redis://worker:%%72ight@127.0.0.1:%u", server.port));
    open_client(&opts);
    wait_up();
    (void)unlink(path);
}
END_TEST

START_TEST(test_log_in_refused)
{
    struct cf_redis_opts opts = options(url_of("redis://:x@127.0.0.1:%u", server.port));
    struct result result;

    close_client();
    open_client(&opts);
    result = call_until_connected();
    ck_assert_str_eq(result.err.text, "ERR in answer to AUTH"); /* no password is set there */
    ck_assert_int_eq(result.err.kind, CF_ERR_CONFIG);
    close_client();
    opts = options(url_of("unix://%s?db=77", server.socket));
    open_client(&opts);
    result = call_until_connected();
    ck_assert_str_eq(result.err.text, "ERR in answer to SELECT");
    ck_assert_int_eq(result.err.kind, CF_ERR_CONFIG);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("redis");
    TCase *tcase = tcase_create("redis");

    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, test_commands, 0, ROWS(commands));
    tcase_add_loop_test(tcase, test_errors, 0, ROWS(errors));
    tcase_add_test(tcase, test_readonly_reconnects);
    tcase_add_test(tcase, test_binary_values);
    tcase_add_test(tcase, test_big_values);
    tcase_add_test(tcase, test_reply_over_the_limit);
    tcase_add_test(tcase, test_many_arguments);
    tcase_add_test(tcase, test_pipeline_keeps_order);
    tcase_add_test(tcase, test_max_pending);
    tcase_add_test(tcase, test_write_buffer_is_bounded);
    tcase_add_test(tcase, test_call_from_a_callback);
    tcase_add_test(tcase, test_eval);
    tcase_add_test(tcase, test_many_scripts);
    tcase_add_test(tcase, test_killed_and_restarted);
    tcase_add_test(tcase, test_call_timeout);
    tcase_add_test(tcase, test_free_with_pending_calls);
    tcase_add_test(tcase, test_passwords);
    tcase_add_test(tcase, test_log_in_refused);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
