/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker - the process every stage runs in: boot, jobs, transactions, drain. A stage is one `struct
 * cf_stage`.
 *
 * Vocabulary
 *   job      one consumed record on its way to its one final outcome: results, a dead letter, or nothing to
 * say step     one function of the stage; it decides or starts one outside call, and names the next step
 *   batch    finished jobs whose results and offsets commit in one Kafka transaction
 * Lifecycle of a job: taken -> steps (MORE | WAIT -> resume)* -> DONE or failed -> batch -> committed ->
 * freed. Promises
 *   - results and offsets commit together; jobs may finish out of order; a job's results appear once for a
 *     read_committed reader, whatever is killed when. Effects outside Kafka may be repeated after a crash:
 * make them idempotent by the event's id.
 *   - a job that fails TRANSIENT or THROTTLED runs its step again after a backoff, for ever; REJECTED: dead
 * letter; CONFIG or FATAL: the worker exits with 78 or 70 and the record is read again by the next one.
 *   - on a revoked partition unfinished jobs are cancelled (`on_cancel`) and never emit.
 *   - steps run on the loop's thread, one at a time, never inside cf_job_resume().
 */
#ifndef CF_WORKER_H
#define CF_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "arena/arena.h"
#include "config/config.h"
#include "err/err.h"
#include "event/event.h"
#include "metrics/metrics.h"
#include "str/str.h"

struct cf_http;
struct cf_job;
struct cf_job_ticket;
struct cf_log_ctx;
struct cf_loop;
struct cf_redis;
struct cf_worker;

enum cf_next {
    CF_MORE, /* run the step set with cf_job_goto() now */
    CF_WAIT, /* an outside call will cf_job_resume() */
    CF_DONE, /* finished: results may leave */
    CF_FAIL, /* as cf_job_fail() said; returned through it */
};

typedef enum cf_next cf_step_fn(struct cf_job *job);

struct cf_step {
    const char *name; /* metric label */
    cf_step_fn *fn;
};

struct cf_input {
    const char *topic;       /* without prefix */
    enum cf_event_type type; /* decoded before the first step; ignored when raw */
    bool raw;                /* the stage decodes by itself (routing-log) */
    bool no_dlq;             /* internal topic: a bad record is FATAL, not a dead letter */
};

/* Partition hooks, for a stage that keeps state by partition. All optional. */
struct cf_partition_hooks {
    /* A partition of `topic` was assigned; the group's next offset is `committed` (-1: none yet). Answer, now
     * or later, with cf_worker_start_at(): records below `committed` are then delivered as replays, whose
     * results are dropped. */
    void (*assigned)(struct cf_worker *worker, const char *topic, int32_t partition, int64_t committed);
    /* The partition is going; its jobs are finished or cancelled. */
    void (*revoked)(struct cf_worker *worker, const char *topic, int32_t partition);
    /* A batch is on its way that will commit the partition up to `offset`: all records below are done, none
     * above it (for a stage whose jobs finish in order), so a snapshot taken now is the state at `offset`. */
    void (*sending)(struct cf_worker *worker, const char *topic, int32_t partition, int64_t offset);
    /* All offsets of the partition below `committed` are in Kafka now, with their results. */
    void (*committed)(struct cf_worker *worker, const char *topic, int32_t partition, int64_t committed);
};

struct cf_stage {
    const char *name; /* "lookup": also the metric label and the default group "callfleet.lookup" */
    const char *help; /* one line */
    const struct cf_input *inputs;    /* ended by topic NULL */
    const char *const *outputs;       /* topics it writes, for the boot-time check; NULL-terminated */
    const struct cf_key *config_keys; /* the stage's own table */
    size_t config_size;
    const struct cf_metric *metrics; /* the stage's own table, or NULL */
    const struct cf_step *steps;     /* a job starts at steps[0] */
    size_t job_size;                 /* the stage's part of a job, zeroed at the start */
    uint32_t fetch_ahead_kib; /* of each partition: memory against the speed of catching up; 0: 16 MiB */
    CF_CHECKED int (*init)(struct cf_worker *worker, struct cf_err *err);
    void (*done)(struct cf_worker *worker); /* frees what init made; called also after a failed init */
    struct cf_partition_hooks hooks;
};

