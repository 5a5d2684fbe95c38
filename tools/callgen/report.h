/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report - what became of the calls: one JSON line per call, latencies, a summary, the verdict.
 */
#ifndef CG_REPORT_H
#define CG_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "err/err.h"

struct cg_report;
struct cg_world;

enum cg_latency { CG_STARTED_TO_QUEUED, CG_QUEUED_TO_OFFERED, CG_ENDED_TO_UPDATED, CG_LATENCIES };

/** `path` NULL: no file. NULL and `err` when the file can not be written. */
CF_CHECKED struct cg_report *cg_report_new(const char *path, bool progress, struct cf_err *err);
/** Closes the file. NULL is fine. */
void cg_report_free(struct cg_report *report);

/** Whether anybody will want to see the results' data. */
bool cg_report_keeps_data(const struct cg_report *report);
void cg_report_latency(struct cg_report *report, enum cg_latency which, uint64_t ms);
/** Writes the call's line and lets its data go. Called once per call: when complete, or at the end. */
void cg_report_call(struct cg_report *report, struct cg_world *world, uint32_t index);
/** Writes the lines of calls that never completed. */
void cg_report_rest(struct cg_report *report, struct cg_world *world);
void cg_report_progress(struct cg_report *report, const struct cg_world *world);
/** Prints the summary to stdout and adds it to the file. Returns whether nothing is missing or doubled; -1
 * when the file could not be written. */
CF_CHECKED int cg_report_summary(struct cg_report *report, const struct cg_world *world);

#endif
