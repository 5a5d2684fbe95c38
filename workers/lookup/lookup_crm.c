/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup_crm.h"

#include <stdlib.h>

#include "backoff/backoff.h"
#include "clock/clock.h"
#include "log/log.h"
#include "loop/loop.h"
#include "sf/sf.h"

#define MAX_TRIES 3 /* a dead Salesforce costs the caller three short tries, not the whole deadline */
#define RETRY_MIN_LEFT_MS 100 /* with less time left another try only adds load */
#define LATE_MS 10            /* a failure this close to the deadline is the deadline's */
#define RETRY_BASE_MS 100
#define RETRY_CAP_MS 500
#define JOIN_MIN_PERCENT 50 /* of its own time an ask must still get from a question that it joins */
#define BUCKETS 1024        /* of the table of questions */

struct lookup_ask {
    struct lookup_ask *next;
    struct question *question;
    lookup_crm_fn *fn;
    void *arg;
};

struct question {
    struct question *next; /* in its bucket */
    struct lookup_crm *crm;
    struct cf_phone phone;
    struct lookup_query_opts opts; /* of the request under way */
    struct lookup_ask *asks;       /* newest first */
    struct cf_sf_call *call;       /* NULL: waiting for the next try */
    struct cf_timer *timer;
    uint64_t deadline_ms;
    uint32_t tries;
};

struct lookup_crm {
    struct cf_loop *loop;
    struct cf_sf *sf;
    struct lookup_query_opts opts;
    struct question *buckets[BUCKETS]; /* by number; the newest question about one comes first */
    uint64_t shared, seed;
    uint32_t try_ms;
};

static void send_question(struct question *question);

static uint64_t left_ms(const struct question *question)
{
    uint64_t now_ms = cf_clock_mono_ms();

    return question->deadline_ms > now_ms ? question->deadline_ms - now_ms : 0;
}

/* FNV-1a */
static struct question **bucket_of(struct lookup_crm *crm, const char *e164)
{
    uint32_t hash = 2166136261U;

    for (; *e164; e164++)
        hash = (hash ^ (unsigned char)*e164) * 16777619U;
    return &crm->buckets[hash % BUCKETS];
}

static struct question *find(struct lookup_crm *crm, const char *e164)
{
    struct question *at = *bucket_of(crm, e164);

    while (at && strcmp(at->phone.e164, e164) != 0)
        at = at->next;
    return at;
}

static void unlist(struct question *question)
{
    struct question **at = bucket_of(question->crm, question->phone.e164);

    while (*at != question)
        at = &(*at)->next;
    *at = question->next;
}

/* It must be in no bucket any more. */
static void question_free(struct question *question)
{
    if (question->call)
        cf_sf_cancel(question->call);
    cf_timer_free(question->timer);
    free(question);
}

static void answer_all(struct question *question, const struct lookup_outcome *outcome)
{
    struct lookup_ask *ask;

    unlist(question); /* a callback may ask again: that is a new question */
    while ((ask = question->asks) != NULL) {
        question->asks = ask->next;
        ask->fn(ask->arg, outcome);
        free(ask);
    }
    question_free(question);
}

static bool is_passing(const struct cf_err *err)
{
    return err->kind == CF_ERR_TRANSIENT;
}

static void fail_or_retry(struct question *question, const struct cf_err *err)
{
    const struct cf_backoff window = {RETRY_BASE_MS, RETRY_CAP_MS};
    struct lookup_crm *crm = question->crm;
    uint64_t left = left_ms(question), wait_ms;

    /* xorshift64: spreading retries needs no better randomness */
    crm->seed ^= crm->seed << 13;
    crm->seed ^= crm->seed >> 7;
    crm->seed ^= crm->seed << 17;
    wait_ms = cf_backoff_ms(&window, question->tries, crm->seed) + 1;
    if (is_passing(err) && question->tries < MAX_TRIES && left >= wait_ms + RETRY_MIN_LEFT_MS) {
        cf_timer_start(question->timer, wait_ms, 0);
        return;
    }
    const struct lookup_outcome outcome = {.err = err, .late = is_passing(err) && left < LATE_MS};

    answer_all(question, &outcome);
}

/* The org has no such field: never ask for it again. */
static void drop_field(struct lookup_crm *crm, enum lookup_dropped dropped)
{
    if (dropped == LOOKUP_DROPPED_TIER && crm->opts.tier_field) {
        cf_log_warn("lookup", NULL, "the org has no field Account.%s: going on without the tier",
                    crm->opts.tier_field);
        crm->opts.tier_field = NULL;
    }
    if (dropped == LOOKUP_DROPPED_ACTIVITY && crm->opts.activity) {
        cf_log_warn("lookup", NULL, "the org shows no LastActivityDate: going on without it");
        crm->opts.activity = false;
    }
}

