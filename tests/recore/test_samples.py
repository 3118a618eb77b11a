"""Rows of cells become the model's features, or are refused."""

import train
from tests.conftest import make_table


def test_spectra_that_are_not_preprocessed_are_told_from_features(model):
    for body in (make_table()[:2].to_csv(), make_table()[:2].to_json(orient="records")):
        refused = train.predict_fn(train.input_fn(body, "text/csv" if body[0] == "," else None), model)
        assert "preprocess them first" in str(refused)


def test_an_index_that_is_a_fraction_may_be_a_feature(features, model):
    body = features.assign(CuPPM=0.5).to_csv(index=False, header=False)
    assert "row 1, column 1: found " in str(train.predict_fn(train.input_fn(body, "text/csv"), model))
