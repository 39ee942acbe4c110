"""What the tests from outside share: worlds (a data folder, a clock, a simulator), processes, HTTP.

A test sees marquee as a user does: its command line, its HTTP answers, the files that contracts/ describes. Nothing
here knows its code. Every wait has a limit; every process that is started is ended by its own id, and what it wrote
is shown when a test fails.

    with World(self, start="2026-03-09T12:00:00Z", speed=1) as world:
        world.simulator("--seed", "1")
        world.must("run", "ingest", "--backfill", "3")
        server = world.serve()
        server.get("/api/v1/movies")
"""
import collections
import contextlib
import datetime
import fcntl
import glob
import http.client
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.environ.get("MARQUEE_SOURCE_ROOT") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
MARQUEE = os.environ.get("MARQUEE_PROGRAM", os.path.join(ROOT, "build/release/src/cli/marquee"))
SHARED = os.environ.get("MARQUEE_SHARED", os.path.join(ROOT, "..", "shared"))
HOUR_MS, MINUTE_MS, WINDOW_MS = 3_600_000, 60_000, 300_000
RETENTION_MS, BOUNDARY_MS = 52 * HOUR_MS, 48 * HOUR_MS
# Guards against a hang, not measures of speed: the machine may have ten times as much to do as it has cores.
START_TIMEOUT_S = 180     # until a process is ready
COMMAND_TIMEOUT_S = 300   # one command that ends by itself
CATCH_UP_TIMEOUT_S = 300  # until stream and sync have read all of a small log
REQUEST_TIMEOUT_S = 120   # one HTTP request
HANG_S = 120              # anything else that ends by itself
STOP_S = 5                # the promise: SIGTERM ends every role within it, where a core is free for it
POLL_S = 0.05
FROZEN = 0.001            # the least clock.speed: an hour of ours is 3.6 s of the world
# What a user's own settings could change in a test.
FOREIGN = re.compile(r"^(MARQUEE_|TMDB_|KAFKA_|SCHEMA_REGISTRY|CASSANDRA_|MONGODB_|REDIS_|HDFS_|SPARK_)")

sys.path.insert(0, os.path.join(ROOT, "tools"))
sys.path += sorted(glob.glob(os.path.join(os.environ.get("MARQUEE_VENV", os.path.join(ROOT, ".deps/venv")),
                                          "lib/python3*/site-packages")))
import oracle  # noqa: E402  (the reference, tools/oracle.py; it scores texts with the reference VADER of the venv)


def ms_of(text):
    """ms since the epoch of an ISO 8601 time in UTC."""
    return round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def iso_of(time_ms):
    moment = datetime.datetime.fromtimestamp(time_ms / 1000, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time_ms % 1000:03d}Z"


def clean_environment(**extra):
    environment = {name: value for name, value in os.environ.items()
                   if not FOREIGN.match(name) or name == "MARQUEE_SHARED"}
    environment.update(extra, LC_ALL="C.UTF-8", TZ="Pacific/Chatham")    # no answer may depend on where it runs
    return environment


