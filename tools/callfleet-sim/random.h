/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random - the simulator's own generator: xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64.
 *
 * Vocabulary: a *stream* is an independent sequence, named by numbers (replication, class, what it is drawn
 * for). The same seed and stream give the same numbers on every machine; two policies that are simulated with
 * one seed see the same callers (common random numbers).
 */
#ifndef CF_SIM_RANDOM_H
#define CF_SIM_RANDOM_H

#include <stdint.h>

struct sim_random {
    uint64_t s[4];
};

/** Stream number `stream` of `seed`. */
void sim_random_init(struct sim_random *random, uint64_t seed, uint64_t stream);
uint64_t sim_random_next(struct sim_random *random);
/** Uniform in (0, 1): never 0, never 1. */
double sim_random_unit(struct sim_random *random);

#endif
