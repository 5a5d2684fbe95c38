# SPDX-License-Identifier: Apache-2.0
"""Records that can never succeed: on each input topic every kind lands in <topic>.dlq just as it came, says why without
saying whose it was, and the healthy records before and behind it on the same partition go on."""
import datetime
import itertools
import json
import os
import pathlib
import uuid

import kafka_admin
import pytest
from confluent_kafka.admin import ConfigResource
from contact_centre import envelope, leaks, now
from waits import wait_until

SAMPLES = pathlib.Path(__file__).resolve().parents[2] / "schemas" / "samples"
INPUTS = ["call-started", "call-queued", "call-ended", "agent-state"]
CONSUMERS = {"call-started": {"lookup"}, "call-queued": {"routing"}, "call-ended": {"routing", "postcall"},
             "agent-state": {"routing"}}
ANI = "+15207739988"  # stands in all the poison, and must not stand anywhere else
stamps = itertools.count(1700000000000)  # each poison has a timestamp of its own, and is known by it
FORMAT = [("content-type", b"application/cloudevents+json")]
OWN_HEADERS = [("x-trace", b"\x00\xff\xfe raw bytes"), ("twice", b"1"), ("twice", b"2"), ("empty", b"")]


def data_of(topic, subject):
    """Valid data of a topic, with the number in it that must not leak."""
    if topic == "call-started":
        return {"callId": subject, "ani": ANI, "dnis": "+18005550100", "startedAt": now()}
    if topic == "call-queued":
        return {"callId": subject, "queuedAt": now(), "ani": ANI, "customer": {"status": "unmatched"},
                "greeting": {"language": "en", "text": "Hello", "ssml": "<speak>Hello</speak>"},
                "treatment": {"music": "m.wav"}}
    if topic == "call-ended":
        return {"callId": subject, "endedAt": now(), "ani": ANI}
    return {"agentId": subject, "state": "available", "at": now(), "name": ANI}


def is_outcome(topic, subject):
    """What shows that a healthy record of the topic went its way: a predicate of result records."""
    result = {"call-started": "call-queued", "call-ended": "call-updated"}.get(topic, "call-routed")
    decisions = {"call-queued": ("queued",), "agent-state": ("agent-ready", "offered")}.get(topic)

    def fits(record):
        return (record.key == subject and record.topic.endswith(result)
                and (decisions is None or record.data["decision"] in decisions))
    return fits


def text(value):
    return json.dumps(value).encode()


def without(data, name):
    return {k: v for k, v in data.items() if k != name}


def spoiled_data(topic):
    """(kind, value): bare data with one thing wrong."""
    data = data_of(topic, "bad")
    subject = "agentId" if topic == "agent-state" else "callId"
    when = {"call-started": "startedAt", "call-queued": "queuedAt", "call-ended": "endedAt", "agent-state": "at"}[topic]
    good = text(data)
    return [
        ("bad JSON", good[:-1]),
        ("no JSON at all", ANI.encode()),
        ("empty value", b""),
        ("truncated UTF-8", good[:-1] + b',"x":"\xe2\x82"}'),
        ("latin-1", good[:-1] + b',"x":"\xfc"}'),
        ("duplicate keys", good[:-1] + b',"%s":"other"}' % subject.encode()),
        ("duplicate keys of an unknown member", good[:-1] + b',"x":1,"x":1}'),
        ("NUL byte", good[:-1] + b',"x":"\x00"}'),
        ("NUL escaped", good[:-1] + b',"x":"\\u0000"}'),
        ("depth 5000", good[:-1] + b',"x":' + b"[" * 5000 + b"]" * 5000 + b"}"),
        ("1e400", good[:-1] + b',"x":1e400}'),
        ("NaN", good[:-1] + b',"x":NaN}'),
        ("two documents", good + good),
        ("an array", b"[" + good + b"]"),
        ("a byte order mark", b"\xef\xbb\xbf" + good),
        ("id of the wrong type", text({**data, subject: 5207739988})),
        ("time of the wrong type", text({**data, when: 1700000000000})),
        ("time that is none", text({**data, when: ANI})),
        ("object in place of a string", text({**data, subject: {"ani": ANI}})),
        ("missing id", text(without(data, subject))),
        ("empty id", text({**data, subject: ""})),
        ("id of 129 characters", text({**data, subject: "x" * 129})),
        ("id with a line feed", text({**data, subject: "a\n" + ANI})),
        ("missing time", text(without(data, when))),
        ("Avro in a schema registry frame", b"\x00\x00\x00\x00\x07\x10abcdefgh"),
    ]


