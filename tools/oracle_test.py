#!/usr/bin/env python3
"""Tests of tools/oracle.py and tools/loggen.py: python3 -m unittest tools/oracle_test.py

Expected values are computed by hand from docs/semantics.md; the calculation stands beside each case. Where a whole
random log is classified, the expectation is a second, quadratic wording of the text (literal_classes below).
"""
import io
import json
import math
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import loggen  # noqa: E402
import oracle  # noqa: E402

T = 1767268800000          # 2026-01-01T12:00Z, an hour's start
SECOND, MINUTE, HOUR = 1000, 60000, 3600000
RATINGS, REVIEWS, METADATA, EVENTS = "movie.ratings", "movie.reviews", "movie.metadata", "user.events"


class Log:
    """Builds a dump. Append time is the event time plus a second unless told; offsets count per partition."""

    def __init__(self):
        self.records = []

    def add(self, topic, value, append=None, partition=0):
        if append is None:
            append = value[oracle.EVENT_TIME_FIELD[topic]] + SECOND
        offset = sum((record["topic"], record["partition"]) == (topic, partition) for record in self.records)
        self.records.append({"topic": topic, "partition": partition, "offset": offset, "append_time": append, "value": value})
        return self

    def rating(self, time, movie=1, popularity=1.0, vote_average=5.0, vote_count=10, **where):
        return self.add(RATINGS, {"movie_id": movie, "vote_average": vote_average, "vote_count": vote_count,
                                  "popularity": popularity, "timestamp": time}, **where)

    def metadata(self, time, title, movie=1, **where):
        return self.add(METADATA, {"movie_id": movie, "title": title, "timestamp": time}, **where)

    def review(self, time, content="0", review_id="r1", movie=1, updated_at=None, **where):
        return self.add(REVIEWS, {"review_id": review_id, "movie_id": movie, "content": content, "created_at": time,
                                  "updated_at": updated_at}, **where)

    def event(self, time, event_id, movie=1, **where):
        return self.add(EVENTS, {"event_id": event_id, "user_id": 7, "movie_id": movie, "event_type": "view",
                                 "rating": None, "timestamp": time}, **where)

    def undecodable(self, topic, append, partition=0):
        return self.add(topic, {"_bad": "magic byte"}, append, partition)

    def lines(self):
        return [json.dumps(record) for record in self.records]

    def classes(self, **options):
        """The classes in the order in which the records were added."""
        rows = oracle.compute(self.lines(), tables=["classes"], **options)
        of = {(row["topic"], row["partition"], row["offset"]): row["class"] for row in rows}
        return [of[(record["topic"], record["partition"], record["offset"])] for record in self.records]

    def table(self, name, **options):
        options.setdefault("compound", float)      # in these tests a review's text is its score
        return oracle.compute(self.lines(), tables=[name], **options)

    def stats(self, **options):
        return self.table("movie_stats", **options)

    def sentiment(self, **options):
        return self.table("review_sentiments", **options)

    def trending(self, **options):
        return self.table("trending_movies", **options)


def pick(rows, *names):
    return [tuple(row[name] for name in names) for row in rows]


class WorkedExample(unittest.TestCase):
    """The example at the end of docs/semantics.md, row for row."""

    def test_rows(self):
        log = Log()
        log.rating(T + 1 * MINUTE, 11, 10.0, 7.0, 100)
        log.rating(T + 6 * MINUTE, 11, 10.5, 7.2, 102)
        log.rating(T + 6 * MINUTE, 12, 20.0, 6.5, 51, partition=4)
        log.rating(T + 70 * SECOND, 12, 20.0, 6.5, 50, partition=4, append=T + 10 * MINUTE)
        log.event(T + 370 * SECOND, "web-1.1:1", 11)
        self.assertEqual(log.stats(), [
            {"table": "movie_stats", "movie_id": 11, "hour": T, "title": None, "vote_average": 7.2, "vote_count": 102,
             "popularity": 10.5, "rating_velocity": 2.4000000000000004, "last_updated": T + 6 * MINUTE},
            {"table": "movie_stats", "movie_id": 12, "hour": T, "title": None, "vote_average": 6.5, "vote_count": 51,
             "popularity": 20.0, "rating_velocity": 0.0, "last_updated": T + 6 * MINUTE}])
        # 0.5*3 + 0.25*6 + 0.15*0 + 0.1*(log1p(1) - log1p(1)/2) = 3 + 0.1*0.34657359028 = 3.034657359028
        rows = log.trending()
        self.assertAlmostEqual(rows[0].pop("trending_score"), 3.034657359028, 12)
        self.assertEqual(rows, [{"table": "trending_movies", "hour": T, "rank": 1, "window_end": T + 10 * MINUTE,
                                 "movie_id": 11, "title": None, "score_e9": 3034657359, "velocity": 6.0,
                                 "acceleration": None}])
        # The late one: 12:06:00 less 10 s had passed 12:05 on its own partition.
        self.assertEqual(pick(log.table("counters"), "topic", "used", "late"),
                         [(METADATA, 0, 0), (RATINGS, 4, 1), (REVIEWS, 0, 0), (EVENTS, 1, 0)])


