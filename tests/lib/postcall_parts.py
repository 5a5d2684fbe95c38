# SPDX-License-Identifier: Apache-2.0
"""postcall_parts - the post-call worker with a broker, Redis and the Salesforce sandbox, and fixtures of them."""
import json
import os
import re
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
        self.writer, self.arguments = broker.writer(), []

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
        process = Process([self.program("postcall-worker"), *self.arguments], self.directory / ("log-%d" % self.runs), env=environment)
        admin = "http://127.0.0.1:" + process.wait_file(port_file)
        wait_until(lambda: requests.get(admin + "/readyz", timeout=5).status_code == 200, 30, "ready")
        process.admin = admin
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

    def history(self, since=0):
        entries = requests.get(self.sandbox.url + "/_sandbox/history?limit=1000000&since=%d" % since, timeout=20).json()
        return [e for e in entries if e.get("path")]

    def mark(self):
        """For requests(): what comes from now on."""
        return max([e["seq"] for e in self.history()] or [0])

    def requests(self, kind, since):
        """Requests of the worker since the mark: "write" or "read"."""
        path = COMPOSITE + ("/graph" if kind == "write" else "")
        return [e for e in self.history(since) if e["path"] == path and e["seq"] > since]

    def setting(self, **settings):
        reply = requests.post(self.sandbox.url + "/_sandbox/config", json=settings, timeout=5)
        assert reply.status_code < 300, reply.text

    def metric(self, name):
        text = requests.get(self.process.admin + "/metrics", timeout=5).text
        return sum(float(v) for v in re.findall(r"^%s(?:{[^}]*})? (.*)$" % name, text, re.M))

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
