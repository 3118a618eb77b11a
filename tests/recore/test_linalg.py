"""Predictions are summed in one order: the same bits in any batch, order, thread and block."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

import recore.linalg
from mdl import ZeroClippedRidgeCV
from tests.oracles import make_data


@pytest.fixture(scope="module")
def fitted():
    X, Y, _ = make_data(300, 83, 7)
    Y[:, 0] = np.maximum(Y[:, 0], 0)
    return ZeroClippedRidgeCV().fit(X, Y), make_data(1500, 83, 7, seed=1)[0]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 257, 1000, 1499])
def test_a_row_s_prediction_is_the_same_to_the_bit_in_any_batch(fitted, size):
    model, X = fitted
    together = model.predict(X)
    for start in (0, 1, 750, len(X) - size):
        part = slice(start, start + size)
        assert (model.predict(X[part]) == together[part]).all()
        assert (model.predict(np.asfortranarray(X[part])) == together[part]).all()


@settings(deadline=None, max_examples=30)
@given(rows=st.lists(st.integers(0, 1499), min_size=1, max_size=60))
def test_a_row_s_prediction_is_the_same_to_the_bit_in_any_order(fitted, rows):
    model, X = fitted
    assert (model.predict(X[rows]) == model.predict(X)[rows]).all()


@pytest.mark.parametrize("targets", [1, 2, 49])
@pytest.mark.parametrize("p", [1, 2, 3, 5, 8, 13, 243])
def test_predictions_are_summed_in_one_order_on_every_machine(p, targets):
    rng = np.random.RandomState(0)
    X, coef = rng.standard_normal((3, p)), rng.standard_normal((targets, p))

    def fold(terms):
        half = (len(terms) + 1) // 2
        folded = [a + b for a, b in zip(terms, terms[half:])] + terms[len(terms) - half : half]
        return fold(folded) if len(folded) > 1 else folded[0]

    expected = [[fold([a * b for a, b in zip(x, c)]) for c in coef.tolist()] for x in X.tolist()]
    assert recore.linalg.product_by_row(X, coef).tolist() == expected


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_change_no_bit_of_a_prediction(fitted, threads):
    model, X = fitted
    expected = model.predict(X)
    with threadpool_limits(threads):
        for size in (1, 3, 64, 1000):
            assert (model.predict(X[:size]) == expected[:size]).all()


def test_blocks_of_any_size_predict_the_same(fitted, monkeypatch):
    model, X = fitted
    expected = model.predict(X)
    for cells in (1, 1000, 10**5):
        monkeypatch.setattr(recore.linalg, "CELLS", cells)
        assert (model.predict(X[:50]) == expected[:50]).all()