class Bad(unittest.TestCase):
    def test_limit(self):
        # 10 minutes after append time is in, a millisecond more is bad; so it is for a review's updated_at.
        log = Log().rating(T + 10 * MINUTE, append=T).rating(T + 10 * MINUTE + 1, append=T)
        log.review(T, updated_at=T + 10 * MINUTE, append=T).review(T, updated_at=T + 10 * MINUTE + 1, append=T)
        self.assertEqual(log.classes(), ["used", "bad", "used", "bad"])

    def test_append_time_is_the_highest_so_far(self):
        # The second one's own append time is an hour back: 60 min ahead of it, but 0 of the highest. A bad record's
        # append time counts too (third and fourth), another partition's and topic's doesn't (last two).
        log = Log().rating(T, append=T).rating(T, append=T - HOUR)
        log.undecodable(RATINGS, append=T + HOUR).rating(T + HOUR, append=T)
        log.rating(T + HOUR, movie=2, append=T, partition=1).event(T + HOUR, "x", append=T)
        self.assertEqual(log.classes(), ["used", "used", "bad", "used", "bad", "bad"])

    def test_takes_part_in_no_other_rule(self):
        # Were the bad one's time (a year ahead) a highest event time, the next would be expired and no hour held.
        log = Log().rating(T, append=T).rating(T + 365 * 24 * HOUR, append=T).rating(T + MINUTE, popularity=2.0)
        self.assertEqual(log.classes(), ["used", "bad", "used"])
        self.assertEqual(pick(log.stats(), "popularity"), [(2.0,)])

    def test_what_cannot_be_computed_with(self):
        log = Log().rating(T, popularity=math.nan).rating(T, vote_average=math.inf).rating(T, popularity=1.1e9)
        log.rating(T, popularity=1e9).rating(-62135596800001, append=T).add(RATINGS, None, T)
        log.review(T, updated_at=-62135596800001)
        self.assertEqual(log.classes(), ["bad", "bad", "bad", "used", "bad", "bad", "bad"])

    def test_negative_times_are_ordinary_and_floored(self):
        # -1 ms lies in the window [-300000, 0) of the hour -3600000. Nothing came before, so it isn't expired.
        log = Log().review(-1)
        self.assertEqual(pick(log.sentiment(), "hour", "window_start", "window_end"), [(-HOUR, -300000, 0)])
        # After anything modern it is.
        self.assertEqual(Log().review(T).review(-1, append=T).classes(), ["used", "expired"])


class Expired(unittest.TestCase):
    def test_limit(self):
        # Hour 12:00 ends at T + 1 h and is kept until T + 53 h: expired when that time was seen before, not a ms
        # earlier.
        log = Log().rating(T + 53 * HOUR).rating(T + 59 * MINUTE, append=T + 53 * HOUR)
        self.assertEqual(log.classes(), ["used", "expired"])
        log = Log().rating(T + 53 * HOUR - 1).rating(T, append=T + 53 * HOUR)
        self.assertEqual(log.classes(), ["used", "used"])

    def test_own_topic_and_partition_only(self):
        log = Log().rating(T + 100 * HOUR).rating(T, movie=2, partition=1).event(T, "x").metadata(T, "title")
        self.assertEqual(log.classes(), ["used"] * 4)

    def test_duplicates_raise_the_highest_event_time(self):
        # The repeated id carries a later time, T + 53 h: then hour 12:00 is expired.
        log = Log().event(T, "x", append=T + 53 * HOUR).event(T + 53 * HOUR, "x", append=T + 53 * HOUR)
        log.event(T, "y", append=T + 53 * HOUR)
        self.assertEqual(log.classes(), ["used", "duplicate", "expired"])

    def test_left_out_of_tables(self):
        # The expired rating neither makes a row nor a previous window; the expired metadata gives no title.
        log = Log().rating(T + 60 * HOUR).rating(T, append=T + 60 * HOUR).rating(T + 60 * HOUR + 5 * MINUTE, popularity=2.0)
        log.metadata(T + 60 * HOUR, "new", movie=2).metadata(T, "old", append=T + 60 * HOUR)
        self.assertEqual(log.classes(), ["used", "expired", "used", "used", "expired"])
        self.assertEqual(pick(log.stats(all_hours=True), "hour", "title", "popularity"), [(T + 60 * HOUR, None, 2.0)])

    def test_tested_before_duplicate(self):
        log = Log().review(T).review(T + 60 * HOUR, review_id="r2").review(T, append=T + 60 * HOUR)
        self.assertEqual(log.classes(), ["used", "used", "expired"])


