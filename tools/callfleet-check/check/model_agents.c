/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an agent: what the log says of him, and what the decisions say. */
#include <inttypes.h>
#include <stdlib.h>

#include "check/model.h"

/* How far ahead an agent's clock is believed (engine/README.md). */
#define AHEAD_MS 5000

struct agent *agent_get(struct model *model, struct cf_str id)
{
    struct agent *agent = cf_ids_get(&model->agents, id);
    char *copy;

    if (agent)
        return agent;
    agent = cf_calloc(1, sizeof(*agent));
    copy = cf_calloc(1, id.n + 1);
    if (id.n > 0)
        memcpy(copy, id.p, id.n);
    agent->id = (struct cf_str){copy, id.n};
    agent->last_at = INT64_MIN;
    agent->last_state = -1;
    agent->due = CHECK_NEVER;
    agent->away = CF_STR("offline");
    agent->kind = kind_get(model, (struct cf_str){0}, NULL, 0);
    cf_ids_put(&model->agents, agent);
    return agent;
}

void agent_touch(struct model *model, struct agent *agent)
{
    if (agent->touched)
        return;
    agent->touched = true;
    agent->next_touched = model->touched_agents;
    model->touched_agents = agent;
}

static void leave_free(struct agent *agent)
{
    if (agent->prev_free)
        agent->prev_free->next_free = agent->next_free;
    else
        agent->kind->free = agent->next_free;
    if (agent->next_free)
        agent->next_free->prev_free = agent->prev_free;
    agent->next_free = agent->prev_free = NULL;
}

static void join_free(struct agent *agent)
{
    agent->prev_free = NULL;
    agent->next_free = agent->kind->free;
    if (agent->next_free)
        agent->next_free->prev_free = agent;
    agent->kind->free = agent;
}

void agent_set(struct model *model, struct agent *agent, enum agent_state state)
{
    if (agent->state == AGENT_FREE)
        leave_free(agent);
    agent->state = state;
    agent->since = model->at;
    agent->due = CHECK_NEVER;
    if (state == AGENT_FREE)
        join_free(agent);
    agent_touch(model, agent);
}

static void take_skills(struct model *model, struct agent *agent, const struct cf_agent_state *event)
{
    struct cf_str team = event->team_id.p ? event->team_id : agent->kind->team;
    const struct cf_skill *skills = event->has_skills ? event->skills : agent->kind->skills.items;
    size_t n = event->has_skills ? event->n_skills : agent->kind->skills.n;
    struct kind *kind = kind_get(model, team, skills, n);

    if (agent->state == AGENT_FREE)
        leave_free(agent);
    agent->was = agent->kind;
    agent->kind = kind;
    if (agent->state == AGENT_FREE)
        join_free(agent);
    agent_touch(model, agent);
}

void agent_hear(struct model *model, const struct cf_agent_state *event)
{
    struct agent *agent = agent_get(model, event->agent_id);
    int64_t at = event->at > model->now + AHEAD_MS ? model->now : event->at;

    model->subject = agent;
    if (at < agent->last_at) {
        model->input = INPUT_LATE;
        return;
    }
    if (at == agent->last_at && (int)event->state == agent->last_state) {
        model->input = INPUT_TWICE;
        return;
    }
    agent->last_at = at;
    agent->last_state = (int)event->state;
    take_skills(model, agent, event);
}

void agent_settle(struct model *model, struct agent *agent)
{
    kind_drop(model, agent->was);
    agent->was = NULL;
}

struct stand *stand_for(struct call *call, const struct agent *agent, bool surely)
{
    for (size_t i = 0; i < call->n_stands; i++) {
        struct stand *stand = &call->stands[i];
        bool now = fits(stand->want, agent->kind), then = agent->was ? fits(stand->want, agent->was) : now;

        if (surely ? now && then : now || then)
            return stand;
    }
    return NULL;
}

/* The talk goes on without him, or should have ended by another decision. */
static void leave_call(struct model *model, const struct cf_call_routed *d, struct agent *agent)
{
    struct call *call = agent->call;

    if (!call && d->call_id.p) {
        FIND(model, 6, "%.*s leaves call %.*s, which he does not hold", CF_STR_FMT(agent->id),
             CF_STR_FMT(d->call_id));
        return;
    }
    if (!call)
        return;
    if (!d->call_id.p)
        FIND(model, 6, "%.*s is said to be free of nothing, but holds call %.*s", CF_STR_FMT(agent->id),
             CF_STR_FMT(call->id));
    else if (call->state != CALL_CONNECTED || !cf_str_eq(call->id, d->call_id))
        FIND(model, 6, "%.*s leaves call %.*s, but holds %.*s", CF_STR_FMT(agent->id), CF_STR_FMT(d->call_id),
             CF_STR_FMT(call->id));
    agent->call = NULL;
    call->agent = NULL;
    call->left_at = d->at;
    line_take(&model->due, &call->due);
}

static void check_early(struct model *model, const struct cf_call_routed *d, const struct agent *agent)
{
    bool timed = cf_str_is(d->reason, "wrap-up-over") || cf_str_is(d->reason, "delay-over");

    if (cf_str_is(d->reason, "call-ended") && agent->state == AGENT_WRAPPING)
        FIND(model, 6, "free at once, but the policy gives %" PRId64 " ms of wrap-up", agent->due - d->at);
    else if (timed && agent->due != CHECK_NEVER && d->at < agent->due)
        FIND(model, 6, "free %" PRId64 " ms too early", agent->due - d->at);
    else if (cf_str_is(d->reason, "wrap-up-over") && agent->state != AGENT_WRAPPING)
        FIND(model, 6, "wrap-up is over that was not");
}

static void on_unavailable(struct model *model, const struct cf_call_routed *d, struct agent *agent,
                           const struct cf_queue_policy *policy)
{
    static const char *const away[] = {"idle", "offline", "other", "no-answer", "max-talk", "rejected"};
    enum agent_state state = AGENT_AWAY;

    if (cf_str_is(d->reason, "wrap-up"))
        state = AGENT_WRAPPING;
    else if (cf_str_is(d->reason, "busy"))
        state = AGENT_BUSY;
    else if (cf_str_is(d->reason, "rejected") ||
             (cf_str_is(d->reason, "no-answer") && policy && policy->no_answer_delay_ms > 0))
        state = AGENT_PAUSED;
    agent_set(model, agent, state);
    agent->away = CF_STR("not available");
    for (size_t i = 0; i < sizeof(away) / sizeof(away[0]); i++) {
        if (cf_str_is(d->reason, away[i]))
            agent->away = cf_str_of(away[i]);
    }
    if (state == AGENT_WRAPPING)
        agent->due = d->at + (policy ? policy : model->rules->default_queue)->wrap_up_max_ms;
}

void on_agent_decision(struct model *model, const struct cf_call_routed *d)
{
    struct agent *agent = agent_get(model, d->agent_id);
    const struct cf_queue_policy *policy =
        agent->call && agent->call->through ? queue_policy(model, agent->call->through->id) : NULL;

    if (cf_str_is(d->reason, "skills-changed"))
        return;
    (void)cf_str_copy(agent->why, sizeof(agent->why), d->reason);
    leave_call(model, d, agent);
    if (cf_str_is(d->decision, "agent-unavailable")) {
        on_unavailable(model, d, agent, policy);
        return;
    }
    check_early(model, d, agent);
    agent_set(model, agent, AGENT_FREE);
}
