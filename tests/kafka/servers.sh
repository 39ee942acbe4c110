#!/usr/bin/env bash
# A real Kafka (KRaft) and a real Confluent-compatible registry (Apicurio) under build/servers, for tests and for
# trying marquee on a cluster of one machine. Everything binds to 127.0.0.1 on ports that were free at the start.
#
# usage: tests/kafka/servers.sh install | start [BROKERS] | stop | env | with CMD... | kill N | pause N | resume N | broker N
#   install  bring both with Maven; quick when they are there. Exit 77 and a word where Java or Maven is absent
#   start    BROKERS brokers (1) and the registry, empty; waits until they answer
#   stop     end what start began, by its pid files
#   env      print MARQUEE_KAFKA=host:port,... and MARQUEE_REGISTRY=url for `eval`
#   with     start one of each, run CMD with that in its environment, stop
#   kill N, pause N, resume N, broker N   end broker N at once, stop it, let it go on, start it again
# MARQUEE_SERVERS names another folder than build/servers.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
home=${MARQUEE_SERVERS:-$root/build/servers}
run=$home/run
kafka_version=3.9.1
registry_version=3.0.9
cluster_id=AAAAAAAAAAAAAAAAAAAAAQ
wait_s=90

say() { printf 'servers: %s\n' "$*" >&2; }
skip() { say "skipped: $*"; exit 77; }

# The versions are in the names, so that another version is another folder.
kafka_lib=$home/kafka-$kafka_version
registry_dir=$home/registry-$registry_version

install_kafka() {
    [[ -f $kafka_lib/.done ]] && return
    mkdir -p "$kafka_lib"
    cat > "$kafka_lib/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>t</groupId><artifactId>kafka-run</artifactId><version>1</version><packaging>pom</packaging><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$kafka_version</version></dependency>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>$kafka_version</version></dependency>
</dependencies></project>
POM
    (cd "$kafka_lib" && mvn -q -B dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=lib) >&2
    touch "$kafka_lib/.done"
}

install_registry() {
    [[ -f $registry_dir/.done ]] && return
    mkdir -p "$registry_dir"
    (cd "$registry_dir" &&
        mvn -q -B dependency:copy -DoutputDirectory=. \
            -Dartifact="io.apicurio:apicurio-registry-app:$registry_version:tar.gz:all" &&
        tar xzf "apicurio-registry-app-$registry_version-all.tar.gz" &&
        rm "apicurio-registry-app-$registry_version-all.tar.gz") >&2
    touch "$registry_dir/.done"
}

install() {
    command -v java > /dev/null || skip "there is no java"
    [[ -f $kafka_lib/.done && -f $registry_dir/.done ]] && return
    command -v mvn > /dev/null || skip "there is no mvn, and Kafka or the registry is not in $home"
    install_kafka || skip "Maven could not bring Kafka"
    install_registry || skip "Maven could not bring the registry"
}

# Ports that nobody listens on now.
free_ports() {
    python3 - "$1" <<'P'
import socket, sys
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in held:
    s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in held))
P
}

alive() { [[ -f $1 ]] && kill -0 "$(cat "$1")" 2> /dev/null; }

answers() { (exec 3<> "/dev/tcp/127.0.0.1/$1") 2> /dev/null; }

# wait_until WHAT COMMAND...
wait_until() {
    local what=$1 end=$((SECONDS + wait_s))
    shift
    until "$@"; do
        if ((SECONDS > end)); then
            say "$what did not answer within $wait_s s; its log is under $run"
            return 1
        fi
        sleep 0.2
    done
}

start_broker() {
    local n=$1 java_args
    java_args="-Xms128m -Xmx256m -XX:+UseSerialGC -XX:MaxMetaspaceSize=128m -XX:TieredStopAtLevel=1
        -Dlog4j.configuration=file:$run/log4j.properties"
    # shellcheck disable=SC2086
    {
        [[ -f $run/d$n/meta.properties ]] ||
            java $java_args -cp "$kafka_lib/lib/*" kafka.tools.StorageTool format -t $cluster_id \
                -c "$run/b$n.properties" > "$run/b$n.format.log" 2>&1
        setsid java $java_args -cp "$kafka_lib/lib/*" kafka.Kafka "$run/b$n.properties" \
            >> "$run/b$n.log" 2>&1 < /dev/null &
    }
    echo $! > "$run/b$n.pid"
}

