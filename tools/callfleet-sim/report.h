/* SPDX-License-Identifier: Apache-2.0 */
/* report - a result as a table for people or as JSON. */
#ifndef CF_SIM_REPORT_H
#define CF_SIM_REPORT_H

#include <stdio.h>

#include "compare.h"

/** `exact` may be NULL. */
void report_text(FILE *out, const struct sim_scenario *scenario, const struct sim_result *result,
                 const struct sim_exact *exact);
void report_json(FILE *out, const struct sim_scenario *scenario, const struct sim_result *result,
                 const struct sim_exact *exact);

#endif
