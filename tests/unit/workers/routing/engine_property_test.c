/* SPDX-License-Identifier: Apache-2.0 */
/* Random streams: the invariants hold, the state survives a dump and a load anywhere, the same log gives the
 * same bytes. A failing seed is printed; CALLFLEET_SEED runs that one alone. */
#include <check.h>
#include <stdlib.h>

#include "engine/routing_log.h"
#include "unit/workers/routing/engine_stream.h"
#include "json/json.h"

/* Check writes each assertion that it passes to a file; these are millions. */
#define REQUIRE(condition, ...)                                                                              \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            ck_abort_msg(__VA_ARGS__);                                                                       \
    } while (0)

enum { CHUNKS = 20, SEEDS_PER_CHUNK = 500 };

static struct cf_engine *new_engine(uint64_t seed)
{
    char text[MODEL_POLICY_TEXT];
    struct cf_err err;
    struct cf_policy *policy;
    struct cf_engine *engine;

    model_policy((unsigned)(seed % MODEL_VARIANTS), 1, text);
    policy = cf_policy_parse(cf_str_of(text), &err);
    REQUIRE(policy != NULL, "%s", err.text);
    engine = cf_engine_new(CF_STR("default"), policy);
    cf_policy_unref(policy);
    return engine;
}

/* ---- what a store of objects would hold after the changes so far ---- */

struct stored {
    enum cf_engine_kind kind;
    char id[32], queue[32];
    char text[2048]; /* field NUL value NUL ... */
    size_t n_text, n_pairs;
};

struct store {
    struct stored items[256];
    size_t n;
    bool queue_wrong;
};

static struct stored *find(struct store *store, const struct cf_engine_object *object)
{
    struct stored *item = store->items;

    while (item < store->items + store->n && (item->kind != object->kind || !cf_str_is(object->id, item->id)))
        item++;
    if (item == store->items + store->n) {
        REQUIRE(store->n++ < 256, "failed");
        *item = (struct stored){.kind = object->kind};
        (void)cf_str_copy(item->id, sizeof(item->id), object->id);
    }
    return item;
}

static void put_text(struct stored *item, struct cf_str text)
{
    REQUIRE(item->n_text + text.n + 1 <= sizeof(item->text), "failed");
    (void)cf_str_copy(item->text + item->n_text, text.n + 1, text);
    item->n_text += text.n + 1;
}

static void store_object(void *arg, const struct cf_engine_object *object)
{
    struct store *store = arg;
    struct stored *item = find(store, object);

    /* The queue that a call left must be the one it was stored in. */
    if (object->left_queue_id.p && !cf_str_is(object->left_queue_id, item->queue))
        store->queue_wrong = true;
    if (object->left_queue_id.p)
        item->queue[0] = '\0';
    if (item->queue[0] && !cf_str_is(object->queue_id, item->queue))
        store->queue_wrong = true;
    (void)cf_str_copy(item->queue, sizeof(item->queue), object->queue_id);
    item->n_text = 0;
    item->n_pairs = object->n_pairs;
    if (object->deleted) {
        *item = store->items[--store->n];
        return;
    }
    for (size_t i = 0; i < object->n_pairs; i++) {
        put_text(item, object->pairs[i].field);
        put_text(item, object->pairs[i].value);
    }
}

static void load_stored(struct cf_engine *engine, const struct stored *item)
{
    struct cf_engine_pair pairs[32];
    struct cf_engine_object object = {
        .kind = item->kind, .id = cf_str_of(item->id), .pairs = pairs, .n_pairs = item->n_pairs};
    const char *p = item->text;
    struct cf_err err;
    int rc;

    for (size_t i = 0; i < item->n_pairs; i++) {
        pairs[i].field = cf_str_of(p);
        p += pairs[i].field.n + 1;
        pairs[i].value = cf_str_of(p);
        p += pairs[i].value.n + 1;
    }
    rc = cf_engine_load_object(engine, &object, &err);
    REQUIRE(rc == 0, "%s", rc ? err.text : "");
}

/* META and POLICY first, the rest backwards: the order must not matter. */
static struct cf_engine *load(const struct store *store)
{
    struct cf_engine *engine = cf_engine_new(CF_STR("default"), NULL);
    struct cf_err err;
    int rc;

    for (int kind = CF_ENGINE_META; kind <= CF_ENGINE_POLICY; kind++) {
        for (size_t i = 0; i < store->n; i++) {
            if ((int)store->items[i].kind == kind)
                load_stored(engine, &store->items[i]);
        }
    }
    for (size_t i = store->n; i-- > 0;) {
        if (store->items[i].kind > CF_ENGINE_POLICY)
            load_stored(engine, &store->items[i]);
    }
    rc = cf_engine_load_finish(engine, &err);
    REQUIRE(rc == 0, "%s", rc ? err.text : "");
    return engine;
}

