"""Bodies of requests become rows, or are refused in one line."""

import json
import re

import numpy as np
import pandas as pd
import pytest

import preprocess
import recore.predictions
import train
from preprocess import DataError
from tests.bodies import answer_of, bad_bodies, bodies
from tests.conftest import channels_of, make_table


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


def test_a_row_is_predicted_the_same_alone_and_among_others(features, model):
    lines = features.to_csv(header=False, float_format="%.17g").splitlines(True)
    together = train.predict_fn(train.input_fn("".join(lines), "text/csv"), model)
    alone = [train.predict_fn(train.input_fn(line, "text/csv"), model)[0] for line in lines]
    assert np.array_equal(together, alone)


def test_a_row_may_stand_under_features_and_other_names_are_told_the_forms(features, model):
    rows, names = features.iloc[:2].to_numpy().tolist(), list(features)
    expected = train.predict_fn(features.iloc[:2], model)
    for body in (
        {"instances": [{"features": row} for row in rows]},
        {"instances": [{"features": dict(zip(names, row))} for row in rows]},
        [{"features": row} for row in rows],
    ):
        assert (
            train.predict_fn(train.input_fn(json.dumps(body), "application/json"), model) == expected
        ).all()
    lines = "\n".join(json.dumps({"features": row}) for row in rows)
    assert (train.predict_fn(train.input_fn(lines, "application/jsonlines"), model) == expected).all()
    for wrong in (
        {"inputs": rows},
        {"instances": [{"inputs": row} for row in rows]},
        {"dataframe_split": {"columns": names, "data": rows}},
        {"dataframe_records": [dict(zip(names, row)) for row in rows]},
        {"signature_name": "serving_default", "inputs": rows},
    ):
        said = str(train.predict_fn(train.input_fn(json.dumps(wrong), "application/json"), model))
        assert "found an object that holds more under" in said and '"instances"' in said, said
