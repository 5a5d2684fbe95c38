/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup - the stage that learns who is calling: call-started in, call-queued out.
 *
 * Steps of a job: `normalise` (activity 2) -> `cache` (said lately?) -> `ask` (activities 3 to 5, one
 * request)
 * -> `queue` (greeting, music, the call's context to Redis, the event). Promise: only a bad record fails a
 * job; whatever happens to Salesforce or Redis, the event leaves within `deadline_ms`, and customer.status
 * says what is known.
 */
#ifndef LOOKUP_H
#define LOOKUP_H

#include "lookup_greeting.h"
#include "lookup_source.h"
#include "sf/sf.h"
#include "worker/worker.h"

struct lookup_config {
#define CF_CONFIG_STRUCT
#include "config/keys.h"

#include "lookup_config.def"

#include "config/keys_end.h"
};

/* Of the process. */
struct lookup {
    const struct lookup_config *config;
    struct cf_sf *sf;
    struct lookup_source source;
    struct lookup_greeting_opts greeting;
    struct lookup_crm_counts counted; /* already in the metrics */
    struct lookup_cache_counts cache_counted;
};

/* Of a job. */
struct lookup_job {
    struct cf_phone phone;
    const char *region;
    struct cf_customer customer;
    struct cf_customer old; /* from the cache, too old for anything but an emergency */
    bool has_old;
    struct lookup_get *get;
    struct lookup_ask *ask;
    uint64_t asked_ns;
};

enum { LOOKUP_NORMALISE, LOOKUP_CACHE, LOOKUP_ASK, LOOKUP_QUEUE };
enum {
    LOOKUP_M_RESULTS = CF_SF_METRICS,
    LOOKUP_M_DURATION,
    LOOKUP_M_SOURCES,
    LOOKUP_M_SHARED,
    LOOKUP_M_REQUESTS,
    LOOKUP_M_NUMBERS,
    LOOKUP_M_HALVED,
    LOOKUP_M_LATE,
    LOOKUP_M_CACHE,
    LOOKUP_M_CACHE_PUTS,
};

extern const struct cf_key lookup_keys[];
extern const struct cf_metric lookup_metrics[];
extern const struct cf_step lookup_steps[];

CF_CHECKED int lookup_init(struct cf_worker *worker, struct cf_err *err);
void lookup_done(struct cf_worker *worker);

/** Keeps the call's context in Redis for the later stages (key cf:ctx:{<call id>}); its failure is only
 * logged. */
void lookup_keep_context(struct cf_worker *worker, const struct cf_call_queued *queued);

#endif
