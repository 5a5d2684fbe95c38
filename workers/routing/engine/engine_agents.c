/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an agent: what agent-state events mean in each phase. */
#include <assert.h>
#include <stdlib.h>

#include "engine/engine_mutants.h"
#include "engine/engine_priv.h"

static bool is_staffed(enum cf_agent_phase phase)
{
    return phase != CF_PHASE_OFFLINE && phase != CF_PHASE_IDLE;
}

void cf_engine_set_phase(struct cf_engine *engine, struct cf_agent *agent, enum cf_agent_phase phase)
{
    enum cf_agent_phase was = (enum cf_agent_phase)agent->phase;

    if (was == CF_PHASE_AVAILABLE)
        cf_engine_part(agent);
    if (is_staffed(was) != is_staffed(phase))
        cf_engine_staff(agent->profile, is_staffed(phase));
    if (is_staffed(was) && !is_staffed(phase))
        engine->changed_agent = agent;
    if (phase == CF_PHASE_OFFLINE)
        agent->calls = 0;
    engine->n_phase[was]--;
    engine->n_phase[phase]++;
    agent->phase = (uint8_t)phase;
    agent->since = engine->at;
    cf_engine_set_timer(engine, &agent->timer, CF_ENGINE_NO_TIMER);
    if (phase == CF_PHASE_AVAILABLE)
        cf_engine_join(engine, agent);
    cf_engine_changed(engine, &agent->o);
}

/* Those that the policy does not name come behind, as they became known. */
void cf_engine_find_turn(const struct cf_engine *engine, struct cf_agent *agent)
{
    const struct cf_policy_turn *turn = cf_ids_get(&engine->rules->line, agent->o.id);

    agent->line = turn ? turn->turn : CF_POLICY_MAX_LIST;
}

struct cf_agent *cf_engine_new_agent(struct cf_engine *engine, struct cf_str id)
{
    struct cf_agent *agent = cf_engine_new_object(CF_ENGINE_AGENT, sizeof(*agent), id);

    agent->phase = CF_PHASE_OFFLINE;
    agent->number = (int64_t)engine->agents.n;
    cf_engine_find_turn(engine, agent);
    agent->last_at = INT64_MIN;
    agent->since = engine->at;
    agent->timer = (struct cf_alarm){.due = CF_ENGINE_NO_TIMER, .owner = &agent->o};
    agent->profile = cf_engine_profile(engine, (struct cf_str){0}, (struct cf_policy_needs){0});
    engine->n_phase[CF_PHASE_OFFLINE]++;
    cf_ids_put(&engine->agents, agent);
    cf_engine_changed(engine, &agent->o);
    return agent;
}

/* Takes the longest waiting call that fits, if any. The agent is in whatever phase it was. */
static bool take_call(struct cf_engine *engine, struct cf_agent *agent)
{
    struct cf_place *place = cf_engine_best_call(engine, agent);
    struct cf_str reason = CF_STR("next-call");

    if (!place)
        return false;
    if (place->call->hold_until > 0)
        reason = CF_STR("preferred-agent");
    cf_engine_unplace(engine, place->call);
    cf_engine_offer(engine, place, agent, reason);
    return true;
}

void cf_engine_ready(struct cf_engine *engine, struct cf_agent *agent, const struct cf_call *call,
                     struct cf_str reason)
{
    cf_engine_decide(engine, CF_STR("agent-ready"), call, agent, reason);
    agent->ready_seq = engine->seq; /* of the decision just made: unique, and in order of time */
    if (CF_MUTANT(IDLE_AGENT) || !take_call(engine, agent))
        cf_engine_set_phase(engine, agent, CF_PHASE_AVAILABLE);
}

static void unavailable(struct cf_engine *engine, struct cf_agent *agent, enum cf_agent_phase phase,
                        struct cf_str reason)
{
    struct cf_call *call = agent->call;
    int64_t busy_delay_ms = 0;

