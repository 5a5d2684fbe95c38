/* SPDX-License-Identifier: Apache-2.0 */
#include "router.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "clock/clock.h"

#define DATA "/services/data/{v}"
#define OAUTH "/services/oauth2"

/* Literal patterns stand before those with arguments in the same place: the first that fits wins. */
static const struct sb_route routes[] = {
    {SB_GET, SB_OPEN | SB_UNCOUNTED | SB_NO_NEST, SB_CLASS_discovery, "/services/data", sb_rest_versions},
    {SB_GET, 0, SB_CLASS_discovery, DATA, sb_rest_resources},
    {SB_GET, 0, SB_CLASS_limits, DATA "/limits", sb_rest_limits},
    {SB_GET, 0, SB_CLASS_query, DATA "/query", sb_rest_query},
    {SB_GET, 0, SB_CLASS_query, DATA "/queryAll", sb_rest_query},
    {SB_GET, 0, SB_CLASS_query, DATA "/query/{}", sb_rest_query_more},
    {SB_GET, 0, SB_CLASS_query, DATA "/queryAll/{}", sb_rest_query_more},
    {SB_GET, 0, SB_CLASS_search, DATA "/search", sb_rest_search},
    {SB_GET | SB_POST, 0, SB_CLASS_search, DATA "/parameterizedSearch", sb_rest_search_params},
    {SB_GET, 0, SB_CLASS_sobject, DATA "/sobjects", sb_rest_describe_global},
    {SB_GET, 0, SB_CLASS_sobject, DATA "/sobjects/{}", sb_rest_describe_basic},
    {SB_POST, 0, SB_CLASS_sobject, DATA "/sobjects/{}", sb_rest_create},
    {SB_GET, 0, SB_CLASS_sobject, DATA "/sobjects/{}/describe", sb_rest_describe},
    {SB_GET, 0, SB_CLASS_sobject, DATA "/sobjects/{}/updated", sb_rest_updated},
    {SB_GET, 0, SB_CLASS_sobject, DATA "/sobjects/{}/deleted", sb_rest_deleted},
    {SB_GET, 0, SB_CLASS_sobject, DATA "/recent", sb_rest_recent},
    {SB_GET, 0, SB_CLASS_sobject, DATA "/sobjects/{}/{}", sb_rest_get},
    {SB_PATCH, 0, SB_CLASS_sobject, DATA "/sobjects/{}/{}", sb_rest_update},
    {SB_DELETE, 0, SB_CLASS_sobject, DATA "/sobjects/{}/{}", sb_rest_delete},
    {SB_GET, 0, SB_CLASS_sobject, DATA "/sobjects/{}/{}/{}", sb_rest_get_deep},
    {SB_PATCH, 0, SB_CLASS_sobject, DATA "/sobjects/{}/{}/{}", sb_rest_upsert},
    {SB_DELETE, 0, SB_CLASS_sobject, DATA "/sobjects/{}/{}/{}", sb_rest_delete_external},
    {SB_GET, SB_NO_NEST, SB_CLASS_discovery, DATA "/composite", sb_rest_composite_index},
    {SB_POST, SB_NO_NEST, SB_CLASS_composite, DATA "/composite", sb_rest_composite},
    {SB_POST, SB_NO_NEST, SB_CLASS_batch, DATA "/composite/batch", sb_rest_batch},
    {SB_POST, SB_NO_NEST, SB_CLASS_composite, DATA "/composite/graph", sb_rest_graph},
    {SB_POST, 0, SB_CLASS_collections, DATA "/composite/sobjects", sb_rest_collections_create},
    {SB_PATCH, 0, SB_CLASS_collections, DATA "/composite/sobjects", sb_rest_collections_update},
    {SB_DELETE, 0, SB_CLASS_collections, DATA "/composite/sobjects", sb_rest_collections_delete},
    {SB_GET | SB_POST, 0, SB_CLASS_collections, DATA "/composite/sobjects/{}", sb_rest_collections_get},
    {SB_PATCH, 0, SB_CLASS_collections, DATA "/composite/sobjects/{}/{}", sb_rest_collections_upsert},
    {SB_POST, SB_OPEN | SB_UNCOUNTED, SB_CLASS_oauth, OAUTH "/token", sb_oauth_token},
    {SB_GET | SB_POST, SB_OPEN | SB_UNCOUNTED, SB_CLASS_oauth, OAUTH "/revoke", sb_oauth_revoke},
    {SB_GET | SB_POST, SB_UNCOUNTED, SB_CLASS_identity, OAUTH "/userinfo", sb_oauth_userinfo},
    {SB_GET | SB_POST, SB_UNCOUNTED, SB_CLASS_identity, "/id/{}/{}", sb_oauth_identity},
    {SB_POST, SB_OPEN | SB_UNCOUNTED, SB_CLASS_soap, "/services/Soap/u/{}", sb_soap_login},
    {SB_GET, SB_OPEN | SB_UNCOUNTED, SB_CLASS_admin, "/_sandbox/health", sb_admin_health},
    {SB_GET, SB_OPEN | SB_UNCOUNTED, SB_CLASS_admin, "/_sandbox/faults", sb_admin_faults_list},
    {SB_POST, SB_OPEN | SB_UNCOUNTED, SB_CLASS_admin, "/_sandbox/faults", sb_admin_faults_add},
    {SB_POST, SB_OPEN | SB_UNCOUNTED, SB_CLASS_admin, "/_sandbox/faults/mix", sb_admin_faults_mix},
    {SB_DELETE, SB_OPEN | SB_UNCOUNTED, SB_CLASS_admin, "/_sandbox/faults", sb_admin_faults_clear},
    {SB_DELETE, SB_OPEN | SB_UNCOUNTED, SB_CLASS_admin, "/_sandbox/faults/{}", sb_admin_faults_clear},
    {SB_POST, SB_OPEN | SB_UNCOUNTED, SB_CLASS_admin, "/_sandbox/expire-tokens", sb_admin_expire_tokens},
    {SB_GET, SB_OPEN | SB_UNCOUNTED, SB_CLASS_admin, "/_sandbox/config", sb_admin_config_get},
    {SB_POST, SB_OPEN | SB_UNCOUNTED, SB_CLASS_admin, "/_sandbox/config", sb_admin_config_set},
    {SB_GET, SB_OPEN | SB_UNCOUNTED, SB_CLASS_admin, "/_sandbox/history", sb_admin_history},
    {SB_GET, SB_OPEN | SB_UNCOUNTED, SB_CLASS_admin, "/_sandbox/stats", sb_admin_stats},
    {SB_POST, SB_OPEN | SB_UNCOUNTED, SB_CLASS_admin, "/_sandbox/jwt-key", sb_admin_jwt_key},
    {SB_POST, SB_OPEN | SB_UNCOUNTED, SB_CLASS_admin, "/_sandbox/locks", sb_admin_lock},
    {SB_GET, SB_OPEN | SB_UNCOUNTED, SB_CLASS_admin, "/_sandbox/fields", sb_admin_org_get},
    {SB_POST, SB_OPEN | SB_UNCOUNTED, SB_CLASS_admin, "/_sandbox/fields", sb_admin_org_field},
    {SB_POST, SB_OPEN | SB_UNCOUNTED, SB_CLASS_admin, "/_sandbox/fields/hide", sb_admin_org_hide},
    {SB_DELETE, SB_OPEN | SB_UNCOUNTED, SB_CLASS_admin, "/_sandbox/fields/hide", sb_admin_org_clear},
};
#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))
_Static_assert(ROUTE_COUNT <= SB_ENDPOINTS_MAX, "too many routes to count");

