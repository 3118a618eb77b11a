"""notebooks/: every percent script runs, and says what its text says it shows."""

import re
import runpy
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from conftest import ROOT, channels_of, make_table, write

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))


@pytest.fixture
def spectra(tmp_path, monkeypatch):
    """A file whose sites are marked in their spectra, so that by row there is something to leak."""
    table = make_table(rows=120)
    channels, rng = channels_of(table), np.random.default_rng(0)
    marks = rng.normal(0, 0.05, (15, len(channels)))
    table[channels] = 1 + 0.05 * table[channels] + marks[table["SiteID"] - 1]
    monkeypatch.setenv("SPECTRA", str(write(table, tmp_path / "public.csv.gz")))
    yield
    plt.close("all")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_each_cell_of_code_has_its_claim(path, spectra):
    runpy.run_path(str(path))
    kinds = re.findall(r"^# %%( \[markdown\])?$", Path(path).read_text(), flags=re.MULTILINE)
    assert kinds == [" [markdown]", ""] * (len(kinds) // 2)


def test_validation_shows_the_leak_and_that_clipping_never_costs(spectra):
    shown = runpy.run_path(str(ROOT / "notebooks" / "02_validation.py"))
    assert shown["leak"]["row"] > 0.5 > 0.2 > shown["leak"]["site"]
    assert shown["gain"].min() > -1e-9  # rounding
    assert (shown["r2"]["row"] > 0.5).all()
