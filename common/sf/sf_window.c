/* SPDX-License-Identifier: Apache-2.0 */
#include "sf/sf_guard_priv.h"

#define FIRST_SIZE 64.0
#define SMOOTHING 8.0    /* of the latency: the newest one counts an eighth */
#define PERIOD_MS 300000 /* the least latency is that of the last 5 to 10 minutes */
#define FAR_TIMES 4.0    /* "far above the base" is this much times it ... */
#define FAR_MS 1000.0    /* ... and this much more: batches differ, and a fast org has a base of few ms */
#define CUT_OVERLOAD 0.5
#define CUT_LATENCY 0.8

void sf_window_init(struct sf_window *window, uint32_t min, uint32_t max)
{
    *window = (struct sf_window){.min = min ? min : 1, .max = max};
    sf_window_reset(window, 0);
}

uint32_t sf_window_size(const struct sf_window *window)
{
    return (uint32_t)window->size;
}

static void resize(struct sf_window *window, double size)
{
    if (size < window->min)
        size = window->min;
    if (size > window->max)
        size = window->max;
    window->size = size;
}

void sf_window_reset(struct sf_window *window, uint64_t now_ms)
{
    window->steady = false;
    window->cut_ms = now_ms;
    window->latency_ms = window->base_ms;
    resize(window, FIRST_SIZE);
}

/* Requests sent before the last cut were sent by the old size: at most one cut in a round trip. */
static void cut(struct sf_window *window, double factor, uint64_t sent_ms, uint64_t now_ms)
{
    if (sent_ms < window->cut_ms)
        return;
    resize(window, window->size * factor);
    window->steady = true;
    window->cut_ms = now_ms + 1;
}

static void learn(struct sf_window *window, double latency_ms, uint64_t now_ms)
{
    if (window->period_ms == 0 || now_ms - window->period_ms > PERIOD_MS) {
        window->base_ms = window->next_ms;
        window->next_ms = 0;
        window->period_ms = now_ms;
    }
    if (latency_ms < 1)
        latency_ms = 1;
    if (window->next_ms == 0 || latency_ms < window->next_ms)
        window->next_ms = latency_ms;
    if (window->base_ms == 0 || latency_ms < window->base_ms)
        window->base_ms = latency_ms;
    if (window->latency_ms == 0)
        window->latency_ms = latency_ms;
    else
        window->latency_ms += (latency_ms - window->latency_ms) / SMOOTHING;
}

void sf_window_answered(struct sf_window *window, uint64_t sent_ms, uint64_t now_ms, uint32_t in_flight)
{
    learn(window, (double)(now_ms - sent_ms), now_ms);
    if (window->latency_ms > window->base_ms * FAR_TIMES + FAR_MS) {
        cut(window, CUT_LATENCY, sent_ms, now_ms);
        return;
    }
    if ((double)in_flight * 2 < window->size) /* not used: nothing was learnt about a larger one */
        return;
    resize(window, window->size + (window->steady ? 1 / window->size : 1));
}

void sf_window_overload(struct sf_window *window, uint64_t sent_ms, uint64_t now_ms)
{
    cut(window, CUT_OVERLOAD, sent_ms, now_ms);
}
