/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_stream - random records with a seed: doubled, late, contradictory, in any order; time jumps.
 *
 * The records own their texts, so that a stream can be played again. Answers to offers are taken from a model
 * that saw the decisions so far: mostly the right offer, now and then an old one. A fuzzer gives the bytes
 * that stand for chance.
 */
#ifndef CF_TESTS_ENGINE_STREAM_H
#define CF_TESTS_ENGINE_STREAM_H

#include "unit/workers/routing/engine_model.h"

enum { STREAM_RECORDS = 90 };

struct stream_item {
    struct cf_rt_record record;
    struct cf_call_queued queued;
    struct cf_call_ended ended;
    struct cf_agent_state agent;
    struct cf_skill skill;
    struct cf_case one_case;
    char call_id[8], agent_id[8], owner_id[8], contact_id[8], offer_id[MODEL_TEXT];
};

struct stream {
    uint64_t random;
    const uint8_t *bytes; /* not NULL: chance comes from here */
    size_t n_bytes;
    int64_t t;
    struct stream_item items[STREAM_RECORDS];
    size_t n;
    char old_offer[MODEL_AGENTS][MODEL_TEXT];
    char newer_policy[MODEL_POLICY_TEXT];
};

static inline uint32_t stream_random(struct stream *s, uint32_t below)
{
    if (s->bytes) {
        uint32_t value = s->n_bytes > 0 ? s->bytes[0] : 0;

        if (below > 256 && s->n_bytes > 1)
            value |= (uint32_t)s->bytes[1] << 8;
        s->bytes += s->n_bytes > 1 ? 1U + (below > 256) : s->n_bytes;
        s->n_bytes -= s->n_bytes > 1 ? 1U + (below > 256) : s->n_bytes;
        return value % below;
    }
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return (uint32_t)((s->random >> 20) % below);
}

static inline void stream_queue(struct stream *s, struct stream_item *item)
{
    static const char *const queues[] = {"support", "sales", "vip", "nowhere"};
    static const char *const languages[] = {NULL, "de", "fr-CH", "it"};
    int call = (int)stream_random(s, MODEL_CALLS);

    (void)snprintf(item->call_id, sizeof(item->call_id), "c%d", call);
    item->record.kind = CF_RT_CALL_QUEUED;
    item->record.u.call_queued = &item->queued;
    item->skill = (struct cf_skill){.name = CF_STR("s"), .type = CF_JSON_BOOL, .number = 1};
    item->queued.call_id = cf_str_of(item->call_id);
    item->queued.queued_at = s->t - 500 * (int64_t)stream_random(s, 5);
    item->queued.customer.match_count = -1;
    item->queued.has_request = true;
    item->queued.request.queue_id = cf_str_of(queues[stream_random(s, 4)]);
    item->queued.request.priority = (int64_t)stream_random(s, 11);
    item->queued.request.skills = &item->skill;
    item->queued.request.n_skills = model_needs_skill(call);
    if (stream_random(s, 2))
        item->queued.customer.account =
            (struct cf_account){.id = CF_STR("001x"), .name = CF_STR("Acme \"&\" Söhne")};
    item->one_case = (struct cf_case){.id = CF_STR("500x"), .number = CF_STR("0001")};
    item->queued.customer.cases = &item->one_case;
    item->queued.customer.n_cases = stream_random(s, 2);
    item->queued.language = cf_str_of(languages[stream_random(s, 4)]);
    (void)snprintf(item->owner_id, sizeof(item->owner_id), "a%u", stream_random(s, MODEL_AGENTS));
    item->one_case.owner_id = cf_str_of(item->owner_id);
    (void)snprintf(item->contact_id, sizeof(item->contact_id), "k%u", stream_random(s, 6));
    if (stream_random(s, 2))
        item->queued.customer.contact.id = cf_str_of(item->contact_id);
}

