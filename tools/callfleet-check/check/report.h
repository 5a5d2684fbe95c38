/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report - findings as text: which invariant, what it says, what was seen, in which records.
 *
 * Promise: every finding is counted; of each invariant the first `limit` are printed.
 */
#ifndef CF_CHECK_REPORT_H
#define CF_CHECK_REPORT_H

#include <stdio.h>

#include "err/err.h"
#include "str/str.h"

enum { INVARIANTS = 16 };

/* Where a record stands. */
struct place {
    int32_t partition;
    int64_t offset;
};

struct report {
    FILE *out;
    size_t limit;
    size_t n[INVARIANTS + 1], total;
    /* What is being looked at. */
    struct cf_str domain;
    struct place log, decision; /* offset -1: none */
    const char *log_kind;       /* NULL: no record */
    struct cf_str cause_topic;  /* p = NULL: none */
    struct place cause;
    int64_t seq;                                   /* 0: between decisions */
    struct cf_str what, call_id, agent_id, reason; /* of that decision; what.p = NULL: none */
};

void report_init(struct report *report, FILE *out, size_t limit);
const char *report_statement(int invariant);
/** One finding. */
void report_add(struct report *report, int invariant, const char *fmt, ...) CF_PRINTF(3, 4);
/** "I7 2, I16 5", or "none". */
void report_counts(const struct report *report, FILE *out);

#endif
