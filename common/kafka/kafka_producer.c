/* SPDX-License-Identifier: Apache-2.0 */
/* The transactional producer and what becomes of a transaction. Everything here runs on the helper thread
 * (kafka_txn.c). */
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

#include "kafka/kafka_priv.h"

#define FENCED_LIMIT 3U
#define FENCED_WINDOW_S 60
#define SHRUNK_MOST 2 /* 1: without its value; 2: without the headers of the record it is like, too */

/* How a try at a transaction ended. */
enum verdict {
    V_COMMITTED,
    V_AGAIN,   /* not committed, the producer is fine: try the same batch again */
    V_REMAKE,  /* not committed, the producer is no good any more */
    V_UNKNOWN, /* may be committed, and the producer is no good any more */
    V_REVOKED, /* not committed and must not be: the group has moved on */
};

static void note_error(struct cf_kafka_producer *self, const char *during, rd_kafka_resp_err_t code,
                       const char *text)
{
    struct cf_err err = {0};

    (void)cf_err_set(&err, CF_ERR_TRANSIENT, "kafka", (int)code, "%s: %s", during, text);
    self->note(self->note_arg, &err);
}

static void pause_ms(long ms)
{
    struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    (void)nanosleep(&wait, NULL);
}

/* librdkafka's callbacks: log.queue=true and rd_kafka_poll() keep them on this thread. */
static void on_log(const rd_kafka_t *producer, int level, const char *facility, const char *text)
{
    struct cf_kafka_producer *self = rd_kafka_opaque(producer);
    struct cf_err err = {0};

    if (level > LOG_WARNING)
        return;
    (void)cf_err_set(&err, CF_ERR_TRANSIENT, "kafka", 0, "%s: %s", facility, text);
    self->note(self->note_arg, &err);
}

static void on_error(rd_kafka_t *producer, int code, const char *text, void *opaque)
{
    (void)producer;
    note_error(opaque, "producer", (rd_kafka_resp_err_t)code, text);
}

/* A record that the broker or the client finds too large goes with less the next time, if it may: a dead
 * letter is larger than the record it holds, and must not stand in the way of all others for that. */
static bool shrink(struct cf_kafka_producer *self, size_t index)
{
    if (index >= self->batch->n_records || !self->batch->records[index].bytes_header ||
        self->shrunk[index] >= SHRUNK_MOST)
        return false;
    self->shrunk[index]++;
    return true;
}

/* On this thread too, from the polls inside the transaction calls. The index is 1 and up. */
static void on_undelivered(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
    struct cf_kafka_producer *self = opaque;

    (void)producer;
    if (message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && self->batch)
        (void)shrink(self, (size_t)(uintptr_t)message->_private - 1);
}

/* Serves the producer's logs and errors, so that they are not kept in memory. */
void cf_kafka_producer_serve(struct cf_kafka_producer *self)
{
    if (self->handle)
        (void)rd_kafka_poll(self->handle, 0);
}

static rd_kafka_conf_t *producer_conf(const struct cf_kafka_opts *opts, struct cf_err *err)
{
    /* murmur2_random is what Java clients use; the default (CRC32) would split a call over two partitions.
     * retry.backoff.ms: AddOffsetsToTxn waits this long when the last transaction's markers are still under
     * way. */
    static const struct cf_kafka_prop ours[] = {
        {"enable.idempotence", "true"},
        {"partitioner", "murmur2_random"},
        {"message.max.bytes", "20000000"},
        {"queue.buffering.max.kbytes", "65536"},
        {"retry.backoff.ms", "20"},
        {"delivery.report.only.error", "true"},
        {NULL, NULL},
    };
    const struct cf_kafka_conf which = {opts, "producer.", "consumer."};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool ok = true;

    for (const struct cf_kafka_prop *prop = ours; prop->name && ok; prop++)
        ok = cf_kafka_conf_set(conf, prop->name, prop->value, err) == 0;
    ok = ok && cf_kafka_conf_set(conf, "transactional.id", opts->transactional_id, err) == 0 &&
         cf_kafka_conf_set_ms(conf, "transaction.timeout.ms", opts->transaction_timeout_ms, err) == 0 &&
         cf_kafka_conf_set_ms(conf, "message.timeout.ms", opts->transaction_timeout_ms, err) == 0 &&
         cf_kafka_conf_common(conf, &which, err) == 0;
    if (!ok) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_dr_msg_cb(conf, on_undelivered);
    return conf;
}

