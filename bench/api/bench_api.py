#!/usr/bin/env python3
"""Requests a second and CPU a request of /api/v1/movies/{id}, beside a constant answer by the same HTTP wrapper and beside
FastAPI from memory, one after the other in turns; medians over the rounds. Load: wrk on the same machine.

usage: bench_api.py BUILD [--rounds N] [--seconds N] [--connections N]
"""
import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
TICKS = os.sysconf("SC_CLK_TCK")
START_S = 60


class Server:
    def __init__(self, name, command, port=None, env=None):
        self.name, self.rates, self.costs, self.latencies = name, [], [], []
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env,
                                        stderr=None if port is None else subprocess.DEVNULL)
        self.port = port or int(self.process.stdout.readline())

    def get(self):
        for _ in range(START_S * 10):
            try:
                return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/movies/8", timeout=10).read()
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"{self.name} does not answer")

    def cpu_s(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def measure(self, seconds, connections):
        before = self.cpu_s()
        out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", f"{HERE}/movies.lua",
                              f"http://127.0.0.1:{self.port}"], capture_output=True, text=True, check=True).stdout
        if "Non-2xx" in out or "Socket errors" in out:
            raise RuntimeError(f"{self.name}:\n{out}")
        requests = int(re.search(r"(\d+) requests in", out)[1])
        self.rates.append(float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]))
        self.costs.append((self.cpu_s() - before) / requests * 1e6)
        self.latencies.append(re.search(r"99%\s+(\S+)", out)[1])

    def stop(self):
        self.process.stdin.close()
        if self.name == "FastAPI":
            self.process.terminate()
        self.process.wait(20)


def peer_python(build):
    """A venv with FastAPI, made where pip has it; None with a word where not."""
    python = os.path.join(build, "bench-venv", "bin", "python")
    if os.path.exists(python):
        return python
    print("making a venv with fastapi and uvicorn", file=sys.stderr)
    made = subprocess.run([sys.executable, "-m", "venv", os.path.join(build, "bench-venv")], check=False)
    if made.returncode == 0:
        made = subprocess.run([python, "-m", "pip", "-q", "install", "fastapi", "uvicorn", "uvloop", "httptools"], check=False)
    if made.returncode != 0:
        shutil.rmtree(os.path.join(build, "bench-venv"), ignore_errors=True)
        print("FastAPI is left out: pip does not have it", file=sys.stderr)
        return None
    return python


def free_port():
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("build")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    arguments = parser.parse_args()
    if not shutil.which("wrk"):
        print("wrk is missing: install Debian's package wrk", file=sys.stderr)
        return 1
    program = os.path.join(arguments.build, "bench", "api", "bench_api_server")
    servers = []
    with tempfile.TemporaryDirectory(prefix="marquee-bench-api-") as folder:
        data = os.path.join(folder, "data")
        os.mkdir(data)
        try:
            servers.append(Server("cached", [program, "api", data, "16MB"]))
            body = servers[0].get()
            with open(os.path.join(folder, "body.json"), "wb") as file:
                file.write(body)
            servers.append(Server("cache.size 0B", [program, "api", data, "0B"]))
            servers.append(Server("constant", [program, "constant", file.name]))
            python = peer_python(arguments.build)
            if python:
                port = free_port()
                servers.append(Server("FastAPI", [python, "-m", "uvicorn", "--app-dir", HERE, "peer:app", "--port", str(port),
                                                  "--no-access-log", "--log-level", "warning"],
                                      port, {**os.environ, "PEER_MOVIE": file.name}))
            for server in servers:
                server.get()
            for _ in range(arguments.rounds):
                for server in servers:
                    server.measure(arguments.seconds, arguments.connections)
        finally:
            for server in servers:
                server.stop()
    floor = statistics.median(next(server for server in servers if server.name == "constant").costs)
    print(f"body {len(body)} bytes, {arguments.connections} connections, {arguments.rounds} rounds of {arguments.seconds} s")
    print(f"{'server':14} {'req/s':>9} {'CPU us/req':>11} {'of constant':>12} {'p99':>9}")
    for server in servers:
        cost = statistics.median(server.costs)
        print(f"{server.name:14} {statistics.median(server.rates):9.0f} {cost:11.1f} {cost / floor:12.2f} {sorted(server.latencies)[len(server.latencies) // 2]:>9}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
