"""What tools.monitor charts of a batch of spectra, and the limits that it is held against.

    from tools import monitor, monitor_charts
    new = monitor_charts.measure(model, monitor.read_batches(["monday.csv"], model))
    monitor_charts.chart_all(model, new)

The statistics are listed in tools/monitor.py.

**Limits.** Rows of one batch resemble each other, so its mean varies more than that of independent rows:
by V = between + within / n. With `--reference`, batches known to be good that the model has not been
trained on, cut as the new ones, both parts and the centre c are estimated from their statistics y, and
a new statistic is held against Student's t with one degree of freedom less than there are batches,

    t = (y - c) / sqrt(V + var(c)),   between = max(0, var(y) - mean(within / n))        (1)

Shares are held against a beta-binomial, whose mean is the model's promise or, where worse, what the
reference shows. Without a reference the centre and the variance of predictions are those of the
training, exactly, from the model alone; bias 0, its variance that of the held-out errors; and what a
batch has in common is assumed, `--alike`, the share of the variance that lies between batches (for those
beyond a limit it is less, see `clustering`). ALIKE by default, more than any target of the synthetic
drill holes shows: such limits find gross faults only. 0 is for samples in random order and gives plain
binomial limits, and bias and slope as ISO 12099 tests them (with the model's held-out RMSE for SEP).
Nothing is known then of the medians, nor, unless it is 0, of the slope within one batch: they are shown
without limits.

**A slow drift** is found by an EWMA of the same numbers, z = LAMBDA y + (1 - LAMBDA) z, whose variance
is worked out in the same way; that of shares runs over normal scores of their mid-P values. A batch
counts in it with CLIP of its standard deviations at most, so that it tells what lasts.

**False alarms** are aimed at `--rate` a good batch, ALARM by default. Each chart and each of its two
forms gets the same part, divided by the number of targets (Bonferroni, which holds however much they
have in common). So far out, concentrations are not normal, and such limits alone alarm much more often.
So the limit of a chart of many targets is at least that of the furthest target, from the reference's own
batches, each held against all others (`joint_limit`). What comes of it is measured by `python -m
tools.monitor_trial`: two to three times what is aimed at. Batches must be independent of each other, as
drill holes or days are, and the reference's about as large as the new ones: larger new ones alarm more.

Sources: Montgomery (2019) Introduction to Statistical Quality Control, chapters 6, 7 and 9 (EWMA: 9.2);
bias and slope, ISO 12099:2017; overdispersed shares, Ridout, Demetrio & Firth (1999) Biometrics 55,
137; scores of shares after Quesenberry (1991) J. Qual. Technol. 23, 213.
"""

from typing import NamedTuple

import numpy as np
from scipy import stats
from threadpoolctl import threadpool_limits
from tqdm import tqdm

import mdl
import train

ALARM = 0.01  # false alarms a good batch: one in a hundred
LAMBDA = 0.2  # weight of the newest batch in the EWMA; 0.05 to 0.25 are usual, less is slower and finer
ALIKE = 0.5  # share of variance between batches, unless known; drill holes of the demo data show .2 to .46
COVERAGE = train.COVERAGE
SLOPE_ROWS = 10  # assays; a slope through fewer says little
REFERENCE = 5  # batches, at least; 20 or more are usual
MEDIAN = np.pi / 2  # variance of a median, in that of a mean
INDEPENDENT = 1e-6  # intraclass correlation that is none
CLIP = 2.5  # standard deviations of a batch in the EWMA, at most: it is for what lasts, one batch has its own limit
TAILS = 10.0  # degrees of freedom where limits are assumed: concentrations have heavier tails than a normal
MEDIANS = ("leverage", "residual")
PROMISED = {"flagged": 1 - mdl.LIMIT, "outside": 1 - COVERAGE}  # of good samples


class Values(NamedTuple):
    """A statistic of every batch, (n_batches, k) each; k is 1 or the number of targets."""

    value: np.ndarray  # NaN where a batch has none; of a share, how many
    n: np.ndarray  # rows that it is of
    squares: np.ndarray  # sum of squares of the rows about their mean; of a slope, its squared error
    scale: np.ndarray  # that `value` is in, in the target's unit


class Chart(NamedTuple):
    """A statistic of every batch and its limits, (n_batches, k) each, NaN where there is none."""

    name: str
    targets: list
    value: np.ndarray
    centre: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    ewma: np.ndarray  # in its own standard deviations
    ewma_limit: np.ndarray  # crossed upwards, and downwards where `lower` is a limit
    crossed: np.ndarray  # bool, the batch's own value
    drifted: np.ndarray  # bool, the EWMA
    scale: np.ndarray  # (n_batches, k)
    offset: np.ndarray  # (k,), of 0, in the target's unit


# --- statistics ---------------------------------------------------------------------


def measure(model, batches, label=""):
    """The statistics of batches.

    Parameters
    ----------
    model : ZeroClippedRidgeCV
    batches : list of Batch
    label : str
        Beside the progress bar.

    Returns
    -------
    dict of str to Values
    """
    with threadpool_limits(1):
        bar = tqdm(batches, label, leave=False, disable=None, delay=2)
        found = [{**of_spectra(model, batch.X), **of_assays(model, batch)} for batch in bar]
    return {name: Values(*np.stack([each[name] for each in found], axis=1)) for name in found[0]}


