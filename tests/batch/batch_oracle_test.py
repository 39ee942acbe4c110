"""The batch layer against the oracle: on random logs with late, duplicate, edited, expired, future and bad records, the SQL on
the archive computes the same hours as the oracle, row for row, whatever runs happened in between, and at random cuts.

usage: batch_oracle_test.py BATCH_REPLAY [--seeds FIRST COUNT] [--records N] [--kill | --random-kills N]

With --kill, for each fail point and behind each step of the plan, with --random-kills at N random instants, a run is killed and
run again: the tables, views and files are those of a run without a crash.
A seed that fails is printed and replays exactly. The test fails too when a class of records was absent."""
import argparse
import collections
import importlib.util
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.environ.get("MARQUEE_SOURCE_ROOT", os.path.join(HERE, "..", ".."))
spec = importlib.util.spec_from_file_location("stream_oracle_test", os.path.join(HERE, "..", "stream", "oracle_test.py"))
stream = importlib.util.module_from_spec(spec)
spec.loader.exec_module(stream)

TABLES = ("movie_stats", "review_sentiments", "trending_movies")
SILVER_MS = 730 * 24 * stream.HOUR          # older hours are not kept
# The second passage is in the second run, which has one before it.
FAIL_POINTS = ["batch.begin", "batch.begin:2", "batch.archive.stored:2", "batch.transform.written:2", "batch.transform.written:9",
               "batch.export.put:2", "batch.publish.saved", "batch.publish.saved:2", "batch.publish.swapped",
               "batch.publish.swapped:2", "batch.release.committed:2", "batch.release.swept:3", "lake.put.written:5",
               "lake.put.synced:6", "lake.put.synced:25", "lake.rename.synced:4", "lake.rename.synced:30"]


def make_long_log(seed, records, path):
    """Ten days, so that bronze's retention is reached within it."""
    with open(path, "w", encoding="utf-8") as out:
        done = subprocess.run([sys.executable, os.path.join(ROOT, "tools/loggen.py"), "--seed", str(seed), "--records",
                               str(records), "--hours", "240"], check=True, stdout=out, stderr=subprocess.PIPE, text=True)
    return json.loads(done.stderr.strip().splitlines()[-1])


def manifest_of(folder):
    with open(os.path.join(folder, "lake", "_current"), encoding="utf-8") as pointer:
        run_id = pointer.read()
    with open(os.path.join(folder, "lake", "runs", run_id, "manifest.json"), encoding="utf-8") as text:
        return json.load(text)


def replay(program, folder, path, arguments, environment=None):
    return subprocess.run([program, "--dir", folder, "--dump", path] + arguments, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})})


def oracle_rows(path, cuts, now):
    tables = [argument for name in ("stats", "sentiment", "trending") for argument in ("--table", name)]
    done = stream.run([sys.executable, os.path.join(ROOT, "tools/oracle.py"), path, "--all-hours"] + cuts + tables)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return [row for row in rows if row["hour"] >= now - SILVER_MS]


def lake_rows(text):
    rows = []
    for line in text.splitlines():
        row = json.loads(line)
        if row["table"] == "trending_movies":
            row["score_e9"] = round(row["trending_score"] * 1e9)
        rows.append(row)
    return rows


def titles_wrong(expected, found):
    """Titles are outside the equality, but the batch's are of the cut, and so the oracle's (in months that it computed now)."""
    wanted = {row["movie_id"]: row["title"] for row in expected if row["table"] == "movie_stats"}
    wrong = [row for row in found if row["table"] == "movie_stats" and row["title"] != wanted.get(row["movie_id"])]
    for row in wrong[:stream.SHOWN_MAX]:
        print(f"  title of {row['movie_id']}: oracle {wanted.get(row['movie_id'])}, batch {row['title']}")
    return len(wrong)


