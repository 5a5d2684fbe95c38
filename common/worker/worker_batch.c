/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches. Finished jobs gather in the open batch; when the helper thread is free the open batch becomes the
 * one under way. So a transaction is as large as what finished during the one before: an idle worker commits
 * at once, a busy one waits up to commit_interval_ms or commit_max_events for a fuller one.
 */
#include <assert.h>
#include <stdlib.h>

#include "loop/loop.h"
#include "worker/worker_priv.h"

#define BUSY_RECORDS 50U /* a batch of this size means load */
#define IDLE_MS 500U

void cf_batch_init(struct batch *batch)
{
    struct cf_arena *arena = batch->arena;

    *batch = (struct batch){.arena = arena};
    batch->last_job = &batch->jobs;
    batch->last_emit = &batch->emits;
    if (!arena)
        batch->arena = cf_arena_new(CF_BATCH_ARENA_BYTES);
    else
        cf_arena_clear(arena);
}

static void open_batch(struct cf_worker *worker)
{
    if (worker->open.n_jobs == 0 && worker->open.n_emits == 0)
        worker->open.opened_ms = cf_loop_now_ms(worker->loop);
}

static void add_emit(struct batch *batch, const struct cf_kafka_out *record)
{
    struct emit *emit = cf_arena_alloc(batch->arena, sizeof(*emit));

    emit->next = NULL;
    emit->record = *record;
    emit->record.key = record->key.p ? cf_arena_str(batch->arena, record->key) : record->key;
    emit->record.value = record->value.p ? cf_arena_str(batch->arena, record->value) : record->value;
    *batch->last_emit = emit;
    batch->last_emit = &emit->next;
    batch->n_records++;
}

static void keep_job(struct batch *batch, struct cf_job *job)
{
    job->queue_next = NULL;
    *batch->last_job = job;
    batch->last_job = &job->queue_next;
    batch->n_records += job->n_outs;
}

void cf_batch_add_job(struct cf_worker *worker, struct cf_job *job)
{
    struct batch *batch = &worker->open;

    open_batch(worker);
    cf_offsets_done(job->part->track, job->view.offset);
    job->part->moved = true;
    batch->n_jobs++;
    if (job->outs && job->outs->record.like) {
        keep_job(batch, job);
        return;
    }
    for (const struct out *out = job->outs; out; out = out->next)
        add_emit(batch, &out->record);
    cf_job_free(job);
}

void cf_worker_emit(struct cf_worker *worker, const char *topic, struct cf_str key, struct cf_str value)
{
    struct batch *batch = &worker->open;

    if (worker->phase != PHASE_RUNNING || batch->n_emits >= CF_EMITS_MAX)
        return; /* the next owner of the partition sees the need again */
    open_batch(worker);
    add_emit(batch,
             &(struct cf_kafka_out){.topic = cf_worker_topic(worker, topic), .key = key, .value = value});
    batch->n_emits++;
    cf_worker_turn_soon(worker);
}

static void empty_batch(struct batch *batch)
{
    while (batch->jobs) {
        struct cf_job *job = batch->jobs;

        batch->jobs = job->queue_next;
        cf_job_free(job);
    }
    cf_batch_init(batch);
}

void cf_batch_drop(struct cf_worker *worker)
{
    empty_batch(&worker->open);
}

/* ---- sending ---- */

static size_t add_records(struct cf_worker *worker, const struct batch *batch)
{
    size_t n = 0;

    if (batch->n_records > worker->records_size) {
        worker->records_size = batch->n_records * 2;
        worker->records = cf_realloc(worker->records, worker->records_size * sizeof(*worker->records));
    }
    for (const struct cf_job *job = batch->jobs; job; job = job->queue_next) {
        for (const struct out *out = job->outs; out; out = out->next)
            worker->records[n++] = out->record;
    }
    for (const struct emit *emit = batch->emits; emit; emit = emit->next)
        worker->records[n++] = emit->record;
    assert(n == batch->n_records);
    return n;
}

static size_t add_offsets(struct cf_worker *worker)
{
    size_t n = 0;

    for (size_t i = 0; i < worker->n_parts; i++) {
        struct part *part = &worker->parts[i];

        part->sent = -1;
        if (!part->moved)
            continue;
        part->moved = false;
        part->sent = cf_offsets_watermark(part->track);
        (void)cf_offsets_encode(part->track, part->metadata);
        if (worker->stage->hooks.sending)
            worker->stage->hooks.sending(worker, part->input->topic, part->partition, part->sent);
        worker->offsets[n++] =
            (struct cf_kafka_offset){part->topic, part->partition, part->sent, part->metadata};
    }
    return n;
}

