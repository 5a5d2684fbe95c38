/* SPDX-License-Identifier: Apache-2.0 */
/* Calls on their way out: the lines by class, what lets a call pass, and the request. */
#include <stdlib.h>

#include "clock/clock.h"
#include "http/http.h"
#include "loop/loop.h"
#include "sf/sf_client_priv.h"

#define SWEEP_MS 10 /* how exact a deadline is kept while a call waits in line */

void sf_pump_soon(struct cf_sf *sf)
{
    if (!cf_timer_active(sf->pump))
        cf_timer_start(sf->pump, 0, 0);
}

/* ---- the lines ---- */

void sf_enter_line(struct cf_sf_call *call, bool front)
{
    struct cf_sf *sf = call->sf;
    struct sf_link *line = call->refusal == SF_ADMITTED ? &sf->lines[call->priority] : &sf->refused;

    if (front)
        sf_line_put_first(line, &call->link);
    else
        sf_line_put_last(line, &call->link);
    sf->waiting++;
    if (!cf_timer_active(sf->sweep))
        cf_timer_start(sf->sweep, SWEEP_MS, SWEEP_MS);
    sf_pump_soon(sf);
}

void sf_leave(struct cf_sf_call *call)
{
    struct cf_sf *sf = call->sf;

    sf_line_remove(&call->link);
    if (call->http) {
        call->http = NULL;
        sf->in_flight--;
    } else if (--sf->waiting == 0) {
        cf_timer_stop(sf->sweep);
    }
}

struct cf_sf_call *sf_next_in_line(const struct cf_sf *sf)
{
    for (size_t i = 0; i < SF_CLASSES; i++) {
        struct sf_link *link = sf_line_first(&sf->lines[i]);

        if (link)
            return sf_call_of(link);
    }
    return NULL;
}

