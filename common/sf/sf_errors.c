/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one table of what a Salesforce error means for the event that met it. First match wins; status 0 or
 * code NULL matches any. Rules behind it: an error that belongs to the record is REJECTED (dead letter), an
 * error of the org, the session, the network or a proxy never is; an answer without an errorCode did not
 * come from the API itself.
 */
#include "sf/sf_priv.h"

struct row {
    const char *code; /* "" = none given */
    int status;
    enum cf_err_kind kind;
};

static const struct row table[] = {
    {"REQUEST_LIMIT_EXCEEDED", 0, CF_ERR_THROTTLED}, /* daily allocation, or 25 requests over 20 s */
    {"STORAGE_LIMIT_EXCEEDED", 0,
     CF_ERR_THROTTLED}, /* the org is full: the records are sound, so they wait */
    {"LIMIT_EXCEEDED", 0, CF_ERR_THROTTLED},
    {"UNABLE_TO_LOCK_ROW", 0, CF_ERR_TRANSIENT},
    {"QUERY_TIMEOUT", 0, CF_ERR_TRANSIENT},
    {"REQUEST_RUNNING_TOO_LONG", 0, CF_ERR_TRANSIENT},
    {"SERVER_UNAVAILABLE", 0, CF_ERR_TRANSIENT},
    {"UNKNOWN_EXCEPTION", 0, CF_ERR_TRANSIENT},
    /* Another record of the same request failed; this one was rolled back or not tried. */
    {"ALL_OR_NONE_OPERATION_ROLLED_BACK", 0, CF_ERR_TRANSIENT},
    {"PROCESSING_HALTED", 0, CF_ERR_TRANSIENT},
    {"BATCH_PROCESSING_HALTED", 0, CF_ERR_TRANSIENT},
    {"TRANSACTION_HALTED", 0, CF_ERR_TRANSIENT},
    {"INVALID_SESSION_ID", 0, CF_ERR_TRANSIENT}, /* a login heals it, or the operator; events wait */
    {"INVALID_AUTH_HEADER", 0, CF_ERR_TRANSIENT},
    {"URL_NOT_RESET", 0, CF_ERR_TRANSIENT},
    /* Queries and fields come from this program and its configuration, never from an event. */
    {"MALFORMED_QUERY", 0, CF_ERR_CONFIG},
    {"INVALID_FIELD", 0, CF_ERR_CONFIG},
    {"INVALID_FIELD_FOR_INSERT_UPDATE", 0, CF_ERR_CONFIG},
    {"INVALID_TYPE", 0, CF_ERR_CONFIG},
    {"INVALID_TYPE_FOR_OPERATION", 0, CF_ERR_CONFIG},
    {"API_DISABLED_FOR_ORG", 0, CF_ERR_CONFIG},
    {"API_CURRENTLY_DISABLED", 0, CF_ERR_CONFIG},
    {"UNSUPPORTED_API_VERSION", 0, CF_ERR_CONFIG},
    {NULL, 300, CF_ERR_REJECTED}, /* the external id belongs to several records */
    {NULL, 400, CF_ERR_REJECTED},
    {NULL, 401, CF_ERR_TRANSIENT},
    {"", 403, CF_ERR_TRANSIENT}, /* a proxy or firewall */
    {NULL, 403, CF_ERR_REJECTED},
    {"", 404, CF_ERR_TRANSIENT},
    {NULL, 404, CF_ERR_REJECTED},
    {NULL, 405, CF_ERR_CONFIG},
    {NULL, 406, CF_ERR_CONFIG},
    {NULL, 408, CF_ERR_TRANSIENT},
    {NULL, 409, CF_ERR_TRANSIENT},
    {NULL, 410, CF_ERR_CONFIG}, /* the API version is retired */
    {NULL, 412, CF_ERR_TRANSIENT},
    {NULL, 413, CF_ERR_REJECTED},
    {NULL, 414, CF_ERR_REJECTED},
    {NULL, 415, CF_ERR_CONFIG},
    {NULL, 420, CF_ERR_THROTTLED},
    {NULL, 425, CF_ERR_TRANSIENT},
    {NULL, 429, CF_ERR_THROTTLED},
    {NULL, 431, CF_ERR_REJECTED},
};

enum cf_err_kind cf_sf_error_kind(int status, const char *error_code)
{
    const char *code = error_code ? error_code : "";

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].status != 0 && table[i].status != status)
            continue;
        if (!table[i].code || strcmp(table[i].code, code) == 0)
            return table[i].kind;
    }
    /* 5xx, redirects, and what nobody has seen yet: wait rather than lose an event. Other 4xx are final. */
    return status >= 400 && status < 500 && *code ? CF_ERR_REJECTED : CF_ERR_TRANSIENT;
}
