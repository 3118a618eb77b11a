"""The table for people that predict.py writes: when, with which digits, as CSV and as a workbook."""

import importlib.util
import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest

import predict
import preprocess
import recore.options
import train
from preprocess import DataError
from recore import details
from tests.conftest import channels_of, make_table, write

PLATFORM = {*recore.options.PLATFORM, "SM_OUTPUT_DIR"}


@pytest.fixture(autouse=True)
def off_the_platform(monkeypatch):
    for name in PLATFORM:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A folder with a model of two targets, and new.csv with ids of all kinds."""
    folder = tmp_path_factory.mktemp("lab")
    table = make_table(targets=("Ca", "=clay"))
    train.main([str(write(table, folder / "old.csv")), "--model", str(folder / "model")])
    table.insert(0, "hole", ['=cmd("x")', "007", "12", "1.5"] * (len(table) // 4))
    write(table, folder / "new.csv")
    return folder


def made(folder, path="new.csv", *arguments):
    """Names of what predict.py writes for a table."""
    shutil.rmtree(str(folder / "out"), ignore_errors=True)
    predict.main(
        [str(folder / path), "--model", str(folder / "model"), "--output", str(folder / "out"), *arguments]
    )
    return sorted(os.listdir(str(folder / "out")))


def test_off_the_platform_people_get_a_table_and_on_it_only_when_asked(lab, monkeypatch):
    both = ["new.csv.out", "new.details.csv"]
    assert made(lab) == both
    assert made(lab, "new.csv", "--no-details") == both[:1]
    for name in PLATFORM - {"SM_OUTPUT_DIR", "SM_CHANNEL_TRAIN"}:
        with monkeypatch.context() as patched:
            patched.setenv(name, "x")
            assert made(lab) == both[:1]
            assert made(lab, "new.csv", "--details") == both
    monkeypatch.setattr(preprocess, "PLATFORM", str(lab))
    assert made(lab) == both[:1]


def test_above_some_rows_only_who_asks_gets_it_and_one_of_before_is_said(lab, monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.setattr(predict, "PEOPLE", 30)
    monkeypatch.setattr(preprocess, "BLOCK_BYTES", 5000)  # the limit comes in the middle
    assert made(lab) == ["new.csv.out"]
    assert "no table for people, above 30 rows: --details asks for it" in caplog.text
    assert made(lab, "new.csv", "--details") == ["new.csv.out", "new.details.csv"]
    whole = pd.read_csv(lab / "out/new.details.csv", index_col=0)
    assert len(whole) == 40
    predict.main(
        [str(lab / "new.csv"), "--model", str(lab / "model"), "--output", str(lab / "out"), "--no-details"]
    )
    assert "new.details.csv: of an earlier run" in caplog.text


@pytest.mark.parametrize("digits", [1, 3, 6, 14])
def test_numbers_have_the_significant_digits_that_are_asked_for(lab, digits):
    made(lab, "new.csv", "--digits", str(digits))
    texts = pd.read_csv(lab / "out/new.details.csv", dtype=str)
    bare = pd.read_csv(lab / "out/new.csv.out", header=None).to_numpy()
    for k, name in enumerate(["Ca", "=clay"]):
        assert texts[name].astype(float).tolist() == [float(f"{value:.{digits}g}") for value in bare[:, k]]
        for column in (name, name + " lower", name + " upper"):
            assert all(
                len(text.replace("-", "").replace(".", "").strip("0")) <= digits for text in texts[column]
            )
            assert not texts[column].str.contains("e").any()
        lower, value, upper = (texts[name + end].astype(float) for end in (" lower", "", " upper"))
        assert (lower <= value).all() and (value <= upper).all()


def test_the_workbook_holds_what_the_csv_does_with_text_as_text(lab):
    openpyxl = pytest.importorskip("openpyxl")
    made(lab)
    told = pd.read_csv(lab / "out/new.details.csv")
    predict.main([str(lab / "new.csv"), "--model", str(lab / "model"), "--output", str(lab / "out/new.xlsx")])
    assert sorted(os.listdir(str(lab / "out"))) == ["new.csv.out", "new.details.csv", "new.xlsx"]
    sheet = openpyxl.load_workbook(str(lab / "out/new.xlsx")).active
    head, *rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert head == ["index", *list(told)[1:]]
    assert len(rows) == len(told)
    for name in ("Ca", "Ca lower", "=clay upper", "leverage"):
        np.testing.assert_array_equal([row[head.index(name)] for row in rows], told[name])
    assert [row[head.index("hole")] for row in rows[:4]] == ['=cmd("x")', "007", 12, "1.5"]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n"}


def test_an_output_in_csv_is_the_table_for_people_by_that_name(lab, tmp_path):
    predict.main(
        [str(lab / "new.csv"), "--model", str(lab / "model"), "--output", str(tmp_path / "a/results.csv")]
    )
    assert sorted(os.listdir(str(tmp_path / "a"))) == ["new.csv.out", "results.csv"]
    assert list(pd.read_csv(tmp_path / "a/results.csv"))[1:6] == [
        "hole",
        "DepthTo",
        "SiteID",
        "DepthFrom",
        "verdict",
    ]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--digits", "0"], "--digits: found 0, expected 1 to 15"),
        (["--coverage", "1"], "--coverage: found 1, expected more than 0"),
        (["--data-dir", "other.csv"], "--data-dir: found other.csv, and"),
        (["--output", "new.csv"], "new.csv: found spectra there"),
        (["--scheduler", "tcp://x:1"], "--scheduler: found tcp://x:1, expected --backend dask"),
    ],
)
def test_what_cannot_be_is_told_before_any_work(lab, monkeypatch, arguments, reason):
    monkeypatch.chdir(lab)
    before = (lab / "new.csv").read_bytes()
    with pytest.raises(DataError) as refused:
        predict.main(["new.csv", "--model", "model", *arguments])
    assert reason in str(refused.value) and "\n" not in str(refused.value)
    assert (lab / "new.csv").read_bytes() == before and not list(lab.glob(".*.part"))


def test_one_name_is_no_place_for_several_tables(lab, tmp_path):
    for name in ("a.csv", "b.csv"):
        shutil.copy(str(lab / "new.csv"), str(tmp_path / name))
    with pytest.raises(DataError, match=r"--output: found .* for 2 tables, expected a folder"):
        predict.main([str(tmp_path), "--model", str(lab / "model"), "--output", str(tmp_path / "x.csv")])


def test_options_without_effect_are_said(lab, caplog):
    caplog.set_level("INFO")
    made(lab, "new.csv", "--no-details", "--coverage", "0.8", "--digits", "5")
    assert "--coverage, --digits: no effect without --details" in caplog.text
    train.main([str(lab / "old.csv"), "--model", str(lab / "model"), "--cache", str(lab / "cache")])
    assert "--cache: no effect on one table that memory holds" in caplog.text
    assert not (lab / "cache").exists()


def test_a_broken_row_leaves_no_table_at_all(lab, tmp_path):
    table = make_table(targets=("Ca", "=clay"))
    table.loc[30, channels_of(table)[5]] = np.nan
    path = write(table, tmp_path / "bad.csv")
    outputs = [tmp_path / "out", tmp_path / "out" / "bad.csv"]
    outputs += [tmp_path / "out" / "bad.xlsx"] * (importlib.util.find_spec("openpyxl") is not None)
    for output in outputs:
        with pytest.raises(DataError, match="line 32"):
            predict.main([str(path), "--model", str(lab / "model"), "--output", str(output)])
        assert os.listdir(str(tmp_path / "out")) == []


def test_a_sheet_has_an_end(lab, tmp_path, monkeypatch):
    pytest.importorskip("openpyxl")
    monkeypatch.setattr(details, "SHEET_ROWS", 39)
    with pytest.raises(
        DataError, match=r"found more rows than a sheet holds, expected at most 39 in one \.xlsx"
    ):
        predict.main(
            [str(lab / "new.csv"), "--model", str(lab / "model"), "--output", str(tmp_path / "new.xlsx")]
        )
    assert os.listdir(str(tmp_path)) == []


def test_none_is_no_group_and_a_name_is_one(lab, tmp_path):
    for group, told in (("none", "row"), ("SiteID", "SiteID")):
        train.main([str(lab / "old.csv"), "--model", str(tmp_path / "m"), "--group", group])
        assert json.loads((tmp_path / "m/model.json").read_text())["training"]["left_out"] == told
