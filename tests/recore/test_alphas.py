"""recore.alphas: the range of alphas from the command line, and the model that it gives."""

import json

import numpy as np
import pytest

import train
from mdl import ALPHAS, ZeroClippedRidgeCV
from recore.alphas import alphas_of
from recore.expected import fitting
from recore.nested import nested
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
    with pytest.raises(ValueError, match="LOW:HIGH") as refused:
        alphas_of(text)
    assert str(refused.value).startswith("found %r" % text)


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
    # The figures are of models that chose from the same.
    arrays = read.features.to_numpy(), read.targets.to_numpy()
    (figure,) = nested(*arrays, {"row": None}, [("row", "row")], fitting(ZeroClippedRidgeCV, alphas))
    assert told["mean_r2"]["row"] == pytest.approx(figure.mean_r2, rel=1e-4)


def test_a_range_that_is_none_is_said_before_anything_is_read(tmp_path):
    said = said_by("train", "--data_dir", tmp_path / "no", "--model_dir", tmp_path, "--alphas", "5")
    assert said.startswith("--alphas: found '5'")


def test_a_range_that_follows_the_spectra_is_not_advised_again(tmp_path, caplog):
    path = write(soil(rows=240), tmp_path / "soil.csv")
    do("train", "--data_dir", path, "--model_dir", tmp_path / "model", "--alphas", "1e2:1e3")
    assert "a wider grid may do better" in caplog.text
    caplog.clear()
    do("train", "--data_dir", path, "--model_dir", tmp_path / "model", "--alphas", "auto")
    assert "a wider grid" not in caplog.text
