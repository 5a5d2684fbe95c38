/* SPDX-License-Identifier: Apache-2.0 */
/* The database: tables from the schema table, the functions SQL needs, prepared statements. */
#include <stdio.h>
#include <stdlib.h>

#include "store_priv.h"

#define SCHEMA_VERSION 2 /* of the tables; a file of another version is refused */
#define DDL_MAX_BYTES ((size_t)64 << 10)

static void die(struct sf_store *store, const char *sql)
{
    (void)fprintf(stderr, "sf-sandbox: database: %s in: %.200s\n", sqlite3_errmsg(store->db), sql);
    abort();
}

sqlite3_stmt *sf_db_prepare(struct sf_store *store, const char *sql)
{
    sqlite3_stmt *stmt = sf_db_try(store, sql);

    if (!stmt)
        die(store, sql);
    return stmt;
}

sqlite3_stmt *sf_db_prepare_buf(struct sf_store *store, struct cf_buf *sql)
{
    sqlite3_stmt *stmt;

    cf_buf_char(sql, '\0');
    stmt = sf_db_prepare(store, sql->p);
    cf_buf_done(sql);
    return stmt;
}

void sf_db_exec(struct sf_store *store, const char *sql)
{
    if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        die(store, sql);
}

void sf_db_bind(sqlite3_stmt *stmt, int at, const char *text)
{
    (void)sqlite3_bind_text(stmt, at, text, -1, SQLITE_TRANSIENT);
}

bool sf_db_step(struct sf_store *store, sqlite3_stmt *stmt)
{
    int rc = sqlite3_step(stmt);

    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        die(store, sqlite3_sql(stmt));
    return rc == SQLITE_ROW;
}

uint64_t sf_db_sequence(struct sf_store *store, const char *name)
{
    sqlite3_stmt *stmt =
        sf_db_prepare(store, "INSERT INTO sf_sequence VALUES (?1, 1) ON CONFLICT (name) DO UPDATE "
                             "SET value = value + 1 RETURNING value");
    uint64_t value;

    sf_db_bind(stmt, 1, name);
    (void)sf_db_step(store, stmt);
    value = (uint64_t)sqlite3_column_int64(stmt, 0);
    sf_db_release(store, stmt);
    return value;
}

/* ---- functions ---- */

static int collate(void *arg, int a_size, const void *a, int b_size, const void *b)
{
    (void)arg;
    return sf_text_compare((struct cf_str){a, (size_t)a_size}, (struct cf_str){b, (size_t)b_size});
}

static struct cf_str argument(sqlite3_value *value)
{
    const char *text = (const char *)sqlite3_value_text(value);

    return (struct cf_str){text, (size_t)sqlite3_value_bytes(value)};
}

static void like(sqlite3_context *context, int n, sqlite3_value **args)
{
    (void)n;
    if (sqlite3_value_type(args[0]) == SQLITE_NULL || sqlite3_value_type(args[1]) == SQLITE_NULL)
        sqlite3_result_null(context);
    else
        sqlite3_result_int(context, sf_text_like(argument(args[0]), argument(args[1])));
}

/* sf_in(set, text): IN for a list that no index serves; a bound list costs nothing to parse or to sort. */
static void in_set(sqlite3_context *context, int n, sqlite3_value **args)
{
    const struct sf_text_set *set = sqlite3_value_pointer(args[0], SF_TEXT_SET);

    (void)n;
    if (!set || sqlite3_value_type(args[1]) == SQLITE_NULL)
        sqlite3_result_null(context);
    else
        sqlite3_result_int(context, sf_text_set_has(set, argument(args[1])));
}

static void like_any(sqlite3_context *context, int n, sqlite3_value **args)
{
    const struct sf_patterns *patterns = sqlite3_value_pointer(args[0], SF_PATTERNS);

    (void)n;
    if (!patterns || sqlite3_value_type(args[1]) == SQLITE_NULL)
        sqlite3_result_null(context);
    else
        sqlite3_result_int(context, sf_patterns_match(patterns, argument(args[1])));
}

void sf_db_functions(sqlite3 *db)
{
    (void)sqlite3_create_function(db, "sf_like_any", 2, SQLITE_UTF8, NULL, like_any, NULL, NULL);
    (void)sqlite3_create_function(db, "sf_in", 2, SQLITE_UTF8, NULL, in_set, NULL, NULL);
    (void)sqlite3_create_collation(db, "SFTEXT", SQLITE_UTF8, NULL, collate);
    (void)sqlite3_create_function(db, "sf_like", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, like, NULL,
                                  NULL);
}

/* ---- tables ---- */

