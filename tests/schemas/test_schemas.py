# SPDX-License-Identifier: Apache-2.0
"""The schemas, two independent validators and the C decoders accept and reject exactly the same records."""

import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess

import jsonschema
import pytest
import yaml

import corpus

HERE = pathlib.Path(__file__).resolve().parent
TOPICS = corpus.EVENTS + ["routing-log"] + [f"{e}.dlq" for e in ("call-started", "call-queued", "call-ended", "agent-state")]
MARKS = ("ce_specversion", "ce_id", "ce_source", "ce_type")
ATTRIBUTES = MARKS + ("ce_subject", "ce_time", "ce_traceparent")

# ---- the three judges: each takes paths and returns {path: "" or reason} ----


def parse_lines(lines):
    verdicts = {}
    for line in lines.splitlines():
        verdict, path, *reason = line.split(" ", 2)
        assert verdict in ("accept", "reject"), line
        verdicts[path] = "" if verdict == "accept" else (reason or ["?"])[0]
    return verdicts


def judge_c(paths):
    program = os.environ.get("CALLFLEET_CHECK_EVENTS") or str(corpus.ROOT / "build/dev/bin/check-events")
    verdicts = {}
    for start in range(0, len(paths), 500):
        done = subprocess.run([program, *map(str, paths[start:start + 500])], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stdout[-500:]} {done.stderr[-2000:]}"
        verdicts.update(parse_lines(done.stdout))
    return verdicts


def is_date_time(value):
    """RFC 3339 without the schema's pattern: by Python's calendar."""
    if not isinstance(value, str):
        return True
    match = re.fullmatch(r"(\d{4})(-\d\d-\d\d)[Tt ](\d\d:\d\d):(\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)", value, re.ASCII)
    if not match:
        return False
    year, day, minute, second, _, zone = match.groups()
    if second == "60":  # only where UTC has it
        if minute != "23:59" or zone.upper() not in ("Z", "+00:00", "-00:00"):
            return False
        second = "59"
    year = "2000" if year == "0000" else year  # Python has no year 0; it is a leap year too
    try:
        datetime.datetime.fromisoformat(f"{year}{day}T{minute}:{second}{zone.upper().replace('Z', '+00:00')}")
    except ValueError:
        return False
    return True


def validators():
    checker = jsonschema.FormatChecker(formats=())
    checker.checkers = {"date-time": (is_date_time, ())}
    made = {}
    for name in corpus.EVENTS + ["cloudevent"]:
        schema = json.loads((corpus.SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
        jsonschema.Draft202012Validator.check_schema(schema)
        made[name] = jsonschema.Draft202012Validator(schema, format_checker=checker)
    return made


def envelope_of(path, value):
    """The envelope, or None and the bare data."""
    if path.name.endswith(".binary.json"):
        headers, value = value["headers"], value["data"]
        if any(name in headers for name in MARKS):
            return {**{name[3:]: headers[name] for name in ATTRIBUTES if name in headers}, "data": value}, None
        # Without any of the required headers the value speaks for itself.
    return (value, None) if isinstance(value, dict) and "specversion" in value else (None, value)


def judge_one(made, path):
    event = path.parent.name
    envelope, data = envelope_of(path, json.loads(path.read_text("utf-8")))
    if envelope is not None:
        for error in made["cloudevent"].iter_errors(envelope):
            return f"envelope{error.json_path}: {error.validator}"
        if envelope["type"] != f"callfleet.{event}.v1":
            return "envelope$.type: of another event"
        data = envelope["data"]
    for error in made[event].iter_errors(data):
        return f"data{error.json_path}: {error.validator}"
    return ""


def judge_python(paths):
    made = validators()
    return {str(path): judge_one(made, path) for path in paths}


@pytest.fixture(scope="session")
def npm():
    """The folder with the pinned npm packages; a skip (with CI=true: a failure) when they cannot be had."""
    problem = "" if shutil.which("node") and shutil.which("npm") else "node or npm is not installed"
    if not problem:
        done = subprocess.run([HERE / "npm-install.sh"], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.strip()
        problem = f"npm-install.sh failed: {done.stderr.strip()}"
    if os.environ.get("CI") == "true":
        pytest.fail(problem)
    pytest.skip(problem)


def run_node(npm, script, *args, stdin=""):
    env = {**os.environ, "NODE_PATH": f"{npm}/node_modules"}
    return subprocess.run(["node", HERE / script, *map(str, args)], input=stdin, capture_output=True, text=True, env=env,
                          check=False)


def judge_ajv(npm, paths):
    done = run_node(npm, "ajv_check.js", corpus.SCHEMAS, stdin="\n".join(map(str, paths)))
    assert done.returncode == 0, done.stderr
    return parse_lines(done.stdout)


# ---- the corpus ----


@pytest.fixture(scope="session")
def mutants(tmp_path_factory):
    return corpus.write_mutants(tmp_path_factory.mktemp("mutants"))


def differences(one, other):
    assert one.keys() == other.keys()
    return [f"{path}: {one[path] or 'accept'} / {other[path] or 'accept'}" for path in one if bool(one[path]) != bool(other[path])]


def assert_verdicts(verdicts, accepted):
    wrong = [f"{path}: {reason or 'accepted'}" for path, reason in verdicts.items() if bool(reason) == accepted]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("event", corpus.EVENTS)
def test_samples_are_many_enough(event):
    names = [path.name for path in corpus.samples("valid") if path.parent.name == event]
    assert len(names) >= 6
    for form in ("bare-", "structured-", "binary-"):
        assert any(name.startswith(form) for name in names)
    assert len([path for path in corpus.samples("invalid") if path.parent.name == event]) >= 10


@pytest.mark.parametrize("kind,accepted", [("valid", True), ("invalid", False), ("malformed", False)])
def test_c_judges_samples(kind, accepted):
    assert_verdicts(judge_c(corpus.samples(kind)), accepted)


@pytest.mark.parametrize("kind,accepted", [("valid", True), ("invalid", False)])
def test_python_judges_samples(kind, accepted):
    assert_verdicts(judge_python(corpus.samples(kind)), accepted)


@pytest.mark.parametrize("kind,accepted", [("valid", True), ("invalid", False)])
def test_ajv_judges_samples(npm, kind, accepted):
    assert_verdicts(judge_ajv(npm, corpus.samples(kind)), accepted)


def test_mutants_python_and_c(mutants):
    c = judge_c(mutants)
    found = differences(c, judge_python(mutants))
    assert not found, "\n".join(found)
    accepted = sum(not reason for reason in c.values())
    assert len(mutants) // 10 < accepted < len(mutants) * 9 // 10  # both sides are tried


def test_mutants_ajv_and_c(npm, mutants):
    found = differences(judge_c(mutants), judge_ajv(npm, mutants))
    assert not found, "\n".join(found)


# ---- AsyncAPI ----


def test_asyncapi_document_is_valid(npm):
    done = run_node(npm, "asyncapi_check.js", corpus.SCHEMAS / "asyncapi.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    channels = sorted(line.split(" ", 1)[1] for line in done.stdout.splitlines() if line.startswith("channel "))
    assert channels == sorted(TOPICS)


def test_asyncapi_names_every_topic_and_schema():
    document = yaml.safe_load((corpus.SCHEMAS / "asyncapi.yaml").read_text("utf-8"))
    assert sorted(channel["address"] for channel in document["channels"].values()) == sorted(TOPICS)
    text = json.dumps(document)
    for name in corpus.EVENTS + ["cloudevent"]:
        assert f"./{name}.schema.json" in text
