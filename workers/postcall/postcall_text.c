/* SPDX-License-Identifier: Apache-2.0 */
/* Templates, the text of a call, and its split into comments. */
#include <stdio.h>

#include "clock/clock.h"
#include "postcall_rules.h"

#define TEXT_LIMIT_BYTES (1024UL * 1024) /* of a text before it is split or cut */
#define RENDER_LIMIT_BYTES (2 * TEXT_LIMIT_BYTES)
#define NUMBER_BYTES 9 /* " (20/20)" and its NUL */

/* ---- placeholders ---- */

static struct cf_str find_text(const struct cf_call_ended *ended, struct cf_str name)
{
    const struct {
        const char *name;
        struct cf_str value;
    } texts[] = {
        {"callId", ended->call_id},
        {"parentCallId", ended->parent_call_id},
        {"direction", ended->direction.p ? ended->direction : CF_STR("inbound")},
        {"ani", ended->ani},
        {"dnis", ended->dnis},
        {"entryPointId", ended->entry_point_id},
        {"queueId", ended->queue_id},
        {"agentId", ended->agent_id},
        {"agentName", ended->agent_name.p ? ended->agent_name : ended->agent_id},
        {"wrapUpCode", ended->wrap_up_code},
        {"reason", ended->reason},
        {"endedBy", ended->ended_by},
        {"recordingUrl", ended->recording_url},
        {"transcriptUrl", ended->transcript_url},
        {"result", postcall_result(ended)},
        {"callType", cf_str_is(ended->direction, "outbound") ? CF_STR("Outbound") : CF_STR("Inbound")},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (cf_str_is(name, texts[i].name)) /* known, but not in this event: there and empty */
            return texts[i].value.p ? texts[i].value : CF_STR("");
    }
    return (struct cf_str){0};
}

static struct cf_str find_number(struct cf_arena *arena, const struct cf_call_ended *ended,
                                 struct cf_str name)
{
    int64_t seconds = postcall_duration_s(ended);
    const struct {
        const char *name;
        int64_t ms;
    } numbers[] = {{"talkSeconds", ended->talk_ms},
                   {"holdSeconds", ended->hold_ms},
                   {"queueSeconds", ended->queue_ms},
                   {"durationSeconds", seconds >= 0 ? seconds * 1000 : -1}};
    char time[CF_CLOCK_TEXT_SIZE];

    if (cf_str_is(name, "endedAt") || cf_str_is(name, "endedDate")) {
        cf_clock_format(ended->ended_at, time);
        return cf_arena_str(arena, cf_str_is(name, "endedAt") ? cf_str_of(time) : (struct cf_str){time, 10});
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (!cf_str_is(name, numbers[i].name))
            continue;
        return numbers[i].ms < 0 ? CF_STR("")
                                 : cf_arena_printf(arena, "%lld", (long long)(numbers[i].ms / 1000));
    }
    return (struct cf_str){0};
}

/* p = NULL: no such placeholder. */
static struct cf_str find(struct cf_arena *arena, const struct cf_call_ended *ended, struct cf_str name)
{
    struct cf_str value, attributes = CF_STR("attributes.");
    char key[129];

    if (cf_str_starts(name, attributes)) {
        name = (struct cf_str){name.p + attributes.n, name.n - attributes.n};
        value = cf_str_copy(key, sizeof(key), name) ? cf_json_get_str(ended->attributes, key)
                                                    : (struct cf_str){0};
        return value.p ? value : CF_STR("");
    }
    value = find_text(ended, name);
    return value.p ? value : find_number(arena, ended, name);
}

/* Takes the text up to the next placeholder off `text`, and its name; false at the end. */
static bool next_placeholder(struct cf_str *text, struct cf_str *ret_before, struct cf_str *ret_name)
{
    const char *open = text->n > 0 ? memchr(text->p, '{', text->n) : NULL;
    const char *close = open ? memchr(open, '}', text->n - (size_t)(open - text->p)) : NULL;

    if (!close)
        return false;
    *ret_before = (struct cf_str){text->p, (size_t)(open - text->p)};
    *ret_name = (struct cf_str){open + 1, (size_t)(close - open - 1)};
    text->n -= (size_t)(close + 1 - text->p);
    text->p = close + 1;
    return true;
}

