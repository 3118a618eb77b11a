"""Equations (1) to (4) against refits without each row."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

import recore.ridge
from mdl import ZeroClippedRidgeCV
from tests.oracles import assert_close, held_out_errors, make_data, make_spectra, refit_errors


@settings(deadline=None, max_examples=60)
@given(
    n=st.integers(3, 14),
    p=st.integers(1, 14),
    fit_intercept=st.booleans(),
    weighted=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_leave_one_out_equals_refitting_without_each_row(n, p, fit_intercept, weighted, seed):
    X, Y, weight = make_data(n, p, 2, seed)
    weight = weight if weighted else np.ones(n)
    alphas = [1e-2, 1.0, 1e3]
    expected = refit_errors(X, Y, weight, np.arange(n), alphas, fit_intercept)
    assert_close(held_out_errors(X, Y, weight, alphas, None, fit_intercept), expected)


def test_coefficients_at_an_alpha_far_below_the_rounding_of_the_gram_matrix():
    X, Y = make_spectra(400, 120, noise=1e-7)
    alpha = 1e-9
    s = np.linalg.svd(X - X.mean(axis=0), compute_uv=False) ** 2
    assert np.finfo(float).eps * s[0] > 1e-5 * (s[-1] + alpha)  # X'X alone would not do
    expected = Ridge(alpha=alpha, solver="svd").fit(X, Y)
    assert_close(ZeroClippedRidgeCV([alpha]).fit(X, Y).coef_, expected.coef_, 1e-6)


def test_targets_with_the_same_gaps_share_a_decomposition(monkeypatch):
    X, Y, _ = make_data(60, 10, 6)
    Y[:5, :3] = np.nan
    Y[7, 3] = np.nan
    made = []
    init = recore.ridge.Ridge.__init__
    monkeypatch.setattr(
        recore.ridge.Ridge, "__init__", lambda self, *args: made.append(args[4]) or init(self, *args)
    )
    ZeroClippedRidgeCV().fit(X, Y)
    assert made == [[0, 1, 2], [3], [4, 5]]
