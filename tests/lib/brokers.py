# SPDX-License-Identifier: Apache-2.0
"""brokers - Kafka for tests: Apache through tools/kafka.sh, or the embedded one; and a reader and writer of topics."""
import json
import os
import pathlib
import subprocess
import sys
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from procs import Process, processes_of
from waits import wait_until

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS / "lib"))

import kafka_admin  # noqa: E402


def apache_is_there():
    cache = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
    return os.path.isdir(os.path.join(cache, "callfleet", "kafka-3.9.1"))


class Broker:
    brokers = None

    def topics(self, prefix, *names, partitions=4):
        """Creates topics, by default all of the fleet."""
        kafka_admin.create_topics(self.brokers, [prefix + n for n in names or kafka_admin.FLEET_TOPICS], partitions)

    def writer(self, **settings):
        return Writer(self.brokers, **settings)

    def reader(self, *topics, **settings):
        return Reader(self.brokers, topics, **settings)


class Apache(Broker):
    """Apache Kafka of this directory only."""

    def __init__(self, directory, nodes=1):
        self.directory, self.nodes = directory, nodes

    def sh(self, verb, *args):
        result = subprocess.run([str(TOOLS / "kafka.sh"), verb, "--dir", str(self.directory), *args], text=True,
                                capture_output=True, timeout=150, check=False)
        assert result.returncode == 0, "kafka.sh %s: %s" % (verb, result.stderr)
        return result.stdout.strip()

    def __enter__(self):
        try:
            self.brokers = self.sh("start", "--nodes", str(self.nodes))
        except BaseException:
            self.sh("stop", "--now")
            raise
        return self

    def __exit__(self, *_):
        self.sh("stop", "--now")  # its data goes with the test: no need to be gentle
        left = processes_of(self.directory)
        assert not left, "still running: %s" % left

    def kill_node(self, node):
        self.sh("stop", "--now", "--node", str(node))

    def start_node(self, node):
        self.sh("start", "--node", str(node))


class Embedded(Broker):
    def __init__(self, directory, program, *options):
        self.directory, self.program, self.options = directory, program, options

    def __enter__(self):
        port = self.directory / "port"
        self.process = Process([self.program, "--port-file", port, *self.options], self.directory / "log")
        self.brokers = "127.0.0.1:" + self.process.wait_file(port)
        return self

    def __exit__(self, *_):
        self.process.stop()

    def topics(self, prefix, *names, partitions=4):
        pass  # it has the fleet's, and makes others when asked for them


class Writer:
    """Writes records and waits for their acknowledgement."""

    def __init__(self, brokers, **settings):
        self.producer = Producer({"bootstrap.servers": brokers, "partitioner": "murmur2_random", "linger.ms": 1,
                                  "message.timeout.ms": 30000, **settings})

    def write(self, topic, key, value, headers=None, flush=True, **more):
        if not isinstance(value, (bytes, type(None))):
            value = json.dumps(value).encode()
        self.producer.produce(topic, value, key=key, headers=headers, **more)
        if flush:
            self.flush()

    def flush(self, timeout_s=30):
        left = self.producer.flush(timeout_s)
        assert left == 0, "%d records not acknowledged" % left


class Record:
    def __init__(self, message):
        self.topic, self.partition, self.offset = message.topic(), message.partition(), message.offset()
        self.raw_key = message.key()  # None: the record has none
        self.key = (self.raw_key or b"").decode(errors="replace")
        self.value, self.headers = message.value(), message.headers() or []
        self.timestamp = message.timestamp()[1]

    @property
    def event(self):
        return json.loads(self.value)

    @property
    def data(self):
        return self.event["data"]

    def header(self, name):
        """The header's text, None when it is not there."""
        values = [value for key, value in self.headers if key == name]
        return values[-1].decode() if values else None

    def __repr__(self):
        return "%s[%d]@%d %s %s" % (self.topic, self.partition, self.offset, self.key, self.value)


class Reader:
    """Reads topics from their beginning as a read_committed consumer; keeps all it has read in `records`."""

    def __init__(self, brokers, topics, isolation="read_committed"):
        self.records = []
        self.consumer = Consumer({"bootstrap.servers": brokers, "group.id": "reader", "enable.auto.commit": False,
                                  "isolation.level": isolation, "fetch.wait.max.ms": 10,
                                  "allow.auto.create.topics": True, "queued.min.messages": 1000000})
        wanted = []
        for topic in topics:
            partitions = wait_until(lambda t=topic: self.partitions_of(t), 30, "topic " + topic)
            wanted += [TopicPartition(topic, p, OFFSET_BEGINNING) for p in partitions]
        self.consumer.assign(wanted)

    def partitions_of(self, topic):
        metadata = self.consumer.list_topics(topic, timeout=10).topics[topic]
        return [] if metadata.error else list(metadata.partitions)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.consumer.close()

    def poll(self, wait_s=0.1):
        message = self.consumer.poll(wait_s)
        while message is not None:
            if not message.error():
                self.records.append(Record(message))
            message = self.consumer.poll(0)

    def select(self, topic=None, key=None, match=None):
        return [r for r in self.records if (topic is None or r.topic == topic) and (key is None or r.key == key)
                and (match is None or match(r))]

    def wait(self, count=1, timeout_s=30, **which):
        """Waits for at least `count` records that fit; returns those."""
        deadline = time.monotonic() + timeout_s
        while len(self.select(**which)) < count:
            if time.monotonic() > deadline:
                seen = "\n".join(map(repr, self.records[-20:]))
                raise AssertionError("%d of %d records within %g s for %s; last read:\n%s"
                                     % (len(self.select(**which)), count, timeout_s, which, seen))
            self.poll()
        return self.select(**which)

    def settle(self, quiet_s=1.0, timeout_s=30):
        """Reads until nothing has come for `quiet_s`: for tests that something does not happen."""
        deadline, last, seen = time.monotonic() + timeout_s, time.monotonic(), len(self.records)
        while time.monotonic() < min(deadline, last + quiet_s):
            self.poll()
            if len(self.records) != seen:
                last, seen = time.monotonic(), len(self.records)
        return self.records