const char *sb_class_name(enum sb_class class)
{
    static const char *const names[] = {
#define X(name) #name,
        SB_CLASSES(X)
#undef X
    };

    return names[class];
}

/* Literals compare without case, as object and field names do. */
static bool matches(const char *pattern, struct sb_request *request)
{
    size_t i = 0;

    request->arg_count = 0;
    while (*pattern == '/') {
        const char *end = strchr(++pattern, '/');
        struct cf_str piece = {pattern, end ? (size_t)(end - pattern) : strlen(pattern)};

        if (i == request->segment_count)
            return false;
        if (cf_str_is(piece, "{}"))
            request->args[request->arg_count++] = request->segments[i].p;
        else if (!cf_str_is(piece, "{v}") && !cf_str_eq_nocase(piece, request->segments[i]))
            return false;
        pattern += piece.n;
        i++;
    }
    return i == request->segment_count;
}

/* The 60 of "v60.0"; 0 when it is no version ("60.0", "v060.0", "v60.5"). */
static unsigned version_number(struct cf_str text)
{
    uint64_t number;

    if (text.n < 4 || text.n > 6 || (text.p[0] != 'v' && text.p[0] != 'V') || text.p[1] == '0' ||
        text.p[text.n - 2] != '.' || text.p[text.n - 1] != '0' ||
        !cf_str_u64((struct cf_str){text.p + 1, text.n - 3}, &number))
        return 0;
    return (unsigned)number;
}

