#!/usr/bin/env python3
"""make test-kafka-long. Proves that the pipeline on three brokers (RF 3) keeps its promise whatever fails: round by round,
under load, one thing is broken (a stream, a producer or a broker killed or paused, the network cut, slowed, made to swallow
everything or only the answers) and mended again; when the stream has caught up the views of the speed layer equal the
oracle, row for row. Prints how long each took to recover: from the mending until all that was there then is committed
and in the speed store.

    tests/kafka/servers.sh start 3 && eval "$(tests/kafka/servers.sh env)" && tests/kafka/long_test.py [ROUNDS] [SEED]

The streams reach the brokers through a proxy of each (proxy.py): a listener of theirs that sends its clients there. The
producers (marquee run ingest, run events) and the checks go straight to the brokers."""
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import world as kafka  # noqa: E402
from proxy import Proxy  # noqa: E402
from world import BROKERS, eventually, harness  # noqa: E402

NOW = "2026-03-12T12:30:00Z"
STREAMS = 3
CHECK_EVERY = 5             # rounds between two comparisons with the oracle, which take long
BROKEN_S = (1, 12)          # shorter and longer than a session
RECOVERY_TIMEOUT_S = 300
SERVERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "servers.sh")
SLOW_S, SHOWN_LINES = 30, 12   # what the streams said last is shown of a round that took longer
NETWORK = ("delay", "drop", "half", "cut")
PRODUCERS = ("ingest", "events")


def servers(*arguments):
    subprocess.run([SERVERS, *map(str, arguments)], check=True, timeout=harness.COMMAND_TIMEOUT_S)


