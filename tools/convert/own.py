"""Scans of kinds that no library reads right: PE-IR .sp, .asp, and text of two columns."""

import csv
import io

import numpy as np

from tools.convert.numbers import COMMA, PLAIN
from tools.convert.scan import UNKNOWN, Refused, scan_of
from tools.convert.text import decoded
from tools.convert.words import ALONE, WAVELENGTH, WAVELENGTHS, quantity_in, unit_of


def read_peir(path, data):
    """The Scan of a PerkinElmer PE-IR .sp: lines of text, then int32 values, scaled by the header."""
    head, mark, values = data.partition(b"#DATA\r\n")
    lines = [line.strip() for line in head.decode("latin-1").split("\r\n")]
    if not mark or "#GR" not in lines:
        raise Refused("is cut: it ends in its header")
    try:
        unit, quantity, factor, offset, first, step, points, _, high, low = lines[lines.index("#GR") + 1 :][
            :10
        ]
        factor, offset, first, step, high, low = map(float, (factor, offset, first, step, high, low))
        points = int(points)
    except ValueError:
        raise Refused("is damaged: its header #GR is not as it should be") from None
    if len(values) < 4 * points or not 1 < points < 10_000_000:
        raise Refused(f"is cut or damaged: {len(values) // 4:,} values, its header says {points:,}")
    y = np.frombuffer(values[: 4 * points], "<i4") * factor + offset
    x = first + step * np.arange(points)
    what, percent = quantity_in(quantity)
    told = {"points": points, "low": low, "high": high} if high > low else {"points": points}
    return scan_of(
        path, "PerkinElmer PE-IR", x, y, what, percent, "1/cm" if unit.upper() == "CM-1" else unit, told
    )


def read_asp(path, data):
    """The Scan of an .asp: number of points, both ends of the axis, three numbers more, then the values."""
    lines = data.decode("latin-1").split()
    try:
        points, first, last = int(lines[0]), float(lines[1]), float(lines[2])
        y = np.array(lines[6:], dtype=float)
    except (ValueError, IndexError):
        raise Refused("is cut or damaged: it is no .asp") from None
    if points < 2:
        raise Refused("is damaged: it tells of no points")
    x = np.linspace(first, last, points) if len(y) == points else np.arange(len(y), dtype=float)
    return scan_of(path, "ASP", x, y, UNKNOWN, told={"points": points})


def read_columns(path, data):
    """The Scan of a text of two columns, wavenumber and value, with an index before and a header above or not."""
    text = decoded(data)
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise Refused("is empty")
    end = next((end for end in ";\t," if end in lines[-1]), None)
    try:
        reader = csv.reader(io.StringIO("\n".join(lines)), delimiter=end) if end else map(str.split, lines)
        rows = list(reader)
    except csv.Error as error:
        raise Refused(f"is no text of two columns ({error})") from None
    rows = [
        row[:-1] if len(row) > 1 and not row[-1].strip() else row for row in rows
    ]  # a separator ends the line
    first = next((k for k, row in enumerate(rows) if row and all(map(numeric, row))), None)
    if first is None:
        raise Refused("is text without columns of numbers")
    if first and len(rows[first - 1]) == len(rows[first]) and any(map(numeric, rows[first - 1])):
        raise Refused(f"has text in line {first}, expected numbers")
    header, rows = rows[:first], rows[first:]
    widths = {len(row) for row in rows}
    decimal = any(COMMA.fullmatch(cell.strip()) for row in rows[:20] for cell in row)
    if len(widths) > 1:
        raise Refused(f"has rows of {min(widths)} to {max(widths)} columns, expected one number")
    if end == "," and max(widths) == 4 and not header:
        raise Refused("has four columns, as numbers with a decimal comma do: write it with semicolons")
    if decimal and end == ",":
        raise Refused("has decimal commas between commas: write it with semicolons")
    try:
        values = np.array([[float(cell.strip().replace(",", ".")) for cell in row] for row in rows])
    except ValueError:
        bad = next(k for k, row in enumerate(rows, first + 1) if not all(map(numeric, row)))
        raise Refused(f"has text in line {bad}, expected numbers") from None
    if values.shape[1] == 3 and (values[:, 0] == np.arange(len(values))).all():
        values = values[:, 1:]  # an index
    if values.shape[1] != 2:
        raise Refused(f"has {values.shape[1]} columns, expected two, wavenumber and value")
    if not text.endswith("\n" if "\n" in text else "\r"):
        raise Refused("has no end of line after its last number: is it cut? If it is whole, add one")
    names, told = header_told(header, len(rows[0]))
    what, percent = quantity_in(names[1])
    x = values[:, 0]
    if not names[0] and x[0] < x[-1] and x[0] >= 350 and x[-1] <= 2500 and (np.diff(x) == 1).all():
        raise Refused(f"has an axis that rises by 1 from {x[0]:g} to {x[-1]:g} without a name: nm? Name it")
    return scan_of(path, "text", x, values[:, 1], what, percent, unit_of(names[0]), told)


def header_told(header, width):
    """Names of the two columns below some lines, of so many cells, and what they tell of the points."""
    fields = {row[0].strip().upper(): row[1].strip() for row in header if len(row) == 2}
    if "XUNITS" in fields:  # JASCO's, of a name and a value a line
        points = fields.get("NPOINTS", "")
        told = {"points": int(points)} if points.isdecimal() else {}
        return [fields["XUNITS"], fields.get("YUNITS", "")], told
    if not header:
        return ["", ""], {}
    last = [cell.strip() for cell in header[-1]]
    if len(last) != width:
        line = " ".join(last)
        if WAVELENGTH.search(line) or any(form.search(line) for form in WAVELENGTHS.values()):
            raise Refused(
                f"has names {line[:60]!r} that are not one for each column, expected wavenumber and value"
            )
        return ["", ""], {}
    if len(header) > 1 and len(header[-2]) == width and all(map(ALONE.fullmatch, last)):
        last = [f"{name.strip()} {unit}".strip() for name, unit in zip(header[-2], last, strict=True)]
    return last[-2:], {}


def numeric(cell):
    """Whether a cell is a number, with a decimal point or comma."""
    cell = cell.strip()
    return bool(PLAIN.fullmatch(cell) or COMMA.fullmatch(cell))
