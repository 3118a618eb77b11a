"""tools/report/figures: axes, colours and sizes."""

import base64
import io
import re

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from tools.report.figures import by_target
from tools.report.figures.style import short, shortened, spectral
from tools.report.figures.svg import fewer, svg


@pytest.mark.parametrize("rising", [True, False])
def test_wavenumbers_fall_from_left_to_right(rising):
    axes = Figure().subplots()
    spectral(axes, np.linspace(600, 4000, 9)[:: 1 if rising else -1], True)
    left, right = axes.get_xlim()
    assert (left, right) == (4000, 600)


def test_a_value_beyond_the_axis_is_shown_as_an_arrow_at_its_edge():
    figure = Figure()
    by_target.rows(figure, ["a", "b"], {"by row": np.array([0.5, -7.0])}, "R²", limits=(-1, 1))
    drawn = {line.get_marker(): line.get_xydata().tolist() for line in figure.axes[0].lines}
    assert drawn["o"] == [[0.5, 0]] and drawn["<"] == [[-1, 1]]


def test_colours_follow_the_page_and_text_stays_text():
    curves = {by: ([1, 2], [0.1, 0.2]) for by in ("by row", "by site")}
    drawn = svg("k", 'a "b" & c', (342, 200), by_target.lines, curves, "rows", "R²")
    assert 'viewBox="0 0 342 200"' in drawn and "12px" in drawn
    assert "var(--ink)" in drawn and "var(--series0)" in drawn and ">rows</text>" in drawn
    assert 'aria-label="a &quot;b&quot; &amp; c"' in drawn
    assert not re.search(r"DejaVu|#000|http://www.w3.org/TR|<style", drawn)


def test_long_names_keep_their_begin_and_their_end():
    names = [f"organic carbon of the fine fraction below two micrometres, combustion {k}" for k in range(12)]
    shown = shortened([*names, "Ca"], 20)
    assert shown[-1] == "Ca" and {*map(len, shown[:-1])} == {20} and len({*shown}) == 13
    drawn = svg("k", "R2", (342, 400), by_target.rows, names, {"by row": np.linspace(0, 1, 12)}, "R²")
    assert all(f">{name}</text>" in drawn for name in shown[:-1])


def test_numbers_of_an_axis_are_few_characters():
    values = [0, 0.004, -2.5, 25000, 1.2e6, 5e9, 2.5e-5, -7.5e-8, 1e-13, 2e-20]
    told = ["0", "0.004", "−2.5", "25k", "1.2M", "5e09", "25µ", "−75n", "100f", "2e−20"]
    assert [short(value) for value in values] == told


def test_small_numbers_on_an_axis_keep_their_digits():
    drawn = svg(
        "k", "errors", (342, 200), by_target.lines, {"by row": ([1, 2], [0.0005, 0.002])}, "rows", "error"
    )
    ticks = [float(text) for text in re.findall(r">(0\.\d+)</text>", drawn)]
    assert len({*ticks}) == len(ticks) > 2 and min(ticks) < 0.001
    assert not re.search(r'[" ]-?\d+\.\d{3,}[" ]', drawn), "places need no more than two"


def test_a_palette_makes_dots_smaller_and_hardly_other():
    rng = np.random.default_rng(0)
    figure = Figure((2, 2), dpi=100)
    figure.subplots().scatter(*rng.normal(size=(2, 400)), c=rng.random(400), s=8)
    buffer = io.BytesIO()
    figure.savefig(buffer, transparent=True)
    packed = base64.b64decode(fewer(base64.b64encode(buffer.getvalue())))
    before, after = (
        np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"), float) for png in (buffer.getvalue(), packed)
    )
    assert len(packed) < 0.5 * len(buffer.getvalue())
    assert np.abs(before - after)[before[..., 3] > 200].mean() < 12
