#!/usr/bin/env bash
# bench/api/run.sh BUILD: the API beside a constant answer and FastAPI (bench_api.py --help). Needs wrk.
set -euo pipefail
build=${1:?usage: bench/api/run.sh BUILD [--rounds N] [--seconds N]}
shift
ninja -C "$build" bench/api/bench_api_server >/dev/null
exec python3 "$(dirname "$0")/bench_api.py" "$build" "$@"
