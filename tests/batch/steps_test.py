"""One step at a time, and a past instant again.

Steps: a run made of `marquee batch step NAME`, one process each, some of them killed and tried again, leaves the tables that one
`marquee batch run` leaves, file by file the same bytes; steps out of order, unknown or without a run are refused.

As of: what a run computed at its cut is computed again by `marquee batch run --as-of` after later runs have joined and let go
files: the same bytes, twice; nothing is published; beyond what bronze reaches it is refused and the limit is named.

usage: steps_test.py STREAM_REPLAY BATCH_REPLAY MARQUEE"""
import datetime
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading

ROOT = os.environ.get("MARQUEE_SOURCE_ROOT", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
failures = []


def check(name, good, more=""):
    print(f"{'ok' if good else 'WRONG'}: {name}", more if not good else "")
    if not good:
        failures.append(name)


def make_dump(path, *arguments):
    with open(path, "w", encoding="utf-8") as out:
        subprocess.run([sys.executable, os.path.join(ROOT, "tools/loggen.py"), *arguments], check=True, stdout=out,
                       stderr=subprocess.DEVNULL)


def manifest(folder, run_id=None):
    lake = os.path.join(folder, "lake")
    if run_id is None:
        with open(os.path.join(lake, "_current"), encoding="utf-8") as pointer:
            run_id = pointer.read()
    with open(os.path.join(lake, "runs", run_id, "manifest.json"), encoding="utf-8") as text:
        return json.load(text)


def moment(time_ms):
    return datetime.datetime.fromtimestamp(time_ms / 1000, datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def checksums(found):
    """Of silver and gold: table -> checksums of its files."""
    return {name: sorted(file["sha256"] for file in files) for name, files in found["tables"].items()
            if name.startswith(("silver/", "gold/"))}


def check_steps(stream_replay, marquee, folder):
    dump, steps, whole = (os.path.join(folder, name) for name in ("steps.jsonl", "steps", "whole"))
    make_dump(dump, "--seed", "5", "--records", "2000")
    os.mkdir(steps)
    subprocess.run([stream_replay, "--dir", steps, "--dump", dump, "--bus", "sqlite"], check=True, stdout=subprocess.DEVNULL)
    shutil.copytree(steps, whole)

    def step(*words, point=None):
        environment = {**os.environ, **({"MARQUEE_FAILPOINT": point} if point else {})}
        return subprocess.run([marquee, "batch", "step", *words, "--set", f"data.dir={steps}", "--set", "batch.attempts=2"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)

    names = step("--list").stdout.split()
    check("the list has the plan", names[0] == "archive" and names[-1] == "release" and len(names) > 10, names)
    check("no run is open", step("silver_movies").returncode == 1 and "step archive" in step("silver_movies").stderr)
    check("unknown step", step("nonsense").returncode == 2)
    check("no name", step().returncode == 2)
    check("the first begins", step("archive").returncode == 0)
    early = step(names[5])
    check("out of order", early.returncode == 1 and names[1] in early.stderr, early.stderr)
    check("again does nothing", step("archive").returncode == 0)
    for name in names[1:]:
        if name in ("silver_movies", "export", "publish_lake"):
            killed = step(name, point=f"batch.{name}.done")
            check(f"{name} was killed", killed.returncode == -9, killed)
        done = step(name)
        check(f"{name} is done", done.returncode == 0, done.stderr)
    check("the last again", step(names[-1]).returncode == 0)
    check("the run is over", step(names[1]).returncode == 1)
    subprocess.run([marquee, "batch", "run", "--set", f"data.dir={whole}"], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    check("steps and run agree", checksums(manifest(steps)) == checksums(manifest(whole)) and checksums(manifest(whole)))


class OnePage(http.server.BaseHTTPRequestHandler):
    """An empty list, whatever is asked."""
    def do_GET(self):
        body = b'{"page":1,"results":[],"total_pages":1,"total_results":0}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


DAGS = (("ingestion", "check_api_health extract_movies extract_reviews extract_people validate_extraction store_bronze update_metadata"),
        ("transform", "wait deduplicate validate enrich sentiment write_silver quality"),
        ("aggregate", "genre trending temporal revenue sentiment_trends people write_gold export indexes"))


def check_dags(stream_replay, marquee, folder):
    """The mission's three graphs, step by step and some side by side, make the run that `batch run` makes; what isn't due is told from
    what failed."""
    dump, dags, whole = (os.path.join(folder, name) for name in ("dags.jsonl", "dags", "dags-whole"))
    make_dump(dump, "--seed", "5", "--records", "1500")
    os.mkdir(dags)
    subprocess.run([stream_replay, "--dir", dags, "--dump", dump, "--bus", "sqlite"], check=True, stdout=subprocess.DEVNULL)
    shutil.copytree(dags, whole)

    def start(name, *words):
        return subprocess.Popen([marquee, "batch", "step", name, *words, "--set", f"data.dir={dags}", "--set", "ingest.retry_max=0"],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "TMDB_API_KEY": "k"})

    def step(name, *words):
        child = start(name, *words)
        child.said = child.communicate()
        return child.returncode, child.said

    listed = step("--list", "--dags")[1][0].split("\n")
    check("the graphs are listed", [line.split()[0] for line in listed if line] == [f"{dag}.{name}" for dag, names in DAGS for name in names.split()],
          listed)
    with http.server.HTTPServer(("127.0.0.1", 0), OnePage) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base_url = f"tmdb.base_url=http://127.0.0.1:{server.server_port}/3"
        well = step("check_api_health", "--set", base_url)
        check("TMDB answers", well[0] == 0, well)
        server.shutdown()
    ill = step("check_api_health", "--set", base_url)
    check("TMDB doesn't answer", ill[0] == 1, ill)
    check("nothing to wait for", step("wait")[0] == 99 and step("genre")[0] == 99)
    check("movies and reviews came", step("extract_movies")[0] == 0 and step("ingestion.extract_reviews")[0] == 0)
    check("no answers came", step("extract_people")[0] == 99)
    check("the spool is sound", step("validate_extraction")[0] == 0)
    spool = os.path.join(dags, "lake", "spool", "movies", "1-1-1.jsonl.zst")
    os.makedirs(os.path.dirname(spool), exist_ok=True)
    with open(spool, "w", encoding="utf-8") as out:
        out.write("damaged")
    broken = step("validate_extraction")
    check("a damaged spool fails by name", broken[0] == 1 and "1-1-1.jsonl.zst" in broken[1][1], broken)
    os.unlink(spool)
    check("bronze", step("store_bronze")[0] == 0 and step("update_metadata")[0] == 0 and step("transform.wait", "--json")[0] == 0)
    check("silver isn't complete", step("transform.quality")[0] == 99)
    early = step("temporal")
    check("gold wants silver", early[0] == 1 and "silver_movies" in early[1][1], early)
    for name in DAGS[1][1].split()[1:]:
        code, said = step(f"transform.{name}")
        check(f"transform.{name}", code == 0, said)
    beside = [start(name) for name in ("revenue", "genre", "aggregate.people", "trending")]
    ends = [(child.communicate(), child.returncode) for child in beside]
    check("gold side by side", all(code == 0 for _, code in ends), ends)
    for name in DAGS[2][1].split():
        code, said = step(f"aggregate.{name}")
        check(f"aggregate.{name}", code == 0, said)
    check("the run is over", step("indexes")[0] == 99)
    check("no such graph", step("nowhere.genre")[0] == 2 and step("transform.genre")[0] == 2)
    run = subprocess.run([marquee, "batch", "run", "--if-due", "--set", f"data.dir={dags}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True)
    check("nothing is due", run.returncode == 99 and "the next run is due at" in run.stderr, run)
    subprocess.run([marquee, "batch", "run", "--if-due", "--set", f"data.dir={whole}"], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    check("graphs and run agree", checksums(manifest(dags)) == checksums(manifest(whole)) and checksums(manifest(whole)))


def check_as_of(batch_replay, marquee, folder):
    dump, data = os.path.join(folder, "as_of.jsonl"), os.path.join(folder, "as_of")
    make_dump(dump, "--seed", "8", "--records", "2500")
    os.mkdir(data)

    def replay(*more):
        subprocess.run([batch_replay, "--dir", data, "--dump", dump, *more], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def as_of(time):
        return subprocess.run([marquee, "batch", "run", "--as-of", time, "--json", "--set", f"data.dir={data}"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    check("nothing published", as_of("2026-01-02T00:00:00Z").returncode == 1)
    replay("--seed", "1", "--runs", "1")
    last = manifest(data)
    first = manifest(data, last["previous"])
    check("the runs differ", checksums(first) != checksums(last))
    done = as_of(moment(first["cut_at"]))
    check("as of the first run's cut", done.returncode == 0, done.stderr)
    if done.returncode:
        return
    found = manifest(data, json.loads(done.stdout)["run_id"])
    wrong = [name for name, sums in checksums(found).items() if sums != checksums(first)[name]]
    check("the same bytes as then", checksums(found) == checksums(first), wrong)
    check("nothing is published", manifest(data)["run_id"] == last["run_id"])
    replay("--seed", "2", "--runs", "3", "--set", "lake.partition_min=1GB")
    again = as_of(moment(first["cut_at"]))
    check("again after later runs", again.returncode == 0 and checksums(manifest(data, json.loads(again.stdout)["run_id"])) ==
          checksums(first), again.stderr)
    later = as_of("2027-01-01T00:00:00Z")
    check("after the cut", later.returncode == 1 and "isn't archived" in later.stderr, later.stderr)
    check("no time", as_of("yesterday").returncode == 2)


def check_limit(batch_replay, marquee, folder):
    dump, data = os.path.join(folder, "limit.jsonl"), os.path.join(folder, "limit")
    make_dump(dump, "--seed", "3", "--records", "2000", "--hours", "240")
    os.mkdir(data)
    subprocess.run([batch_replay, "--dir", data, "--dump", dump, "--seed", "3", "--runs", "12", "--set", "lake.bronze_retention=3d"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    reaches = manifest(data).get("bronze_from")
    done = subprocess.run([marquee, "batch", "run", "--as-of", moment(reaches or 0), "--set", f"data.dir={data}"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    before = backfill_into(marquee, data)("--start", moment(reaches or 0), "--end", moment(manifest(data)["cut_at"]))
    check("backfill beyond bronze", before.returncode == 1 and "reaches back to 20" in before.stderr and not instants(data), before.stderr)
    check("beyond bronze", reaches and done.returncode == 1 and "reaches back to 20" in done.stderr, done.stderr)


def instants(data):
    folder = os.path.join(data, "lake", "runs")
    return sorted(name for name in os.listdir(folder) if name.startswith("asof-"))


def backfill_into(marquee, data):
    def call(*words, point=None):
        environment = {**os.environ, **({"MARQUEE_FAILPOINT": point} if point else {})}
        return subprocess.run([marquee, "batch", "backfill", *words, "--json", "--set", f"data.dir={data}", "--set", "batch.interval=4h"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    return call


def check_backfill(batch_replay, marquee, folder):
    """Each instant at which a run was due, once, equal to what --as-of gives; after a kill it goes on; what is too old or too new is
    refused before anything is computed; a run removes rests, and what was computed too long ago."""
    dump, data = os.path.join(folder, "backfill.jsonl"), os.path.join(folder, "backfill")
    make_dump(dump, "--seed", "8", "--records", "1500")
    os.mkdir(data)
    subprocess.run([batch_replay, "--dir", data, "--dump", dump], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    backfill, last = backfill_into(marquee, data), manifest(data)
    four = 4 * 3600 * 1000
    end = last["cut_at"] // four * four
    wanted = [f"asof-{moment(end - i * four)[:19].replace('-', '').replace(':', '')}Z" for i in (2, 1, 0)]
    killed = backfill("--start", moment(end - 2 * four - 1), "--end", moment(end + 1), point="batch.as_of.saved:2")
    check("killed at its second instant", killed.returncode == -9 and instants(data) == wanted[:2], killed)
    rest = backfill("--start", moment(end - 2 * four - 1), "--end", moment(end + 1))
    check("goes on", rest.returncode == 0 and json.loads(rest.stdout) == {"instants": 3, "computed": 2}, rest)
    check("all instants", instants(data) == wanted, instants(data))
    found = checksums(manifest(data, wanted[1]))
    again = backfill("--start", moment(end - 2 * four), "--end", moment(end))
    check("nothing is left", again.returncode == 0 and json.loads(again.stdout) == {"instants": 3, "computed": 0}, again)
    shutil.rmtree(os.path.join(data, "lake", "runs", wanted[1]))
    alone = subprocess.run([marquee, "batch", "run", "--as-of", moment(end - four), "--set", f"data.dir={data}"],
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    check("as --as-of", alone.returncode == 0 and checksums(manifest(data, wanted[1])) == found and found, alone.stderr)
    later = backfill("--start", moment(end), "--end", moment(end + 3 * four))
    check("beyond the last cut", later.returncode == 1 and "isn't archived" in later.stderr and len(instants(data)) == 3, later)
    check("no instant", backfill("--start", moment(end + 1), "--end", moment(end + 2)).returncode == 1)
    check("no end", backfill("--start", moment(end)).returncode == 2)
    check("end before start", backfill("--start", moment(end), "--end", moment(end - four)).returncode == 2)
    check("no time", backfill("--start", "yesterday", "--end", moment(end)).returncode == 2)
    os.unlink(os.path.join(data, "lake", "runs", wanted[0], "computed.json"))
    subprocess.run([batch_replay, "--dir", data, "--dump", dump, "--set", "lake.past_retention=3650d"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    check("a rest is removed", instants(data) == wanted[1:], instants(data))
    path = os.path.join(data, "lake", "runs", wanted[1], "computed.json")
    with open(path, encoding="utf-8") as text:
        computed = json.load(text)
    with open(path, "w", encoding="utf-8") as text:
        json.dump({**computed, "computed_at": last["cut_at"] - 40 * 24 * 3600 * 1000}, text)
    subprocess.run([batch_replay, "--dir", data, "--dump", dump], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    check("what is old is removed", instants(data) == wanted[2:], instants(data))


def main():
    stream_replay, batch_replay, marquee = sys.argv[1:4]
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        check_steps(stream_replay, marquee, folder)
        check_dags(stream_replay, marquee, folder)
        check_as_of(batch_replay, marquee, folder)
        check_limit(batch_replay, marquee, folder)
        check_backfill(batch_replay, marquee, folder)
    print(f"failed: {failures or 'none'}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
