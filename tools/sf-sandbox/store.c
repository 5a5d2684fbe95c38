/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, closing, context, savepoints. */
#include <stdio.h>
#include <stdlib.h>

#include "clock/clock.h"
#include "org.h"
#include "phones.h"
#include "store_priv.h"

#define DEFAULT_VERSION "v60.0"

int64_t sf_store_now_ms(const struct sf_store *store)
{
    return store->now ? store->now(store->now_arg) : cf_clock_wall_ms();
}

static void insert_fixed(struct sf_store *store, const char *sql, const char *id)
{
    sqlite3_stmt *stmt = sf_db_prepare(store, sql);

    sf_db_bind(stmt, 1, id);
    (void)sqlite3_bind_int64(stmt, 2, sf_store_now_ms(store) / 1000 * 1000);
    sf_db_bind(stmt, 3, store->default_user);
    (void)sf_db_step(store, stmt);
    sf_db_release(store, stmt);
}

/* The org and its integration user have ids of their own, far from those that inserts get. */
static void ensure_fixed_records(struct sf_store *store)
{
    insert_fixed(
        store,
        "INSERT OR IGNORE INTO o_Organization (Id, IsDeleted, Name, OrganizationType, InstanceName, "
        "IsSandbox, LanguageLocaleKey, TimeZoneSidKey, CreatedDate, CreatedById, LastModifiedDate, "
        "LastModifiedById, SystemModstamp) VALUES (?1, 0, 'Callfleet Sandbox', 'Developer Edition', 'CF1', "
        "1, 'en_US', 'GMT', ?2, ?3, ?2, ?3, ?2)",
        store->org_id);
    insert_fixed(
        store,
        "INSERT OR IGNORE INTO o_User (Id, IsDeleted, Username, LastName, FirstName, Name, Email, Alias, "
        "IsActive, TimeZoneSidKey, LocaleSidKey, LanguageLocaleKey, UserType, CreatedDate, CreatedById, "
        "LastModifiedDate, LastModifiedById, SystemModstamp) VALUES (?1, 0, '" SF_DEFAULT_USERNAME
        "', 'Integration', 'Callfleet', 'Callfleet Integration', '" SF_DEFAULT_USERNAME
        "', 'callf', 1, 'GMT', 'en_US', 'en_US', 'Standard', ?2, ?3, ?2, ?3, ?2)",
        store->default_user);
}

struct sf_store *sf_store_open(const char *path, char *err, size_t err_size)
{
    struct sf_store *store = cf_calloc(1, sizeof(*store));

    (void)cf_str_copy(store->version, sizeof(store->version), CF_STR(DEFAULT_VERSION));
    sf_id_make("00D", 14776336, store->org_id);
    sf_id_make("005", 14776336, store->default_user);
    memcpy(store->user_id, store->default_user, sizeof(store->user_id));
    store->statements = sf_statements_new();
    store->phones = sf_phones_new();
    if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK) {
        (void)snprintf(err, err_size, "cannot open %s: %s", path, sqlite3_errmsg(store->db));
        sf_store_close(store);
        return NULL;
    }
    (void)sqlite3_busy_timeout(store->db, 2000);
    sf_db_functions(store->db);
    if (sf_db_create(store, err, err_size) != 0) {
        sf_store_close(store);
        return NULL;
    }
    sf_org_load(store);
    sf_phones_load(store);
    ensure_fixed_records(store);
    return store;
}

void sf_store_close(struct sf_store *store)
{
    if (!store)
        return;
    sf_statements_free(store->statements);
    sf_phones_free(store->phones);
    (void)sqlite3_close(store->db);
    free(store);
}

void sf_store_set_context(struct sf_store *store, const struct sf_context *context)
{
    const char *user = context->user_id ? context->user_id : store->default_user;

    if (context->version)
        (void)cf_str_copy(store->version, sizeof(store->version), cf_str_of(context->version));
    (void)cf_str_copy(store->user_id, sizeof(store->user_id), cf_str_of(user));
    store->duplicates_allowed = context->allow_duplicates;
}

void sf_store_set_duplicate_rule(struct sf_store *store, enum sf_duplicate_rule rule)
{
    store->duplicate_rule = rule;
}

void sf_store_set_now(struct sf_store *store, sf_now_fn *fn, void *arg)
{
    store->now = fn;
    store->now_arg = arg;
}

void sf_store_set_index_delay_ms(struct sf_store *store, uint32_t delay_ms)
{
    store->index_delay_ms = delay_ms;
}

const char *sf_store_org_id(const struct sf_store *store)
{
    return store->org_id;
}

const char *sf_store_default_user(const struct sf_store *store)
{
    return store->default_user;
}

/* Savepoints are named by their depth, s0 the outermost. */
static void savepoint(struct sf_store *store, const char *verb, unsigned depth)
{
    char sql[48];
    sqlite3_stmt *stmt;

    (void)snprintf(sql, sizeof(sql), "%s s%u", verb, depth);
    stmt = sf_db_prepare(store, sql);
    (void)sf_db_step(store, stmt);
    sf_db_release(store, stmt);
}

void sf_store_begin(struct sf_store *store)
{
    if (store->savepoints >= SF_SAVEPOINTS_MAX)
        abort(); /* a caller's bug: nesting is fixed by the code */
    savepoint(store, "SAVEPOINT", store->savepoints++);
}

void sf_store_commit(struct sf_store *store)
{
    savepoint(store, "RELEASE", --store->savepoints);
}

void sf_store_rollback(struct sf_store *store)
{
    savepoint(store, "ROLLBACK TO", --store->savepoints);
    savepoint(store, "RELEASE", store->savepoints);
}

const char *sf_store_type_name(const char *type)
{
    const struct sf_object *object = sf_object_find(cf_str_of(type));

    return object ? object->name : NULL;
}

const char *sf_store_type_of_id(const char *id)
{
    char own[SF_ID_SIZE];
    const struct sf_object *object = sf_id_parse(cf_str_of(id), own) ? sf_object_of_prefix(own) : NULL;

    return object ? object->name : NULL;
}
