/* SPDX-License-Identifier: Apache-2.0 */
#include "sim.h"

#include <math.h>
#include <stdlib.h>

#include "engine/policy.h"
#include "world.h"

#define AFTER_MS (25LL * 3600 * 1000) /* how long timers run on when nothing else happens any more */
enum { STREAM_ARRIVALS, STREAM_SERVICE, STREAM_PATIENCE, STREAM_DESK, STREAMS };

/* ---- records and time ---- */

void sim_feed(struct world *world, struct cf_rt_record *record)
{
    char id[32];

    record->domain = world->domain;
    record->t = world->now_ms;
    record->offset = ++world->offset;
    world->result->records++;
    record->cause.partition = record->cause.offset = -1;
    if (record->kind < CF_RT_TICK) {
        record->cause.partition = 0;
        record->cause.offset = world->n_inputs[record->kind]++;
    }
    if (world->journal) {
        if (record->kind < CF_RT_TICK) {
            (void)snprintf(id, sizeof(id), "sim-%lld", (long long)record->offset);
            record->cause.event_id = cf_str_of(id);
        }
        journal_record(world->journal, record);
    }
    cf_engine_step(world->engine, record, world_on_decision, world);
}

void sim_schedule(struct world *world, double at, enum sim_event_kind kind, uint32_t who, uint64_t stamp)
{
    if (isfinite(at))
        sim_calendar_add(&world->calendar,
                         (struct sim_event){.at = at, .stamp = stamp, .who = who, .kind = (uint32_t)kind});
}

static void set_now(struct world *world, double now)
{
    world->now = now > world->now ? now : world->now;
    world->now_ms = world->scenario->start_ms + (int64_t)floor(world->now / world->scenario->tick_s);
}

static void tick(struct world *world, int64_t due_ms)
{
    struct cf_rt_record record = {.kind = CF_RT_TICK};

    set_now(world, (double)(due_ms - world->scenario->start_ms) * world->scenario->tick_s);
    world->now_ms = due_ms > world->now_ms ? due_ms : world->now_ms; /* never a rounding before it */
    sim_feed(world, &record);
    world_answer_offers(world);
    watch_step(world);
}

/* The engine's own timers up to then. */
static void run_timers(struct world *world, double until)
{
    int64_t until_ms = world->scenario->start_ms + (int64_t)floor(until / world->scenario->tick_s);

    for (;;) {
        int64_t due_ms = cf_engine_next_timer(world->engine);

        if (due_ms == CF_ENGINE_NO_TIMER || due_ms > until_ms)
            return;
        tick(world, due_ms);
    }
}

/* ---- callers ---- */

static void draw_arrival(struct world *world, uint32_t class)
{
    double horizon = world->scenario->horizon_s;

    if (!sim_source_next(&world->sources[class], &world->arrivals[class], &world->next[class]))
        return;
    if (horizon > 0 && world->next[class].at >= horizon)
        return;
    sim_schedule(world, world->next[class].at, SIM_EV_ARRIVAL, class, 0);
    world->n_coming++;
}

static struct call *new_call(struct world *world)
{
    uint32_t slot;

    if (world->n_free == 0) {
        uint32_t size = world->n_calls ? world->n_calls * 2 : 1024;

        world->calls = cf_realloc(world->calls, size * sizeof(*world->calls));
        world->free_slots = cf_realloc(world->free_slots, size * sizeof(*world->free_slots));
        for (uint32_t i = size; i > world->n_calls; i--) {
            world->calls[i - 1].state = CALL_FREE;
            world->free_slots[world->n_free++] = i - 1;
        }
        world->n_calls = size;
    }
    slot = world->free_slots[--world->n_free];
    world->n_alive++;
    return &world->calls[slot];
}

