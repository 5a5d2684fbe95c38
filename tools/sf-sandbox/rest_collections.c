/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rest_collections - up to 200 records in one call, each with its own result, in the order of the request.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "write.h"

#define ROLLED_BACK                                                                                          \
    "Record rolled back because not all records were valid and the request was using AllOrNone header"

/* One collections call. */
struct collection {
    enum sb_write_kind kind;
    const char *type, *field; /* upsert only */
    bool all_or_none, created_shown;
    bool any_failed;
};

static json_t *result_json(const struct collection *collection, const struct sb_written *written)
{
    json_t *json = json_pack("{s:s,s:b,s:[]}", "id", written->id, "success", 1, "errors");

    if (collection->created_shown)
        json_object_set_new(json, "created", json_boolean(written->created));
    return json;
}

static json_t *failure_json(const struct collection *collection, struct sf_fail *fail)
{
    json_t *json = json_pack("{s:b,s:[o]}", "success", 0, "errors", sf_fail_save(fail));

    if (collection->created_shown)
        json_object_set_new(json, "created", json_false());
    sf_fail_done(fail);
    return json;
}

/* A member by its name without case: "Id" and "id". */
static json_t *member(json_t *object, const char *name)
{
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        if (strcasecmp(key, name) == 0)
            return value;
    }
    return NULL;
}

static json_t *without(json_t *object, const char *name)
{
    json_t *copy = json_object(), *value;
    const char *key;

    json_object_foreach(object, key, value)
    {
        if (strcasecmp(key, name) != 0)
            json_object_set(copy, key, value);
    }
    return copy;
}

/* The external id's value as text: numbers are external ids too. */
static const char *value_text(struct cf_arena *arena, json_t *value)
{
    if (json_is_integer(value))
        return cf_arena_printf(arena, "%lld", (long long)json_integer_value(value)).p;
    return json_string_value(value);
}

/* Fills `write` from a record; -1 with `fail` when it cannot be one. */
static int read_record(const struct sb_context *context, const struct collection *collection, json_t *record,
                       struct sb_write *write, struct sf_fail *fail)
{
    const char *type = json_string_value(json_object_get(json_object_get(record, "attributes"), "type"));

    *write = (struct sb_write){.kind = collection->kind, .type = collection->type ? collection->type : type};
    if (!json_is_object(record) || !write->type) {
        sb_fail_set(fail, 400, "INVALID_TYPE", "Each record needs attributes with its type");
        return -1;
    }
    if (collection->kind == SB_UPDATE) {
        write->id = json_string_value(member(record, "Id"));
        write->body = without(record, "Id");
        if (!write->id)
            sb_fail_set(fail, 400, "MISSING_ARGUMENT", "Id not specified in an update call");
    } else if (collection->kind == SB_UPSERT) {
        write->field = collection->field;
        write->value = value_text(context->arena, member(record, collection->field));
        write->body = without(record, collection->field);
        if (!write->value && strcasecmp(collection->field, "Id") != 0)
            sb_fail_set(fail, 400, "MISSING_ARGUMENT", "The external id field is not specified");
    } else {
        write->body = json_incref(record);
    }
    return fail->code[0] ? -1 : 0;
}

static json_t *write_record(struct sb_context *context, struct collection *collection, json_t *record)
{
    struct sb_write write;
    struct sb_written written;
    struct sf_fail fail = {0};
    int bad =
        read_record(context, collection, record, &write, &fail) || sb_write(context, &write, &written, &fail);

    json_decref(write.body);
    collection->any_failed = collection->any_failed || bad;
    return bad ? failure_json(collection, &fail) : result_json(collection, &written);
}

/* With allOrNone one failure undoes all: the good ones are reported as rolled back. */
static void report_rollback(const struct collection *collection, json_t *results)
{
    size_t i;
    json_t *result;

    json_array_foreach(results, i, result)
    {
        struct sf_fail fail;

        if (!json_is_true(json_object_get(result, "success")))
            continue;
        sb_fail_set(&fail, 400, "ALL_OR_NONE_OPERATION_ROLLED_BACK", ROLLED_BACK);
        json_array_set_new(results, i, failure_json(collection, &fail));
    }
}

static json_t *run(struct sb_context *context, const struct sb_request *request,
                   struct collection *collection, json_t *records)
{
    json_t *results = json_array(), *record;
    size_t mark, i;

    sb_store_take(context, request);
    mark = sb_unit_begin(context);
    json_array_foreach(records, i, record)
        json_array_append_new(results, write_record(context, collection, record));
    sb_unit_end(context, mark, !(collection->all_or_none && collection->any_failed));
    sb_store_give(context);
    if (collection->all_or_none && collection->any_failed)
        report_rollback(collection, results);
    return results;
}

static void run_body(struct sb_context *context, const struct sb_request *request,
                     struct collection *collection, struct sb_reply *reply)
{
    json_t *body = sb_request_json(request, reply), *records;

    if (!body)
        return;
    records = json_object_get(body, "records");
    collection->all_or_none = json_is_true(json_object_get(body, "allOrNone"));
    if (!json_is_array(records) || json_array_size(records) == 0)
        sb_reply_error(reply, 400, "INVALID_INPUT", "The body must be an object with the list 'records'");
    else if (json_array_size(records) > SB_COLLECTION_MAX)
        sb_reply_error(reply, 400, "EXCEEDED_ID_LIMIT",
                       "record limit reached. cannot submit more than %d records", SB_COLLECTION_MAX);
    else
        sb_reply_json(reply, 200, run(context, request, collection, records));
    json_decref(body);
}