def check_seed(program, seed, records, folder):
    path = os.path.join(folder, f"{seed}.jsonl")
    short = seed % 3 == 0
    summary = make_long_log(seed, records, path) if short else stream.make_log(seed, records, path)
    cuts = stream.make_cuts(seed, path)
    now, _ = stream.last_append(path, cuts)
    data = os.path.join(folder, f"data{seed}")
    os.mkdir(data)
    runs = 12 if short else seed % 4                       # 0: all at once
    # On every third seed bronze is let go as early as it can be: older hours come from the run before.
    settings = ["--set", "lake.bronze_retention=3d"] if short else []
    done = replay(program, data, path, ["--seed", str(seed), "--runs", str(runs)] + settings + cuts)
    if done.returncode:
        print(f"seed {seed}: {done.stderr}")
        return 1, summary, 0
    oracle, lake = oracle_rows(path, cuts, now), lake_rows(done.stdout)
    expected, found = stream.by_key(oracle), stream.by_key(lake)
    wrong = sum(stream.compare(name, expected[name], found[name]) for name in TABLES)
    if runs == 0:
        wrong += titles_wrong(oracle, lake)
    if short and manifest_of(data).get("bronze_from") is None:
        print(f"seed {seed}: nothing of bronze was let go: the test proves nothing")
        wrong += 1
    sizes = " ".join(f"{name}={len(expected[name])}" for name in TABLES)
    print(f"seed {seed}: {'ok' if not wrong else f'{wrong} rows differ'} ({sizes}, {runs + 1} runs{', cut' if cuts else ''})")
    return wrong, summary, sum(len(expected[name]) for name in TABLES)


def view_documents(folder):
    """The served documents, without their generation."""
    views = sqlite3.connect(f"file:{folder}/views.db?mode=ro", uri=True)
    generation = views.execute("SELECT generation FROM pointer").fetchone()[0]
    rows = views.execute("SELECT view_type, movie_id, genre, year, month, window, day_ms, data FROM batch_views"
                         " WHERE generation = ? ORDER BY 1, 2, 3, 4, 5, 6, 7", (generation,)).fetchall()
    views.close()
    return rows


def strays(folder):
    """Files that no manifest names, and temporary ones: a crash leaves nothing behind once a run has finished."""
    lake, found, named = os.path.join(folder, "lake"), set(), set()
    for at, _, names in os.walk(lake):
        found.update(os.path.relpath(os.path.join(at, name), lake) for name in names)
    for name in found:
        if name.endswith("/manifest.json"):
            with open(os.path.join(lake, name), encoding="utf-8") as text:
                tables = json.load(text)["tables"]
            named.update(file["name"] for table, files in tables.items() if table != "spool/movies" for file in files)
    data = {name for name in found if name.split(os.sep)[0] in ("bronze", "silver", "gold", "tmp", ".tmp", "spool")}
    return sorted(data ^ named)


def finish(program, data, path):
    """Runs until all is done; what is there then: tables, documents, stray files. None: it failed."""
    done = replay(program, data, path, ["--tables", "--runs", "1"])
    if done.returncode:
        print(f"{data}: {done.stderr}")
        return None
    return done.stdout, view_documents(data), strays(data)


def compare_with(wanted, found, name):
    if found is not None and found != wanted:
        print(f"{name}: tables {'equal' if found[0] == wanted[0] else 'differ'}, documents "
              f"{'equal' if found[1] == wanted[1] else 'differ'}, stray files {found[2]}")
    return found == wanted


def run_whole(program, data, path):
    os.mkdir(data)
    wanted = finish(program, data, path)
    print(f"without a crash: {len(wanted[0].splitlines())} rows, {len(wanted[1])} documents, stray files: {wanted[2] or 'none'}")
    return wanted


def kill_at(program, data, path, point):
    """In the second run; false: it didn't pass there."""
    os.mkdir(data)
    done = replay(program, data, path, ["--tables", "--runs", "1"], {"MARQUEE_FAILPOINT": point})
    if done.returncode != -9:
        print(f"{point}: was not killed there: {done.returncode} {done.stderr}")
    return done.returncode == -9


