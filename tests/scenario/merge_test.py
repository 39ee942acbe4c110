#!/usr/bin/env python3
"""Proves the merge from outside: hours on both sides of the boundary equal the oracle when the batch is on time, when
it is late (boundary = through), when it is so late that hours are gone (gaps), and when records came late below the
boundary (pending_late). docs/merge.md, 'Five examples'."""
import os
import shutil
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402
from harness import HOUR_MS, iso_of, ms_of  # noqa: E402

START_MS = ms_of("2026-03-12T12:30:00Z")
DAYS = "3"
# Small: forty movies, twice an hour.
SETTINGS = {"ingest.tracked_movies_max": "40", "ingest.list_pages": "1", "ingest.observe_interval": "30m"}
base = None


def setUpModule():
    """One world for all: three days in the log, one batch run at START_MS, stream and sync caught up."""
    global base
    base = harness.World(None, iso_of(START_MS), settings=SETTINGS)
    try:
        base.simulator("--seed", "1")
        base.must("run", "ingest", "--backfill", DAYS)
        base.must("batch", "run")
        base.catch_up()
    except BaseException:
        base.show()
        tearDownModule()
        raise


def tearDownModule():
    base.__exit__(None, None, None)


class Merge(unittest.TestCase):
    def world(self, hours_later=0.0):
        """A copy of the base, hours later on the clock."""
        world = harness.World(self, iso_of(START_MS + int(hours_later * HOUR_MS)), settings=SETTINGS)
        self.addCleanup(world.__exit__, None, None, None)
        self.addCleanup(lambda: self.failed() and world.show())
        shutil.copytree(base.data, world.data)
        return world

    def failed(self):
        result = self._outcome.result
        return any(case is self for case, _ in result.failures + result.errors)

    def check(self, world, boundary_ms, gaps=()):
        """Starts serve and compares meta and every hour; returns the server."""
        now_ms, lines = world.now_ms(), world.dump()
        pending = self.pending(world, lines, boundary_ms)
        _, through_ms, cuts = world.generation()
        server = world.serve()
        expected = harness.expected_points(lines, cuts, boundary_ms, harness.held_from(now_ms))
        movies = sorted({movie for movie, _ in expected})[:30]
        self.assertGreaterEqual(len(movies), 20)
        meta = harness.check_points(self, server, expected, movies, START_MS - 5 * 24 * HOUR_MS,
                                    int(now_ms) + 2 * HOUR_MS)
        self.assertEqual(ms_of(meta["boundary"]), boundary_ms)
        self.assertEqual(ms_of(meta["batch_through"]), through_ms)
        self.assertEqual([(ms_of(gap["from"]), ms_of(gap["to"])) for gap in meta["gaps"]], list(gaps))
        self.assertEqual(meta["pending_late"], pending)
        self.assertEqual(meta["complete"], not gaps and not pending)
        return server

    def go_on(self, world, days, seed="1"):
        """The log goes on: the simulator at the new time, so many days of it, and the speed layer reads them."""
        world.simulator("--seed", seed)
        world.must("run", "ingest", "--backfill", str(days))
        world.catch_up()

    def test_on_time(self):
        """The last run at the last full hour: the boundary is 48 hours ago."""
        world = self.world()
        self.check(world, ms_of("2026-03-10T13:00:00Z"))

    def test_late_batch(self):
        """No run for 50 hours: the boundary stays at the run's through, the speed views hold all that it lacks."""
        world = self.world(50)
        self.go_on(world, 50 / 24)
        self.check(world, ms_of("2026-03-12T12:00:00Z"))

    def test_gap(self):
        """No run for 60 hours: what left the speed views before a run read it is said to be missing, and only until the
        next run."""
        world = self.world(60)
        self.go_on(world, 60 / 24)
        gap = (ms_of("2026-03-12T12:00:00Z"), harness.held_from(START_MS + 60 * HOUR_MS))
        self.assertEqual(gap[1], ms_of("2026-03-12T20:00:00Z"))
        self.check(world, gap[0], gaps=[gap]).stop()
        world.must("batch", "run")
        self.check(world, ms_of("2026-03-13T01:00:00Z"))

    def test_pending_late(self):
        """Records that come below the boundary after the cut are counted, one by one, and enter at the next run."""
        world = self.world()
        before = world.log_ends()
        os.remove(os.path.join(world.data, "ingest.db"))      # so that the past is asked again
        self.go_on(world, 50.5 / 24, seed="2")                # with other numbers
        boundary_ms = ms_of("2026-03-10T13:00:00Z")
        self.assertGreater(self.pending(world, world.dump(), boundary_ms), 40, f"{before} -> {world.log_ends()}")
        self.check(world, boundary_ms).stop()
        world.must("batch", "run")
        self.assertEqual(self.pending(world, world.dump(), boundary_ms), 0)
        self.check(world, boundary_ms)

    def pending(self, world, lines, boundary_ms):
        """Used records behind the cut in held hours below the boundary; the oracle says which are used."""
        log, cuts, held_from_ms = harness.oracle.read_log(lines), world.generation()[2], harness.held_from(world.now_ms())
        count = 0
        for partition, records in log.items():
            harness.oracle.classify(records, harness.oracle.Settings())
            count += sum(record.cls == "used" and record.offset >= cuts[partition] and
                         held_from_ms <= record.event_time // HOUR_MS * HOUR_MS < boundary_ms for record in records)
        return count


if __name__ == "__main__":
    harness.main()
