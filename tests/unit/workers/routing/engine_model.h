/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_model - checks decisions against a model that knows nothing of the engine's structures.
 *
 * It reads decisions only, and who may take which call from the ids (model_fits). Checked, by the names of
 * the routing invariants: I1 an agent is held by one call, I2 a call is offered to one agent, I3 each call
 * ends once, I6 an agent is released once per offer, I7 the best call first, I9 nobody waits while somebody
 * fits, I10 no offer outlives its deadline, I11 the age is kept, I12 not again to who missed it while another
 * is free, I13 nothing happens to a call that is over. Slow and simple: every check looks at everything.
 */
#ifndef CF_TESTS_ENGINE_MODEL_H
#define CF_TESTS_ENGINE_MODEL_H

#include <stdio.h>

#include "engine/engine.h"

enum { MODEL_CALLS = 40, MODEL_AGENTS = 12, MODEL_TEXT = 160 };
enum model_call_state { M_NEW, M_WAITING, M_OFFERED, M_CONNECTED, M_OVER };

/* Two policies over the same queues; the second one is all strict. */
#define MODEL_QUEUES(order, credit)                                                                          \
    "\"defaults\":{\"maxWaitMs\":60000,\"offerMs\":9000,\"wrapUpMs\":3000,\"maxMissed\":2,"                  \
    "\"order\":\"" order "\",\"creditMs\":" credit "},\"queues\":[{\"id\":\"support\"},"                     \
    "{\"id\":\"sales\",\"teams\":\"hunters\",\"overflow\":{\"queue\":\"support\"}},"                         \
    "{\"id\":\"vip\",\"order\":\"strict\",\"overflow\":{\"queue\":\"sales\"}}]}"
#define MODEL_POLICY_1 "{\"version\":1," MODEL_QUEUES("credit", "7000")
#define MODEL_POLICY_2 "{\"version\":2," MODEL_QUEUES("strict", "0")

/* The same with everything else a policy can say; %d version, %s order, %d credit, and three choices. */
#define MODEL_RICH                                                                                           \
    "{\"version\":%d,\"hours\":{\"h\":{\"zone\":\"CET-1CEST,M3.5.0,M10.5.0/3\","                             \
    "\"week\":{\"tue\":\"08:00-23:14\"}}},"                                                                  \
    "\"defaults\":{\"maxWaitMs\":60000,\"offerMs\":9000,\"wrapUpMs\":3000,\"maxMissed\":2,"                  \
    "\"order\":\"%s\",\"creditMs\":%d,\"noAnswerDelayMs\":2000,\"resumeMs\":20000},\"queues\":["             \
    "{\"id\":\"support\",\"choice\":\"%s\",\"rejectDelayMs\":1500,\"maxCalls\":5,"                           \
    "\"steps\":[{\"afterMs\":8000,\"drop\":\"s\"}],\"onFull\":{\"queue\":\"vip\"}},"                         \
    "{\"id\":\"sales\",\"choice\":\"%s\",\"teams\":\"hunters\",\"overflow\":{\"queue\":\"support\"},"        \
    "\"noAgentMs\":0,\"busyDelayMs\":2500,\"estimate\":\"last-wait\","                                       \
    "\"steps\":[{\"afterMs\":3000,\"drop\":\"s\"},{\"afterMs\":5000,\"teams\":\"others\"}]},"                \
    "{\"id\":\"vip\",\"choice\":\"%s\",\"order\":\"strict\",\"overflow\":{\"queue\":\"sales\"},"             \
    "\"noAgentMs\":12000,\"onNoAgent\":\"end\",\"hours\":\"h\"}],"                                           \
    "\"rules\":[{\"id\":\"both\",\"when\":{\"language\":\"de\"},\"then\":{\"queue\":[\"sales\",\"vip\"]}},"  \
    "{\"when\":{\"language\":\"fr\"},\"then\":{\"prefer\":\"case-owner\",\"preferHoldMs\":6000}},"           \
    "{\"when\":{\"repeatWithinMs\":15000},\"then\":{\"priority\":1,\"prefer\":\"last-agent\"}}]}"

