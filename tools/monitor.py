"""Is the model still right? Control charts over batches of new spectra.

    python -m tools.monitor model monday.csv tuesday.csv --reference good-1.csv good-2.csv …
    python -m tools.monitor model new.csv --reference good.csv --group SiteID

A batch is a file, or `--batch N` rows of it, or the rows of a hole (`--group`); batches are charted
in the order given. Of each batch:

    leverage, residual  the median, in units of the model's limits (mdl, `applicability`)
    flagged             share of samples that are not "inside"
    prediction          mean of each target, before clipping
    bias                mean of predicted - measured, where there are assays
    slope               of measured on predicted, from SLOPE_ROWS assays on
    outside             share of assays outside the 90 % bounds (mdl, `predict_interval`)

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
drill holes shows: such limits find gross faults only. 0
is for samples in random order and gives plain binomial limits, and bias and slope as ISO 12099 tests
them (with the model's held-out RMSE for SEP). Nothing is known then of the medians, nor, unless it is 0,
of the slope within one batch: they are shown without limits.

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

Exit status: 0 all within limits; 1 a limit is crossed, told in one line on stderr; 2 a mistake in what
was given. Written to reports/NAME/, NAME the model's folder: monitor.csv, monitor.png.

Sources: Montgomery (2019) Introduction to Statistical Quality Control, chapters 6, 7 and 9 (EWMA: 9.2);
bias and slope, ISO 12099:2017; overdispersed shares, Ridout, Demetrio & Firth (1999) Biometrics 55,
137; scores of shares after Quesenberry (1991) J. Qual. Technol. 23, 213.
"""

import argparse
import json
import os
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy import stats
from threadpoolctl import threadpool_limits
from tqdm import tqdm

import mdl
import preprocess
import train
from tools import validate

ALARM = 0.01  # false alarms a good batch: one in a hundred
LAMBDA = 0.2  # weight of the newest batch in the EWMA; 0.05 to 0.25 are usual, less is slower and finer
ALIKE = 0.5  # share of variance between batches, unless known; drill holes of the demo data show .2 to .46
COVERAGE = 0.9  # of the bounds
SLOPE_ROWS = 10  # assays; a slope through fewer says little
REFERENCE = 5  # batches, at least; 20 or more are usual
MEDIAN = np.pi / 2  # variance of a median, in that of a mean
INDEPENDENT = 1e-6  # intraclass correlation that is none
CLIP = 2.5  # standard deviations of a batch in the EWMA, at most: it is for what lasts, one batch has its own limit
TAILS = 10.0  # degrees of freedom where limits are assumed: concentrations have heavier tails than a normal
DRAWN = {"prediction": 3, "bias": 3, "slope": 1, "outside": 1}  # targets in the figure, the furthest out
NAMED = 25  # batches, at most, that the figure's axis names
LINE = 130  # characters of the figure's title
NAME_LENGTH = 28  # characters of a name there, the last

SPECTRA = (
    "measure a known sample again, look at the spectra, and find out what changed: instrument or material"
)
ASSAYS = "check the laboratory with control samples; if the assays stand, train again with these samples"
MEDIANS = ("leverage", "residual")
PROMISED = {"flagged": 1 - mdl.LIMIT, "outside": 1 - COVERAGE}  # of good samples
WITH_ASSAYS = ("bias", "slope", "outside")


class Alarm(SystemExit):
    """A limit is crossed: the outcome of a working tool, status 1."""


class Batch(NamedTuple):
    """Samples that are charted as one."""

    name: str
    X: pd.DataFrame  # (n, n_features), in the model's order
    Y: np.ndarray  # (n, n_targets), in the model's order, NaN where there is no assay


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


# --- batches ------------------------------------------------------------------------


def read_batches(paths, model, rows=None, group=None, label=""):
    """The batches of files, in their order.

    Parameters
    ----------
    paths : list of str
    model : ZeroClippedRidgeCV
    rows : int, optional
        Cut each file into batches of as many rows.
    group : str, optional
        Cut each file by this id column, in order of appearance.
    label : str
        Beside the progress bar.

    Returns
    -------
    list of Batch

    Raises
    ------
    DataError
        For a file that cannot be read or is not the model's.
    """
    bar = tqdm(paths, label, leave=False, disable=None, delay=2)
    return [batch for path in bar for batch in cut(path, preprocess.read_table(path), model, rows, group)]


