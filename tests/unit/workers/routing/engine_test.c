/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>

#include "unit/workers/routing/engine_rig.h"

#define T0 "1000000"

/* One queue that nothing fancy happens in, and short times. */
#define SIMPLE                                                                                               \
    "{\"version\":1,\"queues\":[{\"id\":\"support\",\"offerMs\":20000,\"wrapUpMs\":10000,"                   \
    "\"maxWaitMs\":600000,\"maxMissed\":2}]}"

/* Two queues, skills, teams, rules. */
#define RICH                                                                                                 \
    "{\"version\":1,\"defaults\":{\"maxWaitMs\":60000,\"wrapUpMs\":0},\"queues\":["                          \
    "{\"id\":\"support\"},"                                                                                  \
    "{\"id\":\"sales\",\"teams\":\"hunters\",\"overflow\":{\"queue\":\"support\"}},"                         \
    "{\"id\":\"tech\",\"skills\":{\"product\":3,\"lang\":\"de\"}},"                                          \
    "{\"id\":\"vip\",\"order\":\"strict\"}],"                                                                \
    "\"entryPoints\":{\"ep-sales\":\"sales\"},\"rules\":["                                                   \
    "{\"when\":{\"tier\":\"gold\"},\"then\":{\"priority\":2}},"                                              \
    "{\"when\":{\"casePriority\":\"High\"},\"then\":{\"priority\":3,\"prefer\":\"case-owner\"}},"            \
    "{\"when\":{\"language\":\"fr\"},\"then\":{\"skills\":{\"french\":true}}},"                              \
    "{\"when\":{\"customer\":\"ambiguous\"},\"then\":{\"queue\":\"vip\"}}]}"

/* The decisions of a row are one text on several lines.
 * NOLINTBEGIN(bugprone-suspicious-missing-comma) */
