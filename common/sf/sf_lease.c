/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Salesforce counts the requests that run for 20 s or longer, and refuses all others when 25 do. Short ones
 * are free, so leases are needed only while answers are slow.
 *
 *   fast <-> slow: nothing asked -> asking -> granted -> taken by a call -> given back
 *                                     | refused, or Redis does not answer: again in RETRY_MS
 *
 * The semaphore is a sorted set: a member is a lease, its score the time (of Redis) at which it expires, so
 * that a process that dies gives its leases back. Without Redis a process has LOCAL_SHARE of its own.
 */
#include <inttypes.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock/clock.h"
#include "loop/loop.h"
#include "redis/redis.h"
#include "sf/sf_client_priv.h"

#define LOCAL_SHARE 2
#define RETRY_MS 200
#define STILL_RUNS_MS 20000 /* what the caller gave up may run on for so long before Salesforce counts it */
#define SMOOTHING 8.0
#define LOCAL_BIT ((uint64_t)1 << 63)

struct ask {
    struct sf_lease *lease; /* NULL: nobody waits */
    uint64_t id;
};

struct sf_lease {
    struct sf_lease_opts opts;
    sf_lease_fn *fn;
    void *arg;
    char key[160], owner[17];
    struct ask *ask; /* under way */
    struct cf_timer *timer;
    uint64_t ids, granted; /* granted: not taken yet; 0: none */
    uint64_t local_until_ms[LOCAL_SHARE];
    uint32_t held;
    double took_ms; /* smoothed */
    bool slow;
};

static const char acquire[] =
    "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000) "
    "redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now) "
    "if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end "
    "redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1]) "
    "redis.call('PEXPIRE', KEYS[1], 600000) return 1";

static void name_member(const struct sf_lease *lease, uint64_t id, char *dst, size_t size)
{
    (void)snprintf(dst, size, "%s:%" PRIu64, lease->owner, id);
}

static void release(struct sf_lease *lease, uint64_t id)
{
    char member[48];

    name_member(lease, id, member, sizeof(member));
    const struct cf_str argv[] = {CF_STR("ZREM"), cf_str_of(lease->key), cf_str_of(member)};

    cf_redis_call(lease->opts.redis, 3, argv, NULL, NULL);
}

static void on_timer(void *arg)
{
    struct sf_lease *lease = arg;

    lease->fn(lease->arg);
}

static void on_reply(void *arg, const struct cf_reply *reply, const struct cf_err *err)
{
    struct ask *ask = arg;
    struct sf_lease *lease = ask->lease;

    if (lease) {
        lease->ask = NULL;
        if (!err && reply->type == CF_REPLY_INTEGER && reply->integer == 1) {
            lease->granted = ask->id;
            lease->fn(lease->arg);
        } else {
            cf_timer_start(lease->timer, RETRY_MS, 0);
        }
    }
    free(ask);
}

static void ask_redis(struct sf_lease *lease, bool live, uint64_t hold_ms)
{
    struct ask *ask = cf_calloc(1, sizeof(*ask));
    char member[48], cap[16], hold[24];

    *ask = (struct ask){lease, ++lease->ids};
    lease->ask = ask;
    name_member(lease, ask->id, member, sizeof(member));
    (void)snprintf(cap, sizeof(cap), "%u", live ? lease->opts.cap : lease->opts.cap - lease->opts.cap / 4);
    (void)snprintf(hold, sizeof(hold), "%" PRIu64, hold_ms);
    const struct cf_str args[] = {cf_str_of(lease->key), cf_str_of(member), cf_str_of(cap), cf_str_of(hold)};

    cf_redis_eval(lease->opts.redis, acquire, 1, 4, args, on_reply, ask);
}

static uint64_t take_local(struct sf_lease *lease, uint64_t hold_ms)
{
    uint64_t now_ms = cf_clock_mono_ms();

    for (size_t i = 0; i < LOCAL_SHARE; i++) {
        if (lease->local_until_ms[i] <= now_ms) {
            lease->local_until_ms[i] = now_ms + hold_ms;
            lease->held++;
            return LOCAL_BIT | i;
        }
    }
    if (!cf_timer_active(lease->timer))
        cf_timer_start(lease->timer, RETRY_MS, 0);
    return 0;
}

/* ---- interface ---- */

struct sf_lease *sf_lease_new(const struct sf_lease_opts *opts, sf_lease_fn *fn, void *arg)
{
    struct sf_lease *lease = cf_calloc(1, sizeof(*lease));
    uint64_t random;

    lease->opts = *opts;
    lease->opts.key = NULL;
    lease->fn = fn;
    lease->arg = arg;
    (void)cf_str_copy(lease->key, sizeof(lease->key), cf_str_of(opts->key));
    if (RAND_bytes((unsigned char *)&random, sizeof(random)) != 1)
        abort();
    (void)snprintf(lease->owner, sizeof(lease->owner), "%016" PRIx64, random);
    lease->timer = cf_timer_new(opts->loop, on_timer, lease);
    return lease;
}

void sf_lease_free(struct sf_lease *lease)
{
    if (!lease)
        return;
    if (lease->ask)
        lease->ask->lease = NULL;
    if (lease->granted)
        release(lease, lease->granted);
    cf_timer_free(lease->timer);
    free(lease);
}

void sf_lease_note(struct sf_lease *lease, uint64_t took_ms, bool timed_out)
{
    double slow_ms = lease->opts.slow_ms, took = timed_out ? 2 * slow_ms : (double)took_ms;

    if (timed_out && took < (double)took_ms)
        took = (double)took_ms;
    lease->took_ms += (took - lease->took_ms) / SMOOTHING;
    lease->slow = slow_ms > 0 && lease->took_ms >= (lease->slow ? slow_ms / 2 : slow_ms);
}

bool sf_lease_needed(const struct sf_lease *lease)
{
    return lease->slow;
}

uint64_t sf_lease_take(struct sf_lease *lease, bool live, uint64_t hold_ms)
{
    uint64_t id = lease->granted;

    hold_ms += STILL_RUNS_MS;
    if (id) {
        lease->granted = 0;
        lease->held++;
        return id;
    }
    if (!lease->opts.redis || !cf_redis_is_up(lease->opts.redis))
        return take_local(lease, hold_ms);
    if (!lease->ask && !cf_timer_active(lease->timer))
        ask_redis(lease, live, hold_ms);
    return 0;
}

void sf_lease_give_back(struct sf_lease *lease, uint64_t id, bool abandoned)
{
    if (id == 0)
        return;
    lease->held--;
    if (abandoned)
        return;
    if (id & LOCAL_BIT)
        lease->local_until_ms[id & ~LOCAL_BIT] = 0;
    else
        release(lease, id);
}

void sf_lease_idle(struct sf_lease *lease)
{
    if (lease->granted)
        release(lease, lease->granted);
    lease->granted = 0;
}

uint32_t sf_lease_held(const struct sf_lease *lease)
{
    return lease->held;
}
