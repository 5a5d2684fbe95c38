/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "engine/policy_priv.h"

#define DAY_MS (24LL * 3600 * 1000)

static const char *const rule_members[] = {"id", "when", "then", NULL};
static const char *const when_members[] = {
    "tier",  "casePriority", "language",   "customer",       "entryPoint",
    "queue", "openCase",     "attributes", "repeatWithinMs", NULL};
static const char *const then_members[] = {"queue", "priority", "skills", "prefer", "preferHoldMs", NULL};
static const char *const prefer_names[] = {"case-owner", "account-owner", "contact-owner", "last-agent"};

static int read_attributes(struct cf_policy_reader *r, const struct cf_json *when, struct cf_rule *rule)
{
    const struct cf_json *node = cf_json_get(when, "attributes");
    struct cf_attribute_rule *list;
    size_t n = 0;

    if (!node)
        return 0;
    if (node->type != CF_JSON_OBJECT)
        return cf_policy_fail(r, "attributes", "must be an object: name to one value or several");
    list = cf_arena_zalloc(r->arena, CF_POLICY_MAX_NEEDS * sizeof(*list));
    for (const struct cf_json *item = node->u.first; item; item = item->next) {
        const char *key = cf_arena_cstr(r->arena, item->key);

        if (n == CF_POLICY_MAX_NEEDS)
            return cf_policy_fail(r, "attributes", "must hold at most 16 names");
        list[n].key = cf_arena_str(r->arena, item->key);
        if (cf_policy_get_list(r, node, key, &list[n++].values))
            return -1;
    }
    rule->attributes = list;
    rule->n_attributes = n;
    return 0;
}

static int read_when(struct cf_policy_reader *r, const struct cf_json *when, struct cf_rule *rule)
{
    const struct cf_json *open_case = cf_json_get(when, "openCase");
    struct cf_policy_range repeat = {"repeatWithinMs", &rule->repeat_within_ms, 1, DAY_MS};

    if (cf_policy_check(r, when, when_members) || cf_policy_get_list(r, when, "tier", &rule->tier) ||
        cf_policy_get_list(r, when, "casePriority", &rule->case_priority) ||
        cf_policy_get_list(r, when, "language", &rule->language) ||
        cf_policy_get_list(r, when, "customer", &rule->customer) ||
        cf_policy_get_list(r, when, "entryPoint", &rule->entry_point) ||
        cf_policy_get_list(r, when, "queue", &rule->queue) || cf_policy_get_int(r, when, repeat) ||
        read_attributes(r, when, rule))
        return -1;
    if (open_case && open_case->type != CF_JSON_BOOL)
        return cf_policy_fail(r, "openCase", "must be true or false");
    rule->open_case = open_case ? open_case->u.boolean : -1;
    for (size_t i = 0; i < rule->customer.n; i++) {
        bool known = false;

        for (int status = CF_CUSTOMER_MATCHED; status < CF_CUSTOMER_OTHER && !known; status++)
            known =
                cf_str_is(rule->customer.items[i], cf_customer_status_name((enum cf_customer_status)status));
        if (!known)
            return cf_policy_fail(r, "customer", "must name customer statuses of the event contract");
    }
    return 0;
}

static int read_prefer(struct cf_policy_reader *r, const struct cf_json *then, struct cf_rule *rule)
{
    struct cf_policy_list names = {0};

    if (cf_policy_get_list(r, then, "prefer", &names))
        return -1;
    for (size_t i = 0; i < names.n; i++) {
        size_t which = 0;

        while (which < CF_POLICY_MAX_PREFER && !cf_str_is(names.items[i], prefer_names[which]))
            which++;
        if (which == CF_POLICY_MAX_PREFER || rule->n_prefer == CF_POLICY_MAX_PREFER)
            return cf_policy_fail(r, "prefer",
                                  "must be of case-owner, account-owner, contact-owner, last-agent");
        rule->prefer[rule->n_prefer++] = (enum cf_policy_prefer)which;
    }
    return 0;
}

static int read_then(struct cf_policy_reader *r, const struct cf_json *then, struct cf_rule *rule)
{
    struct cf_policy_range priority = {"priority", &rule->priority, 1, CF_POLICY_LOWEST_PRIORITY};
    struct cf_policy_range hold = {"preferHoldMs", &rule->prefer_hold_ms, 0, DAY_MS};

    rule->prefer_hold_ms = -1;
    if (cf_policy_check(r, then, then_members) || cf_policy_get_list(r, then, "queue", &rule->to))
        return -1;
    if (rule->to.n > CF_POLICY_MAX_QUEUED)
        return cf_policy_fail(r, "queue", "must be at most 4 queues");
    return cf_policy_get_int(r, then, priority) || cf_policy_get_int(r, then, hold) ||
                   cf_policy_get_needs(r, then, "skills", &rule->skills) || read_prefer(r, then, rule)
               ? -1
               : 0;
}

static int read_rule(struct cf_policy_reader *r, const struct cf_json *node, struct cf_rule *rule)
{
    const struct cf_json *when = cf_json_get(node, "when");
    size_t end = strlen(r->path);
    size_t room = sizeof(r->path) - end;

    rule->open_case = -1;
    rule->id = cf_arena_str(r->arena, cf_str_of(r->path));
    if (cf_policy_check(r, node, rule_members) || cf_policy_get_id(r, node, "id", &rule->id))
        return -1;
    if (memchr(rule->id.p, ',', rule->id.n))
        return cf_policy_fail(r, "id", "must hold no comma");
    if (when) {
        (void)snprintf(r->path + end, room, ".when");
        if (read_when(r, when, rule))
            return -1;
    }
    (void)snprintf(r->path + end, room, ".then");
    if (read_then(r, cf_json_get(node, "then"), rule))
        return -1;
    r->path[end] = '\0';
    return 0;
}

static bool remembers(const struct cf_rule *rule)
{
    bool found = rule->repeat_within_ms > 0;

    for (size_t i = 0; i < rule->n_prefer; i++)
        found |= rule->prefer[i] == CF_PREFER_LAST_AGENT;
    return found;
}

int cf_policy_read_rules(struct cf_policy_reader *r, const struct cf_json *object,
                         struct cf_domain_policy *domain)
{
    const struct cf_json *array = cf_json_get(object, "rules");
    size_t end = strlen(r->path), n = 0;

    if (!array)
        return 0;
    if (array->type != CF_JSON_ARRAY)
        return cf_policy_fail(r, "rules", "must be an array");
    for (const struct cf_json *node = array->u.first; node; node = node->next)
        n++;
    if (n > CF_POLICY_MAX_RULES)
        return cf_policy_fail(r, "rules", "must hold at most 1000 rules");
    domain->rules = cf_arena_zalloc(r->arena, n * sizeof(*domain->rules));
    for (const struct cf_json *node = array->u.first; node; node = node->next) {
        (void)snprintf(r->path + end, sizeof(r->path) - end, "%srules[%zu]", end ? "." : "", domain->n_rules);
        if (read_rule(r, node, &domain->rules[domain->n_rules]))
            return -1;
        domain->remembers |= remembers(&domain->rules[domain->n_rules++]);
        r->path[end] = '\0';
    }
    return 0;
}
