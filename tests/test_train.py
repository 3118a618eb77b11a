"""train.py: saving, the model file's refusals, request bodies, and the step."""

import hashlib
import io
import json
import os
import pickle
import re

import numpy as np
import pandas as pd
import pytest

import preprocess
import recore.model_file
import recore.predictions
import recore.tables
import train
from preprocess import DataError
from tests.conftest import channels_of, make_table, said_in_one_line, step, write


@pytest.fixture(scope="module")
def features():
    table = make_table()
    return preprocess.features(table[channels_of(table)])


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    path = write(make_table(), folder / "public.csv.gz")
    train.main(["--data_dir", str(path), "--model_dir", str(folder)])
    return folder


@pytest.fixture(scope="module")
def model(model_dir):
    return train.model_fn(str(model_dir))


# --- the model file ---


def test_the_loaded_model_predicts_what_the_fitted_one_does(features, model):
    table = make_table()
    fitted = train.fit(preprocess.Table(features, table[["SiteID"]], table[list(preprocess.TARGETS)]))
    assert np.array_equal(recore.predictions.predict(features, model), fitted.predict(features))


def test_the_description_tells_versions_sums_settings_and_each_targets_figures(model_dir, model):
    described = json.loads((model_dir / "model.json").read_text())
    assert described["preprocessing"] == {"scale_range": [0, -300], "window": 7}
    assert described["features"] == list(model.feature_names_in_)
    assert [target["name"] for target in described["targets"]] == list(preprocess.TARGETS)
    np.testing.assert_array_equal([target["alpha"] for target in described["targets"]], model.alpha_)
    assert described["training"]["sha256"] == recore.tables.file_sum(str(model_dir / "public.csv.gz"))
    assert described["training"]["rows"] == 40 and described["versions"] == recore.model_file.versions()


def sealed(folder, pickled):
    """Write a pickle with a description whose sum is right."""
    description = {"sha256": hashlib.sha256(pickled).hexdigest()}
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


# --- request bodies ---


def bodies(features):
    """Every way of sending the same features: name -> (body, content type)."""
    rows, names = features.to_numpy().tolist(), list(features)
    whole, bare = features.to_csv(), features.to_csv(index=False)
    numbers, indexed = features.to_csv(index=False, header=False), features.to_csv(header=False)
    shuffled = features[features.columns[::-1]].to_csv(index=False)
    more = features.assign(hole="BH-1", CuPPM=5000.0, AlPPM=70000.0).to_csv()
    lines = whole.splitlines(True)
    array = io.BytesIO()
    np.save(array, features.to_numpy())
    return {
        "str": (whole, "text/csv"),
        "bytes": (whole.encode(), "text/csv"),
        "charset": (whole.encode(), "text/csv; charset=UTF-8"),
        "BOM": ("\ufeff" + whole, "text/csv"),
        "BOM in bytes": (("\ufeff" + whole).encode(), "text/csv; charset=utf-8"),
        "header without index": (bare, "text/csv"),
        "features only": (numbers, "text/csv"),
        "index and features": (indexed, "text/csv"),
        "Windows line ends": (whole.replace("\n", "\r\n"), "Text/CSV"),
        "columns in another order": (shuffled, "text/csv"),
        "more columns": (more, "text/csv"),
        "a header that comes again": ("".join(lines[:3] + lines[:1] + lines[3:]), "text/csv"),
        "a header that comes late": ("".join(lines[1:3] + lines[:1] + lines[3:]), "text/csv"),
        "JSON rows": (json.dumps(rows), "application/json"),
        "JSON in bytes": (json.dumps(rows).encode(), "application/json; charset=utf-8"),
        "no content type": (json.dumps(rows), None),
        "JSON objects": (json.dumps([dict(zip(names[::-1], row[::-1])) for row in rows]), "application/json"),
        "JSON instances": (json.dumps({"instances": rows}), "application/json"),
        "JSON columns and data": (json.dumps({"columns": names, "data": rows}), "application/json"),
        "npy": (array.getvalue(), "application/x-npy"),
    }


@pytest.mark.parametrize("kind", bodies(pd.DataFrame(np.zeros((3, 2)), columns=["10", "20"])))
@pytest.mark.parametrize("n_rows", [40, 1])
def test_every_form_of_a_body_gives_the_same_predictions(kind, n_rows, features, model):
    body, content_type = bodies(features[:n_rows])[kind]
    predicted = train.predict_fn(train.input_fn(body, content_type), model)
    assert np.array_equal(predicted, recore.predictions.predict(features[:n_rows], model))


