/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the record, or the time, can have brought the decision about. */
#include <inttypes.h>

#include "check/model.h"

/* Ends that the engine makes itself (engine/README.md). */
#define LEFT_MS (15LL * 60 * 1000)
#define TALK_MS (12LL * 3600 * 1000)

enum by { BY_ANY, BY_QUEUED, BY_ENDED, BY_AGENT, BY_CONNECTED, BY_TIME };

static const struct {
    const char *decision, *reason; /* reason NULL: any */
    enum by by;
} causes[] = {
    {"abandoned", "ended-before-queued", BY_QUEUED},
    {"ended", "ended-before-queued", BY_QUEUED},
    {"queued", NULL, BY_QUEUED},
    {"connected", NULL, BY_CONNECTED},
    {"abandoned", NULL, BY_ENDED},
    {"ended", "call-ended", BY_ENDED},
    {"ended", "max-wait", BY_TIME},
    {"ended", "max-talk", BY_TIME},
    {"ended", "agent-left", BY_TIME},
    {"requeued", "no-answer", BY_TIME},
    {"requeued", NULL, BY_AGENT},
    {"relaxed", "step", BY_TIME},
    {"relaxed", "hold-over", BY_TIME},
    {"overflowed", "max-wait", BY_TIME},
    {"agent-ready", "available", BY_AGENT},
    {"agent-ready", "skills-changed", BY_AGENT},
    {"agent-ready", "rejected", BY_AGENT},
    {"agent-unavailable", "idle", BY_AGENT},
    {"agent-unavailable", "offline", BY_AGENT},
    {"agent-unavailable", "wrap-up", BY_AGENT},
    {"agent-unavailable", "busy", BY_AGENT},
    {"agent-unavailable", "rejected", BY_AGENT},
    {"agent-unavailable", "other", BY_AGENT},
};

static enum by cause_of(const struct cf_call_routed *d)
{
    for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
        if (cf_str_is(d->decision, causes[i].decision) &&
            (!causes[i].reason || cf_str_is(d->reason, causes[i].reason)))
            return causes[i].by;
    }
    return BY_ANY;
}

static bool is_event(const struct model *model, const struct cf_call_routed *d, enum by by)
{
    const struct cf_rt_record *record = model->record;

    if (!record)
        return false;
    if (by == BY_QUEUED)
        return record->kind == CF_RT_CALL_QUEUED && cf_str_eq(record->u.call_queued->call_id, d->call_id);
    if (by == BY_ENDED)
        return record->kind == CF_RT_CALL_ENDED && cf_str_eq(record->u.call_ended->call_id, d->call_id);
    return record->kind == CF_RT_AGENT_STATE && cf_str_eq(record->u.agent_state->agent_id, d->agent_id) &&
           (by == BY_AGENT || record->u.agent_state->state == CF_AGENT_CONNECTED);
}

/* When it was due, at the earliest. */
static int64_t due_of(const struct model *model, const struct cf_call_routed *d, const struct call *call)
{
    const struct cf_queue_policy *policy = queue_policy(model, call->stands[0].queue->id);

    if (cf_str_is(d->reason, "no-answer"))
        return call->state == CALL_OFFERED ? call->due.key.place : CHECK_NEVER;
    if (cf_str_is(d->reason, "max-wait"))
        return policy->max_wait_ms > 0 ? call->since + policy->max_wait_ms : CHECK_NEVER;
    if (cf_str_is(d->reason, "max-talk"))
        return call->connected_at + TALK_MS;
    if (cf_str_is(d->reason, "agent-left"))
        return (call->left_at > 0 ? call->left_at : call->connected_at) + LEFT_MS;
    if (cf_str_is(d->reason, "hold-over"))
        return call->hold_until >= 0 ? call->hold_until : CHECK_NEVER;
    if (d->step != call->step + 1 || (size_t)d->step > policy->n_steps)
        return CHECK_NEVER;
    return call->since + policy->steps[d->step - 1].after_ms;
}

void check_cause(struct model *model, const struct cf_call_routed *d, const struct call *call)
{
    enum by by = cause_of(d);

    if (cf_str_is(d->reason, "wrap-up-over") || cf_str_is(d->reason, "delay-over"))
        model->timed = true;
    else if (by != BY_ANY)
        model->timed = by == BY_TIME;
    if (by == BY_ANY)
        return;
    if (by == BY_TIME) {
        if (call && d->at < due_of(model, d, call))
            FIND(model, 4, "%.*s (%.*s) before its time", CF_STR_FMT(d->decision), CF_STR_FMT(d->reason));
        return;
    }
    if (!is_event(model, d, by)) {
        FIND(model, 4, "%.*s (%.*s) does not follow from the record it names", CF_STR_FMT(d->decision),
             CF_STR_FMT(d->reason));
        return;
    }
    if (by != BY_AGENT && by != BY_CONNECTED)
        return;
    if (model->input == INPUT_TWICE)
        FIND(model, 5, "the agent said the same again, and it had an effect");
    else if (model->input == INPUT_LATE)
        FIND(model, 13, "the agent had said something newer, and it had an effect");
}
