/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WHERE to SQL. SOQL has no third truth value: a record whose field is null does not equal 'x', so it is
 * found by != 'x' and by NOT (= 'x'). NOT is pushed down to the tests, and each negated test takes nulls in.
 */
#include <stdio.h>

#include "soql_sql_priv.h"

#define CHUNK                                                                                                \
    32 /* arms side by side; longer lists become trees, because SQLite bounds the depth of AND chains */

/* One test on its way to SQL. */
struct test {
    struct sql_scope *scope;
    const struct soql_cond *cond;
    struct sql_column column;
    struct cf_buf *out;
    bool negated;
};

static int reject(const struct test *test, const char *code, size_t pos, const char *fmt, const char *arg)
{
    struct sql_compiler *compiler = test->scope->compiler;

    /* every fmt here has exactly one %s */
    char what[300];

    (void)snprintf(what, sizeof(what), "%s%s", fmt, arg);
    return soql_fail(compiler->fail, code, compiler->text, pos, "%s", what);
}

static int reject_type(const struct test *test, const struct soql_literal *value)
{
    static const char *const names[] = {
        [SF_T_ID] = "string",       [SF_T_REFERENCE] = "string", [SF_T_STRING] = "string",
        [SF_T_PHONE] = "string",    [SF_T_EMAIL] = "string",     [SF_T_PICKLIST] = "string",
        [SF_T_TEXTAREA] = "string", [SF_T_BOOLEAN] = "boolean",  [SF_T_INT] = "int",
        [SF_T_DOUBLE] = "double",   [SF_T_DATE] = "date",        [SF_T_DATETIME] = "dateTime"};
    struct sql_compiler *compiler = test->scope->compiler;
    enum sf_type type = test->column.field->type;
    bool quoted = sf_type_is_text(type) || sf_type_is_id(type);

    return soql_fail(
        compiler->fail, "INVALID_FIELD", compiler->text, value->pos,
        "value of filter criterion for field '%s' must be of type %s and should %sbe enclosed in quotes",
        test->column.field->name, names[type], quoted ? "" : "not ");
}

/* Null, or what SOQL takes for null: the empty text. */
static bool is_null(const struct test *test, const struct soql_literal *value)
{
    return value->kind == SOQL_NULL ||
           (value->kind == SOQL_STRING && value->text.n == 0 && sf_type_is_text(test->column.field->type));
}

static int put_id(const struct test *test, const struct soql_literal *value)
{
    char id[SF_ID_SIZE];
    struct cf_str shown = {value->text.p, value->text.n > 60 ? 60 : value->text.n};

    if (value->kind != SOQL_STRING)
        return reject_type(test, value);
    if (!sf_id_parse(value->text, id)) {
        char copy[64];

        (void)cf_str_copy(copy, sizeof(copy), shown);
        return reject(test, "INVALID_QUERY_FILTER_OPERATOR", value->pos, "invalid ID field: ", copy);
    }
    sql_put_text(test->scope->compiler, test->out, cf_arena_str(test->scope->compiler->arena, cf_str_of(id)));
    return 0;
}

/* A literal that stands for one value, checked against the field. */
static int put_value(const struct test *test, const struct soql_literal *value)
{
    struct sql_compiler *compiler = test->scope->compiler;
    enum sf_type type = test->column.field->type;

    if (sf_type_is_id(type))
        return put_id(test, value);
    if (sf_type_is_text(type) && value->kind == SOQL_STRING)
        sql_put_text(compiler, test->out, value->text);
    else if (type == SF_T_BOOLEAN && value->kind == SOQL_BOOL)
        sql_put_integer(compiler, test->out, value->truth);
    else if ((type == SF_T_INT || type == SF_T_DOUBLE) && value->kind == SOQL_NUMBER)
        sql_put_real(compiler, test->out, value->number);
    else if ((type == SF_T_DATE && value->kind == SOQL_DATE) ||
             (type == SF_T_DATETIME && value->kind == SOQL_DATETIME))
        sql_put_integer(compiler, test->out, value->from_ms);
    else
        return reject_type(test, value);
    return 0;
}

static bool takes_ranges(const struct test *test)
{
    return test->column.field->type == SF_T_DATE || test->column.field->type == SF_T_DATETIME;
}

