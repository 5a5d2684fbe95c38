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
    [LOOKUP_M_CACHE] =
        {"callfleet_lookup_cache_total", CF_COUNTER, "result",
         "Looks into the cache: found (fresh or old), missed, failed, skipped (Redis is down)."},
    [LOOKUP_M_CACHE_PUTS] = {"callfleet_lookup_cache_puts_total", CF_COUNTER, NULL,
                             "Answers put into the cache."},
    {0}};

static bool is_region(const char *text)
{
    return strlen(text) == 2 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'A' && text[1] <= 'Z';
}

static int check_config(const struct lookup_config *config, struct cf_err *err)
{
    if (*config->tier_field && !lookup_is_field_name(cf_str_of(config->tier_field)))
        return cf_err_set(err, CF_ERR_CONFIG, "lookup", 0, "tier_field is no field name");
    if (!is_region(config->default_region))
        return cf_err_set(err, CF_ERR_CONFIG, "lookup", 0,
                          "default_region must be a country code such as US");
    for (const struct cf_pair *at = config->regions; at && at->name; at++) {
        if (!is_region(at->value))
            return cf_err_set(err, CF_ERR_CONFIG, "lookup", 0,
                              "[regions] %.60s must be a country code such as DE", at->name);
    }
    return 0;
}

/* The phone fields of each object; the lists keep the names. */
static int read_fields(const struct lookup_config *config, struct lookup_field_list lists[LOOKUP_OBJECTS],
                       struct lookup_query_opts *ret_query, struct cf_err *err)
{
    static const char *const person[] = {"PersonMobilePhone", "PersonHomePhone", "PersonOtherPhone",
                                         "PersonAssistantPhone"};
    const char *const texts[LOOKUP_OBJECTS] = {config->contact_phone_fields, config->account_phone_fields,
                                               config->lead_phone_fields};
    static const char *const keys[LOOKUP_OBJECTS] = {"contact_phone_fields", "account_phone_fields",
                                                     "lead_phone_fields"};

    for (size_t i = 0; i < LOOKUP_OBJECTS; i++) {
        if (lookup_fields_parse(keys[i], cf_str_of(texts[i]), &lists[i], err))
            return -1;
        if (i != LOOKUP_LEAD || config->lead)
            lookup_fields_add(&lists[i], ret_query->phones[i]);
    }
    for (size_t i = 0; i < sizeof(person) / sizeof(person[0]) && config->person_accounts; i++)
        lookup_fields_add_name(person[i], ret_query->phones[LOOKUP_ACCOUNT]);
    return 0;
}

/* ---- the cache ---- */

/* The secret that the whole fleet has: a file for this alone, else what it logs in with. */
static int read_secret(const struct lookup_config *config, char **ret_secret, struct cf_err *err)
{
    const char *path = config->cache_key_file;

    if (path)
        return cf_config_secret(path, ret_secret, err);
    path = config->sf_jwt_key_file ? config->sf_jwt_key_file : config->sf_client_secret_file;
    if (!path)
        path = config->sf_password_file;
    if (!path)
        return cf_err_set(err, CF_ERR_CONFIG, "lookup", 0, "cache_key_file is not set, nor is any secret");
    return cf_config_secret(path, ret_secret, err);
}

static int open_cache(struct cf_worker *worker, struct lookup *lookup, struct cf_err *err)
{
    const struct lookup_config *config = lookup->config;
    struct lookup_cache_opts opts = {.query = lookup_crm_query(lookup->crm),
                                     .ttl_ms = config->cache_ttl_ms,
                                     .negative_ttl_ms = config->cache_negative_ttl_ms,
                                     .stale_ms = config->cache_stale_ms,
                                     .wait_ms = (uint32_t)(config->deadline_ms / CACHE_WAIT_SHARE)};
    struct cf_buf org;
    char *secret = NULL;

    if (opts.ttl_ms == 0 && opts.negative_ttl_ms == 0 && opts.stale_ms == 0)
        return 0;
    if (read_secret(config, &secret, err) || !secret)
        return -1;
    if (opts.wait_ms > CACHE_WAIT_MS)
        opts.wait_ms = CACHE_WAIT_MS;
    cf_buf_init(&org, 4096);
    cf_buf_printf(&org, "%s\n%s\n%s\n%s", config->match, config->sf_login_url,
                  config->sf_client_id ? config->sf_client_id : "",
                  config->sf_username ? config->sf_username : "");
    opts.secret = cf_str_of(secret);
    opts.org = cf_buf_view(&org);
    lookup->cache = lookup_cache_new(cf_worker_loop(worker), cf_worker_redis(worker), &opts);
    cf_buf_done(&org);
    explicit_bzero(secret, strlen(secret));
    free(secret);
    return 0;
}

