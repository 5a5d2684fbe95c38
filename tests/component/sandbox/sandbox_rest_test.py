# SPDX-License-Identifier: Apache-2.0
"""Versions, limits of the URI, queries, search and single records."""

import http.client
import json
import socket
import urllib.parse

import pytest

J = {"Content-Type": "application/json"}


def test_versions_need_no_session_and_do_not_count(sandbox):
    reply = sandbox.send("GET", "/services/data/")
    versions = reply.json
    assert reply.status == 200 and "Sforce-Limit-Info" not in reply.headers
    assert versions[0]["version"] == "31.0" and versions[-1]["version"] == "68.0"
    assert {"label": "Summer '26", "url": "/services/data/v67.0", "version": "67.0"} in versions


@pytest.mark.parametrize("version, status, code", [
    ("v21.0", 410, "GONE"), ("v30.0", 410, "GONE"), ("v31.0", 200, None), ("v68.0", 200, None),
    ("v20.0", 404, "NOT_FOUND"), ("v69.0", 404, "NOT_FOUND"), ("60.0", 404, "NOT_FOUND"), ("v60.5", 404, "NOT_FOUND"),
    ("vx", 404, "NOT_FOUND"),
])
def test_api_versions(sandbox, version, status, code):
    reply = sandbox.rest("GET", "", version=version)
    assert reply.status == status, reply
    if code:
        assert reply.code == code
    else:
        assert reply.json["query"] == "/services/data/%s/query" % version


def test_headers_of_an_answer(sandbox):
    reply = sandbox.rest("GET", "/limits")
    assert reply.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert "no-cache" in reply.headers["Cache-Control"]
    used, limit = reply.headers["Sforce-Limit-Info"].removeprefix("api-usage=").split("/")
    assert reply.json["DailyApiRequests"] == {"Max": int(limit), "Remaining": int(limit) - int(used)}


@pytest.mark.parametrize("method, path, status, code", [
    ("GET", "/nothing", 404, "NOT_FOUND"), ("GET", "/services/nothing", 404, "NOT_FOUND"),
    ("PUT", "/query", 405, "METHOD_NOT_ALLOWED"), ("POST", "/query", 405, "METHOD_NOT_ALLOWED"),
    ("DELETE", "/limits", 405, "METHOD_NOT_ALLOWED"), ("GET", "/query?q=%zz", 400, "BAD_REQUEST"),
    ("GET", "/query", 400, "MALFORMED_QUERY"), ("GET", "/query?q=SELECT", 400, "MALFORMED_QUERY"),
    ("GET", "/query?q=SELECT+Nope+FROM+Contact", 400, "INVALID_FIELD"),
    ("GET", "/query?q=SELECT+Id+FROM+Nope", 400, "INVALID_TYPE"),
    ("GET", "/query/01g000000000001AAA-2000", 400, "INVALID_QUERY_LOCATOR"),
    ("GET", "/sobjects/Nope/describe", 404, "NOT_FOUND"), ("GET", "/sobjects/Contact/0035f0000099999AAA", 404, "NOT_FOUND"),
])
def test_refusals(sandbox, method, path, status, code):
    reply = sandbox.rest(method, path)
    assert (reply.status, reply.code) == (status, code), reply
    if status == 405:
        assert "GET" in reply.headers["Allow"]


def test_not_json(sandbox):
    reply = sandbox.rest("POST", "/sobjects/Account", "{'Name':", headers=J)
    assert (reply.status, reply.code) == (400, "JSON_PARSER_ERROR")
    reply = sandbox.rest("POST", "/sobjects/Account", "[]", headers=J)
    assert (reply.status, reply.code) == (400, "JSON_PARSER_ERROR")
    reply = sandbox.rest("POST", "/sobjects/Account", "Name=x", headers={"Content-Type": "text/plain"})
    assert (reply.status, reply.code) == (415, "UNSUPPORTED_MEDIA_TYPE")
    for body in (b"\xff\xfe", b"{\"Name\":\"\xc3\x28\"}", b"[" * 100000):
        assert sandbox.rest("POST", "/sobjects/Account", body, headers=J).status == 400


def test_uri_and_header_limits(sandbox):
    def status(uri_bytes, header_bytes=0):
        path = "/limits?x="
        path += "a" * (uri_bytes - len("/services/data/v60.0" + path))
        return sandbox.rest("GET", path, headers={"X-Fill": "b" * header_bytes} if header_bytes else {})
    assert status(15000).status == 200
    assert (status(17000).status, status(17000).code) == (414, "URI_TOO_LONG")
    assert (status(10000, 7000).status, status(10000, 7000).code) == (431, "REQUEST_HEADER_FIELDS_TOO_LARGE")
    assert status(200, 10000).status == 200


