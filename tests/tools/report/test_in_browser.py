"""The pages in a browser: they fit, ask for nothing, and print on few pages."""

import functools
import html
import http.server
import json
import re
import subprocess
import threading

import pytest

import train
from tests.tools.report.pages import chromium
from tools.report import __main__ as report

LOOK = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><body><script>
const found = [];
const cases = [["report.html", 390], ["report.html", 1280], ["new.html", 390], ["new.html", 1280], ["bad.html", 390]];
addEventListener("DOMContentLoaded", async () => {
  for (const [page, width] of cases) {
    const frame = document.createElement("iframe");
    frame.width = width;
    frame.height = 844;
    await new Promise(done => { frame.onload = done; frame.src = page; document.body.append(frame); });
    const inside = frame.contentWindow;
    inside.document.querySelectorAll("details").forEach(one => (one.open = true));
    found.push({
      page, width, inner: inside.innerWidth, scroll: inside.document.documentElement.scrollWidth,
      wider: [...inside.document.querySelectorAll(".scroll")].filter(one => one.scrollWidth > one.clientWidth).length,
      sorted: [...inside.document.querySelectorAll("thead button")].length,
      asked: inside.performance.getEntriesByType("resource").map(one => one.name).filter(one => !one.startsWith("data:")),
    });
    frame.remove();
  }
  document.body.innerHTML = "";
  document.title = JSON.stringify(found);
});
</script>"""
BAD = (
    '<div style="width: 3000px">wide</div><img src="leak.png"><script>console.error("bad " + "page")</script>'
)


@pytest.mark.slow
def test_in_a_browser_it_fits_asks_for_nothing_and_has_no_error(official, tmp_path):
    """Chromium's own --dump-dom is enough, so no package that drives a browser is needed."""
    if chromium() is None:
        pytest.skip("found no chromium to open the page with")
    page, path = official
    folder = tmp_path / "served"
    folder.mkdir()
    train.main([str(path), "--model", str(tmp_path / "model"), "--jobs", "1"])
    new = ["--predict", str(path), "--model", str(tmp_path / "model"), "--output", str(folder / "new.html")]
    report.main([*new, "--jobs", "2"])
    (folder / "look.html").write_text(LOOK, encoding="utf-8")
    (folder / "report.html").write_text(page, encoding="utf-8")
    (folder / "bad.html").write_text(page.replace("<body>", f"<body>{BAD}"), encoding="utf-8")
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            asked.append(self.path)

    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        command = [
            chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--user-data-dir={tmp_path / 'profile'}", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            "--enable-logging=stderr", "--virtual-time-budget=20000", "--window-size=1400,900", "--dump-dom",
            f"http://127.0.0.1:{server.server_port}/look.html",
        ]  # fmt: skip
        result = subprocess.run(command, capture_output=True, text=True, timeout=180)
        server.shutdown()
    title = re.search(r"<title>(.*?)</title>", result.stdout)
    assert title, result.stderr[-2000:]
    *good, bad = json.loads(html.unescape(title[1]))
    assert [(one["width"], one["inner"]) for one in good] == [(390, 390), (1280, 1280)] * 2
    assert all(one["wider"] == 0 for one in good if one["width"] == 1280)  # tables need no scrolling
    assert all(one["scroll"] <= one["inner"] and one["asked"] == [] for one in good)
    assert all(one["sorted"] > 10 for one in good)  # so the page's script ran to its end
    assert bad["scroll"] > bad["inner"] and bad["asked"][0].endswith("leak.png")  # the test can fail
    said = re.findall(r"CONSOLE.*", result.stderr)
    assert any("bad page" in line for line in said)
    assert all("bad page" in line or "leak.png" in line for line in said), said
    assert set(asked) <= {
        "/look.html",
        "/report.html",
        "/new.html",
        "/bad.html",
        "/leak.png",
        "code 404, message File not found",
    }
