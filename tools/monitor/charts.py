"""What tools.monitor charts of a batch of spectra, and the limits that it is held against.

    new = measure(model, read_batches(["monday.csv"], model))
    chart_all(model, new)

The statistics are listed in __main__.py; means.py and shares.py hold them against their limits.

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
tools.monitor.trial`: two to three times what is aimed at. Batches must be independent of each other, as
drill holes or days are, and the reference's about as large as the new ones: larger new ones alarm more.

Sources: Montgomery (2019) Introduction to Statistical Quality Control, chapters 6, 7 and 9 (EWMA: 9.2);
bias and slope, ISO 12099:2017; overdispersed shares, Ridout, Demetrio & Firth (1999) Biometrics 55,
137; scores of shares after Quesenberry (1991) J. Qual. Technol. 23, 213.
"""

from typing import NamedTuple

import numpy as np

from tools.monitor.means import chart_mean
from tools.monitor.measuring import MEDIANS, training_predictions
from tools.monitor.shares import PROMISED, chart_share

ALARM = 0.01  # false alarms a good batch: one in a hundred
ALIKE = 0.5  # share of variance between batches, unless known; drill holes of the demo data show .2 to .46


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