def test_body_limit(sandbox):
    reply = sandbox.rest("POST", "/sobjects/Account", b"x" * (9 << 20))
    assert (reply.status, reply.code) == (413, "REQUEST_TOO_LARGE")


def test_broken_http_does_no_harm(sandbox):
    for text in (b"GARBAGE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /services/data/ HTTP/1.1\r\nHos",
                 b"POST /services/oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc",
                 b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"):
        with socket.create_connection(("127.0.0.1", sandbox.port), 5) as s:
            s.sendall(text)
    assert sandbox.rest("GET", "/limits").status == 200


def test_spaces_slashes_and_case(sandbox):
    sandbox.create("Account", name="Plus & Co", PHONE="1")
    for path in ("/query?q=SELECT+Name+FROM+Account+WHERE+Name='Plus+%26+Co'",
                 "/query/?q=select%20name%20from%20account%20where%20NAME%20=%20%27Plus%20%26%20Co%27",
                 "//query//?q=SELECT%20Name%20FROM%20Account%20WHERE%20Name%3D'Plus%20%26%20Co'"):
        reply = sandbox.rest("GET", path.replace(" ", "%20"))
        assert [r["Name"] for r in reply.json["records"]] == ["Plus & Co"], reply


def test_keep_alive_and_head(sandbox):
    sandbox.login()
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=10)
    headers = {"Authorization": "Bearer " + sandbox.token}
    for method in ("GET", "HEAD", "GET"):
        connection.request(method, "/services/data/v60.0/limits", headers=headers)
        reply = connection.getresponse()
        body = reply.read()
        assert reply.status == 200 and (body == b"") == (method == "HEAD")
    connection.close()


def test_crud(sandbox):
    reply = sandbox.rest("POST", "/sobjects/Contact/", {"LastName": "Müller", "Phone": "(520) 773-9050"})
    assert reply.status == 201 and reply.json["success"] is True and reply.json["errors"] == []
    record_id = reply.json["id"]
    assert len(record_id) == 18 and reply.headers["Location"] == "/services/data/v60.0/sobjects/Contact/" + record_id
    path = "/sobjects/contact/" + record_id
    reply = sandbox.rest("GET", path)
    assert reply.json["LastName"] == "Müller" and reply.json["attributes"]["type"] == "Contact"
    stamp = reply.headers["Last-Modified"]
    assert sandbox.rest("GET", path, headers={"If-Modified-Since": stamp}).status == 304
    assert set(sandbox.rest("GET", path + "?fields=Phone,Email").json) == {"attributes", "Id", "Phone", "Email"}
    reply = sandbox.rest("PATCH", path, {"Email": "a@b.example"})
    assert (reply.status, reply.body) == (204, b"")
    assert sandbox.rest("POST", path + "?_HttpMethod=PATCH", {"Title": "Dr"}).status == 204
    assert sandbox.rest("GET", path).json["Email"] == "a@b.example"
    reply = sandbox.rest("PATCH", path, {"Nope": 1})
    assert (reply.status, reply.code) == (400, "INVALID_FIELD")
    assert sandbox.rest("DELETE", path).status == 204
    assert sandbox.rest("GET", path).status == 404
    assert sandbox.rest("POST", "/sobjects/Contact", {"FirstName": "x"}).code == "REQUIRED_FIELD_MISSING"


def test_paging(sandbox):
    for start in range(0, 450, 150):
        records = [{"attributes": {"type": "Contact"}, "LastName": "Page %03d" % i} for i in range(start, start + 150)]
        assert sandbox.rest("POST", "/composite/sobjects", {"allOrNone": True, "records": records}).status == 200
    soql = urllib.parse.urlencode({"q": "SELECT LastName FROM Contact WHERE LastName LIKE 'Page %' ORDER BY LastName"})
    reply = sandbox.rest("GET", "/query?" + soql, headers={"Sforce-Query-Options": "batchSize=200"})
    names, pages = [], 0
    while True:
        page = reply.json
        pages += 1
        assert page["totalSize"] == 450
        names += [r["LastName"] for r in page["records"]]
        if page["done"]:
            break
        reply = sandbox.rest("GET", page["nextRecordsUrl"], headers={"Sforce-Query-Options": "batchSize=200"})
    assert pages == 3 and names == ["Page %03d" % i for i in range(450)]
    sandbox.config(batch_size=300)
    assert len(sandbox.rest("GET", "/query?" + soql).json["records"]) == 300


def test_query_all_sees_deleted(sandbox):
    gone = sandbox.create("Account", Name="Gone Ltd")
    assert sandbox.rest("DELETE", "/sobjects/Account/" + gone).status == 204
    soql = "?q=SELECT+Id+FROM+Account+WHERE+Name='Gone+Ltd'"
    assert sandbox.rest("GET", "/query" + soql).json["totalSize"] == 0
    assert sandbox.rest("GET", "/queryAll" + soql).json["totalSize"] == 1


