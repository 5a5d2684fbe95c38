/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries and their pages. A result that fits one page is read directly. A longer one first stores the ids of
 * all its records under a locator, so that later pages show the same set in the same order, whatever is
 * written meanwhile; records deleted since are left out.
 */
#include <stdio.h>
#include <stdlib.h>

#include "soql_run.h"

#define LOCATOR_PREFIX "01g"

struct query {
    struct sf_store *store;
    struct cf_arena *arena;
    struct cf_str text;
    const struct soql_query *tree;
    uint32_t batch;
    bool deleted;
    struct sf_fail *fail;
};

static uint32_t batch_size(const struct sf_query_opts *opts)
{
    uint32_t size = opts && opts->batch_size > 0 ? opts->batch_size : SF_BATCH_DEFAULT;

    return size < SF_BATCH_MIN ? SF_BATCH_MIN : size > SF_BATCH_MAX ? SF_BATCH_MAX : size;
}

static json_t *page(const struct query *query, int64_t total, const char *locator, int64_t next,
                    json_t *records)
{
    json_t *result = json_object();
    bool done = next >= total;

    json_object_set_new(result, "totalSize", json_integer(total));
    json_object_set_new(result, "done", json_boolean(done));
    if (!done)
        json_object_set_new(
            result, "nextRecordsUrl",
            json_sprintf("/services/data/%s/query/%s-%lld", query->store->version, locator, (long long)next));
    json_object_set_new(result, "records", records);
    return result;
}

/* ---- locators ---- */

static void run_one(struct sf_store *store, const char *sql, const char *text, int64_t number)
{
    sqlite3_stmt *stmt = sf_db_prepare(store, sql);

    if (text)
        sf_db_bind(stmt, 1, text);
    else
        (void)sqlite3_bind_int64(stmt, 1, number);
    (void)sf_db_step(store, stmt);
    sf_db_release(store, stmt);
}

/* Drops what is too old, and the oldest one while there are too many. */
static void expire_locators(struct sf_store *store)
{
    run_one(store, "DELETE FROM sf_locator WHERE until_ms <= ?1", NULL, sf_store_now_ms(store));
    run_one(store,
            "DELETE FROM sf_locator WHERE locator NOT IN (SELECT locator FROM sf_locator ORDER BY locator "
            "DESC LIMIT ?1)",
            NULL, SF_LOCATORS_MAX - 1);
    sf_db_exec(store, "DELETE FROM sf_cursor WHERE locator NOT IN (SELECT locator FROM sf_locator)");
}

static int64_t store_ids(struct sf_store *store, const char *locator, sqlite3_stmt *ids)
{
    sqlite3_stmt *insert = sf_db_prepare(store, "INSERT INTO sf_cursor VALUES (?1, ?2, ?3)");
    int64_t n = 0;

    while (sf_db_step(store, ids)) {
        sf_db_bind(insert, 1, locator);
        (void)sqlite3_bind_int64(insert, 2, n++);
        sf_db_bind(insert, 3, (const char *)sqlite3_column_text(ids, 0));
        (void)sf_db_step(store, insert);
        (void)sqlite3_reset(insert);
    }
    sf_db_release(store, insert);
    return n;
}

static void store_locator(const struct query *query, const char *locator, int64_t rows)
{
    sqlite3_stmt *stmt =
        sf_db_prepare(query->store, "INSERT INTO sf_locator VALUES (?1, ?2, ?3, ?4, ?5, ?6)");

    sf_db_bind(stmt, 1, locator);
    (void)sqlite3_bind_text(stmt, 2, query->text.p, (int)query->text.n, SQLITE_TRANSIENT);
    (void)sqlite3_bind_int64(stmt, 3, rows);
    (void)sqlite3_bind_int64(stmt, 4, query->batch);
    (void)sqlite3_bind_int64(stmt, 5, query->deleted);
    (void)sqlite3_bind_int64(stmt, 6, sf_store_now_ms(query->store) + SF_LOCATOR_LIFE_MS);
    (void)sf_db_step(query->store, stmt);
    sf_db_release(query->store, stmt);
}

static int new_locator(const struct query *query, char ret_locator[SF_ID_SIZE], int64_t *ret_total)
{
    struct sql_opts opts = {.store = query->store, .include_deleted = query->deleted, .ids_only = true};
    struct sql_plan *plan = sql_compile(query->arena, query->text, query->tree, &opts, query->fail);
    sqlite3_stmt *ids = plan ? soql_run_prepare(query->store, plan, query->fail) : NULL;

    if (!ids)
        return -1;
    sf_store_begin(query->store);
    expire_locators(query->store);
    sf_id_make(LOCATOR_PREFIX, sf_db_sequence(query->store, "QueryLocator"), ret_locator);
    *ret_total = store_ids(query->store, ret_locator, ids);
    store_locator(query, ret_locator, *ret_total);
    sf_db_release(query->store, ids);
    sf_store_commit(query->store);
    return 0;
}

/* ---- the first page ---- */

