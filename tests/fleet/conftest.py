# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the fleet tests: fleets that several tests of a file share, because one takes seconds to come up."""
import uuid

import fleets
import pytest


@pytest.fixture(scope="module")
def shared_fleet(tmp_path_factory, bin_dir, program, kafka):
    """shared_fleet(workers=..., environment=...) brings a fleet on Apache Kafka up; it goes down after the file's last test."""
    for stage in fleets.STAGES:
        program(stage + "-worker")
    program("sf-sandbox")
    made = []

    def make(**options):
        made.append(fleets.Fleet(tmp_path_factory.mktemp("fleet"), bin_dir, kafka=kafka.brokers,
                                 prefix="t%s." % uuid.uuid4().hex[:8], **options))
        made[-1].up()
        return made[-1]

    yield make
    problems = [problem for fleet in made for problem in fleet.close()]
    assert not problems, "\n".join(problems)
