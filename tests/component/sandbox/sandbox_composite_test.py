# SPDX-License-Identifier: Apache-2.0
"""composite, batch, graph and collections: references, units, limits, per-record results."""

import pytest

V = "/services/data/v60.0"


def sub(method, url, ref, body=None, **more):
    request = {"method": method, "url": V + url, "referenceId": ref, **more}
    return request if body is None else {**request, "body": body}


def composite(sandbox, *subs, **options):
    reply = sandbox.rest("POST", "/composite", {"compositeRequest": list(subs), **options})
    assert reply.status == 200, reply
    return reply.json["compositeResponse"]


def codes(answers):
    return [a["httpStatusCode"] for a in answers]


def count(sandbox, kind, name):
    return len(sandbox.records("SELECT Id FROM %s WHERE Name = '%s'" % (kind, name)))


def test_references(sandbox):
    before = sandbox.admin("GET", "/stats")["api_calls"]
    answers = composite(
        sandbox, sub("POST", "/sobjects/Account", "a", {"Name": "Ref Inc"}),
        sub("POST", "/sobjects/Contact", "c", {"LastName": "Ref", "AccountId": "@{a.id}", "Description": "of @{a.Id}!"}),
        sub("GET", "/query?q=SELECT+Id,AccountId+FROM+Contact+WHERE+Id='@{c.id}'", "q"),
        sub("PATCH", "/sobjects/Account/@{q.records[0].AccountId}", "p", {"Phone": "@{q.totalSize}"}),
        sub("GET", "/sobjects/Account/@{a.id}?fields=Phone,Name", "g"))
    assert codes(answers) == [201, 201, 200, 204, 200], answers
    assert [a["referenceId"] for a in answers] == ["a", "c", "q", "p", "g"]
    assert answers[3]["body"] is None and answers[4]["body"]["Phone"] == "1"
    assert answers[0]["httpHeaders"]["Location"].endswith(answers[0]["body"]["id"])
    assert sandbox.admin("GET", "/stats")["api_calls"] == before + 1


def test_without_all_or_none_only_dependents_fail(sandbox):
    answers = composite(sandbox, sub("POST", "/sobjects/Account", "bad", {"Nope": 1}),
                        sub("POST", "/sobjects/Account", "good", {"Name": "Kept Inc"}),
                        sub("GET", "/sobjects/Account/@{bad.id}", "dependent"))
    assert codes(answers) == [400, 201, 400]
    assert answers[2]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert "bad.id" in answers[2]["body"][0]["message"]
    assert count(sandbox, "Account", "Kept Inc") == 1


def test_all_or_none_rolls_back(sandbox):
    answers = composite(sandbox, sub("POST", "/sobjects/Account", "good", {"Name": "Undone Inc"}),
                        sub("POST", "/sobjects/Account", "bad", {"Nope": 1}),
                        sub("POST", "/sobjects/Account", "later", {"Name": "Never Inc"}), allOrNone=True)
    assert codes(answers) == [400, 400, 400]
    assert [a["body"][0]["errorCode"] for a in answers] == ["PROCESSING_HALTED", "INVALID_FIELD", "PROCESSING_HALTED"]
    assert count(sandbox, "Account", "Undone Inc") == count(sandbox, "Account", "Never Inc") == 0
    assert sandbox.history(**{"class": "composite"})[-1]["commits"] == []


@pytest.mark.parametrize("subs", [
    [], [{"method": "GET"}], [sub("GET", "/limits", "a-b")], [sub("GET", "/limits", "x")] * 2,
    [sub("GET", "/limits", "r%d" % i) for i in range(26)],
    [sub("GET", "/query?q=SELECT+Id+FROM+Account+LIMIT+1", "r%d" % i) for i in range(6)],
])
def test_composite_refused(sandbox, subs):
    reply = sandbox.rest("POST", "/composite", {"compositeRequest": subs})
    assert reply.status == 400, reply


