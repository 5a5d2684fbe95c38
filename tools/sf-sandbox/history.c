/* SPDX-License-Identifier: Apache-2.0 */
#include "history.h"

#include <errno.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock/clock.h"
#include "defaults.h"

#define LINE_MAX_BYTES ((size_t)8 * 1024 * 1024)
/* Spaces in front of a number are legal JSON: they make room for 20 digits. */
#define SEQ_START "{\"seq\":                    "
#define TEXT_MAX_BYTES (SB_HISTORY_RING_BYTES * 2)

struct line {
    uint64_t seq;
    char *text; /* without the line feed */
    size_t n;
};

struct sb_history {
    pthread_mutex_t lock;
    FILE *file;
    uint64_t last_seq;
    struct line *ring;
    size_t first, count, bytes;
};

struct sb_history *sb_history_open(const char *path, struct cf_err *err)
{
    FILE *file = path ? fopen(path, "ae") : NULL;
    struct sb_history *history;

    if (path && !file) {
        (void)cf_err_set(err, CF_ERR_CONFIG, "history", errno, "cannot append to %s", path);
        return NULL;
    }
    history = cf_calloc(1, sizeof(*history));
    pthread_mutex_init(&history->lock, NULL);
    history->file = file;
    history->ring = cf_calloc(SB_HISTORY_RING_ENTRIES, sizeof(*history->ring));
    return history;
}

void sb_history_flush(struct sb_history *history)
{
    pthread_mutex_lock(&history->lock);
    if (history->file)
        (void)fflush(history->file);
    pthread_mutex_unlock(&history->lock);
}

static void drop_oldest(struct sb_history *history)
{
    struct line *line = &history->ring[history->first];

    history->bytes -= line->n;
    free(line->text);
    *line = (struct line){0};
    history->first = (history->first + 1) % SB_HISTORY_RING_ENTRIES;
    history->count--;
}

void sb_history_close(struct sb_history *history)
{
    if (!history)
        return;
    while (history->count > 0)
        drop_oldest(history);
    if (history->file)
        (void)fclose(history->file);
    pthread_mutex_destroy(&history->lock);
    free(history->ring);
    free(history);
}

/* Begins a line with room for its number, which is known only when it is appended. */
static void begin(struct cf_buf *buf, size_t limit_bytes)
{
    cf_buf_init(buf, limit_bytes);
    cf_buf_text(buf, SEQ_START);
}

/* Numbers the line and takes the buffer's text over. */
static void append(struct sb_history *history, struct cf_buf *buf)
{
    struct line line = {0, cf_realloc(buf->p, buf->n), buf->n}; /* no slack: there are many */
    char digits[24];
    int n;

    pthread_mutex_lock(&history->lock);
    line.seq = ++history->last_seq;
    n = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)line.seq);
    memcpy(line.text + strlen(SEQ_START) - (size_t)n, digits, (size_t)n);
    if (history->file) {
        (void)fwrite(line.text, 1, line.n, history->file);
        (void)fputc('\n', history->file);
    }
    while (history->count == SB_HISTORY_RING_ENTRIES ||
           (history->count > 0 && history->bytes + line.n > SB_HISTORY_RING_BYTES))
        drop_oldest(history);
    history->ring[(history->first + history->count) % SB_HISTORY_RING_ENTRIES] = line;
    history->count++;
    history->bytes += line.n;
    pthread_mutex_unlock(&history->lock);
}

/* The length of the UTF-8 sequence at `p`, 0 when it is none. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
    size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3 : 4;

    if (p[0] >= 0xf5 || (p[0] >= 0x80 && p[0] < 0xc2) || n > left)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0) || (p[0] == 0xf0 && p[1] < 0x90) ||
        (p[0] == 0xf4 && p[1] >= 0x90))
        return 0;
    return n;
}

/* A JSON string of any bytes: what is not UTF-8 becomes U+FFFD. */
static void add_json_text(struct cf_buf *buf, struct cf_str text)
{
    size_t plain = 0, i = 0;

    cf_buf_char(buf, '"');
    while (i < text.n) {
        const unsigned char *p = (const unsigned char *)text.p + i;
        size_t n = utf8_length(p, text.n - i);

        if (n > 1 || (n == 1 && *p >= 0x20 && *p != '"' && *p != '\\')) {
            i += n;
            continue;
        }
        cf_buf_add(buf, text.p + plain, i - plain);
        if (n == 0)
            cf_buf_text(buf, "\\ufffd");
        else
            cf_buf_printf(buf, "\\u%04x", *p);
        plain = ++i;
    }
    cf_buf_add(buf, text.p + plain, text.n - plain);
    cf_buf_char(buf, '"');
}

static void add_member(struct cf_buf *buf, const char *name, struct cf_str text)
{
    cf_buf_printf(buf, ",\"%s\":", name);
    add_json_text(buf, text);
}

