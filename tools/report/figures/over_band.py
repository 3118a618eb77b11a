"""Spectra over the band that a model's training spectra lie in, as SVG for a page or as a figure by itself.

over_band(figure, samples.scale.axis, samples.band, {"this sample": samples.spectra[[0]]})
figure_of(samples, 0).savefig("sample.png")
"""

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tools.report.figures.style import BAND, MUTED, SERIES, STYLE, is_wide, spectral


def over_band(figure, axis, band, spectra, *, apart=None, numbered=True, top=0):
    """Spectra over the band that the model's training spectra lie in; where they are unlike those is marked below.

    Parameters
    ----------
    axis : ndarray of shape (n_features,)
        Wavenumbers, or numbers of channels.
    band : ndarray of shape (3, n_features)
        Lower end, mean and upper end, as `tools.training_band.training_band` gives them.
    spectra : dict of str to ndarray of shape (n_spectra, n_features)
        By what they are called, two at most.
    apart : ndarray of bool, of shape (n_features,), optional
        Where something is in the spectra that no training spectrum shows.
    numbered : bool
        Whether the channels are named by wavenumber.
    top : int
        Which of them is drawn in orange, the others in blue.
    """
    axes, (low, middle, high) = figure.subplots(), band
    axes.fill_between(axis, low, high, color=BAND, alpha=0.35, lw=0, label="training, 9 of 10")
    axes.plot(axis, middle, color=MUTED, lw=1, label="their mean")
    for place, (name, lines) in enumerate(spectra.items()):
        for k, line in enumerate(lines):
            said = {} if k else {"label": name}
            axes.plot(axis, line, color=SERIES[place == top], lw=1.2 if len(lines) < 9 else 0.8, **said)
    if apart is not None and apart.any():
        trans = axes.get_xaxis_transform()
        at = axis[apart]
        axes.plot(
            at, np.full(len(at), 0.015), "|", color=SERIES[1], ms=7, mew=1.4, transform=trans, label="unlike"
        )
    axes.set_ylabel("scaled spectrum")
    axes.yaxis.set_major_locator(MaxNLocator(4))
    spectral(axes, axis, numbered)
    figure.legend(loc="outside upper left", ncols=5 if is_wide(figure) else 3, frameon=False, handlelength=1.2,
                  columnspacing=1)  # fmt: skip


def figure_of(samples, row, size=(7.6, 3.3)):
    """One new sample over the training band, where it is unlike marked; a matplotlib Figure.

    Parameters
    ----------
    samples : tools.report.new_samples.Samples
    row : int
        Its place in the file, counted from 0.
    size : (float, float)
        Inches.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(size, layout="constrained", facecolor="white")
        lines = {"this sample": samples.spectra[row][None]}
        marks = {"apart": samples.apart_of(row) > 1, "numbered": samples.scale.numbered}
        over_band(figure, samples.scale.axis, samples.band, lines, **marks)
    return figure
