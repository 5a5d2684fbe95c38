/* SPDX-License-Identifier: Apache-2.0 */
/* The lanes: requests with many calls in them, and their answers. */
#include <assert.h>
#include <stdlib.h>

#include "clock/clock.h"
#include "log/log.h"
#include "loop/loop.h"
#include "postcall.h"
#include "sf/sf.h"

#define WRITE_BYTES ((size_t)2 << 20) /* of a request, about; escapes may make it three times that */
#define READ_BYTES ((size_t)12000)    /* of a URL in a request */
#define CALLS_UNDER_WAY 600U          /* in full requests, together */
#define REQUESTS_UNDER_WAY 8U         /* at least that many */

/* Salesforce away: tries of each lane. */
static const struct cf_backoff pause = {.base_ms = 200, .cap_ms = 5000};
#define PAUSED_MS 30000 /* the client's own pause: it tells when that is over */

struct postcall_call postcall_call_of(struct cf_job *job)
{
    const struct postcall_job *state = cf_job_state(job);

    return (struct postcall_call){&state->plan, &state->customer, &state->found};
}

/* ---- requests ---- */

static json_t *build_writes(struct postcall *postcall, const struct postcall_load *load)
{
    json_t *graphs = json_array();

    for (size_t i = 0; i < load->n; i++) {
        struct postcall_call call = postcall_call_of(load->items[i]->arg);

        if (json_array_append_new(graphs, postcall_write_graph(&postcall->org, &call, load->first + i)) != 0)
            abort();
    }
    return postcall_write_request(graphs);
}

static json_t *build_read(struct postcall *postcall, const struct postcall_load *load)
{
    struct postcall_call calls[POSTCALL_GRAPHS];

    for (size_t i = 0; i < load->n; i++)
        calls[i] = postcall_call_of(load->items[i]->arg);
    return postcall_write_read(&postcall->org, calls, load->n);
}

static void count(const struct postcall_lane *lane, const struct postcall_load *load)
{
    struct cf_metric_group *metrics = cf_worker_stage_metrics(lane->postcall->worker);
    const char *kind = lane->reading ? "read" : "write";

    cf_metric_add(metrics, POSTCALL_M_REQUESTS, kind, NULL, 1);
    cf_metric_add(metrics, POSTCALL_M_CALLS, kind, NULL, (double)load->n);
}

static void on_answer(void *arg, const struct cf_sf_response *res, const struct cf_sf_failure *failure);

static void send_load(struct postcall_lane *lane, struct postcall_load *load)
{
    struct postcall *postcall = lane->postcall;
    const struct postcall_config *config = postcall->config;
    json_t *body = lane->reading ? build_read(postcall, load) : build_writes(postcall, load);
    struct cf_sf_request request = {
        .priority = CF_SF_POST_CALL,
        .method = "POST",
        .path = lane->reading ? "/composite" : "/composite/graph",
        .body = body,
        .timeout_ms = (uint32_t)(lane->reading ? config->sf_timeout_ms : config->write_timeout_ms)};

    count(lane, load);
    (void)cf_sf_send(postcall->sf, &request, on_answer, load); /* ended by its answer or with the client */
    json_decref(body);
}

static void note_waiting(struct postcall_lane *lane)
{
    cf_metric_set(cf_worker_stage_metrics(lane->postcall->worker), POSTCALL_M_WAITING,
                  lane->reading ? "read" : "write", NULL, (double)postcall_batch_waiting(lane->batch));
}

static void on_timer(void *arg)
{
    struct postcall_lane *lane = arg;
    struct postcall_load *load;
    uint64_t now_ms = cf_clock_mono_ms(), due_ms;

    while ((load = postcall_batch_next(lane->batch, now_ms, &due_ms)) != NULL)
        send_load(lane, load);
    if (due_ms != POSTCALL_NEVER)
        cf_timer_start(lane->timer, due_ms > now_ms ? due_ms - now_ms : 0, 0);
    note_waiting(lane);
}

/* Not at once: who else comes in this turn of the loop goes along. */
static void look_soon(struct postcall_lane *lane)
{
    cf_timer_start(lane->timer, 0, 0);
}

/* ---- answers ---- */

/* What a failed request means for its calls; the failure's kind is made right for them. */
static enum postcall_fate judge(const struct postcall_lane *lane, const struct postcall_load *load,
                                struct cf_sf_failure *failure)
{
    enum cf_err_kind kind = failure->err.kind;

    /* No event has a say in the question, or in what the org offers. */
    if (kind == CF_ERR_REJECTED && (lane->reading || failure->err.code == 404))
        failure->err.kind = CF_ERR_CONFIG;
    cf_sf_query_failed(lane->postcall->sf, &failure->err);
    kind = failure->err.kind;
    switch (kind) {
    case CF_ERR_TRANSIENT:
    case CF_ERR_THROTTLED:
        return failure->unknown_outcome && !lane->reading ? POSTCALL_LOST : POSTCALL_UNSENT;
    case CF_ERR_REJECTED:
        return load->n > 1 ? POSTCALL_SPLIT : POSTCALL_ANSWERED;
    case CF_ERR_CONFIG:
    case CF_ERR_FATAL:
        break;
    }
    return POSTCALL_ANSWERED;
}

