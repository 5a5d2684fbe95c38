/* SPDX-License-Identifier: Apache-2.0 */
/* How long a call that comes now will wait, by a named estimator. */
#include "engine/engine_priv.h"

void cf_engine_note_wait(struct cf_engine *engine, const struct cf_call *call)
{
    struct cf_queue *queue = call->queue;

    if (queue->policy->estimate != CF_ESTIMATE_LAST_WAIT)
        return;
    queue->last_wait_ms = engine->at > call->enqueued_at ? engine->at - call->enqueued_at : 0;
    cf_engine_changed(engine, &queue->o);
}

/* queue-length: until as many agents got free as calls stand before and with it. last-wait: what the last one
 * who was answered had waited. */
void cf_engine_estimate(const struct cf_call *call, struct cf_call_routed *decision)
{
    const struct cf_queue *queue = call->queue;
    const struct cf_need *need = call->home.need;

    if (queue->policy->estimate == CF_ESTIMATE_NONE)
        return;
    if (need->n_ready > 0) {
        decision->estimated_wait_ms = 0;
        decision->estimator = CF_STR("free-agent");
    } else if (queue->policy->estimate == CF_ESTIMATE_LAST_WAIT && queue->last_wait_ms >= 0) {
        decision->estimated_wait_ms = queue->last_wait_ms;
        decision->estimator = CF_STR("last-wait");
    } else if (need->n_staffed > 0) {
        decision->estimated_wait_ms = decision->position * queue->handle_ms / (int64_t)need->n_staffed;
        decision->estimator = CF_STR("queue-length");
    }
}
