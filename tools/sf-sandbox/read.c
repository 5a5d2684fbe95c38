/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one record, by id, external id or relation; upsert; which rows a write locks. */
#include <stdio.h>

#include "record.h"

#define QUERY_MAX_BYTES ((size_t)64 << 10)
#define AMBIGUOUS_MAX 20 /* URLs in a 300 */

/* ---- by id ---- */

static bool is_path(struct cf_str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
              c == '.'))
            return false;
    }
    return name.n > 0;
}

/* The names asked for; Id is always in the answer. */
static int put_fields(const struct sf_object *object, const char *csv, struct cf_buf *soql,
                      struct sf_fail *fail)
{
    struct cf_str rest = cf_str_of(csv);

    while (rest.n > 0) {
        const char *comma = memchr(rest.p, ',', rest.n);
        struct cf_str name = {rest.p, comma ? (size_t)(comma - rest.p) : rest.n};

        rest.p += name.n + (comma ? 1 : 0);
        rest.n -= name.n + (comma ? 1 : 0);
        name = cf_str_trim(name);
        if (!is_path(name))
            return sf_fail_set(fail, 400, "INVALID_FIELD", NULL,
                               "No such column '%.*s' on sobject of type %s", name.n > 60 ? 60 : (int)name.n,
                               name.p, object->name);
        if (cf_str_eq_nocase(name, CF_STR("Id")))
            continue;
        cf_buf_str(soql, name);
        cf_buf_text(soql, ", ");
    }
    cf_buf_text(soql, "Id");
    return 0;
}

static void put_all_fields(const struct sf_object *object, struct cf_buf *soql)
{
    for (size_t i = 0; i < object->n_fields; i++) {
        if (!(object->fields[i].flags & SF_HIDDEN))
            cf_buf_printf(soql, "%s%s", i > 0 ? ", " : "", object->fields[i].name);
    }
}

static int query_one(struct sf_store *store, const char *soql, json_t **ret_record, struct sf_fail *fail)
{
    json_t *result = NULL;

    if (sf_store_query(store, soql, NULL, &result, fail) != 0)
        return -1;
    *ret_record = json_incref(json_array_get(json_object_get(result, "records"), 0));
    json_decref(result);
    return 0;
}

int sf_store_get(struct sf_store *store, const char *type, const char *id, const char *fields,
                 json_t **ret_record, struct sf_fail *fail)
{
    struct cf_buf soql;
    struct sf_row row;
    int failed = 0;

    if (sf_row_find(store, type, id, &row, fail) != 0)
        return -1;
    cf_buf_init(&soql, QUERY_MAX_BYTES);
    cf_buf_text(&soql, "SELECT ");
    if (fields && fields[0])
        failed = put_fields(row.object, fields, &soql, fail);
    else
        put_all_fields(row.object, &soql);
    cf_buf_printf(&soql, " FROM %s WHERE Id = '%s'%c", row.object->name, row.id, 0);
    if (failed == 0 && soql.full)
        failed = sf_fail_set(fail, 400, "INVALID_FIELD", NULL, "too many fields");
    if (failed == 0)
        failed = query_one(store, soql.p, ret_record, fail);
    cf_buf_done(&soql);
    return failed;
}

int sf_store_modified_ms(struct sf_store *store, const char *type, const char *id, int64_t *ret_ms,
                         struct sf_fail *fail)
{
    struct sf_row row;
    sqlite3_stmt *stmt;
    char sql[80];

    if (sf_row_find(store, type, id, &row, fail) != 0)
        return -1;
    (void)snprintf(sql, sizeof(sql), "SELECT LastModifiedDate FROM \"o_%s\" WHERE Id = ?1", row.object->name);
    stmt = sf_db_prepare(store, sql);
    sf_db_bind(stmt, 1, row.id);
    (void)sf_db_step(store, stmt);
    *ret_ms = sqlite3_column_int64(stmt, 0);
    sf_db_release(store, stmt);
    return 0;
}

