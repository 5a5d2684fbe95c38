/* SPDX-License-Identifier: Apache-2.0 */
#include "plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "str/str.h"

#define DEFAULT_DNIS "+18005550100"

/* Who may call, and how often. */
struct numbers {
    struct number {
        double weight;
        const char *ani, *label;
    } * items;
    size_t n;
    double total;
};

static const char *const note_texts[] = {
    "Caller asked about an invoice; explained the positions.",
    "Address changed, confirmation is sent by mail.",
    "Fault reported; a technician calls back tomorrow.",
    "Asked for the state of the open case; told what was done so far.",
    "Wants to upgrade the contract; offer goes out today.",
    "Password reset, caller could log in again.",
};
static const char *const wrap_up_codes[] = {"resolved", "callback", "escalated", "information"};

/* Keeps `text` as long as the plan. */
static const char *own_text(struct cg_plan *plan, const char *text)
{
    json_t *copy = json_string(text);

    if (copy == NULL) {
        return NULL; /* not UTF-8 */
    }
    (void)json_array_append_new(plan->owned, copy);
    return json_string_value(copy);
}

/* ---- numbers file: WEIGHT NUMBER LABEL ---- */

static int add_number(struct cg_plan *plan, struct numbers *numbers, char *line)
{
    struct number item = {.label = NULL};
    char *rest = NULL, *weight = strtok_r(line, " \t", &rest), *ani = strtok_r(NULL, " \t", &rest), *end;

    if (weight == NULL || ani == NULL || numbers->n == CG_PLAN_MAX_NUMBERS) {
        return -1;
    }
    errno = 0;
    item.weight = strtod(weight, &end);
    if (errno != 0 || *end != '\0' || !(item.weight > 0 && item.weight < 1e9)) {
        return -1;
    }
    rest += strspn(rest, " \t");
    item.ani = own_text(plan, strcmp(ani, "-") == 0 ? "" : ani); /* "-" stands for no number at all */
    item.label = own_text(plan, *rest == '\0' ? ani : rest);
    if (item.ani == NULL || item.label == NULL) {
        return -1;
    }
    numbers->items = cf_realloc(numbers->items, (numbers->n + 1) * sizeof *numbers->items);
    numbers->items[numbers->n++] = item;
    numbers->total += item.weight;
    return 0;
}

/* Calls `fn` for each line that is not empty and no comment. */
static int each_line(const char *path, int (*fn)(void *arg, char *line), void *arg, struct cf_err *err)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t size = 0, number = 0;
    ssize_t n;
    int failed = 0;

    if (file == NULL) {
        return cf_err_set(err, CF_ERR_CONFIG, "plan", errno, "%s: %s", path, strerror(errno));
    }
    while (failed == 0 && (n = getline(&line, &size, file)) > 0) {
        number++;
        line[strcspn(line, "\r\n")] = '\0';
        if (n > CG_PLAN_MAX_LINE || (*line != '\0' && *line != '#' && fn(arg, line) != 0)) {
            failed = cf_err_set(err, CF_ERR_CONFIG, "plan", 0, "%s:%zu: not a valid line", path, number);
        }
    }
    free(line);
    (void)fclose(file);
    return failed;
}

struct numbers_reader {
    struct cg_plan *plan;
    struct numbers *numbers;
};

static int on_number_line(void *arg, char *line)
{
    struct numbers_reader *reader = arg;

    return add_number(reader->plan, reader->numbers, line);
}

static int load_numbers(struct cg_plan *plan, const char *path, struct numbers *numbers, struct cf_err *err)
{
    struct numbers_reader reader = {plan, numbers};

    if (path != NULL && each_line(path, on_number_line, &reader, err) != 0) {
        return -1;
    }
    if (path != NULL && numbers->n == 0) {
        return cf_err_set(err, CF_ERR_CONFIG, "plan", 0, "%s has no numbers", path);
    }
    return 0;
}

/* Without a file the callers are strangers, from a range that is kept free for such use. */
static void pick_caller(struct cg_plan *plan, const struct numbers *numbers, struct cg_random *random,
                        struct cg_planned *call)
{
    double left = cg_random_unit(random) * numbers->total;
    size_t i = 0;
    char text[32];

    if (numbers->n == 0) {
        (void)snprintf(text, sizeof text, "+1520555%04u", cg_random_in(random, (struct cg_range){100, 199}));
        call->ani = own_text(plan, text);
        call->label = "unknown";
        return;
    }
    while (i + 1 < numbers->n && left >= numbers->items[i].weight) {
        left -= numbers->items[i++].weight;
    }
    call->ani = numbers->items[i].ani;
    call->label = numbers->items[i].label;
}

/* Everybody once, in the file's order, but for those who call again. -1: too few numbers. */
static int next_caller(struct cg_plan *plan, const struct numbers *numbers, struct cg_random *random,
                       const struct cg_options *o, struct cg_planned *call)
{
    size_t i = (size_t)(call - plan->calls);

    if (i > 0 && cg_random_unit(random) < o->repeat) {
        const struct cg_planned *before = &plan->calls[cg_random_u64(random) % i];

        call->ani = before->ani;
        call->label = before->label;
        return 0;
    }
    if (numbers->items == NULL || plan->n_callers == numbers->n) {
        return -1;
    }
    call->ani = numbers->items[plan->n_callers].ani;
    call->label = numbers->items[plan->n_callers++].label;
    return 0;
}

