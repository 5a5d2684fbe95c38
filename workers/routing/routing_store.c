/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Write-back: the state of a domain to Redis, after Kafka. One atomic script applies the changes of one or
 * more committed batches, checks the owner's epoch and that Redis still holds the state they build on, and
 * stores the log offset. When Redis lost data the whole state is written anew. While Redis is away changes
 * gather in the engine (an object that changes a hundred times is written once) and go when it is back.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "log/log.h"
#include "loop/loop.h"
#include "redis/redis.h"
#include "routing.h"

#define WRITE_ARENA_BYTES ((size_t)512 * 1024 * 1024)

/*
 * KEYS[1]: the domain's meta hash; its name without "meta" is the prefix of all others.
 * ARGV: epoch (0: claim), offset the changes build on (-1: replace everything), offset after them, then
 * operations: H key n f v ...  replace a hash     D key           delete Z key score m    add to sorted set
 * R key m         remove from sorted set S key m          add to set         U key m         remove from set
 * Replies {code, epoch}: 1 done, 0 fenced by a newer owner, -1 Redis holds something else than `builds on`.
 */
static const char write_script[] =
    "local meta = KEYS[1]\n"
    "local prefix = string.sub(meta, 1, -5)\n"
    "local mine, base = tonumber(ARGV[1]), ARGV[2]\n"
    "local stored = tonumber(redis.call('HGET', meta, 'epoch') or '0')\n"
    "if mine == 0 then mine = stored + 1 end\n"
    "if stored > mine then return {0, stored} end\n"
    "if base ~= '-1' and redis.call('HGET', meta, 'offset') ~= base then return {-1, mine} end\n"
    "if base == '-1' then\n"
    "  for _, kind in ipairs({'call', 'agent', 'queue'}) do\n"
    "    for _, id in ipairs(redis.call('SMEMBERS', prefix .. kind .. 's')) do\n"
    "      redis.call('DEL', prefix .. kind .. ':' .. id)\n"
    "      if kind == 'queue' then redis.call('DEL', prefix .. 'waiting:' .. id) end\n"
    "    end\n"
    "    redis.call('DEL', prefix .. kind .. 's')\n"
    "  end\n"
    "  redis.call('DEL', prefix .. 'timers', meta)\n"
    "end\n"
    "local i = 4\n"
    "while i <= #ARGV do\n"
    "  local op, key = ARGV[i], prefix .. ARGV[i + 1]\n"
    "  if op == 'H' then\n"
    "    local n = tonumber(ARGV[i + 2])\n"
    "    redis.call('DEL', key)\n"
    "    redis.call('HSET', key, unpack(ARGV, i + 3, i + 2 + 2 * n))\n"
    "    i = i + 3 + 2 * n\n"
    "  elseif op == 'D' then redis.call('DEL', key) i = i + 2\n"
    "  elseif op == 'Z' then redis.call('ZADD', key, ARGV[i + 2], ARGV[i + 3]) i = i + 4\n"
    "  elseif op == 'R' then redis.call('ZREM', key, ARGV[i + 2]) i = i + 3\n"
    "  elseif op == 'S' then redis.call('SADD', key, ARGV[i + 2]) i = i + 3\n"
    "  else redis.call('SREM', key, ARGV[i + 2]) i = i + 3 end\n"
    "end\n"
    "redis.call('HSET', meta, 'epoch', mine, 'offset', ARGV[3])\n"
    "return {1, mine}\n";

struct write_back {
    struct domain *domain; /* NULL: the shard is gone, the answer is dropped */
    struct cf_arena *arena;
    struct cf_str *args;
    size_t n, size;
    int64_t offset; /* state after it */
    bool replaces, sent;
};

struct cf_str cf_routing_key(struct cf_arena *arena, const char *domain, const char *suffix)
{
    return cf_arena_printf(arena, "cf:{%s}:%s", domain, suffix);
}

struct cf_str cf_routing_shard_key(struct cf_arena *arena, int32_t partition)
{
    return cf_arena_printf(arena, "cf:routing:{p%d}", partition);
}

const char *cf_routing_kind_name(enum cf_engine_kind kind)
{
    switch (kind) {
    case CF_ENGINE_META:
        return "state";
    case CF_ENGINE_POLICY:
        return "policy";
    case CF_ENGINE_QUEUE:
        return "queue";
    case CF_ENGINE_CALL:
        return "call";
    case CF_ENGINE_AGENT:
        return "agent";
    }
    return "";
}

