/* SPDX-License-Identifier: Apache-2.0 */
#include "sf/sf.h"

#include <stdlib.h>

#include "arena/arena.h"
#include "clock/clock.h"
#include "http/http.h"
#include "loop/loop.h"
#include "sf/sf_client_priv.h"

#define OPTS_LIMIT_BYTES ((size_t)64 << 10)
#define TICK_MS 1000 /* metrics of what passes by itself, and the budget */

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
        opts->login_backoff_cap_ms < opts->login_backoff_ms || opts->redis_prefix.n > 64 ||
        opts->breaker_cap_ms < opts->breaker_ms)
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

static void on_tick(void *arg)
{
    struct cf_sf *sf = arg;

    sf_poll_tick(sf->poll, cf_clock_mono_ms());
    sf_look_for_recovery(sf, cf_clock_mono_ms());
    sf_show(sf);
}

static void on_lease(void *arg)
{
    sf_pump_soon(arg);
}

static void guards_new(struct cf_sf *sf)
{
    const struct cf_sf_opts *opts = &sf->opts;
    const struct sf_breaker_opts circuit = {
        .failures = opts->breaker_failures,
        .exhausted = opts->breaker_failures ? SF_EXHAUSTED_RUN : 0,
        .base_ms = opts->breaker_ms,
        .cap_ms = opts->breaker_cap_ms,
        .exhausted_base_ms = opts->limit_pause_ms,
        .exhausted_cap_ms = opts->limit_pause_ms * SF_EXHAUSTED_CAP_TIMES,
    };
    const struct sf_breaker_opts writers = {.base_ms = opts->breaker_ms, .cap_ms = opts->breaker_cap_ms};
    const uint32_t stop[SF_CLASSES] = {opts->stop_live_percent, opts->stop_post_call_percent,
                                       opts->stop_backfill_percent};
    struct sf_lease_opts lease = {
        .loop = sf->loop, .redis = opts->redis, .slow_ms = opts->slow_ms, .cap = opts->slow_requests};
    uint32_t least = opts->min_in_flight < opts->max_in_flight ? opts->min_in_flight : opts->max_in_flight;
    char key[SF_KEY_BYTES];

    sf_breaker_init(&sf->circuit, &circuit);
    sf_breaker_init(&sf->writers, &writers);
    sf_window_init(&sf->window, least, opts->max_in_flight);
    sf_spend_init(&sf->spend, stop);
    sf_token_name_key(sf->token, "leases", key);
    lease.key = key;
    sf->lease = sf_lease_new(&lease, on_lease, sf);
    sf_token_name_key(sf->token, "limits", key);
    sf->poll = sf_poll_new(sf, key);
}

struct cf_sf *cf_sf_new(struct cf_loop *loop, const struct cf_sf_opts *opts, struct cf_err *err)
{
    struct cf_sf *sf;

    if (check(opts, err))
        return NULL;
    sf = cf_calloc(1, sizeof(*sf));
    sf->loop = loop;
    sf->texts = cf_arena_new(OPTS_LIMIT_BYTES);
    sf->seed = cf_clock_mono_ns() ^ (uint64_t)(uintptr_t)sf;
    sf->seed |= 1;
    copy_opts(sf, opts);
    for (size_t i = 0; i < SF_CLASSES; i++)
        sf_line_init(&sf->lines[i]);
    sf_line_init(&sf->refused);
    sf_line_init(&sf->sent);
    sf->pump = cf_timer_new(loop, sf_on_pump, sf);
    sf->sweep = cf_timer_new(loop, sf_on_sweep, sf);
    sf->tick = cf_timer_new(loop, on_tick, sf);
    sf->token = sf_token_new(loop, &sf->opts, sf_on_token, sf);
    guards_new(sf);
    cf_timer_start(sf->tick, 0, TICK_MS);
    return sf;
}

static void cancel_all(struct sf_link *line)
{
    struct sf_link *link;

    while ((link = sf_line_first(line)) != NULL)
        cf_sf_cancel(sf_call_of(link));
}

void cf_sf_free(struct cf_sf *sf)
{
    if (!sf)
        return;
    for (size_t i = 0; i < SF_CLASSES; i++)
        cancel_all(&sf->lines[i]);
    cancel_all(&sf->refused);
    cancel_all(&sf->sent);
    sf_poll_free(sf->poll);
    sf_lease_free(sf->lease);
    sf_token_free(sf->token);
    cf_timer_free(sf->pump);
    cf_timer_free(sf->sweep);
    cf_timer_free(sf->tick);
    cf_arena_free(sf->texts);
    free(sf->instance_url);
    free(sf);
}

/* xorshift64 */
uint64_t sf_random(struct cf_sf *sf)
{
    sf->seed ^= sf->seed << 13;
    sf->seed ^= sf->seed >> 7;
    sf->seed ^= sf->seed << 17;
    return sf->seed;
}

void sf_call_free(struct cf_sf_call *call)
{
    free(call->method);
    free(call->path);
    free(call->body);
    free(call);
}

struct cf_sf_call *sf_call_new(struct cf_sf *sf, const struct cf_sf_request *request, cf_sf_fn *fn, void *arg)
{
    struct cf_sf_call *call = cf_calloc(1, sizeof(*call));

    call->sf = sf;
    call->fn = fn;
    call->arg = arg;
    call->number = ++sf->calls;
    call->priority = request->priority;
    call->method = cf_strdup(request->method);
    call->path = cf_strdup(request->path);
    call->body = request->body ? sf_json_write(request->body) : NULL;
    call->write = strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0;
    call->deadline_ms = cf_clock_mono_ms() + request->timeout_ms;
    call->epoch = call->writers_epoch = UINT64_MAX; /* it has not gone */
    return call;
}

struct cf_sf_call *cf_sf_send(struct cf_sf *sf, const struct cf_sf_request *request, cf_sf_fn *fn, void *arg)
{
    struct cf_sf_call *call = sf_call_new(sf, request, fn, arg);

    if (sf->waiting >= SF_MAX_WAITING)
        call->refusal = SF_LINE_FULL;
    else if (sf->spend.stopped[call->priority])
        call->refusal = SF_BUDGET_SPENT;
    sf_enter_line(call, false);
    return call;
}

void cf_sf_cancel(struct cf_sf_call *call)
{
    struct cf_http_call *http = call->http;
    struct cf_sf *sf = call->sf;

    sf_leave(call);
    if (http) {
        cf_http_cancel(http);
        sf_lease_give_back(sf->lease, call->lease, true);
        sf_breaker_forget(&sf->circuit, call->epoch);
        sf_breaker_forget(&sf->writers, call->writers_epoch);
        sf_pump_soon(sf);
    }
    sf_call_free(call);
}

bool cf_sf_is_sent(const struct cf_sf_call *call)
{
    return call->http != NULL;
}

uint32_t cf_sf_room(const struct cf_sf *sf)
{
    size_t size = sf_window_size(&sf->window), busy = sf->in_flight + sf->waiting;

    return size > busy ? (uint32_t)(size - busy) : 0;
}

struct cf_sf_budget cf_sf_budget(const struct cf_sf *sf)
{
    return sf->spend.last;
}

uint64_t cf_sf_api_calls(const struct cf_sf *sf)
{
    return sf->api_calls;
}

void cf_sf_metrics(struct cf_sf *sf, struct cf_metric_group *group)
{
    sf->metrics = group;
    sf_show(sf);
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
