/* SPDX-License-Identifier: Apache-2.0 */
/* What the client shows of itself: its rows of the stage's metrics, and a log line at each transition. */
#include "clock/clock.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "sf/sf_client_priv.h"

#define SHOW_MS 100 /* gauges that change with each answer need not be newer */

static const char *const class_names[SF_CLASSES] = {"live-caller", "post-call", "backfill"};

static void set(struct cf_sf *sf, size_t id, double value)
{
    cf_metric_set(sf->metrics, id, NULL, NULL, value);
}

static void show_budget(struct cf_sf *sf)
{
    const struct cf_sf_budget *last = &sf->spend.last;

    for (size_t i = 0; i < SF_CLASSES; i++)
        cf_metric_set(sf->metrics, CF_SF_M_STOPPED, class_names[i], NULL, sf->spend.stopped[i]);
    if (!sf->spend.known)
        return;
    set(sf, CF_SF_M_API_USED, (double)last->used);
    set(sf, CF_SF_M_API_LIMIT, (double)last->limit);
    set(sf, CF_SF_M_API_REMAINING,
        last->limit > 0 ? (double)(last->limit - last->used) / (double)last->limit : 0);
    set(sf, CF_SF_M_API_LASTS, sf_spend_lasts_s(&sf->spend));
}

static void show_logins(struct cf_sf *sf)
{
    const struct sf_token_counts *now = sf_token_counts(sf->token);

    cf_metric_add(sf->metrics, CF_SF_M_LOGINS, "ok", NULL, (double)(now->ok - sf->logins.ok));
    cf_metric_add(sf->metrics, CF_SF_M_LOGINS, "failed", NULL, (double)(now->failed - sf->logins.failed));
    cf_metric_add(sf->metrics, CF_SF_M_LOGINS, "refused", NULL, (double)(now->refused - sf->logins.refused));
    sf->logins = *now;
    set(sf, CF_SF_M_CREDENTIALS_REFUSED, now->refused_now);
}

void sf_show_soon(struct cf_sf *sf, uint64_t now_ms)
{
    if (now_ms - sf->shown_ms >= SHOW_MS || sf_breaker_state(&sf->circuit, now_ms) != sf->shown)
        sf_show(sf);
}

void sf_show(struct cf_sf *sf)
{
    uint64_t now_ms = cf_clock_mono_ms();

    sf->shown_ms = now_ms;
    sf_show_circuits(sf);
    if (!sf->metrics)
        return;
    set(sf, CF_SF_M_IN_FLIGHT, sf->in_flight);
    set(sf, CF_SF_M_WAITING, sf->waiting);
    set(sf, CF_SF_M_WINDOW, sf_window_size(&sf->window));
    set(sf, CF_SF_M_LEASES, sf_lease_held(sf->lease));
    set(sf, CF_SF_M_LEASES_NEEDED, sf_lease_needed(sf->lease));
    set(sf, CF_SF_M_CIRCUIT, sf_breaker_state(&sf->circuit, now_ms));
    set(sf, CF_SF_M_WRITERS, sf_breaker_state(&sf->writers, now_ms));
    set(sf, CF_SF_M_CONFIG_ERROR, sf->bad_config || sf->bad_record_config || sf->bad_query_config);
    show_budget(sf);
    show_logins(sf);
}

static void tell(const char *what, enum sf_circuit state, const struct sf_breaker *breaker, uint64_t now_ms)
{
    switch (state) {
    case SF_OPEN:
        cf_log_warn("sf", NULL, "%s: paused for %llu ms%s", what,
                    (unsigned long long)(breaker->until_ms > now_ms ? breaker->until_ms - now_ms : 0),
                    breaker->exhausted ? ", the API allocation is spent" : "");
        break;
    case SF_HALF_OPEN:
        cf_log_info("sf", NULL, "%s: the next request is a probe", what);
        break;
    case SF_CLOSED:
        cf_log_info("sf", NULL, "%s: works again", what);
        break;
    }
}

void sf_show_circuits(struct cf_sf *sf)
{
    uint64_t now_ms = cf_clock_mono_ms();
    enum sf_circuit circuit = sf_breaker_state(&sf->circuit, now_ms);
    enum sf_circuit writers = sf_breaker_state(&sf->writers, now_ms);

    if (circuit != sf->shown)
        tell("Salesforce", circuit, &sf->circuit, now_ms);
    if (writers != sf->shown_writers)
        tell("writing to Salesforce", writers, &sf->writers, now_ms);
    sf->shown = circuit;
    sf->shown_writers = writers;
}

void sf_count_api_call(struct cf_sf *sf, const struct cf_sf_call *call)
{
    sf->api_calls++;
    if (sf->metrics)
        cf_metric_add(sf->metrics, CF_SF_M_API_CALLS, call->own ? "limits" : class_names[call->priority],
                      NULL, 1);
}

void sf_count_answer(struct cf_sf *sf, enum sf_health health, uint64_t took_ms)
{
    static const char *const names[] = {[SF_HEALTHY] = "answered",
                                        [SF_SLOW] = "slow",
                                        [SF_OVERLOADED] = "overloaded",
                                        [SF_OUTAGE] = "outage",
                                        [SF_EXHAUSTED] = "exhausted"};

    if (!sf->metrics)
        return;
    cf_metric_add(sf->metrics, CF_SF_M_ANSWERS, names[health], NULL, 1);
    cf_metric_observe(sf->metrics, CF_SF_M_SECONDS, NULL, NULL, (double)took_ms / 1000);
}

void sf_count_paused(struct cf_sf *sf, enum cf_sf_class class, const char *why)
{
    if (sf->metrics)
        cf_metric_add(sf->metrics, CF_SF_M_REFUSED, class_names[class], why, 1);
}
