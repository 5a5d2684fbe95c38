# SPDX-License-Identifier: Apache-2.0
"""Fixtures that several component tests share."""
import pytest
from routing_stage import Routing


@pytest.fixture
def routing(program, kafka, prefix, tmp_path, redis_server):
    kafka.topics(prefix)
    stage = Routing(program("routing-worker"), kafka, prefix, tmp_path, redis_server)
    stage.start()
    yield stage
    stage.close()
