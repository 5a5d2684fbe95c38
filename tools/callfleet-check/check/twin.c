/* SPDX-License-Identifier: Apache-2.0 */
#include "check/twin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/decision.h"

/* How often the state is rebuilt: in numbers of records, doubling up to the last. */
#define REBUILD_FIRST 64
#define REBUILD_MOST 65536
#define TEXT_BYTES (4UL << 20)

struct expected {
    struct expected *next;
    int64_t seq;
    size_t n;
    char bytes[];
};

struct twin {
    struct cf_engine *engine;
    struct report *report;
    struct expected *first, *last;
    struct cf_buf text;
    uint64_t n_records, rebuild_at, rebuild_every;
    int64_t recorded; /* the last one that was compared */
    size_t n_again;   /* decisions of the second application */
};

struct twin *twin_new(struct cf_str domain, struct report *report)
{
    struct twin *twin = cf_calloc(1, sizeof(*twin));

    twin->engine = cf_engine_new(domain, NULL);
    twin->report = report;
    twin->rebuild_at = twin->rebuild_every = REBUILD_FIRST;
    cf_buf_init(&twin->text, TEXT_BYTES);
    return twin;
}

static void drop_first(struct twin *twin)
{
    struct expected *expected = twin->first;

    twin->first = expected->next;
    if (!twin->first)
        twin->last = NULL;
    free(expected);
}

void twin_free(struct twin *twin)
{
    while (twin->first)
        drop_first(twin);
    cf_engine_free(twin->engine);
    cf_buf_done(&twin->text);
    free(twin);
}

static void keep(void *arg, const struct cf_call_routed *decision)
{
    struct twin *twin = arg;
    struct expected *expected;
    struct cf_str text;
    struct cf_err err;

    if (cf_decision_encode(decision, &twin->text, &err) < 0)
        cf_buf_clear(&twin->text);
    text = cf_buf_view(&twin->text);
    expected = cf_calloc(1, sizeof(*expected) + text.n);
    expected->seq = decision->seq;
    expected->n = text.n;
    if (text.n > 0)
        memcpy(expected->bytes, text.p, text.n);
    if (twin->last)
        twin->last->next = expected;
    else
        twin->first = expected;
    twin->last = expected;
}

static void count(void *arg, const struct cf_call_routed *decision)
{
    (void)decision;
    ((struct twin *)arg)->n_again++;
}

struct loading {
    struct cf_engine *engine;
    bool failed;
    struct cf_err err;
};

static void load(void *arg, const struct cf_engine_object *object)
{
    struct loading *loading = arg;

    if (!loading->failed)
        loading->failed = cf_engine_load_object(loading->engine, object, &loading->err) != 0;
}

static void rebuild(struct twin *twin)
{
    struct loading loading = {.engine = cf_engine_new(cf_engine_domain(twin->engine), NULL)};
    uint8_t was[32], is[32];

    cf_engine_dump_all(twin->engine, load, &loading);
    if (!loading.failed)
        loading.failed = cf_engine_load_finish(loading.engine, &loading.err) != 0;
    if (loading.failed) {
        report_add(twin->report, 15, "the state cannot be loaded: %s", loading.err.text);
        cf_engine_free(loading.engine);
        return;
    }
    cf_engine_digest(twin->engine, was);
    cf_engine_digest(loading.engine, is);
    if (memcmp(was, is, sizeof(is)) != 0)
        report_add(twin->report, 15, "the state that was dumped and loaded has another digest");
    cf_engine_free(twin->engine);
    twin->engine = loading.engine;
}

void twin_step(struct twin *twin, const struct cf_rt_record *record)
{
    cf_engine_step(twin->engine, record, keep, twin);
    twin->n_again = 0;
    cf_engine_step(twin->engine, record, count, twin);
    if (twin->n_again > 0)
        report_add(twin->report, 5, "the record applied again makes %zu decisions", twin->n_again);
    if (++twin->n_records < twin->rebuild_at)
        return;
    rebuild(twin);
    if (twin->rebuild_every < REBUILD_MOST)
        twin->rebuild_every *= 2;
    twin->rebuild_at += twin->rebuild_every;
}

void twin_compare(struct twin *twin, int64_t seq, struct cf_str bytes)
{
    twin->recorded = seq;
    while (twin->first && twin->first->seq < seq)
        drop_first(twin); /* not recorded: a gap in the numbers, which is a finding of its own */
    if (!twin->first || twin->first->seq != seq) {
        report_add(twin->report, 16, "the engine makes no decision %" PRId64 " here", seq);
        return;
    }
    if (!cf_str_eq((struct cf_str){twin->first->bytes, twin->first->n}, bytes))
        report_add(twin->report, 16, "recorded: %.*s\n    the engine: %.*s", CF_STR_FMT(bytes),
                   (int)twin->first->n, twin->first->bytes);
    drop_first(twin);
}

int64_t twin_seq(const struct twin *twin)
{
    return cf_engine_seq(twin->engine);
}

const struct cf_engine *twin_engine(const struct twin *twin)
{
    return twin->engine;
}

void twin_digest(const struct twin *twin, char ret_text[65])
{
    uint8_t digest[32];

    cf_engine_digest(twin->engine, digest);
    for (size_t i = 0; i < sizeof(digest); i++)
        (void)snprintf(ret_text + 2 * i, 3, "%02x", digest[i]);
}

void twin_finish(struct twin *twin, bool open_end)
{
    if (twin->n_records > 0)
        rebuild(twin);
    if (twin->first && !open_end)
        report_add(twin->report, 16,
                   "the engine makes decisions %" PRId64 " to %" PRId64 ", which are not recorded",
                   twin->first->seq, twin->last->seq);
}
