"""Bounds and verdicts of rows held out, and how often an assay lies between the bounds."""

import numpy as np
import pandas as pd
from joblib import delayed
from threadpoolctl import threadpool_limits

import recore.predictions
from mdl import METHODS
from tools.validate.cross_validation import OURS, in_turn, quiet

COVERAGE = recore.predictions.COVERAGE
FOLDS = 10


def bound_fold(X, Y, test, groups, coverage, faulty, method):
    """What a model of the other rows says of the rows `test`.

    Prediction, bounds and whether it is beyond what was measured (4, rows, t), applicability, and which spectra with faults are caught (n_faults, rows).
    """
    with threadpool_limits(1), quiet():
        inside = None if groups is None else groups[~test]
        model = METHODS[method]().fit(X[~test], Y[~test], groups=inside)
        predicted = model.predict(X[test])
        far = recore.predictions.beyond(predicted, model)
        bounds = np.array([predicted, *model.predict_interval(X[test], coverage), far])
        caught = np.ones((len(faulty), test.sum()), dtype=bool)
        for found, spectra in zip(caught, faulty, strict=True):
            usable = np.isfinite(spectra[test]).all(axis=1)
            if usable.any():
                found[usable] = model.applicability(spectra[test][usable])["verdict"] != "inside"
        return bounds, model.applicability(X[test]), caught


def held_out_bounds(X, Y, folds, *, groups=None, coverage=COVERAGE, faulty=(), jobs=1, label="", method=OURS):
    """Predictions, bounds and verdicts of every row by a model that has not seen its fold.

    Parameters
    ----------
    X, Y, groups, jobs, label
        As `validate.held_out` takes them; with groups, bounds are those of leaving out groups.
    folds : ndarray of shape (n_rows,)
    coverage : float
    faulty : sequence of ndarray of shape (n_rows, n_features)
        The same spectra with a fault each, from `to_features`.
    method : str
        Of mdl.METHODS.

    Returns
    -------
    bounds : ndarray of shape (4, n_rows, n_targets)
        Prediction, lower, upper; -1 or 1 where the prediction is beyond what was measured, else 0.
    applicability : DataFrame of shape (n_rows, 3)
        As the estimator's method gives it.
    caught : ndarray of shape (n_faults, n_rows)
        Whether a spectrum with a fault is not "inside", or cannot be scaled.
    """
    tests = [folds == fold for fold in np.unique(folds)]
    calls = (delayed(bound_fold)(X, Y, test, groups, coverage, faulty, method) for test in tests)
    bounds, verdicts = np.empty((4, *Y.shape)), []
    caught = np.empty((len(faulty), len(X)), dtype=bool)
    for test, (*parts, found) in zip(tests, in_turn(calls, len(tests), jobs, label), strict=True):
        bounds[:, test], caught[:, test] = parts[0], found
        verdicts.append(parts[1].set_index(np.flatnonzero(test)))
    return bounds, pd.concat(verdicts).sort_index(), caught


def coverage_table(targets, bounds):
    """Of each target: assays, share between the bounds, below and above, of thirds, median width.

    Parameters
    ----------
    targets : DataFrame of shape (n_rows, n_targets)
    bounds : ndarray of shape (4, n_rows, n_targets)
        From `held_out_bounds`.

    Returns
    -------
    DataFrame of shape (n_targets, 7)
    """
    actual = targets.to_numpy()
    predicted, lower, upper = np.where(np.isnan(actual), np.nan, bounds[:3])
    below, above = share(actual < lower, actual), share(actual > upper, actual)
    thirds = np.nanquantile(predicted, [1 / 3, 2 / 3], axis=0)
    inside = (actual >= lower) & (actual <= upper)
    with np.errstate(invalid="ignore", divide="ignore"):  # a constant target
        width = np.nanmedian(upper - lower, axis=0) / np.nanstd(actual, axis=0, ddof=1)
    return pd.DataFrame(
        {
            "assays": targets.notna().sum(),
            "coverage": share(inside, actual),
            "below": below,
            "above": above,
            "coverage, low": share(inside, np.where(predicted <= thirds[0], actual, np.nan)),
            "coverage, high": share(inside, np.where(predicted >= thirds[1], actual, np.nan)),
            "width / SD": width,
        }
    )


def share(true, actual):
    """Of each column, the share of rows with an assay that are true; NaN where there is none."""
    known = ~np.isnan(actual)
    with np.errstate(invalid="ignore"):
        return (true & known).sum(axis=0) / known.sum(axis=0)


def plans(plan):
    """{what is held out, and what bounds are of: (folds (n_rows,), groups or None)} of `validate.schemes`."""
    names = {"row": "row", "given folds": "given folds", "site": "site, bounds by row"}
    names["site, α by site"] = "site, bounds by site"
    return {names[name]: (folds[0], groups) for name, (folds, groups) in plan.items()}
