/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the objects that engine_dump.c wrote. Each object is checked and kept as it comes; what ties them
 * together (places in queues, lists of the available, timers) is made in load_finish, when all are there.
 */
#include <stdlib.h>

#include "engine/engine_priv.h"
#include "json/json.h"

/* A call's customer is bounded by the event contract; this is above, with every character escaped. */
#define MAX_JSON (256UL * 1024)
#define ARENA_LIMIT (256UL * MAX_JSON)
/* Sums of a few of these stay whole numbers. */
#define MAX_NUMBER (UINT64_C(1) << 60)

static const char *const states[] = {"waiting", "offered", "connected", NULL};
static const char *const phases[] = {"offline",   "idle",   "available", "reserved",
                                     "connected", "wrapup", "paused",    NULL};

static struct cf_str field(const struct cf_engine_object *object, const char *name)
{
    for (size_t i = 0; i < object->n_pairs; i++) {
        if (cf_str_is(object->pairs[i].field, name))
            return object->pairs[i].value;
    }
    return (struct cf_str){0};
}

static int fail(const struct cf_engine_object *object, const char *name, struct cf_err *err)
{
    static const char *const kinds[] = {"meta", "policy", "queue", "call", "agent"};

    return cf_err_set(err, CF_ERR_REJECTED, "engine", 0, "stored %s: field %s is missing or wrong",
                      kinds[object->kind], name);
}

/* Several whole numbers at once. An absent one is an error unless it is optional. */
struct number {
    const char *name;
    int64_t *value;
    bool optional;
};

static int read_numbers(const struct cf_engine_object *object, const struct number *numbers, size_t n,
                        struct cf_err *err)
{
    for (size_t i = 0; i < n; i++) {
        struct cf_str text = field(object, numbers[i].name);
        bool negative = text.n > 0 && text.p[0] == '-';
        struct cf_str digits = text;
        uint64_t value;

        if (!text.p && !numbers[i].optional)
            return fail(object, numbers[i].name, err);
        if (!text.p)
            continue;
        digits.p += negative;
        digits.n -= negative;
        if (!cf_str_u64(digits, &value) || value > MAX_NUMBER)
            return fail(object, numbers[i].name, err);
        *numbers[i].value = negative ? (int64_t)(0 - value) : (int64_t)value;
    }
    return 0;
}

static int find_word(const char *const *words, struct cf_str word)
{
    for (int i = 0; words[i]; i++) {
        if (cf_str_is(word, words[i]))
            return i;
    }
    return -1;
}

static int load_meta(struct cf_engine *engine, const struct cf_engine_object *object, struct cf_err *err)
{
    int64_t format = 0;
    const struct number numbers[] = {{"format", &format, false},
                                     {"now", &engine->now, false},
                                     {"offset", &engine->offset, false},
                                     {"seq", &engine->seq, false},
                                     {"buried", &engine->n_buried, false}};

    if (read_numbers(object, numbers, sizeof(numbers) / sizeof(numbers[0]), err))
        return -1;
    if (format != CF_ENGINE_FORMAT || !cf_str_eq(object->id, engine->domain))
        return fail(object, "format", err);
    if (engine->now < 0 || engine->now > CF_ENGINE_T_MAX || engine->seq < 0)
        return fail(object, "now", err);
    engine->at = engine->now;
    return 0;
}

static int load_policy(struct cf_engine *engine, const struct cf_engine_object *object, struct cf_err *err)
{
    struct cf_policy *policy = cf_policy_parse(field(object, "policy"), err);

    if (!policy)
        return fail(object, "policy", err);
    cf_engine_use_policy(engine, policy);
    return 0;
}

static bool read_lines(struct cf_arena *arena, const struct cf_json *array, struct cf_skill *ret_skill)
{
    for (const struct cf_json *item = array->u.first; item; item = item->next) {
        if (item->type != CF_JSON_STRING)
            return false;
        ret_skill->text =
            item == array->u.first
                ? item->u.str
                : cf_arena_printf(arena, "%.*s\n%.*s", CF_STR_FMT(ret_skill->text), CF_STR_FMT(item->u.str));
    }
    return true;
}

static bool read_skill(struct cf_arena *arena, const struct cf_json *node, struct cf_skill *ret_skill)
{
    *ret_skill = (struct cf_skill){.name = node->key, .type = node->type};
    if (node->type == CF_JSON_BOOL)
        ret_skill->number = node->u.boolean;
    else if (node->type == CF_JSON_INT)
        ret_skill->number = (double)node->u.integer;
    else if (node->type == CF_JSON_DOUBLE)
        ret_skill->number = node->u.number;
    else if (node->type == CF_JSON_STRING)
        ret_skill->text = node->u.str;
    else
        return node->type == CF_JSON_ARRAY && read_lines(arena, node, ret_skill);
    return true;
}

