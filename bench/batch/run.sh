#!/bin/sh
# One batch run over generated movies, five reviews each, beside the same SQL in bare DuckDB.
#   bench/batch/run.sh BUILD [MOVIES ...]     (10000 100000 by default; --quick: 500, as a test)
set -eu
build=$1
shift
[ "${1:-}" = --quick ] && set -- 500
[ $# -gt 0 ] || set -- 10000 100000
for movies in "$@"; do
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    echo "== $movies movies, $((movies * 5)) reviews; load average $(cut -d' ' -f1 /proc/loadavg)"
    "$build/bench/batch/bench_batch" generate "$folder" "$movies"
    "$build/bench/batch/bench_batch" run "$folder"
    "$build/bench/batch/bench_batch" bare "$folder"
    rm -rf "$folder"
done
