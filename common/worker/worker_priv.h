/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_priv - shared by the module's files:
 *   worker.c        boot, command line, signals, shutdown
 *   worker_parts.c  partitions: assignment, drain, revocation
 *   worker_jobs.c   jobs: taking records, steps, retries, dead letters
 *   worker_event.c  events as results
 *   worker_batch.c  batches: when finished jobs commit, and what follows
 *   worker_admin.c  pages and metrics
 */
#ifndef CF_WORKER_PRIV_H
#define CF_WORKER_PRIV_H

#include "kafka/kafka.h"
#include "log/log.h"
#include "offsets/offsets.h"
#include "worker/limits.h"
#include "worker/worker.h"

struct cf_admin;
struct cf_config;
struct cf_fd;
struct cf_timer;

struct worker_config {
#define CF_CONFIG_STRUCT
#include "config/keys.h"

#include "worker/worker_config.def"

#include "config/keys_end.h"
};

/* One assigned partition. Its place in cf_worker.parts is its index for cf_kafka_take(). */
struct part {
    const struct cf_input *input;
    char *topic; /* full name */
    int32_t partition;
    struct cf_offsets *track;
    int64_t committed; /* what the group has; -1: nothing yet */
    int64_t start;     /* where reading begins; below committed: replays */
    bool start_known;
    bool moved;          /* the next batch has an offset for it */
    char *metadata;      /* text of the batch under way */
    int64_t sent;        /* offset of the batch under way, -1: none */
    struct cf_job *jobs; /* not finished */
    bool empty;          /* nothing was there at the last look */
};

enum job_state { JOB_READY, JOB_WAITING, JOB_BACKOFF, JOB_DONE };

struct out {
    struct out *next;
    struct cf_kafka_out record;
};

struct cf_job {
    struct cf_worker *worker;
    struct part *part;
    struct cf_job *next, **link; /* in part->jobs */
    struct cf_job *queue_next;   /* in the ready queue or in a batch */
    struct cf_kafka_msg *msg;
    struct cf_arena *arena;
    struct cf_kafka_view view;
    struct cf_record record;
    const struct cf_event *event;
    struct cf_log_ctx log;
    enum job_state state;
    bool replay;
    size_t step, last_step; /* to run; that ran last and runs again after a failure */
    uint32_t attempts, last_attempts;
    uint64_t taken_ms;
    struct cf_timer *backoff;
    void (*on_cancel)(void *arg);
    void *on_cancel_arg;
    struct cf_err error;
    bool failed; /* `error` says why; set by cf_job_fail() and cf_job_resume_fail() */
    struct out *outs, **last_out;
    size_t n_outs;
    void *state_memory;
    size_t held_bytes; /* when it was decoded */
};

/* A record on its way out, in the batch's arena. */
struct emit {
    struct emit *next;
    struct cf_kafka_out record;
};

/* The results of finished jobs are copied here and the jobs freed at once, so that a few job structures stay
 * in the processor's cache. Only a dead letter keeps its job: it repeats the record's own headers. */
struct batch {
    struct cf_job *jobs, **last_job;
    struct emit *emits, **last_emit;
    struct cf_arena *arena;
    size_t n_jobs, n_emits, n_records;
    uint64_t opened_ms;
};

enum phase {
    PHASE_JOINING,  /* no partitions: not yet, or between two assignments */
    PHASE_STARTING, /* assigned; the stage is asked where to start */
    PHASE_RUNNING,
    PHASE_DRAINING, /* partitions go: no new records, unfinished jobs get drain_ms */
    PHASE_CLOSING,  /* leaving the group */
};

#define MAX_TOPICS 16

struct topic_name {
    const char *name; /* without prefix */
    char *full;
};

