/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a call: queued -> offered -> connected -> over, and the tombstone that is left. */
#include <stdlib.h>

#include "engine/engine_mutants.h"
#include "engine/engine_priv.h"

void cf_engine_set_call_state(struct cf_engine *engine, struct cf_call *call, enum cf_call_state state)
{
    size_t *count[] = {&engine->n_waiting, &engine->n_offered, &engine->n_connected};

    --*count[call->state];
    ++*count[state];
    call->state = (uint8_t)state;
    cf_engine_changed(engine, &call->o);
}

struct cf_call *cf_engine_new_call(struct cf_engine *engine, struct cf_str id)
{
    struct cf_call *call = cf_engine_new_object(CF_ENGINE_CALL, sizeof(*call), id);

    call->timer = (struct cf_alarm){.due = CF_ENGINE_NO_TIMER, .owner = &call->o};
    cf_ids_put(&engine->calls, call);
    engine->n_waiting++;
    cf_engine_changed(engine, &call->o);
    return call;
}

/* The end came first and was remembered: both decisions are made now, so that no call is missing from the
 * counts. Its times are those of its own events; nobody waits for it, so they need not be doubted. */
static void add_past_call(struct cf_engine *engine, const struct cf_call_queued *event, struct cf_tomb *tomb)
{
    const struct cf_plan *plan = cf_engine_plan(engine, event);
    struct cf_call *call = cf_engine_new_object(CF_ENGINE_CALL, sizeof(*call), event->call_id);
    struct cf_memory *memory = cf_engine_memory(tomb);
    int64_t earliest = memory->ended_at - CF_ENGINE_TOMBSTONE_MS;

    call->details = cf_engine_details(&event->customer, plan);
    call->priority = (uint8_t)plan->priority;
    call->enqueued_at = event->queued_at < engine->at ? event->queued_at : engine->at;
    if (call->enqueued_at < earliest)
        call->enqueued_at = earliest;
    call->queue = cf_engine_queue(engine, plan->queue->id);
    cf_engine_decide_past(engine, call,
                          &(struct cf_past_call){plan->reason, memory->ended_at, memory->served});
    tomb->queued = true;
    cf_engine_changed(engine, &tomb->o);
    cf_engine_free_object(&call->o);
}

/* Its queues, and whether it waits for a preferred agent. */
static void settle(struct cf_engine *engine, struct cf_call *call, const struct cf_plan *plan)
{
    cf_engine_set_queue(engine, call, cf_engine_queue(engine, plan->queue->id));
    for (size_t i = 1; i < plan->queues.n; i++) {
        struct cf_queue *queue = cf_engine_queue(engine, plan->queues.items[i]);

        if (!queue->policy->hours || cf_hours_open(queue->policy->hours, engine->at))
            cf_engine_add_queue(engine, call, queue);
    }
    if (plan->hold_ms > 0 && cf_engine_awaits(engine, call) && !cf_engine_preferred(engine, call))
        call->hold_until = engine->at + plan->hold_ms;
}

static void add_call(struct cf_engine *engine, const struct cf_call_queued *event)
{
    struct cf_call *call = cf_engine_new_call(engine, event->call_id);
    const struct cf_plan *plan = cf_engine_plan(engine, event);
    struct cf_str reason = plan->reason;

    call->details = cf_engine_details(&event->customer, plan);
    call->priority = (uint8_t)plan->priority;
    call->enqueued_at = event->queued_at < engine->at ? event->queued_at : engine->at;
    if (call->enqueued_at < engine->at - CF_ENGINE_BACKDATE_MS)
        call->enqueued_at = engine->at - CF_ENGINE_BACKDATE_MS;
    call->in_queue_since = call->enqueued_at;
    call->arrival = engine->seq + 1; /* the decision below: unique, and in order of the log */
    call->caller = cf_engine_caller(engine, plan->caller_id);
    call->home.queue = cf_engine_queue(engine, plan->queue->id);
    if (cf_engine_resume(engine, call))
        reason = CF_STR("resumed");
    settle(engine, call, plan);
    cf_engine_decide_queued(engine, call, reason);
    cf_engine_enter(engine, call);
}

void cf_engine_on_call_queued(struct cf_engine *engine, const struct cf_call_queued *event)
{
    struct cf_object *known = cf_ids_get(&engine->calls, event->call_id);
    size_t alive = engine->n_waiting + engine->n_offered + engine->n_connected;

    /* A tombstone that no call-queued preceded: the call was over before it came. */
    if (known && known->tomb && (CF_MUTANT(NO_DEDUPE_CALL) || !((struct cf_tomb *)known)->queued))
        add_past_call(engine, event, (struct cf_tomb *)known);
    else if (known)
        cf_engine_ignore(engine, event->call_id, (struct cf_str){0}, CF_STR("duplicate"));
    else if (alive >= CF_ENGINE_MAX_CALLS)
        cf_engine_ignore(engine, event->call_id, (struct cf_str){0}, CF_STR("limit"));
    else
        add_call(engine, event);
}

