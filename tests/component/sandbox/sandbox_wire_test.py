# SPDX-License-Identifier: Apache-2.0
"""Answers on the wire: gzip both ways, and the faults that make answers hostile, doubled, endless or timed."""

import gzip
import http.client
import json
import socket
import time

import pytest

SOQL = "/query?q=SELECT+Id,Name+FROM+Account+LIMIT+200"
JSON = {"Content-Type": "application/json"}
CUT = (http.client.HTTPException, ConnectionError, TimeoutError)


def raw(sandbox, method, path, body=b"", limit=1 << 20, seconds=5):
    """The bytes of the answer until the server closes, `limit` bytes came or the time is over."""
    head = "%s /services/data/v60.0%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json" \
           "\r\nContent-Length: %d\r\n\r\n" % (method, path, sandbox.token, len(body))
    with socket.create_connection(("127.0.0.1", sandbox.port)) as connection:
        connection.sendall(head.encode() + body)
        connection.settimeout(seconds)
        data = b""
        try:
            while len(data) < limit:
                piece = connection.recv(65536)
                if not piece:
                    break
                data += piece
        except TimeoutError:
            pass
        return data


# ---- gzip ----
def test_answers_are_packed_when_asked(sandbox):
    for i in range(30):
        sandbox.create("Account", Name="Packed %d" % i)
    plain = sandbox.rest("GET", SOQL)
    packed = sandbox.rest("GET", SOQL, headers={"Accept-Encoding": "gzip, deflate"})
    assert plain.headers["Content-Encoding"] is None and packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body and len(packed.body) < len(plain.body) / 3
    assert sandbox.rest("GET", "/limits", headers={"Accept-Encoding": "gzip"}).headers["Content-Encoding"] is None


def test_bodies_may_be_packed(sandbox):
    body = gzip.compress(json.dumps({"Name": "From gzip"}).encode())
    reply = sandbox.rest("POST", "/sobjects/Account", body, headers={"Content-Encoding": "gzip"})
    assert reply.status == 201, reply
    for bad in (b"no gzip", body[:-9], gzip.compress(b" " * (9 << 20))):
        reply = sandbox.rest("POST", "/sobjects/Account", bad, headers={"Content-Encoding": "gzip"})
        assert reply.status == 400 and reply.code == "BAD_REQUEST", reply


# ---- hostile answers ----
def test_gzip_bomb(sandbox):
    sandbox.login()
    sandbox.fault("gzip-bomb", bytes=64 << 20, times=1)
    reply = sandbox.rest("GET", SOQL)
    assert reply.headers["Content-Encoding"] == "gzip" and len(reply.body) < 1 << 20
    assert gzip.decompress(reply.body) == b" " * (64 << 20)  # checksum and length are right


def test_deep_json(sandbox):
    sandbox.login()
    sandbox.fault("deep-json", bytes=50000, times=1)
    assert sandbox.rest("GET", SOQL).body == b"[" * 50000 + b"]" * 50000


def test_wrong_charset_commits(sandbox):
    sandbox.login()
    sandbox.fault("wrong-charset", times=1, method="POST")
    reply = sandbox.rest("POST", "/sobjects/Account", {"Name": "Wide"})
    assert reply.status == 201 and reply.headers["Content-Type"] == "application/json;charset=UTF-16"
    assert json.loads(reply.body.decode("utf-16-le"))["success"]
    assert len(sandbox.records("SELECT Id FROM Account WHERE Name = 'Wide'")) == 1


