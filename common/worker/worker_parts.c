/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Partitions. The assignor is eager: a rebalance takes all parts and gives a new set. In between they are
 * drained: no new records, unfinished jobs get drain_ms, then they are cancelled; what is finished commits;
 * only then are the parts given up, so nothing of an old generation is ever sent in a new one.
 */
#include <stdlib.h>

#include "loop/loop.h"
#include "worker/worker_priv.h"

static void clear_part(struct part *part)
{
    cf_offsets_free(part->track);
    free(part->topic);
    free(part->metadata);
}

void cf_parts_free(struct cf_worker *worker)
{
    for (size_t i = 0; i < worker->n_parts; i++)
        clear_part(&worker->parts[i]);
    free(worker->parts);
    worker->parts = NULL;
    worker->n_parts = 0;
    worker->next_part = 0;
}

/* ---- assignment ---- */

static void begin_reading(struct cf_worker *worker)
{
    struct cf_kafka_start *starts = cf_calloc(worker->n_parts, sizeof(*starts));

    for (size_t i = 0; i < worker->n_parts; i++) {
        const struct part *part = &worker->parts[i];

        starts[i] = (struct cf_kafka_start){part->topic, part->partition, part->start};
    }
    worker->phase = PHASE_RUNNING;
    worker->was_ready = true;
    cf_kafka_assign(worker->kafka, starts, worker->n_parts);
    free(starts);
    cf_metric_set(worker->own_metrics, M_PARTITIONS, NULL, NULL, (double)worker->n_parts);
    cf_log_info("worker", NULL, "reading %zu partitions", worker->n_parts);
    cf_worker_turn_soon(worker);
}

void cf_worker_start_at(struct cf_worker *worker, const char *topic, int32_t partition, int64_t offset)
{
    if (worker->phase != PHASE_STARTING)
        return; /* given up meanwhile */
    for (size_t i = 0; i < worker->n_parts; i++) {
        struct part *part = &worker->parts[i];

        if (part->partition != partition || strcmp(part->input->topic, topic) != 0 || part->start_known)
            continue;
        part->start = offset;
        part->start_known = true;
        if (--worker->n_unknown_starts == 0)
            begin_reading(worker);
        return;
    }
}

static int open_part(struct cf_worker *worker, struct part *part, const struct cf_kafka_committed *committed,
                     struct cf_err *err)
{
    *part = (struct part){
        .input = cf_worker_input(worker, committed->topic),
        .partition = committed->partition,
        .committed = committed->offset,
        .start = committed->offset >= 0 ? committed->offset : -2,
        .sent = -1,
    };
    part->topic = cf_strdup(committed->topic);
    part->metadata = cf_calloc(CF_OFFSETS_TEXT_MAX + 1, 1);
    return cf_offsets_new(committed->offset >= 0 ? committed->offset : 0, committed->metadata, &part->track,
                          err);
}

void cf_parts_assigned(void *arg, const struct cf_kafka_committed *parts, size_t n)
{
    struct cf_worker *worker = arg;
    bool ask = worker->stage->hooks.assigned != NULL;
    struct cf_err err;

    worker->parts = cf_calloc(n, sizeof(*worker->parts));
    worker->offsets = cf_realloc(worker->offsets, (n + 1) * sizeof(*worker->offsets));
    worker->lost = false;
    cf_metric_add(worker->own_metrics, M_REBALANCES, NULL, NULL, 1);
    for (; worker->n_parts < n; worker->n_parts++) {
        if (open_part(worker, &worker->parts[worker->n_parts], &parts[worker->n_parts], &err) < 0) {
            worker->n_parts++;
            cf_worker_fail(worker, &err);
            return;
        }
    }
    if (worker->stopping) {
        cf_parts_drain(worker, false);
        return;
    }
    if (!ask || n == 0) {
        begin_reading(worker);
        return;
    }
    worker->phase = PHASE_STARTING;
    worker->n_unknown_starts = n;
    for (size_t i = 0; i < worker->n_parts && worker->phase == PHASE_STARTING; i++)
        worker->stage->hooks.assigned(worker, worker->parts[i].input->topic, worker->parts[i].partition,
                                      worker->parts[i].committed);
}

/* ---- giving up ---- */

static void give_up(struct cf_worker *worker)
{
    cf_timer_stop(worker->drain_timer);
    for (size_t i = 0; i < worker->n_parts && worker->stage->hooks.revoked; i++)
        worker->stage->hooks.revoked(worker, worker->parts[i].input->topic, worker->parts[i].partition);
    cf_parts_free(worker);
    cf_metric_set(worker->own_metrics, M_PARTITIONS, NULL, NULL, 0);
    worker->phase = PHASE_JOINING;
    cf_kafka_unassign(worker->kafka);
    if (worker->stopping) {
        worker->phase = PHASE_CLOSING;
        cf_kafka_close(worker->kafka);
    }
}

void cf_parts_check_drained(struct cf_worker *worker)
{
    if (worker->phase != PHASE_DRAINING || worker->n_unfinished > 0 || worker->committing)
        return;
    if (worker->lost)
        cf_batch_drop(worker);
    else
        cf_batch_turn(worker, true);
    if (!worker->committing)
        give_up(worker);
}

void cf_parts_drain(struct cf_worker *worker, bool lost)
{
    worker->phase = PHASE_DRAINING;
    worker->lost = worker->lost || lost;
    if (worker->lost) {
        cf_jobs_cancel_all(worker);
        cf_batch_drop(worker);
    } else {
        cf_jobs_cancel_backoffs(worker);
        if (!cf_timer_active(worker->drain_timer))
            cf_timer_start(worker->drain_timer, worker->values.drain_ms, 0);
    }
    cf_worker_turn_soon(worker);
}

void cf_parts_revoking(void *arg, bool lost)
{
    struct cf_worker *worker = arg;

    if (worker->phase == PHASE_CLOSING || worker->phase == PHASE_JOINING) {
        cf_kafka_unassign(worker->kafka); /* nothing of ours to drain */
        return;
    }
    cf_log_info("worker", NULL, lost ? "partitions lost" : "partitions are moving");
    cf_parts_drain(worker, lost);
}
