/* SPDX-License-Identifier: Apache-2.0 */
/* The lists of available agents, and the best pair of call and agent. */
#include "engine/engine_mutants.h"
#include "engine/engine_priv.h"

static bool longer(const struct cf_agent *a, const struct cf_agent *b)
{
    if (CF_MUTANT(BY_ADDRESS))
        return a < b;
    return a->since != b->since ? a->since < b->since : a->ready_seq < b->ready_seq;
}

static struct cf_agent *by_calls(struct cf_order_node *node)
{
    return node ? (struct cf_agent *)(void *)((char *)node - offsetof(struct cf_agent, by_calls)) : NULL;
}

static struct cf_agent *by_line(struct cf_order_node *node)
{
    return node ? (struct cf_agent *)(void *)((char *)node - offsetof(struct cf_agent, by_line)) : NULL;
}

struct cf_agent *cf_engine_first_agent(const struct cf_need *need, const struct cf_profile *profile)
{
    if (need->choice <= CF_CHOICE_BEST_SKILL)
        return profile->first;
    return need->choice == CF_CHOICE_FEWEST_CALLS ? by_calls(profile->by_calls.first)
                                                  : by_line(profile->by_line.first);
}

struct cf_agent *cf_engine_next_agent(const struct cf_need *need, const struct cf_agent *agent)
{
    const struct cf_profile *profile = agent->profile;

    if (need->choice <= CF_CHOICE_BEST_SKILL)
        return agent->next;
    return need->choice == CF_CHOICE_FEWEST_CALLS
               ? by_calls(cf_order_after(&profile->by_calls, &agent->by_calls.key))
               : by_line(cf_order_after(&profile->by_line, &agent->by_line.key));
}

struct cf_order_key cf_engine_agent_key(const struct cf_link *link, const struct cf_agent *agent)
{
    if (link->need->choice <= CF_CHOICE_BEST_SKILL)
        return (struct cf_order_key){-link->score, agent->since, agent->ready_seq};
    return link->need->choice == CF_CHOICE_FEWEST_CALLS ? agent->by_calls.key : agent->by_line.key;
}

/* Into the orders beside the list. Returns whether one of them has another first agent now. */
static bool line_up(const struct cf_engine *engine, struct cf_agent *agent)
{
    struct cf_profile *profile = agent->profile;

    if (engine->rules->by_calls) {
        agent->by_calls.key = (struct cf_order_key){agent->calls, agent->since, agent->ready_seq};
        cf_order_insert(&profile->by_calls, &agent->by_calls);
    }
    if (engine->rules->by_line) {
        agent->by_line.key = (struct cf_order_key){agent->line, agent->number, agent->number};
        cf_order_insert(&profile->by_line, &agent->by_line);
    }
    return profile->by_calls.first == &agent->by_calls || profile->by_line.first == &agent->by_line;
}

static bool step_out(struct cf_agent *agent)
{
    struct cf_profile *profile = agent->profile;
    bool first = profile->by_calls.first == &agent->by_calls || profile->by_line.first == &agent->by_line;

    if (profile->by_calls.root)
        cf_order_remove(&profile->by_calls, &agent->by_calls);
    if (profile->by_line.root)
        cf_order_remove(&profile->by_line, &agent->by_line);
    return first;
}

void cf_engine_line_up(struct cf_engine *engine)
{
    for (size_t i = 0; i < engine->profiles.size; i++) {
        struct cf_profile *profile = engine->profiles.slots[i].item;

        if (!profile)
            continue;
        profile->by_calls = (struct cf_order){0};
        profile->by_line = (struct cf_order){0};
        for (struct cf_agent *agent = profile->first; agent; agent = agent->next)
            (void)line_up(engine, agent);
        cf_engine_relink(profile);
    }
}

/* Nearly always the agent belongs at the end: time goes on. A change of skills while available is why not. */
void cf_engine_join(struct cf_engine *engine, struct cf_agent *agent)
{
    struct cf_profile *profile = agent->profile;
    struct cf_agent *before = profile->last;
    bool first = line_up(engine, agent);

    while (before && longer(agent, before))
        before = before->prev;
    agent->prev = before;
    agent->next = before ? before->next : profile->first;
    if (agent->next)
        agent->next->prev = agent;
    else
        profile->last = agent;
    if (before)
        before->next = agent;
    else
        profile->first = agent;
    if (!before || first)
        cf_engine_relink(profile);
}

void cf_engine_part(struct cf_agent *agent)
{
    struct cf_profile *profile = agent->profile;
    bool first = step_out(agent);

    if (agent->next)
        agent->next->prev = agent->prev;
    else
        profile->last = agent->prev;
    if (agent->prev)
        agent->prev->next = agent->next;
    else
        profile->first = agent->next;
    if (!agent->prev || first)
        cf_engine_relink(profile);
}

