/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs: from a record taken to a finished job in a batch. */
#include <assert.h>
#include <stdlib.h>

#include "backoff/backoff.h"
#include "clock/clock.h"
#include "loop/loop.h"
#include "worker/worker_priv.h"

/* ---- memory and lists ---- */

static struct cf_job *job_new(struct cf_worker *worker)
{
    struct cf_job *job = worker->spare;

    if (job) {
        worker->spare = job->queue_next;
        worker->n_spare--;
    } else {
        job = cf_calloc(1, sizeof(*job));
        job->arena = cf_arena_new(CF_JOB_ARENA_BYTES);
    }
    job->worker = worker;
    job->last_out = &job->outs;
    job->state_memory = cf_arena_zalloc(job->arena, worker->stage->job_size);
    worker->n_jobs++;
    return job;
}

void cf_job_free(struct cf_job *job)
{
    struct cf_worker *worker = job->worker;
    struct cf_arena *arena = job->arena;

    cf_kafka_msg_free(job->msg);
    cf_timer_free(job->backoff);
    cf_arena_clear(arena);
    worker->n_jobs--;
    worker->held_bytes -= job->held_bytes;
    if (worker->n_spare >= CF_JOBS_KEPT) {
        cf_arena_free(arena);
        free(job);
        return;
    }
    *job = (struct cf_job){.arena = arena, .queue_next = worker->spare};
    worker->spare = job;
    worker->n_spare++;
}

void cf_jobs_free_spare(struct cf_worker *worker)
{
    while (worker->spare) {
        struct cf_job *job = worker->spare;

        worker->spare = job->queue_next;
        cf_arena_free(job->arena);
        free(job);
    }
    worker->n_spare = 0;
}

static void link_job(struct part *part, struct cf_job *job)
{
    job->part = part;
    job->next = part->jobs;
    job->link = &part->jobs;
    if (part->jobs)
        part->jobs->link = &job->next;
    part->jobs = job;
    job->worker->n_unfinished++;
}

static void unlink_job(struct cf_job *job)
{
    *job->link = job->next;
    if (job->next)
        job->next->link = job->link;
    job->worker->n_unfinished--;
}

static void make_ready(struct cf_job *job)
{
    struct cf_worker *worker = job->worker;

    job->state = JOB_READY;
    job->queue_next = NULL;
    *worker->last_ready = job;
    worker->last_ready = &job->queue_next;
    cf_worker_turn_soon(worker);
}

static void unready(struct cf_job *job)
{
    struct cf_worker *worker = job->worker;
    struct cf_job **at = &worker->ready;

    while (*at != job)
        at = &(*at)->queue_next;
    *at = job->queue_next;
    if (!*at)
        worker->last_ready = at;
}

static void cancel(struct cf_job *job)
{
    if (job->state == JOB_READY)
        unready(job);
    if (job->on_cancel)
        job->on_cancel(job->on_cancel_arg);
    unlink_job(job);
    cf_job_free(job);
}

void cf_jobs_cancel_all(struct cf_worker *worker)
{
    for (size_t i = 0; i < worker->n_parts; i++) {
        struct cf_job *job = worker->parts[i].jobs;

        while (job) {
            struct cf_job *next = job->next;

            cancel(job);
            job = next;
        }
    }
}

void cf_jobs_cancel_backoffs(struct cf_worker *worker)
{
    for (size_t i = 0; i < worker->n_parts; i++) {
        struct cf_job *job = worker->parts[i].jobs;

        while (job) {
            struct cf_job *next = job->next;

            if (job->state == JOB_BACKOFF)
                cancel(job);
            job = next;
        }
    }
}

/* ---- the end of a job ---- */