def spoiled_envelopes(topic):
    """(kind, value, headers): CloudEvents with one thing wrong."""
    event = envelope(topic, "bad", data_of(topic, "bad"))
    other = "agent-state" if topic == "call-started" else "call-started"
    ce = [("ce_" + n, event[n].encode()) for n in ("specversion", "id", "source", "type")]
    kinds = [
        ("unknown event type", {**event, "type": "callfleet.call-parked.v1"}, FORMAT),
        ("future event type", {**event, "type": "callfleet.%s.v2" % topic}, FORMAT),
        ("event of another topic", envelope(other, "bad", data_of(other, "bad")), FORMAT),
        ("future specversion", {**event, "specversion": "2.0"}, FORMAT),
        ("envelope without id", without(event, "id"), FORMAT),
        ("envelope without data", without(event, "data"), FORMAT),
        ("data as text", {**event, "data": json.dumps(event["data"])}, FORMAT),
        ("binary, other topic", data_of(other, "bad"), ce[:3] + [("ce_type", b"callfleet.%s.v1" % other.encode())]),
        ("binary, without id", event["data"], [h for h in ce if h[0] != "ce_id"]),
        ("binary, future specversion", event["data"], [("ce_specversion", b"2.0")] + ce[1:]),
        ("binary, id not UTF-8", event["data"], [("ce_id", b"\xff" + ANI.encode())] + ce[:1] + ce[2:]),
    ]
    return [(kind, text(value), headers) for kind, value, headers in kinds]


def odd_records(topic):
    """(kind, key, value, headers): what is wrong is not in the value."""
    good = text(data_of(topic, "bad"))
    many = [("h%d" % i, b"v") for i in range(300)]
    return [
        ("tombstone", b"bad", None, []),
        ("tombstone without key", None, None, []),
        ("empty key", b"", good, []),
        ("headers over 64 KiB", b"bad", good, [("big", b"x" * 65537)]),
        ("headers over 64 KiB together", b"bad", good, [("h%d" % i, b"x" * 1000) for i in range(70)]),
        ("more headers than are read", b"bad", good, many),
        ("key not UTF-8", b"\xff\xfe", b"{", []),
        ("no key", None, b"{", []),
        # Only one: each header without a value costs the Python client a reference to None that it does not have.
        ("header without a value", b"bad", b"{", [("null", None)]),
    ]


def sample_records(topic):
    """The repository's own bad samples."""
    records = []
    for path in sorted((SAMPLES / "invalid" / topic).iterdir()) + sorted((SAMPLES / "malformed" / topic).iterdir()):
        if path.name.endswith(".binary.json"):
            sample = json.loads(path.read_text())
            records.append((path.name, b"bad", text(sample["data"]), [(k, v.encode()) for k, v in sample["headers"].items()]))
        else:
            records.append((path.name, b"bad", path.read_bytes(), []))
    return records


def all_poison(topic):
    records = [(kind, b"bad", value, []) for kind, value in spoiled_data(topic)]
    records += [(kind, b"bad", value, headers) for kind, value, headers in spoiled_envelopes(topic)]
    return records + odd_records(topic) + sample_records(topic)


