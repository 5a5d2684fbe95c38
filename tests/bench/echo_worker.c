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

static enum cf_next step_emit(struct cf_job *job)
{
    const struct cf_record *record = cf_job_record(job);

    if (strcmp(record->topic, "call-started") == 0)
        cf_job_emit(job, "call-queued", record->key, record->value);
    return CF_DONE;
}

static int init(struct cf_worker *worker, struct cf_err *err)
{
    (void)worker;
    (void)err;
    return 0;
}

int main(int argc, char **argv)
{
    static const struct cf_input inputs[] = {{.topic = "call-started", .raw = true}, {0}};
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
    };

    /* The test of lag reads what another echo wrote, and writes nothing. */
    if (getenv("CALLFLEET_ECHO_SINK")) {
        stage.inputs = queued;
        stage.outputs = none;
    }
    return cf_worker_main(&stage, argc, argv);
}
