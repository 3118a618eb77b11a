"""One control chart as a figure: a statistic of every batch with its limits, and its EWMA below."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from tools.monitor.alarms import in_unit
from tools.monitor.measuring import MEDIANS
from tools.monitor.shares import PROMISED
from tools.report.figures.style import GRID, MUTED, SERIES, fixed, numbers

HEIGHT = 195  # pixels, of a figure with an EWMA
LOW = 115  # of one without
FEW = 5  # batches, whose dots are larger


def has_drift(chart, k):
    """Whether there is an EWMA of a target."""
    return not np.isnan(chart.ewma[:, k]).all()


def height_of(chart, k):
    """Pixels."""
    return HEIGHT if has_drift(chart, k) else LOW


def chart_figure(figure, chart, k):
    """Draw a target's chart, of all batches.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    chart : tools.monitor.charts.Chart
    k : int
        Place of the target.
    """
    drift = has_drift(chart, k)
    places = fixed(figure, 0.17, 0.18 if drift else 0.3, top=0.96, hspace=0.18)
    panels = figure.subplots(1 + drift, 1, sharex=True, squeeze=False, gridspec_kw=places)[:, 0]
    shown = [in_unit(chart, each)[:, k] for each in (chart.value, chart.centre, chart.lower, chart.upper)]
    panel(panels[0], *shown, chart.crossed[:, k])
    panels[0].set_ylabel("value")
    if chart.name in MEDIANS and not drift:  # without limits of its own, beside the model's
        panels[0].set_ylim(0, max(1.05, 1.1 * np.nanmax(shown[0])))
    if drift:
        limit = chart.ewma_limit[:, k]
        below = np.full(len(limit), np.nan) if chart.name in PROMISED else -limit
        panel(panels[1], chart.ewma[:, k], np.zeros(len(limit)), below, limit, chart.drifted[:, k])
        panels[1].set_ylabel("EWMA, SD")
    for axes in panels:
        axes.yaxis.set_label_coords(-0.145, 0.5)
    panels[-1].set_xlabel("batch")


def panel(axes, value, centre, lower, upper, crossed):
    """A statistic over batches; its limits are as wide as the batch that they are of."""
    at = np.arange(1, len(value) + 1)
    edges = np.append(at, at[-1] + 1) - 0.5
    axes.stairs(centre, edges, baseline=None, color=MUTED, lw=0.7)
    for limit in (lower, upper):
        axes.stairs(limit, edges, baseline=None, color=SERIES[1], lw=1, ls=(0, (4, 3)))
    axes.plot(at, value, "o-", color=SERIES[0], lw=0.9, ms=3.5 if len(at) > FEW else 6, mew=0)
    axes.plot(at[crossed], value[crossed], "o", color=SERIES[1], ms=7, mew=0)
    axes.set_xlim(edges[0], edges[-1])
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    axes.grid(axis="y", color=GRID, lw=0.6)
    axes.set_axisbelow(True)
    numbers(axes.yaxis, 3)
