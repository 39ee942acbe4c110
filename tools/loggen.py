#!/usr/bin/env python3
"""Writes a random log dump in tools/oracle.py's format, full of what goes wrong: late, duplicate, edited, expired,
future and undecodable records, event order that isn't offset order, ties, clocks that step back, movies silent for
over a day.

One JSON line per record in append order over all partitions goes to stdout; one JSON line that counts what was
generated goes to stderr, so that a test can fail when a class was absent. Same arguments, same bytes. The counts say
what was intended; what a record is in the end (an edit may come too late and be expired), the oracle's `counters`
say.

Movies move in rounds, as the planner asks: a burst of records within ten minutes, then a pause, so that even a small
log has windows that hold several movies and several records of one. Review texts are made up from the small grammar
below.
"""
import argparse
import json
import math
import random
import sys
from collections import Counter, defaultdict

SECOND, MINUTE, HOUR = 1000, 60 * 1000, 3600 * 1000
WINDOW_MS = 5 * MINUTE
PARTITIONS = 6
TOPIC_SHARES = {"movie.ratings": 0.55, "user.events": 0.2, "movie.reviews": 0.19, "movie.metadata": 0.06}
EVENT_TIME_FIELD = {"movie.reviews": "created_at", "movie.ratings": "timestamp",
                    "movie.metadata": "timestamp", "user.events": "timestamp"}
KINDS = ("late", "duplicate", "edited", "expired", "future", "bad")
EVENT_TYPES = ("view", "click", "search", "watchlist", "rate", "share")
DETAILS = ("clock_back", "foreign_id", "forgotten", "lower_version", "metadata_later", "metadata_never", "negative_time",
           "out_of_order", "plain", "silent_over_25h", "tie", "uncomputable", "window_of_several")
POOL = 400   # records per topic that may be repeated or edited later

SUBJECTS = "the plot,this film,the acting,the ending,her performance,the score,every scene,the director,the dialogue".split(",")
BOOSTERS = ",very ,extremely ,kind of ,barely ,so ,absolutely ,slightly ,REALLY ".split(",")
WORDS = ("great,boring,wonderful,terrible,fine,long,brilliant,awful,charming,dull,GREAT,horrible,fun,sad,lovely,a mess,ordinary,"
         "superb,weak,the bomb,stupid,moving,ugly,delightful,HATED,loved").split(",")
LINKS = ", but , and ,. Still ,! ,... ,; however ,\r\n\r\n".split(",")
ENDS = ".,!,!!!,?,??, :), :(, \u2764, \U0001f60d, \U0001f4a9 lol,".split(",")


