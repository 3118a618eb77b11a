"""The table for people beside bare predictions: ids, verdicts, predictions with bounds, marks; CSV or a sheet."""

import os
from contextlib import contextmanager

import numpy as np

from preprocess import DataError, beside, csv_header, ends, quote
from recore.predictions import WHOLE, marks_of, told

ENDS = ("", " lower", " upper", " verdict", " mark")  # of the columns of a target
DIGITS, MOST_DIGITS = 3, 15  # significant ones
SHEET_ROWS = 1_048_575  # that a sheet of .xlsx has below its header


def header(ids, model):
    """The columns, for the names of ids."""
    targets = [name + end for name in model.target_names_ for end in ENDS]
    names = [*ids, "verdict", "leverage", "residual", *targets]
    twice = next((name for name in ids if names.count(name) > 1), None)
    if twice is not None:
        found = f"found an id column {twice!r}, as a column of the details is called"
        raise DataError("", found, remedy="rename or remove it")
    return names


def rows(table, predictions, model, coverage, digits):
    """Yield labels (index and ids) and cells of each row of a preprocess.Table."""
    marks = marks_of(model)
    labels = zip(table.ids.index, *(table.ids[name] for name in table.ids))
    for label, (verdict, *numbers) in zip(labels, told(table.features, predictions, model, coverage)):
        cells = [verdict, *numbers[:2]]
        for place, mark in enumerate(marks):
            cells += [*numbers[2 + 4 * place : 6 + 4 * place], mark]
        yield label, rounded(cells, digits)


def rounded(cells, digits):
    """Cells with their numbers rounded to significant digits."""
    return [cell if isinstance(cell, str) else float(f"{cell:.{digits}g}") for cell in cells]


def lines(table, predictions, model, coverage, digits):
    """The rows as CSV: a number has no exponent unless it is very large or small."""
    found = rows(table, predictions, model, coverage, digits)
    line = None
    texts = []
    for label, cells in found:
        line = line or "".join([",%s" if isinstance(cell, str) else ",%.15g" for cell in cells]) + "\n"
        texts.append(",".join(map(quote, label)) + line % tuple(cells))
    return "".join(texts)


class Csv:
    """Rows that go to an open file, up to `most`; beyond, none are to be kept."""

    def __init__(self, file, most):
        self.file, self.most, self.n_rows = file, most, 0

    def made(self, *what):
        """What `add` takes, of a preprocess.Table, predictions, model, coverage and digits."""
        return lines(*what)

    def add(self, names, made, n_rows):
        """Write rows, below a header."""
        if self.is_kept():
            self.file.write(made if self.n_rows else csv_header(names) + made)
        self.n_rows += n_rows

    def is_kept(self):
        """Whether there are no more rows than `most`."""
        return self.most is None or self.n_rows <= self.most

    def close(self):
        self.file.close()


class Sheet(Csv):
    """The same, as a workbook of one sheet."""

    def __init__(self, file, most):
        super().__init__(file, most)
        try:
            from openpyxl import Workbook
        except ImportError:
            remedy = "install it (pip install openpyxl), or name a .csv"
            raise DataError("", "found no openpyxl, which .xlsx needs", remedy=remedy) from None
        self.book = Workbook(write_only=True)
        self.sheet = self.book.create_sheet("predictions")
        self.sheet.freeze_panes = "B2"

    def made(self, *what):
        return [[*label, *cells] for label, cells in rows(*what)]

    def add(self, names, made, n_rows):
        if self.n_rows + n_rows > SHEET_ROWS:
            expected = f"at most {SHEET_ROWS:,} in one .xlsx"
            raise DataError("", "found more rows than a sheet holds", expected, "name a .csv")
        if not self.n_rows:
            self.sheet.append([self.cell(name) for name in ("index", *names)])
        for row in made if self.is_kept() else ():
            self.sheet.append([self.cell(value) for value in row])
        self.n_rows += n_rows

    def cell(self, value):
        """A cell: a label of a whole number as one; text is never a formula."""
        from openpyxl.cell import WriteOnlyCell

        if not isinstance(value, str):
            return value if np.isfinite(value) else None
        if WHOLE.fullmatch(value):
            return int(value)
        found = WriteOnlyCell(self.sheet, "".join(map(printable, value)))
        found.data_type = "s"
        return found

    def close(self):
        self.book.save(self.file)
        self.file.close()


def printable(character):
    """A character as a sheet may hold it: control characters as their symbols."""
    return chr(0x2400 + ord(character)) if character < " " and character not in "\t\n\r" else character


@contextmanager
def details_at(path, most=None):
    """Give a Csv or, for a name in .xlsx, a Sheet, which takes its place at a path when whole and of no more rows."""
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    part, kind = beside(path), Sheet if ends(path, ".xlsx") else Csv
    file = open(part, "wb" if kind is Sheet else "w")  # noqa: SIM115 (closed below)
    try:
        table = kind(file, most)
        yield table
        table.close()
        if table.is_kept():
            os.replace(part, path)
    finally:
        file.close()
        if os.path.exists(part):
            os.remove(part)
