/* SPDX-License-Identifier: Apache-2.0 */
/* rest_changes - which records were written or deleted in a span of time, and the newest ones. */
#include <string.h>

#include "sandbox.h"

#define CHANGES_MAX 2000

/* A time as SOQL takes it: digits and the signs of RFC 3339. */
static bool is_time(const char *text)
{
    return text && strlen(text) >= 10 && strlen(text) < 40 &&
           strspn(text, "0123456789TZ:.+-") == strlen(text);
}

/* The records of the span, or NULL with the reply filled. */
static json_t *changes(struct sb_context *context, const struct sb_request *request, const char *deleted,
                       struct sb_reply *reply)
{
    const char *start = sb_request_param(request, "start"), *end = sb_request_param(request, "end");
    const char *type = sf_store_type_name(request->args[0]), *soql;
    struct sf_query_opts opts = {.include_deleted = true};
    struct sf_fail fail = {0};
    json_t *result = NULL, *records;
    int bad;

    if (!type || !is_time(start) || !is_time(end)) {
        sb_reply_error(reply, type ? 400 : 404, type ? "INVALID_REPLICATION_DATE" : "NOT_FOUND", "%s",
                       type ? "start and end: two times are needed"
                            : "The requested resource does not exist");
        return NULL;
    }
    soql =
        cf_arena_printf(context->arena,
                        "SELECT Id, SystemModstamp FROM %s WHERE IsDeleted = %s AND SystemModstamp >= %s AND "
                        "SystemModstamp <= %s ORDER BY SystemModstamp LIMIT %d",
                        type, deleted, start, end, CHANGES_MAX)
            .p;
    sb_store_take(context, request);
    bad = sf_store_query(context->sandbox->store, soql, &opts, &result, &fail);
    sb_store_give(context);
    if (bad) {
        sb_reply_fail(reply, &fail);
        return NULL;
    }
    records = json_incref(json_object_get(result, "records"));
    json_decref(result);
    return records;
}

void sb_rest_updated(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    json_t *records = changes(context, request, "false", reply), *ids = json_array(), *record;
    size_t i;

    json_array_foreach(records, i, record) json_array_append(ids, json_object_get(record, "Id"));
    if (records)
        sb_reply_json(
            reply, 200,
            json_pack("{s:O,s:s}", "ids", ids, "latestDateCovered", sb_request_param(request, "end")));
    json_decref(ids);
    json_decref(records);
}

void sb_rest_deleted(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    json_t *records = changes(context, request, "true", reply), *list = json_array(), *record;
    size_t i;

    json_array_foreach(records, i, record)
        json_array_append_new(list, json_pack("{s:O,s:O}", "id", json_object_get(record, "Id"), "deletedDate",
                                              json_object_get(record, "SystemModstamp")));
    if (records)
        sb_reply_json(reply, 200,
                      json_pack("{s:O,s:s,s:s}", "deletedRecords", list, "earliestDateAvailable",
                                sb_request_param(request, "start"), "latestDateCovered",
                                sb_request_param(request, "end")));
    json_decref(list);
    json_decref(records);
}

void sb_rest_recent(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    struct sf_fail fail = {0};
    json_t *result = NULL;
    int bad;

    sb_store_take(context, request);
    bad = sf_store_query(context->sandbox->store,
                         "SELECT Id, Name FROM Contact ORDER BY LastModifiedDate DESC LIMIT 20", NULL,
                         &result, &fail);
    sb_store_give(context);
    if (bad)
        sb_reply_fail(reply, &fail);
    else
        sb_reply_json(reply, 200, json_incref(json_object_get(result, "records")));
    json_decref(result);
}
