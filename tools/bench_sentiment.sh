#!/usr/bin/env bash
# Our VADER beside the reference, and how right VADER is. usage: tools/bench_sentiment.sh BUILD
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec bench/sentiment/run.sh "${1:?usage: tools/bench_sentiment.sh BUILD}"