static bool check_version(struct sb_request *request, struct sb_reply *reply)
{
    unsigned version = version_number(request->segments[2]);

    if (version >= SB_VERSION_RETIRED_MIN && version < SB_VERSION_MIN) {
        sb_reply_error(reply, 410, "GONE", "API version %u.0 is retired; use %u.0 or later", version,
                       SB_VERSION_MIN);
        return false;
    }
    if (version < SB_VERSION_MIN || version > SB_VERSION_MAX) {
        sb_reply_error(reply, 404, "NOT_FOUND", "The requested resource does not exist");
        return false;
    }
    (void)snprintf(request->version, sizeof(request->version), "v%u.0", version);
    return true;
}

static const struct {
    enum sb_method method;
    const char *name;
} method_names[] = {
    {SB_GET, "GET"}, {SB_GET, "HEAD"}, {SB_POST, "POST"}, {SB_PATCH, "PATCH"}, {SB_DELETE, "DELETE"}};

static void method_not_allowed(const struct sb_request *request, unsigned methods, struct sb_reply *reply)
{
    struct cf_buf allowed;

    cf_buf_init(&allowed, 128);
    for (size_t i = 0; i < sizeof(method_names) / sizeof(method_names[0]); i++) {
        if (!(methods & method_names[i].method))
            continue;
        if (allowed.n > 0)
            cf_buf_char(&allowed, ',');
        cf_buf_text(&allowed, method_names[i].name);
    }
    sb_reply_error(reply, 405, "METHOD_NOT_ALLOWED", "HTTP Method '%.20s' not allowed. Allowed are %.*s",
                   request->method_name, CF_STR_FMT(cf_buf_view(&allowed)));
    sb_reply_header(reply, "Allow", cf_arena_cstr(request->arena, cf_buf_view(&allowed)));
    cf_buf_done(&allowed);
}

/* Resources that came with a later version than the oldest one. */
static bool is_too_new(const struct sb_route *route, const struct sb_request *request)
{
    static const struct {
        const char *pattern;
        unsigned since;
    } rows[] = {{DATA "/composite/sobjects/{}/{}", SB_VERSION_COLLECTIONS_UPSERT},
                {DATA "/composite/sobjects", SB_VERSION_COLLECTIONS},
                {DATA "/composite/sobjects/{}", SB_VERSION_COLLECTIONS},
                {DATA "/composite/graph", SB_VERSION_GRAPH},
                {DATA "/composite/batch", SB_VERSION_BATCH},
                {DATA "/composite", SB_VERSION_COMPOSITE}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].pattern, route->pattern) == 0)
            return version_number(request->segments[2]) < rows[i].since;
    }
    return false;
}

