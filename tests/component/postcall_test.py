# SPDX-License-Identifier: Apache-2.0
"""The post-call worker with a broker, Redis and the Salesforce sandbox: what is in the org when a call is over."""
import pytest
from postcall_parts import customer, other, parts, postcall  # noqa: F401 (fixtures)
from postcall_parts import Customer
from waits import wait_until


def test_a_call_with_a_case(postcall, customer):
    call = postcall.call(customer)
    postcall.end(call)
    updated = postcall.updated(call)
    task, = postcall.tasks(call)
    comment, = postcall.comments(customer)
    assert updated["outcome"] == "written"
    assert (updated["taskId"], updated["caseId"]) == (task["Id"], customer.case)
    assert (updated["contactId"], updated["accountId"]) == (customer.contact, customer.account)
    assert len(updated["commentIds"]) == 1
    assert (updated["attempts"], updated["apiCalls"]) == (1, 1)
    assert (task["Subject"], task["WhoId"], task["WhatId"]) == ("Call " + call, customer.contact, customer.case)
    assert (task["CallObject"], task["CallType"], task["TaskSubtype"]) == (call, "Inbound", "Call")
    assert (task["CallDisposition"], task["CallDurationInSeconds"], task["Status"]) == ("Solved", 200, "Completed")
    assert task["ActivityDate"] == "2026-11-22"
    assert "Printer on fire" in comment and comment.endswith("\n[callfleet:%s]" % call)
    assert task["Description"] == comment


def test_a_repeated_event_writes_nothing(postcall, customer):
    """As after a kill between the write and the commit: the same event comes again."""
    call = postcall.call(customer)
    postcall.end(call)
    first = postcall.updated(call)
    postcall.end(call)
    second = postcall.updated(call, 2)
    assert second["outcome"] == "already-written"
    assert (second["taskId"], second["commentIds"]) == (first["taskId"], first["commentIds"])
    postcall.written_once(call, customer)
    one, two = postcall.reader.select(topic=postcall.prefix + "call-updated", key=call)
    assert one.event["id"] == two.event["id"]


def test_long_notes_become_numbered_comments(postcall, customer):
    call = postcall.call(customer)
    postcall.end(call, notes="äöü€😀" * 700)
    updated = postcall.updated(call)
    comments = postcall.comments(customer)
    assert len(comments) == len(updated["commentIds"]) == 3
    assert sorted(c.rsplit(" ", 1)[1] for c in comments) == ["(1/3)", "(2/3)", "(3/3)"]
    assert all(len(c.encode()) <= 4000 for c in comments)
    assert updated["apiCalls"] == 1


def test_without_a_context_the_customer_is_looked_up(postcall, customer):
    call = postcall.call()
    postcall.end(call, ani=customer.phone)
    updated = postcall.updated(call)
    assert (updated["outcome"], updated["caseId"], updated["apiCalls"]) == ("written", customer.case, 2)
    postcall.written_once(call, customer)


def test_a_failed_lookup_of_the_first_stage_is_made_up_for(postcall, customer):
    call = postcall.call(ani=customer.e164, customer='{"status":"timeout"}')
    postcall.end(call)
    assert postcall.updated(call)["caseId"] == customer.case


def test_a_context_that_comes_late(postcall, customer):
    call = postcall.call()
    postcall.end(call)
    wait_until(lambda: "no context" in postcall.process.tail(), 10, "the worker waits for the context")
    postcall.redis.client.hset("cf:ctx:{%s}" % call, mapping=customer.context)
    assert postcall.updated(call)["caseId"] == customer.case


@pytest.mark.parametrize("status", ["unmatched", "withheld", "invalid"])
def test_nobody_known(postcall, status):
    call = postcall.call(customer='{"status":"%s"}' % status)
    postcall.end(call)
    updated = postcall.updated(call)
    assert (updated["outcome"], updated["apiCalls"]) == ("nothing-to-write", 0)
    assert "taskId" not in updated and not postcall.tasks(call)


def test_a_consult_call_goes_under_its_parent(postcall, customer):
    parent, child, third = postcall.call(customer), postcall.call(), postcall.call()
    postcall.end(child, parentCallId=parent, notes="from the consult call")
    assert postcall.updated(child)["outcome"] == "written"
    postcall.end(parent, notes="from the call itself")
    updated = postcall.updated(parent)
    task, = postcall.tasks(parent)
    assert updated["outcome"] == "written" and updated["taskId"] == task["Id"]
    assert "from the call itself" in task["Description"]
    assert not postcall.tasks(child)
    assert [c.rsplit("\n", 1)[1] for c in postcall.comments(customer)] == [
        "[callfleet:%s]" % child, "[callfleet:%s]" % parent]
    # A second consult call leaves the Task as it is.
    postcall.end(third, parentCallId=parent, notes="another")
    postcall.updated(third)
    task, = postcall.tasks(parent)
    assert "from the call itself" in task["Description"]
    assert len(postcall.comments(customer)) == 3


