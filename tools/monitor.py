"""Is the model still right? Control charts over batches of new spectra.

    python -m tools.monitor model monday.csv tuesday.csv --reference good-1.csv good-2.csv …
    python -m tools.monitor model new.csv --reference good.csv --group SiteID

A batch is a file, or `--batch N` rows of it, or the rows of a hole (`--group`); batches are charted
in the order given. Of each batch:

    leverage, residual  the median, in units of the model's limits (mdl, `applicability`)
    flagged             share of samples that are not "inside"
    prediction          mean of each target, before clipping
    bias                mean of predicted - measured, where there are assays
    slope               of measured on predicted, from SLOPE_ROWS assays on
    outside             share of assays outside the 90 % bounds (mdl, `predict_interval`)

The limits, what they rest on and what they promise: tools/monitor_charts.py. They come from batches known
to be good (`--reference`), cut as the new ones; without, they are assumed and find gross faults only.
False alarms are aimed at `--rate` a good batch; what comes of it is measured by `python -m
tools.monitor_trial`: two to three times as many.

Exit status: 0 all within limits; 1 a limit is crossed, told in one line on stderr; 2 a mistake in what
was given. Written to reports/NAME/, NAME the model's folder: monitor.csv, monitor.png.
"""

import argparse
import json
import os
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy import stats
from tqdm import tqdm

import preprocess
import train
from tools import monitor_charts
from tools.output import markdown
from tools.validate.measures import LEVEL

DRAWN = {"prediction": 3, "bias": 3, "slope": 1, "outside": 1}  # targets in the figure, the furthest out
NAMED = 25  # batches, at most, that the figure's axis names
LINE = 130  # characters of the figure's title
NAME_LENGTH = 28  # characters of a name there, the last

SPECTRA = (
    "measure a known sample again, look at the spectra, and find out what changed: instrument or material"
)
ASSAYS = "check the laboratory with control samples; if the assays stand, train again with these samples"
WITH_ASSAYS = ("bias", "slope", "outside")


class Alarm(SystemExit):
    """A limit is crossed: the outcome of a working tool, status 1."""


class Batch(NamedTuple):
    """Samples that are charted as one."""

    name: str
    X: pd.DataFrame  # (n, n_features), in the model's order
    Y: np.ndarray  # (n, n_targets), in the model's order, NaN where there is no assay


# --- batches ------------------------------------------------------------------------


def read_batches(paths, model, rows=None, group=None, label=""):
    """The batches of files, in their order.

    Parameters
    ----------
    paths : list of str
    model : ZeroClippedRidgeCV
    rows : int, optional
        Cut each file into batches of as many rows.
    group : str, optional
        Cut each file by this id column, in order of appearance.
    label : str
        Beside the progress bar.

    Returns
    -------
    list of Batch

    Raises
    ------
    DataError
        For a file that cannot be read or is not the model's.
    """
    bar = tqdm(paths, label, leave=False, disable=None, delay=2)
    return [batch for path in bar for batch in cut(path, preprocess.read_table(path), model, rows, group)]


def cut(path, table, model, rows=None, group=None):
    """Yield the batches of one file."""
    name = os.path.basename(preprocess.find_table(path))
    try:
        places = train.places([str(each) for each in table.features], list(model.feature_names_in_))
    except preprocess.DataError as error:
        raise preprocess.DataError(f"{name}: {error}") from None
    X = table.features.iloc[:, places].set_axis(model.feature_names_in_, axis=1)
    Y = table.targets.reindex(columns=model.target_names_).to_numpy(dtype=float)
    others = table.targets.columns.difference(model.target_names_, sort=False)
    if len(others):
        print(f"{name}: not charted, no target of the model: {', '.join(others)}\n")
    if group is not None:
        if group not in table.ids:
            raise preprocess.DataError(
                f"{name}: found no id column {group!r}, expected one of {', '.join(table.ids) or 'none'}; "
                "name one of them, or cut by --batch"
            )
        number, groups = pd.factorize(table.ids[group], use_na_sentinel=False)
        for k, each in enumerate(groups):
            yield Batch(f"{name} {group} {each}", X[number == k], Y[number == k])
        return
    step = rows or len(X)
    for first in range(0, len(X), step):
        last = min(first + step, len(X))
        part = f" rows {first + 1}-{last}" if step < len(X) else ""
        yield Batch(name + part, X[first:last], Y[first:last])


