# SPDX-License-Identifier: Apache-2.0
"""Third-party clients against the sandbox. They are installed once, outside the repository, at pinned versions."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

import sbx
from conftest import missing

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "callfleet"
PYTHON = "/usr/bin/python3"


def installed(name, files, command, marker):
    """The directory where `command` has put its packages; named by what `files` say, so a new pin installs anew."""
    digest = hashlib.sha256(b"".join((HERE / f).read_bytes() for f in files)).hexdigest()[:16]
    target = CACHE / ("%s-%s" % (name, digest))
    if (target / marker).exists():
        return target
    CACHE.mkdir(parents=True, exist_ok=True)
    scratch = pathlib.Path(tempfile.mkdtemp(prefix=name + "-", dir=CACHE))
    for f in files:
        shutil.copy(HERE / f, scratch)
    done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0 or not (scratch / marker).exists():
        shutil.rmtree(scratch, ignore_errors=True)
        missing("%s (installing it failed: %s)" % (name, done.stderr.strip()[-300:]))
    try:
        scratch.rename(target)  # another run may have been first
    except OSError:
        shutil.rmtree(scratch, ignore_errors=True)
    return target


@pytest.fixture(scope="session")
def jsforce():
    if not shutil.which("node") or not shutil.which("npm"):
        missing("Node.js with npm")
    target = installed("jsforce", ["package.json", "package-lock.json"],
                       ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], "node_modules/jsforce/package.json")
    return {"NODE_PATH": str(target / "node_modules")}


@pytest.fixture(scope="session")
def simple_salesforce():
    target = installed("simple-salesforce", ["requirements.txt"],
                       [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:",
                        "--target", "packages", "-r", "requirements.txt"], "packages/simple_salesforce/__init__.py")
    return {"PYTHONPATH": str(target / "packages"), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture(scope="session")
def jwt_key(tmp_path_factory):
    directory = tmp_path_factory.mktemp("client-jwt")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", directory / "key.pem", "-out",
                    directory / "cert.pem", "-days", "2", "-subj", "/CN=callfleet"], check=True, capture_output=True)
    return directory


@pytest.fixture
def drive(fresh, jwt_key):
    """drive(command, environment) runs a client against a sandbox of its own."""
    def run(command, environment):
        sandbox = fresh("--jwt-cert", jwt_key / "cert.pem", "--samples")
        done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=120, check=False, env={
            **os.environ, **sbx.DEFAULTS, **environment, "SB_URL": sandbox.url, "SB_JWT_KEY": (jwt_key / "key.pem").read_text()})
        assert done.returncode == 0 and done.stdout.strip().endswith("ok"), done.stdout + done.stderr
        return sandbox
    return run


@pytest.mark.parametrize("scenario", ["login", "query", "crud", "upsert", "collections", "composite", "search", "errors", "more"])
def test_jsforce(jsforce, drive, scenario):
    drive(["node", "jsforce_client.cjs", scenario], jsforce)


@pytest.mark.parametrize("scenario", ["login", "query", "crud", "upsert", "collections", "composite", "search", "failures", "more"])
def test_simple_salesforce(simple_salesforce, drive, scenario):
    drive([PYTHON, "simple_salesforce_client.py", scenario], simple_salesforce)
