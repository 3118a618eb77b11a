"""The model file: what is saved is what is loaded, and what is not is named."""

import hashlib
import json
import os
import pickle

import numpy as np
import pytest

import preprocess
import recore.model_file
import recore.predictions
import recore.tables
import train
from preprocess import DataError
from tests.conftest import make_table


def test_the_loaded_model_predicts_what_the_fitted_one_does(features, model):
    table = make_table()
    fitted = train.fit(preprocess.Table(features, table[["SiteID"]], table[list(preprocess.TARGETS)]))
    assert np.array_equal(recore.predictions.predict(features, model), fitted.predict(features))


def test_the_description_tells_versions_sums_settings_and_each_targets_figures(model_dir, model):
    described = json.loads((model_dir / "model.json").read_text())
    assert described["preprocessing"] == {"range": "0:-300", "window": 7, "treatment": "max"}
    assert described["features"] == list(model.feature_names_in_)
    assert [target["name"] for target in described["targets"]] == list(preprocess.TARGETS)
    np.testing.assert_array_equal([target["alpha"] for target in described["targets"]], model.alpha_)
    assert described["training"]["sha256"] == recore.tables.file_sum(str(model_dir / "public.csv.gz"))
    assert described["training"]["rows"] == 40 and described["versions"] == recore.model_file.versions()


def sealed(folder, pickled):
    """Write a pickle with a description whose sum is right."""
    description = {"format": recore.model_file.FORMAT, "sha256": hashlib.sha256(pickled).hexdigest()}
    (folder / "model.json").write_text(json.dumps(description))
    (folder / "model.pkl").write_bytes(pickled)
    return str(folder)


class Runs:
    """Pickles to a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "call", [(os.system, "touch executed"), (eval, "open('executed', 'w')"), (os.mkdir, "executed")]
)
def test_a_pickle_that_would_run_something_is_refused_by_name(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = sealed(tmp_path, pickle.dumps(Runs(*call), protocol=4))
    with pytest.raises(DataError, match=r"refused to load \w+\.%s" % call[0].__name__):
        train.model_fn(folder)
    assert not (tmp_path / "executed").exists()


def test_a_pickle_of_something_else_is_refused(tmp_path):
    with pytest.raises(DataError, match="found a dict"):
        train.model_fn(sealed(tmp_path, pickle.dumps({}, protocol=4)))


@pytest.mark.parametrize("place", range(0, 1000, 97))
def test_a_changed_byte_is_noticed(place, model_dir, tmp_path):
    data = bytearray((model_dir / "model.pkl").read_bytes())
    data[place * len(data) // 1000] ^= 1
    (tmp_path / "model.pkl").write_bytes(bytes(data))
    (tmp_path / "model.json").write_bytes((model_dir / "model.json").read_bytes())
    with pytest.raises(DataError, match="found sha256"):
        train.model_fn(str(tmp_path))


def test_a_missing_or_damaged_description_is_named(model_dir, tmp_path):
    with pytest.raises(DataError, match=r"model\.json: not found"):
        train.model_fn(str(tmp_path))
    (tmp_path / "model.pkl").write_bytes((model_dir / "model.pkl").read_bytes())
    for damaged in ("", "[]", "{}", '{"sha256": 3}', '{"sha'):
        (tmp_path / "model.json").write_text(damaged)
        with pytest.raises(DataError, match="train"):
            train.model_fn(str(tmp_path))


def test_a_model_of_other_versions_is_told_in_one_line(model_dir, tmp_path, caplog):
    described = json.loads((model_dir / "model.json").read_text())
    described["versions"]["numpy"] = "1.0.0"
    (tmp_path / "model.json").write_text(json.dumps(described))
    (tmp_path / "model.pkl").write_bytes((model_dir / "model.pkl").read_bytes())
    with caplog.at_level("INFO"):
        train.model_fn(str(tmp_path))
    assert len(caplog.records) == 1 and "numpy 1.0.0" in caplog.text
