/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postcall - the stage that tells Salesforce what became of a call: call-ended in, call-updated out.
 *
 * Steps of a job: `context` (the call's customer, from Redis) -> `lookup` (only when Redis does not know it)
 * -> `write` (activity 9 PostComment: Task and case comments, one request) -> `read` and `rest` (only when it
 * may have been written before) -> `emit` (activity 10 EndFlow). Promises: Salesforce holds each call once,
 * whatever is repeated or killed when; a passing fault of Salesforce or Redis only delays.
 */
#ifndef POSTCALL_H
#define POSTCALL_H

#include "lookup_query.h"
#include "postcall_write.h"
#include "sf/sf.h"
#include "worker/worker.h"

struct postcall_config {
#define CF_CONFIG_STRUCT
#include "config/keys.h"

#include "postcall_config.def"

#include "config/keys_end.h"
};

/* Of the process. */
struct postcall {
    const struct postcall_config *config;
    struct cf_sf *sf;
    struct postcall_rules rules;
    struct postcall_org org;
    struct lookup_query_opts query; /* of a lookup; what the org lacks is dropped from it */
    struct lookup_rules choose;
};

typedef void postcall_answer_fn(struct cf_job *job, const struct cf_sf_response *res);

/* Of a job. */
struct postcall_job {
    struct postcall_customer customer;
    struct cf_str ani; /* of the context, else of the event */
    bool own_context;  /* the consult call's own context is asked, after its parent's */
    bool verify;       /* it may have been written: read before writing */
    bool repeated;     /* all was there already */
    bool writing;      /* the request under way changes something */
    uint32_t writes;   /* such requests */
    uint32_t stale;    /* references given up */
    uint32_t api_calls;
    struct postcall_plan plan;
    struct postcall_found found;
    struct cf_sf_call *call;    /* under way */
    postcall_answer_fn *answer; /* to it */
};

enum { POSTCALL_CONTEXT, POSTCALL_LOOKUP, POSTCALL_WRITE, POSTCALL_READ, POSTCALL_REST, POSTCALL_EMIT };
enum {
    POSTCALL_M_RESULTS = CF_SF_METRICS,
    POSTCALL_M_REPEATS,
};

extern const struct cf_key postcall_keys[];
extern const struct cf_metric postcall_metrics[];
extern const struct cf_step postcall_steps[];

CF_CHECKED int postcall_init(struct cf_worker *worker, struct cf_err *err);
void postcall_done(struct cf_worker *worker);

struct postcall *postcall_of(const struct cf_job *job);
const struct cf_call_ended *postcall_ended(const struct cf_job *job);

/** Sends a composite request and waits: `fn` gets a good answer; a failure fails the step. Takes `body` over.
 * Set the next step first. */
enum cf_next postcall_ask(struct cf_job *job, json_t *body, postcall_answer_fn *fn);

/* postcall_context.c, postcall_lookup.c */
enum cf_next postcall_step_context(struct cf_job *job);
enum cf_next postcall_step_lookup(struct cf_job *job);

#endif
