/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a policy; one that is accepted must route a call. */
#include <stdlib.h>

#include "engine/engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count(void *arg, const struct cf_call_routed *decision)
{
    (void)decision;
    ++*(int *)arg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cf_err err;
    struct cf_policy *policy = cf_policy_parse((struct cf_str){(const char *)data, size}, &err);
    struct cf_call_queued queued = {.call_id = CF_STR("c")};
    struct cf_rt_record record = {.kind = CF_RT_CALL_QUEUED, .t = 1000, .u.call_queued = &queued};
    struct cf_engine *engine;
    int decisions = 0;

    if (!policy)
        return 0;
    engine = cf_engine_new(cf_policy_domain(policy, 0), policy);
    cf_engine_step(engine, &record, count, &decisions);
    /* queued, then perhaps from queue to queue, and the end. */
    if (decisions < 1 || decisions > 12)
        abort();
    cf_engine_free(engine);
    cf_policy_unref(policy);
    return 0;
}
