"""Bounds and verdicts of ZeroClippedRidgeCV against refits without a row or a group, and by hand."""

import numpy as np
import pytest
from test_mdl import assert_close, make_data, make_spectra, refit_errors

import mdl
from mdl import ZeroClippedRidgeCV


def inverse(X, weight, alpha, fit_intercept=True):
    """Weighted mean (p,), X~'X~ (p, p) and what stands between two rows in equation (5)."""
    mean = weight @ X / weight.sum() if fit_intercept else np.zeros(X.shape[1])
    centred = (X - mean) * np.sqrt(weight)[:, None]
    gram = centred.T @ centred
    return mean, gram, np.linalg.inv(gram + alpha * np.eye(len(gram)))


def leverage_of(new, X, weight, alpha, fit_intercept=True):
    """Equation (5) as it stands, (n_new,)."""
    mean, _, between = inverse(X, weight, alpha, fit_intercept)
    return fit_intercept / weight.sum() + np.einsum("ij,jk,ik->i", new - mean, between, new - mean)


def residual_of(new, X, weight, beta):
    """Equation (7) as it stands, (n_new, p)."""
    mean, gram, between = inverse(X, weight, beta)
    return (new - mean) - (new - mean) @ between @ gram


def apart(groups):
    """Pairs of masks: the rows of a group, and the others."""
    return [(groups == group, groups != group) for group in np.unique(groups)]


def weibull(values, level):
    """The quantile whose rank is level * (n + 1), by interpolation."""
    values = np.sort(values)
    return np.interp(level * (len(values) + 1), np.arange(1, len(values) + 1), values)


# --- what is held out ---


@pytest.mark.parametrize("n, p", [(40, 12), (13, 12), (12, 12), (12, 40)])
@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_errors_and_leverages_are_those_of_refits_without_the_group(n, p, size, weighted, fit_intercept):
    X, Y, weight = make_data(n, p)
    weight = weight if weighted else np.ones(n)
    groups = np.arange(n) // size
    alphas = np.array([0.1, 3.0, 0.1, 40.0])
    problem = mdl._Ridge(X, Y, weight, np.arange(n), list(range(4)), fit_intercept, 0.1)
    errors, left = np.full((2, 4, n), np.nan)
    for at, some, part in problem.errors_at(alphas, None if size == 1 else groups):
        errors[:, at], left[:, at] = some / problem.root_w[at], part
    expected = refit_errors(X, Y, weight, groups, alphas, fit_intercept)
    for k, alpha in enumerate(alphas):
        assert_close(errors[k], expected[k, :, k])
        for out, others in apart(groups):
            leverage = leverage_of(X[out], X[others], weight[others], alpha, fit_intercept)
            np.testing.assert_allclose(1 / left[k, out], 1 + weight[out] * leverage, rtol=1e-6)


@pytest.mark.parametrize("kept", [2**25, 0], ids=["refits kept", "refits made anew"])
def test_large_groups_that_are_fitted_anew_give_the_same(kept, monkeypatch):
    monkeypatch.setattr(mdl, "REFITS", kept)
    X, Y, weight = make_data(90, 6)
    groups = np.arange(90) // 30
    problem = mdl._Ridge(X, Y, weight, np.arange(90), list(range(4)), True, 0.1)
    assert problem.without(np.arange(30), 4) is not None
    alphas = np.array([0.1, 3.0, 0.1, 40.0])
    expected = refit_errors(X, Y, weight, groups, alphas)
    for at, errors, left in problem.errors_at(alphas, groups):
        out, others = np.isin(np.arange(90), at), ~np.isin(np.arange(90), at)
        for k, alpha in enumerate(alphas):
            assert_close(errors[k] / problem.root_w[at], expected[k, at, k])
            leverage = leverage_of(X[out], X[others], weight[others], alpha)
            np.testing.assert_allclose(1 / left[k], 1 + weight[at] * leverage, rtol=1e-8)


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
        expected = [weibull(standardised, level) for level in mdl.LEVELS]
        np.testing.assert_allclose(model.error_quantiles_[k], expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("n, p", [(60, 8), (30, 60)])
@pytest.mark.parametrize("size", [1, 3, 10])
def test_limits_are_those_of_refits_without_the_row_or_the_group(n, p, size):
    X, Y = make_spectra(n, p)
    weight = np.random.RandomState(0).uniform(0.5, 2, n)
    groups = np.arange(n) // size
    model = ZeroClippedRidgeCV().fit(X, Y, weight, groups=None if size == 1 else groups)
    beta = mdl.UNEXPLAINED * np.trace(inverse(X, weight, 1.0)[1])
    leverage, left = np.empty(n), np.empty((n, p))
    for out, others in apart(groups):
        leverage[out] = leverage_of(X[out], X[others], weight[others], mdl._middle(model.alpha_)[0])
        left[out] = residual_of(X[out], X[others], weight[others], beta)
    residual = np.empty(n)
    for out, others in apart(groups):
        residual[out] = (np.abs(left[out]) / np.sqrt(np.mean(left[others] ** 2, axis=0))).max(axis=1)
    limits = [weibull(each, mdl.LIMIT) for each in (leverage, residual)]
    both = weibull(np.maximum(leverage / limits[0], residual / limits[1]), mdl.LIMIT)
    assert model.leverage_limit_ == pytest.approx(limits[0] * both, rel=1e-5)
    assert model.residual_limit_ == pytest.approx(limits[1] * both, rel=1e-5)
    np.testing.assert_allclose(model.residual_scale_, np.sqrt(np.mean(left**2, axis=0)), rtol=1e-5)
