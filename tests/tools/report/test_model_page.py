"""python -m tools.report: the page says what validation found, for every kind of file, and in a browser."""

import functools
import html
import http.server
import json
import re
import shutil
import subprocess
import threading

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import preprocess
import score
from recore.folds import draw_folds
from recore.marks import mark_of
from tests.conftest import REAL, channels_of, make_table, write
from tools import spectra
from tools.demo_data import files
from tools.report import __main__ as report
from tools.report.study import DEMO, UNKNOWN, source_of
from tools.trust.coverage import coverage_table, held_out_bounds
from tools.validate import __main__ as validate
from tools.validate.measures import MEASURES

OPTIONS = ["--short", "--jobs", "1"]  # in this process, where a warning is an error
FASTER = ["--short", "--jobs", "2"]
KEYS = ["data", "scores", "predicted", "errors", "trust", "worst", "coefficients", "alphas", "curve"]


def soil(rows=48, targets=("Ca", "clay")):
    """A table with targets of its own, the last with gaps and negative values."""
    table = make_table(rows=rows, targets=targets)
    table[targets[-1]] -= 5
    table.loc[table.index[:5], targets[-1]] = np.nan
    return table


def page_of(table, folder, *options):
    """The page of a table, written and read."""
    path = write(table, folder / "spectra.csv")
    output = folder / "page.html"
    report.main([str(path), *OPTIONS, "--output", str(output), *options])
    return output.read_text(encoding="utf-8")


def text_of(page):
    """What a reader reads, on one line."""
    page = re.sub(r"<(style|script|svg)\b.*?</\1>", " ", page, flags=re.S)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def cells_of(page, key):
    """The table of a section: {name: texts of its cells}."""
    section = page[page.index(f'<section id="{key}">') :]
    body = section[section.index("<tbody>") : section.index("</tbody>")]
    rows = (re.findall(r"<t[hd].*?</t[hd]>", row, flags=re.S) for row in body.split("</tr>")[:-1])
    return {text_of(row[0]).strip(): [text_of(cell).split() for cell in row[1:]] for row in rows}


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    """The page and the path of a file in the challenge's shape, of which demo data says what it is."""
    folder = tmp_path_factory.mktemp("official")
    path = folder / "public.csv.gz"
    files.write(str(path), [make_table(rows=48)])
    output = folder / "report.html"
    report.main([str(path), *FASTER, "--output", str(output)])
    return output.read_text(encoding="utf-8"), path


def test_the_scores_are_those_of_validate(official, tmp_path, monkeypatch, capsys):
    page, path = official
    monkeypatch.chdir(tmp_path)
    validate.main([str(path), *OPTIONS])
    folder = tmp_path / "reports" / "public"
    found = json.loads((folder / "summary.json").read_text())["held out by"]
    for scheme in ("row", "site", "site, α by site"):
        (r2,), (scored,) = found[scheme]["mean R2"], found[scheme]["official score"]
        card = f"{r2:.3f} mean R² by {scheme}, 1 × 3 folds {scored:.3f} official score, of 1.01"
        assert card.replace("-", "−") in text_of(page)
    measures = pd.read_csv(folder / "measures.csv").set_index(["target", "held out by"])
    cells = cells_of(page, "scores")
    assert list(cells) == [*preprocess.TARGETS, "mean"]
    for target, row in cells.items():
        mark = " ".join(row.pop(1))
        assert mark == ("" if target == "mean" else mark_of(measures.loc[(target, "site"), "R2"]))
        shown = [float(cell[0].replace("−", "-").replace(",", "")) for cell in row]
        assert shown[0] == measures.loc[(target, "row"), "assays"]
        for place, measure in enumerate(MEASURES):
            for side, scheme in enumerate(("row", "site")):
                value = measures.loc[(target, scheme), measure]
                assert shown[1 + 2 * place + side] == pytest.approx(value, rel=6e-3, abs=6e-4)


