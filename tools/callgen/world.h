/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world - the simulated contact centre: its calls, its agents, and the clock that moves them.
 *
 * Vocabulary
 *   call    planned -> waiting (call-started written) -> talking (a `connected` decision was read) -> over
 *           (call-ended written) -> complete (call-queued, a last decision and call-updated were read)
 *   agent   offline -> available -> ringing (offered a call) -> answered -> talking -> wrapup -> available;
 *           missing: offered a call and not going to answer
 *   ticket  number that changes with each state; a timer set for an older one is void
 * Promise: one thread; results never call back into the bus; every wait is bounded by options.timeout_s.
 */
#ifndef CG_WORLD_H
#define CG_WORLD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "bus.h"
#include "idset.h"
#include "options.h"
#include "plan.h"
#include "random.h"
#include "report.h"
#include "timers.h"

#define CG_ID_SIZE 129 /* 128 characters and NUL */
#define CG_NOBODY UINT32_MAX

enum cg_call_state { CG_PLANNED, CG_WAITING, CG_TALKING, CG_OVER, CG_COMPLETE };

struct cg_call {
    const struct cg_planned *plan;
    enum cg_call_state state;
    uint32_t ticket;
    uint32_t agent; /* offered to, or talking with; CG_NOBODY */
    /* Times in ms since the start of the run; 0: did not happen. */
    uint64_t started_ms, queued_ms, offered_ms, connected_ms, ended_ms, updated_ms;
    int64_t started_wall_ms;
    uint32_t n_queued, n_offered, n_missed, n_requeued, n_connected, n_final, n_updated;
    const char *final; /* "ended" or "abandoned": the last decision */
    /* The latest data of each kind, kept for the report only. */
    json_t *queued, *routed, *updated;
};

enum cg_agent_state { CG_OFFLINE, CG_AVAILABLE, CG_RINGING, CG_MISSING, CG_ANSWERED, CG_BUSY, CG_WRAPUP };

struct cg_agent {
    enum cg_agent_state state;
    uint32_t ticket;
    uint32_t call; /* CG_NOBODY */
    uint32_t n_events;
    json_int_t away_seq; /* of the decision that last took the agent out of rotation */
    char offer_id[CG_ID_SIZE];
};

/* An offer as it was read. */
struct cg_offer {
    uint32_t call;
    const char *id;
    json_int_t seq; /* of the decision, in its routing domain */
};

struct cg_world {
    const struct cg_options *options;
    const struct cg_plan *plan;
    struct cg_bus *bus;
    struct cg_call *calls;
    struct cg_agent *agents;
    struct cg_timers timers;
    struct cg_idset seen;
    struct cg_random random; /* ringing and wrap-up times: drawn as decisions come in */
    struct cg_report *report;
    uint64_t mono_start_ms, now_ms, last_change_ms;
    uint32_t longest_ms; /* of all talks and patiences: so long it may be quiet */
    uint32_t n_started, n_complete;
    uint32_t n_repeated;    /* the same event read twice */
    uint32_t n_double_held; /* an agent who talks was offered another call */
    bool failed;            /* Kafka refused an event; cg_bus_error() says why */
};

void cg_world_init(struct cg_world *world, const struct cg_options *options, const struct cg_plan *plan,
                   struct cg_bus *bus, struct cg_report *report);
/** Plays until all calls are complete or nothing happens any more. Returns -1 when Kafka is lost. */
CF_CHECKED int cg_world_run(struct cg_world *world);
void cg_world_done(struct cg_world *world);

/* ---- between the parts ---- */
void cg_world_look_at_clock(struct cg_world *world);
void cg_world_timer(struct cg_world *world, uint64_t delay_ms, enum cg_action action, uint32_t index,
                    uint32_t ticket);

/* agents.c */
void cg_agents_start(struct cg_world *world);
void cg_agents_stop(struct cg_world *world);
const char *cg_agent_name(uint32_t agent);
void cg_agent_offered(struct cg_world *world, uint32_t index, const struct cg_offer *offer);
/** The call is no longer this agent's: it was requeued, abandoned, or the answer came too late. */
void cg_agent_released(struct cg_world *world, uint32_t index, uint32_t call);
void cg_agent_connected(struct cg_world *world, uint32_t index, uint32_t call);
void cg_agent_hung_up(struct cg_world *world, uint32_t index);
void cg_agent_sent_away(struct cg_world *world, uint32_t index, json_int_t seq);
void cg_agent_timer(struct cg_world *world, const struct cg_timer *timer);

/* results.c: a cg_result_fn whose `arg` is the world */
void cg_result_read(void *arg, const struct cg_result *result);

/* events.c: the ids of this run, and the input events */
void cg_call_id(const struct cg_world *world, uint32_t call, char ret_id[CG_ID_SIZE]);
void cg_agent_id(const struct cg_world *world, uint32_t agent, char ret_id[CG_ID_SIZE]);
/** Index of a call or agent of this run, CG_NOBODY for any other id (NULL included). */
uint32_t cg_call_of(const struct cg_world *world, const char *id);
uint32_t cg_agent_of(const struct cg_world *world, const char *id);
void cg_write_started(struct cg_world *world, uint32_t call);
void cg_write_ended(struct cg_world *world, uint32_t call);
void cg_write_agent(struct cg_world *world, uint32_t agent, const char *state);

#endif
