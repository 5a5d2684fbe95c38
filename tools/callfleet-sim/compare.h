/* SPDX-License-Identifier: Apache-2.0 */
/* compare - which formula holds for a scenario, and what it says for each row and figure. */
#ifndef CF_SIM_COMPARE_H
#define CF_SIM_COMPARE_H

#include "sim.h"

struct sim_exact {
    const char *model;                               /* NULL: no formula holds */
    double values[1 + SIM_MAX_CLASSES][SIM_FIGURES]; /* by row: all, then the classes; NAN: none */
};

void sim_compare(const struct sim_scenario *scenario, struct sim_exact *ret_exact);

#endif
