#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# fleet.sh - the whole fleet on this machine: broker, Redis, Salesforce sandbox and the three workers, on 127.0.0.1.
#
#   tools/fleet.sh up [--kafka embedded|apache|apache3|HOST:PORT] [--bin DIR] [--workers lookup=2,...] [--topic-prefix P]
#                     [--history FILE]    where the sandbox writes down all that it is asked and commits
#   tools/fleet.sh status    one line per part; exit 0 when all is ready, 3 when not
#   tools/fleet.sh env       shell variables: eval "$(tools/fleet.sh env)"
#   tools/fleet.sh down      ends all parts, leaves nothing running; exit 1 when one had to be killed
#   tools/fleet.sh start|stop|kill NAME    one part, named as in status; kill is SIGKILL
#
# --dir DIR (${XDG_STATE_HOME:-~/.local/state}/callfleet/fleet) holds everything: log/, conf/, secret/, run/, the broker's
# and the sandbox's data. Fleets in different directories run side by side. A fleet starts empty each time it goes up.
# --bin is where the programs are: build/release/bin if there, else build/dev/bin. --workers says how many of each.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/lib/process.sh"

stages=(lookup routing postcall)
ready_timeout_s=60
stop_timeout_s=15
# The sandbox's own test credentials; a fleet that talks to a real org is configured by hand (README).
sandbox_default() { sed -n "s/^#define $1 \"\(.*\)\"$/\1/p" "$cf_root/tools/sf-sandbox/defaults.h"; }
sf_client_id=$(sandbox_default SB_CLIENT_ID)
sf_client_secret=$(sandbox_default SB_CLIENT_SECRET)
sf_username=$(sandbox_default SB_USERNAME)
sf_password=$(sandbox_default SB_PASSWORD)

setting() { cat "$dir/run/setting.$1" 2>/dev/null || true; }

keep_setting() { printf '%s\n' "$2" >"$dir/run/setting.$1"; }

port_of() { cat "$dir/run/$1.port" 2>/dev/null || true; }

worker_names() { setting workers; }

is_apache() { case $(setting kafka) in apache | apache3) ;; *) return 1 ;; esac }

# ---- parts: start_NAME starts one and waits until it answers ----

start_kafka() {
    local kind
    kind=$(setting kafka)
    case $kind in
    embedded)
        process_start kafka "$bin/embedded-broker" --port-file "$dir/run/kafka.port" --topic-prefix "$(setting prefix)"
        process_wait_file "$dir/run/kafka.port" 10 kafka || return 1
        keep_setting brokers "127.0.0.1:$(port_of kafka)"
        return 0
        ;;
    apache | apache3)
        "$cf_root/tools/kafka.sh" start --dir "$dir/kafka" --nodes "$([ "$kind" = apache ] && echo 1 || echo 3)" \
            >"$dir/run/setting.brokers" 2>>"$dir/log/kafka.log" 9>&- || return 1
        ;;
    *) keep_setting brokers "$kind" ;;
    esac
    "$cf_python" "$cf_root/tools/lib/kafka_admin.py" topics --timeout 20 --brokers "$(setting brokers)" \
        --prefix "$(setting prefix)" >>"$dir/log/kafka.log" 2>&1
}

start_redis() {
    local try deadline
    for try in 1 2 3; do # somebody may take the port between the choice and the start
        [ -s "$dir/run/redis.port" ] || cf_free_ports 1 >"$dir/run/redis.port"
        process_start redis redis-server --port "$(port_of redis)" --bind 127.0.0.1 --save '' --appendonly no \
            --daemonize no --set-proc-title no --dir "$dir/run"
        deadline=$((SECONDS + 5))
        while process_runs redis && [ "$SECONDS" -lt "$deadline" ]; do
            [ "$(redis-cli -p "$(port_of redis)" ping 2>/dev/null)" != PONG ] || return 0
            sleep 0.05
        done
        process_stop 2 redis || true
        rm -f "$dir/run/redis.port"
        cf_say "redis-server did not start (try $try of 3)"
    done
    return 1
}

