/* SPDX-License-Identifier: Apache-2.0 */
#include "json/json.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "clock/clock.h"
#include "json/json_priv.h"

#define FEW_KEYS 16U               /* compared pair by pair; more are sorted */
#define SHORT_TEXT 64U             /* bytes up to which text is put together first: one append, not three */
#define MAX_EXACT 9007199254740992 /* 2^53: whole doubles up to here are exact */

const struct cf_json *cf_json_parse(struct cf_arena *arena, struct cf_str text, struct cf_err *err)
{
    if (text.n > CF_JSON_MAX_BYTES) {
        (void)cf_err_set(err, CF_ERR_REJECTED, "json", 0, "not valid JSON: %zu bytes, at most %lu are read",
                         text.n, CF_JSON_MAX_BYTES);
        return NULL;
    }
    return cf_json_shim_parse(arena, text, err);
}

static int compare_keys(const void *a, const void *b)
{
    const struct cf_str *x = a, *y = b;

    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    return memcmp(x->p, y->p, x->n);
}

static bool few_have_duplicate(const struct cf_json *first)
{
    for (const struct cf_json *a = first; a; a = a->next) {
        for (const struct cf_json *b = a->next; b; b = b->next) {
            if (cf_str_eq(a->key, b->key))
                return true;
        }
    }
    return false;
}

bool cf_json_has_duplicate(struct cf_arena *arena, const struct cf_json *object, size_t count)
{
    struct cf_str *sorted;
    size_t n = 0;

    if (count <= FEW_KEYS)
        return few_have_duplicate(object->u.first);
    sorted = cf_arena_alloc(arena, count * sizeof(*sorted));
    for (const struct cf_json *member = object->u.first; member; member = member->next)
        sorted[n++] = member->key;
    qsort(sorted, n, sizeof(*sorted), compare_keys);
    for (size_t i = 1; i < n; i++) {
        if (cf_str_eq(sorted[i - 1], sorted[i]))
            return true;
    }
    return false;
}

const struct cf_json *cf_json_get(const struct cf_json *object, const char *key)
{
    const struct cf_str want = cf_str_of(key);

    if (!object || object->type != CF_JSON_OBJECT)
        return NULL;
    for (const struct cf_json *member = object->u.first; member; member = member->next) {
        if (cf_str_eq(member->key, want))
            return member;
    }
    return NULL;
}

struct cf_str cf_json_get_str(const struct cf_json *object, const char *key)
{
    const struct cf_json *member = cf_json_get(object, key);

    return member && member->type == CF_JSON_STRING ? member->u.str : (struct cf_str){0};
}

int64_t cf_json_get_int(const struct cf_json *object, const char *key, int64_t otherwise)
{
    const struct cf_json *member = cf_json_get(object, key);

    if (member && member->type == CF_JSON_INT)
        return member->u.integer;
    /* JSON has one kind of number: 2.0 is a whole one too. */
    if (member && member->type == CF_JSON_DOUBLE && fabs(member->u.number) <= MAX_EXACT &&
        trunc(member->u.number) == member->u.number)
        return (int64_t)member->u.number;
    return otherwise;
}

/* Length of the UTF-8 sequence of more than one byte at `at` (Unicode 15, table 3-7); 0 when it is not
 * well-formed. */
