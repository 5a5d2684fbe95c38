/* SPDX-License-Identifier: Apache-2.0 */
/* Who should have been offered what: at an offer, and between two records. */
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>

#include "check/model.h"

static struct stand *by_want(struct line_node *node)
{
    return (struct stand *)(void *)((char *)node - offsetof(struct stand, in_want));
}

static struct stand *by_age(struct line_node *node)
{
    return (struct stand *)(void *)((char *)node - offsetof(struct stand, by_age));
}

static const char *state_name(const struct agent *agent)
{
    static const char *const names[] = {
        [AGENT_AWAY] = "away",         [AGENT_FREE] = "free",          [AGENT_OFFERED] = "reserved",
        [AGENT_TALKING] = "talking",   [AGENT_BUSY] = "busy",          [AGENT_WRAPPING] = "wrapping up",
        [AGENT_PAUSED] = "left alone", [AGENT_LOOSE] = "not free yet",
    };

    return names[agent->state];
}

static bool surely_fits(const struct want *want, const struct agent *agent)
{
    return fits(want, agent->kind) && (!agent->was || fits(want, agent->was));
}

/* ---- I7, I8: who stood before the call ---- */

static void check_overtaken(struct model *model, const struct stand *own, const struct want *want)
{
    struct line_node *first = line_first(&want->oldest);
    const struct call *other = first ? by_age(first)->call : NULL;
    int64_t credit_ms = own->want->policy->credit_ms;
    int64_t allowed_ms, by_ms;

    if (!other || other == own->call || want->policy->strict || own->want->policy->strict ||
        want->policy->credit_ms != credit_ms)
        return;
    allowed_ms =
        other->priority > own->call->priority ? (other->priority - own->call->priority) * credit_ms : 0;
    by_ms = own->call->enqueued_at - other->enqueued_at;
    if (by_ms > allowed_ms)
        FIND(model, 8,
             "call %.*s (priority %" PRId64 ", in %.*s) is %" PRId64 " ms older; priority %" PRId64
             " may overtake by %" PRId64 " ms",
             CF_STR_FMT(other->id), other->priority, CF_STR_FMT(want->policy->id), by_ms, own->call->priority,
             allowed_ms);
}

static void say_better(struct model *model, const struct stand *own, const struct stand *other)
{
    const struct key *a = &other->in_want.key, *b = &own->in_want.key;

    FIND(model, 7,
         "call %.*s waits in %.*s (class %" PRId64 ", counts from %" PRId64 " ms, decision %" PRId64
         ") and stands before call %.*s (class %" PRId64 ", from %" PRId64 " ms, decision %" PRId64 ")",
         CF_STR_FMT(other->call->id), CF_STR_FMT(other->queue->id), a->band, a->place,
         a->arrival / CHECK_PLACES, CF_STR_FMT(own->call->id), b->band, b->place, b->arrival / CHECK_PLACES);
}

static void check_order(struct model *model, const struct stand *own, const struct agent *agent)
{
    struct stand *best = NULL;

    for (size_t i = 0; i < model->wants.size; i++) {
        struct want *want = model->wants.slots[i].item;
        struct line_node *first = want ? line_first(&want->waiting) : NULL;

        if (!first || !surely_fits(want, agent))
            continue;
        if (by_want(first)->call != own->call && key_before(&first->key, &own->in_want.key) &&
            (!best || key_before(&first->key, &best->in_want.key)))
            best = by_want(first);
        check_overtaken(model, own, want);
    }
    if (best)
        say_better(model, own, best);
}

/* ---- I12 ---- */

static void check_missed(struct model *model, struct call *call, const struct agent *agent)
{
    for (size_t i = 0; i < model->kinds.size; i++) {
        const struct kind *kind = model->kinds.slots[i].item;
        const struct agent *other = kind ? kind->free : NULL;

        while (other && (other == agent || call_has_missed(call, other)))
            other = other->next_free;
        if (!other || !stand_for(call, other, true))
            continue;
        FIND(model, 12, "%.*s missed or refused the call before; %.*s is free and fits",
             CF_STR_FMT(agent->id), CF_STR_FMT(other->id));
        return;
    }
}

