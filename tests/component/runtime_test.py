# SPDX-License-Identifier: Apache-2.0
"""The runtime by itself: the echo stage on Apache Kafka, shot at. What must hold is that a read_committed reader sees each
record once, whatever is killed or stopped when."""
import os
import random
import signal

import pytest
import requests
from confluent_kafka import Consumer, TopicPartition
from procs import Process
from waits import wait_until


class Echo:
    """Echo workers of one group."""

    def __init__(self, program, kafka, prefix, directory, redis_url, wait_ms=100):
        self.program, self.directory = program, directory
        self.environment = {
            **os.environ,
            "CALLFLEET_KAFKA_BROKERS": kafka.brokers,
            "CALLFLEET_TOPIC_PREFIX": prefix,
            "CALLFLEET_GROUP": prefix + "echo",
            "CALLFLEET_REDIS_URL": redis_url,
            "CALLFLEET_SESSION_TIMEOUT_MS": "6000",
            "CALLFLEET_ECHO_WAIT_MS": str(wait_ms),
        }
        self.running = {}

    def start(self, name):
        port_file = self.directory / (name + ".port")
        port_file.unlink(missing_ok=True)
        environment = {**self.environment, "CALLFLEET_INSTANCE": name, "CALLFLEET_ADMIN_PORT_FILE": str(port_file)}
        self.running[name] = Process([self.program], self.directory / (name + ".log"), env=environment)
        return self.running[name]

    def get(self, name, path):
        port = self.running[name].wait_file(self.directory / (name + ".port"))
        return requests.get("http://127.0.0.1:%s%s" % (port, path), timeout=5)

    def kill(self, name):
        self.running.pop(name).kill()

    def close(self):
        for process in self.running.values():
            process.popen.send_signal(signal.SIGCONT)
            process.stop()


@pytest.fixture
def echo(program, kafka, prefix, tmp_path, redis_server):
    kafka.topics(prefix, "call-started", "call-queued", "call-started.dlq")
    workers = Echo(program("echo-worker"), kafka, prefix, tmp_path, redis_server.url)
    yield workers
    workers.close()


def fill(kafka, prefix, count, first=0):
    writer = kafka.writer(**{"enable.idempotence": True})
    for i in range(first, first + count):
        writer.write(prefix + "call-started", "k%d" % i, {"n": i}, flush=i % 5000 == 4999)
    writer.flush()


def keys(reader):
    return [record.key for record in reader.records]


def wait_all(reader, count, timeout_s=60):
    def enough():
        reader.poll()
        return len(set(keys(reader))) >= count
    wait_until(enough, timeout_s, lambda: "%d of %d records" % (len(set(keys(reader))), count), every_s=0)


def test_kills_lose_nothing_and_double_nothing(echo, kafka, prefix):
    count, rng = 20000, random.Random(7)
    fill(kafka, prefix, count)
    echo.start("a")
    echo.start("b")
    with kafka.reader(prefix + "call-queued") as reader:
        for round_ in range(1, 7):
            wait_all(reader, count * round_ // 8)
            name = rng.choice(["a", "b"])
            echo.kill(name)
            echo.start(name)
        wait_all(reader, count)
        reader.settle()
        assert sorted(keys(reader)) == sorted("k%d" % i for i in range(count))


def test_a_stopped_worker_that_wakes_up_changes_nothing(echo, kafka, prefix):
    fill(kafka, prefix, 4000)
    echo.start("a")
    with kafka.reader(prefix + "call-queued") as reader:
        wait_all(reader, 500)
        echo.start("b")
        zombie = echo.running["a"].popen
        zombie.send_signal(signal.SIGSTOP)  # the group forgets it after 6 s; b takes over
        wait_all(reader, 4000)
        fill(kafka, prefix, 1000, first=4000)
        wait_all(reader, 5000)
        zombie.send_signal(signal.SIGCONT)
        fill(kafka, prefix, 1000, first=5000)
        wait_all(reader, 6000)
        reader.settle()
        assert len(keys(reader)) == 6000


def test_sigterm_drains_and_hands_nothing_back(echo, kafka, prefix):
    fill(kafka, prefix, 300)
    worker = echo.start("a")
    with kafka.reader(prefix + "call-queued") as reader:
        wait_all(reader, 1)
        worker.stop()
        reader.settle()
        first = len(keys(reader))
        echo.start("a")
        wait_all(reader, 300)
        reader.settle()
        assert first >= 1 and len(keys(reader)) == 300


def test_idle_workers_show_no_lag_behind_transaction_markers(program, echo, kafka, prefix):
    fill(kafka, prefix, 10)
    echo.start("a")
    with kafka.reader(prefix + "call-queued") as reader:
        wait_all(reader, 10)
    # A second echo reads what the first wrote: its topic has transaction markers at its end.
    consumer = Consumer({"bootstrap.servers": kafka.brokers, "group.id": prefix + "chain"})
    environment = {**echo.environment, "CALLFLEET_GROUP": prefix + "chain", "CALLFLEET_ECHO_MODE": "sink"}
    process = Process([program("echo-worker")], echo.directory / "chain.log", env=environment)
    try:
        parts = [TopicPartition(prefix + "call-queued", p) for p in range(4)]

        def no_lag():
            ends = {p.partition: consumer.get_watermark_offsets(p)[1] for p in parts}
            done = {p.partition: p.offset for p in consumer.committed(parts, timeout=10)}
            return all(done[p] == end or (end == 0 and done[p] < 0) for p, end in ends.items())
        wait_until(no_lag, 30, "committed offsets at the topic's end")
    finally:
        consumer.close()
        process.stop()


def test_live_ready_and_metrics(echo, kafka, prefix):
    fill(kafka, prefix, 50)
    echo.start("a")
    assert echo.get("a", "/livez").status_code == 200
    wait_until(lambda: echo.get("a", "/readyz").status_code == 200, 30, "ready")
    consumed = 'callfleet_events_consumed_total{topic="call-started"} 50'
    wait_until(lambda: consumed in echo.get("a", "/metrics").text, 30, lambda: echo.get("a", "/metrics").text)


@pytest.mark.parametrize("setting, text", [
    ({"CALLFLEET_MAX_IN_FLIGHT": "0"}, "max_in_flight"),
    ({"CALLFLEET_KAFKA__no__such__property": "1"}, "no.such.property"),
    ({"CALLFLEET_LOG_LEVEL": "loud"}, "log_level"),
])
def test_bad_settings_end_with_78_and_one_clear_line(echo, setting, text):
    process = Process([echo.program], echo.directory / "bad.log", env={**echo.environment, **setting})
    assert process.popen.wait(20) == 78
    assert text in process.tail()
