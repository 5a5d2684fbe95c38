# SPDX-License-Identifier: Apache-2.0
"""One call end to end as an outsider sees it: records made with plain HTTP, curl and jsforce, events written with kcat,
answers on the topics, and what stands in Salesforce when the call is over."""
import json
import os
import pathlib
import shutil
import subprocess
import uuid

import pytest
from contact_centre import FORMS, ContactCentre, digits, leaks

# (how it is written in Salesforce, in which field, as what number the call comes)
WRITTEN = [
    ("(520) 773-9050", "Phone", "+15207739050"),
    ("520.773.9051", "Phone", "5207739051"),
    ("+1 520 773 9052", "Phone", "+1 (520) 773-9052"),
    ("0049 30 901820", "Phone", "+4930901820"),
    ("(520) 773-9060", "MobilePhone", "15207739060"),
    ("520.773.9061", "MobilePhone", "+15207739061"),
    ("+1 520 773 9062", "MobilePhone", "tel:+15207739062"),
    ("0049 30 901821", "MobilePhone", "+49 30 901821"),
]
BY_ACCOUNT = ("520-773-9070", "+15207739070")
BY_JSFORCE = ("(520) 773 9080", "+15207739080")
PHONES = [ani for _, _, ani in WRITTEN] + [BY_ACCOUNT[1], BY_JSFORCE[1], "+15207739099"]
LONG_NOTES = "Der Kunde spricht lange. 長いメモ。 \U0001f4de \"zitiert\" \\ und 'so'.\n" * 120


class Customer:
    """An account, a contact with a number, two open cases, a closed one, and a neighbour whose number only looks alike."""

    def __init__(self, salesforce, written, field):
        self.salesforce, name = salesforce, "Zoë " + uuid.uuid4().hex[:6]
        self.name = name + " O'Neil & Söhne"
        self.account = salesforce.create("Account", Name="Works " + name, Tier__c="Gold")
        self.contact = salesforce.create("Contact", FirstName=name, LastName="O'Neil & Söhne", AccountId=self.account,
                                         **{field: written})
        salesforce.create("Contact", LastName="Neighbour", **{field: digits(written)[-10:] + "7"})
        self.case = self.open_case("Urgent one", "High")
        self.other_case = self.open_case("Can wait", "Low")
        self.closed_case = salesforce.create("Case", ContactId=self.contact, AccountId=self.account, Subject="Done",
                                             Status="Closed", Priority="High")

    def open_case(self, subject, priority):
        return self.salesforce.create("Case", ContactId=self.contact, AccountId=self.account, Subject=subject, Status="New",
                                      Priority=priority)


def tasks_of(salesforce, call):
    return salesforce.query("SELECT Id, Subject, Description, WhoId, WhatId, Status, CallDurationInSeconds FROM Task WHERE "
                            "Callfleet_Call_Id__c = '%s'" % call)


def comments_of(salesforce, case):
    return [r["CommentBody"] for r in salesforce.query("SELECT Id, CommentBody FROM CaseComment WHERE ParentId = '%s' ORDER "
                                                       "BY CommentBody" % case)]


@pytest.fixture(scope="module")
def fleet(shared_fleet):
    fleet = shared_fleet()
    yield fleet
    found = leaks(fleet, PHONES)
    assert not found, "numbers of callers in the logs:\n" + "\n".join(found)


@pytest.fixture(scope="module")
def salesforce(fleet):
    return fleet.salesforce()


@pytest.fixture(scope="module")
def centre(fleet):
    return ContactCentre(fleet)


@pytest.fixture
def agent(centre):
    """An agent who is on duty in this test only."""
    name = "agent-" + uuid.uuid4().hex[:8]
    yield name
    centre.agent(name, "offline")


def check_queued(queued, customer):
    found = queued["customer"]
    assert (found["status"], found["account"]["id"], found["contact"]["id"]) == ("matched", customer.account,
                                                                                 customer.contact), found
    assert found["account"]["tier"] == "Gold" and found["contact"]["name"] == customer.name
    assert [case["id"] for case in found["cases"]] == [customer.case, customer.other_case], found["cases"]
    assert found["cases"][0]["subject"] == "Urgent one" and found["cases"][0]["number"]
    assert customer.name in queued["greeting"]["text"] and found["cases"][0]["number"] in queued["greeting"]["text"]
    assert "&amp; Söhne" in queued["greeting"]["ssml"] and "& " not in queued["greeting"]["ssml"]
    assert queued["treatment"]["music"] == "defaultmusic_on_hold.wav"


