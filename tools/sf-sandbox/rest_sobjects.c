/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rest_sobjects - versions, resources, limits, descriptions, and single records.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "write.h"

static json_t *version_json(unsigned version)
{
    static const char *const seasons[] = {"Summer", "Winter", "Spring"};
    unsigned since = version - SB_VERSION_MIN; /* 31 was Summer '14; three a year since */

    return json_pack("{s:o,s:o,s:o}", "label",
                     json_sprintf("%s '%02u", seasons[since % 3], 14 + (since + 2) / 3), "url",
                     json_sprintf("/services/data/v%u.0", version), "version", json_sprintf("%u.0", version));
}

void sb_rest_versions(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    json_t *list = json_array();

    (void)context;
    (void)request;
    for (unsigned version = SB_VERSION_MIN; version <= SB_VERSION_MAX; version++)
        json_array_append_new(list, version_json(version));
    sb_reply_json(reply, 200, list);
}

void sb_rest_resources(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    static const char *const names[] = {"composite", "limits",  "parameterizedSearch", "query", "queryAll",
                                        "search",    "sobjects"};
    json_t *json = json_object();

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        json_object_set_new(json, names[i], json_sprintf("/services/data/%s/%s", request->version, names[i]));
    json_object_set_new(json, "identity",
                        json_sprintf("%s/id/%s/%s", context->sandbox->instance_url,
                                     sf_store_org_id(context->sandbox->store),
                                     sf_store_default_user(context->sandbox->store)));
    sb_reply_json(reply, 200, json);
}

void sb_rest_limits(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    struct sandbox *sandbox = context->sandbox;
    json_int_t limit = sb_setting(&sandbox->settings, SB_daily_limit);
    json_int_t left = limit - sb_limits_used(sandbox->limits);

    (void)request;
    sb_reply_json(reply, 200,
                  json_pack("{s:{s:I,s:I},s:{s:i,s:i},s:{s:i,s:i},s:{s:i,s:i}}", "DailyApiRequests", "Max",
                            limit, "Remaining", left > 0 ? left : 0, "DailyBulkApiBatches", "Max", 15000,
                            "Remaining", 15000, "DataStorageMB", "Max", 1024, "Remaining", 1024,
                            "FileStorageMB", "Max", 1024, "Remaining", 1024));
}

void sb_rest_describe_global(struct sb_context *context, const struct sb_request *request,
                             struct sb_reply *reply)
{
    sb_store_take(context, request);
    sb_reply_json(reply, 200, sf_store_describe_global(context->sandbox->store));
    sb_store_give(context);
}

typedef int describe_fn(struct sf_store *store, const char *type, json_t **ret_describe,
                        struct sf_fail *fail);

static void describe(struct sb_context *context, const struct sb_request *request, describe_fn *fn,
                     struct sb_reply *reply)
{
    struct sf_fail fail = {0};
    json_t *result = NULL;
    int bad;

    sb_store_take(context, request);
    bad = fn(context->sandbox->store, request->args[0], &result, &fail);
    sb_store_give(context);
    if (bad)
        sb_reply_fail(reply, &fail);
    else
        sb_reply_json(reply, 200, result);
}

void sb_rest_describe(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    describe(context, request, sf_store_describe, reply);
}

void sb_rest_describe_basic(struct sb_context *context, const struct sb_request *request,
                            struct sb_reply *reply)
{
    describe(context, request, sf_store_describe_basic, reply);
}

/* Runs one write and answers a failure. */
static int write_or_fail(struct sb_context *context, const struct sb_request *request,
                         const struct sb_write *write, struct sb_written *ret_written, struct sb_reply *reply)
{
    struct sf_fail fail = {0};
    int bad;

    sb_store_take(context, request);
    bad = sb_write(context, write, ret_written, &fail);
    sb_store_give(context);
    if (bad)
        sb_reply_fail(reply, &fail);
    return bad;
}

/* The body of a write, which must be an object. */
static json_t *object_body(const struct sb_request *request, struct sb_reply *reply)
{
    json_t *body = sb_request_json(request, reply);

    if (!body || json_is_object(body))
        return body;
    json_decref(body);
    sb_reply_error(reply, 400, "JSON_PARSER_ERROR", "The body must be a JSON object");
    return NULL;
}

static void answer_written(const struct sb_request *request, const char *type,
                           const struct sb_written *written, struct sb_reply *reply)
{
    const char *name = sf_store_type_name(type);

    sb_reply_json(reply, written->created ? 201 : 200,
                  json_pack("{s:s,s:b,s:[]}", "id", written->id, "success", 1, "errors"));
    if (written->created)
        sb_reply_header(reply, "Location",
                        cf_arena_printf(request->arena, "/services/data/%s/sobjects/%s/%s", request->version,
                                        name ? name : type, written->id)
                            .p);
}

void sb_rest_create(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    struct sb_write write = {
        .kind = SB_CREATE, .type = request->args[0], .body = object_body(request, reply)};
    struct sb_written written;

    if (!write.body)
        return;
    if (write_or_fail(context, request, &write, &written, reply) == 0)
        answer_written(request, write.type, &written, reply);
    json_decref(write.body);
}