/* ---- collecting ---- */

static void add(struct write_back *write, struct cf_str arg)
{
    if (write->n == write->size) {
        write->size = write->size ? write->size * 2 : 64;
        write->args = cf_realloc(write->args, write->size * sizeof(*write->args));
    }
    write->args[write->n++] = cf_arena_str(write->arena, arg);
}

static void add_int(struct write_back *write, int64_t value)
{
    add(write, cf_arena_printf(write->arena, "%lld", (long long)value));
}

static void add_key(struct write_back *write, const char *op, const char *kind, struct cf_str id)
{
    add(write, cf_str_of(op));
    add(write, cf_arena_printf(write->arena, "%s:%.*s", kind, CF_STR_FMT(id)));
}

static void add_member(struct write_back *write, const char *op, const char *set, struct cf_str member)
{
    add(write, cf_str_of(op));
    add(write, cf_str_of(set));
    add(write, member);
}

static void add_places(struct write_back *write, const struct cf_engine_object *object, struct cf_str timer)
{
    if (object->left_queue_id.p) {
        add_key(write, "R", "waiting", object->left_queue_id);
        add(write, object->id);
    }
    if (object->queue_id.p && !object->deleted) {
        add_key(write, "Z", "waiting", object->queue_id);
        add_int(write, object->score);
        add(write, object->id);
    }
    if (object->due == CF_ENGINE_NO_TIMER || object->deleted) {
        add_member(write, "R", "timers", timer);
    } else {
        add(write, CF_STR("Z"));
        add(write, CF_STR("timers"));
        add_int(write, object->due);
        add(write, timer);
    }
}

static void add_pairs(struct write_back *write, const struct cf_engine_object *object)
{
    add_int(write, (int64_t)object->n_pairs);
    for (size_t i = 0; i < object->n_pairs; i++) {
        add(write, object->pairs[i].field);
        add(write, object->pairs[i].value);
    }
}

static void on_object(void *arg, const struct cf_engine_object *object)
{
    struct write_back *write = arg;
    const char *kind = cf_routing_kind_name(object->kind);
    char set[16];

    if (object->kind == CF_ENGINE_META || object->kind == CF_ENGINE_POLICY) {
        add(write, CF_STR("H"));
        add(write, cf_str_of(kind));
        add_pairs(write, object);
        return;
    }
    (void)snprintf(set, sizeof(set), "%ss", kind);
    add_member(write, object->deleted ? "U" : "S", set, object->id);
    add_key(write, object->deleted ? "D" : "H", kind, object->id);
    if (!object->deleted)
        add_pairs(write, object);
    if (object->kind != CF_ENGINE_QUEUE)
        add_places(write, object, cf_arena_printf(write->arena, "%s:%.*s", kind, CF_STR_FMT(object->id)));
}

/* The engine's state now is the state at its own offset: the caller knows that no uncommitted record is in
 * it, or takes it before the batch that commits them leaves. */
static void take(struct domain *domain)
{
    struct write_back *write = cf_calloc(1, sizeof(*write));

    write->domain = domain;
    write->arena = cf_arena_new(WRITE_ARENA_BYTES);
    write->offset = cf_engine_offset(domain->engine);
    write->replaces = domain->copy == COPY_UNKNOWN;
    add(write, cf_routing_key(write->arena, domain->name, "meta"));
    add_int(write, domain->epoch);
    add_int(write, write->replaces ? -1 : domain->copy_offset);
    add_int(write, write->offset);
    if (write->replaces)
        cf_engine_dump_all(domain->engine, on_object, write);
    else
        cf_engine_dump_changes(domain->engine, on_object, write);
    cf_engine_track_changes(domain->engine);
    cf_engine_changes_clear(domain->engine);
    domain->write = write;
}

static void free_write(struct write_back *write)
{
    cf_arena_free(write->arena);
    free(write->args);
    free(write);
}

void cf_routing_store_free(struct domain *domain)
{
    struct write_back *write = domain->write;

    domain->write = NULL;
    if (write && write->sent)
        write->domain = NULL; /* its answer frees it */
    else if (write)
        free_write(write);
}

/* ---- sending ---- */

static void send(struct domain *domain);

