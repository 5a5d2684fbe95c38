# SPDX-License-Identifier: Apache-2.0
"""sbx - starts a sandbox and speaks to it with plain HTTP."""

import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ.get("CALLFLEET_BIN", ROOT / "build/dev/bin"))
DEFAULTS = dict(re.findall(r'#define (SB_\w+) "(.*)"', (ROOT / "tools/sf-sandbox/defaults.h").read_text()))
JSON = {"Content-Type": "application/json"}


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """errorCode of the REST dialect."""
        return self.json[0]["errorCode"]

    def __repr__(self):
        return "<%d %r>" % (self.status, self.body[:300])


class Sandbox:
    """One process; the client side keeps no connection, so cut ones disturb nobody."""

    def __init__(self, directory, *options):
        port_file = directory / "port"
        self.log = open(directory / "log", "wb+")
        self.process = subprocess.Popen([BIN / "sf-sandbox", "--port-file", port_file, *map(str, options)],
                                        stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 20
        while not port_file.exists():
            assert self.process.poll() is None and time.monotonic() < deadline, self.output()
            time.sleep(0.02)
        self.port = int(port_file.read_text())
        self.url = "http://127.0.0.1:%d" % self.port
        self.token = None

    def output(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError("the sandbox does not stop: " + self.output())
        output = self.output()
        self.log.close()
        assert code == 0 and "Sanitizer" not in output and "runtime error" not in output, output

    # ---- plain HTTP ----
    def send(self, method, path, body=None, headers=(), timeout=30):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, dict(headers), encode_chunked="Transfer-Encoding" in dict(headers))
            reply = connection.getresponse()
            return Reply(reply.status, reply.headers, reply.read())
        finally:
            connection.close()

    def admin(self, method, path, body=None):
        reply = self.send(method, "/_sandbox" + path, None if body is None else json.dumps(body), JSON)
        assert reply.status < 300, reply
        return reply.json

    def fault(self, kind, **rule):
        return self.admin("POST", "/faults", {"kind": kind, **rule})["id"]

    def config(self, **settings):
        return self.admin("POST", "/config", settings)

    def history(self, **match):
        """All entries, or those whose members are as given."""
        entries = self.admin("GET", "/history?limit=1000000")
        return [e for e in entries if all(e.get(k) == v for k, v in match.items())]

    # ---- as a client ----
    def form(self, **fields):
        return self.send("POST", "/services/oauth2/token", urllib.parse.urlencode(fields),
                         {"Content-Type": "application/x-www-form-urlencoded"})

    def password_form(self, **changes):
        return {"grant_type": "password", "client_id": DEFAULTS["SB_CLIENT_ID"],
                "client_secret": DEFAULTS["SB_CLIENT_SECRET"], "username": DEFAULTS["SB_USERNAME"],
                "password": DEFAULTS["SB_PASSWORD"], **changes}

    def login(self):
        reply = self.form(**self.password_form())
        assert reply.status == 200, reply
        self.token = reply.json["access_token"]
        return reply.json

    def rest(self, method, path, body=None, version="v60.0", headers=(), timeout=30):
        """`path` below /services/data/vNN.N, or absolute when it begins with /services."""
        if not self.token:
            self.login()
        path = path if path.startswith("/services") else "/services/data/%s%s" % (version, path)
        sent = {"Authorization": "Bearer " + self.token, **dict(headers)}
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
            body = body if isinstance(body, (str, bytes)) else json.dumps(body)
        return self.send(method, path, body, sent, timeout)

    def query(self, soql, **options):
        return self.rest("GET", "/query?" + urllib.parse.urlencode({"q": soql}), **options)

    def create(self, kind, **fields):
        reply = self.rest("POST", "/sobjects/" + kind, fields)
        assert reply.status == 201, reply
        return reply.json["id"]

    def records(self, soql):
        reply = self.query(soql)
        assert reply.status == 200, reply
        return reply.json["records"]