enum { MODEL_VARIANTS = 8, MODEL_POLICY_TEXT = 2048 };

/* Variant 0 is the simple policy; the others differ in how agents are chosen. */
static inline void model_policy(unsigned variant, int version, char ret_text[MODEL_POLICY_TEXT])
{
    static const char *const choices[] = {"longest-available", "best-skill", "fewest-calls", "circular",
                                          "linear"};

    if (variant == 0)
        (void)snprintf(ret_text, MODEL_POLICY_TEXT, "%s", version == 1 ? MODEL_POLICY_1 : MODEL_POLICY_2);
    else
        (void)snprintf(ret_text, MODEL_POLICY_TEXT, MODEL_RICH, version, version == 1 ? "credit" : "strict",
                       version == 1 ? 7000 : 0, choices[variant % 5], choices[(variant + 1) % 5],
                       choices[(variant + 3) % 5]);
}

struct model_call {
    enum model_call_state state;
    int agent; /* -1: none */
    int64_t enqueued_at, priority, arrival, deadline, step, hold_until;
    char queue[16], also[16], offer_id[MODEL_TEXT]; /* also: one more queue at most */
    bool missed[MODEL_AGENTS];
};

struct model {
    struct model_call calls[MODEL_CALLS];
    int held[MODEL_AGENTS]; /* call, -1: none */
    bool available[MODEL_AGENTS];
    int64_t ready_seq[MODEL_AGENTS], n_calls[MODEL_AGENTS],
        number[MODEL_AGENTS]; /* number -1: not known yet */
    int64_t n_known, ring[3]; /* by queue: number */
    int64_t seq, at, policy_version;
    char error[512]; /* of the first violation */
};

static inline int model_number(struct cf_str id)
{
    int n = 0;

    for (size_t i = 1; i < id.n; i++)
        n = n * 10 + (id.p[i] - '0');
    return id.p ? n : -1;
}

static inline bool model_needs_skill(int call)
{
    return call % 3 == 1;
}
static inline bool model_has_skill(int agent)
{
    return agent % 2 == 0;
}
static inline bool model_has_team(int agent)
{
    return agent % 3 == 0;
}

/* The level of skill "s". */
static inline int model_level(int agent)
{
    return model_has_skill(agent) ? 1 + agent % 5 : 0;
}

static inline int model_queue_index(const char *queue)
{
    return strcmp(queue, "support") == 0 ? 0 : strcmp(queue, "sales") == 0 ? 1 : 2;
}

/* Whether the call still asks for the skill in that queue. Only at home there are steps. */
static inline bool model_asks_skill(const struct model *m, int call, const char *queue)
{
    const struct model_call *c = &m->calls[call];

    return model_needs_skill(call) && !(strcmp(queue, c->queue) == 0 && c->step >= 1);
}

static inline bool model_fits_in(const struct model *m, int call, int agent, const char *queue)
{
    const struct model_call *c = &m->calls[call];
    bool wide = strcmp(queue, c->queue) == 0 && c->step >= 2;

    return queue[0] && (!model_asks_skill(m, call, queue) || model_has_skill(agent)) &&
           (strcmp(queue, "sales") != 0 || model_has_team(agent) || wide);
}

static inline bool model_fits(const struct model *m, int call, int agent)
{
    return model_fits_in(m, call, agent, m->calls[call].queue) ||
           model_fits_in(m, call, agent, m->calls[call].also);
}

/* Waiting, and not for a preferred agent only. */
static inline bool model_waits(const struct model *m, int call)
{
    return m->calls[call].state == M_WAITING && m->calls[call].hold_until < 0;
}

struct model_key {
    int64_t band, place, arrival;
};

static inline bool model_key_before(struct model_key a, struct model_key b)
{
    if (a.band != b.band)
        return a.band < b.band;
    return a.place != b.place ? a.place < b.place : a.arrival < b.arrival;
}

