/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <stdlib.h>

#include "clock/clock.h"
#include "str/str.h"

#define MAX_WAIT_MS 50

void cg_world_timer(struct cg_world *world, uint64_t delay_ms, enum cg_action action, uint32_t index,
                    uint32_t ticket)
{
    struct cg_timer timer = {
        .due_ms = world->now_ms + delay_ms, .action = action, .index = index, .ticket = ticket};

    cg_timers_add(&world->timers, timer);
}

static uint32_t longer(uint32_t a_ms, uint32_t b_ms)
{
    return a_ms > b_ms ? a_ms : b_ms;
}

void cg_world_init(struct cg_world *world, const struct cg_options *options, const struct cg_plan *plan,
                   struct cg_bus *bus, struct cg_report *report)
{
    *world = (struct cg_world){.options = options, .plan = plan, .bus = bus, .report = report};
    world->calls = cf_calloc(plan->n + 1, sizeof *world->calls);
    world->agents = cf_calloc((size_t)options->agents + 1, sizeof *world->agents);
    cg_random_init(&world->random, options->seed ^ 0x5DEECE66DU);
    for (size_t i = 0; i < plan->n; i++) {
        world->calls[i].plan = &plan->calls[i];
        world->calls[i].agent = CG_NOBODY;
        world->longest_ms =
            longer(world->longest_ms, longer(plan->calls[i].talk_ms, plan->calls[i].patience_ms));
    }
}

void cg_world_done(struct cg_world *world)
{
    for (size_t i = 0; i < world->plan->n; i++) {
        json_decref(world->calls[i].queued);
        json_decref(world->calls[i].routed);
        json_decref(world->calls[i].updated);
    }
    free(world->calls);
    free(world->agents);
    cg_timers_done(&world->timers);
    cg_idset_done(&world->seen);
}

/* 0 means "did not happen" in a call's times, so the run's first millisecond is 1. */
void cg_world_look_at_clock(struct cg_world *world)
{
    world->now_ms = cf_clock_mono_ms() - world->mono_start_ms + 1;
}

static void end_call(struct cg_world *world, uint32_t index)
{
    struct cg_call *call = &world->calls[index];

    call->state = CG_OVER;
    call->ticket++;
    call->ended_ms = world->now_ms;
    if (world->options->no_routing) { /* nobody else decides how it ended */
        call->n_final++;
        call->final = call->n_connected > 0 ? "ended" : "abandoned";
    }
    cg_write_ended(world, index);
}

static void call_timer(struct cg_world *world, const struct cg_timer *timer)
{
    struct cg_call *call = &world->calls[timer->index];

    if (timer->ticket != call->ticket) {
        return;
    }
    switch (timer->action) {
    case CG_CALL_START:
        call->state = CG_WAITING;
        call->started_ms = world->now_ms;
        world->n_started++;
        cg_write_started(world, timer->index);
        if (call->plan->abandons) {
            cg_world_timer(world, call->plan->patience_ms, CG_CALL_GIVE_UP, timer->index, call->ticket);
        }
        break;
    case CG_CALL_GIVE_UP:
        end_call(world, timer->index);
        break;
    case CG_CALL_HANG_UP:
        end_call(world, timer->index);
        if (!world->options->no_routing) {
            cg_agent_hung_up(world, call->agent);
        }
        break;
    case CG_AGENT_ANSWER:
    case CG_AGENT_AVAILABLE:
        break;
    }
    world->last_change_ms = world->now_ms;
}

static void run_timers(struct cg_world *world)
{
    struct cg_timer timer;

    while (cg_timers_take(&world->timers, world->now_ms, &timer)) {
        if (timer.action == CG_AGENT_ANSWER || timer.action == CG_AGENT_AVAILABLE) {
            cg_agent_timer(world, &timer);
        } else {
            call_timer(world, &timer);
        }
    }
}

/* One turn: what is due, then what has come in. */
static int turn(struct cg_world *world)
{
    cg_world_look_at_clock(world);
    run_timers(world);
    cg_report_progress(world->report, world);
    if (world->failed) {
        return -1;
    }
    if (cg_bus_read(world->bus, cg_timers_wait_ms(&world->timers, world->now_ms, MAX_WAIT_MS), cg_result_read,
                    world) != 0) {
        return -1;
    }
    return 0;
}

static bool gives_up(const struct cg_world *world)
{
    const struct cg_plan *plan = world->plan;
    uint64_t planned_ms = plan->n == 0 ? 0 : plan->calls[plan->n - 1].at_ms;
    uint64_t quiet_since_ms = planned_ms > world->last_change_ms ? planned_ms : world->last_change_ms;
    uint64_t timeout_ms = (uint64_t)world->options->timeout_s * 1000 + world->longest_ms;

    /* The second bound is for a fleet that keeps deciding and never finishes a call. */
    return world->now_ms > quiet_since_ms + timeout_ms || world->now_ms > planned_ms + 20 * timeout_ms;
}

int cg_world_run(struct cg_world *world)
{
    uint64_t until_ms;

    world->mono_start_ms = cf_clock_mono_ms();
    cg_world_look_at_clock(world);
    world->last_change_ms = world->now_ms;
    if (!world->options->no_routing) {
        cg_agents_start(world);
    }
    for (uint32_t i = 0; i < world->plan->n; i++) {
        cg_world_timer(world, world->plan->calls[i].at_ms, CG_CALL_START, i, 0);
    }
    while (world->n_complete < world->plan->n && !gives_up(world)) {
        if (turn(world) != 0) {
            return -1;
        }
    }
    /* Doubles come after their firsts. */
    until_ms = world->now_ms + world->options->settle_ms;
    while (world->now_ms < until_ms) {
        if (turn(world) != 0) {
            return -1;
        }
    }
    if (!world->options->no_routing) {
        cg_agents_stop(world);
    }
    return world->failed || cg_bus_flush(world->bus, 10000) != 0 ? -1 : 0;
}
