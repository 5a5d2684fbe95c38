/* SPDX-License-Identifier: Apache-2.0 */
#include "check/explain.h"

#include <stdlib.h>

struct explain {
    FILE *out;
    size_t n;
    struct cf_str call_id;
};

struct explain *explain_new(struct cf_str call_id, FILE *out)
{
    struct explain *explain = cf_calloc(1, sizeof(*explain));

    explain->call_id = call_id;
    explain->out = out;
    return explain;
}

void explain_watch(void *arg, struct model *model, const struct cf_call_routed *decision, bool after)
{
    struct explain *explain = arg;

    (void)model;
    if (after || !cf_str_eq(decision->call_id, explain->call_id))
        return;
    explain->n++;
}

size_t explain_free(struct explain *explain)
{
    size_t n = explain ? explain->n : 0;

    free(explain);
    return n;
}
