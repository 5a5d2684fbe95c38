# SPDX-License-Identifier: Apache-2.0
"""Salesforce slow, broken, cut off or gone while calls come: no caller waits longer than the deadline, and what is to be
written after the calls arrives once when Salesforce is well again."""
import os
import signal
import time
import uuid

import pytest
import redis
import requests
from contact_centre import ContactCentre, leaks
from endings import assert_ends_well, pid_of
from plays import MARKER, Play
from waits import wait_until

CUSTOMER = "+19285550101"  # of the sandbox's samples: a contact with one open case
DEADLINE_S, MARGIN_S = 2.0, 2.0
# Without the cache, or the caller would be known however ill Salesforce is: that is lookup_cache_test's.
ENVIRONMENT = {"CALLFLEET_SESSION_TIMEOUT_MS": "6000", "CALLFLEET_RETRY_CAP_MS": "1000", "CALLFLEET_CACHE_TTL_MS": "0",
               "CALLFLEET_CACHE_NEGATIVE_TTL_MS": "0", "CALLFLEET_CACHE_STALE_MS": "0",
               "CALLFLEET_SF_LIMIT_PAUSE_MS": "1000", "CALLFLEET_SF_BREAKER_CAP_MS": "2000",
               "CALLFLEET_SF_LOGIN_BACKOFF_MS": "1000"}


class Sandbox:
    """The admin side of the fleet's sandbox."""

    def __init__(self, fleet):
        self.fleet, self.url = fleet, fleet.env["CALLFLEET_SALESFORCE"]

    def admin(self, method, path, body=None):
        reply = requests.request(method, self.url + "/_sandbox" + path, json=body, timeout=10)
        assert reply.status_code < 300, reply.text
        return reply.json() if reply.text else None

    def fault(self, kind, **rule):
        return self.admin("POST", "/faults", {"kind": kind, **rule})["id"]

    def hits(self, fault):
        return next(rule["hits"] for rule in self.admin("GET", "/faults") if rule["id"] == fault)

    def heal(self):
        self.admin("DELETE", "/faults")


@pytest.fixture(scope="module")
def fleet(shared_fleet):
    fleet = shared_fleet(environment=ENVIRONMENT)
    yield fleet
    assert leaks(fleet, [CUSTOMER]) == []


@pytest.fixture(scope="module")
def centre(fleet):
    return ContactCentre(fleet)


@pytest.fixture
def sandbox(fleet):
    sandbox = Sandbox(fleet)
    yield sandbox
    if fleet.exit_code("sandbox") is not None:
        fleet.start("sandbox")
    sandbox.heal()
    # The next test begins with a fleet that trusts Salesforce again.
    centre = ContactCentre(fleet)

    def well_again():
        call = new_call()
        status = centre.start(call, CUSTOMER)["customer"]["status"]
        centre.end(call)
        return status == "matched"
    wait_until(well_again, 60, "a fleet that trusts Salesforce again", every_s=0.2)


def new_call():
    return "call-" + uuid.uuid4().hex


def start_all(centre, count):
    """Writes call-started of so many calls at once; returns [(call, data of call-queued, seconds it took)]."""
    fleet, began, calls = centre.fleet, time.monotonic(), [new_call() for _ in range(count)]
    writer = fleet.writer()
    for call in calls:
        writer.write(fleet.topic("call-started"), call, {"callId": call, "ani": CUSTOMER, "dnis": "+18005550100",
                                                          "startedAt": "2026-01-01T00:00:00Z"}, flush=False)
    writer.flush()
    results = []
    for call in calls:
        results.append((call, centre.result("call-queued", call), time.monotonic() - began))
    return results


def end_all(centre, calls, **more):
    writer = centre.fleet.writer()
    for call in calls:
        writer.write(centre.fleet.topic("call-ended"), call, {"callId": call, "endedAt": "2026-01-01T00:01:00Z", "agentId": "ann",
                                                               "notes": "once only", **more}, flush=False)
    writer.flush()


def tasks_and_comments(fleet, calls):
    salesforce = fleet.salesforce()
    tasks = [r["Callfleet_Call_Id__c"] for r in salesforce.query("SELECT Callfleet_Call_Id__c FROM Task WHERE "
                                                                 "Callfleet_Call_Id__c LIKE 'call-%'")]
    bodies = [r["CommentBody"] for r in salesforce.query("SELECT CommentBody FROM CaseComment LIMIT 2000")]
    marks = [MARKER.findall(body)[-1] for body in bodies]
    return [tasks.count(c) for c in calls], [marks.count(c) for c in calls]