static void on_answer(void *arg, const struct cf_sf_response *res, const struct cf_sf_failure *failure)
{
    struct question *question = arg;
    enum lookup_dropped dropped = LOOKUP_DROPPED_NONE;
    struct cf_err err;

    question->call = NULL;
    if (failure) {
        fail_or_retry(question, &failure->err);
        return;
    }
    if (lookup_query_check(&question->opts, res->json, &dropped, &err) == 0) {
        const struct lookup_outcome outcome = {.answer = res->json, .opts = &question->opts};

        answer_all(question, &outcome);
    } else if (dropped != LOOKUP_DROPPED_NONE && left_ms(question) > 0) {
        drop_field(question->crm, dropped);
        send_question(question);
    } else {
        fail_or_retry(question, &err);
    }
}

static void send_question(struct question *question)
{
    struct lookup_crm *crm = question->crm;
    uint64_t left = left_ms(question);
    struct cf_sf_request request = {.priority = CF_SF_LIVE_CALLER, .method = "POST", .path = "/composite"};

    request.timeout_ms = left < crm->try_ms ? (uint32_t)left : crm->try_ms;
    question->tries++;
    question->opts = crm->opts;
    request.body = lookup_query_build(&question->opts, &question->phone, 1);
    question->call = cf_sf_send(crm->sf, &request, on_answer, question);
    json_decref(request.body);
}

static void on_retry(void *arg)
{
    send_question(arg);
}

static struct question *question_new(struct lookup_crm *crm, const struct cf_phone *phone,
                                     uint32_t timeout_ms)
{
    struct question *question = cf_calloc(1, sizeof(*question));

    question->crm = crm;
    question->phone = *phone;
    question->deadline_ms = cf_clock_mono_ms() + timeout_ms;
    question->timer = cf_timer_new(crm->loop, on_retry, question);
    question->next = *bucket_of(crm, phone->e164);
    *bucket_of(crm, phone->e164) = question;
    send_question(question);
    return question;
}

/* ---- interface ---- */

struct lookup_crm *lookup_crm_new(struct cf_loop *loop, struct cf_sf *sf,
                                  const struct lookup_query_opts *opts, uint32_t try_ms)
{
    struct lookup_crm *crm = cf_calloc(1, sizeof(*crm));

    crm->loop = loop;
    crm->sf = sf;
    crm->opts = *opts;
    crm->try_ms = try_ms;
    crm->seed = cf_clock_mono_ns() | 1;
    return crm;
}

static void forget(struct question *question)
{
    struct lookup_ask *ask;

    while ((ask = question->asks) != NULL) {
        question->asks = ask->next;
        free(ask);
    }
    question_free(question);
}

void lookup_crm_free(struct lookup_crm *crm)
{
    if (!crm)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        struct question *question;

        while ((question = crm->buckets[i]) != NULL) {
            crm->buckets[i] = question->next;
            forget(question);
        }
    }
    free(crm);
}

/* The question must not outlive the ask, and must leave it a fair part of its own time. */
static bool can_join(const struct question *question, uint32_t timeout_ms)
{
    uint64_t left = left_ms(question);

    return left <= timeout_ms && left * 100 >= (uint64_t)timeout_ms * JOIN_MIN_PERCENT;
}

struct lookup_ask *lookup_crm_ask(struct lookup_crm *crm, const struct cf_phone *phone, uint32_t timeout_ms,
                                  lookup_crm_fn *fn, void *arg)
{
    struct lookup_ask *ask = cf_calloc(1, sizeof(*ask));
    struct question *question = find(crm, phone->e164);

    if (question && can_join(question, timeout_ms))
        crm->shared++;
    else
        question = question_new(crm, phone, timeout_ms);
    *ask = (struct lookup_ask){.next = question->asks, .question = question, .fn = fn, .arg = arg};
    question->asks = ask;
    return ask;
}

void lookup_crm_cancel(struct lookup_ask *ask)
{
    struct question *question = ask->question;
    struct lookup_ask **at = &question->asks;

    while (*at != ask)
        at = &(*at)->next;
    *at = ask->next;
    free(ask);
    if (!question->asks) {
        unlist(question);
        question_free(question);
    }
}

uint64_t lookup_crm_shared(const struct lookup_crm *crm)
{
    return crm->shared;
}