def cut(path, table, model, rows=None, group=None):
    """Yield the batches of one file."""
    name = os.path.basename(preprocess.find_table(path))
    try:
        places = train.places([str(each) for each in table.features], list(model.feature_names_in_))
    except preprocess.DataError as error:
        raise preprocess.DataError(f"{name}: {error}") from None
    X = table.features.iloc[:, places].set_axis(model.feature_names_in_, axis=1)
    Y = table.targets.reindex(columns=model.target_names_).to_numpy(dtype=float)
    others = table.targets.columns.difference(model.target_names_, sort=False)
    if len(others):
        print(f"{name}: not charted, no target of the model: {', '.join(others)}\n")
    if group is not None:
        if group not in table.ids:
            raise preprocess.DataError(
                f"{name}: found no id column {group!r}, expected one of {', '.join(table.ids) or 'none'}; "
                "name one of them, or cut by --batch"
            )
        number, groups = pd.factorize(table.ids[group], use_na_sentinel=False)
        for k, each in enumerate(groups):
            yield Batch(f"{name} {group} {each}", X[number == k], Y[number == k])
        return
    step = rows or len(X)
    for first in range(0, len(X), step):
        last = min(first + step, len(X))
        part = f" rows {first + 1}-{last}" if step < len(X) else ""
        yield Batch(name + part, X[first:last], Y[first:last])


def check_reference(paths, batches, folder):
    """Raise a DataError for a reference that is too short or that the model was trained on."""
    with open(os.path.join(folder, train.DESCRIPTION), encoding="utf-8") as file:
        trained = json.load(file).get("training", {}).get("sha256")
    for path in map(preprocess.find_table, paths):
        if train.file_sum(path) == trained:
            raise preprocess.DataError(
                f"{path}: found the file that the model was trained on, which it fits better than any other; "
                "give good batches that it has not seen as --reference"
            )
    if len(batches) < REFERENCE:
        raise preprocess.DataError(
            f"--reference: found {len(batches)} batches, expected {REFERENCE} or more (20 are usual); give "
            "more files, or cut them with --batch or --group, the new ones alike"
        )


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


# --- results ------------------------------------------------------------------------


def in_unit(chart, values):
    """Values (n_batches, k) of a chart as they are reported: of a median a ratio, else in the target's unit."""
    return np.exp(values) if chart.name in MEDIANS else chart.offset + chart.scale * values


def to_frame(charts, names, new):
    """All charts, one line a batch, chart and target."""
    parts = []
    for chart in charts:
        found = new[chart.name]
        shown = {each: in_unit(chart, getattr(chart, each)) for each in ("value", "centre", "lower", "upper")}
        columns = {"n": found.n.astype(int), **shown}
        error = np.full(chart.value.shape, np.nan)
        if chart.name == "slope":
            error = stats.t.isf((1 - validate.LEVEL) / 2, np.maximum(found.n - 2, 1)) * np.sqrt(found.squares)
        columns |= {"interval_low": shown["value"] - error, "interval_high": shown["value"] + error}
        columns |= {each: getattr(chart, each) for each in ("ewma", "ewma_limit", "crossed", "drifted")}
        part = pd.DataFrame({name: np.ravel(each) for name, each in columns.items()})
        part.insert(0, "batch", np.repeat(names, len(chart.targets)))
        part.insert(1, "chart", chart.name)
        part.insert(2, "target", np.tile(chart.targets, len(names)))
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def excess(chart):
    """How far out each value and each EWMA is, in units of its limit; (n_batches, k) each, 0 for none."""
    away = chart.value - chart.centre
    with np.errstate(divide="ignore", invalid="ignore"):
        own = away / np.where(away < 0, chart.lower - chart.centre, chart.upper - chart.centre)
        one_sided = chart.name in PROMISED
        drift = (chart.ewma if one_sided else np.abs(chart.ewma)) / chart.ewma_limit
    return np.nan_to_num(own), np.nan_to_num(drift)


