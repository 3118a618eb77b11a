"""Figures over the wavenumbers, and of single spectra."""

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from tools.report.figures.style import BAND, GRID, INK, MUTED, SERIES, fixed, numbers, short, spectral


def coefficients(figure, wavenumbers, values, pattern, numbered, lanes):
    """Coefficients and what goes along with them over the wavenumbers, known bands as ticks above.

    Parameters
    ----------
    wavenumbers, values, pattern : ndarray of shape (n_features,)
    numbered : bool
        Whether the channels are named by wavenumber; bands are marked only then.
    lanes : dict of str to ndarray
        Positions of the bands of each kind.
    """
    kinds = lanes if numbered else {}
    heights = [0.15 * len(kinds) + 0.01, 1, 1]
    place = fixed(figure, 0.17, 0.15 if numbered else 0.19, hspace=0.15)
    above, *others = figure.subplots(3, 1, sharex=True, height_ratios=heights, gridspec_kw=place)
    named = ("correlation", pattern), ("coefficient", values)
    for place, (axes, (name, line)) in enumerate(zip(others, named, strict=True)):
        axes.axhline(0, color=MUTED, lw=0.7)
        axes.fill_between(wavenumbers, 0, line, color=SERIES[1 - place], alpha=0.25, lw=0)
        axes.plot(wavenumbers, line, color=SERIES[1 - place], lw=1)
        numbers(axes.yaxis, 3)
        axes.set_ylabel(name)
        axes.yaxis.set_label_coords(-0.135, 0.5)
        axes.tick_params(labelbottom=place == 1)
    spectral(others[1], wavenumbers, numbered)
    above.set_axis_off()
    for place, (name, at) in enumerate(kinds.items()):
        at = at[(at >= wavenumbers.min()) & (at <= wavenumbers.max())]
        above.plot(at, np.full(len(at), place), "|", color=INK, ms=6, mew=0.9)
        above.annotate(name, (0, place), xycoords=("axes fraction", "data"), xytext=(-4, 0), fontsize=8.5,
                       textcoords="offset points", ha="right", va="center", color=MUTED)  # fmt: skip
        above.axhline(place, color=GRID, lw=0.6, zorder=0)
    above.set_ylim(len(kinds) - 0.4, -0.6)


def known_bands(figure, bands, wavenumbers):
    """Where the bands of each mineral lie; strong ones tall. `bands` is bands.csv's table."""
    axes = figure.subplots()
    names = list(dict.fromkeys(bands["mineral"]))
    place = bands["mineral"].map(names.index).to_numpy()
    half = 0.14 + 0.3 * np.clip(bands["strength"].to_numpy(), 0.05, 1)
    axes.vlines(bands["centre_cm1"], place - half, place + half, color=SERIES[0], lw=1.3)
    axes.set_yticks(np.arange(len(names)), names, color=INK, fontsize=8.5)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(color=GRID, lw=0.6)
    axes.set_axisbelow(True)
    spectral(axes, wavenumbers, True)


def flags(figure, panels, colours):
    """Leverage and residual of each spectrum in units of their limits; beyond the lines it is flagged.

    Parameters
    ----------
    panels : dict of str to (ndarray of shape (n_rows,), ndarray of shape (n_rows,))
        Leverage and residual, by title.
    colours : ndarray of shape (n_rows, 4)
    """
    all_axes = np.atleast_1d(figure.subplots(1, len(panels), sharex=True, sharey=True))
    size = np.clip(2500 / len(colours), 5, 18)
    for axes, (title, (leverage, residual)) in zip(all_axes, panels.items(), strict=True):
        axes.set(xscale="log", yscale="log", xlabel="leverage / limit")
        axes.scatter(leverage, residual, s=size, c=colours, alpha=0.75, lw=0, rasterized=True)
        axes.axvline(1, color=INK, lw=0.8)
        axes.axhline(1, color=INK, lw=0.8)
        axes.set_title(title, loc="left", pad=3)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(LogLocator(10, numticks=5))
            axis.set_major_formatter(FuncFormatter(short))
            axis.set_minor_locator(NullLocator())
    every = [np.concatenate(each) for each in zip(*panels.values(), strict=True)]
    for place, values in enumerate(every):  # a decade at least, so that there is a number on the axis
        low, high = min(values.min() / 1.3, 0.09), max(values.max() * 1.3, 1.8)
        (all_axes[0].set_ylim if place else all_axes[0].set_xlim)(low, high)
    all_axes[0].set_ylabel("residual / limit")


def spectrum(axes, wavenumbers, band, one, numbered):
    """A spectrum over the middle 90 % of all and their median; `band` is (3, n_features)."""
    low, middle, high = band
    axes.fill_between(wavenumbers, low, high, color=BAND, alpha=0.35, lw=0, label="9 of 10 spectra")
    axes.plot(wavenumbers, middle, color=MUTED, lw=1, label="median")
    if one is not None:
        axes.plot(wavenumbers, one, color=SERIES[1], lw=1.2, label="this one")
    axes.set_ylabel("scaled spectrum")
    spectral(axes, wavenumbers, numbered)


def one_spectrum(figure, *arguments):
    """`spectrum` alone."""
    spectrum(figure.subplots(), *arguments)
    figure.legend(loc="outside upper left", ncols=3, frameon=False, handlelength=1.2, columnspacing=1)
