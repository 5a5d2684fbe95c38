# SPDX-License-Identifier: Apache-2.0
"""The routing worker on Apache Kafka and Redis: state that survives kills and an emptied Redis, and a log that gives the
same decisions again."""
import json
import subprocess

import pytest
from checks import assert_no_findings
from waits import wait_until


def rerun(program, routing):
    return subprocess.run([program("callfleet-replay"), "rerun", "--brokers", routing.kafka.brokers, "--topic-prefix",
                           routing.prefix], capture_output=True, text=True, timeout=60, check=False)


def test_a_call_goes_to_the_longest_available_agent_and_its_state_stands_in_redis(routing):
    routing.agent("ann", "available")
    routing.decision("agent-ready", agentId="ann")
    routing.agent("bob", "available")
    routing.decision("agent-ready", agentId="bob")
    routing.call("c1")
    assert routing.answer("c1", "ann")["reason"]
    wait_until(lambda: routing.in_redis("call:c1").get("state") == "connected", 10, "the call in Redis")
    assert routing.in_redis("agent:ann")["call"] == "c1"
    routing.end("c1")
    routing.decision("ended", callId="c1")
    wait_until(lambda: routing.in_redis("call:c1").get("state") != "connected", 10, "the end in Redis")


def test_priority_goes_first_and_waiting_calls_stand_in_a_sorted_set(routing):
    routing.call("slow", request={"priority": 9})
    routing.decision("queued", callId="slow")
    routing.call("fast", request={"priority": 1})
    assert routing.decision("queued", callId="fast")["position"] == 1
    waiting = wait_until(lambda: len(w := routing.redis.client.zrange("cf:{default}:waiting:support", 0, -1)) == 2 and w, 10,
                         "two waiting calls in Redis")
    assert waiting == [b"fast", b"slow"]
    routing.agent("ann", "available")
    routing.answer("fast", "ann")


@pytest.mark.parametrize("loss", ["kill", "kill and flush", "flush"])
def test_the_state_survives(routing, program, loss):
    routing.agent("ann", "available")
    routing.call("c1")
    routing.answer("c1", "ann")
    routing.call("c2")
    routing.decision("queued", callId="c2")
    wait_until(lambda: routing.in_redis("call:c2"), 10, "c2 in Redis")
    if "kill" in loss:
        routing.process.kill()
    if "flush" in loss:
        routing.redis.client.flushall()
    if "kill" in loss:
        routing.start()
    routing.end("c1")
    routing.decision("ended", callId="c1")
    routing.agent("ann", "available")
    routing.answer("c2", "ann")
    wait_until(lambda: routing.in_redis("call:c2").get("state") == "connected", 10, "c2 connected in Redis")
    routing.reader.settle()
    seqs = sorted(record.data["seq"] for record in routing.reader.records)
    assert seqs == list(range(1, len(seqs) + 1)), "gapless, none twice"
    again = rerun(program, routing)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "%d the same byte for byte, 0 different" % len(seqs) in again.stdout
    assert_no_findings(program, routing.kafka.brokers, routing.prefix)


def test_routing_goes_on_while_redis_is_away_and_catches_up(routing):
    routing.agent("ann", "available")
    routing.decision("agent-ready", agentId="ann")
    routing.redis.process.kill()
    routing.call("c1")
    routing.answer("c1", "ann")
    routing.redis.start()
    wait_until(lambda: routing.in_redis("call:c1").get("state") == "connected", 20, "c1 in Redis after its return")


def test_a_missed_offer_goes_to_another_agent_by_a_tick(routing, tmp_path):
    policy = {"version": 3, "domain": "default", "queues": [{"id": "support", "offerMs": 1500}], "defaultQueue": "support"}
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(policy))
    wait_until(lambda: "reading 16 partitions" in routing.process.tail(), 30, "the worker at work")
    routing.process.stop()
    routing.start(policy_file=path)
    routing.agent("ann", "available")
    routing.decision("agent-ready", agentId="ann")
    routing.agent("bob", "available")
    routing.decision("agent-ready", agentId="bob")
    routing.call("c1")
    first = routing.decision("offered", callId="c1", agentId="ann")
    missed = routing.decision("requeued", callId="c1")
    assert missed["reason"] == "no-answer" and missed["cause"]["policyVersion"] == 3
    second = routing.decision("offered", callId="c1", agentId="bob")
    assert second["offerId"] != first["offerId"] and second["waitMs"] >= 1500
    routing.agent("ann", "connected", callId="c1", offerId=first["offerId"])
    assert routing.decision("ignored", agentId="ann")["reason"] == "late"
