/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a call as the decisions tell it. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "check/model.h"

/* How far back a producer's queuedAt is believed (engine/README.md). */
#define BACKDATE_MS 60000

static struct cf_str own(struct cf_str text)
{
    char *copy = cf_calloc(1, text.n + 1);

    if (text.n > 0)
        memcpy(copy, text.p, text.n);
    return (struct cf_str){copy, text.n};
}

bool call_has_missed(const struct call *call, const struct agent *agent)
{
    for (size_t i = 0; i < call->n_missed; i++) {
        if (call->missed[i] == agent)
            return true;
    }
    return false;
}

/* ---- over ---- */

void tomb_add(struct model *model, struct cf_str id, bool queued)
{
    struct tomb *tomb = cf_calloc(1, sizeof(*tomb));

    tomb->id = own(id);
    tomb->at = model->at;
    tomb->queued = queued;
    if (model->youngest)
        model->youngest->next = tomb;
    else
        model->oldest = tomb;
    model->youngest = tomb;
    model->n_tombs++;
    if (cf_ids_get(&model->tombs, id))
        cf_ids_replace(&model->tombs, tomb);
    else
        cf_ids_put(&model->tombs, tomb);
}

void tombs_purge(struct model *model)
{
    while (model->oldest &&
           (model->n_tombs > CHECK_TOMBS || model->oldest->at + CHECK_TOMB_MS <= model->now)) {
        struct tomb *tomb = model->oldest;

        model->oldest = tomb->next;
        if (!model->oldest)
            model->youngest = NULL;
        model->n_tombs--;
        if (cf_ids_get(&model->tombs, tomb->id) == tomb)
            cf_ids_del(&model->tombs, tomb->id);
        free((void *)(uintptr_t)tomb->id.p);
        free(tomb);
    }
}

void call_free(struct model *model, struct call *call)
{
    if (call->agent && call->agent->call == call)
        call->agent->call = NULL;
    call_unplace(model, call);
    line_take(&model->due, &call->due);
    call_drop_stands(model, call, 0);
    skills_free(&call->skills);
    for (size_t i = 0; i < call->prefer.n; i++)
        free((void *)(uintptr_t)call->prefer.items[i].p);
    free(call->prefer.items);
    free((void *)(uintptr_t)call->id.p);
    free(call);
}

void call_over(struct model *model, struct call *call)
{
    struct call **link = &model->touched_calls;

    while (call->touched && *link != call)
        link = &(*link)->next_touched;
    if (call->touched)
        *link = call->next_touched;
    model->n_over++;
    cf_ids_del(&model->calls, call->id);
    if (!call->past)
        tomb_add(model, call->id, true);
    else if (cf_ids_get(&model->tombs, call->id))
        ((struct tomb *)cf_ids_get(&model->tombs, call->id))->queued = true;
    call_free(model, call);
}

/* ---- queued ---- */

static bool names_rule(struct cf_str names, struct cf_str id)
{
    const char *p = names.p, *end = names.p + names.n;

    while (names.p && p < end) {
        const char *stop = memchr(p, ',', (size_t)(end - p));

        stop = stop ? stop : end;
        if (cf_str_eq((struct cf_str){p, (size_t)(stop - p)}, id))
            return true;
        p = stop + 1;
    }
    return false;
}

static void prefer(struct call *call, struct cf_str agent_id)
{
    if (agent_id.n == 0 || call->prefer.n >= CF_POLICY_MAX_PREFER + 1)
        return;
    call->prefer.items = cf_realloc(call->prefer.items, (call->prefer.n + 1) * sizeof(struct cf_str));
    call->prefer.items[call->prefer.n++] = own(agent_id);
}

static void prefer_owners(struct call *call, const struct cf_rule *rule, const struct cf_customer *customer)
{
    for (size_t i = 0; i < rule->n_prefer; i++) {
        if (rule->prefer[i] == CF_PREFER_CASE_OWNER && customer->n_cases > 0)
            prefer(call, customer->cases[0].owner_id);
        else if (rule->prefer[i] == CF_PREFER_ACCOUNT_OWNER)
            prefer(call, customer->account.owner_id);
        else if (rule->prefer[i] == CF_PREFER_CONTACT_OWNER)
            prefer(call, customer->contact.owner_id);
    }
}

