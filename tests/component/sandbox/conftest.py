# SPDX-License-Identifier: Apache-2.0
import os

import pytest

import sbx


def missing(what):
    """A part that is not there: a failure in CI, else a skip that says so."""
    if os.environ.get("CI") == "true":
        pytest.fail(what + " is missing, and with CI=true that is a failure")
    pytest.skip(what + " is missing")


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    if not (sbx.BIN / "sf-sandbox").exists():
        missing(str(sbx.BIN / "sf-sandbox"))
    directory = tmp_path_factory.mktemp("sandbox")
    sandbox = sbx.Sandbox(directory, "--history", directory / "history.ndjson", "--samples")
    sandbox.directory = directory
    yield sandbox
    sandbox.stop()


@pytest.fixture
def sandbox(process):
    """The module's sandbox, with no faults and the settings it began with."""
    initial = process.admin("GET", "/config")
    process.token = None
    yield process
    process.admin("DELETE", "/faults")
    process.admin("DELETE", "/fields/hide")
    process.config(**initial, api_used=0)


@pytest.fixture
def fresh(tmp_path):
    """fresh("--latency-ms", 5) starts another sandbox, without samples."""
    made = []

    def make(*options):
        directory = tmp_path / ("sandbox-%d" % (len(made) + 1))
        directory.mkdir()
        made.append(sbx.Sandbox(directory, *options))
        made[-1].directory = directory
        return made[-1]

    yield make
    for sandbox in made:
        if sandbox.process.poll() is None:
            sandbox.stop()
