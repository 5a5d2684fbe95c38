# SPDX-License-Identifier: Apache-2.0
"""plays - callgen against a fleet in the background, and what must be true when it is over: each call has its results once
for a read_committed reader, and Salesforce holds each call once."""
import collections
import json
import re
import uuid

from procs import Process

# Of the sandbox's sample customers: with open cases, without, ambiguous; and numbers that are nobody's.
NUMBERS = """\
4 +19285550101 case
3 +16025550112 case
2 +442079460102 case
2 +19285550102 known
2 +15055550156 ambiguous
3 +15207730000 unknown
1 anonymous withheld
"""
MARKER = re.compile(r"\[callfleet:([^\]]+)\]")


class Play:
    def __init__(self, fleet, callgen, directory, **options):
        self.fleet, self.run = fleet, "play-" + uuid.uuid4().hex[:8]
        self.report = directory / (self.run + ".ndjson")
        numbers = directory / "numbers"
        numbers.write_text(NUMBERS)
        settings = {"calls": 100, "rate": 10, "agents": 12, "seed": 7, "abandon": 0.1, "talk-ms": "100..600",
                    "ring-ms": "20..80", "wrapup-ms": "20..80", "patience-ms": "200..1500", "timeout-s": 60,
                    "settle-ms": 1500, **{k.replace("_", "-"): v for k, v in options.items()}}
        words = [word for name, value in settings.items() for word in ("--" + name, value)]
        self.process = Process([callgen, "--brokers", fleet.brokers, "--topic-prefix", fleet.prefix, "--report", self.report,
                                "--numbers", numbers, "--run", self.run, "--agent-prefix", self.run + "-a", "--progress",
                                *words], directory / (self.run + ".log"))

    def playing(self):
        return self.process.running()

    def started(self):
        """How many calls have come in and how many are done, as callgen says."""
        found = re.findall(r"(\d+) of \d+ calls have come in, +(\d+) are done", self.process.tail(3))
        return (int(found[-1][0]), int(found[-1][1])) if found else (0, 0)

    def finish(self, timeout_s=150):
        """Waits for callgen's end and checks its verdict. Returns (calls, summary) of its report."""
        code = self.process.popen.wait(timeout_s)
        lines = [json.loads(line) for line in self.report.read_text().splitlines()]
        bad = ["%s %s: missing %s, doubled %s" % (c["callId"], c["label"], c["missing"], c["doubled"])
               for c in lines[:-1] if c["missing"] or c["doubled"]]
        assert code == 0, "callgen ended with %d\n%s\n%s" % (code, "\n".join(bad[:20]), self.process.tail())
        return lines[:-1], lines[-1]

    def check_salesforce(self, calls):
        """One Task per call of a known customer, one comment more where there is an open case, nothing for the others."""
        salesforce = self.fleet.salesforce()
        rows = salesforce.query("SELECT Callfleet_Call_Id__c FROM Task WHERE Callfleet_Call_Id__c LIKE '%s%%'" % self.run)
        tasks = collections.Counter(row["Callfleet_Call_Id__c"] for row in rows)
        rows = salesforce.query("SELECT CommentBody FROM CaseComment ORDER BY CreatedDate DESC LIMIT 2000")
        comments = collections.Counter(MARKER.findall(row["CommentBody"])[-1] for row in rows if self.run in row["CommentBody"])
        # A call that was looked up while Salesforce was ill is looked up again when it is over.
        known = {c["callId"] for c in calls if c["label"] not in ("unknown", "withheld")}
        cases = {c["callId"] for c in calls if c["label"] == "case"}
        assert {call: n for call, n in tasks.items() if n > 1} == {}, "calls with two Tasks"
        assert {call: n for call, n in comments.items() if n > 1} == {}, "calls with two comments"
        assert set(tasks) == known, (sorted(set(tasks) ^ known), "calls without a Task, or with one that is too many")
        assert set(comments) == cases, (sorted(set(comments) ^ cases), "calls without a comment, or with one too many")
        outcomes = {c["callId"]: c["updated"]["outcome"] for c in calls}
        assert {call for call, outcome in outcomes.items() if outcome == "nothing-to-write"} == set(outcomes) - known
