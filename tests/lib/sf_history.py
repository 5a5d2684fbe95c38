# SPDX-License-Identifier: Apache-2.0
"""sf_history - was each call written down once? Reads the sandbox's history (what it committed, when, in which request), not
only what is left in the end, and the topics; knows nothing of how a run was made, so that every test can use it.

    history = sf_history.History(sf_history.load(path))
    findings = sf_history.check(history, {"call-1": sf_history.Expected(case="500...")}, updates, dead)

Vocabulary
  commit    one record that one request created, changed or deleted, with the fields as they were sent
  update    what the topic call-updated says about a call; the end of the call
  finding   one broken promise, of a kind named in KINDS
Times are milliseconds of the wall clock: the sandbox's own, computed from its monotonic clock.
"""
import collections
import dataclasses
import datetime
import json
import re

KINDS = {
    "lost-task": "a call without a Task",
    "doubled-task": "a call with two Tasks, whatever became of them",
    "lost-comment": "a call whose comment, or a part of it, is not there",
    "doubled-comment": "a comment, or a part of it, that was written twice",
    "comment-without-task": "a comment of a call that has no Task",
    "wrong-parent": "a Task or a comment at another record than the caller's",
    "changed-after-end": "a record written, changed or deleted when call-updated was out already",
    "deleted": "a Task or a comment that was deleted",
    "unexpected": "a Task or a comment of a call that nobody made, or that is not to be written",
    "lost-update": "a call without call-updated",
    "doubled-update": "a call with two of them",
    "wrong-update": "a call-updated that tells other ids than Salesforce has, or another outcome",
    "dead-letter": "an event in a dead-letter topic",
}
MARKER = re.compile(r"\[callfleet:([^\]]+)\](?: \((\d+)/(\d+)\))?$")  # a text's last line; (1/3): one of several
EXTERNAL_ID = "Callfleet_Call_Id__c"


@dataclasses.dataclass(frozen=True)
class Commit:
    id: str
    object: str
    op: str  # created, updated, deleted
    fields: dict
    at_ms: float
    request: int
    external_id: str = None  # of an upsert
    fault: str = None  # what the request met


@dataclasses.dataclass
class Expected:
    """What Salesforce must hold about a call. `case`, `contact`: ids, None for any."""
    case: str = None
    contact: str = None
    writes: bool = True   # False: nobody's call, nothing-to-write
    comment: bool = True  # False: the customer has no open case
    parent: str = None    # a consult: its Task is the parent call's


@dataclasses.dataclass(frozen=True)
class Update:
    call: str
    at_ms: int
    data: dict


@dataclasses.dataclass(frozen=True)
class Finding:
    kind: str
    call: str
    text: str

    def __str__(self):
        return "%s: %s: %s" % (self.kind, self.call, self.text)


