#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# check-includes.sh [DIR] - the layout rules that a compiler does not check; prints every breach, exits 1 if any.
#
#   levels   a module of common/ includes only modules that stand before it in the table of common/README.md
#   vendors  each outside library is seen by one module only (and by the tools that stand in for the other side)
#   pure     the routing engine and the stages' rules do no I/O: nothing from level 1 up, no clock, no <time.h>
#   files    a licence line first; no C file (but for tests) longer than 600 lines
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"
problems=$(mktemp)
trap 'rm -f "$problems"' EXIT

sources() {
    find "$@" \( -name '*.c' -o -name '*.h' -o -name '*.cc' \) -not -path '*/node_modules/*' 2>/dev/null | sort
}

# "file:line target" of each include: with quotes when $1 is q, else with angle brackets.
includes() {
    local kind=$1
    shift
    if [ "$kind" = q ]; then
        grep -nE '^#include "' "$@" /dev/null | sed -E 's/^([^:]*:[0-9]+):#include "([^"]*)".*/\1 \2/' || true
    else
        grep -nE '^#include <' "$@" /dev/null | sed -E 's/^([^:]*:[0-9]+):#include <([^>]*)>.*/\1 \2/' || true
    fi
}

check_levels() {
    local order
    order=$(sed -nE 's/^\| [0-9]+ \| ([a-z0-9 ]+) \|.*/\1/p' common/README.md | tr '\n' ' ')
    mapfile -t files < <(sources common)
    includes q "${files[@]}" | awk -v order="$order" '
        BEGIN { n = split(order, name, " "); for (i = 1; i <= n; i++) rank[name[i]] = i }
        {
            split($1, file, "/"); own = file[2]; split($2, target, "/")
            if (!(own in rank)) { print $1 ": module " own " is not in the table of common/README.md"; next }
            if (index($2, "/") == 0 || target[1] == own) next
            if (!(target[1] in rank)) print $1 ": includes " $2 ", which is no module of common"
            else if (rank[target[1]] > rank[own]) print $1 ": " own " includes " target[1] ", which stands above it"
        }'
}

# vendor HEADER-REGEX ALLOWED-PATH-REGEX
vendor() {
    mapfile -t files < <(sources common workers tools)
    includes a "${files[@]}" | awk -v header="$1" -v allowed="$2" '
        $2 ~ header && $1 !~ allowed { print $1 ": includes <" $2 ">, which only " allowed " may" }'
}

check_vendors() {
    vendor '^uv(/|\.h)' '^common/loop/'
    vendor '^librdkafka/' '^(common/kafka|tools)/'
    vendor '^curl/' '^common/http/'
    vendor '^hiredis/' '^common/redis/'
    vendor '^microhttpd' '^(common/admin|tools/sf-sandbox)/'
    vendor '^simdjson' '^common/json/json_shim\.cc:'
    vendor '^phonenumbers/' '^common/phone/phone_shim\.cc:'
    vendor '^ini\.h' '^common/config/'
    vendor '^sqlite3' '^tools/'
}

check_pure() {
    local files
    mapfile -t files < <(sources workers/routing/engine workers | grep -E 'routing/engine/|_rules\.[ch]$' | sort -u)
    [ "${#files[@]}" -gt 0 ] || return 0
    includes q "${files[@]}" | awk '
        $2 ~ /^(loop|kafka|http|redis|admin|worker|log)\// { print $1 ": a pure part includes " $2 }'
    includes a "${files[@]}" | awk '
        $2 ~ /^(time|sys\/time|sys\/socket|pthread|signal|poll)\.h$/ { print $1 ": a pure part includes <" $2 ">" }'
    grep -nE '\b(cf_clock_(wall|mono)[a-z_]*|time|rand|random|getrandom|getenv) *\(' "${files[@]}" |
        sed -E 's/^([^:]*:[0-9]+):.*/\1: a pure part asks the world for something/' || true
}

check_files() {
    local file
    while read -r file; do
        head -n 3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || echo "$file: no licence line at the top"
    done < <(find common workers tools tests deploy \
        \( -name '*.c' -o -name '*.h' -o -name '*.cc' -o -name '*.sh' -o -name '*.py' -o -name '*.def' -o -name '*.js' \) \
        -not -path '*/node_modules/*' | sort)
    mapfile -t files < <(sources common workers tools)
    wc -l "${files[@]}" | awk '$2 != "total" && $1 > 600 { print $2 ": " $1 " lines, 600 are the limit" }'
}

{
    check_levels
    check_vendors
    check_pure
    check_files
} >"$problems"
cat "$problems"
[ ! -s "$problems" ]