static int count(const struct query *query, const struct sql_plan *plan, json_t **ret_result)
{
    sqlite3_stmt *stmt = soql_run_prepare(query->store, plan, query->fail);
    int64_t n;

    if (!stmt)
        return -1;
    (void)sf_db_step(query->store, stmt);
    n = sqlite3_column_int64(stmt, 0);
    sf_db_release(query->store, stmt);
    if (plan->limit >= 0 && n > plan->limit)
        n = plan->limit;
    *ret_result = page(query, n, NULL, n, json_array());
    return 0;
}

static int first_page(const struct query *query, json_t **ret_result)
{
    struct sql_opts opts = {
        .store = query->store, .include_deleted = query->deleted, .rows = query->batch + 1};
    struct sql_plan *plan = sql_compile(query->arena, query->text, query->tree, &opts, query->fail);
    char locator[SF_ID_SIZE] = "";
    json_t *records = NULL;
    int64_t total;

    if (!plan)
        return -1;
    if (plan->counts)
        return count(query, plan, ret_result);
    if (soql_run_records(query->store, plan, &records, query->fail) != 0)
        return -1;
    total = (int64_t)json_array_size(records);
    if (total > query->batch) {
        if (plan->aggregate) {
            json_decref(records);
            return sf_fail_set(
                query->fail, 400, "EXCEEDED_ID_LIMIT", NULL,
                "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a "
                "single batch");
        }
        if (new_locator(query, locator, &total) != 0) {
            json_decref(records);
            return -1;
        }
        json_array_remove(records, query->batch);
        *ret_result = page(query, total, locator, query->batch, records);
        return 0;
    }
    *ret_result = page(query, total, NULL, total, records);
    return 0;
}

int sf_store_query(struct sf_store *store, const char *soql, const struct sf_query_opts *opts,
                   json_t **ret_result, struct sf_fail *fail)
{
    struct query query = {.store = store, .text = cf_str_of(soql), .fail = fail};
    int failed = -1;

    query.arena = cf_arena_new(SOQL_ARENA_BYTES);
    query.batch = batch_size(opts);
    query.deleted = opts && opts->include_deleted;
    query.tree = soql_parse(query.arena, query.text, sf_store_now_ms(store), fail);
    if (query.tree)
        failed = first_page(&query, ret_result);
    cf_arena_free(query.arena);
    return failed;
}

/* ---- further pages ---- */

struct stored {
    char *soql;
    int64_t rows;
    uint32_t batch;
    bool deleted;
};

static bool load_locator(struct sf_store *store, const char *locator, struct stored *ret_stored)
{
    sqlite3_stmt *stmt = sf_db_prepare(
        store, "SELECT soql, rows, batch, deleted FROM sf_locator WHERE locator = ?1 AND until_ms > ?2");
    bool found;

    sf_db_bind(stmt, 1, locator);
    (void)sqlite3_bind_int64(stmt, 2, sf_store_now_ms(store));
    found = sf_db_step(store, stmt);
    if (found) {
        ret_stored->soql = cf_strdup((const char *)sqlite3_column_text(stmt, 0));
        ret_stored->rows = sqlite3_column_int64(stmt, 1);
        ret_stored->batch = (uint32_t)sqlite3_column_int64(stmt, 2);
        ret_stored->deleted = sqlite3_column_int(stmt, 3) != 0;
    }
    sf_db_release(store, stmt);
    return found;
}

static int next_page(const struct query *query, const char *locator, int64_t first,
                     const struct stored *stored, json_t **ret_result)
{
    struct sql_opts opts = {
        .include_deleted = query->deleted, .cursor = locator, .first = first, .rows = query->batch};
    struct sql_plan *plan = sql_compile(query->arena, query->text, query->tree, &opts, query->fail);
    json_t *records = NULL;

    if (!plan || soql_run_records(query->store, plan, &records, query->fail) != 0)
        return -1;
    *ret_result = page(query, stored->rows, locator, first + query->batch, records);
    return 0;
}

int sf_store_query_more(struct sf_store *store, const char *locator, const struct sf_query_opts *opts,
                        json_t **ret_result, struct sf_fail *fail)
{
    const char *dash = strchr(locator, '-');
    struct stored stored = {0};
    char id[SF_ID_SIZE];
    uint64_t first = 0;
    int failed = -1;

    if (!dash || !sf_id_parse((struct cf_str){locator, (size_t)(dash - locator)}, id) ||
        !cf_str_u64(cf_str_of(dash + 1), &first) || !load_locator(store, id, &stored))
        return sf_fail_set(fail, 400, "INVALID_QUERY_LOCATOR", NULL, "invalid query locator");
    if (first >= (uint64_t)stored.rows) {
        free(stored.soql);
        return sf_fail_set(fail, 400, "INVALID_QUERY_LOCATOR", NULL, "invalid query locator");
    }
    struct query query = {
        .store = store, .text = cf_str_of(stored.soql), .deleted = stored.deleted, .fail = fail};

    query.batch = opts && opts->batch_size > 0 ? batch_size(opts) : stored.batch;
    query.arena = cf_arena_new(SOQL_ARENA_BYTES);
    query.tree = soql_parse(query.arena, query.text, sf_store_now_ms(store), fail);
    if (query.tree)
        failed = next_page(&query, id, (int64_t)first, &stored, ret_result);
    cf_arena_free(query.arena);
    free(stored.soql);
    return failed;
}
