/* SPDX-License-Identifier: Apache-2.0 */
/* explain - one call's decisions in plain words: when, who else waited, who was free, which rule decided. */
#ifndef CF_CHECK_EXPLAIN_H
#define CF_CHECK_EXPLAIN_H

#include "check/check.h"

struct explain;

struct explain *explain_new(struct cf_str call_id, FILE *out);
/** A check_watch_fn. */
void explain_watch(void *arg, struct model *model, const struct cf_call_routed *decision, bool after);
/** How many decisions were told. */
size_t explain_free(struct explain *explain);

#endif
