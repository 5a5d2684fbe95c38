# SPDX-License-Identifier: Apache-2.0
"""sf_history: a good history has no finding, and each mutant of it the one that is meant."""
import copy
import json

import pytest
import sf_history
from sf_history import Expected, Update

AT = "2026-11-22T10:00:00.000Z"
AT_MS = int(sf_history.wall_ms(AT))
CASE = {"a": "500A", "b": "500B"}


def commit(record_id, kind, op="created", **fields):
    return {"id": record_id, "object": kind, "op": op, "fields": fields}


def task(call, number=1):
    return commit("00T%s%d" % (call, number), "Task", Callfleet_Call_Id__c=call, WhatId=CASE[call], WhoId="003" + call)


def comment(call, number=1, text="Notes [callfleet:other]", part=""):
    return commit("00a%s%d" % (call, number), "CaseComment", ParentId=CASE[call],
                  CommentBody="%s\n[callfleet:%s]%s" % (text, call, part))


def entry(request, after_ms, *commits, **more):
    mono_ns = after_ms * 1000000
    return {"seq": request, "request": request, "at": AT, "mono_ns": 0, "answered_ns": mono_ns + 1, "class": "composite",
            "method": "POST", "path": "/", "api_calls": 1, "status": 200, "outcome": "answered",
            "commits": [{**c, "mono_ns": mono_ns} for c in commits], **more}


def update(call, after_ms, **more):
    return Update(call, AT_MS + after_ms, {"callId": call, "outcome": "written", "taskId": "00T%s1" % call,
                                           "commentIds": ["00a%s1" % call], **more})


class Run:
    """Two calls, one written in two steps, because the first request was cut off."""

    def __init__(self):
        self.entries = [entry(1, 100, task("a"), comment("a")), entry(2, 150, task("b"), fault="cut-after"),
                        entry(3, 300, comment("b")), {"seq": 4, "request": 3, "outcome": "undelivered", "mono_ns": 1},
                        entry(5, 310, commit("003x", "Contact", "updated", Phone="1"))]
        self.calls = {"a": Expected("500A", "003a"), "b": Expected("500B", "003b")}
        self.updates, self.dead = [update("a", 120), update("b", 320)], []

    def findings(self):
        return sf_history.check(sf_history.History(self.entries), self.calls, self.updates, self.dead)

    def kinds(self):
        return sorted({f.kind for f in self.findings()})


@pytest.fixture
def run():
    return Run()


def test_a_good_run(run):
    assert run.findings() == []


def at(run, request):
    return next(e for e in run.entries if e.get("request") == request and "commits" in e)


def lose_task(run):
    at(run, 1)["commits"].pop(0)


def lose_comment(run):
    at(run, 3)["commits"].clear()


def lose_both(run):
    at(run, 1)["commits"].clear()


def lose_part(run):
    at(run, 1)["commits"][1:] = [{**comment("a", n, part=" (%d/3)" % n), "mono_ns": 1} for n in (1, 3)]


def double_task(run):
    run.entries.append(entry(6, 110, task("a", 2)))


def double_task_and_delete_it(run):
    run.entries += [entry(6, 110, task("a", 2)), entry(7, 115, commit("00Ta2", "Task", "deleted"))]


def double_comment(run):
    run.entries.append(entry(6, 310, comment("b", 2), fault="commit-then-500"))


def double_part(run):
    at(run, 1)["commits"][1:] = [{**comment("a", i, part=" (%d/2)" % n), "mono_ns": 1} for i, n in enumerate((1, 2, 2))]


def comment_elsewhere(run):
    at(run, 1)["commits"][1]["fields"]["ParentId"] = "500B"


def task_elsewhere(run):
    at(run, 1)["commits"][0]["fields"]["WhatId"] = "500B"


def task_about_somebody_else(run):
    at(run, 1)["commits"][0]["fields"]["WhoId"] = "003b"


def change_after_the_end(run):
    run.entries.append(entry(6, 500, commit("00Ta1", "Task", "updated", Subject="?")))


def write_after_the_end(run):
    run.updates[1] = update("b", 200)


def delete(run):
    run.entries.append(entry(6, 110, commit("00Ta1", "Task", "deleted")))


def phantom(run):
    del run.calls["b"]


