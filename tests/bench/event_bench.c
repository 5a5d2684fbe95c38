/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event-bench - what decoding and encoding one event costs, beside Jansson, on one thread. Run by hand from a
 * release build: event-bench [ROUNDS]. Each row is the best of five runs, so that a busy machine disturbs
 * less.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock/clock.h"
#include "event/event.h"

#define RUNS 5
#define DEFAULT_ROUNDS 200000

/* A structured call-started of about 500 bytes, as a contact centre sends it. */
static const char started[] =
    "{\"specversion\":\"1.0\",\"id\":\"5f3b1c9e-8f0e-4c58-9a43-2d6b1f0c7a11\",\"source\":\"/acd/eu-1\","
    "\"type\":\"callfleet.call-started.v1\",\"subject\":\"3e2c9b4a-11f0-4a53-b0a5-7d1d0c5c6a01\","
    "\"time\":\"2026-11-22T10:15:30.125Z\",\"datacontenttype\":\"application/json\","
    "\"data\":{\"callId\":\"3e2c9b4a-11f0-4a53-b0a5-7d1d0c5c6a01\",\"ani\":\"+15207739050\",\"dnis\":\"+"
    "18005550100\","
    "\"startedAt\":\"2026-11-22T10:15:30.123Z\",\"entryPointId\":\"ep-main\",\"direction\":\"inbound\","
    "\"channel\":\"telephony\",\"language\":\"en-US\",\"attributes\":{\"ivrChoice\":\"2\",\"site\":"
    "\"tucson\"}}}";

struct bench {
    struct cf_arena *arena;
    struct cf_record record;
    struct cf_buf out;
};

static void fail_unless(bool truth)
{
    if (!truth)
        abort();
}

static const struct cf_event *decode_once(struct bench *bench)
{
    const struct cf_event *event;
    struct cf_err err;

    cf_arena_clear(bench->arena);
    fail_unless(cf_event_decode(bench->arena, CF_EVENT_CALL_STARTED, &bench->record, &event, &err) == 0);
    return event;
}

static void parse(struct bench *bench)
{
    struct cf_err err;

    cf_arena_clear(bench->arena);
    fail_unless(cf_json_parse(bench->arena, bench->record.value, &err) != NULL);
}

static void decode(struct bench *bench)
{
    (void)decode_once(bench);
}

static void decode_encode(struct bench *bench)
{
    struct cf_err err;

    fail_unless(cf_event_encode(decode_once(bench), &bench->out, &err) == 0);
}

static void derive(struct bench *bench)
{
    char id[37];

    (void)bench;
    cf_event_derive_id(CF_STR("5f3b1c9e-8f0e-4c58-9a43-2d6b1f0c7a11"), "lookup", "0", id);
}

static json_t *jansson_once(const struct bench *bench)
{
    json_t *root = json_loadb(bench->record.value.p, bench->record.value.n, JSON_REJECT_DUPLICATES, NULL);

    fail_unless(root != NULL);
    return root;
}

static void jansson_parse(struct bench *bench)
{
    json_decref(jansson_once(bench));
}

static void jansson_parse_dump(struct bench *bench)
{
    json_t *root = jansson_once(bench);
    char *text = json_dumps(root, JSON_COMPACT);

    fail_unless(text != NULL);
    free(text);
    json_decref(root);
}

static double best_ns(void (*work)(struct bench *), struct bench *bench, int rounds)
{
    double best = 0;

    for (int run = 0; run < RUNS; run++) {
        uint64_t start = cf_clock_mono_ns();
        double ns;

        for (int i = 0; i < rounds; i++)
            work(bench);
        ns = (double)(cf_clock_mono_ns() - start) / rounds;
        if (run == 0 || ns < best)
            best = ns;
    }
    return best;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*work)(struct bench *);
    } rows[] = {{"cf_json_parse", parse},
                {"cf_event_decode", decode},
                {"cf_event_decode + cf_event_encode", decode_encode},
                {"cf_event_derive_id", derive},
                {"jansson parse", jansson_parse},
                {"jansson parse + dump", jansson_parse_dump}};
    int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : DEFAULT_ROUNDS;
    struct bench bench = {.record = {.topic = "call-started", .value = CF_STR(started)}};

    if (rounds <= 0)
        return EXIT_FAILURE;
    bench.arena = cf_arena_new(CF_EVENT_ARENA_BYTES);
    cf_buf_init(&bench.out, CF_JSON_MAX_BYTES);
    printf("%-36s %10s   (%zu bytes, %d rounds)\n", "call-started", "ns/event", bench.record.value.n, rounds);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        printf("%-36s %10.0f\n", rows[i].name, best_ns(rows[i].work, &bench, rounds));
    cf_buf_done(&bench.out);
    cf_arena_free(bench.arena);
    return EXIT_SUCCESS;
}
