# SPDX-License-Identifier: Apache-2.0
"""Many calls at once: few requests, each call once, whatever happens to the requests that they share."""
import json

import pytest
import requests
from postcall_parts import Customer
from postcall_parts import customer, other, parts, postcall  # noqa: F401 (fixtures)
from waits import wait_until


@pytest.fixture(scope="module")
def crowd(parts):
    return [Customer(parts.sf) for _ in range(20)]


def end_all(stage, calls, **fields):
    for call, _ in calls:
        stage.end(call, **fields)


def calls_of(stage, crowd, n):
    return [(stage.call(crowd[i % len(crowd)]), crowd[i % len(crowd)]) for i in range(n)]


def updates(stage, calls, count=1):
    return [stage.updated(call, count) for call, _ in calls]


def assert_once(stage, calls):
    """One Task and one comment of each call, as the org has them."""
    ids = ", ".join("'%s'" % call for call, _ in calls)
    tasks = stage.sf.query("SELECT Callfleet_Call_Id__c FROM Task WHERE Callfleet_Call_Id__c IN (%s)" % ids)
    assert sorted(t["Callfleet_Call_Id__c"] for t in tasks) == sorted(call for call, _ in calls)
    assert_comments_once(stage, calls)


def assert_comments_once(stage, calls):
    marks = ["[callfleet:%s]" % call for call, _ in calls]
    cases = {who.case: who for _, who in calls}
    seen = [c.rsplit("\n", 1)[1] for who in cases.values() for c in stage.comments(who)]
    assert sorted(m for m in seen if m in marks) == sorted(marks)


def no_letters(stage):
    return not stage.reader.select(topic=stage.prefix + "call-ended.dlq")


def test_a_burst_shares_requests(postcall, crowd):
    calls, mark = calls_of(postcall, crowd, 150), postcall.mark()
    end_all(postcall, calls)
    done = updates(postcall, calls)
    writes = postcall.requests("write", mark)
    assert len(writes) <= 6 and not postcall.requests("read", mark)
    assert abs(sum(u["apiCalls"] for u in done) - len(writes)) < 0.01
    assert {u["attempts"] for u in done} == {1}
    assert_once(postcall, calls)


def test_one_call_alone(postcall, customer):
    call, mark = postcall.call(customer), postcall.mark()
    postcall.end(call)
    assert postcall.updated(call)["apiCalls"] == 1
    assert len(postcall.requests("write", mark)) == 1 and not postcall.requests("read", mark)


def test_batches_switched_off(other, crowd):
    calls, mark = calls_of(other, crowd, 20), other.mark()
    end_all(other.start(write_batch="1"), calls)
    assert {u["apiCalls"] for u in updates(other, calls)} == {1}
    assert len(other.requests("write", mark)) == 20
    assert_once(other, calls)


def test_a_burst_that_comes_again(postcall, crowd):
    """As after a kill: Salesforce refuses the first Tasks, halts the rest of the request, and one read finds them all."""
    calls = calls_of(postcall, crowd, 60)
    end_all(postcall, calls)
    first = updates(postcall, calls)
    mark = postcall.mark()
    end_all(postcall, calls)
    again = updates(postcall, calls, 2)
    assert {u["outcome"] for u in again} == {"already-written"}
    assert [u["commentIds"] for u in again] == [u["commentIds"] for u in first]
    assert len(postcall.requests("write", mark)) + len(postcall.requests("read", mark)) <= 10
    assert_once(postcall, calls)