class Duplicate(unittest.TestCase):
    def test_review_versions(self):
        log = Log().review(T)                                          # version T
        log.review(T)                                                  # T again
        log.review(T, updated_at=T)                                    # updated_at = created_at: still T
        log.review(T, updated_at=T + 5)                                # higher
        log.review(T, updated_at=T + 3)                                # between: lower than the highest
        log.review(T, updated_at=T - 5)                                # below created_at
        log.review(T, updated_at=T + 6)
        self.assertEqual(log.classes(), ["used", "duplicate", "duplicate", "used", "duplicate", "duplicate", "used"])

    def test_review_identity(self):
        # Another created_at, movie or id is another review.
        log = Log().review(T).review(T + 1).review(T, movie=2).review(T, review_id="r2")
        self.assertEqual(log.classes(), ["used"] * 4)

    def test_sequences(self):
        log = Log()
        for event_id in ("a.1:5", "a.1:5", "a.1:4", "a.1:7", "a.2:1", "b.1:1", "a.01:007", "a.1:008", "a.1:9"):
            log.event(T, event_id)
        # 5 first; 5, 4 not above 5; 7 above; another epoch, another producer; 007 = 7 of epoch 01 = 1; 8; 9.
        self.assertEqual(log.classes(), ["used", "duplicate", "duplicate", "used", "used", "used", "duplicate", "used", "used"])

    def test_sequences_are_per_partition(self):
        log = Log().event(T, "a.1:5").event(T, "a.1:5", movie=2, partition=1).event(T, "a.1:5", movie=3)
        self.assertEqual(log.classes(), ["used", "used", "duplicate"])

    def test_what_is_no_producers_form(self):
        # Upper case, a trailing newline, a non-ASCII digit, 2^63: other ids, which repeat only literally. 2^63 - 1 is
        # ours.
        for first, second in (("A.1:5", "A.1:4"), ("a.1:5\n", "a.1:4\n"), ("a.1:\u0665", "a.1:\u0664"), (".1:5", ".1:4"),
                              ("a.1:9223372036854775809", "a.1:9223372036854775808")):
            self.assertEqual(Log().event(T, first).event(T, second).classes(), ["used", "used"], first)
            self.assertEqual(Log().event(T, first).event(T, first).classes(), ["used", "duplicate"], first)
        log = Log().event(T, "a.1:9223372036854775807").event(T, "a.1:9223372036854775806")
        self.assertEqual(log.classes(), ["used", "duplicate"])

    def test_forgotten_after_52_h(self):
        # A gap of 52 h forgets, a ms less doesn't; the gap counts from the last one, the duplicate at 30 h included.
        log = Log().event(T, "a.1:5", append=T).event(T + 52 * HOUR, "a.1:3", append=T + 52 * HOUR)
        log.event(T + 52 * HOUR, "a.1:3", append=T + 52 * HOUR)
        self.assertEqual(log.classes(), ["used", "used", "duplicate"])
        log = Log().event(T, "a.1:5", append=T).event(T + 52 * HOUR, "a.1:3", append=T + 52 * HOUR - 1)
        self.assertEqual(log.classes(), ["used", "duplicate"])
        log = Log().event(T, "a.1:5", append=T).event(T, "a.1:5", append=T + 30 * HOUR)
        log.event(T + 60 * HOUR, "a.1:5", append=T + 60 * HOUR)
        self.assertEqual(log.classes(), ["used", "duplicate", "duplicate"])

    def test_an_expired_event_counts_for_its_sequence(self):
        log = Log().event(T + 60 * HOUR, "a.1:1").event(T, "a.1:9", append=T + 60 * HOUR).event(T + 60 * HOUR, "a.1:5")
        self.assertEqual(log.classes(), ["used", "expired", "duplicate"])

    def test_foreign_ids(self):
        # 0, 10 min (within), 20 min (within 10 of the duplicate), 30 min + 1 ms (over), then the same id elsewhere.
        log = Log()
        for append in (0, 10 * MINUTE, 20 * MINUTE, 30 * MINUTE + 1):
            log.event(T, "x", append=T + append)
        log.event(T, "x", movie=2, partition=1)
        self.assertEqual(log.classes(), ["used", "duplicate", "duplicate", "used", "used"])

    def test_foreign_ids_whatever_became_of_that_one(self):
        # An expired one stands; a bad one (an hour ahead) doesn't.
        log = Log().event(T + 60 * HOUR, "y").event(T, "x", append=T + 60 * HOUR).event(T + 60 * HOUR, "x")
        self.assertEqual(log.classes(), ["used", "expired", "duplicate"])
        self.assertEqual(Log().event(T + HOUR, "x", append=T).event(T, "x").classes(), ["bad", "used"])

    def test_ratings_repeat(self):
        self.assertEqual(Log().rating(T).rating(T).metadata(T, "t").metadata(T, "t").classes(), ["used"] * 4)


