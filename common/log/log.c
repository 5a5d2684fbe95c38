/* SPDX-License-Identifier: Apache-2.0 */
#include "log/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "clock/clock.h"

#define MAX_MSG_BYTES 1024U
#define MAX_LINE_BYTES 8192U
#define KINDS 64U      /* slots of the rate limiter; two kinds may share one, then they share its budget */
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

static size_t digit_run(struct cf_str text, size_t at)
{
    size_t n = 0;

    while (at + n < text.n && text.p[at + n] >= '0' && text.p[at + n] <= '9')
        n++;
    return n;
}

static void add_escaped_char(struct cf_buf *buf, struct cf_str text, size_t *at)
{
    const unsigned char *p = (const unsigned char *)text.p + *at;
    size_t length = utf8_length(p, text.n - *at);

    if (length == 0 || breaks_lines(p, length)) {
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

/* A JSON string of `text`; with `mask`, digit runs that may be a phone number keep only their last two
 * digits. */
static void add_string(struct cf_buf *buf, struct cf_str text, bool mask)
{
    size_t at = 0, run;

    cf_buf_char(buf, '"');
    while (at < text.n) {
        run = mask ? digit_run(text, at) : 0;
        if (run >= 7) {
            cf_buf_text(buf, "***");
            cf_buf_add(buf, text.p + at + run - 2, 2);
            at += run;
        } else if (run > 0) {
            cf_buf_add(buf, text.p + at, run);
            at += run;
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
        add_string(buf, ctx->call_id, true);
    }
    if (ctx->event_id.n) {
        cf_buf_text(buf, ",\"event_id\":");
        add_string(buf, ctx->event_id, true);
    }
    if (ctx->topic)
        cf_buf_printf(buf, ",\"topic\":\"%s\",\"partition\":%d,\"offset\":%lld", ctx->topic, ctx->partition,
                      (long long)ctx->offset);
}

static void begin_line(struct cf_buf *buf, enum cf_log_level level, const char *module,
                       const struct cf_log_ctx *ctx, struct cf_str msg)
{
    char now[CF_CLOCK_TEXT_SIZE];

    if (msg.n > MAX_MSG_BYTES)
        msg.n = MAX_MSG_BYTES;
    cf_clock_format(cf_clock_wall_ms(), now);
    cf_buf_printf(buf, "{\"ts\":\"%s\",\"level\":\"%s\",\"worker\":\"%s\",\"module\":\"%s\",\"msg\":", now,
                  level_names[level], state.worker, module);
    add_string(buf, msg, true);
    if (ctx)
        add_context(buf, ctx);
}

void cf_log_format(struct cf_buf *buf, enum cf_log_level level, const char *module,
                   const struct cf_log_ctx *ctx, struct cf_str msg)
{
    begin_line(buf, level, module, ctx, msg);
    cf_buf_text(buf, "}\n");
}

/* Whether a line of this kind may be written now; `ret_suppressed` counts those dropped in the window before.
 */
static bool allowed(const char *fmt, uint32_t *ret_suppressed)
{
    struct kind *kind = &state.kinds[((uintptr_t)fmt >> 3) % KINDS];
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

static void write_line(struct cf_buf *buf, uint32_t suppressed)
{
    if (suppressed)
        cf_buf_printf(buf, ",\"suppressed\":%u", suppressed);
    cf_buf_text(buf, "}\n");
    if (!buf->full && write(STDERR_FILENO, buf->p, buf->n) < 0)
        return; /* nobody left to tell */
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
    add_string(&line, cf_str_of(err->text), true);
    write_line(&line, suppressed);
    cf_buf_done(&line);
}
