# SPDX-License-Identifier: Apache-2.0
"""Faults, locks, limits, history: what the sandbox does wrong on purpose, and what it says about it."""

import concurrent.futures
import http.client
import json
import socket
import struct
import time

import pytest

SOQL = "/query?q=SELECT+Id+FROM+Account+LIMIT+1"
# What a client may see when the connection is cut.
CUT = (http.client.RemoteDisconnected, ConnectionResetError, http.client.IncompleteRead, BrokenPipeError)


def timed(function, *args, **options):
    start = time.monotonic()
    reply = function(*args, **options)
    return reply, time.monotonic() - start


# ---- rules ----
def test_rules_are_listed_and_cleared(sandbox):
    first = sandbox.fault("status", status=502, path="/services/data/*/query*", method="GET", rate=0.5, seed=3, times=2)
    second = sandbox.fault("delay", delay_ms=5, enabled=False)
    rules = {r["id"]: r for r in sandbox.admin("GET", "/faults")}
    assert rules[first]["status"] == 502 and rules[first]["rate"] == 0.5 and rules[second]["enabled"] is False
    assert sandbox.admin("DELETE", "/faults/%d" % first) == {"cleared": 1}
    assert [r["id"] for r in sandbox.admin("GET", "/faults")] == [second]
    assert sandbox.admin("DELETE", "/faults") == {"cleared": 1}


@pytest.mark.parametrize("rule", [
    {}, {"kind": "nonsense"}, {"kind": "status", "status": 42}, {"kind": "delay", "delay_ms": -1}, [],
    {"kind": "status", "rate": 2}, {"kind": "status", "rate": "x"}, {"kind": "status", "enabled": 1},
    {"kind": "status", "path": 5}, {"kind": "status", "message": "x" * 500},
])
def test_bad_rules(sandbox, rule):
    reply = sandbox.send("POST", "/_sandbox/faults", json.dumps(rule), {"Content-Type": "application/json"})
    assert reply.status == 400 and reply.code == "INVALID_INPUT", reply
    assert sandbox.admin("GET", "/faults") == []


def test_rules_are_bounded(sandbox):
    for _ in range(64):
        sandbox.fault("status", enabled=False)
    reply = sandbox.send("POST", "/_sandbox/faults", '{"kind":"status"}', {"Content-Type": "application/json"})
    assert reply.status == 400


@pytest.mark.parametrize("rule, hit", [
    ({"path": "/services/data/v60.0/query"}, True), ({"path": "/services/data/*/query"}, True),
    ({"path": "*query*"}, True), ({"path": "/services/data/v61.0"}, False), ({"path": "/services/data/*/search"}, False),
    ({"method": "GET"}, True), ({"method": "get"}, True), ({"method": "*"}, True), ({"method": "POST"}, False),
    ({"class": "query"}, True), ({"class": "search"}, False), ({"body_contains": "x"}, False), ({"rate": 0}, False),
    ({"times": 0}, False), ({"enabled": False}, False), ({"path": "/services/oauth2"}, False),
])
def test_which_requests_a_rule_meets(sandbox, rule, hit):
    sandbox.login()
    sandbox.fault("status", status=418, **rule)
    assert (sandbox.rest("GET", SOQL).status == 418) == hit


def test_body_contains(sandbox):
    sandbox.fault("status", status=503, body_contains="call-77")
    assert sandbox.rest("POST", "/sobjects/Task", {"Subject": "call-76", "Status": "Completed"}).status == 201
    assert sandbox.rest("POST", "/sobjects/Task", {"Subject": "call-77", "Status": "Completed"}).status == 503


def test_rate_and_seed_repeat(sandbox):
    def run(seed):
        sandbox.admin("DELETE", "/faults")
        sandbox.fault("status", status=503, rate=0.3, seed=seed, **{"class": "query"})
        return [sandbox.rest("GET", SOQL).status for _ in range(60)]
    first = run(5)
    assert first == run(5) and first != run(6)
    assert 5 < first.count(503) < 35


def test_times(sandbox):
    sandbox.fault("status", status=500, times=2)
    sandbox.token = "nonsense"
    assert [sandbox.rest("GET", SOQL).status for _ in range(4)] == [500, 500, 401, 401]


# ---- kinds ----
def test_error_body_in_both_dialects(sandbox):
    sandbox.login()
    sandbox.fault("error-body", status=503, errorCode="SERVER_UNAVAILABLE", message="down")
    reply = sandbox.rest("GET", SOQL)
    assert reply.status == 503 and reply.json == [{"errorCode": "SERVER_UNAVAILABLE", "message": "down"}]
    reply = sandbox.form(**sandbox.password_form())
    assert reply.status == 503 and reply.json == {"error": "SERVER_UNAVAILABLE", "error_description": "down"}


