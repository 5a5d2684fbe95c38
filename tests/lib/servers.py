# SPDX-License-Identifier: Apache-2.0
"""servers - Redis and the Salesforce sandbox for tests."""
import pathlib
import re
import socket

import redis
import requests
from procs import Process
from waits import wait_until

SANDBOX_DEFAULTS = pathlib.Path(__file__).resolve().parents[2] / "tools" / "sf-sandbox" / "defaults.h"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Redis:
    """A redis-server of its own, nothing kept on disk."""

    def __init__(self, directory, *options):
        self.directory, self.options = directory, options
        directory.mkdir(parents=True)
        self.port = free_port()
        self.url = "redis://127.0.0.1:%d" % self.port

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.process.stop(expect=None)

    def start(self):
        self.process = Process(["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--save", "", "--appendonly",
                                "no", "--dir", self.directory, *self.options], self.directory / "log")
        self.client = redis.Redis(port=self.port, socket_timeout=5)
        wait_until(self.answers, 10, lambda: "redis-server: " + self.process.tail())

    def answers(self):
        assert self.process.running(), self.process.tail()
        try:
            return self.client.ping()
        except redis.ConnectionError:
            return False


def sandbox_default(name):
    return re.search(r'#define %s "(.*)"' % name, SANDBOX_DEFAULTS.read_text()).group(1)


class Salesforce:
    """A client's view of the sandbox: logs in with the password grant, then plain REST."""

    def __init__(self, url, client_id=None, client_secret=None, username=None, password=None):
        self.url = url
        self.http = requests.Session()
        reply = self.http.post(url + "/services/oauth2/token", timeout=10, data={
            "grant_type": "password",
            "client_id": client_id or sandbox_default("SB_CLIENT_ID"),
            "client_secret": client_secret or sandbox_default("SB_CLIENT_SECRET"),
            "username": username or sandbox_default("SB_USERNAME"),
            "password": password or sandbox_default("SB_PASSWORD")})
        assert reply.status_code == 200, reply.text
        self.http.headers["Authorization"] = "Bearer " + reply.json()["access_token"]
        self.base = url + "/services/data/v60.0"

    def query(self, soql):
        reply = self.http.get(self.base + "/query", params={"q": soql}, timeout=10)
        assert reply.status_code == 200, reply.text
        return reply.json()["records"]

    def create(self, kind, **fields):
        reply = self.http.post("%s/sobjects/%s" % (self.base, kind), json=fields, timeout=10)
        assert reply.status_code == 201, reply.text
        return reply.json()["id"]


class Sandbox:
    """The Salesforce sandbox with its sample records."""

    def __init__(self, directory, program, *options):
        port_file = directory / "port"
        self.process = Process([program, "--port", 0, "--db", ":memory:", "--port-file", port_file, "--samples", *options],
                               directory / "log")
        self.url = "http://127.0.0.1:" + self.process.wait_file(port_file)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stop()

    def client(self):
        return Salesforce(self.url)
