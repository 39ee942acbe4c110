"""The stream engine against the oracle: on random logs with late, duplicate, edited, expired, future and bad records,
with random commit points, restarts and cuts, both compute the same tables, row for row.

usage: oracle_test.py STREAM_REPLAY [--seeds FIRST COUNT] [--records N] [--cluster]

With --cluster the engine is the one for Kafka, 1 to 3 processes of it over a fake group (stream_replay.c), every other seed with its
rows in a topic.

A seed that fails is printed and replays exactly. The test fails too when a class of records was absent."""
import argparse
import collections
import json
import os
import random
import subprocess
import sys
import tempfile

ROOT = os.environ.get("MARQUEE_SOURCE_ROOT", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
MINUTE = 60 * 1000
HOUR = 60 * MINUTE
RETENTION = 52 * HOUR
KEYS = {
    "movie_stats": ("movie_id", "hour"),
    "review_sentiments": ("movie_id", "hour", "window_start"),
    "trending_movies": ("hour", "rank"),
    "counters": ("topic",),
}
EVENT_TIME = {"movie.reviews": "created_at", "movie.ratings": "timestamp", "movie.metadata": "timestamp",
              "user.events": "timestamp"}
NEEDED = ("late", "duplicate", "edited", "expired", "future", "bad", "out_of_order", "tie", "lower_version", "foreign_id",
          "forgotten", "silent_over_25h", "window_of_several")
SHOWN_MAX = 5
DISTINCT_ERROR = 0.15   # over four standard errors of the HyperLogLog


def run(arguments, **options):
    return subprocess.run(arguments, check=True, stdout=subprocess.PIPE, text=True, **options)


def make_log(seed, records, path):
    """Returns loggen's summary: how many records of each kind."""
    hours = random.Random(seed).choice((30, 75, 120))
    with open(path, "w", encoding="utf-8") as out:
        done = subprocess.run([sys.executable, os.path.join(ROOT, "tools/loggen.py"), "--seed", str(seed), "--records",
                               str(records), "--hours", str(hours)],
                              check=True, stdout=out, stderr=subprocess.PIPE, text=True)
    return json.loads(done.stderr.strip().splitlines()[-1])


def make_cuts(seed, path):
    """None for the whole log on even seeds; else an offset per partition, near one instant of the log as in a real
    commit, but each a little off."""
    if seed % 2 == 0:
        return []
    rng = random.Random(seed)
    with open(path, encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    instant = rng.randrange(len(records) // 3, len(records))
    counts = collections.Counter()
    for place, record in enumerate(records):
        if place < instant + rng.randrange(-20, 20):
            counts[(record["topic"], record["partition"])] = record["offset"] + 1
        else:
            counts.setdefault((record["topic"], record["partition"]), 0)
    return [argument for (topic, partition), offset in sorted(counts.items())
            for argument in ("--cut", f"{topic}/{partition}={offset}")]


def last_append(path, cuts):
    """What the replay's clock shows in the end, and the held hours' limit: the highest event time that isn't bad."""
    limits = {}
    for cut in cuts[1::2]:
        place, _, offset = cut.partition("=")
        limits[place] = int(offset)
    now, events = 0, {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            place = f"{record['topic']}/{record['partition']}"
            if record["offset"] >= limits.get(place, record["offset"] + 1):
                continue
            now = max(now, record["append_time"])
            if "_bad" not in record["value"]:
                events[(place, record["offset"])] = record["value"][EVENT_TIME[record["topic"]]]
    return now, events


def oracle_rows(path, cuts, now):
    tables = ["--table", "counters", "--table", "stats", "--table", "sentiment", "--table", "trending", "--table", "classes"]
    done = run([sys.executable, os.path.join(ROOT, "tools/oracle.py"), path, "--no-title", "--now", str(now)] + cuts + tables)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return [row for row in rows if row["table"] != "classes"], [row for row in rows if row["table"] == "classes"]


def by_key(rows):
    tables = {name: {} for name in KEYS}
    for row in rows:
        row = dict(row)
        table = row.pop("table")
        for outside in ("title", "late", "trending_score"):     # outside the equality; scores compare as score_e9
            row.pop(outside, None)
        if table in KEYS:
            tables[table][tuple(row[name] for name in KEYS[table])] = row
    return tables


def engine_rows(text, highest):
    """The replay's rows of hours that are held on every partition: the engine may hold more."""
    rows = []
    for line in text.splitlines():
        row = json.loads(line)
        if "hour" in row and row["hour"] + HOUR + RETENTION <= highest:
            continue
        if row["table"] == "trending_movies":
            row["score_e9"] = round(row["trending_score"] * 1e9)
        rows.append(row)
    return rows


def compare(name, expected, found):
    """Prints the first differences; returns how many rows differ."""
    wrong = [key for key in sorted(set(expected) | set(found)) if expected.get(key) != found.get(key)]
    for key in wrong[:SHOWN_MAX]:
        print(f"  {name} {key}\n    oracle {expected.get(key)}\n    engine {found.get(key)}")
    return len(wrong)


def hour_counts_wrong(text, classes, events, highest):
    """hour_counts of held hours are the used records by the oracle's classes."""
    expected = collections.Counter()
    for row in classes:
        if row["class"] == "used":
            event_time = events[(f"{row['topic']}/{row['partition']}", row["offset"])]
            expected[(row["topic"], row["partition"], event_time // HOUR * HOUR)] += 1
    found = {}
    for line in text.splitlines():
        row = json.loads(line)
        if row["table"] == "hour_counts":
            found[(row["topic"], row["partition"], row["hour"])] = row["used_records"]
    expected = {key: count for key, count in expected.items() if key[2] + HOUR + RETENTION > highest}
    found = {key: count for key, count in found.items() if key[2] + HOUR + RETENTION > highest}
    return compare("hour_counts", expected, found)


def live_wrong(text, classes, path, highest):
    """real_time_stats of held hours: counts are exact; distinct users and movies within a few standard errors."""
    used = {(row["topic"], row["partition"], row["offset"]) for row in classes if row["class"] == "used"}
    counts, distinct = collections.Counter(), collections.defaultdict(set)
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            if (record["topic"], record["partition"], record["offset"]) not in used:
                continue
            value = record["value"]
            minute = value[EVENT_TIME[record["topic"]]] // MINUTE * MINUTE
            if minute // HOUR * HOUR + HOUR + RETENTION <= highest:
                continue
            counts[("records." + record["topic"], minute)] += 1
            distinct[("movies", minute)].add(value["movie_id"])
            if record["topic"] == "user.events":
                counts[("events." + value["event_type"], minute)] += 1
                distinct[("users", minute)].add(value["user_id"])
    found = {}
    for line in text.splitlines():
        row = json.loads(line)
        if row["table"] == "real_time_stats" and row["hour"] + HOUR + RETENTION > highest:
            found[(row["metric"], row["window_start"])] = row["value"]
    estimates = {key: found.pop(key) for key in list(found) if key[0] in ("movies", "users")}
    far = [key for key in set(estimates) | set(distinct)
           if abs(estimates.get(key, 0) - len(distinct[key])) > 1 + DISTINCT_ERROR * len(distinct[key])]
    if far:
        print(f"  real_time_stats: {len(far)} estimates are off, such as {far[0]}: {estimates.get(far[0])} for {len(distinct[far[0]])}")
    return compare("real_time_stats", counts, found) + len(far)


def check_seed(replay, seed, records, tables, folder, cluster=False):
    path = os.path.join(folder, f"{seed}.jsonl")
    summary = make_log(seed, records, path)
    cuts = make_cuts(seed, path)
    now, events = last_append(path, cuts)
    rows, classes = oracle_rows(path, cuts, now)
    good = [events[(f"{row['topic']}/{row['partition']}", row["offset"])] for row in classes if row["class"] != "bad"]
    highest = max(good + [now])
    mode = ["--catch-up"] if seed % 5 == 4 else ["--faults"] if seed % 3 == 0 else []
    if cluster:
        mode += ["--cluster", str(1 + seed // 3 % 3)] + (["--topic"] if seed % 2 else [])
    data = os.path.join(folder, f"data{seed}")
    os.mkdir(data)
    text = run([replay, "--dir", data, "--dump", path, "--seed", str(seed)] + cuts + mode).stdout
    expected, found = by_key(rows), by_key(engine_rows(text, highest))
    wrong = sum(compare(name, expected[name], found[name]) for name in tables)
    wrong += hour_counts_wrong(text, classes, events, highest)
    wrong += live_wrong(text, classes, path, highest)
    sizes = " ".join(f"{name}={len(expected[name])}" for name in tables)
    print(f"seed {seed}: {'ok' if not wrong else f'{wrong} rows differ'} ({sizes}{', cut' if cuts else ''}{', ' + ' '.join(mode) if mode else ''})")
    return wrong, summary, sum(len(expected[name]) for name in tables if name != "counters")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("replay")
    parser.add_argument("--seeds", nargs=2, type=int, default=(1, 12))
    parser.add_argument("--records", type=int, default=3000)
    parser.add_argument("--table", action="append", choices=sorted(KEYS))
    parser.add_argument("--cluster", action="store_true")
    parser.add_argument("-v", action="store_true", help="accepted and ignored: run.sh gives it")
    args = parser.parse_args()
    total, failed, rows = collections.Counter(), [], 0
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(args.seeds[0], args.seeds[0] + args.seeds[1]):
            wrong, summary, count = check_seed(args.replay, seed, args.records, args.table or sorted(KEYS), folder,
                                            args.cluster)
            total.update(summary)
            rows += count
            if wrong:
                failed.append(seed)
    absent = [kind for kind in NEEDED if not total[kind]]
    if absent:
        print(f"these classes were absent, the comparison proves nothing: {', '.join(absent)}")
    print(f"{rows} rows, failed seeds: {failed or 'none'}")
    return 1 if failed or absent or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
