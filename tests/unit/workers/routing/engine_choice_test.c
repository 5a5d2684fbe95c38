/* SPDX-License-Identifier: Apache-2.0 */
/* Which agent: the choices, skills of every kind, and what happens after an offer went wrong. */
#include <check.h>

#include "unit/workers/routing/engine_rig.h"

#define T0 "1000000"
#define QUEUE(settings) "{\"version\":1,\"queues\":[{\"id\":\"q\",\"wrapUpMs\":0," settings "}]}"

/* The decisions of a row are one text on several lines.
 * NOLINTBEGIN(bugprone-suspicious-missing-comma) */
static const struct rig_scenario scenarios[] = {
    {"best-skill: the highest level first, then the longest available",
     QUEUE("\"choice\":\"best-skill\",\"skills\":{\"x\":1,\"y\":true}"),
     {T0 " agent a available skill=x:1 skill=y:1", "1000001 agent b available skill=x:3 skill=y:1",
      "1000002 agent c available skill=x:2 skill=y:2", "1000003 queue c1", "1000004 queue c2",
      "1000005 queue c3"},
     "agent-ready - a available\nagent-ready - b available\nagent-ready - c available\n"
     "queued c1 - default-queue\noffered c1 b best-skill\nqueued c2 - default-queue\noffered c2 c "
     "best-skill\n"
     "queued c3 - default-queue\noffered c3 a best-skill\n"},
    {"fewest-calls: who took the least since he logged in",
     QUEUE("\"choice\":\"fewest-calls\""),
     {T0 " agent a available", "1000001 queue c1", "1000002 agent a connected", "1000003 end c1",
      "1000004 agent b available", "1000005 queue c2", "1000006 queue c3"},
     "agent-ready - a available\nqueued c1 - default-queue\noffered c1 a fewest-calls\nconnected c1 a "
     "answered\n"
     "ended c1 a call-ended\nagent-ready - a call-ended\nagent-ready - b available\n"
     "queued c2 - default-queue\noffered c2 b fewest-calls\nqueued c3 - default-queue\n"
     "offered c3 a fewest-calls\n"},
    {"linear: by the policy's list, then as they became known",
     "{\"version\":1,\"agents\":[\"z\",\"y\"],\"queues\":[{\"id\":\"q\",\"choice\":\"linear\"}]}",
     {T0 " agent b available", "1000001 agent a available", "1000002 agent y available",
      "1000003 agent z available", "1000004 queue c1", "1000005 queue c2", "1000006 queue c3"},
     "agent-ready - b available\nagent-ready - a available\nagent-ready - y available\n"
     "agent-ready - z available\nqueued c1 - default-queue\noffered c1 z linear\nqueued c2 - default-queue\n"
     "offered c2 y linear\nqueued c3 - default-queue\noffered c3 b linear\n"},
    {"circular: behind the one who was offered the last call, and round again",
     QUEUE("\"choice\":\"circular\",\"offerMs\":60000"),
     {T0 " agent a available team=t", "1000001 agent b available", "1000002 agent c available team=t",
      "1000003 queue c1", "1000004 end c1", "1000005 queue c2", "1000006 end c2", "1000007 queue c3",
      "1000008 end c3", "1000009 queue c4"},
     "agent-ready - a available\nagent-ready - b available\nagent-ready - c available\n"
     "queued c1 - default-queue\noffered c1 a circular\nabandoned c1 a while-offered\nagent-ready - a "
     "abandoned\n"
     "queued c2 - default-queue\noffered c2 b circular\nabandoned c2 b while-offered\nagent-ready - b "
     "abandoned\n"
     "queued c3 - default-queue\noffered c3 c circular\nabandoned c3 c while-offered\nagent-ready - c "
     "abandoned\n"
     "queued c4 - default-queue\noffered c4 a circular\n"},
    {"circular: who missed the call is passed over",
     QUEUE("\"choice\":\"circular\""),
     {T0 " agent a available", "1000001 agent b available", "1000002 queue c1", "1000003 agent a available",
      "1000004 agent b available"},
     "agent-ready - a available\nagent-ready - b available\nqueued c1 - default-queue\n"
     "offered c1 a circular\nrequeued c1 a rejected\noffered c1 b circular\nagent-ready - a rejected\n"
     "requeued c1 b rejected\noffered c1 a circular\nagent-ready - b rejected\n"},
    {"fewest-calls: who missed the call is passed over",
     QUEUE("\"choice\":\"fewest-calls\""),
     {T0 " agent a available", "1000001 agent b available", "1000002 queue c1", "1000003 agent a available"},
     "agent-ready - a available\nagent-ready - b available\nqueued c1 - default-queue\n"
     "offered c1 a fewest-calls\nrequeued c1 a rejected\noffered c1 b fewest-calls\nagent-ready - a "
     "rejected\n"},
    {"a skill that is one of several texts",
     QUEUE("\"skills\":{\"lang\":[\"de\",\"fr\"],\"blind\":false}"),
     {T0 " agent a available skill=lang:en", "1000001 agent b available skill=lang:FR skill=blind",
      "1000002 agent c available skill=lang:FR", "1000003 queue c1"},
     "agent-ready - a available\nagent-ready - b available\nagent-ready - c available\n"
     "queued c1 - default-queue\noffered c1 c longest-available\n"},
    {"no answer: left alone for the delay, and saying it once more does not end it",
     QUEUE("\"noAnswerDelayMs\":5000"),
     {T0 " agent a available", "1000000 queue c1", "1020000 tick", "1021000 agent a available",
      "1025000 tick"},
     "agent-ready - a available\nqueued c1 - default-queue\noffered c1 a longest-available\n"
     "requeued c1 a no-answer\nagent-unavailable - a no-answer\nignored - a paused\n"
     "agent-ready - a delay-over\noffered c1 a next-call\n"},
    {"rejected: left alone for the delay",
     QUEUE("\"rejectDelayMs\":5000"),
     {T0 " agent a available", "1000000 queue c1", "1001000 agent a available", "1006000 tick"},
     "agent-ready - a available\nqueued c1 - default-queue\noffered c1 a longest-available\n"
     "requeued c1 a rejected\nagent-unavailable - a rejected\nagent-ready - a delay-over\n"
     "offered c1 a next-call\n"},
    {"busy: back by himself after the delay",
     QUEUE("\"busyDelayMs\":5000"),
     {T0 " agent a available", "1000000 queue c1", "1001000 agent a connected call=x", "1006000 tick"},
     "agent-ready - a available\nqueued c1 - default-queue\noffered c1 a longest-available\n"
     "requeued c1 a busy\nagent-unavailable - a busy\nagent-ready - a delay-over\noffered c1 a next-call\n"},
    {"paused and gone: he is away until he comes back himself",
     QUEUE("\"rejectDelayMs\":5000"),
     {T0 " agent a available", "1000000 queue c1", "1001000 agent a available", "1002000 agent a idle",
      "1007000 tick", "1008000 agent a available"},
     "agent-ready - a available\nqueued c1 - default-queue\noffered c1 a longest-available\n"
     "requeued c1 a rejected\nagent-unavailable - a rejected\nagent-unavailable - a idle\n"
     "agent-ready - a available\noffered c1 a next-call\n"},
};
/* NOLINTEND(bugprone-suspicious-missing-comma) */

START_TEST(plays_scenario)
{
    rig_check(&scenarios[_i]);
}
END_TEST

START_TEST(names_the_estimator)
{
    struct rig rig;

    rig_init(&rig, QUEUE("\"estimate\":\"last-wait\",\"handleMs\":60000"));
    rig_play(&rig, "1000000 queue c1");
    ck_assert_int_eq(rig.last.estimated_wait_ms, -1);
    rig_play(&rig, "1007000 agent a available");
    rig_play(&rig, "1007000 queue c2");
    ck_assert_int_eq(rig.last.estimated_wait_ms, 60000);
    ck_assert_str_eq(rig.estimator, "queue-length");
    rig_play(&rig, "1009000 agent a connected");
    rig_play(&rig, "1009000 queue c3");
    ck_assert_int_eq(rig.last.estimated_wait_ms, 9000);
    ck_assert_str_eq(rig.estimator, "last-wait");
    rig_done(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine choice");
    TCase *rows = tcase_create("scenarios");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(rows, plays_scenario, 0, (int)(sizeof(scenarios) / sizeof(scenarios[0])));
    tcase_add_test(rows, names_the_estimator);
    suite_add_tcase(suite, rows);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
