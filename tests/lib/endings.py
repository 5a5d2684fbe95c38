# SPDX-License-Identifier: Apache-2.0
"""endings - how a fleet's worker ends: SIGTERM, and an exit with 0 within bounds."""
import os
import signal
import time

from waits import wait_until

END_S = 10  # SIGTERM to exit


def pid_of(fleet, name):
    return int((fleet.directory / "run" / (name + ".pid")).read_text())


def terminate(fleet, name, signalled=False):
    """SIGTERM, unless it was just `signalled`; returns (exit code, seconds it took)."""
    began = time.monotonic()
    if not signalled:
        os.kill(pid_of(fleet, name), signal.SIGTERM)
    wait_until(lambda: fleet.exit_code(name) is not None, END_S + 5, lambda: "%s: %s" % (name, fleet.log(name)[-2000:]))
    return fleet.exit_code(name), time.monotonic() - began


def assert_ends_well(fleet, name, signalled=False):
    code, took_s = terminate(fleet, name, signalled)
    assert code == 0, "%s ended with %d:\n%s" % (name, code, fleet.log(name)[-2000:])
    assert took_s < END_S, "%s took %.1f s to end:\n%s" % (name, took_s, fleet.log(name)[-2000:])
