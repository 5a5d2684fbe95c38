/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: which questions travel together, when, and what follows from the answer. */
#include <stdlib.h>

#include "backoff/backoff.h"
#include "log/log.h"
#include "lookup_crm_priv.h"
#include "loop/loop.h"
#include "sf/sf.h"

#define MAX_TRIES 3 /* a dead Salesforce costs the caller three short tries, not the whole deadline */
#define RETRY_MIN_LEFT_MS 100 /* with less time left another try only adds load */
#define LATE_MS 10            /* a failure this close to the deadline is the deadline's */
#define RETRY_BASE_MS 100
#define RETRY_CAP_MS 500
#define RETRY_GRID_MS 16  /* retries due at about the same moment share a request */
#define HURRY_LEFT_MS 300 /* a question with less time does not linger */
#define LINGER_SHARE 8    /* of the time left, the part that a question may linger */

/* ---- lines ---- */

static void line_add(struct line *line, struct question *question, uint64_t due_ms)
{
    question->line = line;
    question->due_ms = due_ms;
    question->before = line->last;
    question->after = NULL;
    *(line->last ? &line->last->after : &line->first) = question;
    line->last = question;
    if (line->n++ == 0 || due_ms < line->due_ms)
        line->due_ms = due_ms;
}

static void line_remove(struct question *question)
{
    struct line *line = question->line;

    *(question->before ? &question->before->after : &line->first) = question->after;
    *(question->after ? &question->after->before : &line->last) = question->before;
    question->line = NULL;
    line->n--;
}

/* ---- requests ---- */

static void batch_free(struct batch *batch)
{
    struct lookup_crm *crm = batch->crm;

    *batch->link = batch->next;
    if (batch->next)
        batch->next->link = batch->link;
    crm->n_batches--;
    free(batch);
}

static void batch_remove(struct question *question)
{
    struct batch *batch = question->batch;

    if (question->line)
        line_remove(question);
    if (!batch)
        return;
    question->batch = NULL;
    batch->questions[question->place] = NULL;
    batch->n_open--;
}

/* What was sent is paid for, and Salesforce works on it whether somebody listens or not: the answer is kept
 * for who asks next, and until it comes the request takes the place that it takes over there. */
void batch_forsake(struct question *question)
{
    struct batch *batch = question->batch;

    if (batch)
        batch->is_late[question->place] = true;
    batch_remove(question);
    if (batch && batch->n_open == 0 && batch->call && !cf_sf_is_sent(batch->call)) {
        cf_sf_cancel(batch->call);
        batch_free(batch);
    }
}

void batch_free_all(struct lookup_crm *crm)
{
    struct batch *next;

    for (struct batch *at = crm->batches; at; at = next) {
        next = at->next;
        cf_sf_cancel(at->call);
        free(at);
    }
    crm->batches = NULL;
    crm->n_batches = 0;
}

static struct batch *batch_new(struct lookup_crm *crm, enum stage stage)
{
    struct batch *batch = cf_calloc(1, sizeof(*batch));

    batch->crm = crm;
    batch->stage = stage;
    batch->next = crm->batches;
    batch->link = &crm->batches;
    if (crm->batches)
        crm->batches->link = &batch->next;
    crm->batches = batch;
    crm->n_batches++;
    return batch;
}

static void batch_add(struct batch *batch, struct question *question)
{
    if (question->line)
        line_remove(question);
    question->batch = batch;
    question->place = batch->n;
    batch->phones[batch->n] = question->phone;
    batch->questions[batch->n++] = question;
    batch->n_open++;
}

static void on_answer(void *arg, const struct cf_sf_response *res, const struct cf_sf_failure *failure);

/* Its questions leave at their deadlines; the request goes on. `body` is given away. */
static void batch_post(struct batch *batch, json_t *body)
{
    struct lookup_crm *crm = batch->crm;
    struct cf_sf_request request = {.priority = crm->opts.priority,
                                    .method = "POST",
                                    .path = "/composite",
                                    .body = body,
                                    .timeout_ms = crm->opts.try_ms};

    batch->number = ++crm->requests;
    if (batch->stage == SEARCHING)
        request.path = "/composite/batch";
    else
        lookup_query_mark(body, batch->number);
    batch->call = cf_sf_send(crm->sf, &request, on_answer, batch);
    json_decref(body);
    crm->sent_ms = cf_loop_now_ms(crm->loop);
    crm->counts.requests++;
    crm->counts.numbers += batch->n;
}

