#!/usr/bin/env python3
"""The tidy test: what no compiler checks about the source tree itself.

usage: tidy.py [--root DIR] [--build DIR] [--list]

Each rule is a function that yields findings, `path:line: what is wrong; what to do`. A finding fails the test, a
warning is only shown, a rule that cannot look (no binary yet, no clang-format) says why it was skipped.
tidy_test.py plants a violation of every rule in a small tree, so that each is known to bite.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
from functools import cached_property

import csource

LINE_COLUMNS_MAX = 100
FILE_LINES_COMFORT = 600
FILE_LINES_MAX = 1000
CLANG_FORMAT_MAJOR = "14"  # Debian bookworm's; other versions lay some lines out otherwise
COMMAND_TIMEOUT_S = 60

# What each folder of src may include besides itself. One way: base <- net <- model <- bus, lake, speed, view <-
# ingest, events, stream, batch, serve <- cli. Stages meet only at bus, lake, speed and view.
MODEL = {"base", "net", "model"}
MEETING = MODEL | {"bus", "lake", "speed", "view"}
MAY_INCLUDE = {
    "base": set(),
    "sentiment": {"base"},
    "net": {"base"},
    "cql": {"base", "net"},
    "model": {"base", "net"},
    "bus": MODEL,
    "lake": MODEL,
    "speed": MODEL | {"cql"},
    "view": MODEL | {"speed"},  # sync copies the speed store's rows
    "tmdb_sim": MODEL,
    "ingest": MEETING,
    "events": {"base", "model", "bus", "lake", "view"},
    "stream": MEETING | {"sentiment"},
    "batch": MEETING | {"sentiment"},
    "serve": MEETING,
    "doctor": MEETING | {"stream"},
    "cli": MEETING | {"sentiment", "tmdb_sim", "ingest", "events", "stream", "batch", "serve", "doctor"},
    "": {"base", "cli"},  # src/main.c
}
# A test may also start the simulator that stands in for TMDB.
TEST_MAY_INCLUDE = {"tmdb_sim"}

# name: why not, or what instead. Called anywhere in our C.
BANNED_CALLS = {
    "strcpy": "g_strlcpy, or GString",
    "strcat": "g_strlcat, or GString",
    "sprintf": "g_snprintf, or g_strdup_printf",
    "vsprintf": "g_vsnprintf, or g_strdup_vprintf",
    "gets": "fgets with a limit",
    "system": "posix_spawn with an argument list",
    "popen": "posix_spawn with an argument list",
    "atoi": "g_ascii_string_to_signed: it reports errors",
    "atol": "g_ascii_string_to_signed: it reports errors",
    "atof": "g_ascii_strtod, and look at the end pointer",
    "strtok": "g_strsplit, or strchr",
    "alloca": "the arena",
    "g_alloca": "the arena",
    "g_newa": "the arena",
}
CLOCK_FILES = ("src/base/clock.c", "src/base/clock_test.c")
BANNED_TIME = {
    name: "only base/clock.c knows the time: take a struct clock, or its monotonic functions"
    for name in (
        "time", "gettimeofday", "clock_gettime", "g_get_real_time", "g_get_monotonic_time",
        "g_date_time_new_now", "g_date_time_new_now_utc", "g_date_time_new_now_local",
        "sleep", "usleep", "nanosleep", "clock_nanosleep", "g_usleep",
    )
}
BANNED_LOCKS = re.compile(
    r"\b(GMutex|GRecMutex|GRWLock|GCond|GAsyncQueue|GThreadPool|g_mutex_\w+|g_cond_\w+|g_async_queue_\w+)\b"
)
TEXT_SUFFIXES = (
    ".c", ".h", ".def", ".py", ".sh", ".sql", ".cql", ".avsc", ".json", ".yaml", ".yml", ".md", ".js", ".css",
    ".html", ".build", ".txt", ".lock", ".run",
)
# Written in two parts, so that this file does not find itself.
MACHINE_PATHS = re.compile(r"(?<![\w.>-])/(?:wor" r"k|roo" r"t|hom" r"e)/")
REGISTRY_HOSTS = re.compile(
    r"\b(?:registry\.npm" r"js\.org|py" r"pi\.org|files\.python" r"hosted\.org|(?:index|static)\.crates" r"\.io|"
    r"deb\.debian" r"\.org|proxy\.golang" r"\.org|repo1?\.maven)"
)
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
# A statement that belongs in a .sql file, or a page that belongs under web/.
DATA_IN_STRING = re.compile(
    r"^\s*(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|WITH|MERGE|REPLACE)\s"
    r"|\bCREATE\s+(?:TABLE|VIEW|INDEX)\b|\bINSERT\s+INTO\b|\bSELECT\b.*\bFROM\b"
    r"|<(?:html|!doctype|body|div|table|script)\b|\\\"type\\\"\s*:\s*\\\"record\\\"",
    re.I,
)
SQL_UPPER = re.compile(r"\b(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|WITH|MERGE|REPLACE)\b")
# Folders at the root that are not source, where git is not there to say so.
NOT_OURS = (".git", ".deps", "build", "marquee-data")
GENERATED_MARK = "Made by tools/"
# Document: the command that prints it.
GENERATED_DOCS = {
    "docs/CONFIGURATION.md": ["config", "reference"],
    "docs/METRICS.md": ["config", "metrics"],
}


class Tree:
    """The files of the project: what git knows or would know, else (a fixture) all of the folder."""

    def __init__(self, root, build=None):
        self.root, self.build = os.path.abspath(root), build

    @cached_property
    def files(self):
        names = self.git_files() if self.has(".git") and shutil.which("git") else None
        if names is None:
            names = []
            for folder, folders, entries in os.walk(self.root):
                inside = os.path.relpath(folder, self.root)
                if inside == ".":
                    folders[:] = [name for name in folders if not name.startswith(NOT_OURS)]
                folders[:] = [name for name in folders if name != "__pycache__"]
                names += [os.path.normpath(os.path.join(inside, name)) for name in entries]
        return sorted(name for name in set(names) if name and os.path.isfile(os.path.join(self.root, name)))

    def git_files(self):
        """Tracked and new files; None where git will not say (a tree of another user, no repository)."""
        done = subprocess.run(
            ["git", "-C", self.root, "ls-files", "-co", "--exclude-standard", "-z"],
            capture_output=True, text=True, check=False, timeout=COMMAND_TIMEOUT_S,
        )
        return done.stdout.split("\0") if done.returncode == 0 else None

    def has(self, name):
        return os.path.exists(os.path.join(self.root, name))

    def read(self, name):
        if name not in self.texts:
            with open(os.path.join(self.root, name), encoding="utf-8", errors="replace") as file:
                self.texts[name] = file.read()
        return self.texts[name]

    @cached_property
    def texts(self):
        return {}

    def source(self, name):
        """csource.split of a file, once."""
        if name not in self.sources:
            self.sources[name] = csource.split(self.read(name))
        return self.sources[name]

    @cached_property
    def sources(self):
        return {}

    @cached_property
    def c_files(self):
        return [name for name in self.files if name.endswith((".c", ".h"))]

    @cached_property
    def text_files(self):
        return [
            name for name in self.files
            if name.endswith(TEXT_SUFFIXES) or "." not in os.path.basename(name).lstrip(".")
        ]

    @cached_property
    def src_folders(self):
        return sorted({name.split("/")[1] for name in self.c_files if name.startswith("src/") and name.count("/") > 1})

    @cached_property
    def marquee(self):
        """The built program, or None."""
        for name in ("src/cli/marquee", "src/marquee", "marquee"):
            path = os.path.join(self.build, name) if self.build else ""
            if path and os.access(path, os.X_OK) and os.path.isfile(path):
                return path
        return None


class Skipped(Exception):
    """The rule cannot look here; the text says why."""


def is_test(name):
    return name.endswith(("_test.c", "_contract.c", "_test.h", "_contract.h")) or name.startswith(("tests/", "fuzz/"))


def lines_of(text, pattern):
    for number, line in enumerate(text.splitlines(), 1):
        match = pattern.search(line)
        if match:
            yield number, match


def include_direction(tree):
    """Includes point one way."""
    for name in tree.c_files:
        if not name.startswith("src/"):
            continue
        parts = name.split("/")
        folder = parts[1] if len(parts) > 2 else ""
        if folder not in MAY_INCLUDE:
            yield f"{name}:1: src/{folder} has no place in the order; add it to MAY_INCLUDE in tests/tidy/tidy.py"
            continue
        allowed = MAY_INCLUDE[folder] | {folder} | (TEST_MAY_INCLUDE if is_test(name) else set())
        for line, path in csource.includes(tree.read(name)):
            target = path.split("/")[0]
            if "/" not in path:
                yield f'{name}:{line}: "{path}" names no folder; write "folder/{path}"'
            elif target not in allowed:
                yield f"{name}:{line}: src/{folder or 'main.c'} may not include {target}/; it may include " + (
                    ", ".join(sorted(allowed - {folder})) or "nothing else")


def dead_sources(tree):
    """Every C file and Python test is in a meson.build, every header is included."""
    builds = {name: tree.read(name) for name in tree.files if os.path.basename(name) == "meson.build"}
    included = {path for name in tree.c_files for _, path in csource.includes(tree.read(name))}
    included |= {path for name in tree.files if name.endswith(".def") for _, path in csource.includes(tree.read(name))}
    for name in tree.files:
        folder, base = os.path.split(name)
        if name.endswith(".c") or (name.startswith("tools/") and name.endswith("_test.py")):
            near = [
                text for build, text in builds.items()
                if name.startswith(os.path.dirname(build)) or name.startswith("tools/")
            ]
            names = (base, base.removesuffix(".c"), base.removesuffix("_test.c"), base.removeprefix("fuzz_").removesuffix(".c"))
            if not any(re.search(r"[/']" + re.escape(word) + r"'", text) for text in near for word in names):
                yield f"{name}:1: no meson.build names it; build it or remove it"
        elif name.startswith("src/") and name.endswith((".h", ".def")):
            if name.removeprefix("src/") not in included:
                yield f"{name}:1: nobody includes it; use it or remove it"


def dead_data(tree):
    """What is compiled in (contracts, sql, web) and every tool is named by something."""
    watched = [
        name for name in tree.files
        if name.startswith(("contracts/", "sql/", "web/", "tools/")) and not name.startswith("tools/deps/")
        and not name.endswith((".md", "_test.py", "meson.build"))
    ]
    readers = [name for name in tree.text_files if not name.startswith("docs/") and name != "CHANGELOG.md"]
    for name in watched:
        base = os.path.basename(name)
        stem = base.rsplit(".", 1)[0]
        # "movie.ratings" stands for contracts/avro/movie.ratings.avsc, "oracle" for tools/oracle.py.
        word = re.compile(r"(?<![\w-])" + re.escape(stem) + r"(?![\w-])")
        if not any(reader != name and word.search(tree.read(reader)) for reader in readers):
            yield f"{name}:1: nothing names it; use it or remove it"


def missing_tools(tree):
    """Every script that a task calls is there."""
    for name in ("Makefile", ".ci/run"):
        if tree.has(name):
            for line, match in lines_of(tree.read(name), re.compile(r"(?<![\w/.])(tools/[\w./-]+\w)")):
                if not tree.has(match[1]):
                    yield f"{name}:{line}: there is no {match[1]}"


def banned_calls(tree):
    """No call that is unsafe, or that hides time, or a lock that the thread sanitizer misreads."""
    banned = re.compile(r"(?<![\w.>])(" + "|".join(BANNED_CALLS) + r")\s*\(")
    timed = re.compile(r"(?<![\w.>])(" + "|".join(BANNED_TIME) + r")\s*\(")
    for name in tree.c_files:
        code, _ = tree.source(name)
        for line, match in lines_of(code, banned):
            yield f"{name}:{line}: {match[1]}(); instead: {BANNED_CALLS[match[1]]}"
        if name not in CLOCK_FILES:
            for line, match in lines_of(code, timed):
                yield f"{name}:{line}: {match[1]}(); {BANNED_TIME[match[1]]}"
        for line, match in lines_of(code, BANNED_LOCKS):
            yield f"{name}:{line}: {match[1]}; locks and queues between threads are pthreads (base/queue.h)"


def file_sizes(tree):
    """No file that cannot be held in the head."""
    for name in tree.c_files:
        text = tree.read(name)
        count = text.count("\n")
        if not name.startswith("src/") or GENERATED_MARK in text[:400]:
            continue
        if count > FILE_LINES_MAX:
            yield f"{name}:{count}: over {FILE_LINES_MAX} lines; find the second noun"
        elif count > FILE_LINES_COMFORT:
            yield f"warning: {name}: {count} lines; past {FILE_LINES_COMFORT} look for the second noun"


def line_lengths(tree):
    """No line of C over 100 columns."""
    for name in tree.c_files:
        text = tree.read(name)
        if GENERATED_MARK in text[:400]:
            continue
        long = [(number, len(line)) for number, line in enumerate(text.splitlines(), 1)
                if len(line) > LINE_COLUMNS_MAX]
        if long:
            yield (f"{name}:{long[0][0]}: {long[0][1]} columns, at most {LINE_COLUMNS_MAX}; "
                   f"lines of the file that are too long: {len(long)} (make fmt)")


def machine_names(tree):
    """No path of one machine, no package registry's host."""
    for name in tree.text_files:
        for line, match in lines_of(tree.read(name), MACHINE_PATHS):
            yield f"{name}:{line}: {match[0]}... is a path of one machine; make it relative or a setting"
        for line, match in lines_of(tree.read(name), REGISTRY_HOSTS):
            yield f"{name}:{line}: {match[0]} is a registry's host; name the package and let its client find it"


