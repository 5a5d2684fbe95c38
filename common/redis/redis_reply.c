/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_reply - hiredis' reply reader with our own objects.
 *
 * The reader calls the functions below as it finds values; they build cf_reply values in an arena, an array's
 * elements in one piece. hiredis bounds the depth (8); the size is bounded here by bytes and by elements, so
 * that neither a huge bulk header nor "*1000000000" takes memory before its bytes are there.
 */
#include <stdlib.h>

#include "redis/redis_priv.h"

#define MIN_ELEMENT_BYTES 4 /* ":0\r\n" */
#define KEEP_BUF_BYTES 65536
#define MAX_LINE_BYTES 65536 /* status, error, and other values that are one line */
#define MAX_LENGTH_BYTES 32  /* the line with a bulk's length */

/* Where the value of `task` goes: into its array, or a new one at the top. */
static struct cf_reply *place(const redisReadTask *task, enum cf_reply_type type)
{
    const struct redis_parser *parser = task->privdata;
    struct cf_reply *reply;

    if (task->parent) {
        const struct cf_reply *parent = task->parent->obj;
        union { /* const is for the reader of a reply; here it is being built */
            const struct cf_reply *given;
            struct cf_reply *built;
        } elements = {parent->elements};

        reply = &elements.built[task->idx];
    } else {
        reply = cf_arena_zalloc(parser->arena, sizeof(*reply));
    }
    reply->type = type;
    return reply;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): hiredis' type */
static void *make_string(const redisReadTask *task, char *text, size_t n)
{
    const struct redis_parser *parser = task->privdata;
    struct cf_reply *reply;

    reply = place(task, task->type == REDIS_REPLY_STRING   ? CF_REPLY_STRING
                        : task->type == REDIS_REPLY_STATUS ? CF_REPLY_STATUS
                                                           : CF_REPLY_ERROR);
    reply->str = cf_arena_str(parser->arena, (struct cf_str){text, n});
    return reply;
}

static void *make_array(const redisReadTask *task, int elements)
{
    struct redis_parser *parser = task->privdata;
    size_t n = elements > 0 ? (size_t)elements : 0;
    struct cf_reply *reply;

    if (n > parser->max_reply_bytes / MIN_ELEMENT_BYTES - parser->elements)
        return NULL;
    parser->elements += n;
    reply = place(task, CF_REPLY_ARRAY);
    reply->n = n;
    reply->elements = cf_arena_zalloc(parser->arena, n * sizeof(struct cf_reply));
    return reply;
}

static void *make_integer(const redisReadTask *task, long long value)
{
    struct cf_reply *reply = place(task, CF_REPLY_INTEGER);

    reply->integer = value;
    return reply;
}

static void *make_nil(const redisReadTask *task)
{
    return place(task, CF_REPLY_NIL);
}

static void drop(void *object)
{
    (void)object; /* lives in the arena */
}

static redisReplyObjectFunctions functions = {make_string, make_array, make_integer, make_nil, drop};

static void open_reader(struct redis_parser *parser)
{
    parser->reader = redisReaderCreateWithFunctions(&functions);
    if (!parser->reader)
        abort(); /* out of memory */
    parser->reader->privdata = parser;
    parser->reader->maxbuf = KEEP_BUF_BYTES;
}

void cf_redis_parser_init(struct redis_parser *parser, size_t max_reply_bytes)
{
    /* The text twice over (an arena's block may be half empty), and every element its value. */
    size_t limit =
        2 * max_reply_bytes + max_reply_bytes / MIN_ELEMENT_BYTES * (2 * sizeof(struct cf_reply) + 32);

    *parser = (struct redis_parser){.max_reply_bytes = max_reply_bytes};
    parser->arena = cf_arena_new(limit + 1024UL * 1024);
    open_reader(parser);
}

void cf_redis_parser_done(struct redis_parser *parser)
{
    redisReaderFree(parser->reader);
    cf_arena_free(parser->arena);
}

void cf_redis_parser_reset(struct redis_parser *parser)
{
    redisReaderFree(parser->reader);
    cf_arena_clear(parser->arena);
    parser->fed = parser->elements = 0;
    open_reader(parser);
}

int cf_redis_parser_feed(struct redis_parser *parser, const char *data, size_t n, struct cf_err *err)
{
    parser->fed += n;
    if (redisReaderFeed(parser->reader, data, n) != REDIS_OK)
        return cf_err_set(err, CF_ERR_TRANSIENT, "redis", 0, "reply: %s", parser->reader->errstr);
    return 0;
}

