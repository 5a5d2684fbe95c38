/* SPDX-License-Identifier: Apache-2.0 */
/* callfleet-sim: the routing engine in virtual time. README.md has examples. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "bank.h"
#include "options.h"
#include "report.h"

static int fail(const struct cf_err *err)
{
    (void)fprintf(stderr, "callfleet-sim: %s\n", err->text);
    return err->kind == CF_ERR_CONFIG ? EX_USAGE : EX_IOERR;
}

static int show(const struct sim_options *o, struct journal *journal, struct sim_result *result)
{
    struct sim_exact *exact = o->exact ? cf_calloc(1, sizeof(*exact)) : NULL;
    struct cf_err err;
    bool sound;

    if (sim_run(o->scenario, journal, result, &err) < 0) {
        free(exact);
        return fail(&err);
    }
    if (exact)
        sim_compare(o->scenario, exact);
    (o->json ? report_json : report_text)(stdout, o->scenario, result, exact);
    sound = result->breaches == 0;
    sim_result_done(result);
    free(exact);
    return sound ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int simulate(const struct sim_options *o)
{
    struct sim_result *result;
    struct journal *journal = NULL;
    struct cf_err err;
    int code;

    if (o->log || o->decisions || o->events) {
        journal = journal_open(o->log, o->decisions, o->events, &err);
        if (!journal)
            return fail(&err);
    }
    result = cf_calloc(1, sizeof(*result));
    code = show(o, journal, result);
    free(result);
    if (journal_close(journal, &err) < 0)
        return fail(&err);
    return code;
}

int main(int argc, char **argv)
{
    struct sim_options options;
    struct cf_err err;
    int code;

    if (argc < 2 || strcmp(argv[1], "--help") == 0) {
        (void)fputs(sim_usage, argc < 2 ? stderr : stdout);
        return argc < 2 ? EX_USAGE : EXIT_SUCCESS;
    }
    if (strcmp(argv[1], "bank") == 0)
        return bank_main(argc - 1, argv + 1);
    if (sim_options_parse(argc, argv, &options, &err) < 0)
        return fail(&err);
    code = simulate(&options);
    sim_scenario_free(options.scenario);
    return code;
}
