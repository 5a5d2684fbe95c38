/* SPDX-License-Identifier: Apache-2.0 */
#include "soql_sql.h"

#include <stdio.h>

#include "soql_sql_priv.h"

#define FIELDS_ALL_LIMIT 200

/* ---- the SELECT list ---- */

static int add_column(struct sql_scope *scope, const char *sql)
{
    cf_buf_printf(&scope->columns, "%s%s", scope->n_columns > 0 ? ", " : "", sql);
    return scope->n_columns++;
}

static struct sql_entry *add_entry(struct sql_scope *scope, struct sql_node *node, const char *name)
{
    struct sql_entry *entry = cf_arena_zalloc(scope->compiler->arena, sizeof(*entry));

    entry->name = name;
    entry->column = -1;
    *node->tail = entry;
    node->tail = &entry->next;
    return entry;
}

static void init_node(struct sql_scope *scope, struct sql_node *node, const struct sf_object *object,
                      unsigned table)
{
    char sql[32];

    *node = (struct sql_node){.object = object, .type_column = -1};
    node->tail = &node->entries;
    (void)snprintf(sql, sizeof(sql), "t%u.Id", table);
    node->id_column = add_column(scope, sql);
    if (object == sf_object_name()) {
        (void)snprintf(sql, sizeof(sql), "t%u.Type", table);
        node->type_column = add_column(scope, sql);
    }
}

static struct sql_node *node_of(struct sql_scope *scope, struct sql_node *root, struct sql_join *join)
{
    struct sql_node *above = root;

    if (!join)
        return root;
    if (join->node)
        return join->node;
    for (struct sql_join *up = scope->joins; up; up = up->next) {
        if (up->table == join->from)
            above = node_of(scope, root, up);
    }
    join->node = cf_arena_alloc(scope->compiler->arena, sizeof(*join->node));
    init_node(scope, join->node, join->object, join->table);
    add_entry(scope, above, join->field->relation)->parent = join->node;
    return join->node;
}

static int add_field(struct sql_scope *scope, struct sql_node *node, const struct sql_column *column,
                     size_t pos)
{
    struct sql_compiler *compiler = scope->compiler;
    struct sql_entry *entry;

    for (entry = node->entries; entry; entry = entry->next) {
        if (entry->field == column->field)
            return soql_fail(compiler->fail, "INVALID_FIELD", compiler->text, pos,
                             "duplicate field selected: %s", column->field->name);
    }
    entry = add_entry(scope, node, column->field->name);
    entry->field = column->field;
    entry->column = add_column(scope, column->sql);
    return 0;
}

static int select_field(struct sql_scope *scope, struct sql_node *root, const struct soql_item *item)
{
    struct sql_column column;
    struct sql_join *join;

    if (item->alias.n > 0)
        return soql_fail(scope->compiler->fail, "MALFORMED_QUERY", scope->compiler->text, item->pos,
                         "only aggregate expressions use field aliasing");
    if (sql_resolve_join(scope, &item->path, &join, &column) != 0)
        return -1;
    return add_field(scope, node_of(scope, root, join), &column, item->pos);
}

static int select_fields(struct sql_scope *scope, struct sql_node *root, const struct soql_item *item,
                         const struct soql_query *query)
{
    struct sql_compiler *compiler = scope->compiler;

    if (item->fields != SOQL_FIELDS_STANDARD && (query->limit < 0 || query->limit > FIELDS_ALL_LIMIT))
        return soql_fail(compiler->fail, "MALFORMED_QUERY", compiler->text, item->pos,
                         "The SOQL FIELDS function must have a LIMIT of at most %d", FIELDS_ALL_LIMIT);
    for (size_t i = 0; i < scope->object->n_fields; i++) {
        const struct sf_field *field = &scope->object->fields[i];
        bool custom = (field->flags & SF_CUSTOM) != 0;
        struct sql_column column;

        if ((field->flags & SF_HIDDEN) || (item->fields == SOQL_FIELDS_CUSTOM && !custom) ||
            (item->fields == SOQL_FIELDS_STANDARD && custom))
            continue;
        if (sql_locate(scope, NULL, field, &column) != 0 || add_field(scope, root, &column, item->pos) != 0)
            return -1;
    }
    return 0;
}

