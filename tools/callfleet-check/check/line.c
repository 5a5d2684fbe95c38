/* SPDX-License-Identifier: Apache-2.0 */
#include "check/line.h"

bool key_before(const struct key *a, const struct key *b)
{
    if (a->band != b->band)
        return a->band < b->band;
    return a->place != b->place ? a->place < b->place : a->arrival < b->arrival;
}

static size_t size_of(const struct line_node *node)
{
    return node ? node->size : 0;
}

static struct line_node *sized(struct line_node *node)
{
    node->size = 1 + size_of(node->left) + size_of(node->right);
    return node;
}

static uint32_t next_weight(void)
{
    static uint32_t state = 2463534242U;

    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tree */
static void split(struct line_node *node, const struct key *key, struct line_node **ret_low,
                  struct line_node **ret_high)
{
    if (!node) {
        *ret_low = *ret_high = NULL;
    } else if (key_before(&node->key, key)) {
        split(node->right, key, &node->right, ret_high);
        *ret_low = sized(node);
    } else {
        split(node->left, key, ret_low, &node->left);
        *ret_high = sized(node);
    }
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tree */
static struct line_node *join(struct line_node *low, struct line_node *high)
{
    if (!low || !high)
        return low ? low : high;
    if (low->weight < high->weight) {
        high->left = join(low, high->left);
        return sized(high);
    }
    low->right = join(low->right, high);
    return sized(low);
}

void line_put(struct line *line, struct line_node *node)
{
    struct line_node *low, *high;

    node->left = node->right = NULL;
    node->size = 1;
    node->weight = next_weight();
    node->in = true;
    split(line->root, &node->key, &low, &high);
    line->root = join(join(low, node), high);
}

void line_take(struct line *line, struct line_node *node)
{
    struct line_node *low, *rest, *own, *high;
    struct key behind = node->key;

    if (!node->in)
        return;
    behind.arrival++;
    split(line->root, &node->key, &low, &rest);
    split(rest, &behind, &own, &high);
    line->root = join(low, high);
    node->in = false;
}

struct line_node *line_first(const struct line *line)
{
    struct line_node *node = line->root;

    while (node && node->left)
        node = node->left;
    return node;
}

struct line_node *line_after(const struct line *line, const struct key *key)
{
    struct line_node *best = NULL;

    for (struct line_node *node = line->root; node;) {
        if (key_before(key, &node->key)) {
            best = node;
            node = node->left;
        } else {
            node = node->right;
        }
    }
    return best;
}

size_t line_rank(const struct line *line, const struct key *key)
{
    size_t before = 0;

    for (const struct line_node *node = line->root; node;) {
        if (key_before(&node->key, key)) {
            before += 1 + size_of(node->left);
            node = node->right;
        } else {
            node = node->left;
        }
    }
    return before;
}
