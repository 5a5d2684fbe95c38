/* SPDX-License-Identifier: Apache-2.0 */
#include "org.h"

#include <stdio.h>

#include "phones.h"
#include "store_priv.h"

#define NAME_MAX_BYTES 40
#define LENGTH_MAX 131072

static const struct {
    const char *name;
    enum sf_type type;
    unsigned length;
} types[] = {
    {"string", SF_T_STRING, 255},     {"phone", SF_T_PHONE, 40},    {"email", SF_T_EMAIL, 80},
    {"textarea", SF_T_TEXTAREA, 255}, {"boolean", SF_T_BOOLEAN, 0}, {"int", SF_T_INT, 0},
    {"double", SF_T_DOUBLE, 0},       {"date", SF_T_DATE, 0},       {"datetime", SF_T_DATETIME, 0},
    {"picklist", SF_T_PICKLIST, 255},
};

static int refuse(struct sf_fail *fail, const char *why)
{
    return sf_fail_set(fail, 400, "INVALID_INPUT", NULL, "%s", why);
}

/* Letters, digits and underscores, with __c behind them: the name becomes part of SQL. */
static bool is_custom_name(const char *name)
{
    size_t n = strlen(name);

    if (n < 4 || n > NAME_MAX_BYTES || strcmp(name + n - 3, "__c") != 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = name[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '_')))
            return false;
    }
    return true;
}

static int read_type(json_t *json, struct sf_field *field, struct sf_fail *fail)
{
    const char *type = json_string_value(json_object_get(json, "type"));
    json_t *length = json_object_get(json, "length");
    size_t i = 0;

    while (type && i < sizeof(types) / sizeof(types[0]) && strcmp(types[i].name, type) != 0)
        i++;
    if (i == sizeof(types) / sizeof(types[0]))
        return refuse(fail, "type: no such type");
    field->type = types[i].type;
    field->length = types[i].length;
    if (length && (!json_is_integer(length) || json_integer_value(length) < 1 ||
                   json_integer_value(length) > LENGTH_MAX || types[i].length == 0))
        return refuse(fail, "length: a number of characters is needed");
    if (length)
        field->length = (unsigned)json_integer_value(length);
    if (field->type == SF_T_TEXTAREA && field->length > 255)
        field->flags |= SF_LONG;
    if (field->type == SF_T_PHONE || field->type == SF_T_EMAIL)
        field->flags |= SF_INDEXED;
    return 0;
}

static int read_field(json_t *json, const struct sf_object *object, struct sf_field *field,
                      struct sf_fail *fail)
{
    const char *name = json_string_value(json_object_get(json, "name"));
    const char *values = json_string_value(json_object_get(json, "values"));

    if (!object || !object->writable)
        return refuse(fail, "object: no such object");
    if (!name || !is_custom_name(name))
        return refuse(fail, "name: letters, digits and underscores, with __c behind them");
    if (sf_field_find(object, cf_str_of(name)))
        return refuse(fail, "name: there is such a field already");
    *field = (struct sf_field){.flags = SF_RW | SF_CUSTOM};
    if (read_type(json, field, fail) != 0)
        return -1;
    if (json_is_true(json_object_get(json, "externalId")))
        field->flags |= SF_EXTERNAL_ID | SF_ID_LOOKUP | SF_INDEXED;
    if (json_is_true(json_object_get(json, "unique")))
        field->flags |= SF_UNIQUE | SF_INDEXED;
    field->values = values && field->type == SF_T_PICKLIST ? cf_strdup(values) : NULL;
    field->name = cf_strdup(name); /* both live as long as the process, as the table does */
    field->label = field->name;
    return 0;
}

static void remember(struct sf_store *store, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    sqlite3_stmt *stmt = sf_db_prepare(store, "INSERT INTO sf_custom_field VALUES (?1)");

    sf_db_bind(stmt, 1, text);
    (void)sf_db_step(store, stmt);
    sf_db_release(store, stmt);
    free(text);
}

