/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checker's model on histories written by hand: of each invariant one that keeps it and one that does
 * not.
 *
 * A line is a record as in engine_rig.h, or a decision of the record before it:
 *   > AT DECISION CALL AGENT REASON [pos=N] [wait=MS] [prio=N] [offer=ID] [deadline=MS] [seq=N] [to=QUEUE]
 * Decisions count from 1; an offer's id and deadline are what they should be unless they are given.
 */
#include <check.h>
#include <stdio.h>

#include "check/model.h"
#include "unit/workers/routing/engine_rig.h"

enum { LINES = 24 };

struct history {
    const char *name;
    const char *lines[LINES];
    int invariant; /* that has findings, 0: none has */
};

struct player {
    struct report report;
    struct model *model;
    struct rig_line line;
    struct cf_rt_record record;
    bool open;
    int64_t seq, offset;
};

static void close_record(struct player *p)
{
    if (p->open)
        model_close(p->model);
    p->open = false;
}

static void play_record(struct player *p, const char *text)
{
    struct cf_str line = cf_str_of(text), verb, id;

    close_record(p);
    p->line = (struct rig_line){0};
    p->record = (struct cf_rt_record){.t = rig_number(rig_word(&line)), .offset = p->offset};
    p->record.cause.topic = CF_STR("in");
    p->record.cause.offset = p->offset++;
    verb = rig_word(&line);
    id = rig_word(&line);
    if (cf_str_is(verb, "agent"))
        p->line.agent =
            (struct cf_agent_state){.agent_id = id, .state = rig_status(rig_word(&line)), .at = p->record.t};
    p->line.queued.call_id = p->line.ended.call_id = id;
    p->line.queued.queued_at = p->record.t;
    while (cf_str_trim(line).n > 0)
        rig_option(&p->line, rig_word(&line));
    p->line.queued.has_request = true;
    p->line.queued.request.skills = p->line.agent.skills = p->line.skills;
    p->line.queued.request.n_skills = p->line.agent.n_skills = p->line.n_skills;
    p->line.agent.has_skills = p->line.n_skills > 0;
    p->record.u.call_queued = &p->line.queued;
    p->record.kind = CF_RT_CALL_QUEUED;
    if (cf_str_is(verb, "end")) {
        p->record.kind = CF_RT_CALL_ENDED;
        p->record.u.call_ended = &p->line.ended;
    } else if (cf_str_is(verb, "agent")) {
        p->record.kind = CF_RT_AGENT_STATE;
        p->record.u.agent_state = &p->line.agent;
    } else if (cf_str_is(verb, "tick")) {
        p->record.kind = CF_RT_TICK;
        p->record.cause.topic = (struct cf_str){0};
    }
    model_open(p->model, &p->record);
    p->open = true;
}

static void set_option(struct player *p, struct cf_call_routed *d, struct cf_str word)
{
    const char *equals = memchr(word.p, '=', word.n);
    struct cf_str key = {word.p, equals ? (size_t)(equals - word.p) : 0};
    struct cf_str value = {word.p + key.n + 1, word.n - key.n - 1};

    if (cf_str_is(key, "offer"))
        d->offer_id = value;
    else if (cf_str_is(key, "to"))
        d->queue_id = value;
    else if (cf_str_is(key, "pos"))
        d->position = rig_number(value);
    else if (cf_str_is(key, "wait"))
        d->wait_ms = rig_number(value);
    else if (cf_str_is(key, "prio"))
        d->priority = rig_number(value);
    else if (cf_str_is(key, "deadline"))
        d->deadline = rig_number(value);
    else if (cf_str_is(key, "seq"))
        p->seq = d->seq = rig_number(value);
    else
        abort();
}

static void play_decision(struct player *p, const char *text)
{
    struct cf_str line = cf_str_of(text);
    struct cf_call_routed d = {.seq = ++p->seq, .position = -1, .step = -1, .hold_until = -1, .priority = 5};
    struct cf_str dash = CF_STR("-"), call, agent;
    char offer[32];

    d.at = rig_number(rig_word(&line));
    d.decision = rig_word(&line);
    call = rig_word(&line);
    agent = rig_word(&line);
    d.call_id = cf_str_eq(call, dash) ? (struct cf_str){0} : call;
    d.agent_id = cf_str_eq(agent, dash) ? (struct cf_str){0} : agent;
    d.reason = rig_word(&line);
    d.queue_id = CF_STR("support");
    (void)snprintf(offer, sizeof(offer), "default-%lld", (long long)d.seq);
    d.offer_id = cf_str_of(offer);
    d.deadline = d.at + 20000;
    while (cf_str_trim(line).n > 0)
        set_option(p, &d, rig_word(&line));
    p->report.what = d.decision;
    model_decision(p->model, &d);
}

