# SPDX-License-Identifier: Apache-2.0
"""fleets - a whole fleet through tools/fleet.sh, and what a test wants to do with it."""
import os
import pathlib
import subprocess

import requests
from brokers import Reader, Writer
from procs import bad_lines, processes_of
from servers import Salesforce

FLEET_SH = pathlib.Path(__file__).resolve().parents[2] / "tools" / "fleet.sh"
STAGES = ["lookup", "routing", "postcall"]


class Fleet:
    def __init__(self, directory, bin_dir, kafka="embedded", prefix="", workers="", environment=None,
                 history=None):
        self.directory, self.prefix = directory, prefix
        self.options = ["--kafka", kafka, "--bin", str(bin_dir), "--workers", workers, "--topic-prefix", prefix,
                        *(["--history", str(history)] if history else [])]
        self.environment = {**os.environ, **(environment or {})}
        self.readers = []
        self.killed = set()  # workers the test killed or broke on purpose: their exit codes do not count

    def sh(self, *args, ok=(0,)):
        result = subprocess.run([str(FLEET_SH), *args, "--dir", str(self.directory)], text=True, capture_output=True,
                                env=self.environment, timeout=150, check=False)
        assert result.returncode in ok, "fleet.sh %s: %d\n%s%s" % (args[0], result.returncode, result.stdout, result.stderr)
        return result.stdout

    def up(self):
        self.sh("up", *self.options)
        self.read_env()

    def read_env(self):
        """The variables of fleet.sh env, as a shell sees them."""
        script = 'eval "$("$0" env --dir "$1")" && env -0'
        out = subprocess.run(["bash", "-c", script, str(FLEET_SH), str(self.directory)], capture_output=True, check=True,
                             timeout=30).stdout.decode()
        self.env = dict(pair.split("=", 1) for pair in out.split("\0") if pair.startswith("CALLFLEET_"))
        self.brokers = self.env["CALLFLEET_KAFKA"]

    def start(self, name):
        self.sh("start", name)
        self.read_env()

    def stop(self, name):
        """SIGTERM and a bounded wait; fleet.sh fails when it had to kill."""
        self.sh("stop", name)
        return self.exit_code(name)

    def kill(self, name):
        self.killed.add(name)
        self.sh("kill", name)

    def exit_code(self, name):
        """None while it runs."""
        path = self.directory / "run" / (name + ".exit")
        return int(path.read_text()) if path.exists() else None

    def log(self, name):
        return (self.directory / "log" / (name + ".log")).read_text(errors="replace")

    def workers(self):
        return (self.directory / "run" / "setting.workers").read_text().split()

    def metrics(self, name):
        """The text of a worker's /metrics."""
        port = (self.directory / "run" / (name + ".port")).read_text().strip()
        return requests.get("http://127.0.0.1:%s/metrics" % port, timeout=5).text

    def topic(self, name):
        return self.prefix + name

    def writer(self, **settings):
        return Writer(self.brokers, **settings)

    def reader(self, *names, **settings):
        self.readers.append(Reader(self.brokers, [self.topic(n) for n in names], **settings))
        return self.readers[-1]

    def salesforce(self):
        return Salesforce(self.env["CALLFLEET_SALESFORCE"], self.env["CALLFLEET_SF_CLIENT_ID"],
                          self.env["CALLFLEET_SF_CLIENT_SECRET"], self.env["CALLFLEET_SF_USERNAME"],
                          self.env["CALLFLEET_SF_PASSWORD"])

    def close(self):
        """Brings it down. Returns what was wrong: a killed part, an exit code, text of a sanitizer, a left process."""
        problems = []
        for reader in self.readers:
            reader.consumer.close()
        if not (self.directory / "run" / "setting.workers").exists():
            return ["the fleet in %s never came up" % self.directory]
        down = subprocess.run([str(FLEET_SH), "down", "--dir", str(self.directory)], text=True, capture_output=True,
                              timeout=90, check=False)
        if down.returncode != 0:
            problems.append("fleet.sh down: " + down.stderr)
        for name in self.workers():
            code = self.exit_code(name)
            if code != 0 and name not in self.killed:
                problems.append("%s ended with %s\n%s" % (name, code, "\n".join(self.log(name).splitlines()[-15:])))
        for path in sorted((self.directory / "log").glob("*.log")):
            problems += bad_lines(path)
        problems += ["still running: " + line for line in processes_of(self.directory)]
        return problems
