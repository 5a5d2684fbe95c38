/* SPDX-License-Identifier: Apache-2.0 */
#include "recorded/source.h"

#include <errno.h>
#include <jansson.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define TIMEOUT_MS 10000
#define IDLE_MS 250
#define IDLE_ENTRIES 1000

static bool wanted(const struct source_opts *opts, const char *topic)
{
    for (const char *const *name = opts->topics; *name; name++) {
        if (strcmp(*name, topic) == 0)
            return true;
    }
    return false;
}

static const char *without_prefix(const struct source_opts *opts, const char *topic)
{
    size_t n = opts->topic_prefix ? strlen(opts->topic_prefix) : 0;

    return n > 0 && strncmp(topic, opts->topic_prefix, n) == 0 ? topic + n : topic;
}

/* ---- files of kcat -J: {"topic","partition","offset","ts","key","payload"} a line ---- */

static struct cf_str text_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return (struct cf_str){json_string_value(value), json_string_length(value)};
}

static int read_line(const struct source_opts *opts, const char *line, entry_fn *fn, void *arg)
{
    json_t *object = json_loads(line, JSON_ALLOW_NUL, NULL);
    const char *topic = json_string_value(json_object_get(object, "topic"));
    struct entry entry;
    int rc = 0;

    if (topic && wanted(opts, without_prefix(opts, topic))) {
        entry = (struct entry){
            .topic = without_prefix(opts, topic),
            .partition = (int32_t)json_integer_value(json_object_get(object, "partition")),
            .offset = json_integer_value(json_object_get(object, "offset")),
            .timestamp_ms = json_integer_value(json_object_get(object, "ts")),
            .key = text_of(object, "key"),
            .value = text_of(object, "payload"),
        };
        rc = fn(arg, &entry);
    }
    if (!object)
        rc = 1;
    json_decref(object);
    return rc;
}

static int read_file(const struct source_opts *opts, const char *path, entry_fn *fn, void *arg,
                     struct cf_err *err)
{
    FILE *file = fopen(path, "re");
    size_t size = 0, number = 0;
    char *line = NULL;
    int rc = 0;

    if (!file)
        return cf_err_set(err, CF_ERR_CONFIG, "replay", errno, "cannot read %.150s", path);
    while (rc == 0 && getline(&line, &size, file) > 0) {
        number++;
        if (line[0] == '{')
            rc = read_line(opts, line, fn, arg);
    }
    free(line);
    (void)fclose(file);
    if (rc != 0)
        return cf_err_set(err, CF_ERR_REJECTED, "replay", 0, "%.120s:%zu: not a line of kcat -J, or refused",
                          path, number);
    return 0;
}

/* ---- a broker ---- */

/* `empty`: partitions without records too. */
static int add_parts(rd_kafka_t *consumer, const char *topic, bool empty,
                     rd_kafka_topic_partition_list_t *parts, struct cf_err *err)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(consumer, topic, NULL);
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(consumer, 0, handle, &metadata, TIMEOUT_MS);

    rd_kafka_topic_destroy(handle);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return cf_err_set(err, CF_ERR_TRANSIENT, "kafka", (int)code, "no answer from the brokers: %s",
                          rd_kafka_err2str(code));
    for (int i = 0; metadata->topic_cnt == 1 && code == RD_KAFKA_RESP_ERR_NO_ERROR &&
                    i < metadata->topics[0].partition_cnt;
         i++) {
        int32_t id = metadata->topics[0].partitions[i].id;
        int64_t low = RD_KAFKA_OFFSET_BEGINNING, high = 0;

        if (!empty)
            code = rd_kafka_query_watermark_offsets(consumer, topic, id, &low, &high, TIMEOUT_MS);
        if (empty || low < high)
            rd_kafka_topic_partition_list_add(parts, topic, id)->offset = low;
    }
    rd_kafka_metadata_destroy(metadata);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return cf_err_set(err, CF_ERR_TRANSIENT, "kafka", (int)code, "the ends of a topic are not known: %s",
                          rd_kafka_err2str(code));
    return 0;
}