FAULTS = [
    {"kind": "cut-before", "times": 2}, {"kind": "cut-after", "times": 2}, {"kind": "commit-then-500", "times": 2},
    {"kind": "status", "status": 503, "times": 3}, {"kind": "half-response", "times": 2}, {"kind": "garbage", "times": 2},
    {"kind": "delay", "delay_ms": 4000, "times": 1}, {"kind": "delay-before", "delay_ms": 4000, "times": 1},
    {"kind": "error-body", "status": 403, "errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "m", "times": 1},
    {"kind": "record-error", "rate": 0.3, "seed": 3, "errorCode": "UNABLE_TO_LOCK_ROW", "message": "m", "times": 60},
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f["kind"])
def test_requests_in_trouble(other, crowd, fault):
    """Lost, refused or late requests with many calls in them: looked for together, and in the end each call is there once."""
    other.start(sf_limit_pause_ms="200")
    calls, mark = calls_of(other, crowd, 60), other.mark()
    other.fault(**fault)
    end_all(other, calls)
    updates(other, calls)
    if fault["kind"] == "delay-before":
        wait_until(lambda: [e for e in other.requests("write", mark) if e.get("fault") == "delay-before"], 20, "the late one")
    assert_once(other, calls)
    assert no_letters(other)
    if fault["kind"] != "record-error":
        assert len(other.requests("write", mark)) + len(other.requests("read", mark)) <= 20


def test_one_bad_record_among_good_ones(other, crowd):
    """Its graph alone fails; the others of its request are written."""
    other.start()  # no mapping in the environment: a subject cannot fail, so the customer's id is wrong in kind
    calls = calls_of(other, crowd, 20)
    bad = other.call(crowd[0], contactId=crowd[0].account)
    end_all(other, calls[:10])
    other.end(bad)
    end_all(other, calls[10:])
    updates(other, calls)
    letter, = other.reader.wait(1, topic=other.prefix + "call-ended.dlq")
    assert letter.key == bad
    assert_once(other, calls)
    assert not other.tasks(bad)


def test_a_request_too_large_is_halved(postcall, crowd):
    """A proxy that refuses what many share, and the half of it, lets the parts through."""
    calls, mark = calls_of(postcall, crowd, 30), postcall.mark()
    postcall.fault("error-body", status=413, errorCode="REQUEST_TOO_LARGE", message="m", times=2, body_contains=calls[20][0])
    end_all(postcall, calls)
    updates(postcall, calls)
    assert_once(postcall, calls)
    assert no_letters(postcall) and len(postcall.requests("write", mark)) <= 12
    assert [e["status"] for e in postcall.requests("write", mark)].count(413) == 2


def test_consult_calls_and_their_parents_together(postcall, crowd):
    """Parent and consult calls in one burst, in every order: one Task each, a comment for each call."""
    parents = calls_of(postcall, crowd, 15)
    children = [(postcall.call(), who, parent) for parent, who in parents for _ in range(2)]
    for i, (parent, _) in enumerate(parents):
        mine = [c for c in children if c[2] == parent]
        if i % 3 == 0:
            postcall.end(parent, notes="from the call itself")
        postcall.end(mine[0][0], parentCallId=parent)
        if i % 3 == 1:
            postcall.end(parent, notes="from the call itself")
        postcall.end(mine[1][0], parentCallId=parent)
        if i % 3 == 2:
            postcall.end(parent, notes="from the call itself")
    updates(postcall, parents)
    for child, _, _ in children:
        postcall.updated(child)
    for parent, _ in parents:
        task, = postcall.tasks(parent)
        assert "from the call itself" in task["Description"]
    assert_comments_once(postcall, parents + [(child, who) for child, who, _ in children])
    assert no_letters(postcall)


@pytest.mark.parametrize("kind", ["cut-after", "commit-then-500", "delay-before"])
def test_a_comment_without_a_task_of_its_own(other, customer, kind):
    """A consult call's comment when the parent's Task is there: no unique field protects it, so the worker looks only when
    what it gave up has landed."""
    other.start(late_write_ms="5000")
    parent, child = other.call(customer), other.call()
    other.end(parent)
    other.updated(parent)
    # The first write of the child is refused as a double of the Task; the second is the comment alone.
    other.fault(kind, delay_ms=3500, times=1, body_contains='"compositeRequest":[{"method":"POST","url":"/services/data/v60.0/sobjects/CaseComment"')
    mark = other.mark()
    other.end(child, parentCallId=parent)
    other.updated(child)
    if kind == "delay-before":
        wait_until(lambda: [e for e in other.requests("write", mark) if e.get("fault") == kind], 20, "the late one")
    hits = requests.get(other.sandbox.url + "/_sandbox/faults", timeout=5).json()
    assert [f["hits"] for f in hits] == [1], json.dumps([e.get("body") for e in other.requests("write", mark)])
    assert len(other.tasks(parent)) == 1
    assert_comments_once(other, [(parent, customer), (child, customer)])


def test_a_doubled_event_in_flight(other, customer):
    """Twice in the same moment, and no field to tell: one after the other."""
    other.start(external_id_field="")
    calls = [(other.call(customer), customer) for _ in range(10)]
    end_all(other, calls)
    end_all(other, calls)
    updates(other, calls, 2)
    assert all(len(other.tasks(call, "CallObject")) == 1 for call, _ in calls)
    assert_comments_once(other, calls)


def test_a_burst_in_an_org_without_the_field(other, crowd):
    calls, mark = calls_of(other, crowd, 60), other.mark()
    other.start(external_id_field="")
    end_all(other, calls)
    assert {u["outcome"] for u in updates(other, calls)} == {"written"}
    assert len(other.requests("write", mark)) <= 4 and len(other.requests("read", mark)) <= 4
    assert all(len(other.tasks(call, "CallObject")) == 1 for call, _ in calls)
    assert_comments_once(other, calls)


def test_two_workers_on_one_case(other, customer):
    """Their requests lock the same record for real; who gets no lock tries again, alone."""
    other.start(write_batch="4")
    second = other.launch(write_batch="4", instance="two")
    try:
        other.setting(lock_hold_ms=150, lock_wait_ms=100)
        calls = [(other.call(customer), customer) for _ in range(32)]
        end_all(other, calls)
        updates(other, calls)
        assert_once(other, calls)
        assert no_letters(other)
    finally:
        other.setting(lock_hold_ms=0, lock_wait_ms=10000)
        second.stop()


def test_a_record_that_somebody_holds(postcall, customer, crowd):
    """The locked call waits; the others of its request do not."""
    call, calls = postcall.call(customer), calls_of(postcall, crowd, 10)
    before = postcall.metric("callfleet_postcall_lock_retries_total")
    postcall.setting(lock_hold_ms=1, lock_wait_ms=20)
    try:
        requests.post(postcall.sandbox.url + "/_sandbox/locks", json={"id": customer.case, "hold_ms": 1500}, timeout=5)
        postcall.end(call)
        end_all(postcall, calls)
        updates(postcall, calls)
        postcall.updated(call)
    finally:
        postcall.setting(lock_hold_ms=0, lock_wait_ms=10000)
    assert postcall.metric("callfleet_postcall_lock_retries_total") > before
    assert_once(postcall, calls + [(call, customer)])


def with_fields(other, tmp_path, **changes):
    path = tmp_path / "postcall.ini"
    path.write_text("disposition = {wrapUpCode}/{endedBy}\ndescription = <{text}>\nrecording_link = https://play.example/{callId}\n"
                    "[task_fields]\nPriority = High\nCallType =\nMissing__c = {queueId}\nMissing_Too__c = x\n")
    other.arguments = ["--config", path]
    try:
        return other.start(**changes)
    finally:
        other.arguments = []


def test_unknown_fields_are_left_out_by_the_switch(other, crowd, tmp_path):
    with_fields(other, tmp_path, drop_unknown_fields="true")
    calls = calls_of(other, crowd, 40)
    end_all(other, calls)
    updates(other, calls)
    assert_once(other, calls)
    assert other.metric("callfleet_postcall_dropped_fields_total") == 2
    assert other.process.log.read_text().count("left out from now on") == 2
    task, = other.sf.query("SELECT Priority, CallType, CallDisposition, Description FROM Task WHERE Callfleet_Call_Id__c = '%s'"
                           % calls[0][0])
    assert (task["Priority"], task["CallType"], task["CallDisposition"]) == ("High", None, "Solved/caller")
    assert task["Description"].startswith("<Inbound call") and "Recording: https://play.example/call-" in task["Description"]


def test_unknown_fields_stop_the_worker(other, customer, tmp_path):
    with_fields(other, tmp_path)
    call = other.call(customer)
    other.end(call)
    assert other.process.popen.wait(15) == 78
    assert "Task has no field Missing__c, of [task_fields]" in other.process.log.read_text()
    other.process = other.launch()
    assert other.updated(call)["outcome"] == "written"


def test_salesforce_away(other, crowd):
    """Calls pile up, few requests are made; then all leave in full requests."""
    other.start(sf_breaker_cap_ms="1000", http_connect_timeout_ms="500")
    warm = calls_of(other, crowd, 1)
    end_all(other, warm)
    updates(other, warm)
    calls, mark = calls_of(other, crowd, 400), other.mark()
    other.fault("status", status=503)
    end_all(other, calls)
    wait_until(lambda: other.metric("callfleet_postcall_waiting") >= 400, 20, "all wait in line")
    wait_until(lambda: len(other.history(mark)) >= 8, 30, "some tries")
    away = len(other.history(mark))
    assert away <= 60
    other.no_faults()
    mark = other.mark()
    updates(other, calls)
    assert len(other.requests("write", mark)) <= 16 and len(other.requests("read", mark)) <= 16
    assert_once(other, calls)
    assert no_letters(other)
