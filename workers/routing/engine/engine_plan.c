/* SPDX-License-Identifier: Apache-2.0 */
/* What the policy and the producer say about a new call: queue, priority, skills, preferred agents. */
#include "engine/engine_priv.h"
#include "json/json.h"

/* "de" holds for "de-AT" too. */
static bool has_language(struct cf_policy_list list, struct cf_str language)
{
    for (size_t i = 0; i < list.n; i++) {
        struct cf_str head = {language.p, list.items[i].n < language.n ? list.items[i].n : language.n};

        if (cf_str_eq_nocase(list.items[i], head) && (head.n == language.n || language.p[head.n] == '-'))
            return true;
    }
    return false;
}

static bool has_attributes(const struct cf_rule *rule, const struct cf_json *attributes)
{
    for (size_t i = 0; i < rule->n_attributes; i++) {
        struct cf_str value = {0};
        bool found = false;

        for (const struct cf_json *item = attributes ? attributes->u.first : NULL; item && !found;
             item = item->next) {
            found = cf_str_eq(item->key, rule->attributes[i].key) && item->type == CF_JSON_STRING;
            value = found ? item->u.str : value;
        }
        if (!found || !cf_policy_list_has(rule->attributes[i].values, value))
            return false;
    }
    return true;
}

static bool has_case_priority(struct cf_policy_list list, const struct cf_customer *customer)
{
    for (size_t i = 0; i < customer->n_cases; i++) {
        if (cf_policy_list_has(list, customer->cases[i].priority))
            return true;
    }
    return false;
}

/* Whether the customer's last call ended so short ago. */
static bool repeats(const struct cf_engine *engine, const struct cf_rule *rule, const struct cf_plan *plan)
{
    const struct cf_tomb *last = plan->caller ? plan->caller->last : NULL;

    return last && engine->at - last->at <= rule->repeat_within_ms;
}

static bool holds(const struct cf_rule *rule, const struct cf_call_queued *event, struct cf_str queue)
{
    const struct cf_customer *customer = &event->customer;

    return (rule->tier.n == 0 || cf_policy_list_has(rule->tier, customer->account.tier)) &&
           (rule->case_priority.n == 0 || has_case_priority(rule->case_priority, customer)) &&
           (rule->language.n == 0 || has_language(rule->language, event->language)) &&
           (rule->customer.n == 0 ||
            cf_policy_list_has(rule->customer, cf_str_of(cf_customer_status_name(customer->status)))) &&
           (rule->entry_point.n == 0 || cf_policy_list_has(rule->entry_point, event->entry_point_id)) &&
           (rule->queue.n == 0 || cf_policy_list_has(rule->queue, queue)) &&
           (rule->open_case < 0 || (rule->open_case != 0) == (customer->n_cases > 0)) &&
           has_attributes(rule, event->attributes);
}

static void add_skills(struct cf_plan *plan, const struct cf_skill *skills, size_t n)
{
    for (size_t i = 0; i < n && plan->n_skills < CF_ENGINE_MAX_SKILLS; i++)
        plan->skills[plan->n_skills++] = skills[i];
}

static void add_prefer(struct cf_plan *plan, struct cf_str agent_id)
{
    if (agent_id.n > 0 && plan->n_prefer < sizeof(plan->prefer) / sizeof(plan->prefer[0]))
        plan->prefer[plan->n_prefer++] = agent_id;
}

/* Who talked with the customer last. */
static struct cf_str last_agent(const struct cf_plan *plan)
{
    const struct cf_tomb *last = plan->caller ? plan->caller->last : NULL;

    return last && last->memory->agent ? last->memory->agent->o.id : (struct cf_str){0};
}

