#!/usr/bin/env python3
"""The oracle: the speed tables of any prefix of a log, computed from docs/semantics.md alone.

It reads a dump of the log as JSON lines

    {"topic": "movie.ratings", "partition": 3, "offset": 17, "append_time": 1767268800000, "value": {...}}

(value: the decoded record with the contract's field names, times in ms UTC, or {"_bad": "reason"}; partitions
interleaved in any way, each in offset order) and writes one JSON line per row, sorted by table and key, so that
two outputs compare with diff. Each function quotes its clause. Whole log in memory, no state, no cleverness: it is
meant to be checked line by line against the text, not to be fast.
"""
import argparse
import contextlib
import json
import math
import os
import re
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field

SECOND, MINUTE, HOUR = 1000, 60 * 1000, 3600 * 1000
WINDOW_MS = 5 * MINUTE
SCALE_ZERO = 1e-9             # "a z-score's scale below 1e-9 counts as 0"
Z_CLIP = 10.0
FEW_MOVIES = 5                # "under 5 movies scale = 1"
TOP_RANKS = 100
FORGET_MS = 52 * HOUR         # append time after which a producer's epoch is forgotten; not the retention setting
REPEAT_MS = 10 * MINUTE       # append time within which a foreign event id repeats; not the future limit setting
NUMBER_LIMIT = 1e9            # popularity and vote_average beyond it can't be computed with
TIME_MIN_MS, TIME_MAX_MS = -62135596800000, 253402300799999  # the years 0001 to 9999
INT64_MAX = 2**63 - 1
EVENT_TIME_FIELD = {"movie.reviews": "created_at", "movie.ratings": "timestamp",
                    "movie.metadata": "timestamp", "user.events": "timestamp"}
OUTPUT_TOPICS = ("movie.trending", "marquee.deadletter")
CLASSES = ("bad", "expired", "duplicate", "used")
TABLES = ("counters", "movie_stats", "review_sentiments", "trending_movies")
TABLE_NAMES = {"stats": "movie_stats", "sentiment": "review_sentiments", "trending": "trending_movies",
               "counters": "counters", "classes": "classes"}


class DumpError(Exception):
    """The dump breaks its own format: nothing computed from it would mean anything."""


@dataclass
class Settings:
    retention_ms: int = 52 * HOUR
    lookback_ms: int = 25 * HOUR
    weights: tuple = (0.5, 0.25, 0.15, 0.1)
    min_velocity: float = 0.0
    future_limit_ms: int = 10 * MINUTE
    watermark_delay_ms: int = 10 * SECOND


@dataclass
class Record:
    topic: str
    partition: int
    offset: int
    append_time: int                 # as dumped; after read_log the highest one up to this offset
    value: dict = field(repr=False)
    cls: str = ""
    late: bool = False
    event_time: int = None           # None when undecodable

    @property
    def movie(self):
        return self.value["movie_id"]

    @property
    def order(self):
        """'Last means highest (event time, offset).'"""
        return (self.event_time, self.offset)


# ---- the log -------------------------------------------------------------------------------------------------------

def read_log(lines, cuts=None):
    """'Per topic and partition, records in offset order'; 'append time is the highest one up to that offset'; the
    prefix L[<c] has the records below the cut's offset. Returns {(topic, partition): [Record]}."""
    log = defaultdict(list)
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            dumped = json.loads(line)
            if dumped["topic"] in OUTPUT_TOPICS:
                continue                    # "only the four input topics are meant"
            record = Record(*(dumped[name] for name in ("topic", "partition", "offset", "append_time", "value")))
            if record.topic not in EVENT_TIME_FIELD:
                raise DumpError(f"unknown topic {record.topic}")
            records = log[(record.topic, record.partition)]
            if records and record.offset <= records[-1].offset:
                raise DumpError(f"{record.topic}/{record.partition}: offset {record.offset} after {records[-1].offset}")
            if not undecodable(record):
                record.event_time = record.value[EVENT_TIME_FIELD[record.topic]]
        except (KeyError, TypeError, ValueError, DumpError) as error:
            raise DumpError(f"line {number}: {type(error).__name__}: {error}") from error
        if record.offset >= (cuts or {}).get((record.topic, record.partition), math.inf):
            continue
        if records:
            record.append_time = max(record.append_time, records[-1].append_time)
        records.append(record)
    check_partitions(log)
    return log


