#!/bin/sh
# run.sh BUILD [--quick]: our VADER and the reference side by side on one core, then how right VADER is.
# Needs MARQUEE_SHARED (default: ../shared) for its texts; exit code 77 without them or the reference.
set -eu

build=${1:?usage: run.sh BUILD [--quick]}
quick=${2:-}
root=$(cd "$(dirname "$0")/../.." && pwd)
: "${MARQUEE_SHARED:=$root/../shared}"
export MARQUEE_SHARED

python=${MARQUEE_PYTHON:-$root/.deps/venv/bin/python3}
if ! "$python" -c 'import vaderSentiment' 2>/dev/null; then
    sh "$root/tests/sentiment/venv.sh" "$build/bench/sentiment/venv" || {
        echo "skipped: no reference to compare with"
        exit 77
    }
    python=$build/bench/sentiment/venv/bin/python3
fi
if [ ! -d "$MARQUEE_SHARED/data/sentiment" ]; then
    echo "skipped: no texts in $MARQUEE_SHARED/data/sentiment"
    exit 77
fi
"$python" "$root/bench/sentiment/reference.py" --bench "$build/bench/sentiment/bench_sentiment" $quick
echo
"$python" "$root/bench/sentiment/accuracy.py" --cli "$build/tests/sentiment/sentiment_cli"