/* One object of skills, or an array of such. */
static bool read_skills(struct cf_arena *arena, const struct cf_json *node, struct cf_skill *ret_skills,
                        size_t *ret_n)
{
    if (node->type == CF_JSON_ARRAY) {
        for (const struct cf_json *item = node->u.first; item; item = item->next) {
            if (item->type != CF_JSON_OBJECT || !read_skills(arena, item, ret_skills, ret_n))
                return false;
        }
        return true;
    }
    if (node->type != CF_JSON_OBJECT)
        return false;
    for (const struct cf_json *item = node->u.first; item; item = item->next) {
        if (*ret_n == CF_ENGINE_MAX_SKILLS || !read_skill(arena, item, &ret_skills[(*ret_n)++]))
            return false;
    }
    return true;
}

/* The field's JSON, NULL when it is absent or broken. */
static const struct cf_json *read_json(struct cf_arena *arena, const struct cf_engine_object *object,
                                       const char *name)
{
    struct cf_str text = field(object, name);
    struct cf_err err;

    return text.p && text.n <= MAX_JSON ? cf_json_parse(arena, text, &err) : NULL;
}

/* An agent that is spoken of before its own object has come. */
static struct cf_agent *know_agent(struct cf_engine *engine, struct cf_str id)
{
    struct cf_agent *agent = cf_ids_get(&engine->agents, id);

    return agent ? agent : cf_engine_new_agent(engine, id);
}

static int load_queue(struct cf_engine *engine, const struct cf_engine_object *object, struct cf_err *err)
{
    struct cf_queue *queue = cf_ids_get(&engine->queues, object->id);
    const struct number numbers[] = {{"handleMs", queue ? &queue->handle_ms : NULL, false},
                                     {"handled", queue ? &queue->handled : NULL, false},
                                     {"lastWaitMs", queue ? &queue->last_wait_ms : NULL, true}};
    struct cf_str ring = field(object, "lastOfferedTo");

    /* A queue that is not the policy's was given up in a write that came later: nothing of it counts. */
    if (!queue || queue->removed)
        return 0;
    if (ring.p)
        queue->ring = know_agent(engine, ring);
    return read_numbers(object, numbers, sizeof(numbers) / sizeof(numbers[0]), err);
}

static int load_missed(struct cf_engine *engine, struct cf_arena *arena,
                       const struct cf_engine_object *object, struct cf_call *call, struct cf_err *err)
{
    const struct cf_json *array = read_json(arena, object, "missed");

    if (!array)
        return field(object, "missed").p ? fail(object, "missed", err) : 0;
    if (array->type != CF_JSON_ARRAY)
        return fail(object, "missed", err);
    for (const struct cf_json *item = array->u.first; item; item = item->next) {
        if (item->type != CF_JSON_STRING || call->n_missed == CF_ENGINE_MAX_MISSED)
            return fail(object, "missed", err);
        call->missed[call->n_missed++] = know_agent(engine, item->u.str);
    }
    return 0;
}

static int read_plan(struct cf_arena *arena, const struct cf_engine_object *object, struct cf_plan *plan,
                     struct cf_err *err)
{
    const struct cf_json *skills = read_json(arena, object, "skills");
    const struct cf_json *prefer = read_json(arena, object, "prefer");

    if (skills ? !read_skills(arena, skills, plan->skills, &plan->n_skills)
               : field(object, "skills").p != NULL)
        return fail(object, "skills", err);
    if (prefer ? prefer->type != CF_JSON_ARRAY : field(object, "prefer").p != NULL)
        return fail(object, "prefer", err);
    for (const struct cf_json *item = prefer ? prefer->u.first : NULL; item; item = item->next) {
        if (item->type != CF_JSON_STRING || plan->n_prefer == sizeof(plan->prefer) / sizeof(plan->prefer[0]))
            return fail(object, "prefer", err);
        plan->prefer[plan->n_prefer++] = item->u.str;
    }
    return 0;
}

static int load_details(struct cf_engine *engine, const struct cf_engine_object *object, struct cf_call *call,
                        struct cf_err *err)
{
    struct cf_arena *arena = cf_arena_new(ARENA_LIMIT);
    const struct cf_json *node = read_json(arena, object, "customer");
    struct cf_plan plan = {.n_skills = 0};
    struct cf_customer customer;
    int rc = -1;