def of_spectra(model, X):
    """Statistics that need no assay, {name: (value, n, squares, scale)}."""
    found, n = model.applicability(X), len(X)
    values = {}
    for name in ("leverage", "residual"):
        log = np.log(np.maximum(found[name].to_numpy(), np.finfo(float).tiny))
        values[name] = np.median(log), n, np.square(log - log.mean()).sum(), 1.0
    values["flagged"] = (found["verdict"] != "inside").sum(), n, 0.0, 1.0
    values = {name: np.array(each)[:, None] for name, each in values.items()}
    centre, scale = training_predictions(model)
    predicted = (np.asarray(X) @ model.coef_.T + model.intercept_ - centre) / scale
    values["prediction"] = with_spread(predicted, np.ones_like(predicted, bool), scale)
    return values


def training_predictions(model):
    """Mean and standard deviation (t,) of the unclipped predictions of the training spectra.

    Exact: the mean of linear predictions is the prediction of the mean, their variance b' C b, C the
    covariance of the features from its axes and eigenvalues.
    """
    variance = np.square(model.coef_ @ model.axes_.T) @ (model.eigenvalues_ / model.total_weight_)
    return model.coef_ @ model.x_mean_ + model.intercept_, above_zero(np.sqrt(variance))


def above_zero(scale):
    """A scale to divide by: 1 where there is none."""
    return np.where(scale > 0, scale, 1.0)


def with_spread(rows, there, scale):
    """Mean, number and sum of squares (t,) of the rows (n, t) that are there, beside their scale."""
    n = there.sum(axis=0)
    mean = np.where(there, rows, 0).sum(axis=0) / np.where(n, n, np.nan)
    return np.array([mean, n, np.where(there, np.square(rows - mean), 0).sum(axis=0), scale])


def of_assays(model, batch):
    """Statistics of predictions beside assays, {name: (value, n, squares, scale)}.

    Errors grow with the concentration, so bias is in units of the RMSE to expect of these samples.
    """
    predicted, measured = model.predict(batch.X), batch.Y
    there = ~np.isnan(measured)
    n = there.sum(axis=0)
    share = np.where(n, n, 1)
    growth = model.error_growth_[:, :1] + model.error_growth_[:, 1:] * np.square(predicted.T)  # (t, n)
    expected = np.where(there, growth.T, 0).sum(axis=0) / share
    scale = above_zero(model.cv_rmse_ * np.sqrt(expected))
    lower, upper = model.predict_interval(batch.X, COVERAGE)
    outside = np.where(n, ((measured < lower) | (measured > upper)).sum(axis=0), np.nan)
    return {
        "bias": with_spread((predicted - measured) / scale, there, scale),
        "slope": slopes(predicted, measured, there),
        "outside": np.array([outside, n, np.zeros(len(n)), np.ones(len(n))]),
    }


def slopes(predicted, measured, there):
    """Slope of measured on predicted, number, squared standard error, 1; (4, t)."""
    n = there.sum(axis=0)
    count = np.where(n >= SLOPE_ROWS, n, np.nan)
    x, y = (np.where(there, each, 0) for each in (predicted, measured))
    x, y = (np.where(there, each - each.sum(axis=0) / count, 0) for each in (x, y))
    spread = np.square(x).sum(axis=0)
    spread = np.where(spread > 0, spread, np.nan)  # no slope without two different predictions
    slope = (x * y).sum(axis=0) / spread
    left = np.square(y - slope * x).sum(axis=0)
    return np.array([slope, n, left / (count - 2) / spread, np.ones(len(n))])


# --- limits -------------------------------------------------------------------------


def chart_all(model, new, reference=None, *, alike=ALIKE, rate=ALARM):
    """Control charts of batches in their order.

    Parameters
    ----------
    model : ZeroClippedRidgeCV
    new, reference : dict of str to Values
        From `measure`; without a reference, limits are assumed.
    alike : float
        From 0 to below 1: intraclass correlation of the rows of a batch, where it is not estimated.
    rate : float
        False alarms a good batch that are aimed at.

    Returns
    -------
    list of Chart
        Of those statistics that any batch has.
    """
    some = {name: each for name, each in new.items() if not np.isnan(each.value).all()}
    untested = set() if reference is not None else {*MEDIANS, *(["slope"] if alike else [])}
    tested = [name for name in some if name not in untested]
    charts = []
    for name, values in some.items():
        k = values.value.shape[1]
        targets = [""] if name in (*MEDIANS, "flagged") else model.target_names_
        draw = chart_share if name in PROMISED else chart_mean
        old = None if reference is None else reference[name]
        parts = draw(name, values, old, alike, rate / (2 * len(tested) * k))
        offset = training_predictions(model)[0] if name == "prediction" else np.zeros(k)
        charts.append(Chart(name, targets, *parts, values.scale, offset))
    return charts


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
