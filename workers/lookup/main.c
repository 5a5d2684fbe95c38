/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup.h"

int main(int argc, char **argv)
{
    static const struct cf_input inputs[] = {{.topic = "call-started", .type = CF_EVENT_CALL_STARTED}, {0}};
    static const char *const outputs[] = {"call-queued", NULL};
    static const struct cf_stage stage = {
        .name = "lookup",
        .help = "finds out who is calling: call-started in, call-queued out",
        .inputs = inputs,
        .outputs = outputs,
        .config_keys = lookup_keys,
        .config_size = sizeof(struct lookup_config),
        .metrics = lookup_metrics,
        .steps = lookup_steps,
        .job_size = sizeof(struct lookup_job),
        .fetch_ahead_kib = 4096, /* 10,000 calls/s of each partition; an outage fills it */
        .init = lookup_init,
        .done = lookup_done,
    };

    return cf_worker_main(&stage, argc, argv);
}
