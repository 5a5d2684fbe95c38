/* SPDX-License-Identifier: Apache-2.0 */
/* A policy comes into force: its queues are made, calls that wait are looked at afresh. */
#include <stdlib.h>

#include "engine/engine_priv.h"

/* What holds for calls of a queue that the policy no longer has. */
static const struct cf_queue_policy *removed_policy(const struct cf_engine *engine)
{
    return engine->rules->default_queue;
}

static struct cf_queue *new_queue(struct cf_engine *engine, struct cf_str id)
{
    struct cf_queue *queue = cf_engine_new_object(CF_ENGINE_QUEUE, sizeof(*queue), id);

    queue->removed = true;
    queue->policy = removed_policy(engine);
    queue->last_wait_ms = -1;
    cf_ids_put(&engine->queues, queue);
    return queue;
}

struct cf_queue *cf_engine_queue(struct cf_engine *engine, struct cf_str id)
{
    struct cf_queue *queue = cf_ids_get(&engine->queues, id);

    return queue ? queue : new_queue(engine, id);
}

static void set_policies(struct cf_engine *engine)
{
    const struct cf_domain_policy *rules = engine->rules;
    void **list = cf_ids_list(&engine->queues);
    size_t n = engine->queues.n;

    for (size_t i = 0; i < n; i++) {
        struct cf_queue *queue = list[i];

        cf_engine_drop_need(engine, queue->need);
        queue->need = NULL;
        queue->policy = removed_policy(engine);
        if (!queue->removed && !cf_policy_queue(engine->policy, rules, queue->o.id)) {
            queue->removed = true;
            cf_engine_changed(engine, &queue->o);
        }
    }
    free(list);
    for (size_t i = 0; i < rules->n_queues; i++) {
        struct cf_queue *queue = cf_engine_queue(engine, rules->queues[i].id);

        if (queue->removed) {
            queue->handle_ms = rules->queues[i].handle_ms;
            queue->handled = 0;
            queue->last_wait_ms = -1;
            queue->ring = NULL;
        }
        queue->removed = false;
        queue->policy = &rules->queues[i];
        queue->need = cf_engine_need(engine, queue->policy, 0, (struct cf_policy_needs){0});
        cf_engine_changed(engine, &queue->o);
    }
}

void cf_engine_use_policy(struct cf_engine *engine, struct cf_policy *policy)
{
    struct cf_policy *old = engine->policy;

    engine->policy = policy;
    engine->policy_changed = true;
    engine->rules = cf_policy_find(policy, engine->domain);
    set_policies(engine);
    for (size_t i = 0; i < engine->agents.size; i++) {
        if (engine->agents.slots[i].item)
            cf_engine_find_turn(engine, engine->agents.slots[i].item);
    }
    cf_engine_line_up(engine);
    cf_policy_unref(old);
}

static int compare_places(const void *a, const void *b)
{
    const struct cf_call *x = *(struct cf_call *const *)a, *y = *(struct cf_call *const *)b;

    return cf_order_before(&x->home.in_queue.key, &y->home.in_queue.key) ? -1 : 1;
}

/* The calls that are alive, ordered by their places. The caller frees the array. */
static struct cf_call **list_alive(const struct cf_engine *engine, size_t *ret_n)
{
    size_t size = engine->n_waiting + engine->n_offered + engine->n_connected, n = 0;
    struct cf_call **list = cf_calloc(size, sizeof(struct cf_call *));

    for (size_t i = 0; i < engine->calls.size; i++) {
        struct cf_object *object = engine->calls.slots[i].item;

        if (object && !object->tomb)
            list[n++] = (struct cf_call *)object;
    }
    if (n > 1)
        qsort(list, n, sizeof(struct cf_call *), compare_places);
    *ret_n = n;
    return list;
}

/* Calls keep their priority and skills; queue, order and deadlines are those of the new policy. */
static void move_call(struct cf_engine *engine, struct cf_call *call)
{
    struct cf_queue *queue = call->home.queue;
    bool held = call->hold_until > 0;

    /* The steps of the new policy begin anew; those that are due follow at once. */
    call->step = 0;
    call->hold_until = 0;
    cf_engine_changed(engine, &call->o);
    if (call->state != CF_CALL_WAITING || !queue->removed) {
        cf_engine_set_queue(engine, call, queue);
        cf_engine_set_more(engine, call);
        if (held)
            cf_engine_decide(engine, CF_STR("relaxed"), call, NULL, CF_STR("policy"));
        return;
    }
    call->in_queue_since = engine->at;
    cf_engine_set_queue(engine, call, cf_engine_queue(engine, engine->rules->default_queue->id));
    cf_engine_set_more(engine, call);
    cf_engine_decide(engine, CF_STR("overflowed"), call, NULL, CF_STR("queue-removed"));
}

static void change_policy(struct cf_engine *engine, struct cf_policy *policy)
{
    size_t n;
    struct cf_call **list = list_alive(engine, &n);

    for (size_t i = 0; i < n; i++)
        cf_engine_unplace(engine, list[i]);
    cf_engine_use_policy(engine, policy);
    for (size_t i = 0; i < n; i++)
        move_call(engine, list[i]);
    if (n > 1)
        qsort(list, n, sizeof(struct cf_call *), compare_places);
    for (size_t i = 0; i < n; i++) {
        if (list[i]->state == CF_CALL_WAITING)
            cf_engine_seek_agent(engine, list[i]);
    }
    free(list);
}

void cf_engine_on_policy(struct cf_engine *engine, const struct cf_rt_record *record)
{
    bool newer = record->u.policy.version > engine->policy->version;
    struct cf_policy *policy = NULL;
    struct cf_err err;

    if (newer)
        policy = cf_policy_parse(record->u.policy.text, &err);
    if (policy && policy->version == record->u.policy.version) {
        change_policy(engine, policy);
        return;
    }
    cf_policy_unref(policy);
    cf_engine_ignore(engine, (struct cf_str){0}, (struct cf_str){0},
                     newer ? CF_STR("invalid-policy") : CF_STR("duplicate"));
}
