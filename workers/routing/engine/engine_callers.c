/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered of customers: their last call that is over. A customer is the contact, else the account;
 * the tombstones hold the memory, so it ends with them. Kept only while the policy asks for it.
 */
#include <stdlib.h>

#include "engine/engine_priv.h"

struct cf_str cf_engine_caller_id(const struct cf_engine *engine, const struct cf_customer *customer)
{
    if (!engine->rules->remembers)
        return (struct cf_str){0};
    return customer->contact.id.n > 0 ? customer->contact.id : customer->account.id;
}

struct cf_caller *cf_engine_caller(struct cf_engine *engine, struct cf_str id)
{
    struct cf_caller *caller = id.n > 0 ? cf_ids_get(&engine->callers, id) : NULL;

    if (id.n == 0)
        return NULL;
    if (!caller) {
        caller = cf_calloc(1, sizeof(*caller) + id.n);
        memcpy(caller->text, id.p, id.n);
        caller->id = (struct cf_str){caller->text, id.n};
        cf_ids_put(&engine->callers, caller);
    }
    caller->refs++;
    return caller;
}

void cf_engine_drop_caller(struct cf_engine *engine, struct cf_caller *caller)
{
    if (!caller || --caller->refs > 0)
        return;
    cf_ids_del(&engine->callers, caller->id);
    free(caller);
}

struct cf_memory *cf_engine_memory(struct cf_tomb *tomb)
{
    if (!tomb->memory)
        tomb->memory = cf_calloc(1, sizeof(*tomb->memory));
    return tomb->memory;
}

void cf_engine_remember(struct cf_caller *caller, struct cf_tomb *tomb)
{
    cf_engine_memory(tomb)->caller = caller;
    if (caller && (!caller->last || caller->last->number < tomb->number))
        caller->last = tomb;
}

void cf_engine_forget(struct cf_engine *engine, struct cf_tomb *tomb)
{
    struct cf_caller *caller = tomb->memory ? tomb->memory->caller : NULL;

    if (!caller)
        return;
    tomb->memory->caller = NULL;
    if (caller->last == tomb)
        caller->last = NULL;
    cf_engine_drop_caller(engine, caller);
}

void cf_engine_free_callers(struct cf_engine *engine)
{
    for (size_t i = 0; i < engine->callers.size; i++)
        free(engine->callers.slots[i].item);
    cf_ids_done(&engine->callers);
}

bool cf_engine_resume(struct cf_engine *engine, struct cf_call *call)
{
    const struct cf_queue *queue = call->home.queue;
    struct cf_tomb *last = call->caller ? call->caller->last : NULL;

    if (!last || !last->memory->abandoned || last->memory->queue != queue || queue->policy->resume_ms == 0 ||
        engine->at - last->at > queue->policy->resume_ms)
        return false;
    last->memory->abandoned = false; /* once */
    cf_engine_changed(engine, &last->o);
    if (last->memory->enqueued_at < call->enqueued_at)
        call->enqueued_at = last->memory->enqueued_at;
    return true;
}
