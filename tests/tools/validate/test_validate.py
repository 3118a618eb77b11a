"""python -m tools.validate: what it prints and what it writes."""

import json

import numpy as np
import pandas as pd
import pytest

import preprocess
import score
from tests.conftest import make_table, write
from tests.tables import soil
from tools import spectra
from tools.validate import __main__ as validate


def test_the_command_puts_row_and_site_side_by_side_and_saves_what_it_found(here, capsys):
    path = write(make_table(rows=48), here / "public.csv.gz")
    validate.main([str(path), "--repeats", "2", "--folds", "4", "--jobs", "1"])
    said = capsys.readouterr().out
    assert "held out by: row / site / site, α by site" in said
    assert said.count("official score, 2 × 4 folds by") == 3
    folder = here / "reports" / "public"
    saved = pd.read_csv(folder / "predictions.csv", index_col=0)
    assert len(saved) == 48 * 2 * 3
    summary = json.loads((folder / "summary.json").read_text())
    actual = spectra.read_table(str(path)).targets
    for (by, repeat), part in saved.groupby(["held out by", "repeat"]):
        found = score.weighted(score.r2(actual.to_numpy(), part.loc[actual.index, list(actual)].to_numpy()))
        assert summary["held out by"][by]["official score"][repeat] == pytest.approx(found)
        if by != "row":
            assert (part.groupby("SiteID")["fold"].nunique() == 1).all()
    curve = pd.read_csv(folder / "learning_curve.csv")
    assert list(curve["held out by"]) == ["row"] * 4 + ["site"] * 4
    assert curve["training rows"].tolist()[:4] == [9, 18, 27, 36]


def test_given_folds_are_matched_by_index(here, capsys):
    path = write(soil(), here / "soil.csv")
    given = pd.DataFrame({"Fold": np.arange(48) % 3 + 1}, index=np.arange(48))
    given.iloc[::-1].to_csv(here / "folds.csv")
    options = ["--fold-file", "folds.csv", "--folds", "3", "--jobs", "1", "--group", "none"]
    validate.main([str(path), *options])
    assert "held out by: given folds." in capsys.readouterr().out
    saved = pd.read_csv(here / "reports" / "soil" / "predictions.csv", index_col=0)
    assert saved["fold"].tolist() == given["Fold"].tolist()
    given.iloc[1:].to_csv(here / "folds.csv")
    with pytest.raises(preprocess.DataError, match=r"found 47 rows .* expected a column Fold and the 48"):
        validate.main([str(path), *options])


def test_targets_and_ids_are_those_that_are_named(here, capsys):
    path = write(soil().assign(pH=np.random.default_rng(0).normal(6, 1, len(soil()))), here / "soil.csv")
    short = ["--repeats", "1", "--folds", "4", "--jobs", "1"]
    for named in (["--targets", "Ca,clay"], ["--ids", "pH"]):
        validate.main([str(path), *short, *named])
        assert json.loads((here / "reports/soil/summary.json").read_text())["targets"] == ["Ca", "clay"]
    with pytest.raises(
        preprocess.DataError, match="--targets: found no column 'Cu', expected one of 'Ca', 'clay'"
    ):
        validate.main([str(path), *short, "--targets", "Ca,clay,Cu"])