def test_a_deleted_case(postcall, customer):
    call = postcall.call(customer)
    postcall.sf.http.delete("%s/sobjects/Case/%s" % (postcall.sf.base, customer.case), timeout=10)
    postcall.end(call)
    updated = postcall.updated(call)
    task, = postcall.tasks(call)
    assert updated["outcome"] == "written" and "caseId" not in updated
    assert (task["WhoId"], task["WhatId"]) == (customer.contact, customer.account)


DONE = ("cut-after", "commit-then-500", "half-response", "delay", "garbage")
FAULTS = [
    {"kind": "cut-before", "times": 2}, {"kind": "cut-after", "times": 2}, {"kind": "commit-then-500", "times": 2},
    {"kind": "status", "status": 503, "times": 3}, {"kind": "half-response", "times": 2}, {"kind": "garbage", "times": 2},
    {"kind": "html-maintenance", "times": 2}, {"kind": "expire-token", "times": 1}, {"kind": "delay", "delay_ms": 4000, "times": 1},
    {"kind": "error-body", "status": 403, "errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "m", "times": 2},
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f["kind"])
def test_salesforce_in_trouble(postcall, customer, fault):
    """Done or not done, said or not said: in the end the call is there once."""
    call = postcall.call(customer)
    postcall.fault(**fault)
    postcall.end(call)
    updated = postcall.updated(call)
    assert updated["outcome"] == ("already-written" if fault["kind"] in DONE else "written")
    if fault["kind"] in DONE:
        assert updated["attempts"] == 1  # it read, and did not write again
    postcall.written_once(call, customer)
    assert not postcall.reader.select(topic=postcall.prefix + "call-ended.dlq")


def test_a_locked_record_is_waited_for(postcall, customer):
    call = postcall.call(customer)
    postcall.fault("record-error", rate=1.0, errorCode="UNABLE_TO_LOCK_ROW", message="m", times=2)
    postcall.end(call)
    assert postcall.updated(call)["outcome"] == "written"
    postcall.written_once(call, customer)


def test_many_calls_in_a_flapping_org(postcall):
    """A third of the requests goes wrong in ways that hide what has happened."""
    customers = [Customer(postcall.sf) for _ in range(5)]
    calls = [(postcall.call(customers[i % 5]), customers[i % 5]) for i in range(40)]
    for kind in ("cut-after", "commit-then-500", "half-response"):
        postcall.fault(kind, rate=0.12, seed=7)
    for call, _ in calls:
        postcall.end(call)
    for call, _ in calls:
        postcall.updated(call)
    postcall.no_faults()
    for call, _ in calls:
        assert len(postcall.tasks(call)) == 1
    for one in customers:
        marks = [c.rsplit("\n", 1)[1] for c in postcall.comments(one)]
        assert sorted(marks) == sorted("[callfleet:%s]" % call for call, who in calls if who is one)


def test_a_kill_between_write_and_commit(postcall, customer):
    """The org has the call, the answer is on its way, the worker dies: the next one must not write again."""
    call = postcall.call(customer)
    postcall.fault("delay", delay_ms=1200, times=1)
    postcall.end(call)
    wait_until(lambda: postcall.tasks(call), 10, "the call in the org")
    postcall.process.kill()
    postcall.process = postcall.launch()
    assert postcall.updated(call)["outcome"] == "already-written"
    postcall.written_once(call, customer)


def test_a_request_that_arrives_late(postcall, customer):
    """Given up after 1.5 s and written by another request; then the first one is carried out after all."""
    call = postcall.call(customer)
    postcall.fault("delay-before", delay_ms=4000, times=1)
    postcall.end(call)
    postcall.updated(call)
    wait_until(lambda: len(postcall.writes(call)) == 2, 10, "the late request in the history")
    postcall.written_once(call, customer)


def test_nobody_known_but_written(other):
    call = other.call(customer='{"status":"unmatched"}')
    other.start(write_unmatched="true").end(call)
    assert other.updated(call)["outcome"] == "written"
    assert other.tasks(call)[0]["WhoId"] is None


def test_abandoned_calls_by_configuration(other, customer):
    call = other.call(customer)
    other.start(write_abandoned="false").end(call, agentId=None, agentName=None, talkMs=None)
    assert other.updated(call)["outcome"] == "nothing-to-write"


@pytest.mark.parametrize("fault", [None, {"kind": "cut-after", "times": 2}, {"kind": "garbage", "times": 3}])
def test_an_org_without_the_field(other, customer, fault):
    call = other.call(customer)
    other.start(external_id_field="")
    if fault:
        other.fault(body_contains="CaseComment", **fault)
    other.end(call)
    updated = other.updated(call)
    assert fault or updated["apiCalls"] == 2
    other.end(call)
    assert other.updated(call, 2)["outcome"] == "already-written"
    assert len(other.tasks(call, "CallObject")) == 1 and len(other.comments(customer)) == 1


def test_a_field_that_the_org_lacks_stops_the_worker(other, customer):
    """No event is to blame, so none becomes a dead letter."""
    call = other.call(customer)
    other.start(external_id_field="Missing__c").end(call)
    assert other.process.popen.wait(15) == 78
    other.process = other.launch()
    assert other.updated(call)["outcome"] == "written"
    assert not other.reader.select(topic=other.prefix + "call-ended.dlq")