static const char fixed_tables[] =
    "CREATE TABLE IF NOT EXISTS sf_sequence (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS sf_custom_field (field TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS sf_locator (locator TEXT PRIMARY KEY, soql TEXT NOT NULL, rows INTEGER NOT "
    "NULL,"
    " batch INTEGER NOT NULL, deleted INTEGER NOT NULL, until_ms INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS sf_cursor (locator TEXT, position INTEGER, record_id TEXT NOT NULL,"
    " PRIMARY KEY (locator, position)) WITHOUT ROWID;"
    /* the search index: a token of a record is found from visible_ms until hidden_ms (null: for ever) */
    "CREATE TABLE IF NOT EXISTS sf_token (token TEXT NOT NULL, kind INTEGER NOT NULL, field TEXT NOT NULL,"
    " id TEXT NOT NULL, visible_ms INTEGER NOT NULL, hidden_ms INTEGER);"
    "CREATE INDEX IF NOT EXISTS sf_token_token ON sf_token (token, kind, id);"
    "CREATE INDEX IF NOT EXISTS sf_token_id ON sf_token (id);"
    "CREATE VIEW IF NOT EXISTS o_Name AS"
    " SELECT Id, Name, 'Account' AS Type FROM o_Account UNION ALL SELECT Id, Name, 'Contact' FROM o_Contact"
    " UNION ALL SELECT Id, Name, 'Lead' FROM o_Lead UNION ALL SELECT Id, CaseNumber, 'Case' FROM o_Case"
    " UNION ALL SELECT Id, Name, 'User' FROM o_User;";

static const char *column_type(const struct sf_field *field)
{
    if (sf_type_is_text(field->type))
        return "TEXT COLLATE SFTEXT";
    if (sf_type_is_id(field->type))
        return "TEXT";
    return field->type == SF_T_DOUBLE ? "REAL" : "INTEGER";
}

static void index_of(struct cf_buf *sql, const struct sf_object *object, const struct sf_field *field)
{
    cf_buf_printf(sql, "CREATE INDEX IF NOT EXISTS \"i_%s_%s\" ON \"o_%s\" (\"%s\");", object->name,
                  field->name, object->name, field->name);
}

void sf_db_add_column(struct sf_store *store, const struct sf_object *object, const struct sf_field *field)
{
    struct cf_buf sql;

    cf_buf_init(&sql, DDL_MAX_BYTES);
    cf_buf_printf(&sql, "ALTER TABLE \"o_%s\" ADD COLUMN \"%s\" %s;", object->name, field->name,
                  column_type(field));
    if (field->flags & SF_INDEXED)
        index_of(&sql, object, field);
    cf_buf_char(&sql, '\0');
    sf_db_exec(store, sql.p);
    cf_buf_done(&sql);
}

static void table_of(struct cf_buf *sql, const struct sf_object *object)
{
    cf_buf_printf(sql, "CREATE TABLE IF NOT EXISTS \"o_%s\" (Id TEXT PRIMARY KEY", object->name);
    for (size_t i = 1; i < object->n_fields; i++) {
        const struct sf_field *field = &object->fields[i];
        if (field->via || (field->flags & SF_WRITE_ONLY))
            continue;
        cf_buf_printf(sql, ", \"%s\" %s", field->name, column_type(field));
    }
    cf_buf_text(sql, ") WITHOUT ROWID;");
    for (size_t i = 1; i < object->n_fields; i++) {
        const struct sf_field *field = &object->fields[i];

        if (field->flags & SF_INDEXED)
            index_of(sql, object, field);
    }
}

static int check_version(struct sf_store *store, char *err, size_t err_size)
{
    sqlite3_stmt *stmt = NULL;
    int version = 0;

    if (sqlite3_prepare_v2(store->db, "PRAGMA user_version", -1, &stmt, NULL) != SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_ROW) {
        (void)snprintf(err, err_size, "not a database: %s", sqlite3_errmsg(store->db));
        (void)sqlite3_finalize(stmt);
        return -1;
    }
    version = sqlite3_column_int(stmt, 0);
    (void)sqlite3_finalize(stmt);
    if (version != 0 && version != SCHEMA_VERSION) {
        (void)snprintf(err, err_size, "database has version %d, this program needs %d", version,
                       SCHEMA_VERSION);
        return -1;
    }
    return 0;
}

int sf_db_create(struct sf_store *store, char *err, size_t err_size)
{
    struct cf_buf sql;
    char *why = NULL;
    int rc;

    if (check_version(store, err, err_size) != 0)
        return -1;
    cf_buf_init(&sql, DDL_MAX_BYTES);
    cf_buf_printf(&sql,
                  "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA user_version = %d; BEGIN;",
                  SCHEMA_VERSION);
    for (size_t i = 0; i < sf_n_objects; i++)
        table_of(&sql, &sf_objects[i]);
    cf_buf_text(&sql, fixed_tables);
    cf_buf_add(&sql, "COMMIT;", sizeof("COMMIT;"));
    rc = sqlite3_exec(store->db, sql.p, NULL, NULL, &why);
    cf_buf_done(&sql);
    if (rc != SQLITE_OK)
        (void)snprintf(err, err_size, "cannot create tables: %s", why ? why : sqlite3_errstr(rc));
    sqlite3_free(why);
    return rc == SQLITE_OK ? 0 : -1;
}