/* ---- single values ---- */

static enum soql_op opposite(enum soql_op op)
{
    static const enum soql_op opposites[] = {[SOQL_EQ] = SOQL_NE, [SOQL_NE] = SOQL_EQ, [SOQL_LT] = SOQL_GE,
                                             [SOQL_GE] = SOQL_LT, [SOQL_GT] = SOQL_LE, [SOQL_LE] = SOQL_GT};

    return opposites[op];
}

static void put_bound(const struct test *test, const char *op, int64_t ms)
{
    cf_buf_printf(test->out, "%s %s ", test->column.sql, op);
    sql_put_integer(test->scope->compiler, test->out, ms);
}

/* TODAY and the like are spans: < means before it begins, > after it has ended. */
static void compare_range(const struct test *test, enum soql_op op, const struct soql_literal *value)
{
    if (op == SOQL_EQ) {
        put_bound(test, ">=", value->from_ms);
        cf_buf_text(test->out, " AND ");
        put_bound(test, "<", value->until_ms);
    } else if (op == SOQL_NE) {
        put_bound(test, "<", value->from_ms);
        cf_buf_text(test->out, " OR ");
        put_bound(test, ">=", value->until_ms);
    } else if (op == SOQL_LT || op == SOQL_GE) {
        put_bound(test, op == SOQL_LT ? "<" : ">=", value->from_ms);
    } else {
        put_bound(test, op == SOQL_LE ? "<" : ">=", value->until_ms);
    }
}

static int compare(const struct test *test)
{
    static const char *const sql[] = {[SOQL_EQ] = "=",  [SOQL_NE] = "<>", [SOQL_LT] = "<",
                                      [SOQL_LE] = "<=", [SOQL_GT] = ">",  [SOQL_GE] = ">="};
    const struct soql_literal *value = test->cond->value;
    enum soql_op op = test->negated ? opposite(test->cond->op) : test->cond->op;

    if (is_null(test, value)) {
        if (op != SOQL_EQ && op != SOQL_NE)
            return reject(test, "INVALID_QUERY_FILTER_OPERATOR", test->cond->path.pos,
                          "only = and != compare with null, field ", test->column.field->name);
        cf_buf_printf(test->out, "%s IS %sNULL", test->column.sql, op == SOQL_EQ ? "" : "NOT ");
        return 0;
    }
    cf_buf_char(test->out, '(');
    if (value->kind == SOQL_RANGE && takes_ranges(test)) {
        compare_range(test, op, value);
    } else {
        cf_buf_printf(test->out, "%s %s ", test->column.sql, sql[op]);
        if (put_value(test, value) != 0)
            return -1;
    }
    if (test->negated || op == SOQL_NE)
        cf_buf_printf(test->out, " OR %s IS NULL", test->column.sql);
    cf_buf_char(test->out, ')');
    return 0;
}

/* Without wildcards LIKE is =, which an index can serve. */
static bool plain_pattern(struct cf_arena *arena, struct cf_str pattern, struct cf_str *ret_text)
{
    char *out = cf_arena_alloc(arena, pattern.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < pattern.n; i++) {
        if (pattern.p[i] == '%' || pattern.p[i] == '_')
            return false;
        i += pattern.p[i] == '\\';
        out[n++] = pattern.p[i];
    }
    *ret_text = (struct cf_str){out, n};
    return true;
}

/* Patterns that sql_merge_likes() has put together. */
static void put_patterns(const struct test *test)
{
    struct sql_compiler *compiler = test->scope->compiler;
    const struct soql_literal *value;
    struct sf_patterns *patterns;
    size_t n = 0;

    for (value = test->cond->value; value; value = value->next)
        n++;
    patterns = sf_patterns_new(compiler->arena, n);
    for (value = test->cond->value; value; value = value->next)
        sf_patterns_add(patterns, value->text);
    cf_buf_text(test->out, "sf_like_any(");
    sql_put_pointer(compiler, test->out, patterns, SF_PATTERNS);
    cf_buf_printf(test->out, ", %s)", test->column.sql);
}

