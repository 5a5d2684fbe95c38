/* SPDX-License-Identifier: Apache-2.0 */
/* A heap of what is due, by (due, kind, id): a total order, so the heap's shape decides nothing. Four
 * children to a node: each move writes into the moved timer's owner, so few levels count for more than few
 * compares. */
#include "engine/engine_priv.h"

enum { CHILDREN = 4 };

static bool before(const struct cf_alarm_slot *a, const struct cf_alarm_slot *b)
{
    const struct cf_object *x = a->timer->owner, *y = b->timer->owner;

    if (a->due != b->due)
        return a->due < b->due;
    return x->kind != y->kind ? x->kind < y->kind : cf_ids_compare(x->id, y->id) < 0;
}

static void put(struct cf_engine *engine, size_t pos, struct cf_alarm_slot slot)
{
    engine->timers[pos] = slot;
    slot.timer->pos = (uint32_t)pos + 1;
}

static void sift_up(struct cf_engine *engine, size_t pos)
{
    struct cf_alarm_slot slot = engine->timers[pos];

    while (pos > 0 && before(&slot, &engine->timers[(pos - 1) / CHILDREN])) {
        put(engine, pos, engine->timers[(pos - 1) / CHILDREN]);
        pos = (pos - 1) / CHILDREN;
    }
    put(engine, pos, slot);
}

static void sift_down(struct cf_engine *engine, size_t pos)
{
    struct cf_alarm_slot slot = engine->timers[pos];

    for (;;) {
        size_t first = CHILDREN * pos + 1, child = first;

        if (first >= engine->n_timers)
            break;
        for (size_t i = first + 1; i < first + CHILDREN && i < engine->n_timers; i++)
            child = before(&engine->timers[i], &engine->timers[child]) ? i : child;
        if (!before(&engine->timers[child], &slot))
            break;
        put(engine, pos, engine->timers[child]);
        pos = child;
    }
    put(engine, pos, slot);
}

static void remove_timer(struct cf_engine *engine, struct cf_alarm *timer)
{
    size_t pos = timer->pos - 1;
    struct cf_alarm_slot last = engine->timers[--engine->n_timers];

    timer->pos = 0;
    if (pos == engine->n_timers)
        return;
    put(engine, pos, last);
    sift_up(engine, pos);
    sift_down(engine, last.timer->pos - 1);
}

void cf_engine_set_timer(struct cf_engine *engine, struct cf_alarm *timer, int64_t due)
{
    if (timer->pos)
        remove_timer(engine, timer);
    timer->due = due;
    if (due == CF_ENGINE_NO_TIMER)
        return;
    if (engine->n_timers == engine->size_timers) {
        engine->size_timers = engine->size_timers ? engine->size_timers * 2 : 64;
        engine->timers = cf_realloc(engine->timers, engine->size_timers * sizeof(*engine->timers));
    }
    put(engine, engine->n_timers++, (struct cf_alarm_slot){due, timer});
    sift_up(engine, engine->n_timers - 1);
}

void cf_engine_run_timers(struct cf_engine *engine)
{
    while (engine->n_timers > 0 && engine->timers[0].due <= engine->now) {
        struct cf_alarm *timer = engine->timers[0].timer;

        if (timer->due > engine->at)
            engine->at = timer->due;
        cf_engine_set_timer(engine, timer, CF_ENGINE_NO_TIMER);
        if (timer->owner->kind == CF_ENGINE_CALL)
            cf_engine_on_call_timer(engine, (struct cf_call *)timer->owner);
        else
            cf_engine_on_agent_timer(engine, (struct cf_agent *)timer->owner);
        cf_engine_recheck_holds(engine);
    }
}
