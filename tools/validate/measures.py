"""What chemometrics reports of held-out predictions, with intervals over the repeats."""

import numpy as np
import pandas as pd
from scipy.stats import t as student

import score

LEVEL = 0.95  # of the intervals
MEASURES = ("R2", "RMSE", "bias", "SEP", "slope", "RPD", "RPIQ")
OVERALL = "mean"  # the row that stands for all targets


def measures(actual, predicted):
    """What chemometrics reports of each target, missing assays left out.

    Parameters
    ----------
    actual, predicted : ndarray of shape (n_rows, n_targets)

    Returns
    -------
    ndarray of shape (n_targets + 1, n_measures)
        R2, RMSE, bias (predicted - measured), SEP (standard deviation of the errors), slope (of
        measured on predicted), RPD (standard deviation / RMSE), RPIQ (interquartile range / RMSE).
        The last row is the mean over targets, RMSE, bias and SEP in standard deviations of each.
    """
    predicted = np.where(np.isnan(actual), np.nan, predicted)
    error = predicted - actual
    centred = predicted - np.nanmean(predicted, axis=0)
    spread = np.nanstd(actual, axis=0, ddof=1)
    low, high = np.nanpercentile(actual, [25, 75], axis=0)
    rmse = np.sqrt(np.nanmean(error**2, axis=0))
    bias, sep = np.nanmean(error, axis=0), np.nanstd(error, axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):  # a constant target or prediction
        slope = np.nansum(actual * centred, axis=0) / np.nansum(centred**2, axis=0)
        ratios = slope, spread / rmse, (high - low) / rmse
        r2 = score.r2(actual, predicted)
        each = np.column_stack([r2, rmse, bias, sep, *ratios])
        same = np.column_stack([r2, rmse / spread, bias / spread, sep / spread, *ratios])
    return np.vstack([each, same.mean(axis=0)])


def over_repeats(values):
    """Mean over the first axis and half of its 95 % t interval (NaN for a single repeat)."""
    n, mean = len(values), values.mean(axis=0)
    if n == 1:
        return mean, np.full_like(mean, np.nan)
    return mean, student.ppf((1 + LEVEL) / 2, n - 1) * values.std(axis=0, ddof=1) / np.sqrt(n)


def mean_r2(actual, predicted):
    """Mean R2 over the targets that have one, of each repeat, (n_repeats,)."""
    each = [score.r2(actual, once) for once in predicted]
    return np.array([np.nan if np.isnan(r2).all() else np.nanmean(r2) for r2 in each])


def target_r2(actual, predicted):
    """R2 of each target, the mean over repeats, (n_targets,)."""
    return np.mean([score.r2(actual, once) for once in predicted], axis=0)


def official(targets, predicted):
    """The official score of each repeat, (n_repeats,); None without the 49 targets."""
    if list(targets) != list(score.WEIGHTS):
        return None
    return np.array([score.weighted(score.r2(targets.to_numpy(), once)) for once in predicted])


def measure_table(targets, predictions):
    """Measures of every scheme and target, with intervals; a DataFrame, one line each."""
    actual, parts = targets.to_numpy(), []
    for scheme, predicted in predictions.items():
        mean, half = over_repeats(np.array([measures(actual, once) for once in predicted]))
        part = pd.DataFrame(mean, columns=MEASURES)
        for name, interval in zip(MEASURES, half.T, strict=True):
            part[f"{name} ±"] = interval
        part.insert(0, "target", [*targets, OVERALL])
        part.insert(1, "assays", [*targets.notna().sum(), int(targets.notna().to_numpy().sum())])
        part.insert(0, "held out by", scheme)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def prediction_table(table, targets, predictions, folds):
    """Held-out predictions beside ids, scheme, repeat and fold; a DataFrame."""
    parts = []
    for scheme, predicted in predictions.items():
        for repeat, once in enumerate(predicted):
            part = pd.DataFrame(once, targets.index, targets.columns)
            told = {"held out by": scheme, "repeat": repeat, "fold": folds[scheme][repeat]}
            parts.append(pd.concat([table.ids, pd.DataFrame(told, targets.index), part], axis=1))
    return pd.concat(parts)
