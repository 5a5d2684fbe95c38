# SPDX-License-Identifier: Apache-2.0
"""The lookup worker with a broker, a Redis and the Salesforce sandbox: who is found, and that nothing holds a caller."""
import json
import os
import signal
import subprocess
import time

import lookups
import pytest
import requests
from lookups import COMPOSITE, secret
from procs import bad_lines
from waits import wait_until

DEADLINE_MS = 1500
# The worker runs with sanitizers on a busy machine: what a promise of DEADLINE_MS may take at most until it is read.
SLACK_S = 2.5


@pytest.fixture(scope="module")
def lookup(tmp_path_factory, program):
    # What Salesforce says now is looked at here; lookup_cache_test.py is about what it said before.
    with lookups.running(tmp_path_factory.mktemp("lookup"), program, deadline_ms=DEADLINE_MS, cache_ttl_ms=0,
                         cache_negative_ttl_ms=0, cache_stale_ms=0) as worker:
        yield worker.start()


@pytest.fixture
def no_faults_after(lookup):
    yield
    lookup.no_faults()


numbers = iter(range(0, 1000))


def fresh_number():
    """A US number that no sample and no other test has."""
    return "520773%04d" % next(numbers)


# ---- who is found ----

@pytest.mark.parametrize("written, field", [
    ("(520) {0}-{1}", "Phone"),
    ("520.{0}.{1}", "MobilePhone"),
    ("+1 520 {0} {1}", "HomePhone"),
    ("+1520{0}{1}", "OtherPhone"),
    ("520/{0} {1} ext. 7", "AssistantPhone"),
    ("1-520-{0}-{1}", "MobilePhone"),
    (" 5 2 0 {0} {1}", "Phone"),
])
def test_a_contact_is_found_by_any_written_form(lookup, written, field):
    number = fresh_number()
    contact = lookup.contact(**{field: written.format(number[3:6], number[6:])})
    queued = lookup.ask("+1" + number)
    assert queued["ani"] == "+1" + number
    assert queued["customer"]["status"] == "matched" and queued["customer"]["contact"]["id"] == contact
    assert field in queued["customer"]["reason"]


@pytest.mark.parametrize("ani, entry_point", [("+4930901820", None), ("0049 30 901820", "ep-berlin"),
                                              ("030 901820", "ep-berlin"), ("tel:+49-30-901820", None)])
def test_a_german_caller(lookup, ani, entry_point):
    found = lookup.salesforce.query("SELECT Id FROM Contact WHERE Phone = '0049 30 901820'")
    contact = found[0]["Id"] if found else lookup.contact(Phone="0049 30 901820")
    assert lookup.customer(ani, **({"entryPointId": entry_point} if entry_point else {}))["contact"]["id"] == contact


def test_account_contact_and_open_cases_in_one_request(lookup):
    number = fresh_number()
    account = lookup.salesforce.create("Account", Name="O'Neil & Söhne <GmbH>", Tier__c="Gold")
    contact = lookup.contact("D'Arcy \"</speak>\" {case}", FirstName="Zoë", AccountId=account, Phone=number)
    make = lookup.salesforce.create
    make("Case", ContactId=contact, Subject="low", Priority="Low")
    high = make("Case", ContactId=contact, Subject="high", Priority="High")
    make("Case", ContactId=contact, Subject="done", Priority="High", Status="Closed")
    calls_before = len(lookup.requests_to(COMPOSITE))
    event = lookup.answer(lookup.send("+1" + number, language="en-GB", attributes={"k": "v"}, parentCallId="p1"))
    customer, greeting = event.data["customer"], event.data["greeting"]
    assert customer["account"]["id"] == account and customer["account"]["tier"] == "Gold"
    assert customer["contact"] == {"id": contact, "name": "Zoë D'Arcy \"</speak>\" {case}",
                                   "ownerId": customer["contact"]["ownerId"]}
    assert [c["subject"] for c in customer["cases"]] == ["high", "low"] and customer["cases"][0]["id"] == high
    assert greeting["language"] == "en-GB" and "Zoë D'Arcy \"</speak>\" {case}" in greeting["text"]
    assert "&lt;/speak&gt;" in greeting["ssml"] and greeting["ssml"].count("</speak>") == 1
    assert event.data["treatment"]["music"] == "defaultmusic_on_hold.wav"
    assert event.data["attributes"] == {"k": "v"} and event.data["parentCallId"] == "p1"
    assert len(lookup.requests_to(COMPOSITE)) - calls_before == 1


def test_an_account_alone(lookup):
    number = fresh_number()
    account = lookup.salesforce.create("Account", Name="Switchboard", Phone="(520) 773 " + number[6:])
    customer = lookup.customer("+1" + number)
    assert customer["status"] == "matched" and customer["account"]["id"] == account and "contact" not in customer


