/* SPDX-License-Identifier: Apache-2.0 */
#include "postcall_rules.h"

#include "clock/clock.h"

#define TEXT_FIELD_UNITS 255
#define DESCRIPTION_UNITS 32000

static bool is_field_name(const char *name)
{
    for (const char *at = name; *at; at++) {
        bool letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z');

        if (!letter && (at == name || !((*at >= '0' && *at <= '9') || *at == '_')))
            return false;
    }
    return *name != '\0';
}

int postcall_rules_check(const struct postcall_rules *rules, struct cf_err *err)
{
    struct cf_str unknown = postcall_template_unknown(cf_str_of(rules->subject));
    size_t n = 0;

    if (unknown.p)
        return cf_err_set(err, CF_ERR_CONFIG, "postcall", 0, "subject: {%.*s} is unknown",
                          CF_STR_FMT(postcall_cut(unknown, 60)));
    for (const struct cf_pair *at = rules->task_fields; at && at->name; at++) {
        unknown = postcall_template_unknown(cf_str_of(at->value));
        if (!is_field_name(at->name))
            return cf_err_set(err, CF_ERR_CONFIG, "postcall", 0, "[task_fields] %.60s is no field name",
                              at->name);
        if (unknown.p)
            return cf_err_set(err, CF_ERR_CONFIG, "postcall", 0, "[task_fields] %.60s: {%.*s} is unknown",
                              at->name, CF_STR_FMT(postcall_cut(unknown, 60)));
        if (++n > POSTCALL_MAX_FIELDS)
            return cf_err_set(err, CF_ERR_CONFIG, "postcall", 0, "[task_fields] has more than %d fields",
                              POSTCALL_MAX_FIELDS);
    }
    return 0;
}

bool postcall_is_abandoned(const struct cf_call_ended *ended)
{
    return !ended->agent_id.p && !ended->agent_name.p && ended->talk_ms <= 0;
}

static int64_t duration_s(const struct cf_call_ended *ended)
{
    int64_t hold_ms = ended->hold_ms > 0 ? ended->hold_ms : 0;

    if (ended->talk_ms >= 0)
        return (ended->talk_ms + hold_ms) / 1000;
    if (postcall_is_abandoned(ended))
        return 0;
    if (ended->started_at != INT64_MIN && ended->started_at <= ended->ended_at)
        return (ended->ended_at - ended->started_at) / 1000;
    return -1;
}

static struct cf_str disposition(const struct cf_call_ended *ended)
{
    if (ended->wrap_up_code.p)
        return ended->wrap_up_code;
    return postcall_is_abandoned(ended) ? CF_STR("Abandoned") : ended->reason;
}

static void fill_fields(struct cf_arena *arena, const struct postcall_rules *rules,
                        const struct cf_call_ended *ended, struct postcall_plan *plan)
{
    struct postcall_field *fields = cf_arena_alloc(arena, POSTCALL_MAX_FIELDS * sizeof(*fields));

    for (const struct cf_pair *at = rules->task_fields; at && at->name; at++) {
        struct cf_str value = postcall_render(arena, cf_str_of(at->value), ended);

        if (value.n > 0 && plan->n_fields < POSTCALL_MAX_FIELDS)
            fields[plan->n_fields++] =
                (struct postcall_field){at->name, postcall_cut(value, TEXT_FIELD_UNITS)};
    }
    plan->fields = fields;
}

static void fill_task(struct cf_arena *arena, const struct postcall_rules *rules,
                      const struct cf_call_ended *ended, struct cf_str text, struct postcall_plan *plan)
{
    struct cf_str subject = postcall_render(arena, cf_str_of(rules->subject), ended);
    char date[CF_CLOCK_TEXT_SIZE];

    cf_clock_format(ended->ended_at, date);
    plan->subject = postcall_cut(subject, TEXT_FIELD_UNITS);
    text = postcall_cut(text, DESCRIPTION_UNITS - plan->marker.n - 1);
    plan->description = cf_arena_printf(arena, "%.*s\n%.*s", CF_STR_FMT(text), CF_STR_FMT(plan->marker));
    plan->call_type = cf_str_is(ended->direction, "outbound") ? CF_STR("Outbound") : CF_STR("Inbound");
    plan->disposition = postcall_cut(disposition(ended), TEXT_FIELD_UNITS);
    plan->activity_date = cf_arena_str(arena, (struct cf_str){date, 10});
    plan->duration_s = duration_s(ended);
    fill_fields(arena, rules, ended, plan);
}

void postcall_decide(struct cf_arena *arena, const struct postcall_rules *rules,
                     const struct cf_call_ended *ended, const struct postcall_customer *customer,
                     struct postcall_plan *ret_plan)
{
    struct postcall_plan *plan = ret_plan;
    bool known = customer->contact_id.p || customer->account_id.p || customer->case_id.p;
    struct cf_str text;

    *plan = (struct postcall_plan){.consult = ended->parent_call_id.p &&
                                              !cf_str_eq(ended->parent_call_id, ended->call_id)};
    if ((!known && !rules->write_unmatched) || (postcall_is_abandoned(ended) && !rules->write_abandoned)) {
        plan->nothing = true;
        return;
    }
    plan->key = plan->consult ? ended->parent_call_id : ended->call_id;
    plan->marker = cf_arena_printf(arena, "[callfleet:%.*s]", CF_STR_FMT(ended->call_id));
    text = postcall_text(arena, ended);
    fill_task(arena, rules, ended, text, plan);
    if (customer->case_id.p)
        plan->n_parts = postcall_split(arena, text, plan->marker, plan->parts);
}
