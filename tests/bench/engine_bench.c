/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine-bench [STEPS] [AGENTS] [WAITING] [QUEUES] [CHOICE]: how many records one core routes per second.
 *
 * A random stream in virtual time against one engine: agents of 30 kinds (team, language, level), QUEUES
 * queues with different needs, calls of all priorities; about WAITING calls wait, so that each new one is
 * placed among them and each free agent picks among them. The records are made before the clock runs: what is
 * measured is cf_engine_step with a callback that reads each decision.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/engine.h"

enum { BATCH = 512 };

struct text_id {
    char text[24];
};

/* What the bench knows of an agent: enough to let it do something sensible next. */
struct desk {
    int64_t call; /* -1: none */
    bool talking, ready;
};

struct bench {
    uint64_t random;
    int64_t t, next_call, decisions, offset;
    size_t n_agents, n_waiting, n_queues;
    const char *choice;
    struct desk *desks;
    struct text_id *agent_ids;
    struct cf_engine *engine;
    struct cf_skill skills[30][2];
};

struct item {
    struct cf_rt_record record;
    union {
        struct cf_call_queued queued;
        struct cf_call_ended ended;
        struct cf_agent_state agent;
    } u;
    struct text_id call_id;
    char queue_id[16];
};

static uint32_t random_below(struct bench *b, uint32_t below)
{
    b->random ^= b->random << 13;
    b->random ^= b->random >> 7;
    b->random ^= b->random << 17;
    return (uint32_t)((b->random >> 24) % below);
}

static int64_t number_of(struct cf_str id)
{
    int64_t n = 0;

    for (size_t i = 1; i < id.n; i++)
        n = n * 10 + (id.p[i] - '0');
    return n;
}

/* Keeps the desks as the decisions say; this is part of what is measured, as any user of the engine has it.
 */
static void on_decision(void *arg, const struct cf_call_routed *d)
{
    struct bench *b = arg;
    struct desk *desk = d->agent_id.p ? &b->desks[number_of(d->agent_id)] : NULL;

    b->decisions++;
    if (!desk)
        return;
    if (cf_str_eq(d->decision, CF_STR("offered"))) {
        *desk = (struct desk){.call = number_of(d->call_id)};
    } else if (cf_str_eq(d->decision, CF_STR("connected"))) {
        desk->talking = true;
    } else if (!cf_str_eq(d->decision, CF_STR("ignored"))) {
        desk->call = -1;
        desk->talking = false;
        desk->ready = cf_str_eq(d->decision, CF_STR("agent-ready"));
    }
}

static void make_queued(struct bench *b, struct item *item)
{
    uint32_t queue = random_below(b, (uint32_t)b->n_queues);

    (void)snprintf(item->call_id.text, sizeof(item->call_id.text), "c%lld", (long long)b->next_call++);
    (void)snprintf(item->queue_id, sizeof(item->queue_id), "q%u", queue);
    item->record.kind = CF_RT_CALL_QUEUED;
    item->record.u.call_queued = &item->u.queued;
    item->u.queued = (struct cf_call_queued){.call_id = cf_str_of(item->call_id.text), .queued_at = b->t};
    item->u.queued.customer.account = (struct cf_account){.id = CF_STR("0015g00000AbCdEAAV"),
                                                          .name = CF_STR("Edge Communications"),
                                                          .tier = CF_STR("gold"),
                                                          .owner_id = CF_STR("0055g00000OwNeRAAV")};
    item->u.queued.customer.match_count = 1;
    item->u.queued.has_request = true;
    item->u.queued.request.queue_id = cf_str_of(item->queue_id);
    item->u.queued.request.priority = 1 + random_below(b, 10);
}

static void make_agent(struct bench *b, struct item *item, size_t agent, enum cf_agent_status state)
{
    size_t kind = agent % 30;

    item->record.kind = CF_RT_AGENT_STATE;
    item->record.u.agent_state = &item->u.agent;
    item->u.agent = (struct cf_agent_state){.agent_id = cf_str_of(b->agent_ids[agent].text),
                                            .state = state,
                                            .at = b->t,
                                            .team_id = kind < 15 ? CF_STR("north") : CF_STR("south"),
                                            .skills = b->skills[kind],
                                            .n_skills = 2,
                                            .has_skills = true};
    if (state == CF_AGENT_CONNECTED) {
        (void)snprintf(item->call_id.text, sizeof(item->call_id.text), "c%lld",
                       (long long)b->desks[agent].call);
        item->u.agent.call_id = cf_str_of(item->call_id.text);
    }
}

static void make_ended(struct bench *b, struct item *item, int64_t call)
{
    (void)snprintf(item->call_id.text, sizeof(item->call_id.text), "c%lld", (long long)call);
    item->record.kind = CF_RT_CALL_ENDED;
    item->record.u.call_ended = &item->u.ended;
    item->u.ended = (struct cf_call_ended){.call_id = cf_str_of(item->call_id.text), .ended_at = b->t};
}

