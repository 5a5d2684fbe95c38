/* SPDX-License-Identifier: Apache-2.0 */
/* How texts compare: by folded Unicode characters, whatever the process's own locale is. */
#include <locale.h>
#include <wctype.h>

#include "store_priv.h"

/* Made once and kept: there is no good moment to free it. */
static locale_t utf8_locale(void)
{
    static locale_t locale;

    if (!locale)
        locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    return locale;
}

static uint32_t fold(uint32_t point)
{
    if (point < 0x80)
        return point >= 'A' && point <= 'Z' ? point + 32 : point;
    if (!utf8_locale())
        return point;
    return (uint32_t)towlower_l((wint_t)point, utf8_locale());
}

uint32_t sf_text_next(struct cf_str *rest)
{
    const unsigned char *p = (const unsigned char *)rest->p;
    size_t length;
    uint32_t point;

    if (rest->n == 0)
        return 0;
    length = p[0] < 0xc0 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (length > rest->n)
        length = 1;
    point = length == 1 ? p[0] : p[0] & (0x7fU >> length);
    for (size_t i = 1; i < length; i++)
        point = (point << 6) | (p[i] & 0x3f);
    rest->p += length;
    rest->n -= length;
    return fold(point);
}

int sf_text_compare(struct cf_str a, struct cf_str b)
{
    while (a.n > 0 && b.n > 0) {
        uint32_t x = sf_text_next(&a), y = sf_text_next(&b);

        if (x != y)
            return x < y ? -1 : 1;
    }
    return a.n == b.n ? 0 : a.n < b.n ? -1 : 1;
}

struct sf_text_set {
    size_t mask;
    struct cf_str slot[]; /* p = NULL: free */
};

struct sf_text_set *sf_text_set_new(struct cf_arena *arena, size_t n)
{
    size_t size = 4;
    struct sf_text_set *set;

    while (size < n * 2)
        size *= 2;
    set = cf_arena_zalloc(arena, sizeof(*set) + size * sizeof(set->slot[0]));
    set->mask = size - 1;
    return set;
}

/* Where the text stands, or the free place where it belongs. */
static size_t set_find(const struct sf_text_set *set, struct cf_str text)
{
    struct cf_str rest = text;
    uint64_t hash = 0xcbf29ce484222325ULL;
    size_t at;

    while (rest.n > 0)
        hash = (hash ^ sf_text_next(&rest)) * 0x100000001b3ULL;
    at = (size_t)(hash >> 20) & set->mask;
    while (set->slot[at].p && sf_text_compare(set->slot[at], text) != 0)
        at = (at + 1) & set->mask;
    return at;
}

void sf_text_set_add(struct sf_text_set *set, struct cf_str text)
{
    set->slot[set_find(set, text)] = text;
}

bool sf_text_set_has(const struct sf_text_set *set, struct cf_str text)
{
    return set->slot[set_find(set, text)].p != NULL;
}

enum { ANY_RUN = 0x110000, ANY_ONE }; /* beyond Unicode: they stand for % and _ */

static uint32_t pattern_next(struct cf_str *rest)
{
    uint32_t c = sf_text_next(rest);

    if (c == '%')
        return ANY_RUN;
    if (c == '_')
        return ANY_ONE;
    return c == '\\' && rest->n > 0 ? sf_text_next(rest) : c;
}

/* Greedy with one point of return: the last % seen. Never worse than pattern length times text length. */
bool sf_text_like(struct cf_str pattern, struct cf_str text)
{
    struct cf_str retry_pattern = {0}, retry_text = {0};
    bool can_retry = false;

    for (;;) {
        struct cf_str before = pattern, text_before = text;
        uint32_t want = pattern.n > 0 ? pattern_next(&pattern) : 0;

        if (want == ANY_RUN && before.n > 0) {
            retry_pattern = pattern;
            retry_text = text;
            can_retry = true;
            continue;
        }
        if (text.n == 0 && before.n == 0)
            return true;
        if (text.n > 0 && before.n > 0 && (want == ANY_ONE || want == sf_text_next(&text))) {
            text = text_before;
            (void)sf_text_next(&text);
            continue;
        }
        if (!can_retry || retry_text.n == 0)
            return false;
        (void)sf_text_next(&retry_text);
        pattern = retry_pattern;
        text = retry_text;
    }
}

size_t sf_utf8_put(char *dst, uint32_t point)
{
    if (point < 0x80) {
        dst[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        dst[0] = (char)(0xc0 | (point >> 6));
        dst[1] = (char)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        dst[0] = (char)(0xe0 | (point >> 12));
        dst[1] = (char)(0x80 | ((point >> 6) & 0x3f));
        dst[2] = (char)(0x80 | (point & 0x3f));
        return 3;
    }
    dst[0] = (char)(0xf0 | (point >> 18));
    dst[1] = (char)(0x80 | ((point >> 12) & 0x3f));
    dst[2] = (char)(0x80 | ((point >> 6) & 0x3f));
    dst[3] = (char)(0x80 | (point & 0x3f));
    return 4;
}

/* Bytes of the character at `p`, 0 when it is not UTF-8 (overlong forms and surrogates included). */
static size_t utf8_length(const unsigned char *p, size_t n)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = p[0] < 0x80 ? 1 : (p[0] & 0xe0) == 0xc0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : 4;
    uint32_t point = length == 1 ? p[0] : p[0] & (0x7fU >> length);

    if (length == 4 && (p[0] & 0xf8) != 0xf0)
        return 0;
    if (length > n)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        point = (point << 6) | (p[i] & 0x3f);
    }
    if (point < smallest[length] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
        return 0;
    return length;
}

bool sf_utf8_valid(struct cf_str text)
{
    size_t i = 0;

    while (i < text.n) {
        size_t length = utf8_length((const unsigned char *)text.p + i, text.n - i);

        if (length == 0 || text.p[i] == '\0')
            return false;
        i += length;
    }
    return true;
}
