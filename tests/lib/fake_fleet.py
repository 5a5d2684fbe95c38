# SPDX-License-Identifier: Apache-2.0
"""fake_fleet - the smallest thing that answers as the three workers do, to test the load generator itself.

It can be told to lose or double results of single calls (by their number), to see that callgen notices.
"""
import datetime
import json
import sys
import threading
import uuid

from confluent_kafka import Consumer, Producer

INPUTS = ["call-started", "agent-state", "call-ended"]


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class FakeFleet:
    def __init__(self, brokers, prefix="", lose_updated=(), double_queued=(), repeat_routed=(), no_answer_ms=300):
        self.prefix = prefix
        self.lose_updated, self.double_queued, self.repeat_routed = lose_updated, double_queued, repeat_routed
        self.no_answer_s = no_answer_ms / 1000
        self.producer = Producer({"bootstrap.servers": brokers, "linger.ms": 0})
        self.consumer = Consumer({"bootstrap.servers": brokers, "group.id": "fake-" + uuid.uuid4().hex,
                                  "auto.offset.reset": "earliest", "fetch.wait.max.ms": 10})
        self.calls, self.early, self.waiting, self.free = {}, {}, [], []
        self.seq = 0
        self.stopping, self.assigned = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.consumer.subscribe([self.prefix + t for t in INPUTS], on_assign=lambda *_: self.assigned.set())
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join(10)
        assert not self.thread.is_alive(), "the fake fleet does not stop"
        self.consumer.close()
        self.producer.flush(5)

    def wait_until_assigned(self):
        assert self.assigned.wait(30), "the fake fleet got no partitions"

    def emit(self, topic, key, data, event_id=None):
        event = {"specversion": "1.0", "id": event_id or str(uuid.uuid4()), "source": "fake", "subject": key,
                 "type": "callfleet.%s.v1" % topic, "time": now(), "data": data}
        self.producer.produce(self.prefix + topic, json.dumps(event).encode(), key=key.encode())

    def decide(self, decision, call=None, agent=None, **more):
        self.seq += 1
        data = {"decision": decision, "domain": "default", "seq": self.seq, "at": now(), "cause": {}, **more}
        if call:
            data.update(callId=call, queueId="support", priority=5)
        if agent:
            data["agentId"] = agent
        event_id = str(uuid.uuid4())
        for _ in range(2 if self.number(call) in self.repeat_routed and decision == "queued" else 1):
            self.emit("call-routed", call or agent, data, event_id)

    @staticmethod
    def number(call):
        return int(call.rsplit("-", 1)[1]) if call else 0

    def on_started(self, data):
        call = data["callId"]
        for _ in range(2 if self.number(call) in self.double_queued else 1):
            self.emit("call-queued", call, {"callId": call, "queuedAt": now(), "customer": {"status": "unmatched"},
                                            "greeting": {"language": "en", "text": "Hello", "ssml": "<speak/>"},
                                            "treatment": {"music": "defaultmusic_on_hold.wav"}})
        self.calls[call] = {"state": "waiting", "agent": None}
        self.waiting.append(call)
        self.decide("queued", call)
        if call in self.early:
            self.on_ended(self.early.pop(call))

    def on_agent(self, data):
        agent, state = data["agentId"], data["state"]
        if agent in self.free:
            self.free.remove(agent)
        if state == "available":
            self.free.append(agent)
        call = self.calls.get(data.get("callId"))
        if state == "connected" and call:
            if call["state"] == "offered" and call["offer"] == data["offerId"]:
                call["state"] = "connected"
                self.decide("connected", data["callId"], agent, offerId=data["offerId"])
            else:
                self.decide("ignored", data["callId"], agent, offerId=data["offerId"], reason="late")

    def on_ended(self, data):
        call = data["callId"]
        if call not in self.calls:  # topics overtake each other
            self.early[call] = data
            return
        was = self.calls[call]["state"]
        if call in self.waiting:
            self.waiting.remove(call)
        self.calls[call]["state"] = "over"
        if was == "offered" and self.calls[call]["agent"] not in self.free:
            self.free.append(self.calls[call]["agent"])
        self.decide("ended" if was == "connected" else "abandoned", call, self.calls[call]["agent"])
        if self.number(call) not in self.lose_updated:
            self.emit("call-updated", call, {"callId": call, "updatedAt": now(), "outcome": "nothing-to-write"})

    def match(self, clock_s):
        for call_id, call in self.calls.items():
            if call["state"] == "offered" and clock_s > call["deadline_s"]:
                call["state"] = "waiting"
                self.waiting.insert(0, call_id)
                self.decide("requeued", call_id, call["agent"], offerId=call["offer"], reason="no-answer")
                self.decide("agent-unavailable", None, call["agent"], reason="no-answer")
        while self.waiting and self.free:
            call_id, agent = self.waiting.pop(0), self.free.pop(0)
            offer = str(uuid.uuid4())
            self.calls[call_id] = {"state": "offered", "agent": agent, "offer": offer,
                                   "deadline_s": clock_s + self.no_answer_s}
            self.decide("offered", call_id, agent, offerId=offer)

    def run(self):
        handlers = {"call-started": self.on_started, "agent-state": self.on_agent, "call-ended": self.on_ended}
        while not self.stopping.is_set():
            message = self.consumer.poll(0.02)
            if message is not None and not message.error():
                handlers[message.topic()[len(self.prefix):]](json.loads(message.value())["data"])
            self.match(datetime.datetime.now().timestamp())
            self.producer.poll(0)


if __name__ == "__main__":
    with FakeFleet(sys.argv[1], *sys.argv[2:3]) as fleet:
        fleet.thread.join()
