/* SPDX-License-Identifier: Apache-2.0 */
#include "exact.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "str/str.h"

#define TINY 1e-30 /* where a tail of probabilities or a series is cut, relative to its largest term */
enum { MAX_STATES = 1000000 };

/* A. K. Erlang 1917; the recursion in the offered load: B(0) = 1, B(k) = aB(k-1) / (k + aB(k-1)). */
double exact_erlang_b(double a, size_t servers)
{
    double b = 1;

    for (size_t k = 1; k <= servers; k++)
        b = a * b / ((double)k + a * b);
    return b;
}

/* Erlang 1917: C = N B / (N - a (1 - B)). */
double exact_erlang_c(double a, size_t servers)
{
    double b = exact_erlang_b(a, servers), n = (double)servers;

    return a < n ? n * b / (n - a * (1 - b)) : NAN;
}

/* Pollaczek 1930, Khinchine 1932: W = lambda E[S^2] / (2 (1 - rho)). */
double exact_pollaczek(double lambda, double mean_s, double square_s2)
{
    double rho = lambda * mean_s;

    return rho < 1 ? lambda * square_s2 / (2 * (1 - rho)) : NAN;
}

/* Cobham 1954: W_k = W_0 / ((1 - sigma_{k-1})(1 - sigma_k)), sigma_k the load of classes 1..k. For one server
 * W_0 = sum lambda_i E[S_i^2] / 2, for N equal exponential ones W_0 = C / (N mu) (Larson and Odoni 4.9.3). */
void exact_cobham(const struct exact_class *classes, size_t n, size_t servers, double *ret_waits)
{
    double w0 = 0, load = 0, above = 0, capacity = (double)servers;

    for (size_t i = 0; i < n; i++) {
        w0 += classes[i].lambda * classes[i].square_s2 / 2;
        load += classes[i].lambda * classes[i].mean_s;
    }
    if (servers > 1)
        w0 = exact_erlang_c(load, servers) * classes[0].mean_s / capacity;
    for (size_t i = 0; i < n; i++) {
        double sigma = above + classes[i].lambda * classes[i].mean_s / capacity;

        ret_waits[i] = sigma < 1 ? w0 / ((1 - above) * (1 - sigma)) : NAN;
        above = sigma;
    }
}

/* ---- the birth and death process: Kleinrock 1975, chapter 3; Palm 1957 (patience); Garnett, Mandelbaum and
 * Reiman 2002 for the measures ---- */

static double death_rate(const struct exact_queue *q, size_t n)
{
    double busy = (double)(n < q->servers ? n : q->servers);

    return busy * q->mu + (n > q->servers ? (double)(n - q->servers) * q->theta : 0);
}

/* Stationary probabilities of 0, 1, ... calls; scaled as they grow so that nothing overflows. */
static double *stationary(const struct exact_queue *q, size_t *ret_n)
{
    size_t last = q->room == EXACT_NO_ROOM_LIMIT ? MAX_STATES - 1 : q->servers + q->room, n = 1;
    double *p, sum = 1, largest = 1;

    last = last < MAX_STATES ? last : MAX_STATES - 1;
    p = cf_calloc(last + 1, sizeof(*p));
    p[0] = 1;
    for (; n <= last; n++) {
        p[n] = p[n - 1] * q->lambda / death_rate(q, n);
        sum += p[n];
        largest = p[n] > largest ? p[n] : largest;
        if (p[n] < largest * TINY && n > q->servers)
            break;
        if (largest < 1e200)
            continue;
        for (size_t i = 0; i <= n; i++)
            p[i] /= largest;
        sum /= largest;
        largest = 1;
    }
    n = n <= last ? n + 1 : last + 1;
    for (size_t i = 0; i < n; i++)
        p[i] /= sum;
    *ret_n = n;
    return p;
}

/* Chance to be served within T with `ahead` calls waiting in front, for every ahead < n: the chain of calls
 * in front (and the caller's own patience) by uniformisation (Jensen 1953). in[j] after k steps: the chance
 * to be served within k jumps. */
