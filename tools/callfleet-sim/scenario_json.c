/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON form of a scenario. */
#include "scenario.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "clock/clock.h"
#include "str/str.h"

static int wrong(const char *name, struct cf_err *err)
{
    return cf_err_set(err, CF_ERR_CONFIG, "sim", 0, "scenario: %s is wrong", name);
}

static int unknown(const json_t *object, const char *const *members, const char *where, struct cf_err *err)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        size_t i = 0;

        while (members[i] && strcmp(members[i], key) != 0)
            i++;
        if (!members[i])
            return cf_err_set(err, CF_ERR_CONFIG, "sim", 0, "scenario: %s has no member %s", where, key);
    }
    return 0;
}

/* ---- values ---- */

static int get_text(const json_t *object, const char *name, char *ret_text, struct cf_err *err)
{
    const json_t *value = json_object_get(object, name);

    if (!value)
        return 0;
    if (!json_is_string(value) || !cf_str_copy(ret_text, SIM_NAME, cf_str_of(json_string_value(value))))
        return wrong(name, err);
    return 0;
}

/* A time may be a text with a unit or a number of seconds. */
static int get_time(const json_t *object, const char *name, double *ret_s, struct cf_err *err)
{
    const json_t *value = json_object_get(object, name);

    if (!value)
        return 0;
    if (json_is_number(value) && json_number_value(value) >= 0) {
        *ret_s = json_number_value(value);
        return 0;
    }
    return json_is_string(value) && sim_time_parse(json_string_value(value), ret_s) ? 0 : wrong(name, err);
}

static int get_count(const json_t *object, const char *name, uint64_t max, uint64_t *ret_n,
                     struct cf_err *err)
{
    const json_t *value = json_object_get(object, name);

    if (!value)
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < 0 || (uint64_t)json_integer_value(value) > max)
        return wrong(name, err);
    *ret_n = (uint64_t)json_integer_value(value);
    return 0;
}

static int get_dist(const json_t *object, const char *name, struct sim_dist *ret_dist, struct cf_err *err)
{
    const json_t *value = json_object_get(object, name);

    if (!value)
        return 0;
    if (!json_is_string(value))
        return wrong(name, err);
    sim_dist_done(ret_dist);
    return sim_dist_parse(json_string_value(value), ret_dist, err);
}

static int get_skills(const json_t *object, struct sim_skills *skills, struct cf_err *err)
{
    const char *key;
    json_t *value;

    json_object_foreach(json_object_get(object, "skills"), key, value)
    {
        struct cf_skill *skill = &skills->items[skills->n];

        if (skills->n == SIM_MAX_SKILLS || !cf_str_copy(skills->names[skills->n], SIM_NAME, cf_str_of(key)))
            return wrong("skills", err);
        *skill = (struct cf_skill){.name = cf_str_of(skills->names[skills->n])};
        if (json_is_boolean(value)) {
            skill->type = CF_JSON_BOOL;
            skill->number = json_is_true(value);
        } else if (json_is_integer(value)) {
            skill->type = CF_JSON_INT;
            skill->number = (double)json_integer_value(value);
        } else if (json_is_string(value) &&
                   cf_str_copy(skills->texts[skills->n], SIM_NAME, cf_str_of(json_string_value(value)))) {
            skill->type = CF_JSON_STRING;
            skill->text = cf_str_of(skills->texts[skills->n]);
        } else {
            return wrong(key, err);
        }
        skills->n++;
    }
    return 0;
}

/* ---- callers and agents ---- */

static int read_class(struct sim_scenario *s, const json_t *object, struct cf_err *err)
{
    static const char *const members[] = {"name",     "queue",    "entryPoint", "tier",
                                          "language", "priority", "skills",     "arrivals",
                                          "service",  "patience", NULL};
    const char *name = json_string_value(json_object_get(object, "name"));
    const char *arrivals = json_string_value(json_object_get(object, "arrivals"));
    struct sim_class *class = name ? sim_scenario_add_class(s, name) : NULL;
    uint64_t priority = 0;

    if (!class || !arrivals)
        return wrong("classes (each needs name and arrivals)", err);
    if (unknown(object, members, "a class", err) || get_text(object, "queue", class->queue, err) ||
        get_text(object, "entryPoint", class->entry_point, err) ||
        get_text(object, "tier", class->tier, err) || get_text(object, "language", class->language, err) ||
        get_count(object, "priority", 10, &priority, err) || get_skills(object, &class->skills, err) ||
        sim_arrivals_parse(arrivals, &class->arrivals, err) ||
        get_dist(object, "service", &class->service, err) ||
        get_dist(object, "patience", &class->patience, err))
        return -1;
    class->priority = (int64_t)priority;
    return 0;
}

