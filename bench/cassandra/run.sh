#!/usr/bin/env bash
# src/cql beside the DataStax C driver on one real Cassandra node.
# usage: bench/cassandra/run.sh BUILD [arguments of bench_cassandra]...
#
# MARQUEE_CASSANDRA names a node; without it one is started under build/servers. The driver comes out of the Python wheel
# acsylla (no C driver is packaged for Debian); where pip cannot bring it, only our own number is measured.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=${1:?usage: bench/cassandra/run.sh BUILD [arguments]...}
shift
driver_version=1.2.0
driver_dir=${MARQUEE_SERVERS:-build/servers}/acsylla-$driver_version
python=.deps/venv/bin/python3
[[ -x $python ]] || python=python3

if [[ -z ${MARQUEE_CASSANDRA:-} ]]; then
    exec tests/cluster/servers.sh with cassandra -- "${BASH_SOURCE[0]}" "$build" "$@"
fi
if [[ ! -f $driver_dir/.done ]]; then
    mkdir -p "$driver_dir"
    "$python" -m pip download -q --no-deps --only-binary :all: -d "$driver_dir" "acsylla==$driver_version" &&
        "$python" -m zipfile -e "$driver_dir"/acsylla-*.whl "$driver_dir" && touch "$driver_dir/.done" ||
        echo "bench: the driver could not be brought; ours alone is measured" >&2
fi
driver=()
library=$(echo "$driver_dir"/acsylla/_cython/cyacsylla.*.so)
libpython=$("$python" -c 'import os, sysconfig as s; print(os.path.join(s.get_config_var("LIBDIR"), s.get_config_var("INSTSONAME")))')
if [[ -f $library && -f $libpython ]]; then
    driver=(--driver "$(realpath "$library")" --python "$libpython")
fi
uptime
"$build/bench/cassandra/bench_cassandra" "${MARQUEE_CASSANDRA%%,*}" "${driver[@]}" "$@"
uptime
