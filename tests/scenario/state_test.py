#!/usr/bin/env python3
"""Proves that the speed layer's own file is a copy of what the log says, and no more: lost, or with damaged rows, it is
computed again, the rows that are served come from the new one, and nobody else stops."""
import os
import sqlite3
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402

SETTINGS = {"ingest.tracked_movies_max": "40", "ingest.list_pages": "1", "ingest.observe_interval": "30m"}
CRC_BYTES = 4


class State(unittest.TestCase):
    def setUp(self):
        self.world = harness.World(self, "2026-03-12T12:30:00Z", settings=SETTINGS)
        self.addCleanup(self.world.__exit__, None, None, None)
        self.go_on(1)

    def go_on(self, days):
        self.world.simulator("--seed", "1")
        self.world.must("run", "ingest", "--backfill", str(days))
        self.world.catch_up()

    def views(self):
        return self.world.read("views.db", "SELECT view_type, movie_id, hour_ms, data FROM speed_views ORDER BY 1, 2, 3")

    def damage(self, table, column):
        """Changes one byte in the middle of each row's bytes; returns how many rows."""
        with sqlite3.connect(os.path.join(self.world.data, "stream.db"), timeout=harness.HANG_S) as database:
            rows = database.execute(f"UPDATE {table} SET {column} = substr({column}, 1, 2) || x'5a' || substr({column}, 4) "
                                    f"WHERE length({column}) > 2 + {CRC_BYTES}").rowcount
        database.close()
        self.assertGreater(rows, 0)
        return rows

    def test_lost(self):
        """The file is gone. What came before and what comes after stands in the new one and reaches the views, though
        sync had read far into the old one's feed."""
        for name in ("stream.db", "stream.db-wal", "stream.db-shm"):
            path = os.path.join(self.world.data, name)
            if os.path.exists(path):
                os.remove(path)
        self.world.set_clock(self.world.start_ms + harness.HOUR_MS, harness.FROZEN)
        before = {row[:3] for row in self.views()}
        self.go_on(1 / 24)
        harness.check_speed(self, self.world)
        expected = self.views()
        self.assertGreater(len({row[:3] for row in expected} - before), 0, "nothing new in the views")
        with sqlite3.connect(os.path.join(self.world.data, "views.db"), timeout=harness.HANG_S) as database:
            database.execute("DELETE FROM speed_views")
            database.execute("UPDATE sync_state SET feed_position = -1")
        database.close()
        self.world.catch_up()
        whole = self.views()         # as sync makes them of the whole store
        self.assertEqual([row for row in whole if row not in set(expected)][:3], [])

    def test_damaged(self):
        """Rows that are wrong are named; `up` goes on, serves, and has computed all of them again in a moment."""
        damaged = self.damage("stream_bins", "data") + self.damage("stream_movies", "hours")
        before = self.views()
        self.world.set_clock(self.world.start_ms + harness.HOUR_MS, harness.FROZEN)
        self.world.simulator("--seed", "1")
        self.world.must("run", "ingest", "--backfill", str(1 / 24))
        server = self.world.serve("up")
        self.world.await_stream()
        self.world.await_sync()
        self.assertEqual(server.get("/api/v1/movies?limit=1")["data"][0].keys() & {"movie_id"}, {"movie_id"})
        server.stop()
        said = server.output()
        self.assertRegex(said, r"checksum of a row is wrong.*task \d, movie \d+, windows of kind \d in hour \d+")
        self.assertIn(f'"damaged_rows":{damaged}', said)
        harness.check_speed(self, self.world)
        held = harness.held_from(self.world.now_ms())
        gone = {row[:3] for row in before if row[2] >= held} - {row[:3] for row in self.views()}
        self.assertEqual(sorted(gone)[:5], [])
        used = self.world.read("stream.db", "SELECT sum(used + duplicate + expired + bad) FROM stream_positions")[0][0]
        self.assertEqual(used, sum(self.world.log_ends().values()))

    def test_unreadable(self):
        """What isn't a database at all stops the start, and the error says what to do."""
        with open(os.path.join(self.world.data, "stream.db"), "r+b") as file:
            file.write(b"x" * 100)
        done = self.world.run("run", "stream")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"stream\.db.*move the file")


if __name__ == "__main__":
    harness.main()