static inline struct model_key model_key(const struct model *m, int call, const char *queue)
{
    const struct model_call *c = &m->calls[call];
    bool strict = m->policy_version == 2 || strcmp(queue, "vip") == 0;

    return (struct model_key){strict ? c->priority : 11,
                              c->enqueued_at - (strict ? 0 : (5 - c->priority) * 7000), c->arrival};
}

/* Where the call stands for that agent: the best of the queues through which he could get it. */
static inline struct model_key model_best_key(const struct model *m, int call, int agent)
{
    const struct model_call *c = &m->calls[call];
    bool home = model_fits_in(m, call, agent, c->queue), also = model_fits_in(m, call, agent, c->also);
    struct model_key at_home = model_key(m, call, c->queue), there = model_key(m, call, c->also);

    return home && (!also || model_key_before(at_home, there)) ? at_home : there;
}

/* Whether call a stands before call b for that agent. */
static inline bool model_before(const struct model *m, int a, int b, int agent)
{
    return model_key_before(model_best_key(m, a, agent), model_best_key(m, b, agent));
}

static inline void model_fail(struct model *m, const struct cf_call_routed *d, const char *what)
{
    char decision[32], reason[32];

    (void)cf_str_copy(decision, sizeof(decision), d->decision);
    (void)cf_str_copy(reason, sizeof(reason), d->reason);
    if (!m->error[0])
        (void)snprintf(m->error, sizeof(m->error), "%s: decision %lld, %s call %d agent %d (%s)", what,
                       (long long)d->seq, decision, model_number(d->call_id), model_number(d->agent_id),
                       reason);
}

static inline void model_release(struct model *m, const struct cf_call_routed *d, int call, int agent)
{
    if (agent < 0 || m->held[agent] != call || m->calls[call].agent != agent) {
        model_fail(m, d, "I6: released an agent that was not held by the call");
        return;
    }
    m->held[agent] = -1;
    m->calls[call].agent = -1;
}

/* How far agent x is behind the last one of the queue's circle. */
static inline int64_t model_around(const struct model *m, int queue, int x)
{
    int64_t last = m->ring[queue];

    return m->number[x] > last ? m->number[x] - last : m->number[x] - last + 1000;
}

/* Whether agent x should have been chosen before agent y. */
static inline bool model_better(const struct model *m, const struct cf_call_routed *d, int call, int x, int y)
{
    char queue[16];

    (void)cf_str_copy(queue, sizeof(queue), d->queue_id);
    if (cf_str_is(d->reason, "circular"))
        return model_around(m, model_queue_index(queue), x) < model_around(m, model_queue_index(queue), y);
    if (cf_str_is(d->reason, "linear"))
        return m->number[x] < m->number[y];
    if (cf_str_is(d->reason, "fewest-calls") && m->n_calls[x] != m->n_calls[y])
        return m->n_calls[x] < m->n_calls[y];
    if (cf_str_is(d->reason, "best-skill") && model_asks_skill(m, call, queue) &&
        model_level(x) != model_level(y))
        return model_level(x) > model_level(y);
    return m->ready_seq[x] < m->ready_seq[y];
}

static inline void model_check_choice(struct model *m, const struct cf_call_routed *d, int call, int agent)
{
    const struct model_call *c = &m->calls[call];
    char queue[16];

    (void)cf_str_copy(queue, sizeof(queue), d->queue_id);
    if (!model_fits_in(m, call, agent, queue))
        model_fail(m, d, "the agent does not fit");
    for (int i = 0; i < MODEL_AGENTS; i++) {
        if (i == agent || !m->available[i] || c->missed[i])
            continue;
        if (c->missed[agent] && model_fits(m, call, i))
            model_fail(m, d, "I12: offered to who missed it");
        if (!c->missed[agent] && model_fits_in(m, call, i, queue) && model_better(m, d, call, i, agent))
            model_fail(m, d, "the choice: another agent comes first");
    }
}

