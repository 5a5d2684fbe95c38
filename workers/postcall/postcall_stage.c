/* SPDX-License-Identifier: Apache-2.0 */
/* What the post-call stage has once per process: configuration, metrics, the Salesforce client. */
#include "postcall.h"

#include <stdlib.h>

#include "phone/phone.h"
#include "sf/sf.h"

#define CF_CONFIG_ARRAY struct postcall_config
#include "config/keys.h"

const struct cf_key postcall_keys[] = {
#include "postcall_config.def"
    {0}};
#include "config/keys_end.h"

const struct cf_metric postcall_metrics[] = {
#include "sf/sf_metrics.def"
    [POSTCALL_M_RESULTS] = {"callfleet_postcall_results_total", CF_COUNTER, "outcome",
                            "Calls that are over, by outcome."},
    [POSTCALL_M_REPEATS] = {"callfleet_postcall_verified_total", CF_COUNTER, NULL,
                            "Times Salesforce was asked what of a call is there already."},
    [POSTCALL_M_REQUESTS] = {"callfleet_postcall_requests_total", CF_COUNTER, "kind",
                             "Requests that write calls, or read what of them is there."},
    [POSTCALL_M_CALLS] = {"callfleet_postcall_requested_calls_total", CF_COUNTER, "kind",
                          "Calls in those requests: by requests, the size of a batch."},
    [POSTCALL_M_WAITING] = {"callfleet_postcall_waiting", CF_GAUGE, "kind",
                            "Calls that wait for such a request now."},
    [POSTCALL_M_UNKNOWN] = {"callfleet_postcall_unknown_outcomes_total", CF_COUNTER, NULL,
                            "Writes of a call of which nobody knew whether they were done."},
    [POSTCALL_M_LOCKED] = {"callfleet_postcall_lock_retries_total", CF_COUNTER, NULL,
                           "Writes of a call put off because a record was locked."},
    [POSTCALL_M_DROPPED] = {"callfleet_postcall_dropped_fields_total", CF_COUNTER, "field",
                            "Fields of Task left out since the start because the org lacks them."},
    {0}};

#define FIRST_GRAPH_VERSION 50
#define CACHE_WAIT_MS 1000 /* nobody waits on the line, and a copy saves a request */

/* "v60.0" -> 60 */
static uint64_t sf_api_major(const char *version)
{
    uint64_t major;

    if (version[0] != 'v' || !cf_str_u64((struct cf_str){version + 1, strcspn(version + 1, ".")}, &major))
        return 0;
    return major;
}

static int check_config(const struct postcall_config *config, struct cf_err *err)
{
    if (*config->external_id_field && !lookup_is_field_name(cf_str_of(config->external_id_field)))
        return cf_err_set(err, CF_ERR_CONFIG, "postcall", 0, "external_id_field is no field name");
    if (sf_api_major(config->sf_api_version) < FIRST_GRAPH_VERSION)
        return cf_err_set(err, CF_ERR_CONFIG, "postcall", 0,
                          "sf_api_version must be v50.0 or later: requests are composite graphs");
    return 0;
}

static int open_salesforce(struct cf_worker *worker, struct postcall *postcall, struct cf_err *err)
{
    const struct postcall_config *config = postcall->config;
    struct lookup_source_opts source = LOOKUP_SOURCE_OPTS(config);
    struct cf_sf_opts opts = CF_SF_OPTS(config);

    source.stage = "postcall";
    source.redis = cf_worker_redis(worker);
    source.priority = CF_SF_POST_CALL;
    source.batch = LOOKUP_QUERY_NUMBERS;
    source.linger_ms = (uint32_t)config->lookup_linger_ms;
    source.cache_wait_ms = CACHE_WAIT_MS;
    if (lookup_source_check(&source, err))
        return -1;
    if (!cf_sf_grant_of(cf_str_of(config->sf_grant), &opts.grant))
        return cf_err_set(err, CF_ERR_CONFIG, "postcall", 0,
                          "sf_grant must be client_credentials, jwt_bearer or password");
    opts.http = cf_worker_http(worker);
    opts.redis = source.redis;
    opts.redis_prefix = CF_STR("cf:");
    source.sf = postcall->sf = cf_sf_new(cf_worker_loop(worker), &opts, err);
    if (!postcall->sf)
        return -1;
    cf_sf_metrics(postcall->sf, cf_worker_stage_metrics(worker));
    cf_sf_on_recovery(postcall->sf, postcall_on_recovery, postcall);
    return lookup_source_open(&postcall->source, cf_worker_loop(worker), &source, err);
}

int postcall_init(struct cf_worker *worker, struct cf_err *err)
{
    const struct postcall_config *config = cf_worker_config(worker);
    struct postcall *postcall = cf_calloc(1, sizeof(*postcall));

    cf_worker_set_state(worker, postcall);
    postcall->worker = worker;
    postcall->config = config;
    postcall->rules = (struct postcall_rules){.subject = config->subject,
                                              .disposition = config->disposition,
                                              .description = config->description,
                                              .comment = config->comment,
                                              .recording_link = config->recording_link,
                                              .task_fields = config->task_fields,
                                              .write_abandoned = config->write_abandoned,
                                              .write_unmatched = config->write_unmatched};
    postcall->org.api_version = config->sf_api_version;
    if (*config->external_id_field)
        postcall->org.external_id_field = config->external_id_field;
    if (check_config(config, err) != 0 || postcall_rules_check(&postcall->rules, err) != 0)
        return -1;
    cf_phone_init();
    postcall->turns = postcall_turns_new();
    postcall->last_held_up = &postcall->held_up;
    postcall_lanes_open(postcall);
    return open_salesforce(worker, postcall, err);
}

void postcall_done(struct cf_worker *worker)
{
    struct postcall *postcall = cf_worker_state(worker);

    if (!postcall)
        return;
    lookup_source_close(&postcall->source);
    cf_sf_free(postcall->sf);
    postcall_lanes_close(postcall);
    postcall_turns_free(postcall->turns);
    free(postcall);
    cf_worker_set_state(worker, NULL);
}

struct postcall *postcall_of(const struct cf_job *job)
{
    return cf_worker_state(cf_job_worker(job));
}

const struct cf_call_ended *postcall_ended(const struct cf_job *job)
{
    return &cf_job_event(job)->data.call_ended;
}