class Stats(unittest.TestCase):
    def test_last_is_highest_event_time_then_offset(self):
        log = Log().rating(T + 50, popularity=1.0).rating(T + 50, popularity=2.0).rating(T + 40, popularity=3.0)
        self.assertEqual(pick(log.stats(), "popularity", "last_updated"), [(2.0, T + 50)])

    def test_hours(self):
        # 12:59:59.999 and 13:00:00.000 are two hours; Δt of windows 12:55 and 13:00 is 5 min: 0.1 / (1/12) = 1.2 per
        # hour.
        log = Log().rating(T + HOUR - 1, vote_average=5.0).rating(T + HOUR, vote_average=5.1)
        rows = log.stats()
        self.assertEqual(pick(rows, "hour", "vote_average"), [(T, 5.0), (T + HOUR, 5.1)])
        self.assertIsNone(rows[0]["rating_velocity"])
        self.assertEqual(rows[1]["rating_velocity"], 1000 / 10000 / (300000 / 3600000))

    def test_rating_velocity_reads_the_previous_windows_last(self):
        # Windows: 12:00 (5.0, then 5.5), 12:30 (7.0, then 6.0). (6.0 - 5.5) / 0.5 h = 1.0; the 7.0 doesn't matter.
        log = Log().rating(T, vote_average=5.0).rating(T + MINUTE, vote_average=5.5)
        log.rating(T + 30 * MINUTE, vote_average=7.0).rating(T + 31 * MINUTE, vote_average=6.0)
        self.assertEqual(pick(log.stats(), "vote_average", "rating_velocity"), [(6.0, 1.0)])

    def test_numbers_are_rounded_to_1e4(self):
        # 0.00025 * 10000.0 = 2.5 exactly, a tie, to even: 2. 2.34567 * 10000.0 = 23456.7, to 23457.
        log = Log().rating(T, popularity=0.00025, vote_average=2.34567)
        self.assertEqual(pick(log.stats(), "popularity", "vote_average"), [(0.0002, 2.3457)])

    def test_lookback(self):
        # Exactly 25 h earlier is in: (6 - 5) / 25 h = 0.04. 25 h 5 min is out.
        log = Log().rating(T, vote_average=5.0).rating(T + 25 * HOUR, vote_average=6.0)
        self.assertEqual(log.stats()[1]["rating_velocity"], 10000 / 10000 / 25.0)
        log = Log().rating(T, vote_average=5.0).rating(T + 25 * HOUR + 5 * MINUTE, vote_average=6.0)
        self.assertIsNone(log.stats()[1]["rating_velocity"])
        # Window starts count, not observations: 12:04:59 and next day's 13:00:00 are 24:55:01 apart, the starts 25 h.
        log = Log().rating(T + 299 * SECOND, vote_average=5.0).rating(T + 25 * HOUR, vote_average=6.0)
        self.assertEqual(log.stats()[1]["rating_velocity"], 0.04)

    def test_previous_window_may_lie_in_an_hour_that_is_not_held(self):
        # Another movie moved on to T + 54 h on another partition: hour T (kept until 53 h) isn't held, T + 20 h is.
        log = Log().rating(T, vote_average=5.0).rating(T + 20 * HOUR, vote_average=6.0)
        log.rating(T + 54 * HOUR, movie=2, partition=1)
        self.assertEqual(pick(log.stats(), "movie_id", "hour", "rating_velocity"),
                         [(1, T + 20 * HOUR, 10000 / 10000 / 20.0), (2, T + 54 * HOUR, None)])

    def test_titles(self):
        # Last by event time, then offset, not by arrival; before the first, null; later than the hour is fine.
        log = Log().rating(T).metadata(T + 2 * HOUR, "b").metadata(T + 2 * HOUR, "c").metadata(T + HOUR, "a")
        log.rating(T, movie=2)
        self.assertEqual(pick(log.stats(), "movie_id", "title"), [(1, "c"), (2, None)])


class Sentiment(unittest.TestCase):
    def test_counts_and_labels(self):
        # 0.05 positive, 0.0499 neutral, -0.05 negative, -0.0499 neutral, 0.9: sum 500 + 499 - 500 - 499 + 9000 = 9000
        # of 5.
        log = Log()
        for number, score in enumerate(("0.05", "0.0499", "-0.05", "-0.0499", "0.9")):
            log.review(T + number, score, f"r{number}")
        self.assertEqual(log.sentiment(), [
            {"table": "review_sentiments", "movie_id": 1, "hour": T, "window_start": T, "window_end": T + 5 * MINUTE,
             "avg_sentiment": 0.18, "sentiment_sum_e4": 9000, "review_count": 5, "positive_count": 2, "negative_count": 1,
             "neutral_count": 2, "sentiment_velocity": None}])

    def test_edit_retracts(self):
        # r1 goes from 0.8 to -0.4, r2 stays 0.2: sum -4000 + 2000. The older version that comes last changes nothing.
        log = Log().review(T, "0.8").review(T + 1, "0.2", "r2").review(T, "-0.4", updated_at=T + 9)
        log.review(T, "0.6", updated_at=T + 5)
        self.assertEqual(pick(log.sentiment(), "sentiment_sum_e4", "review_count", "positive_count", "negative_count"),
                         [(-2000, 2, 1, 1)])
        # Cut before the edit: 8000 + 2000.
        cut = {(REVIEWS, 0): 2}
        self.assertEqual(pick(log.sentiment(cuts=cut), "sentiment_sum_e4", "review_count"), [(10000, 2)])

    def test_edit_stays_in_the_window_of_created_at(self):
        log = Log().review(T, "0.8").review(T, "0.1", updated_at=T + 3 * HOUR, append=T + 3 * HOUR)
        self.assertEqual(pick(log.sentiment(), "window_start", "sentiment_sum_e4"), [(T, 1000)])

    def test_velocity(self):
        # Window 12:00: (4000 + 1000)/2/10000 = 0.25; window 14:00: 0.75. (0.75 - 0.25) / 2 h = 0.25.
        log = Log().review(T, "0.4").review(T, "0.1", "r2").review(T + 2 * HOUR, "0.75", "r3")
        # Another movie is no previous window, nor is a rating.
        log.review(T + HOUR, "0.1", "r4", movie=2).rating(T + HOUR)
        self.assertEqual(pick(log.sentiment(), "movie_id", "window_start", "avg_sentiment", "sentiment_velocity"),
                         [(1, T, 0.25, None), (1, T + 2 * HOUR, 0.75, 0.25), (2, T + HOUR, 0.1, None)])

    def test_reference(self):
        # The compounds that the reference package's own README prints.
        try:
            compound = oracle.reference_compound()
        except ImportError:
            self.skipTest("vaderSentiment isn't installed (tools/requirements-test.txt)")
        texts = (("VADER is smart, handsome, and funny.", 8316), ("VADER is smart, handsome, and funny!", 8439),
                 ("Not bad at all", 4310), ("Today SUX!", -5461), ("", 0))
        log = Log()
        for number, (text, _) in enumerate(texts):
            log.review(T + number * 5 * MINUTE, text, f"r{number}")
        self.assertEqual(pick(log.sentiment(compound=compound), "sentiment_sum_e4"), [(e4,) for _, e4 in texts])


