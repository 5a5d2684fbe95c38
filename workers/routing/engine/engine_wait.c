/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a call while it waits: its places, what it needs from step to step, and how it leaves. */
#include <stdlib.h>

#include "engine/engine_mutants.h"
#include "engine/engine_priv.h"

/* Strict queues come first where both kinds share agents, class by class; credit is a head start. */
#define CREDIT_BAND (CF_POLICY_LOWEST_PRIORITY + 1)
/* How often a queue without agents is looked at again. */
#define LOOK_AGAIN_MS 10000

/* ---- places ---- */

static void set_place(struct cf_engine *engine, struct cf_call *call, struct cf_place *place, size_t index)
{
    const struct cf_queue_policy *policy = place->queue->policy;
    size_t step = index == 0 ? call->step : 0;
    struct cf_need *old = place->need;
    /* Two places of one call may stand in one need's order: `arrival` tells them apart. */
    struct cf_order_key key = {.arrival = call->arrival * CF_POLICY_MAX_QUEUED + (int64_t)index};

    place->call = call;
    if (place->queue->need && call->details->skills.n == 0 && step == 0) {
        place->need = place->queue->need;
        place->need->refs++;
    } else {
        place->need = cf_engine_need(engine, policy, step, call->details->skills);
    }
    cf_engine_drop_need(engine, old);
    key.band = policy->strict && !CF_MUTANT(NO_PRIORITY) ? call->priority : CREDIT_BAND;
    key.place = CF_MUTANT(LIFO) ? -call->enqueued_at : call->enqueued_at;
    if (!policy->strict && !CF_MUTANT(NO_PRIORITY))
        key.place -= policy->credit_ms * (CF_POLICY_NORMAL_PRIORITY - call->priority);
    place->in_queue.key = key;
    place->in_need.key = key;
}

void cf_engine_set_queue(struct cf_engine *engine, struct cf_call *call, struct cf_queue *queue)
{
    call->home.queue = queue;
    if (call->state == CF_CALL_WAITING)
        call->queue = queue;
    set_place(engine, call, &call->home, 0);
}

void cf_engine_add_queue(struct cf_engine *engine, struct cf_call *call, struct cf_queue *queue)
{
    if (!call->more)
        call->more = cf_calloc(CF_POLICY_MAX_QUEUED - 1, sizeof(*call->more));
    call->more[call->n_more].queue = queue;
    set_place(engine, call, &call->more[call->n_more], 1U + call->n_more);
    call->n_more++;
}

/* Those whose queue is gone go, the others follow the policy. */
void cf_engine_set_more(struct cf_engine *engine, struct cf_call *call)
{
    size_t n = call->n_more;

    call->n_more = 0;
    for (size_t i = 0; i < n; i++) {
        struct cf_place old = call->more[i];

        call->more[i] = (struct cf_place){0};
        if (!old.queue->removed && old.queue != call->home.queue)
            cf_engine_add_queue(engine, call, old.queue);
        cf_engine_drop_need(engine, old.need);
    }
}

void cf_engine_drop_more(struct cf_engine *engine, struct cf_call *call)
{
    while (call->n_more > 0)
        cf_engine_drop_need(engine, call->more[--call->n_more].need);
    free(call->more);
    call->more = NULL;
}

static struct cf_place *place_at(struct cf_call *call, size_t index)
{
    return index == 0 ? &call->home : &call->more[index - 1];
}

static bool is_staffed(struct cf_call *call)
{
    for (size_t i = 0; i <= call->n_more; i++) {
        if (place_at(call, i)->need->n_staffed > 0)
            return true;
    }
    return false;
}

/* ---- what happens next ---- */

/* The next look whether anybody is on duty: later than now, so that it follows from policy and entry. */
static int64_t next_look(const struct cf_engine *engine, const struct cf_call *call)
{
    int64_t after_ms = call->home.queue->policy->no_agent_ms;
    int64_t every_ms = after_ms > LOOK_AGAIN_MS ? after_ms : LOOK_AGAIN_MS;
    int64_t first = call->in_queue_since + after_ms;

    if (after_ms < 0)
        return CF_ENGINE_NO_TIMER;
    return first > engine->at ? first : first + ((engine->at - first) / every_ms + 1) * every_ms;
}

static int64_t step_due(const struct cf_call *call)
{
    const struct cf_queue_policy *policy = call->home.queue->policy;

    return call->step < policy->n_steps ? call->in_queue_since + policy->steps[call->step].after_ms
                                        : CF_ENGINE_NO_TIMER;
}

static int64_t max_wait_due(const struct cf_call *call)
{
    int64_t max_wait_ms = call->home.queue->policy->max_wait_ms;

    return max_wait_ms > 0 ? call->in_queue_since + max_wait_ms : CF_ENGINE_NO_TIMER;
}

static void set_timer(struct cf_engine *engine, struct cf_call *call)
{
    int64_t due = max_wait_due(call), step = step_due(call), look = next_look(engine, call);

    if (call->hold_until > 0) {
        due = call->hold_until < due ? call->hold_until : due;
    } else {
        due = step < due ? step : due;
        due = look < due ? look : due;
    }
    cf_engine_set_timer(engine, &call->timer, due);
}

void cf_engine_place(struct cf_engine *engine, struct cf_call *call)
{
    for (size_t i = 0; i <= call->n_more; i++) {
        struct cf_place *place = place_at(call, i);

        cf_order_insert(&place->queue->waiting, &place->in_queue);
        if (call->hold_until == 0)
            cf_order_insert(&place->need->waiting, &place->in_need);
    }
    if (call->hold_until > 0)
        cf_engine_hold(engine, call);
    call->placed = true;
    set_timer(engine, call);
}

