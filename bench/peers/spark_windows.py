"""The peer of bench_stream and of the bench on Kafka: ratings (Avro in Confluent's frame) into 5-minute windows per movie by PySpark
Structured Streaming: of each window the number of records and the last one (by event time), each micro-batch's changed windows
written as Parquet.

usage, with deploy/spark/setup.sh run before (build/spark is its folder):
  PY=build/spark/venv/bin/python
  $PY bench/peers/spark_windows.py generate DIR [--records N] [--movies N] [--hours N] [--files N]
      the load as Parquet files of (key, value) below DIR: Zipf over the movies, event times spread evenly, up to 30 s out of order
  $PY bench/peers/spark_windows.py files DIR [--cores N] [--memory SIZE] [--per-batch FILES]
      the windows of these files
  $PY bench/peers/spark_windows.py kafka HOST:PORT TOPIC [--cores N] [--memory SIZE] [--per-batch RECORDS]
      the windows of what is in the topic now, from its first record

Prints one line, as bench_stream does:
  spark    66000 records/s  (2000000 records, 608604 windows, 30.1 s, 55.2 s of CPU, 1400 MB peak, 20 batches)
Seconds run from the query's start to the end of its last batch: not the JVM's start. CPU and memory are the JVM's, of the whole
run; --warm runs the query once before, so that what is measured is compiled. Guarantee: the checkpoint and a folder a batch that
a repeated batch overwrites, so each window stands there exactly once per batch."""
import argparse
import bisect
import glob
import os
import random
import shutil
import struct
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(ROOT, "deploy", "spark"))
import transforms  # noqa: E402

SCHEMA = os.path.join(ROOT, "contracts", "avro", "movie.ratings.avsc")
JARS = os.environ.get("MARQUEE_SPARK_JARS", os.path.join(ROOT, "build", "spark", "jars"))
START_MS = 1772496000000
DISORDER_MS = 30000
SEED = 42
FRAME_BYTES = 5  # 0 and the schema's id


def session(cores, memory):
    from pyspark.sql import SparkSession

    built = (
        SparkSession.builder.master(f"local[{cores}]")
        .config("spark.driver.memory", memory)
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", str(cores))
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.jars", ",".join(glob.glob(os.path.join(os.path.abspath(JARS), "*.jar"))))
        .getOrCreate()
    )
    built.sparkContext.setLogLevel("ERROR")
    return built


