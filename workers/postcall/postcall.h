/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postcall - the stage that tells Salesforce what became of a call: call-ended in, call-updated out.
 *
 * Steps of a job: `context` (the call's customer, from Redis) -> `lookup` (only when Redis does not know it)
 * -> `write` (activity 9 PostComment: Task and case comments, in a request shared with other calls) -> `read`
 * and `rest` (only when it may have been written before) -> `emit` (activity 10 EndFlow). Promises:
 * Salesforce holds each call once, whatever is repeated or killed when; a passing fault of Salesforce or
 * Redis only delays.
 */
#ifndef POSTCALL_H
#define POSTCALL_H

#include "lookup_source.h"
#include "postcall_batch.h"
#include "postcall_turn.h"
#include "postcall_write.h"
#include "sf/sf.h"
#include "worker/worker.h"

struct postcall_config {
#define CF_CONFIG_STRUCT
#include "config/keys.h"

#include "postcall_config.def"

#include "config/keys_end.h"
};

struct cf_timer;

/* Calls on their way to Salesforce in shared requests: one lane for writes, one for reads. */
struct postcall_lane {
    struct postcall *postcall;
    struct postcall_batch *batch;
    struct cf_timer *timer;
    bool reading;
    bool failing; /* the last request did; logged */
};

/* Of the process. */
struct postcall {
    struct cf_worker *worker;
    const struct postcall_config *config;
    struct cf_sf *sf;
    struct postcall_rules rules;
    struct postcall_org org;
    struct lookup_source source; /* of customers who must be looked up again */
    struct postcall_lane writes, reads;
    struct postcall_turns *turns;
    struct cf_job *held_up, **last_held_up; /* lookups that wait for the end of Salesforce's pause */
};

/* Of a job. */
struct postcall_job {
    struct postcall_customer customer;
    struct cf_str ani;   /* of the context, else of the event */
    bool own_context;    /* the consult call's own context is asked, after its parent's */
    bool verify;         /* it may have been written: read before writing */
    bool repeated;       /* all was there already */
    bool alone;          /* its parent was locked: the next request is its own */
    uint32_t writes;     /* requests that carried it */
    uint32_t repeats;    /* of them refused because the Task was there */
    uint32_t stale;      /* references given up */
    double api_calls;    /* its share */
    uint64_t read_at_ms; /* not before: what was given up may still land */
    struct postcall_plan plan;
    struct postcall_found found;
    struct postcall_turn turn;
    struct postcall_item item;
    struct postcall_lane *lane;                  /* in which the item is; NULL: none */
    struct cf_phone phone;                       /* of a lookup */
    struct lookup_get *get;                      /* in the cache */
    struct lookup_ask *ask;                      /* of Salesforce */
    struct cf_job *held_up_next, **held_up_link; /* in the line of lookups; link NULL: not in it */
};

enum { POSTCALL_CONTEXT, POSTCALL_LOOKUP, POSTCALL_WRITE, POSTCALL_READ, POSTCALL_REST, POSTCALL_EMIT };
enum {
    POSTCALL_M_RESULTS = CF_SF_METRICS,
    POSTCALL_M_REPEATS,
    POSTCALL_M_REQUESTS,
    POSTCALL_M_CALLS,
    POSTCALL_M_WAITING,
    POSTCALL_M_UNKNOWN,
    POSTCALL_M_LOCKED,
    POSTCALL_M_DROPPED,
};

extern const struct cf_key postcall_keys[];
extern const struct cf_metric postcall_metrics[];
extern const struct cf_step postcall_steps[];

CF_CHECKED int postcall_init(struct cf_worker *worker, struct cf_err *err);
void postcall_done(struct cf_worker *worker);

struct postcall *postcall_of(const struct cf_job *job);
const struct cf_call_ended *postcall_ended(const struct cf_job *job);

/* ---- postcall_send.c ---- */

/* What came of a request for one of its calls. `failure` NULL: `answer` is good, and the call is the
 * `index`th of the `n` in it. A failure that leaves nothing open is not told: the call waits for the next
 * try. */
struct postcall_result {
    const json_t *answer;
    size_t index, n;
    const struct cf_sf_failure *failure;
};

void postcall_lanes_open(struct postcall *postcall);
void postcall_lanes_close(struct postcall *postcall);
/** Salesforce may be asked again, in `wait_ms`. */
void postcall_lanes_wake(struct postcall *postcall, uint64_t wait_ms);
/** Puts the job's item in a lane; postcall_written() or postcall_found() get the result. */
void postcall_lane_add(struct postcall_lane *lane, struct cf_job *job);
/** The job is going: no result is told any more. */
void postcall_lane_leave(struct cf_job *job);
/** What the requests see of the job. */
struct postcall_call postcall_call_of(struct cf_job *job);

/* postcall_job.c */
void postcall_written(struct cf_job *job, const struct postcall_result *result);
void postcall_found(struct cf_job *job, const struct postcall_result *result);
/** For cf_sf_on_recovery(). */
void postcall_on_recovery(void *arg, bool probe);

/* postcall_context.c, postcall_lookup.c */
enum cf_next postcall_step_context(struct cf_job *job);
enum cf_next postcall_step_lookup(struct cf_job *job);

#endif
