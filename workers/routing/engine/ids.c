/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/ids.h"

#include <assert.h>
#include <stdlib.h>

static struct cf_str id_of(const void *item)
{
    return *(const struct cf_str *)item;
}

/* Eight bytes at a time; the table takes the low bits, which the last fold mixes. */
static uint64_t hash_of(struct cf_str id)
{
    uint64_t hash = id.n * 0x9e3779b97f4a7c15ULL, word;

    while (id.n >= sizeof(word)) {
        memcpy(&word, id.p, sizeof(word));
        hash = (hash ^ word) * 0xff51afd7ed558ccdULL;
        hash ^= hash >> 32;
        id.p += sizeof(word);
        id.n -= sizeof(word);
    }
    word = 0;
    if (id.n > 0)
        memcpy(&word, id.p, id.n);
    hash = (hash ^ word) * 0xc4ceb9fe1a85ec53ULL;
    return hash ^ (hash >> 29);
}

/* The slot of the id, or the free one where it belongs. The table must have room. */
static struct cf_ids_slot *find(const struct cf_ids *ids, struct cf_str id, uint64_t hash)
{
    size_t mask = ids->size - 1;
    size_t at = hash & mask;

    while (ids->slots[at].item && (ids->slots[at].hash != hash || !cf_str_eq(id_of(ids->slots[at].item), id)))
        at = (at + 1) & mask;
    return &ids->slots[at];
}

static void grow(struct cf_ids *ids)
{
    struct cf_ids bigger = {.size = ids->size ? ids->size * 2 : 16, .n = ids->n};

    bigger.slots = cf_calloc(bigger.size, sizeof(*bigger.slots));
    for (size_t i = 0; i < ids->size; i++) {
        const struct cf_ids_slot *slot = &ids->slots[i];

        if (slot->item)
            *find(&bigger, id_of(slot->item), slot->hash) = *slot;
    }
    free(ids->slots);
    *ids = bigger;
}

void cf_ids_done(struct cf_ids *ids)
{
    free(ids->slots);
    *ids = (struct cf_ids){0};
}

void *cf_ids_get(const struct cf_ids *ids, struct cf_str id)
{
    return ids->size > 0 ? find(ids, id, hash_of(id))->item : NULL;
}

void cf_ids_put(struct cf_ids *ids, void *item)
{
    uint64_t hash = hash_of(id_of(item));
    struct cf_ids_slot *slot;

    /* Half full at most: linear probing then looks at two or three slots. */
    if ((ids->n + 1) * 2 > ids->size)
        grow(ids);
    slot = find(ids, id_of(item), hash);
    assert(!slot->item);
    *slot = (struct cf_ids_slot){hash, item};
    ids->n++;
}

void cf_ids_replace(struct cf_ids *ids, void *item)
{
    struct cf_ids_slot *slot = find(ids, id_of(item), hash_of(id_of(item)));

    assert(slot->item);
    slot->item = item;
}

void cf_ids_del(struct cf_ids *ids, struct cf_str id)
{
    size_t mask = ids->size - 1;
    size_t hole, at;

    if (ids->size == 0)
        return;
    hole = (size_t)(find(ids, id, hash_of(id)) - ids->slots);
    if (!ids->slots[hole].item)
        return;
    /* Items that probed past the hole move back into it, so a search never stops too early. */
    for (at = (hole + 1) & mask; ids->slots[at].item; at = (at + 1) & mask) {
        size_t home = ids->slots[at].hash & mask;

        if (((at - home) & mask) >= ((at - hole) & mask)) {
            ids->slots[hole] = ids->slots[at];
            hole = at;
        }
    }
    ids->slots[hole].item = NULL;
    ids->n--;
}

int cf_ids_compare(struct cf_str a, struct cf_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n > 0 ? memcmp(a.p, b.p, n) : 0;

    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

static int compare_items(const void *a, const void *b)
{
    return cf_ids_compare(id_of(*(void *const *)a), id_of(*(void *const *)b));
}

void **cf_ids_list(const struct cf_ids *ids)
{
    void **list = cf_calloc(ids->n, sizeof(*list));
    size_t n = 0;

    for (size_t i = 0; i < ids->size; i++) {
        if (ids->slots[i].item)
            list[n++] = ids->slots[i].item;
    }
    if (n > 1)
        qsort(list, n, sizeof(*list), compare_items);
    return list;
}
