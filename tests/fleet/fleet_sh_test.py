# SPDX-License-Identifier: Apache-2.0
"""tools/fleet.sh: what up, status, env and down promise."""
import redis
import requests
from procs import processes_of


def test_up_env_and_down(new_fleet, kafka, prefix, tool):
    fleet = new_fleet(kafka=kafka.brokers, prefix=prefix, workers="lookup=2")
    status = tool("fleet.sh", "status", "--dir", fleet.directory)
    assert status.returncode == 0, status.stdout
    assert fleet.workers() == ["lookup-1", "lookup-2", "routing", "postcall"]
    assert fleet.brokers == kafka.brokers
    assert redis.Redis.from_url(fleet.env["CALLFLEET_REDIS"]).ping()
    assert fleet.salesforce().query("SELECT Id FROM Account LIMIT 1")
    for url in fleet.env["CALLFLEET_METRICS"].split():
        assert requests.get(url + "/readyz", timeout=5).status_code == 200
        assert "callfleet_" in requests.get(url + "/metrics", timeout=5).text
    secrets = [p for p in (fleet.directory / "secret").iterdir()]
    assert secrets and all(p.stat().st_mode & 0o077 == 0 for p in secrets)
    again = tool("fleet.sh", "up", "--dir", fleet.directory)
    assert again.returncode == 1 and "already" in again.stderr
    assert tool("fleet.sh", "down", "--dir", fleet.directory).returncode == 0
    assert processes_of(fleet.directory) == []
    assert tool("fleet.sh", "status", "--dir", fleet.directory).returncode == 3
    assert [fleet.exit_code(name) for name in fleet.workers()] == [0, 0, 0, 0]


def test_two_fleets_side_by_side(new_fleet, tool):
    one, two = new_fleet(), new_fleet()
    assert one.brokers != two.brokers
    assert tool("fleet.sh", "down", "--dir", one.directory).returncode == 0
    assert tool("fleet.sh", "status", "--dir", two.directory).returncode == 0


def test_a_killed_worker_shows_and_comes_back(new_fleet, tool):
    fleet = new_fleet()
    fleet.kill("lookup")
    status = tool("fleet.sh", "status", "--dir", fleet.directory)
    assert status.returncode == 3 and "lookup       down" in status.stdout
    fleet.start("lookup")
    fleet.killed.clear()  # the new one must end as it should
    assert tool("fleet.sh", "status", "--dir", fleet.directory).returncode == 0


def test_a_fleet_that_cannot_start_leaves_nothing(tool, tmp_path, bin_dir):
    up = tool("fleet.sh", "up", "--dir", tmp_path / "f", "--bin", bin_dir, "--kafka", "127.0.0.1:1")
    assert up.returncode == 1
    assert "kafka did not start" in up.stderr or "no programs" in up.stderr
    assert processes_of(tmp_path) == []