def test_doubled_answer(sandbox):
    sandbox.login()
    sandbox.fault("doubled-answer", times=1, method="POST")
    data = raw(sandbox, "POST", "/sobjects/Account", b'{"Name":"Twice"}')
    first, second = data[:len(data) // 2], data[len(data) // 2:]
    assert first == second and first.startswith(b"HTTP/1.1 201 ") and b'"success":true' in first
    assert len(sandbox.records("SELECT Id FROM Account WHERE Name = 'Twice'")) == 1


@pytest.mark.parametrize("size, pause", [(1, 10), (16384, 1)])
def test_endless_headers(sandbox, size, pause):
    sandbox.login()
    sandbox.fault("endless-headers", bytes=size, delay_ms=pause, times=1, method="POST")
    data = raw(sandbox, "POST", "/sobjects/Account", b'{"Name":"Endless %d"}' % size, limit=100 * size)
    assert data.startswith(b"HTTP/1.1 200 OK\r\n") and b"\r\n\r\n" not in data and len(data) >= 100 * size
    assert len(sandbox.records("SELECT Id FROM Account WHERE Name = 'Endless %d'" % size)) == 1
    entry = sandbox.history(fault="endless-headers")[-1]
    assert entry["outcome"] == "cut" and entry["status"] is None and len(entry["commits"]) == 1


def test_a_sandbox_with_dripping_answers_stops(sandbox):
    """The fixture stops the sandbox: it must not wait for this one."""
    sandbox.login()
    sandbox.fault("endless-headers", delay_ms=1000, times=1)
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=0.2)
    connection.request("GET", "/services/data/v60.0/limits", headers={"Authorization": "Bearer " + sandbox.token})
    with pytest.raises(CUT):
        connection.getresponse()


def test_retry_after(sandbox):
    sandbox.login()
    sandbox.fault("status", status=429, retry_after=7, times=1)
    reply = sandbox.rest("GET", SOQL)
    assert reply.status == 429 and reply.headers["Retry-After"] == "7"
    sandbox.fault("html-maintenance", retry_after=0, path="/services/oauth2/token", times=1)
    reply = sandbox.form(**sandbox.password_form())
    assert reply.status == 503 and reply.headers["Retry-After"] == "0"


# ---- when ----
def test_rules_end_and_begin_by_themselves(sandbox):
    sandbox.login()

    def wait_for(status):
        deadline = time.monotonic() + 20
        while sandbox.rest("GET", SOQL).status != status:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    first = sandbox.fault("status", status=502, for_ms=3600000)
    later = sandbox.fault("status", status=504, after_ms=3600000)
    wait_for(502)
    assert {r["id"]: r["on"] for r in sandbox.admin("GET", "/faults")} == {first: True, later: False}
    sandbox.admin("DELETE", "/faults")
    sandbox.fault("status", status=502, for_ms=300)
    wait_for(200)  # it has ended
    assert [r["on"] for r in sandbox.admin("GET", "/faults")] == [False]
    sandbox.fault("status", status=504, after_ms=100)
    wait_for(504)  # it has begun


def test_one_graph_fails_while_others_commit(sandbox):
    sandbox.login()
    sandbox.fault("record-error", rate=0.3, seed=4, path="/services/data/*/composite/graph")
    graphs = [{"graphId": "g%d" % i, "compositeRequest": [
        {"method": "PATCH", "url": "/services/data/v60.0/sobjects/Task/Callfleet_Call_Id__c/c%d" % i, "referenceId": "t",
         "body": {"Subject": "x", "Status": "Completed"}}]} for i in range(40)]
    reply = sandbox.rest("POST", "/composite/graph", {"graphs": graphs})
    good = [g for g in reply.json["graphs"] if g["isSuccessful"]]
    bad = [g for g in reply.json["graphs"] if not g["isSuccessful"]]
    assert 5 <= len(bad) <= 20 and len(good) + len(bad) == 40
    part = bad[0]["graphResponse"]["compositeResponse"][0]
    assert part["httpStatusCode"] == 400 and part["body"][0]["errorCode"] == "UNABLE_TO_LOCK_ROW"
    ids = {r["Callfleet_Call_Id__c"]
           for r in sandbox.records("SELECT Callfleet_Call_Id__c FROM Task WHERE Subject = 'x'")}
    assert ids == {"c" + g["graphId"][1:] for g in good}


# ---- everything at once ----
def test_the_mix_meets_its_rate(sandbox):
    sandbox.login()
    rules = sandbox.admin("POST", "/faults/mix", {"rate": 0.4, "seed": 11, "without": ["slow-body", "slow-headers", "huge",
                                                  "gzip-bomb", "late", "late-commit", "endless-headers", "session"]})
    assert "cut-after" in rules and "late" not in rules and "token-503" in rules
    for _ in range(200):
        try:
            sandbox.rest("GET", SOQL)
        except CUT:
            pass
    hits = [e["fault"] for e in sandbox.history()[-200:] if e.get("fault")]
    assert 40 <= len(hits) <= 120 and len(set(hits)) >= 8, hits
    assert sandbox.admin("DELETE", "/faults")["cleared"] == len(rules)
    assert sandbox.rest("GET", SOQL).status == 200


