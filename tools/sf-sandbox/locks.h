/* SPDX-License-Identifier: Apache-2.0 */
/*
 * locks - row locks between writers, in the order of arrival.
 *
 * A writer takes its rows for `hold_ms` from the moment the last of them is free; its answer is due when it
 * lets them go. One that would wait longer than `wait_ms` gets nothing and is told so when that time is over.
 * Waiting is arithmetic on the time of each answer, so it costs no thread; a write is visible to readers from
 * its arrival on, while its answer may still be waiting. A row that its owner (one request) holds already is
 * free to it. Thread-safe; at most SB_LOCKS_MAX rows are remembered, further ones are not locked.
 */
#ifndef SB_LOCKS_H
#define SB_LOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store.h"

struct sb_locks;

struct sb_locks_ask {
    uint64_t owner, now_ns;
    int64_t hold_ms, wait_ms;
    char (*ids)[SF_ID_SIZE];
    size_t count;
};

struct sb_locks *sb_locks_new(void);
void sb_locks_free(struct sb_locks *locks);
/** Whether a write has to ask at all: rows are held, or will be. */
bool sb_locks_needed(struct sb_locks *locks, int64_t hold_ms, uint64_t now_ns);
/** False: a row stays locked for too long. ret_done_ns: when the answer is due, either way. */
bool sb_locks_take(struct sb_locks *locks, const struct sb_locks_ask *ask, uint64_t *ret_done_ns);

#endif
