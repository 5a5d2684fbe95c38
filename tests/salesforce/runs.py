# SPDX-License-Identifier: Apache-2.0
"""runs - the acceptance runs: what Salesforce is asked for a call, what faults leave behind, what an outage costs callers.

Each run plays calls with callgen against a whole fleet and returns a Result: figures to show and promises broken. Exactness
is always judged, by the sandbox's own history and the topics; of the speeds only those that are promised.
"""
import collections
import contextlib
import dataclasses
import json
import math
import pathlib
import re
import socket
import sys
import threading
import time
import uuid

import sf_history
import yaml
from org import Admin, Org
from procs import Process
from topics import dump
from waits import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "lib"))

import kafka_admin  # noqa: E402

STAGES = ("lookup", "routing", "postcall")
SETTLE_S = 1                        # callgen looks out for doubles so long after the last result
DEAD = [t for t in kafka_admin.FLEET_TOPICS if t.endswith(".dlq")]


@dataclasses.dataclass
class Options:
    calls: int = 10000
    rate: float = 500
    seed: int = 1
    seconds: float = 600       # of the outage
    variant: str = "refused"   # of the outage: refused, silent, maintenance
    fault_rate: float = 0.10
    repeat: float = 0.2
    api_calls: float = 0.10    # per phone call, lookups and writes together
    routing: bool = True
    one_by_one: int = 20       # calls of the economy run that come one at a time
    latency_ms: int = 50
    quiet_s: float = 60        # longest silence of the fleet when nothing is wrong with Salesforce
    deadline_ms: int = 2000    # of a caller, as the fleet has it
    margin_ms: int = 200       # beyond it
    grace_s: float = 0         # beyond twice the outage


SHOWN = {"economy": ("calls", "rate", "repeat", "latency_ms", "routing", "seed"),
         "faults": ("calls", "rate", "fault_rate", "latency_ms", "routing", "seed"),
         "outage": ("variant", "seconds", "rate", "latency_ms", "routing", "seed")}


class Result:
    """Figures to show and promises broken."""

    def __init__(self, name, options):
        self.name, self.options, self.figures, self.broken = name, options, [], []

    def show(self, what, value):
        self.figures.append((what, value))

    def promise(self, kept, what):
        if not kept:
            self.broken.append(what)

    def __str__(self):
        lines = ["%s: %s" % (self.name, ", ".join("%s %s" % (k, getattr(self.options, k)) for k in SHOWN[self.name]))]
        lines += ["  %-52s %s" % pair for pair in self.figures]
        lines += ["  BROKEN: " + text for text in self.broken] or ["  all promises kept"]
        return "\n".join(lines)


def percentiles(values, unit="ms"):
    values = sorted(values)
    if not values:
        return "none"
    pick = [values[min(len(values) - 1, math.ceil(len(values) * p) - 1)] for p in (0.5, 0.99, 1)]
    return "p50 %.0f, p99 %.0f, max %.0f %s (%d)" % (*pick, unit, len(values))


def p99(values):
    return sorted(values)[math.ceil(len(values) * 0.99) - 1] if values else 0


class Memory:
    """Resident memory of the workers, looked at twice a second."""

    def __init__(self, fleet):
        self.fleet, self.peak_kb, self.stopping = fleet, collections.Counter(), threading.Event()
        self.began, self.peak_s = time.monotonic(), {}
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join(10)

    def watch(self):
        while not self.stopping.wait(0.5):
            for name in self.fleet.workers():
                try:
                    pid = (self.fleet.directory / "run" / (name + ".pid")).read_text().strip()
                    kb = int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path("/proc/%s/status" % pid).read_text())[1])
                except (OSError, TypeError):
                    continue  # it is just starting or ending
                if kb > self.peak_kb[name]:
                    self.peak_kb[name], self.peak_s[name] = kb, time.monotonic() - self.began

    def judge(self, result):
        values = yaml.safe_load((ROOT / "deploy/chart/callfleet/values.yaml").read_text())
        for name, kb in sorted(self.peak_kb.items()):
            limit = values["workers"][name.split("-")[0]]["resources"]["limits"]["memory"]
            result.show("%s, most memory of its %s" % (name, limit), "%.0f MiB, after %.0f s" % (kb / 1024, self.peak_s[name]))
            if not sanitized(self.fleet, name):
                result.promise(kb <= mebibytes(limit) * 1024, "%s used %d KiB, more than %s" % (name, kb, limit))


def mebibytes(text):
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", text).groups()
    return int(number) * {"Mi": 1, "Gi": 1024}[unit]


def sanitized(fleet, name):
    """A build with the address sanitizer needs a multiple of the memory."""
    pid = (fleet.directory / "run" / (name + ".pid")).read_text().strip()
    return "libasan" in pathlib.Path("/proc/%s/maps" % pid).read_text()