static void add_body(struct cf_buf *buf, const struct sb_history_entry *entry)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char digest[SHA256_DIGEST_LENGTH];
    struct cf_str body = entry->body;

    cf_buf_printf(buf, ",\"body_bytes\":%zu", body.n);
    if (body.n == 0)
        return;
    (void)SHA256((const unsigned char *)body.p, body.n, digest);
    cf_buf_text(buf, ",\"body_sha256\":\"");
    for (size_t i = 0; i < sizeof(digest); i++) {
        cf_buf_char(buf, hex[digest[i] >> 4]);
        cf_buf_char(buf, hex[digest[i] & 15]);
    }
    cf_buf_char(buf, '"');
    if (entry->secret)
        return;
    if (body.n > SB_HISTORY_BODY_BYTES)
        body.n = SB_HISTORY_BODY_BYTES;
    add_member(buf, "body", body);
}

static void add_commits(struct cf_buf *buf, json_t *commits)
{
    char *text = commits && json_array_size(commits) > 0 ? json_dumps(commits, JSON_COMPACT) : NULL;

    cf_buf_text(buf, ",\"commits\":");
    cf_buf_text(buf, text ? text : "[]");
    free(text);
}

void sb_history_add(struct sb_history *history, const struct sb_history_entry *entry)
{
    char at[CF_CLOCK_TEXT_SIZE];
    struct cf_str path = entry->path;
    const char *mark = path.n ? memchr(path.p, '?', path.n) : NULL;
    struct cf_buf buf;

    if (entry->secret && mark)
        path.n = (size_t)(mark - path.p);
    cf_clock_format(entry->wall_ms, at);
    begin(&buf, LINE_MAX_BYTES);
    cf_buf_printf(&buf,
                  ",\"request\":%llu,\"mono_ns\":%llu,\"answered_ns\":%llu,\"at\":\"%s\",\"class\":\"%s\"",
                  (unsigned long long)entry->request, (unsigned long long)entry->received_ns,
                  (unsigned long long)entry->answered_ns, at, entry->class_name);
    add_member(&buf, "method", cf_str_of(entry->method));
    add_member(&buf, "path", path);
    add_body(&buf, entry);
    cf_buf_printf(&buf, ",\"api_calls\":%lld", (long long)entry->api_calls);
    add_commits(&buf, entry->commits);
    if (entry->fault)
        cf_buf_printf(&buf, ",\"fault\":\"%s\"", entry->fault);
    if (entry->status != 0)
        cf_buf_printf(&buf, ",\"status\":%d", entry->status);
    else
        cf_buf_text(&buf, ",\"status\":null");
    cf_buf_printf(&buf, ",\"outcome\":\"%s\"}", entry->outcome);
    append(history, &buf);
}

void sb_history_undelivered(struct sb_history *history, uint64_t request)
{
    struct cf_buf buf;

    begin(&buf, 256);
    cf_buf_printf(&buf, ",\"request\":%llu,\"outcome\":\"undelivered\",\"mono_ns\":%llu}",
                  (unsigned long long)request, (unsigned long long)cf_clock_mono_ns());
    append(history, &buf);
}

/* seq numbers have no gap, so the place of one follows from the oldest's. */
static size_t place_behind(const struct sb_history *history, uint64_t since)
{
    uint64_t oldest = history->count > 0 ? history->ring[history->first].seq : 0;

    if (history->count == 0 || since < oldest)
        return 0;
    return since - oldest + 1 < history->count ? (size_t)(since - oldest + 1) : history->count;
}

void sb_history_read(struct sb_history *history, const struct sb_history_ask *ask,
                     struct sb_history_page *ret_page)
{
    struct sb_history_page page = {.last_seq = ask->since};
    struct cf_buf buf;
    size_t added = 0;

    cf_buf_init(&buf, TEXT_MAX_BYTES);
    cf_buf_text(&buf, ask->lines ? "" : "[");
    pthread_mutex_lock(&history->lock);
    page.newest = history->last_seq;
    page.forgotten = history->count > 0 ? history->ring[history->first].seq - 1 : 0;
    for (size_t i = place_behind(history, ask->since); i < history->count && added < ask->limit; i++) {
        const struct line *line = &history->ring[(history->first + i) % SB_HISTORY_RING_ENTRIES];

        if (ask->lines && added > 0 && buf.n + line->n > SB_HISTORY_PAGE_BYTES)
            break;
        if (added++ > 0 && !ask->lines)
            cf_buf_char(&buf, ',');
        cf_buf_add(&buf, line->text, line->n);
        cf_buf_text(&buf, ask->lines ? "\n" : "");
        page.last_seq = line->seq;
    }
    pthread_mutex_unlock(&history->lock);
    cf_buf_text(&buf, ask->lines ? "" : "]");
    cf_buf_char(&buf, '\0');
    page.text = buf.p;
    *ret_page = page;
}