def crossings(charts, batch):
    """What crossed its limit in a batch: (chart, place of the target, whether by the EWMA), what says most first.

    Of a spectrum that is unlike the training, predictions mean nothing; and a bias may be theirs.
    """
    found, places = [], {"prediction": 1, **dict.fromkeys(WITH_ASSAYS, 2)}
    for chart in charts:
        pairs = zip((chart.crossed, chart.drifted), excess(chart), strict=True)
        for drift, (crossed, far) in enumerate(pairs):
            found += [(far[batch, k], chart, k, bool(drift)) for k in np.flatnonzero(crossed[batch])]
    found.sort(key=lambda each: (each[3], places.get(each[1].name, 0), -each[0]))
    return [each[1:] for each in found]


def called(chart, k, drift):
    """'drift of bias CuPPM'."""
    return " ".join(filter(None, ["drift of" if drift else "", chart.name, chart.targets[k]]))


def alarm_line(charts, names, folder):
    """One line on the first batch with a crossing, or None."""
    found = [crossings(charts, batch) for batch in range(len(names))]
    batch = next((batch for batch, each in enumerate(found) if each), None)
    if batch is None:
        return None
    chart, k, drift = found[batch][0]
    if drift:
        value, limit = chart.ewma[batch, k], chart.ewma_limit[batch, k]
        value, limit = f"EWMA {value:+.2f}", f"{np.copysign(limit, value):+.2f} of its standard deviations"
    else:
        side = chart.lower if chart.value[batch, k] < chart.lower[batch, k] else chart.upper
        value, limit = (f"{in_unit(chart, each)[batch, k]:.4g}" for each in (chart.value, side))
    remedy = ASSAYS if chart.name in WITH_ASSAYS else SPECTRA
    more = sum(map(len, found)) - 1
    also = f"; {more:,} more in {folder}/monitor.csv" if more else ""
    return f"{names[batch]}: {called(chart, k, drift)}: found {value}, limit {limit}; {remedy}{also}"


def summary(charts, batches):
    """Cells of a table, one line a batch."""
    by_name = {chart.name: chart for chart in charts}
    for i, batch in enumerate(batches):
        found = [called(*each) for each in crossings(charts, i)]
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        ratios = [f"{in_unit(by_name[name], by_name[name].value)[i, 0]:.2f}" for name in MEDIANS]
        assays = int((~np.isnan(batch.Y)).sum())
        yield [
            batch.name,
            f"{len(batch.X):,}",
            f"{assays:,}",
            f"{by_name['flagged'].value[i, 0]:.1%}",
            *ratios,
            ", ".join(found[:3]) + more or "-",
        ]


def draw(charts, names, title):
    """Control charts: each statistic with its limits, and its EWMA beside it."""
    panels = []
    for chart in charts:
        far = np.maximum(*excess(chart)).max(axis=0)
        panels += [(chart, k) for k in np.argsort(-far, kind="stable")[: DRAWN.get(chart.name, 1)]]
    size = (12, 1.2 + 1.7 * len(panels))
    figure, axes = plt.subplots(
        len(panels), 2, figsize=size, sharex=True, squeeze=False, layout="constrained"
    )
    at = np.arange(1, len(names) + 1)
    for (chart, k), (left, right) in zip(panels, axes, strict=True):
        shown = [in_unit(chart, each)[:, k] for each in (chart.value, chart.centre, chart.lower, chart.upper)]
        one_sided = chart.name in PROMISED
        below = np.nan if one_sided else -chart.ewma_limit[:, k]
        draw_one(left, at, *shown, chart.crossed[:, k])
        draw_one(
            right, at, chart.ewma[:, k], np.zeros(len(at)), below, chart.ewma_limit[:, k], chart.drifted[:, k]
        )
        if np.isnan(chart.ewma[:, k]).all():
            right.clear()
            right.set_yticks([])
            right.text(
                0.5, 0.5, "no limits without a reference", transform=right.transAxes, ha="center", color="0.4"
            )
        left.set_ylabel(called(chart, k, False).replace(" ", "\n"))
    axes[0, 0].set_title("of the batch, and its limits")
    axes[0, 1].set_title("EWMA, in its standard deviations, and its limits")
    for axis in axes[-1]:
        axis.set_xlim(0.5, len(names) + 0.5)
        if len(names) <= NAMED:
            axis.set_xticks(at, [name[-NAME_LENGTH:] for name in names], rotation=60, ha="right", fontsize=8)
        else:
            axis.set_xlabel("batch")
    figure.suptitle(textwrap.fill(title, LINE), fontsize=10, color="0.4")
    return figure


