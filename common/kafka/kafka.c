/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The consumer, on the loop. Rebalance and error events come by the consumer's queue; each assigned part has
 * its own message queue, which is read only as fast as its owner wants: that is the back-pressure, without
 * pausing (which would throw fetched messages away) and without one part holding another.
 */
#include "kafka/kafka.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "kafka/kafka_priv.h"
#include "log/log.h"
#include "loop/loop.h"

/* The consumer must be polled now and then even when nothing happens (max.poll.interval.ms). */
#define POLL_MS 1000
#define CLOSE_POLL_MS 50

struct part {
    char *topic;
    int32_t partition;
    rd_kafka_queue_t *queue;
    rd_kafka_topic_partition_list_t *position; /* one element, reused by cf_kafka_position() */
};

struct cf_kafka {
    struct cf_loop *loop;
    struct cf_kafka_events events;
    void *arg;
    rd_kafka_t *consumer;
    rd_kafka_queue_t *queue; /* rebalances, errors, logs */
    int event_fd, part_fd;   /* librdkafka writes them when a queue stops being empty */
    struct cf_fd *event_watch, *part_watch;
    struct cf_timer *timer;
    struct cf_wake *wake;
    struct cf_kafka_txn *txn;
    struct part *parts;
    size_t n_parts;
    bool started;        /* the producer is ready */
    bool assigning;      /* an assignment waits for committed offsets */
    bool revoke_waiting; /* ... and was revoked meanwhile */
    bool closing, closed_reported;
    rd_kafka_topic_partition_list_t *early; /* an assignment that came before the producer was ready */
};

/* ---- rebalances ---- */

static void report_assigned(struct cf_kafka *kafka, const rd_kafka_topic_partition_list_t *list)
{
    struct cf_kafka_committed *parts = cf_calloc((size_t)list->cnt, sizeof(*parts));

    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *elem = &list->elems[i];

        parts[i] = (struct cf_kafka_committed){
            .topic = elem->topic,
            .partition = elem->partition,
            .offset = elem->offset >= 0 ? elem->offset : -1,
            .metadata = {elem->metadata, elem->metadata_size},
        };
    }
    kafka->events.assigned(kafka->arg, parts, (size_t)list->cnt);
    free(parts);
}

static void begin_assign(struct cf_kafka *kafka, const rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_topic_partition_list_t *copy = rd_kafka_topic_partition_list_copy(list);

    kafka->assigning = true;
    if (kafka->started)
        cf_kafka_txn_offsets(kafka->txn, copy);
    else
        kafka->early = copy;
}

static void on_rebalance(struct cf_kafka *kafka, rd_kafka_event_t *event)
{
    bool lost;

    if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && !kafka->closing) {
        begin_assign(kafka, rd_kafka_event_topic_partition_list(event));
        return;
    }
    lost = rd_kafka_assignment_lost(kafka->consumer) != 0;
    if (kafka->assigning) {
        /* Never told to the owner: nothing to drain. */
        kafka->revoke_waiting = !kafka->early;
        if (kafka->early)
            rd_kafka_topic_partition_list_destroy(kafka->early);
        kafka->early = NULL;
        kafka->assigning = kafka->revoke_waiting;
        if (!kafka->revoke_waiting)
            cf_kafka_unassign(kafka);
        return;
    }
    kafka->events.revoking(kafka->arg, lost);
}

static void note(void *arg, const struct cf_err *err)
{
    struct cf_kafka *kafka = arg;

    kafka->events.failed(kafka->arg, err);
}

