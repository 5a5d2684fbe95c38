# SPDX-License-Identifier: Apache-2.0
"""Fixtures of all Python suites: real parts in temporary directories, on random ports, gone after the test.

A part that is missing on this machine skips the test; with CI=true it fails it.
"""
import os
import pathlib
import subprocess
import sys
import uuid

import pytest

TESTS = pathlib.Path(__file__).resolve().parent
ROOT = TESTS.parent
sys.path.insert(0, str(TESTS / "lib"))

import brokers  # noqa: E402
import fleets  # noqa: E402
import servers  # noqa: E402


def missing(what):
    if os.environ.get("CI") == "true":
        pytest.fail("%s is missing, and with CI=true that is a failure" % what)
    pytest.skip("%s is missing" % what)


@pytest.fixture(scope="session")
def bin_dir():
    """Where the programs are: CALLFLEET_BIN, else the dev build."""
    path = pathlib.Path(os.environ.get("CALLFLEET_BIN", ROOT / "build" / "dev" / "bin"))
    if not path.is_dir():
        missing("%s (build first: cmake --workflow --preset dev)" % path)
    return path


@pytest.fixture(scope="session")
def program(bin_dir):
    """program("callgen") is its path."""
    def find(name):
        if not (bin_dir / name).exists():
            missing("%s in %s" % (name, bin_dir))
        return bin_dir / name
    return find


@pytest.fixture(scope="session")
def kafka(tmp_path_factory):
    """Apache Kafka, one node for the whole session; tests keep apart by topic prefix."""
    if not brokers.apache_is_there():
        missing("Apache Kafka (tools/setup.sh --kafka)")
    with brokers.Apache(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture
def kafka3(tmp_path):
    """Apache Kafka, three nodes of the test's own, to be shot at."""
    if not brokers.apache_is_there():
        missing("Apache Kafka (tools/setup.sh --kafka)")
    with brokers.Apache(tmp_path / "kafka3", nodes=3) as broker:
        yield broker


@pytest.fixture
def embedded(tmp_path, program):
    with brokers.Embedded(tmp_path / "embedded", program("embedded-broker")) as broker:
        yield broker


@pytest.fixture
def prefix():
    """A topic prefix that no other test uses."""
    return "t%s." % uuid.uuid4().hex[:8]


@pytest.fixture
def redis_server(tmp_path):
    with servers.Redis(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def sandbox(tmp_path, program):
    with servers.Sandbox(tmp_path / "sandbox", program("sf-sandbox")) as server:
        yield server


@pytest.fixture
def new_fleet(tmp_path, bin_dir, program):
    """new_fleet(kafka=..., prefix=..., workers=...) brings one up; all of them go down after the test."""
    for stage in fleets.STAGES:
        program(stage + "-worker")
    program("sf-sandbox")
    made = []

    def make(**options):
        made.append(fleets.Fleet(tmp_path / ("fleet-%d" % (len(made) + 1)), bin_dir, **options))
        made[-1].up()
        return made[-1]

    yield make
    problems = [problem for fleet in made for problem in fleet.close()]
    assert not problems, "\n".join(problems)


@pytest.fixture
def fleet(new_fleet, kafka, prefix):
    """The whole fleet on Apache Kafka."""
    return new_fleet(kafka=kafka.brokers, prefix=prefix)


@pytest.fixture
def tool():
    """tool("kafka.sh", "status", ...) runs a script of tools/ and returns the CompletedProcess."""
    def run(name, *args, timeout=180, **options):
        return subprocess.run([str(ROOT / "tools" / name), *map(str, args)], timeout=timeout, text=True,
                              capture_output=True, check=False, **options)
    return run