start_sandbox() {
    local port samples=(--samples) history=() deadline=$((SECONDS + 10))
    port=$(port_of sandbox)
    [ ! -e "$dir/sandbox.db" ] || samples=() # a restart goes on with its records
    [ -z "$(setting history)" ] || history=(--history "$(setting history)")
    rm -f "$dir/run/sandbox.port"
    process_start sandbox "$bin/sf-sandbox" --port "${port:-0}" --db "$dir/sandbox.db" \
        --port-file "$dir/run/sandbox.port" "${samples[@]}" "${history[@]}"
    process_wait_file "$dir/run/sandbox.port" 10 sandbox || return 1
    until curl -fs -o "$dir/run/versions.json" -m 1 "http://127.0.0.1:$(port_of sandbox)/services/data/"; do
        if [ "$SECONDS" -ge "$deadline" ] || ! process_runs sandbox; then return 1; fi
        sleep 0.05
    done
}

# write_config NAME STAGE
write_config() {
    cat <<INI
# written by fleet.sh at each start
kafka_brokers = $(setting brokers)
group = $(setting prefix)callfleet.$2
instance = $1
session_timeout_ms = 6000
admin_listen = 127.0.0.1:0
admin_port_file = $dir/run/$1.port
redis_url = redis://127.0.0.1:$(port_of redis)
INI
    [ -z "$(setting prefix)" ] || printf 'topic_prefix = %s\n' "$(setting prefix)"
    [ "$2" = routing ] || cat <<INI
sf_login_url = http://127.0.0.1:$(port_of sandbox)
sf_grant = password
sf_client_id = $sf_client_id
sf_client_secret_file = $dir/secret/client-secret
sf_username = $sf_username
sf_password_file = $dir/secret/password
INI
    # The embedded broker sleeps the whole wait of a fetch that finds nothing.
    [ "$(setting kafka)" != embedded ] || printf '[kafka]\nfetch.wait.max.ms = 10\n'
}

start_worker() {
    local name=$1 stage
    stage=${name%%-*}
    rm -f "$dir/run/$name.port"
    write_config "$name" "$stage" >"$dir/conf/$name.ini"
    process_start "$name" "$bin/$stage-worker" --config "$dir/conf/$name.ini"
}

worker_is_ready() {
    [ -s "$dir/run/$1.port" ] && curl -fs -o "$dir/run/$1.readyz" -m 1 "http://127.0.0.1:$(port_of "$1")/readyz"
}

wait_workers() {
    local name deadline=$((SECONDS + ready_timeout_s))
    for name in "$@"; do
        until worker_is_ready "$name"; do
            if ! process_runs "$name"; then
                process_tail "$name"
                cf_say "$name ended with $(process_exit_code "$name")"
                return 1
            fi
            if [ "$SECONDS" -ge "$deadline" ]; then
                process_tail "$name"
                cf_say "$name is not ready after $ready_timeout_s s"
                return 1
            fi
            sleep 0.05
        done
    done
}

start_part() {
    case $1 in
    kafka | redis | sandbox) "start_$1" || { process_tail "$1" && return 1; } ;;
    *) start_worker "$1" && wait_workers "$1" ;;
    esac
}

# ---- verbs ----

choose_bin() {
    if [ -n "$bin" ]; then
        bin=$(realpath "$bin")
    elif [ -x "$cf_root/build/release/bin/lookup-worker" ]; then
        bin=$cf_root/build/release/bin
    else
        bin=$cf_root/build/dev/bin
    fi
    [ -x "$bin/lookup-worker" ] || cf_die "no programs in $bin: build first (cmake --workflow --preset release)"
}