static inline void model_offered(struct model *m, const struct cf_call_routed *d, int call, int agent)
{
    struct model_call *c = &m->calls[call];
    bool chosen = !cf_str_is(d->reason, "next-call") && !cf_str_is(d->reason, "preferred-agent");
    char queue[16];

    (void)cf_str_copy(queue, sizeof(queue), d->queue_id);
    if (c->state != M_WAITING)
        model_fail(m, d, c->state == M_OVER ? "I13: offered a call that is over" : "I2: offered twice");
    if (agent < 0 || m->held[agent] >= 0)
        model_fail(m, d, "I1: the agent is held already");
    if (!model_fits(m, call, agent))
        model_fail(m, d, "the agent does not fit");
    if (c->hold_until >= 0 && !cf_str_is(d->reason, "preferred-agent"))
        model_fail(m, d, "the call waits for another agent");
    for (int i = 0; i < MODEL_CALLS && !chosen; i++) {
        if (i != call && model_waits(m, i) && model_fits(m, i, agent) && model_before(m, i, call, agent))
            model_fail(m, d, "I7: a better call waits");
    }
    if (chosen)
        model_check_choice(m, d, call, agent);
    m->ring[model_queue_index(queue)] = m->number[agent];
    c->state = M_OFFERED;
    c->agent = agent;
    c->deadline = d->deadline;
    c->hold_until = -1;
    (void)cf_str_copy(c->offer_id, sizeof(c->offer_id), d->offer_id);
    m->held[agent] = call;
    m->available[agent] = false;
}

static inline void model_queued(struct model *m, const struct cf_call_routed *d, int call)
{
    struct model_call *c = &m->calls[call];

    if (c->state != M_NEW)
        model_fail(m, d, "I5: queued twice");
    c->state = M_WAITING;
    c->enqueued_at = d->at - d->wait_ms;
    c->priority = d->priority;
    c->arrival = d->seq;
    c->hold_until = d->hold_until;
    (void)cf_str_copy(c->queue, sizeof(c->queue), d->queue_id);
    (void)cf_str_copy(c->also, sizeof(c->also), d->also_queues);
}

/* A step of the requirements, or the end of a hold. */
static inline void model_relaxed(struct model *m, const struct cf_call_routed *d, int call)
{
    struct model_call *c = &m->calls[call];

    if (c->state != M_WAITING)
        model_fail(m, d, "relaxed while not waiting");
    if (!cf_str_is(d->reason, "step")) {
        if (c->hold_until < 0)
            model_fail(m, d, "a hold ends that was not");
        c->hold_until = -1;
        return;
    }
    if (d->step != c->step + 1 || c->hold_until >= 0)
        model_fail(m, d, "a step is left out");
    c->step = d->step;
}

static inline void model_connected(struct model *m, const struct cf_call_routed *d, int call, int agent)
{
    struct model_call *c = &m->calls[call];

    if (c->state != M_OFFERED || agent < 0 || m->held[agent] != call)
        model_fail(m, d, "I2: connected without an offer");
    if (!cf_str_is(d->offer_id, c->offer_id))
        model_fail(m, d, "I2: connected by another offer");
    c->state = M_CONNECTED;
    m->n_calls[agent]++;
    (void)memset(c->missed, 0, sizeof(c->missed));
}

static inline void model_over(struct model *m, const struct cf_call_routed *d, int call, int agent)
{
    struct model_call *c = &m->calls[call];
    bool ended = cf_str_is(d->decision, "ended");

    if (c->state == M_NEW || c->state == M_OVER)
        model_fail(m, d, "I3: ended twice, or before it began");
    if (ended ? c->state == M_OFFERED : c->state == M_CONNECTED)
        model_fail(m, d, "I3: the wrong end");
    if (c->agent >= 0)
        model_release(m, d, call, agent);
    c->state = M_OVER;
}