def unfinished(tree):
    """No mark of unfinished work."""
    for name in tree.text_files:
        if name.endswith((".txt", ".json")):
            continue
        for line, match in lines_of(tree.read(name), UNFINISHED):
            yield f"{name}:{line}: {match[0]}; finish it, or file an issue"


def data_in_strings(tree):
    """No SQL, page or schema in a C string."""
    for name in tree.c_files:
        if not name.startswith("src/") or is_test(name):
            continue
        for line, text in tree.source(name)[1]:
            match = DATA_IN_STRING.search(text.replace("\\n", " "))
            if match and ("<" in match[0] or "record" in match[0] or SQL_UPPER.match(match[0].strip())):
                yield f"{name}:{line}: {text[:40]!r}: data in a C string; put it under sql/, contracts/ or web/"


def mapped_folders(tree):
    """ARCHITECTURE.md knows every folder of src."""
    if not tree.has("ARCHITECTURE.md"):
        raise Skipped("there is no ARCHITECTURE.md")
    text = tree.read("ARCHITECTURE.md")
    for folder in tree.src_folders:
        if f"src/{folder}" not in text:
            yield f"ARCHITECTURE.md:1: src/{folder} is not on the map"
    for match in re.finditer(r"\bsrc/(\w+)/", text):
        if match[1] not in tree.src_folders:
            yield f"ARCHITECTURE.md:{text.count(chr(10), 0, match.start()) + 1}: there is no src/{match[1]}"