def undecodable(record):
    """'Undecodable, also what decodes but can't be computed with.'"""
    value = record.value
    if value is None or "_bad" in value:
        return True
    times = [value[EVENT_TIME_FIELD[record.topic]]]
    if record.topic == "movie.reviews" and value.get("updated_at") is not None:
        times.append(value["updated_at"])
    if not all(TIME_MIN_MS <= time <= TIME_MAX_MS for time in times):
        return True
    if record.topic == "movie.ratings":
        return not all(math.isfinite(value[name]) and abs(value[name]) <= NUMBER_LIMIT
                       for name in ("popularity", "vote_average"))
    return False


def check_partitions(log):
    """'All that concerns a movie has one partition number.'"""
    home = {}
    for (topic, partition), records in log.items():
        for record in records:
            if record.event_time is not None and home.setdefault(record.movie, partition) != partition:
                raise DumpError(f"movie {record.movie}: on partition {home[record.movie]} and {partition} ({topic})")


# ---- each record is exactly one of ---------------------------------------------------------------------------------

def classify(records, settings):
    """Sets the class of each record of one partition: 'tested in this order' bad, expired, duplicate, used."""
    highest_event_time = None        # of records at lower offsets that aren't bad
    highest_version = {}             # review -> version
    highest_sequence = {}            # (producer, epoch) -> (sequence, append time of the last one)
    last_append = {}                 # foreign event id -> append time of the last one
    for record in records:
        if is_bad(record, settings):
            record.cls = "bad"
            continue                 # "it takes part in no other rule"
        expired = highest_event_time is not None and \
            hour_of(record.event_time) + HOUR + settings.retention_ms <= highest_event_time
        duplicate = False
        if record.topic == "movie.reviews":
            duplicate = repeats_review(record, highest_version)
        elif record.topic == "user.events":
            producer = producer_form(record.value["event_id"])
            duplicate = repeats_sequence(record, producer, highest_sequence) if producer else \
                repeats_foreign_id(record, last_append)
        record.cls = "expired" if expired else "duplicate" if duplicate else "used"
        record.late = record.cls == "used" and highest_event_time is not None and \
            highest_event_time - settings.watermark_delay_ms >= window_of(record.event_time) + WINDOW_MS
        if highest_event_time is None or record.event_time > highest_event_time:
            highest_event_time = record.event_time


def is_bad(record, settings):
    """'Undecodable; event time, or a review's updated_at, more than 10 minutes after append time.'"""
    if record.event_time is None:
        return True
    latest = record.event_time
    if record.topic == "movie.reviews" and record.value.get("updated_at") is not None:
        latest = max(latest, record.value["updated_at"])
    return latest > record.append_time + settings.future_limit_ms


def review_of(record):
    """'The same review: its review_id, movie_id and created_at together.'"""
    return (record.value["review_id"], record.movie, record.value["created_at"])


def version_of(record):
    """'Version: updated_at, else created_at.'"""
    updated_at = record.value.get("updated_at")
    return record.value["created_at"] if updated_at is None else updated_at


def repeats_review(record, highest_version):
    """'A review whose version is not above the highest one at lower offsets for the same review.'"""
    review, version = review_of(record), version_of(record)
    if review in highest_version and version <= highest_version[review]:
        return True
    highest_version[review] = version
    return False


