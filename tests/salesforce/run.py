#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The acceptance runs of the Salesforce side, on Apache Kafka, redis-server, the sandbox and all workers. By hand:

    tests/salesforce/run.py economy|faults|outage|all [--calls N] [--rate R] [--seconds S] [--variant V] [--seed X]

Prints a table; exit code 1 when a promise was broken. What is not given has the size of the promise: 10,000 calls at 500/s
(faults: 200/s), an outage of 600 s at 200 calls/s. README.md says what each run proves.
"""
import argparse
import json
import pathlib
import random
import shlex
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "lib"))

import brokers  # noqa: E402
import fleets  # noqa: E402
import runs  # noqa: E402

RATES = {"economy": 500, "faults": 200, "outage": 200}


def options_of(name, words):
    given = {k: v for k, v in vars(words).items() if v is not None and k in runs.Options.__dataclass_fields__}
    return runs.Options(**{"rate": RATES[name], **given})


def run(name, options, words):
    with tempfile.TemporaryDirectory(prefix="callfleet-runs-") as temporary:
        directory = pathlib.Path(words.keep or temporary)
        directory.mkdir(parents=True, exist_ok=True)
        with brokers.Apache(directory / "kafka") as kafka:
            history = directory / "history.ndjson"
            fleet = fleets.Fleet(directory / "fleet", words.bin, kafka=kafka.brokers, history=history,
                                 workers=words.workers + ("" if options.routing else ",routing=0"), environment=runs.environment())
            try:
                fleet.up()
                bed = runs.Bed(fleet, words.bin / "callgen", directory, history, words.customers, options.routing)
                result = runs.RUNS[name](bed, options)
            finally:
                problems = fleet.close()
        result.broken += problems
        return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", choices=[*runs.RUNS, "all"])
    parser.add_argument("--calls", type=int)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--variant", choices=runs.VARIANTS, help="of the outage; without it: refused (all: each of them)")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--fault-rate", type=float)
    parser.add_argument("--no-routing", dest="routing", action="store_false", default=None)
    parser.add_argument("--customers", type=int, default=9000)
    parser.add_argument("--workers", default="", help="how many of each, such as lookup=2,postcall=2")
    parser.add_argument("--bin", type=lambda p: pathlib.Path(p).resolve(), default=ROOT / "build" / "release" / "bin")
    parser.add_argument("--keep", help="directory for logs and histories; without it they go with the run")
    parser.add_argument("--json", type=pathlib.Path)
    words = parser.parse_args()
    results, again = [], sys.argv + ([] if "--seed" in sys.argv else ["--seed", str(words.seed)])
    for name in runs.RUNS if words.run == "all" else [words.run]:
        for variant in runs.VARIANTS if (words.run, name) == ("all", "outage") else [words.variant or "refused"]:
            words.variant = variant
            results.append(run(name, options_of(name, words), words))
            print("%s\n  to run it again: %s" % (results[-1], shlex.join(again)), flush=True)
    if words.json:
        words.json.write_text(json.dumps([{"run": r.name, "figures": dict(r.figures), "broken": r.broken} for r in results],
                                         indent=1) + "\n")
    sys.exit(1 if any(r.broken for r in results) else 0)


if __name__ == "__main__":
    main()