int sf_store_related(struct sf_store *store, const char *type, const char *id, const char *relation,
                     json_t **ret_result, struct sf_fail *fail)
{
    const struct sf_child *child;
    const struct sf_field *field;
    struct sf_row row;
    struct cf_buf soql;
    char parent[SF_ID_SIZE] = "";
    int failed;

    if (sf_row_find(store, type, id, &row, fail) != 0)
        return -1;
    child = sf_child_find(row.object, cf_str_of(relation));
    field = sf_field_of_relation(row.object, cf_str_of(relation));
    if (!child && !field)
        return sf_fail_set(fail, 404, "NOT_FOUND", NULL, "The requested resource does not exist");
    if (field && !child) {
        (void)sf_row_load(store, &row);
        (void)cf_str_copy(parent, sizeof(parent),
                          cf_str_of(json_string_value(row.value[field - row.object->fields])));
        sf_row_done(&row);
        if (!parent[0])
            return sf_fail_set(fail, 404, "NOT_FOUND", NULL, "The requested resource does not exist");
        return sf_store_get(store, sf_store_type_of_id(parent), parent, NULL, ret_result, fail);
    }
    cf_buf_init(&soql, QUERY_MAX_BYTES);
    cf_buf_text(&soql, "SELECT ");
    put_all_fields(sf_object_find(cf_str_of(child->child)), &soql);
    cf_buf_printf(&soql, " FROM %s WHERE %s = '%s'%c", child->child, child->field, row.id, 0);
    failed = sf_store_query(store, soql.p, NULL, ret_result, fail);
    cf_buf_done(&soql);
    return failed;
}

/* ---- by external id ---- */

static int reject_ambiguous(struct sf_store *store, const struct sf_object *object, sqlite3_stmt *stmt,
                            struct sf_fail *fail)
{
    json_t *urls = json_array();

    (void)sqlite3_reset(stmt);
    while (sf_db_step(store, stmt))
        json_array_append_new(urls, json_sprintf("/services/data/%s/sobjects/%s/%s", store->version,
                                                 object->name, (const char *)sqlite3_column_text(stmt, 0)));
    (void)sf_fail_set(fail, 300, "MULTIPLE_CHOICES", NULL, "more than one record has this external id");
    fail->body = urls;
    return -1;
}

/* *ret_id is "" when there is none. */
static int find_external(struct sf_store *store, const struct sf_object *object, const struct sf_field *field,
                         const char *value, char ret_id[SF_ID_SIZE], struct sf_fail *fail)
{
    char sql[200];
    sqlite3_stmt *stmt;
    int failed = 0;

    (void)snprintf(sql, sizeof(sql), "SELECT Id FROM \"o_%s\" WHERE \"%s\" = ?1 AND IsDeleted = 0 LIMIT %d",
                   object->name, field->name, AMBIGUOUS_MAX);
    stmt = sf_db_prepare(store, sql);
    sf_db_bind(stmt, 1, value);
    ret_id[0] = '\0';
    if (sf_db_step(store, stmt)) {
        (void)cf_str_copy(ret_id, SF_ID_SIZE, cf_str_of((const char *)sqlite3_column_text(stmt, 0)));
        if (sf_db_step(store, stmt))
            failed = reject_ambiguous(store, object, stmt, fail);
    }
    sf_db_release(store, stmt);
    return failed;
}

static const struct sf_field *need_external(const struct sf_object *object, const char *name,
                                            struct sf_fail *fail)
{
    const struct sf_field *field = sf_field_find(object, cf_str_of(name));

    if (field && (field->flags & (SF_EXTERNAL_ID | SF_ID_LOOKUP)))
        return field;
    (void)sf_fail_set(fail, 404, "NOT_FOUND", NULL,
                      "Provided external ID field does not exist or is not accessible: %.60s", name);
    return NULL;
}

int sf_store_find(struct sf_store *store, const char *type, const char *field_name, const char *value,
                  char ret_id[SF_ID_SIZE], struct sf_fail *fail)
{
    const struct sf_object *object = sf_need_object(type, fail);
    const struct sf_field *field = object ? need_external(object, field_name, fail) : NULL;
    struct sf_row row;
    char id[SF_ID_SIZE];

    if (!field)
        return -1;
    if (field->type == SF_T_ID) {
        if (sf_row_find(store, type, value, &row, fail) != 0)
            return -1;
        memcpy(ret_id, row.id, SF_ID_SIZE);
        return 0;
    }
    if (find_external(store, object, field, value, id, fail) != 0)
        return -1;
    if (!id[0])
        return sf_fail_set(fail, 404, "NOT_FOUND", NULL, "The requested resource does not exist");
    memcpy(ret_id, id, SF_ID_SIZE);
    return 0;
}

