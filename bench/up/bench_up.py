#!/usr/bin/env python3
"""Measures `marquee up` from outside, beside DESIGN's budgets.

memory       the demo's load (built-in catalogue, three days backfilled, a batch run, 240 times as fast as the world): the
             peak and the steady resident memory of `up` over so many seconds, scheduled batch runs included; the batch
             child's peak beside it. Budget: under 100 MB.
cold start   from exec to the first 200 of /api/v1/movies with the data folder that is there; median of five. Budget:
             under 1 s. The files are in the system's cache: it is the program that is measured, not the disk.

usage: bench_up.py PROGRAM [--seconds N]       prints one line of numbers for each
"""
import argparse
import os
import re
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/scenario"))
import harness  # noqa: E402

MB = 1e6
MEMORY_BUDGET_MB, START_BUDGET_S = 100, 1.0
DEMO_SPEED, DEMO_DAYS = 240, "3"
STARTS = 5
SAMPLE_S = 0.25
REQUESTS = ("/api/v1/movies?limit=200", "/api/v1/analytics/genres", "/api/v1/runs")


def status_mb(pid, name):
    """VmRSS or VmHWM of a process, MB; 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            return int(re.search(rf"^{name}:\s+(\d+) kB", file.read(), re.M)[1]) * 1024 / MB
    except (FileNotFoundError, ProcessLookupError, TypeError):
        return 0


def children(pid):
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                found += [int(child) for child in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        text = file.read()
    return f"{re.search(r'model name[^:]*: *(.+)', text)[1]}, {text.count('processor' + chr(9))} cores"


def measure_memory(world, seconds):
    """Prints the line; asks as a page does meanwhile."""
    up = world.serve("up")
    pid, steady, child_peak, runs = up.process.pid, [], 0, set()
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        for path in REQUESTS:
            up.get(path)
        for child in children(pid):
            runs.add(child)
            child_peak = max(child_peak, status_mb(child, "VmHWM"))
        if time.monotonic() > ends - seconds / 2:
            steady.append(status_mb(pid, "VmRSS"))
        time.sleep(SAMPLE_S)
    peak = status_mb(pid, "VmHWM")
    used = sum(value for name, value in up.metrics().items() if name.startswith("marquee_stream_records_total"))
    up.stop()
    print(f"up memory: peak {peak:.0f} MB, steady {statistics.median(steady):.0f} MB (budget < {MEMORY_BUDGET_MB} MB: "
          f"{'met' if peak < MEMORY_BUDGET_MB else 'MISSED'}); batch child peak {child_peak:.0f} MB in {len(runs)} runs; "
          f"{seconds} s, {used:.0f} records")
    return peak < MEMORY_BUDGET_MB


def first_answer_s(world, *command):
    """Seconds from exec to the first 200. The port is free when it is chosen, so that it can be asked at once."""
    world.settings["serve.port"] = str(harness.free_port())
    started = time.monotonic()
    server = world.start(*command, kind=harness.Server)
    server.port = int(world.settings["serve.port"])
    while True:
        try:
            if server.request("/api/v1/movies?limit=1")[0] == 200:
                break
        except OSError:
            pass
        if time.monotonic() - started > harness.START_TIMEOUT_S or not server.running():
            raise AssertionError(f"no answer: {server.output()[-1000:]}")
        time.sleep(0.002)
    took = time.monotonic() - started
    server.stop()
    del world.settings["serve.port"]
    return took


def measure_start(world):
    times = sorted(first_answer_s(world, "up") for _ in range(STARTS))
    median = statistics.median(times)
    print(f"up cold start to the first answer: median {median * 1000:.0f} ms of {STARTS} (least {times[0] * 1000:.0f}, most "
          f"{times[-1] * 1000:.0f}; budget < {START_BUDGET_S * 1000:.0f} ms: "
          f"{'met' if median < START_BUDGET_S else 'MISSED'})")
    return median < START_BUDGET_S


def main():
    parser = argparse.ArgumentParser(description="Memory and cold start of marquee up.")
    parser.add_argument("program")
    parser.add_argument("--seconds", type=int, default=90)
    arguments = parser.parse_args()
    harness.MARQUEE = os.path.abspath(arguments.program)
    print(f"machine: {machine()}")
    with harness.World(None, "2026-03-12T11:30:00Z", DEMO_SPEED) as world:
        world.simulator("--seed", "1")
        world.must("run", "ingest", "--backfill", DEMO_DAYS, timeout_s=600)
        world.must("batch", "run", timeout_s=600)
        met = measure_memory(world, arguments.seconds)
        met = measure_start(world) and met
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
