/* SPDX-License-Identifier: Apache-2.0 */
#include "sf/sf_guard_priv.h"

#define RESUME_BELOW 5  /* percent: a stopped class goes on when so much less is used */
#define SAMPLE_MS 10000 /* the reported usage is inexact and comes late: shorter spans say nothing */
#define SMOOTHING 0.3

void sf_spend_init(struct sf_spend *spend, const uint32_t stop_percent[SF_CLASSES])
{
    *spend = (struct sf_spend){.last = {-1, -1}, .per_s = -1};
    for (size_t i = 0; i < SF_CLASSES; i++)
        spend->stop_percent[i] = stop_percent[i];
}

static void measure_rate(struct sf_spend *spend, int64_t used, uint64_t now_ms)
{
    uint64_t passed_ms = now_ms - spend->sample_ms;
    double rate;

    if (spend->known && used >= spend->sample_used && passed_ms < SAMPLE_MS)
        return;
    if (spend->known && used >= spend->sample_used) {
        rate = (double)(used - spend->sample_used) * 1000 / (double)passed_ms;
        spend->per_s = spend->per_s < 0 ? rate : spend->per_s + (rate - spend->per_s) * SMOOTHING;
    }
    /* Less used than before: the daily window has moved, and a new sample begins. */
    spend->sample_used = used;
    spend->sample_ms = now_ms;
}

void sf_spend_note(struct sf_spend *spend, struct cf_sf_budget budget, uint64_t now_ms)
{
    double percent;

    if (budget.limit < 0 || budget.used < 0)
        return;
    measure_rate(spend, budget.used, now_ms);
    spend->known = true;
    spend->last = budget;
    percent = budget.limit > 0 ? (double)budget.used * 100 / (double)budget.limit : 100;
    for (size_t i = 0; i < SF_CLASSES; i++) {
        uint32_t stop = spend->stop_percent[i];

        if (stop == 0 || stop >= 100 || percent < (double)stop - RESUME_BELOW)
            spend->stopped[i] = false;
        else if (percent >= stop)
            spend->stopped[i] = true;
    }
}

double sf_spend_lasts_s(const struct sf_spend *spend)
{
    int64_t left = spend->last.limit - spend->last.used;
    double lasts;

    if (!spend->known || spend->per_s <= 0)
        return SF_DAY_S;
    lasts = left > 0 ? (double)left / spend->per_s : 0;
    return lasts < SF_DAY_S ? lasts : SF_DAY_S;
}

bool sf_spend_any_stopped(const struct sf_spend *spend)
{
    bool any = false;

    for (size_t i = 0; i < SF_CLASSES; i++)
        any = any || spend->stopped[i];
    return any;
}
