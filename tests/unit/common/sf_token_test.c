/* SPDX-License-Identifier: Apache-2.0 */
/* One Salesforce session for many processes: two clients, a real Redis, a scripted token endpoint. */
#include "unit/common/sf_test_server.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "redis/redis.h"

#define DEADLINE_MS 10000

static struct cf_redis *redis;
static pid_t redis_pid;
static struct cf_sf *a, *b;
static size_t pending, succeeded;
static char last_error[200];
static char reply_text[256];

/* ---- Redis ---- */

static void redis_start(void)
{
    char path[128];
    struct cf_err err;

    (void)snprintf(path, sizeof(path), "%s/redis.sock", dir);
    redis_pid = fork();
    ck_assert_int_ge(redis_pid, 0);
    if (redis_pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when a test dies before its teardown */
        (void)execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", path, "--dir", dir,
                     "--save", "", "--appendonly", "no", "--logfile", "/dev/null", (char *)NULL);
        _exit(127);
    }
    char url[160];

    (void)snprintf(url, sizeof(url), "unix://%s", path);
    const struct cf_redis_opts opts = {.url = url,
                                       .connect_timeout_ms = 1000,
                                       .call_timeout_ms = 1000,
                                       .max_pending = 100,
                                       .max_reply_bytes = 1 << 20};

    redis = cf_redis_new(loop, &opts, &err);
    ck_assert_ptr_nonnull(redis);
    for (uint64_t until = cf_clock_mono_ms() + DEADLINE_MS; !cf_redis_is_up(redis);) {
        ck_assert_uint_lt(cf_clock_mono_ms(), until);
        turn_ms(5);
    }
}

static void redis_stop(void)
{
    char path[128];

    (void)kill(redis_pid, SIGKILL);
    ck_assert_int_eq(waitpid(redis_pid, NULL, 0), redis_pid);
    (void)snprintf(path, sizeof(path), "%s/redis.sock", dir);
    (void)unlink(path);
}

static void on_reply(void *arg, const struct cf_reply *reply, const struct cf_err *err)
{
    (void)arg;
    ck_assert_msg(!err, "%s", err ? err->text : "");
    reply_text[0] = '\0';
    if (reply->type == CF_REPLY_STRING || reply->type == CF_REPLY_STATUS)
        (void)cf_str_copy(reply_text, sizeof(reply_text), reply->str);
    cf_loop_stop(loop);
}

/* Runs one command of up to four words; its answer is in reply_text. */
static void redis_do(const char *w1, const char *w2, const char *w3, const char *w4)
{
    const struct cf_str argv[] = {cf_str_of(w1), cf_str_of(w2), cf_str_of(w3), cf_str_of(w4)};

    size_t n = 1;

    while (n < 4 && argv[n].p)
        n++;
    cf_redis_call(redis, n, argv, on_reply, NULL);
    cf_loop_run(loop);
}

static void on_key(void *arg, const struct cf_reply *reply, const struct cf_err *err)
{
    (void)arg;
    ck_assert_ptr_null(err);
    ck_assert_int_eq(reply->type, CF_REPLY_ARRAY);
    reply_text[0] = '\0';
    for (size_t i = 0; i < reply->n; i++) {
        struct cf_str key = reply->elements[i].str;

        if (key.n < 5 || memcmp(key.p + key.n - 5, ":lock", 5) != 0)
            (void)cf_str_copy(reply_text, sizeof(reply_text), key);
    }
    cf_loop_stop(loop);
}

static const char *token_key(void)
{
    static char key[sizeof(reply_text)];
    const struct cf_str argv[] = {CF_STR("KEYS"), CF_STR("*")};

    cf_redis_call(redis, 2, argv, on_key, NULL);
    cf_loop_run(loop);
    (void)snprintf(key, sizeof(key), "%s", reply_text);
    return key;
}

/* ---- clients ---- */

static struct cf_sf *shared_client(void)
{
    struct cf_sf_opts opts = client_opts();
    struct cf_sf *client;
    struct cf_err err;

    opts.redis = redis;
    opts.redis_prefix = CF_STR("test:");
    client = cf_sf_new(loop, &opts, &err);
    ck_assert_ptr_nonnull(client);
    return client;
}

static void on_result(void *arg, const struct cf_sf_response *res, const struct cf_sf_failure *failure)
{
    (void)arg;
    succeeded += res != NULL;
    if (failure)
        (void)snprintf(last_error, sizeof(last_error), "%s", failure->err.text);
    if (--pending == 0)
        cf_loop_stop(loop);
}

static void ask(struct cf_sf *client)
{
    const struct cf_sf_request request = {CF_SF_LIVE_CALLER, "GET", "/x", NULL, DEADLINE_MS};

    pending++;
    (void)cf_sf_send(client, &request, on_result, NULL);
}

static void open_all(void)
{
    setup();
    redis_start();
    a = shared_client();
    b = shared_client();
    pending = succeeded = 0;
}

static void close_all(void)
{
    cf_sf_free(a);
    cf_sf_free(b);
    cf_redis_free(redis);
    redis_stop();
    teardown();
}

/* ---- tests ---- */

START_TEST(test_two_processes_one_login)
{
    ask(a);
    ask(b);
    cf_loop_run(loop);
    ck_assert_uint_eq(succeeded, 2);
    ck_assert_uint_eq(server.tokens, 1);
    /* A third one, later, takes what is there. */
    cf_sf_free(b);
    b = shared_client();
    ask(b);
    cf_loop_run(loop);
    ck_assert_uint_eq(succeeded, 3);
    ck_assert_uint_eq(server.tokens, 1);
    ck_assert_uint_lt(strlen(token_key()), 64);
    ck_assert_int_eq(strncmp(token_key(), "test:sf:token:", 14), 0);
}
END_TEST

