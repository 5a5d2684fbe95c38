/* SPDX-License-Identifier: Apache-2.0 */
#include "timers.h"

#include <stdlib.h>

#include "str/str.h"

static bool before(const struct cg_timer *a, const struct cg_timer *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->order < b->order;
}

static void swap(struct cg_timer *a, struct cg_timer *b)
{
    struct cg_timer kept = *a;

    *a = *b;
    *b = kept;
}

void cg_timers_add(struct cg_timers *timers, struct cg_timer timer)
{
    size_t i = timers->n++;

    if (timers->n > timers->size) {
        timers->size = timers->size == 0 ? 256 : timers->size * 2;
        timers->heap = cf_realloc(timers->heap, timers->size * sizeof *timers->heap);
    }
    timer.order = timers->added++;
    timers->heap[i] = timer;
    while (i > 0 && before(&timers->heap[i], &timers->heap[(i - 1) / 2])) {
        swap(&timers->heap[i], &timers->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
}

/* The earliest of entry i and its two children. */
static size_t earliest(const struct cg_timers *timers, size_t i)
{
    size_t first = i;

    for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < timers->n; child++) {
        if (before(&timers->heap[child], &timers->heap[first])) {
            first = child;
        }
    }
    return first;
}

static void sink(struct cg_timers *timers)
{
    size_t i = 0, first;

    while ((first = earliest(timers, i)) != i) {
        swap(&timers->heap[i], &timers->heap[first]);
        i = first;
    }
}

bool cg_timers_take(struct cg_timers *timers, uint64_t now_ms, struct cg_timer *ret_timer)
{
    if (timers->n == 0 || timers->heap[0].due_ms > now_ms) {
        return false;
    }
    *ret_timer = timers->heap[0];
    timers->heap[0] = timers->heap[--timers->n];
    sink(timers);
    return true;
}

uint64_t cg_timers_wait_ms(const struct cg_timers *timers, uint64_t now_ms, uint64_t cap_ms)
{
    uint64_t wait;

    if (timers->n == 0) {
        return cap_ms;
    }
    wait = timers->heap[0].due_ms > now_ms ? timers->heap[0].due_ms - now_ms : 0;
    return wait < cap_ms ? wait : cap_ms;
}

void cg_timers_done(struct cg_timers *timers)
{
    free(timers->heap);
    *timers = (struct cg_timers){0};
}
