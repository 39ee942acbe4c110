#!/usr/bin/env python3
"""Proves, from outside: the event generator that is killed at any moment never uses an id for two events, two of one
name don't run at once, `up` runs it only when asked to, and its events reach the stream's counters; `marquee topics`
describes, follows and resets what stands on the bus."""
import collections
import json
import os
import random
import re
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenario"))
import harness  # noqa: E402

START = "2026-03-09T12:00:00Z"
SPEED = 60
RATE = {"events.rate_per_s": "20", "events.late_share": "0.05"}
KILLS = 8
ID = re.compile(r"([a-z0-9-]+)\.(\d+):(\d+)")
USAGE = 2


class Outside(unittest.TestCase):
    def world(self, speed=SPEED):
        """A world whose log has movies."""
        world = harness.World(self, start=START, speed=speed, settings=RATE)
        self.addCleanup(world.__exit__, None, None, None)
        world.simulator("--seed", "1")
        world.must("run", "ingest", "--backfill", "0.02")
        return world

    def events(self, world):
        """The dump's user events: [(partition, offset, id, value)]"""
        lines = (json.loads(line) for line in world.must("topics", "dump", "user.events").splitlines())
        return [(line["partition"], line["offset"], line["value"]["event_id"], line["value"]) for line in lines]

    def produced(self, world):
        return world.log_ends().get("user.events", 0)

    def await_more(self, world, than):
        harness.eventually(f"more than {than} user events", lambda: self.produced(world) > than)


