/* SPDX-License-Identifier: Apache-2.0 */
/* The scenario of the recorded month: who calls, how long they would wait, who is on duty. */
#include "bank.h"

#include <math.h>
#include <stdlib.h>

#include "str/str.h"

/* ---- patience ---- */

/* Kaplan and Meier 1958: hang-ups are seen, answered calls are censored at their wait. Steps of the survival
 * curve. */
struct survival {
    double *at, *left; /* left[i]: part that waits longer than at[i] */
    size_t n;
    double tail_s; /* mean of what is beyond the last step */
};

struct ending {
    double wait;
    bool hung_up;
};

static int by_wait(const void *a, const void *b)
{
    const struct ending *x = a, *y = b;

    return x->wait < y->wait ? -1 : x->wait > y->wait;
}

static struct survival kaplan_meier(const struct bank *bank, double tail_s)
{
    struct ending *endings = cf_calloc(bank->n, sizeof(*endings));
    struct survival s = {.tail_s = tail_s};
    size_t n = 0;
    double left = 1;

    for (size_t i = 0; i < bank->n; i++) {
        if (bank->calls[i].queued)
            endings[n++] = (struct ending){bank->calls[i].wait, bank->calls[i].outcome == BANK_HANG};
    }
    qsort(endings, n, sizeof(*endings), by_wait);
    s.at = cf_calloc(n + 1, sizeof(*s.at));
    s.left = cf_calloc(n + 1, sizeof(*s.left));
    for (size_t i = 0, next; i < n; i = next) {
        size_t hung_up = 0;

        for (next = i; next < n && endings[next].wait <= endings[i].wait; next++)
            hung_up += endings[next].hung_up;
        if (hung_up == 0)
            continue;
        left *= 1 - (double)hung_up / (double)(n - i);
        s.at[s.n] = endings[i].wait;
        s.left[s.n++] = left;
    }
    free(endings);
    return s;
}

/* Patience of somebody who was answered after `wait`: he had not hung up by then. */
static double longer_than(const struct survival *s, double wait, struct sim_random *random)
{
    size_t i = 0;
    double had = 1, draw;

    while (i < s->n && s->at[i] <= wait)
        had = s->left[i++];
    draw = had * sim_random_unit(random);
    while (i < s->n && s->left[i] > draw)
        i++;
    return i < s->n ? s->at[i]
                    : fmax(wait, s->n ? s->at[s->n - 1] : 0) - s->tail_s * log(sim_random_unit(random));
}

/* ---- callers ---- */

static size_t count(const struct bank *bank, size_t type, int priority, bool serviced)
{
    size_t n = 0;

    for (size_t i = 0; i < bank->n; i++) {
        const struct bank_call *call = &bank->calls[i];

        if (call->type != type || (priority >= 0 && call->priority != priority))
            continue;
        n += serviced ? call->service > 0 : call->outcome == BANK_AGENT || call->queued;
    }
    return n;
}

/* Of those who hung up nobody knows how long they would have talked: like somebody of their type. */
static struct sim_dist services_of(const struct bank *bank, size_t type)
{
    struct sim_dist dist = {.kind = SIM_EMPIRICAL};

    dist.values = cf_calloc(count(bank, type, -1, true) + 1, sizeof(*dist.values));
    for (size_t i = 0; i < bank->n; i++) {
        if (bank->calls[i].type == type && bank->calls[i].service > 0)
            dist.values[dist.n++] = bank->calls[i].service;
    }
    if (dist.n == 0)
        dist.values[dist.n++] = 180;
    return dist;
}

struct drawing {
    const struct bank_plan *plan;
    struct survival survival;
    double patience_s;
    struct sim_random random;
};

static void add_class(struct sim_scenario *s, const struct bank *bank, size_t type, int priority,
                      struct drawing *d)
{
    struct sim_arrivals arrivals = {.kind = SIM_RECORDED};
    struct sim_class *class;
    char name[SIM_NAME];

