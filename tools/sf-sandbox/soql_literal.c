/* SPDX-License-Identifier: Apache-2.0 */
/* Literals: strings with their escapes, numbers, dates, times, date literals. */
#include <stdlib.h>

#include "soql_priv.h"
#include "store_priv.h"

#define MAX_NUMBER_CHARS 40

static bool hex4(struct cf_str text, size_t at, uint32_t *ret_value)
{
    uint32_t value = 0;

    if (at + 4 > text.n)
        return false;
    for (size_t i = at; i < at + 4; i++) {
        char c = text.p[i];

        if (c >= '0' && c <= '9')
            value = value * 16 + (uint32_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            value = value * 16 + (uint32_t)((c | 0x20) - 'a' + 10);
        else
            return false;
    }
    *ret_value = value;
    return true;
}

/* \uXXXX at text[at], a pair of them for a character beyond the first plane. Returns bytes read, 0: invalid.
 */
static size_t unicode_escape(struct cf_str text, size_t at, char *out, size_t *ret_written)
{
    uint32_t point, low;
    size_t used = 6;

    if (!hex4(text, at + 2, &point) || point == 0 || (point >= 0xdc00 && point < 0xe000))
        return 0;
    if (point >= 0xd800 && point < 0xdc00) {
        if (at + 8 > text.n || text.p[at + 6] != '\\' || text.p[at + 7] != 'u' || !hex4(text, at + 8, &low) ||
            low < 0xdc00 || low > 0xdfff)
            return 0;
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
        used = 12;
    }
    *ret_written = sf_utf8_put(out, point);
    return used;
}

/* One escape; what it writes is never longer than itself. Returns bytes read, 0: invalid. */
static size_t escape(struct cf_str text, size_t at, bool like, char *out, size_t *ret_written)
{
    static const char from[] = "nNrRtTbBfF\"'";
    static const char to[] = "\n\n\r\r\t\t\b\b\f\f\"'";
    char c = text.p[at + 1];
    const char *found = c ? strchr(from, c) : NULL;

    if (c == 'u')
        return unicode_escape(text, at, out, ret_written);
    *ret_written = 1;
    if (found) {
        out[0] = to[found - from];
        return 2;
    }
    if (like && (c == '%' || c == '_' || c == '\\')) { /* the pattern matcher reads these again */
        memcpy(out, text.p + at, 2);
        *ret_written = 2;
        return 2;
    }
    out[0] = '\\';
    return c == '\\' ? 2 : 0;
}

static bool decode(struct soql_parser *parser, struct cf_str raw, bool like, struct cf_str *ret_text)
{
    char *out = cf_arena_alloc(parser->arena, raw.n + 1);
    size_t n = 0, i = 0;

    while (i < raw.n) {
        size_t used = 1, written = 1;

        if (raw.p[i] == '\\')
            used = escape(raw, i, like, out + n, &written);
        else
            out[n] = raw.p[i];
        if (used == 0)
            return soql_reject(parser, parser->token.pos + 1 + i,
                               "Invalid string literal. Illegal character "
                               "sequence '\\%c' in string literal",
                               raw.p[i + 1] >= ' ' && raw.p[i + 1] < 0x7f ? raw.p[i + 1] : '?');
        i += used;
        n += written;
    }
    *ret_text = (struct cf_str){out, n};
    if (!sf_utf8_valid(*ret_text))
        return soql_reject(parser, parser->token.pos, "string literal is not valid UTF-8");
    return true;
}

static size_t characters(struct cf_str text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++)
        n += ((unsigned char)text.p[i] & 0xc0) != 0x80;
    return n;
}

static bool parse_string(struct soql_parser *parser, bool like, struct soql_literal *literal)
{
    literal->kind = SOQL_STRING;
    if (!decode(parser, parser->token.text, like, &literal->text))
        return false;
    if (characters(literal->text) > SF_LITERAL_MAX_CHARS)
        return soql_reject(parser, parser->token.pos, "string literal is longer than %d characters",
                           SF_LITERAL_MAX_CHARS);
    soql_next(parser);
    return true;
}

static bool parse_number(struct soql_parser *parser, struct soql_literal *literal)
{
    char copy[MAX_NUMBER_CHARS + 1];

    if (!cf_str_copy(copy, sizeof(copy), parser->token.text))
        return soql_reject(parser, parser->token.pos, "number is too long");
    literal->kind = SOQL_NUMBER;
    literal->number = strtod(copy, NULL);
    soql_next(parser);
    return true;
}

static bool parse_moment(struct soql_parser *parser, struct soql_literal *literal)
{
    bool is_date = parser->token.kind == SOQL_TOK_DATE;
    struct cf_str text = parser->token.text;

    if (is_date)
        text = cf_arena_printf(parser->arena, "%.*sT00:00:00Z", CF_STR_FMT(text));
    if (!sf_time_parse(text, &literal->from_ms))
        return soql_reject(parser, parser->token.pos, "invalid %s: %.*s", is_date ? "date" : "dateTime",
                           parser->token.text.n > 40 ? 40 : (int)parser->token.text.n, parser->token.text.p);
    literal->kind = is_date ? SOQL_DATE : SOQL_DATETIME;
    soql_next(parser);
    return true;
}

static bool parse_word(struct soql_parser *parser, struct soql_literal *literal)
{
    struct cf_str word = parser->token.text;
    size_t pos = parser->token.pos;
    int64_t n = -1;

    if (soql_take_word(parser, "null")) {
        literal->kind = SOQL_NULL;
        return true;
    }
    if (soql_at_word(parser, "true") || soql_at_word(parser, "false")) {
        literal->kind = SOQL_BOOL;
        literal->truth = soql_at_word(parser, "true");
        soql_next(parser);
        return true;
    }
    soql_next(parser);
    if (soql_date_wants_n(word) && soql_take_punct(parser, ':') && !soql_parse_count(parser, &n))
        return false;
    if (!soql_date_range(word, n, parser->now_ms, literal))
        return soql_reject(parser, pos, "unexpected token: '%.*s'", word.n > 60 ? 60 : (int)word.n, word.p);
    return true;
}

bool soql_parse_literal(struct soql_parser *parser, bool like, struct soql_literal *ret_literal)
{
    *ret_literal = (struct soql_literal){.pos = parser->token.pos};
    if (++parser->n_literals > SOQL_MAX_LITERALS)
        return soql_reject(parser, parser->token.pos, "too many literals");
    switch (parser->token.kind) {
    case SOQL_TOK_STRING:
        return parse_string(parser, like, ret_literal);
    case SOQL_TOK_NUMBER:
        return parse_number(parser, ret_literal);
    case SOQL_TOK_DATE:
    case SOQL_TOK_DATETIME:
        return parse_moment(parser, ret_literal);
    case SOQL_TOK_NAME:
        return parse_word(parser, ret_literal);
    case SOQL_TOK_END:
    case SOQL_TOK_OPERATOR:
    case SOQL_TOK_PUNCT:
    case SOQL_TOK_BAD:
        break;
    }
    return soql_unexpected(parser);
}