const struct sb_route *sb_router_find(struct sb_request *request, struct sb_reply *reply)
{
    unsigned methods = 0;

    if (request->segment_count > 2 && cf_str_is(request->segments[0], "services") &&
        cf_str_is(request->segments[1], "data") && !check_version(request, reply))
        return NULL;
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        if (!matches(routes[i].pattern, request))
            continue;
        if (is_too_new(&routes[i], request))
            continue;
        if (routes[i].methods & request->method)
            return &routes[i];
        methods |= routes[i].methods;
    }
    if (methods)
        method_not_allowed(request, methods, reply);
    else
        sb_reply_error(reply, 404, "NOT_FOUND", "The requested resource does not exist");
    return NULL;
}

void sb_router_prepare(struct sb_context *context, struct sb_request *request, struct sb_reply *reply)
{
    enum sb_class class;
    struct sb_fault_ask ask;

    context->route = sb_router_find(request, reply);
    class = context->route ? context->route->class : SB_CLASS_unknown;
    if (class == SB_CLASS_admin)
        return;
    context->request_no = atomic_fetch_add(&context->sandbox->requests, 1) + 1;
    atomic_fetch_add(&context->sandbox->class_requests[class], 1);
    ask = (struct sb_fault_ask){request->method_name, sb_class_name(class), request->path, request->body};
    sb_faults_decide(context->sandbox->faults, &ask, &context->fate);
}

/* The token of "Bearer x" or "OAuth x" (older clients), or of ?oauth_token=x on identity URLs. */
static const char *token_of(const struct sb_context *context, const struct sb_request *request)
{
    const char *header = sb_request_header(request, "Authorization");

    if (header && strncasecmp(header, "Bearer ", 7) == 0)
        return header + 7;
    if (header && strncasecmp(header, "OAuth ", 6) == 0)
        return header + 6;
    return context->route->class == SB_CLASS_identity ? sb_request_param(request, "oauth_token") : NULL;
}

static bool check_session(struct sb_context *context, const struct sb_request *request,
                          struct sb_reply *reply)
{
    struct sb_sessions *sessions = context->sandbox->sessions;
    const char *token = token_of(context, request);

    if (token && context->fate.end.kind == SB_FAULT_EXPIRE_TOKEN)
        (void)sb_sessions_revoke(sessions, token);
    if (token && sb_sessions_check(sessions, SB_TOKEN_ACCESS, token, context->now_ns))
        return true;
    sb_reply_error(reply, 401, "INVALID_SESSION_ID", "Session expired or invalid");
    sb_reply_header(reply, "WWW-Authenticate", "Token");
    return false;
}

