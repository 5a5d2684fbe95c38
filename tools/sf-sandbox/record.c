/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing records. A write loads the record (or starts an empty one), lays the checked body over it, derives
 * what Salesforce derives, and saves the whole row.
 */
#include "record.h"

#include <stdio.h>

#include "phones.h"

#define COMMENT_OBJECT "CaseComment"

void sf_row_done(struct sf_row *row)
{
    for (size_t i = 0; i < SF_MAX_FIELDS; i++)
        json_decref(row->value[i]);
    json_decref(row->comment);
    *row = (struct sf_row){0};
}

static bool is_column(const struct sf_field *field)
{
    return !field->via && !(field->flags & SF_WRITE_ONLY);
}

static json_t *raw(sqlite3_stmt *stmt, int column)
{
    switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_INTEGER:
        return json_integer(sqlite3_column_int64(stmt, column));
    case SQLITE_FLOAT:
        return json_real(sqlite3_column_double(stmt, column));
    case SQLITE_TEXT:
        return json_stringn((const char *)sqlite3_column_text(stmt, column),
                            (size_t)sqlite3_column_bytes(stmt, column));
    default:
        return json_null();
    }
}

static void column_list(const struct sf_object *object, const char *form, struct cf_buf *sql)
{
    for (size_t i = 0, n = 0; i < object->n_fields; i++) {
        if (!is_column(&object->fields[i]))
            continue;
        cf_buf_text(sql, n++ > 0 ? ", " : "");
        if (form)
            cf_buf_text(sql, form);
        else
            cf_buf_printf(sql, "\"%s\"", object->fields[i].name);
    }
}

bool sf_row_load(struct sf_store *store, struct sf_row *row)
{
    struct cf_buf sql;
    sqlite3_stmt *stmt;
    bool found;

    cf_buf_init(&sql, SF_ROW_SQL_BYTES);
    cf_buf_text(&sql, "SELECT ");
    column_list(row->object, NULL, &sql);
    cf_buf_printf(&sql, " FROM \"o_%s\" WHERE Id = ?1", row->object->name);
    stmt = sf_db_prepare_buf(store, &sql);
    sf_db_bind(stmt, 1, row->id);
    found = sf_db_step(store, stmt);
    for (size_t i = 0, column = 0; found && i < row->object->n_fields; i++) {
        if (is_column(&row->object->fields[i]))
            row->value[i] = raw(stmt, (int)column++);
    }
    sf_db_release(store, stmt);
    return found;
}

static void save(struct sf_store *store, const struct sf_row *row)
{
    struct cf_buf sql;
    sqlite3_stmt *stmt;

    cf_buf_init(&sql, SF_ROW_SQL_BYTES);
    cf_buf_printf(&sql, "INSERT OR REPLACE INTO \"o_%s\" (", row->object->name);
    column_list(row->object, NULL, &sql);
    cf_buf_text(&sql, ") VALUES (");
    column_list(row->object, "?", &sql);
    cf_buf_char(&sql, ')');
    stmt = sf_db_prepare_buf(store, &sql);
    for (size_t i = 0, at = 1; i < row->object->n_fields; i++) {
        if (is_column(&row->object->fields[i]))
            sf_value_bind(stmt, (int)at++, row->value[i]);
    }
    (void)sf_db_step(store, stmt);
    sf_db_release(store, stmt);
}

bool sf_record_exists(struct sf_store *store, const struct sf_object *object, const char *id,
                      bool *ret_deleted)
{
    char sql[80];
    sqlite3_stmt *stmt;
    bool found;

    (void)snprintf(sql, sizeof(sql), "SELECT IsDeleted FROM \"o_%s\" WHERE Id = ?1", object->name);
    stmt = sf_db_prepare(store, sql);
    sf_db_bind(stmt, 1, id);
    found = sf_db_step(store, stmt);
    *ret_deleted = found && sqlite3_column_int(stmt, 0) != 0;
    sf_db_release(store, stmt);
    return found && !*ret_deleted;
}

/* ---- checks ---- */

/* Several names can be wrong at once; Salesforce reports them together. */
struct names {
    char csv[200];
};

static void add_name(struct names *names, const char *name)
{
    size_t n = strlen(names->csv);

    if (n + strlen(name) + 2 < sizeof(names->csv))
        (void)snprintf(names->csv + n, sizeof(names->csv) - n, "%s%s", n > 0 ? "," : "", name);
}