    if (agent->phase == CF_PHASE_RESERVED) {
        assert(call);
        if (phase == CF_PHASE_CONNECTED)
            busy_delay_ms = call->queue->policy->busy_delay_ms;
        cf_engine_refuse(engine, agent,
                         phase == CF_PHASE_IDLE || phase == CF_PHASE_OFFLINE ? CF_STR("rejected")
                                                                             : CF_STR("busy"));
        call = NULL;
    } else if (call) {
        cf_engine_leave(engine, agent);
    }
    if (!CF_MUTANT(AWAY_AGENT) || phase != CF_PHASE_IDLE || agent->phase != CF_PHASE_AVAILABLE)
        cf_engine_set_phase(engine, agent, phase);
    if (busy_delay_ms > 0)
        cf_engine_set_timer(engine, &agent->timer, engine->at + busy_delay_ms);
    cf_engine_decide(engine, CF_STR("agent-unavailable"), call, agent, reason);
}

/* An offer went wrong: ready again, at once or after being left alone for a while. */
static void ready_after(struct cf_engine *engine, struct cf_agent *agent, int64_t delay_ms,
                        struct cf_str reason)
{
    if (delay_ms == 0) {
        cf_engine_ready(engine, agent, NULL, reason);
        return;
    }
    cf_engine_set_phase(engine, agent, CF_PHASE_PAUSED);
    cf_engine_set_timer(engine, &agent->timer, engine->at + delay_ms);
    cf_engine_decide(engine, CF_STR("agent-unavailable"), NULL, agent, reason);
}

void cf_engine_on_agent_timer(struct cf_engine *engine, struct cf_agent *agent)
{
    const struct cf_queue_policy *policy;

    if (agent->phase != CF_PHASE_RESERVED) {
        cf_engine_ready(engine, agent, NULL,
                        agent->phase == CF_PHASE_WRAPUP ? CF_STR("wrap-up-over") : CF_STR("delay-over"));
        return;
    }
    if (CF_MUTANT(NO_DEADLINE))
        return;
    policy = agent->call->queue->policy;
    cf_engine_refuse(engine, agent, CF_STR("no-answer"));
    if (++agent->missed < policy->max_missed) {
        ready_after(engine, agent, policy->no_answer_delay_ms, CF_STR("no-answer"));
        return;
    }
    agent->missed = 0;
    cf_engine_set_phase(engine, agent, CF_PHASE_IDLE);
    cf_engine_decide(engine, CF_STR("agent-unavailable"), NULL, agent, CF_STR("no-answer"));
}

static void ignore(struct cf_engine *engine, const struct cf_agent_state *event, struct cf_str reason)
{
    cf_engine_ignore(engine, event->call_id, event->agent_id, reason);
}

static bool is_own_call(const struct cf_agent *agent, struct cf_str call_id)
{
    return agent->call && cf_str_eq(agent->call->o.id, call_id);
}

static bool is_own_offer(struct cf_engine *engine, const struct cf_agent *agent, struct cf_str offer_id)
{
    cf_buf_clear(&engine->scratch);
    return agent->call &&
           (CF_MUTANT(NO_OFFER_ID) || cf_str_eq(cf_engine_offer_id(engine, agent->call), offer_id));
}

/* On a call that the engine did not give: a direct call, a call picked by hand. */
static void busy(struct cf_engine *engine, struct cf_agent *agent, const struct cf_agent_state *event)
{
    /* A second line may ring beside the talk; that ends nothing. */
    bool second = event->state == CF_AGENT_RINGING && agent->phase == CF_PHASE_CONNECTED;

    if (second || (agent->phase == CF_PHASE_CONNECTED && !agent->call))
        ignore(engine, event, CF_STR("no-change"));
    else
        unavailable(engine, agent, CF_PHASE_CONNECTED, CF_STR("busy"));
}