static void batch_send(struct batch *batch)
{
    batch->opts = batch->crm->opts.query;
    batch_post(batch, batch->stage == SEARCHING ? lookup_search_build(&batch->opts, batch->phones, batch->n)
                                                : lookup_query_build(&batch->opts, batch->phones, batch->n));
}

/* More wait than one request can take when Salesforce is slower than callers come. Then the last come first:
 * in order each would be asked for when its time is nearly over, and no answer would be in time. */
static void send_next(struct lookup_crm *crm)
{
    struct batch *batch = batch_new(crm, crm->opts.match == LOOKUP_SEARCH ? SEARCHING : BY_FORMS);
    bool last_first = crm->waiting.n > crm->opts.batch;

    while (crm->waiting.n > 0 && batch->n < crm->opts.batch) {
        struct question *next = last_first ? crm->waiting.last : crm->waiting.first;

        next->tries++;
        batch_add(batch, next);
    }
    crm->last_n = batch->n;
    batch_send(batch);
}

/* What was left in the line by a full request may be due later than the line says. */
static void look_again(struct line *line)
{
    line->due_ms = UINT64_MAX;
    for (const struct question *at = line->first; at; at = at->after)
        line->due_ms = at->due_ms < line->due_ms ? at->due_ms : line->due_ms;
}

static bool is_due(const struct lookup_crm *crm)
{
    const struct line *waiting = &crm->waiting;

    return waiting->n >= crm->opts.batch || (waiting->n > 0 && waiting->due_ms <= cf_loop_now_ms(crm->loop));
}

/* One request may stand in the client's line, so that there is an answer to go on after. */
bool batch_is_held(const struct lookup_crm *crm)
{
    return crm->n_batches > 0 && cf_sf_room(crm->sf) == 0;
}

static void send_due(struct lookup_crm *crm)
{
    struct line *waiting = &crm->waiting;

    while (is_due(crm) && !batch_is_held(crm)) {
        send_next(crm);
        if (waiting->n < crm->opts.batch)
            look_again(waiting);
    }
}

static void wake_resting(struct lookup_crm *crm)
{
    uint64_t now_ms = cf_loop_now_ms(crm->loop);
    struct question *next;

    if (crm->resting.n == 0 || crm->resting.due_ms > now_ms)
        return;
    for (struct question *at = crm->resting.first; at; at = next) {
        next = at->after;
        if (at->due_ms > now_ms)
            continue;
        line_remove(at);
        line_add(&crm->waiting, at, now_ms);
    }
    look_again(&crm->resting);
}

void batch_turn(struct lookup_crm *crm)
{
    wake_resting(crm);
    send_due(crm);
}

static bool is_patient(const struct lookup_crm *crm)
{
    return crm->opts.priority != CF_SF_LIVE_CALLER;
}

/* Where nobody waits on the line, requests that do not overlap need not be many either. */
static bool is_quiet(const struct lookup_crm *crm)
{
    return !is_patient(crm) || crm->sent_ms == 0 ||
           cf_loop_now_ms(crm->loop) >= crm->sent_ms + crm->opts.linger_ms;
}

/* How long a question may wait for others. */
static uint64_t linger_ms(const struct question *question)
{
    const struct lookup_crm *crm = question->crm;
    uint64_t left_ms = question_left_ms(question), share_ms = left_ms / LINGER_SHARE;

    if (left_ms < HURRY_LEFT_MS || (crm->n_batches == 0 && crm->waiting.n == 0 && is_quiet(crm)))
        return 0;
    return crm->opts.linger_ms < share_ms ? crm->opts.linger_ms : share_ms;
}

/* Without linger it leaves by the timer, so that what comes in the same turn of the loop goes along. */
void batch_enqueue(struct question *question)
{
    struct lookup_crm *crm = question->crm;

    line_add(&crm->waiting, question, cf_loop_now_ms(crm->loop) + linger_ms(question));
    if (crm->waiting.n >= crm->opts.batch)
        send_due(crm);
    crm_schedule(crm);
}

/* ---- failures ---- */

/* Retries are to be few among good answers: where most fail they are more of what is too much. */
static bool afford_retry(struct lookup_crm *crm)
{
    if (crm->retries < RETRY_COST)
        return false;
    crm->retries -= RETRY_COST;
    return true;
}

