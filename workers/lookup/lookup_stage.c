/* SPDX-License-Identifier: Apache-2.0 */
/* What the lookup stage has once per process: configuration, metrics, the Salesforce client. */
#include <stdlib.h>

#include "lookup.h"
#include "sf/sf.h"

#define CACHE_WAIT_MS 50    /* a caller waits no longer than this for Redis, */
#define CACHE_WAIT_SHARE 4U /* nor longer than this part of the deadline */

#define CF_CONFIG_ARRAY struct lookup_config
#include "config/keys.h"

const struct cf_key lookup_keys[] = {
#include "lookup_config.def"
    {0}};
#include "config/keys_end.h"

const struct cf_metric lookup_metrics[] = {
#include "sf/sf_metrics.def"
    [LOOKUP_M_RESULTS] = {"callfleet_lookups_total", CF_COUNTER, "status",
                          "Calls looked up, by customer status."},
    [LOOKUP_M_DURATION] = {"callfleet_lookup_duration_seconds", CF_HISTOGRAM, NULL,
                           "Time a call waited for Salesforce."},
    [LOOKUP_M_SOURCES] = {"callfleet_lookup_sources_total", CF_COUNTER, "source",
                          "Calls by where the customer was learnt: salesforce, cache, stale, none."},
    [LOOKUP_M_SHARED] = {"callfleet_lookups_shared_total", CF_COUNTER, NULL,
                         "Lookups answered by a request that was under way for the same number."},
    [LOOKUP_M_REQUESTS] = {"callfleet_lookup_requests_total", CF_COUNTER, NULL,
                           "Lookup requests sent to Salesforce."},
    [LOOKUP_M_NUMBERS] = {"callfleet_lookup_request_numbers_total", CF_COUNTER, NULL,
                          "Numbers in these requests."},
    [LOOKUP_M_HALVED] = {"callfleet_lookup_requests_halved_total", CF_COUNTER, NULL,
                         "Requests asked again in halves: refused, or too many rows."},
    [LOOKUP_M_LATE] = {"callfleet_lookup_late_total", CF_COUNTER, NULL,
                       "Numbers whose answer came too late for the call and was kept in the cache."},
    [LOOKUP_M_CACHE] =
        {"callfleet_lookup_cache_total", CF_COUNTER, "result",
         "Looks into the cache: found (fresh or old), missed, failed, skipped (Redis is down)."},
    [LOOKUP_M_CACHE_PUTS] = {"callfleet_lookup_cache_puts_total", CF_COUNTER, NULL,
                             "Answers put into the cache."},
    {0}};

/* ---- Salesforce ---- */

static int open_salesforce(struct cf_worker *worker, struct lookup *lookup, struct cf_err *err)
{
    const struct lookup_config *config = lookup->config;
    struct lookup_source_opts source = LOOKUP_SOURCE_OPTS(config);
    struct cf_sf_opts opts = CF_SF_OPTS(config);

    source.stage = "lookup";
    source.redis = cf_worker_redis(worker);
    source.priority = CF_SF_LIVE_CALLER;
    source.batch = (uint32_t)config->lookup_batch;
    source.linger_ms = (uint32_t)config->lookup_linger_ms;
    source.cache_wait_ms = (uint32_t)(config->deadline_ms / CACHE_WAIT_SHARE);
    if (source.cache_wait_ms > CACHE_WAIT_MS)
        source.cache_wait_ms = CACHE_WAIT_MS;
    if (lookup_source_check(&source, err))
        return -1;
    if (!cf_sf_grant_of(cf_str_of(config->sf_grant), &opts.grant))
        return cf_err_set(err, CF_ERR_CONFIG, "lookup", 0,
                          "sf_grant must be client_credentials, jwt_bearer or password");
    opts.http = cf_worker_http(worker);
    opts.redis = source.redis;
    opts.redis_prefix = CF_STR("cf:");
    source.sf = lookup->sf = cf_sf_new(cf_worker_loop(worker), &opts, err);
    if (!lookup->sf)
        return -1;
    cf_sf_metrics(lookup->sf, cf_worker_stage_metrics(worker));
    return lookup_source_open(&lookup->source, cf_worker_loop(worker), &source, err);
}

int lookup_init(struct cf_worker *worker, struct cf_err *err)
{
    struct lookup *lookup = cf_calloc(1, sizeof(*lookup));

    cf_worker_set_state(worker, lookup);
    lookup->config = cf_worker_config(worker);
    lookup->greeting.templates = lookup->config->greeting;
    lookup->greeting.default_language = lookup->config->default_language;
    if (lookup_greeting_check(&lookup->greeting, err))
        return -1;
    cf_phone_init();
    return open_salesforce(worker, lookup, err);
}

void lookup_done(struct cf_worker *worker)
{
    struct lookup *lookup = cf_worker_state(worker);

    if (!lookup)
        return;
    lookup_source_close(&lookup->source);
    cf_sf_free(lookup->sf);
    free(lookup);
    cf_worker_set_state(worker, NULL);
}
