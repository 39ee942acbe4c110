#!/usr/bin/env bash
# A real Kafka (KRaft) and a real Confluent-compatible registry (Apicurio) under build/servers, for tests and for
# trying marquee on a cluster of one machine. Everything binds to 127.0.0.1 on ports that were free at the start.
#
# usage: tests/kafka/servers.sh install | start [BROKERS] | stop | env | with CMD... | kill N | pause N | resume N | broker N | registry
#   install  bring both with Maven; quick when they are there. Exit 77 and a word where Java or Maven is absent
#   start    BROKERS brokers (1) and the registry, empty; waits until they answer
#   stop     end what start began, by its pid files
#   env      print for `eval`: MARQUEE_KAFKA=host:port,... and MARQUEE_REGISTRY=url; MARQUEE_KAFKA_SASL and
#            MARQUEE_KAFKA_TLS, broker 1's listeners with PLAIN (marquee, secret) and with a certificate of the CA in
#            MARQUEE_KAFKA_CA; MARQUEE_KAFKA_PROXIES=P:Q,...: each broker says to who comes by port Q that it is to be
#            found at port P, where nobody listens: a test's proxy may
#   with     start one of each, run CMD with that in its environment, stop
#   kill N, pause N, resume N, broker N   end broker N at once, stop it, let it go on, start it again; kill, pause and
#            resume know `registry` too, and `registry` starts that again on its data
# MARQUEE_SERVERS names another folder than build/servers.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
home=${MARQUEE_SERVERS:-$root/build/servers}
run=$home/run
kafka_version=3.9.1
registry_version=3.0.9
cluster_id=AAAAAAAAAAAAAAAAAAAAAQ
wait_s=300

# shellcheck source=tests/servers_lib.sh
source "$root/tests/servers_lib.sh"

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

launch_broker() {
    local n=$1
    launch "b$n" java -Xms128m -Xmx256m -XX:+UseSerialGC -XX:MaxMetaspaceSize=128m -XX:TieredStopAtLevel=1 \
        -Dlog4j.configuration="file:$run/log4j.properties" -cp "$kafka_lib/lib/*" kafka.Kafka "$run/b$n.properties"
}

broker_port() { sed -n "s|^advertised.listeners=PLAINTEXT://127.0.0.1:\([0-9]*\).*|\1|p" "$run/b$1.properties"; }

# A CA of its own and the brokers' certificate.
write_certificates() {
    mkdir -p "$run/tls"
    (
        cd "$run/tls"
        openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=test-ca -keyout ca.key -out ca.pem
        openssl req -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -keyout broker.key -out broker.csr
        openssl x509 -req -in broker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out broker.crt \
            -extfile <(echo "subjectAltName=IP:127.0.0.1")
        cat broker.key broker.crt > broker.pem
    ) > "$run/tls.log" 2>&1
}

# write_broker N VOTERS COUNT ISR PLAIN CONTROLLER SASL TLS PROXIED PROXY: the last six are ports.
write_broker() {
    local n=$1 voters=$2 count=$3 isr=$4 port=$5 controller=$6 sasl=$7 tls=$8 proxied=$9 proxy=${10}
    local host=127.0.0.1
    cat > "$run/b$n.properties" <<P
process.roles=broker,controller
node.id=$n
controller.quorum.voters=$voters
listeners=PLAINTEXT://$host:$port,CONTROLLER://$host:$controller,SASL://$host:$sasl,TLS://$host:$tls,PROXIED://$host:$proxied
advertised.listeners=PLAINTEXT://$host:$port,SASL://$host:$sasl,TLS://$host:$tls,PROXIED://$host:$proxy
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL,PROXIED:PLAINTEXT
sasl.enabled.mechanisms=PLAIN
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_marquee="secret";
listener.name.tls.ssl.keystore.type=PEM
listener.name.tls.ssl.keystore.location=$run/tls/broker.pem
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
num.network.threads=2
num.io.threads=4
P
    # What kafka.tools.StorageTool format would write, with a second of Java less.
    mkdir -p "$run/d$n"
    cat > "$run/d$n/meta.properties" <<P
version=1
cluster.id=$cluster_id
node.id=$n
P
}

# Its database is a file, so that the schemas keep their numbers when it is killed.
launch_registry() {
    local port
    port=$(cat "$run/registry.port")
    launch registry env -C "$registry_dir" java -Xms64m -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
        -Dquarkus.http.host=127.0.0.1 -Dquarkus.http.port="$port" -Dquarkus.log.level=WARN \
        -Dapicurio.datasource.url="jdbc:h2:file:$run/registry" \
        -jar "apicurio-registry-app-$registry_version-runner.jar"
}

registry_answers() {
    curl -sf -m 10 -o /dev/null "http://127.0.0.1:$(cat "$run/registry.port")/apis/ccompat/v7/subjects"
}

# The pid file of broker N, or of the registry.
pid_file() { [[ $1 == registry ]] && echo "$run/registry.pid" || echo "$run/b$1.pid"; }

start() {
    local count=${1:-1} ports voters='' brokers='' proxies='' isr=1 n
    local each=6 at # ports of a broker, as write_broker takes them
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
    write_certificates
    read -r -a ports <<< "$(free_ports $((each * count + 1)))"
    ((count >= 3)) && isr=2
    for ((n = 1; n <= count; n++)); do
        at=$((each * (n - 1)))
        voters+=${voters:+,}$n@127.0.0.1:${ports[at + 1]}
        brokers+=${brokers:+,}127.0.0.1:${ports[at]}
        proxies+=${proxies:+,}${ports[at + 5]}:${ports[at + 4]}
    done
    for ((n = 1; n <= count; n++)); do
        write_broker "$n" "$voters" "$count" "$isr" "${ports[@]:each * (n - 1):each}"
        launch_broker "$n"
    done
    local http=${ports[each * count]}
    echo "$http" > "$run/registry.port"
    launch_registry
    {
        echo "export MARQUEE_KAFKA=$brokers"
        echo "export MARQUEE_REGISTRY=http://127.0.0.1:$http/apis/ccompat/v7"
        echo "export MARQUEE_KAFKA_SASL=127.0.0.1:${ports[2]} MARQUEE_KAFKA_TLS=127.0.0.1:${ports[3]}"
        echo "export MARQUEE_KAFKA_CA=$run/tls/ca.pem MARQUEE_KAFKA_PROXIES=$proxies"
    } > "$run/env"
    for ((n = 1; n <= count; n++)); do
        wait_until "b$n" answers 127.0.0.1 "${ports[each * (n - 1)]}" || { stop; return 1; }
    done
    wait_until registry registry_answers || { stop; return 1; }
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
    kill) kill_process "$(pid_file "${number:?broker}")" ;;
    pause) kill -STOP "$(cat "$(pid_file "${number:?broker}")")" ;;
    resume) kill -CONT "$(cat "$(pid_file "${number:?broker}")")" ;;
    registry)
        launch_registry
        wait_until registry registry_answers
        ;;
    broker)
        launch_broker "${number:?broker}"
        wait_until "b$number" answers 127.0.0.1 "$(broker_port "$number")"
        ;;
    *) sed -n '2,/^set -e/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
