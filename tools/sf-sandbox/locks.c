/* SPDX-License-Identifier: Apache-2.0 */
#include "locks.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "defaults.h"
#include "str/str.h"

#define PROBES 32 /* slots looked at before a row counts as not lockable */

struct row {
    char id[SF_ID_SIZE];
    uint64_t owner, free_ns;
};

struct sb_locks {
    pthread_mutex_t lock;
    struct row *rows;
    _Atomic uint64_t last_free_ns; /* no row is locked after this: the fast way out */
};

struct sb_locks *sb_locks_new(void)
{
    struct sb_locks *locks = cf_calloc(1, sizeof(*locks));

    pthread_mutex_init(&locks->lock, NULL);
    locks->rows = cf_calloc(SB_LOCKS_MAX, sizeof(*locks->rows));
    return locks;
}

void sb_locks_free(struct sb_locks *locks)
{
    if (!locks)
        return;
    pthread_mutex_destroy(&locks->lock);
    free(locks->rows);
    free(locks);
}

static size_t hash(const char *id)
{
    uint64_t h = 1469598103934665603ULL;

    for (; *id; id++)
        h = (h ^ (unsigned char)*id) * 1099511628211ULL;
    return (size_t)(h ^ (h >> 32));
}

/* The row of `id`, else (when `make`) a slot whose lock has run out, else NULL. */
static struct row *find(struct sb_locks *locks, const char *id, uint64_t now_ns, bool make)
{
    size_t start = hash(id);
    struct row *spare = NULL;

    for (size_t i = 0; i < PROBES; i++) {
        struct row *row = &locks->rows[(start + i) % SB_LOCKS_MAX];

        if (row->free_ns > now_ns && strcmp(row->id, id) == 0)
            return row;
        if (!spare && row->free_ns <= now_ns)
            spare = row;
    }
    if (!make || !spare)
        return NULL;
    (void)cf_str_copy(spare->id, sizeof(spare->id), cf_str_of(id));
    spare->owner = 0;
    spare->free_ns = now_ns;
    return spare;
}

/* When the last of the rows is free for the asker. */
static uint64_t all_free_ns(struct sb_locks *locks, const struct sb_locks_ask *ask)
{
    uint64_t free_ns = ask->now_ns;

    for (size_t i = 0; i < ask->count; i++) {
        const struct row *row = find(locks, ask->ids[i], ask->now_ns, false);

        if (row && row->owner != ask->owner && row->free_ns > free_ns)
            free_ns = row->free_ns;
    }
    return free_ns;
}

bool sb_locks_needed(struct sb_locks *locks, int64_t hold_ms, uint64_t now_ns)
{
    return hold_ms > 0 || atomic_load(&locks->last_free_ns) > now_ns;
}

bool sb_locks_take(struct sb_locks *locks, const struct sb_locks_ask *ask, uint64_t *ret_done_ns)
{
    uint64_t wait_ns = (uint64_t)ask->wait_ms * 1000000U, hold_ns = (uint64_t)ask->hold_ms * 1000000U;
    uint64_t start_ns;
    bool taken;

    *ret_done_ns = ask->now_ns;
    pthread_mutex_lock(&locks->lock);
    start_ns = all_free_ns(locks, ask);
    taken = start_ns - ask->now_ns <= wait_ns;
    *ret_done_ns = taken ? start_ns + hold_ns : ask->now_ns + wait_ns;
    for (size_t i = 0; taken && i < ask->count; i++) {
        struct row *row = find(locks, ask->ids[i], ask->now_ns, true);

        if (!row)
            continue;
        row->owner = ask->owner;
        row->free_ns = *ret_done_ns;
    }
    if (taken && *ret_done_ns > atomic_load(&locks->last_free_ns))
        atomic_store(&locks->last_free_ns, *ret_done_ns);
    pthread_mutex_unlock(&locks->lock);
    return taken;
}