def producer_form(event_id):
    """'The whole id matches (producer, epoch, sequence) and both numbers fit a signed 64-bit integer', else None."""
    match = re.fullmatch(r"([a-z0-9-]+)\.([0-9]+):([0-9]+)", event_id)
    if not match:
        return None
    producer, epoch, sequence = match[1], int(match[2]), int(match[3])
    return (producer, epoch, sequence) if epoch <= INT64_MAX and sequence <= INT64_MAX else None


def repeats_sequence(record, producer, highest_sequence):
    """'Sequence not above the highest at lower offsets of its partition for that producer and epoch; forgotten when one
    comes 52 h or more of append time after the last.'"""
    name, epoch, sequence = producer
    highest, last = highest_sequence.get((name, epoch), (None, None))
    if last is not None and record.append_time - last >= FORGET_MS:
        highest = None
    repeated = highest is not None and sequence <= highest
    highest_sequence[(name, epoch)] = (highest if repeated else sequence, record.append_time)
    return repeated


def repeats_foreign_id(record, last_append):
    """'The same id stands at a lower offset of its partition, whatever became of that one, at most 10 minutes of append
    time away.' (Append times never fall, so the last one is the nearest.)"""
    last = last_append.get(record.value["event_id"])
    last_append[record.value["event_id"]] = record.append_time
    return last is not None and record.append_time - last <= REPEAT_MS


# ---- windows, numbers ----------------------------------------------------------------------------------------------

def window_of(time_ms):
    """'5 minutes, [start, end) aligned to the epoch', a floor."""
    return time_ms // WINDOW_MS * WINDOW_MS


def hour_of(time_ms):
    """'The hour of window_start', which is the hour of the event time."""
    return time_ms // HOUR * HOUR


def e4_of(number):
    """'Integers of 1/10,000: rint(x * 10000.0)'. Python's round is to the nearest, ties to even."""
    return round(number * 10000.0)


def hours_between(earlier_ms, later_ms):
    """'Delta t is the difference of window starts, in hours' = ms / 3600000."""
    return (later_ms - earlier_ms) / 3600000.0


def previous_windows(starts, settings):
    """'The movie's latest window before this one that is non-empty and starts at most lookback earlier; else null.'
    Returns {start: previous start or None} of one movie's non-empty windows."""
    starts = sorted(starts)
    previous = {}
    for index, start in enumerate(starts):
        before = starts[index - 1] if index > 0 else None
        previous[start] = before if before is not None and start - before <= settings.lookback_ms else None
    return previous


def used_records(log, topic):
    return [record for (name, _), records in sorted(log.items()) if name == topic
            for record in records if record.cls == "used"]


def by_movie_window(records):
    """{movie: {window start: [records]}}: the non-empty windows."""
    windows = defaultdict(lambda: defaultdict(list))
    for record in records:
        windows[record.movie][window_of(record.event_time)].append(record)
    return windows


def last_titles(log):
    """'The movie's last metadata: the last used one in the prefix.'"""
    last = {}
    for record in used_records(log, "movie.metadata"):
        if record.movie not in last or record.order > last[record.movie].order:
            last[record.movie] = record
    return {movie: record.value["title"] for movie, record in last.items()}


def last_ratings(log):
    """{movie: {window start: the window's last used rating}}"""
    windows = by_movie_window(used_records(log, "movie.ratings"))
    return {movie: {start: max(records, key=lambda record: record.order) for start, records in of_movie.items()}
            for movie, of_movie in windows.items()}


# ---- the tables ----------------------------------------------------------------------------------------------------