class Partition:
    """Writes to partition 0 of one input and looks at what came of it."""

    def __init__(self, fleet, results, letters, topic):
        self.fleet, self.results, self.letters, self.topic = fleet, results, letters, topic
        self.writer = fleet.writer(**{"message.max.bytes": 20000000})
        self.healthy, self.sent, self.name = [], [], uuid.uuid4().hex[:8]

    def write_healthy(self, **more):
        subject = "good-%s-%d" % (self.name, len(self.healthy))
        self.healthy.append(subject)
        value = more.pop("value", None) or text(data_of(self.topic, subject))
        if callable(value):
            value = value(subject)
        self.writer.write(self.fleet.topic(self.topic), subject.encode(), value, partition=0, **more)

    def write_poison(self, kind, key, value, headers, writer=None):
        stamp = next(stamps)
        (writer or self.writer).write(self.fleet.topic(self.topic), key, value, flush=False, partition=0, timestamp=stamp,
                                      headers=headers + OWN_HEADERS)
        self.sent.append((kind, key, value, headers + OWN_HEADERS, stamp))

    def wait_healthy(self, timeout_s=40):
        for subject in self.healthy:
            self.results.wait(match=is_outcome(self.topic, subject), timeout_s=timeout_s)

    def dead(self):
        """{timestamp: letters} of this topic."""
        found = {}
        for record in self.letters.select(topic=self.fleet.topic(self.topic) + ".dlq"):
            found.setdefault(record.timestamp, []).append(record)
        return found

    def wait_dead(self, timeout_s=40):
        wanted = {stamp: kind for kind, _, _, _, stamp in self.sent}
        copies = len(CONSUMERS[self.topic])

        def missing():
            self.letters.poll()
            dead = self.dead()
            return ["%s (%d of %d)" % (kind, len(dead.get(stamp, [])), copies) for stamp, kind in wanted.items()
                    if len(dead.get(stamp, [])) < copies]
        wait_until(lambda: not missing(), timeout_s, lambda: "not in the dead letters: %s" % missing())
        return self.dead()


def check_letter(partition, letter, kind, key, value, headers):
    name = partition.fleet.topic(partition.topic)
    assert (letter.raw_key, letter.value) == (key, value), kind
    assert letter.headers[:len(headers)] == headers, "%s: the original headers come first, as they were" % kind
    added = dict(letter.headers[len(headers):])
    assert len(added) == len(letter.headers) - len(headers) and all(isinstance(v, bytes) and v for v in added.values()), kind
    assert sorted(added) == sorted(["callfleet.dlq." + n for n in (
        "topic", "partition", "offset", "timestamp", "reason", "class", "attempts", "first-seen", "worker", "version")]
        + ["__connect.errors." + n for n in ("topic", "partition", "offset", "exception.message")]), kind
    own = {n.rsplit(".", 1)[1]: v.decode() for n, v in added.items() if n.startswith("callfleet")}
    assert (own["topic"], own["partition"], own["class"], own["attempts"]) == (name, "0", "poison", "1"), (kind, own)
    assert own["timestamp"] == str(letter.timestamp) and 3 < len(own["reason"]) < 200, (kind, own)
    datetime.datetime.strptime(own["first-seen"], "%Y-%m-%dT%H:%M:%S.%fZ")
    for alias, same in (("topic", "topic"), ("partition", "partition"), ("offset", "offset"), ("exception.message", "reason")):
        assert added["__connect.errors." + alias].decode() == own[same], kind
    assert ANI[2:] not in repr(sorted(added.items())), kind
    return int(own["offset"]), own["worker"]


def check_letters(partition):
    dead, offsets = partition.wait_dead(), {}
    for kind, key, value, headers, stamp in partition.sent:
        for letter in dead[stamp]:
            offset, worker = check_letter(partition, letter, kind, key, value, headers)
            offsets.setdefault(worker, []).append(offset)
    # Each consumer of the topic has buried each record once.
    assert set(offsets) == CONSUMERS[partition.topic]
    for worker, found in offsets.items():
        assert len(set(found)) == len(found) == len(partition.sent), worker


@pytest.fixture(scope="module")
def fleet(shared_fleet):
    fleet = shared_fleet()
    yield fleet
    found = leaks(fleet, [ANI])
    assert not found, "numbers of callers in the logs:\n" + "\n".join(found[:20])


@pytest.fixture(scope="module")
def results(fleet):
    return fleet.reader("call-queued", "call-routed", "call-updated")


@pytest.fixture(scope="module")
def letters(fleet):
    return fleet.reader(*(t + ".dlq" for t in INPUTS))


@pytest.fixture
def partition(fleet, results, letters):
    def make(topic):
        return Partition(fleet, results, letters, topic)
    return make


@pytest.mark.parametrize("topic", INPUTS)
def test_every_kind_is_buried_and_the_healthy_go_on(partition, topic):
    part = partition(topic)
    part.write_healthy()
    for number, record in enumerate(all_poison(topic)):
        part.write_poison(*record)
        if number % 40 == 20:
            part.write_healthy()
    part.write_healthy()
    assert len(part.sent) > 75
    check_letters(part)
    part.wait_healthy()