static int reject_names(const struct names *names, const char *code, const char *fmt, struct sf_fail *fail)
{
    char shown[400] = "";
    size_t n = 0;

    for (const char *p = names->csv; *p && n + 3 < sizeof(shown); p++) {
        shown[n++] = *p;
        if (*p == ',')
            shown[n++] = ' ';
    }
    shown[n] = '\0';
    if (strcmp(code, "REQUIRED_FIELD_MISSING") == 0)
        return sf_fail_set(fail, 400, code, names->csv, "Required fields are missing: [%s]", shown);
    return sf_fail_set(
        fail, 400, code, names->csv,
        "Unable to create/update fields: %s. Please check the security settings of this field and "
        "verify that it is read/write for your profile or permission set.%s",
        shown, fmt);
}

static int set_field(struct sf_store *store, struct sf_row *row, const struct sf_field *field, json_t *value,
                     struct sf_fail *fail)
{
    json_t *checked = NULL;
    size_t at = (size_t)(field - row->object->fields);

    if (sf_value_check(store, field, value, &checked, fail) != 0)
        return -1;
    if (strcmp(row->object->name, COMMENT_OBJECT) == 0 && strcmp(field->name, "CommentBody") == 0 &&
        json_string_length(checked) > SF_CASE_COMMENT_MAX_BYTES) {
        json_decref(checked);
        return sf_fail_set(fail, 400, "STRING_TOO_LONG", field->name,
                           "%s: data value too large: %.80s... (max length=%d)", field->label,
                           json_string_value(value), SF_CASE_COMMENT_MAX_BYTES);
    }
    if (field->flags & SF_WRITE_ONLY) {
        json_decref(row->comment);
        row->comment = checked;
        return 0;
    }
    if (field->type == SF_T_PHONE && !json_equal(row->value[at], checked))
        row->new_phones |= 1ULL << at;
    json_decref(row->value[at]);
    row->value[at] = checked;
    return 0;
}

/* The key may be the id of the record being written: collections repeat it. */
static bool is_own_id(const struct sf_row *row, const char *key, const json_t *value)
{
    char id[SF_ID_SIZE];
    const char *text = json_string_value(value);

    return cf_str_eq_nocase(cf_str_of(key), CF_STR("Id")) && text && sf_id_parse(cf_str_of(text), id) &&
           strcmp(id, row->id) == 0;
}

static int lay_over(struct sf_store *store, struct sf_row *row, json_t *body, bool creating,
                    struct sf_fail *fail)
{
    struct names read_only = {""};
    const char *key;
    json_t *value;

    if (!json_is_object(body))
        return sf_fail_set(fail, 400, "JSON_PARSER_ERROR", NULL,
                           "The HTTP entity body must be a JSON object");
    json_object_foreach(body, key, value)
    {
        const struct sf_field *field = sf_field_find(row->object, cf_str_of(key));

        if (strcmp(key, "attributes") == 0 || is_own_id(row, key, value))
            continue;
        if (!field)
            return sf_fail_set(fail, 400, "INVALID_FIELD", NULL,
                               "No such column '%.60s' on sobject of type %s", key, row->object->name);
        if (field->type == SF_T_ID)
            return sf_fail_set(fail, 400, creating ? "INVALID_FIELD_FOR_INSERT_UPDATE" : "INVALID_FIELD",
                               "Id",
                               creating ? "cannot specify Id in an insert call"
                                        : "The Id field should not be specified in the sobject data.");
        if (!(field->flags & (creating ? SF_CREATE : SF_UPDATE)))
            add_name(&read_only, field->name);
        else if (set_field(store, row, field, value, fail) != 0)
            return -1;
    }
    return read_only.csv[0] ? reject_names(&read_only, "INVALID_FIELD_FOR_INSERT_UPDATE", "", fail) : 0;
}

static int check_required(const struct sf_row *row, struct sf_fail *fail)
{
    struct names missing = {""};

    for (size_t i = 0; i < row->object->n_fields; i++) {
        if ((row->object->fields[i].flags & SF_REQUIRED) && !json_is_string(row->value[i]))
            add_name(&missing, row->object->fields[i].name);
    }
    return missing.csv[0] ? reject_names(&missing, "REQUIRED_FIELD_MISSING", "", fail) : 0;
}

