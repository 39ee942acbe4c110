#!/usr/bin/env python3
"""Proves that SIGTERM ends every role and every command in time, with exit code 0, in whatever it is, and that what it
leaves is whole: the next start goes on from there and equals the oracle."""
import http.client
import os
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402

SETTINGS = {"ingest.tracked_movies_max": "40", "ingest.list_pages": "1", "ingest.observe_interval": "30m"}
MOMENTS_S = (0.0, 0.1, 0.3, 0.8)


class Stop(unittest.TestCase):
    def world(self, speed=harness.FROZEN, days="1"):
        world = harness.World(self, "2026-03-12T12:30:00Z", speed, SETTINGS)
        self.addCleanup(world.__exit__, None, None, None)
        self.addCleanup(lambda: self.failed() and world.show())
        world.simulator("--seed", "5")
        if days:
            world.must("run", "ingest", "--backfill", days)
        return world

    def failed(self):
        result = self._outcome.result
        return any(case is self for case, _ in result.failures + result.errors)

    def test_backfill(self):
        """In the middle of the past: what was published stays, and a new backfill fills in the rest."""
        world = self.world(days=None)
        program = world.start("run", "ingest", "--backfill", "30")
        harness.eventually("some records", lambda: sum(world.log_ends().values()) > 200)
        program.stop()
        lines = world.dump()
        self.assertGreater(len(lines), 200)
        world.must("run", "ingest", "--backfill", "0.5")
        self.assertGreater(len(world.dump()), len(lines))
        world.catch_up()
        harness.check_speed(self, world)

    def test_stream(self):
        """Reading a long log with small commits."""
        world = self.world(days="3")
        for moment in MOMENTS_S:
            program = world.start("run", "stream", settings={"stream.commit_records": "100"})
            program.ready("started")
            time.sleep(moment / 4)
            program.stop()
        world.catch_up()
        harness.check_speed(self, world)

    def test_up(self):
        """All roles together, from the first line on: starting, reading, serving."""
        world = self.world(speed=240)
        for moment in MOMENTS_S:
            program = world.start("up")
            program.ready("starting")
            time.sleep(moment)
            program.stop()
        world.freeze()
        world.catch_up()
        harness.check_speed(self, world)

    def test_up_with_batch(self):
        """While the batch runs in a child: both end, and the run goes on another time."""
        world = self.world(speed=60, days="2.5")
        for moment in MOMENTS_S[:3]:
            program = world.start("up")
            children = f"/proc/{program.process.pid}/task"
            harness.eventually("a child", lambda: self.children(children) or not program.running())
            time.sleep(moment)
            child = self.children(children)
            program.stop()
            for pid in child:
                harness.eventually("the child has ended", lambda pid=pid: not os.path.exists(f"/proc/{pid}"))
        world.freeze()
        world.must("batch", "run")
        self.assertGreater(world.generation()[0], 0)

    def children(self, tasks):
        """The ids of the processes that any thread of a process started."""
        found = []
        try:
            for task in os.listdir(tasks):
                with open(f"{tasks}/{task}/children", encoding="ascii") as file:
                    found += [int(pid) for pid in file.read().split()]
        except (FileNotFoundError, ProcessLookupError):
            pass
        return found

    def test_serve_with_clients(self):
        """An event stream is open, a connection is silent, another has sent half a request: none holds the end up."""
        world = self.world()
        world.catch_up()
        server = world.serve()
        stream = http.client.HTTPConnection("127.0.0.1", server.port, timeout=harness.REQUEST_TIMEOUT_S)
        stream.request("GET", "/api/v1/stream")
        answer = stream.getresponse()
        self.assertEqual(answer.status, 200)
        answer.read(20)
        self.assertEqual(server.metrics()["marquee_http_event_clients"], 1)
        silent = http.client.HTTPConnection("127.0.0.1", server.port, timeout=harness.REQUEST_TIMEOUT_S)
        silent.connect()
        half = http.client.HTTPConnection("127.0.0.1", server.port, timeout=harness.REQUEST_TIMEOUT_S)
        half.connect()
        half.sock.sendall(b"GET /api/v1/movies HTTP/1.1\r\nHost: x")
        server.stop()
        for connection in (stream, silent, half):
            connection.close()

    def test_slow_simulator(self):
        """Ingest waits for an answer that takes ten seconds: it doesn't wait for it when it is told to end."""
        world = harness.World(self, "2026-03-12T12:30:00Z", 1, SETTINGS)
        self.addCleanup(world.__exit__, None, None, None)
        world.simulator("--seed", "5", "--fault", "latency=10s@1")
        program = world.start("run", "ingest")
        program.await_signals()
        time.sleep(0.3)
        program.stop()

    def test_batch(self):
        """A run that is told to end publishes nothing half: the old views or the new ones, and the next run completes."""
        world = self.world(days="3")
        world.catch_up()
        generations, stopped = [], 0
        for moment in MOMENTS_S:
            program = world.start("batch", "run")
            program.await_signals()
            time.sleep(moment)
            if program.running():
                program.process.send_signal(signal.SIGTERM)
            # 0 either way: who told it to end knows; what it says and its state in the history tell.
            self.assertEqual(program.wait(harness.HANG_S), 0, program.output()[-2000:])
            stopped += "stopped; the next run goes on from here" in program.output()
            generations.append(world.generation()[0])
        self.assertGreater(stopped, 0, "every run had ended before it was told to")
        self.assertEqual(generations, sorted(generations))
        world.must("batch", "run")
        self.assertGreater(world.generation()[0], generations[0])
        _, through_ms, cuts = world.generation()
        now_ms, lines, server = world.now_ms(), world.dump(), world.serve()
        expected = harness.expected_points(lines, cuts, harness.boundary_of(now_ms, through_ms), harness.held_from(now_ms))
        movies = sorted({movie for movie, _ in expected})[:10]
        harness.check_points(self, server, expected, movies, int(now_ms) - 5 * 24 * harness.HOUR_MS,
                             int(now_ms) + 2 * harness.HOUR_MS)


if __name__ == "__main__":
    harness.main()
