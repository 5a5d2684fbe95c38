/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sf - the Salesforce REST client: token, requests, error classes, API budget.
 *
 * Vocabulary: a *session* is a token and its instance URL; a *generation* counts the tokens obtained; the
 * *budget* is the org's daily API allocation as Sforce-Limit-Info and /limits report it; a *class* says who
 * needs a request. Promise: a call's callback runs exactly once, never inside the call. One 401 per token
 * generation refreshes the token (single flight, and shared through Redis when given) and replays the request
 * once; invalid_grant is never retried sooner than `login_backoff_ms`. The bearer token and the secrets never
 * appear in errors or logs.
 */
#ifndef CF_SF_H
#define CF_SF_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "err/err.h"
#include "str/str.h"

struct cf_loop;
struct cf_http;
struct cf_redis;
struct cf_sf;
struct cf_sf_call;
struct cf_metric_group;

enum cf_sf_grant { CF_SF_PASSWORD, CF_SF_CLIENT_CREDENTIALS, CF_SF_JWT_BEARER };
enum cf_sf_class { CF_SF_LIVE_CALLER, CF_SF_POST_CALL, CF_SF_BACKFILL };

struct cf_sf_opts {
    const char *login_url;   /* "https://login.salesforce.com": where the token endpoint is */
    const char *api_version; /* "v60.0" */
    enum cf_sf_grant grant;
    const char *client_id;
    const char *client_secret_file; /* paths: read at each login, so rotation needs no restart */
    const char *username;
    const char *password_file;
    const char *jwt_key_file; /* PEM, RS256 */
    const char *jwt_audience; /* NULL: login_url */
    uint32_t login_backoff_ms, login_backoff_cap_ms;
    uint32_t max_in_flight; /* requests under way; more wait in line, live callers first */
    uint32_t min_in_flight; /* however slow it is. 0: 1 */
    /* The guards; README.md says how they work. 0: that guard is off. */
    uint32_t breaker_failures, breaker_ms, breaker_cap_ms, limit_pause_ms;
    uint32_t slow_ms, slow_requests;
    uint32_t limits_poll_ms;
    uint32_t stop_live_percent, stop_post_call_percent, stop_backfill_percent;
    struct cf_http *http;   /* borrowed */
    struct cf_redis *redis; /* borrowed, NULL: the token is not shared */
    struct cf_str redis_prefix;
};

struct cf_sf_request {
    enum cf_sf_class priority;
    const char *method;
    const char *path;    /* below "/services/data/vNN.N", such as "/query?q=..."; escaped by the caller */
    json_t *body;        /* borrowed during the call; NULL: none */
    uint32_t timeout_ms; /* total: waiting in line, login and replay included */
};

struct cf_sf_response {
    int status;   /* 200..299, or 304; a redirect and 300 (ambiguous external id) are failures */
    json_t *json; /* borrowed during the callback; json_incref() to keep; NULL when there was no body */
    uint32_t
        api_calls; /* requests that counted against the allocation for this answer: 1, or 2 after a replay */
};

/* On failure err->code is the HTTP status (0: no answer), `error_code` the Salesforce errorCode
 * ("INVALID_FIELD") or "". Kinds (one table in sf_errors.c): TRANSIENT, THROTTLED (REQUEST_LIMIT_EXCEEDED,
 * 429, a spent budget), REJECTED, CONFIG. A call that is not sent because the circuit is open fails on the
 * next turn with TRANSIENT and code 0; for a spent budget with THROTTLED and code 403, as if Salesforce had
 * said so. */
struct cf_sf_failure {
    struct cf_err err;
    char error_code[64];
    bool unknown_outcome; /* the write may have happened: verify before writing again */
    bool paused;          /* not sent, and no other would be: cf_sf_on_recovery() tells when to try again */
    uint32_t api_calls;
};
typedef void cf_sf_fn(void *arg, const struct cf_sf_response *res, const struct cf_sf_failure *failure);

struct cf_sf_budget {
    int64_t used, limit; /* of the daily allocation; -1: not known yet */
};

CF_CHECKED struct cf_sf *cf_sf_new(struct cf_loop *loop, const struct cf_sf_opts *opts, struct cf_err *err);
/** Cancels calls under way (callbacks do not run). NULL is fine. */
void cf_sf_free(struct cf_sf *sf);

struct cf_sf_call *cf_sf_send(struct cf_sf *sf, const struct cf_sf_request *request, cf_sf_fn *fn, void *arg);
/** The callback will not run. */
void cf_sf_cancel(struct cf_sf_call *call);
/** Whether the request is under way, and has cost what it costs. */
bool cf_sf_is_sent(const struct cf_sf_call *call);
/** So many requests more would leave at once; others would wait in line. */
uint32_t cf_sf_room(const struct cf_sf *sf);

