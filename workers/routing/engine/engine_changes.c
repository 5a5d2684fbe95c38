/* SPDX-License-Identifier: Apache-2.0 */
/* Which objects changed since the last clear. */
#include <stdlib.h>

#include "engine/engine_priv.h"

void cf_engine_track_changes(struct cf_engine *engine)
{
    engine->tracking = true;
}

void cf_engine_changed(struct cf_engine *engine, struct cf_object *object)
{
    if (!engine->tracking || object->changed)
        return;
    if (engine->n_changed == engine->size_changed) {
        engine->size_changed = engine->size_changed ? engine->size_changed * 2 : 64;
        engine->changed = cf_realloc(engine->changed, engine->size_changed * sizeof(struct cf_object *));
    }
    engine->changed[engine->n_changed++] = object;
    object->changed = (uint32_t)engine->n_changed;
}

void cf_engine_changes_clear(struct cf_engine *engine)
{
    for (size_t i = 0; i < engine->n_changed; i++) {
        struct cf_object *object = engine->changed[i];

        object->changed = 0;
        if (object->deleted) {
            cf_engine_free_object(object);
        } else if (object->kind == CF_ENGINE_CALL && object->tomb) {
            ((struct cf_tomb *)object)->saved_queue = NULL;
        } else if (object->kind == CF_ENGINE_CALL) {
            struct cf_call *call = (struct cf_call *)object;

            call->saved_queue = call->state == CF_CALL_WAITING ? call->queue : NULL;
        }
    }
    engine->n_changed = 0;
    engine->policy_changed = false;
}
