/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Person Accounts: an account with a LastName is a person. It has a contact of its own, which shows the same
 * names and phones; a write to the account changes both.
 */
#include <stdio.h>

#include "record.h"

static const char *const mirrored[][2] = {
    {"LastName", "LastName"},
    {"FirstName", "FirstName"},
    {"Phone", "Phone"},
    {"PersonMobilePhone", "MobilePhone"},
    {"PersonHomePhone", "HomePhone"},
    {"PersonOtherPhone", "OtherPhone"},
    {"PersonAssistantPhone", "AssistantPhone"},
    {"PersonEmail", "Email"},
};

static json_t *value_of(const struct sf_row *row, const char *name)
{
    const struct sf_field *field = sf_field_find(row->object, cf_str_of(name));

    return field ? row->value[field - row->object->fields] : NULL;
}

static void set(struct sf_row *row, const char *name, json_t *value)
{
    const struct sf_field *field = sf_field_find(row->object, cf_str_of(name));

    if (!field) {
        json_decref(value);
        return;
    }
    json_decref(row->value[field - row->object->fields]);
    row->value[field - row->object->fields] = value;
}

void sf_person_prepare(struct sf_store *store, struct sf_row *row)
{
    const char *last = json_string_value(value_of(row, "LastName")), *first;

    if (!store->person_accounts || strcmp(row->object->name, "Account") != 0 || !last)
        return;
    first = json_string_value(value_of(row, "FirstName"));
    set(row, "Name", json_sprintf("%s%s%s", first ? first : "", first ? " " : "", last));
    set(row, "IsPersonAccount", json_true());
}

static json_t *contact_body(const struct sf_row *row)
{
    json_t *body = json_object();

    for (size_t i = 0; i < sizeof(mirrored) / sizeof(mirrored[0]); i++) {
        json_t *value = value_of(row, mirrored[i][0]);

        json_object_set_new(body, mirrored[i][1], value ? json_incref(value) : json_null());
    }
    return body;
}

static void link_contact(struct sf_store *store, const char *account, const char *contact)
{
    static const char *const sql[] = {"UPDATE o_Account SET PersonContactId = ?2 WHERE Id = ?1",
                                      "UPDATE o_Contact SET IsPersonAccount = 1 WHERE Id = ?2 AND ?1 <> ''"};

    for (size_t i = 0; i < sizeof(sql) / sizeof(sql[0]); i++) {
        sqlite3_stmt *stmt = sf_db_prepare(store, sql[i]);

        sf_db_bind(stmt, 1, account);
        sf_db_bind(stmt, 2, contact);
        (void)sf_db_step(store, stmt);
        sf_db_release(store, stmt);
    }
}

int sf_person_mirror(struct sf_store *store, const struct sf_row *row, struct sf_fail *fail)
{
    const char *contact = json_string_value(value_of(row, "PersonContactId"));
    char id[SF_ID_SIZE];
    json_t *body;
    int failed;

    if (!store->person_accounts || strcmp(row->object->name, "Account") != 0 ||
        !json_is_true(value_of(row, "IsPersonAccount")))
        return 0;
    body = contact_body(row);
    if (contact) {
        failed = sf_store_update(store, "Contact", contact, body, fail);
    } else {
        json_object_set_new(body, "AccountId", json_string(row->id));
        failed = sf_store_create(store, "Contact", body, id, fail);
        if (failed == 0)
            link_contact(store, row->id, id);
    }
    json_decref(body);
    return failed;
}
