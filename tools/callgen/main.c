/* SPDX-License-Identifier: Apache-2.0 */
/*
 * callgen - a contact centre to test the fleet with: callers call, agents answer, and each call is followed
 * to its end. See options.c for the command line, world.h for how a call goes.
 */
#include <stdio.h>

#include "world.h"

/* Returns the exit code. */
static int play(const struct cg_options *options, const struct cg_plan *plan, struct cg_report *report)
{
    struct cg_world world;
    struct cf_err err;
    struct cg_bus *bus = cg_bus_new(options->brokers, options->topic_prefix, &err);
    int failed, good;

    if (bus == NULL) {
        (void)fprintf(stderr, "callgen: %s\n", err.text);
        return 70;
    }
    cg_world_init(&world, options, plan, bus, report);
    failed = cg_world_run(&world);
    cg_report_rest(report, &world);
    good = cg_report_summary(report, &world);
    if (failed != 0) {
        (void)fprintf(stderr, "callgen: %s\n", cg_bus_error(bus));
    }
    cg_world_done(&world);
    cg_bus_free(bus);
    if (failed != 0 || good < 0) {
        return 70;
    }
    return good == 1 ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct cg_options options;
    struct cg_plan plan;
    struct cg_report *report;
    struct cf_err err;
    int code = cg_options_parse(argc, argv, &options);

    if (code >= 0) {
        cg_options_done(&options);
        return code;
    }
    code = 64;
    if (cg_plan_make(&options, &plan, &err) != 0) {
        (void)fprintf(stderr, "callgen: %s\n", err.text);
        cg_options_done(&options);
        return code;
    }
    report = cg_report_new(options.report_file, options.progress, &err);
    if (report == NULL) {
        (void)fprintf(stderr, "callgen: %s\n", err.text);
    } else {
        code = play(&options, &plan, report);
    }
    cg_report_free(report);
    cg_plan_done(&plan);
    cg_options_done(&options);
    return code;
}
