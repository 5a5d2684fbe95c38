/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_session - from a connection to a server that answers: AUTH, SELECT, PING; then up, until it is lost.
 *
 * AUTH, SELECT and PING go out together; the answer to PING decides. The next attempt waits for a random time
 * between half and all of a window that doubles from 100 ms to 5 s, so that a fleet does not come back in
 * step; the window starts over when a connection has held for 10 s.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <sys/random.h>

#include "redis/redis_priv.h"

#define BACKOFF_BASE_MS 100U
#define BACKOFF_CAP_MS 5000U
#define STABLE_MS 10000U

static uint64_t backoff_ms(uint32_t attempts)
{
    uint64_t window = attempts > 6 ? BACKOFF_CAP_MS : BACKOFF_BASE_MS << (attempts > 0 ? attempts - 1 : 0);
    uint64_t random = 0;

    if (window > BACKOFF_CAP_MS)
        window = BACKOFF_CAP_MS;
    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
        random = 0;
    return window / 2 + random % (window / 2 + 1);
}

static void set_state(struct cf_redis *redis, enum redis_state state)
{
    bool was_up = redis->state == REDIS_UP, up = state == REDIS_UP;

    redis->state = state;
    if (was_up != up && redis->change_fn)
        redis->change_fn(redis->change_arg, up);
}

void cf_redis_session_lost(void *arg, const struct cf_err *err)
{
    struct cf_redis *redis = arg;
    uint64_t now = cf_loop_now_ms(redis->loop);

    cf_redis_conn_close(redis->conn);
    if (redis->state == REDIS_UP && now - redis->up_since_ms >= STABLE_MS)
        redis->attempts = 0;
    redis->attempts++;
    redis->last_err = *err;
    cf_timer_start(redis->session_timer, backoff_ms(redis->attempts), 0);
    set_state(redis, REDIS_DOWN);
    cf_redis_fail_pending(redis, err);
}

void cf_redis_session_timer(void *arg)
{
    struct cf_redis *redis = arg;
    struct cf_err err;

    if (redis->state == REDIS_CONNECTING) {
        (void)cf_err_set(&err, CF_ERR_TRANSIENT, "redis", 0, "no connection within %u ms",
                         redis->opts.connect_timeout_ms);
        cf_redis_session_lost(redis, &err);
    } else {
        cf_redis_session_start(redis);
    }
}

void cf_redis_session_start(struct cf_redis *redis)
{
    cf_redis_parser_reset(&redis->parser);
    set_state(redis, REDIS_CONNECTING);
    cf_timer_start(redis->session_timer, redis->opts.connect_timeout_ms, 0);
    cf_redis_conn_open(redis->conn, redis->attempts);
}

/* ---- log in ---- */

static void refuse(struct cf_redis *redis, const struct cf_err *err)
{
    struct cf_err copy = *err;

    if (copy.kind == CF_ERR_REJECTED) /* no such database, no password set: no call will do better */
        copy.kind = CF_ERR_CONFIG;
    if (redis->state == REDIS_CONNECTING)
        cf_redis_session_lost(redis, &copy);
}

static void on_login(void *arg, const struct cf_reply *reply, const struct cf_err *err)
{
    (void)reply;
    if (err)
        refuse(arg, err);
}

static void on_ping(void *arg, const struct cf_reply *reply, const struct cf_err *err)
{
    struct cf_redis *redis = arg;

    (void)reply;
    /* A user who may do no PING is in, if the server says so: NOPERM comes after the password was right. */
    if (err && strncmp(err->text, "NOPERM", 6) != 0) {
        refuse(redis, err);
    } else if (redis->state == REDIS_CONNECTING) {
        redis->up_since_ms = cf_loop_now_ms(redis->loop);
        cf_timer_stop(redis->session_timer);
        set_state(redis, REDIS_UP);
    }
}

static int push(struct cf_redis *redis, cf_redis_fn *fn, size_t argc, const struct cf_str *argv)
{
    return cf_redis_push(redis, cf_redis_call_new(fn, redis, argv[0]), argc, argv);
}

static int push_auth(struct cf_redis *redis, struct cf_err *err)
{
    const char *user = redis->opts.username ? redis->opts.username : redis->url.username;
    struct cf_str argv[3] = {CF_STR("AUTH")};
    char *secret = NULL;
    size_t argc = 1;
    int rc;

    if (redis->opts.password_file && cf_redis_read_secret(redis->opts.password_file, &secret, err) != 0)
        return -1;
    if (!secret && !redis->url.password)
        return 0;
    if (user)
        argv[argc++] = cf_str_of(user);
    argv[argc++] = cf_str_of(secret ? secret : redis->url.password);
    rc = push(redis, on_login, argc, argv);
    cf_redis_free_secret(secret);
    return rc;
}

static void on_ready(void *arg)
{
    struct cf_redis *redis = arg;
    struct cf_str argv[2];
    struct cf_err err = {.kind = CF_ERR_TRANSIENT, .from = "redis", .text = "the log-in was not taken"};
    char db[16];
    int rc = push_auth(redis, &err);

    if (rc == 0 && redis->url.db > 0) {
        (void)snprintf(db, sizeof(db), "%u", redis->url.db);
        argv[0] = CF_STR("SELECT");
        argv[1] = cf_str_of(db);
        rc = push(redis, on_login, 2, argv);
    }
    argv[0] = CF_STR("PING");
    if (rc == 0)
        rc = push(redis, on_ping, 1, argv);
    if (rc != 0)
        cf_redis_session_lost(redis, &err);
}

const struct redis_conn_events cf_redis_session_events = {on_ready, cf_redis_on_data, cf_redis_session_lost};
