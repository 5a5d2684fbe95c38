/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of a call that is over: that it was there. Oldest first in one list. */
#include <assert.h>

#include "engine/engine_priv.h"

static void append(struct cf_engine *engine, struct cf_tomb *tomb)
{
    if (engine->youngest)
        engine->youngest->next = tomb;
    else
        engine->oldest = tomb;
    engine->youngest = tomb;
    engine->n_tombs++;
}

static struct cf_tomb *make(struct cf_str id)
{
    struct cf_tomb *tomb = cf_engine_new_object(CF_ENGINE_CALL, sizeof(*tomb), id);

    tomb->o.tomb = true;
    return tomb;
}

/* The oldest one goes: at once, or at the next clear when its going must be told. */
static void forget_oldest(struct cf_engine *engine)
{
    struct cf_tomb *tomb = engine->oldest;

    engine->oldest = tomb->next;
    if (!engine->oldest)
        engine->youngest = NULL;
    engine->n_tombs--;
    cf_engine_forget(engine, tomb);
    cf_ids_del(&engine->calls, tomb->o.id);
    if (engine->tracking) {
        tomb->o.deleted = true;
        cf_engine_changed(engine, &tomb->o);
    } else {
        cf_engine_free_object(&tomb->o);
    }
}

void cf_engine_purge_tombs(struct cf_engine *engine)
{
    while (engine->oldest && (engine->n_tombs > CF_ENGINE_MAX_TOMBSTONES ||
                              engine->oldest->at + CF_ENGINE_TOMBSTONE_MS <= engine->now))
        forget_oldest(engine);
}

static struct cf_tomb *add(struct cf_engine *engine, struct cf_str id, bool queued, bool ended)
{
    struct cf_tomb *tomb = make(id);

    tomb->at = engine->at;
    tomb->number = ++engine->n_buried;
    tomb->queued = queued;
    tomb->ended = ended;
    append(engine, tomb);
    cf_engine_changed(engine, &tomb->o);
    return tomb;
}

struct cf_tomb *cf_engine_add_tomb(struct cf_engine *engine, struct cf_str id, bool queued, bool ended)
{
    struct cf_tomb *tomb = add(engine, id, queued, ended);

    cf_ids_put(&engine->calls, tomb);
    return tomb;
}

static void remember(struct cf_tomb *tomb, const struct cf_call *call)
{
    struct cf_memory *memory = cf_engine_memory(tomb);

    memory->abandoned = tomb->ended && call->state != CF_CALL_CONNECTED;
    memory->queue = call->home.queue;
    memory->agent = call->answered_by;
    memory->enqueued_at = call->enqueued_at;
    cf_engine_remember(call->caller, tomb);
}

void cf_engine_bury(struct cf_engine *engine, struct cf_call *call, bool ended)
{
    size_t *count[] = {&engine->n_waiting, &engine->n_offered, &engine->n_connected};
    struct cf_object *was = &call->o;
    struct cf_tomb *tomb;

    cf_engine_unplace(engine, call);
    cf_engine_set_timer(engine, &call->timer, CF_ENGINE_NO_TIMER);
    cf_engine_drop_need(engine, call->home.need);
    cf_engine_drop_more(engine, call);
    --*count[call->state];
    tomb = add(engine, was->id, true, ended);
    if (call->caller)
        remember(tomb, call);
    cf_ids_replace(&engine->calls, tomb);
    tomb->saved_queue = call->saved_queue;
    /* The call's own place among the changed ones goes to the tombstone just added behind it. */
    if (was->changed) {
        struct cf_object *last = engine->changed[--engine->n_changed];

        assert(last == &tomb->o);
        engine->changed[was->changed - 1] = last;
        last->changed = was->changed;
    }
    cf_engine_free_object(was);
}
