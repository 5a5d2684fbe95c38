# SPDX-License-Identifier: Apache-2.0
"""Events doubled, late, out of order or with wrong clocks: legal input, each with one effect."""
import datetime
import uuid

import pytest
from contact_centre import ContactCentre, now

CUSTOMER = "+19285550101"  # of the sandbox's samples: a contact with one open case


def hours_away(hours):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


@pytest.fixture(scope="module")
def fleet(shared_fleet):
    return shared_fleet()


@pytest.fixture(scope="module")
def centre(fleet):
    return ContactCentre(fleet)


@pytest.fixture
def call():
    return "call-" + uuid.uuid4().hex


@pytest.fixture
def agent(centre):
    name = "agent-" + uuid.uuid4().hex[:8]
    yield name
    centre.agent(name, "offline")


def decisions(centre, call):
    """All decisions about the call, as "decision reason", once nothing more comes."""
    centre.results.settle(0.7)
    records = centre.results.select(topic=centre.fleet.topic("call-routed"), match=lambda r: r.data.get("callId") == call)
    return ["%s %s" % (d["decision"], d.get("reason")) for d in sorted((r.data for r in records), key=lambda d: d["seq"])]


def started(call, **more):
    return {"callId": call, "ani": CUSTOMER, "dnis": "+18005550100", "startedAt": now(), **more}


def test_a_call_that_is_started_twice_waits_once(centre, call, agent):
    event_id = str(uuid.uuid4())
    for _ in range(2):
        centre.write("call-started", started(call), "structured", event_id)
    centre.write("call-started", started(call))
    centre.result("call-queued", call, count=3)
    records = centre.results.select(topic=centre.fleet.topic("call-queued"), key=call)
    assert len({record.event["id"] for record in records}) == 2, "a repeat of an event makes a repeat of its result"
    centre.decision("queued", call)
    assert [d.split()[0] for d in decisions(centre, call)] == ["queued", "ignored", "ignored"]
    centre.agent(agent, "available")
    centre.answer(call, agent)
    centre.end(call, agentId=agent)
    centre.end(call, agentId=agent)
    centre.result("call-updated", call, count=2)
    assert [d.split()[0] for d in decisions(centre, call)].count("ended") == 1


def test_the_end_before_the_beginning(centre, call, agent):
    centre.end(call, ani=CUSTOMER, notes="too early")
    assert centre.result("call-updated", call)["outcome"] == "written"
    centre.decision("ignored", call, reason="unknown-call")
    centre.agent(agent, "available")
    centre.start(call, CUSTOMER)
    centre.decision("abandoned", call, reason="ended-before-queued")
    assert [d.split()[0] for d in decisions(centre, call)] == ["ignored", "queued", "abandoned"], \
        "the abandon is counted, and nobody is offered a call that is over"
    tasks = centre.fleet.salesforce().query("SELECT Id FROM Task WHERE Callfleet_Call_Id__c = '%s'" % call)
    assert len(tasks) == 1


def test_an_answer_to_a_call_that_is_gone(centre, call, agent):
    centre.agent(agent, "available")
    centre.start(call, CUSTOMER)
    offer = centre.decision("offered", call, agentId=agent)
    centre.end(call)
    centre.decision("abandoned", call)
    centre.agent(agent, "connected", callId=call, offerId=offer["offerId"])
    centre.decision("ignored", agentId=agent)
    centre.agent(agent, "available")
    second = call + "-2"
    centre.start(second, CUSTOMER)
    centre.answer(second, agent)
    centre.end(second, agentId=agent)
    centre.decision("ended", second)


def test_an_end_with_another_text_does_not_write_again(centre, call):
    centre.start(call, CUSTOMER)
    for notes, outcome in (("first", "written"), ("second", "already-written")):
        centre.end(call, notes=notes)
        updated = centre.result("call-updated", call, outcome=outcome)
    comments = centre.fleet.salesforce().query("SELECT CommentBody FROM CaseComment WHERE ParentId = '%s'" % updated["caseId"])
    mine = [c["CommentBody"] for c in comments if call in c["CommentBody"]]
    assert len(mine) == 1 and "first" in mine[0]


@pytest.mark.parametrize("hours", [-24, 24])
def test_clocks_that_are_a_day_off(centre, call, agent, hours):
    """A producer's wrong clock neither jumps the queue nor locks an agent out."""
    waiting = call + "-waiting"
    centre.start(waiting, CUSTOMER)
    centre.decision("queued", waiting)
    centre.start(call, CUSTOMER, startedAt=hours_away(hours))
    centre.decision("queued", call)
    centre.write("agent-state", {"agentId": agent, "state": "available", "at": hours_away(hours)})
    offer = centre.result("call-routed", None, decision="offered", agentId=agent)
    assert offer["callId"] == waiting
    # His clock is right again: what he says now counts.
    centre.agent(agent, "connected", callId=waiting, offerId=offer["offerId"])
    centre.decision("connected", waiting, agentId=agent)
    centre.end(waiting, agentId=agent)
    centre.agent(agent, "available")
    centre.answer(call, agent)
    centre.write("call-ended", {"callId": call, "endedAt": hours_away(hours), "agentId": agent})
    centre.decision("ended", call)
    assert centre.result("call-updated", call)["outcome"] == "written"