static void finish(struct cf_job *job)
{
    struct cf_worker *worker = job->worker;
    double seconds = (double)(cf_loop_now_ms(worker->loop) - job->taken_ms) / 1000;

    job->state = JOB_DONE;
    unlink_job(job);
    cf_metric_observe(worker->own_metrics, M_JOB_SECONDS, NULL, NULL, seconds);
    if (job->replay) {
        cf_metric_add(worker->own_metrics, M_REPLAYED, NULL, NULL, 1);
        cf_job_free(job);
        return;
    }
    cf_batch_add_job(worker, job);
}

static struct cf_kafka_header text_header(const char *name, struct cf_str value)
{
    return (struct cf_kafka_header){.name = cf_str_of(name), .value = value};
}

static void add_out(struct cf_job *job, const struct cf_kafka_out *record)
{
    struct out *out = cf_arena_zalloc(job->arena, sizeof(*out));

    out->record = *record;
    *job->last_out = out;
    job->last_out = &out->next;
    job->n_outs++;
}

/* The record as it came, with headers that say why. Results the job had added before do not leave. */
static void dead_letter(struct cf_job *job)
{
    struct cf_arena *arena = job->arena;
    struct cf_worker *worker = job->worker;
    const struct cf_kafka_view *view = &job->view;
    struct cf_str topic = cf_str_of(view->topic), reason = cf_arena_str(arena, cf_str_of(job->error.text));
    struct cf_str partition = cf_arena_printf(arena, "%d", view->partition);
    struct cf_str offset = cf_arena_printf(arena, "%lld", (long long)view->offset);
    bool poison = !job->event && !job->part->input->raw;
    char *first_seen = cf_arena_alloc(arena, CF_CLOCK_TEXT_SIZE);
    struct cf_kafka_header headers[] = {
        text_header("callfleet.dlq.topic", topic),
        text_header("callfleet.dlq.partition", partition),
        text_header("callfleet.dlq.offset", offset),
        text_header("callfleet.dlq.timestamp", cf_arena_printf(arena, "%lld", (long long)view->timestamp_ms)),
        text_header("callfleet.dlq.reason", reason),
        text_header("callfleet.dlq.class", cf_str_of(poison ? "poison" : "rejected")),
        text_header("callfleet.dlq.attempts",
                    cf_arena_printf(arena, "%u", job->attempts ? job->attempts : 1)),
        text_header("callfleet.dlq.first-seen", cf_str_of(first_seen)),
        text_header("callfleet.dlq.worker", cf_str_of(worker->instance)),
        text_header("callfleet.dlq.version", CF_STR(CF_VERSION)),
        text_header("__connect.errors.topic", topic),
        text_header("__connect.errors.partition", partition),
        text_header("__connect.errors.offset", offset),
        text_header("__connect.errors.exception.message", reason),
    };
    struct cf_kafka_out record = {
        .topic = cf_arena_printf(arena, "%s.dlq", view->topic).p,
        .key = view->key,
        .value = view->value,
        .timestamp_ms = view->timestamp_ms > 0 ? view->timestamp_ms : 0,
        .like = job->msg,
        .bytes_header = "callfleet.dlq.value-bytes",
        .n_headers = sizeof(headers) / sizeof(headers[0]),
    };

    cf_clock_format(cf_clock_wall_ms() - (int64_t)(cf_loop_now_ms(worker->loop) - job->taken_ms), first_seen);
    headers[7].value = cf_str_of(first_seen);
    record.headers = memcpy(cf_arena_alloc(arena, sizeof(headers)), headers, sizeof(headers));
    job->outs = NULL;
    job->last_out = &job->outs;
    job->n_outs = 0;
    add_out(job, &record);
    cf_metric_add(worker->own_metrics, M_DLQ, poison ? "poison" : "rejected", NULL, 1);
    worker->dlq_total++;
    cf_log_err(CF_LOG_WARN, "worker", &job->log, "dead letter", &job->error);
}

static void on_backoff_over(void *arg)
{
    struct cf_job *job = arg;

    if (job->state == JOB_BACKOFF)
        make_ready(job);
}

