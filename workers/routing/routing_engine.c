/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine host: routing-log records go to their domain's engine, decisions go to call-routed, and a tick
 * is appended to the log when an engine's next timer is due. Replays (records below the committed offset)
 * rebuild state and decide nothing anew.
 */
#include <stdlib.h>

#include "clock/clock.h"
#include "engine/decision.h"
#include "loop/loop.h"
#include "routing.h"

/* A tick asked for and not seen in the log after this long is asked for again. */
#define TICK_AGAIN_MS 1000

struct shard *cf_routing_shard(struct routing *routing, int32_t partition)
{
    struct shard *shard = routing->shards;

    while (shard && shard->partition != partition)
        shard = shard->next;
    return shard;
}

struct domain *cf_routing_domain(struct shard *shard, struct cf_str name)
{
    struct domain *domain = cf_ids_get(&shard->by_name, name);

    if (domain)
        return domain;
    domain = cf_calloc(1, sizeof(*domain));
    domain->shard = shard;
    domain->name = cf_calloc(name.n + 1, 1);
    memcpy(domain->name, name.p, name.n);
    domain->engine = cf_engine_new(name, NULL);
    domain->copy_offset = -1;
    domain->tick_asked_for = CF_ENGINE_NO_TIMER;
    domain->id = (struct cf_str){domain->name, name.n};
    domain->next = shard->domains;
    shard->domains = domain;
    shard->n_domains++;
    cf_ids_put(&shard->by_name, domain);
    return domain;
}

void cf_routing_drop_domains(struct shard *shard)
{
    while (shard->domains) {
        struct domain *domain = shard->domains;

        shard->domains = domain->next;
        cf_routing_store_free(domain);
        cf_engine_free(domain->engine);
        free(domain->name);
        free(domain);
    }
    shard->n_domains = 0;
    cf_ids_done(&shard->by_name);
}

void cf_routing_shard_free(struct shard *shard)
{
    cf_routing_load_cancel(shard);
    cf_routing_drop_domains(shard);
    free(shard);
}

/* ---- decisions ---- */

struct deciding {
    struct cf_job *job;
    struct routing *routing;
    struct cf_err err;
    bool failed;
};

static void on_decision(void *arg, const struct cf_call_routed *decision)
{
    struct deciding *deciding = arg;
    struct cf_arena *arena = cf_job_arena(deciding->job);
    struct cf_buf *buf = &deciding->routing->buf;

    if (cf_job_is_replay(deciding->job) || deciding->failed)
        return;
    if (cf_decision_encode(decision, buf, &deciding->err) < 0) {
        deciding->failed = true;
        return;
    }
    cf_job_emit(deciding->job, "call-routed", cf_arena_str(arena, cf_decision_key(decision)),
                cf_arena_str(arena, cf_buf_view(buf)));
}

/* The owner brings its policy in when the engine runs an older one. */
static void check_policy(struct routing *routing, struct domain *domain)
{
    int64_t ours = cf_policy_version(routing->policy);
    struct cf_str name = cf_str_of(domain->name);
    struct cf_err err;

    if (ours <= cf_policy_version(cf_engine_policy(domain->engine)) || ours <= domain->policy_asked)
        return;
    domain->policy_asked = ours;
    if (cf_routing_encode_policy(routing, name, &err) < 0)
        cf_worker_fail(routing->worker, &err);
    else
        cf_worker_emit(routing->worker, CF_ROUTING_LOG, name, cf_buf_view(&routing->buf));
}

enum cf_next cf_routing_step(struct cf_job *job)
{
    struct routing *routing = cf_worker_state(cf_job_worker(job));
    const struct cf_record *source = cf_job_record(job);
    struct shard *shard = cf_routing_shard(routing, source->partition);
    struct deciding deciding = {.job = job, .routing = routing};
    const struct cf_rt_record *record;
    struct domain *domain;

    if (cf_routing_log_decode(cf_job_arena(job), source->value, source->offset, &record, &deciding.err) < 0)
        return cf_job_fail(job, &deciding.err);
    domain = cf_routing_domain(shard, record->domain);
    cf_engine_step(domain->engine, record, on_decision, &deciding);
    if (deciding.failed)
        return cf_job_fail(job, &deciding.err);
    if (!cf_job_is_replay(job)) {
        check_policy(routing, domain);
        cf_routing_plan_tick(routing);
    }
    return CF_DONE;
}

/* ---- ticks ---- */

static bool tick_is_under_way(const struct domain *domain, uint64_t now_ms)
{
    return domain->tick_asked_for == cf_engine_next_timer(domain->engine) &&
           now_ms - domain->tick_asked_ms < TICK_AGAIN_MS;
}

void cf_routing_plan_tick(struct routing *routing)
{
    uint64_t now_ms = cf_loop_now_ms(cf_worker_loop(routing->worker));
    int64_t wall_ms = cf_clock_wall_ms(), wait_ms, earliest_ms = INT64_MAX;

    for (struct shard *shard = routing->shards; shard; shard = shard->next) {
        for (struct domain *domain = shard->domains; domain; domain = domain->next) {
            int64_t due = cf_engine_next_timer(domain->engine);

            if (due == CF_ENGINE_NO_TIMER)
                continue;
            wait_ms = tick_is_under_way(domain, now_ms) ? TICK_AGAIN_MS : due - wall_ms;
            if (wait_ms < earliest_ms)
                earliest_ms = wait_ms;
        }
    }
    if (earliest_ms == INT64_MAX)
        cf_timer_stop(routing->tick_timer);
    else
        cf_timer_start(routing->tick_timer, earliest_ms > 0 ? (uint64_t)earliest_ms : 0, 0);
}

static void append_tick(struct routing *routing, struct domain *domain, int64_t wall_ms)
{
    struct cf_rt_record record = {
        .kind = CF_RT_TICK,
        .domain = cf_str_of(domain->name),
        .t = wall_ms,
        .cause = {.partition = -1, .offset = -1},
    };
    struct cf_err err;

    if (cf_routing_log_encode(&record, &routing->buf, &err) < 0)
        cf_worker_fail(routing->worker, &err);
    else
        cf_worker_emit(routing->worker, CF_ROUTING_LOG, record.domain, cf_buf_view(&routing->buf));
}

void cf_routing_on_tick(void *arg)
{
    struct routing *routing = arg;
    uint64_t now_ms = cf_loop_now_ms(cf_worker_loop(routing->worker));
    int64_t wall_ms = cf_clock_wall_ms();

    for (struct shard *shard = routing->shards; shard; shard = shard->next) {
        for (struct domain *domain = shard->domains; domain; domain = domain->next) {
            int64_t due = cf_engine_next_timer(domain->engine);

            if (due == CF_ENGINE_NO_TIMER || due > wall_ms || tick_is_under_way(domain, now_ms))
                continue;
            domain->tick_asked_for = due;
            domain->tick_asked_ms = now_ms;
            append_tick(routing, domain, wall_ms);
        }
    }
    cf_routing_plan_tick(routing);
}
