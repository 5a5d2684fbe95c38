/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin_api - /_sandbox/...: faults, settings, history, statistics. No session, not recorded, never faulted.
 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "clock/clock.h"
#include "jwt.h"
#include "org.h"
#include "router.h"
#include "sandbox.h"

#define HISTORY_LIMIT_DEFAULT 1000U
#define LOCK_MAX_MS 600000

void sb_admin_health(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    (void)request;
    sb_reply_json(reply, 200,
                  json_pack("{s:s,s:s,s:s}", "status", "ok", "instance_url", context->sandbox->instance_url,
                            "organization_id", sf_store_org_id(context->sandbox->store)));
}

void sb_admin_faults_list(struct sb_context *context, const struct sb_request *request,
                          struct sb_reply *reply)
{
    (void)request;
    sb_reply_json(reply, 200, sb_faults_list(context->sandbox->faults));
}

static void refuse(struct sb_reply *reply, const struct cf_err *err)
{
    sb_reply_error(reply, 400, "INVALID_INPUT", "%s", err->text);
}

void sb_admin_faults_add(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    json_t *body = sb_request_json(request, reply);
    struct cf_err err;
    uint32_t id;

    if (!body)
        return;
    id = sb_faults_add(context->sandbox->faults, body, &err);
    json_decref(body);
    if (id)
        sb_reply_json(reply, 201, json_pack("{s:I}", "id", (json_int_t)id));
    else
        refuse(reply, &err);
}

void sb_admin_faults_mix(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    json_t *body = sb_request_json(request, reply), *rules;
    struct cf_err err;

    if (!body)
        return;
    rules = sb_faults_mix(context->sandbox->faults, body, &err);
    json_decref(body);
    if (rules)
        sb_reply_json(reply, 201, rules);
    else
        refuse(reply, &err);
}

void sb_admin_faults_clear(struct sb_context *context, const struct sb_request *request,
                           struct sb_reply *reply)
{
    uint64_t id = 0;

    if (request->arg_count > 0 &&
        (!cf_str_u64(cf_str_of(request->args[0]), &id) || id == 0 || id > UINT32_MAX)) {
        sb_reply_error(reply, 404, "NOT_FOUND", "no such fault");
        return;
    }
    sb_reply_json(
        reply, 200,
        json_pack("{s:I}", "cleared", (json_int_t)sb_faults_clear(context->sandbox->faults, (uint32_t)id)));
}

void sb_admin_expire_tokens(struct sb_context *context, const struct sb_request *request,
                            struct sb_reply *reply)
{
    size_t expired = sb_sessions_expire_all(context->sandbox->sessions, cf_clock_mono_ns());

    (void)request;
    sb_reply_json(reply, 200, json_pack("{s:I}", "expired", (json_int_t)expired));
}

void sb_admin_config_get(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    (void)request;
    sb_reply_json(reply, 200, sb_settings_json(&context->sandbox->settings));
}

/* "api_used" is no setting but the counter itself. */
static bool take_api_used(struct sandbox *sandbox, json_t *body)
{
    json_t *used = json_object_get(body, "api_used");

    if (!used)
        return true;
    if (!json_is_integer(used) || json_integer_value(used) < 0)
        return false;
    sb_limits_set_used(sandbox->limits, json_integer_value(used));
    json_object_del(body, "api_used");
    return true;
}

void sb_admin_config_set(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    struct sandbox *sandbox = context->sandbox;
    json_t *body = sb_request_json(request, reply);
    struct cf_err err;

    if (!body)
        return;
    if (!take_api_used(sandbox, body)) {
        sb_reply_error(reply, 400, "INVALID_INPUT", "api_used: a number from 0 on is needed");
    } else if (sb_settings_apply(&sandbox->settings, body, &err)) {
        refuse(reply, &err);
    } else {
        sb_store_take(context, request);
        sf_store_set_index_delay_ms(sandbox->store,
                                    (uint32_t)sb_setting(&sandbox->settings, SB_index_delay_ms));
        sf_org_person_accounts(sandbox->store, sb_setting(&sandbox->settings, SB_person_accounts) != 0);
        sf_store_set_duplicate_rule(
            sandbox->store, (enum sf_duplicate_rule)sb_setting(&sandbox->settings, SB_duplicate_rule));
        sb_store_give(context);
        sb_reply_json(reply, 200, sb_settings_json(&sandbox->settings));
    }
    json_decref(body);
}

static uint64_t number_param(const struct sb_request *request, const char *name, uint64_t otherwise)
{
    const char *text = sb_request_param(request, name);
    uint64_t value;

    return text && cf_str_u64(cf_str_of(text), &value) ? value : otherwise;
}

static void number_header(struct sb_context *context, struct sb_reply *reply, const char *name,
                          uint64_t number)
{
    sb_reply_header(reply, name, cf_arena_printf(context->arena, "%llu", (unsigned long long)number).p);
}

void sb_admin_history(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    struct sb_history *history = context->sandbox->history;
    const char *format = sb_request_param(request, "format");
    struct sb_history_ask ask = {.since = number_param(request, "since", 0),
                                 .lines = format && strcmp(format, "ndjson") == 0};
    struct sb_history_page page;

    ask.limit = (size_t)number_param(request, "limit", ask.lines ? SIZE_MAX : HISTORY_LIMIT_DEFAULT);
    sb_history_read(history, &ask, &page);
    sb_history_flush(history);
    sb_reply_text(reply, 200, ask.lines ? "application/x-ndjson" : "application/json;charset=UTF-8",
                  cf_arena_own(context->arena, page.text, free));
    number_header(context, reply, "X-Last-Seq", page.last_seq);
    number_header(context, reply, "X-Newest-Seq", page.newest);
    number_header(context, reply, "X-Forgotten-Seq", page.forgotten);
}

