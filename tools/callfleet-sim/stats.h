/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats - what is counted, and the figures made of it.
 *
 * Vocabulary: a *tally* counts one batch (or replication) of one row; a *row* is all calls, one class or one
 * queue. A figure's value is made from the sum of all batches, its limits from the batches' own values:
 * Student's t, 95 %. README.md defines each figure.
 */
#ifndef CF_SIM_STATS_H
#define CF_SIM_STATS_H

#include <stddef.h>
#include <stdint.h>

enum { SIM_MAX_BATCHES = 1000 };

struct sim_tally {
    double offered, answered, abandoned,
        refused;                    /* refused: ended by the routing: no room, too long, closed */
    double waited, answered_waited; /* did not get an agent at once */
    double answered_within, abandoned_within;
    double wait, wait_answered, wait_abandoned; /* sums, seconds */
    double service, sojourn;                    /* of answered calls */
    double max_wait;
    double time, queue_area, busy_area, duty_area; /* over virtual time; the last two of row "all" only */
};

enum sim_figure {
    SIM_P_WAIT,
    SIM_P_ABANDON,
    SIM_P_REFUSED,
    SIM_ASA_ALL,
    SIM_ASA_WAITED,
    SIM_WAIT_ALL,
    SIM_WAIT_ABANDONED,
    SIM_SOJOURN,
    SIM_AHT,
    SIM_SL_A,
    SIM_SL_B,
    SIM_SL_C,
    SIM_SL_D,
    SIM_SL_E,
    SIM_QUEUE,
    SIM_OCCUPANCY,
    SIM_RATE,
    SIM_FIGURES,
};

struct sim_figure_info {
    const char *name, *unit, *help;
    double (*of)(const struct sim_tally *tally);
};
extern const struct sim_figure_info sim_figures[SIM_FIGURES];

struct sim_estimate {
    double value, half; /* half width of the 95 % limits; NAN: too few batches */
};

/* Waits by size, 1024 steps to an octave: a percentile is exact to 0.1 %. */
struct sim_histogram;
struct sim_histogram *sim_histogram_new(void);
void sim_histogram_free(struct sim_histogram *histogram);
void sim_histogram_add(struct sim_histogram *histogram, double value);
/** NAN when empty. */
double sim_histogram_quantile(const struct sim_histogram *histogram, double part);

struct sim_tally sim_tally_sum(const struct sim_tally *batches, size_t n);
struct sim_estimate sim_estimate(const struct sim_tally *batches, size_t n, enum sim_figure figure);
/** Mean and limits of given values. */
struct sim_estimate sim_estimate_values(const double *values, size_t n);

#endif
