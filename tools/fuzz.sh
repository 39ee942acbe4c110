#!/usr/bin/env bash
# Runs the libFuzzer targets of a build folder, all or those named, each for so many seconds of CPU.
# usage: tools/fuzz.sh BUILD SECONDS [TARGET...]
#
# Starts from fuzz/corpus/NAME, keeps what it finds interesting in BUILD/found/NAME, and leaves an input that
# crashed a target in BUILD/crashes/: it goes into fuzz/corpus/NAME with the fix, and is replayed as a test from then on.
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
usage="usage: tools/fuzz.sh BUILD SECONDS [TARGET...]"
build=${1:?$usage}
seconds=${2:?$usage}
shift 2
input_timeout_s=120 # of the clock: a busy machine may not let it run for long
memory_mb=2048
input_bytes_max=65536

targets=("$@")
if ((!$#)); then
    for target in "$build"/fuzz/fuzz_*; do
        [[ -f $target && -x $target ]] && targets+=("${target##*/fuzz_}")
    done
fi

# One run of a target, at most so many seconds by the clock. Adds its CPU seconds to $used.
TIMEFORMAT='%U %S'
run() {
    local name=$1 clock_s=$2 code cpu
    cpu=$({ time "$build/fuzz/fuzz_$name" -max_total_time="$clock_s" -timeout="$input_timeout_s" \
        -rss_limit_mb="$memory_mb" -max_len="$input_bytes_max" -print_final_stats=1 \
        -artifact_prefix="$build/crashes/$name-" "$build/found/$name" "fuzz/corpus/$name" \
        >>"$build/fuzz-$name.log" 2>&1 </dev/null; } 2>&1; exit $?)
    code=$?
    used=$(awk -v used="$used" '{ printf "%.1f", used + $1 + $2 }' <<<"$cpu")
    return $code
}

# On a busy machine a run gets less than a core: it is repeated until its CPU seconds are enough.
fuzz() {
    used=0
    : >"$build/fuzz-$1.log"
    while
        left=$(awk -v used="$used" -v seconds="$seconds" 'BEGIN { print int(seconds - used + 0.999) }')
        ((left > 0))
    do
        run "$1" "$left" || return 1
    done
}

mkdir -p "$build/crashes"
passed=0 failed=0
for name in "${targets[@]}"; do
    mkdir -p "$build/found/$name"
    if fuzz "$name"; then
        ((++passed))
        awk -v name="$name" -v used="$used" '/^stat::number_of_executed_units:/ { inputs += $2 }
            END { printf "%-16s %d inputs tried in %d s of CPU\n", name, inputs, used }' "$build/fuzz-$name.log"
    else
        ((++failed))
        tail -n 60 "$build/fuzz-$name.log"
        echo "$name: see $build/fuzz-$name.log and $build/crashes/"
    fi
done
echo "$passed passed, $failed failed, 0 skipped"
((failed == 0 && passed > 0))
