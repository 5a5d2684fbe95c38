/* SPDX-License-Identifier: Apache-2.0 */
/*
 * echo-worker: a stage that does nothing of its own, for the runtime's tests and benchmarks. It passes
 * call-started on to call-queued, each record once, after a random wait of up to `echo_wait_ms` (so records
 * finish out of order). `echo_decode` adds what the real stages do to every event: decode, check, encode.
 */
#include <stdlib.h>

#include "loop/loop.h"
#include "worker/worker.h"

struct echo_config {
#define CF_CONFIG_STRUCT
#include "config/keys.h"

#include "echo_config.def"

#include "config/keys_end.h"
};

#define CF_CONFIG_ARRAY struct echo_config
#include "config/keys.h"

static const struct cf_key keys[] = {
#include "echo_config.def"
    {0}};
#include "config/keys_end.h"

struct echo_job {
    struct cf_timer *timer;
};

enum { STEP_WAIT, STEP_EMIT };

static struct cf_buf text; /* one encoding at a time */

static void cancel_wait(void *arg)
{
    struct echo_job *echo = arg;

    cf_timer_free(echo->timer);
}

static void wait_over(void *arg)
{
    struct cf_job *job = arg;

    cancel_wait(cf_job_state(job));
    cf_job_resume(job);
}

static enum cf_next step_wait(struct cf_job *job)
{
    struct cf_worker *worker = cf_job_worker(job);
    const struct echo_config *config = cf_worker_config(worker);
    struct echo_job *echo = cf_job_state(job);

    cf_job_goto(job, STEP_EMIT);
    if (config->echo_wait_ms == 0)
        return CF_MORE;
    echo->timer = cf_timer_new(cf_worker_loop(worker), wait_over, job);
    cf_timer_start(echo->timer, cf_worker_random(worker) % (config->echo_wait_ms + 1), 0);
    cf_job_on_cancel(job, cancel_wait, echo);
    return CF_WAIT;
}

static enum cf_next emit_event(struct cf_job *job)
{
    const struct cf_event *started = cf_job_event(job);
    struct cf_event queued = {
        .type = CF_EVENT_CALL_QUEUED, .source = CF_STR("/callfleet/echo"), .time = started->time};
    struct cf_str call_id = started->data.call_started.call_id;
    struct cf_err err;
    char id[37];

    cf_event_derive_id(started->id, "echo", "call-queued", id);
    queued.id = cf_str_of(id);
    queued.data.call_queued = (struct cf_call_queued){
        .call_id = call_id,
        .queued_at = started->data.call_started.started_at,
        .ani = started->data.call_started.ani,
        .dnis = started->data.call_started.dnis,
        .entry_point_id = started->data.call_started.entry_point_id,
        .attributes = started->data.call_started.attributes,
        .customer = {.status = CF_CUSTOMER_UNMATCHED, .match_count = -1},
        .greeting = {CF_STR("en"), CF_STR("Hello"), CF_STR("<speak>Hello</speak>")},
        .treatment = {CF_STR("defaultmusic_on_hold.wav")},
    };
    if (cf_event_encode(&queued, &text, &err) < 0)
        return cf_job_fail(job, &err);
    cf_job_emit(job, "call-queued", call_id, cf_arena_str(cf_job_arena(job), cf_buf_view(&text)));
    return CF_DONE;
}

static enum cf_next step_emit(struct cf_job *job)
{
    const struct cf_record *record = cf_job_record(job);

    if (cf_job_event(job))
        return emit_event(job);
    if (strcmp(record->topic, "call-started") == 0)
        cf_job_emit(job, "call-queued", record->key, record->value);
    return CF_DONE;
}

static int init(struct cf_worker *worker, struct cf_err *err)
{
    (void)worker;
    (void)err;
    cf_buf_init(&text, 1U << 20);
    return 0;
}

static void done(struct cf_worker *worker)
{
    (void)worker;
    cf_buf_done(&text);
}

int main(int argc, char **argv)
{
    static const struct cf_input inputs[] = {{.topic = "call-started", .raw = true}, {0}};
    static const struct cf_input decoded[] = {{.topic = "call-started", .type = CF_EVENT_CALL_STARTED}, {0}};
    static const struct cf_input queued[] = {{.topic = "call-queued", .raw = true}, {0}};
    static const char *const outputs[] = {"call-queued", NULL}, *const none[] = {NULL};
    static const struct cf_step steps[] = {
        [STEP_WAIT] = {"wait", step_wait}, [STEP_EMIT] = {"emit", step_emit}};
    struct cf_stage stage = {
        .name = "echo",
        .help = "passes call-started on to call-queued, for tests and benchmarks",
        .inputs = inputs,
        .outputs = outputs,
        .config_keys = keys,
        .config_size = sizeof(struct echo_config),
        .steps = steps,
        .job_size = sizeof(struct echo_job),
        .init = init,
        .done = done,
    };
    const char *mode = getenv("CALLFLEET_ECHO_MODE");

    if (mode && strcmp(mode, "decode") == 0) {
        stage.inputs = decoded;
    } else if (mode && strcmp(mode, "sink") == 0) {
        stage.inputs = queued;
        stage.outputs = none;
    }
    return cf_worker_main(&stage, argc, argv);
}
