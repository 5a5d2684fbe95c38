#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""junit_counts - prints "PASSED FAILED SKIPPED" summed over JUnit XML files (of ctest and pytest)."""
import sys
import xml.etree.ElementTree as ElementTree

passed = failed = skipped = 0
for path in sys.argv[1:]:
    try:
        cases = list(ElementTree.parse(path).iter("testcase"))
    except (OSError, ElementTree.ParseError):
        failed += 1  # a runner that died before it could write its result
        continue
    for case in cases:
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
print(passed, failed, skipped)
