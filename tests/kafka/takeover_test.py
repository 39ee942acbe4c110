#!/usr/bin/env python3
"""Proves that stream processes share the tasks and take them over, exactly once, against a real broker: of three, each
has committed records of each topic that had some for it; one is killed inside a commit, one is stopped for longer than
its session and then goes on; what the speed tables say in the end equals the oracle on the log. And that a transaction
that is open for too long is aborted and its work done by others. Without MARQUEE_KAFKA and MARQUEE_REGISTRY it is skipped, 77."""
import json
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import world as kafka  # noqa: E402
from world import eventually, harness  # noqa: E402

NOW = "2026-03-12T12:30:00Z"
SETTINGS = {"stream.commit_records": "300", "stream.session_timeout": "6s", "stream.transaction_timeout": "10s",
            "ingest.tracked_movies_max": "40"}
TASKS = 7       # bus.partitions and the global one


def said(process, message):
    """The fields of each line of a process's log with this message."""
    rows = (json.loads(line) for line in process.output().splitlines() if line.startswith("{"))
    return [row for row in rows if row.get("message") == message]


def tasks_of(process):
    """What the group gave it and didn't take or let it lose."""
    tasks = set()
    for row in (json.loads(line) for line in process.output().splitlines() if line.startswith("{")):
        numbers = {int(number) for number in row.get("tasks", "").split(",") if number}
        if row.get("message") == "tasks given":
            tasks |= numbers
        elif row.get("message") in ("tasks taken", "tasks lost"):
            tasks -= numbers
    return tasks


class Takeover(kafka.KafkaTest):
    def start(self, world, name, **environment):
        return world.start("run", "stream", "--instance", name, name=name, **environment)

    def await_shared(self, *processes):
        """Each task belongs to exactly one of them, and each has some."""
        def shared():
            parts = [tasks_of(process) for process in processes]
            return all(parts) and sum(map(len, parts)) == TASKS and set().union(*parts) == set(range(TASKS))
        eventually("the tasks are shared", shared, harness.CATCH_UP_TIMEOUT_S)

    def test_three(self):
        world = self.add_world(NOW, settings=SETTINGS)
        first, second = self.start(world, "first"), self.start(world, "second")
        victim = self.start(world, "victim", MARQUEE_FAILPOINT="stream.cluster.offsets:3")
        self.await_shared(first, second, victim)
        world.must("run", "ingest", "--backfill", "2")
        self.assertEqual(victim.wait(harness.HANG_S), -signal.SIGKILL, victim.output()[-1500:])
        self.await_shared(first, second)            # the group gives up who is silent
        third = self.start(world, "third")
        self.await_shared(first, second, third)
        # A zombie: stopped until the others have all of its tasks.
        first.process.send_signal(signal.SIGSTOP)
        self.await_shared(second, third)
        world.must("run", "ingest", "--backfill", "3")
        world.await_stream()
        first.process.send_signal(signal.SIGCONT)
        eventually("the zombie knows that it was one", lambda: said(first, "tasks lost") or said(first, "try again"),
                   harness.CATCH_UP_TIMEOUT_S)
        self.await_shared(first, second, third)
        world.must("run", "ingest", "--backfill", "4")
        world.await_stream()
        for process in (first, second, third):
            process.stop()
            done = said(process, "committed by this process")[-1]
            for topic in ("ratings", "metadata", "reviews"):
                self.assertGreater(done[topic], 0, f"{process.name}: {topic}")
        harness.check_speed(self, world)

    def test_transaction_timeout(self):
        """A process stands still within its transaction until the brokers have aborted that: who has the tasks next
        waits for it, then does the work. The process wakes, can't commit, and shares again."""
        world = self.add_world(NOW, settings=SETTINGS)
        world.must("run", "ingest", "--backfill", "1")
        slow = self.start(world, "slow", MARQUEE_FAILPOINT="stream.cluster.offsets:2:stop")
        eventually("it stands within its transaction", lambda: self.stopped(slow), harness.CATCH_UP_TIMEOUT_S)
        other = self.start(world, "other")
        world.await_stream()
        slow.process.send_signal(signal.SIGCONT)
        self.await_shared(slow, other)
        world.must("run", "ingest", "--backfill", "2")
        world.await_stream()
        slow.stop()
        other.stop()
        harness.check_speed(self, world)

    def test_undecided(self):
        """A process stands still within its transaction and loses its tasks: who gets them has to wait for what becomes
        of it, and meanwhile goes on with its own. When the first one comes back by its name, all is decided."""
        world = self.add_world(NOW, settings={**SETTINGS, "stream.transaction_timeout": "15m"})
        options = {"metrics.listen": "127.0.0.1:0"}
        slow = world.start_stream(1, MARQUEE_FAILPOINT="stream.cluster.offsets:3:stop")
        other = world.start_stream(2, options, kind=kafka.Role).await_metrics()
        self.await_shared(slow, other)
        own = tasks_of(other)
        world.must("run", "ingest", "--backfill", "1")
        eventually("it stands within its transaction", lambda: self.stopped(slow), harness.CATCH_UP_TIMEOUT_S)
        self.await_shared(other)
        world.must("run", "ingest", "--backfill", "2")
        ends = {(topic, task): end for topic in harness.oracle.EVENT_TIME_FIELD
                for task, end in enumerate(self.ends(world, topic)) if task in own}
        self.assertGreater(sum(ends.values()), 0)
        eventually("its own tasks go on", lambda: self.behind(world, other, ends) == [], harness.CATCH_UP_TIMEOUT_S)
        self.assertGreater(other.metrics()['marquee_stream_tasks{state="restoring"}'], 0)
        slow.kill()
        slow = world.start_stream(1)
        world.await_stream()
        slow.stop()
        other.stop()
        harness.check_speed(self, world)

    def ends(self, world, topic):
        """The end of each partition."""
        return [row["end"] for row in json.loads(world.must("topics", "describe", topic, "--json"))["partitions"]]

    def behind(self, world, process, ends):
        """Those of ends that its task files haven't reached."""
        found = {}
        for file in world.task_files():
            if f"/{process.name.rsplit('-', 1)[0]}/" in f"/{file}":
                found.update(((topic, task), offset) for topic, task, offset in
                             world.read(file, "SELECT topic, partition, next_offset FROM stream_positions"))
        return [key for key, end in ends.items() if found.get(key, 0) < end]

    @staticmethod
    def stopped(process):
        with open(f"/proc/{process.process.pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "T"


if __name__ == "__main__":
    kafka.main()
