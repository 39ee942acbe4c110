#!/usr/bin/env python3
"""Proves that a process may die at any instruction: SIGKILL at every named fail point of the source, and at random
moments of a running `up`. After each restart the tables equal the oracle on the log that is there.

usage: kill_test.py [--rounds N] [--seed N] [--all-steps]
"""
import argparse
import glob
import os
import random
import re
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402
from harness import ms_of  # noqa: E402

NOW = "2026-03-12T12:30:00Z"
SETTINGS = {"ingest.tracked_movies_max": "40", "ingest.list_pages": "1", "ingest.observe_interval": "30m",
            "stream.commit_records": "400"}      # so that a small log has many commits
KILLED = -signal.SIGKILL
LEASE_MINUTES = 1            # of the world, on a clock that stands: the lease of a killed process is over by then
UP_SPEED, UP_LEASE_MINUTES = 120, 61     # leases grow with the clock's speed
UP_SETTINGS = {"stream.commit_interval": "50ms"}
IN_COMMIT_EACH = 3           # so many of the kills of a running `up` are meant for a commit
IN_COMMIT_WAIT_S = 90        # observations come each 15 s; a crowded machine takes as long to start
# Which command passes the fail points that begin so, and at which passage it dies (not the first: something is there).
COMMANDS = (
    ("stream.commit.", ("run", "stream"), 3),
    ("sync_", ("run", "sync"), 1),
    ("view_put_speed", ("run", "sync"), 1),
    ("bus_append", ("run", "ingest", "--backfill", "0.2"), 3),
    ("lake.", ("run", "ingest", "--backfill", "0.2"), 1),
    ("batch.", ("batch", "run"), 1),
    ("view_publish", ("batch", "run"), 1),
)
# Passed only where what they are about happens; the unit tests of their noun kill there.
RARE = {"lake.rename.synced", "batch.partition.written", "batch.as_of.saved"}    # the last two by large tables and backfills
ON_KAFKA = "stream.cluster."     # tests/kafka kills there
arguments = None


def fail_points():
    """Every name in the source, outside of tests, that the embedded side passes."""
    names = set()
    for path in glob.glob(os.path.join(harness.ROOT, "src/**/*.c"), recursive=True):
        if not path.endswith(("_test.c", "_contract.c")):
            with open(path, encoding="utf-8") as file:
                names.update(re.findall(r'\bfailpoint\("([^"]+)"\)', file.read()))
    return sorted(name for name in names if not name.startswith(ON_KAFKA))


class KillTest(unittest.TestCase):
    def world(self, speed=harness.FROZEN):
        world = harness.World(self, NOW, speed, settings=SETTINGS)
        self.computed = {}
        self.addCleanup(world.__exit__, None, None, None)
        self.addCleanup(lambda: self.failed() and world.show())
        world.simulator("--seed", "3")
        world.must("run", "ingest", "--backfill", "3")
        return world

    def failed(self):
        result = self._outcome.result
        return any(case is self for case, _ in result.failures + result.errors)

    def die_at(self, world, name, command, passage):
        """Runs the command, which must be killed at that passage of that fail point."""
        program = world.start(*command, MARQUEE_FAILPOINT=f"{name}:{passage}")
        self.assertEqual(program.wait(), KILLED, f"{name} was not passed {passage} times by marquee {' '.join(command)}:"
                                                 f"\n{program.output()[-1500:]}")
        world.skip(LEASE_MINUTES)

    def names_of(self, *prefixes):
        names = [(name, command, passage) for name in fail_points() if name not in RARE
                 for prefix, command, passage in COMMANDS if name.startswith(prefix) and prefix in prefixes]
        self.assertTrue(names, f"no fail point begins with {prefixes}")
        return names

    def compare(self, world, sides=False):
        """The speed tables equal the oracle; with sides, the API too, below and above the boundary."""
        now_ms, (_, through_ms, cuts) = world.now_ms(), world.generation()
        boundary_ms = harness.boundary_of(now_ms, through_ms) if through_ms else 0
        state = (tuple(world.log_ends().items()), tuple(cuts.items()), boundary_ms, harness.held_from(now_ms))
        if state not in self.computed:      # the oracle takes as long as all the rest
            lines = world.dump()
            harness.check_speed(self, world, lines)
            self.computed[state] = harness.expected_points(lines, cuts, boundary_ms, harness.held_from(now_ms))
        expected, server = self.computed[state], world.serve()
        movies = sorted({movie for movie, _ in expected})[:10]
        harness.check_points(self, server, expected, movies, ms_of(NOW) - 4 * 24 * harness.HOUR_MS,
                             int(now_ms) + 2 * harness.HOUR_MS, both=sides)
        server.stop()