def nobodys_call(run):
    run.calls["a"] = Expected(writes=False)
    run.updates[0] = update("a", 120, outcome="nothing-to-write")


def no_case(run):
    run.calls["a"].comment = False


def lose_update(run):
    run.updates.pop()


def double_update(run):
    run.updates.append(update("a", 121))


def update_of_another_task(run):
    run.updates[0].data["taskId"] = "00Tb1"


def update_without_comment(run):
    run.updates[0].data["commentIds"] = []


def update_that_says_nothing(run):
    run.updates[0].data["outcome"] = "nothing-to-write"


def dead_letter(run):
    run.dead.append("call-ended.dlq[0]@0")


MUTANTS = [(lose_task, {"lost-task", "comment-without-task"}), (lose_comment, {"lost-comment", "wrong-update"}),
           (lose_both, {"lost-task", "lost-comment", "wrong-update"}), (lose_part, {"lost-comment", "wrong-update"}),
           (double_task, {"doubled-task"}), (double_task_and_delete_it, {"doubled-task", "deleted"}),
           (double_comment, {"doubled-comment", "wrong-update"}), (double_part, {"doubled-comment", "wrong-update"}),
           (comment_elsewhere, {"wrong-parent"}), (task_elsewhere, {"wrong-parent"}),
           (task_about_somebody_else, {"wrong-parent"}), (change_after_the_end, {"changed-after-end"}),
           (write_after_the_end, {"changed-after-end"}), (delete, {"deleted"}), (phantom, {"unexpected"}),
           (nobodys_call, {"unexpected"}), (no_case, {"unexpected"}), (lose_update, {"lost-update"}),
           (double_update, {"doubled-update", }), (update_of_another_task, {"wrong-update"}),
           (update_without_comment, {"wrong-update"}), (update_that_says_nothing, {"wrong-update"}),
           (dead_letter, {"dead-letter"})]


@pytest.mark.parametrize("mutate, kinds", MUTANTS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_mutant_is_caught(run, mutate, kinds):
    mutate(run)
    assert set(run.kinds()) == kinds, "\n".join(map(str, run.findings()))


def test_each_kind_has_its_mutant():
    assert set().union(*(kinds for _, kinds in MUTANTS)) == set(sf_history.KINDS)


def test_a_long_text_in_parts(run):
    at(run, 1)["commits"][1:] = [{**comment("a", n, part=" (%d/3)" % n), "mono_ns": 1} for n in (1, 2, 3)]
    run.updates[0].data["commentIds"] = ["00aa1", "00aa2", "00aa3"]
    assert run.findings() == []


def test_a_consult_is_logged_under_its_parent(run):
    """Its comment is its own; its Task is the parent's, which the parent's end may still change."""
    run.calls["c"] = Expected("500A", "003a", parent="a")
    CASE["c"] = "500A"
    run.entries += [entry(6, 400, comment("c")), entry(7, 410, commit("00Ta1", "Task", "updated", Subject="?"))]
    run.updates.append(update("c", 420, taskId="00Ta1"))
    assert run.findings() == []
    run.entries.append(entry(8, 500, commit("00Ta1", "Task", "updated", Subject="?")))
    assert run.kinds() == ["changed-after-end"]


def test_an_upsert_has_its_id_outside_the_fields(run):
    made = at(run, 1)["commits"][0]
    made["externalId"] = made["fields"].pop("Callfleet_Call_Id__c")
    assert run.findings() == []


def test_without_topics(run):
    run.updates = None
    assert run.findings() == []
    double_comment(run)
    assert run.kinds() == ["doubled-comment"]


def test_files_of_two_sandboxes(run, tmp_path):
    """Both count from 1 on; the order is that of the clock."""
    first, second = copy.deepcopy(run.entries[:2]), copy.deepcopy(run.entries[2:])
    path = tmp_path / "history"
    for number, line in enumerate(second):
        line["request"] = number
    path.write_text("".join(json.dumps(e) + "\n" for e in second + first))
    history = sf_history.History(sf_history.load(path))
    assert [c.id for c in history.commits] == ["00Ta1", "00aa1", "00Tb1", "00ab1", "003x"]
    assert sf_history.check(history, run.calls, run.updates) == []
