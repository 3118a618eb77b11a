"""predict.py --details: bounds and verdicts beside index and ids."""

import json
import os

import numpy as np
import pandas as pd
import pytest

import predict
import preprocess
import recore.predictions
import train
from tests.bodies import told
from tests.conftest import channels_of, make_table, write
from tests.tables import said_by
from tests.test_predict import run


def read_details(path):
    return pd.read_csv(str(path), index_col=0)


def read_text(path):
    """The cells as text."""
    return pd.read_csv(str(path), dtype=str, keep_default_na=False)


def test_details_hold_ids_verdicts_and_every_prediction_between_its_bounds(
    table, public, model_dir, tmp_path
):
    assert run(model_dir, public, tmp_path / "plain").returncode == 0
    arguments = [
        "--model_dir",
        str(model_dir),
        "--data_dir",
        str(public),
        "--coverage",
        "0.8",
        "--details",
        "--digits",
        "15",
    ]
    predict.main([*arguments, "--output_dir", str(tmp_path / "out")])
    name = "public.csv.out"
    assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()
    written = read_details(tmp_path / "out" / "public.details.csv")
    model = train.model_fn(str(model_dir))
    features = preprocess.features(table[channels_of(table)])
    lower, upper = model.predict_interval(features, 0.8)
    targets = model.target_names_
    close = {"rtol": 10.0 ** (1 - 6), "atol": 1e-12}
    np.testing.assert_allclose(written[targets], model.predict(features), rtol=1e-12)
    np.testing.assert_allclose(written[[name + " lower" for name in targets]], lower, **close)
    np.testing.assert_allclose(written[[name + " upper" for name in targets]], upper, **close)
    found = model.applicability(features)
    np.testing.assert_allclose(written[["leverage", "residual"]], found[["leverage", "residual"]], **close)
    assert written["verdict"].tolist() == found["verdict"].tolist()
    ids = ["DepthTo", "SiteID", "DepthFrom"]
    pd.testing.assert_frame_equal(written[ids], table[ids], check_names=False)
    marks = [target["mark"] for target in json.loads((model_dir / "model.json").read_text())["targets"]]
    assert written[[name + " mark" for name in targets]].eq(marks).all(axis=None)
    far = recore.predictions.beyond(model.predict(features), model)
    verdicts = np.array(["below", "inside", "above"])[far + 1]
    assert written[[name + " verdict" for name in targets]].eq(verdicts).all(axis=None)
    each = [name + end for name in targets for end in ("", " lower", " upper", " verdict", " mark")]
    assert list(written) == [*ids, "verdict", "leverage", "residual", *each]


def test_a_prediction_beyond_what_was_measured_is_told_in_details_json_lines_and_log(table, model_dir, tmp_path, caplog):  # fmt: skip
    caplog.set_level("INFO")
    table.loc[6, channels_of(table)[::2]] *= 0.2
    path = write(table, tmp_path / "far.csv")
    arguments = ["--model_dir", str(model_dir), "--data_dir", str(path), "--output_dir", str(tmp_path)]
    predict.main([*arguments, "--digits", "15"])
    written = read_details(tmp_path / "far.details.csv")
    model = train.model_fn(str(model_dir))
    features = preprocess.features(table[channels_of(table)])
    (_, *lines) = [[target["verdict"] for target in line["targets"].values()] for line in [{"targets": {}}, *told(features.to_csv(), "text/csv", model)]]  # fmt: skip
    counts = {"below": 0, "above": 0, "inside": 0}
    for k, name in enumerate(model.target_names_):
        y = make_table()[name]  # of the training
        margin = (y.max() - y.min()) / 10
        predicted = written[name]
        expected = np.where(predicted > y.max() + margin, "above", "inside")
        expected = np.where(predicted < y.min() - margin, "below", expected)
        assert list(written[name + " verdict"]) == list(expected) == [line[k] for line in lines]
        for verdict in expected:
            counts[verdict] += 1
    assert counts["above"] > 0 and counts["inside"] > counts["above"]
    said = [record.getMessage() for record in caplog.records]
    assert sum("above what was measured" in line for line in said) == 1
    assert sum("which targets to report" in line for line in said) == 1


