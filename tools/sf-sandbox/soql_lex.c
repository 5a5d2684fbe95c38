/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "soql_priv.h"

#define SHOWN_BEFORE 40
#define SHOWN_AFTER 20

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name(char c)
{
    return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The statement around `pos` on one line, with the offset of `pos` in it; cut at character boundaries. */
static struct cf_str excerpt(struct cf_str text, size_t pos, size_t *ret_caret)
{
    size_t start = pos > SHOWN_BEFORE ? pos - SHOWN_BEFORE : 0;
    size_t end = pos + SHOWN_AFTER < text.n ? pos + SHOWN_AFTER : text.n;

    while (start < pos && ((unsigned char)text.p[start] & 0xc0) == 0x80)
        start++;
    while (end > pos && end < text.n && ((unsigned char)text.p[end] & 0xc0) == 0x80)
        end--;
    *ret_caret = pos - start;
    return (struct cf_str){text.p + start, end - start};
}

static void row_and_column(struct cf_str text, size_t pos, size_t *ret_row, size_t *ret_column)
{
    *ret_row = *ret_column = 1;
    for (size_t i = 0; i < pos; i++) {
        (*ret_column)++;
        if (text.p[i] == '\n') {
            (*ret_row)++;
            *ret_column = 1;
        }
    }
}

int soql_fail(struct sf_fail *fail, const char *code, struct cf_str text, size_t pos, const char *fmt, ...)
{
    char what[400];
    size_t caret, row, column;
    struct cf_str shown;
    va_list args;

    pos = pos > text.n ? text.n : pos;
    shown = excerpt(text, pos, &caret);
    row_and_column(text, pos, &row, &column);
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    fail->status = 400;
    (void)cf_str_copy(fail->code, sizeof(fail->code), cf_str_of(code));
    (void)snprintf(fail->message, sizeof(fail->message), "\n%.*s\n%*s^\nERROR at Row:%zu:Column:%zu\n%s",
                   CF_STR_FMT(shown), (int)caret, "", row, column, what);
    return -1;
}

bool soql_reject(struct soql_parser *parser, size_t pos, const char *fmt, ...)
{
    char what[200];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    if (parser->fail->status == 0) /* the first error is the one to show */
        (void)soql_fail(parser->fail, parser->fail_code, parser->text, pos, "%s", what);
    return false;
}

bool soql_unexpected(struct soql_parser *parser)
{
    struct cf_str text = parser->token.text;

    if (parser->token.kind == SOQL_TOK_BAD)
        return false;
    if (parser->token.kind == SOQL_TOK_END)
        return soql_reject(parser, parser->token.pos, "unexpected token: '<EOF>'");
    return soql_reject(parser, parser->token.pos, "unexpected token: '%.*s'", text.n > 60 ? 60 : (int)text.n,
                       text.p);
}

static void set(struct soql_parser *parser, enum soql_token_kind kind, size_t start, size_t end)
{
    parser->token = (struct soql_token){kind, {parser->text.p + start, end - start}, start};
    parser->next = end;
}

static void bad(struct soql_parser *parser, size_t pos, const char *what)
{
    (void)soql_reject(parser, pos, "%s", what);
    set(parser, SOQL_TOK_BAD, pos, pos);
    parser->next = parser->text.n;
}

/* Only finds the end: which escapes are allowed depends on the operator in front of it. */
static void lex_string(struct soql_parser *parser, size_t start)
{
    struct cf_str text = parser->text;
    size_t i = start + 1;

    while (i < text.n && text.p[i] != '\'') {
        if (text.p[i] == '\n' || text.p[i] == '\r') {
            bad(parser, i, "line breaks not allowed in string literals");
            return;
        }
        i += text.p[i] == '\\' ? 2 : 1;
    }
    if (i >= text.n) {
        bad(parser, start, "string literal has no closing quote");
        return;
    }
    set(parser, SOQL_TOK_STRING, start + 1, i);
    parser->token.pos = start;
    parser->next = i + 1;
}

/* A date is told from a number by its shape: four digits and a hyphen. */
static void lex_number(struct soql_parser *parser, size_t start)
{
    struct cf_str text = parser->text;
    size_t i = start + (is_digit(text.p[start]) ? 0 : 1), digits = i;
    enum soql_token_kind kind = SOQL_TOK_NUMBER;

    while (i < text.n && is_digit(text.p[i]))
        i++;
    if (i - digits == 4 && digits == start && i < text.n && text.p[i] == '-') {
        kind = SOQL_TOK_DATE;
        while (i < text.n && (is_digit(text.p[i]) || text.p[i] == '-'))
            i++;
        if (i < text.n && (text.p[i] == 'T' || text.p[i] == 't')) {
            kind = SOQL_TOK_DATETIME;
            for (i++; i < text.n && (is_digit(text.p[i]) || strchr(":.+-Zz", text.p[i])); i++)
                continue;
        }
    } else if (i < text.n && text.p[i] == '.') {
        for (i++; i < text.n && is_digit(text.p[i]); i++)
            continue;
    }
    if (i == digits || (i < text.n && is_name(text.p[i])))
        bad(parser, start, "invalid number or date");
    else
        set(parser, kind, start, i);
}

static void lex_other(struct soql_parser *parser, size_t start)
{
    struct cf_str text = parser->text;
    char c = text.p[start], second = '\0';

    if (start + 1 < text.n)
        second = text.p[start + 1];
    if (strchr("(),.:", c) && c != '\0')
        set(parser, SOQL_TOK_PUNCT, start, start + 1);
    else if ((c == '!' && second == '=') || (c == '<' && (second == '=' || second == '>')) ||
             (c == '>' && second == '='))
        set(parser, SOQL_TOK_OPERATOR, start, start + 2);
    else if (c == '=' || c == '<' || c == '>')
        set(parser, SOQL_TOK_OPERATOR, start, start + 1);
    else
        bad(parser, start, "unexpected character");
}

void soql_next(struct soql_parser *parser)
{
    struct cf_str text = parser->text;
    size_t i = parser->next, end;

    while (i < text.n && is_space(text.p[i]))
        i++;
    if (i >= text.n) {
        if (parser->token.kind != SOQL_TOK_BAD)
            set(parser, SOQL_TOK_END, text.n, text.n);
        return;
    }
    if (text.p[i] == '\'') {
        lex_string(parser, i);
    } else if (is_digit(text.p[i]) || text.p[i] == '-' || text.p[i] == '+') {
        lex_number(parser, i);
    } else if (is_name(text.p[i])) {
        for (end = i; end < text.n && is_name(text.p[end]); end++)
            continue;
        set(parser, SOQL_TOK_NAME, i, end);
    } else {
        lex_other(parser, i);
    }
}

bool soql_at_word(const struct soql_parser *parser, const char *word)
{
    return parser->token.kind == SOQL_TOK_NAME && cf_str_eq_nocase(parser->token.text, cf_str_of(word));
}

bool soql_at_punct(const struct soql_parser *parser, char c)
{
    return parser->token.kind == SOQL_TOK_PUNCT && parser->token.text.p[0] == c;
}

bool soql_take_word(struct soql_parser *parser, const char *word)
{
    if (!soql_at_word(parser, word))
        return false;
    soql_next(parser);
    return true;
}

bool soql_take_punct(struct soql_parser *parser, char c)
{
    if (!soql_at_punct(parser, c))
        return false;
    soql_next(parser);
    return true;
}

bool soql_need_word(struct soql_parser *parser, const char *word)
{
    return soql_take_word(parser, word) || soql_unexpected(parser);
}

bool soql_need_punct(struct soql_parser *parser, char c)
{
    if (parser->token.kind == SOQL_TOK_END)
        return soql_reject(parser, parser->token.pos, "expecting '%c', found '<EOF>'", c);
    return soql_take_punct(parser, c) || soql_unexpected(parser);
}