    if (!node || cf_event_read_customer(arena, node, &customer, err))
        (void)fail(object, "customer", err);
    else if (read_plan(arena, object, &plan, err) == 0 && load_missed(engine, arena, object, call, err) == 0)
        rc = 0;
    if (rc == 0)
        call->details = cf_engine_details(&customer, &plan);
    cf_arena_free(arena);
    return rc;
}

static int load_numbers(const struct cf_engine_object *object, struct cf_call *call, struct cf_err *err)
{
    int64_t priority = 0, hops = 0, acked = 0, step = 0;
    bool offered = call->state == CF_CALL_OFFERED, connected = call->state == CF_CALL_CONNECTED;
    const struct number numbers[] = {
        {"priority", &priority, false},
        {"enqueuedAt", &call->enqueued_at, false},
        {"inQueueSince", &call->in_queue_since, false},
        {"arrival", &call->arrival, false},
        {"offerSeq", &call->offer_seq, !offered && !connected},
        {"offeredAt", &call->offered_at, !offered && !connected},
        {"acknowledged", &acked, !offered},
        {"connectedAt", &call->connected_at, !connected},
        {"due", &call->timer.due, !connected},
        {"overflows", &hops, true},
        {"step", &step, true},
        {"holdUntil", &call->hold_until, true},
    };

    if (read_numbers(object, numbers, sizeof(numbers) / sizeof(numbers[0]), err))
        return -1;
    if (priority < 1 || priority > CF_POLICY_LOWEST_PRIORITY || hops < 0 || hops > CF_ENGINE_MAX_HOPS)
        return fail(object, "priority", err);
    call->priority = (uint8_t)priority;
    call->hops = (uint8_t)hops;
    call->acked = acked != 0;
    call->step = (uint8_t)step;
    return step < 0 || step > CF_POLICY_MAX_STEPS ? fail(object, "step", err) : 0;
}

static int load_tomb(struct cf_engine *engine, const struct cf_engine_object *object, struct cf_err *err)
{
    int64_t at = 0, number = 0, queued = 0, ended = 0, ended_at = 0, served = 0, enqueued_at = 0,
            abandoned = 0;
    struct cf_str caller = field(object, "caller");
    const struct number numbers[] = {{"at", &at, false},
                                     {"number", &number, false},
                                     {"queued", &queued, false},
                                     {"ended", &ended, false},
                                     {"endedAt", &ended_at, true},
                                     {"served", &served, true},
                                     {"enqueuedAt", &enqueued_at, !caller.p},
                                     {"abandoned", &abandoned, !caller.p}};
    struct cf_memory *memory;
    struct cf_tomb *tomb;

    if (read_numbers(object, numbers, sizeof(numbers) / sizeof(numbers[0]), err))
        return -1;
    engine->n_buried--; /* adding counts it once more */
    tomb = cf_engine_add_tomb(engine, object->id, queued != 0, ended != 0);
    tomb->at = at;
    tomb->number = number;
    if (queued && !caller.p)
        return 0;
    memory = cf_engine_memory(tomb);
    memory->ended_at = ended_at;
    memory->served = served != 0;
    if (!caller.p)
        return 0;
    memory->queue = cf_engine_queue(engine, field(object, "queue"));
    memory->enqueued_at = enqueued_at;
    memory->abandoned = abandoned != 0;
    if (field(object, "agent").p)
        memory->agent = know_agent(engine, field(object, "agent"));
    cf_engine_remember(cf_engine_caller(engine, caller), tomb);
    return 0;
}

/* The queues it is in at the same time; what they need is found when all is there. */
static int load_more(struct cf_engine *engine, const struct cf_engine_object *object, struct cf_call *call,
                     struct cf_err *err)
{
    struct cf_arena *arena = cf_arena_new(ARENA_LIMIT);
    const struct cf_json *array = read_json(arena, object, "alsoQueues");
    bool ok = array ? array->type == CF_JSON_ARRAY : !field(object, "alsoQueues").p;

    if (array)
        call->more = cf_calloc(CF_POLICY_MAX_QUEUED - 1, sizeof(*call->more));
    for (const struct cf_json *item = ok && array ? array->u.first : NULL; item && ok; item = item->next) {
        ok = item->type == CF_JSON_STRING && call->n_more < CF_POLICY_MAX_QUEUED - 1;
        if (ok)
            call->more[call->n_more++].queue = cf_engine_queue(engine, item->u.str);
    }
    cf_arena_free(arena);
    return ok ? 0 : fail(object, "alsoQueues", err);
}

