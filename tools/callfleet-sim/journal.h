/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal - what went in and out of the engine, as files in the form of kcat -J (one record a line), which
 * callfleet-replay and callfleet-check read.
 */
#ifndef CF_SIM_JOURNAL_H
#define CF_SIM_JOURNAL_H

#include "engine/engine.h"
#include "err/err.h"

struct journal;

/** Each path may be NULL: routing-log records, call-routed decisions, input events. NULL: `err`. */
CF_CHECKED struct journal *journal_open(const char *log, const char *decisions, const char *events,
                                        struct cf_err *err);
void journal_record(struct journal *journal, const struct cf_rt_record *record);
void journal_decision(struct journal *journal, const struct cf_call_routed *decision);
/** -1: something could not be written. Frees the journal in any case; NULL is fine. */
CF_CHECKED int journal_close(struct journal *journal, struct cf_err *err);

#endif
