#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Benchmarks of the stages beside a bare librdkafka loop, all on one Apache Kafka in one run. By hand:

    tests/bench/run.py [--events N] [--bin DIR] [--json FILE]

Each row reads the same number of events from a topic that was filled before; CPU is the worker's own (user and system),
not the broker's. What to quote are ratios to the bare loop of the same run: broker, workers and load share the cores.
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "lib"))
sys.path.insert(0, str(ROOT / "tools" / "lib"))

import brokers  # noqa: E402
import kafka_admin  # noqa: E402
import lookup_rows  # noqa: E402
import servers  # noqa: E402
from confluent_kafka import Consumer, Producer, TopicPartition  # noqa: E402
from procs import Process  # noqa: E402
from waits import wait_until  # noqa: E402

PARTITIONS = 4
TICKS = os.sysconf("SC_CLK_TCK")


def call_started(i, ani):
    return {"specversion": "1.0", "id": "evt-%010d" % i, "source": "/bench/pbx", "type": "callfleet.call-started.v1",
            "subject": "call-%010d" % i, "time": "2026-11-22T10:15:30.123Z", "datacontenttype": "application/json",
            "data": {"callId": "call-%010d" % i, "ani": ani, "dnis": "+18005550100", "entryPointId": "main",
                     "startedAt": "2026-11-22T10:15:30.123Z", "direction": "inbound", "channel": "telephony",
                     "language": "en-US", "attributes": {"campaign": "autumn", "site": "tucson"}}}


def call_queued(i):
    return {"callId": "call-%010d" % i, "queuedAt": "2026-11-22T10:15:30.123Z", "ani": "+15205550101", "dnis": "+18005550100",
            "customer": {"status": "matched", "account": {"id": "001000000000001AAA", "name": "Acme", "tier": "Gold"},
                         "contact": {"id": "003000000000001AAA", "name": "Ada Example"}, "matchCount": 1,
                         "cases": [{"id": "500000000000001AAA", "number": "00001001", "subject": "Router fails",
                                    "status": "New", "priority": "High"}]},
            "greeting": {"language": "en", "text": "Hello", "ssml": "<speak>Hello</speak>"},
            "treatment": {"music": "defaultmusic_on_hold.wav"}}


class Bench:
    def __init__(self, options, directory, kafka, redis):
        self.options, self.directory, self.kafka, self.redis = options, directory, kafka, redis
        self.rows, self.run, self.partitions = [], "%06d" % random.randrange(10**6), PARTITIONS
        self.consumer = Consumer({"bootstrap.servers": kafka.brokers, "group.id": "bench-ends"})

    def topics(self, prefix):
        kafka_admin.create_topics(self.kafka.brokers, [prefix + t for t in kafka_admin.FLEET_TOPICS], PARTITIONS)

    def end(self, topic):
        return sum(self.consumer.get_watermark_offsets(TopicPartition(topic, p))[1] for p in range(PARTITIONS))

    def fill(self, topic, make, count):
        producer = Producer({"bootstrap.servers": self.kafka.brokers, "partitioner": "murmur2_random", "linger.ms": 50,
                             "queue.buffering.max.messages": 2000000})
        for i in range(count):
            producer.produce(topic, json.dumps(make(i)), key="call-%010d" % i)
            if i % 1000 == 0:
                producer.poll(0)
        producer.flush()

    def add(self, name, rate, cpu_per_million, rss_kb, note, **more):
        self.rows.append({"row": name, "perSecond": round(rate), "cpuSecondsPerMillion": round(cpu_per_million, 2),
                          "peakRssMiB": round(rss_kb / 1024), "note": note, **more})
        print("  %-42s %9.0f/s %8.2f CPU-s/M %5d MiB  %s" % (name, rate, cpu_per_million, rss_kb / 1024, note), flush=True)

    def row(self, name, events, seconds, cpu, rss_kb, note=""):
        self.add(name, events / seconds, cpu / events * 1e6, rss_kb, note, events=events)

    def bare(self, prefix, count):
        began = time.monotonic()
        out = subprocess.run([self.options.bin / "bare-loop", self.kafka.brokers, "bare%d%s" % (len(self.rows), self.run),
                              prefix + "call-started", prefix + "call-updated", str(count)], capture_output=True, text=True,
                             check=True, timeout=300)
        self.row("bare librdkafka loop", count, time.monotonic() - began, json.loads(out.stdout)["cpuSeconds"], 0)

    def start(self, program, prefix, name, **settings):
        environment = {**os.environ, "CALLFLEET_KAFKA_BROKERS": self.kafka.brokers, "CALLFLEET_TOPIC_PREFIX": prefix,
                       "CALLFLEET_GROUP": prefix + name + self.run, "CALLFLEET_INSTANCE": name,
                       "CALLFLEET_REDIS_URL": self.redis.url, **{k.upper(): str(v) for k, v in settings.items()}}
        return Process([self.options.bin / program], self.directory / (name + ".log"), env=environment)

    @staticmethod
    def usage(process):
        fields = pathlib.Path("/proc/%d/stat" % process.popen.pid).read_text().rsplit(")", 1)[1].split()
        status = pathlib.Path("/proc/%d/status" % process.popen.pid).read_text()
        peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        return (int(fields[11]) + int(fields[12])) / TICKS, peak

    def stage(self, row, program, prefix, output, events, note="", expect=None, **settings):
        """Runs a worker until it has written `expect` records; the time starts at its first."""
        name = "%s-%d" % (program, len(self.rows))
        before = self.end(prefix + output)
        process = self.start(program, prefix, name, **settings)
        try:
            wait_until(lambda: self.end(prefix + output) > before, 60, lambda: "%s: %s" % (row, process.tail()), every_s=0.01)
            began = time.monotonic()
            wait_until(lambda: self.end(prefix + output) - before >= (expect or events), 300,
                       lambda: "%s: %d of %d" % (row, self.end(prefix + output) - before, events), every_s=0.02)
            seconds = time.monotonic() - began
            self.row(row, events, seconds, *self.usage(process), note)
        finally:
            process.stop()

    def idle(self, program, prefix, **settings):
        process = self.start(program, prefix, "idle-" + program, **settings)
        try:
            wait_until(lambda: "reading" in process.tail(), 60, program, every_s=0.1)
            status = pathlib.Path("/proc/%d/status" % process.popen.pid).read_text()
            rss = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
            print("  idle %-29s %43.1f MiB" % (program, rss / 1024))
            self.rows.append({"row": "idle " + program, "rssMiB": round(rss / 1024, 1)})
        finally:
            process.stop()