static char *put_number(char *at, uint64_t number)
{
    char digits[20];
    size_t n = 0;

    do {
        digits[n++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (n > 0)
        *at++ = digits[--n];
    return at;
}

static size_t batch_of(const struct world *world, uint64_t counted)
{
    double part = 0;
    size_t n = world->n_run_batches;

    if (world->expected > 0)
        part = (double)counted / world->expected;
    else if (world->scenario->horizon_s > 0)
        part = world->now / world->scenario->horizon_s;
    n = part < 1 ? (size_t)(part * (double)n) : n - 1;
    return world->first_batch + n;
}

static struct call *make_call(struct world *world, uint32_t class)
{
    const struct sim_class *spec = &world->scenario->classes[class];
    double service = sim_dist_draw(&spec->service, &world->services[class]);
    double patience = sim_dist_draw(&spec->patience, &world->patiences[class]);
    struct call *call = new_call(world);
    uint32_t slot = world_slot(world, call);
    char *at;

    *call = (struct call){.number = world->arrived++,
                          .arrived = world->now,
                          .queued_ms = world->now_ms,
                          .class = class,
                          .agent = NOBODY,
                          .state = CALL_NEW,
                          .service = isnan(world->next[class].service) ? service : world->next[class].service,
                          .patience =
                              isnan(world->next[class].patience) ? patience : world->next[class].patience};
    call->id[0] = 'c';
    at = put_number(call->id + 1, call->number);
    *at++ = '-';
    *put_number(at, slot) = '\0';
    call->counted = call->number >= world->scenario->warm_up;
    if (call->counted) {
        call->batch = (uint32_t)batch_of(world, call->number - world->scenario->warm_up);
        count_batch(world, call->batch);
    }
    return call;
}

static void feed_queued(struct world *world, const struct sim_class *spec, struct call *call)
{
    struct cf_rt_record record = {.kind = CF_RT_CALL_QUEUED};
    struct cf_call_queued event = {.call_id = cf_str_of(call->id), .queued_at = call->queued_ms};

    record.cause.topic = CF_STR("call-queued");
    event.customer.status = CF_CUSTOMER_UNMATCHED;
    event.customer.match_count = -1;
    if (spec->tier[0]) {
        event.customer.status = CF_CUSTOMER_MATCHED;
        event.customer.account = (struct cf_account){
            .id = CF_STR("001000000000001AAA"), .name = CF_STR("Account"), .tier = cf_str_of(spec->tier)};
    }
    if (spec->entry_point[0])
        event.entry_point_id = cf_str_of(spec->entry_point);
    if (spec->language[0])
        event.language = cf_str_of(spec->language);
    event.has_request = spec->queue[0] || spec->priority > 0 || spec->skills.n > 0;
    if (spec->queue[0])
        event.request.queue_id = cf_str_of(spec->queue);
    event.request.priority = spec->priority;
    event.request.skills = spec->skills.items;
    event.request.n_skills = spec->skills.n;
    record.u.call_queued = &event;
    sim_feed(world, &record);
}

static void on_arrival(struct world *world, uint32_t class)
{
    uint32_t slot;
    struct call *call;

    world->n_coming--;
    if (world->arrived == world->limit)
        return;
    call = make_call(world, class);
    slot = world_slot(world, call);
    feed_queued(world, &world->scenario->classes[class], call);
    if (call->state == CALL_NEW) {
        call->waited = true;
        call->state = CALL_WAITING;
        watch_join(world, call);
        count_waiting(world, call, 1);
    }
    world_answer_offers(world);
    if (call->state == CALL_WAITING || call->state == CALL_OFFERED)
        sim_schedule(world, call->arrived + call->patience, SIM_EV_PATIENCE, slot, call->number);
    draw_arrival(world, class);
}

static void on_patience(struct world *world, struct call *call)
{
    if (call->state != CALL_WAITING && call->state != CALL_OFFERED)
        return;
    call->ending = true;
    world_end_call(world, call, "caller");
    world_answer_offers(world);
}

static void on_service_over(struct world *world, struct call *call)
{
    uint32_t number = call->agent;
    struct agent *agent = number == NOBODY ? NULL : &world->agents[number];
    bool wraps = world->scenario->wrap.kind != SIM_NONE;

    if (call->state != CALL_TALKING)
        return;
    call->ending = true;
    /* What he is to do next he must have said before the call ends, or he gets the next one. */
    if (agent && wraps) {
        agent->wrapping = true;
        world_say(world, number, CF_AGENT_WRAPUP, call);
        sim_schedule(world, world->now + sim_dist_draw(&world->scenario->wrap, &world->desk), SIM_EV_WRAPPED,
                     number, 0);
    } else if (agent && agent->leaving) {
        agent->on_duty = false;
        count_desks(world, 0, -1);
        world_say(world, number, CF_AGENT_OFFLINE, call);
    }
    world_end_call(world, call, "agent");
    world_answer_offers(world);
}

/* ---- agents ---- */

static void go_off(struct world *world, uint32_t number)
{
    struct agent *agent = &world->agents[number];

    agent->leaving = true;
    if (!agent->on_duty || agent->call != NOBODY || agent->wrapping)
        return;
    agent->on_duty = false;
    count_desks(world, 0, -1);
    world_say(world, number, CF_AGENT_OFFLINE, NULL);
}

static void go_on(struct world *world, uint32_t number)
{
    struct agent *agent = &world->agents[number];

    agent->leaving = false;
    if (agent->on_duty)
        return;
    agent->on_duty = true;
    count_desks(world, 0, 1);
    world_say(world, number, CF_AGENT_AVAILABLE, NULL);
    world_answer_offers(world);
}

static void on_wrapped(struct world *world, uint32_t number)
{
    struct agent *agent = &world->agents[number];

    agent->wrapping = false;
    if (agent->leaving) {
        go_off(world, number);
        return;
    }
    if (agent->call != NOBODY)
        return;
    world_say(world, number, CF_AGENT_AVAILABLE, NULL);
    world_answer_offers(world);
}

static void on_answer(struct world *world, uint32_t number, uint64_t offer)
{
    struct agent *agent = &world->agents[number];

    if (agent->call == NOBODY || agent->offer != offer || world->calls[agent->call].state != CALL_OFFERED)
        return;
    world_say(world, number, CF_AGENT_CONNECTED, &world->calls[agent->call]);
}

static void happen(struct world *world, const struct sim_event *event)
{
    struct call *call = NULL;

    if (event->kind == SIM_EV_PATIENCE || event->kind == SIM_EV_SERVICE) {
        call = &world->calls[event->who];
        if (call->state == CALL_FREE || call->number != event->stamp)
            return;
    }
    switch ((enum sim_event_kind)event->kind) {
    case SIM_EV_ARRIVAL:
        on_arrival(world, event->who);
        break;
    case SIM_EV_PATIENCE:
        on_patience(world, call);
        break;
    case SIM_EV_SERVICE:
        on_service_over(world, call);
        break;
    case SIM_EV_ANSWER:
        on_answer(world, event->who, event->stamp);
        break;
    case SIM_EV_WRAPPED:
        on_wrapped(world, event->who);
        break;
    case SIM_EV_ON:
        go_on(world, event->who);
        break;
    case SIM_EV_OFF:
        go_off(world, event->who);
        break;
    }
    watch_step(world);
}

/* ---- a run ---- */

static void add_agent(struct world *world, const struct sim_team *team)
{
    uint32_t number = world->n_agents++;
    struct agent *agent = &world->agents[number];

    *agent = (struct agent){.team = team, .call = NOBODY, .last_at_ms = world->scenario->start_ms - 1};
    agent->id[0] = 'a';
    *put_number(agent->id + 1, number) = '\0';
    if (team->n_shifts == 0)
        go_on(world, number);
    for (size_t i = 0; i < team->n_shifts; i++) {
        sim_schedule(world, team->shifts[i].from, SIM_EV_ON, number, 0);
        sim_schedule(world, team->shifts[i].to, SIM_EV_OFF, number, 0);
    }
}

static void add_agents(struct world *world)
{
    for (size_t i = 0; i < world->scenario->n_teams; i++) {
        for (size_t j = 0; j < world->scenario->teams[i].count; j++)
            add_agent(world, &world->scenario->teams[i]);
    }
}

static bool is_finite(const struct sim_scenario *s, double *ret_calls)
{
    double n = 0;

    for (size_t i = 0; i < s->n_classes; i++) {
        if (s->classes[i].arrivals.kind != SIM_RECORDED)
            return false;
        n += (double)s->classes[i].arrivals.n_recorded;
    }
    *ret_calls = n;
    return true;
}

static bool any_skills(const struct sim_scenario *s)
{
    for (size_t i = 0; i < s->n_classes; i++) {
        if (s->classes[i].skills.n > 0)
            return true;
    }
    return false;
}

static void set_up(struct world *world, size_t replication)
{
    const struct sim_scenario *s = world->scenario;
    size_t n_agents = sim_scenario_n_agents(s);

    world->domain = CF_STR("default");
    world->now_ms = s->start_ms;
    world->offset = -1;
    world->limit = s->calls > 0 ? s->warm_up + s->calls : UINT64_MAX;
    world->expected = (double)s->calls;
    if (s->calls == 0 && !is_finite(s, &world->expected))
        world->expected = 0;
    world->fifo = !s->policy || s->known_order;
    world->one_pool = !s->policy && !any_skills(s);
    world->agents = cf_calloc(n_agents, sizeof(*world->agents));
    world->offers = cf_calloc(2 * n_agents, sizeof(*world->offers));
    sim_random_init(&world->desk, s->seed, replication * SIM_MAX_CLASSES * STREAMS + STREAM_DESK);
    for (uint32_t i = 0; i < s->n_classes; i++) {
        uint64_t stream = (replication * SIM_MAX_CLASSES + i) * STREAMS;

        sim_random_init(&world->arrivals[i], s->seed, stream + STREAM_ARRIVALS);
        sim_random_init(&world->services[i], s->seed, stream + STREAM_SERVICE);
        sim_random_init(&world->patiences[i], s->seed, stream + STREAM_PATIENCE);
        world->sources[i].arrivals = &s->classes[i].arrivals;
        world->waiting[i] = (struct waiting){NOBODY, NOBODY};
        world->row_of_class[i] = 1 + i;
        draw_arrival(world, i);
    }
}

/* All that is in the calendar; once no more calls come, the areas over time are closed. */
static void play(struct world *world)
{
    double at;
    int64_t end_ms;

    while (sim_calendar_peek(&world->calendar, &at)) {
        struct sim_event event;
        bool was_arrival;

        run_timers(world, at);
        event = sim_calendar_take(&world->calendar);
        set_now(world, event.at);
        happen(world, &event);
        was_arrival = event.kind == SIM_EV_ARRIVAL;
        if (was_arrival && (world->arrived == world->limit || world->n_coming == 0)) {
            count_settle(world);
            world->counting = false;
        }
        if (world->arrived == world->limit && world->n_alive == 0)
            return;
    }
    end_ms = world->now_ms + AFTER_MS;
    while (world->n_alive > 0 && cf_engine_next_timer(world->engine) <= end_ms)
        tick(world, cf_engine_next_timer(world->engine));
}

static void tear_down(struct world *world)
{
    cf_engine_free(world->engine);
    sim_calendar_done(&world->calendar);
    free(world->calls);
    free(world->free_slots);
    free(world->agents);
    free(world->offers);
}

static void feed_policy(struct world *world, struct cf_policy *policy, struct cf_str text)
{
    struct cf_rt_record record = {.kind = CF_RT_POLICY};

    record.u.policy.version = cf_policy_version(policy);
    record.u.policy.text = text;
    world->domain = cf_policy_domain(policy, 0);
    world->engine = cf_engine_new(world->domain, NULL);
    sim_feed(world, &record);
}

static int run_once(const struct sim_scenario *scenario, struct journal *journal, size_t replication,
                    struct sim_result *result, struct cf_err *err)
{
    struct world *world = cf_calloc(1, sizeof(*world));
    char *text = sim_scenario_policy(scenario, err);
    struct cf_policy *policy = text ? cf_policy_parse(cf_str_of(text), err) : NULL;

    if (policy) {
        world->scenario = scenario;
        world->result = result;
        world->journal = journal;
        world->n_run_batches = scenario->replications > 1 ? 1 : result->n_batches;
        world->first_batch = scenario->replications > 1 ? replication : 0;
        set_up(world, replication);
        feed_policy(world, policy, cf_str_of(text));
        add_agents(world);
        play(world);
        count_settle(world);
        result->calls += world->arrived;
        result->open += world->n_alive;
        result->virtual_s += world->now;
        tear_down(world);
    }
    cf_policy_unref(policy);
    free(text);
    free(world);
    return policy ? 0 : -1;
}

static void make_rows(const struct sim_scenario *s, struct sim_result *result)
{
    result->n_batches = s->replications > 1 ? s->replications : s->batches;
    result->n_batches = result->n_batches < SIM_MAX_BATCHES ? result->n_batches : SIM_MAX_BATCHES;
    result->n_rows = 1 + s->n_classes;
    for (size_t i = 0; i < result->n_rows; i++) {
        struct sim_row *row = &result->rows[i];

        row->kind = i == 0 ? SIM_ROW_ALL : SIM_ROW_CLASS;
        (void)cf_str_copy(row->name, SIM_NAME, cf_str_of(i == 0 ? "all" : s->classes[i - 1].name));
        row->batches = cf_calloc(result->n_batches, sizeof(*row->batches));
        row->waits = sim_histogram_new();
    }
}

int sim_run(const struct sim_scenario *scenario, struct journal *journal, struct sim_result *ret_result,
            struct cf_err *err)
{
    *ret_result = (struct sim_result){.tick_s = scenario->tick_s};
    make_rows(scenario, ret_result);
    for (size_t i = 0; i < scenario->replications; i++) {
        /* The journal is one log: of the first replication. */
        if (run_once(scenario, i == 0 ? journal : NULL, i, ret_result, err) < 0) {
            sim_result_done(ret_result);
            return -1;
        }
    }
    return 0;
}

void sim_result_done(struct sim_result *result)
{
    for (size_t i = 0; i < result->n_rows; i++) {
        free(result->rows[i].batches);
        sim_histogram_free(result->rows[i].waits);
    }
    result->n_rows = 0;
}

const struct sim_row *sim_result_row(const struct sim_result *result, enum sim_row_kind kind,
                                     const char *name)
{
    for (size_t i = 0; i < result->n_rows; i++) {
        if (result->rows[i].kind == kind && (kind == SIM_ROW_ALL || strcmp(result->rows[i].name, name) == 0))
            return &result->rows[i];
    }
    return NULL;
}

struct sim_estimate sim_result_figure(const struct sim_result *result, const struct sim_row *row,
                                      enum sim_figure figure)
{
    return sim_estimate(row->batches, result->n_batches, figure);
}