static struct sql_plan *compile(struct sql_compiler *compiler, const struct soql_query *query,
                                const struct sf_object *object, const char *parent_field);

/* A child query runs once per parent record: its parameter 1 is the parent's id. */
static int select_children(struct sql_scope *scope, struct sql_node *root, const struct soql_item *item)
{
    struct sql_compiler *outer = scope->compiler;
    const struct sf_child *child = sf_child_find(scope->object, item->children->from);
    struct sql_opts opts = {.include_deleted = outer->opts->include_deleted, .rows = SF_BATCH_MAX};
    struct sql_compiler inner = {
        .arena = outer->arena, .text = outer->text, .fail = outer->fail, .opts = &opts};
    struct sql_plan *plan;

    if (!child)
        return soql_fail(outer->fail, "INVALID_TYPE", outer->text, item->children->from_pos,
                         "Didn't understand relationship '%.*s' in FROM part of query call.",
                         CF_STR_FMT(sql_short_name(item->children->from)));
    plan = compile(&inner, item->children, sf_object_find(cf_str_of(child->child)), child->field);
    if (!plan)
        return -1;
    if (plan->counts || plan->aggregate)
        return soql_fail(outer->fail, "MALFORMED_QUERY", outer->text, item->pos,
                         "aggregate functions are not supported in a child query");
    add_entry(scope, root, child->relation)->children = plan;
    return 0;
}

static int select_items(struct sql_scope *scope, struct sql_plan *plan, const struct soql_query *query)
{
    int failed = 0;

    init_node(scope, &plan->root, scope->object, scope->table);
    for (const struct soql_item *item = query->items; item && failed == 0; item = item->next) {
        if (item->kind == SOQL_FIELDS)
            failed = select_fields(scope, &plan->root, item, query);
        else if (item->kind == SOQL_CHILDREN)
            failed = select_children(scope, &plan->root, item);
        else
            failed = select_field(scope, &plan->root, item);
    }
    return failed;
}

/* ---- aggregates ---- */

static bool is_grouped(struct sql_scope *scope, const struct soql_query *query,
                       const struct sql_column *column)
{
    struct sql_column other;

    for (size_t i = 0; i < query->n_group; i++) {
        if (sql_resolve(scope, &query->group[i], &other) == 0 && strcmp(other.sql, column->sql) == 0)
            return true;
    }
    return false;
}

static int select_aggregate(struct sql_scope *scope, struct sql_plan *plan, const struct soql_item *item,
                            const struct soql_query *query, unsigned *expression)
{
    static const char *const before[] = {"count(", "count(DISTINCT ", "sum(", "avg(", "min(", "max("};
    struct sql_compiler *compiler = scope->compiler;
    struct sql_column column;
    struct sql_entry *entry;
    char sql[120];

    if (item->kind != SOQL_AGGREGATE && item->kind != SOQL_FIELD)
        return soql_fail(compiler->fail, "MALFORMED_QUERY", compiler->text, item->pos,
                         "this is not allowed together with aggregates");
    if (sql_resolve(scope, &item->path, &column) != 0)
        return -1;
    if (item->kind == SOQL_FIELD && !is_grouped(scope, query, &column))
        return soql_fail(compiler->fail, "MALFORMED_QUERY", compiler->text, item->pos,
                         "Field must be grouped or aggregated: %s", column.field->name);
    if ((item->function == SOQL_SUM || item->function == SOQL_AVG) && item->kind == SOQL_AGGREGATE &&
        column.field->type != SF_T_INT && column.field->type != SF_T_DOUBLE)
        return soql_fail(compiler->fail, "MALFORMED_QUERY", compiler->text, item->pos,
                         "field %s does not support aggregate operator", column.field->name);
    (void)snprintf(sql, sizeof(sql), "%s%s%s", item->kind == SOQL_FIELD ? "" : before[item->function],
                   column.sql, item->kind == SOQL_FIELD ? "" : ")");
    entry = add_entry(scope, &plan->root, column.field->name);
    if (item->alias.n > 0)
        entry->name = cf_arena_cstr(compiler->arena, item->alias);
    else if (item->kind == SOQL_AGGREGATE)
        entry->name = cf_arena_printf(compiler->arena, "expr%u", (*expression)++).p;
    if (item->kind == SOQL_FIELD || item->function >= SOQL_MIN)
        entry->field = column.field;
    entry->column = add_column(scope, sql);
    return 0;
}

