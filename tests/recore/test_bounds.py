"""Equation (6): quantiles and limits against refits without a row or a group."""

import numpy as np
import pytest

import recore.bounds
import recore.leverage
from mdl import ZeroClippedRidgeCV
from tests.oracles import (
    apart,
    inverse,
    leverage_of,
    make_data,
    make_spectra,
    outer,
    refit_errors,
    residual_of,
    weibull,
)


@pytest.mark.parametrize("size", [1, 4, 20])
def test_quantiles_are_those_of_refits_without_the_row_or_the_group(size):
    X, Y, weight = make_data(60, 8)
    Y[:, :2] = np.maximum(Y[:, :2], 0)
    groups = np.arange(60) // size
    model = ZeroClippedRidgeCV().fit(X, Y, weight, groups=None if size == 1 else groups)
    for k in range(4):
        errors = refit_errors(X, Y[:, k : k + 1], weight, groups, [model.alpha_[k]])[0, :, 0]
        fitted = np.maximum(Y[:, k] - errors, model.lower_[k])
        spread = model.error_growth_[k] @ [np.ones(60), fitted**2]
        for out, others in apart(groups):
            leverage = leverage_of(X[out], X[others], weight[others], model.alpha_[k])
            spread[out] *= 1 / weight[out] + leverage
        standardised = (Y[:, k] - fitted) / np.sqrt(spread)
        expected = [outer(standardised, level) for level in recore.bounds.LEVELS]
        np.testing.assert_allclose(model.error_quantiles_[k], expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("n, p", [(60, 8), (30, 60)])
@pytest.mark.parametrize("size", [1, 3, 10])
def test_limits_are_those_of_refits_without_the_row_or_the_group(n, p, size):
    X, Y = make_spectra(n, p)
    weight = np.random.RandomState(0).uniform(0.5, 2, n)
    groups = np.arange(n) // size
    model = ZeroClippedRidgeCV().fit(X, Y, weight, groups=None if size == 1 else groups)
    beta = recore.leverage.UNEXPLAINED * np.trace(inverse(X, weight, 1.0)[1])
    leverage, left = np.empty(n), np.empty((n, p))
    for out, others in apart(groups):
        leverage[out] = leverage_of(
            X[out], X[others], weight[others], recore.leverage.middle_alpha(model.alpha_)[0]
        )
        left[out] = residual_of(X[out], X[others], weight[others], beta)
    residual = np.empty(n)
    for out, others in apart(groups):
        residual[out] = (np.abs(left[out]) / np.sqrt(np.mean(left[others] ** 2, axis=0))).max(axis=1)
    limits = [weibull(each, recore.bounds.LIMIT) for each in (leverage, residual)]
    both = weibull(np.maximum(leverage / limits[0], residual / limits[1]), recore.bounds.LIMIT)
    assert model.leverage_limit_ == pytest.approx(limits[0] * both, rel=1e-5)
    assert model.residual_limit_ == pytest.approx(limits[1] * both, rel=1e-5)
    np.testing.assert_allclose(model.residual_scale_, np.sqrt(np.mean(left**2, axis=0)), rtol=1e-5)
