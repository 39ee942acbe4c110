#!/usr/bin/env python3
"""Proves the one true path from outside, on the built-in catalogue and on the captured answers of TMDB (skipped where
those are absent): simulator, backfill, batch run, `up` on a scaled clock, a clean stop; then the API over HTTP equals the
oracle on the dump of the log for every hour of many movies, on both sides of the boundary, and titles, documents and
genre analytics equal a computation of their own from the dump's metadata."""
import json
import math
import os
import re
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402
from harness import HOUR_MS, iso_of, ms_of  # noqa: E402

NOW = "2026-03-12T12:30:00Z"
DAYS = "3"
SPEED = 240              # as the demo's: an hour of the world in 15 s
UP_S = 6                 # some five observations of each movie, where the machine has time for them
MOVIES_MIN = 20
SETTINGS = {"ingest.tracked_movies_max": "60", "ingest.list_pages": "2", "ingest.observe_interval": "15m"}
# Of what docs/views.md says of a movie and a genre, what the log's metadata tells as well.
CAPTURE = os.path.join(harness.SHARED, "data/tmdb")
META_FIELDS = {"boundary", "batch_run_id", "generation", "batch_through", "batch_computed_at", "speed_synced_at",
               "pending_late", "gaps", "complete", "attribution"}


def last_of(lines, topic, cuts):
    """{movie: value of its last record by (event time, offset)} below the cut."""
    last = {}
    for line in lines:
        record = json.loads(line)
        if record["topic"] != topic or record["offset"] >= cuts[(topic, record["partition"])]:
            continue
        value = record["value"]
        order = (value["timestamp"], record["offset"])
        if value["movie_id"] not in last or order > last[value["movie_id"]][0]:
            last[value["movie_id"]] = (order, value)
    return {movie: value for movie, (_, value) in last.items()}


def mean(values):
    """Exact: the sum of integers, then one division; None of none."""
    return sum(values) / len(values) if values else None


def genre_rows(metadata, ratings):
    """{(genre, year): figures}, year 0 for all years: docs/views.md, from the log alone."""
    groups = {}
    for movie, facts in metadata.items():
        year = int(facts["release_date"][:4]) if facts["release_date"] else None
        for genre in set(facts["genres"]):
            for key in [(genre, 0)] + ([(genre, year)] if year else []):
                groups.setdefault(key, []).append((facts, ratings[movie]))
    rows = {}
    for key, members in groups.items():
        known = {name: [facts[name] for facts, _ in members if facts[name]] for name in ("runtime", "budget", "revenue")}
        rated = [harness.oracle.e4_of(rating["vote_average"]) for _, rating in members if rating["vote_count"] > 0]
        popularity = mean([harness.oracle.e4_of(rating["popularity"]) for _, rating in members])
        rows[key] = {
            "movie_count": len(members), "rated_count": len(rated),
            "avg_rating": mean(rated) / 1e4 if rated else None, "avg_popularity": popularity / 1e4,
            "vote_count": sum(rating["vote_count"] for _, rating in members), "avg_runtime": mean(known["runtime"]),
            "total_budget": sum(known["budget"]), "total_revenue": sum(known["revenue"])}
    return rows


