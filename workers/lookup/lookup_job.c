/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of one call through the lookup stage. */
#include <stdio.h>
#include <stdlib.h>

#include "clock/clock.h"
#include "log/log.h"
#include "lookup.h"
#include "metrics/metrics.h"
#include "sf/sf.h"

static struct lookup *lookup_of(const struct cf_job *job)
{
    return cf_worker_state(cf_job_worker(job));
}

static const struct cf_call_started *started_of(const struct cf_job *job)
{
    return &cf_job_event(job)->data.call_started;
}

/* ---- normalise: what number is it? (activity 2, SetPhoneNumber) ---- */

static enum cf_next queue_without_asking(struct cf_job *job, enum cf_customer_status status,
                                         struct cf_str reason)
{
    struct lookup_job *state = cf_job_state(job);

    state->customer = (struct cf_customer){.status = status, .match_count = -1, .reason = reason};
    cf_job_goto(job, LOOKUP_QUEUE);
    return CF_MORE;
}

static enum cf_next step_normalise(struct cf_job *job)
{
    const struct cf_call_started *started = started_of(job);
    struct lookup_job *state = cf_job_state(job);

    state->region = lookup_source_region(&lookup_of(job)->source, started->entry_point_id);
    cf_phone_parse(started->ani, state->region, &state->phone);
    switch (state->phone.status) {
    case CF_PHONE_WITHHELD:
        return queue_without_asking(job, CF_CUSTOMER_WITHHELD, CF_STR("the caller withholds the number"));
    case CF_PHONE_SHORT:
        return queue_without_asking(job, CF_CUSTOMER_INVALID, CF_STR("too short for a subscriber's number"));
    case CF_PHONE_INVALID:
        return queue_without_asking(job, CF_CUSTOMER_INVALID, CF_STR("not a telephone number"));
    case CF_PHONE_OK:
        break;
    }
    cf_job_goto(job, LOOKUP_CACHE);
    return CF_MORE;
}

/* ---- what is known of the number ---- */

static void decide(struct cf_job *job, const struct lookup_query_opts *opts, const json_t *answer,
                   struct cf_customer *ret_customer)
{
    const struct lookup_job *state = cf_job_state(job);
    const struct lookup_caller caller = {&state->phone, state->region};

    lookup_source_decide(&lookup_of(job)->source, cf_job_arena(job), opts, answer, &caller, ret_customer);
}

/* ---- cache: did Salesforce say so lately? ---- */

static struct cf_str time_text(struct cf_job *job, int64_t at)
{
    char text[CF_CLOCK_TEXT_SIZE];

    cf_clock_format(at, text);
    return cf_arena_str(cf_job_arena(job), cf_str_of(text));
}

static void take_cached(struct cf_job *job, const struct lookup_cached *cached)
{
    struct lookup_job *state = cf_job_state(job);
    struct cf_customer customer;
    bool nobody;

    decide(job, lookup_crm_query(lookup_of(job)->source.crm), cached->answer, &customer);
    customer.as_of = time_text(job, cached->at);
    nobody = customer.status == CF_CUSTOMER_UNMATCHED;
    if (nobody ? cached->fresh_nobody : cached->fresh) {
        state->customer = customer;
        state->customer.source = CF_STR("cache");
        cf_job_goto(job, LOOKUP_QUEUE);
    } else if (!nobody) { /* that nobody has a number is soon wrong */
        state->old = customer;
        state->has_old = true;
    }
}

static void on_cached(void *arg, const struct lookup_cached *cached)
{
    struct cf_job *job = arg;
    struct lookup_job *state = cf_job_state(job);

    state->get = NULL;
    if (cached)
        take_cached(job, cached);
    cf_job_resume(job);
}

static void on_get_cancel(void *arg)
{
    struct lookup_job *state = arg;

    lookup_cache_cancel(state->get);
}

static enum cf_next step_cache(struct cf_job *job)
{
    struct lookup *lookup = lookup_of(job);
    struct lookup_job *state = cf_job_state(job);

