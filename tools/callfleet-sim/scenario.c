/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "str/str.h"

#define START_MS 1767600000000LL /* Monday, 2026-01-05T08:00Z */
#define OFFER_MAX_MS 600000

struct sim_scenario *sim_scenario_new(void)
{
    struct sim_scenario *s = cf_calloc(1, sizeof(*s));

    s->classes = cf_calloc(SIM_MAX_CLASSES, sizeof(*s->classes));
    s->teams = cf_calloc(SIM_MAX_TEAMS, sizeof(*s->teams));
    s->credit_s = 90;
    s->answer = (struct sim_dist){.kind = SIM_CONST};
    s->seed = 1;
    s->calls = 100000;
    s->warm_up = SIZE_MAX;
    s->replications = 1;
    s->batches = 30;
    s->within_s = 20;
    s->start_ms = START_MS;
    return s;
}

void sim_scenario_free(struct sim_scenario *scenario)
{
    if (!scenario)
        return;
    for (size_t i = 0; i < scenario->n_classes; i++) {
        sim_arrivals_done(&scenario->classes[i].arrivals);
        sim_dist_done(&scenario->classes[i].service);
        sim_dist_done(&scenario->classes[i].patience);
    }
    sim_dist_done(&scenario->answer);
    sim_dist_done(&scenario->wrap);
    free(scenario->classes);
    free(scenario->teams);
    free(scenario->policy);
    free(scenario);
}

struct sim_class *sim_scenario_add_class(struct sim_scenario *scenario, const char *name)
{
    struct sim_class *class;

    if (scenario->n_classes == SIM_MAX_CLASSES)
        return NULL;
    class = &scenario->classes[scenario->n_classes++];
    (void)cf_str_copy(class->name, sizeof(class->name), cf_str_of(name));
    return class;
}

struct sim_team *sim_scenario_add_team(struct sim_scenario *scenario, size_t count)
{
    struct sim_team *team;

    if (scenario->n_teams == SIM_MAX_TEAMS || count > SIM_MAX_AGENTS)
        return NULL;
    team = &scenario->teams[scenario->n_teams++];
    team->count = count;
    return team;
}

size_t sim_scenario_n_agents(const struct sim_scenario *scenario)
{
    size_t n = 0;

    for (size_t i = 0; i < scenario->n_teams; i++)
        n += scenario->teams[i].count;
    return n;
}

/* ---- what was left open ---- */

static bool is_unset(const struct sim_arrivals *a)
{
    return a->kind == SIM_POISSON && a->rate <= 0;
}

/* The engine ends a talk after 12 hours and works in milliseconds: mean services from a second to 20 minutes
 * suit it, so others are scaled by a power of ten. Real seconds stay where they can. */
static double choose_tick(const struct sim_scenario *s)
{
    double longest = 0, tick = 1e-3;

    for (size_t i = 0; i < s->n_classes; i++)
        longest = fmax(longest, sim_dist_mean(&s->classes[i].service));
    while (longest > 1200e3 * tick)
        tick *= 10;
    while (longest > 0 && longest < 1e3 * tick && tick > 1e-12)
        tick /= 10;
    return tick;
}

static int check_class(const struct sim_class *class, struct cf_err *err)
{
    if (is_unset(&class->arrivals))
        return cf_err_set(err, CF_ERR_CONFIG, "sim", 0, "class %s: no arrivals", class->name);
    if (class->service.kind == SIM_NONE && class->arrivals.kind != SIM_RECORDED)
        return cf_err_set(err, CF_ERR_CONFIG, "sim", 0, "class %s: no service", class->name);
    if (class->priority < 0 || class->priority > 10)
        return cf_err_set(err, CF_ERR_CONFIG, "sim", 0, "class %s: priority must be 1..10", class->name);
    return 0;
}

static bool is_endless(const struct sim_scenario *s)
{
    for (size_t i = 0; i < s->n_classes; i++) {
        const struct sim_arrivals *a = &s->classes[i].arrivals;

        if (a->kind != SIM_RECORDED && !(a->kind == SIM_PROFILE && !a->repeat))
            return true;
    }
    return false;
}

