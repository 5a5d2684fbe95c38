/* SPDX-License-Identifier: Apache-2.0 */
/* Needs and profiles: who fits whom, and the best pair. */
#include <assert.h>
#include <stdlib.h>

#include "engine/engine_priv.h"
#include "json/json.h"

/* Longest canonical text: CF_ENGINE_MAX_SKILLS skills of a call on top of the queue's, and its teams. */
#define KEY_LIMIT (4UL * 1024 * 1024)

static int compare_skills(const void *a, const void *b)
{
    const struct cf_skill *x = a, *y = b;
    int order = cf_ids_compare(x->name, y->name);

    if (order != 0)
        return order;
    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    if (x->number < y->number || x->number > y->number)
        return x->number < y->number ? -1 : 1;
    return cf_ids_compare(x->text, y->text);
}

/* Whole numbers and others are one type here, so that 5 and 5.0 make one need and one profile. */
static void normalise(struct cf_skill *skills, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (skills[i].type == CF_JSON_INT)
            skills[i].type = CF_JSON_DOUBLE;
    }
}

static int compare_texts(const void *a, const void *b)
{
    return cf_ids_compare(*(const struct cf_str *)a, *(const struct cf_str *)b);
}

static void write_list(struct cf_jsonw *w, struct cf_policy_list list)
{
    cf_jsonw_begin_array(w);
    for (size_t i = 0; i < list.n; i++)
        cf_jsonw_str(w, list.items[i]);
    cf_jsonw_end_array(w);
}

static void write_skills(struct cf_jsonw *w, struct cf_policy_needs skills)
{
    cf_jsonw_begin_array(w);
    for (size_t i = 0; i < skills.n; i++) {
        cf_jsonw_str(w, skills.items[i].name);
        if (skills.items[i].type == CF_JSON_ARRAY)
            cf_jsonw_null(w); /* then the texts, as one */
        if (skills.items[i].type == CF_JSON_BOOL)
            cf_jsonw_bool(w, skills.items[i].number > 0);
        else if (skills.items[i].type == CF_JSON_STRING || skills.items[i].type == CF_JSON_ARRAY)
            cf_jsonw_str(w, skills.items[i].text);
        else
            cf_jsonw_double(w, skills.items[i].number);
    }
    cf_jsonw_end_array(w);
}

/* The canonical text by which equal needs and equal profiles are found. */
static struct cf_str write_key(struct cf_buf *buf, const char *choice, struct cf_policy_list teams,
                               struct cf_policy_needs skills)
{
    struct cf_jsonw w;

    cf_buf_init(buf, KEY_LIMIT);
    cf_jsonw_init(&w, buf);
    cf_jsonw_begin_array(&w);
    if (choice)
        cf_jsonw_str(&w, cf_str_of(choice));
    write_list(&w, teams);
    write_skills(&w, skills);
    cf_jsonw_end_array(&w);
    return cf_buf_view(buf);
}

static size_t texts_size(struct cf_policy_list teams, struct cf_policy_needs skills)
{
    size_t size = teams.n * sizeof(*teams.items) + skills.n * sizeof(*skills.items);

    for (size_t i = 0; i < teams.n; i++)
        size += teams.items[i].n;
    for (size_t i = 0; i < skills.n; i++)
        size += skills.items[i].name.n + skills.items[i].text.n;
    return size;
}

static struct cf_str copy(char **at, struct cf_str text)
{
    struct cf_str own = {*at, text.n};

    if (text.n > 0)
        memcpy(*at, text.p, text.n);
    *at += text.n;
    return own;
}

/* Copies lists and texts behind the struct they belong to. */
static void copy_texts(char *at, struct cf_policy_list *teams, struct cf_policy_needs *skills)
{
    struct cf_str *team = (struct cf_str *)(void *)at;
    struct cf_skill *skill = (struct cf_skill *)(void *)(at + teams->n * sizeof(*team));

    at += teams->n * sizeof(*team) + skills->n * sizeof(*skill);
    for (size_t i = 0; i < teams->n; i++)
        team[i] = copy(&at, teams->items[i]);
    for (size_t i = 0; i < skills->n; i++) {
        skill[i] = skills->items[i];
        skill[i].name = copy(&at, skills->items[i].name);
        skill[i].text = copy(&at, skills->items[i].text);
    }
    teams->items = team;
    skills->items = skill;
}