def tested_metrics(tree):
    """Each metric is moved by some test."""
    if not tree.has("src/base/metrics.def"):
        raise Skipped("there is no src/base/metrics.def")
    tests = "\n".join(
        tree.read(name) for name in tree.text_files
        if is_test(name) or name.endswith("_test.py")
    )
    pattern = re.compile(r'^METRIC\((\w+), *\w+, *"(\w+)"')
    for line, match in lines_of(tree.read("src/base/metrics.def"), pattern):
        if not re.search(rf"\b(METRIC_{match[1]}|{match[2]})\b", tests):
            yield f"src/base/metrics.def:{line}: no test names {match[2]} (METRIC_{match[1]})"


def known_environment(tree):
    """What .env.example names is read."""
    if not tree.has(".env.example") or not tree.has("src/base/config.def"):
        raise Skipped("there is no .env.example or no src/base/config.def")
    settings = tree.read("src/base/config.def")
    for line, match in lines_of(tree.read(".env.example"), re.compile(r"^#?([A-Z][A-Z0-9_]+)=")):
        if f'"{match[1]}"' not in settings:
            yield f".env.example:{line}: no setting in src/base/config.def reads {match[1]}"


def generated_documents(tree):
    """The documents that the program prints are the ones in the tree."""
    if not tree.marquee:
        raise Skipped("marquee is not built")
    left = []
    for document, command in GENERATED_DOCS.items():
        done = subprocess.run(
            [tree.marquee, *command], capture_output=True, text=True, check=False, timeout=COMMAND_TIMEOUT_S
        )
        if done.returncode == 2:
            left.append("marquee " + " ".join(command))
        elif done.returncode:
            yield f"{document}:1: marquee {' '.join(command)} failed: {done.stderr.strip()[-200:]}"
        elif not tree.has(document) or tree.read(document) != done.stdout:
            yield f"{document}:1: stale; run: marquee {' '.join(command)} > {document}"
    if left:
        raise Skipped("the program does not know: " + ", ".join(left))


