#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""report - prints callgen's report as a table for a person: one block per call, then a short summary.

  report.py REPORT.ndjson [SANDBOX-STATISTICS.json]
"""
import collections
import json
import re
import sys

WIDTH = 118


def cut(text, width):
    """`text` in exactly `width` columns."""
    text = " ".join(str(text).split())
    return text.ljust(width) if len(text) <= width else text[:width - 1] + "…"


def who(customer):
    names = [(customer.get("contact") or {}).get("name"), (customer.get("account") or {}).get("name")]
    text = ", ".join(n for n in names if n)
    tier = (customer.get("account") or {}).get("tier")
    if text and tier:
        text += " (%s)" % tier
    status = customer.get("status", "no answer yet")
    if status == "ambiguous":
        return "one of %d: %s" % (customer.get("matchCount", len(customer.get("candidates", []))), text)
    return text or {"unmatched": "nobody we know", "withheld": "number withheld", "invalid": "not a telephone number",
                    "timeout": "not known: Salesforce too slow", "unavailable": "not known: Salesforce down",
                    "over-budget": "not known: API budget spent"}.get(status, status)


def case_of(call):
    case = call.get("routed", {}).get("case") or (call.get("queued", {}).get("customer", {}).get("cases") or [None])[0]
    return "%s %s" % (case["number"], case.get("subject", "")) if case else "-"


def queue_of(call):
    routed = call.get("routed", {})
    return "%s %s" % (routed.get("queueId", "-"), routed.get("priority", ""))


def agent_of(call):
    if call.get("agentName"):
        return call["agentName"] + (" (2nd)" if call["missed"] else "")
    return "hung up"


def link_of(call):
    """The screen pop without the org's address, which the heading names."""
    pop = call.get("routed", {}).get("screenPop")
    return re.sub(r"^https?://[^/]+", "", pop["url"]) if pop else "-"


def written(call):
    updated = call.get("updated")
    if not updated:
        return "no result"
    if updated["outcome"] == "nothing-to-write":
        return "nothing"
    parts = ["task"] if updated.get("taskId") else []
    comments = len(updated.get("commentIds") or [])
    if comments:
        parts.append("comment on case" if comments == 1 else "%d comments on case" % comments)
    text = " and ".join(parts) or updated["outcome"]
    return text if updated["outcome"] == "written" else "%s (%s)" % (text, updated["outcome"])


def print_calls(calls):
    bases = {re.match(r"https?://[^/]+", c["routed"]["screenPop"]["url"]).group() for c in calls
             if c.get("routed", {}).get("screenPop")}
    print("Screen pops open at %s.\n" % (" and ".join(sorted(bases)) or "-"))
    print("no  %s %s %s %s %6s" % (cut("caller", 15), cut("who it is", 56), cut("queue prio", 11), cut("agent", 18), "wait"))
    print("    greeting")
    print("    %s %s %s" % (cut("case", 35), cut("screen pop", 45), "written to Salesforce"))
    print("=" * WIDTH)
    for call in calls:
        customer = call.get("queued", {}).get("customer", {})
        greeting = call.get("queued", {}).get("greeting", {}).get("text", "-")
        wait = "-" if call["waitMs"] is None else "%.1f s" % (call["waitMs"] / 1000)
        print("%-3d %s %s %s %s %6s" % (call["number"], cut(call["ani"] or '""', 15), cut(who(customer), 56),
                                        cut(queue_of(call), 11), cut(agent_of(call), 18), wait))
        print("    %s" % cut('"%s"' % greeting, WIDTH - 4).rstrip())
        print("    %s %s %s" % (cut(case_of(call), 35), cut(link_of(call), 45), written(call)))
    print("=" * WIDTH)


def print_summary(calls, summary, statistics):
    status = collections.Counter(c.get("queued", {}).get("customer", {}).get("status", "none") for c in calls)
    latency = summary["latencyMs"]
    print("%d calls: %d answered, %d hung up first, %d offers not answered by the first agent" % (
        summary["calls"], summary["answered"], summary["abandoned"], sum(c["missed"] for c in calls)))
    print("Callers: " + ", ".join("%d %s" % (n, name) for name, n in status.most_common()))
    print("call-started to call-queued: median %d ms, slowest %d ms; call-ended to Salesforce: median %d ms, slowest %d ms" % (
        latency["startedToQueued"]["p50"], latency["startedToQueued"]["max"], latency["endedToUpdated"]["p50"],
        latency["endedToUpdated"]["max"]))
    if statistics:
        print("Salesforce: %d tasks and %d case comments were written; %d API calls, %.1f per telephone call" % (
            statistics["records"]["Task"], statistics["records"]["CaseComment"], statistics["api_calls"],
            statistics["api_calls"] / max(1, len(calls))))
    print("Every call has each of its results once." if summary["good"] else
          "NOT GOOD: %d calls with something missing, %d with something doubled, %d events read twice, %d offers to a busy "
          "agent" % (summary["missing"], summary["doubled"], summary["repeatedEvents"], summary["doubleHeldAgents"]))


def main():
    with open(sys.argv[1], encoding="utf-8") as lines:
        report = [json.loads(line) for line in lines]
    statistics = None
    if len(sys.argv) > 2:
        with open(sys.argv[2], encoding="utf-8") as text:
            statistics = json.load(text)
    calls = sorted((r for r in report if r["type"] == "call"), key=lambda c: c["number"])
    print_calls(calls)
    print_summary(calls, report[-1], statistics)


if __name__ == "__main__":
    main()