static int check_unique(struct sf_store *store, const struct sf_row *row, struct sf_fail *fail)
{
    for (size_t i = 0; i < row->object->n_fields; i++) {
        const struct sf_field *field = &row->object->fields[i];
        char sql[160], other[SF_ID_SIZE] = "";
        sqlite3_stmt *stmt;

        if (!(field->flags & SF_UNIQUE) || !json_is_string(row->value[i]))
            continue;
        (void)snprintf(sql, sizeof(sql),
                       "SELECT Id FROM \"o_%s\" WHERE \"%s\" = ?1 AND Id <> ?2 AND IsDeleted = 0",
                       row->object->name, field->name);
        stmt = sf_db_prepare(store, sql);
        sf_value_bind(stmt, 1, row->value[i]);
        sf_db_bind(stmt, 2, row->id);
        if (sf_db_step(store, stmt))
            (void)cf_str_copy(other, sizeof(other), cf_str_of((const char *)sqlite3_column_text(stmt, 0)));
        sf_db_release(store, stmt);
        if (other[0])
            return sf_fail_set(fail, 400, "DUPLICATE_VALUE", NULL,
                               "duplicate value found: %s duplicates value on record with id: %.15s",
                               field->name, other);
    }
    return 0;
}

/* ---- create, update ---- */

static int save_comment(struct sf_store *store, const struct sf_row *row, struct sf_fail *fail)
{
    char id[SF_ID_SIZE];
    json_t *body;
    int failed;

    if (!json_is_string(row->comment))
        return 0;
    body = json_object();
    json_object_set_new(body, "ParentId", json_string(row->id));
    json_object_set(body, "CommentBody", row->comment);
    failed = sf_store_create(store, COMMENT_OBJECT, body, id, fail);
    json_decref(body);
    if (failed == 0)
        memcpy(store->comment_id, id, SF_ID_SIZE);
    return failed;
}

const char *sf_store_comment_made(struct sf_store *store)
{
    if (!store->comment_id[0])
        return NULL;
    memcpy(store->comment_asked, store->comment_id, SF_ID_SIZE);
    store->comment_id[0] = '\0';
    return store->comment_asked;
}

static void note_phones(struct sf_store *store, const struct sf_row *row)
{
    for (size_t i = 0; i < row->object->n_fields; i++) {
        if ((row->new_phones >> i & 1) && json_is_string(row->value[i]))
            sf_phones_note(
                store, row->object, i, row->id,
                (struct cf_str){json_string_value(row->value[i]), json_string_length(row->value[i])});
    }
}

static int write_row(struct sf_store *store, struct sf_row *row, json_t *body, bool creating,
                     struct sf_fail *fail)
{
    if (lay_over(store, row, body, creating, fail) != 0)
        return -1;
    sf_person_prepare(store, row);
    if (check_required(row, fail) != 0 || check_unique(store, row, fail) != 0)
        return -1;
    sf_row_derive(store, row, creating);
    if (creating && sf_duplicate_check(store, row, fail) != 0)
        return -1;
    save(store, row);
    note_phones(store, row);
    sf_index_record(store, row->object, row->id);
    return sf_person_mirror(store, row, fail) != 0 ? -1 : save_comment(store, row, fail);
}

/* All of it or nothing. */
static int write_atomically(struct sf_store *store, struct sf_row *row, json_t *body, bool creating,
                            struct sf_fail *fail)
{
    int failed;

    sf_store_begin(store);
    failed = write_row(store, row, body, creating, fail);
    if (failed == 0)
        sf_store_commit(store);
    else
        sf_store_rollback(store);
    return failed;
}

int sf_store_create(struct sf_store *store, const char *type, json_t *body, char ret_id[SF_ID_SIZE],
                    struct sf_fail *fail)
{
    struct sf_row row = {.object = sf_need_object(type, fail)};
    int failed;

    if (!row.object)
        return -1;
    if (!row.object->writable)
        return sf_fail_set(fail, 400, "INVALID_TYPE_FOR_OPERATION", NULL,
                           "entity type %s does not support create", row.object->name);
    sf_id_make(row.object->prefix, sf_db_sequence(store, row.object->name), row.id);
    sf_row_defaults(store, &row);
    failed = write_atomically(store, &row, body, true, fail);
    if (failed == 0)
        memcpy(ret_id, row.id, SF_ID_SIZE);
    sf_row_done(&row);
    return failed;
}

