# SPDX-License-Identifier: Apache-2.0
# process - background processes of a directory: started with a log, found again by PID file, ended within bounds.
# Sourced after common.sh; `dir` is the absolute directory. Every process started here has "$dir/" in its command line.
# shellcheck shell=bash disable=SC2154

# process_start NAME COMMAND...: a keeper in a session of its own writes the PID, and the exit code when it ends.
process_start() {
    local name=$1
    shift
    rm -f "$dir/run/$name.exit" "$dir/run/$name.pid"
    # shellcheck disable=SC2016
    setsid bash -c 'run=$1 && shift
        "$@" & echo $! >"$run.pid.part" && mv "$run.pid.part" "$run.pid"
        wait $! && code=0 || code=$?
        echo "$code" >"$run.exit"' keeper "$dir/run/$name" "$@" >>"$dir/log/$name.log" 2>&1 </dev/null 9>&- &
    echo $! >"$dir/run/$name.keeper"
    process_wait_file "$dir/run/$name.pid" 5 || { cf_say "$name did not start" && return 1; }
}

# process_wait_file FILE SECONDS [NAME]: waits until FILE has content; fails early when process NAME has ended.
process_wait_file() {
    local deadline=$((SECONDS + $2))
    until [ -s "$1" ]; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        if [ -n "${3:-}" ] && [ -e "$dir/run/$3.exit" ]; then return 1; fi
        sleep 0.02
    done
}

process_pid() { cat "$dir/run/$1.pid" 2>/dev/null || true; }

process_runs() { cf_pid_is "$(process_pid "$1")" "$dir/"; }

# process_signal SIGNAL NAME...
process_signal() {
    local signal=$1 name
    shift
    for name in "$@"; do
        if process_runs "$name"; then kill "-$signal" "$(process_pid "$name")" 2>/dev/null || true; fi
    done
}

# process_stop SECONDS NAME...: SIGTERM to all, a bounded wait, SIGKILL for what is left. Returns 1 when one was killed.
process_stop() {
    local bound=$1 name pids=() killed=0
    shift
    for name in "$@"; do
        # The keeper ends by itself, right after; it is waited for, and never signalled.
        if process_runs "$name"; then pids+=("$(process_pid "$name")" "$(cat "$dir/run/$name.keeper" || true)"); fi
    done
    [ "${#pids[@]}" -gt 0 ] || return 0
    process_signal TERM "$@"
    if ! cf_wait_gone "$bound" "$dir/" "${pids[@]}"; then
        for name in "$@"; do
            process_runs "$name" || continue
            cf_say "$name did not end within $bound s and is killed"
            killed=1
            process_signal KILL "$name"
        done
        cf_wait_gone 5 "$dir/" "${pids[@]}" || cf_die "a process outlives SIGKILL: ${pids[*]}"
    fi
    return "$killed"
}

# process_exit_code NAME: prints it once the keeper has written it; nothing when the process was not one of ours.
process_exit_code() {
    [ ! -e "$dir/run/$1.pid" ] || process_wait_file "$dir/run/$1.exit" 2 || true
    cat "$dir/run/$1.exit" 2>/dev/null || true
}

process_tail() {
    cf_say "last lines of $dir/log/$1.log:"
    tail -n 15 "$dir/log/$1.log" >&2 2>/dev/null || true
}