    arrivals.recorded = cf_calloc(count(bank, type, priority, false) + 1, sizeof(*arrivals.recorded));
    for (size_t i = 0; i < bank->n; i++) {
        const struct bank_call *call = &bank->calls[i];
        double patience = call->wait;

        /* Who hung up in the voice menu never came to the routing. */
        if (call->type != type || call->priority != priority || (call->outcome == BANK_HANG && !call->queued))
            continue;
        if (call->outcome == BANK_AGENT)
            patience = d->plan->kaplan_meier ? longer_than(&d->survival, call->wait, &d->random)
                                             : call->wait - d->patience_s * log(sim_random_unit(&d->random));
        arrivals.recorded[arrivals.n_recorded++] =
            (struct sim_arrival){call->came, call->outcome == BANK_AGENT ? call->service : NAN, patience};
    }
    (void)snprintf(name, sizeof(name), "%s-%d", bank_types[type], priority);
    class = arrivals.n_recorded > 0 ? sim_scenario_add_class(s, name) : NULL;
    if (!class) {
        free(arrivals.recorded);
        return;
    }
    class->arrivals = arrivals;
    class->service = services_of(bank, type);
    class->priority = priority == BANK_PRIORITIES - 1 ? 4 : 5;
    (void)cf_str_copy(class->queue, sizeof(class->queue), cf_str_of(bank_types[type]));
}

/* ---- agents ---- */

static void add_service(struct sim_team *team, const struct bank_call *call, double break_s)
{
    struct sim_shift *last = team->n_shifts ? &team->shifts[team->n_shifts - 1] : NULL;
    double end = call->ser_start + call->service;

    if (last && call->ser_start - last->to <= break_s) {
        last->to = fmax(last->to, end);
    } else if (team->n_shifts < SIM_MAX_SHIFTS) {
        team->shifts[team->n_shifts++] = (struct sim_shift){call->ser_start, end};
    }
}

static int by_start(const void *a, const void *b)
{
    const struct bank_call *x = *(const struct bank_call *const *)a, *y = *(const struct bank_call *const *)b;

    return x->ser_start < y->ser_start ? -1 : x->ser_start > y->ser_start;
}

/* On duty from a first service to a last one, where the time between two is never longer than a break. */
static void add_agents(struct sim_scenario *s, const struct bank *bank, double break_s)
{
    const struct bank_call **list = cf_calloc(bank->n + 1, sizeof(struct bank_call *));
    size_t n = 0;

    for (size_t i = 0; i < bank->n; i++) {
        if (bank->calls[i].outcome == BANK_AGENT && bank->calls[i].server > 0 && bank->calls[i].service > 0)
            list[n++] = &bank->calls[i];
    }
    qsort(list, n, sizeof(struct bank_call *), by_start);
    for (uint32_t server = 1; server <= bank->n_servers; server++) {
        struct sim_team *team = sim_scenario_add_team(s, 1);

        for (size_t i = 0; team && i < n; i++) {
            if (list[i]->server == server)
                add_service(team, list[i], break_s);
        }
    }
    free(list);
}

struct sim_scenario *bank_scenario(const struct bank *bank, const struct bank_plan *plan)
{
    struct sim_scenario *s = sim_scenario_new();
    struct drawing d = {.plan = plan, .patience_s = bank_recorded(bank, plan->within_s).patience};

    sim_random_init(&d.random, plan->seed, UINT64_MAX);
    d.survival = kaplan_meier(bank, d.patience_s);
    s->strict = plan->strict;
    s->credit_s = plan->credit_s;
    s->within_s = plan->within_s;
    s->seed = plan->seed;
    s->calls = s->warm_up = 0;
    s->start_ms = bank->start_ms;
    s->tick_s = 1e-3;
    for (size_t type = 0; type < BANK_TYPES; type++) {
        for (int priority = 0; priority < BANK_PRIORITIES; priority++)
            add_class(s, bank, type, priority, &d);
    }
    add_agents(s, bank, plan->break_s);
    free(d.survival.at);
    free(d.survival.left);
    return s;
}
