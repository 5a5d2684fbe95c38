/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The budget when no answer tells it: at the start, after a long silence, and while a class is stopped (then
 * nobody else may be asking). One process of the fleet asks GET /limits, which costs an API call, and leaves
 * {"used", "limit"} in Redis for the others.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock/clock.h"
#include "redis/redis.h"
#include "sf/sf_client_priv.h"

#define STOPPED_POLL_MS 60000 /* while a class is stopped */
#define ASK_TIMEOUT_MS 10000
#define REDIS_WAIT_MS 3000 /* the first poll logs in: not before Redis can say that another worker has */

struct look {
    struct sf_poll *poll; /* NULL: nobody waits */
};

struct sf_poll {
    struct cf_sf *sf;
    struct look *look;       /* at Redis, under way */
    struct cf_sf_call *call; /* under way */
    uint64_t started_ms;
    uint64_t next_ms; /* ask then; 0: at once */
    char key[160];
};

static uint64_t period_ms(const struct sf_poll *poll)
{
    uint64_t period = poll->sf->opts.limits_poll_ms;

    return sf_spend_any_stopped(&poll->sf->spend) && period > STOPPED_POLL_MS ? STOPPED_POLL_MS : period;
}

bool sf_poll_read(const json_t *body, struct cf_sf_budget *ret_budget)
{
    const json_t *daily = json_object_get(body, "DailyApiRequests");
    const json_t *max = json_object_get(daily, "Max"), *left = json_object_get(daily, "Remaining");

    if (!json_is_integer(max) || !json_is_integer(left) || json_integer_value(max) < 0)
        return false;
    ret_budget->limit = json_integer_value(max);
    ret_budget->used = ret_budget->limit - json_integer_value(left);
    if (ret_budget->used < 0)
        ret_budget->used = 0;
    return true;
}

static void share(struct sf_poll *poll, const struct cf_sf_budget *budget)
{
    struct cf_redis *redis = poll->sf->opts.redis;
    char value[96], life[24];

    if (!redis || !cf_redis_is_up(redis))
        return;
    (void)snprintf(value, sizeof(value), "{\"used\":%" PRId64 ",\"limit\":%" PRId64 "}", budget->used,
                   budget->limit);
    (void)snprintf(life, sizeof(life), "%" PRIu64, period_ms(poll));
    const struct cf_str argv[] = {CF_STR("SET"), cf_str_of(poll->key), cf_str_of(value), CF_STR("PX"),
                                  cf_str_of(life)};

    cf_redis_call(redis, 5, argv, NULL, NULL);
}

static void learn(struct sf_poll *poll, const struct cf_sf_budget *budget)
{
    uint64_t now_ms = cf_clock_mono_ms();

    sf_spend_note(&poll->sf->spend, *budget, now_ms);
    sf_poll_known(poll, now_ms);
    sf_show(poll->sf);
}

static void on_limits(void *arg, const struct cf_sf_response *res, const struct cf_sf_failure *failure)
{
    struct sf_poll *poll = arg;
    struct cf_sf_budget budget;

    (void)failure; /* whatever it is, the next poll tries again */
    poll->call = NULL;
    if (!res || !sf_poll_read(res->json, &budget))
        return;
    learn(poll, &budget);
    share(poll, &budget);
}

static void ask(struct sf_poll *poll)
{
    const struct cf_sf_request request = {CF_SF_BACKFILL, "GET", "/limits", NULL, ASK_TIMEOUT_MS};

    poll->call = sf_call_new(poll->sf, &request, on_limits, poll);
    poll->call->own = true;
    sf_enter_line(poll->call, false);
}

static bool read_shared(const struct cf_reply *reply, struct cf_sf_budget *ret_budget)
{
    json_t *value = reply->type == CF_REPLY_STRING && reply->str.n < 256
                        ? json_loadb(reply->str.p, reply->str.n, 0, NULL)
                        : NULL;
    const json_t *used = json_object_get(value, "used"), *limit = json_object_get(value, "limit");
    bool ok = json_is_integer(used) && json_is_integer(limit);

    if (ok)
        *ret_budget = (struct cf_sf_budget){json_integer_value(used), json_integer_value(limit)};
    json_decref(value);
    return ok;
}

static void on_looked(void *arg, const struct cf_reply *reply, const struct cf_err *err)
{
    struct look *look = arg;
    struct sf_poll *poll = look->poll;
    struct cf_sf_budget budget;

    free(look);
    if (!poll)
        return;
    poll->look = NULL;
    if (!err && read_shared(reply, &budget))
        learn(poll, &budget);
    else
        ask(poll);
}

static void look(struct sf_poll *poll)
{
    const struct cf_str argv[] = {CF_STR("GET"), cf_str_of(poll->key)};

    poll->look = cf_calloc(1, sizeof(*poll->look));
    poll->look->poll = poll;
    cf_redis_call(poll->sf->opts.redis, 2, argv, on_looked, poll->look);
}

/* ---- interface ---- */

struct sf_poll *sf_poll_new(struct cf_sf *sf, const char *key)
{
    struct sf_poll *poll = cf_calloc(1, sizeof(*poll));

    poll->sf = sf;
    poll->started_ms = cf_clock_mono_ms();
    (void)cf_str_copy(poll->key, sizeof(poll->key), cf_str_of(key));
    return poll;
}

void sf_poll_free(struct sf_poll *poll)
{
    if (!poll)
        return;
    if (poll->look)
        poll->look->poll = NULL;
    free(poll);
}

void sf_poll_tick(struct sf_poll *poll, uint64_t now_ms)
{
    struct cf_redis *redis = poll->sf->opts.redis;

    if (poll->sf->opts.limits_poll_ms == 0 || poll->call || poll->look || now_ms < poll->next_ms)
        return;
    if (redis && !cf_redis_is_up(redis) && now_ms - poll->started_ms < REDIS_WAIT_MS)
        return;
    sf_poll_known(poll, now_ms); /* also when it fails: not sooner again */
    if (redis && cf_redis_is_up(redis))
        look(poll);
    else
        ask(poll);
}

void sf_poll_known(struct sf_poll *poll, uint64_t now_ms)
{
    poll->next_ms = now_ms + period_ms(poll);
}
