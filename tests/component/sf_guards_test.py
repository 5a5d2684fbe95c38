# SPDX-License-Identifier: Apache-2.0
"""A worker and a Salesforce in trouble: the circuit, the API budget and the cap on slow requests, seen from both sides."""
import time

import brokers
import pytest
import requests
from lookups import Lookup
from waits import wait_until

SETTINGS = {
    "sf_breaker_failures": 3, "sf_breaker_ms": 300, "sf_breaker_cap_ms": 600, "sf_limit_pause_ms": 300, "sf_limits_poll_ms": 300,
    "sf_slow_ms": 300, "sf_slow_requests": 3, "lookup_batch": 1, "deadline_ms": 8000, "sf_timeout_ms": 8000,
}
numbers = iter("+1206555%04d" % n for n in range(10000))


@pytest.fixture(scope="module")
def worker(tmp_path_factory, program):
    directory = tmp_path_factory.mktemp("guards")
    with brokers.Embedded(directory / "embedded", program("embedded-broker")) as broker:
        lookup = Lookup(directory, program, broker)
        try:
            yield lookup.start(**SETTINGS)
        finally:
            lookup.close()


@pytest.fixture(autouse=True)
def healthy(worker):
    yield
    worker.no_faults()
    configure(worker, latency_ms=0, api_used=0, daily_limit=100000000)


def configure(worker, **settings):
    reply = requests.post(worker.sandbox.url + "/_sandbox/config", json=settings, timeout=5)
    assert reply.status_code < 300, reply.text


def asked(worker):
    return worker.metric('callfleet_salesforce_api_calls_total{class="live-caller"}')


def until_answered(worker):
    wait_until(lambda: worker.customer(next(numbers))["status"] == "unmatched", 20, "an answer of Salesforce")


def burst(worker, n):
    calls = [worker.send(next(numbers)) for _ in range(n)]
    return [worker.answer(call).data["customer"]["status"] for call in calls]


@pytest.mark.parametrize("fault", [{"kind": "html-maintenance"}, {"kind": "cut-before"}, {"kind": "status", "status": 502}])
def test_an_outage_pauses_and_ends(worker, fault):
    until_answered(worker)
    opened = len(worker.process.tail(1 << 20).split("paused for"))
    worker.fault(**fault, **{"class": "composite"})
    wait_until(lambda: burst(worker, 2) and worker.metric("callfleet_salesforce_circuit_state") == 2, 20, "an open circuit")
    before, sent = asked(worker), time.monotonic()
    assert set(burst(worker, 60)) == {"unavailable"}
    # Nothing but probes: one in at least half a pause.
    assert asked(worker) - before <= 2 + (time.monotonic() - sent) / 0.15
    assert worker.metric('callfleet_salesforce_refused_total{class="live-caller",reason="circuit"}') >= 50
    worker.no_faults()
    until_answered(worker)
    assert worker.metric("callfleet_salesforce_circuit_state") == 0
    assert len(worker.process.tail(1 << 20).split("paused for")) > opened


def test_budget(worker):
    configure(worker, daily_limit=10000, api_used=9400)
    until_answered(worker)
    configure(worker, api_used=9600)
    wait_until(lambda: worker.customer(next(numbers))["status"] == "over-budget", 20, "a stop of the lookups")
    assert worker.metric('callfleet_salesforce_budget_stopped{class="live-caller"}') == 1
    assert worker.metric('callfleet_salesforce_budget_stopped{class="post-call"}') == 0
    assert worker.metric("callfleet_salesforce_api_limit") == 10000 and worker.metric("callfleet_salesforce_api_used") >= 9600
    assert 0 < worker.metric("callfleet_salesforce_api_remaining_ratio") <= 0.04
    before = asked(worker)
    assert set(burst(worker, 30)) == {"over-budget"}
    assert asked(worker) == before
    configure(worker, api_used=0)  # the day is over: nobody asks, so GET /limits tells
    until_answered(worker)


def test_a_spent_allocation(worker):
    until_answered(worker)
    configure(worker, daily_limit=1, api_used=1)
    wait_until(lambda: worker.metric("callfleet_salesforce_circuit_state") == 2 or burst(worker, 2) is None, 20, "a pause")
    assert set(burst(worker, 20)) == {"over-budget"}
    configure(worker, daily_limit=100000000)
    until_answered(worker)


def most_at_once(worker, since):
    """Of the requests that the sandbox got after `since` (CLOCK_MONOTONIC in ns)."""
    history = requests.get(worker.sandbox.url + "/_sandbox/history?limit=1000000", timeout=10).json()
    spans = [(e["mono_ns"], e["answered_ns"]) for e in history if e.get("class") == "composite" and e["mono_ns"] > since]
    edges = sorted([(a, 1) for a, _ in spans] + [(b, -1) for _, b in spans])
    now = most = 0
    for _, step in edges:
        now += step
        most = max(most, now)
    return most, len(spans)


def test_slow_requests_share_a_cap(worker):
    until_answered(worker)
    configure(worker, latency_ms=700)
    wait_until(lambda: burst(worker, 4) and worker.metric("callfleet_salesforce_slow") == 1, 30, "the need of leases")
    wait_until(lambda: worker.metric("callfleet_salesforce_in_flight") == 0, 20, "a quiet moment")
    key, = (k.replace(b":token:", b":leases:") for k in worker.redis.client.keys("cf:sf:token:*") if not k.endswith(b":lock"))
    since = time.monotonic_ns()
    burst(worker, 12)
    most, n = most_at_once(worker, since)
    assert (most, n) == (3, 12)
    # A lease of somebody else counts as well, until it expires or is given back.
    expires = int(time.time() * 1000) + 60000
    assert worker.redis.client.zadd(key, {"other:1": expires, "other:2": expires}) == 2
    since = time.monotonic_ns()
    burst(worker, 4)
    assert most_at_once(worker, since)[0] == 1
    worker.redis.client.zrem(key, "other:1", "other:2")
    configure(worker, latency_ms=0)
    wait_until(lambda: burst(worker, 4) and worker.metric("callfleet_salesforce_slow") == 0, 30, "no need of leases any more")
    wait_until(lambda: worker.redis.client.zcard(key) == 0, 20, "all leases back")