/* Counts one call; batch adds the others itself. */
static bool check_limits(struct sb_context *context, struct sb_reply *reply)
{
    struct sandbox *sandbox = context->sandbox;

    if (sb_limits_long_now(sandbox->limits, context->now_ns) >=
        sb_setting(&sandbox->settings, SB_concurrent_limit)) {
        sb_reply_error(reply, 403, "REQUEST_LIMIT_EXCEEDED",
                       "ConcurrentRequests (Concurrent API Requests) Limit exceeded.");
        return false;
    }
    if (!sb_limits_spend(sandbox->limits, sb_setting(&sandbox->settings, SB_daily_limit), 1,
                         context->now_ns)) {
        sb_reply_error(reply, 403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.");
        return false;
    }
    context->api_calls = 1;
    return true;
}

static void add_limit_info(struct sb_context *context, struct sb_reply *reply)
{
    struct sandbox *sandbox = context->sandbox;

    long long used = sb_limits_used(sandbox->limits), limit = sb_setting(&sandbox->settings, SB_daily_limit);
    long long app = sb_setting(&sandbox->settings, SB_app_limit);
    struct cf_str text =
        app == 0 ? cf_arena_printf(context->arena, "api-usage=%lld/%lld", used, limit)
                 : cf_arena_printf(context->arena,
                                   "api-usage=%lld/%lld; per-app-api-usage=%lld/%lld(appName=callfleet)",
                                   used, limit, used, app);

    sb_reply_header(reply, "Sforce-Limit-Info", text.p);
}

/* Faults that answer in the request's stead. */
static bool answered_by_fault(struct sb_context *context, struct sb_reply *reply)
{
    const struct sb_fault_hit *hit = &context->fate.end;
    const char *code = hit->code[0] ? hit->code : "UNKNOWN_EXCEPTION";
    const char *message = hit->message[0] ? hit->message : "An unexpected error occurred (sandbox fault)";

    if (hit->kind != SB_FAULT_NONE && hit->retry_after >= 0)
        sb_reply_header(reply, "Retry-After",
                        cf_arena_printf(context->arena, "%lld", (long long)hit->retry_after).p);

    switch (hit->kind) {
    case SB_FAULT_STATUS:
        sb_reply_json(reply, hit->status, NULL);
        return true;
    case SB_FAULT_ERROR_BODY:
        if (context->route->class == SB_CLASS_oauth) {
            sb_reply_oauth_error(reply, code, message);
            reply->status = hit->status;
        } else {
            sb_reply_error(reply, hit->status, code, "%s", message);
        }
        return true;
    case SB_FAULT_HTML:
        sb_reply_text(reply, hit->status, "text/html;charset=UTF-8",
                      "<html><head><title>Maintenance</title></head><body><h1>We are down for maintenance."
                      "</h1></body></html>");
        return true;
    case SB_FAULT_REDIRECT:
        sb_reply_text(reply, hit->status, "text/html;charset=UTF-8", "<html><body>Moved</body></html>");
        sb_reply_header(reply, "Location", hit->location[0] ? hit->location : "http://127.0.0.1:9/elsewhere");
        return true;
    case SB_FAULT_GZIP_BOMB:
        sb_reply_header(reply, "Content-Encoding", "gzip");
        sb_reply_text(reply, hit->status, "application/json;charset=UTF-8", "");
        return true;
    case SB_FAULT_DEEP_JSON:
    case SB_FAULT_HUGE_BODY: /* the server makes the body */
    case SB_FAULT_CUT_BEFORE:
        sb_reply_json(reply, hit->status, NULL);
        return true;
    case SB_FAULT_NONE:
    case SB_FAULT_DELAY:
    case SB_FAULT_DELAY_BEFORE:
    case SB_FAULT_CUT_AFTER:
    case SB_FAULT_COMMIT_500:
    case SB_FAULT_SLOW_BODY:
    case SB_FAULT_EXPIRE_TOKEN:
    case SB_FAULT_HALF:
    case SB_FAULT_RECORD_ERROR:
    case SB_FAULT_GARBAGE:
    case SB_FAULT_WRONG_CHARSET:
    case SB_FAULT_ENDLESS_HEADERS:
    case SB_FAULT_DOUBLED:
        break;
    }
    return false;
}

/* Faults that change the answer of a request that was done. */
static void spoil_answer(struct sb_context *context, struct sb_reply *reply)
{
    const struct sb_fault_hit *hit = &context->fate.end;

    if (hit->kind == SB_FAULT_COMMIT_500)
        sb_reply_error(reply, hit->status, hit->code[0] ? hit->code : "UNKNOWN_EXCEPTION", "%s",
                       hit->message[0] ? hit->message : "An unexpected error occurred (sandbox fault)");
    else if (hit->kind == SB_FAULT_GARBAGE)
        sb_reply_text(reply, hit->status, "application/json;charset=UTF-8", "{\"records\":[{\"Id\":\"003");
    else if (hit->kind == SB_FAULT_WRONG_CHARSET)
        reply->content_type = "application/json;charset=UTF-16";
}

/* The answer is as late as the slowest of latency, delay faults and row locks asks. */
static void schedule(struct sb_context *context)
{
    struct sandbox *sandbox = context->sandbox;
    uint64_t latency_ns = (uint64_t)sb_setting(&sandbox->settings, SB_latency_ms) * 1000000U;
    uint64_t long_ns = (uint64_t)sb_setting(&sandbox->settings, SB_concurrent_after_ms) * 1000000U;

    sb_context_delay_until(context, context->now_ns + latency_ns);
    context->ready_ns += context->fate.delay_after_ms * 1000000U;
    if (context->ready_ns > context->received_ns + long_ns)
        sb_limits_long(sandbox->limits, context->received_ns + long_ns, context->ready_ns);
}

static void count(struct sb_context *context, const struct sb_reply *reply)
{
    struct sb_endpoint_stats *stats = &context->sandbox->endpoints[context->route - routes];

    atomic_fetch_add(&stats->requests, 1);
    atomic_fetch_add(&stats->api_calls, (uint64_t)context->api_calls);
    if (reply->status < 400)
        return;
    atomic_fetch_add(&stats->errors, 1);
    atomic_fetch_add(&context->sandbox->class_errors[context->route->class], 1);
}

json_t *sb_router_stats(const struct sandbox *sandbox)
{
    json_t *json = json_object();

    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        const struct sb_endpoint_stats *stats = &sandbox->endpoints[i];
        size_t m = 0;
        char name[120];

        if (atomic_load(&stats->requests) == 0)
            continue;
        while (!(routes[i].methods & method_names[m].method))
            m++;
        (void)snprintf(name, sizeof(name), "%s %s", method_names[m].name, routes[i].pattern);
        json_object_set_new(json, name,
                            json_pack("{s:I,s:I,s:I}", "requests", (json_int_t)atomic_load(&stats->requests),
                                      "errors", (json_int_t)atomic_load(&stats->errors), "api_calls",
                                      (json_int_t)atomic_load(&stats->api_calls)));
    }
    return json;
}

