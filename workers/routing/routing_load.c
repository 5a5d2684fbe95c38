/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading a shard. The shard's hash in Redis says which domains it holds, what offset each one's state has at
 * least, and from where the log must be read again (`through`). Each domain is claimed (the epoch goes up, so
 * the old owner is refused from then on), its objects are read and the engine is filled. Anything missing,
 * older than promised or ahead of Kafka: the shard is rebuilt from the beginning of the log, which is always
 * right.
 */
#include <stdlib.h>

#include "log/log.h"
#include "loop/loop.h"
#include "redis/redis.h"
#include "routing.h"

#define LOAD_ARENA_BYTES ((size_t)512 * 1024 * 1024)
#define RETRY_MS 100

/* KEYS[1]: meta. Raises the epoch. Replies {epoch, offset}; offset -1: nothing is stored. */
static const char claim_script[] = "local offset = redis.call('HGET', KEYS[1], 'offset')\n"
                                   "if not offset then return {0, '-1'} end\n"
                                   "return {redis.call('HINCRBY', KEYS[1], 'epoch', 1), offset}\n";

/* The objects of one kind come by two calls: the ids, then one hash each. */
static const struct {
    enum cf_engine_kind kind;
    const char *set, *prefix;
} kinds[] = {
    {CF_ENGINE_QUEUE, "queues", "queue:"},
    {CF_ENGINE_CALL, "calls", "call:"},
    {CF_ENGINE_AGENT, "agents", "agent:"},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct shard_load {
    struct shard *shard; /* NULL: cancelled; the last answer frees */
    struct cf_timer *deadline, *again;
    struct cf_arena *arena;
    uint32_t pending; /* answers not here yet */
    bool over;
    int64_t through;
};

/* One read under way. */
struct reading {
    struct shard_load *load;
    struct domain *domain;
    int64_t at_least; /* claim: offset promised by the shard's hash */
    enum cf_engine_kind kind;
    const char *prefix; /* ids: of the objects' keys */
    struct cf_str id;
};

static struct cf_worker *worker_of(const struct shard_load *load)
{
    return load->shard->routing->worker;
}

static void free_if_idle(struct shard_load *load)
{
    if (!load->over || load->pending > 0)
        return;
    cf_timer_free(load->deadline);
    cf_timer_free(load->again);
    cf_arena_free(load->arena);
    free(load);
}

static void end(struct shard_load *load, int64_t start)
{
    struct shard *shard = load->shard;

    load->over = true;
    load->shard = NULL;
    shard->load = NULL;
    cf_timer_stop(load->deadline);
    cf_timer_stop(load->again);
    cf_worker_start_at(shard->routing->worker, CF_ROUTING_LOG, shard->partition, start);
}

static void rebuild(struct shard_load *load, const char *why)
{
    struct shard *shard = load->shard;

    if (shard->committed >= 0)
        cf_log_warn("routing", NULL, "partition %d: state is rebuilt from the log: %s", shard->partition,
                    why);
    cf_routing_drop_domains(shard);
    end(load, -2);
}

static void on_deadline(void *arg)
{
    struct shard_load *load = arg;

    rebuild(load, "Redis did not answer in time");
    free_if_idle(load);
}

/* All answers are here: check that the engines are whole. */
static void finish(struct shard_load *load)
{
    struct shard *shard = load->shard;
    struct cf_err err;

    for (struct domain *domain = shard->domains; domain; domain = domain->next) {
        if (cf_engine_load_finish(domain->engine, &err) < 0 ||
            cf_engine_offset(domain->engine) != domain->copy_offset) {
            rebuild(load, "a domain's objects do not agree");
            return;
        }
        cf_engine_track_changes(domain->engine);
    }
    cf_log_info("routing", NULL,
                "partition %d: %zu domains loaded, log read again from %lld (committed %lld)",
                shard->partition, shard->n_domains, (long long)load->through, (long long)shard->committed);
    shard->marker = load->through;
    end(load, load->through);
}

/* Common beginning of each answer; false when it no longer matters. */
static bool answered(struct reading *reading, const struct cf_reply *reply, const struct cf_err *err)
{
    struct shard_load *load = reading->load;

    load->pending--;
    if (load->over) {
        free_if_idle(load);
        return false;
    }
    if (err || !reply) {
        rebuild(load, "Redis failed while the state was read");
        free_if_idle(load);
        return false;
    }
    return true;
}

static void settle(struct shard_load *load)
{
    if (!load->over && load->pending == 0)
        finish(load);
    free_if_idle(load);
}

static struct reading *new_reading(struct shard_load *load, struct domain *domain, enum cf_engine_kind kind,
                                   struct cf_str id)
{
    struct reading *reading = cf_arena_zalloc(load->arena, sizeof(*reading));

    reading->load = load;
    reading->domain = domain;
    reading->kind = kind;
    reading->id = cf_arena_str(load->arena, id);
    load->pending++;
    return reading;
}

static void on_object(void *arg, const struct cf_reply *reply, const struct cf_err *err)
{
    struct reading *reading = arg;
    struct shard_load *load = reading->load;
    struct cf_engine_object object = {.id = reading->id, .due = CF_ENGINE_NO_TIMER};
    struct cf_engine_pair *pairs;
    struct cf_err why;

    if (!answered(reading, reply, err))
        return;
    object.kind = reading->kind;
    object.n_pairs = reply->n / 2;
    pairs = cf_calloc(object.n_pairs, sizeof(*pairs));
    for (size_t i = 0; i < object.n_pairs; i++)
        pairs[i] = (struct cf_engine_pair){reply->elements[2 * i].str, reply->elements[2 * i + 1].str};
    object.pairs = pairs;
    if (object.n_pairs == 0)
        rebuild(load, "an object is missing in Redis");
    else if (cf_engine_load_object(reading->domain->engine, &object, &why) < 0)
        rebuild(load, why.text);
    free(pairs);
    settle(load);
}

static void read_hash(struct reading *reading, const char *suffix)
{
    struct cf_str key = cf_routing_key(reading->load->arena, reading->domain->name, suffix);

    cf_redis_call(cf_worker_redis(worker_of(reading->load)), 2,
                  (const struct cf_str[]){CF_STR("HGETALL"), key}, on_object, reading);
}

static void on_ids(void *arg, const struct cf_reply *reply, const struct cf_err *err)
{
    struct reading *reading = arg;
    struct shard_load *load = reading->load;

    if (!answered(reading, reply, err))
        return;
    for (size_t i = 0; i < reply->n && !load->over; i++) {
        struct reading *object = new_reading(load, reading->domain, reading->kind, reply->elements[i].str);

        read_hash(object, cf_arena_printf(load->arena, "%s%.*s", reading->prefix, CF_STR_FMT(object->id)).p);
    }
    settle(load);
}

static void on_claimed(void *arg, const struct cf_reply *reply, const struct cf_err *err)
{
    struct reading *reading = arg;
    struct shard_load *load = reading->load;
    struct domain *domain = reading->domain;
    struct cf_str name = cf_str_of(domain->name);

    if (!answered(reading, reply, err))
        return;
    if (reply->n == 2) {
        domain->epoch = reply->elements[0].integer;
        domain->copy_offset = reply->elements[1].str.p ? strtoll(reply->elements[1].str.p, NULL, 10) : -1;
    }
    if (domain->copy_offset < reading->at_least || domain->copy_offset >= load->shard->committed) {
        rebuild(load, "Redis and Kafka disagree");
        free_if_idle(load);
        return;
    }
    domain->copy = COPY_GOOD;
    /* Answers come in the order of the calls: state and policy are loaded before any other object. */
    read_hash(new_reading(load, domain, CF_ENGINE_META, name), "state");
    read_hash(new_reading(load, domain, CF_ENGINE_POLICY, name), "policy");
    for (size_t i = 0; i < KINDS; i++) {
        struct reading *ids = new_reading(load, domain, kinds[i].kind, name);
        struct cf_str key = cf_routing_key(load->arena, domain->name, kinds[i].set);

        ids->prefix = kinds[i].prefix;
        cf_redis_call(cf_worker_redis(worker_of(load)), 2, (const struct cf_str[]){CF_STR("SMEMBERS"), key},
                      on_ids, ids);
    }
}

static void claim(struct shard_load *load, struct cf_str name, int64_t at_least)
{
    struct domain *domain = cf_routing_domain(load->shard, name);
    struct reading *reading = new_reading(load, domain, CF_ENGINE_META, name);
    struct cf_str key = cf_routing_key(load->arena, domain->name, "meta");

    reading->at_least = at_least;
    cf_redis_eval(cf_worker_redis(worker_of(load)), claim_script, 1, 1, &key, on_claimed, reading);
}

static int64_t number(struct cf_str text)
{
    uint64_t value;

    return cf_str_u64(text, &value) && value <= INT64_MAX ? (int64_t)value : -1;
}

static void on_shard(void *arg, const struct cf_reply *reply, const struct cf_err *err)
{
    const struct cf_str prefix = CF_STR("domain:");
    struct reading *reading = arg;
    struct shard_load *load = reading->load;

    load->pending--;
    if (load->over) {
        free_if_idle(load);
        return;
    }
    if (err) {
        cf_timer_start(load->again, RETRY_MS, 0); /* until the deadline */
        return;
    }
    for (size_t i = 0; i + 1 < reply->n; i += 2) {
        struct cf_str field = reply->elements[i].str, value = reply->elements[i + 1].str;

        if (cf_str_is(field, "through"))
            load->through = number(value);
        else if (cf_str_starts(field, prefix))
            claim(load, (struct cf_str){field.p + prefix.n, field.n - prefix.n}, number(value));
    }
    if (load->through < 0 || load->through > load->shard->committed)
        rebuild(load, load->through < 0 ? "Redis has none" : "Redis is ahead of Kafka");
    settle(load);
}

static void read_shard(void *arg)
{
    struct shard_load *load = arg;
    struct cf_str key = cf_routing_shard_key(load->arena, load->shard->partition);
    struct reading *reading = new_reading(load, NULL, CF_ENGINE_META, key);

    load->through = -1;
    cf_redis_call(cf_worker_redis(worker_of(load)), 2, (const struct cf_str[]){CF_STR("HGETALL"), key},
                  on_shard, reading);
}

void cf_routing_load(struct shard *shard)
{
    struct cf_worker *worker = shard->routing->worker;
    const struct routing_config *config = cf_worker_config(worker);
    struct shard_load *load = cf_calloc(1, sizeof(*load));

    load->shard = shard;
    load->arena = cf_arena_new(LOAD_ARENA_BYTES);
    load->deadline = cf_timer_new(cf_worker_loop(worker), on_deadline, load);
    load->again = cf_timer_new(cf_worker_loop(worker), read_shard, load);
    shard->load = load;
    shard->marker = -1;
    if (shard->committed < 0) {
        rebuild(load, "");
        free_if_idle(load);
        return;
    }
    cf_timer_start(load->deadline, config->state_load_ms, 0);
    read_shard(load);
}

void cf_routing_load_cancel(struct shard *shard)
{
    struct shard_load *load = shard->load;

    if (!load)
        return;
    shard->load = NULL;
    load->shard = NULL;
    load->over = true;
    cf_timer_stop(load->deadline);
    cf_timer_stop(load->again);
    free_if_idle(load);
}
