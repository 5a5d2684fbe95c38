/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "world.h"

static const char *text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static json_int_t seq_of(const json_t *decision)
{
    return json_integer_value(json_object_get(decision, "seq"));
}

static void keep(const struct cg_world *world, json_t **place, json_t *data)
{
    if (cg_report_keeps_data(world->report)) {
        json_decref(*place);
        *place = json_incref(data);
    }
}

/* The call has all its results: its report line is written and its data let go. */
static void complete_if_done(struct cg_world *world, uint32_t index)
{
    struct cg_call *call = &world->calls[index];

    if (call->state == CG_OVER && call->n_queued > 0 && call->n_final > 0 && call->n_updated > 0) {
        call->state = CG_COMPLETE;
        world->n_complete++;
        cg_report_call(world->report, world, index);
    }
}

static void start_talk(struct cg_world *world, uint32_t index, uint32_t agent)
{
    struct cg_call *call = &world->calls[index];

    call->connected_ms = world->now_ms;
    call->agent = agent;
    call->state = CG_TALKING;
    cg_world_timer(world, call->plan->talk_ms, CG_CALL_HANG_UP, index, ++call->ticket);
}

/* Nobody routes: somebody answers at once. */
static void answer_unrouted(struct cg_world *world, uint32_t index)
{
    struct cg_call *call = &world->calls[index];

    if (call->state == CG_WAITING && !call->plan->abandons) {
        call->n_connected++;
        start_talk(world, index, index % world->options->agents);
    }
}

static void read_queued(struct cg_world *world, uint32_t index, json_t *data)
{
    struct cg_call *call = &world->calls[index];

    if (call->n_queued++ == 0) {
        call->queued_ms = world->now_ms;
        cg_report_latency(world->report, CG_STARTED_TO_QUEUED, world->now_ms - call->started_ms);
    }
    keep(world, &call->queued, data);
    if (world->options->no_routing) {
        answer_unrouted(world, index);
    }
}

static void read_updated(struct cg_world *world, struct cg_call *call, json_t *data)
{
    if (call->n_updated++ == 0) {
        call->updated_ms = world->now_ms;
        if (call->ended_ms != 0) {
            cg_report_latency(world->report, CG_ENDED_TO_UPDATED, world->now_ms - call->ended_ms);
        }
    }
    keep(world, &call->updated, data);
}

static void offered(struct cg_world *world, uint32_t index, uint32_t agent, const json_t *data)
{
    struct cg_call *call = &world->calls[index];
    const char *offer_id = text(data, "offerId");
    struct cg_offer offer = {index, offer_id == NULL ? "" : offer_id, seq_of(data)};

    if (call->n_offered++ == 0) {
        call->offered_ms = world->now_ms;
        cg_report_latency(world->report, CG_QUEUED_TO_OFFERED,
                          world->now_ms - (call->queued_ms == 0 ? world->now_ms : call->queued_ms));
    }
    /* When the caller has hung up already, nobody's telephone rings. */
    if (agent != CG_NOBODY && call->state == CG_WAITING) {
        call->agent = agent;
        cg_agent_offered(world, agent, &offer);
    }
}

static void connected(struct cg_world *world, uint32_t index, uint32_t agent)
{
    struct cg_call *call = &world->calls[index];

    if (call->n_connected++ > 0 || agent == CG_NOBODY || call->state != CG_WAITING) {
        return;
    }
    start_talk(world, index, agent);
    cg_agent_connected(world, agent, index);
}

/* The caller hung up so early that call-ended overtook call-queued: the call never enters a queue. */
static bool overtaken(const char *decision, const json_t *data)
{
    const char *reason = text(data, "reason"), *cause = text(json_object_get(data, "cause"), "topic");

    return strcmp(decision, "ignored") == 0 && reason != NULL && strcmp(reason, "late") == 0 &&
           cause != NULL && strcmp(cause, "call-queued") == 0;
}

static void read_call_decision(struct cg_world *world, uint32_t index, const char *decision, json_t *data)
{
    struct cg_call *call = &world->calls[index];
    uint32_t agent = cg_agent_of(world, text(data, "agentId"));

    if (strcmp(decision, "offered") == 0) {
        keep(world, &call->routed, data);
        offered(world, index, agent, data);
    } else if (strcmp(decision, "connected") == 0) {
        keep(world, &call->routed, data);
        connected(world, index, agent);
    } else if (strcmp(decision, "queued") == 0 || strcmp(decision, "overflowed") == 0) {
        keep(world, &call->routed, data);
    } else if (strcmp(decision, "requeued") == 0) {
        call->n_requeued++;
    } else if (strcmp(decision, "ended") == 0 || strcmp(decision, "abandoned") == 0) {
        call->n_final++;
        call->final = decision[0] == 'e' ? "ended" : "abandoned";
    } else if (overtaken(decision, data)) {
        call->n_final++;
        call->final = "abandoned";
    }
    if (strcmp(decision, "requeued") == 0 || strcmp(decision, "abandoned") == 0) {
        agent = agent == CG_NOBODY ? call->agent : agent;
        if (agent != CG_NOBODY) {
            cg_agent_released(world, agent, index);
        }
    }
}

/* An answer that came too late: the agent is free again. Answers are known by their offer. */
static void read_ignored(struct cg_world *world, uint32_t agent, const json_t *data)
{
    const char *offer_id = text(data, "offerId");
    struct cg_agent *a = &world->agents[agent];

    if (a->state == CG_ANSWERED && offer_id != NULL && strcmp(offer_id, a->offer_id) == 0) {
        cg_agent_released(world, agent, a->call);
    }
}

static void read_routed(struct cg_world *world, uint32_t call, json_t *data)
{
    uint32_t agent = cg_agent_of(world, text(data, "agentId"));
    const char *decision = text(data, "decision"), *reason = text(data, "reason");

    if (decision == NULL) {
        return;
    }
    if (call != CG_NOBODY) {
        read_call_decision(world, call, decision, data);
    }
    if (agent != CG_NOBODY && strcmp(decision, "ignored") == 0) {
        read_ignored(world, agent, data);
    }
    if (agent != CG_NOBODY && strcmp(decision, "agent-unavailable") == 0 && reason != NULL &&
        strcmp(reason, "no-answer") == 0) {
        cg_agent_sent_away(world, agent, seq_of(data));
    }
}

void cg_result_read(void *arg, const struct cg_result *result)
{
    struct cg_world *world = arg;
    uint32_t call = cg_call_of(world, text(result->data, "callId"));

    if (call == CG_NOBODY && cg_agent_of(world, text(result->data, "agentId")) == CG_NOBODY) {
        return; /* of another run */
    }
    cg_world_look_at_clock(world); /* a read may have waited for this result */
    if (!cg_idset_add(&world->seen, result->topic_name, result->id)) {
        world->n_repeated++;
    }
    if (result->topic == CG_CALL_ROUTED) {
        if (!world->options->no_routing) {
            read_routed(world, call, result->data);
        }
    } else if (call != CG_NOBODY && result->topic == CG_CALL_QUEUED) {
        read_queued(world, call, result->data);
    } else if (call != CG_NOBODY && result->topic == CG_CALL_UPDATED) {
        read_updated(world, &world->calls[call], result->data);
    }
    if (call != CG_NOBODY) {
        world->last_change_ms = world->now_ms;
        complete_if_done(world, call);
    }
}