int sf_org_add_field(struct sf_store *store, json_t *json, struct sf_fail *fail)
{
    const char *object_name = json_string_value(json_object_get(json, "object"));
    const struct sf_object *object = object_name ? sf_object_find(cf_str_of(object_name)) : NULL;
    const struct sf_field *added;
    struct sf_field field;

    if (read_field(json, object, &field, fail) != 0)
        return -1;
    added = sf_schema_add(object, &field);
    if (!added)
        return refuse(fail, "this object has too many fields");
    sf_db_add_column(store, object, added);
    remember(store, json);
    return 0;
}

void sf_org_load(struct sf_store *store)
{
    sqlite3_stmt *stmt = sf_db_prepare(store, "SELECT field FROM sf_custom_field ORDER BY rowid");

    while (sf_db_step(store, stmt)) {
        json_t *json = json_loads((const char *)sqlite3_column_text(stmt, 0), 0, NULL);
        const char *name = json_string_value(json_object_get(json, "object"));
        const struct sf_object *object = name ? sf_object_find(cf_str_of(name)) : NULL;
        struct sf_fail ignored = {0};
        struct sf_field field;

        if (object && read_field(json, object, &field, &ignored) == 0)
            (void)sf_schema_add(object, &field);
        sf_fail_done(&ignored);
        json_decref(json);
    }
    sf_db_release(store, stmt);
}

int sf_org_hide_field(struct sf_store *store, const char *object_name, const char *name, bool hidden,
                      struct sf_fail *fail)
{
    const struct sf_object *object = object_name ? sf_object_find(cf_str_of(object_name)) : NULL;

    (void)store;
    for (size_t i = 1; object && name && i < object->n_fields; i++) {
        const struct sf_field *field = &object->fields[i];

        if (!cf_str_eq_nocase(cf_str_of(field->name), cf_str_of(name)))
            continue;
        if (field->flags & (SF_REQUIRED | SF_NAME_FIELD))
            return refuse(fail, "a required field or a name cannot be hidden");
        sf_schema_flag(object, i, SF_HIDDEN, hidden);
        return 0;
    }
    return refuse(fail, "object or field: no such field");
}

static bool is_switched_off(const struct sf_store *store, const struct sf_field *field)
{
    return (field->flags & SF_PERSON) && !store->person_accounts;
}

size_t sf_org_show_all(struct sf_store *store)
{
    size_t n = 0;

    for (size_t i = 0; i < sf_n_objects; i++) {
        for (size_t k = 0; k < sf_objects[i].n_fields; k++) {
            const struct sf_field *field = &sf_objects[i].fields[k];

            if (!(field->flags & SF_HIDDEN) || is_switched_off(store, field))
                continue;
            sf_schema_flag(&sf_objects[i], k, SF_HIDDEN, false);
            n++;
        }
    }
    return n;
}

void sf_org_person_accounts(struct sf_store *store, bool on)
{
    store->person_accounts = on;
    for (size_t i = 0; i < sf_n_objects; i++) {
        for (size_t k = 0; k < sf_objects[i].n_fields; k++) {
            if (sf_objects[i].fields[k].flags & SF_PERSON)
                sf_schema_flag(&sf_objects[i], k, SF_HIDDEN, !on);
        }
    }
}

json_t *sf_org_json(struct sf_store *store)
{
    json_t *hidden = json_array(), *custom = json_array();

    for (size_t i = 0; i < sf_n_objects; i++) {
        for (size_t k = 0; k < sf_objects[i].n_fields; k++) {
            const struct sf_field *field = &sf_objects[i].fields[k];
            json_t *list = field->flags & SF_HIDDEN ? hidden : field->flags & SF_CUSTOM ? custom : NULL;

            if (list && !is_switched_off(store, field))
                json_array_append_new(list, json_sprintf("%s.%s", sf_objects[i].name, field->name));
        }
    }
    return json_pack("{s:o,s:o,s:b}", "hidden", hidden, "custom", custom, "person_accounts",
                     (int)store->person_accounts);
}
