/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rest_query - query, queryAll, further pages, search and parameterizedSearch.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sandbox.h"

/* "Sforce-Query-Options: batchSize=200", else the configured size; 0: the default. */
static struct sf_query_opts options_of(const struct sb_context *context, const struct sb_request *request)
{
    const char *header = sb_request_header(request, "Sforce-Query-Options");
    const char *size = header ? strcasestr(header, "batchSize=") : NULL;
    struct sf_query_opts opts = {.batch_size =
                                     (uint32_t)sb_setting(&context->sandbox->settings, SB_batch_size)};

    if (size) {
        unsigned long asked = strtoul(size + strlen("batchSize="), NULL, 10);

        opts.batch_size = asked > SF_BATCH_MAX ? SF_BATCH_MAX : (uint32_t)asked;
    }
    for (size_t i = 0; i < request->segment_count; i++)
        opts.include_deleted = opts.include_deleted || strcasecmp(request->segments[i].p, "queryAll") == 0;
    return opts;
}

static void answer(struct sb_reply *reply, int bad, json_t *result, struct sf_fail *fail)
{
    if (bad)
        sb_reply_fail(reply, fail);
    else
        sb_reply_json(reply, 200, result);
}

void sb_rest_query(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    const char *soql = sb_request_param(request, "q");
    struct sf_query_opts opts = options_of(context, request);
    struct sf_fail fail = {0};
    json_t *result = NULL;
    int bad;

    if (!soql) {
        sb_reply_error(reply, 400, "MALFORMED_QUERY", "A query has to be specified");
        return;
    }
    sb_store_take(context, request);
    bad = sf_store_query(context->sandbox->store, soql, &opts, &result, &fail);
    sb_store_give(context);
    answer(reply, bad, result, &fail);
}

void sb_rest_query_more(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    struct sf_query_opts opts = options_of(context, request);
    struct sf_fail fail = {0};
    json_t *result = NULL;
    int bad;

    sb_store_take(context, request);
    bad = sf_store_query_more(context->sandbox->store, request->args[0], &opts, &result, &fail);
    sb_store_give(context);
    answer(reply, bad, result, &fail);
}

void sb_rest_search(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    const char *sosl = sb_request_param(request, "q");
    struct sf_fail fail = {0};
    json_t *result = NULL;
    int bad;

    if (!sosl) {
        sb_reply_error(reply, 400, "MALFORMED_SEARCH", "A search has to be specified");
        return;
    }
    sb_store_take(context, request);
    bad = sf_store_search(context->sandbox->store, sosl, &result, &fail);
    sb_store_give(context);
    answer(reply, bad, result, &fail);
}

/* "Id,Name" -> ["Id","Name"] */
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

static void set_number(json_t *object, const char *name, const char *text)
{
    if (text)
        json_object_set_new(object, name, json_integer((json_int_t)strtoll(text, NULL, 10)));
}

/* One object of the GET form: sobject=Account&Account.fields=Id,Name&Account.limit=10&Account.where=... */
static json_t *object_of(const struct sb_request *request, const char *name)
{
    json_t *object = json_pack("{s:s}", "name", name);
    struct cf_arena *arena = request->arena;
    const char *fields = sb_request_param(request, cf_arena_printf(arena, "%s.fields", name).p);
    const char *where = sb_request_param(request, cf_arena_printf(arena, "%s.where", name).p);
    const char *order = sb_request_param(request, cf_arena_printf(arena, "%s.orderBy", name).p);

    if (fields)
        json_object_set_new(object, "fields", split(fields));
    if (where)
        json_object_set_new(object, "where", json_string(where));
    if (order)
        json_object_set_new(object, "orderBy", json_string(order));
    set_number(object, "limit", sb_request_param(request, cf_arena_printf(arena, "%s.limit", name).p));
    return object;
}

/* The GET form as the body that POST would have had. */
static json_t *search_of(const struct sb_request *request)
{
    const char *q = sb_request_param(request, "q"), *in = sb_request_param(request, "in");
    const char *fields = sb_request_param(request, "fields");
    json_t *json = json_object(), *objects = json_array();

    if (q)
        json_object_set_new(json, "q", json_string(q));
    if (in)
        json_object_set_new(json, "in", json_string(in));
    if (fields)
        json_object_set_new(json, "fields", split(fields));
    set_number(json, "overallLimit", sb_request_param(request, "overallLimit"));
    set_number(json, "defaultLimit", sb_request_param(request, "defaultLimit"));
    for (size_t i = 0; i < request->query.count; i++) {
        if (cf_str_is(request->query.items[i].name, "sobject"))
            json_array_append_new(objects, object_of(request, request->query.items[i].value.p));
    }
    if (json_array_size(objects) > 0)
        json_object_set(json, "sobjects", objects);
    json_decref(objects);
    return json;
}

void sb_rest_search_params(struct sb_context *context, const struct sb_request *request,
                           struct sb_reply *reply)
{
    json_t *ask = request->method == SB_GET ? search_of(request) : sb_request_json(request, reply);
    struct sf_fail fail = {0};
    json_t *result = NULL;
    int bad;

    if (!ask)
        return;
    sb_store_take(context, request);
    bad = sf_store_search_params(context->sandbox->store, ask, &result, &fail);
    sb_store_give(context);
    json_decref(ask);
    answer(reply, bad, result, &fail);
}
