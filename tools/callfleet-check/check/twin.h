/* SPDX-License-Identifier: Apache-2.0 */
/*
 * twin - the engine itself over the same log, beside the recorded decisions: I5, I15 and I16.
 *
 * Each record is applied twice (the second time nothing may happen); now and then the state is dumped, loaded
 * into a new engine that must have the same digest, and that one goes on.
 */
#ifndef CF_CHECK_TWIN_H
#define CF_CHECK_TWIN_H

#include "check/report.h"
#include "engine/engine.h"

struct twin;

struct twin *twin_new(struct cf_str domain, struct report *report);
void twin_free(struct twin *twin);
void twin_step(struct twin *twin, const struct cf_rt_record *record);
/** A recorded decision: the same bytes as the twin's own. */
void twin_compare(struct twin *twin, int64_t seq, struct cf_str bytes);
/** The last decision that the twin has made. */
int64_t twin_seq(const struct twin *twin);
const struct cf_engine *twin_engine(const struct twin *twin);
/** 64 hexadecimal digits. */
void twin_digest(const struct twin *twin, char ret_text[65]);
/** The end of the log; `open_end`: decisions may still be to come. */
void twin_finish(struct twin *twin, bool open_end);

#endif