static void on_seen(void *arg, const struct cf_phone *phone, const struct lookup_query_opts *opts,
                    const json_t *answer)
{
    struct lookup *lookup = arg;

    if (lookup->cache)
        lookup_cache_put(lookup->cache, phone, opts, answer);
}

/* ---- Salesforce ---- */

static int open_salesforce(struct cf_worker *worker, struct lookup *lookup, struct cf_err *err)
{
    const struct lookup_config *config = lookup->config;
    struct cf_sf_opts opts = CF_SF_OPTS(config);
    struct lookup_crm_opts crm = {
        .query = {.api_version = config->sf_api_version,
                  .tier_field = *config->tier_field ? config->tier_field : NULL,
                  .activity = true,
                  .patterns = config->match_patterns,
                  .person_accounts = config->person_accounts},
        .try_ms = (uint32_t)config->sf_timeout_ms,
        .batch = (uint32_t)config->lookup_batch,
        .linger_ms = (uint32_t)config->lookup_linger_ms,
        .seen = on_seen,
        .seen_arg = lookup,
    };

    if (read_fields(config, lookup->fields, &crm.query, err))
        return -1;
    if (!lookup_match_of(cf_str_of(config->match), &crm.match))
        return cf_err_set(err, CF_ERR_CONFIG, "lookup", 0,
                          "match must be exact, search or exact-then-search");
    if (!cf_sf_grant_of(cf_str_of(config->sf_grant), &opts.grant))
        return cf_err_set(err, CF_ERR_CONFIG, "lookup", 0,
                          "sf_grant must be client_credentials, jwt_bearer or password");
    opts.http = cf_worker_http(worker);
    opts.redis = cf_worker_redis(worker);
    opts.redis_prefix = CF_STR("cf:");
    lookup->sf = cf_sf_new(cf_worker_loop(worker), &opts, err);
    if (!lookup->sf)
        return -1;
    cf_sf_metrics(lookup->sf, cf_worker_stage_metrics(worker));
    lookup->crm = lookup_crm_new(cf_worker_loop(worker), lookup->sf, &crm);
    return open_cache(worker, lookup, err);
}

int lookup_init(struct cf_worker *worker, struct cf_err *err)
{
    struct lookup *lookup = cf_calloc(1, sizeof(*lookup));

    cf_worker_set_state(worker, lookup);
    lookup->config = cf_worker_config(worker);
    lookup->greeting.templates = lookup->config->greeting;
    lookup->greeting.default_language = lookup->config->default_language;
    if (check_config(lookup->config, err) || lookup_greeting_check(&lookup->greeting, err) ||
        lookup_rules_parse(cf_str_of(lookup->config->choose), &lookup->rules, err) ||
        lookup_rules_tiers(cf_str_of(lookup->config->tier_order), &lookup->rules, err))
        return -1;
    cf_phone_init();
    return open_salesforce(worker, lookup, err);
}

void lookup_done(struct cf_worker *worker)
{
    struct lookup *lookup = cf_worker_state(worker);

    if (!lookup)
        return;
    lookup_crm_free(lookup->crm);
    lookup_cache_free(lookup->cache);
    cf_sf_free(lookup->sf);
    free(lookup);
    cf_worker_set_state(worker, NULL);
}

const char *lookup_region(const struct lookup_config *config, struct cf_str entry_point_id)
{
    for (const struct cf_pair *at = config->regions; entry_point_id.p && at && at->name; at++) {
        if (cf_str_is(entry_point_id, at->name))
            return at->value;
    }
    return config->default_region;
}
