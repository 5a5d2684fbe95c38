/* SPDX-License-Identifier: Apache-2.0 */
/* The steps that write, and the end of the flow. */
#include "clock/clock.h"
#include "log/log.h"
#include "postcall.h"
#include "sf/sf.h"

#define MAX_STALE 2 /* the case, then contact and account */

/* ---- asking Salesforce ---- */

static void on_answer(void *arg, const struct cf_sf_response *res, const struct cf_sf_failure *failure)
{
    struct cf_job *job = arg;
    struct postcall_job *state = cf_job_state(job);

    state->call = NULL;
    cf_job_on_cancel(job, NULL, NULL);
    state->api_calls += res ? res->api_calls : failure->api_calls;
    if (res) {
        state->answer(job, res);
        return;
    }
    if (failure->unknown_outcome && state->writing)
        state->verify = true;
    cf_job_resume_fail(job, &failure->err);
}

static void on_cancel(void *arg)
{
    struct postcall_job *state = arg;

    cf_sf_cancel(state->call);
}

enum cf_next postcall_ask(struct cf_job *job, json_t *body, postcall_answer_fn *fn)
{
    const struct postcall *postcall = postcall_of(job);
    struct postcall_job *state = cf_job_state(job);
    struct cf_sf_request request = {.priority = CF_SF_POST_CALL,
                                    .method = "POST",
                                    .path = "/composite",
                                    .body = body,
                                    .timeout_ms = (uint32_t)postcall->config->sf_timeout_ms};

    state->answer = fn;
    state->writing = false;
    state->call = cf_sf_send(postcall->sf, &request, on_answer, job);
    json_decref(body);
    cf_job_on_cancel(job, on_cancel, state);
    return CF_WAIT;
}

/* ---- write (activity 9, PostComment) ---- */

/* The case was deleted or merged, or the contact: what is left is still worth writing. */
static void give_reference_up(struct cf_job *job, const struct cf_err *err)
{
    struct postcall_job *state = cf_job_state(job);

    if (state->stale >= MAX_STALE) {
        cf_job_resume_fail(job, err);
        return;
    }
    state->stale++;
    cf_log_err(CF_LOG_WARN, "postcall", cf_job_log(job), "a record of the customer is gone: going on without",
               err);
    if (state->customer.case_id.p)
        state->customer.case_id = (struct cf_str){0};
    else
        state->customer.contact_id = state->customer.account_id = (struct cf_str){0};
    cf_job_goto(job, POSTCALL_WRITE);
    cf_job_resume(job);
}

static void on_written(struct cf_job *job, const struct cf_sf_response *res)
{
    struct postcall_job *state = cf_job_state(job);
    struct cf_err err;

    switch (
        postcall_read_written(cf_job_arena(job), &postcall_of(job)->org, res->json, &state->found, &err)) {
    case POSTCALL_WRITTEN:
        cf_job_resume(job);
        break;
    case POSTCALL_REPEAT:
        state->verify = true;
        cf_job_goto(job, POSTCALL_READ);
        cf_job_resume(job);
        break;
    case POSTCALL_STALE:
        give_reference_up(job, &err);
        break;
    case POSTCALL_FAILED:
        state->verify = true; /* an answer that is not understood may hide a success */
        cf_job_resume_fail(job, &err);
        break;
    }
}

/* Takes `body` over. */
static enum cf_next write_it(struct cf_job *job, json_t *body)
{
    struct postcall_job *state = cf_job_state(job);
    enum cf_next next = postcall_ask(job, body, on_written);

    state->writes++;
    state->writing = true;
    return next;
}

static enum cf_next step_write(struct cf_job *job)
{
    const struct postcall *postcall = postcall_of(job);
    struct postcall_job *state = cf_job_state(job);
    struct postcall_rules rules = postcall->rules;

    if (state->stale > 0) /* it was somebody's call, even if no record is left */
        rules.write_unmatched = true;
    postcall_decide(cf_job_arena(job), &rules, postcall_ended(job), &state->customer, &state->plan);
    cf_job_goto(job, POSTCALL_EMIT);
    if (state->plan.nothing)
        return CF_MORE;
    if (state->verify || !postcall->org.external_id_field) {
        cf_job_goto(job, POSTCALL_READ);
        return CF_MORE;
    }
    return write_it(job, postcall_write_first(&postcall->org, &state->plan, &state->customer));
}

