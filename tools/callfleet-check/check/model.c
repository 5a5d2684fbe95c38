/* SPDX-License-Identifier: Apache-2.0 */
#include "check/model.h"

#include <inttypes.h>
#include <stdlib.h>

struct model *model_new(struct cf_str domain, struct report *report)
{
    struct model *model = cf_calloc(1, sizeof(*model));
    char *copy = cf_calloc(1, domain.n + 1);

    memcpy(copy, domain.p, domain.n);
    model->domain = (struct cf_str){copy, domain.n};
    model->report = report;
    model->policy = cf_policy_builtin();
    model->rules = cf_policy_find(model->policy, domain);
    return model;
}

static void free_marks(struct model *model)
{
    for (size_t i = 0; i < model->marks.size; i++) {
        struct source_mark *mark = model->marks.slots[i].item;

        if (mark)
            free((void *)(uintptr_t)mark->id.p);
        free(mark);
    }
    cf_ids_done(&model->marks);
}

void model_free(struct model *model)
{
    void **calls = cf_ids_list(&model->calls), **agents = cf_ids_list(&model->agents);
    size_t n_calls = model->calls.n, n_agents = model->agents.n;

    for (size_t i = 0; i < n_calls; i++)
        call_free(model, calls[i]);
    for (size_t i = 0; i < n_agents; i++) {
        struct agent *agent = agents[i];

        kind_drop(model, agent->was);
        kind_drop(model, agent->kind);
        free((void *)(uintptr_t)agent->id.p);
        free(agent);
    }
    free(calls);
    free(agents);
    model->now = INT64_MAX;
    tombs_purge(model);
    for (size_t i = 0; i < model->queues.size; i++)
        free(model->queues.slots[i].item);
    free_marks(model);
    cf_ids_done(&model->calls);
    cf_ids_done(&model->tombs);
    cf_ids_done(&model->agents);
    cf_ids_done(&model->wants);
    cf_ids_done(&model->kinds);
    cf_ids_done(&model->queues);
    cf_policy_unref(model->policy);
    cf_policy_unref(model->next_policy);
    free((void *)(uintptr_t)model->domain.p);
    free(model);
}

/* ---- a record ---- */

/* Each input record stands in the log once: its offsets rise. */
static void check_source(struct model *model, const struct cf_rt_record *record)
{
    struct source_mark *mark;
    char name[300];

    if (!record->cause.topic.p || record->cause.offset < 0)
        return;
    (void)snprintf(name, sizeof(name), "%.*s/%" PRId64, CF_STR_FMT(record->cause.topic),
                   record->cause.partition);
    mark = cf_ids_get(&model->marks, cf_str_of(name));
    if (!mark) {
        mark = cf_calloc(1, sizeof(*mark));
        mark->id = cf_str_of(cf_strdup(name));
        mark->offset = -1;
        cf_ids_put(&model->marks, mark);
    }
    if (record->cause.offset <= mark->offset)
        FIND(model, 5, "the log has %s@%" PRId64 " behind offset %" PRId64, name, record->cause.offset,
             mark->offset);
    else
        mark->offset = record->cause.offset;
}

static bool is_known(const struct model *model, struct cf_str call_id)
{
    return cf_ids_get(&model->calls, call_id) || cf_ids_get(&model->tombs, call_id);
}

void model_open(struct model *model, const struct cf_rt_record *record)
{
    struct cf_err err;

    model->record = record;
    model->input = INPUT_NEW;
    model->timed = record->kind == CF_RT_TICK;
    model->answered = false;
    model->known = false;
    model->subject = NULL;
    if (record->t > model->now)
        model->now = record->t;
    check_source(model, record);
    if (record->kind == CF_RT_AGENT_STATE)
        agent_hear(model, record->u.agent_state);
    else if (record->kind == CF_RT_CALL_QUEUED)
        model->known = is_known(model, record->u.call_queued->call_id);
    else if (record->kind == CF_RT_CALL_ENDED)
        model->known = is_known(model, record->u.call_ended->call_id);
    else if (record->kind == CF_RT_POLICY && record->u.policy.version > cf_policy_version(model->policy))
        model->next_policy = cf_policy_parse(record->u.policy.text, &err);
    if (model->next_policy && cf_policy_version(model->next_policy) != record->u.policy.version) {
        cf_policy_unref(model->next_policy);
        model->next_policy = NULL;
    }
}

/* ---- a decision ---- */

static bool is_subject(const struct model *model, const struct cf_call_routed *d)
{
    const struct cf_rt_record *record = model->record;

    if (record->kind == CF_RT_CALL_QUEUED)
        return cf_str_eq(record->u.call_queued->call_id, d->call_id);
    if (record->kind == CF_RT_CALL_ENDED)
        return cf_str_eq(record->u.call_ended->call_id, d->call_id);
    return record->kind != CF_RT_AGENT_STATE || cf_str_eq(record->u.agent_state->agent_id, d->agent_id);
}

