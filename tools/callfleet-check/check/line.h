/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line - an ordered set of keys that knows ranks: the checker's own, so that a fault in the engine's order
 * is not a fault here too.
 *
 * A tree kept flat by random weights (the shape decides nothing that is printed). Nodes are embedded in their
 * owner. Insert, remove and rank cost O(log n) expected.
 */
#ifndef CF_CHECK_LINE_H
#define CF_CHECK_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct key {
    int64_t band, place, arrival; /* compared in this order; lowest first */
};

struct line_node {
    struct key key;
    struct line_node *left, *right;
    size_t size; /* of the subtree */
    uint32_t weight;
    bool in;
};

struct line {
    struct line_node *root;
};

bool key_before(const struct key *a, const struct key *b);
/** `node->key` is set and stays while the node is in. */
void line_put(struct line *line, struct line_node *node);
/** Does nothing when the node is in no line. */
void line_take(struct line *line, struct line_node *node);
struct line_node *line_first(const struct line *line);
/** The first one behind `key`, NULL: none. */
struct line_node *line_after(const struct line *line, const struct key *key);
/** How many stand before `key`. */
size_t line_rank(const struct line *line, const struct key *key);
static inline size_t line_size(const struct line *line)
{
    return line->root ? line->root->size : 0;
}

#endif
