"""Limits of a mean, a median or a slope."""

import numpy as np
from scipy import stats

from tools.monitor.limits import CLIP, REFERENCE, each_apart, ewma, joint_limit
from tools.monitor.measuring import MEDIANS

MEDIAN = np.pi / 2  # variance of a median, in that of a mean
TAILS = 10.0  # degrees of freedom where limits are assumed: concentrations have heavier tails than a normal


def chart_mean(name, values, old, alike, level):
    """Value, centre, limits, EWMA, its limit and what crosses them, of a mean, a median or a slope."""
    centre, between, noise, error, df = assumed(name, values, alike)
    if old is not None:
        known, *found = learned(name, values, old)
        pairs = zip((centre, between, noise, error, df), found, strict=True)
        centre, between, noise, error, df = (np.where(known, theirs, ours) for ours, theirs in pairs)
    value, variance = values.value, between + noise
    deviation = np.sqrt(variance + error)
    quantile = stats.t.isf(level / 2, df)
    if old is not None and value.shape[1] > 1:
        furthest = np.abs(each_apart(lambda new, rest: standardised(name, new, rest), old))
        quantile = np.where(
            known, np.maximum(quantile, joint_limit(furthest, level * value.shape[1])), quantile
        )
    lower, upper = centre - quantile * deviation, centre + quantile * deviation
    z = ewma(np.clip(value - centre, -CLIP * deviation, CLIP * deviation), variance, error)
    z_limit = stats.t.isf(level / 2, np.fmin.accumulate(df))
    centre = np.broadcast_to(centre, value.shape)
    return value, centre, lower, upper, z, z_limit, (value < lower) | (value > upper), np.abs(z) > z_limit


def assumed(name, values, alike):
    """Centre, between, noise, variance of the centre and degrees of freedom, without a reference."""
    n = np.where(values.n > 0, values.n, np.nan)
    if name == "slope":
        return (np.nan if alike else 1.0), 0.0, values.squares, 0.0, n - 2
    unknown = np.nan if name in MEDIANS else 0.0
    return unknown, alike, (1 - alike) / n, 0.0, np.full(n.shape, TAILS if alike else np.inf)


def learned(name, values, old):
    """Whether a reference is enough (k,), then the same as `assumed`, by (1), from it."""
    m = (~np.isnan(old.value)).sum(axis=0)
    known, m = m >= REFERENCE, np.maximum(m, 2)
    old_noise, noise = old.squares, values.squares
    if name != "slope":
        rows = np.maximum(old.n - 1, 0).sum(axis=0)
        within = (MEDIAN if name in MEDIANS else 1) * old.squares.sum(axis=0) / np.maximum(rows, 1)
        old_noise, noise = (within / np.where(n > 0, n, np.nan) for n in (old.n, values.n))
    there = ~np.isnan(old.value)
    centre = np.where(there, old.value, 0).sum(axis=0) / m
    spread = np.where(there, np.square(old.value - centre), 0).sum(axis=0) / (m - 1)
    mean_noise = np.where(there, old_noise, 0).sum(axis=0) / m
    between = np.maximum(spread - mean_noise, 0)
    return known, centre, between, noise, (between + mean_noise) / m, np.broadcast_to(m - 1, noise.shape)


def standardised(name, values, old):
    """(1) for batches (n_batches, k) by a reference."""
    _, centre, between, noise, error, _ = learned(name, values, old)
    deviation = np.sqrt(between + noise + error)
    return (values.value - centre) / np.where(deviation > 0, deviation, np.nan)