    cf_job_goto(job, LOOKUP_ASK);
    if (lookup->source.cache)
        state->get = lookup_cache_get(lookup->source.cache, &state->phone, on_cached, job);
    if (!state->get)
        return CF_MORE;
    cf_job_on_cancel(job, on_get_cancel, state);
    return CF_WAIT;
}

/* ---- ask: who has it? (activities 3 to 5, AccountByANI, ContactByANI, CaseByContactId) ---- */

/* What was known once is better than nothing; the reason says both. */
static void take_old(struct cf_job *job, const char *problem)
{
    struct lookup_job *state = cf_job_state(job);
    const struct cf_customer *old = &state->old;

    state->customer = *old;
    state->customer.source = CF_STR("stale");
    state->customer.reason = cf_arena_printf(cf_job_arena(job), "as of %.*s, %s: %.*s",
                                             CF_STR_FMT(old->as_of), problem, CF_STR_FMT(old->reason));
}

static void no_answer(struct cf_job *job, enum cf_customer_status status, struct cf_str reason)
{
    struct lookup_job *state = cf_job_state(job);

    if (!state->has_old)
        state->customer = (struct cf_customer){.status = status, .match_count = -1, .reason = reason};
    else if (status == CF_CUSTOMER_TIMEOUT)
        take_old(job, "Salesforce did not answer in time");
    else if (status == CF_CUSTOMER_OVER_BUDGET)
        take_old(job, "the API allocation of Salesforce is spent");
    else
        take_old(job, "Salesforce is unavailable");
}

static void take_failure(struct cf_job *job, const struct lookup_outcome *outcome)
{
    enum cf_customer_status status = CF_CUSTOMER_UNAVAILABLE;

    if (outcome->err->kind == CF_ERR_THROTTLED && outcome->err->code != 0) /* not our own line being full */
        status = CF_CUSTOMER_OVER_BUDGET;
    else if (outcome->late)
        status = CF_CUSTOMER_TIMEOUT;
    no_answer(job, status, cf_arena_str(cf_job_arena(job), cf_str_of(outcome->err->text)));
    cf_log_err(CF_LOG_WARN, "lookup", cf_job_log(job), "Salesforce did not say who calls", outcome->err);
}

static void on_outcome(void *arg, const struct lookup_outcome *outcome)
{
    struct cf_job *job = arg;
    struct lookup_job *state = cf_job_state(job);

    state->ask = NULL;
    cf_metric_observe(cf_worker_stage_metrics(cf_job_worker(job)), LOOKUP_M_DURATION, NULL, NULL,
                      (double)(cf_clock_mono_ns() - state->asked_ns) / 1e9);
    if (outcome->answer) {
        decide(job, outcome->opts, outcome->answer, &state->customer);
        state->customer.source = CF_STR("salesforce");
    } else {
        take_failure(job, outcome);
    }
    cf_job_resume(job);
}

static void on_ask_cancel(void *arg)
{
    struct lookup_job *state = arg;

    lookup_crm_cancel(state->ask);
}

static enum cf_next step_ask(struct cf_job *job)
{
    struct lookup *lookup = lookup_of(job);
    struct lookup_job *state = cf_job_state(job);
    uint64_t age_ms = cf_job_age_ms(job), deadline_ms = lookup->config->deadline_ms;

    cf_job_goto(job, LOOKUP_QUEUE);
    if (age_ms >= deadline_ms) {
        no_answer(job, CF_CUSTOMER_TIMEOUT, CF_STR("no time was left to ask Salesforce"));
        return CF_MORE;
    }
    state->asked_ns = cf_clock_mono_ns();
    state->ask =
        lookup_crm_ask(lookup->source.crm, &state->phone, (uint32_t)(deadline_ms - age_ms), on_outcome, job);
    cf_job_on_cancel(job, on_ask_cancel, state);
    return CF_WAIT;
}

/* ---- queue: the call waits for an agent now (greeting, activity 7 Music, event of activity 6) ---- */

