"""What a file is that the reader cannot take as a table, told where reading has failed."""

import csv
import gzip
import os
import re
import zlib
from collections import Counter

from preprocess import GAPS, BadCells, DataError, number

LOOKED_AT = 4 << 20  # bytes
ROWS = 5000
FEW = 3  # cells that are filled in a title line, at most
CONVERT = "python -m tools.convert {} makes a table of it"
EXPORT = "save it as CSV UTF-8 (comma delimited), or " + CONVERT
MAGIC = (  # where, what stands there, what the file is
    (0, b"PK\x03\x04", "a workbook of Excel or LibreOffice, or another zip"),
    (0, b"\xd0\xcf\x11\xe0", "a workbook of Excel, of the old format"),
    (0, b"%PDF", "a PDF"),
    (0, b"PAR1", "Parquet, whose name should end in .parquet"),
    (0, b"ARROW1", "a Feather file of Arrow"),
    (0, b"\x89HDF", "an HDF5 file"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"SQLite format", "an SQLite database"),
    (0, b"BZh", "a file compressed with bzip2"),
    (0, b"\xfd7zXZ", "a file compressed with xz"),
    (0, b"\x28\xb5\x2f\xfd", "a file compressed with zstd"),
    (0, b"\x80\x04\x95", "a pickle of Python, which is never opened"),
    (0, b"\x0a\x0a\xfe\xfe", "a spectrum of Bruker's OPUS"),
    (0, b"Spectral Data File", "a spectrum of Thermo's OMNIC (.spa)"),
    (0, b"PEPE", "a spectrum of PerkinElmer (.sp)"),
    (0, b"ENVI", "a header of ENVI"),
    (0, b"##TITLE", "a spectrum in JCAMP-DX"),
    (0, b"version https://git-lfs", "a pointer of Git LFS; git lfs pull fetches the file itself"),
    (1, b"K", "a spectrum in Galactic's SPC"),
    (1, b"M", "a spectrum in Galactic's old SPC"),
    (257, b"ustar", "a tar archive"),
)
WORDS = (  # how text begins that is no table
    ("<!doctype html", "a web page"),
    ("<html", "a web page"),
    ("<table", "a table of a web page"),
    ("<?xml", "XML"),
    ("{", "JSON"),
    ("[", "JSON"),
)
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
ERRORS = re.compile(r"#(DIV/0!|REF!|VALUE!|NAME\?|NUM!|NULL!|####*)")
DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+(e[+-]?[0-9]+)?", re.IGNORECASE)
THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}([,' \u00a0\u202f][0-9]{3})+(\.[0-9]+)?")
SUMMARY = re.compile(r"(mean|average|total|sum|median|std|sd|min|max|n *=).*", re.IGNORECASE)
TEXT = re.compile(r"the texts? '([^']*)'")
CELL = re.compile(r"line ([0-9]+)")


def reason(path, error):
    """A DataError that says what a file is which could not be read for `error`; None where that is best."""
    name = os.path.basename(path)
    try:
        head, whole, packed = first_bytes(path)
        if head.startswith(b"PAR1") and path.lower().endswith(".parquet"):
            return None
        found = (
            told_by_bytes(head, packed, path)
            or told_by_encoding(head)
            or told_by_text(head.decode("utf-8-sig", "ignore"), whole, error)
        )
    except (
        OSError,
        EOFError,
        ValueError,
        IndexError,
        csv.Error,
        zlib.error,
    ):  # then there is nothing better to say
        return None
    if found is None:
        return None
    what, remedy = found
    return DataError(name, f"found {what}", "a table of CSV as data/README.md has it", remedy.format(name))


def first_bytes(path):
    """The first bytes of a file, unpacked where they are gzip's; whether they are all, and whether packed."""
    with open(path, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        stream = gzip.GzipFile(fileobj=file) if packed else file
        head = stream.read(LOOKED_AT + 1)
    return head[:LOOKED_AT], len(head) <= LOOKED_AT, packed


def told_by_bytes(head, packed, path):
    """What a file is by the bytes it begins with."""
    if head[:2] == b"\x1f\x8b":
        return "gzip within gzip", "unpack it once"
    if packed and not path.lower().endswith(".gz"):
        return "a file compressed with gzip", "let its name end in .gz"
    printable = not any(byte < 9 for byte in head[:512])
    for place, magic, what in MAGIC:
        if head[place : place + len(magic)] == magic and not (place == 1 and printable):
            return what, CONVERT
    return None


def told_by_encoding(head):
    """What a file is by bytes that UTF-8 has not."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or head[1:200:2].count(0) > 50 or head[:200:2].count(0) > 50:
        return "text in UTF-16", EXPORT
    if b"\0" in head:
        return "bytes of zero among the text, so no text", CONVERT
    if b"\r" in head and b"\n" not in head:
        return "line ends of old Macs (CR)", EXPORT
    try:
        head[: head.rfind(b"\n") + 1].decode("utf-8")
    except UnicodeDecodeError as error:
        line = head.count(b"\n", 0, error.start) + 1
        word = head[error.start - 12 : error.start + 12].decode("cp1252", "replace").split("\n")[0].strip()
        return f"text that is not UTF-8 but perhaps Windows-1252 or Latin-1 (line {line}: {word!r})", EXPORT
    return None


def told_by_text(text, whole, error):
    """What a file is by its lines."""
    begin = text.lstrip()[:20].lower()
    for word, what in WORDS:
        if begin.startswith(word):
            return what, CONVERT
    lines = text.splitlines()[: None if whole else -1]
    lines = lines[1:] if lines and lines[0].strip().lower().startswith("sep=") else lines
    skipped = len(text.splitlines()[: None if whole else -1]) - len(lines)
    numbered = [(place, line) for place, line in enumerate(lines, 1 + skipped) if line.strip(", \t")]
    numbered = numbered[:ROWS] + numbered[ROWS:][-1:]
    if len(numbered) < 2:
        return None
    return told_by_separator([line for _, line in numbered]) or told_by_rows(numbered, whole, error)


def told_by_separator(lines):
    """Whether cells are separated by something else than commas, and numbers have decimal commas."""
    for sign, word in SEPARATORS.items():
        counts = Counter(line.count(sign) for line in lines[:50])
        times, often = counts.most_common(1)[0]
        if times and 2 * often > len(lines[:50]) and 2 * times >= max(line.count(",") for line in lines[:3]):
            cells = [cell.strip() for line in lines[1:50] for cell in line.split(sign)]
            comma = any(map(DECIMAL_COMMA.fullmatch, cells))
            return f"cells separated by {word}" + (", numbers with decimal commas" if comma else ""), EXPORT
    split = [line.split() for line in lines[:50]]
    if not any("," in line for line in lines[:50]) and all(len(cells) > 1 for cells in split[1:]):
        if len(split[0]) == 2 and all(number(cell) is not None for cells in split[:2] for cell in cells):
            return "one spectrum, a channel a line", CONVERT
        return "cells separated by blanks", EXPORT
    return None


def told_by_rows(lines, whole, error):
    """What stands above, below or among the rows of a table that is separated by commas."""
    places, rows = zip(*((place, row) for place, line in lines for row in csv.reader([line])))
    cells = [[cell.strip() for cell in row] for row in rows]
    filled = [sum(map(bool, row)) for row in cells]
    widest = max(map(len, cells[:20]))
    if all(len(row) == 2 and None not in map(number, row) for row in cells[:20]):
        return "one spectrum, a channel a line", CONVERT
    if filled[0] <= FEW < widest / 2 or cells[0][0].startswith("#"):
        header = next(k for k, row in enumerate(cells) if filled[k] > FEW and not row[0].startswith("#"))
        return (
            f"lines above the header, which seems to be line {places[header]}",
            f"remove them, or {CONVERT}",
        )
    body = cells[1:40]
    numeric = [
        k for k in range(len(cells[0])) if sum(is_number(row, k) for row in body[1:]) * 2 > len(body[1:])
    ]
    texts = [k for k in numeric if is_text(body[0], k)]
    if (
        len(body) > 2
        and numeric
        and 2 * len(texts) > len([k for k in numeric if body[0][k : k + 1] != [""]]) > 0
    ):
        what = f"a row of units or a second header in line {places[1]} (such as {body[0][texts[0]]!r})"
        return what, f"remove it, or {CONVERT}"
    seen = TEXT.findall(" ".join(str(each.args[1]) for each in getattr(error, "cells", [error])))
    if not seen and "channels" in str(error.args[1]):
        seen = [cell for row in body for cell in row if cell]
    return told_by_cells(seen) or told_by_end(cells, places, whole, error) or told_by_sides(cells)


def told_by_cells(seen):
    """How numbers are written that are none to the reader."""
    for pattern, what in ((DECIMAL_COMMA, "decimal commas"), (THOUSANDS, "separators of thousands")):
        found = [cell for cell in seen if pattern.fullmatch(cell)]
        both = pattern is DECIMAL_COMMA and all(map(THOUSANDS.fullmatch, found))  # 1,234 may be either
        if 2 * len(found) > len(seen) and not both:
            return f"numbers with {what} (such as {found[0]!r})", EXPORT
    broken = next(filter(ERRORS.fullmatch, seen), None)
    return broken and (
        f"{broken!r}, an error of the spreadsheet's",
        "mend its formula or leave the cell empty",
    )


def told_by_end(cells, places, whole, error):
    """Whether all that is wrong stands in a last line, of sums or remarks."""
    wrong = getattr(error, "cells", [error])
    lines = {int(line) for each in wrong for line in CELL.findall(str(each.args[0]))[:1]}
    last = [cell for cell in cells[-1] if cell]
    if not whole or lines != {places[-1]} or (isinstance(error, BadCells) and error.count > len(wrong)):
        return None
    if len(last) <= FEW or any(map(SUMMARY.fullmatch, last)):
        return f"a last line, {places[-1]}, of sums or remarks ({last[0]!r})", "remove it"
    return None


def told_by_sides(cells):
    """Whether a table has a channel a line: more lines than columns, and a first column that rises or falls."""
    first = [number(row[0]) for row in cells[1:]]
    if len(first) < 100 or None in first or len(cells[0]) > 300:
        return None
    steps = [b - a for a, b in zip(first, first[1:])]
    if min(steps) > 0 or max(steps) < 0:
        return "a table that looks the other way round, a channel a line", f"transpose it, or {CONVERT}"
    return None


def is_number(row, place):
    """Whether a cell of a row is a number, however written."""
    cell = row[place] if place < len(row) else ""
    return number(cell) is not None or DECIMAL_COMMA.fullmatch(cell) is not None


def is_text(row, place):
    """Whether a cell of a row is neither a number nor a gap."""
    cell = row[place] if place < len(row) else ""
    return cell not in GAPS and not is_number(row, place)
