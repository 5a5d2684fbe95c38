/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_limits - the org's daily allocation of API calls and the cap on long-running requests. Thread-safe.
 */
#ifndef SB_API_LIMITS_H
#define SB_API_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

struct sb_limits;

struct sb_limits *sb_limits_new(void);
void sb_limits_free(struct sb_limits *limits);
/** Counts `calls`; false, and nothing counted, when the allocation is spent. A day begins with its first
 * call. */
bool sb_limits_spend(struct sb_limits *limits, int64_t daily_limit, int64_t calls, uint64_t now_ns);
int64_t sb_limits_used(struct sb_limits *limits);
/** All calls since the start, never reset. */
int64_t sb_limits_total(struct sb_limits *limits);
void sb_limits_set_used(struct sb_limits *limits, int64_t used);

/** Remembers that a request is a long one from `from_ns` to `until_ns`. At most 1,000 are remembered. */
void sb_limits_long(struct sb_limits *limits, uint64_t from_ns, uint64_t until_ns);
/** Long requests under way now. */
int64_t sb_limits_long_now(struct sb_limits *limits, uint64_t now_ns);

#endif
