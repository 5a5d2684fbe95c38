/* SPDX-License-Identifier: Apache-2.0 */
/* callfleet-check: do the recorded decisions keep the rules of routing? README.md has examples. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "check/explain.h"

enum { OK = 0, FOUND = 1, UNREADABLE = 2 };

static const char usage[] =
    "usage: callfleet-check [--follow] [--open-end] [--limit N] [--digests] [--digest DOMAIN@OFFSET=HEX] "
    "SOURCE\n"
    "       callfleet-check explain --call ID SOURCE\n"
    "SOURCE: --brokers HOST:PORT [--topic-prefix P], or FILE... as `kcat -C -e -J -t TOPIC` wrote them\n"
    "\n"
    "Reads routing-log and call-routed and checks invariants I1 to I16 (README.md).\n"
    "Exit: 0 nothing found, 1 findings, 2 could not read.\n"
    "\n"
    "--follow    goes on with what is written from now on, until it is interrupted\n"
    "--open-end  records at the end of the log may still be without decisions\n"
    "--limit N   findings printed of each invariant, default 20\n"
    "--digests   prints each domain's offset and digest of state at the end\n"
    "--digest    compares the digest of state behind that record of the log\n"
    "explain     why each decision about a call was made as it was\n";

struct arguments {
    struct source_opts source;
    struct check_opts check;
    const char *call;
    bool explain, follow, digests;
};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

/* DOMAIN@OFFSET=HEX, taken apart in place. */
static bool parse_digest(char *text, struct check_opts *opts)
{
    char *equals = strrchr(text, '='), *at;
    uint64_t offset;

    if (!equals)
        return false;
    *equals = '\0';
    at = strrchr(text, '@');
    if (!at || !cf_str_u64(cf_str_of(at + 1), &offset))
        return false;
    *at = '\0';
    opts->digest_domain = text;
    opts->digest = equals + 1;
    opts->digest_offset = (int64_t)offset;
    return true;
}

static bool parse_option(int c, struct arguments *arguments)
{
    uint64_t limit;

    if (c == 'b')
        arguments->source.brokers = optarg;
    else if (c == 'p')
        arguments->source.topic_prefix = optarg;
    else if (c == 'c')
        arguments->call = optarg;
    else if (c == 'f')
        arguments->follow = true;
    else if (c == 'e')
        arguments->check.open_end = true;
    else if (c == 'd')
        arguments->digests = true;
    else if (c == 'g')
        return parse_digest(optarg, &arguments->check);
    else if (c == 'l' && cf_str_u64(cf_str_of(optarg), &limit))
        arguments->check.limit = (size_t)limit;
    else
        return false;
    return true;
}

static int parse(int argc, char **argv, struct arguments *arguments)
{
    static const struct option options[] = {
        {"brokers", required_argument, NULL, 'b'},
        {"topic-prefix", required_argument, NULL, 'p'},
        {"call", required_argument, NULL, 'c'},
        {"follow", no_argument, NULL, 'f'},
        {"open-end", no_argument, NULL, 'e'},
        {"digests", no_argument, NULL, 'd'},
        {"digest", required_argument, NULL, 'g'},
        {"limit", required_argument, NULL, 'l'},
        {NULL, 0, NULL, 0},
    };
    int c;

    arguments->explain = argc > 1 && strcmp(argv[1], "explain") == 0;
    argc -= arguments->explain;
    argv += arguments->explain;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (!parse_option(c, arguments))
            return -1;
    }
    arguments->source.files = argv + optind;
    if (arguments->explain != (arguments->call != NULL) ||
        (arguments->follow && (arguments->explain || !arguments->source.brokers)))
        return -1;
    return (arguments->source.brokers != NULL) == (argv[optind] == NULL) ? 0 : -1;
}

static void drain(void *arg)
{
    check_drain(arg);
}

static int read_source(const struct arguments *arguments, struct check *check, struct cf_err *err)
{
    if (!arguments->follow)
        return source_read(&arguments->source, check_entry, check, err);
    (void)signal(SIGINT, on_signal);
    (void)signal(SIGTERM, on_signal);
    return source_follow(&arguments->source, check_entry, drain, check, &stop, err);
}

static int run(struct arguments *arguments)
{
    struct check *check;
    struct explain *explain = NULL;
    struct cf_err err;
    size_t found, told = 0;

    if (arguments->explain) {
        explain = explain_new(cf_str_of(arguments->call), stdout);
        arguments->check.watch = explain_watch;
        arguments->check.watch_arg = explain;
        arguments->check.out = stderr;
    }
    check = check_new(&arguments->check);
    if (read_source(arguments, check, &err) < 0) {
        (void)fprintf(stderr, "callfleet-check: %s\n", err.text);
        check_free(check);
        (void)explain_free(explain);
        return UNREADABLE;
    }
    check_finish(check);
    if (arguments->digests)
        check_digests(check, stdout);
    if (!explain)
        check_summary(check, stdout);
    found = check_report(check)->total;
    check_free(check);
    if (!explain)
        return found > 0 ? FOUND : OK;
    told = explain_free(explain);
    if (told == 0)
        (void)fprintf(stderr, "callfleet-check: no decision about call %s\n", arguments->call);
    if (found > 0)
        (void)fprintf(stderr, "callfleet-check: the log has %zu findings, so this may not be how it was\n",
                      found);
    return told == 0 || found > 0 ? FOUND : OK;
}

int main(int argc, char **argv)
{
    static const char *const topics[] = {"routing-log", "call-routed", NULL};
    struct arguments arguments = {.source.topics = topics, .check = {.out = stdout, .limit = 20}};

    if (parse(argc, argv, &arguments) < 0) {
        (void)fputs(usage, stderr);
        return UNREADABLE;
    }
    if (arguments.follow)
        arguments.check.open_end = true;
    return run(&arguments);
}
