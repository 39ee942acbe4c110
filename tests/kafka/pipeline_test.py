#!/usr/bin/env python3
"""Proves that nothing but settings differs with the bus on Kafka and the schemas in a registry: the roles as separate
processes, from the simulator to the API, equal the oracle on the log as Kafka holds it; a stream process that is killed
in a commit goes on. MARQUEE_KAFKA and MARQUEE_REGISTRY name the servers (tests/kafka/servers.sh); without them all of
this is skipped, 77."""
import os
import signal
import sys
import unittest
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "scenario"))
import harness  # noqa: E402
from harness import HOUR_MS, ms_of  # noqa: E402

NOW = "2026-03-12T12:30:00Z"
BROKERS, REGISTRY = os.environ.get("MARQUEE_KAFKA"), os.environ.get("MARQUEE_REGISTRY")
SETTINGS = {"ingest.tracked_movies_max": "40", "ingest.list_pages": "1", "ingest.observe_interval": "30m",
            "stream.commit_records": "400"}


class Pipeline(unittest.TestCase):
    def world(self):
        kafka = {"bus.backend": "kafka", "bus.brokers": BROKERS, "bus.prefix": f"p{uuid.uuid4()}.",
                 "registry.url": REGISTRY}
        world = harness.World(self, NOW, settings={**SETTINGS, **kafka})
        self.addCleanup(world.__exit__, None, None, None)
        self.addCleanup(lambda: self.failed() and world.show())
        world.simulator("--seed", "3")
        world.must("run", "ingest", "--backfill", "3")
        self.assertFalse(os.path.exists(os.path.join(world.data, "bus.db")))
        self.assertFalse(os.path.exists(os.path.join(world.data, "registry.db")))
        return world

    def failed(self):
        result = self._outcome.result
        return any(case is self for case, _ in result.failures + result.errors)

    def compare(self, world):
        """The speed tables and the API, below and above the boundary, equal the oracle."""
        now_ms, (_, through_ms, cuts) = world.now_ms(), world.generation()
        boundary_ms = harness.boundary_of(now_ms, through_ms) if through_ms else 0
        lines = world.dump()
        self.assertGreater(len(lines), 1000)
        harness.check_speed(self, world, lines)
        expected = harness.expected_points(lines, cuts, boundary_ms, harness.held_from(now_ms))
        server = world.serve()
        movies = sorted({movie for movie, _ in expected})[:10]
        harness.check_points(self, server, expected, movies, ms_of(NOW) - 4 * 24 * HOUR_MS,
                             int(now_ms) + 2 * HOUR_MS, both=bool(through_ms))
        server.stop()

    def test_end_to_end(self):
        world = self.world()
        ends = world.log_ends()
        self.assertGreater(ends["movie.ratings"], 0)
        world.must("batch", "run")
        world.catch_up()
        self.compare(world)

    def test_example(self):
        """The annotated example of a cluster is one that the program takes."""
        with harness.World(self, NOW) as world:
            world.must("config", "check", "--config", os.path.join(harness.ROOT, "marquee.cluster.yaml"))

    def test_stream_killed(self):
        world = self.world()
        for point in ("stream.commit.begin", "stream.commit.speed"):
            stream = world.start("run", "stream", MARQUEE_FAILPOINT=f"{point}:3")
            self.assertEqual(stream.wait(), -signal.SIGKILL, stream.output()[-1500:])
            world.skip(1)
        world.catch_up()
        self.compare(world)


if __name__ == "__main__":
    if not BROKERS or not REGISTRY:
        print("skipped: MARQUEE_KAFKA and MARQUEE_REGISTRY name no servers; make test-kafka starts some")
        sys.exit(77)
    unittest.main(verbosity=2)