/* The request's own, then those of the rules that the decision names. */
static void take_request(struct model *model, struct call *call, const struct cf_call_queued *event,
                         struct cf_str rules)
{
    struct cf_skill skills[CF_ENGINE_MAX_SKILLS];
    size_t n = 0;

    for (size_t i = 0; event->has_request && i < event->request.n_skills && n < CF_ENGINE_MAX_SKILLS; i++)
        skills[n++] = event->request.skills[i];
    if (event->has_request)
        prefer(call, event->request.agent_id);
    for (size_t i = 0; i < model->rules->n_rules; i++) {
        const struct cf_rule *rule = &model->rules->rules[i];

        if (!names_rule(rules, rule->id))
            continue;
        for (size_t k = 0; k < rule->skills.n && n < CF_ENGINE_MAX_SKILLS; k++)
            skills[n++] = rule->skills.items[k];
        prefer_owners(call, rule, &event->customer);
    }
    skills_copy(&call->skills, skills, n);
}

static void check_age(struct model *model, const struct cf_call_routed *d, const struct cf_call_queued *event)
{
    int64_t since = d->at - d->wait_ms;
    int64_t asked = event->queued_at < d->at ? event->queued_at : d->at;

    if (asked < d->at - BACKDATE_MS)
        asked = d->at - BACKDATE_MS;
    if (cf_str_is(d->reason, "resumed") ? since > asked : since != asked)
        FIND(model, 11, "the call was queued at %" PRId64 " ms, the decision counts from %" PRId64 " ms",
             asked, since);
}

static void check_position(struct model *model, const struct cf_call_routed *d, const struct call *call)
{
    int64_t position = 1 + (int64_t)line_rank(&call->stands[0].queue->line, &call->stands[0].in_queue.key);

    if (d->position != position)
        FIND(model, 14, "position %" PRId64 " in %.*s, but %zu wait there and the place is %" PRId64,
             d->position, CF_STR_FMT(d->queue_id), line_size(&call->stands[0].queue->line), position);
}

void on_queued(struct model *model, const struct cf_call_routed *d)
{
    const struct cf_rt_record *record = model->record;
    const struct cf_call_queued *event =
        record && record->kind == CF_RT_CALL_QUEUED ? record->u.call_queued : NULL;
    const struct tomb *tomb = cf_ids_get(&model->tombs, d->call_id);
    struct call *call = cf_ids_get(&model->calls, d->call_id);

    if (call || (tomb && tomb->queued)) {
        FIND(model, 5, "call %.*s is queued a second time", CF_STR_FMT(d->call_id));
        if (call)
            call_over(model, call);
    }
    model->n_queued++;
    call = cf_calloc(1, sizeof(*call));
    call->id = own(d->call_id);
    call->past = d->position < 0;
    call->priority = d->priority > 0 ? d->priority : CF_POLICY_NORMAL_PRIORITY;
    call->enqueued_at = d->at - d->wait_ms;
    call->since = call->enqueued_at;
    call->arrival = d->seq;
    call->hold_until = d->hold_until > 0 ? d->hold_until : -1;
    if (event && cf_str_eq(event->call_id, d->call_id))
        take_request(model, call, event, d->rules);
    cf_ids_put(&model->calls, call);
    call_stand(model, call, d->queue_id);
    call_stand_also(model, call, d->also_queues);
    if (tomb && !tomb->queued && !call->past)
        FIND(model, 13, "call %.*s was over before it was queued, and is put into a queue",
             CF_STR_FMT(d->call_id));
    if (call->past)
        return;
    if (event)
        check_age(model, d, event);
    check_position(model, d, call);
    call_place(model, call);
}

/* ---- what follows ---- */