static inline void stream_agent(struct stream *s, struct stream_item *item, const struct model *m)
{
    int agent = (int)stream_random(s, MODEL_AGENTS), held = m->held[agent];
    uint32_t what = stream_random(s, 10);

    (void)snprintf(item->agent_id, sizeof(item->agent_id), "a%d", agent);
    item->record.kind = CF_RT_AGENT_STATE;
    item->record.u.agent_state = &item->agent;
    item->skill = (struct cf_skill){.name = CF_STR("s"), .type = CF_JSON_INT, .number = model_level(agent)};
    item->agent.agent_id = cf_str_of(item->agent_id);
    item->agent.at = s->t - (stream_random(s, 12) == 0 ? (int64_t)stream_random(s, 5000) : 0);
    item->agent.state =
        what < 4 ? CF_AGENT_AVAILABLE : (enum cf_agent_status)stream_random(s, CF_AGENT_OTHER + 1);
    item->agent.has_skills = true;
    item->agent.skills = &item->skill;
    item->agent.n_skills = model_has_skill(agent);
    item->agent.team_id = model_has_team(agent) ? CF_STR("hunters") : CF_STR("others");
    /* Whoever is offered a call mostly answers it. */
    if (held >= 0 && what >= 3)
        item->agent.state = what < 8 ? CF_AGENT_CONNECTED : CF_AGENT_RINGING;
    if (held >= 0 && stream_random(s, 3))
        (void)cf_str_copy(item->offer_id, MODEL_TEXT, cf_str_of(m->calls[held].offer_id));
    else if (stream_random(s, 8) == 0)
        (void)cf_str_copy(item->offer_id, MODEL_TEXT, cf_str_of(s->old_offer[agent]));
    if (held >= 0)
        (void)cf_str_copy(s->old_offer[agent], MODEL_TEXT, cf_str_of(m->calls[held].offer_id));
    item->agent.offer_id = cf_str_of(item->offer_id[0] ? item->offer_id : NULL);
    if (stream_random(s, 4) == 0) {
        (void)snprintf(item->call_id, sizeof(item->call_id), "c%u", stream_random(s, MODEL_CALLS));
        item->agent.call_id = cf_str_of(item->call_id);
    }
}

static inline void stream_end(struct stream *s, struct stream_item *item)
{
    (void)snprintf(item->call_id, sizeof(item->call_id), "c%u", stream_random(s, MODEL_CALLS));
    item->record.kind = CF_RT_CALL_ENDED;
    item->record.u.call_ended = &item->ended;
    item->ended = (struct cf_call_ended){.call_id = cf_str_of(item->call_id),
                                         .ended_at = s->t,
                                         .talk_ms = -1,
                                         .hold_ms = -1,
                                         .queue_ms = -1,
                                         .started_at = INT64_MIN};
}

/* The next record; play it before asking for another. */
static inline const struct cf_rt_record *stream_next(struct stream *s, const struct model *m)
{
    struct stream_item *item = &s->items[s->n];
    uint32_t what = stream_random(s, 100);

    /* Half seconds, so that times are often equal and ties must be broken. */
    s->t += 500 * (int64_t)(stream_random(s, 30) == 0 ? stream_random(s, 200) : stream_random(s, 4));
    *item = (struct stream_item){.record = {.domain = CF_STR("default"), .t = s->t, .offset = (int64_t)s->n}};
    item->record.cause.topic = CF_STR("topic");
    item->record.cause.event_id = CF_STR("event");
    item->record.cause.offset = (int64_t)s->n;
    if (stream_random(s, 25) == 0)
        item->record.t -= 4000;
    if (what < 32) {
        stream_queue(s, item);
    } else if (what < 80) {
        stream_agent(s, item, m);
    } else if (what < 92) {
        stream_end(s, item);
    } else if (what < 98) {
        item->record.kind = CF_RT_TICK;
    } else {
        bool broken = stream_random(s, 3) == 0;

        item->record.kind = CF_RT_POLICY;
        item->record.u.policy.version = 2;
        item->record.u.policy.text = cf_str_of(broken ? "{\"version\":2}" : s->newer_policy);
    }
    s->n++;
    return &item->record;
}

static inline void stream_init(struct stream *s, uint64_t seed, unsigned variant)
{
    *s = (struct stream){.random = seed * 0x9e3779b97f4a7c15ULL + 1, .t = 1700000000000};
    model_policy(variant, 2, s->newer_policy);
    for (int i = 0; i < 8; i++)
        (void)stream_random(s, 2);
}

#endif
