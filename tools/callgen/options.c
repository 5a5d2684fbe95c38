/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock/clock.h"

#define MAX_MS 86400000U

static const char usage_text[] =
    "usage: callgen --brokers HOST:PORT[,...] [OPTION...]\n"
    "\n"
    "Plays calls and agents against a fleet: writes call-started, agent-state and call-ended, reads "
    "call-queued,\n"
    "call-routed and call-updated, and says what became of each call.\n"
    "\n"
    "  --topic-prefix P       in front of every topic name\n"
    "  --calls N              how many calls (30)\n"
    "  --rate R               calls per second, Poisson arrivals (10)\n"
    "  --agents N             agents who answer (5)\n"
    "  --seed S               same seed, same calls (1)\n"
    "  --numbers FILE         who calls: lines of \"WEIGHT NUMBER LABEL\" (also --mix)\n"
    "  --repeat P             each number of the file calls once, in its order, and this share of the calls "
    "is\n"
    "                         made by somebody who has called before; without it numbers are drawn by "
    "weight\n"
    "  --script FILE          exact calls instead: one JSON object per line, see tools/callgen/README.md\n"
    "  --talk-ms MIN..MAX     how long they talk (200..1000)\n"
    "  --ring-ms MIN..MAX     how long an agent lets it ring (50..200)\n"
    "  --wrapup-ms MIN..MAX   how long an agent needs afterwards (50..200)\n"
    "  --patience-ms MIN..MAX how long an abandoning caller waits (300..1500)\n"
    "  --abandon P            share of callers who hang up before they are answered (0)\n"
    "  --miss P               share of calls whose first offer is not answered (0)\n"
    "  --no-routing           the fleet has no routing stage: a call is answered as soon as it is queued\n"
    "  --report FILE          one JSON line per call, then one summary line\n"
    "  --timeout-s N          give up when nothing has happened for so long (60)\n"
    "  --settle-ms N          look out for doubles so long after the last result (500)\n"
    "  --run NAME             first part of the call ids (callgen and the time)\n"
    "  --agent-prefix P       first part of the agent ids (agent-)\n"
    "  --agent-fields JSON    object merged into every agent-state, such as {\"skills\":{\"billing\":5}}\n"
    "  --progress             a line on stderr whenever something has changed, at most twice a second\n"
    "\n"
    "Exit code: 0 each call has its results once; 1 something is missing or doubled; 64 usage; 70 Kafka.\n";

enum option_id {
    OPT_BROKERS = 1,
    OPT_PREFIX,
    OPT_CALLS,
    OPT_RATE,
    OPT_AGENTS,
    OPT_SEED,
    OPT_NUMBERS,
    OPT_REPEAT,
    OPT_SCRIPT,
    OPT_TALK,
    OPT_RING,
    OPT_WRAPUP,
    OPT_PATIENCE,
    OPT_ABANDON,
    OPT_MISS,
    OPT_REPORT,
    OPT_TIMEOUT,
    OPT_SETTLE,
    OPT_RUN,
    OPT_AGENT_PREFIX,
    OPT_AGENT_FIELDS,
    OPT_NO_ROUTING,
    OPT_PROGRESS,
    OPT_HELP,
};

static const struct option table[] = {
    {"brokers", required_argument, NULL, OPT_BROKERS},
    {"topic-prefix", required_argument, NULL, OPT_PREFIX},
    {"calls", required_argument, NULL, OPT_CALLS},
    {"rate", required_argument, NULL, OPT_RATE},
    {"agents", required_argument, NULL, OPT_AGENTS},
    {"seed", required_argument, NULL, OPT_SEED},
    {"numbers", required_argument, NULL, OPT_NUMBERS},
    {"mix", required_argument, NULL, OPT_NUMBERS},
    {"repeat", required_argument, NULL, OPT_REPEAT},
    {"script", required_argument, NULL, OPT_SCRIPT},
    {"talk-ms", required_argument, NULL, OPT_TALK},
    {"ring-ms", required_argument, NULL, OPT_RING},
    {"wrapup-ms", required_argument, NULL, OPT_WRAPUP},
    {"patience-ms", required_argument, NULL, OPT_PATIENCE},
    {"abandon", required_argument, NULL, OPT_ABANDON},
    {"miss", required_argument, NULL, OPT_MISS},
    {"report", required_argument, NULL, OPT_REPORT},
    {"timeout-s", required_argument, NULL, OPT_TIMEOUT},
    {"settle-ms", required_argument, NULL, OPT_SETTLE},
    {"run", required_argument, NULL, OPT_RUN},
    {"agent-prefix", required_argument, NULL, OPT_AGENT_PREFIX},
    {"agent-fields", required_argument, NULL, OPT_AGENT_FIELDS},
    {"no-routing", no_argument, NULL, OPT_NO_ROUTING},
    {"progress", no_argument, NULL, OPT_PROGRESS},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static int parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value)
{
    char *end;
    unsigned long long value;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || *text == '-' || value < min || value > max) {
        return -1;
    }
    *ret_value = value;
    return 0;
}

static int parse_u32(const char *text, uint32_t min, uint32_t max, uint32_t *ret_value)
{
    uint64_t value;

    if (parse_u64(text, min, max, &value) != 0) {
        return -1;
    }
    *ret_value = (uint32_t)value;
    return 0;
}

