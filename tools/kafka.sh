#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kafka.sh - Apache Kafka (KRaft) for tests and local use: 1 or 3 nodes on 127.0.0.1, all data in one directory.
#
#   tools/kafka.sh start  --dir DIR [--nodes 1|3] [--port BASE]   sets up DIR the first time, waits until all brokers answer
#   tools/kafka.sh topics --dir DIR [--partitions 4] [--prefix P] [TOPIC...]   creates topics; default: those of the fleet
#   tools/kafka.sh status --dir DIR    one line per node; exit 0 when all run, 3 when not
#   tools/kafka.sh env    --dir DIR    prints CALLFLEET_KAFKA=HOST:PORT[,...]
#   tools/kafka.sh stop   --dir DIR [--now]    ends the nodes of DIR and no others; --now kills them
#
# start and stop take --node N to end or restart one node of three. Without --port the ports are random and kept in DIR.
# CALLFLEET_KAFKA_JVM replaces the Java options (heap included). The jars come from tools/setup.sh --kafka.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

jars=$cf_cache/kafka-3.9.1
start_timeout_s=90
stop_timeout_s=15

node_dir() { echo "$dir/node-$1"; }

node_pid() { cat "$(node_dir "$1")/pid" 2>/dev/null || true; }

# The properties file's path stands in the command line of the node's JVM: that tells our processes from others.
node_runs() { cf_pid_is "$(node_pid "$1")" "$(node_dir "$1")/server.properties"; }

all_nodes() { seq 1 "$(cat "$dir/nodes" 2>/dev/null || echo 0)"; }

chosen_nodes() {
    if [ -n "$node" ]; then echo "$node"; else all_nodes; fi
}

# write_properties N NODES PORT...: ports are client 1, controller 1, client 2, controller 2, ...
write_properties() {
    local n=$1 nodes=$2 voters='' i isr=1
    shift 2
    local ports=("$@")
    for ((i = 1; i <= nodes; i++)); do
        voters+=${voters:+,}$i@127.0.0.1:${ports[2 * i - 1]}
    done
    [ "$nodes" -lt 3 ] || isr=2
    cat <<PROPERTIES
process.roles=broker,controller
node.id=$n
controller.quorum.voters=$voters
listeners=PLAINTEXT://127.0.0.1:${ports[2 * n - 2]},CONTROLLER://127.0.0.1:${ports[2 * n - 1]}
advertised.listeners=PLAINTEXT://127.0.0.1:${ports[2 * n - 2]}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$(node_dir "$n")/data
num.partitions=4
default.replication.factor=$nodes
min.insync.replicas=$isr
offsets.topic.num.partitions=4
offsets.topic.replication.factor=$nodes
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=$nodes
transaction.state.log.min.isr=$isr
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=6000
broker.heartbeat.interval.ms=1000
log.message.timestamp.type=CreateTime
log.retention.ms=-1
num.network.threads=2
num.io.threads=4
num.replica.fetchers=1
log.cleaner.dedupe.buffer.size=16777216
PROPERTIES
}

# Sets up DIR: ports, cluster id, properties, formatted storage. Done once; a second start finds it.
set_up() {
    local nodes=$1 base=$2 ports cluster n pids=()
    if [ -n "$base" ]; then
        mapfile -t ports < <(seq "$base" $((base + 2 * nodes - 1)))
    else
        read -r -a ports < <(cf_free_ports $((2 * nodes)))
    fi
    # An id is 16 bytes in base64; the fixed first letter keeps it from looking like an option.
    cluster=C$("$cf_python" -c 'import base64,uuid; print(base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22])')
    for ((n = 1; n <= nodes; n++)); do
        rm -rf "$(node_dir "$n")"
        mkdir -p "$(node_dir "$n")"
        write_properties "$n" "$nodes" "${ports[@]}" >"$(node_dir "$n")/server.properties"
        java -cp "$jars/*" -Xmx128m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC kafka.tools.StorageTool format \
            -t "$cluster" -c "$(node_dir "$n")/server.properties" >"$(node_dir "$n")/format.log" 2>&1 &
        pids+=($!)
    done
    for n in "${!pids[@]}"; do
        wait "${pids[$n]}" || {
            cat "$(node_dir $((n + 1)))/format.log" >&2
            cf_die "could not format the storage of node $((n + 1))"
        }
    done
    for ((n = 0; n < nodes; n++)); do printf '127.0.0.1:%s\n' "${ports[2 * n]}"; done | paste -sd, >"$dir/brokers"
    echo "$nodes" >"$dir/nodes" # last: it says that the set-up is whole
}

launch_node() {
    local heap=512m where
    where=$(node_dir "$1")
    [ "$(cat "$dir/nodes")" = 1 ] || heap=256m
    # shellcheck disable=SC2086
    setsid java ${CALLFLEET_KAFKA_JVM:--Xms128m -Xmx$heap -XX:+UseSerialGC -XX:TieredStopAtLevel=1} \
        -Djava.awt.headless=true "-Dlog4j.configuration=file:$dir/log4j.properties" -cp "$jars/*" \
        kafka.Kafka "$where/server.properties" >>"$where/log" 2>&1 </dev/null &
    echo $! >"$where/pid"
    # Until its exec is through it has our command line, and would count as not running.
    until node_runs "$1"; do
        kill -0 $! 2>/dev/null || break
        sleep 0.01
    done
}

