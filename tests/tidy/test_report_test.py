"""Proves that tools/test_report.py counts cases, keeps failures, shows reasons and closes with the right line.

The inputs are what GLib's harness, unittest and meson print, written down by hand."""
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest

TOOLS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools")
sys.path.insert(0, TOOLS)
import test_report

TAP = """TAP version 13
# random seed: R02S2
1..3
ok 1 /queue/full
ok 2 /queue/live # SKIP no MARQUEE_SHARED
%s 3 /queue/close
"""
UNITTEST = """test_a (x.T.test_a)
Proves a. ... ok
test_b (x.T.test_b) ... skipped 'no chromium'

----------------------------------------------------------------------
Ran 3 tests in 0.1s

%s
"""


def write_log(log, tests):
    for name, result, stdout, stderr in tests:
        log.write(json.dumps({"name": name, "result": result, "stdout": stdout, "stderr": stderr,
                              "returncode": 0}) + "\n")
    log.flush()


def run(*tests, status=0, first=(), more=()):
    """(exit code, lines printed) of the command over the given test results."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as log, \
            tempfile.NamedTemporaryFile("w", suffix=".json") as before:
        write_log(log, tests)
        write_log(before, first)
        done = subprocess.run(
            [sys.executable, os.path.join(TOOLS, "test_report.py"), log.name, "--status", str(status),
             *(["--first", before.name] if first else []), *more],
            capture_output=True, text=True, check=False,
        )
    return done.returncode, done.stdout.splitlines()


class ReportTest(unittest.TestCase):
    def last(self, *tests, status=0):
        code, lines = run(*tests, status=status)
        return code, lines[-1]

    def test_tap(self):
        """TAP cases count one by one; a skipped one is named with its reason."""
        code, lines = run(("queue", "OK", TAP % "ok", ""))
        self.assertEqual((code, lines[-1]), (0, "2 passed, 0 failed, 1 skipped"))
        self.assertIn("  queue /queue/live: no MARQUEE_SHARED", lines)

    def test_second_try(self):
        """What passes only at the second try counts as passed and is named; the rest of the first try stands."""
        first = (("m:unit / queue", "OK", TAP % "ok", ""), ("m:scenario / kill", "FAIL", "boom", ""))
        code, lines = run(("m:scenario / kill", "OK", "ok 1 /kill", ""), first=first)
        self.assertEqual((code, lines[-1]), (0, "3 passed, 0 failed, 1 skipped"))
        at = lines.index("=== m:scenario / kill: failed at first, then passed: a flaw to mend ===")
        self.assertEqual(lines[at + 1], "boom")
        code, lines = run(("m:scenario / kill", "FAIL", "not ok 1 /kill", ""), status=1, first=first)
        self.assertEqual((code, lines[-1]), (1, "2 passed, 1 failed, 1 skipped"))
        self.assertEqual(run(*first, more=["--failed-names"]), (0, ["kill"]))

    def test_tap_failure(self):
        """A failed case fails the run and its output is shown."""
        code, lines = run(("queue", "FAIL", TAP % "not ok", "queue_test.c:9: 1 == 2"))
        self.assertEqual((code, lines[-1]), (1, "1 passed, 1 failed, 1 skipped"))
        self.assertIn("queue_test.c:9: 1 == 2", lines)
        self.assertIn("failed: queue", lines)

    def test_crash(self):
        """A test that dies although its cases passed is a failure, and so is a time-out without output."""
        self.assertEqual(self.last(("queue", "FAIL", TAP % "ok", "AddressSanitizer")),
                         (1, "2 passed, 1 failed, 1 skipped"))
        self.assertEqual(self.last(("queue", "TIMEOUT", "", "")), (1, "0 passed, 1 failed, 0 skipped"))

    def test_unittest(self):
        """unittest's own counts are taken over, with the reasons of skips."""
        code, lines = run(("oracle", "OK", "", UNITTEST % "OK (skipped=1)"))
        self.assertEqual((code, lines[-1]), (0, "2 passed, 0 failed, 1 skipped"))
        self.assertIn("  oracle test_b (x.T.test_b): no chromium", lines)
        self.assertEqual(self.last(("oracle", "FAIL", "", UNITTEST % "FAILED (failures=1, errors=1, skipped=1)")),
                         (1, "0 passed, 2 failed, 1 skipped"))

    def test_plain(self):
        """A test that prints no cases is one; exit 77 is one skipped, its last line the reason."""
        code, lines = run(("a", "OK", "fine", ""), ("b", "SKIP", "no shared data\n", ""))
        self.assertEqual((code, lines[-1]), (0, "1 passed, 0 failed, 1 skipped"))
        self.assertIn("  b: no shared data", lines)

    def test_nothing_ran(self):
        """No test, or a meson that failed by itself, is a failure."""
        self.assertEqual(self.last(), (1, "0 passed, 1 failed, 0 skipped"))
        self.assertEqual(self.last(("a", "OK", "", ""), status=1), (1, "1 passed, 1 failed, 0 skipped"))

    def test_long_output(self):
        """Only the end of a failure's output is shown."""
        report, out = test_report.Report(), io.StringIO()
        report.add({"name": "a", "result": "FAIL", "stdout": "".join(f"line {n}\n" for n in range(200))})
        report.show(out)
        self.assertIn("line 199", out.getvalue())
        self.assertNotIn("line 100\n", out.getvalue())


if __name__ == "__main__":
    unittest.main(verbosity=2)
