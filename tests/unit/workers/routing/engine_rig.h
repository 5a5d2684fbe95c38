/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_rig - plays scenarios written as text: one line is one record, what comes out is one line per
 * decision.
 *
 *   T queue CALL [in=QUEUE] [at=ENTRY] [prio=N] [agent=ID] [tier=X] [case=PRIORITY] [owner=ID] [lang=X]
 *                [need=SKILL[:LEVEL|:TEXT]]... [queued=MS]
 *   T end CALL
 *   T agent ID STATE [call=ID] [offer=ID] [team=ID] [skill=NAME[:LEVEL|:TEXT]]... [when=MS]
 *   T tick
 * T is wall ms; an agent-state happens at T unless `when` says otherwise.
 * Decisions: "DECISION CALL AGENT REASON", a hyphen for what is absent.
 */
#ifndef CF_TESTS_ENGINE_RIG_H
#define CF_TESTS_ENGINE_RIG_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "arena/arena.h"
#include "engine/engine.h"

enum { RIG_MAX_LINES = 16 };

struct rig {
    struct cf_engine *engine;
    struct cf_buf out;
    int64_t offset;
    struct cf_call_routed last; /* its texts are gone: only numbers may be read */
    char offer_id[160];         /* of the last offered */
    char estimator[32];         /* of the last queued */
    char url[512];              /* of the last offered or connected */
};

static inline struct cf_policy *rig_policy(const char *text)
{
    struct cf_err err;
    struct cf_policy *policy = cf_policy_parse(cf_str_of(text), &err);

    if (!policy) {
        (void)fprintf(stderr, "%s\n", err.text);
        abort();
    }
    return policy;
}

static inline void rig_init(struct rig *rig, const char *policy_text)
{
    struct cf_policy *policy = policy_text ? rig_policy(policy_text) : NULL;

    *rig = (struct rig){.engine = cf_engine_new(CF_STR("default"), policy)};
    cf_policy_unref(policy);
    cf_buf_init(&rig->out, 1 << 20);
}

static inline void rig_done(struct rig *rig)
{
    cf_engine_free(rig->engine);
    cf_buf_done(&rig->out);
}

static inline void rig_decide(void *arg, const struct cf_call_routed *d)
{
    struct rig *rig = arg;
    struct cf_str dash = CF_STR("-");
    struct cf_str call = d->call_id.p ? d->call_id : dash, agent = d->agent_id.p ? d->agent_id : dash;

    cf_buf_printf(&rig->out, "%.*s %.*s %.*s %.*s\n", CF_STR_FMT(d->decision), CF_STR_FMT(call),
                  CF_STR_FMT(agent), CF_STR_FMT(d->reason));
    rig->last = *d;
    if (cf_str_is(d->decision, "offered"))
        (void)cf_str_copy(rig->offer_id, sizeof(rig->offer_id), d->offer_id);
    if (cf_str_is(d->decision, "queued"))
        (void)cf_str_copy(rig->estimator, sizeof(rig->estimator), d->estimator);
    if (d->screen_pop.url.p)
        (void)cf_str_copy(rig->url, sizeof(rig->url), d->screen_pop.url);
}

static inline struct cf_str rig_word(struct cf_str *line)
{
    struct cf_str rest = cf_str_trim(*line);
    size_t n = 0;

    while (n < rest.n && rest.p[n] != ' ')
        n++;
    *line = (struct cf_str){rest.p + n, rest.n - n};
    return (struct cf_str){rest.p, n};
}

static inline int64_t rig_number(struct cf_str text)
{
    uint64_t value;

    if (!cf_str_u64(text, &value))
        abort();
    return (int64_t)value;
}

/* "name", "name:7" or "name:text" */
static inline struct cf_skill rig_skill(struct cf_str text)
{
    const char *colon = memchr(text.p, ':', text.n);
    struct cf_skill skill = {.name = text, .type = CF_JSON_BOOL, .number = 1};
    struct cf_str value;
    uint64_t level;

    if (!colon)
        return skill;
    skill.name.n = (size_t)(colon - text.p);
    value = (struct cf_str){colon + 1, text.n - skill.name.n - 1};
    skill.type = cf_str_u64(value, &level) ? CF_JSON_INT : CF_JSON_STRING;
    if (skill.type == CF_JSON_INT)
        skill.number = (double)level;
    else
        skill.text = value;
    return skill;
}

/* What a line says, ready to be put into a record. */
struct rig_line {
    struct cf_call_queued queued;
    struct cf_call_ended ended;
    struct cf_agent_state agent;
    struct cf_case one_case;
    struct cf_skill skills[CF_ENGINE_MAX_SKILLS];
    size_t n_skills;
};