static bool is_passing(const struct cf_err *err)
{
    return err->kind == CF_ERR_TRANSIENT;
}

static void fail(struct question *question, const struct cf_err *err, bool paused)
{
    const struct lookup_outcome outcome = {
        .err = err, .paused = paused, .late = is_passing(err) && question_left_ms(question) < LATE_MS};

    question_answer(question, &outcome);
}

/* Questions that failed together are tried again together. */
static void fail_or_rest(struct batch *batch, const struct cf_err *err, bool paused)
{
    const struct cf_backoff window = {RETRY_BASE_MS, RETRY_CAP_MS};
    struct lookup_crm *crm = batch->crm;
    uint64_t now_ms = cf_loop_now_ms(crm->loop), wait_ms, due_ms;

    /* xorshift64: spreading retries needs no better randomness */
    crm->seed ^= crm->seed << 13;
    crm->seed ^= crm->seed >> 7;
    crm->seed ^= crm->seed << 17;
    for (size_t i = 0; i < batch->n; i++) {
        struct question *question = batch->questions[i];

        if (!question)
            continue;
        wait_ms = cf_backoff_ms(&window, question->tries, crm->seed) + 1;
        if (!is_passing(err) || paused || question->tries >= MAX_TRIES ||
            question_left_ms(question) < wait_ms + RETRY_MIN_LEFT_MS || !afford_retry(crm)) {
            fail(question, err, paused);
            continue;
        }
        due_ms = now_ms + wait_ms;
        batch_remove(question);
        line_add(&crm->resting, question, due_ms + RETRY_GRID_MS - 1 - (due_ms - 1) % RETRY_GRID_MS);
    }
}

/* A bad request may be one number's fault, and a query that took too long its too many rows'. */
static bool may_be_one_number(const struct cf_err *err)
{
    return err->code == 400 || err->code == 413 || err->code == 414 || err->code == 431;
}

/* Asks again for those who still wait, at most `most` in a request; these wait for nobody. What was found is
 * searched again. */
static void send_again(struct batch *batch, size_t most)
{
    enum stage stage = batch->stage == READING ? SEARCHING : batch->stage;
    struct batch *to = NULL;

    for (size_t i = 0; i < batch->n; i++) {
        struct question *question = batch->questions[i];

        if (!question)
            continue;
        if (!to)
            to = batch_new(batch->crm, stage);
        batch_remove(question);
        batch_add(to, question);
        if (to->n == most) {
            batch_send(to);
            to = NULL;
        }
    }
    if (to)
        batch_send(to);
}

static void halve(struct batch *batch)
{
    batch->crm->counts.halved++;
    send_again(batch, (batch->n_open + 1) / 2);
}

/* Never ask for it again. */
static bool drop_field(struct lookup_crm *crm, const struct lookup_dropped *dropped)
{
    bool news, again = lookup_query_drop(&crm->opts.query, dropped, &news);

    if (again && news)
        cf_log_warn("lookup", NULL, "the org has no %s%s%s, or does not show it: going on without it",
                    dropped->object, dropped->field ? "." : "", dropped->field ? dropped->field : "");
    return again;
}

/* ---- answers ---- */

/* Not when the number would be searched for next. */
static bool is_last_word(const struct batch *batch, const json_t *answer, const struct cf_phone *phone)
{
    return batch->stage != BY_FORMS || batch->crm->opts.match != LOOKUP_EXACT_THEN_SEARCH ||
           lookup_query_knows(&batch->opts, answer, phone);
}

static void tell_all(struct batch *batch, const json_t *answer)
{
    const struct lookup_outcome outcome = {.answer = answer, .opts = &batch->opts};
    struct lookup_crm *crm = batch->crm;

    cf_sf_query_done(crm->sf);
    crm->halvings = crm->halvings < MAX_HALVINGS ? crm->halvings + 1 : MAX_HALVINGS;
    for (size_t i = 0; i < batch->n; i++) {
        if (batch->questions[i]) {
            crm->retries = crm->retries < MAX_RETRIES ? crm->retries + 1 : MAX_RETRIES;
            question_answer(batch->questions[i], &outcome);
        } else if (batch->is_late[i] && is_last_word(batch, answer, &batch->phones[i])) {
            crm->counts.late++;
            if (crm->opts.seen)
                crm->opts.seen(crm->opts.seen_arg, &batch->phones[i], &batch->opts, answer);
        }
    }
}

