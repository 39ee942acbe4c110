"""The speed layer on Spark Structured Streaming, for those who must run it there: the jobs sentiment, stats and trending over the same
topics (Avro in Confluent's frame), the same tables' rows.

usage: speed.py --marquee PROGRAM --folder FOLDER (--brokers HOST:PORT | --files DIR) [--once] [--interval SECONDS]
                [--prefix PREFIX] [--threads N] [--memory SIZE] [--java OPTIONS] [--per-batch N]
  --folder    everything of its own: checkpoint, archive of the log (Parquet), texts' scores, tables
  --prefix    before the names of the topics (bus.prefix)
  --files     reads JSON lines {topic, partition, offset, append_time, value: base64} that appear in DIR, instead of Kafka
  --once      ends when all that is there now is in the tables, and says what that cost
  --per-batch at most so many records a micro-batch (500,000; with --files: files, 1): each one computes all held hours

Each micro-batch is appended to the archive (a folder a batch, so that a repeated one replaces itself), its new texts are scored by
`marquee sentiment --transform`, and the rows of all held hours are computed by the batch layer's SQL (sql/log, sql/silver/hours_*)
over the archive. So nothing is dropped by a watermark, and late, edited, duplicate and expired records count as docs/semantics.md
says; what it costs is a computation of the held hours a micro-batch instead of the changed windows. Tables:
FOLDER/tables/<batch>/{review_sentiments,movie_stats,trending_movies}, JSON lines; FOLDER/tables/_current names the batch.
A value is decoded by the schema in contracts/avro alone: older writers' schemas are not resolved. docs/spark.md compares."""
import argparse
import glob
import os
import re
import resource
import shutil
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import transforms  # noqa: E402

JARS = os.environ.get("MARQUEE_SPARK_JARS", os.path.join(transforms.ROOT, "build", "spark", "jars"))
HOUR_MS = transforms.HOUR_MS
# Topic: bronze table, and its columns out of the decoded record r.
TOPICS = {
    "movie.ratings": ("ratings", "r.movie_id, r.vote_average, r.vote_count, r.popularity, unix_millis(r.timestamp) AS event_time"),
    "movie.metadata": (
        "metadata",
        "r.movie_id, r.title, r.release_date, to_json(r.genres) AS genres, r.runtime, r.budget, r.revenue,"
        " unix_millis(r.timestamp) AS event_time, r.event_type",
    ),
    "movie.reviews": (
        "reviews",
        "r.review_id, r.movie_id, r.author, r.content, r.rating, unix_millis(r.created_at) AS event_time, r.url,"
        " unix_millis(r.updated_at) AS updated_at",
    ),
    "user.events": (
        "events", "r.event_id, r.user_id, r.movie_id, CAST(r.event_type AS STRING) AS event_type, r.rating,"
        " unix_millis(r.timestamp) AS event_time",
    ),
}
TABLES = {
    "review_sentiments": ("hours_sentiment", "*"),
    "movie_stats": (
        "hours_stats",
        "movie_id, hour, title, vote_average_e4 / 1e4D AS vote_average, vote_count, popularity_e4 / 1e4D AS popularity, rating_velocity,"
        " last_updated",
    ),
    "trending_movies": ("hours_trending", "*"),
}
JUDGED = ("judged_ratings", "judged_metadata", "judged_reviews", "judged_events")
COMPUTED = (*JUDGED, "titles", "rating_windows")
# Common table expressions that others read more than once: kept, where Spark would put a copy of the plan in each place.
KEPT = ("population", "measures", "deviations")
SETTINGS = {
    # A micro-batch's plans are many and its rows few: to plan each stage once more when the one before has ended costs more than it saves.
    "spark.sql.adaptive.enabled": "false",
}
# The plans' code is new in each micro-batch: the second compiler has hardly done with it when it is dropped.
JAVA = "-XX:TieredStopAtLevel=1"


