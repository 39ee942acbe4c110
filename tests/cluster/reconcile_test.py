#!/usr/bin/env python3
"""Reconciliation of speed tables in Cassandra: rows as the stream's tasks write them agree with the batch's of the same log;
drift that is planted in each table is counted by its cause and repaired with a timestamp that wins; what a writer is just
writing, and hours in which the speed layer is behind, are not compared. tests/batch/reconcile_test.py is the embedded side.

usage: reconcile_test.py STREAM_REPLAY BATCH_REPLAY SPEED_COPY        MARQUEE_CASSANDRA names the nodes"""
import json
import os
import subprocess
import sys
import tempfile
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "batch"))
from reconcile_test import HOUR, ROOT, expect  # noqa: E402

PARTITIONS = 6
TASKS = range(PARTITIONS + 1)
FIRST = 11                   # the sequence of the rows as they should be
GUARD_S = 600                # against a hang


class Store:
    """The keyspace of this test. Times in milliseconds; sequences as of the tasks' changelogs."""

    def __init__(self, speed_copy, folder, now_ms, hosts):
        self.command, self.folder, self.now_ms = speed_copy, folder, now_ms
        self.settings = [f"--set=speed.backend=cassandra", f"--set=speed.hosts={hosts}",
                         f"--set=speed.keyspace=t{uuid.uuid4().hex[:8]}", f"--set=speed.replication={min(3, hosts.count(',') + 1)}",
                         "--set=ranker.late_interval=0s", f"--set=bus.partitions={PARTITIONS}"]
        self.sequence = FIRST

    def run(self, what, *more):
        done = subprocess.run([self.command, what, self.folder, f"--now={self.now_ms}", *self.settings, "--", *more], check=True,
                              stdout=subprocess.PIPE, text=True, timeout=GUARD_S)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def plant(self, *statements):
        """Statements with {at[HOUR]} for a timestamp of that hour, of a write that the tasks have behind them."""
        self.sequence += 10
        self.run("cql", *(f"INSERT INTO $k.speed_numbers (name, value) VALUES ('task {task}', {self.sequence}) "
                          f"USING TIMESTAMP {self.sequence}" for task in TASKS), *statements)

    def at(self, hour, ahead=9):
        """ahead: of the sequence before the next plant(), which makes it 10 more."""
        return f"USING TIMESTAMP {hour * 1000 + self.sequence + ahead}"

    def drop(self):
        self.run("cql", "DROP KEYSPACE $k")


def drift(batch_replay, store, dump):
    subprocess.run([batch_replay, "--dir", store.folder, "--dump", dump, *store.settings], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=GUARD_S)
    with open(os.path.join(store.folder, "lake", "runs", "drift.json"), encoding="utf-8") as text:
        return json.load(text)


def check_repaired(store, wanted, keys):
    """The rows are as they were before the drift was planted, and sync will copy the keys."""
    same, told = store.run("dump") == wanted, set(map(tuple, keys)) <= set(map(tuple, store.run("feed")))
    print(f"  tables {'equal' if same else 'differ'}, feed {'has' if told else 'lacks'} the keys")
    return same and told