static int select_aggregates(struct sql_scope *scope, struct sql_plan *plan, const struct soql_query *query)
{
    unsigned expression = 0;

    plan->aggregate = true;
    plan->root = (struct sql_node){.object = scope->object, .id_column = -1, .type_column = -1};
    plan->root.tail = &plan->root.entries;
    for (const struct soql_item *item = query->items; item; item = item->next) {
        if (select_aggregate(scope, plan, item, query, &expression) != 0)
            return -1;
    }
    return 0;
}

static bool wants_aggregates(const struct soql_query *query)
{
    for (const struct soql_item *item = query->items; item; item = item->next) {
        if (item->kind == SOQL_AGGREGATE)
            return true;
    }
    return query->n_group > 0;
}

static int select_list(struct sql_scope *scope, struct sql_plan *plan, const struct soql_query *query)
{
    struct sql_compiler *compiler = scope->compiler;

    if (query->items->kind == SOQL_COUNT_ALL) {
        if (query->items->next || query->n_group > 0)
            return soql_fail(compiler->fail, "MALFORMED_QUERY", compiler->text, query->items->pos,
                             "COUNT() must be the only element of the SELECT list");
        plan->counts = true;
        (void)add_column(scope, "count(*)");
        return 0;
    }
    if (wants_aggregates(query))
        return select_aggregates(scope, plan, query);
    if (compiler->opts->ids_only) {
        cf_buf_printf(&scope->columns, "t%u.Id", scope->table);
        return 0;
    }
    return select_items(scope, plan, query);
}

/* ---- the statement ---- */

static int order_by(struct sql_scope *scope, const struct soql_query *query)
{
    struct sql_compiler *compiler = scope->compiler;

    for (const struct soql_order *order = query->order; order; order = order->next) {
        struct sql_column column;

        if (sql_resolve(scope, &order->path, &column) != 0)
            return -1;
        if (column.field->flags & SF_LONG)
            return soql_fail(compiler->fail, "MALFORMED_QUERY", compiler->text, order->path.pos,
                             "field '%s' can not be sorted in a query call", column.field->name);
        cf_buf_printf(&scope->order, "%s%s NULLS %s, ", column.sql, order->descending ? " DESC" : "",
                      order->nulls_last ? "LAST" : "FIRST");
    }
    return 0;
}

static int group_by(struct sql_scope *scope, const struct soql_query *query)
{
    for (size_t i = 0; i < query->n_group; i++) {
        struct sql_column column;

        if (sql_resolve(scope, &query->group[i], &column) != 0)
            return -1;
        cf_buf_printf(&scope->where, "%s%s", i == 0 ? " GROUP BY " : ", ", column.sql);
    }
    return 0;
}

static int where(struct sql_scope *scope, const struct soql_query *query, const char *parent_field)
{
    struct sql_compiler *compiler = scope->compiler;
    const struct sql_opts *opts = compiler->opts;
    char id[32];

    cf_buf_printf(&scope->where, opts->include_deleted ? "1" : "t%u.IsDeleted = 0", scope->table);
    if (parent_field) {
        cf_buf_printf(&scope->where, " AND t%u.\"%s\" = ", scope->table, parent_field);
        sql_put_text(compiler, &scope->where, (struct cf_str){0});
    }
    if (opts->filter) {
        (void)snprintf(id, sizeof(id), "t%u.Id", scope->table);
        cf_buf_text(&scope->where, " AND ");
        opts->filter(opts->filter_arg, compiler, &scope->where, id);
    }
    if (query->where) {
        scope->driven = sql_candidates(scope, query->where);
        if (scope->driven)
            sql_merge_likes(query->where);
        cf_buf_text(&scope->where, " AND (");
        if (sql_filter(scope, query->where) != 0)
            return -1;
        cf_buf_char(&scope->where, ')');
    }
    return group_by(scope, query);
}

static void limit(struct sql_scope *scope, const struct soql_query *query, struct cf_buf *out)
{
    const struct sql_opts *opts = scope->compiler->opts;
    int64_t rows = query->limit;

    if (opts->rows > 0 && (rows < 0 || rows > opts->rows))
        rows = opts->rows;
    if (rows >= 0 || query->offset > 0) {
        cf_buf_text(out, " LIMIT ");
        sql_put_integer(scope->compiler, out, rows);
    }
    if (query->offset > 0) {
        cf_buf_text(out, " OFFSET ");
        sql_put_integer(scope->compiler, out, query->offset);
    }
}

