/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters, scopes and paths: from Contact.Account.Name to a joined column. */
#include <stdio.h>

#include "soql_sql_priv.h"

#define NO_COLUMN                                                                                            \
    "No such column '%.*s' on entity '%s'. If you are attempting to use a custom field, be sure to append "  \
    "the "                                                                                                   \
    "'__c' after the custom field name. Please reference your WSDL or the describe call for the "            \
    "appropriate "                                                                                           \
    "names."
#define NO_RELATION                                                                                          \
    "Didn't understand relationship '%.*s' in field path. If you are attempting to use a custom "            \
    "relationship, "                                                                                         \
    "be sure to append the '__r' after the custom relationship name."
#define NO_TYPE                                                                                              \
    "sObject type '%.*s' is not supported. If you are attempting to use a custom object, be sure to append " \
    "the "                                                                                                   \
    "'__c' after the entity name. Please reference your WSDL or the describe call for the appropriate "      \
    "names."

struct cf_str sql_short_name(struct cf_str name)
{
    return (struct cf_str){name.p, name.n > 60 ? 60 : name.n};
}

static struct sql_value *new_value(struct sql_compiler *compiler, struct cf_buf *out)
{
    if (compiler->n_values == compiler->size_values) {
        unsigned size = compiler->size_values ? 2 * compiler->size_values : 16;
        struct sql_value *grown = cf_arena_zalloc(compiler->arena, size * sizeof(*grown));

        if (compiler->n_values > 0)
            memcpy(grown, compiler->values, compiler->n_values * sizeof(*grown));
        compiler->values = grown;
        compiler->size_values = size;
    }
    cf_buf_printf(out, "?%u", compiler->n_values + 1);
    return &compiler->values[compiler->n_values++];
}

void sql_put_text(struct sql_compiler *compiler, struct cf_buf *out, struct cf_str text)
{
    *new_value(compiler, out) = (struct sql_value){.kind = SQL_TEXT, .text = text};
}

void sql_put_integer(struct sql_compiler *compiler, struct cf_buf *out, int64_t integer)
{
    *new_value(compiler, out) = (struct sql_value){.kind = SQL_INTEGER, .integer = integer};
}

void sql_put_pointer(struct sql_compiler *compiler, struct cf_buf *out, void *pointer, const char *kind)
{
    *new_value(compiler, out) =
        (struct sql_value){.kind = SQL_POINTER, .pointer = pointer, .pointer_kind = kind};
}

void sql_put_real(struct sql_compiler *compiler, struct cf_buf *out, double real)
{
    *new_value(compiler, out) = (struct sql_value){.kind = SQL_REAL, .real = real};
}

void sql_scope_init(struct sql_scope *scope, struct sql_compiler *compiler, const struct sf_object *object,
                    struct cf_str alias)
{
    *scope = (struct sql_scope){.compiler = compiler, .object = object, .alias = alias};
    scope->joins_tail = &scope->joins;
    scope->table = compiler->n_tables++;
    cf_buf_init(&scope->columns, SQL_MAX_BYTES);
    cf_buf_init(&scope->from, SQL_MAX_BYTES);
    cf_buf_init(&scope->where, SQL_MAX_BYTES);
    cf_buf_init(&scope->order, SQL_MAX_BYTES);
    cf_buf_printf(&scope->from, "\"o_%s\" t%u", object->name, scope->table);
}

void sql_scope_done(struct sql_scope *scope)
{
    cf_buf_done(&scope->columns);
    cf_buf_done(&scope->from);
    cf_buf_done(&scope->where);
    cf_buf_done(&scope->order);
}

const struct sf_object *sql_from_object(struct sql_compiler *compiler, const struct soql_query *query)
{
    const struct sf_object *object = sf_object_find(query->from);

    if (!object)
        (void)soql_fail(compiler->fail, "INVALID_TYPE", compiler->text, query->from_pos, NO_TYPE,
                        CF_STR_FMT(sql_short_name(query->from)));
    return object;
}

/* ---- paths ---- */

static struct sql_join *find_join(struct sql_scope *scope, unsigned from, const struct sf_field *field)
{
    for (struct sql_join *join = scope->joins; join; join = join->next) {
        if (join->from == from && join->field == field)
            return join;
    }
    return NULL;
}

static struct sql_join *join_parent(struct sql_scope *scope, unsigned from, const struct sf_field *field)
{
    struct sql_join *join = find_join(scope, from, field);

