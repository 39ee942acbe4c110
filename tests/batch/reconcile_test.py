"""Reconciliation: speed tables that the stream engine wrote and the batch's rows of the same log agree; drift that is planted
in each of the speed tables is counted by its cause, listed, and repaired: the tables are what they were, and the feed names what
changed. Hours in which the speed layer is behind are not compared.

usage: reconcile_test.py STREAM_REPLAY BATCH_REPLAY MARQUEE"""
import json
import os
import sqlite3
import subprocess
import sys
import tempfile

ROOT = os.environ.get("MARQUEE_SOURCE_ROOT", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
HOUR = 3600 * 1000


def drift(batch_replay, folder, dump, *more):
    subprocess.run([batch_replay, "--dir", folder, "--dump", dump, *more], check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(folder, "lake", "runs", "drift.json"), encoding="utf-8") as text:
        return json.load(text)


def change(folder, *statements):
    store = sqlite3.connect(os.path.join(folder, "stream.db"))
    for statement in statements:
        assert store.execute(statement).rowcount > 0, statement
    store.commit()
    store.close()


def rows_of(folder, table):
    """The table's rows without titles, which are outside the equality."""
    store = sqlite3.connect(f"file:{folder}/stream.db?mode=ro", uri=True)
    columns = [row[1] for row in store.execute(f"PRAGMA table_info({table})") if row[1] != "title"]
    rows = sorted(store.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall(), key=repr)
    store.close()
    return rows


def feed_of(folder):
    store = sqlite3.connect(f"file:{folder}/stream.db?mode=ro", uri=True)
    keys = store.execute("SELECT table_id, hour, movie_id FROM speed_feed").fetchall()
    store.close()
    return set(keys)


def expect(name, found, **wanted):
    counts = {key: found[key] for key in ("missing_speed", "missing_batch", "value")}
    print(f"{name}: compared {found['compared']}, {counts}, repaired {found['repaired']}")
    listed = sorted(row["cause"] for row in found["rows"])
    return (counts == {**dict.fromkeys(counts, 0), **wanted} and len(listed) == sum(counts.values())
            and found["repaired"] == len(listed) and all(row["repaired"] for row in found["rows"]))


def check_repaired(folder, wanted, keys):
    """The tables are as they were before the drift was planted, and sync will copy the keys."""
    same = all(rows_of(folder, table) == rows for table, rows in wanted.items())
    told = keys <= feed_of(folder)
    print(f"  tables {'equal' if same else 'differ'}, feed {'has' if told else 'lacks'} the keys")
    return same and told


def printed_drift(marquee, folder, wanted):
    """marquee batch drift, as JSON and for people, says what stands in the lake."""
    def run(*more):
        return subprocess.run([marquee, "batch", "drift", "--set", f"data.dir={folder}", *more], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
    text = run()
    lines = text.stdout.splitlines()
    return (json.loads(run("--json").stdout) == wanted and text.returncode == 0
            and sum(row["cause"] in line and row["table"] in line for row, line in zip(wanted["rows"], lines[-len(wanted["rows"]):]))
            == len(wanted["rows"]))


def main():
    stream_replay, batch_replay, marquee = sys.argv[1:4]
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        dump = os.path.join(folder, "dump.jsonl")
        with open(dump, "w", encoding="utf-8") as out:
            subprocess.run([sys.executable, os.path.join(ROOT, "tools/loggen.py"), "--seed", "3", "--records", "3000"],
                           check=True, stdout=out, stderr=subprocess.DEVNULL)
        none = subprocess.run([marquee, "batch", "drift", "--set", f"data.dir={folder}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        good = none.returncode == 1 and b"no batch run" in none.stderr
        subprocess.run([stream_replay, "--dir", folder, "--dump", dump, "--bus", "sqlite"], check=True, stdout=subprocess.DEVNULL)
        first = drift(batch_replay, folder, dump)
        good &= expect("as it should be", first) and first["compared"] > 100

        tables = ("movie_stats", "review_sentiments", "trending_movies")
        was = {table: rows_of(folder, table) for table in tables}
        store = sqlite3.connect(os.path.join(folder, "stream.db"))
        newest = store.execute("SELECT max(hour) FROM movie_stats").fetchone()[0]
        recent = store.execute("SELECT movie_id, hour FROM movie_stats WHERE hour >= ? ORDER BY hour DESC, movie_id LIMIT 4",
                               (newest - 20 * HOUR,)).fetchall()
        reviewed = store.execute("SELECT movie_id, hour, window_start FROM review_sentiments WHERE hour >= ?"
                                 " ORDER BY window_start DESC, movie_id LIMIT 3", (newest - 20 * HOUR,)).fetchall()
        ranked = [row[0] for row in store.execute("SELECT DISTINCT hour FROM trending_movies WHERE hour >= ? ORDER BY hour DESC LIMIT 2",
                                                  (newest - 20 * HOUR,))]
        bare = store.execute("SELECT max(hour) FROM movie_stats WHERE hour NOT IN (SELECT hour FROM trending_movies)").fetchone()[0]
        store.close()
        (gone, gone_hour), (wrong, wrong_hour), (faster, faster_hour), _ = recent
        change(folder, f"DELETE FROM movie_stats WHERE movie_id = {gone} AND hour = {gone_hour}", "DELETE FROM speed_feed")
        good &= expect("a lost row", drift(batch_replay, folder, dump), missing_speed=1)
        good &= check_repaired(folder, was, {(1, gone_hour, gone)}) and expect("and then", drift(batch_replay, folder, dump))

        change(folder, f"UPDATE movie_stats SET vote_count = vote_count + 1 WHERE movie_id = {wrong} AND hour = {wrong_hour}",
               f"UPDATE movie_stats SET rating_velocity = 12345.5 WHERE movie_id = {faster} AND hour = {faster_hour}",
               f"INSERT INTO movie_stats SELECT hour, 7, title, vote_average, vote_count, popularity, rating_velocity,"
               f" last_updated FROM movie_stats WHERE movie_id = {wrong} AND hour = {wrong_hour}")
        found = drift(batch_replay, folder, dump)
        good &= expect("two wrong values, and a row of nowhere", found, value=2, missing_batch=1)
        good &= {(row["movie_id"], row["cause"]) for row in found["rows"]} == {
            (wrong, "value"), (faster, "value"), (7, "missing_batch")}
        good &= printed_drift(marquee, folder, found)
        good &= check_repaired(folder, was, {(1, wrong_hour, wrong), (1, wrong_hour, 7), (1, faster_hour, faster)})

        (lost, lost_hour, lost_start), (less, less_hour, less_start), (also, also_hour, also_start) = reviewed
        change(folder, f"DELETE FROM review_sentiments WHERE movie_id = {lost} AND window_start = {lost_start}",
               f"UPDATE review_sentiments SET sentiment_sum_e4 = sentiment_sum_e4 - 1 WHERE movie_id = {less} AND window_start = {less_start}",
               f"INSERT INTO review_sentiments SELECT hour, 7, window_start, window_end, avg_sentiment, sentiment_sum_e4, review_count,"
               f" positive_count, negative_count, neutral_count, sentiment_velocity FROM review_sentiments"
               f" WHERE movie_id = {also} AND window_start = {also_start}")
        found = drift(batch_replay, folder, dump)
        good &= expect("reviews: lost, wrong, of nowhere", found, missing_speed=1, value=1, missing_batch=1)
        good &= {(row["movie_id"], row["cause"], row["table"]) for row in found["rows"]} == {
            (lost, "missing_speed", "review_sentiments"), (less, "value", "review_sentiments"), (7, "missing_batch", "review_sentiments")}
        good &= check_repaired(folder, was, {(0, lost_hour, lost), (0, less_hour, less), (0, also_hour, 7)})

        planted = {"missing_speed": 1, "value": 1}
        change(folder, f"DELETE FROM trending_movies WHERE hour = {ranked[0]}",
               f"UPDATE trending_movies SET trending_score = trending_score + 1e-8 WHERE hour = {ranked[1]} AND rank = 1")
        if bare is not None and bare >= newest - 20 * HOUR:
            planted["missing_batch"] = 1
            change(folder, f"INSERT INTO trending_movies VALUES ({bare}, 1, {bare + HOUR}, 7, NULL, 1.0, 1.0, NULL)")
        good &= expect("ranks", drift(batch_replay, folder, dump), **planted)
        good &= check_repaired(folder, was, {(2, ranked[0], 0), (2, ranked[1], 0)})

        # The speed layer is behind in one hour of every partition: what reads that hour isn't compared, so nothing is drift.
        change(folder, f"UPDATE movie_stats SET vote_count = vote_count + 1 WHERE movie_id = {wrong} AND hour = {wrong_hour}",
               f"UPDATE hour_counts SET used_records = used_records - 1 WHERE topic = 'movie.ratings' AND hour > {newest - 25 * HOUR}")
        behind = drift(batch_replay, folder, dump)
        good &= expect("speed layer behind", behind) and behind["compared"] < found["compared"]
        # A store that is away keeps no run from its end: nobody listens there.
        away = drift(batch_replay, folder, dump, "--set=speed.backend=cassandra", "--set=speed.hosts=127.0.0.1:1")
        good &= expect("speed store away", away) and away["compared"] == 0
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
