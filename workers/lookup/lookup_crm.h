/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup_crm - questions about callers, asked of Salesforce.
 *
 * Vocabulary: an *ask* is one call's wish to know a number; a *question* is about one number, shared by all
 * asks for it that come meanwhile (single flight); a *request* carries the questions that wait at the same
 * moment, up to `batch`.
 * When a request leaves: at the end of the loop's turn when none of ours is under way (and, for post-call
 * work, none was in the last `linger_ms`); else when `batch` questions wait, or the oldest has waited
 * `linger_ms`, or one has little time left; and not before the client would send it at once. Until then more
 * questions fill it; those that came last go first, for they have the time to wait for the answer.
 * Promise: an ask's callback runs exactly once, never inside lookup_crm_ask() and not later than its
 * deadline; a passing failure is tried again as long as time is left and the budget of retries is not spent,
 * an open circuit is told at once; a request that was sent is never sent again because its questions' time
 * is over: its answer is waited for and given to `seen`; a request that one number may have spoiled is asked
 * again in halves; an optional field that the org lacks is dropped, and said so once in the log, rather than
 * failing lookups.
 */
#ifndef LOOKUP_CRM_H
#define LOOKUP_CRM_H

#include <jansson.h>
#include <stdint.h>

#include "err/err.h"
#include "lookup_query.h"
#include "phone/phone.h"
#include "sf/sf.h"

struct cf_loop;
struct lookup_ask;
struct lookup_crm;

/* `answer` is checked and borrowed during the callback, and may have rows of other numbers too; NULL: `err`
 * says why. `late`: time ran out. */
struct lookup_outcome {
    const json_t *answer;
    const struct lookup_query_opts *opts; /* what was asked for: to read the answer with */
    const struct cf_err *err;
    bool late;
    bool paused;      /* nobody is asked now: the client's cf_sf_on_recovery() tells when to try again */
    double api_calls; /* this ask's share of the requests that were made */
};
typedef void lookup_crm_fn(void *arg, const struct lookup_outcome *outcome);

/* Sees each question's answer once, before its asks do, or after they have gone. */
typedef void lookup_crm_seen_fn(void *arg, const struct cf_phone *phone, const struct lookup_query_opts *opts,
                                const json_t *answer);

struct lookup_crm_opts {
    struct lookup_query_opts query; /* its texts are borrowed */
    enum lookup_match match;        /* how numbers are found */
    enum cf_sf_class priority;
    uint32_t try_ms; /* a single try takes no longer */
    uint32_t batch;  /* numbers in one request at most, 1..LOOKUP_QUERY_NUMBERS */
    uint32_t linger_ms;
    lookup_crm_seen_fn *seen; /* NULL: nobody wants to */
    void *seen_arg;
};

struct lookup_crm_counts {
    uint64_t shared;            /* asks that joined a question under way */
    uint64_t requests, numbers; /* sent, and the numbers in them */
    uint64_t halved;            /* requests that were asked again in halves */
    uint64_t late;              /* numbers whose answer came when nobody waited for it any more */
};

/** `opts` is copied; `sf` is borrowed. */
struct lookup_crm *lookup_crm_new(struct cf_loop *loop, struct cf_sf *sf, const struct lookup_crm_opts *opts);
/** Callbacks of open asks do not run. */
void lookup_crm_free(struct lookup_crm *crm);

/** `phone` has status OK. */
struct lookup_ask *lookup_crm_ask(struct lookup_crm *crm, const struct cf_phone *phone, uint32_t timeout_ms,
                                  lookup_crm_fn *fn, void *arg);
/** The callback will not run. */
void lookup_crm_cancel(struct lookup_ask *ask);

/** What is asked for now: without what the org turned out to lack. */
const struct lookup_query_opts *lookup_crm_query(const struct lookup_crm *crm);
struct lookup_crm_counts lookup_crm_counts(const struct lookup_crm *crm);

#endif
