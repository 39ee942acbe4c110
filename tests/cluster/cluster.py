"""What the tests of a whole cluster share: a World (tests/scenario/harness.py) whose stores are real servers
(tests/kafka/servers.sh, tests/cluster/servers.sh), an embedded twin on the same log, every answer of the API, and what
the oracle says about it.

A store whose server the environment doesn't name stays the embedded kind; MISSING says which."""
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.parse
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "scenario"))
import harness  # noqa: E402
from harness import HOUR_MS, eventually, ms_of, oracle  # noqa: E402

KAFKA_SERVERS = os.path.join(HERE, "..", "kafka", "servers.sh")
SERVERS = os.path.join(HERE, "servers.sh")
SERVER_S = 900               # guard: one server is started again
CATCH_UP_S = 600             # guard: a small log is read to its end
HOURS_DAYS = 13              # the views have hours of two weeks
SECOND_MS, DAY_MS = 1000, 24 * HOUR_MS
# Server, the variable that names it, what a world then sets. {uuid}: its own in each world.
STORES = (
    ("kafka", "MARQUEE_KAFKA", {"bus.backend": "kafka", "bus.brokers": "{url}", "bus.prefix": "w{uuid}."}),
    ("registry", "MARQUEE_REGISTRY", {"registry.url": "{url}"}),
    ("cassandra", "MARQUEE_CASSANDRA", {"speed.backend": "cassandra", "speed.hosts": "{url}",
                                        "speed.keyspace": "w{uuid}", "speed.replication": "1"}),
    ("mongod", "MARQUEE_MONGODB", {"views.backend": "mongodb", "views.uri": "{url}"}),
    ("redis", "MARQUEE_REDIS", {"cache.backend": "redis", "cache.url": "{url}", "cache.prefix": "w{uuid}"}),
)
MISSING = [variable for _, variable, _ in STORES if not os.environ.get(variable)]


def in_database(url, name):
    """MongoDB's connection string with a database of its own."""
    return urllib.parse.urlsplit(url)._replace(path=f"/{name}").geturl()


def store_settings():
    own, settings = uuid.uuid4().hex[:16], {}
    for server, variable, values in STORES:
        url = os.environ.get(variable)
        if not url:
            continue
        if server == "mongod":
            url = in_database(url, f"w{own}")
        settings.update({key: value.format(url=url, uuid=own) for key, value in values.items()})
    return settings


class ClusterWorld(harness.World):
    """One deployment on the servers, with names that nobody had before. Nothing is asked of its stores' files: the
    roles and the API say how far they are."""

    def __init__(self, test, start, speed=harness.FROZEN, settings=None):
        super().__init__(test, start, speed, {**(settings or {}), **store_settings()})

    def await_stream(self, ends=None):
        self.must("run", "stream", "--until-caught-up", timeout_s=CATCH_UP_S)

    def dump(self):
        """The input topics only: the stream's own on Kafka have no contract that the embedded one knows."""
        return [line for topic in sorted(oracle.EVENT_TIME_FIELD) for line in
                self.must("topics", "dump", topic).splitlines()]

    def generation(self):
        status = json.loads(self.must("status", "--json"))
        return status["generation"], ms_of(status["batch_through"]) if status["generation"] else 0, None


def await_sync(world):
    """Until the views equal the speed store, as they say themselves. The clock must not stand: they say so in
    whole seconds."""
    sync, server, wanted = world.start("run", "sync"), world.serve(), world.now_ms() + 2 * SECOND_MS
    eventually("sync has copied the feed", lambda: synced_at(server) >= wanted, CATCH_UP_S)
    sync.stop()
    server.stop()


def synced_at(server):
    """What the API calls its speed side's moment; 0 while it can't say."""
    status, _, body = server.request("/api/v1/movies?limit=1")
    at = json.loads(body)["meta"]["speed_synced_at"] if status == 200 else None
    return ms_of(at) if at else 0