def zigzag(number):
    number = (number << 1) ^ (number >> 63)
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def make_records(part, parts, records, movies, hours):
    """The part-th of so many slices of the load, in the order of the log."""
    weights, total = [], 0.0
    for rank in range(movies):
        total += 1.0 / (rank + 1)
        weights.append(total)
    source = random.Random(SEED * 1000 + part)
    frame = bytes([0, 0, 0, 0, 1])
    for number in range(part * records // parts, (part + 1) * records // parts):
        movie = min(bisect.bisect_left(weights, source.random() * total), movies - 1) + 1
        moment = START_MS + number * hours * 3600000 // records - source.randrange(DISORDER_MS)
        value = (
            frame + zigzag(movie) + struct.pack("<d", round(4 + 5 * source.random(), 3)) + zigzag(number // 100 + movie % 1000)
            + struct.pack("<d", round(1 + 499 * source.random(), 3)) + zigzag(moment)
        )
        yield bytearray(str(movie).encode()), bytearray(value)


def generate(args):
    spark = session(args.cores, args.memory)
    os.makedirs(args.folder, exist_ok=True)
    counts = (args.files, args.records, args.movies, args.hours)
    rows = spark.sparkContext.parallelize(range(args.files), args.files).flatMap(lambda part: make_records(part, *counts))
    spark.createDataFrame(rows, "key BINARY, value BINARY").write.mode("overwrite").parquet(args.folder)
    # A file source takes files by their time of change: a second apart, so that they come in order.
    for place, path in enumerate(sorted(glob.glob(os.path.join(args.folder, "part-*")))):
        os.utime(path, (START_MS // 1000 + place, START_MS // 1000 + place))
    spark.stop()


def read(spark, args):
    if args.mode == "files":
        return (
            spark.readStream.schema("key BINARY, value BINARY").option("maxFilesPerTrigger", args.per_batch or 2).parquet(args.folder)
        )
    return (
        spark.readStream.format("kafka").option("kafka.bootstrap.servers", args.brokers).option("subscribe", args.topic)
        .option("startingOffsets", "earliest").option("maxOffsetsPerTrigger", args.per_batch or 200000).load()
    )


def windows(stream):
    from pyspark.sql import functions as f
    from pyspark.sql.avro.functions import from_avro

    with open(SCHEMA, encoding="utf-8") as lines:
        schema = lines.read()
    body = f.expr(f"substring(value, {FRAME_BYTES + 1}, length(value) - {FRAME_BYTES})")
    record = stream.select(from_avro(body, schema).alias("r")).select("r.*")
    return (
        record.withWatermark("timestamp", "10 seconds").groupBy("movie_id", f.window("timestamp", "5 minutes"))
        .agg(f.count("*").alias("records"), f.max_by(f.struct("popularity", "vote_average", "vote_count"), "timestamp").alias("last"))
        .select("movie_id", f.col("window.start").alias("window_start"), "records", "last.*")
    )


def run(spark, args):
    """One query to its end. Returns seconds, records, batches and the folder with what it wrote."""
    folder = tempfile.mkdtemp(prefix="spark-windows-")

    def write(batch, number):
        batch.write.mode("overwrite").parquet(os.path.join(folder, "out", f"batch={number}"))

    started = time.monotonic()
    query = (
        windows(read(spark, args)).writeStream.outputMode("update").trigger(availableNow=True)
        .option("checkpointLocation", os.path.join(folder, "checkpoint")).foreachBatch(write).start()
    )
    query.awaitTermination()
    seconds = time.monotonic() - started
    done = [progress for progress in query.recentProgress if progress["numInputRows"]]
    return seconds, sum(progress["numInputRows"] for progress in done), len(done), folder


def measure(args):
    spark = session(args.cores, args.memory)
    spark.conf.set("spark.sql.streaming.numRecentProgressUpdates", "10000")
    for _ in range(int(args.warm)):
        shutil.rmtree(run(spark, args)[3])
    before, _ = transforms.jvm_figures(spark)
    seconds, records, batches, folder = run(spark, args)
    after, peak = transforms.jvm_figures(spark)
    out = spark.read.parquet(os.path.join(folder, "out"))
    count = out.select("movie_id", "window_start").distinct().count()
    print(f"spark  {records / seconds:9.0f} records/s  ({records} records, {count} windows, {seconds:.2f} s, {after - before:.2f} s of CPU, "
          f"{peak:.0f} MB peak, {batches} batches)", flush=True)
    spark.stop()
    shutil.rmtree(folder)


def main():
    parser = argparse.ArgumentParser(description="PySpark Structured Streaming over ratings: the peer of bench_stream")
    modes = parser.add_subparsers(dest="mode", required=True)
    for name in ("generate", "files", "kafka"):
        mode = modes.add_parser(name)
        if name == "kafka":
            mode.add_argument("brokers")
            mode.add_argument("topic")
        else:
            mode.add_argument("folder")
        mode.add_argument("--cores", type=int, default=2)
        mode.add_argument("--memory", default="1500m")
        mode.add_argument("--per-batch", type=int, default=0)
        mode.add_argument("--warm", action="store_true")
        mode.add_argument("--records", type=int, default=2000000)
        mode.add_argument("--movies", type=int, default=50000)
        mode.add_argument("--hours", type=int, default=6)
        mode.add_argument("--files", type=int, default=20)
    args = parser.parse_args()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    generate(args) if args.mode == "generate" else measure(args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
