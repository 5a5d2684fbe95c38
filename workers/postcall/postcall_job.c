/* SPDX-License-Identifier: Apache-2.0 */
/* The steps that write, and the end of the flow. */
#include "clock/clock.h"
#include "log/log.h"
#include "postcall.h"
#include "sf/sf.h"

#define MAX_STALE 2   /* the case, then contact and account */
#define MAX_REPEATS 3 /* a Task that is refused as a double and never found: it is another field's */

/* ---- waiting and going on ---- */

static void on_gone(void *arg);

/* The job's turn and lane are remembered until its next step runs. */
static void go_on(struct cf_job *job)
{
    cf_job_resume(job);
    cf_job_on_cancel(job, on_gone, job);
}

static void go_to(struct cf_job *job, size_t step)
{
    cf_job_goto(job, step);
    go_on(job);
}

static enum cf_next wait_here(struct cf_job *job)
{
    cf_job_on_cancel(job, on_gone, job);
    return CF_WAIT;
}

/* Whatever the job holds or waits for. */
static void let_go(struct cf_job *job)
{
    struct postcall_job *state = cf_job_state(job);
    struct postcall_turn *next = postcall_turn_leave(postcall_of(job)->turns, &state->turn);

    postcall_lane_leave(job);
    if (next)
        go_on(next->arg);
}

static void on_gone(void *arg)
{
    let_go(arg);
}

static void fail(struct cf_job *job, const struct cf_err *err)
{
    let_go(job); /* others need not wait for its backoff */
    cf_job_resume_fail(job, err);
}

static void add_metric(struct cf_job *job, size_t id, const char *label)
{
    cf_metric_add(cf_worker_stage_metrics(cf_job_worker(job)), id, label, NULL, 1);
}

/* ---- write (activity 9, PostComment) ---- */

/* Whether a write of the job, given up, could still land without harm: it creates the Task, whose field is
 * unique. */
static bool is_protected(struct cf_job *job)
{
    const struct postcall_job *state = cf_job_state(job);

    return postcall_of(job)->org.external_id_field && !state->found.task_id.p;
}

/* Nobody knows whether the last write was done, or will be. */
static void mark_unknown(struct cf_job *job)
{
    struct postcall_job *state = cf_job_state(job);

    state->verify = true;
    if (!is_protected(job))
        state->read_at_ms = cf_clock_mono_ms() + postcall_of(job)->config->late_write_ms;
    add_metric(job, POSTCALL_M_UNKNOWN, NULL);
}

static void lock_on(struct postcall_item *item, size_t i, struct cf_str id)
{
    (void)cf_str_copy(item->parents[i], POSTCALL_ID_SIZE, id);
}

static enum cf_next write_it(struct cf_job *job)
{
    struct postcall *postcall = postcall_of(job);
    struct postcall_job *state = cf_job_state(job);
    struct postcall_call call = postcall_call_of(job);

    state->item.nodes = (uint32_t)postcall_write_nodes(&call, &state->item.bytes);
    state->item.most = state->alone ? 1 : 0;
    state->item.not_before_ms = 0;
    lock_on(&state->item, 0, state->customer.case_id);
    lock_on(&state->item, 1, state->customer.account_id);
    lock_on(&state->item, 2, state->customer.contact_id);
    postcall_lane_add(&postcall->writes, job);
    return wait_here(job);
}

/* False: another job has the Task's turn, and this one waits for it. */
static bool take_turn(struct cf_job *job)
{
    struct postcall_job *state = cf_job_state(job);

    state->turn.arg = job;
    return state->turn.has || postcall_turn_take(postcall_of(job)->turns, &state->turn, state->plan.key);
}

static enum cf_next step_write(struct cf_job *job)
{
    const struct postcall *postcall = postcall_of(job);
    struct postcall_job *state = cf_job_state(job);
    struct postcall_rules rules = postcall->rules;

    if (state->stale > 0) /* it was somebody's call, even if no record is left */
        rules.write_unmatched = true;
    postcall_decide(cf_job_arena(job), &rules, postcall_ended(job), &state->customer, &state->plan);
    if (state->plan.nothing) {
        cf_job_goto(job, POSTCALL_EMIT);
        return CF_MORE;
    }
    if (!take_turn(job))
        return wait_here(job);
    if (state->verify || !postcall->org.external_id_field) {
        cf_job_goto(job, POSTCALL_READ);
        return CF_MORE;
    }
    state->found = (struct postcall_found){0};
    return write_it(job);
}

