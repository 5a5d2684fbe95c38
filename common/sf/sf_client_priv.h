/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sf_client_priv - the client's own struct and its calls, as its files share them.
 *
 *   sf.c        new, free, send, cancel
 *   sf_send.c   the lines, what lets a call pass, the request
 *   sf_answer.c the answer, what it says about Salesforce, verdicts of records
 *   sf_lease.c  the fleet's cap, sf_poll.c GET /limits, sf_show.c metrics and log lines
 */
#ifndef CF_SF_CLIENT_PRIV_H
#define CF_SF_CLIENT_PRIV_H

#include "sf/sf_guard_priv.h"
#include "sf/sf_priv.h"

struct cf_http_response;
struct cf_timer;

enum sf_refusal { SF_ADMITTED, SF_LINE_FULL, SF_BUDGET_SPENT };

struct cf_sf_call {
    struct sf_link link; /* first, so that a link is a call; in a line while it waits, in `sent` else */
    struct cf_sf *sf;
    struct cf_http_call *http; /* NULL while it waits */
    cf_sf_fn *fn;
    void *arg;
    uint64_t number; /* in order of cf_sf_send() */
    uint64_t deadline_ms, generation;
    uint64_t sent_ms;
    uint64_t epoch, writers_epoch; /* of the circuits, when it went */
    uint64_t lease;                /* 0: none */
    enum cf_sf_class priority;
    enum sf_refusal refusal;
    uint32_t api_calls;
    bool write, replayed;
    bool own; /* the client's question about its limits: no budget stops it */
    char *method, *path, *body;
};

struct cf_sf {
    struct cf_loop *loop;
    struct cf_sf_opts opts; /* its texts live in `texts` */
    struct cf_arena *texts;
    struct sf_token *token;
    struct sf_token_counts logins; /* already in the metrics */
    uint64_t logins_noted;         /* failed ones, by the circuit */
    struct sf_link lines[SF_CLASSES];
    struct sf_link refused; /* to be told on the next turn */
    struct sf_link sent;
    uint32_t waiting, in_flight;
    uint64_t calls, api_calls;
    uint64_t seed, shown_ms;
    struct sf_breaker circuit; /* of all requests */
    struct sf_breaker writers; /* of all but live callers': records fail alike */
    struct sf_window window;
    struct sf_spend spend;
    struct sf_alike alike;
    struct sf_lease *lease;
    struct sf_poll *poll;
    enum sf_circuit shown, shown_writers; /* as logged last */
    bool worked, wrote, asked;            /* since the start: an answer, a record, a question */
    /* Since the last answer, record, question that was good. */
    bool bad_config, bad_record_config, bad_query_config;
    cf_sf_recovery_fn *on_recovery; /* NULL: nobody listens */
    void *on_recovery_arg;
    bool waiters;   /* calls were told of a pause since the listener was called */
    bool recovered; /* the listener is to be called */
    struct cf_timer *pump, *sweep, *tick;
    struct cf_metric_group *metrics; /* borrowed; NULL: nobody measures */
    char *instance_url;              /* of the last session */
};

static inline struct cf_sf_call *sf_call_of(struct sf_link *link)
{
    return (struct cf_sf_call *)link;
}

/* ---- sf.c ---- */
struct cf_sf_call *sf_call_new(struct cf_sf *sf, const struct cf_sf_request *request, cf_sf_fn *fn,
                               void *arg);
void sf_call_free(struct cf_sf_call *call);
/** For jitter, not for secrets. */
uint64_t sf_random(struct cf_sf *sf);
/** A pause is over: tells who waits for that, on the next turn. */
void sf_tell_recovery(struct cf_sf *sf);

/* ---- sf_send.c ---- */
void sf_pump_soon(struct cf_sf *sf);
void sf_on_pump(void *arg);
void sf_on_sweep(void *arg);
void sf_on_token(void *arg, const struct cf_err *err);
/** Now and then. */
void sf_look_for_recovery(struct cf_sf *sf, uint64_t now_ms);
void sf_enter_line(struct cf_sf_call *call, bool front);
/** Out of its line, or out of `sent`. */
void sf_leave(struct cf_sf_call *call);
/** The first call in line, NULL: nobody waits. */
struct cf_sf_call *sf_next_in_line(const struct cf_sf *sf);

/* ---- sf_answer.c ---- */
void sf_on_http(void *arg, const struct cf_http_response *res, const struct cf_err *err);
/** Ends a call that got no answer. */
void sf_finish_failed(struct cf_sf_call *call, const struct cf_sf_failure *failure);
/** Records or queries failed by the configuration: a pause of the writers, once the org has been fine. */
void sf_pause_writers(struct cf_sf *sf, const char *why);
void sf_note_health(struct cf_sf *sf, const struct cf_sf_call *call, const struct sf_sign *sign,
                    uint64_t retry_after_ms);

/* ---- sf_show.c: metrics and log lines ---- */
void sf_show(struct cf_sf *sf);
/** Unless that was just done and no circuit has changed. */
void sf_show_soon(struct cf_sf *sf, uint64_t now_ms);
/** One log line per transition of a circuit. */
void sf_show_circuits(struct cf_sf *sf);
void sf_count_api_call(struct cf_sf *sf, const struct cf_sf_call *call);
void sf_count_answer(struct cf_sf *sf, enum sf_health health, uint64_t took_ms);
void sf_count_paused(struct cf_sf *sf, enum cf_sf_class class, const char *why);

/* ---- sf_lease.c: the fleet's cap on slow requests ---- */
struct sf_lease;
typedef void sf_lease_fn(void *arg); /* try again */
struct sf_lease_opts {
    struct cf_loop *loop;
    struct cf_redis *redis; /* NULL: none */
    const char *key;        /* copied */
    uint32_t slow_ms;       /* 0: never needed */
    uint32_t cap;           /* of the fleet */
};
struct sf_lease *sf_lease_new(const struct sf_lease_opts *opts, sf_lease_fn *fn, void *arg);
void sf_lease_free(struct sf_lease *lease);
/** How long an answer took; `timed_out`: it never came, and may be worked on still. */
void sf_lease_note(struct sf_lease *lease, uint64_t took_ms, bool timed_out);
bool sf_lease_needed(const struct sf_lease *lease);
/** A lease for `hold_ms`, or 0: asked for, `fn` will run. Not live callers leave a quarter to those. */
uint64_t sf_lease_take(struct sf_lease *lease, bool live, uint64_t hold_ms);
/** `abandoned`: Salesforce may be at it still, so the lease is kept until it expires. 0 is fine. */
void sf_lease_give_back(struct sf_lease *lease, uint64_t id, bool abandoned);
/** Nobody waits any more: what was granted meanwhile goes back. */
void sf_lease_idle(struct sf_lease *lease);
uint32_t sf_lease_held(const struct sf_lease *lease);

/* ---- sf_poll.c: GET /limits when no answer tells ---- */
struct sf_poll;
struct sf_poll *sf_poll_new(struct cf_sf *sf, const char *key);
void sf_poll_free(struct sf_poll *poll);
/** Each second. */
void sf_poll_tick(struct sf_poll *poll, uint64_t now_ms);
/** An answer has told. */
void sf_poll_known(struct sf_poll *poll, uint64_t now_ms);
/** Out of GET /limits. */
CF_CHECKED bool sf_poll_read(const json_t *body, struct cf_sf_budget *ret_budget);

#endif
