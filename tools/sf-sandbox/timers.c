/* SPDX-License-Identifier: Apache-2.0 */
#include "timers.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "clock/clock.h"
#include "str/str.h"

struct entry {
    uint64_t at_ns;
    sb_timer_fn *fn;
    void *arg;
};

/* A binary heap; its size is bounded by the number of connections, because each waits at most once. */
struct sb_timers {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    struct entry *heap;
    size_t count, size;
    bool stopping;
};

static void heap_push(struct sb_timers *timers, struct entry entry)
{
    size_t at = timers->count;

    if (timers->count == timers->size) {
        timers->size = timers->size ? timers->size * 2 : 256;
        timers->heap = cf_realloc(timers->heap, timers->size * sizeof(*timers->heap));
    }
    timers->count++;
    while (at > 0 && timers->heap[(at - 1) / 2].at_ns > entry.at_ns) {
        timers->heap[at] = timers->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    timers->heap[at] = entry;
}

static struct entry heap_pop(struct sb_timers *timers)
{
    struct entry first = timers->heap[0];
    struct entry last = timers->heap[--timers->count];
    size_t at = 0;

    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= timers->count)
            break;
        if (child + 1 < timers->count && timers->heap[child + 1].at_ns < timers->heap[child].at_ns)
            child++;
        if (timers->heap[child].at_ns >= last.at_ns)
            break;
        timers->heap[at] = timers->heap[child];
        at = child;
    }
    timers->heap[at] = last;
    return first;
}

/* Under the lock. Returns whether there is something to do now. */
static bool wait_for_due(struct sb_timers *timers)
{
    while (!timers->stopping) {
        struct timespec until;
        uint64_t at_ns;

        if (timers->count == 0) {
            pthread_cond_wait(&timers->wake, &timers->lock);
            continue;
        }
        at_ns = timers->heap[0].at_ns;
        if (at_ns <= cf_clock_mono_ns())
            return true;
        until.tv_sec = (time_t)(at_ns / 1000000000U);
        until.tv_nsec = (long)(at_ns % 1000000000U);
        pthread_cond_timedwait(&timers->wake, &timers->lock, &until);
    }
    return timers->count > 0;
}

static void *run(void *arg)
{
    struct sb_timers *timers = arg;

    pthread_mutex_lock(&timers->lock);
    while (wait_for_due(timers)) {
        struct entry entry = heap_pop(timers);

        pthread_mutex_unlock(&timers->lock);
        entry.fn(entry.arg);
        pthread_mutex_lock(&timers->lock);
    }
    pthread_mutex_unlock(&timers->lock);
    return NULL;
}

struct sb_timers *sb_timers_new(void)
{
    struct sb_timers *timers = cf_calloc(1, sizeof(*timers));
    pthread_condattr_t attr;

    pthread_mutex_init(&timers->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&timers->wake, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&timers->thread, NULL, run, timers) != 0) {
        sb_timers_free(timers);
        return NULL;
    }
    return timers;
}

void sb_timers_add(struct sb_timers *timers, uint64_t at_ns, sb_timer_fn *fn, void *arg)
{
    bool late;

    pthread_mutex_lock(&timers->lock);
    late = timers->stopping;
    if (!late) {
        heap_push(timers, (struct entry){at_ns, fn, arg});
        if (timers->heap[0].at_ns == at_ns)
            pthread_cond_signal(&timers->wake);
    }
    pthread_mutex_unlock(&timers->lock);
    if (late)
        fn(arg);
}

void sb_timers_stop(struct sb_timers *timers)
{
    pthread_mutex_lock(&timers->lock);
    timers->stopping = true;
    pthread_cond_signal(&timers->wake);
    pthread_mutex_unlock(&timers->lock);
    pthread_join(timers->thread, NULL);
}

void sb_timers_free(struct sb_timers *timers)
{
    if (!timers)
        return;
    pthread_cond_destroy(&timers->wake);
    pthread_mutex_destroy(&timers->lock);
    free(timers->heap);
    free(timers);
}