static const struct cf_skill *find_skill(const struct cf_profile *profile, struct cf_str name)
{
    for (size_t i = 0; i < profile->skills.n; i++) {
        if (cf_str_eq(profile->skills.items[i].name, name))
            return &profile->skills.items[i];
    }
    return NULL;
}

/* Whole numbers and others are alike, as in normalise(). */
static bool same_value(const struct cf_skill *a, const struct cf_skill *b)
{
    bool text = a->type == CF_JSON_STRING;

    if (text != (b->type == CF_JSON_STRING) || (a->type == CF_JSON_BOOL) != (b->type == CF_JSON_BOOL))
        return false;
    return text ? cf_str_eq(a->text, b->text) : !(a->number < b->number) && !(a->number > b->number);
}

bool cf_engine_is_profile(const struct cf_profile *profile, struct cf_str team, struct cf_policy_needs skills)
{
    if (skills.n != profile->skills.n || !cf_str_eq(team, profile->team))
        return false;
    for (size_t i = 0; i < skills.n; i++) {
        const struct cf_skill *has = &profile->skills.items[i];

        /* The same order as before, mostly. */
        if (!cf_str_eq(has->name, skills.items[i].name))
            has = find_skill(profile, skills.items[i].name);
        if (!has || !same_value(has, &skills.items[i]))
            return false;
    }
    return true;
}

/* Whether one of the lines of `texts` is `text`. */
static bool has_line(struct cf_str texts, struct cf_str text)
{
    while (texts.n > 0) {
        const char *end = memchr(texts.p, '\n', texts.n);
        struct cf_str line = {texts.p, end ? (size_t)(end - texts.p) : texts.n};

        if (cf_str_eq_nocase(line, text))
            return true;
        texts.p += line.n + (end != NULL);
        texts.n -= line.n + (end != NULL);
    }
    return false;
}

/* true: has it at all; false: does not; a number: at least that level; a text: just that one; texts: one. */
static bool meets(const struct cf_profile *profile, const struct cf_skill *want)
{
    const struct cf_skill *has = find_skill(profile, want->name);

    if (want->type == CF_JSON_BOOL) {
        bool yes = has && (has->type == CF_JSON_STRING ? has->text.n > 0 : has->number > 0);

        return yes == (want->number > 0);
    }
    if (!has)
        return false;
    if (want->type == CF_JSON_STRING)
        return has->type == CF_JSON_STRING && cf_str_eq_nocase(has->text, want->text);
    if (want->type == CF_JSON_ARRAY)
        return has->type == CF_JSON_STRING && has_line(want->text, has->text);
    return has->type != CF_JSON_STRING && has->number >= want->number;
}

bool cf_engine_fits(const struct cf_need *need, const struct cf_profile *profile)
{
    bool team = need->teams.n == 0;

    for (size_t i = 0; i < need->teams.n && !team; i++)
        team = cf_str_eq(need->teams.items[i], profile->team);
    for (size_t i = 0; i < need->skills.n && team; i++)
        team = meets(profile, &need->skills.items[i]);
    return team;
}

/* The levels of the skills that are asked for, in thousandths; texts have none. Whole numbers, and bounded,
 * so that the sum is the same everywhere. */
int64_t cf_engine_score(const struct cf_need *need, const struct cf_profile *profile)
{
    const double most = 1e12;
    int64_t score = 0;

    for (size_t i = 0; i < need->skills.n; i++) {
        const struct cf_skill *has = find_skill(profile, need->skills.items[i].name);
        double level = has && has->type != CF_JSON_STRING ? has->number : 0;

        level = level > most ? most : level;
        level = level < -most ? -most : level;
        score += (int64_t)(level * 1000);
    }
    return score;
}

static void free_need(struct cf_engine *engine, struct cf_need *need)
{
    while (need->n_links > 0)
        cf_engine_unlink(need->links[need->n_links - 1]);
    cf_ids_del(&engine->needs, need->id);
    free(need->links);
    free(need->ready);
    free(need);
}