static bool same_digest(const struct cf_engine *a, const struct cf_engine *b)
{
    uint8_t x[32], y[32];

    cf_engine_digest(a, x);
    cf_engine_digest(b, y);
    return memcmp(x, y, sizeof(x)) == 0;
}

/* ---- one seed ---- */

static void write_decision(void *arg, const struct cf_call_routed *decision)
{
    struct cf_event event = {.type = CF_EVENT_CALL_ROUTED, .data.call_routed = *decision};
    struct cf_jsonw w;

    cf_jsonw_init(&w, arg);
    cf_event_write_data(&w, &event);
    cf_buf_char(arg, '\n');
}

struct both {
    struct model model;
    struct cf_buf text;
    const struct cf_rt_record *record; /* under way */
    size_t n;                          /* its decisions */
    /* The engine under test; one loaded from the store, once there is one, that goes on beside it. */
    struct cf_engine *engine, *loaded;
    struct store store;
    struct cf_buf loaded_text;
    unsigned long long seed;
};

static void check_and_write(void *arg, const struct cf_call_routed *decision)
{
    struct both *both = arg;

    both->n++;
    model_decide(&both->model, decision);
    if (cf_str_is(decision->decision, "connected") && both->record->u.agent_state->offer_id.p &&
        !cf_str_eq(both->record->u.agent_state->offer_id, decision->offer_id))
        model_fail(&both->model, decision, "I13: an old offer is answered");
    write_decision(&both->text, decision);
}

static void play_one(struct both *both, const struct cf_rt_record *record)
{
    size_t before = both->text.n;
    struct cf_str after;

    both->n = 0;
    both->record = record;
    cf_engine_step(both->engine, record, check_and_write, both);
    model_check_rest(&both->model);
    REQUIRE(both->n > 0 || record->kind == CF_RT_TICK || record->kind == CF_RT_POLICY,
            "I4: seed %llu: record %lld has no outcome", both->seed, (long long)record->offset);
    REQUIRE(cf_engine_next_timer(both->engine) > cf_engine_now(both->engine), "seed %llu: a timer is left",
            both->seed);
    if (!both->loaded)
        return;
    cf_buf_clear(&both->loaded_text);
    cf_engine_step(both->loaded, record, write_decision, &both->loaded_text);
    after = (struct cf_str){both->text.p + before, both->text.n - before};
    REQUIRE(
        cf_str_eq(cf_buf_view(&both->loaded_text), after),
        "I15: seed %llu: the loaded engine decides otherwise at record %lld\n-- live\n%.*s-- loaded\n%.*s",
        both->seed, (long long)record->offset, CF_STR_FMT(after),
        CF_STR_FMT(cf_buf_view(&both->loaded_text)));
}

/* Brings the store up to date, and loads the second engine from it. */
static void store_changes(struct both *both, bool load_now)
{
    cf_engine_dump_changes(both->engine, store_object, &both->store);
    cf_engine_changes_clear(both->engine);
    REQUIRE(!both->store.queue_wrong, "seed %llu: queue membership", both->seed);
    if (!load_now || both->loaded)
        return;
    both->loaded = load(&both->store);
    REQUIRE(same_digest(both->engine, both->loaded), "I15: seed %llu: digest after loading", both->seed);
}

/* Plays and checks a random stream; now and then what changed is stored, as after a commit. */
static void play_checked(struct stream *stream, struct both *both)
{
    size_t cut = both->seed % STREAM_RECORDS;

    both->engine = new_engine(both->seed);
    cf_buf_init(&both->loaded_text, 1 << 22);
    cf_engine_track_changes(both->engine);
    cf_engine_dump_all(both->engine, store_object, &both->store);
    for (size_t i = 0; i < STREAM_RECORDS && !both->model.error[0]; i++) {
        play_one(both, stream_next(stream, &both->model));
        if (!(stream->random & 0x100))
            store_changes(both, i >= cut);
    }
    REQUIRE(!both->loaded || same_digest(both->engine, both->loaded), "I15: seed %llu: digest at the end",
            both->seed);
    cf_engine_free(both->loaded);
    cf_engine_free(both->engine);
    cf_buf_done(&both->loaded_text);
}

/* The same log, each record through its JSON form and applied twice: the same bytes. */
static void play_again(const struct stream *stream, uint64_t seed, struct cf_buf *ret_text)
{
    struct cf_engine *engine = new_engine(seed);
    struct cf_arena *arena = cf_arena_new(1 << 20);
    struct cf_buf json;

    cf_buf_init(&json, 1 << 18);
    for (size_t i = 0; i < stream->n; i++) {
        const struct cf_rt_record *record;
        struct cf_err err;

        cf_arena_clear(arena);
        REQUIRE(cf_routing_log_encode(&stream->items[i].record, &json, &err) == 0, "failed");
        REQUIRE(cf_routing_log_decode(arena, cf_buf_view(&json), (int64_t)i, &record, &err) == 0, "%s",
                err.text);
        cf_engine_step(engine, record, write_decision, ret_text);
        cf_engine_step(engine, record, write_decision, ret_text);
    }
    cf_buf_done(&json);
    cf_arena_free(arena);
    cf_engine_free(engine);
}

