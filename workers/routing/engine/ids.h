/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ids - finds objects by id: an open-addressing table with linear probing, no tombstones.
 *
 * An item is any struct whose first member is its `struct cf_str id`; the table borrows it. Promise: the
 * order of the slots depends on the history of the table, so nothing that decides may walk it; cf_ids_list()
 * gives the items in the order of their ids.
 */
#ifndef CF_ENGINE_IDS_H
#define CF_ENGINE_IDS_H

#include <stddef.h>
#include <stdint.h>

#include "str/str.h"

struct cf_ids_slot {
    uint64_t hash;
    void *item; /* NULL: free */
};

struct cf_ids {
    struct cf_ids_slot *slots;
    size_t n, size; /* size: 0 or a power of two */
};

void cf_ids_done(struct cf_ids *ids);
void *cf_ids_get(const struct cf_ids *ids, struct cf_str id);
/** `item` must not be in the table. */
void cf_ids_put(struct cf_ids *ids, void *item);
/** Puts `item` in the place of the one with the same id. */
void cf_ids_replace(struct cf_ids *ids, void *item);
void cf_ids_del(struct cf_ids *ids, struct cf_str id);
/** The items ordered by id (bytes); the caller frees the array. */
void **cf_ids_list(const struct cf_ids *ids);
/** memcmp order, a prefix first. */
int cf_ids_compare(struct cf_str a, struct cf_str b);

#endif