static void send_batch(struct cf_worker *worker)
{
    struct cf_arena *spare = worker->sent.arena;

    worker->sent = worker->open; /* read only from here: the tail pointers are not used again */
    worker->open.arena = spare;
    cf_batch_init(&worker->open);
    worker->committing = true;
    worker->commit_began_ms = cf_loop_now_ms(worker->loop);
    worker->last_batch = worker->sent.n_records + worker->sent.n_jobs;
    worker->kafka_batch.n_records = add_records(worker, &worker->sent);
    worker->kafka_batch.records = worker->records;
    worker->kafka_batch.n_offsets = add_offsets(worker);
    worker->kafka_batch.offsets = worker->offsets;
    cf_kafka_commit(worker->kafka, &worker->kafka_batch);
}

void cf_batch_turn(struct cf_worker *worker, bool now)
{
    struct batch *open = &worker->open;
    uint64_t age_ms = cf_loop_now_ms(worker->loop) - open->opened_ms;

    if (worker->committing || (open->n_jobs == 0 && open->n_emits == 0))
        return;
    if (now || worker->last_batch < BUSY_RECORDS ||
        open->n_jobs + open->n_emits >= worker->values.commit_max_events ||
        age_ms >= worker->values.commit_interval_ms) {
        cf_timer_stop(worker->commit_timer);
        send_batch(worker);
    } else if (!cf_timer_active(worker->commit_timer)) {
        cf_timer_start(worker->commit_timer, worker->values.commit_interval_ms - age_ms, 0);
    }
}

/* ---- answers ---- */

static void count_results(struct cf_worker *worker)
{
    for (size_t i = 0; i < worker->kafka_batch.n_records; i++)
        cf_metric_add(worker->own_metrics, M_RESULTS, worker->records[i].topic, NULL, 1);
    worker->out_total += worker->kafka_batch.n_records;
}

static void tell_stage(struct cf_worker *worker)
{
    for (size_t i = 0; i < worker->n_parts; i++) {
        struct part *part = &worker->parts[i];

        if (part->sent < 0)
            continue;
        part->committed = part->sent;
        part->sent = -1;
        if (worker->stage->hooks.committed)
            worker->stage->hooks.committed(worker, part->input->topic, part->partition, part->committed);
    }
}

void cf_batch_committed(void *arg, const struct cf_err *err)
{
    struct cf_worker *worker = arg;
    double seconds = (double)(cf_loop_now_ms(worker->loop) - worker->commit_began_ms) / 1000;

    worker->committing = false;
    cf_metric_add(worker->own_metrics, M_COMMITS, err ? "failed" : "committed", NULL, 1);
    cf_metric_observe(worker->own_metrics, M_COMMIT_SECONDS, NULL, NULL, seconds);
    cf_metric_add(worker->own_metrics, M_COMMIT_RECORDS, NULL, NULL, (double)worker->last_batch);
    if (!err) {
        count_results(worker);
        tell_stage(worker);
    }
    empty_batch(&worker->sent);
    if (err && (err->kind == CF_ERR_FATAL || err->kind == CF_ERR_CONFIG)) {
        cf_worker_fail(worker, err);
        return;
    }
    if (err) {
        /* Others own the partitions: what was done here they do again. */
        cf_log_err(CF_LOG_WARN, "worker", NULL, "a transaction was given up", err);
        cf_parts_drain(worker, true);
    }
    cf_worker_turn_soon(worker);
}

void cf_batch_idle(void *arg)
{
    struct cf_worker *worker = arg;
    bool any = false;

    if (worker->phase != PHASE_RUNNING || worker->committing || worker->n_jobs > 0 ||
        worker->open.n_emits > 0)
        return;
    for (size_t i = 0; i < worker->n_parts; i++) {
        struct part *part = &worker->parts[i];
        int64_t position = cf_kafka_position(worker->kafka, i);

        /* Nothing is open, so everything below the position is done: only markers lie between. */
        if (part->committed >= 0 && position > part->committed &&
            position > cf_offsets_watermark(part->track)) {
            cf_offsets_skip_to(part->track, position);
            part->moved = any = true;
        }
    }
    if (any)
        send_batch(worker);
}

void cf_batch_free(struct cf_worker *worker)
{
    empty_batch(&worker->open);
    empty_batch(&worker->sent);
    cf_arena_free(worker->open.arena);
    cf_arena_free(worker->sent.arena);
    free(worker->records);
    free(worker->offsets);
}
