/* SPDX-License-Identifier: Apache-2.0 */
/* The state as objects of named texts, and the digest over them. engine_load.c reads what is written here. */
#include <openssl/evp.h>
#include <stdlib.h>

#include "engine/engine_priv.h"
#include "json/json.h"

#define MAX_PAIRS 32
/* The policy's text is the longest; details of a call stay far below. */
#define TEXT_LIMIT (2UL * CF_POLICY_MAX_BYTES)

static const char *const states[] = {"waiting", "offered", "connected"};
static const char *const phases[] = {"offline",   "idle",   "available", "reserved",
                                     "connected", "wrapup", "paused"};

/* The texts are in one buffer; while it grows, a pair is known by where its text starts. */
struct dump {
    struct cf_buf text;
    size_t start[MAX_PAIRS];
    struct cf_engine_pair pairs[MAX_PAIRS];
    size_t n;
};

static void open_pair(struct dump *d, const char *field)
{
    d->start[d->n] = d->text.n;
    d->pairs[d->n++].field = cf_str_of(field);
}

static void add_str(struct dump *d, const char *field, struct cf_str value)
{
    open_pair(d, field);
    cf_buf_str(&d->text, value);
}

static void add_int(struct dump *d, const char *field, int64_t value)
{
    open_pair(d, field);
    cf_buf_i64(&d->text, value);
}

static void finish(struct dump *d, struct cf_engine_object *object)
{
    for (size_t i = 0; i < d->n; i++) {
        size_t end = i + 1 < d->n ? d->start[i + 1] : d->text.n;

        d->pairs[i].value = (struct cf_str){d->text.p + d->start[i], end - d->start[i]};
    }
    object->pairs = d->pairs;
    object->n_pairs = d->n;
}

static void dump_meta(const struct cf_engine *engine, struct dump *d)
{
    add_int(d, "format", CF_ENGINE_FORMAT);
    add_int(d, "now", engine->now);
    add_int(d, "offset", engine->offset);
    add_int(d, "seq", engine->seq);
    add_int(d, "buried", engine->n_buried);
    add_int(d, "policyVersion", engine->policy->version);
}

static void dump_policy(const struct cf_engine *engine, struct dump *d)
{
    add_int(d, "version", engine->policy->version);
    add_str(d, "policy", engine->policy->text);
}

static void dump_queue(const struct cf_queue *queue, struct dump *d)
{
    add_int(d, "handleMs", queue->handle_ms);
    add_int(d, "handled", queue->handled);
    if (queue->last_wait_ms >= 0)
        add_int(d, "lastWaitMs", queue->last_wait_ms);
    if (queue->ring)
        add_str(d, "lastOfferedTo", queue->ring->o.id);
}

static void write_lines(struct cf_jsonw *w, struct cf_str texts)
{
    cf_jsonw_begin_array(w);
    while (texts.n > 0) {
        const char *end = memchr(texts.p, '\n', texts.n);
        size_t n = end ? (size_t)(end - texts.p) : texts.n;

        cf_jsonw_str(w, (struct cf_str){texts.p, n});
        texts.p += n + (end != NULL);
        texts.n -= n + (end != NULL);
    }
    cf_jsonw_end_array(w);
}

static void write_skill(struct cf_jsonw *w, const struct cf_skill *skill)
{
    cf_jsonw_key_str(w, skill->name);
    if (skill->type == CF_JSON_BOOL)
        cf_jsonw_bool(w, skill->number > 0);
    else if (skill->type == CF_JSON_STRING)
        cf_jsonw_str(w, skill->text);
    else if (skill->type == CF_JSON_ARRAY)
        write_lines(w, skill->text);
    else
        cf_jsonw_double(w, skill->number);
}