static int make_producer(struct cf_kafka_producer *self, struct cf_err *err)
{
    rd_kafka_conf_t *conf = producer_conf(self->opts, err);
    char why[160];

    if (!conf)
        return -1;
    rd_kafka_conf_set_opaque(conf, self);
    self->handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    if (!self->handle) {
        rd_kafka_conf_destroy(conf);
        return cf_err_set(err, CF_ERR_CONFIG, "kafka", 0, "the producer cannot start: %s", why);
    }
    (void)rd_kafka_set_log_queue(self->handle, NULL);
    return 0;
}

void cf_kafka_producer_drop(struct cf_kafka_producer *self)
{
    if (!self->handle)
        return;
    (void)rd_kafka_purge(self->handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    cf_kafka_producer_serve(self);
    rd_kafka_destroy(self->handle);
    self->handle = NULL;
}

/* Learns an output topic's partitions now: the first record to an unknown topic would wait up to a second. */
static void warm_up(struct cf_kafka_producer *self, const char *name)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(self->handle, name, NULL);
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(self->handle, 0, topic, &metadata, CF_KAFKA_CALL_MS);

    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && metadata->topic_cnt == 1)
        code = metadata->topics[0].err;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        note_error(self, name, code, rd_kafka_err2str(code));
    if (metadata)
        rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(topic); /* the client keeps what it learned */
}

static void warm_up_all(struct cf_kafka_producer *self)
{
    for (const char *const *name = self->opts->outputs; name && *name && !atomic_load(self->stop); name++)
        warm_up(self, *name);
}

/* Makes the producer ready for transactions, which fences any older one of the same id. Tries until it works,
 * the process stops, or the trouble is one that only an operator can end. */
int cf_kafka_producer_start(struct cf_kafka_producer *self, struct cf_err *err)
{
    while (!atomic_load(self->stop)) {
        rd_kafka_error_t *error;
        bool fatal;

        if (!self->handle && make_producer(self, err) < 0)
            return -1;
        error = rd_kafka_init_transactions(self->handle, CF_KAFKA_CALL_MS);
        if (!error) {
            warm_up_all(self);
            return 0;
        }
        fatal = rd_kafka_error_is_fatal(error) != 0;
        note_error(self, "starting transactions", rd_kafka_error_code(error), rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
        cf_kafka_producer_serve(self);
        if (fatal)
            cf_kafka_producer_drop(self);
        pause_ms(200);
    }
    return cf_err_set(err, CF_ERR_TRANSIENT, "kafka", 0, "stopping");
}

/* ---- one transaction ---- */

static rd_kafka_headers_t *headers_of(const struct cf_kafka_out *out, uint8_t shrunk)
{
    rd_kafka_headers_t *headers = NULL, *theirs = NULL;
    char bytes[24];

    if (out->like && shrunk < SHRUNK_MOST &&
        rd_kafka_message_headers((const rd_kafka_message_t *)out->like, &theirs) ==
            RD_KAFKA_RESP_ERR_NO_ERROR)
        headers = rd_kafka_headers_copy(theirs);
    if (!headers)
        headers = rd_kafka_headers_new(out->n_headers);
    for (size_t i = 0; i < out->n_headers; i++)
        (void)rd_kafka_header_add(headers, out->headers[i].name.p, (ssize_t)out->headers[i].name.n,
                                  out->headers[i].value.p, (ssize_t)out->headers[i].value.n);
    if (shrunk > 0) {
        (void)snprintf(bytes, sizeof(bytes), "%zu", out->value.n);
        (void)rd_kafka_header_add(headers, out->bytes_header, -1, bytes, -1);
    }
    return headers;
}

/* librdkafka's prototypes lack const; with no RD_KAFKA_MSG_F_FREE it only reads. */
static void *unconst(const char *p)
{
    return (void *)(uintptr_t)p;
}

static rd_kafka_resp_err_t produce_one(struct cf_kafka_producer *self, size_t index)
{
    const struct cf_kafka_out *out = &self->batch->records[index];
    uint8_t shrunk = self->shrunk[index];
    struct cf_str value = shrunk > 0 ? (struct cf_str){"", 0} : out->value;
    rd_kafka_headers_t *headers = headers_of(out, shrunk);
    const rd_kafka_vu_t fields[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = out->topic},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {unconst(out->key.p), out->key.n}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {unconst(value.p), value.n}},
        {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = out->timestamp_ms},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_BLOCK},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = (void *)(uintptr_t)(index + 1)},
    };
    rd_kafka_error_t *error = rd_kafka_produceva(self->handle, fields, sizeof(fields) / sizeof(fields[0]));
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);

    if (error)
        rd_kafka_headers_destroy(headers);
    rd_kafka_error_destroy(error);
    if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && shrink(self, index))
        return produce_one(self, index); /* NOLINT(misc-no-recursion): SHRUNK_MOST times at most */
    return code;
}

