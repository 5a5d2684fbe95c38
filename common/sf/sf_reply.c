/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "sf/sf_priv.h"

static bool is_code_byte(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* First error of `[{"errorCode": ..., "message": ...}]`, or of a lone object: { "error": ... } and the like.
 */
static const json_t *first_error(const json_t *body)
{
    return json_is_array(body) ? json_array_get(body, 0) : body;
}

static void copy_code(char *dst, size_t size, const json_t *error)
{
    const char *code = json_string_value(json_object_get(error, "errorCode"));
    size_t n = 0;

    if (!code)
        code = json_string_value(json_object_get(error, "error"));
    for (; code && is_code_byte(code[n]) && n + 1 < size; n++)
        dst[n] = code[n];
    dst[n] = '\0';
}

/* Messages quote the query, and so a caller's number: only this phrase, which names the org's schema, is safe
 * and worth having ("No such column 'Tier__c' on entity 'Account'"). */
static void copy_schema_phrase(char *dst, size_t size, const json_t *error)
{
    const char *message = json_string_value(json_object_get(error, "message"));
    const char *phrase = message ? strstr(message, "No such column '") : NULL;
    size_t n = 0;

    if (!phrase && message)
        phrase = strstr(message, "sObject type '");
    for (; phrase && n + 1 < size && (is_code_byte(phrase[n]) || strchr(" '", phrase[n])) && phrase[n]; n++)
        dst[n] = phrase[n];
    dst[n] = '\0';
}

static bool is_json(const struct sf_reply *reply)
{
    return reply->content_type.n == 0 || cf_str_starts(reply->content_type, CF_STR("application/json"));
}

static json_t *parse(const struct sf_reply *reply)
{
    if (!is_json(reply) || reply->body.n == 0)
        return NULL;
    return sf_json_read(reply->body);
}

static int fail(const struct sf_reply *reply, const json_t *body, struct cf_sf_failure *ret_failure)
{
    const json_t *error = first_error(body);
    char phrase[100];
    enum cf_err_kind kind;

    copy_code(ret_failure->error_code, sizeof(ret_failure->error_code), error);
    copy_schema_phrase(phrase, sizeof(phrase), error);
    kind = cf_sf_error_kind(reply->status, ret_failure->error_code);
    ret_failure->unknown_outcome = reply->write && (reply->status >= 500 || reply->status == 408);
    return cf_err_set(&ret_failure->err, kind, "sf", reply->status, "HTTP %d %s%s%s", reply->status,
                      *ret_failure->error_code ? ret_failure->error_code : "without an error code",
                      *phrase ? ": " : "", phrase);
}

int sf_reply_read(const struct sf_reply *reply, json_t **ret_json, struct cf_sf_failure *ret_failure)
{
    json_t *body = parse(reply);
    int status = reply->status, failed = 0;

    *ret_failure = (struct cf_sf_failure){0};
    if ((status < 200 || status > 299) && status != 304) {
        failed = fail(reply, body, ret_failure);
    } else if (!body && reply->body.n > 0) {
        /* A maintenance page, or half an answer: whether a write was done is open. */
        ret_failure->unknown_outcome = reply->write;
        failed = cf_err_set(&ret_failure->err, CF_ERR_TRANSIENT, "sf", status,
                            "HTTP %d whose body is not JSON", status);
    }
    if (failed) {
        json_decref(body);
        return -1;
    }
    *ret_json = body;
    return 0;
}

/* These come as 401 too, but every new session would be refused in the same way. */
static bool is_hopeless(const json_t *error)
{
    const char *message = json_string_value(json_object_get(error, "message"));

    return message &&
           (strstr(message, "not valid for use with the") || strstr(message, "is not attached to"));
}

bool sf_reply_is_concurrent(const struct sf_reply *reply)
{
    json_t *body;
    const char *message;
    bool concurrent;

    if (reply->status != 403)
        return false;
    body = parse(reply);
    message = json_string_value(json_object_get(first_error(body), "message"));
    concurrent = message && strstr(message, "Concurrent");
    json_decref(body);
    return concurrent;
}

bool sf_reply_refuses_session(const struct sf_reply *reply)
{
    char code[64];
    json_t *body;
    bool refused;

    /* A redirect means that the org has moved to another host: a login tells which. */
    if (reply->status != 401 && (reply->status < 301 || reply->status > 308 || reply->status == 304) &&
        reply->status != 400 && reply->status != 403)
        return false;
    body = parse(reply);
    copy_code(code, sizeof(code), first_error(body));
    if (reply->status == 400 || reply->status == 403)
        refused = strcmp(code, "URL_NOT_RESET") == 0;
    else
        refused = !is_hopeless(first_error(body));
    json_decref(body);
    return refused;
}
