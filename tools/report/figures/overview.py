"""The picture of a README: spectra in, concentrations out."""

import matplotlib
from matplotlib.figure import Figure

from tools.report.figures.by_target import scatter
from tools.report.figures.style import FEW_SITES, MUTED, SIZES, STYLE, spectral

SMALL = 9.5  # points of a figure that is 12 inches wide


def overview(wavenumbers, spectra, numbered, panels, colours, source):
    """Spectra in, concentrations of sites never seen out; a matplotlib Figure.

    Parameters
    ----------
    wavenumbers : ndarray of shape (n_features,)
    spectra : ndarray of shape (n_shown, n_features)
        Scaled.
    numbered : bool
    panels : dict of str to (measured, predicted)
        Two, by title.
    colours : ndarray of shape (n_rows, 4)
    source : str
        Where the spectra come from, in small letters.
    """
    with matplotlib.rc_context({**STYLE, **dict.fromkeys(SIZES, SMALL)}):
        figure = Figure((12, 3.9), layout="constrained", facecolor="white")
        first, *others = figure.subplots(1, 1 + len(panels), width_ratios=[1.5, *[1] * len(panels)])
        for place, one in enumerate(spectra):
            first.plot(wavenumbers, one, lw=1, color=FEW_SITES[place % len(FEW_SITES)])
        first.set(title="in: spectra, scaled and summed", ylabel="scaled spectrum")
        spectral(first, wavenumbers, numbered)
        for axes, (title, (measured, predicted)) in zip(others, panels.items(), strict=True):
            scatter(axes, measured, predicted, colours)
            axes.set(ylabel="predicted", title=title)
        figure.suptitle(source, fontsize=9, color=MUTED, x=0.01, ha="left")
    return figure
