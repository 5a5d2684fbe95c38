/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rerun - a recorded routing-log through the engine in memory, compared with the decisions recorded at the
 * time.
 */
#ifndef CF_REPLAY_RERUN_H
#define CF_REPLAY_RERUN_H

#include <stdio.h>

#include "recorded/source.h"

struct rerun_result {
    size_t records, decisions;  /* of the log; made now */
    size_t compared, different; /* recorded ones found; not the same bytes */
    size_t missing, unexpected; /* made now and not recorded; recorded and not made now */
};

/** Runs every domain of the log and compares byte for byte; writes the first differences to `out`. With
 * `print` every decision is written to it, one JSON text a line. */
CF_CHECKED int rerun(const struct source_opts *opts, FILE *out, FILE *print, struct rerun_result *ret_result,
                     struct cf_err *err);

#endif
