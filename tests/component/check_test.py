# SPDX-License-Identifier: Apache-2.0
"""callfleet-check on histories of the engine: sound ones have no finding, each fault is named by its invariant.

engine-history plays random records to an engine; a mutant of it has one fault, written into the engine itself. What no
mutant shows is made by altering a sound history.
"""
import json
import re
import subprocess

import pytest
from procs import Process
from waits import wait_until

# Fault -> the invariant that names it.
MUTANTS = {
    "NO_OFFER_ID": "I13", "NO_DEDUPE_CALL": "I5", "NO_DEDUPE_AGENT": "I5", "LATE_AGENT": "I13", "LIFO": "I7",
    "NO_PRIORITY": "I7", "LOST_ABANDON": "I3", "NEW_AGE": "I11", "NO_MISSED": "I12", "NO_DEADLINE": "I10",
    "NO_WRAP_UP": "I6", "IDLE_AGENT": "I9", "AWAY_AGENT": "I1", "LOST_AGENT": "I6", "OFFER_TWICE": "I2",
    "RELEASE_TWICE": "I6", "NO_TOMB": "I13", "DOUBLE_END": "I3", "NO_ANSWER": "I4", "MISCOUNT": "I14", "GAP": "I4",
    "BY_ADDRESS": "I16"}


@pytest.fixture
def history(program, tmp_path):
    """history(first, n, mutant) -> a file with the histories of n seeds, a domain each."""
    def make(first, n, *mutant):
        path = tmp_path / "history.json"
        with open(path, "wb") as out:
            subprocess.run([program("engine-history"), str(first), str(n), *mutant], stdout=out, timeout=60, check=True)
        return path
    return make


@pytest.fixture
def check(program):
    def run(*arguments):
        return subprocess.run([program("callfleet-check"), *arguments], capture_output=True, text=True, timeout=120,
                              check=False)
    return run


def counts(done):
    """{"I7": 3, ...} of the summary."""
    line = re.search(r"^findings: (.*)$", done.stdout, re.MULTILINE).group(1)
    return {} if line == "none" else {w.split()[0]: int(w.split()[1]) for w in line.split(", ")}


def test_a_sound_engine_has_no_findings(history, check):
    done = check(history(10_000, 200))
    assert done.returncode == 0 and counts(done) == {}, done.stdout


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mutant_of_the_engine_is_found(history, check, mutant):
    done = check("--limit", "1", history(0, 40, mutant))
    assert done.returncode == 1 and MUTANTS[mutant] in counts(done), done.stdout[-3000:]
    assert re.search(r"^%s: [a-z]" % MUTANTS[mutant], done.stdout, re.MULTILINE), "the statement in words"


# ---- altered histories ----

class History:
    def __init__(self, path):
        self.lines = [json.loads(line) for line in path.read_text().splitlines()]
        for line in self.lines:
            line["data"] = json.loads(line["payload"])

    def find(self, decision, **which):
        for i, line in enumerate(self.lines):
            data = line["data"].get("data", {})
            if line["topic"] == "call-routed" and data["decision"] == decision and all(
                    data.get(k) == v for k, v in which.items()):
                return i
        raise AssertionError("no %s" % decision)

    def write(self, path):
        with open(path, "w", encoding="utf-8") as out:
            for line in self.lines:
                line["payload"] = json.dumps(line.pop("data"), separators=(",", ":"), ensure_ascii=False)
                out.write(json.dumps(line) + "\n")


def drop_a_decision(h):
    del h.lines[h.find("offered")]


def double_a_decision(h):
    h.lines.append(json.loads(json.dumps(h.lines[h.find("queued")])))


def lose_the_last_decisions(h):
    last = max(i for i, line in enumerate(h.lines) if line["topic"] == "call-routed")
    del h.lines[last]


def invent_a_decision(h):
    decisions = [line for line in h.lines if line["topic"] == "call-routed"]
    new = json.loads(json.dumps(decisions[-1]))
    new["offset"] += 1
    new["data"]["data"]["seq"] += 1
    new["data"]["data"]["cause"] = {**new["data"]["data"]["cause"], "topic": "nowhere", "partition": 0, "offset": 7}
    h.lines.append(new)