static inline void model_call(struct model *m, const struct cf_call_routed *d, int call, int agent)
{
    struct model_call *c = &m->calls[call];

    if (c->state != M_NEW && c->state != M_CONNECTED && !cf_str_is(d->decision, "ended") &&
        !cf_str_is(d->reason, "ended-before-queued") && d->at - d->wait_ms != c->enqueued_at)
        model_fail(m, d, "I11: the age is not kept");
    if (cf_str_is(d->decision, "queued")) {
        model_queued(m, d, call);
    } else if (cf_str_is(d->decision, "offered")) {
        model_offered(m, d, call, agent);
    } else if (cf_str_is(d->decision, "connected")) {
        model_connected(m, d, call, agent);
    } else if (cf_str_is(d->decision, "requeued")) {
        if (c->state != M_OFFERED)
            model_fail(m, d, "requeued without an offer");
        model_release(m, d, call, agent);
        c->state = M_WAITING;
        c->missed[agent] = true;
    } else if (cf_str_is(d->decision, "overflowed")) {
        if (c->state != M_WAITING)
            model_fail(m, d, "overflowed while not waiting");
        /* Only a queue that the policy gave up leaves the others as they are, and there is none here. */
        c->step = 0;
        c->hold_until = -1;
        c->also[0] = '\0';
        (void)cf_str_copy(c->queue, sizeof(c->queue), d->queue_id);
    } else if (cf_str_is(d->decision, "relaxed")) {
        model_relaxed(m, d, call);
    } else {
        model_over(m, d, call, agent);
    }
}

/* The callback: one decision after the other. */
static inline void model_decide(void *arg, const struct cf_call_routed *d)
{
    struct model *m = arg;
    int call = model_number(d->call_id), agent = model_number(d->agent_id);
    bool ready = cf_str_is(d->decision, "agent-ready");

    if (d->seq != m->seq + 1)
        model_fail(m, d, "the sequence has a gap");
    if (d->at < m->at)
        model_fail(m, d, "time goes back");
    m->seq = d->seq;
    m->at = d->at;
    if (m->policy_version != d->cause.policy_version) {
        /* Steps begin anew. */
        for (int i = 0; i < MODEL_CALLS; i++)
            m->calls[i].step = 0;
    }
    m->policy_version = d->cause.policy_version;
    if (agent >= 0 && m->number[agent] < 0)
        m->number[agent] = m->n_known++;
    if (cf_str_is(d->decision, "ignored"))
        return;
    for (int i = 0; i < MODEL_CALLS; i++) {
        if (m->calls[i].state == M_OFFERED && m->calls[i].deadline < d->at)
            model_fail(m, d, "I10: an offer outlives its deadline");
    }
    if (!ready && !cf_str_is(d->decision, "agent-unavailable")) {
        model_call(m, d, call, agent);
        return;
    }
    if (d->call_id.p)
        model_release(m, d, call, agent);
    if (m->held[agent] >= 0)
        model_fail(m, d, "I6: the agent is held and said to be free");
    m->available[agent] = ready;
    if (ready && !cf_str_is(d->reason, "skills-changed"))
        m->ready_seq[agent] = d->seq;
    if (cf_str_is(d->reason, "offline"))
        m->n_calls[agent] = 0;
}

/* Between two records. */
static inline void model_check_rest(struct model *m)
{
    const struct cf_call_routed rest = {.decision = CF_STR("(rest)"), .seq = m->seq};

    for (int call = 0; call < MODEL_CALLS; call++) {
        if (m->calls[call].state == M_WAITING && m->calls[call].hold_until >= 0 &&
            m->calls[call].hold_until < m->at)
            model_fail(m, &rest, "a hold outlives its time");
        if (!model_waits(m, call))
            continue;
        for (int agent = 0; agent < MODEL_AGENTS; agent++) {
            if (m->available[agent] && model_fits(m, call, agent))
                model_fail(m, &rest, "I9: a call waits while an agent is free");
        }
    }
}

static inline void model_init(struct model *m)
{
    *m = (struct model){.policy_version = 1};
    for (int i = 0; i < MODEL_AGENTS; i++) {
        m->held[i] = -1;
        m->number[i] = -1;
    }
    for (int i = 0; i < 3; i++)
        m->ring[i] = -1;
    for (int i = 0; i < MODEL_CALLS; i++) {
        m->calls[i].agent = -1;
        m->calls[i].hold_until = -1;
    }
}

#endif