static size_t sequence(const unsigned char *at, size_t left)
{
    size_t n = at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : at[0] < 0xf5 ? 4 : 0;
    unsigned char low = at[0] == 0xe0 ? 0xa0 : at[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char high = at[0] == 0xed ? 0x9f : at[0] == 0xf4 ? 0x8f : 0xbf;

    if (n == 0 || n > left || at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    return n;
}

bool cf_json_utf8_ok(struct cf_str text)
{
    for (size_t i = 0; i < text.n;) {
        size_t n = text.p[i] == '\0'         ? 0
                   : (text.p[i] & 0x80) == 0 ? 1
                                             : sequence((const unsigned char *)text.p + i, text.n - i);

        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

/* ---- writing ---- */

void cf_jsonw_init(struct cf_jsonw *w, struct cf_buf *buf)
{
    *w = (struct cf_jsonw){.buf = buf};
}

/* What stands in front of every value; the next one needs a comma. */
static void before_value(struct cf_jsonw *w)
{
    if (w->comma)
        cf_buf_char(w->buf, ',');
    w->comma = true;
}

static void begin(struct cf_jsonw *w, char bracket)
{
    before_value(w);
    cf_buf_char(w->buf, bracket);
    w->comma = false;
    w->depth++;
}

static void end(struct cf_jsonw *w, char bracket)
{
    assert(w->depth > 0);
    cf_buf_char(w->buf, bracket);
    w->comma = true;
    w->depth--;
}

void cf_jsonw_begin_object(struct cf_jsonw *w)
{
    begin(w, '{');
}

void cf_jsonw_end_object(struct cf_jsonw *w)
{
    end(w, '}');
}

void cf_jsonw_begin_array(struct cf_jsonw *w)
{
    begin(w, '[');
}

void cf_jsonw_end_array(struct cf_jsonw *w)
{
    end(w, ']');
}

void cf_jsonw_key(struct cf_jsonw *w, const char *key)
{
    char text[SHORT_TEXT + 4];
    const struct cf_str name = cf_str_of(key);
    size_t at = 0;

    if (name.n > SHORT_TEXT) {
        cf_jsonw_key_str(w, name);
        return;
    }
    if (w->comma)
        text[at++] = ',';
    text[at++] = '"';
    memcpy(text + at, name.p, name.n);
    at += name.n;
    text[at++] = '"';
    text[at++] = ':';
    cf_buf_add(w->buf, text, at);
    w->comma = false;
}

static void escape(struct cf_buf *buf, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char shorts[] = "btn?fr"; /* \b \t \n, then \f \r; 0x0b has none */
    char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

    if (c == '"' || c == '\\') {
        text[1] = (char)c;
        cf_buf_add(buf, text, 2);
    } else if (c >= '\b' && c <= '\r' && c != 0x0b) {
        text[1] = shorts[c - '\b'];
        cf_buf_add(buf, text, 2);
    } else {
        cf_buf_add(buf, text, 6);
    }
}

/* How many bytes from `at` on can be copied as they are: ASCII without quote, backslash and controls. Eight
 * at a time; a high bit in `odd` marks a byte that needs a closer look (it may be a false alarm behind a
 * true one, so the rest is looked at byte by byte). */
static size_t plain(const char *at, size_t left)
{
    const uint64_t ones = 0x0101010101010101U, highs = 0x8080808080808080U;
    size_t n = 0;

    for (uint64_t word; left - n >= sizeof(word); n += sizeof(word)) {
        uint64_t quote, slash, odd;

        memcpy(&word, at + n, sizeof(word));
        quote = word ^ (ones * '"');
        slash = word ^ (ones * '\\');
        odd = (word | (word - ones * 0x20) | (quote - ones) | (slash - ones)) & highs;
        if (odd)
            break;
    }
    while (n < left && (signed char)at[n] >= 0x20 && at[n] != '"' && at[n] != '\\')
        n++;
    return n;
}

static void quoted(struct cf_buf *buf, struct cf_str text)
{
    char whole[SHORT_TEXT + 2];
    size_t i = 0;

    if (text.n > 0 && text.n <= SHORT_TEXT && plain(text.p, text.n) == text.n) {
        whole[0] = '"';
        memcpy(whole + 1, text.p, text.n);
        whole[text.n + 1] = '"';
        cf_buf_add(buf, whole, text.n + 2);
        return;
    }
    cf_buf_char(buf, '"');
    while (i < text.n) {
        size_t n = plain(text.p + i, text.n - i);

        cf_buf_add(buf, text.p + i, n);
        i += n;
        if (i == text.n)
            break;
        if ((text.p[i] & 0x80) == 0) {
            escape(buf, (unsigned char)text.p[i++]);
            continue;
        }
        n = sequence((const unsigned char *)text.p + i, text.n - i);
        if (n > 0)
            cf_buf_add(buf, text.p + i, n);
        else
            cf_buf_text(buf, "\xef\xbf\xbd");
        i += n > 0 ? n : 1;
    }
    cf_buf_char(buf, '"');
}

void cf_jsonw_key_str(struct cf_jsonw *w, struct cf_str key)
{
    before_value(w);
    quoted(w->buf, key);
    cf_buf_char(w->buf, ':');
    w->comma = false;
}

void cf_jsonw_str(struct cf_jsonw *w, struct cf_str value)
{
    before_value(w);
    quoted(w->buf, value);
}

void cf_jsonw_int(struct cf_jsonw *w, int64_t value)
{
    before_value(w);
    cf_buf_i64(w->buf, value);
}

void cf_jsonw_double(struct cf_jsonw *w, double value)
{
    char text[CF_JSON_DOUBLE_SIZE];

    if (!isfinite(value)) {
        cf_jsonw_null(w);
        return;
    }
    before_value(w);
    if (value == 0)
        value = 0; /* "-0" would read back as a whole number without its sign */
    cf_buf_add(w->buf, text, cf_json_shim_double(value, text));
}

void cf_jsonw_bool(struct cf_jsonw *w, bool value)
{
    before_value(w);
    cf_buf_text(w->buf, value ? "true" : "false");
}

void cf_jsonw_null(struct cf_jsonw *w)
{
    before_value(w);
    cf_buf_add(w->buf, "null", 4);
}

static void write_members(struct cf_jsonw *w, const struct cf_json *node)
{
    begin(w, node->type == CF_JSON_OBJECT ? '{' : '[');
    for (const struct cf_json *child = node->u.first; child; child = child->next) {
        if (node->type == CF_JSON_OBJECT)
            cf_jsonw_key_str(w, child->key);
        cf_jsonw_node(w, child); /* NOLINT(misc-no-recursion): the depth is bounded by the reader */
    }
    end(w, node->type == CF_JSON_OBJECT ? '}' : ']');
}

void cf_jsonw_node(struct cf_jsonw *w, const struct cf_json *node)
{
    switch (node->type) {
    case CF_JSON_NULL:
        cf_jsonw_null(w);
        break;
    case CF_JSON_BOOL:
        cf_jsonw_bool(w, node->u.boolean);
        break;
    case CF_JSON_INT:
        cf_jsonw_int(w, node->u.integer);
        break;
    case CF_JSON_DOUBLE:
        cf_jsonw_double(w, node->u.number);
        break;
    case CF_JSON_STRING:
        cf_jsonw_str(w, node->u.str);
        break;
    case CF_JSON_ARRAY:
    case CF_JSON_OBJECT:
        write_members(w, node);
        break;
    }
}

void cf_jsonw_put_str(struct cf_jsonw *w, const char *key, struct cf_str value)
{
    cf_jsonw_key(w, key);
    cf_jsonw_str(w, value);
}

void cf_jsonw_opt_str(struct cf_jsonw *w, const char *key, struct cf_str value)
{
    if (value.p)
        cf_jsonw_put_str(w, key, value);
}

void cf_jsonw_put_int(struct cf_jsonw *w, const char *key, int64_t value)
{
    cf_jsonw_key(w, key);
    cf_jsonw_int(w, value);
}

void cf_jsonw_put_time(struct cf_jsonw *w, const char *key, int64_t wall_ms)
{
    char text[CF_CLOCK_TEXT_SIZE];

    cf_clock_format(wall_ms, text);
    cf_jsonw_put_str(w, key, cf_str_of(text));
}
