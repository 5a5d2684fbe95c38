/* SPDX-License-Identifier: Apache-2.0 */
/*
 * str - text: borrowed views and bounded buffers.
 *
 * Vocabulary: a *str* is a borrowed view, not NUL-terminated; a *buf* owns its memory and is born with a
 * limit. Promise: a buf never grows past its limit; an append that would is dropped and `full` is set, so a
 * writer checks once at the end. Out of memory aborts: a worker restarts cleanly, half-handled exhaustion
 * does not.
 */
#ifndef CF_STR_H
#define CF_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cf_str {
    const char *p; /* may be NULL when n is 0 */
    size_t n;
};

#define CF_STR(literal) ((struct cf_str){.p = (literal), .n = sizeof(literal) - 1})
/* For printf: printf("%.*s", CF_STR_FMT(view)). */
#define CF_STR_FMT(view) (int)(view).n, (view).p

static inline struct cf_str cf_str_of(const char *text)
{
    struct cf_str view = {text, text ? strlen(text) : 0};

    return view;
}

static inline bool cf_str_eq(struct cf_str a, struct cf_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool cf_str_is(struct cf_str view, const char *text)
{
    return cf_str_eq(view, cf_str_of(text));
}

/** ASCII letters compare without case; other bytes as they are. */
bool cf_str_eq_nocase(struct cf_str a, struct cf_str b);

/** Whether `view` starts with `prefix`. */
bool cf_str_starts(struct cf_str view, struct cf_str prefix);

/** `view` without ASCII white space at both ends. */
struct cf_str cf_str_trim(struct cf_str view);

/** Copies into `dst` (NUL-terminated, cut at `size` - 1 bytes). Returns whether all of it fitted. */
bool cf_str_copy(char *dst, size_t size, struct cf_str view);

/** Parses a whole decimal number 0..UINT64_MAX, nothing else around it. */
CF_CHECKED bool cf_str_u64(struct cf_str view, uint64_t *ret_value);

/** calloc/realloc/strdup that abort when memory is out; free with free(). */
void *cf_calloc(size_t count, size_t size);
void *cf_realloc(void *old, size_t size);
char *cf_strdup(const char *text);

struct cf_buf {
    char *p;
    size_t n, size, limit;
    bool full; /* an append was dropped because of the limit */
};

void cf_buf_init(struct cf_buf *buf, size_t limit_bytes);
/** Frees the memory; the buf is empty and usable again. */
void cf_buf_done(struct cf_buf *buf);
/** Empties without freeing. */
void cf_buf_clear(struct cf_buf *buf);
/** Makes room for `size` more bytes now, so that the content does not move while they are appended. */
void cf_buf_reserve(struct cf_buf *buf, size_t size);
/** cf_buf_add() when there is no room yet. */
void cf_buf_add_slowly(struct cf_buf *buf, const void *data, size_t size);

/* Inline: texts are put together from many short pieces. */
static inline void cf_buf_add(struct cf_buf *buf, const void *data, size_t size)
{
    if (buf->full || size == 0 || size > buf->size - buf->n) {
        cf_buf_add_slowly(buf, data, size);
        return;
    }
    memcpy(buf->p + buf->n, data, size);
    buf->n += size;
}

static inline void cf_buf_str(struct cf_buf *buf, struct cf_str view)
{
    cf_buf_add(buf, view.p, view.n);
}

static inline void cf_buf_text(struct cf_buf *buf, const char *text)
{
    cf_buf_add(buf, text, strlen(text));
}

static inline void cf_buf_char(struct cf_buf *buf, char byte)
{
    if (buf->full || buf->n == buf->size)
        cf_buf_add_slowly(buf, &byte, 1);
    else
        buf->p[buf->n++] = byte;
}

void cf_buf_u64(struct cf_buf *buf, uint64_t value);
void cf_buf_i64(struct cf_buf *buf, int64_t value);
void cf_buf_printf(struct cf_buf *buf, const char *fmt, ...) CF_PRINTF(2, 3);
/** The content so far, borrowed until the next append. */
struct cf_str cf_buf_view(const struct cf_buf *buf);

#ifdef __cplusplus
}
#endif
#endif
