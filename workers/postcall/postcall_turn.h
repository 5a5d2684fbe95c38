/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postcall_turn - one job at a time for each Task: a doubled event, or a consult call and its parent, look
 * and write one after the other, not side by side. Turns are given in order of asking.
 */
#ifndef POSTCALL_TURN_H
#define POSTCALL_TURN_H

#include <stdbool.h>

#include "str/str.h"

struct postcall_turns;

/* In the caller's memory, zeroed at first. */
struct postcall_turn {
    struct postcall_turn *next;          /* in the bucket, of those that have it */
    struct postcall_turn *behind, *last; /* who waits; `last` is kept by the one that has it */
    struct cf_str key;                   /* borrowed */
    bool has, waits;
    void *arg;
};

struct postcall_turns *postcall_turns_new(void);
void postcall_turns_free(struct postcall_turns *turns);
/** True: it is `turn`'s now. False: it waits in line. */
CF_CHECKED bool postcall_turn_take(struct postcall_turns *turns, struct postcall_turn *turn,
                                   struct cf_str key);
/** Gives it up, or stops waiting; neither is fine, too. Returns whose turn it is by that, NULL: nobody's. */
struct postcall_turn *postcall_turn_leave(struct postcall_turns *turns, struct postcall_turn *turn);

#endif
