/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock/clock.h"
#include "world.h"

void cg_call_id(const struct cg_world *world, uint32_t call, char ret_id[CG_ID_SIZE])
{
    (void)snprintf(ret_id, CG_ID_SIZE, "%s-%06u", world->options->run, call + 1);
}

void cg_agent_id(const struct cg_world *world, uint32_t agent, char ret_id[CG_ID_SIZE])
{
    (void)snprintf(ret_id, CG_ID_SIZE, "%s%03u", world->options->agent_prefix, agent + 1);
}

/* The number behind `prefix` and `dash`, less one. */
static uint32_t index_of(const char *id, const char *prefix, const char *dash, uint32_t count)
{
    size_t n = strlen(prefix);
    uint64_t number;

    if (id == NULL || strncmp(id, prefix, n) != 0 || strncmp(id + n, dash, strlen(dash)) != 0) {
        return CG_NOBODY;
    }
    if (!cf_str_u64(cf_str_of(id + n + strlen(dash)), &number) || number < 1 || number > count) {
        return CG_NOBODY;
    }
    return (uint32_t)number - 1;
}

uint32_t cg_call_of(const struct cg_world *world, const char *id)
{
    return index_of(id, world->options->run, "-", (uint32_t)world->plan->n);
}

uint32_t cg_agent_of(const struct cg_world *world, const char *id)
{
    return index_of(id, world->options->agent_prefix, "", world->options->agents);
}

static void write_event(struct cg_world *world, const char *topic, const char *key, const char *id,
                        json_t *data)
{
    world->failed |= cg_bus_write(world->bus, topic, key, id, data) != 0;
}

void cg_write_started(struct cg_world *world, uint32_t call)
{
    struct cg_call *c = &world->calls[call];
    char id[CG_ID_SIZE], event_id[CG_ID_SIZE + 16], time[CF_CLOCK_TEXT_SIZE];

    cg_call_id(world, call, id);
    (void)snprintf(event_id, sizeof event_id, "%s.started", id);
    c->started_wall_ms = cf_clock_wall_ms();
    cf_clock_format(c->started_wall_ms, time);
    write_event(world, "call-started", id, event_id,
                json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s*, s:s*, s:O*}", "callId", id, "ani",
                          c->plan->ani, "dnis", c->plan->dnis, "startedAt", time, "direction", "inbound",
                          "channel", "telephony", "entryPointId", c->plan->entry_point, "language",
                          c->plan->language, "attributes", c->plan->attributes));
}

/* What only a call that was answered has. */
static void add_talk(const struct cg_world *world, const struct cg_call *c, json_t *data)
{
    char agent[CG_ID_SIZE];

    cg_agent_id(world, c->agent, agent);
    (void)json_object_set_new(data, "agentId", json_string(agent));
    (void)json_object_set_new(data, "agentName", json_string(cg_agent_name(c->agent)));
    (void)json_object_set_new(data, "notes", json_string(c->plan->notes));
    (void)json_object_set_new(data, "wrapUpCode", json_string(c->plan->wrap_up));
    (void)json_object_set_new(data, "talkMs", json_integer((json_int_t)(c->ended_ms - c->connected_ms)));
}

void cg_write_ended(struct cg_world *world, uint32_t call)
{
    struct cg_call *c = &world->calls[call];
    bool answered = c->n_connected > 0;
    uint64_t until_ms = answered ? c->connected_ms : c->ended_ms;
    char id[CG_ID_SIZE], event_id[CG_ID_SIZE + 16], now[CF_CLOCK_TEXT_SIZE], started[CF_CLOCK_TEXT_SIZE];
    json_t *data;

    cg_call_id(world, call, id);
    (void)snprintf(event_id, sizeof event_id, "%s.ended", id);
    cf_clock_format(cf_clock_wall_ms(), now);
    cf_clock_format(c->started_wall_ms, started);
    data = json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:s*, s:s}", "callId", id, "endedAt", now,
                     "endedBy", answered && call % 2 == 1 ? "agent" : "caller", "reason",
                     answered ? "completed" : "abandoned", "queueMs", (json_int_t)(until_ms - c->started_ms),
                     "ani", c->plan->ani, "dnis", c->plan->dnis, "startedAt", started, "entryPointId",
                     c->plan->entry_point, "direction", "inbound");
    if (answered && data != NULL) {
        add_talk(world, c, data);
    }
    write_event(world, "call-ended", id, event_id, data);
}

void cg_write_agent(struct cg_world *world, uint32_t agent, const char *state)
{
    struct cg_agent *a = &world->agents[agent];
    char id[CG_ID_SIZE], event_id[CG_ID_SIZE * 2 + 32], call[CG_ID_SIZE], now[CF_CLOCK_TEXT_SIZE];
    json_t *data;

    cg_agent_id(world, agent, id);
    (void)snprintf(event_id, sizeof event_id, "%s.%s.%u", world->options->run, id, ++a->n_events);
    cf_clock_format(cf_clock_wall_ms(), now);
    data = json_pack("{s:s, s:s, s:s, s:s}", "agentId", id, "at", now, "state", state, "name",
                     cg_agent_name(agent));
    if (a->call != CG_NOBODY && data != NULL) {
        cg_call_id(world, a->call, call);
        (void)json_object_set_new(data, "callId", json_string(call));
        (void)json_object_set_new(data, "offerId", json_string(a->offer_id));
    }
    if (world->options->agent_fields != NULL && data != NULL) {
        (void)json_object_update_missing(data, world->options->agent_fields);
    }
    write_event(world, "agent-state", id, event_id, data);
}
