# SPDX-License-Identifier: Apache-2.0
"""The lookup worker's copies of Salesforce's answers in Redis: who is not asked for again, and who is served when Salesforce is
down."""
import json
import signal
import time

import lookups
import pytest
import requests
from lookups import COMPOSITE, secret
from waits import wait_until

DEADLINE_MS = 1500
SLACK_S = 2.5  # what DEADLINE_MS may take at most until it is read, with sanitizers on a busy machine
OLD = {"cache_ttl_ms": 1, "cache_negative_ttl_ms": 1}  # every copy is older than this when it is read


@pytest.fixture(scope="module")
def stage(tmp_path_factory, program):
    with lookups.running(tmp_path_factory.mktemp("cache"), program, deadline_ms=DEADLINE_MS) as worker:
        yield worker


@pytest.fixture
def lookup(stage, request):
    """The worker, started as the test's parameter says, with an empty Redis."""
    stage.redis.client.flushall()
    yield stage.start(**getattr(request, "param", {}))
    stage.no_faults()
    stage.stop()


@pytest.fixture
def second(lookup, tmp_path):
    """Starts another worker with the same Redis and Salesforce."""
    others = []

    def start(**changes):
        others.append(lookups.Lookup(tmp_path / str(len(others)), lookup.program, lookup.broker, other=lookup,
                                     deadline_ms=DEADLINE_MS))
        return others[-1].start(**changes)
    yield start
    for other in others:
        other.close()


numbers = iter(range(0, 1000))


def fresh_number():
    return "520774%04d" % next(numbers)


def entries(lookup):
    return list(lookup.redis.client.scan_iter("cf:crm:*"))


def known(lookup, number, kept=1):
    """Asks for the number once, so that `kept` copies are in Redis."""
    customer = lookup.customer("+1" + number)
    assert customer["source"] == "salesforce" and "asOf" not in customer
    wait_until(lambda: len(entries(lookup)) == kept, 10, "the copy")
    return customer


def without_source(customer):
    return {k: v for k, v in customer.items() if k not in ("source", "asOf")}


def test_a_repeat_caller_costs_no_request(lookup):
    number = fresh_number()
    contact = lookup.contact(Phone=number)
    lookup.salesforce.create("Case", ContactId=contact, Subject="open")
    first = known(lookup, number)
    before = len(lookup.requests_to(COMPOSITE))
    event = lookup.answer(lookup.send("+1" + number))
    again = event.data["customer"]
    assert again["source"] == "cache" and again["asOf"] <= event.data["queuedAt"]
    assert without_source(again) == without_source(first) and again["cases"]
    assert len(lookup.requests_to(COMPOSITE)) == before
    assert lookup.metric('callfleet_lookup_sources_total{source="cache"}') == 1
    assert lookup.metric('callfleet_lookup_sources_total{source="salesforce"}') == 1
    assert lookup.metric('callfleet_lookup_cache_total{result="found"}') == 1
    assert lookup.metric("callfleet_lookup_cache_puts_total") == 1


def test_nor_does_an_unknown_one(lookup):
    number = fresh_number()
    assert known(lookup, number)["status"] == "unmatched"
    assert 50000 < lookup.redis.client.pttl(entries(lookup)[0]) <= 60000
    before = len(lookup.requests_to(COMPOSITE))
    again = lookup.customer("+1" + number)
    assert again["status"] == "unmatched" and again["source"] == "cache"
    assert len(lookup.requests_to(COMPOSITE)) == before


def test_the_key_tells_no_number_and_the_copy_goes(lookup):
    number = fresh_number()
    lookup.contact(Phone=number)
    known(lookup, number)
    key = entries(lookup)[0].decode()
    assert number not in key and len(key) == len("cf:crm:") + 64
    assert 86000000 < lookup.redis.client.pttl(key) <= 86400000


def test_workers_share_the_copies(lookup, second):
    number = fresh_number()
    contact = lookup.contact(Phone=number)
    known(lookup, number)
    before = len(lookup.requests_to(COMPOSITE))
    other = second()
    customer = wait_until_cached(other, number)
    assert customer["contact"]["id"] == contact and customer["source"] == "cache"
    assert len(lookup.requests_to(COMPOSITE)) == before


def wait_until_cached(other, number):
    """A worker that has just started may not be connected to Redis yet: the first call says so by its source."""
    wait_until(lambda: other.metric("callfleet_redis_up") == 1, 10, "Redis")
    return other.customer("+1" + number)


def test_other_fields_or_another_secret_read_nothing(lookup, second):
    number = fresh_number()
    account = lookup.salesforce.create("Account", Name="Acme", Tier__c="Gold")
    lookup.contact(Phone=number, AccountId=account)
    assert known(lookup, number)["account"]["tier"] == "Gold"
    plain = wait_until_cached(second(tier_field=""), number)
    assert plain["source"] == "salesforce" and "tier" not in plain["account"]
    keyed = second(cache_key_file=secret(lookup.directory / "cache-key", "another secret of the fleet"))
    assert wait_until_cached(keyed, number)["source"] == "salesforce"
    wait_until(lambda: len(entries(lookup)) == 2, 10, "two copies")


@pytest.mark.parametrize("lookup", [{"cache_ttl_ms": 0, "cache_negative_ttl_ms": 0, "cache_stale_ms": 0}], indirect=True)
def test_switched_off(lookup):
    number = fresh_number()
    for _ in range(2):
        assert lookup.customer("+1" + number)["source"] == "salesforce"
    assert not entries(lookup)
    assert lookup.metric('callfleet_lookup_cache_total{result="skipped"}') == 0


