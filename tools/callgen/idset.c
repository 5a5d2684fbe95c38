/* SPDX-License-Identifier: Apache-2.0 */
#include "idset.h"

#include <stdlib.h>

#include "str/str.h"

/* FNV-1a, then mixed so that the low bits are good enough for a slot number. */
static uint64_t hash(const char *topic, const char *id)
{
    uint64_t h = 0xCBF29CE484222325U;

    for (const char *p = topic; *p != '\0'; p++) {
        h = (h ^ (unsigned char)*p) * 0x100000001B3U;
    }
    h = (h ^ 0xFFU) * 0x100000001B3U;
    for (const char *p = id; *p != '\0'; p++) {
        h = (h ^ (unsigned char)*p) * 0x100000001B3U;
    }
    h = (h ^ (h >> 32U)) * 0xD6E8FEB86659FD93U;
    h ^= h >> 32U;
    return h == 0 ? 1 : h;
}

static bool insert(struct cg_idset *set, uint64_t h)
{
    size_t i = h & (set->size - 1);

    while (set->slots[i] != 0) {
        if (set->slots[i] == h) {
            return false;
        }
        i = (i + 1) & (set->size - 1);
    }
    set->slots[i] = h;
    set->n++;
    return true;
}

static void grow(struct cg_idset *set)
{
    struct cg_idset bigger = {.size = set->size == 0 ? 1024 : set->size * 2};

    bigger.slots = cf_calloc(bigger.size, sizeof *bigger.slots);
    for (size_t i = 0; i < set->size; i++) {
        if (set->slots[i] != 0) {
            (void)insert(&bigger, set->slots[i]);
        }
    }
    free(set->slots);
    *set = bigger;
}

bool cg_idset_add(struct cg_idset *set, const char *topic, const char *id)
{
    if (2 * (set->n + 1) > set->size) {
        grow(set);
    }
    return insert(set, hash(topic, id));
}

void cg_idset_done(struct cg_idset *set)
{
    free(set->slots);
    *set = (struct cg_idset){0};
}
