/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world - the simulated callers and agents of one run, shared by the files of the simulator.
 *
 * sim.c moves time and feeds the engine, world.c follows its decisions, count.c counts, watch.c checks.
 */
#ifndef CF_SIM_WORLD_H
#define CF_SIM_WORLD_H

#include <stdio.h>

#include "calendar.h"
#include "engine/engine.h"
#include "sim.h"

#define NOBODY UINT32_MAX

enum call_state { CALL_FREE, CALL_NEW, CALL_WAITING, CALL_OFFERED, CALL_TALKING, CALL_CLOSING };

struct call {
    char id[32]; /* "c<number>-<slot>" */
    uint64_t number;
    double arrived, answered, service, patience;
    int64_t queued_ms;
    uint32_t class, queue, batch, agent;
    uint32_t older, newer; /* slots, in its class, while it waits */
    uint8_t state;         /* enum call_state */
    bool counted, waited;  /* waited: was not answered in the step that brought it */
    bool ending;           /* we said call-ended */
    uint8_t priority;      /* the engine's */
};

struct agent {
    char id[24];
    const struct sim_team *team;
    uint32_t call;      /* slot, or NOBODY */
    uint64_t offer;     /* seq of the offer */
    int64_t last_at_ms; /* of his last event: they must ascend */
    bool on_duty, busy, leaving, wrapping;
};

struct waiting {
    uint32_t oldest, youngest; /* slots */
};

struct world {
    const struct sim_scenario *scenario;
    struct sim_result *result;
    struct journal *journal;
    struct cf_engine *engine;
    struct cf_str domain;
    struct sim_calendar calendar;
    double now;
    int64_t now_ms, offset;
    int64_t n_inputs[CF_RT_TICK]; /* by kind: offsets in the topics that the records came from, as it were */
    struct call *calls;
    uint32_t n_calls, n_alive, *free_slots, n_free;
    struct agent *agents;
    uint32_t n_agents;
    struct sim_source sources[SIM_MAX_CLASSES];
    struct sim_arrival next[SIM_MAX_CLASSES];
    struct sim_random arrivals[SIM_MAX_CLASSES], services[SIM_MAX_CLASSES], patiences[SIM_MAX_CLASSES], desk;
    struct waiting waiting[SIM_MAX_CLASSES];
    uint64_t arrived, limit; /* calls that came; that are to come */
    uint32_t n_coming;       /* classes with an arrival in the calendar */
    size_t batch, first_batch, n_run_batches;
    bool counting;
    double expected, started;   /* calls of all classes when known, else 0; when counting began */
    uint32_t *offers, n_offers; /* agents who must answer when the step is over */
    uint32_t row_of_class[SIM_MAX_CLASSES];
    double n_waiting[SIM_MAX_ROWS],
        since[SIM_MAX_ROWS]; /* per row: waiting calls, and their area until when */
    double n_busy, n_duty, desks_since;
    bool one_pool; /* anybody can serve anybody */
    bool fifo;     /* within a class the order of arrival holds */
};

/* sim.c */
void sim_feed(struct world *world, struct cf_rt_record *record);
void sim_schedule(struct world *world, double at, enum sim_event_kind kind, uint32_t who, uint64_t stamp);

/* world.c */
void world_on_decision(void *arg, const struct cf_call_routed *decision);
void world_say(struct world *world, uint32_t number, enum cf_agent_status state, const struct call *call);
void world_end_call(struct world *world, const struct call *call, const char *by);
void world_answer_offers(struct world *world);
void world_drop_call(struct world *world, struct call *call);
uint32_t world_slot(const struct world *world, const struct call *call);

/* count.c */
/** Calls from now on count, in this batch. */
void count_batch(struct world *world, size_t batch);
void count_arrival(struct world *world, const struct call *call);
void count_waiting(struct world *world, const struct call *call, double change);
void count_desks(struct world *world, double busy, double on_duty);
void count_answer(struct world *world, const struct call *call);
void count_end(struct world *world, const struct call *call);
/** Brings the areas up to now. */
void count_settle(struct world *world);
uint32_t count_queue_row(struct world *world, struct cf_str name);

/* watch.c */
void watch_breach(struct world *world, const char *text, uint64_t call);
void watch_join(struct world *world, struct call *call);
void watch_leave(struct world *world, struct call *call);
/** An offer to a waiting call: was it its turn? */
void watch_turn(struct world *world, const struct call *call);
void watch_step(struct world *world);

#endif
