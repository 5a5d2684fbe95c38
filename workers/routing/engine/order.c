/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/order.h"

#include <assert.h>

/* splitmix64's finaliser: neighbouring arrivals get unrelated weights, which keeps the tree flat. */
static uint64_t weight_of(int64_t arrival)
{
    uint64_t x = (uint64_t)arrival + 0x9e3779b97f4a7c15ULL;

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

bool cf_order_before(const struct cf_order_key *a, const struct cf_order_key *b)
{
    if (a->band != b->band)
        return a->band < b->band;
    if (a->place != b->place)
        return a->place < b->place;
    return a->arrival < b->arrival;
}

static void resize(struct cf_order_node *node)
{
    node->size = 1 + (node->left ? node->left->size : 0) + (node->right ? node->right->size : 0);
}

/* Cuts `tree` into what is before `key` and what is not. */
static void split(struct cf_order_node *tree, const struct cf_order_key *key, struct cf_order_node **ret_left,
                  struct cf_order_node **ret_right)
{
    if (!tree) {
        *ret_left = NULL;
        *ret_right = NULL;
    } else if (cf_order_before(&tree->key, key)) {
        split(tree->right, key, &tree->right, ret_right);
        resize(tree);
        *ret_left = tree;
    } else {
        split(tree->left, key, ret_left, &tree->left);
        resize(tree);
        *ret_right = tree;
    }
}

/* Everything in `left` is before everything in `right`. */
static struct cf_order_node *merge(struct cf_order_node *left, struct cf_order_node *right)
{
    if (!left)
        return right;
    if (!right)
        return left;
    if (left->weight >= right->weight) {
        left->right = merge(left->right, right);
        resize(left);
        return left;
    }
    right->left = merge(left, right->left);
    resize(right);
    return right;
}

void cf_order_insert(struct cf_order *order, struct cf_order_node *node)
{
    struct cf_order_node **link = &order->root;

    node->weight = weight_of(node->key.arrival);
    while (*link && (*link)->weight >= node->weight) {
        (*link)->size++;
        link = cf_order_before(&node->key, &(*link)->key) ? &(*link)->left : &(*link)->right;
    }
    split(*link, &node->key, &node->left, &node->right);
    resize(node);
    *link = node;
    if (!order->first || cf_order_before(&node->key, &order->first->key))
        order->first = node;
}

void cf_order_remove(struct cf_order *order, struct cf_order_node *node)
{
    struct cf_order_node **link = &order->root;

    while (*link != node) {
        assert(*link);
        (*link)->size--;
        link = cf_order_before(&node->key, &(*link)->key) ? &(*link)->left : &(*link)->right;
    }
    *link = merge(node->left, node->right);
    if (order->first == node) {
        order->first = order->root;
        while (order->first && order->first->left)
            order->first = order->first->left;
    }
}

size_t cf_order_rank(const struct cf_order *order, const struct cf_order_key *key)
{
    size_t before = 0;

    for (const struct cf_order_node *node = order->root; node;) {
        if (cf_order_before(&node->key, key)) {
            before += 1 + (node->left ? node->left->size : 0);
            node = node->right;
        } else {
            node = node->left;
        }
    }
    return before;
}

struct cf_order_node *cf_order_after(const struct cf_order *order, const struct cf_order_key *key)
{
    struct cf_order_node *best = NULL;

    for (struct cf_order_node *node = order->root; node;) {
        if (cf_order_before(key, &node->key)) {
            best = node;
            node = node->left;
        } else {
            node = node->right;
        }
    }
    return best;
}
