# SPDX-License-Identifier: Apache-2.0
"""topics - reads whole topics, record by record: for runs with more records than a Reader should keep."""
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition


def dump(brokers, topics, on_record, isolation="read_committed", timeout_s=120):
    """Calls on_record(topic, partition, offset, timestamp_ms, value) for all that is in the topics now; tombstones too."""
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "dump", "enable.auto.commit": False,
                         "isolation.level": isolation, "enable.partition.eof": True, "queued.min.messages": 100000})
    try:
        known = consumer.list_topics(timeout=10).topics
        left = {(t, p) for t in topics for p in known[t].partitions}
        consumer.assign([TopicPartition(t, p, OFFSET_BEGINNING) for t, p in left])
        quiet = 0
        while left:
            messages = consumer.consume(1000, 1.0)
            quiet = 0 if messages else quiet + 1
            assert quiet < timeout_s, "not read to the end: %s" % sorted(left)
            for m in messages:
                if m.error() is None:
                    on_record(m.topic(), m.partition(), m.offset(), m.timestamp()[1], m.value())
                elif m.error().code() == KafkaError._PARTITION_EOF:
                    left.discard((m.topic(), m.partition()))
                else:
                    raise RuntimeError(m.error().str())
    finally:
        consumer.close()
