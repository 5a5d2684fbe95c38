/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/decision.h"

#include <stdio.h>

struct cf_str cf_decision_key(const struct cf_call_routed *decision)
{
    return decision->call_id.p ? decision->call_id : decision->agent_id;
}

int cf_decision_encode(const struct cf_call_routed *decision, struct cf_buf *buf, struct cf_err *err)
{
    struct cf_event event = {.type = CF_EVENT_CALL_ROUTED,
                             .source = CF_STR("/callfleet/routing"),
                             .traceparent = decision->cause.traceparent,
                             .time = decision->at};
    char source[192], id[37];

    (void)snprintf(source, sizeof(source), "%.*s/%lld", CF_STR_FMT(decision->domain),
                   (long long)decision->seq);
    cf_event_derive_id(cf_str_of(source), "routing", "call-routed", id);
    event.id = cf_str_of(id);
    event.data.call_routed = *decision;
    return cf_event_encode(&event, buf, err);
}
