/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/policy.h"
#include "stats.h"
#include "str/str.h"

const char sim_usage[] =
    "usage: callfleet-sim [OPTION...]\n"
    "       callfleet-sim bank FILE [OPTION...]     recorded calls of a bank; callfleet-sim bank --help\n"
    "\n"
    "callers: of all classes, or behind --class NAME of this one (it begins with what was said before)\n"
    "  --class NAME         another class of callers\n"
    "  --arrivals A         200/h, constant:RATE, renewal:DIST, profile:FILE, recorded:FILE\n"
    "  --service DIST       exp:180s, const:T, uniform:A:B, triangular:A:M:B, lognormal:MEAN:SD, "
    "erlang:K:MEAN,\n"
    "                       hyperexp:P:M1:M2, weibull:SHAPE:SCALE, empirical:FILE\n"
    "  --patience DIST      the same, or none (the default)\n"
    "  --priority N         1 is most urgent, 5 usual\n"
    "  --queue ID           asked for by the producer\n"
    "agents and policy\n"
    "  --agents N           a team of N; may be repeated\n"
    "  --answer DIST        from offer to answer (const:0)\n"
    "  --wrap DIST          after-call work that the agents end themselves (none)\n"
    "  --policy FILE        a policy of the routing stage; else one is made of the five below\n"
    "  --order WORD         credit (the default) or strict\n"
    "  --credit T           head start per priority class (90s)\n"
    "  --max-wait T         then the call ends (no limit)\n"
    "  --room N             calls that may wait; one more is turned away (no limit)\n"
    "  --wrap-up T          by the policy (0)\n"
    "length\n"
    "  --calls N            counted calls (100000); 0: all that come in --duration\n"
    "  --warm-up N          calls before them (a twentieth)\n"
    "  --duration T         no arrivals later\n"
    "  --replications N     independent runs (1); --batches N of one run (30)\n"
    "  --seed N             (1)\n"
    "other\n"
    "  --scenario FILE      JSON, see README.md; options behind it change it\n"
    "  --within T           T of the service levels (20s)\n"
    "  --tick T             one engine millisecond in virtual time (chosen from the services)\n"
    "  --exact              formulas beside the figures, where one holds\n"
    "  --json               instead of the table\n"
    "  --log FILE  --decisions FILE  --events FILE    routing-log, call-routed and input events as kcat -J "
    "writes\n";

enum option_id {
    OPT_CLASS = 256,
    OPT_ARRIVALS,
    OPT_SERVICE,
    OPT_PATIENCE,
    OPT_PRIORITY,
    OPT_QUEUE,
    OPT_AGENTS,
    OPT_ANSWER,
    OPT_WRAP,
    OPT_POLICY,
    OPT_ORDER,
    OPT_CREDIT,
    OPT_MAX_WAIT,
    OPT_ROOM,
    OPT_WRAP_UP,
    OPT_CALLS,
    OPT_WARM_UP,
    OPT_DURATION,
    OPT_REPLICATIONS,
    OPT_BATCHES,
    OPT_SEED,
    OPT_SCENARIO,
    OPT_WITHIN,
    OPT_TICK,
    OPT_EXACT,
    OPT_JSON,
    OPT_LOG,
    OPT_DECISIONS,
    OPT_EVENTS,
};

static const struct option options[] = {
    {"class", required_argument, NULL, OPT_CLASS},
    {"arrivals", required_argument, NULL, OPT_ARRIVALS},
    {"service", required_argument, NULL, OPT_SERVICE},
    {"patience", required_argument, NULL, OPT_PATIENCE},
    {"priority", required_argument, NULL, OPT_PRIORITY},
    {"queue", required_argument, NULL, OPT_QUEUE},
    {"agents", required_argument, NULL, OPT_AGENTS},
    {"answer", required_argument, NULL, OPT_ANSWER},
    {"wrap", required_argument, NULL, OPT_WRAP},
    {"policy", required_argument, NULL, OPT_POLICY},
    {"order", required_argument, NULL, OPT_ORDER},
    {"credit", required_argument, NULL, OPT_CREDIT},
    {"max-wait", required_argument, NULL, OPT_MAX_WAIT},
    {"room", required_argument, NULL, OPT_ROOM},
    {"wrap-up", required_argument, NULL, OPT_WRAP_UP},
    {"calls", required_argument, NULL, OPT_CALLS},
    {"warm-up", required_argument, NULL, OPT_WARM_UP},
    {"duration", required_argument, NULL, OPT_DURATION},
    {"replications", required_argument, NULL, OPT_REPLICATIONS},
    {"batches", required_argument, NULL, OPT_BATCHES},
    {"seed", required_argument, NULL, OPT_SEED},
    {"scenario", required_argument, NULL, OPT_SCENARIO},
    {"within", required_argument, NULL, OPT_WITHIN},
    {"tick", required_argument, NULL, OPT_TICK},
    {"exact", no_argument, NULL, OPT_EXACT},
    {"json", no_argument, NULL, OPT_JSON},
    {"log", required_argument, NULL, OPT_LOG},
    {"decisions", required_argument, NULL, OPT_DECISIONS},
    {"events", required_argument, NULL, OPT_EVENTS},
    {NULL, 0, NULL, 0},
};

