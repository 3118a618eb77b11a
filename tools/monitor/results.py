"""What the charts hold, as tables."""

import numpy as np
import pandas as pd
from scipy import stats

from recore.predictions import beyond
from tools.monitor.alarms import called, crossings, in_unit
from tools.monitor.measuring import MEDIANS
from tools.validate.measures import LEVEL

HEADER = ["batch", "rows", "assays", "flagged", "beyond", "leverage", "residual", "crossed"]  # of the summary


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
