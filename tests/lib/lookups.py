# SPDX-License-Identifier: Apache-2.0
"""lookups - a lookup worker with a broker, a Redis and the Salesforce sandbox, and calls through it."""
import contextlib
import json
import signal
import uuid

import brokers
import requests
import servers
from procs import Process
from waits import wait_until

COMPOSITE = "/services/data/v60.0/composite"


def secret(path, text):
    path.touch(0o600)
    path.write_text(text)
    return path


class Lookup:
    """One lookup worker with everything it needs, or with the Redis and the sandbox of `other`. Each start has topics of
    its own."""

    def __init__(self, directory, program, broker, other=None, **config):
        self.directory, self.broker, self.program, self.other = directory, broker, program, other
        directory.mkdir(exist_ok=True)
        if other:
            self.redis, self.sandbox = other.redis, other.sandbox
        else:
            self.redis = servers.Redis(directory / "redis")
            self.redis.start()
            self.sandbox = servers.Sandbox(directory / "sandbox", program("sf-sandbox"))
        self.salesforce = self.sandbox.client()
        default = servers.sandbox_default
        self.config = {
            "kafka_brokers": broker.brokers,
            "redis_url": self.redis.url, "admin_port_file": directory / "admin.port",
            "sf_login_url": self.sandbox.url, "sf_grant": "password", "sf_client_id": default("SB_CLIENT_ID"),
            "sf_client_secret_file": secret(directory / "client-secret", default("SB_CLIENT_SECRET")),
            "sf_username": default("SB_USERNAME"),
            "sf_password_file": secret(directory / "password", default("SB_PASSWORD")), **config,
        }
        self.lists = "[kafka]\nfetch.wait.max.ms = 10\n[regions]\nep-berlin = DE\n"
        self.writer = broker.writer()
        self.process = self.reader = None

    def launch(self, **changes):
        (self.directory / "admin.port").unlink(missing_ok=True)
        self.prefix = "t%s." % uuid.uuid4().hex[:8]
        own = {"topic_prefix": self.prefix, "group": self.prefix + "lookup", "instance": self.prefix + "1"}
        lines = ["%s = %s" % pair for pair in {**self.config, **own, **changes}.items() if pair[1] is not None]
        (self.directory / "lookup.ini").write_text("\n".join(lines) + "\n" + self.lists)
        return Process([self.program("lookup-worker"), "--config", self.directory / "lookup.ini"],
                       self.directory / "lookup.log")

    def start(self, **changes):
        self.process = self.launch(**changes)
        self.admin = "http://127.0.0.1:" + self.process.wait_file(self.directory / "admin.port")
        wait_until(lambda: requests.get(self.admin + "/readyz", timeout=5).status_code == 200, 30, "ready")
        self.reader = self.broker.reader(*(self.prefix + t for t in ("call-queued", "call-started.dlq")))
        return self

    def stop(self):
        process, self.process = self.process, None
        if self.reader:
            self.reader.consumer.close()
        self.reader = None
        if process:
            process.stop()

    def close(self):
        try:
            self.stop()
        finally:
            if not self.other:
                self.sandbox.process.stop(expect=None)
                self.redis.process.popen.send_signal(signal.SIGCONT)
                self.redis.process.stop(expect=None)

    # ---- calls ----
    def send(self, ani, call=None, **more):
        call = call or "call-" + uuid.uuid4().hex[:12]
        self.writer.write(self.prefix + "call-started", call, {
            "callId": call, "ani": ani, "dnis": "+18005550100", "startedAt": "2026-11-22T10:00:00.000Z", **more})
        return call

    def answer(self, call):
        return self.reader.wait(topic=self.prefix + "call-queued", key=call)[0]

    def ask(self, ani, **more):
        return self.answer(self.send(ani, **more)).data

    def customer(self, ani, **more):
        return self.ask(ani, **more)["customer"]

    # ---- the sandbox ----
    def contact(self, name=None, **fields):
        return self.salesforce.create("Contact", LastName=name or "N" + uuid.uuid4().hex[:8], **fields)

    def fault(self, kind, **rule):
        reply = requests.post(self.sandbox.url + "/_sandbox/faults", json={"kind": kind, **rule}, timeout=5)
        assert reply.status_code < 300, reply.text

    def no_faults(self):
        assert requests.delete(self.sandbox.url + "/_sandbox/faults", timeout=5).status_code < 300

    def requests_to(self, path):
        history = requests.get(self.sandbox.url + "/_sandbox/history?limit=1000000", timeout=10).json()
        return [e for e in history if path in json.dumps(e)]

    def metric(self, line):
        for text in requests.get(self.admin + "/metrics", timeout=5).text.splitlines():
            if text.startswith(line + " "):
                return float(text.rsplit(" ", 1)[1])
        return 0


@contextlib.contextmanager
def running(directory, program, **config):
    """A broker and a Lookup that is not started yet; all of it ends afterwards."""
    with brokers.Embedded(directory / "embedded", program("embedded-broker")) as broker:
        worker = Lookup(directory, program, broker, **config)
        try:
            yield worker
        finally:
            worker.close()
