/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timers - one thread that calls back at a given monotonic time: how delayed answers wait without a thread
 * each.
 *
 * Promise: a callback runs exactly once, on the timer thread, never before its time; sb_timers_stop() runs
 * what is still waiting at once. Callbacks must not block.
 */
#ifndef SB_TIMERS_H
#define SB_TIMERS_H

#include <stdint.h>

#include "err/err.h"

struct sb_timers;
typedef void sb_timer_fn(void *arg);

/** Starts the thread; NULL when there is none to be had. */
CF_CHECKED struct sb_timers *sb_timers_new(void);
/** `at_ns` is CLOCK_MONOTONIC. After stop the callback runs at once, on the caller's thread. */
void sb_timers_add(struct sb_timers *timers, uint64_t at_ns, sb_timer_fn *fn, void *arg);
/** Runs all waiting callbacks and ends the thread. */
void sb_timers_stop(struct sb_timers *timers);
/** After stop. NULL is fine. */
void sb_timers_free(struct sb_timers *timers);

#endif
