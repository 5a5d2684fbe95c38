/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an offer: made, then answered, refused, missed or taken back. */
#include "engine/engine_mutants.h"
#include "engine/engine_priv.h"

void cf_engine_offer(struct cf_engine *engine, struct cf_place *place, struct cf_agent *agent,
                     struct cf_str reason)
{
    struct cf_call *call = place->call;

    call->queue = place->queue;
    call->hold_until = 0;
    cf_engine_set_phase(engine, agent, CF_PHASE_RESERVED);
    call->agent = agent;
    call->acked = false;
    call->offered_at = engine->at;
    call->offer_seq = engine->seq + 1; /* the decision below: its number names the offer */
    agent->call = call;
    if (call->queue->policy->choice == CF_CHOICE_CIRCULAR) {
        call->queue->ring = agent;
        cf_engine_changed(engine, &call->queue->o);
    }
    cf_engine_set_call_state(engine, call, CF_CALL_OFFERED);
    cf_engine_set_timer(engine, &agent->timer, engine->at + call->queue->policy->offer_ms);
    cf_engine_decide_offer(engine, CF_STR("offered"), call, reason);
    if (CF_MUTANT(OFFER_TWICE))
        cf_engine_decide_offer(engine, CF_STR("offered"), call, reason);
}

void cf_engine_connect(struct cf_engine *engine, struct cf_agent *agent)
{
    struct cf_call *call = agent->call;

    cf_engine_set_phase(engine, agent, CF_PHASE_CONNECTED);
    agent->missed = 0;
    agent->calls++;
    call->n_missed = 0;
    call->connected_at = engine->at;
    call->answered_by = agent;
    cf_engine_note_wait(engine, call);
    cf_engine_set_call_state(engine, call, CF_CALL_CONNECTED);
    cf_engine_set_timer(engine, &call->timer, engine->at + CF_ENGINE_TALK_MS);
    cf_engine_decide_offer(engine, CF_STR("connected"), call, CF_STR("answered"));
}

/* The newest are remembered; an agent is in the list once. */
static void add_missed(struct cf_call *call, struct cf_agent *agent)
{
    size_t n = 0;

    for (size_t i = 0; i < call->n_missed; i++) {
        if (call->missed[i] != agent)
            call->missed[n++] = call->missed[i];
    }
    if (n == CF_ENGINE_MAX_MISSED) {
        n--;
        memmove(call->missed, call->missed + 1, n * sizeof(struct cf_agent *));
    }
    call->missed[n++] = agent;
    call->n_missed = (uint8_t)n;
}

void cf_engine_refuse(struct cf_engine *engine, struct cf_agent *agent, struct cf_str reason)
{
    struct cf_call *call = agent->call;

    if (!CF_MUTANT(NO_MISSED))
        add_missed(call, agent);
    if (CF_MUTANT(NEW_AGE))
        call->enqueued_at = engine->at;
    cf_engine_decide(engine, CF_STR("requeued"), call, agent, reason);
    if (CF_MUTANT(RELEASE_TWICE))
        cf_engine_decide(engine, CF_STR("requeued"), call, agent, reason);
    call->agent = NULL;
    agent->call = NULL;
    cf_engine_changed(engine, &agent->o);
    cf_engine_set_call_state(engine, call, CF_CALL_WAITING);
    call->queue = call->home.queue;
    if (call->queue->removed)
        call->step = 0;
    if (call->queue->removed)
        cf_engine_set_queue(engine, call, cf_engine_queue(engine, engine->rules->default_queue->id));
    cf_engine_seek_agent(engine, call);
}

void cf_engine_handled(struct cf_engine *engine, const struct cf_call *call)
{
    struct cf_queue *queue = call->queue;

    /* A moving mean over about the last eight; whole milliseconds, so that it is the same everywhere. */
    queue->handle_ms += (engine->at - call->connected_at - queue->handle_ms) / 8;
    queue->handled++;
    cf_engine_changed(engine, &queue->o);
}

void cf_engine_leave(struct cf_engine *engine, struct cf_agent *agent)
{
    struct cf_call *call = agent->call;

    cf_engine_handled(engine, call);
    call->agent = NULL;
    agent->call = NULL;
    cf_engine_changed(engine, &call->o);
    cf_engine_changed(engine, &agent->o);
    cf_engine_set_timer(engine, &call->timer, engine->at + CF_ENGINE_LEFT_MS);
}
