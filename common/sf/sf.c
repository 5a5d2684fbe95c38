/* SPDX-License-Identifier: Apache-2.0 */
#include "sf/sf.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "arena/arena.h"
#include "clock/clock.h"
#include "http/http.h"
#include "loop/loop.h"
#include "metrics/metrics.h"
#include "sf/sf_priv.h"

#define CLASSES 3
#define OPTS_LIMIT_BYTES ((size_t)64 << 10)
#define SWEEP_MS 10 /* how exact a deadline is kept while a call waits in line */

struct cf_sf_call {
    struct sf_link link; /* first, so that a link is a call; in a line while it waits, in `sent` else */
    struct cf_sf *sf;
    struct cf_http_call *http; /* NULL while it waits */
    cf_sf_fn *fn;
    void *arg;
    uint64_t number; /* in order of cf_sf_send() */
    uint64_t deadline_ms, generation;
    enum cf_sf_class priority;
    uint32_t api_calls;
    bool write, replayed;
    bool refused; /* the line was full */
    char *method, *path, *body;
};

struct cf_sf {
    struct cf_loop *loop;
    struct cf_sf_opts opts; /* its texts live in `texts` */
    struct cf_arena *texts;
    struct sf_token *token;
    struct sf_link lines[CLASSES];
    struct sf_link sent;
    uint32_t waiting, in_flight;
    uint64_t calls, api_calls;
    struct cf_sf_budget budget;
    struct cf_timer *pump, *sweep;
    struct cf_metric_group *metrics; /* borrowed; NULL: nobody measures */
    char *instance_url;              /* of the last session */
};

static struct cf_sf_call *call_of(struct sf_link *link)
{
    return (struct cf_sf_call *)link;
}

/* ---- metrics ---- */

static void show_load(struct cf_sf *sf)
{
    if (!sf->metrics)
        return;
    cf_metric_set(sf->metrics, CF_SF_M_IN_FLIGHT, NULL, NULL, sf->in_flight);
    cf_metric_set(sf->metrics, CF_SF_M_WAITING, NULL, NULL, sf->waiting);
}

static void show_budget(struct cf_sf *sf)
{
    if (!sf->metrics || sf->budget.limit < 0)
        return;
    cf_metric_set(sf->metrics, CF_SF_M_API_USED, NULL, NULL, (double)sf->budget.used);
    cf_metric_set(sf->metrics, CF_SF_M_API_LIMIT, NULL, NULL, (double)sf->budget.limit);
}

static void count_api_call(struct cf_sf *sf, enum cf_sf_class class)
{
    static const char *const names[CLASSES] = {"live-caller", "post-call", "backfill"};

    sf->api_calls++;
    if (sf->metrics)
        cf_metric_add(sf->metrics, CF_SF_M_API_CALLS, names[class], NULL, 1);
}

static void pump_soon(struct cf_sf *sf)
{
    if (!cf_timer_active(sf->pump))
        cf_timer_start(sf->pump, 0, 0);
}

/* ---- calls ---- */

static void call_free(struct cf_sf_call *call)
{
    free(call->method);
    free(call->path);
    free(call->body);
    free(call);
}

static void enter_line(struct cf_sf_call *call, bool front)
{
    struct cf_sf *sf = call->sf;
    struct sf_link *line = &sf->lines[call->priority];

    if (front)
        sf_line_put_first(line, &call->link);
    else
        sf_line_put_last(line, &call->link);
    sf->waiting++;
    if (!cf_timer_active(sf->sweep))
        cf_timer_start(sf->sweep, SWEEP_MS, SWEEP_MS);
    show_load(sf);
    pump_soon(sf);
}

static void leave(struct cf_sf_call *call)
{
    struct cf_sf *sf = call->sf;

    sf_line_remove(&call->link);
    if (call->http) {
        call->http = NULL;
        sf->in_flight--;
    } else if (--sf->waiting == 0) {
        cf_timer_stop(sf->sweep);
    }
    show_load(sf);
}

/* The call must be in no list any more. */
static void finish(struct cf_sf_call *call, const struct cf_sf_response *res, struct cf_sf_failure *failure)
{
    if (failure)
        failure->api_calls = call->api_calls;
    call->fn(call->arg, res, failure);
    call_free(call);
}

