"""Figures of targets: a line or a panel each."""

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from tools.report.figures.style import (
    BAND,
    GRID,
    INK,
    MUTED,
    SERIES,
    dots,
    fixed,
    is_wide,
    numbers,
    power,
    target_names,
)


def rows(figure, names, series, xlabel, *, limits=None, log=False, marks=()):
    """One line a name, one dot a series: what is compared stands on one line.

    Parameters
    ----------
    names : list of str, (n,)
    series : dict of str to ndarray of shape (n,)
    xlabel : str
    limits : (float, float), optional
        Of the axis; a dot beyond them becomes an arrow at its edge.
    log : bool
    marks : sequence of float
        Lines to compare with.
    """
    drawn = row_dots(figure.subplots(), names, series, xlabel, limits, log, marks)
    if len(series) > 1:
        figure.legend(*drawn, loc="outside upper left", ncols=2, frameon=False, handletextpad=0.2)


def row_dots(axes, names, series, xlabel, limits=None, log=False, marks=()):
    """`rows` on axes; what a legend needs of it."""
    y = np.arange(len(names))
    values = np.array(list(series.values()))
    low, high = limits or (np.nanmin(values), np.nanmax(values))
    if log:
        axes.set(xscale="log", xlim=(low / 3, high * 3))
    for at in marks:
        axes.axvline(at, color=MUTED, lw=0.8, ls=(0, (3, 3)))
    shown = np.clip(values, low, high)
    if len(shown) > 1:
        axes.hlines(y, np.nanmin(shown, axis=0), np.nanmax(shown, axis=0), color=BAND, lw=1.6, alpha=0.6)
    for place, (name, value) in enumerate(series.items()):
        colour, inside = SERIES[place], (value >= low) & (value <= high)
        marker = "os^D"[place]
        axes.plot(value[inside], y[inside], marker, color=colour, ms=4.2, label=name, zorder=3, mew=0)
        if not inside.all():  # an empty line that may leave the axes would make room for itself
            at = np.clip(value[~inside], low, high), y[~inside]
            axes.plot(*at, "<", color=colour, ms=5, clip_on=False, mew=0)
    axes.set_yticks(y, target_names(axes.figure, names), color=INK)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(color=GRID, lw=0.6)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(xlabel)
    if limits and not log:
        room = 0.02 * (high - low)
        axes.set_xlim(low - room, high + room)
        numbers(axes.xaxis, 5)
    return axes.get_legend_handles_labels()


def rows_height(n):
    """Pixels that `rows` needs for n lines."""
    return 70 + 20 * n


def side_by_side(figure, names, panels):
    """`rows` of several panels, {label of the axis: (series, options)}; below each other where there is no room."""
    wide = is_wide(figure)
    shape = (1, len(panels)) if wide else (len(panels), 1)
    all_axes = figure.subplots(*shape, sharey=True)
    for axes, (label, (series, options)) in zip(all_axes, panels.items(), strict=True):
        drawn = row_dots(axes, names, series, label, **options)
    figure.legend(*drawn, loc="outside upper left", ncols=3 if wide else 1, frameon=False, handletextpad=0.2)


def alphas(figure, names, series, grid, **options):
    """`rows` of alphas, with the grid that they were chosen from along the top and its edges dashed."""
    edges = grid.min(), grid.max()
    rows(figure, names, series, "α", log=True, limits=edges, marks=edges, **options)
    (axes,) = figure.axes
    axes.xaxis.set_major_locator(LogLocator(10, numticks=6))
    axes.xaxis.set_major_formatter(FuncFormatter(power))
    axes.xaxis.set_minor_locator(NullLocator())
    top = axes.get_xaxis_transform()
    axes.plot(grid, np.ones(len(grid)), "|", color=MUTED, ms=4, mew=0.6, clip_on=False, transform=top)


def scatter(axes, measured, predicted, colours):
    """Predicted against measured, with the line on which they are the same."""
    known = np.flatnonzero(~np.isnan(measured))
    known = np.random.default_rng(0).permutation(known)  # else the last site would cover the others
    low, high = ends_of(measured[known], predicted[known])
    size = np.clip(2500 / len(known), 5, 18)
    axes.scatter(
        measured[known], predicted[known], s=size, c=colours[known], alpha=0.75, lw=0, rasterized=True
    )
    square(axes, low, high)


def ends_of(*values):
    """The smallest and the largest of arrays, and some room."""
    both = np.concatenate(values)
    room = 0.04 * (np.ptp(both) or 1)
    return both.min() - room, both.max() + room


def square(axes, low, high):
    """Equal axes, measured and predicted, and the line on which they are the same."""
    axes.axline((low, low), slope=1, color=INK, lw=0.8)
    axes.set(xlim=(low, high), ylim=(low, high), xlabel="measured", ylabel="predicted")
    numbers(axes.xaxis, 4)
    numbers(axes.yaxis, 4)


def bounded(figure, measured, bounds, colours, site, shapes):
    """Predicted against measured, with the bounds of each: a bar that misses the line missed the assay.

    Parameters
    ----------
    measured : ndarray of shape (n_rows,)
        NaN without an assay.
    bounds : ndarray of shape (3, n_rows)
        Prediction, lower, upper.
    colours, site, shapes
        As `dots` takes them.
    """
    axes = figure.subplots(gridspec_kw=fixed(figure, 0.2, 0.19, top=0.97))
    known = np.flatnonzero(~np.isnan(measured))
    x, (predicted, lower, upper) = measured[known], bounds[:, known]
    inside = (x >= lower) & (x <= upper)
    for these, colour, alpha in ((inside, BAND, 0.45), (~inside, SERIES[1], 0.9)):
        strength = alpha if len(known) < 300 else alpha / 3
        axes.vlines(x[these], lower[these], upper[these], color=colour, lw=1, alpha=strength, rasterized=True)
    dots(axes, x, predicted, colours[known], site[known], shapes, np.clip(2500 / len(known), 4, 16), zorder=3)
    square(axes, *ends_of(x, predicted))


def lines(figure, curves, xlabel, ylabel):
    """Lines with dots; `curves` is {name: (x, y)}."""
    axes = figure.subplots()
    for place, (name, (x, y)) in enumerate(curves.items()):
        axes.plot(x, y, color=SERIES[place], marker="os^D"[place], ms=4.5, lw=1.4, mew=0, label=name)
    axes.grid(color=GRID, lw=0.6)
    axes.set_axisbelow(True)
    axes.set(xlabel=xlabel, ylabel=ylabel, xlim=(0, None))
    numbers(axes.xaxis, 5)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    if len(curves) > 1:
        figure.legend(loc="outside upper left", ncols=2, frameon=False, handletextpad=0.4)
