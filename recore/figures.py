"""R2 and RMSE of rows held out, their mean over targets, and how far it would be another with other samples."""

from typing import Any, NamedTuple, Optional

import numpy as np

from recore.held_out import r2_from_squares

DRAWINGS = 1_000  # of units, with replacement
INTERVAL, Z = 0.9, 1.6449  # probability, and how many standard deviations that is


class Figure(NamedTuple):
    """What a model brings on units that it has not seen."""

    held_out: str  # "row" or an id column, whose labels are held out together
    left_out: str  # the same, of what was left out to choose alpha
    how: str
    r2: Any  # (t,), NaN where too few rows or sites have an assay
    rmse: Any  # (t,)
    interval: Optional[tuple]  # of the mean, with probability INTERVAL; None of too few units
    parts: Any = None  # what R2 is made of, of each unit, (4, units, t), where folds found it

    @property
    def mean_r2(self):
        """The mean over the targets that have one, else NaN."""
        known = self.r2[~np.isnan(self.r2)]
        return float(known.mean()) if len(known) else float("nan")


def figure(held_out, left_out, folds, Y, errors, units):
    """The Figure of errors (repeats, n, t) on folds that hold out units (n,)."""
    _, unit = np.unique(units, return_inverse=True)
    known = ~np.isnan(Y)
    count = known.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):  # of a target without an assay
        centred = np.where(known, Y - np.where(known, Y, 0).sum(axis=0) / count, 0)
        rmse = np.sqrt(np.where(known, np.square(errors), 0).sum(axis=1) / count).mean(axis=0)
    squares = np.where(known, np.square(errors).mean(axis=0), 0)
    parts = np.array([sums_of_units(each, unit) for each in (known, centred, np.square(centred), squares)])
    r2 = r2_of(parts.sum(axis=1))
    each = len(np.unique(folds[0])) == parts.shape[1]
    drawn = f"{len(folds)} × " * (len(folds) > 1) + f"{len(np.unique(folds[0]))} folds"
    how = "each left out" if each else drawn
    parts = parts[:, :, ~np.isnan(r2)]
    return Figure(held_out, left_out, how, r2, rmse, interval_of(parts), parts)


def sums_of_units(values, unit):
    """Sums (units, t) of rows (n, t)."""
    return np.stack([np.bincount(unit, column) for column in values.T], axis=1)


def r2_of(sums):
    """R2 from numbers of assays, their sums and squares, squared errors, (4, ..., t); NaN of fewer than two."""
    count, total, squares, sse = sums
    sst = squares - np.square(total) / np.maximum(count, 1)
    rounding = count * np.finfo(float).eps * squares
    r2 = r2_from_squares(sse, np.where(sst > rounding, sst, 0))
    return np.where(count < 2, np.nan, r2)


def interval_of(parts):
    """Between what the mean R2 lies with probability INTERVAL, parts (4, units, t); None of too few units.

    Units are drawn with replacement (the bootstrap: Efron 1979, Ann. Stat. 7, 1), with their errors as they are: no
    model is fitted anew. The spread is taken of log(1 - R2), as 1 - R2 is a ratio of squares, and Student's t allows
    for few units (Abramowitz & Stegun 1964, 26.7.5).
    """
    n_units, n_targets = parts.shape[1:]
    if n_units < 3 or not n_targets:
        return None
    random = np.random.default_rng(0)
    drawn = [np.bincount(random.integers(n_units, size=n_units), minlength=n_units) for _ in range(DRAWINGS)]
    r2 = r2_of(np.tensordot(np.array(drawn, dtype=float), parts, (1, 1)).transpose(1, 0, 2))  # (drawings, t)
    known = ~np.isnan(r2)
    means = np.where(known, r2, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    least = np.finfo(float).tiny
    spread = np.log(np.maximum(1 - means[known.any(axis=1)], least)).std() * np.sqrt(n_units / (n_units - 1))
    freedom = n_units - 1
    t = Z + (Z**3 + Z) / (4 * freedom) + (5 * Z**5 + 16 * Z**3 + 3 * Z) / (96 * freedom**2)
    middle = max(1 - r2_of(parts.sum(axis=1)).mean(), least)
    return tuple((1 - middle * np.exp([t * spread, -t * spread])).tolist())


def score_of_new(parts, n_new):
    """Between what the mean R2 of n_new other units lies with probability INTERVAL, parts (4, units, t).

    So many of the units are drawn without replacement, as a unit twice would make a small sample smaller. Others
    would differ more: the spread of log(1 - R2) is taken (1 + f) / (1 - f) times in variance, f the share drawn. None
    of fewer than 2 drawn or 2 left.
    """
    n_units = parts.shape[1]
    if not 2 <= n_new <= n_units - 2 or not parts.shape[2]:
        return None
    random, means = np.random.default_rng(0), []
    for _ in range(DRAWINGS):
        r2 = r2_of(parts[:, random.permutation(n_units)[:n_new]].sum(axis=1))
        if not np.isnan(r2).all():
            means.append(np.nanmean(r2))
    if not means:
        return None
    share, tail = n_new / n_units, (1 - INTERVAL) / 2
    lost = np.log(np.maximum(1 - np.array(means), np.finfo(float).tiny))
    low, middle, high = np.quantile(lost, [tail, 0.5, 1 - tail])
    wider = np.sqrt((1 + share) / (1 - share))
    return tuple((1 - np.exp(middle + wider * (np.array([high, low]) - middle))).tolist())