static json_t *count_of(struct sf_store *store, const char *type)
{
    struct sf_fail fail = {0};
    json_t *result = NULL, *count;
    char soql[64] = "SELECT COUNT() FROM ";

    (void)strncat(soql, type, sizeof(soql) - strlen(soql) - 1);
    if (sf_store_query(store, soql, NULL, &result, &fail)) {
        sf_fail_done(&fail);
        return json_null();
    }
    count = json_incref(json_object_get(result, "totalSize"));
    json_decref(result);
    return count;
}

void sb_admin_stats(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    static const char *const types[] = {"Task", "CaseComment", "Case", "Contact", "Account"};
    struct sandbox *sandbox = context->sandbox;
    json_t *classes = json_object(), *records = json_object();

    for (size_t i = SB_CLASS_admin + 1; i < SB_CLASS_COUNT; i++)
        json_object_set_new(classes, sb_class_name((enum sb_class)i),
                            json_pack("{s:I,s:I}", "requests",
                                      (json_int_t)atomic_load(&sandbox->class_requests[i]), "errors",
                                      (json_int_t)atomic_load(&sandbox->class_errors[i])));
    sb_store_take(context, request);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        json_object_set_new(records, types[i], count_of(sandbox->store, types[i]));
    sb_store_give(context);
    sb_reply_json(reply, 200,
                  json_pack("{s:I,s:I,s:I,s:I,s:o,s:o,s:o}", "requests",
                            (json_int_t)atomic_load(&sandbox->requests), "api_calls",
                            (json_int_t)sb_limits_total(sandbox->limits), "api_used",
                            (json_int_t)sb_limits_used(sandbox->limits), "tokens_issued",
                            (json_int_t)sb_sessions_issued(sandbox->sessions), "classes", classes,
                            "endpoints", sb_router_stats(sandbox), "records", records));
}

void sb_admin_jwt_key(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    struct sandbox *sandbox = context->sandbox;
    json_t *body = sb_request_json(request, reply);
    const char *pem = json_string_value(json_object_get(body, "pem"));
    EVP_PKEY *key = pem ? sb_jwt_key(pem) : NULL;

    if (!body)
        return;
    json_decref(body);
    if (!key) {
        sb_reply_error(reply, 400, "INVALID_INPUT", "pem: an RSA certificate or public key is needed");
        return;
    }
    pthread_mutex_lock(&sandbox->jwt_lock);
    EVP_PKEY_free(sandbox->jwt_key);
    sandbox->jwt_key = key;
    pthread_mutex_unlock(&sandbox->jwt_lock);
    sb_reply_json(reply, 200, json_pack("{s:b}", "ok", 1));
}

/* Holds a row for a while, as another user's long transaction would. */
void sb_admin_lock(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    json_t *body = sb_request_json(request, reply), *ms = json_object_get(body, "hold_ms");
    const char *id = json_string_value(json_object_get(body, "id"));
    char ids[1][SF_ID_SIZE];
    struct sb_locks_ask ask = {.owner = UINT64_MAX, .now_ns = cf_clock_mono_ns(), .ids = ids, .count = 1};
    uint64_t done_ns;

    if (!body)
        return;
    if (!id || !cf_str_copy(ids[0], SF_ID_SIZE, cf_str_of(id)) || strlen(id) != SF_ID_SIZE - 1 ||
        !json_is_integer(ms) || json_integer_value(ms) < 1 || json_integer_value(ms) > LOCK_MAX_MS) {
        sb_reply_error(reply, 400, "INVALID_INPUT", "id (18 characters) and hold_ms (1 to %d) are needed",
                       LOCK_MAX_MS);
    } else {
        ask.hold_ms = json_integer_value(ms);
        sb_reply_json(
            reply, 200,
            json_pack("{s:b}", "locked", (int)sb_locks_take(context->sandbox->locks, &ask, &done_ns)));
    }
    json_decref(body);
}

/* ---- the org's fields ---- */

void sb_admin_org_get(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    sb_store_take(context, request);
    sb_reply_json(reply, 200, sf_org_json(context->sandbox->store));
    sb_store_give(context);
}

typedef int change_fn(struct sf_store *store, json_t *body, struct sf_fail *fail);

static void change_org(struct sb_context *context, const struct sb_request *request, change_fn *fn,
                       struct sb_reply *reply)
{
    json_t *body = sb_request_json(request, reply);
    struct sf_fail fail = {0};
    int bad;

    if (!body)
        return;
    sb_store_take(context, request);
    bad = fn(context->sandbox->store, body, &fail);
    if (!bad)
        sb_reply_json(reply, 201, sf_org_json(context->sandbox->store));
    sb_store_give(context);
    if (bad)
        sb_reply_fail(reply, &fail);
    json_decref(body);
}

void sb_admin_org_field(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    change_org(context, request, sf_org_add_field, reply);
}

static int hide(struct sf_store *store, json_t *body, struct sf_fail *fail)
{
    json_t *hidden = json_object_get(body, "hidden");

    return sf_org_hide_field(store, json_string_value(json_object_get(body, "object")),
                             json_string_value(json_object_get(body, "name")),
                             !hidden || json_is_true(hidden), fail);
}

void sb_admin_org_hide(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    change_org(context, request, hide, reply);
}

void sb_admin_org_clear(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    sb_store_take(context, request);
    sb_reply_json(reply, 200,
                  json_pack("{s:I}", "shown", (json_int_t)sf_org_show_all(context->sandbox->store)));
    sb_store_give(context);
}
