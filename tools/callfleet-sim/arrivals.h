/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arrivals - when calls come.
 *
 * Text: RATE or poisson:RATE (Poisson) | constant:RATE (one every 1/RATE) | renewal:DIST (gaps drawn from a
 * distribution) | profile:FILE (Poisson whose rate varies: lines "FROM RATE", the last one "TO end" or
 * "TO repeat") | recorded:FILE (lines "TIME [SERVICE [PATIENCE]]" in seconds, ascending; "-": drawn).
 */
#ifndef CF_SIM_ARRIVALS_H
#define CF_SIM_ARRIVALS_H

#include "dist.h"

enum sim_arrivals_kind { SIM_POISSON, SIM_REGULAR, SIM_RENEWAL, SIM_PROFILE, SIM_RECORDED };

struct sim_arrival {
    double at, service, patience; /* NAN: to be drawn */
};

struct sim_piece {
    double from, rate; /* until the next piece begins */
};

struct sim_arrivals {
    enum sim_arrivals_kind kind;
    double rate; /* POISSON, REGULAR */
    struct sim_dist gap;
    struct sim_piece *pieces; /* owned */
    size_t n_pieces;
    double end; /* of the profile */
    bool repeat;
    struct sim_arrival *recorded; /* owned */
    size_t n_recorded;
};

CF_CHECKED int sim_arrivals_parse(const char *text, struct sim_arrivals *ret_arrivals, struct cf_err *err);
void sim_arrivals_done(struct sim_arrivals *arrivals);
/** Mean rate per second over a long time; NAN when it says nothing (varying, recorded). */
double sim_arrivals_rate(const struct sim_arrivals *arrivals);

/* Where one run stands in them. */
struct sim_source {
    const struct sim_arrivals *arrivals;
    double at;
    size_t next;
};

/** The next arrival. False: there is none. */
CF_CHECKED bool sim_source_next(struct sim_source *source, struct sim_random *random,
                                struct sim_arrival *ret_arrival);

#endif
