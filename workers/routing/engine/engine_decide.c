/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions as they go out. */
#include "engine/engine_mutants.h"
#include "engine/engine_priv.h"

/* Of the event contract. */
#define SCREEN_POP_LIMIT 2048

/* A decision without the parts that only some have, in the engine's own memory. */
static struct cf_call_routed *begin(struct cf_engine *engine, struct cf_str what, const struct cf_call *call)
{
    const struct cf_rt_record *record = engine->record;
    struct cf_call_routed *decision = &engine->decision;

    cf_buf_clear(&engine->scratch);
    *decision = (struct cf_call_routed){
        .decision = what,
        .domain = engine->domain,
        .seq = engine->seq + 1,
        .at = engine->at,
        .wait_ms = call ? 0 : -1,
        .priority = -1,
        .deadline = -1,
        .position = -1,
        .estimated_wait_ms = -1,
        .step = -1,
        .hold_until = -1,
    };
    decision->cause.topic = record->cause.topic;
    decision->cause.event_id = record->cause.event_id;
    /* What a timer brings about belongs to no trace: the record only happened to come next. */
    if (!engine->timing)
        decision->cause.traceparent = record->cause.traceparent;
    decision->cause.partition = record->cause.partition;
    decision->cause.offset = record->cause.offset;
    decision->cause.policy_version = engine->policy->version;
    if (!call)
        return decision;
    decision->call_id = call->o.id;
    if (call->step > 0)
        decision->step = call->step;
    decision->queue_id = call->queue->o.id;
    decision->priority = call->priority;
    /* The wait ends when an agent answers. */
    if (call->state == CF_CALL_CONNECTED)
        decision->wait_ms = call->connected_at - call->enqueued_at;
    else if (engine->at > call->enqueued_at)
        decision->wait_ms = engine->at - call->enqueued_at;
    return decision;
}

static void emit(struct cf_engine *engine)
{
    if (CF_MUTANT(GAP) && cf_str_is(engine->decision.decision, "requeued"))
        engine->decision.seq = ++engine->seq + 1;
    engine->seq++;
    engine->fn(engine->arg, &engine->decision);
}

/* Nobody listens while a state is rebuilt from the log: the number moves on, the text is not made. */
static bool silent(struct cf_engine *engine)
{
    if (!engine->fn)
        engine->seq++;
    return !engine->fn;
}

struct cf_str cf_engine_offer_id(struct cf_engine *engine, const struct cf_call *call)
{
    size_t start = engine->scratch.n;

    cf_buf_str(&engine->scratch, engine->domain);
    cf_buf_char(&engine->scratch, '-');
    cf_buf_i64(&engine->scratch, call->offer_seq);
    return (struct cf_str){engine->scratch.p + start, engine->scratch.n - start};
}

void cf_engine_decide(struct cf_engine *engine, struct cf_str what, const struct cf_call *call,
                      const struct cf_agent *agent, struct cf_str reason)
{
    struct cf_call_routed *decision;

    if (silent(engine))
        return;
    decision = begin(engine, what, call);
    decision->reason = reason;
    if (agent)
        decision->agent_id = agent->o.id;
    if (call && call->offer_seq > 0 && (agent || call->agent))
        decision->offer_id = cf_engine_offer_id(engine, call);
    emit(engine);
}

void cf_engine_ignore(struct cf_engine *engine, struct cf_str call_id, struct cf_str agent_id,
                      struct cf_str reason)
{
    struct cf_call_routed *decision;

    if (silent(engine))
        return;
    decision = begin(engine, CF_STR("ignored"), NULL);
    decision->call_id = call_id;
    decision->agent_id = agent_id;
    decision->reason = reason;
    emit(engine);
}

/* Absent when none held: not an empty text, whatever the buffer has seen before. */
static struct cf_str rules_of(const struct cf_engine *engine)
{
    return engine->plan.rules.n > 0 ? cf_buf_view(&engine->plan.rules) : (struct cf_str){0};
}

void cf_engine_decide_past(struct cf_engine *engine, const struct cf_call *call,
                           const struct cf_past_call *past)
{
    struct cf_call_routed *decision;

    if (silent(engine)) {
        engine->seq++;
        return;
    }
    decision = begin(engine, CF_STR("queued"), call);
    decision->reason = past->queued_reason;
    decision->rules = rules_of(engine);
    emit(engine);
    decision = begin(engine, past->served ? CF_STR("ended") : CF_STR("abandoned"), call);
    decision->reason = CF_STR("ended-before-queued");
    decision->wait_ms = past->ended_at > call->enqueued_at ? past->ended_at - call->enqueued_at : 0;
    emit(engine);
}