static void finish_failed(struct cf_sf_call *call, const struct cf_err *err)
{
    struct cf_sf_failure failure = {.err = *err};

    leave(call);
    finish(call, NULL, &failure);
}

/* ---- answers ---- */

static void note_limits(struct cf_sf *sf, const struct cf_http_response *res)
{
    if (sf_limits_parse(cf_http_header(res, "Sforce-Limit-Info"), &sf->budget)) /* not every answer has it */
        show_budget(sf);
}

static void finish_answered(struct cf_sf_call *call, const struct sf_reply *reply)
{
    struct cf_sf_failure failure;
    struct cf_sf_response res = {.status = reply->status, .api_calls = call->api_calls};

    if (sf_reply_read(reply, &res.json, &failure)) {
        finish(call, NULL, &failure);
        return;
    }
    /* The callback borrows the tree; it may take its own reference. */
    json_t *body = res.json;

    finish(call, &res, NULL);
    json_decref(body);
}

static void finish_unanswered(struct cf_sf_call *call, const struct cf_err *err)
{
    struct cf_sf_failure failure = {.err = *err};

    failure.err.code = 0;
    failure.unknown_outcome = call->write && cf_http_error_is_unknown_outcome(err);
    /* An answer too large belongs to the path between, not to the record. */
    if (err->kind == CF_ERR_REJECTED) {
        failure.err.kind = CF_ERR_TRANSIENT;
        failure.unknown_outcome = call->write;
    }
    finish(call, NULL, &failure);
}

static void on_http(void *arg, const struct cf_http_response *res, const struct cf_err *err)
{
    struct cf_sf_call *call = arg;
    struct cf_sf *sf = call->sf;
    struct sf_reply reply;

    leave(call);
    pump_soon(sf);
    if (err) {
        finish_unanswered(call, err);
        return;
    }
    note_limits(sf, res);
    reply = (struct sf_reply){.status = cf_http_status(res),
                              .body = cf_http_body(res),
                              .content_type = cf_http_header(res, "Content-Type"),
                              .write = call->write};
    if (sf_reply_refuses_session(&reply)) {
        bool again = sf_token_refused(sf->token, call->generation);

        if (again && !call->replayed) {
            call->replayed = true;
            enter_line(call, true);
            return;
        }
    } else if (reply.status != 401) {
        sf_token_proved(sf->token, call->generation);
    }
    finish_answered(call, &reply);
}

/* ---- sending ---- */

static void build_url(const struct cf_sf_call *call, const struct sf_session *session, struct cf_buf *url)
{
    /* nextRecordsUrl and the like are whole paths already. */
    bool whole = cf_str_starts(cf_str_of(call->path), CF_STR("/services/"));

    cf_buf_init(url, SF_MAX_BODY_BYTES);
    cf_buf_text(url, session->instance_url);
    if (!whole) {
        cf_buf_text(url, "/services/data/");
        cf_buf_text(url, call->sf->opts.api_version);
    }
    cf_buf_text(url, call->path);
    cf_buf_char(url, '\0');
}

static void transmit(struct cf_sf_call *call, const struct sf_session *session, uint64_t now_ms)
{
    struct cf_sf *sf = call->sf;
    struct cf_buf url, bearer;
    const char *headers[4] = {NULL, "Accept: application/json", NULL, NULL};
    struct cf_http_request request = {.method = call->method,
                                      .headers = headers,
                                      .body = cf_str_of(call->body),
                                      .timeout_ms = (uint32_t)(call->deadline_ms - now_ms)};

    build_url(call, session, &url);
    sf_secret_buf(&bearer, SF_MAX_TOKEN_BYTES + 64);
    cf_buf_text(&bearer, "Authorization: Bearer ");
    cf_buf_text(&bearer, session->token);
    cf_buf_char(&bearer, '\0');
    headers[0] = bearer.p;
    if (call->body)
        headers[2] = "Content-Type: application/json";
    request.url = url.p;
    leave(call);
    call->generation = session->generation;
    call->api_calls++;
    count_api_call(sf, call->priority);
    call->http = cf_http_send(sf->opts.http, &request, on_http, call);
    sf_line_put_last(&sf->sent, &call->link);
    sf->in_flight++;
    show_load(sf);
    sf_wipe(&bearer);
    cf_buf_done(&url);
}

