/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timers - what is to be done when: a heap of due times.
 *
 * An entry can not be taken out; whoever receives it checks by its `ticket` whether it still means anything.
 */
#ifndef CG_TIMERS_H
#define CG_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cg_action {
    CG_CALL_START,
    CG_CALL_GIVE_UP, /* the caller's patience is over */
    CG_CALL_HANG_UP, /* they have talked enough */
    CG_AGENT_ANSWER,
    CG_AGENT_AVAILABLE,
};

struct cg_timer {
    uint64_t due_ms;
    uint64_t order; /* equal times keep the order in which they were added */
    enum cg_action action;
    uint32_t index;  /* of the call or agent */
    uint32_t ticket; /* of the call or agent when the timer was set */
};

struct cg_timers {
    struct cg_timer *heap;
    size_t n, size;
    uint64_t added;
};

void cg_timers_add(struct cg_timers *timers, struct cg_timer timer);
/** Takes the first entry that is due at `now_ms`. */
bool cg_timers_take(struct cg_timers *timers, uint64_t now_ms, struct cg_timer *ret_timer);
/** Milliseconds until the next entry is due, at most `cap_ms`. */
uint64_t cg_timers_wait_ms(const struct cg_timers *timers, uint64_t now_ms, uint64_t cap_ms);
void cg_timers_done(struct cg_timers *timers);

#endif