def hour_apart(changes, votes=None, events=()):
    """A log in which movie i + 1 is observed at T and T + 1 h (so Δt = 1 and velocity = the change of popularity)."""
    log = Log()
    for movie, change in enumerate(changes, 1):
        log.rating(T, movie, 100.0, vote_count=10)
        log.rating(T + HOUR, movie, 100.0 + change, vote_count=10 + (votes[movie - 1] if votes else 0))
    for number, movie in enumerate(events):
        log.event(T + HOUR, f"a.1:{number}", movie)
    return log


class Trending(unittest.TestCase):
    def test_median_scale(self):
        # Velocities 0 1 2 3 10: median 2, deviations 2 1 0 1 8, their median 1: scale 1.4826. The others' measures
        # stand still: z = 0. Movie 1 (velocity 0) is no candidate. z: 8/1.4826, 1/1.4826, 0, -1/1.4826, halved.
        rows = hour_apart((0, 1, 2, 3, 10)).trending()
        self.assertEqual(pick(rows, "rank", "movie_id", "velocity"), [(1, 5, 10.0), (2, 4, 3.0), (3, 3, 2.0), (4, 2, 1.0)])
        # 8 / 1.4826 = 5.39592607581, half of it 2.697963038; 1 / 1.4826 = 0.67449075948, half 0.33724537974.
        self.assertEqual(pick(rows, "score_e9"), [(2697963038,), (337245380,), (0,), (-337245380,)])

    def test_mean_scale_where_the_median_is_0(self):
        # 0 0 0 0 6: deviations' median 0, their mean 6/5 = 1.2; scale 1.2533 * 1.2 = 1.50396; z = 6 / 1.50396 =
        # 3.98946780500, half of it 1.994733902.
        self.assertEqual(pick(hour_apart((0, 0, 0, 0, 6)).trending(), "movie_id", "score_e9"), [(5, 1994733902)])

    def test_no_scale(self):
        # All alike: every z is 0, and so are the scores; then movie_id decides.
        self.assertEqual(pick(hour_apart((2, 2, 2, 2, 2)).trending(), "rank", "movie_id", "score_e9"),
                         [(rank, rank, 0) for rank in range(1, 6)])

    def test_clip(self):
        # 12 still, one by 6: mean deviation 6/13, z = 6 / (1.2533 * 6/13) = 13/1.2533 = 10.37 -> 10; half is 5.
        self.assertEqual(pick(hour_apart((0,) * 12 + (6,)).trending(), "movie_id", "trending_score"), [(13, 5.0)])
        # Two movies, scale 1: velocities 100 and 1, median 50.5, z = ±49.5 -> ±10.
        self.assertEqual(pick(hour_apart((100, 1)).trending(), "trending_score"), [(5.0,), (-5.0,)])

    def test_few_movies(self):
        # Four: scale 1, median of 1 2 3 5 = 2.5: z = 2.5, 0.5, -0.5, -1.5.
        self.assertEqual(pick(hour_apart((1, 2, 3, 5)).trending(), "movie_id", "trending_score"),
                         [(4, 1.25), (3, 0.25), (2, -0.25), (1, -0.75)])

    def test_votes_and_engagement(self):
        # Two movies, velocity 1 each: z 0. Votes +4, 0: median 2, z = ±2, times 0.25. Events 0 and 3: log1p 0 and
        # 1.38629436112, median 0.69314718056, z = ±0.69314718056, times 0.1. Movie 1: 0.5 - 0.069314718056 =
        # 0.430685281944.
        rows = hour_apart((1, 1), (4, 0), (2, 2, 2)).trending()
        self.assertEqual(pick(rows, "movie_id", "score_e9"), [(1, 430685282), (2, -430685282)])
        # Weights: engagement alone turns it round.
        rows = hour_apart((1, 1), (4, 0), (2, 2, 2)).trending(settings=oracle.Settings(weights=(0, 0, 0, 1)))
        self.assertEqual(pick(rows, "movie_id", "score_e9"), [(2, 693147181), (1, -693147181)])

    def test_engagement_counts_used_events_of_the_window(self):
        # Of movie 1: one in the window before, one duplicate, two in the window: log1p(2) = 1.09861228867. Movie 2
        # none. Median half of it, 0.549306144, times 0.1 = 0.054930614.
        log = hour_apart((1, 1)).event(T + HOUR - 1, "x").event(T + HOUR, "a.1:1").event(T + HOUR, "a.1:1")
        log.event(T + HOUR + 299999, "a.1:2").event(T + HOUR + 300000, "a.1:3")
        self.assertEqual(pick(log.trending(), "movie_id", "score_e9"), [(1, 54930614), (2, -54930614)])

    def test_acceleration(self):
        # Movie 1: 100, 101, 104 at T, +1 h, +2 h: velocities 1 and 3, acceleration (3 - 1) / 1 = 2. Movie 2 was seen
        # first at +1 h: velocity 3, acceleration null. Median of the one that is there: 2, so both z are 0.
        log = Log().rating(T, 1, 100.0).rating(T + HOUR, 1, 101.0).rating(T + 2 * HOUR, 1, 104.0)
        log.rating(T + HOUR, 2, 50.0).rating(T + 2 * HOUR, 2, 53.0)
        rows = [row for row in log.trending() if row["hour"] == T + 2 * HOUR]
        self.assertEqual(pick(rows, "movie_id", "velocity", "acceleration", "score_e9"), [(1, 3.0, 2.0, 0), (2, 3.0, None, 0)])

    def test_acceleration_in_the_score(self):
        # Both seen thrice, last velocities 3 and 3, before that 1 and 2: accelerations 2 and 1, median 1.5, z = ±0.5
        # * 0.15.
        log = Log().rating(T, 1, 100.0).rating(T + HOUR, 1, 101.0).rating(T + 2 * HOUR, 1, 104.0)
        log.rating(T, 2, 100.0).rating(T + HOUR, 2, 102.0).rating(T + 2 * HOUR, 2, 105.0)
        rows = [row for row in log.trending() if row["hour"] == T + 2 * HOUR]
        self.assertEqual(pick(rows, "movie_id", "acceleration", "score_e9"), [(1, 2.0, 75000000), (2, 1.0, -75000000)])

    def test_acceleration_scale_with_nulls(self):
        # Six movies in the population, velocity 1 each, three with an acceleration: 0, 1, 3 (velocities before: 1, 0,
        # -2). Median 1, deviations 1 0 2, median 1, scale 1.4826: z(3) = 2/1.4826 = 1.34898151896, times 0.15 =
        # 0.202347228. Were the null ones zeros, the median would be 0. Not under 5: the population counts.
        log = Log()
        for movie, before in ((1, 1), (2, 0), (3, -2)):
            log.rating(T, movie, 100.0 - before).rating(T + HOUR, movie, 100.0).rating(T + 2 * HOUR, movie, 101.0)
        for movie in (4, 5, 6):
            log.rating(T + HOUR, movie, 100.0).rating(T + 2 * HOUR, movie, 101.0)
        rows = [row for row in log.trending() if row["hour"] == T + 2 * HOUR]
        # z(0) = -1/1.4826 = -0.67449075948, times 0.15 = -0.101173614.
        self.assertEqual(pick(rows, "movie_id", "score_e9"),
                         [(3, 202347228), (2, 0), (4, 0), (5, 0), (6, 0), (1, -101173614)])

    def test_min_velocity(self):
        # Candidates are above it; the population stays whole: median of 1 2 3 is 2.
        rows = hour_apart((1, 2, 3)).trending(settings=oracle.Settings(min_velocity=2.0))
        self.assertEqual(pick(rows, "rank", "movie_id", "score_e9"), [(1, 3, 500000000)])

    def test_ties_go_by_movie_id_and_the_top_is_100(self):
        rows = hour_apart([1] * 130).trending()
        self.assertEqual(pick(rows, "rank", "movie_id"), [(number, number) for number in range(1, 101)])

    def test_scores_compare_as_rint_1e9(self):
        # Weights 1e-10: scores 5e-10 * z differ by less than 1e-9, so all are 0 and movie_id decides against the
        # higher score.
        rows = hour_apart((1, 1.5, 1.9)).trending(settings=oracle.Settings(weights=(1e-10, 0, 0, 0)))
        self.assertEqual(pick(rows, "movie_id", "score_e9"), [(1, 0), (2, 0), (3, 0)])
        self.assertGreater(rows[2]["trending_score"], rows[0]["trending_score"])

    def test_an_hour_shows_its_latest_ranked_window(self):
        # Hour T + 1 h: window :00 rises by 4 in an hour; window :05 rises by 1 in 5 min = 12 per hour and is shown;
        # window :10 falls, has no candidate, isn't ranked.
        log = hour_apart((4,)).rating(T + HOUR + 5 * MINUTE, 1, 105.0).rating(T + HOUR + 10 * MINUTE, 1, 102.0)
        rows = log.trending()
        self.assertEqual(pick(rows, "hour", "window_end", "rank"), [(T + HOUR, T + HOUR + 10 * MINUTE, 1)])
        self.assertAlmostEqual(rows[0]["velocity"], 12.0, 9)
        # A late one at :09 makes window :05 fall too (103 after 104): the hour shows :00 again.
        log.rating(T + HOUR + 9 * MINUTE, 1, 103.0, append=T + 2 * HOUR)
        self.assertEqual(pick(log.trending(), "window_end", "velocity"), [(T + HOUR + 5 * MINUTE, 4.0)])

    def test_median_and_mean(self):
        self.assertEqual(oracle.median([3.0, 1.0]), 2.0)
        self.assertEqual(oracle.median([9.0, 1.0, 2.0]), 2.0)
        # Ascending: 0.1 + 0.2 = 0.30000000000000004, + 0.3 = 0.6000000000000001, / 3; descending it would be 0.6 / 3.
        self.assertEqual(oracle.mean_ascending([0.3, 0.2, 0.1]), 0.6000000000000001 / 3)


