/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine - the routing state machine of one domain: records in, decisions out.
 *
 * Vocabulary: a *domain* is a set of queues that share agents; a *record* is one entry of the domain's
 * routing log; a *decision* is what the engine says about a call or an agent (topic call-routed); an *offer*
 * reserves one agent for one call until a deadline; a *tombstone* remembers a call that is over. Lifecycle:
 * new -> (load_object* load_finish)? -> step* -> free. Promises: no clock, no I/O, no randomness and no state
 * outside `struct cf_engine`: the same records give the same decisions, byte for byte, on any machine. Engine
 * time is the highest `t` seen; timers due by then fire before the record is applied, in order of (due, id),
 * and their decisions carry their due time. A record at or below the engine's offset was applied before and
 * does nothing. One step costs O(log n) in the number of waiting calls and agents (README.md names the
 * structures and the exceptions).
 */
#ifndef CF_ENGINE_H
#define CF_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/policy.h"
#include "err/err.h"
#include "event/event.h"
#include "str/str.h"

/* Limits of one domain. What would pass one is refused with ignored(limit). */
enum {
    CF_ENGINE_MAX_CALLS = 1000000,     /* alive: waiting, offered, connected */
    CF_ENGINE_MAX_AGENTS = 200000,     /* known, offline ones included */
    CF_ENGINE_MAX_TOMBSTONES = 100000, /* the oldest goes first */
    CF_ENGINE_MAX_CASES = 10,          /* kept per call */
    CF_ENGINE_MAX_SKILLS = 64,         /* kept per agent and per call */
    CF_ENGINE_MAX_MISSED = 8,          /* agents remembered per call as having missed it */
    CF_ENGINE_MAX_TEXT = 255,          /* bytes kept of a name or a subject */
};
#define CF_ENGINE_TOMBSTONE_MS (24LL * 3600 * 1000)
#define CF_ENGINE_NO_TIMER INT64_MAX

struct cf_engine;

enum cf_rt_kind { CF_RT_CALL_QUEUED, CF_RT_CALL_ENDED, CF_RT_AGENT_STATE, CF_RT_TICK, CF_RT_POLICY };

/* One record of the routing log. routing_log.h is its JSON form. */
struct cf_rt_record {
    enum cf_rt_kind kind;
    struct cf_str domain;
    int64_t t;      /* the sequencer's wall clock, ms */
    int64_t offset; /* in the routing log; not part of the JSON */
    struct {
        struct cf_str topic, event_id, traceparent; /* p = NULL: none (a tick names no event) */
        int64_t partition, offset;                  /* -1: none */
    } cause;                                        /* the input event; decisions repeat it */
    union {
        const struct cf_call_queued *call_queued; /* greeting, treatment, ani are not used */
        const struct cf_call_ended *call_ended;
        const struct cf_agent_state *agent_state;
        struct {
            int64_t version;
            struct cf_str text;
        } policy;
    } u;
};

/** Called once per decision, in order of seq. Every view in `decision` is valid during the call only. */
typedef void cf_rt_decide_fn(void *arg, const struct cf_call_routed *decision);

/** `initial` NULL: the built-in policy. The engine takes its own reference. */
struct cf_engine *cf_engine_new(struct cf_str domain, struct cf_policy *initial);
void cf_engine_free(struct cf_engine *engine);

/** Applies one record. Never fails: bad, late and doubled input has a defined result. */
void cf_engine_step(struct cf_engine *engine, const struct cf_rt_record *record, cf_rt_decide_fn *fn,
                    void *arg);

/** Wall ms of the next timer, CF_ENGINE_NO_TIMER when none: the owner of the log appends a tick then. */
int64_t cf_engine_next_timer(const struct cf_engine *engine);
int64_t cf_engine_now(const struct cf_engine *engine);
/** Offset of the last record applied, -1 at first. */
int64_t cf_engine_offset(const struct cf_engine *engine);
/** Number of the last decision, 0 at first. */
int64_t cf_engine_seq(const struct cf_engine *engine);
const struct cf_policy *cf_engine_policy(const struct cf_engine *engine);
struct cf_str cf_engine_domain(const struct cf_engine *engine);

struct cf_engine_counts {
    size_t waiting, offered, connected, tombstones;           /* calls */
    size_t agents, available, reserved, busy, wrapup, paused; /* agents; the rest are idle or offline */
};
void cf_engine_counts(const struct cf_engine *engine, struct cf_engine_counts *ret_counts);

/** SHA-256 over the canonical state: equal for equal states, whatever way led there. */
void cf_engine_digest(const struct cf_engine *engine, uint8_t ret_digest[32]);

/* ---- State as objects: what is written to Redis and read back ---- */

/* In the order of cf_engine_dump_all. */
enum cf_engine_kind { CF_ENGINE_META, CF_ENGINE_POLICY, CF_ENGINE_QUEUE, CF_ENGINE_CALL, CF_ENGINE_AGENT };

struct cf_engine_pair {
    struct cf_str field, value;
};

/* A flat hash a person can read. Views are valid during the callback. */
struct cf_engine_object {
    enum cf_engine_kind kind;
    struct cf_str id; /* of META and POLICY: the domain */
    bool deleted;     /* no pairs then; whatever was written of it goes */
    const struct cf_engine_pair *pairs;
    size_t n_pairs;
    int64_t due;                 /* its timer, CF_ENGINE_NO_TIMER: none */
    struct cf_str queue_id;      /* a waiting call: its queue; else p = NULL */
    int64_t score;               /* place in that queue, lowest first; below 2^53 */
    struct cf_str left_queue_id; /* queue it waited in at the last clear and no longer does; else p = NULL */
};
typedef void cf_engine_object_fn(void *arg, const struct cf_engine_object *object);

/** Starts remembering which objects change (off at first; a replay has no use for it). */
void cf_engine_track_changes(struct cf_engine *engine);
/** The objects changed since the last clear; META always. The order is that of the first change. */
void cf_engine_dump_changes(const struct cf_engine *engine, cf_engine_object_fn *fn, void *arg);
void cf_engine_changes_clear(struct cf_engine *engine);
/** Every object, ordered by kind and id. */
void cf_engine_dump_all(const struct cf_engine *engine, cf_engine_object_fn *fn, void *arg);

/** Fills a new engine: META and POLICY first, the others in any order; of the object only kind, id and pairs
 * are read, and fields that are not known are skipped. -1 (kind REJECTED): the object cannot be read; rebuild
 * from the log. After an error the engine can only be freed. */
CF_CHECKED int cf_engine_load_object(struct cf_engine *engine, const struct cf_engine_object *object,
                                     struct cf_err *err);
/** Checks that the objects agree with each other. Then digest(loaded) == digest(dumped). */
CF_CHECKED int cf_engine_load_finish(struct cf_engine *engine, struct cf_err *err);

#endif
