#!/usr/bin/env python3
"""Proves that all stages of `up` live together under clients: a minute of the demo's pace with ingestion, made-up user events,
stream, sync, a batch run in a child, many requests at once and open event streams; then the tables equal the oracle. Under the
thread sanitizer (make test-tsan) a race ends the process, and with it the test.

usage: soak_test.py [--seconds N]"""
import argparse
import http.client
import os
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402

SETTINGS = {"ingest.tracked_movies_max": "40", "ingest.list_pages": "2", "ingest.observe_interval": "10m",
            "events.rate_per_s": "0.5"}
CLIENTS, STREAMS = 4, 2
PATHS = ("/api/v1/movies", "/api/v1/movies/{movie}", "/api/v1/movies/{movie}/stats?limit=10", "/api/v1/movies/{movie}/sentiment",
         "/api/v1/trending/movies", "/api/v1/analytics/genres", "/api/v1/runs", "/api/v1/search/movies?q=the", "/health",
         "/metrics", "/", "/openapi.json")
arguments = None


class Clients:
    """Threads that ask until they are told to end; what they got is counted by status."""

    def __init__(self, server):
        self.server, self.ended, self.statuses, self.events = server, threading.Event(), {}, 0
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.ask, args=(number,)) for number in range(CLIENTS)]
        self.threads += [threading.Thread(target=self.listen) for _ in range(STREAMS)]
        for thread in self.threads:
            thread.start()

    def ask(self, number):
        movie, turn = None, number
        while not self.ended.is_set():
            path = PATHS[turn % len(PATHS)]
            turn += 1
            if "{movie}" in path and movie is None:
                rows = self.server.get("/api/v1/movies?limit=1")["data"]
                movie = rows[0]["movie_id"] if rows else None
                continue
            status, _, _ = self.server.request(path.replace("{movie}", str(movie)))
            with self.lock:
                self.statuses[status] = self.statuses.get(status, 0) + 1

    def listen(self):
        """One event stream after another, each for some events."""
        while not self.ended.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=harness.REQUEST_TIMEOUT_S)
            try:
                connection.request("GET", "/api/v1/stream")
                answer = connection.getresponse()
                for _ in range(40):
                    if self.ended.is_set():
                        break
                    with self.lock:
                        self.events += answer.readline().startswith(b"data:")
            finally:
                connection.close()

    def end(self):
        self.ended.set()
        for thread in self.threads:
            thread.join(harness.HANG_S)


class Soak(unittest.TestCase):
    def test_up_with_clients(self):
        with harness.World(self, "2026-03-12T15:30:00Z", 240, SETTINGS) as world:
            world.simulator("--seed", "9")
            world.must("run", "ingest", "--backfill", "0.5")
            before = world.log_ends()
            server = world.serve("up")
            clients = Clients(server)
            try:
                time.sleep(arguments.seconds)       # the length is the test
                harness.eventually("a batch run", lambda: world.generation()[0] > 0, harness.COMMAND_TIMEOUT_S)
            finally:
                clients.end()
            server.stop()
            print(f"answers {clients.statuses}, events {clients.events}", file=sys.stderr)
            self.assertGreater(clients.statuses.get(200, 0), 20)
            self.assertGreater(clients.events, 5)
            self.assertEqual(sum(count for status, count in clients.statuses.items() if status >= 500), 0, clients.statuses)
            world.await_no_batch()
            world.freeze()
            world.catch_up()
            ends = world.log_ends()
            for topic in ("movie.ratings", "user.events"):
                self.assertGreater(ends[topic], before[topic], topic)
            print(f"rows {harness.check_speed(self, world)}", file=sys.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    arguments, rest = parser.parse_known_args()
    sys.argv[1:] = rest
    harness.main()
