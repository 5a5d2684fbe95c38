/* SPDX-License-Identifier: Apache-2.0 */
#include "postcall_batch.h"

#include <assert.h>
#include <stdlib.h>

#define BUCKETS 1024

struct postcall_batch {
    struct postcall_batch_opts opts;
    struct postcall_item *first, *last;
    size_t waiting, items_sent;
    struct postcall_load *loads;
    uint32_t under_way;
    struct postcall_held *buckets[BUCKETS];
    struct postcall_item **picked; /* room for opts.most */
    uint64_t quiet_from_ms;        /* at idle nothing lingers from then on */
    uint64_t paused_until_ms;
    uint32_t failures; /* in a row */
};

/* What one look along the line has found. */
struct look {
    size_t n;
    uint32_t most, nodes;
    size_t bytes;
    uint64_t oldest_ms, wake_ms;
    bool full;
};

struct postcall_batch *postcall_batch_new(const struct postcall_batch_opts *opts)
{
    struct postcall_batch *batch = cf_calloc(1, sizeof(*batch));

    batch->opts = *opts;
    batch->picked = cf_calloc(opts->most, sizeof(struct postcall_item *));
    return batch;
}

void postcall_load_free(struct postcall_load *load)
{
    if (!load)
        return;
    free(load->items);
    free(load->held);
    free(load);
}

void postcall_batch_free(struct postcall_batch *batch)
{
    if (!batch)
        return;
    while (batch->loads) {
        struct postcall_load *load = batch->loads;

        batch->loads = load->next;
        postcall_load_free(load);
    }
    free(batch->picked);
    free(batch);
}

/* ---- the line ---- */

/* Behind `prev`, NULL: in front. */
static void insert(struct postcall_batch *batch, struct postcall_item *item, struct postcall_item *prev)
{
    item->prev = prev;
    item->next = prev ? prev->next : batch->first;
    if (item->next)
        item->next->prev = item;
    else
        batch->last = item;
    if (prev)
        prev->next = item;
    else
        batch->first = item;
    item->load = NULL;
    item->waiting = true;
    batch->waiting++;
}

static void take_out(struct postcall_batch *batch, struct postcall_item *item)
{
    if (item->prev)
        item->prev->next = item->next;
    else
        batch->first = item->next;
    if (item->next)
        item->next->prev = item->prev;
    else
        batch->last = item->prev;
    item->prev = item->next = NULL;
    item->waiting = false;
    batch->waiting--;
}

void postcall_batch_add(struct postcall_batch *batch, struct postcall_item *item, uint64_t now_ms)
{
    assert(!item->waiting && !item->load);
    item->since_ms = now_ms;
    insert(batch, item, batch->last);
}

void postcall_batch_leave(struct postcall_batch *batch, struct postcall_item *item)
{
    struct postcall_load *load = item->load;

    if (item->waiting)
        take_out(batch, item);
    for (size_t i = 0; load && i < load->n; i++) {
        if (load->items[i] == item)
            load->items[i] = NULL;
    }
    item->load = NULL;
}

void postcall_batch_pause(struct postcall_batch *batch, uint64_t until_ms)
{
    batch->paused_until_ms = until_ms;
}

size_t postcall_batch_waiting(const struct postcall_batch *batch)
{
    return batch->waiting;
}

/* ---- parents ---- */

static struct postcall_held **bucket_of(struct postcall_batch *batch, const char *id)
{
    uint64_t h = 1469598103934665603ULL;

    for (; *id; id++)
        h = (h ^ (unsigned char)*id) * 1099511628211ULL;
    return &batch->buckets[(h ^ (h >> 32)) % BUCKETS];
}

static bool is_held(struct postcall_batch *batch, const char *id)
{
    for (const struct postcall_held *at = *bucket_of(batch, id); at; at = at->next) {
        if (strcmp(at->id, id) == 0)
            return true;
    }
    return false;
}

static bool is_blocked(struct postcall_batch *batch, const struct postcall_item *item)
{
    for (size_t i = 0; i < POSTCALL_PARENTS; i++) {
        if (item->parents[i][0] && is_held(batch, item->parents[i]))
            return true;
    }
    return false;
}

static void hold(struct postcall_batch *batch, struct postcall_held *held, const char *id)
{
    struct postcall_held **bucket = bucket_of(batch, id);

    if (!*id)
        return;
    memcpy(held->id, id, POSTCALL_ID_SIZE);
    held->next = *bucket;
    *bucket = held;
}

static void let_go(struct postcall_batch *batch, struct postcall_held *held)
{
    struct postcall_held **at;

    if (!held->id[0])
        return;
    for (at = bucket_of(batch, held->id); *at != held;)
        at = &(*at)->next;
    *at = held->next;
}

/* ---- the next load ---- */