show_log() {
    local n=$1
    cf_say "last lines of $(node_dir "$n")/log:"
    tail -n 15 "$(node_dir "$n")/log" >&2
}

# Waits until all nodes that run are in the cluster; fails early when one of them ends.
wait_ready() {
    local deadline=$((SECONDS + start_timeout_s)) n count=0
    for n in $(all_nodes); do
        if node_runs "$n"; then count=$((count + 1)); fi
    done
    until "$cf_python" "$cf_root/tools/lib/kafka_admin.py" wait --brokers "$(cat "$dir/brokers")" --nodes "$count" \
        --timeout 3 2>"$dir/wait.log"; do
        for n in $(chosen_nodes); do
            node_runs "$n" || { show_log "$n" && return 1; }
        done
        if [ "$SECONDS" -ge "$deadline" ]; then
            cat "$dir/wait.log" >&2
            return 1
        fi
    done
}

start() {
    local n launched=0
    [ -d "$jars" ] || cf_die "the jars are missing: run tools/setup.sh --kafka"
    mkdir -p "$dir"
    printf '%s\n' log4j.rootLogger=INFO,out log4j.appender.out=org.apache.log4j.ConsoleAppender \
        log4j.appender.out.layout=org.apache.log4j.PatternLayout \
        'log4j.appender.out.layout.ConversionPattern=%d{ISO8601} %p %m (%c{1})%n' >"$dir/log4j.properties"
    [ -f "$dir/nodes" ] || set_up "${nodes:-1}" "$port"
    [ -z "$nodes" ] || [ "$nodes" = "$(cat "$dir/nodes")" ] || cf_die "$dir was set up with $(cat "$dir/nodes") nodes"
    for n in $(chosen_nodes); do
        node_runs "$n" && continue
        launch_node "$n"
        launched=1
    done
    if ! wait_ready; then
        [ "$launched" = 0 ] || stop_nodes KILL
        cf_die "Kafka did not start; its directory is $dir"
    fi
    cat "$dir/brokers"
}

# stop_nodes TERM|KILL. Three combined nodes that end together lose their quorum and may wait for it: hence the bound.
stop_nodes() {
    local n pid pids=() signal=$1
    for n in $(chosen_nodes); do
        if node_runs "$n"; then pids+=("$(node_pid "$n")"); fi
    done
    [ "${#pids[@]}" -gt 0 ] || return 0
    kill "-$signal" "${pids[@]}" 2>/dev/null || true
    if ! cf_wait_gone "$stop_timeout_s" "$dir/node-" "${pids[@]}"; then
        for pid in "${pids[@]}"; do
            if cf_pid_is "$pid" "$dir/node-"; then
                cf_say "killing the node with pid $pid"
                kill -KILL "$pid" 2>/dev/null || true
            fi
        done
        cf_wait_gone 5 "$dir/node-" "${pids[@]}" || cf_die "a node outlives SIGKILL"
    fi
    for n in $(chosen_nodes); do rm -f "$(node_dir "$n")/pid"; done
}

status() {
    local n down=
    [ -f "$dir/nodes" ] || { echo "no Kafka in $dir" && return 3; }
    for n in $(chosen_nodes); do
        if node_runs "$n"; then
            echo "node $n $(cut -d, -f"$n" "$dir/brokers") running, pid $(node_pid "$n")"
        else
            echo "node $n $(cut -d, -f"$n" "$dir/brokers") not running"
            down=1
        fi
    done
    [ -z "$down" ] || return 3
}

parse() {
    while [ $# -gt 0 ]; do
        case $1 in
        --dir) cf_need_value "$@" && dir=$2 && shift ;;
        --nodes) cf_need_value "$@" && nodes=$2 && shift ;;
        --node) cf_need_value "$@" && node=$2 && shift ;;
        --port) cf_need_value "$@" && port=$2 && shift ;;
        --partitions) cf_need_value "$@" && partitions=$2 && shift ;;
        --prefix) cf_need_value "$@" && prefix=$2 && shift ;;
        --now) signal=KILL ;;
        -h | --help) cf_help && exit 0 ;;
        -*) cf_usage_error "unknown option $1" ;;
        *) words+=("$1") ;;
        esac
        shift
    done
}

main() {
    dir='' nodes='' node='' port='' partitions=4 prefix='' signal=TERM words=()
    parse "$@"
    [ "${#words[@]}" -gt 0 ] || cf_usage_error "start, topics, status, env or stop?"
    [ -n "$dir" ] || cf_usage_error "--dir is needed"
    case $nodes in '' | 1 | 3) ;; *) cf_usage_error "--nodes is 1 or 3" ;; esac
    case $node in '' | [123]) ;; *) cf_usage_error "--node is 1 to 3" ;; esac
    dir=$(realpath -m "$dir")
    case ${words[0]} in
    start) start ;;
    stop) stop_nodes "$signal" ;;
    status) status ;;
    env) printf 'CALLFLEET_KAFKA=%s\n' "$(cat "$dir/brokers" 2>/dev/null)" ;;
    topics)
        "$cf_python" "$cf_root/tools/lib/kafka_admin.py" topics --brokers "$(cat "$dir/brokers")" \
            --partitions "$partitions" --replicas "$(cat "$dir/nodes")" --prefix "$prefix" "${words[@]:1}"
        ;;
    *) cf_usage_error "unknown verb ${words[0]}" ;;
    esac
}

main "$@"
