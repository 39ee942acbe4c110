#!/usr/bin/env bash
# make screenshots: runs the demo for some seconds and takes docs/images/ in headless Chromium.
# usage: tools/screenshots.sh BUILD [arguments of tests/page/screenshots.py]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=${1:?usage: tools/screenshots.sh BUILD}
shift
MARQUEE_SOURCE_ROOT=$PWD exec python3 tests/page/screenshots.py "$build/src/cli/marquee" docs/images "$@"