/* `probe`: one request will be let through, all others only when it has been answered. */
typedef void cf_sf_recovery_fn(void *arg, bool probe);
/** Calls that failed as `paused` may be worth sending again now. Not called when there was none since the
 * last time, and never inside a function of the client. One listener. */
void cf_sf_on_recovery(struct cf_sf *sf, cf_sf_recovery_fn *fn, void *arg);

struct cf_sf_budget cf_sf_budget(const struct cf_sf *sf);
/** Requests sent since the start, logins not counted. */
uint64_t cf_sf_api_calls(const struct cf_sf *sf);
/** The session's instance URL, NULL before the first login. For screen-pop links. */
const char *cf_sf_instance_url(const struct cf_sf *sf);

/** "password", "client_credentials", "jwt_bearer": the values of sf_grant. */
CF_CHECKED bool cf_sf_grant_of(struct cf_str name, enum cf_sf_grant *ret_grant);

/** Options out of `config`, a pointer to a struct whose table has sf/sf_config.def in it; the caller adds
 * grant, http and redis. */
#define CF_SF_OPTS(config)                                                                                   \
    {                                                                                                        \
        .login_url = (config)->sf_login_url, .api_version = (config)->sf_api_version,                        \
        .client_id = (config)->sf_client_id, .client_secret_file = (config)->sf_client_secret_file,          \
        .username = (config)->sf_username, .password_file = (config)->sf_password_file,                      \
        .jwt_key_file = (config)->sf_jwt_key_file, .jwt_audience = (config)->sf_jwt_audience,                \
        .login_backoff_ms = (uint32_t)(config)->sf_login_backoff_ms,                                         \
        .login_backoff_cap_ms = (uint32_t)(config)->sf_login_backoff_cap_ms,                                 \
        .max_in_flight = (uint32_t)(config)->sf_max_in_flight,                                               \
        .min_in_flight = (uint32_t)(config)->sf_min_in_flight,                                               \
        .breaker_failures = (uint32_t)(config)->sf_breaker_failures,                                         \
        .breaker_ms = (uint32_t)(config)->sf_breaker_ms,                                                     \
        .breaker_cap_ms = (uint32_t)(config)->sf_breaker_cap_ms,                                             \
        .limit_pause_ms = (uint32_t)(config)->sf_limit_pause_ms, .slow_ms = (uint32_t)(config)->sf_slow_ms,  \
        .slow_requests = (uint32_t)(config)->sf_slow_requests,                                               \
        .limits_poll_ms = (uint32_t)(config)->sf_limits_poll_ms,                                             \
        .stop_live_percent = (uint32_t)(config)->sf_stop_live_percent,                                       \
        .stop_post_call_percent = (uint32_t)(config)->sf_stop_post_call_percent,                             \
        .stop_backfill_percent = (uint32_t)(config)->sf_stop_backfill_percent                                \
    }

/** Kind of a Salesforce error by HTTP status and errorCode: the one table. Also for per-record errors (status
 * 400). */
enum cf_err_kind cf_sf_error_kind(int status, const char *error_code);

/* A request may carry many records, and each has its own verdict. Every verdict is told to the client, so
 * that it can tell a bad record among good ones from an org that refuses them all (README.md, "Outage or
 * poison").
 */
struct cf_sf_verdict {
    int status; /* 400 if the record has none of its own */
    const char *error_code;
    struct cf_str
        record; /* which one, such as its external id: one that is tried again is one record still */
};
/** A record failed. The kind to go by. */
enum cf_err_kind cf_sf_record_failed(struct cf_sf *sf, const struct cf_sf_verdict *verdict);
/** A record was written or found. */
void cf_sf_record_done(struct cf_sf *sf);

/** A question that is the same for all events failed with `err`, whose kind is the table's: settles the kind
 * to go by. */
void cf_sf_query_failed(struct cf_sf *sf, struct cf_err *err);
/** Such a question was answered. */
void cf_sf_query_done(struct cf_sf *sf);

/* Ids of the client's metrics: they come first in a stage's table, whose own ids start at CF_SF_METRICS. */
enum {
#define CF_SF_METRIC(id, ...) CF_SF_M_##id,
#include "sf/sf_metrics.def"
    CF_SF_METRICS
};
/** From now on the client keeps its rows in `group`, which must outlive it. */
void cf_sf_metrics(struct cf_sf *sf, struct cf_metric_group *group);

/** Appends `text` escaped for a quoted SOQL string literal (soql_sosl, quoted string escapes: \n \r \t \b \f
 * \" \' \\). */
void cf_soql_escape(struct cf_buf *buf, struct cf_str text);
/** As above, for the right side of LIKE: also \% and \_. */
void cf_soql_escape_like(struct cf_buf *buf, struct cf_str text);
/** Escapes SOSL's reserved characters ? & | ! { } [ ] ( ) ^ ~ * : \ " ' + - with a backslash. */
void cf_sosl_escape(struct cf_buf *buf, struct cf_str text);

#endif