def test_composite_limits_are_reached(sandbox):
    assert codes(composite(sandbox, *[sub("GET", "/limits", "r%d" % i) for i in range(25)])) == [200] * 25
    soql = "/query?q=SELECT+Id+FROM+Account+LIMIT+1"
    assert codes(composite(sandbox, *[sub("GET", soql, "r%d" % i) for i in range(5)])) == [200] * 5


def test_composite_takes_only_data_resources(sandbox):
    urls = ["/composite", "/composite/batch", "/../../oauth2/token", "/nothing"]
    answers = composite(sandbox, *[sub("POST", url, "r%d" % i, {}) for i, url in enumerate(urls)],
                        {"method": "POST", "url": "/_sandbox/expire-tokens", "referenceId": "admin"},
                        {"method": "GET", "url": "/services/data/v25.0/limits", "referenceId": "old"})
    assert all(code >= 400 for code in codes(answers)), answers
    assert answers[-1]["httpStatusCode"] == 410
    assert sandbox.rest("GET", "/limits").status == 200


def test_collections_inside_composite(sandbox):
    records = [{"attributes": {"type": "Task"}, "Callfleet_Call_Id__c": "in-composite", "Subject": "S"}]
    answers = composite(sandbox, sub("PATCH", "/composite/sobjects/Task/Callfleet_Call_Id__c", "t",
                                     {"allOrNone": False, "records": records}),
                        sub("GET", "/sobjects/Task/@{t[0].id}", "g"))
    assert codes(answers) == [200, 200], answers


def test_batch(sandbox):
    before = sandbox.admin("GET", "/stats")["api_calls"]
    body = {"batchRequests": [
        {"method": "POST", "url": "v60.0/sobjects/Account", "richInput": {"Name": "Batch Inc"}},
        {"method": "GET", "url": "v60.0/sobjects/Nope/describe"},
        {"method": "GET", "url": V + "/limits"}]}
    answer = sandbox.rest("POST", "/composite/batch", body).json
    assert answer["hasErrors"] is True
    assert [r["statusCode"] for r in answer["results"]] == [201, 404, 200]
    assert sandbox.admin("GET", "/stats")["api_calls"] == before + 3
    answer = sandbox.rest("POST", "/composite/batch", {**body, "haltOnError": True}).json
    assert [r["statusCode"] for r in answer["results"]] == [201, 404, 412]
    assert answer["results"][2]["result"][0]["errorCode"] == "BATCH_PROCESSING_HALTED"
    assert count(sandbox, "Account", "Batch Inc") == 2
    assert sandbox.rest("POST", "/composite/batch", {"batchRequests": []}).status == 400


def test_graph(sandbox):
    good = [sub("POST", "/sobjects/Account", "a", {"Name": "Graph Inc"}),
            sub("POST", "/sobjects/Contact", "c", {"LastName": "Graph", "AccountId": "@{a.id}"})]
    bad = [sub("POST", "/sobjects/Account", "a", {"Name": "Lost Graph Inc"}), sub("POST", "/sobjects/Account", "b", {})]
    answer = sandbox.rest("POST", "/composite/graph", {"graphs": [{"graphId": "1", "compositeRequest": good},
                                                                 {"graphId": "2", "compositeRequest": bad}]}).json
    assert [g["isSuccessful"] for g in answer["graphs"]] == [True, False]
    assert codes(answer["graphs"][0]["graphResponse"]["compositeResponse"]) == [201, 201]
    assert count(sandbox, "Account", "Graph Inc") == 1 and count(sandbox, "Account", "Lost Graph Inc") == 0
    query = [sub("GET", "/query?q=SELECT+Id+FROM+Account", "q")]
    assert sandbox.rest("POST", "/composite/graph", {"graphs": [{"graphId": "1", "compositeRequest": query}]}).status == 400


