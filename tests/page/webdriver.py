"""A headless Chromium, driven through Debian's chromedriver by the WebDriver protocol (plain HTTP and JSON).

    with Browser(folder) as browser:
        browser.open(url)
        browser.script("return document.title")
        browser.console()               what the page and the browser complained about
        browser.requests()              every URL that the page asked for
        browser.screenshot(path)

Nothing of it is installed by itself: available() says what is missing.
"""
import base64
import http.client
import json
import os
import re
import shutil
import subprocess
import time

# Guards against a hang.
START_TIMEOUT_S = 180
REQUEST_TIMEOUT_S = 180
# A headless browser of its own, that asks nobody but the page's server (root has no sandbox to use).
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
         "--hide-scrollbars", "--force-device-scale-factor=1", "--no-proxy-server", "--lang=en-US"]
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
TAB_KEY = "\ue004"


def available():
    """What is missing, in a few words; None where a page can be looked at."""
    missing = [name for name in ("chromium", "chromedriver") if not shutil.which(name)]
    return f"{' and '.join(missing)}: not installed (Debian: chromium, chromium-driver)" if missing else None


class Browser:
    def __init__(self, folder, width=1280, height=900):
        """folder: where the profile and the driver's log go; the caller removes it."""
        self.folder, self.size, self.session = folder, (width, height), None
        self.log_path = os.path.join(folder, "chromedriver.log")

    def __enter__(self):
        with open(self.log_path, "wb") as log:
            self.driver = subprocess.Popen(["chromedriver", "--port=0", "--allowed-ips=127.0.0.1"], stdout=log,
                                           stderr=log, stdin=subprocess.DEVNULL)
        try:
            self.port = self.await_port()
            options = {"args": [*FLAGS, f"--user-data-dir={self.folder}/profile", f"--window-size={self.size[0]},{self.size[1]}"],
                       "binary": shutil.which("chromium"), "perfLoggingPrefs": {"enableNetwork": True}}
            wanted = {"browserName": "chrome", "goog:chromeOptions": options,
                      "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}, "timeouts": {"script": 120000}}
            self.session = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        except BaseException:
            self.__exit__()
            raise
        self.open("about:blank")
        self.console()
        self.seen = []
        self.requests()
        self.seen = []      # of the new tab's page
        self.resize(*self.size)
        return self

    def __exit__(self, *_):
        try:
            if self.session:
                self.ask("DELETE", f"/session/{self.session}")
        finally:
            self.driver.terminate()
            self.driver.wait(START_TIMEOUT_S)

    def await_port(self):
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self.driver.poll() is None:
            with open(self.log_path, encoding="utf-8", errors="replace") as log:
                match = re.search(r"started successfully on port (\d+)", log.read())
            if match:
                return int(match[1])
            time.sleep(0.05)
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            raise AssertionError(f"chromedriver did not start: {log.read()[-500:]}")

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=REQUEST_TIMEOUT_S)
        try:
            connection.request(method, path, None if method != "POST" else json.dumps(body or {}),
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            value = json.loads(answer.read())["value"]
        finally:
            connection.close()
        if answer.status != 200:
            raise AssertionError(f"chromedriver {method} {path}: {value.get('error')}: {value.get('message')}")
        return value

    def tell(self, method, path, body=None):
        return self.ask(method, f"/session/{self.session}{path}", body)

    def devtools(self, command, **parameters):
        return self.tell("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    # ---- the page ----

    def open(self, url):
        self.tell("POST", "/url", {"url": url})

    def script(self, text, *arguments):
        return self.tell("POST", "/execute/sync", {"script": text, "args": list(arguments)})

    def find(self, css):
        """The element ids of a CSS selector."""
        return [element[ELEMENT] for element in self.tell("POST", "/elements", {"using": "css selector", "value": css})]

    def click(self, element):
        self.tell("POST", f"/element/{element}/click")

    def press(self, key):
        self.tell("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": [
            {"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]}]})

    def resize(self, width, height):
        """The page's own width and height, also below what a window can be."""
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                      mobile=False)

    def prefer(self, scheme):
        """"light" or "dark", as the system's setting would say."""
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, path, whole_page=True):
        if whole_page:
            width = self.script("return innerWidth")
            height = self.script("return document.documentElement.scrollHeight")
            self.resize(width, height)
            time.sleep(0.5)   # charts draw again for the new height
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.devtools("Page.captureScreenshot", format="png")["data"]))

    # ---- what happened ----

    def console(self):
        """["level source: message"] of everything since the last call that isn't mere information."""
        entries = self.tell("POST", "/se/log", {"type": "browser"})
        return [f"{entry['level']} {entry.get('source')}: {entry['message']}" for entry in entries
                if entry["level"] in ("WARNING", "SEVERE")]

    def requests(self):
        """URLs of every request of the page so far."""
        for entry in self.tell("POST", "/se/log", {"type": "performance"}):
            event = json.loads(entry["message"])["message"]
            if event["method"] == "Network.requestWillBeSent":
                self.seen.append(event["params"]["request"]["url"])
        return self.seen
