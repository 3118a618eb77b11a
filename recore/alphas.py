"""The range of alphas as a command line says it."""

import numpy as np

from preprocess import DataError

NUMBER, A_DECADE = 50, 4.9  # alphas at least, and where the range is wider than the usual ten decades
FARTHEST = 1e30  # that an alpha is from 1, up or down


def add_alphas(parser):
    """Add the option that `alphas_of` reads."""
    about = "to choose from: LOW:HIGH, evenly spaced in their logarithm, or auto, which follows the spectra"
    parser.add_argument("--alphas", help=about + " (default: 1e-5:1e5, 50 of them)")


def alphas_of(text):
    """What `mdl.ZeroClippedRidgeCV` takes as alphas, of LOW:HIGH or auto; a DataError on another text.

    1e-5:1e5 gives the model's own 50.
    """
    if text == "auto":
        return text
    try:
        low, high = map(float, text.split(":"))
    except ValueError:
        low = high = np.nan
    if not 1 / FARTHEST <= low < high <= FARTHEST:
        expected = f"auto, or LOW:HIGH, numbers from {1 / FARTHEST:g} to {FARTHEST:g}, the lower first"
        raise DataError("--alphas", f"found {text!r}", expected, "1e-5:1e5 is what it does without")
    ends = np.log10([low, high])
    return np.logspace(*ends, max(NUMBER, round(A_DECADE * np.ptp(ends)) + 1)).tolist()