def draw_one(axis, at, value, centre, lower, upper, crossed):
    """A statistic over batches with its limits as steps."""
    axis.step(at, centre, where="mid", color="0.6", lw=0.8)
    for limit in (np.broadcast_to(lower, at.shape), upper):
        axis.step(at, limit, where="mid", color="tab:red", lw=0.9, ls="--")
    axis.plot(at, value, "o-", color="tab:blue", lw=0.9, ms=3)
    axis.plot(at[crossed], value[crossed], "o", color="tab:red", ms=6)
    axis.spines[["top", "right"]].set_visible(False)
    axis.locator_params(axis="y", nbins=4)


# --- the step -----------------------------------------------------------------------


def arguments_of(argv):
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="folder that train.py wrote")
    parser.add_argument("files", nargs="+", metavar="file", help="spectra, in the order of their batches")
    parser.add_argument(
        "--reference", nargs="+", metavar="FILE", help="good batches, not trained on, to take the limits from"
    )
    cuts = parser.add_mutually_exclusive_group()
    cuts.add_argument("--batch", type=int, metavar="N", help="rows a batch (default: the whole file)")
    cuts.add_argument("--group", metavar="ID", help="id column, such as SiteID, whose groups are batches")
    parser.add_argument(
        "--alike", type=float, default=ALIKE, help="of a batch's variance, what its rows share (%(default)s)"
    )
    parser.add_argument("--rate", type=float, default=ALARM, help="false alarms a good batch (%(default)s)")
    arguments = parser.parse_args(argv)
    if arguments.batch is not None and arguments.batch < 1:
        parser.error(f"--batch: found {arguments.batch}, expected 1 or more")
    if not 0 <= arguments.alike < 1 or not 0 < arguments.rate < 1:
        parser.error(
            f"expected --alike from 0 to below 1 and --rate between 0 and 1, got {arguments.alike}, "
            f"{arguments.rate}"
        )
    return arguments


def load(folder):
    """The model of a folder, with what its own checks do not ask for."""
    model = train.model_fn(folder)
    lacking = [name for name in ("error_quantiles_", "leverage_limit_") if not hasattr(model, name)]
    if lacking:
        raise preprocess.DataError(
            f"{folder}: found a model without {' and '.join(lacking)}, of an older version; train again"
        )
    return model


def basis(reference, alike):
    """What the limits rest on, in words."""
    if reference:
        return f"limits from {len(reference)} reference batches"
    return (
        f"no --reference: limits assume that batches are like the training spectra and that {alike:.0%} of "
        "their variance is common to a batch; they find gross faults only"
    )


def main(argv=None):
    arguments = arguments_of(argv)
    model = load(arguments.model)
    cuts = arguments.batch, arguments.group
    reference, old = [], None
    if arguments.reference:
        reference = read_batches(arguments.reference, model, *cuts, label="reference")
        check_reference(arguments.reference, reference, arguments.model)
        old = measure(model, reference, "reference")
    batches = read_batches(arguments.files, model, *cuts, label="reading")
    new = measure(model, batches, "measuring")
    charts = chart_all(model, new, old, alike=arguments.alike, rate=arguments.rate)
    names = [batch.name for batch in batches]
    name = Path(arguments.model).resolve().name
    folder = Path("reports") / name
    told = f"{basis(reference, arguments.alike)}; false alarms aimed at: {arguments.rate:g} a batch"

    with preprocess.replacing(folder / "monitor.csv") as file:
        to_frame(charts, names, new).to_csv(file, index=False)
    figure = draw(charts, names, f"{name}: {told}")
    with preprocess.replacing(folder / "monitor.png", "wb") as file:
        figure.savefig(file, format="png", dpi=100)
    plt.close(figure)
    header = ["batch", "rows", "assays", "flagged", "leverage", "residual", "crossed"]
    print("\n".join(validate.markdown(header, list(summary(charts, batches)))))
    print(f"\n{told}\nwrote {folder}/")
    alarm = alarm_line(charts, names, folder)
    if alarm:
        raise Alarm(f"{Path(__file__).name}: {alarm}")


def run():
    """Run the step; status 2 for a mistake, as argparse has it, since 1 is an alarm."""
    try:
        preprocess.run(main)
    except Alarm:
        raise
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
            sys.exit(2)
        raise


if __name__ == "__main__":
    run()
