/* SPDX-License-Identifier: Apache-2.0 */
/* redis_test_client - one client on one loop, and calls that wait for their reply: for the tests of redis. */
#ifndef CF_REDIS_TEST_CLIENT_H
#define CF_REDIS_TEST_CLIENT_H

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "loop/loop.h"
#include "redis/redis.h"
#include "redis_test_server.h"

#define GUARD_MS 20000 /* no test waits longer */
#define MAX_REPLY_BYTES 20000000

struct result {
    struct cf_err err; /* kind 0: none */
    int64_t integer;
    size_t size, n;
    char text[256];
    int done;
    enum cf_reply_type type;
};

static struct cf_loop *loop;
static struct cf_timer *guard;
static struct cf_redis *redis;
static struct redis_server server;
static int waiting, ups, downs;
static bool want_up, want_down;

static void on_guard(void *arg)
{
    (void)arg;
    ck_abort_msg("what the test waits for did not happen");
}

static void on_change(void *arg, bool up)
{
    (void)arg;
    ups += up;
    downs += !up;
    if ((up && want_up) || (!up && want_down))
        cf_loop_stop(loop);
}

static void flatten(const struct cf_reply *reply, char *text, size_t size)
{
    size_t n = strlen(text);

    switch (reply->type) {
    case CF_REPLY_NIL:
        (void)snprintf(text + n, size - n, "nil ");
        break;
    case CF_REPLY_INTEGER:
        (void)snprintf(text + n, size - n, "%lld ", (long long)reply->integer);
        break;
    case CF_REPLY_ARRAY:
        (void)snprintf(text + n, size - n, "[ ");
        for (size_t i = 0; i < reply->n; i++)
            flatten(&reply->elements[i], text, size);
        n = strlen(text);
        (void)snprintf(text + n, size - n, "] ");
        break;
    case CF_REPLY_STRING:
    case CF_REPLY_STATUS:
    case CF_REPLY_ERROR:
        (void)snprintf(text + n, size - n, "%.*s ", CF_STR_FMT(reply->str));
        break;
    }
}

static void on_reply(void *arg, const struct cf_reply *reply, const struct cf_err *err)
{
    struct result *result = arg;

    ck_assert((reply != NULL) != (err != NULL));
    ck_assert_int_eq(result->done++, 0);
    if (err) {
        result->err = *err;
    } else {
        result->type = reply->type;
        result->integer = reply->integer;
        result->n = reply->n;
        result->size = reply->str.n;
        flatten(reply, result->text, sizeof(result->text));
    }
    if (--waiting == 0)
        cf_loop_stop(loop);
}

static struct cf_redis_opts options(const char *url)
{
    return (struct cf_redis_opts){.url = url,
                                  .connect_timeout_ms = 1000,
                                  .call_timeout_ms = 3000,
                                  .max_pending = 10000,
                                  .max_reply_bytes = MAX_REPLY_BYTES};
}

static const char *url_of(const char *fmt, ...) CF_PRINTF(1, 2);
static const char *url_of(const char *fmt, ...)
{
    static char url[256];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(url, sizeof(url), fmt, ap);
    va_end(ap);
    return url;
}

static void open_client(const struct cf_redis_opts *opts)
{
    struct cf_err err = {0};

    loop = cf_loop_new();
    guard = cf_timer_new(loop, on_guard, NULL);
    cf_timer_start(guard, GUARD_MS, 0);
    redis = cf_redis_new(loop, opts, &err);
    ck_assert_msg(redis, "%s", err.text);
    cf_redis_on_change(redis, on_change, NULL);
}

static void close_client(void)
{
    cf_redis_free(redis);
    redis = NULL;
    cf_timer_free(guard);
    cf_loop_free(loop);
}

static void wait_up(void)
{
    want_up = true;
    if (!cf_redis_is_up(redis))
        cf_loop_run(loop);
    want_up = false;
    ck_assert(cf_redis_is_up(redis));
}

/* Sends the words of `command` and does not wait. */
static void start(struct result *result, const char *command)
{
    struct cf_str argv[16];
    char words[512], *save = NULL;
    size_t argc = 0;

    (void)snprintf(words, sizeof(words), "%s", command);
    for (char *word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save))
        argv[argc++] = cf_str_of(word);
    memset(result, 0, sizeof(*result));
    waiting++;
    cf_redis_call(redis, argc, argv, on_reply, result);
    ck_assert_int_eq(result->done, 0); /* never inside the call */
}

static struct result call(const char *command)
{
    struct result result;

    start(&result, command);
    cf_loop_run(loop);
    ck_assert_int_eq(result.done, 1);
    return result;
}

static void teardown(void)
{
    close_client();
    redis_server_stop(&server);
}

static inline void big_round_trip(size_t size)
{
    char *value = memset(cf_calloc(size, 1), 'x', size);
    struct cf_str set[] = {CF_STR("SET"), CF_STR("big"), {value, size}};
    struct result result = {0};

    waiting = 1;
    cf_redis_call(redis, 3, set, on_reply, &result);
    free(value); /* copied */
    cf_loop_run(loop);
    ck_assert_str_eq(result.text, "OK ");
    ck_assert_uint_eq(call("GET big").size, size);
}

static inline struct result call_until_connected(void)
{
    struct result result;

    do
        result = call("PING");
    while (strcmp(result.err.text, "not connected yet") == 0);
    return result;
}

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

#endif