static rd_kafka_t *make_consumer(const char *brokers, struct cf_err *err)
{
    static const char *const settings[][2] = {
        {"group.id", "callfleet-replay"}, /* required by the library; never joined, nothing is committed */
        {"enable.auto.commit", "false"},       {"enable.partition.eof", "true"},
        {"isolation.level", "read_committed"}, {"auto.offset.reset", "earliest"},
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *consumer;
    char why[160];

    (void)rd_kafka_conf_set(conf, "bootstrap.servers", brokers, why, sizeof(why));
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        (void)rd_kafka_conf_set(conf, settings[i][0], settings[i][1], why, sizeof(why));
    consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
    if (!consumer) {
        rd_kafka_conf_destroy(conf);
        (void)cf_err_set(err, CF_ERR_CONFIG, "kafka", 0, "%s", why);
    }
    return consumer;
}

static int give(const struct source_opts *opts, const rd_kafka_message_t *msg, entry_fn *fn, void *arg)
{
    struct entry entry = {
        .topic = without_prefix(opts, rd_kafka_topic_name(msg->rkt)),
        .partition = msg->partition,
        .offset = msg->offset,
        .timestamp_ms = rd_kafka_message_timestamp(msg, NULL),
        .key = {msg->key, msg->key_len},
        .value = {msg->payload, msg->len},
    };

    return fn(arg, &entry);
}

/* Reads until every part has reported its end. */
static int drain(const struct source_opts *opts, rd_kafka_t *consumer, int open, entry_fn *fn, void *arg,
                 struct cf_err *err)
{
    int rc = 0;

    while (open > 0 && rc == 0) {
        rd_kafka_message_t *msg = rd_kafka_consumer_poll(consumer, TIMEOUT_MS);

        if (!msg)
            return cf_err_set(err, CF_ERR_TRANSIENT, "kafka", 0,
                              "the brokers went silent before the end of a topic");
        if (msg->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            open--;
        else if (msg->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            rc = give(opts, msg, fn, arg);
        rd_kafka_message_destroy(msg);
    }
    return rc == 0 ? 0 : cf_err_set(err, CF_ERR_REJECTED, "replay", 0, "a record was refused");
}

/* Reads until told to stop. */
static int follow(const struct source_opts *opts, rd_kafka_t *consumer, entry_fn *fn, idle_fn *idle,
                  void *arg, const volatile sig_atomic_t *stop)
{
    size_t since = 0;
    int rc = 0;

    while (!*stop && rc == 0) {
        rd_kafka_message_t *msg = rd_kafka_consumer_poll(consumer, IDLE_MS);

        if (msg && msg->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            rc = give(opts, msg, fn, arg);
        if (!msg || ++since >= IDLE_ENTRIES) {
            idle(arg);
            since = 0;
        }
        if (msg)
            rd_kafka_message_destroy(msg);
    }
    return rc;
}

/* A consumer at the beginning of all partitions; how many in `ret_parts`. */
static rd_kafka_t *open_broker(const struct source_opts *opts, bool empty, int *ret_parts, struct cf_err *err)
{
    rd_kafka_t *consumer = make_consumer(opts->brokers, err);
    rd_kafka_topic_partition_list_t *parts;
    int rc = 0;

    if (!consumer)
        return NULL;
    (void)rd_kafka_poll_set_consumer(consumer);
    parts = rd_kafka_topic_partition_list_new(16);
    for (const char *const *topic = opts->topics; *topic && rc == 0; topic++) {
        char full[512];

        (void)snprintf(full, sizeof(full), "%s%s", opts->topic_prefix ? opts->topic_prefix : "", *topic);
        rc = add_parts(consumer, full, empty, parts, err);
    }
    *ret_parts = parts->cnt;
    if (rc == 0 && parts->cnt > 0)
        (void)rd_kafka_assign(consumer, parts);
    rd_kafka_topic_partition_list_destroy(parts);
    if (rc == 0)
        return consumer;
    rd_kafka_destroy(consumer);
    return NULL;
}

static void close_broker(rd_kafka_t *consumer)
{
    (void)rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
}

static int read_broker(const struct source_opts *opts, entry_fn *fn, void *arg, struct cf_err *err)
{
    int n_parts, rc = 0;
    rd_kafka_t *consumer = open_broker(opts, false, &n_parts, err);

    if (!consumer)
        return -1;
    if (n_parts > 0)
        rc = drain(opts, consumer, n_parts, fn, arg, err);
    close_broker(consumer);
    return rc;
}

int source_follow(const struct source_opts *opts, entry_fn *fn, idle_fn *idle, void *arg,
                  const volatile sig_atomic_t *stop, struct cf_err *err)
{
    int n_parts, rc;
    rd_kafka_t *consumer = open_broker(opts, true, &n_parts, err);

    if (!consumer)
        return -1;
    if (n_parts == 0) {
        close_broker(consumer);
        return cf_err_set(err, CF_ERR_CONFIG, "kafka", 0, "the topics do not exist");
    }
    rc = follow(opts, consumer, fn, idle, arg, stop);
    close_broker(consumer);
    return rc == 0 ? 0 : cf_err_set(err, CF_ERR_REJECTED, "recorded", 0, "a record was refused");
}

int source_read(const struct source_opts *opts, entry_fn *fn, void *arg, struct cf_err *err)
{
    if (opts->brokers)
        return read_broker(opts, fn, arg, err);
    for (char *const *file = opts->files; *file; file++) {
        if (read_file(opts, *file, fn, arg, err) < 0)
            return -1;
    }
    return 0;
}
