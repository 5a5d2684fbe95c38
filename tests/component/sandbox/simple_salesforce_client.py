# SPDX-License-Identifier: Apache-2.0
"""Drives the sandbox with simple-salesforce. argv: the name of a scenario; environment: SB_URL, SB_CLIENT_ID, ...

The library insists on https://<domain>.salesforce.com, so an adapter sends its requests to the sandbox.
"""
import datetime
import os
import sys
import urllib.parse

import requests
from simple_salesforce import Salesforce, SalesforceLogin, format_soql
from simple_salesforce import exceptions as errors

URL = os.environ["SB_URL"]
CLIENT = {"consumer_key": os.environ["SB_CLIENT_ID"], "consumer_secret": os.environ["SB_CLIENT_SECRET"]}
USER = {"username": os.environ["SB_USERNAME"], "password": os.environ["SB_PASSWORD"]}


class ToSandbox(requests.adapters.HTTPAdapter):
    def send(self, request, *args, **options):
        parts = urllib.parse.urlsplit(request.url)
        request.url = urllib.parse.urlunsplit(urllib.parse.urlsplit(URL)[:2] + parts[2:])
        return super().send(request, *args, **options)


def http():
    session = requests.Session()
    session.mount("https://", ToSandbox())
    return session


def connected():
    return Salesforce(session=http(), version="60.0", **USER, **CLIENT)


def admin(path, body):
    requests.post(URL + "/_sandbox" + path, json=body, timeout=10).raise_for_status()


def refused(kind, function, *args, **options):
    try:
        function(*args, **options)
    except kind as error:
        return error
    raise AssertionError("%s was not refused" % function)


def login():
    connected().limits()
    for options in (
            {**USER, "security_token": os.environ["SB_SECURITY_TOKEN"]},
            {"domain": "my-org.my", **CLIENT},
            {"username": USER["username"], "consumer_key": CLIENT["consumer_key"], "privatekey": os.environ["SB_JWT_KEY"]}):
        token, instance = SalesforceLogin(session=http(), sf_version="59.0", **options)
        assert instance == urllib.parse.urlsplit(URL).netloc, instance
        sf = Salesforce(instance=instance, session_id=token, session=http())
        assert sf.limits()["DailyApiRequests"]["Max"] > 0
    error = refused(errors.SalesforceAuthenticationFailed, SalesforceLogin, session=http(), username=USER["username"],
                    password="wrong", **CLIENT)
    assert error.code == "invalid_grant" and error.auth_message == "authentication failure", vars(error)
    error = refused(errors.SalesforceAuthenticationFailed, SalesforceLogin, session=http(), username=USER["username"],
                    password="wrong", security_token="x")
    assert error.code == "INVALID_LOGIN", vars(error)


def query():
    sf = connected()
    admin("/config", {"batch_size": 200})
    for start in range(0, 450, 150):
        records = [{"attributes": {"type": "Contact"}, "LastName": "Py %03d" % i} for i in range(start, start + 150)]
        sf.restful("composite/sobjects", method="POST", json={"records": records})
    soql = "SELECT LastName FROM Contact WHERE LastName LIKE 'Py %' ORDER BY LastName"
    first = sf.query(soql)
    assert (first["totalSize"], first["done"], len(first["records"])) == (450, False, 200)
    assert sf.query_more(first["nextRecordsUrl"], identifier_is_url=True)["records"][0]["LastName"] == "Py 200"
    assert [r["LastName"] for r in sf.query_all_iter(soql)] == ["Py %03d" % i for i in range(450)]
    hostile = "O'Neil\\ %_\" x"
    sf.Contact.create({"LastName": hostile})
    found = sf.query(format_soql("SELECT Id, LastName FROM Contact WHERE LastName = {}", hostile))
    assert [r["LastName"] for r in found["records"]] == [hostile], found
    assert sf.api_usage["api-usage"].used > 0


def crud():
    sf = connected()
    made = sf.Contact.create({"LastName": "Müller", "Phone": "0049 30 901820"})
    assert made["success"] and len(made["id"]) == 18
    assert sf.Contact.get(made["id"])["LastName"] == "Müller"
    assert sf.Contact.update(made["id"], {"Title": "Dr"}) == 204
    assert sf.Contact.get(made["id"])["Title"] == "Dr"
    assert sf.Contact.delete(made["id"]) == 204
    refused(errors.SalesforceResourceNotFound, sf.Contact.get, made["id"])
    assert "Task" in [o["name"] for o in sf.describe()["sobjects"]]
    assert sf.Case.describe()["name"] == "Case" and "objectDescribe" in sf.Case.metadata()


def upsert():
    sf = connected()
    body = {"Subject": "Call", "Status": "Completed"}
    assert [sf.Task.upsert("Callfleet_Call_Id__c/py-1", body) for _ in range(2)] == [201, 200]
    assert sf.Task.get_by_custom_id("Callfleet_Call_Id__c", "py-1")["Subject"] == "Call"
    for name in ("A", "B"):
        sf.Account.create({"Name": name, "Legacy_Id__c": "py-twice"})
    refused(errors.SalesforceMoreThanOneRecord, sf.Account.upsert, "Legacy_Id__c/py-twice", {"Phone": "1"})


