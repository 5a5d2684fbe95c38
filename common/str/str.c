/* SPDX-License-Identifier: Apache-2.0 */
#include "str/str.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static char lower(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool cf_str_eq_nocase(struct cf_str a, struct cf_str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++) {
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    }
    return true;
}

bool cf_str_starts(struct cf_str view, struct cf_str prefix)
{
    return view.n >= prefix.n && (prefix.n == 0 || memcmp(view.p, prefix.p, prefix.n) == 0);
}

struct cf_str cf_str_trim(struct cf_str view)
{
    while (view.n > 0 && is_space(view.p[0])) {
        view.p++;
        view.n--;
    }
    while (view.n > 0 && is_space(view.p[view.n - 1]))
        view.n--;
    return view;
}

bool cf_str_copy(char *dst, size_t size, struct cf_str view)
{
    size_t n = view.n < size ? view.n : size - 1;

    assert(size > 0);
    if (n > 0)
        memcpy(dst, view.p, n);
    dst[n] = '\0';
    return n == view.n;
}

bool cf_str_u64(struct cf_str view, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (view.n == 0)
        return false;
    for (size_t i = 0; i < view.n; i++) {
        unsigned digit = (unsigned)(view.p[i] - '0');

        if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *ret_value = value;
    return true;
}

void *cf_calloc(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size ? size : 1);

    if (!memory)
        abort();
    return memory;
}

void *cf_realloc(void *old, size_t size)
{
    void *memory = realloc(old, size ? size : 1);

    if (!memory)
        abort();
    return memory;
}

char *cf_strdup(const char *text)
{
    char *copy = strdup(text);

    if (!copy)
        abort();
    return copy;
}

void cf_buf_init(struct cf_buf *buf, size_t limit_bytes)
{
    *buf = (struct cf_buf){.limit = limit_bytes};
}

void cf_buf_done(struct cf_buf *buf)
{
    free(buf->p);
    cf_buf_init(buf, buf->limit);
}

void cf_buf_clear(struct cf_buf *buf)
{
    buf->n = 0;
    buf->full = false;
}

/* Makes room for `size` more bytes; false when that would pass the limit. */
static bool reserve(struct cf_buf *buf, size_t size)
{
    size_t want;

    if (buf->full || size > buf->limit - buf->n) {
        buf->full = true;
        return false;
    }
    if (size <= buf->size - buf->n)
        return true;
    want = buf->size ? buf->size * 2 : 256;
    if (want < buf->n + size)
        want = buf->n + size;
    if (want > buf->limit)
        want = buf->limit;
    buf->p = cf_realloc(buf->p, want);
    buf->size = want;
    return true;
}

void cf_buf_reserve(struct cf_buf *buf, size_t size)
{
    (void)reserve(buf, size);
}

void cf_buf_add_slowly(struct cf_buf *buf, const void *data, size_t size)
{
    if (size == 0 || !reserve(buf, size))
        return;
    memcpy(buf->p + buf->n, data, size);
    buf->n += size;
}

void cf_buf_u64(struct cf_buf *buf, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    cf_buf_add(buf, digits + at, sizeof(digits) - at);
}

void cf_buf_i64(struct cf_buf *buf, int64_t value)
{
    if (value < 0)
        cf_buf_char(buf, '-');
    cf_buf_u64(buf, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void cf_buf_printf(struct cf_buf *buf, const char *fmt, ...)
{
    char small[256];
    va_list ap, again;
    int n;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(small, sizeof(small), fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof(small)) {
        cf_buf_add(buf, small, (size_t)n);
    } else if (n >= 0) {
        char *large = cf_calloc((size_t)n + 1, 1);

        (void)vsnprintf(large, (size_t)n + 1, fmt, again);
        cf_buf_add(buf, large, (size_t)n);
        free(large);
    }
    va_end(again);
}

struct cf_str cf_buf_view(const struct cf_buf *buf)
{
    return (struct cf_str){.p = buf->p, .n = buf->n};
}