/* Every record below this offset is in some domain's state in Redis. */
static int64_t reflected(const struct shard *shard)
{
    int64_t through = shard->committed;

    for (const struct domain *domain = shard->domains; domain; domain = domain->next) {
        if (domain->copy_offset != cf_engine_offset(domain->engine) && domain->copy_offset + 1 < through)
            through = domain->copy_offset + 1;
    }
    return through;
}

/* Where the next owner starts to read: `through`, and for each domain the offset its state must at least
 * have. */
static void mark_shard(struct shard *shard)
{
    struct cf_arena *arena;
    size_t argc = 0, n = shard->n_domains;
    int64_t through = reflected(shard);
    struct cf_str *args;

    if (through <= shard->marker)
        return;
    arena = cf_arena_new(WRITE_ARENA_BYTES);
    args = cf_calloc(4 + 2 * n, sizeof(*args));
    args[argc++] = CF_STR("HSET");
    args[argc++] = cf_routing_shard_key(arena, shard->partition);
    args[argc++] = CF_STR("through");
    args[argc++] = cf_arena_printf(arena, "%lld", (long long)through);
    for (struct domain *domain = shard->domains; domain; domain = domain->next) {
        args[argc++] = cf_arena_printf(arena, "domain:%s", domain->name);
        args[argc++] = cf_arena_printf(arena, "%lld", (long long)domain->copy_offset);
    }
    cf_redis_call(cf_worker_redis(shard->routing->worker), argc, args, NULL, NULL);
    shard->marker = through;
    cf_arena_free(arena);
    free(args);
}

static void on_refused(struct domain *domain, int64_t code)
{
    struct cf_err err;

    if (code == 0) {
        (void)cf_err_set(&err, CF_ERR_FATAL, "routing", 0, "domain %s has a newer owner: this worker stops",
                         domain->name);
        cf_worker_fail(domain->shard->routing->worker, &err);
        return;
    }
    cf_log_warn("routing", NULL, "Redis lost the state of domain %s: it is written anew", domain->name);
    domain->copy = COPY_UNKNOWN;
    domain->copy_offset = -1;
}

static void on_written(struct domain *domain, const struct write_back *write, const struct cf_reply *reply)
{
    int64_t code = reply->n == 2 ? reply->elements[0].integer : -1;

    domain->epoch = reply->n == 2 ? reply->elements[1].integer : domain->epoch;
    domain->write = NULL;
    if (code == 1) {
        domain->copy = COPY_GOOD;
        domain->copy_offset = write->offset;
    } else {
        on_refused(domain, code);
    }
    if (code != 0 && domain->copy_offset < cf_engine_offset(domain->engine) &&
        cf_engine_offset(domain->engine) < domain->shard->committed) {
        take(domain);
        send(domain);
    }
    if (code == 1)
        mark_shard(domain->shard);
}

static void on_reply(void *arg, const struct cf_reply *reply, const struct cf_err *err)
{
    struct write_back *write = arg;
    struct domain *domain = write->domain;

    if (!domain) {
        free_write(write);
        return;
    }
    write->sent = false;
    if (err) {
        struct routing *routing = domain->shard->routing;

        cf_log_err(CF_LOG_WARN, "routing", NULL, "state not written to Redis yet", err);
        if (!cf_timer_active(routing->retry_timer))
            cf_timer_start(routing->retry_timer,
                           ((const struct routing_config *)cf_worker_config(routing->worker))->state_retry_ms,
                           0);
        return;
    }
    on_written(domain, write, reply);
    free_write(write);
}

static void send(struct domain *domain)
{
    struct write_back *write = domain->write;

    write->sent = true;
    cf_redis_eval(cf_worker_redis(domain->shard->routing->worker), write_script, 1, write->n, write->args,
                  on_reply, write);
}

void cf_routing_store_take(struct shard *shard, int64_t offset)
{
    for (struct domain *domain = shard->domains; domain; domain = domain->next) {
        if (domain->write || cf_engine_offset(domain->engine) == domain->copy_offset)
            continue;
        assert(cf_engine_offset(domain->engine) < offset);
        take(domain);
    }
}

void cf_routing_store_send(struct shard *shard, int64_t committed)
{
    shard->committed = committed;
    for (struct domain *domain = shard->domains; domain; domain = domain->next) {
        if (domain->write && !domain->write->sent && domain->write->offset < committed)
            send(domain);
    }
}

void cf_routing_store_retry(void *arg)
{
    struct routing *routing = arg;

    for (struct shard *shard = routing->shards; shard; shard = shard->next)
        cf_routing_store_send(shard, shard->committed);
}
