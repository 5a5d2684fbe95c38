/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: what they mean for the call, for the session, and for the calls to come. */
#include "clock/clock.h"
#include "http/http.h"
#include "log/log.h"
#include "sf/sf_client_priv.h"

#define LEASE_HASTE 4 /* given up before this part of slow_ms: counts as what it took */

/* ---- the end of a call ---- */

/* The call must be in no list any more. */
static void finish(struct cf_sf_call *call, const struct cf_sf_response *res, struct cf_sf_failure *failure)
{
    if (failure)
        failure->api_calls = call->api_calls;
    /* As a probe of the writers it has told nothing yet: the callback may. */
    sf_breaker_forget(&call->sf->writers, call->writers_epoch);
    call->fn(call->arg, res, failure);
    sf_call_free(call);
}

void sf_finish_failed(struct cf_sf_call *call, const struct cf_sf_failure *failure)
{
    struct cf_sf_failure copy = *failure;

    sf_leave(call);
    finish(call, NULL, &copy);
}

/* ---- what an answer says about Salesforce ---- */

static void note_window(struct cf_sf *sf, const struct cf_sf_call *call, enum sf_health health,
                        uint64_t now_ms)
{
    if (call->sent_ms == 0) /* it never went */
        return;
    switch (health) {
    case SF_HEALTHY:
        sf_window_answered(&sf->window, call->sent_ms, now_ms, sf->in_flight + 1);
        break;
    case SF_SLOW:
    case SF_OVERLOADED:
        sf_window_overload(&sf->window, call->sent_ms, now_ms);
        break;
    case SF_OUTAGE:
    case SF_EXHAUSTED:
        break;
    }
}

/* What was given up is worked on still, who knows how long. When it was given up soon that is no sign of
 * requests that run for long: a busy org would be taken for one that is stuck. */
static void note_lease(struct cf_sf *sf, uint64_t took_ms, const struct sf_sign *sign)
{
    bool missing = sign->timed_out && took_ms * LEASE_HASTE >= sf->opts.slow_ms;

    if (sign->status != 0 || sign->timed_out) /* a refused connection is quick, and says nothing */
        sf_lease_note(sf->lease, took_ms, missing);
}

void sf_note_health(struct cf_sf *sf, const struct cf_sf_call *call, const struct sf_sign *sign,
                    uint64_t retry_after_ms)
{
    enum sf_health health = sf_health_of(sign);
    uint64_t now_ms = cf_clock_mono_ms(), openings = sf->circuit.openings;
    bool overloaded = health == SF_OVERLOADED;

    note_window(sf, call, sign->timed_out && health == SF_OUTAGE ? SF_SLOW : health, now_ms);
    sf_breaker_note(&sf->circuit, call->epoch, health, overloaded ? retry_after_ms : 0, now_ms,
                    sf_random(sf));
    if (sf->circuit.openings != openings)
        sf_window_reset(&sf->window, now_ms);
    else if (health == SF_HEALTHY && sf->circuit.state == SF_CLOSED)
        sf_tell_recovery(sf);
    if (call->sent_ms > 0) {
        sf_count_answer(sf, health, now_ms - call->sent_ms);
        note_lease(sf, now_ms - call->sent_ms, sign);
    }
    sf_show_soon(sf, now_ms);
}

static void note_limits(struct cf_sf *sf, const struct cf_http_response *res)
{
    uint64_t now_ms = cf_clock_mono_ms();
    bool stopped = sf->spend.stopped[CF_SF_LIVE_CALLER] || sf->spend.stopped[CF_SF_POST_CALL];
    struct cf_sf_budget budget;

    if (!sf_limits_parse(cf_http_header(res, "Sforce-Limit-Info"), &budget))
        return; /* not every answer has it; the last one known stays */
    sf_spend_note(&sf->spend, budget, now_ms);
    sf_poll_known(sf->poll, now_ms);
    if (stopped != (sf->spend.stopped[CF_SF_LIVE_CALLER] || sf->spend.stopped[CF_SF_POST_CALL]))
        sf_show(sf);
}

/* The org was fine with this configuration until now: somebody changed the org, and may change it back. A
 * worker that ended would have to be started again for that, so it waits, and says so. A live caller's
 * request is not made to look worth another try. */
static void soften(const struct cf_sf_call *call, struct cf_err *err)
{
    struct cf_sf *sf = call->sf;

    if (err->kind != CF_ERR_CONFIG || !sf->worked)
        return;
    if (!sf->bad_config)
        cf_log_err(CF_LOG_ERROR, "sf", NULL, "the org no longer takes what the configuration asks for", err);
    sf->bad_config = true;
    sf_show(sf);
    if (call->priority != CF_SF_LIVE_CALLER)
        err->kind = CF_ERR_TRANSIENT;
}

/* ---- answers ---- */

