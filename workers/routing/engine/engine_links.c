/* SPDX-License-Identifier: Apache-2.0 */
/* The pairs of needs and profiles that fit, and each need's heap of the profiles that have someone available.
 */
#include <assert.h>
#include <stdlib.h>

#include "engine/engine_priv.h"

static bool before(const struct cf_link *a, const struct cf_link *b)
{
    return cf_order_before(&a->key, &b->key);
}

static void put(struct cf_need *need, size_t pos, struct cf_link *link)
{
    need->ready[pos] = link;
    link->pos = pos + 1;
}

static void sift_up(struct cf_need *need, size_t pos)
{
    struct cf_link *link = need->ready[pos];

    while (pos > 0 && before(link, need->ready[(pos - 1) / 2])) {
        put(need, pos, need->ready[(pos - 1) / 2]);
        pos = (pos - 1) / 2;
    }
    put(need, pos, link);
}

static void sift_down(struct cf_need *need, size_t pos)
{
    struct cf_link *link = need->ready[pos];

    for (;;) {
        size_t child = 2 * pos + 1;

        if (child >= need->n_ready)
            break;
        if (child + 1 < need->n_ready && before(need->ready[child + 1], need->ready[child]))
            child++;
        if (!before(need->ready[child], link))
            break;
        put(need, pos, need->ready[child]);
        pos = child;
    }
    put(need, pos, link);
}

static void leave_heap(struct cf_link *link)
{
    struct cf_need *need = link->need;
    size_t pos = link->pos - 1;
    struct cf_link *last = need->ready[--need->n_ready];

    link->pos = 0;
    if (last == link)
        return;
    put(need, pos, last);
    sift_up(need, pos);
    sift_down(need, last->pos - 1);
}

static void refresh(struct cf_link *link)
{
    const struct cf_agent *first = cf_engine_first_agent(link->need, link->profile);
    struct cf_need *need = link->need;
    size_t pos;

    if (!first) {
        if (link->pos)
            leave_heap(link);
        return;
    }
    link->key = cf_engine_agent_key(link, first);
    if (!link->pos) {
        if (need->n_ready == need->size_ready) {
            need->size_ready = need->size_ready ? need->size_ready * 2 : 4;
            need->ready = cf_realloc(need->ready, need->size_ready * sizeof(struct cf_link *));
        }
        put(need, need->n_ready++, link);
    }
    pos = link->pos - 1;
    sift_up(need, pos);
    sift_down(need, link->pos - 1);
}

void cf_engine_relink(struct cf_profile *profile)
{
    for (size_t i = 0; i < profile->n_links; i++)
        refresh(profile->links[i]);
}

static size_t append(struct cf_link ***links, size_t *n, size_t *size, struct cf_link *link)
{
    if (*n == *size) {
        *size = *size ? *size * 2 : 4;
        *links = cf_realloc(*links, *size * sizeof(struct cf_link *));
    }
    (*links)[*n] = link;
    return (*n)++;
}

void cf_engine_link(struct cf_need *need, struct cf_profile *profile)
{
    struct cf_link *link = cf_calloc(1, sizeof(*link));

    link->need = need;
    link->profile = profile;
    link->score = need->choice == CF_CHOICE_BEST_SKILL ? cf_engine_score(need, profile) : 0;
    link->in_need = append(&need->links, &need->n_links, &need->size_links, link);
    link->in_profile = append(&profile->links, &profile->n_links, &profile->size_links, link);
    need->n_staffed += profile->n_staffed;
    refresh(link);
}

void cf_engine_unlink(struct cf_link *link)
{
    struct cf_need *need = link->need;
    struct cf_profile *profile = link->profile;

    if (link->pos)
        leave_heap(link);
    assert(need->n_staffed >= profile->n_staffed);
    need->n_staffed -= profile->n_staffed;
    need->links[link->in_need] = need->links[--need->n_links];
    need->links[link->in_need]->in_need = link->in_need;
    profile->links[link->in_profile] = profile->links[--profile->n_links];
    profile->links[link->in_profile]->in_profile = link->in_profile;
    free(link);
}
