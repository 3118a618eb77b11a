"""Data with a known answer, and the equations of mdl.py in their plain and slow form."""

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.linear_model import RidgeCV

import mdl
import recore.forms
import recore.groups
from mdl import ZeroClippedRidgeCV
from tests.conftest import REAL

SKLEARN = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
ALPHAS = np.array(mdl.ALPHAS)
CLEAR_ALPHAS = np.logspace(-2, 5, 50)  # clear of where RidgeCV before 1.9 divides rounding by alpha
SHAPES = [(60, 20), (22, 20), (21, 20), (20, 20), (20, 60), (300, 100)]  # long to wide, and the border


def make_data(n, p, t=4, seed=0):
    """Correlated features off the origin, targets with noise of their own size."""
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n, p)) @ rng.standard_normal((p, p)) / math.sqrt(p) + 3
    noise = np.logspace(-1, 1, t)
    Y = X @ rng.standard_normal((p, t)) + noise * rng.standard_normal((n, t))
    return X, Y, rng.uniform(0.1, 3, n)


def make_spectra(n, p, t=4, noise=1e-4, seed=0):
    """Overlapping bands: singular values over many decades."""
    rng = np.random.RandomState(seed)
    channel = np.linspace(0, 1, p)
    bands = np.exp(-(((channel - rng.uniform(size=(30, 1))) / 0.07) ** 2))
    amounts = rng.gamma(1, 1, (n, 30))
    X = amounts @ bands
    X = 7 * X / X.max(axis=1, keepdims=True) + noise * rng.standard_normal((n, p))
    return X, amounts[:, :t] * rng.lognormal(0, 0.2, (n, t))


def make_errors(n, growing, seed):
    """Three wavelengths, one target; errors as large as the concentration, or all alike."""
    rng = np.random.RandomState(seed)
    X = rng.gamma(2, 1, (n, 3)) + 0.5
    y = X @ [1.0, 2.0, 0.5]
    return X, y + rng.standard_normal(n) * (0.2 * y if growing else 0.5)


def frame_model(**parameters):
    X, Y, _ = make_data(30, 3)
    X = pd.DataFrame(X, columns=["997.1", "1001.2", "1005.3"])
    return ZeroClippedRidgeCV(**parameters).fit(X, Y), X


def read_real(name):
    """Features (windows of 7 channels), targets and sites of a folder of real spectra."""
    path = next(iter(REAL.glob(f"{name}/*_full.csv.gz")), None)
    if path is None:
        pytest.skip(f"no real spectra at {REAL / name}")
    table = pd.read_csv(path, index_col=0)
    table = table.drop(columns=["DepthTo", "DepthFrom"], errors="ignore")
    channels = [name for name in table if name.replace(".", "").isdigit()]
    spectra = table[channels].to_numpy()
    X = np.add.reduceat(spectra / spectra.max(axis=1, keepdims=True), range(0, len(channels), 7), axis=1)
    return X, table.drop(columns=[*channels, "SiteID"]), table["SiteID"].to_numpy()


def oracle(X, Y, weight=None, **parameters):
    """scikit-learn's RidgeCV, from singular values where it can."""
    parameters = {"alphas": ALPHAS, "alpha_per_target": True, **parameters}
    mode = "svd" if len(X) > X.shape[1] else "eigen"
    return RidgeCV(gcv_mode=mode, **parameters).fit(X, Y, sample_weight=weight)


def assert_close(found, expected, tolerance=1e-8):
    """Equal to `tolerance` of the largest number expected for each target."""
    found, expected = np.atleast_2d(found), np.atleast_2d(expected)
    scale = np.abs(expected).max(axis=-1, keepdims=True)
    assert np.all(np.abs(found - expected) <= tolerance * np.maximum(scale, 1e-300))


def assert_same_model(model, expected):
    np.testing.assert_array_equal(model.alpha_, expected.alpha_)
    assert_close(model.coef_, expected.coef_)
    assert_close(np.reshape(model.intercept_, -1), np.reshape(expected.intercept_, -1))
    np.testing.assert_allclose(model.best_score_, expected.best_score_, rtol=1e-8)


def refit_errors(X, Y, weight, groups, alphas, fit_intercept=True):
    """Errors of each group from a model fitted without it, (n_alphas, n, t)."""
    errors = np.empty((len(alphas), *Y.shape))
    for a, alpha in enumerate(alphas):
        for group in np.unique(groups):
            out = groups == group
            w, x = weight[~out], X[~out]
            x_mean = w @ x / w.sum() if fit_intercept else np.zeros(X.shape[1])
            y_mean = w @ Y[~out] / w.sum() if fit_intercept else np.zeros(Y.shape[1])
            x = (x - x_mean) * np.sqrt(w)[:, None]
            y = (Y[~out] - y_mean) * np.sqrt(w)[:, None]
            augmented = np.vstack([x, np.sqrt(alpha) * np.eye(X.shape[1])])
            filled = np.vstack([y, np.zeros((X.shape[1], Y.shape[1]))])
            coef = np.linalg.lstsq(augmented, filled, rcond=None)[0]
            errors[a, out] = Y[out] - y_mean - (X[out] - x_mean) @ coef
    return errors


def held_out_errors(X, Y, weight, alphas, groups=None, fit_intercept=True):
    """The same from the closed form."""
    rows, columns = np.arange(len(X)), list(range(Y.shape[1]))
    problem = recore.forms.ridge_of(X, Y, weight, rows, columns, fit_intercept, min(alphas))
    errors = np.full((len(alphas), *Y.shape), np.nan)
    left_out = recore.groups.LeftOut(problem, np.asarray(alphas), groups)
    for at, block in (each for unit in left_out.units for each in left_out.errors(unit)):
        errors[:, at] = block.transpose(0, 2, 1) / problem.root_w[at, None]
    return errors


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


def outer(values, level):
    """The value whose rank is level * (n + 1), or the next one out."""
    rank = Fraction(level).limit_denominator(1000) * (len(values) + 1)
    rank = math.floor(rank) if level < 0.5 else math.ceil(rank)
    return sorted(values)[min(max(rank, 1), len(values)) - 1]


def weibull(values, level):
    """The quantile of Weibull (1939), the k-th of n values at k / (n + 1), straight lines between."""
    values, rank = sorted(values), level * (len(values) + 1)
    below = min(max(int(rank), 1), len(values) - 1)
    return values[below - 1] + min(rank - below, 1) * (values[below] - values[below - 1])
