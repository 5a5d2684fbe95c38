/* SPDX-License-Identifier: Apache-2.0 */
#include "stats.h"

#include <math.h>
#include <stdlib.h>

#include "str/str.h"

enum { SLOT_BITS = 10, SHIFT = 52 - SLOT_BITS, OCTAVES = 80, LOW_EXPONENT = 1023 - 40 };
#define N_SLOTS ((size_t)OCTAVES << SLOT_BITS)

struct sim_histogram {
    uint64_t n, zeros;
    uint64_t slots[N_SLOTS];
};

/* ---- percentiles ---- */

struct sim_histogram *sim_histogram_new(void)
{
    return cf_calloc(1, sizeof(struct sim_histogram));
}

void sim_histogram_free(struct sim_histogram *histogram)
{
    free(histogram);
}

/* The exponent and the first bits of the fraction number the slots in order of size. */
void sim_histogram_add(struct sim_histogram *histogram, double value)
{
    uint64_t bits, slot;

    histogram->n++;
    if (!(value > 0)) {
        histogram->zeros++;
        return;
    }
    memcpy(&bits, &value, sizeof(bits));
    slot = bits >> SHIFT;
    slot = slot > ((uint64_t)LOW_EXPONENT << SLOT_BITS) ? slot - ((uint64_t)LOW_EXPONENT << SLOT_BITS) : 0;
    histogram->slots[slot < N_SLOTS ? slot : N_SLOTS - 1]++;
}