static struct cf_str also_queues(struct cf_engine *engine, const struct cf_call *call)
{
    size_t start = engine->scratch.n;

    for (size_t i = 0; i < call->n_more; i++) {
        if (i > 0)
            cf_buf_char(&engine->scratch, ',');
        cf_buf_str(&engine->scratch, call->more[i].queue->o.id);
    }
    return call->n_more > 0 ? (struct cf_str){engine->scratch.p + start, engine->scratch.n - start}
                            : (struct cf_str){0};
}

void cf_engine_decide_queued(struct cf_engine *engine, const struct cf_call *call, struct cf_str reason)
{
    struct cf_call_routed *decision;

    if (silent(engine))
        return;
    decision = begin(engine, CF_STR("queued"), call);
    decision->reason = reason;
    decision->position = (CF_MUTANT(MISCOUNT) ? 2 : 1) +
                         (int64_t)cf_order_rank(&call->queue->waiting, &call->home.in_queue.key);
    cf_engine_estimate(call, decision);
    decision->rules = rules_of(engine);
    decision->also_queues = also_queues(engine, call);
    if (call->hold_until > 0)
        decision->hold_until = call->hold_until;
    emit(engine);
}

static bool is_unreserved(char c)
{
    /* One bit per ASCII character: - . 0-9 A-Z _ a-z ~ */
    static const uint64_t set[2] = {0x03ff600000000000, 0x47fffffe87fffffe};
    unsigned char u = (unsigned char)c;

    return u < 128 && (set[u >> 6] >> (u & 63) & 1);
}

/* RFC 3986: what is not unreserved is escaped, so no id can change the meaning of the address. */
static void add_escaped(struct cf_buf *buf, struct cf_str text)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t plain = 0;

    while (plain < text.n && is_unreserved(text.p[plain]))
        plain++;
    cf_buf_add(buf, text.p, plain);
    for (size_t i = plain; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        char escaped[3] = {'%', hex[c >> 4], hex[c & 15]};

        if (is_unreserved(text.p[i]))
            cf_buf_char(buf, text.p[i]);
        else
            cf_buf_add(buf, escaped, sizeof(escaped));
    }
}

static struct cf_str make_url(struct cf_engine *engine, struct cf_str object, struct cf_str id)
{
    const struct cf_policy *policy = engine->policy;
    struct cf_buf *buf = &engine->scratch;
    size_t start = buf->n;

    for (size_t i = 0; i < policy->screen_pop.n_parts; i++) {
        const struct cf_url_part *part = &policy->screen_pop.parts[i];

        if (part->kind == CF_URL_ID)
            add_escaped(buf, id);
        else
            cf_buf_str(buf, part->kind == CF_URL_OBJECT ? object : part->text);
    }
    if (buf->full || buf->n - start > SCREEN_POP_LIMIT)
        return (struct cf_str){0};
    return (struct cf_str){buf->p + start, buf->n - start};
}

/* The policy's object when the customer has one; else account, then contact, then nothing. */
static void add_screen_pop(struct cf_engine *engine, const struct cf_details *details,
                           struct cf_call_routed *decision)
{
    struct cf_str object = engine->policy->screen_pop.object;
    struct cf_str id = {0}, label = {0};

    if (cf_str_is(object, "Case") && details->n_cases > 0) {
        id = details->cases[0].id;
        label = details->cases[0].number;
    } else if (details->contact.id.p && (cf_str_is(object, "Contact") || !details->account.id.p)) {
        object = CF_STR("Contact");
        id = details->contact.id;
        label = details->contact.name;
    } else {
        object = CF_STR("Account");
        id = details->account.id;
        label = details->account.name;
    }
    if (!id.p)
        return;
    decision->screen_pop.url = make_url(engine, object, id);
    if (!decision->screen_pop.url.p)
        return;
    decision->screen_pop.object = object;
    decision->screen_pop.id = id;
    decision->screen_pop.label = label;
}

void cf_engine_decide_offer(struct cf_engine *engine, struct cf_str what, const struct cf_call *call,
                            struct cf_str reason)
{
    const struct cf_details *details = call->details;
    struct cf_call_routed *decision;

    if (silent(engine))
        return;
    decision = begin(engine, what, call);
    decision->reason = reason;
    decision->agent_id = call->agent->o.id;
    if (call->state == CF_CALL_OFFERED)
        decision->deadline = call->agent->timer.due;
    decision->offer_id = cf_engine_offer_id(engine, call);
    add_screen_pop(engine, details, decision);
    if (details->n_cases > 0)
        decision->call_case = details->cases[0];
    decision->cases = details->cases;
    decision->n_cases = details->n_cases;
    emit(engine);
}