class Nobody:
    """Somebody who takes the sandbox's port, accepts and never answers."""

    def __init__(self, port):
        self.listener, self.held, self.stopping = socket.create_server(("127.0.0.1", port), backlog=1000), [], threading.Event()
        self.listener.settimeout(0.1)
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while not self.stopping.is_set():
            try:
                self.held.append(self.listener.accept()[0])
            except TimeoutError:
                self.held = [s for s in self.held if not hung_up(s)]

    def close(self):
        self.stopping.set()
        self.thread.join(10)
        for held in [self.listener, *self.held]:
            held.close()


def hung_up(connection):
    connection.setblocking(False)
    try:
        while data := connection.recv(65536):
            del data
        connection.close()
        return True
    except BlockingIOError:
        return False
    except OSError:
        connection.close()
        return True


class Play:
    """callgen, in the background."""

    def __init__(self, bed, name, **options):
        self.run = "%s-%s" % (name, uuid.uuid4().hex[:8])
        settings = {"agents": 50, "talk-ms": "100..500", "ring-ms": "20..80", "wrapup-ms": "20..80", "patience-ms": "200..1500",
                    "abandon": 0.05, "settle-ms": SETTLE_S * 1000, **{k.replace("_", "-"): v for k, v in options.items()}}
        settings["timeout-s"] = math.ceil(settings["timeout-s"])
        words = [word for key, value in settings.items() for word in ("--" + key, value)]
        self.began_ms = time.time() * 1000
        self.process = Process([bed.callgen, "--brokers", bed.fleet.brokers, "--topic-prefix", bed.fleet.prefix, "--run",
                                self.run, "--agent-prefix", self.run + "-a", "--progress", *words,
                                *([] if bed.routing else ["--no-routing"])], bed.directory / (self.run + ".log"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.running():
            self.process.kill()

    def counts(self):
        """(calls that have come in, calls that are done), as callgen says."""
        found = re.findall(r"(\d+) of \d+ calls have come in, +(\d+) are done", self.process.tail(3))
        return (int(found[-1][0]), int(found[-1][1])) if found else (0, 0)

    def wait_started(self, count, timeout_s):
        def enough():
            assert self.process.running(), self.process.tail()
            return self.counts()[0] >= count
        wait_until(enough, timeout_s, lambda: "%d calls: %s" % (count, self.process.tail(3)))

    def finish(self, timeout_s, result):
        code = self.process.popen.wait(timeout_s)
        for line in self.process.tail(4).splitlines():
            if line.startswith("startedToQueued"):
                result.show("from call-started to call-queued, as read", " ".join(line.split()[1:]))
        result.promise(code == 0, "callgen ended with %d: %s" % (code, self.process.tail(6)))


class Bed:
    """A fleet with an org full of customers, and what a run does with both."""

    def __init__(self, fleet, callgen, directory, history, customers, routing=True):
        self.fleet, self.callgen, self.directory, self.routing = fleet, callgen, directory, routing
        self.history, self.latency_ms, self.lines_before = history, 0, 0
        self.admin = Admin(fleet.env["CALLFLEET_SALESFORCE"])
        self.org = Org(fleet.salesforce(), customers)

    def configure(self, latency_ms):
        self.latency_ms = latency_ms
        self.admin.configure(latency_ms=latency_ms)

    def customers(self, strangers=0.0):
        return self.org.numbers_file(self.directory / "numbers", strangers)

    # ---- Salesforce dies and comes back ----

    @contextlib.contextmanager
    def dead(self, variant):
        if variant == "maintenance":
            fault = self.admin.fault("html-maintenance", status=503)
            yield
            self.admin.ask("DELETE", "/faults/%d" % fault)
            return
        self.fleet.stop("sandbox")
        nobody = Nobody(int(self.admin.url.rsplit(":", 1)[1])) if variant == "silent" else None
        try:
            yield
        finally:
            if nobody:
                nobody.close()
        self.lines_before = self.requests_in_file()
        self.fleet.start("sandbox")
        self.configure(self.latency_ms)

    # ---- its history ----

    def requests_in_file(self):
        with open(self.history, "rb") as lines:
            return sum(b'"method":' in line for line in lines)

    def settle(self, timeout_s=60):
        """Waits until the sandbox has answered all that it was asked."""
        def answered():
            self.admin.ask("GET", "/history", limit=1)  # writes the file out
            return self.requests_in_file() - self.lines_before == self.admin.stats()["requests"]
        wait_until(answered, timeout_s, "all requests answered", every_s=0.2)

    # ---- judging ----

    def judge(self, play, result):
        """Each call once in Salesforce and in the topics. Returns (history of this play, times of the calls)."""
        calls, times, updates, dead = {}, collections.defaultdict(dict), [], []
        twice = collections.Counter()

        def on_record(topic, partition, offset, timestamp, value):
            name = topic[len(self.fleet.prefix):]
            if name in DEAD:
                dead.append("%s[%d]@%d: %r" % (name, partition, offset, value[:200]))
                return
            data = json.loads(value)["data"]
            call = data["callId"]
            if not call.startswith(play.run):
                return
            if name == "call-started":
                calls[call] = self.org.expected(data["ani"])
            elif name == "call-queued":
                twice[call] += 1
                times[call]["status"] = data["customer"]["status"]
            else:
                updates.append(sf_history.Update(call, timestamp, data))
            times[call][name] = timestamp

        dump(self.fleet.brokers, [self.fleet.topic(t) for t in ["call-started", "call-queued", "call-updated"] + DEAD], on_record)
        self.settle()
        history = sf_history.History(sf_history.load(self.history))
        findings = sf_history.check(history, calls, updates, dead, prefix=play.run)
        findings += [sf_history.Finding("lost-queued" if twice[c] == 0 else "doubled-queued", c, "%d records" % twice[c])
                     for c in calls if twice[c] != 1]
        kinds = collections.Counter(f.kind for f in findings)
        result.show("calls; those of customers", "%d; %d" % (len(calls), sum(e.writes for e in calls.values())))
        result.show("Tasks and comments, by the history", "%d, %d" % tuple(
            sum(c.object == kind and c.op == "created" and c.at_ms >= play.began_ms for c in history.commits)
            for kind in ("Task", "CaseComment")))
        result.show("findings of the history checker", ", ".join("%d %s" % (n, k) for k, n in kinds.items()) or "none")
        for kind in kinds:
            some = [str(f) for f in findings if f.kind == kind][:3]
            result.broken.append("%d times %s, such as %s" % (kinds[kind], kind, "; ".join(some)))
        return history, times


def waits_ms(times, from_ms=0, to_ms=math.inf):
    return [t["call-queued"] - t["call-started"] for t in times.values()
            if "call-queued" in t and "call-started" in t and from_ms <= t["call-started"] < to_ms]


def agents_for(rate):
    """Twice as many as the calls keep busy: nobody is to wait for an agent."""
    return max(10, math.ceil(rate * 0.5 * 2))


# ---- economy ----

def share_of(history, since_ms):
    """API calls of a time by what they were for."""
    shares = collections.Counter()
    for entry in history.since(since_ms):
        if entry["api_calls"] == 0:
            continue
        body = entry.get("body") or entry["path"]
        if entry["class"] == "limits":
            shares["limits"] += entry["api_calls"]
        elif entry["commits"] or "CaseComment" in body or "Task" in body:
            shares["writes"] += entry["api_calls"]
        else:
            shares["lookups"] += entry["api_calls"]
    return shares


def economy(bed, options):
    """How many API calls a phone call costs: under load, and when calls come one at a time."""
    result = Result("economy", options)
    bed.configure(options.latency_ms)
    one_by_one(bed, options.one_by_one, result)
    before = bed.admin.stats()
    with Play(bed, "economy", calls=options.calls, rate=options.rate, seed=options.seed, numbers=bed.customers(),
              repeat=options.repeat, agents=agents_for(options.rate), timeout_s=options.quiet_s) as play:
        play.finish(options.calls / options.rate * 3 + 300, result)
    after = bed.admin.stats()
    history, times = bed.judge(play, result)
    counted, shares = after["api_calls"] - before["api_calls"], share_of(history, play.began_ms)
    economy_figures(result, len(times), counted, shares)
    result.show("logins", sum(after["classes"][c]["requests"] - before["classes"][c]["requests"] for c in ("oauth", "soap")))
    result.show("from call-started to call-queued, Kafka's times", percentiles(waits_ms(times)))
    return result


def economy_figures(result, calls, counted, shares):
    told = shares["lookups"] + shares["writes"]
    result.show("API calls: lookups, writes, limits", "%(lookups)d, %(writes)d, %(limits)d" % collections.Counter(shares))
    result.show("API calls per phone call (at most %.2f)" % result.options.api_calls, "%.4f" % (told / calls))
    result.promise(told <= result.options.api_calls * calls, "%.4f API calls per phone call" % (told / calls))
    result.promise(told + shares["limits"] == counted, "the sandbox counted %d calls, its history tells of %d"
                   % (counted, told + shares["limits"]))


def one_by_one(bed, count, result):
    """Each caller comes when the one before is written down; nobody calls twice."""
    shares, began_ms = collections.Counter(), time.time() * 1000
    for i in range(count):
        ani = list(bed.org.by_ani)[-1 - i]
        path = bed.directory / "one"
        path.write_text("1 %s customer\n" % ani)
        quiet = Result("", None)
        with Play(bed, "one%d" % i, calls=1, rate=1000, numbers=path, agents=1, abandon=0, settle_ms=0, timeout_s=30) as play:
            play.finish(60, quiet)
        result.broken += quiet.broken
    if count:
        bed.settle()
        shares = share_of(sf_history.History(sf_history.load(bed.history)), began_ms)
        result.show("%d calls one at a time: lookups, writes" % count, "%(lookups)d, %(writes)d" % shares)
        result.promise(shares["lookups"] == count == shares["writes"],
                       "%d calls one at a time made %s" % (count, dict(shares)))


# ---- faults ----

def faults(bed, options):
    """Salesforce ill in all ways at once: each call is written once, and late by no more than twice the illness."""
    result = Result("faults", options)
    bed.configure(options.latency_ms)
    bed.admin.ask("POST", "/faults/mix", {"rate": options.fault_rate, "seed": options.seed})
    began, hits = time.monotonic(), collections.Counter()
    with Play(bed, "faults", calls=options.calls, rate=options.rate, seed=options.seed, numbers=bed.customers(0.05),
              agents=agents_for(options.rate), timeout_s=options.quiet_s + options.calls / options.rate) as play:
        play.wait_started(options.calls, options.calls / options.rate * 2 + 60)
        for rule in bed.admin.faults():
            hits[rule["kind"]] += rule["hits"]
        bed.admin.heal()
        healed = time.monotonic()
        ill_s = healed - began
        play.finish(ill_s * 3 + 300, result)
    late_s = max(0.0, time.monotonic() - healed - SETTLE_S)
    _, times = bed.judge(play, result)
    result.show("faults", ", ".join("%s %d" % pair for pair in sorted(hits.items())))
    result.show("ill for; all calls done after", "%.1f s; %.1f s" % (ill_s, late_s))
    result.show("from call-started to call-queued, Kafka's times", percentiles(waits_ms(times)))
    result.promise(sum(hits.values()) > 0, "no fault was met")
    result.promise(late_s <= 2 * ill_s + options.grace_s, "done %.1f s after an illness of %.1f s" % (late_s, ill_s))
    return result


# ---- outage ----

def outage(bed, options):
    """Salesforce is gone: callers are not held, and afterwards everything is written once."""
    result = Result("outage", options)
    around_s = min(10.0, options.seconds / 4)
    calls = math.ceil(options.rate * (options.seconds + 2 * around_s))
    bed.configure(options.latency_ms)
    with Memory(bed.fleet) as memory, Play(
            bed, "outage", calls=calls, rate=options.rate, seed=options.seed, numbers=bed.customers(0.05),
            agents=agents_for(options.rate), timeout_s=options.quiet_s + options.seconds * 2) as play:
        play.wait_started(int(options.rate * around_s), around_s * 3 + 60)
        died, died_ms = time.monotonic(), time.time() * 1000
        with bed.dead(options.variant):
            wait_until(lambda: time.monotonic() >= died + options.seconds, options.seconds + 10, "the end of the outage")
            waiting = play.counts()
        back, back_ms = time.monotonic(), time.time() * 1000
        play.finish(options.seconds * 3 + around_s + 300, result)
        late_s = max(0.0, time.monotonic() - back - SETTLE_S)
        memory.judge(result)
    _, times = bed.judge(play, result)
    outage_figures(result, times, died_ms, back_ms)
    result.show("calls not written when Salesforce came back", waiting[0] - waiting[1])
    result.show("outage; all calls done after", "%.1f s; %.1f s" % (back - died, late_s))
    result.promise(late_s <= 2 * (back - died) + options.grace_s, "done %.1f s after an outage of %.1f s" % (late_s, back - died))
    return result


def outage_figures(result, times, died_ms, back_ms):
    during, all_of_them = waits_ms(times, died_ms, back_ms), waits_ms(times)
    statuses = collections.Counter(t.get("status") for t in times.values() if died_ms <= t.get("call-started", 0) < back_ms)
    result.show("customers of calls in the outage", ", ".join("%s %d" % pair for pair in statuses.most_common()))
    result.show("from call-started to call-queued, in the outage", percentiles(during))
    result.show("the same, all calls", percentiles(all_of_them))
    for name, values in (("in the outage", during), ("all calls", all_of_them)):
        result.promise(p99(values) <= result.options.deadline_ms + result.options.margin_ms, "call-queued p99 %d ms, %s" % (p99(values), name))
    result.promise(during, "no call came in the outage")


RUNS = {"economy": economy, "faults": faults, "outage": outage}
VARIANTS = ("refused", "silent", "maintenance")


def environment():
    """Settings of the workers for a run, beside fleet.sh's: an org with many customers has no use for patterns."""
    return {"CALLFLEET_MATCH_PATTERNS": "false"}
