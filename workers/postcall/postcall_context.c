/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first step: who called? The lookup stage has left it in Redis, hash cf:ctx:{<call id>}. A consult call
 * is its parent's: the parent's context is asked first, its own after that.
 *
 * Without a context (expired, lost, or call-ended was faster than the lookup) the customer is looked up by
 * the event's number; when that is missing too, the context gets a little time to appear.
 */
#include "log/log.h"
#include "postcall.h"
#include "redis/redis.h"

#define REDIS_TRIES 5 /* with Redis away for longer, Salesforce is asked */
#define FIELDS 5

static struct cf_str field(struct cf_arena *arena, const struct cf_reply *reply, size_t i)
{
    const struct cf_reply *at = &reply->elements[i];

    return at->type == CF_REPLY_STRING && at->str.n > 0 ? cf_arena_str(arena, at->str) : (struct cf_str){0};
}

/* An id goes into queries and requests that other calls share, so nothing else may pass for one. */
static struct cf_str id_field(struct cf_arena *arena, const struct cf_reply *reply, size_t i)
{
    struct cf_str id = field(arena, reply, i);

    for (size_t k = 0; k < id.n; k++) {
        char c = id.p[k];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
            return (struct cf_str){0};
    }
    return id.n == 15 || id.n == 18 ? id : (struct cf_str){0};
}

/* What the lookup stage has found out: false when it could not ask. */
static bool was_looked_up(struct cf_arena *arena, struct cf_str json)
{
    const struct cf_json *node;
    struct cf_customer customer;
    struct cf_err err;

    if (!json.p)
        return false;
    node = cf_json_parse(arena, json, &err);
    if (!node || cf_event_read_customer(arena, node, &customer, &err) != 0)
        return false;
    switch (customer.status) {
    case CF_CUSTOMER_MATCHED:
    case CF_CUSTOMER_AMBIGUOUS:
    case CF_CUSTOMER_UNMATCHED:
    case CF_CUSTOMER_WITHHELD:
    case CF_CUSTOMER_INVALID:
        return true;
    case CF_CUSTOMER_TIMEOUT:
    case CF_CUSTOMER_UNAVAILABLE:
    case CF_CUSTOMER_OVER_BUDGET:
    case CF_CUSTOMER_OTHER:
        break;
    }
    return false;
}

/* True when the context answers the question who called. */
static bool take_context(struct cf_job *job, const struct cf_reply *reply)
{
    struct postcall_job *state = cf_job_state(job);
    struct cf_arena *arena = cf_job_arena(job);
    struct postcall_customer customer;
    struct cf_str ani;

    if (reply->type != CF_REPLY_ARRAY || reply->n != FIELDS)
        return false;
    customer.contact_id = id_field(arena, reply, 0);
    customer.account_id = id_field(arena, reply, 1);
    customer.case_id = id_field(arena, reply, 2);
    ani = field(arena, reply, 3);
    if (ani.p)
        state->ani = ani;
    if (!customer.contact_id.p && !customer.account_id.p && !customer.case_id.p &&
        !was_looked_up(arena, field(arena, reply, 4)))
        return false;
    state->customer = customer;
    return true;
}

static void no_context(struct cf_job *job)
{
    struct postcall_job *state = cf_job_state(job);
    const struct cf_call_ended *ended = postcall_ended(job);
    struct cf_err err;

    if (ended->parent_call_id.p && !state->own_context) {
        state->own_context = true;
        cf_job_goto(job, POSTCALL_CONTEXT);
        cf_job_resume(job);
        return;
    }
    if (!state->ani.p && cf_job_age_ms(job) < postcall_of(job)->config->context_wait_ms) {
        (void)cf_err_set(&err, CF_ERR_TRANSIENT, "postcall", 0, "no context of the call yet, and no number");
        cf_job_resume_fail(job, &err);
        return;
    }
    cf_job_goto(job, POSTCALL_LOOKUP);
    cf_job_resume(job);
}

static void on_context(void *arg, const struct cf_reply *reply, const struct cf_err *err)
{
    struct cf_job *job = cf_job_redeem(arg);

    if (!job)
        return;
    if (err && cf_job_attempts(job) < REDIS_TRIES) {
        struct cf_err passing = *err;

        passing.kind = CF_ERR_TRANSIENT; /* whatever ails Redis, the event is not to blame */
        cf_job_resume_fail(job, &passing);
        return;
    }
    if (err)
        cf_log_err(CF_LOG_WARN, "postcall", cf_job_log(job), "asking Salesforce instead of Redis", err);
    if (err || !take_context(job, reply)) {
        no_context(job);
        return;
    }
    cf_job_goto(job, POSTCALL_WRITE);
    cf_job_resume(job);
}

enum cf_next postcall_step_context(struct cf_job *job)
{
    const struct cf_call_ended *ended = postcall_ended(job);
    struct postcall_job *state = cf_job_state(job);
    struct cf_str id =
        ended->parent_call_id.p && !state->own_context ? ended->parent_call_id : ended->call_id;
    struct cf_str argv[2 + FIELDS] = {
        CF_STR("HMGET"),  {0},           CF_STR("contactId"), CF_STR("accountId"),
        CF_STR("caseId"), CF_STR("ani"), CF_STR("customer")};

    if (!state->ani.p)
        state->ani = ended->ani;
    argv[1] = cf_arena_printf(cf_job_arena(job), "cf:ctx:{%.*s}", CF_STR_FMT(id));
    cf_redis_call(cf_worker_redis(cf_job_worker(job)), 2 + FIELDS, argv, on_context, cf_job_ticket(job));
    return CF_WAIT;
}