static struct cf_str first_unknown(struct cf_str text, const char *known)
{
    static const struct cf_call_ended none = {.talk_ms = -1, .hold_ms = -1, .queue_ms = -1};
    struct cf_arena *arena = cf_arena_new(TEXT_LIMIT_BYTES);
    struct cf_str before, name, unknown = {0};

    while (!unknown.p && next_placeholder(&text, &before, &name)) {
        if (!(known && cf_str_is(name, known)) && !find(arena, &none, name).p)
            unknown = name;
    }
    cf_arena_free(arena);
    return unknown;
}

struct cf_str postcall_template_unknown(struct cf_str text)
{
    return first_unknown(text, NULL);
}

struct cf_str postcall_template_unknown_in_text(struct cf_str text)
{
    return first_unknown(text, "text");
}

struct cf_str postcall_render_text(struct cf_arena *arena, struct cf_str template_text,
                                   const struct cf_call_ended *ended, struct cf_str text)
{
    struct cf_str before, name, result;
    struct cf_buf buf;

    cf_buf_init(&buf, RENDER_LIMIT_BYTES);
    while (next_placeholder(&template_text, &before, &name)) {
        cf_buf_str(&buf, before);
        cf_buf_str(&buf, cf_str_is(name, "text") ? text : find(arena, ended, name));
    }
    cf_buf_str(&buf, template_text);
    result = cf_arena_str(arena, cf_str_trim(cf_buf_view(&buf)));
    cf_buf_done(&buf);
    return result;
}

struct cf_str postcall_render(struct cf_arena *arena, struct cf_str text, const struct cf_call_ended *ended)
{
    return postcall_render_text(arena, text, ended, CF_STR(""));
}

/* ---- the text ---- */

static void add_line(struct cf_buf *buf, const char *label, struct cf_str value)
{
    if (value.n == 0)
        return;
    cf_buf_printf(buf, "\n%s: ", label);
    cf_buf_str(buf, value);
}

static void add_time(struct cf_buf *buf, const char *label, int64_t ms)
{
    if (ms < 0)
        return;
    cf_buf_printf(buf, "\n%s: %lld:%02lld", label, (long long)(ms / 60000), (long long)(ms / 1000 % 60));
}

static void add_agent(struct cf_buf *buf, const struct cf_call_ended *ended)
{
    if (!ended->agent_name.p || !ended->agent_id.p) {
        add_line(buf, "Agent", ended->agent_name.p ? ended->agent_name : ended->agent_id);
        return;
    }
    add_line(buf, "Agent", ended->agent_name);
    cf_buf_text(buf, " (");
    cf_buf_str(buf, ended->agent_id);
    cf_buf_char(buf, ')');
}

static void add_head(struct cf_buf *buf, const struct cf_call_ended *ended)
{
    bool outbound = cf_str_is(ended->direction, "outbound"), abandoned = postcall_is_abandoned(ended);
    char time[CF_CLOCK_TEXT_SIZE];

    cf_clock_format(ended->ended_at, time);
    cf_buf_text(buf, ended->parent_call_id.p ? "Consult call "
                     : outbound              ? "Outbound call "
                                             : "Inbound call ");
    cf_buf_str(buf, ended->call_id);
    if (ended->parent_call_id.p) {
        cf_buf_text(buf, " of call ");
        cf_buf_str(buf, ended->parent_call_id);
    }
    cf_buf_printf(buf, abandoned ? ", abandoned %.10s %.5s UTC" : ", ended %.10s %.5s UTC", time, time + 11);
}

/* Without a recording there is no link to it; a link of the call id alone always is. */
static struct cf_str recording_of(struct cf_arena *arena, const struct cf_call_ended *ended,
                                  struct cf_str recording)
{
    static const char of_event[] = "{recordingUrl}";

    if (!ended->recording_url.p && recording.n > 0 &&
        memmem(recording.p, recording.n, of_event, sizeof(of_event) - 1))
        return (struct cf_str){0};
    return postcall_render(arena, recording, ended);
}

struct cf_str postcall_text(struct cf_arena *arena, const struct cf_call_ended *ended,
                            struct cf_str recording)
{
    struct cf_str result;
    struct cf_buf buf;