void sb_router_run(struct sb_context *context, struct sb_request *request, struct sb_reply *reply)
{
    const struct sb_route *route = context->route;

    if (!route)
        return;
    if (!answered_by_fault(context, reply) &&
        ((route->flags & SB_OPEN) || check_session(context, request, reply)) &&
        ((route->flags & SB_UNCOUNTED) || check_limits(context, reply))) {
        route->handler(context, request, reply);
        spoil_answer(context, reply);
    }
    if (route->class == SB_CLASS_admin)
        return;
    if (!(route->flags & SB_UNCOUNTED))
        add_limit_info(context, reply);
    count(context, reply);
    schedule(context);
}

void sb_router_subrequest(struct sb_context *context, struct sb_request *request, struct sb_reply *reply)
{
    const struct sb_route *route = sb_router_find(request, reply);

    if (!route)
        return;
    if ((route->flags & SB_NO_NEST) || route->class == SB_CLASS_admin || (route->flags & SB_UNCOUNTED)) {
        sb_reply_error(reply, 400, "INVALID_REQUEST", "'%.100s' is not allowed in a composite request",
                       route->pattern);
        return;
    }
    context->depth++;
    route->handler(context, request, reply);
    context->depth--;
}

void sb_store_take(struct sb_context *context, const struct sb_request *request)
{
    const char *duplicates = sb_request_header(request, "Sforce-Duplicate-Rule-Header");
    bool allowed = duplicates && strcasestr(duplicates, "allowSave=true");

    pthread_mutex_lock(&context->sandbox->store_lock);
    sf_store_set_context(context->sandbox->store, &(struct sf_context){request->version, NULL, allowed});
}

void sb_store_give(struct sb_context *context)
{
    pthread_mutex_unlock(&context->sandbox->store_lock);
}

void sb_context_delay_until(struct sb_context *context, uint64_t at_ns)
{
    if (at_ns > context->ready_ns)
        context->ready_ns = at_ns;
}