static void retry(struct cf_job *job)
{
    struct cf_worker *worker = job->worker;
    const struct cf_backoff backoff = {(uint32_t)worker->values.retry_base_ms,
                                       (uint32_t)worker->values.retry_cap_ms};

    cf_metric_add(worker->own_metrics, M_RETRIES, cf_err_kind_name(job->error.kind), NULL, 1);
    cf_log_err(CF_LOG_INFO, "worker", &job->log, "step will be tried again", &job->error);
    if (worker->phase == PHASE_DRAINING) {
        cancel(job);
        cf_worker_turn_soon(worker);
        return;
    }
    job->state = JOB_BACKOFF;
    if (!job->backoff)
        job->backoff = cf_timer_new(worker->loop, on_backoff_over, job);
    cf_timer_start(job->backoff, cf_backoff_ms(&backoff, job->attempts, cf_worker_random(worker)), 0);
}

static void handle_failure(struct cf_job *job)
{
    job->failed = false;
    job->step = job->last_step;
    job->attempts = job->last_attempts;
    switch (job->error.kind) {
    case CF_ERR_TRANSIENT:
    case CF_ERR_THROTTLED:
        retry(job);
        break;
    case CF_ERR_REJECTED:
        if (job->part->input->no_dlq) {
            job->error.kind = CF_ERR_FATAL;
            cf_worker_fail(job->worker, &job->error);
            break;
        }
        dead_letter(job);
        finish(job);
        break;
    case CF_ERR_CONFIG:
    case CF_ERR_FATAL:
        cf_worker_fail(job->worker, &job->error);
        break;
    }
}

/* ---- running ---- */

static void run(struct cf_job *job)
{
    const struct cf_step *steps = job->worker->stage->steps;
    enum cf_next next = CF_FAIL;

    job->on_cancel = NULL;
    job->state = JOB_WAITING;
    while (!job->failed) {
        job->last_step = job->step;
        job->last_attempts = ++job->attempts;
        next = steps[job->step].fn(job);
        if (next != CF_MORE)
            break;
    }
    if (job->failed)
        handle_failure(job);
    else if (next == CF_DONE)
        finish(job);
}

/* So that what comes from outside, an answer above all, does not wait behind a pile of jobs. Asked seldom: an
 * event that is only handed on takes a microsecond. */
static bool turn_is_over(uint64_t until_ns, size_t done)
{
    return done % CF_TURN_LOOK == 0 && cf_clock_mono_ns() >= until_ns;
}

static void run_ready(struct cf_worker *worker, uint64_t until_ns)
{
    struct cf_job *job;

    for (size_t done = 1; (job = worker->ready) != NULL && !turn_is_over(until_ns, done); done++) {
        worker->ready = job->queue_next;
        if (!worker->ready)
            worker->last_ready = &worker->ready;
        run(job);
    }
}

/* struct cf_header and struct cf_kafka_header are the same two views; kafka is a level below event. */
static int read_headers(struct cf_job *job, struct cf_err *err)
{
    size_t n = cf_kafka_msg_headers(job->msg, NULL, 0), bytes = 0;
    struct cf_header *headers;

    if (n == 0)
        return 0;
    if (n > CF_JOB_MAX_HEADERS)
        return cf_err_set(err, CF_ERR_REJECTED, "event", 0, "more than %u headers", CF_JOB_MAX_HEADERS);
    headers = cf_arena_alloc(job->arena, n * sizeof(*headers));
    (void)cf_kafka_msg_headers(job->msg, (struct cf_kafka_header *)headers, n);
    for (size_t i = 0; i < n; i++)
        bytes += headers[i].name.n + headers[i].value.n;
    if (bytes > CF_JOB_MAX_HEADER_BYTES)
        return cf_err_set(err, CF_ERR_REJECTED, "event", 0, "headers of more than %zu bytes",
                          CF_JOB_MAX_HEADER_BYTES);
    job->record.headers = headers;
    job->record.n_headers = n;
    return 0;
}

