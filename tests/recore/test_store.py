"""Features on disk: the model of the same rows in memory, and what is kept is not made again."""

import gzip
import os
import shutil

import numpy as np
import pytest

import preprocess
import recore.parts
import recore.store
import recore.tables
import train
from tests.conftest import make_table, write
from tests.tables import do, model_of, said_by, split


def small_parts(monkeypatch):
    """Tables go through disk and are fitted from parts, however small they are."""
    monkeypatch.setattr(train, "SMALL", 0)
    monkeypatch.setattr(recore.parts, "PART", 30 * 60)


@pytest.mark.parametrize("group", [None, "SiteID", "Lab"])
def test_a_folder_gives_the_model_of_the_single_file(long_table, tmp_path, monkeypatch, group):
    folder = split(long_table, tmp_path / "spectra")
    one = train.fit(recore.tables.read_table(str(write(long_table, tmp_path / "one.csv"))), group)
    small_parts(monkeypatch)
    data = recore.store.Stored(
        [recore.store.store(str(tmp_path), path) for path in preprocess.find_tables(str(folder))]
    )
    model = train.fit(data, group)
    np.testing.assert_allclose(model.alpha_, one.alpha_)
    np.testing.assert_allclose(model.coef_, one.coef_, atol=1e-8 * np.abs(one.coef_).max())
    np.testing.assert_allclose(model.cv_r2_, one.cv_r2_, rtol=1e-8)
    np.testing.assert_allclose(model.error_quantiles_, one.error_quantiles_, rtol=1e-6, atol=1e-8)
    assert model.target_names_ == one.target_names_
    assert list(model.feature_names_in_) == list(one.feature_names_in_)


def test_features_that_are_kept_are_not_made_again(short_table, tmp_path, monkeypatch):
    folder, cache = split(short_table, tmp_path / "spectra"), tmp_path / "cache"
    arguments = "--data_dir", folder, "--model_dir", tmp_path / "model", "--cache", cache
    do("train", *arguments)
    first = model_of(tmp_path / "model")
    written = {path.name: (path / "table.json").stat().st_mtime_ns for path in cache.iterdir()}
    assert set(written) == {path.name for path in folder.iterdir()}
    os.utime(str(folder / "part-0.csv.gz"))  # of the same bytes
    rows = gzip.decompress((folder / "part-1.csv.gz").read_bytes())
    (folder / "part-1.csv.gz").write_bytes(gzip.compress(rows, 1))
    shutil.rmtree(str(cache / "part-2.csv.gz"))
    (cache / "part-3.csv.gz" / "table.json").write_text("{")
    do("train", *arguments)
    again = [
        path.name
        for path in sorted(cache.iterdir())
        if written[path.name] != (path / "table.json").stat().st_mtime_ns
    ]
    assert again == ["part-1.csv.gz", "part-2.csv.gz", "part-3.csv.gz"]
    assert model_of(tmp_path / "model") == first


def test_tables_of_other_targets_or_channels_are_named(long_table, tmp_path):
    folder = split(long_table, tmp_path / "spectra", ".csv")
    write(long_table[60:120].drop(columns=list(preprocess.TARGETS)), folder / "part-1.csv")
    said = said_by("train", "--data_dir", folder, "--model_dir", tmp_path / "model")
    assert "part-1.csv: found other targets than in part-0.csv" in said
    write(make_table(rows=5, channels=350), folder / "part-1.csv")
    said = said_by("train", "--data_dir", folder, "--model_dir", tmp_path / "model")
    assert "part-1.csv: found 350 channels" in said and "the first table's 340 channels" in said


def test_labels_that_are_plain_numbers_are_groups_by_their_number_in_memory_and_on_disk(table, tmp_path):
    sites = {"numbers": ["7", "7.00", "7.0", "12"] * 10, "text": ["7", "007", "7.0", "12"] * 10}
    for kind, labels in sites.items():
        own = table.assign(SiteID=labels)
        folder = split(own, tmp_path / kind, ".csv")
        stored = recore.store.Stored(
            [recore.store.store(str(tmp_path), path) for path in preprocess.find_tables(str(folder))]
        )
        whole = recore.tables.read_table(str(write(own, tmp_path / (kind + ".csv"))))
        for data in (stored, whole):
            found = list(train.groups_of(data, "SiteID"))
            assert len(set(found)) == (2 if kind == "numbers" else 4)
            assert (found[0] == found[1]) == (kind == "numbers") and found[:4] * 10 == found
