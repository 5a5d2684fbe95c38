/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options - callgen's command line.
 */
#ifndef CG_OPTIONS_H
#define CG_OPTIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "random.h"

#define CG_MAX_CALLS 1000000
#define CG_MAX_AGENTS 10000

struct cg_options {
    const char *brokers, *topic_prefix;
    const char *run;                                      /* first part of every call id */
    const char *agent_prefix;                             /* first part of every agent id */
    json_t *agent_fields;                                 /* merged into every agent-state; NULL: none */
    const char *numbers_file, *script_file, *report_file; /* NULL: not given */
    uint32_t calls, agents, timeout_s, settle_ms;
    uint64_t seed;
    double rate_per_s, abandon, miss;
    double repeat; /* below 0: callers are drawn by weight */
    struct cg_range talk_ms, ring_ms, wrapup_ms, patience_ms;
    bool progress;
    bool no_routing; /* nobody routes: a call is answered as soon as it is queued */
    char run_buffer[32];
};

/** Fills `ret_options`; strings are borrowed from argv. Returns -1 to go on, else the exit code to end with
 * (the usage text is already printed). */
int cg_options_parse(int argc, char **argv, struct cg_options *ret_options);
void cg_options_done(struct cg_options *options);

#endif
