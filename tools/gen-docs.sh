#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# gen-docs.sh [--check] - fills the tables of keys (workers' READMEs) and metrics (root README) from the workers themselves.
#
# A README marks the place with lines such as "<!-- keys -->" and "<!-- /keys -->". With --check nothing is written: a table that
# differs is named and the exit code is 1. The workers are taken from $CALLFLEET_BIN, else from build/dev/bin.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${CALLFLEET_BIN:-build/dev/bin}
check=${1:-}
stale=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# fill README MARK TABLE: puts the table between <!-- MARK --> and <!-- /MARK -->
fill() {
    grep -qx "<!-- $2 -->" "$1" || return 0
    awk -v table="$3" -v mark="$2" '
        $0 == "<!-- " mark " -->" { print; print ""; while ((getline line < table) > 0) print line; print ""; inside = 1 }
        $0 == "<!-- /" mark " -->" { inside = 0 }
        !inside' "$1" >"$scratch/new"
    cmp -s "$scratch/new" "$1" && return 0
    if [ "$check" = --check ]; then
        echo "$1: its table of $2 is not what the workers print; run tools/gen-docs.sh"
        stale=1
    else
        cp "$scratch/new" "$1"
        echo "$1: written"
    fi
}

for stage in lookup routing postcall; do
    "$bin/$stage-worker" --help=markdown >"$scratch/keys"
    "$bin/$stage-worker" --help=metrics >"$scratch/$stage-metrics"
    fill "workers/$stage/README.md" keys "$scratch/keys"
done
# One table for all: the runtime's metrics are the same everywhere, each stage adds its own.
awk '!seen[$0]++' "$scratch"/*-metrics >"$scratch/metrics"
fill README.md metrics "$scratch/metrics"
exit $stale
