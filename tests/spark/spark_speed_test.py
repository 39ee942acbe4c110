"""deploy/spark/speed.py over a random log, in three micro-batches, gives the oracle's rows on every held hour: late, duplicate, edited,
expired, future and bad records included. The log comes from files, or from the topics of a real Kafka.

usage: spark_speed_test.py MARQUEE [BATCH_REPLAY]      skipped (77) without MARQUEE_SPARK, a Python that has PySpark
  BATCH_REPLAY    writes the log to Kafka, which MARQUEE_KAFKA names; skipped (77) without"""
import base64
import glob
import importlib.util
import json
import os
import struct
import subprocess
import sys
import tempfile
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.environ.get("MARQUEE_SOURCE_ROOT", os.path.join(HERE, "..", ".."))
spec = importlib.util.spec_from_file_location("stream_oracle_test", os.path.join(HERE, "..", "stream", "oracle_test.py"))
stream = importlib.util.module_from_spec(spec)
spec.loader.exec_module(stream)

SEED = 4  # even: the whole log
RECORDS = 1500
BATCHES = 3
TABLES = ("movie_stats", "review_sentiments", "trending_movies")


def put_long(number):
    number = (number << 1) ^ (number >> 63)
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def put(kind, value):
    """Avro's binary form of a value of a schema: what the contracts use of it."""
    if isinstance(kind, list):
        place = next(i for i, one in enumerate(kind) if (one == "null") == (value is None))
        return put_long(place) + put(kind[place], value)
    name = kind["type"] if isinstance(kind, dict) else kind
    if name == "record":
        return b"".join(put(field["type"], value.get(field["name"], field.get("default"))) for field in kind["fields"])
    if name == "array":
        items = b"".join(put(kind["items"], item) for item in value)
        return (put_long(len(value)) + items if value else b"") + b"\0"
    if name == "enum":
        return put_long(kind["symbols"].index(value))
    if name == "string":
        return put_long(len(value.encode())) + value.encode()
    if name == "double":
        return struct.pack("<d", value)
    return b"" if name == "null" else put_long(value)


def write_files(dump, folder):
    schemas = {}
    with open(dump, encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    for batch in range(BATCHES):
        path = os.path.join(folder, f"{batch}.json")
        with open(path, "w", encoding="utf-8") as out:
            for record in records[batch * len(records) // BATCHES:(batch + 1) * len(records) // BATCHES]:
                topic, value = record["topic"], record["value"]
                if topic not in schemas:
                    with open(os.path.join(ROOT, "contracts", "avro", f"{topic}.avsc"), encoding="utf-8") as text:
                        schemas[topic] = json.load(text)
                framed = b"\xff" if "_bad" in value else b"\0\0\0\0\1" + put(schemas[topic], value)
                out.write(json.dumps({**record, "value": base64.b64encode(framed).decode()}) + "\n")
        os.utime(path, (1000000 + batch, 1000000 + batch))


def write_topics(dump, folder, replay, broker):
    """The log by marquee's own bus, each record with its append time as timestamp; returns speed.py's options."""
    prefix = f"s{uuid.uuid4().hex[:12]}."
    # A clock that is made up: the topics keep what is older than the machine's week.
    settings = {"bus.backend": "kafka", "bus.brokers": broker, "bus.prefix": prefix, "clock.start": "2026-01-01T00:00:00Z"}
    subprocess.run([replay, "--dir", folder, "--dump", dump, *(f"--set={key}={value}" for key, value in settings.items())], check=True,
                   stdout=subprocess.DEVNULL)
    return ["--brokers", broker, "--prefix", prefix, "--per-batch", str(RECORDS // BATCHES)]


def read_tables(folder, highest):
    with open(os.path.join(folder, "tables", "_current"), encoding="utf-8") as pointer:
        current = pointer.read()
    lines = []
    for table in TABLES:
        for path in glob.glob(os.path.join(folder, "tables", current, table, "part-*")):
            with open(path, encoding="utf-8") as text:
                lines += [json.dumps({"table": table, **json.loads(line)}) for line in text]
    return stream.engine_rows("\n".join(lines), highest)


def main():
    python = os.environ.get("MARQUEE_SPARK")
    if not python:
        print("skipped: make test-spark brings PySpark and names it")
        return 77
    marquee, *more = (argument for argument in sys.argv[1:] if argument != "-v")  # run.sh gives it
    replay, broker = more[0] if more else None, os.environ.get("MARQUEE_KAFKA")
    if replay and not broker:
        print("skipped: MARQUEE_KAFKA names no broker; tests/kafka/servers.sh starts one")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        dump, files, out = (os.path.join(folder, name) for name in ("log.jsonl", "files", "out"))
        stream.make_log(SEED, RECORDS, dump)
        os.mkdir(files)
        if replay:
            source = write_topics(dump, files, replay, broker)
        else:
            write_files(dump, files)
            source = ["--files", files]
        subprocess.run([python, os.path.join(ROOT, "deploy/spark/speed.py"), "--marquee", os.path.abspath(marquee), "--folder", out,
                        *source, "--once"], check=True)
        now, events = stream.last_append(dump, [])
        rows, classes = stream.oracle_rows(dump, [], now)
        good = [events[(f"{row['topic']}/{row['partition']}", row["offset"])] for row in classes if row["class"] != "bad"]
        highest = max(good + [now])
        expected, found = stream.by_key(rows), stream.by_key(read_tables(out, highest))
        wrong = 0
        for table in TABLES:
            differ = stream.compare(table, expected[table], found[table])
            print(f"{table}: {len(expected[table])} rows, {differ} differ")
            wrong += differ or not expected[table]
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