/* What was said of callers so far; a class begins with the general part. */
struct caller_texts {
    const char *arrivals, *service, *patience, *priority, *queue;
};

struct reading {
    struct sim_options *o;
    struct caller_texts general, *now;
    struct caller_texts classes[SIM_MAX_CLASSES];
    const char *names[SIM_MAX_CLASSES];
    size_t n_classes;
    struct cf_err *err;
};

static int wrong(struct reading *r, const char *name, const char *value)
{
    return cf_err_set(r->err, CF_ERR_CONFIG, "sim", 0, "--%s: \"%s\" cannot be", name, value);
}

/* ---- callers ---- */

static int begin_class(struct reading *r, const char *name)
{
    if (r->n_classes == SIM_MAX_CLASSES)
        return cf_err_set(r->err, CF_ERR_CONFIG, "sim", 0, "at most %d classes", SIM_MAX_CLASSES);
    r->names[r->n_classes] = name;
    r->classes[r->n_classes] = r->general;
    r->now = &r->classes[r->n_classes++];
    return 0;
}

static int make_class(struct reading *r, const char *name, const struct caller_texts *texts)
{
    struct sim_class *class = sim_scenario_add_class(r->o->scenario, name);
    uint64_t priority = 0;

    if (!class)
        return cf_err_set(r->err, CF_ERR_CONFIG, "sim", 0, "at most %d classes", SIM_MAX_CLASSES);
    if (texts->arrivals && sim_arrivals_parse(texts->arrivals, &class->arrivals, r->err) < 0)
        return -1;
    if (texts->service && sim_dist_parse(texts->service, &class->service, r->err) < 0)
        return -1;
    if (texts->patience && sim_dist_parse(texts->patience, &class->patience, r->err) < 0)
        return -1;
    if (texts->priority && (!cf_str_u64(cf_str_of(texts->priority), &priority) || priority > 10))
        return wrong(r, "priority", texts->priority);
    class->priority = (int64_t)priority;
    if (texts->queue)
        (void)cf_str_copy(class->queue, sizeof(class->queue), cf_str_of(texts->queue));
    return 0;
}

static int make_classes(struct reading *r)
{
    if (r->n_classes == 0 && r->general.arrivals)
        return make_class(r, "calls", &r->general);
    for (size_t i = 0; i < r->n_classes; i++) {
        if (make_class(r, r->names[i], &r->classes[i]) < 0)
            return -1;
    }
    return 0;
}

/* ---- files ---- */

static int read_policy(struct reading *r, const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = cf_calloc(1, CF_POLICY_MAX_BYTES + 1);
    size_t n = file ? fread(text, 1, CF_POLICY_MAX_BYTES, file) : 0;

    if (file)
        (void)fclose(file);
    free(r->o->scenario->policy);
    r->o->scenario->policy = text;
    return n > 0 ? 0 : cf_err_set(r->err, CF_ERR_CONFIG, "sim", 0, "cannot read %s", path);
}

/* ---- one option ---- */

static const char *name_of(int id)
{
    for (const struct option *option = options; option->name; option++) {
        if (option->val == id)
            return option->name;
    }
    return "?";
}

static int set_count(struct reading *r, int id, const char *value)
{
    struct sim_scenario *s = r->o->scenario;
    uint64_t n;

    if (!cf_str_u64(cf_str_of(value), &n) || n > 1000000000000ULL)
        return wrong(r, name_of(id), value);
    if (id == OPT_AGENTS)
        return sim_scenario_add_team(s, n) ? 0 : wrong(r, "agents", value);
    if ((id == OPT_REPLICATIONS || id == OPT_BATCHES) && (n < 1 || n > SIM_MAX_BATCHES))
        return wrong(r, name_of(id), value);
    if (id == OPT_ROOM)
        s->room = (int64_t)n;
    else if (id == OPT_CALLS)
        s->calls = n;
    else if (id == OPT_WARM_UP)
        s->warm_up = n;
    else if (id == OPT_REPLICATIONS)
        s->replications = n;
    else if (id == OPT_BATCHES)
        s->batches = n;
    else
        s->seed = n;
    return 0;
}