/* Of an agent: one object. Of a call one each, because two rules may ask for two levels of one skill. */
static void add_skills(struct dump *d, struct cf_policy_needs skills, bool one)
{
    struct cf_jsonw w;

    if (skills.n == 0)
        return;
    open_pair(d, "skills");
    cf_jsonw_init(&w, &d->text);
    if (one)
        cf_jsonw_begin_object(&w);
    else
        cf_jsonw_begin_array(&w);
    for (size_t i = 0; i < skills.n; i++) {
        if (!one)
            cf_jsonw_begin_object(&w);
        write_skill(&w, &skills.items[i]);
        if (!one)
            cf_jsonw_end_object(&w);
    }
    if (one)
        cf_jsonw_end_object(&w);
    else
        cf_jsonw_end_array(&w);
}

static void add_prefer(struct dump *d, const struct cf_details *details)
{
    struct cf_jsonw w;

    if (details->n_prefer == 0)
        return;
    open_pair(d, "prefer");
    cf_jsonw_init(&w, &d->text);
    cf_jsonw_begin_array(&w);
    for (size_t i = 0; i < details->n_prefer; i++)
        cf_jsonw_str(&w, details->prefer[i]);
    cf_jsonw_end_array(&w);
}

static void add_more(struct dump *d, const struct cf_call *call)
{
    struct cf_jsonw w;

    if (call->n_more == 0)
        return;
    open_pair(d, "alsoQueues");
    cf_jsonw_init(&w, &d->text);
    cf_jsonw_begin_array(&w);
    for (size_t i = 0; i < call->n_more; i++)
        cf_jsonw_str(&w, call->more[i].queue->o.id);
    cf_jsonw_end_array(&w);
}

static void add_missed(struct dump *d, const struct cf_call *call)
{
    struct cf_jsonw w;

    if (call->n_missed == 0)
        return;
    open_pair(d, "missed");
    cf_jsonw_init(&w, &d->text);
    cf_jsonw_begin_array(&w);
    for (size_t i = 0; i < call->n_missed; i++)
        cf_jsonw_str(&w, call->missed[i]->o.id);
    cf_jsonw_end_array(&w);
}

static void add_customer(struct dump *d, const struct cf_details *details)
{
    struct cf_customer customer = {
        .status = CF_CUSTOMER_OTHER,
        .account = details->account,
        .contact = details->contact,
        .cases = details->cases,
        .n_cases = details->n_cases,
        .match_count = -1,
    };
    struct cf_jsonw w;

    open_pair(d, "customer");
    cf_jsonw_init(&w, &d->text);
    cf_event_write_customer(&w, &customer);
}

static int64_t score_of(const struct cf_call *call)
{
    const struct cf_order_key *key = &call->home.in_queue.key;
    int64_t since_2020 = key->place > CF_ENGINE_2020_MS ? key->place - CF_ENGINE_2020_MS : 0;

    return call->queue->policy->strict ? key->band * (INT64_C(1) << 42) + since_2020 : key->place;
}

static void dump_call(const struct cf_call *call, struct dump *d, struct cf_engine_object *object)
{
    bool waiting = call->state == CF_CALL_WAITING;

    add_str(d, "state", cf_str_of(states[call->state]));
    add_str(d, "queue", call->queue->o.id);
    if (call->home.queue != call->queue)
        add_str(d, "home", call->home.queue->o.id);
    add_more(d, call);
    if (call->step > 0)
        add_int(d, "step", call->step);
    if (call->hold_until > 0)
        add_int(d, "holdUntil", call->hold_until);
    if (call->caller)
        add_str(d, "caller", call->caller->id);
    if (call->caller && call->answered_by)
        add_str(d, "answeredBy", call->answered_by->o.id);
    add_int(d, "priority", call->priority);
    add_int(d, "enqueuedAt", call->enqueued_at);
    add_int(d, "inQueueSince", call->in_queue_since);
    add_int(d, "arrival", call->arrival);
    if (call->agent)
        add_str(d, "agent", call->agent->o.id);
    if (call->offer_seq > 0) {
        add_int(d, "offerSeq", call->offer_seq);
        add_int(d, "offeredAt", call->offered_at);
    }
    if (call->agent && call->state == CF_CALL_OFFERED) {
        add_int(d, "deadline", call->agent->timer.due);
        add_int(d, "acknowledged", call->acked);
    }
    if (call->state == CF_CALL_CONNECTED) {
        add_int(d, "connectedAt", call->connected_at);
        add_int(d, "due", call->timer.due);
    }
    if (call->hops > 0)
        add_int(d, "overflows", call->hops);
    add_missed(d, call);
    add_skills(d, call->details->skills, false);
    add_prefer(d, call->details);
    add_customer(d, call->details);
    object->due = call->timer.due;
    object->queue_id = waiting ? call->queue->o.id : (struct cf_str){0};
    object->score = waiting ? score_of(call) : 0;
    if (call->saved_queue && (!waiting || call->saved_queue != call->queue))
        object->left_queue_id = call->saved_queue->o.id;
}