/* hiredis looks for the end of a line from its start at each feed: an endless line would eat the processor
 * long before it eats max_reply_bytes. A bulk's text is no line; only its length is. */
static bool line_too_long(const redisReader *reader)
{
    size_t rest = reader->len - reader->pos, limit = MAX_LINE_BYTES;

    if (reader->ridx >= 0 && reader->rstack[reader->ridx].type == REDIS_REPLY_STRING)
        limit = MAX_LENGTH_BYTES;
    return rest > limit && !memmem(reader->buf + reader->pos, limit, "\r\n", 2);
}

int cf_redis_parser_next(struct redis_parser *parser, const struct cf_reply **ret_reply, struct cf_err *err)
{
    void *reply = NULL;
    size_t rest, size;

    if (!parser->reader->reply) { /* none half read: the last one has been used */
        cf_arena_clear(parser->arena);
        parser->elements = 0;
    }
    if (redisReaderGetReply(parser->reader, &reply) != REDIS_OK) {
        if (parser->reader->err == REDIS_ERR_OOM)
            return cf_err_set(err, CF_ERR_TRANSIENT, "redis", 0,
                              "a reply has more elements than fit %zu bytes", parser->max_reply_bytes);
        return cf_err_set(err, CF_ERR_TRANSIENT, "redis", 0, "what came is not the Redis protocol");
    }
    rest = reply ? parser->reader->len - parser->reader->pos : 0;
    size = parser->fed - rest;
    if (size > parser->max_reply_bytes)
        return cf_err_set(err, CF_ERR_TRANSIENT, "redis", 0, "a reply passed %zu bytes",
                          parser->max_reply_bytes);
    if (!reply && line_too_long(parser->reader))
        return cf_err_set(err, CF_ERR_TRANSIENT, "redis", 0, "what came is not the Redis protocol");
    if (!reply)
        return 0;
    parser->fed = rest;
    *ret_reply = reply;
    return 1;
}

/* ---- error replies ---- */

static const struct {
    const char *word;
    enum cf_err_kind kind;
} words[] = {
    {"NOSCRIPT", CF_ERR_TRANSIENT},   {"LOADING", CF_ERR_TRANSIENT},     {"READONLY", CF_ERR_TRANSIENT},
    {"OOM", CF_ERR_TRANSIENT},        {"CLUSTERDOWN", CF_ERR_TRANSIENT}, {"MASTERDOWN", CF_ERR_TRANSIENT},
    {"TRYAGAIN", CF_ERR_TRANSIENT},   {"BUSY", CF_ERR_TRANSIENT},        {"MISCONF", CF_ERR_TRANSIENT},
    {"NOREPLICAS", CF_ERR_TRANSIENT}, {"UNKILLABLE", CF_ERR_TRANSIENT},  {"WRONGPASS", CF_ERR_CONFIG},
    {"NOAUTH", CF_ERR_CONFIG},        {"NOPERM", CF_ERR_CONFIG},         {"MOVED", CF_ERR_CONFIG},
    {"ASK", CF_ERR_CONFIG}, /* a cluster: this client speaks to one server */
};

/* "NOSCRIPT" of "NOSCRIPT No matching script..."; "ERR" when there is no such word. */
static struct cf_str error_word(const struct cf_reply *reply)
{
    struct cf_str text = reply->str;
    size_t n = 0;

    while (n < text.n && n < 24 && ((text.p[n] >= 'A' && text.p[n] <= 'Z') || text.p[n] == '_'))
        n++;
    return n > 0 && (n == text.n || text.p[n] == ' ') ? (struct cf_str){text.p, n} : CF_STR("ERR");
}

bool cf_redis_error_is(const struct cf_reply *reply, const char *word)
{
    return reply->type == CF_REPLY_ERROR && cf_str_is(error_word(reply), word);
}

void cf_redis_error_of(const struct cf_reply *reply, const char *command, struct cf_err *ret_err)
{
    struct cf_str word = error_word(reply);
    enum cf_err_kind kind = CF_ERR_REJECTED;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (cf_str_is(word, words[i].word))
            kind = words[i].kind;
    }
    (void)cf_err_set(ret_err, kind, "redis", 0, "%.*s in answer to %s", CF_STR_FMT(word), command);
}
