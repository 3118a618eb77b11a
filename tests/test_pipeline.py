"""The steps one after the other, on the real spectra and on a folder of tables."""

import numpy as np
import pytest

import recore.tables
from tests.conftest import step, write
from tests.tables import FILES, contents, do, model_of, split


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
    model = tmp_path / "model"
    do("preprocess", "--input", real_table, "--output", tmp_path / "features.csv")
    do("train", "--data_dir", real_table, "--model_dir", model)
    do("predict", "--data_dir", real_table, "--model_dir", model, "--output_dir", tmp_path)
    do("score", "--actual", real_table, "--predicted", tmp_path, "--output", tmp_path / "score.txt")
    table = recore.tables.read_table(str(real_table))
    predicted = np.loadtxt(str(tmp_path / real_table.name.replace(".gz", "")) + ".out", delimiter=",")
    assert predicted.shape == table.targets.shape and np.isfinite(predicted).all()
    assert 0.3 < float((tmp_path / "score.txt").read_text()) <= 1


def test_the_official_score_of_a_file_with_the_49_targets_is_written(table, tmp_path):
    path = write(table, tmp_path / "public.csv.gz")
    *others, scored = pipeline(path, tmp_path)
    for result in (*others, scored):
        assert result.returncode == 0, result.stderr
    assert float((tmp_path / "score.txt").read_text()) == pytest.approx(1, abs=0.2)
    assert "official score" in scored.stdout


@pytest.mark.slow
def test_the_same_model_and_predictions_whatever_the_processes(short_table, tmp_path, capsys):
    folder = split(short_table, tmp_path / "spectra")
    for jobs in ("1", "3"):
        model = tmp_path / jobs / "model"
        training = "--data_dir", folder, "--model_dir", model
        prediction = *training, "--output_dir", tmp_path / jobs / "predictions", "--details"
        for name, arguments in (("train", training), ("predict", prediction)):
            if jobs == "1":
                do(name, *arguments)
            else:
                result = step(name, *arguments, "--jobs", jobs)
                assert result.returncode == 0 and "4 tables" in result.stderr, result.stderr
        assert sorted(path.name for path in model.iterdir()) == ["model.json", "model.pkl"]
    assert model_of(tmp_path / "1/model") == model_of(tmp_path / "3/model")
    first = contents(tmp_path / "1/predictions")
    assert first == contents(tmp_path / "3/predictions")
    assert set(first) == {
        "part-%d%s" % (k, end) for k in range(FILES) for end in (".csv.out", ".details.csv")
    }

    together = tmp_path / "together"
    together.mkdir()
    write(short_table, together / "all.csv")
    do("predict", "--data_dir", together, "--model_dir", tmp_path / "1/model", "--output_dir", together)
    assert (together / "all.csv.out").read_bytes() == b"".join(
        first["part-%d.csv.out" % k] for k in range(FILES)
    )
    scores = []
    for actual, predicted in ((folder, tmp_path / "1/predictions"), (together, together)):
        do("score", "--actual", actual, "--predicted", predicted, "--output", tmp_path / "score.txt")
        assert "240 rows" in capsys.readouterr().out
        scores.append(float((tmp_path / "score.txt").read_text()))
    assert scores[0] == pytest.approx(scores[1], rel=1e-12)