def eventually(what, condition, timeout_s=START_TIMEOUT_S):
    """Waits until condition() is true and returns its value; what says in the error what did not happen."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout_s} s")
        time.sleep(POLL_S)


def crowd():
    """How many tasks want each core: 1 where all of them run at once, as far as the system tells."""
    with open("/proc/loadavg", encoding="ascii") as file:
        fields = file.read().split()
    return max(1.0, max(float(fields[0]), int(fields[3].split("/")[0])) / (os.cpu_count() or 1))


def free_port():
    """A port that nobody listens on now. Somebody may take it before it is used, so a program that can choose its
    own (port 0) should."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Program:
    """A process that runs until it is told to end. Its output goes to files, so that it never waits for a reader."""

    def __init__(self, world, name, arguments, environment):
        self.name = f"{name}-{len(world.programs)}"
        self.out_path, self.err_path = (os.path.join(world.folder, f"{self.name}.{end}") for end in ("out", "err"))
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.process = subprocess.Popen([MARQUEE, *arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                            env=environment, cwd=world.folder)
        self.arguments = arguments

    def output(self):
        text = ""
        for path in (self.out_path, self.err_path):
            with open(path, encoding="utf-8", errors="replace") as file:
                text += file.read()
        return text

    def running(self):
        return self.process.poll() is None

    def ready(self, pattern, timeout_s=START_TIMEOUT_S):
        """Waits for a line that matches; returns the match. One that ends before is an error that shows why."""
        def look():
            match = re.search(pattern, self.output(), re.M)
            if not match and not self.running():
                raise AssertionError(f"{self.name} ended with {self.process.returncode} before it was ready:\n"
                                     f"{self.output()[-2000:]}")
            return match
        return eventually(f"{self.name} says /{pattern}/", look, timeout_s)

    def await_signals(self):
        """Until it has taken SIGTERM into its own hands; before, the system ends it as any program."""
        def blocked():
            try:
                with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
                    mask = re.search(r"^SigBlk:\s*(\w+)", file.read(), re.M)
            except (FileNotFoundError, ProcessLookupError):
                return True
            return not mask or int(mask[1], 16) >> (signal.SIGTERM - 1) & 1
        eventually(f"{self.name} watches for SIGTERM", blocked)

    def wait(self, timeout_s=COMMAND_TIMEOUT_S):
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} still runs after {timeout_s} s:\n{self.output()[-2000:]}") from None

    def stop(self, how=signal.SIGTERM):
        """Asks to end. It must be running, end with 0, and as soon as is promised: of a crowded machine it gets a share
        only, so there it may take as many times longer. Returns the seconds."""
        if not self.running():
            raise AssertionError(f"{self.name} ended by itself with {self.process.returncode}:\n"
                                 f"{self.output()[-2000:]}")
        if how == signal.SIGTERM:
            self.await_signals()
        shared, started = crowd(), time.monotonic()
        self.process.send_signal(how)
        code = self.wait(HANG_S)
        seconds, allowed_s = time.monotonic() - started, STOP_S * max(shared, crowd())
        if code != 0 or seconds > allowed_s:
            raise AssertionError(f"{self.name} ended with {code} {seconds:.1f} s after {how.name} (allowed: "
                                 f"{allowed_s:.0f} s):\n{self.output()[-2000:]}")
        return seconds

    def kill(self):
        """As a power cut would. SIGKILL reaches the child of a batch by itself or not at all: see end()."""
        self.process.kill()
        return self.process.wait(HANG_S)

    def end(self):
        """For the end of a test, whatever happened."""
        if self.running():
            self.process.terminate()
            try:
                self.process.wait(HANG_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(HANG_S)


class Server(Program):
    """A program that serves: `up` or `run serve`."""

    port = None

    def await_port(self):
        self.port = int(self.ready(r"listening.*?http://127\.0\.0\.1:(\d+)/").group(1))
        return self

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def request(self, path, method="GET", headers=None, timeout_s=REQUEST_TIMEOUT_S):
        """(status, headers, body bytes) of one request on its own connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        with contextlib.closing(connection):
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, dict((name.lower(), value) for name, value in answer.getheaders()), answer.read()

    def get(self, path, status=200):
        """The answer's JSON; another status is an error that shows the answer."""
        found, _, body = self.request(path)
        if found != status:
            raise AssertionError(f"GET {path}: status {found}, expected {status}: {body[:500]!r}")
        return json.loads(body)

    def points(self, movie, from_ms, to_ms):
        """({hour ms: point}, meta) of a movie's stats, over all pages."""
        points, cursor = {}, None
        while True:
            answer = self.get(f"/api/v1/movies/{movie}/stats?from={iso_of(from_ms)}&to={iso_of(to_ms)}&limit=100" +
                              (f"&cursor={cursor}" if cursor else ""))
            for point in answer["data"]["hours"]:
                assert ms_of(point["hour"]) not in points, f"movie {movie}: {point['hour']} comes twice"
                points[ms_of(point["hour"])] = point
            cursor = answer["next_cursor"]
            if not cursor:
                return points, answer["meta"]

    def metrics(self):
        """{name with labels: value} of /metrics."""
        found, _, body = self.request("/metrics")
        if found != 200:
            raise AssertionError(f"GET /metrics: status {found}")
        rows = (line.rsplit(" ", 1) for line in body.decode().splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, value in rows}


class World:
    """A data folder and a clock that all its processes share, and the processes. Leaves nothing behind."""

    def __init__(self, test, start="2026-03-09T12:00:00Z", speed=FROZEN, settings=None):
        self.test, self.programs, self.simulator_url = test, [], None
        self.folder = tempfile.mkdtemp(prefix="marquee-scenario-")
        self.data = os.path.join(self.folder, "data")
        self.settings = dict(settings or {})
        self.set_clock(ms_of(start), speed)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        for program in reversed(self.programs):
            program.end()
        if kind and not issubclass(kind, unittest.SkipTest):
            self.show()
        shutil.rmtree(self.folder, ignore_errors=True)

    def show(self):
        """The end of what each process wrote, for the log of a failed test."""
        for program in self.programs:
            print(f"---- {program.name}: marquee {' '.join(program.arguments)} -> {program.process.poll()}\n"
                  f"{program.output()[-3000:]}", file=sys.stderr)

    # ---- the clock ----

    def set_clock(self, now_ms, speed):
        """From this moment on the world's time is now_ms and passes speed times as fast as ours. Processes that run
        already keep their clock."""
        self.start_ms, self.anchor_ms, self.speed = now_ms, round(time.time() * 1000), speed

    def now_ms(self):
        return self.start_ms + (time.time() * 1000 - self.anchor_ms) * self.speed

    def await_no_batch(self):
        """Until no batch run holds the data folder's lock, whoever began it."""
        with open(os.path.join(self.data, "batch.lock"), "a", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)

    def freeze(self):
        """Stops the clock at now, for the processes that start after it; returns now, ms."""
        self.set_clock(round(self.now_ms()), FROZEN)
        return self.start_ms

    def skip(self, minutes):
        """The clock of the processes that start after it is so much later: leases of killed ones have ended."""
        self.set_clock(round(self.now_ms()) + minutes * MINUTE_MS, self.speed)

    def clock_arguments(self):
        return ["--clock-start", iso_of(self.start_ms), "--clock-anchor", iso_of(self.anchor_ms),
                "--clock-speed", str(self.speed)]

    # ---- processes ----

    def environment(self, **extra):
        values = {"MARQUEE_DATA_DIR": self.data, "MARQUEE_CLOCK_START": iso_of(self.start_ms),
                  "MARQUEE_CLOCK_ANCHOR": iso_of(self.anchor_ms), "MARQUEE_CLOCK_SPEED": str(self.speed),
                  "MARQUEE_PORT": "0"}
        if self.simulator_url:
            values["TMDB_BASE_URL"] = self.simulator_url
        return clean_environment(**values, **extra)

    def set_arguments(self):
        return [part for key, value in self.settings.items() for part in ("--set", f"{key}={value}")]

    def start(self, *arguments, kind=Program, name=None, settings=None, **environment):
        extra = [part for key, value in (settings or {}).items() for part in ("--set", f"{key}={value}")]
        own = [] if arguments[0] == "tmdb-sim" else self.set_arguments()
        program = kind(self, name or "-".join(arguments[:2]), [*arguments, *own, *extra],
                       self.environment(**environment))
        self.programs.append(program)
        return program

    def simulator(self, *arguments):
        """Starts the simulator on the world's clock; the processes that start after it ask it."""
        program = self.start("tmdb-sim", "--port", "0", *self.clock_arguments(), *arguments, name="simulator")
        self.simulator_url = program.ready(r"^listening on (\S+)").group(1)
        return program

    def serve(self, *role, **options):
        """Starts `up`, or `run serve`, and waits until it answers."""
        server = self.start(*(role or ("run", "serve")), kind=Server, **options).await_port()
        eventually("/health answers", lambda: server.request("/health")[0] == 200)
        return server

    def run(self, *arguments, timeout_s=COMMAND_TIMEOUT_S, **environment):
        """Runs a command to its end; returns it with returncode, stdout, stderr (text)."""
        own = [] if arguments[0] == "tmdb-sim" else self.set_arguments()
        return subprocess.run([MARQUEE, *arguments, *own], capture_output=True, text=True, timeout=timeout_s,
                              stdin=subprocess.DEVNULL, env=self.environment(**environment), cwd=self.folder,
                              check=False)

    def must(self, *arguments, **environment):
        """run() that must end with 0; returns stdout."""
        done = self.run(*arguments, **environment)
        if done.returncode != 0:
            raise AssertionError(f"marquee {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
        return done.stdout

    # ---- what stands in the data folder ----

    def dump(self):
        """The log as the oracle's JSON lines."""
        return self.must("topics", "dump").splitlines()

    def read(self, file, query, *arguments):
        """Rows of an SQLite file that contracts/ describes, without the product's help; no rows while it is absent."""
        path = os.path.join(self.data, file)
        if not os.path.exists(path):
            return []
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=HANG_S)) as database:
            try:
                return database.execute(query, arguments).fetchall()
            except sqlite3.OperationalError as error:
                if "no such table" in str(error):
                    return []
                raise

    def log_ends(self):
        """{input topic: records ever appended, over all partitions}"""
        rows = (json.loads(line) for line in self.must("topics", "list", "--json").splitlines())
        return {row["topic"]: row["end_offsets"] for row in rows if row["topic"] in oracle.EVENT_TIME_FIELD}

    def task_files(self):
        """On Kafka: the tasks' files of all stream processes of this folder, as names in it."""
        return [os.path.relpath(path, self.data) for path in glob.glob(os.path.join(self.data, "stream/*/task-*.db"))]

    def stream_positions(self):
        furthest = {}
        for file in ["stream.db"] + self.task_files():
            for topic, partition, offset in self.read(file, "SELECT topic, partition, next_offset FROM stream_positions"):
                furthest[topic, partition] = max(offset, furthest.get((topic, partition), 0))
        positions = collections.Counter()
        for (topic, _), offset in furthest.items():
            positions[topic] += offset
        return positions

    def all_sunk(self):
        """On Kafka the speed store is written behind the commit: whether it has what each task's file has."""
        sequences = dict(self.read("stream.db", "SELECT source, sequence FROM speed_sources"))
        for file in self.task_files():
            source = int(re.search(r"task-(\d+)\.db", file).group(1))
            if any(sequences.get(source, 0) < offset for (offset,) in self.read(file, "SELECT next_offset FROM stream_changelog")):
                return False
        return True

    def await_stream(self, ends=None):
        """Until the stream has committed all of the log."""
        ends = ends or self.log_ends()

        def caught_up():
            positions = self.stream_positions()
            return all(positions.get(topic, 0) >= end for topic, end in ends.items()) and self.all_sunk()
        eventually(f"the stream has read {ends}", caught_up, CATCH_UP_TIMEOUT_S)

    def await_sync(self):
        """Until the views have all that the speed store's feed has."""
        def caught_up():
            last = self.read("stream.db", "SELECT max(sequence) FROM speed_feed")
            position = self.read("views.db", "SELECT feed_position FROM sync_state")
            return position and last and position[0][0] >= (last[0][0] or 0)
        eventually("sync has copied the feed", caught_up, CATCH_UP_TIMEOUT_S)

    def catch_up(self):
        """Runs stream and sync until both have all, then stops them."""
        stream, sync = self.start("run", "stream"), self.start("run", "sync")
        self.await_stream()
        self.await_sync()
        stream.stop()
        sync.stop()

    def generation(self):
        """The published run as the views know it: (generation, through_ms, {(topic, partition): offset})."""
        rows = self.read("views.db", "SELECT g.generation, g.through_ms, g.cut FROM pointer AS p JOIN generations AS g "
                                     "ON g.generation = p.generation WHERE p.id = 1")
        if not rows:
            return 0, 0, {}
        generation, through_ms, cut = rows[0]
        cuts = {(topic, partition): offset for topic, offsets in json.loads(cut).items()
                for partition, offset in enumerate(offsets)}
        return generation, through_ms, cuts


