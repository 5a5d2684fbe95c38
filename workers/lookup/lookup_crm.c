/* SPDX-License-Identifier: Apache-2.0 */
/* Asks and questions: single flight, deadlines. */
#include <assert.h>
#include <stdlib.h>

#include "clock/clock.h"
#include "lookup_crm_priv.h"
#include "loop/loop.h"

#define HELD_MS 20          /* room is looked for so often; mostly an answer of ours makes it */
#define JOIN_MIN_PERCENT 50 /* of its own time an ask must still get from a question that it joins */

uint64_t question_left_ms(const struct question *question)
{
    uint64_t now_ms = cf_loop_now_ms(question->crm->loop);

    return question->deadline_ms > now_ms ? question->deadline_ms - now_ms : 0;
}

/* ---- the table of questions ---- */

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
        at = at->next_in_bucket;
    return at;
}

static void unlist(struct question *question)
{
    struct question **at = bucket_of(question->crm, question->phone.e164);

    while (*at != question)
        at = &(*at)->next_in_bucket;
    *at = question->next_in_bucket;
}

/* ---- by deadline: nearly all callers have the same time, so a new question belongs at the end ---- */

static void line_up(struct question *question)
{
    struct lookup_crm *crm = question->crm;
    struct question *before = crm->latest;

    while (before && before->deadline_ms > question->deadline_ms)
        before = before->sooner;
    question->sooner = before;
    question->later = before ? before->later : crm->soonest;
    *(before ? &before->later : &crm->soonest) = question;
    *(question->later ? &question->later->sooner : &crm->latest) = question;
}

static void leave(struct question *question)
{
    struct lookup_crm *crm = question->crm;

    *(question->sooner ? &question->sooner->later : &crm->soonest) = question->later;
    *(question->later ? &question->later->sooner : &crm->latest) = question->sooner;
}

/* ---- the end of a question ---- */

/* Out of all lists; nobody finds it any more. */
static void retire(struct question *question)
{
    unlist(question);
    leave(question);
    batch_forsake(question);
}

static void question_free(struct question *question)
{
    struct lookup_ask *ask;

    while ((ask = question->asks) != NULL) {
        question->asks = ask->next;
        free(ask);
    }
    free(question);
}

void question_answer(struct question *question, const struct lookup_outcome *outcome)
{
    struct lookup_crm *crm = question->crm;
    struct lookup_outcome told = *outcome;
    struct lookup_ask *ask;
    size_t n = 0;

    retire(question); /* a callback may ask again: that is a new question */
    if (outcome->answer && crm->opts.seen)
        crm->opts.seen(crm->opts.seen_arg, &question->phone, outcome->opts, outcome->answer);
    for (ask = question->asks; ask; ask = ask->next)
        n++;
    told.api_calls = question->api_calls / (double)(n ? n : 1);
    while ((ask = question->asks) != NULL) {
        question->asks = ask->next;
        ask->fn(ask->arg, &told);
        free(ask);
    }
    question_free(question);
}

static void expire(struct lookup_crm *crm)
{
    const struct cf_err err = {.kind = CF_ERR_TRANSIENT, .from = "sf", .text = "no answer in time"};
    const struct lookup_outcome outcome = {.err = &err, .late = true};

    while (crm->soonest && question_left_ms(crm->soonest) == 0)
        question_answer(crm->soonest, &outcome);
}

/* ---- time ---- */

static uint64_t earlier(uint64_t a_ms, uint64_t b_ms)
{
    return a_ms < b_ms ? a_ms : b_ms;
}

/* A timer that fires too early costs less than one that is set anew for every question. */
void crm_schedule(struct lookup_crm *crm)
{
    uint64_t now_ms = cf_loop_now_ms(crm->loop), next_ms = UINT64_MAX;

    if (crm->soonest)
        next_ms = crm->soonest->deadline_ms;
    if (crm->waiting.n > 0 && batch_is_held(crm))
        next_ms = earlier(next_ms, now_ms + HELD_MS);
    else if (crm->waiting.n > 0)
        next_ms = earlier(next_ms, crm->waiting.due_ms);
    if (crm->resting.n > 0)
        next_ms = earlier(next_ms, crm->resting.due_ms);
    if (next_ms == UINT64_MAX || (crm->timer_ms && crm->timer_ms <= next_ms))
        return;
    crm->timer_ms = next_ms > now_ms ? next_ms : now_ms;
    cf_timer_start(crm->timer, crm->timer_ms - now_ms, 0);
}

static void on_timer(void *arg)
{
    struct lookup_crm *crm = arg;

    crm->timer_ms = 0;
    expire(crm);
    batch_turn(crm);
    crm_schedule(crm);
}

/* ---- interface ---- */

struct lookup_crm *lookup_crm_new(struct cf_loop *loop, struct cf_sf *sf, const struct lookup_crm_opts *opts)
{
    struct lookup_crm *crm = cf_calloc(1, sizeof(*crm));

    assert(opts->batch >= 1 && opts->batch <= LOOKUP_QUERY_NUMBERS);
    crm->loop = loop;
    crm->sf = sf;
    crm->opts = *opts;
    crm->halvings = MAX_HALVINGS;
    crm->retries = MAX_RETRIES;
    crm->seed = cf_clock_mono_ns() | 1;
    crm->timer = cf_timer_new(loop, on_timer, crm);
    return crm;
}

void lookup_crm_free(struct lookup_crm *crm)
{
    struct question *question;

    if (!crm)
        return;
    while ((question = crm->soonest) != NULL) {
        retire(question);
        question_free(question);
    }
    batch_free_all(crm);
    cf_timer_free(crm->timer);
    free(crm);
}

static struct question *question_new(struct lookup_crm *crm, const struct cf_phone *phone,
                                     uint32_t timeout_ms)
{
    struct question *question = cf_calloc(1, sizeof(*question));

    question->crm = crm;
    question->phone = *phone;
    question->deadline_ms = cf_loop_now_ms(crm->loop) + timeout_ms;
    question->next_in_bucket = *bucket_of(crm, phone->e164);
    *bucket_of(crm, phone->e164) = question;
    line_up(question);
    batch_enqueue(question);
    return question;
}

/* The question must not outlive the ask, and must leave it a fair part of its own time. */
static bool can_join(const struct question *question, uint32_t timeout_ms)
{
    uint64_t left = question_left_ms(question);

    return left <= timeout_ms && left * 100 >= (uint64_t)timeout_ms * JOIN_MIN_PERCENT;
}

struct lookup_ask *lookup_crm_ask(struct lookup_crm *crm, const struct cf_phone *phone, uint32_t timeout_ms,
                                  lookup_crm_fn *fn, void *arg)
{
    struct lookup_ask *ask = cf_calloc(1, sizeof(*ask));
    struct question *question = find(crm, phone->e164);

    if (question && can_join(question, timeout_ms))
        crm->counts.shared++;
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
        retire(question);
        question_free(question);
    }
}

const struct lookup_query_opts *lookup_crm_query(const struct lookup_crm *crm)
{
    return &crm->opts.query;
}

struct lookup_crm_counts lookup_crm_counts(const struct lookup_crm *crm)
{
    return crm->counts;
}
