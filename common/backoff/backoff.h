/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backoff - when to try again: capped exponential with full jitter
 * (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: delay = random(0, min(cap, base
 * * 2^n))).
 *
 * Pure: the caller gives the random number, so a test can name every delay.
 */
#ifndef CF_BACKOFF_H
#define CF_BACKOFF_H

#include <stdint.h>

struct cf_backoff {
    uint32_t base_ms; /* window of the first retry */
    uint32_t cap_ms;  /* largest window */
};

/** The delay in ms before retry `attempt` (1 is the first retry; 0 counts as 1): 0..min(cap, base *
 * 2^(attempt-1)). `random` is a uniform 64-bit number. */
uint64_t cf_backoff_ms(const struct cf_backoff *backoff, uint32_t attempt, uint64_t random);

#endif