void cf_engine_unplace(struct cf_engine *engine, struct cf_call *call)
{
    if (!call->placed)
        return;
    for (size_t i = 0; i <= call->n_more; i++) {
        struct cf_place *place = place_at(call, i);

        cf_order_remove(&place->queue->waiting, &place->in_queue);
        if (call->hold_until == 0)
            cf_order_remove(&place->need->waiting, &place->in_need);
    }
    if (call->hold_until > 0)
        cf_engine_unhold(engine, call);
    call->placed = false;
    cf_engine_set_timer(engine, &call->timer, CF_ENGINE_NO_TIMER);
}

/* In its queues in their order; the first in which somebody is free. */
static struct cf_agent *find_agent(struct cf_call *call, bool again, struct cf_place **ret_place,
                                   struct cf_str *ret_reason)
{
    struct cf_agent *agent = NULL;

    for (size_t i = 0; i <= call->n_more && !agent; i++) {
        *ret_place = place_at(call, i);
        agent = cf_engine_best_agent(call, *ret_place, again, ret_reason);
    }
    return agent;
}

void cf_engine_seek_agent(struct cf_engine *engine, struct cf_call *call)
{
    struct cf_agent *agent = cf_engine_preferred(engine, call);
    struct cf_str reason = CF_STR("preferred-agent");
    struct cf_place *place = &call->home;

    if (!agent)
        agent = find_agent(call, false, &place, &reason);
    /* Who missed it already is asked again only when there is nobody else, in any of the queues. */
    if (!agent && call->n_missed > 0)
        agent = find_agent(call, true, &place, &reason);
    if (agent)
        cf_engine_offer(engine, place, agent, reason);
    else
        cf_engine_place(engine, call);
}

/* ---- leaving ---- */

static struct cf_str exit_queue(const struct cf_queue_policy *policy, enum cf_exit exit)
{
    return policy->exits[exit].set ? policy->exits[exit].queue : policy->exits[CF_EXIT_MAX_WAIT].queue;
}

/* To another queue with the age kept, or to the end; the call is in no order. Returns whether it is alive. */
static bool leave(struct cf_engine *engine, struct cf_call *call, enum cf_exit exit)
{
    static const char *const reasons[CF_EXITS] = {"max-wait", "queue-full", "no-agent", "closed"};
    struct cf_str to = exit_queue(call->home.queue->policy, exit), reason = cf_str_of(reasons[exit]);

    if (!to.p || call->hops >= CF_ENGINE_MAX_HOPS) {
        cf_engine_decide(engine, CF_STR("ended"), call, NULL, reason);
        cf_engine_bury(engine, call, false);
        return false;
    }
    call->hops++;
    call->step = 0;
    call->hold_until = 0;
    call->in_queue_since = engine->at;
    cf_engine_drop_more(engine, call);
    cf_engine_set_queue(engine, call, cf_engine_queue(engine, to));
    cf_engine_changed(engine, &call->o);
    cf_engine_decide(engine, CF_STR("overflowed"), call, NULL, reason);
    return true;
}

/* Why the call cannot enter its queue; CF_EXITS: it can. */
static enum cf_exit obstacle(const struct cf_engine *engine, struct cf_call *call)
{
    const struct cf_queue *queue = call->home.queue;
    const struct cf_queue_policy *policy = queue->policy;
    bool free = false;

    if (policy->hours && !cf_hours_open(policy->hours, engine->at))
        return CF_EXIT_CLOSED;
    if (policy->no_agent_ms == 0 && !is_staffed(call))
        return CF_EXIT_NO_AGENT;
    if (policy->max_calls == 0 || cf_order_size(&queue->waiting) < (size_t)policy->max_calls)
        return CF_EXITS;
    for (size_t i = 0; i <= call->n_more && !free; i++)
        free = place_at(call, i)->need->n_ready > 0;
    return free ? CF_EXITS : CF_EXIT_FULL;
}

void cf_engine_enter(struct cf_engine *engine, struct cf_call *call)
{
    for (;;) {
        enum cf_exit exit = obstacle(engine, call);

        if (exit == CF_EXITS)
            break;
        if (!leave(engine, call, exit))
            return;
    }
    if (call->hold_until > 0)
        cf_engine_place(engine, call);
    else
        cf_engine_seek_agent(engine, call);
}

/* ---- timers ---- */

static void relax(struct cf_engine *engine, struct cf_call *call)
{
    cf_engine_unplace(engine, call);
    call->step++;
    set_place(engine, call, &call->home, 0);
    cf_engine_changed(engine, &call->o);
    cf_engine_decide(engine, CF_STR("relaxed"), call, NULL, CF_STR("step"));
    cf_engine_seek_agent(engine, call);
}

static void leave_and_enter(struct cf_engine *engine, struct cf_call *call, enum cf_exit exit)
{
    cf_engine_unplace(engine, call);
    if (leave(engine, call, exit))
        cf_engine_enter(engine, call);
}

void cf_engine_on_wait_timer(struct cf_engine *engine, struct cf_call *call)
{
    if (max_wait_due(call) <= engine->at)
        leave_and_enter(engine, call, CF_EXIT_MAX_WAIT);
    else if (call->hold_until > 0)
        cf_engine_end_hold(engine, call, CF_STR("hold-over"));
    else if (step_due(call) <= engine->at)
        relax(engine, call);
    else if (!is_staffed(call))
        leave_and_enter(engine, call, CF_EXIT_NO_AGENT);
    else
        set_timer(engine, call);
}