static void run_seed(uint64_t seed)
{
    struct stream *stream = malloc(sizeof(*stream));
    struct both *both = calloc(1, sizeof(*both));
    struct cf_buf again;

    REQUIRE(stream && both, "failed");
    cf_buf_init(&both->text, 1 << 22);
    cf_buf_init(&again, 1 << 22);
    model_init(&both->model);
    stream_init(stream, seed, (unsigned)(seed % MODEL_VARIANTS));
    both->seed = seed;
    play_checked(stream, both);
    REQUIRE(!both->model.error[0], "seed %llu: %s", (unsigned long long)seed, both->model.error);
    /* Of every policy each fourth: this is the slow part. */
    if (seed / MODEL_VARIANTS % 4 == 0) {
        play_again(stream, seed, &again);
        REQUIRE(cf_str_eq(cf_buf_view(&again), cf_buf_view(&both->text)),
                "I16: seed %llu: the same log, other decisions", (unsigned long long)seed);
    }
    cf_buf_done(&both->text);
    cf_buf_done(&again);
    free(stream);
    free(both);
}

START_TEST(invariants_hold)
{
    const char *one = getenv("CALLFLEET_SEED");

    for (uint64_t i = 0; i < SEEDS_PER_CHUNK && !one; i++)
        run_seed((uint64_t)_i * SEEDS_PER_CHUNK + i);
    if (one && _i == 0)
        run_seed(strtoull(one, NULL, 10));
}
END_TEST

/* ---- doubled inputs ---- */

/* A decision without what names its record and its number. */
static void write_effect(void *arg, const struct cf_call_routed *d)
{
    if (!cf_str_is(d->decision, "ignored"))
        cf_buf_printf(arg, "%lld %.*s %.*s %.*s %.*s %lld\n", (long long)d->at, CF_STR_FMT(d->decision),
                      CF_STR_FMT(d->call_id), CF_STR_FMT(d->agent_id), CF_STR_FMT(d->reason),
                      (long long)d->wait_ms);
}

/* Plays the stream without its offer ids (they would be others); `doubled`: former events come again. */
static void play_effects(struct stream *stream, uint64_t seed, bool doubled, struct cf_buf *ret_text)
{
    struct cf_engine *engine = new_engine(seed);
    int64_t offset = 0, t = 0;

    for (size_t i = 0; i < stream->n; i++) {
        struct cf_rt_record record = stream->items[i].record;

        stream->items[i].agent.offer_id = (struct cf_str){0};
        /* Two events of an agent have two times. */
        stream->items[i].agent.at = record.t + (int64_t)i;
        record.offset = offset++;
        t = record.t > t ? record.t : t;
        cf_engine_step(engine, &record, write_effect, ret_text);
        for (size_t k = 0; k < 2 && doubled; k++) {
            record = stream->items[stream_random(stream, (uint32_t)i + 1)].record;
            record.offset = offset++;
            record.t = t;
            cf_engine_step(engine, &record, write_effect, ret_text);
        }
    }
    cf_engine_free(engine);
}

START_TEST(doubled_events_change_nothing)
{
    for (uint64_t seed = (uint64_t)_i * 10; seed < (uint64_t)_i * 10 + 10; seed++) {
        struct stream *stream = malloc(sizeof(*stream));
        struct model model;
        struct cf_buf once, twice;

        REQUIRE(stream != NULL, "failed");
        model_init(&model);
        stream_init(stream, seed, (unsigned)(seed % MODEL_VARIANTS));
        while (stream->n < STREAM_RECORDS)
            (void)stream_next(stream, &model);
        cf_buf_init(&once, 1 << 22);
        cf_buf_init(&twice, 1 << 22);
        play_effects(stream, seed, false, &once);
        play_effects(stream, seed, true, &twice);
        REQUIRE(cf_str_eq(cf_buf_view(&once), cf_buf_view(&twice)), "I5: seed %llu\n%.*s---\n%.*s",
                (unsigned long long)seed, CF_STR_FMT(cf_buf_view(&once)), CF_STR_FMT(cf_buf_view(&twice)));
        cf_buf_done(&once);
        cf_buf_done(&twice);
        free(stream);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine properties");
    TCase *properties = tcase_create("properties");
    SRunner *runner;
    int failed;

    tcase_set_timeout(properties, 60);
    tcase_add_loop_test(properties, invariants_hold, 0, CHUNKS);
    tcase_add_loop_test(properties, doubled_events_change_nothing, 0, CHUNKS);
    suite_add_tcase(suite, properties);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