/* The next record: what a random agent would do, or a new call while too few wait. */
static void make_next(struct bench *b, struct item *item, size_t waiting)
{
    size_t agent = random_below(b, (uint32_t)b->n_agents);
    const struct desk *desk = &b->desks[agent];

    b->t += random_below(b, 3);
    item->record.t = b->t;
    item->record.domain = CF_STR("default");
    item->record.cause.topic = CF_STR("agent-state");
    item->record.cause.event_id = CF_STR("01890a5d-ac96-774b-bcce-b302099a8057");
    item->record.offset = b->offset++;
    if (waiting < b->n_waiting + random_below(b, 16))
        make_queued(b, item);
    else if (desk->call >= 0 && !desk->talking)
        make_agent(b, item, agent, random_below(b, 20) ? CF_AGENT_CONNECTED : CF_AGENT_AVAILABLE);
    else if (desk->talking)
        make_ended(b, item, desk->call);
    else
        make_agent(b, item, agent, desk->ready ? CF_AGENT_IDLE : CF_AGENT_AVAILABLE);
}

static struct cf_engine *make_engine(const struct bench *b)
{
    struct cf_buf text;
    struct cf_err err;
    struct cf_policy *policy;
    struct cf_engine *engine;

    cf_buf_init(&text, CF_POLICY_MAX_BYTES);
    cf_buf_printf(&text, "{\"version\":1,\"defaults\":{\"maxWaitMs\":0,\"choice\":\"%s\"},\"queues\":[",
                  b->choice);
    for (size_t i = 0; i < b->n_queues; i++)
        cf_buf_printf(&text, "%s{\"id\":\"q%zu\",\"skills\":{\"lang\":\"%s\",\"level\":%zu}%s}", i ? "," : "",
                      i, i % 2 ? "de" : "en", 1 + i % 5, i % 4 == 3 ? ",\"teams\":\"north\"" : "");
    cf_buf_text(&text, "]}");
    policy = cf_policy_parse(cf_buf_view(&text), &err);
    if (!policy) {
        (void)fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    engine = cf_engine_new(CF_STR("default"), policy);
    cf_policy_unref(policy);
    cf_buf_done(&text);
    return engine;
}

static void set_up(struct bench *b)
{
    b->desks = cf_calloc(b->n_agents, sizeof(*b->desks));
    b->agent_ids = cf_calloc(b->n_agents, sizeof(*b->agent_ids));
    for (size_t i = 0; i < b->n_agents; i++) {
        b->desks[i].call = -1;
        (void)snprintf(b->agent_ids[i].text, sizeof(b->agent_ids[i].text), "a%zu", i);
    }
    for (size_t i = 0; i < 30; i++) {
        b->skills[i][0] = (struct cf_skill){
            .name = CF_STR("lang"), .type = CF_JSON_STRING, .text = i % 3 ? CF_STR("en") : CF_STR("de")};
        b->skills[i][1] =
            (struct cf_skill){.name = CF_STR("level"), .type = CF_JSON_INT, .number = (double)(1 + i % 5)};
    }
    b->engine = make_engine(b);
}

/* Processor time: the machine may be shared. */
static uint64_t cpu_ns(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now))
        abort();
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

/* Plays `steps` records in batches: made outside the clock, with a new look at the desks for each batch.
 * Returns the nanoseconds spent in the engine. */
static uint64_t play(struct bench *b, int64_t steps)
{
    struct item *items = cf_calloc(BATCH, sizeof(*items));
    uint64_t spent = 0;

    for (int64_t done = 0; done < steps; done += BATCH) {
        struct cf_engine_counts counts;
        uint64_t start;

        cf_engine_counts(b->engine, &counts);
        for (size_t i = 0; i < BATCH; i++) {
            make_next(b, &items[i], counts.waiting);
            counts.waiting += items[i].record.kind == CF_RT_CALL_QUEUED;
        }
        start = cpu_ns();
        for (size_t i = 0; i < BATCH; i++)
            cf_engine_step(b->engine, &items[i].record, on_decision, b);
        spent += cpu_ns() - start;
    }
    free(items);
    return spent;
}

int main(int argc, char **argv)
{
    struct bench b = {.random = 88172645463325252ULL, .t = 1700000000000};
    int64_t steps = argc > 1 ? strtoll(argv[1], NULL, 10) : 4000000;
    struct cf_engine_counts counts;
    uint64_t spent;

    b.n_agents = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 10000;
    b.n_waiting = argc > 3 ? (size_t)strtoul(argv[3], NULL, 10) : 1000;
    b.n_queues = argc > 4 ? (size_t)strtoul(argv[4], NULL, 10) : 20;
    b.choice = argc > 5 ? argv[5] : "longest-available";
    set_up(&b);
    (void)play(&b, steps / 4);
    b.decisions = 0;
    spent = play(&b, steps);
    cf_engine_counts(b.engine, &counts);
    printf(
        "agents %zu: available %zu, reserved %zu, busy %zu, wrap-up %zu; calls waiting %zu, tombstones %zu\n",
        counts.agents, counts.available, counts.reserved, counts.busy, counts.wrapup, counts.waiting,
        counts.tombstones);
    printf("%lld steps, %lld decisions in %.2f s of one core: %.0f steps/s, %.0f ns a step\n",
           (long long)steps, (long long)b.decisions, (double)spent / 1e9, (double)steps * 1e9 / (double)spent,
           (double)spent / (double)steps);
    cf_engine_free(b.engine);
    free(b.desks);
    free(b.agent_ids);
    return 0;
}
