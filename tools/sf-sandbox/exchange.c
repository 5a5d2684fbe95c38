/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "clock/clock.h"
#include "gzip.h"
#include "raw.h"
#include "router.h"

#define BLOCK_BYTES 32768U
#define DEPTH_MAX 10000000U
#define GZIP_MIN_BYTES 1024U /* smaller answers are not worth it */

/* An answer that is given out piece by piece; it outlives the reply's JSON. */
struct stream {
    struct sb_exchange *exchange;
    enum sb_fault_kind kind;
    char *text;
    size_t n;
    uint64_t piece_bytes, pause_ns;
};

static void stream_free(void *arg)
{
    struct stream *stream = arg;

    free(stream->text);
    free(stream);
}

static ssize_t read_slow(struct stream *stream, uint64_t pos, char *buf, size_t max)
{
    size_t left = stream->n - (size_t)pos, size = left < max ? left : max;

    if (left == 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (!stream->exchange->rested) {
        stream->exchange->rested = true;
        sb_server_park(stream->exchange, cf_clock_mono_ns() + stream->pause_ns);
        return 0;
    }
    stream->exchange->rested = false;
    if (size > stream->piece_bytes)
        size = (size_t)stream->piece_bytes;
    memcpy(buf, stream->text + pos, size);
    return (ssize_t)size;
}

static ssize_t read_half(const struct stream *stream, uint64_t pos, char *buf, size_t max)
{
    size_t left = stream->n / 2 - (size_t)pos, size = left < max ? left : max;

    if (left == 0)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    memcpy(buf, stream->text + pos, size);
    return (ssize_t)size;
}

static ssize_t read_huge(const struct stream *stream, uint64_t pos, char *buf, size_t max)
{
    uint64_t left = stream->piece_bytes - pos, size = left < max ? left : max;

    if (left == 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    memset(buf, ' ', (size_t)size);
    return (ssize_t)size;
}

static ssize_t on_read(void *arg, uint64_t pos, char *buf, size_t max)
{
    struct stream *stream = arg;

    if (stream->kind == SB_FAULT_SLOW_BODY)
        return read_slow(stream, pos, buf, max);
    if (stream->kind == SB_FAULT_HALF)
        return read_half(stream, pos, buf, max);
    return read_huge(stream, pos, buf, max);
}

/* The body as malloc'ed text; NULL when there is none. */
static char *body_text(const struct sb_reply *reply, size_t *ret_size)
{
    char *text = NULL;

    if (reply->json)
        text = json_dumps(reply->json, JSON_COMPACT);
    else if (reply->text)
        text = cf_strdup(reply->text);
    *ret_size = text ? strlen(text) : 0;
    return text;
}

static struct MHD_Response *stream_response(struct sb_exchange *exchange, char *text, size_t n)
{
    const struct sb_fault_hit *hit = &exchange->context.fate.end;
    struct stream *stream = cf_calloc(1, sizeof(*stream));
    uint64_t size = hit->kind == SB_FAULT_HUGE_BODY ? MHD_SIZE_UNKNOWN : n;

    *stream = (struct stream){exchange, hit->kind, NULL, n, hit->bytes, hit->delay_ms * 1000000U};
    stream->text = text;
    return MHD_create_response_from_callback(size, BLOCK_BYTES, on_read, stream, stream_free);
}

static bool is_streamed(enum sb_fault_kind kind, size_t n)
{
    return kind == SB_FAULT_HUGE_BODY || ((kind == SB_FAULT_SLOW_BODY || kind == SB_FAULT_HALF) && n > 0);
}

static void add_headers(struct MHD_Response *response, const struct sb_reply *reply, bool body)
{
    if (body)
        (void)MHD_add_response_header(response, "Content-Type",
                                      !reply->content_type ? "application/json;charset=UTF-8"
                                                           : reply->content_type);
    (void)MHD_add_response_header(response, "Cache-Control",
                                  "no-cache,must-revalidate,max-age=0,no-store,private");
    (void)MHD_add_response_header(response, "Vary", "Accept-Encoding");
    for (size_t i = 0; i < reply->header_count; i++)
        (void)MHD_add_response_header(response, reply->headers[i].name.p, reply->headers[i].value.p);
}

/* As UTF-16 of text that is plain ASCII, for the most part. */
static char *widen(char *text, size_t *n)
{
    char *wide = cf_calloc(1, *n * 2 + 1);

    for (size_t i = 0; i < *n; i++) {
        wide[2 * i] = text[i];
        wide[2 * i + 1] = '\0';
    }
    free(text);
    *n *= 2;
    return wide;
}

static char *nested(uint64_t depth, size_t *ret_size)
{
    char *text;

    depth = depth > DEPTH_MAX ? DEPTH_MAX : depth;
    text = cf_calloc(1, (size_t)depth * 2);
    memset(text, '[', (size_t)depth);
    memset(text + depth, ']', (size_t)depth);
    *ret_size = (size_t)depth * 2;
    return text;
}

/* The body as some faults want it. */
static char *spoil_body(struct sb_exchange *exchange, char *text, size_t *n)
{
    const struct sb_fault_hit *hit = &exchange->context.fate.end;

    if (hit->kind == SB_FAULT_WRONG_CHARSET && *n > 0)
        return widen(text, n);
    if (hit->kind == SB_FAULT_DEEP_JSON || hit->kind == SB_FAULT_GZIP_BOMB) {
        free(text);
        return hit->kind == SB_FAULT_DEEP_JSON ? nested(hit->bytes, n) : sb_gzip_bomb(hit->bytes, n);
    }
    return text;
}

static bool wants_gzip(const struct sb_exchange *exchange)
{
    const char *accepted =
        MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, "Accept-Encoding");

    return accepted && strcasestr(accepted, "gzip") && !strcasestr(accepted, "gzip;q=0,") &&
           exchange->context.fate.end.kind == SB_FAULT_NONE;
}

static char *pack(struct sb_exchange *exchange, char *text, size_t *n)
{
    char *packed;

    if (*n < GZIP_MIN_BYTES || !wants_gzip(exchange))
        return text;
    packed = sb_gzip((struct cf_str){text, *n}, n);
    free(text);
    sb_reply_header(&exchange->reply, "Content-Encoding", "gzip");
    return packed;
}

static bool send_reply(struct sb_exchange *exchange)
{
    struct sb_reply *reply = &exchange->reply;
    size_t n;
    char *text = pack(exchange, spoil_body(exchange, body_text(reply, &n), &n), &n);
    bool streamed = is_streamed(exchange->context.fate.end.kind, n);
    struct MHD_Response *response;
    enum MHD_Result queued;

    if (exchange->context.fate.end.kind == SB_FAULT_DOUBLED) {
        sb_raw_doubled(exchange, text, n);
        return true;
    }

    if (streamed)
        response = stream_response(exchange, text, n);
    else
        response = MHD_create_response_from_buffer(n, text, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(text);
        return false;
    }
    add_headers(response, reply, streamed || n > 0);
    queued = MHD_queue_response(exchange->connection, (unsigned)reply->status, response);
    MHD_destroy_response(response);
    return queued == MHD_YES;
}

static void record(struct sb_exchange *exchange)
{
    const struct sb_context *context = &exchange->context;
    enum sb_fault_kind kind = context->fate.end.kind;
    enum sb_class class = context->route ? context->route->class : SB_CLASS_unknown;
    struct sb_history_entry entry = {.request = context->request_no,
                                     .received_ns = context->received_ns,
                                     .answered_ns = cf_clock_mono_ns(),
                                     .wall_ms = context->wall_ms,
                                     .method = exchange->request.method_name,
                                     .class_name = sb_class_name(class),
                                     .outcome = "answered",
                                     .path = exchange->uri,
                                     .body = exchange->request.body,
                                     .api_calls = context->api_calls,
                                     .commits = context->commits,
                                     .status = exchange->reply.status};

    if (class == SB_CLASS_admin)
        return;
    entry.secret = class == SB_CLASS_oauth || class == SB_CLASS_identity || class == SB_CLASS_soap;
    if (kind != SB_FAULT_NONE)
        entry.fault = sb_fault_name(kind);
    else if (context->fate.delay_before_ms + context->fate.delay_after_ms > 0)
        entry.fault = context->fate.delay_before_ms > 0 ? "delay-before" : "delay";
    if (exchange->cut)
        entry.outcome = kind == SB_FAULT_HALF ? "half" : "cut";
    if (exchange->cut && kind != SB_FAULT_HALF)
        entry.status = 0;
    sb_history_add(context->sandbox->history, &entry);
    exchange->recorded = true;
}

bool sb_exchange_answer(struct sb_exchange *exchange)
{
    enum sb_fault_kind kind = exchange->context.fate.end.kind;

    if (exchange->raw_sent)
        return false;
    if (exchange->reply.status == 0)
        sb_reply_error(&exchange->reply, 500, "UNKNOWN_EXCEPTION", "the sandbox has no answer");
    exchange->cut = kind == SB_FAULT_CUT_BEFORE || kind == SB_FAULT_CUT_AFTER || kind == SB_FAULT_HALF ||
                    kind == SB_FAULT_ENDLESS_HEADERS;
    record(exchange);
    if (kind == SB_FAULT_CUT_BEFORE || kind == SB_FAULT_CUT_AFTER)
        return false;
    if (kind == SB_FAULT_ENDLESS_HEADERS) {
        sb_raw_endless_headers(exchange);
        return true;
    }
    return send_reply(exchange);
}

void sb_exchange_abandoned(struct sb_exchange *exchange)
{
    struct sb_context *context = &exchange->context;

    if (exchange->stage == SB_STAGE_BEFORE) {
        exchange->stage = SB_STAGE_AFTER;
        context->now_ns = context->ready_ns = cf_clock_mono_ns();
        sb_router_run(context, &exchange->request, &exchange->reply);
    }
    record(exchange);
}
