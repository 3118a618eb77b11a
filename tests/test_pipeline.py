"""The steps one after the other, on the real spectra."""

import numpy as np
import pytest

import recore.tables
from tests.conftest import step, write


def pipeline(path, folder):
    """Run preprocess, train, predict and score as processes; what each printed and logged."""
    predicted = folder / (path.name.replace(".gz", "") + ".out")
    return [
        step("preprocess", "--input", path, "--output", folder / "features.csv"),
        step("train", "--data_dir", path, "--model_dir", folder / "model"),
        step("predict", "--data_dir", path, "--model_dir", folder / "model", "--output_dir", folder),
        step("score", "--actual", path, "--predicted", predicted, "--output", folder / "score.txt"),
    ]


def test_real_spectra_go_through_all_steps(real_table, tmp_path):
    for result in pipeline(real_table, tmp_path):
        assert result.returncode == 0, result.stderr
    table = recore.tables.read_table(str(real_table))
    predicted = np.loadtxt(str(tmp_path / real_table.name.replace(".gz", "")) + ".out", delimiter=",")
    assert predicted.shape == table.targets.shape and np.isfinite(predicted).all()
    assert 0.3 < float((tmp_path / "score.txt").read_text()) <= 1


def test_the_official_score_of_a_file_with_the_49_targets_is_written(table, tmp_path):
    path = write(table, tmp_path / "public.csv.gz")
    *_, scored = pipeline(path, tmp_path)
    assert scored.returncode == 0, scored.stderr
    assert float((tmp_path / "score.txt").read_text()) == pytest.approx(1, abs=0.2)
    assert "official score" in scored.stdout
