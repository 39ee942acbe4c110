#!/usr/bin/env python3
"""Takes the pictures of the page: docs/images/dashboard.png, dashboard-dark.png and dashboard-narrow.png, from a small
demo that has run for some seconds.

usage: screenshots.py PROGRAM FOLDER [--seconds N]
"""
import argparse
import os
import sys
import tempfile
import time

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenario")]
import harness  # noqa: E402
import webdriver  # noqa: E402

DEMO_SPEED, DEMO_DAYS = 240, "3"
PICTURES = (("dashboard", "light", 1280, 900), ("dashboard-dark", "dark", 1280, 900), ("dashboard-narrow", "light", 390, 800))
DRAWN_S = 20


def take(browser, url, folder):
    for name, scheme, width, height in PICTURES:
        browser.prefer(scheme)
        browser.resize(width, height)
        browser.open(url)
        harness.eventually("the page is drawn", lambda: browser.script(
            "return document.querySelector('#plot canvas') && document.querySelector('#genres svg') && "
            "document.querySelectorAll('#runs tr').length > 0"), DRAWN_S)
        time.sleep(4)      # some movies move
        path = os.path.join(folder, f"{name}.png")
        browser.screenshot(path)
        print(f"{path}: {os.path.getsize(path) // 1024} KB")
    complaints = browser.console()
    if complaints:
        print("\n".join(complaints), file=sys.stderr)
    return not complaints


def main():
    parser = argparse.ArgumentParser(description="Take the pictures of the page.")
    parser.add_argument("program")
    parser.add_argument("folder")
    parser.add_argument("--seconds", type=int, default=75, help="how long the demo runs before: some batch runs")
    arguments = parser.parse_args()
    why = webdriver.available()
    if why:
        print(f"screenshots: {why}", file=sys.stderr)
        return 1
    harness.MARQUEE = os.path.abspath(arguments.program)
    os.makedirs(arguments.folder, exist_ok=True)
    with harness.World(None, "2026-03-12T09:40:00Z", DEMO_SPEED) as world, tempfile.TemporaryDirectory() as profile:
        world.simulator("--seed", "1")
        world.must("run", "ingest", "--backfill", DEMO_DAYS, timeout_s=600)
        world.must("batch", "run", timeout_s=600)
        server = world.serve("up")
        time.sleep(arguments.seconds)
        with webdriver.Browser(profile) as browser:
            clean = take(browser, server.url + "/", os.path.abspath(arguments.folder))
        server.stop()
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
