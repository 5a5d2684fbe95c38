/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order - an ordered set that knows ranks: where the waiting calls stand.
 *
 * A treap whose heap priorities are a hash of the key's last part, which is unique per domain: no randomness,
 * the same set always has the same shape. Insert, remove and rank cost O(log n) expected, first is O(1).
 * Nodes are embedded in their owner.
 */
#ifndef CF_ENGINE_ORDER_H
#define CF_ENGINE_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Compared in this order. `arrival` is unique in a domain, so no two keys are equal. */
struct cf_order_key {
    int64_t band, place, arrival;
};

struct cf_order_node {
    struct cf_order_key key;
    struct cf_order_node *left, *right;
    uint64_t weight;
    size_t size; /* of the subtree */
};

struct cf_order {
    struct cf_order_node *root, *first;
};

bool cf_order_before(const struct cf_order_key *a, const struct cf_order_key *b);
static inline size_t cf_order_size(const struct cf_order *order)
{
    return order->root ? order->root->size : 0;
}
/** `node->key` is set by the caller and stays while the node is in. */
void cf_order_insert(struct cf_order *order, struct cf_order_node *node);
/** `node` must be in. */
void cf_order_remove(struct cf_order *order, struct cf_order_node *node);
/** The first one behind `key`, NULL: none. */
struct cf_order_node *cf_order_after(const struct cf_order *order, const struct cf_order_key *key);
/** How many are before `key`. */
size_t cf_order_rank(const struct cf_order *order, const struct cf_order_key *key);

#endif