class Held(unittest.TestCase):
    def test_held_by_event_time_of_any_partition(self):
        # Hour T is kept until T + 53 h. Another partition of another topic reaches it; a bad record doesn't.
        log = Log().rating(T).event(T + 53 * HOUR - 1, "x", movie=2, partition=1)
        self.assertEqual(len(log.stats()), 1)
        log.add(EVENTS, {"event_id": "y", "movie_id": 2, "timestamp": T + 90 * HOUR}, append=T + 53 * HOUR, partition=1)
        self.assertEqual(len(log.stats()), 1)
        log.event(T + 53 * HOUR, "z", movie=2, partition=1)
        self.assertEqual(log.stats(), [])
        self.assertEqual(len(log.stats(all_hours=True)), 1)
        self.assertEqual(len(log.stats(cuts={(EVENTS, 1): 2})), 1)

    def test_duplicates_count(self):
        # Only bad ones don't: a duplicate event that carries T + 53 h ends hour T.
        log = Log().rating(T).event(T, "x", movie=2, partition=1, append=T + 53 * HOUR)
        log.event(T + 53 * HOUR, "x", movie=2, partition=1, append=T + 53 * HOUR)
        self.assertEqual(log.classes(), ["used", "used", "duplicate"])
        self.assertEqual(log.stats(), [])

    def test_held_by_clock(self):
        log = Log().rating(T)
        self.assertEqual(len(log.stats(now=T + 53 * HOUR - 1)), 1)
        self.assertEqual(log.stats(now=T + 53 * HOUR), [])

    def test_settings(self):
        # Retention 1 h: hour T is kept until T + 2 h; then the second one is expired. Lookback 1 h: no previous at 65
        # min.
        settings = oracle.Settings(retention_ms=HOUR, lookback_ms=HOUR)
        self.assertEqual(Log().rating(T + 2 * HOUR).rating(T, append=T + 2 * HOUR).classes(settings=settings), ["used", "expired"])
        self.assertIsNone(Log().rating(T).rating(T + 65 * MINUTE).stats(settings=settings)[-1]["rating_velocity"])