static bool group_moved_on(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION || code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
           code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
}

static enum verdict abort_transaction(struct cf_kafka_producer *self, enum verdict after)
{
    for (int tries = 0; tries < 10; tries++) {
        rd_kafka_error_t *error = rd_kafka_abort_transaction(self->handle, CF_KAFKA_CALL_MS);
        bool again;

        if (!error)
            return after;
        again = rd_kafka_error_is_retriable(error) != 0;
        note_error(self, "aborting", rd_kafka_error_code(error), rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
        if (!again)
            break;
        pause_ms(50);
    }
    return after == V_REVOKED ? V_REVOKED : V_REMAKE;
}

/* What an error of a transaction call means; destroys it. `indefinite`: the call may have committed. */
static enum verdict judge(struct cf_kafka_producer *self, rd_kafka_error_t *error, const char *during,
                          bool indefinite)
{
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    bool fatal = rd_kafka_error_is_fatal(error) != 0;
    bool must_abort = rd_kafka_error_txn_requires_abort(error) != 0;

    note_error(self, during, code, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    if (must_abort && !fatal)
        return abort_transaction(self, group_moved_on(code) ? V_REVOKED : V_AGAIN);
    if (group_moved_on(code))
        return V_REVOKED;
    return indefinite ? V_UNKNOWN : V_REMAKE;
}

static rd_kafka_error_t *send_offsets(struct cf_kafka_producer *self, const struct cf_kafka_batch *batch)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)batch->n_offsets);
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata(self->consumer);
    rd_kafka_error_t *error;

    for (size_t i = 0; i < batch->n_offsets; i++) {
        const struct cf_kafka_offset *offset = &batch->offsets[i];
        rd_kafka_topic_partition_t *part =
            rd_kafka_topic_partition_list_add(list, offset->topic, offset->partition);

        part->offset = offset->offset;
        part->metadata = strdup(offset->metadata);
        part->metadata_size = part->metadata ? strlen(part->metadata) : 0;
    }
    error = rd_kafka_send_offsets_to_transaction(self->handle, list, group, CF_KAFKA_COMMIT_MS);
    rd_kafka_consumer_group_metadata_destroy(group);
    rd_kafka_topic_partition_list_destroy(list);
    return error;
}

static enum verdict send_offsets_and_commit(struct cf_kafka_producer *self,
                                            const struct cf_kafka_batch *batch)
{
    rd_kafka_error_t *error = NULL;

    for (int tries = 0; batch->n_offsets > 0 && tries < 10; tries++) {
        error = send_offsets(self, batch);
        if (!error || !rd_kafka_error_is_retriable(error))
            break;
        pause_ms(20);
        if (tries < 9) {
            rd_kafka_error_destroy(error);
            error = NULL;
        }
    }
    if (error)
        return judge(self, error, "adding offsets to the transaction", false);
    for (int tries = 0; tries < 10; tries++) {
        error = rd_kafka_commit_transaction(self->handle, CF_KAFKA_COMMIT_MS);
        if (!error)
            return V_COMMITTED;
        if (!rd_kafka_error_is_retriable(error) || atomic_load(self->stop))
            break;
        if (tries < 9)
            rd_kafka_error_destroy(error);
    }
    return judge(self, error, "committing", true);
}

/* Produce comes before send_offsets: librdkafka waits 20 ms, not 100, for the last transaction's end that
 * way. */
static enum verdict try_batch(struct cf_kafka_producer *self, const struct cf_kafka_batch *batch)
{
    rd_kafka_error_t *error = rd_kafka_begin_transaction(self->handle);

    if (error)
        return judge(self, error, "beginning a transaction", false);
    for (size_t i = 0; i < batch->n_records; i++) {
        rd_kafka_resp_err_t code = produce_one(self, i);

        if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
            note_error(self, batch->records[i].topic, code, rd_kafka_err2str(code));
            return abort_transaction(self, V_AGAIN);
        }
    }
    return send_offsets_and_commit(self, batch);
}