def test_the_mix_takes_what_rules_take(sandbox):
    rules = sandbox.admin("POST", "/faults/mix", {"rate": 0.1, "times": 3, "for_ms": 60000, "path": "/services/data/*/query"})
    listed = {r["id"]: r for r in sandbox.admin("GET", "/faults")}
    assert len(listed) == len(rules) >= 25 and {r["times"] for r in listed.values()} == {3}
    assert listed[rules["garbage"]]["path"] == "/services/data/*/query"
    assert listed[rules["token-html"]]["path"] == "/services/oauth2/token"
    assert len({r["kind"] for r in listed.values()}) == 20  # all kinds


@pytest.mark.parametrize("mix", [{}, {"rate": 2}, {"rate": 0.1, "kind": "status"}, {"rate": 0.1, "seed": "x"},
                                 {"rate": 0.1, "without": 1}, {"rate": 0.1, "for_ms": -1}, []])
def test_bad_mixes_change_nothing(sandbox, mix):
    reply = sandbox.send("POST", "/_sandbox/faults/mix", json.dumps(mix), JSON)
    assert reply.status == 400 and reply.code == "INVALID_INPUT", reply
    assert sandbox.admin("GET", "/faults") == []


# ---- history and statistics ----
def lines(sandbox, since, page):
    entries = []
    while True:
        reply = sandbox.send("GET", "/_sandbox/history?format=ndjson&since=%d&limit=%d" % (since, page))
        assert reply.headers["Content-Type"] == "application/x-ndjson"
        entries += [json.loads(line) for line in reply.body.splitlines()]
        since = int(reply.headers["X-Last-Seq"])
        if since == int(reply.headers["X-Newest-Seq"]):
            return entries


def test_history_comes_in_pages_of_lines(sandbox):
    sandbox.login()
    start = sandbox.history()[-1]["seq"]
    for i in range(25):
        sandbox.rest("GET", SOQL)
    entries = lines(sandbox, start, 10)
    assert [e["seq"] for e in entries] == list(range(start + 1, start + 26))
    assert lines(sandbox, 0, 7) == sandbox.history()
    reply = sandbox.send("GET", "/_sandbox/history?format=ndjson&since=%d" % (start + 25))
    assert reply.body == b"" and reply.headers["X-Forgotten-Seq"] == "0"


def test_history_tells_what_was_written(sandbox):
    case = sandbox.create("Case", Subject="Broken")
    sandbox.rest("PATCH", "/sobjects/Task/Callfleet_Call_Id__c/call-1",
                 {"Subject": "Call", "WhatId": case, "Description": "ü" * 3000, "Status": "Completed"})
    sandbox.rest("PATCH", "/sobjects/Case/" + case, {"Comments": "Noted"})
    commits = [c for e in sandbox.history()[-3:] for c in e["commits"]]
    task, = [c for c in commits if c["object"] == "Task"]
    assert task["externalId"] == "call-1" and task["externalIdField"] == "Callfleet_Call_Id__c"
    assert task["fields"]["WhatId"] == case and task["fields"]["Description"] == "ü" * 3000
    comment, = [c for c in commits if c["object"] == "CaseComment"]
    assert comment["fields"] == {"ParentId": case, "CommentBody": "Noted"}
    assert sandbox.records("SELECT Id FROM CaseComment WHERE ParentId = '%s'" % case)[0]["Id"] == comment["id"]


def test_statistics_by_endpoint(sandbox):
    sandbox.login()
    before = sandbox.admin("GET", "/stats")
    sandbox.rest("GET", SOQL)
    sandbox.rest("GET", "/query?q=nonsense")
    sandbox.rest("POST", "/composite/batch", {"batchRequests": [{"method": "GET", "url": "v60.0/limits"}] * 3})
    after = sandbox.admin("GET", "/stats")

    def more(name):
        none = {"requests": 0, "errors": 0, "api_calls": 0}
        return {k: after["endpoints"][name][k] - before["endpoints"].get(name, none)[k] for k in none}
    assert more("GET /services/data/{v}/query") == {"requests": 2, "errors": 1, "api_calls": 2}
    assert more("POST /services/data/{v}/composite/batch")["api_calls"] == 3
    assert sum(e["api_calls"] for e in after["endpoints"].values()) == after["api_calls"] == before["api_calls"] + 5