broker_port() { sed -n "s|^advertised.listeners=PLAINTEXT://127.0.0.1:||p" "$run/b$1.properties"; }

write_broker() {
    local n=$1 port=$2 controller=$3 voters=$4 count=$5 isr=$6
    cat > "$run/b$n.properties" <<P
process.roles=broker,controller
node.id=$n
controller.quorum.voters=$voters
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=$run/d$n
default.replication.factor=$count
min.insync.replicas=$isr
offsets.topic.replication.factor=$count
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=$count
transaction.state.log.min.isr=$isr
transaction.state.log.num.partitions=4
transaction.abort.timed.out.transaction.cleanup.interval.ms=500
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
log.cleaner.dedupe.buffer.size=8388608
P
}

start() {
    local count=${1:-1} ports voters='' brokers='' isr=1 n
    install
    alive "$run/b1.pid" && { say "already running; stop first"; return 1; }
    rm -rf "$run"
    mkdir -p "$run"
    cat > "$run/log4j.properties" <<'P'
log4j.rootLogger=WARN, A
log4j.appender.A=org.apache.log4j.ConsoleAppender
log4j.appender.A.layout=org.apache.log4j.PatternLayout
log4j.appender.A.layout.ConversionPattern=%d %p %c{1} %m%n
P
    read -r -a ports <<< "$(free_ports $((2 * count + 1)))"
    ((count >= 3)) && isr=2
    for ((n = 1; n <= count; n++)); do
        voters+=${voters:+,}$n@127.0.0.1:${ports[2 * n - 1]}
        brokers+=${brokers:+,}127.0.0.1:${ports[2 * n - 2]}
    done
    for ((n = 1; n <= count; n++)); do
        write_broker "$n" "${ports[2 * n - 2]}" "${ports[2 * n - 1]}" "$voters" "$count" "$isr"
        start_broker "$n"
    done
    local http=${ports[2 * count]}
    (cd "$registry_dir" && exec setsid java -Xms64m -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
        -Dquarkus.http.host=127.0.0.1 -Dquarkus.http.port="$http" -Dquarkus.log.level=WARN \
        -jar "apicurio-registry-app-$registry_version-runner.jar") > "$run/registry.log" 2>&1 < /dev/null &
    echo $! > "$run/registry.pid"
    {
        echo "export MARQUEE_KAFKA=$brokers"
        echo "export MARQUEE_REGISTRY=http://127.0.0.1:$http/apis/ccompat/v7"
    } > "$run/env"
    for ((n = 1; n <= count; n++)); do
        wait_until "broker $n" answers "${ports[2 * n - 2]}" || { stop; return 1; }
    done
    wait_until "the registry" curl -sf -o /dev/null "http://127.0.0.1:$http/apis/ccompat/v7/subjects" ||
        { stop; return 1; }
}

# A paused process hears SIGTERM only when it goes on.
end_process() {
    local file=$1 pid end=$((SECONDS + 20))
    [[ -f $file ]] || return 0
    pid=$(cat "$file")
    kill "$pid" 2> /dev/null || true
    kill -CONT "$pid" 2> /dev/null || true
    while kill -0 "$pid" 2> /dev/null; do
        ((SECONDS > end)) && kill -9 "$pid" 2> /dev/null
        sleep 0.2
    done
    rm -f "$file"
}

stop() {
    local file
    for file in "$run"/registry.pid "$run"/b*.pid; do
        end_process "$file"
    done
}

command=${1:-}
number=${2:-}
case $command in
    install) install ;;
    start) start "${number:-1}" ;;
    stop) stop ;;
    env) cat "$run/env" ;;
    with)
        shift
        trap stop EXIT
        start 1
        # shellcheck disable=SC1091
        source "$run/env"
        "$@"
        ;;
    kill) kill -9 "$(cat "$run/b${number:?broker}.pid")"; rm -f "$run/b$number.pid" ;;
    pause) kill -STOP "$(cat "$run/b${number:?broker}.pid")" ;;
    resume) kill -CONT "$(cat "$run/b${number:?broker}.pid")" ;;
    broker)
        start_broker "${number:?broker}"
        wait_until "broker $number" answers "$(broker_port "$number")"
        ;;
    *) sed -n '2,/^set -e/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
