/* SPDX-License-Identifier: Apache-2.0 */
#include "soql_run.h"

#include <stdio.h>

/* Running children: one statement per child query of the plan, used again for every parent record. */
#define MAX_CHILDREN 20

struct run {
    struct sf_store *store;
    struct sf_fail *fail;
    const struct sql_plan *child[MAX_CHILDREN];
    sqlite3_stmt *child_stmt[MAX_CHILDREN];
    size_t n_children;
};

static int records(struct run *run, const struct sql_plan *plan, sqlite3_stmt *stmt, json_t **ret_records);

static void bind_values(sqlite3_stmt *stmt, const struct sql_plan *plan)
{
    for (unsigned i = 0; i < plan->n_values; i++) {
        const struct sql_value *value = &plan->values[i];
        int at = (int)i + 1;

        if (value->kind == SQL_INTEGER)
            (void)sqlite3_bind_int64(stmt, at, value->integer);
        else if (value->kind == SQL_REAL)
            (void)sqlite3_bind_double(stmt, at, value->real);
        else if (value->kind == SQL_POINTER)
            (void)sqlite3_bind_pointer(stmt, at, value->pointer, value->pointer_kind, NULL);
        else if (value->text.p)
            (void)sqlite3_bind_text(stmt, at, value->text.p, (int)value->text.n, SQLITE_TRANSIENT);
    }
}

sqlite3_stmt *soql_run_prepare(struct sf_store *store, const struct sql_plan *plan, struct sf_fail *fail)
{
    sqlite3_stmt *stmt = sf_db_try(store, plan->sql);

    if (!stmt) {
        (void)sf_fail_set(fail, 400, "QUERY_TOO_COMPLICATED", NULL, "Query is too complicated");
        return NULL;
    }
    bind_values(stmt, plan);
    return stmt;
}

json_t *soql_run_result(json_t *list)
{
    json_t *result = json_object();

    json_object_set_new(result, "totalSize", json_integer((json_int_t)json_array_size(list)));
    json_object_set_new(result, "done", json_true());
    json_object_set_new(result, "records", list);
    return result;
}

static json_t *attributes(const struct run *run, const char *type, const char *id)
{
    json_t *object = json_object();

    json_object_set_new(object, "type", json_string(type));
    if (id)
        json_object_set_new(object, "url",
                            json_sprintf("/services/data/%s/sobjects/%s/%s", run->store->version, type, id));
    return object;
}

static sqlite3_stmt *child_stmt(struct run *run, const struct sql_plan *plan)
{
    size_t i = 0;

    while (i < run->n_children && run->child[i] != plan)
        i++;
    if (i == run->n_children) {
        if (i == MAX_CHILDREN) {
            (void)sf_fail_set(run->fail, 400, "MALFORMED_QUERY", NULL, "more than %d child queries",
                              MAX_CHILDREN);
            return NULL;
        }
        run->child_stmt[i] = soql_run_prepare(run->store, plan, run->fail);
        if (!run->child_stmt[i])
            return NULL;
        run->child[i] = plan;
        run->n_children++;
    }
    return run->child_stmt[i];
}

/* Children of the record with this id: a result of their own, or null when there are none. */
static int children(struct run *run, const struct sql_plan *plan, const char *id, json_t **ret_value)
{
    sqlite3_stmt *stmt = child_stmt(run, plan);
    json_t *list = NULL;
    int failed;

    if (!stmt)
        return -1;
    sf_db_bind(stmt, 1, id);
    failed = records(run, plan, stmt, &list);
    (void)sqlite3_reset(stmt);
    if (failed != 0)
        return -1;
    if (json_array_size(list) > 0) {
        *ret_value = soql_run_result(list);
    } else {
        json_decref(list);
        *ret_value = json_null();
    }
    return 0;
}

static int record(struct run *run, const struct sql_node *node, sqlite3_stmt *stmt, json_t **ret_record)
{
    const char *id = (const char *)sqlite3_column_text(stmt, node->id_column);
    json_t *object;

    if (!id) {
        *ret_record = json_null();
        return 0;
    }
    object = json_object();
    json_object_set_new(object, "attributes",
                        attributes(run,
                                   node->type_column >= 0
                                       ? (const char *)sqlite3_column_text(stmt, node->type_column)
                                       : node->object->name,
                                   id));
    for (const struct sql_entry *entry = node->entries; entry; entry = entry->next) {
        json_t *value = NULL;
        int failed = 0;

        if (entry->parent)
            failed = record(run, entry->parent, stmt, &value);
        else if (entry->children)
            failed = children(run, entry->children, id, &value);
        else
            value = sf_value_json(entry->field, stmt, entry->column);
        if (failed != 0) {
            json_decref(object);
            return -1;
        }
        json_object_set_new(object, entry->name, value);
    }
    *ret_record = object;
    return 0;
}

static json_t *aggregate(const struct run *run, const struct sql_node *node, sqlite3_stmt *stmt)
{
    json_t *object = json_object();

    json_object_set_new(object, "attributes", attributes(run, "AggregateResult", NULL));
    for (const struct sql_entry *entry = node->entries; entry; entry = entry->next) {
        json_t *value;

        if (entry->field)
            value = sf_value_json(entry->field, stmt, entry->column);
        else if (sqlite3_column_type(stmt, entry->column) == SQLITE_FLOAT)
            value = json_real(sqlite3_column_double(stmt, entry->column));
        else if (sqlite3_column_type(stmt, entry->column) == SQLITE_NULL)
            value = json_null();
        else
            value = json_integer(sqlite3_column_int64(stmt, entry->column));
        json_object_set_new(object, entry->name, value);
    }
    return object;
}

static int records(struct run *run, const struct sql_plan *plan, sqlite3_stmt *stmt, json_t **ret_records)
{
    json_t *list = json_array();

    while (sf_db_step(run->store, stmt)) {
        json_t *one = NULL;

        if (plan->aggregate) {
            one = aggregate(run, &plan->root, stmt);
        } else if (record(run, &plan->root, stmt, &one) != 0) {
            json_decref(list);
            return -1;
        }
        json_array_append_new(list, one);
    }
    *ret_records = list;
    return 0;
}

int soql_run_records(struct sf_store *store, const struct sql_plan *plan, json_t **ret_records,
                     struct sf_fail *fail)
{
    struct run run = {.store = store, .fail = fail};
    sqlite3_stmt *stmt = soql_run_prepare(store, plan, fail);
    int failed;

    if (!stmt)
        return -1;
    failed = records(&run, plan, stmt, ret_records);
    for (size_t i = 0; i < run.n_children; i++)
        sf_db_release(store, run.child_stmt[i]);
    sf_db_release(store, stmt);
    return failed;
}
