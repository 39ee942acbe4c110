#!/usr/bin/env python3
"""Proves of the simulator as a program: two processes with one seed answer the same bytes, another seed doesn't; it
says where it listens in one line, ends on SIGTERM with 0, and answers a wrong flag with 2 and what was expected.

usage: process_test.py PROGRAM
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

PROGRAM = sys.argv.pop(1)
NOON_MS = 1773057600000  # 2026-03-09T12:00:00Z
WAIT_S = 180    # a guard against a hang
PATHS = ["/movie/11?append_to_response=credits,keywords,reviews", "/movie/popular?page=3", "/trending/movie/day",
         "/movie/changes", "/movie/1265609/reviews"]


class Simulator:
    def __init__(self, *flags):
        self.process = subprocess.Popen([PROGRAM, "--port", "0", *flags], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:") and line.endswith("/3\n"), line
        self.url = line.split()[-1]

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=WAIT_S) as answer:
            return answer.read()

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        code = self.process.wait(WAIT_S)
        rest = self.process.stdout.read()
        self.process.stdout.close()
        assert rest == "", rest
        return code


class Process(unittest.TestCase):
    def start(self, *flags):
        simulator = Simulator(*flags)
        self.addCleanup(lambda: simulator.process.poll() is None and simulator.process.kill())
        return simulator

    def test_same_seed_same_bytes(self):
        """Whenever and with whatever clock they were started."""
        one = self.start("--seed", "5", "--clock-start", "2026-03-09T12:00:00Z", "--clock-speed", "60")
        two = self.start("--seed", "5")
        other = self.start("--seed", "6")
        differ = 0
        for path in PATHS:
            asked = path + ("&" if "?" in path else "?") + f"as_of={NOON_MS}"
            self.assertEqual(one.get(asked), two.get(asked), path)
            differ += one.get(asked) != other.get(asked)
        self.assertGreaterEqual(differ, 4)
        for simulator in (one, two, other):
            self.assertEqual(simulator.end(), 0)

    def test_clock(self):
        """The clock begins where it was told to and runs as fast as it was told to."""
        simulator = self.start("--clock-start", str(NOON_MS), "--clock-speed", "3600")
        clock = json.loads(simulator.get("/marquee/clock"))
        self.assertEqual(clock["speed"], 3600)
        self.assertTrue(NOON_MS <= clock["now_ms"] < NOON_MS + WAIT_S * 3600 * 1000, clock)
        self.assertEqual(simulator.end(signal.SIGINT), 0)

    def test_anchor(self):
        """With an anchor the start lies in the past of all processes alike."""
        simulator = self.start("--clock-start", "2026-03-09T12:00:00Z", "--clock-anchor", "2026-01-01T00:00:00Z",
                               "--clock-speed", "0.001")
        now_ms = json.loads(simulator.get("/marquee/clock"))["now_ms"]
        self.assertGreater(now_ms, NOON_MS + 60000)
        self.assertEqual(simulator.end(), 0)

    def test_movies(self):
        """--movies takes the most popular, or makes more up."""
        for wanted in (50, 1500):
            simulator = self.start("--movies", str(wanted), "--no-premieres")
            page = json.loads(simulator.get("/movie/popular"))
            self.assertEqual(page["total_results"], wanted)
            self.assertEqual(simulator.end(), 0)

    def test_request_log(self):
        """Each request is one line of JSON, written when it has been answered."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "requests.jsonl")
            simulator = self.start("--request-log", path, "--fault", "error=1")
            for _ in range(3):
                with self.assertRaises(urllib.error.HTTPError):
                    simulator.get("/movie/11?api_key=hidden&language=en-US")
            with open(path, encoding="utf-8") as lines:
                rows = [json.loads(line) for line in lines]
            self.assertEqual([row["number"] for row in rows], [1, 2, 3])
            for row in rows:
                self.assertEqual((row["path"], row["status"], row["fault"]), ("/3/movie/11?language=en-US", 500, "error"))
                self.assertLess(0, row["real_ms"])
            self.assertEqual(simulator.end(), 0)

    def test_usage(self):
        """Exit code 2 and one line that says what was expected."""
        for flags, word in [
            (["--fault", "latency=fast"], "200ms@0.1"),
            (["--fault", "storm=60s"], "60s/600s"),
            (["--clock-speed", "0"], "above 0"),
            (["--clock-start", "noon"], "2026-03-09T12:00:00Z"),
            (["--clock-anchor", "2026-03-09"], "--clock-start"),
            (["--burst", "11"], "MOVIE_ID@TIME"),
            (["--burst", "1@2026-03-09"], "no movie 1"),
            (["--port", "70000"], "65535"),
            (["--movies", "-1"], "from 0"),
            (["--capture", "no-such-folder"], "movies.jsonl"),
            (["--nonsense"], "nonsense"),
            (["word"], "flags only"),
        ]:
            done = subprocess.run([PROGRAM, *flags], capture_output=True, text=True, timeout=WAIT_S, check=False)
            self.assertEqual(done.returncode, 2, flags)
            self.assertIn(word, done.stderr, flags)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