static void check_times(struct model *model, const struct cf_call_routed *d)
{
    struct line_node *due = line_first(&model->due);

    if (d->at < model->at)
        FIND(model, 4, "made at %" PRId64 " ms, the one before at %" PRId64 " ms", d->at, model->at);
    else
        model->at = d->at;
    if (d->at > model->now)
        FIND(model, 4, "made at %" PRId64 " ms, later than its record", d->at);
    if (due && due->key.place < d->at) {
        const struct call *call =
            (const struct call *)(const void *)((char *)due - offsetof(struct call, due));

        FIND(model, 10, "the offer of call %.*s was over %" PRId64 " ms before this", CF_STR_FMT(call->id),
             d->at - due->key.place);
        line_take(&model->due, due);
    }
}

/* A decision about a call that is not alive. */
static void on_stranger(struct model *model, const struct cf_call_routed *d)
{
    bool end = cf_str_is(d->decision, "ended") || cf_str_is(d->decision, "abandoned");

    if (!cf_ids_get(&model->tombs, d->call_id))
        FIND(model, 4, "call %.*s was never queued", CF_STR_FMT(d->call_id));
    else if (end)
        FIND(model, 3, "call %.*s ends a second time", CF_STR_FMT(d->call_id));
    else
        FIND(model, 13, "call %.*s is over", CF_STR_FMT(d->call_id));
}

void model_decision(struct model *model, const struct cf_call_routed *d)
{
    struct call *call = cf_ids_get(&model->calls, d->call_id);

    model->seq = d->seq;
    if (model->next_policy && d->cause.policy_version == cf_policy_version(model->next_policy)) {
        model->at = d->at > model->at ? d->at : model->at;
        use_policy(model);
    }
    check_times(model, d);
    if (d->cause.policy_version != cf_policy_version(model->policy))
        FIND(model, 4, "by policy %" PRId64 ", but policy %" PRId64 " is in force", d->cause.policy_version,
             cf_policy_version(model->policy));
    if (model->record && is_subject(model, d) && d->at >= model->now)
        model->answered = true;
    if (cf_str_is(d->decision, "ignored"))
        return;
    check_cause(model, d, call);
    if (cf_str_is(d->decision, "agent-ready") || cf_str_is(d->decision, "agent-unavailable"))
        on_agent_decision(model, d);
    else if (cf_str_is(d->decision, "queued"))
        on_queued(model, d);
    else if (call)
        on_call_decision(model, d, call);
    else
        on_stranger(model, d);
}

/* ---- between records ---- */

static void close_ended(struct model *model, struct cf_str call_id)
{
    if (cf_ids_get(&model->calls, call_id))
        FIND(model, 3, "call %.*s is over, and no decision ends it", CF_STR_FMT(call_id));
    else if (!model->known)
        tomb_add(model, call_id, false);
}

void model_close(struct model *model)
{
    const struct cf_rt_record *record = model->record;

    if (!record)
        return;
    if (model->now > model->at)
        model->at = model->now;
    if (model->next_policy)
        use_policy(model);
    if (record->kind != CF_RT_TICK && record->kind != CF_RT_POLICY && !model->answered)
        FIND(model, 4, "the record has no decision");
    else if (record->kind == CF_RT_CALL_QUEUED && !model->known &&
             !is_known(model, record->u.call_queued->call_id) && model->calls.n < CF_ENGINE_MAX_CALLS)
        FIND(model, 4, "call %.*s is new, and was not queued", CF_STR_FMT(record->u.call_queued->call_id));
    if (record->kind == CF_RT_CALL_ENDED)
        close_ended(model, record->u.call_ended->call_id);
    check_rest(model);
    tombs_purge(model);
    model->record = NULL;
}

void model_finish(struct model *model)
{
    size_t inside = 0, waiting = 0, alive = model->calls.n;

    if (model->n_queued != model->n_over + alive)
        FIND(model, 14, "%zu queued, %zu over, %zu alive", model->n_queued, model->n_over, alive);
    for (size_t i = 0; i < model->calls.size; i++) {
        const struct call *call = model->calls.slots[i].item;

        waiting += call && call->state == CALL_WAITING ? call->n_stands : 0;
    }
    for (size_t i = 0; i < model->queues.size; i++) {
        const struct queue *queue = model->queues.slots[i].item;

        inside += queue ? line_size(&queue->line) : 0;
    }
    if (inside != waiting)
        FIND(model, 14, "%zu places in queues for %zu calls that wait", inside, waiting);
}