static int set_time(struct reading *r, int id, const char *value)
{
    struct sim_scenario *s = r->o->scenario;
    double *const into = id == OPT_CREDIT     ? &s->credit_s
                         : id == OPT_MAX_WAIT ? &s->max_wait_s
                         : id == OPT_WRAP_UP  ? &s->wrap_s
                         : id == OPT_DURATION ? &s->horizon_s
                         : id == OPT_WITHIN   ? &s->within_s
                                              : &s->tick_s;

    return sim_time_parse(value, into) ? 0 : wrong(r, name_of(id), value);
}

static int set_dist(struct reading *r, int id, const char *value)
{
    struct sim_dist *into = id == OPT_ANSWER ? &r->o->scenario->answer : &r->o->scenario->wrap;

    sim_dist_done(into);
    return sim_dist_parse(value, into, r->err);
}

static int set_order(struct reading *r, const char *value)
{
    r->o->scenario->strict = strcmp(value, "strict") == 0;
    return r->o->scenario->strict || strcmp(value, "credit") == 0 ? 0 : wrong(r, "order", value);
}

static int set_text(struct reading *r, int id, const char *value)
{
    if (id == OPT_ARRIVALS)
        r->now->arrivals = value;
    else if (id == OPT_SERVICE)
        r->now->service = value;
    else if (id == OPT_PATIENCE)
        r->now->patience = value;
    else if (id == OPT_PRIORITY)
        r->now->priority = value;
    else if (id == OPT_QUEUE)
        r->now->queue = value;
    else if (id == OPT_LOG)
        r->o->log = value;
    else if (id == OPT_DECISIONS)
        r->o->decisions = value;
    else if (id == OPT_EVENTS)
        r->o->events = value;
    else
        return -1;
    return 0;
}

static int set(struct reading *r, int id, const char *value)
{
    switch (id) {
    case OPT_CLASS:
        return begin_class(r, value);
    case OPT_AGENTS:
    case OPT_ROOM:
    case OPT_CALLS:
    case OPT_WARM_UP:
    case OPT_REPLICATIONS:
    case OPT_BATCHES:
    case OPT_SEED:
        return set_count(r, id, value);
    case OPT_CREDIT:
    case OPT_MAX_WAIT:
    case OPT_WRAP_UP:
    case OPT_DURATION:
    case OPT_WITHIN:
    case OPT_TICK:
        return set_time(r, id, value);
    case OPT_ANSWER:
    case OPT_WRAP:
        return set_dist(r, id, value);
    case OPT_POLICY:
        return read_policy(r, value);
    case OPT_ORDER:
        return set_order(r, value);
    case OPT_SCENARIO:
        return sim_scenario_read(r->o->scenario, value, r->err);
    case OPT_EXACT:
        r->o->exact = true;
        return 0;
    case OPT_JSON:
        r->o->json = true;
        return 0;
    default:
        return set_text(r, id, value);
    }
}

int sim_options_parse(int argc, char **argv, struct sim_options *ret_options, struct cf_err *err)
{
    struct reading *r = cf_calloc(1, sizeof(*r));
    int c, rc = 0;

    *ret_options = (struct sim_options){.scenario = sim_scenario_new()};
    r->o = ret_options;
    r->now = &r->general;
    r->err = err;
    optind = 1;
    while (rc == 0 && (c = getopt_long(argc, argv, "", options, NULL)) != -1)
        rc = c == '?' ? cf_err_set(err, CF_ERR_CONFIG, "sim", 0, "unknown option") : set(r, c, optarg);
    if (rc == 0 && argv[optind])
        rc = cf_err_set(err, CF_ERR_CONFIG, "sim", 0, "what is \"%s\"?", argv[optind]);
    if (rc == 0)
        rc = make_classes(r);
    if (rc == 0)
        rc = sim_scenario_finish(ret_options->scenario, err);
    if (rc < 0)
        sim_scenario_free(ret_options->scenario);
    free(r);
    return rc;
}