static void on_error(struct cf_kafka *kafka, rd_kafka_event_t *event)
{
    struct cf_err err = {0};
    char why[160];

    switch ((int)rd_kafka_event_error(event)) {
    case RD_KAFKA_RESP_ERR__FATAL:
        (void)cf_err_set(&err, CF_ERR_FATAL, "kafka",
                         (int)rd_kafka_fatal_error(kafka->consumer, why, sizeof(why)),
                         "the consumer cannot go on: %s", why);
        note(kafka, &err);
        break;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
        (void)cf_err_set(
            &err, CF_ERR_CONFIG, "kafka", 0,
            "a committed offset is no longer in the topic (retention passed it): %.100s. Decide what to skip "
            "with kafka-consumer-groups --reset-offsets",
            rd_kafka_event_error_string(event));
        note(kafka, &err);
        break;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
        (void)cf_err_set(&err, CF_ERR_CONFIG, "kafka", (int)rd_kafka_event_error(event), "%s",
                         rd_kafka_event_error_string(event));
        note(kafka, &err);
        break;
    default:
        cf_kafka_note_event(event, note, kafka);
    }
}

static void on_event(struct cf_kafka *kafka, rd_kafka_event_t *event)
{
    struct cf_err err = {0};

    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_REBALANCE:
        on_rebalance(kafka, event);
        break;
    case RD_KAFKA_EVENT_ERROR:
        on_error(kafka, event);
        break;
    case RD_KAFKA_EVENT_LOG:
        cf_kafka_note_event(event, note, kafka);
        break;
    case RD_KAFKA_EVENT_FETCH:
        /* Would be lost here: every part has its own queue before it is assigned. */
        (void)cf_err_set(&err, CF_ERR_FATAL, "kafka", 0, "a message came outside its partition's queue");
        note(kafka, &err);
        break;
    default:
        break;
    }
}

static void check_closed(struct cf_kafka *kafka)
{
    if (kafka->closing && !kafka->closed_reported && rd_kafka_consumer_closed(kafka->consumer)) {
        kafka->closed_reported = true;
        kafka->events.closed(kafka->arg);
    }
}

/* Drains to empty: the descriptor is written again only when the queue was empty. */
static void serve_consumer(void *arg)
{
    struct cf_kafka *kafka = arg;
    rd_kafka_event_t *event;

    while (!kafka->closed_reported && (event = rd_kafka_queue_poll(kafka->queue, 0)) != NULL) {
        on_event(kafka, event);
        rd_kafka_event_destroy(event);
    }
    check_closed(kafka);
}

