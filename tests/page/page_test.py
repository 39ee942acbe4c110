#!/usr/bin/env python3
"""Proves that the page works in a real browser: it loads from a running `up` without console errors or requests to
anybody else, its numbers move by themselves, the boundary is drawn where the API says, it can be used with the keyboard
alone, and it fits a narrow screen. Skipped where Chromium is not installed."""
import os
import re
import sys
import tempfile
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenario")]
import harness  # noqa: E402
import webdriver  # noqa: E402

SPEED = 240             # as the demo's
LIVE_S = 120            # numbers must have moved by then; a guard against a hang, not a measure of speed
NARROW = (360, 740)
FOCUS_STOPS_MAX = 400   # more than the page has
SETTINGS = {"ingest.tracked_movies_max": "60", "ingest.list_pages": "3", "ingest.observe_interval": "10m",
            "events.rate_per_s": "0.2"}
world = server = browser = profile = None


def setUpModule():
    """The demo in small: a simulator, two and a half days of the past, one batch run, `up`, a browser."""
    global world, server, browser, profile
    why = webdriver.available()
    if why:
        raise unittest.SkipTest(why)
    world = harness.World(None, "2026-03-12T12:30:00Z", SPEED, SETTINGS)
    unittest.addModuleCleanup(world.__exit__, None, None, None)
    world.simulator("--seed", "1")
    world.must("run", "ingest", "--backfill", "2.5")
    world.must("batch", "run")
    server = world.serve("up")
    profile = tempfile.TemporaryDirectory(prefix="marquee-page-")
    unittest.addModuleCleanup(profile.cleanup)
    browser = webdriver.Browser(profile.name)
    browser.__enter__()
    unittest.addModuleCleanup(browser.__exit__)