class Dump(unittest.TestCase):
    def test_refused(self):
        good = Log().rating(T).lines()[0]
        for lines, text in (([good, good], "offset 0 after 0"), (["{"], "line 1"), ([good.replace("movie.ratings", "x")], "unknown"),
                            ([good.replace("timestamp", "time")], "timestamp"),
                            (Log().rating(T).rating(T, partition=1).lines(), "movie 1: on partition 0 and 1")):
            with self.assertRaisesRegex(oracle.DumpError, text):
                oracle.compute(lines)

    def test_outputs_are_skipped(self):
        lines = [json.dumps({"topic": topic, "partition": 0, "offset": 0, "append_time": T, "value": {}})
                 for topic in oracle.OUTPUT_TOPICS]
        self.assertEqual(sum(row["total"] for row in oracle.compute(lines, tables=["counters"])), 0)

    def test_command_line(self):
        # Stdin, a cut, sorted rows one a line, shortest doubles; a broken dump is exit code 2 with file and line.
        tool = os.path.join(os.path.dirname(os.path.abspath(oracle.__file__)), "oracle.py")
        log = Log().rating(T, 2, 0.1).rating(T, 1, 12.3456).rating(T, 1, 2.0).metadata(T, "\u00e9")

        def run(*arguments, dump="\n".join(log.lines())):
            return subprocess.run([sys.executable, tool, *arguments], input=dump, capture_output=True, text=True, check=False,
                                  encoding="utf-8", timeout=60)
        done = run("--table", "stats", "--cut", "movie.ratings/0=2", "--now", str(T))
        self.assertEqual(done.stdout.splitlines(), [
            '{"table":"movie_stats","movie_id":1,"hour":1767268800000,"title":"\u00e9","vote_average":5.0,"vote_count":10,'
            '"popularity":12.3456,"rating_velocity":null,"last_updated":1767268800000}',
            '{"table":"movie_stats","movie_id":2,"hour":1767268800000,"title":null,"vote_average":5.0,"vote_count":10,'
            '"popularity":0.1,"rating_velocity":null,"last_updated":1767268800000}'])
        self.assertEqual(done.returncode, 0)
        self.assertNotIn("title", run("--table", "stats", "--no-title").stdout)
        self.assertEqual(run("--table", "stats", "--retention-h", "0", "--now", str(T + HOUR)).stdout, "")
        self.assertEqual(run("--cut", "nonsense").returncode, 2)
        broken = run("--table", "stats", dump="{")
        self.assertEqual((broken.returncode, broken.stdout), (2, ""))
        self.assertIn("line 1", broken.stderr)


def literal_classes(records):
    """The classes of one partition's dumped records, worded over all lower offsets instead of with running values."""
    classes, append = [], []
    time = [record["value"].get(oracle.EVENT_TIME_FIELD[record["topic"]]) for record in records]
    for at, record in enumerate(records):
        value, topic = record["value"], record["topic"]
        append.append(max(other["append_time"] for other in records[:at + 1]))
        lower = [other for other in range(at) if classes[other] != "bad"]
        versions = [value["created_at"], value["updated_at"]] if topic == REVIEWS and "_bad" not in value else [time[at]]
        versions = [version for version in versions if version is not None]
        if "_bad" in value or abs(value.get("popularity", 0)) > 1e9 or min(versions) < -62135596800000 or \
                max(versions) > append[at] + 10 * MINUTE:
            classes.append("bad")
        elif lower and time[at] // HOUR * HOUR + 53 * HOUR <= max(time[other] for other in lower):
            classes.append("expired")
        else:
            classes.append("duplicate" if literal_duplicate(records, append, lower, at) else "used")
    return classes


