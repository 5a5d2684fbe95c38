/* SPDX-License-Identifier: Apache-2.0 */
#include "compare.h"

#include <math.h>

#include "exact.h"

struct shape {
    double lambda, mean, square, theta; /* of all classes together; theta < 0: not one exponential patience */
    bool exp, same_mean, loss, patient; /* all services exponential; equal means; patience 0; endless */
    bool one_order;                     /* first come, first served */
};

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-12 * (fabs(a) + fabs(b));
}

/* Agents always there, calls served at once and without anything around the service. */
static bool is_plain(const struct sim_scenario *s)
{
    if (s->policy || s->n_teams != 1 || s->teams[0].n_shifts > 0 || s->max_wait_s > 0 || s->wrap_s > 0)
        return false;
    if (s->answer.kind != SIM_CONST || s->answer.a > 0 || s->wrap.kind != SIM_NONE)
        return false;
    for (size_t i = 0; i < s->n_classes; i++) {
        const struct sim_class *class = &s->classes[i];

        if (class->arrivals.kind != SIM_POISSON || class->skills.n > 0 ||
            strcmp(class->queue, s->classes[0].queue) != 0)
            return false;
    }
    return true;
}

static struct shape shape_of(const struct sim_scenario *s)
{
    const struct sim_class *first = &s->classes[0];
    struct shape shape = {.exp = true, .same_mean = true, .loss = true, .patient = true, .one_order = true};

    for (size_t i = 0; i < s->n_classes; i++)
        shape.lambda += s->classes[i].arrivals.rate;
    for (size_t i = 0; i < s->n_classes; i++) {
        const struct sim_class *class = &s->classes[i];
        const struct sim_dist *patience = &class->patience;
        double part = class->arrivals.rate / shape.lambda, theta;

        shape.mean += part * sim_dist_mean(&class->service);
        shape.square += part * sim_dist_square(&class->service);
        shape.exp = shape.exp && class->service.kind == SIM_EXP;
        shape.same_mean =
            shape.same_mean && near(sim_dist_mean(&class->service), sim_dist_mean(&first->service));
        shape.loss = shape.loss && patience->kind == SIM_CONST && patience->a <= 0;
        shape.patient = shape.patient && patience->kind == SIM_NONE;
        shape.one_order =
            shape.one_order && (class->priority == first->priority || (!s->strict && s->credit_s <= 0));
        theta = patience->kind == SIM_NONE ? 0 : patience->kind == SIM_EXP ? 1 / patience->a : -1;
        shape.theta = i == 0 || near(theta, shape.theta) ? theta : -1;
    }
    return shape;
}

/* What does not depend on the order of calls, and with one order what does. */
static void fill_markov(const struct sim_scenario *s, const struct shape *shape, struct sim_exact *exact)
{
    struct exact_queue queue = {.lambda = shape->lambda,
                                .mu = 1 / shape->mean,
                                .theta = shape->theta,
                                .servers = s->teams[0].count,
                                .room = s->room > 0 ? (size_t)s->room : EXACT_NO_ROOM_LIMIT};
    struct exact_result r = exact_markov(&queue, s->within_s);
    double *all = exact->values[0];

    all[SIM_P_WAIT] = s->room > 0 ? NAN : r.p_wait;
    all[SIM_P_ABANDON] = r.p_abandon;
    all[SIM_P_REFUSED] = r.p_lost;
    all[SIM_WAIT_ALL] = r.mean_wait * (1 - r.p_lost);
    all[SIM_QUEUE] = r.mean_queue;
    all[SIM_OCCUPANCY] = r.occupancy;
    all[SIM_AHT] = shape->mean;
    if (shape->theta <= 0)
        all[SIM_SOJOURN] = r.mean_wait + shape->mean;
    if (!shape->one_order)
        return;
    all[SIM_ASA_ALL] = r.asa;
    all[SIM_SOJOURN] = r.asa + shape->mean;
    all[SIM_SL_D] = r.within;
    all[SIM_SL_A] = all[SIM_SL_C] = r.within / (1 - r.p_lost - r.p_abandon);
    if (shape->theta <= 0)
        all[SIM_ASA_WAITED] = s->room > 0 ? NAN : r.mean_wait / r.p_wait;
}

static void fill_single(const struct shape *shape, struct sim_exact *exact)
{
    double wait = exact_pollaczek(shape->lambda, shape->mean, shape->square), *all = exact->values[0];

    all[SIM_P_WAIT] = all[SIM_OCCUPANCY] = shape->lambda * shape->mean;
    all[SIM_P_ABANDON] = all[SIM_P_REFUSED] = 0;
    all[SIM_AHT] = shape->mean;
    if (!shape->one_order)
        return;
    all[SIM_WAIT_ALL] = all[SIM_ASA_ALL] = wait;
    all[SIM_ASA_WAITED] = wait / all[SIM_P_WAIT];
    all[SIM_QUEUE] = shape->lambda * wait;
    all[SIM_SOJOURN] = wait + shape->mean;
}