def check_written(salesforce, customer, call, notes):
    tasks = tasks_of(salesforce, call)
    assert len(tasks) == 1, tasks
    assert (tasks[0]["WhoId"], tasks[0]["WhatId"], tasks[0]["Status"]) == (customer.contact, customer.case, "Completed")
    assert call in tasks[0]["Description"] and notes.strip() in tasks[0]["Description"]
    comments = [body for body in comments_of(salesforce, customer.case) if call in body]
    assert all(len(body.encode()) <= 4000 and "[callfleet:%s]" % call in body for body in comments)
    for case in (customer.other_case, customer.closed_case):
        assert comments_of(salesforce, case) == []
    return comments


@pytest.mark.parametrize("number", range(len(WRITTEN)), ids=["%s-%s" % (w[1], w[0]) for w in WRITTEN])
def test_a_call_of_a_known_customer(centre, salesforce, agent, number):
    written, field, ani = WRITTEN[number]
    form = FORMS[number % len(FORMS)]
    customer, call = Customer(salesforce, written, field), "call-" + uuid.uuid4().hex
    check_queued(centre.start(call, ani, form, attributes={"campaign": "spring"}), customer)
    queued = centre.decision("queued", call)
    assert (queued["queueId"], queued["domain"]) == ("support", "default") and 1 <= queued["priority"] <= 10

    centre.agent(agent, "available", FORMS[(number + 1) % len(FORMS)])
    offer, connected = centre.answer(call, agent)
    for decision in (offer, connected):
        assert customer.account in decision["screenPop"]["url"] and decision["screenPop"]["id"] == customer.account
        assert decision["case"]["id"] == customer.case
        assert [case["id"] for case in decision["cases"]] == [customer.case, customer.other_case]
    assert connected["queueId"] == "support" and connected["waitMs"] >= 0

    notes = "Résumé: \"all good\" \\o/ 電話"
    event_id = str(uuid.uuid4())
    ended = {"agentId": agent, "agentName": "Ann Example", "notes": notes, "talkMs": 61000, "wrapUpCode": "resolved"}
    centre.end(call, "structured", event_id, **ended)
    updated = centre.result("call-updated", call)
    assert (updated["outcome"], updated["caseId"], updated["contactId"]) == ("written", customer.case, customer.contact)
    comments = check_written(salesforce, customer, call, notes)
    assert len(comments) == 1 and notes in comments[0] and len(updated["commentIds"]) == 1
    assert updated["taskId"] == tasks_of(salesforce, call)[0]["Id"]
    assert centre.decision("ended", call)["agentId"] == agent

    # The same once more, as the same event and as a new one: Salesforce holds the call once.
    centre.end(call, "structured", event_id, **ended)
    centre.end(call, FORMS[number % len(FORMS)], **ended)
    for nth in (2, 3):
        assert centre.result("call-updated", call, count=nth)["outcome"] == "already-written"
    assert len(check_written(salesforce, customer, call, notes)) == 1
    assert centre.result("call-updated", call, count=2)["taskId"] == updated["taskId"]


def test_long_notes_are_split_between_characters(centre, salesforce):
    customer, call = Customer(salesforce, "(520) 773-9099", "Phone"), "call-" + uuid.uuid4().hex
    check_queued(centre.start(call, "+15207739099"), customer)
    assert len(LONG_NOTES.encode()) > 8000
    for outcome in ("written", "already-written"):
        centre.end(call, notes=LONG_NOTES, agentId="ann")
        updated = centre.result("call-updated", call, outcome=outcome)
        comments = check_written(salesforce, customer, call, LONG_NOTES)
        assert len(comments) == len(updated["commentIds"]) >= 3
    in_order = sorted(comments, key=lambda body: int(body.rsplit("(", 1)[1].split("/")[0]))
    together = "".join(body.rsplit("\n[callfleet:", 1)[0] for body in in_order)
    assert LONG_NOTES.strip() in together, "nothing lost, nothing doubled at the seams"