def sentiment_rows(log, settings, compound):
    """'Per (movie, window) over the highest used version of each review: counts, sum, average; sentiment_velocity =
    (average - the previous window's) / delta t; null without one.'"""
    latest = {}
    for record in used_records(log, "movie.reviews"):
        review = review_of(record)
        if review not in latest or version_of(record) > version_of(latest[review]):
            latest[review] = record     # "retracts the old contribution and adds the new one"
    rows = []
    for movie, windows in by_movie_window(latest.values()).items():
        scores = {start: [e4_of(compound(record.value["content"])) for record in records]
                  for start, records in windows.items()}
        average = {start: sum(e4s) / len(e4s) / 10000 for start, e4s in scores.items()}
        for start, before in previous_windows(scores, settings).items():
            e4s = scores[start]
            positive, negative = sum(e4 >= 500 for e4 in e4s), sum(e4 <= -500 for e4 in e4s)
            rows.append({
                "table": "review_sentiments", "movie_id": movie, "hour": hour_of(start), "window_start": start,
                "window_end": start + WINDOW_MS, "avg_sentiment": average[start], "sentiment_sum_e4": sum(e4s),
                "review_count": len(e4s), "positive_count": positive, "negative_count": negative,
                "neutral_count": len(e4s) - positive - negative,
                "sentiment_velocity": None if before is None else
                (average[start] - average[before]) / hours_between(before, start)})
    return sorted(rows, key=lambda row: (row["movie_id"], row["window_start"]))


def stats_rows(log, settings):
    """'Per (movie, hour) the last observation, joined with the movie's last metadata. rating_velocity: from the
    window that holds that observation: (its last vote_average - the previous window's last) / delta t.'"""
    titles = last_titles(log)
    rows = []
    for movie, windows in last_ratings(log).items():
        previous = previous_windows(windows, settings)
        # An hour's last observation is the last one of the hour's last window.
        last_window = {hour_of(start): start for start in sorted(windows)}
        for hour, start in last_window.items():
            value, before, velocity = windows[start].value, previous[start], None
            if before is not None:
                change_e4 = e4_of(value["vote_average"]) - e4_of(windows[before].value["vote_average"])
                velocity = change_e4 / 10000 / hours_between(before, start)
            rows.append({
                "table": "movie_stats", "movie_id": movie, "hour": hour, "title": titles.get(movie),
                "vote_average": e4_of(value["vote_average"]) / 10000.0, "vote_count": value["vote_count"],
                "popularity": e4_of(value["popularity"]) / 10000.0, "rating_velocity": velocity,
                "last_updated": windows[start].event_time})
    return sorted(rows, key=lambda row: (row["movie_id"], row["hour"]))


def measures(log, settings):
    """'velocity = dp/dt against the previous window, vote_velocity = dv/dt, acceleration = (velocity - the previous
    window's velocity)/dt, null where one is; engagement = used user events in the window.' Returns the populations,
    'the movies with a velocity in that window': {window start: [measures of a movie]}."""
    engagement = Counter((record.movie, window_of(record.event_time)) for record in used_records(log, "user.events"))
    populations = defaultdict(list)
    for movie, windows in last_ratings(log).items():
        velocity = {}
        for start, before in previous_windows(windows, settings).items():      # ascending
            velocity[start] = None
            if before is None:
                continue
            now, then, hours = windows[start].value, windows[before].value, hours_between(before, start)
            velocity[start] = (e4_of(now["popularity"]) - e4_of(then["popularity"])) / 10000 / hours
            populations[start].append({
                "movie_id": movie, "velocity": velocity[start],
                "vote_velocity": (now["vote_count"] - then["vote_count"]) / hours,
                "acceleration": None if velocity[before] is None else (velocity[start] - velocity[before]) / hours,
                "engagement": math.log1p(engagement[(movie, start)])})
    return populations


def median(values):
    """'Median of an even count = mean of the middle two.'"""
    values, middle = sorted(values), len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def mean_ascending(values):
    """'The sum goes over the values sorted ascending from 0.0 up.'"""
    total = 0.0
    for value in sorted(values):
        total += value
    return total / len(values)


def z_scores(values):
    """'z(x) = (x - median)/scale clipped to +-10'; a null is 'left out of median and scale' and has z = 0."""
    present = [value for value in values if value is not None]
    if not present:
        return [0.0] * len(values)
    center = median(present)
    deviations = [abs(value - center) for value in present]
    scale = 1.4826 * median(deviations)
    if scale < SCALE_ZERO:
        scale = 1.2533 * mean_ascending(deviations)
    if len(values) < FEW_MOVIES:     # the population, not the accelerations that are there
        scale = 1.0
    if scale < SCALE_ZERO:
        return [0.0] * len(values)
    return [0.0 if value is None else max(-Z_CLIP, min(Z_CLIP, (value - center) / scale)) for value in values]