static void count_crm(struct cf_metric_group *metrics, struct lookup *lookup)
{
    struct lookup_crm_counts now = lookup_crm_counts(lookup->source.crm), before = lookup->counted;

    lookup->counted = now;
    if (now.shared > before.shared)
        cf_metric_add(metrics, LOOKUP_M_SHARED, NULL, NULL, (double)(now.shared - before.shared));
    if (now.requests > before.requests) {
        cf_metric_add(metrics, LOOKUP_M_REQUESTS, NULL, NULL, (double)(now.requests - before.requests));
        cf_metric_add(metrics, LOOKUP_M_NUMBERS, NULL, NULL, (double)(now.numbers - before.numbers));
    }
    if (now.halved > before.halved)
        cf_metric_add(metrics, LOOKUP_M_HALVED, NULL, NULL, (double)(now.halved - before.halved));
    if (now.late > before.late)
        cf_metric_add(metrics, LOOKUP_M_LATE, NULL, NULL, (double)(now.late - before.late));
}

static void count_gets(struct cf_metric_group *metrics, const char *result, uint64_t now, uint64_t before)
{
    if (now > before)
        cf_metric_add(metrics, LOOKUP_M_CACHE, result, NULL, (double)(now - before));
}

static void count_cache(struct cf_metric_group *metrics, struct lookup *lookup)
{
    struct lookup_cache_counts now = lookup_cache_counts(lookup->source.cache),
                               before = lookup->cache_counted;

    lookup->cache_counted = now;
    count_gets(metrics, "found", now.found, before.found);
    count_gets(metrics, "missed", now.missed, before.missed);
    count_gets(metrics, "failed", now.failed, before.failed);
    count_gets(metrics, "skipped", now.skipped, before.skipped);
    if (now.put > before.put)
        cf_metric_add(metrics, LOOKUP_M_CACHE_PUTS, NULL, NULL, (double)(now.put - before.put));
}

static void count(struct cf_job *job, const struct cf_customer *customer)
{
    struct cf_metric_group *metrics = cf_worker_stage_metrics(cf_job_worker(job));
    struct lookup *lookup = lookup_of(job);

    cf_metric_add(metrics, LOOKUP_M_RESULTS, cf_customer_status_name(customer->status), NULL, 1);
    cf_metric_add(metrics, LOOKUP_M_SOURCES, customer->source.p ? customer->source.p : "none", NULL, 1);
    count_crm(metrics, lookup);
    if (lookup->source.cache)
        count_cache(metrics, lookup);
}

static void fill_queued(struct cf_job *job, struct cf_call_queued *queued)
{
    const struct cf_call_started *started = started_of(job);
    const struct lookup *lookup = lookup_of(job);
    const struct lookup_job *state = cf_job_state(job);
    struct lookup_greeting greeting;

    lookup_greet(cf_job_arena(job), &lookup->greeting, started->language, &state->customer, &greeting);
    *queued = (struct cf_call_queued){
        .call_id = started->call_id,
        .queued_at = cf_clock_wall_ms(),
        .ani = state->phone.status == CF_PHONE_OK ? cf_str_of(state->phone.e164) : (struct cf_str){0},
        .dnis = started->dnis,
        .entry_point_id = started->entry_point_id,
        .language = started->language,
        .parent_call_id = started->parent_call_id,
        .attributes = started->attributes,
        .customer = state->customer,
        .greeting = {greeting.language, greeting.text, greeting.ssml},
        .treatment = {cf_str_of(lookup->config->music)},
    };
}

static enum cf_next step_queue(struct cf_job *job)
{
    struct cf_event event = {.type = CF_EVENT_CALL_QUEUED};
    const struct cf_call_queued *queued = &event.data.call_queued;

    fill_queued(job, &event.data.call_queued);
    event.time = queued->queued_at;
    if (cf_job_emit_event(job, queued->call_id, &event) == CF_FAIL)
        return CF_FAIL;
    lookup_keep_context(cf_job_worker(job), queued);
    count(job, &queued->customer);
    return CF_DONE;
}

const struct cf_step lookup_steps[] = {[LOOKUP_NORMALISE] = {"normalise", step_normalise},
                                       [LOOKUP_CACHE] = {"cache", step_cache},
                                       [LOOKUP_ASK] = {"ask", step_ask},
                                       [LOOKUP_QUEUE] = {"queue", step_queue},
                                       {0}};