int sim_scenario_finish(struct sim_scenario *scenario, struct cf_err *err)
{
    size_t agents = sim_scenario_n_agents(scenario);

    if (scenario->n_classes == 0)
        return cf_err_set(err, CF_ERR_CONFIG, "sim", 0, "nobody calls: give --arrivals or a class");
    if (agents == 0 || agents > SIM_MAX_AGENTS)
        return cf_err_set(err, CF_ERR_CONFIG, "sim", 0, "agents must be 1..%d", SIM_MAX_AGENTS);
    for (size_t i = 0; i < scenario->n_classes; i++) {
        struct sim_class *class = &scenario->classes[i];

        if (check_class(class, err) < 0)
            return -1;
        if (!scenario->policy && class->queue[0] == '\0')
            (void)cf_str_copy(class->queue, sizeof(class->queue), CF_STR("main"));
    }
    if (scenario->calls == 0 && scenario->horizon_s <= 0 && is_endless(scenario))
        return cf_err_set(err, CF_ERR_CONFIG, "sim", 0, "calls or duration must be given");
    if (!scenario->policy)
        scenario->known_order = true;
    if (scenario->warm_up == SIZE_MAX)
        scenario->warm_up = scenario->calls / 20;
    if (scenario->tick_s <= 0)
        scenario->tick_s = choose_tick(scenario);
    return 0;
}

/* ---- the policy ---- */

/* Each member whose name ends with "Ms" is a time of the policy. An offer's deadline only has to be long
 * enough, so it stays within its range. */
static void scale_times(json_t *node, double factor)
{
    const char *key;
    json_t *value;
    size_t i;

    json_object_foreach(node, key, value)
    {
        size_t n = strlen(key);
        double scaled;

        scale_times(value, factor);
        if (!json_is_integer(value) || n < 3 || strcmp(key + n - 2, "Ms") != 0)
            continue;
        scaled = (double)json_integer_value(value) * factor;
        if (strcmp(key, "offerMs") == 0)
            scaled = fmin(fmax(scaled, 1000), OFFER_MAX_MS);
        (void)json_integer_set(value, (json_int_t)llround(scaled));
    }
    if (json_is_array(node)) {
        json_array_foreach(node, i, value) scale_times(value, factor);
    }
}

static bool named_before(const struct sim_scenario *s, size_t class)
{
    for (size_t i = 0; i < class; i++) {
        if (strcmp(s->classes[i].queue, s->classes[class].queue) == 0)
            return true;
    }
    return false;
}

/* Without priorities there is no head start, and none to be scaled out of the policy's range. */
static double credit_of(const struct sim_scenario *s)
{
    for (size_t i = 1; i < s->n_classes; i++) {
        if (s->classes[i].priority != s->classes[0].priority)
            return s->credit_s;
    }
    return 0;
}

static json_int_t in_ticks(const struct sim_scenario *s, double time_s)
{
    return (json_int_t)llround(time_s / s->tick_s);
}

static json_t *make_policy(const struct sim_scenario *s)
{
    json_t *queues = json_array();

    for (size_t i = 0; i < s->n_classes; i++) {
        if (!named_before(s, i))
            (void)json_array_append_new(queues, json_pack("{s:s}", "id", s->classes[i].queue));
    }
    return json_pack("{s:i, s:{s:s, s:I, s:I, s:I, s:I, s:I}, s:o}", "version", 1, "defaults", "order",
                     s->strict ? "strict" : "credit", "creditMs", in_ticks(s, credit_of(s)), "maxWaitMs",
                     in_ticks(s, s->max_wait_s), "wrapUpMs", in_ticks(s, s->wrap_s), "maxCalls",
                     (json_int_t)s->room, "offerMs", (json_int_t)OFFER_MAX_MS, "queues", queues);
}

char *sim_scenario_policy(const struct sim_scenario *scenario, struct cf_err *err)
{
    json_error_t error = {0};
    json_t *policy = scenario->policy ? json_loads(scenario->policy, 0, &error) : make_policy(scenario);
    char *text;

    if (!policy) {
        (void)cf_err_set(err, CF_ERR_CONFIG, "sim", 0, "policy, line %d: %s", error.line, error.text);
        return NULL;
    }
    if (scenario->policy && fabs(scenario->tick_s - 1e-3) > 1e-12)
        scale_times(policy, 1e-3 / scenario->tick_s);
    text = json_dumps(policy, JSON_COMPACT);
    json_decref(policy);
    return text;
}