void cf_engine_drop_need(struct cf_engine *engine, struct cf_need *need)
{
    void **list;
    size_t n = engine->needs.n;

    if (!need || --need->refs > 0 || ++engine->n_spare_needs <= CF_ENGINE_SPARE_NEEDS)
        return;
    list = cf_ids_list(&engine->needs);
    for (size_t i = 0; i < n; i++) {
        if (((struct cf_need *)list[i])->refs == 0)
            free_need(engine, list[i]);
    }
    free(list);
    engine->n_spare_needs = 0;
}

static struct cf_need *make_need(struct cf_engine *engine, struct cf_str key, const struct cf_need *like)
{
    struct cf_policy_list teams = like->teams;
    struct cf_policy_needs skills = like->skills;
    size_t texts = texts_size(teams, skills);
    struct cf_need *need = cf_calloc(1, sizeof(*need) + texts + key.n);
    char *tail = (char *)(need + 1);

    copy_texts(tail, &teams, &skills);
    tail += texts;
    need->id = copy(&tail, key);
    need->teams = teams;
    need->skills = skills;
    need->choice = like->choice;
    cf_ids_put(&engine->needs, need);
    for (size_t i = 0; i < engine->profiles.size; i++) {
        struct cf_profile *profile = engine->profiles.slots[i].item;

        if (profile && cf_engine_fits(need, profile))
            cf_engine_link(need, profile);
    }
    return need;
}

/* What a call asks for, while it is put together. */
struct wanted {
    struct cf_skill skills[CF_POLICY_MAX_NEEDS * (CF_POLICY_MAX_STEPS + 1) + CF_ENGINE_MAX_SKILLS];
    size_t n_skills;
    struct cf_str *teams;
    size_t n_teams;
    bool any_team;
};

static void want_skills(struct wanted *w, struct cf_policy_needs skills)
{
    if (skills.n > 0)
        memcpy(w->skills + w->n_skills, skills.items, skills.n * sizeof(*w->skills));
    w->n_skills += skills.n;
}

static void want_teams(struct wanted *w, struct cf_policy_list teams)
{
    if (teams.n > 0)
        memcpy(w->teams + w->n_teams, teams.items, teams.n * sizeof(*w->teams));
    w->n_teams += teams.n;
    for (size_t i = 0; i < teams.n; i++)
        w->any_team |= cf_str_is(teams.items[i], "*");
}

static bool is_dropped(const struct cf_step_policy *step, struct cf_str name)
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

static void take_step(struct wanted *w, const struct cf_step_policy *step)
{
    size_t n = 0;

    for (size_t i = 0; i < w->n_skills; i++) {
        if (!is_dropped(step, w->skills[i].name))
            w->skills[n++] = w->skills[i];
    }
    w->n_skills = n;
    want_skills(w, step->skills);
    want_teams(w, step->teams);
}

/* In order, each once: equal wants make one need. */
static void put_in_order(struct wanted *w)
{
    size_t n = 0;

    normalise(w->skills, w->n_skills);
    if (w->n_skills > 1)
        qsort(w->skills, w->n_skills, sizeof(*w->skills), compare_skills);
    for (size_t i = 0; i < w->n_skills; i++) {
        if (n == 0 || compare_skills(&w->skills[n - 1], &w->skills[i]) != 0)
            w->skills[n++] = w->skills[i];
    }
    w->n_skills = n;
    if (w->any_team)
        w->n_teams = 0;
    if (w->n_teams > 1)
        qsort(w->teams, w->n_teams, sizeof(*w->teams), compare_texts);
    n = 0;
    for (size_t i = 0; i < w->n_teams; i++) {
        if (n == 0 || !cf_str_eq(w->teams[n - 1], w->teams[i]))
            w->teams[n++] = w->teams[i];
    }
    w->n_teams = n;
}

struct cf_need *cf_engine_need(struct cf_engine *engine, const struct cf_queue_policy *queue, size_t step,
                               struct cf_policy_needs more)
{
    struct cf_need like = {.choice = queue->choice}, *need;
    struct wanted w;
    struct cf_buf buf;
    struct cf_str key;
    size_t n_teams = queue->teams.n;

