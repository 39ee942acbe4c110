#!/usr/bin/env python3
"""Proves that two processes of a role don't do its work twice: against one broker and one data folder, of two ingests,
two syncs and two batches one leads and the other stands by, and takes over when the leader is killed. And that a role
without an API answers /metrics. Without MARQUEE_KAFKA and MARQUEE_REGISTRY all of this is skipped, 77."""
import collections
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import world as kafka  # noqa: E402
from world import eventually, harness  # noqa: E402

NOW = "2026-03-12T12:30:00Z"


class Roles(kafka.KafkaTest):
    def world(self, speed=1):
        return self.add_world(NOW, speed, {"metrics.listen": "127.0.0.1:0", "ingest.observe_interval": "5m"})

    def pair(self, world, role):
        return [world.start("run", role, kind=kafka.Role, name=f"{role}-{which}").await_metrics() for which in "ab"]

    def leader_of(self, pair, metric):
        """(the one that works, the other), once one does."""
        worked = eventually(f"one of two counts {metric}",
                            lambda: [one for one in pair if one.sum(metric) > 0], harness.CATCH_UP_TIMEOUT_S)
        self.assertEqual(len(worked), 1)
        return worked[0], next(one for one in pair if one is not worked[0])

    def test_ingest(self):
        world, records = self.world(), "marquee_ingest_records_total"
        leader, other = self.leader_of(self.pair(world, "ingest"), records)
        other.ready("another process leads")
        eventually("each tracked movie was observed", lambda: leader.sum(records) > 40)
        self.assertEqual(other.sum(records), 0)
        leader.kill()
        eventually("the other one leads", lambda: other.sum(records) > 0, harness.CATCH_UP_TIMEOUT_S)
        other.stop()
        seen = collections.Counter((row["value"]["movie_id"], row["value"]["timestamp"])
                                   for row in map(json.loads, world.dump()) if row["topic"] == "movie.ratings")
        self.assertGreater(len(seen), 0)
        # The killed one may have published what it could no longer remember: by a second asking, at another time.
        self.assertEqual([key for key, count in seen.items() if count > 1], [])

    def test_sync(self):
        world, rows = self.world(), "marquee_sync_rows_total"
        world.must("run", "ingest", "--backfill", "0.2")
        syncs = self.pair(world, "sync")
        stream = world.start("run", "stream", kind=kafka.Role).await_metrics()
        leader, other = self.leader_of(syncs, rows)
        world.await_stream()
        world.await_sync()
        self.assertEqual(other.sum(rows), 0)
        eventually("its librdkafka reports", lambda: stream.sum("marquee_kafka_rtt_seconds") > 0)
        leader.kill()
        world.must("run", "ingest", "--backfill", "0.3")
        eventually("the other one leads", lambda: other.sum(rows) > 0, harness.CATCH_UP_TIMEOUT_S)
        world.await_stream()
        world.await_sync()
        stream.stop()
        other.stop()
        harness.check_speed(self, world)

    @staticmethod
    def done(batches):
        return sum(value for one in batches for key, value in one.metrics().items()
                   if key.startswith("marquee_batch_runs_total") and '"done"' in key)

    def test_batch(self):
        world = self.world(speed=harness.FROZEN)
        world.must("run", "ingest", "--backfill", "1")
        batches = self.pair(world, "batch")
        eventually("a run is done", lambda: self.done(batches) > 0, harness.CATCH_UP_TIMEOUT_S)
        world.await_no_batch()
        self.assertEqual(self.done(batches), 1)     # the other one tried and found it under way, or done
        self.assertEqual(world.read("views.db", "SELECT count(*) FROM generations"), [(1,)])
        for one in batches:
            one.stop()


if __name__ == "__main__":
    kafka.main()