#define PICK(random, list) (list)[cg_random_u64(random) % (sizeof(list) / sizeof(list)[0])]

static int plan_random(struct cg_plan *plan, const struct cg_options *o, const struct numbers *numbers,
                       struct cf_err *err)
{
    struct cg_random random;
    double at_ms = 0;

    cg_random_init(&random, o->seed);
    plan->n = o->calls;
    plan->calls = cf_calloc(plan->n + 1, sizeof *plan->calls);
    for (size_t i = 0; i < plan->n; i++) {
        struct cg_planned *call = &plan->calls[i];

        at_ms += cg_random_gap_ms(&random, o->rate_per_s);
        call->at_ms = (uint64_t)at_ms;
        if (o->repeat < 0) {
            pick_caller(plan, numbers, &random, call);
        } else if (next_caller(plan, numbers, &random, o, call) != 0) {
            return cf_err_set(err, CF_ERR_CONFIG, "plan", 0, "%zu numbers are too few for %u calls",
                              numbers->n, o->calls);
        }
        call->dnis = DEFAULT_DNIS;
        call->notes = PICK(&random, note_texts);
        call->wrap_up = PICK(&random, wrap_up_codes);
        call->talk_ms = cg_random_in(&random, o->talk_ms);
        call->patience_ms = cg_random_in(&random, o->patience_ms);
        call->abandons = cg_random_unit(&random) < o->abandon;
        call->misses = cg_random_unit(&random) < o->miss ? 1 : 0;
    }
    return 0;
}

/* ---- script: one JSON object per call ---- */

struct script_reader {
    struct cg_plan *plan;
    const struct cg_options *options;
    struct cg_random random;
};

static int read_kind(const char *kind, struct cg_planned *call)
{
    if (strcmp(kind, "answered") != 0 && strcmp(kind, "missed") != 0 && strcmp(kind, "abandons") != 0) {
        return -1;
    }
    call->abandons = strcmp(kind, "abandons") == 0;
    call->misses = strcmp(kind, "missed") == 0 ? 1 : 0;
    return 0;
}

static int on_script_line(void *arg, char *line)
{
    struct script_reader *reader = arg;
    struct cg_plan *plan = reader->plan;
    const struct cg_options *o = reader->options;
    struct cg_planned call = {.label = "caller", .dnis = DEFAULT_DNIS};
    json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    json_int_t after = 0, talk = cg_random_in(&reader->random, o->talk_ms);
    json_int_t patience = cg_random_in(&reader->random, o->patience_ms);
    const char *kind = "answered";

    (void)json_array_append_new(plan->owned, object);
    call.notes = PICK(&reader->random, note_texts);
    call.wrap_up = PICK(&reader->random, wrap_up_codes);
    if (plan->n == CG_MAX_CALLS ||
        json_unpack(object, "{s:s, s?s, s?s, s?s, s?s, s?s, s?s, s?s, s?o, s?I, s?I, s?I}", "ani", &call.ani,
                    "label", &call.label, "kind", &kind, "dnis", &call.dnis, "entryPointId",
                    &call.entry_point, "language", &call.language, "notes", &call.notes, "wrapUpCode",
                    &call.wrap_up, "attributes", &call.attributes, "afterMs", &after, "talkMs", &talk,
                    "patienceMs", &patience) != 0) {
        return -1;
    }
    if (read_kind(kind, &call) != 0 || after < 0 || after > 86400000 || talk < 0 || talk > 86400000 ||
        patience < 0 || patience > 86400000) {
        return -1;
    }
    call.at_ms = (plan->n == 0 ? 0 : plan->calls[plan->n - 1].at_ms) + (uint64_t)after;
    call.talk_ms = (uint32_t)talk;
    call.patience_ms = (uint32_t)patience;
    plan->calls = cf_realloc(plan->calls, (plan->n + 1) * sizeof *plan->calls);
    plan->calls[plan->n++] = call;
    return 0;
}

int cg_plan_make(const struct cg_options *options, struct cg_plan *ret_plan, struct cf_err *err)
{
    struct cg_plan plan = {.owned = json_array()};
    struct numbers numbers = {.n = 0};
    struct script_reader reader = {&plan, options, {0}};
    int failed;

    if (options->script_file != NULL) {
        cg_random_init(&reader.random, options->seed);
        failed = each_line(options->script_file, on_script_line, &reader, err);
    } else {
        failed = load_numbers(&plan, options->numbers_file, &numbers, err);
    }
    if (failed == 0 && options->script_file == NULL) {
        failed = plan_random(&plan, options, &numbers, err);
    }
    free(numbers.items);
    if (failed != 0) {
        cg_plan_done(&plan);
        return -1;
    }
    *ret_plan = plan;
    return 0;
}

void cg_plan_done(struct cg_plan *plan)
{
    free(plan->calls);
    json_decref(plan->owned);
    *plan = (struct cg_plan){0};
}
