"""The score of every setting in closed form, and what a search gains on rows held out."""

from functools import partial

import numpy as np
import pandas as pd
from joblib import delayed
from threadpoolctl import threadpool_limits

import preprocess
import score
from mdl import METHODS
from preprocess import SETTINGS
from recore.expected import fit_with
from tools.tune.candidates import features, treat
from tools.validate.cross_validation import OURS, fit_predict, in_turn, predict_fold, quiet

SEARCH_ALPHAS = tuple(10.0**power for power in range(-5, 6))


def total(targets, r2):
    """One score of the targets' R² (..., t): the official one where it is defined, else their mean."""
    official = list(targets) == list(score.WEIGHTS)
    return r2 @ np.array(list(score.WEIGHTS.values())) if official else r2.mean(axis=-1)


def score_settings(spectra, channels, targets, settings, trainings, method):
    """Closed-form scores, (settings, trainings), of settings that differ in the window only."""
    found, treated = np.full((len(settings), len(trainings)), np.nan), treat(spectra, settings[0], channels)
    with threadpool_limits(1), quiet():
        for at, setting in enumerate(settings):
            X = preprocess.window_sums(treated, setting.window)
            if not np.isfinite(X).all():
                continue
            for k, (rows, sites) in enumerate(trainings):
                model = fit_with(METHODS[method], SEARCH_ALPHAS, X[rows], targets.values[rows], sites)
                found[at, k] = total(targets, model.cv_r2_)
    return found


def search(spectra, channels, targets, settings, trainings, jobs, method=OURS):
    """Closed-form scores of every setting.

    Parameters
    ----------
    spectra : ndarray of shape (n_rows, n_channels)
    channels : list of str
    targets : DataFrame of shape (n_rows, n_targets)
    settings : list of Settings
    trainings : list of (rows, sites of these rows or None)
        What to fit, and whether to leave out rows or sites.
    jobs : int
        Processes.
    method : str
        Of mdl.METHODS.

    Returns
    -------
    ndarray of shape (n_settings, n_trainings)
        NaN where a setting cannot be applied.
    """
    parts = {}
    for at, setting in enumerate(settings):
        parts.setdefault((setting.treatment, setting.range), []).append(at)
    parts = sorted(parts.values(), key=lambda places: min(settings[at].window for at in places))
    calls = (
        delayed(score_settings)(
            spectra, channels, targets, [settings[at] for at in places], trainings, method
        )
        for places in parts
    )
    found = np.empty((len(settings), len(trainings)))
    for places, part in zip(parts, in_turn(calls, len(parts), jobs, "search"), strict=True):
        found[places] = part
    return found


def nested(spectra, channels, targets, settings, folds, sites, jobs, method=OURS):
    """R² of each target on rows held out: the present setting, and the one found in each training half.

    Returns
    -------
    DataFrame of shape (n_targets, 2)
        Columns "present" and "tuned".
    list of Settings
        What was found, fold by fold.
    """
    Y = targets.to_numpy()
    tests = [folds == fold for fold in np.unique(folds)]
    trainings = [(~test, None if sites is None else sites[~test]) for test in tests]
    scores = search(spectra, channels, targets, settings, trainings, jobs, method)
    model = partial(fit_predict, method=method)
    found = [settings[at] for at in np.nanargmax(scores, axis=0)]
    predicted = {"present": np.empty(Y.shape), "tuned": np.empty(Y.shape)}
    for test, setting in zip(tests, found, strict=True):
        for name, used in (("present", SETTINGS), ("tuned", setting)):
            X = features(spectra, used, channels)
            predicted[name][test] = predict_fold(model, X, Y, test, None, 1.0)[0]
    r2 = {name: score.r2(Y, values) for name, values in predicted.items()}
    return pd.DataFrame(r2, targets.columns), found
