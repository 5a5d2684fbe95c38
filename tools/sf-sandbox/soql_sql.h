/* SPDX-License-Identifier: Apache-2.0 */
/*
 * soql_sql - from a SOQL tree to one parameterised SQL statement and a plan for its answer.
 *
 * Vocabulary: a *plan* is the SQL, its values and the shape of a record: a *node* per object on the path,
 * with *entries* in the order of the SELECT list. Fields and types are checked here. Promise: the text of the
 * SQL consists of names from the schema table and of numbered parameters, nothing else.
 */
#ifndef SF_SOQL_SQL_H
#define SF_SOQL_SQL_H

#include "soql.h"
#include "store_priv.h"

enum sql_value_kind { SQL_TEXT, SQL_INTEGER, SQL_REAL, SQL_POINTER };
struct sql_value {
    enum sql_value_kind kind;
    struct cf_str text;
    int64_t integer;
    double real;
    void *pointer; /* POINTER: of sf_in() and sf_like_any(), in the arena */
    const char *pointer_kind;
};

struct sql_node;
struct sql_plan;

struct sql_entry {
    const char *name;             /* key in the answer */
    const struct sf_field *field; /* how to show the column; NULL: a plain number */
    int column;                   /* -1: always null */
    struct sql_node *parent;      /* instead of a column: a parent record */
    struct sql_plan *children;    /* or a child query */
    struct sql_entry *next;
};

struct sql_node {
    const struct sf_object *object;
    int id_column, type_column; /* type_column: of the pseudo object Name, else -1 */
    struct sql_entry *entries, **tail;
};

struct sql_plan {
    const char *sql;
    struct sql_value *values; /* of parameter 1, 2, ... */
    unsigned n_values;
    bool counts;    /* SELECT COUNT(): one number, no records */
    bool aggregate; /* records are of type AggregateResult */
    int64_t limit;  /* of the query, -1: none; for `counts` */
    struct sql_node root;
};

struct sql_compiler;
/** Adds a condition on the id column `id` ("t0.Id") to WHERE; used by searches. */
typedef void sql_filter_fn(void *arg, struct sql_compiler *compiler, struct cf_buf *where, const char *id);

struct sql_opts {
    struct sf_store *store; /* whose phones may narrow WHERE; NULL: nothing does */
    bool include_deleted;
    bool ids_only;      /* select the ids of all rows, in order, instead of the items */
    const char *cursor; /* locator whose stored ids replace WHERE, ORDER BY, LIMIT; parameters of the page: */
    int64_t first, rows; /* rows first .. first + rows - 1 of it; without cursor, `rows` caps LIMIT (0: no) */
    sql_filter_fn *filter; /* NULL: none */
    void *filter_arg;
};

/** NULL and `fail` when a name or a type is wrong. `text` is the statement, for messages. */
struct sql_plan *sql_compile(struct cf_arena *arena, struct cf_str text, const struct soql_query *query,
                             const struct sql_opts *opts, struct sf_fail *fail);

/** Appends "?n" and keeps the value. For filters. */
void sql_put_text(struct sql_compiler *compiler, struct cf_buf *out, struct cf_str text);
void sql_put_integer(struct sql_compiler *compiler, struct cf_buf *out, int64_t integer);

#endif
