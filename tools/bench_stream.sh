#!/usr/bin/env bash
# make bench-stream: the speed layer's numbers beside DESIGN's budgets and its peers, all but the freshness on one core.
# usage: tools/bench_stream.sh BUILD [PART]...    PART: ratings reviews keys history freshness spark; all by default
#
# Rates by the clock are the machine's of that moment, so each part tells its seconds of CPU and the machine's load too.
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
build=${1:?usage: tools/bench_stream.sh BUILD [PART]...}
shift
wanted=("$@")
status=0
core=$(($(nproc) - 1))
records=2000000 movies=50000 hours=6

chosen() { [[ ${#wanted[@]} -eq 0 ]] || [[ " ${wanted[*]} " == *" $1 "* ]]; }

# part NAME BUDGET COMMAND...
part() {
    local name=$1 budget=$2
    shift 2
    chosen "$name" || return 0
    printf '\n== %s (budget: %s; load average %s)\n' "$name" "$budget" "$(cut -d' ' -f1 /proc/loadavg)"
    "$@" || status=1
}

on_one_core() { taskset -c "$core" "$@"; }

stream=$build/bench/bench_stream
part ratings "engine 300,000/s, towards 500,000/s; produce 500,000/s" \
    on_one_core "$stream" --records "$records" --movies "$movies" --hours "$hours"
part reviews "none: reviews/s" on_one_core "$stream" --reviews --records 300000
part keys "a million movies resume in under 1 s and answer meanwhile" \
    on_one_core "$stream" --uniform --resume --records 1000000 --movies 1000000 --hours 1
part history "no growth of memory over 10,000,000 records" \
    on_one_core "$stream" --curve --records 10000000 --hours 30
part freshness "event to answer p99 2 s at 10,000 records/s" "$build/bench/bench_freshness" --rate 10000
part freshness "the same, each answer made anew" "$build/bench/bench_freshness" --rate 10000 --no-cache

# PySpark over the same load, on one core too; deploy/spark/setup.sh brings it.
spark() {
    local load
    load=$(mktemp -d)
    "$python" bench/peers/spark_windows.py generate "$load" \
        --records "$records" --movies "$movies" --hours "$hours" &&
        "$python" bench/peers/spark_windows.py files "$load" --cores 1
    local code=$?
    rm -rf "$load"
    return $code
}
python=build/spark/venv/bin/python
if [[ -x $python ]]; then
    part spark "the engine 8 times PySpark's rate" spark
else
    chosen spark && printf '\n== spark: skipped, deploy/spark/setup.sh brings it\n'
fi
exit "$status"