def wall_ms(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000


def load(*paths):
    """The entries of history files. A sandbox that was restarted appends to its file and counts from 1 again."""
    entries = []
    for path in paths:
        with open(path, encoding="utf-8") as lines:
            entries += [json.loads(line) for line in lines]
    return entries


class History:
    """The commits in the order they were made, and the requests."""

    def __init__(self, entries):
        self.entries = [e for e in entries if "method" in e]  # the others are notes of answers that did not arrive
        self.commits = []
        for entry in self.entries:
            began_ms = wall_ms(entry["at"]) if entry["commits"] else 0
            for c in entry["commits"]:
                at_ms = began_ms + (c["mono_ns"] - entry["mono_ns"]) / 1e6
                self.commits.append(Commit(c["id"], c["object"], c["op"], c.get("fields", {}), at_ms, entry["request"],
                                           c.get("externalId"), entry.get("fault")))
        self.commits.sort(key=lambda c: c.at_ms)

    def since(self, at_ms):
        """The requests that arrived from then on."""
        return [e for e in self.entries if wall_ms(e["at"]) >= at_ms]


def mark_of(body):
    """(call, part, parts) of a comment, by the marker in its last line; None when it is not ours. A quoted marker in the notes
    is not in the last line."""
    found = MARKER.search((body or "").rstrip().rsplit("\n", 1)[-1])
    return (found[1], int(found[2] or 1), int(found[3] or 1)) if found else None


class _Records:
    """Tasks and comments of the calls, out of the commits."""

    def __init__(self, commits, external_id):
        self.tasks, self.comments = collections.defaultdict(list), collections.defaultdict(list)
        self.later = []  # (commit, call): changes and deletions
        owner = {}
        for c in commits:
            if c.object not in ("Task", "CaseComment"):
                continue
            if c.op != "created":
                if c.id in owner:
                    self.later.append((c, owner[c.id]))
                continue
            if c.object == "Task":
                call = c.fields.get(external_id) or c.external_id or c.fields.get("CallObject")
            else:
                call = (mark_of(c.fields.get("CommentBody")) or [None])[0]
            if call:
                owner[c.id] = call
                (self.tasks if c.object == "Task" else self.comments)[call].append(c)


def _check_task(call, expected, tasks, add):
    if len(tasks) > 1:
        add("doubled-task", call, ", ".join("%s by request %d (%s)" % (t.id, t.request, t.fault or "no fault") for t in tasks))
    if not tasks:
        add("lost-task", call, "none was ever created")
    for task in tasks:
        what, who = task.fields.get("WhatId"), task.fields.get("WhoId")
        if expected.case and what != expected.case:
            add("wrong-parent", call, "Task %s is at %s, not at the case %s" % (task.id, what, expected.case))
        if expected.contact and who != expected.contact:
            add("wrong-parent", call, "Task %s is about %s, not about the contact %s" % (task.id, who, expected.contact))


def _check_comments(call, expected, comments, tasks, add):
    parts = collections.Counter(mark_of(c.fields["CommentBody"])[1:] for c in comments)
    for (number, count), times in sorted(parts.items()):
        if times > 1:
            add("doubled-comment", call, "part %d of %d was written %d times" % (number, count, times))
    count = max((count for _, count in parts), default=1)
    lost = [n for n in range(1, count + 1) if (n, count) not in parts]
    if expected.comment and lost:
        add("lost-comment", call, "of %d parts these are missing: %s" % (count, lost))
    if not expected.comment and comments:
        add("unexpected", call, "comment %s, though there is no open case" % comments[0].id)
    if comments and not tasks:
        add("comment-without-task", call, comments[0].id)
    for comment in comments:
        at = comment.fields.get("ParentId")
        if expected.case and at != expected.case:
            add("wrong-parent", call, "comment %s is at %s, not at %s" % (comment.id, at, expected.case))
        elif any(t.fields.get("WhatId") not in (None, at) for t in tasks):
            add("wrong-parent", call, "comment %s is at %s, the Task is not" % (comment.id, at))


def _check_update(call, expected, updates, tasks, comments, add):
    if not updates:
        add("lost-update", call, "nothing in call-updated")
        return
    if len(updates) > 1:
        add("doubled-update", call, "%d records" % len(updates))
    data = updates[0].data
    allowed = ("written", "already-written") if expected.writes else ("nothing-to-write",)
    if data.get("outcome") not in allowed:
        add("wrong-update", call, "outcome %s, not %s" % (data.get("outcome"), " or ".join(allowed)))
    if tasks and data.get("taskId") not in [t.id for t in tasks]:
        add("wrong-update", call, "Task %s, Salesforce has %s" % (data.get("taskId"), tasks[0].id))
    told = sorted(data.get("commentIds") or [])
    if expected.writes and told != sorted(c.id for c in comments):
        add("wrong-update", call, "comments %s, Salesforce has %s" % (told, sorted(c.id for c in comments)))


def check(history, calls, updates=None, dead=(), external_id=EXTERNAL_ID, slack_ms=2, prefix=""):
    """Returns the findings. `calls`: call id -> Expected, all calls of the run. `updates`: the Updates of call-updated, None
    to leave that topic out. `dead`: descriptions of the dead letters. A commit may be `slack_ms` later than the
    end, for the clocks' granularity. `prefix`: only calls whose ids begin so, where a history holds several runs."""
    findings = []

    def add(kind, call, text):
        assert kind in KINDS, kind
        findings.append(Finding(kind, call, text))

    records, of_call = _Records(history.commits, external_id), collections.defaultdict(list)
    for update in sorted(updates or (), key=lambda u: u.at_ms):
        of_call[update.call].append(update)
    for call, expected in calls.items():
        tasks, comments = records.tasks[expected.parent or call], records.comments[call]
        if expected.writes:
            _check_task(call, expected, tasks, add)
            _check_comments(call, expected, comments, tasks, add)
        elif tasks or comments:
            add("unexpected", call, "%d Tasks and %d comments of nobody's call" % (len(tasks), len(comments)))
        if updates is not None:
            _check_update(call, expected, of_call[call], tasks, comments, add)
    for call in sorted((set(records.tasks) | set(records.comments) | set(of_call)) - set(calls)
                       - {e.parent for e in calls.values()}):
        if call.startswith(prefix) and (records.tasks[call] or records.comments[call]):
            add("unexpected", call, "nobody made this call")
    _check_later(records, calls, of_call, slack_ms, add)
    for letter in dead:
        add("dead-letter", "-", letter)
    return findings


def _check_later(records, calls, updates, slack_ms, add):
    """After the end of a call nothing happens to its records. A Task that consults share is open until the last of them."""
    ends = {}
    for call, expected in calls.items():
        for owner in {call, expected.parent or call}:
            at_ms = max((u.at_ms for u in updates[call]), default=None)
            if at_ms is not None:
                ends[owner] = max(ends.get(owner, 0), at_ms)
    created = [(c, call) for by_call in (records.tasks, records.comments) for call, all_of in by_call.items() for c in all_of]
    for commit, call in created + records.later:
        if commit.op == "deleted":
            add("deleted", call, "%s %s by request %d" % (commit.object, commit.id, commit.request))
        if call in ends and commit.at_ms > ends[call] + slack_ms:
            add("changed-after-end", call, "%s %s %s %.0f ms after call-updated, by request %d (%s)"
                % (commit.object, commit.id, commit.op, commit.at_ms - ends[call], commit.request, commit.fault or "no fault"))
