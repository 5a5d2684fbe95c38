/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that wait for a preferred agent only, for a while. A *wish* is what they have in common who want the
 * same agent, in the order of the calls; it is found by the agent's id, whether he is known yet or not.
 */
#include <stdlib.h>

#include "engine/engine_priv.h"

struct cf_wish {
    struct cf_str id; /* of the agent */
    struct cf_order calls;
    char text[];
};

struct cf_hold {
    struct cf_order_node node;
    struct cf_call *call;
    struct cf_wish *wish;
};

static struct cf_wish *find_wish(struct cf_engine *engine, struct cf_str agent_id)
{
    struct cf_wish *wish = cf_ids_get(&engine->wishes, agent_id);

    if (wish)
        return wish;
    wish = cf_calloc(1, sizeof(*wish) + agent_id.n);
    memcpy(wish->text, agent_id.p, agent_id.n);
    wish->id = (struct cf_str){wish->text, agent_id.n};
    cf_ids_put(&engine->wishes, wish);
    return wish;
}

static bool is_repeated(const struct cf_details *details, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (cf_str_eq(details->prefer[i], details->prefer[index]))
            return true;
    }
    return false;
}

void cf_engine_hold(struct cf_engine *engine, struct cf_call *call)
{
    const struct cf_details *details = call->details;

    call->holds = cf_calloc(details->n_prefer, sizeof(*call->holds));
    call->n_holds = 0;
    engine->n_held++;
    for (size_t i = 0; i < details->n_prefer; i++) {
        struct cf_hold *hold = &call->holds[call->n_holds];

        if (is_repeated(details, i))
            continue;
        hold->call = call;
        hold->wish = find_wish(engine, details->prefer[i]);
        hold->node.key = call->home.in_queue.key;
        cf_order_insert(&hold->wish->calls, &hold->node);
        call->n_holds++;
    }
}

void cf_engine_unhold(struct cf_engine *engine, struct cf_call *call)
{
    for (size_t i = 0; i < call->n_holds; i++) {
        struct cf_wish *wish = call->holds[i].wish;

        cf_order_remove(&wish->calls, &call->holds[i].node);
        if (!wish->calls.root) {
            cf_ids_del(&engine->wishes, wish->id);
            free(wish);
        }
    }
    free(call->holds);
    call->holds = NULL;
    call->n_holds = 0;
    engine->n_held--;
}

void cf_engine_free_holds(struct cf_engine *engine)
{
    for (size_t i = 0; i < engine->wishes.size; i++)
        free(engine->wishes.slots[i].item);
    cf_ids_done(&engine->wishes);
}

static struct cf_call *call_of(const struct cf_order_node *node)
{
    return ((const struct cf_hold *)(const void *)((const char *)node - offsetof(struct cf_hold, node)))
        ->call;
}

struct cf_call *cf_engine_held_call(const struct cf_engine *engine, const struct cf_agent *agent)
{
    const struct cf_wish *wish = engine->n_held > 0 ? cf_ids_get(&engine->wishes, agent->o.id) : NULL;
    struct cf_order_node *node = wish ? wish->calls.first : NULL;

    /* Nearly always the first: he fits, else he would not have been waited for. */
    while (node && !cf_engine_fits(call_of(node)->home.need, agent->profile))
        node = cf_order_after(&wish->calls, &node->key);
    return node ? call_of(node) : NULL;
}

bool cf_engine_awaits(const struct cf_engine *engine, const struct cf_call *call)
{
    for (size_t i = 0; i < call->details->n_prefer; i++) {
        const struct cf_agent *agent = cf_ids_get(&engine->agents, call->details->prefer[i]);

        if (agent && agent->phase != CF_PHASE_OFFLINE && agent->phase != CF_PHASE_IDLE &&
            cf_engine_fits(call->home.need, agent->profile))
            return true;
    }
    return false;
}

void cf_engine_end_hold(struct cf_engine *engine, struct cf_call *call, struct cf_str reason)
{
    cf_engine_unplace(engine, call);
    call->hold_until = 0;
    cf_engine_changed(engine, &call->o);
    cf_engine_decide(engine, CF_STR("relaxed"), call, NULL, reason);
    cf_engine_seek_agent(engine, call);
}

void cf_engine_recheck_holds(struct cf_engine *engine)
{
    const struct cf_agent *agent = engine->changed_agent;
    const struct cf_wish *wish;
    struct cf_call **calls;
    size_t n = 0;

    engine->changed_agent = NULL;
    if (!agent || engine->n_held == 0 || !(wish = cf_ids_get(&engine->wishes, agent->o.id)))
        return;
    calls = cf_calloc(cf_order_size(&wish->calls), sizeof(struct cf_call *));
    for (struct cf_order_node *node = wish->calls.first; node;
         node = cf_order_after(&wish->calls, &node->key))
        calls[n++] = call_of(node);
    /* None of them takes another out of its place: an offer of one concerns no other held call. */
    for (size_t i = 0; i < n; i++) {
        if (!cf_engine_awaits(engine, calls[i]))
            cf_engine_end_hold(engine, calls[i], CF_STR("preferred-away"));
    }
    free(calls);
}
