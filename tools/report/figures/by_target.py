"""Figures of targets: a line or a panel each."""

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from tools.report.figures.style import BAND, GRID, INK, MUTED, SERIES, fixed, numbers, power


def rows(figure, names, series, xlabel, *, halves=None, limits=None, log=False, marks=(), legend=True):
    """One line a name, one dot a series: what is compared stands on one line.

    Parameters
    ----------
    names : list of str, (n,)
    series : dict of str to ndarray of shape (n,)
    xlabel : str
    halves : dict of str to ndarray of shape (n,), optional
        Half an interval, drawn as a bar.
    limits : (float, float), optional
        Of the axis; a dot beyond them becomes an arrow at its edge.
    log : bool
    marks : sequence of float
        Lines to compare with.
    """
    axes, y = figure.subplots(), np.arange(len(names))
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
        half = (halves or {}).get(name)
        if half is not None:
            axes.errorbar(
                value[inside], y[inside], xerr=np.nan_to_num(half[inside]), fmt="none", ecolor=colour, lw=1
            )
        marker = "os^D"[place]
        axes.plot(value[inside], y[inside], marker, color=colour, ms=4.2, label=name, zorder=3, mew=0)
        if not inside.all():  # an empty line that may leave the axes would make room for itself
            at = np.clip(value[~inside], low, high), y[~inside]
            axes.plot(*at, "<", color=colour, ms=5, clip_on=False, mew=0)
    axes.set_yticks(y, names, color=INK)
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
    if legend and len(series) > 1:
        figure.legend(loc="outside upper left", ncols=2, frameon=False, handletextpad=0.2)


def rows_height(n):
    """Inches that `rows` needs for n lines."""
    return 0.75 + 0.19 * n


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
    both = np.concatenate([measured[known], predicted[known]])
    room = 0.04 * (np.ptp(both) or 1)
    low, high = both.min() - room, both.max() + room
    size = np.clip(2500 / len(known), 5, 18)
    axes.scatter(
        measured[known], predicted[known], s=size, c=colours[known], alpha=0.75, lw=0, rasterized=True
    )
    axes.axline((low, low), slope=1, color=INK, lw=0.8)
    axes.set(xlim=(low, high), ylim=(low, high))
    numbers(axes.xaxis, 3)
    numbers(axes.yaxis, 3)
    axes.set_xlabel("measured")


def scatters(figure, measured, panels, colours):
    """`scatter` for each of `panels`, {title: predicted}, side by side on the same scale."""
    place = fixed(figure, 0.15, 0.2, top=0.91)
    all_axes = figure.subplots(1, max(2, len(panels)), sharex=True, sharey=True, gridspec_kw=place)
    for axes, (title, predicted) in zip(all_axes, panels.items(), strict=False):
        scatter(axes, measured, predicted, colours)
        axes.set_title(title, loc="left", pad=3)
    for axes in all_axes[len(panels) :]:
        axes.set_visible(False)
    low = min(axes.get_xlim()[0] for axes in all_axes[: len(panels)])
    high = max(axes.get_xlim()[1] for axes in all_axes[: len(panels)])
    all_axes[0].set(xlim=(low, high), ylim=(low, high), ylabel="predicted")


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
