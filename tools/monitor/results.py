"""What the charts hold as a table and as a figure."""

import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy import stats

from recore.predictions import beyond
from tools.monitor.alarms import called, crossings, excess, in_unit
from tools.monitor.measuring import MEDIANS
from tools.monitor.shares import PROMISED
from tools.validate.measures import LEVEL

DRAWN = {"prediction": 3, "bias": 3, "slope": 1, "outside": 1}  # targets in the figure, the furthest out
NAMED = 25  # batches, at most, that the figure's axis names
LINE = 130  # characters of the figure's title
NAME_LENGTH = 28  # characters of a name there, the last


def to_frame(charts, names, new):
    """All charts, one line a batch, chart and target."""
    parts = []
    for chart in charts:
        found = new[chart.name]
        shown = {each: in_unit(chart, getattr(chart, each)) for each in ("value", "centre", "lower", "upper")}
        columns = {"n": found.n.astype(int), **shown}
        error = np.full(chart.value.shape, np.nan)
        if chart.name == "slope":
            error = stats.t.isf((1 - LEVEL) / 2, np.maximum(found.n - 2, 1)) * np.sqrt(found.squares)
        columns |= {"interval_low": shown["value"] - error, "interval_high": shown["value"] + error}
        columns |= {each: getattr(chart, each) for each in ("ewma", "ewma_limit", "crossed", "drifted")}
        part = pd.DataFrame({name: np.ravel(each) for name, each in columns.items()})
        part.insert(0, "batch", np.repeat(names, len(chart.targets)))
        part.insert(1, "chart", chart.name)
        part.insert(2, "target", np.tile(chart.targets, len(names)))
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def summary(charts, batches, model):
    """Cells of a table, one line a batch; beyond are predictions, see `recore.ranges.beyond`."""
    by_name = {chart.name: chart for chart in charts}
    for i, batch in enumerate(batches):
        found = [called(*each) for each in crossings(charts, i)]
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        ratios = [f"{in_unit(by_name[name], by_name[name].value)[i, 0]:.2f}" for name in MEDIANS]
        assays = int((~np.isnan(batch.Y)).sum())
        yield [
            batch.name,
            f"{len(batch.X):,}",
            f"{assays:,}",
            f"{by_name['flagged'].value[i, 0]:.1%}",
            f"{np.count_nonzero(beyond(model.predict(batch.X), model)):,}",
            *ratios,
            ", ".join(found[:3]) + more or "-",
        ]


def draw(charts, names, title):
    """Control charts: each statistic with its limits, and its EWMA beside it."""
    panels = []
    for chart in charts:
        far = np.maximum(*excess(chart)).max(axis=0)
        panels += [(chart, k) for k in np.argsort(-far, kind="stable")[: DRAWN.get(chart.name, 1)]]
    size = (12, 1.2 + 1.7 * len(panels))
    figure, axes = plt.subplots(
        len(panels), 2, figsize=size, sharex=True, squeeze=False, layout="constrained"
    )
    at = np.arange(1, len(names) + 1)
    for (chart, k), (left, right) in zip(panels, axes, strict=True):
        shown = [in_unit(chart, each)[:, k] for each in (chart.value, chart.centre, chart.lower, chart.upper)]
        one_sided = chart.name in PROMISED
        below = np.nan if one_sided else -chart.ewma_limit[:, k]
        draw_one(left, at, *shown, chart.crossed[:, k])
        draw_one(
            right, at, chart.ewma[:, k], np.zeros(len(at)), below, chart.ewma_limit[:, k], chart.drifted[:, k]
        )
        if np.isnan(chart.ewma[:, k]).all():
            right.clear()
            right.set_yticks([])
            right.text(
                0.5, 0.5, "no limits without a reference", transform=right.transAxes, ha="center", color="0.4"
            )
        left.set_ylabel(called(chart, k, False).replace(" ", "\n"))
    axes[0, 0].set_title("of the batch, and its limits")
    axes[0, 1].set_title("EWMA, in its standard deviations, and its limits")
    for axis in axes[-1]:
        axis.set_xlim(0.5, len(names) + 0.5)
        if len(names) <= NAMED:
            axis.set_xticks(at, [name[-NAME_LENGTH:] for name in names], rotation=60, ha="right", fontsize=8)
        else:
            axis.set_xlabel("batch")
    figure.suptitle(textwrap.fill(title, LINE), fontsize=10, color="0.4")
    return figure


def draw_one(axis, at, value, centre, lower, upper, crossed):
    """A statistic over batches; its limits are as wide as the batch that they are of."""
    edges = np.append(at, at[-1] + 1) - 0.5
    axis.stairs(centre, edges, baseline=None, color="0.6", lw=0.8)
    for limit in (np.broadcast_to(lower, at.shape), upper):
        axis.stairs(limit, edges, baseline=None, color="tab:red", lw=0.9, ls="--")
    axis.plot(at, value, "o-", color="tab:blue", lw=0.9, ms=3)
    axis.plot(at[crossed], value[crossed], "o", color="tab:red", ms=6)
    axis.spines[["top", "right"]].set_visible(False)
    axis.locator_params(axis="y", nbins=4)