    for (size_t i = 0; i < step; i++)
        n_teams += queue->steps[i].teams.n;
    w.n_skills = 0;
    w.n_teams = 0;
    w.any_team = queue->teams.n == 0;
    w.teams = cf_calloc(n_teams, sizeof(*w.teams));
    want_skills(&w, queue->skills);
    want_skills(&w, more);
    want_teams(&w, queue->teams);
    for (size_t i = 0; i < step; i++)
        take_step(&w, &queue->steps[i]);
    put_in_order(&w);
    like.teams = (struct cf_policy_list){w.teams, w.n_teams};
    like.skills = (struct cf_policy_needs){w.skills, w.n_skills};
    key = write_key(&buf, cf_choice_name(queue->choice), like.teams, like.skills);
    need = cf_ids_get(&engine->needs, key);
    if (!need)
        need = make_need(engine, key, &like);
    else if (need->refs == 0)
        engine->n_spare_needs--;
    need->refs++;
    cf_buf_done(&buf);
    free(w.teams);
    return need;
}

static void free_profile(struct cf_engine *engine, struct cf_profile *profile)
{
    assert(!profile->first && profile->n_staffed == 0);
    while (profile->n_links > 0)
        cf_engine_unlink(profile->links[profile->n_links - 1]);
    cf_ids_del(&engine->profiles, profile->id);
    free(profile->links);
    free(profile);
}

void cf_engine_drop_profile(struct cf_engine *engine, struct cf_profile *profile)
{
    void **list;
    size_t n = engine->profiles.n;

    if (!profile || --profile->refs > 0 || ++engine->n_spare_profiles <= CF_ENGINE_SPARE_PROFILES)
        return;
    list = cf_ids_list(&engine->profiles);
    for (size_t i = 0; i < n; i++) {
        if (((struct cf_profile *)list[i])->refs == 0)
            free_profile(engine, list[i]);
    }
    free(list);
    engine->n_spare_profiles = 0;
}

static struct cf_profile *make_profile(struct cf_engine *engine, struct cf_str key,
                                       struct cf_policy_list team, struct cf_policy_needs skills)
{
    size_t texts = texts_size(team, skills);
    struct cf_profile *profile = cf_calloc(1, sizeof(*profile) + texts + key.n);
    char *tail = (char *)(profile + 1);

    copy_texts(tail, &team, &skills);
    tail += texts;
    profile->id = copy(&tail, key);
    profile->team = team.n > 0 ? team.items[0] : CF_STR("");
    profile->skills = skills;
    cf_ids_put(&engine->profiles, profile);
    for (size_t i = 0; i < engine->needs.size; i++) {
        struct cf_need *need = engine->needs.slots[i].item;

        if (need && cf_engine_fits(need, profile))
            cf_engine_link(need, profile);
    }
    return profile;
}

struct cf_profile *cf_engine_profile(struct cf_engine *engine, struct cf_str team,
                                     struct cf_policy_needs skills)
{
    struct cf_skill sorted[CF_ENGINE_MAX_SKILLS];
    struct cf_policy_list teams = {&team, team.n > 0};
    struct cf_policy_needs own = {sorted, skills.n < CF_ENGINE_MAX_SKILLS ? skills.n : CF_ENGINE_MAX_SKILLS};
    struct cf_profile *profile;
    struct cf_buf buf;
    struct cf_str key;

    if (own.n > 0)
        memcpy(sorted, skills.items, own.n * sizeof(*sorted));
    normalise(sorted, own.n);
    if (own.n > 1)
        qsort(sorted, own.n, sizeof(*sorted), compare_skills);
    key = write_key(&buf, NULL, teams, own);
    profile = cf_ids_get(&engine->profiles, key);
    if (!profile)
        profile = make_profile(engine, key, teams, own);
    else if (profile->refs == 0)
        engine->n_spare_profiles--;
    profile->refs++;
    cf_buf_done(&buf);
    return profile;
}

void cf_engine_staff(struct cf_profile *profile, bool more)
{
    size_t by = more ? 1 : SIZE_MAX; /* adding SIZE_MAX takes one away */

    profile->n_staffed += by;
    for (size_t i = 0; i < profile->n_links; i++)
        profile->links[i]->need->n_staffed += by;
}
