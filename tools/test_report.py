#!/usr/bin/env python3
"""Counts the test cases in Meson's testlog.json, shows why some failed or were skipped, and closes with
the line `N passed, N failed, N skipped`.

A test is one executable. Its cases are read from what it printed: TAP (GLib's harness) or the last lines of
Python's unittest. One that prints neither is one case. One that ended badly although no case of it failed
(a crash, a time-out, a sanitizer's report) is one failed case more.

With --first the log is that of a second try: its results stand for those of the same name in the first log, and what
passes only now is named, with what it printed when it failed.
"""
import argparse
import json
import os
import re
import sys

TAIL_LINES = 60
QUOTES = "'\""
TAP = re.compile(r"^(?P<no>not )?ok \d+ ?(?:- )?(?P<name>[^#\n]*)(?:# *(?P<note>.*))?$", re.M)
UNITTEST_RAN = re.compile(r"^Ran (\d+) tests? in", re.M)
UNITTEST_END = re.compile(r"^(?:OK|FAILED)(?: \((?P<counts>[^)]*)\))?$", re.M)
UNITTEST_SKIP = re.compile(r"^(?P<name>.*?) \.\.\. skipped (?P<why>.*)$", re.M)


class Report:
    def __init__(self):
        self.passed, self.failed, self.skipped = 0, 0, 0
        self.failures, self.skips, self.second = [], [], []

    def add(self, test):
        output = test.get("stdout", "") + "\n" + test.get("stderr", "")
        passed, failed, skipped = self.cases(test["name"], output)
        result = test["result"]
        if result == "SKIP" and not passed + failed + skipped:
            skipped = 1
            lines = [line for line in output.splitlines() if line.strip()]
            self.skips.append(f"{test['name']}: {lines[-1].strip() if lines else 'gives no reason'}")
        elif result in ("OK", "EXPECTEDFAIL", "SKIP"):
            passed += not passed + failed + skipped
        else:
            failed += not failed
            self.failures.append((test["name"], result, test.get("returncode"), output))
        self.passed, self.failed = self.passed + passed, self.failed + failed
        self.skipped += skipped

    def cases(self, test, output):
        """(passed, failed, skipped) by what the test printed; notes the reasons of skips."""
        passed = failed = skipped = 0
        for case in TAP.finditer(output):
            note = (case["note"] or "").strip()
            if note.lower().startswith("skip"):
                skipped += 1
                self.skips.append(f"{test} {case['name'].strip()}: {note[4:].strip() or 'gives no reason'}")
            elif case["no"]:
                failed += 1
            else:
                passed += 1
        ran, end = UNITTEST_RAN.search(output), UNITTEST_END.search(output)
        if ran and end:
            counts = dict(re.findall(r"(\w+)=(\d+)", end["counts"] or ""))
            bad = sum(int(counts.get(key, 0)) for key in ("failures", "errors"))
            left = int(counts.get("skipped", 0))
            failed, skipped = failed + bad, skipped + left
            passed += max(int(ran[1]) - bad - left, 0)
            self.skips += [f"{test} {case['name'].strip()}: {case['why'].strip(QUOTES)}" for case in UNITTEST_SKIP.finditer(output)]
        return passed, failed, skipped

    def show(self, out):
        for name, result, code, output in self.failures:
            out.write(f"\n=== {name}: {result} (exit {code}) ===\n")
            lines = output.strip().splitlines()
            if len(lines) > TAIL_LINES:
                out.write(f"... {len(lines) - TAIL_LINES} lines before\n")
            out.write("\n".join(lines[-TAIL_LINES:]) + "\n")
        for name, output in self.second:
            out.write(f"\n=== {name}: failed at first, then passed: a flaw to mend ===\n")
            out.write("\n".join(output.strip().splitlines()[-TAIL_LINES:]) + "\n")
        if self.skips:
            out.write("\nskipped:\n" + "".join(f"  {line}\n" for line in self.skips))
        if self.failures:
            out.write("\nfailed: " + ", ".join(name for name, *_ in self.failures) + "\n")
        out.write(f"\n{self.passed} passed, {self.failed} failed, {self.skipped} skipped\n")


def read(path):
    """The tests of a log, in order."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as log:
        return [json.loads(line) for line in log]


def is_bad(test):
    return test["result"] not in ("OK", "EXPECTEDFAIL", "SKIP")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log")
    parser.add_argument("--status", type=int, default=0, help="exit code of meson test")
    parser.add_argument("--first", help="the log of the first try")
    parser.add_argument("--failed-names", action="store_true", help="print the names of what failed and end")
    args = parser.parse_args()
    report = Report()
    tests = {test["name"]: test for test in read(args.first)} if args.first else {}
    for test in read(args.log):
        before = tests.get(test["name"])
        if before and is_bad(before) and not is_bad(test):
            report.second.append((test["name"], before.get("stdout", "") + "\n" + before.get("stderr", "")))
        tests[test["name"]] = test
    if args.failed_names:
        # "project:suite / name": meson takes the name.
        for name in (name for name, test in tests.items() if is_bad(test)):
            print(name.split(" / ", 1)[-1])
        return 0
    for test in tests.values():
        report.add(test)
    if args.status and not report.failures:
        # Nothing that ran failed: meson itself did.
        report.failed += 1
        report.failures.append(("meson test", "ERROR", args.status, "see its message above"))
    if not report.passed + report.failed + report.skipped:
        report.failed = 1
        report.failures.append(("meson test", "ERROR", args.status, "no test was run"))
    report.show(sys.stdout)
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
