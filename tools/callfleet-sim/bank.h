/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bank - recorded calls of a bank's call centre (Anonymous Bank, 1999: Mandelbaum, Guedj, Sakov and Zeltyn)
 * as a scenario.
 *
 * The file: 17 columns separated by tabs, a header, CRLF; it is not part of callfleet. Its dirt is survived,
 * not repaired: call ids repeat, some times are negative or run over midnight, recorded services of one agent
 * overlap. So arrivals, patience and service times are taken from it, and which agent served whom is not.
 */
#ifndef CF_SIM_BANK_H
#define CF_SIM_BANK_H

#include <stdio.h>

#include "sim.h"

enum { BANK_TYPES = 6, BANK_PRIORITIES = 3, BANK_DAY_S = 86400 };
extern const char *const bank_types[BANK_TYPES];

enum bank_outcome { BANK_AGENT, BANK_HANG, BANK_PHANTOM };

struct bank_call {
    uint8_t type, priority, outcome; /* priority: as recorded, 2 is the urgent one */
    bool queued;
    uint32_t server;  /* index, 0: none */
    double came;      /* to the queue, or to an agent at once: seconds since the first day */
    double wait;      /* q_time */
    double ser_start; /* seconds since the first day */
    double service;
};

struct bank {
    struct bank_call *calls; /* in order of `came` */
    size_t n, n_phantoms, n_servers;
    int64_t start_ms; /* the first day, 0:00, read as UTC */
    double end;       /* of the last day */
    size_t overlaps, midnights, bad_waits,
        unnamed; /* dirt met: services of one agent that overlap, services over
                     midnight, q_time that is not exit - start, no server */
};

CF_CHECKED int bank_read(const char *path, struct bank *ret_bank, struct cf_err *err);
void bank_done(struct bank *bank);

/* As recorded or as simulated: the same figures of both. */
struct bank_kpis {
    double calls, agent, hang, hang_in_queue, queued, queued_answered;
    double wait_queued_answered, wait_answered, wait_abandoned, wait_max, aht, abandonment;
    double sl_a, sl_b, sl_d, sl_e;
    double wait_by_priority[BANK_PRIORITIES]; /* of calls that waited and were answered */
    double patience;                          /* total wait / abandoned: exponential, by maximum likelihood */
};
struct bank_kpis bank_recorded(const struct bank *bank, double within_s);
struct bank_kpis bank_simulated(const struct sim_result *result);

struct bank_plan {
    bool strict, kaplan_meier;
    double credit_s;
    double break_s; /* an agent without a recorded service for longer is not on duty */
    double within_s;
    uint64_t seed;
};

/** The scenario; the caller frees. */
struct sim_scenario *bank_scenario(const struct bank *bank, const struct bank_plan *plan);

int bank_main(int argc, char **argv);

#endif
