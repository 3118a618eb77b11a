"""How spectra become features: the settings that a search goes through."""

from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.signal import savgol_filter

import preprocess

STEPS = 17  # parts of the axis that a range may leave out; 100 channels of 1,700
STARTS, ENDS = (0, 2), (0, 1, 2, 3, 4, 6)  # parts left out at either end
WIDTHS = (5, 7, 10, 15, 20)  # channels a window
NARROW = (1, 3)  # channels; they cost as much as all the others, so for the present treatment only
TREATMENTS = ("none", "max", "max, cut", "snv", "derivative")  # simplest first
PRESENT = "max"  # what preprocess.scale does: channels outside the range stay, clipped
DERIVATIVE = {"window_length": 21, "polyorder": 2, "deriv": 1}  # Savitzky-Golay, after SNV


class Setting(NamedTuple):
    """How spectra become features."""

    treatment: str
    start: int  # first channel of the range
    left_out: int  # channels after the range
    width: int  # channels a window

    def __str__(self):
        return f"{self.treatment} [{self.start}:{-self.left_out or ''}] × {self.width}"


def present():
    """The setting of preprocess.py."""
    reference = preprocess.SCALE_RANGE
    return Setting(PRESENT, reference.start, -reference.stop, preprocess.WINDOW)


def settings_of(n_channels):
    """The settings to search, the present one among them."""
    step = n_channels // STEPS
    ranges = [(start * step, end * step) for start, end in product(STARTS, ENDS)]
    found = [Setting(t, *at, width) for t, at, width in product(TREATMENTS, ranges, WIDTHS)]
    found += [Setting(PRESENT, *at, width) for at in ranges if at[0] == 0 for width in NARROW]
    return list(dict.fromkeys([*found, present()]))


def treat(spectra, setting):
    """Spectra (n, c) as windows are to sum them, (n, c) or fewer channels; NaN where it cannot be done."""
    kept = slice(setting.start, spectra.shape[1] - setting.left_out)
    cut = spectra[:, kept]
    if setting.treatment == "none":
        return cut
    with np.errstate(divide="ignore", invalid="ignore"):
        if setting.treatment in ("snv", "derivative"):
            scaled = (cut - cut.mean(axis=1, keepdims=True)) / cut.std(axis=1, keepdims=True)
            return scaled if setting.treatment == "snv" else savgol_filter(scaled, **DERIVATIVE)
        scaled = preprocess.scale(spectra, kept)
        scaled = scaled[:, kept] if setting.treatment == "max, cut" else scaled
        return np.where(cut.max(axis=1, keepdims=True) > 0, scaled, np.nan)


def features(spectra, setting):
    """The features (n, p) of a setting."""
    return preprocess.window_sums(treat(spectra, setting), setting.width)
