"""python -m tools.report: the page of a model says what validation found, for every kind of file, and in a browser."""

import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import preprocess
from recore.folds import draw_folds
from recore.marks import mark_of
from tests.conftest import REAL, channels_of, make_table, write
from tests.tables import soil
from tests.tools.report.pages import cells_of, number, printed, text_of
from tools import spectra
from tools.report import __main__ as report
from tools.report.model_page import notice_of
from tools.report.study import DEMO, UNKNOWN, source_of
from tools.trust.coverage import coverage_table, held_out_bounds
from tools.validate import __main__ as validate
from tools.validate.measures import MEASURES

OPTIONS = ["--short", "--jobs", "1"]  # in this process, where a warning is an error
FASTER = ["--short", "--jobs", "2"]
KEYS = [
    "elements",
    "believe",
    "against",
    "samples",
    "errors",
    "bounds",
    "looks",
    "learning",
    "methods",
    "appendix",
]


def page_of(table, folder, *options):
    """The page of a table, written and read."""
    path = write(table, folder / "spectra.csv")
    output = folder / "page.html"
    report.main([str(path), *OPTIONS, "--output", str(output), *options])
    return output.read_text(encoding="utf-8")


def test_the_first_table_has_the_figures_of_validate_and_so_have_all_measures(
    official, tmp_path, monkeypatch, capsys
):
    page, path = official
    monkeypatch.chdir(tmp_path)
    validate.main([str(path), *OPTIONS])
    measures = pd.read_csv(tmp_path / "reports" / "public" / "measures.csv").set_index(
        ["target", "held out by"]
    )
    cells, every = cells_of(page, "elements"), cells_of(page, "appendix")
    assert {*cells} == {*preprocess.TARGETS} and list(every) == [*preprocess.TARGETS, "mean"]
    for target, (by_site, by_row, _, rmse_site, rmse_row, low, high, assays) in cells.items():
        lines = [measures.loc[(target, scheme)] for scheme in ("site", "row")]
        shown = zip(
            (by_site, rmse_site, by_row, rmse_row), [line[m] for line in lines for m in ("R2", "RMSE")]
        )
        for text, value in shown:
            assert number(text) == pytest.approx(value, rel=0.05, abs=5.1e-3)
        assert number(assays) == lines[0]["assays"] and number(low) < number(high)
        for place, measure in enumerate(MEASURES):
            for side, scheme in enumerate(("row", "site")):
                value = measures.loc[(target, scheme), measure]
                assert number(every[target][2 * place + side]) == pytest.approx(value, rel=0.05, abs=5.1e-3)
    groups = re.findall(
        r'<tr class="group">.*?</tr>', page[page.index('<section id="elements">') :], flags=re.S
    )
    marks = [mark_of(measures.loc[(target, "site"), "R2"]) for target in preprocess.TARGETS]
    assert len(groups) == len(set(marks))
    for group in map(text_of, groups):
        assert int(re.search(r"(\d+) of 49", group)[1]) == marks.count(
            re.search("quantities|screening|weak|no skill", group.lower())[0]
        )


def test_every_target_is_drawn_once_and_every_section_is_there(official):
    page, _ = official
    section = page[page.index('<section id="against">') : page.index('<section id="samples">')]
    figures = re.findall(r"<figure.*?</figure>", section, flags=re.S)
    assert sorted(text_of(figure).split()[0] for figure in figures) == sorted(preprocess.TARGETS)
    assert len(figures) == 49 and all("data:image/png" in figure for figure in figures)
    assert re.findall(r'<section id="(\w+)"', page) == KEYS


def test_coverage_and_flagged_spectra_are_those_of_bounds_held_out_and_stand_in_the_numbers_too(tmp_path):
    table = soil(rows=60)
    channels = channels_of(table)
    table.loc[table.index[7], channels[::2]] += 0.5  # what no other spectrum has
    page = page_of(table, tmp_path)
    read = spectra.read_table(str(tmp_path / "spectra.csv"))
    folds = draw_folds(np.arange(60), 1, 3)[0]
    bounds, found, _ = held_out_bounds(read.features.to_numpy(), read.targets.to_numpy(), folds)
    covered = coverage_table(read.targets, bounds)["coverage"].mean()
    flagged = found.index[found["verdict"] != "inside"]
    said = text_of(page)
    assert f"of the assays held, of those held out, {covered:.0%} by row," in said
    assert f"Flagged are {len(flagged) / 60:.0%} by row;" in said
    cells = cells_of(page, "samples")
    assert set(map(int, cells)) <= set(flagged) and next(iter(cells)) == "7"
    assert cells["7"][3] == "unlike"
    told = pd.read_csv(tmp_path / "page.samples.csv").set_index("index")
    assert (told["verdict, row"] == found["verdict"].to_numpy()).all()
    rows = pd.read_csv(tmp_path / "page.held-out.csv").set_index("held out by").loc["row"]
    inside = [
        rows[f"{t} measured"].between(rows[f"{t} lower"], rows[f"{t} upper"]).mean() for t in ("Ca", "clay")
    ]
    assert np.mean(inside) == pytest.approx(covered)


def test_the_numbers_beside_the_page_are_those_on_it(official):
    page, path = official
    beside = {one.name for one in path.parent.glob("report.*.csv")}
    words = "elements measures held-out samples channels alphas learning".split()
    assert beside == {f"report.{word}.csv" for word in words}
    told = pd.read_csv(path.parent / "report.elements.csv").set_index("target")
    cells = cells_of(page, "elements")
    assert list(told.index) == list(preprocess.TARGETS)
    for target, line in told.iterrows():
        assert number(cells[target][0]) == pytest.approx(line["R2 by drill hole"], abs=5.1e-3)
        assert line["R2 by drill hole lower"] <= line["R2 by drill hole"] <= line["R2 by drill hole upper"]


def test_only_demo_data_is_called_synthetic_unless_told(official, tmp_path):
    page, path = official
    assert "Synthetic data. Synthetic spectra" in text_of(page) and "say nothing about real rock" in text_of(
        page
    )
    other = write(make_table(), tmp_path / "other.csv.gz")
    assert (source_of(str(path)), source_of(str(other))) == (DEMO, UNKNOWN)
    assert notice_of(UNKNOWN) == ""


def test_a_target_without_spread_and_names_that_are_markup_do_no_harm(tmp_path):
    table = make_table(rows=48, targets=("same", "<b>$x_1$ & y", "clay"))
    table["same"] = 2.5
    table["SiteID"] = [f"<i>{site}" for site in table["SiteID"]]
    page = page_of(table, tmp_path, "--targets", 'same,"<b>$x_1$ & y",clay', "--source", "our <2024> survey")
    assert "<b>$" not in page and "<i>1" not in page and "<b>$x_1$ & y" in text_of(page)
    assert cells_of(page, "appendix", 1)["same"][6] == "100%"
    assert "our <2024> survey" in text_of(page) and "Synthetic" not in page


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
    assert f"{rows} samples" in text_of(page)
    assert len(cells_of(page, "elements")) == targets
    assert [key for key in KEYS if key != "errors"] == [
        key for key in re.findall(r'<section id="(\w+)"', page) if key != "errors"
    ]
    pages = printed(tmp_path / "page.html")
    assert pages is None or 4 <= pages <= 15


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
    for figure in re.findall(r"<figure.*?</figure>", page, flags=re.S):
        assert re.search(r"<h3>.+?</h3>", figure)
        assert re.search(r"<figcaption>.+?</figcaption>", figure, flags=re.S)
        assert re.search(r'role="img" aria-label="[^"]{10,}"', figure)