static struct cf_str call_of(const struct cf_event *event)
{
    switch (event->type) {
    case CF_EVENT_CALL_STARTED:
        return event->data.call_started.call_id;
    case CF_EVENT_CALL_QUEUED:
        return event->data.call_queued.call_id;
    case CF_EVENT_CALL_ENDED:
        return event->data.call_ended.call_id;
    case CF_EVENT_AGENT_STATE:
        return event->data.agent_state.call_id;
    case CF_EVENT_CALL_ROUTED:
        return event->data.call_routed.call_id;
    case CF_EVENT_CALL_UPDATED:
        return event->data.call_updated.call_id;
    case CF_EVENT_TYPES:
        break;
    }
    return (struct cf_str){0};
}

static int decode(struct cf_job *job, struct cf_err *err)
{
    if (job->view.value.n > CF_JOB_MAX_VALUE_BYTES)
        return cf_err_set(err, CF_ERR_REJECTED, "event", 0, "value of more than %zu bytes",
                          CF_JOB_MAX_VALUE_BYTES);
    if (read_headers(job, err) < 0)
        return -1;
    if (job->part->input->raw)
        return 0;
    if (cf_event_decode(job->arena, job->part->input->type, &job->record, &job->event, err) < 0)
        return -1;
    job->log.call_id = call_of(job->event);
    job->log.event_id = job->event->id;
    return 0;
}

static void start(struct cf_worker *worker, struct part *part, struct cf_kafka_msg *msg,
                  const struct cf_kafka_view *view)
{
    struct cf_job *job = job_new(worker);

    job->msg = msg;
    job->view = *view;
    job->replay = view->offset < part->committed;
    job->taken_ms = cf_loop_now_ms(worker->loop);
    job->record = (struct cf_record){
        .topic = part->input->topic,
        .partition = view->partition,
        .offset = view->offset,
        .key = view->key,
        .value = view->value,
    };
    job->log =
        (struct cf_log_ctx){.topic = part->topic, .partition = view->partition, .offset = view->offset};
    link_job(part, job);
    if (decode(job, &job->error) < 0)
        job->failed = true;
    job->held_bytes = cf_arena_size(job->arena) + view->value.n;
    worker->held_bytes += job->held_bytes;
    run(job);
}

/* Takes one record; false when the part has none now, or must not take one. */
static bool take_one(struct cf_worker *worker, size_t index)
{
    struct part *part = &worker->parts[index];
    struct cf_kafka_view view;
    struct cf_kafka_msg *msg;

    if (!cf_offsets_may_take(part->track))
        return false;
    msg = cf_kafka_take(worker->kafka, index);
    part->empty = !msg;
    if (!msg)
        return false;
    cf_kafka_msg_view(msg, &view);
    worker->taken_total++;
    cf_metric_add(worker->own_metrics, M_CONSUMED, part->input->topic, NULL, 1);
    if (view.offset >= part->committed && !cf_offsets_take(part->track, view.offset)) {
        part->moved = true; /* done before the restart */
        cf_kafka_msg_free(msg);
        return true;
    }
    start(worker, part, msg, &view);
    return true;
}

size_t cf_jobs_in_flight(const struct cf_worker *worker)
{
    return worker->n_unfinished + worker->open.n_jobs + worker->sent.n_jobs;
}

/* One record of each part in turn, so that a full part does not starve the others. */
static bool take_some(struct cf_worker *worker, uint64_t until_ns)
{
    size_t taken = 0, idle = 0;
    bool over = false;

    while (idle < worker->n_parts && taken < CF_TURN_TAKES && !over) {
        if (worker->phase != PHASE_RUNNING || cf_jobs_in_flight(worker) >= worker->values.max_in_flight ||
            worker->held_bytes > CF_HELD_BYTES || cf_arena_size(worker->open.arena) > CF_BATCH_BYTES)
            return false;
        if (take_one(worker, worker->next_part)) {
            taken++;
            idle = 0;
        } else {
            idle++;
        }
        if (worker->n_parts > 0)
            worker->next_part = (worker->next_part + 1) % worker->n_parts;
        over = turn_is_over(until_ns, taken);
    }
    return taken >= CF_TURN_TAKES || over;
}

