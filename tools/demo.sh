#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# demo.sh - shows the whole fleet at work: thirty telephone calls from the first ring to the note in Salesforce.
#
#   tools/demo.sh [--kafka embedded|apache] [--keep]
#
# Installs what is missing, builds the release preset, brings the fleet up in a temporary directory (broker, Redis, Salesforce
# sandbox, three workers), plays the calls of tools/demo/calls.ndjson and prints what became of each; then shuts down.
# --kafka apache uses Apache Kafka instead of the in-memory broker. --keep leaves the fleet running and says how to use it.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
cd "$cf_root"

step() { printf '\n--- %s\n' "$*" >&2; }

# For this caller Salesforce answers too late, once (the text is the number in a query): the call goes on without the customer.
make_salesforce_slow() {
    curl -fsS -m 5 -o "$dir/fault.json" -H 'Content-Type: application/json' "$CALLFLEET_SALESFORCE/_sandbox/faults" \
        -d '{"kind":"delay","class":"composite","body_contains":"3%251%253%259%250%250%256%251%258","delay_ms":4000,"times":1}'
}

shut_down() {
    [ -d "$dir" ] || return 0
    tools/fleet.sh down --dir "$dir" || true
    rm -rf "$dir"
}

parse() {
    while [ $# -gt 0 ]; do
        case $1 in
        --kafka) cf_need_value "$@" && kafka=$2 && shift ;;
        --keep) keep=1 ;;
        -h | --help) cf_help && exit 0 ;;
        *) cf_usage_error "unknown option $1" ;;
        esac
        shift
    done
    case $kafka in embedded | apache) ;; *) cf_usage_error "--kafka is embedded or apache" ;; esac
}

main() {
    local code=0 setup=()
    kafka=embedded keep='' dir=''
    parse "$@"
    [ "$kafka" = embedded ] || setup=(--kafka)
    step "setting up"
    tools/setup.sh "${setup[@]}"
    step "building (release)"
    cmake --preset release >/dev/null
    cmake --build --preset release --target lookup-worker routing-worker postcall-worker sf-sandbox embedded-broker callgen
    dir=$(mktemp -d "${TMPDIR:-/tmp}/callfleet-demo.XXXXXX")
    trap shut_down EXIT
    trap 'exit 130' INT TERM
    step "bringing the fleet up ($kafka Kafka)"
    CALLFLEET_POLICY_FILE=$cf_root/tools/demo/policy.json tools/fleet.sh up --kafka "$kafka" --dir "$dir" \
        --bin build/release/bin
    eval "$(tools/fleet.sh env --dir "$dir")"
    make_salesforce_slow
    step "thirty calls, four agents"
    build/release/bin/callgen --brokers "$CALLFLEET_KAFKA" --script tools/demo/calls.ndjson --agents 4 --ring-ms 150..600 \
        --wrapup-ms 200..400 --timeout-s 30 --progress --report "$dir/report.ndjson" >"$dir/callgen.out" || code=$?
    [ -s "$dir/report.ndjson" ] || cf_die "callgen failed with code $code"
    curl -fsS -m 5 -o "$dir/statistics.json" "$CALLFLEET_SALESFORCE/_sandbox/stats"
    step "what became of them"
    "$cf_python" tools/demo/report.py "$dir/report.ndjson" "$dir/statistics.json"
    if [ -n "$keep" ]; then
        trap - EXIT
        step "the fleet stays up"
        echo "eval \"\$(tools/fleet.sh env --dir $dir)\"    # its addresses"
        echo "tools/fleet.sh down --dir $dir              # ends it"
    else
        step "shutting down"
        shut_down
        trap - EXIT
    fi
    return "$code"
}

main "$@"