def test_search_both_ways(sandbox):
    found = sandbox.create("Contact", LastName="Searched", MobilePhone="+1 (602) 555-0188")
    sosl = urllib.parse.quote("FIND {6025550188} IN PHONE FIELDS RETURNING Contact(Id, Name), Account(Id)")
    assert [r["Id"] for r in sandbox.rest("GET", "/search?q=" + sosl).json["searchRecords"]] == [found]
    body = {"q": "6025550188", "in": "PHONE", "fields": ["Id"], "sobjects": [{"name": "Contact", "fields": ["Id", "Name"]}]}
    reply = sandbox.rest("POST", "/parameterizedSearch", body)
    assert [r["Name"] for r in reply.json["searchRecords"]] == ["Searched"], reply
    reply = sandbox.rest("GET", "/parameterizedSearch?q=6025550188&in=PHONE&sobject=Contact&Contact.fields=Id,Name"
                         "&Contact.limit=5")
    assert [r["Name"] for r in reply.json["searchRecords"]] == ["Searched"], reply
    assert sandbox.rest("GET", "/search").code == "MALFORMED_SEARCH"
    assert sandbox.rest("GET", "/search?q=FIND").status == 400


def test_search_index_is_late(sandbox):
    sandbox.config(index_delay_ms=3600000)
    sandbox.create("Contact", LastName="Unindexed", Phone="480 555 0123")
    sosl = urllib.parse.quote("FIND {4805550123} IN PHONE FIELDS RETURNING Contact(Id)")
    assert sandbox.rest("GET", "/search?q=" + sosl).json["searchRecords"] == []
    assert len(sandbox.records("SELECT Id FROM Contact WHERE LastName = 'Unindexed'")) == 1


def test_upsert(sandbox):
    path = "/sobjects/Task/Callfleet_Call_Id__c/call%2F1%20x"
    reply = sandbox.rest("PATCH", path, {"Subject": "Call", "Status": "Completed"})
    assert reply.status == 201 and reply.json["created"] is True, reply
    first = reply.json["id"]
    reply = sandbox.rest("PATCH", path, {"Subject": "Call 2"})
    assert (reply.status, reply.json["created"], reply.json["id"]) == (200, False, first)
    reply = sandbox.rest("PATCH", path, {"Subject": "Call 3"}, version="v45.0")
    assert (reply.status, reply.body) == (204, b"")
    reply = sandbox.rest("GET", path)
    assert reply.json["Subject"] == "Call 3" and reply.json["Callfleet_Call_Id__c"] == "call/1 x"
    reply = sandbox.rest("PATCH", "/sobjects/Task/Callfleet_Call_Id__c/none?updateOnly=true", {"Subject": "x"})
    assert reply.status == 404
    assert sandbox.rest("PATCH", "/sobjects/Task/Subject/x", {"Status": "Completed"}).status in (400, 404)
    assert sandbox.rest("DELETE", path).status == 204
    assert sandbox.rest("GET", path).status == 404


def test_ambiguous_external_id_is_300(sandbox):
    for name in ("A", "B"):
        sandbox.create("Account", Name=name, Legacy_Id__c="twice")
    reply = sandbox.rest("PATCH", "/sobjects/Account/Legacy_Id__c/twice", {"Phone": "1"})
    assert reply.status == 300 and len(reply.json) == 2
    assert all(url.startswith("/services/data/v60.0/sobjects/Account/001") for url in reply.json)


def test_case_comments(sandbox):
    case = sandbox.create("Case", Subject="Comments", Status="New", Origin="Phone")
    path = "/sobjects/Case/" + case
    for text in ("one", "two"):
        assert sandbox.rest("PATCH", path, {"Comments": text}).status == 204
    sandbox.create("CaseComment", ParentId=case, CommentBody="three", IsPublished=True)
    children = sandbox.rest("GET", path + "/CaseComments").json
    assert children["totalSize"] == 3 and children["done"] is True
    assert sorted(r["CommentBody"] for r in children["records"]) == ["one", "three", "two"]
    assert sandbox.rest("GET", path).json.get("Comments") is None


def test_describe(sandbox):
    names = {o["name"] for o in sandbox.rest("GET", "/sobjects").json["sobjects"]}
    assert {"Account", "Contact", "Case", "CaseComment", "Task", "User"} <= names
    fields = {f["name"] for f in sandbox.rest("GET", "/sobjects/Task/describe").json["fields"]}
    assert "Callfleet_Call_Id__c" in fields
    assert set(sandbox.rest("GET", "/sobjects/Case").json) == {"objectDescribe", "recentItems"}
