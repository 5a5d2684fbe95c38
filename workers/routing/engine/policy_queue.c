/* SPDX-License-Identifier: Apache-2.0 */
/* The queues of a domain and their settings. */
#include <stdio.h>

#include "engine/policy_priv.h"

#define DAY_MS (24LL * 3600 * 1000)

static const struct cf_queue_policy queue_defaults = {
    .credit_ms = 90000, /* the documented rule of a bank's centre: 1.5 minutes of waiting per step */
    .priority = CF_POLICY_NORMAL_PRIORITY,
    .offer_ms = 20000,
    .max_wait_ms = 600000,
    .wrap_up_ms = 10000,
    .wrap_up_max_ms = 300000,
    .handle_ms = 180000,
    .max_missed = 3,
    .no_agent_ms = -1,
};

/* "id" comes last: the defaults use the list without it. */
static const char *const queue_members[] = {
    "order",         "creditMs",    "priority",  "offerMs",  "maxWaitMs", "wrapUpMs", "wrapUpMaxMs",
    "handleMs",      "maxMissed",   "choice",    "overflow", "skills",    "teams",    "noAnswerDelayMs",
    "rejectDelayMs", "busyDelayMs", "estimate",  "onFull",   "onNoAgent", "onClosed", "steps",
    "preferHoldMs",  "maxCalls",    "noAgentMs", "resumeMs", "hours",     "id",       NULL};
static const char *const order_names[] = {"credit", "strict", NULL};
static const char *const choice_names[] = {"longest-available", "best-skill", "fewest-calls",
                                           "circular",          "linear",     NULL};
static const char *const estimate_names[] = {"queue-length", "last-wait", "none", NULL};

const char *cf_choice_name(enum cf_choice choice)
{
    return choice_names[choice];
}

static const char *const exit_members[CF_EXITS] = {"overflow", "onFull", "onNoAgent", "onClosed"};

static int read_exit(struct cf_policy_reader *r, const struct cf_json *node, enum cf_exit exit,
                     struct cf_queue_policy *queue)
{
    static const char *const members[] = {"queue", NULL};
    const struct cf_json *to = cf_json_get(node, exit_members[exit]);

    if (!to)
        return 0;
    queue->exits[exit].set = true;
    queue->exits[exit].queue = (struct cf_str){0};
    if (to->type == CF_JSON_STRING && cf_str_is(to->u.str, "end"))
        return 0;
    if (to->type != CF_JSON_OBJECT)
        return cf_policy_fail(r, exit_members[exit], "must be \"end\" or {\"queue\":ID}");
    if (cf_policy_check(r, to, members) || cf_policy_get_id(r, to, "queue", &queue->exits[exit].queue))
        return -1;
    return queue->exits[exit].queue.p ? 0 : cf_policy_fail(r, exit_members[exit], "must have a queue");
}

static int read_exits(struct cf_policy_reader *r, const struct cf_json *node, struct cf_queue_policy *queue)
{
    for (enum cf_exit exit = 0; exit < CF_EXITS; exit++) {
        if (read_exit(r, node, exit, queue))
            return -1;
    }
    return 0;
}

static int read_calendar(struct cf_policy_reader *r, const struct cf_json *node,
                         struct cf_queue_policy *queue)
{
    struct cf_str name = {0};

    if (cf_policy_get_id(r, node, "hours", &name))
        return -1;
    if (!name.p)
        return 0;
    queue->hours = cf_ids_get(&queue->domain->hours, name);
    return queue->hours ? 0 : cf_policy_fail(r, "hours", "must name a calendar of the domain");
}

static int read_words(struct cf_policy_reader *r, const struct cf_json *node, struct cf_queue_policy *queue)
{
    int order = queue->strict, choice = (int)queue->choice, estimate = (int)queue->estimate;

    if (cf_policy_get_word(r, node, "order", order_names, &order) ||
        cf_policy_get_word(r, node, "choice", choice_names, &choice) ||
        cf_policy_get_word(r, node, "estimate", estimate_names, &estimate))
        return -1;
    queue->strict = order != 0;
    queue->choice = (enum cf_choice)choice;
    queue->estimate = (enum cf_estimate)estimate;
    return 0;
}