# ---- what the oracle says ----

def stats_of(lines, cuts=None, now_ms=None, all_hours=True):
    """{(movie, hour): row} of movie_stats."""
    rows = oracle.compute(lines, cuts=cuts, now=now_ms, all_hours=all_hours, tables=("movie_stats",))
    return {(row["movie_id"], row["hour"]): row for row in rows}


def counters_of(lines):
    return {row["topic"]: row for row in oracle.compute(lines, tables=("counters",))}


# What of a row tells one from another, and what is compared.
SPEED_KEYS = {"movie_stats": ("hour", "movie_id"), "review_sentiments": ("hour", "movie_id", "window_start"),
              "hour_counts": ("hour", "topic", "partition")}
SPEED_VALUES = {"movie_stats": ("title", "vote_average", "vote_count", "popularity", "rating_velocity", "last_updated"),
                "review_sentiments": ("window_end", "avg_sentiment", "sentiment_sum_e4", "review_count",
                                      "positive_count", "negative_count", "neutral_count", "sentiment_velocity"),
                "hour_counts": ("used_records",)}


def oracle_tables(lines, now_ms):
    """({table: {key: values}}, first held hour) of the speed tables, by the oracle, on the held hours."""
    tables = {table: {} for table in SPEED_KEYS}
    log = oracle.read_log(lines)
    highest = now_ms
    for (topic, partition), records in log.items():
        oracle.classify(records, oracle.Settings())
        for record in records:
            if record.cls != "bad":
                highest = max(highest, record.event_time)
            if record.cls == "used":
                key = (oracle.hour_of(record.event_time), topic, partition)
                tables["hour_counts"][key] = (tables["hour_counts"].get(key, (0,))[0] + 1,)
    asked = ["movie_stats"] + (["review_sentiments"] if can_score() else [])
    for row in oracle.compute(lines, all_hours=True, tables=asked):
        table = row["table"]
        tables[table][tuple(row[name] for name in SPEED_KEYS[table])] = tuple(row[name] for name in SPEED_VALUES[table])
    first = held_from(highest)
    return {table: {key: row for key, row in rows.items() if key[0] >= first} for table, rows in tables.items()}, first


