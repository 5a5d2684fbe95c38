/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offsets - which records of one partition are done, when they finish out of order.
 *
 * Vocabulary: *taken* records were handed to a job; the *watermark* is the first offset that is not done, so
 * everything below it is; the *done set* are the done offsets above the watermark. Watermark and done set
 * commit together: the set goes, as run lengths in base64, into the commit's metadata (at most
 * CF_OFFSETS_TEXT_MAX characters), and is skipped after a restart. Promise: offsets are taken in ascending
 * order; gaps (transaction markers, compaction) count as done. A partition that could outgrow the metadata
 * says so (cf_offsets_may_take) before it does: at 75 % of the space, counting every taken record as if it
 * would need a run of its own.
 */
#ifndef CF_OFFSETS_H
#define CF_OFFSETS_H

#include <stdbool.h>
#include <stdint.h>

#include "err/err.h"
#include "str/str.h"

#define CF_OFFSETS_TEXT_MAX 4096

struct cf_offsets;

/** `next` is the committed offset, or the first to be read when there is none; `metadata` what was committed
 * with it (empty, or not of this module: no done set). Metadata that claims to be ours and cannot be read:
 * -1, kind FATAL. */
CF_CHECKED int cf_offsets_new(int64_t next, struct cf_str metadata, struct cf_offsets **ret_offsets,
                              struct cf_err *err);
void cf_offsets_free(struct cf_offsets *offsets);

/** Whether another record may be taken without a risk for the metadata's size. */
bool cf_offsets_may_take(const struct cf_offsets *offsets);
/** Registers a record. false: it is done already (from the restored set), drop it. */
bool cf_offsets_take(struct cf_offsets *offsets, int64_t offset);
/** The record of `offset`, taken before, is done. */
void cf_offsets_done(struct cf_offsets *offsets, int64_t offset);
/** Nothing is open and the reader stands at `next`: what lies between (transaction markers) is done. */
void cf_offsets_skip_to(struct cf_offsets *offsets, int64_t next);

/** The offset to commit. */
int64_t cf_offsets_watermark(const struct cf_offsets *offsets);
/** Taken and not done. */
uint32_t cf_offsets_open(const struct cf_offsets *offsets);
/** Writes the done set's text ("" when empty); NUL-terminated. Returns its length. */
size_t cf_offsets_encode(const struct cf_offsets *offsets, char ret_text[CF_OFFSETS_TEXT_MAX + 1]);

#endif
