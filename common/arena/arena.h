/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena - the memory of one job: everything decoded or built for a message lives here and dies at once.
 *
 * Lifecycle: new -> alloc* -> clear (reusable, keeps one block) -> free. Owned foreign objects are
 * released, newest first, at clear and free. Promise: an arena never grows past its limit; an allocation that
 * would aborts the process, because callers bound their input first (limits: worker/limits.h).
 */
#ifndef CF_ARENA_H
#define CF_ARENA_H

#include <stddef.h>

#include "str/str.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cf_arena;
typedef void cf_arena_free_fn(void *object);

struct cf_arena *cf_arena_new(size_t limit_bytes);
void cf_arena_clear(struct cf_arena *arena);
void cf_arena_free(struct cf_arena *arena);
/** Bytes taken from the system now. */
size_t cf_arena_size(const struct cf_arena *arena);

/** Aligned for any type, not zeroed. Never NULL. */
void *cf_arena_alloc(struct cf_arena *arena, size_t size);
/** As alloc, zeroed. */
void *cf_arena_zalloc(struct cf_arena *arena, size_t size);
/** A copy with a NUL behind it. */
struct cf_str cf_arena_str(struct cf_arena *arena, struct cf_str view);
const char *cf_arena_cstr(struct cf_arena *arena, struct cf_str view);
struct cf_str cf_arena_printf(struct cf_arena *arena, const char *fmt, ...) CF_PRINTF(2, 3);
/** Hands `object` over: `release(object)` runs when the arena is cleared or freed. Returns `object`. */
void *cf_arena_own(struct cf_arena *arena, void *object, cf_arena_free_fn *release);

#ifdef __cplusplus
}
#endif
#endif
