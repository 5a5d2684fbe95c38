#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""kafka_admin - waits for a broker and creates the fleet's topics (one Python start instead of one JVM start each).

  kafka_admin.py wait   --brokers B [--nodes N] [--timeout S]
  kafka_admin.py topics --brokers B [--partitions 4] [--replicas R] [--prefix P] [TOPIC...]   default: all of the fleet
"""
import argparse
import sys
import time

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

FLEET_INPUTS = ["call-started", "call-queued", "call-ended", "agent-state"]
FLEET_TOPICS = FLEET_INPUTS + ["call-routed", "call-updated", "routing-log"] + [t + ".dlq" for t in FLEET_INPUTS]


# A dead letter is larger than the record it holds, by its headers and, where records are compressed, by much more.
DLQ_CONFIG = {"max.message.bytes": "20971520"}


def admin_client(brokers):
    # Connection errors are expected while a broker starts; list_topics() says in the end whether it worked.
    return AdminClient({"bootstrap.servers": brokers, "socket.timeout.ms": 5000, "log_level": 0,
                        "reconnect.backoff.ms": 50, "reconnect.backoff.max.ms": 250})


def wait_for_brokers(brokers, nodes, timeout_s):
    """Returns once `nodes` brokers are in the cluster; raises TimeoutError."""
    deadline = time.monotonic() + timeout_s
    admin = admin_client(brokers)
    last = "no answer"
    while time.monotonic() < deadline:
        try:
            found = admin.list_topics(timeout=1.0).brokers
            if len(found) >= nodes:
                return
            last = "%d of %d brokers" % (len(found), nodes)
        except KafkaException as error:
            last = str(error.args[0].str())
        time.sleep(0.1)
    raise TimeoutError("no Kafka at %s after %d s: %s" % (brokers, timeout_s, last))


def create_topics(brokers, names, partitions=4, replicas=-1, timeout_s=30.0):
    """Creates what is missing and waits until every partition has a leader."""
    admin = admin_client(brokers)
    known = admin.list_topics(timeout=timeout_s).topics
    if replicas < 0:
        replicas = min(3, len(admin.list_topics(timeout=timeout_s).brokers))
    new = [NewTopic(name, num_partitions=partitions, replication_factor=replicas,
                    config=DLQ_CONFIG if name.endswith(".dlq") else {})
           for name in names if name not in known]
    if new:
        for name, future in admin.create_topics(new, operation_timeout=timeout_s).items():
            try:
                future.result(timeout_s)
            except KafkaException as error:
                if error.args[0].name() != "TOPIC_ALREADY_EXISTS":
                    raise RuntimeError("topic %s: %s" % (name, error.args[0].str())) from error
    wait_for_leaders(admin, names, timeout_s)


def wait_for_leaders(admin, names, timeout_s):
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        topics = admin.list_topics(timeout=timeout_s).topics
        ready = [n for n in names if n in topics and topics[n].partitions
                 and all(p.leader >= 0 for p in topics[n].partitions.values())]
        if len(ready) == len(names):
            return
        time.sleep(0.05)
    raise TimeoutError("topics without a leader after %d s: %s" % (timeout_s, sorted(set(names) - set(ready))))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=["wait", "topics"])
    parser.add_argument("topic", nargs="*")
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--nodes", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=60)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--replicas", type=int, default=-1)
    parser.add_argument("--prefix", default="")
    options = parser.parse_intermixed_args()
    try:
        if options.verb == "wait":
            wait_for_brokers(options.brokers, options.nodes, options.timeout)
        else:
            names = [options.prefix + t for t in options.topic or FLEET_TOPICS]
            create_topics(options.brokers, names, options.partitions, options.replicas, options.timeout)
    except (TimeoutError, RuntimeError, KafkaException) as error:
        sys.exit("kafka_admin: %s" % error)


if __name__ == "__main__":
    main()
