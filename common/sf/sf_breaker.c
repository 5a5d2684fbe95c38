/* SPDX-License-Identifier: Apache-2.0 */
#include "sf/sf_guard_priv.h"

void sf_breaker_init(struct sf_breaker *breaker, const struct sf_breaker_opts *opts)
{
    *breaker = (struct sf_breaker){.opts = *opts};
}

enum sf_circuit sf_breaker_state(struct sf_breaker *breaker, uint64_t now_ms)
{
    if (breaker->state == SF_OPEN && now_ms >= breaker->until_ms) {
        breaker->state = SF_HALF_OPEN;
        breaker->probing = false;
        breaker->epoch++;
    }
    return breaker->state;
}

bool sf_breaker_is_shut(struct sf_breaker *breaker, uint64_t now_ms)
{
    enum sf_circuit state = sf_breaker_state(breaker, now_ms);

    return state == SF_OPEN || (state == SF_HALF_OPEN && breaker->probing);
}

uint64_t sf_breaker_take(struct sf_breaker *breaker, uint64_t now_ms)
{
    if (sf_breaker_state(breaker, now_ms) == SF_HALF_OPEN)
        breaker->probing = true;
    return breaker->epoch;
}

static void shut(struct sf_breaker *breaker, uint64_t wait_ms, uint64_t now_ms)
{
    breaker->state = SF_OPEN;
    breaker->probing = false;
    breaker->until_ms = now_ms + wait_ms;
    breaker->open_ms = wait_ms;
    breaker->level++;
    breaker->epoch++;
    breaker->openings++;
    breaker->halves = breaker->run = 0;
}

void sf_breaker_open(struct sf_breaker *breaker, uint64_t now_ms, uint64_t random)
{
    const struct sf_breaker_opts *opts = &breaker->opts;
    uint64_t cap = breaker->exhausted ? opts->exhausted_cap_ms : opts->cap_ms;
    uint64_t wait = breaker->exhausted ? opts->exhausted_base_ms : opts->base_ms;

    for (uint32_t i = 0; i < breaker->level && wait < cap; i++)
        wait *= 2;
    if (wait > cap)
        wait = cap;
    /* Between half and all of it: not the whole fleet at once, and none too soon. */
    shut(breaker, wait / 2 + random % (wait - wait / 2 + 1), now_ms);
}

static void recovered(struct sf_breaker *breaker, uint64_t now_ms)
{
    if (breaker->state == SF_HALF_OPEN) {
        breaker->state = SF_CLOSED;
        breaker->probing = false;
        breaker->closed_ms = now_ms;
        breaker->epoch++;
    } else if (now_ms - breaker->closed_ms > breaker->open_ms) {
        breaker->level = 0; /* it lasts: the next outage begins with short pauses again */
    }
    breaker->halves = breaker->run = 0;
    breaker->exhausted = false;
}

void sf_breaker_close(struct sf_breaker *breaker, uint64_t now_ms)
{
    if (breaker->state != SF_CLOSED)
        breaker->epoch++;
    breaker->state = SF_CLOSED;
    breaker->probing = false;
    breaker->closed_ms = now_ms;
    breaker->level = breaker->halves = breaker->run = 0;
}

static bool is_too_much(struct sf_breaker *breaker, enum sf_health health)
{
    if (breaker->state == SF_HALF_OPEN)
        return true;
    if (health == SF_EXHAUSTED)
        return breaker->opts.exhausted > 0 && ++breaker->run >= breaker->opts.exhausted;
    breaker->halves += health == SF_SLOW ? 1 : 2;
    return breaker->opts.failures > 0 && breaker->halves >= 2 * breaker->opts.failures;
}

void sf_breaker_note(struct sf_breaker *breaker, uint64_t epoch, enum sf_health health,
                     uint64_t retry_after_ms, uint64_t now_ms, uint64_t random)
{
    if (epoch != breaker->epoch || breaker->state == SF_OPEN)
        return;
    if (health == SF_HEALTHY) {
        recovered(breaker, now_ms);
        return;
    }
    if (retry_after_ms > 0 && breaker->opts.failures > 0) {
        breaker->exhausted = health == SF_EXHAUSTED;
        shut(breaker, retry_after_ms, now_ms);
    } else if (is_too_much(breaker, health)) {
        breaker->exhausted = health == SF_EXHAUSTED;
        sf_breaker_open(breaker, now_ms, random);
    }
}

void sf_breaker_forget(struct sf_breaker *breaker, uint64_t epoch)
{
    if (epoch == breaker->epoch)
        breaker->probing = false;
}
