/* SPDX-License-Identifier: Apache-2.0 */
#include "postcall_turn.h"

#include <assert.h>
#include <stdlib.h>

#define BUCKETS 4096

struct postcall_turns {
    struct postcall_turn *buckets[BUCKETS];
};

struct postcall_turns *postcall_turns_new(void)
{
    return cf_calloc(1, sizeof(struct postcall_turns));
}

void postcall_turns_free(struct postcall_turns *turns)
{
    free(turns);
}

/* The pointer to who has it, or to the end of the bucket. */
static struct postcall_turn **find(struct postcall_turns *turns, struct cf_str key)
{
    uint64_t h = 1469598103934665603ULL;
    struct postcall_turn **at;

    for (size_t i = 0; i < key.n; i++)
        h = (h ^ (unsigned char)key.p[i]) * 1099511628211ULL;
    at = &turns->buckets[(h ^ (h >> 32)) % BUCKETS];
    while (*at && !cf_str_eq((*at)->key, key))
        at = &(*at)->next;
    return at;
}

bool postcall_turn_take(struct postcall_turns *turns, struct postcall_turn *turn, struct cf_str key)
{
    struct postcall_turn **at = find(turns, key), *holder = *at;

    turn->key = key;
    turn->next = turn->behind = turn->last = NULL;
    turn->has = !holder;
    turn->waits = !turn->has;
    if (turn->has) {
        *at = turn;
        return true;
    }
    if (holder->last)
        holder->last->behind = turn;
    else
        holder->behind = turn;
    holder->last = turn;
    return false;
}

static struct postcall_turn *pass_on(struct postcall_turn **at)
{
    struct postcall_turn *turn = *at, *heir;

    assert(turn);
    heir = turn->behind;

    turn->has = false;
    if (!heir) {
        *at = turn->next;
        return NULL;
    }
    heir->next = turn->next;
    heir->last = turn->last == heir ? NULL : turn->last;
    heir->has = true;
    heir->waits = false;
    *at = heir;
    return heir;
}

struct postcall_turn *postcall_turn_leave(struct postcall_turns *turns, struct postcall_turn *turn)
{
    struct postcall_turn **at, *before;

    if (!turn->has && !turn->waits)
        return NULL;
    at = find(turns, turn->key);
    if (turn->has)
        return pass_on(at);
    assert(*at);
    for (before = *at; before->behind != turn;)
        before = before->behind;
    before->behind = turn->behind;
    if ((*at)->last == turn)
        (*at)->last = before == *at ? NULL : before;
    turn->waits = false;
    return NULL;
}
