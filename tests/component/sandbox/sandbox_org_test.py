# SPDX-License-Identifier: Apache-2.0
"""How one org differs from the next: hidden and custom fields, Person Accounts, several phones, paging of children."""

import json

import pytest

JSON = {"Content-Type": "application/json"}


def hide(sandbox, name, **more):
    kind, field = name.split(".")
    return sandbox.admin("POST", "/fields/hide", {"object": kind, "name": field, **more})


# ---- fields that the org does not have ----
def test_a_hidden_field_is_unknown_everywhere(sandbox):
    contact = sandbox.create("Contact", LastName="Hidden", MobilePhone="(928) 555-0199")
    assert hide(sandbox, "Contact.MobilePhone")["hidden"] == ["Contact.MobilePhone"]
    for soql in ("SELECT MobilePhone FROM Contact", "SELECT Id FROM Contact WHERE MobilePhone LIKE '%9%2%8%5%5%'",
                 "SELECT Contact.MobilePhone FROM Case"):
        reply = sandbox.query(soql)
        assert reply.status == 400 and reply.code == "INVALID_FIELD", reply
        assert "No such column 'MobilePhone' on entity 'Contact'" in reply.json[0]["message"]
    for method, path in (("PATCH", "/sobjects/Contact/" + contact), ("POST", "/sobjects/Contact")):
        reply = sandbox.rest(method, path, {"LastName": "X", "MobilePhone": "1"})
        assert reply.status == 400 and reply.code == "INVALID_FIELD", reply
    assert "MobilePhone" not in sandbox.rest("GET", "/sobjects/Contact/" + contact).json
    assert "MobilePhone" not in {f["name"] for f in sandbox.rest("GET", "/sobjects/Contact/describe").json["fields"]}
    reply = sandbox.rest("POST", "/composite/sobjects", {"records": [
        {"attributes": {"type": "Contact"}, "LastName": "A", "MobilePhone": "1"},
        {"attributes": {"type": "Contact"}, "LastName": "A"}]})
    assert [r["success"] for r in reply.json] == [False, True] and reply.json[0]["errors"][0]["statusCode"] == "INVALID_FIELD"
    assert sandbox.admin("DELETE", "/fields/hide") == {"shown": 1}
    assert sandbox.rest("GET", "/sobjects/Contact/" + contact).json["MobilePhone"] == "(928) 555-0199"


def test_a_hidden_external_id_is_no_key(sandbox):
    hide(sandbox, "Task.Callfleet_Call_Id__c")
    reply = sandbox.rest("PATCH", "/sobjects/Task/Callfleet_Call_Id__c/1", {"Subject": "x"})
    assert reply.status == 404 and reply.code == "NOT_FOUND"
    hide(sandbox, "task.callfleet_call_id__c", hidden=False)
    assert sandbox.rest("PATCH", "/sobjects/Task/Callfleet_Call_Id__c/1", {"Subject": "x"}).status == 201


@pytest.mark.parametrize("body", [{}, [], {"object": "Contact", "name": "Nothing"}, {"object": "Nothing", "name": "Phone"},
                                  {"object": "Contact", "name": "LastName"}, {"object": "Contact", "name": "Id"}])
def test_what_cannot_be_hidden(sandbox, body):
    reply = sandbox.send("POST", "/_sandbox/fields/hide", json.dumps(body), JSON)
    assert reply.status == 400 and reply.code == "INVALID_INPUT", reply


# ---- fields that an administrator adds ----
def test_custom_fields(fresh):
    sandbox = fresh()
    sandbox.admin("POST", "/fields", {"object": "Task", "name": "Queue__c", "length": 10})
    sandbox.admin("POST", "/fields", {"object": "Contact", "name": "Pager__c", "type": "phone"})
    sandbox.admin("POST", "/fields", {"object": "Case", "name": "Key__c", "externalId": True, "unique": True})
    sandbox.admin("POST", "/fields", {"object": "Task", "name": "Wait__c", "type": "double"})
    listed = sandbox.admin("GET", "/fields")["custom"]
    assert {"Task.Queue__c", "Contact.Pager__c", "Case.Key__c", "Task.Wait__c"} < set(listed)
    task = sandbox.create("Task", Subject="x", Queue__c="sales", Wait__c=2.5)
    assert sandbox.records("SELECT Queue__c, Wait__c FROM Task WHERE Queue__c = 'SALES' AND Wait__c > 2")[0]["Wait__c"] == 2.5
    assert sandbox.rest("GET", "/sobjects/Task/" + task).json["Queue__c"] == "sales"
    reply = sandbox.rest("POST", "/sobjects/Task", {"Subject": "x", "Queue__c": "more than ten"})
    assert reply.code == "STRING_TOO_LONG"
    contact = sandbox.create("Contact", LastName="P", Pager__c="(520) 773-9050")
    found = sandbox.records("SELECT Id FROM Contact WHERE Pager__c LIKE '%5%2%0%7%7%3%9%0%5%0%'")
    assert [r["Id"] for r in found] == [contact]
    found = sandbox.rest("GET", "/search?q=FIND+{5207739050}+IN+PHONE+FIELDS+RETURNING+Contact(Id)").json["searchRecords"]
    assert [r["Id"] for r in found] == [contact]
    assert sandbox.rest("PATCH", "/sobjects/Case/Key__c/k1", {"Subject": "a"}).status == 201
    assert sandbox.rest("PATCH", "/sobjects/Case/Key__c/K1", {"Subject": "b"}).status == 200
    assert sandbox.rest("POST", "/sobjects/Case", {"Key__c": "k1"}).code == "DUPLICATE_VALUE"