static void add_memory(struct dump *d, const struct cf_memory *memory)
{
    add_str(d, "caller", memory->caller->id);
    add_str(d, "queue", memory->queue->o.id);
    add_int(d, "enqueuedAt", memory->enqueued_at);
    add_int(d, "abandoned", memory->abandoned);
    if (memory->agent)
        add_str(d, "agent", memory->agent->o.id);
}

static void dump_tomb(const struct cf_tomb *tomb, struct dump *d, struct cf_engine_object *object)
{
    add_str(d, "state", CF_STR("over"));
    add_int(d, "at", tomb->at);
    add_int(d, "number", tomb->number);
    add_int(d, "queued", tomb->queued);
    add_int(d, "ended", tomb->ended);
    if (!tomb->queued) {
        add_int(d, "endedAt", tomb->memory->ended_at);
        add_int(d, "served", tomb->memory->served);
    }
    if (tomb->memory && tomb->memory->caller)
        add_memory(d, tomb->memory);
    if (tomb->saved_queue)
        object->left_queue_id = tomb->saved_queue->o.id;
}

static void dump_agent(const struct cf_agent *agent, struct dump *d, struct cf_engine_object *object)
{
    add_str(d, "state", cf_str_of(phases[agent->phase]));
    add_int(d, "since", agent->since);
    if (agent->call)
        add_str(d, "call", agent->call->o.id);
    if (agent->timer.due != CF_ENGINE_NO_TIMER)
        add_int(d, "due", agent->timer.due);
    add_int(d, "readySeq", agent->ready_seq);
    add_int(d, "missed", agent->missed);
    add_int(d, "calls", agent->calls);
    add_int(d, "number", agent->number);
    add_str(d, "lastState", cf_str_of(cf_agent_status_name((enum cf_agent_status)agent->last_state)));
    add_int(d, "lastAt", agent->last_at);
    if (agent->profile->team.n > 0)
        add_str(d, "team", agent->profile->team);
    if (agent->name)
        add_str(d, "name", cf_str_of(agent->name));
    add_skills(d, agent->profile->skills, true);
    object->due = agent->timer.due;
}

static bool is_gone(const struct cf_object *item)
{
    return item->kind == CF_ENGINE_QUEUE ? ((const struct cf_queue *)(const void *)item)->removed
                                         : item->deleted;
}

static void dump_item(const struct cf_object *item, struct dump *d, struct cf_engine_object *object)
{
    const void *whole = item;

    object->deleted = is_gone(item);
    if (object->deleted && item->kind == CF_ENGINE_CALL && ((const struct cf_tomb *)whole)->saved_queue)
        object->left_queue_id = ((const struct cf_tomb *)whole)->saved_queue->o.id;
    if (object->deleted)
        return;
    if (item->kind == CF_ENGINE_QUEUE)
        dump_queue(whole, d);
    else if (item->kind == CF_ENGINE_AGENT)
        dump_agent(whole, d, object);
    else if (item->tomb)
        dump_tomb(whole, d, object);
    else
        dump_call(whole, d, object);
}

