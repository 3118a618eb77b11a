"""What crossed its limit, and what to say of it."""

import numpy as np

from tools.monitor.measuring import MEDIANS
from tools.monitor.shares import PROMISED

SPECTRA = (
    "measure a known sample again, look at the spectra, and find out what changed: instrument or material"
)
ASSAYS = "check the laboratory with control samples; if the assays stand, train again with these samples"
WITH_ASSAYS = ("bias", "slope", "outside")


def excess(chart):
    """How far out each value and each EWMA is, in units of its limit; (n_batches, k) each, 0 for none."""
    away = chart.value - chart.centre
    with np.errstate(divide="ignore", invalid="ignore"):
        own = away / np.where(away < 0, chart.lower - chart.centre, chart.upper - chart.centre)
        one_sided = chart.name in PROMISED
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


def in_unit(chart, values):
    """Values (n_batches, k) of a chart as they are reported: of a median a ratio, else in the target's unit."""
    return np.exp(values) if chart.name in MEDIANS else chart.offset + chart.scale * values