def check(batch_replay, store, dump):
    """One after the other; every step is shown."""
    def look(name, **wanted):
        found = drift(batch_replay, store, dump)
        return expect(name, found, **wanted), found

    good, nothing = look("an empty store")
    good &= nothing["compared"] == 0
    store.run("copy", str(FIRST))
    same, first = look("as it should be")
    good &= same and first["compared"] > 100
    was = store.run("dump")
    newest = max(row[2] for row in was if row[0] == "movie_stats")
    recent = sorted((row for row in was if row[0] == "movie_stats" and row[2] >= newest - 20 * HOUR), key=lambda row: (-row[2], row[1]))
    (_, gone, gone_hour, *_), (_, wrong, wrong_hour, *_), (_, faster, faster_hour, *_) = recent[:3]
    store.plant(f"DELETE FROM $k.movie_stats {store.at(gone_hour)} WHERE movie_id = {gone} AND hour = {gone_hour}")
    good &= look("a lost row", missing_speed=1)[0] and check_repaired(store, was, {(1, gone_hour, gone)})
    good &= look("and then")[0]

    store.plant(f"UPDATE $k.movie_stats {store.at(wrong_hour)} SET vote_count = 987654 WHERE movie_id = {wrong} AND hour = {wrong_hour}",
                f"UPDATE $k.movie_stats {store.at(faster_hour)} SET rating_velocity = 12345.5 WHERE movie_id = {faster}"
                f" AND hour = {faster_hour}",
                f"INSERT INTO $k.movie_stats (movie_id, hour, vote_average, vote_count, popularity, last_updated)"
                f" VALUES (7, {wrong_hour}, 1.5, 2, 3.5, {wrong_hour}) {store.at(wrong_hour)}")
    same, found = look("two wrong values, and a row of nowhere", value=2, missing_batch=1)
    good &= same and {(row["movie_id"], row["cause"]) for row in found["rows"]} == {
        (wrong, "value"), (faster, "value"), (7, "missing_batch")}
    good &= check_repaired(store, was, {(1, wrong_hour, wrong), (1, wrong_hour, 7), (1, faster_hour, faster)})

    windows = sorted((row for row in was if row[0] == "review_sentiments" and row[2] >= newest - 20 * HOUR),
                     key=lambda row: (-row[3], row[1]))
    (_, lost, lost_hour, lost_start, *_), (_, less, less_hour, less_start, *_), (_, _, also_hour, also_start, *_) = windows[:3]
    store.plant(f"DELETE FROM $k.review_sentiments {store.at(lost_hour)} WHERE movie_id = {lost} AND hour = {lost_hour}"
                f" AND window_start = {lost_start}",
                f"UPDATE $k.review_sentiments {store.at(less_hour)} SET sentiment_sum_e4 = 77 WHERE movie_id = {less}"
                f" AND hour = {less_hour} AND window_start = {less_start}",
                f"INSERT INTO $k.review_sentiments (movie_id, hour, window_start, window_end, avg_sentiment, sentiment_sum_e4,"
                f" review_count, positive_count, negative_count, neutral_count) VALUES (7, {also_hour}, {also_start},"
                f" {also_start + 300000}, 0.1, 1000, 1, 1, 0, 0) {store.at(also_hour)}")
    good &= look("reviews: lost, wrong, of nowhere", missing_speed=1, value=1, missing_batch=1)[0]
    good &= check_repaired(store, was, {(0, lost_hour, lost), (0, less_hour, less), (0, also_hour, 7)})

    ranked = sorted({row[2] for row in was if row[0] == "trending_movies" and row[2] >= newest - 20 * HOUR}, reverse=True)
    bare = max({row[2] for row in was if row[0] == "movie_stats"} - {row[2] for row in was if row[0] == "trending_movies"})
    planted = {"missing_speed": 1, "value": 1}
    statements = [f"DELETE FROM $k.trending_movies {store.at(ranked[0])} WHERE hour = {ranked[0]}",
                  f"UPDATE $k.trending_movies {store.at(ranked[1])} SET movie_id = 7 WHERE hour = {ranked[1]} AND rank = 1"]
    if bare >= newest - 20 * HOUR:
        planted["missing_batch"] = 1
        statements.append(f"INSERT INTO $k.trending_movies (hour, rank, window_end, movie_id, trending_score, velocity)"
                          f" VALUES ({bare}, 1, {bare + HOUR}, 7, 1.0, 1.0) {store.at(bare)}")
    store.plant(*statements)
    good &= look("ranks", **planted)[0] and check_repaired(store, was, {(2, ranked[0], 0), (2, ranked[1], 0)})

    # A task is just writing the row: no matter what it holds, it isn't compared, so nothing is drift.
    store.plant(f"UPDATE $k.movie_stats {store.at(wrong_hour, 15)} SET vote_count = 987654 WHERE movie_id = {wrong}"
                f" AND hour = {wrong_hour}")
    same, busy = look("a row that is being written")
    good &= same and busy["compared"] == first["compared"] - 1
    # The speed layer is behind in these hours of every partition: what reads them isn't compared.
    hours = sorted({row[2] for row in was if row[0] == "movie_stats" and row[2] > newest - 25 * HOUR})
    store.plant(f"UPDATE $k.movie_stats {store.at(gone_hour)} SET vote_count = 987654 WHERE movie_id = {gone} AND hour = {gone_hour}",
                *(f"UPDATE $k.hour_counts {store.at(hour)} SET used_records = 123456 WHERE hour = {hour} AND topic = 'movie.ratings'"
                  f" AND partition = {partition}" for hour in hours for partition in range(PARTITIONS)))
    same, behind = look("speed layer behind")
    return good and same and behind["compared"] < first["compared"]


def main():
    stream_replay, batch_replay, speed_copy = sys.argv[1:4]
    hosts = os.environ.get("MARQUEE_CASSANDRA")
    if not hosts:
        print("skipped: MARQUEE_CASSANDRA names no node; tests/cluster/servers.sh starts one")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        dump = os.path.join(folder, "dump.jsonl")
        with open(dump, "w", encoding="utf-8") as out:
            subprocess.run([sys.executable, os.path.join(ROOT, "tools/loggen.py"), "--seed", "3", "--records", "3000"],
                           check=True, stdout=out, stderr=subprocess.DEVNULL)
        with open(dump, encoding="utf-8") as lines:
            now_ms = max(json.loads(line)["append_time"] for line in lines)
        subprocess.run([stream_replay, "--dir", folder, "--dump", dump, "--bus", "sqlite"], check=True, stdout=subprocess.DEVNULL,
                       timeout=GUARD_S)
        store = Store(speed_copy, folder, now_ms, hosts)
        good = check(batch_replay, store, dump)
        store.drop()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