static struct cf_sf_call *next_in_line(const struct cf_sf *sf)
{
    for (size_t i = 0; i < CLASSES; i++) {
        struct sf_link *link = sf_line_first(&sf->lines[i]);

        if (link)
            return call_of(link);
    }
    return NULL;
}

static void expire(struct cf_sf_call *call)
{
    struct cf_err err;

    if (call->refused)
        cf_err_set(&err, CF_ERR_THROTTLED, "sf", 0, "%d calls wait for Salesforce already", SF_MAX_WAITING);
    else
        cf_err_set(&err, CF_ERR_TRANSIENT, "sf", 0, "deadline passed %s",
                   sf_token_session(call->sf->token) ? "in line for Salesforce"
                                                     : "while logging in to Salesforce");
    finish_failed(call, &err);
}

static void on_pump(void *arg)
{
    struct cf_sf *sf = arg;
    struct cf_sf_call *call;

    while (sf->in_flight < sf->opts.max_in_flight && (call = next_in_line(sf)) != NULL) {
        const struct sf_session *session = sf_token_session(sf->token);
        uint64_t now_ms = cf_clock_mono_ms();

        if (now_ms >= call->deadline_ms) {
            expire(call);
        } else if (session) {
            transmit(call, session, now_ms);
        } else {
            sf_token_want(sf->token);
            return; /* on_token goes on */
        }
    }
}

static void sweep_line(struct sf_link *line, uint64_t now_ms, uint64_t last)
{
    struct sf_link *link = sf_line_first(line);

    while (link && call_of(link)->number <= last) {
        if (call_of(link)->deadline_ms > now_ms) {
            link = sf_line_behind(line, link);
        } else {
            expire(call_of(link));
            link = sf_line_first(line); /* the callback may have cancelled the one behind */
        }
    }
}

static void on_sweep(void *arg)
{
    struct cf_sf *sf = arg;
    uint64_t now_ms = cf_clock_mono_ms(), last = sf->calls;

    for (size_t i = 0; i < CLASSES; i++)
        sweep_line(&sf->lines[i], now_ms, last);
}

/* Who waits now is told; who comes from inside a callback waits for the next attempt. */
static void fail_line(struct cf_sf *sf, const struct cf_err *err)
{
    uint64_t last = sf->calls;

    for (size_t i = 0; i < CLASSES; i++) {
        struct sf_link *link;

        while ((link = sf_line_first(&sf->lines[i])) != NULL && call_of(link)->number <= last)
            finish_failed(call_of(link), err);
    }
}

static void on_token(void *arg, const struct cf_err *err)
{
    struct cf_sf *sf = arg;
    const struct sf_session *session = sf_token_session(sf->token);

    if (err) {
        fail_line(sf, err);
    } else if (session) {
        free(sf->instance_url);
        sf->instance_url = cf_strdup(session->instance_url);
    }
    pump_soon(sf);
}

/* ---- interface ---- */

static int check(const struct cf_sf_opts *opts, struct cf_err *err)
{
    bool password = opts->grant == CF_SF_PASSWORD, jwt = opts->grant == CF_SF_JWT_BEARER;
    const char *missing = NULL;

    if (!opts->client_id || !*opts->client_id)
        missing = "sf_client_id";
    else if (!jwt && !opts->client_secret_file)
        missing = "sf_client_secret_file";
    else if ((password || jwt) && !opts->username)
        missing = "sf_username";
    else if (password && !opts->password_file)
        missing = "sf_password_file";
    else if (jwt && !opts->jwt_key_file)
        missing = "sf_jwt_key_file";
    if (missing)
        return cf_err_set(err, CF_ERR_CONFIG, "sf", 0, "%s is needed for this grant (sf_grant)", missing);
    if (!opts->login_url || !sf_url_is_sound(opts->login_url, cf_str_of(opts->login_url)))
        return cf_err_set(err, CF_ERR_CONFIG, "sf", 0,
                          "sf_login_url must be https://host, nothing behind it");
    if (!opts->api_version || opts->api_version[0] != 'v' || strlen(opts->api_version) > 8)
        return cf_err_set(err, CF_ERR_CONFIG, "sf", 0, "sf_api_version must look like v60.0");
    if (!opts->http || opts->max_in_flight == 0 || opts->login_backoff_ms == 0 ||
        opts->login_backoff_cap_ms < opts->login_backoff_ms || opts->redis_prefix.n > 64)
        return cf_err_set(err, CF_ERR_CONFIG, "sf", 0, "a Salesforce limit is out of range");
    return 0;
}