class FailPoints(KillTest):
    def test_all_are_known(self):
        """A new fail point must be killed at by somebody here."""
        self.assertEqual([name for name in fail_points() if name not in RARE and
                          not any(name.startswith(prefix) for prefix, _, _ in COMMANDS)], [])

    def test_stream_and_sync(self):
        """Between every two steps of a commit, one after another on the same state: each goes on where the last one
        that counted ended."""
        world = self.world()
        for name, command, passage in self.names_of("stream.commit."):
            with self.subTest(fail_point=name):
                self.die_at(world, name, command, passage)
        stream = world.start("run", "stream")
        world.await_stream()
        stream.stop()
        for name, command, passage in self.names_of("sync_", "view_put_speed"):
            with self.subTest(fail_point=name):
                self.die_at(world, name, command, passage)
        world.catch_up()
        self.compare(world)

    def test_ingest(self):
        """In the middle of an append and of a raw file: the log stays readable, and the layers agree on what it has."""
        world = self.world()
        before = world.log_ends()
        for name, command, passage in self.names_of("bus_append", "lake."):
            with self.subTest(fail_point=name):
                world.set_clock(world.start_ms + 6 * harness.HOUR_MS, harness.FROZEN)
                world.simulator("--seed", "3")
                self.die_at(world, name, command, passage)
        world.must("run", "ingest", "--backfill", "0.2")
        self.assertGreater(world.log_ends()["movie.ratings"], before["movie.ratings"])
        world.catch_up()
        self.compare(world)

    def test_batch(self):
        """Between every two steps of a run and within: the views stay whole, the next run completes it, and what it
        publishes equals the oracle."""
        world = self.world()
        first = world.run("batch", "run")
        self.assertEqual(first.returncode, 0, first.stderr)
        world.catch_up()
        steps = re.findall(r'"message":"step done".*?"step":"(\w+)"', first.stderr)
        self.assertGreater(len(steps), 5, first.stderr)
        points = self.names_of("batch.", "view_publish")
        if arguments.all_steps:
            points += [(f"batch.{step}.done", ("batch", "run"), 1) for step in steps]
        for name, command, passage in points:
            with self.subTest(fail_point=name):
                before = world.generation()[0]
                self.die_at(world, name, command, passage)
                killed = world.generation()[0]
                self.compare(world, sides=True)
                world.must("batch", "run")          # goes on where that one died
                self.assertGreater(world.generation()[0], before)
                self.assertGreaterEqual(world.generation()[0], killed)
        self.compare(world, sides=True)


class RandomMoments(KillTest):
    def test_up(self):
        """`up` is killed again and again while records arrive and runs are due, a fifth of the times within a commit of the
        stream, then the log is read to its end."""
        rng = random.Random(arguments.seed)
        print(f"seed {arguments.seed}, {arguments.rounds} rounds", file=sys.stderr)
        world = self.world(speed=UP_SPEED)
        before, inside = world.log_ends(), 0
        for number in range(arguments.rounds):
            world.skip(UP_LEASE_MINUTES)
            simulator = world.simulator("--seed", "3")
            inside += self.die_in_commit(world, rng) if number % IN_COMMIT_EACH == 0 else self.die_anywhere(world, rng)
            simulator.stop()
        print(f"{inside} of {arguments.rounds} within a commit", file=sys.stderr)
        self.assertGreaterEqual(5 * inside, arguments.rounds)
        world.await_no_batch()      # the child of a killed `up` goes on alone, and may publish
        world.freeze()
        world.skip(UP_LEASE_MINUTES)
        world.catch_up()
        self.assertGreater(world.log_ends()["movie.ratings"], before["movie.ratings"])
        lines = world.dump()
        print(f"{len(lines)} records, rows {harness.check_speed(self, world, lines)}", file=sys.stderr)
        self.compare(world)

    def die_anywhere(self, world, rng):
        program = world.start("up", settings=UP_SETTINGS)
        time.sleep(rng.uniform(0.05, 1.5))      # the moment is the test
        self.assertTrue(program.running(), program.output()[-2000:])
        program.kill()
        return False

    def die_in_commit(self, world, rng):
        """Between two steps of a commit. One that isn't passed (nothing to publish) is a kill at a late moment."""
        point = rng.choice([name for name in fail_points() if name.startswith("stream.commit.")])
        program = world.start("up", settings=UP_SETTINGS, MARQUEE_FAILPOINT=f"{point}:{rng.randint(1, 2)}")
        try:
            self.assertEqual(program.process.wait(IN_COMMIT_WAIT_S), KILLED, program.output()[-2000:])
            return True
        except subprocess.TimeoutExpired:
            program.kill()
            return False


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--all-steps", action="store_true", help="also behind each step of a batch run")
    arguments, rest = parser.parse_known_args()
    sys.argv[1:] = rest
    harness.main()
