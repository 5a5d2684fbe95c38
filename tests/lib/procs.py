# SPDX-License-Identifier: Apache-2.0
"""procs - processes of a test: a log file each, an end within bounds, and a search for what must not be in a log."""
import pathlib
import re
import signal
import subprocess

from waits import wait_until

# What sanitizers and failed asserts print. Any of it in a log fails the test.
BAD_TEXT = re.compile(r"SUMMARY: \w+Sanitizer|==\d+==ERROR|runtime error:|Assertion .* failed|stack smashing")


def bad_lines(path):
    """The lines of a log that must not be there, as 'file: line'."""
    try:
        text = pathlib.Path(path).read_text(errors="replace")
    except FileNotFoundError:
        return []
    return ["%s: %s" % (path, line) for line in text.splitlines() if BAD_TEXT.search(line)]


def processes_of(directory):
    """Command lines of the running processes that name `directory`."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue  # it has just ended
        line = b" ".join(words).decode(errors="replace").strip()
        if "%s/" % directory in line + "/":
            found.append("%s %s" % (entry.parent.name, line))
    return found


class Process:
    """One process, its output in a log file."""

    def __init__(self, command, log, **options):
        self.command, self.log = [str(word) for word in command], pathlib.Path(log)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log, "ab") as out:
            self.popen = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, **options)

    def running(self):
        return self.popen.poll() is None

    def tail(self, lines=20):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def wait_file(self, path, timeout_s=15):
        """Waits for a file the process writes (a port file) and returns its text."""
        def content():
            assert self.running(), "%s ended with %s:\n%s" % (self.command[0], self.popen.poll(), self.tail())
            return path.exists() and path.read_text().strip()
        return wait_until(content, timeout_s, "%s from %s" % (path, self.command[0]))

    def stop(self, timeout_s=10, expect=0):
        """SIGTERM; the exit code must be `expect` (None: any) and the log clean."""
        if self.running():
            self.popen.send_signal(signal.SIGTERM)
        try:
            code = self.popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait(5)
            raise AssertionError("%s did not end within %g s of SIGTERM:\n%s"
                                 % (self.command[0], timeout_s, self.tail())) from None
        bad = bad_lines(self.log)
        assert not bad, "\n".join(bad)
        assert expect is None or code == expect, "%s ended with %d:\n%s" % (self.command[0], code, self.tail())

    def kill(self):
        self.popen.kill()
        self.popen.wait(5)
