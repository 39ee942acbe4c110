#!/usr/bin/env python3
"""Proves that nothing but settings differs with the bus on Kafka and the schemas in a registry: the roles as separate
processes, from the simulator to the API, equal the oracle on the log as Kafka holds it; a stream process that is killed
in a commit goes on. MARQUEE_KAFKA and MARQUEE_REGISTRY name the servers (tests/kafka/servers.sh); without them all of
this is skipped, 77."""
import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import world as kafka  # noqa: E402
from world import harness  # noqa: E402

NOW = "2026-03-12T12:30:00Z"


class Pipeline(kafka.KafkaTest):
    def world(self, backfill="3"):
        world = self.add_world(NOW, settings={"ingest.tracked_movies_max": "40", "stream.commit_records": "400"})
        if backfill:
            world.must("run", "ingest", "--backfill", backfill)
        self.assertFalse(os.path.exists(os.path.join(world.data, "bus.db")))
        self.assertFalse(os.path.exists(os.path.join(world.data, "registry.db")))
        return world

    def test_end_to_end(self):
        world = self.world()
        ends = world.log_ends()
        self.assertGreater(ends["movie.ratings"], 0)
        world.must("batch", "run")
        world.catch_up()
        self.compare(world)
        self.check_internal(world)

    def check_internal(self, world):
        """What the stream keeps for itself is shown to who asks for it."""
        own = {f"marquee.stream.{name}" for name in ("changelog", "snapshots", "measures")}
        for verb in ("list", "dump"):
            shown, all_shown = ({json.loads(line)["topic"] for line in world.must("topics", verb, *options).splitlines()}
                                for options in ((["--json"]), ["--json", "--internal"]))
            self.assertIn("movie.ratings", shown)
            self.assertFalse(own & shown)
            self.assertIn("marquee.stream.changelog", all_shown)
        world.must("topics", "describe", "marquee.stream.changelog")

    def test_example(self):
        """The annotated example of a cluster is one that the program takes."""
        with harness.World(self, NOW) as world:
            world.must("config", "check", "--config", os.path.join(harness.ROOT, "marquee.cluster.yaml"))

    def test_stream_killed(self):
        world = self.world()
        for point in ("stream.cluster.offsets", "stream.cluster.decided"):
            stream = world.start_stream(MARQUEE_FAILPOINT=f"{point}:2")
            self.assertEqual(stream.wait(), -signal.SIGKILL, stream.output()[-1500:])
            world.skip(1)
        world.catch_up()
        self.compare(world)

    def test_topic(self):
        """With stream.sink: topic who reads marquee.speed has what the speed tables would have, also behind a kill, and
        the speed tables have nothing."""
        world, options = self.world("1"), {"stream.sink": "topic"}
        stream = world.start_stream(options=options, MARQUEE_FAILPOINT="stream.cluster.decided:2")
        self.assertEqual(stream.wait(), -signal.SIGKILL, stream.output()[-1500:])
        world.skip(1)
        ends, stream = world.log_ends(), world.start_stream(options=options)
        harness.eventually("the stream has read all", lambda: all(
            world.stream_positions()[topic] >= end for topic, end in ends.items()), harness.CATCH_UP_TIMEOUT_S)
        stream.stop()
        self.assertFalse(os.path.exists(os.path.join(world.data, "stream.db")))
        subprocess.run([ROWS_FOLLOW, world.data, world.prefix, str(round(world.now_ms()))], check=True)
        harness.check_speed(self, world, [line for line in world.dump() if json.loads(line)["topic"] != "marquee.speed"])

    def test_three(self):
        """Three stream processes share the tasks; one is killed inside a commit, the others take its tasks over, and it
        comes back. Each has committed records of its own."""
        world = self.world(backfill=None)
        world.must("run", "ingest", "--backfill", "0.01")       # makes the topics
        options = {"metrics.listen": "127.0.0.1:0"}
        streams = [world.start_stream(number, kind=kafka.Role, options=options, **environment).await_metrics()
                   for number, environment in ((1, {}), (2, {}), (3, {"MARQUEE_FAILPOINT": "stream.cluster.offsets:4"}))]
        for stream in streams:
            harness.eventually("each has tasks", lambda s=stream: not s.running() or s.sum("marquee_stream_tasks") > 0)
        world.must("run", "ingest", "--backfill", "3")
        self.assertEqual(streams[2].wait(), -signal.SIGKILL, streams[2].output()[-1500:])
        world.await_stream()
        for stream in streams[:2]:
            self.assertGreater(stream.sum("marquee_stream_records_total"), 0)
        again = world.start_stream(3, kind=kafka.Role, options=options).await_metrics()
        harness.eventually("it has tasks again", lambda: again.sum("marquee_stream_tasks") > 0)
        world.must("run", "ingest", "--backfill", "0.1")
        world.await_stream()
        for stream in [*streams[:2], again]:
            stream.stop()
        sync = world.start("run", "sync")
        world.await_sync()
        sync.stop()
        self.compare(world)


if __name__ == "__main__":
    ROWS_FOLLOW = sys.argv.pop(1) if len(sys.argv) > 1 else ""
    kafka.main()