def test_status_html_redirect_garbage(sandbox):
    sandbox.login()
    sandbox.fault("status", status=429, times=1)
    reply = sandbox.rest("GET", SOQL)
    assert (reply.status, reply.body) == (429, b"")
    sandbox.fault("html-maintenance", times=1)
    reply = sandbox.rest("GET", SOQL)
    assert reply.status == 503 and reply.headers["Content-Type"].startswith("text/html") and b"<html>" in reply.body
    sandbox.fault("html-maintenance", times=1, status=200)
    assert sandbox.rest("GET", SOQL).status == 200
    sandbox.fault("redirect", times=1, location="http://127.0.0.1:1/x")
    reply = sandbox.rest("GET", SOQL)
    assert (reply.status, reply.headers["Location"]) == (302, "http://127.0.0.1:1/x")
    sandbox.fault("garbage", times=1)
    with pytest.raises(ValueError):
        assert sandbox.rest("GET", SOQL).json


def test_delay_commits_first_delay_before_commits_last(sandbox):
    sandbox.login()
    for kind, seen in (("delay", 1), ("delay-before", 0)):
        sandbox.fault(kind, delay_ms=600, times=1, **{"class": "sobject"})
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            late = pool.submit(timed, sandbox.create, "Account", Name=kind)
            time.sleep(0.2)
            assert len(sandbox.records("SELECT Id FROM Account WHERE Name = '%s'" % kind)) == seen
            assert late.result()[1] >= 0.6
        assert len(sandbox.records("SELECT Id FROM Account WHERE Name = '%s'" % kind)) == 1