def can_score():
    """Whether the reference VADER is there (make setup-test brings it)."""
    try:
        oracle.reference_compound()
    except ImportError:
        return False
    return True


def check_speed(test, world, lines=None):
    """The speed tables, as contracts/speed.sql describes them, equal the oracle on the held hours, row for row. Returns
    how many rows were compared, by table."""
    lines = lines or world.dump()
    expected, first = oracle_tables(lines, round(world.now_ms()))
    counts = {}
    for table, wanted in expected.items():
        if table == "review_sentiments" and not can_score():
            print("review_sentiments: not compared, the reference VADER is not installed", file=sys.stderr)
            continue
        keys, values = SPEED_KEYS[table], SPEED_VALUES[table]
        rows = world.read("stream.db", f"SELECT {', '.join(keys + values)} FROM {table} WHERE hour >= ?", first)
        found = {row[:len(keys)]: row[len(keys):] for row in rows}
        wrong = [f"{key}: found {found.get(key)}, the oracle has {wanted.get(key)}"
                 for key in sorted(set(found) | set(wanted)) if found.get(key) != wanted.get(key)]
        test.assertEqual(wrong[:5], [], f"{table}: {len(wrong)} of {len(wanted)} rows differ")
        counts[table] = len(wanted)
    test.assertGreater(counts["movie_stats"], 0, "no row of movie_stats: nothing was tested")
    return counts


