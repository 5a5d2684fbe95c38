# SPDX-License-Identifier: Apache-2.0
"""callgen against a stand-in for the fleet that can be told to go wrong."""
import json
import subprocess

import pytest
from fake_fleet import FakeFleet


@pytest.fixture
def run_callgen(program, embedded, tmp_path, prefix):
    """run_callgen({faults}, options...) returns (exit code, report lines)."""
    def run(faults, *options):
        report = tmp_path / "report.ndjson"
        with FakeFleet(embedded.brokers, prefix, **faults) as fake:
            fake.wait_until_assigned()
            done = subprocess.run([program("callgen"), "--brokers", embedded.brokers, "--topic-prefix", prefix, "--report",
                                   report, "--talk-ms", "10..50", "--wrapup-ms", "10", "--ring-ms", "5..20", *options],
                                  timeout=120, text=True, capture_output=True, check=False)
        assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr
        return done.returncode, [json.loads(line) for line in report.read_text().splitlines()]
    return run


def test_every_call_comes_to_its_end(run_callgen):
    code, lines = run_callgen({}, "--calls", "60", "--rate", "60", "--abandon", "0.2", "--miss", "0.1", "--timeout-s", "20",
                              "--patience-ms", "50..150")
    calls, summary = lines[:-1], lines[-1]
    assert code == 0, summary
    assert sorted(c["number"] for c in calls) == list(range(1, 61))
    assert summary["answered"] + summary["abandoned"] == 60 and summary["abandoned"] > 3
    assert summary["requeued"] >= sum(c["missed"] for c in calls) > 0
    for call in calls:
        assert call["missing"] == [] and call["doubled"] == []
        assert call["decision"] == ("ended" if "agentId" in call else "abandoned")
        assert call["updated"]["callId"] == call["callId"] == call["queued"]["callId"]
        assert call["talkMs"] is None or 10 <= call["talkMs"] < 5000
    assert summary["latencyMs"]["endedToUpdated"]["count"] == 60


FAULTS = [
    ({"lose_updated": {2}}, "missing", ["call-updated"], "missing"),
    ({"double_queued": {3}}, "doubled", ["call-queued"], "doubled"),
    ({"repeat_routed": {1}}, None, None, "repeatedEvents"),
]


@pytest.mark.parametrize("faults, member, names, count", FAULTS)
def test_a_lost_or_doubled_result_is_noticed(run_callgen, faults, member, names, count):
    code, lines = run_callgen(faults, "--calls", "5", "--rate", "50", "--timeout-s", "2")
    assert code == 1
    assert lines[-1][count] == 1
    assert lines[-1]["good"] is False
    if member:
        assert [c[member] for c in lines[:-1] if c[member]] == [names]


def test_without_routing(run_callgen):
    code, lines = run_callgen({}, "--calls", "40", "--rate", "60", "--abandon", "0.2", "--timeout-s", "20", "--no-routing",
                              "--patience-ms", "50..150")
    assert code == 0, lines[-1]
    assert lines[-1]["answered"] + lines[-1]["abandoned"] == 40 and lines[-1]["abandoned"] > 3
    assert all(c["offers"] == 0 and c["decision"] == ("ended" if "agentId" in c else "abandoned") for c in lines[:-1])


def test_a_script_is_played_as_written(run_callgen, tmp_path):
    script = tmp_path / "script.ndjson"
    script.write_text('{"ani":"+15207739050","label":"gold","talkMs":30,"notes":"as agreed"}\n'
                      '{"ani":"anonymous","label":"withheld","kind":"abandons","patienceMs":40,"afterMs":20}\n'
                      '{"ani":"+15205550100","label":"missed","kind":"missed","afterMs":20}\n')
    code, lines = run_callgen({}, "--script", script, "--agents", "2", "--timeout-s", "20")
    assert code == 0, lines[-1]
    calls = {c["label"]: c for c in lines[:-1]}
    assert calls["gold"]["decision"] == "ended" and calls["gold"]["missed"] == 0
    assert calls["withheld"]["decision"] == "abandoned"
    assert calls["missed"]["missed"] == 1 and calls["missed"]["offers"] == 2 and calls["missed"]["decision"] == "ended"
