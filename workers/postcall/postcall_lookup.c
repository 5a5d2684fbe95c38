/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The step for calls whose customer nobody could name in time, or whose context is gone: the lookup stage's
 * own question, rules and copies, at post-call priority.
 *
 * There may be thousands of them at once, after an outage: they share requests, and those whose number the
 * lookup stage has learnt meanwhile, be it too late, need none. A copy that is too old is of no use here: the
 * call can wait for the truth.
 */
#include "postcall.h"
#include "sf/sf.h"

#define ASK_MS 30000 /* an ask waits so long for its turn and its answer, then the event is tried again */

#define GO_ON 256     /* lookups that go on at once when a pause is over; each answer lets two more go */
#define BEHIND_MS 600 /* so much later than a lookup that is the probe, and may linger, writes are tried */

/* ---- the line of those held up by a pause ---- */

static void leave_line(struct cf_job *job)
{
    struct postcall *postcall = postcall_of(job);
    struct postcall_job *state = cf_job_state(job), *next;

    *state->held_up_link = state->held_up_next;
    if (state->held_up_next) {
        next = cf_job_state(state->held_up_next);
        next->held_up_link = state->held_up_link;
    } else {
        postcall->last_held_up = state->held_up_link;
    }
    state->held_up_link = NULL;
}

static void on_held_up_gone(void *arg)
{
    leave_line(arg);
}

/* Not by the backoff of the job, whose window may be at its longest when the pause ends. */
static void hold_up(struct cf_job *job)
{
    struct postcall *postcall = postcall_of(job);
    struct postcall_job *state = cf_job_state(job);

    state->held_up_next = NULL;
    state->held_up_link = postcall->last_held_up;
    *postcall->last_held_up = job;
    postcall->last_held_up = &state->held_up_next;
    cf_job_on_cancel(job, on_held_up_gone, job);
}

static void let_go_on(struct postcall *postcall, size_t n)
{
    for (; postcall->held_up && n > 0; n--) {
        struct cf_job *job = postcall->held_up;

        leave_line(job);
        cf_job_resume(job);
    }
}

void postcall_on_recovery(void *arg, bool probe)
{
    struct postcall *postcall = arg;

    /* A question is the better probe: it has less time, and no unknown outcome. */
    postcall_lanes_wake(postcall, probe && postcall->held_up ? BEHIND_MS : 0);
    let_go_on(postcall, probe ? 1 : GO_ON);
}

/* ---- the customer ---- */

static void take(struct cf_job *job, const struct cf_customer *customer)
{
    struct postcall_job *state = cf_job_state(job);

    state->customer.contact_id = customer->contact.id;
    state->customer.account_id = customer->account.id;
    if (customer->n_cases > 0)
        state->customer.case_id = customer->cases[0].id;
    cf_job_goto(job, POSTCALL_WRITE);
}

static const char *region_of(const struct cf_job *job)
{
    return lookup_source_region(&postcall_of(job)->source, postcall_ended(job)->entry_point_id);
}

static void decide(struct cf_job *job, const struct lookup_query_opts *query, const json_t *answer,
                   struct cf_customer *ret_customer)
{
    const struct postcall_job *state = cf_job_state(job);
    const struct lookup_caller caller = {&state->phone, region_of(job)};

    lookup_source_decide(&postcall_of(job)->source, cf_job_arena(job), query, answer, &caller, ret_customer);
}

/* ---- Salesforce ---- */

static void on_outcome(void *arg, const struct lookup_outcome *outcome)
{
    struct cf_job *job = arg;
    struct postcall_job *state = cf_job_state(job);
    struct cf_customer customer;
    struct cf_err err;

    state->ask = NULL;
    state->api_calls += outcome->api_calls;
    cf_job_on_cancel(job, NULL, NULL);
    if (outcome->paused) {
        hold_up(job);
        return;
    }
    let_go_on(postcall_of(job), 2);
    if (outcome->answer) {
        decide(job, outcome->opts, outcome->answer, &customer);
        take(job, &customer);
        cf_job_resume(job);
        return;
    }
    err = *outcome->err;
    if (err.kind == CF_ERR_REJECTED)
        err.kind = CF_ERR_CONFIG; /* the question is the same for all events */
    cf_sf_query_failed(postcall_of(job)->sf, &err);
    cf_job_resume_fail(job, &err);
}

static void on_ask_gone(void *arg)
{
    struct postcall_job *state = cf_job_state(arg);

    lookup_crm_cancel(state->ask);
}

static void ask(struct cf_job *job)
{
    struct postcall_job *state = cf_job_state(job);

    state->ask = lookup_crm_ask(postcall_of(job)->source.crm, &state->phone, ASK_MS, on_outcome, job);
    cf_job_on_cancel(job, on_ask_gone, job);
}

/* ---- the cache ---- */

static bool take_cached(struct cf_job *job, const struct lookup_cached *cached)
{
    struct cf_customer customer;

    decide(job, lookup_crm_query(postcall_of(job)->source.crm), cached->answer, &customer);
    if (!(customer.status == CF_CUSTOMER_UNMATCHED ? cached->fresh_nobody : cached->fresh))
        return false;
    take(job, &customer);
    return true;
}

static void on_cached(void *arg, const struct lookup_cached *cached)
{
    struct cf_job *job = arg;
    struct postcall_job *state = cf_job_state(job);

    state->get = NULL;
    if (cached && take_cached(job, cached))
        cf_job_resume(job);
    else
        ask(job);
}

static void on_get_gone(void *arg)
{
    struct postcall_job *state = cf_job_state(arg);

    lookup_cache_cancel(state->get);
}

enum cf_next postcall_step_lookup(struct cf_job *job)
{
    struct lookup_source *source = &postcall_of(job)->source;
    struct postcall_job *state = cf_job_state(job);

    cf_phone_parse(state->ani, region_of(job), &state->phone);
    if (state->phone.status != CF_PHONE_OK) {
        cf_job_goto(job, POSTCALL_WRITE);
        return CF_MORE;
    }
    if (source->cache)
        state->get = lookup_cache_get(source->cache, &state->phone, on_cached, job);
    if (state->get)
        cf_job_on_cancel(job, on_get_gone, job);
    else
        ask(job);
    return CF_WAIT;
}
