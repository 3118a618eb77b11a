"""A headless Chromium, driven by its own protocol over a websocket, which Streamlit brings a client of."""

import json
import shutil
import subprocess
import time
from contextlib import contextmanager

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-sync --remote-debugging-port=0".split()
)
PATIENCE = 60  # seconds


class Tab:
    """A page that is open; `asked` are the addresses that it has asked for."""

    def __init__(self, line):
        self.line, self.number, self.asked = line, 0, []

    def call(self, method, **parameters):
        """The result of a command of the protocol."""
        self.number += 1
        self.line.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while True:
            told = json.loads(self.line.recv(timeout=PATIENCE))
            found = told.get("params", {})
            if told.get("method") == "Network.requestWillBeSent":
                self.asked.append(found["request"]["url"])
            elif told.get("method") == "Network.webSocketCreated":
                self.asked.append(found["url"])
            elif told.get("id") == self.number:
                assert "error" not in told, told
                return told["result"]

    def value(self, expression):
        """What an expression of JavaScript is."""
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def wait(self, expression):
        """The value of an expression once it is there."""
        end = time.monotonic() + PATIENCE
        found = self.value(expression)
        while not found:
            assert time.monotonic() < end, (expression, self.value("document.body.innerText"))
            time.sleep(0.1)
            found = self.value(expression)
        return found

    def drop(self, *paths):
        """Give files to the page's only place for them."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        found = self.call("DOM.querySelector", nodeId=root, selector="input[type=file]")["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=found, files=list(map(str, paths)))


@contextmanager
def opened(address, folder, width, scheme):
    """Give the Tab of an address, in a window so wide (pixels), for light or dark."""
    from websockets.sync.client import connect

    command = [CHROMIUM, *QUIET, f"--user-data-dir={folder}", "about:blank"]
    chromium = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        told = next(line for line in chromium.stderr if "DevTools listening on" in line)
        host = told.split("/")[2]
        with connect(told.split()[-1], max_size=None) as line:
            target = Tab(line).call("Target.createTarget", url="about:blank")["targetId"]
        with connect(f"ws://{host}/devtools/page/{target}", max_size=None) as line:
            tab = Tab(line)
            tab.call("Network.enable")
            tab.call(
                "Emulation.setDeviceMetricsOverride",
                width=width,
                height=900,
                deviceScaleFactor=1,
                mobile=False,
            )
            tab.call(
                "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
            )
            tab.call("Page.navigate", url=address)
            yield tab
    finally:
        chromium.terminate()
        chromium.communicate(timeout=30)