static void clear_eventfd(int fd)
{
    uint64_t count;

    while (read(fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
        continue;
}

static void on_event_fd(void *arg, int events)
{
    struct cf_kafka *kafka = arg;

    (void)events;
    clear_eventfd(kafka->event_fd);
    serve_consumer(kafka);
}

static void on_part_fd(void *arg, int events)
{
    struct cf_kafka *kafka = arg;

    (void)events;
    clear_eventfd(kafka->part_fd);
    if (kafka->n_parts > 0)
        kafka->events.readable(kafka->arg);
}

/* ---- results of the helper thread ---- */

static void on_offsets(struct cf_kafka *kafka, const struct cf_kafka_txn_result *result)
{
    kafka->assigning = false;
    if (kafka->revoke_waiting || result->failed) {
        kafka->revoke_waiting = false;
        cf_kafka_unassign(kafka);
    } else {
        report_assigned(kafka, result->offsets);
    }
    rd_kafka_topic_partition_list_destroy(result->offsets);
}

static void on_started(struct cf_kafka *kafka, const struct cf_kafka_txn_result *result)
{
    if (result->failed) {
        note(kafka, &result->err);
        return;
    }
    kafka->started = true;
    if (kafka->early)
        cf_kafka_txn_offsets(kafka->txn, kafka->early);
    kafka->early = NULL;
}

static void on_wake(void *arg)
{
    struct cf_kafka *kafka = arg;
    struct cf_kafka_txn_result result;

    while (cf_kafka_txn_poll(kafka->txn, &result)) {
        switch (result.kind) {
        case CF_TXN_STARTED:
            on_started(kafka, &result);
            break;
        case CF_TXN_OFFSETS:
            on_offsets(kafka, &result);
            break;
        case CF_TXN_COMMITTED:
            kafka->events.committed(kafka->arg, result.failed ? &result.err : NULL);
            break;
        case CF_TXN_NOTE:
            note(kafka, &result.err);
            break;
        }
    }
}

static void on_txn_ready(void *arg)
{
    struct cf_kafka *kafka = arg;

    cf_wake_send(kafka->wake);
}

/* ---- life ---- */

static rd_kafka_conf_t *consumer_conf(const struct cf_kafka_opts *opts, struct cf_err *err)
{
    /* range: equal partitions of equal-sized topics go to one member, and 2.0.2's cooperative-sticky loses
     * partitions. auto.offset.reset=error: a missing offset stops the worker, it never jumps; parts without
     * any commit start at the beginning by an explicit assign. queued.min.messages: 2.0.2 sleeps 1 s whenever
     * it is reached. */
    static const struct cf_kafka_prop ours[] = {
        {"partition.assignment.strategy", "range"},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "error"},
        {"isolation.level", "read_committed"},
        {"queued.min.messages", "100000"},
        {"fetch.wait.max.ms", "100"},
        {"topic.metadata.refresh.interval.ms", "30000"},
        {NULL, NULL},
    };
    const struct cf_kafka_conf which = {opts, "consumer.", "producer."};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool ok = true;

    for (const struct cf_kafka_prop *prop = ours; prop->name && ok; prop++)
        ok = cf_kafka_conf_set(conf, prop->name, prop->value, err) == 0;
    ok = ok && cf_kafka_conf_set(conf, "group.id", opts->group, err) == 0 &&
         cf_kafka_conf_set_ms(conf, "session.timeout.ms", opts->session_timeout_ms, err) == 0 &&
         cf_kafka_conf_set_ms(conf, "queued.max.messages.kbytes", opts->fetch_ahead_kib, err) == 0 &&
         cf_kafka_conf_common(conf, &which, err) == 0;
    if (!ok) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
    return conf;
}

static int subscribe(struct cf_kafka *kafka, const char *const *topics, struct cf_err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(4);
    rd_kafka_resp_err_t code;

    for (; *topics; topics++)
        (void)rd_kafka_topic_partition_list_add(list, *topics, RD_KAFKA_PARTITION_UA);
    code = rd_kafka_subscribe(kafka->consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return cf_err_set(err, CF_ERR_CONFIG, "kafka", (int)code, "cannot subscribe: %s",
                          rd_kafka_err2str(code));
    return 0;
}

static int start_consumer(struct cf_kafka *kafka, const struct cf_kafka_opts *opts, struct cf_err *err)
{
    rd_kafka_conf_t *conf = consumer_conf(opts, err);
    char why[160];

    if (!conf)
        return -1;
    kafka->consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
    if (!kafka->consumer) {
        rd_kafka_conf_destroy(conf);
        return cf_err_set(err, CF_ERR_CONFIG, "kafka", 0, "the consumer cannot start: %s", why);
    }
    (void)rd_kafka_poll_set_consumer(kafka->consumer);
    kafka->queue = rd_kafka_queue_get_consumer(kafka->consumer);
    (void)rd_kafka_set_log_queue(kafka->consumer, kafka->queue);
    rd_kafka_queue_io_event_enable(kafka->queue, kafka->event_fd, &(uint64_t){1}, sizeof(uint64_t));
    return subscribe(kafka, opts->topics, err);
}

struct cf_kafka *cf_kafka_new(struct cf_loop *loop, const struct cf_kafka_opts *opts,
                              const struct cf_kafka_events *events, void *arg, struct cf_err *err)
{
    const struct cf_kafka_txn_events txn_events = {.ready = on_txn_ready};
    struct cf_kafka *kafka = cf_calloc(1, sizeof(*kafka));

    kafka->loop = loop;
    kafka->events = *events;
    kafka->arg = arg;
    kafka->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    kafka->part_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    kafka->event_watch = cf_fd_add(loop, kafka->event_fd, CF_LOOP_READ, on_event_fd, kafka);
    kafka->part_watch = cf_fd_add(loop, kafka->part_fd, CF_LOOP_READ, on_part_fd, kafka);
    kafka->timer = cf_timer_new(loop, serve_consumer, kafka);
    kafka->wake = cf_wake_new(loop, on_wake, kafka);
    if (start_consumer(kafka, opts, err) == 0)
        kafka->txn = cf_kafka_txn_new(opts, kafka->consumer, &txn_events, kafka, err);
    if (!kafka->txn) {
        (void)cf_kafka_free(kafka, 0);
        return NULL;
    }
    cf_timer_start(kafka->timer, POLL_MS, POLL_MS);
    return kafka;
}

static void open_part(struct cf_kafka *kafka, struct part *part, const struct cf_kafka_start *start)
{
    part->topic = cf_strdup(start->topic);
    part->partition = start->partition;
    part->position = rd_kafka_topic_partition_list_new(1);
    (void)rd_kafka_topic_partition_list_add(part->position, start->topic, start->partition);
    part->queue = rd_kafka_queue_get_partition(kafka->consumer, start->topic, start->partition);
    assert(part->queue);
    rd_kafka_queue_forward(part->queue, NULL);
    rd_kafka_queue_io_event_enable(part->queue, kafka->part_fd, &(uint64_t){1}, sizeof(uint64_t));
}

static void close_parts(struct cf_kafka *kafka)
{
    for (size_t i = 0; i < kafka->n_parts; i++) {
        struct part *part = &kafka->parts[i];

        rd_kafka_queue_io_event_enable(part->queue, -1, NULL, 0);
        rd_kafka_queue_destroy(part->queue);
        rd_kafka_topic_partition_list_destroy(part->position);
        free(part->topic);
    }
    free(kafka->parts);
    kafka->parts = NULL;
    kafka->n_parts = 0;
}

void cf_kafka_assign(struct cf_kafka *kafka, const struct cf_kafka_start *starts, size_t n)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
    rd_kafka_resp_err_t code;
    struct cf_err err = {0};

    assert(kafka->n_parts == 0);
    kafka->parts = cf_calloc(n, sizeof(*kafka->parts));
    kafka->n_parts = n;
    for (size_t i = 0; i < n; i++) {
        open_part(kafka, &kafka->parts[i], &starts[i]);
        rd_kafka_topic_partition_list_add(list, starts[i].topic, starts[i].partition)->offset =
            starts[i].offset >= 0 ? starts[i].offset : RD_KAFKA_OFFSET_BEGINNING;
    }
    code = rd_kafka_assign(kafka->consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        (void)cf_err_set(&err, CF_ERR_FATAL, "kafka", (int)code, "cannot assign: %s", rd_kafka_err2str(code));
        note(kafka, &err);
    }
}

void cf_kafka_unassign(struct cf_kafka *kafka)
{
    close_parts(kafka);
    (void)rd_kafka_assign(kafka->consumer, NULL);
}

struct cf_kafka_msg *cf_kafka_take(struct cf_kafka *kafka, size_t part)
{
    rd_kafka_message_t *msg;

    /* Not consume_batch: 2.0.2 skips offsets there around a rebalance. */
    while ((msg = rd_kafka_consume_queue(kafka->parts[part].queue, 0)) != NULL) {
        struct cf_err err = {0};

        if (msg->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            return (struct cf_kafka_msg *)msg;
        (void)cf_err_set(&err,
                         msg->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ? CF_ERR_CONFIG : CF_ERR_TRANSIENT,
                         "kafka", (int)msg->err, "%s [%d]: %s", kafka->parts[part].topic,
                         kafka->parts[part].partition, rd_kafka_message_errstr(msg));
        rd_kafka_message_destroy(msg);
        note(kafka, &err);
    }
    return NULL;
}

int64_t cf_kafka_position(struct cf_kafka *kafka, size_t part)
{
    rd_kafka_topic_partition_list_t *list = kafka->parts[part].position;

    if (rd_kafka_position(kafka->consumer, list) != RD_KAFKA_RESP_ERR_NO_ERROR || list->elems[0].err)
        return -1;
    return list->elems[0].offset >= 0 ? list->elems[0].offset : -1;
}

int64_t cf_kafka_lag(struct cf_kafka *kafka, size_t part)
{
    int64_t low = -1, high = -1, position = cf_kafka_position(kafka, part);

    if (rd_kafka_get_watermark_offsets(kafka->consumer, kafka->parts[part].topic,
                                       kafka->parts[part].partition, &low,
                                       &high) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        high < 0)
        return -1;
    if (position < 0)
        position = low >= 0 ? low : 0;
    return high > position ? high - position : 0;
}

/* ---- messages ---- */

void cf_kafka_msg_view(const struct cf_kafka_msg *msg, struct cf_kafka_view *ret_view)
{
    const rd_kafka_message_t *message = (const rd_kafka_message_t *)msg;
    rd_kafka_timestamp_type_t type;

    *ret_view = (struct cf_kafka_view){
        .topic = rd_kafka_topic_name(message->rkt),
        .partition = message->partition,
        .offset = message->offset,
        .timestamp_ms = rd_kafka_message_timestamp(message, &type),
        .key = {message->key, message->key_len},
        .value = {message->payload, message->len},
    };
}

size_t cf_kafka_msg_headers(const struct cf_kafka_msg *msg, struct cf_kafka_header *ret_headers, size_t max)
{
    rd_kafka_headers_t *headers = NULL;
    size_t count, size;
    const void *value;
    const char *name;

    if (rd_kafka_message_headers((const rd_kafka_message_t *)msg, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    count = rd_kafka_header_cnt(headers);
    for (size_t i = 0; i < count && i < max; i++) {
        if (rd_kafka_header_get_all(headers, i, &name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR)
            return i;
        ret_headers[i].name = cf_str_of(name);
        ret_headers[i].value = (struct cf_str){value, size};
    }
    return count;
}

void cf_kafka_msg_free(struct cf_kafka_msg *msg)
{
    if (msg)
        rd_kafka_message_destroy((rd_kafka_message_t *)msg);
}

void cf_kafka_commit(struct cf_kafka *kafka, const struct cf_kafka_batch *batch)
{
    cf_kafka_txn_commit(kafka->txn, batch);
}

void cf_kafka_close(struct cf_kafka *kafka)
{
    rd_kafka_error_t *error;

    assert(kafka->n_parts == 0);
    kafka->closing = true;
    error = rd_kafka_consumer_close_queue(kafka->consumer, kafka->queue);
    if (error)
        rd_kafka_error_destroy(error); /* closing already */
    cf_timer_start(kafka->timer, CLOSE_POLL_MS, CLOSE_POLL_MS);
}

bool cf_kafka_free(struct cf_kafka *kafka, uint32_t wait_ms)
{
    if (!kafka)
        return true;
    if (!cf_kafka_txn_free(kafka->txn, wait_ms))
        return false;
    close_parts(kafka);
    cf_timer_free(kafka->timer);
    cf_fd_del(kafka->event_watch);
    cf_fd_del(kafka->part_watch);
    cf_wake_free(kafka->wake);
    if (kafka->early)
        rd_kafka_topic_partition_list_destroy(kafka->early);
    if (kafka->queue) {
        rd_kafka_queue_io_event_enable(kafka->queue, -1, NULL, 0);
        rd_kafka_queue_destroy(kafka->queue);
    }
    if (kafka->consumer)
        rd_kafka_destroy(kafka->consumer);
    (void)close(kafka->event_fd);
    (void)close(kafka->part_fd);
    free(kafka);
    return true;
}
