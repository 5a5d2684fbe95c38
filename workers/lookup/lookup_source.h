/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup_source - where stages learn who has a number: Redis' copy, else Salesforce, by one configuration.
 *
 * The lookup stage asks for callers; the post-call stage asks again for those whom nobody could name in time.
 * Both must ask the same (lookup_source_config.def), so that they find the same customer and share the
 * copies. What Salesforce answers is put into the cache, also when it comes too late for who asked.
 * Lifecycle: zeroed memory of the owner -> open -> close. Closing what was not opened is fine.
 */
#ifndef LOOKUP_SOURCE_H
#define LOOKUP_SOURCE_H

#include "lookup_cache.h"
#include "lookup_crm.h"
#include "lookup_query.h"
#include "lookup_rules.h"

struct cf_loop;
struct cf_pair;
struct cf_redis;

/* Texts are borrowed for the source's life. */
struct lookup_source_opts {
    const char *stage; /* for messages */
    struct cf_redis *redis;
    struct cf_sf *sf;
    enum cf_sf_class priority;
    uint32_t try_ms, batch, linger_ms, cache_wait_ms;
    const char *api_version, *login_url, *client_id, *username;
    const char *secret_files[4]; /* the first that is set is the fleet's secret */
    uint64_t cache_ttl_ms, cache_negative_ttl_ms, cache_stale_ms;
    const char *match, *contact_phone_fields, *account_phone_fields, *lead_phone_fields;
    bool patterns, lead, person_accounts;
    const char *choose, *tier_field, *tier_order;
    const char *default_region;
    const struct cf_pair *regions; /* entry point id = country */
};

/** What the rows of lookup_source_config.def and sf/sf_config.def say; the caller adds the rest. */
#define LOOKUP_SOURCE_OPTS(config)                                                                           \
    {                                                                                                        \
        .try_ms = (uint32_t)(config)->sf_timeout_ms, .api_version = (config)->sf_api_version,                \
        .login_url = (config)->sf_login_url, .client_id = (config)->sf_client_id,                            \
        .username = (config)->sf_username,                                                                   \
        .secret_files = {(config)->cache_key_file, (config)->sf_jwt_key_file,                                \
                         (config)->sf_client_secret_file, (config)->sf_password_file},                       \
        .cache_ttl_ms = (config)->cache_ttl_ms, .cache_negative_ttl_ms = (config)->cache_negative_ttl_ms,    \
        .cache_stale_ms = (config)->cache_stale_ms, .match = (config)->match,                                \
        .contact_phone_fields = (config)->contact_phone_fields,                                              \
        .account_phone_fields = (config)->account_phone_fields,                                              \
        .lead_phone_fields = (config)->lead_phone_fields, .patterns = (config)->match_patterns,              \
        .lead = (config)->lead, .person_accounts = (config)->person_accounts, .choose = (config)->choose,    \
        .tier_field = (config)->tier_field, .tier_order = (config)->tier_order,                              \
        .default_region = (config)->default_region, .regions = (config)->regions                             \
    }

struct lookup_source {
    const char *default_region;
    const struct cf_pair *regions;
    struct lookup_crm *crm;
    struct lookup_cache *cache; /* NULL: switched off */
    struct lookup_rules rules;
    struct lookup_field_list fields[LOOKUP_OBJECTS];
};

/** Whether the configuration is right; before the client is made. */
CF_CHECKED int lookup_source_check(const struct lookup_source_opts *opts, struct cf_err *err);
/** After lookup_source_check(). */
CF_CHECKED int lookup_source_open(struct lookup_source *source, struct cf_loop *loop,
                                  const struct lookup_source_opts *opts, struct cf_err *err);
/** Callbacks of open asks and gets do not run. Before the client and Redis are freed. */
void lookup_source_close(struct lookup_source *source);

/** The region whose national format an entry point's numbers have. */
const char *lookup_source_region(const struct lookup_source *source, struct cf_str entry_point_id);
/** Who has the number, by an answer or a copy of one. `region` is the caller's. */
void lookup_source_decide(const struct lookup_source *source, struct cf_arena *arena,
                          const struct lookup_query_opts *query, const json_t *answer,
                          const struct lookup_caller *caller, struct cf_customer *ret_customer);

#endif