def literal_duplicate(records, append, lower, at):
    value, topic = records[at]["value"], records[at]["topic"]
    if topic == REVIEWS:
        def version(review):
            return review["updated_at"] if review["updated_at"] is not None else review["created_at"]
        same = [records[other]["value"] for other in lower if all(
            records[other]["value"][name] == value[name] for name in ("review_id", "movie_id", "created_at"))]
        return bool(same) and version(value) <= max(map(version, same))
    if topic != EVENTS:
        return False
    ours = re.compile(r"\A([a-z0-9-]+)\.0*([0-9]{1,18}):0*([0-9]{1,18})\Z")      # the generator makes none of 19 digits below 2^63
    mine = ours.match(value["event_id"])
    if not mine:
        return any(records[other]["value"]["event_id"] == value["event_id"] and append[at] - append[other] <= 10 * MINUTE
                   for other in lower)
    same = []
    for other in lower:
        match = ours.match(records[other]["value"]["event_id"])
        if match and (match[1], int(match[2])) == (mine[1], int(mine[2])):
            same.append((append[other], int(match[3])))
    # Only what came after the last gap of 52 h is remembered.
    times = [time for time, _ in same] + [append[at]]
    gaps = [index + 1 for index in range(len(times) - 1) if times[index + 1] - times[index] >= 52 * HOUR]
    remembered = [sequence for _, sequence in same[gaps[-1] if gaps else 0:]]
    return bool(remembered) and int(mine[3]) <= max(remembered)


def generate(*arguments):
    out = io.StringIO()
    summary = loggen.generate([str(argument) for argument in arguments], out)
    return out.getvalue().splitlines(), summary


class Generated(unittest.TestCase):
    def test_murmur2(self):
        # Kafka's own test vectors.
        for text, expected in (("21", -973932308), ("foobar", -790332482), ("a-little-bit-long-string", -985981536),
                               ("a-little-bit-longer-string", -1486304829),
                               ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971), ("abc", 479470107)):
            self.assertEqual(loggen.murmur2(text.encode()), expected)

    def test_every_class_is_there(self):
        lines, summary = generate("--seed", 5, "--records", 6000, "--movies", 30)
        self.assertEqual(len(lines), 6000)
        self.assertEqual([name for name, count in summary.items() if count == 0], [])
        counters = {row["topic"]: row for row in oracle.compute(lines, tables=["counters"])}
        for topic, row in counters.items():
            wanted = {"used", "late"} | (set() if topic == METADATA else {"bad", "expired"}) | (
                {"duplicate"} if topic in (REVIEWS, EVENTS) else set())    # metadata is too rare to have all
            self.assertEqual([name for name in sorted(wanted) if row[name] == 0], [], topic)
        for name, share in (("late", 0.1), ("duplicate", 0.05), ("edited", 0.05), ("expired", 0.01), ("future", 0.01),
                            ("bad", 0.005)):
            self.assertAlmostEqual(summary[name] / 6000, share, delta=0.25 * share + 0.002, msg=name)
        trending = oracle.compute(lines, tables=["trending_movies"])
        self.assertTrue(any(row["acceleration"] is not None for row in trending))
        self.assertTrue(any(row["score_e9"] != 0 for row in trending))
        self.assertTrue({None} < {row["title"] for row in oracle.compute(lines, tables=["movie_stats"])})

    def test_same_arguments_same_bytes(self):
        self.assertTrue(generate("--seed", 3, "--records", 500) == generate("--seed", 3, "--records", 500))
        self.assertNotEqual(generate("--seed", 3, "--records", 500)[0], generate("--seed", 4, "--records", 500)[0])

    def test_topics_gaps_and_no_faults(self):
        lines, _ = generate("--records", 400, "--topics", RATINGS, "--gaps", 0.3, "--bad", 0, "--future", 0, "--expired", 0)
        row = oracle.compute(lines, tables=["counters"])[1]
        self.assertEqual((row["topic"], row["total"], row["used"]), (RATINGS, 400, 400))
        self.assertGreater(max(json.loads(line)["offset"] for line in lines), 400 // 6)

    def test_classes_equal_a_literal_reading(self):
        for seed in range(4):
            lines, _ = generate("--seed", seed, "--records", 1500, "--movies", 12, "--late", 0.2, "--duplicate", 0.2,
                                "--edited", 0.1, "--expired", 0.05, "--future", 0.05, "--bad", 0.05)
            partitions = {}
            for line in lines:
                record = json.loads(line)
                partitions.setdefault((record["topic"], record["partition"]), []).append(record)
            expected = [cls for _, records in sorted(partitions.items()) for cls in literal_classes(records)]
            rows = oracle.compute(lines, tables=["classes"])
            # The first difference only: a diff of thousands of rows takes minutes.
            wrong = next(((row, cls) for row, cls in zip(rows, expected) if row["class"] != cls), None)
            self.assertEqual((len(rows), wrong), (len(expected), None), f"seed {seed}")

    def test_interleaving_and_cuts(self):
        # Rows don't depend on how the dump interleaves partitions; a cut is the same as a shorter dump; classes never
        # change.
        lines, _ = generate("--seed", 9, "--records", 3000, "--movies", 20)
        tables = ("movie_stats", "review_sentiments", "trending_movies", "counters", "classes")
        options = {"tables": tables, "compound": lambda text: len(text) % 100 / 100}
        whole = oracle.compute(lines, **options)

        def home(line):
            record = json.loads(line)
            return record["topic"], record["partition"]
        self.assertTrue(oracle.compute(sorted(lines, key=home, reverse=True), **options) == whole)
        cuts = {(topic, partition): 5 * partition + 20 for topic in oracle.EVENT_TIME_FIELD for partition in range(6)}
        short = [line for line in lines if json.loads(line)["offset"] < cuts[home(line)]]
        prefix = oracle.compute(lines, cuts=cuts, **options)
        self.assertTrue(oracle.compute(short, **options) == prefix)
        self.assertFalse(prefix == whole)
        classes = [json.dumps(row) for row in whole if row["table"] == "classes"]
        self.assertTrue({json.dumps(row) for row in prefix if row["table"] == "classes"} <= set(classes))


if __name__ == "__main__":
    unittest.main()