def test_every_target_is_drawn_by_row_and_by_site_and_every_section_is_there(official):
    page, _ = official
    section = page[page.index('<section id="predicted">') : page.index('<section id="errors">')]
    figures = re.findall(r"<figure>.*?</figure>", section, flags=re.S)
    assert [text_of(figure).split()[0] for figure in figures] == list(preprocess.TARGETS)
    assert all(">by row<" in figure and ">by site<" in figure for figure in figures)
    assert all(figure.count("data:image/png") == 2 for figure in figures)
    assert re.findall(r'<section id="(\w+)"', page) == ["answer", *KEYS, "words"]


def test_coverage_and_flagged_spectra_are_those_of_bounds_held_out(tmp_path):
    table = soil(rows=60)
    channels = channels_of(table)
    table.loc[table.index[7], channels[::2]] += 0.5  # what no other spectrum has
    page = page_of(table, tmp_path)
    read = spectra.read_table(str(tmp_path / "spectra.csv"))
    folds = draw_folds(np.arange(60), 1, 3)[0]
    bounds, found, _ = held_out_bounds(read.features.to_numpy(), read.targets.to_numpy(), folds)
    covered = coverage_table(read.targets, bounds)["coverage"].mean()
    flagged = found.index[found["verdict"] != "inside"]
    said = text_of(page[page.index('<section id="trust">') : page.index('<section id="worst">')])
    assert f"on the mean over targets: {covered:.1%} by row;" in said
    assert f"Not inside: {len(flagged) / 60:.1%} by row" in said
    cells = cells_of(page, "trust")
    assert set(map(int, cells)) <= set(flagged) and next(iter(cells)) == "7"
    assert cells["7"][3] == ["unlike"]


def test_only_demo_data_is_called_synthetic_unless_told(official, tmp_path):
    page, path = official
    assert "Synthetic data." in text_of(page) and "say nothing about real rock" in text_of(page)
    other = write(make_table(), tmp_path / "other.csv.gz")
    assert (source_of(str(path)), source_of(str(other))) == (DEMO, UNKNOWN)
    said = text_of(page_of(soil(), tmp_path, "--source", "our <2024> survey"))
    assert "our <2024> survey" in said and "Synthetic" not in said


def test_repeats_give_intervals_and_one_repeat_says_that_there_is_none(tmp_path):
    said = text_of(page_of(soil(), tmp_path, "--group", "none"))
    assert "one repeat only by row, so no interval" in said and not re.search(r"± \d", said)
    path, output = tmp_path / "spectra.csv", tmp_path / "repeats.html"
    report.main([str(path), "--repeats", "2", "--folds", "3", "--jobs", "2", "--output", str(output)])
    said = text_of(output.read_text(encoding="utf-8"))
    assert re.search(r"0\.\d{3} ± 0\.\d{3} mean R² by row, 2 × 3 folds", said)


def test_without_sites_and_depth_each_section_says_so(tmp_path):
    said = text_of(page_of(soil().drop(columns=["SiteID", "DepthFrom", "DepthTo"]), tmp_path))
    assert "No depth in the file" in said and "No sites in the file (no id column SiteID)" in said
    assert "how good the model is on a new one cannot be told" in said
    assert "by site:" not in said.replace("so no figure of errors by site.", "")


def test_a_target_without_spread_and_names_that_are_markup_do_no_harm(tmp_path):
    table = soil(targets=("same", "<b>$x_1$ & y", "clay"))
    table["same"] = 2.5
    table["SiteID"] = [f"<i>{site}" for site in table["SiteID"]]
    page = page_of(table, tmp_path, "--targets", 'same,"<b>$x_1$ & y",clay')
    assert "<b>$" not in page and "<i>1" not in page and "<b>$x_1$ & y" in text_of(page)
    assert cells_of(page, "data")["same"][6] == ["100%"]


def test_a_target_with_too_few_assays_is_named_and_gaps_are_counted(tmp_path):
    table = soil(targets=("Ca", "rare", "clay"))
    table.loc[table.index[2:], "rare"] = np.nan
    page = page_of(table, tmp_path)
    assert "rare: too few assays" in text_of(page)
    assert cells_of(page, "data")["clay"][:2] == [["43"], ["5"]]


def test_a_file_without_assays_ends_in_a_reason(tmp_path):
    path = write(make_table(targets=()), tmp_path / "private.csv")
    with pytest.raises(preprocess.DataError, match="found no target with assays enough"):
        report.main([str(path), *OPTIONS, "--output", str(tmp_path / "page.html")])
    assert not (tmp_path / "page.html").exists()