static const struct rig_scenario scenarios[] = {
    {"a call finds the waiting agent",
     NULL,
     {T0 " agent a available", "1000100 queue c1", "1000200 agent a connected call=c1", "1060000 end c1",
      "1070000 tick"},
     "agent-ready - a available\nqueued c1 - default-queue\noffered c1 a longest-available\n"
     "connected c1 a answered\nended c1 a call-ended\nagent-ready - a wrap-up-over\n"},
    {"an agent finds the waiting call",
     SIMPLE,
     {T0 " queue c1 at=ep-x", "1000100 agent a available"},
     "queued c1 - default-queue\nagent-ready - a available\noffered c1 a next-call\n"},
    {"the longest available agent is first",
     SIMPLE,
     {T0 " agent a available", "1000001 agent b available", "1000002 queue c1", "1000003 queue c2"},
     "agent-ready - a available\nagent-ready - b available\nqueued c1 - default-queue\n"
     "offered c1 a longest-available\nqueued c2 - default-queue\noffered c2 b longest-available\n"},
    {"credit: a higher class overtakes who came less than its head start before",
     SIMPLE,
     {T0 " queue c1", "1080000 queue c2 prio=4", "1100000 queue c3 prio=4", "1100001 agent a available",
      "1100002 agent b available", "1100003 agent c available"},
     "queued c1 - default-queue\nqueued c2 - default-queue\nqueued c3 - default-queue\n"
     "agent-ready - a available\noffered c2 a next-call\nagent-ready - b available\noffered c1 b next-call\n"
     "agent-ready - c available\noffered c3 c next-call\n"},
    {"strict: a higher class is always first, and strict queues before credit ones",
     RICH,
     {T0 " queue c1 prio=1", "1000001 queue c2 in=vip prio=5", "1050000 queue c3 in=vip prio=4",
      "1050001 agent a available", "1050002 agent b available", "1050003 agent c available"},
     "queued c1 - default-queue\nqueued c2 - requested\nqueued c3 - requested\n"
     "agent-ready - a available\noffered c3 a next-call\nagent-ready - b available\noffered c2 b next-call\n"
     "agent-ready - c available\noffered c1 c next-call\n"},
    {"no answer: the call goes to the next agent, the agent to the end of the line",
     SIMPLE,
     {T0 " agent a available", "1000001 agent b available", "1000002 queue c1", "1020002 tick"},
     "agent-ready - a available\nagent-ready - b available\nqueued c1 - default-queue\n"
     "offered c1 a longest-available\nrequeued c1 a no-answer\noffered c1 b longest-available\n"
     "agent-ready - a no-answer\n"},
    {"no answer twice in a row: unavailable; alone he is asked again",
     SIMPLE,
     {T0 " agent a available", "1000002 queue c1", "1020002 tick", "1040002 tick",
      "1040003 agent a available"},
     "agent-ready - a available\nqueued c1 - default-queue\noffered c1 a longest-available\n"
     "requeued c1 a no-answer\nagent-ready - a no-answer\noffered c1 a next-call\n"
     "requeued c1 a no-answer\nagent-unavailable - a no-answer\n"
     "agent-ready - a available\noffered c1 a next-call\n"},
    {"one late record fires all timers that were due, each at its time",
     SIMPLE,
     {T0 " agent a available", "1000002 queue c1", "1090000 agent b available"},
     "agent-ready - a available\nqueued c1 - default-queue\noffered c1 a longest-available\n"
     "requeued c1 a no-answer\nagent-ready - a no-answer\noffered c1 a next-call\n"
     "requeued c1 a no-answer\nagent-unavailable - a no-answer\n"
     "agent-ready - b available\noffered c1 b next-call\n"},
    {"rejected: the call keeps its place and goes on",
     SIMPLE,
     {T0 " agent a available", "1000001 agent b available", "1000002 queue c1", "1000003 agent a idle"},
     "agent-ready - a available\nagent-ready - b available\nqueued c1 - default-queue\n"
     "offered c1 a longest-available\nrequeued c1 a rejected\noffered c1 b longest-available\n"
     "agent-unavailable - a idle\n"},
    {"an answer to an old offer is late",
     SIMPLE,
     {T0 " agent a available", "1000001 agent b available", "1000002 queue c1", "1020002 tick",
      "1020003 agent a connected offer=default-4 call=c1", "1020004 agent b connected offer=default-6"},
     "agent-ready - a available\nagent-ready - b available\nqueued c1 - default-queue\n"
     "offered c1 a longest-available\nrequeued c1 a no-answer\noffered c1 b longest-available\n"
     "agent-ready - a no-answer\nignored c1 a late\nconnected c1 b answered\n"},
    {"ringing is acknowledged",
     SIMPLE,
     {T0 " agent a available", "1000002 queue c1", "1000003 agent a ringing offer=default-3"},
     "agent-ready - a available\nqueued c1 - default-queue\noffered c1 a longest-available\n"
     "ignored - a acknowledged\n"},
    {"abandoned while waiting",
     SIMPLE,
     {T0 " queue c1", "1000001 end c1", "1000002 agent a available", "1000003 queue c1", "1000004 end c1"},
     "queued c1 - default-queue\nabandoned c1 - while-waiting\nagent-ready - a available\n"
     "ignored c1 - duplicate\nignored c1 - duplicate\n"},
    {"abandoned while offered: the agent takes the next call",
     SIMPLE,
     {T0 " agent a available", "1000001 queue c1", "1000002 queue c2", "1000003 end c1"},
     "agent-ready - a available\nqueued c1 - default-queue\noffered c1 a longest-available\n"
     "queued c2 - default-queue\nabandoned c1 a while-offered\nagent-ready - a abandoned\n"
     "offered c2 a next-call\n"},
    {"the end before the beginning",
     SIMPLE,
     {T0 " agent a available", "1000001 end c1", "1000002 queue c1", "1000003 queue c1"},
     "agent-ready - a available\nignored c1 - unknown-call\nqueued c1 - default-queue\n"
     "abandoned c1 - ended-before-queued\nignored c1 - duplicate\n"},
    {"duplicates and stale states",
     SIMPLE,
     {T0 " queue c1", "1000001 queue c1", "1000002 agent a idle", "1000003 agent a idle when=1000002",
      "1000004 agent a available when=1000001", "1000005 agent a idle"},
     "queued c1 - default-queue\nignored c1 - duplicate\nagent-unavailable - a idle\nignored - a duplicate\n"
     "ignored - a late\nignored - a no-change\n"},
    {"a clock that is far ahead does not lock its agent out",
     SIMPLE,
     {T0 " agent a idle when=90000000", "1000001 agent a available when=1000001",
      "1000002 agent a idle when=1000001"},
     "agent-unavailable - a idle\nagent-ready - a available\nagent-unavailable - a idle\n"},
    {"a clock that is a little ahead keeps its order",
     SIMPLE,
     {T0 " agent a idle when=1003000", "1000001 agent a available when=1002999",
      "1000002 agent a available when=1003001"},
     "agent-unavailable - a idle\nignored - a late\nagent-ready - a available\n"},
    {"the agent leaves before the end is told",
     SIMPLE,
     {T0 " agent a available", "1000001 queue c1", "1000002 agent a connected call=c1",
      "1050000 agent a wrapup call=c1", "1050001 end c1", "1060000 agent a available"},
     "agent-ready - a available\nqueued c1 - default-queue\noffered c1 a longest-available\n"
     "connected c1 a answered\nagent-unavailable c1 a wrap-up\nended c1 - call-ended\n"
     "agent-ready - a available\n"},
    {"the end of a talk is never told",
     SIMPLE,
     {T0 " agent a available", "1000001 queue c1", "1000002 agent a connected", "1050000 agent a available",
      "1949999 tick", "1950000 tick"},
     "agent-ready - a available\nqueued c1 - default-queue\noffered c1 a longest-available\n"
     "connected c1 a answered\nagent-ready c1 a available\nended c1 - agent-left\n"},
    {"max wait: the call ends",
     SIMPLE,
     {T0 " queue c1", "1599999 tick", "1600000 tick", "1600001 end c1"},
     "queued c1 - default-queue\nended c1 - max-wait\nignored c1 - late\n"},
    {"max wait: overflow to another queue whose agents differ",
     RICH,
     {T0 " agent a available", "1000001 queue c1 at=ep-sales", "1060001 tick"},
     "agent-ready - a available\nqueued c1 - entry-point\noverflowed c1 - max-wait\n"
     "offered c1 a longest-available\n"},
    {"teams and skills decide who may take a call",
     RICH,
     {T0 " agent a available", "1000001 agent b available team=hunters",
      "1000002 agent c available skill=product:2 skill=lang:de",
      "1000003 agent d available skill=product:3 skill=lang:DE", "1000004 queue c1 in=tech",
      "1000005 queue c2 in=sales", "1000006 queue c3 lang=fr-CA", "1000007 agent e available skill=french"},
     "agent-ready - a available\nagent-ready - b available\nagent-ready - c available\n"
     "agent-ready - d available\nqueued c1 - requested\noffered c1 d longest-available\n"
     "queued c2 - requested\noffered c2 b longest-available\nqueued c3 - default-queue\n"
     "agent-ready - e available\noffered c3 e next-call\n"},
    {"new skills while available",
     RICH,
     {T0 " queue c1 need=french", "1000001 agent a available", "1000002 agent a available skill=french"},
     "queued c1 - default-queue\nagent-ready - a available\nagent-ready - a skills-changed\n"
     "offered c1 a next-call\n"},
    {"the case owner is preferred when free",
     RICH,
     {T0 " agent a available", "1000001 agent b available", "1000002 queue c1 case=High owner=b",
      "1000003 queue c2 agent=b"},
     "agent-ready - a available\nagent-ready - b available\nqueued c1 - default-queue\n"
     "offered c1 b preferred-agent\nqueued c2 - default-queue\noffered c2 a longest-available\n"},
    {"busy with a call of somebody else",
     SIMPLE,
     {T0 " agent a available", "1000001 agent a connected call=x9", "1000002 queue c1",
      "1000003 agent a available"},
     "agent-ready - a available\nagent-unavailable - a busy\nqueued c1 - default-queue\n"
     "agent-ready - a available\noffered c1 a next-call\n"},
    {"answered by hand what is offered elsewhere",
     SIMPLE,
     {T0 " agent a available", "1000001 queue c1", "1000002 agent b connected call=c1"},
     "agent-ready - a available\nqueued c1 - default-queue\noffered c1 a longest-available\n"
     "ignored c1 b late\n"},
    {"time never goes back",
     SIMPLE,
     {T0 " agent a available", "1000001 queue c1", "900000 tick", "1020000 tick", "1020001 tick"},
     "agent-ready - a available\nqueued c1 - default-queue\noffered c1 a longest-available\n"
     "requeued c1 a no-answer\nagent-ready - a no-answer\noffered c1 a next-call\n"},
};
/* NOLINTEND(bugprone-suspicious-missing-comma) */

