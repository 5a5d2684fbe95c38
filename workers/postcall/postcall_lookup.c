/* SPDX-License-Identifier: Apache-2.0 */
/* The step for calls whose context is gone: the lookup stage's own question and rules, at post-call priority.
 */
#include "postcall.h"
#include "sf/sf.h"

static enum cf_next nobody(struct cf_job *job)
{
    cf_job_goto(job, POSTCALL_WRITE);
    return CF_MORE;
}

static void parse(const struct cf_job *job, struct cf_str ani, struct cf_phone *ret_phone)
{
    cf_phone_parse(ani, postcall_of(job)->config->default_region, ret_phone);
}

static void on_customer(struct cf_job *job, const struct cf_sf_response *res)
{
    struct postcall *postcall = postcall_of(job);
    struct postcall_job *state = cf_job_state(job);
    struct lookup_dropped dropped;
    struct lookup_record *records;
    struct lookup_caller caller;
    struct cf_customer customer;
    struct cf_phone phone;
    struct cf_err err;
    bool news;
    size_t n;

    if (lookup_query_check(&postcall->query, res->json, &dropped, &err) != 0) {
        if (!lookup_query_drop(&postcall->query, &dropped, &news)) {
            err.kind = err.kind == CF_ERR_REJECTED ? CF_ERR_CONFIG : err.kind; /* no event has a say in it */
            cf_sf_query_failed(postcall->sf, &err);
            cf_job_resume_fail(job, &err);
            return;
        }
        /* the org has no such field: again without it */
        cf_job_goto(job, POSTCALL_LOOKUP);
        cf_job_resume(job);
        return;
    }
    parse(job, state->ani, &phone);
    caller = (struct lookup_caller){&phone, postcall->config->default_region};
    lookup_query_pick(cf_job_arena(job), &postcall->query, res->json, &phone, &records, &n);
    lookup_decide(cf_job_arena(job), &postcall->choose, &caller, records, n, &customer);
    state->customer.contact_id = customer.contact.id;
    state->customer.account_id = customer.account.id;
    if (customer.n_cases > 0)
        state->customer.case_id = customer.cases[0].id;
    cf_job_resume(job);
}

enum cf_next postcall_step_lookup(struct cf_job *job)
{
    const struct postcall_job *state = cf_job_state(job);
    struct cf_phone phone;

    parse(job, state->ani, &phone);
    if (phone.status != CF_PHONE_OK)
        return nobody(job);
    cf_job_goto(job, POSTCALL_WRITE);
    return postcall_ask(job, lookup_query_build(&postcall_of(job)->query, &phone, 1), on_customer);
}
