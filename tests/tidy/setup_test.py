"""Proves what tools/setup.sh promises: it is quick and silent when nothing is missing, says exactly what an
administrator must run where it may not install, refuses what does not match its checksum, and takes DuckDB's
release archive when that is in reach. Each case runs a copy of the script in a tree of its own, with every
command that could reach outside replaced by one that writes down how it was called."""
import functools
import hashlib
import http.server
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import zipfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
QUICK_S = 0.3
TRIES = 5  # the least of a few runs: the machine may be busy
# What the script itself is made of.
COMMANDS = ["bash", "cat", "dirname", "env", "flock", "grep", "head", "ls", "ln", "mkdir", "mktemp", "mv",
            "rm", "sed", "sha256sum", "stat", "tail", "tar", "timeout", "tr", "uname"]


class SetupTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root, self.bin = os.path.join(folder.name, "tree"), os.path.join(folder.name, "bin")
        self.calls = os.path.join(folder.name, "calls")
        shutil.copytree(os.path.join(ROOT, "tools", "deps"), os.path.join(self.root, "tools", "deps"))
        shutil.copy(os.path.join(ROOT, "tools", "setup.sh"), os.path.join(self.root, "tools"))
        os.mkdir(self.bin)
        for name in COMMANDS:
            os.symlink(shutil.which(name), os.path.join(self.bin, name))
        os.symlink(sys.executable, os.path.join(self.bin, "python3"))
        self.stub("id", "echo 1000")
        self.stub("ldconfig", "exit 1")
        for name in ("gcc", "make", "meson", "ninja", "pkg-config"):
            self.stub(name, "exit 0")

    def stub(self, name, body):
        path = os.path.join(self.bin, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\necho "{name} $*" >>"{self.calls}"\n{body}\n')
        os.chmod(path, 0o755)

    def run_setup(self, *args):
        return subprocess.run(
            [os.path.join(self.root, "tools", "setup.sh"), *args], env={"PATH": self.bin, "HOME": self.root},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60,
        )

    def called(self, name):
        if not os.path.exists(self.calls):
            return []
        with open(self.calls, encoding="utf-8") as file:
            return [line.strip() for line in file if line.startswith(name + " ")]

    def packages(self, text):
        """The whole package list: a check that passes needs nothing."""
        with open(os.path.join(self.root, "tools", "deps", "debian-packages.txt"), "w", encoding="utf-8") as file:
            file.write(text)

    def lock(self, **values):
        """Changes lines of duckdb.lock."""
        path = os.path.join(self.root, "tools", "deps", "duckdb.lock")
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        with open(path, "w", encoding="utf-8") as file:
            for line in lines:
                key = line.split("=")[0]
                file.write(f"{key}={values[key]}\n" if key in values else line + "\n")

    def empty_web(self):
        with open(os.path.join(self.root, "tools", "deps", "web.lock"), "w", encoding="utf-8"):
            pass

    def have_duckdb(self):
        """The real library and header, linked into the tree; skips where make setup has not run."""
        source, target = os.path.join(ROOT, ".deps", "duckdb"), os.path.join(self.root, ".deps", "duckdb")
        if not os.path.exists(os.path.join(source, "duckdb.h")):
            self.skipTest(".deps/duckdb is not there: make setup")
        os.makedirs(target, exist_ok=True)
        for name in ("libduckdb.so", "duckdb.h"):
            os.symlink(os.path.realpath(os.path.join(source, name)), os.path.join(target, name))

    def test_names_what_an_administrator_must_run(self):
        """No root, no sudo: exit 1 and the very apt-get line, with the missing packages only."""
        self.stub("apt-get", "exit 0")
        self.packages("build gcc cmd:gcc # there\nbuild libx-dev file:/no/such/x.h # missing\n"
                      "test curl cmd:no-such-curl # missing, but of another set\n")
        done = self.run_setup()
        self.assertEqual(done.returncode, 1)
        self.assertIn("apt-get update && apt-get install --no-install-recommends libx-dev\n", done.stderr)
        self.assertEqual(self.called("apt-get"), [])
        done = self.run_setup("--with", "test")
        self.assertIn("--no-install-recommends libx-dev curl\n", done.stderr)

    def test_installs_with_sudo(self):
        """Not root but sudo: apt-get goes through it, without questions and without recommended packages."""
        self.stub("sudo", 'exec "$@"')
        self.stub("apt-get", f'case "$*" in *install*) : >"{self.root}/x.h" ;; esac')
        self.packages(f"build libx-dev file:{self.root}/x.h # missing\n")
        self.have_duckdb()
        self.empty_web()
        done = self.run_setup()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("env DEBIAN_FRONTEND=noninteractive apt-get -q -y", self.called("sudo")[0])
        self.assertIn("install --no-install-recommends libx-dev", self.called("apt-get")[0])

    def test_asks_for_new_lists_once(self):
        """An install that fails is tried again after apt-get update; then the command is shown."""
        self.stub("sudo", 'exec "$@"')
        self.stub("apt-get", 'case "$*" in *install*) exit 100 ;; esac')
        self.packages("build libx-dev file:/no/such/x.h # missing\n")
        done = self.run_setup()
        self.assertEqual(done.returncode, 1)
        self.assertEqual([call.split()[5] for call in self.called("apt-get")], ["install", "update", "install"])
        self.assertIn("By hand:", done.stderr)

    def test_quick_when_nothing_is_missing(self):
        """The second run says nothing, calls no client and takes under 0.3 s."""
        self.have_duckdb()
        self.empty_web()
        self.packages("build gcc cmd:gcc # there\nbuild libx pc:x # there\n")
        self.assertEqual(self.run_setup().returncode, 0)
        took_s = []
        for _ in range(TRIES):
            started = time.monotonic()
            done = self.run_setup()
            took_s.append(time.monotonic() - started)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertLess(min(took_s), QUICK_S)
        self.assertEqual(self.called("apt-get") + self.called("npm") + self.called("cargo"), [])

    def test_a_changed_file_is_noticed(self):
        """A front-end file that no longer has its checksum is fetched again, and refused when npm's differs."""
        self.have_duckdb()
        self.packages("build gcc cmd:gcc # there\nnpm npm cmd:npm # there\n")
        good = b"let chart;\n"
        with open(os.path.join(self.root, "tools", "deps", "web.lock"), "w", encoding="utf-8") as file:
            file.write(f"chart@1.0.0 dist/c.js c.js {hashlib.sha256(good).hexdigest()}\n")
        npm = 'mkdir -p package/dist && printf "%s\\n" >package/dist/c.js && tar czf chart.tgz package && rm -r package'
        self.stub("npm", npm % "let chart;")
        os.symlink(shutil.which("gzip"), os.path.join(self.bin, "gzip"))
        file = os.path.join(self.root, ".deps", "web", "c.js")
        self.assertEqual(self.run_setup().returncode, 0)
        with open(file, "a", encoding="utf-8") as out:
            out.write("evil();\n")
        self.assertEqual(self.run_setup().returncode, 0)
        with open(file, "rb") as read:
            self.assertEqual(read.read(), good)
        os.remove(file)
        self.stub("npm", npm % "evil();")
        done = self.run_setup()
        self.assertEqual(done.returncode, 1)
        self.assertIn("is not the one that tools/deps/web.lock pins", done.stderr)
        self.assertFalse(os.path.exists(file))

    def serve(self, header):
        """A release archive with the real library and the given header (None: the real one) on the loopback."""
        folder = os.path.join(self.root, "release")
        os.mkdir(folder)
        with zipfile.ZipFile(os.path.join(folder, "libduckdb-linux-any.zip"), "w") as archive:
            for name in ("libduckdb.so", "duckdb.h"):
                archive.write(os.path.join(self.root, ".deps", "duckdb", name), name) if header is None or \
                    name != "duckdb.h" else archive.writestr(name, header)
        shutil.rmtree(os.path.join(self.root, ".deps", "duckdb"))
        handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
        handler.func.log_message = lambda *_: None
        server = http.server.HTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.lock(duckdb_release_url=f"http://127.0.0.1:{server.server_port}/libduckdb-linux-@ARCH@.zip",
                  duckdb_release_arch_x86_64="any", duckdb_release_arch_aarch64="any")

    def test_release_archive(self):
        """DuckDB's archive is taken when its header is the pinned one and its library reports the version."""
        self.packages("build gcc cmd:gcc # there\n")
        self.have_duckdb()
        self.empty_web()
        self.serve(None)
        done = self.run_setup()
        self.assertEqual((done.returncode, done.stderr), (0, "setup: DuckDB 1.5.5: DuckDB's release archive\n"))

    def test_nothing_fits(self):
        """An archive with another header is left out; with no client to ask, the text says what is needed."""
        self.packages("build gcc cmd:gcc # there\nnpm npm cmd:npm # there\n")
        self.have_duckdb()
        self.empty_web()
        self.stub("npm", "echo 'not in reach' >&2; exit 1")
        self.serve(b"/* another version */\n")
        done = self.run_setup()
        self.assertEqual(done.returncode, 1)
        for text in ("is not the one that tools/deps/duckdb.lock pins", "not in reach", "is not to be had",
                     "libduckdb.so, version 1.5.5", "duckdb.h, sha256 "):
            self.assertIn(text, done.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.root, ".deps", "duckdb", "duckdb.h")))

    def test_usage(self):
        """An unknown argument is exit code 2."""
        for args in (["--all"], ["--with"], ["--with", "npm"]):
            self.assertEqual(self.run_setup(*args).returncode, 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
