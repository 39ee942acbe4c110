#!/usr/bin/env python3
"""Times the reference (here, in Python) and bench_sentiment in turn, A B A B, on one core.

Prints for each set the median of the rounds: texts and MB a second of processor time (the machine may
be shared) of both, their ratio, ticks of the time stamp counter a byte; and stops if the two checksums of all compounds differ.
"""
import argparse
import datetime
import os
import platform
import statistics
import struct
import subprocess
import sys
import tempfile
import time

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

import texts

ROUNDS, SECONDS = 5, 1.0
QUICK_ROUNDS, QUICK_SECONDS, QUICK_TEXTS = 1, 0.05, 200


def machine():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def one_core():
    """Both sides run on the last core that this process may use."""
    if hasattr(os, "sched_setaffinity"):
        core = max(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {core})
        return f"core {core}"
    return "any core"


def time_reference(analyzer, batch, seconds):
    """(texts/s, checksum): whole passes until the time is over."""
    done, checksum, began = 0, 0, time.process_time()
    while True:
        checksum = sum(round(analyzer.polarity_scores(text)["compound"] * 10000) for text in batch)
        done += len(batch)
        took = time.process_time() - began
        if took >= seconds:
            return done / took, checksum


def time_ours(bench, path, seconds):
    """(texts/s, ticks a byte, checksum)"""
    done = subprocess.run([bench, path, str(seconds)], check=True, stdout=subprocess.PIPE)
    count, size, passes, took, ticks, checksum = done.stdout.split()
    return int(count) * int(passes) / float(took), int(ticks) / int(size) / int(passes), int(checksum)


def compare(analyzer, args, folder, name, batch):
    path = os.path.join(folder, "frames")
    raw = [text.encode("utf-8", "replace") for text in batch]
    with open(path, "wb") as out:
        out.write(b"".join(struct.pack("=I", len(t)) + t for t in raw))
    size = sum(map(len, raw))
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if args.quick else (ROUNDS, SECONDS)
    theirs, ours, ticks, ratios = [], [], [], []
    for _ in range(rounds):
        their_rate, their_sum = time_reference(analyzer, batch, seconds)
        our_rate, our_ticks, our_sum = time_ours(args.bench, path, seconds)
        if their_sum != our_sum:
            sys.exit(f"{name}: checksums differ: reference {their_sum}, ours {our_sum}")
        theirs.append(their_rate)
        ours.append(our_rate)
        ticks.append(our_ticks)
        ratios.append(our_rate / their_rate)
    mb = size / len(batch) / 1e6
    a, b = statistics.median(theirs), statistics.median(ours)
    print(f"{name:<16} {len(batch):>6} {size / len(batch):>7.0f} {a:>10.0f} {a * mb:>7.2f} {b:>11.0f} {b * mb:>7.1f}"
          f" {statistics.median(ratios):>6.0f}x {statistics.median(ticks):>7.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bench", required=True)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    analyzer = SentimentIntensityAnalyzer()
    print(f"{machine()}, {one_core()}, Python {platform.python_version()}, {datetime.date.today()}")
    print(f"{'':<16} {'':>6} {'bytes':>7} {'reference':>18} {'marquee':>19} {'':>7} {'ticks':>7}")
    print(f"{'':<16} {'texts':>6} {'a text':>7} {'texts/s':>10} {'MB/s':>7} {'texts/s':>11} {'MB/s':>7} {'ratio':>7}"
          f" {'a byte':>7}")
    with tempfile.TemporaryDirectory() as folder:
        for name, rows in texts.all_sets():
            batch = [row[3] for row in rows]
            compare(analyzer, args, folder, name, batch[:QUICK_TEXTS] if args.quick else batch)


if __name__ == "__main__":
    main()