@pytest.mark.parametrize("kind, rule, statuses", [
    ("delay", {"delay_ms": 6000}, {"timeout"}),
    ("slow-body", {"bytes": 1, "delay_ms": 200}, {"timeout"}),
    ("error-body", {"status": 500, "errorCode": "UNKNOWN_EXCEPTION", "message": "An unexpected error"}, {"unavailable"}),
    ("status", {"status": 503}, {"unavailable"}),
    ("html-maintenance", {}, {"unavailable"}),
    ("cut-before", {}, {"unavailable"}),
    ("half-response", {}, {"unavailable"}),
    ("garbage", {}, {"unavailable"}),
    ("error-body", {"status": 403, "errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."},
     {"over-budget"}),
], ids=lambda value: value if isinstance(value, str) else "")
def test_a_caller_is_not_held(centre, sandbox, kind, rule, statuses):
    sandbox.fault(kind, **{"class": "composite", **rule})
    results = start_all(centre, 15)
    assert {data["customer"]["status"] for _, data, _ in results} <= statuses | {"timeout"}
    assert {data["customer"]["status"] for _, data, _ in results} & statuses, results[0]
    assert max(took_s for _, _, took_s in results) < DEADLINE_S + MARGIN_S
    assert all(data["greeting"]["text"] and "contact" not in data["customer"] for _, data, _ in results)
    # One of them comes to an agent all the same, and who called is found out after the call.
    first, agent = results[0][0], "agent-" + uuid.uuid4().hex
    centre.agent(agent, "available")
    offer = centre.result("call-routed", None, decision="offered", agentId=agent)
    assert "screenPop" not in offer and offer["callId"] in [call for call, _, _ in results]
    end_all(centre, [call for call, _, _ in results], ani=CUSTOMER)
    centre.agent(agent, "offline")
    sandbox.heal()
    for call, _, _ in results:
        updated = centre.result("call-updated", call)
        assert updated["outcome"] == "written" and updated["caseId"]


def test_a_refusal_that_quotes_the_number(fleet, centre, sandbox):
    """Salesforce's messages repeat what was asked. The call is queued without the customer, and what cannot be written is
    buried; the number is in neither the logs (see `fleet`) nor the headers of the dead letter."""
    message = "Phone IN ('%s', '(928) 555-0101')\n  ^\nERROR at Row:1:Column:20" % CUSTOMER
    fault = sandbox.fault("error-body", status=400, errorCode="MALFORMED_QUERY", message=message, **{"class": "composite"})
    (call, queued, took_s), = start_all(centre, 1)
    assert queued["customer"]["status"] == "unavailable" and took_s < DEADLINE_S
    assert "555" not in queued["customer"].get("reason", "")
    assert sandbox.hits(fault) >= 1
    sandbox.heal()
    fault = sandbox.fault("error-body", status=400, errorCode="FIELD_CUSTOM_VALIDATION_EXCEPTION", message=message,
                          body_contains="CommentBody", **{"class": "composite"})
    end_all(centre, [call], ani=CUSTOMER)
    with fleet.reader("call-ended.dlq") as letters:
        letter, = letters.wait(1, key=call)
        assert letter.header("callfleet.dlq.class") == "rejected" and letter.header("callfleet.dlq.worker") == "postcall"
        assert "555" not in repr([h for h in letter.headers if h[0] != "callfleet.dlq.timestamp"])
    assert sandbox.hits(fault) >= 1


def test_a_salesforce_that_is_gone(fleet, centre, sandbox):
    """Nobody listens on its port. Calls are queued, ended, and written when it is back."""
    known = start_all(centre, 3)
    fleet.kill("sandbox")
    unknown = start_all(centre, 12)
    assert {data["customer"]["status"] for _, data, _ in unknown} <= {"unavailable", "timeout"}
    assert max(took_s for _, _, took_s in unknown) < DEADLINE_S + MARGIN_S
    calls = [call for call, _, _ in known + unknown]
    end_all(centre, calls, ani=CUSTOMER)
    centre.results.settle(1)
    assert [r for r in centre.results.select(topic=fleet.topic("call-updated")) if r.key in calls] == []
    fleet.start("sandbox")
    for call in calls:
        updated = centre.result("call-updated", call)
        assert updated["outcome"] == "written" and updated["caseId"]
    assert tasks_and_comments(fleet, calls) == ([1] * 15, [1] * 15)