def test_once_a_model_is_loaded_a_body_is_read_into_its_features(features, model_dir):
    model = train.model_fn(str(model_dir))
    more = features[features.columns[::-1]].assign(CuPPM=5000.0)
    table = train.input_fn(more.to_csv(), "text/csv")
    assert list(table) == list(features)
    assert np.array_equal(model.predict(table), model.predict(features))


def test_a_header_of_small_numbers_is_told_from_features_by_the_model():
    table = make_table(targets=["Cu"])
    channels = channels_of(table)
    table = table.rename(columns={name: "%.4f" % (1e4 / float(name)) for name in channels})  # micrometres
    layout = preprocess.split_columns(["", *table])
    spectra = preprocess.features(table[layout.channels])
    model = train.fit(preprocess.Table(spectra, table[[]], table[["Cu"]]))
    for frame in (spectra, spectra[spectra.columns[::-1]]):
        predicted = train.predict_fn(train.input_fn(frame.to_csv(index=False), "text/csv"), model)
        np.testing.assert_allclose(predicted.ravel(), model.predict(spectra).ravel(), rtol=1e-9)


def test_a_header_line_by_itself_is_answered_with_no_prediction(features, model):
    for header in (features[:0].to_csv(), features[:0].to_csv(index=False).strip()):
        predicted = train.predict_fn(train.input_fn(header, "text/csv"), model)
        assert predicted.shape == (0, len(preprocess.TARGETS))
        assert train.output_fn(predicted, "text/csv") == ("", "text/csv")
        assert train.output_fn(predicted, "application/json") == ("[]", "application/json")
        assert train.output_fn(predicted, "application/jsonlines") == ("", "application/jsonlines")


def bad_bodies(features):
    whole, lines = features.to_csv(), features.to_csv(header=False).splitlines()
    name = features.columns[3]

    def csv_with(cell):
        table = features.astype({name: object})
        table.loc[2, name] = cell
        return table.to_csv()

    pickled = io.BytesIO()
    np.save(pickled, np.array([Runs(os.mkdir, "executed")]), allow_pickle=True)
    return {
        "empty": ("", "text/csv", "found no line"),
        "text": (csv_with("high"), "text/csv", "row 3, column '%s'" % name),
        "a gap": (csv_with(""), "text/csv", "row 3, column '%s'" % name),
        "an infinity": (csv_with("inf"), "text/csv", "row 3, column '%s'" % name),
        "a missing feature": (features.drop(columns=name).to_csv(), "text/csv", "without 1 of the model's"),
        "a column short": (
            "\n".join(line.rsplit(",", 2)[0] for line in lines),
            "text/csv",
            "columns without names",
        ),
        "a cell short": (
            "\n".join(lines[:3]) + "\n" + lines[3].rsplit(",", 1)[0],
            "text/csv",
            "cells, expected",
        ),
        "a name twice": (whole.replace(name, features.columns[0], 1), "text/csv", "more than once"),
        "not the charset": (b"\xff\xfe\x00", "text/csv", "bytes that are not UTF-8 text"),
        "another charset": (whole.encode("utf-16"), "text/csv; charset=UTF-16", "not UTF-8 text; send UTF-8"),
        "another type": ("1", "application/xml", "found content type"),
        "no JSON": ("[1, 2", "application/json", "no valid JSON"),
        "a JSON number": ("3", "application/json", "row 1"),
        "JSON without rows": ("[]", "application/json", "found 0 columns"),
        "ragged JSON": (
            json.dumps([[0.5] * features.shape[1], [0.5]]),
            "application/json",
            "row 2.*list of 1",
        ),
        "JSON with true": (json.dumps([[True] * features.shape[1]]), "application/json", "row 1, column"),
        "JSON with null": (json.dumps([[None] * features.shape[1]]), "application/json", "row 1, column"),
        "a pickled npy": (pickled.getvalue(), "application/x-npy", "array of object"),
        "no npy": (b"\x93NUMPY", "application/x-npy", "no array in npy"),
    }


def answer_of(application):
    """Status, headers and text of a WSGI application's answer."""
    started = []
    body = b"".join(application({}, lambda status, headers: started.append((status, dict(headers)))))
    ((status, headers),) = started
    assert headers["Content-Length"] == str(len(body))
    return status, headers, body.decode()