START_TEST(plays_scenario)
{
    rig_check(&scenarios[_i]);
}
END_TEST

/* What the rows do not show: numbers, offer id, address, order of the estimate. */
START_TEST(fills_the_decision)
{
    struct rig rig;

    rig_init(&rig,
             "{\"version\":1,\"queues\":[{\"id\":\"q\",\"handleMs\":60000}],\"screenPop\":{\"instance\":"
             "\"i.example\",\"urlTemplate\":\"https://{instance}/{object}/{id}?{x}\"}}");
    rig_play(&rig, "1000000 agent a available");
    rig_play(&rig, "1000100 queue c1 tier=gold queued=999000");
    ck_assert_str_eq(rig.offer_id, "default-3");
    ck_assert_str_eq(rig.url, "https://i.example/Account/001A?{x}");
    ck_assert_int_eq(rig.last.seq, 3);
    ck_assert_int_eq(rig.last.at, 1000100);
    ck_assert_int_eq(rig.last.wait_ms, 1100);
    ck_assert_int_eq(rig.last.deadline, 1020100);
    ck_assert_int_eq(rig.last.priority, 5);
    ck_assert_int_eq(rig.last.cause.policy_version, 1);
    rig_play(&rig, "1000200 queue c2");
    ck_assert_int_eq(rig.last.position, 1);
    ck_assert_int_eq(rig.last.estimated_wait_ms, 60000);
    rig_play(&rig, "1000300 queue c3 queued=900000");
    ck_assert_int_eq(rig.last.position, 1);
    ck_assert_int_eq(rig.last.wait_ms, 60000);
    rig_play(&rig, "1000400 queue c4");
    ck_assert_int_eq(rig.last.position, 3);
    ck_assert_int_eq(rig.last.estimated_wait_ms, 180000);
    rig_done(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine");
    TCase *rows = tcase_create("scenarios");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(rows, plays_scenario, 0, (int)(sizeof(scenarios) / sizeof(scenarios[0])));
    tcase_add_test(rows, fills_the_decision);
    suite_add_tcase(suite, rows);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