static void served_within(const struct exact_queue *q, double within_s, size_t n, double *ret_served)
{
    double full = (double)q->servers * q->mu, speed = full + (double)n * q->theta;
    double mean = speed * within_s;
    double *in = cf_calloc(n, sizeof(*in)), *next = cf_calloc(n, sizeof(*next));
    double log_weight = -mean;

    for (size_t j = 0; j < n; j++)
        ret_served[j] = 0;
    for (size_t k = 0; (double)k < mean + 12 * sqrt(mean) + 60; k++) {
        double weight = exp(log_weight);

        for (size_t j = 0; j < n; j++) {
            double forward = full + (double)j * q->theta, stay = speed - forward - q->theta;

            ret_served[j] += weight * in[j];
            next[j] = (forward * (j > 0 ? in[j - 1] : 1) + stay * in[j]) / speed;
        }
        memcpy(in, next, n * sizeof(*in));
        log_weight += log(mean) - log((double)k + 1);
    }
    free(in);
    free(next);
}

/* Chance that an arriving call is answered within T. */
static double chance_within(const struct exact_queue *q, const double *p, size_t n_states, double within_s)
{
    size_t last = q->room == EXACT_NO_ROOM_LIMIT ? n_states : q->servers + q->room;
    size_t n = 0;
    double sum = 0, *served;

    for (size_t i = 0; i < q->servers && i < n_states; i++)
        sum += p[i];
    for (size_t i = q->servers; i < n_states && i < last; i++)
        n = p[i] > 1e-12 ? i - q->servers + 1 : n;
    if (n == 0 || within_s <= 0)
        return sum;
    served = cf_calloc(n, sizeof(*served));
    served_within(q, within_s, n, served);
    for (size_t j = 0; j < n; j++)
        sum += p[q->servers + j] * served[j];
    free(served);
    return sum;
}

static struct exact_result measures(const struct exact_queue *q, const double *p, size_t n)
{
    struct exact_result r = {0};
    double busy = 0, entered;

    for (size_t i = 0; i < n; i++) {
        busy += p[i] * (double)(i < q->servers ? i : q->servers);
        if (i > q->servers)
            r.mean_queue += p[i] * (double)(i - q->servers);
        if (i >= q->servers)
            r.p_wait += p[i];
    }
    if (q->room != EXACT_NO_ROOM_LIMIT && n == q->servers + q->room + 1) {
        r.p_lost = p[n - 1];
        r.p_wait -= p[n - 1];
    }
    entered = q->lambda * (1 - r.p_lost);
    r.p_abandon = q->theta * r.mean_queue / q->lambda;
    r.mean_wait = r.mean_queue / entered;
    r.occupancy = busy / (double)q->servers;
    return r;
}

/* Mean wait of those that are answered: with j calls in front, the times until each place forward and until
 * the agent add up, and each step is survived with chance forward / (forward + theta) (competing
 * exponentials; the time to the next jump does not depend on which jump it is). */
static double answered_wait(const struct exact_queue *q, const double *p, size_t n_states)
{
    double full = (double)q->servers * q->mu, chance = 1, time = 0, sum = 0, answered = 0;
    size_t last = q->room == EXACT_NO_ROOM_LIMIT ? n_states : q->servers + q->room;

    for (size_t i = 0; i < q->servers && i < n_states; i++)
        answered += p[i];
    for (size_t j = 0; q->servers + j < n_states && q->servers + j < last; j++) {
        double forward = full + (double)j * q->theta;

        chance *= forward / (forward + q->theta);
        time += 1 / (forward + q->theta);
        sum += p[q->servers + j] * chance * time;
        answered += p[q->servers + j] * chance;
    }
    return sum / answered;
}

struct exact_result exact_markov(const struct exact_queue *q, double within_s)
{
    struct exact_result r;
    size_t n;
    double *p;

    if (q->theta <= 0 && q->room == EXACT_NO_ROOM_LIMIT && q->lambda >= (double)q->servers * q->mu)
        return (struct exact_result){NAN, 0, 0, NAN, NAN, NAN, 1, NAN};
    p = stationary(q, &n);
    r = measures(q, p, n);
    r.asa = answered_wait(q, p, n);
    r.within = chance_within(q, p, n, within_s);
    free(p);
    return r;
}
