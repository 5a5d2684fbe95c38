# SPDX-License-Identifier: Apache-2.0
"""tools/kafka.sh and the harness on top of it."""
import subprocess

from confluent_kafka import Producer
from procs import processes_of


def test_start_is_repeatable_and_stop_leaves_nothing(kafka, tool, tmp_path):
    where = ("--dir", tmp_path / "own")
    first = tool("kafka.sh", "start", *where)
    assert first.returncode == 0, first.stderr
    again = tool("kafka.sh", "start", *where)
    assert (again.returncode, again.stdout) == (0, first.stdout)
    assert first.stdout.strip() != kafka.brokers
    assert tool("kafka.sh", "env", *where).stdout == "CALLFLEET_KAFKA=" + first.stdout
    assert tool("kafka.sh", "status", *where).returncode == 0
    stopped = tool("kafka.sh", "stop", *where)
    assert stopped.returncode == 0, stopped.stderr
    assert tool("kafka.sh", "status", *where).returncode == 3
    assert processes_of(tmp_path) == []
    assert kafka.sh("status"), "the other Kafka was not touched"


def test_records_survive_a_restart(tool, kafka, tmp_path, prefix):
    where = ("--dir", tmp_path / "own")
    try:
        brokers = tool("kafka.sh", "start", *where).stdout.strip()
        assert tool("kafka.sh", "topics", *where, "--prefix", prefix, "t").returncode == 0
        producer = Producer({"bootstrap.servers": brokers})
        producer.produce(prefix + "t", b"kept", key=b"k", timestamp=1000000000000)  # older than any retention
        assert producer.flush(30) == 0
        tool("kafka.sh", "stop", *where)
        assert tool("kafka.sh", "start", *where).stdout.strip() == brokers
        out = subprocess.run(["kcat", "-q", "-b", brokers, "-C", "-e", "-t", prefix + "t", "-f", "%k %s %T\n"], text=True,
                             capture_output=True, timeout=60, check=True).stdout
        assert out == "k kept 1000000000000\n"
    finally:
        tool("kafka.sh", "stop", *where, "--now")


def test_topics_have_their_partitions(kafka, prefix):
    kafka.topics(prefix)
    with kafka.reader(prefix + "call-started", prefix + "agent-state.dlq") as reader:
        assert len(reader.partitions_of(prefix + "call-started")) == 4
        assert len(reader.partitions_of(prefix + "agent-state.dlq")) == 4
    kafka.topics(prefix)  # again: nothing to do, no error


def test_a_read_committed_reader_sees_no_aborted_record(kafka, prefix):
    """What the embedded broker can not do, and the reason for Apache Kafka in these tests."""
    kafka.topics(prefix, "t", partitions=1)
    producer = Producer({"bootstrap.servers": kafka.brokers, "transactional.id": prefix})
    producer.init_transactions(30)
    for value, end in ((b"aborted", producer.abort_transaction), (b"committed", producer.commit_transaction)):
        producer.begin_transaction()
        producer.produce(prefix + "t", value)
        producer.flush(30)
        end(30)
    with kafka.reader(prefix + "t") as reader:
        reader.wait(1)
        assert [r.value for r in reader.settle(0.5)] == [b"committed"]
    with kafka.reader(prefix + "t", isolation="read_uncommitted") as reader:
        assert [r.value for r in reader.wait(2)] == [b"aborted", b"committed"]


def test_three_nodes_lose_one_and_go_on(kafka3, prefix):
    kafka3.topics(prefix, "t")
    writer = kafka3.writer()
    writer.write(prefix + "t", "a", {"n": 1})
    kafka3.kill_node(1)
    writer.write(prefix + "t", "b", {"n": 2})
    kafka3.start_node(1)
    writer.write(prefix + "t", "c", {"n": 3})
    with kafka3.reader(prefix + "t") as reader:
        assert sorted(r.key for r in reader.wait(3)) == ["a", "b", "c"]
