/* SPDX-License-Identifier: Apache-2.0 */
/* Who may take what: wants and kinds. */
#include <stdio.h>
#include <stdlib.h>

#include "check/model.h"

static struct cf_str own(struct cf_str text)
{
    char *copy;

    if (!text.p)
        return text;
    copy = cf_calloc(1, text.n + 1);
    if (text.n > 0)
        memcpy(copy, text.p, text.n);
    return (struct cf_str){copy, text.n};
}

void skills_copy(struct skill_list *ret_list, const struct cf_skill *items, size_t n)
{
    ret_list->items = n > 0 ? cf_calloc(n, sizeof(*items)) : NULL;
    ret_list->n = n;
    for (size_t i = 0; i < n; i++) {
        ret_list->items[i] = items[i];
        ret_list->items[i].name = own(items[i].name);
        ret_list->items[i].text = own(items[i].text);
    }
}

void skills_free(struct skill_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free((void *)(uintptr_t)list->items[i].name.p);
        free((void *)(uintptr_t)list->items[i].text.p);
    }
    free(list->items);
    *list = (struct skill_list){0};
}

static void put_skills(struct cf_buf *buf, const struct cf_skill *skills, size_t n)
{
    for (size_t i = 0; i < n; i++)
        cf_buf_printf(buf, "%.*s%c%d%c%.17g%c%.*s%c", CF_STR_FMT(skills[i].name), 1, (int)skills[i].type, 1,
                      skills[i].number, 1, CF_STR_FMT(skills[i].text), 2);
}

/* ---- wants ---- */

static bool replaces(const struct cf_step_policy *step, struct cf_str name)
{
    for (size_t i = 0; i < step->drop.n; i++) {
        if (cf_str_is(step->drop.items[i], "*") || cf_str_eq(step->drop.items[i], name))
            return true;
    }
    for (size_t i = 0; i < step->skills.n; i++) {
        if (cf_str_eq(step->skills.items[i].name, name))
            return true;
    }
    return false;
}

static void add_teams(struct want *want, struct cf_policy_list teams)
{
    for (size_t i = 0; i < teams.n; i++) {
        want->any_team |= cf_str_is(teams.items[i], "*");
        want->teams.items[want->teams.n++] = teams.items[i];
    }
}

/* What the queue asks for, more, and what its steps make of it. */
static void resolve(struct want *want, const struct skill_list *more)
{
    const struct cf_queue_policy *policy = want->policy;
    size_t n_skills = policy->skills.n + more->n, n_teams = policy->teams.n;
    struct cf_skill *skills;

    for (size_t i = 0; i < want->step; i++) {
        n_skills += policy->steps[i].skills.n;
        n_teams += policy->steps[i].teams.n;
    }
    skills = cf_calloc(n_skills + 1, sizeof(*skills));
    want->teams.items = cf_calloc(n_teams + 1, sizeof(struct cf_str));
    want->any_team = policy->teams.n == 0;
    n_skills = 0;
    for (size_t i = 0; i < policy->skills.n; i++)
        skills[n_skills++] = policy->skills.items[i];
    for (size_t i = 0; i < more->n; i++)
        skills[n_skills++] = more->items[i];
    add_teams(want, policy->teams);
    for (size_t i = 0; i < want->step; i++) {
        size_t kept = 0;

        for (size_t k = 0; k < n_skills; k++) {
            if (!replaces(&policy->steps[i], skills[k].name))
                skills[kept++] = skills[k];
        }
        n_skills = kept;
        for (size_t k = 0; k < policy->steps[i].skills.n; k++)
            skills[n_skills++] = policy->steps[i].skills.items[k];
        add_teams(want, policy->steps[i].teams);
    }
    skills_copy(&want->skills, skills, n_skills);
    free(skills);
}

struct want *want_get(struct model *model, const struct cf_queue_policy *policy, size_t step,
                      const struct skill_list *more)
{
    struct cf_buf key;
    struct want *want;

    cf_buf_init(&key, 4UL << 20);
    step = step < policy->n_steps ? step : policy->n_steps;
    cf_buf_printf(&key, "%.*s%c%zu%c", CF_STR_FMT(policy->id), 2, step, 2);
    put_skills(&key, more->items, more->n);
    want = cf_ids_get(&model->wants, cf_buf_view(&key));
    if (!want) {
        want = cf_calloc(1, sizeof(*want));
        want->id = own(cf_buf_view(&key));
        want->policy = policy;
        want->step = step;
        resolve(want, more);
        cf_ids_put(&model->wants, want);
    }
    want->refs++;
    cf_buf_done(&key);
    return want;
}

