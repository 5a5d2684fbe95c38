# SPDX-License-Identifier: Apache-2.0
"""Customers whom the lookup stage could not name: few requests for many of them, none for those who are known meanwhile."""
import json

import pytest
from postcall_parts import Customer
from postcall_parts import customer, other, parts  # noqa: F401 (fixtures)
from waits import wait_until

NO_CACHE = {"cache_ttl_ms": "0", "cache_negative_ttl_ms": "0", "cache_stale_ms": "0"}


@pytest.fixture(scope="module")
def crowd(parts):
    return [Customer(parts.sf) for _ in range(100)]


def unknown(stage, who):
    """A call of which the lookup stage says that it got no answer."""
    return stage.call(ani=who.e164, customer=json.dumps({"status": "timeout"}))


def end_all(stage, calls):
    for call, _ in calls:
        stage.end(call)
    return [stage.updated(call) for call, _ in calls]


def test_many_share_requests(other, crowd):
    other.start(**NO_CACHE)
    calls, mark = [(unknown(other, who), who) for who in crowd], other.mark()
    done = end_all(other, calls)
    assert [u["caseId"] for u in done] == [who.case for _, who in calls]
    reads, writes = other.requests("read", mark), other.requests("write", mark)
    assert len(reads) <= 10, "%d requests for 100 customers" % len(reads)
    assert abs(sum(u["apiCalls"] for u in done) - len(reads) - len(writes)) < 0.01


def test_one_number_is_asked_for_once(other, customer):
    other.start(lookup_linger_ms="1000", **NO_CACHE)
    end_all(other, [(unknown(other, customer), customer)])  # the next ones linger
    calls, mark = [(unknown(other, customer), customer) for _ in range(10)], other.mark()
    assert {u["caseId"] for u in end_all(other, calls)} == {customer.case}
    assert len(other.requests("read", mark)) <= 2


def test_known_meanwhile(other, customer):
    """The copy is one of the lookup stage's kind: whoever asks first leaves it for all."""
    other.start()
    first, mark = unknown(other, customer), other.mark()
    end_all(other, [(first, customer)])
    assert len(other.requests("read", mark)) == 1 and len(list(other.redis.client.scan_iter("cf:crm:*"))) == 1
    again, mark = unknown(other, customer), other.mark()
    done, = end_all(other, [(again, customer)])
    assert (done["caseId"], done["apiCalls"]) == (customer.case, 1)
    assert not other.requests("read", mark)
    other.redis.client.flushdb()


def test_an_old_copy_is_no_truth(other, customer):
    other.start(cache_ttl_ms="1", cache_negative_ttl_ms="1")
    for _ in range(2):
        call, mark = unknown(other, customer), other.mark()
        end_all(other, [(call, customer)])
        assert len(other.requests("read", mark)) == 1
    other.redis.client.flushdb()


def test_while_salesforce_is_down(other, crowd):
    """Those who wait ask again together."""
    other.start(sf_breaker_failures="2", sf_breaker_ms="300", sf_breaker_cap_ms="300", **NO_CACHE)
    other.fault("status", status=503)
    calls, mark = [(unknown(other, who), who) for who in crowd], other.mark()
    for call, _ in calls:
        other.end(call)
    wait_until(lambda: len(other.requests("read", mark)) >= 6, 30, "some probes, though all calls only wait")
    other.no_faults()
    assert [other.updated(call)["caseId"] for call, _ in calls] == [who.case for _, who in calls]
    assert len([e for e in other.requests("read", mark) if e["status"] == 200]) <= 50