def another_agent(h):
    offer = h.lines[h.find("offered")]["data"]["data"]
    offer["agentId"] = "nobody"


def another_wait(h):
    h.lines[h.find("offered")]["data"]["data"]["waitMs"] += 1500


def a_longer_offer(h):
    offer = h.lines[h.find("offered")]["data"]["data"]
    offer["deadline"] = "2042" + offer["deadline"][4:]


def the_same_input_twice(h):
    log = [line for line in h.lines if line["topic"] == "routing-log" and line["data"]["kind"] == "call-queued"][0]
    again = json.loads(json.dumps(log))
    again["offset"] = 100_000
    h.lines.append(again)


def other_bytes(h):
    h.lines[h.find("queued")]["data"]["data"]["estimatedWaitMs"] = 12345


@pytest.mark.parametrize("alter,invariant", [
    (drop_a_decision, "I4"), (double_a_decision, "I4"), (lose_the_last_decisions, "I16"), (invent_a_decision, "I4"),
    (another_agent, "I1"), (another_wait, "I11"), (a_longer_offer, "I10"), (the_same_input_twice, "I5"), (other_bytes, "I16")])
def test_an_altered_history_is_found(history, check, tmp_path, alter, invariant):
    h = History(history(8, 1))
    alter(h)
    h.write(tmp_path / "altered.json")
    done = check(tmp_path / "altered.json")
    assert done.returncode == 1 and invariant in counts(done), done.stdout[-3000:]


def test_the_order_of_the_lines_does_not_matter(history, check, tmp_path):
    path = history(0, 5)
    (tmp_path / "turned.json").write_text("\n".join(reversed(path.read_text().splitlines())) + "\n")
    done = check(tmp_path / "turned.json")
    assert done.returncode == 0, done.stdout


def test_the_digest_is_compared(history, check):
    path = history(3, 1)
    digest = re.search(r"^digest (s3@\d+) ([0-9a-f]{64})$", check("--digests", path).stdout, re.MULTILINE)
    assert check("--digest", "%s=%s" % digest.groups(), path).returncode == 0
    wrong = check("--digest", "%s=%s" % (digest.group(1), "0" * 64), path)
    assert wrong.returncode == 1 and counts(wrong) == {"I15": 1}


@pytest.mark.parametrize("arguments", [[], ["--follow", "x"], ["explain", "x"], ["--brokers", "a", "x"], ["/no/such/file"]])
def test_what_cannot_be_read_is_said(check, arguments):
    assert check(*arguments).returncode == 2


def test_a_call_is_explained(history, check):
    h = History(history(3, 1))
    offer = h.lines[h.find("offered")]["data"]["data"]
    done = check("explain", "--call", offer["callId"], history(3, 1))
    assert done.returncode == 0, done.stderr
    assert "offered to %s in %s" % (offer["agentId"], offer["queueId"]) in done.stdout
    for word in ("in line    ", "free       ", "policy     version 1", "because of ", "decision %d," % offer["seq"]):
        assert word in done.stdout, word
    assert check("explain", "--call", "nobody", history(3, 1)).returncode == 1


# ---- live topics ----

def test_live_topics_of_a_routing_worker(routing, program, check):
    live = Process([program("callfleet-check"), "--brokers", routing.kafka.brokers, "--topic-prefix", routing.prefix, "--follow"],
                   routing.directory / "check.log")
    routing.agent("ann", "available")
    routing.decision("agent-ready", agentId="ann")
    routing.call("c1")
    routing.call("c2", request={"priority": 1})
    routing.answer("c1", "ann")
    routing.process.kill()
    routing.start()
    routing.end("c1")
    routing.agent("ann", "available")
    routing.answer("c2", "ann")
    routing.end("c2")
    routing.decision("ended", callId="c2")
    where = ["--brokers", routing.kafka.brokers, "--topic-prefix", routing.prefix]
    done = wait_until(lambda: (d := check(*where, "--open-end")).returncode == 0 and d, 20, "a check without findings")
    assert "2 queued, 2 answered" in done.stdout, done.stdout
    told = check("explain", "--call", "c2", *where)
    assert "stood first of those he may take" in told.stdout, told.stdout + told.stderr
    live.stop()
    assert "findings: none" in live.tail()
