"""Numbers as laboratories write them: decimal commas, thousands, values below a limit; what is not told is refused."""

import re

PLAIN = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+([eE][+-]?[0-9]+)?")
THOUSANDS_POINT = re.compile(
    r"[+-]?[1-9][0-9]{0,2}([.'\u2019\u00a0\u202f ][0-9]{3})+(,[0-9]+)?"
)  # 1.234,5 and 1 234,5
THOUSANDS_COMMA = re.compile(r"[+-]?[1-9][0-9]{0,2}([,'\u2019\u00a0\u202f ][0-9]{3})+(\.[0-9]+)?")  # 1,234.5
BELOW = re.compile(r"[<≤]\s*(.+)")
ABSENT = re.compile(
    r"n\.?\s*d\.?|n\.?\s*b\.?|n/?a|bdl|b\.d\.l\.|<\s*lod|<\s*loq|lod|nan|#n/a|-+|–|—|none|null", re.IGNORECASE
)
GAPS = {"", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None"}
SHOWN = 10  # of the cells that are no numbers


class Stored(str):
    """A number that a workbook holds as one, whatever other cells look like."""

    __slots__ = ()


def is_number(text):
    """Whether a text is a number in any dialect, or below a limit."""
    text = limit_of(text)[0]
    return any(form.fullmatch(text) for form in (PLAIN, COMMA, THOUSANDS_POINT, THOUSANDS_COMMA))


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
    if (COMMA.fullmatch(text) and not by_comma) or (by_point and "," in text):
        return ","
    if (PLAIN.fullmatch(text) and "." in text and not by_point) or (by_comma and "." in text):
        return "."
    return ""


def decimal_of(columns):
    """What the decimal sign of a sheet is, '' where its numbers do not tell or contradict each other."""
    found = {says(cell) for column in columns for cell in column} - {""}
    return found.pop() if len(found) == 1 else ""


def numbers_of(column, name, at, below=None, sheet=""):
    """A column of text as numbers in text ('' for gaps), what changed, {place: (before, after)}, and what is wrong.

    `at(place)` words a cell; `below` says what values below a limit become: half, zero or gap; `sheet` is the decimal
    sign of the whole, for a column that does not tell.
    """
    told = {says(cell) for cell in column} - {""}
    wrong, found, changed = [], [], {}
    if len(told) > 1:
        wrong.append(f"column {name!r}: points and commas as decimal signs")
    decimal = told.pop() if len(told) == 1 else sheet
    for place, cell in enumerate(column):
        value = cell if isinstance(cell, Stored) else number_of(cell, decimal, below)
        if value is None:
            wrong.append(f"{at(place)}: {cell!r}")
        found.append(value or "")
        if value is not None and value != cell and (value or cell not in GAPS):
            changed[place] = cell, value
    return found, changed, wrong


def number_of(cell, decimal, below):
    """A cell as a number with a decimal point, '' for a gap, None where it is not told."""
    if cell in GAPS:
        return ""
    if ABSENT.fullmatch(cell):
        return None if below is None else ""
    text, limited = limit_of(cell)
    value = plain(text, decimal)
    if not limited or value is None:
        return value
    return {None: None, "half": repr(float(value) / 2), "zero": "0", "gap": ""}[below]


def plain(text, decimal):
    """A number in text with a decimal point, None where it is none or may be two."""
    grouped = THOUSANDS_POINT if decimal == "," else THOUSANDS_COMMA
    if decimal == "," and COMMA.fullmatch(text):
        return text.replace(",", ".")
    if PLAIN.fullmatch(text) and not (decimal == "," and grouped.fullmatch(text)):
        return text
    if not grouped.fullmatch(text) or (not decimal and "," in text):
        return None
    text = re.sub(r"['\u2019\u00a0\u202f ]", "", text)
    return text.replace(".", "").replace(",", ".") if decimal == "," else text.replace(",", "")
