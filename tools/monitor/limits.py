"""What every kind of chart is held against: the reference's own batches, and an EWMA."""

import numpy as np
from scipy import stats

from tools.monitor.measuring import Values

LAMBDA = 0.2  # weight of the newest batch in the EWMA; 0.05 to 0.25 are usual, less is slower and finer
REFERENCE = 5  # batches, at least; 20 or more are usual
CLIP = 2.5  # standard deviations of a batch in the EWMA, at most: it is for what lasts, one batch has its own limit


def each_apart(score, old):
    """Scores (m, k) of the batches of a reference, each by all others."""
    places = np.arange(len(old.value))
    one = [Values(*(part[[j]] for part in old)) for j in places]
    rest = [Values(*(part[places != j] for part in old)) for j in places]
    return np.concatenate([score(*pair) for pair in zip(one, rest, strict=True)])


def joint_limit(scores, level):
    """Limit of the furthest target's score, from those (m, k) of the reference's batches, each by all others.

    Its logarithm is taken as normal: with heavy tails, of concentrations, Bonferroni's quantile of a t is
    far too near.
    """
    furthest = np.fmax.reduce(scores, axis=1)
    furthest = np.log(furthest[furthest > 0])
    m = len(furthest)
    if m < REFERENCE:
        return 0.0
    return np.exp(furthest.mean() + stats.t.isf(level, m - 1) * furthest.std(ddof=1) * np.sqrt(1 + 1 / m))


def ewma(away, variance, error):
    """EWMA of distances from a centre, in its own standard deviations.

    Parameters
    ----------
    away : ndarray of shape (n_batches, k)
        NaN where a batch has no value: it is passed over.
    variance : ndarray of shape (n_batches, k)
        Of each distance, independently.
    error : ndarray of shape (k,), or float
        Variance of the centre, which they share.

    Returns
    -------
    ndarray of shape (n_batches, k)
    """
    z, own, weight = np.zeros((3, away.shape[1]))
    found = np.full(away.shape, np.nan)
    for i, each in enumerate(away):
        at = ~np.isnan(each)
        z[at] += LAMBDA * (each - z)[at]
        own[at] = ((1 - LAMBDA) ** 2 * own + LAMBDA**2 * variance[i])[at]
        weight[at] += LAMBDA * (1 - weight[at])
        deviation = np.sqrt(own + weight**2 * error)
        found[i, at] = (z / np.maximum(deviation, np.finfo(float).tiny))[at]
    return found
