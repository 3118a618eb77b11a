"""The sheet of assays: which column holds the samples, which rows match spectra, which numbers are told."""

import difflib
import re
from typing import NamedTuple

from preprocess import ID_COLUMNS, INDEX_NAMES, DataError, number
from tools.convert.numbers import decimal_of, is_measured, numbers_of, refuse

SITE = "SiteID"
CALLED = re.compile(
    r"sample|probe|muestra|[ée]chant|(\b|_)(id|n[ro°]|names?|codes?|number|nummer|scans?|files?|datei)$|^lab$|spectr",
    re.IGNORECASE,
)  # what columns of samples are called, whose names may be numbers


class Assays(NamedTuple):
    """Assays by sample, as text."""

    ids: dict  # {sample: row}
    columns: dict  # {name: list of text}, numbers with a point, '' for gaps; ids as they stand
    targets: list
    said: list
    changed: list  # of (cell, before, after)
    id_column: str


def columns_of_ids(sheet, named):
    """Sets of texts, by their columns, that may be samples: those of the one that is named, or of all."""
    at = range(len(sheet.header)) if named is None else [place_of(sheet, named)]
    return {k: frozenset(row[k] for row in sheet.rows) for k in at}


def place_of(sheet, named):
    """Where a column is."""
    if named not in sheet.header:
        found, expected = f"found no column {named!r}", f"one of {', '.join(sheet.header)}"
        raise DataError("--id", found, expected, "name it")
    return sheet.header.index(named)


def id_column_of(sheet, named, known):
    """The column of sample ids: the one that is named, or whose texts most spectra have; the first where there are none.

    A column of measurements is none unless it is named: its numbers may be samples' by chance.
    """
    if named is not None:
        return place_of(sheet, named)
    columns = list(zip(*sheet.rows))
    shares = [len(known.intersection(column)) for column in columns]
    best = [k for k, share in enumerate(shares) if share and share == max(shares)]
    if len({columns[k] for k in best}) > 1:
        found = f"found samples in the columns {' and '.join(repr(sheet.header[k]) for k in best)}"
        raise DataError(sheet.name, found, "one", "name it with --id")
    if best and best[0] and not CALLED.search(sheet.header[best[0]]) and is_measured(columns[best[0]]):
        found = (
            f"found the samples, such as {min(known)!r}, in column {sheet.header[best[0]]!r} of numbers alone"
        )
        raise DataError(sheet.name, found, "a column of samples' names", "name it with --id")
    return best[0] if best else 0


def read_assays(sheet, named=None, known=frozenset(), below=None, site=None):
    """The Assays of a Sheet; a DataError lists cells that cannot be told.

    `named` is the column of ids, `site` that of sites; `known` are samples that there are spectra of.
    """
    at = id_column_of(sheet, named, known)
    check_names(sheet, at, site)
    samples = [row[at] for row in sheet.rows]
    places = {}
    for place, sample in enumerate(samples):
        where = f"{sheet.name}, row {sheet.first[place]}"
        if not sample:
            expected = f"one in column {sheet.header[at]!r}"
            raise DataError(where, "found no sample", expected, "name or remove it")
        if sample in places:
            found = f"found sample {sample!r} again, as in row {sheet.first[places[sample]]}"
            raise DataError(where, found, "each sample once", "mend or remove one")
        places[sample] = place
    columns, targets, changed, wrong = {}, [], [], []
    others = [[row[k] for row in sheet.rows] for k in range(len(sheet.header)) if k != at]
    decimal = decimal_of([column for column in others if is_measured(column)])
    for k, name in enumerate(sheet.header):
        column = [row[k] for row in sheet.rows]
        if k == at:
            continue
        if name in ID_COLUMNS or name == site or not is_measured(column):
            columns[SITE if name == site else name] = column
            continue
        columns[name], became, bad = numbers_of(sheet, k, below, decimal)
        wrong += bad
        changed += became
        targets.append(name)
    refuse(sheet.name, wrong)
    return Assays(places, columns, targets, sheet.said, changed, sheet.header[at])


def check_names(sheet, at, site):
    """Raise a DataError where a column is called as a channel or an index is, or the site's is not there or is two."""
    for k, name in enumerate(sheet.header):
        if k != at and (number(name) is not None or name in INDEX_NAMES):
            found = f"found column {name!r}, as a channel or an index is called"
            remedy = "rename it; is the first row that of the names? --header tells which is"
            raise DataError(sheet.name, found, "names of assays", remedy)
    if site is not None and site == sheet.header[at]:
        raise DataError("--site", f"found {site!r}, the column of samples", "another column", "leave it out")
    if site is not None and site not in sheet.header:
        raise DataError("--site", f"found no column {site!r}", f"one of {', '.join(sheet.header)}", "name it")
    if site not in (None, SITE) and SITE in sheet.header:
        raise DataError(
            "--site", f"found {site!r}, and a column {SITE} in the sheet", "one", "remove or rename one"
        )


def near_misses(missing, others):
    """Pairs of names that differ in little: what is missing, and what may be meant."""
    others = list(others)
    folded = {
        other.lower().replace("_", "").replace("-", "").replace(" ", "").lstrip("0"): other
        for other in others
    }
    for name in missing:
        plain = name.lower().replace("_", "").replace("-", "").replace(" ", "").lstrip("0")
        found = folded.get(plain) or next(iter(difflib.get_close_matches(name, others, 1, 0.85)), None)
        if found:
            yield name, found
