/* SPDX-License-Identifier: Apache-2.0 */
/* The calendars of a domain. */
#include <stdio.h>

#include "engine/policy_priv.h"

enum { MAX_CALENDARS = 1000, MAX_HOLIDAYS = 1000 };

/* "closed", a span, or several. */
static int read_day(struct cf_policy_reader *r, const struct cf_json *node, const char *member,
                    struct cf_hours_day *ret_day)
{
    struct cf_policy_list spans = {0};

    ret_day->n = 0;
    if (cf_policy_get_list(r, node, member, &spans))
        return -1;
    if (spans.n == 1 && cf_str_is(spans.items[0], "closed"))
        return 0;
    for (size_t i = 0; i < spans.n; i++) {
        if (!cf_hours_add_span(ret_day, spans.items[i]))
            return cf_policy_fail(r, member, "must be \"closed\" or at most 4 times such as \"08:00-18:00\"");
    }
    return 0;
}

static int read_week(struct cf_policy_reader *r, const struct cf_json *week, struct cf_hours *hours)
{
    for (const struct cf_json *item = week->u.first; item; item = item->next) {
        const char *member = cf_arena_cstr(r->arena, item->key);
        unsigned days = cf_hours_weekdays(item->key);
        struct cf_hours_day day;

        if (days == 0)
            return cf_policy_fail(r, member, "must be days such as \"mon\" or \"mon-fri\"");
        if (read_day(r, week, member, &day))
            return -1;
        for (unsigned i = 0; i < 7; i++) {
            if (days >> i & 1)
                hours->week[i] = day;
        }
    }
    return 0;
}

static int read_holidays(struct cf_policy_reader *r, const struct cf_json *map, struct cf_hours *hours)
{
    struct cf_hours_holiday *list;
    size_t n = 0;

    for (const struct cf_json *item = map->u.first; item; item = item->next)
        n++;
    if (n > MAX_HOLIDAYS)
        return cf_policy_fail(r, "", "must hold at most 1000 days");
    list = cf_arena_zalloc(r->arena, n * sizeof(*list));
    hours->holidays = list;
    for (const struct cf_json *item = map->u.first; item; item = item->next) {
        struct cf_hours_holiday *holiday = &list[hours->n_holidays++];
        const char *member = cf_arena_cstr(r->arena, item->key);

        if (!cf_hours_date(item->key, holiday))
            return cf_policy_fail(r, member, "must be a day such as \"2026-12-25\" or \"12-25\"");
        if (read_day(r, map, member, &holiday->hours))
            return -1;
    }
    return 0;
}

/* An object member, entered: its name is in the path until the caller cuts it off. */
static int enter(struct cf_policy_reader *r, size_t end, const char *member, const struct cf_json *node)
{
    (void)snprintf(r->path + end, sizeof(r->path) - end, ".%s", member);
    return node->type == CF_JSON_OBJECT ? 0 : cf_policy_fail(r, "", "must be an object");
}

static int read_calendar(struct cf_policy_reader *r, const struct cf_json *node, struct cf_hours *hours)
{
    static const char *const members[] = {"zone", "week", "holidays", NULL};
    const struct cf_json *week = cf_json_get(node, "week"), *holidays = cf_json_get(node, "holidays");
    struct cf_str zone = CF_STR("UTC");
    size_t end = strlen(r->path);

    if (cf_policy_check(r, node, members) || cf_policy_get_id(r, node, "zone", &zone))
        return -1;
    if (!cf_zone_parse(zone, &hours->zone))
        return cf_policy_fail(r, "zone", "must be \"UTC\" or as \"CET-1CEST,M3.5.0,M10.5.0/3\"");
    if (!week)
        return cf_policy_fail(r, "week", "is required");
    if (enter(r, end, "week", week) || read_week(r, week, hours))
        return -1;
    if (holidays && (enter(r, end, "holidays", holidays) || read_holidays(r, holidays, hours)))
        return -1;
    r->path[end] = '\0';
    return 0;
}

int cf_policy_read_hours(struct cf_policy_reader *r, const struct cf_json *object,
                         struct cf_domain_policy *domain)
{
    const struct cf_json *map = cf_json_get(object, "hours");
    size_t end = strlen(r->path), n = 0;

    if (!map)
        return 0;
    if (map->type != CF_JSON_OBJECT)
        return cf_policy_fail(r, "hours", "must be an object of calendars");
    for (const struct cf_json *item = map->u.first; item; item = item->next) {
        struct cf_hours *hours = cf_arena_zalloc(r->arena, sizeof(*hours));

        if (++n > MAX_CALENDARS || item->key.n < 1 || item->key.n > 128)
            return cf_policy_fail(r, "hours",
                                  "must hold at most 1000 calendars with names of 1 to 128 bytes");
        hours->id = cf_arena_str(r->arena, item->key);
        (void)snprintf(r->path + end, sizeof(r->path) - end, "%shours.%.*s", end ? "." : "",
                       CF_STR_FMT(hours->id));
        if (read_calendar(r, item, hours))
            return -1;
        r->path[end] = '\0';
        cf_ids_put(&domain->hours, hours);
    }
    return 0;
}