static size_t count_others(const struct report *report, int invariant)
{
    return report->total - (invariant > 0 ? report->n[invariant] : 0);
}

static void play(const struct history *h)
{
    struct player p = {0};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    report_init(&p.report, out, 100);
    p.report.domain = CF_STR("default");
    p.model = model_new(CF_STR("default"), &p.report);
    for (size_t i = 0; i < LINES && h->lines[i]; i++) {
        if (h->lines[i][0] == '>')
            play_decision(&p, h->lines[i] + 1);
        else
            play_record(&p, h->lines[i]);
    }
    close_record(&p);
    model_finish(p.model);
    (void)fclose(out);
    ck_assert_msg(h->invariant == 0 || p.report.n[h->invariant] > 0, "%s: I%d is not found\n%s", h->name,
                  h->invariant, text);
    ck_assert_msg(h->invariant > 0 || count_others(&p.report, h->invariant) == 0, "%s: found\n%s", h->name,
                  text);
    model_free(p.model);
    free(text);
}

#define ANN_FREE "1000 agent ann available", "> 1000 agent-ready - ann available"
#define BOB_FREE "1000 agent bob available", "> 1000 agent-ready - bob available"
#define C1_OFFERED                                                                                           \
    "2000 queue c1", "> 2000 queued c1 - default-queue pos=1", "> 2000 offered c1 ann longest-available"
#define C1_WAITS "2000 queue c1", "> 2000 queued c1 - default-queue pos=1"
#define C1_ANSWERED                                                                                          \
    ANN_FREE, C1_OFFERED, "3000 agent ann connected offer=default-3",                                        \
        "> 3000 connected c1 ann answered wait=1000 offer=default-3"
#define ANN_MISSES "22000 tick", "> 22000 requeued c1 ann no-answer wait=20000"

