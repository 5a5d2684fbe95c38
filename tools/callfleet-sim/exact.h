/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exact - queueing formulas, to put beside what was simulated.
 *
 * Units: rates per second, times in seconds. NAN: the formula does not hold for these values (an unstable
 * queue). Each function names where its formula comes from.
 */
#ifndef CF_SIM_EXACT_H
#define CF_SIM_EXACT_H

#include <stddef.h>

#define EXACT_NO_ROOM_LIMIT SIZE_MAX

/* A Markov queue: Poisson arrivals, exponential service and patience. It contains Erlang B (room 0),
 * Erlang C (no patience limit, no room limit), Erlang A (patience) and M/M/N/K (room K - N). */
struct exact_queue {
    double lambda, mu;
    double theta; /* 1 / mean patience; 0: nobody hangs up */
    size_t servers, room;
};

struct exact_result {
    double p_wait;     /* an arriving call does not get an agent at once (and is not turned away) */
    double p_lost;     /* turned away because there is no room */
    double p_abandon;  /* of all offered calls */
    double mean_wait;  /* of calls that entered, those that hang up too */
    double asa;        /* of answered calls */
    double mean_queue; /* calls waiting, over time */
    double occupancy;
    double within; /* answered within T, of all offered calls */
};

/** Steady state; `within_s` is T. */
struct exact_result exact_markov(const struct exact_queue *queue, double within_s);

/** Blocking of M/G/N/N with offered load `a` (Erlang B). */
double exact_erlang_b(double a, size_t servers);
/** Probability of waiting in M/M/N (Erlang C). */
double exact_erlang_c(double a, size_t servers);
/** Mean wait in M/G/1 (Pollaczek and Khinchine). */
double exact_pollaczek(double lambda, double mean_s, double square_s2);

struct exact_class {
    double lambda, mean_s, square_s2;
};

/** Mean waits of non-preemptive priority classes, most urgent first: M/G/1 (Cobham), or M/M/N when all means
 * are equal and service is exponential. */
void exact_cobham(const struct exact_class *classes, size_t n, size_t servers, double *ret_waits);

#endif