def test_blocks_change_no_line_of_the_details(public, model_dir, tmp_path, monkeypatch):
    arguments = ["--model_dir", str(model_dir), "--data_dir", str(public), "--details", "--output_dir"]
    predict.main([*arguments, str(tmp_path / "one")])
    monkeypatch.setattr(preprocess, "BLOCK_BYTES", 5000)
    predict.main([*arguments, str(tmp_path / "many")])
    one, many = (read_details(tmp_path / kind / "public.details.csv") for kind in ("one", "many"))
    pd.testing.assert_frame_equal(one, many, rtol=1e-5)  # a last digit of six may differ


def test_text_ids_and_an_index_of_text_come_through(table, model_dir, tmp_path):
    table.insert(0, "hole", ['BH-1, "north"', "BH-2"] * (len(table) // 2))
    table.index = ["sample %03d" % number for number in range(len(table))]
    path = write(table, tmp_path / "core.csv")
    arguments = ["--model_dir", str(model_dir), "--data_dir", str(path), "--output_dir", str(tmp_path)]
    predict.main([*arguments, "--details"])
    written = read_details(tmp_path / "core.details.csv")
    assert list(written.index) == list(table.index) and list(written["hole"]) == list(table["hole"])


def test_index_and_ids_come_through_as_they_stand_in_the_file(table, model_dir, tmp_path, monkeypatch):
    monkeypatch.setattr(preprocess, "BLOCK_BYTES", 5000)  # what one block holds changes no other
    index = ["007", "12345678901234567", "1.50", *("%03d" % number for number in range(10, 47))]
    table = table.astype({"SiteID": object, "DepthTo": object}).set_axis(index)
    table["SiteID"], table["DepthTo"] = ["012", "12"] * 20, ["5", "5.0", "", "1e1"] * 10
    for name, quoted in (("plain.csv", False), ("quoted.csv", True)):
        if quoted:
            table = pd.concat([pd.Series("BH-1, north", table.index, name="hole"), table], axis=1)
        path = write(table, tmp_path / name)
        arguments = ["--model_dir", str(model_dir), "--data_dir", str(path), "--output_dir", str(tmp_path)]
        predict.main([*arguments, "--details"])
        written = read_text(tmp_path / name.replace(".csv", ".details.csv"))
        assert list(written.iloc[:, 0]) == index
        for column in ("SiteID", "DepthTo"):
            assert list(written[column]) == list(table[column])


@pytest.mark.parametrize("name", ["verdict", "leverage", "CuPPM lower", "CuPPM mark"])
def test_an_id_that_the_details_call_something_else_is_told(name, table, model_dir, tmp_path):
    table.insert(0, name, "x")
    path = write(table, tmp_path / "new.csv")
    arguments = "--model_dir", model_dir, "--data_dir", path, "--output_dir", tmp_path, "--details"
    assert "found an id column %r" % name in said_by("predict", *arguments)
    assert sorted(os.listdir(str(tmp_path))) == ["new.csv"]


def test_details_in_the_folder_of_the_spectra_do_no_harm(table, model_dir, tmp_path):
    (tmp_path / "own").mkdir()
    write(table, tmp_path / "own" / "x.csv.old.csv")
    own = str(tmp_path / "own")
    for _ in range(2):
        predict.main(["--model_dir", str(model_dir), "--data_dir", own, "--output_dir", own, "--details"])
    assert (tmp_path / "own" / "x.csv.old.details.csv").exists()


def test_a_spectrum_unlike_the_others_is_told(table, model_dir, tmp_path):
    table.loc[3, channels_of(table)[::2]] += 0.5
    path = write(table, tmp_path / "new.csv")
    predict.main(
        ["--model_dir", str(model_dir), "--data_dir", str(path), "--output_dir", str(tmp_path), "--details"]
    )
    verdicts = read_details(tmp_path / "new.details.csv")["verdict"]
    assert verdicts[3] == "unlike" and (verdicts.drop(3) == "inside").mean() > 0.8


def test_a_bad_file_leaves_neither_table(public, model_dir, tmp_path):
    public.write_bytes(public.read_bytes()[:-3000])
    arguments = "--model_dir", model_dir, "--data_dir", public, "--output_dir", tmp_path / "out", "--details"
    assert "ends too early" in said_by("predict", *arguments)
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("coverage", ["0", "1", "nan", "-3"])
def test_a_coverage_that_cannot_be_promised_is_told(coverage, public, model_dir, tmp_path):
    arguments = "--model_dir", model_dir, "--data_dir", public, "--coverage=" + coverage
    assert "expected more than 0 and at most 0.995" in said_by("predict", *arguments)
