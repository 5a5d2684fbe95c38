/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decoders on any bytes: what is accepted can be encoded, and decoded again it has the same id, time and
 * data. The first byte picks the event and the mode: 'a' + 3 * type + mode; mode 0 is the value alone, 1 adds
 * the content-type of structured mode, 2 is binary mode, whose id, source, time and traceparent are the first
 * four lines. The seeds are schemas/samples in this form (CMakeLists.txt).
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "event/event.h"

#define MODES 3
#define N_LINES 4
#define MAX_TEXT_BYTES (16UL << 20)

/* NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool truth)
{
    if (!truth)
        abort();
}

static struct cf_str take_line(struct cf_str *text)
{
    const char *end = text->n ? memchr(text->p, '\n', text->n) : NULL;
    struct cf_str line = {text->p, end ? (size_t)(end - text->p) : text->n};
    size_t used = end ? line.n + 1 : line.n;

    *text = (struct cf_str){text->p + used, text->n - used};
    return line;
}

static const struct cf_event *decode(struct cf_arena *arena, enum cf_event_type type, unsigned mode,
                                     struct cf_str text)
{
    struct cf_record record = {.topic = "fuzz", .partition = 1, .offset = 2};
    char type_text[64];
    struct cf_header headers[] = {{CF_STR("ce_id"), {0}},
                                  {CF_STR("ce_source"), {0}},
                                  {CF_STR("ce_time"), {0}},
                                  {CF_STR("ce_traceparent"), {0}},
                                  {CF_STR("ce_specversion"), CF_STR("1.0")},
                                  {CF_STR("ce_type"), {0}}};
    const struct cf_header content_type = {CF_STR("content-type"), CF_STR("application/cloudevents+json")};
    const struct cf_event *event;
    struct cf_err err;

    if (mode == 1) {
        record.headers = &content_type;
        record.n_headers = 1;
    } else if (mode == 2) {
        for (size_t i = 0; i < N_LINES; i++)
            headers[i].value = take_line(&text);
        (void)snprintf(type_text, sizeof(type_text), "callfleet.%s.v1", cf_event_name(type));
        headers[N_LINES + 1].value = cf_str_of(type_text);
        record.headers = headers;
        record.n_headers = sizeof(headers) / sizeof(headers[0]);
    }
    record.value = text;
    if (cf_event_decode(arena, type, &record, &event, &err) == 0)
        return event;
    expect(err.kind == CF_ERR_REJECTED);
    return NULL;
}

static void write_data(struct cf_buf *buf, const struct cf_event *event)
{
    struct cf_jsonw w;

    cf_jsonw_init(&w, buf);
    cf_event_write_data(&w, event);
    expect(w.depth == 0 && !buf->full);
}

static void check_again(const struct cf_event *event)
{
    struct cf_arena *arena = cf_arena_new(CF_EVENT_ARENA_BYTES);
    const struct cf_event *again;
    struct cf_buf sent, before, after;
    struct cf_err err;

    cf_buf_init(&sent, MAX_TEXT_BYTES);
    cf_buf_init(&before, MAX_TEXT_BYTES);
    cf_buf_init(&after, MAX_TEXT_BYTES);
    expect(cf_event_encode(event, &sent, &err) == 0);
    again = decode(arena, event->type, 1, cf_buf_view(&sent));
    expect(again != NULL);
    expect(cf_str_eq(again->id, event->id) && again->time == event->time);
    expect(cf_str_eq(again->traceparent, event->traceparent));
    expect(cf_str_eq(again->source, event->source.p ? event->source : CF_STR("callfleet")));
    write_data(&before, event);
    write_data(&after, again);
    expect(cf_str_eq(cf_buf_view(&before), cf_buf_view(&after)));
    cf_buf_done(&sent);
    cf_buf_done(&before);
    cf_buf_done(&after);
    cf_arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cf_arena *arena;
    const struct cf_event *event;
    unsigned pick;

    if (size == 0)
        return 0;
    pick = (unsigned)(data[0] - 'a') % (CF_EVENT_TYPES * MODES);
    arena = cf_arena_new(CF_EVENT_ARENA_BYTES);
    event = decode(arena, (enum cf_event_type)(pick / MODES), pick % MODES,
                   (struct cf_str){(const char *)data + 1, size - 1});
    if (event)
        check_again(event);
    cf_arena_free(arena);
    return 0;
}