def test_late_success_after_the_client_gave_up(sandbox):
    sandbox.login()
    sandbox.fault("delay-before", delay_ms=400, times=1, **{"class": "sobject"})
    with pytest.raises(TimeoutError):
        sandbox.rest("POST", "/sobjects/Account", {"Name": "Late Ltd"}, timeout=0.1)
    deadline = time.monotonic() + 10
    while not sandbox.records("SELECT Id FROM Account WHERE Name = 'Late Ltd'"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("kind", ["delay", "delay-before"])
def test_late_success_when_nobody_is_there(sandbox, kind):
    """The client has reset its connection: the history tells of the commit all the same."""
    sandbox.login()
    name = "Gone with a " + kind
    sandbox.fault(kind, delay_ms=400, times=1, **{"class": "sobject"})
    client = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=0.1)
    client.request("GET", "/services/data/")
    assert client.getresponse().read()
    client.request("POST", "/services/data/v60.0/sobjects/Account", '{"Name": "%s"}' % name,
                   {"Authorization": "Bearer " + sandbox.token, "Content-Type": "application/json"})
    with pytest.raises(TimeoutError):
        client.getresponse()
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    deadline = time.monotonic() + 10
    while not (told := sandbox.history(body='{"Name": "%s"}' % name)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert [(e["status"], len(e["commits"])) for e in told] == [(201, 1)]
    assert len(sandbox.records("SELECT Id FROM Account WHERE Name = '%s'" % name)) == 1


@pytest.mark.parametrize("kind, committed, status, outcome", [
    ("cut-before", 0, None, "cut"), ("cut-after", 1, None, "cut"), ("half-response", 1, 201, "half"),
    ("commit-then-500", 1, 500, "answered"), ("status", 0, 503, "answered"), ("garbage", 1, 200, "answered"),
])
def test_unknown_outcomes(sandbox, kind, committed, status, outcome):
    sandbox.login()
    name = "Outcome " + kind
    sandbox.fault(kind, method="POST", times=1)
    if outcome == "answered":
        assert sandbox.rest("POST", "/sobjects/Account", {"Name": name}).status == status
    else:
        with pytest.raises(CUT):
            sandbox.rest("POST", "/sobjects/Account", {"Name": name})
    assert len(sandbox.records("SELECT Id FROM Account WHERE Name = '%s'" % name)) == committed
    entry = sandbox.history(method="POST", fault=kind)[-1]
    assert (len(entry["commits"]), entry["status"], entry["outcome"]) == (committed, status, outcome)


def test_slow_body_and_huge_body(sandbox):
    sandbox.login()
    sandbox.fault("slow-body", delay_ms=10, bytes=5, times=1, **{"class": "query"})
    reply, seconds = timed(sandbox.rest, "GET", SOQL)
    assert reply.json["done"] is True and seconds >= (len(reply.body) // 5) * 0.01
    sandbox.fault("huge-body", bytes=3000000, times=1, **{"class": "query"})
    assert len(sandbox.rest("GET", SOQL).body) == 3000000


def test_expire_token(sandbox):
    sandbox.login()
    sandbox.fault("expire-token", times=1)
    assert [sandbox.rest("GET", SOQL).status for _ in range(2)] == [401, 401]
    sandbox.login()
    assert sandbox.rest("GET", SOQL).status == 200


# ---- limits ----
def test_daily_limit(sandbox):
    sandbox.login()
    sandbox.config(api_used=0, daily_limit=3)
    used = [sandbox.rest("GET", SOQL).headers["Sforce-Limit-Info"] for _ in range(3)]
    assert used == ["api-usage=1/3", "api-usage=2/3", "api-usage=3/3"]
    reply = sandbox.rest("GET", SOQL)
    assert (reply.status, reply.code) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert reply.headers["Sforce-Limit-Info"] == "api-usage=3/3"
    sandbox.config(daily_limit=10)
    assert sandbox.rest("GET", "/limits").json["DailyApiRequests"] == {"Max": 10, "Remaining": 6}


def test_long_running_requests_are_capped(sandbox):
    sandbox.login()
    sandbox.config(concurrent_limit=2, concurrent_after_ms=50)
    sandbox.fault("delay", delay_ms=1000, times=2)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        slow = [pool.submit(sandbox.rest, "GET", SOQL) for _ in range(2)]
        time.sleep(0.4)
        reply = sandbox.rest("GET", SOQL)
        assert (reply.status, reply.code) == (403, "REQUEST_LIMIT_EXCEEDED") and "ConcurrentRequests" in reply.json[0]["message"]
        assert [s.result().status for s in slow] == [200, 200]
    assert sandbox.rest("GET", SOQL).status == 200


@pytest.mark.parametrize("settings", [{"nope": 1}, {"latency_ms": -1}, {"latency_ms": "5"}, {"api_used": -1}, []])
def test_bad_settings_change_nothing(sandbox, settings):
    before = sandbox.admin("GET", "/config")
    reply = sandbox.send("POST", "/_sandbox/config", json.dumps(settings if isinstance(settings, list) else
                                                                {"daily_limit": 7, **settings}),
                         {"Content-Type": "application/json"})
    assert reply.status == 400 and sandbox.admin("GET", "/config") == before


# ---- locks ----
def test_writers_to_one_parent_wait_for_each_other(sandbox):
    sandbox.login()
    cases = [sandbox.create("Case", Subject="Lock", Status="New") for _ in range(2)]
    sandbox.config(lock_hold_ms=200)

    def comment(case):
        return timed(sandbox.rest, "POST", "/sobjects/CaseComment", {"ParentId": case, "CommentBody": "x"})
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        same = sorted(seconds for _, seconds in pool.map(comment, [cases[0]] * 3))
        assert same[0] >= 0.2 and same[1] >= 0.35 and same[2] >= 0.5  # they do not start at the same instant
        apart = [seconds for _, seconds in pool.map(comment, cases)]
        assert all(0.2 <= seconds < 0.4 for seconds in apart)
    assert timed(sandbox.rest, "GET", SOQL)[1] < 0.15


def test_unable_to_lock_row(sandbox):
    sandbox.login()
    case = sandbox.create("Case", Subject="Locked", Status="New")
    other = sandbox.create("Case", Subject="Free", Status="New")
    sandbox.config(lock_wait_ms=100)
    assert sandbox.admin("POST", "/locks", {"id": case, "hold_ms": 1500})["locked"] is True
    reply, seconds = timed(sandbox.rest, "PATCH", "/sobjects/Case/" + case, {"Priority": "High"})
    assert (reply.status, reply.code) == (400, "UNABLE_TO_LOCK_ROW") and seconds >= 0.1
    records = [{"attributes": {"type": "CaseComment"}, "ParentId": parent, "CommentBody": "x"} for parent in (case, other)]
    results = sandbox.rest("POST", "/composite/sobjects", {"records": records}).json
    assert [r["success"] for r in results] == [False, True]
    assert results[0]["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW"
    deadline = time.monotonic() + 10
    while sandbox.rest("PATCH", "/sobjects/Case/" + case, {"Priority": "High"}).status != 204:
        assert time.monotonic() < deadline
    assert sandbox.records("SELECT Priority FROM Case WHERE Id = '%s'" % case)[0]["Priority"] == "High"


# ---- history ----
def test_history_says_what_happened(sandbox):
    sandbox.login()
    last = sandbox.history()[-1]["seq"]
    account = sandbox.create("Account", Name="Told \x07 Ltd")
    sandbox.rest("PATCH", "/sobjects/Account/" + account, {"Phone": "1"})
    sandbox.rest("DELETE", "/sobjects/Account/" + account)
    sandbox.rest("POST", "/sobjects/Account", b"\xff\x00raw")
    entries = sandbox.admin("GET", "/history?since=%d" % last)
    assert [e["seq"] for e in entries] == list(range(last + 1, last + 5))
    assert [e["method"] for e in entries] == ["POST", "PATCH", "DELETE", "POST"]
    assert [[(c["id"], c["op"]) for c in e["commits"]] for e in entries] == \
        [[(account, "created")], [(account, "updated")], [(account, "deleted")], []]
    assert [e["status"] for e in entries] == [201, 204, 204, 400]
    assert [[c.get("fields") for c in e["commits"]] for e in entries] == [[{"Name": "Told \x07 Ltd"}], [{"Phone": "1"}], [None], []]
    assert all(e["mono_ns"] <= c["mono_ns"] <= e["answered_ns"] for e in entries for c in e["commits"])
    first = entries[0]
    assert first["class"] == "sobject" and first["api_calls"] == 1 and first["mono_ns"] < first["answered_ns"]
    assert json.loads(first["body"])["Name"] == "Told \x07 Ltd" and len(first["body_sha256"]) == 64
    assert entries[3]["body"] == "\ufffd\x00raw" and entries[3]["body_bytes"] == 5
    assert len(sandbox.admin("GET", "/history?since=%d&limit=2" % last)) == 2


def test_history_file_holds_the_same(sandbox):
    sandbox.create("Account", Name="Filed Ltd")
    entries = sandbox.history()
    lines = [json.loads(line) for line in open(sandbox.directory / "history.ndjson")]
    assert lines == entries


def test_requests_whose_client_went_away_are_there(sandbox):
    sandbox.login()
    sandbox.fault("delay", delay_ms=300, times=1)
    with pytest.raises(TimeoutError):
        sandbox.rest("GET", "/query?q=SELECT+Id+FROM+User", timeout=0.1)
    deadline = time.monotonic() + 10
    while not [e for e in sandbox.history(fault="delay") if "FROM+User" in e["path"]]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_stats(sandbox):
    before = sandbox.admin("GET", "/stats")
    sandbox.create("Task", Subject="Counted", Status="Completed")
    sandbox.rest("GET", "/nothing")
    after = sandbox.admin("GET", "/stats")
    assert after["records"]["Task"] == before["records"]["Task"] + 1
    assert after["classes"]["sobject"]["requests"] == before["classes"]["sobject"]["requests"] + 1
    assert after["requests"] == before["requests"] + 3  # with the login
    assert after["api_calls"] == before["api_calls"] + 1


# ---- the process ----
def test_latency_is_for_rest_and_oauth(sandbox):
    sandbox.config(latency_ms=150)
    assert timed(sandbox.login)[1] >= 0.15
    assert timed(sandbox.rest, "GET", SOQL)[1] >= 0.15
    assert timed(sandbox.admin, "GET", "/faults")[1] < 0.15


def test_many_wait_at_once(sandbox):
    sandbox.login()
    sandbox.config(latency_ms=300)
    connections = []
    start = time.monotonic()
    for _ in range(500):
        connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=30)
        connection.request("GET", "/services/data/v60.0" + SOQL, headers={"Authorization": "Bearer " + sandbox.token})
        connections.append(connection)
    assert [c.getresponse().status for c in connections] == [200] * 500
    assert time.monotonic() - start < 15  # one after the other it would be 150 s
    for connection in connections:
        connection.close()


def test_stops_with_answers_waiting(fresh):
    sandbox = fresh("--latency-ms", 0)
    sandbox.login()
    sandbox.config(latency_ms=60000)
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        waiting = [pool.submit(sandbox.rest, "GET", SOQL) for _ in range(5)]
        while sandbox.admin("GET", "/stats")["classes"]["query"]["requests"] < 5:
            time.sleep(0.02)
        _, seconds = timed(sandbox.stop)
        assert seconds < 10
        for answer in waiting:
            try:
                assert answer.result().status == 200
            except CUT:
                pass


def test_records_outlive_the_process(fresh, tmp_path):
    database = tmp_path / "records.db"
    first = fresh("--db", database)
    account = first.create("Account", Name="Lasting Ltd")
    first.stop()
    second = fresh("--db", database, "--instance-url", "http://elsewhere.example")
    assert second.login()["instance_url"] == "http://elsewhere.example"
    assert second.records("SELECT Id FROM Account WHERE Name = 'Lasting Ltd'")[0]["Id"] == account