# ---- Salesforce in trouble ----

@pytest.mark.parametrize("lookup", [OLD], indirect=True)
@pytest.mark.parametrize("fault, words", [
    ({"kind": "status", "status": 500}, ["unavailable"]),
    ({"kind": "delay-before", "delay_ms": 20000}, ["did not answer in time"]),
    ({"kind": "error-body", "status": 403, "errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "m"}, ["allocation"]),
    ({"kind": "error-body", "status": 400, "errorCode": "MALFORMED_QUERY", "message": "m"}, ["unavailable"]),
])
def test_an_old_copy_is_better_than_nothing(lookup, fault, words):
    number = fresh_number()
    contact = lookup.contact(Phone=number)
    first = known(lookup, number)
    assert lookup.customer("+1" + number)["source"] == "salesforce"  # as long as Salesforce answers it is asked
    lookup.fault(path=COMPOSITE, **fault)
    start = time.monotonic()
    call = lookup.send("+1" + number)
    event = lookup.answer(call)
    assert time.monotonic() - start < DEADLINE_MS / 1000 + SLACK_S
    customer = event.data["customer"]
    assert customer["status"] == "matched" and customer["contact"]["id"] == contact
    assert customer["source"] == "stale" and customer["asOf"] < event.data["queuedAt"]
    assert customer["asOf"] in customer["reason"] and first["reason"] in customer["reason"]
    assert any(w in customer["reason"] for w in words + ["did not answer in time"]), customer
    assert lookup.metric('callfleet_lookup_sources_total{source="stale"}') == 1
    key = "cf:ctx:{%s}" % call
    wait_until(lambda: lookup.redis.client.exists(key), 5, key)
    assert json.loads(lookup.redis.client.hget(key, "customer")) == customer
    lookup.no_faults()
    wait_until(lambda: lookup.customer("+1" + number)["source"] == "salesforce", 60, "healthy again")


@pytest.mark.parametrize("lookup", [{**OLD, "cache_negative_ttl_ms": 60000}], indirect=True)
def test_an_old_nobody_is_not_served(lookup):
    """Fresh it is; but who is nobody for long may be a customer by now, and post-call would write nothing for him."""
    number = fresh_number()
    known(lookup, number)
    key = entries(lookup)[0]
    value = json.loads(lookup.redis.client.get(key))
    value["at"] -= 61000
    lookup.redis.client.set(key, json.dumps(value))
    lookup.fault("status", path=COMPOSITE, status=500)
    customer = lookup.customer("+1" + number)
    assert customer["status"] in ("unavailable", "timeout") and "source" not in customer


# ---- Redis in trouble ----

def test_a_silent_redis_holds_nobody(lookup):
    number = fresh_number()
    contact = lookup.contact(Phone=number)
    known(lookup, number)
    lookup.redis.process.popen.send_signal(signal.SIGSTOP)
    try:
        start = time.monotonic()
        calls = [lookup.send("+1" + number) for _ in range(20)]
        for call in calls:
            assert lookup.answer(call).data["customer"]["contact"]["id"] == contact
        assert time.monotonic() - start < DEADLINE_MS / 1000 + SLACK_S
    finally:
        lookup.redis.process.popen.send_signal(signal.SIGCONT)
    wait_until(lambda: lookup.customer("+1" + number)["source"] == "cache", 30, "Redis is used again")


def test_redis_dies_and_comes_back(lookup):
    number = fresh_number()
    contact = lookup.contact(Phone=number)
    known(lookup, number)
    lookup.redis.process.stop(expect=None)
    try:
        for _ in range(3):
            customer = lookup.customer("+1" + number)
            assert customer["contact"]["id"] == contact and customer["source"] == "salesforce"
    finally:
        lookup.redis.start()
    wait_until(lambda: lookup.customer("+1" + number)["source"] == "cache", 30, "Redis is used again")


def test_rubbish_in_redis_is_no_answer(lookup):
    number = fresh_number()
    contact = lookup.contact(Phone=number)
    known(lookup, number)
    key = entries(lookup)[0]
    for rubbish in ("", "{", '{"v":"x","at":1}', "[" * 5000):
        lookup.redis.client.set(key, rubbish)
        customer = lookup.customer("+1" + number)
        assert customer["contact"]["id"] == contact and customer["source"] == "salesforce"
        wait_until(lambda: lookup.redis.client.get(key).startswith(b'{"v"'), 5, "a good copy")
    lookup.redis.client.delete(key)
    lookup.redis.client.lpush(key, "x")
    assert lookup.customer("+1" + number)["source"] == "salesforce"


def test_an_answer_that_comes_too_late_is_kept(lookup):
    """It was paid for: the next call from the number, or the post-call stage, need not ask again."""
    number = fresh_number()
    contact = lookup.contact(Phone=number)
    requests.post(lookup.sandbox.url + "/_sandbox/config", json={"latency_ms": DEADLINE_MS + 1000}, timeout=5).raise_for_status()
    before = len(lookup.requests_to(COMPOSITE))
    assert lookup.customer("+1" + number)["status"] == "timeout"
    wait_until(lambda: entries(lookup), 20, "the late answer in the cache")
    requests.post(lookup.sandbox.url + "/_sandbox/config", json={"latency_ms": 0}, timeout=5).raise_for_status()
    customer = lookup.customer("+1" + number)
    assert (customer["contact"]["id"], customer["source"]) == (contact, "cache")
    assert len(lookup.requests_to(COMPOSITE)) == before + 1
