"""The preprocessing as a transformer of scikit-learn, which makes the whole one Pipeline."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

import preprocess
from recore.checks import check_features
from recore.settings import checked


class SpectralFeatures(TransformerMixin, BaseEstimator):
    """Spectra become features: a treatment over a range of channels, then sums of windows.

    The features are those of preprocess.py, to the bit. Rows are independent: nothing is learnt from them but
    the channels.

    Parameters
    ----------
    range : str, default="0:-300"
        Channels, counted as a slice, or wavenumbers, "3900:700cm-1", for a table whose columns are named by them.
    window : int, default=7
        Channels that are summed.
    treatment : {"max", "none", "snv", "derivative", "both"}, default="max"
        See `preprocess.TREATMENTS`.

    Attributes
    ----------
    n_features_in_ : int
        Channels.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has names that are all text.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from mdl import ZeroClippedRidgeCV
    >>> model = make_pipeline(SpectralFeatures(window=10), ZeroClippedRidgeCV())
    """

    def __init__(self, range="0:-300", window=7, treatment="max"):
        self.range = range
        self.window = window
        self.treatment = treatment

    def fit(self, X, y=None):
        """Check the settings and the channels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_channels)
        y : ignored

        Returns
        -------
        self : SpectralFeatures

        Raises
        ------
        ValueError
            On settings or channels that leave nothing to sum, and on values that no spectrum can have.
        """
        self._features(self._checked(X, reset=True))
        return self

    def transform(self, X):
        """Treat spectra and sum their channels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_channels)

        Returns
        -------
        ndarray of shape (n_samples, n_features)

        Raises
        ------
        ValueError
            As `fit`, and on other channels than were fitted.
        """
        check_is_fitted(self, "n_features_in_")
        return self._features(self._checked(X, reset=False))

    def get_feature_names_out(self, input_features=None):
        """The names of the features, each of its window's first and last channel, and of settings not the usual.

        Parameters
        ----------
        input_features : ignored but checked where the channels have names

        Returns
        -------
        ndarray of shape (n_features,)
        """
        names = getattr(self, "feature_names_in_", None)
        if input_features is not None:
            given = np.asarray(input_features, dtype=object)
            if names is not None and not np.array_equal(given, names):
                raise ValueError("input_features is not equal to feature_names_in_")
            if len(given) != self.n_features_in_:
                raise ValueError(f"input_features should have length equal to {self.n_features_in_}")
            names = given
        if names is None:
            names = [f"x{k}" for k in np.arange(self.n_features_in_)]
        return np.array(preprocess.window_names(axis_of(names), self._settings()), dtype=object)

    def _channels(self):
        """What the channels are called: numbers where their names tell them."""
        return axis_of(getattr(self, "feature_names_in_", [f"x{k}" for k in np.arange(self.n_features_in_)]))

    def _settings(self):
        """The parameters as checked Settings."""
        window = int(self.window) if isinstance(self.window, np.integer) else self.window
        given = {"range": str(self.range), "window": window, "treatment": str(self.treatment)}
        return checked(given, type(self).__name__)

    def _checked(self, X, reset):
        """X as floats, with names and number of channels checked."""
        X = check_features(self, X, reset=reset, least=1)
        return np.ascontiguousarray(X, dtype=np.float64)

    def _features(self, spectra):
        """The features of checked spectra."""
        settings, channels = self._settings(), self._channels()
        part = preprocess.check_channels(channels, "X", settings)
        found = preprocess.wrong_spectra(
            spectra, spectra.min(axis=1), channels, "row {}".format, part, settings
        )
        preprocess.refuse(found)
        return preprocess.window_sums(preprocess.treat(spectra, part, settings.treatment), settings.window)


def axis_of(names):
    """Names of channels, as numbers in one form where they have some: '3997.4' of 'X3997.40'."""
    known = preprocess.channel_names(list(names))
    return [known.get(name, name) for name in names]
