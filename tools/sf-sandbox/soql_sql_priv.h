/* SPDX-License-Identifier: Apache-2.0 */
/* soql_sql_priv - between the SELECT half (soql_sql.c) and the WHERE half (soql_filter.c) of the compiler. */
#ifndef SF_SOQL_SQL_PRIV_H
#define SF_SOQL_SQL_PRIV_H

#include "soql_sql.h"

#define SQL_MAX_BYTES ((size_t)4 << 20)
#define SQL_MAX_JOINS 30

struct sql_compiler {
    struct cf_arena *arena;
    struct cf_str text;
    struct sf_fail *fail;
    const struct sql_opts *opts;
    struct sql_value *values;
    unsigned n_values, size_values;
    unsigned n_tables; /* t0, t1, ... over all scopes */
};

/* A parent that a path of this scope goes through; SQL needs the join once, the answer a node once. */
struct sql_join {
    unsigned from, table;
    const struct sf_field *field;
    const struct sf_object *object;
    struct sql_node *node; /* NULL: only filtered or sorted by */
    struct sql_join *next;
};

struct sql_scope {
    struct sql_compiler *compiler;
    const struct sf_object *object;
    struct cf_str alias;
    unsigned table, n_joins;
    struct sql_join *joins, **joins_tail;
    struct cf_buf columns, from, where, order;
    int n_columns;
    bool driven; /* WHERE begins with a list of ids: no other test needs an index */
};

struct sql_column {
    const struct sf_object *object;
    const struct sf_field *field;
    char sql[80]; /* t0."Name", or NULL for what reads as null */
};

/** Follows a path from the scope's object, adding joins. */
int sql_resolve(struct sql_scope *scope, const struct soql_path *path, struct sql_column *ret_column);
/** As above; *ret_join is the parent that holds the field, NULL for the scope's own object. */
int sql_resolve_join(struct sql_scope *scope, const struct soql_path *path, struct sql_join **ret_join,
                     struct sql_column *ret_column);
/** The column of a field of `join`'s object (NULL: the scope's own). A `via` field joins on from there. */
int sql_locate(struct sql_scope *scope, struct sql_join *join, const struct sf_field *field,
               struct sql_column *column);
/** A name cut to what a message can hold. */
struct cf_str sql_short_name(struct cf_str name);
/** A scope for `object` with FROM started. Free its buffers with sql_scope_done(). */
void sql_scope_init(struct sql_scope *scope, struct sql_compiler *compiler, const struct sf_object *object,
                    struct cf_str alias);
void sql_scope_done(struct sql_scope *scope);
const struct sf_object *sql_from_object(struct sql_compiler *compiler, const struct soql_query *query);
void sql_put_real(struct sql_compiler *compiler, struct cf_buf *out, double real);

/** Appends " AND t0.Id IN (...)" with the records that `cond` can find; false when it does not say which. */
bool sql_candidates(struct sql_scope *scope, const struct soql_cond *cond);
/**
 * Patterns on one field that an OR lists arm by arm become one test with a list of values: with twenty
 * numbers a call per record and field instead of twenty. Changes the tree, not its meaning.
 */
void sql_merge_likes(struct soql_cond *cond);
/** Appends "?n" and keeps the pointer; `kind` is static text. */
void sql_put_pointer(struct sql_compiler *compiler, struct cf_buf *out, void *pointer, const char *kind);
/** Appends the condition to scope->where. */
int sql_filter(struct sql_scope *scope, const struct soql_cond *cond);

#endif