static const struct history histories[] = {
    {"a call from beginning to end",
     {C1_ANSWERED, "9000 end c1", "> 9000 ended c1 ann call-ended", "19000 tick",
      "> 19000 agent-ready - ann wrap-up-over"},
     0},
    {"I1: offered while he talks",
     {C1_ANSWERED, "4000 queue c2", "> 4000 queued c2 - default-queue pos=1",
      "> 4000 offered c2 ann longest-available"},
     1},
    {"I1: the id of another offer",
     {ANN_FREE, C1_WAITS, "> 2000 offered c1 ann longest-available offer=default-9"},
     1},
    {"I2: two offers at once",
     {ANN_FREE, BOB_FREE, C1_OFFERED, "> 2000 offered c1 bob longest-available"},
     2},
    {"I2: answered without an offer",
     {ANN_FREE, C1_OFFERED, "3000 agent bob connected",
      "> 3000 connected c1 bob answered wait=1000 offer=default-3"},
     2},
    {"the caller hangs up", {C1_WAITS, "3000 end c1", "> 3000 abandoned c1 - while-waiting wait=1000"}, 0},
    {"I3: the end is not decided", {C1_WAITS, "3000 end c1", "> 3000 ignored c1 - late"}, 3},
    {"I3: it ends twice",
     {C1_WAITS, "3000 end c1", "> 3000 abandoned c1 - while-waiting wait=1000", "4000 end c1",
      "> 4000 abandoned c1 - while-waiting wait=1000"},
     3},
    {"I4: a record without a decision", {C1_WAITS, "3000 queue c2"}, 4},
    {"I4: nobody said so", {C1_WAITS, "3000 tick", "> 3000 abandoned c1 - while-waiting wait=1000"}, 4},
    {"I4: before its time",
     {ANN_FREE, C1_OFFERED, "9000 tick", "> 9000 requeued c1 ann no-answer wait=7000"},
     4},
    {"a call comes twice", {C1_WAITS, "3000 queue c1", "> 3000 ignored c1 - duplicate"}, 0},
    {"I5: and is queued twice", {C1_WAITS, "3000 queue c1", "> 3000 queued c1 - default-queue pos=1"}, 5},
    {"I5: an agent is heard twice",
     {ANN_FREE, "1500 agent ann available when=1000", "> 1500 agent-ready - ann available"},
     5},
    {"I6: nothing is said of the agent",
     {ANN_FREE, C1_OFFERED, "3000 end c1", "> 3000 abandoned c1 ann while-offered wait=1000"},
     6},
    {"I6: free too early",
     {C1_ANSWERED, "9000 end c1", "> 9000 ended c1 ann call-ended", "12000 tick",
      "> 12000 agent-ready - ann wrap-up-over"},
     6},
    {"I6: free, and holds a call",
     {C1_ANSWERED, "4000 agent ann available", "> 4000 agent-ready - ann available"},
     6},
    {"the first in order is served",
     {C1_WAITS, "2500 queue c2", "> 2500 queued c2 - default-queue prio=4 pos=1", "3000 agent ann available",
      "> 3000 agent-ready - ann available", "> 3000 offered c2 ann next-call wait=500 prio=4"},
     0},
    {"I7: the second is served",
     {C1_WAITS, "2500 queue c2", "> 2500 queued c2 - default-queue prio=4 pos=1", "3000 agent ann available",
      "> 3000 agent-ready - ann available", "> 3000 offered c1 ann next-call wait=1000"},
     7},
    {"I8: overtaken by more than the priorities allow",
     {C1_WAITS, "99000 queue c2", "> 99000 queued c2 - default-queue prio=4 pos=2",
      "99000 agent ann available", "> 99000 agent-ready - ann available",
      "> 99000 offered c2 ann next-call prio=4"},
     8},
    {"I9: free while a call waits",
     {C1_WAITS, "3000 agent ann available", "> 3000 agent-ready - ann available"},
     9},
    {"who lacks the skill may be free",
     {"2000 queue c1 need=x", "> 2000 queued c1 - default-queue pos=1", "3000 agent ann available",
      "> 3000 agent-ready - ann available"},
     0},
    {"the deadline passes",
     {ANN_FREE, C1_OFFERED, ANN_MISSES, "> 22000 agent-ready - ann no-answer",
      "> 22000 offered c1 ann next-call wait=20000"},
     0},
    {"I10: and nothing happens", {ANN_FREE, C1_OFFERED, "23000 tick"}, 10},
    {"I10: an offer that stands too long",
     {ANN_FREE, C1_WAITS, "> 2000 offered c1 ann longest-available deadline=90000"},
     10},
    {"I11: the age is lost",
     {ANN_FREE, C1_OFFERED, "22000 tick", "> 22000 requeued c1 ann no-answer",
      "> 22000 agent-ready - ann no-answer", "> 22000 offered c1 ann next-call"},
     11},
    {"the other one is asked",
     {ANN_FREE, BOB_FREE, "2000 queue c1", "> 2000 queued c1 - default-queue pos=1",
      "> 2000 offered c1 ann longest-available", "22000 tick", "> 22000 requeued c1 ann no-answer wait=20000",
      "> 22000 offered c1 bob longest-available wait=20000", "> 22000 agent-ready - ann no-answer"},
     0},
    {"I12: the same one is asked",
     {ANN_FREE, BOB_FREE, "2000 queue c1", "> 2000 queued c1 - default-queue pos=1",
      "> 2000 offered c1 ann longest-available", ANN_MISSES, "> 22000 agent-ready - ann no-answer",
      "> 22000 offered c1 ann next-call wait=20000"},
     12},
    {"I13: an answer to an offer that is over",
     {ANN_FREE, C1_OFFERED, "3000 agent ann connected offer=default-1",
      "> 3000 connected c1 ann answered wait=1000 offer=default-3"},
     13},
    {"an end that comes first",
     {"1000 end c1", "> 1000 ignored c1 - unknown-call", "2000 queue c1 queued=500",
      "> 2000 queued c1 - default-queue wait=1500", "> 2000 abandoned c1 - ended-before-queued wait=500"},
     0},
    {"I13: and the call is queued all the same",
     {"1000 end c1", "> 1000 ignored c1 - unknown-call", C1_WAITS},
     13},
    {"I14: a wrong place", {C1_WAITS, "3000 queue c2", "> 3000 queued c2 - default-queue pos=1"}, 14},
};

START_TEST(the_model_finds)
{
    play(&histories[_i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("callfleet-check model");
    TCase *model = tcase_create("model");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(model, the_model_finds, 0, (int)(sizeof(histories) / sizeof(histories[0])));
    suite_add_tcase(suite, model);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
