/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idset - which event ids have been seen. Keeps 64-bit hashes only: among a million events a false "seen
 * before" has a chance of one in forty million.
 */
#ifndef CG_IDSET_H
#define CG_IDSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cg_idset {
    uint64_t *slots; /* 0: empty */
    size_t n, size;  /* size is a power of two */
};

/** Adds `id` of `topic`; false when it was there already. */
bool cg_idset_add(struct cg_idset *set, const char *topic, const char *id);
void cg_idset_done(struct cg_idset *set);

#endif