def test_the_readme_figure_is_a_picture(tmp_path, capsys):
    path = write(make_table(rows=48), tmp_path / "public.csv.gz")
    report.main([str(path), *OPTIONS, "--figure", str(tmp_path / "new" / "figure.png")])
    with Image.open(tmp_path / "new" / "figure.png") as picture:
        assert picture.format == "PNG" and picture.width > 1000
    assert "wrote" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, rows, targets",
    [
        ("yamsys_soil/yamsys_soil_full", 94, 31),
        ("peat_redoxpeat/peat_redoxpeat_full", 59, 30),
        ("limesoda_mir/limesoda_H_138_full", 138, 3),
    ],
)
def test_real_spectra_get_a_page(name, rows, targets, tmp_path):
    path = REAL / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip(f"the real spectra are not here: {path}")
    report.main([str(path), *FASTER, "--output", str(tmp_path / "page.html")])
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert f"spectra {rows} " in text_of(page)
    assert len(cells_of(page, "scores")) == targets + 1
    assert re.findall(r'<section id="(\w+)"', page) == ["answer", *KEYS, "words"]


def test_the_heaviest_targets_are_shown_first(official):
    page, _ = official
    weights = sorted(score.WEIGHTS, key=score.WEIGHTS.get)[::-1][:2]
    section = page[page.index('<section id="coefficients">') :]
    assert re.findall(r"<h3>(.*?)</h3>", section)[:2] == weights == ["CuPPM", "AuPPM"]


def test_the_page_asks_for_nothing_else(official):
    page, _ = official
    links = re.findall(r"""(?:\bsrc|\bhref|srcset|action|poster)\s*=\s*["']?([^"'\s>]+)""", page)
    assert links and all(link.startswith(("#", "data:")) for link in links)
    assert "@import" not in page and not re.search(r"url\((?!#)", page)
    assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|sendBeacon)\b", page)
    assert len(page.encode()) < 6e6


def test_ids_are_unique_and_every_link_leads_somewhere(official):
    page, _ = official
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    targets = re.findall(r'href="#([^"]+)"', page) + re.findall(r"url\(#([^)]+)\)", page)
    assert set(KEYS) < set(targets) <= set(ids)


def test_every_figure_has_a_heading_a_caption_and_words_for_who_cannot_see_it(official):
    page, _ = official
    for figure in re.findall(r"<figure>.*?</figure>", page, flags=re.S):
        assert re.search(r"<h3>.+?</h3>", figure)
        assert re.search(r"<figcaption>.+?</figcaption>", figure, flags=re.S)
        assert re.search(r'role="img" aria-label="[^"]{10,}"', figure)


LOOK = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><body><script>
const found = [];
const cases = [["report.html", 390], ["report.html", 1280], ["bad.html", 390]];
addEventListener("DOMContentLoaded", async () => {
  for (const [page, width] of cases) {
    const frame = document.createElement("iframe");
    frame.width = width;
    frame.height = 844;
    await new Promise(done => { frame.onload = done; frame.src = page; document.body.append(frame); });
    const inside = frame.contentWindow;
    found.push({
      page, width, inner: inside.innerWidth, scroll: inside.document.documentElement.scrollWidth,
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
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("found no chromium to open the page with")
    page, _ = official
    folder = tmp_path / "served"
    folder.mkdir()
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
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
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
    assert [(one["width"], one["inner"]) for one in good] == [(390, 390), (1280, 1280)]
    assert all(one["scroll"] <= one["inner"] and one["asked"] == [] for one in good)
    assert all(one["sorted"] > 20 for one in good)  # so the page's script ran to its end
    assert bad["scroll"] > bad["inner"] and bad["asked"][0].endswith("leak.png")  # the test can fail
    said = re.findall(r"CONSOLE.*", result.stderr)
    assert any("bad page" in line for line in said)
    assert all("bad page" in line or "leak.png" in line for line in said), said
    assert set(asked) <= {
        "/look.html",
        "/report.html",
        "/bad.html",
        "/leak.png",
        "code 404, message File not found",
    }
