/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json - reading and writing JSON on the hot path.
 *
 * Reading: simdjson (DOM mode, behind json_shim.cc) checks the text and copies it into a tree of plain nodes
 * in an arena. Stricter than the grammar: duplicate keys, depth over 64, NUL characters inside strings,
 * numbers beyond double or 64-bit integers, a byte order mark and trailing bytes are errors. UTF-8 is
 * validated. Limits are below; a parse takes at most CF_JSON_ARENA_BYTES from the arena, so an arena with
 * that much room left never aborts here. Writing: functions that append to a cf_buf; the caller keeps the
 * structure balanced (checked by an assert at the end).
 */
#ifndef CF_JSON_H
#define CF_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "arena/arena.h"
#include "err/err.h"
#include "str/str.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CF_JSON_MAX_BYTES 1048576UL   /* 1 MiB: of one document */
#define CF_JSON_MAX_DEPTH 64UL        /* of arrays and objects in each other */
#define CF_JSON_MAX_NODES 65536UL     /* values in one document */
#define CF_JSON_ARENA_BYTES 6291456UL /* 6 MiB: what a parse may take from the arena, at most */

enum cf_json_type {
    CF_JSON_NULL,
    CF_JSON_BOOL,
    CF_JSON_INT,
    CF_JSON_DOUBLE,
    CF_JSON_STRING,
    CF_JSON_ARRAY,
    CF_JSON_OBJECT
};

struct cf_json {
    enum cf_json_type type;
    struct cf_str key;          /* in an object; NUL-terminated */
    const struct cf_json *next; /* sibling */
    union {
        bool boolean;
        int64_t integer;
        double number;
        struct cf_str str;           /* unescaped, NUL-terminated, in the arena */
        const struct cf_json *first; /* ARRAY, OBJECT; NULL when empty */
    } u;
};

/** Parses one document. NULL and `err` (kind REJECTED, text with no part of the input) when it is not valid.
 *  `text` may be freed afterwards. */
CF_CHECKED const struct cf_json *cf_json_parse(struct cf_arena *arena, struct cf_str text,
                                               struct cf_err *err);
/** Whether `text` is UTF-8 without NUL: what a string that was read is. For text from elsewhere. */
bool cf_json_utf8_ok(struct cf_str text);
/** Member of an object, NULL when absent or `object` is NULL or not an object. */
const struct cf_json *cf_json_get(const struct cf_json *object, const char *key);
/** The member's text; p = NULL when absent or not a string. */
struct cf_str cf_json_get_str(const struct cf_json *object, const char *key);
/** The member's whole number, `otherwise` when absent or not one. */
int64_t cf_json_get_int(const struct cf_json *object, const char *key, int64_t otherwise);

/* A writer keeps only where it is; the text goes to `buf`. */
struct cf_jsonw {
    struct cf_buf *buf;
    uint32_t depth;
    bool comma; /* the next value needs one before it */
};

void cf_jsonw_init(struct cf_jsonw *w, struct cf_buf *buf);
void cf_jsonw_begin_object(struct cf_jsonw *w);
void cf_jsonw_end_object(struct cf_jsonw *w);
void cf_jsonw_begin_array(struct cf_jsonw *w);
void cf_jsonw_end_array(struct cf_jsonw *w);
/** `key` must need no escaping. */
void cf_jsonw_key(struct cf_jsonw *w, const char *key);
/** Escapes; invalid UTF-8 becomes U+FFFD. */
void cf_jsonw_key_str(struct cf_jsonw *w, struct cf_str key);
void cf_jsonw_str(struct cf_jsonw *w, struct cf_str value);
void cf_jsonw_int(struct cf_jsonw *w, int64_t value);
void cf_jsonw_double(struct cf_jsonw *w,
                     double value); /* shortest form that reads back equal; not finite: null */
void cf_jsonw_bool(struct cf_jsonw *w, bool value);
void cf_jsonw_null(struct cf_jsonw *w);
/** Copies a node read before. */
void cf_jsonw_node(struct cf_jsonw *w, const struct cf_json *node);
/** key and value in one; _opt_: nothing at all when value.p is NULL. */
void cf_jsonw_put_str(struct cf_jsonw *w, const char *key, struct cf_str value);
void cf_jsonw_opt_str(struct cf_jsonw *w, const char *key, struct cf_str value);
void cf_jsonw_put_int(struct cf_jsonw *w, const char *key, int64_t value);
void cf_jsonw_put_time(struct cf_jsonw *w, const char *key, int64_t wall_ms);

#ifdef __cplusplus
}
#endif
#endif
