"""The time that bounds and verdicts take on top of fit and predict."""

import time
from functools import partial

import numpy as np
import pandas as pd

import recore.predictions
from mdl import ALPHAS, ZeroClippedRidgeCV
from recore.expected import fitting
from tools.validate.cross_validation import quiet
from tools.validate.folds import usable

COST_RUNS = 9  # of each, in turn


def cost(table, group):
    """Lines of a table: seconds without and with what bounds and verdicts take, side by side."""
    X, targets = table.features.to_numpy(), usable(table.targets, 2)
    ways, sites = {"fit": None}, table.ids.get(group, pd.Series(dtype=float))
    if sites.nunique() > 2:
        ways["fit, sites left out"] = sites
    rows = []
    for name, groups in ways.items():
        ways_to_fit = fitting(ZeroClippedRidgeCV, ALPHAS), ZeroClippedRidgeCV().fit
        calls = (partial(fit, how, X, targets.to_numpy(), groups) for how in ways_to_fit)
        rows.append([name, *side_by_side(*calls)])
    model, values = fit(ZeroClippedRidgeCV().fit, table.features, targets, None), np.ascontiguousarray(X)

    def detailed():
        recore.predictions.trust(values, recore.predictions.predict_array(values, model), model)

    rows.append(["predict", *side_by_side(lambda: recore.predictions.predict_array(values, model), detailed)])
    for name, without, with_ in rows:
        yield [name, f"{without:.4f}", f"{with_:.4f}", f"{with_ / without:.2f}"]


def fit(how, X, targets, groups):
    """The project's model, or the same without bounds; quiet, as in a fold."""
    with quiet():
        return how(X, targets, groups=groups)


def side_by_side(one, other):
    """Median seconds of two calls in turn."""
    seconds = []
    for _ in range(COST_RUNS + 1):
        began = time.perf_counter()
        one()
        between = time.perf_counter()
        other()
        seconds.append((between - began, time.perf_counter() - between))
    return np.median(seconds[1:], axis=0)  # the first run wakes threads