void cf_jobs_turn(struct cf_worker *worker)
{
    uint64_t until_ns = cf_clock_mono_ns() + CF_TURN_NS;

    run_ready(worker, until_ns);
    if (worker->ready || (worker->phase == PHASE_RUNNING && take_some(worker, until_ns)))
        cf_worker_turn_soon(worker);
}

/* ---- for stages ---- */

struct cf_worker *cf_job_worker(const struct cf_job *job)
{
    return job->worker;
}

void *cf_job_state(struct cf_job *job)
{
    return job->state_memory;
}

struct cf_arena *cf_job_arena(struct cf_job *job)
{
    return job->arena;
}

const struct cf_event *cf_job_event(const struct cf_job *job)
{
    return job->event;
}

const struct cf_record *cf_job_record(const struct cf_job *job)
{
    return &job->record;
}

const struct cf_log_ctx *cf_job_log(const struct cf_job *job)
{
    return &job->log;
}

bool cf_job_is_replay(const struct cf_job *job)
{
    return job->replay;
}

uint32_t cf_job_attempts(const struct cf_job *job)
{
    return job->attempts;
}

uint64_t cf_job_age_ms(const struct cf_job *job)
{
    return cf_loop_now_ms(job->worker->loop) - job->taken_ms;
}

void cf_job_goto(struct cf_job *job, size_t step)
{
    if (job->step != step)
        job->attempts = 0;
    job->step = step;
}

void cf_job_resume(struct cf_job *job)
{
    assert(job->state == JOB_WAITING);
    job->on_cancel = NULL; /* the outside call is over: there is nothing left to cancel */
    make_ready(job);
}

void cf_job_resume_fail(struct cf_job *job, const struct cf_err *err)
{
    job->error = *err;
    job->failed = true;
    cf_job_resume(job);
}

void cf_job_on_cancel(struct cf_job *job, void (*fn)(void *arg), void *arg)
{
    job->on_cancel = fn;
    job->on_cancel_arg = arg;
}

struct cf_job_ticket {
    struct cf_job *job; /* NULL: cancelled */
};

static void void_ticket(void *arg)
{
    struct cf_job_ticket *ticket = arg;

    ticket->job = NULL;
}

struct cf_job_ticket *cf_job_ticket(struct cf_job *job)
{
    struct cf_job_ticket *ticket = cf_calloc(1, sizeof(*ticket));

    ticket->job = job;
    cf_job_on_cancel(job, void_ticket, ticket);
    return ticket;
}

struct cf_job *cf_job_redeem(struct cf_job_ticket *ticket)
{
    struct cf_job *job = ticket->job;

    free(ticket);
    if (job)
        cf_job_on_cancel(job, NULL, NULL);
    return job;
}

enum cf_next cf_job_fail(struct cf_job *job, const struct cf_err *err)
{
    job->error = *err;
    job->failed = true;
    return CF_FAIL;
}

void cf_job_emit(struct cf_job *job, const char *topic, struct cf_str key, struct cf_str value)
{
    static const struct cf_kafka_header event_type = {
        {"content-type", sizeof("content-type") - 1},
        {"application/cloudevents+json", sizeof("application/cloudevents+json") - 1},
    };
    const char *full = cf_worker_topic(job->worker, topic);
    const struct cf_input *input = cf_worker_input(job->worker, full);
    struct cf_kafka_out record = {.topic = full, .key = key, .value = value};

    if (!input || !input->raw) {
        record.headers = &event_type;
        record.n_headers = 1;
    }
    add_out(job, &record);
}
