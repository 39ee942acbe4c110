"""The batch's SQL files on Spark give the rows that DuckDB gave: deploy/spark/transforms.py over the bronze of two lakes, one of a random
log with late, duplicate, edited, expired, future and bad records and user events, one of made-up movies with TMDB's answers.
Titles, texts, lists and structs are compared too; doubles to the last bit.

usage: spark_sql_test.py MARQUEE BATCH_REPLAY BENCH_BATCH      skipped (77) without MARQUEE_SPARK, a Python that has PySpark"""
import os
import subprocess
import sys
import tempfile

ROOT = os.environ.get("MARQUEE_SOURCE_ROOT", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
SEED = 5
RECORDS = 2000
MOVIES = 200


def run(arguments, **options):
    return subprocess.run(arguments, check=True, **options)


def make_log_lake(replay, folder):
    dump = os.path.join(folder, "log.jsonl")
    with open(dump, "w", encoding="utf-8") as out:
        run([sys.executable, os.path.join(ROOT, "tools/loggen.py"), "--seed", str(SEED), "--records", str(RECORDS)], stdout=out,
            stderr=subprocess.DEVNULL)
    run([replay, "--dir", folder, "--dump", dump], stdout=subprocess.DEVNULL)
    return os.path.join(folder, "lake")


def make_movies_lake(bench, folder):
    run([bench, "generate", folder, str(MOVIES)])
    run([bench, "run", folder], stdout=subprocess.DEVNULL)
    return os.path.join(folder, "lake")


def main():
    marquee, replay, bench = sys.argv[1:]
    python = os.environ.get("MARQUEE_SPARK")
    if not python:
        print("skipped: make test-spark brings PySpark and names it")
        return 77
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        lakes = []
        for name, make, program in (("log", make_log_lake, replay), ("movies", make_movies_lake, bench)):
            own = os.path.join(folder, name)
            os.mkdir(own)
            lakes.append(make(program, own))
        for lake in lakes:
            print(f"== {lake}", flush=True)
            done = subprocess.run([python, os.path.join(ROOT, "deploy/spark/transforms.py"), lake, "--marquee", marquee, "--compare",
                                   "--out", os.path.join(folder, "out")])
            failed += done.returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
