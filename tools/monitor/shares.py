"""Limits of a share that may only be too large."""

import numpy as np
from scipy import stats

import recore.bounds
from tools.monitor.limits import CLIP, REFERENCE, each_apart, ewma, joint_limit
from tools.monitor.measuring import COVERAGE

INDEPENDENT = 1e-6  # intraclass correlation that is none
PROMISED = {"flagged": 1 - recore.bounds.LIMIT, "outside": 1 - COVERAGE}  # of good samples


def chart_share(name, values, old, alike, level):
    """The same as `chart_mean` of a share that may only be too large."""
    shape, promise = values.value.shape, PROMISED[name]
    mean, common = share_model(promise, old, alike, shape[1])
    own = np.full(shape[1], level)
    if old is not None and shape[1] > 1:

        def apart(one, rest):
            return share_scores(one, *share_model(promise, rest, alike, shape[1]), level)[1]

        own = np.minimum(own, stats.norm.sf(joint_limit(each_apart(apart, old), level * shape[1])))
    upper, score = share_scores(values, mean, common, own)
    share = values.value / np.where(values.n > 0, values.n, np.nan)
    z = ewma(np.clip(score, -CLIP, CLIP), np.ones(shape), 0.0)
    z_limit = np.full(shape, stats.norm.isf(level))
    centre, lower = np.broadcast_to(mean, shape), np.full(shape, np.nan)
    return share, centre, lower, upper, z, z_limit, share > upper, z > z_limit


def share_scores(values, mean, common, level):
    """The largest share within the limit, and the normal score of the mid-P value; (n_batches, k) each."""
    upper, score = np.full((2, *values.value.shape), np.nan)
    level, tails = np.broadcast_to(level, mean.shape), {}
    for (i, k), count in np.ndenumerate(values.value):
        if np.isnan(count):
            continue
        n, count = int(values.n[i, k]), int(count)
        key = n, mean[k], common[k]
        if key not in tails:
            tails[key] = at_least(*key)
        tail = tails[key]
        upper[i, k] = (np.argmax(tail <= level[k]) - 1) / n  # the last is 0
        score[i, k] = stats.norm.isf((tail[count] + tail[count + 1]) / 2)
    return upper, score


def clustering(alike, share):
    """Intraclass correlation of who is beyond a limit that a share of all are, rows being `alike` as normals."""
    batch = np.linspace(-9, 9, 1001)  # what the rows of a batch share, in standard deviations
    weight = stats.norm.pdf(batch) / stats.norm.pdf(batch).sum()
    beyond = stats.norm.cdf((stats.norm.ppf(share) - np.sqrt(alike) * batch) / np.sqrt(1 - alike))
    return max(weight @ np.square(beyond) - share**2, 0) / (share * (1 - share))


def share_model(promise, old, alike, k):
    """Mean and intraclass correlation of a beta-binomial share, (k,) each.

    From a reference where it has enough: its share where that is above the promise, its correlation by
    analysis of variance. Of a reference without a single case nothing can be said about how they cluster.
    """
    common = clustering(alike, promise)
    if old is None:
        return np.full(k, promise), np.full(k, common)
    there = ~np.isnan(old.value)
    count, n, m = np.where(there, old.value, 0), np.where(there, old.n, 0), there.sum(axis=0)
    total = np.maximum(n.sum(axis=0), 1)
    share = count.sum(axis=0) / total
    each = count / np.maximum(n, 1)
    between = (n * np.square(each - share)).sum(axis=0) / np.maximum(m - 1, 1)
    inside = np.maximum(total - m, 1)
    within = (n * each * (1 - each)).sum(axis=0) / inside
    size = (total - np.square(n).sum(axis=0) / total) / np.maximum(m - 1, 1)
    whole = between + (size - 1) * within
    estimate = np.clip((between - within) / np.where(whole > 0, whole, 1), 0, 1 - INDEPENDENT)
    known = (m >= REFERENCE) & (share > 0) & (share < 1) & (total > m)
    return np.where(m >= REFERENCE, np.maximum(share, promise), promise), np.where(known, estimate, common)


def at_least(n, mean, common):
    """P(K >= k) for k from 0 to n + 1, of a (beta-)binomial K."""
    if common <= INDEPENDENT or n == 1:
        return stats.binom.sf(np.arange(-1, n + 1), n, mean)
    size = 1 / common - 1
    mass = stats.betabinom.pmf(np.arange(n + 1), n, mean * size, (1 - mean) * size)
    return np.append(np.cumsum(mass[::-1])[::-1], 0.0)
