"""The settings that a search goes through."""

from itertools import product

import numpy as np

import preprocess
from preprocess import SETTINGS, Settings
from recore.channels import numbers

STEPS = 17  # parts of the axis that a range may leave out; 100 channels of 1,700
STARTS, ENDS = (0, 2), (0, 1, 2, 3, 4, 6)  # parts left out at either end
WIDTHS = (5, 7, 10, 15, 20)  # channels a window
NARROW = (1, 3)  # channels; they cost as much as all the others, so for the usual treatment only
TREATMENTS = ("none", "max", "snv", "derivative", "both")  # simplest first
WHOLE = "max"  # the treatment that leaves no channel out: those outside the range stay, clipped


def candidates(n_channels):
    """The settings to search, the present ones among them."""
    step = n_channels // STEPS
    ranges = [f"{start * step}:{-end * step or ''}" for start, end in product(STARTS, ENDS)]
    found = [
        Settings(part, width, treatment) for treatment, part, width in product(TREATMENTS, ranges, WIDTHS)
    ]
    found += [Settings(part, width) for part in ranges if part.startswith("0:") for width in NARROW]
    return list(dict.fromkeys([*found, SETTINGS]))


def kept(settings, channels):
    """How many channels are left to sum."""
    part = preprocess.span(settings, channels)
    return len(channels) if settings.treatment == WHOLE else len(channels[part])


def treat(spectra, settings, channels):
    """Spectra (n, c) as windows are to sum them, (n, c) or fewer channels; NaN where it cannot be done."""
    part = preprocess.span(settings, channels)
    with np.errstate(divide="ignore", invalid="ignore"):
        treated = preprocess.treat(spectra, part, settings.treatment)
    usable = settings.treatment != WHOLE or spectra[:, part].max(axis=1, keepdims=True) > 0
    return np.where(usable, treated, np.nan)


def features(spectra, settings, channels):
    """The features (n, p) of some settings."""
    return preprocess.window_sums(treat(spectra, settings, channels), settings.window)


def told(settings, channels):
    """'both, 3997 to 1160 cm⁻¹, windows of 7', with channels counted from 0 where they have no numbers."""
    part, axis = preprocess.span(settings, channels), numbers(channels)
    if axis is None:
        places = range(len(channels))[part]
        where = f"channels {places[0]} to {places[-1]}"
    else:
        where = f"{axis[part][0]:.0f} to {axis[part][-1]:.0f} cm⁻¹"
    return f"{settings.treatment}, {where}, windows of {settings.window}"
