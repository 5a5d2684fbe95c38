/* SPDX-License-Identifier: Apache-2.0 */
#include "api_limits.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "str/str.h"

#define DAY_NS (86400ULL * 1000000000ULL)
#define LONG_MAX_COUNT 1000

struct span {
    uint64_t from_ns, until_ns;
};

struct sb_limits {
    pthread_mutex_t lock;
    int64_t used, total;
    uint64_t day_ns;
    struct span spans[LONG_MAX_COUNT];
    size_t span_count;
    atomic_bool any_long;
};

struct sb_limits *sb_limits_new(void)
{
    struct sb_limits *limits = cf_calloc(1, sizeof(*limits));

    pthread_mutex_init(&limits->lock, NULL);
    return limits;
}

void sb_limits_free(struct sb_limits *limits)
{
    if (!limits)
        return;
    pthread_mutex_destroy(&limits->lock);
    free(limits);
}

bool sb_limits_spend(struct sb_limits *limits, int64_t daily_limit, int64_t calls, uint64_t now_ns)
{
    bool allowed;

    pthread_mutex_lock(&limits->lock);
    if (limits->day_ns == 0 || now_ns - limits->day_ns >= DAY_NS) {
        limits->used = limits->day_ns == 0 ? limits->used : 0;
        limits->day_ns = now_ns;
    }
    allowed = limits->used < daily_limit;
    if (allowed) {
        limits->used += calls;
        limits->total += calls;
    }
    pthread_mutex_unlock(&limits->lock);
    return allowed;
}

int64_t sb_limits_used(struct sb_limits *limits)
{
    int64_t used;

    pthread_mutex_lock(&limits->lock);
    used = limits->used;
    pthread_mutex_unlock(&limits->lock);
    return used;
}

int64_t sb_limits_total(struct sb_limits *limits)
{
    int64_t total;

    pthread_mutex_lock(&limits->lock);
    total = limits->total;
    pthread_mutex_unlock(&limits->lock);
    return total;
}

void sb_limits_set_used(struct sb_limits *limits, int64_t used)
{
    pthread_mutex_lock(&limits->lock);
    limits->used = used;
    pthread_mutex_unlock(&limits->lock);
}

void sb_limits_long(struct sb_limits *limits, uint64_t from_ns, uint64_t until_ns)
{
    pthread_mutex_lock(&limits->lock);
    if (limits->span_count < LONG_MAX_COUNT)
        limits->spans[limits->span_count++] = (struct span){from_ns, until_ns};
    atomic_store(&limits->any_long, true);
    pthread_mutex_unlock(&limits->lock);
}

int64_t sb_limits_long_now(struct sb_limits *limits, uint64_t now_ns)
{
    int64_t count = 0;

    if (!atomic_load(&limits->any_long))
        return 0;
    pthread_mutex_lock(&limits->lock);
    for (size_t i = 0; i < limits->span_count;) {
        const struct span *span = &limits->spans[i];

        if (span->until_ns <= now_ns) {
            limits->spans[i] = limits->spans[--limits->span_count];
            continue;
        }
        count += span->from_ns <= now_ns;
        i++;
    }
    atomic_store(&limits->any_long, limits->span_count > 0);
    pthread_mutex_unlock(&limits->lock);
    return count;
}
