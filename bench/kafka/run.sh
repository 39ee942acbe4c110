#!/usr/bin/env bash
# make bench-kafka: the same ratings from one real broker, by marquee's engine and by its peers, by turns: each round loads fresh
# topics and runs each of them once, so that none meets a colder broker than the others.
# usage: bench/kafka/run.sh BUILD [RECORDS]    (2,000,000; the servers of tests/kafka/servers.sh run: its `with`)
# ROUNDS: how many (3). Medians and ratios come at the end; the first round's broker is cold, and counts as the others.
#
# Peers that are absent are named and left out: Kafka Streams needs Maven and a JDK (it is built under build/peers), PySpark
# deploy/spark/setup.sh. Prints a line each; docs/performance.md says what the numbers mean.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${1:?usage: bench/kafka/run.sh BUILD [RECORDS]}
records=${2:-2000000}
rounds=${ROUNDS:-3}
threads="1 2"
rate=10000
seconds=20
bench=$build/bench/kafka/bench_kafka
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

run_streams() { # PREFIX THREADS RECORDS [exec: java takes the place of a shell of its own, which may be killed]
    ${4:-} java -Xmx512m -cp "$streams_peer/target/classes:$streams_peer/target/lib/*" Windows "$broker" \
        "$1movie.ratings" "$1peer-out" "$2" "$3" "$work/$1streams-$2"
}

run_spark() { # PREFIX
    "$root/build/spark/venv/bin/python" "$root/bench/peers/spark_windows.py" kafka "$broker" "$1movie.ratings" \
        2> "$work/spark.log" || { tail -n 3 "$work/spark.log" >&2; return 1; }
}

# turn NAME CMD...: runs it, prints its lines and keeps the rate of the first.
turn() {
    local name=$1 line
    shift
    line=$("$@") || { say "$name: failed"; return 0; }
    say "$line"
    awk -v name="$name" 'NR == 1 { print name "\t" $2 }' <<< "$line" >> "$work/rates"
}

median_of() { # NAME
    awk -F '\t' -v name="$1" '$1 == name { print $2 }' "$work/rates" | sort -n |
        awk '{ a[NR] = $1 } END { if (NR) print NR % 2 ? a[(NR + 1) / 2] : (a[NR / 2] + a[NR / 2 + 1]) / 2 }'
}

say "== $records ratings, $rounds rounds, $(nproc) cores, load average $(cut -d' ' -f1 /proc/loadavg)"
streams=$(build_streams_peer && echo yes || echo no)
[[ $streams == yes ]] || say "streams  left out: needs Maven and a JDK (or Maven could not bring it)"
spark=$([[ -x $root/build/spark/venv/bin/python ]] && echo yes || echo no)
[[ $spark == yes ]] || say "spark    left out: needs deploy/spark/setup.sh"
for ((round = 1; round <= rounds; round++)); do
    prefix=bench-$$-$round.
    say "-- round $round"
    turn load "$bench" load "$prefix" --records "$records"
    turn count "$bench" count "$prefix" --records "$records"
    turn bare "$bench" bare "$prefix" --records "$records"
    # Its results into a compacted topic, as the peer's; then, on ratings of its own, into the speed tables.
    turn "engine, sink topic" "$bench" engine "$prefix" --records "$records" --dir "$work/data-$round" --set stream.sink=topic
    "$bench" load "store-$prefix" --records "$records" > "$work/load.log"
    turn "engine, sink store" "$bench" engine "store-$prefix" --records "$records" --dir "$work/store-$round"
    if [[ $streams == yes ]]; then
        "$bench" topic "$prefix" > /dev/null # the peer's output, compacted
        for n in $threads; do
            turn "Kafka Streams, threads $n" run_streams "$prefix" "$n" "$records"
        done
    fi
    [[ $spark == no ]] || turn PySpark run_spark "$prefix"
done

say "== medians of $rounds rounds, records/s"
engine=$(median_of "engine, sink topic")
while read -r name; do
    say "$(median_of "$name") $engine" | awk -v name="$name" '{ printf "%-26s %9.0f   marquee (topic) is %.2f times that\n", name, $1, $2 / $1 }'
done < <(cut -f1 "$work/rates" | awk '!seen[$0]++')

# Latency: each consumer follows while ratings come at a steady rate.
say "== latency at $rate/s, load average $(cut -d' ' -f1 /proc/loadavg)"
"$build/src/cli/marquee" run stream --set bus.backend=kafka --set "bus.brokers=$broker" --set "bus.prefix=$prefix" \
    --set "data.dir=$work/data-$rounds" --set stream.instance=bench --set stream.sink=topic 2> "$work/stream.log" &
stream=$!
"$bench" latency "$prefix" --rate "$rate" --seconds "$seconds" || tail -n 3 "$work/stream.log"
grep VmHWM "/proc/$stream/status" | awk '{ printf "marquee run stream: %.0f MB peak\n", $2 / 1024 }'
kill "$stream" && wait "$stream"
if [[ -d $streams_peer/target/lib ]]; then
    run_streams "$prefix" 2 999999999999 exec > "$work/peer.log" 2>&1 &
    peer=$!
    "$bench" latency "$prefix" --rate "$rate" --seconds "$seconds" --group "peer-${prefix}streams-2" || tail -n 3 "$work/peer.log"
    kill "$peer"
    wait "$peer" || :
fi
say "== load average $(cut -d' ' -f1 /proc/loadavg)"
