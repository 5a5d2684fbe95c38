/* SPDX-License-Identifier: Apache-2.0 */
/* What agents and callers say, and what the engine's decisions mean to them. */
#include "world.h"

#include <math.h>

#define BACK_S 30.0 /* until an agent whom the routing took off duty says that he is there again */

uint32_t world_slot(const struct world *world, const struct call *call)
{
    return (uint32_t)(call - world->calls);
}

/* ---- what they say ---- */

static struct cf_rt_record record_of(enum cf_rt_kind kind, struct cf_str topic)
{
    struct cf_rt_record record = {.kind = kind};

    record.cause.topic = topic;
    return record;
}

void world_say(struct world *world, uint32_t number, enum cf_agent_status state, const struct call *call)
{
    struct cf_rt_record record = record_of(CF_RT_AGENT_STATE, CF_STR("agent-state"));
    struct agent *agent = &world->agents[number];
    struct cf_agent_state event = {.agent_id = cf_str_of(agent->id), .state = state};

    /* Two events of one moment in the order in which he sends them. */
    agent->last_at_ms = world->now_ms > agent->last_at_ms ? world->now_ms : agent->last_at_ms + 1;
    event.at = agent->last_at_ms;
    if (call)
        event.call_id = cf_str_of(call->id);
    if (agent->team->name[0])
        event.team_id = cf_str_of(agent->team->name);
    if (state == CF_AGENT_AVAILABLE) {
        event.has_skills = true;
        event.skills = agent->team->skills.items;
        event.n_skills = agent->team->skills.n;
    }
    record.u.agent_state = &event;
    sim_feed(world, &record);
}

void world_end_call(struct world *world, const struct call *call, const char *by)
{
    struct cf_rt_record record = record_of(CF_RT_CALL_ENDED, CF_STR("call-ended"));
    struct cf_call_ended event = {.call_id = cf_str_of(call->id),
                                  .ended_at = world->now_ms,
                                  .ended_by = cf_str_of(by),
                                  .talk_ms = -1,
                                  .hold_ms = -1,
                                  .queue_ms = -1,
                                  .started_at = INT64_MIN};

    if (call->state == CALL_TALKING && call->agent != NOBODY)
        event.agent_id = cf_str_of(world->agents[call->agent].id);
    record.u.call_ended = &event;
    sim_feed(world, &record);
}

void world_answer_offers(struct world *world)
{
    const struct sim_dist *delay = &world->scenario->answer;

    /* An answer can bring the next offer. */
    for (uint32_t i = 0; i < world->n_offers; i++) {
        uint32_t number = world->offers[i];
        const struct agent *agent = &world->agents[number];

        if (agent->call == NOBODY || world->calls[agent->call].state != CALL_OFFERED)
            continue;
        if (delay->kind == SIM_CONST && delay->a <= 0)
            world_say(world, number, CF_AGENT_CONNECTED, &world->calls[agent->call]);
        else
            sim_schedule(world, world->now + sim_dist_draw(delay, &world->desk), SIM_EV_ANSWER, number,
                         agent->offer);
    }
    world->n_offers = 0;
}

/* ---- what is decided ---- */

void world_drop_call(struct world *world, struct call *call)
{
    if (call->state == CALL_FREE)
        return;
    call->state = CALL_FREE;
    world->free_slots[world->n_free++] = world_slot(world, call);
    world->n_alive--;
}

static uint32_t number_behind(struct cf_str id, char mark)
{
    uint32_t n = 0;
    size_t i = id.n;

    while (i > 0 && id.p[i - 1] != mark)
        i--;
    for (; i < id.n; i++)
        n = n * 10 + (uint32_t)(id.p[i] - '0');
    return n;
}

static struct call *call_of(struct world *world, struct cf_str id)
{
    uint32_t slot = id.p ? number_behind(id, '-') : NOBODY;

    if (slot >= world->n_calls || !cf_str_is(id, world->calls[slot].id))
        return NULL;
    return world->calls[slot].state == CALL_FREE ? NULL : &world->calls[slot];
}

static struct agent *agent_of(struct world *world, struct cf_str id)
{
    uint32_t number = id.p ? number_behind(id, 'a') : NOBODY;

    return number < world->n_agents ? &world->agents[number] : NULL;
}

static void release(struct world *world, struct call *call)
{
    if (call->agent != NOBODY)
        world->agents[call->agent].call = NOBODY;
    call->agent = NOBODY;
}

static void leave_queue(struct world *world, struct call *call)
{
    if (call->state != CALL_WAITING)
        return;
    watch_leave(world, call);
    count_waiting(world, call, -1);
}

static void on_queued(struct world *world, const struct cf_call_routed *d, struct call *call)
{
    call->priority = (uint8_t)d->priority;
    call->queue = count_queue_row(world, d->queue_id);
    count_arrival(world, call);
}

static void on_offered(struct world *world, const struct cf_call_routed *d, struct call *call,
                       struct agent *agent)
{
    uint32_t row = count_queue_row(world, d->queue_id);

    if (agent->call != NOBODY)
        watch_breach(world, "an agent who holds a call is offered another", call->number);
    if (call->agent != NOBODY || (call->state != CALL_WAITING && call->state != CALL_NEW))
        watch_breach(world, "a call that does not wait is offered", call->number);
    if (!agent->on_duty)
        watch_breach(world, "a call is offered to somebody off duty", call->number);
    if (call->state == CALL_WAITING)
        watch_turn(world, call);
    leave_queue(world, call);
    /* A call in several queues is counted where it was found. */
    call->queue = row;
    call->state = CALL_OFFERED;
    call->agent = (uint32_t)(agent - world->agents);
    agent->call = world_slot(world, call);
    agent->offer = (uint64_t)d->seq;
    if (world->n_offers < 2 * world->n_agents)
        world->offers[world->n_offers++] = call->agent;
}

