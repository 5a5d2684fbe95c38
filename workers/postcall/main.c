/* SPDX-License-Identifier: Apache-2.0 */
#include "postcall.h"

int main(int argc, char **argv)
{
    static const struct cf_input inputs[] = {{.topic = "call-ended", .type = CF_EVENT_CALL_ENDED}, {0}};
    static const char *const outputs[] = {"call-updated", NULL};
    static const struct cf_stage stage = {
        .name = "postcall",
        .help = "writes calls that are over to Salesforce: call-ended in, call-updated out",
        .inputs = inputs,
        .outputs = outputs,
        .config_keys = postcall_keys,
        .config_size = sizeof(struct postcall_config),
        .metrics = postcall_metrics,
        .steps = postcall_steps,
        .job_size = sizeof(struct postcall_job),
        .fetch_ahead_kib = 4096, /* 5,000 calls/s of each partition; an outage fills it */
        .init = postcall_init,
        .done = postcall_done,
    };

    return cf_worker_main(&stage, argc, argv);
}