@pytest.mark.parametrize("topic", INPUTS)
def test_odd_but_legal_records_are_accepted(partition, letters, topic):
    """A schema registry frame, all three forms, no key, unknown members and vocabulary, headers nobody asked for."""
    def event(subject):
        return envelope(topic, subject, {**data_of(topic, subject), "futureField": {"deep": [1, {"x": None}]}})

    def attributes(subject):
        return [("ce_" + n, event(subject)[n].encode()) for n in ("specversion", "id", "source", "type")]
    part = partition(topic)
    part.write_healthy(value=lambda s: b"\x00\x00\x00\x00\x2a" + text(data_of(topic, s)))
    part.write_healthy(value=lambda s: b"\x00\x00\x00\x00\x2a" + text(event(s)), headers=FORMAT)
    part.write_healthy(value=lambda s: text(event(s)))
    part.write_healthy(value=lambda s: b" \n\t" + text(event(s)) + b"\r\n", headers=FORMAT + OWN_HEADERS)
    part.write_healthy(value=lambda s: text(event(s)["data"]), headers=attributes("x") + [("traceparent", b"\xff")])
    part.wait_healthy()
    letters.settle(0.5)
    assert letters.select(match=lambda letter: part.name in letter.key) == []


NOISE = os.urandom(1048300)  # with it a record is as large as the broker takes one


@pytest.mark.parametrize("topic", INPUTS)
def test_values_as_large_as_the_broker_takes(partition, topic):
    """The broker's limit (1,048,588 bytes) is for a compressed batch: a value may be far over 1 MB. And one that just fits
    is larger as a dead letter."""
    part = partition(topic)
    squeezing = part.fleet.writer(**{"message.max.bytes": 20000000, "compression.type": "lz4"})
    part.write_healthy()
    part.write_poison("1 MiB and one byte", b"bad", b"{" + b" " * 1048576, [], squeezing)
    part.write_poison("9 MB of compressed blanks", b"bad", b" " * 9000000, [], squeezing)
    part.write_poison("valid JSON over 1 MiB", b"bad", text({**data_of(topic, "bad"), "x": "y" * 1100000}), [], squeezing)
    squeezing.flush()
    part.write_poison("a megabyte of noise", b"bad", NOISE[:1000000], [])
    part.writer.flush()
    part.write_poison("the largest value that the broker takes", b"bad", NOISE, [])
    part.writer.flush()
    part.write_healthy()
    check_letters(part)
    part.wait_healthy()


def set_limit(fleet, topic, max_bytes):
    """The largest record batch that a topic takes."""
    admin = kafka_admin.admin_client(fleet.brokers)
    resource = ConfigResource(ConfigResource.Type.TOPIC, fleet.topic(topic), {"max.message.bytes": str(max_bytes)})
    for future in admin.alter_configs([resource]).values():
        future.result(30)


@pytest.mark.parametrize("what, left_out", [("value", 1), ("headers", 2)])
def test_a_dead_letter_that_does_not_fit_goes_without_its_value(fleet, partition, what, left_out):
    """Better a letter that says where the record stands than a partition that stands still."""
    part = partition("agent-state")
    set_limit(fleet, "agent-state.dlq", 1048588)
    try:
        part.write_healthy()
        if what == "value":
            part.write_poison("too large for the dead letters", b"bad", NOISE, [])
        else:
            part.write_poison("too large for the dead letters", b"bad", b"{", [("big", NOISE)])
        part.writer.flush()
        part.write_healthy()
        _, key, value, headers, stamp = part.sent[0]
        letter, = part.wait_dead()[stamp]
        part.wait_healthy()
    finally:
        set_limit(fleet, "agent-state.dlq", 20971520)
    kept = headers if left_out == 1 else []
    assert (letter.raw_key, letter.value, letter.headers[:len(kept)]) == (key, b"", kept)
    assert letter.header("callfleet.dlq.value-bytes") == str(len(value))
    assert letter.header("callfleet.dlq.topic") == fleet.topic("agent-state") and letter.header("callfleet.dlq.offset")