class Long:
    def __init__(self, case, rounds, seed):
        self.rounds, self.seed, self.random = rounds, seed, random.Random(seed)
        pairs = [pair.split(":") for pair in os.environ["MARQUEE_KAFKA_PROXIES"].split(",")]
        self.proxies = [Proxy("127.0.0.1", int(target), int(listen)) for listen, target in pairs]
        self.through = ",".join(f"127.0.0.1:{proxy.port}" for proxy in self.proxies)
        self.world = case.add_world(NOW, 1, {"stream.commit_records": "500", "events.rate_per_s": "50",
                                             "ingest.observe_interval": "1m", "metrics.listen": "127.0.0.1:0"})
        self.took = {}
        self.streams, self.producers = {}, {}

    def start_stream(self, number):
        self.streams[number] = self.world.start_stream(number, {"bus.brokers": self.through})

    def start_producer(self, role):
        self.producers[role] = self.world.start("run", role)

    def begin(self):
        self.world.must("run", "ingest", "--backfill", "0.5")
        for role in PRODUCERS:
            self.start_producer(role)
        for number in range(1, STREAMS + 1):
            self.start_stream(number)
        self.world.await_stream()

    # ---- what is broken; each returns how to mend it ----

    def kill_stream(self):
        number = self.random.choice(list(self.streams))
        self.streams[number].kill()
        return f"kill -9 stream {number}", lambda: self.start_stream(number)

    def pause_stream(self):
        number = self.random.choice(list(self.streams))
        process = self.streams[number].process
        process.send_signal(signal.SIGSTOP)
        return f"pause stream {number}", lambda: process.send_signal(signal.SIGCONT)

    def kill_producer(self):
        role = self.random.choice(PRODUCERS)
        self.producers[role].kill()
        return f"kill -9 {role}", lambda: self.start_producer(role)

    def pause_producer(self):
        role = self.random.choice(PRODUCERS)
        process = self.producers[role].process
        process.send_signal(signal.SIGSTOP)
        return f"pause {role}", lambda: process.send_signal(signal.SIGCONT)

    def kill_broker(self):
        number = self.random.randint(1, len(self.proxies))
        servers("kill", number)
        return f"kill -9 broker {number}", lambda: servers("broker", number)

    def pause_broker(self):
        number = self.random.randint(1, len(self.proxies))
        servers("pause", number)
        return f"pause broker {number}", lambda: servers("resume", number)

    def spoil_network(self, number):
        mode = NETWORK[number // len(self.kinds()) % len(NETWORK)]
        chosen = self.random.sample(self.proxies, self.random.choice((1, len(self.proxies))))
        for proxy in chosen:
            proxy.mode = mode

        def mend():
            """What was swallowed stays so: those connections end, as a router that comes back resets them."""
            for proxy in chosen:
                proxy.mode = "cut"
            time.sleep(0.2)
            for proxy in chosen:
                proxy.mode = "pass"
        return f"network {mode} to {len(chosen)} of {len(self.proxies)} brokers", mend

    def kinds(self):
        return (self.kill_stream, self.kill_broker, self.kill_producer, self.spoil_network, self.pause_stream,
                self.pause_broker, self.pause_producer)

    def round(self, number):
        kind = self.kinds()[number % len(self.kinds())]
        what, mend = kind(number) if kind == self.spoil_network else kind()
        broken_s = self.random.uniform(*BROKEN_S)
        time.sleep(broken_s)
        mend()
        started = time.monotonic()
        ends = eventually("the log can be read", self.ends, RECOVERY_TIMEOUT_S)
        self.world.await_stream(ends)
        took_s = time.monotonic() - started
        self.took.setdefault(what.rstrip(" 123"), []).append(took_s)
        for stream in self.streams:
            if not self.streams[stream].running():
                print(f"      stream {stream} had ended: started again\n{self.streams[stream].output()[-600:]}")
                self.start_stream(stream)
        print(f"round {number + 1:3}: {what}, for {broken_s:.1f} s; recovered in {took_s:.1f} s "
              f"({sum(ends.values())} records, load {os.getloadavg()[0]:.0f})", flush=True)
        if took_s > SLOW_S:
            for stream in self.streams.values():
                print("".join(f"      {stream.name} {line[:300]}\n" for line in stream.output().splitlines()[-SHOWN_LINES:]),
                      flush=True)

    def ends(self):
        done = self.world.run("topics", "list", "--json")
        if done.returncode != 0:
            return None
        rows = map(json.loads, done.stdout.splitlines())
        return {row["topic"]: row["end_offsets"] for row in rows if row["topic"] in harness.oracle.EVENT_TIME_FIELD}

    def compare(self, case):
        """The load pauses, all is read, then the oracle."""
        for program in self.producers.values():
            program.stop()
        self.world.await_stream()
        counts = harness.check_speed(case, self.world)
        print(f"      equal to the oracle: {counts}", flush=True)

    def run(self, case):
        self.begin()
        for number in range(self.rounds):
            try:
                self.round(number)
            except BaseException:
                print(f"round {number + 1} failed: seed {self.seed}", flush=True)
                raise
            if (number + 1) % CHECK_EVERY == 0 or number + 1 == self.rounds:
                self.compare(case)
                for role in PRODUCERS:
                    self.start_producer(role)
        for program in [*self.producers.values(), *self.streams.values()]:
            program.stop()
        for what, times in sorted(self.took.items()):
            print(f"{what}: {len(times)} rounds, recovered in {statistics.median(times):.1f} s (median), "
                  f"{max(times):.1f} s at most")
        print(f"{self.rounds} rounds")


class LongTest(kafka.KafkaTest):
    rounds, seed = 50, 1

    def test_rounds(self):
        Long(self, self.rounds, self.seed).run(self)


if __name__ == "__main__":
    if BROKERS and len(BROKERS.split(",")) < 3:
        print("skipped: needs three brokers: tests/kafka/servers.sh start 3")
        sys.exit(77)
    LongTest.rounds = int(sys.argv[1]) if len(sys.argv) > 1 else LongTest.rounds
    LongTest.seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    print(f"seed {LongTest.seed}", flush=True)
    del sys.argv[1:]
    kafka.main()
