#!/usr/bin/env python3
"""Compares vader_score with the reference, vaderSentiment 3.3.2, and wants no difference at all.

    differential.py --pipe BUILD/tests/sentiment/vader_pipe --venv VENV [--count N | --long] [--seed S]

Texts: all of MARQUEE_SHARED's human-rated sets and reviews (when they are there), each kept
regression case, and seeded fuzz (20,000 texts, with --long 1,000,000). Scores are compared as
doubles, sign of zero included. A difference is printed, made small, and, if its text was made up
by us, kept in regressions.jsonl, which the unit test replays for ever. Exit code 77: skipped.
"""
import argparse
import json
import multiprocessing
import os
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
REGRESSIONS = os.path.join(HERE, "regressions.jsonl")
SKIPPED = 77
BATCH = 2000
REPORTED_MAX = 20
KEYS = ("neg", "neu", "pos", "compound")


class Ours:
    """The binary under test, behind a pipe."""

    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def scores(self, texts):
        result = []
        for start in range(0, len(texts), 100):  # few enough that the answers fit into the pipe
            part = texts[start : start + 100]
            self.process.stdin.write(b"".join(struct.pack("=I", len(t)) + t for t in part))
            self.process.stdin.flush()
            raw = self.process.stdout.read(32 * len(part))
            if len(raw) != 32 * len(part):
                sys.exit(f"vader_pipe ended: {self.process.wait()}; first text {part[0]!r}")
            result += [raw[i : i + 32] for i in range(0, len(raw), 32)]
        return result


class Pair:
    """Both implementations; one a process."""

    def __init__(self, pipe, shared):
        from vaderSentiment import vaderSentiment as reference
        from fuzz_texts import Texts

        self.analyzer = reference.SentimentIntensityAnalyzer()
        self.ours = Ours(pipe)
        self.corpus = [text for _, text in corpus(shared)]
        self.texts = Texts(reference, self.analyzer, self.corpus)

    def reference(self, text):
        scores = self.analyzer.polarity_scores(text.decode("utf-8", "replace"))
        return struct.pack("=4d", *(scores[key] for key in KEYS))

    def differences(self, texts):
        ours = self.ours.scores(texts)
        return [i for i, text in enumerate(texts) if self.reference(text) != ours[i]]

    def shrink(self, text):
        """Drops words, then bytes, as long as the two still differ."""
        differs = lambda candidate: bool(self.differences([candidate]))
        for parts, glue in ((text.split(b" "), b" "), (None, b"")):
            parts = parts or [text[i : i + 1] for i in range(len(text))]
            step = len(parts)
            while step:
                at = 0
                while at < len(parts):
                    candidate = parts[:at] + parts[at + step :]
                    if candidate and differs(glue.join(candidate)):
                        parts = candidate
                    else:
                        at += step
                step //= 2
            text = glue.join(parts)
        return text


def corpus(shared):
    """(name, text) of every text under shared/data."""
    for name in ("tweets", "amazon_review_snippets", "movie_review_snippets_train"):
        path = os.path.join(shared, "data/sentiment", name + ".tsv")
        if os.path.exists(path):
            with open(path, encoding="utf-8", errors="replace", newline="\n") as lines:
                for line in lines:
                    fields = line.rstrip("\n").split("\t", 2)
                    yield f"{name} {fields[0]}", fields[2]
    path = os.path.join(shared, "data/tmdb/reviews.jsonl")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                review = json.loads(line)
                # A lone surrogate isn't UTF-8; no such review is known.
                yield f"review {review['id']}", review["content"].encode("utf-8", "replace").decode()


PAIR = None


def start(pipe, shared):
    global PAIR
    PAIR = Pair(pipe, shared)


def run_batch(job):
    """(texts compared, how many differ, some of these: made up, made small, both scores)."""
    kind, number, count = job
    if kind == "corpus":
        texts = [(t.encode(), False) for t in PAIR.corpus[number : number + count]]
    else:
        texts = list(PAIR.texts.texts(number, count))
    found = []
    different = PAIR.differences([text for text, _ in texts])
    for i in different[:REPORTED_MAX]:
        small = PAIR.shrink(texts[i][0])
        found.append((texts[i][1], small, struct.unpack("=4d", PAIR.reference(small)),
                      struct.unpack("=4d", PAIR.ours.scores([small])[0])))
    return len(texts), len(different), found


def case_of(text, expected):
    """One line of cases.jsonl and regressions.jsonl: `hex` where the text isn't UTF-8."""
    try:
        return {"text": text.decode(), "expected": expected}
    except UnicodeDecodeError:
        return {"hex": text.hex(), "expected": expected}


def keep(text, expected):
    line = json.dumps(case_of(text, expected)) + "\n"
    with open(REGRESSIONS, "a+", encoding="ascii") as cases:
        cases.seek(0)
        if line not in cases.readlines():
            cases.write(line)


PROBE = """import sys, unicodedata, vaderSentiment
sys.exit(sys.version_info[:2] != (3, 11) or unicodedata.unidata_version != "14.0.0")"""


def enter_python_with_reference(venv):
    """Runs this script again by a Python that has the reference: MARQUEE_PYTHON (make setup's), or
    that of the folder `venv`, which venv.sh makes when it isn't there."""
    ready = [os.environ.get("MARQUEE_PYTHON", ""), os.path.join(venv, "bin/python3")]
    if os.environ.get("MARQUEE_DIFFERENTIAL"):
        return
    for attempt in range(2):
        for python in ready:
            if os.access(python, os.X_OK):
                probe = subprocess.run([python, "-c", PROBE], stderr=subprocess.DEVNULL, check=False)
                if probe.returncode == 0:
                    os.environ["MARQUEE_DIFFERENTIAL"] = "1"
                    os.execv(python, [python, *sys.argv])
        if attempt == 0 and subprocess.run(["sh", os.path.join(HERE, "venv.sh"), venv], check=False).returncode:
            break
    print("skipped: no Python 3.11 with vaderSentiment 3.3.2 (make setup, or see above)")
    sys.exit(SKIPPED)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pipe", required=True)
    parser.add_argument("--venv", required=True)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--long", action="store_true", help="1,000,000 texts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    enter_python_with_reference(args.venv)
    count = 1_000_000 if args.long else args.count
    shared = os.environ.get("MARQUEE_SHARED", os.path.join(HERE, "../../../shared"))

    real = sum(1 for _ in corpus(shared))
    if not real:
        print("no shared data: fuzz from the grammar only")
    jobs = [("corpus", at, BATCH) for at in range(0, real, BATCH)]
    for at in range(0, count, BATCH):
        jobs.append(("fuzz", f"{args.seed}.{at}", min(BATCH, count - at)))
    done, different, shown, began = 0, 0, 0, time.monotonic()
    with multiprocessing.Pool(args.processes, start, (args.pipe, shared)) as pool:
        for texts, batch_different, found in pool.imap_unordered(run_batch, jobs):
            done += texts
            different += batch_different
            for made_up, text, expected, got in found:
                if shown < REPORTED_MAX:
                    print(f"DIFFERENT {text!r}\n  reference {expected}\n  ours      {got}", flush=True)
                    shown += 1
                    if made_up:
                        keep(text, expected)
    seconds = time.monotonic() - began
    print(f"{done} texts ({real} real, {done - real} fuzz, seed {args.seed}), {different} differences, {seconds:.0f} s")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
