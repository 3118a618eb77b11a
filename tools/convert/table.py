"""A sheet that is a table of spectra already becomes one that train.py reads; each change is told."""

import re

import numpy as np

import preprocess
from preprocess import ID_COLUMNS, DataError
from tools.convert.assays import SITE
from tools.convert.numbers import decimal_of, is_measured, is_number, numbers_of, refuse
from tools.convert.samples import FEWEST
from tools.convert.sheet import Sheet, read_sheet
from tools.convert.write import log_path, write_log, write_table


def turned(sheet):
    """The Sheet with a spectrum a row: where the names of its rows are an axis, it lies on its side."""
    names = preprocess.channel_names(sheet.header)
    first = [row[0] for row in sheet.rows]
    axis = [cell.replace(",", ".") if is_number(cell) else None for cell in first]
    known = [cell for cell in axis if cell is not None]
    if len(names) >= FEWEST or len(known) < FEWEST:
        return sheet
    rows = [list(column) for column in zip(*sheet.rows, strict=True)]
    header = [
        sheet.header[0] if not is_number(sheet.header[0]) else "",
        *(a if a is not None else cell for a, cell in zip(axis, first, strict=True)),
    ]
    body = [[name, *row] for name, row in zip(sheet.header[1:], rows[1:], strict=True)]
    return Sheet(
        sheet.name,
        ["", *header[1:]],
        body,
        list(range(2, len(body) + 2)),
        [*sheet.said, "turned: it had a channel a row"],
    )


def convert_table(arguments, typed):
    """Read a sheet, put its cells right and write the table."""
    log_path(arguments.output)
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
        if "" in column:
            where = f"row {sheet.first[column.index('')]}, column {sheet.header[k]!r}"
            wrong.append(f"{where}: a gap in a spectrum")
        spectra[:, place] = [float(cell) if cell else np.nan for cell in column]
    index = list(map(str, range(len(sheet.rows))))
    for k in (k for k in range(len(sheet.header)) if k not in set(at)):
        name, column = sheet.header[k], [row[k] for row in sheet.rows]
        if k == 0 and tells_rows_apart(name, column):
            index = column
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
    """Whether a first column is an index: nameless, or every cell another and text or a whole number."""
    whole = all(cell.isdecimal() for cell in column)
    return not name or (len(set(column)) == len(column) > 1 and (whole or not is_measured(column)))