static void end_offered(struct cf_engine *engine, struct cf_call *call)
{
    struct cf_agent *agent = call->agent;

    cf_engine_decide(engine, CF_STR("abandoned"), call, agent, CF_STR("while-offered"));
    agent->call = NULL;
    cf_engine_bury(engine, call, true);
    if (CF_MUTANT(LOST_AGENT))
        cf_engine_set_phase(engine, agent, CF_PHASE_IDLE);
    else
        cf_engine_ready(engine, agent, NULL, CF_STR("abandoned"));
}

static void end_connected(struct cf_engine *engine, struct cf_call *call)
{
    struct cf_agent *agent = call->agent;
    struct cf_queue *queue = call->queue;
    int64_t wrap_up_ms = CF_MUTANT(NO_WRAP_UP) ? 0 : queue->policy->wrap_up_ms;

    cf_engine_decide(engine, CF_STR("ended"), call, agent, CF_STR("call-ended"));
    if (!agent) {
        cf_engine_bury(engine, call, true);
        return;
    }
    cf_engine_handled(engine, call);
    agent->call = NULL;
    cf_engine_bury(engine, call, true);
    if (wrap_up_ms > 0) {
        cf_engine_set_phase(engine, agent, CF_PHASE_WRAPUP);
        cf_engine_set_timer(engine, &agent->timer, engine->at + wrap_up_ms);
    } else {
        cf_engine_ready(engine, agent, NULL, CF_STR("call-ended"));
    }
}

void cf_engine_on_call_ended(struct cf_engine *engine, const struct cf_call_ended *event)
{
    struct cf_object *known = cf_ids_get(&engine->calls, event->call_id);
    struct cf_call *call = (struct cf_call *)known;

    if (!known) {
        struct cf_memory *memory;
        int64_t earliest = engine->at - CF_ENGINE_TOMBSTONE_MS;

        cf_engine_ignore(engine, event->call_id, (struct cf_str){0}, CF_STR("unknown-call"));
        if (CF_MUTANT(NO_TOMB))
            return;
        memory = cf_engine_memory(cf_engine_add_tomb(engine, event->call_id, false, true));
        memory->served = event->agent_id.n > 0;
        memory->ended_at = event->ended_at < engine->at ? event->ended_at : engine->at;
        if (memory->ended_at < earliest)
            memory->ended_at = earliest;
    } else if (known->tomb) {
        struct cf_tomb *tomb = (struct cf_tomb *)known;

        if (!CF_MUTANT(NO_ANSWER))
            cf_engine_ignore(engine, event->call_id, (struct cf_str){0},
                             tomb->ended ? CF_STR("duplicate") : CF_STR("late"));
        tomb->ended = true;
        cf_engine_changed(engine, known);
    } else if (CF_MUTANT(LOST_ABANDON) && call->state == CF_CALL_WAITING) {
        cf_engine_ignore(engine, event->call_id, (struct cf_str){0}, CF_STR("late"));
    } else if (call->state == CF_CALL_WAITING) {
        cf_engine_decide(engine, CF_STR("abandoned"), call, NULL, CF_STR("while-waiting"));
        if (CF_MUTANT(DOUBLE_END))
            cf_engine_decide(engine, CF_STR("abandoned"), call, NULL, CF_STR("while-waiting"));
        cf_engine_bury(engine, call, true);
    } else if (call->state == CF_CALL_OFFERED) {
        end_offered(engine, call);
    } else {
        end_connected(engine, call);
    }
}

void cf_engine_on_call_timer(struct cf_engine *engine, struct cf_call *call)
{
    if (call->state == CF_CALL_WAITING) {
        cf_engine_on_wait_timer(engine, call);
        return;
    }
    /* Connected, and the end never came. Whoever still holds it is freed as by a call-ended. */
    if (call->agent) {
        struct cf_agent *agent = call->agent;

        cf_engine_decide(engine, CF_STR("ended"), call, agent, CF_STR("max-talk"));
        agent->call = NULL;
        cf_engine_bury(engine, call, false);
        cf_engine_set_phase(engine, agent, CF_PHASE_IDLE);
        cf_engine_decide(engine, CF_STR("agent-unavailable"), NULL, agent, CF_STR("max-talk"));
        return;
    }
    cf_engine_decide(engine, CF_STR("ended"), call, NULL, CF_STR("agent-left"));
    cf_engine_bury(engine, call, false);
}