START_TEST(test_dead_token_is_replaced_once)
{
    ask(a);
    ask(b);
    cf_loop_run(loop);
    server.expired = 1;
    ask(a);
    ask(b);
    cf_loop_run(loop);
    ck_assert_uint_eq(succeeded, 4);
    ck_assert_uint_eq(server.tokens, 2);
}
END_TEST

START_TEST(test_dead_shared_token)
{
    ask(a);
    cf_loop_run(loop);
    server.expired = 1;
    ask(b); /* has never logged in: finds the dead token in Redis, and must get over it */
    cf_loop_run(loop);
    ck_assert_uint_eq(succeeded, 2);
    ck_assert_uint_eq(server.tokens, 2);
}
END_TEST

/* Wrong credentials are tried once by the fleet, not once by each process. */
START_TEST(test_refused_once_for_all)
{
    const struct answer script[] = {{TOKEN_PATH, NULL, "{\"error\":\"invalid_grant\"}", 400, ANSWER}};

    SCRIPT(script);
    ask(a);
    cf_loop_run(loop);
    ask(b);
    cf_loop_run(loop);
    ask(a);
    ask(b);
    cf_loop_run(loop);
    ck_assert_uint_eq(succeeded, 0);
    ck_assert_uint_eq(server.n_seen, 1);
    ck_assert_ptr_nonnull(strstr(last_error, "invalid_grant"));
}
END_TEST

/* The token endpoint was busy for one; the token of another, who had more luck, it takes without waiting. */
START_TEST(test_token_of_another_ends_the_wait)
{
    const struct answer busy = {TOKEN_PATH, NULL, "{\"error\":\"rate_limit_exceeded\"}", 400, ANSWER};
    const struct answer fine = {"/", NULL, "{}", 200, ANSWER};
    const struct answer script[] = {busy, login, fine, fine};

    SCRIPT(script);
    ask(a);
    cf_loop_run(loop);
    ck_assert_uint_eq(succeeded, 0);
    ask(a); /* still waits, and nobody has a token */
    cf_loop_run(loop);
    ck_assert_uint_eq(server.n_seen, 1);
    ask(b);
    cf_loop_run(loop);
    ask(a);
    cf_loop_run(loop);
    ck_assert_uint_eq(succeeded, 2);
    ck_assert_uint_eq(server.tokens, 1);
}
END_TEST

/* The holder of the lock has died: its lock goes, and the next one logs in. */
START_TEST(test_dead_lock_holder)
{
    char lock[sizeof(reply_text) + 8];

    ask(a);
    cf_loop_run(loop);
    (void)snprintf(lock, sizeof(lock), "%s:lock", token_key());
    redis_do("FLUSHALL", NULL, NULL, NULL);
    redis_do("SET", lock, "someone", NULL);
    redis_do("PEXPIRE", lock, "300", NULL);
    ask(b);
    cf_loop_run(loop);
    ck_assert_uint_eq(succeeded, 2);
    ck_assert_uint_eq(server.tokens, 2);
}
END_TEST

START_TEST(test_garbage_in_redis)
{
    static const char *const garbage[] = {"",
                                          "{",
                                          "[]",
                                          "{\"token\":7}",
                                          "{\"token\":\"x\",\"instanceUrl\":\"ftp://x\"}",
                                          "{\"refused\":\"x\"}",
                                          "{\"refused\":\"x\",\"retryAtMs\":9000000000000000}"};
    char key[sizeof(reply_text)];

    ask(a);
    cf_loop_run(loop);
    (void)snprintf(key, sizeof(key), "%s", token_key());
    for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
        redis_do("SET", key, garbage[i], NULL);
        cf_sf_free(b);
        b = shared_client();
        ask(b);
        cf_loop_run(loop);
        ck_assert_uint_eq(succeeded, 2 + i);
        ck_assert_uint_eq(server.tokens, 2 + i);
    }
}
END_TEST

START_TEST(test_redis_is_gone)
{
    (void)kill(redis_pid, SIGSTOP); /* up, and silent: a caller waits for Redis' own deadline at most */
    ask(a);
    ask(b);
    cf_loop_run(loop);
    ck_assert_uint_eq(succeeded, 2);
    ck_assert_uint_eq(server.tokens, 2);
}
END_TEST

START_TEST(test_free_while_redis_is_asked)
{
    (void)kill(redis_pid, SIGSTOP);
    ask(a);
    turn_ms(20);
    cf_sf_free(a);
    a = NULL;
    turn_ms(20);
    ck_assert_uint_eq(succeeded, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sf_token");
    TCase *tcase = tcase_create("token");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, open_all, close_all);
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, test_two_processes_one_login);
    tcase_add_test(tcase, test_dead_token_is_replaced_once);
    tcase_add_test(tcase, test_dead_shared_token);
    tcase_add_test(tcase, test_refused_once_for_all);
    tcase_add_test(tcase, test_token_of_another_ends_the_wait);
    tcase_add_test(tcase, test_dead_lock_holder);
    tcase_add_test(tcase, test_garbage_in_redis);
    tcase_add_test(tcase, test_redis_is_gone);
    tcase_add_test(tcase, test_free_while_redis_is_asked);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
