/* SPDX-License-Identifier: Apache-2.0 */
/* Ties loaded objects together, and refuses objects that contradict each other. */
#include <stdlib.h>

#include "engine/engine_priv.h"

static int fail(const char *what, struct cf_err *err)
{
    return cf_err_set(err, CF_ERR_REJECTED, "engine", 0, "stored state: %s", what);
}

static int compare_tombs(const void *a, const void *b)
{
    const struct cf_tomb *x = *(struct cf_tomb *const *)a, *y = *(struct cf_tomb *const *)b;

    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

/* They came in any order; the oldest must be found first. */
static void sort_tombs(struct cf_engine *engine)
{
    struct cf_tomb **list = cf_calloc(engine->n_tombs, sizeof(struct cf_tomb *));
    struct cf_tomb **link = &engine->oldest;
    size_t n = 0;

    for (struct cf_tomb *tomb = engine->oldest; tomb; tomb = tomb->next)
        list[n++] = tomb;
    if (n > 1)
        qsort(list, n, sizeof(struct cf_tomb *), compare_tombs);
    for (size_t i = 0; i < n; i++) {
        *link = list[i];
        link = &list[i]->next;
    }
    *link = NULL;
    engine->youngest = n > 0 ? list[n - 1] : NULL;
    free(list);
}

/* Whether agent and call agree that they hold each other. */
static int tie(struct cf_call *call, struct cf_err *err)
{
    struct cf_agent *agent = call->agent;
    enum cf_agent_phase phase = call->state == CF_CALL_OFFERED ? CF_PHASE_RESERVED : CF_PHASE_CONNECTED;

    if (!agent)
        return 0;
    if (agent->call)
        return fail("two calls hold one agent", err);
    if (agent->phase != phase)
        return fail("a call's agent is in another state", err);
    agent->call = call;
    return 0;
}

static int finish_calls(struct cf_engine *engine, struct cf_err *err)
{
    for (size_t i = 0; i < engine->calls.size; i++) {
        struct cf_object *object = engine->calls.slots[i].item;
        struct cf_call *call = (struct cf_call *)object;
        int64_t due;

        if (!object || object->tomb)
            continue;
        if (tie(call, err))
            return -1;
        due = call->timer.due;
        if (call->state == CF_CALL_WAITING && call->home.queue->removed)
            return fail("a call waits in a queue the policy does not have", err);
        if (call->step > call->home.queue->policy->n_steps)
            return fail("a call is at a step the policy does not have", err);
        cf_engine_set_queue(engine, call, call->home.queue);
        cf_engine_set_more(engine, call);
        if (call->state == CF_CALL_WAITING) {
            cf_engine_place(engine, call);
            call->saved_queue = call->queue;
        } else if (call->state == CF_CALL_CONNECTED) {
            cf_engine_set_timer(engine, &call->timer, due);
        }
    }
    return 0;
}

static int compare_agents(const void *a, const void *b)
{
    const struct cf_agent *x = *(struct cf_agent *const *)a, *y = *(struct cf_agent *const *)b;

    if (x->since != y->since)
        return x->since < y->since ? -1 : 1;
    return (x->ready_seq > y->ready_seq) - (x->ready_seq < y->ready_seq);
}

static int finish_agent(struct cf_engine *engine, struct cf_agent *agent, struct cf_err *err)
{
    bool timed = agent->phase == CF_PHASE_RESERVED || agent->phase == CF_PHASE_WRAPUP ||
                 agent->phase == CF_PHASE_PAUSED;
    /* Busy with a call of somebody else, perhaps for a given time. */
    bool may_be = agent->phase == CF_PHASE_CONNECTED && !agent->call;

    if (!agent->loaded)
        return fail("an agent is spoken of and not there", err);
    if (agent->phase == CF_PHASE_RESERVED && !agent->call)
        return fail("an agent is reserved without a call", err);
    if (!may_be && timed != (agent->timer.due != CF_ENGINE_NO_TIMER))
        return fail("an agent's timer does not fit its state", err);
    cf_engine_set_timer(engine, &agent->timer, agent->timer.due);
    if (agent->phase != CF_PHASE_OFFLINE && agent->phase != CF_PHASE_IDLE)
        cf_engine_staff(agent->profile, true);
    return 0;
}

static int finish_agents(struct cf_engine *engine, struct cf_err *err)
{
    struct cf_agent **ready = cf_calloc(engine->agents.n, sizeof(struct cf_agent *));
    size_t n = 0;
    int rc = 0;

    for (size_t i = 0; i < engine->agents.size && rc == 0; i++) {
        struct cf_agent *agent = engine->agents.slots[i].item;

        if (!agent)
            continue;
        rc = finish_agent(engine, agent, err);
        if (agent->phase == CF_PHASE_AVAILABLE)
            ready[n++] = agent;
    }
    if (n > 1)
        qsort(ready, n, sizeof(struct cf_agent *), compare_agents);
    for (size_t i = 0; i < n && rc == 0; i++)
        cf_engine_join(engine, ready[i]);
    free(ready);
    return rc;
}

int cf_engine_load_finish(struct cf_engine *engine, struct cf_err *err)
{
    sort_tombs(engine);
    if (finish_calls(engine, err) || finish_agents(engine, err))
        return -1;
    cf_engine_changes_clear(engine);
    return 0;
}