# Prints the workers' names: "lookup", or "lookup-1 lookup-2" when there are more of them.
name_workers() {
    local stage pair count i
    for stage in "${stages[@]}"; do
        count=1
        for pair in ${1//,/ }; do
            [ "${pair%%=*}" != "$stage" ] || count=${pair#*=}
        done
        if [ "$count" = 1 ]; then
            echo "$stage"
        else
            for ((i = 1; i <= count; i++)); do echo "$stage-$i"; done
        fi
    done
}

prepare_dir() {
    rm -rf "$dir/run" "$dir/conf" "$dir/secret" "$dir/kafka" "$dir/sandbox.db"*
    rm -f "$dir/log/"*.log
    mkdir -p "$dir/run" "$dir/conf" "$dir/secret" "$dir/log"
    printf '%s\n' "$sf_client_secret" >"$dir/secret/client-secret"
    printf '%s\n' "$sf_password" >"$dir/secret/password"
    keep_setting kafka "$kafka"
    keep_setting prefix "$prefix"
    keep_setting bin "$bin"
    [ -z "$history" ] || keep_setting history "$history"
    keep_setting workers "$(name_workers "$workers")"
}

start_all() {
    local name
    for name in kafka redis sandbox; do
        start_part "$name" || { cf_say "$name did not start" && return 1; }
    done
    for name in $(worker_names); do start_worker "$name" || return 1; done
    # shellcheck disable=SC2046
    wait_workers $(worker_names)
}

up() {
    if [ -e "$dir/run/setting.kafka" ] && any_runs; then
        cf_die "a fleet runs in $dir already (tools/fleet.sh status); bring it down first"
    fi
    case $kafka in
    embedded | apache | apache3 | *:*) ;;
    *) cf_usage_error "--kafka is embedded, apache, apache3 or HOST:PORT" ;;
    esac
    choose_bin
    case $kafka in apache*) "$cf_root/tools/setup.sh" --kafka 9>&- ;; esac
    prepare_dir
    trap 'down || true; cf_die "interrupted; the fleet is down"' INT TERM
    if ! start_all; then
        down || true
        cf_die "the fleet did not come up and is down again; logs are in $dir/log"
    fi
    trap - INT TERM
    status
}

any_runs() {
    local name
    for name in kafka redis sandbox $(worker_names); do
        if process_runs "$name"; then return 0; fi
    done
    is_apache && "$cf_root/tools/kafka.sh" status --dir "$dir/kafka" 2>/dev/null | grep -q ' running'
}

# Workers first: they hand back their work while broker and Redis still answer.
down() {
    local name killed=0 code
    # shellcheck disable=SC2046
    process_stop "$stop_timeout_s" $(worker_names) || killed=1
    for name in $(worker_names); do
        code=$(process_exit_code "$name")
        case $code in '' | 0) ;; *) cf_say "$name ended with code $code, see $dir/log/$name.log" ;; esac
    done
    process_stop "$stop_timeout_s" sandbox redis kafka || killed=1
    if is_apache; then "$cf_root/tools/kafka.sh" stop --dir "$dir/kafka" || killed=1; fi
    return "$killed"
}

# part_line NAME ADDRESS: prints the line of status; 1 when the part is not well.
part_line() {
    local state=running
    case $1 in
    kafka) if is_apache; then "$cf_root/tools/kafka.sh" status --dir "$dir/kafka" >/dev/null || state=down; fi ;;
    redis | sandbox) ;;
    *) if worker_is_ready "$1"; then state=ready; else state='not ready'; fi ;;
    esac
    if [ "$1" != kafka ] || [ "$(setting kafka)" = embedded ]; then process_runs "$1" || state=down; fi
    printf '%-12s %-10s %s\n' "$1" "$state" "$2"
    [ "$state" = running ] || [ "$state" = ready ]
}

status() {
    local name bad=0
    [ -e "$dir/run/setting.kafka" ] || { echo "no fleet in $dir" && return 3; }
    part_line kafka "$(setting brokers) ($(setting kafka))" || bad=3
    part_line redis "redis://127.0.0.1:$(port_of redis)" || bad=3
    part_line sandbox "http://127.0.0.1:$(port_of sandbox)" || bad=3
    for name in $(worker_names); do
        part_line "$name" "http://127.0.0.1:$(port_of "$name")/metrics" || bad=3
    done
    printf '%-12s %-10s %s\n' logs '' "$dir/log"
    return "$bad"
}

