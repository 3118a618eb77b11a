"""The model's channels on real spectra: the same numbers or one line, never other numbers."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

import predict
import preprocess
import recore.model_file
import train
from preprocess import DataError
from tests.conftest import REAL, channels_of
from tests.tables import do, said_by

FILES = (
    "peat_redoxpeat/peat_redoxpeat_full.csv.gz",
    pytest.param("yamsys_soil/yamsys_soil_full.csv.gz", marks=pytest.mark.slow),
)


class Lab:
    """A real table, half of it a model's, the other half new."""

    def __init__(self, path, folder):
        table = pd.read_csv(path, index_col=0)
        self.channels, self.folder, self.n = channels_of(table), folder, 0
        self.axis = np.array(self.channels, dtype=float)
        half = np.arange(len(table)) % 2 == 0
        self.old, self.new = table[half], table[~half]
        self.old.to_csv(str(folder / "old.csv"))
        do("train", "--data_dir", folder / "old.csv", "--model_dir", folder / "model")
        self.expected = self.predicted(self.new)

    def write(self, table):
        self.n += 1
        path = self.folder / f"new{self.n}.csv"
        table.to_csv(str(path))
        return path

    def arguments(self, table, *options):
        places = "--model_dir", self.folder / "model", "--output_dir", self.folder / "out"
        return ["predict", "--data_dir", self.write(table), *places, *options]

    def predicted(self, table, *options):
        do(*self.arguments(table, *options))
        return np.loadtxt(str(self.folder / "out" / f"new{self.n}.csv.out"), delimiter=",")

    def refused(self, table, *options):
        said = said_by(*self.arguments(table, *options))
        assert not (self.folder / "out" / f"new{self.n}.csv.out").exists()
        return said

    def renamed(self, names, table=None):
        table = self.new if table is None else table
        return table.rename(columns=dict(zip(self.channels, names)))

    def on_grid(self, step, spectra=None):
        """The new spectra on another grid, by straight lines between channels; ends as they are."""
        low, high = self.axis.min(), self.axis.max()
        grid = np.arange(np.ceil(low / step) * step, high, step)
        grid = np.r_[low, grid[(grid > low + step / 4) & (grid < high - step / 4)], high]
        order = np.argsort(self.axis)
        values = [np.interp(grid, self.axis[order], row[order]) for row in self.new[self.channels].to_numpy()]
        others = self.new.drop(columns=self.channels)
        return pd.concat(
            [others, pd.DataFrame(values, self.new.index, [f"{name:.6f}" for name in grid])], axis=1
        )


@pytest.fixture(scope="module", params=FILES)
def lab(request, tmp_path_factory):
    if not (REAL / request.param).exists():
        pytest.skip(f"the real spectra are not here: {REAL / request.param}")
    return Lab(REAL / request.param, tmp_path_factory.mktemp("lab"))


def test_an_axis_from_the_other_end_gives_the_same_predictions(lab, caplog):
    caplog.set_level("INFO")
    others = [name for name in lab.new if name not in lab.channels]
    found = lab.predicted(lab.new[[*others[:1], *lab.channels[::-1], *others[1:]]])
    np.testing.assert_array_equal(found, lab.expected)
    assert "came the other way round than the model's" in caplog.text


@pytest.mark.parametrize("words", ["X{}", "{} cm-1", "X{}.cm.1", "scan_mir.{}_abs", "{}000", "wn {} 1/cm"])
def test_channels_in_other_words_give_the_same_predictions(lab, words):
    for names in (
        map(words.format, lab.channels),
        (words.format(name).replace(".", ",") for name in lab.channels),
    ):
        np.testing.assert_array_equal(lab.predicted(lab.renamed(names)), lab.expected)


def test_channels_with_fewer_digits_are_the_same_as_long_as_they_lie_there(lab, caplog):
    caplog.set_level("INFO")
    np.testing.assert_array_equal(lab.predicted(lab.renamed(f"{x:.2f}" for x in lab.axis)), lab.expected)
    assert "its channels lie within 0.00" in caplog.text
    assert "in the place of" in lab.refused(lab.renamed(f"{x:.0f}" for x in lab.axis))


def test_other_channels_are_one_line_that_names_the_first(lab):
    first, second, last = lab.channels[0], lab.channels[1], lab.channels[-1]
    for dropped, found, expected in (
        (first, repr(preprocess.channel_names([second])[second]), first),
        (last, "none", last),
    ):
        said = lab.refused(lab.new.drop(columns=dropped))
        assert f"first {found} in the place of '{expected}'" in said and "--resample" in said
    further = lab.new.copy()
    further.insert(list(further).index(last) + 1, f"{2 * float(last) - float(lab.channels[-2]):.4f}", 0.1)
    assert "in the place of none" in lab.refused(further)
    moved = [f"{x + 0.3 * (place % 7 != 3):.4f}" for place, x in enumerate(lab.axis)]
    assert f"first '{float(moved[0]):.10g}' in the place of" in lab.refused(lab.renamed(moved))
    shifted = lab.renamed([*lab.channels[1:], f"{2 * float(last) - float(lab.channels[-2]):.4f}"])
    assert "in the place of" in lab.refused(shifted)
    assert "in the place of" in lab.refused(lab.on_grid(4))


