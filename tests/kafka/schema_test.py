#!/usr/bin/env python3
"""Proves against a real broker and a real registry: records of writers with other schemas than ours, with our contracts'
next versions and with those before (a field more, a field fewer, narrower numbers, a longer enum) go through the whole
pipeline and equal the oracle, and what Avro can't resolve is a dead letter; a next version that who has ours couldn't
read is refused; while the registry is away the schemas that were met keep the stream running, a new one waits
and says so, and a role that starts waits too. The records are encoded here, by hand, and written by kcat. Without
MARQUEE_KAFKA and MARQUEE_REGISTRY all of this is skipped, 77."""
import collections
import json
import os
import struct
import subprocess
import sys
import tempfile
import urllib.error
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


def encode(schema, value):
    """value as a writer with this schema writes it. Unions have null first."""
    if isinstance(schema, list):
        return varint(0) if value is None else varint(1) + encode(schema[1], value)
    kind = schema["type"] if isinstance(schema, dict) else schema
    if kind in ("int", "long"):
        return varint(value)
    if kind == "string":
        return varint(len(value.encode())) + value.encode()
    if kind in ("double", "float"):
        return struct.pack("<d" if kind == "double" else "<f", value)
    if kind == "enum":
        return varint(schema["symbols"].index(value))
    if kind == "array":
        items = b"".join(encode(schema["items"], item) for item in value)
        return (varint(len(value)) + items if value else b"") + varint(0)
    assert kind == "record", schema
    return b"".join(encode(field["type"], value[field["name"]]) for field in schema["fields"])


def contract(topic):
    with open(os.path.join(harness.ROOT, "contracts/avro", f"{topic}.avsc"), encoding="utf-8") as file:
        return json.load(file)


def changed(schema, without=(), types=None, added=()):
    """Another version of a contract: fields less, of another type, more (name, type, default) at the front."""
    types = types or {}
    fields = []
    for field in schema["fields"]:
        if field["name"] in types:
            default = {"default": None} if isinstance(types[field["name"]], list) else {}
            fields.append({"name": field["name"], "type": types[field["name"]], **default})
        elif field["name"] not in without:
            fields.append(field)
    return dict(schema, fields=[dict(zip(("name", "type", "default"), field)) for field in added] + fields)


RATINGS, EVENTS, REVIEWS, METADATA = map(contract, ("movie.ratings", "user.events", "movie.reviews", "movie.metadata"))
EVENT_TYPE = next(field["type"] for field in EVENTS["fields"] if field["name"] == "event_type")


def event_type(symbols):
    return {"event_type": dict(EVENT_TYPE, symbols=symbols)}


# Our contracts' next version: each has a field more, with a default, and one or more that ours has a default for less;
# the enum has a symbol more.
NEXT = {
    "movie.ratings": changed(RATINGS, added=[("region", ["null", "string"], None)]),
    "user.events": changed(EVENTS, without=["rating"], types=event_type(EVENT_TYPE["symbols"] + ["rewatch"]),
                           added=[("device", "string", "")]),
    "movie.reviews": changed(REVIEWS, without=["url", "updated_at"],
                             added=[("language", "string", "en"),
                                    ("tags", {"type": "array", "items": "string"}, [])]),
    "movie.metadata": changed(METADATA, without=["genres", "event_type"], added=[("studio", ["null", "string"], None)]),
}
# It may widen a number too; who has ours can't follow there.
WIDENED = changed(RATINGS, types={"vote_count": "long"})
# The versions before ours, which ours must read: what is new in ours has a default there, int became long.
EARLIER = {
    "movie.ratings": changed(RATINGS, types={"popularity": "int", "vote_average": "float"}),
    "user.events": changed(EVENTS, without=["rating"],
                           types={"user_id": "int", **event_type(EVENT_TYPE["symbols"][:4])}),
    "movie.reviews": changed(REVIEWS, without=["rating", "url", "updated_at"]),
    "movie.metadata": changed(METADATA, without=["revenue", "event_type"],
                              types={"budget": ["null", "int"], "runtime": "int"}),
}