def boundary_of(now_ms, through_ms):
    """Semantics, Merge: 'min(first full hour >= now - 48 h, through)'."""
    return min(int(-(-(now_ms - BOUNDARY_MS) // HOUR_MS)) * HOUR_MS, through_ms)


NUMBERS = ("title", "vote_average", "vote_count", "popularity", "rating_velocity")


def expected_points(lines, cuts, boundary_ms, held_from_ms):
    """What the merge must show: {(movie, hour): (side, row)}. Hours below the boundary as of the run's cut, the others
    as of now, where the speed side still holds them."""
    batch, speed = stats_of(lines, cuts), stats_of(lines)
    points = {key: ("batch", row) for key, row in batch.items() if key[1] < boundary_ms}
    points.update({key: ("speed", row) for key, row in speed.items() if boundary_ms <= key[1] and
                   held_from_ms <= key[1]})
    return points


def held_from(now_ms):
    """The first hour with end + retention > now."""
    return int((now_ms - RETENTION_MS) // HOUR_MS) * HOUR_MS


def check_points(test, server, expected, movies, from_ms, to_ms, both=True):
    """Every hour of these movies over HTTP equals the oracle, and each side has some (both: the batch side too). Returns
    the last meta."""
    seen, wrong, meta = {"batch": 0, "speed": 0}, [], None
    for movie in movies:
        points, meta = server.points(movie, from_ms, to_ms)
        wanted = {hour: value for (of, hour), value in expected.items() if of == movie and from_ms <= hour < to_ms}
        for hour in sorted(set(points) | set(wanted)):
            side, row = wanted.get(hour, (None, {}))
            found = points.get(hour, {})
            same = row and found and found["source"] == side and ms_of(found["last_updated"]) // 1000 == \
                row["last_updated"] // 1000 and all(found[name] == row[name] for name in NUMBERS)
            if same:
                seen[side] += 1
            else:
                wrong.append(f"movie {movie} hour {iso_of(hour)}: found {found}, the oracle has {side} {row}")
    test.assertEqual(wrong[:5], [], f"{len(wrong)} hours differ")
    test.assertTrue(seen["batch"] or not both, "no hour below the boundary: nothing was tested there")
    test.assertGreater(seen["speed"], 0, "no hour above the boundary: nothing was tested there")
    return meta


def main():
    unittest.main(verbosity=2)
