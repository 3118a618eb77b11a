"""predict.py: the step beside the model it is given."""

import os

import numpy as np

import predict
import preprocess
import train
from tests.conftest import channels_of, make_table, said_in_one_line, step, write
from tests.tables import do, said_by


def run(model_dir, data_dir, output_dir, **options):
    return step(
        "predict", "--model_dir", model_dir, "--data_dir", data_dir, "--output_dir", output_dir, **options
    )


def test_predictions_are_one_bare_line_a_spectrum_in_the_files_order(table, public, model_dir, tmp_path):
    assert run(model_dir, public.parent, tmp_path / "out").returncode == 0
    written = np.loadtxt(str(tmp_path / "out" / "public.csv.out"), delimiter=",")
    model = train.model_fn(str(model_dir))
    expected = model.predict(preprocess.features(table[channels_of(table)]))
    np.testing.assert_allclose(written, expected, rtol=10.0 ** (1 - 14), atol=0)
    assert (written >= 0).all()


def test_blocks_do_not_change_a_prediction(public, model_dir, tmp_path, monkeypatch):
    arguments = ["--model_dir", str(model_dir), "--data_dir", str(public), "--output_dir"]
    predict.main([*arguments, str(tmp_path / "one")])
    monkeypatch.setattr(preprocess, "BLOCK_BYTES", 5000)
    predict.main([*arguments, str(tmp_path / "many")])
    one, many = ((tmp_path / kind / "public.csv.out").read_bytes() for kind in ("one", "many"))
    assert one == many


def test_a_private_file_is_predicted_under_its_own_name(table, model_dir, tmp_path):
    private = write(table.drop(columns=list(preprocess.TARGETS)), tmp_path / "private.csv.gz")
    environment = dict(os.environ, SM_MODEL_DIR=str(model_dir), SM_OUTPUT_DIR=str(tmp_path / "out"))
    environment["SM_CHANNEL_TRAINING"] = str(private)
    result = step("predict", env=environment, cwd=str(tmp_path))
    assert result.returncode == 0, result.stderr
    assert len((tmp_path / "out" / "private.csv.out").read_text().splitlines()) == len(table)


def test_a_model_trained_on_other_features_is_told(table, model_dir, tmp_path):
    channels = channels_of(table)
    table = table.rename(columns={name: "%.1f" % (float(name) + 0.7) for name in channels})
    path = write(table, tmp_path / "p.csv.gz")
    message = said_by(
        "predict", "--model_dir", model_dir, "--data_dir", path, "--output_dir", tmp_path / "out"
    )
    assert "first '4000.7' in the place of '4000'" in message and "--resample" in message
    assert not list((tmp_path / "out").iterdir())


def test_a_missing_model_or_file_is_told(public, model_dir, tmp_path):
    assert "model.json: not found" in said_in_one_line(run(tmp_path, public, tmp_path / "out"))
    arguments = (
        "--model_dir",
        model_dir,
        "--data_dir",
        tmp_path / "none.csv",
        "--output_dir",
        tmp_path / "out",
    )
    assert "none.csv: not found" in said_by("predict", *arguments)


def test_a_bad_file_leaves_the_old_predictions(public, model_dir, tmp_path):
    arguments = "--model_dir", model_dir, "--data_dir", public, "--output_dir", tmp_path / "out"
    do("predict", *arguments)
    old = (tmp_path / "out" / "public.csv.out").read_bytes()
    public.write_bytes(public.read_bytes()[:-3000])
    assert "ends too early" in said_by("predict", *arguments)
    assert (tmp_path / "out" / "public.csv.out").read_bytes() == old


def test_negative_targets_stay_negative(tmp_path):
    table = make_table(targets=["d13C", "Cu"])
    table["d13C"] -= 100
    path = write(table, tmp_path / "own.csv")
    do("train", "--data_dir", path, "--model_dir", tmp_path / "model")
    do("predict", "--model_dir", tmp_path / "model", "--data_dir", path, "--output_dir", tmp_path / "out")
    written = np.loadtxt(str(tmp_path / "out" / "own.csv.out"), delimiter=",")
    assert (written[:, 0] < 0).all() and (written[:, 1] >= 0).all()