static void add_owners(struct cf_plan *plan, const struct cf_rule *rule, const struct cf_customer *customer)
{
    for (size_t i = 0; i < rule->n_prefer; i++) {
        if (rule->prefer[i] == CF_PREFER_CASE_OWNER && customer->n_cases > 0)
            add_prefer(plan, customer->cases[0].owner_id);
        else if (rule->prefer[i] == CF_PREFER_ACCOUNT_OWNER)
            add_prefer(plan, customer->account.owner_id);
        else if (rule->prefer[i] == CF_PREFER_CONTACT_OWNER)
            add_prefer(plan, customer->contact.owner_id);
        else if (rule->prefer[i] == CF_PREFER_LAST_AGENT)
            add_prefer(plan, last_agent(plan));
    }
}

/* The queue the producer asked for, else that of the entry point, else the default one. */
static void start_queue(const struct cf_engine *engine, const struct cf_call_queued *event,
                        struct cf_plan *plan)
{
    struct cf_str entry = event->entry_point_id;
    const struct cf_policy_target *target =
        entry.n > 0 ? cf_ids_get(&engine->policy->entry_points, entry) : NULL;

    plan->reason = CF_STR("requested");
    plan->queue =
        event->has_request ? cf_policy_queue(engine->policy, engine->rules, event->request.queue_id) : NULL;
    if (plan->queue)
        return;
    if (target && target->domain == engine->rules) {
        plan->queue = target->queue;
        plan->reason = CF_STR("entry-point");
    } else {
        plan->queue = engine->rules->default_queue;
        plan->reason = CF_STR("default-queue");
    }
}

/* As long as there is room: what is left out can be found again in the policy. */
static void name_rule(struct cf_plan *plan, const struct cf_rule *rule)
{
    if (plan->rules.n + rule->id.n + 1 > plan->rules.limit)
        return;
    if (plan->rules.n > 0)
        cf_buf_char(&plan->rules, ',');
    cf_buf_str(&plan->rules, rule->id);
}

static void apply_rules(const struct cf_engine *engine, const struct cf_call_queued *event,
                        struct cf_plan *plan)
{
    const struct cf_queue_policy *start = plan->queue;
    bool fixed = cf_str_is(plan->reason, "requested");

    for (size_t i = 0; i < engine->rules->n_rules; i++) {
        const struct cf_rule *rule = &engine->rules->rules[i];

        if (!holds(rule, event, start->id) || (rule->repeat_within_ms > 0 && !repeats(engine, rule, plan)))
            continue;
        name_rule(plan, rule);
        if (rule->to.n > 0 && !fixed) {
            plan->queue = cf_policy_queue(engine->policy, engine->rules, rule->to.items[0]);
            plan->queues = rule->to;
            plan->reason = CF_STR("rule");
            fixed = true;
        }
        if (rule->priority > 0 && (plan->priority == 0 || rule->priority < plan->priority))
            plan->priority = rule->priority;
        if (rule->prefer_hold_ms >= 0)
            plan->hold_ms = rule->prefer_hold_ms;
        add_skills(plan, rule->skills.items, rule->skills.n);
        add_owners(plan, rule, &event->customer);
    }
}

const struct cf_plan *cf_engine_plan(struct cf_engine *engine, const struct cf_call_queued *event)
{
    const struct cf_queue_request *request = event->has_request ? &event->request : NULL;
    struct cf_plan *plan = &engine->plan;

    plan->priority = 0;
    plan->n_skills = 0;
    plan->n_prefer = 0;
    plan->queues.n = 0;
    plan->hold_ms = -1;
    plan->caller_id = cf_engine_caller_id(engine, &event->customer);
    plan->caller = plan->caller_id.n > 0 ? cf_ids_get(&engine->callers, plan->caller_id) : NULL;
    cf_buf_clear(&plan->rules);
    start_queue(engine, event, plan);
    if (request) {
        add_prefer(plan, request->agent_id);
        add_skills(plan, request->skills, request->n_skills);
    }
    apply_rules(engine, event, plan);
    if (request && request->priority >= 1 && request->priority <= CF_POLICY_LOWEST_PRIORITY)
        plan->priority = request->priority;
    if (plan->priority == 0)
        plan->priority = plan->queue->priority;
    if (plan->hold_ms < 0)
        plan->hold_ms = plan->queue->prefer_hold_ms;
    return plan;
}