void check_offer(struct model *model, const struct cf_call_routed *d, struct call *call, struct agent *agent)
{
    char id[300];
    const struct stand *own = NULL;
    bool policy_step = model->record && model->record->kind == CF_RT_POLICY;

    (void)snprintf(id, sizeof(id), "%.*s-%" PRId64, CF_STR_FMT(model->domain), d->seq);
    if (!cf_str_is(d->offer_id, id))
        FIND(model, 1, "offer id %.*s, expected %s", CF_STR_FMT(d->offer_id), id);
    if (agent->state != AGENT_FREE)
        FIND(model, 1, "%.*s is %s%s%.*s", CF_STR_FMT(agent->id), state_name(agent),
             agent->call ? ", with call " : "", CF_STR_FMT(agent->call ? agent->call->id : CF_STR("")));
    for (size_t i = 0; i < call->n_stands && !own; i++)
        own = cf_str_eq(call->stands[i].queue->id, d->queue_id) ? &call->stands[i] : NULL;
    if (!own || (!fits(own->want, agent->kind) && (!agent->was || !fits(own->want, agent->was)))) {
        FIND(model, 7, "%.*s may not take calls of %.*s", CF_STR_FMT(agent->id), CF_STR_FMT(d->queue_id));
        return;
    }
    if (call->n_missed > 0 && call_has_missed(call, agent))
        check_missed(model, call, agent);
    /* A policy that changes the keys moves one call after the other: the order is right when it is done. */
    if (!policy_step && call->state == CALL_WAITING)
        check_order(model, own, agent);
}

/* ---- I9 ---- */

static void idle_while(struct model *model, const struct call *call, const struct agent *agent)
{
    FIND(model, 9, "call %.*s waits in %.*s since %" PRId64 " ms, and %.*s is free since %" PRId64 " ms",
         CF_STR_FMT(call->id), CF_STR_FMT(call->stands[0].queue->id), model->now - call->enqueued_at,
         CF_STR_FMT(agent->id), model->now - agent->since);
}

static void check_waiting(struct model *model, struct call *call)
{
    if (call->state != CALL_WAITING || call->hold_until >= 0 || call->past)
        return;
    for (size_t i = 0; i < model->kinds.size; i++) {
        const struct kind *kind = model->kinds.slots[i].item;

        if (kind && kind->free && stand_for(call, kind->free, true)) {
            idle_while(model, call, kind->free);
            return;
        }
    }
}

static bool wishes(const struct call *call, const struct agent *agent)
{
    for (size_t i = 0; i < call->prefer.n; i++) {
        if (cf_str_eq(call->prefer.items[i], agent->id))
            return fits(call->stands[0].want, agent->kind);
    }
    return false;
}

static void check_free(struct model *model, const struct agent *agent)
{
    for (size_t i = 0; i < model->wants.size; i++) {
        struct want *want = model->wants.slots[i].item;
        struct line_node *first = want ? line_first(&want->waiting) : NULL;

        if (first && fits(want, agent->kind)) {
            idle_while(model, by_want(first)->call, agent);
            return;
        }
    }
    for (const struct call *call = model->held; call; call = call->next_held) {
        if (wishes(call, agent)) {
            idle_while(model, call, agent);
            return;
        }
    }
}

static void settle_agent(struct model *model, struct agent *agent)
{
    agent_settle(model, agent);
    if (agent->state == AGENT_LOOSE)
        FIND(model, 6, "%.*s is free of his call, and nothing says what he does now", CF_STR_FMT(agent->id));
    else if (agent->state == AGENT_FREE)
        check_free(model, agent);
}

/* Only what the record touched can have become wrong. */
void check_rest(struct model *model)
{
    struct line_node *due = line_first(&model->due);
    struct agent *agents = model->touched_agents;
    struct call *calls = model->touched_calls;

    model->touched_agents = NULL;
    model->touched_calls = NULL;
    if (due && due->key.place <= model->now) {
        const struct call *call =
            (const struct call *)(const void *)((char *)due - offsetof(struct call, due));

        FIND(model, 10, "the offer of call %.*s to %.*s was over %" PRId64 " ms ago, and is open",
             CF_STR_FMT(call->id), CF_STR_FMT(call->agent ? call->agent->id : CF_STR("nobody")),
             model->now - due->key.place);
        line_take(&model->due, due);
    }
    while (agents) {
        struct agent *agent = agents;

        agents = agent->next_touched;
        agent->touched = false;
        settle_agent(model, agent);
    }
    while (calls) {
        struct call *call = calls;

        calls = call->next_touched;
        call->touched = false;
        check_waiting(model, call);
    }
}