static bool has_missed(const struct cf_call *call, const struct cf_agent *agent)
{
    for (size_t i = 0; i < call->n_missed; i++) {
        if (call->missed[i] == agent)
            return true;
    }
    return false;
}

struct cf_agent *cf_engine_preferred(const struct cf_engine *engine, const struct cf_call *call)
{
    for (size_t i = 0; i < call->details->n_prefer; i++) {
        struct cf_agent *agent = cf_ids_get(&engine->agents, call->details->prefer[i]);

        if (agent && agent->phase == CF_PHASE_AVAILABLE && !has_missed(call, agent) &&
            cf_engine_fits(call->home.need, agent->profile))
            return agent;
    }
    return NULL;
}

/* The best agent in the part of the heap below `pos` who has not missed the call. A part whose top is not
 * better than `best` holds nothing better; so only profiles whose first agents missed the call make the
 * search look further. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as the heap */
static struct cf_agent *unmissed(const struct cf_call *call, const struct cf_need *need, size_t pos,
                                 struct cf_agent *best, struct cf_order_key *best_key)
{
    struct cf_agent *agent;
    const struct cf_link *link;
    struct cf_order_key key;

    if (pos >= need->n_ready)
        return best;
    link = need->ready[pos];
    if (best && !cf_order_before(&link->key, best_key))
        return best;
    agent = cf_engine_first_agent(need, link->profile);
    while (agent && has_missed(call, agent))
        agent = cf_engine_next_agent(need, agent);
    if (agent) {
        key = cf_engine_agent_key(link, agent);
        if (!best || cf_order_before(&key, best_key)) {
            best = agent;
            *best_key = key;
        }
    }
    best = unmissed(call, need, 2 * pos + 1, best, best_key);
    return unmissed(call, need, 2 * pos + 2, best, best_key);
}

/* The next in line behind `from` (NULL: the first of all), whatever profile he has. */
static struct cf_agent *next_in_line(const struct cf_call *call, const struct cf_need *need,
                                     const struct cf_order_key *from)
{
    struct cf_agent *best = NULL;

    for (size_t i = 0; i < need->n_ready; i++) {
        const struct cf_order *line = &need->ready[i]->profile->by_line;
        struct cf_order_node *node = from ? cf_order_after(line, from) : line->first;

        while (node && call && has_missed(call, by_line(node)))
            node = cf_order_after(line, &node->key);
        if (node && (!best || cf_order_before(&node->key, &best->by_line.key)))
            best = by_line(node);
    }
    return best;
}

/* Behind the last one who was offered a call of this queue, then from the beginning. */
static struct cf_agent *next_around(const struct cf_call *call, const struct cf_queue *queue,
                                    const struct cf_need *need)
{
    const struct cf_agent *last = queue->ring;
    struct cf_order_key from = {0};
    struct cf_agent *agent = NULL;

    if (last) {
        from = (struct cf_order_key){last->line, last->number, last->number};
        agent = next_in_line(call, need, &from);
    }
    return agent ? agent : next_in_line(call, need, NULL);
}

struct cf_agent *cf_engine_best_agent(const struct cf_call *call, const struct cf_place *place, bool again,
                                      struct cf_str *ret_reason)
{
    const struct cf_need *need = place->need;
    struct cf_order_key key = {0};

    /* Whoever waits with the same need found nobody either. */
    if (need->n_ready == 0)
        return NULL;
    *ret_reason = cf_str_of(cf_choice_name(need->choice));
    if (need->choice == CF_CHOICE_CIRCULAR)
        return next_around(again ? NULL : call, place->queue, need);
    if (call->n_missed > 0 && !again)
        return unmissed(call, need, 0, NULL, &key);
    return cf_engine_first_agent(need, need->ready[0]->profile);
}

struct cf_place *cf_engine_best_call(const struct cf_engine *engine, const struct cf_agent *agent)
{
    const struct cf_profile *profile = agent->profile;
    struct cf_order_node *best = NULL;
    struct cf_call *held;

    if (engine->n_waiting == 0)
        return NULL;
    for (size_t i = 0; i < profile->n_links; i++) {
        struct cf_order_node *first = profile->links[i]->need->waiting.first;

        if (first && (!best || cf_order_before(&first->key, &best->key)))
            best = first;
    }
    held = cf_engine_held_call(engine, agent);
    if (held && (!best || cf_order_before(&held->home.in_queue.key, &best->key)))
        return &held->home;
    return best ? (struct cf_place *)(void *)((char *)best - offsetof(struct cf_place, in_need)) : NULL;
}