def rank_window(population, settings):
    """'trending_score = 0.5 z(velocity) + 0.25 z(vote_velocity) + 0.15 z(acceleration) + 0.1 z(log1p(engagement)).
    Candidates have velocity > min_velocity; the top 100 by score descending, then movie_id ascending', scores
    compared as rint(score * 1e9). Returns [(score, measures)]."""
    columns = [z_scores([movie[name] for movie in population])
               for name in ("velocity", "vote_velocity", "acceleration", "engagement")]
    weights, scored = settings.weights, []
    for movie, velocity, vote_velocity, acceleration, engagement in zip(population, *columns):
        score = weights[0] * velocity + weights[1] * vote_velocity + weights[2] * acceleration + weights[3] * engagement
        if movie["velocity"] > settings.min_velocity:
            scored.append((score, movie))
    scored.sort(key=lambda pair: (-round(pair[0] * 1e9), pair[1]["movie_id"]))
    return scored[:TOP_RANKS]


def trending_rows(log, settings):
    """'An hour shows its latest ranked window: the latest one in which at least one movie has a rank.'"""
    titles = last_titles(log)
    shown = {}
    for start, population in sorted(measures(log, settings).items()):
        ranked = rank_window(population, settings)
        if ranked:
            shown[hour_of(start)] = (start, ranked)
    return [{"table": "trending_movies", "hour": hour, "rank": rank, "window_end": start + WINDOW_MS,
             "movie_id": movie["movie_id"], "title": titles.get(movie["movie_id"]), "trending_score": score,
             "score_e9": round(score * 1e9), "velocity": movie["velocity"], "acceleration": movie["acceleration"]}
            for hour, (start, ranked) in sorted(shown.items()) for rank, (score, movie) in enumerate(ranked, 1)]


def counter_rows(log):
    """'Each record is exactly one of' bad, expired, duplicate, used: per topic, and that they sum up to the total.
    `late`: used and behind its own partition's watermark (a task's waits for other partitions and knows idleness; a
    diagnostic)."""
    rows = []
    for topic in sorted(EVENT_TIME_FIELD):
        records = [record for (name, _), of_partition in log.items() if name == topic for record in of_partition]
        counts = Counter(record.cls for record in records)
        row = {"table": "counters", "topic": topic, "total": len(records)}
        row.update({cls: counts[cls] for cls in CLASSES})
        row["late"] = sum(record.late for record in records)
        if row["total"] != sum(row[cls] for cls in CLASSES):
            raise AssertionError(f"{topic}: classes don't sum up to the total: {row}")
        rows.append(row)
    return rows


def class_rows(log):
    """Each record's class, to find the first one on which two implementations differ."""
    return [{"table": "classes", "topic": record.topic, "partition": record.partition, "offset": record.offset,
             "class": record.cls} for _, records in sorted(log.items()) for record in records]


def held_hours(hours, log, settings, now):
    """'Held: end + retention above the highest event time of a record that isn't bad on any partition, and that clock
    has not expired.'"""
    times = [record.event_time for records in log.values() for record in records if record.cls != "bad"]
    reached = max(times + ([now] if now is not None else []), default=-math.inf)
    return {hour for hour in hours if hour + HOUR + settings.retention_ms > reached}