/* Reads the group's committed offsets into `parts`; stable ones only (read_committed), so a transaction still
 * open at its coordinator is waited for. Tries until it works or the process stops. */
int cf_kafka_producer_committed(struct cf_kafka_producer *self, rd_kafka_topic_partition_list_t *parts,
                                struct cf_err *err)
{
    while (!atomic_load(self->stop)) {
        rd_kafka_resp_err_t code = rd_kafka_committed(self->consumer, parts, CF_KAFKA_CALL_MS);

        for (int i = 0; i < parts->cnt && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
            code = parts->elems[i].err;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            return 0;
        note_error(self, "reading committed offsets", code, rd_kafka_err2str(code));
        pause_ms(100);
    }
    return cf_err_set(err, CF_ERR_TRANSIENT, "kafka", 0, "stopping");
}

/* After the old producer is fenced, the group's offsets say whether the batch was committed: every batch
 * moves at least one watermark or done set, so its offsets and metadata are never those from before. */
static int was_committed(struct cf_kafka_producer *self, const struct cf_kafka_batch *batch, bool *ret_yes,
                         struct cf_err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)batch->n_offsets);
    int rc;

    for (size_t i = 0; i < batch->n_offsets; i++)
        (void)rd_kafka_topic_partition_list_add(list, batch->offsets[i].topic, batch->offsets[i].partition);
    rc = cf_kafka_producer_committed(self, list, err);
    *ret_yes = rc == 0 && batch->n_offsets > 0;
    for (size_t i = 0; i < batch->n_offsets && *ret_yes; i++) {
        const rd_kafka_topic_partition_t *part = &list->elems[i];
        struct cf_str metadata = {part->metadata, part->metadata_size};

        *ret_yes =
            part->offset == batch->offsets[i].offset && cf_str_is(metadata, batch->offsets[i].metadata);
    }
    rd_kafka_topic_partition_list_destroy(list);
    return rc;
}

/* Two workers with one transactional.id fence each other for ever; that is for an operator to end. */
static int count_fencing(struct cf_kafka_producer *self, struct cf_err *err)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    if (self->fenced == 0 || now.tv_sec - self->first_fenced.tv_sec > FENCED_WINDOW_S) {
        self->first_fenced = now;
        self->fenced = 0;
    }
    if (++self->fenced < FENCED_LIMIT)
        return 0;
    return cf_err_set(
        err, CF_ERR_CONFIG, "kafka", 0,
        "the producer was lost %u times within %d s: is another worker running with instance name %s?",
        self->fenced, FENCED_WINDOW_S, self->opts->transactional_id);
}

static int commit_batch(struct cf_kafka_producer *self, const struct cf_kafka_batch *batch,
                        struct cf_err *err)
{
    long wait_ms = 20;

    while (!atomic_load(self->stop)) {
        enum verdict verdict = try_batch(self, batch);
        bool yes = false;

        cf_kafka_producer_serve(self);
        if (verdict == V_COMMITTED)
            return 0;
        if (verdict == V_REVOKED)
            return cf_err_set(err, CF_ERR_TRANSIENT, "kafka", 0,
                              "the group has given the partitions to others");
        if (verdict == V_REMAKE || verdict == V_UNKNOWN) {
            cf_kafka_producer_drop(self);
            if (count_fencing(self, err) < 0 || cf_kafka_producer_start(self, err) < 0)
                return -1;
            if (verdict == V_UNKNOWN && was_committed(self, batch, &yes, err) < 0)
                return -1;
            if (yes)
                return 0;
        }
        pause_ms(wait_ms);
        wait_ms = wait_ms < 1000 ? wait_ms * 2 : 2000;
    }
    return cf_err_set(err, CF_ERR_TRANSIENT, "kafka", 0, "stopping");
}

int cf_kafka_producer_commit(struct cf_kafka_producer *self, const struct cf_kafka_batch *batch,
                             struct cf_err *err)
{
    int rc;

    self->batch = batch;
    self->shrunk = cf_calloc(batch->n_records + 1, 1);
    rc = commit_batch(self, batch, err);
    free(self->shrunk);
    self->shrunk = NULL;
    self->batch = NULL;
    return rc;
}

int cf_kafka_producer_check(const struct cf_kafka_opts *opts, struct cf_err *err)
{
    rd_kafka_conf_t *conf = producer_conf(opts, err);

    if (!conf)
        return -1;
    rd_kafka_conf_destroy(conf);
    return 0;
}
