"""Numbers as laboratories write them: decimal commas, thousands, values below a limit; what is not told is refused."""

import math
import re

from preprocess import DataError

PLAIN = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+([eE][+-]?[0-9]+)?")
THOUSANDS_POINT = re.compile(
    r"[+-]?[1-9][0-9]{0,2}([.'\u2019\u00a0\u202f ][0-9]{3})+(,[0-9]+)?"
)  # 1.234,5 and 1 234,5
THOUSANDS_COMMA = re.compile(r"[+-]?[1-9][0-9]{0,2}([,'\u2019\u00a0\u202f ][0-9]{3})+(\.[0-9]+)?")  # 1,234.5
BELOW = re.compile(r"[<≤]\s*(.+)")
ABSENT = re.compile(
    r"n\.?\s*d\.?|n\.?\s*b\.?|n\.?\s*a\.?|n/?a|bdl|b\.d\.l\.|<\s*lod|<\s*loq|lod|nan|#n/a|-+|–|—|none|null",
    re.IGNORECASE,
)
GAPS = {"", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None"}
MEANT = re.compile(
    r"[<>≤≥~]? *[0-9][0-9.,]* *(%|[mµμuc]?g */ *(kg|g|l)|pp[mb]|wt\.? ?%|[cm]?mol.{0,12})|[>≥~−–] *[0-9][0-9.,]*|tr\.?|traces?|"
    r"[0-9]{1,2}(,[0-9]{2})+,[0-9]{3}"
)  # as numbers
NO_LIMIT = re.compile(r"-+|–|—|none|null|nan", re.IGNORECASE)  # absent, but of no measurement
SHOWN = 10  # of the cells that are no numbers


class Stored(str):
    """A number that a workbook holds as one, whatever other cells look like."""

    __slots__ = ()


def is_number(text):
    """Whether a text is a number in any dialect, or below a limit."""
    text = limit_of(text)[0]
    return any(form.fullmatch(text) for form in (PLAIN, COMMA, THOUSANDS_POINT, THOUSANDS_COMMA))


def is_measured(column):
    """Whether a column is of numbers, for the most part: also of those below a limit, not detected or in percent."""
    filled = [cell for cell in column if cell not in GAPS]
    absent = [cell for cell in filled if ABSENT.fullmatch(cell)]
    meant = sum(is_number(cell) or bool(MEANT.fullmatch(cell)) for cell in filled)
    some = meant or any(not NO_LIMIT.fullmatch(cell) for cell in absent)
    return bool(some) and 2 * (meant + len(absent)) > len(filled)


def limit_of(text):
    """A text without its < sign, and whether it had one."""
    matched = BELOW.fullmatch(text)
    return (matched[1].strip(), True) if matched else (text.strip(), False)


def says(text):
    """',' or '.' where a number's form tells what its decimal sign is, else ''."""
    if isinstance(text, Stored):
        return ""
    text = limit_of(text)[0]
    by_comma, by_point = THOUSANDS_COMMA.fullmatch(text), THOUSANDS_POINT.fullmatch(text)
    for grouped, mark, sign in ((by_comma, ",", "."), (by_point, ".", ",")):
        if grouped and text.count(mark) > 1:
            return sign
    if (COMMA.fullmatch(text) and not by_comma) or (by_point and "," in text):
        return ","
    if (PLAIN.fullmatch(text) and "." in text and not by_point) or (by_comma and "." in text):
        return "."
    return ""


def decimal_of(columns):
    """What the decimal sign of a sheet is, '' where its numbers do not tell or contradict each other."""
    found = {says(cell) for column in columns for cell in column} - {""}
    return found.pop() if len(found) == 1 else ""


def numbers_of(sheet, k, below=None, decimal=""):
    """A column of a Sheet as numbers in text ('' for gaps), [(cell, before, after)] that changed, and what is wrong.

    `below` says what values below a limit become: half, zero or gap; `decimal` is the sign of the whole sheet, for a
    column that does not tell.
    """
    name, column = sheet.header[k], [row[k] for row in sheet.rows]
    told = {says(cell) for cell in column} - {""}
    wrong, found, changed = [], [], []
    if len(told) > 1:
        wrong.append(f"column {name!r}: points and commas as decimal signs")
    own = told.pop() if len(told) == 1 else ""
    for place, cell in enumerate(column):
        value = cell if isinstance(cell, Stored) else number_of(cell, own, decimal, below)
        where = f"row {sheet.first[place]}, column {name!r}"
        if value is None or (value and not math.isfinite(float(value))):
            wrong.append(f"{where}: {cell!r}")
        elif value != cell and (value or cell not in GAPS):
            changed.append((where, cell, value))
        found.append(value or "")
    return found, changed, wrong


def refuse(name, wrong):
    """Raise a DataError that lists what is no number, all at once, if anything is."""
    if wrong:
        more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        found = f"found what is no number, or may be two, {'; '.join(wrong[:SHOWN])}{more}"
        remedy = "mend them, or --below half, zero or gap for values below a limit"
        raise DataError(name, found, "numbers", remedy)


def number_of(cell, own, sheet, below):
    """A cell as a number with a decimal point, '' for a gap, None where it is not told; the rest as `plain`."""
    if cell in GAPS:
        return ""
    if ABSENT.fullmatch(cell):
        return None if below is None else ""
    text, limited = limit_of(cell)
    value = plain(text, own, sheet)
    if not limited or value is None:
        return value
    return {None: None, "half": repr(float(value) / 2), "zero": "0", "gap": ""}[below]


def plain(text, own, sheet):
    """A number in text with a decimal point, None where it is none or may be two.

    `own` is the decimal sign that the column tells by itself, `sheet` that of other columns: it may say that a sign is
    the decimal one, not that it is of thousands.
    """
    decimal, by_point = own or sheet, THOUSANDS_POINT.fullmatch(text)
    if PLAIN.fullmatch(text) and not (by_point and decimal == ","):
        return text
    if COMMA.fullmatch(text) and decimal == ",":
        return text.replace(",", ".")
    for grouped, mark, sign in ((THOUSANDS_COMMA.fullmatch(text), ",", "."), (by_point, ".", ",")):
        if grouped and (own == sign or mark not in text or text.count(mark) > 1):
            return re.sub(r"['\u2019\u00a0\u202f ]", "", text).replace(mark, "").replace(",", ".")
    return None
