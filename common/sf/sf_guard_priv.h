/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sf_guard_priv - when a request may go: four state machines without I/O, whose clock and randomness come in
 * as arguments (README.md has the numbers and reasons).
 *
 *   sf_breaker.c  the circuit: closed -> open -> half-open -> closed
 *   sf_window.c   how many requests at once: additive increase, multiplicative decrease
 *   sf_spend.c    which classes the daily allocation still has calls for
 *   sf_alike.c    many records that fail alike are an outage, not poison
 *   sf_health.c   which of all this an answer, or none, is a sign of
 */
#ifndef CF_SF_GUARD_PRIV_H
#define CF_SF_GUARD_PRIV_H

#include "sf/sf.h"

/* ---- sf_health.c ---- */
enum sf_health {
    SF_HEALTHY,    /* the API answered, be it "no" */
    SF_SLOW,       /* no answer in the time the caller had, which was short */
    SF_OVERLOADED, /* 429, 503, too many requests at once: an outage when it goes on, and less load helps */
    SF_OUTAGE,     /* no connection, no answer, not the API's answer */
    SF_EXHAUSTED,  /* the daily allocation is spent */
};
struct sf_sign {
    int status; /* 0: no answer */
    const char *error_code;
    bool timed_out, not_api; /* not_api: 2xx with a body that is not JSON */
    bool concurrent;         /* REQUEST_LIMIT_EXCEEDED speaks of requests at once, not of the day */
    uint64_t waited_ms;
};
#define SF_PATIENCE_MS                                                                                       \
    5000 /* no answer for that long is an outage whoever waited; sooner it may be haste                      \
          */
enum sf_health sf_health_of(const struct sf_sign *sign);
/** Of "120" or an HTTP date; 0: none or not understood. At most SF_MAX_RETRY_AFTER_MS. */
uint64_t sf_retry_after_ms(struct cf_str header, int64_t now_wall_ms);
#define SF_MAX_RETRY_AFTER_MS 900000

/* ---- sf_breaker.c ---- */
enum sf_circuit { SF_CLOSED, SF_HALF_OPEN, SF_OPEN };
struct sf_breaker_opts {
    uint32_t failures;                            /* in a row open it; one that may be haste counts half */
    uint32_t exhausted;                           /* so many SF_EXHAUSTED in a row open it */
    uint32_t base_ms, cap_ms;                     /* how long it stays open, doubled each time */
    uint32_t exhausted_base_ms, exhausted_cap_ms; /* the same after SF_EXHAUSTED: the org is probed slowly */
};
struct sf_breaker {
    struct sf_breaker_opts opts;
    enum sf_circuit state;
    bool exhausted;       /* why it is open */
    bool probing;         /* half-open, and its one request is under way */
    uint32_t halves, run; /* failures in a row, in halves; SF_EXHAUSTED in a row */
    uint32_t level;       /* openings without a lasting recovery */
    uint64_t until_ms;    /* open: not before */
    uint64_t open_ms;     /* the last opening's length */
    uint64_t closed_ms;   /* closed: since when */
    uint64_t epoch;       /* counts the transitions: what began in an earlier one says nothing of this one */
    uint64_t openings;
};
void sf_breaker_init(struct sf_breaker *breaker, const struct sf_breaker_opts *opts);
/** The state at `now_ms`: an open circuit turns half-open by time alone. */
enum sf_circuit sf_breaker_state(struct sf_breaker *breaker, uint64_t now_ms);
/** Whether a request would be refused now. */
bool sf_breaker_is_shut(struct sf_breaker *breaker, uint64_t now_ms);
/** A request goes; if the circuit is half-open, it is the probe. Returns the epoch to note its end with. */
uint64_t sf_breaker_take(struct sf_breaker *breaker, uint64_t now_ms);
/** The request of that epoch ended. `retry_after_ms`: 0 or how long the peer asks to be left alone. */
void sf_breaker_note(struct sf_breaker *breaker, uint64_t epoch, enum sf_health health,
                     uint64_t retry_after_ms, uint64_t now_ms, uint64_t random);
/** It was cancelled, or told nothing: another may be the probe. */
void sf_breaker_forget(struct sf_breaker *breaker, uint64_t epoch);
/** What it guards works: closes, and forgets. */
void sf_breaker_close(struct sf_breaker *breaker, uint64_t now_ms);
/** Opens now, whatever was counted. */
void sf_breaker_open(struct sf_breaker *breaker, uint64_t now_ms, uint64_t random);

/* ---- sf_window.c ---- */
struct sf_window {
    uint32_t min, max;
    double size;
    bool steady;             /* it was cut once: grow by one a round trip, no longer by doubling */
    uint64_t cut_ms;         /* when it was cut last; requests sent before say nothing of the new size */
    double latency_ms;       /* smoothed */
    double base_ms, next_ms; /* least latency of the last and of the current period; 0: none yet */
    uint64_t period_ms;      /* start of the current one */
};
void sf_window_init(struct sf_window *window, uint32_t min, uint32_t max);
uint32_t sf_window_size(const struct sf_window *window);
/** A request was answered in time. `in_flight`: with it. */
void sf_window_answered(struct sf_window *window, uint64_t sent_ms, uint64_t now_ms, uint32_t in_flight);
/** A sign of overload. */
void sf_window_overload(struct sf_window *window, uint64_t sent_ms, uint64_t now_ms);
/** The circuit opened: start small. */
void sf_window_reset(struct sf_window *window, uint64_t now_ms);

/* ---- sf_spend.c ---- */
#define SF_CLASSES 3
#define SF_DAY_S 86400.0
struct sf_spend {
    uint32_t stop_percent[SF_CLASSES]; /* of the allocation; 0, 100 or more: never */
    struct cf_sf_budget last;
    bool stopped[SF_CLASSES];
    bool known;
    int64_t sample_used;
    uint64_t sample_ms;
    double per_s; /* smoothed; negative: not known yet */
};
void sf_spend_init(struct sf_spend *spend, const uint32_t stop_percent[SF_CLASSES]);
void sf_spend_note(struct sf_spend *spend, struct cf_sf_budget budget, uint64_t now_ms);
/** Seconds until the allocation is spent at the present rate; SF_DAY_S when it lasts. */
double sf_spend_lasts_s(const struct sf_spend *spend);
bool sf_spend_any_stopped(const struct sf_spend *spend);

/* ---- sf_alike.c ---- */
#define SF_ALIKE_RECORDS 3 /* different ones; the third in a row is no coincidence any more */
struct sf_alike {
    char code[64];
    uint64_t records[SF_ALIKE_RECORDS]; /* hashes of those in the run */
    uint32_t run;
};
/** A record was refused with `code`. Whether the org is to blame by now. */
bool sf_alike_failed(struct sf_alike *alike, const char *code, struct cf_str record);
void sf_alike_done(struct sf_alike *alike);

#endif
