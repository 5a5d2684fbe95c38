/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random - the generator's own random numbers: the same seed gives the same calls on any machine.
 */
#ifndef CG_RANDOM_H
#define CG_RANDOM_H

#include <stdint.h>

struct cg_random {
    uint64_t state;
};

/* Both ends belong to the range. */
struct cg_range {
    uint32_t min, max;
};

void cg_random_init(struct cg_random *random, uint64_t seed);
uint64_t cg_random_u64(struct cg_random *random);
/** 0 <= x < 1. */
double cg_random_unit(struct cg_random *random);
uint32_t cg_random_in(struct cg_random *random, struct cg_range range);
/** Time between two arrivals of a Poisson process, in ms. */
double cg_random_gap_ms(struct cg_random *random, double rate_per_s);

#endif