    if (join || scope->n_joins == SQL_MAX_JOINS)
        return join;
    join = cf_arena_zalloc(scope->compiler->arena, sizeof(*join));
    join->from = from;
    join->table = scope->compiler->n_tables++;
    join->field = field;
    join->object = sf_field_target(field);
    cf_buf_printf(&scope->from, " LEFT JOIN \"o_%s\" t%u ON t%u.Id = t%u.\"%s\"", join->object->name,
                  join->table, join->table, from, field->name);
    *scope->joins_tail = join;
    scope->joins_tail = &join->next;
    scope->n_joins++;
    return join;
}

/* A path may start with the object's alias or, unless that is a relation too, its name. */
static unsigned skip_alias(const struct sql_scope *scope, const struct soql_path *path)
{
    struct cf_str first = path->part[0];

    if (path->n < 2)
        return 0;
    if (scope->alias.n > 0 && cf_str_eq_nocase(first, scope->alias))
        return 1;
    return !sf_field_of_relation(scope->object, first) &&
           cf_str_eq_nocase(first, cf_str_of(scope->object->name));
}

/* Walks the relations of a path. *ret_join stays NULL for a field of the scope's own object. */
static int walk(struct sql_scope *scope, const struct soql_path *path, struct sql_join **ret_join)
{
    struct sql_compiler *compiler = scope->compiler;
    const struct sf_object *object = scope->object;
    struct sql_join *join = NULL;

    for (unsigned i = skip_alias(scope, path); i + 1 < path->n; i++) {
        const struct sf_field *field = sf_field_of_relation(object, path->part[i]);

        if (!field)
            return soql_fail(compiler->fail, "INVALID_FIELD", compiler->text, path->pos, NO_RELATION,
                             CF_STR_FMT(sql_short_name(path->part[i])));
        join = join_parent(scope, join ? join->table : scope->table, field);
        if (!join)
            return soql_fail(compiler->fail, "MALFORMED_QUERY", compiler->text, path->pos,
                             "more than %d relationships in one query", SQL_MAX_JOINS);
        object = join->object;
    }
    *ret_join = join;
    return 0;
}

static struct soql_path split_path(struct cf_arena *arena, const char *dotted, size_t pos)
{
    const char *dot = strchr(dotted, '.');
    struct soql_path path = {.part = cf_arena_alloc(arena, 2 * sizeof(struct cf_str)), .n = 2, .pos = pos};

    path.part[0] = (struct cf_str){dotted, (size_t)(dot - dotted)};
    path.part[1] = cf_str_of(dot + 1);
    return path;
}

/* `table` is where the field's object stands; a `via` field joins on from there. */
int sql_locate(struct sql_scope *scope, struct sql_join *join, const struct sf_field *field,
               struct sql_column *column)
{
    unsigned table = join ? join->table : scope->table;

    column->object = join ? join->object : scope->object;
    column->field = field;
    if (field->flags & SF_WRITE_ONLY) {
        (void)snprintf(column->sql, sizeof(column->sql), "NULL");
        return 0;
    }
    if (field->via) {
        struct soql_path via = split_path(scope->compiler->arena, field->via, 0);
        const struct sf_field *relation = sf_field_of_relation(column->object, via.part[0]);
        struct sql_join *parent = join_parent(scope, table, relation);

        if (!parent)
            return sf_fail_set(scope->compiler->fail, 400, "MALFORMED_QUERY", NULL, "too many relationships");
        table = parent->table;
        field = sf_field_find(parent->object, via.part[1]);
    }
    (void)snprintf(column->sql, sizeof(column->sql), "t%u.\"%s\"", table, field->name);
    return 0;
}

int sql_resolve_join(struct sql_scope *scope, const struct soql_path *path, struct sql_join **ret_join,
                     struct sql_column *ret_column)
{
    struct sql_compiler *compiler = scope->compiler;
    struct cf_str last = path->part[path->n - 1];
    const struct sf_object *object;
    const struct sf_field *field;

    *ret_join = NULL;
    if (walk(scope, path, ret_join) != 0)
        return -1;
    object = *ret_join ? (*ret_join)->object : scope->object;
    field = sf_field_find(object, last);
    if (!field)
        return soql_fail(compiler->fail, "INVALID_FIELD", compiler->text, path->pos, NO_COLUMN,
                         CF_STR_FMT(sql_short_name(last)), object->name);
    return sql_locate(scope, *ret_join, field, ret_column);
}

int sql_resolve(struct sql_scope *scope, const struct soql_path *path, struct sql_column *ret_column)
{
    struct sql_join *join;

    return sql_resolve_join(scope, path, &join, ret_column);
}
