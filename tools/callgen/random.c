/* SPDX-License-Identifier: Apache-2.0 */
#include "random.h"

#include <math.h>

void cg_random_init(struct cg_random *random, uint64_t seed)
{
    random->state = seed;
}

/* splitmix64: one word of state and no weak seeds, which is all a load generator needs. */
uint64_t cg_random_u64(struct cg_random *random)
{
    uint64_t z = random->state += 0x9E3779B97F4A7C15U;

    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
}

double cg_random_unit(struct cg_random *random)
{
    return (double)(cg_random_u64(random) >> 11U) * 0x1.0p-53;
}

uint32_t cg_random_in(struct cg_random *random, struct cg_range range)
{
    uint64_t width = (uint64_t)range.max - range.min + 1;

    return range.min + (uint32_t)(cg_random_u64(random) % width);
}

double cg_random_gap_ms(struct cg_random *random, double rate_per_s)
{
    return -log(1.0 - cg_random_unit(random)) * 1000.0 / rate_per_s;
}