static int parse_double(const char *text, double min, double max, double *ret_value)
{
    char *end;
    double value;

    errno = 0;
    value = strtod(text, &end);
    if (errno != 0 || end == text || *end != '\0' || !(value >= min && value <= max)) {
        return -1;
    }
    *ret_value = value;
    return 0;
}

/* "200..1000", or one number for both ends. */
static int parse_range(const char *text, struct cg_range *ret_range)
{
    const char *dots = strstr(text, "..");
    char first[16];
    struct cg_range range;

    if (dots == NULL) {
        dots = text + strlen(text);
    }
    if (!cf_str_copy(first, sizeof first, (struct cf_str){text, (size_t)(dots - text)})) {
        return -1;
    }
    if (parse_u32(first, 0, MAX_MS, &range.min) != 0) {
        return -1;
    }
    range.max = range.min;
    if (*dots != '\0' && parse_u32(dots + 2, range.min, MAX_MS, &range.max) != 0) {
        return -1;
    }
    *ret_range = range;
    return 0;
}

static int parse_object(const char *text, json_t **ret_object)
{
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

    if (!json_is_object(object)) {
        json_decref(object);
        return -1;
    }
    json_decref(*ret_object);
    *ret_object = object;
    return 0;
}

static int apply_number(struct cg_options *o, int id, const char *value)
{
    switch (id) {
    case OPT_CALLS:
        return parse_u32(value, 0, CG_MAX_CALLS, &o->calls);
    case OPT_RATE:
        return parse_double(value, 0.001, 100000, &o->rate_per_s);
    case OPT_AGENTS:
        return parse_u32(value, 0, CG_MAX_AGENTS, &o->agents);
    case OPT_SEED:
        return parse_u64(value, 0, UINT64_MAX, &o->seed);
    case OPT_TALK:
        return parse_range(value, &o->talk_ms);
    case OPT_RING:
        return parse_range(value, &o->ring_ms);
    case OPT_WRAPUP:
        return parse_range(value, &o->wrapup_ms);
    case OPT_PATIENCE:
        return parse_range(value, &o->patience_ms);
    case OPT_ABANDON:
        return parse_double(value, 0, 1, &o->abandon);
    case OPT_REPEAT:
        return parse_double(value, 0, 1, &o->repeat);
    case OPT_MISS:
        return parse_double(value, 0, 1, &o->miss);
    case OPT_TIMEOUT:
        return parse_u32(value, 1, 86400, &o->timeout_s);
    case OPT_SETTLE:
        return parse_u32(value, 0, MAX_MS, &o->settle_ms);
    default:
        return -1;
    }
}

static int apply(struct cg_options *o, int id, const char *value)
{
    const char **text = NULL;

    switch (id) {
    case OPT_BROKERS:
        text = &o->brokers;
        break;
    case OPT_PREFIX:
        text = &o->topic_prefix;
        break;
    case OPT_NUMBERS:
        text = &o->numbers_file;
        break;
    case OPT_SCRIPT:
        text = &o->script_file;
        break;
    case OPT_REPORT:
        text = &o->report_file;
        break;
    case OPT_RUN:
        text = &o->run;
        break;
    case OPT_AGENT_PREFIX:
        text = &o->agent_prefix;
        break;
    case OPT_AGENT_FIELDS:
        return parse_object(value, &o->agent_fields);
    case OPT_NO_ROUTING:
        o->no_routing = true;
        return 0;
    case OPT_PROGRESS:
        o->progress = true;
        return 0;
    default:
        return apply_number(o, id, value);
    }
    *text = value;
    return 0;
}

static void set_defaults(struct cg_options *o)
{
    *o = (struct cg_options){
        .topic_prefix = "",
        .agent_prefix = "agent-",
        .calls = 30,
        .agents = 5,
        .timeout_s = 60,
        .settle_ms = 500,
        .seed = 1,
        .rate_per_s = 10,
        .repeat = -1,
        .talk_ms = {200, 1000},
        .ring_ms = {50, 200},
        .wrapup_ms = {50, 200},
        .patience_ms = {300, 1500},
    };
    (void)snprintf(o->run_buffer, sizeof o->run_buffer, "callgen-%llx",
                   (unsigned long long)cf_clock_wall_ms());
    o->run = o->run_buffer;
}

int cg_options_parse(int argc, char **argv, struct cg_options *ret_options)
{
    int c;

    set_defaults(ret_options);
    while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
        if (c == OPT_HELP) {
            (void)fputs(usage_text, stdout);
            return 0;
        }
        if (c == '?') {
            return 64; /* getopt_long() has said what it did not like */
        }
        if (apply(ret_options, c, optarg) != 0) {
            (void)fprintf(stderr, "callgen: bad value: %s\n", optarg);
            return 64;
        }
    }
    if (ret_options->no_routing && ret_options->agents == 0) {
        (void)fputs("callgen: --no-routing needs somebody who answers: --agents\n", stderr);
        return 64;
    }
    if (ret_options->brokers == NULL || optind < argc || strlen(ret_options->run) > 100 ||
        strlen(ret_options->agent_prefix) > 100) {
        (void)fputs(usage_text, stderr);
        return 64;
    }
    return -1;
}

void cg_options_done(struct cg_options *options)
{
    json_decref(options->agent_fields);
    options->agent_fields = NULL;
}
