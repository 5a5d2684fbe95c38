/* SPDX-License-Identifier: Apache-2.0 */
/* callfleet-sim bank: the recorded month through the engine. */
#include <getopt.h>
#include <stdlib.h>
#include <sysexits.h>

#include "bank.h"
#include "report.h"

static const char usage[] =
    "usage: callfleet-sim bank FILE [--order credit|strict] [--credit 90s] [--break 1m] [--patience "
    "exp|km]\n"
    "                               [--within 20s] [--seed N] [--json] [--log FILE] [--decisions FILE] "
    "[--events FILE]\n"
    "\n"
    "FILE  Anonymous Bank, tab-separated (README.md); its figures are printed beside the simulated ones\n";

struct bank_options {
    struct bank_plan plan;
    const char *path, *log, *decisions, *events;
    bool json;
};

static const struct option options[] = {
    {"order", required_argument, NULL, 'o'},
    {"credit", required_argument, NULL, 'c'},
    {"break", required_argument, NULL, 'b'},
    {"patience", required_argument, NULL, 'p'},
    {"within", required_argument, NULL, 'w'},
    {"seed", required_argument, NULL, 's'},
    {"json", no_argument, NULL, 'j'},
    {"log", required_argument, NULL, 'l'},
    {"decisions", required_argument, NULL, 'd'},
    {"events", required_argument, NULL, 'e'},
    {NULL, 0, NULL, 0},
};

static bool either(const char *text, const char *no, const char *yes, bool *ret_yes)
{
    *ret_yes = strcmp(text, yes) == 0;
    return *ret_yes || strcmp(text, no) == 0;
}

static bool set(struct bank_options *o, int c, const char *value)
{
    switch (c) {
    case 'o':
        return either(value, "credit", "strict", &o->plan.strict);
    case 'c':
        return sim_time_parse(value, &o->plan.credit_s);
    case 'b':
        return sim_time_parse(value, &o->plan.break_s);
    case 'p':
        return either(value, "exp", "km", &o->plan.kaplan_meier);
    case 'w':
        return sim_time_parse(value, &o->plan.within_s);
    case 's':
        return cf_str_u64(cf_str_of(value), &o->plan.seed);
    case 'j':
        o->json = true;
        return true;
    case 'l':
        o->log = value;
        return true;
    case 'd':
        o->decisions = value;
        return true;
    case 'e':
        o->events = value;
        return true;
    default:
        return false;
    }
}

static bool parse(int argc, char **argv, struct bank_options *o)
{
    int c;

    *o = (struct bank_options){.plan = {.credit_s = 90, .break_s = 60, .within_s = 20, .seed = 1}};
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (!set(o, c, optarg))
            return false;
    }
    o->path = argv[optind];
    return o->path && !argv[optind + 1];
}

static void line(const char *name, double recorded, double simulated)
{
    printf("  %-44s %12.5g %12.5g\n", name, recorded, simulated);
}

static void show(const struct bank *bank, const struct bank_kpis *a, const struct bank_kpis *b)
{
    printf(
        "%zu calls (%zu phantoms left out), %zu agents; dirt: %zu services without an agent's name, %zu over "
        "midnight, %zu that overlap another of the same agent, %zu wrong q_time\n\n",
        bank->n, bank->n_phantoms, bank->n_servers, bank->unnamed, bank->midnights, bank->overlaps,
        bank->bad_waits);
    printf("  %-44s %12s %12s\n", "", "recorded", "simulated");
    line("calls (simulated: those that reach the queue)", a->calls, b->calls);
    line("answered", a->agent, b->agent);
    line("hung up", a->hang, b->hang);
    line("  of them in the queue", a->hang_in_queue, b->hang_in_queue);
    line("had to wait", a->queued, b->queued);
    line("  of them answered", a->queued_answered, b->queued_answered);
    line("mean wait, answered after waiting, s", a->wait_queued_answered, b->wait_queued_answered);
    line("mean wait, all answered, s", a->wait_answered, b->wait_answered);
    line("mean wait, abandoned, s", a->wait_abandoned, b->wait_abandoned);
    line("longest wait, s", a->wait_max, b->wait_max);
    line("AHT (recorded: without services of 0 s), s", a->aht, b->aht);
    line("abandoned / (answered + abandoned in queue)", a->abandonment, b->abandonment);
    line("SL-A", a->sl_a, b->sl_a);
    line("SL-B", a->sl_b, b->sl_b);
    line("SL-D", a->sl_d, b->sl_d);
    line("SL-E", a->sl_e, b->sl_e);
    line("wait of waited and answered, priority 0, s", a->wait_by_priority[0], b->wait_by_priority[0]);
    line("wait of waited and answered, priority 1, s", a->wait_by_priority[1], b->wait_by_priority[1]);
    line("wait of waited and answered, priority 2, s", a->wait_by_priority[2], b->wait_by_priority[2]);
    line("exponential patience, s", a->patience, b->patience);
    printf("\n");
}

static int fail(const struct cf_err *err)
{
    (void)fprintf(stderr, "callfleet-sim: %s\n", err->text);
    return err->kind == CF_ERR_REJECTED ? EX_DATAERR : EX_UNAVAILABLE;
}

static int run(const struct bank_options *o, const struct bank *bank, struct journal *journal)
{
    struct sim_scenario *scenario = bank_scenario(bank, &o->plan);
    struct sim_result *result = cf_calloc(1, sizeof(*result));
    struct cf_err err;
    int code = EXIT_SUCCESS;

    if (sim_scenario_finish(scenario, &err) < 0 || sim_run(scenario, journal, result, &err) < 0) {
        code = fail(&err);
    } else {
        struct bank_kpis recorded = bank_recorded(bank, o->plan.within_s), simulated = bank_simulated(result);

        if (!o->json)
            show(bank, &recorded, &simulated);
        (o->json ? report_json : report_text)(stdout, scenario, result, NULL);
        code = result->breaches > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        sim_result_done(result);
    }
    free(result);
    sim_scenario_free(scenario);
    return code;
}

int bank_main(int argc, char **argv)
{
    struct bank_options o;
    struct journal *journal = NULL;
    struct bank bank;
    struct cf_err err;
    int code;

    if (!parse(argc, argv, &o)) {
        (void)fputs(usage, stderr);
        return EX_USAGE;
    }
    if (bank_read(o.path, &bank, &err) < 0)
        return fail(&err);
    if (o.log || o.decisions || o.events) {
        journal = journal_open(o.log, o.decisions, o.events, &err);
        if (!journal) {
            bank_done(&bank);
            return fail(&err);
        }
    }
    code = run(&o, &bank, journal);
    if (journal_close(journal, &err) < 0)
        code = fail(&err);
    bank_done(&bank);
    return code;
}
