"""train.py: the step, in memory and from tables on disk."""

import hashlib
import json
import os

import numpy as np
import pytest

import preprocess
import train
from recore.marks import mark_of
from tests.conftest import make_table, said_in_one_line, step, write
from tests.tables import FILES, ROWS, do, said_by, split


def test_the_sites_are_left_out_together_when_asked(tmp_path):
    path = write(make_table(), tmp_path / "public.csv.gz")
    do("train", "--data_dir", path, "--model_dir", tmp_path / "row")
    do("train", "--data_dir", path, "--model_dir", tmp_path / "site", "--group", "SiteID")
    row, site = (json.loads((tmp_path / kind / "model.json").read_text()) for kind in ("row", "site"))
    assert row["training"]["left_out"] == "row" and site["training"]["left_out"] == "SiteID"
    assert row["targets"][0]["cv_r2"] != site["targets"][0]["cv_r2"]
    for described in (row, site):  # figures by row never stand without those by site
        training = described["training"]
        assert list(training["mean_r2"]) == ["row", "SiteID"] and training["marked_by"] == "SiteID"
        for held_out, mean in training["mean_r2"].items():
            of_targets = [target["expected"][held_out]["r2"] for target in described["targets"]]
            assert mean == pytest.approx(np.mean(of_targets))
        for target in described["targets"]:
            assert target["mark"] == mark_of(target["expected"]["SiteID"]["r2"])
    told = [(each["held_out"], each["alpha_by"]) for each in row["training"]["expected"]]
    assert told == [("row", "row"), ("SiteID", "row"), ("row", "SiteID"), ("SiteID", "SiteID")]
    means = [each["mean_r2"] for each in row["training"]["expected"]]
    assert means[:2] == list(row["training"]["mean_r2"].values()), (
        "what --group would bring is what it brings"
    )
    assert means[2:] == pytest.approx(list(site["training"]["mean_r2"].values()))
    assert "no id column 'Hole'" in said_in_one_line(
        step("train", "--data_dir", path, "--model_dir", tmp_path / "no", "--group", "Hole")
    )


def test_the_environment_sets_the_defaults(public, tmp_path):
    environment = dict(os.environ, SM_MODEL_DIR=str(tmp_path / "m"), SM_CHANNEL_TRAINING=str(public.parent))
    assert step("train", env=environment, cwd=str(tmp_path)).returncode == 0
    assert sorted(os.listdir(str(tmp_path / "m"))) == ["model.json", "model.pkl"]
    environment.update(
        SM_CHANNEL_TRAIN=environment.pop("SM_CHANNEL_TRAINING"), SM_MODEL_DIR=str(tmp_path / "n")
    )
    assert step("train", env=environment, cwd=str(tmp_path)).returncode == 0  # as AWS's examples call it
    assert (tmp_path / "n" / "model.pkl").read_bytes() == (tmp_path / "m" / "model.pkl").read_bytes()


BAD = {
    "no target": (lambda table: table.drop(columns=list(preprocess.TARGETS)), "no target"),
    "an empty target": (lambda table: table.assign(CuPPM=np.nan), "CuPPM"),
    "one row": (lambda table: table[:1], "found one spectrum"),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_file_that_cannot_be_learned_from_leaves_the_old_model(bad, table, model_dir, tmp_path):
    change, said = BAD[bad]
    write(change(table), tmp_path / "public.csv.gz")
    for name in ("model.json", "model.pkl"):
        (tmp_path / name).write_bytes((model_dir / name).read_bytes())
    message = said_by("train", "--data_dir", tmp_path, "--model_dir", tmp_path)
    assert message.startswith("public.csv.gz: ") and said in message
    train.model_fn(str(tmp_path))


def test_the_description_tells_the_files_and_a_sum_that_a_shell_gives_too(short_table, tmp_path):
    folder = split(short_table, tmp_path / "spectra")
    do("train", "--data_dir", folder, "--model_dir", tmp_path / "model")
    training = json.loads((tmp_path / "model" / "model.json").read_text())["training"]
    lines = [
        "%s  %s\n" % (hashlib.sha256(path.read_bytes()).hexdigest(), path.name)
        for path in sorted(folder.iterdir())
    ]
    assert training["sha256"] == hashlib.sha256("".join(lines).encode()).hexdigest()
    assert training["files"] == FILES and training["rows"] == ROWS
    assert set(training["mean_r2"]) == {"row", "SiteID"}


def test_rows_without_a_site_cost_the_figure_by_site_only(short_table, tmp_path, caplog):
    caplog.set_level("INFO")
    table = short_table.astype({"SiteID": float})
    table.loc[table.index[70], "SiteID"] = np.nan
    folder, one = split(table, tmp_path / "spectra"), write(table, tmp_path / "one.csv")
    for path, place in ((folder, "part-1.csv.gz, row 11"), (one, "row 71, column 'SiteID'")):
        caplog.clear()
        do("train", "--data_dir", path, "--model_dir", tmp_path / "model")
        assert "no figure by SiteID" in caplog.text and place in caplog.text
        arguments = "--data_dir", path, "--model_dir", tmp_path / "model", "--group", "SiteID"
        assert "no label" in said_by("train", *arguments)


def test_a_row_without_a_label_to_group_by_is_told_by_table_row_and_column(table, tmp_path):
    own = table.astype({"SiteID": object})
    own.loc[7, "SiteID"] = ""
    path = write(own, tmp_path / "own.csv")
    result = step("train", "--data_dir", path, "--model_dir", tmp_path / "model", "--group", "SiteID")
    assert "own.csv, row 8, column 'SiteID': found no label" in said_in_one_line(result)
