/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to a call while it waits: steps, holds, ways out, hours, several queues, coming back. */
#include <check.h>

#include "unit/workers/routing/engine_rig.h"

#define T0 "1000000"
#define QUEUE(settings)                                                                                      \
    "{\"version\":1,\"queues\":[{\"id\":\"q\",\"wrapUpMs\":0," settings "},{\"id\":\"r\",\"teams\":\"x\"}]}"
#define RULES(settings, rules)                                                                               \
    "{\"version\":1,\"defaults\":{\"wrapUpMs\":0},\"queues\":[{\"id\":\"q\"" settings                        \
    "},{\"id\":\"r\",\"teams\":\"x\"}],\"rules\":[" rules "]}"
#define HOLD RULES("", "{\"then\":{\"prefer\":\"case-owner\",\"preferHoldMs\":5000}}")

/* The decisions of a row are one text on several lines.
 * NOLINTBEGIN(bugprone-suspicious-missing-comma) */
static const struct rig_scenario scenarios[] = {
    {"steps: a lower level, then more teams, then anybody",
     QUEUE("\"skills\":{\"x\":5},\"teams\":\"t\",\"steps\":[{\"afterMs\":1000,\"skills\":{\"x\":3}},"
           "{\"afterMs\":2000,\"teams\":\"u\"},{\"afterMs\":3000,\"drop\":\"*\",\"teams\":\"*\"}]"),
     {T0 " agent a available team=t skill=x:4", "1000001 agent b available team=u skill=x:3",
      "1000002 agent c available", "1000100 queue c1", "1001100 tick", "1001200 queue c2", "1002200 tick",
      "1003200 tick", "1003300 queue c3", "1006300 tick"},
     "agent-ready - a available\nagent-ready - b available\nagent-ready - c available\n"
     "queued c1 - default-queue\nrelaxed c1 - step\noffered c1 a longest-available\n"
     "queued c2 - default-queue\nrelaxed c2 - step\nrelaxed c2 - step\noffered c2 b longest-available\n"
     "queued c3 - default-queue\nrelaxed c3 - step\nrelaxed c3 - step\nrelaxed c3 - step\n"
     "offered c3 c longest-available\n"},
    {"steps: the call keeps its place, and loses the step when it moves on",
     QUEUE("\"skills\":{\"x\":true},\"maxWaitMs\":2000,\"overflow\":{\"queue\":\"r\"},\"steps\":[{"
           "\"afterMs\":1000,\"drop\":\"x\"}]"),
     {T0 " queue c1", "1001500 queue c2 in=q", "1001600 agent a available", "1001700 end c1", "1003500 tick"},
     "queued c1 - default-queue\nrelaxed c1 - step\nqueued c2 - requested\nagent-ready - a "
     "available\noffered c1 a next-call\n"
     "abandoned c1 a while-offered\nagent-ready - a abandoned\nrelaxed c2 - step\noffered c2 a "
     "longest-available\n"},
    {"hold: the busy owner gets the call, though others are free",
     HOLD,
     {T0 " agent a available", "1000001 queue c1", "1000002 agent a connected", "1000003 agent b available",
      "1000004 queue c2 owner=a", "1000005 queue c3", "1000006 end c1"},
     "agent-ready - a available\nqueued c1 - default-queue\noffered c1 a longest-available\nconnected c1 a "
     "answered\n"
     "agent-ready - b available\nqueued c2 - default-queue\nqueued c3 - default-queue\n"
     "offered c3 b longest-available\nended c1 a call-ended\nagent-ready - a call-ended\noffered c2 a "
     "preferred-agent\n"},
    {"hold: over, and anybody will do",
     HOLD,
     {T0 " agent a available", "1000001 queue c1", "1000002 agent a connected", "1000003 agent b available",
      "1000004 queue c2 owner=a", "1005004 tick"},
     "agent-ready - a available\nqueued c1 - default-queue\noffered c1 a longest-available\nconnected c1 a "
     "answered\n"
     "agent-ready - b available\nqueued c2 - default-queue\nrelaxed c2 - hold-over\noffered c2 b "
     "longest-available\n"},
    {"hold: the owner goes, and nobody waits for him",
     HOLD,
     {T0 " agent a available", "1000001 queue c1", "1000002 agent a connected", "1000003 agent b available",
      "1000004 queue c2 owner=a", "1000005 agent a offline", "1000006 queue c3 owner=a"},
     "agent-ready - a available\nqueued c1 - default-queue\noffered c1 a longest-available\nconnected c1 a "
     "answered\n"
     "agent-ready - b available\nqueued c2 - default-queue\nagent-unavailable c1 a offline\n"
     "relaxed c2 - preferred-away\noffered c2 b longest-available\nqueued c3 - default-queue\n"},
    {"nobody on duty: at once when the policy says so",
     QUEUE("\"noAgentMs\":0,\"onNoAgent\":{\"queue\":\"r\"}"),
     {T0 " queue c1", "1000001 agent a available", "1000002 queue c2", "1000003 queue c3"},
     "queued c1 - default-queue\noverflowed c1 - no-agent\nagent-ready - a available\n"
     "queued c2 - default-queue\noffered c2 a longest-available\nqueued c3 - default-queue\n"},
    {"nobody on duty: looked at after a while, and again",
     QUEUE("\"noAgentMs\":5000,\"overflow\":\"end\""),
     {T0 " agent a available", "1000001 agent a connected call=x", "1000002 queue c1", "1005002 tick",
      "1006000 agent a offline", "1015001 tick", "1015002 tick"},
     "agent-ready - a available\nagent-unavailable - a busy\nqueued c1 - default-queue\n"
     "agent-unavailable - a offline\nended c1 - no-agent\n"},
    {"full: one too many goes elsewhere",
     QUEUE("\"maxCalls\":1,\"overflow\":\"end\",\"onFull\":{\"queue\":\"r\"}"),
     {T0 " queue c1", "1000001 queue c2", "1000002 agent a available team=x",
      "1000003 agent b available team=x"},
     "queued c1 - default-queue\nqueued c2 - default-queue\noverflowed c2 - queue-full\n"
     "agent-ready - a available\noffered c1 a next-call\nagent-ready - b available\noffered c2 b "
     "next-call\n"},
    {"closed: elsewhere, or the end",
     "{\"version\":1,\"hours\":{\"h\":{\"week\":{\"mon-sun\":\"00:00-00:17\"}}},\"defaults\":{\"hours\":"
     "\"h\"},"
     "\"queues\":[{\"id\":\"q\",\"onClosed\":{\"queue\":\"r\"}},{\"id\":\"r\"}]}",
     {T0 " queue c1", "1020000 queue c2"},
     "queued c1 - default-queue\nqueued c2 - default-queue\noverflowed c2 - closed\nended c2 - closed\n"},
    {"several queues: whoever is free first, one winner",
     RULES(",\"skills\":{\"s\":true}",
           "{\"id\":\"both\",\"when\":{\"language\":\"de\"},\"then\":{\"queue\":[\"q\",\"r\"]}}"),
     {T0 " queue c1 lang=de", "1000001 queue c2 lang=de", "1000002 agent a available team=x",
      "1000003 agent b available skill=s", "1000004 agent a idle", "1000005 end c1",
      "1000006 agent c available team=x skill=s"},
     "queued c1 - rule\nqueued c2 - rule\nagent-ready - a available\noffered c1 a next-call\n"
     "agent-ready - b available\noffered c2 b next-call\nrequeued c1 a rejected\nagent-unavailable - a idle\n"
     "abandoned c1 - while-waiting\nagent-ready - c available\n"},
    {"abandoned and back within the time: the old place, once",
     QUEUE("\"resumeMs\":60000"),
     {T0 " queue c1 contact=k", "1010000 queue c2", "1020000 end c1", "1030000 queue c3 contact=k",
      "1040000 agent a available", "1040001 end c3", "1040002 queue c4 contact=k", "1040003 end c4",
      "1040004 end c2", "1040005 agent a idle", "1110000 queue c5 contact=k"},
     "queued c1 - default-queue\nqueued c2 - default-queue\nabandoned c1 - while-waiting\nqueued c3 - "
     "resumed\n"
     "agent-ready - a available\noffered c3 a next-call\nabandoned c3 a while-offered\nagent-ready - a "
     "abandoned\n"
     "offered c2 a next-call\nqueued c4 - resumed\nabandoned c4 - while-waiting\n"
     "abandoned c2 a while-offered\nagent-ready - a abandoned\nagent-unavailable - a idle\nqueued c5 - "
     "default-queue\n"},
    {"a repeated call: other priority, and the agent who talked last",
     RULES("", "{\"when\":{\"repeatWithinMs\":60000},\"then\":{\"priority\":1,\"prefer\":\"last-agent\"}}"),
     {T0 " agent a available", "1000001 queue c1 contact=k", "1000002 agent a connected", "1000003 end c1",
      "1000004 agent b available", "1000005 agent a idle", "1000006 agent a available",
      "1000007 queue c2 contact=k", "1000008 end c2", "1070000 queue c3 contact=k"},
     "agent-ready - a available\nqueued c1 - default-queue\noffered c1 a longest-available\n"
     "connected c1 a answered\nended c1 a call-ended\nagent-ready - a call-ended\nagent-ready - b available\n"
     "agent-unavailable - a idle\nagent-ready - a available\nqueued c2 - default-queue\n"
     "offered c2 a preferred-agent\nabandoned c2 a while-offered\nagent-ready - a abandoned\n"
     "queued c3 - default-queue\noffered c3 b longest-available\n"},
};
/* NOLINTEND(bugprone-suspicious-missing-comma) */

START_TEST(plays_scenario)
{
    rig_check(&scenarios[_i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine wait");
    TCase *rows = tcase_create("scenarios");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(rows, plays_scenario, 0, (int)(sizeof(scenarios) / sizeof(scenarios[0])));
    suite_add_tcase(suite, rows);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
