"""Instrument files of one drop become tables, as tools.convert makes them: one for each grid of channels."""

import os
from argparse import Namespace
from collections import Counter

import numpy as np

from preprocess import DataError
from tools.convert import samples
from tools.convert.folder import check_names, natural, read_all, tell_scans, warnings_of
from tools.convert.scan import UNKNOWN, quantity_told
from tools.convert.write import write_table
from tools.page.heard import one_line
from tools.page.source import Source

MEASURED = "choose under Options what they measure"
CONVERT = "switch on “Convert to absorbance” under Options, or drop them by themselves"


def read_scans(paths, asked, step):
    """The Scans of files that can be taken together, and (name, reason) of the others; `step(name)` before each."""
    how = Namespace(quantity=asked.quantity, to="absorbance" if asked.absorbance else None, block="last")
    scans, refused = [], []
    for path in sorted(paths, key=natural):
        step(os.path.basename(path))
        how.file = os.path.dirname(path)
        try:
            some, bad = read_all([path], how)
        except Exception as error:  # a damaged file may raise anything, and the others wait
            some, bad = [], [(os.path.basename(path), f"cannot be read ({one_line(error, how.file)})")]
        scans += some
        refused += [(name, f"it {reason}") for name, reason in bad]
    silent = [scan for scan in scans if scan.quantity == UNKNOWN]
    refused += [
        (os.path.basename(scan.path), f"it does not say what it measures; {MEASURED}") for scan in silent
    ]
    return one_quantity([scan for scan in scans if scan.quantity != UNKNOWN], refused)


def one_quantity(scans, refused):
    """Scans of the quantity that most have; the others are refused, and all where two have as many."""
    counts = Counter(map(quantity_told, scans)).most_common()
    if len(counts) < 2:
        return scans, refused
    usual = counts[0][0] if counts[0][1] > counts[1][1] else None
    others = " and ".join(f"{count} {told}" for told, count in counts)
    refused = refused + [
        (
            os.path.basename(scan.path),
            f"it measures {quantity_told(scan)}, of files that measure {others}; {CONVERT}",
        )
        for scan in scans
        if quantity_told(scan) != usual
    ]
    return [scan for scan in scans if quantity_told(scan) == usual], refused


def by_grid(scans):
    """Lists of Scans of one grid each."""
    groups = []
    for scan in scans:
        group = next((some for some in groups if samples.close(scan.x, some[0].x)), None)
        if group is None:
            groups.append([scan])
        else:
            group.append(scan)
    return groups


def write_scans(scans, folder):
    """The Source of Scans of one grid, a row a sample, its table written in a folder."""
    names, _, how = samples.names_of(scans)
    check_names(names, how)
    spectra, axis, moved = samples.on_one_grid(scans)
    twins, odd = samples.averaged(scans, names, spectra)
    path = os.path.join(folder, "scans.csv")
    write_table(path, [each.name for each in twins], {}, axis, np.array([each.y for each in twins]), {})
    said = [*tell_scans(scans, twins, axis, moved, how, []), *odd, *warnings_of(scans)]
    more = f" and {len(scans) - 1} more" if len(scans) > 1 else ""
    return Source(os.path.basename(scans[0].path) + more, path, said)


def sources_of_scans(paths, folder, asked, step):
    """The Sources of instrument files, and (name, reason) of those that are refused."""
    scans, refused = read_scans(paths, asked, step)
    sources = []
    for place, group in enumerate(by_grid(scans)):
        below = os.path.join(folder, f"grid{place}")
        os.makedirs(below)
        try:
            sources.append(write_scans(group, below))
        except DataError as error:
            refused += [(os.path.basename(scan.path), one_line(error, below)) for scan in group]
    return sources, refused