static void fill_loss(const struct sim_scenario *s, const struct shape *shape, struct sim_exact *exact)
{
    double a = shape->lambda * shape->mean, b = exact_erlang_b(a, s->teams[0].count), *all = exact->values[0];

    all[SIM_P_WAIT] = all[SIM_P_ABANDON] = b;
    all[SIM_OCCUPANCY] = a * (1 - b) / (double)s->teams[0].count;
    all[SIM_WAIT_ALL] = all[SIM_ASA_ALL] = all[SIM_QUEUE] = 0;
    all[SIM_SL_D] = 1 - b;
    all[SIM_SL_A] = all[SIM_SL_C] = 1;
}

/* The classes of one priority share one wait (they are first come, first served among each other). */
static void fill_priorities(const struct sim_scenario *s, const struct shape *shape, struct sim_exact *exact)
{
    struct exact_class levels[11] = {{0}}, used[11];
    double waits[11], of_level[11] = {0}, all = 0;
    size_t n = 0;

    for (size_t i = 0; i < s->n_classes; i++) {
        const struct sim_class *class = &s->classes[i];
        struct exact_class *level = &levels[class->priority > 0 ? class->priority : 5];
        double rate = class->arrivals.rate, sum = level->lambda + rate;

        level->mean_s += (sim_dist_mean(&class->service) - level->mean_s) * rate / sum;
        level->square_s2 += (sim_dist_square(&class->service) - level->square_s2) * rate / sum;
        level->lambda = sum;
    }
    for (int i = 0; i < 11; i++) {
        if (levels[i].lambda > 0)
            used[n++] = levels[i];
    }
    exact_cobham(used, n, s->teams[0].count, waits);
    n = 0;
    for (int i = 0; i < 11; i++) {
        of_level[i] = levels[i].lambda > 0 ? waits[n++] : 0;
        all += of_level[i] * levels[i].lambda / shape->lambda;
    }
    for (size_t i = 0; i < s->n_classes; i++) {
        const struct sim_class *class = &s->classes[i];
        double wait = of_level[class->priority > 0 ? class->priority : 5], *row = exact->values[1 + i];

        row[SIM_WAIT_ALL] = row[SIM_ASA_ALL] = wait;
        row[SIM_QUEUE] = wait * class->arrivals.rate;
        row[SIM_AHT] = sim_dist_mean(&class->service);
        row[SIM_SOJOURN] = wait + row[SIM_AHT];
    }
    exact->values[0][SIM_WAIT_ALL] = exact->values[0][SIM_ASA_ALL] = all;
    exact->values[0][SIM_QUEUE] = all * shape->lambda;
    exact->values[0][SIM_SOJOURN] = all + shape->mean;
}

/* Nobody hangs up, nobody is turned away, and there is more work than the agents can do. */
static bool is_unstable(const struct sim_scenario *s, const struct shape *shape)
{
    return shape->patient && s->room == 0 && shape->lambda * shape->mean >= (double)s->teams[0].count;
}

static const char *model_of(const struct sim_scenario *s, const struct shape *shape)
{
    bool markov = shape->exp && shape->same_mean && shape->theta >= 0;

    if (shape->loss)
        return "M/G/N/N (Erlang B)";
    if (markov && s->room > 0)
        return "M/M/N/K (birth and death)";
    if (markov && shape->theta > 0)
        return "M/M/N+M (Erlang A)";
    if (markov)
        return shape->one_order ? "M/M/N (Erlang C)" : "M/M/N (Erlang C), priorities by Cobham when strict";
    if (s->teams[0].count == 1 && shape->patient && s->room == 0)
        return shape->one_order ? "M/G/1 (Pollaczek-Khinchine)" : "M/G/1, priorities by Cobham when strict";
    return NULL;
}

void sim_compare(const struct sim_scenario *scenario, struct sim_exact *ret_exact)
{
    struct shape shape;
    bool markov;

    ret_exact->model = NULL;
    for (size_t i = 0; i < 1 + SIM_MAX_CLASSES; i++) {
        for (int j = 0; j < SIM_FIGURES; j++)
            ret_exact->values[i][j] = NAN;
    }
    if (!is_plain(scenario))
        return;
    shape = shape_of(scenario);
    if (is_unstable(scenario, &shape)) {
        ret_exact->model = "no steady state: more work than the agents can do";
        return;
    }
    ret_exact->model = model_of(scenario, &shape);
    if (!ret_exact->model)
        return;
    markov = shape.exp && shape.same_mean && shape.theta >= 0;
    if (shape.loss)
        fill_loss(scenario, &shape, ret_exact);
    else if (markov)
        fill_markov(scenario, &shape, ret_exact);
    else
        fill_single(&shape, ret_exact);
    if (!shape.loss && scenario->strict && !shape.one_order && shape.patient && scenario->room == 0)
        fill_priorities(scenario, &shape, ret_exact);
}
