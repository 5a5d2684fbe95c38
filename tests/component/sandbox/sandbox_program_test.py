# SPDX-License-Identifier: Apache-2.0
"""The program's own options, and HTTPS."""

import ssl
import subprocess
import urllib.request

import pytest

import sbx


def run(*options):
    return subprocess.run([sbx.BIN / "sf-sandbox", *map(str, options)], capture_output=True, text=True, timeout=20)


def test_help_and_env():
    help_text = run("--help")
    assert help_text.returncode == 0 and "--port-file" in help_text.stdout
    env = dict(line.split("=", 1) for line in run("--print-env").stdout.splitlines())
    assert env["CALLFLEET_SF_CLIENT_ID"] == "'%s'" % sbx.DEFAULTS["SB_CLIENT_ID"]
    assert set(env) == {"CALLFLEET_SF_" + k for k in ("CLIENT_ID", "CLIENT_SECRET", "USERNAME", "PASSWORD")}


@pytest.mark.parametrize("options, code", [
    (["--nope"], 64), (["--port", "x"], 64), (["--port", "70000"], 64), (["stray"], 64), (["--tls-cert", "x"], 64),
    (["--host", "nowhere"], 78), (["--db", "/nonexistent/x.db"], 78), (["--history", "/nonexistent/h"], 78),
    (["--jwt-cert", "/nonexistent/c"], 78), (["--tls-cert", "/nonexistent/c", "--tls-key", "/nonexistent/k"], 78),
])
def test_bad_options(options, code):
    done = run(*options)
    assert done.returncode == code and done.stderr.startswith("sf-sandbox: "), done


def test_port_in_use(fresh):
    taken = fresh()
    assert run("--port", taken.port).returncode == 78


def test_https(fresh, tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "key.pem", "-out",
                    tmp_path / "cert.pem", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)
    sandbox = fresh("--tls-cert", tmp_path / "cert.pem", "--tls-key", tmp_path / "key.pem")
    context = ssl.create_default_context(cafile=tmp_path / "cert.pem")
    url = "https://127.0.0.1:%d" % sandbox.port
    with urllib.request.urlopen(url + "/services/data/", context=context, timeout=10) as reply:
        assert reply.status == 200
    assert url in sandbox.output()
    old = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % sandbox.port, "-tls1_1", "-cipher",
                          "ALL:@SECLEVEL=0"], input=b"", capture_output=True, timeout=20, check=False)
    assert old.returncode != 0
