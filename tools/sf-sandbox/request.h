/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request - one HTTP request taken apart, and the reply that is put together for it.
 *
 * Vocabulary: a *segment* is one decoded piece of the path; *args* are the segments that a route captured;
 * the two error *dialects* are an array of {message, errorCode} (REST) and an object {error,
 * error_description} (OAuth). All text of a request lives in its arena and is NUL-terminated.
 */
#ifndef SB_REQUEST_H
#define SB_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "arena/arena.h"
#include "err/err.h"
#include "str/str.h"

#define SB_SEGMENTS_MAX 12
#define SB_PAIRS_MAX 64
#define SB_ARGS_MAX 4
#define SB_REPLY_HEADERS_MAX 8

struct sf_fail;

enum sb_method {
    SB_GET = 1,
    SB_POST = 2,
    SB_PATCH = 4,
    SB_PUT = 8,
    SB_DELETE = 16,
    SB_OTHER = 32, /* never routed: 405 */
};

struct sb_pair {
    struct cf_str name, value;
};
struct sb_pairs {
    struct sb_pair *items;
    size_t count;
};

/* Looks a header up without case; NULL when absent. */
typedef const char *sb_header_fn(const void *arg, const char *name);

struct sb_request {
    struct cf_arena *arena;
    enum sb_method method; /* HEAD is read as GET: the server drops the body */
    const char *method_name;
    struct cf_str uri;  /* as received */
    struct cf_str path; /* the part before '?', still encoded */
    struct cf_str segments[SB_SEGMENTS_MAX];
    size_t segment_count;
    struct sb_pairs query;
    struct cf_str body;
    json_t *json; /* borrowed; set for a subrequest, whose body is JSON already */
    sb_header_fn *header;
    const void *header_arg;
    /* Filled in by the router. */
    const char *args[SB_ARGS_MAX];
    size_t arg_count;
    char version[8]; /* "v60.0", "" outside /services/data */
};

/** Takes method and URI apart. -1 when the encoding is broken or the path has too many segments. */
CF_CHECKED int sb_request_init(struct sb_request *request, struct cf_arena *arena, const char *method,
                               struct cf_str uri);
/** Percent-decodes; `plus_is_space` for queries and forms. NUL-terminated in the arena; NULL p on bad input.
 */
struct cf_str sb_decode(struct cf_arena *arena, struct cf_str text, bool plus_is_space);
/** "a=b&c=d" decoded; -1 on bad encoding. More than SB_PAIRS_MAX pairs are dropped. */
CF_CHECKED int sb_pairs_parse(struct cf_arena *arena, struct cf_str text, struct sb_pairs *ret_pairs);
/** The value, NULL when absent. */
const char *sb_pairs_get(const struct sb_pairs *pairs, const char *name);
const char *sb_request_header(const struct sb_request *request, const char *name);
const char *sb_request_param(const struct sb_request *request, const char *name);

struct sb_reply {
    int status;
    json_t *json;                                 /* owned */
    const char *text;                             /* used when json is NULL; arena or static */
    const char *content_type;                     /* of text */
    struct sb_pair headers[SB_REPLY_HEADERS_MAX]; /* NUL-terminated arena or static text */
    size_t header_count;
};

/** Frees the JSON; the reply is empty and usable again. */
void sb_reply_done(struct sb_reply *reply);
/** Takes `json` over; NULL: no body. */
void sb_reply_json(struct sb_reply *reply, int status, json_t *json);
void sb_reply_text(struct sb_reply *reply, int status, const char *content_type, const char *text);
/** REST dialect. */
void sb_reply_error(struct sb_reply *reply, int status, const char *code, const char *fmt, ...)
    CF_PRINTF(4, 5);
/** OAuth dialect, HTTP 400. */
void sb_reply_oauth_error(struct sb_reply *reply, const char *error, const char *description);
/** REST dialect of a store failure; frees what `fail` owns. */
void sb_reply_fail(struct sb_reply *reply, struct sf_fail *fail);
/** Both texts must outlive the reply (arena or static). */
void sb_reply_header(struct sb_reply *reply, const char *name, const char *value);

/**
 * The request's JSON body: a new reference, or NULL with the reply filled (400 JSON_PARSER_ERROR, or 415 when
 * the content type is something else).
 */
CF_CHECKED json_t *sb_request_json(const struct sb_request *request, struct sb_reply *reply);

#endif