class Schemas(kafka.KafkaTest):
    def ask(self, method, path, body=None):
        """The registry's answer; an HTTPError where it refuses."""
        request = urllib.request.Request(REGISTRY + path, body and json.dumps(body).encode(), method=method,
                                         headers={"Content-Type": "application/vnd.schemaregistry.v1+json"})
        with urllib.request.urlopen(request, timeout=harness.REQUEST_TIMEOUT_S) as answer:
            return json.load(answer)

    def register(self, schema, subject=None):
        """An id of the registry; without a subject under one that nobody else has: a reader goes by the id alone."""
        subject = urllib.parse.quote(subject or f"test-{uuid.uuid4()}")
        return self.ask("POST", f"/subjects/{subject}/versions", {"schema": json.dumps(schema)})["id"]

    def register_next(self, topic, schema):
        """As our own contract's next version; it goes again with the test, for the registry is everybody's."""
        subject = f"{topic}-value"
        number = self.register(schema, subject)
        version = self.ask("POST", f"/subjects/{subject}", {"schema": json.dumps(schema)})["version"]
        self.addCleanup(self.ask, "DELETE", f"/subjects/{subject}/versions/{version}")
        return number

    def write(self, world, topic, schema_id, schema, value):
        """One record, as a producer with this schema writes it, where its movie's records go. Fields of value that the
        schema doesn't have stay unwritten; returns what a reader with our contract must see of it."""
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"\0" + struct.pack(">I", schema_id) + encode(schema, value))
            file.flush()
            subprocess.run(["kcat", "-P", "-b", BROKERS, "-t", world.prefix + topic, "-k", str(value["movie_id"]), "-X",
                            "topic.partitioner=murmur2_random", file.name], check=True, timeout=harness.HANG_S,
                           capture_output=True)
        written = {field["name"] for field in schema["fields"]}
        ours = contract(topic)["fields"]
        return topic, {field["name"]: value[field["name"]] if field["name"] in written else field["default"]
                       for field in ours}

    def rating(self, world, schema_id, schema, movie, minute, popularity):
        return self.write(world, "movie.ratings", schema_id, schema, {
            "movie_id": movie, "vote_average": 6.5, "vote_count": 100 + minute, "popularity": popularity,
            "timestamp": NOW_MS + minute * 60000, "region": "de", "source": "elsewhere", "later": 7, "tags": ["x", "y"]})

    def assert_seen(self, world, expected):
        lines = world.dump()
        values = collections.defaultdict(list)
        for row in map(json.loads, lines):
            values[row["topic"]].append(row["value"])
        for topic, wanted in expected:
            self.assertIn(wanted, values[topic])
        harness.check_speed(self, world, lines)

    def assert_letters(self, world, *reasons):
        letters = [line for line in world.dump() if '"marquee.deadletter"' in line]
        self.assertEqual(len(letters), len(reasons), letters)
        for reason in reasons:
            self.assertTrue(any(reason in letter for letter in letters), (reason, letters))

    def test_foreign(self):
        """Writers that have little to do with our contract, under subjects of their own."""
        world = self.add_world(NOW, settings={"stream.commit_records": "100"})
        world.must("run", "ingest", "--backfill", "0.1")
        writers = [changed(RATINGS, types={"vote_average": "float", "popularity": "int"}, added=[("source", "string")]),
                   changed(RATINGS, added=[("region", ["null", "string"], None),
                                           ("tags", {"type": "array", "items": "string"}, [])]),
                   dict(RATINGS, namespace="somewhere.else")]
        numbers = [self.register(writer) for writer in writers]
        expected = [self.rating(world, numbers[i], writers[i], 900001 + minute % 3, minute + i, 10 + minute)
                    for minute in range(0, 30, 5) for i in range(len(writers))]
        world.set_clock(NOW_MS + 40 * 60000, harness.FROZEN)   # none of it is from the future
        world.catch_up()
        self.assert_seen(world, expected)
        self.assert_letters(world)

    def versions(self, world, schemas, numbers, movie, hours_ago):
        """A movie with each topic's records, by a writer with these schemas; returns what a reader must see."""
        values, seen = [], []
        start_ms = NOW_MS - int(hours_ago * harness.HOUR_MS)
        for i in range(4):
            time_ms = start_ms + i * 7 * 60000
            values += [
                ("movie.metadata", {"title": f"Title {i}", "release_date": "2026-03-01", "genres": ["Drama"], "runtime": 90 + i,
                                    "budget": 1000000 + i, "revenue": 2000000, "event_type": "update", "studio": "other"}),
                ("movie.ratings", {"vote_average": 6.5, "vote_count": 100 + i, "popularity": 10 + i, "region": "de"}),
                ("movie.reviews", {"review_id": f"r{movie}-{i}", "author": "somebody", "content": "A great and lovely film!",
                                   "rating": 7.5, "created_at": time_ms, "url": "elsewhere", "updated_at": None,
                                   "language": "de", "tags": ["long"]}),
                ("user.events", {"event_id": f"other.{movie}:{i + 1}", "user_id": 42 + i, "event_type": EVENT_TYPE["symbols"][i],
                                 "rating": None, "device": "phone"}),
            ]
            for topic, value in values[-4:]:
                seen.append(self.write(world, topic, numbers[topic], schemas[topic],
                                       {"movie_id": movie, "timestamp": time_ms, **value}))
        return seen

    def test_versions(self):
        """Our contracts' next versions in the registry, under our subjects, while processes with ours run and others
        start; and the versions before ours. Stream, batch and API equal the oracle on what all of them wrote."""
        world = self.add_world(NOW, settings={"stream.commit_records": "100"})
        world.must("run", "ingest", "--backfill", "3")
        stream = world.start_stream()
        world.await_stream()                                          # it has met our own records
        earlier = {topic: self.register(schema) for topic, schema in EARLIER.items()}
        with self.assertRaises(urllib.error.HTTPError) as refused:    # who has our contract could not go on to this one
            self.register(changed(RATINGS, added=[("must", "string")]), "movie.ratings-value")
        self.assertEqual(refused.exception.code, 409)
        following = {topic: self.register_next(topic, schema) for topic, schema in NEXT.items()}
        expected = []
        for hours in (0.5, 50):                                       # above and below the batch layer's boundary
            expected += self.versions(world, NEXT, following, 900001 + int(hours), hours)
            expected += self.versions(world, EARLIER, earlier, 900101 + int(hours), hours)
        world.await_stream()
        self.write(world, "user.events", following["user.events"], NEXT["user.events"],
                   {"event_id": "other.1:1", "user_id": 1, "movie_id": 900001, "event_type": "rewatch", "device": "",
                    "timestamp": NOW_MS})                             # a symbol that ours doesn't have
        self.rating(world, self.register_next("movie.ratings", WIDENED), WIDENED, 900001, 1, 10)
        world.await_stream()
        stream.stop()
        world.must("run", "ingest", "--backfill", "0.1")              # a producer with ours starts beside the next version
        world.must("batch", "run")
        world.catch_up()                                              # and a stream
        self.assert_seen(world, expected)
        self.assert_letters(world, "lacks the symbol", "vote_count")
        self.compare(world, sorted({value["movie_id"] for _, value in expected}))

    def plain(self, world, schema_id, minute):
        return self.rating(world, schema_id, RATINGS, 900001, minute, 10.5 + minute)

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

        known = self.register(RATINGS)
        expected = [self.plain(world, known, 1)]
        world.await_stream()                                   # that schema is met
        proxy.mode = "cut"
        expected.append(self.plain(world, known, 2))
        world.await_stream()                                   # and keeps the stream running
        said = stream.output().count(NOT_YET)
        new = changed(RATINGS, added=[("later", "long")])
        expected.append(self.rating(world, self.register(new), new, 900001, 3, 13.5))
        eventually("the stream says that it waits", lambda: stream.output().count(NOT_YET) > said)
        self.assertTrue(stream.running())
        proxy.mode = "pass"
        world.await_stream()
        stream.stop()
        self.assert_seen(world, expected)


if __name__ == "__main__":
    kafka.main()