def collections():
    sf = connected()
    records = [{"attributes": {"type": "Task"}, "Callfleet_Call_Id__c": "pc-%d" % i, "Subject": "S"} for i in range(200)]
    path = "composite/sobjects/Task/Callfleet_Call_Id__c"
    first = sf.restful(path, method="PATCH", json={"allOrNone": False, "records": records})
    again = sf.restful(path, method="PATCH", json={"allOrNone": False, "records": records})
    assert all(r["success"] and r["created"] for r in first) and not any(r["created"] for r in again)
    assert [r["id"] for r in first] == [r["id"] for r in again]
    records.append(records[0])
    refused(errors.SalesforceMalformedRequest, sf.restful, path, method="PATCH", json={"records": records})


def composite():
    sf = connected()
    base = "/services/data/v60.0"
    answer = sf.restful("composite", method="POST", json={"allOrNone": True, "compositeRequest": [
        {"method": "POST", "url": base + "/sobjects/Account", "referenceId": "a", "body": {"Name": "Py Inc"}},
        {"method": "POST", "url": base + "/sobjects/Contact", "referenceId": "c", "body": {"LastName": "X", "AccountId": "@{a.id}"}},
        {"method": "GET", "url": base + "/query?q=SELECT+Account.Name+FROM+Contact+WHERE+Id='@{c.id}'", "referenceId": "q"}]})
    assert [r["httpStatusCode"] for r in answer["compositeResponse"]] == [201, 201, 200], answer
    assert answer["compositeResponse"][2]["body"]["records"][0]["Account"]["Name"] == "Py Inc"


def more():
    """What scripts from elsewhere may use, too."""
    sf = connected()
    start = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=1)
    end = start + datetime.timedelta(minutes=2)
    made = sf.Contact.create({"LastName": "More", "HomePhone": "555 0100"})
    gone = sf.Contact.create({"LastName": "Gone"})
    sf.Contact.delete(gone["id"])
    assert made["id"] in sf.Contact.updated(start, end)["ids"]
    assert [r["id"] for r in sf.Contact.deleted(start, end)["deletedRecords"]] == [gone["id"]]
    assert sf.query("SELECT Id FROM Contact WHERE LastName = 'Gone'", include_deleted=True)["totalSize"] == 1
    assert sf.query_all("SELECT Id FROM Case WHERE IsClosed = false")["done"] is True
    assert sf.restful("limits")["DailyApiRequests"]["Remaining"] > 0
    assert sf.is_sandbox() is True
    assert [f["name"] for f in sf.Contact.describe()["fields"]].count("HomePhone") == 1
    assert sf.Contact.update(made["id"], {"Title": "Dr"}, headers={"Sforce-Duplicate-Rule-Header": "allowSave=true"}) == 204
    assert sf.Contact.upsert("Legacy_Id__c/more-1", {"LastName": "Key"}) == 201
    assert sf.Contact.get_by_custom_id("Legacy_Id__c", "more-1")["LastName"] == "Key"
    assert sf.search("FIND {Key OR Nobody} RETURNING Contact(Id)")["searchRecords"]
    reply = sf.Contact.update(made["id"], {"Title": "Mx"}, raw_response=True)
    assert reply.status_code == 204


def search():
    sf = connected()
    made = sf.Contact.create({"LastName": "Findpy", "MobilePhone": "+1 480 555 0143"})
    found = sf.search("FIND {4805550143} IN PHONE FIELDS RETURNING Contact(Id)")
    assert [r["Id"] for r in found["searchRecords"]] == [made["id"]]
    assert made["id"] in [r["Id"] for r in sf.quick_search("Findpy")["searchRecords"]]
    found = sf.restful("parameterizedSearch", params={"q": "4805550143", "sobject": "Contact", "Contact.fields": "Id"})
    assert [r["Id"] for r in found["searchRecords"]] == [made["id"]]


def failures():
    sf = connected()
    error = refused(errors.SalesforceMalformedRequest, sf.query, "SELECT Nope FROM Account")
    assert error.content[0]["errorCode"] == "INVALID_FIELD"
    error = refused(errors.SalesforceMalformedRequest, sf.Contact.create, {"FirstName": "x"})
    assert error.content[0]["fields"] == ["LastName"]
    admin("/expire-tokens", {})
    assert sf.query("SELECT Id FROM User")["done"] is True  # it logs in again by itself
    admin("/config", {"daily_limit": 1})
    error = refused(errors.SalesforceRefusedRequest, sf.query, "SELECT Id FROM User")
    assert error.content[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"


SCENARIOS = {f.__name__: f for f in (login, query, crud, upsert, collections, composite, search, failures, more)}

if __name__ == "__main__":
    SCENARIOS[sys.argv[1]]()
    print("ok")
