/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "str/str.h"
#include "world.h"

static const char *const names[] = {
    "Ada Ames",   "Ben Bauer",   "Chloe Costa", "Dan Dvorak", "Eva Ekberg",  "Finn Faber",
    "Gina Gallo", "Hugo Holm",   "Ines Ibarra", "Jon Jansen", "Kim Keller",  "Lea Lange",
    "Max Moreau", "Nora Novak",  "Omar Osman",  "Pia Petrov", "Quinn Quist", "Rosa Rossi",
    "Sam Sato",   "Tara Torres", "Udo Unger",   "Vera Vidal", "Wim Wolters", "Zoe Zeman",
};

const char *cg_agent_name(uint32_t agent)
{
    return names[agent % (sizeof names / sizeof names[0])];
}

/* A new state makes all timers of the old one void. */
static void enter(struct cg_agent *agent, enum cg_agent_state state)
{
    agent->state = state;
    agent->ticket++;
}

static void become_available(struct cg_world *world, uint32_t index)
{
    struct cg_agent *agent = &world->agents[index];

    agent->call = CG_NOBODY;
    enter(agent, CG_AVAILABLE);
    cg_write_agent(world, index, "available");
}

/* Comes back after as long as a wrap-up takes. */
static void pause(struct cg_world *world, uint32_t index)
{
    struct cg_agent *agent = &world->agents[index];

    enter(agent, CG_WRAPUP);
    cg_world_timer(world, cg_random_in(&world->random, world->options->wrapup_ms), CG_AGENT_AVAILABLE, index,
                   agent->ticket);
}

void cg_agents_start(struct cg_world *world)
{
    for (uint32_t i = 0; i < world->options->agents; i++) {
        become_available(world, i);
    }
}

void cg_agents_stop(struct cg_world *world)
{
    for (uint32_t i = 0; i < world->options->agents; i++) {
        world->agents[i].call = CG_NOBODY;
        enter(&world->agents[i], CG_OFFLINE);
        cg_write_agent(world, i, "offline");
    }
}

/* Callers who will hang up are not answered, so that exactly the planned ones abandon. */
static bool answers(struct cg_call *call)
{
    if (call->plan->abandons) {
        return false;
    }
    if (call->n_missed < call->plan->misses) {
        call->n_missed++;
        return false;
    }
    return true;
}

void cg_agent_offered(struct cg_world *world, uint32_t index, const struct cg_offer *offer)
{
    struct cg_agent *agent = &world->agents[index];

    if (agent->state == CG_OFFLINE) {
        return;
    }
    if (offer->seq <
        agent->away_seq) { /* records of several keys come in any order: this offer is over already */
        (void)answers(&world->calls[offer->call]);
        return;
    }
    if (agent->state == CG_BUSY) {
        world->n_double_held++;
        return;
    }
    agent->call = offer->call;
    (void)cf_str_copy(agent->offer_id, sizeof agent->offer_id, cf_str_of(offer->id));
    enter(agent, answers(&world->calls[offer->call]) ? CG_RINGING : CG_MISSING);
    cg_write_agent(world, index, "ringing");
    if (agent->state == CG_RINGING) {
        cg_world_timer(world, cg_random_in(&world->random, world->options->ring_ms), CG_AGENT_ANSWER, index,
                       agent->ticket);
    }
}

/* To the fleet the agent is available again by its own decision; an event that says so might meet the next
 * offer on its way and would refuse it. */
void cg_agent_released(struct cg_world *world, uint32_t index, uint32_t call)
{
    struct cg_agent *agent = &world->agents[index];

    if (agent->call == call && agent->state >= CG_RINGING && agent->state <= CG_ANSWERED) {
        agent->call = CG_NOBODY;
        enter(agent, CG_AVAILABLE);
    }
}

void cg_agent_connected(struct cg_world *world, uint32_t index, uint32_t call)
{
    struct cg_agent *agent = &world->agents[index];

    agent->call = call;
    enter(agent, CG_BUSY);
}

void cg_agent_hung_up(struct cg_world *world, uint32_t index)
{
    cg_write_agent(world, index, "wrapup");
    pause(world, index);
}

/* The fleet took the agent out of rotation (an unanswered offer does that): back in after a while. It may say
 * so before it says what became of the call: the two records have different keys. */
void cg_agent_sent_away(struct cg_world *world, uint32_t index, json_int_t seq)
{
    enum cg_agent_state state = world->agents[index].state;

    world->agents[index].away_seq = seq;
    if (state >= CG_AVAILABLE && state <= CG_ANSWERED) {
        world->agents[index].call = CG_NOBODY;
        pause(world, index);
    }
}

void cg_agent_timer(struct cg_world *world, const struct cg_timer *timer)
{
    struct cg_agent *agent = &world->agents[timer->index];

    if (timer->ticket != agent->ticket) {
        return;
    }
    if (timer->action == CG_AGENT_AVAILABLE) {
        become_available(world, timer->index);
        return;
    }
    enter(agent, CG_ANSWERED);
    cg_write_agent(world, timer->index, "connected");
}