def test_several_contacts_are_ambiguous_and_nobody_is_named(lookup):
    number = fresh_number()
    first, second = lookup.contact("Aaa", Phone=number), lookup.contact("Bbb", MobilePhone=number)
    lookup.salesforce.create("Case", ContactId=second, Subject="open")
    queued = lookup.ask("+1" + number)
    customer = queued["customer"]
    assert customer["status"] == "ambiguous" and customer["matchCount"] == 2
    assert customer["contact"]["id"] == second and "open case" in customer["reason"]
    assert {c["contact"]["id"] for c in customer["candidates"]} == {first, second}
    assert "Bbb" not in queued["greeting"]["text"]


@pytest.mark.parametrize("ani, status", [
    ("", "withheld"), ("anonymous", "withheld"), ("Restricted", "withheld"), ("unavailable", "withheld"),
    ("112", "invalid"), ("x", "invalid"), ("' OR Name LIKE '%", "invalid"), ("+1520773", "invalid"),
    ("+12125559999", "unmatched"),
])
def test_numbers_that_lead_to_nobody(lookup, ani, status):
    before = lookup.metric('callfleet_salesforce_api_calls_total{class="live-caller"}')
    customer = lookup.customer(ani)
    assert customer["status"] == status and "contact" not in customer and customer["reason"]
    asked = lookup.metric('callfleet_salesforce_api_calls_total{class="live-caller"}') - before
    assert asked == (1 if status == "unmatched" else 0)


# ---- what goes out ----

def test_the_same_event_twice_has_one_id(lookup):
    event = {"specversion": "1.0", "id": "e-1", "source": "test", "type": "callfleet.call-started.v1", "subject": "twice",
             "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
             "data": {"callId": "twice", "ani": "", "dnis": "1", "startedAt": "2026-11-22T10:00:00Z"}}
    for _ in range(2):
        lookup.writer.write(lookup.prefix + "call-started", "twice", event)
    first, second = lookup.reader.wait(2, topic=lookup.prefix + "call-queued", key="twice")
    assert first.event["id"] == second.event["id"] != "e-1"
    assert first.event["traceparent"] == event["traceparent"]
    assert first.header("content-type") == "application/cloudevents+json"


def test_the_context_is_kept_in_redis(lookup):
    number = fresh_number()
    contact = lookup.contact(Phone=number)
    case = lookup.salesforce.create("Case", ContactId=contact, Subject="open")
    call = lookup.send("+1" + number, entryPointId="ep-1", attributes={"domain": "sales"})
    customer = lookup.answer(call).data["customer"]
    key = "cf:ctx:{%s}" % call
    wait_until(lambda: lookup.redis.client.exists(key), 5, key)
    kept = {k.decode(): v.decode() for k, v in lookup.redis.client.hgetall(key).items()}
    assert json.loads(kept.pop("customer")) == customer
    assert kept == {"contactId": contact, "caseId": case, "caseNumber": customer["cases"][0]["number"],
                    "entryPointId": "ep-1", "domain": "sales", "ani": "+1" + number}
    assert 86000 < lookup.redis.client.ttl(key) <= 86400


def test_bad_records_do_not_stop_the_calls_behind_them(lookup):
    for value in (b"{", b'{"callId":"x"}', None):
        lookup.writer.write(lookup.prefix + "call-started", "bad", value)
    assert lookup.customer("")["status"] == "withheld"
    assert len(lookup.reader.wait(3, topic=lookup.prefix + "call-started.dlq", key="bad")) == 3


# ---- nothing holds a caller ----