static int read_shifts(const json_t *object, struct sim_team *team, struct cf_err *err)
{
    json_t *shift;
    size_t i;

    json_array_foreach(json_object_get(object, "shifts"), i, shift)
    {
        const char *from = json_string_value(json_array_get(shift, 0));
        const char *to = json_string_value(json_array_get(shift, 1));
        struct sim_shift *into = &team->shifts[team->n_shifts];

        if (team->n_shifts == SIM_MAX_SHIFTS || !from || !to || !sim_time_parse(from, &into->from) ||
            !sim_time_parse(to, &into->to) || into->to <= into->from)
            return wrong("shifts (pairs of times, such as [\"8h\",\"16h\"])", err);
        team->n_shifts++;
    }
    return 0;
}

static int read_team(struct sim_scenario *s, const json_t *object, struct cf_err *err)
{
    static const char *const members[] = {"team", "count", "skills", "shifts", NULL};
    uint64_t count = 0;
    struct sim_team *team;

    if (unknown(object, members, "a team", err) || get_count(object, "count", SIM_MAX_AGENTS, &count, err))
        return -1;
    team = sim_scenario_add_team(s, count);
    if (!team || get_text(object, "team", team->name, err) || get_skills(object, &team->skills, err))
        return team ? -1 : wrong("agents", err);
    return read_shifts(object, team, err);
}

static int read_teams(struct sim_scenario *s, const json_t *root, struct cf_err *err)
{
    const json_t *agents = json_object_get(root, "agents");
    json_t *team;
    size_t i;

    if (json_is_integer(agents))
        return json_integer_value(agents) > 0 && sim_scenario_add_team(s, (size_t)json_integer_value(agents))
                   ? 0
                   : wrong("agents", err);
    json_array_foreach(agents, i, team)
    {
        if (read_team(s, team, err) < 0)
            return -1;
    }
    return 0;
}

/* ---- the rest ---- */

static int read_policy(struct sim_scenario *s, const json_t *root, struct cf_err *err)
{
    const json_t *policy = json_object_get(root, "policy"), *order = json_object_get(root, "order");
    const char *word = json_string_value(order);

    if (order && (!word || (strcmp(word, "strict") != 0 && strcmp(word, "credit") != 0)))
        return wrong("order", err);
    if (word)
        s->strict = strcmp(word, "strict") == 0;
    if (!policy)
        return 0;
    if (!json_is_object(policy))
        return wrong("policy (an object)", err);
    free(s->policy);
    s->policy = json_dumps(policy, JSON_COMPACT);
    return 0;
}

static int read_lengths(struct sim_scenario *s, const json_t *root, struct cf_err *err)
{
    uint64_t calls = s->calls, warm_up = s->warm_up, runs = s->replications, batches = s->batches;
    uint64_t room = (uint64_t)s->room;

    if (get_count(root, "calls", 1000000000000, &calls, err) ||
        get_count(root, "seed", INT64_MAX, &s->seed, err) ||
        get_count(root, "warmUp", 1000000000000, &warm_up, err) ||
        get_count(root, "replications", 1000, &runs, err) ||
        get_count(root, "batches", 1000, &batches, err) || get_count(root, "room", 1000000, &room, err))
        return -1;
    if (runs == 0 || batches == 0)
        return wrong("replications or batches", err);
    s->calls = calls;
    s->warm_up = warm_up;
    s->replications = runs;
    s->batches = batches;
    s->room = (int64_t)room;
    return 0;
}

static int read_root(struct sim_scenario *s, const json_t *root, struct cf_err *err)
{
    static const char *const members[] = {
        "note",         "classes", "agents", "policy", "order", "credit", "maxWait",
        "room",         "wrapUp",  "answer", "wrap",   "calls", "warmUp", "duration",
        "replications", "batches", "seed",   "within", "tick",  "start",  NULL};
    const char *start = json_string_value(json_object_get(root, "start"));
    json_t *class;
    size_t i;

    if (unknown(root, members, "the root", err) || read_lengths(s, root, err) || read_policy(s, root, err) ||
        get_time(root, "credit", &s->credit_s, err) || get_time(root, "maxWait", &s->max_wait_s, err) ||
        get_time(root, "wrapUp", &s->wrap_s, err) || get_time(root, "duration", &s->horizon_s, err) ||
        get_time(root, "within", &s->within_s, err) || get_time(root, "tick", &s->tick_s, err) ||
        get_dist(root, "answer", &s->answer, err) || get_dist(root, "wrap", &s->wrap, err) ||
        read_teams(s, root, err))
        return -1;
    if (start && !cf_clock_parse(cf_str_of(start), &s->start_ms))
        return wrong("start", err);
    json_array_foreach(json_object_get(root, "classes"), i, class)
    {
        if (read_class(s, class, err) < 0)
            return -1;
    }
    return 0;
}

int sim_scenario_read(struct sim_scenario *scenario, const char *path, struct cf_err *err)
{
    json_error_t error;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    int rc;

    if (!root)
        return cf_err_set(err, CF_ERR_CONFIG, "sim", 0, "%s:%d: %s", path, error.line, error.text);
    rc = read_root(scenario, root, err);
    json_decref(root);
    return rc;
}
