/* SPDX-License-Identifier: Apache-2.0 */
/* A job's event as a result: its envelope, which is the same for all stages. */
#include "worker/worker_priv.h"

enum cf_next cf_job_emit_event(struct cf_job *job, struct cf_str key, struct cf_event *event)
{
    const char *stage = job->worker->stage->name, *name = cf_event_name(event->type);
    struct cf_str text;
    struct cf_buf buf;
    struct cf_err err;
    char id[37];

    cf_event_derive_id(job->event->id, stage, name, id);
    event->id = cf_str_of(id);
    event->source = cf_arena_printf(job->arena, "callfleet/%s", stage);
    event->traceparent = job->event->traceparent;
    cf_buf_init(&buf, CF_JOB_MAX_EVENT_BYTES);
    if (cf_event_encode(event, &buf, &err)) {
        cf_buf_done(&buf);
        return cf_job_fail(job, &err);
    }
    text = cf_arena_str(job->arena, cf_buf_view(&buf));
    cf_buf_done(&buf);
    event->id = (struct cf_str){0}; /* it was in our frame */
    cf_job_emit(job, name, key, text);
    return CF_DONE;
}
