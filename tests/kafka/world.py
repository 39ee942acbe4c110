"""A World (tests/scenario/harness.py) whose bus is the Kafka and whose registry is the one that the environment names
(tests/kafka/servers.sh). Without them a test here says skipped, 77."""
import os
import re
import sys
import unittest
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "scenario"))
import harness  # noqa: E402
from harness import HOUR_MS, eventually  # noqa: E402

BROKERS, REGISTRY = os.environ.get("MARQUEE_KAFKA"), os.environ.get("MARQUEE_REGISTRY")
INGEST = {"ingest.tracked_movies_max": "20", "ingest.list_pages": "1", "ingest.observe_interval": "30m"}


class KafkaWorld(harness.World):
    """One deployment: a prefix that nobody had before."""

    def __init__(self, test, start, speed=harness.FROZEN, settings=None, brokers=None):
        self.prefix = f"t{uuid.uuid4()}."
        super().__init__(test, start, speed, {
            **INGEST, "bus.backend": "kafka", "bus.brokers": brokers or BROKERS, "bus.prefix": self.prefix,
            "registry.url": REGISTRY, **(settings or {})})

    def start_stream(self, number=0, options=None, **environment):
        """A stream process; those with a number go by it among several."""
        own = {"stream.instance": f"stream-{number}"} if number else {}
        return self.start("run", "stream", name=f"stream-{number}", settings={**own, **(options or {})}, **environment)

    def catch_up(self, streams=1):
        """So many stream processes until together they have read all, then sync; returns what each stream wrote."""
        processes = [self.start_stream(number) for number in range(streams)]
        self.await_stream()
        for process in processes:
            process.stop()
        sync = self.start("run", "sync")
        self.await_sync()
        sync.stop()
        return [process.output() for process in processes]


class Role(harness.Server):
    """`run ROLE` with its metrics server."""

    def await_metrics(self):
        self.port = int(self.ready(r"http://127\.0\.0\.1:(\d+)/metrics").group(1))
        return self

    def sum(self, name):
        """All rows of a metric together; 0 where it has none, or the process has ended."""
        return sum(value for key, value in self.metrics().items() if re.match(name + r"(\{|$)", key))


class KafkaTest(unittest.TestCase):
    """The world ends with the test, and shows itself where the test failed."""

    def add_world(self, *arguments, **options):
        world = KafkaWorld(self, *arguments, **options)
        self.addCleanup(world.__exit__, None, None, None)
        self.addCleanup(lambda: self.failed() and world.show())
        world.simulator("--seed", "3")
        return world

    def compare(self, world, movies=()):
        """The speed tables and the API, below and above the boundary, equal the oracle; these movies' hours and some
        others'."""
        now_ms, (_, through_ms, cuts) = world.now_ms(), world.generation()
        boundary_ms = harness.boundary_of(now_ms, through_ms) if through_ms else 0
        lines = world.dump()
        self.assertGreater(len(lines), 1000)
        harness.check_speed(self, world, lines)
        expected = harness.expected_points(lines, cuts, boundary_ms, harness.held_from(now_ms))
        server = world.serve()
        movies = sorted({movie for movie, _ in expected} - set(movies))[:10] + list(movies)
        harness.check_points(self, server, expected, movies, int(now_ms) - 4 * 24 * HOUR_MS,
                             int(now_ms) + 2 * HOUR_MS, both=bool(through_ms))
        server.stop()

    def failed(self):
        result = self._outcome.result
        return any(case is self for case, _ in result.failures + result.errors)


def main():
    if not BROKERS or not REGISTRY:
        print("skipped: MARQUEE_KAFKA and MARQUEE_REGISTRY name no servers; make test-kafka starts some")
        sys.exit(77)
    unittest.main(verbosity=2)


__all__ = ["KafkaTest", "KafkaWorld", "Role", "BROKERS", "REGISTRY", "harness", "eventually", "main"]
