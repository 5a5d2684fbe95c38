/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refs - the references of the composite resource: "@{refAccount.id}", "@{refQuery.records[0].Id}".
 *
 * `results` maps a referenceId to the body of its answer. Names compare without case. A text that is one
 * reference and nothing else takes the value's own type; inside other text the value is written out.
 */
#ifndef SB_REFS_H
#define SB_REFS_H

#include <jansson.h>
#include <stddef.h>

#include "arena/arena.h"
#include "err/err.h"

#define SB_REFS_DEPTH_MAX 32 /* of the body */

/** A new value with all references replaced, or NULL with the reason in `ret_reason` (arena text). */
CF_CHECKED json_t *sb_refs_resolve(struct cf_arena *arena, json_t *value, json_t *results,
                                   const char **ret_reason);
/** The same for a URL: values are percent-encoded. */
CF_CHECKED const char *sb_refs_resolve_url(struct cf_arena *arena, const char *url, json_t *results,
                                           const char **ret_reason);

#endif