@pytest.mark.parametrize("kind", bad_bodies(pd.DataFrame(np.zeros((5, 6)), columns=list("123456"))))
def test_a_body_that_cannot_be_used_is_refused_in_one_line(kind, features, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    body, content_type, said = bad_bodies(features)[kind]
    refused = train.predict_fn(train.input_fn(body, content_type), model)
    assert isinstance(refused, DataError) and re.search(said, str(refused))
    status, headers, text = answer_of(train.output_fn(refused, "text/csv"))
    assert status == "400 BAD REQUEST" and headers["Content-Type"] == "text/plain; charset=utf-8"
    assert text == str(refused) + "\n"  # one line
    assert not (tmp_path / "executed").exists()


# --- answers ---


@pytest.mark.parametrize(
    "accept, kind",
    [
        (None, "application/json"),
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/csv", "text/csv"),
        ("TEXT/CSV; charset=utf-8", "text/csv"),
        ("text/*", "text/csv"),
        ("application/json;q=0.2, text/csv;q=0.8", "application/json"),
        ("image/png, application/x-npy;q=0.1", "application/x-npy"),
        ("text/csv, application/json", "text/csv"),
        ("application/jsonlines", "application/jsonlines"),
    ],
)
def test_the_first_known_type_is_given(accept, kind):
    assert train.output_fn(np.zeros((1, 2)), accept)[1] == kind


def test_a_type_that_cannot_be_given_is_refused_in_one_line():
    status, _, text = answer_of(train.output_fn(np.zeros((1, 2)), "image/png\n"))
    assert status == "406 NOT ACCEPTABLE" and len(text.splitlines()) == 1 and "'image/png" in text


def test_all_formats_hold_the_same_numbers():
    predictions = np.array([[0.0, 1 / 3], [123456.789, 2e-9]])
    expected = [[float("%.14g" % value) for value in row] for row in predictions]
    written = {kind: train.output_fn(predictions, kind)[0] for kind in recore.predictions.FORMATS}
    assert [
        [float(cell) for cell in line.split(",")] for line in written["text/csv"].splitlines()
    ] == expected
    assert json.loads(written["application/json"]) == expected
    assert [json.loads(line) for line in written["application/jsonlines"].splitlines()] == expected
    assert np.array_equal(np.load(io.BytesIO(written["application/x-npy"])), predictions)


def told(body, content_type, model):
    """The objects of the JSON lines that answer a body."""
    predictions = train.predict_fn(train.input_fn(body, content_type), model)
    text, kind = train.output_fn(predictions, "application/jsonlines")
    assert kind == "application/jsonlines" and text.count("\n") == len(predictions)
    return [json.loads(line) for line in text.splitlines()]


def test_json_lines_tell_value_bounds_and_verdict_of_every_target_by_name(features, model):
    lines = told(features.to_csv(), "text/csv", model)
    lower, upper = model.predict_interval(features)
    found = model.applicability(features)
    assert [list(line["targets"]) for line in lines] == [model.target_names_] * len(features)
    assert [line["verdict"] for line in lines] == found["verdict"].tolist()
    for name, expected, digits in (
        ("value", model.predict(features), 14),
        ("lower", lower, 6),
        ("upper", upper, 6),
    ):
        values = [[target[name] for target in line["targets"].values()] for line in lines]
        np.testing.assert_allclose(values, expected, rtol=10.0 ** (1 - digits), atol=1e-12)
    for name in ("leverage", "residual"):
        np.testing.assert_allclose([line[name] for line in lines], found[name], rtol=1e-5)


INDEXED = {"str", "bytes", "charset", "BOM", "BOM in bytes", "index and features", "Windows line ends", "more columns"} | {
    "a header that comes again", "a header that comes late", "JSON with index", "npy with index", "JSON objects with index",
}  # fmt: skip


def test_json_lines_tell_the_rows_own_index_where_the_body_has_one(features, model):
    features = features[:4].set_axis([7, 3, 12, 5])
    indexed = features.rename_axis("index").reset_index()
    array = io.BytesIO()
    np.save(array, indexed.to_numpy())
    sent = dict(
        bodies(features),
        **{
            "JSON with index": (features.to_json(orient="split", double_precision=15), "application/json"),
            "JSON objects with index": (indexed.to_json(orient="records"), "application/json"),
            "npy with index": (array.getvalue(), "application/x-npy"),
        },
    )
    for kind, (body, content_type) in sent.items():
        found = [line["index"] for line in told(body, content_type, model)]
        assert found == ([7, 3, 12, 5] if kind in INDEXED else [0, 1, 2, 3]), kind


@pytest.mark.parametrize(
    "labels, expected",
    [
        (["007", "1", "2", "3"], ["007", "1", "2", "3"]),
        (["1.0", "1", "-0", "1e3"], ["1.0", "1", "-0", "1e3"]),
        (["0", "-12", "7", "999999999999999"], [0, -12, 7, 999999999999999]),
        (["9007199254740993", "1", "2", "3"], ["9007199254740993", "1", "2", "3"]),
        (['BH "7"', "Hole 1, 5m", "a\nb", "é\u2028x"], ['BH "7"', "Hole 1, 5m", "a\nb", "é\u2028x"]),
    ],
)
def test_an_index_is_numbers_where_every_client_reads_them_so_else_its_own_text(
    labels, expected, features, model
):
    body = features[:4].set_axis(labels).to_csv()
    assert [line["index"] for line in told(body, "text/csv", model)] == expected


def test_a_json_index_is_told_as_it_came_or_refused(features, model):
    rows = features[:3].to_numpy().tolist()
    for labels, expected in (
        ([5, 6, 7], [5, 6, 7]), ([5.0, 6.0, 7.0], [5, 6, 7]), ([5, None, "x"], ["5", None, "x"]),
        ([True, 0.5, [1]], ["True", "0.5", "[1]"]), (None, [0, 1, 2]),
    ):  # fmt: skip
        for body in ({"instances": rows}, {"columns": list(features), "data": rows}):
            body = json.dumps(dict(body, index=labels))
            assert [line["index"] for line in told(body, "application/json", model)] == expected
    objects = [dict(zip(features, row)) for row in rows]
    objects[1]["index"] = 3
    for body in (
        {"data": rows, "columns": list(features), "index": [1, 2]}, {"instances": rows, "index": "abc"}, objects,
    ):  # fmt: skip
        refused = train.predict_fn(train.input_fn(json.dumps(body), "application/json"), model)
        assert isinstance(refused, DataError) and "index" in str(refused)


def test_a_target_may_have_any_name():
    table = make_table(targets=['50 % "fines"', "%s"])
    layout = preprocess.split_columns(["", *table])
    spectra = preprocess.features(table[layout.channels])
    model = train.fit(preprocess.Table(spectra, table[[]], table[layout.targets]))
    assert list(told(spectra.to_csv(), "text/csv", model)[0]["targets"]) == ['50 % "fines"', "%s"]


def test_a_row_is_predicted_the_same_alone_and_among_others(features, model):
    lines = features.to_csv(header=False, float_format="%.17g").splitlines(True)
    together = train.predict_fn(train.input_fn("".join(lines), "text/csv"), model)
    alone = [train.predict_fn(train.input_fn(line, "text/csv"), model)[0] for line in lines]
    assert np.array_equal(together, alone)


def test_spectra_that_are_not_preprocessed_are_told_from_features(model):
    for body in (make_table()[:2].to_csv(), make_table()[:2].to_json(orient="records")):
        refused = train.predict_fn(train.input_fn(body, "text/csv" if body[0] == "," else None), model)
        assert "preprocess them first" in str(refused)


def test_an_index_that_is_a_fraction_may_be_a_feature(features, model):
    body = features.assign(CuPPM=0.5).to_csv(index=False, header=False)
    assert "row 1, column 1: found " in str(train.predict_fn(train.input_fn(body, "text/csv"), model))


# --- the step ---


def test_the_sites_are_left_out_together_when_asked(tmp_path):
    path = write(make_table(), tmp_path / "public.csv.gz")
    by_row = step("train", "--data_dir", path, "--model_dir", tmp_path / "row")
    by_site = step("train", "--data_dir", path, "--model_dir", tmp_path / "site", "--group", "SiteID")
    assert by_row.returncode == 0 and by_site.returncode == 0, by_site.stderr
    row, site = (json.loads((tmp_path / kind / "model.json").read_text()) for kind in ("row", "site"))
    assert row["training"]["left_out"] == "row" and site["training"]["left_out"] == "SiteID"
    assert row["targets"][0]["cv_r2"] != site["targets"][0]["cv_r2"]
    for described in (row, site):  # figures by row never stand without those by site
        assert described["training"]["mean_r2"] == {
            "row": pytest.approx(np.mean([target["cv_r2"] for target in row["targets"]])),
            "SiteID": pytest.approx(np.mean([target["cv_r2"] for target in site["targets"]])),
        }
    assert "no id column 'Hole'" in said_in_one_line(
        step("train", "--data_dir", path, "--model_dir", tmp_path / "no", "--group", "Hole")
    )


def test_the_environment_sets_the_defaults(public, tmp_path):
    environment = dict(os.environ, SM_MODEL_DIR=str(tmp_path / "m"), SM_CHANNEL_TRAINING=str(public.parent))
    assert step("train", env=environment, cwd=str(tmp_path)).returncode == 0
    assert sorted(os.listdir(str(tmp_path / "m"))) == ["model.json", "model.pkl"]


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
    message = said_in_one_line(step("train", "--data_dir", tmp_path, "--model_dir", tmp_path))
    assert said in message
    train.model_fn(str(tmp_path))
