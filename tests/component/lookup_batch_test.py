# SPDX-License-Identifier: Apache-2.0
"""Many numbers in one request to Salesforce: how many requests there are, and that nobody gets another's answer."""
import lookups
import pytest
import requests
from lookups import COMPOSITE
from waits import wait_until

NO_CACHE = {"cache_ttl_ms": 0, "cache_negative_ttl_ms": 0, "cache_stale_ms": 0}


@pytest.fixture(scope="module")
def stage(tmp_path_factory, program):
    with lookups.running(tmp_path_factory.mktemp("batch"), program, deadline_ms=10000, **NO_CACHE) as worker:
        yield worker


@pytest.fixture
def lookup(stage, request):
    """The worker, started as the test's parameter says, with a session and no request under way."""
    stage.start(**getattr(request, "param", {}))
    stage.customer("+12125559999")
    yield stage
    latency(stage, 0)
    stage.no_faults()
    stage.stop()


numbers = iter(range(0, 2000))


def fresh_number():
    return "520775%04d" % next(numbers)


def pattern(number):
    """What stands in a query's text for the number."""
    return "%25".join(number)


def latency(lookup, ms):
    reply = requests.post(lookup.sandbox.url + "/_sandbox/config", json={"latency_ms": ms}, timeout=5)
    assert reply.status_code < 300, reply.text


class Requests:
    """Counts the lookup requests from here on, and their numbers."""

    def __init__(self, lookup):
        self.lookup = lookup
        self.seen = len(lookup.requests_to(COMPOSITE))
        self.counted = self.metrics()

    def metrics(self):
        return [self.lookup.metric("callfleet_lookup_" + m) for m in (
            "requests_total", "request_numbers_total", "requests_halved_total")]

    def __call__(self):
        """(requests, numbers in them, requests that were halved); Salesforce and the worker must agree."""
        sent, in_them, halved = (now - before for now, before in zip(self.metrics(), self.counted))
        assert len(self.lookup.requests_to(COMPOSITE)) - self.seen == sent
        return sent, in_them, halved


def busy(lookup):
    """Salesforce takes its time, and a request is under way: what comes now waits for others."""
    latency(lookup, 1500)
    wait_until(lambda: lookup.metric("callfleet_salesforce_in_flight") == 0, 10, "no request under way")
    call = lookup.send("+12125559998")
    wait_until(lambda: lookup.metric("callfleet_salesforce_in_flight") == 1, 10, "a request under way")
    return call


def test_one_call_at_a_time_is_one_request_each(lookup):
    count = Requests(lookup)
    for _ in range(5):
        assert lookup.customer("+1" + fresh_number())["status"] == "unmatched"
    assert count() == (5, 5, 0)


def test_many_callers_share_and_each_gets_his_own(lookup):
    people = [fresh_number() for _ in range(60)]
    contacts = {n: lookup.contact("N" + n, MobilePhone=n) for n in people if int(n) % 3}
    for n, contact in contacts.items():
        if int(n) % 2:
            lookup.salesforce.create("Case", ContactId=contact, Subject="of " + n)
    count = Requests(lookup)
    busy(lookup)
    calls = {n: lookup.send("+1" + n) for n in people}
    for n, call in calls.items():
        customer = lookup.answer(call).data["customer"]
        assert customer.get("contact", {}).get("id") == contacts.get(n), customer
        assert customer["status"] == ("matched" if n in contacts else "unmatched")
        assert [c["subject"] for c in customer.get("cases", [])] == (["of " + n] if n in contacts and int(n) % 2 else [])
    sent, in_them, halved = count()
    assert in_them == 61 and sent <= 12 and halved == 0


@pytest.mark.parametrize("lookup", [{"lookup_batch": 1}], indirect=True)
def test_switched_off(lookup):
    count = Requests(lookup)
    calls = [lookup.send("+1" + fresh_number()) for _ in range(10)]
    for call in calls:
        assert lookup.answer(call).data["customer"]["status"] == "unmatched"
    assert count() == (10, 10, 0)


@pytest.mark.parametrize("lookup", [{"lookup_linger_ms": 1000, "lookup_batch": 8}], indirect=True)
def test_a_number_that_salesforce_refuses_spoils_no_other(lookup):
    people = [fresh_number() for _ in range(8)]
    contacts = {n: lookup.contact(Phone=n) for n in people}
    lookup.fault("error-body", path=COMPOSITE, body_contains=pattern(people[5]), status=400, errorCode="MALFORMED_QUERY", message="m")
    count = Requests(lookup)
    busy(lookup)
    calls = {n: lookup.send("+1" + n) for n in people}
    for n, call in calls.items():
        customer = lookup.answer(call).data["customer"]
        if n == people[5]:
            assert customer["status"] == "unavailable" and "MALFORMED_QUERY" in customer["reason"]
        else:
            assert customer["status"] == "matched" and customer["contact"]["id"] == contacts[n]
    assert count() == (1 + 7, 1 + 8 + 2 * 4 + 2 * 2 + 2, 3)


@pytest.mark.parametrize("lookup", [{"lookup_linger_ms": 1000, "lookup_batch": 2}], indirect=True)
def test_a_number_that_a_crowd_has_hides_no_other(lookup):
    crowd, alone = fresh_number(), fresh_number()
    for i in range(65):
        lookup.contact("C%d" % i, Phone=crowd)
    contact = lookup.contact(Phone=alone)
    count = Requests(lookup)
    busy(lookup)
    calls = [lookup.send("+1" + n) for n in (crowd, alone)]
    assert lookup.answer(calls[0]).data["customer"]["status"] == "ambiguous"
    customer = lookup.answer(calls[1]).data["customer"]
    assert customer["status"] == "matched" and customer["contact"]["id"] == contact
    assert count() == (1 + 3, 1 + 2 + 1 + 1, 1)


@pytest.mark.parametrize("lookup", [{"lookup_linger_ms": 1000, "lookup_batch": 4}], indirect=True)
def test_a_passing_failure_of_a_shared_request(lookup):
    people = [fresh_number() for _ in range(4)]
    contacts = {n: lookup.contact(Phone=n) for n in people}
    busy(lookup)
    lookup.fault("status", path=COMPOSITE, body_contains=pattern(people[0]), status=503, times=1)
    calls = {n: lookup.send("+1" + n) for n in people}
    for n, call in calls.items():
        assert lookup.answer(call).data["customer"]["contact"]["id"] == contacts[n]


@pytest.mark.parametrize("lookup", [{"lookup_batch": 1, "sf_max_in_flight": 4}], indirect=True)
def test_an_answer_that_comes_twice_is_nobody_elses(lookup):
    """A server or proxy that answers twice puts later answers of that connection out of step. That happens seldom: lookup_query_test
    is what fails when the number of a request is not looked at."""
    people = [fresh_number() for _ in range(40)]
    contacts = {n: lookup.contact("N" + n, Phone=n) for n in people}
    lookup.fault("doubled-answer", path=COMPOSITE, rate=0.5, seed=7)
    calls = {n: lookup.send("+1" + n) for n in people}
    for n, call in calls.items():
        customer = lookup.answer(call).data["customer"]
        assert customer["status"] == "unavailable" or customer.get("contact", {}).get("id") == contacts[n], (n, customer)