def check_kills(program, seed, records, folder):
    path, whole = os.path.join(folder, "kill.jsonl"), os.path.join(folder, "whole")
    stream.make_log(seed, records, path)
    wanted = run_whole(program, whole, path)
    failed = ["none"] if wanted[2] else []
    # The manifest has the steps up to its publication.
    steps = [step["name"] for step in manifest_of(whole)["steps"]] + ["publish_lake", "publish_views", "release"]
    points = FAIL_POINTS + [f"batch.{step}.done:2" for step in steps]
    for place, point in enumerate(points):
        data = os.path.join(folder, f"kill-{place}")
        if not kill_at(program, data, path, point) or not compare_with(wanted, finish(program, data, path), point):
            failed.append(point)
    print(f"{len(points)} fail points, failed: {failed or 'none'}")
    return failed


def check_random_kills(program, seed, records, count, folder):
    """The second run is killed at instants over all of its length, from its beginning in the same folder each time. When is of no
    consequence for what must be there in the end; where it had come to is printed."""
    path, whole, data, begun = (os.path.join(folder, name) for name in ("kill.jsonl", "whole", "data", "begun"))
    stream.make_log(seed, records, path)
    wanted = run_whole(program, whole, path)
    failed = ["none"] if wanted[2] else []
    if not kill_at(program, data, path, "batch.begin:2"):
        return ["begin"]
    shutil.copytree(data, begun)                           # used under the one path: it is the lease's owner
    start = time.monotonic()
    finish(program, data, path)
    length, dice, reached = time.monotonic() - start, random.Random(seed), collections.Counter()
    for place in range(count):
        shutil.rmtree(data)
        shutil.copytree(begun, data)
        with subprocess.Popen([program, "--dir", data, "--dump", path, "--tables", "--runs", "1"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as child:
            try:
                child.wait(length * (place + dice.random()) / count)
            except subprocess.TimeoutExpired:
                child.kill()
        reached[steps_done(data)] += 1
        if not compare_with(wanted, finish(program, data, path), f"kill {place}"):
            failed.append(place)
    print(f"{count} random instants, steps done when killed: {dict(sorted(reached.items()))}, failed: {failed or 'none'}")
    if count >= 20 and len(reached) < 5:
        failed.append("the kills hit only a few places")
    return failed


def steps_done(folder):
    """How many steps of an open run are in its journal; -1: none is open."""
    runs = os.path.join(folder, "lake", "runs")
    try:
        with open(os.path.join(runs, "_running"), encoding="utf-8") as pointer:
            name = os.path.join(runs, pointer.read(), "journal.json")
        with open(name, encoding="utf-8") as text:
            return len(json.load(text)["manifest"]["steps"])
    except FileNotFoundError:
        return -1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--seeds", nargs=2, type=int, default=(1, 8))
    parser.add_argument("--records", type=int, default=3000)
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--random-kills", type=int, default=0)
    parser.add_argument("-v", action="store_true", help="accepted and ignored: run.sh gives it")
    args = parser.parse_args()
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None      # thousands of commits: no disk is waited for
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        if args.kill:
            return 1 if check_kills(args.program, args.seeds[0], args.records, folder) else 0
        if args.random_kills:
            return 1 if check_random_kills(args.program, args.seeds[0], args.records, args.random_kills, folder) else 0
        total, failed, rows = collections.Counter(), [], 0
        for seed in range(args.seeds[0], args.seeds[0] + args.seeds[1]):
            wrong, summary, count = check_seed(args.program, seed, args.records, folder)
            total.update(summary)
            rows += count
            if wrong:
                failed.append(seed)
    absent = [kind for kind in stream.NEEDED if not total[kind]]
    if absent:
        print(f"these classes were absent, the comparison proves nothing: {', '.join(absent)}")
    print(f"{rows} rows, failed seeds: {failed or 'none'}")
    return 1 if failed or absent or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