def format_decided(tree):
    """clang-format has nothing to change."""
    program = shutil.which("clang-format")
    if not program or not tree.has(".clang-format"):
        raise Skipped("there is no clang-format" if not program else "there is no .clang-format")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    if not re.search(rf"version {CLANG_FORMAT_MAJOR}\.", version):
        raise Skipped(f"clang-format is not version {CLANG_FORMAT_MAJOR}: {version.strip()}")
    files = [name for name in tree.c_files if GENERATED_MARK not in tree.read(name)[:400]]
    if not files:
        return
    done = subprocess.run(
        [program, "--dry-run", *files], cwd=tree.root, capture_output=True, text=True, check=False,
        timeout=COMMAND_TIMEOUT_S,
    )
    seen = set()
    for match in re.finditer(r"^([^:\n]+):(\d+):\d+: warning: code should be clang-formatted", done.stderr, re.M):
        if match[1] not in seen:
            seen.add(match[1])
            yield f"{match[1]}:{match[2]}: not as clang-format would have it; make fmt"


RULES = [
    include_direction, dead_sources, dead_data, missing_tools, banned_calls, file_sizes, line_lengths, machine_names,
    unfinished, data_in_strings, mapped_folders, tested_metrics, known_environment, generated_documents, format_decided,
]


def check(rule, tree):
    """(findings, warnings, why skipped or None) of one rule."""
    findings, warnings, why = [], [], None
    try:
        for text in rule(tree):
            (warnings if text.startswith("warning: ") else findings).append(text)
    except Skipped as skipped:
        why = str(skipped)
    return findings, warnings, why


def main():
    """Speaks TAP, one case a rule, so that the test report counts rules and shows why one was skipped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    parser.add_argument("--build", help="build folder that may hold the program")
    parser.add_argument("--list", action="store_true", help="print the rules")
    args = parser.parse_args()
    if args.list:
        print("\n".join(f"{rule.__name__:20} {rule.__doc__}" for rule in RULES))
        return 0
    tree, failed = Tree(args.root, args.build), False
    print(f"1..{len(RULES)}")
    for number, rule in enumerate(RULES, 1):
        findings, warnings, why = check(rule, tree)
        for text in warnings + findings:
            print("# " + text)
        failed = failed or bool(findings)
        if findings:
            print(f"not ok {number} {rule.__name__}")
        else:
            print(f"ok {number} {rule.__name__}" + (f" # SKIP {why}" if why else ""))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
