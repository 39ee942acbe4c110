#!/usr/bin/env python3
"""Proves on a real MongoDB and a real Redis, from outside: a run that is exported to MongoDB says the same as in SQLite,
document by document and answer by answer; a MongoDB that is away for ten minutes of the world, paused or killed, loses
nothing and is caught up with, by one sync at a time; two servers that share Redis answer a new run at once.

usage: mongo_test.py VIEW_DUMP [unittest's arguments]       within tests/cluster/servers.sh with mongod redis -- ..."""
import glob
import os
import random
import re
import shutil
import subprocess
import sys
import time
import unittest
import urllib.parse

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tests", "scenario"))
import harness  # noqa: E402
from harness import MINUTE_MS, eventually, iso_of, ms_of  # noqa: E402

VIEW_DUMP = None
SERVERS = os.path.join(ROOT, "tests", "cluster", "servers.sh")
START_MS = ms_of("2026-03-12T12:30:00Z")
SETTINGS = {"ingest.tracked_movies_max": "40", "ingest.list_pages": "1", "ingest.observe_interval": "30m"}
HANG_S = 240
OUTAGE_MS = 10 * MINUTE_MS
# What differs between two runs over the same log, or two copies of it.
ACCIDENTS = re.compile(r'"(batch_run_id|batch_computed_at|speed_synced_at|run_id)":("[^"]*"|null),?')


def servers(*arguments):
    subprocess.run([SERVERS, *arguments], check=True, stdin=subprocess.DEVNULL, timeout=HANG_S)


def fresh_database():
    """The replica set's connection string with a database of its own. Its servers are thrown away with it."""
    parts = urllib.parse.urlsplit(os.environ["MARQUEE_MONGODB"])
    return parts._replace(path=f"/marquee_{random.getrandbits(64):016x}").geturl()


def in_mongo(uri, timeout="1m"):
    """A minute: on a crowded machine nothing but an outage shall look like one."""
    return {"views.backend": "mongodb", "views.uri": uri, "views.timeout": timeout}


def dump(world, settings=None):
    """The lines of view_dump: what the views say at the world's time."""
    values = {"data.dir": world.data, **(settings or {})}
    done = subprocess.run([VIEW_DUMP, str(int(world.now_ms())), *(f"{key}={value}" for key, value in values.items())],
                          capture_output=True, text=True, timeout=HANG_S, check=False,
                          env=harness.clean_environment(), cwd=world.folder)
    if done.returncode != 0:
        raise AssertionError(f"view_dump: {done.stderr}")
    return done.stdout.splitlines()


def documents(lines):
    """The batch documents, but for those about the run itself."""
    return [line for line in lines if line.startswith("batch ") and not line.startswith("batch quality|")]


def answers(server, paths):
    """{path: (status, body without accidents)}"""
    found = {}
    for path in paths:
        status, _, body = server.request(path)
        found[path] = status, ACCIDENTS.sub("", body.decode())
    return found


