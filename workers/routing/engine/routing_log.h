/* SPDX-License-Identifier: Apache-2.0 */
/*
 * routing_log - the records of topic routing-log as JSON.
 *
 * Shape:
 * {"v":1,"domain":...,"t":...,"kind":"call-queued|call-ended|agent-state|tick|policy","cause":{"topic",
 * "partition","offset","eventId",
 * "traceparent"},"data":{...}}. `data` holds the slice of the input event that the engine
 * uses, under the names of the event contract, and for a policy {"version","policy":"<the text>"}. Promise:
 * what was encoded decodes to an equal record; unknown members are ignored; a text that is no record is
 * refused with the member's name, never with its value.
 */
#ifndef CF_ROUTING_LOG_H
#define CF_ROUTING_LOG_H

#include "arena/arena.h"
#include "engine/engine.h"
#include "err/err.h"
#include "str/str.h"

/** Encodes into `buf` (cleared first). -1 (kind REJECTED): the buffer's limit is too small. */
CF_CHECKED int cf_routing_log_encode(const struct cf_rt_record *record, struct cf_buf *buf,
                                     struct cf_err *err);

/** Decodes into the arena; `ret_record->offset` is set to `offset`. -1 (kind REJECTED): no valid record. */
CF_CHECKED int cf_routing_log_decode(struct cf_arena *arena, struct cf_str text, int64_t offset,
                                     const struct cf_rt_record **ret_record, struct cf_err *err);

#endif
