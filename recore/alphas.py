"""The range of alphas as text says it, and many of them in few words."""

import numpy as np

NUMBER, A_DECADE = 50, 4.9  # alphas at least, and where the range is wider than the usual ten decades
FEW = 5  # that are shown one by one
FARTHEST = 1e30  # that an alpha is from 1, up or down


def add_alphas(parser):
    """Add the option that `alphas_of` reads."""
    about = "to choose from: LOW:HIGH, evenly spaced in their logarithm, or auto, which follows the spectra"
    parser.add_argument("--alphas", help=about + " (default: 1e-5:1e5, 50 of them)")


def alphas_of(text):
    """The alphas of LOW:HIGH; a ValueError on another text. 1e-5:1e5 gives the model's own 50."""
    try:
        low, high = map(float, text.split(":"))
    except ValueError:
        low = high = np.nan
    if not 1 / FARTHEST <= low < high <= FARTHEST:
        expected = f"auto, or LOW:HIGH, numbers from {1 / FARTHEST:g} to {FARTHEST:g}, the lower first"
        raise ValueError(f"found {text!r}, expected {expected}; 1e-5:1e5 is what it does without")
    ends = np.log10([low, high])
    return np.logspace(*ends, max(NUMBER, round(A_DECADE * np.ptp(ends)) + 1)).tolist()


class Shown:
    """Stands for alphas where they are shown: many by their number and ends."""

    def __init__(self, alphas):
        self.alphas = alphas

    def __repr__(self):
        values = [] if isinstance(self.alphas, str) else np.asarray(self.alphas).ravel().tolist()
        if len(values) <= FEW or not all(isinstance(value, (int, float)) for value in values):
            return repr(self.alphas)
        return f"<{len(values)} from {min(values):.3g} to {max(values):.3g}>"
