"""Where a model's training spectra lie, and what in a new spectrum they do not show.

A model keeps no spectra. It holds their mean (x_mean_), the axes along which they differ and how much along each
(axes_, eigenvalues_): so the mean and the standard deviation of each feature are known, not the spectra themselves.
"""

import numpy as np

from recore.channels import positions
from recore.leverage import beta_of, residuals
from recore.settings import settings_of
from tools.spectra import windows_of

NINE_OF_TEN = 1.645  # standard deviations about the mean of a normal distribution


class Scale:
    """How features are drawn: on which axis, and as the mean of their window's channels.

    `channels` are a model's; none are those of a model that was saved without.

    Attributes
    ----------
    axis : ndarray of shape (n_features,)
        The middle of each window, in wavenumbers or else in channels counted from 1, or features without channels.
    numbered : bool
        Whether the channels are named by wavenumber.
    """

    def __init__(self, features, channels):
        settings, axis = settings_of(list(features)), positions(features)
        if channels:
            first, last = windows_of(settings, channels)
            self.width, counted = last - first + 1, (first + last) / 2 + 1
        else:
            self.width, counted = settings.window, np.arange(1.0, len(features) + 1)
        self.numbered = axis is not None
        self.axis = axis if self.numbered else counted

    def __call__(self, features):
        """Features (n, n_features) as they are drawn."""
        return np.asarray(features) / self.width


def spread_of(model):
    """The standard deviation of each feature of the training spectra, (n_features,)."""
    return np.sqrt(model.eigenvalues_ @ np.square(model.axes_) / model.total_weight_)


def training_band(model, scale):
    """Lower end, mean and upper end of what the training spectra look like, as they are drawn; (3, n_features).

    The mean and 1.645 standard deviations on both sides: nine of ten spectra, were they normally distributed.
    """
    half = NINE_OF_TEN * spread_of(model)
    return scale(np.array([model.x_mean_ - half, model.x_mean_, model.x_mean_ + half]))


def unexplained(model, features):
    """What no training spectrum shows, at each feature in units of the limit; (n, n_features).

    The largest of a row is its residual in `model.applicability`: above 1 the spectrum is unlike.
    """
    centred = np.asarray(features) - model.x_mean_
    s = model.eigenvalues_
    left = residuals(centred, centred @ model.axes_.T, s, model.axes_, beta_of(s))
    return np.abs(left / model.residual_scale_) / model.residual_limit_
