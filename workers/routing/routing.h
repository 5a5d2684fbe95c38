/* SPDX-License-Identifier: Apache-2.0 */
/*
 * routing - the routing stage: sequencer and engine host in one worker.
 *
 * Vocabulary
 *   sequencer  appends call-queued, call-ended and agent-state to routing-log, one total order per domain
 *   shard      one partition of routing-log that this worker owns, with the engines of the domains in it
 *   write-back the changes of one domain on their way to Redis
 * The order is always: engine step -> Kafka commit -> Redis. So Redis is never ahead of Kafka, and what Redis
 * lacks is re-run from the log.
 */
#ifndef CF_ROUTING_H
#define CF_ROUTING_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "engine/ids.h"
#include "engine/routing_log.h"
#include "worker/worker.h"

#define CF_ROUTING_LOG "routing-log"
#define CF_ROUTING_RECORD_BYTES ((size_t)256 * 1024) /* of one routing-log record */

struct routing_config {
#define CF_CONFIG_STRUCT
#include "config/keys.h"

#include "routing_config.def"

#include "config/keys_end.h"
};

struct domain;

/* What was sent to Redis last, per domain. */
enum redis_copy {
    COPY_UNKNOWN, /* not written by us yet: the first write replaces all */
    COPY_GOOD,    /* is the state at `copy_offset`; a write brings the changes since */
};

struct domain {
    struct cf_str id; /* first: shard->by_name finds it */
    struct domain *next;
    struct shard *shard;
    char *name;
    struct cf_engine *engine;
    int64_t tick_asked_for; /* the timer a tick is under way for */
    uint64_t tick_asked_ms;
    int64_t policy_asked; /* the version a policy record is under way for */
    /* Redis */
    enum redis_copy copy;
    int64_t epoch;            /* our owner epoch, 0: not claimed yet */
    int64_t copy_offset;      /* offset of the last state Redis acknowledged, -1: none */
    struct write_back *write; /* being committed or sent; at most one */
};

struct shard {
    struct shard *next;
    struct routing *routing;
    int32_t partition;
    int64_t committed;
    int64_t marker; /* `through` as last acknowledged by Redis */
    struct domain *domains;
    size_t n_domains;
    struct cf_ids by_name;
    struct shard_load *load; /* while loading */
};

struct routing {
    struct cf_worker *worker;
    struct cf_policy *policy; /* configured */
    bool many_domains;
    struct shard *shards;
    struct cf_timer *tick_timer, *retry_timer;
    struct cf_buf buf;       /* one encoding at a time */
    struct cf_ids announced; /* domains that got our policy from this sequencer */
};

/* ---- routing_sequencer.c ---- */
enum cf_next cf_routing_sequence(struct cf_job *job);
enum cf_next cf_routing_append(struct cf_job *job);
void cf_routing_sequencer_done(struct routing *routing);
/** Encodes a policy record for `domain` into routing->buf. */
CF_CHECKED int cf_routing_encode_policy(struct routing *routing, struct cf_str domain, struct cf_err *err);

/* ---- routing_engine.c ---- */
enum cf_next cf_routing_step(struct cf_job *job);
struct shard *cf_routing_shard(struct routing *routing, int32_t partition);
/** Makes the domain when it is new. */
struct domain *cf_routing_domain(struct shard *shard, struct cf_str name);
void cf_routing_drop_domains(struct shard *shard);
void cf_routing_shard_free(struct shard *shard);
/** Sets the timer for the earliest engine timer of all shards. */
void cf_routing_plan_tick(struct routing *routing);
void cf_routing_on_tick(void *arg);

/* ---- routing_load.c ---- */
/** Reads a shard's state from Redis, or decides to rebuild; then answers with cf_worker_start_at(). */
void cf_routing_load(struct shard *shard);
void cf_routing_load_cancel(struct shard *shard);

/* ---- routing_store.c ---- */
/** Takes the changes up to `offset` of all domains that have no write-back under way. */
void cf_routing_store_take(struct shard *shard, int64_t offset);
/** Kafka has committed up to `committed`: sends what was taken. */
void cf_routing_store_send(struct shard *shard, int64_t committed);
void cf_routing_store_retry(void *arg);
void cf_routing_store_free(struct domain *domain);

/* Field names and keys in Redis, shared by load and store. `{d}` is the domain's hash tag; a suffix follows.
 */
struct cf_str cf_routing_key(struct cf_arena *arena, const char *domain, const char *suffix);
struct cf_str cf_routing_shard_key(struct cf_arena *arena, int32_t partition);
const char *cf_routing_kind_name(enum cf_engine_kind kind);

#endif
