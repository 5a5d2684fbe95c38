# SPDX-License-Identifier: Apache-2.0
"""Rows of the lookup worker against sf-stub: N requests in flight at 50 ms, beside libcurl alone on the same stub.

The theory is N / latency. The rate counts results by their Kafka timestamps, without the first and the last tenth; CPU of
the worker and of the stub counts from the first result on, so that starting up is not in it.
"""
import json
import subprocess
import urllib.request

from confluent_kafka import TopicPartition
from waits import wait_until

LATENCY_MS = 50
IN_FLIGHT = (100, 1000, 4000)
COALESCED = 1000  # allowed in flight in the row with coalescing on
# Each number its own request, nothing out of the cache.
ALONE = {"callfleet_lookup_batch": 1, "callfleet_cache_ttl_ms": 0, "callfleet_cache_negative_ttl_ms": 0,
         "callfleet_cache_stale_ms": 0}
SECONDS = 8  # of load at the theoretical rate, up to MOST records
MOST = 80000
FLOOR_BODY_BYTES = 1150  # about what a lookup of one number sends


class Stub:
    def __init__(self, program, rows=1, latency_ms=LATENCY_MS):
        self.popen = subprocess.Popen([program, str(latency_ms), str(rows), "20000"], stdout=subprocess.PIPE, text=True)
        self.url = "http://127.0.0.1:%d" % int(self.popen.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.popen.terminate()
        self.popen.wait(timeout=10)
        self.popen.stdout.close()

    def stats(self):
        with urllib.request.urlopen(self.url + "/stats", timeout=10) as reply:
            return json.load(reply)


def timestamps(bench, topic, count):
    """Of the last `count` records of a topic, sorted."""
    found = []
    bench.consumer.assign([TopicPartition(topic, p, 0) for p in range(bench.partitions)])
    while len(found) < count:
        for message in bench.consumer.consume(10000, timeout=10):
            assert not message.error(), message.error()
            found.append(message.timestamp()[1])
    bench.consumer.unassign()
    return sorted(found)


def steady_rate(times):
    tenth = len(times) // 10
    return (len(times) - 2 * tenth) * 1000 / max(1, times[-1 - tenth] - times[tenth])


def floor_row(bench, stub, n):
    """libcurl-multi alone with N in flight: what any client on libcurl can reach on this machine."""
    for name, extra in (("", []), (", 64 a multi handle", ["64"])):
        stub.stats()
        out = subprocess.run([bench.options.bin / "curl-floor", stub.url + "/services/data/v60.0/composite", str(n),
                              str(FLOOR_BODY_BYTES), "3", *extra], capture_output=True, text=True, check=True, timeout=60)
        seen, figures = stub.stats(), json.loads(out.stdout)
        rate = figures["perSecond"]
        bench.add("libcurl alone, %d in flight%s" % (n, name), rate, figures["cpuSecondsPerMillion"], 0,
                  "%3.0f %% of theory; stub %.1f CPU-s/M" % (rate * LATENCY_MS / n / 10,
                                                            seen["cpuSeconds"] / max(1, seen["composites"]) * 1e6),
                  fraction=round(rate * LATENCY_MS / n / 1000, 3))


def lookup_row(bench, stub, n, name, count, prefix, **settings):
    """A fresh worker on a topic of `count` records."""
    output = prefix + "call-queued"
    assert bench.end(output) == 0
    process = bench.start("lookup-worker", prefix, "lookup-%d" % len(bench.rows), callfleet_max_in_flight=4 * n + 4000,
                          callfleet_sf_max_in_flight=n, callfleet_http_max_connections=n, callfleet_deadline_ms=20000,
                          callfleet_sf_timeout_ms=20000, callfleet_log_level="warn", **settings)
    try:
        wait_until(lambda: bench.end(output) > 0, 60, lambda: "%s: %s" % (name, process.tail()), every_s=0.01)
        done, (cpu, _) = bench.end(output), bench.usage(process)
        stub.stats()
        # Every record of a transaction has its control record behind it, so this ends a little early at worst.
        wait_until(lambda: bench.end(output) >= count, 300, lambda: "%s: %d of %d\n%s" % (
            name, bench.end(output), count, process.tail()), every_s=0.05)
        (cpu_end, rss), seen = bench.usage(process), stub.stats()
    finally:
        process.stop()
    rate, counted = steady_rate(timestamps(bench, output, count)), count - done
    bench.add(name, rate, (cpu_end - cpu) / counted * 1e6, rss,
              "%3.0f %% of theory; %d at once; stub %.1f CPU-s/M; %.3f API calls a lookup" % (
                  rate * LATENCY_MS / n / 10, seen["inFlightHighWater"],
                  seen["cpuSeconds"] / max(1, seen["composites"]) * 1e6, seen["composites"] / counted),
              fraction=round(rate * LATENCY_MS / n / 1000, 3), inFlight=seen["inFlightHighWater"],
              apiCallsPerLookup=round(seen["composites"] / counted, 4))


def rows(bench, make, settings):
    """`make(i)`: the i-th call, each of another number. `settings(url)`: where Salesforce is and how to log in."""
    with Stub(bench.options.bin / "sf-stub") as stub:
        for n in bench.options.in_flight:
            floor_row(bench, stub, n)
            worker_row(bench, stub, n, make, "lookup, %d in flight" % n, **ALONE, **settings(stub.url))
        if COALESCED in bench.options.in_flight:
            worker_row(bench, stub, COALESCED, make, "lookup, %d, coalescing on" % COALESCED, **settings(stub.url))


def worker_row(bench, stub, n, make, name, **settings):
    count, prefix = min(MOST, n * 1000 // LATENCY_MS * SECONDS), "n%d%s." % (len(bench.rows), bench.run)
    first = len(bench.rows) * MOST  # no number that an earlier row has left in the cache
    bench.topics(prefix)
    bench.fill(prefix + "call-started", lambda i: make(first + i), count)
    lookup_row(bench, stub, n, name, count, prefix, **settings)