static void finish_answered(struct cf_sf_call *call, const struct sf_reply *reply, uint64_t retry_after_ms)
{
    struct cf_sf *sf = call->sf;
    struct cf_sf_failure failure;
    struct cf_sf_response res = {.status = reply->status, .api_calls = call->api_calls};
    struct sf_sign sign = {.status = reply->status};

    if (sf_reply_read(reply, &res.json, &failure)) {
        sign.error_code = failure.error_code;
        sign.not_api = reply->status >= 200 && reply->status <= 299;
        sign.concurrent = sf_reply_is_concurrent(reply);
        sf_note_health(sf, call, &sign, retry_after_ms);
        soften(call, &failure.err);
        finish(call, NULL, &failure);
        return;
    }
    sf->worked = true;
    sf_note_health(sf, call, &sign, 0);
    if (sf->bad_config) {
        sf->bad_config = false;
        sf_show(sf);
    }
    /* The callback borrows the tree; it may take its own reference. */
    json_t *body = res.json;

    finish(call, &res, NULL);
    json_decref(body);
}

static void finish_unanswered(struct cf_sf_call *call, const struct cf_err *err)
{
    struct cf_sf_failure failure = {.err = *err};
    const struct sf_sign sign = {.timed_out = cf_http_error_is_timeout(err),
                                 .waited_ms = cf_clock_mono_ms() - call->sent_ms};

    failure.err.code = 0;
    failure.unknown_outcome = call->write && cf_http_error_is_unknown_outcome(err);
    /* An answer too large belongs to the path between, not to the record. */
    if (err->kind == CF_ERR_REJECTED) {
        failure.err.kind = CF_ERR_TRANSIENT;
        failure.unknown_outcome = call->write;
    }
    sf_note_health(call->sf, call, &sign, 0);
    soften(call, &failure.err);
    finish(call, NULL, &failure);
}

/* The session was refused. Whether the call goes again, with another one. */
static bool replays(struct cf_sf_call *call)
{
    struct cf_sf *sf = call->sf;
    bool again = sf_token_refused(sf->token, call->generation);

    if (!again || call->replayed)
        return false;
    call->replayed = true;
    sf_breaker_forget(&sf->circuit, call->epoch); /* that sessions end says nothing about the org */
    sf_breaker_forget(&sf->writers, call->writers_epoch);
    call->sent_ms = 0;
    sf_enter_line(call, true);
    return true;
}

static void take_answer(struct cf_sf_call *call, const struct cf_http_response *res, const struct cf_err *err)
{
    struct cf_sf *sf = call->sf;
    struct sf_reply reply;

    sf_leave(call);
    sf_lease_give_back(sf->lease, call->lease, err && cf_http_error_is_timeout(err));
    call->lease = 0;
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
        if (replays(call))
            return;
    } else if (reply.status != 401) {
        sf_token_proved(sf->token, call->generation);
    }
    finish_answered(call, &reply, sf_retry_after_ms(cf_http_header(res, "Retry-After"), cf_clock_wall_ms()));
}

/* The next in line goes at once, so that its request does not wait until all answers of this turn are read.
 */
void sf_on_http(void *arg, const struct cf_http_response *res, const struct cf_err *err)
{
    struct cf_sf_call *call = arg;
    struct cf_sf *sf = call->sf;

    take_answer(call, res, err);
    sf_on_pump(sf);
}

/* ---- the verdicts of records ---- */

void sf_pause_writers(struct cf_sf *sf, const char *why)
{
    uint64_t now_ms = cf_clock_mono_ms();

    if (sf_breaker_state(&sf->writers, now_ms) == SF_OPEN)
        return;
    if (sf->writers.level == 0)
        cf_log_error("sf", NULL, "Salesforce refuses all records alike: %s. Waiting until it takes one", why);
    sf_breaker_open(&sf->writers, now_ms, sf_random(sf));
    sf_show(sf);
}

enum cf_err_kind cf_sf_record_failed(struct cf_sf *sf, const struct cf_sf_verdict *verdict)
{
    const char *error_code = verdict->error_code;
    enum cf_err_kind kind = cf_sf_error_kind(verdict->status, error_code);
    bool alike = kind == CF_ERR_REJECTED && sf_alike_failed(&sf->alike, error_code, verdict->record);

    if (kind == CF_ERR_CONFIG && !sf->wrote)
        return kind; /* it never worked: the configuration is wrong, not the org's change of mind */
    if (kind != CF_ERR_CONFIG && !alike)
        return kind;
    sf->bad_record_config = kind == CF_ERR_CONFIG;
    sf_pause_writers(sf, error_code ? error_code : "without an error code");
    return CF_ERR_TRANSIENT;
}

void cf_sf_record_done(struct cf_sf *sf)
{
    sf->wrote = true;
    sf->bad_record_config = false;
    sf_alike_done(&sf->alike);
    if (sf->writers.state == SF_CLOSED && sf->writers.level == 0)
        return;
    sf_breaker_close(&sf->writers, cf_clock_mono_ms());
    sf_tell_recovery(sf);
    sf_show(sf);
    sf_pump_soon(sf);
}

void cf_sf_query_done(struct cf_sf *sf)
{
    sf->asked = true;
    if (!sf->bad_query_config)
        return;
    sf->bad_query_config = false;
    sf_show(sf);
}

void cf_sf_query_failed(struct cf_sf *sf, struct cf_err *err)
{
    if (err->kind != CF_ERR_CONFIG || !(sf->wrote || sf->asked))
        return;
    if (!sf->bad_query_config)
        cf_log_err(CF_LOG_ERROR, "sf", NULL, "the org no longer takes what the configuration asks for", err);
    err->kind = CF_ERR_TRANSIENT;
    sf->bad_query_config = true;
    sf_show(sf);
}