void want_drop(struct model *model, struct want *want)
{
    if (!want || --want->refs > 0)
        return;
    cf_ids_del(&model->wants, want->id);
    skills_free(&want->skills);
    free(want->teams.items);
    free((void *)(uintptr_t)want->id.p);
    free(want);
}

/* ---- kinds ---- */

struct kind *kind_get(struct model *model, struct cf_str team, const struct cf_skill *skills, size_t n)
{
    struct cf_buf key;
    struct kind *kind;

    n = n < CF_ENGINE_MAX_SKILLS ? n : CF_ENGINE_MAX_SKILLS;
    cf_buf_init(&key, 4UL << 20);
    cf_buf_printf(&key, "%.*s%c", CF_STR_FMT(team), 2);
    put_skills(&key, skills, n);
    kind = cf_ids_get(&model->kinds, cf_buf_view(&key));
    if (!kind) {
        kind = cf_calloc(1, sizeof(*kind));
        kind->id = own(cf_buf_view(&key));
        kind->team = own(team);
        skills_copy(&kind->skills, skills, n);
        cf_ids_put(&model->kinds, kind);
    }
    kind->refs++;
    cf_buf_done(&key);
    return kind;
}

void kind_drop(struct model *model, struct kind *kind)
{
    if (!kind || --kind->refs > 0)
        return;
    cf_ids_del(&model->kinds, kind->id);
    skills_free(&kind->skills);
    free((void *)(uintptr_t)kind->team.p);
    free((void *)(uintptr_t)kind->id.p);
    free(kind);
}

/* ---- who fits ---- */

/* One of the lines of `lines`. */
static bool is_one_of(struct cf_str lines, struct cf_str text)
{
    const char *p = lines.p, *end = lines.p + lines.n;

    while (p < end) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));

        stop = stop ? stop : end;
        if (cf_str_eq_nocase((struct cf_str){p, (size_t)(stop - p)}, text))
            return true;
        p = stop + 1;
    }
    return false;
}

static bool meets(const struct kind *kind, const struct cf_skill *want)
{
    const struct cf_skill *has = NULL;
    bool text;

    for (size_t i = 0; i < kind->skills.n && !has; i++)
        has = cf_str_eq(kind->skills.items[i].name, want->name) ? &kind->skills.items[i] : NULL;
    text = has && has->type == CF_JSON_STRING;
    if (want->type == CF_JSON_BOOL)
        return (has && (text ? has->text.n > 0 : has->number > 0)) == (want->number > 0);
    if (!has)
        return false;
    if (want->type == CF_JSON_STRING)
        return text && cf_str_eq_nocase(has->text, want->text);
    if (want->type == CF_JSON_ARRAY)
        return text && is_one_of(want->text, has->text);
    return !text && has->number >= want->number;
}

static bool in_team(const struct want *want, const struct kind *kind)
{
    bool in = want->any_team;

    for (size_t i = 0; i < want->teams.n && !in; i++)
        in = cf_str_eq(want->teams.items[i], kind->team);
    return in;
}

bool fits(const struct want *want, const struct kind *kind)
{
    bool fit = in_team(want, kind);

    for (size_t i = 0; i < want->skills.n && fit; i++)
        fit = meets(kind, &want->skills.items[i]);
    return fit;
}

void why_not(const struct want *want, const struct kind *kind, char *ret_text, size_t size)
{
    ret_text[0] = '\0';
    if (!in_team(want, kind)) {
        (void)snprintf(ret_text, size, "team %.*s does not serve %.*s",
                       CF_STR_FMT(kind->team.n > 0 ? kind->team : CF_STR("(none)")),
                       CF_STR_FMT(want->policy->id));
        return;
    }
    for (size_t i = 0; i < want->skills.n; i++) {
        const struct cf_skill *skill = &want->skills.items[i];

        if (meets(kind, skill))
            continue;
        if (skill->type == CF_JSON_BOOL)
            (void)snprintf(ret_text, size, "%s skill %.*s", skill->number > 0 ? "lacks" : "must not have",
                           CF_STR_FMT(skill->name));
        else if (skill->type == CF_JSON_STRING || skill->type == CF_JSON_ARRAY)
            (void)snprintf(ret_text, size, "skill %.*s is not %.*s", CF_STR_FMT(skill->name),
                           CF_STR_FMT(skill->text));
        else
            (void)snprintf(ret_text, size, "skill %.*s is below %g", CF_STR_FMT(skill->name), skill->number);
        return;
    }
}
