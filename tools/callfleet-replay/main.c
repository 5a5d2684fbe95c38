/* SPDX-License-Identifier: Apache-2.0 */
/* callfleet-replay: looks at recorded topics. README.md has examples. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "rerun.h"
#include "timeline.h"

static const char usage[] =
    "usage: callfleet-replay timeline --call ID  (--brokers HOST:PORT [--topic-prefix P] | FILE...)\n"
    "       callfleet-replay rerun [--print]     (--brokers HOST:PORT [--topic-prefix P] | FILE...)\n"
    "\n"
    "timeline  everything one call did, oldest first\n"
    "rerun     the routing-log through the engine again; exit 1 when a decision differs from the recorded "
    "one\n"
    "FILE      what `kcat -C -e -J -t TOPIC` wrote, any topics together\n";

struct arguments {
    struct source_opts source;
    const char *call;
    bool print;
};

static int parse(int argc, char **argv, struct arguments *ret_arguments)
{
    static const struct option options[] = {
        {"brokers", required_argument, NULL, 'b'},
        {"topic-prefix", required_argument, NULL, 'p'},
        {"call", required_argument, NULL, 'c'},
        {"print", no_argument, NULL, 'o'},
        {NULL, 0, NULL, 0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'b')
            ret_arguments->source.brokers = optarg;
        else if (c == 'p')
            ret_arguments->source.topic_prefix = optarg;
        else if (c == 'c')
            ret_arguments->call = optarg;
        else if (c == 'o')
            ret_arguments->print = true;
        else
            return -1;
    }
    ret_arguments->source.files = argv + optind;
    return (ret_arguments->source.brokers != NULL) == (argv[optind] == NULL) ? 0 : -1;
}

static int fail(const struct cf_err *err)
{
    (void)fprintf(stderr, "callfleet-replay: %s\n", err->text);
    return err->kind == CF_ERR_REJECTED ? EX_DATAERR : EX_UNAVAILABLE;
}

static int do_timeline(struct arguments *arguments)
{
    static const char *const topics[] = {"call-started",
                                         "call-queued",
                                         "agent-state",
                                         "call-routed",
                                         "call-ended",
                                         "call-updated",
                                         "call-started.dlq",
                                         "call-queued.dlq",
                                         "call-ended.dlq",
                                         "agent-state.dlq",
                                         NULL};
    struct cf_err err;
    int n;

    if (!arguments->call) {
        (void)fputs(usage, stderr);
        return EX_USAGE;
    }
    arguments->source.topics = topics;
    n = timeline(&arguments->source, cf_str_of(arguments->call), stdout, &err);
    if (n < 0)
        return fail(&err);
    if (n == 0)
        (void)fprintf(stderr, "callfleet-replay: no record of call %s\n", arguments->call);
    return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int do_rerun(struct arguments *arguments)
{
    static const char *const topics[] = {"routing-log", "call-routed", NULL};
    struct rerun_result result;
    struct cf_err err;
    bool same;

    arguments->source.topics = topics;
    if (rerun(&arguments->source, stderr, arguments->print ? stdout : NULL, &result, &err) < 0)
        return fail(&err);
    same = result.different == 0 && result.missing == 0 && result.unexpected == 0;
    (void)fprintf(arguments->print ? stderr : stdout,
                  "%zu log records, %zu decisions: %zu the same byte for byte, %zu different, %zu not "
                  "recorded, %zu recorded "
                  "only\n",
                  result.records, result.decisions, result.compared - result.different, result.different,
                  result.missing, result.unexpected);
    return same ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {0};

    if (argc > 1 && parse(argc - 1, argv + 1, &arguments) == 0) {
        if (strcmp(argv[1], "timeline") == 0)
            return do_timeline(&arguments);
        if (strcmp(argv[1], "rerun") == 0)
            return do_rerun(&arguments);
    }
    (void)fputs(usage, stderr);
    return EX_USAGE;
}
