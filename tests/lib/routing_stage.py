# SPDX-License-Identifier: Apache-2.0
"""routing_stage - one routing worker of a component test, what it is told and what it decides."""
import datetime
import os

from procs import Process
from waits import wait_until


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class Routing:
    def __init__(self, program, kafka, prefix, directory, redis_server):
        self.program, self.kafka, self.prefix, self.directory = program, kafka, prefix, directory
        self.redis = redis_server
        self.writer = kafka.writer()
        self.reader = kafka.reader(prefix + "call-routed")
        self.process, self.settings = None, {}

    def start(self, **settings):
        self.settings.update({"CALLFLEET_" + k.upper(): str(v) for k, v in settings.items()})
        environment = {**os.environ, "CALLFLEET_KAFKA_BROKERS": self.kafka.brokers, "CALLFLEET_TOPIC_PREFIX": self.prefix,
                       "CALLFLEET_GROUP": self.prefix + "routing", "CALLFLEET_INSTANCE": "one",
                       "CALLFLEET_SESSION_TIMEOUT_MS": "6000", "CALLFLEET_REDIS_URL": self.redis.url, **self.settings}
        self.process = Process([self.program], self.directory / "routing.log", env=environment)

    def agent(self, agent, state, **more):
        self.writer.write(self.prefix + "agent-state", agent, {"agentId": agent, "state": state, "at": now(), **more})

    def call(self, call, **more):
        self.writer.write(self.prefix + "call-queued", call, {
            "callId": call, "queuedAt": now(), "customer": {"status": "unmatched"},
            "greeting": {"language": "en", "text": "Hello", "ssml": "<speak>Hello</speak>"},
            "treatment": {"music": "defaultmusic_on_hold.wav"}, **more})

    def end(self, call):
        self.writer.write(self.prefix + "call-ended", call, {"callId": call, "endedAt": now()})

    def decision(self, decision, **which):
        """Waits for a decision about a call or agent."""
        def fits(record):
            data = record.data
            return data["decision"] == decision and all(data.get(k) == v for k, v in which.items())
        return self.reader.wait(match=fits, timeout_s=45)[-1].data

    def answer(self, call, agent):
        offer = self.decision("offered", callId=call, agentId=agent)
        self.agent(agent, "connected", callId=call, offerId=offer["offerId"])
        return self.decision("connected", callId=call, agentId=agent)

    def in_redis(self, key):
        raw = self.redis.client.hgetall("cf:{default}:" + key)
        return {k.decode(): v.decode() for k, v in raw.items()}

    def close(self):
        if self.process and self.process.running():
            self.process.stop()
        self.reader.consumer.close()
