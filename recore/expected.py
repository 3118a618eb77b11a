"""What to expect of new samples, by row and by site: which figures there are, and how each is found.

Rows that chose alpha judge it too well, the more so the fewer they are. So figures of up to NESTED rows come from
folds; of more from equation (4), which is then as near as .005 (docs/validation.md). What another way to choose alpha
would bring costs most, so its folds end at FEW rows.
"""

import logging
import math
from functools import partial

import numpy as np

from recore.closed import Closed
from recore.folds import FEW
from recore.marks import mark_of
from recore.nested import nested

logger = logging.getLogger("train")

NESTED = 2_000  # rows


class Expected:
    """Figures for a model, and for what leaving out sites to choose alpha would bring.

    Parameters
    ----------
    n_rows, n_targets : int
    ways : dict
        What can be left out together: None for "row", and by its name the groups of an id column, (n_rows,), numbered
        from 0 without gaps.
    chosen_by : str
        The way by which the model chooses alpha.
    beside : str or None
        Another, to compare with.
    """

    def __init__(self, n_rows, n_targets, ways, chosen_by, beside=None):
        self.ways = {}
        for name, groups in ways.items():
            units = n_rows if groups is None else len(np.unique(groups))
            if units > 2:
                self.ways[name] = groups
            elif units > 1 or groups is None:
                found, unit = ("site", name) if groups is not None else ("row", name)
                logger.info("no figure by %s: found %d %ss, expected 3 or more", unit, units, found)
        self.chosen_by, self.hardest = chosen_by, next(reversed(list(self.ways)), None)
        self.pairs = [(held_out, chosen_by) for held_out in self.ways if chosen_by in self.ways]
        others = [(held_out, beside) for held_out in self.ways if beside in self.ways]
        self.in_folds = [*(self.pairs if n_rows <= NESTED else []), *(others if n_rows <= FEW else [])]
        self.all = self.pairs + others
        at_once = [pair for pair in self.all if pair not in self.in_folds]
        self.judge = Closed(n_targets, self.ways, at_once, chosen_by) if at_once else None

    def figures(self, arrays, fit, jobs):
        """A Figure of each pair, all of the same targets, once the model is fitted.

        `arrays()` gives X and Y, `fit(X, Y, groups)` a model.
        """
        found = nested(*arrays(), self.ways, self.in_folds, fit, jobs) if self.in_folds else []
        found += self.judge.figures() if self.judge else []
        found.sort(key=lambda each: self.all.index((each.held_out, each.left_out)))
        untold = np.any([np.isnan(each.r2) for each in found], axis=0) if found else ()
        for each in found:
            each.r2[untold] = each.rmse[untold] = np.nan
        return found


def training_told(figures, expected):
    """What model.json tells under "training"."""
    own = [each for each in figures if each.left_out == expected.chosen_by]
    told = [
        {
            "held_out": each.held_out,
            "alpha_by": each.left_out,
            "found_by": each.how,
            "mean_r2": number(each.mean_r2),
            "interval": each.interval and list(map(number, each.interval)),
        }
        for each in figures
    ]
    mean_r2 = {each.held_out: number(each.mean_r2) for each in own}
    return {"mean_r2": mean_r2, "expected": told, "marked_by": expected.hardest}


def targets_told(figures, expected, n_targets):
    """What model.json tells of each target: R2 and RMSE by row and by site, and the mark of the hardest."""
    own = {each.held_out: each for each in figures if each.left_out == expected.chosen_by}
    told = []
    for k in range(n_targets):
        of_target = {
            held_out: {"r2": number(each.r2[k]), "rmse": number(each.rmse[k])}
            for held_out, each in own.items()
        }
        hardest = of_target.get(expected.hardest, {"r2": None})
        told.append({"expected": of_target, "mark": mark_of(hardest["r2"])})
    return told


def number(value):
    """A number as JSON has it; None where it is none."""
    return float(value) if math.isfinite(value) else None


def said(figures, chosen_by):
    """Lines that tell the figures."""
    for begin, own in (("mean R² of new samples", True), ("and with --group {}", False)):
        of = [each for each in figures if (each.left_out == chosen_by) == own]
        if of:
            yield f"{begin.format(of[0].left_out)}: {', '.join(map(one_said, of))}"


def one_said(figure):
    """'0.535 by row (0.49 to 0.57, 5 × 10 folds)'."""
    mean = "none" if math.isnan(figure.mean_r2) else f"{figure.mean_r2:.3f}"
    how = figure.how
    if figure.interval:
        low, high = figure.interval
        how = f"{'below -10' if low < -10 else f'{low:.2f}'} to {high:.2f}, {how}"
    return f"{mean} by {figure.held_out} ({how})"


def fit_with(kind, alphas, X, Y, groups):
    """A model of the same rule, without what bounds need; for `Expected.figures`."""
    model = kind(alphas)
    model.with_bounds = False
    return model.fit(X, Y, groups=groups)


def fitting(kind, alphas):
    """The `fit` of `Expected.figures`, for a class of models."""
    return partial(fit_with, kind, alphas)
