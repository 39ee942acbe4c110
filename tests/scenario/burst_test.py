#!/usr/bin/env python3
"""Proves that trending does what it is for: among some sixty movies of which nearly all stand still, the one whose popularity
bursts is ranked first in the first five-minute window after the burst began, and has left the ranks once it fades. The
burst is planted in the simulator; what was ranked is read from the topic movie.trending."""
import json
import os
import sys
import unittest
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402
from harness import HOUR_MS, iso_of, ms_of  # noqa: E402

MINUTE_MS = 60_000
WINDOW_MS = 5 * MINUTE_MS
NOW_MS = ms_of("2026-03-12T12:30:00Z")
BURST_MS = NOW_MS - 2 * HOUR_MS + 2 * MINUTE_MS  # within a window
SETTINGS = {"ingest.tracked_movies_max": "63", "ingest.list_pages": "4"}
BURSTING_PLACE = 12  # in the list of the popular: neither the first nor unknown
RISES_MS = 20 * MINUTE_MS  # docs/simulator.md: a burst rises within 10 to 20 minutes, then falls for hours


def popular(url, as_of_ms):
    with urllib.request.urlopen(f"{url}/movie/popular?page=1&as_of={as_of_ms}", timeout=harness.REQUEST_TIMEOUT_S) as answer:
        return [movie for movie in json.load(answer)["results"] if movie["original_language"] == "en"]


def rankings(world):
    """window_start -> ranked movie ids, best first: of each window its highest revision."""
    best = {}
    for line in world.must("topics", "dump", "movie.trending").splitlines():
        value = json.loads(line)["value"]
        start = value["window_start"]
        if start not in best or value["revision"] > best[start]["revision"]:
            best[start] = value
    return {start: [movie["movie_id"] for movie in value["movies"]] for start, value in sorted(best.items())}


class Burst(unittest.TestCase):
    def test_burst_is_ranked_first_at_once_and_leaves(self):
        with harness.World(self, iso_of(NOW_MS), settings=SETTINGS) as world:
            simulator = world.simulator("--seed", "5")
            movie = popular(world.simulator_url, BURST_MS)[BURSTING_PLACE]["id"]
            simulator.stop()
            world.simulator("--seed", "5", "--burst", f"{movie}@{iso_of(BURST_MS)}")
            world.must("run", "ingest", "--backfill", "0.15")
            world.catch_up()
            ranked = rankings(world)

            windows = [start for start in ranked if start < BURST_MS]
            self.assertGreater(len(windows), 10, "windows before the burst")
            self.assertTrue(all(ranked[start][:1] != [movie] for start in windows), "first before anything happened")

            # Movies are observed as a window begins, so the first window that can show the burst begins after it.
            first = next(start for start in ranked if start > BURST_MS)
            self.assertLess(first, BURST_MS + WINDOW_MS)
            self.assertEqual(ranked[first][0], movie, f"{iso_of(first)}: {ranked[first][:5]}")

            late = [start for start in ranked if start >= BURST_MS + RISES_MS + 2 * WINDOW_MS]
            self.assertGreater(len(late), 5, "windows after the rise")
            self.assertTrue(all(movie not in ranked[start] for start in late), "still ranked while it falls")

            still = [len(ranked[start]) for start in windows]
            self.assertLess(sum(still) / len(still), 40, "most of the sixty stand still in a window")


if __name__ == "__main__":
    unittest.main()
