/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup_cache - what Salesforce said of a number lately, in Redis for all lookup workers.
 *
 * Key cf:crm:<HMAC-SHA-256 of the E.164 number, in hex>: nobody who reads Redis learns a number from it, or
 * can try all numbers, without the fleet's key. Value: JSON {v, at, answer}: the version of the query, wall
 * ms, and the rows that may be the number's, in the form of an answer. Rows, not the decision: rules and
 * regions are applied when they are read.
 * An entry is *fresh* for `ttl_ms` (for `negative_ttl_ms` when it names nobody), and kept for `stale_ms` to
 * be used when Salesforce cannot be asked; one with no rows is never used stale and goes with its TTL.
 * Promise: a get's callback runs exactly once, never inside lookup_cache_get(), after `wait_ms` at the
 * latest; while Redis is down or has answered nothing since a get ran out of time, nothing is asked and
 * nobody waits. Writing waits for nothing.
 */
#ifndef LOOKUP_CACHE_H
#define LOOKUP_CACHE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lookup_query.h"
#include "phone/phone.h"
#include "str/str.h"

struct cf_loop;
struct cf_redis;
struct lookup_cache;
struct lookup_get;

#define LOOKUP_CACHE_VALUE_BYTES ((size_t)64 << 10) /* larger answers are not kept */

struct lookup_cache_opts {
    const struct lookup_query_opts *query; /* to read with; borrowed, what the org lacks may leave it */
    struct cf_str secret;                  /* of the fleet */
    struct cf_str org; /* whose customers, and how they are found: entries of others are not found */
    uint64_t ttl_ms, negative_ttl_ms, stale_ms; /* 0 turns each off */
    uint32_t wait_ms;
};

struct lookup_cached {
    const json_t *answer; /* to read with lookup_query_pick(); borrowed during the callback */
    int64_t at;           /* wall ms: when Salesforce said so */
    bool fresh;           /* if it names somebody */
    bool fresh_nobody;    /* if it names nobody */
};
/* NULL: nothing is known. */
typedef void lookup_cache_fn(void *arg, const struct lookup_cached *cached);

struct lookup_cache_counts {
    uint64_t found, missed, failed, skipped; /* gets; skipped: Redis was not asked */
    uint64_t put;
};

/** Copies what it needs of secret and org; `redis` is borrowed and freed after the cache. */
struct lookup_cache *lookup_cache_new(struct cf_loop *loop, struct cf_redis *redis,
                                      const struct lookup_cache_opts *opts);
/** Callbacks of open gets do not run. NULL is fine. */
void lookup_cache_free(struct lookup_cache *cache);

/** NULL: Redis is not asked, the callback will not run. */
struct lookup_get *lookup_cache_get(struct lookup_cache *cache, const struct cf_phone *phone,
                                    lookup_cache_fn *fn, void *arg);
/** The callback will not run. */
void lookup_cache_cancel(struct lookup_get *get);

/** Keeps the number's part of a checked answer to `opts`. */
void lookup_cache_put(struct lookup_cache *cache, const struct cf_phone *phone,
                      const struct lookup_query_opts *opts, const json_t *answer);

struct lookup_cache_counts lookup_cache_counts(const struct lookup_cache *cache);

#endif
