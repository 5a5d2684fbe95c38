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
    {0}};

static int check_config(const struct postcall_config *config, struct cf_err *err)
{
    const char *region = config->default_region;

    if (*config->external_id_field && !lookup_is_field_name(cf_str_of(config->external_id_field)))
        return cf_err_set(err, CF_ERR_CONFIG, "postcall", 0, "external_id_field is no field name");
    if (region[0] < 'A' || region[0] > 'Z' || region[1] < 'A' || region[1] > 'Z')
        return cf_err_set(err, CF_ERR_CONFIG, "postcall", 0,
                          "default_region must be a country code such as US");
    return 0;
}

static int open_salesforce(struct cf_worker *worker, struct postcall *postcall, struct cf_err *err)
{
    const struct postcall_config *config = postcall->config;
    struct cf_sf_opts opts = CF_SF_OPTS(config);

    if (!cf_sf_grant_of(cf_str_of(config->sf_grant), &opts.grant))
        return cf_err_set(err, CF_ERR_CONFIG, "postcall", 0,
                          "sf_grant must be client_credentials, jwt_bearer or password");
    opts.http = cf_worker_http(worker);
    opts.redis = cf_worker_redis(worker);
    opts.redis_prefix = CF_STR("cf:");
    postcall->sf = cf_sf_new(cf_worker_loop(worker), &opts, err);
    if (!postcall->sf)
        return -1;
    cf_sf_metrics(postcall->sf, cf_worker_stage_metrics(worker));
    return 0;
}

int postcall_init(struct cf_worker *worker, struct cf_err *err)
{
    const struct postcall_config *config = cf_worker_config(worker);
    struct postcall *postcall = cf_calloc(1, sizeof(*postcall));

    cf_worker_set_state(worker, postcall);
    postcall->config = config;
    postcall->rules = (struct postcall_rules){.subject = config->subject,
                                              .task_fields = config->task_fields,
                                              .write_abandoned = config->write_abandoned,
                                              .write_unmatched = config->write_unmatched};
    postcall->org = (struct postcall_org){config->sf_api_version,
                                          *config->external_id_field ? config->external_id_field : NULL};
    postcall->query = (struct lookup_query_opts){.api_version = config->sf_api_version,
                                                 .activity = true,
                                                 .patterns = config->match_patterns,
                                                 .phones = LOOKUP_STANDARD_PHONES};
    if (check_config(config, err) != 0 || postcall_rules_check(&postcall->rules, err) != 0 ||
        lookup_rules_parse(CF_STR("open-case,recent-activity"), &postcall->choose, err) != 0)
        return -1;
    cf_phone_init();
    return open_salesforce(worker, postcall, err);
}

void postcall_done(struct cf_worker *worker)
{
    struct postcall *postcall = cf_worker_state(worker);

    if (!postcall)
        return;
    cf_sf_free(postcall->sf);
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
