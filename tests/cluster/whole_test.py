#!/usr/bin/env python3
"""Proves that nothing but settings differs between one process on files and roles on Kafka, a registry, Cassandra,
MongoDB and Redis: the same log gives the same answers, all of them, and they are the oracle's; also after each server
and each role was killed and paused while records arrived. Recovery times are printed: from the moment that the server
answers (the role is started) again until the API shows an observation that was made after it.

usage: whole_test.py LOG_COPY [--rounds N] [--seed N] [unittest's arguments]        within tests/cluster/all.sh
"""
import argparse
import collections
import os
import random
import signal
import statistics
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cluster  # noqa: E402
from cluster import eventually, harness, time  # noqa: E402
from harness import HOUR_MS, MINUTE_MS, iso_of, ms_of  # noqa: E402

START = "2026-03-12T10:40:00Z"
SPEED = 60                   # a minute of the world is a second
PAST_DAYS = "3"
SESSION_S = 6                # a stream process that is silent for so long loses its tasks
# Forty movies: the past has them twice an hour, the present each minute. Who has read all has ranked all.
SETTINGS = {"ingest.tracked_movies_max": "40", "ingest.list_pages": "1", "ingest.observe_interval": "30m",
            "events.rate_per_s": "0.5", "events.late_share": "0.05",
            "ranker.late_interval": "0s", "stream.session_timeout": f"{SESSION_S}s"}
PRESENT = {"ingest.observe_interval": "1m"}
EVENTS = 300                 # user events that take part at least
RECOVERY_S = 900             # guard: a server came back, and the API is not fresh
ROUNDS_EACH = 4              # of one deployment; then every answer is compared, and another one begins
OUTAGE_S = (1.0, 4.0)        # how long one is away
LONG_S = 10.0                # and these: ten minutes of the world
LONG = {"cassandra", "mongod"}
ROLES = ("ingest", "events", "stream", "sync", "batch", "serve")
DEGRADES = {"redis"}         # without these the API answers as if nothing were
arguments = None


class Deployment:
    """The roles as processes, on a running clock."""

    def __init__(self, test, world):
        self.test, self.world, self.roles = test, world, {}
        for role in ROLES:
            self.start(role)
        self.cpu_s = collections.Counter()

    def start(self, role):
        options = {"settings": PRESENT if role == "ingest" else None}
        self.roles[role] = self.world.serve() if role == "serve" else self.world.start("run", role, **options)

    def await_fresh(self, what):
        """Until the API shows what was observed from now on; returns the seconds."""
        began, from_ms = time.monotonic(), int(self.world.now_ms())
        eventually(f"after {what} the API shows something newer than {iso_of(from_ms)}",
                   lambda: self.newest_ms() >= from_ms, RECOVERY_S)
        for role, process in self.roles.items():
            self.test.assertTrue(process.running(), f"{role} has ended after {what}: {process.output()[-2000:]}")
        return time.monotonic() - began

    def newest_ms(self):
        try:
            status, _, body = self.roles["serve"].request("/api/v1/movies?limit=200", timeout_s=60)
        except OSError:
            return 0
        movies = cluster.json.loads(body)["data"] if status == 200 else []
        return max((ms_of(movie["last_updated"]) for movie in movies if movie["last_updated"]), default=0)

    def interrupt_server(self, server, how, seconds):
        cluster.server_command(how, server)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if server in DEGRADES:
                self.roles["serve"].get("/api/v1/movies?limit=5")
            time.sleep(harness.POLL_S)
        cluster.server_command({"kill": "again", "pause": "resume"}[how], server)
        return self.await_fresh(f"{server}: {how}")

    def kill_role(self, role):
        self.roles[role].kill()
        self.start(role)
        return self.await_fresh(f"{role}: killed")

    def pause_role(self, role, seconds):
        process = self.roles[role].process
        process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)     # how long is the test
        process.send_signal(signal.SIGCONT)
        return self.await_fresh(f"{role}: paused")

    def show_usage(self):
        """What each process takes, for docs/cluster.md."""
        pids = {**cluster.server_pids(), **{role: process.process.pid for role, process in self.roles.items()}}
        for name, pid in pids.items():
            resident_mb, cpu_s = cluster.usage(pid)
            print(f"  {name:10} {resident_mb:6} MB {cpu_s:8.1f} s of CPU", file=sys.stderr)

    def stop(self):
        for role in ROLES:
            self.roles[role].stop()