class Skeleton:
    """The path, once for each kind of simulator."""

    simulator_arguments = ()

    @classmethod
    def setUpClass(cls):
        """Everything up to the stop of `up`; the tests then look at one frozen moment of it."""
        cls.world = world = harness.World(None, NOW, SPEED, SETTINGS)
        cls.addClassCleanup(world.__exit__, None, None, None)
        try:
            world.simulator("--seed", "1", *cls.simulator_arguments)
            world.must("run", "ingest", "--backfill", DAYS)
            cls.backfilled = world.log_ends()
            cls.said = world.must("batch", "run")
            up = world.serve("up")
            cls.live = up.get("/api/v1/movies?limit=1")
            time.sleep(UP_S)            # what is measured is a running pipeline, not a moment of it
            harness.eventually("observations", lambda: world.log_ends()["movie.ratings"] >
                               cls.backfilled["movie.ratings"] + MOVIES_MIN)
            up.stop()
            cls.up_log = up.output()
            world.freeze()
            world.catch_up()            # what came in the last second before the stop
            cls.lines, (cls.generation, cls.through_ms, cls.cuts) = world.dump(), world.generation()
            cls.now_ms = world.now_ms()
            cls.server = world.serve()
        except BaseException:
            world.show()
            raise

    def test_log_has_all_kinds(self):
        """The log is worth comparing: all topics of ingestion, more than the backfill, nothing bad."""
        counters = harness.counters_of(self.lines)
        for topic in ("movie.ratings", "movie.metadata", "movie.reviews"):
            self.assertGreater(counters[topic]["used"] + counters[topic]["expired"], 20, counters)
            self.assertEqual(counters[topic]["bad"], 0, counters)
        self.assertGreater(counters["movie.ratings"]["total"], self.backfilled["movie.ratings"])
        self.assertEqual(self.world.read("stream.db", "SELECT sum(used) FROM stream_positions")[0][0],
                         sum(row["used"] for row in counters.values()))

    def test_up_was_live(self):
        """While it ran: served from both layers, no error in its log, and no warning but that something takes long on a
        crowded machine and is tried again."""
        self.assertTrue(self.live["meta"]["batch_run_id"])
        self.assertNotIn('"level":"error"', self.up_log)
        warnings = [line for line in self.up_log.splitlines() if '"level":"warn"' in line and
                    not re.search("try(ing)? again|can't be renewed|doesn't answer", line)]
        self.assertEqual(warnings, [])

    def test_stats(self):
        """Every hour of at least twenty movies, on both sides of the boundary."""
        boundary_ms = harness.boundary_of(self.now_ms, self.through_ms)
        expected = harness.expected_points(self.lines, self.cuts, boundary_ms, harness.held_from(self.now_ms))
        movies = sorted({movie for movie, _ in expected})
        self.assertGreaterEqual(len(movies), MOVIES_MIN)
        meta = harness.check_points(self, self.server, expected, movies[:3 * MOVIES_MIN], ms_of(NOW) - 5 * 24 * HOUR_MS,
                                    int(self.now_ms) + 2 * HOUR_MS)
        self.assertEqual(meta["boundary"], iso_of(boundary_ms).replace(".000", ""))
        harness.check_speed(self, self.world, self.lines)

    def test_meta(self):
        """Each answer says where its numbers come from, and that nothing is missing."""
        movie = self.server.get("/api/v1/movies?limit=1")["data"][0]["movie_id"]
        for path in ("/api/v1/movies", f"/api/v1/movies/{movie}", f"/api/v1/movies/{movie}/stats",
                     "/api/v1/analytics/genres", "/api/v1/analytics/genre/Drama", "/api/v1/runs"):
            meta = self.server.get(path)["meta"]
            self.assertEqual(set(meta), META_FIELDS, path)
            self.assertEqual((meta["pending_late"], meta["gaps"], meta["complete"]), (0, [], True), path)
            self.assertEqual((meta["generation"], ms_of(meta["batch_through"])), (self.generation, self.through_ms))
            self.assertEqual(self.through_ms, self.cut_hour())
            self.assertIn("not endorsed or certified by TMDB", meta["attribution"])

    def cut_hour(self):
        """'The full hour at or before clock at its cut', from when the views say the cut was."""
        cut_ms = self.world.read("views.db", "SELECT cut_at_ms FROM generations WHERE generation = ?", self.generation)
        return cut_ms[0][0] // HOUR_MS * HOUR_MS

    def test_movies(self):
        """Titles and documents as the last metadata has them; the list by popularity."""
        metadata, known, fresh = last_of(self.lines, "movie.metadata", self.cuts), 0, 0
        listed = self.server.get("/api/v1/movies?limit=200")["data"]
        self.assertGreaterEqual(len(listed), MOVIES_MIN)
        self.assertEqual([row["movie_id"] for row in listed],
                         [row["movie_id"] for row in sorted(listed, key=lambda row: (-row["popularity"], row["movie_id"]))])
        for row in listed[:3 * MOVIES_MIN]:
            facts = metadata.get(row["movie_id"])
            if not facts:
                continue
            known += 1
            full = self.server.get(f"/api/v1/movies/{row['movie_id']}")
            answer, boundary = full["data"], full["meta"]["boundary"]
            self.assertEqual((answer["title"], answer["movie"]["title"]), (facts["title"], facts["title"]))
            self.assertEqual(sorted(answer["movie"]["genres"]), sorted(facts["genres"]))
            self.assertEqual(answer["movie"]["release_date"], facts["release_date"] or None)
            for name in ("runtime", "budget", "revenue"):
                self.assertEqual(answer["movie"][name], facts[name] or None, (name, facts))
            # One that left the tracked ones days ago has its last hour below the boundary.
            self.assertEqual(answer["latest"]["source"], "speed" if answer["latest"]["hour"] >= boundary else "batch")
            self.assertEqual(answer["latest"]["popularity"], row["popularity"])
            fresh += answer["latest"]["source"] == "speed"
        self.assertGreaterEqual(known, MOVIES_MIN)
        self.assertGreaterEqual(fresh, MOVIES_MIN)

    def test_genres(self):
        """Each genre, altogether and by year, equals what the log's metadata and ratings below the cut give."""
        metadata, ratings = (last_of(self.lines, topic, self.cuts) for topic in ("movie.metadata", "movie.ratings"))
        wanted, rows_seen = genre_rows(metadata, ratings), 0
        genres = self.server.get("/api/v1/analytics/genres")["data"]
        self.assertEqual([row["genre"] for row in genres], sorted({genre for genre, _ in wanted}))
        for summary in genres:
            found = self.server.get(f"/api/v1/analytics/genre/{summary['genre'].replace(' ', '%20')}?limit=1000")["data"]
            rows = {(row["genre"], row["year"]): row for row in found["rows"]}
            self.assertEqual(set(rows), {key for key in wanted if key[0] == summary["genre"]})
            for key, row in rows.items():
                self.same_figures(wanted[key], row, key)
                rows_seen += 1
            self.same_figures(wanted[(summary["genre"], 0)], summary, summary["genre"])
        self.assertGreater(rows_seen, 50)

    def same_figures(self, wanted, row, where):
        for name, value in wanted.items():
            same = row[name] == value or (value is not None and row[name] is not None and
                                          math.isclose(row[name], value, rel_tol=1e-12))
            self.assertTrue(same, f"{where} {name}: found {row[name]}, expected {value}")

    def test_runs(self):
        """The last run that is done is the one that is served, and is told the same on the command line. On a slow machine
        the world's next run was due while `up` ran, and may have been stopped with it: then it stands before the others."""
        runs = self.server.get("/api/v1/runs")["data"]
        done = runs[1:] if runs[0]["state"] == "failed" else runs
        self.assertEqual({run["state"] for run in done}, {"done"})
        self.assertEqual(self.server.get("/api/v1/movies")["meta"]["batch_run_id"], done[0]["run_id"])
        self.assertIn(done[0]["run_id"], self.world.must("batch", "status"))

    def test_metrics(self):
        """What this process served is counted."""
        before = self.server.metrics()
        self.server.get("/api/v1/movies")
        self.server.request("/api/v1/movies/0")
        after = self.server.metrics()
        for status, least in (("200", 1), ("400", 1)):
            name = f'marquee_http_requests_total{{status="{status}"}}'
            self.assertGreaterEqual(after.get(name, 0) - before.get(name, 0), least)


class BuiltIn(Skeleton, unittest.TestCase):
    """The built-in catalogue: always there."""


@unittest.skipUnless(os.path.isdir(CAPTURE), "no captured answers of TMDB (MARQUEE_SHARED names their folder)")
class Captured(Skeleton, unittest.TestCase):
    """The captured answers, real reviews and all."""

    simulator_arguments = ("--capture", CAPTURE)


if __name__ == "__main__":
    harness.main()
