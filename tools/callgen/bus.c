/* SPDX-License-Identifier: Apache-2.0 */
#include "bus.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock/clock.h"
#include "str/str.h"

#define START_TIMEOUT_MS 30000
#define BURST 1000 /* results per cg_bus_read(), so that timers get their turn */
#define MAX_TOPIC 256

static const char *const result_topics[CG_RESULT_TOPICS] = {"call-queued", "call-routed", "call-updated"};

struct cg_bus {
    rd_kafka_t *producer, *consumer;
    const char *topic_prefix;
    char error[512]; /* empty: all is well */
};

static void fail(struct cg_bus *bus, const char *what, const char *why)
{
    if (bus->error[0] == '\0') {
        (void)snprintf(bus->error, sizeof bus->error, "%s: %s", what, why);
    }
}

static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
    (void)producer;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        fail(opaque, "an event was not written", rd_kafka_err2str(message->err));
    }
}

struct property {
    const char *name, *value;
};

static rd_kafka_t *new_client(rd_kafka_type_t type, const char *brokers, const struct property *properties,
                              struct cg_bus *bus)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char text[256];
    rd_kafka_t *client;

    rd_kafka_conf_set_opaque(conf, bus);
    if (type == RD_KAFKA_PRODUCER) {
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    }
    if (rd_kafka_conf_set(conf, "bootstrap.servers", brokers, text, sizeof text) != RD_KAFKA_CONF_OK) {
        fail(bus, "brokers", text);
    }
    for (; properties->name != NULL; properties++) {
        if (rd_kafka_conf_set(conf, properties->name, properties->value, text, sizeof text) !=
            RD_KAFKA_CONF_OK) {
            fail(bus, properties->name, text);
        }
    }
    client = rd_kafka_new(type, conf, text, sizeof text);
    if (client == NULL) {
        fail(bus, "client", text);
        rd_kafka_conf_destroy(conf);
    }
    return client;
}

/* As Java clients place keys, so that every producer of a call's events uses the same partition number. */
static const struct property producer_properties[] = {
    {"client.id", "callgen"}, {"partitioner", "murmur2_random"}, {"enable.idempotence", "true"},
    {"linger.ms", "1"},       {"message.timeout.ms", "60000"},   {NULL, NULL},
};
static const struct property consumer_properties[] = {
    {"client.id", "callgen"},
    {"group.id", "callgen"}, /* librdkafka asks for one; nothing is joined or committed */
    {"enable.auto.commit", "false"},
    {"isolation.level", "read_committed"},
    {"fetch.wait.max.ms", "10"},
    {"queued.min.messages", "1000000"}, /* below that librdkafka 2.0 may pause fetching for a second */
    {NULL, NULL},
};

/* Adds all partitions of a topic from their ends. */
static int add_partitions(struct cg_bus *bus, const char *name, rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(bus->consumer, name, NULL);
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t err = rd_kafka_metadata(bus->consumer, 0, topic, &metadata, START_TIMEOUT_MS);

    if (err == RD_KAFKA_RESP_ERR_NO_ERROR && metadata->topic_cnt == 1) {
        err = metadata->topics[0].err;
    }
    for (int i = 0; err == RD_KAFKA_RESP_ERR_NO_ERROR && i < metadata->topics[0].partition_cnt; i++) {
        int64_t low, high;
        int32_t id = metadata->topics[0].partitions[i].id;

        err = rd_kafka_query_watermark_offsets(bus->consumer, name, id, &low, &high, START_TIMEOUT_MS);
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_topic_partition_list_add(list, name, id)->offset = high;
        }
    }
    if (metadata != NULL) {
        rd_kafka_metadata_destroy(metadata);
    }
    rd_kafka_topic_destroy(topic);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        fail(bus, name, rd_kafka_err2str(err));
        return -1;
    }
    return 0;
}

static int start_reading(struct cg_bus *bus)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
    rd_kafka_resp_err_t err;
    int failed = 0;
    char name[MAX_TOPIC];

    for (size_t i = 0; i < CG_RESULT_TOPICS && failed == 0; i++) {
        (void)snprintf(name, sizeof name, "%s%s", bus->topic_prefix, result_topics[i]);
        failed = add_partitions(bus, name, list);
    }
    if (failed == 0) {
        err = rd_kafka_assign(bus->consumer, list);
        if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            fail(bus, "assign", rd_kafka_err2str(err));
            failed = -1;
        }
    }
    rd_kafka_topic_partition_list_destroy(list);
    return failed;
}

/* Without this the first event to each topic could lie in the producer for up to a second (librdkafka
 * before 2.10.1). */
static void learn_input_topics(struct cg_bus *bus)
{
    static const char *const names[] = {"call-started", "agent-state", "call-ended"};
    const struct rd_kafka_metadata *metadata;
    char name[MAX_TOPIC];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        rd_kafka_topic_t *topic;

        (void)snprintf(name, sizeof name, "%s%s", bus->topic_prefix, names[i]);
        topic = rd_kafka_topic_new(bus->producer, name, NULL);
        if (rd_kafka_metadata(bus->producer, 0, topic, &metadata, START_TIMEOUT_MS) ==
            RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_metadata_destroy(metadata);
        }
        rd_kafka_topic_destroy(topic);
    }
}

struct cg_bus *cg_bus_new(const char *brokers, const char *topic_prefix, struct cf_err *err)
{
    struct cg_bus *bus = cf_calloc(1, sizeof *bus);