int sf_row_find(struct sf_store *store, const char *type, const char *id, struct sf_row *row,
                struct sf_fail *fail)
{
    bool deleted = false;

    *row = (struct sf_row){.object = sf_need_object(type, fail)};
    if (!row->object)
        return -1;
    if (!sf_id_parse(cf_str_of(id), row->id))
        return sf_fail_set(fail, 404, "NOT_FOUND", NULL,
                           "Provided external ID field does not exist or is not accessible: %.60s", id);
    if (sf_record_exists(store, row->object, row->id, &deleted))
        return 0;
    if (deleted)
        return sf_fail_set(fail, 404, "ENTITY_IS_DELETED", NULL, "entity is deleted");
    return sf_fail_set(fail, 404, "NOT_FOUND", NULL, "The requested resource does not exist");
}

int sf_store_update(struct sf_store *store, const char *type, const char *id, json_t *body,
                    struct sf_fail *fail)
{
    struct sf_row row;
    int failed;

    if (sf_row_find(store, type, id, &row, fail) != 0)
        return -1;
    if (!row.object->writable)
        return sf_fail_set(fail, 400, "INVALID_TYPE_FOR_OPERATION", NULL,
                           "entity type %s does not support update", row.object->name);
    (void)sf_row_load(store, &row);
    failed = write_atomically(store, &row, body, false, fail);
    sf_row_done(&row);
    return failed;
}

/* ---- delete ---- */

static void mark_deleted(struct sf_store *store, const struct sf_object *object, const char *id)
{
    char sql[160];
    sqlite3_stmt *stmt;

    (void)snprintf(
        sql, sizeof(sql),
        "UPDATE \"o_%s\" SET IsDeleted = 1, LastModifiedDate = ?2, SystemModstamp = ?2 WHERE Id = ?1",
        object->name);
    stmt = sf_db_prepare(store, sql);
    sf_db_bind(stmt, 1, id);
    (void)sqlite3_bind_int64(stmt, 2, sf_store_now_ms(store) / 1000 * 1000);
    (void)sf_db_step(store, stmt);
    sf_db_release(store, stmt);
    sf_index_record(store, object, id);
}

static void delete_tree(struct sf_store *store, const struct sf_object *object, const char *id);

static void delete_children(struct sf_store *store, const struct sf_child *relation, const char *id)
{
    const struct sf_object *child = sf_object_find(cf_str_of(relation->child));
    char sql[160];
    sqlite3_stmt *stmt;

    (void)snprintf(sql, sizeof(sql), "SELECT Id FROM \"o_%s\" WHERE \"%s\" = ?1 AND IsDeleted = 0",
                   child->name, relation->field);
    stmt = sf_db_prepare(store, sql);
    sf_db_bind(stmt, 1, id);
    while (sf_db_step(store, stmt)) {
        delete_tree(store, child, (const char *)sqlite3_column_text(stmt, 0));
        (void)sqlite3_reset(stmt); /* the table has changed below the statement: look again */
    }
    sf_db_release(store, stmt);
}

/* Marked before its children are, so that a cycle ends. */
static void delete_tree(struct sf_store *store, const struct sf_object *object, const char *id)
{
    char own[SF_ID_SIZE];

    (void)cf_str_copy(own, sizeof(own), cf_str_of(id));
    mark_deleted(store, object, own);
    for (size_t i = 0; i < sf_n_children; i++) {
        if (sf_children[i].cascade && strcmp(sf_children[i].parent, object->name) == 0)
            delete_children(store, &sf_children[i], own);
    }
}

int sf_store_delete(struct sf_store *store, const char *type, const char *id, struct sf_fail *fail)
{
    struct sf_row row;

    if (sf_row_find(store, type, id, &row, fail) != 0)
        return -1;
    if (!row.object->writable || strcmp(row.object->name, "User") == 0)
        return sf_fail_set(fail, 400, "INVALID_TYPE_FOR_OPERATION", NULL,
                           "entity type %s does not support delete", row.object->name);
    sf_store_begin(store);
    delete_tree(store, row.object, row.id);
    sf_store_commit(store);
    return 0;
}