def murmur2(data):
    """Java's org.apache.kafka.common.utils.Utils.murmur2, as a signed 32-bit integer."""
    mask, mix = 0xFFFFFFFF, 0x5BD1E995
    h = 0x9747B28C ^ len(data)
    for at in range(0, len(data) // 4 * 4, 4):
        k = int.from_bytes(data[at:at + 4], "little") * mix & mask
        k = (k ^ k >> 24) * mix & mask
        h = h * mix & mask ^ k
    tail = data[len(data) // 4 * 4:]
    if tail:
        h = (h ^ int.from_bytes(tail, "little")) * mix & mask
    h = (h ^ h >> 13) * mix & mask
    h ^= h >> 15
    return h - (1 << 32) if h >> 31 else h


def partition_of(movie_id):
    return (murmur2(str(movie_id).encode()) & 0x7FFFFFFF) % PARTITIONS


class Movie:
    """One movie's numbers: most stand still, a few move. Integers of 1/10,000, so at most four decimals come out."""

    def __init__(self, rng, number, start, hours):
        self.movie_id = 11 + 7 * number
        self.drift = rng.choice((0, 0, 0, 300, 4000, -800))
        self.popularity_e4 = rng.randrange(10000, 3000000)
        self.vote_average_e4 = rng.randrange(30000, 90000)
        self.vote_count = rng.randrange(0, 5000)
        self.last_time = None
        self.title = f"Movie {number}"
        self.metadata_from = start + rng.choice((0, 0, hours // 2, 10 * hours)) * HOUR   # the last ones never
        silent = (number == 0 or rng.random() < 0.3) and hours > 30
        self.silent_from = start + rng.randrange(hours - 26) * HOUR if silent else 0
        self.silent_until = self.silent_from + rng.randrange(26, 31) * HOUR if silent else 0

    def is_silent(self, time):
        return self.silent_from <= time < self.silent_until

    def move(self, rng):
        if self.drift and rng.random() < 0.6:
            step = rng.randrange(2 * abs(self.drift))
            self.popularity_e4 = max(0, self.popularity_e4 + (step if self.drift > 0 else -step))
        if rng.random() < 0.05:
            self.popularity_e4 += rng.randrange(200000)      # a burst
        if rng.random() < 0.3:
            self.vote_count += rng.randrange(5)
            self.vote_average_e4 = min(100000, max(0, self.vote_average_e4 + rng.randrange(-300, 301)))


def sentence(rng):
    if rng.random() < 0.02:
        return ""
    clauses = [f"{rng.choice(SUBJECTS)} {rng.choice(('is', 'was', 'was not', 'isnt', 'never felt'))} "
               f"{rng.choice(BOOSTERS)}{rng.choice(WORDS)}" for _ in range(rng.randrange(1, 5))]
    text = clauses[0]
    for clause in clauses[1:]:
        text += rng.choice(LINKS) + clause
    return text[0].upper() + text[1:] + rng.choice(ENDS)


class Generator:
    def __init__(self, args):
        self.args = args
        self.rng = random.Random(args.seed)
        self.now = args.start
        self.movies = [Movie(self.rng, number, args.start, args.hours) for number in range(args.movies)]
        self.topics = args.topics
        self.shares = [TOPIC_SHARES[topic] for topic in args.topics]
        self.pool = defaultdict(list)
        self.review_number = 0
        self.producers = {name: [self.rng.randrange(1, 4), 0] for name in ("web-1", "app-2", "sim")}   # epoch, sequence
        self.dormant = {}                # movie -> append time of the epoch that will be forgotten
        self.next_offset = Counter()
        self.summary = Counter({name: 0 for name in KINDS + DETAILS})
        self.highest, self.rating_times = {}, defaultdict(list)

    # -- values: one per topic --

    def event_time(self):
        """Usually a little before now, often a full second (ties), often out of order."""
        time = self.now - self.rng.choice((0, self.rng.randrange(3000), self.rng.randrange(90000)))
        return time // SECOND * SECOND if self.rng.random() < 0.5 else time

    def rating(self, movie, time):
        movie.move(self.rng)
        if movie.last_time is not None and abs(movie.last_time - time) < HOUR and self.rng.random() < 0.1:
            time = movie.last_time
            self.summary["tie"] += 1
        movie.last_time = time
        return {"movie_id": movie.movie_id, "vote_average": movie.vote_average_e4 / 10000,
                "vote_count": movie.vote_count, "popularity": movie.popularity_e4 / 10000, "timestamp": time}

    def metadata(self, movie, time):
        return {"movie_id": movie.movie_id, "title": f"{movie.title} ({self.rng.randrange(100)}) \u00e9",
                "release_date": self.rng.choice((None, "", "1999-03-30")),
                "genres": self.rng.sample(("Drama", "Comedy", "Horror"), 2),
                "runtime": self.rng.choice((None, 0, 118)), "budget": None, "revenue": self.rng.choice((None, 1 << 33)),
                "timestamp": time, "event_type": self.rng.choice(("new", "update"))}

    def review(self, movie, time):
        self.review_number += 1
        # Some come already edited, so that an older version may follow the newer one.
        updated = self.rng.choice((None, None, time, min(time + self.rng.randrange(MINUTE), self.now)))
        return {"review_id": f"{self.review_number:024x}", "movie_id": movie.movie_id, "author": "somebody",
                "content": sentence(self.rng), "rating": self.rng.choice((None, 7.0)), "created_at": time,
                "url": "https://example.org/review", "updated_at": updated}

    def user_event(self, movie, time):
        return {"event_id": self.event_id(movie), "user_id": self.rng.randrange(1, 1 << 40), "movie_id": movie.movie_id,
                "event_type": self.rng.choice(EVENT_TYPES), "rating": self.rng.choice((None, 8.5)), "timestamp": time}

    def event_id(self, movie):
        if self.rng.random() < 0.25:
            self.summary["foreign_id"] += 1
            return self.rng.choice((f"u{self.rng.getrandbits(40):x}", f"Web.1:{self.rng.getrandbits(20)}",
                                    f"web-1.1:{(1 << 63) + self.rng.getrandbits(20)}", f"w.1:{self.rng.getrandbits(20)}x"))
        since = self.dormant.get(movie)
        if since is None or self.now - since > 53 * HOUR:   # silent for over 52 h: forgotten, so used
            self.summary["forgotten"] += since is not None
            self.dormant[movie] = self.now if since is None else math.inf
            return f"dormant-{movie.movie_id}.1:{5 if since is None else 3}"
        name = self.rng.choice(sorted(self.producers))
        state = self.producers[name]
        if self.rng.random() < 0.002:
            state[0], state[1] = state[0] + 1, 0
        state[1] += self.rng.choice((1, 1, 1, 4))
        return f"{name}.{state[0]:0{self.rng.choice((1, 1, 3))}d}:{state[1]}"

    def value(self, topic, movie, time):
        make = {"movie.ratings": self.rating, "movie.metadata": self.metadata, "movie.reviews": self.review,
                "user.events": self.user_event}[topic]
        return make(movie, time)

    # -- kinds: what goes wrong --

    def late(self, topic, movie):
        """An event time well past its window's end: minutes to two days ago."""
        ago = int(6 * MINUTE * math.exp(self.rng.random() * math.log(50 * HOUR / (6 * MINUTE))))
        time = self.now - WINDOW_MS - ago
        if movie.is_silent(time):
            before = movie.silent_from - self.rng.randrange(HOUR)
            time = before if before > self.now - 52 * HOUR else time
        return self.value(topic, movie, time)

    def expired(self, topic, movie):
        time = self.now - 53 * HOUR - 10 * MINUTE - self.rng.randrange(30 * HOUR)
        if self.rng.random() < 0.1:
            self.summary["negative_time"] += 1
            time = -self.rng.randrange(1, 100 * HOUR)
        return self.value(topic, movie, time)

    def future(self, topic, movie):
        ahead = 10 * MINUTE + self.rng.choice((1, self.rng.randrange(1, 3 * HOUR)))
        value = self.value(topic, movie, self.event_time())
        if topic == "movie.reviews" and self.rng.random() < 0.5:
            value["updated_at"] = self.now + ahead
        else:
            value[EVENT_TIME_FIELD[topic]] = self.now + ahead
        return value

    def bad(self, topic, movie):
        """Broken payloads (Confluent framing, then Avro), or numbers and times that can't be computed with."""
        if self.rng.random() < 0.3:
            self.summary["uncomputable"] += 1
            value = self.value(topic, movie, self.event_time())
            if topic == "movie.ratings" and self.rng.random() < 0.5:
                value["popularity"] = 2e9
            else:
                value[EVENT_TIME_FIELD[topic]] = -62135596800001
            return value
        reason, payload = self.rng.choice((
            ("empty", b""), ("magic byte", b"\x07\x00\x00\x00\x01\x02\x04"), ("short header", b"\x00\x00\x00"),
            ("unknown schema id", b"\x00\x7f\xff\xff\xff\x16"), ("varint without end", b"\x00\x00\x00\x00\x01" + b"\xff" * 11),
            ("truncated", b"\x00\x00\x00\x00\x01\x16" + self.rng.randbytes(3))))
        return {"_bad": reason, "bytes": payload.hex()}

    def duplicate(self, topic, old):
        """The same review version or a lower one; the same event id again; a repeated rating or metadata, which
        counts."""
        value = dict(old)
        if topic == "movie.reviews" and value["updated_at"] is not None and self.rng.random() < 0.5:
            value["updated_at"] = None
            self.summary["lower_version"] += 1
        elif topic == "user.events" and self.rng.random() < 0.2:
            value["timestamp"] = self.event_time()
        return value

    def edited(self, topic, old):
        version = old["created_at"] if old["updated_at"] is None else old["updated_at"]
        return dict(old, updated_at=version + self.rng.randrange(1, max(2, self.now - version)), content=sentence(self.rng))

    def repeatable(self, kind):
        """A topic and one of its recent records; newer ones more often, as repeats come soon. None while there is
        none."""
        wanted = ("movie.reviews",) if kind == "edited" else ("movie.reviews", "user.events")
        wanted = [topic for topic in wanted if topic in self.topics] or (self.topics if kind == "duplicate" else [])
        wanted = [topic for topic in wanted if self.pool[topic]]
        if not wanted:
            return None
        topic = self.rng.choice(wanted)
        return topic, self.pool[topic][-1 - int(len(self.pool[topic]) * self.rng.random() ** 3)]

    # -- the log --

    def draw(self):
        """(topic, partition's movie id, value) of the next record."""
        roll, kind = self.rng.random(), "plain"
        for name in KINDS:
            if roll < getattr(self.args, name):
                kind = name
                break
            roll -= getattr(self.args, name)
        topic = self.rng.choices(self.topics, self.shares)[0]
        movie = self.rng.choice(self.movies)
        if movie.is_silent(self.now) and kind != "late":
            movie = self.rng.choice([other for other in self.movies if not other.is_silent(self.now)] or [movie])
        if topic == "movie.metadata" and self.now < movie.metadata_from:
            topic = next((other for other in self.topics if other != topic), topic)
        if kind in ("duplicate", "edited"):
            found = self.repeatable(kind)
            if found:
                self.summary[kind] += 1
                value = self.edited(*found) if kind == "edited" else self.duplicate(*found)
                return found[0], found[1]["movie_id"], value
            kind = "plain"
        self.summary[kind] += 1
        make = {"plain": lambda: self.value(topic, movie, self.event_time()),
                "late": lambda: self.late(topic, movie), "expired": lambda: self.expired(topic, movie),
                "future": lambda: self.future(topic, movie), "bad": lambda: self.bad(topic, movie)}
        value = make[kind]()
        if kind != "bad":
            self.remember(topic, value if kind != "future" else self.corrected(topic, value))
        return topic, movie.movie_id, value

    def remember(self, topic, value):
        self.pool[topic] = (self.pool[topic] + [value])[-POOL:]

    def corrected(self, topic, value):
        """What a client with a wrong clock sends when it has seen its mistake: the same id with a time that is
        right."""
        value = dict(value, **{EVENT_TIME_FIELD[topic]: self.now})
        return dict(value, updated_at=None) if topic == "movie.reviews" else value

    def append_time(self):
        if self.rng.random() < 0.01:
            self.summary["clock_back"] += 1
            return self.now - 20 * MINUTE    # over the future limit: only the highest one up to here saves the record
        return self.now - self.rng.choice((0, 0, self.rng.randrange(2000)))

    def watch(self, topic, partition, value):
        """What holds for the log as a whole and no single draw decides."""
        time = value.get(EVENT_TIME_FIELD[topic])
        if time is None or time > self.now + 10 * MINUTE:
            return
        key = (topic, partition)
        self.summary["out_of_order"] += time < self.highest.get(key, time)
        self.highest[key] = max(time, self.highest.get(key, time))
        if topic == "movie.ratings" and abs(time - self.now) < 54 * HOUR:
            self.rating_times[value["movie_id"]].append(time)

    def run(self, out):
        records_left, burst_left, rounds = self.args.records, 0, 0
        per_burst = max(1, int(2.5 * len(self.movies)))
        pause = self.args.hours * HOUR * per_burst / self.args.records
        while records_left:
            if burst_left == 0:
                self.now = max(self.now, self.args.start + int(pause * (rounds + 0.3 * self.rng.random())))
                burst_left, rounds = per_burst, rounds + 1
            topic, movie_id, value = self.draw()
            partition = partition_of(movie_id)
            self.watch(topic, partition, value)
            self.next_offset[(topic, partition)] += 1 + (self.rng.random() < self.args.gaps)
            out.write(json.dumps({"topic": topic, "partition": partition,
                                  "offset": self.next_offset[(topic, partition)] - 1,
                                  "append_time": self.append_time(), "value": value}, separators=(",", ":")) + "\n")
            self.now += int(self.rng.expovariate(1) * min(pause, 10 * MINUTE) / per_burst)
            records_left, burst_left = records_left - 1, burst_left - 1
        for times in self.rating_times.values():
            windows = Counter(time // WINDOW_MS for time in times)
            starts = sorted(windows)
            self.summary["window_of_several"] += sum(count > 1 for count in windows.values())
            self.summary["silent_over_25h"] += any((after - before) * WINDOW_MS > 25 * HOUR
                                                   for before, after in zip(starts, starts[1:]))
        self.summary["metadata_never"] = sum(movie.metadata_from > self.now for movie in self.movies)
        self.summary["metadata_later"] = sum(self.args.start < movie.metadata_from <= self.now for movie in self.movies)


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description="Write a random log dump for tools/oracle.py.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--records", type=int, default=10000)
    parser.add_argument("--movies", type=int, default=40)
    parser.add_argument("--hours", type=int, default=80, help="of append time that the log spans")
    parser.add_argument("--start", type=int, default=1767225600000, metavar="MS", help="default: 2026-01-01T00:00Z")
    parser.add_argument("--topics", nargs="+", choices=sorted(TOPIC_SHARES), default=sorted(TOPIC_SHARES))
    for name, share in zip(KINDS, (0.1, 0.05, 0.05, 0.01, 0.01, 0.005)):
        parser.add_argument(f"--{name}", type=float, default=share, metavar="SHARE", help=f"of all records (default {share})")
    parser.add_argument("--gaps", type=float, default=0.0, metavar="SHARE", help="of records before which an offset is missing")
    args = parser.parse_args(arguments)
    if min(args.records, args.movies, args.hours) < 1:
        parser.error("--records, --movies and --hours are at least 1")
    return args


def generate(arguments, out):
    """Writes the log, returns the summary."""
    generator = Generator(parse_arguments(arguments))
    generator.run(out)
    return dict(sorted(generator.summary.items()))


if __name__ == "__main__":
    print(json.dumps(generate(sys.argv[1:], sys.stdout)), file=sys.stderr)
