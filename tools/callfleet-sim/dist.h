/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dist - distributions of times: service, patience, gaps between calls.
 *
 * Text: none | exp:MEAN | exp:RATE | const:T | uniform:FROM:TO | triangular:FROM:MODE:TO |
 * lognormal:MEAN:SD | erlang:K:MEAN | hyperexp:P:MEAN1:MEAN2 | weibull:SHAPE:SCALE | empirical:FILE. A time
 * is a number and us, ms, s (also when left out), m or min, h, d; a rate is a number, "/" and one of these
 * units ("12/h"). MEAN and SD of lognormal are those of the time itself, not of its logarithm. A FILE has one
 * time a line, drawn with replacement; lines that start with # do not count. All values in seconds.
 */
#ifndef CF_SIM_DIST_H
#define CF_SIM_DIST_H

#include <stdbool.h>
#include <stddef.h>

#include "err/err.h"
#include "random.h"

#define SIM_MAX_VALUES 10000000U /* of one file */

enum sim_dist_kind {
    SIM_NONE, /* never: no patience limit */
    SIM_EXP,
    SIM_CONST,
    SIM_UNIFORM,
    SIM_TRIANGULAR,
    SIM_LOGNORMAL,
    SIM_ERLANG,
    SIM_HYPEREXP,
    SIM_WEIBULL,
    SIM_EMPIRICAL,
};

struct sim_dist {
    enum sim_dist_kind kind;
    double a, b, c; /* as in the text; lognormal: mu, sigma of the logarithm */
    double *values; /* empirical; owned */
    size_t n;
};

/** -1, kind CONFIG: what is wrong with the text. */
CF_CHECKED int sim_dist_parse(const char *text, struct sim_dist *ret_dist, struct cf_err *err);
void sim_dist_done(struct sim_dist *dist);
/** Infinity for none. */
double sim_dist_draw(const struct sim_dist *dist, struct sim_random *random);
double sim_dist_mean(const struct sim_dist *dist);
/** The mean of the square. */
double sim_dist_square(const struct sim_dist *dist);

/** A time ("90s", "1.5m", "20") in seconds; a rate ("200/h") per second. Returns whether it is one. */
CF_CHECKED bool sim_time_parse(const char *text, double *ret_s);
CF_CHECKED bool sim_rate_parse(const char *text, double *ret_per_s);
/** Numbers of a text file, one line after the other, `columns` in each line (NAN: "-" or missing). */
CF_CHECKED int sim_read_columns(const char *path, size_t columns, double **ret_values, size_t *ret_lines,
                                struct cf_err *err);

#endif