static void expire(struct cf_sf_call *call)
{
    struct cf_sf *sf = call->sf;
    struct cf_sf_failure failure = {0};
    bool session = sf_token_session(sf->token) != NULL;

    (void)cf_err_set(&failure.err, CF_ERR_TRANSIENT, "sf", 0, "deadline passed %s",
                     session ? "in line for Salesforce" : "while logging in to Salesforce");
    if (!session) { /* a token endpoint that hangs is an outage like any other */
        const struct sf_sign sign = {.timed_out = true};

        call->epoch = sf->circuit.epoch;
        sf_note_health(sf, call, &sign, 0);
    }
    sf_finish_failed(call, &failure);
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

static void post(struct cf_sf_call *call, const struct sf_session *session, uint64_t now_ms)
{
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
    call->http = cf_http_send(call->sf->opts.http, &request, sf_on_http, call);
    sf_wipe(&bearer);
    cf_buf_done(&url);
}

static void transmit(struct cf_sf_call *call, const struct sf_session *session, uint64_t now_ms)
{
    struct cf_sf *sf = call->sf;

    sf_leave(call);
    call->generation = session->generation;
    call->epoch = sf_breaker_take(&sf->circuit, now_ms);
    if (call->priority != CF_SF_LIVE_CALLER && !call->own)
        call->writers_epoch = sf_breaker_take(&sf->writers, now_ms);
    call->sent_ms = now_ms;
    call->api_calls++;
    sf_count_api_call(sf, call);
    post(call, session, now_ms);
    sf_line_put_last(&sf->sent, &call->link);
    sf->in_flight++;
}

/* ---- what lets a call pass ---- */

static void refuse(struct cf_sf_call *call, const char *why, const struct cf_sf_failure *failure)
{
    sf_count_paused(call->sf, call->priority, why);
    call->sf->waiters = call->sf->waiters || failure->paused;
    sf_finish_failed(call, failure);
}

/* As if Salesforce had said it, and for nothing. */
static void say_spent(struct cf_sf_failure *failure, const char *what)
{
    (void)cf_str_copy(failure->error_code, sizeof(failure->error_code), CF_STR("REQUEST_LIMIT_EXCEEDED"));
    (void)cf_err_set(&failure->err, CF_ERR_THROTTLED, "sf", 403, "Salesforce is not asked: %s", what);
}

static void tell_refused(struct cf_sf_call *call)
{
    struct cf_sf_failure failure = {0};

    if (call->refusal == SF_BUDGET_SPENT) {
        say_spent(&failure, "too little is left of the API allocation for this class");
        refuse(call, "budget", &failure);
        return;
    }
    (void)cf_err_set(&failure.err, CF_ERR_THROTTLED, "sf", 0, "%d calls wait for Salesforce already",
                     SF_MAX_WAITING);
    refuse(call, "line", &failure);
}

static bool writers_are_shut(const struct cf_sf_call *call, uint64_t now_ms)
{
    return call->priority != CF_SF_LIVE_CALLER && !call->own &&
           sf_breaker_is_shut(&call->sf->writers, now_ms);
}

/* Nobody is held while it is known that asking is in vain. Whether the call was told so. */
static bool is_paused(struct cf_sf_call *call, uint64_t now_ms)
{
    struct cf_sf *sf = call->sf;
    struct cf_sf_failure failure = {.paused = true};

    failure.paused = true;
    if (sf_breaker_is_shut(&sf->circuit, now_ms)) {
        if (sf->circuit.exhausted)
            say_spent(&failure, "the API allocation is spent");
        else
            (void)cf_err_set(&failure.err, CF_ERR_TRANSIENT, "sf", 0,
                             "Salesforce is paused: the last requests failed");
        refuse(call, "circuit", &failure);
        return true;
    }
    if (writers_are_shut(call, now_ms)) {
        (void)cf_err_set(&failure.err, CF_ERR_TRANSIENT, "sf", 0,
                         "Salesforce is paused: it refuses all records alike");
        refuse(call, "writers", &failure);
        return true;
    }
    return false;
}

/* The login is the probe of a half-open circuit then: calls are not held by it. */
static void want_session(struct cf_sf *sf, uint64_t now_ms)
{
    if (sf_breaker_state(&sf->circuit, now_ms) == SF_HALF_OPEN) {
        (void)sf_breaker_take(&sf->circuit, now_ms);
        sf_pump_soon(sf);
    }
    sf_token_want(sf->token);
}

/* Whether the call has gone, or could not. */
static bool try_to_send(struct cf_sf_call *call, uint64_t now_ms)
{
    struct cf_sf *sf = call->sf;
    const struct sf_session *session = sf_token_session(sf->token);

    if (sf->in_flight >= sf_window_size(&sf->window))
        return false;
    if (!session) {
        want_session(sf, now_ms);
        return false; /* sf_on_token() goes on */
    }
    if (sf_lease_needed(sf->lease)) {
        call->lease =
            sf_lease_take(sf->lease, call->priority == CF_SF_LIVE_CALLER, call->deadline_ms - now_ms);
        if (!call->lease)
            return false; /* a pump follows when there is one */
    }
    transmit(call, session, now_ms);
    return true;
}

/* ---- the end of a pause ---- */

void cf_sf_on_recovery(struct cf_sf *sf, cf_sf_recovery_fn *fn, void *arg)
{
    sf->on_recovery = fn;
    sf->on_recovery_arg = arg;
}

void sf_tell_recovery(struct cf_sf *sf)
{
    if (!sf->waiters || !sf->on_recovery)
        return;
    sf->recovered = true;
    sf_pump_soon(sf);
}

static void tell_recovery(struct cf_sf *sf)
{
    uint64_t now_ms = cf_clock_mono_ms();

    if (!sf->recovered)
        return;
    sf->recovered = false;
    /* After a probe there is more to tell. */
    sf->waiters = sf_breaker_state(&sf->circuit, now_ms) != SF_CLOSED ||
                  sf_breaker_state(&sf->writers, now_ms) != SF_CLOSED;
    sf->on_recovery(sf->on_recovery_arg, sf->waiters);
}

/* Time ends a pause. Waiting calls must not need another one to come by to notice. */
void sf_look_for_recovery(struct cf_sf *sf, uint64_t now_ms)
{
    if (!sf->waiters || sf_breaker_is_shut(&sf->circuit, now_ms))
        return;
    if (!sf_token_session(sf->token))
        want_session(sf, now_ms);
    else if (!sf_breaker_is_shut(&sf->writers, now_ms))
        sf_tell_recovery(sf);
}

static void tell_all_refused(struct cf_sf *sf, uint64_t last)
{
    struct sf_link *link;

    while ((link = sf_line_first(&sf->refused)) != NULL && sf_call_of(link)->number <= last)
        tell_refused(sf_call_of(link));
}

void sf_on_pump(void *arg)
{
    struct cf_sf *sf = arg;
    struct cf_sf_call *call;
    uint64_t last = sf->calls;

    tell_recovery(sf);
    tell_all_refused(sf, last);
    while ((call = sf_next_in_line(sf)) != NULL) {
        uint64_t now_ms = cf_clock_mono_ms();

        /* Who asks again inside its callback gets its answer on the next turn. */
        if (call->number > last) {
            sf_pump_soon(sf);
            return;
        }
        if (now_ms >= call->deadline_ms)
            expire(call);
        else if (!is_paused(call, now_ms) && !try_to_send(call, now_ms))
            return;
    }
    sf_lease_idle(sf->lease);
}

static void sweep_line(struct sf_link *line, uint64_t now_ms, uint64_t last)
{
    struct sf_link *link = sf_line_first(line);

    while (link && sf_call_of(link)->number <= last) {
        if (sf_call_of(link)->deadline_ms > now_ms) {
            link = sf_line_behind(line, link);
        } else {
            expire(sf_call_of(link));
            link = sf_line_first(line); /* the callback may have cancelled the one behind */
        }
    }
}

void sf_on_sweep(void *arg)
{
    struct cf_sf *sf = arg;
    uint64_t now_ms = cf_clock_mono_ms(), last = sf->calls;

    for (size_t i = 0; i < SF_CLASSES; i++)
        sweep_line(&sf->lines[i], now_ms, last);
}

/* ---- sessions ---- */

/* Who waits now is told; who comes from inside a callback waits for the next attempt. */
static void fail_line(struct cf_sf *sf, const struct cf_err *err)
{
    const struct cf_sf_failure failure = {.err = *err, .paused = true};
    uint64_t last = sf->calls;

    sf->waiters = sf->waiters || sf_next_in_line(sf);
    for (size_t i = 0; i < SF_CLASSES; i++) {
        struct sf_link *link;

        while ((link = sf_line_first(&sf->lines[i])) != NULL && sf_call_of(link)->number <= last)
            sf_finish_failed(sf_call_of(link), &failure);
    }
}

/* Logins that failed since the last look are an outage each; a refusal known already is none. */
static void note_login(struct cf_sf *sf, bool ok)
{
    const struct sf_token_counts *counts = sf_token_counts(sf->token);
    uint64_t now_ms = cf_clock_mono_ms(), failed = counts->failed + counts->refused;

    if (!ok && failed != sf->logins_noted)
        sf_breaker_note(&sf->circuit, sf->circuit.epoch, SF_OUTAGE, 0, now_ms, sf_random(sf));
    else
        sf_breaker_forget(&sf->circuit, sf->circuit.epoch); /* the next call is the probe */
    sf->logins_noted = failed;
}

void sf_on_token(void *arg, const struct cf_err *err)
{
    struct cf_sf *sf = arg;
    const struct sf_session *session = sf_token_session(sf->token);

    note_login(sf, !err);
    if (err) {
        fail_line(sf, err);
    } else if (session) {
        free(sf->instance_url);
        sf->instance_url = cf_strdup(session->instance_url);
        sf_tell_recovery(sf);
    }
    sf_show(sf);
    sf_pump_soon(sf);
}