    bus->topic_prefix = topic_prefix;
    bus->producer = new_client(RD_KAFKA_PRODUCER, brokers, producer_properties, bus);
    bus->consumer = new_client(RD_KAFKA_CONSUMER, brokers, consumer_properties, bus);
    if (bus->error[0] == '\0') {
        (void)rd_kafka_poll_set_consumer(bus->consumer);
        (void)start_reading(bus);
        learn_input_topics(bus);
    }
    if (bus->error[0] != '\0') {
        (void)cf_err_set(err, CF_ERR_FATAL, "kafka", 0, "%.150s", bus->error);
        cg_bus_free(bus);
        return NULL;
    }
    return bus;
}

void cg_bus_free(struct cg_bus *bus)
{
    if (bus == NULL) {
        return;
    }
    if (bus->producer != NULL) {
        (void)rd_kafka_flush(bus->producer, 10000);
        rd_kafka_destroy(bus->producer);
    }
    if (bus->consumer != NULL) {
        (void)rd_kafka_consumer_close(bus->consumer);
        rd_kafka_destroy(bus->consumer);
    }
    free(bus);
}

/* The CloudEvent around `data`, which is taken over. NULL when it could not be written. */
static char *envelope(const char *topic, const char *key, const char *id, json_t *data)
{
    char time[CF_CLOCK_TEXT_SIZE];
    json_t *event;
    char *text;

    cf_clock_format(cf_clock_wall_ms(), time);
    event = json_pack("{s:s, s:s, s:s, s:s+, s:s, s:s, s:s, s:o}", "specversion", "1.0", "id", id, "source",
                      "callgen", "type", "callfleet.", topic, "subject", key, "time", time, "datacontenttype",
                      "application/json", "data", data);
    if (event == NULL) {
        return NULL;
    }
    text = json_dumps(event, JSON_COMPACT);
    json_decref(event);
    return text;
}

static rd_kafka_resp_err_t produce(struct cg_bus *bus, const char *name, const char *key, char *value)
{
    /* The fields are not const, but with F_COPY they are only read. */
    const rd_kafka_vu_t fields[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = name},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)key, strlen(key)}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {value, strlen(value)}},
        {.vtype = RD_KAFKA_VTYPE_HEADER, .u.header = {"content-type", "application/cloudevents+json", -1}},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
    };
    rd_kafka_error_t *error = rd_kafka_produceva(bus->producer, fields, sizeof fields / sizeof fields[0]);
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);

    rd_kafka_error_destroy(error);
    return code;
}

int cg_bus_write(struct cg_bus *bus, const char *topic, const char *key, const char *id, json_t *data)
{
    char name[MAX_TOPIC], type[64];
    rd_kafka_resp_err_t err;
    char *value;

    (void)snprintf(name, sizeof name, "%s%s", bus->topic_prefix, topic);
    (void)snprintf(type, sizeof type, "%s.v1", topic);
    value = envelope(type, key, id, data);
    if (value == NULL) {
        fail(bus, topic, "an event holds bytes that are not UTF-8");
        return -1;
    }
    err = produce(bus, name, key, value);
    for (int i = 0; err == RD_KAFKA_RESP_ERR__QUEUE_FULL && i < 600; i++) {
        (void)rd_kafka_poll(bus->producer, 100);
        err = produce(bus, name, key, value);
    }
    free(value);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        fail(bus, topic, rd_kafka_err2str(err));
    }
    (void)rd_kafka_poll(bus->producer, 0);
    return bus->error[0] == '\0' ? 0 : -1;
}

static void hand_over(struct cg_bus *bus, const rd_kafka_message_t *message, cg_result_fn *fn, void *arg)
{
    const char *name = rd_kafka_topic_name(message->rkt) + strlen(bus->topic_prefix);
    json_t *event = message->payload == NULL ? NULL : json_loadb(message->payload, message->len, 0, NULL);
    const char *id = json_string_value(json_object_get(event, "id"));
    json_t *data = json_object_get(event, "data");

    for (size_t i = 0; i < CG_RESULT_TOPICS && id != NULL && json_is_object(data); i++) {
        if (strcmp(name, result_topics[i]) == 0) {
            struct cg_result result = {(enum cg_topic)i, result_topics[i], id, data};

            fn(arg, &result);
        }
    }
    json_decref(event);
}

int cg_bus_read(struct cg_bus *bus, uint64_t wait_ms, cg_result_fn *fn, void *arg)
{
    int timeout_ms = wait_ms > 1000 ? 1000 : (int)wait_ms;
    rd_kafka_message_t *message;
    char text[256];

    (void)rd_kafka_poll(bus->producer, 0);
    for (int i = 0; i < BURST && (message = rd_kafka_consumer_poll(bus->consumer, timeout_ms)) != NULL; i++) {
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            hand_over(bus, message, fn, arg);
        }
        rd_kafka_message_destroy(message);
        timeout_ms = 0;
    }
    if (rd_kafka_fatal_error(bus->producer, text, sizeof text) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        fail(bus, "producer", text);
    }
    return bus->error[0] == '\0' ? 0 : -1;
}

int cg_bus_flush(struct cg_bus *bus, int wait_ms)
{
    if (rd_kafka_flush(bus->producer, wait_ms) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        fail(bus, "flush", "events are not acknowledged in time");
    }
    return bus->error[0] == '\0' ? 0 : -1;
}

const char *cg_bus_error(const struct cg_bus *bus)
{
    return bus->error;
}
