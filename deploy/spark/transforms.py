"""The batch's transforms on Spark: the SQL files of sql/log, sql/silver and sql/gold, as they stand, behind sql/prelude/spark.sql,
over the bronze of a lake that `marquee batch run` wrote.

usage: transforms.py LAKE --marquee PROGRAM [--out FOLDER] [--compare] [--threads N] [--memory SIZE]
  LAKE        the lake's folder (data.dir/lake); its published run must be a first one, of all that the lake has
  --out       writes each table's rows as Parquet below FOLDER (a new one that goes again where absent)
  --compare   compares each table with the run's own, row for row: exit 1 where they differ

Sentiment comes from `marquee sentiment --transform` behind SELECT TRANSFORM, each text once: scored_texts(content, compound_e4),
which the prelude's vader_compound_e4 looks up. Needs PySpark (deploy/spark/setup.sh) and a time zone of UTC, which is set here."""
import argparse
import calendar
import collections
import datetime
import json
import os
import re
import shutil
import sys
import tempfile
import time

ROOT = os.environ.get("MARQUEE_SOURCE_ROOT", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
HOUR_MS = 3600000
DAY_MS = 24 * HOUR_MS
SILVER_MS = 730 * DAY_MS
MINUS_INFINITY = -(2**62)
SHOWN_MAX = 3

# Defaults of src/base/config.def, by the names that the SQL files use.
SETTINGS = {
    "window_ms": 300000, "retention_ms": 52 * HOUR_MS, "lookback_ms": 25 * HOUR_MS, "future_limit_ms": 600000, "weight_velocity": 0.5,
    "weight_votes": 0.25, "weight_acceleration": 0.15, "weight_engagement": 0.1, "min_velocity": 0.0,
}
RAW_RETENTION_MS = 180 * DAY_MS
# Judged rows are read by several tables: kept, as the engine keeps them.
COMPUTED = ("judged_ratings", "judged_metadata", "judged_reviews", "judged_events", "titles", "rating_windows", "used_counts")
TABLES = (
    "silver/movies", "silver/quarantine", "silver/people", "silver/reviews", "silver/snapshots", "silver/hours_stats",
    "silver/hours_sentiment", "silver/hours_trending", "gold/genre_analytics", "gold/trending_scores", "gold/temporal_analytics",
    "gold/revenue_analytics", "gold/sentiment_trends", "gold/people",
)


def sql_text(path):
    with open(os.path.join(ROOT, "sql", path), encoding="utf-8") as lines:
        return lines.read()


def bronze_tables():
    """Those of which a file names the columns: a SELECT without rows."""
    names = sorted(os.listdir(os.path.join(ROOT, "sql", "bronze")))
    return [name[:-len(".sql")] for name in names if "WHERE 1 = 0" in sql_text(os.path.join("bronze", name))]


def month_start(time_ms):
    moment = datetime.datetime.fromtimestamp(time_ms / 1000, datetime.timezone.utc)
    return calendar.timegm((moment.year, moment.month, 1, 0, 0, 0)) * 1000


def read_manifest(lake):
    with open(os.path.join(lake, "_current"), encoding="utf-8") as pointer:
        run_id = pointer.read().strip()
    with open(os.path.join(lake, "runs", run_id, "manifest.json"), encoding="utf-8") as text:
        return json.load(text)


class Engine:
    """A session with the prelude's functions and the parameters of the SQL files."""

    def __init__(self, spark, marquee):
        self.spark, self.marquee = spark, os.path.abspath(marquee)
        self.params = dict(SETTINGS)

    def sql(self, path):
        def put(match):
            value = self.params[match.group(1)]
            return f"CAST('{value!r}' AS DOUBLE)" if isinstance(value, float) else str(value)

        return re.sub(r"\$\{(\w+)\}", put, sql_text(path))

    def prelude(self):
        for statement in re.split(r";\s*\n", re.sub(r"--[^\n]*", "", sql_text("prelude/spark.sql"))):
            if statement.strip():
                self.spark.sql(statement)

    def empty_before(self):
        """There is no run before."""
        for table in TABLES:
            layer, name = table.split("/")
            if layer == "silver":
                self.spark.sql(sql_text(f"{table}_columns.sql")).createOrReplaceTempView(f"{name}_before")

    def score(self, relation):
        """The texts of a relation (content), each once, with what marquee says of them. By number: what is a text to SQL never passes
        through a line of text unescaped."""
        self.spark.sql(
            "SELECT row_number() OVER (ORDER BY content) AS id, content"
            f" FROM (SELECT DISTINCT content FROM {relation} WHERE content IS NOT NULL) AS t"
        ).cache().createOrReplaceTempView("texts")
        # translate: some versions' base64() breaks its lines.
        self.spark.sql(
            f"""SELECT TRANSFORM(id, translate(base64(encode(content, 'UTF-8')), '\r\n', '')) ROW FORMAT DELIMITED FIELDS TERMINATED BY '\t'
                USING '{self.marquee} sentiment --transform'
                AS (id STRING, neg STRING, neu STRING, pos STRING, compound STRING) ROW FORMAT DELIMITED FIELDS TERMINATED BY '\t'
                FROM texts"""
        ).createOrReplaceTempView("scores")
        return self.spark.sql(
            """SELECT texts.content, CAST(rint(CAST(scores.compound AS DOUBLE) * 1e4) AS BIGINT) AS compound_e4
               FROM texts JOIN scores ON CAST(scores.id AS BIGINT) = texts.id"""
        )


class Transforms(Engine):
    def __init__(self, spark, lake, marquee):
        super().__init__(spark, marquee)
        self.lake = os.path.abspath(lake)
        self.manifest = read_manifest(lake)
        cut, through = self.time("cut_at"), self.time("through")
        self.params.update(
            cut_year=datetime.datetime.fromtimestamp(cut / 1000, datetime.timezone.utc).year, texts_from_ms=cut - RAW_RETENTION_MS,
            exact_from_ms=MINUS_INFINITY, through_ms=through, trend_to_ms=through - through % DAY_MS,
            silver_from_ms=month_start(cut - SILVER_MS), silver_to_ms=cut + SETTINGS["future_limit_ms"] + DAY_MS,
            from_ms=month_start(cut - SILVER_MS), to_ms=cut + SETTINGS["future_limit_ms"] + DAY_MS, input_from_ms=MINUS_INFINITY,
            input_to_ms=cut + SETTINGS["future_limit_ms"] + DAY_MS,
        )

    def time(self, name):
        value = self.manifest.get(name, self.manifest.get(name + "_ms"))
        if isinstance(value, str):
            value = datetime.datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp() * 1000
        return int(round(value))

    def files(self, table):
        found = self.manifest["tables"].get(table, [])
        return [os.path.join(self.lake, file["name"]) for file in (found["files"] if isinstance(found, dict) else found)]

    def view_of_files(self, name, table, columns):
        files = self.files(table)
        rows = self.spark.read.parquet(*files) if files else self.spark.sql(sql_text(columns))
        rows.createOrReplaceTempView(name)

    def open(self):
        for name in bronze_tables():
            self.view_of_files(f"bronze_{name}", f"bronze/{name}", f"bronze/{name}.sql")
            self.spark.table(f"bronze_{name}").createOrReplaceTempView("new_answers" if name == "movies" else f"new_{name}")
        self.score("bronze_reviews").cache().createOrReplaceTempView("scored_texts")
        self.prelude()
        self.empty_before()
        for name in COMPUTED:
            self.spark.sql(self.sql(f"log/{name}.sql")).cache().createOrReplaceTempView(name)

    def write(self, table, out):
        path = os.path.join(out, table)
        self.spark.sql(self.sql(f"{table}.sql")).write.mode("overwrite").parquet(path)
        rows = self.spark.read.parquet(path)
        rows.createOrReplaceTempView(table.replace("/", "_"))
        return rows

    def expected(self, table):
        files = self.files(table)
        return self.spark.read.parquet(*files) if files else self.spark.sql(sql_text(f"{table}_columns.sql"))


def comparable(value):
    """By value, whatever the engine calls it; a struct by its fields in order."""
    if isinstance(value, tuple):
        return tuple(comparable(field) for field in value)
    if isinstance(value, list):
        return tuple(comparable(item) for item in value)
    return repr(value) if isinstance(value, float) else value


def compare(table, found, expected):
    names = expected.columns
    if sorted(names) != sorted(found.columns):
        print(f"{table}: columns {found.columns}, expected {names}")
        return 1
    counts = collections.Counter(tuple(comparable(row[name]) for name in names) for row in expected.collect())
    total = sum(counts.values())
    counts.subtract(tuple(comparable(row[name]) for name in names) for row in found.collect())
    wrong = sorted((row for row, count in counts.items() if count), key=repr)
    for row in wrong[:2 * SHOWN_MAX]:
        print(f"  {table}: {'DuckDB' if counts[row] > 0 else 'Spark '} only: {dict(zip(names, row))}")
    print(f"{table}: {total} rows, {len(wrong)} differ")
    return len(wrong)


def session(threads, memory, more=None):
    from pyspark.sql import SparkSession

    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    built = SparkSession.builder.master(f"local[{threads}]")
    for name, value in {
        "spark.driver.memory": memory, "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.sql.shuffle.partitions": str(threads),
        "spark.sql.session.timeZone": "UTC", "spark.sql.legacy.chunkBase64String.enabled": "false",
        # Bad input gives null, as the prelude promises, and not an end of the run.
        "spark.sql.ansi.enabled": "false", **(more or {}),
    }.items():
        built = built.config(name, value)
    built = built.getOrCreate()
    built.sparkContext.setLogLevel("ERROR")
    return built


def jvm_figures(spark):
    """CPU seconds of the driver's JVM and of what it ran, and its peak MB, so far."""
    pid = spark.sparkContext._jvm.java.lang.ProcessHandle.current().pid()
    with open(f"/proc/{pid}/stat", encoding="utf-8") as text:
        fields = text.read().rsplit(")", 1)[1].split()
    with open(f"/proc/{pid}/status", encoding="utf-8") as lines:
        peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK"), peak / 1024


def main():
    parser = argparse.ArgumentParser(description="the batch's transforms on Spark")
    parser.add_argument("lake")
    parser.add_argument("--marquee", required=True)
    parser.add_argument("--out")
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", default="2g")
    args = parser.parse_args()
    spark = session(args.threads, args.memory)
    out = args.out or tempfile.mkdtemp(prefix="marquee-spark-")
    started, wrong = time.monotonic(), 0
    cpu_before, _ = jvm_figures(spark)
    transforms = Transforms(spark, args.lake, args.marquee)
    transforms.open()
    for table in TABLES:
        begun = time.monotonic()
        rows = transforms.write(table, out)
        print(f"spark {table:26s} {time.monotonic() - begun:9.2f} s", flush=True)
        if args.compare:
            wrong += compare(table, rows, transforms.expected(table))
    if not args.compare:
        cpu, peak = jvm_figures(spark)
        print(f"spark {'all of silver and gold':26s} {time.monotonic() - started:9.2f} s, {cpu - cpu_before:.2f} s of CPU, {peak:.0f} MB peak")
    spark.stop()
    if not args.out:
        shutil.rmtree(out)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