struct cf_worker {
    const struct cf_stage *stage;
    struct topic_name topics[MAX_TOPICS]; /* of all inputs and outputs */
    size_t n_topics;
    const char *outputs[MAX_TOPICS + 1]; /* full names, for the producer */
    struct cf_config *config;
    struct worker_config values;
    void *stage_values, *stage_state;
    char instance[256], group[256], transactional_id[520];
    struct cf_loop *loop;
    struct cf_kafka *kafka;
    struct cf_http *http;
    struct cf_redis *redis;
    struct cf_admin *admin;
    struct cf_metrics *metrics;
    struct cf_metric_group *own_metrics, *stage_metrics;
    enum phase phase;
    struct part *parts;
    size_t n_parts, n_unknown_starts, next_part;
    bool lost;      /* draining because others own the partitions already */
    bool stopping;  /* SIGTERM or a failure: after the drain the process ends */
    bool gave_up;   /* on leaving the group: Kafka hangs, and freeing its clients would too */
    bool was_ready; /* the group has had us once */
    int exit_code;
    struct cf_job *ready, **last_ready;
    struct cf_job *spare; /* finished structures for reuse */
    size_t n_spare, n_jobs, n_unfinished;
    size_t held_bytes;       /* of all jobs */
    struct batch open, sent; /* `sent` is under way when committing */
    bool committing, turn_due;
    uint64_t commit_began_ms;
    size_t last_batch;            /* records of the last batch: is there load? */
    struct cf_kafka_out *records; /* the batch under way, as Kafka wants it */
    size_t records_size;
    struct cf_kafka_offset *offsets;
    struct cf_kafka_batch kafka_batch;
    struct cf_timer *commit_timer, *drain_timer, *idle_timer, *end_timer, *stats_timer;
    uint64_t random;
    uint64_t taken_total, out_total, dlq_total;
};

/* ---- worker.c ---- */
/** Begins the end: drain, close, exit with `exit_code`. */
void cf_worker_stop(struct cf_worker *worker, int exit_code);
/** Something changed: look at everything on the next turn of the loop. */
void cf_worker_turn_soon(struct cf_worker *worker);
/** The full name of one of the stage's topics; lives as long as the worker. */
const char *cf_worker_topic(const struct cf_worker *worker, const char *name);
/** Full topic name -> the stage's input, NULL when it is none. */
const struct cf_input *cf_worker_input(const struct cf_worker *worker, const char *topic);

/* ---- worker_parts.c ---- */
void cf_parts_assigned(void *arg, const struct cf_kafka_committed *parts, size_t n);
void cf_parts_revoking(void *arg, bool lost);
/** Starts draining; `lost`: cancel all now. Answers by giving the parts up when nothing is left. */
void cf_parts_drain(struct cf_worker *worker, bool lost);
/** Gives the parts up if the drain is over. */
void cf_parts_check_drained(struct cf_worker *worker);
void cf_parts_free(struct cf_worker *worker);

/* ---- worker_jobs.c ---- */
/** Takes records while there is room and runs what is ready. */
void cf_jobs_turn(struct cf_worker *worker);
void cf_jobs_cancel_all(struct cf_worker *worker);
/** Records being worked on or waiting for their commit. */
size_t cf_jobs_in_flight(const struct cf_worker *worker);
/** Cancels the jobs that only wait for a retry. */
void cf_jobs_cancel_backoffs(struct cf_worker *worker);
/** Frees a job that is in no list any more, or keeps it for reuse. */
void cf_job_free(struct cf_job *job);
void cf_jobs_free_spare(struct cf_worker *worker);

/* ---- worker_batch.c ---- */
void cf_batch_init(struct batch *batch);
void cf_batch_add_job(struct cf_worker *worker, struct cf_job *job);
/** Commits if it is time. `now`: do not wait for more. */
void cf_batch_turn(struct cf_worker *worker, bool now);
void cf_batch_committed(void *arg, const struct cf_err *err);
/** Frees the open batch without effect. */
void cf_batch_drop(struct cf_worker *worker);
/** Commits positions behind transaction markers, so that an idle worker shows no lag. */
void cf_batch_idle(void *arg);
void cf_batch_free(struct cf_worker *worker);

/* ---- worker_admin.c ---- */
enum worker_metric {
    M_BUILD_INFO,
    M_CONSUMED,
    M_RESULTS,
    M_DLQ,
    M_RETRIES,
    M_IN_FLIGHT,
    M_JOB_SECONDS,
    M_COMMITS,
    M_COMMIT_SECONDS,
    M_COMMIT_RECORDS,
    M_LAG,
    M_REBALANCES,
    M_PARTITIONS,
    M_REPLAYED,
    M_KAFKA_TROUBLES,
    M_REDIS_UP,
    M_LOOP_BUSY,
};
extern const struct cf_metric cf_worker_metric_table[];
CF_CHECKED int cf_worker_admin_start(struct cf_worker *worker, struct cf_err *err);
void cf_worker_log_stats(void *arg);

#endif