static void on_requeued(struct world *world, struct call *call)
{
    release(world, call);
    call->waited = true;
    call->state = CALL_WAITING;
    world->fifo = false; /* who missed a call is passed over from now on */
    watch_join(world, call);
    count_waiting(world, call, 1);
}

static void on_connected(struct world *world, struct call *call, struct agent *agent)
{
    if (call->state != CALL_OFFERED || agent->call != world_slot(world, call))
        watch_breach(world, "a call is connected that was not offered", call->number);
    call->state = CALL_TALKING;
    call->answered = world->now;
    call->waited |= call->answered > call->arrived;
    count_answer(world, call);
    agent->busy = true;
    count_desks(world, 1, 0);
    sim_schedule(world, world->now + call->service, SIM_EV_SERVICE, world_slot(world, call), call->number);
}

static void on_over(struct world *world, struct call *call, bool abandoned)
{
    bool talked = call->state == CALL_TALKING;

    if (talked && !call->ending)
        world->result->cut++;
    leave_queue(world, call);
    if (talked ? abandoned : call->ending != abandoned)
        watch_breach(world, "a call ends in the wrong way", call->number);
    if (!talked) {
        call->state = abandoned ? CALL_WAITING : CALL_CLOSING;
        count_end(world, call);
    }
    release(world, call);
    world_drop_call(world, call);
}

static void on_overflowed(struct world *world, const struct cf_call_routed *d, struct call *call)
{
    uint32_t row = count_queue_row(world, d->queue_id);

    if (call->state == CALL_WAITING)
        count_waiting(world, call, -1);
    if (call->counted) {
        world->result->rows[call->queue].overflowed++;
        world->result->rows[row].batches[call->batch].offered++;
    }
    call->queue = row;
    if (call->state == CALL_WAITING)
        count_waiting(world, call, 1);
    world->fifo = false;
}

static void set_free(struct world *world, struct agent *agent)
{
    if (agent->busy)
        count_desks(world, -1, 0);
    agent->busy = false;
}

static void on_unavailable(struct world *world, const struct cf_call_routed *d, struct agent *agent)
{
    uint32_t number = (uint32_t)(agent - world->agents);

    /* He has left his call: a wrap-up that he began himself, or the end of his shift. */
    if (agent->call != NOBODY && world->calls[agent->call].state == CALL_TALKING)
        release(world, &world->calls[agent->call]);
    if (cf_str_eq(d->reason, CF_STR("wrap-up")))
        return;
    set_free(world, agent);
    if (cf_str_eq(d->reason, CF_STR("no-answer")) || cf_str_eq(d->reason, CF_STR("max-talk")))
        sim_schedule(world, world->now + BACK_S, SIM_EV_WRAPPED, number, 0);
}

/* Nothing that the simulator says should be ignored, but for a call beyond the engine's limits. */
static void on_ignored(struct world *world, const struct cf_call_routed *d, struct call *call)
{
    if (cf_str_eq(d->reason, CF_STR("limit")) && call) {
        call->state = CALL_CLOSING;
        call->queue = count_queue_row(world, cf_str_of(world->scenario->classes[call->class].queue));
        count_arrival(world, call);
        count_end(world, call);
        world_drop_call(world, call);
    } else if (!cf_str_eq(d->reason, CF_STR("paused")) && !cf_str_eq(d->reason, CF_STR("no-change"))) {
        watch_breach(world, "an event of the simulator was ignored", call ? call->number : 0);
    }
}

static void on_call(struct world *world, const struct cf_call_routed *d, struct call *call,
                    struct agent *agent)
{
    if (cf_str_eq(d->decision, CF_STR("queued")))
        on_queued(world, d, call);
    else if (cf_str_eq(d->decision, CF_STR("offered")) && agent)
        on_offered(world, d, call, agent);
    else if (cf_str_eq(d->decision, CF_STR("connected")) && agent)
        on_connected(world, call, agent);
    else if (cf_str_eq(d->decision, CF_STR("ended")))
        on_over(world, call, false);
    else if (cf_str_eq(d->decision, CF_STR("abandoned")))
        on_over(world, call, true);
    else if (cf_str_eq(d->decision, CF_STR("requeued")))
        on_requeued(world, call);
    else if (cf_str_eq(d->decision, CF_STR("overflowed")))
        on_overflowed(world, d, call);
}

void world_on_decision(void *arg, const struct cf_call_routed *d)
{
    struct world *world = arg;
    struct call *call = call_of(world, d->call_id);
    struct agent *agent = agent_of(world, d->agent_id);

    world->result->decisions++;
    if (world->journal)
        journal_decision(world->journal, d);
    if (cf_str_eq(d->decision, CF_STR("agent-ready"))) {
        if (agent)
            set_free(world, agent);
    } else if (cf_str_eq(d->decision, CF_STR("agent-unavailable"))) {
        if (agent)
            on_unavailable(world, d, agent);
    } else if (cf_str_eq(d->decision, CF_STR("ignored"))) {
        on_ignored(world, d, call);
    } else if (call) {
        on_call(world, d, call, agent);
    } else {
        watch_breach(world, "a decision names a call that is over", 0);
    }
}