class Events(Outside):
    def check_ids(self, events):
        """Each id stands for one event; on a partition the sequences of an epoch grow, but for repeats. Returns
        {epoch: sequences}."""
        contents, epochs, highest = {}, collections.defaultdict(set), {}
        for partition, _, event_id, value in events:
            producer, epoch, sequence = ID.fullmatch(event_id).groups()
            self.assertEqual(contents.setdefault(event_id, value), value, f"{event_id} stands for two events")
            key = (partition, producer, epoch)
            if int(sequence) not in epochs[int(epoch)]:
                self.assertGreater(int(sequence), highest.get(key, 0))
                highest[key] = int(sequence)
            epochs[int(epoch)].add(int(sequence))
        return epochs

    def test_killed(self):
        """SIGKILL at random moments, from before the first event on: each start has an epoch of its own, above all
        before it, and its sequences begin with 1 and have no hole."""
        world, dice = self.world(), random.Random(1)
        for _ in range(KILLS):
            before = self.produced(world)
            program = world.start("run", "events")
            program.ready("message.*started")
            if dice.random() < 0.8:
                self.await_more(world, before)
            program.kill()
            world.skip(60)    # the killed one's lease has ended
        program = world.start("run", "events")
        self.await_more(world, self.produced(world))
        program.stop()
        events = self.events(world)
        epochs = self.check_ids(events)
        self.assertGreater(len(epochs), KILLS // 2)
        for epoch, sequences in epochs.items():
            self.assertEqual(sequences, set(range(1, len(sequences) + 1)), f"epoch {epoch} has holes")
        order = []
        for partition, offset, event_id, _ in sorted(events):
            epoch = int(ID.fullmatch(event_id)[2])
            if partition == events[0][0] and epoch not in order:
                order.append(epoch)
        self.assertEqual(order, sorted(order))
        taken = world.read("events.db", "SELECT epoch FROM producers WHERE producer = 'marquee'")
        self.assertEqual(taken, [(max(epochs),)])

    def test_counters(self):
        """What the generator says it published is what the stream has classified."""
        world = self.world()
        program = world.start("run", "events")
        self.await_more(world, 1000)
        program.stop()
        stream = world.start("run", "stream")
        world.await_stream()
        stream.stop()
        rows = world.read("stream.db", "SELECT sum(used), sum(duplicate), sum(expired), sum(bad) "
                                       "FROM stream_positions WHERE topic = 'user.events'")
        self.assertEqual(rows, [(self.produced(world), 0, 0, 0)])
        live = world.read("stream.db", "SELECT count(*) FROM real_time_stats")
        self.assertGreater(live[0][0], 0)

    def test_two_of_one_name(self):
        """The second waits until the first has gone; one of another name doesn't."""
        world = self.world()
        first = world.start("run", "events")
        self.await_more(world, 100)
        second = world.start("run", "events")
        second.ready("waiting: another process makes the events of this producer")
        other = world.start("run", "events", settings={"events.producer": "site-2"})
        other.ready("message.*started")
        harness.eventually("events of site-2", lambda: any(event[2].startswith("site-2.") for event in self.events(world)))
        self.assertEqual(len(self.check_ids([event for event in self.events(world) if event[2][:8] == "marquee."])), 1)
        first.stop()
        second.ready("message.*started")
        harness.eventually("events of the second", lambda: len(self.check_ids(self.events(world))) == 3)
        second.stop()
        other.stop()
        self.assertEqual(len(self.check_ids(self.events(world))), 3)

    def test_up(self):
        """`up` makes events only where a rate is set; `run events` without one says so."""
        world = self.world()
        del world.settings["events.rate_per_s"]
        done = world.run("run", "events")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("events.rate_per_s: expected a number above 0", done.stderr)
        world.serve("up").stop()
        self.assertEqual(self.produced(world), 0)
        server = world.serve("up", settings=RATE)
        self.await_more(world, 100)
        metrics = server.metrics()
        self.assertGreater(metrics['marquee_events_records_total{type="view"}'], 0)
        server.stop()


class Topics(Outside):
    def setUp(self):
        self.it = self.world(speed=harness.FROZEN)

    def describe(self, topic, *arguments):
        return json.loads(self.it.must("topics", "describe", topic, "--json", *arguments))

    def refused(self, text, *arguments, code=USAGE):
        done = self.it.run("topics", *arguments)
        self.assertEqual((done.returncode, done.stderr != ""), (code, True), done)
        self.assertIn(text, done.stderr)

    def test_describe(self):
        told = self.describe("movie.ratings")
        self.assertEqual(sum(row["end"] for row in told["partitions"]), self.it.log_ends()["movie.ratings"])
        self.assertEqual([row["partition"] for row in told["partitions"]], list(range(6)))
        with open(os.path.join(harness.ROOT, "contracts/avro/movie.ratings.avsc"), encoding="utf-8") as file:
            contract = json.load(file)
        self.assertEqual([field["name"] for field in told["fields"]], [field["name"] for field in contract["fields"]])
        self.assertEqual(told["fields"][-1], {"name": "timestamp", "type": "timestamp-millis"})
        self.assertEqual(told["subject"], "movie.ratings-value")
        self.assertEqual(told["retention_ms"], 7 * 24 * harness.HOUR_MS)
        self.assertEqual(told["partitions"][0]["groups"], {})
        stream = self.it.start("run", "stream")
        self.it.await_stream()
        stream.stop()
        for row in self.describe("movie.ratings")["partitions"]:
            self.assertEqual(row["groups"], {"stream": {"offset": row["end"], "lag": 0}})
        text = self.it.must("topics", "describe", "movie.ratings")
        self.assertRegex(text, r"(?m)^PARTITION +START +END +stream +LAG$")
        self.assertRegex(text, r"(?m)^popularity +double$")
        self.refused("describe needs a topic", "describe")
        self.refused('there is no topic "movie.rating"', "describe", "movie.rating")

    def test_reset(self):
        reset = ("reset", "mine", "movie.ratings")
        ends = [row["end"] for row in self.describe("movie.ratings")["partitions"]]
        self.refused("--yes agrees beforehand", *reset, "--to", "latest")

        def offsets():
            rows = self.describe("movie.ratings", "--group", "mine")["partitions"]
            return [row["groups"]["mine"]["offset"] for row in rows]
        self.assertEqual(offsets(), [0] * 6)    # nothing was changed
        self.it.must("topics", *reset, "--to", "latest", "--yes")
        self.assertEqual(offsets(), ends)
        shown = self.it.must("topics", *reset, "--to", "1", "--partition", "2", "--yes")
        self.assertEqual(shown, f"mine  movie.ratings/2  {ends[2]} -> 1\n")
        self.assertEqual(offsets(), ends[:2] + [1] + ends[3:])
        self.it.must("topics", *reset, "--to", "earliest", "--yes")
        self.assertEqual(offsets(), [0] * 6)
        for arguments, text in (
                ((*reset,), "reset needs a group, a topic and --to"),
                (("reset", "mine", "--to", "latest"), "reset needs a group, a topic and --to"),
                ((*reset, "--to", "newest", "--yes"), 'expected earliest, latest or an offset, found "newest"'),
                ((*reset, "--to", "-1", "--yes"), 'expected earliest, latest or an offset, found "-1"'),
                ((*reset, "--to", str(max(ends) + 1), "--yes"), "movie.ratings/0 has the offsets 0 to"),
                ((*reset, "--to", "latest", "--partition", "6", "--yes"), "the partitions 0 to 5, found 6"),
                (("reset", "stream", "movie.ratings", "--to", "latest", "--yes"), "they live in stream.db"),
                (("reset", "archive", "movie.ratings", "--to", "latest", "--yes"), "the archive has read up to 0 only"),
                (("list", "--yes"), "--to, --partition and --yes go with reset"),
                (("list", "--group", "mine"), "--group goes with describe"),
                (("dump", "--follow"), "--follow goes with tail")):
            with self.subTest(arguments=arguments):
                self.refused(text, *arguments)
        self.assertEqual(offsets(), [0] * 6)

    def test_reset_asks_on_a_terminal(self):
        for answer, code in (("no", USAGE), ("yes", 0)):
            control, terminal = os.openpty()
            try:
                os.write(control, f"{answer}\n".encode())
                done = subprocess.run(
                    [harness.MARQUEE, "topics", "reset", "mine", "movie.ratings", "--to", "latest"], stdin=terminal,
                    capture_output=True, text=True, timeout=harness.COMMAND_TIMEOUT_S, check=False,
                    env=self.it.environment(), cwd=self.it.folder)
            finally:
                os.close(control)
                os.close(terminal)
            self.assertEqual(done.returncode, code, done)
            self.assertIn("[yes/no]", done.stdout)
            rows = self.describe("movie.ratings", "--group", "mine")["partitions"]
            moved = [row["groups"]["mine"]["lag"] == 0 for row in rows]
            self.assertEqual(moved, [code == 0] * 6)

    def test_follow(self):
        """What is appended later comes too, once; Ctrl-C ends it with success."""
        follower = self.it.start("topics", "tail", "user.events", "--follow", "-n", "1")
        self.it.set_clock(round(self.it.now_ms()), SPEED)
        program = self.it.start("run", "events")
        self.await_more(self.it, 50)
        program.stop()
        ends = self.produced(self.it)

        def lines():
            with open(follower.out_path, encoding="utf-8") as file:
                return file.read().splitlines()
        harness.eventually("all lines", lambda: len(lines()) >= ends)
        follower.process.send_signal(signal.SIGINT)
        self.assertEqual(follower.process.wait(harness.HANG_S), 0)
        followed = sorted((line["partition"], line["offset"]) for line in map(json.loads, lines()))
        self.assertEqual(followed, sorted(event[:2] for event in self.events(self.it)))



if __name__ == "__main__":
    harness.main()
