/* SPDX-License-Identifier: Apache-2.0 */
/* timeline - everything one call did, as a page of text. */
#ifndef CF_REPLAY_TIMELINE_H
#define CF_REPLAY_TIMELINE_H

#include <stdio.h>

#include "recorded/source.h"

/** Writes every record about `call_id` (and about its consult calls), oldest first. Returns how many, -1 on
 * error. */
CF_CHECKED int timeline(const struct source_opts *opts, struct cf_str call_id, FILE *out, struct cf_err *err);

#endif
