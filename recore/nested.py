"""Errors of models that know nothing of what they are judged on: made by the same rule without a fold, alphas and all.

Nested cross-validation (Varma & Simon 2006, BMC Bioinformatics 7, 91). R2 of a target is that of all its rows so
predicted, the mean over repeats.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits  # scikit-learn needs it, so it is there

from preprocess import progress
from recore.figures import figure
from recore.folds import enough, row_folds, site_folds, told


def fit_predict(fit, X, Y, new, groups=None):
    """Predictions (m, t) of `new` (m, p) by fit(X, Y, groups); NaN where a target has too few assays."""
    some = enough(Y, groups)
    predicted = np.full((len(new), Y.shape[1]), np.nan)
    if some.any():
        predicted[:, some] = fit(X, Y[:, some], groups).predict(new)
    return predicted


def nested(X, Y, ways, pairs, fit, jobs=1):
    """Figures of models that know nothing of what they are judged on.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    Y : ndarray of shape (n_rows, n_targets)
        NaN where an assay is missing.
    ways : dict
        What can be left out together: None for "row", and by its name the labels of an id column, (n_rows,).
    pairs : list of (str, str)
        Names of ways: what is held out, and what is left out to choose alpha.
    fit : callable
        fit(X, Y, groups) gives a fitted model.
    jobs : int
        Threads; the figures do not depend on them.

    Returns
    -------
    list of Figure
        All of the same targets: those that have assays enough for each.
    """
    folds = {name: row_folds(len(Y)) if units is None else site_folds(units) for name, units in ways.items()}
    known = np.all([told(Y, folds[held], ways[left]) for held, left in pairs], axis=0)
    halves = [(ways[left], test) for held, left in pairs for _, test in tests_of(folds[held])]

    def predict(half):
        groups, test = half
        inside = None if groups is None else groups[~test]
        return fit_predict(fit, X[~test], Y[~test][:, known], X[test], inside)

    figures = []
    with threadpool_limits(1), ThreadPoolExecutor(jobs) as pool, progress("expected", len(halves)) as show:
        predicted = enumerate(pool.map(predict, halves), 1)
        for held, left in pairs:
            errors = np.full((len(folds[held]), *Y.shape), np.nan)
            for repeat, test in tests_of(folds[held]):
                done, part = next(predicted)
                errors[np.ix_([repeat], test, known)] = Y[test][:, known] - part
                show(done)
            units = np.arange(len(Y)) if ways[held] is None else ways[held]
            figures.append(figure(held, left, folds[held], Y, errors, units))
    return figures


def tests_of(folds):
    """Pairs of a repeat and a mask (n_rows,) of the rows of one of its folds."""
    return [(repeat, fold == k) for repeat, fold in enumerate(folds) for k in np.unique(fold)]