/* ---- what came of a write ---- */

/* The case was deleted or merged, or the contact: what is left is still worth writing. */
static void give_reference_up(struct cf_job *job, const struct cf_err *err)
{
    struct postcall_job *state = cf_job_state(job);

    state->stale++;
    cf_log_err(CF_LOG_WARN, "postcall", cf_job_log(job), "a record of the customer is gone: going on without",
               err);
    if (state->customer.case_id.p)
        state->customer.case_id = (struct cf_str){0};
    else
        state->customer.contact_id = state->customer.account_id = (struct cf_str){0};
    go_to(job, POSTCALL_WRITE);
}

/* The key that sets a field; NULL: it can not be done without. */
static const char *key_of(const struct postcall *postcall, struct cf_str field)
{
    static const char *const usual[] = {"Status",          "Priority",     "CallType",
                                        "CallDisposition", "ActivityDate", "CallDurationInSeconds",
                                        "TaskSubtype"};

    if (postcall_mapped(postcall->rules.task_fields, field))
        return "of [task_fields]";
    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
        if (cf_str_eq_nocase(cf_str_of(usual[i]), field))
            return "which is set unless [task_fields] says otherwise";
    }
    return NULL;
}

static enum cf_err_kind verdict_of(struct cf_job *job, const struct postcall_outcome *outcome)
{
    const struct postcall_job *state = cf_job_state(job);
    const struct cf_sf_verdict verdict = {outcome->err.code, outcome->code, state->plan.key};

    return cf_sf_record_failed(postcall_of(job)->sf, &verdict);
}

/* Task has no such field. By the switch it is left out from now on, else the worker stops. */
static void drop_field(struct cf_job *job, const struct postcall_outcome *outcome)
{
    struct postcall *postcall = postcall_of(job);
    struct postcall_org *org = &postcall->org;
    struct cf_str field = cf_str_of(outcome->field);
    const char *key = key_of(postcall, field);
    struct cf_err err;

    if (postcall_is_dropped(org, field)) { /* by another call, while this one was under way */
        go_on(job);
        return;
    }
    if (org->external_id_field && cf_str_eq_nocase(field, cf_str_of(org->external_id_field)))
        (void)cf_err_set(&err, CF_ERR_CONFIG, "postcall", outcome->err.code,
                         "Task has no field %s (external_id_field), or the user may not see it",
                         outcome->field);
    else
        (void)cf_err_set(&err, CF_ERR_CONFIG, "postcall", outcome->err.code,
                         "Task has no field %s, %s, or the user may not write it",
                         *outcome->field ? outcome->field : "(no name was given)",
                         key ? key : "which is always set");
    if (!key || !postcall->config->drop_unknown_fields || org->n_dropped == POSTCALL_MAX_DROPPED) {
        cf_log_err(CF_LOG_ERROR, "postcall", NULL, "calls can not be written", &err);
        err.kind = verdict_of(job, outcome);
        fail(job, &err);
        return;
    }
    (void)cf_str_copy(org->dropped[org->n_dropped++], POSTCALL_FIELD_SIZE, field);
    add_metric(job, POSTCALL_M_DROPPED, outcome->field);
    cf_log_err(CF_LOG_WARN, "postcall", NULL, "field left out from now on (drop_unknown_fields)", &err);
    go_on(job);
}

/* Nothing was written, and a record is to blame, or the org. */
static void fail_record(struct cf_job *job, const struct postcall_outcome *outcome)
{
    struct cf_err err = outcome->err;

    err.kind = verdict_of(job, outcome);
    fail(job, &err);
}

static void read_first(struct cf_job *job)
{
    struct postcall_job *state = cf_job_state(job);

    state->verify = true;
    go_to(job, POSTCALL_READ);
}