static void tell(const struct postcall_lane *lane, struct cf_job *job, const struct postcall_result *result)
{
    struct postcall_job *state = cf_job_state(job);

    state->lane = NULL;
    if (lane->reading)
        postcall_found(job, result);
    else
        postcall_written(job, result);
}

static void share_out(const struct postcall_lane *lane, const struct postcall_load *load, uint32_t api_calls)
{
    for (size_t i = 0; i < load->n; i++) {
        struct postcall_job *state = load->items[i] ? cf_job_state(load->items[i]->arg) : NULL;

        if (!state || api_calls == 0)
            continue;
        state->api_calls += (double)api_calls / (double)load->n;
        state->writes += lane->reading ? 0 : 1;
    }
}

static void on_answer(void *arg, const struct cf_sf_response *res, const struct cf_sf_failure *failure)
{
    struct postcall_load *load = arg;
    struct postcall_lane *lane = load->owner;
    struct cf_sf_failure judged = failure ? *failure : (struct cf_sf_failure){0};
    enum postcall_fate fate = failure ? judge(lane, load, &judged) : POSTCALL_ANSWERED;
    struct postcall_result result = {
        .answer = res ? res->json : NULL, .n = load->n, .failure = failure ? &judged : NULL};

    assert(res || failure);
    share_out(lane, load, res ? res->api_calls : failure->api_calls);
    if (failure && !lane->failing)
        cf_log_err(CF_LOG_INFO, "postcall", NULL,
                   lane->reading ? "a request that asks what is written failed" : "a write request failed",
                   &judged.err);
    lane->failing = failure != NULL;
    postcall_batch_done(lane->batch, load, fate, cf_clock_mono_ms(),
                        cf_worker_random(lane->postcall->worker));
    if (failure && failure->paused && fate == POSTCALL_UNSENT)
        postcall_batch_pause(lane->batch, cf_clock_mono_ms() + PAUSED_MS); /* postcall_lanes_wake() ends it */
    for (size_t i = 0; i < load->n && (fate == POSTCALL_ANSWERED || fate == POSTCALL_LOST); i++) {
        result.index = load->first + i;
        if (load->items[i])
            tell(lane, load->items[i]->arg, &result);
    }
    postcall_load_free(load);
    look_soon(lane);
}

/* ---- lanes ---- */

void postcall_lanes_wake(struct postcall *postcall, uint64_t wait_ms)
{
    uint64_t until_ms = wait_ms ? cf_clock_mono_ms() + wait_ms : 0;

    postcall_batch_pause(postcall->writes.batch, until_ms);
    postcall_batch_pause(postcall->reads.batch, until_ms);
    look_soon(&postcall->writes);
    look_soon(&postcall->reads);
}

static void open_lane(struct postcall *postcall, struct postcall_lane *lane, bool reading)
{
    const struct postcall_config *config = postcall->config;
    uint32_t most = (uint32_t)config->write_batch;
    struct postcall_batch_opts opts = {.most = most,
                                       .nodes = POSTCALL_NODES,
                                       .bytes = reading ? READ_BYTES : WRITE_BYTES,
                                       .linger_ms = most > 1 ? (uint32_t)config->write_linger_ms : 0,
                                       .under_way = CALLS_UNDER_WAY / most,
                                       .backoff = pause,
                                       .owner = lane};

    if (opts.under_way < REQUESTS_UNDER_WAY)
        opts.under_way = REQUESTS_UNDER_WAY;
    if (opts.under_way > config->sf_max_in_flight)
        opts.under_way = (uint32_t)config->sf_max_in_flight;
    lane->postcall = postcall;
    lane->reading = reading;
    lane->batch = postcall_batch_new(&opts);
    lane->timer = cf_timer_new(cf_worker_loop(postcall->worker), on_timer, lane);
}

void postcall_lanes_open(struct postcall *postcall)
{
    open_lane(postcall, &postcall->writes, false);
    open_lane(postcall, &postcall->reads, true);
}

static void close_lane(struct postcall_lane *lane)
{
    if (!lane->batch)
        return;
    cf_timer_free(lane->timer);
    postcall_batch_free(lane->batch);
}

void postcall_lanes_close(struct postcall *postcall)
{
    close_lane(&postcall->writes);
    close_lane(&postcall->reads);
}

void postcall_lane_add(struct postcall_lane *lane, struct cf_job *job)
{
    struct postcall_job *state = cf_job_state(job);

    state->lane = lane;
    state->item.arg = job;
    postcall_batch_add(lane->batch, &state->item, cf_clock_mono_ms());
    look_soon(lane);
}

void postcall_lane_leave(struct cf_job *job)
{
    struct postcall_job *state = cf_job_state(job);

    if (state->lane)
        postcall_batch_leave(state->lane->batch, &state->item);
    state->lane = NULL;
}
