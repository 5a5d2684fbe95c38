/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "engine/engine_priv.h"

/* Room for an offer id and a screen-pop address; an address that does not fit is left out. Taken at once, so
 * that views into it hold while more is added. */
#define SCRATCH_SIZE 16384

struct cf_engine *cf_engine_new(struct cf_str domain, struct cf_policy *initial)
{
    struct cf_engine *engine = cf_calloc(1, sizeof(*engine));

    engine->name = cf_calloc(1, domain.n + 1);
    (void)cf_str_copy(engine->name, domain.n + 1, domain);
    engine->domain = (struct cf_str){engine->name, domain.n};
    engine->offset = -1;
    cf_buf_init(&engine->scratch, SCRATCH_SIZE);
    engine->scratch.p = cf_calloc(1, SCRATCH_SIZE);
    engine->scratch.size = SCRATCH_SIZE;
    cf_buf_init(&engine->plan.rules, CF_ENGINE_MAX_TEXT);
    cf_engine_use_policy(engine, initial ? cf_policy_ref(initial) : cf_policy_builtin());
    return engine;
}

void *cf_engine_new_object(enum cf_engine_kind kind, size_t size, struct cf_str id)
{
    bool is_short = id.n <= sizeof(((struct cf_object *)0)->short_id);
    struct cf_object *object = cf_calloc(1, size + (is_short ? 0 : id.n));
    char *own = is_short ? object->short_id : (char *)object + size;

    memcpy(own, id.p, id.n);
    object->id = (struct cf_str){own, id.n};
    object->kind = (uint8_t)kind;
    return object;
}

void cf_engine_free_object(struct cf_object *object)
{
    if (object->kind == CF_ENGINE_CALL && !object->tomb) {
        struct cf_call *call = (struct cf_call *)object;

        free(call->details);
        free(call->more);
        free(call->holds);
    }
    if (object->kind == CF_ENGINE_CALL && object->tomb)
        free(((struct cf_tomb *)object)->memory);
    if (object->kind == CF_ENGINE_AGENT)
        free(((struct cf_agent *)object)->name);
    free(object);
}

static void free_objects(struct cf_ids *ids)
{
    for (size_t i = 0; i < ids->size; i++) {
        if (ids->slots[i].item)
            cf_engine_free_object(ids->slots[i].item);
    }
    cf_ids_done(ids);
}

/* Agents and calls let go of their profile and need first, so that freeing those finds no user. */
static void free_matching(struct cf_engine *engine)
{
    void **needs = cf_ids_list(&engine->needs), **profiles = cf_ids_list(&engine->profiles);
    size_t n_needs = engine->needs.n, n_profiles = engine->profiles.n;

    for (size_t i = 0; i < n_needs; i++) {
        struct cf_need *need = needs[i];

        while (need->n_links > 0)
            cf_engine_unlink(need->links[need->n_links - 1]);
        free(need->links);
        free(need->ready);
        free(need);
    }
    for (size_t i = 0; i < n_profiles; i++) {
        free(((struct cf_profile *)profiles[i])->links);
        free(profiles[i]);
    }
    free(needs);
    free(profiles);
    cf_ids_done(&engine->needs);
    cf_ids_done(&engine->profiles);
}

void cf_engine_free(struct cf_engine *engine)
{
    if (!engine)
        return;
    cf_engine_changes_clear(engine);
    free_matching(engine);
    cf_engine_free_holds(engine);
    cf_engine_free_callers(engine);
    free_objects(&engine->calls);
    free_objects(&engine->agents);
    free_objects(&engine->queues);
    free(engine->timers);
    free(engine->changed);
    cf_buf_done(&engine->scratch);
    cf_buf_done(&engine->plan.rules);
    cf_policy_unref(engine->policy);
    free(engine->name);
    free(engine);
}

static void apply(struct cf_engine *engine, const struct cf_rt_record *record)
{
    switch (record->kind) {
    case CF_RT_CALL_QUEUED:
        cf_engine_on_call_queued(engine, record->u.call_queued);
        break;
    case CF_RT_CALL_ENDED:
        cf_engine_on_call_ended(engine, record->u.call_ended);
        break;
    case CF_RT_AGENT_STATE:
        cf_engine_on_agent_state(engine, record->u.agent_state);
        break;
    case CF_RT_POLICY:
        cf_engine_on_policy(engine, record);
        break;
    case CF_RT_TICK:
        break;
    }
}

void cf_engine_step(struct cf_engine *engine, const struct cf_rt_record *record, cf_rt_decide_fn *fn,
                    void *arg)
{
    int64_t t = record->t < CF_ENGINE_T_MAX ? record->t : CF_ENGINE_T_MAX;

    if (record->offset <= engine->offset)
        return;
    engine->offset = record->offset;
    engine->record = record;
    engine->fn = fn;
    engine->arg = arg;
    if (t > engine->now)
        engine->now = t;
    engine->timing = true;
    cf_engine_run_timers(engine);
    engine->timing = false;
    engine->at = engine->now;
    cf_engine_purge_tombs(engine);
    apply(engine, record);
    cf_engine_recheck_holds(engine);
    /* What the record set off may be due already: a call that was offered past its longest wait. */
    cf_engine_run_timers(engine);
    cf_engine_purge_tombs(engine);
    engine->at = engine->now;
    engine->record = NULL;
    engine->fn = NULL;
}

int64_t cf_engine_next_timer(const struct cf_engine *engine)
{
    return engine->n_timers > 0 ? engine->timers[0].due : CF_ENGINE_NO_TIMER;
}

int64_t cf_engine_now(const struct cf_engine *engine)
{
    return engine->now;
}

int64_t cf_engine_offset(const struct cf_engine *engine)
{
    return engine->offset;
}

int64_t cf_engine_seq(const struct cf_engine *engine)
{
    return engine->seq;
}

const struct cf_policy *cf_engine_policy(const struct cf_engine *engine)
{
    return engine->policy;
}

struct cf_str cf_engine_domain(const struct cf_engine *engine)
{
    return engine->domain;
}

void cf_engine_counts(const struct cf_engine *engine, struct cf_engine_counts *ret_counts)
{
    *ret_counts = (struct cf_engine_counts){
        .waiting = engine->n_waiting,
        .offered = engine->n_offered,
        .connected = engine->n_connected,
        .tombstones = engine->n_tombs,
        .agents = engine->agents.n,
        .available = engine->n_phase[CF_PHASE_AVAILABLE],
        .reserved = engine->n_phase[CF_PHASE_RESERVED],
        .busy = engine->n_phase[CF_PHASE_CONNECTED],
        .wrapup = engine->n_phase[CF_PHASE_WRAPUP],
        .paused = engine->n_phase[CF_PHASE_PAUSED],
    };
}
