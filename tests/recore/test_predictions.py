"""Predictions, bounds, verdicts and the rows' own index, in every type of answer."""

import io
import json

import numpy as np
import pytest

import preprocess
import recore.predictions
import train
from preprocess import DataError
from tests.bodies import answer_of, bodies, told
from tests.conftest import make_table


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


def test_json_lines_tell_value_bounds_and_verdict_of_every_target_by_name(features, model):
    lines = told(features.to_csv(), "text/csv", model)
    lower, upper = model.predict_interval(features)
    found = model.applicability(features)
    assert [list(line["targets"]) for line in lines] == [model.target_names_] * len(features)
    assert [line["verdict"] for line in lines] == found["verdict"].tolist()
    each = ["value", "lower", "upper", "verdict", "mark"]
    assert all(list(target) == each for line in lines for target in line["targets"].values())
    assert [target["mark"] for target in lines[0]["targets"].values()] == model.marks
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