static int load_call(struct cf_engine *engine, const struct cf_engine_object *object, struct cf_err *err)
{
    struct cf_str state = field(object, "state"), agent = field(object, "agent");
    struct cf_call *call;
    int which = find_word(states, state);

    if (cf_ids_get(&engine->calls, object->id))
        return fail(object, "id", err);
    if (cf_str_is(state, "over"))
        return load_tomb(engine, object, err);
    if (which < 0)
        return fail(object, "state", err);
    call = cf_engine_new_call(engine, object->id);
    cf_engine_set_call_state(engine, call, (enum cf_call_state)which);
    if (load_numbers(object, call, err) || load_details(engine, object, call, err))
        return -1;
    call->queue = cf_engine_queue(engine, field(object, "queue"));
    call->home.queue = field(object, "home").p ? cf_engine_queue(engine, field(object, "home")) : call->queue;
    call->caller = cf_engine_caller(engine, field(object, "caller"));
    if (field(object, "answeredBy").p)
        call->answered_by = know_agent(engine, field(object, "answeredBy"));
    if (load_more(engine, object, call, err))
        return -1;
    if (call->state == CF_CALL_WAITING ? agent.p != NULL : call->state == CF_CALL_OFFERED && !agent.p)
        return fail(object, "agent", err);
    if (agent.p)
        call->agent = know_agent(engine, agent);
    return 0;
}

static int load_profile(struct cf_engine *engine, const struct cf_engine_object *object,
                        struct cf_agent *agent, struct cf_err *err)
{
    struct cf_arena *arena = cf_arena_new(ARENA_LIMIT);
    const struct cf_json *node = read_json(arena, object, "skills");
    struct cf_skill skills[CF_ENGINE_MAX_SKILLS];
    struct cf_profile *old = agent->profile;
    size_t n = 0;
    bool ok = node ? read_skills(arena, node, skills, &n) : !field(object, "skills").p;

    if (ok) {
        agent->profile =
            cf_engine_profile(engine, field(object, "team"), (struct cf_policy_needs){skills, n});
        cf_engine_drop_profile(engine, old);
    }
    cf_arena_free(arena);
    return ok ? 0 : fail(object, "skills", err);
}

static int load_agent(struct cf_engine *engine, const struct cf_engine_object *object, struct cf_err *err)
{
    struct cf_agent *agent = know_agent(engine, object->id);
    int phase = find_word(phases, field(object, "state")), last_state = 0;
    const struct number numbers[] = {
        {"since", &agent->since, false},   {"readySeq", &agent->ready_seq, false},
        {"missed", &agent->missed, false}, {"calls", &agent->calls, false},
        {"number", &agent->number, false}, {"lastAt", &agent->last_at, false},
        {"due", &agent->timer.due, true}};

    if (agent->loaded)
        return fail(object, "id", err);
    while (last_state <= CF_AGENT_OTHER &&
           !cf_str_is(field(object, "lastState"), cf_agent_status_name((enum cf_agent_status)last_state)))
        last_state++;
    if (phase < 0 || last_state > CF_AGENT_OTHER)
        return fail(object, "state", err);
    if (read_numbers(object, numbers, sizeof(numbers) / sizeof(numbers[0]), err) ||
        load_profile(engine, object, agent, err))
        return -1;
    agent->loaded = true;
    agent->last_state = (uint8_t)last_state;
    engine->n_phase[agent->phase]--;
    agent->phase = (uint8_t)phase;
    engine->n_phase[phase]++;
    if (field(object, "name").p)
        cf_engine_rename(engine, agent, field(object, "name"));
    return 0;
}

int cf_engine_load_object(struct cf_engine *engine, const struct cf_engine_object *object, struct cf_err *err)
{
    switch (object->kind) {
    case CF_ENGINE_META:
        return load_meta(engine, object, err);
    case CF_ENGINE_POLICY:
        return load_policy(engine, object, err);
    case CF_ENGINE_QUEUE:
        return load_queue(engine, object, err);
    case CF_ENGINE_CALL:
        return load_call(engine, object, err);
    case CF_ENGINE_AGENT:
        return load_agent(engine, object, err);
    }
    return cf_err_set(err, CF_ERR_REJECTED, "engine", 0, "stored object: unknown kind");
}
