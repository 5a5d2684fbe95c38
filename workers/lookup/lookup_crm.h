/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup_crm - questions about callers, asked of Salesforce.
 *
 * Vocabulary: an *ask* is one call's wish to know a number; a *question* is one request under way, shared by
 * all asks for the same number that come meanwhile (single flight). Promise: an ask's callback runs exactly
 * once, never inside lookup_crm_ask() and not later than its deadline; a passing failure is tried again as
 * long as time is left; an optional field that the org lacks (tier, last activity) is dropped, and said so
 * once in the log, rather than failing lookups.
 */
#ifndef LOOKUP_CRM_H
#define LOOKUP_CRM_H

#include <jansson.h>
#include <stdint.h>

#include "err/err.h"
#include "lookup_query.h"
#include "phone/phone.h"

struct cf_loop;
struct cf_sf;
struct lookup_ask;
struct lookup_crm;

/* `answer` is checked and borrowed during the callback; NULL: `err` says why. `late`: time ran out. */
struct lookup_outcome {
    const json_t *answer;
    const struct lookup_query_opts *opts; /* what was asked for: to read the answer with */
    const struct cf_err *err;
    bool late;
};
typedef void lookup_crm_fn(void *arg, const struct lookup_outcome *outcome);

/** `opts` is copied; its texts and `sf` are borrowed. A single try takes no longer than `try_ms`. */
struct lookup_crm *lookup_crm_new(struct cf_loop *loop, struct cf_sf *sf,
                                  const struct lookup_query_opts *opts, uint32_t try_ms);
/** Callbacks of open asks do not run. */
void lookup_crm_free(struct lookup_crm *crm);

/** `phone` has status OK. */
struct lookup_ask *lookup_crm_ask(struct lookup_crm *crm, const struct cf_phone *phone, uint32_t timeout_ms,
                                  lookup_crm_fn *fn, void *arg);
/** The callback will not run. */
void lookup_crm_cancel(struct lookup_ask *ask);

/** Asks that joined a question under way. */
uint64_t lookup_crm_shared(const struct lookup_crm *crm);

#endif
