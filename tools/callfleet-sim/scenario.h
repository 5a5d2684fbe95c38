/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenario - what is simulated: callers in classes, agents in teams, a routing policy, and how long.
 *
 * Times are seconds of virtual time from 0. One engine millisecond is `tick_s` of virtual time; the times of
 * the policy are scaled by it, so a queue with services of microseconds or of weeks is simulated as well.
 */
#ifndef CF_SIM_SCENARIO_H
#define CF_SIM_SCENARIO_H

#include <stdint.h>

#include "arrivals.h"
#include "event/event.h"

enum {
    SIM_MAX_CLASSES = 64,
    SIM_MAX_TEAMS = 256,
    SIM_MAX_AGENTS = 100000,
    SIM_MAX_SKILLS = 16,
    SIM_MAX_SHIFTS = 512,
    SIM_NAME = 64,
};

struct sim_skills {
    struct cf_skill items[SIM_MAX_SKILLS]; /* texts: in `text` */
    size_t n;
    char names[SIM_MAX_SKILLS][SIM_NAME], texts[SIM_MAX_SKILLS][SIM_NAME];
};

struct sim_class {
    char name[SIM_NAME], queue[SIM_NAME], entry_point[SIM_NAME], tier[SIM_NAME], language[SIM_NAME];
    int64_t priority; /* 0: the producer asks for none */
    int group;        /* calls of one group can be served by the same agents (sim.h: order is checked) */
    struct sim_skills skills;
    struct sim_arrivals arrivals;
    struct sim_dist service, patience;
};

struct sim_shift {
    double from, to;
};

struct sim_team {
    char name[SIM_NAME]; /* "": no team */
    size_t count;
    struct sim_skills skills;
    struct sim_shift shifts[SIM_MAX_SHIFTS]; /* none: always on duty */
    size_t n_shifts;
};

struct sim_scenario {
    struct sim_class *classes; /* owned, as all below */
    size_t n_classes;
    struct sim_team *teams;
    size_t n_teams;
    char *policy;     /* JSON with the times as written; NULL: from order, credit_s and the classes' queues */
    bool known_order; /* strict and credit_s are what the policy says: the order is checked */
    bool strict;
    double credit_s, max_wait_s, wrap_s; /* of the policy that is made */
    int64_t room;                        /* its maxCalls; 0: no limit */
    struct sim_dist answer;              /* delay from offer to answer; const 0 when none */
    struct sim_dist wrap; /* after-call work that the agents end themselves; none: the policy's */
    uint64_t seed;
    size_t calls, warm_up; /* calls: after the warm-up, 0: as many as come before horizon_s */
    double horizon_s;      /* no arrivals later; 0: no limit */
    size_t replications, batches;
    double within_s; /* T of the service levels */
    double tick_s;   /* 0: chosen from the services */
    int64_t start_ms;
};

struct sim_scenario *sim_scenario_new(void);
void sim_scenario_free(struct sim_scenario *scenario);
/** NULL: no room for another. It gets the settings of `like` that can be shared (not files), or the defaults.
 */
struct sim_class *sim_scenario_add_class(struct sim_scenario *scenario, const char *name);
struct sim_team *sim_scenario_add_team(struct sim_scenario *scenario, size_t count);
/** Fills what was left open and says what cannot be simulated. */
CF_CHECKED int sim_scenario_finish(struct sim_scenario *scenario, struct cf_err *err);
/** The policy as the engine gets it: its own or the made one, times scaled. The caller frees. NULL: `err`. */
CF_CHECKED char *sim_scenario_policy(const struct sim_scenario *scenario, struct cf_err *err);
/** Adds what a JSON file says (README.md has its members). */
CF_CHECKED int sim_scenario_read(struct sim_scenario *scenario, const char *path, struct cf_err *err);
size_t sim_scenario_n_agents(const struct sim_scenario *scenario);

#endif
