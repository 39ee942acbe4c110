#!/usr/bin/env bash
# make bench-kafka: the same ratings from one real broker, by marquee's engine and by its peers, one after the other.
# usage: bench/kafka/run.sh BUILD [RECORDS]    (2,000,000; the servers of tests/kafka/servers.sh run: its `with`)
#
# Peers that are absent are named and left out: Kafka Streams needs Maven and a JDK (it is built under build/peers), PySpark
# deploy/spark/setup.sh. Prints a line each; docs/performance.md says what the numbers mean.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${1:?usage: bench/kafka/run.sh BUILD [RECORDS]}
records=${2:-2000000}
threads="1 2"
rate=10000
seconds=20
bench=$build/bench/kafka/bench_kafka
prefix=bench-$$.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say() { printf '%s\n' "$*"; }

broker=${MARQUEE_KAFKA:?start the servers first: tests/kafka/servers.sh with bench/kafka/run.sh ...}
[[ -d $build/bench ]] || { say "no build in $build"; exit 1; }

streams_peer=$root/build/peers/kafka-streams
build_streams_peer() {
    command -v mvn > /dev/null && command -v javac > /dev/null || return 1
    mkdir -p "$streams_peer"
    cp -r "$root"/bench/peers/kafka-streams/. "$streams_peer"
    (cd "$streams_peer" && mvn -q -B compile dependency:copy-dependencies -DincludeScope=runtime \
        -DoutputDirectory=target/lib) > "$work/mvn.log" 2>&1
}

run_streams() { # THREADS RECORDS [exec: java takes the place of a shell of its own, which may be killed]
    ${3:-} java -Xmx512m -cp "$streams_peer/target/classes:$streams_peer/target/lib/*" Windows "$broker" \
        "${prefix}movie.ratings" "${prefix}peer-out" "$1" "$2" "$work/streams-$1"
}

say "== $records ratings, $(nproc) cores, load average $(cut -d' ' -f1 /proc/loadavg)"
"$bench" load "$prefix" --records "$records"
"$bench" count "$prefix" --records "$records"
"$bench" bare "$prefix" --records "$records"
# Its results into a compacted topic, as the peer's; then, on ratings of its own, into the speed tables.
"$bench" engine "$prefix" --dir "$work/data" --set stream.sink=topic
"$bench" load "store-$prefix" --records "$records" > "$work/load.log"
"$bench" engine "store-$prefix" --dir "$work/store"
if build_streams_peer; then
    "$bench" topic "$prefix" > /dev/null # the peer's output, compacted
    for n in $threads; do
        run_streams "$n" "$records"
    done
else
    say "streams  left out: needs Maven and a JDK (or Maven could not bring it)"
fi
if [[ -x $root/build/spark/venv/bin/python ]]; then
    "$root/build/spark/venv/bin/python" "$root/bench/peers/spark_windows.py" kafka "$broker" "${prefix}movie.ratings" \
        2> "$work/spark.log" || { say "spark    failed:"; tail -n 3 "$work/spark.log"; }
else
    say "spark    left out: needs deploy/spark/setup.sh"
fi

# Latency: each consumer follows while ratings come at a steady rate.
say "== latency at $rate/s, load average $(cut -d' ' -f1 /proc/loadavg)"
"$build/src/cli/marquee" run stream --set bus.backend=kafka --set "bus.brokers=$broker" --set "bus.prefix=$prefix" \
    --set "data.dir=$work/data" --set stream.instance=bench --set stream.sink=topic 2> "$work/stream.log" &
stream=$!
"$bench" latency "$prefix" --rate "$rate" --seconds "$seconds" || tail -n 3 "$work/stream.log"
grep VmHWM "/proc/$stream/status" | awk '{ printf "marquee run stream: %.0f MB peak\n", $2 / 1024 }'
kill "$stream" && wait "$stream"
if [[ -d $streams_peer/target/lib ]]; then
    run_streams 2 999999999999 exec > "$work/peer.log" 2>&1 &
    peer=$!
    "$bench" latency "$prefix" --rate "$rate" --seconds "$seconds" --group peer-streams-2 || tail -n 3 "$work/peer.log"
    kill "$peer"
    wait "$peer" || :
fi
say "== load average $(cut -d' ' -f1 /proc/loadavg)"
