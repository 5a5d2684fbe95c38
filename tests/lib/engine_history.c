/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine-history - what a routing worker would have written for random streams of records: routing-log and
 * call-routed as `kcat -J` prints them, one domain per seed. With --mutant, the engine has that fault.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/decision.h"
#include "engine/engine_mutants.h"
#include "engine/routing_log.h"
#include "unit/workers/routing/engine_stream.h"
#include "json/json.h"

struct history {
    struct model model;
    struct stream stream;
    struct cf_buf text, line;
    struct cf_str domain;
    int64_t log_offset, decision_offset;
};

static void put_line(struct history *h, const char *topic, int64_t offset, int64_t t)
{
    struct cf_jsonw w;

    cf_buf_clear(&h->line);
    cf_jsonw_init(&w, &h->line);
    cf_jsonw_begin_object(&w);
    cf_jsonw_put_str(&w, "topic", cf_str_of(topic));
    cf_jsonw_put_int(&w, "partition", 0);
    cf_jsonw_put_int(&w, "offset", offset);
    cf_jsonw_put_int(&w, "ts", t);
    cf_jsonw_put_str(&w, "payload", cf_buf_view(&h->text));
    cf_jsonw_end_object(&w);
    (void)printf("%.*s\n", CF_STR_FMT(cf_buf_view(&h->line)));
}

static void on_decision(void *arg, const struct cf_call_routed *decision)
{
    struct history *h = arg;
    struct cf_err err;

    model_decide(&h->model, decision);
    if (cf_decision_encode(decision, &h->text, &err) < 0)
        exit(EXIT_FAILURE);
    put_line(h, "call-routed", h->decision_offset++, decision->at);
}

static void play(struct history *h, struct cf_engine *engine, struct cf_rt_record record)
{
    struct cf_err err;

    record.domain = h->domain;
    record.offset = h->log_offset++;
    /* As the sequencer does: ticks and policies come from no input. */
    if (record.kind == CF_RT_TICK || record.kind == CF_RT_POLICY) {
        record.cause.topic = record.cause.event_id = (struct cf_str){0};
        record.cause.partition = record.cause.offset = -1;
    }
    if (cf_routing_log_encode(&record, &h->text, &err) < 0)
        exit(EXIT_FAILURE);
    put_line(h, "routing-log", record.offset, record.t);
    cf_engine_step(engine, &record, on_decision, h);
}

static void play_seed(struct history *h, uint64_t seed)
{
    char name[32], policy[MODEL_POLICY_TEXT];
    struct cf_rt_record first = {.kind = CF_RT_POLICY, .t = 1700000000000};
    struct cf_engine *engine;

    (void)snprintf(name, sizeof(name), "s%" PRIu64, seed);
    h->domain = cf_str_of(name);
    model_init(&h->model);
    stream_init(&h->stream, seed, (unsigned)(seed % MODEL_VARIANTS));
    model_policy((unsigned)(seed % MODEL_VARIANTS), 1, policy);
    first.u.policy.version = 1;
    first.u.policy.text = cf_str_of(policy);
    engine = cf_engine_new(h->domain, NULL);
    play(h, engine, first);
    while (h->stream.n < STREAM_RECORDS)
        play(h, engine, *stream_next(&h->stream, &h->model));
    cf_engine_free(engine);
}

int main(int argc, char **argv)
{
    struct history *h = calloc(1, sizeof(*h));
    uint64_t from = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;

    if (!h || argc > 4 || (argc == 4 && !cf_engine_set_mutant(argv[3]))) {
        (void)fputs("usage: engine-history [FIRST-SEED [SEEDS [MUTANT]]]\n", stderr);
        free(h);
        return EXIT_FAILURE;
    }
    cf_buf_init(&h->text, 1 << 20);
    cf_buf_init(&h->line, 4 << 20);
    for (uint64_t i = 0; i < n; i++)
        play_seed(h, from + i);
    cf_buf_done(&h->text);
    cf_buf_done(&h->line);
    free(h);
    return EXIT_SUCCESS;
}