def test_graph_limits(sandbox):
    def graph(name, **fields):
        return {"graphId": name, "compositeRequest": [{"method": "POST", "url": V + "/sobjects/Account", "referenceId": "a",
                                                       "body": fields}]}
    def post(graphs):
        return sandbox.rest("POST", "/composite/graph", {"graphs": graphs})
    assert post([graph("g%d" % i, Name="x") for i in range(76)]).status == 400
    assert post([graph("g", Name="x"), graph("g", Name="x")]).status == 400
    assert post([graph("_g", Name="x")]).status == 400
    answer = post([graph("bad%d" % i) for i in range(16)] + [graph("good", Name="x")]).json["graphs"]
    assert len(answer) == 17 and not any(g["isSuccessful"] for g in answer)
    first = [g["graphResponse"]["compositeResponse"][0]["body"][0]["errorCode"] for g in answer]
    assert "PROCESSING_HALTED" not in first[:15] and set(first[15:]) == {"PROCESSING_HALTED"}
    answer = post([graph("bad%d" % i) for i in range(14)] + [graph("good", Name="x")]).json["graphs"]
    assert answer[-1]["isSuccessful"]


# ---- collections ----
def task(call, **fields):
    return {"attributes": {"type": "Task"}, "Callfleet_Call_Id__c": call, "Subject": "S", **fields}


def test_collections_crud(sandbox):
    records = [{"attributes": {"type": "Contact"}, "LastName": "Col %d" % i} for i in range(3)]
    records.append({"attributes": {"type": "Account"}, "Name": "Col Inc"})
    made = sandbox.rest("POST", "/composite/sobjects", {"allOrNone": False, "records": records}).json
    assert [r["success"] for r in made] == [True] * 4 and made[3]["id"].startswith("001")
    ids = [r["id"] for r in made[:3]]
    records = [{"attributes": {"type": "Contact"}, "id": i, "Title": "T"} for i in ids]
    assert all(r["success"] for r in sandbox.rest("PATCH", "/composite/sobjects", {"records": records}).json)
    missing = "0035f0000099999AAA"
    got = sandbox.rest("GET", "/composite/sobjects/Contact?fields=Id,Title&ids=%s,%s" % (ids[0], missing)).json
    assert got[0]["Title"] == "T" and got[1] is None
    got = sandbox.rest("POST", "/composite/sobjects/Contact", {"ids": ids, "fields": ["LastName"]}).json
    assert [r["LastName"] for r in got] == ["Col 0", "Col 1", "Col 2"]
    gone = sandbox.rest("DELETE", "/composite/sobjects?allOrNone=false&ids=%s,%s" % (ids[0], missing)).json
    assert [r["success"] for r in gone] == [True, False]
    gone = sandbox.rest("DELETE", "/composite/sobjects?allOrNone=true&ids=%s,%s" % (ids[1], missing)).json
    assert [r["success"] for r in gone] == [False, False]
    assert sandbox.rest("GET", "/sobjects/Contact/" + ids[1]).status == 200


def test_collections_upsert_keeps_order_and_reports_each(sandbox):
    path = "/composite/sobjects/Task/Callfleet_Call_Id__c"
    first = sandbox.rest("PATCH", path, {"allOrNone": False, "records": [task("u1"), task("u2", Nope=1), task("u3")]})
    assert first.status == 200
    results = first.json
    assert [r["success"] for r in results] == [True, False, True] and results[0]["created"] is True
    error = results[1]["errors"][0]
    assert error["statusCode"] == "INVALID_FIELD" and "errorCode" not in error and isinstance(error["fields"], list)
    again = sandbox.rest("PATCH", path, {"records": [task("u3"), task("u1")]}).json
    assert [r["id"] for r in again] == [results[2]["id"], results[0]["id"]]
    assert [r["created"] for r in again] == [False, False]
    commits = sandbox.history(**{"class": "collections"})[-1]["commits"]
    assert [(c["object"], c["op"], c["externalId"]) for c in commits] == [("Task", "updated", "u3"), ("Task", "updated", "u1")]


