/* SPDX-License-Identifier: Apache-2.0 */
#include "raw.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "clock/clock.h"

#define PIECE_MAX ((size_t)16 << 10)
#define LIFE_NS 600000000000ULL /* no answer drips longer */
#define RETRY_NS 1000000ULL     /* the socket is full */
#define TEXT_MAX_BYTES ((size_t)64 << 20)

static const char header_line[] = "X-Sandbox-Padding: 0123456789abcdef0123456789abcdef\r\n";

struct raw {
    struct sb_exchange *exchange;
    int fd;
    bool endless;
    struct cf_buf text;
    size_t pos, piece;
    uint64_t pause_ns, until_ns;
};

static void step(void *arg);

static void finish(struct raw *raw)
{
    struct sb_exchange *exchange = raw->exchange;

    cf_buf_done(&raw->text);
    free(raw);
    sb_server_resume(exchange);
}

/* What comes next: the text, and behind it header lines for ever. */
static size_t fill(const struct raw *raw, char *out)
{
    size_t n = 0;

    for (; n < raw->piece && (raw->endless || raw->pos + n < raw->text.n); n++) {
        size_t at = raw->pos + n;
        const char *from = raw->text.p + at;

        if (at >= raw->text.n)
            from = header_line + (at - raw->text.n) % (sizeof(header_line) - 1);
        out[n] = *from;
    }
    return n;
}

static void step(void *arg)
{
    struct raw *raw = arg;
    char piece[PIECE_MAX];
    size_t n = fill(raw, piece);
    ssize_t sent = n > 0 ? send(raw->fd, piece, n, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
    uint64_t now = cf_clock_mono_ns();

    if (n == 0 || (sent < 0 && errno != EAGAIN && errno != EINTR) || now > raw->until_ns ||
        sb_server_stopping(raw->exchange->server)) {
        finish(raw);
        return;
    }
    raw->pos += sent > 0 ? (size_t)sent : 0;
    sb_timers_add(raw->exchange->context.sandbox->timers, now + (sent > 0 ? raw->pause_ns : RETRY_NS), step,
                  raw);
}

static struct raw *begin(struct sb_exchange *exchange)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct raw *raw = cf_calloc(1, sizeof(*raw));

    raw->exchange = exchange;
    raw->fd = info ? info->connect_fd : -1;
    raw->until_ns = cf_clock_mono_ns() + LIFE_NS;
    cf_buf_init(&raw->text, TEXT_MAX_BYTES);
    return raw;
}

static void start(struct raw *raw)
{
    raw->exchange->raw_sent = true;
    sb_server_suspend(raw->exchange);
    sb_timers_add(raw->exchange->context.sandbox->timers, 0, step, raw);
}

void sb_raw_endless_headers(struct sb_exchange *exchange)
{
    const struct sb_fault_hit *hit = &exchange->context.fate.end;
    struct raw *raw = begin(exchange);

    raw->endless = true;
    raw->piece = hit->bytes < PIECE_MAX ? (size_t)hit->bytes : PIECE_MAX;
    raw->pause_ns = hit->delay_ms * 1000000U;
    cf_buf_text(&raw->text, "HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=UTF-8\r\n");
    start(raw);
}

void sb_raw_doubled(struct sb_exchange *exchange, char *body, size_t size)
{
    struct raw *raw = begin(exchange);

    raw->piece = PIECE_MAX;
    for (unsigned i = 0; i < 2; i++) {
        cf_buf_printf(&raw->text,
                      "HTTP/1.1 %d Answer\r\nContent-Type: application/json;charset=UTF-8\r\n"
                      "Content-Length: %zu\r\n\r\n",
                      exchange->reply.status, size);
        cf_buf_add(&raw->text, body ? body : "", size);
    }
    free(body);
    start(raw);
}
