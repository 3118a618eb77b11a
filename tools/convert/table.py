"""A sheet that is a table of spectra already becomes one that train.py reads; each change is told."""

import re

import numpy as np

import preprocess
from preprocess import ID_COLUMNS, INDEX_NAMES, DataError
from tools.convert.assays import CALLED, SITE
from tools.convert.numbers import GAPS, decimal_of, is_measured, is_number, numbers_of, refuse
from tools.convert.samples import FEWEST
from tools.convert.scan import Refused
from tools.convert.sheet import Sheet, read_sheet
from tools.convert.words import unit_of
from tools.convert.write import check_output, log_path, refuse_options, write_log, write_table

LEAST = 100  # cm-1, that an axis reaches at least


def turned(sheet):
    """The Sheet with a spectrum a row: where the names of its rows are an axis, it lies on its side."""
    names = preprocess.channel_names(sheet.header)
    first = [row[0] for row in sheet.rows]
    axis = [cell.replace(",", ".") if is_number(cell) else None for cell in first]
    known = [cell for cell in axis if cell is not None]
    if len(names) >= FEWEST or len(known) < FEWEST:
        return sheet
    if is_number(sheet.header[0]):
        found = f"found the number {sheet.header[0]!r} where the names of columns should begin"
        raise DataError(sheet.name, found, "a name above each column", "add a row of names")
    try:
        wavenumbers = unit_of(sheet.header[0]) == "1/cm"
    except Refused:
        wavenumbers = False
    if not wavenumbers:
        found = f"found an axis {sheet.header[0]!r}"
        raise DataError(sheet.name, found, "wavenumbers, cm-1", "convert it first")
    rows = [list(column) for column in zip(*sheet.rows, strict=True)]
    header = ["", *(cell if a is None else a for a, cell in zip(axis, first, strict=True))]
    body = [[name, *row] for name, row in zip(sheet.header[1:], rows[1:], strict=True)]
    return Sheet(
        sheet.name,
        header,
        body,
        list(range(2, len(body) + 2)),
        [*sheet.said, "turned: it had a channel a row"],
    )


def convert_table(arguments, typed):
    """Read a sheet, put its cells right and write the table."""
    check_output(arguments)
    of_folder = "assays id quantity to grid keep_scans sample_pattern skip_bad".split()
    options = {f"--{name.replace('_', '-')}": getattr(arguments, name) for name in of_folder}
    options["--block"] = arguments.block != "last"
    refuse_options(options, "a folder of instrument files")
    sheet = turned(read_sheet(arguments.file, arguments.sheet, arguments.header))
    pointed = [re.sub(r"(?<=[0-9]),(?=[0-9])", ".", name) for name in sheet.header]
    channels = preprocess.channel_names(pointed)
    if len(channels) < FEWEST:
        found = f"found {len(channels)} channels among {len(sheet.header)} columns"
        raise DataError(
            arguments.file,
            found,
            f"{FEWEST} or more, named by wavenumber",
            "a sheet of assays goes with --assays and a folder",
        )
    at = [k for k, name in enumerate(pointed) if name in channels]
    axis = [channels[pointed[k]] for k in at]
    check_axis(arguments.file, [sheet.header[k] for k in at], axis)
    check_site(arguments.site, sheet.header)
    wrong, changed, ids, assays = [], [], {}, {}
    spectra = np.empty((len(sheet.rows), len(at)))
    decimal = decimal_of([[row[k] for row in sheet.rows] for k in at])

    def numbers(k):
        found, became, bad = numbers_of(sheet, k, arguments.below, decimal)
        wrong.extend(bad)
        changed.extend(became)
        return found

    for place, k in enumerate(at):
        column = numbers(k)
        gap = next(
            (place for place, row in enumerate(sheet.rows) if not column[place] and row[k] in GAPS), None
        )
        if gap is not None:
            where = f"row {sheet.first[gap]}, column {sheet.header[k]!r}"
            wrong.append(f"{where}: a gap in a spectrum")
        spectra[:, place] = [float(cell) if cell else np.nan for cell in column]
    index = list(map(str, range(len(sheet.rows))))
    for k in (k for k in range(len(sheet.header)) if k not in set(at)):
        name, column = sheet.header[k], [row[k] for row in sheet.rows]
        if k == 0 and tells_rows_apart(name, column):
            index = column
        elif name in INDEX_NAMES:
            found = f"found column {name!r}, as the index of a table is called"
            raise DataError(arguments.file, found, "another name", "rename it, or put it first")
        elif name in ID_COLUMNS or name == arguments.site or not is_measured(column):
            ids[SITE if name == arguments.site else name] = column
        else:
            assays[name] = numbers(k)
    refuse(arguments.file, wrong)
    twice = next((label for label in index if not label or index.count(label) > 1), None)
    if twice is not None:
        raise DataError(arguments.file, f"found the sample {twice!r} more than once", "each once", "mend one")
    renamed = {sheet.header[k]: name for k, name in zip(at, axis, strict=True) if sheet.header[k] != name}
    write_table(arguments.output, index, ids, axis, spectra, assays)
    log = {"command": typed, "said": sheet.said, "renamed": renamed}
    log["changed"] = [{"cell": cell, "before": before, "after": after} for cell, before, after in changed]
    write_log(arguments.output, log)
    for line in sheet.said:
        print(line)
    if renamed:
        first = next(iter(renamed.items()))
        print(f"renamed {len(renamed)} channels, {first[0]!r} to {first[1]!r}")
    if changed:
        print(
            f"changed {len(changed):,} cells, the first {changed[0][0]}: {changed[0][1]!r} to {changed[0][2]!r}"
        )
    print(
        f"wrote {arguments.output}: {len(index):,} rows, {len(axis):,} channels, {len(assays)} assays; {log_path(arguments.output)}"
    )


def tells_rows_apart(name, column):
    """Whether a first column is an index: nameless, called so, or every cell another and text or a whole number."""
    whole = all(cell.isdecimal() for cell in column)
    return (
        not name
        or bool(CALLED.search(name))
        or (len(set(column)) == len(column) > 1 and (whole or not is_measured(column)))
    )


def check_axis(name, written, axis):
    """Raise a DataError unless channels, as they were written and as numbers in text, are an axis of wavenumbers."""
    x = np.array(axis, dtype=float)
    wrong = next((each for each in written if re.search(r"[0-9] *([nuµμ]m|micro|nano)", each)), None)
    if wrong is not None:
        raise DataError(name, f"found channel {wrong!r}", "wavenumbers, cm-1", "convert the axis first")
    places = np.flatnonzero(np.diff(x) * np.sign(x[-1] - x[0]) <= 0)
    if len(places):
        found = f"found channel {written[places[0] + 1]!r} after {written[places[0]]!r}"
        raise DataError(
            name, found, "numbers without signs of thousands, that rise or fall, each once", "mend them"
        )
    if x.max() < LEAST:
        found = f"found channels from {written[0]!r} to {written[-1]!r}"
        raise DataError(name, found, "wavenumbers, cm-1, without signs of thousands", "mend them")


def check_site(site, header):
    """Raise a DataError where --site names no column, or a second one of sites."""
    if site is not None and site not in header:
        raise DataError("--site", f"found no column {site!r}", "one of the table's", "name it")
    if site not in (None, SITE) and SITE in header:
        raise DataError(
            "--site", f"found {site!r}, and a column {SITE} in the table", "one", "remove or rename one"
        )
