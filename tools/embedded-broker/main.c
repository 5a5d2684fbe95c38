/* SPDX-License-Identifier: Apache-2.0 */
/*
 * embedded-broker - librdkafka's mock cluster as a process of its own: the demo's broker, needs no Java.
 *
 * It has the fleet's topics from the start and makes any other topic when a client first asks for it. All
 * data is in memory; a partition keeps at most 5 MiB. What it cannot do: transactions leave no trace (aborted
 * records are visible, offsets sent with a transaction are forgotten), so it proves nothing about
 * exactly-once. A fetch that finds nothing sleeps the whole fetch.wait.max.ms: clients that care set that
 * to 10.
 */
#include <errno.h>
#include <getopt.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PARTITIONS 1000

static const char *const topics[] = {
    "call-started",    "call-queued",    "call-ended",      "agent-state",
    "call-routed",     "call-updated",   "routing-log",     "call-started.dlq",
    "call-queued.dlq", "call-ended.dlq", "agent-state.dlq",
};

struct options {
    const char *port_file; /* may be NULL */
    const char *topic_prefix;
    int partitions;
};

static const char usage_text[] =
    "usage: embedded-broker [--port-file FILE] [--partitions N] [--topic-prefix P]\n"
    "\n"
    "Runs an in-memory Kafka stand-in on a free port of 127.0.0.1, prints its address, ends on SIGTERM.\n"
    "  --port-file FILE   also writes the port number to FILE\n"
    "  --partitions N     partitions of the fleet's topics, 1 to 1000 (4)\n"
    "  --topic-prefix P   put in front of the fleet's topic names\n";

static int parse_partitions(const char *text)
{
    char *end;
    long value;

    errno = 0;
    value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < 1 || value > MAX_PARTITIONS) {
        return -1;
    }
    return (int)value;
}

/* Returns 0, or the exit code plus 1 when the process is to end now. */
static int parse_options(int argc, char **argv, struct options *ret_options)
{
    static const struct option table[] = {
        {"port-file", required_argument, NULL, 'f'},
        {"partitions", required_argument, NULL, 'p'},
        {"topic-prefix", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
        switch (c) {
        case 'f':
            ret_options->port_file = optarg;
            break;
        case 'p':
            ret_options->partitions = parse_partitions(optarg);
            break;
        case 't':
            ret_options->topic_prefix = optarg;
            break;
        case 'h':
            (void)fputs(usage_text, stdout);
            return 1;
        default:
            ret_options->partitions = -1;
        }
    }
    if (ret_options->partitions < 0 || optind < argc) {
        (void)fputs(usage_text, stderr);
        return 64 + 1;
    }
    return 0;
}

/* The file appears under its name only with its content in it. */
static int write_port_file(const char *path, const char *port)
{
    char part[PATH_MAX];
    FILE *file;
    int bad;

    if ((size_t)snprintf(part, sizeof part, "%s.part", path) >= sizeof part) {
        (void)fprintf(stderr, "embedded-broker: the port file's name is too long\n");
        return -1;
    }
    file = fopen(part, "we");
    bad = file == NULL || fprintf(file, "%s\n", port) < 0;
    if (file != NULL) {
        bad |= fclose(file) != 0;
    }
    if (bad || rename(part, path) != 0) {
        (void)fprintf(stderr, "embedded-broker: cannot write %s: %s\n", path, strerror(errno));
        return -1;
    }
    return 0;
}

static int create_topics(rd_kafka_mock_cluster_t *cluster, const struct options *options)
{
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++) {
        rd_kafka_resp_err_t err;
        char name[300];

        if ((size_t)snprintf(name, sizeof name, "%s%s", options->topic_prefix, topics[i]) >= sizeof name) {
            (void)fprintf(stderr, "embedded-broker: the topic prefix is too long\n");
            return -1;
        }
        err = rd_kafka_mock_topic_create(cluster, name, options->partitions, 1);
        if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            (void)fprintf(stderr, "embedded-broker: topic %s: %s\n", name, rd_kafka_err2str(err));
            return -1;
        }
    }
    return 0;
}

static int announce(rd_kafka_mock_cluster_t *cluster, const struct options *options)
{
    const char *address = rd_kafka_mock_cluster_bootstraps(cluster);
    const char *port = strrchr(address, ':');

    if (port == NULL) {
        return -1;
    }
    if (options->port_file != NULL && write_port_file(options->port_file, port + 1) != 0) {
        return -1;
    }
    return printf("%s\n", address) < 0 || fflush(stdout) != 0 ? -1 : 0;
}

/* The cluster hangs on an ordinary client handle, which itself talks to nobody. */
static rd_kafka_t *new_handle(void)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *handle = NULL;

    if (rd_kafka_conf_set(conf, "client.id", "embedded-broker", text, sizeof text) == RD_KAFKA_CONF_OK &&
        rd_kafka_conf_set(conf, "log_level", "4", text, sizeof text) == RD_KAFKA_CONF_OK) {
        handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    }
    if (handle == NULL) {
        (void)fprintf(stderr, "embedded-broker: %s\n", text);
        rd_kafka_conf_destroy(conf);
    }
    return handle;
}

int main(int argc, char **argv)
{
    struct options options = {.port_file = NULL, .topic_prefix = "", .partitions = 4};
    rd_kafka_t *handle;
    rd_kafka_mock_cluster_t *cluster;
    sigset_t stops;
    int done = parse_options(argc, argv, &options), failed, got;

    if (done != 0) {
        return done - 1;
    }
    /* Blocked before librdkafka makes its threads, so that they inherit it and only sigwait() takes them. */
    (void)sigemptyset(&stops);
    (void)sigaddset(&stops, SIGTERM);
    (void)sigaddset(&stops, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &stops, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    handle = new_handle();
    if (handle == NULL) {
        return 70;
    }
    cluster = rd_kafka_mock_cluster_new(handle, 1);
    failed = cluster == NULL || create_topics(cluster, &options) != 0 || announce(cluster, &options) != 0;
    if (!failed) {
        (void)sigwait(&stops, &got);
    }
    if (cluster != NULL) {
        rd_kafka_mock_cluster_destroy(cluster);
    }
    rd_kafka_destroy(handle);
    return failed ? 70 : 0;
}
