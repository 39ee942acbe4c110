#!/bin/sh
# Brings PySpark and its Kafka and Avro packages into build/spark, for the tests, the benchmarks and trying them out. Quick when
# they are there. Needs Java 17, pip and Maven; exit 77 and a word where one is absent.
#
#   deploy/spark/setup.sh [FOLDER]     build/spark by default: FOLDER/venv/bin/python with pyspark, FOLDER/jars/*.jar
#
# One version for all: not every version of every package is on Maven Central.
set -eu
spark=4.0.0
scala=2.13
root=$(cd "$(dirname "$0")/../.." && pwd)
home=${1:-$root/build/spark}
skip() {
    echo "spark: skipped: $*" >&2
    exit 77
}

command -v java > /dev/null || skip "there is no java"
mkdir -p "$home"
if [ ! -e "$home/venv/pyspark-$spark" ]; then
    rm -rf "$home/venv"
    python3 -m venv "$home/venv" && "$home/venv/bin/pip" install -q "pyspark==$spark" >&2 || skip "pip could not bring pyspark $spark"
    touch "$home/venv/pyspark-$spark"
fi
if [ ! -e "$home/jars/spark-$spark" ]; then
    command -v mvn > /dev/null || skip "there is no mvn, and the packages are not in $home/jars"
    rm -rf "$home/jars"
    mkdir -p "$home/jars"
    all='<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>' # Spark carries the rest
    {
        echo '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        echo '<groupId>t</groupId><artifactId>spark-jars</artifactId><version>1</version><packaging>pom</packaging><dependencies>'
        for name in "org.apache.spark spark-sql-kafka-0-10_$scala $spark" "org.apache.spark spark-token-provider-kafka-0-10_$scala $spark" \
            "org.apache.spark spark-avro_$scala $spark" "org.apache.kafka kafka-clients 3.9.0" "org.apache.commons commons-pool2 2.12.0"; do
            # shellcheck disable=SC2086 # three words
            set -- $name
            echo "<dependency><groupId>$1</groupId><artifactId>$2</artifactId><version>$3</version>$all</dependency>"
        done
        echo '</dependencies></project>'
    } > "$home/jars/pom.xml"
    (cd "$home/jars" && mvn -q -B dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=. >&2) ||
        skip "Maven could not bring the packages"
    touch "$home/jars/spark-$spark"
fi
