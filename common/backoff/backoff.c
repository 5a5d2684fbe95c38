/* SPDX-License-Identifier: Apache-2.0 */
#include "backoff/backoff.h"

uint64_t cf_backoff_ms(const struct cf_backoff *backoff, uint32_t attempt, uint64_t random)
{
    uint32_t doublings = attempt > 1 ? attempt - 1 : 0;
    uint64_t window;

    /* From 32 doublings on every base but 0 is past every cap. */
    window =
        doublings >= 32 ? (backoff->base_ms ? backoff->cap_ms : 0) : (uint64_t)backoff->base_ms << doublings;
    if (window > backoff->cap_ms)
        window = backoff->cap_ms;
    return random % (window + 1);
}
