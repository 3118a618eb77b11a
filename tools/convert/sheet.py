"""Any sheet of a laboratory, .xlsx or text, as rows of text: what is header, units, titles; which cells are numbers."""

import csv
import gzip
import io
import re
from typing import NamedTuple

from preprocess import DataError, ends
from tools.convert.numbers import ABSENT, MEANT, Stored, is_number
from tools.convert.text import decoded, encoding_of

DELIMITERS = ";\t,|"
MEASURE = r"([kmµμuc]?g|100 ?g|m?l|[dmµ]?s|[cm]?mol\w*|meq\w*|[cm]?m)"
UNIT = re.compile(
    rf"[(\[]? *(% *\w*|{MEASURE}( *[/.] *| +){MEASURE} *\^?[-−⁻]?[0-9¹²³]*) *[)\]]?|"
    r"\(?\[?\s*(%|wt\.?\s*%|ppm|ppb|pct|m?g\s*/?\s*(kg|g|l|100\s*g)(-1|⁻¹)?|µg/g|ug/g|cmol.*|mmol.*|meq.*|cm-?1|cm⁻¹|-|–|m|cm|°c|ms/cm|ph)\s*\]?\)?",
    re.IGNORECASE,
)


class Sheet(NamedTuple):
    """A table as text."""

    name: str
    header: list
    rows: list  # of lists of text
    first: int  # row of the sheet that rows[0] is, counted from 1
    said: list  # what was recognised on the way


def cells_of(path, sheet=None):
    """All rows of a file as lists of text, and what tells how it was read."""
    if ends(path, ".xlsx", ".xlsm"):
        return workbook_cells(path, sheet)
    with open(path, "rb") as file:
        data = file.read()
    if data.startswith(b"PK\x03\x04"):
        return workbook_cells(path, sheet)
    if data.startswith(b"PAR1"):
        raise DataError(
            path, "found a Parquet file", "text or .xlsx", "train.py and predict.py read it as it is"
        )
    if data.startswith(b"\x1f\x8b"):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, ValueError) as error:
            raise DataError(path, f"found a damaged gzip file ({error})", remedy="copy it again") from None
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise DataError(path, "found an old workbook (.xls)", ".xlsx or text", "save it as .xlsx")
    if sheet is not None:
        raise DataError("--sheet", f"found {sheet!r} for a file of text", "a workbook", "leave it out")
    text = decoded(data)
    lines = text.splitlines()
    if lines and lines[0].lower().startswith("sep=") and len(lines[0]) == 5:
        end, text = lines[0][4], "\n".join(lines[1:])
    else:
        end = delimiter_of(lines)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=end, strict=True)
    try:
        rows = [[cell.strip() for cell in row] for row in reader]
    except csv.Error as error:
        found = f"found what is no table of text ({error})"
        raise DataError(
            f"{path}, near line {reader.line_num}", found, "quotes in pairs", "mend the line"
        ) from None
    named = {";": "semicolons", "\t": "tabs", ",": "commas", "|": "bars"}[end]
    return rows, f"{encoding_of(data)}, cells between {named}"


def delimiter_of(lines):
    """What stands between cells: what gives most lines the same number of cells, two or more."""
    best = (0, 0)
    for end in DELIMITERS:
        widths = [len(row) for row in csv.reader(lines[:200], delimiter=end)]
        usual = max(set(widths), key=widths.count) if widths else 1
        score = widths.count(usual) * (usual > 1), usual
        if score[0] > best[0] or (score[0] == best[0] and end == ";" and score[1] > 1):
            best, chosen = score, end
    return chosen if best[0] else ","


def workbook_cells(path, sheet):
    """The rows of one sheet of a workbook as text; numbers as they are stored."""
    try:
        return cells_of_workbook(path, sheet)
    except DataError:
        raise
    except Exception as error:  # of zip, XML and more
        found = f"cannot be read as a workbook ({type(error).__name__})"
        raise DataError(path, found, remedy="save it again") from None


def cells_of_workbook(path, sheet):
    """As `workbook_cells`, with whatever is raised for a damaged file."""
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    names = [each.title for each in book.worksheets]  # charts have sheets of their own
    for each in book.worksheets:
        each.reset_dimensions()  # what a program wrote of its size may be wrong
    if sheet is not None and sheet not in names:
        raise DataError(
            path, f"found no sheet {sheet!r}", f"one of {', '.join(names)}", "name it with --sheet"
        )
    filled = [
        name
        for name in (
            [sheet] if sheet else [each.title for each in book.worksheets if each.sheet_state == "visible"]
        )
        if any(
            any(cell is not None for cell in row)
            for row in book[name].iter_rows(values_only=True, max_row=50)
        )
    ]
    if len(filled) > 1:
        raise DataError(
            path, f"found {len(filled)} filled sheets, {', '.join(filled)}", "one", "name it with --sheet"
        )
    if not filled:
        raise DataError(path, "found an empty workbook", "a table", "check it")
    rows = [[as_text(cell) for cell in row] for row in book[filled[0]].iter_rows(values_only=True)]
    book.close()
    check_cells(path, filled[0], rows)
    return rows, f"workbook, sheet {filled[0]!r}"