class Mongo(unittest.TestCase):
    maxDiff = 2000

    def world(self, **options):
        world = harness.World(self, iso_of(START_MS), settings=SETTINGS, **options)
        self.addCleanup(world.__exit__, None, None, None)
        self.addCleanup(lambda: self.failed() and world.show())
        return world

    def failed(self):
        result = self._outcome.result
        return any(case is self for case, _ in result.failures + result.errors)

    def same(self, ours, theirs):
        """Two dumps, in words that show the first difference."""
        for left, right in zip(ours, theirs):
            self.assertEqual(left[:400], right[:400])
            self.assertEqual(left, right)
        self.assertEqual(len(ours), len(theirs))

    def test_same_run(self):
        """One log, one run into SQLite, the same into MongoDB: every document and every answer is equal."""
        embedded = self.world()
        embedded.simulator("--seed", "1")
        embedded.must("run", "ingest", "--backfill", "3")
        stream = embedded.start("run", "stream")
        embedded.await_stream()
        stream.stop()
        cluster = self.world()
        cluster.set_clock(embedded.start_ms, embedded.speed)
        cluster.anchor_ms = embedded.anchor_ms
        shutil.copytree(embedded.data, cluster.data)
        uri = fresh_database()
        cluster.settings.update(in_mongo(uri))
        seconds = {}
        for name, world in (("sqlite", embedded), ("mongodb", cluster)):
            started = time.monotonic()
            world.must("batch", "run")
            seconds[name] = round(time.monotonic() - started, 1)
        print(f"batch run: {seconds} s")
        embedded.catch_up()
        sync = cluster.start("run", "sync")
        position = [line for line in dump(embedded) if line.startswith("sync ")]
        eventually("sync has copied the feed", lambda: position[0] in dump(cluster, in_mongo(uri)), HANG_S)
        sync.stop()
        ours, theirs = dump(embedded), dump(cluster, in_mongo(uri))
        kinds = {line.split("|")[0] for line in ours}
        for kind in ("batch movie", "batch movie_stats", "batch genre_analytics", "speed stats", "speed sentiment"):
            self.assertIn(kind, kinds)
        self.same([line for line in ours if not line.startswith("pointer")],
                  [line for line in theirs if not line.startswith("pointer")])
        print(f"{len(ours)} documents are equal")
        self.assertFalse(os.path.exists(os.path.join(cluster.data, "views.db")))
        self.check_answers(embedded, cluster)

    def check_answers(self, embedded, cluster):
        ours, theirs = embedded.serve(), cluster.serve()
        eventually("the search index is made", lambda: theirs.request("/api/v1/search/movies?q=the")[0] == 200, HANG_S)
        movies = [movie["movie_id"] for movie in ours.get("/api/v1/movies?limit=20")["data"]]
        self.assertGreaterEqual(len(movies), 10)
        paths = ["/api/v1/movies?limit=20", "/api/v1/trending/movies", "/api/v1/analytics/trends",
                 "/api/v1/analytics/temporal", "/api/v1/analytics/revenue", "/api/v1/analytics/genres",
                 "/api/v1/analytics/genre/Drama", "/api/v1/search/movies?q=the", "/api/v1/search/movies?genre=Drama",
                 "/api/v1/search/movies?q=love&sort=rating", "/api/v1/search/movies?limit=3&sort=title"]
        for movie in movies:
            paths += [f"/api/v1/movies/{movie}", f"/api/v1/movies/{movie}/stats", f"/api/v1/movies/{movie}/sentiment"]
        found, expected = answers(theirs, paths), answers(ours, paths)
        for path in paths:
            self.assertEqual(found[path], expected[path], path)
        well = sum(status == 200 for status, _ in found.values())
        self.assertGreater(well, len(paths) // 2, {path: status for path, (status, _) in found.items()})
        print(f"{well} of {len(paths)} answers are 200, all are equal")

    def test_outages(self):
        """MongoDB paused, then killed, for ten minutes of the world each while the log goes on; two syncs, one of which
        is killed. In the end the views say what the speed store says, and at each time one sync led."""
        world = self.world(speed=60)
        uri = fresh_database()
        world.simulator("--seed", "1")
        world.must("run", "ingest", "--backfill", "1")
        world.start("run", "ingest", settings={"ingest.observe_interval": "5m"})
        world.start("run", "stream")
        syncs = [world.start("run", "sync", name=f"sync{i}", settings=in_mongo(uri, "3s")) for i in range(2)]

        def position():
            return int(next(line.split()[1] for line in dump(world, in_mongo(uri)) if line.startswith("sync ")))

        def feed_end():
            return world.read("stream.db", "SELECT max(sequence) FROM speed_feed")[0][0] or 0

        eventually("sync has begun", lambda: position() > 0, HANG_S)
        times = {}
        for outage, back in (("pause", "resume"), ("kill", "again")):
            before = feed_end()
            servers(outage, "mongod")
            away_from = world.now_ms()
            eventually("ten minutes and more of the log pass",
                       lambda: world.now_ms() > away_from + OUTAGE_MS and feed_end() > before, HANG_S)
            servers(back, "mongod")
            began = time.monotonic()
            missed = feed_end()
            eventually(f"sync has caught up after {outage}", lambda: position() >= missed, HANG_S)
            times[outage] = round(time.monotonic() - began, 1)
            self.assertTrue(all(sync.running() for sync in syncs))
        print(f"seconds from MongoDB's return to what was missed being there: {times}")
        self.check_leaders(world, syncs, position)
        for program in world.programs[1:]:
            if program.running():
                program.end()
        world.freeze()
        last = world.start("run", "sync", settings=in_mongo(uri))
        end = feed_end()
        eventually("sync has all", lambda: position() >= end, HANG_S)
        last.stop()
        # The judge: a sync into an empty SQLite store, from the same speed store.
        judge = world.start("run", "sync")
        caught_up = "SELECT 1 FROM sync_state WHERE feed_position >= 0 AND synced_at_ms > 0"    # the feed may be empty by now
        eventually("the judge has all", lambda: world.read("views.db", caught_up), HANG_S)
        judge.stop()
        ours = [line for line in dump(world) if line.startswith("speed ")]
        theirs = [line for line in dump(world, in_mongo(uri)) if line.startswith("speed ")]
        self.assertGreater(len(ours), 100)
        self.same(ours, theirs)
        print(f"{len(ours)} speed documents are equal after both outages")

    def check_leaders(self, world, syncs, position):
        """Kills the one that leads: the other takes over, with the next epoch; epochs never repeat."""
        def reigns():
            found = []
            for sync in syncs:
                found += [(int(epoch), sync) for epoch in re.findall(r'leads.*?epoch"?[=:]\s*"?(\d+)', sync.output())]
            return sorted(found, key=lambda reign: reign[0])

        before = reigns()
        epoch, leader = before[-1]
        leader.kill()
        eventually("the other sync leads", lambda: reigns()[-1][0] > epoch, HANG_S)
        after = reigns()
        self.assertIsNot(after[-1][1], leader)
        last = position()
        eventually("the other sync copies", lambda: position() > last, HANG_S)
        epochs = [number for number, _ in reigns()]
        for number in set(epochs):
            owners = {id(sync) for found, sync in reigns() if found == number}
            self.assertEqual(len(owners), 1, f"epoch {number} had two owners")

    def test_killed_in_publication(self):
        """MongoDB is killed in the middle of an export, four times: the run in hand may fail, the published one is served
        whole all the time, and a run that is begun again publishes what SQLite has."""
        embedded, cluster = self.world(), self.world()
        embedded.simulator("--seed", "1")
        embedded.must("run", "ingest", "--backfill", "2")
        shutil.copytree(embedded.data, cluster.data)
        cluster.set_clock(embedded.start_ms, embedded.speed)
        cluster.anchor_ms = embedded.anchor_ms
        uri = fresh_database()
        embedded.must("batch", "run")
        expected = documents(dump(embedded))
        outcomes = []
        for tenths_s in (0, 1, 3, 6):
            run = cluster.start("batch", "run", settings=in_mongo(uri, "2s"), name="batch-run")
            eventually("the export has begun", lambda: self.exporting_s(run) * 10 > tenths_s or not run.running(), HANG_S)
            servers("kill", "mongod")
            servers("again", "mongod")
            outcomes.append(run.wait(HANG_S))
            lines = dump(cluster, in_mongo(uri))
            if not lines[0].startswith("pointer 0 "):
                self.same(expected, documents(lines))
        cluster.settings.update(in_mongo(uri))
        cluster.must("batch", "run")
        self.same(expected, documents(dump(cluster, in_mongo(uri))))
        print(f"runs beside which MongoDB was killed ended with {outcomes}; the next one published {len(expected)} documents")

    def exporting_s(self, run):
        """Seconds since the run's last step before the export was done; 0 before."""
        if '"step":"quality"' not in run.output():
            return 0
        run.exporting_since = getattr(run, "exporting_since", time.monotonic())
        return time.monotonic() - run.exporting_since

    def test_standalone(self):
        """A mongod that is no replica set is refused with what to do about it, and so is a string that is none."""
        binary = sorted(glob.glob(os.path.join(os.environ.get("MARQUEE_SERVERS", os.path.join(ROOT, "build", "servers")),
                                               "mongod-*", "mongod")))
        if not binary:
            self.skipTest("servers.sh did not bring this mongod")
        world = self.world()
        port = harness.free_port()
        folder = os.path.join(world.folder, "mongod")
        os.mkdir(folder)
        with open(os.path.join(world.folder, "mongod.log"), "wb") as log:
            server = subprocess.Popen([binary[-1], "--dbpath", folder, "--port", str(port), "--bind_ip", "127.0.0.1",
                                       "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"], stdout=log, stderr=log)
        try:
            def refused():
                done = world.run("run", "serve", MARQUEE_VIEWS="mongodb", MARQUEE_VIEWS_TIMEOUT="200ms",
                                 MONGODB_CONNECTION_STRING=f"mongodb://127.0.0.1:{port}/", timeout_s=HANG_S)
                return done.stderr if "standalone" in done.stderr else None
            # It answers after a while; a server that starts before waits for it, so look before asking.
            def listens():
                with open(os.path.join(world.folder, "mongod.log"), "rb") as text:
                    return b"Waiting for connections" in text.read()
            eventually("mongod listens", listens, HANG_S)
            told = eventually("it is refused", refused, HANG_S)
            self.assertIn("--replSet", told)
        finally:
            server.terminate()
            server.wait(HANG_S)

    def test_two_servers(self):
        """Two servers on the same views and the same Redis: when a run is published both answer from it, search too, and
        with Redis killed they go on."""
        if not os.environ.get("MARQUEE_REDIS"):
            self.skipTest("MARQUEE_REDIS is not set")
        world = self.world()
        uri = fresh_database()
        world.settings.update(in_mongo(uri), **{"cache.backend": "redis", "cache.url": os.environ["MARQUEE_REDIS"],
                                                "cache.prefix": f"test-{random.getrandbits(32):08x}"})
        world.simulator("--seed", "1")
        world.must("run", "ingest", "--backfill", "1")
        world.must("batch", "run")
        serves = [world.serve(name=f"serve{i}") for i in range(2)]

        allowed = {200, 503}    # 503: the first index is being made

        def runs(path="/api/v1/search/movies?q=the"):
            found = []
            for server in serves:
                status, _, body = server.request(path)
                self.assertIn(status, allowed, body)
                found.append(re.search(rb'"batch_run_id":"([^"]+)"', body)[1] if status == 200 else None)
            return found

        def agree():
            found = runs()
            return found[0] and found[0] == found[1] and found[0]

        first = eventually("both answer from the first run", agree, HANG_S)
        for server in serves:
            eventually("Redis is there", lambda: server.metrics().get("marquee_redis_up") == 1, HANG_S)
        allowed.remove(503)     # from now on there is always one that is ready
        world.must("batch", "run")
        second = eventually("both answer from the second run", lambda: agree() not in (False, None, first) and agree(),
                            HANG_S)
        self.assertNotEqual(first, second)
        shared = sum(server.metrics().get('marquee_redis_lookups_total{outcome="redis"}', 0) for server in serves)
        self.assertGreater(shared, 0)
        servers("kill", "redis")
        try:
            for server in serves:
                eventually("Redis is lost", lambda: server.metrics().get("marquee_redis_up") == 0, HANG_S)
            self.assertEqual(runs(), [second, second])
            self.assertEqual(runs("/api/v1/search/movies?q=love"), [second, second])
        finally:
            servers("again", "redis")
        for server in serves:
            eventually("Redis is back", lambda: server.metrics().get("marquee_redis_up") == 1, HANG_S)
        self.assertEqual(runs("/api/v1/search/movies?q=a"), [second, second])


if __name__ == "__main__":
    if not os.environ.get("MARQUEE_MONGODB"):
        print("skipped: MARQUEE_MONGODB names no replica set; make test-cluster starts one")
        sys.exit(77)
    VIEW_DUMP = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
