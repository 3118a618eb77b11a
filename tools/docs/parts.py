"""What of a command's output a page shows.

    table 2                         the second markdown table of the output
    rows yamsys C; H_138 pH         of a table: rows by their first cell, in this order
    columns target; R² = here       of a table: columns by their names, some under another
    without .venv/bin/               lines that do not begin so
    first 10                        lines
    last 1
    stays                           the command is run for the file that it writes; the text is left

A table stays a table; all else is shown as a console shows it, below its command. Files of spectra have long
names, which tables shorten.
"""

import re

KINDS = ("table", "rows", "columns", "without", "first", "last", "stays")
NAMES = {
    "public": "demo (synthetic)",
    "yamsys_soil_full": "yamsys",
    "peat_redoxpeat_full": "peat",
    "limesoda_H_138_full": "H_138",
    "limesoda_NRW_62_full": "NRW_62",
}  # of reports, in the header and the first column
RULE = re.compile(r"^\|[ :|-]+\|$")


class NotThere(Exception):
    """An output has no such part."""


def part(output, chosen, command, text=""):
    """The text of a place.

    Parameters
    ----------
    output : str
        What the command printed.
    chosen : list of str
        The parts, applied in turn.
    command : str
    text : str
        What stands there, for a place that stays.

    Returns
    -------
    str

    Raises
    ------
    NotThere
    """
    steps = [(kind, rest) for kind, _, rest in (each.partition(" ") for each in chosen)]
    if ("stays", "") in steps:
        return text
    lines = output.rstrip().splitlines()
    if steps and steps[0][0] == "table":
        return "\n".join(table_part(lines, steps)) + "\n"
    for kind, rest in steps:
        lines = LINES[kind](lines, rest)
    if not lines:
        raise NotThere(f"found nothing printed, expected lines of {command}")
    return "\n".join(["```", f"$ {command}", *lines, "```", ""])


LINES = {
    "without": lambda lines, start: [line for line in lines if not line.startswith(start)],
    "first": lambda lines, count: lines[: int(count)],
    "last": lambda lines, count: lines[-int(count) :],
}


def table_part(lines, steps):
    """Lines of the table that is chosen, of its rows and columns."""
    found, number = tables(lines), int(steps[0][1])
    rules = [line for line in lines if RULE.match(line)]
    if len(found) < number:
        raise NotThere(f"found {len(found)} tables printed, expected {number}")
    header, rows = found[number - 1]
    header, *rows = [[shortened(cell) for cell in header], *([shortened(row[0]), *row[1:]] for row in rows)]
    for kind, rest in steps[1:]:
        header, rows = TABLES[kind](header, rows, [each.strip() for each in rest.split(";")])
    yield f"| {' | '.join(header)} |"
    text = "-:" not in rules[number - 1]
    yield "|-|" + ("-|" if text else "-:|") * (len(header) - 1)
    for row in rows:
        yield f"| {' | '.join(row)} |"


def tables(lines):
    """The markdown tables among lines: a list of (header, rows), cells as text."""
    found, inside = [], False
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if RULE.match(after) and line.startswith("|"):
            found.append((cells(line), []))
            inside = True
        elif inside and line.startswith("|"):
            if not RULE.match(line):
                found[-1][1].append(cells(line))
        else:
            inside = False
    return found


def cells(line):
    """The cells of a table's line."""
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def shortened(cell):
    """A cell in which a file of spectra goes by its short name."""
    return re.sub(r"\w+", lambda word: NAMES.get(word[0], word[0]), cell)


def some_rows(header, rows, names):
    """Rows by their first cells."""
    of = {row[0]: row for row in rows}
    return header, [of[found(name, of)] for name in names]


def some_columns(header, rows, names):
    """Columns by their names, `old = new` under another one."""
    pairs = [[each.strip() for each in name.partition(" = ")[::2]] for name in names]
    at = [header.index(found(old, header)) for old, _ in pairs]
    return [new or old for old, new in pairs], [[row[i] for i in at] for row in rows]


TABLES = {"rows": some_rows, "columns": some_columns}


def found(name, among):
    """The name, where it is among others."""
    if name not in among:
        raise NotThere(f"found no {name!r} in the table, expected one of {'; '.join(among)}")
    return name
