#!/usr/bin/env bash
# Runs Meson's tests of a build folder and closes with the line `N passed, N failed, N skipped`.
# usage: tools/test.sh BUILD [arguments of meson test]...   The counts are of test cases: tools/test_report.py.
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
build=${1:?usage: tools/test.sh BUILD [arguments of meson test]}
shift

# Tests that set a locale find the one that setup made.
[[ -d .deps/locale ]] && export LOCPATH=$PWD/.deps/locale

log=$build/meson-logs/testlog.json
rm -f "$log"
meson test -C "$build" --no-rebuild "$@" </dev/null
status=$?
python3 tools/test_report.py "$log" --status "$status"