@pytest.mark.parametrize("step", [2, 4])
def test_another_grid_is_interpolated_when_it_is_asked_for_and_said(lab, step, caplog):
    """By straight lines to the grid and by cubics back, no prediction moves by more than a few percent of its RMSE."""
    caplog.set_level("INFO")
    grid = lab.on_grid(step)
    found = lab.predicted(grid, "--resample")
    assert "interpolated, its channels up to" in caplog.text and f"steps {step} and " in caplog.text
    rmse = [
        each["cv_rmse"] for each in json.loads((lab.folder / "model" / "model.json").read_text())["targets"]
    ]
    moved = np.abs(found - lab.expected) / rmse
    assert np.median(moved) < 0.05 and np.quantile(moved, 0.95) < 0.5
    alone = lab.predicted(grid[3:4], "--resample")
    np.testing.assert_array_equal(alone, found[3])
    others = [name for name in grid if name not in channels_of(grid)]
    turned = lab.predicted(grid[[*others, *channels_of(grid)[::-1]]], "--resample")
    np.testing.assert_array_equal(turned, found)
    for part in (channels_of(grid)[3:], channels_of(grid)[:-3]):
        assert "nothing is extrapolated" in lab.refused(grid[[*others, *part]], "--resample")


def test_on_its_own_channels_nothing_is_interpolated(lab, caplog):
    caplog.set_level("INFO")
    np.testing.assert_array_equal(lab.predicted(lab.new, "--resample"), lab.expected)
    assert "interpolated" not in caplog.text


def test_several_tables_have_the_first_ones_channels(lab, tmp_path, monkeypatch):
    """In preprocess and in training on disk, an axis from the other end is turned and another is one line."""
    monkeypatch.setattr(train, "SMALL", 0)
    folder, others = tmp_path / "tables", [name for name in lab.old if name not in lab.channels]
    folder.mkdir()
    half = len(lab.old) // 2
    lab.old[:half].to_csv(str(folder / "a.csv"))
    lab.old[half:].to_csv(str(folder / "b.csv"))
    do("train", "--data_dir", folder, "--model_dir", tmp_path / "plain")
    do("preprocess", "--input", folder, "--output", tmp_path / "features")
    turned = lab.old[half:][[*others[:1], *lab.channels[::-1], *others[1:]]]
    turned.rename(columns={name: f"X{name}" for name in lab.channels}).to_csv(str(folder / "b.csv"))
    do("train", "--data_dir", folder, "--model_dir", tmp_path / "turned")
    do("preprocess", "--input", folder, "--output", tmp_path / "turned features")
    assert (tmp_path / "plain/model.pkl").read_bytes() == (tmp_path / "turned/model.pkl").read_bytes()
    for name in ("a.csv", "b.csv"):
        assert (tmp_path / "features" / name).read_bytes() == (
            tmp_path / "turned features" / name
        ).read_bytes()
    lab.old[half:].drop(columns=lab.channels[0]).to_csv(str(folder / "b.csv"))
    for step, *options in (("train", "--model_dir"), ("preprocess", "--output")):
        source = "--data_dir" if step == "train" else "--input"
        said = said_by(step, source, folder, *options, tmp_path / "other")
        assert said.startswith("b.csv: found") and "the first table's" in said and "in the place of" in said
    assert not (tmp_path / "other" / "model.pkl").exists()


def test_the_server_answers_other_channels_with_one_line(lab):
    model = train.model_fn(str(lab.folder / "model"))

    def answer(table):
        body = table.to_csv(index=False)
        return train.predict_fn(train.input_fn(body, "text/csv"), model)

    spectra = lab.new[lab.channels]
    features = preprocess.features(spectra)
    np.testing.assert_allclose(answer(features), lab.expected, rtol=1e-9)
    turned = preprocess.features(spectra[lab.channels[::-1]])
    fewer = preprocess.features(spectra[lab.channels[1:]])
    if len(lab.channels) % 7 == 0:
        assert "channels that run the other way" in str(answer(turned))
    for table, told in (
        (turned, "found"),
        (fewer, "first"),
        (spectra, "preprocess them first with preprocess.py"),
    ):
        refused = answer(table)
        assert isinstance(refused, DataError) and told in str(refused) and "\n" not in str(refused)


def test_a_model_of_the_format_before_ends_in_one_line(lab, tmp_path):
    shutil.copytree(str(lab.folder / "model"), str(tmp_path / "model"))
    description = json.loads((tmp_path / "model/model.json").read_text())
    assert (
        description["format"] == recore.model_file.FORMAT == 4
        and description["version"]
        and description["channels"][0] in description["features"][0]
    )
    for before in (1, 2, 3):
        description["format"] = before
        (tmp_path / "model/model.json").write_text(json.dumps(description))
        with pytest.raises(
            DataError, match=r"model\.json: found format %d .*train again with train" % before
        ):
            predict.main(["--data_dir", str(lab.folder / "old.csv"), "--model_dir", str(tmp_path / "model")])
