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

const struct cf_pair *postcall_mapped(const struct cf_pair *task_fields, struct cf_str field)
{
    for (const struct cf_pair *at = task_fields; at && at->name; at++) {
        if (cf_str_eq_nocase(cf_str_of(at->name), field))
            return at;
    }
    return NULL;
}

static int unknown_placeholder(const char *key, const char *name, struct cf_str unknown, struct cf_err *err)
{
    return cf_err_set(err, CF_ERR_CONFIG, "postcall", 0, "%s%.60s: {%.*s} is unknown", key, name,
                      CF_STR_FMT(postcall_cut(unknown, 60)));
}

static int check_templates(const struct postcall_rules *rules, struct cf_err *err)
{
    const struct {
        const char *key, *template_text;
        bool text;
    } rows[] = {{"subject", rules->subject, false},
                {"disposition", rules->disposition, false},
                {"description", rules->description, true},
                {"comment", rules->comment, true},
                {"recording_link", rules->recording_link, false}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cf_str at = cf_str_of(rows[i].template_text);
        struct cf_str unknown =
            rows[i].text ? postcall_template_unknown_in_text(at) : postcall_template_unknown(at);

        if (unknown.p)
            return unknown_placeholder(rows[i].key, "", unknown, err);
    }
    return 0;
}

/* What a key of its own sets, or what the record is found by. */
static bool is_reserved(const char *name)
{
    static const char *const names[] = {"Subject", "Description", "CallDisposition", "CallObject", "WhoId",
                                        "WhatId",  "Id"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (cf_str_eq_nocase(cf_str_of(names[i]), cf_str_of(name)))
            return true;
    }
    return false;
}

int postcall_rules_check(const struct postcall_rules *rules, struct cf_err *err)
{
    struct cf_str unknown;
    size_t n = 0;

    if (check_templates(rules, err) != 0)
        return -1;
    for (const struct cf_pair *at = rules->task_fields; at && at->name; at++) {
        unknown = postcall_template_unknown(cf_str_of(at->value));
        if (!is_field_name(at->name))
            return cf_err_set(err, CF_ERR_CONFIG, "postcall", 0, "[task_fields] %.60s is no field name",
                              at->name);
        if (is_reserved(at->name))
            return cf_err_set(err, CF_ERR_CONFIG, "postcall", 0,
                              "[task_fields] %.60s is set by a key of its own, or by the call", at->name);
        if (unknown.p)
            return unknown_placeholder("[task_fields] ", at->name, unknown, err);
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

int64_t postcall_duration_s(const struct cf_call_ended *ended)
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

struct cf_str postcall_result(const struct cf_call_ended *ended)
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
    plan->mapped = rules->task_fields;
    plan->fields = fields;
}

static struct cf_str or_default(const char *template_text, const char *otherwise)
{
    return cf_str_of(template_text ? template_text : otherwise);
}

static void fill_task(struct cf_arena *arena, const struct postcall_rules *rules,
                      const struct cf_call_ended *ended, struct cf_str text, struct postcall_plan *plan)
{
    struct cf_str disposition = postcall_render(arena, or_default(rules->disposition, "{result}"), ended);
    char date[CF_CLOCK_TEXT_SIZE];

    cf_clock_format(ended->ended_at, date);
    plan->subject = postcall_cut(postcall_render(arena, cf_str_of(rules->subject), ended), TEXT_FIELD_UNITS);
    text = postcall_render_text(arena, or_default(rules->description, "{text}"), ended, text);
    text = postcall_cut(text, DESCRIPTION_UNITS - plan->marker.n - 1);
    plan->description = cf_arena_printf(arena, "%.*s\n%.*s", CF_STR_FMT(text), CF_STR_FMT(plan->marker));
    plan->call_type = cf_str_is(ended->direction, "outbound") ? CF_STR("Outbound") : CF_STR("Inbound");
    if (disposition.n > 0)
        plan->disposition = postcall_cut(disposition, TEXT_FIELD_UNITS);
    plan->activity_date = cf_arena_str(arena, (struct cf_str){date, 10});
    plan->duration_s = postcall_duration_s(ended);
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
    text = postcall_text(arena, ended, or_default(rules->recording_link, "{recordingUrl}"));
    fill_task(arena, rules, ended, text, plan);
    if (!customer->case_id.p)
        return;
    text = postcall_render_text(arena, or_default(rules->comment, "{text}"), ended, text);
    plan->n_parts = postcall_split(arena, text, plan->marker, plan->parts);
}
