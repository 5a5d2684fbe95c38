/* SPDX-License-Identifier: Apache-2.0 */
/*
 * soql - the query language as a tree: what a SOQL statement says, before anything is known about fields.
 *
 * Vocabulary: a *path* is a dotted name (Contact.Account.Name); an *item* is one element of the SELECT list;
 * a *condition* is a node of WHERE. Every node keeps its place in the text, so that later errors point at it.
 * Promises: the parser accepts any bytes, never recurses deeper than SOQL_MAX_DEPTH, and allocates only from
 * the arena it is given, at most about 150 bytes per byte of text.
 */
#ifndef SF_SOQL_H
#define SF_SOQL_H

#include <stdbool.h>
#include <stdint.h>

#include "arena/arena.h"
#include "store.h"
#include "str/str.h"

#define SOQL_MAX_DEPTH 40       /* parentheses and NOTs inside each other */
#define SOQL_MAX_PARTS 6        /* names in a path: five parents up */
#define SOQL_MAX_LITERALS 20000 /* in one statement */
#define SOQL_MAX_OFFSET 2000
#define SOQL_ARENA_BYTES ((size_t)64 << 20)

struct soql_path {
    struct cf_str *part;
    unsigned n;
    size_t pos;
};

enum soql_literal_kind {
    SOQL_NULL,
    SOQL_BOOL,
    SOQL_NUMBER,
    SOQL_STRING,
    SOQL_DATE,
    SOQL_DATETIME,
    SOQL_RANGE
};

struct soql_literal {
    enum soql_literal_kind kind;
    struct cf_str text;        /* STRING: decoded; right of LIKE \\, \% and \_ stay escaped */
    double number;             /* NUMBER */
    int64_t from_ms, until_ms; /* DATE and DATETIME: the moment; RANGE: from inclusive, until exclusive */
    bool truth;                /* BOOL */
    size_t pos;
    struct soql_literal *next; /* in a list */
};

enum soql_op { SOQL_EQ, SOQL_NE, SOQL_LT, SOQL_LE, SOQL_GT, SOQL_GE, SOQL_LIKE, SOQL_IN, SOQL_NOT_IN };
enum soql_cond_kind { SOQL_AND, SOQL_OR, SOQL_NOT, SOQL_TEST };

struct soql_cond {
    enum soql_cond_kind kind;
    struct soql_cond **arm; /* AND, OR: two or more; NOT: one */
    size_t n_arms;
    struct soql_path path; /* TEST */
    enum soql_op op;
    struct soql_literal *value;   /* the list of IN; NULL when there is a subquery */
    struct soql_query *semi_join; /* IN (SELECT ...) */
};

enum soql_item_kind { SOQL_FIELD, SOQL_COUNT_ALL, SOQL_AGGREGATE, SOQL_CHILDREN, SOQL_FIELDS };
enum soql_function { SOQL_COUNT, SOQL_COUNT_DISTINCT, SOQL_SUM, SOQL_AVG, SOQL_MIN, SOQL_MAX };
enum soql_fields { SOQL_FIELDS_ALL, SOQL_FIELDS_STANDARD, SOQL_FIELDS_CUSTOM };

struct soql_item {
    enum soql_item_kind kind;
    struct soql_path path;       /* FIELD, AGGREGATE */
    enum soql_function function; /* AGGREGATE */
    enum soql_fields fields;     /* FIELDS */
    struct cf_str alias;         /* of an aggregate or a grouped field; empty: none */
    struct soql_query *children; /* CHILDREN */
    size_t pos;
    struct soql_item *next;
};

struct soql_order {
    struct soql_path path;
    bool descending, nulls_last;
    struct soql_order *next;
};

struct soql_query {
    struct soql_item *items;
    struct cf_str from, alias; /* `from`: an object, or in a child query a relation */
    size_t from_pos;
    struct soql_cond *where;
    struct soql_path *group;
    size_t n_group;
    struct soql_order *order;
    int64_t limit, offset; /* -1: none */
};

/** Parses a whole statement. `now_ms` fixes the date literals. NULL and `fail` (MALFORMED_QUERY) when wrong.
 */
struct soql_query *soql_parse(struct cf_arena *arena, struct cf_str text, int64_t now_ms,
                              struct sf_fail *fail);

/** Fills `fail` with a message that shows the place in Salesforce's way. Returns -1. */
int soql_fail(struct sf_fail *fail, const char *code, struct cf_str text, size_t pos, const char *fmt, ...)
    CF_PRINTF(5, 6);

#endif