    cf_buf_init(&buf, TEXT_LIMIT_BYTES);
    add_head(&buf, ended);
    add_line(&buf, "From", ended->ani);
    add_line(&buf, "To", ended->dnis);
    add_agent(&buf, ended);
    add_line(&buf, "Queue", ended->queue_id);
    add_time(&buf, "Waited", ended->queue_ms);
    add_time(&buf, "Talked", ended->talk_ms);
    add_time(&buf, "Held", ended->hold_ms);
    add_line(&buf, "Result", ended->wrap_up_code);
    add_line(&buf, "Ended by", ended->ended_by);
    add_line(&buf, "Reason", ended->reason);
    add_line(&buf, "Notes", ended->notes);
    add_line(&buf, "Recording", recording_of(arena, ended, recording));
    add_line(&buf, "Transcript", ended->transcript_url);
    result = cf_arena_str(arena, cf_buf_view(&buf));
    cf_buf_done(&buf);
    return result;
}

/* ---- cutting ---- */

static bool is_inner(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

struct cf_str postcall_cut(struct cf_str text, size_t units)
{
    size_t n = 0;

    while (n < text.n) {
        size_t cost = (unsigned char)text.p[n] >= 0xf0 ? 2 : 1; /* beyond the BMP: a surrogate pair */

        if (cost > units)
            break;
        units -= cost;
        for (n++; n < text.n && is_inner(text.p[n]);)
            n++;
    }
    text.n = n;
    return text;
}

/* The longest front of at most `most` bytes that ends between characters. */
static size_t front(struct cf_str text, size_t most)
{
    size_t n = most;

    if (text.n <= most)
        return text.n;
    while (n > 0 && is_inner(text.p[n]))
        n--;
    return n;
}

size_t postcall_split(struct cf_arena *arena, struct cf_str text, struct cf_str marker,
                      struct cf_str ret_parts[POSTCALL_MAX_PARTS])
{
    struct cf_str pieces[POSTCALL_MAX_PARTS];
    size_t n = 0, room = POSTCALL_COMMENT_BYTES - 1 - marker.n;

    if (text.n <= room) {
        ret_parts[0] = cf_arena_printf(arena, "%.*s\n%.*s", CF_STR_FMT(text), CF_STR_FMT(marker));
        return 1;
    }
    room -= NUMBER_BYTES - 1;
    while (text.n > 0 && n < POSTCALL_MAX_PARTS) {
        pieces[n] = (struct cf_str){text.p, front(text, room)};
        text.p += pieces[n].n;
        text.n -= pieces[n].n;
        n++;
    }
    for (size_t i = 0; i < n; i++)
        ret_parts[i] = cf_arena_printf(arena, "%.*s\n%.*s (%zu/%zu)", CF_STR_FMT(pieces[i]),
                                       CF_STR_FMT(marker), i + 1, n);
    return n;
}

/* " (2/3)" -> 1 and 3; "" -> 0 and 1. */
static bool read_number(struct cf_str text, size_t *ret_part, size_t *ret_parts)
{
    const char *slash = text.n > 0 ? memchr(text.p, '/', text.n) : NULL;
    uint64_t part, parts;

    *ret_part = 0;
    *ret_parts = 1;
    if (text.n == 0)
        return true;
    if (!slash || text.n < 6 || text.p[0] != ' ' || text.p[1] != '(' || text.p[text.n - 1] != ')')
        return false;
    if (!cf_str_u64((struct cf_str){text.p + 2, (size_t)(slash - text.p) - 2}, &part) ||
        !cf_str_u64((struct cf_str){slash + 1, text.n - (size_t)(slash - text.p) - 2}, &parts))
        return false;
    *ret_part = (size_t)part - 1;
    *ret_parts = (size_t)parts;
    return part >= 1 && part <= parts && parts <= POSTCALL_MAX_PARTS;
}

bool postcall_part_of(struct cf_str body, struct cf_str marker, size_t *ret_part, size_t *ret_parts)
{
    const char *line;

    body = cf_str_trim(body);
    line = body.n > 0 ? memrchr(body.p, '\n', body.n) : NULL;
    line = line ? line + 1 : body.p;
    body = (struct cf_str){line, body.n - (size_t)(line - body.p)};
    if (!cf_str_starts(body, marker))
        return false;
    return read_number((struct cf_str){body.p + marker.n, body.n - marker.n}, ret_part, ret_parts);
}
