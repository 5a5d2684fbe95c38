/* SPDX-License-Identifier: Apache-2.0 */
/* The invariants that a run keeps an eye on. */
#include "world.h"

void watch_breach(struct world *world, const char *text, uint64_t call)
{
    if (world->result->breaches++ == 0)
        (void)snprintf(world->result->breach, sizeof(world->result->breach), "%s (call %llu, at %.3f s)",
                       text, (unsigned long long)call, world->now);
}

/* ---- calls that wait, class by class in the order in which they came ---- */

/* A call that went back goes before all that came after it. */
void watch_join(struct world *world, struct call *call)
{
    struct waiting *list = &world->waiting[call->class];
    uint32_t slot = world_slot(world, call), older = list->youngest;

    while (older != NOBODY && world->calls[older].number > call->number)
        older = world->calls[older].older;
    call->older = older;
    call->newer = older == NOBODY ? list->oldest : world->calls[older].newer;
    if (call->newer == NOBODY)
        list->youngest = slot;
    else
        world->calls[call->newer].older = slot;
    if (older == NOBODY)
        list->oldest = slot;
    else
        world->calls[older].newer = slot;
}

void watch_leave(struct world *world, struct call *call)
{
    struct waiting *list = &world->waiting[call->class];

    if (call->newer == NOBODY)
        list->youngest = call->older;
    else
        world->calls[call->newer].older = call->older;
    if (call->older == NOBODY)
        list->oldest = call->newer;
    else
        world->calls[call->older].newer = call->newer;
}

/* ---- order ---- */

/* The key by which the policy that the simulator made orders calls: lower goes first. */
static double key_of(const struct world *world, const struct call *call)
{
    double credit_ms = world->scenario->credit_s / world->scenario->tick_s;

    if (world->scenario->strict)
        return call->priority * 1e18 + (double)call->queued_ms;
    return (double)call->queued_ms - credit_ms * (5 - call->priority);
}

void watch_turn(struct world *world, const struct call *call)
{
    if (!world->fifo)
        return;
    if (world->waiting[call->class].oldest != world_slot(world, call))
        watch_breach(world, "an older call of the same class was passed over", call->number);
    for (size_t i = 0; world->scenario->known_order && i < world->scenario->n_classes; i++) {
        uint32_t oldest = world->waiting[i].oldest;

        if (oldest != NOBODY &&
            world->scenario->classes[i].group == world->scenario->classes[call->class].group &&
            key_of(world, &world->calls[oldest]) < key_of(world, call) - 1)
            watch_breach(world, "a call with a better key was passed over", call->number);
    }
}

/* Work conservation: whoever is free serves whoever waits, when anybody can serve anybody. */
void watch_step(struct world *world)
{
    struct cf_engine_counts counts;

    if (!world->one_pool)
        return;
    cf_engine_counts(world->engine, &counts);
    if (counts.waiting > 0 && counts.available > 0)
        watch_breach(world, "a call waits beside a free agent", world->arrived);
}
