"""What a fitted model tells of new rows beside its predictions: bounds, and how far they are from the training's."""

import numpy as np

from recore.bounds import LEVELS
from recore.leverage import beta_of, beyond_axes, leverages, middle_alpha, residuals
from recore.linalg import row_blocks


def bounds_of(model, X, coverage, predicted):
    """Lower and upper bounds of what is predicted, in its shape, see `predict_interval` in mdl."""
    alphas, weight, rows = map(np.atleast_1d, (model.alpha_, model.weight_, model.n_rows_))
    eigenvalues = model.eigenvalues_ * (weight / model.total_weight_)[:, None]  # of the rows with an assay
    growth, quantiles = np.atleast_2d(model.error_growth_), np.atleast_2d(model.error_quantiles_)
    tails = (1 - coverage) / 2, (1 + coverage) / 2
    low, high = np.array([np.interp(tails, LEVELS, each) for each in quantiles]).T  # (t,)
    low, high = np.minimum(low, 0), np.maximum(high, 0)
    lower, upper = np.empty((2, len(X), len(weight)))
    for at in row_blocks(len(X), X.shape[1]):
        _, scores, rest = scores_of(model, X[at])
        leverage = model.fit_intercept / weight + leverages(scores, rest, eigenvalues, alphas)
        fitted = predicted[at].reshape(len(leverage), -1)
        spread = np.sqrt((rows / weight + leverage) * (growth[:, 0] + growth[:, 1] * np.square(fitted)))
        lower[at], upper[at] = np.maximum(fitted + low * spread, model.lower_), fitted + high * spread
    return lower.reshape(predicted.shape), upper.reshape(predicted.shape)


def applicability_of(model, X):
    """Leverage and residual (n_samples,) in units of their limits, see `applicability` in mdl."""
    leverage, residual = np.empty((2, len(X)))
    alpha = middle_alpha(model.alpha_)
    for at in row_blocks(len(X), X.shape[1]):
        centred, scores, rest = scores_of(model, X[at])
        leverage[at] = leverages(scores, rest, model.eigenvalues_, alpha)[:, 0]
        left = residuals(centred, scores, model.eigenvalues_, model.axes_, beta_of(model.eigenvalues_))
        residual[at] = np.abs(left / model.residual_scale_).max(axis=1)
    leverage += model.fit_intercept / model.total_weight_
    leverage /= model.leverage_limit_
    residual /= model.residual_limit_
    return leverage, residual


def scores_of(model, X):
    """X centred (n, p), its scores (n, k), and what of its squared length is outside the axes (n,)."""
    centred = X - model.x_mean_
    scores = centred @ model.axes_.T
    return centred, scores, beyond_axes(centred, scores)
