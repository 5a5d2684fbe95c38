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

struct model_call {
    enum model_call_state state;
    int agent; /* -1: none */
    int64_t enqueued_at, priority, arrival, deadline;
    char queue[16], offer_id[MODEL_TEXT];
    bool missed[MODEL_AGENTS];
};

struct model {
    struct model_call calls[MODEL_CALLS];
    int held[MODEL_AGENTS]; /* call, -1: none */
    bool available[MODEL_AGENTS];
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

static inline bool model_fits(const struct model *m, int call, int agent)
{
    return (!model_needs_skill(call) || model_has_skill(agent)) &&
           (strcmp(m->calls[call].queue, "sales") != 0 || model_has_team(agent));
}

/* Whether call a stands before call b. */
static inline bool model_before(const struct model *m, int a, int b)
{
    const struct model_call *x = &m->calls[a], *y = &m->calls[b];
    bool all_strict = m->policy_version == 2;
    bool strict_x = all_strict || strcmp(x->queue, "vip") == 0,
         strict_y = all_strict || strcmp(y->queue, "vip") == 0;
    int64_t key_x = x->enqueued_at - (strict_x ? 0 : (5 - x->priority) * 7000);
    int64_t key_y = y->enqueued_at - (strict_y ? 0 : (5 - y->priority) * 7000);

    if (strict_x != strict_y)
        return strict_x;
    if (strict_x && x->priority != y->priority)
        return x->priority < y->priority;
    return key_x != key_y ? key_x < key_y : x->arrival < y->arrival;
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

static inline void model_offered(struct model *m, const struct cf_call_routed *d, int call, int agent)
{
    struct model_call *c = &m->calls[call];
    bool next_call = cf_str_is(d->reason, "next-call");

    if (c->state != M_WAITING)
        model_fail(m, d, c->state == M_OVER ? "I13: offered a call that is over" : "I2: offered twice");
    if (agent < 0 || m->held[agent] >= 0)
        model_fail(m, d, "I1: the agent is held already");
    if (!model_fits(m, call, agent))
        model_fail(m, d, "the agent does not fit");
    for (int i = 0; i < MODEL_CALLS && next_call; i++) {
        if (i != call && m->calls[i].state == M_WAITING && model_fits(m, i, agent) &&
            model_before(m, i, call))
            model_fail(m, d, "I7: a better call waits");
    }
    for (int i = 0; i < MODEL_AGENTS && c->missed[agent]; i++) {
        if (i != agent && m->available[i] && !c->missed[i] && model_fits(m, call, i))
            model_fail(m, d, "I12: offered to who missed it");
    }
    c->state = M_OFFERED;
    c->agent = agent;
    c->deadline = d->deadline;
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
    (void)cf_str_copy(c->queue, sizeof(c->queue), d->queue_id);
}

static inline void model_connected(struct model *m, const struct cf_call_routed *d, int call, int agent)
{
    struct model_call *c = &m->calls[call];

    if (c->state != M_OFFERED || agent < 0 || m->held[agent] != call)
        model_fail(m, d, "I2: connected without an offer");
    if (!cf_str_is(d->offer_id, c->offer_id))
        model_fail(m, d, "I2: connected by another offer");
    c->state = M_CONNECTED;
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
        (void)cf_str_copy(c->queue, sizeof(c->queue), d->queue_id);
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
    m->policy_version = d->cause.policy_version;
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
}

/* Between two records. */
static inline void model_check_rest(struct model *m)
{
    const struct cf_call_routed rest = {.decision = CF_STR("(rest)"), .seq = m->seq};

    for (int call = 0; call < MODEL_CALLS; call++) {
        if (m->calls[call].state != M_WAITING)
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
    for (int i = 0; i < MODEL_AGENTS; i++)
        m->held[i] = -1;
    for (int i = 0; i < MODEL_CALLS; i++)
        m->calls[i].agent = -1;
}

#endif
