"""recore.alphas: the range of alphas from the command line, and the model that it gives."""

import json

import numpy as np
import pytest

import train
from mdl import ALPHAS, ZeroClippedRidgeCV
from preprocess import DataError
from recore.alphas import alphas_of
from recore.tables import read_table
from tests.conftest import write
from tests.tables import do, said_by, soil, split


def test_the_usual_range_is_the_model_s_own_and_a_wider_one_as_dense():
    assert tuple(alphas_of("1e-5:1e5")) == ALPHAS
    for text, number in (("0.1:10", 50), ("1e-10:1e10", 99)):
        alphas = np.array(alphas_of(text))
        ends = [float(end) for end in text.split(":")]
        assert len(alphas) == number and alphas[[0, -1]] == pytest.approx(ends, rel=1e-12)
        assert np.ptp(np.diff(np.log(alphas))) < 1e-9


@pytest.mark.parametrize(
    "text", ["", "1", "1:", "0:1", "-1:1", "10:1", "1:1", "nan:1", "1:inf", "1:2:3", "1e-31:1"]
)
def test_what_is_no_range_is_refused_with_what_is_one(text):
    with pytest.raises(DataError) as refused:
        alphas_of(text)
    assert str(refused.value).startswith("--alphas: found %r" % text) and "LOW:HIGH" in str(refused.value)


@pytest.mark.parametrize("asked", ["auto", "1e-8:1e8"])
@pytest.mark.parametrize("kind", ["one table", "several tables"])
def test_train_chooses_from_the_alphas_that_are_asked_for(asked, kind, tmp_path):
    table = soil(rows=240)
    path = write(table, tmp_path / "soil.csv")
    given = path if kind == "one table" else split(table, tmp_path / "soil")
    alphas = asked if asked == "auto" else np.logspace(-8, 8, 79)
    do("train", "--data_dir", given, "--model_dir", tmp_path / "model", "--alphas=" + asked)
    found = train.model_fn(str(tmp_path / "model"))
    read = read_table(path)
    wanted = ZeroClippedRidgeCV(alphas).fit(read.features, read.targets)
    assert found.alphas_ == pytest.approx(wanted.alphas_, rel=1e-6)
    assert found.alpha_ == pytest.approx(wanted.alpha_, rel=1e-6)
    told = json.loads((tmp_path / "model" / "model.json").read_text())["training"]
    assert told["alphas"] == pytest.approx([*wanted.alphas_[[0, -1]], len(wanted.alphas_)], rel=1e-6)
    # The figure by site is of a model that chose from the same.
    by_site = ZeroClippedRidgeCV(alphas).fit(read.features, read.targets, groups=read.ids["SiteID"])
    assert told["mean_r2"]["SiteID"] == pytest.approx(by_site.cv_r2_.mean(), rel=1e-6)


def test_a_range_that_is_none_is_said_before_anything_is_read(tmp_path):
    said = said_by("train", "--data_dir", tmp_path / "no", "--model_dir", tmp_path, "--alphas", "5")
    assert said.startswith("--alphas: found '5'")
