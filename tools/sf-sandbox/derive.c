/* SPDX-License-Identifier: Apache-2.0 */
/* Fields that Salesforce fills in itself. */
#include <stdio.h>

#include "record.h"

#define FIRST_CASE_NUMBER 1000 /* the first case is 00001001 */

static json_t **slot(struct sf_row *row, const char *name)
{
    const struct sf_field *field = sf_field_find(row->object, cf_str_of(name));

    return field ? &row->value[field - row->object->fields] : NULL;
}

static const char *text_of(struct sf_row *row, const char *name)
{
    json_t **value = slot(row, name);

    return value ? json_string_value(*value) : NULL;
}

static void set(struct sf_row *row, const char *name, json_t *value)
{
    json_t **at = slot(row, name);

    if (!at) {
        json_decref(value);
        return;
    }
    json_decref(*at);
    *at = value;
}

void sf_row_defaults(struct sf_store *store, struct sf_row *row)
{
    int64_t now = sf_store_now_ms(store) / 1000 * 1000;

    for (size_t i = 0; i < row->object->n_fields; i++) {
        const struct sf_field *field = &row->object->fields[i];

        if (field->initial)
            row->value[i] = json_string(field->initial);
        else if (field->type == SF_T_BOOLEAN)
            row->value[i] = json_false(); /* hidden ones too: they may be shown later */
    }
    set(row, "Id", json_string(row->id));
    set(row, "OwnerId", json_string(store->user_id));
    set(row, "CreatedDate", json_integer(now));
    set(row, "CreatedById", json_string(store->user_id));
    set(row, "IsActive", json_true());
    if (strcmp(row->object->name, "Case") == 0)
        set(row, "CaseNumber",
            json_sprintf("%08llu",
                         (unsigned long long)(FIRST_CASE_NUMBER + sf_db_sequence(store, "CaseNumber"))));
}

/* One reference of another record: Contact.AccountId of the case's contact. */
static json_t *lookup(struct sf_store *store, const char *object, const char *field, const char *id)
{
    char sql[120];
    sqlite3_stmt *stmt;
    json_t *value = NULL;

    (void)snprintf(sql, sizeof(sql), "SELECT \"%s\" FROM \"o_%s\" WHERE Id = ?1", field, object);
    stmt = sf_db_prepare(store, sql);
    sf_db_bind(stmt, 1, id);
    if (sf_db_step(store, stmt) && sqlite3_column_type(stmt, 0) == SQLITE_TEXT)
        value = json_string((const char *)sqlite3_column_text(stmt, 0));
    sf_db_release(store, stmt);
    return value ? value : json_null();
}

static void derive_name(struct sf_row *row)
{
    const char *first = text_of(row, "FirstName"), *last = text_of(row, "LastName");

    if (last)
        set(row, "Name", json_sprintf("%s%s%s", first ? first : "", first ? " " : "", last));
}

static void derive_closed(struct sf_store *store, struct sf_row *row, const char *closed_status,
                          const char *date)
{
    const char *status = text_of(row, "Status");
    bool closed = status && strcmp(status, closed_status) == 0;
    json_t **when = slot(row, date);

    set(row, "IsClosed", json_boolean(closed));
    if (!closed)
        set(row, date, json_null());
    else if (when && !json_is_integer(*when))
        set(row, date, json_integer(sf_store_now_ms(store) / 1000 * 1000));
}

static void derive_case(struct sf_store *store, struct sf_row *row, bool creating)
{
    const char *contact = text_of(row, "ContactId");

    derive_closed(store, row, "Closed", "ClosedDate");
    if (creating && contact && !text_of(row, "AccountId"))
        set(row, "AccountId", lookup(store, "Contact", "AccountId", contact));
}

/* The newest activity of a contact and an account, by the date of their tasks. */
static void touch_activity(struct sf_store *store, const char *object, const char *id, json_t *date)
{
    char sql[200];
    sqlite3_stmt *stmt;

    if (!id || !json_is_integer(date))
        return;
    (void)snprintf(
        sql, sizeof(sql),
        "UPDATE \"o_%s\" SET LastActivityDate = max(ifnull(LastActivityDate, ?2), ?2) WHERE Id = ?1", object);
    stmt = sf_db_prepare(store, sql);
    sf_db_bind(stmt, 1, id);
    (void)sqlite3_bind_int64(stmt, 2, json_integer_value(date));
    (void)sf_db_step(store, stmt);
    sf_db_release(store, stmt);
}

static void derive_task(struct sf_store *store, struct sf_row *row)
{
    const char *who = text_of(row, "WhoId"), *what = text_of(row, "WhatId"),
               *priority = text_of(row, "Priority");
    json_t *account = NULL, **date = slot(row, "ActivityDate");

    derive_closed(store, row, "Completed", "CompletedDateTime");
    set(row, "IsHighPriority", json_boolean(priority && strcmp(priority, "High") == 0));
    if (what && strncmp(what, "001", 3) == 0)
        account = json_string(what);
    else if (what && strncmp(what, "500", 3) == 0)
        account = lookup(store, "Case", "AccountId", what);
    if (!json_is_string(account) && who && strncmp(who, "003", 3) == 0)
        account = lookup(store, "Contact", "AccountId", who);
    set(row, "AccountId", account ? account : json_null());
    if (!date)
        return; /* a Task has one, but the compiler cannot know */
    if (who && strncmp(who, "003", 3) == 0)
        touch_activity(store, "Contact", who, *date);
    touch_activity(store, "Account", text_of(row, "AccountId"), *date);
}

void sf_row_derive(struct sf_store *store, struct sf_row *row, bool creating)
{
    int64_t now = sf_store_now_ms(store) / 1000 * 1000;

    if (slot(row, "LastName"))
        derive_name(row);
    else if (strcmp(row->object->name, "Case") == 0)
        derive_case(store, row, creating);
    else if (strcmp(row->object->name, "Task") == 0)
        derive_task(store, row);
    set(row, "LastModifiedDate", json_integer(now));
    set(row, "LastModifiedById", json_string(store->user_id));
    set(row, "SystemModstamp", json_integer(now));
}
