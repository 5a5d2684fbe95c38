# SPDX-License-Identifier: Apache-2.0
"""checks - callfleet-check over the topics of a test: routing kept its rules, whatever was done to it."""
import subprocess


def assert_no_findings(program, brokers, prefix):
    """Records at the end may still be without decisions: ticks, and what came a moment ago."""
    done = subprocess.run([program("callfleet-check"), "--open-end", "--brokers", brokers, "--topic-prefix", prefix],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
