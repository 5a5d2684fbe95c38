#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# setup.sh - installs what building, testing and running callfleet needs on Debian 12, if it is missing.
#
#   tools/setup.sh            Debian packages for build, tests and demo
#   tools/setup.sh --kafka    also Java, Maven and the jars of Apache Kafka, in ${XDG_CACHE_HOME:-~/.cache}/callfleet
#   tools/setup.sh --list     prints the package names, installs nothing
#
# It may be run as often as one likes; when all is there it ends at once. Not root: it uses sudo. No service is started.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

kafka_version=3.9.1
packages=(
    gcc g++ make cmake ninja-build pkg-config ccache git
    libuv1-dev librdkafka-dev libcurl4-openssl-dev libhiredis-dev libjansson-dev libmicrohttpd-dev libinih-dev
    libssl-dev libsimdjson-dev libphonenumber-dev libsqlite3-dev zlib1g-dev uuid-dev check
    clang clang-format clang-tidy libclang-rt-14-dev
    redis-server redis-tools kcat sqlite3 curl jq openssl ca-certificates procps
    python3 python3-pytest python3-pytest-timeout python3-jsonschema python3-confluent-kafka python3-redis
    python3-requests python3-yaml
)
# Command and the package that brings it: these come from elsewhere on many machines, and then Debian's would clash.
commands=(node:nodejs npm:npm)
kafka_commands=(java:openjdk-17-jre-headless mvn:maven)

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        cf_die "not root and there is no sudo; as root, run: $*"
    fi
}

# Prints the names of the packages that are wanted and not installed.
missing_packages() {
    local pair
    dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' "${packages[@]}" 2>/dev/null |
        awk '$1 == "ii" {print $2}' | sort -u >"$scratch/have" || true
    printf '%s\n' "${packages[@]}" | sort -u | comm -23 - "$scratch/have"
    for pair in "${commands[@]}"; do
        command -v "${pair%%:*}" >/dev/null || echo "${pair#*:}"
    done
}

# Debian starts a service when its package is installed; ours runs its own instances on its own ports.
forbid_services() {
    [ ! -e /usr/sbin/policy-rc.d ] || return 0
    printf '#!/bin/sh\nexit 101\n' >"$scratch/policy-rc.d"
    as_root install -m 755 "$scratch/policy-rc.d" /usr/sbin/policy-rc.d
    policy=/usr/sbin/policy-rc.d
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -qq -y \
        --no-install-recommends install "$@" >"$scratch/apt.log" 2>&1
}

install_packages() {
    local missing
    mapfile -t missing < <(missing_packages)
    [ "${#missing[@]}" -gt 0 ] || return 0
    command -v apt-get >/dev/null || cf_die "no apt-get here; needed: ${missing[*]}"
    cf_say "installing ${#missing[@]} Debian packages: ${missing[*]}"
    forbid_services
    if ! apt_install "${missing[@]}"; then
        cf_say "reading the package lists first (apt-get update)"
        as_root apt-get -o DPkg::Lock::Timeout=300 -qq update
        apt_install "${missing[@]}" || {
            tail -n 20 "$scratch/apt.log" >&2
            cf_die "apt-get install failed"
        }
    fi
    cf_say "packages installed"
}

write_pom() {
    cat <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>callfleet</groupId><artifactId>kafka-jars</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$kafka_version</version></dependency>
    <dependency><groupId>ch.qos.reload4j</groupId><artifactId>reload4j</artifactId><version>1.2.25</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-reload4j</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
POM
}

# The jars appear under their final name only when all of them are there, so two runs at once do no harm.
fetch_kafka() {
    local jars=$cf_cache/kafka-$kafka_version part
    [ ! -d "$jars" ] || return 0
    mkdir -p "$cf_cache"
    part=$(mktemp -d "$cf_cache/part.XXXXXX")
    write_pom >"$scratch/pom.xml"
    cf_say "fetching Apache Kafka $kafka_version into $jars"
    if ! mvn -q -B -f "$scratch/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
        -DincludeScope=runtime "-DoutputDirectory=$part" >"$scratch/mvn.log" 2>&1; then
        rm -rf "$part"
        tail -n 20 "$scratch/mvn.log" >&2
        cf_die "Maven could not fetch Apache Kafka"
    fi
    chmod 755 "$part"
    mv -T "$part" "$jars" 2>/dev/null || rm -rf "$part"
    [ -d "$jars" ] || cf_die "could not create $jars"
}

clean_up() {
    [ -z "$policy" ] || as_root rm -f "$policy"
    rm -rf "$scratch"
}

main() {
    local with_kafka= list=
    while [ $# -gt 0 ]; do
        case $1 in
        --kafka) with_kafka=1 commands+=("${kafka_commands[@]}") ;;
        --list) list=1 ;;
        -h | --help) cf_help && exit 0 ;;
        *) cf_usage_error "unknown option $1" ;;
        esac
        shift
    done
    if [ -n "$list" ]; then
        printf '%s\n' "${packages[@]}" "${commands[@]#*:}"
        exit 0
    fi
    policy=
    scratch=$(mktemp -d)
    trap clean_up EXIT
    install_packages
    [ -z "$with_kafka" ] || fetch_kafka
}

main "$@"