static void on_offered(struct model *model, const struct cf_call_routed *d, struct call *call)
{
    struct agent *agent = agent_get(model, d->agent_id);
    const struct cf_queue_policy *policy = queue_policy(model, d->queue_id);
    int64_t wait_ms = d->at - call->enqueued_at;

    check_offer(model, d, call, agent);
    if (d->deadline != d->at + policy->offer_ms)
        FIND(model, 10, "the offer stands for %" PRId64 " ms, the policy says %" PRId64 " ms",
             d->deadline - d->at, policy->offer_ms);
    if (agent->call && agent->call != call)
        agent->call->agent = NULL;
    if (call->agent && call->agent != agent)
        call->agent->call = NULL;
    call_unplace(model, call);
    line_take(&model->due, &call->due);
    call->state = CALL_OFFERED;
    call->hold_until = -1;
    call->agent = agent;
    call->offer = d->seq;
    call->through = queue_get(model, d->queue_id);
    call->due.key = (struct key){0, d->deadline, d->seq};
    line_put(&model->due, &call->due);
    agent->call = call;
    agent_set(model, agent, AGENT_OFFERED);
    if (wait_ms > model->longest_ms[call->priority])
        model->longest_ms[call->priority] = wait_ms;
}

/* The agent is free of the call: by the offer's end, or the talk's. */
static struct agent *release(struct model *model, const struct cf_call_routed *d, struct call *call)
{
    struct agent *agent = call->agent;

    line_take(&model->due, &call->due);
    call->agent = NULL;
    if (!agent && !d->agent_id.p)
        return NULL;
    if (!agent || !cf_str_eq(agent->id, d->agent_id) || agent->call != call) {
        FIND(model, 6, "%.*s is released from a call that %.*s holds", CF_STR_FMT(d->agent_id),
             CF_STR_FMT(agent ? agent->id : CF_STR("nobody")));
        if (!agent)
            return NULL;
    }
    agent->call = NULL;
    agent_set(model, agent, AGENT_LOOSE);
    return agent;
}

static bool is_offer_of(const struct model *model, const struct call *call, struct cf_str offer_id)
{
    char text[300];

    (void)snprintf(text, sizeof(text), "%.*s-%" PRId64, CF_STR_FMT(model->domain), call->offer);
    return cf_str_is(offer_id, text);
}

static void on_connected(struct model *model, const struct cf_call_routed *d, struct call *call)
{
    const struct cf_rt_record *record = model->record;
    struct agent *agent = agent_get(model, d->agent_id);

    assert(agent);
    if (call->state != CALL_OFFERED || call->agent != agent)
        FIND(model, 2, "%.*s answers a call that is not offered to him", CF_STR_FMT(d->agent_id));
    else if (!is_offer_of(model, call, d->offer_id))
        FIND(model, 1, "answered by offer %.*s, but the open one was made by decision %" PRId64,
             CF_STR_FMT(d->offer_id), call->offer);
    if (record && record->kind == CF_RT_AGENT_STATE && record->u.agent_state->offer_id.n > 0 &&
        !is_offer_of(model, call, record->u.agent_state->offer_id))
        FIND(model, 13, "the answer was to offer %.*s, which is over",
             CF_STR_FMT(record->u.agent_state->offer_id));
    if (call->agent && call->agent != agent)
        call->agent->call = NULL;
    if (agent->call && agent->call != call)
        agent->call->agent = NULL;
    call_unplace(model, call);
    line_take(&model->due, &call->due);
    call->state = CALL_CONNECTED;
    call->agent = agent;
    call->connected_at = d->at;
    call->n_missed = 0;
    agent->call = call;
    agent_set(model, agent, AGENT_TALKING);
    model->n_routed++;
}

static void add_missed(struct call *call, struct agent *agent)
{
    size_t n = 0;

    for (size_t i = 0; i < call->n_missed; i++) {
        if (call->missed[i] != agent)
            call->missed[n++] = call->missed[i];
    }
    if (n == CHECK_MISSED) {
        n--;
        memmove(call->missed, call->missed + 1, n * sizeof(struct agent *));
    }
    call->missed[n++] = agent;
    call->n_missed = n;
}

