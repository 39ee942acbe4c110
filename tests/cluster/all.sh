#!/usr/bin/env bash
# Starts a broker, a registry, Cassandra, mongod and Redis, each one that can be had here, runs a command with their
# names in its environment, and stops them. A test that lacks one says skipped.
#
# usage: tests/cluster/all.sh CMD...
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kafka=$here/../kafka/servers.sh
cluster=$here/servers.sh
no_server=77

stop() {
    "$cluster" stop || true
    "$kafka" stop || true
}

# had COMMAND...: whether it ended well; another end than that there is no such server is ours too.
had() {
    local status=0
    "$@" || status=$?
    ((status == 0 || status == no_server)) || exit "$status"
    return "$status"
}

trap stop EXIT
if had "$kafka" start; then
    eval "$("$kafka" env)"
fi
servers=()
for server in cassandra mongod redis; do
    had "$cluster" install "$server" && servers+=("$server")
done
if ((${#servers[@]})); then
    "$cluster" start "${servers[@]}"
    eval "$("$cluster" env)"
fi
"$@"
