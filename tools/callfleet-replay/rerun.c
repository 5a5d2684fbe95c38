/* SPDX-License-Identifier: Apache-2.0 */
#include "rerun.h"

#include <stdlib.h>

#include "engine/decision.h"
#include "engine/engine.h"
#include "engine/ids.h"
#include "engine/routing_log.h"
#include "json/json.h"

#define RECORD_ARENA_BYTES (16U << 20)
#define TEXT_BYTES (4U << 20)
#define SHOWN 5U

struct recorded {
    struct cf_str id; /* "domain/seq"; first, so that cf_ids finds it */
    struct recorded *next;
    char *value;
    size_t n;
    bool seen;
    char name[];
};

struct domain {
    struct cf_str id;
    struct domain *next;
    struct cf_engine *engine;
    char name[];
};

struct log_record {
    int32_t partition;
    int64_t offset;
    struct cf_str value;
};

struct state {
    struct recorded *recorded;
    struct domain *domains;
    struct cf_ids recorded_ids, domain_ids;
    struct log_record *log;
    size_t n_log, log_size;
    struct cf_arena *arena; /* of one record */
    struct cf_buf text;
    FILE *out, *print;
    struct rerun_result *result;
    struct cf_err *err;
};

/* ---- reading ---- */

static int keep_decision(struct state *state, const struct entry *entry)
{
    const struct cf_json *root = cf_json_parse(state->arena, entry->value, state->err);
    const struct cf_json *data = root ? cf_json_get(root, "data") : NULL;
    struct cf_str domain = cf_json_get_str(data, "domain");
    struct recorded *recorded;
    char name[200];

    if (!domain.p)
        return -1;
    (void)snprintf(name, sizeof(name), "%.*s/%lld", CF_STR_FMT(domain),
                   (long long)cf_json_get_int(data, "seq", -1));
    if (cf_ids_get(&state->recorded_ids, cf_str_of(name))) {
        (void)fprintf(state->out, "decision %s is recorded twice\n", name);
        state->result->unexpected++;
        return 0;
    }
    recorded = cf_calloc(1, sizeof(*recorded) + strlen(name) + 1);
    memcpy(recorded->name, name, strlen(name));
    recorded->value = cf_calloc(entry->value.n, 1);
    memcpy(recorded->value, entry->value.p, entry->value.n);
    recorded->n = entry->value.n;
    recorded->id = cf_str_of(recorded->name);
    recorded->next = state->recorded;
    state->recorded = recorded;
    cf_ids_put(&state->recorded_ids, recorded);
    return 0;
}

static void keep_log(struct state *state, const struct entry *entry)
{
    struct log_record *record;
    char *copy = cf_calloc(entry->value.n + 1, 1);

    if (state->n_log == state->log_size) {
        state->log_size = state->log_size ? state->log_size * 2 : 1024;
        state->log = cf_realloc(state->log, state->log_size * sizeof(*state->log));
    }
    if (entry->value.n > 0)
        memcpy(copy, entry->value.p, entry->value.n);
    record = &state->log[state->n_log++];
    *record = (struct log_record){
        .partition = entry->partition, .offset = entry->offset, .value = {copy, entry->value.n}};
}

static int on_entry(void *arg, const struct entry *entry)
{
    struct state *state = arg;
    int rc = 0;

    if (strcmp(entry->topic, "routing-log") == 0)
        keep_log(state, entry);
    else
        rc = keep_decision(state, entry);
    cf_arena_clear(state->arena);
    return rc;
}

static int by_place(const void *a, const void *b)
{
    const struct log_record *x = a, *y = b;

    if (x->partition != y->partition)
        return x->partition < y->partition ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset ? 1 : 0;
}

/* ---- running ---- */

static struct cf_engine *engine_of(struct state *state, struct cf_str name)
{
    struct domain *domain = cf_ids_get(&state->domain_ids, name);

