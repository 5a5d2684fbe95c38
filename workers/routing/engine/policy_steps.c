/* SPDX-License-Identifier: Apache-2.0 */
/* The steps by which a queue asks for less while a call waits. */
#include <stdio.h>

#include "engine/policy_priv.h"

#define HOUR_MS (3600LL * 1000)

static int read_step(struct cf_policy_reader *r, const struct cf_json *node, int64_t earliest_ms,
                     struct cf_step_policy *step)
{
    static const char *const members[] = {"afterMs", "drop", "skills", "teams", NULL};

    step->after_ms = -1;
    if (cf_policy_check(r, node, members) ||
        cf_policy_get_int(r, node, (struct cf_policy_range){"afterMs", &step->after_ms, 1, 24 * HOUR_MS}) ||
        cf_policy_get_list(r, node, "drop", &step->drop) ||
        cf_policy_get_needs(r, node, "skills", &step->skills) ||
        cf_policy_get_list(r, node, "teams", &step->teams))
        return -1;
    if (step->after_ms < 0)
        return cf_policy_fail(r, "afterMs", "is required");
    if (step->after_ms < earliest_ms)
        return cf_policy_fail(r, "afterMs", "must not be less than that of the step before");
    if (step->drop.n + step->skills.n + step->teams.n == 0)
        return cf_policy_fail(r, "", "must have drop, skills or teams");
    return 0;
}

int cf_policy_read_steps(struct cf_policy_reader *r, const struct cf_json *object,
                         struct cf_queue_policy *queue)
{
    const struct cf_json *array = cf_json_get(object, "steps");
    size_t end = strlen(r->path);
    struct cf_step_policy *steps;
    int64_t earliest_ms = 0;

    if (!array)
        return 0;
    if (array->type != CF_JSON_ARRAY)
        return cf_policy_fail(r, "steps", "must be an array");
    steps = cf_arena_zalloc(r->arena, CF_POLICY_MAX_STEPS * sizeof(*steps));
    queue->steps = steps;
    queue->n_steps = 0;
    for (const struct cf_json *node = array->u.first; node; node = node->next) {
        if (queue->n_steps == CF_POLICY_MAX_STEPS)
            return cf_policy_fail(r, "steps", "must hold at most 8 steps");
        (void)snprintf(r->path + end, sizeof(r->path) - end, ".steps[%zu]", queue->n_steps);
        if (read_step(r, node, earliest_ms, &steps[queue->n_steps]))
            return -1;
        earliest_ms = steps[queue->n_steps++].after_ms;
        r->path[end] = '\0';
    }
    return 0;
}