def test_collections_all_or_none(sandbox):
    path = "/composite/sobjects/Task/Callfleet_Call_Id__c"
    results = sandbox.rest("PATCH", path, {"allOrNone": True, "records": [task("n1"), task("n2", Nope=1)]}).json
    assert [r["success"] for r in results] == [False, False]
    assert results[0]["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert sandbox.records("SELECT Id FROM Task WHERE Callfleet_Call_Id__c = 'n1'") == []
    assert sandbox.history(**{"class": "collections"})[-1]["commits"] == []


def test_collections_refused(sandbox):
    too_many = {"records": [task("m%d" % i) for i in range(201)]}
    assert sandbox.rest("POST", "/composite/sobjects", too_many).code == "EXCEEDED_ID_LIMIT"
    assert sandbox.rest("POST", "/composite/sobjects", {"records": []}).status == 400
    assert sandbox.rest("POST", "/composite/sobjects", {}).status == 400
    assert sandbox.rest("DELETE", "/composite/sobjects").status == 400
    results = sandbox.rest("POST", "/composite/sobjects", {"records": [{"Name": "x"}, "text", 5]}).json
    assert [r["errors"][0]["statusCode"] for r in results] == ["INVALID_TYPE"] * 3
    results = sandbox.rest("PATCH", "/composite/sobjects", {"records": [{"attributes": {"type": "Task"}}]}).json
    assert results[0]["errors"][0]["statusCode"] == "MISSING_ARGUMENT"


def test_record_errors_by_rule(sandbox):
    sandbox.fault("record-error", rate=0.5, seed=7, errorCode="UNABLE_TO_LOCK_ROW", **{"class": "collections"})
    records = [task("lock%d" % i) for i in range(100)]
    results = sandbox.rest("PATCH", "/composite/sobjects/Task/Callfleet_Call_Id__c", {"records": records}).json
    failed = [r for r in results if not r["success"]]
    assert 20 < len(failed) < 80
    assert {e["statusCode"] for r in failed for e in r["errors"]} == {"UNABLE_TO_LOCK_ROW"}
    stored = sandbox.records("SELECT Id FROM Task WHERE Callfleet_Call_Id__c LIKE 'lock%'")
    assert len(stored) == 100 - len(failed)


def test_graphs_hold_records_only_and_are_not_too_deep(sandbox):
    def status(url, n=1, version="v60.0"):
        nodes = [{"method": "POST", "url": url, "referenceId": "n%d" % i,
                  "body": {"Name": "Deep", "Website": "@{n%d.id}" % (i - 1) if i else "x"}} for i in range(n)]
        return sandbox.rest("POST", "/composite/graph", {"graphs": [{"graphId": "g", "compositeRequest": nodes}]},
                            version=version).status
    assert status(V + "/sobjects/Account", 15) == 200 and status(V + "/sobjects/Account", 16) == 400
    for url in ("/query?q=SELECT+Id+FROM+Account", "/composite/sobjects/Account", "/sobjects/", "/sobjects/a/b/c/d",
                "/query?q=/sobjects/Account"):
        assert status(V + url) == 400, url
    assert status(V + "/sobjects/Account", version="v49.0") == 404


@pytest.mark.parametrize("path, since", [("/composite", 38), ("/composite/batch", 34), ("/composite/sobjects", 42)])
def test_resources_came_with_versions(sandbox, path, since):
    assert sandbox.rest("POST", path, {}, version="v%d.0" % since).status == 400
    assert sandbox.rest("POST", path, {}, version="v%d.0" % (since - 1)).status in (404, 405)


def test_both_forms_of_the_limit_header(sandbox):
    sandbox.config(api_used=16, daily_limit=5000)
    assert sandbox.rest("GET", "/limits").headers["Sforce-Limit-Info"] == "api-usage=17/5000"
    sandbox.config(app_limit=250)
    assert sandbox.rest("GET", "/limits").headers["Sforce-Limit-Info"] == \
        "api-usage=18/5000; per-app-api-usage=18/250(appName=callfleet)"
