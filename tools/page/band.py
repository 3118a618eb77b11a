"""Spectra as the model sees them, the band of its training spectra, and where a spectrum is unlike any of them."""

from typing import NamedTuple

import numpy as np

from recore.channels import positions
from recore.leverage import beta_of, residuals
from recore.samples import feature_values
from recore.settings import settings_of
from tools.spectra import windows_of

WIDE = 2  # standard deviations of the training spectra about their mean: some 95 of 100 lie within


class Band(NamedTuple):
    """The training spectra as a model remembers them, a value a feature, (n_features,) each."""

    axis: np.ndarray  # wavenumbers, or features counted from 1
    numbered: bool  # whether they are wavenumbers
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def widths(model, channels):
    """Channels in each window, which its sum is divided by, (n_features,)."""
    settings = settings_of(list(model.feature_names_in_))
    if not channels:  # of a model that was saved without
        return np.full(len(model.feature_names_in_), settings.window)
    first, last = windows_of(settings, channels)
    return last - first + 1


def band_of(model, channels):
    """The Band of a model that was trained on channels.

    Its standard deviations are exact: of the covariance, axes and eigenvalues are kept.
    """
    width, axis = widths(model, channels), positions(model.feature_names_in_)
    spread = np.sqrt(model.eigenvalues_ @ np.square(model.axes_) / model.total_weight_)
    mean, half = model.x_mean_ / width, WIDE * spread / width
    numbered = axis is not None
    axis = axis if numbered else np.arange(1.0, len(width) + 1)
    return Band(axis, numbered, mean, mean - half, mean + half)


def scaled(table, model, channels):
    """Spectra (n_rows, n_features) of a table of features, a window's mean instead of its sum."""
    return feature_values(table, model) / widths(model, channels)


def unlike(table, model):
    """Residual of each feature in units of the model's limits, (n_rows, n_features): above 1 it is unlike the training.

    The largest of a row is its residual in the table.
    """
    centred = feature_values(table, model) - model.x_mean_
    scores = centred @ model.axes_.T
    left = residuals(centred, scores, model.eigenvalues_, model.axes_, beta_of(model.eigenvalues_))
    return np.abs(left / model.residual_scale_) / model.residual_limit_