def check_cells(path, sheet, rows):
    """Raise a DataError where a formula has no value, as no program has computed it, or one cell is of several rows."""
    import openpyxl

    table = openpyxl.load_workbook(path)[sheet]
    for merged in table.merged_cells.ranges:
        if merged.max_row > merged.min_row:
            found = f"found the merged cells {merged}"
            raise DataError(path, found, "a cell for each row", "take them apart and fill each")
        beside = sum(bool(cell) for cell in rows[merged.min_row - 1]) if merged.min_row <= len(rows) else 0
        if beside > 1:
            found = f"found the merged cells {merged} in a row of others"
            raise DataError(path, found, "a cell for each column", "take them apart and fill each")
    for k, row in enumerate(table.iter_rows(values_only=True)):
        for place, cell in enumerate(row):
            cell = getattr(cell, "text", cell)  # of a formula of several cells
            if isinstance(cell, str) and cell.startswith("=") and not rows[k][place]:
                where = f"{path}, row {k + 1}, column {place + 1}"
                found = f"found the formula {cell!r} without a value"
                raise DataError(where, found, "a value", "open and save the workbook in Excel")


def as_text(cell):
    """A workbook's cell as text: whole numbers without a point."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell)
    if isinstance(cell, (int, float)):
        return Stored(int(cell) if float(cell).is_integer() and abs(cell) < 1e15 else repr(cell))
    return str(cell).strip()


def read_sheet(path, sheet=None, header=None):
    """The Sheet of a file: title lines above, a units row below its header and empty rows and columns are left out.

    `header` is the row of the names, counted from 1, where it is not to be found.
    """
    rows, how = cells_of(path, sheet)
    said = [how]
    filled = [k for k, row in enumerate(rows) if any(row)]
    if not filled:
        raise DataError(path, "found no filled cell", "a table", "check it")
    width = max(len(row) for row in rows)
    rows = [row + [""] * (width - len(row)) for row in rows]
    at = header - 1 if header is not None else header_of(rows, filled)
    if not 0 <= at < len(rows):
        raise DataError("--header", f"found {header}", f"1 to {len(rows)}", "name the row of the names")
    above = [k + 1 for k in filled if k < at]
    if above:
        said.append(f"left out {len(above)} title lines above the names, row {above[0]}")
    names, below = [" ".join(name.split()) for name in rows[at]], at + 1
    used = [k for k in range(width) if any(row[k] for row in rows[at:])]
    if below < len(rows) and is_units([rows[below][k] for k in used]):
        said.append(f"left out a row of units, row {below + 1}: {', '.join(filter(None, rows[below]))[:100]}")
        below += 1
    kept = [k for k, name in enumerate(names) if name or any(row[k] for row in rows[below:])]
    nameless = [k + 1 for k in kept if not names[k] and k]
    if nameless:
        raise DataError(
            f"{path}, column {nameless[0]}",
            "found no name above filled cells",
            "one for each column",
            "name it",
        )
    body = [(k, [row[c] for c in kept]) for k, row in enumerate(rows[below:], below) if any(row)]
    empty = len(rows) - below - len(body)
    if empty:
        said.append(f"left out {empty} empty rows")
    if not body:
        raise DataError(path, "found names and no row below", "a row for each sample", "check it")
    names = [names[c] for c in kept]
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice:
        raise DataError(path, f"found column {twice!r} twice", "every name once", "rename one")
    return Sheet(path, names, [row for _, row in body], [k + 1 for k, _ in body], said)


def header_of(rows, filled):
    """The row of the names: the first that is as wide as what follows, and of text for the most part."""
    widths = [sum(map(bool, rows[k])) for k in filled]
    wide = max(widths[1:] or widths)
    for k, width in zip(filled, widths, strict=True):
        if 2 * width > wide:
            return k
    return filled[0]


def is_units(row):
    """Whether a row tells units: no number in it, and all of its cells are units, or some are and its first is empty."""
    cells = [cell for cell in row if cell]
    dashes = {"-", "–"}
    if not cells or any(is_number(cell) or (ABSENT.fullmatch(cell) and cell not in dashes) for cell in cells):
        return False
    known = [cell for cell in cells if UNIT.fullmatch(cell)]
    if set(known) <= dashes or any(MEANT.fullmatch(cell) for cell in cells):
        return False
    return len(known) == len(cells) or not row[0]
