/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan - all calls of a run, decided before it starts: who calls when, and how the call will go.
 *
 * From a seed (random arrivals, callers drawn from a numbers file) or from a script (one JSON object per
 * call). Promise: the same options give the same plan. All strings live as long as the plan.
 */
#ifndef CG_PLAN_H
#define CG_PLAN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err/err.h"
#include "options.h"

#define CG_PLAN_MAX_NUMBERS 100000
#define CG_PLAN_MAX_LINE 65536

struct cg_planned {
    const char *label; /* what kind of caller, for the report */
    const char *ani, *dnis;
    const char *entry_point, *language; /* NULL: not in the event */
    const char *notes, *wrap_up;
    json_t *attributes; /* NULL: not in the event */
    uint64_t at_ms;     /* after the start of the run */
    uint32_t misses;    /* so many offers go unanswered first */
    uint32_t talk_ms;   /* after the answer */
    uint32_t patience_ms;
    bool abandons; /* hangs up after patience_ms; nobody answers before */
};

struct cg_plan {
    struct cg_planned *calls;
    size_t n;
    size_t n_callers; /* with options.repeat: different ones so far */
    json_t *owned;    /* array of everything the calls point into */
};

/** Reads the files that `options` names. -1 and `err` (kind CONFIG, with file and line) when one is no good.
 */
CF_CHECKED int cg_plan_make(const struct cg_options *options, struct cg_plan *ret_plan, struct cf_err *err);
void cg_plan_done(struct cg_plan *plan);

#endif