class Page(unittest.TestCase):
    def setUp(self):
        browser.resize(1280, 900)
        browser.open(server.url + "/")
        self.wait("the first numbers", "return document.querySelectorAll('#movies tr').length > 10")

    def tearDown(self):
        """Whatever a test does, the console stays clean and nobody outside is asked."""
        self.assertEqual(browser.console(), [])
        outside = [url for url in browser.requests() if not url.startswith((server.url + "/", "data:", "blob:"))]
        self.assertEqual(outside, [])

    def wait(self, what, script, timeout_s=LIVE_S):
        return harness.eventually(what, lambda: browser.script(script), timeout_s)

    def test_loads(self):
        """One page, its own files, a policy that allows nothing else, and what its terms ask for."""
        status, headers, _ = server.request("/")
        self.assertEqual(status, 200)
        policy = headers["content-security-policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertNotRegex(policy, r"https?:|\*|script-src[^;]*'unsafe")
        self.assertIn("not endorsed or certified by TMDB", browser.script("return document.body.innerText"))
        self.assertEqual(browser.script("return document.documentElement.lang"), "en")
        self.assertGreater(len([url for url in browser.requests() if "/assets/" in url]), 3)

    def test_moves(self):
        """Without a click: popularities, counters and the clock go on, and the page says that it is live."""
        read = ("return {popularity: [...document.querySelectorAll('#movies tr')].map((row) => row.children[1].innerText)"
                ".join(), used: document.getElementById('tile-used').innerText,"
                " now: document.getElementById('now').innerText, rate: document.getElementById('tile-rate').innerText}")
        before = browser.script(read)
        for name in before:
            self.wait(f"{name} moves from {before[name][:60]}", f"return ({read[7:]}).{name} !== {before[name]!r}")
        self.wait("the page is live", "return document.getElementById('connection').dataset.state === 'live'")
        for tile in ("rate", "lag", "used", "sync", "run", "complete"):
            self.assertRegex(browser.script(f"return document.getElementById('tile-{tile}').innerText"), r"\w", tile)

    def test_trending(self):
        """The ranks are the API's, place by place, and the window's end stands above them. Ranks move: for a moment the two
        may differ."""
        def same():
            said = server.get("/api/v1/trending/movies?limit=5")["data"]
            shown = browser.script("return {window: document.getElementById('trending-window').innerText, rows: "
                                   "[...document.querySelectorAll('#trending tr')].slice(0, 5).map((row) => "
                                   "[+row.dataset.id, +row.children[0].lastChild.innerText])}")
            return said["movies"] and said["window_end"][11:16] in shown["window"] and \
                shown["rows"] == [[movie["movie_id"], movie["rank"]] for movie in said["movies"]]
        harness.eventually("the ranks of the API", same, LIVE_S)

    def test_rates(self):
        """Live statistics of the last hour: a row each for ratings, reviews, users' events and distinct users, with numbers
        that move and a bar for each minute that has some."""
        read = ("Object.fromEntries([...document.querySelectorAll('#live tr')].map((row) => [row.children[0].innerText, "
                "[row.children[2].innerText, row.querySelector('path').getAttribute('d').length]]))")
        self.wait("the rates", f"return Object.keys({read}).length >= 6")
        rows = browser.script(f"return {read}")
        for name in ("Ratings", "Users' events", "views", "Distinct users", "Active movies"):
            self.assertIn(name, rows)
        for name in ("Ratings", "Users' events"):
            self.assertGreater(rows[name][1], 0, f"{name}: no bar")
            self.wait(f"{name} moves", f"return {read}[{name!r}].join() !== {','.join(map(str, rows[name]))!r}")

    def test_sentiment(self):
        """A movie with reviews, chosen in the list, shows how they read: as many as the API counts, and their curve."""
        days = browser.script("return state.days")

        def reviews(movie):
            return server.get(f"/api/v1/movies/{movie}/sentiment?window={days}d")["data"]["total"]["review_count"]
        listed = [movie["movie_id"] for movie in server.get("/api/v1/movies?limit=60")["data"]]
        movie = next(movie for movie in listed if reviews(movie) > 1)
        chosen = f"document.querySelector('#movies tr[data-id=\"{movie}\"] button')"
        self.wait("the movie is listed", f"return {chosen} !== null")
        browser.script(f"{chosen}.click()")
        self.wait("its curve of sentiment", "return document.querySelector('#sentiment canvas') !== null && "
                  "!document.getElementById('sentiment-part').hidden")
        harness.eventually("the page counts as many reviews", lambda: f" {reviews(movie)} review" in
                           browser.script("return document.getElementById('sentiment-facts').innerText"), LIVE_S)

    def says_what_the_api_says(self):
        """The world goes on between the two, and the page asks every few seconds: for a moment they may differ."""
        meta = server.get("/api/v1/movies?limit=1")["meta"]
        label = browser.script("return document.getElementById('plot').getAttribute('aria-label')")
        split = browser.script("return document.getElementById('split-text').innerText")
        return "boundary between batch and speed is " + meta["boundary"][:16].replace("T", " ") in label and \
            meta["batch_run_id"] in split

    def test_boundary(self):
        """The chosen movie's curve has the boundary of the API's meta: in words, and as a line of pixels."""
        self.wait("the curve", "return document.querySelector('#plot canvas') !== null")
        harness.eventually("the page says what the API said lately", self.says_what_the_api_says, LIVE_S)
        # A column of the text's colour over nearly all of the plot's height.
        column = browser.script("""
            const canvas = document.querySelector('#plot canvas'), box = document.querySelector('#plot .u-over');
            const ratio = canvas.width / canvas.clientWidth, probe = document.createElement('canvas').getContext('2d');
            probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue('--text').trim();
            probe.fillRect(0, 0, 1, 1);
            const color = probe.getImageData(0, 0, 1, 1).data, over = box.getBoundingClientRect();
            const whole = canvas.getBoundingClientRect(), x0 = Math.round((over.left - whole.left) * ratio);
            const y0 = Math.round((over.top - whole.top) * ratio);
            const width = Math.round(over.width * ratio), height = Math.round(over.height * ratio);
            const data = canvas.getContext('2d').getImageData(x0, y0, width, height).data, found = [];
            for (let x = 0; x < width; x++) {
                let count = 0;
                for (let y = 0; y < height; y++) {
                    const at = 4 * (y * width + x);
                    if ([0, 1, 2].every((i) => Math.abs(data[at + i] - color[i]) < 40)) count++;
                }
                if (count > 0.8 * height) found.push(x / width);
            }
            return found""")
        self.assertTrue(column, "no vertical line in the curve")
        self.assertTrue(all(0.02 < x < 0.98 for x in column), column)

    def test_choose(self):
        """A movie of the list, a range, a search and a measure: each changes what it says it does."""
        self.wait("the curve", "return document.querySelector('#plot canvas') !== null")
        # In one step: the list is put in a new order as popularities move.
        title = browser.script("const one = document.querySelectorAll('#movies tr button')[4]; one.click(); "
                               "return one.innerText")
        self.wait(f"{title} is shown", f"return document.getElementById('movie-title').innerText === {title!r}")
        browser.click(browser.find(".range button")[0])
        self.wait("one day", "return document.querySelector('.range button').getAttribute('aria-pressed') === 'true'")
        browser.tell("POST", f"/element/{browser.find('#search')[0]}/value", {"text": title[:6]})
        self.wait("the list is filtered", "return [...document.querySelectorAll('#movies button')].length < 20 && "
                  f"[...document.querySelectorAll('#movies button')].some((one) => one.innerText === {title!r})")
        before = browser.script("return document.getElementById('genres').getAttribute('aria-label')")
        browser.script("const list = document.getElementById('measure'); list.selectedIndex = 1;"
                       "list.dispatchEvent(new Event('change'))")
        self.assertNotEqual(browser.script("return document.getElementById('genres').getAttribute('aria-label')"), before)

    def test_keyboard(self):
        """Tab reaches every control once around, focus can be seen, Enter chooses a movie."""
        controls = browser.script("""
            window.stops = new Set();
            addEventListener('focusin', (event) => window.stops.add(event.target));
            window.wanted = [...document.querySelectorAll('a[href], button, input, select')].filter((one) =>
                one.checkVisibility() && !one.closest('#movies tr:nth-child(n+4)'));
            return window.wanted.length""")
        self.assertGreater(controls, 10)
        unseen = []
        for _ in range(FOCUS_STOPS_MAX):
            browser.press(webdriver.TAB_KEY)
            style = browser.script("""
                const one = document.activeElement, style = getComputedStyle(one);
                return one === document.body ? null :
                    {name: one.outerHTML.slice(0, 80), seen: style.outlineStyle !== 'none' || style.boxShadow !== 'none'}""")
            if style and not style["seen"]:
                unseen.append(style["name"])
            if browser.script("return window.wanted.every((one) => window.stops.has(one) || !one.isConnected)"):
                break
        missed = browser.script("return window.wanted.filter((one) => one.isConnected && !window.stops.has(one))"
                                ".map((one) => one.outerHTML.slice(0, 80))")
        self.assertEqual(missed, [])
        self.assertEqual(unseen, [], "focus that nobody sees")
        title = browser.script("const one = document.querySelectorAll('#movies button')[2]; one.focus(); "
                               "return one.innerText")
        browser.press("\ue007")
        self.wait(f"{title} is shown", f"return document.getElementById('movie-title').innerText === {title!r}")

    def test_narrow(self):
        """On a phone nothing is cut off: no sideways scrolling, and each panel is as wide as the screen allows."""
        browser.resize(*NARROW)
        self.wait("the curve", "return document.querySelector('#plot canvas') !== null")
        # The page redraws a moment after the last resize.
        self.wait("no sideways scrolling", f"return document.documentElement.scrollWidth <= {NARROW[0]}")
        self.wait("nothing is cut off", """
            return [...document.querySelectorAll('main *')].every((one) => !one.checkVisibility() ||
                one.getBoundingClientRect().right <= innerWidth + 1 || one.closest('.scroll'))""")

    def test_both_schemes(self):
        """Dark and light: the text can be read in both (contrast of the body's text at least 4.5)."""
        for scheme in ("dark", "light"):
            browser.prefer(scheme)
            contrast = browser.script("""
                const channel = (value) => { value /= 255; return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4; };
                const light = (color) => { const [r, g, b] = color.match(/[0-9.]+/g).map(Number).map(channel);
                    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
                const style = getComputedStyle(document.body), pair = [light(style.color), light(style.backgroundColor)];
                return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05)""")
            self.assertGreater(contrast, 4.5, scheme)

    def test_docs(self):
        """The API's own page, made from /openapi.json, lists every address."""
        browser.open(server.url + "/docs")
        paths = list(server.get("/openapi.json")["paths"])
        self.wait("the addresses", "return document.body.innerText.includes('/api/v1/movies/{id}/stats')")
        text = browser.script("return document.body.innerText")
        self.assertEqual([path for path in paths if path not in text], [])


if __name__ == "__main__":
    harness.main()
