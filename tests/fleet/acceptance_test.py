# SPDX-License-Identifier: Apache-2.0
"""The acceptance runs of tests/salesforce, small: the same promises on a shared fleet. A run that fails prints its seed."""
import pathlib
import random
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "salesforce"))

import runs  # noqa: E402

CUSTOMERS = 700
DEADLINE_MS = 5000
# The fleet is to be back soon after a short outage; what a long one needs is seen by hand (tests/salesforce/run.py). And
# callers wait longer: a lookup that a loaded machine does not answer in time is made again after the call.
ENVIRONMENT = {**runs.environment(), "CALLFLEET_RETRY_CAP_MS": "2000", "CALLFLEET_SF_LOGIN_BACKOFF_MS": "1000",
               "CALLFLEET_SF_LOGIN_BACKOFF_CAP_MS": "2000", "CALLFLEET_DEADLINE_MS": str(DEADLINE_MS)}


@pytest.fixture(scope="module")
def bed(shared_fleet, program, tmp_path_factory):
    directory = tmp_path_factory.mktemp("acceptance")
    history = directory / "history.ndjson"
    fleet = shared_fleet(environment=ENVIRONMENT, history=history)
    return runs.Bed(fleet, program("callgen"), directory, history, CUSTOMERS)


def assert_kept(name, bed, **options):
    seed = random.randrange(10**6)
    # A loaded machine must not fail a test: of the speeds only the size is judged here.
    result = runs.RUNS[name](bed, runs.Options(seed=seed, deadline_ms=DEADLINE_MS, margin_ms=2000,
                                               grace_s=60, **options))
    print(result)
    assert not result.broken, str(result)


def test_economy(bed):
    """In three seconds much is start: 0.1 API calls per phone call are for the long run."""
    assert_kept("economy", bed, calls=600, rate=200, one_by_one=5, api_calls=0.25)


def test_faults(bed):
    assert_kept("faults", bed, calls=600, rate=60)


@pytest.mark.parametrize("variant", runs.VARIANTS)
def test_outage(bed, variant):
    assert_kept("outage", bed, rate=30, seconds=12, variant=variant)
