"""Maps of samples: how far each is from the others, and what it is like."""

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from tools.report.figures.style import GRID, INK, MUTED, dots, is_wide, numbers, short

LABELS = 8  # samples that are named


def maps(figure, panels, colours, site, shapes):
    """Maps side by side, below each other on a phone: {name of a function here: its arguments}."""
    rows, columns = (1, len(panels)) if is_wide(figure) else (len(panels), 1)
    all_axes = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    named = [
        {"outliers": outliers, "scores": scores}[name](axes, *arguments, colours, site, shapes)
        for axes, (name, arguments) in zip(all_axes, panels.items(), strict=True)
    ]
    figure.draw_without_rendering()  # only then is it known where the dots are
    for axes, what in zip(all_axes, named, strict=True):
        label(axes, *what)


def size_of(n):
    """The size of dots, smaller where there are many."""
    return np.clip(4000 / n, 8, 30)


def label(axes, x, y, names, places):
    """Write the names of some dots beside them, where no other name stands."""
    taken, point = [], axes.figure.dpi / 72
    for place in places:
        across, up = axes.transData.transform((x[place], y[place])) / point
        if all(abs(across - other) > 34 or abs(up - height) > 13 for other, height in taken):
            taken.append((across, up))
            axes.annotate(names[place], (x[place], y[place]), xytext=(5, 3), textcoords="offset points",
                          color=INK, fontsize=11)  # fmt: skip


def outliers(axes, leverage, residual, names, colours, site, shapes):
    """Leverage against residual in units of their limits; beyond a line a sample is flagged. What `label` takes.

    Parameters
    ----------
    leverage, residual : ndarray of shape (n_rows,)
    names : list of str, (n_rows,)
    colours, site, shapes
        As `dots` takes them.
    """
    axes.set(xscale="log", yscale="log", xlabel="leverage / limit", ylabel="residual / limit")
    for values, limits in ((leverage, axes.set_xlim), (residual, axes.set_ylim)):
        limits(min(values.min() / 1.3, 0.09), max(values.max() * 2, 1.8))  # a number on the axis
    dots(axes, leverage, residual, colours, site, shapes, size_of(len(leverage)), alpha=0.8)
    axes.axvline(1, color=INK, lw=0.8)
    axes.axhline(1, color=INK, lw=0.8)
    corner = {"transform": axes.transAxes, "color": MUTED, "fontsize": 11}
    axes.text(0.01, 0.99, "unlike ↑", va="top", **corner)
    axes.text(0.99, 0.01, "extrapolating →", ha="right", **corner)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(10, numticks=5))
        axis.set_major_formatter(FuncFormatter(short))
        axis.set_minor_locator(NullLocator())
    furthest = np.maximum(leverage, residual)
    return leverage, residual, names, [k for k in np.argsort(-furthest)[:LABELS] if furthest[k] > 1]


def scores(axes, first, second, shares, names, colours, site, shapes):
    """The two directions in which spectra differ most; what `label` takes of those furthest out.

    Parameters
    ----------
    first, second : ndarray of shape (n_rows,)
        Scores on principal components 1 and 2.
    shares : sequence of float
        Of the spectra's variance, on both.
    """
    axes.axhline(0, color=GRID, lw=0.8, zorder=0)
    axes.axvline(0, color=GRID, lw=0.8, zorder=0)
    dots(axes, first, second, colours, site, shapes, size_of(len(first)), alpha=0.8)
    axes.margins(x=0.12, y=0.08)
    for k, (axis, share) in enumerate(zip((axes.xaxis, axes.yaxis), shares, strict=True), 1):
        axis.set_label_text(f"principal component {k}, {share:.0%} of the variance")
        numbers(axis, 5)
    out = np.square(first / first.std()) + np.square(second / second.std())
    return first, second, names, np.argsort(-out)[:LABELS]