env_line() {
    case $2 in
    *[!A-Za-z0-9_.,:/@-]*) printf "%s='%s'\n" "$1" "${2//\'/\'\\\'\'}" ;;
    *) printf '%s=%s\n' "$1" "$2" ;;
    esac
}

print_env() {
    local name urls=()
    [ -e "$dir/run/setting.kafka" ] || cf_die "no fleet in $dir"
    for name in $(worker_names); do urls+=("http://127.0.0.1:$(port_of "$name")"); done
    env_line CALLFLEET_KAFKA "$(setting brokers)"
    env_line CALLFLEET_REDIS "redis://127.0.0.1:$(port_of redis)"
    env_line CALLFLEET_SALESFORCE "http://127.0.0.1:$(port_of sandbox)"
    env_line CALLFLEET_SF_CLIENT_ID "$sf_client_id"
    env_line CALLFLEET_SF_CLIENT_SECRET "$sf_client_secret"
    env_line CALLFLEET_SF_USERNAME "$sf_username"
    env_line CALLFLEET_SF_PASSWORD "$sf_password"
    env_line CALLFLEET_METRICS "${urls[*]}"
    echo export CALLFLEET_KAFKA CALLFLEET_REDIS CALLFLEET_SALESFORCE CALLFLEET_SF_CLIENT_ID \
        CALLFLEET_SF_CLIENT_SECRET CALLFLEET_SF_USERNAME CALLFLEET_SF_PASSWORD CALLFLEET_METRICS
}

# one_part start|stop|kill NAME
one_part() {
    [ -e "$dir/run/setting.kafka" ] || cf_die "no fleet in $dir"
    case " kafka redis sandbox $(worker_names | tr '\n' ' ')" in
    *" $2 "*) ;;
    *) cf_usage_error "no part is named $2" ;;
    esac
    if [ "$2" = kafka ] && [ "$1" != start ] && is_apache; then
        if [ "$1" = kill ]; then set -- --now; else set --; fi
        "$cf_root/tools/kafka.sh" stop --dir "$dir/kafka" "$@"
        return
    fi
    case $1 in
    start) process_runs "$2" || start_part "$2" ;;
    stop) process_stop "$stop_timeout_s" "$2" ;;
    kill)
        process_signal KILL "$2"
        cf_wait_gone 5 "$dir/" "$(process_pid "$2")"
        ;;
    esac
}

parse() {
    while [ $# -gt 0 ]; do
        case $1 in
        --dir) cf_need_value "$@" && dir=$2 && shift ;;
        --kafka) cf_need_value "$@" && kafka=$2 && shift ;;
        --bin) cf_need_value "$@" && bin=$2 && shift ;;
        --workers) cf_need_value "$@" && workers=$2 && shift ;;
        --topic-prefix) cf_need_value "$@" && prefix=$2 && shift ;;
        --history) cf_need_value "$@" && history=$(realpath -m "$2") && shift ;;
        -h | --help) cf_help && exit 0 ;;
        -*) cf_usage_error "unknown option $1" ;;
        *) words+=("$1") ;;
        esac
        shift
    done
}

main() {
    dir=${XDG_STATE_HOME:-$HOME/.local/state}/callfleet/fleet
    kafka=embedded bin='' workers='' prefix='' history='' words=()
    parse "$@"
    dir=$(realpath -m "$dir")
    umask 077
    case ${words[*]} in
    status) status && return 0 || return $? ;;
    env) print_env && return 0 || return $? ;;
    up | down | 'start '* | 'stop '* | 'kill '*) ;;
    *) cf_usage_error "up, down, status, env, or start|stop|kill NAME?" ;;
    esac
    mkdir -p "$dir"
    exec 9>"$dir/lock"
    flock -n 9 || cf_die "another fleet.sh is at work in $dir"
    if [ "${words[0]}" != up ]; then bin=$(setting bin); fi
    case ${words[0]} in
    up) up ;;
    down) down ;;
    *) one_part "${words[@]}" ;;
    esac
}

main "$@"