/** The whole main(): parses the command line (--config FILE, --help, --check, --version), runs until SIGTERM.
 * Returns the exit code: 0 drained, 64 usage, 70 fatal, 78 configuration. */
int cf_worker_main(const struct cf_stage *stage, int argc, char **argv);

/* ---- for stages ---- */
void *cf_worker_state(struct cf_worker *worker);
void cf_worker_set_state(struct cf_worker *worker, void *state);
const void *cf_worker_config(const struct cf_worker *worker); /* the stage's config struct */
struct cf_loop *cf_worker_loop(struct cf_worker *worker);
struct cf_redis *cf_worker_redis(struct cf_worker *worker);
struct cf_http *cf_worker_http(struct cf_worker *worker);
struct cf_metrics *cf_worker_metrics(struct cf_worker *worker);
struct cf_metric_group *cf_worker_stage_metrics(struct cf_worker *worker);
uint64_t cf_worker_random(struct cf_worker *worker);
/** The worker can not go on (kind CONFIG or FATAL): drains nothing, exits with the kind's code. */
void cf_worker_fail(struct cf_worker *worker, const struct cf_err *err);
/** Emits a record that no input caused (a routing tick); it goes with the next transaction. Copies. */
void cf_worker_emit(struct cf_worker *worker, const char *topic, struct cf_str key, struct cf_str value);
/** Answer to hooks.assigned: consume from `offset` (<= committed; -2: the beginning). */
void cf_worker_start_at(struct cf_worker *worker, const char *topic, int32_t partition, int64_t offset);

/* ---- in steps ---- */
struct cf_worker *cf_job_worker(const struct cf_job *job);
void *cf_job_state(struct cf_job *job); /* the stage's part */
struct cf_arena *cf_job_arena(struct cf_job *job);
const struct cf_event *cf_job_event(const struct cf_job *job); /* NULL for raw inputs */
const struct cf_record *cf_job_record(const struct cf_job *job);
const struct cf_log_ctx *cf_job_log(const struct cf_job *job);
bool cf_job_is_replay(const struct cf_job *job);
uint32_t cf_job_attempts(const struct cf_job *job); /* of the current step; 1 the first time */
uint64_t cf_job_age_ms(const struct cf_job *job);   /* since it was taken */
void cf_job_goto(struct cf_job *job, size_t step);
/** The outside call of a CF_WAIT step is over: the step set with cf_job_goto() runs on the next turn. */
void cf_job_resume(struct cf_job *job);
/** As resume, but the job failed while it waited. */
void cf_job_resume_fail(struct cf_job *job, const struct cf_err *err);
/** `fn(arg)` is called instead of any further step when the job is cancelled while it waits; NULL clears. */
void cf_job_on_cancel(struct cf_job *job, void (*fn)(void *arg), void *arg);
/** For an outside call that cannot be taken back (a Redis command): pass the ticket as the callback's
 * argument and redeem it there, once. NULL then means that the job was cancelled meanwhile. Uses the job's
 * on_cancel. */
struct cf_job_ticket *cf_job_ticket(struct cf_job *job);
struct cf_job *cf_job_redeem(struct cf_job_ticket *ticket);
/** Ends the step with an error: return cf_job_fail(job, &err); */
enum cf_next cf_job_fail(struct cf_job *job, const struct cf_err *err);
/** Adds a result; key and value must live in the job's arena. Leaves with the job's batch. */
void cf_job_emit(struct cf_job *job, const char *topic, struct cf_str key, struct cf_str value);
/** Emits an event on the topic of its type. `event` has its type, data and time; the rest of the envelope is
 * made here: the id (the same one when the work is repeated), source and traceparent. `key` lives in the
 * job's arena. CF_DONE, or as cf_job_fail() when a field breaks the contract. */
enum cf_next cf_job_emit_event(struct cf_job *job, struct cf_str key, struct cf_event *event);

#endif
