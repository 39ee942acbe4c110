#!/usr/bin/env python3
"""Proves that a log which lost its tail stops the start: the error says where, and nothing is skipped or guessed."""
import os
import shutil
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402

SETTINGS = {"ingest.tracked_movies_max": "40", "ingest.list_pages": "1", "ingest.observe_interval": "30m"}
LOST_HOURS = 12
FAILED = 1


class LostTail(unittest.TestCase):
    def setUp(self):
        self.world = harness.World(self, "2026-03-12T12:30:00Z", settings=SETTINGS)
        self.addCleanup(self.world.__exit__, None, None, None)
        self.world.simulator("--seed", "1")
        self.world.must("run", "ingest", "--backfill", "1")
        self.bus = os.path.join(self.world.data, "bus.db")
        self.old = os.path.join(self.world.folder, "old-bus.db")
        shutil.copy(self.bus, self.old)
        self.short = self.world.log_ends()
        self.world.set_clock(self.world.start_ms + LOST_HOURS * harness.HOUR_MS, harness.FROZEN)
        self.world.simulator("--seed", "1")
        self.world.must("run", "ingest", "--backfill", str(LOST_HOURS / 24))
        self.world.catch_up()
        self.positions, self.rows = self.world.stream_positions(), self.stored()
        self.assertGreater(self.positions["movie.ratings"], self.short["movie.ratings"])

    def stored(self):
        return self.world.read("stream.db", "SELECT * FROM movie_stats ORDER BY hour, movie_id")

    def refused(self, *command):
        """The command ends by itself with 1; returns what it said."""
        done = self.world.run(*command)
        self.assertEqual(done.returncode, FAILED, f"marquee {' '.join(command)}: {done.stdout}\n{done.stderr}")
        return done.stderr

    def test_older_log(self):
        """An older copy of the log (a snapshot was restored): the committed offset is beyond its end."""
        shutil.copy(self.old, self.bus)
        for command in (("run", "stream"), ("up",)):
            said = self.refused(*command)
            self.assertRegex(said, r"movie\.\w+ partition \d: the committed offset \d+ is beyond the log's end \d+")
            self.assertIn("the bus lost its tail", said)
        self.assertEqual(self.world.stream_positions(), self.positions)
        self.assertEqual(self.stored(), self.rows)

    def test_grown_again(self):
        """An older copy that has grown since, past the committed offsets: the records there are others. Nobody may go on
        as if they had been read."""
        shutil.copy(self.old, self.bus)
        self.world.set_clock(self.world.start_ms + 3 * LOST_HOURS * harness.HOUR_MS, harness.FROZEN)
        self.world.simulator("--seed", "2")
        self.world.must("run", "ingest", "--backfill", str(2 * LOST_HOURS / 24))
        for command in (("run", "stream"), ("up",)):
            self.assertRegex(self.refused(*command), r"the bus lost its tail and has grown since")
        self.assertEqual(self.world.stream_positions(), self.positions)
        self.assertLessEqual(set(self.stored()), set(self.rows))    # some have expired by the clock

    def test_cut_file(self):
        """The file itself is cut: it is named as damaged. Not one record of what is left is read as if all were well."""
        size = os.path.getsize(self.bus)
        for share in (0.9, 0.5):
            os.truncate(self.bus, int(size * share) // 4096 * 4096)
            for command in (("run", "stream"), ("up",), ("topics", "dump")):
                self.assertRegex(self.refused(*command), r"bus\.db.*(malformed|damaged|not a database|lost)")
        self.assertEqual(self.world.stream_positions(), self.positions)
        self.assertEqual(self.stored(), self.rows)


if __name__ == "__main__":
    harness.main()