def compute(lines, settings=Settings(), cuts=None, now=None, all_hours=False, tables=TABLES, compound=None):
    """The rows of the asked tables for the prefix of a dump, sorted by table and key. compound: text -> VADER's
    compound."""
    log = read_log(lines, cuts)
    for records in log.values():
        classify(records, settings)
    rows = {"counters": lambda: counter_rows(log), "classes": lambda: class_rows(log),
            "movie_stats": lambda: stats_rows(log, settings), "trending_movies": lambda: trending_rows(log, settings),
            "review_sentiments": lambda: sentiment_rows(log, settings, compound or reference_compound())}
    output = [row for table in sorted(tables) for row in rows[table]()]
    hours = {row["hour"] for row in output if "hour" in row}
    shown = hours if all_hours else held_hours(hours, log, settings, now)
    return [row for row in output if "hour" not in row or row["hour"] in shown]


def reference_compound():
    """'VADER's compound, equal to the reference implementation': the package itself (tools/requirements-test.txt).
    Imported here so that the other tables need nothing but Python."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    analyzer = SentimentIntensityAnalyzer()
    return lambda text: analyzer.polarity_scores(text)["compound"]


# ---- command line --------------------------------------------------------------------------------------------------

def parse_cut(text):
    match = re.fullmatch(r"([a-z.]+)/([0-9]+)=([0-9]+)", text)
    if not match or match[1] not in EVENT_TIME_FIELD:
        raise argparse.ArgumentTypeError(f"{text}: expected topic/partition=offset with a topic of "
                                         f"{', '.join(EVENT_TIME_FIELD)}")
    return (match[1], int(match[2])), int(match[3])


def parse_weights(text):
    weights = tuple(float(part) for part in text.split(","))
    if len(weights) != 4:
        raise argparse.ArgumentTypeError(f"{text}: expected four numbers: velocity,votes,acceleration,engagement")
    return weights


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description="Compute the speed tables of a prefix of a log dump.")
    parser.add_argument("dump", nargs="?", default="-", help="JSON lines; - is stdin")
    parser.add_argument("--cut", type=parse_cut, action="append", default=[], metavar="TOPIC/PARTITION=OFFSET",
                        help="only records at lower offsets of that partition (default: all)")
    parser.add_argument("--now", type=int, metavar="MS", help="clock: hours with end + retention <= MS are not held")
    hours = parser.add_mutually_exclusive_group()
    hours.add_argument("--held-only", action="store_true", help="rows of held hours (the default)")
    hours.add_argument("--all-hours", action="store_true", help="rows of every hour")
    parser.add_argument("--table", choices=sorted(TABLE_NAMES), action="append",
                        help="repeatable (default: all but classes)")
    parser.add_argument("--no-title", action="store_true", help="leave out titles, which are outside the equality")
    parser.add_argument("--retention-h", type=int, default=52)
    parser.add_argument("--lookback-h", type=int, default=25)
    parser.add_argument("--weights", type=parse_weights, default=Settings.weights, metavar="V,VOTES,A,E")
    parser.add_argument("--min-velocity", type=float, default=0.0)
    parser.add_argument("--future-limit-min", type=int, default=10)
    parser.add_argument("--watermark-delay-s", type=int, default=10, help="only for the late count")
    return parser.parse_args(arguments)


def main(arguments=None):
    args = parse_arguments(arguments)
    settings = Settings(args.retention_h * HOUR, args.lookback_h * HOUR, args.weights, args.min_velocity,
                        args.future_limit_min * MINUTE, args.watermark_delay_s * SECOND)
    tables = [TABLE_NAMES[name] for name in args.table] if args.table else TABLES
    source = contextlib.nullcontext(sys.stdin) if args.dump == "-" else open(args.dump, encoding="utf-8")
    try:
        with source as lines:
            rows = compute(lines, settings, dict(args.cut), args.now, args.all_hours, tables)
    except DumpError as error:
        print(f"oracle: {args.dump}: {error}", file=sys.stderr)
        return 2
    except ImportError as error:
        print(f"oracle: {error}: install tools/requirements-test.txt or ask for other tables", file=sys.stderr)
        return 2
    for row in rows:
        if args.no_title:
            row.pop("title", None)
        print(json.dumps(row, ensure_ascii=False, separators=(",", ":")))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
