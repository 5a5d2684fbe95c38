/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare-loop: the floor that the stages are measured against. Consumes one topic and produces every record to
 * another, with a transaction every 100 ms, in one thread, with the same librdkafka settings as the runtime
 * and nothing else.
 *
 *     bare-loop BROKERS GROUP IN OUT COUNT
 * Ends after COUNT records; prints them and its CPU time.
 */
#include <librdkafka/rdkafka.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define COMMIT_MS 100U

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char why[200];

    if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) != RD_KAFKA_CONF_OK) {
        (void)fprintf(stderr, "%s: %s\n", name, why);
        exit(EXIT_FAILURE);
    }
}

static rd_kafka_t *make(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
    char why[200];
    rd_kafka_t *client = rd_kafka_new(type, conf, why, sizeof(why));

    if (!client) {
        (void)fprintf(stderr, "%s\n", why);
        exit(EXIT_FAILURE);
    }
    return client;
}

static rd_kafka_t *make_consumer(const char *brokers, const char *group, const char *topic)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *consumer;

    set(conf, "bootstrap.servers", brokers);
    set(conf, "group.id", group);
    set(conf, "auto.offset.reset", "earliest");
    set(conf, "enable.auto.commit", "false");
    set(conf, "queued.min.messages", "100000");
    set(conf, "queued.max.messages.kbytes", "65536");
    consumer = make(RD_KAFKA_CONSUMER, conf);
    (void)rd_kafka_poll_set_consumer(consumer);
    (void)rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA);
    (void)rd_kafka_subscribe(consumer, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    return consumer;
}

static rd_kafka_t *make_producer(const char *brokers, const char *group)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *producer;

    set(conf, "bootstrap.servers", brokers);
    set(conf, "transactional.id", group);
    set(conf, "partitioner", "murmur2_random");
    set(conf, "queue.buffering.max.messages", "1000000");
    producer = make(RD_KAFKA_PRODUCER, conf);
    rd_kafka_error_destroy(rd_kafka_init_transactions(producer, 30000));
    return producer;
}

static uint64_t now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000U + (uint64_t)ts.tv_nsec / 1000000U;
}

static void commit(rd_kafka_t *consumer, rd_kafka_t *producer)
{
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata(consumer);
    rd_kafka_topic_partition_list_t *parts = NULL;

    (void)rd_kafka_assignment(consumer, &parts);
    (void)rd_kafka_position(consumer, parts);
    rd_kafka_error_destroy(rd_kafka_send_offsets_to_transaction(producer, parts, group, 30000));
    rd_kafka_error_destroy(rd_kafka_commit_transaction(producer, 30000));
    rd_kafka_topic_partition_list_destroy(parts);
    rd_kafka_consumer_group_metadata_destroy(group);
}

static void pass_on(rd_kafka_t *consumer, rd_kafka_t *producer, rd_kafka_topic_t *out, uint64_t count)
{
    uint64_t done = 0, committed_ms = now_ms();

    rd_kafka_error_destroy(rd_kafka_begin_transaction(producer));
    while (done < count) {
        rd_kafka_message_t *msg = rd_kafka_consumer_poll(consumer, 10);

        if (msg && !msg->err) {
            (void)rd_kafka_produce(out, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY | RD_KAFKA_MSG_F_BLOCK,
                                   msg->payload, msg->len, msg->key, msg->key_len, NULL);
            done++;
        }
        if (msg)
            rd_kafka_message_destroy(msg);
        if (done == count || now_ms() - committed_ms >= COMMIT_MS) {
            commit(consumer, producer);
            committed_ms = now_ms();
            if (done < count)
                rd_kafka_error_destroy(rd_kafka_begin_transaction(producer));
        }
    }
}

int main(int argc, char **argv)
{
    rd_kafka_t *consumer, *producer;
    rd_kafka_topic_t *out;
    struct rusage usage;

    if (argc != 6) {
        (void)fprintf(stderr, "usage: bare-loop BROKERS GROUP IN OUT COUNT\n");
        return EXIT_FAILURE;
    }
    consumer = make_consumer(argv[1], argv[2], argv[3]);
    producer = make_producer(argv[1], argv[2]);
    out = rd_kafka_topic_new(producer, argv[4], NULL);
    pass_on(consumer, producer, out, strtoull(argv[5], NULL, 10));
    (void)getrusage(RUSAGE_SELF, &usage);
    (void)printf("{\"records\":%s,\"cpuSeconds\":%.3f}\n", argv[5],
                 (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 +
                     (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6);
    rd_kafka_topic_destroy(out);
    (void)rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    rd_kafka_destroy(producer);
    return EXIT_SUCCESS;
}