/* False: the load is full and the look is over. */
static bool consider(struct postcall_batch *batch, struct look *look, struct postcall_item *item,
                     uint64_t now_ms)
{
    uint32_t most = item->most > 0 && item->most < look->most ? item->most : look->most;

    if (item->not_before_ms > now_ms) {
        if (item->not_before_ms < look->wake_ms)
            look->wake_ms = item->not_before_ms;
        return true;
    }
    if (is_blocked(batch, item))
        return true;
    if (look->n >= most)
        return true; /* it wants a smaller one: another time */
    if (look->n > 0 &&
        (look->nodes + item->nodes > batch->opts.nodes || look->bytes + item->bytes > batch->opts.bytes)) {
        look->full = true;
        return false;
    }
    batch->picked[look->n++] = item;
    look->most = most;
    look->nodes += item->nodes;
    look->bytes += item->bytes;
    if (item->since_ms < look->oldest_ms)
        look->oldest_ms = item->since_ms;
    look->full = look->n >= look->most;
    return !look->full;
}

static struct postcall_load *make_load(struct postcall_batch *batch, size_t n)
{
    struct postcall_load *load = cf_calloc(1, sizeof(*load));

    load->owner = batch->opts.owner;
    load->first = batch->items_sent;
    batch->items_sent += n;
    load->n = n;
    load->items = cf_calloc(n, sizeof(struct postcall_item *));
    load->held = cf_calloc(n * POSTCALL_PARENTS, sizeof(*load->held));
    for (size_t i = 0; i < n; i++) {
        struct postcall_item *item = batch->picked[i];

        take_out(batch, item);
        item->load = load;
        load->items[i] = item;
        for (size_t k = 0; k < POSTCALL_PARENTS; k++)
            hold(batch, &load->held[i * POSTCALL_PARENTS + k], item->parents[k]);
    }
    load->next = batch->loads;
    if (load->next)
        load->next->prev = load;
    batch->loads = load;
    batch->under_way++;
    return load;
}

/* When a load that is not full leaves. */
static uint64_t due_ms(const struct postcall_batch *batch, const struct look *look)
{
    uint64_t lingered_ms = look->oldest_ms + batch->opts.linger_ms;

    if (batch->failures > 0)
        return 0;
    return batch->under_way == 0 && batch->quiet_from_ms < lingered_ms ? batch->quiet_from_ms : lingered_ms;
}

struct postcall_load *postcall_batch_next(struct postcall_batch *batch, uint64_t now_ms, uint64_t *ret_due_ms)
{
    struct look look = {.most = batch->opts.most, .oldest_ms = POSTCALL_NEVER, .wake_ms = POSTCALL_NEVER};
    uint32_t under_way = batch->failures > 0 ? 1 : batch->opts.under_way;

    *ret_due_ms = POSTCALL_NEVER;
    if (batch->waiting == 0 || batch->under_way >= under_way)
        return NULL; /* what is under way ends some time */
    if (batch->paused_until_ms > now_ms) {
        *ret_due_ms = batch->paused_until_ms;
        return NULL;
    }
    for (struct postcall_item *item = batch->first; item; item = item->next) {
        if (!consider(batch, &look, item, now_ms))
            break;
    }
    *ret_due_ms = look.wake_ms;
    if (look.n == 0)
        return NULL;
    if (!look.full && due_ms(batch, &look) > now_ms) {
        if (due_ms(batch, &look) < look.wake_ms)
            *ret_due_ms = due_ms(batch, &look);
        return NULL;
    }
    batch->quiet_from_ms = now_ms + batch->opts.linger_ms;
    return make_load(batch, look.n);
}

/* ---- its end ---- */

static void put_back(struct postcall_batch *batch, const struct postcall_load *load, enum postcall_fate fate)
{
    uint32_t half = load->n > 1 ? (uint32_t)(load->n / 2) : 1;
    struct postcall_item *prev = NULL;

    for (size_t i = 0; i < load->n; i++) {
        struct postcall_item *item = load->items[i];

        if (!item)
            continue;
        if (fate == POSTCALL_SPLIT && (item->most == 0 || item->most > half))
            item->most = half;
        insert(batch, item, prev);
        prev = item;
    }
}

void postcall_batch_done(struct postcall_batch *batch, struct postcall_load *load, enum postcall_fate fate,
                         uint64_t now_ms, uint64_t random)
{
    for (size_t i = 0; i < load->n; i++) {
        if (load->items[i])
            load->items[i]->load = NULL;
    }
    for (size_t i = 0; i < load->n * POSTCALL_PARENTS; i++)
        let_go(batch, &load->held[i]);
    if (load->prev)
        load->prev->next = load->next;
    else
        batch->loads = load->next;
    if (load->next)
        load->next->prev = load->prev;
    batch->under_way--;
    if (fate == POSTCALL_UNSENT || fate == POSTCALL_SPLIT)
        put_back(batch, load, fate);
    if (fate == POSTCALL_UNSENT || fate == POSTCALL_LOST) {
        batch->failures++;
        batch->paused_until_ms = now_ms + cf_backoff_ms(&batch->opts.backoff, batch->failures, random);
    } else {
        batch->failures = 0;
        batch->paused_until_ms = 0;
    }
}
