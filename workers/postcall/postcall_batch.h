/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postcall_batch - calls that wait for Salesforce: which of them share a request, and when it leaves.
 * Without I/O, clock or randomness.
 *
 * Vocabulary: an *item* is one call that wants something written (or read); a *load* is the items of one
 * request under way; a *parent* is a record that the write will lock. Promises
 *   - an item is in the line, in one load, or nowhere;
 *   - two loads under way never share a parent; in one load items of one parent may be together;
 *   - a load is within all limits, unless one item alone is not;
 *   - an item that comes when nothing is under way, and nothing was for `linger_ms`, leaves at once; else it
 *     waits for a full load, or for `linger_ms`;
 *   - after a load that could not be sent the line waits (backoff), then tries with one load; after its
 *     success everything goes.
 */
#ifndef POSTCALL_BATCH_H
#define POSTCALL_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backoff/backoff.h"
#include "str/str.h"

#define POSTCALL_PARENTS 3
#define POSTCALL_ID_SIZE 19 /* a record id and its NUL */
#define POSTCALL_NEVER UINT64_MAX

struct postcall_load;

/* In the caller's memory, zeroed before its first use. */
struct postcall_item {
    /* the caller's */
    void *arg;
    uint64_t not_before_ms;
    size_t bytes;   /* of the request, about */
    uint32_t nodes; /* subrequests */
    uint32_t most;  /* items its load may have; 0: any number */
    /* the module's */
    struct postcall_item *prev, *next;
    struct postcall_load *load;
    uint64_t since_ms;
    bool waiting;
    /* the caller's */
    char parents[POSTCALL_PARENTS][POSTCALL_ID_SIZE]; /* "": none */
};

struct postcall_held {
    struct postcall_held *next;
    char id[POSTCALL_ID_SIZE];
};

struct postcall_load {
    struct postcall_load *prev, *next; /* of those under way */
    void *owner;                       /* the caller's, as in the options */
    size_t first; /* number of its first item, unlike any other's: an answer to another load is told by it */
    size_t n;
    struct postcall_item **items; /* NULL: has left */
    struct postcall_held *held;   /* n * POSTCALL_PARENTS */
};

struct postcall_batch_opts {
    uint32_t most;  /* items of a load */
    uint32_t nodes; /* of a load */
    size_t bytes;
    uint32_t linger_ms;
    uint32_t under_way; /* loads at once */
    struct cf_backoff backoff;
    void *owner;
};

/* What became of a load as a whole. */
enum postcall_fate {
    POSTCALL_ANSWERED,
    POSTCALL_UNSENT, /* nothing was done: its items wait again */
    POSTCALL_SPLIT,  /* refused as a whole: its items wait again, for loads of half the size */
    POSTCALL_LOST,   /* nobody knows what was done */
};

struct postcall_batch *postcall_batch_new(const struct postcall_batch_opts *opts);
/** Items may still wait: they are forgotten. NULL is fine. */
void postcall_batch_free(struct postcall_batch *batch);
/** To the end of the line. */
void postcall_batch_add(struct postcall_batch *batch, struct postcall_item *item, uint64_t now_ms);
/** Out of the line, or out of its load, which goes on without it. An item that is in neither may leave, too.
 */
void postcall_batch_leave(struct postcall_batch *batch, struct postcall_item *item);
/** The load to send now, or NULL: none before `ret_due_ms`, unless something changes. */
struct postcall_load *postcall_batch_next(struct postcall_batch *batch, uint64_t now_ms,
                                          uint64_t *ret_due_ms);
/** The load's parents are free; its items are in the line again or in no load. Free it then. */
void postcall_batch_done(struct postcall_batch *batch, struct postcall_load *load, enum postcall_fate fate,
                         uint64_t now_ms, uint64_t random);
void postcall_load_free(struct postcall_load *load);
/** The line waits until then, whatever its backoff says; 0: it waits no longer. */
void postcall_batch_pause(struct postcall_batch *batch, uint64_t until_ms);
/** Items in the line. */
size_t postcall_batch_waiting(const struct postcall_batch *batch);

#endif
