# SPDX-License-Identifier: Apache-2.0
"""waits - bounded polling: a test never sleeps for a guessed time."""
import time


def wait_until(fn, timeout_s, what, every_s=0.05):
    """Calls `fn` until it returns something true and returns that; AssertionError with `what` when time is over."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = fn()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError("not within %g s: %s" % (timeout_s, what() if callable(what) else what))
        time.sleep(every_s)