static double middle(uint64_t slot)
{
    uint64_t bits = ((slot + ((uint64_t)LOW_EXPONENT << SLOT_BITS)) << SHIFT) | (1ULL << (SHIFT - 1));
    double value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

double sim_histogram_quantile(const struct sim_histogram *histogram, double part)
{
    uint64_t rank = (uint64_t)ceil(part * (double)histogram->n), seen = histogram->zeros;

    if (histogram->n == 0)
        return NAN;
    if (rank <= seen)
        return 0;
    for (uint64_t slot = 0; slot < N_SLOTS; slot++) {
        seen += histogram->slots[slot];
        if (seen >= rank)
            return middle(slot);
    }
    return INFINITY;
}

/* ---- figures ---- */

static double per(double a, double b)
{
    return b > 0 ? a / b : NAN;
}

static double p_wait(const struct sim_tally *t)
{
    return per(t->waited, t->offered);
}

static double p_abandon(const struct sim_tally *t)
{
    return per(t->abandoned, t->offered);
}

static double p_refused(const struct sim_tally *t)
{
    return per(t->refused, t->offered);
}

static double asa_all(const struct sim_tally *t)
{
    return per(t->wait_answered, t->answered);
}

static double asa_waited(const struct sim_tally *t)
{
    return per(t->wait_answered, t->answered_waited);
}

static double wait_all(const struct sim_tally *t)
{
    return per(t->wait, t->offered);
}

static double wait_abandoned(const struct sim_tally *t)
{
    return per(t->wait_abandoned, t->abandoned);
}

static double sojourn(const struct sim_tally *t)
{
    return per(t->sojourn, t->answered);
}

static double aht(const struct sim_tally *t)
{
    return per(t->service, t->answered);
}

static double sl_a(const struct sim_tally *t)
{
    return per(t->answered_within, t->answered);
}

static double sl_b(const struct sim_tally *t)
{
    return per(t->answered_within + t->abandoned_within, t->answered + t->abandoned);
}

static double sl_d(const struct sim_tally *t)
{
    return per(t->answered_within, t->offered);
}

static double sl_e(const struct sim_tally *t)
{
    return per(t->answered_within, t->offered - t->abandoned_within);
}

static double queue_length(const struct sim_tally *t)
{
    return per(t->queue_area, t->time);
}

static double occupancy(const struct sim_tally *t)
{
    return per(t->busy_area, t->duty_area);
}

static double rate(const struct sim_tally *t)
{
    return per(t->offered, t->time);
}

const struct sim_figure_info sim_figures[SIM_FIGURES] = {
    [SIM_P_WAIT] = {"p_wait", "", "did not get an agent at once / offered", p_wait},
    [SIM_P_ABANDON] = {"p_abandon", "", "abandoned / offered", p_abandon},
    [SIM_P_REFUSED] = {"p_refused", "", "ended by the routing before an answer / offered", p_refused},
    [SIM_ASA_ALL] = {"asa_all", "s", "mean wait of answered calls", asa_all},
    [SIM_ASA_WAITED] = {"asa_waited", "s", "mean wait of answered calls that waited", asa_waited},
    [SIM_WAIT_ALL] = {"wait_all", "s", "mean wait of all calls", wait_all},
    [SIM_WAIT_ABANDONED] = {"wait_abandoned", "s", "mean wait of abandoned calls", wait_abandoned},
    [SIM_SOJOURN] = {"time_in_system", "s", "wait and service of answered calls", sojourn},
    [SIM_AHT] = {"aht", "s", "mean service of answered calls", aht},
    [SIM_SL_A] = {"sl_a", "", "answered in T / answered", sl_a},
    [SIM_SL_B] = {"sl_b", "", "(answered in T + abandoned in T) / (answered + abandoned)", sl_b},
    [SIM_SL_C] = {"sl_c", "", "answered in T / answered: as A, until switches add other calls", sl_a},
    [SIM_SL_D] = {"sl_d", "", "answered in T / offered", sl_d},
    [SIM_SL_E] = {"sl_e", "", "answered in T / (offered - abandoned in T)", sl_e},
    [SIM_QUEUE] = {"queue_length", "", "calls waiting, mean over time", queue_length},
    [SIM_OCCUPANCY] = {"occupancy", "", "agents' handling time / time on duty", occupancy},
    [SIM_RATE] = {"rate", "/s", "offered calls per second of virtual time", rate},
};

struct sim_tally sim_tally_sum(const struct sim_tally *batches, size_t n)
{
    struct sim_tally sum = {0};

    for (size_t i = 0; i < n; i++) {
        const struct sim_tally *b = &batches[i];

        sum.offered += b->offered;
        sum.answered += b->answered;
        sum.abandoned += b->abandoned;
        sum.refused += b->refused;
        sum.waited += b->waited;
        sum.answered_waited += b->answered_waited;
        sum.answered_within += b->answered_within;
        sum.abandoned_within += b->abandoned_within;
        sum.wait += b->wait;
        sum.wait_answered += b->wait_answered;
        sum.wait_abandoned += b->wait_abandoned;
        sum.service += b->service;
        sum.sojourn += b->sojourn;
        sum.max_wait = fmax(sum.max_wait, b->max_wait);
        sum.time += b->time;
        sum.queue_area += b->queue_area;
        sum.busy_area += b->busy_area;
        sum.duty_area += b->duty_area;
    }
    return sum;
}

/* ---- limits ---- */

/* The 97.5 % quantile of Student's t (Abramowitz and Stegun 26.7.5; exact to three digits from 3 degrees). */
static double student(size_t degrees)
{
    static const double few[] = {12.706, 4.303, 3.182};
    double x = 1.959964, v = (double)degrees;
    double g1 = (pow(x, 3) + x) / 4, g2 = (5 * pow(x, 5) + 16 * pow(x, 3) + 3 * x) / 96;
    double g3 = (3 * pow(x, 7) + 19 * pow(x, 5) + 17 * pow(x, 3) - 15 * x) / 384;

    return degrees <= 3 ? few[degrees - 1] : x + g1 / v + g2 / (v * v) + g3 / (v * v * v);
}

struct sim_estimate sim_estimate_values(const double *values, size_t n)
{
    struct sim_estimate e = {0, NAN};
    double squares = 0;

    for (size_t i = 0; i < n; i++)
        e.value += values[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (values[i] - e.value) * (values[i] - e.value);
    if (n > 1)
        e.half = student(n - 1) * sqrt(squares / (double)(n - 1) / (double)n);
    return e;
}

struct sim_estimate sim_estimate(const struct sim_tally *batches, size_t n, enum sim_figure figure)
{
    struct sim_tally sum = sim_tally_sum(batches, n);
    double values[SIM_MAX_BATCHES];
    struct sim_estimate e;
    size_t good = 0;

    for (size_t i = 0; i < n; i++) {
        double value = sim_figures[figure].of(&batches[i]);

        if (isfinite(value))
            values[good++] = value;
    }
    e = sim_estimate_values(values, good);
    e.value = sim_figures[figure].of(&sum);
    return e;
}