def test_an_account_without_a_contact(fleet, centre, salesforce, agent):
    """Made with curl, as the README shows."""
    done = subprocess.run(["curl", "-fsS", salesforce.base + "/sobjects/Account", "-H", "Content-Type: application/json",
                           "-H", "Authorization: " + salesforce.http.headers["Authorization"], "-d",
                           json.dumps({"Name": "Front Desk Ltd", "Phone": BY_ACCOUNT[0]})],
                          capture_output=True, text=True, check=True, timeout=20)
    account, call = json.loads(done.stdout)["id"], "call-" + uuid.uuid4().hex
    found = centre.start(call, BY_ACCOUNT[1], "binary", language="de-DE")
    assert found["customer"]["status"] == "matched" and found["customer"]["account"]["id"] == account
    assert "contact" not in found["customer"] and found["customer"].get("cases", []) == []
    assert found["greeting"]["language"].startswith("de") and "Front Desk Ltd" in found["greeting"]["text"]
    centre.agent(agent, "available")
    _, connected = centre.answer(call, agent)
    assert account in connected["screenPop"]["url"] and "case" not in connected
    centre.end(call, agentId=agent, notes="No case: only the Task.")
    updated = centre.result("call-updated", call)
    assert (updated["outcome"], updated["accountId"]) == ("written", account)
    assert "caseId" not in updated and updated.get("commentIds", []) == []
    assert [task["WhatId"] for task in tasks_of(salesforce, call)] == [account]


@pytest.mark.parametrize("ani, status", [("anonymous", "withheld"), ("", "withheld"), ("12", "invalid"),
                                         ("+15207739999", "unmatched")])
def test_a_caller_nobody_knows(centre, salesforce, agent, ani, status):
    call = "call-" + uuid.uuid4().hex
    queued = centre.start(call, ani)
    assert queued["customer"]["status"] == status and queued["greeting"]["text"]
    assert centre.decision("queued", call)["queueId"] == "support"
    centre.agent(agent, "available")
    offer, connected = centre.answer(call, agent)
    assert "screenPop" not in connected and "case" not in connected
    centre.end(call, agentId=agent, notes="Wrong number.")
    assert centre.result("call-updated", call)["outcome"] == "nothing-to-write"
    assert tasks_of(salesforce, call) == []


JSFORCE = """
const jsforce = require('jsforce');
(async () => {
  const url = process.env.CALLFLEET_SALESFORCE;
  const oauth2 = {loginUrl: url, clientId: process.env.CALLFLEET_SF_CLIENT_ID, clientSecret: process.env.CALLFLEET_SF_CLIENT_SECRET};
  const conn = new jsforce.Connection({oauth2, loginUrl: url, version: '60.0'});
  await conn.login(process.env.CALLFLEET_SF_USERNAME, process.env.CALLFLEET_SF_PASSWORD);
  const account = (await conn.sobject('Account').create({Name: 'Js Works'})).id;
  const contact = (await conn.sobject('Contact').create({LastName: 'Forceful', AccountId: account, MobilePhone: process.argv[1]})).id;
  const open = (await conn.sobject('Case').create({ContactId: contact, AccountId: account, Subject: 'By jsforce', Status: 'New'})).id;
  await conn.sobject('Case').create({ContactId: contact, AccountId: account, Subject: 'Over', Status: 'Closed'});
  console.log(JSON.stringify({account, contact, open}));
})().catch((error) => { console.error(error); process.exit(1); });
"""


def jsforce_directory():
    """Where the sandbox's tests have installed jsforce; None before they ran."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "callfleet"
    found = sorted(cache.glob("jsforce-*/node_modules/jsforce/package.json"))
    return found[-1].parents[1] if found else None


@pytest.mark.skipif(not shutil.which("node") or not jsforce_directory(), reason="jsforce is installed by the sandbox's tests")
def test_records_made_by_jsforce(fleet, centre, salesforce):
    done = subprocess.run(["node", "-e", JSFORCE, BY_JSFORCE[0]], capture_output=True, text=True, timeout=60, check=False,
                          env={**os.environ, **fleet.env, "NODE_PATH": str(jsforce_directory())})
    assert done.returncode == 0, done.stderr
    made, call = json.loads(done.stdout), "call-" + uuid.uuid4().hex
    found = centre.start(call, BY_JSFORCE[1], "structured")["customer"]
    assert (found["account"]["id"], found["contact"]["id"]) == (made["account"], made["contact"])
    assert [case["subject"] for case in found["cases"]] == ["By jsforce"]
    centre.end(call, notes="As jsforce wanted.", agentId="ann")
    assert centre.result("call-updated", call)["caseId"] == made["open"]
    comments = comments_of(salesforce, made["open"])
    assert len(comments) == 1 and "[callfleet:%s]" % call in comments[0] and "As jsforce wanted." in comments[0]
