/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "store.h"

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

struct cf_str sb_decode(struct cf_arena *arena, struct cf_str text, bool plus_is_space)
{
    char *out = cf_arena_alloc(arena, text.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (c == '%') {
            int high = i + 2 < text.n ? hex(text.p[i + 1]) : -1;
            int low = i + 2 < text.n ? hex(text.p[i + 2]) : -1;

            /* A NUL would cut the text short for everyone behind us. */
            if (high < 0 || low < 0 || (high == 0 && low == 0))
                return (struct cf_str){NULL, 0};
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        out[n++] = c;
    }
    out[n] = '\0';
    return (struct cf_str){out, n};
}

int sb_pairs_parse(struct cf_arena *arena, struct cf_str text, struct sb_pairs *ret_pairs)
{
    struct sb_pairs pairs = {cf_arena_alloc(arena, SB_PAIRS_MAX * sizeof(struct sb_pair)), 0};

    while (text.n > 0 && pairs.count < SB_PAIRS_MAX) {
        const char *amp = memchr(text.p, '&', text.n);
        struct cf_str part = {text.p, amp ? (size_t)(amp - text.p) : text.n};
        const char *eq = part.n ? memchr(part.p, '=', part.n) : NULL;
        struct cf_str name = {part.p, eq ? (size_t)(eq - part.p) : part.n};
        struct cf_str value = {eq ? eq + 1 : part.p + part.n, 0};
        struct sb_pair *pair = &pairs.items[pairs.count];

        value.n = part.n - name.n - (eq ? 1 : 0);
        text = (struct cf_str){part.p + part.n + (amp ? 1 : 0), text.n - part.n - (amp ? 1 : 0)};
        if (part.n == 0)
            continue;
        pair->name = sb_decode(arena, name, true);
        pair->value = sb_decode(arena, value, true);
        if (!pair->name.p || !pair->value.p)
            return -1;
        pairs.count++;
    }
    *ret_pairs = pairs;
    return 0;
}

const char *sb_pairs_get(const struct sb_pairs *pairs, const char *name)
{
    for (size_t i = 0; i < pairs->count; i++) {
        if (cf_str_is(pairs->items[i].name, name))
            return pairs->items[i].value.p;
    }
    return NULL;
}

const char *sb_request_header(const struct sb_request *request, const char *name)
{
    return request->header ? request->header(request->header_arg, name) : NULL;
}

const char *sb_request_param(const struct sb_request *request, const char *name)
{
    return sb_pairs_get(&request->query, name);
}

static enum sb_method method_of(const char *name)
{
    static const struct {
        const char *name;
        enum sb_method method;
    } rows[] = {{"GET", SB_GET},     {"HEAD", SB_GET}, {"POST", SB_POST},
                {"PATCH", SB_PATCH}, {"PUT", SB_PUT},  {"DELETE", SB_DELETE}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].method;
    }
    return SB_OTHER;
}

/* Empty segments (double and trailing slashes) vanish, as clients write both "/query" and "/query/". */
static int split_path(struct sb_request *request)
{
    struct cf_str rest = request->path;

    while (rest.n > 0) {
        const char *slash = memchr(rest.p, '/', rest.n);
        struct cf_str part = {rest.p, slash ? (size_t)(slash - rest.p) : rest.n};

        rest = (struct cf_str){part.p + part.n + (slash ? 1 : 0), rest.n - part.n - (slash ? 1 : 0)};
        if (part.n == 0)
            continue;
        if (request->segment_count == SB_SEGMENTS_MAX)
            return -1;
        part = sb_decode(request->arena, part, false);
        if (!part.p)
            return -1;
        request->segments[request->segment_count++] = part;
    }
    return 0;
}

int sb_request_init(struct sb_request *request, struct cf_arena *arena, const char *method, struct cf_str uri)
{
    const char *mark = uri.n ? memchr(uri.p, '?', uri.n) : NULL;
    struct cf_str query = {NULL, 0};
    const char *override;

    *request = (struct sb_request){.arena = arena, .uri = uri, .path = uri};
    if (mark) {
        request->path.n = (size_t)(mark - uri.p);
        query = (struct cf_str){mark + 1, uri.n - request->path.n - 1};
    }
    request->method_name = cf_arena_cstr(arena, cf_str_of(method));
    request->method = method_of(method);
    if (split_path(request) || sb_pairs_parse(arena, query, &request->query))
        return -1;
    /* Salesforce's way for clients that have no PATCH. */
    override = sb_request_param(request, "_HttpMethod");
    if (override && request->method == SB_POST) {
        request->method_name = override;
        request->method = method_of(override);
    }
    return 0;
}

void sb_reply_done(struct sb_reply *reply)
{
    json_decref(reply->json);
    *reply = (struct sb_reply){0};
}

void sb_reply_json(struct sb_reply *reply, int status, json_t *json)
{
    json_decref(reply->json);
    reply->status = status;
    reply->json = json;
    reply->text = NULL;
}

void sb_reply_text(struct sb_reply *reply, int status, const char *content_type, const char *text)
{
    sb_reply_json(reply, status, NULL);
    reply->text = text;
    reply->content_type = content_type;
}

void sb_reply_error(struct sb_reply *reply, int status, const char *code, const char *fmt, ...)
{
    char message[512];
    va_list args;

    va_start(args, fmt);
    if (vsnprintf(message, sizeof(message), fmt, args) < 0)
        message[0] = '\0';
    va_end(args);
    sb_reply_json(reply, status,
                  json_pack("[{s:s%,s:s}]", "message", message, strlen(message), "errorCode", code));
    /* Bytes that are not UTF-8 came in with the request: then the text goes without them. */
    if (!reply->json)
        reply->json = json_pack("[{s:s,s:s}]", "message", "invalid request", "errorCode", code);
}

void sb_reply_oauth_error(struct sb_reply *reply, const char *error, const char *description)
{
    sb_reply_json(reply, 400, json_pack("{s:s,s:s}", "error", error, "error_description", description));
}

void sb_reply_fail(struct sb_reply *reply, struct sf_fail *fail)
{
    sb_reply_json(reply, fail->status, sf_fail_rest(fail));
    sf_fail_done(fail);
}

void sb_reply_header(struct sb_reply *reply, const char *name, const char *value)
{
    if (reply->header_count < SB_REPLY_HEADERS_MAX)
        reply->headers[reply->header_count++] = (struct sb_pair){cf_str_of(name), cf_str_of(value)};
}

json_t *sb_request_json(const struct sb_request *request, struct sb_reply *reply)
{
    const char *type = sb_request_header(request, "Content-Type");
    json_error_t error;
    json_t *json;

    if (request->json)
        return json_incref(request->json);
    if (type && strncasecmp(type, "application/json", 16) != 0) {
        sb_reply_error(reply, 415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type '%.100s' is not supported", type);
        return NULL;
    }
    json = json_loadb(request->body.n ? request->body.p : "", request->body.n, 0, &error);
    if (!json)
        sb_reply_error(reply, 400, "JSON_PARSER_ERROR", "%.200s at [line:%d, column:%d]", error.text,
                       error.line, error.column);
    return json;
}