static int like(const struct test *test)
{
    struct sql_compiler *compiler = test->scope->compiler;
    const struct soql_literal *value = test->cond->value;
    struct cf_str text;

    if (!sf_type_is_text(test->column.field->type)) {
        char what[64];

        (void)snprintf(what, sizeof(what), "%s field", sf_type_label(test->column.field->type));
        return reject(test, "INVALID_QUERY_FILTER_OPERATOR", test->cond->path.pos, "invalid operator on ",
                      what);
    }
    while (value->kind == SOQL_STRING && value->next)
        value = value->next;
    if (value->kind != SOQL_STRING)
        return reject_type(test, value);
    cf_buf_text(test->out, test->negated ? "(NOT (" : "(");
    if (test->cond->value->next) {
        put_patterns(test);
    } else if (plain_pattern(compiler->arena, value->text, &text)) {
        cf_buf_printf(test->out, "%s = ", test->column.sql);
        sql_put_text(compiler, test->out, text);
    } else {
        cf_buf_text(test->out, "sf_like(");
        sql_put_text(compiler, test->out, value->text);
        cf_buf_printf(test->out, ", %s)", test->column.sql);
    }
    if (test->negated)
        cf_buf_printf(test->out, ") OR %s IS NULL", test->column.sql);
    cf_buf_char(test->out, ')');
    return 0;
}

/* ---- lists and subqueries ---- */

static int list_values(const struct test *test, bool *ret_null, unsigned *ret_n)
{
    *ret_n = 0;
    for (const struct soql_literal *value = test->cond->value; value; value = value->next) {
        if (is_null(test, value)) {
            *ret_null = true;
            continue;
        }
        if (value->kind == SOQL_RANGE && takes_ranges(test))
            continue;
        cf_buf_text(test->out, (*ret_n)++ > 0 ? ", " : "");
        if (put_value(test, value) != 0)
            return -1;
    }
    return 0;
}

/* With the records narrowed down already, a set that is asked for each of them is cheaper than SQL's IN. */
static bool in_set(const struct test *test)
{
    struct sql_compiler *compiler = test->scope->compiler;
    struct sf_text_set *set;
    size_t n = 0;

    if (!test->scope->driven || !sf_type_is_text(test->column.field->type))
        return false;
    for (const struct soql_literal *value = test->cond->value; value; value = value->next, n++) {
        if (value->kind != SOQL_STRING || value->text.n == 0)
            return false;
    }
    set = sf_text_set_new(compiler->arena, n);
    for (const struct soql_literal *value = test->cond->value; value; value = value->next)
        sf_text_set_add(set, value->text);
    cf_buf_text(test->out, "sf_in(");
    sql_put_pointer(compiler, test->out, set, SF_TEXT_SET);
    cf_buf_printf(test->out, ", %s)", test->column.sql);
    return true;
}

/* Positive form: col IN (...) [OR col IS NULL] [OR col in a range]...; the caller negates the whole of it. */
static int in_list(const struct test *test)
{
    bool null = false;
    unsigned n;

    if (in_set(test))
        return 0;
    cf_buf_printf(test->out, "%s IN (", test->column.sql);
    if (list_values(test, &null, &n) != 0)
        return -1;
    cf_buf_char(test->out, ')');
    if (null)
        cf_buf_printf(test->out, " OR %s IS NULL", test->column.sql);
    for (const struct soql_literal *value = test->cond->value; value; value = value->next) {
        if (value->kind != SOQL_RANGE || !takes_ranges(test))
            continue;
        cf_buf_text(test->out, " OR (");
        compare_range(test, SOQL_EQ, value);
        cf_buf_char(test->out, ')');
    }
    return 0;
}

static int semi_join_body(const struct test *test, struct sql_scope *inner, const struct soql_query *query)
{
    struct sql_compiler *compiler = test->scope->compiler;
    const struct soql_item *item = query->items;
    struct sql_column column;

    if (item->kind != SOQL_FIELD || item->next)
        return soql_fail(compiler->fail, "MALFORMED_QUERY", compiler->text, item->pos,
                         "a semi join sub-select must select exactly one field");
    if (sql_resolve(inner, &item->path, &column) != 0)
        return -1;
    if (!sf_type_is_id(column.field->type) || !sf_type_is_id(test->column.field->type))
        return soql_fail(compiler->fail, "MALFORMED_QUERY", compiler->text, item->pos,
                         "The left and the inner field of a semi join must be id or reference fields");
    cf_buf_printf(&inner->where, "%s IS NOT NULL AND t%u.IsDeleted = 0", column.sql, inner->table);
    if (query->where) {
        cf_buf_text(&inner->where, " AND (");
        if (sql_filter(inner, query->where) != 0)
            return -1;
        cf_buf_char(&inner->where, ')');
    }
    cf_buf_printf(test->out, "%s IN (SELECT %s FROM ", test->column.sql, column.sql);
    cf_buf_str(test->out, cf_buf_view(&inner->from));
    cf_buf_text(test->out, " WHERE ");
    cf_buf_str(test->out, cf_buf_view(&inner->where));
    cf_buf_char(test->out, ')');
    return 0;
}