    if (domain)
        return domain->engine;
    domain = cf_calloc(1, sizeof(*domain) + name.n + 1);
    memcpy(domain->name, name.p, name.n);
    domain->engine = cf_engine_new(name, NULL);
    domain->id = (struct cf_str){domain->name, name.n};
    domain->next = state->domains;
    state->domains = domain;
    cf_ids_put(&state->domain_ids, domain);
    return domain->engine;
}

static void show(struct state *state, const char *what, const char *name, struct cf_str then,
                 struct cf_str now)
{
    if (state->result->different + state->result->missing > SHOWN)
        return;
    (void)fprintf(state->out, "%s: %s\n", what, name);
    if (then.p)
        (void)fprintf(state->out, "  recorded: %.*s\n", CF_STR_FMT(then));
    if (now.p)
        (void)fprintf(state->out, "  now:      %.*s\n", CF_STR_FMT(now));
}

static void compare(struct state *state, const struct cf_call_routed *decision, struct cf_str now)
{
    struct recorded *recorded;
    char name[200];

    (void)snprintf(name, sizeof(name), "%.*s/%lld", CF_STR_FMT(decision->domain), (long long)decision->seq);
    recorded = cf_ids_get(&state->recorded_ids, cf_str_of(name));
    if (!recorded) {
        state->result->missing++;
        show(state, "not recorded", name, (struct cf_str){0}, now);
        return;
    }
    recorded->seen = true;
    state->result->compared++;
    if (!cf_str_eq((struct cf_str){recorded->value, recorded->n}, now)) {
        state->result->different++;
        show(state, "different", name, (struct cf_str){recorded->value, recorded->n}, now);
    }
}

static void on_decision(void *arg, const struct cf_call_routed *decision)
{
    struct state *state = arg;
    struct cf_err err;

    state->result->decisions++;
    if (cf_decision_encode(decision, &state->text, &err) < 0) {
        state->result->different++;
        return;
    }
    if (state->print)
        (void)fprintf(state->print, "%.*s\n", CF_STR_FMT(cf_buf_view(&state->text)));
    compare(state, decision, cf_buf_view(&state->text));
}

static int run(struct state *state)
{
    qsort(state->log, state->n_log, sizeof(*state->log), by_place);
    for (size_t i = 0; i < state->n_log; i++) {
        const struct cf_rt_record *record;

        cf_arena_clear(state->arena);
        if (cf_routing_log_decode(state->arena, state->log[i].value, state->log[i].offset, &record,
                                  state->err) < 0)
            return -1;
        state->result->records++;
        cf_engine_step(engine_of(state, record->domain), record, on_decision, state);
    }
    return 0;
}

static void count_unexpected(struct state *state)
{
    for (const struct recorded *recorded = state->recorded; recorded; recorded = recorded->next) {
        if (recorded->seen)
            continue;
        if (state->result->unexpected++ < SHOWN)
            (void)fprintf(state->out, "recorded, but not decided now: %s\n", recorded->name);
    }
}

static void free_state(struct state *state)
{
    while (state->recorded) {
        struct recorded *recorded = state->recorded;

        state->recorded = recorded->next;
        free(recorded->value);
        free(recorded);
    }
    while (state->domains) {
        struct domain *domain = state->domains;

        state->domains = domain->next;
        cf_engine_free(domain->engine);
        free(domain);
    }
    cf_ids_done(&state->recorded_ids);
    cf_ids_done(&state->domain_ids);
    for (size_t i = 0; i < state->n_log; i++)
        free((void *)(uintptr_t)state->log[i].value.p);
    free(state->log);
    cf_arena_free(state->arena);
    cf_buf_done(&state->text);
}

int rerun(const struct source_opts *opts, FILE *out, FILE *print, struct rerun_result *ret_result,
          struct cf_err *err)
{
    struct state state = {.out = out, .print = print, .result = ret_result, .err = err};
    int rc;

    *ret_result = (struct rerun_result){0};
    state.arena = cf_arena_new(RECORD_ARENA_BYTES);
    cf_buf_init(&state.text, TEXT_BYTES);
    rc = source_read(opts, on_entry, &state, err);
    if (rc == 0)
        rc = run(&state);
    if (rc == 0)
        count_unexpected(&state);
    free_state(&state);
    return rc;
}