static void act(struct cf_job *job, const struct postcall_outcome *outcome)
{
    struct postcall_job *state = cf_job_state(job);

    switch (outcome->verdict) {
    case POSTCALL_WRITTEN:
        cf_sf_record_done(postcall_of(job)->sf);
        go_to(job, POSTCALL_EMIT);
        break;
    case POSTCALL_REPEAT:
        if (++state->repeats > MAX_REPEATS)
            fail_record(job, outcome);
        else
            read_first(job);
        break;
    case POSTCALL_HALTED:
        read_first(job);
        break;
    case POSTCALL_STALE:
        if (state->stale >= MAX_STALE)
            fail_record(job, outcome);
        else
            give_reference_up(job, &outcome->err);
        break;
    case POSTCALL_LOCKED:
        state->alone = true;
        add_metric(job, POSTCALL_M_LOCKED, NULL);
        fail_record(job, outcome);
        break;
    case POSTCALL_NO_FIELD:
        drop_field(job, outcome);
        break;
    case POSTCALL_FAILED:
        fail_record(job, outcome);
        break;
    case POSTCALL_UNCLEAR:
        mark_unknown(job);
        fail(job, &outcome->err);
        break;
    }
}

void postcall_written(struct cf_job *job, const struct postcall_result *result)
{
    const struct cf_sf_failure *failure = result->failure;
    struct postcall_job *state = cf_job_state(job);
    struct postcall_outcome outcome = {.verdict = POSTCALL_FAILED};

    if (!failure) {
        postcall_read_written(cf_job_arena(job), &postcall_of(job)->org, result->answer, result->index,
                              &state->found, &outcome);
        act(job, &outcome);
        return;
    }
    if (failure->unknown_outcome) {
        mark_unknown(job);
        go_to(job, POSTCALL_READ);
        return;
    }
    if (failure->err.kind == CF_ERR_CONFIG) { /* of the request: no record is to blame */
        fail(job, &failure->err);
        return;
    }
    outcome.err = failure->err;
    (void)cf_str_copy(outcome.code, sizeof(outcome.code), cf_str_of(failure->error_code));
    act(job, &outcome);
}

/* ---- read and rest: what is there already, and what is not ---- */

static void look(struct cf_job *job, uint32_t most)
{
    struct postcall_job *state = cf_job_state(job);

    state->item = (struct postcall_item){
        .bytes = postcall_write_read_bytes(&state->plan), .most = most, .not_before_ms = state->read_at_ms};
    postcall_lane_add(&postcall_of(job)->reads, job);
}

void postcall_found(struct cf_job *job, const struct postcall_result *result)
{
    struct postcall_job *state = cf_job_state(job);
    struct postcall_call call = postcall_call_of(job);
    struct postcall_answer answer = {result->answer, result->n};
    struct postcall_found found;
    struct cf_err err;
    int cut;

    if (result->failure) {
        fail(job, &result->failure->err);
        return;
    }
    cut = postcall_read_found(cf_job_arena(job), &postcall_of(job)->org, &call, &answer, &found, &err);
    if (cut > 0) {
        look(job, (uint32_t)(result->n / 2));
        return;
    }
    if (cut < 0) {
        cf_sf_query_failed(postcall_of(job)->sf, &err);
        fail(job, &err);
        return;
    }
    cf_sf_query_done(postcall_of(job)->sf);
    state->found = found;
    state->verify = false;
    if (found.task_id.p)
        cf_sf_record_done(postcall_of(job)->sf);
    go_to(job, POSTCALL_REST);
}

static enum cf_next step_read(struct cf_job *job)
{
    const struct postcall_job *state = cf_job_state(job);

    if (!state->turn.has) { /* after a backoff */
        cf_job_goto(job, POSTCALL_WRITE);
        return CF_MORE;
    }
    add_metric(job, POSTCALL_M_REPEATS, NULL);
    look(job, 0);
    return wait_here(job);
}

static enum cf_next step_rest(struct cf_job *job)
{
    struct postcall_job *state = cf_job_state(job);
    struct postcall_call call = postcall_call_of(job);
    size_t bytes;

    if (!state->turn.has) { /* after a backoff: what was found then may be old */
        state->verify = true;
        cf_job_goto(job, POSTCALL_WRITE);
        return CF_MORE;
    }
    if (postcall_write_nodes(&call, &bytes) > 0)
        return write_it(job);
    state->repeated = true;
    cf_job_goto(job, POSTCALL_EMIT);
    return CF_MORE;
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
                                        .api_calls = state->api_calls};
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

    let_go(job);
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