@pytest.mark.parametrize("fault, status", [
    ({"kind": "delay-before", "delay_ms": 20000}, "timeout"),
    ({"kind": "slow-body", "delay_ms": 500}, "timeout"),
    ({"kind": "html-maintenance"}, "unavailable"),
    ({"kind": "status", "status": 500}, "unavailable"),
    ({"kind": "cut-after"}, "unavailable"),
    ({"kind": "garbage"}, "unavailable"),
    ({"kind": "half-response"}, "unavailable"),
    ({"kind": "huge-body"}, "unavailable"),
    ({"kind": "redirect", "location": "http://127.0.0.1:1/"}, "unavailable"),
    ({"kind": "error-body", "status": 403, "errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "m"}, "over-budget"),
    ({"kind": "error-body", "status": 400, "errorCode": "MALFORMED_QUERY", "message": "Phone = '5207739050'"},
     "unavailable"),
])
def test_salesforce_in_trouble(lookup, no_faults_after, fault, status):
    number = fresh_number()
    lookup.contact(Phone=number)
    lookup.customer("+1" + number)  # a session is there
    lookup.fault(path=COMPOSITE, **fault)
    start = time.monotonic()
    customer = lookup.customer("+1" + number)
    assert time.monotonic() - start < DEADLINE_MS / 1000 + SLACK_S
    # A fault that takes long to show may meet the deadline first.
    assert customer["status"] in (status, "timeout"), customer
    assert "5207739050" not in json.dumps(customer)
    lookup.no_faults()
    wait_until(lambda: lookup.customer("+1" + number)["status"] == "matched", 30, "healthy again")


def test_a_slow_lookup_delays_no_other_call(lookup, no_faults_after):
    lookup.customer("+12125559999")
    lookup.fault("delay-before", path=COMPOSITE, delay_ms=20000)
    slow = lookup.send("+12125559998")
    start = time.monotonic()
    assert lookup.customer("anonymous")["status"] == "withheld"
    assert time.monotonic() - start < DEADLINE_MS / 1000
    assert lookup.answer(slow).data["customer"]["status"] == "timeout"


@pytest.mark.parametrize("fault", [
    {"kind": "expire-token", "times": 1}, {"kind": "cut-before", "times": 1}, {"kind": "status", "status": 503, "times": 1},
])
def test_a_passing_fault_is_not_noticed(lookup, no_faults_after, fault):
    number = fresh_number()
    contact = lookup.contact(Phone=number)
    lookup.customer("")
    lookup.fault(path=COMPOSITE, **fault)
    assert lookup.customer("+1" + number)["contact"]["id"] == contact


def test_calls_from_one_number_share_a_request(lookup, no_faults_after):
    number = fresh_number()
    lookup.contact(Phone=number)
    lookup.customer("+12125559999")
    lookup.fault("delay-before", path=COMPOSITE, delay_ms=400)
    before = len(lookup.requests_to(COMPOSITE))
    calls = [lookup.send("+1" + number, call="same-%d" % i) for i in range(10)]
    for call in calls:
        assert lookup.answer(call).data["customer"]["status"] == "matched"
    assert len(lookup.requests_to(COMPOSITE)) - before <= 5


def test_redis_is_silent(lookup):
    number = fresh_number()
    contact = lookup.contact(Phone=number)
    lookup.redis.process.popen.send_signal(signal.SIGSTOP)
    try:
        start = time.monotonic()
        assert lookup.customer("+1" + number)["contact"]["id"] == contact
        assert time.monotonic() - start < DEADLINE_MS / 1000 + SLACK_S
    finally:
        lookup.redis.process.popen.send_signal(signal.SIGCONT)


# ---- other ways to start; these come last, for they replace the worker ----

def test_client_credentials(lookup):
    number = fresh_number()
    contact = lookup.contact(Phone=number)
    lookup.stop()
    lookup.start(sf_grant="client_credentials", sf_username=None, sf_password_file=None)
    assert lookup.customer("+1" + number)["contact"]["id"] == contact


def test_jwt_bearer(lookup):
    number = fresh_number()
    contact = lookup.contact(Phone=number)
    key = lookup.directory / "key.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key],
                   check=True, capture_output=True, timeout=30)
    os.chmod(key, 0o600)
    public = subprocess.run(["openssl", "pkey", "-in", key, "-pubout"], check=True, capture_output=True, timeout=30)
    reply = requests.post(lookup.sandbox.url + "/_sandbox/jwt-key", json={"pem": public.stdout.decode()},
                          timeout=5)
    assert reply.status_code < 300, reply.text
    lookup.stop()
    lookup.redis.client.flushall()
    lookup.start(sf_grant="jwt_bearer", sf_client_secret_file=None, sf_password_file=None, sf_jwt_key_file=key)
    assert lookup.customer("+1" + number)["contact"]["id"] == contact


def test_an_org_without_the_tier_field(lookup):
    number = fresh_number()
    account = lookup.salesforce.create("Account", Name="Acme", Tier__c="Gold")
    lookup.contact(Phone=number, AccountId=account)
    lookup.stop()
    lookup.start(tier_field="No_Such__c")
    customer = lookup.customer("+1" + number)
    assert customer["account"] == {"id": account, "name": "Acme", "ownerId": customer["account"]["ownerId"]}


def test_wrong_password_is_tried_once_and_calls_go_on(lookup):
    lookup.stop()
    lookup.redis.client.flushall()
    wrong = secret(lookup.directory / "wrong", "wrong")
    before = len(lookup.requests_to("/services/oauth2/token"))
    lookup.start(sf_password_file=wrong)
    for _ in range(3):
        customer = lookup.customer("+12125559999")
        assert customer["status"] == "unavailable" and "invalid_grant" in customer["reason"]
    assert len(lookup.requests_to("/services/oauth2/token")) - before == 1


def test_salesforce_is_dead(lookup):
    lookup.sandbox.process.stop()
    start = time.monotonic()
    assert lookup.customer("+12125559999")["status"] in ("unavailable", "timeout")
    assert time.monotonic() - start < DEADLINE_MS / 1000 + SLACK_S
    lookup.stop()


@pytest.mark.parametrize("key, value", [("match", "fuzzy"), ("choose", "nonsense"), ("tier_field", "A B"),
                                        ("default_region", "xx"), ("sf_grant", "magic"), ("sf_login_url", "ftp://x"),
                                        ("default_language", "e n"), ("sf_client_id", None)])
def test_bad_settings(lookup, key, value):
    process = lookup.launch(**{key: value})
    assert process.popen.wait(20) == 78
    assert key in process.tail(3) and not bad_lines(process.log)
