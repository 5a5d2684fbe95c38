/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kafka - one consumer group member and one transactional producer on the loop.
 *
 * Vocabulary
 *   part     one assigned partition; it has a queue of its own, so a full one never blocks another
 *   batch    records and offsets that commit in one transaction
 * Lifecycle: new -> (assigned -> parts are read -> revoking -> unassign)* -> close -> on closed -> free.
 * Promises
 *   - callbacks run on the loop's thread. librdkafka's blocking calls (transactions, committed offsets) run
 * on one helper thread, which alone touches the producer.
 *   - a batch is committed once or not at all, and the answer says which: after an indefinite error the
 * producer is made anew, which fences the old transaction, and the group's committed offsets tell what became
 * of it.
 *   - a batch never crosses a rebalance: parts are given up only when no batch is under way.
 * The only module that includes <librdkafka/rdkafka.h>. Traps of version 2.0.2 that shaped it:
 * common/README.md.
 */
#ifndef CF_KAFKA_H
#define CF_KAFKA_H

#include <stdbool.h>
#include <stdint.h>

#include "err/err.h"
#include "str/str.h"

struct cf_loop;
struct cf_kafka;
struct cf_kafka_msg; /* a consumed message, owned by who took it */

struct cf_kafka_prop {
    const char *name, *value; /* a librdkafka property */
};

struct cf_kafka_opts {
    const char *brokers;
    const char *group;
    const char *client_id;
    const char *transactional_id;
    const char *const *topics;         /* to consume; NULL-terminated, full names */
    const char *const *outputs;        /* to produce to; likewise; must outlive the clients */
    const struct cf_kafka_prop *props; /* for both clients, ended by name NULL; they win over ours */
    uint32_t session_timeout_ms;
    uint32_t transaction_timeout_ms;
    uint32_t fetch_ahead_kib; /* of each partition; a full queue sleeps a second, so also the KiB/s of a
                                 backlog at least */
};

/* What the group committed for a part that was assigned. */
struct cf_kafka_committed {
    const char *topic;
    int32_t partition;
    int64_t offset;         /* -1: nothing committed yet */
    struct cf_str metadata; /* of that commit */
};

struct cf_kafka_events {
    /* Parts were assigned (n may be 0). Answer, now or later, with cf_kafka_assign(). */
    void (*assigned)(void *arg, const struct cf_kafka_committed *parts, size_t n);
    /* All parts are going. Answer, now or later, with cf_kafka_unassign(). `lost`: others may own them
     * already, do not commit. */
    void (*revoking)(void *arg, bool lost);
    /* There may be messages: cf_kafka_take() until it gives none. */
    void (*readable)(void *arg);
    /* The batch of cf_kafka_commit() is over. err NULL: committed. TRANSIENT: it was not and never will be,
     * the parts are going (a rebalance is under way). FATAL or CONFIG: the process must end. */
    void (*committed)(void *arg, const struct cf_err *err);
    /* Trouble outside a batch: TRANSIENT is for the log; FATAL or CONFIG: the process must end. */
    void (*failed)(void *arg, const struct cf_err *err);
    /* After cf_kafka_close(): the member has left the group. */
    void (*closed)(void *arg);
};

struct cf_kafka_start {
    const char *topic;
    int32_t partition;
    int64_t offset; /* -2: the beginning */
};

struct cf_kafka_view {
    const char *topic;
    int32_t partition;
    int64_t offset, timestamp_ms; /* timestamp -1: none */
    struct cf_str key, value;     /* p NULL: null */
};

struct cf_kafka_header {
    struct cf_str name, value;
};

/* A record to produce. All memory is borrowed until the batch's committed callback. */
struct cf_kafka_out {
    const char *topic;
    struct cf_str key, value;
    int64_t timestamp_ms;            /* 0: now */
    const struct cf_kafka_msg *like; /* copy this message's headers first; NULL: none */
    const struct cf_kafka_header *headers;
    size_t n_headers;
    /* When the record is too large for its topic, it goes without its value, and without the headers of
     * `like` if that is not enough; a header of this name then says how many bytes the value has. NULL: it is
     * tried for ever. */
    const char *bytes_header;
};

struct cf_kafka_offset {
    const char *topic;
    int32_t partition;
    int64_t offset;
    const char *metadata; /* NUL-terminated; borrowed like the rest */
};

struct cf_kafka_batch {
    const struct cf_kafka_out *records;
    size_t n_records;
    const struct cf_kafka_offset *offsets;
    size_t n_offsets;
};

/** Starts both clients; `events.assigned` comes once the group has us and the producer is ready. NULL and
 * `err` (kind CONFIG) when a property is refused. */
CF_CHECKED struct cf_kafka *cf_kafka_new(struct cf_loop *loop, const struct cf_kafka_opts *opts,
                                         const struct cf_kafka_events *events, void *arg, struct cf_err *err);

/** Starts reading at the given places: one for each part that was assigned. */
void cf_kafka_assign(struct cf_kafka *kafka, const struct cf_kafka_start *starts, size_t n);
/** Gives all parts up. Only when no batch is under way. */
void cf_kafka_unassign(struct cf_kafka *kafka);

/** Takes the next message of the `part`-th assigned part (order of cf_kafka_assign), NULL when there is none
 * now. */
struct cf_kafka_msg *cf_kafka_take(struct cf_kafka *kafka, size_t part);
/** The offset behind the last message taken, transaction markers stepped over; -1 when unknown. */
int64_t cf_kafka_position(struct cf_kafka *kafka, size_t part);
/** Records between the position and the end of the part, as far as the client knows; -1 when unknown. */
int64_t cf_kafka_lag(struct cf_kafka *kafka, size_t part);

void cf_kafka_msg_view(const struct cf_kafka_msg *msg, struct cf_kafka_view *ret_view);
/** Reads at most `max` headers; returns how many there are. */
size_t cf_kafka_msg_headers(const struct cf_kafka_msg *msg, struct cf_kafka_header *ret_headers, size_t max);
void cf_kafka_msg_free(struct cf_kafka_msg *msg);

/** Commits a batch in one transaction. One at a time; answered by events.committed. */
void cf_kafka_commit(struct cf_kafka *kafka, const struct cf_kafka_batch *batch);

/** Leaves the group without blocking; parts must have been given up. */
void cf_kafka_close(struct cf_kafka *kafka);
/** Ends the helper thread (bounded by `wait_ms`) and frees all. After closed, or without close in an
 * emergency. NULL is fine. Returns false when a client did not end in time: the process should _exit(). */
bool cf_kafka_free(struct cf_kafka *kafka, uint32_t wait_ms);

#endif
