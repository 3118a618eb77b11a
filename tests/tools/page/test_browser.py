"""tools/page in a browser: two people at once, at both widths, light and dark; what it shows and what it asks for."""

import re
from contextlib import ExitStack

import pytest

from tests.tools.convert.test_made_files import jcamp
from tests.tools.page import browser
from tests.tools.page.conftest import bytes_of, spectra_of, table_of, workbook

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(browser.CHROMIUM is None, reason="found no chromium to open the page with"),
]
NEW = table_of(6, seed=7)
ROWS = """[...document.querySelector('[data-testid=stDataFrame] canvas table').querySelectorAll('tr')]
    .map(row => [...row.children].map(cell => cell.innerText))"""  # what a screen reader has of a table
CHART = "document.querySelector('[data-testid=stVegaLiteChart] :is(canvas, svg)')?.tagName"
TEXT = "document.body.innerText"


def shown(tab):
    """The first table of samples: {sample: {column: text}}."""
    tab.wait(CHART)
    header, *rows = tab.value(ROWS)
    return {row[header.index("sample")]: dict(zip(header, row, strict=True)) for row in rows}


def test_two_people_read_what_predict_writes_and_nothing_leaves_the_machine(served, by_predict, tmp_path):
    port, _ = served
    address = f"http://127.0.0.1:{port}"
    (tmp_path / "new.csv").write_bytes(bytes_of(NEW))
    (tmp_path / "scan.jdx").write_bytes(jcamp(spectra_of(NEW)[0]))
    (tmp_path / "sheet.xlsx").write_bytes(workbook(NEW))
    (tmp_path / "broken.0").write_bytes(b"nothing")
    (tmp_path / "large.csv").write_bytes(b"0" * (2 << 20))
    files = [tmp_path / name for name in ("new.csv", "broken.0", "scan.jdx", "sheet.xlsx", "large.csv")]
    other = tmp_path / "other.csv"
    other.write_bytes(bytes_of(table_of(4, seed=3)))
    with ExitStack() as stack:
        one = stack.enter_context(browser.opened(address, tmp_path / "one", 1280, "light"))
        two = stack.enter_context(browser.opened(address, tmp_path / "two", 390, "dark"))
        for tab in (one, two):
            tab.wait("document.querySelector('input[type=file]')?.type")
        one.drop(*files)
        two.drop(other)
        found = {path: shown(tab) for path, tab in ((files[0], one), (other, two))}
        assert {"Ca", "Ca lower", "Ca upper"} <= {*found[files[0]]["0"]}
        said = one.wait(f"{TEXT}.includes('sheet.xlsx') && {TEXT}.includes('broken.0: it is') && {TEXT}")
        for path, cells in found.items():
            header, *lines = [line.split(",") for line in by_predict(path).decode().splitlines()]
            for label, *values in lines:
                told = dict(zip(header[1:], values, strict=True))
                common = [name for name in cells[label] if name in told]
                assert {"verdict"} < {*common}
                assert [cells[label][name] for name in common] == [told[name] for name in common]
            assert len(cells) == len(lines)
        assert "broken.0: it is text without columns of numbers" in said
        assert [name for name in ("new.csv", "scan.jdx", "sheet.xlsx") if said.count(name) < 2] == []
        assert said.count("large.csv") == 1  # named as a file that was not taken
        for tab, width, dark in ((one, 1280, False), (two, 390, True)):
            assert tab.value("document.documentElement.scrollWidth") == width
            colour = tab.value("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
            assert (sum(map(int, re.findall(r"\d+", colour)[:3])) < 300) == dark
            asked = {url.split("/")[2] for url in tab.asked if re.match(r"(https?|wss?)://", url)}
            assert asked == {f"127.0.0.1:{port}"}