/* Settings of a queue or of the defaults; absent ones keep what `queue` holds. */
static int read_settings(struct cf_policy_reader *r, const struct cf_json *node,
                         struct cf_queue_policy *queue)
{
    const struct cf_policy_range ranges[] = {
        {"creditMs", &queue->credit_ms, 0, DAY_MS},
        {"priority", &queue->priority, 1, CF_POLICY_LOWEST_PRIORITY},
        {"offerMs", &queue->offer_ms, 1000, 600000},
        {"maxWaitMs", &queue->max_wait_ms, 0, DAY_MS},
        {"wrapUpMs", &queue->wrap_up_ms, 0, 3600000},
        {"wrapUpMaxMs", &queue->wrap_up_max_ms, 1000, DAY_MS},
        {"handleMs", &queue->handle_ms, 1000, DAY_MS},
        {"maxMissed", &queue->max_missed, 1, 100},
        {"noAnswerDelayMs", &queue->no_answer_delay_ms, 0, DAY_MS},
        {"rejectDelayMs", &queue->reject_delay_ms, 0, DAY_MS},
        {"busyDelayMs", &queue->busy_delay_ms, 0, DAY_MS},
        {"preferHoldMs", &queue->prefer_hold_ms, 0, DAY_MS},
        {"maxCalls", &queue->max_calls, 0, 1000000},
        {"noAgentMs", &queue->no_agent_ms, 0, DAY_MS},
        {"resumeMs", &queue->resume_ms, 0, DAY_MS},
    };

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (cf_policy_get_int(r, node, ranges[i]))
            return -1;
    }
    if (queue->max_wait_ms > 0 && queue->max_wait_ms < 1000)
        return cf_policy_fail(r, "maxWaitMs", "must be 0 (no limit) or at least 1000");
    return read_words(r, node, queue) || read_exits(r, node, queue) || read_calendar(r, node, queue) ||
                   cf_policy_read_steps(r, node, queue) ||
                   cf_policy_get_needs(r, node, "skills", &queue->skills) ||
                   cf_policy_get_list(r, node, "teams", &queue->teams)
               ? -1
               : 0;
}

static int read_queue(struct cf_policy_reader *r, struct cf_policy *policy, const struct cf_json *node,
                      struct cf_queue_policy *queue)
{
    if (cf_policy_check(r, node, queue_members) || cf_policy_get_id(r, node, "id", &queue->id))
        return -1;
    if (!queue->id.p)
        return cf_policy_fail(r, "id", "is required");
    if (cf_ids_get(&policy->queues, queue->id))
        return cf_policy_fail(r, "id", "names a queue that is there already");
    cf_ids_put(&policy->queues, queue);
    return read_settings(r, node, queue);
}

int cf_policy_read_queues(struct cf_policy_reader *r, struct cf_policy *policy, const struct cf_json *object,
                          struct cf_domain_policy *domain)
{
    const struct cf_json *array = cf_json_get(object, "queues");
    const struct cf_json *defaults = cf_json_get(object, "defaults");
    struct cf_queue_policy base = queue_defaults;
    size_t end = strlen(r->path), n = 0;
    const char *dot = end ? "." : "";

    base.domain = domain;
    if (cf_policy_read_hours(r, object, domain))
        return -1;
    (void)snprintf(r->path + end, sizeof(r->path) - end, "%sdefaults", dot);
    if (defaults && (cf_policy_check(r, defaults, queue_members) || read_settings(r, defaults, &base)))
        return -1;
    if (cf_json_get(defaults, "id"))
        return cf_policy_fail(r, "id", "is not a known member");
    r->path[end] = '\0';
    if (!array || array->type != CF_JSON_ARRAY || !array->u.first)
        return cf_policy_fail(r, "queues", "must be an array with at least one queue");
    for (const struct cf_json *node = array->u.first; node; node = node->next)
        n++;
    if (n > CF_POLICY_MAX_QUEUES)
        return cf_policy_fail(r, "queues", "must hold at most 10000 queues");
    domain->queues = cf_arena_zalloc(r->arena, n * sizeof(*domain->queues));
    for (const struct cf_json *node = array->u.first; node; node = node->next) {
        struct cf_queue_policy *queue = &domain->queues[domain->n_queues];

        *queue = base;
        (void)snprintf(r->path + end, sizeof(r->path) - end, "%squeues[%zu]", dot, domain->n_queues++);
        if (read_queue(r, policy, node, queue))
            return -1;
        domain->remembers |= queue->resume_ms > 0;
        domain->by_calls |= queue->choice == CF_CHOICE_FEWEST_CALLS;
        domain->by_line |= queue->choice == CF_CHOICE_CIRCULAR || queue->choice == CF_CHOICE_LINEAR;
        r->path[end] = '\0';
    }
    return 0;
}
