#!/bin/sh
# One batch run over generated movies, five reviews each, step by step; beside it the same SQL in bare DuckDB, and on Spark where
# deploy/spark/setup.sh can bring it.
#   bench/batch/run.sh BUILD [MOVIES ...]     (10000 100000 by default; --quick: 500, as a test, without Spark)
# BENCH_SPARK=no leaves Spark out; BENCH_ROUNDS (3): how often run and bare DuckDB take turns, each over the same fresh data.
# BENCH_SET="batch.memory=3GB": settings of the run and of bare DuckDB.
set -eu
build=$1
shift
root=$(cd "$(dirname "$0")/../.." && pwd)
rounds=${BENCH_ROUNDS:-3}
spark=${BENCH_SPARK:-yes}
if [ "${1:-}" = --quick ]; then
    set -- 500
    rounds=1
    spark=no
fi
[ $# -gt 0 ] || set -- 10000 100000
if [ "$spark" = yes ]; then
    "$root/deploy/spark/setup.sh" || spark=no
fi
bench=$build/bench/batch/bench_batch
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for movies in "$@"; do
    "$bench" generate "$folder/data" "$movies"
    round=0
    while [ $round -lt "$rounds" ]; do
        round=$((round + 1))
        echo "== $movies movies, $((movies * 5)) reviews, round $round; load average $(cut -d' ' -f1 /proc/loadavg)"
        cp -r "$folder/data" "$folder/run"
        # shellcheck disable=SC2086 # several settings are several words
        "$bench" run "$folder/run" ${BENCH_SET:-}
        # shellcheck disable=SC2086
        "$bench" bare "$folder/run" ${BENCH_SET:-}
        if [ "$spark" = yes ] && [ $round = "$rounds" ]; then
            "$root/build/spark/venv/bin/python" "$root/deploy/spark/transforms.py" "$folder/run/lake" \
                --marquee "$build/src/cli/marquee" 2> /dev/null
        fi
        rm -rf "$folder/run"
    done
    rm -rf "$folder/data"
done
