#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# gen-docs.sh [--check] - fills the tables of configuration keys in the workers' READMEs from the workers themselves.
#
# A README marks the place with the lines "<!-- keys -->" and "<!-- /keys -->". With --check nothing is written: a table that
# differs is named and the exit code is 1. The workers are taken from $CALLFLEET_BIN, else from build/dev/bin.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${CALLFLEET_BIN:-build/dev/bin}
stale=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

for readme in workers/*/README.md; do
    stage=$(basename "$(dirname "$readme")")
    grep -qx '<!-- keys -->' "$readme" || continue
    "$bin/$stage-worker" --help=markdown >"$scratch/table"
    awk -v table="$scratch/table" '
        $0 == "<!-- keys -->" { print; print ""; while ((getline line < table) > 0) print line; print ""; inside = 1 }
        $0 == "<!-- /keys -->" { inside = 0 }
        !inside' "$readme" >"$scratch/new"
    if ! cmp -s "$scratch/new" "$readme"; then
        if [ "${1:-}" = --check ]; then
            echo "$readme: its table of keys is not what $stage-worker --help=markdown prints; run tools/gen-docs.sh"
            stale=1
        else
            cp "$scratch/new" "$readme"
            echo "$readme: written"
        fi
    fi
done
exit $stale