@pytest.mark.parametrize("kind, rule", [("commit-then-500", {}), ("cut-after", {}), ("half-response", {}), ("garbage", {}),
                                        ("status", {}), ("expire-token", {"times": 2}), ("record-error", {"rate": 0.2})])
def test_writes_with_unknown_outcome_arrive_once(fleet, centre, sandbox, kind, rule):
    """Half of the writes fail, many of them after they were done."""
    calls = [call for call, _, _ in start_all(centre, 20)]
    fault = sandbox.fault(kind, **{"rate": 0.5, "seed": 5, "body_contains": "CaseComment", "class": "composite", **rule})
    end_all(centre, calls + calls[:5])
    for call in calls:
        centre.result("call-updated", call)
    for call in calls[:5]:
        outcomes = {centre.result("call-updated", call, count=n)["outcome"] for n in (1, 2)}
        assert outcomes <= {"written", "already-written"}
    assert sandbox.hits(fault) >= rule.get("times", 4)
    assert tasks_and_comments(fleet, calls) == ([1] * 20, [1] * 20)


def test_an_ill_salesforce_under_load(fleet, program, sandbox, tmp_path):
    """A play with a mix of faults; kill -9 of the writing worker while outcomes are unknown."""
    for seed, kind in enumerate(("commit-then-500", "cut-after", "cut-before", "delay")):
        sandbox.fault(kind, rate=0.08, seed=seed, delay_ms=2500, **{"class": "composite"})
    play = Play(fleet, program("callgen"), tmp_path, calls=120, rate=8)
    for done in (40, 80):
        wait_until(lambda n=done: play.started()[0] >= n, 60, play.process.tail)
        os.kill(pid_of(fleet, "postcall"), signal.SIGKILL)
        sandbox.admin("POST", "/expire-tokens")
        fleet.start("postcall")
    sandbox.heal()
    calls, _ = play.finish()
    play.check_salesforce(calls)


def test_sigterm_while_salesforce_hangs(fleet, centre, sandbox):
    """Work that waits for an answer is given back, not waited for, and done by the next worker."""
    calls = [call for call, _, _ in start_all(centre, 5)]
    sandbox.fault("delay-before", delay_ms=30000, **{"class": "composite"})
    end_all(centre, calls)
    late = new_call()
    centre.write("call-started", {"callId": late, "ani": CUSTOMER, "dnis": "1", "startedAt": "2026-01-01T00:00:00Z"})
    for stage in ("postcall", "lookup"):
        assert_ends_well(fleet, stage)
    sandbox.heal()
    for stage in ("postcall", "lookup"):
        fleet.start(stage)
    for call in calls:
        centre.result("call-updated", call)
    assert centre.result("call-queued", late)
    centre.end(late)
    assert tasks_and_comments(fleet, calls) == ([1] * 5, [1] * 5)


def test_redis_away(fleet, centre):
    """Neither the lookup nor the routing nor the writing needs it, if call-ended has the number."""
    fleet.kill("redis")
    (call, queued, took_s), = start_all(centre, 1)
    assert queued["customer"]["status"] == "matched" and took_s < DEADLINE_S + MARGIN_S
    centre.agent("bob", "available")
    centre.answer(call, "bob")
    centre.end(call, agentId="bob", ani=CUSTOMER, notes="without Redis")
    assert centre.result("call-updated", call)["outcome"] == "written"
    fleet.start("redis")
    client = redis.Redis.from_url(fleet.env["CALLFLEET_REDIS"])

    def kept():
        """A call whose context the lookup worker could leave in Redis."""
        (call, queued, _), = start_all(centre, 1)
        assert queued["customer"]["status"] == "matched"
        return client.exists("cf:ctx:{%s}" % call) and call
    after = wait_until(kept, 15, "contexts in Redis again")
    centre.end(after, agentId="bob")
    assert centre.result("call-updated", after)["outcome"] == "written"
    centre.agent("bob", "offline")
    assert tasks_and_comments(fleet, [call, after]) == ([1, 1], [1, 1])
