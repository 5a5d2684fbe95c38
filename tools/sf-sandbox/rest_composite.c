/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rest_composite - composite (references, all or none), batch (one after the other) and graph (each all or
 * none).
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "refs.h"
#include "router.h"
#include "write.h"

#define ROLLED_BACK "The transaction was rolled back since another operation in the same transaction failed."
#define REFERENCE_ID_MAX 80
#define GRAPH_ID_MAX 40

struct headers {
    json_t *object; /* of texts; may be NULL */
};

/* One composite call or one graph. */
struct series {
    json_t *subrequests; /* borrowed */
    json_t *results;     /* referenceId -> body */
    json_t *answers;     /* the compositeResponse */
    bool all_or_none, failed, graph;
    size_t failed_at; /* valid when failed: the first */
};

void sb_rest_composite_index(struct sb_context *context, const struct sb_request *request,
                             struct sb_reply *reply)
{
    static const char *const names[][2] = {
        {"composite", ""}, {"batch", "/batch"}, {"graph", "/graph"}, {"sobjects", "/sobjects"}};
    json_t *json = json_object();

    (void)context;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        json_object_set_new(json, names[i][0],
                            json_sprintf("/services/data/%s/composite%s", request->version, names[i][1]));
    sb_reply_json(reply, 200, json);
}

