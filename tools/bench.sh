#!/usr/bin/env bash
# make bench: memory and cold start of `marquee up` beside DESIGN's budgets, then every benchmark of the build folder.
# usage: tools/bench.sh BUILD [NAME]...    NAME: up, or of a program under BUILD/bench; all by default
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
build=${1:?usage: tools/bench.sh BUILD [NAME]...}
shift
wanted=("$@")
status=0

chosen() { [[ ${#wanted[@]} -eq 0 ]] || [[ " ${wanted[*]} " == *" $1 "* ]]; }

if chosen up; then
    printf '== up\n'
    MARQUEE_SOURCE_ROOT=$PWD python3 bench/up/bench_up.py "$build/src/cli/marquee" || status=1
fi

# Programs only: sentiment's stands in its own task, beside its peer (make bench-sentiment).
while IFS= read -r -d '' program; do
    name=$(basename "$program")
    [[ $program == */sentiment/* ]] && continue
    chosen "$name" || continue
    printf '\n== %s\n' "$name"
    "$program" || status=1
done < <(find "$build/bench" -type f -name 'bench_*' -executable -print0 2>/dev/null | sort -z)
exit "$status"
