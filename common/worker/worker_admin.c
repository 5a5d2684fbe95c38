/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime's metrics and the pages for operators. */
#include <errno.h>
#include <stdio.h>

#include "admin/admin.h"
#include "clock/clock.h"
#include "loop/loop.h"
#include "redis/redis.h"
#include "worker/worker_priv.h"

const struct cf_metric cf_worker_metric_table[] = {
    [M_BUILD_INFO] = {"callfleet_build_info", CF_GAUGE, "version,stage",
                      "Always 1; the labels say what runs."},
    [M_CONSUMED] = {"callfleet_events_consumed_total", CF_COUNTER, "topic", "Records taken from Kafka."},
    [M_RESULTS] = {"callfleet_results_total", CF_COUNTER, "topic",
                   "Records written and committed, dead letters too."},
    [M_DLQ] = {"callfleet_dlq_total", CF_COUNTER, "class", "Dead letters: poison (unreadable) or rejected."},
    [M_RETRIES] = {"callfleet_retries_total", CF_COUNTER, "kind", "Steps that will be tried again."},
    [M_IN_FLIGHT] = {"callfleet_jobs_in_flight", CF_GAUGE, NULL,
                     "Records being worked on or waiting for their commit."},
    [M_JOB_SECONDS] = {"callfleet_job_duration_seconds", CF_HISTOGRAM, NULL,
                       "From a record's taking to its last step."},
    [M_COMMITS] = {"callfleet_transactions_total", CF_COUNTER, "result",
                   "Kafka transactions: committed or failed."},
    [M_COMMIT_SECONDS] = {"callfleet_transaction_duration_seconds", CF_HISTOGRAM, NULL,
                          "Time of one transaction."},
    [M_COMMIT_RECORDS] = {"callfleet_transaction_records_total", CF_COUNTER, NULL,
                          "Records read and written by transactions."},
    [M_LAG] = {"callfleet_consumer_lag_records", CF_GAUGE, "topic,partition", "Records not read yet."},
    [M_REBALANCES] = {"callfleet_rebalances_total", CF_COUNTER, NULL, "Assignments of partitions."},
    [M_PARTITIONS] = {"callfleet_assigned_partitions", CF_GAUGE, NULL, "Partitions read by this worker."},
    [M_REPLAYED] = {"callfleet_replayed_total", CF_COUNTER, NULL, "Records read again to rebuild state."},
    [M_KAFKA_TROUBLES] = {"callfleet_kafka_troubles_total", CF_COUNTER, NULL, "Errors of the Kafka clients."},
    [M_REDIS_UP] = {"callfleet_redis_up", CF_GAUGE, NULL, "1 while connected to Redis."},
    [M_LOOP_BUSY] = {"callfleet_loop_idle_seconds", CF_GAUGE, NULL, "Time the event loop had nothing to do."},
    {0},
};

static void refresh_gauges(struct cf_worker *worker)
{
    cf_metric_set(worker->own_metrics, M_IN_FLIGHT, NULL, NULL, (double)cf_jobs_in_flight(worker));
    cf_metric_set(worker->own_metrics, M_REDIS_UP, NULL, NULL, cf_redis_is_up(worker->redis) ? 1 : 0);
    cf_metric_set(worker->own_metrics, M_LOOP_BUSY, NULL, NULL, (double)cf_loop_idle_ns(worker->loop) / 1e9);
    for (size_t i = 0; i < worker->n_parts && worker->phase == PHASE_RUNNING; i++) {
        const struct part *part = &worker->parts[i];
        int64_t lag = cf_kafka_lag(worker->kafka, i);
        char partition[16];

        (void)snprintf(partition, sizeof(partition), "%d", part->partition);
        if (lag >= 0)
            cf_metric_set(worker->own_metrics, M_LAG, part->input->topic, partition, (double)lag);
    }
}

static int page_live(void *arg, struct cf_buf *body, const char **content_type)
{
    (void)arg;
    (void)content_type;
    cf_buf_text(body, "ok\n"); /* that it answers is the proof: the loop turns */
    return 200;
}

static const char *unready_reason(const struct cf_worker *worker)
{
    if (worker->stopping)
        return "stopping";
    if (!worker->was_ready)
        return "waiting for Kafka: not yet in the consumer group";
    return NULL;
}

static int page_ready(void *arg, struct cf_buf *body, const char **content_type)
{
    const char *reason = unready_reason(arg);

    (void)content_type;
    cf_buf_text(body, reason ? reason : "ready");
    cf_buf_char(body, '\n');
    return reason ? 503 : 200;
}

static int page_metrics(void *arg, struct cf_buf *body, const char **content_type)
{
    struct cf_worker *worker = arg;

    refresh_gauges(worker);
    *content_type = "text/plain; version=0.0.4; charset=utf-8";
    cf_metrics_write(worker->metrics, body);
    return 200;
}

static const struct cf_admin_page pages[] = {
    {"/livez", page_live},
    {"/readyz", page_ready},
    {"/metrics", page_metrics},
    {NULL, NULL},
};

static int write_port(const char *path, uint16_t port, struct cf_err *err)
{
    char temporary[1100];
    FILE *file;

    /* By rename, so that a reader never sees half a number. */
    (void)snprintf(temporary, sizeof(temporary), "%s.new", path);
    file = fopen(temporary, "we");
    if (!file)
        return cf_err_set(err, CF_ERR_CONFIG, "config", errno, "admin_port_file: cannot write %.120s", path);
    (void)fprintf(file, "%u\n", port);
    if (fclose(file) != 0 || rename(temporary, path) != 0)
        return cf_err_set(err, CF_ERR_CONFIG, "config", errno, "admin_port_file: cannot write %.120s", path);
    return 0;
}

int cf_worker_admin_start(struct cf_worker *worker, struct cf_err *err)
{
    worker->admin = cf_admin_new(worker->loop, worker->values.admin_listen, pages, worker, err);
    if (!worker->admin)
        return -1;
    if (worker->values.admin_port_file)
        return write_port(worker->values.admin_port_file, cf_admin_port(worker->admin), err);
    return 0;
}

void cf_worker_log_stats(void *arg)
{
    struct cf_worker *worker = arg;

    cf_log_info("worker", NULL, "taken %llu, results %llu, dead letters %llu, in flight %zu, partitions %zu",
                (unsigned long long)worker->taken_total, (unsigned long long)worker->out_total,
                (unsigned long long)worker->dlq_total, cf_jobs_in_flight(worker), worker->n_parts);
}