void sb_rest_collections_create(struct sb_context *context, const struct sb_request *request,
                                struct sb_reply *reply)
{
    struct collection collection = {.kind = SB_CREATE};

    run_body(context, request, &collection, reply);
}

void sb_rest_collections_update(struct sb_context *context, const struct sb_request *request,
                                struct sb_reply *reply)
{
    struct collection collection = {.kind = SB_UPDATE};

    run_body(context, request, &collection, reply);
}

void sb_rest_collections_upsert(struct sb_context *context, const struct sb_request *request,
                                struct sb_reply *reply)
{
    struct collection collection = {
        .kind = SB_UPSERT, .type = request->args[0], .field = request->args[1], .created_shown = true};

    run_body(context, request, &collection, reply);
}

/* "a,b,c" as an array of texts. */
static json_t *split(const char *list)
{
    json_t *array = json_array();
    struct cf_str rest = cf_str_of(list);

    while (rest.n > 0) {
        const char *comma = memchr(rest.p, ',', rest.n);
        struct cf_str part = {rest.p, comma ? (size_t)(comma - rest.p) : rest.n};

        rest = (struct cf_str){part.p + part.n + (comma ? 1 : 0), rest.n - part.n - (comma ? 1 : 0)};
        part = cf_str_trim(part);
        if (part.n > 0)
            json_array_append_new(array, json_stringn(part.p, part.n));
    }
    return array;
}

static json_t *delete_one(struct sb_context *context, struct collection *collection, const char *id)
{
    struct sb_write write = {.kind = SB_DELETE_RECORD, .type = sf_store_type_of_id(id), .id = id};
    struct sb_written written;
    struct sf_fail fail = {0};

    if (!write.type)
        sb_fail_set(&fail, 400, "MALFORMED_ID", "malformed id");
    else if (sb_write(context, &write, &written, &fail) == 0)
        return result_json(collection, &written);
    collection->any_failed = true;
    return failure_json(collection, &fail);
}

void sb_rest_collections_delete(struct sb_context *context, const struct sb_request *request,
                                struct sb_reply *reply)
{
    const char *list = sb_request_param(request, "ids"), *all = sb_request_param(request, "allOrNone");
    struct collection collection = {.kind = SB_DELETE_RECORD,
                                    .all_or_none = all && strcasecmp(all, "true") == 0};
    json_t *ids = split(list ? list : ""), *results = json_array(), *id;
    size_t mark, i;

    if (json_array_size(ids) == 0 || json_array_size(ids) > SB_COLLECTION_MAX) {
        sb_reply_error(reply, 400, "INVALID_INPUT", "ids: 1 to %d record ids", SB_COLLECTION_MAX);
        json_decref(results);
    } else {
        sb_store_take(context, request);
        mark = sb_unit_begin(context);
        json_array_foreach(ids, i, id)
            json_array_append_new(results, delete_one(context, &collection, json_string_value(id)));
        sb_unit_end(context, mark, !(collection.all_or_none && collection.any_failed));
        sb_store_give(context);
        if (collection.all_or_none && collection.any_failed)
            report_rollback(&collection, results);
        sb_reply_json(reply, 200, results);
    }
    json_decref(ids);
}

/* The ids and fields of GET ?ids=&fields= or of the body {"ids":[...],"fields":[...]}. */
static bool read_selection(const struct sb_request *request, json_t **ret_ids, const char **ret_fields,
                           struct sb_reply *reply)
{
    const char *ids = sb_request_param(request, "ids");
    json_t *body, *field;
    struct cf_buf fields;
    size_t i;

    if (request->method == SB_GET) {
        *ret_ids = split(ids ? ids : "");
        *ret_fields = sb_request_param(request, "fields");
        return true;
    }
    body = sb_request_json(request, reply);
    if (!body)
        return false;
    *ret_ids = json_incref(json_object_get(body, "ids"));
    cf_buf_init(&fields, SB_BODY_MAX_BYTES);
    json_array_foreach(json_object_get(body, "fields"), i, field) cf_buf_printf(
        &fields, "%s%s", i > 0 ? "," : "", json_is_string(field) ? json_string_value(field) : "");
    *ret_fields = cf_arena_cstr(request->arena, cf_buf_view(&fields));
    cf_buf_done(&fields);
    json_decref(body);
    return true;
}

/* An id that is not there gives null in its place; a bad field fails the call. */
static void get_all(struct sb_context *context, const struct sb_request *request, json_t *ids,
                    const char *fields, struct sb_reply *reply)
{
    json_t *records = json_array(), *id;
    struct sf_fail fail = {0};
    size_t i;

    sb_store_take(context, request);
    json_array_foreach(ids, i, id)
    {
        const char *text = json_is_string(id) ? json_string_value(id) : "";
        json_t *record = NULL;

        if (sf_store_get(context->sandbox->store, request->args[0], text, fields, &record, &fail)) {
            if (fail.status != 404)
                break;
            sf_fail_done(&fail);
            record = json_null();
        }
        json_array_append_new(records, record);
    }
    sb_store_give(context);
    if (!fail.code[0]) {
        sb_reply_json(reply, 200, records);
        return;
    }
    json_decref(records);
    sb_reply_fail(reply, &fail);
}

void sb_rest_collections_get(struct sb_context *context, const struct sb_request *request,
                             struct sb_reply *reply)
{
    json_t *ids = NULL;
    const char *fields = NULL;

    if (!read_selection(request, &ids, &fields, reply))
        return;
    if (json_array_size(ids) == 0 || !fields || !*fields)
        sb_reply_error(reply, 400, "INVALID_INPUT", "ids and fields are needed");
    else
        get_all(context, request, ids, fields, reply);
    json_decref(ids);
}
