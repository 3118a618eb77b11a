"""The steps with --method: trained, saved, predicted and served, and what is refused."""

import io
import json
import shutil

import numpy as np
import pandas as pd
import pytest

import recore.model_file
import recore.predictions
import recore.state
import train
from mdl import METHODS
from preprocess import DataError
from recore.tables import read_table
from tests.conftest import channels_of, step, write
from tests.tables import do, said_by, soil, split

OTHERS = ["views", "kernel"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Spectra, and a model of each method in a folder of its name."""
    folder = tmp_path_factory.mktemp("methods")
    path = write(soil(gaps=5), folder / "soil.csv")
    for method in METHODS:
        do("train", path, "--model", folder / method, "--method", method)
    return folder


@pytest.mark.parametrize("method", METHODS)
def test_the_model_is_that_of_its_method_and_says_so(folder, method):
    model = train.model_fn(str(folder / method))
    assert type(model) is METHODS[method]
    described = json.loads((folder / method / "model.json").read_text())
    assert described["method"] == method
    table = read_table(str(folder / "soil.csv"))
    fitted = train.fit(table, method=method)
    np.testing.assert_array_equal(fitted.predict(table.features), model.predict(table.features))
    np.testing.assert_array_equal([each["alpha"] for each in described["targets"]], fitted.alpha_)


@pytest.mark.parametrize("method", OTHERS)
def test_what_is_served_is_what_is_predicted_here_with_bounds_and_verdicts(folder, method, tmp_path):
    do(
        "predict",
        folder / "soil.csv",
        "--model",
        folder / method,
        "--output",
        tmp_path / "new.csv",
        "--digits",
        "12",
    )
    stepped = np.loadtxt(str(tmp_path / "soil.csv.out"), delimiter=",")
    model = train.model_fn(str(folder / method))
    features = read_table(str(folder / "soil.csv")).features
    for rows in (features, features.iloc[[7]], features.iloc[::-1]):
        body = rows.to_csv(float_format="%.17g")
        served = train.output_fn(train.predict_fn(train.input_fn(body, "text/csv"), model), "text/csv")[0]
        found = pd.DataFrame(np.loadtxt(io.StringIO(served), delimiter=",", ndmin=2), rows.index)
        np.testing.assert_array_equal(found, stepped[features.index.get_indexer(rows.index)])
    details = pd.read_csv(str(tmp_path / "new.csv"))
    lower, upper = model.predict_interval(features, 0.9)
    np.testing.assert_allclose(details[["Ca lower", "clay lower"]], lower, rtol=1e-10)
    np.testing.assert_allclose(details[["Ca upper", "clay upper"]], upper, rtol=1e-10)
    ridge = train.model_fn(str(folder / "ridge"))
    assert details["verdict"].tolist() == ridge.applicability(features)["verdict"].tolist()


@pytest.mark.parametrize("method", OTHERS)
def test_tables_on_disk_give_the_model_of_the_same_rows_in_memory(folder, method, tmp_path):
    do("train", split(soil(gaps=5), tmp_path / "soil"), "--model", tmp_path / "model", "--method", method)
    found, expected = (
        train.model_fn(str(each / name)) for each, name in ((tmp_path, "model"), (folder, method))
    )
    features = read_table(str(folder / "soil.csv")).features
    np.testing.assert_allclose(found.predict(features), expected.predict(features), rtol=1e-8)
    training = [
        json.loads((each / "model.json").read_text())["training"]
        for each in (tmp_path / "model", folder / method)
    ]
    assert training[0]["mean_r2"] == pytest.approx(training[1]["mean_r2"])


def test_a_model_of_one_method_is_not_taken_for_one_of_another(folder, tmp_path):
    for file, other in (("ridge", "views"), ("kernel", "ridge"), ("views", "Ridge")):
        shutil.copytree(str(folder / file), str(tmp_path / file))
        described = json.loads((tmp_path / file / "model.json").read_text())
        (tmp_path / file / "model.json").write_text(json.dumps(dict(described, method=other)))
        with pytest.raises(
            DataError, match=f"model.pkl: found a {METHODS[file].__name__}, and method '{other}'"
        ):
            train.model_fn(str(tmp_path / file))


def test_a_model_that_tells_no_method_is_a_ridge(folder, tmp_path):
    shutil.copytree(str(folder / "ridge"), str(tmp_path / "old"))
    described = json.loads((tmp_path / "old" / "model.json").read_text())
    del described["method"]
    (tmp_path / "old" / "model.json").write_text(json.dumps(described))
    assert type(train.model_fn(str(tmp_path / "old"))) is METHODS["ridge"]


@pytest.mark.parametrize(
    "name, change",
    [
        ("landmarks_", lambda values: values[:0]),
        ("landmarks_", lambda values: values[:, 1:]),
        ("landmarks_", lambda values: values * np.nan),
        ("landmarks_", lambda values: values + 1e200),
        ("landmarks_", lambda values: values.astype("f4")),
        ("landmarks_", None),
        ("dual_coef_", lambda values: values[:, 1:]),
        ("dual_coef_", lambda values: values + np.inf),
        ("slope_scale_", lambda values: values * 0),
        ("slope_scale_", lambda values: -values),
        ("slope_coef_", lambda values: values.T),
        ("slope_mean_", lambda values: values[1:]),
    ],
)
def test_a_kernel_that_no_training_gives_is_refused_in_one_line(folder, tmp_path, name, change):
    model = train.model_fn(str(folder / "kernel"))
    described = json.loads((folder / "kernel" / "model.json").read_text())
    values = vars(model).pop(name)
    if change is not None:
        setattr(model, name, change(values))
    recore.model_file.save(model, str(tmp_path), described["training"], described["channels"], described["ids"], described["targets"], method="kernel")  # fmt: skip
    with pytest.raises(DataError) as caught:
        train.model_fn(str(tmp_path))
    assert str(caught.value).startswith("model.pkl") and "\n" not in str(caught.value)


def flat_soil(row):
    table = soil()
    table.loc[table.index[row], channels_of(table)] = 0.5
    return table


def test_a_flat_spectrum_is_refused_by_name_where_it_has_no_standard_normal_variate(folder, tmp_path):
    table = flat_soil(13)
    table.index = ["sample %d" % (row + 100) for row in range(len(table))]
    path = write(table, tmp_path / "flat.csv")
    for method in ("ridge", "views"):
        do("train", path, "--model", tmp_path / method, "--method", method)
    told = said_by("train", path, "--model", tmp_path / "no", "--method", "kernel")
    assert (
        told.startswith("flat.csv, index sample 113: found the same value in all features")
        and not (tmp_path / "no").exists()
    )
    said = said_by("predict", path, "--model", folder / "kernel", "--output", tmp_path / "new.csv")
    assert (
        said.startswith("flat.csv, index sample 113: found the same value in all features")
        and not (tmp_path / "new.csv").exists()
    )
    model = train.model_fn(str(folder / "kernel"))
    features = read_table(str(path)).features
    answer = train.predict_fn(train.input_fn(features.to_csv(), "text/csv"), model)
    assert "sample 113" in str(answer) and "the same value in all features" in str(answer)


def test_a_flat_spectrum_among_many_tables_is_refused_by_its_row(tmp_path):
    tables = split(flat_soil(29), tmp_path / "soil")
    told = said_by("train", tables, "--model", tmp_path / "no", "--method", "kernel")
    assert told.startswith("soil, part-2.csv.gz, row 6: found") and "the same value in all features" in told


def test_a_method_that_is_none_is_refused(folder):
    result = step("train", folder / "soil.csv", "--model", folder / "no", "--method", "svr")
    assert result.returncode == 2 and "choose from" in result.stderr