static void cursor_page(struct sql_scope *scope, struct cf_buf *out)
{
    struct sql_compiler *compiler = scope->compiler;

    cf_buf_printf(out, " WHERE t%u.Id = c.record_id AND c.locator = ", scope->table);
    sql_put_text(compiler, out, cf_str_of(compiler->opts->cursor));
    cf_buf_text(out, " AND c.position >= ");
    sql_put_integer(compiler, out, compiler->opts->first);
    cf_buf_text(out, " AND c.position < ");
    sql_put_integer(compiler, out, compiler->opts->first + compiler->opts->rows);
    cf_buf_text(out, " ORDER BY c.position");
}

/* The id breaks ties, so that the same data gives the same answer. */
static void sort(struct sql_scope *scope, const struct sql_plan *plan, struct cf_buf *out)
{
    if (plan->aggregate && scope->order.n == 0)
        return;
    cf_buf_text(out, " ORDER BY ");
    cf_buf_str(out, cf_buf_view(&scope->order)); /* ends in a comma */
    if (plan->aggregate)
        cf_buf_char(out, '1');
    else
        cf_buf_printf(out, "t%u.Id", scope->table);
}

static int assemble(struct sql_scope *scope, struct sql_plan *plan, const struct soql_query *query)
{
    struct sql_compiler *compiler = scope->compiler;
    struct cf_buf sql;

    cf_buf_init(&sql, SQL_MAX_BYTES);
    cf_buf_text(&sql, "SELECT ");
    cf_buf_str(&sql, cf_buf_view(&scope->columns));
    cf_buf_text(&sql, compiler->opts->cursor ? " FROM sf_cursor c JOIN " : " FROM ");
    cf_buf_str(&sql, cf_buf_view(&scope->from));
    if (compiler->opts->cursor) {
        cursor_page(scope, &sql);
    } else {
        cf_buf_text(&sql, " WHERE ");
        cf_buf_str(&sql, cf_buf_view(&scope->where));
    }
    if (!compiler->opts->cursor && !plan->counts) {
        sort(scope, plan, &sql);
        limit(scope, query, &sql);
    }
    plan->sql = cf_arena_cstr(compiler->arena, cf_buf_view(&sql));
    if (sql.full || scope->where.full || scope->from.full || scope->columns.full || scope->order.full)
        (void)sf_fail_set(compiler->fail, 400, "QUERY_TOO_COMPLICATED", NULL, "Query is too complicated");
    cf_buf_done(&sql);
    return compiler->fail->status ? -1 : 0;
}

static struct sql_plan *compile(struct sql_compiler *compiler, const struct soql_query *query,
                                const struct sf_object *object, const char *parent_field)
{
    struct sql_plan *plan = cf_arena_zalloc(compiler->arena, sizeof(*plan));
    struct sql_scope scope;
    int failed;

    if (query->offset > SOQL_MAX_OFFSET) {
        (void)sf_fail_set(compiler->fail, 400, "NUMBER_OUTSIDE_VALID_RANGE", NULL,
                          "Maximum SOQL offset allowed is %d", SOQL_MAX_OFFSET);
        return NULL;
    }
    sql_scope_init(&scope, compiler, object, query->alias);
    plan->limit = query->limit;
    failed = select_list(&scope, plan, query);
    if (failed == 0 && !compiler->opts->cursor)
        failed = where(&scope, query, parent_field) != 0 || order_by(&scope, query) != 0;
    if (failed == 0)
        failed = assemble(&scope, plan, query);
    sql_scope_done(&scope);
    plan->values = compiler->values;
    plan->n_values = compiler->n_values;
    return failed == 0 ? plan : NULL;
}

struct sql_plan *sql_compile(struct cf_arena *arena, struct cf_str text, const struct soql_query *query,
                             const struct sql_opts *opts, struct sf_fail *fail)
{
    struct sql_compiler compiler = {.arena = arena, .text = text, .fail = fail, .opts = opts};
    const struct sf_object *object = sql_from_object(&compiler, query);

    return object ? compile(&compiler, query, object, NULL) : NULL;
}
