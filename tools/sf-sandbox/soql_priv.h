/* SPDX-License-Identifier: Apache-2.0 */
/*
 * soql_priv - between the lexer, the parts of the SOQL parser and the SOSL parser that borrows them.
 *
 * Every soql_parse_ function returns NULL or false after it has filled parser->fail; the caller just returns.
 */
#ifndef SF_SOQL_PRIV_H
#define SF_SOQL_PRIV_H

#include "soql.h"

enum soql_token_kind {
    SOQL_TOK_END,
    SOQL_TOK_NAME,   /* letters, digits, underscores */
    SOQL_TOK_STRING, /* text: between the quotes, still escaped */
    SOQL_TOK_NUMBER,
    SOQL_TOK_DATE,     /* 2026-11-22 */
    SOQL_TOK_DATETIME, /* 2026-11-22T10:00:00Z */
    SOQL_TOK_OPERATOR, /* = != <> < <= > >= */
    SOQL_TOK_PUNCT,    /* ( ) , . : */
    SOQL_TOK_BAD,      /* the lexer has filled fail */
};

struct soql_token {
    enum soql_token_kind kind;
    struct cf_str text;
    size_t pos;
};

struct soql_parser {
    struct cf_arena *arena;
    struct cf_str text;
    size_t next; /* first byte behind the current token */
    struct soql_token token;
    int64_t now_ms;
    struct sf_fail *fail;
    const char *fail_code; /* MALFORMED_QUERY or MALFORMED_SEARCH */
    unsigned depth, n_literals;
    bool in_child; /* inside a child query or a semi-join: no further ones */
};

/* ---- soql_lex.c ---- */
/** Moves to the next token. */
void soql_next(struct soql_parser *parser);
bool soql_at_word(const struct soql_parser *parser, const char *word);
bool soql_at_punct(const struct soql_parser *parser, char c);
/** Moves on and returns true when the current token is that. */
bool soql_take_word(struct soql_parser *parser, const char *word);
bool soql_take_punct(struct soql_parser *parser, char c);
/** As take, but fails with "expecting" when it is something else. */
bool soql_need_word(struct soql_parser *parser, const char *word);
bool soql_need_punct(struct soql_parser *parser, char c);
/** "unexpected token: 'x'" at the current token. Returns false. */
bool soql_unexpected(struct soql_parser *parser);
/** Fails at `pos`. Returns false. */
bool soql_reject(struct soql_parser *parser, size_t pos, const char *fmt, ...) CF_PRINTF(3, 4);

/* ---- soql_literal.c ---- */
bool soql_parse_literal(struct soql_parser *parser, bool like, struct soql_literal *ret_literal);

/* ---- soql_date.c ---- */
/** LAST_N_DAYS and the like; `n` is -1 when none was given. False: no such literal, or n missing or too much.
 */
bool soql_date_range(struct cf_str name, int64_t n, int64_t now_ms, struct soql_literal *ret_literal);
bool soql_date_wants_n(struct cf_str name);

/* ---- soql_where.c ---- */
struct soql_cond *soql_parse_or(struct soql_parser *parser);

/* ---- soql_parse.c ---- */
bool soql_parse_path(struct soql_parser *parser, struct soql_path *ret_path);
struct soql_query *soql_parse_select(struct soql_parser *parser);
/** WHERE, GROUP BY, ORDER BY, LIMIT, OFFSET: whatever there is of it. */
bool soql_parse_tail(struct soql_parser *parser, struct soql_query *query);
/** A list of items up to the first token that is not part of it. */
bool soql_parse_items(struct soql_parser *parser, struct soql_query *query);
bool soql_parse_count(struct soql_parser *parser, int64_t *ret_count);

#endif