def test_a_file_keeps_custom_fields(fresh, tmp_path):
    first = fresh("--db", tmp_path / "org.db")
    first.admin("POST", "/fields", {"object": "Contact", "name": "Pager__c", "type": "phone"})
    first.create("Contact", LastName="P", Pager__c="(520) 773-9050")
    first.stop()
    second = fresh("--db", tmp_path / "org.db")
    assert second.records("SELECT Pager__c FROM Contact WHERE Pager__c LIKE '%773-9050'")[0]["Pager__c"] == "(520) 773-9050"


@pytest.mark.parametrize("field", [
    {}, {"object": "Task", "name": "Queue"}, {"object": "Nothing", "name": "Q__c"}, {"object": "Task", "name": "1q__c"},
    {"object": "Task", "name": "q\"__c"}, {"object": "Task", "name": "q__c", "type": "nothing"},
    {"object": "Task", "name": "q__c", "length": 0}, {"object": "Task", "name": "Callfleet_Call_Id__c"},
    {"object": "Organization", "name": "q__c"}, {"object": "Task", "name": "q" * 50 + "__c"},
])
def test_bad_custom_fields(sandbox, field):
    reply = sandbox.send("POST", "/_sandbox/fields", json.dumps({"type": "string", **field} if field else field), JSON)
    assert reply.status == 400 and reply.code == "INVALID_INPUT", reply


# ---- Person Accounts ----
def test_person_accounts(fresh):
    sandbox = fresh()
    company = sandbox.create("Account", Name="Company")
    assert sandbox.query("SELECT IsPersonAccount FROM Account").code == "INVALID_FIELD"
    sandbox.config(person_accounts=1)
    person = sandbox.create("Account", FirstName="Ann", LastName="Person", PersonMobilePhone="(928) 555-0177")
    rows = sandbox.records("SELECT Id, Name, IsPersonAccount, PersonContactId, PersonContact.MobilePhone FROM Account "
                           "WHERE PersonMobilePhone LIKE '%9%2%8%5%5%5%0%1%7%7%'")
    assert [(r["Id"], r["Name"], r["IsPersonAccount"]) for r in rows] == [(person, "Ann Person", True)]
    assert rows[0]["PersonContact"]["MobilePhone"] == "(928) 555-0177"
    assert [r["Id"] for r in sandbox.records("SELECT Id FROM Account WHERE IsPersonAccount = false")] == [company]
    assert sandbox.rest("PATCH", "/sobjects/Account/" + person, {"PersonMobilePhone": "(928) 555-0188"}).status == 204
    contact, = sandbox.records("SELECT Id, Name, MobilePhone, IsPersonAccount, AccountId FROM Contact")
    assert (contact["Id"], contact["Name"], contact["MobilePhone"], contact["IsPersonAccount"], contact["AccountId"]) == \
        (rows[0]["PersonContactId"], "Ann Person", "(928) 555-0188", True, person)
    assert sandbox.rest("POST", "/sobjects/Account", {"FirstName": "Nobody"}).code == "REQUIRED_FIELD_MISSING"


# ---- duplicate rules ----
def test_duplicates_are_refused_when_the_org_has_rules(fresh):
    sandbox = fresh()
    body = {"LastName": "Twin", "Email": "twin@example.org"}
    first = sandbox.create("Contact", **body)
    sandbox.create("Contact", **body)  # no rule yet
    sandbox.config(duplicate_rule=1)
    reply = sandbox.rest("POST", "/sobjects/Contact", body)
    assert reply.status == 400 and reply.code == "DUPLICATES_DETECTED", reply
    result = reply.json[0]["duplicateResult"]
    records = result["matchResults"][0]["matchRecords"]
    assert result["allowSave"] is True and first in [r["record"]["Id"] for r in records] and len(records) == 2
    reply = sandbox.rest("POST", "/composite/sobjects", {"records": [{"attributes": {"type": "Contact"}, **body}]})
    assert reply.json[0]["errors"][0]["statusCode"] == "DUPLICATES_DETECTED"
    allow = {"Sforce-Duplicate-Rule-Header": "allowSave=true; includeRecordDetails=true"}
    assert sandbox.rest("POST", "/sobjects/Contact", body, headers=allow).status == 201
    assert sandbox.rest("POST", "/sobjects/Contact", body).status == 400  # for that request only
    sandbox.config(duplicate_rule=2)
    assert sandbox.rest("POST", "/sobjects/Contact", body, headers=allow).json[0]["duplicateResult"]["allowSave"] is False
    assert sandbox.rest("PATCH", "/sobjects/Contact/" + first, {"Title": "Dr"}).status == 204
    assert sandbox.rest("POST", "/sobjects/Contact", {"LastName": "Twin", "Phone": "1"}).status == 201
    assert sandbox.rest("POST", "/sobjects/Contact", {"LastName": "twin", "Phone": "1"}).status == 400
