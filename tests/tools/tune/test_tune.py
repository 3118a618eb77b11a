"""python -m tools.tune: what it prints and what it writes."""

import json

import numpy as np
import pandas as pd
import pytest

import score
from preprocess import Settings
from tests.conftest import REAL, make_table, write
from tools.tune import __main__ as tune
from tools.tune import candidates


def test_the_command_prints_row_and_site_constants_and_writes_its_files(here, capsys, monkeypatch):
    monkeypatch.setattr(candidates, "STARTS", (0,))
    monkeypatch.setattr(candidates, "ENDS", (0, 3))
    monkeypatch.setattr(candidates, "WIDTHS", (7, 15))
    path = write(make_table(rows=48, channels=510), here / "public.csv.gz")
    tune.main([str(path), "--nested", "--folds", "3", "--jobs", "1"])
    said = capsys.readouterr().out
    assert "| treatment, range, windows | leave one row out | leave one site out |" in said
    assert json.loads((here / "reports/public/settings.json").read_text()).keys() == {*Settings._fields}
    assert "| score |" in said
    folder = here / "reports" / "public"
    assert (folder / "tune.png").read_bytes().startswith(b"\x89PNG")
    assert list(pd.read_csv(folder / "tune.csv"))[:3] == list(Settings._fields)
    gains = pd.read_csv(folder / "tune_nested.csv", index_col="target")
    assert list(gains) == [f"{what}, by {name}" for name in ("row", "site") for what in ("present", "tuned")]
    assert gains.loc["score", "present, by row"] == pytest.approx(
        np.dot(list(score.WEIGHTS.values()), gains["present, by row"].to_numpy()[:49])
    )


def test_peat_with_its_rising_axis_is_searched(here, capsys, monkeypatch):
    monkeypatch.setattr(candidates, "STARTS", (0,))
    monkeypatch.setattr(candidates, "WIDTHS", (15,))
    path = REAL / "peat_redoxpeat" / "peat_redoxpeat_full.csv.gz"
    if not path.exists():
        pytest.skip("the real spectra are not here: %s" % path)
    tune.main([str(path), "--jobs", "1"])
    assert "leave one site out, the present one: max, " in capsys.readouterr().out