class Whole(unittest.TestCase):
    maxDiff = 4000

    def world(self):
        world = cluster.ClusterWorld(self, START, settings=SETTINGS)
        self.addCleanup(world.__exit__, None, None, None)
        self.addCleanup(lambda: self.failed() and world.show())
        world.simulator("--seed", "3")
        world.must("run", "ingest", "--backfill", PAST_DAYS)
        world.set_clock(world.start_ms, SPEED)
        world.simulator("--seed", "3")
        return world

    def failed(self):
        result = self._outcome.result
        return any(case is self for case, _ in result.failures + result.errors)

    def compare(self, world):
        """Every answer of the cluster, the embedded twin and the oracle, at one moment after the log's end."""
        now_ms = (int(world.now_ms()) // MINUTE_MS + 3) * MINUTE_MS + MINUTE_MS // 2
        world.await_no_batch()
        embedded = cluster.twin(world, arguments.log_copy)
        self.addCleanup(embedded.__exit__, None, None, None)
        self.addCleanup(lambda: self.failed() and embedded.show())
        lines = world.dump()
        self.assertTrue(cluster.inputs(embedded.dump()) == lines, "the twin's log is another one")
        answers = []
        for which in (embedded, world):
            cluster.complete(which, now_ms)
            self.check_drift(which)
            server = which.serve()
            answers.append(cluster.read_all(server, now_ms))
            if which is world:
                through_ms = ms_of(server.get("/api/v1/movies")["meta"]["batch_through"])
                judge = cluster.Judge(lines, now_ms, through_ms)
                print(f"equal to the oracle: {judge.check(self, server)}", file=sys.stderr)
            server.stop()
        print(f"equal to the embedded pipeline: {cluster.check_equal(self, *answers)}", file=sys.stderr)

    def check_drift(self, world):
        """The batch run found its rows in the speed tables too."""
        drift = cluster.json.loads(world.must("batch", "drift", "--json"))
        self.assertGreater(drift["compared"], 0)
        self.assertEqual(drift["rows"], [])

    def await_events(self, world):
        eventually(f"{EVENTS} user events", lambda: world.log_ends()["user.events"] >= EVENTS, cluster.CATCH_UP_S)

    def test_equal(self):
        """An hour of the present behind three days of the past, then every answer."""
        world = self.world()
        present = [world.start("run", "ingest", settings=PRESENT), world.start("run", "events")]
        self.await_events(world)
        for process in present:
            process.stop()
        self.compare(world)

    def test_interrupted(self):
        """Each server killed or paused, stream and sync killed (with --rounds: all of it, each role too), in an order of
        chance, while records arrive; then every answer."""
        print(f"seed {arguments.seed}, {arguments.rounds} rounds", file=sys.stderr)
        rng, took = random.Random(arguments.seed), collections.defaultdict(list)
        for first in range(0, arguments.rounds, ROUNDS_EACH):
            world = self.world()
            deployment = Deployment(self, world)
            print(f"fresh after {deployment.await_fresh('the start'):.1f} s", file=sys.stderr)
            for number in range(first, min(first + ROUNDS_EACH, arguments.rounds)):
                for name, how, seconds in self.strike(deployment, rng):
                    print(f"round {number + 1}: {name:10} {how:6} fresh again after {seconds:5.1f} s", file=sys.stderr)
                    took[f"{name} {how}"].append(seconds)
            self.await_events(world)
            deployment.show_usage()
            deployment.stop()
            self.compare(world)
            self.doCleanups()
        for what, times in sorted(took.items()):
            print(f"{what:16} {len(times):3} times, fresh again after {statistics.median(times):5.1f} s (median), "
                  f"{max(times):5.1f} s at most", file=sys.stderr)

    def strike(self, deployment, rng):
        """One round: (name, how, seconds until fresh again) of each blow."""
        servers = [server for server, _, _ in cluster.STORES]
        if arguments.rounds == 1:       # the short form: each server once, one way or the other
            blows = [(name, rng.choice(("kill", "pause"))) for name in servers]
            blows += [("stream", "kill"), ("sync", "kill")]
        else:
            blows = [(name, how) for name in servers + ["stream", "sync"] for how in ("kill", "pause")] + \
                [(role, "kill") for role in ROLES if role not in ("stream", "sync")]
        rng.shuffle(blows)
        for name, how in blows:
            away_s = rng.uniform(*OUTAGE_S)
            if name not in ROLES:
                seconds = deployment.interrupt_server(name, how, away_s)
            elif how == "kill":
                seconds = deployment.kill_role(name)
            else:
                seconds = deployment.pause_role(name, 2 * SESSION_S if name == "stream" else away_s)
            yield name, how, seconds


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("log_copy")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    arguments, rest = parser.parse_known_args()
    sys.argv[1:] = rest
    if cluster.MISSING:
        print(f"skipped: {', '.join(cluster.MISSING)} name no server; make test-cluster starts them all")
        sys.exit(77)
    harness.main()
