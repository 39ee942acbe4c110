"""Proves that every rule of the tidy test can fail: each case plants one violation in a small clean tree and
expects that very finding, and that the same tree without it is clean."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import csource
import tidy

HERE = os.path.dirname(os.path.abspath(__file__))

# A tree that no rule objects to.
CLEAN = {
    "Makefile": "all:\n\ttools/run.sh\n",
    "ARCHITECTURE.md": "src/base/ holds src/base/clock.c; src/bus/, src/cli/, src/stream/\n",
    "tools/run.sh": "exit 0\n",
    "contracts/avro/movie.ratings.avsc": "{}\n",
    "sql/gold/genre.sql": "SELECT 1;\n",
    "src/base/meson.build": "library('base', ['clock.c'])\n",
    "src/base/clock.h": "int clock_now(void);\n",
    "src/base/clock.c": '#include "base/clock.h"\n\nint clock_now(void)\n{\n    return (int)time(NULL);\n}\n',
    "src/base/metrics.def": 'METRIC(ROWS, COUNTER, "marquee_rows_total", NULL, "Rows.")\n',
    "src/base/metrics.h": '#include "base/metrics.def"\n',
    "src/bus/meson.build": "library('bus', ['bus.c'])\ntest('bus', executable('bus_test', 'bus_test.c'))\n",
    "src/bus/bus.h": '#include "base/clock.h"\n',
    "src/bus/bus.c": '#include "bus/bus.h"\n\n/* strcpy(a, b) in words is fine */\n'
                     'static const char *topic = "movie.ratings";\nstatic const char *file = "sql/gold/genre.sql";\n',
    "src/bus/bus_test.c": '#include "base/metrics.h"\n#include "bus/bus.h"\n\nint rows = METRIC_ROWS;\n',
    "src/stream/meson.build": "library('stream', ['task.c'])\n",
    "src/stream/task.c": '#include "bus/bus.h"\n',
    "src/cli/meson.build": "executable('marquee', 'up.c')\n",
    "src/cli/up.c": '#include "bus/bus.h"\n',
}


def write(root, files):
    for name, text in files.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def line_over(name, count):
    return {name: CLEAN[name] + "int x;\n" * count}


# rule: (planted files, what the finding must say)
PLANTED = {
    "include_direction": [
        ({"src/base/clock.c": '#include "bus/bus.h"\n'}, "src/base/clock.c:1: src/base may not include bus/"),
        ({"src/stream/task.c": '#include "cli/up.h"\n'}, "src/stream/task.c:1: src/stream may not include cli/"),
        ({"src/bus/bus.c": '#include "bus/bus.h"\n#include "bus.h"\n'}, 'src/bus/bus.c:2: "bus.h" names no folder'),
        ({"src/extra/x.c": "int x;\n", "src/extra/meson.build": "'x.c'\n"}, "src/extra has no place"),
    ],
    "dead_sources": [
        ({"src/bus/lost.c": "int x;\n"}, "src/bus/lost.c:1: no meson.build names it"),
        ({"src/bus/lost.h": "int x;\n"}, "src/bus/lost.h:1: nobody includes it"),
        ({"tools/lost_test.py": "\n"}, "tools/lost_test.py:1: no meson.build names it"),
        # Another folder's build file does not count.
        ({"src/bus/task.c": "int x;\n"}, "src/bus/task.c:1: no meson.build names it"),
    ],
    "dead_data": [
        ({"sql/gold/lost.sql": "SELECT 1;\n"}, "sql/gold/lost.sql:1: nothing names it"),
        ({"contracts/avro/movie.lost.avsc": "{}\n"}, "contracts/avro/movie.lost.avsc:1: nothing names it"),
        ({"tools/lost.sh": "exit 0\n"}, "tools/lost.sh:1: nothing names it"),
    ],
    "missing_tools": [({"Makefile": "all:\n\ttools/run.sh\n\t@tools/lost.sh x\n"}, "Makefile:3: there is no tools/lost.sh")],
    "banned_calls": [
        ({"src/bus/bus.c": CLEAN["src/bus/bus.c"] + f"int y = {name}(x);\n"}, f"src/bus/bus.c:6: {name}()")
        for name in [*tidy.BANNED_CALLS, *tidy.BANNED_TIME]
    ] + [
        ({"src/bus/bus.c": "static GMutex lock;\n"}, "src/bus/bus.c:1: GMutex"),
        ({"src/bus/bus.c": "void f(void) { g_cond_wait(a, b); }\n"}, "src/bus/bus.c:1: g_cond_wait"),
    ],
    "file_sizes": [(line_over("src/bus/bus.c", 1001), "over 1000 lines")],
    "line_lengths": [({"src/bus/bus.c": "// " + "x" * 98 + "\n"}, "src/bus/bus.c:1: 101 columns")],
    "machine_names": [
        ({"src/bus/bus.c": 'char *p = "/wo' 'rk/main";\n'}, "src/bus/bus.c:1: /wo" "rk/"),
        ({"tools/run.sh": "cd /ho" "me/me\n"}, "tools/run.sh:1: /ho" "me/"),
        ({"Makefile": "all:\n\ttools/run.sh /ro" "ot/.cache\n"}, "Makefile:2: /ro" "ot/"),
        ({"tools/run.sh": "get https://py" "pi.org/x\n"}, "is a registry's host"),
    ],
    "unfinished": [({"src/bus/bus.c": "/* TO" "DO: later */\n"}, "src/bus/bus.c:1: TO" "DO")],
    "data_in_strings": [
        ({"src/bus/bus.c": 'char *q = "SELECT a "\n    "FROM b";\n'}, "src/bus/bus.c:1: 'SELECT a FROM b'"),
        ({"src/bus/bus.c": '\nchar *q = "CREATE TABLE a (b INT)";\n'}, "src/bus/bus.c:2: 'CREATE TABLE"),
        ({"src/bus/bus.c": 'char *q = "<html lang=en>";\n'}, "src/bus/bus.c:1: '<html"),
        ({"src/bus/bus.c": r'char *q = "{\"type\": \"record\"}";' + "\n"}, "src/bus/bus.c:1:"),
    ],
    "mapped_folders": [
        ({"ARCHITECTURE.md": "src/base/, src/bus/, src/cli/\n"}, "src/stream is not on the map"),
        ({"ARCHITECTURE.md": CLEAN["ARCHITECTURE.md"] + "src/gone/\n"}, "ARCHITECTURE.md:2: there is no src/gone"),
    ],
    "tested_metrics": [
        ({"src/bus/bus_test.c": '#include "base/metrics.h"\n'}, "src/base/metrics.def:1: no test names marquee_rows_total")
    ],
    "known_environment": [
        ({".env.example": "A_KEY=\n#B_KEY=1\n", "src/base/config.def": 'S(a, "A_KEY")\n'},
         ".env.example:2: no setting in src/base/config.def reads B_KEY"),
    ],
    "generated_documents": [
        ({"docs/METRICS.md": "old\n"}, "docs/METRICS.md:1: stale"),
        ({"marquee-fails": ""}, "docs/METRICS.md:1: marquee config metrics failed"),
    ],
    "format_decided": [({"src/bus/bus.c": "int  x ;\n"}, "src/bus/bus.c:1: not as clang-format")],
}

# Prints the two documents; fails when the file marquee-fails stands beside the tree.
PROGRAM = """#!/bin/sh
test ! -e "{root}/marquee-fails" || exit 1
case $2 in metrics) echo metrics ;; reference) echo settings ;; *) exit 2 ;; esac
"""


class TidyTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = os.path.join(folder.name, "tree")
        self.build = os.path.join(folder.name, "build")

    def plant(self, planted):
        write(self.root, {**CLEAN, **planted})

    def with_program(self):
        write(self.build, {"marquee": PROGRAM.format(root=self.root)})
        os.chmod(os.path.join(self.build, "marquee"), 0o755)

    def findings(self, rule):
        return tidy.check(rule, tidy.Tree(self.root, self.build))

    def test_clean_tree(self):
        """Every rule passes where nothing is wrong."""
        self.plant({"docs/METRICS.md": "metrics\n", "docs/CONFIGURATION.md": "settings\n",
                    ".clang-format": "DisableFormat: true\n"})
        self.with_program()
        for rule in tidy.RULES:
            with self.subTest(rule=rule.__name__):
                self.assertEqual(self.findings(rule)[:2], ([], []))

    def test_every_rule_bites(self):
        """A planted violation of each rule is found, by that rule, at its place."""
        self.assertEqual({rule.__name__ for rule in tidy.RULES}, set(PLANTED))
        for rule in tidy.RULES:
            for planted, expected in PLANTED[rule.__name__]:
                with self.subTest(rule=rule.__name__, expected=expected):
                    self.setUp()
                    self.plant({"docs/CONFIGURATION.md": "settings\n", ".clang-format": "BasedOnStyle: LLVM\n", **planted})
                    self.with_program()
                    findings, _, why = self.findings(rule)
                    if why and rule is tidy.format_decided:
                        self.skipTest(why)
                    self.assertTrue(any(expected in text for text in findings), findings)

    def test_size_warning(self):
        """Past 600 lines a file is only warned about."""
        self.plant(line_over("src/bus/bus.c", 601))
        findings, warnings, _ = self.findings(tidy.file_sizes)
        self.assertEqual((findings, len(warnings)), ([], 1))

    def test_program_without_documents(self):
        """A program that does not know the commands skips the rule, with their names."""
        self.plant({})
        write(self.build, {"marquee": "#!/bin/sh\nexit 2\n"})
        os.chmod(os.path.join(self.build, "marquee"), 0o755)
        self.assertEqual(
            self.findings(tidy.generated_documents),
            ([], [], "the program does not know: marquee config reference, marquee config metrics"),
        )

    def test_command(self):
        """The command fails on a finding, names it, and passes without it."""
        for planted, code in (({}, 0), ({"src/bus/lost.c": "int x;\n"}, 1)):
            self.setUp()
            self.plant(planted)
            done = subprocess.run(
                [sys.executable, os.path.join(HERE, "tidy.py"), "--root", self.root],
                capture_output=True, text=True, check=False,
            )
            self.assertEqual(done.returncode, code, done.stdout)
            self.assertEqual("src/bus/lost.c:1" in done.stdout, bool(code))


    def test_files_without_git(self):
        """Without git the folder is walked, and what was built or fetched is left out; with git, git decides."""
        self.plant({"build/release/x.c": "", ".deps/web/x.js": "", "src/base/__pycache__/x.pyc": ""})
        self.assertEqual(tidy.Tree(self.root).files, sorted(CLEAN))
        if not shutil.which("git"):
            self.skipTest("there is no git")
        subprocess.run(["git", "-C", self.root, "init", "-q"], check=True)
        write(self.root, {".gitignore": "/build\n/.deps\n__pycache__\n/tools\n"})
        self.assertEqual(
            tidy.Tree(self.root).files,
            sorted([name for name in CLEAN if not name.startswith("tools/")] + [".gitignore"]),
        )


class SourceTest(unittest.TestCase):
    def test_split(self):
        """Comments, strings and characters leave the code, lines stay; adjacent literals become one."""
        text = 'a("x" /* " */ "y"); // "z"\n#include "b/c.h"\nchar q = \'"\'; b("\\"w" PRId64\n  "v");\n'
        code, literals = csource.split(text)
        self.assertEqual(literals, [(1, "xy"), (3, '\\"wv')])
        self.assertEqual(len(code), len(text))
        self.assertNotIn("z", code)
        self.assertEqual(csource.includes(text), [(2, "b/c.h")])


if __name__ == "__main__":
    unittest.main(verbosity=2)