/* "Sat, 01 Nov 2025 10:00:00 GMT" without the locale's names. */
static const char *http_date(struct cf_arena *arena, int64_t ms)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;

    if (!gmtime_r(&seconds, &tm))
        return "Thu, 01 Jan 1970 00:00:00 GMT";
    return cf_arena_printf(arena, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday,
                           months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec)
        .p;
}

static void get_record(struct sb_context *context, const struct sb_request *request, const char *id,
                       struct sb_reply *reply)
{
    struct sf_store *store = context->sandbox->store;
    const char *since = sb_request_header(request, "If-Modified-Since"), *modified = NULL;
    struct sf_fail fail = {0}, ignored = {0};
    json_t *record = NULL;
    int64_t modified_ms;
    int bad;

    sb_store_take(context, request);
    bad = sf_store_get(store, request->args[0], id, sb_request_param(request, "fields"), &record, &fail);
    if (!bad && sf_store_modified_ms(store, request->args[0], id, &modified_ms, &ignored) == 0)
        modified = http_date(request->arena, modified_ms);
    sb_store_give(context);
    sf_fail_done(&ignored);
    if (bad) {
        sb_reply_fail(reply, &fail);
        return;
    }
    if (modified && since && strcmp(since, modified) == 0) {
        json_decref(record);
        sb_reply_json(reply, 304, NULL);
        return;
    }
    sb_reply_json(reply, 200, record);
    if (modified)
        sb_reply_header(reply, "Last-Modified", modified);
}

void sb_rest_get(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    get_record(context, request, request->args[1], reply);
}

void sb_rest_update(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    struct sb_write write = {.kind = SB_UPDATE,
                             .type = request->args[0],
                             .id = request->args[1],
                             .body = object_body(request, reply)};
    struct sb_written written;

    if (!write.body)
        return;
    if (write_or_fail(context, request, &write, &written, reply) == 0)
        sb_reply_json(reply, 204, NULL);
    json_decref(write.body);
}

void sb_rest_delete(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    struct sb_write write = {.kind = SB_DELETE_RECORD, .type = request->args[0], .id = request->args[1]};
    struct sb_written written;

    if (write_or_fail(context, request, &write, &written, reply) == 0)
        sb_reply_json(reply, 204, NULL);
}

/* The id behind /sobjects/T/FIELD/VALUE; false when the reply says why there is none. */
static bool find_external(struct sb_context *context, const struct sb_request *request, char id[SF_ID_SIZE],
                          struct sb_reply *reply)
{
    struct sf_fail fail = {0};
    int bad;

    sb_store_take(context, request);
    bad = sf_store_find(context->sandbox->store, request->args[0], request->args[1], request->args[2], id,
                        &fail);
    sb_store_give(context);
    if (bad)
        sb_reply_fail(reply, &fail);
    return !bad;
}

/* /sobjects/T/ID/RELATION or /sobjects/T/FIELD/VALUE: they look alike, the id decides. */
void sb_rest_get_deep(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    struct sf_fail fail = {0};
    json_t *result = NULL;
    char id[SF_ID_SIZE];
    int bad;

    if (!sf_store_type_of_id(request->args[1])) {
        if (find_external(context, request, id, reply))
            get_record(context, request, id, reply);
        return;
    }
    sb_store_take(context, request);
    bad = sf_store_related(context->sandbox->store, request->args[0], request->args[1], request->args[2],
                           &result, &fail);
    sb_store_give(context);
    if (bad)
        sb_reply_fail(reply, &fail);
    else
        sb_reply_json(reply, 200, result);
}

static bool is_true(const char *text)
{
    return text && strcasecmp(text, "true") == 0;
}

/* The answer of an upsert that updated: 200 with a body since v46, 204 before. */
static void answer_upserted(const struct sb_request *request, const struct sb_write *write,
                            const struct sb_written *written, struct sb_reply *reply)
{
    bool old = strcmp(request->version, "v46.0") < 0;

    if (old && !written->created) {
        sb_reply_json(reply, 204, NULL);
        return;
    }
    answer_written(request, write->type, written, reply);
    if (!old)
        json_object_set_new(reply->json, "created", json_boolean(written->created));
}

void sb_rest_upsert(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    struct sb_write write = {.kind = SB_UPSERT,
                             .type = request->args[0],
                             .field = request->args[1],
                             .value = request->args[2],
                             .body = object_body(request, reply),
                             .update_only = is_true(sb_request_param(request, "updateOnly"))};
    struct sb_written written;

    if (!write.body)
        return;
    if (write_or_fail(context, request, &write, &written, reply) == 0)
        answer_upserted(request, &write, &written, reply);
    json_decref(write.body);
}

void sb_rest_delete_external(struct sb_context *context, const struct sb_request *request,
                             struct sb_reply *reply)
{
    struct sb_write write = {.kind = SB_DELETE_RECORD, .type = request->args[0]};
    struct sb_written written;
    char id[SF_ID_SIZE];

    if (!find_external(context, request, id, reply))
        return;
    write.id = id;
    if (write_or_fail(context, request, &write, &written, reply) == 0)
        sb_reply_json(reply, 204, NULL);
}
