# SPDX-License-Identifier: Apache-2.0
"""contact_centre - what an outsider's contact centre writes and sees: events by kcat, answers read from the topics."""
import datetime
import json
import re
import subprocess
import uuid

FORMS = ("bare", "structured", "binary")


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def envelope(topic, subject, data, event_id=None):
    """A structured CloudEvent."""
    return {"specversion": "1.0", "id": event_id or str(uuid.uuid4()), "source": "/test/contact-centre", "subject": subject,
            "type": "callfleet.%s.v1" % topic, "time": now(), "datacontenttype": "application/json", "data": data}


def kcat(brokers, topic, key, value, headers=()):
    """Writes one record with kcat, as the README tells outsiders to."""
    options = [word for name, text in headers for word in ("-H", "%s=%s" % (name, text))]
    done = subprocess.run(["kcat", "-q", "-P", "-b", brokers, "-t", topic, "-k", key, "-X", "partitioner=murmur2_random",
                           *options], input=value.encode() + b"\n", capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr


class ContactCentre:
    """Writes a fleet's inputs with kcat and reads its results."""

    def __init__(self, fleet):
        self.fleet = fleet
        self.results = fleet.reader("call-queued", "call-routed", "call-updated")

    def write(self, topic, data, form="bare", event_id=None):
        key = data["agentId"] if topic == "agent-state" else data["callId"]
        value, headers = data, []
        if form == "structured":
            value = envelope(topic, key, data, event_id)
            headers = [("content-type", "application/cloudevents+json; charset=UTF-8")]
        elif form == "binary":
            attributes = envelope(topic, key, None, event_id)
            headers = [("ce_" + name, attributes[name]) for name in ("specversion", "id", "source", "type", "subject", "time")]
            headers.append(("content-type", "application/json"))
        kcat(self.fleet.brokers, self.fleet.topic(topic), key, json.dumps(value, ensure_ascii=False), headers)

    def start(self, call, ani, form="bare", **more):
        self.write("call-started", {"callId": call, "ani": ani, "dnis": "+18005550100", "startedAt": now(), **more}, form)
        return self.result("call-queued", call)

    def agent(self, agent, state, form="bare", **more):
        self.write("agent-state", {"agentId": agent, "state": state, "at": now(), **more}, form)

    def end(self, call, form="bare", event_id=None, **more):
        self.write("call-ended", {"callId": call, "endedAt": now(), "endedBy": "caller", **more}, form, event_id)

    def result(self, topic, call, count=1, **which):
        """The data of the `count`-th result about a call (or of an agent, with call None) that has the given members."""
        def fits(record):
            data = record.data
            return (call is None or data.get("callId") == call) and all(data.get(k) == v for k, v in which.items())
        return self.results.wait(topic=self.fleet.topic(topic), match=fits, count=count, timeout_s=40)[count - 1].data

    def decision(self, decision, call=None, **which):
        return self.result("call-routed", call, decision=decision, **which)

    def answer(self, call, agent):
        """The agent takes the call that is offered to it. Returns (offer, connection)."""
        offer = self.decision("offered", call, agentId=agent)
        self.agent(agent, "connected", callId=call, offerId=offer["offerId"])
        return offer, self.decision("connected", call, agentId=agent)


def digits(phone):
    return re.sub(r"\D", "", phone)


def leaks(fleet, phones):
    """Lines of the fleet's logs that show one of the numbers, in whatever way it is written."""
    found = []
    wanted = [re.compile(r"\D{0,3}".join(digits(phone)[-7:])) for phone in phones]
    for path in sorted((fleet.directory / "log").glob("*.log")):
        for line in path.read_text(errors="replace").splitlines():
            if any(number.search(line) for number in wanted):
                found.append("%s: %s" % (path.name, line))
    return found
