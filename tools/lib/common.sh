# SPDX-License-Identifier: Apache-2.0
# common - what every script in tools/ shares. Sourced, never run; the sourcing script has `set -euo pipefail`.
# shellcheck shell=bash

cf_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cf_cache=${XDG_CACHE_HOME:-$HOME/.cache}/callfleet
cf_python=/usr/bin/python3 # Debian's, because its modules come as Debian packages

cf_say() {
    printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2
}

cf_die() {
    cf_say "$*"
    exit 1
}

cf_usage_error() {
    cf_say "$* (try --help)"
    exit 64
}

# The comment block at the top of a script is its --help text.
cf_help() {
    sed -n '3,/^[^#]/{s/^# \{0,1\}//p}' "$0"
}

# cf_need_value "$@": the option in front needs a value after it.
cf_need_value() {
    [ $# -ge 2 ] || cf_usage_error "$1 needs a value"
}

# cf_pid_is PID WORD: whether PID runs and its command line holds WORD. A PID file may be stale and its number in use
# by a stranger, so nobody is signalled without this check.
cf_pid_is() {
    local line='' try
    [ -n "$1" ] || return 1
    for try in 1 2 3 4 5; do
        { line=$(tr '\0' ' ' <"/proc/$1/cmdline"); } 2>/dev/null || return 1
        # Empty: it ends just now, or it is in the middle of exec and has its command line in a moment.
        [ -z "$line" ] || break
        [ "$try" = 5 ] || sleep 0.01
    done
    [[ $line == *"$2"* ]]
}

# cf_wait_gone SECONDS WORD PID...: waits until none of the processes runs; 1 when the time is over.
cf_wait_gone() {
    local deadline=$((SECONDS + $1)) word=$2 pid left
    shift 2
    while :; do
        left=
        for pid in "$@"; do
            if cf_pid_is "$pid" "$word"; then left=1; fi
        done
        [ -n "$left" ] || return 0
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.05
    done
}

# cf_free_ports N: N ports of 127.0.0.1 that nobody listens on, below the range that the kernel gives to clients.
cf_free_ports() {
    "$cf_python" - "$1" <<'PYTHON'
import random
import socket
import sys

held = []
for port in random.sample(range(10000, 32000), 2000):
    s = socket.socket()
    try:
        s.bind(("127.0.0.1", port))
    except OSError:
        continue
    held.append(s)
    if len(held) == int(sys.argv[1]):
        break
print(" ".join(str(s.getsockname()[1]) for s in held))
PYTHON
}
