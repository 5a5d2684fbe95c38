# SPDX-License-Identifier: Apache-2.0
"""What tools/demo.sh shows: its thirty calls through a fleet on the embedded broker, and the table of them."""
import json
import pathlib
import subprocess

import requests

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
SLOW = "3%251%253%259%250%250%256%251%258"  # its digits as they stand in a query: ...3%1%3%...


def test_the_demo_tells_of_every_kind_of_caller(new_fleet, program, tmp_path):
    fleet = new_fleet(environment={"CALLFLEET_POLICY_FILE": str(TOOLS / "demo" / "policy.json")})
    sandbox = fleet.env["CALLFLEET_SALESFORCE"] + "/_sandbox"
    fault = {"kind": "delay", "class": "composite", "body_contains": SLOW, "delay_ms": 4000, "times": 1}
    assert requests.post(sandbox + "/faults", json=fault, timeout=5).status_code in (200, 201)
    report, statistics = tmp_path / "report.ndjson", tmp_path / "statistics.json"
    played = subprocess.run([program("callgen"), "--brokers", fleet.brokers, "--script", TOOLS / "demo" / "calls.ndjson",
                             "--agents", "4", "--timeout-s", "30", "--report", report], text=True, capture_output=True,
                            timeout=150, check=False)
    assert played.returncode == 0, played.stdout + played.stderr
    statistics.write_text(requests.get(sandbox + "/stats", timeout=5).text)

    table = subprocess.run([TOOLS / "demo" / "report.py", report, statistics], text=True, capture_output=True, timeout=30,
                           check=False)
    assert table.returncode == 0, table.stderr
    assert max(map(len, table.stdout.splitlines())) <= 120
    calls = [json.loads(line) for line in report.read_text().splitlines()][:-1]
    statuses = {c["queued"]["customer"]["status"] for c in calls}
    assert statuses == {"matched", "ambiguous", "unmatched", "withheld", "invalid", "timeout"}
    assert {c["decision"] for c in calls} == {"ended", "abandoned"}
    assert sum(c["missed"] for c in calls) == 2
    for text in ("Maria Delgado, Saguaro Solar Supply (Gold)", "Salesforce too slow", "number withheld", "nobody we know",
                 "hung up", "(2nd)", "task and comment on case", "Guten Tag", "Every call has each of its results once."):
        assert text in table.stdout, text
    # Everybody whom Salesforce knows has one task, also the caller it was too slow for.
    assert json.loads(statistics.read_text())["records"]["Task"] == 23