def complete(world, now_ms):
    """Stream, sync and a batch run read all of the log; then the world stands still at now_ms."""
    world.set_clock(now_ms - HOUR_MS // 60, 1)
    if isinstance(world, ClusterWorld):
        world.await_stream()
    else:
        stream = world.start("run", "stream")
        world.await_stream()
        stream.stop()
    await_sync(world)
    world.set_clock(now_ms, harness.FROZEN)
    world.must("batch", "run", timeout_s=CATCH_UP_S)


def inputs(lines):
    return [line for line in lines if json.loads(line)["topic"] in oracle.EVENT_TIME_FIELD]


def twin(world, log_copy):
    """An embedded world with the same log, to the byte, and the same lake."""
    settings = {key: value for key, value in world.settings.items() if key not in store_settings()}
    embedded = harness.World(world.test, harness.iso_of(world.start_ms), world.speed, settings)
    embedded.anchor_ms = world.anchor_ms
    shutil.copytree(os.path.join(world.data, "lake"), os.path.join(embedded.data, "lake"))
    paths = []
    for which in (world, embedded):
        paths.append(os.path.join(which.folder, "log_copy.yaml"))
        sections = collections.defaultdict(dict, {"data": {"dir": which.data}})
        for key, value in which.settings.items():
            section, name = key.split(".")
            sections[section][name] = value
        with open(paths[-1], "w", encoding="utf-8") as file:
            for section, values in sections.items():
                lines = (f"  {name}: {json.dumps(value)}\n" for name, value in values.items())
                file.write(f"{section}:\n" + "".join(lines))
    done = subprocess.run([log_copy, *paths], capture_output=True, text=True, timeout=CATCH_UP_S, check=False,
                          env=harness.clean_environment())
    if done.returncode != 0:
        raise AssertionError(f"log_copy: {done.stderr}")
    return embedded


# ---- every answer ----

# Names and moments of the runs and of the copy; everything else is what the log says.
ACCIDENTS = {"batch_run_id", "run_id", "generation", "batch_computed_at", "computed_at", "speed_synced_at",
             "next_cursor", "run_name", "run_time"}


def essence(value):
    if isinstance(value, dict):
        return {key: essence(item) for key, item in value.items() if key not in ACCIDENTS}
    return [essence(item) for item in value] if isinstance(value, list) else value


def pages(server, path):
    """All pages of an answer: [essence], or its status where that isn't 200."""
    found, cursor = [], None
    while True:
        glue = "&" if "?" in path else "?"
        status, _, body = server.request(path + (f"{glue}cursor={urllib.parse.quote(cursor)}" if cursor else ""))
        if status != 200:
            return [status]
        answer = json.loads(body)
        found.append(essence(answer))
        cursor = answer.get("next_cursor")
        if not cursor:
            return found


def words_of(movies):
    """Words to search for: whole ones, the beginning of one, two together."""
    titles = [movie["title"] for movie in movies if movie["title"]]
    words = sorted({word for title in titles for word in re.findall(r"\w{3,}", title.lower())})
    return words[:20] + [word[:2] for word in words[:5]] + [" ".join(re.findall(r"\w+", titles[0])), "zzzz", "the"]


def read_all(server, now_ms):
    """{path: pages} of every endpoint that shows data, each with all that can be asked for."""
    answers = {}

    def ask(path):
        answers[path] = pages(server, path)
        return [page["data"] for page in answers[path] if isinstance(page, dict)]

    movies = [movie for data in ask("/api/v1/movies?limit=7") for movie in data]
    ask("/api/v1/movies?limit=200")
    span = f"from={harness.iso_of(now_ms - 6 * DAY_MS)}&to={harness.iso_of(now_ms + 2 * HOUR_MS)}"
    people = set()
    for movie in movies:
        base = f"/api/v1/movies/{movie['movie_id']}"
        for data in ask(base):
            people.update(person["id"] for person in (data["movie"] or {}).get("cast") or [])
        ask(f"{base}/stats?{span}&limit=50")
        for window, grain in (("7d", "hour"), ("30d", "window"), ("400d", "day")):
            ask(f"{base}/sentiment?window={window}&granularity={grain}")
    ask("/api/v1/movies/999999999")
    genres = [row["genre"] for data in ask("/api/v1/analytics/genres") for row in data]
    for window in ("now", "hour", "7d", "30d", "90d"):
        ask(f"/api/v1/trending/movies?window={window}&limit=100")
        ask(f"/api/v1/trending/movies?window={window}&genre=Drama")
    for window in ("7d", "30d", "90d"):
        ask(f"/api/v1/analytics/trends?window={window}")
    for grain in ("year", "month", "decade"):
        ask(f"/api/v1/analytics/temporal?grain={grain}")
    ask("/api/v1/analytics/revenue")
    for genre in genres:
        name = urllib.parse.quote(genre)
        ask(f"/api/v1/analytics/genre/{name}?limit=10")
        ask(f"/api/v1/analytics/revenue?genre={name}")
    for person in sorted(people):
        ask(f"/api/v1/people/{person}")
    for sort in ("relevance", "popularity", "rating", "year", "title"):
        ask(f"/api/v1/search/movies?limit=9&sort={sort}")
    ask("/api/v1/search/movies?genre=drama&year_from=1990&min_rating=6")
    for words in words_of(movies):
        ask(f"/api/v1/search/movies?limit=5&q={urllib.parse.quote(words)}")
    for data in ask("/api/v1/quality"):
        for table in data["tables"]:
            ask(f"/api/v1/quality?table={table['table']}")
    return answers


def first_difference(left, right, where=""):
    """Where two JSON values differ first, and how."""
    if isinstance(left, dict) and isinstance(right, dict):
        keys = sorted(set(left) | set(right))
        pairs = [(f"{where}.{key}", left.get(key), right.get(key)) for key in keys]
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        pairs = [(f"{where}[{i}]", one, other) for i, (one, other) in enumerate(zip(left, right))]
    else:
        return None if left == right else f"{where}: {str(left)[:300]} != {str(right)[:300]}"
    return next((found for place, one, other in pairs if (found := first_difference(one, other, place))), None)


def check_equal(test, ours, theirs):
    """Every answer of both; returns {first part of the path: how many}."""
    wrong = [f"{path} {first_difference(ours.get(path), theirs.get(path))}" for path in sorted(set(ours) | set(theirs))
             if ours.get(path) != theirs.get(path)]
    test.assertEqual(wrong[:8], [], f"{len(wrong)} of {len(ours)} answers differ, embedded first")
    counts = collections.Counter(re.sub(r"/\d+", "/{id}", path.split("?")[0]) for path, found in ours.items()
                                 if isinstance(found[0], dict))
    return {path: count for path, count in counts.items() if not re.search(r"/genre/", path)}


# ---- the oracle ----

class Judge:
    """What the oracle says about a log at a moment; it takes as long as all the rest, so it is asked once."""

    def __init__(self, lines, now_ms, through_ms):
        self.lines, self.now_ms = lines, now_ms
        self.boundary_ms = harness.boundary_of(now_ms, through_ms)
        self.points = harness.expected_points(lines, None, self.boundary_ms, harness.held_from(now_ms))
        tables = ["trending_movies"] + (["review_sentiments"] if harness.can_score() else [])
        self.rows = collections.defaultdict(list)
        for row in oracle.compute(lines, all_hours=True, tables=tables):
            self.rows[row["table"]].append(row)

    def check(self, test, server):
        """Stats of each movie, every review's window, the latest ranking. Returns how much was compared."""
        movies = sorted({movie for movie, _ in self.points})
        harness.check_points(test, server, self.points, movies, self.now_ms - 6 * DAY_MS, self.now_ms + 2 * HOUR_MS)
        return {"movies": len(movies), "hours": len(self.points), "windows": self.check_sentiment(test, server, movies),
                "ranks": self.check_trending(test, server)}

    def check_sentiment(self, test, server, movies):
        names = ("avg_sentiment", "sentiment_sum_e4", "review_count", "positive_count", "negative_count",
                 "neutral_count", "sentiment_velocity")
        wanted, found = {}, {}
        first = self.now_ms - HOURS_DAYS * DAY_MS + HOUR_MS      # the answer begins within this hour
        for row in self.rows["review_sentiments"]:
            if row["window_start"] >= first:
                wanted[row["movie_id"], row["window_start"]] = [row[name] for name in names]
        for movie in movies:
            answer = server.get(f"/api/v1/movies/{movie}/sentiment?window={HOURS_DAYS}d&granularity=window")
            for point in answer["data"]["points"]:
                if ms_of(point["start"]) >= first:
                    found[movie, ms_of(point["start"])] = [point[name] for name in names]
        if not harness.can_score():
            return 0
        wrong = [f"{key}: found {found.get(key)}, the oracle has {wanted.get(key)}"
                 for key in sorted(set(found) | set(wanted)) if found.get(key) != wanted.get(key)]
        test.assertEqual(wrong[:5], [], f"{len(wrong)} of {len(wanted)} windows of reviews differ")
        return len(wanted)

    def check_trending(self, test, server):
        answer = server.get("/api/v1/trending/movies?window=now&limit=100")["data"]
        test.assertEqual(ms_of(answer["hour"]), max(row["hour"] for row in self.rows["trending_movies"]))
        wanted = sorted((row["rank"], row["movie_id"], round(row["trending_score"] * 1e9), row["velocity"],
                         row["acceleration"]) for row in self.rows["trending_movies"]
                        if row["hour"] == ms_of(answer["hour"]))
        found = [(row["rank"], row["movie_id"], round(row["score"] * 1e9), row["velocity"], row["acceleration"])
                 for row in answer["movies"]]
        test.assertEqual(found, wanted)
        test.assertGreater(len(found), 0)
        return len(found)


# ---- what runs, and ends ----

def server_command(what, server):
    """what: kill, pause, resume, again. Back when it is done: a started server answers."""
    if server in ("kafka", "registry"):
        name = "1" if server == "kafka" else "registry"
        again = {"kafka": ("broker", "1"), "registry": ("registry",)}[server]
        command = [KAFKA_SERVERS, *(again if what == "again" else (what, name))]
    else:
        command = [SERVERS, what, server]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr, timeout=SERVER_S)


def usage(pid):
    """(resident MB, CPU seconds) of a process; zeros where it is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            resident = re.search(r"^VmRSS:\s*(\d+)", file.read(), re.M)
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0, 0.0
    return int(resident[1]) // 1024 if resident else 0, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def server_pids():
    """{name: pid} of the servers, as their scripts' pid files say."""
    home = os.environ.get("MARQUEE_SERVERS", os.path.join(harness.ROOT, "build", "servers"))
    pids = {}
    for folder in (os.path.join(home, "run"), os.environ.get("MARQUEE_CLUSTER_RUN", os.path.join(home, "cluster"))):
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            if name.endswith(".pid"):
                with open(os.path.join(folder, name), encoding="ascii") as file:
                    pids[{"b1": "kafka"}.get(name[:-4], name[:-4])] = int(file.read())
    return pids


__all__ = ["ClusterWorld", "Judge", "MISSING", "check_equal", "complete", "eventually", "harness", "inputs", "read_all",
           "server_command", "server_pids", "synced_at", "time", "twin", "usage"]
