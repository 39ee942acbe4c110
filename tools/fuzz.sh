#!/usr/bin/env bash
# Runs every libFuzzer target of a build folder for some seconds. usage: tools/fuzz.sh BUILD SECONDS
#
# Starts from fuzz/corpus/NAME, keeps what it finds interesting in BUILD/found/NAME, and leaves an input that
# crashed a target in BUILD/crashes/: it goes into fuzz/corpus/NAME with the fix, and is replayed as a test from then on.
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
build=${1:?usage: tools/fuzz.sh BUILD SECONDS}
seconds=${2:?usage: tools/fuzz.sh BUILD SECONDS}
input_timeout_s=10
memory_mb=2048
input_bytes_max=65536

mkdir -p "$build/crashes"
passed=0 failed=0
for target in "$build"/fuzz/fuzz_*; do
    [[ -f $target && -x $target ]] || continue
    name=${target##*/fuzz_}
    mkdir -p "$build/found/$name"
    log=$build/fuzz-$name.log
    if "$target" -max_total_time="$seconds" -timeout="$input_timeout_s" -rss_limit_mb="$memory_mb" \
        -max_len="$input_bytes_max" -print_final_stats=1 -artifact_prefix="$build/crashes/$name-" \
        "$build/found/$name" "fuzz/corpus/$name" >"$log" 2>&1 </dev/null; then
        ((++passed))
        printf '%-16s %s inputs tried\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
    else
        ((++failed))
        tail -n 60 "$log"
        echo "$name: see $log and $build/crashes/"
    fi
done
echo "$passed passed, $failed failed, 0 skipped"
((failed == 0 && passed > 0))
