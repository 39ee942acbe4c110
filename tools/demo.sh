#!/usr/bin/env bash
# make demo: the whole pipeline on this machine, on a clock that runs faster than ours.
#
#   simulator ─► backfill of three days ─► one batch run ─► marquee up, until Ctrl-C or DEMO_SECONDS
#
# Usage: tools/demo.sh [BUILD_DIR]. Environment: DEMO_SECONDS (0: until Ctrl-C), DEMO_SPEED (world seconds a real second),
# DEMO_PORT (the page's port), DEMO_DAYS (simulated past).
set -euo pipefail

build=${1:-build/release}
marquee=$build/src/cli/marquee
seconds=${DEMO_SECONDS:-0}
speed=${DEMO_SPEED:-240}
port=${DEMO_PORT:-8080}
days=${DEMO_DAYS:-3}
data=$build/demo-data
sim_pid= up_pid=

end() {
    trap - EXIT INT TERM
    [ -z "$up_pid" ] || { kill -TERM "$up_pid" 2>/dev/null || true; wait "$up_pid" 2>/dev/null || status=$?; }
    [ -z "$sim_pid" ] || { kill -TERM "$sim_pid" 2>/dev/null || true; wait "$sim_pid" 2>/dev/null || true; }
    exit "${status:-0}"
}
status=0
trap end EXIT INT TERM

say() { printf '\n== %s\n' "$*"; }
port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

while ! port_is_free "$port"; do
    echo "port $port is taken, trying the next one (DEMO_PORT chooses another)"
    port=$((port + 1))
done

rm -rf "$data"
mkdir -p "$data"
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
export MARQUEE_DATA_DIR=$data MARQUEE_CLOCK_START=$now MARQUEE_CLOCK_ANCHOR=$now MARQUEE_CLOCK_SPEED=$speed
export MARQUEE_PORT=$port MARQUEE_LOG_LEVEL=${MARQUEE_LOG_LEVEL:-warn}
# Made-up users, a second of the simulated world: a few hundred in each window of five minutes.
export MARQUEE_EVENTS_RATE_PER_S=${MARQUEE_EVENTS_RATE_PER_S:-1}
# Half a minute of idleness is two hours on this clock; a second is four minutes.
export MARQUEE_STREAM_IDLE_TIMEOUT=1s

say "1/4 the simulator: TMDB's API from a built-in catalogue; one real second is $((speed / 60)) minutes there"
"$marquee" tmdb-sim --port 0 --clock-start "$now" --clock-anchor "$now" --clock-speed "$speed" --seed "${DEMO_SEED:-1}" \
    >"$data/simulator.out" 2>"$data/simulator.err" &
sim_pid=$!
for _ in $(seq 200); do
    url=$(sed -n 's/^listening on //p' "$data/simulator.out")
    [ -z "$url" ] || break
    kill -0 "$sim_pid" 2>/dev/null || { cat "$data/simulator.err" >&2; status=1; exit 1; }
    sleep 0.05
done
[ -n "$url" ] || { echo "the simulator did not start within 10 s; see $data/simulator.err" >&2; status=1; exit 1; }
export TMDB_BASE_URL=$url
echo "   $url"

say "2/4 $days days of the past, asked from the simulator as marquee would have"
"$marquee" run ingest --backfill "$days" || { status=$?; exit "$status"; }

say "3/4 the first batch run: bronze, silver, gold, views"
"$marquee" batch run || { status=$?; exit "$status"; }

say "4/4 marquee up"
cat <<TEXT
   The page        http://127.0.0.1:$port/
   A movie         http://127.0.0.1:$port/api/v1/movies
   Genres          http://127.0.0.1:$port/api/v1/analytics/genres
   The API         http://127.0.0.1:$port/docs
   What happens    every second: new observations, windows, fresher numbers on the page
                   every $((14400 / speed)) s: a batch run (4 hours of the simulated world); the boundary on the page moves
   The data        $data
   Ctrl-C ends it$([ "$seconds" = 0 ] || printf ', or %s s' "$seconds").

TEXT
"$marquee" up --summary &
up_pid=$!
if [ "$seconds" = 0 ]; then
    wait "$up_pid" || status=$?
else
    # Waits at most that long, and notices when it ends by itself.
    for _ in $(seq "$seconds"); do
        kill -0 "$up_pid" 2>/dev/null || break
        sleep 1
    done
    kill -TERM "$up_pid" 2>/dev/null || { echo "marquee up ended by itself" >&2; status=1; }
    wait "$up_pid" || status=$?
fi
up_pid=
exit "$status"