/* Ringing and connected both speak of a call: the one offered, a former one, or one of somebody else. */
static void on_answer(struct cf_engine *engine, struct cf_agent *agent, const struct cf_agent_state *event)
{
    bool ours = event->offer_id.n > 0
                    ? is_own_offer(engine, agent, event->offer_id)
                    : agent->call && (event->call_id.n == 0 || is_own_call(agent, event->call_id));

    if (ours && agent->phase == CF_PHASE_CONNECTED) {
        ignore(engine, event, event->state == CF_AGENT_CONNECTED ? CF_STR("duplicate") : CF_STR("late"));
    } else if (ours && event->state == CF_AGENT_CONNECTED) {
        cf_engine_connect(engine, agent);
    } else if (ours) {
        agent->call->acked = true;
        cf_engine_changed(engine, &agent->call->o);
        ignore(engine, event, CF_STR("acknowledged"));
    } else if (event->offer_id.n > 0 || cf_ids_get(&engine->calls, event->call_id)) {
        /* An answer to an offer that is over, or to a call the engine has elsewhere. */
        ignore(engine, event, CF_STR("late"));
    } else {
        busy(engine, agent, event);
    }
}

/* Whether the event speaks of another offer or call than the one the agent holds now. */
static bool is_stale(struct cf_engine *engine, const struct cf_agent *agent,
                     const struct cf_agent_state *event)
{
    if (!agent->call)
        return false;
    if (event->offer_id.n > 0 && !is_own_offer(engine, agent, event->offer_id))
        return true;
    return agent->phase == CF_PHASE_CONNECTED && event->call_id.n > 0 && !is_own_call(agent, event->call_id);
}

static void on_available(struct cf_engine *engine, struct cf_agent *agent, const struct cf_agent_state *event,
                         bool changed)
{
    struct cf_call *call = agent->call;

    if (is_stale(engine, agent, event)) {
        ignore(engine, event, CF_STR("late"));
        return;
    }
    agent->missed = 0;
    if (agent->phase == CF_PHASE_AVAILABLE) {
        if (changed)
            cf_engine_decide(engine, CF_STR("agent-ready"), NULL, agent, CF_STR("skills-changed"));
        else
            ignore(engine, event, CF_STR("no-change"));
    } else if (agent->phase == CF_PHASE_RESERVED) {
        int64_t delay_ms = call->queue->policy->reject_delay_ms;

        cf_engine_refuse(engine, agent, CF_STR("rejected"));
        ready_after(engine, agent, delay_ms, CF_STR("rejected"));
    } else if (agent->phase == CF_PHASE_PAUSED) {
        /* Saying it once more does not end the delay, else a desktop that repeats itself would. */
        ignore(engine, event, CF_STR("paused"));
    } else if (call) {
        cf_engine_leave(engine, agent);
        cf_engine_ready(engine, agent, call, CF_STR("available"));
    } else {
        cf_engine_ready(engine, agent, NULL, CF_STR("available"));
    }
}

static void on_wrapup(struct cf_engine *engine, struct cf_agent *agent, const struct cf_agent_state *event)
{
    const struct cf_queue_policy *policy = engine->rules->default_queue;

    if (agent->phase == CF_PHASE_RESERVED ? event->offer_id.n > 0 && is_stale(engine, agent, event)
                                          : is_stale(engine, agent, event)) {
        ignore(engine, event, CF_STR("late"));
        return;
    }
    if (agent->call)
        policy = agent->call->queue->policy;
    unavailable(engine, agent, CF_PHASE_WRAPUP, CF_STR("wrap-up"));
    cf_engine_set_timer(engine, &agent->timer, engine->at + policy->wrap_up_max_ms);
}

static void on_away(struct cf_engine *engine, struct cf_agent *agent, const struct cf_agent_state *event)
{
    bool offline = event->state == CF_AGENT_OFFLINE;
    enum cf_agent_phase phase = offline ? CF_PHASE_OFFLINE : CF_PHASE_IDLE;

    if (!offline && is_stale(engine, agent, event))
        ignore(engine, event, CF_STR("late"));
    else if (agent->phase == phase)
        ignore(engine, event, CF_STR("no-change"));
    else
        unavailable(engine, agent, phase,
                    event->state == CF_AGENT_OTHER ? CF_STR("other")
                                                   : cf_str_of(cf_agent_status_name(event->state)));
}

