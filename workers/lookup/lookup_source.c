/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup_source.h"

#include <stdlib.h>
#include <string.h>

#include "config/config.h"

#define WRONG_MATCH "match must be exact, search or exact-then-search"

static int wrong(const struct lookup_source_opts *opts, const char *what, struct cf_err *err)
{
    return cf_err_set(err, CF_ERR_CONFIG, opts->stage, 0, "%s", what);
}

static bool is_region(const char *text)
{
    return strlen(text) == 2 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'A' && text[1] <= 'Z';
}

int lookup_source_check(const struct lookup_source_opts *opts, struct cf_err *err)
{
    enum lookup_match match;

    if (*opts->tier_field && !lookup_is_field_name(cf_str_of(opts->tier_field)))
        return wrong(opts, "tier_field is no field name", err);
    if (!lookup_match_of(cf_str_of(opts->match), &match))
        return wrong(opts, WRONG_MATCH, err);
    if (!is_region(opts->default_region))
        return wrong(opts, "default_region must be a country code such as US", err);
    for (const struct cf_pair *at = opts->regions; at && at->name; at++) {
        if (!is_region(at->value))
            return cf_err_set(err, CF_ERR_CONFIG, opts->stage, 0,
                              "[regions] %.60s must be a country code such as DE", at->name);
    }
    return 0;
}

/* The phone fields of each object; the lists keep the names. */
static int read_fields(const struct lookup_source_opts *opts, struct lookup_field_list lists[LOOKUP_OBJECTS],
                       struct lookup_query_opts *ret_query, struct cf_err *err)
{
    static const char *const person[] = {"PersonMobilePhone", "PersonHomePhone", "PersonOtherPhone",
                                         "PersonAssistantPhone"};
    const char *const texts[LOOKUP_OBJECTS] = {opts->contact_phone_fields, opts->account_phone_fields,
                                               opts->lead_phone_fields};
    static const char *const keys[LOOKUP_OBJECTS] = {"contact_phone_fields", "account_phone_fields",
                                                     "lead_phone_fields"};

    for (size_t i = 0; i < LOOKUP_OBJECTS; i++) {
        if (lookup_fields_parse(keys[i], cf_str_of(texts[i]), &lists[i], err))
            return -1;
        if (i != LOOKUP_LEAD || opts->lead)
            lookup_fields_add(&lists[i], ret_query->phones[i]);
    }
    for (size_t i = 0; i < sizeof(person) / sizeof(person[0]) && opts->person_accounts; i++)
        lookup_fields_add_name(person[i], ret_query->phones[LOOKUP_ACCOUNT]);
    return 0;
}

/* ---- the cache ---- */

/* The secret that the whole fleet has: a file for this alone, else what it logs in with. */
static int read_secret(const struct lookup_source_opts *opts, char **ret_secret, struct cf_err *err)
{
    for (size_t i = 0; i < sizeof(opts->secret_files) / sizeof(opts->secret_files[0]); i++) {
        if (opts->secret_files[i])
            return cf_config_secret(opts->secret_files[i], ret_secret, err);
    }
    return wrong(opts, "cache_key_file is not set, nor is any secret", err);
}

static int open_cache(struct lookup_source *source, struct cf_loop *loop,
                      const struct lookup_source_opts *opts, struct cf_err *err)
{
    struct lookup_cache_opts cache = {.query = lookup_crm_query(source->crm),
                                      .ttl_ms = opts->cache_ttl_ms,
                                      .negative_ttl_ms = opts->cache_negative_ttl_ms,
                                      .stale_ms = opts->cache_stale_ms,
                                      .wait_ms = opts->cache_wait_ms};
    struct cf_buf org;
    char *secret = NULL;

    if (cache.ttl_ms == 0 && cache.negative_ttl_ms == 0 && cache.stale_ms == 0)
        return 0;
    if (read_secret(opts, &secret, err) || !secret)
        return -1;
    cf_buf_init(&org, 4096);
    cf_buf_printf(&org, "%s\n%s\n%s\n%s", opts->match, opts->login_url,
                  opts->client_id ? opts->client_id : "", opts->username ? opts->username : "");
    cache.secret = cf_str_of(secret);
    cache.org = cf_buf_view(&org);
    source->cache = lookup_cache_new(loop, opts->redis, &cache);
    cf_buf_done(&org);
    cf_config_secret_free(secret);
    return 0;
}

static void on_seen(void *arg, const struct cf_phone *phone, const struct lookup_query_opts *query,
                    const json_t *answer)
{
    struct lookup_source *source = arg;

    if (source->cache)
        lookup_cache_put(source->cache, phone, query, answer);
}

/* ---- interface ---- */

int lookup_source_open(struct lookup_source *source, struct cf_loop *loop,
                       const struct lookup_source_opts *opts, struct cf_err *err)
{
    struct lookup_crm_opts crm = {
        .query = {.api_version = opts->api_version,
                  .tier_field = *opts->tier_field ? opts->tier_field : NULL,
                  .activity = true,
                  .patterns = opts->patterns,
                  .person_accounts = opts->person_accounts},
        .priority = opts->priority,
        .try_ms = opts->try_ms,
        .batch = opts->batch,
        .linger_ms = opts->linger_ms,
        .seen = on_seen,
        .seen_arg = source,
    };

    source->default_region = opts->default_region;
    source->regions = opts->regions;
    if (!lookup_match_of(cf_str_of(opts->match), &crm.match))
        return wrong(opts, WRONG_MATCH, err);
    if (read_fields(opts, source->fields, &crm.query, err) ||
        lookup_rules_parse(cf_str_of(opts->choose), &source->rules, err) ||
        lookup_rules_tiers(cf_str_of(opts->tier_order), &source->rules, err))
        return -1;
    source->crm = lookup_crm_new(loop, opts->sf, &crm);
    return open_cache(source, loop, opts, err);
}

void lookup_source_close(struct lookup_source *source)
{
    lookup_crm_free(source->crm);
    lookup_cache_free(source->cache);
    source->crm = NULL;
    source->cache = NULL;
}

const char *lookup_source_region(const struct lookup_source *source, struct cf_str entry_point_id)
{
    for (const struct cf_pair *at = source->regions; entry_point_id.p && at && at->name; at++) {
        if (cf_str_is(entry_point_id, at->name))
            return at->value;
    }
    return source->default_region;
}

void lookup_source_decide(const struct lookup_source *source, struct cf_arena *arena,
                          const struct lookup_query_opts *query, const json_t *answer,
                          const struct lookup_caller *caller, struct cf_customer *ret_customer)
{
    struct lookup_record *records;
    size_t n;

    lookup_query_pick(arena, query, answer, caller->phone, &records, &n);
    lookup_decide(arena, &source->rules, caller, records, n, ret_customer);
}