/* ---- upsert ---- */

static json_t *key_without_case(json_t *body, const char *name, const char **ret_key)
{
    const char *key;
    json_t *value;

    json_object_foreach(body, key, value)
    {
        if (cf_str_eq_nocase(cf_str_of(key), cf_str_of(name))) {
            *ret_key = key;
            return value;
        }
    }
    return NULL;
}

/* The body without the key of the upsert, which the URL names; it may repeat it, but not contradict it. */
static int strip_key(const struct sf_upsert *upsert, const struct sf_field *field, json_t **ret_body,
                     struct sf_fail *fail)
{
    const char *key = NULL;
    json_t *repeated = key_without_case(upsert->body, field->name, &key);
    const char *text = json_string_value(repeated);

    if (repeated && upsert->value && upsert->value[0] &&
        (!text || !cf_str_eq_nocase(cf_str_of(text), cf_str_of(upsert->value))))
        return sf_fail_set(fail, 400, "INVALID_FIELD", field->name,
                           "The %s field should not be specified in the sobject data.", field->name);
    *ret_body = json_copy(upsert->body);
    if (key)
        json_object_del(*ret_body, key);
    return 0;
}

static int upsert_stripped(struct sf_store *store, const struct sf_upsert *upsert,
                           const struct sf_field *field, json_t *body, struct sf_upserted *ret_upserted,
                           struct sf_fail *fail)
{
    struct sf_upserted done = {"", false};
    bool has_value = upsert->value && upsert->value[0];

    if (has_value && field->type == SF_T_ID) {
        if (sf_store_find(store, upsert->type, field->name, upsert->value, done.id, fail) != 0)
            return -1;
    } else if (has_value && find_external(store, sf_object_find(cf_str_of(upsert->type)), field,
                                          upsert->value, done.id, fail) != 0) {
        return -1;
    }
    done.created = !done.id[0];
    if (done.created && upsert->update_only)
        return sf_fail_set(fail, 404, "NOT_FOUND", NULL, "The requested resource does not exist");
    if (done.created && has_value)
        json_object_set_new(body, field->name, json_string(upsert->value));
    if ((done.created ? sf_store_create(store, upsert->type, body, done.id, fail)
                      : sf_store_update(store, upsert->type, done.id, body, fail)) != 0)
        return -1;
    *ret_upserted = done;
    return 0;
}

int sf_store_upsert(struct sf_store *store, const struct sf_upsert *upsert, struct sf_upserted *ret_upserted,
                    struct sf_fail *fail)
{
    const struct sf_object *object = sf_need_object(upsert->type, fail);
    const struct sf_field *field = object ? need_external(object, upsert->field, fail) : NULL;
    json_t *body = NULL;
    int failed;

    if (!field)
        return -1;
    if (!json_is_object(upsert->body))
        return sf_fail_set(fail, 400, "JSON_PARSER_ERROR", NULL,
                           "The HTTP entity body must be a JSON object");
    if (strip_key(upsert, field, &body, fail) != 0)
        return -1;
    failed = upsert_stripped(store, upsert, field, body, ret_upserted, fail);
    json_decref(body);
    return failed;
}

/* ---- locks ---- */

static size_t add_lock(const char *text, char (*ret_ids)[SF_ID_SIZE], size_t n, size_t max)
{
    char id[SF_ID_SIZE];

    if (!text || n >= max || !sf_id_parse(cf_str_of(text), id))
        return n;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(ret_ids[i], id) == 0)
            return n;
    }
    memcpy(ret_ids[n], id, SF_ID_SIZE);
    return n + 1;
}

size_t sf_store_locks(struct sf_store *store, const char *type, const char *id, json_t *body,
                      char (*ret_ids)[SF_ID_SIZE], size_t max)
{
    const struct sf_object *object = sf_object_find(cf_str_of(type));
    size_t n = add_lock(id, ret_ids, 0, max);
    const char *key;
    json_t *value;

    (void)store;
    if (!object)
        return n;
    json_object_foreach(body, key, value)
    {
        const struct sf_field *field = sf_field_find(object, cf_str_of(key));

        if (field && field->type == SF_T_REFERENCE && strcmp(field->refs, "User") != 0)
            n = add_lock(json_string_value(value), ret_ids, n, max);
    }
    return n;
}