static void copy_opts(struct cf_sf *sf, const struct cf_sf_opts *opts)
{
    sf->opts = *opts;
    const char **const texts[] = {
        &sf->opts.login_url, &sf->opts.api_version,   &sf->opts.client_id,    &sf->opts.client_secret_file,
        &sf->opts.username,  &sf->opts.password_file, &sf->opts.jwt_key_file, &sf->opts.jwt_audience,
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *texts[i] = *texts[i] ? cf_arena_cstr(sf->texts, cf_str_of(*texts[i])) : NULL;
    sf->opts.redis_prefix = cf_arena_str(sf->texts, opts->redis_prefix);
}

struct cf_sf *cf_sf_new(struct cf_loop *loop, const struct cf_sf_opts *opts, struct cf_err *err)
{
    struct cf_sf *sf;

    if (check(opts, err))
        return NULL;
    sf = cf_calloc(1, sizeof(*sf));
    sf->loop = loop;
    sf->texts = cf_arena_new(OPTS_LIMIT_BYTES);
    copy_opts(sf, opts);
    for (size_t i = 0; i < CLASSES; i++)
        sf_line_init(&sf->lines[i]);
    sf_line_init(&sf->sent);
    sf->budget = (struct cf_sf_budget){-1, -1};
    sf->pump = cf_timer_new(loop, on_pump, sf);
    sf->sweep = cf_timer_new(loop, on_sweep, sf);
    sf->token = sf_token_new(loop, &sf->opts, on_token, sf);
    return sf;
}

void cf_sf_free(struct cf_sf *sf)
{
    struct cf_sf_call *call;
    struct sf_link *link;

    if (!sf)
        return;
    while ((call = next_in_line(sf)) != NULL)
        cf_sf_cancel(call);
    while ((link = sf_line_first(&sf->sent)) != NULL)
        cf_sf_cancel(call_of(link));
    sf_token_free(sf->token);
    cf_timer_free(sf->pump);
    cf_timer_free(sf->sweep);
    cf_arena_free(sf->texts);
    free(sf->instance_url);
    free(sf);
}

struct cf_sf_call *cf_sf_send(struct cf_sf *sf, const struct cf_sf_request *request, cf_sf_fn *fn, void *arg)
{
    struct cf_sf_call *call = cf_calloc(1, sizeof(*call));

    call->sf = sf;
    call->fn = fn;
    call->arg = arg;
    call->number = ++sf->calls;
    call->priority = request->priority;
    call->method = cf_strdup(request->method);
    call->path = cf_strdup(request->path);
    call->body = request->body ? json_dumps(request->body, JSON_COMPACT) : NULL;
    call->write = strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0;
    call->refused = sf->waiting >= SF_MAX_WAITING;
    call->deadline_ms = call->refused ? 0 : cf_clock_mono_ms() + request->timeout_ms;
    enter_line(call, false);
    return call;
}

void cf_sf_cancel(struct cf_sf_call *call)
{
    struct cf_http_call *http = call->http;

    leave(call);
    if (http) {
        cf_http_cancel(http);
        pump_soon(call->sf);
    }
    call_free(call);
}

struct cf_sf_budget cf_sf_budget(const struct cf_sf *sf)
{
    return sf->budget;
}

uint64_t cf_sf_api_calls(const struct cf_sf *sf)
{
    return sf->api_calls;
}

enum cf_err_kind cf_sf_record_failed(struct cf_sf *sf, int status, const char *error_code)
{
    (void)sf;
    return cf_sf_error_kind(status, error_code);
}

void cf_sf_record_done(struct cf_sf *sf)
{
    (void)sf;
}

void cf_sf_metrics(struct cf_sf *sf, struct cf_metric_group *group)
{
    sf->metrics = group;
}

const char *cf_sf_instance_url(const struct cf_sf *sf)
{
    return sf->instance_url;
}

bool cf_sf_grant_of(struct cf_str name, enum cf_sf_grant *ret_grant)
{
    static const char *const names[] = {"password", "client_credentials", "jwt_bearer"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (cf_str_is(name, names[i])) {
            *ret_grant = (enum cf_sf_grant)i;
            return true;
        }
    }
    return false;
}
