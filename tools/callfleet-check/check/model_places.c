/* SPDX-License-Identifier: Apache-2.0 */
/* Where calls stand in their queues, and what a new policy makes of it. */
#include <stdlib.h>

#include "check/model.h"

#define CREDIT_BAND (CF_POLICY_LOWEST_PRIORITY + 1)

const struct cf_queue_policy *queue_policy(const struct model *model, struct cf_str id)
{
    const struct cf_queue_policy *policy = cf_policy_queue(model->policy, model->rules, id);

    return policy ? policy : model->rules->default_queue;
}

struct queue *queue_get(struct model *model, struct cf_str id)
{
    struct queue *queue = cf_ids_get(&model->queues, id);

    if (queue)
        return queue;
    queue = cf_calloc(1, sizeof(*queue) + id.n);
    if (id.n > 0)
        memcpy(queue->text, id.p, id.n);
    queue->id = (struct cf_str){queue->text, id.n};
    cf_ids_put(&model->queues, queue);
    return queue;
}

void call_stand_at(struct model *model, struct call *call, size_t index, struct queue *queue)
{
    struct stand *stand = &call->stands[index];
    const struct cf_queue_policy *policy = queue_policy(model, queue->id);
    struct key key = {.band = policy->strict ? call->priority : CREDIT_BAND,
                      .place = call->enqueued_at,
                      .arrival = call->arrival * CHECK_PLACES + (int64_t)index};

    if (!policy->strict)
        key.place -= policy->credit_ms * (CF_POLICY_NORMAL_PRIORITY - call->priority);
    want_drop(model, stand->want);
    stand->call = call;
    stand->queue = queue;
    stand->want = want_get(model, policy, index == 0 ? (size_t)call->step : 0, &call->skills);
    stand->in_queue.key = key;
    stand->in_want.key = key;
    stand->by_age.key = (struct key){0, call->enqueued_at, key.arrival};
}

void call_drop_stands(struct model *model, struct call *call, size_t from)
{
    for (size_t i = from; i < call->n_stands; i++) {
        want_drop(model, call->stands[i].want);
        call->stands[i].want = NULL;
    }
    call->n_stands = from < call->n_stands ? from : call->n_stands;
}

void call_stand(struct model *model, struct call *call, struct cf_str queue_id)
{
    call_stand_at(model, call, 0, queue_get(model, queue_id));
    if (call->n_stands == 0)
        call->n_stands = 1;
}

static void hold(struct model *model, struct call *call)
{
    call->held = true;
    call->next_held = model->held;
    call->prev_held = NULL;
    if (model->held)
        model->held->prev_held = call;
    model->held = call;
}

static void unhold(struct model *model, struct call *call)
{
    if (call->prev_held)
        call->prev_held->next_held = call->next_held;
    else
        model->held = call->next_held;
    if (call->next_held)
        call->next_held->prev_held = call->prev_held;
    call->held = false;
}

void call_place(struct model *model, struct call *call)
{
    for (size_t i = 0; i < call->n_stands; i++) {
        struct stand *stand = &call->stands[i];

        line_put(&stand->queue->line, &stand->in_queue);
        if (call->hold_until < 0) {
            line_put(&stand->want->waiting, &stand->in_want);
            line_put(&stand->want->oldest, &stand->by_age);
        }
    }
    if (call->hold_until >= 0)
        hold(model, call);
    call->placed = true;
    call_touch(model, call);
}

void call_unplace(struct model *model, struct call *call)
{
    for (size_t i = 0; i < call->n_stands; i++) {
        struct stand *stand = &call->stands[i];

        line_take(&stand->queue->line, &stand->in_queue);
        line_take(&stand->want->waiting, &stand->in_want);
        line_take(&stand->want->oldest, &stand->by_age);
    }
    if (call->held)
        unhold(model, call);
    call->placed = false;
}

void call_touch(struct model *model, struct call *call)
{
    if (call->touched)
        return;
    call->touched = true;
    call->next_touched = model->touched_calls;
    model->touched_calls = call;
}

void call_stand_also(struct model *model, struct call *call, struct cf_str names)
{
    const char *p = names.p, *end = names.p + names.n;

    while (names.p && p < end && call->n_stands < CHECK_PLACES) {
        const char *stop = memchr(p, ',', (size_t)(end - p));

        stop = stop ? stop : end;
        call_stand_at(model, call, call->n_stands, queue_get(model, (struct cf_str){p, (size_t)(stop - p)}));
        call->n_stands++;
        p = stop + 1;
    }
}

/* ---- a new policy ---- */

static void stand_anew(struct model *model, struct call *call)
{
    size_t n = 1;

    call->step = 0;
    call->hold_until = -1;
    call_stand(model, call, call->stands[0].queue->id);
    for (size_t i = 1; i < call->n_stands; i++) {
        struct queue *queue = call->stands[i].queue;

        if (cf_policy_queue(model->policy, model->rules, queue->id) && queue != call->stands[0].queue)
            call_stand_at(model, call, n++, queue);
    }
    call_drop_stands(model, call, n);
    if (call->state == CALL_WAITING && !call->past)
        call_place(model, call);
}

void use_policy(struct model *model)
{
    void **calls = cf_ids_list(&model->calls);
    size_t n = model->calls.n;
    struct cf_policy *old = model->policy;

    for (size_t i = 0; i < n; i++)
        call_unplace(model, calls[i]);
    model->policy = model->next_policy;
    model->next_policy = NULL;
    model->rules = cf_policy_find(model->policy, model->domain);
    /* Nothing may go on reading the old text: the wants are made anew, each old one goes with its last call.
     */
    for (size_t i = 0; i < n; i++) {
        struct call *call = calls[i];

        for (size_t k = 0; k < call->n_stands; k++) {
            want_drop(model, call->stands[k].want);
            call->stands[k].want = NULL;
        }
    }
    for (size_t i = 0; i < n; i++)
        stand_anew(model, calls[i]);
    free(calls);
    cf_policy_unref(old);
}