def check_reference(paths, batches, folder):
    """Raise a DataError for a reference that is too short or that the model was trained on."""
    with open(os.path.join(folder, train.DESCRIPTION), encoding="utf-8") as file:
        trained = json.load(file).get("training", {}).get("sha256")
    for path in map(preprocess.find_table, paths):
        if train.file_sum(path) == trained:
            raise preprocess.DataError(
                f"{path}: found the file that the model was trained on, which it fits better than any other; "
                "give good batches that it has not seen as --reference"
            )
    if len(batches) < monitor_charts.REFERENCE:
        raise preprocess.DataError(
            f"--reference: found {len(batches)} batches, expected {monitor_charts.REFERENCE} or more (20 are usual); give "
            "more files, or cut them with --batch or --group, the new ones alike"
        )


# --- results ------------------------------------------------------------------------


def in_unit(chart, values):
    """Values (n_batches, k) of a chart as they are reported: of a median a ratio, else in the target's unit."""
    return np.exp(values) if chart.name in monitor_charts.MEDIANS else chart.offset + chart.scale * values


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


def excess(chart):
    """How far out each value and each EWMA is, in units of its limit; (n_batches, k) each, 0 for none."""
    away = chart.value - chart.centre
    with np.errstate(divide="ignore", invalid="ignore"):
        own = away / np.where(away < 0, chart.lower - chart.centre, chart.upper - chart.centre)
        one_sided = chart.name in monitor_charts.PROMISED
        drift = (chart.ewma if one_sided else np.abs(chart.ewma)) / chart.ewma_limit
    return np.nan_to_num(own), np.nan_to_num(drift)


def crossings(charts, batch):
    """What crossed its limit in a batch: (chart, place of the target, whether by the EWMA), what says most first.

    Of a spectrum that is unlike the training, predictions mean nothing; and a bias may be theirs.
    """
    found, places = [], {"prediction": 1, **dict.fromkeys(WITH_ASSAYS, 2)}
    for chart in charts:
        pairs = zip((chart.crossed, chart.drifted), excess(chart), strict=True)
        for drift, (crossed, far) in enumerate(pairs):
            found += [(far[batch, k], chart, k, bool(drift)) for k in np.flatnonzero(crossed[batch])]
    found.sort(key=lambda each: (each[3], places.get(each[1].name, 0), -each[0]))
    return [each[1:] for each in found]


def called(chart, k, drift):
    """'drift of bias CuPPM'."""
    return " ".join(filter(None, ["drift of" if drift else "", chart.name, chart.targets[k]]))


def alarm_line(charts, names, folder):
    """One line on the first batch with a crossing, or None."""
    found = [crossings(charts, batch) for batch in range(len(names))]
    batch = next((batch for batch, each in enumerate(found) if each), None)
    if batch is None:
        return None
    chart, k, drift = found[batch][0]
    if drift:
        value, limit = chart.ewma[batch, k], chart.ewma_limit[batch, k]
        value, limit = f"EWMA {value:+.2f}", f"{np.copysign(limit, value):+.2f} of its standard deviations"
    else:
        side = chart.lower if chart.value[batch, k] < chart.lower[batch, k] else chart.upper
        value, limit = (f"{in_unit(chart, each)[batch, k]:.4g}" for each in (chart.value, side))
    remedy = ASSAYS if chart.name in WITH_ASSAYS else SPECTRA
    more = sum(map(len, found)) - 1
    also = f"; {more:,} more in {folder}/monitor.csv" if more else ""
    return f"{names[batch]}: {called(chart, k, drift)}: found {value}, limit {limit}; {remedy}{also}"