static inline void rig_option(struct rig_line *l, struct cf_str word)
{
    const char *equals = memchr(word.p, '=', word.n);
    struct cf_str key = {word.p, equals ? (size_t)(equals - word.p) : 0};
    struct cf_str value = {word.p + key.n + 1, word.n - key.n - 1};

    if (cf_str_is(key, "in"))
        l->queued.request.queue_id = value;
    else if (cf_str_is(key, "at"))
        l->queued.entry_point_id = value;
    else if (cf_str_is(key, "prio"))
        l->queued.request.priority = rig_number(value);
    else if (cf_str_is(key, "agent"))
        l->queued.request.agent_id = value;
    else if (cf_str_is(key, "tier"))
        l->queued.customer.account.tier = value;
    else if (cf_str_is(key, "contact"))
        l->queued.customer.contact.id = value;
    else if (cf_str_is(key, "lang"))
        l->queued.language = value;
    else if (cf_str_is(key, "queued"))
        l->queued.queued_at = rig_number(value);
    else if (cf_str_is(key, "case"))
        l->one_case.priority = value;
    else if (cf_str_is(key, "owner"))
        l->one_case.owner_id = value;
    else if (cf_str_is(key, "call"))
        l->agent.call_id = value;
    else if (cf_str_is(key, "offer"))
        l->agent.offer_id = value;
    else if (cf_str_is(key, "team"))
        l->agent.team_id = value;
    else if (cf_str_is(key, "when"))
        l->agent.at = rig_number(value);
    else if (cf_str_is(key, "need") || cf_str_is(key, "skill"))
        l->skills[l->n_skills++] = rig_skill(value);
    else
        abort();
}

static inline enum cf_agent_status rig_status(struct cf_str name)
{
    enum cf_agent_status status = CF_AGENT_OFFLINE;

    while (status < CF_AGENT_OTHER && !cf_str_is(name, cf_agent_status_name(status)))
        status = (enum cf_agent_status)(status + 1);
    return status;
}

static inline void rig_step(struct rig *rig, struct cf_rt_record *record)
{
    record->offset = rig->offset++;
    record->domain = CF_STR("default");
    record->cause.topic = CF_STR("t");
    record->cause.event_id = CF_STR("e");
    cf_engine_step(rig->engine, record, rig_decide, rig);
}

/* Plays one line. */
static inline void rig_play(struct rig *rig, const char *text)
{
    struct cf_str line = cf_str_of(text);
    struct rig_line l = {.one_case = {.number = CF_STR("00001")}};
    struct cf_rt_record record = {.t = rig_number(rig_word(&line))};
    struct cf_str verb = rig_word(&line), id = rig_word(&line);

    if (cf_str_is(verb, "agent"))
        l.agent =
            (struct cf_agent_state){.agent_id = id, .state = rig_status(rig_word(&line)), .at = record.t};
    l.queued.call_id = id;
    l.queued.queued_at = record.t;
    l.ended.call_id = id;
    while (cf_str_trim(line).n > 0)
        rig_option(&l, rig_word(&line));
    l.queued.has_request = true;
    l.queued.request.skills = l.skills;
    l.queued.request.n_skills = l.n_skills;
    l.queued.customer.account.id = l.queued.customer.account.tier.p ? CF_STR("001A") : (struct cf_str){0};
    if (l.one_case.priority.p || l.one_case.owner_id.p) {
        l.one_case.id = CF_STR("500C");
        l.queued.customer.cases = &l.one_case;
        l.queued.customer.n_cases = 1;
    }
    l.agent.skills = l.skills;
    l.agent.n_skills = l.n_skills;
    l.agent.has_skills = l.n_skills > 0;
    if (cf_str_is(verb, "queue")) {
        record.kind = CF_RT_CALL_QUEUED;
        record.u.call_queued = &l.queued;
    } else if (cf_str_is(verb, "end")) {
        record.kind = CF_RT_CALL_ENDED;
        record.u.call_ended = &l.ended;
    } else if (cf_str_is(verb, "agent")) {
        record.kind = CF_RT_AGENT_STATE;
        record.u.agent_state = &l.agent;
    } else {
        record.kind = CF_RT_TICK;
    }
    rig_step(rig, &record);
}

/* Lines in, decisions out. */
struct rig_scenario {
    const char *name, *policy;
    const char *lines[RIG_MAX_LINES];
    const char *decisions;
};

static inline void rig_check(const struct rig_scenario *s)
{
    struct rig rig;
    struct cf_str got;

    rig_init(&rig, s->policy);
    for (size_t i = 0; i < RIG_MAX_LINES && s->lines[i]; i++)
        rig_play(&rig, s->lines[i]);
    cf_buf_char(&rig.out, '\0');
    got = cf_buf_view(&rig.out);
    ck_assert_msg(strcmp(got.p, s->decisions) == 0, "%s:\n-- wanted\n%s-- got\n%s", s->name, s->decisions,
                  got.p);
    rig_done(&rig);
}

#endif
