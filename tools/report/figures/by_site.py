"""Figures of sites and depths: where the samples lie, and where the model errs."""

import numpy as np
from matplotlib.colors import to_rgba

from tools.report.figures.style import INK, is_wide, numbers, shortened, target_names

FULL = 1.5  # standard deviations, where the colours of `heat` end
LONGEST = 10  # characters of a site's name that is told
DEEP = 0.6  # of full colour, from where a number on it is white
HIGH, LOW = to_rgba("#d55e00"), to_rgba("#0072b2")  # predicted too much, too little


def residuals(figure, error, depth, site, colours, site_colour, unit):
    """Errors of one target against depth and against site; either may be None.

    Parameters
    ----------
    error : ndarray of shape (n_rows,)
        Predicted less measured, in standard deviations of the target; NaN without an assay.
    depth, site : ndarray of shape (n_rows,) or None
        Depths; numbers of sites from 0.
    colours, site_colour : ndarray of shape (n_rows, 4), (n_sites, 4)
    unit : str or None
        What a site is called.
    """
    panels = [name for name, there in (("depth", depth), ("site", site)) if there is not None]
    all_axes = np.atleast_1d(figure.subplots(1, len(panels), sharey=True))
    room = 0.05 * (np.nanmax(error) - np.nanmin(error) or 1)
    for axes, name in zip(all_axes, panels, strict=True):
        axes.axhline(0, color=INK, lw=0.8)
        if name == "depth":
            against_depth(axes, error, depth, colours)
        else:
            against_site(axes, error, site, site_colour)
        axes.set(
            xlabel=unit if name == "site" else name, ylim=(np.nanmin(error) - room, np.nanmax(error) + room)
        )
    all_axes[0].set_ylabel("error, SD")
    numbers(all_axes[0].yaxis, 5)


def against_depth(axes, error, depth, colours):
    """Errors as dots, and the median of each tenth of the rows."""
    known = np.flatnonzero(~np.isnan(error) & ~np.isnan(depth))
    known = known[np.argsort(depth[known], kind="stable")]
    size = np.clip(2500 / max(1, len(known)), 5, 14)
    axes.scatter(depth[known], error[known], s=size, c=colours[known], alpha=0.6, lw=0, rasterized=True)
    parts = [part for part in np.array_split(known, 10) if len(part)]
    middle = [[np.median(values[part]) for part in parts] for values in (depth, error)]
    axes.plot(*middle, color=INK, lw=1.4)
    numbers(axes.xaxis)


def against_site(axes, error, site, site_colour):
    """Of each site the middle half of its errors, 9 of 10, and the median."""
    known = ~np.isnan(error)
    for place, colour in enumerate(site_colour):
        values = error[known & (site == place)]
        if len(values):
            low, quarter, middle, three, high = np.percentile(values, [5, 25, 50, 75, 95])
            axes.plot([place, place], [low, high], color=colour, lw=1)
            axes.plot([place, place], [quarter, three], color=colour, lw=3.4, solid_capstyle="butt")
            axes.plot(place, middle, "o", color=INK, ms=2.4, mew=0)
    axes.set_xticks([])
    axes.set_xlim(-0.7, len(site_colour) - 0.3)


def heat(figure, values, names, sites, unit):
    """Mean error of each target at each site: orange too much, blue too little, nothing where right.

    Parameters
    ----------
    values : ndarray of shape (n_targets, n_sites)
        In standard deviations of the target.
    """
    axes = figure.subplots()
    strength = np.clip(np.nan_to_num(np.abs(values)) / FULL, 0, 1)
    picture = np.where(values[..., None] > 0, HIGH, LOW)
    picture[..., 3] = strength
    axes.imshow(picture, aspect="auto", interpolation="nearest")
    axes.set_yticks(np.arange(len(names)), target_names(figure, names), color=INK)
    sites = shortened(sites, LONGEST)
    step = -(-len(sites) // (44 if is_wide(figure) else 14))
    turned = max(map(len, sites)) * len(sites) / step > (100 if is_wide(figure) else 28)
    axes.set_xticks(np.arange(0, len(sites), step), sites[::step], rotation=90 if turned else 0, color=INK)
    if is_wide(figure) and len(sites) <= 18:  # with room for numbers
        for (row, column), value in np.ndenumerate(values):
            if np.isfinite(value):
                told = f"{value:+.1f}".replace("-", "−") if abs(value) >= 0.05 else "0"
                colour = "#ffffff" if strength[row, column] > DEEP else INK
                axes.text(column, row, told, ha="center", va="center", fontsize=10, color=colour)
    axes.tick_params(length=0)
    axes.set_xlabel(unit)