static int semi_join(const struct test *test)
{
    struct sql_compiler *compiler = test->scope->compiler;
    const struct soql_query *query = test->cond->semi_join;
    const struct sf_object *object = sql_from_object(compiler, query);
    struct sql_scope inner;
    int failed;

    if (!object)
        return -1;
    sql_scope_init(&inner, compiler, object, query->alias);
    failed = semi_join_body(test, &inner, query);
    sql_scope_done(&inner);
    return failed;
}

static int in(const struct test *test)
{
    bool negated = test->negated != (test->cond->op == SOQL_NOT_IN);

    cf_buf_text(test->out, negated ? "NOT ifnull(" : "(");
    if ((test->cond->semi_join ? semi_join(test) : in_list(test)) != 0)
        return -1;
    cf_buf_text(test->out, negated ? ", 0)" : ")");
    return 0;
}

/* ---- the tree ---- */

static int put_test(struct sql_scope *scope, const struct soql_cond *cond, bool negated)
{
    struct test test = {.scope = scope, .cond = cond, .out = &scope->where, .negated = negated};

    if (sql_resolve(scope, &cond->path, &test.column) != 0)
        return -1;
    if (test.column.field->flags & (SF_LONG | SF_WRITE_ONLY)) {
        struct sql_compiler *compiler = scope->compiler;

        return soql_fail(compiler->fail, "INVALID_FIELD", compiler->text, cond->path.pos,
                         "field '%s' can not be filtered in a query call", test.column.field->name);
    }
    if (test.column.field->type == SF_T_BOOLEAN && cond->op != SOQL_EQ && cond->op != SOQL_NE)
        return reject(&test, "INVALID_QUERY_FILTER_OPERATOR", cond->path.pos, "invalid operator on ",
                      "boolean field");
    if (cond->op == SOQL_IN || cond->op == SOQL_NOT_IN)
        return in(&test);
    return cond->op == SOQL_LIKE ? like(&test) : compare(&test);
}

static int put_cond(struct sql_scope *scope, const struct soql_cond *cond, bool negated);

/* Arms from..until-1, as a tree of CHUNK-wide nodes. Recurses log(n) deep. */
static int put_arms(struct sql_scope *scope, const struct soql_cond *cond, bool negated, size_t from,
                    size_t until)
{
    const char *word = (cond->kind == SOQL_AND) != negated ? " AND " : " OR ";
    size_t step = 1;

    while (step * CHUNK < until - from)
        step *= CHUNK;
    for (size_t i = from; i < until; i += step) {
        size_t end = i + step < until ? i + step : until;

        cf_buf_text(&scope->where, i > from ? word : "");
        cf_buf_text(&scope->where, step > 1 ? "(" : "");
        if ((step > 1 ? put_arms(scope, cond, negated, i, end) : put_cond(scope, cond->arm[i], negated)) != 0)
            return -1;
        cf_buf_text(&scope->where, step > 1 ? ")" : "");
    }
    return 0;
}

static int put_cond(struct sql_scope *scope, const struct soql_cond *cond, bool negated)
{
    if (cond->kind == SOQL_TEST)
        return put_test(scope, cond, negated);
    if (cond->kind == SOQL_NOT)
        return put_cond(scope, cond->arm[0], !negated);
    cf_buf_char(&scope->where, '(');
    if (put_arms(scope, cond, negated, 0, cond->n_arms) != 0)
        return -1;
    cf_buf_char(&scope->where, ')');
    return 0;
}

int sql_filter(struct sql_scope *scope, const struct soql_cond *cond)
{
    return put_cond(scope, cond, false);
}
