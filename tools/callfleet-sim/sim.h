/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim - the routing engine in virtual time: callers arrive, agents answer, nobody waits for a clock.
 *
 * The simulator keeps continuous time; the engine sees it cut to its milliseconds, in the true order, so
 * order and waits are exact and only the engine's own timers (wrap-up, longest wait, steps) are a tick
 * coarse. Checked in every run, whatever the policy: an agent holds one call; a call is held by one agent,
 * and ends once; offers name calls that wait; with the policy that the simulator made itself also that no
 * call waits beside a free agent and that the best key goes first. A breach is counted and its first text
 * kept.
 */
#ifndef CF_SIM_SIM_H
#define CF_SIM_SIM_H

#include "journal.h"
#include "scenario.h"
#include "stats.h"

enum { SIM_MAX_ROWS = 1 + 2 * SIM_MAX_CLASSES };

enum sim_row_kind { SIM_ROW_ALL, SIM_ROW_CLASS, SIM_ROW_QUEUE };

struct sim_row {
    enum sim_row_kind kind;
    char name[SIM_NAME];
    struct sim_tally *batches;   /* n_batches of the result */
    struct sim_histogram *waits; /* of answered calls */
    double overflowed;           /* QUEUE: left for another queue */
};

struct sim_result {
    struct sim_row rows[SIM_MAX_ROWS];
    size_t n_rows, n_batches;
    uint64_t calls, records, decisions; /* warm-up included */
    uint64_t open;                      /* neither answered nor gone when nothing more could happen */
    uint64_t cut;                       /* talks that the engine ended itself */
    uint64_t breaches;
    char breach[200]; /* the first one */
    double tick_s, virtual_s;
};

/** Runs the scenario. `journal` may be NULL. -1: the policy is refused, or the journal cannot be written. */
CF_CHECKED int sim_run(const struct sim_scenario *scenario, struct journal *journal,
                       struct sim_result *ret_result, struct cf_err *err);
void sim_result_done(struct sim_result *result);
/** NULL: no such row. */
const struct sim_row *sim_result_row(const struct sim_result *result, enum sim_row_kind kind,
                                     const char *name);
struct sim_estimate sim_result_figure(const struct sim_result *result, const struct sim_row *row,
                                      enum sim_figure figure);

#endif
