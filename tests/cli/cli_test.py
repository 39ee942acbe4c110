#!/usr/bin/env python3
"""Proves what the command line promises: help for each command, exit codes 0, 1 and 2, error texts that name where a
mistake is and what was expected, and that no secret is shown anywhere."""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenario"))
import harness  # noqa: E402

DONE, FAILED, USAGE = 0, 1, 2
TIMEOUT_S = 180     # a guard against a hang
SECRET = "s3cret-of-the-cli-test"
TOPICS = ["marquee.deadletter", "movie.metadata", "movie.ratings", "movie.reviews", "movie.trending", "user.events"]


class CommandLine(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="marquee-cli-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def run_marquee(self, *arguments, **environment):
        return subprocess.run([harness.MARQUEE, *arguments], capture_output=True, text=True, timeout=TIMEOUT_S,
                              cwd=self.folder, stdin=subprocess.DEVNULL, check=False,
                              env=harness.clean_environment(**environment))

    def check(self, arguments, code, out=None, err=None, **environment):
        """Runs; out and err are patterns that must be found, None: nothing may be there."""
        done = self.run_marquee(*arguments, **environment)
        said = f"marquee {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        self.assertEqual(done.returncode, code, said)
        for text, pattern in ((done.stdout, out), (done.stderr, err)):
            if pattern is None:
                self.assertEqual(text, "", said)
            else:
                self.assertRegex(text, re.compile(pattern, re.M | re.S), said)
        return done

    def check_setting(self, setting, text):
        self.check(["config", "check", "--set", setting], USAGE, None, rf"^marquee: command line: {text}")

    def yaml(self, text):
        with open(os.path.join(self.folder, "marquee.yaml"), "w", encoding="utf-8") as file:
            file.write(text)

    def commands(self):
        """The commands that `marquee help` lists."""
        return re.findall(r"^  ([a-z][a-z-]*)(?: |$)", self.run_marquee("help").stdout, re.M)


class Help(CommandLine):
    def test_lists_the_commands(self):
        """DESIGN's ways in that this version has are all on the first page."""
        commands = self.commands()
        for name in ("up", "run", "tmdb-sim", "batch", "query", "sentiment", "topics", "status", "doctor", "config", "version"):
            self.assertIn(name, commands)
        done = self.check(["help"], DONE, "^Usage: marquee COMMAND")
        for word in ("Exit codes: 0 done, 1 failed, 2 usage", "not endorsed or certified by TMDB", "--config", "--set"):
            self.assertIn(word, done.stdout)
        for same in (["--help"], ["-h"]):
            self.assertEqual(self.check(same, DONE, ".").stdout, done.stdout)

    def test_of_each_command(self):
        """Each command explains itself, in both ways, and does nothing else."""
        for name in self.commands():
            with self.subTest(command=name):
                told = self.check([name, "--help"], DONE, rf"^Usage:\s+marquee {name}")
                self.assertEqual(self.check(["help", name], DONE, ".").stdout, told.stdout)
                self.assertEqual(os.listdir(self.folder), [])

    def test_no_command(self):
        self.check([], USAGE, None, "^Usage: marquee COMMAND")

    def test_unknown_command(self):
        self.check(["sream"], USAGE, None, '^marquee: there is no command "sream"; see marquee help$')
        self.check(["help", "sream"], USAGE, None, '^marquee: there is no command "sream"; see marquee help$')

    def test_unknown_option(self):
        for name in self.commands():
            with self.subTest(command=name):
                self.check([name, "--frobnicate"], USAGE, None, rf"^marquee {name}: .*--frobnicate; see .*help")
                self.assertEqual(os.listdir(self.folder), [])

    def test_version(self):
        with open(os.path.join(harness.ROOT, "meson.build"), encoding="utf-8") as file:
            version = re.search(r"^  version: '([\d.]+)'", file.read(), re.M)[1]
        for same in (["version"], ["--version"]):
            self.assertEqual(self.check(same, DONE, ".").stdout, f"marquee {version}\n")


class Arguments(CommandLine):
    def test_roles(self):
        for arguments in (["run"], ["run", "cook"], ["run", "ingest", "sync"]):
            self.check(arguments, USAGE, None, "^marquee run: expected one role of ingest, .*stream, sync, batch, serve")

    def test_backfill(self):
        """A number of days that can't be meant is refused, not taken for something else."""
        for days in ("0", "-1", "nan", "inf", "x", "1e30"):
            with self.subTest(days=days):
                self.check(["run", "ingest", f"--backfill={days}"], USAGE, None, r"^marquee run: .*backfill")
        self.check(["run", "sync", "--backfill", "1"], USAGE, None, "--backfill goes with ingest")

    def test_too_many(self):
        """What would be ignored is refused: a word behind `up` was meant as something."""
        for arguments in (["up", "now"], ["config", "check", "all"], ["version", "please"],
                          ["topics", "list", "a", "b"]):
            with self.subTest(arguments=arguments):
                self.check(arguments, USAGE, None, rf"^marquee {arguments[0]}: .*see marquee help {arguments[0]}$")
        self.assertEqual(os.listdir(self.folder), [])

    def test_topics(self):
        self.check(["topics", "show"], USAGE, None, '^marquee topics: expected list, describe, tail, dump or reset, found "show"')
        self.check(["topics", "tail"], USAGE, None, "^marquee topics: tail needs a topic, and -n at least 1")
        self.check(["topics", "tail", "movie.ratings", "-n", "0"], USAGE, None, "-n at least 1")
        self.check(["topics", "dump", "movie.ratings", "--internal"], USAGE, None, "--internal goes with list")
        self.check(["topics", "tail", "movie.rating"], USAGE, None, 'there is no topic "movie.rating" on this bus')

    def test_config(self):
        for arguments in (["config"], ["config", "chek"]):
            self.check(arguments, USAGE, None, "^marquee config: expected one of check, reference, metrics, example")


    def test_batch(self):
        for arguments in (["batch"], ["batch", "rum"], ["batch", "run", "now"], ["batch", "status", "all"], ["batch", "drift", "all"]):
            self.check(arguments, USAGE, None, "^marquee batch: expected run, step NAME, backfill, status, drift or verify")
        for arguments in (["batch", "step"], ["batch", "step", "archive", "export"]):
            self.check(arguments, USAGE, None, "^marquee batch: step: expected the name of one step")
        self.check(["batch", "step", "nonsense"], USAGE, None, "^marquee batch step: there is no step nonsense; --list")
        self.check(["batch", "step", "--list"], DONE, "^archive\n")
        self.check(["batch", "run", "--list"], USAGE, None, "^marquee batch: --list goes with step")
        self.check(["batch", "status", "--as-of", "2026-03-03"], USAGE, None, "^marquee batch: --as-of goes with run")
        self.check(["batch", "run", "--as-of", "yesterday"], USAGE, None, "^marquee batch run: --as-of yesterday: expected a time")
        self.check(["batch", "drift"], FAILED, None, "^marquee.*no batch run has compared")
        self.check(["batch", "status"], DONE, "^RUN +STARTED")

    def test_simulator(self):
        """Each flag's mistake is named with what was expected."""
        for arguments, text in ((["--port", "99999"], "--port: expected a number from 0 to 65535"),
                                (["--fault", "fire=1"], '"fire=1" is no fault; expected some of error='),
                                (["--capture", "absent"], "absent/.*a capture has movies.jsonl"),
                                (["--clock-speed", "fast"], "fast.*--clock-speed"),
                                (["--clock-start", "today"], "today|--clock-start"),
                                (["now"], "now.*expected flags only")):
            with self.subTest(arguments=arguments):
                self.check(["tmdb-sim", *arguments], USAGE, None, f"^marquee tmdb-sim: .*{text}")

    def test_status(self):
        """Before anything ran it says what to do, for a person and for a program."""
        self.check(["status"], DONE, "batch +nothing is published yet: marquee batch run")
        self.assertEqual(json.loads(self.check(["status", "--json"], DONE, ".").stdout)["generation"], 0)
        self.check(["status", "now"], USAGE, None, '^marquee status: .*"now"')


class Settings(CommandLine):
    def test_on_the_command_line(self):
        """Unknown key, wrong type, wrong range, broken rule: named with what was expected and what was found."""
        for setting, text in (
                ("serve.prot=1", 'expected a known key, found "serve.prot"; the nearest is serve.port'),
                ("serve.port=http", 'serve.port: expected a whole number from 0 to 65535, found "http"'),
                ("serve.port=65536", 'serve.port: expected a whole number from 0 to 65535, found "65536"'),
                ("clock.speed=fast", 'clock.speed: expected a number from .* found "fast"'),
                ("speed.retention=40h", 'speed.retention: expected a duration from 48h .* found "40h"'),
                ("speed.retention=49h", "speed.retention: expected at least serve.boundary . batch.interval"),
                ("log.level=loud", 'log.level: expected one of debug, info, warn, error, found "loud"'),
                ("cache.size=many", 'cache.size: expected a size .* found "many"'),
                ("bus.backend=kafka", "bus.backend: kafka is not built into this version|bus.brokers: expected host:port"),
                ("clock.start=today", 'clock.start: expected a time in UTC .* found "today"'),
                ("tmdb.base_url=ftp://x", "tmdb.base_url: expected a URL that begins with http"),
                ("trending.weight_velocity=0.75", "trending.weight_velocity: expected the four weights .* found 1.25"),
        ):
            with self.subTest(setting=setting):
                self.check_setting(setting, text)
        self.assertEqual(os.listdir(self.folder), [])

    def test_in_the_file(self):
        """file:line: key: what was expected."""
        for text, error in (
                ("serve:\n  prot: 1\n", "marquee.yaml:2: .*serve.prot.*the nearest is serve.port"),
                ("# settings\n\nspeed:\n  # long\n  retention: 3 parsecs\n",
                 'marquee.yaml:5: speed.retention: expected a duration .* found "3 parsecs"'),
                ("serve:\n  host: 0.0.0.0\n", "marquee.yaml:2: serve.host: expected a loopback address"),
                ("serve: [1, 2]\n", "marquee.yaml:1: serve: expected plain names and values, found a list"),
                ("serve:\n  port: 1\n host: x\n", "marquee.yaml:3: expected YAML"),
        ):
            with self.subTest(text=text):
                self.yaml(text)
                for command in (["config", "check"], ["up"], ["run", "sync"], ["topics"]):
                    self.check(command, USAGE, None, "^marquee: .*" + error)
        self.assertEqual(os.listdir(self.folder), ["marquee.yaml"])

    def test_no_such_file(self):
        self.check(["config", "check", "--config", "absent.yaml"], USAGE, None, "absent.yaml")

    def test_origins(self):
        """config check shows each value with where it came from: file, environment, command line above one another."""
        self.yaml("serve:\n  port: 9001\n  threads: 3\ningest:\n  burst: 11\n")
        done = self.check(["config", "check", "--set", "ingest.burst=12"], DONE, ".", None, MARQUEE_PORT="9002")
        rows = {line.split()[0]: line.split(maxsplit=2)[1:] for line in done.stdout.splitlines()}
        self.assertEqual(rows["serve.port"][0], "9002")
        self.assertIn("MARQUEE_PORT", rows["serve.port"][1])
        self.assertEqual(rows["serve.threads"], ["3", "marquee.yaml:3"])
        self.assertEqual(rows["ingest.burst"], ["12", "command line"])
        self.assertEqual(rows["serve.host"], ["127.0.0.1", "default"])

    def test_environment(self):
        self.check(["config", "check"], USAGE, None, "MARQUEE_PORT.*serve.port: expected a whole number",
                   MARQUEE_PORT="nine")

    def test_unusable_folder(self):
        """A file where the folder should be, and a folder below a file, stop the start before anything begins."""
        with open(os.path.join(self.folder, "file"), "w", encoding="utf-8"):
            pass
        for folder in ("file", "file/below"):
            for command in (["config", "check"], ["up"], ["topics"]):
                self.check(command, USAGE, None, f"data.dir: expected a folder .*{folder}", MARQUEE_DATA_DIR=folder)

    def test_host(self):
        """Anything but loopback needs keys: an open port without them would be everybody's."""
        for host in ("0.0.0.0", "::", "192.0.2.1", "127.example.org"):
            self.check(["up"], USAGE, None, "serve.host: expected a loopback address .* or keys", MARQUEE_HOST=host)

    def test_references(self):
        """The generated documents and the example are what the program reads: every key, and all its defaults."""
        before = self.check(["config", "check"], DONE, "^serve.port").stdout
        reference = self.check(["config", "reference"], DONE, "^## serve$").stdout
        self.yaml(self.check(["config", "example"], DONE, "serve:").stdout)
        after = self.check(["config", "check"], DONE, "^serve.port").stdout
        self.assertEqual([row.split()[:2] for row in after.splitlines()], [row.split()[:2] for row in before.splitlines()])
        for row in before.splitlines():
            self.assertIn(f"`{row.split()[0].split('.')[1]}`", reference)
        self.check(["config", "metrics"], DONE, "marquee_stream_records_total")


class Secrets(CommandLine):
    def test_config_check(self):
        done = self.check(["config", "check"], DONE, r"^tmdb.api_key\s+\*\*\*\s+.*TMDB_API_KEY", None,
                          TMDB_API_KEY=SECRET)
        self.assertNotIn(SECRET, done.stdout)

    def test_not_on_the_command_line(self):
        """ps would show it."""
        done = self.check(["config", "check", "--set", f"tmdb.api_key={SECRET}"], USAGE, None, "tmdb.api_key")
        self.assertNotIn(SECRET, done.stderr)

    def test_not_in_log_or_ps(self):
        """Ingest with a key against an address where nobody listens, on the loudest level: the key is in no line."""
        with harness.World(self, speed=1) as world:
            world.settings = {"log.level": "debug", "tmdb.base_url": f"http://127.0.0.1:{harness.free_port()}",
                              "ingest.retry_max": "1", "ingest.retry_base": "1ms"}
            program = world.start("run", "ingest", TMDB_API_KEY=SECRET)
            program.ready("TMDB.*127.0.0.1")
            with open(f"/proc/{program.process.pid}/cmdline", encoding="utf-8") as file:
                self.assertNotIn(SECRET, file.read())
            program.stop()
            self.assertNotIn(SECRET, program.output())


class Processes(CommandLine):
    def test_backfill_needs_the_simulator(self):
        self.check(["run", "ingest", "--backfill", "1", "--set", "ingest.retry_max=1", "--set",
                    f"tmdb.base_url=http://127.0.0.1:{harness.free_port()}"], USAGE, None,
                   "tmdb.base_url: .*doesn't answer as the simulator does")

    def test_ends_on_signals(self):
        """SIGTERM and SIGINT both end a role in time, with 0."""
        for how in (signal.SIGTERM, signal.SIGINT):
            with harness.World(self) as world:
                program = world.start("run", "sync", settings={"log.format": "json"})
                program.ready("leads")
                program.stop(how)

    def test_log_is_json_elsewhere(self):
        """A log that no terminal reads is JSON lines."""
        with harness.World(self) as world:
            program = world.start("run", "sync")
            program.ready("leads")
            program.stop()
            for line in program.output().splitlines():
                self.assertIn("level", json.loads(line))

    def test_taken_port(self):
        """The port that somebody has is named, and how to choose another."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.check(["run", "serve"], USAGE, None, rf"marquee: .*{port}.*(in use|taken)", MARQUEE_PORT=str(port))


class Topics(CommandLine):
    def test_empty(self):
        """A folder without a log has no topics, which is no mistake."""
        self.check(["topics"], DONE, "^TOPIC +PARTITIONS")
        self.check(["topics", "list", "--json"], DONE)
        self.check(["topics", "dump"], DONE)

    def test_filled(self):
        """list, tail and dump tell of the same records, and dump has the oracle's form."""
        with harness.World(self, settings={"ingest.tracked_movies_max": "10", "ingest.list_pages": "1"}) as world:
            world.simulator("--seed", "7")
            world.must("run", "ingest", "--backfill", "0.1")
            listed = [json.loads(line) for line in world.must("topics", "list", "--json").splitlines()]
            self.assertEqual([row["topic"] for row in listed], TOPICS)
            dumped = [json.loads(line) for line in world.dump()]
            for row in listed:
                self.assertEqual(row["partitions"], 6)
                self.assertEqual(row["kept_records"], sum(line["topic"] == row["topic"] for line in dumped))
                self.assertEqual(row["end_offsets"], row["kept_records"])
            self.assertGreater(sum(row["kept_records"] for row in listed if row["topic"] == "movie.ratings"), 10)
            of_topic = world.must("topics", "dump", "movie.ratings").splitlines()
            self.assertEqual([json.loads(line) for line in of_topic],
                             [line for line in dumped if line["topic"] == "movie.ratings"])
            tail = [json.loads(line) for line in world.must("topics", "tail", "movie.ratings", "-n", "1").splitlines()]
            last = {line["partition"]: line for line in dumped if line["topic"] == "movie.ratings"}
            self.assertEqual(tail, [last[partition] for partition in sorted(last)])
            table = world.must("topics")
            self.assertEqual([line.split()[0] for line in table.splitlines()], ["TOPIC", *TOPICS])


class Layers(CommandLine):
    """What a running speed layer looks like from outside: status and query --speed."""

    SETTINGS = {"ingest.tracked_movies_max": "10", "ingest.list_pages": "1"}

    def status(self, world):
        return json.loads(world.must("status", "--json"))

    def topic(self, status, name):
        return next(row for row in status["topics"] if row["topic"] == name)

    def test_lag(self):
        """Records that nobody has read are counted, and how long the first of them has waited; read, they are gone."""
        with harness.World(self, settings=self.SETTINGS) as world:
            world.simulator("--seed", "7")
            world.must("run", "ingest", "--backfill", "0.1")
            ratings = world.log_ends()["movie.ratings"]
            world.skip(10)
            before = self.status(world)
            row = self.topic(before, "movie.ratings")
            self.assertEqual((row["lag_records"], row["used"]), (ratings, 0))
            first = min(json.loads(line)["append_time"] for line in world.dump() if '"movie.ratings"' in line)
            self.assertAlmostEqual(row["lag_seconds"], (world.now_ms() - first) / 1000, delta=5)
            self.assertGreater(row["lag_seconds"], 600)
            self.assertEqual(before["lag_records"], sum(world.log_ends().values()))
            self.assertEqual((before["commits"], before["late_records"]), (None, []))
            world.catch_up()
            after = self.status(world)
            self.assertEqual((after["lag_records"], after["lag_seconds"]), (0, 0))
            for row in after["topics"]:
                if row["topic"] in ("movie.ratings", "movie.metadata", "movie.reviews"):
                    self.assertEqual(row["used"] + row["duplicate"] + row["expired"] + row["bad"], row["records"])
            shown = world.must("status")
            self.assertRegex(shown, r"(?m)^lag +0 records, the oldest 0\.0 s")
            self.assertEqual([line for line in shown.splitlines() if len(line) > 80], [], "does not fit a terminal")
            self.assertRegex(shown, rf"(?m)^movie\.ratings +{ratings} +0 +0\.0 +{ratings} +0 +0 +0 +0$")

    def test_late(self):
        """Records that came late are counted and listed, newest first, with what they changed."""
        with harness.World(self, settings=self.SETTINGS) as world:
            world.simulator("--seed", "7")
            stream = world.start("run", "stream", settings={"stream.idle_timeout": "1s"})

            def past_again():
                """The past is asked once more, of another world; late once partitions without records are idle."""
                if os.path.exists(os.path.join(world.data, "ingest.db")):
                    os.remove(os.path.join(world.data, "ingest.db"))
                world.simulator("--seed", str(len(world.programs)))
                world.must("run", "ingest", "--backfill", "0.1")
                world.await_stream()
                return sum(row.get("late", 0) for row in self.status(world)["topics"]) > 5

            harness.eventually("late records", past_again, harness.HANG_S)
            stream.stop()
            status = self.status(world)
            late = sum(row.get("late", 0) for row in status["topics"])
            kept = world.read("stream.db", "SELECT count(*) FROM stream_late")[0][0]
            self.assertGreater(late, 5)
            self.assertEqual(kept, late)
            self.assertEqual(len(status["late_records"]), 5)
            for record in status["late_records"]:
                self.assertGreater(record["late_seconds"], 0)
                self.assertIn(record["topic"], ("movie.ratings", "movie.reviews"))
            shown = world.must("status").split("LATE RECORD")[1]
            self.assertRegex(shown, r"\nmovie\.\w+/\d/\d+ +\d+ +20\d\d-\d\d-\d\d \d\d:\d[05] +\d+\.\d +\S+ +\S+\n")
            self.assertEqual([line for line in shown.splitlines() if len(line) > 80], [], "does not fit a terminal")

    def test_commits(self):
        """A process that streams and serves is asked how long its commits take; the quantiles are in their order."""
        with harness.World(self, speed=60, settings=self.SETTINGS) as world:
            world.simulator("--seed", "7")
            server = world.serve("up")
            harness.eventually("a commit", lambda: server.metrics().get("marquee_stream_commit_seconds_count", 0) > 0)
            done = world.run("status", "--json", "--set", f"serve.port={server.port}")
            commits = json.loads(done.stdout)["commits"]
            self.assertGreater(commits["count"], 0)
            self.assertTrue(0 < commits["p50_seconds"] <= commits["p95_seconds"] <= commits["p99_seconds"], commits)
            shown = world.run("status", "--set", f"serve.port={server.port}").stdout
            self.assertRegex(shown, r"(?m)^commits +p50 [\d.]+ ms, p95 [\d.]+ ms, p99 [\d.]+ ms of \d+ \(port \d+\)$")
            self.assertEqual([line for line in shown.splitlines() if len(line) > 80], [], "does not fit a terminal")

    def test_query_speed(self):
        """One SELECT over the speed tables, as a table and as JSON; nothing but that."""
        with harness.World(self, settings=self.SETTINGS) as world:
            self.assertRegex(world.run("query", "--speed", "SELECT 1").stderr, "^marquee: .*stream.db: there is no such file")
            world.simulator("--seed", "7")
            world.must("run", "ingest", "--backfill", "0.1")
            world.catch_up()
            wanted = world.read("stream.db", "SELECT movie_id, hour FROM movie_stats ORDER BY movie_id, hour")
            text = "SELECT movie_id, hour FROM movie_stats ORDER BY movie_id, hour"
            lines = world.must("query", "--speed", text).splitlines()
            self.assertEqual(lines[0].split(), ["movie_id", "hour"])
            self.assertEqual([tuple(map(int, line.split())) for line in lines[1:]], wanted)
            rows = [json.loads(line) for line in world.must("query", "--speed", "--json", text).splitlines()]
            self.assertEqual([(row["movie_id"], row["hour"]) for row in rows], wanted)
            for refused in ("DELETE FROM movie_stats", "DELETE FROM main.movie_stats", "SELECT 1; SELECT 2", "PRAGMA user_version",
                            f"ATTACH '{world.folder}/x.db' AS x", "SELECT load_extension('x')", "SELECT * FROM nothing"):
                with self.subTest(query=refused):
                    done = world.run("query", "--speed", refused)
                    self.assertEqual((done.returncode, done.stdout), (FAILED, ""))
                    self.assertRegex(done.stderr, "^marquee: query: ")
            self.assertEqual(world.read("stream.db", "SELECT movie_id, hour FROM movie_stats ORDER BY 1, 2"), wanted)


class Query(CommandLine):
    """marquee query: read-only, no attach, nothing outside the data folder."""

    def test_is_read_only(self):
        self.check(["query"], USAGE, None, "^marquee query: expected one SQL text")
        with harness.World(self, settings={"ingest.tracked_movies_max": "10", "ingest.list_pages": "1"}) as world:
            world.simulator("--seed", "7")
            world.must("run", "ingest", "--backfill", "0.1")
            world.must("batch", "run")
            rows = world.must("query", "SELECT movie_id, title FROM silver.movies ORDER BY movie_id").splitlines()
            self.assertGreater(len(rows), 5)
            as_json = world.must("query", "--json", "SELECT count(*) AS n FROM silver.movies").splitlines()
            self.assertEqual(json.loads(as_json[-1])["n"], len(rows) - 1)
            before = self.files(world.data)
            for text in ("INSERT INTO silver.movies SELECT * FROM silver.movies", "DROP VIEW silver.movies",
                         f"COPY (SELECT 1) TO '{world.folder}/out.csv'", f"ATTACH '{world.folder}/x.db'",
                         f"EXPORT DATABASE '{world.folder}/x'", "INSTALL httpfs", "LOAD httpfs", "SELECT 1; SELECT 2",
                         "SELECT 1) AS q; DROP VIEW silver.movies; SELECT (1", "SET memory_limit = '99GB'",
                         "SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM '/etc/passwd'",
                         "SELECT * FROM read_text('/etc/passwd')", "SELECT * FROM glob('/etc/*')",
                         f"SELECT * FROM read_blob('{world.data}/../*')", "SELECT getenv('HOME')"):
                with self.subTest(query=text):
                    done = world.run("query", text)
                    self.assertEqual(done.returncode, FAILED, done.stdout[:300])
                    self.assertNotIn("root:", done.stdout + done.stderr)
                    self.assertRegex(done.stderr, "^marquee: ")
            self.assertEqual(self.files(world.data), before)
            self.assertFalse([name for name in os.listdir(world.folder) if name.startswith(("out.csv", "x"))])

    def files(self, folder):
        return sorted(os.path.join(where, name) for where, _, names in os.walk(folder) for name in names
                      if "-wal" not in name and "-shm" not in name)


if __name__ == "__main__":
    harness.main()
