"""The tables that marquee's engine wrote, beside those of deploy/spark/speed.py, after both read the same topics: rows by key, every
number but the score's last digits (1e-9).

usage: compare.py DUMP ENGINE_DATA SPARK_FOLDER        exit 1 where a row differs

DUMP is the log that was loaded. Hours that end less than an hour within the retention, by the log's end or by the clock, aren't compared:
the engine's sweep goes by the clock, Spark's limit by the records."""
import json
import os
import sqlite3
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.environ.get("MARQUEE_SOURCE_ROOT", os.path.join(HERE, "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tests", "spark"))
import spark_speed_test as test  # noqa: E402

HOUR_MS = 3600000


def engine_tables(data):
    store = sqlite3.connect(f"file:{os.path.join(data, 'stream.db')}?mode=ro", uri=True)
    store.row_factory = sqlite3.Row
    return [{"table": table, **dict(row)} for table in test.TABLES for row in store.execute(f"SELECT * FROM {table}")]


def main():
    dump, data, folder = sys.argv[1:]
    with open(dump, encoding="utf-8") as lines:
        last = max(int(time.time() * 1000), max(json.loads(line)["append_time"] for line in lines))
    engine = test.stream.engine_rows("\n".join(map(json.dumps, engine_tables(data))), last + HOUR_MS)
    expected, found = test.stream.by_key(engine), test.stream.by_key(test.read_tables(folder, last + HOUR_MS))
    wrong = 0
    for table in test.TABLES:
        differ = test.stream.compare(table, expected[table], found[table])
        print(f"         {table}: {len(expected[table])} rows, {differ} differ")
        wrong += differ or not expected[table]
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
