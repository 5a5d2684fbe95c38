/* SPDX-License-Identifier: Apache-2.0 */
/* The lists of available agents, and the best pair of call and agent. */
#include "engine/engine_priv.h"

static bool longer(const struct cf_agent *a, const struct cf_agent *b)
{
    return a->since != b->since ? a->since < b->since : a->ready_seq < b->ready_seq;
}

/* Nearly always the agent belongs at the end: time goes on. A change of skills while available is why not. */
void cf_engine_join(struct cf_agent *agent)
{
    struct cf_profile *profile = agent->profile;
    struct cf_agent *before = profile->last;

    while (before && longer(agent, before))
        before = before->prev;
    agent->prev = before;
    agent->next = before ? before->next : profile->first;
    if (agent->next)
        agent->next->prev = agent;
    else
        profile->last = agent;
    if (before) {
        before->next = agent;
    } else {
        profile->first = agent;
        cf_engine_relink(profile);
    }
}

void cf_engine_part(struct cf_agent *agent)
{
    struct cf_profile *profile = agent->profile;

    if (agent->next)
        agent->next->prev = agent->prev;
    else
        profile->last = agent->prev;
    if (agent->prev) {
        agent->prev->next = agent->next;
    } else {
        profile->first = agent->next;
        cf_engine_relink(profile);
    }
}

static bool has_missed(const struct cf_call *call, const struct cf_agent *agent)
{
    for (size_t i = 0; i < call->n_missed; i++) {
        if (call->missed[i] == agent)
            return true;
    }
    return false;
}

static struct cf_agent *preferred(const struct cf_engine *engine, const struct cf_call *call)
{
    for (size_t i = 0; i < call->details->n_prefer; i++) {
        struct cf_agent *agent = cf_ids_get(&engine->agents, call->details->prefer[i]);

        if (agent && agent->phase == CF_PHASE_AVAILABLE && !has_missed(call, agent) &&
            cf_engine_fits(call->need, agent->profile))
            return agent;
    }
    return NULL;
}

/* The longest available agent in the part of the heap below `pos` who has not missed the call. A part whose
 * top is not better than `best` holds nothing better; so only profiles whose first agents missed the call
 * make the search look further. */
static struct cf_agent *unmissed(const struct cf_call *call, size_t pos, struct cf_agent *best)
{
    struct cf_agent *agent;

    if (pos >= call->need->n_ready)
        return best;
    agent = call->need->ready[pos]->profile->first;
    if (best && !longer(agent, best))
        return best;
    while (agent && has_missed(call, agent))
        agent = agent->next;
    if (agent && (!best || longer(agent, best)))
        best = agent;
    best = unmissed(call, 2 * pos + 1, best);
    return unmissed(call, 2 * pos + 2, best);
}

struct cf_agent *cf_engine_best_agent(const struct cf_engine *engine, const struct cf_call *call,
                                      struct cf_str *ret_reason)
{
    struct cf_agent *agent = preferred(engine, call);

    *ret_reason = agent ? CF_STR("preferred-agent") : CF_STR("longest-available");
    if (agent)
        return agent;
    /* Whoever waits with the same need found nobody either. */
    if (call->need->n_ready == 0)
        return NULL;
    if (call->n_missed > 0)
        agent = unmissed(call, 0, NULL);
    return agent ? agent : call->need->ready[0]->profile->first;
}

struct cf_call *cf_engine_best_call(const struct cf_engine *engine, const struct cf_agent *agent)
{
    const struct cf_profile *profile = agent->profile;
    struct cf_order_node *best = NULL;

    if (engine->n_waiting == 0)
        return NULL;
    for (size_t i = 0; i < profile->n_links; i++) {
        struct cf_order_node *first = profile->links[i]->need->waiting.first;

        if (first && (!best || cf_order_before(&first->key, &best->key)))
            best = first;
    }
    return best ? (struct cf_call *)(void *)((char *)best - offsetof(struct cf_call, in_need)) : NULL;
}
