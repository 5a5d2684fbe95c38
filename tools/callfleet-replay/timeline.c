/* SPDX-License-Identifier: Apache-2.0 */
#include "timeline.h"

#include <inttypes.h>
#include <stdlib.h>

#include "clock/clock.h"
#include "json/json.h"

#define PAGE_ARENA_BYTES (256U << 20)

struct line {
    int64_t at; /* wall ms, the record's own time */
    const char *topic;
    int32_t partition;
    int64_t offset;
    const struct cf_json *data; /* NULL: not readable (a dead letter) */
    size_t value_bytes;
};

struct page {
    struct cf_arena *arena;
    struct cf_str call_id;
    struct line *lines;
    size_t n, size;
};

/* The time that matters in each topic; the record's timestamp when the event says nothing. */
static int64_t time_of(const struct cf_json *data, const struct entry *entry)
{
    static const char *const fields[] = {"startedAt", "queuedAt", "endedAt", "updatedAt", "at"};
    int64_t at;

    /* call-ended may carry startedAt too: its own time comes first. */
    if (strcmp(entry->topic, "call-ended") == 0 && cf_clock_parse(cf_json_get_str(data, "endedAt"), &at))
        return at;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (cf_clock_parse(cf_json_get_str(data, fields[i]), &at))
            return at;
    }
    return entry->timestamp_ms;
}

static int on_entry(void *arg, const struct entry *entry)
{
    struct page *page = arg;
    struct cf_err err;
    const struct cf_json *root = cf_json_parse(page->arena, entry->value, &err);
    const struct cf_json *data = cf_json_get(root, "data");

    if (!data)
        data = root; /* bare data */
    if (!cf_str_eq(cf_json_get_str(data, "callId"), page->call_id) &&
        !cf_str_eq(cf_json_get_str(data, "parentCallId"), page->call_id) &&
        !cf_str_eq(entry->key, page->call_id))
        return 0;
    if (page->n == page->size) {
        page->size = page->size ? page->size * 2 : 64;
        page->lines = cf_realloc(page->lines, page->size * sizeof(*page->lines));
    }
    page->lines[page->n++] = (struct line){
        .at = root ? time_of(data, entry) : entry->timestamp_ms,
        .topic = cf_arena_cstr(page->arena, cf_str_of(entry->topic)),
        .partition = entry->partition,
        .offset = entry->offset,
        .data = data,
        .value_bytes = entry->value.n,
    };
    return 0;
}

static int rank(const char *topic)
{
    static const char *const order[] = {"call-started", "call-queued", "agent-state", "call-routed",
                                        "call-ended"};

    for (int i = 0; i < 5; i++) {
        if (strcmp(topic, order[i]) == 0)
            return i;
    }
    return 5;
}

static int by_time(const void *a, const void *b)
{
    const struct line *x = a, *y = b;

    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    if (strcmp(x->topic, y->topic) != 0)
        return rank(x->topic) - rank(y->topic);
    return x->offset < y->offset ? -1 : 1;
}

static void put(FILE *out, const struct cf_json *data, const char *key, const char *label)
{
    const struct cf_json *value = cf_json_get(data, key);

    if (value && value->type == CF_JSON_STRING)
        (void)fprintf(out, "  %s %.*s", label, CF_STR_FMT(value->u.str));
    else if (value && value->type == CF_JSON_INT)
        (void)fprintf(out, "  %s %" PRId64, label, value->u.integer);
}

static void put_customer(FILE *out, const struct cf_json *data)
{
    const struct cf_json *customer = cf_json_get(data, "customer"), *first;

    put(out, customer, "status", "customer");
    put(out, cf_json_get(customer, "contact"), "name", "contact");
    put(out, cf_json_get(customer, "account"), "name", "account");
    put(out, cf_json_get(customer, "account"), "tier", "tier");
    put(out, customer, "reason", "because");
    first = cf_json_get(customer, "cases");
    if (first && first->type == CF_JSON_ARRAY && first->u.first)
        put(out, first->u.first, "number", "case");
    put(out, cf_json_get(data, "greeting"), "text", "greeting");
}

static void put_details(FILE *out, const struct line *line)
{
    static const struct {
        const char *key, *label;
    } fields[] = {
        {"ani", "from"},
        {"dnis", "to"},
        {"entryPointId", "entry"},
        {"state", "agent state"},
        {"decision", "decision"},
        {"agentId", "agent"},
        {"queueId", "queue"},
        {"priority", "priority"},
        {"position", "position"},
        {"waitMs", "wait ms"},
        {"offerId", "offer"},
        {"reason", "because"},
        {"endedBy", "ended by"},
        {"talkMs", "talk ms"},
        {"wrapUpCode", "wrap-up"},
        {"notes", "notes"},
        {"outcome", "Salesforce"},
        {"taskId", "task"},
        {"caseId", "case"},
        {"attempts", "attempts"},
        {"seq", "seq"},
    };

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        put(out, line->data, fields[i].key, fields[i].label);
    put_customer(out, line->data);
    put(out, cf_json_get(line->data, "screenPop"), "url", "screen pop");
    put(out, cf_json_get(line->data, "case"), "number", "shows case");
}

static void put_line(FILE *out, const struct line *line, int64_t first_ms)
{
    char time[CF_CLOCK_TEXT_SIZE];

    cf_clock_format(line->at, time);
    (void)fprintf(out, "%s  +%8.3fs  %-13s", time, (double)(line->at - first_ms) / 1000, line->topic);
    if (line->data)
        put_details(out, line);
    else
        (void)fprintf(out, "  %zu bytes that are no JSON", line->value_bytes);
    (void)fprintf(out, "  [%d@%" PRId64 "]\n", line->partition, line->offset);
}

int timeline(const struct source_opts *opts, struct cf_str call_id, FILE *out, struct cf_err *err)
{
    struct page page = {.call_id = call_id};
    int n = -1;

    page.arena = cf_arena_new(PAGE_ARENA_BYTES);
    if (source_read(opts, on_entry, &page, err) == 0) {
        if (page.n > 1)
            qsort(page.lines, page.n, sizeof(*page.lines), by_time);
        for (size_t i = 0; i < page.n; i++)
            put_line(out, &page.lines[i], page.lines[0].at);
        n = (int)page.n;
    }
    free(page.lines);
    cf_arena_free(page.arena);
    return n;
}
