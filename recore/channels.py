"""Channels of a table on those of a model: told apart, turned round, interpolated."""

import logging
from itertools import zip_longest

import numpy as np

from preprocess import DataError, number
from recore.settings import window_of

logger = logging.getLogger("preprocess")

CLOSE = 0.01  # of the step between channels: less than an instrument knows of where they lie
OTHERS = "give spectra of these channels"
RESAMPLE = f"{OTHERS}, or put them there by interpolation with predict.py --resample"


def numbers(axis):
    """The channels as numbers (n_channels,), None where their names are none."""
    found = [number(name) for name in axis]
    return None if None in found else np.array(found)


def positions(features):
    """Where features lie on the axis: the middle of each window, (n_features,); None without numbers."""
    ends = [numbers(window_of(name).split(":")) for name in features]
    return None if any(pair is None for pair in ends) else np.array([pair.mean() for pair in ends])


def step(values):
    """The distance between neighbouring channels, the median."""
    return float(np.median(np.abs(np.diff(values))))


def describe(axis):
    """Channels in words: '1,700 channels from 3997.4 to 599.8, step 2'."""
    values = numbers(axis)
    apart = "" if values is None or len(values) < 2 else f", step {step(values):.6g}"
    return f"{len(axis):,} channels from {axis[0]} to {axis[-1]}{apart}"


def arranged(layout, axis, name, whose="the model's", remedy=OTHERS):
    """The Layout with its channels in the order of `axis`, and named so; said where they came otherwise.

    A DataError names the first channel that differs.
    """
    if layout.axis == list(axis):
        return layout
    order = same_channels(layout.axis, axis)
    if order is None:
        raise DataError(name, *difference(layout.axis, axis, whose), remedy)
    if order != list(range(len(axis))):
        way = "the other way round" if order == list(range(len(axis)))[::-1] else "in another order"
        logger.info("%s: its channels came %s than %s, and were put right", name, way, whose)
    else:
        apart = np.abs(numbers(layout.axis) - numbers(axis)).max()
        logger.info("%s: its channels lie within %.2g of %s, and were taken as those", name, apart, whose)
    return layout._replace(channels=[layout.channels[place] for place in order], axis=list(axis))


def same_channels(found, axis):
    """Where each channel of `axis` stands among those found, by number or by name; None where they are others."""
    if len(found) != len(axis):
        return None
    values, wanted = numbers(found), numbers(axis)
    if values is None or wanted is None:
        at = {channel: place for place, channel in enumerate(found)}
        return [at[channel] for channel in axis] if set(at) == set(axis) else None
    for way in (1, -1):
        if np.abs(values[::way] - wanted).max() <= CLOSE * step(wanted):
            return list(range(len(found)))[::way]
    return None


def difference(found, axis, whose):
    """What was found and what was expected, where channels are not those of a model."""
    values, wanted = numbers(found), numbers(axis)
    if values is not None and wanted is not None:
        if (values[-1] - values[0]) * (wanted[-1] - wanted[0]) < 0:
            found, values = found[::-1], values[::-1]
        far = [
            a is None or b is None or abs(a - b) > CLOSE * step(wanted)
            for a, b in zip_longest(values, wanted)
        ]
    else:
        far = [a != b for a, b in zip_longest(found, axis)]
    place = far.index(True)
    here, there = (repr(some[place]) if place < len(some) else "none" for some in (found, axis))
    return f"found {describe(found)}, first {here} in the place of {there}", f"{whose} {describe(axis)}"


class Resampling:
    """Spectra of one grid on another by interpolation, cubic between the four channels around each.

    Each value is a sum of four products (Lagrange), so that rows stay independent and a channel that both grids
    have keeps its value. A DataError where the grid does not cover the other.
    """

    def __init__(self, found, axis, name):
        values, wanted = numbers(found), numbers(axis)
        if values is None or wanted is None:
            raise DataError(name, "found channels without numbers", "numbers to interpolate between", OTHERS)
        order = np.argsort(values)
        values = values[order]
        slack = CLOSE * step(wanted)
        if wanted.min() < values[0] - slack or wanted.max() > values[-1] + slack:
            seen = f"found {describe(found)}, which do not reach {wanted.min():g} to {wanted.max():g}"
            raise DataError(name, seen, "spectra that cover the model's channels", "nothing is extrapolated")
        wanted = np.clip(wanted, values[0], values[-1])
        first = np.clip(np.searchsorted(values, wanted, side="right") - 2, 0, len(values) - 4)
        four = first + np.arange(4)[:, None]  # (4, n_channels)
        at = values[four]
        self.weights = np.ones_like(at)
        for k in range(4):
            for other in (j for j in range(4) if j != k):
                self.weights[k] *= (wanted - at[other]) / (at[k] - at[other])
        self.places = order[four]
        nearest = np.abs(at - wanted).min(axis=0).max()
        about = (name, nearest, step(values), step(wanted))
        logger.info("%s: interpolated, its channels up to %.3g from the model's, steps %.4g and %.4g", *about)

    def __call__(self, spectra):
        """Spectra (n_rows, n_found) as (n_rows, n_channels) of the other grid."""
        total = spectra[:, self.places[0]] * self.weights[0]
        for places, weights in zip(self.places[1:], self.weights[1:]):
            total += spectra[:, places] * weights
        return total
