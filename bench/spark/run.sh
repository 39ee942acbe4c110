#!/usr/bin/env bash
# make bench-spark: the same four topics of one real broker, by marquee's engine and by deploy/spark/speed.py, one after the other, and
# whether their tables are equal.
# usage: bench/spark/run.sh BUILD [RECORDS[/PER_BATCH] ...]    (100000 400000 400000/100000; the servers of tests/kafka/servers.sh run: its `with`)
#
# Records are tools/loggen.py's over 5,000 movies and six hours that end now: about half ratings, a quarter reviews and their edits, a fifth
# user events, the rest metadata; late, duplicate, expired, future and bad ones among them. PER_BATCH: at most so many a micro-batch,
# all in one else. The engine ranks final windows again at once, so that its tables are whole when it has read all.
# docs/spark.md says what the numbers mean.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${1:?usage: bench/spark/run.sh BUILD [RECORDS[/PER_BATCH] ...]}
shift
movies=5000
hours=6
python=$root/build/spark/venv/bin/python
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
broker=${MARQUEE_KAFKA:?start the servers first: tests/kafka/servers.sh with bench/spark/run.sh ...}
[[ -x $python ]] || { echo "there is no $python: deploy/spark/setup.sh brings it" >&2; exit 77; }
[[ -d $build/bench ]] || { echo "no build in $build"; exit 1; }
[[ $# -gt 0 ]] || set -- 100000 400000 400000/100000

load() { # RECORDS PREFIX
    local start=$((($(date +%s) - hours * 3600) * 1000))
    python3 "$root/tools/loggen.py" --seed 4 --records "$1" --movies $movies --hours $hours --start $start > "$work/log" 2> /dev/null
    "$build/bench/spark/load" "$2" < "$work/log"
    for topic in movie.ratings movie.reviews user.events movie.metadata; do
        printf '         %s: %d\n' $topic "$(grep -c "\"topic\":\"$topic\"" "$work/log")"
    done
}

for size in "$@"; do
    records=${size%/*} prefix=spark-$$-${size/\//-}.
    per_batch=$((2 * records)) # Spark shares it among the partitions
    [[ $size != */* ]] || per_batch=${size#*/}
    echo "== $records records, at most $per_batch a micro-batch, $(nproc) cores, load average $(cut -d' ' -f1 /proc/loadavg)"
    load "$records" "$prefix"
    rm -rf "$work/engine" "$work/spark"
    "$build/bench/kafka/bench_kafka" engine "$prefix" --dir "$work/engine" --set ranker.late_interval=0s
    "$python" "$root/deploy/spark/speed.py" --marquee "$build/src/cli/marquee" --folder "$work/spark" --brokers "$broker" --prefix "$prefix" \
        --once --per-batch "$per_batch" 2> "$work/spark.log" || { tail -n 5 "$work/spark.log"; exit 1; }
    grep '^spark ' "$work/spark.log"
    python3 "$root/bench/spark/compare.py" "$work/log" "$work/engine" "$work/spark"
done
echo "== load average $(cut -d' ' -f1 /proc/loadavg)"
