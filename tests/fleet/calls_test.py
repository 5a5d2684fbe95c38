# SPDX-License-Identifier: Apache-2.0
"""Calls through the whole fleet: each one has each of its results once, whatever happens to the workers."""
import json

import pytest
from procs import Process
from waits import wait_until

NUMBERS = """\
4 +19285550101 gold, open case
4 +16025550112 open case
2 +13035550145 ambiguous
4 +12015550123 unknown
1 anonymous withheld
1 1234 no number
"""
POLICY = {"version": 1, "domain": "default", "defaults": {"offerMs": 2000}, "queues": [{"id": "support"}]}


class Run:
    """callgen on a fleet, in the background."""

    def __init__(self, program, fleet, directory, *options):
        (directory / "numbers").write_text(NUMBERS)
        self.report_path = directory / "report.ndjson"
        self.process = Process([program("callgen"), "--brokers", fleet.brokers, "--topic-prefix", fleet.prefix, "--numbers",
                                directory / "numbers", "--report", self.report_path, *options], directory / "callgen.log")

    def report(self):
        return [json.loads(line) for line in self.report_path.read_text().splitlines() if line.endswith("}")]

    def done(self, count):
        """Whether so many calls are over."""
        return self.report_path.exists() and len(self.report_path.read_text().splitlines()) >= count

    def wait(self, timeout_s=150):
        wait_until(lambda: not self.process.running(), timeout_s, lambda: "callgen: " + self.process.tail())
        bad = [c for c in self.report()[:-1] if c["missing"] or c["doubled"]]
        assert self.process.popen.returncode == 0, "%s\n%s" % (self.process.tail(), "\n".join(map(str, bad[:5])))
        return self.report()


@pytest.fixture
def calls(program, new_fleet, kafka, prefix, tmp_path):
    """calls(options...) starts a fleet and callgen on it; returns both."""
    (tmp_path / "policy.json").write_text(json.dumps(POLICY))
    running = []

    def start(*options, **fleet_options):
        fleet = new_fleet(kafka=kafka.brokers, prefix=prefix, environment={"CALLFLEET_POLICY_FILE": str(tmp_path / "policy.json")},
                          **fleet_options)
        running.append(Run(program, fleet, tmp_path, *options))
        return fleet, running[-1]

    yield start
    for run in running:
        if run.process.running():
            run.process.kill()


def test_every_call_has_its_results_once(calls):
    _, run = calls("--calls", "200", "--rate", "25", "--agents", "30", "--abandon", "0.1", "--miss", "0.05")
    report = run.wait()
    assert report[-1]["calls"] == 200
    statuses = {c["queued"]["customer"]["status"] for c in report[:-1]}
    assert statuses == {"matched", "ambiguous", "unmatched", "withheld", "invalid"}


@pytest.mark.parametrize("stage", ["lookup", "routing", "postcall"])
def test_a_killed_worker_costs_no_call_and_doubles_none(calls, stage):
    fleet, run = calls("--calls", "150", "--rate", "12", "--agents", "20", "--abandon", "0.1")
    for count in (20, 60):
        wait_until(lambda c=count: run.done(c), 60, "%d calls over" % count)
        fleet.kill(stage)
        fleet.start(stage)
    run.wait()


def test_a_stopped_worker_hands_over(calls):
    """SIGTERM to one of two: exit 0, and the other goes on."""
    fleet, run = calls("--calls", "120", "--rate", "12", "--agents", "20", workers="lookup=2,postcall=2")
    wait_until(lambda: run.done(20), 60, "20 calls over")
    assert fleet.stop("lookup-1") == 0
    assert fleet.stop("postcall-2") == 0
    run.wait()