def summary(charts, batches):
    """Cells of a table, one line a batch."""
    by_name = {chart.name: chart for chart in charts}
    for i, batch in enumerate(batches):
        found = [called(*each) for each in crossings(charts, i)]
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        ratios = [
            f"{in_unit(by_name[name], by_name[name].value)[i, 0]:.2f}" for name in monitor_charts.MEDIANS
        ]
        assays = int((~np.isnan(batch.Y)).sum())
        yield [
            batch.name,
            f"{len(batch.X):,}",
            f"{assays:,}",
            f"{by_name['flagged'].value[i, 0]:.1%}",
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
        one_sided = chart.name in monitor_charts.PROMISED
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
    """A statistic over batches with its limits as steps."""
    axis.step(at, centre, where="mid", color="0.6", lw=0.8)
    for limit in (np.broadcast_to(lower, at.shape), upper):
        axis.step(at, limit, where="mid", color="tab:red", lw=0.9, ls="--")
    axis.plot(at, value, "o-", color="tab:blue", lw=0.9, ms=3)
    axis.plot(at[crossed], value[crossed], "o", color="tab:red", ms=6)
    axis.spines[["top", "right"]].set_visible(False)
    axis.locator_params(axis="y", nbins=4)


# --- the step -----------------------------------------------------------------------


def arguments_of(argv):
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="folder that train.py wrote")
    parser.add_argument("files", nargs="+", metavar="file", help="spectra, in the order of their batches")
    parser.add_argument(
        "--reference", nargs="+", metavar="FILE", help="good batches, not trained on, to take the limits from"
    )
    cuts = parser.add_mutually_exclusive_group()
    cuts.add_argument("--batch", type=int, metavar="N", help="rows a batch (default: the whole file)")
    cuts.add_argument("--group", metavar="ID", help="id column, such as SiteID, whose groups are batches")
    parser.add_argument(
        "--alike",
        type=float,
        default=monitor_charts.ALIKE,
        help="of a batch's variance, what its rows share (%(default)s)",
    )
    parser.add_argument(
        "--rate", type=float, default=monitor_charts.ALARM, help="false alarms a good batch (%(default)s)"
    )
    arguments = parser.parse_args(argv)
    if arguments.batch is not None and arguments.batch < 1:
        parser.error(f"--batch: found {arguments.batch}, expected 1 or more")
    if not 0 <= arguments.alike < 1 or not 0 < arguments.rate < 1:
        parser.error(
            f"expected --alike from 0 to below 1 and --rate between 0 and 1, got {arguments.alike}, "
            f"{arguments.rate}"
        )
    return arguments


def basis(reference, alike):
    """What the limits rest on, in words."""
    if reference:
        return f"limits from {len(reference)} reference batches"
    return (
        f"no --reference: limits assume that batches are like the training spectra and that {alike:.0%} of "
        "their variance is common to a batch; they find gross faults only"
    )


def main(argv=None):
    arguments = arguments_of(argv)
    model = train.model_fn(arguments.model)
    cuts = arguments.batch, arguments.group
    reference, old = [], None
    if arguments.reference:
        reference = read_batches(arguments.reference, model, *cuts, label="reference")
        check_reference(arguments.reference, reference, arguments.model)
        old = monitor_charts.measure(model, reference, "reference")
    batches = read_batches(arguments.files, model, *cuts, label="reading")
    new = monitor_charts.measure(model, batches, "measuring")
    charts = monitor_charts.chart_all(model, new, old, alike=arguments.alike, rate=arguments.rate)
    names = [batch.name for batch in batches]
    name = Path(arguments.model).resolve().name
    folder = Path("reports") / name
    told = f"{basis(reference, arguments.alike)}; false alarms aimed at: {arguments.rate:g} a batch"

    with preprocess.replacing(folder / "monitor.csv") as file:
        to_frame(charts, names, new).to_csv(file, index=False)
    figure = draw(charts, names, f"{name}: {told}")
    with preprocess.replacing(folder / "monitor.png", "wb") as file:
        figure.savefig(file, format="png", dpi=100)
    plt.close(figure)
    header = ["batch", "rows", "assays", "flagged", "leverage", "residual", "crossed"]
    print("\n".join(markdown(header, list(summary(charts, batches)))))
    print(f"\n{told}\nwrote {folder}/")
    alarm = alarm_line(charts, names, folder)
    if alarm:
        raise Alarm(f"{Path(__file__).name}: {alarm}")


def run():
    """Run the step; status 2 for a mistake, as argparse has it, since 1 is an alarm."""
    try:
        preprocess.run(main)
    except Alarm:
        raise
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
            sys.exit(2)
        raise


if __name__ == "__main__":
    run()
