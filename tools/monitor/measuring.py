"""What is charted of a batch: statistics of its spectra, and of its assays where there are any."""

from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

import recore.predictions

COVERAGE = recore.predictions.COVERAGE
SLOPE_ROWS = 10  # assays; a slope through fewer says little
MEDIANS = ("leverage", "residual")


class Values(NamedTuple):
    """A statistic of every batch, (n_batches, k) each; k is 1 or the number of targets."""

    value: np.ndarray  # NaN where a batch has none; of a share, how many
    n: np.ndarray  # rows that it is of
    squares: np.ndarray  # sum of squares of the rows about their mean; of a slope, its squared error
    scale: np.ndarray  # that `value` is in, in the target's unit


def measure(model, batches, label=""):
    """The statistics of batches.

    Parameters
    ----------
    model : ZeroClippedRidgeCV
    batches : list of Batch
    label : str
        Beside the progress bar.

    Returns
    -------
    dict of str to Values
    """
    with threadpool_limits(1):
        bar = tqdm(batches, label, leave=False, disable=None, delay=2)
        found = [{**of_spectra(model, batch.X), **of_assays(model, batch)} for batch in bar]
    return {name: Values(*np.stack([each[name] for each in found], axis=1)) for name in found[0]}


def of_spectra(model, X):
    """Statistics that need no assay, {name: (value, n, squares, scale)}."""
    found, n = model.applicability(X), len(X)
    values = {}
    for name in ("leverage", "residual"):
        log = np.log(np.maximum(found[name].to_numpy(), np.finfo(float).tiny))
        values[name] = np.median(log), n, np.square(log - log.mean()).sum(), 1.0
    values["flagged"] = (found["verdict"] != "inside").sum(), n, 0.0, 1.0
    values = {name: np.array(each)[:, None] for name, each in values.items()}
    centre, scale = training_predictions(model)
    predicted = (model.unclipped(X) - centre) / scale
    values["prediction"] = with_spread(predicted, np.ones_like(predicted, bool), scale)
    return values


def training_predictions(model):
    """Mean and standard deviation (t,) of the unclipped predictions of the training spectra.

    Exact of a linear model: the mean of its predictions is the prediction of the mean, their variance b' C b, C the
    covariance of the features from its axes and eigenvalues. A kernel keeps the mean; its spread is what the
    held-out R2 leaves of that of the assays.
    """
    if model.further:
        r2 = np.clip(model.cv_r2_, 0, 1 - 1e-12)
        return model.y_mean_, above_zero(model.cv_rmse_ * np.sqrt(r2 / (1 - r2)))
    variance = np.square(model.coef_ @ model.axes_.T) @ (model.eigenvalues_ / model.total_weight_)
    return model.coef_ @ model.x_mean_ + model.intercept_, above_zero(np.sqrt(variance))


def above_zero(scale):
    """A scale to divide by: 1 where there is none."""
    return np.where(scale > 0, scale, 1.0)


def with_spread(rows, there, scale):
    """Mean, number and sum of squares (t,) of the rows (n, t) that are there, beside their scale."""
    n = there.sum(axis=0)
    mean = np.where(there, rows, 0).sum(axis=0) / np.where(n, n, np.nan)
    return np.array([mean, n, np.where(there, np.square(rows - mean), 0).sum(axis=0), scale])


def of_assays(model, batch):
    """Statistics of predictions beside assays, {name: (value, n, squares, scale)}.

    Errors grow with the concentration, so bias is in units of the RMSE to expect of these samples.
    """
    predicted, measured = model.predict(batch.X), batch.Y
    there = ~np.isnan(measured)
    n = there.sum(axis=0)
    share = np.where(n, n, 1)
    growth = model.error_growth_[:, :1] + model.error_growth_[:, 1:] * np.square(predicted.T)  # (t, n)
    expected = np.where(there, growth.T, 0).sum(axis=0) / share
    scale = above_zero(model.cv_rmse_ * np.sqrt(expected))
    lower, upper = model.predict_interval(batch.X, COVERAGE)
    outside = np.where(n, ((measured < lower) | (measured > upper)).sum(axis=0), np.nan)
    return {
        "bias": with_spread((predicted - measured) / scale, there, scale),
        "slope": slopes(predicted, measured, there),
        "outside": np.array([outside, n, np.zeros(len(n)), np.ones(len(n))]),
    }


def slopes(predicted, measured, there):
    """Slope of measured on predicted, number, squared standard error, 1; (4, t)."""
    n = there.sum(axis=0)
    count = np.where(n >= SLOPE_ROWS, n, np.nan)
    x, y = (np.where(there, each, 0) for each in (predicted, measured))
    x, y = (np.where(there, each - each.sum(axis=0) / count, 0) for each in (x, y))
    spread = np.square(x).sum(axis=0)
    spread = np.where(spread > 0, spread, np.nan)  # no slope without two different predictions
    slope = (x * y).sum(axis=0) / spread
    left = np.square(y - slope * x).sum(axis=0)
    return np.array([slope, n, left / (count - 2) / spread, np.ones(len(n))])
