/* SPDX-License-Identifier: Apache-2.0 */
#include "log/log.h"

#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "clock/clock.h"

#define MAX_MSG_BYTES 1024U
/* A pipe that has room at all takes this much at once, so a write after a poll does not block. */
#define MAX_LINE_BYTES ((size_t)PIPE_BUF)
#define MAX_FIELD_BYTES 512U /* of an escaped id, topic or error text: all fields together fit a line */
#define MIN_PLAIN_DIGITS 7U  /* of a telephone number written without a break */
#define MIN_SPLIT_DIGITS 9U  /* of one written in groups; dates and small figures have fewer */
#define KINDS 64U      /* slots of the rate limiter; beyond so many, two kinds share one and its budget */
#define KIND_BURST 10U /* lines per kind and window */
#define WINDOW_MS 10000U

struct kind {
    const char *fmt;
    uint64_t window_start_ms;
    uint32_t written, suppressed;
};

/* Process-wide by nature: one stderr. Touched from the loop thread; the helper thread logs through the loop.
 */
static struct {
    const char *worker;
    enum cf_log_level lowest;
    struct kind kinds[KINDS];
    uint32_t dropped; /* lines since the last that went out */
    bool torn;        /* the last one went out in part */
} state = {.worker = "-", .lowest = CF_LOG_INFO};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void cf_log_setup(const char *worker, enum cf_log_level lowest)
{
    state.worker = worker;
    state.lowest = lowest;
}

bool cf_log_level_of(struct cf_str name, enum cf_log_level *ret_level)
{
    for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (cf_str_is(name, level_names[i])) {
            *ret_level = (enum cf_log_level)i;
            return true;
        }
    }
    return false;
}

/* Length of the valid UTF-8 sequence at `p`, 0 when it is none (RFC 3629: no surrogates, no overlong forms).
 */