static const char *text_member(json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static const char *header_of(const void *arg, const char *name)
{
    const struct headers *headers = arg;
    const char *key;
    json_t *value;

    json_object_foreach(headers->object, key, value)
    {
        if (strcasecmp(key, name) == 0)
            return json_string_value(value);
    }
    return NULL;
}

/* Batch URLs may begin with the version ("v60.0/sobjects/..."). */
static const char *full_url(struct cf_arena *arena, const char *url)
{
    const char *plain = url[0] == '/' ? url + 1 : url;

    if ((plain[0] == 'v' || plain[0] == 'V') && isdigit((unsigned char)plain[1]))
        return cf_arena_printf(arena, "/services/data/%s", plain).p;
    return url;
}

/* Runs one subrequest; `json` is its body (may be NULL), `headers` its headers. */
static void run_sub(struct sb_context *context, json_t *sub, const char *url, json_t *json,
                    struct sb_reply *reply)
{
    struct headers headers = {json_object_get(sub, "httpHeaders")};
    const char *method = text_member(sub, "method");
    struct sb_request request;

    url = full_url(context->arena, url);
    if (strlen(url) > (size_t)SB_URI_MAX_BYTES * 4) {
        sb_reply_error(reply, 414, "URI_TOO_LONG", "The URL of a subrequest is too long");
        return;
    }
    if (sb_request_init(&request, context->arena, method, cf_str_of(url))) {
        sb_reply_error(reply, 400, "BAD_REQUEST", "The URL of a subrequest is not valid");
        return;
    }
    request.json = json;
    request.header = header_of;
    request.header_arg = &headers;
    sb_router_subrequest(context, &request, reply);
}

static json_t *headers_json(const struct sb_reply *reply)
{
    json_t *json = json_object();

    for (size_t i = 0; i < reply->header_count; i++) {
        if (strcmp(reply->headers[i].name.p, "Sforce-Limit-Info") != 0)
            json_object_set_new(json, reply->headers[i].name.p, json_string(reply->headers[i].value.p));
    }
    return json;
}

static json_t *body_of(const struct sb_reply *reply)
{
    return reply->json ? json_incref(reply->json) : json_null();
}

static void add_answer(struct series *series, json_t *sub, const struct sb_reply *reply)
{
    json_t *id = json_object_get(sub, "referenceId");

    json_array_append_new(series->answers,
                          json_pack("{s:o,s:o,s:i,s:O}", "body", body_of(reply), "httpHeaders",
                                    headers_json(reply), "httpStatusCode", reply->status, "referenceId", id));
    if (reply->status < 300 && reply->json)
        json_object_set(series->results, json_string_value(id), reply->json);
}

static void halt(struct sb_reply *reply, const char *message)
{
    sb_reply_done(reply);
    sb_reply_error(reply, 400, "PROCESSING_HALTED", "%s", message);
}

static void run_one(struct sb_context *context, struct series *series, json_t *sub, struct sb_reply *reply)
{
    json_t *body = json_object_get(sub, "body"), *resolved = NULL;
    const char *reason = "";
    const char *url = sb_refs_resolve_url(context->arena, text_member(sub, "url"), series->results, &reason);

    if (url && body && !json_is_null(body)) {
        resolved = sb_refs_resolve(context->arena, body, series->results, &reason);
        url = resolved ? url : NULL;
    }
    if (url)
        run_sub(context, sub, url, resolved, reply);
    else
        halt(reply, reason);
    json_decref(resolved);
}

/* Everything but the culprit is reported as halted. */
static void report_rollback(struct series *series)
{
    for (size_t i = 0; i < json_array_size(series->answers); i++) {
        json_t *answer = json_array_get(series->answers, i);

        if (i == series->failed_at)
            continue;
        json_object_set_new(
            answer, "body",
            json_pack("[{s:s,s:s}]", "errorCode", "PROCESSING_HALTED", "message", ROLLED_BACK));
        json_object_set_new(answer, "httpHeaders", json_object());
        json_object_set_new(answer, "httpStatusCode", json_integer(400));
    }
}

static void run_series(struct sb_context *context, struct series *series)
{
    size_t mark = series->all_or_none ? sb_unit_begin(context) : 0, i;
    json_t *sub;

    json_array_foreach(series->subrequests, i, sub)
    {
        struct sb_reply reply = {0};

        if (series->all_or_none && series->failed)
            halt(&reply, ROLLED_BACK);
        else
            run_one(context, series, sub, &reply);
        if (reply.status >= 300 && reply.status != 304 && !series->failed) {
            series->failed = true;
            series->failed_at = i;
        }
        add_answer(series, sub, &reply);
        sb_reply_done(&reply);
    }
    if (!series->all_or_none)
        return;
    sb_unit_end(context, mark, !series->failed);
    if (series->failed)
        report_rollback(series);
}

static bool reference_id_ok(const char *id, json_t *seen)
{
    if (!id || !*id || strlen(id) > REFERENCE_ID_MAX || json_object_get(seen, id))
        return false;
    for (const char *c = id; *c; c++) {
        if (!isalnum((unsigned char)*c) && *c != '_')
            return false;
    }
    return json_object_set_new(seen, id, json_true()) == 0;
}

/* Queries and collections are the expensive ones: five of them at most. */
static bool is_expensive(const char *url)
{
    return strstr(url, "/query") || strstr(url, "/composite/sobjects");
}

/* /services/data/vNN.N/sobjects/T, .../T/id or .../T/field/value: what a graph may hold. */
static bool is_record_url(const char *url)
{
    static const char before[] = "/services/data/v", sobjects[] = "/sobjects/";
    const char *rest =
        strncmp(url, before, sizeof(before) - 1) == 0 ? strchr(url + sizeof(before) - 1, '/') : NULL;
    size_t parts = 1;

    if (!rest || strncasecmp(rest, sobjects, sizeof(sobjects) - 1) != 0 || !rest[sizeof(sobjects) - 1])
        return false;
    for (rest += sizeof(sobjects) - 1; *rest && *rest != '?'; rest++)
        parts += *rest == '/' && rest[1] && rest[1] != '?';
    return parts <= 3;
}

/* The deepest node that `text` refers to by @{name...}. */
static json_int_t depth_in(const char *text, json_t *depths)
{
    json_int_t deepest = 0;

    for (const char *at = strstr(text, "@{"); at; at = strstr(at + 2, "@{")) {
        char name[REFERENCE_ID_MAX + 1];
        size_t n = strcspn(at + 2, ".[}");
        json_int_t depth;

        if (!cf_str_copy(name, sizeof(name), (struct cf_str){at + 2, n}))
            continue;
        depth = json_integer_value(json_object_get(depths, name));
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest;
}

/* How long the longest chain of references in a graph is. */
static json_int_t depth_of(json_t *list)
{
    json_t *depths = json_object(), *sub;
    json_int_t deepest = 0;
    size_t i;

    json_array_foreach(list, i, sub)
    {
        char *text = json_dumps(sub, JSON_COMPACT);
        json_int_t depth = depth_in(text ? text : "", depths) + 1;

        free(text);
        deepest = depth > deepest ? depth : deepest;
        json_object_set_new(depths, text_member(sub, "referenceId"), json_integer(depth));
    }
    json_decref(depths);
    return deepest;
}

/* NULL, or why the list is refused as a whole. */
static const char *check_series(json_t *subrequests, size_t max, bool graph)
{
    json_t *seen = json_object(), *sub;
    const char *problem = NULL;
    size_t i, expensive = 0;

    if (json_array_size(subrequests) == 0)
        problem = "compositeRequest: a list of subrequests is needed";
    else if (json_array_size(subrequests) > max)
        problem = "Too many subrequests";
    json_array_foreach(subrequests, i, sub)
    {
        const char *url = text_member(sub, "url");

        if (problem)
            break;
        if (!url || !text_member(sub, "method"))
            problem = "A subrequest needs method, url and referenceId";
        else if (!reference_id_ok(text_member(sub, "referenceId"), seen))
            problem = "referenceId must be unique and consist of letters, digits and underscores";
        else if (graph && !is_record_url(url))
            problem = "A graph may hold sobjects requests only";
        else if (!graph && is_expensive(url) && ++expensive > SB_COMPOSITE_QUERIES_MAX)
            problem = "Too many query or collections subrequests";
    }
    json_decref(seen);
    return problem;
}

/* The body as an object with the array `name`; NULL with the reply filled. */
static json_t *body_with(const struct sb_request *request, const char *name, struct sb_reply *reply)
{
    json_t *body = sb_request_json(request, reply);

    if (!body)
        return NULL;
    if (json_is_array(json_object_get(body, name)))
        return body;
    json_decref(body);
    sb_reply_error(reply, 400, "INVALID_INPUT", "The body must be an object with the list '%s'", name);
    return NULL;
}

void sb_rest_composite(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    json_t *body = body_with(request, "compositeRequest", reply);
    struct series series = {.subrequests = json_object_get(body, "compositeRequest"),
                            .all_or_none = json_is_true(json_object_get(body, "allOrNone"))};
    const char *problem;

    if (!body)
        return;
    problem = check_series(series.subrequests, SB_SUBREQUESTS_MAX, false);
    if (problem) {
        sb_reply_error(reply, 400, "INVALID_INPUT", "%s", problem);
    } else {
        series.results = json_object();
        series.answers = json_array();
        sb_store_take(context, request);
        run_series(context, &series);
        sb_store_give(context);
        sb_reply_json(reply, 200, json_pack("{s:o}", "compositeResponse", series.answers));
        json_decref(series.results);
    }
    json_decref(body);
}

/* A graph that is not run any more, because too many before it have failed. */
static json_t *halted_graph(json_t *graph)
{
    json_t *answers = json_array(), *sub;
    size_t i;

    json_array_foreach(json_object_get(graph, "compositeRequest"), i, sub)
    {
        json_array_append_new(
            answers, json_pack("{s:[{s:s,s:s}],s:{},s:i,s:O}", "body", "errorCode", "PROCESSING_HALTED",
                               "message", "Too many graphs of this request have failed.", "httpHeaders",
                               "httpStatusCode", 400, "referenceId", json_object_get(sub, "referenceId")));
    }
    return json_pack("{s:O,s:{s:o},s:b}", "graphId", json_object_get(graph, "graphId"), "graphResponse",
                     "compositeResponse", answers, "isSuccessful", 0);
}

static json_t *run_graph(struct sb_context *context, json_t *graph)
{
    struct series series = {.subrequests = json_object_get(graph, "compositeRequest"),
                            .results = json_object(),
                            .answers = json_array(),
                            .all_or_none = true,
                            .graph = true};

    run_series(context, &series);
    json_decref(series.results);
    return json_pack("{s:O,s:{s:o},s:b}", "graphId", json_object_get(graph, "graphId"), "graphResponse",
                     "compositeResponse", series.answers, "isSuccessful", !series.failed);
}

static const char *check_graphs(json_t *graphs)
{
    json_t *seen = json_object(), *graph;
    const char *problem = json_array_size(graphs) > SB_GRAPHS_MAX ? "Too many graphs" : NULL;
    size_t i, nodes = 0;

    json_array_foreach(graphs, i, graph)
    {
        json_t *list = json_object_get(graph, "compositeRequest");
        const char *id = text_member(graph, "graphId");

        if (problem)
            break;
        problem = check_series(list, SB_GRAPH_NODES_MAX, true);
        if (!problem && (!id || !isalnum((unsigned char)id[0]) || strlen(id) > GRAPH_ID_MAX))
            problem = "Each graph needs a graphId that begins with a letter or digit";
        else if (!problem && json_object_get(seen, id))
            problem = "graphId must be unique";
        else if (!problem && depth_of(list) > SB_GRAPH_DEPTH_MAX)
            problem = "A graph is too deep";
        else if (!problem)
            json_object_set_new(seen, id, json_true());
        nodes += json_array_size(list);
    }
    json_decref(seen);
    if (!problem && nodes > SB_GRAPH_NODES_MAX)
        problem = "Too many nodes";
    return problem;
}

void sb_rest_graph(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    json_t *body = body_with(request, "graphs", reply), *answers, *graph;
    const char *problem;
    size_t i, failures = 0;

    if (!body)
        return;
    problem = check_graphs(json_object_get(body, "graphs"));
    if (problem) {
        sb_reply_error(reply, 400, "INVALID_INPUT", "%s", problem);
        json_decref(body);
        return;
    }
    answers = json_array();
    sb_store_take(context, request);
    json_array_foreach(json_object_get(body, "graphs"), i, graph)
    {
        json_t *done = failures > SB_GRAPH_FAILURES_MAX ? halted_graph(graph) : run_graph(context, graph);

        failures += json_is_true(json_object_get(done, "isSuccessful")) ? 0 : 1;
        json_array_append_new(answers, done);
    }
    sb_store_give(context);
    sb_reply_json(reply, 200, json_pack("{s:o}", "graphs", answers));
    json_decref(body);
}

static void run_batch_one(struct sb_context *context, json_t *sub, struct sb_reply *reply)
{
    const char *url = text_member(sub, "url");

    if (!url || !text_member(sub, "method"))
        sb_reply_error(reply, 400, "INVALID_INPUT", "A subrequest needs method and url");
    else
        run_sub(context, sub, url, json_object_get(sub, "richInput"), reply);
}

static json_t *run_batch(struct sb_context *context, json_t *list, bool halt_on_error, bool *ret_errors)
{
    json_t *results = json_array(), *sub;
    size_t i;

    json_array_foreach(list, i, sub)
    {
        struct sb_reply reply = {0};

        if (*ret_errors && halt_on_error)
            sb_reply_error(&reply, 412, "BATCH_PROCESSING_HALTED", "Batch processing halted per request");
        else
            run_batch_one(context, sub, &reply);
        *ret_errors = *ret_errors || reply.status >= 300;
        json_array_append_new(results,
                              json_pack("{s:i,s:o}", "statusCode", reply.status, "result", body_of(&reply)));
        sb_reply_done(&reply);
    }
    return results;
}

/* Each subrequest counts as a call; the first was counted on arrival. */
static void count_batch(struct sb_context *context, size_t subrequests)
{
    struct sandbox *sandbox = context->sandbox;
    int64_t more = (int64_t)subrequests - 1;

    if (more > 0 && sb_limits_spend(sandbox->limits, sb_setting(&sandbox->settings, SB_daily_limit), more,
                                    context->now_ns))
        context->api_calls += more;
}

void sb_rest_batch(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    json_t *body = body_with(request, "batchRequests", reply), *list, *results;
    bool errors = false;

    if (!body)
        return;
    list = json_object_get(body, "batchRequests");
    if (json_array_size(list) == 0 || json_array_size(list) > SB_SUBREQUESTS_MAX) {
        sb_reply_error(reply, 400, "INVALID_INPUT", "batchRequests: 1 to %d subrequests", SB_SUBREQUESTS_MAX);
        json_decref(body);
        return;
    }
    count_batch(context, json_array_size(list));
    sb_store_take(context, request);
    results = run_batch(context, list, json_is_true(json_object_get(body, "haltOnError")), &errors);
    sb_store_give(context);
    sb_reply_json(reply, 200, json_pack("{s:b,s:o}", "hasErrors", (int)errors, "results", results));
    json_decref(body);
}
