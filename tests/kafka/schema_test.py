#!/usr/bin/env python3
"""Proves against a real broker and a real registry: records of writers with other schemas than ours (a field more, a
field fewer, narrower numbers, a longer enum) go through the whole pipeline and equal the oracle, and what Avro can't
resolve is a dead letter; while the registry is away the schemas that were met keep the stream running, a new one waits
and says so, and a role that starts waits too. The records are encoded here, by hand, and written by kcat. Without
MARQUEE_KAFKA and MARQUEE_REGISTRY all of this is skipped, 77."""
import json
import os
import struct
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import world as kafka  # noqa: E402
from proxy import Proxy  # noqa: E402
from world import BROKERS, REGISTRY, eventually, harness  # noqa: E402

NOW = "2026-03-12T12:30:00Z"
NOW_MS = harness.ms_of(NOW)
NOT_YET = "again"  # "trying again", "try again"


# ---- Avro, as far as these records need it ----

def varint(number):
    number = (number << 1) ^ (number >> 63)
    out = bytearray()
    while number & ~0x7f:
        out.append(number & 0x7f | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def string(text):
    return varint(len(text.encode())) + text.encode()


def double(number):
    return struct.pack("<d", number)


def single(number):
    return struct.pack("<f", number)


def record(name, *fields):
    return {"type": "record", "name": name, "fields": [dict(zip(("name", "type", "default"), field)) for field in fields]}


RATING = [("movie_id", "int"), ("vote_average", "double"), ("vote_count", "int"), ("popularity", "double"),
          ("timestamp", {"type": "long", "logicalType": "timestamp-millis"})]
EVENT_TYPES = ["view", "click", "search", "watchlist", "rate", "share"]


class Schemas(kafka.KafkaTest):
    def register(self, schema):
        """An id of the registry, under a subject that nobody else has: a reader goes by the id alone."""
        body = json.dumps({"schema": json.dumps(schema)}).encode()
        request = urllib.request.Request(
            f"{REGISTRY}/subjects/{urllib.parse.quote(f'test-{uuid.uuid4()}')}/versions", body,
            {"Content-Type": "application/vnd.schemaregistry.v1+json"})
        with urllib.request.urlopen(request, timeout=harness.REQUEST_TIMEOUT_S) as answer:
            return json.load(answer)["id"]

    def write(self, world, topic, key, schema_id, avro):
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"\0" + struct.pack(">I", schema_id) + avro)
            file.flush()
            subprocess.run(["kcat", "-P", "-b", BROKERS, "-t", world.prefix + topic, "-k", key, "-X",
                            "topic.partitioner=murmur2_random", file.name], check=True, timeout=harness.HANG_S,
                           capture_output=True)

    def rating(self, world, schema_id, movie, minute, popularity, form):
        """One rating in the form of a writer; returns what a reader must see."""
        moment = NOW_MS + minute * 60000
        votes, average = 100 + minute, 6.5
        self.write(world, "movie.ratings", str(movie), schema_id, form(movie, average, votes, popularity, moment))
        return {"movie_id": movie, "vote_average": average, "vote_count": votes, "popularity": float(popularity),
                "timestamp": moment}

    def assert_seen(self, world, expected):
        lines = world.dump()
        values = [row["value"] for row in map(json.loads, lines) if row["topic"] == "movie.ratings" and "value" in row]
        for wanted in expected:
            self.assertTrue(any(all(value.get(name) == wanted[name] for name in wanted) for value in values), wanted)
        harness.check_speed(self, world, lines)

    def test_evolved(self):
        world = self.add_world(NOW, settings={"stream.commit_records": "100"})
        world.must("run", "ingest", "--backfill", "0.1")
        fewer = self.register(record("MovieRating", *RATING[:1], ("source", "string"), ("vote_average", "float"),
                                     ("vote_count", "int"), ("popularity", "int"), RATING[4]))
        more = self.register(record("MovieRating", ("region", ["null", "string"], None), *RATING,
                                    ("tags", {"type": "array", "items": "string"}, [])))
        same = self.register(record("MovieRating", *RATING))
        expected = []
        for minute in range(0, 30, 5):
            movie = 900001 + minute % 3
            expected.append(self.rating(world, fewer, movie, minute, 10 + minute, lambda m, a, v, p, t: (
                varint(m) + string("elsewhere") + single(a) + varint(v) + varint(p) + varint(t))))
            expected.append(self.rating(world, more, movie, minute + 1, 11.25 + minute, lambda m, a, v, p, t: (
                varint(1) + string("de") + varint(m) + double(a) + varint(v) + double(p) + varint(t) +
                varint(2) + string("x") + string("y") + varint(0))))
            expected.append(self.rating(world, same, movie, minute + 2, 12.5 + minute, lambda m, a, v, p, t: (
                varint(m) + double(a) + varint(v) + double(p) + varint(t))))
        self.event_of_longer_enum(world, 0)                           # view
        self.event_of_longer_enum(world, len(EVENT_TYPES))            # one that our contract doesn't know
        world.set_clock(NOW_MS + 40 * 60000, harness.FROZEN)   # none of it is from the future
        world.catch_up()
        self.assert_seen(world, expected)
        letters = [line for line in world.dump() if '"marquee.deadletter"' in line]
        self.assertEqual(len(letters), 1)
        self.assertIn("lacks the symbol", letters[0])

    def event_of_longer_enum(self, world, symbol):
        longer = self.register(record(
            "UserEvent", ("event_id", "string"), ("user_id", "long"), ("movie_id", "int"),
            ("event_type", {"type": "enum", "name": "EventType", "symbols": EVENT_TYPES + ["rewatch"]}),
            ("rating", ["null", "double"], None), RATING[4]))
        self.write(world, "user.events", "900001", longer, string(f"other.1:{symbol + 1}") + varint(42) + varint(900001) +
                   varint(symbol) + varint(0) + varint(NOW_MS))

    def plain(self, world, schema_id, minute):
        return self.rating(world, schema_id, 900001, minute, 10.5 + minute, lambda m, a, v, p, t: (
            varint(m) + double(a) + varint(v) + double(p) + varint(t)))

    def test_registry_away(self):
        proxy = Proxy(*urllib.parse.urlsplit(REGISTRY).netloc.split(":"))
        self.addCleanup(proxy.close)
        behind = REGISTRY.replace(urllib.parse.urlsplit(REGISTRY).netloc, f"127.0.0.1:{proxy.port}")
        world = self.add_world(NOW, settings={"stream.commit_records": "100"})
        world.must("run", "ingest", "--backfill", "0.1")
        proxy.mode = "cut"
        stream = world.start("run", "stream", settings={"registry.url": behind})
        stream.ready(NOT_YET)                                  # it says so, and doesn't end
        self.assertTrue(stream.running())
        proxy.mode = "pass"
        world.await_stream()

        known = self.register(record("MovieRating", *RATING))
        expected = [self.plain(world, known, 1)]
        world.await_stream()                                   # that schema is met
        proxy.mode = "cut"
        expected.append(self.plain(world, known, 2))
        world.await_stream()                                   # and keeps the stream running
        said = stream.output().count(NOT_YET)
        new = self.register(record("MovieRating", *RATING, ("later", "long")))
        expected.append(self.rating(world, new, 900001, 3, 13.5, lambda m, a, v, p, t: (
            varint(m) + double(a) + varint(v) + double(p) + varint(t) + varint(7))))
        eventually("the stream says that it waits", lambda: stream.output().count(NOT_YET) > said)
        self.assertTrue(stream.running())
        proxy.mode = "pass"
        world.await_stream()
        stream.stop()
        self.assert_seen(world, expected)


if __name__ == "__main__":
    kafka.main()
