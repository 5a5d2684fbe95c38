# SPDX-License-Identifier: Apache-2.0
"""The post-call worker with a broker, Redis and the Salesforce sandbox: what is in the org when a call is over."""
import json
import os
import uuid

import brokers
import pytest
import requests
import servers
from procs import Process
from waits import wait_until

ENDED = {"endedAt": "2026-11-22T10:15:30.123Z", "endedBy": "caller", "agentId": "a-7", "agentName": "Jane Doe",
         "queueId": "support", "wrapUpCode": "Solved", "notes": "Printer on fire", "talkMs": 200500}


COMPOSITE = "/services/data/v60.0/composite"


def secret(path, text):
    path.touch(0o600)
    path.write_text(text)
    return str(path)


class Customer:
    """Somebody in the org with an open case."""

    def __init__(self, sf):
        self.phone = "(212) 555-%04d" % next(numbers)
        self.account = sf.create("Account", Name="Acme " + uuid.uuid4().hex[:6])
        self.contact = sf.create("Contact", LastName="Post", AccountId=self.account, Phone=self.phone)
        self.case = sf.create("Case", Subject="Fire", ContactId=self.contact, AccountId=self.account)
        self.context = {"contactId": self.contact, "accountId": self.account, "caseId": self.case, "ani": self.e164,
                        "customer": json.dumps({"status": "matched"})}

    @property
    def e164(self):
        return "+1" + "".join(c for c in self.phone if c.isdigit())


class Postcall:
    """Broker, Redis and sandbox, and workers of the stage, each start with topics of its own."""

    def __init__(self, directory, program, broker):
        self.directory, self.program, self.broker = directory, program, broker
        self.redis = servers.Redis(directory / "redis")
        self.redis.start()
        self.sandbox = servers.Sandbox(directory / "sandbox", program("sf-sandbox"))
        self.sf, self.process, self.reader, self.runs = self.sandbox.client(), None, None, 0
        self.writer = broker.writer()

    def launch(self, **changes):
        """One more worker of the group."""
        self.runs += 1
        port_file = self.directory / ("port-%d" % self.runs)
        default = servers.sandbox_default
        settings = {
            "kafka_brokers": self.broker.brokers, "topic_prefix": self.prefix, "group": self.prefix + "postcall",
            "instance": "one", "redis_url": self.redis.url, "session_timeout_ms": "6000", "sf_login_url": self.sandbox.url,
            "sf_grant": "client_credentials", "sf_client_id": default("SB_CLIENT_ID"),
            "sf_client_secret_file": secret(self.directory / "client-secret", default("SB_CLIENT_SECRET")),
            "sf_timeout_ms": "1500", "write_timeout_ms": "1500", "late_write_ms": "300", "admin_port_file": str(port_file), "retry_base_ms": "20", "retry_cap_ms": "200",
            **changes}
        environment = {**os.environ, **{"CALLFLEET_" + key.upper(): value for key, value in settings.items()}}
        process = Process([self.program("postcall-worker")], self.directory / ("log-%d" % self.runs), env=environment)
        admin = "http://127.0.0.1:" + process.wait_file(port_file)
        wait_until(lambda: requests.get(admin + "/readyz", timeout=5).status_code == 200, 30, "ready")
        return process

    def start(self, **changes):
        self.prefix = "t%s." % uuid.uuid4().hex[:8]
        self.broker.topics(self.prefix, "call-ended", "call-updated", "call-ended.dlq")
        self.process = self.launch(**changes)
        self.reader = self.broker.reader(self.prefix + "call-updated", self.prefix + "call-ended.dlq")
        return self

    def stop(self):
        process, self.process = self.process, None
        if self.reader:
            self.reader.consumer.close()
        self.reader = None
        if process and process.running():
            process.stop()

    def close(self):
        try:
            self.stop()
        finally:
            self.sandbox.process.stop(expect=None)
            self.redis.process.stop(expect=None)

    # ---- calls ----
    def call(self, who=None, **context):
        """A new call id, with what the lookup stage leaves in Redis."""
        call = "call-" + uuid.uuid4().hex[:12]
        context = {**(who.context if who else {}), **context}
        if context:
            self.redis.client.hset("cf:ctx:{%s}" % call, mapping=context)
        return call

    def end(self, call, **fields):
        data = {"callId": call, **ENDED, **fields}
        event = {"specversion": "1.0", "id": "e-" + call, "source": "/test", "type": "callfleet.call-ended.v1",
                 "datacontenttype": "application/json", "data": {k: v for k, v in data.items() if v is not None}}
        self.writer.write(self.prefix + "call-ended", call, event)

    def updated(self, call, count=1):
        records = self.reader.wait(count, topic=self.prefix + "call-updated", key=call)
        assert len(records) == count
        return records[-1].data

    # ---- the org ----
    def tasks(self, call, field="Callfleet_Call_Id__c"):
        return self.sf.query("SELECT Id, Subject, WhoId, WhatId, CallType, CallObject, CallDisposition, TaskSubtype, Status, "
                             "CallDurationInSeconds, ActivityDate, Description FROM Task WHERE %s = '%s'" % (field, call))

    def comments(self, customer):
        return [r["CommentBody"] for r in self.sf.query(
            "SELECT CommentBody FROM CaseComment WHERE ParentId = '%s' ORDER BY CreatedDate, Id" % customer.case)]

    def fault(self, kind, **rule):
        reply = requests.post(self.sandbox.url + "/_sandbox/faults", json={"kind": kind, "path": COMPOSITE, **rule}, timeout=5)
        assert reply.status_code < 300, reply.text

    def no_faults(self):
        assert requests.delete(self.sandbox.url + "/_sandbox/faults", timeout=5).status_code < 300

    def writes(self, call):
        history = requests.get(self.sandbox.url + "/_sandbox/history?limit=1000000", timeout=10).json()
        return [e for e in history if "CommentBody" in json.dumps(e) and call in json.dumps(e)]

    def written_once(self, call, customer):
        assert len(self.tasks(call)) == 1
        assert [c.rsplit("\n", 1)[1] for c in self.comments(customer)] == ["[callfleet:%s]" % call]


numbers = iter(range(10000))


@pytest.fixture(scope="module")
def parts(tmp_path_factory, program):
    directory = tmp_path_factory.mktemp("postcall")
    with brokers.Embedded(directory / "embedded", program("embedded-broker")) as broker:
        stage = Postcall(directory, program, broker)
        try:
            yield stage.start()
        finally:
            stage.close()


@pytest.fixture
def postcall(parts):
    """The worker with its default configuration."""
    if not parts.process:
        parts.start()
    yield parts
    parts.no_faults()


@pytest.fixture
def other(parts):
    """For workers with another configuration: other.start(...)."""
    parts.stop()
    yield parts
    parts.no_faults()
    parts.stop()


@pytest.fixture
def customer(parts):
    return Customer(parts.sf)


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
