"""Which bands a peak may be named after, and when: only near it, and only with others of the material.

A list is a CSV file as tools/demo_data/bands.csv is: mineral (or group of atoms), centre_cm1, strength, motion, source.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.signal import find_peaks

import preprocess
from tools.demo_data.tables import BANDS

ORGANICS = pd.read_csv(Path(__file__).with_name("organics.csv"))
LISTS = {"minerals": BANDS, "organics": ORGANICS}
USUAL = "minerals,organics"
COLUMNS = ["mineral", "centre_cm1", "strength", "source"]
NEAR = (
    6  # cm-1 between a peak and a band that it may be named after; half a window of 7 channels 2 cm-1 apart
)
STRONG = 0.1  # of a band; a material is not told by weaker ones
PROMINENT, HIGH = 0.1, 0.3  # of a peak's height and value in a correlation
MOST = 6  # peaks of a curve that are told
SHARE = 0.5  # of the strong bands of a material that must be near peaks, and two of them if it has two


def read_bands(asked):
    """The bands of lists, "minerals,organics", of a CSV file, or none of "none"; a DataFrame."""
    if asked == "none":
        return BANDS.iloc[:0]
    parts = asked.split(",")
    if set(parts) <= set(LISTS):
        return pd.concat([LISTS[part] for part in dict.fromkeys(parts)], ignore_index=True)
    remedy = f"name {', '.join(LISTS)}, none, or a CSV file with these columns"
    if not Path(asked).is_file():
        raise preprocess.DataError("--bands", f"found neither a list nor a file {asked!r:.60}", remedy=remedy)
    try:
        found = pd.read_csv(asked)
    except (ValueError, OSError):
        raise preprocess.DataError(asked, "found no table", ", ".join(COLUMNS), remedy) from None
    missing = [name for name in COLUMNS if name not in found]
    wrong = [n for n in COLUMNS[1:3] if n in found and not pd.api.types.is_numeric_dtype(found[n])]
    if missing or wrong:
        seen = f"found no column {missing[0]}" if missing else f"found text in column {wrong[0]}"
        raise preprocess.DataError(asked, seen, ", ".join(COLUMNS), remedy)
    return found.dropna(subset=COLUMNS[:3])


def peaks_of(axis, curve):
    """Wavenumbers and heights of the peaks of a correlation, the most prominent first; two arrays (n_peaks,).

    Each is put where a parabola through its three channels has its top.
    """
    at, found = find_peaks(curve, prominence=PROMINENT, height=HIGH)
    left, middle, right = curve[at - 1], curve[at], curve[at + 1]
    bend = left - 2 * middle + right
    away = np.divide(left - right, 2 * bend, where=bend < 0, out=np.zeros(len(at)))
    order = np.argsort(-found["prominences"], kind="stable")
    return np.interp(at + away, np.arange(len(axis)), axis)[order], middle[order]


def named(peaks, bands, low, high):
    """The materials that each peak may be named after: [list of (material, centre)], one list a peak.

    A material is named where SHARE of its strong bands between `low` and `high`, and two, are near peaks.
    """
    found = [[] for _ in peaks]
    seen, fitting = bands[bands["centre_cm1"].between(low, high)], []
    for material, of in seen.groupby("mineral", sort=False):
        centres, strong = of["centre_cm1"].to_numpy(), of["strength"].to_numpy() >= STRONG
        near = np.abs(np.subtract.outer(centres, peaks)) <= NEAR  # (n_bands, n_peaks)
        there = near.any(axis=1)[strong]
        if not len(there):
            continue
        if there.mean() >= SHARE and there.sum() >= min(2, len(there)):
            fitting.append((-there.mean(), material, centres, near))
    for _, material, centres, near in sorted(fitting, key=lambda one: one[0]):
        for band, peak in np.argwhere(near):
            found[peak].append((material, centres[band]))
    return found
