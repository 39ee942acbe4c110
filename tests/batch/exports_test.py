"""TMDB's daily exports give the trends their history: files as ingest writes them go through a run into bronze/exports and
gold/trending_scores, whose rows equal least squares in fractions, computed here from the files and the observations. A file is
taken once; when its day is read again the new one counts; rows stay when ingest sweeps its spool; one that is cut short fails the run
by name, and the old rows stay.

usage: exports_test.py BATCH_REPLAY MARQUEE"""
import datetime
import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
from fractions import Fraction

ROOT = os.environ.get("MARQUEE_SOURCE_ROOT", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
DAY = 24 * 3600 * 1000
failures = []


def check(name, good, detail=""):
    print(f"{'ok' if good else 'FAILED'}: {name} {'' if good else detail}")
    if not good:
        failures.append(name)


def write_export(folder, day, rows):
    """The spool file of a day (its start, ms): rows of movie_id and popularity in 1/10,000."""
    date = datetime.datetime.fromtimestamp(day / 1000, datetime.timezone.utc).date().isoformat()
    path = os.path.join(folder, "lake", "spool", "exports", f"{date}.csv.gz")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as out:
        out.write("day,movie_id,popularity\n")
        for movie_id, e4 in sorted(rows.items()):
            out.write(f"{date},{movie_id},{e4 // 10000}.{e4 % 10000:04d}\n")
    return path


def line(points):
    """Mean and slope a day."""
    count = len(points)
    mean_x, mean_y = Fraction(sum(points), count), Fraction(sum(points.values()), count)
    above = sum((x - mean_x) * (y - mean_y) for x, y in points.items())
    return mean_y / 10000, above / sum((x - mean_x) ** 2 for x in points) / 10000


def expected_trends(values, last):
    """values: (movie_id, day number) -> popularity in 1/10,000. last: the day after the last one."""
    rows = {}
    for name, length in (("7d", 7), ("30d", 30), ("90d", 90)):
        found = {}
        for movie_id in {movie for movie, _ in values}:
            points = {day: e4 for (movie, day), e4 in values.items() if movie == movie_id and last - length <= day < last}
            if len(points) >= 2:
                found[movie_id] = (len(points), *line(points))
        relative = {movie: slope / mean for movie, (_, mean, slope) in found.items()}
        for movie, (days, mean, slope) in found.items():
            below = sum(other < relative[movie] for other in relative.values())
            score = Fraction(100 * below, len(found) - 1) if len(found) > 1 else Fraction(0)
            rows[name, movie] = (days, float(mean), float(slope), float(score))
    return rows


def main():
    batch_replay, marquee = sys.argv[1:3]
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        data, dump = os.path.join(folder, "data"), os.path.join(folder, "dump.jsonl")
        os.mkdir(data)
        with open(dump, "w", encoding="utf-8") as out:
            subprocess.run([sys.executable, os.path.join(ROOT, "tools/loggen.py"), "--seed", "8", "--records", "1200", "--hours", "72"],
                           check=True, stdout=out, stderr=subprocess.DEVNULL)

        def run():
            return subprocess.run([batch_replay, "--dir", data, "--dump", dump], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                  text=True)

        def ask(sql):
            done = subprocess.run([marquee, "query", sql, "--json", "--set", f"data.dir={data}"], check=True, stdout=subprocess.PIPE,
                                  text=True)
            return [json.loads(text) for text in done.stdout.splitlines()]

        def found_trends():
            return {(row["window_name"], row["movie_id"]): (row["days"], row["moving_average"], row["velocity"], row["trend_score"])
                    for row in ask("SELECT * FROM gold.trending_scores")}

        def wanted_trends(exports):
            values = {(movie, day): e4 for (movie, day), e4 in exports.items() if movie in known}
            last_of = {}
            for row in ask("SELECT movie_id, observed_at, popularity_e4 FROM silver.snapshots"):
                key = row["movie_id"], row["observed_at"] // DAY
                if key not in last_of or row["observed_at"] > last_of[key][0]:
                    last_of[key] = row["observed_at"], row["popularity_e4"]
            values.update({key: e4 for key, (_, e4) in last_of.items()})
            return expected_trends(values, through // DAY)

        def differ(found, wanted):
            def near(mine, theirs):
                return mine and theirs and all(abs(a - b) <= 1e-9 * max(1, abs(b)) for a, b in zip(mine, theirs))
            keys = sorted(found.keys() | wanted.keys())
            return [(key, found.get(key), wanted.get(key)) for key in keys if not near(found.get(key), wanted.get(key))]

        def equal(found, wanted):
            return not differ(found, wanted)

        check("a first run", run().returncode == 0)
        with open(os.path.join(data, "lake", "_current"), encoding="utf-8") as pointer:
            with open(os.path.join(data, "lake", "runs", pointer.read(), "manifest.json"), encoding="utf-8") as text:
                through = json.load(text)["through"]
        known = {row["movie_id"] for row in ask("SELECT movie_id FROM silver.movies WHERE quality_flag <> 'ERROR'")}
        dice, exports = random.Random(5), {}
        last = through // DAY
        level = {movie: dice.randint(1, 500) * 10000 for movie in sorted(known)[:8] + [999999]}
        for day in range(last - 91, last + 1):
            for movie in level:
                level[movie] = max(1, level[movie] + dice.randint(-9999, 9999))
                if dice.random() < 0.8:
                    exports[movie, day] = level[movie]
            write_export(data, day * DAY, {movie: e4 for (movie, at), e4 in exports.items() if at == day})
        check("a run with exports", run().returncode == 0)
        wanted = wanted_trends(exports)
        check("trends of 90 days at once", equal(found_trends(), wanted) and max(days for days, *_ in wanted.values()) > 60,
              differ(found_trends(), wanted)[:5])
        check("unknown movies have none", ("90d", 999999) not in found_trends())
        stored = ask("SELECT count(*) AS n FROM bronze.exports")[0]["n"]
        check("all rows are in bronze", stored == len(exports), stored)
        check("again", run().returncode == 0 and ask("SELECT count(*) AS n FROM bronze.exports")[0]["n"] == stored)

        movie = next(movie for movie, day in exports if day == last - 40 and movie in known)
        exports[movie, last - 40] += 5_000_000
        path = write_export(data, (last - 40) * DAY, {movie: e4 for (movie, at), e4 in exports.items() if at == last - 40})
        again = run()
        check("a day that was read again", again.returncode == 0 and equal(found_trends(), wanted_trends(exports)), again.stderr)
        check("it changed something", found_trends()["90d", movie] != wanted["90d", movie])
        kept = found_trends()
        os.unlink(path)
        check("rows stay when the spool is swept", run().returncode == 0 and found_trends() == kept)

        path = write_export(data, (last - 41) * DAY, {movie: 1 for movie in known})
        with open(path, "r+b") as file:
            file.truncate(os.path.getsize(path) // 2)
        broken = run()
        check("cut short: fails by name", broken.returncode != 0 and os.path.basename(path) in broken.stderr, broken.stderr)
        check("cut short: the old rows stay", found_trends() == kept)
        os.unlink(path)
        check("well again", run().returncode == 0)
    print(f"failed: {failures or 'none'}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
