"""The sheet of assays: which column holds the samples, which rows match spectra, which numbers are told."""

import difflib
from typing import NamedTuple

from preprocess import ID_COLUMNS, DataError
from tools.convert.numbers import GAPS, SHOWN, decimal_of, is_number, numbers_of

SITE = "SiteID"


class Assays(NamedTuple):
    """Assays by sample, as text."""

    ids: dict  # {sample: row}
    columns: dict  # {name: list of text}, numbers with a point, '' for gaps; ids as they stand
    targets: list
    said: list
    changed: list  # of (cell, before, after)
    id_column: str


def id_column_of(sheet, named, known):
    """The column of sample ids: the one that is named, or whose texts most spectra have; the first where there are none."""
    if named is not None:
        if named not in sheet.header:
            raise DataError(
                "--id", f"found no column {named!r}", f"one of {', '.join(sheet.header)}", "name it"
            )
        return sheet.header.index(named)
    shares = [len({row[k] for row in sheet.rows} & known) for k in range(len(sheet.header))]
    return max(range(len(shares)), key=shares.__getitem__) if any(shares) else 0


def read_assays(sheet, named=None, known=frozenset(), below=None, site=None):
    """The Assays of a Sheet; a DataError lists cells that cannot be told.

    `named` is the column of ids, `site` that of sites; `known` are samples that there are spectra of.
    """
    at = id_column_of(sheet, named, known)
    samples = [row[at] for row in sheet.rows]
    places = {}
    for place, sample in enumerate(samples):
        where = f"{sheet.name}, row {sheet.first[place]}"
        if not sample:
            raise DataError(
                where, "found no sample", f"one in column {sheet.header[at]!r}", "name or remove it"
            )
        if sample in places:
            found = f"found sample {sample!r} again, as in row {sheet.first[places[sample]]}"
            raise DataError(where, found, "each sample once", "mend or remove one")
        places[sample] = place
    columns, targets, changed, wrong = {}, [], [], []
    decimal = decimal_of([[row[k] for row in sheet.rows] for k in range(len(sheet.header)) if k != at])
    for k, name in enumerate(sheet.header):
        if k == at:
            continue
        column = [row[k] for row in sheet.rows]
        filled = [cell for cell in column if cell not in GAPS]
        if name in ID_COLUMNS or name == site or 2 * sum(map(is_number, filled)) <= len(filled):
            columns[name] = column
            continue

        def cell_at(place, name=name):
            return f"row {sheet.first[place]}, column {name!r}"

        found, became, bad = numbers_of(column, name, cell_at, below, decimal)
        wrong += bad
        changed += [(cell_at(place), *each) for place, each in became.items()]
        columns[name] = found
        targets.append(name)
    if wrong:
        more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        remedy = "mend them, or --below half, zero or gap for values below a limit"
        raise DataError(
            sheet.name,
            f"found what is no number, or may be two, {'; '.join(wrong[:SHOWN])}{more}",
            "numbers",
            remedy,
        )
    if site is not None:
        if site not in columns:
            raise DataError("--site", f"found no column {site!r}", f"one of {', '.join(columns)}", "name it")
        columns = {SITE if name == site else name: column for name, column in columns.items()}
    return Assays(places, columns, targets, sheet.said, changed, sheet.header[at])


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