static size_t utf8_length(const unsigned char *p, size_t n)
{
    size_t want = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : 4;

    if (p[0] >= 0xf5 || (p[0] >= 0x80 && p[0] < 0xc2) || want > n)
        return 0;
    for (size_t i = 1; i < want; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
        (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return want;
}

/* C1 controls and the two Unicode line separators end lines in some viewers. */
static bool breaks_lines(const unsigned char *p, size_t length)
{
    return (length == 2 && p[0] == 0xc2 && p[1] < 0xa0) ||
           (length == 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9));
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The digits from `at` on, without a break. */
static size_t plain_run(struct cf_str text, size_t at)
{
    size_t n = 0;

    while (at + n < text.n && is_digit(text.p[at + n]))
        n++;
    return n;
}

/* Groups of digits with at most two of " -./()" between them, as telephone numbers are written. */
static size_t split_run(struct cf_str text, size_t at, size_t *ret_digits)
{
    size_t end = at, next = at;

    *ret_digits = 0;
    while (next < text.n && next - end <= 2) {
        size_t n = plain_run(text, next);

        if (n > 0) {
            *ret_digits += n;
            next = end = next + n;
        } else if (strchr(" -./()", text.p[next]) && text.p[next]) {
            next++;
        } else {
            break;
        }
    }
    return end - at;
}

/* The length of an IPv4 address or a date (2026-11-22) that begins at `at`: what looks like a number and is
 * none. */
static size_t harmless_run(struct cf_str text, size_t at)
{
    size_t end = at, n, group;

    if (plain_run(text, at) == 4) {
        bool date = text.n - at >= 10 && text.p[at + 4] == '-' && plain_run(text, at + 5) == 2 &&
                    text.p[at + 7] == '-' && plain_run(text, at + 8) == 2;

        return date ? 10 : 0;
    }
    for (group = 0; group < 4; group++) {
        n = plain_run(text, end);
        if (n < 1 || n > 3)
            return 0;
        end += n;
        if (group < 3 && (end == text.n || text.p[end++] != '.'))
            return 0;
    }
    return end < text.n && text.p[end] == '.' ? 0 : end - at;
}

/* How many bytes from `at` on may be a telephone number; 0: none. */
static size_t phone_run(struct cf_str text, size_t at)
{
    size_t plain = plain_run(text, at), digits, n;

    if (plain == 0)
        return 0;
    n = split_run(text, at, &digits);
    if (digits >= MIN_SPLIT_DIGITS)
        return n;
    return plain >= MIN_PLAIN_DIGITS ? plain : 0;
}

static void add_escaped_char(struct cf_buf *buf, struct cf_str text, size_t *at)
{
    const unsigned char *p = (const unsigned char *)text.p + *at;
    size_t length = utf8_length(p, text.n - *at);

    if (length == 0 || p[0] == '\0' || breaks_lines(p, length)) { /* \u0000 is more than many readers take */
        cf_buf_text(buf, "\\ufffd");
        *at += length ? length : 1;
        return;
    }
    if (p[0] == '"' || p[0] == '\\') {
        cf_buf_char(buf, '\\');
        cf_buf_char(buf, (char)p[0]);
    } else if (p[0] < 0x20 || p[0] == 0x7f) {
        cf_buf_printf(buf, "\\u%04x", p[0]);
    } else {
        cf_buf_add(buf, p, length);
    }
    *at += length;
}

/* A JSON string of `text`, cut before it is longer than `limit`. What may be a phone number keeps only its
 * last two digits. */
static void add_string(struct cf_buf *buf, struct cf_str text, size_t limit)
{
    size_t at = 0, start = buf->n;

    cf_buf_char(buf, '"');
    while (at < text.n && buf->n - start < limit - 24) { /* 24: the longest piece and the closing quote */
        /* A figure that is no telephone number goes out whole, or its end would be taken for the start of
         * one. */
        size_t whole = harmless_run(text, at), phone = whole ? 0 : phone_run(text, at);

        if (phone > 0) {
            cf_buf_text(buf, "***");
            cf_buf_add(buf, text.p + at + phone - 2, 2);
            at += phone;
        } else if (whole > 0 || is_digit(text.p[at])) {
            whole = whole ? whole : plain_run(text, at);
            cf_buf_add(buf, text.p + at, whole);
            at += whole;
        } else {
            add_escaped_char(buf, text, &at);
        }
    }
    cf_buf_char(buf, '"');
}

static void add_context(struct cf_buf *buf, const struct cf_log_ctx *ctx)
{
    if (ctx->call_id.n) {
        cf_buf_text(buf, ",\"call_id\":");
        add_string(buf, ctx->call_id, MAX_FIELD_BYTES);
    }
    if (ctx->event_id.n) {
        cf_buf_text(buf, ",\"event_id\":");
        add_string(buf, ctx->event_id, MAX_FIELD_BYTES);
    }
    if (ctx->topic) {
        cf_buf_text(buf, ",\"topic\":");
        add_string(buf, cf_str_of(ctx->topic), MAX_FIELD_BYTES);
        cf_buf_printf(buf, ",\"partition\":%d,\"offset\":%lld", ctx->partition, (long long)ctx->offset);
    }
}

static void begin_line(struct cf_buf *buf, enum cf_log_level level, const char *module,
                       const struct cf_log_ctx *ctx, struct cf_str msg)
{
    char now[CF_CLOCK_TEXT_SIZE];

    cf_clock_format(cf_clock_wall_ms(), now);
    cf_buf_printf(buf, "{\"ts\":\"%s\",\"level\":\"%s\",\"worker\":\"%s\",\"module\":\"%s\",\"msg\":", now,
                  level_names[level], state.worker, module);
    add_string(buf, msg, MAX_MSG_BYTES);
    if (ctx)
        add_context(buf, ctx);
}

void cf_log_format(struct cf_buf *buf, enum cf_log_level level, const char *module,
                   const struct cf_log_ctx *ctx, struct cf_str msg)
{
    begin_line(buf, level, module, ctx, msg);
    cf_buf_text(buf, "}\n");
}

static struct kind *kind_of(const char *fmt)
{
    size_t home = ((uintptr_t)fmt >> 3) % KINDS;

    for (size_t i = 0; i < KINDS; i++) {
        struct kind *kind = &state.kinds[(home + i) % KINDS];

        if (!kind->fmt || kind->fmt == fmt)
            return kind;
    }
    return &state.kinds[home];
}

/* Whether a line of this kind may be written now; `ret_suppressed` counts those dropped in the window before.
 */
static bool allowed(const char *fmt, uint32_t *ret_suppressed)
{
    struct kind *kind = kind_of(fmt);
    uint64_t now = cf_clock_mono_ms();

    *ret_suppressed = 0;
    if (kind->fmt == NULL || now - kind->window_start_ms >= WINDOW_MS) {
        *ret_suppressed = kind->suppressed;
        *kind = (struct kind){.fmt = fmt, .window_start_ms = now};
    }
    if (kind->written >= KIND_BURST) {
        kind->suppressed++;
        return false;
    }
    kind->written++;
    return true;
}

/* Whether stderr takes a line now. The descriptor stays blocking: it may be a terminal that others share. */
static bool has_room(void)
{
    struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};

    return poll(&fd, 1, 0) == 1 && (fd.revents & POLLOUT) != 0;
}

static void write_line(struct cf_buf *buf, uint32_t suppressed)
{
    ssize_t n;

    if (suppressed)
        cf_buf_printf(buf, ",\"suppressed\":%u", suppressed);
    if (state.dropped)
        cf_buf_printf(buf, ",\"dropped\":%u", state.dropped);
    cf_buf_text(buf, "}\n");
    if (buf->full || !has_room() || (state.torn && write(STDERR_FILENO, "\n", 1) != 1)) {
        state.dropped++;
        return;
    }
    n = write(STDERR_FILENO, buf->p, buf->n);
    state.torn = n > 0 && (size_t)n < buf->n;
    state.dropped = n == (ssize_t)buf->n ? 0 : state.dropped + 1;
}

void cf_log_write(enum cf_log_level level, const char *module, const struct cf_log_ctx *ctx, const char *fmt,
                  ...)
{
    char msg[MAX_MSG_BYTES];
    struct cf_buf line;
    uint32_t suppressed;
    va_list ap;

    if (level < state.lowest || !allowed(fmt, &suppressed))
        return;
    va_start(ap, fmt);
    (void)vsnprintf(msg, sizeof(msg), fmt, ap);
    va_end(ap);
    cf_buf_init(&line, MAX_LINE_BYTES);
    begin_line(&line, level, module, ctx, cf_str_of(msg));
    write_line(&line, suppressed);
    cf_buf_done(&line);
}

void cf_log_err(enum cf_log_level level, const char *module, const struct cf_log_ctx *ctx, const char *what,
                const struct cf_err *err)
{
    struct cf_buf line;
    uint32_t suppressed;

    if (level < state.lowest || !allowed(what, &suppressed))
        return;
    cf_buf_init(&line, MAX_LINE_BYTES);
    begin_line(&line, level, module, ctx, cf_str_of(what));
    cf_buf_printf(&line, ",\"error_kind\":\"%s\",\"error_from\":\"%s\",\"error_code\":%d,\"error\":",
                  cf_err_kind_name(err->kind), err->from ? err->from : "-", err->code);
    add_string(&line, cf_str_of(err->text), MAX_FIELD_BYTES);
    write_line(&line, suppressed);
    cf_buf_done(&line);
}
