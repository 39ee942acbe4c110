"""Reconciliation: speed tables that the stream engine wrote and the batch's rows of the same log agree; drift that is planted
in the speed tables is counted by its cause; hours in which the speed layer is behind are not compared.

usage: reconcile_test.py STREAM_REPLAY BATCH_REPLAY"""
import json
import os
import sqlite3
import subprocess
import sys
import tempfile

ROOT = os.environ.get("MARQUEE_SOURCE_ROOT", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
HOUR = 3600 * 1000


def drift(batch_replay, folder, dump):
    subprocess.run([batch_replay, "--dir", folder, "--dump", dump], check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(folder, "lake", "runs", "drift.json"), encoding="utf-8") as text:
        return json.load(text)


def change(folder, *statements):
    store = sqlite3.connect(os.path.join(folder, "stream.db"))
    for statement in statements:
        assert store.execute(statement).rowcount > 0, statement
    store.commit()
    store.close()


def expect(name, found, **wanted):
    counts = {key: found[key] for key in ("missing_speed", "missing_batch", "value")}
    print(f"{name}: compared {found['compared']}, {counts}")
    listed = sorted(row["cause"] for row in found["rows"])
    return counts == {**dict.fromkeys(counts, 0), **wanted} and len(listed) == sum(counts.values())


def main():
    stream_replay, batch_replay = sys.argv[1:3]
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        dump = os.path.join(folder, "dump.jsonl")
        with open(dump, "w", encoding="utf-8") as out:
            subprocess.run([sys.executable, os.path.join(ROOT, "tools/loggen.py"), "--seed", "3", "--records", "3000"],
                           check=True, stdout=out, stderr=subprocess.DEVNULL)
        subprocess.run([stream_replay, "--dir", folder, "--dump", dump, "--bus", "sqlite"], check=True, stdout=subprocess.DEVNULL)
        first = drift(batch_replay, folder, dump)
        good = expect("as it should be", first) and first["compared"] > 100

        store = sqlite3.connect(os.path.join(folder, "stream.db"))
        newest = store.execute("SELECT max(hour) FROM movie_stats").fetchone()[0]
        recent = store.execute("SELECT movie_id, hour FROM movie_stats WHERE hour >= ? ORDER BY hour DESC, movie_id LIMIT 4",
                               (newest - 20 * HOUR,)).fetchall()
        store.close()
        (gone, gone_hour), (wrong, wrong_hour), (faster, faster_hour), _ = recent
        change(folder, f"DELETE FROM movie_stats WHERE movie_id = {gone} AND hour = {gone_hour}")
        good &= expect("a lost row", drift(batch_replay, folder, dump), missing_speed=1)
        change(folder, f"UPDATE movie_stats SET vote_count = vote_count + 1 WHERE movie_id = {wrong} AND hour = {wrong_hour}",
               f"UPDATE movie_stats SET rating_velocity = 12345.5 WHERE movie_id = {faster} AND hour = {faster_hour}")
        good &= expect("and two wrong values", drift(batch_replay, folder, dump), missing_speed=1, value=2)
        change(folder, f"INSERT INTO movie_stats SELECT hour, 7, title, vote_average, vote_count, popularity, rating_velocity,"
                       f" last_updated FROM movie_stats WHERE movie_id = {wrong} AND hour = {wrong_hour}")
        found = drift(batch_replay, folder, dump)
        good &= expect("and a row of nowhere", found, missing_speed=1, value=2, missing_batch=1)
        good &= {(row["movie_id"], row["cause"]) for row in found["rows"]} == {
            (gone, "missing_speed"), (wrong, "value"), (faster, "value"), (7, "missing_batch")}

        # The speed layer is behind in one hour of every partition: what reads that hour isn't compared, so nothing is drift.
        change(folder, f"UPDATE hour_counts SET used_records = used_records - 1 WHERE topic = 'movie.ratings' AND hour > {newest - 25 * HOUR}")
        behind = drift(batch_replay, folder, dump)
        good &= expect("speed layer behind", behind) and behind["compared"] < found["compared"]
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
