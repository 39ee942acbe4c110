"""The engine killed with SIGKILL at each named fail point of a commit and at random moments, on the SQLite bus: after the
restarts its tables equal the oracle's on the whole log, row for row, as if nothing had happened.

usage: kill_test.py STREAM_REPLAY [--seed N] [--cluster [--topic]]

With --cluster the engine is the one for Kafka, two processes of it over a fake group that die together;
with --topic its rows go to a topic in the commit's transaction.

A seed that fails is printed and replays exactly, but for the random moments. The test fails too when a kill never came."""
import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile

import oracle_test

RECORDS = 2500
RANDOM_KILLS = 10
PASSAGE_MAX = 3          # a fail point's passage that kills: small, so that all find their commits in one log
MOMENT_MAX_S = 0.06


def failpoints(cluster):
    """The names as the engine's source lists them."""
    path, name = (("stream_cluster_commit.c", "stream_cluster_failpoints") if cluster else
                  ("stream.c", "stream_failpoints"))
    with open(os.path.join(oracle_test.ROOT, "src/stream", path), encoding="utf-8") as source:
        listed = re.search(name + r"\[\] = \{(.*?)NULL", source.read(), re.S).group(1)
    names = re.findall(r'"(stream\.[a-z]+\.[a-z]+)"', listed)
    if len(names) < 8:
        raise AssertionError(f"only {names} found")
    return names


def live(command, failpoint=None, moment_s=None):
    """One life of the process: (killed, output)."""
    environment = dict(os.environ)
    environment.pop("MARQUEE_FAILPOINT", None)
    if failpoint:
        environment["MARQUEE_FAILPOINT"] = failpoint
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        text, _ = process.communicate(timeout=moment_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return True, None
    if process.returncode == -signal.SIGKILL:
        return True, None
    if process.returncode:
        raise AssertionError(f"{command} ended with {process.returncode}")
    return False, text


def run_killed(name, replay, seed, plan, path, folder, mode):
    """Lives through the plan of deaths, then to the end. Returns the tables' text and how many deaths came."""
    data = os.path.join(folder, name)
    os.mkdir(data)
    deaths = 0
    for number, death in enumerate(plan):
        command = [replay, "--dir", data, "--dump", path, "--bus", "sqlite", "--seed",
                   str(seed * 1000 + number)] + mode
        killed, text = live(command, **death)
        deaths += killed
        if not killed:
            return text, deaths
    killed, text = live([replay, "--dir", data, "--dump", path, "--bus", "sqlite", "--seed", str(seed)] + mode)
    if killed:
        raise AssertionError("killed by nobody")
    return text, deaths


def differences(text, path):
    now, events = oracle_test.last_append(path, [])
    rows, classes = oracle_test.oracle_rows(path, [], now)
    good = [events[(f"{row['topic']}/{row['partition']}", row["offset"])] for row in classes if row["class"] != "bad"]
    highest = max(good + [now])
    expected = oracle_test.by_key(rows)
    found = oracle_test.by_key(oracle_test.engine_rows(text, highest))
    wrong = sum(oracle_test.compare(table, expected[table], found[table]) for table in sorted(expected))
    return wrong + oracle_test.hour_counts_wrong(text, classes, events, highest)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("replay")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cluster", action="store_true")
    parser.add_argument("--topic", action="store_true")
    parser.add_argument("-v", action="store_true", help="accepted and ignored: run.sh gives it")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    names, mode = failpoints(args.cluster), ["--cluster", "2"] + ["--topic"] * args.topic if args.cluster else []
    named = [{"failpoint": f"{name}:{rng.randint(1, PASSAGE_MAX)}"} for name in names]
    rng.shuffle(named)
    passages = [{"failpoint": f"{rng.choice(names)}:{rng.randint(1, 3 * PASSAGE_MAX)}"} for _ in range(RANDOM_KILLS)]
    moments = [{"moment_s": rng.uniform(0.002, MOMENT_MAX_S)} for _ in range(RANDOM_KILLS)]
    failed = False
    room = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None   # memory survives SIGKILL, and syncs cost nothing
    with tempfile.TemporaryDirectory(dir=room) as folder:
        path = os.path.join(folder, "log.jsonl")
        oracle_test.make_log(args.seed, RECORDS, path)
        for name, plan in (("named", named), ("passages", passages), ("moments", moments)):
            text, deaths = run_killed(name, args.replay, args.seed, plan, path, folder, mode)
            wrong = differences(text, path)
            # A random moment may come after the end on a fast machine; a fail point is always passed.
            enough = deaths >= (1 if name == "moments" else len(plan))
            print(f"{name}: {deaths} of {len(plan)} kills, {wrong} rows differ")
            failed = failed or wrong > 0 or not enough
    if failed:
        print(f"failed with --seed {args.seed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