/* ---- read and rest: what is there already, and what is not ---- */

static void on_found(struct cf_job *job, const struct cf_sf_response *res)
{
    struct postcall_job *state = cf_job_state(job);
    struct cf_err err;

    if (postcall_read_found(cf_job_arena(job), &postcall_of(job)->org, &state->plan, res->json, &state->found,
                            &err) != 0) {
        cf_job_resume_fail(job, &err);
        return;
    }
    state->verify = false;
    cf_job_resume(job);
}

static enum cf_next step_read(struct cf_job *job)
{
    const struct postcall *postcall = postcall_of(job);
    struct postcall_job *state = cf_job_state(job);

    cf_metric_add(cf_worker_stage_metrics(cf_job_worker(job)), POSTCALL_M_REPEATS, NULL, NULL, 1);
    cf_job_goto(job, POSTCALL_REST);
    return postcall_ask(job, postcall_write_read(&postcall->org, &state->plan, &state->customer), on_found);
}

static enum cf_next step_rest(struct cf_job *job)
{
    const struct postcall *postcall = postcall_of(job);
    struct postcall_job *state = cf_job_state(job);
    json_t *body;

    if (state->verify) { /* the write after the last reading has an unknown outcome */
        cf_job_goto(job, POSTCALL_READ);
        return CF_MORE;
    }
    cf_job_goto(job, POSTCALL_EMIT);
    body = postcall_write_rest(&postcall->org, &state->plan, &state->customer, &state->found);
    if (!body) {
        state->repeated = true;
        return CF_MORE;
    }
    return write_it(job, body);
}

/* ---- emit (activity 10, EndFlow) ---- */

static void count(struct cf_job *job, const char *outcome)
{
    struct cf_metric_group *metrics = cf_worker_stage_metrics(cf_job_worker(job));

    cf_metric_add(metrics, POSTCALL_M_RESULTS, outcome, NULL, 1);
}

static void fill_updated(struct cf_job *job, struct cf_call_updated *updated)
{
    const struct postcall_job *state = cf_job_state(job);
    struct cf_str *ids = cf_arena_alloc(cf_job_arena(job), POSTCALL_MAX_PARTS * sizeof(*ids));
    size_t n = 0;

    *updated = (struct cf_call_updated){.call_id = postcall_ended(job)->call_id,
                                        .updated_at = cf_clock_wall_ms(),
                                        .attempts = state->writes,
                                        .api_calls = (double)state->api_calls};
    if (state->plan.nothing) {
        updated->outcome = CF_UPDATE_NOTHING;
        return;
    }
    for (size_t i = 0; i < POSTCALL_MAX_PARTS; i++) {
        if (state->found.comment_ids[i].p)
            ids[n++] = state->found.comment_ids[i];
    }
    updated->outcome = state->repeated ? CF_UPDATE_ALREADY_WRITTEN : CF_UPDATE_WRITTEN;
    updated->task_id = state->found.task_id;
    updated->case_id = state->customer.case_id;
    updated->contact_id = state->customer.contact_id;
    updated->account_id = state->customer.account_id;
    updated->comment_ids = ids;
    updated->n_comment_ids = n;
}

static enum cf_next step_emit(struct cf_job *job)
{
    static const char *const outcomes[] = {[CF_UPDATE_WRITTEN] = "written",
                                           [CF_UPDATE_ALREADY_WRITTEN] = "already-written",
                                           [CF_UPDATE_NOTHING] = "nothing-to-write"};
    struct cf_event event = {.type = CF_EVENT_CALL_UPDATED};
    const struct cf_call_updated *updated = &event.data.call_updated;

    fill_updated(job, &event.data.call_updated);
    event.time = updated->updated_at;
    if (cf_job_emit_event(job, updated->call_id, &event) == CF_FAIL)
        return CF_FAIL;
    count(job, outcomes[updated->outcome]);
    return CF_DONE;
}

const struct cf_step postcall_steps[] = {[POSTCALL_CONTEXT] = {"context", postcall_step_context},
                                         [POSTCALL_LOOKUP] = {"lookup", postcall_step_lookup},
                                         [POSTCALL_WRITE] = {"write", step_write},
                                         [POSTCALL_READ] = {"read", step_read},
                                         [POSTCALL_REST] = {"rest", step_rest},
                                         [POSTCALL_EMIT] = {"emit", step_emit},
                                         {0}};