class Speed(transforms.Engine):
    def __init__(self, spark, marquee, folder):
        super().__init__(spark, marquee)
        self.folder = os.path.abspath(folder)
        self.schemas = {}
        for topic in TOPICS:
            with open(os.path.join(transforms.ROOT, "contracts", "avro", f"{topic}.avsc"), encoding="utf-8") as lines:
                self.schemas[topic] = lines.read()

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def archive(self, batch, number):
        from pyspark.sql import functions as f
        from pyspark.sql.avro.functions import from_avro

        framed = f.expr("CASE WHEN length(value) > 5 AND substring(value, 1, 1) = X'00' THEN substring(value, 6) END")
        for topic, (name, columns) in TOPICS.items():
            decoded = from_avro(framed, self.schemas[topic], {"mode": "PERMISSIVE"})
            batch.where(f.col("topic") == topic).select("*", decoded.alias("r")).selectExpr(
                "topic", "partition AS log_partition", "offset AS log_offset", "append_time",
                "CASE WHEN r.movie_id IS NULL THEN 'undecodable' END AS decode_error", *split(columns),
            ).write.mode("overwrite").parquet(self.path("archive", name, f"batch={number}"))
        self.spark.read.parquet(self.path("archive", "reviews", f"batch={number}")).createOrReplaceTempView("new_texts")
        self.score("new_texts").write.mode("overwrite").parquet(self.path("archive", "scores", f"batch={number}"))

    def open(self):
        for name in ("ratings", "metadata", "reviews", "events"):
            self.spark.read.parquet(self.path("archive", name)).drop("batch").createOrReplaceTempView(f"bronze_{name}")
        self.spark.read.parquet(self.path("archive", "scores")).select("content", "compound_e4").distinct().createOrReplaceTempView(
            "scored_texts")
        self.prelude_once()
        self.params.update(exact_from_ms=transforms.MINUS_INFINITY, input_from_ms=transforms.MINUS_INFINITY,
                           input_to_ms=-transforms.MINUS_INFINITY)
        for name in COMPUTED:
            self.spark.sql(self.sql(f"log/{name}.sql")).cache().createOrReplaceTempView(name)
        good = " UNION ALL ".join(f"SELECT event_time FROM {name} WHERE class <> 'bad'" for name in JUDGED)
        highest = self.spark.sql(f"SELECT max(event_time) FROM ({good}) AS good").first()[0] or 0
        # Held: an hour whose end and retention are above the highest event time.
        limit = highest - self.params["retention_ms"] - HOUR_MS
        self.params.update(from_ms=limit - limit % HOUR_MS + HOUR_MS, to_ms=highest + HOUR_MS)

    def prelude_once(self):
        if not self.spark.catalog.functionExists("floor_to"):
            self.prelude()
            self.empty_before()

    def rows(self, silver):
        """The file's query, each of its common table expressions a view. They stand as `name AS (`, lines, `)`."""
        sql = re.sub(r"--[^\n]*", "", self.sql(f"silver/{silver}.sql")).strip()
        end = sql.rindex("\n)\n") + len("\n)\n")
        for name, query in re.findall(r"^(?:WITH )?(\w+) AS \(\n(.*?)^\),?\n", sql[:end], re.M | re.S):
            relation = self.spark.sql(query)
            (relation.cache() if name in KEPT else relation).createOrReplaceTempView(name)
        return self.spark.sql(sql[end:])

    def tables(self, number):
        name = f"{number:012d}"
        for table, (silver, columns) in TABLES.items():
            self.rows(silver).selectExpr(*split(columns)).coalesce(1).write.mode("overwrite").option(
                "ignoreNullFields", "false").json(self.path("tables", name, table))
        with open(self.path("tables", "_next"), "w", encoding="utf-8") as pointer:
            pointer.write(name)
        os.replace(self.path("tables", "_next"), self.path("tables", "_current"))
        for old in sorted(glob.glob(self.path("tables", "0*")))[:-2]:
            shutil.rmtree(old)

    def take(self, batch, number):
        batch.persist()
        self.archive(batch, number)
        batch.unpersist()
        self.open()
        self.tables(number)
        self.spark.catalog.clearCache()


def split(columns):
    """At the commas that are in no bracket."""
    found, depth = [""], 0
    for letter in columns:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            found.append("")
        else:
            found[-1] += letter
    return [column.strip() for column in found]


def read(spark, args):
    if args.files:
        schema = "topic STRING, partition INT, offset BIGINT, append_time BIGINT, value STRING"
        stream = spark.readStream.schema(schema).option("maxFilesPerTrigger", args.per_batch or 1).json(args.files)
        return stream.selectExpr("topic", "partition", "offset", "append_time", "unbase64(value) AS value")
    stream = (
        spark.readStream.format("kafka").option("kafka.bootstrap.servers", args.brokers)
        .option("subscribe", ",".join(args.prefix + topic for topic in TOPICS)).option("kafka.isolation.level", "read_committed")
        .option("startingOffsets", "earliest").option("maxOffsetsPerTrigger", args.per_batch or 500000).load()
    )
    return stream.selectExpr(f"substring(topic, {len(args.prefix) + 1}) AS topic", "partition", "offset", "unix_millis(timestamp) AS append_time", "value")


def show_cost(spark, query, began, before):
    """Of the query, and of all from the first process's start: the JVM, marquee under it, and this one."""
    now, (cpu, peak) = time.monotonic(), transforms.jvm_figures(spark)
    done = [progress["numInputRows"] for progress in query.recentProgress if progress["numInputRows"]]
    own = resource.getrusage(resource.RUSAGE_SELF)
    with open("/proc/self/stat", encoding="utf-8") as text:
        started = int(text.read().rsplit(")", 1)[1].split()[19]) / os.sysconf("SC_CLK_TCK")
    print(f"spark    {sum(done) / (now - began):9.0f} records/s  ({sum(done)} records, {now - began:.2f} s, {cpu - before:.2f} s of CPU,"
          f" {peak + own.ru_maxrss / 1024:.0f} MB peak, {len(done)} batches; with the start {time.clock_gettime(time.CLOCK_BOOTTIME) - started:.2f} s,"
          f" {cpu + own.ru_utime + own.ru_stime:.2f} s of CPU)", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description="the speed layer on Spark Structured Streaming")
    parser.add_argument("--marquee", required=True)
    parser.add_argument("--folder", required=True)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--brokers")
    source.add_argument("--files")
    parser.add_argument("--prefix", default="")
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--interval", type=int, default=60)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", default="2g")
    parser.add_argument("--java", default=JAVA)
    parser.add_argument("--per-batch", type=int, default=0)
    args = parser.parse_args()
    jars = ",".join(glob.glob(os.path.join(os.path.abspath(JARS), "*.jar")))
    spark = transforms.session(args.threads, args.memory, {**SETTINGS, "spark.driver.extraJavaOptions": args.java, "spark.jars": jars})
    speed = Speed(spark, args.marquee, args.folder)
    trigger = {"availableNow": True} if args.once else {"processingTime": f"{args.interval} seconds"}
    spark.conf.set("spark.sql.streaming.numRecentProgressUpdates", "10000")
    began, (cpu, _) = time.monotonic(), transforms.jvm_figures(spark)
    query = (
        read(spark, args).writeStream.trigger(**trigger).option("checkpointLocation", speed.path("checkpoint")).foreachBatch(speed.take)
        .start()
    )
    query.awaitTermination()
    show_cost(spark, query, began, cpu)
    spark.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
