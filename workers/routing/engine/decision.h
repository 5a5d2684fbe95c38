/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decision - a decision as the call-routed event that leaves the fleet.
 *
 * Promise: the bytes depend on the decision alone (the event id on domain and seq), so a re-run of the log
 * gives the same event, byte for byte, wherever it runs.
 */
#ifndef CF_DECISION_H
#define CF_DECISION_H

#include "err/err.h"
#include "event/event.h"
#include "str/str.h"

/** Writes the event into `buf` (cleared first). -1 (kind REJECTED): beyond the buffer's limit. */
CF_CHECKED int cf_decision_encode(const struct cf_call_routed *decision, struct cf_buf *buf,
                                  struct cf_err *err);
/** Its Kafka key: the call, else the agent. */
struct cf_str cf_decision_key(const struct cf_call_routed *decision);

#endif
