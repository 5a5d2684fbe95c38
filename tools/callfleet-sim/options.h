/* SPDX-License-Identifier: Apache-2.0 */
/* options - the command line of the simulator. */
#ifndef CF_SIM_OPTIONS_H
#define CF_SIM_OPTIONS_H

#include "scenario.h"

extern const char sim_usage[];

struct sim_options {
    struct sim_scenario *scenario; /* owned */
    bool json, exact;
    const char *log, *decisions, *events; /* files to write, or NULL */
};

/** -1: `err` says what is wrong; `ret_options` needs no freeing then. */
CF_CHECKED int sim_options_parse(int argc, char **argv, struct sim_options *ret_options, struct cf_err *err);

#endif
