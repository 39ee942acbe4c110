#!/usr/bin/env python3
"""Proves with a tool that isn't ours, kcat, that a key stands in the partition where Kafka's default partitioner puts
it; and that a broker which dies, or hangs, in the middle of writing costs a while but no record: calls are AGAIN, every
acknowledged record is there after it has come back, and no record overtook another of its partition.

usage: broker_test.py BUS_LOAD    MARQUEE_KAFKA names the brokers, which servers.sh started; without it: skipped, 77."""
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
SERVERS = os.path.join(HERE, "servers.sh")
BROKERS = os.environ.get("MARQUEE_KAFKA")
BUS_LOAD = sys.argv[1] if len(sys.argv) > 1 else ""
PARTITIONS = 6
CALLS, PER_CALL = 400, 50
WAIT_S = 90


def servers(*arguments):
    subprocess.run([SERVERS, *arguments], check=True, timeout=WAIT_S, stdin=subprocess.DEVNULL)


def kcat(*arguments, text=None):
    done = subprocess.run(["kcat", "-b", BROKERS, "-q", *arguments], input=text, text=True, capture_output=True,
                          timeout=WAIT_S, check=True)
    return done.stdout.splitlines()


class Load:
    """bus_load in the background, its output in a file."""

    def __init__(self, *arguments):
        self.file = tempfile.NamedTemporaryFile("w+", suffix=".txt")
        self.process = subprocess.Popen([BUS_LOAD, *arguments], stdout=self.file, stdin=subprocess.DEVNULL)

    def lines(self):
        with open(self.file.name, encoding="utf-8") as file:
            return [line for line in file.read().split("\n")[:-1]]

    def until(self, pattern, count=1):
        deadline = time.monotonic() + WAIT_S
        while sum(bool(re.match(pattern, line)) for line in self.lines()) < count:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"bus_load didn't say /{pattern}/ {count} times: {self.lines()[-5:]}")
            time.sleep(0.05)

    def done(self):
        assert self.process.wait(WAIT_S) == 0, self.lines()[-5:]
        return self.lines()

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(WAIT_S)
        self.file.close()


class Broker(unittest.TestCase):
    def load(self, *arguments):
        load = Load(*arguments)
        self.addCleanup(load.end)
        return load

    def topic(self):
        name = f"broker.{uuid.uuid4()}"
        self.load("make", name, str(PARTITIONS)).done()
        return name

    @unittest.skipUnless(shutil.which("kcat"), "there is no kcat")
    def test_partitions(self):
        ours, theirs = self.topic(), self.topic()
        count = 2000
        self.load("write", ours, "4", str(count // 4)).done()
        kcat("-P", "-t", theirs, "-K", ":", "-X", "topic.partitioner=murmur2_random",
             text="".join(f"{i}:{i}\n" for i in range(count)))
        read = [dict(reversed(line.split()) for line in kcat("-C", "-e", "-t", topic, "-f", "%p %k\n"))
                for topic in (ours, theirs)]
        self.assertEqual(len(read[0]), count)
        self.assertEqual(read[0], read[1])
        self.assertEqual(len(set(read[0].values())), PARTITIONS)

    def trouble(self, begin, end):
        """A writer and a reader; begin while they are at it, end when the writer has felt it."""
        topic = self.topic()
        writer, reader = self.load("write", topic, str(CALLS), str(PER_CALL)), self.load("read", topic, str(CALLS * PER_CALL))
        writer.until("acknowledged", CALLS // 10)
        begin()
        try:
            started = time.monotonic()
            writer.until("again")
        finally:
            end()
        writer.until("acknowledged", CALLS // 2)
        print(f"# {time.monotonic() - started:.1f} s from the trouble to {CALLS // 2} calls", flush=True)
        lines = writer.done()
        self.assertEqual(lines[-1], f"acknowledged {CALLS * PER_CALL}")
        partitions = collections.defaultdict(list)
        for line in reader.done():
            if not line.startswith("again"):
                partition, offset, value = map(int, line.split())
                partitions[partition].append((offset, value))
        twice = 0
        for records in partitions.values():
            self.assertEqual([offset for offset, _ in records], sorted({offset for offset, _ in records}))
            highest, known = -1, set()
            for _, value in records:
                if value in known:
                    twice += 1
                else:
                    self.assertGreater(value, highest, "a record came after one that was written later")
                    highest = value
                known.add(value)
        seen = {value for records in partitions.values() for _, value in records}
        self.assertEqual(seen, set(range(CALLS * PER_CALL)))
        print(f"# {sum(line.startswith('again') for line in lines)} calls were AGAIN, {twice} records are there twice")

    def test_killed(self):
        self.trouble(lambda: servers("kill", "1"), lambda: servers("broker", "1"))

    def test_hangs(self):
        self.trouble(lambda: servers("pause", "1"), lambda: servers("resume", "1"))


if __name__ == "__main__":
    if not BROKERS:
        print("skipped: MARQUEE_KAFKA names no brokers; make test-kafka starts some")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
