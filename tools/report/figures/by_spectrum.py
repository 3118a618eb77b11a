"""Figures of a model's page over the wavenumbers: raw spectra, and how channels go along with predictions."""

import numpy as np

from tools.report.figures.style import BAND, INK, MUTED, SERIES, numbers, spectral

LEVELS, LINE = 3, 0.24  # lines of names above a curve, and how far they are apart, in correlations
CHARACTER, INCH = 8, 72  # pixels


def raw(figure, wavenumbers, spectra, colours, used, numbered):
    """Spectra as they are in the file, a line each in its site's colour; the range that is used lies open.

    Parameters
    ----------
    wavenumbers : ndarray of shape (n_channels,)
    spectra : ndarray of shape (n_drawn, n_channels)
    colours : ndarray of shape (n_drawn, 4)
    used : (float, float)
        Both ends of the range of channels that the features are of.
    numbered : bool
        Whether the channels are named by wavenumber.
    """
    axes = figure.subplots()
    for place in np.random.default_rng(0).permutation(len(spectra)):
        axes.plot(wavenumbers, spectra[place], color=colours[place], lw=0.8, alpha=0.6, rasterized=True)
    spectral(axes, wavenumbers, numbered)
    numbers(axes.yaxis, 4)
    axes.set_ylabel("as in the file")
    low, high = sorted(used)
    inside = spectra[
        :, (wavenumbers >= low) & (wavenumbers <= high)
    ]  # else noise at an end would fill the figure
    room = 0.06 * np.ptp(inside)
    axes.set_ylim(inside.min() - room, inside.max() + 2 * room)
    for start, end in ((min(wavenumbers), low), (high, max(wavenumbers))):
        if end > start:
            axes.axvspan(start, end, color=BAND, alpha=0.3, lw=0)
    for at in (low, high):
        axes.axvline(at, color=INK, lw=1)
    told = f"{high:.0f} to {low:.0f} cm⁻¹" if numbered else f"channels {low:.0f} to {high:.0f}"
    axes.annotate(told, (high if numbered else low, 1), xycoords=("data", "axes fraction"), color=INK, va="top",
                  xytext=(5, 0), textcoords="offset points")  # fmt: skip


def correlations(figure, axis, curves, marked, numbered):
    """How each channel goes along with predictions, a curve a target; peaks that have a name are marked.

    Parameters
    ----------
    axis : ndarray of shape (n_features,)
    curves : ndarray of shape (n_curves, n_features)
        The first is the one whose peaks are marked.
    marked : sequence of (float, float, str)
        Wavenumber, height and name of peaks.
    """
    axes = figure.subplots()
    axes.axhline(0, color=MUTED, lw=0.7)
    for curve in curves[1:]:
        axes.plot(axis, curve, color=BAND, lw=1)
    axes.plot(axis, curves[0], color=SERIES[1], lw=1.4)
    levels = levels_of(marked, np.ptp(axis) * CHARACTER / (figure.bbox.width / figure.dpi * INCH))
    for (at, height, name), level in zip(marked, levels, strict=True):
        axes.plot([at, at], [height, 1.06], color=INK, lw=0.6, ls=(0, (2, 2)))
        if level is not None:
            axes.text(at, 1.08 + LINE * level, name, ha="center", va="bottom", color=INK)
    axes.set(ylim=(-1.05, 1.3 + LINE * max((k for k in levels if k), default=0) if marked else 1.05))
    axes.set_ylabel("correlation")
    axes.set_yticks([-1, 0, 1], ["−1", "0", "1"])
    spectral(axes, axis, numbered)


def levels_of(marked, character):
    """The line that each name is written on, so that none covers another; None where there is no room."""
    taken, found = [], []
    for at, _, name in marked:
        half = character * len(name) / 2
        free = [
            k
            for k in range(LEVELS)
            if all(k != level or abs(at - x) > half + other for x, other, level in taken)
        ]
        found.append(free[0] if free else None)
        taken += [(at, half, free[0])] if free else []
    return found