static void on_requeued(struct model *model, const struct cf_call_routed *d, struct call *call)
{
    struct agent *agent;

    if (call->state != CALL_OFFERED)
        FIND(model, 6, "requeued, but no offer was open");
    agent = release(model, d, call);
    if (agent)
        add_missed(call, agent);
    call_unplace(model, call);
    call->state = CALL_WAITING;
    if (!cf_policy_queue(model->policy, model->rules, call->stands[0].queue->id)) {
        call->step = 0;
        call_stand(model, call, model->rules->default_queue->id);
    }
    call_place(model, call);
}

static void on_relaxed(struct model *model, const struct cf_call_routed *d, struct call *call)
{
    call_unplace(model, call);
    call->hold_until = -1;
    if (cf_str_is(d->reason, "step"))
        call->step = d->step;
    call_stand(model, call, call->stands[0].queue->id);
    call_place(model, call);
}

static void on_overflowed(struct model *model, const struct cf_call_routed *d, struct call *call)
{
    bool removed = cf_str_is(d->reason, "queue-removed");
    struct queue *to = queue_get(model, d->queue_id);
    size_t n = 1;

    call_unplace(model, call);
    call->since = d->at;
    call->step = 0;
    call->hold_until = -1;
    if (!removed)
        call_drop_stands(model, call, 1);
    call_stand(model, call, d->queue_id);
    for (size_t i = 1; i < call->n_stands; i++) {
        struct queue *queue = call->stands[i].queue;

        if (queue != to)
            call_stand_at(model, call, n++, queue);
    }
    call_drop_stands(model, call, n);
    call_place(model, call);
}

static void on_over(struct model *model, const struct cf_call_routed *d, struct call *call)
{
    bool ended = cf_str_is(d->decision, "ended"), talked = call->state == CALL_CONNECTED;
    const struct cf_queue_policy *policy =
        queue_policy(model, call->through ? call->through->id : call->stands[0].queue->id);
    struct agent *agent = NULL;

    if (!call->past && (ended ? call->state == CALL_OFFERED : talked))
        FIND(model, 3, "%.*s is the wrong end for a call that is %s", CF_STR_FMT(d->decision),
             talked ? "talking" : "offered");
    if (!ended)
        model->n_abandoned++;
    else if (!talked)
        model->n_unserved++;
    if (call->agent || d->agent_id.p)
        agent = release(model, d, call);
    if (agent && talked && cf_str_is(d->reason, "call-ended") && policy->wrap_up_ms > 0) {
        agent_set(model, agent, AGENT_WRAPPING);
        agent->due = d->at + policy->wrap_up_ms;
    }
    call_over(model, call);
}

static void check_state(struct model *model, const struct cf_call_routed *d, const struct call *call)
{
    if (call->state == CALL_WAITING)
        return;
    if (cf_str_is(d->decision, "offered"))
        FIND(model, 2, "offered while %s %.*s", call->state == CALL_OFFERED ? "offered to" : "talking with",
             CF_STR_FMT(call->agent ? call->agent->id : CF_STR("nobody")));
    else if (cf_str_is(d->decision, "overflowed") || cf_str_is(d->decision, "relaxed"))
        FIND(model, 2, "%.*s while not waiting", CF_STR_FMT(d->decision));
}

void on_call_decision(struct model *model, const struct cf_call_routed *d, struct call *call)
{
    if (call->state != CALL_CONNECTED && !call->past && d->at - d->wait_ms != call->enqueued_at &&
        !(d->wait_ms == 0 && call->enqueued_at >= d->at))
        FIND(model, 11, "has waited %" PRId64 " ms, but was queued %" PRId64 " ms ago", d->wait_ms,
             d->at - call->enqueued_at);
    check_state(model, d, call);
    if (cf_str_is(d->decision, "offered"))
        on_offered(model, d, call);
    else if (cf_str_is(d->decision, "connected"))
        on_connected(model, d, call);
    else if (cf_str_is(d->decision, "requeued"))
        on_requeued(model, d, call);
    else if (cf_str_is(d->decision, "relaxed"))
        on_relaxed(model, d, call);
    else if (cf_str_is(d->decision, "overflowed"))
        on_overflowed(model, d, call);
    else
        on_over(model, d, call);
}