static void failed(struct batch *batch, const struct cf_err *err, bool paused)
{
    struct lookup_crm *crm = batch->crm;

    if (batch->n_open > 1 && may_be_one_number(err) && crm->halvings > 0) {
        crm->halvings--;
        halve(batch);
        return;
    }
    fail_or_rest(batch, err, paused);
}

/* Whom the exact query does not know is searched for; that takes one request more. */
static void search_for_unknown(struct batch *batch, const json_t *answer)
{
    struct batch *to = NULL;

    for (size_t i = 0; i < batch->n; i++) {
        struct question *question = batch->questions[i];

        if (!question || question_left_ms(question) < RETRY_MIN_LEFT_MS ||
            lookup_query_knows(&batch->opts, answer, &question->phone))
            continue;
        if (!to)
            to = batch_new(batch->crm, SEARCHING);
        batch_remove(question);
        batch_add(to, question);
    }
    if (to)
        batch_send(to);
}

static void failed_or_lacks(struct batch *batch, const struct lookup_dropped *dropped,
                            const struct cf_err *err)
{
    struct cf_err known = *err;

    if (drop_field(batch->crm, dropped)) {
        send_again(batch, batch->n_open);
        return;
    }
    cf_sf_query_failed(batch->crm->sf, &known); /* it is shown; to the caller nothing changes */
    failed(batch, err, false);
}

static void answered(struct batch *batch, json_t *answer)
{
    struct lookup_dropped dropped;
    struct cf_err err;

    if (!lookup_query_unmark(answer, batch->number)) {
        (void)cf_err_set(&err, CF_ERR_TRANSIENT, "sf", 0, "Salesforce gave the answer to another request");
        failed(batch, &err, false);
        return;
    }
    if (lookup_query_check(&batch->opts, answer, &dropped, &err) != 0) {
        failed_or_lacks(batch, &dropped, &err);
        return;
    }
    if (batch->n > 1 && lookup_query_truncated(answer, batch->n)) {
        halve(batch);
        return;
    }
    if (batch->stage == BY_FORMS && batch->crm->opts.match == LOOKUP_EXACT_THEN_SEARCH)
        search_for_unknown(batch, answer);
    tell_all(batch, answer);
}

static void read_found(struct batch *batch, json_t *body)
{
    struct batch *to;

    if (batch->n_open == 0) { /* nobody waits for what comes of it */
        json_decref(body);
        return;
    }
    to = batch_new(batch->crm, READING);
    to->opts = batch->opts;
    for (size_t i = 0; i < batch->n; i++) {
        struct question *question = batch->questions[i];

        if (!question)
            continue;
        batch_remove(question);
        batch_add(to, question);
    }
    batch_post(to, body);
}

static void searched(struct batch *batch, const json_t *answer)
{
    struct lookup_dropped dropped;
    json_t *body, *nobody;
    struct cf_err err;

    if (lookup_search_read(&batch->opts, answer, batch->n, &body, &dropped, &err) != 0) {
        failed_or_lacks(batch, &dropped, &err);
    } else if (body) {
        read_found(batch, body);
    } else {
        nobody = lookup_query_nobody(&batch->opts);
        tell_all(batch, nobody);
        json_decref(nobody);
    }
}

static void share_cost(struct batch *batch, uint32_t api_calls)
{
    for (size_t i = 0; i < batch->n; i++) {
        if (batch->questions[i])
            batch->questions[i]->api_calls += (double)api_calls / (double)batch->n;
    }
}

static void on_answer(void *arg, const struct cf_sf_response *res, const struct cf_sf_failure *failure)
{
    struct batch *batch = arg;
    struct lookup_crm *crm = batch->crm;

    batch->call = NULL;
    share_cost(batch, res ? res->api_calls : failure->api_calls);
    if (failure)
        failed(batch, &failure->err, failure->paused);
    else if (batch->stage == SEARCHING)
        searched(batch, res->json);
    else
        answered(batch, res->json);
    batch_free(batch);
    /* Few calls: those who came meanwhile need not wait for more. Under load more are about to come. */
    if (crm->n_batches == 0 && crm->last_n <= 1 && !is_patient(crm))
        crm->waiting.due_ms = 0;
    batch_turn(crm);
    crm_schedule(crm);
}
