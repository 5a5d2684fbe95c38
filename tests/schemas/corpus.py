# SPDX-License-Identifier: Apache-2.0
"""The corpus of the three-way comparison: the samples, and mutants of them from a seed."""

import copy
import json
import pathlib
import random

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "schemas"
EVENTS = ["call-started", "call-queued", "agent-state", "call-routed", "call-ended", "call-updated"]
SEED = 20261122
MUTANTS = 2000
MAX_CHARS = 250000  # so that no mutant passes the size limit, which only the decoders have

# Values near every rule. Left out is what only parsers judge: NUL, lone surrogates, numbers beyond 64 bits, depth.
VALUES = [None, True, False, 0, 1, -1, 10, 11, 1.0, 0.5, -0.0, 1e3, 1e-9, 1e300, 9007199254740991, 9007199254740992,
          -9007199254740992, 9007199254740992.0, 1000000, 1000000.5, "", " ", "x", "0", "\n", "\u007f", "\u0085", "\u00a0",
          "\u2028", "null", "1.0", "matched", "inbound", [], {}, [None], [[]], {"id": "1"}, {"id": ""}, {"": ""}, {"a": 1},
          {"a": "b"}, {"status": "matched"}, {"url": "u"}, ["x"], [{"id": "1"}, {"id": "2", "subject": None}],
          "2026-11-22T10:15:30Z", "2026-11-22t10:15:30.5+14:00", "2026-02-30T00:00:00Z", "2016-12-31T23:59:60Z", "1.1"]
LENGTHS = [0, 1, 2, 16, 63, 64, 65, 127, 128, 129, 254, 255, 256, 257, 1024, 1025, 2048, 2049, 4096, 4097, 8192, 8193,
           32768, 32769]
UNITS = ["x", " ", "\u00e9", "\u20ac", "\U0001f600", "e\u0301"]
COUNTS = [0, 1, 2, 63, 64, 65, 66, 199, 200, 201]
TIME_CHARS = "0123456789-:.TtZz +\n"


def samples(kind):
    return sorted((SCHEMAS / "samples" / kind).glob("*/*.json"))


def places(node):
    """All (container, key) pairs below a node."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in list(items):
        yield node, key
        yield from places(child)


def mutate_text(rng, text):
    if rng.random() < 0.5:
        unit, length = rng.choice(UNITS), rng.choice(LENGTHS)
        return (unit * length)[:length] + (rng.choice(["", "", "\n", "\u0001"]))
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(TIME_CHARS) + text[at + rng.randrange(2):]


def fill(rng, container):
    """Makes an object or array as long as one of the limits, give or take one."""
    count = rng.choice(COUNTS)
    if isinstance(container, dict):
        value = rng.choice(["v", 1, rng.choice(list(container.values()) or ["v"])])
        return {f"k{i}": value for i in range(count)}
    return [copy.deepcopy(rng.choice(container or [{"id": "1"}])) for _ in range(count)]


def mutate(rng, root):
    where, key = rng.choice(list(places(root)))
    value = where[key]
    kind = rng.randrange(7)
    if kind == 0:
        del where[key]
    elif kind in (1, 2):
        where[key] = copy.deepcopy(rng.choice(VALUES))
    elif kind == 3 and isinstance(value, (dict, list)):
        where[key] = fill(rng, value)
    elif kind == 4 and isinstance(where, dict):
        where[rng.choice([key.upper(), key + "s", "", "x" * rng.choice(LENGTHS[:12]), "__proto__"])] = where.pop(key)
    elif kind == 5 and isinstance(value, (int, float)):
        where[key] = rng.choice([-value, value + 0.5, float(value), value * 1000, str(value)])
    elif isinstance(value, str):
        where[key] = mutate_text(rng, value)
    else:
        where[key] = copy.deepcopy(rng.choice(VALUES))


def mutate_headers(rng, headers):
    key = rng.choice(sorted(headers))
    if rng.random() < 0.4:
        del headers[key]
    else:
        headers[key] = rng.choice([mutate_text(rng, headers[key]), "", "1.0", "2026-11-22T10:15:30Z"])


def write_mutants(folder):
    """Writes the mutants into FOLDER/<event>/ and returns their paths. The same seed gives the same files."""
    rng = random.Random(SEED)
    parents = {kind: [path for path in samples(kind) if path.stat().st_size < 40000] for kind in ("valid", "invalid")}
    made = []
    while len(made) < MUTANTS:
        path = rng.choice(parents["valid" if rng.random() < 0.9 else "invalid"])
        value = json.loads(path.read_text("utf-8"))
        binary = path.name.endswith(".binary.json")
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            if binary and rng.random() < 0.5 and value["headers"]:
                mutate_headers(rng, value["headers"])
            elif binary and isinstance(value["data"], (dict, list)) and value["data"]:
                mutate(rng, value["data"])
            elif not binary and isinstance(value, (dict, list)) and value:
                mutate(rng, value)
        text = json.dumps(value, ensure_ascii=rng.random() < 0.5)
        if len(text) > MAX_CHARS:
            continue
        out = folder / path.parent.name / (f"{len(made):04}" + (".binary.json" if binary else ".json"))
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, "utf-8")
        made.append(out)
    return made