struct sink {
    const struct cf_engine *engine;
    struct dump d;
    cf_engine_object_fn *fn;
    void *arg;
};

static void give(struct sink *sink, enum cf_engine_kind kind, const struct cf_object *item)
{
    struct cf_engine_object object = {
        .kind = kind, .id = item ? item->id : sink->engine->domain, .due = CF_ENGINE_NO_TIMER};

    cf_buf_clear(&sink->d.text);
    sink->d.n = 0;
    if (kind == CF_ENGINE_META)
        dump_meta(sink->engine, &sink->d);
    else if (kind == CF_ENGINE_POLICY)
        dump_policy(sink->engine, &sink->d);
    else
        dump_item(item, &sink->d, &object);
    finish(&sink->d, &object);
    sink->fn(sink->arg, &object);
}

void cf_engine_dump_changes(const struct cf_engine *engine, cf_engine_object_fn *fn, void *arg)
{
    struct sink sink = {.engine = engine, .fn = fn, .arg = arg};

    cf_buf_init(&sink.d.text, TEXT_LIMIT);
    give(&sink, CF_ENGINE_META, NULL);
    if (engine->policy_changed)
        give(&sink, CF_ENGINE_POLICY, NULL);
    for (size_t i = 0; i < engine->n_changed; i++)
        give(&sink, (enum cf_engine_kind)engine->changed[i]->kind, engine->changed[i]);
    cf_buf_done(&sink.d.text);
}

static void give_all(struct sink *sink, enum cf_engine_kind kind, const struct cf_ids *ids)
{
    void **list = cf_ids_list(ids);
    size_t n = ids->n;

    for (size_t i = 0; i < n; i++) {
        if (!is_gone(list[i]))
            give(sink, kind, list[i]);
    }
    free(list);
}

void cf_engine_dump_all(const struct cf_engine *engine, cf_engine_object_fn *fn, void *arg)
{
    struct sink sink = {.engine = engine, .fn = fn, .arg = arg};

    cf_buf_init(&sink.d.text, TEXT_LIMIT);
    give(&sink, CF_ENGINE_META, NULL);
    give(&sink, CF_ENGINE_POLICY, NULL);
    give_all(&sink, CF_ENGINE_QUEUE, &engine->queues);
    give_all(&sink, CF_ENGINE_CALL, &engine->calls);
    give_all(&sink, CF_ENGINE_AGENT, &engine->agents);
    cf_buf_done(&sink.d.text);
}

/* Each text with its length, so that no two states make the same bytes. */
static void digest_text(EVP_MD_CTX *sha, struct cf_str text)
{
    uint64_t n = text.n;
    uint8_t length[8];

    for (size_t i = 0; i < sizeof(length); i++)
        length[i] = (uint8_t)(n >> (8 * i));
    (void)EVP_DigestUpdate(sha, length, sizeof(length));
    (void)EVP_DigestUpdate(sha, text.p, text.n);
}

static void digest_object(void *arg, const struct cf_engine_object *object)
{
    uint8_t head[2] = {(uint8_t)object->kind, (uint8_t)object->n_pairs};

    (void)EVP_DigestUpdate(arg, head, sizeof(head));
    digest_text(arg, object->id);
    for (size_t i = 0; i < object->n_pairs; i++) {
        digest_text(arg, object->pairs[i].field);
        digest_text(arg, object->pairs[i].value);
    }
}

void cf_engine_digest(const struct cf_engine *engine, uint8_t ret_digest[32])
{
    EVP_MD_CTX *sha = EVP_MD_CTX_new();

    if (!sha || EVP_DigestInit_ex(sha, EVP_sha256(), NULL) != 1)
        abort(); /* out of memory */
    cf_engine_dump_all(engine, digest_object, sha);
    (void)EVP_DigestFinal_ex(sha, ret_digest, NULL);
    EVP_MD_CTX_free(sha);
}
