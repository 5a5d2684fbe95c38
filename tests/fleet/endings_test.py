# SPDX-License-Identifier: Apache-2.0
"""Workers that are ended at any moment, politely or not, while calls are played: in the end each call has its results
once, on the topics and in Salesforce."""
import os
import pathlib
import random
import signal
import subprocess
import time

import pytest
from checks import assert_no_findings
from endings import END_S, assert_ends_well, pid_of
from fleets import STAGES
from plays import Play
from procs import Process, bad_lines
from waits import wait_until

SEED = int(os.environ.get("CALLFLEET_TEST_SEED", "23"))
ENVIRONMENT = {"CALLFLEET_SESSION_TIMEOUT_MS": "6000", "CALLFLEET_RETRY_CAP_MS": "2000"}


@pytest.fixture
def play(program, tmp_path):
    def make(fleet, **options):
        plays.append(Play(fleet, program("callgen"), tmp_path, **options))
        return plays[-1]
    plays = []
    yield make
    for one in plays:
        if one.playing():
            one.process.kill()
        assert bad_lines(one.process.log) == []


def check_decisions(fleet, program):
    """The routing domain's decisions are gapless and single, and its log gives the same ones again."""
    with fleet.reader("call-routed") as reader:
        reader.wait(1)
        seqs = sorted(record.data["seq"] for record in reader.settle(1))
    assert seqs == list(range(1, len(seqs) + 1))
    again = subprocess.run([program("callfleet-replay"), "rerun", "--brokers", fleet.brokers, "--topic-prefix", fleet.prefix],
                           capture_output=True, text=True, timeout=60, check=False)
    assert again.returncode == 0 and "%d the same byte for byte, 0 different" % len(seqs) in again.stdout, again.stdout
    assert_no_findings(program, fleet.brokers, fleet.prefix)


def wait_calls(one, count):
    wait_until(lambda: one.started()[0] >= count or not one.playing(), 90, lambda: "%d calls: %s" % (count, one.process.tail()))


@pytest.fixture(scope="module")
def fleet(shared_fleet):
    return shared_fleet(environment=ENVIRONMENT)


def test_sigterm_under_load(fleet, play, program):
    one, rng = play(fleet, calls=160, rate=8), random.Random(SEED)
    for round_ in range(1, 7):
        wait_calls(one, 20 * round_)
        name = STAGES[round_ % 3]
        assert_ends_well(fleet, name)
        time.sleep(rng.uniform(0, 0.3))  # not a wait for anything: a moment of its own in each round
        fleet.start(name)
    assert one.playing(), "the play was over too soon for this test"
    calls, summary = one.finish()
    assert summary["answered"] > 100
    one.check_salesforce(calls)
    check_decisions(fleet, program)


def takes_signals(pid):
    """Whether SIGTERM is caught or held; before that no program has had a chance to do either."""
    status = pathlib.Path("/proc/%d/status" % pid).read_text()
    masks = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("SigBlk", "SigCgt"))]
    return any(mask & 1 << (signal.SIGTERM - 1) for mask in masks)


@pytest.mark.parametrize("stage", STAGES)
def test_sigterm_while_starting(fleet, bin_dir, tmp_path, stage):
    """At moments from "no loop yet" to "partitions on their way"."""
    assert_ends_well(fleet, stage)
    for number, delay_s in enumerate((0.0, 0.03, 0.1, 0.25, 0.5, 1.0)):
        worker = Process([bin_dir / (stage + "-worker"), "--config", fleet.directory / "conf" / (stage + ".ini")],
                         tmp_path / ("%d.log" % number), env=fleet.environment)
        wait_until(lambda: takes_signals(worker.popen.pid), 20, "a handler of SIGTERM", every_s=0.001)
        time.sleep(delay_s)
        worker.stop(END_S)
    fleet.start(stage)


@pytest.mark.parametrize("part", ["kafka", "redis", "sandbox"])
def test_sigterm_while_a_part_hangs(new_fleet, play, part):
    """A part that neither answers nor goes away, as behind a broken network, holds no worker."""
    fleet = new_fleet(environment=ENVIRONMENT)
    one = play(fleet, calls=60, rate=20)
    wait_calls(one, 20)
    pid = pid_of(fleet, part)
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(0.5)  # so that everybody waits for it
        for name in STAGES:
            os.kill(pid_of(fleet, name), signal.SIGTERM)
        for name in STAGES:
            assert_ends_well(fleet, name, signalled=True)
    finally:
        os.kill(pid, signal.SIGCONT)


def test_kills_under_load_with_two_workers_per_stage(shared_fleet, play, program):
    fleet = shared_fleet(workers="lookup=2,routing=2,postcall=2", environment=ENVIRONMENT)
    names, rng = fleet.workers(), random.Random(SEED)
    one = play(fleet, calls=240, rate=8, agents=20, seed=SEED)
    for round_ in range(1, 4):
        wait_calls(one, 50 * round_)
        # One of each stage in one round, both of a stage in the next.
        victims = rng.sample(names, 3) if round_ != 2 else [n for n in names if n.startswith(rng.choice(STAGES))]
        for name in victims:
            time.sleep(rng.uniform(0, 0.4))
            fleet.killed.add(name)
            os.kill(pid_of(fleet, name), signal.SIGKILL)
        for name in victims:
            fleet.start(name)
    calls, summary = one.finish()
    assert summary["answered"] > 150
    one.check_salesforce(calls)
    check_decisions(fleet, program)
    fleet.killed.clear()  # those of now must end well
