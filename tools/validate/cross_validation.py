"""Predictions of rows by a model that has not seen them, for ours and for other models."""

import logging
import sys
import time
from contextlib import contextmanager
from functools import partial

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from mdl import ALPHAS, METHODS
from preprocess import DataError
from recore import nested
from recore.expected import fitting
from recore.suited import check_suited
from tools.validate.measures import mean_r2, official, over_repeats, target_r2

SHARES = (0.25, 0.5, 0.75, 1.0)  # of a training half, for the learning curve
OURS = "ridge"  # of METHODS, the one that others are compared with


def fit_predict(X, Y, new, groups=None, method=OURS):
    """A model of the project, fitted to X (n, p) and Y (n, t); predictions (m, t) of `new` (m, p).

    As train.py finds its figures: NaN where a target has too few assays.
    """
    return nested.fit_predict(fitting(METHODS[method], ALPHAS), X, Y, new, groups)


def ours(X):
    """The models of all methods that X (n, p) suits, and what they are fitted to, as `compare` takes them.

    Why another is left out is told on stderr.
    """
    found = {}
    for name, kind in METHODS.items():
        try:
            check_suited(kind, X, lambda row: f"row {row + 1}")
            found[name] = partial(fit_predict, method=name), X
        except DataError as error:
            print(f"left out, --method {name}: {error}", file=sys.stderr)
    return found


def predict_fold(model, X, Y, test, groups, share):
    """Predictions of the rows `test` from a share of the others, and the seconds they took."""
    train = np.random.default_rng(0).permutation(np.flatnonzero(~test))
    train = np.sort(train[: round(share * len(train))])
    with threadpool_limits(1), quiet():
        start = time.perf_counter()
        inside = {} if groups is None else {"groups": groups[train]}
        return model(X[train], Y[train], X[test], **inside), time.perf_counter() - start


@contextmanager
def quiet():
    """Nothing but errors from mdl: an alpha on the grid's edge is no news in a fold or a search."""

    def is_error(record):
        return record.levelno >= logging.ERROR

    logging.getLogger("mdl").addFilter(is_error)
    try:
        yield
    finally:
        logging.getLogger("mdl").removeFilter(is_error)


def in_turn(calls, total, jobs, label):
    """Results of delayed calls in their order, from `jobs` processes, with a progress bar on a terminal."""
    results = Parallel(n_jobs=jobs, return_as="generator")(calls)
    return tqdm(results, label, total, leave=False, disable=not sys.stderr.isatty())


def held_out(model, X, Y, folds, *, groups=None, share=1.0, jobs=1, label=""):
    """Predictions of every row by a model that has not seen its fold.

    Parameters
    ----------
    model : callable
        (X, Y, new, groups=None) -> predictions of `new`; Y has NaN where an assay is missing.
    X : ndarray of shape (n_rows, n_features)
    Y : ndarray of shape (n_rows, n_targets)
    folds : ndarray of shape (n_repeats, n_rows)
        From `draw_folds`.
    groups : ndarray of shape (n_rows,), optional
        Handed to the model, so that it chooses alpha by site.
    share : float
        Of each training half, what the model gets.
    jobs : int
        Processes.
    label : str
        Beside the progress bar.

    Returns
    -------
    predicted : ndarray of shape (n_repeats, n_rows, n_targets)
    seconds : float
        To fit and predict a fold, on one thread; the mean.
    """
    tests = [(repeat, fold == k) for repeat, fold in enumerate(folds) for k in np.unique(fold)]
    calls = (delayed(predict_fold)(model, X, Y, test, groups, share) for _, test in tests)
    results = in_turn(calls, len(tests), jobs, label)
    predicted, seconds = np.empty((len(folds), *Y.shape)), 0.0
    for (repeat, test), (part, took) in zip(tests, results, strict=True):
        predicted[repeat, test] = part
        seconds += took / len(tests)
    return predicted, seconds


def cross_validate(X, Y, plan, jobs, method=OURS):
    """Held-out predictions of a method's models under each of `schemes`: {name: (n_repeats, n, t)}."""
    model = partial(fit_predict, method=method)
    return {
        name: held_out(model, X, Y, folds, groups=sites, jobs=jobs, label=name)[0]
        for name, (folds, sites) in plan.items()
    }


def learning_curve(X, targets, plan, jobs, method=OURS):
    """Score against the number of samples, on the folds of the first repeat; a DataFrame."""
    Y, lines, model = targets.to_numpy(), [], partial(fit_predict, method=method)
    for scheme, (folds, sites) in plan.items():
        if sites is not None:
            continue
        for share in SHARES:
            predicted, _ = held_out(model, X, Y, folds[:1], share=share, jobs=jobs, label="curve")
            rows = round(share * len(Y) * (1 - 1 / len(np.unique(folds[0]))))
            line = {"held out by": scheme, "training rows": rows, "mean R2": mean_r2(Y, predicted)[0]}
            scored = official(targets, predicted)
            lines.append({**line, **({} if scored is None else {"official score": scored[0]})})
    return pd.DataFrame(lines)


def compare(models, targets, plan, jobs):
    """Accuracy and time of each model on the same folds; a DataFrame.

    `models` is {name: (fit and predict, X)}.
    """
    Y, lines = targets.to_numpy(), []
    for name, (model, X) in models.items():
        line, seconds = {"model": name}, []
        for scheme, (folds, sites) in plan.items():
            if sites is not None:
                continue  # only ours can choose by site
            predicted, took = held_out(model, X, Y, folds, jobs=jobs, label=name)
            seconds.append(took)
            line[f"R2 by {scheme}"], line[f"R2 by {scheme} ±"] = over_repeats(mean_r2(Y, predicted))
            scored = official(targets, predicted)
            if scored is not None:
                line[f"official by {scheme}"], line[f"official by {scheme} ±"] = over_repeats(scored)
            line |= {f"{t} by {scheme}": r2 for t, r2 in zip(targets, target_r2(Y, predicted), strict=True)}
        lines.append({**line, "seconds a fold": np.mean(seconds)})
    return pd.DataFrame(lines)
