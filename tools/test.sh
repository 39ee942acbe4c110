#!/usr/bin/env bash
# Runs Meson's tests of a build folder and closes with the line `N passed, N failed, N skipped`.
# usage: tools/test.sh BUILD [arguments of meson test]...   The counts are of test cases: tools/test_report.py.
#
# MARQUEE_SECOND_TRY=1 (.ci/run sets it): where few tests failed they run once more, alone. On a machine that others
# load too this tells a broken program from a test that was starved; what passes only then is named in the report as a
# flaw to mend, with its first output.
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
second_try_max=3
# Meson's time limits are guards against a hang. Arguments may name another multiplier: the last one counts.
multiplier=4

build=${1:?usage: tools/test.sh BUILD [arguments of meson test]}
shift

# Tests that set a locale find the one that setup made.
[[ -d .deps/locale ]] && export LOCPATH=$PWD/.deps/locale

log=$build/meson-logs/testlog.json
rm -f "$log"
meson test -C "$build" --no-rebuild --timeout-multiplier "$multiplier" "$@" </dev/null
status=$?
first=()
if [[ $status != 0 && ${MARQUEE_SECOND_TRY:-} == 1 ]]; then
    mapfile -t failed < <(python3 tools/test_report.py "$log" --failed-names)
    if ((${#failed[@]} >= 1 && ${#failed[@]} <= second_try_max)); then
        cp "$log" "${log%.json}.first.json"
        first=(--first "${log%.json}.first.json")
        rm -f "$log"
        # By their names alone: Meson falls over a test that is named twice.
        meson test -C "$build" --no-rebuild --num-processes 1 --timeout-multiplier "$multiplier" "${failed[@]}" </dev/null
        status=$?
    fi
fi
python3 tools/test_report.py "$log" --status "$status" "${first[@]}"