def salesforce(url, directory):
    for name, macro in (("secret", "SB_CLIENT_SECRET"), ("password", "SB_PASSWORD")):
        path = directory / name
        path.touch(0o600)
        path.write_text(servers.sandbox_default(macro))
    return {"callfleet_sf_login_url": url, "callfleet_sf_grant": "password",
            "callfleet_sf_client_id": servers.sandbox_default("SB_CLIENT_ID"),
            "callfleet_sf_client_secret_file": directory / "secret",
            "callfleet_sf_username": servers.sandbox_default("SB_USERNAME"),
            "callfleet_sf_password_file": directory / "password"}


def withheld(i):
    return call_started(i, "anonymous")


def stranger(i):
    return call_started(i, "+1520%07d" % (5550000 + i % 4000000))


def runtime_rows(bench, count):
    bench.topics("a.")
    bench.fill("a.call-started", withheld, count)
    bench.bare("a.", count)
    bench.stage("echo, bytes handed on", "echo-worker", "a.", "call-queued", count)
    bench.stage("echo, decode + encode", "echo-worker", "a.", "call-queued", count, callfleet_echo_mode="decode")
    bench.bare("a.", count)


def run(options, directory):
    with brokers.Apache(directory / "kafka") as kafka, servers.Redis(directory / "redis") as redis:
        bench = Bench(options, directory, kafka, redis)
        count = options.events
        print("%d events, %d partitions, one Apache Kafka node, %d cores shared by all; load before: %.1f" % (
            count, PARTITIONS, os.cpu_count(), os.getloadavg()[0]))
        if not options.lookups_only:
            runtime_rows(bench, count)
        if options.runtime_only:
            return bench.rows
        lookup_rows.rows(bench, stranger, lambda url: salesforce(url, directory))
        if options.lookups_only:
            return bench.rows
        bench.topics("c.")
        bench.fill("c.call-queued", call_queued, count // 4)
        bench.stage("routing: sequencer + engine", "routing-worker", "c.", "call-routed", count // 4,
                    "calls queued; two Kafka hops each")
        with servers.Sandbox(directory / "sandbox", options.bin / "sf-sandbox", "--latency-ms", 50) as sandbox:
            settings = salesforce(sandbox.url, directory)
            bench.topics("b.")
            bench.fill("b.call-started", withheld, count)
            bench.stage("lookup, withheld numbers", "lookup-worker", "b.", "call-queued", count, "no Salesforce, Redis context",
                        **settings)
            bench.topics("d.")
            asked = min(count // 10, 20000)
            bench.fill("d.call-started", stranger, asked)
            bench.stage("lookup, Salesforce at 50 ms", "lookup-worker", "d.", "call-queued", asked,
                        "1,000 in flight: 20,000/s in theory", callfleet_sf_max_in_flight=1000,
                        callfleet_http_max_connections=1000, callfleet_deadline_ms=20000, callfleet_sf_timeout_ms=20000,
                        **settings)
            bench.topics("e.")
            for program in ("lookup-worker", "routing-worker", "postcall-worker"):
                if (options.bin / program).exists():
                    bench.idle(program, "e.", **({} if program == "routing-worker" else settings))
        return bench.rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=300000)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "release" / "bin")
    parser.add_argument("--runtime-only", action="store_true", help="only the bare loop and the echo stage")
    parser.add_argument("--lookups-only", action="store_true", help="only the lookup worker against sf-stub")
    parser.add_argument("--in-flight", type=lambda text: [int(n) for n in text.split(",")], default=lookup_rows.IN_FLIGHT,
                        help="requests at once, in the rows against sf-stub; default 100,1000,4000")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="callfleet-bench-") as directory:
        rows = run(options, pathlib.Path(directory))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
