#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# test.sh - everything that must pass: set-up, formatting, clang-tidy, builds and all tests. This is what CI runs.
#
#   tools/test.sh             all sections
#   tools/test.sh unit fleet  only these; --list prints the names
#
# Sections: setup format tidy build docs unit fuzz, then one per folder of Python tests (schemas, component, fleet, ...);
# tsan (unit tests under the thread sanitizer) only when named. Logs and JUnit files are in build/test/. Exit code 1 when
# anything failed. With CI=true a test whose needs are missing fails instead of being skipped.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
cd "$cf_root"

out=$cf_root/build/test
section_timeout_s=1500
rows=()
total_passed=0 total_failed=0 total_skipped=0

c_files() { git ls-files -- '*.c' '*.h' '*.cc' | grep -v '^tests/fixtures/' || true; }

section_setup() { tools/setup.sh --kafka; }

section_format() {
    local files
    mapfile -t files < <(c_files)
    clang-format --dry-run -Werror "${files[@]}"
}

configure() { cmake --preset "$1"; }

build() { configure "$1" && cmake --build --preset "$1"; }

section_tidy() { configure tidy && tools/lib/tidy.py build/tidy "$cf_cache/tidy"; }

section_build() { build dev && build release; }

run_ctest() {
    local preset=$1 junit=$2
    shift 2
    ctest --preset "$preset" -j "$(nproc)" --output-junit "$out/$junit.xml" "$@"
}

section_docs() { tools/gen-docs.sh --check; }

# The schema tests are registered with ctest too, and have a section of their own here.
section_unit() { run_ctest dev unit -LE 'schemas|fuzz' && run_pytest unit-python tests/unit; }

section_fuzz() { configure fuzz && cmake --build --preset fuzz --target fuzzers && run_ctest fuzz fuzz -L fuzz; }

section_tsan() { build tsan && run_ctest tsan tsan -L unit; }

# run_pytest JUNIT-NAME FOLDER
run_pytest() {
    timeout --foreground "$section_timeout_s" "$cf_python" -m pytest -q --junitxml "$out/$1.xml" "$2"
}

# The folders of Python tests, those that take longest last.
python_sections() {
    local name
    for name in schemas deploy component fleet; do ! has_python "$name" || echo "$name"; done
    for name in tests/*/; do
        name=$(basename "$name")
        case $name in schemas | deploy | component | fleet | unit) ;; *) ! has_python "$name" || echo "$name" ;; esac
    done
}

has_python() { find "tests/$1" -name '*_test.py' -o -name 'test_*.py' 2>/dev/null | grep -q .; }

# count NAME CODE: passed, failed and skipped of a section; one without a JUnit file counts as one check.
count() {
    local passed failed skipped
    local files
    files=$(compgen -G "$out/$1*.xml" || true)
    if [ -n "$files" ]; then
        # shellcheck disable=SC2086
        read -r passed failed skipped < <("$cf_python" tools/lib/junit_counts.py $files)
        if [ "$2" != 0 ] && [ "$failed" = 0 ]; then failed=1; fi
    else
        passed=$(($2 == 0)) failed=$(($2 != 0)) skipped=0
    fi
    total_passed=$((total_passed + passed))
    total_failed=$((total_failed + failed))
    total_skipped=$((total_skipped + skipped))
    echo "$passed $failed $skipped" >"$out/$1.counts"
}

# run NAME: a section with its log; what a failed one printed is shown.
run() {
    local name=$1 start=$SECONDS code=0 passed failed skipped
    rm -f "$out/$name"*.xml
    echo "== $name"
    # errexit does not reach into a function that is tested, so each section is one chain of commands.
    if [ "$(type -t "section_$name")" = function ]; then
        "section_$name" >"$out/$name.log" 2>&1 </dev/null || { code=$? && tail -n 150 "$out/$name.log"; }
    else
        run_pytest "$name" "tests/$name" 2>&1 </dev/null | tee "$out/$name.log" || code=$?
    fi
    count "$name" "$code"
    read -r passed failed skipped <"$out/$name.counts"
    rows+=("$(printf '%-10s %6s %6s %7s %6s s' "$name" "$passed" "$failed" "$skipped" $((SECONDS - start)))")
    echo "   $passed passed, $failed failed, $skipped skipped in $((SECONDS - start)) s"
    return "$code"
}

summary() {
    echo
    printf '%-10s %6s %6s %7s %6s\n' section passed failed skipped time
    printf '%s\n' "${rows[@]}"
    echo
    echo "$total_passed passed, $total_failed failed, $total_skipped skipped"
}

main() {
    local sections section
    mkdir -p "$out"
    mapfile -t sections < <(printf '%s\n' setup format tidy build docs unit fuzz && python_sections)
    case ${1:-} in
    -h | --help) cf_help && exit 0 ;;
    --list) printf '%s\n' "${sections[@]}" tsan && exit 0 ;;
    esac
    for section in "$@"; do
        case " ${sections[*]} tsan " in *" $section "*) ;; *) cf_usage_error "no section $section; --list shows them" ;; esac
    done
    [ $# -eq 0 ] || sections=("$@")
    if command -v ccache >/dev/null; then
        export CMAKE_C_COMPILER_LAUNCHER=${CMAKE_C_COMPILER_LAUNCHER-ccache}
        export CMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER-ccache}
    fi
    for section in "${sections[@]}"; do
        if ! run "$section"; then
            # Without these two there is nothing to run the rest with.
            case $section in setup | build) break ;; esac
        fi
    done
    summary
    [ "$total_failed" = 0 ]
}

main "$@"
