/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kafka_priv - shared by the module's files: kafka.c (consumer, on the loop), kafka_txn.c (the helper
 * thread), kafka_conf.c (client properties).
 */
#ifndef CF_KAFKA_PRIV_H
#define CF_KAFKA_PRIV_H

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>
#include <time.h>

#include "kafka/kafka.h"

/* Limits of one blocking call on the helper thread; all of them retry, so that a stop is seen in between. */
#define CF_KAFKA_CALL_MS 5000
#define CF_KAFKA_COMMIT_MS 10000
#define CF_KAFKA_NOTES 32

struct cf_kafka_conf {
    const struct cf_kafka_opts *opts;
    const char *own_prefix;   /* "consumer." or "producer.": properties for this client only */
    const char *other_prefix; /* ... and those to leave out */
};

/** Sets one of our defaults; a failure is a bug or an unusable option, kind CONFIG. */
CF_CHECKED int cf_kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value,
                                 struct cf_err *err);
CF_CHECKED int cf_kafka_conf_set_ms(rd_kafka_conf_t *conf, const char *name, uint64_t value,
                                    struct cf_err *err);
/** What both clients share: brokers, ids, logging by queue; then the user's properties. */
CF_CHECKED int cf_kafka_conf_common(rd_kafka_conf_t *conf, const struct cf_kafka_conf *which,
                                    struct cf_err *err);

/** rd_kafka_log() levels are syslog's: up to LOG_WARNING is worth a line. */
void cf_kafka_note_event(rd_kafka_event_t *event, void (*note)(void *arg, const struct cf_err *err),
                         void *arg);

/* ---- the producer; all of it on the helper thread ---- */
struct cf_kafka_producer {
    const struct cf_kafka_opts *opts;
    rd_kafka_t *consumer; /* borrowed; only its thread-safe calls */
    rd_kafka_t *handle;   /* NULL: to be made */
    const atomic_bool *stop;
    void (*note)(void *arg, const struct cf_err *err);
    void *note_arg;
    struct timespec first_fenced;
    uint32_t fenced;
    const struct cf_kafka_batch *batch; /* under way, or NULL */
    uint8_t *shrunk;                    /* of each of its records: how much is left out */
};

/** Whether the options make a producer. */
CF_CHECKED int cf_kafka_producer_check(const struct cf_kafka_opts *opts, struct cf_err *err);
/** Makes it ready for transactions; tries until it works or the process stops. */
CF_CHECKED int cf_kafka_producer_start(struct cf_kafka_producer *self, struct cf_err *err);
/** Serves the client's logs and errors. */
void cf_kafka_producer_serve(struct cf_kafka_producer *self);
void cf_kafka_producer_drop(struct cf_kafka_producer *self);
/** Reads the group's committed offsets into `parts`. */
CF_CHECKED int cf_kafka_producer_committed(struct cf_kafka_producer *self,
                                           rd_kafka_topic_partition_list_t *parts, struct cf_err *err);
/** Commits a batch: 0 when it is committed, once; -1 when it is not and never will be. */
CF_CHECKED int cf_kafka_producer_commit(struct cf_kafka_producer *self, const struct cf_kafka_batch *batch,
                                        struct cf_err *err);

/* ---- the helper thread ---- */
struct cf_kafka_txn;

struct cf_kafka_txn_events {
    /* On the helper thread: something to fetch with cf_kafka_txn_poll(). */
    void (*ready)(void *arg);
};

enum cf_kafka_txn_kind { CF_TXN_STARTED, CF_TXN_OFFSETS, CF_TXN_COMMITTED, CF_TXN_NOTE };

struct cf_kafka_txn_result {
    enum cf_kafka_txn_kind kind;
    bool failed;
    struct cf_err err;
    rd_kafka_topic_partition_list_t *offsets; /* OFFSETS: the caller destroys */
};

CF_CHECKED struct cf_kafka_txn *cf_kafka_txn_new(const struct cf_kafka_opts *opts, rd_kafka_t *consumer,
                                                 const struct cf_kafka_txn_events *events, void *arg,
                                                 struct cf_err *err);
/** Asks for the group's committed offsets; takes the list over. */
void cf_kafka_txn_offsets(struct cf_kafka_txn *txn, rd_kafka_topic_partition_list_t *parts);
/** Asks for a transaction; the batch is borrowed until its result was polled. */
void cf_kafka_txn_commit(struct cf_kafka_txn *txn, const struct cf_kafka_batch *batch);
/** Takes the next result; false when there is none. */
bool cf_kafka_txn_poll(struct cf_kafka_txn *txn, struct cf_kafka_txn_result *ret_result);
/** Stops and joins; false when the thread did not end within `wait_ms` (then it is left behind). NULL is
 * fine. */
bool cf_kafka_txn_free(struct cf_kafka_txn *txn, uint32_t wait_ms);

#endif