/* Takes over name, team and skills. Returns whether what the agent can take has changed. */
static bool update(struct cf_engine *engine, struct cf_agent *agent, const struct cf_agent_state *event)
{
    struct cf_profile *old = agent->profile;
    struct cf_str team = event->team_id.p ? event->team_id : old->team;
    struct cf_policy_needs skills =
        event->has_skills ? (struct cf_policy_needs){event->skills, event->n_skills} : old->skills;
    bool staffed = is_staffed((enum cf_agent_phase)agent->phase);

    if (event->name.p)
        cf_engine_rename(engine, agent, event->name);
    /* Most events only repeat what is known. */
    if (cf_engine_is_profile(old, team, skills))
        return false;
    if (agent->phase == CF_PHASE_AVAILABLE)
        cf_engine_part(agent);
    if (staffed)
        cf_engine_staff(old, false);
    agent->profile = cf_engine_profile(engine, team, skills);
    if (staffed)
        cf_engine_staff(agent->profile, true);
    if (agent->phase == CF_PHASE_AVAILABLE)
        cf_engine_join(engine, agent);
    cf_engine_drop_profile(engine, old);
    engine->changed_agent = agent;
    cf_engine_changed(engine, &agent->o);
    return true;
}

void cf_engine_rename(struct cf_engine *engine, struct cf_agent *agent, struct cf_str name)
{
    char cut[CF_ENGINE_MAX_TEXT + 1];

    (void)cf_str_copy(cut, sizeof(cut), cf_engine_cut(name));
    if (agent->name && strcmp(agent->name, cut) == 0)
        return;
    free(agent->name);
    agent->name = cf_strdup(cut);
    cf_engine_changed(engine, &agent->o);
}

static void dispatch(struct cf_engine *engine, struct cf_agent *agent, const struct cf_agent_state *event,
                     bool changed)
{
    switch (event->state) {
    case CF_AGENT_AVAILABLE:
        on_available(engine, agent, event, changed);
        break;
    case CF_AGENT_RINGING:
    case CF_AGENT_CONNECTED:
        on_answer(engine, agent, event);
        break;
    case CF_AGENT_WRAPUP:
        on_wrapup(engine, agent, event);
        break;
    case CF_AGENT_OFFLINE:
    case CF_AGENT_IDLE:
    case CF_AGENT_OTHER:
        on_away(engine, agent, event);
        break;
    }
}

void cf_engine_on_agent_state(struct cf_engine *engine, const struct cf_agent_state *event)
{
    struct cf_agent *agent = cf_ids_get(&engine->agents, event->agent_id);
    /* A clock that is far ahead is not believed: all that its agent says later would be late. */
    int64_t at = event->at > engine->at + CF_ENGINE_AHEAD_MS ? engine->at : event->at;
    bool changed;

    if (!agent && engine->agents.n >= CF_ENGINE_MAX_AGENTS) {
        ignore(engine, event, CF_STR("limit"));
        return;
    }
    if (!agent)
        agent = cf_engine_new_agent(engine, event->agent_id);
    if (at < agent->last_at && !CF_MUTANT(LATE_AGENT)) {
        ignore(engine, event, CF_STR("late"));
        return;
    }
    if (at == agent->last_at && event->state == (enum cf_agent_status)agent->last_state &&
        !CF_MUTANT(NO_DEDUPE_AGENT)) {
        ignore(engine, event, CF_STR("duplicate"));
        return;
    }
    agent->last_at = at;
    agent->last_state = (uint8_t)event->state;
    cf_engine_changed(engine, &agent->o);
    changed = update(engine, agent, event);
    dispatch(engine, agent, event, changed);
    if (changed && agent->phase == CF_PHASE_AVAILABLE)
        (void)take_call(engine, agent);
}
