"""The body of a request becomes rows; which type an answer has, and what an answer without rows says."""

import csv
import io
import json
import re
from functools import reduce
from operator import itemgetter, mul
from typing import NamedTuple, Union

import numpy as np
import pandas as pd

import preprocess
from preprocess import DataError
from recore.samples import checked, places, to_array, unnamed
from recore.settings import limits

# A number read from CSV is the one read from JSON or npy, to the last bit; pandas needs to be told so
# before 3.1, and warns when told after.
EXACT = {"float_precision": "round_trip"} if tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1) else {}
HIDDEN = str.maketrans(",\n\r", "\ue000\ue001\ue002")  # ends of cells and lines, in a cell with quotes
SHOWN = {hidden: char for char, hidden in HIDDEN.items()}


FORMS = 'rows as lists or objects, bare, under "instances", or under "data" beside "columns"'


class Body(NamedTuple):
    """The body of a request as it came."""

    data: Union[str, bytes]
    content_type: str


def read_body(body, features):
    """The features of a request, a DataFrame (n_samples, n_features) indexed as the body is, else from 0.

    A body that names its columns is read by name: they may come in another order and among others. One
    without names holds the features in the model's order, alone or after an index.
    """
    values, index = read_values(body, features)
    if index is not None:
        index = [json.dumps(label) if isinstance(label, (list, dict)) else label for label in index]
        index = pd.Index(index, dtype=object)
    return pd.DataFrame(values, index, features)


def read_values(body, features):
    """The features (n_samples, n_features) in a body, and its index, None where it has none."""
    kind = body.content_type.split(";")[0].strip().lower()
    if kind == "application/x-npy":
        return read_npy(body.data, features)
    if kind not in READERS:
        found = f"found content type {body.content_type!r}"
        expected = f"{', '.join(READERS)} or application/x-npy"
        raise DataError("", found, expected, "set the request's Content-Type")
    text = body.data
    if not isinstance(text, str):
        try:
            text = bytes(text).decode("utf-8")
        except ValueError:
            raise DataError("body", "found bytes that are not UTF-8 text", remedy="send UTF-8") from None
    return READERS[kind](text.replace("\ufeff", ""), features)


def read_csv(text, features):
    """The features in a CSV body, and its index or None; a header line is recognised wherever it comes."""
    lines = csv_lines(text)
    if not lines:
        raise DataError("body", "found no line", "one for each sample", "send features as CSV")
    header = lines[0] if is_header(lines[0], features) else None
    try:
        return csv_values(lines, header, features)
    except DataError:
        # A batch may be cut from a file anywhere, or put together from several.
        late = next((line for line in lines if is_header(line, features)), None)
        if header is not None or late is None:
            raise
    return csv_values(lines, late, features)


def csv_lines(text):
    """The lines of a CSV body that are not blank; what stands in their cells has no comma."""
    if "\0" in text or preprocess.SEPARATOR in text:
        raise DataError("body", "found a control character", "lines of numbers", "send CSV as text")
    if '"' in text:
        try:
            rows = csv.reader(io.StringIO(text, newline=""), strict=True)
            text = "\n".join([",".join([cell.translate(HIDDEN) for cell in row]) for row in rows])
        except csv.Error as error:
            raise DataError("body", f"found no valid CSV ({error})", remedy="mend its quotes") from None
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return [line for line in text.split("\n") if line.strip()]


def cells_of(line):
    """The cells of a line, without blanks around them."""
    return [cell.strip() for cell in line.split(",")]


def is_header(line, features):
    """Whether a line of a CSV body names at least half of the features."""
    return 2 * len(set(features).intersection(cells_of(line))) >= len(features)


def csv_values(lines, header, features):
    """The features in the lines of a CSV body that are not its header; and their index or None."""
    rows = [line for line in lines if line != header]
    if not rows:  # split into lines, a file's header arrives by itself
        places(cells_of(header), features)
        return np.empty((0, len(features))), None
    width = (rows[0] if header is None else header).count(",") + 1
    for number, row in enumerate(rows, 1):
        found = row.count(",") + 1
        if found != width:
            where = f"row {number}, after column {min(found, width)}"
            expected = f"{width} as in the {'first row' if header is None else 'header line'}"
            raise DataError(where, f"found {found} cells", expected, "mend the line")
    most = limits(features)[1]
    if header is not None:
        columns = places(cells_of(header), features)
    elif 2 * sum(is_name(cell, most) for cell in cells_of(rows[0])) > width:
        columns = places(cells_of(rows[0]), features)  # raises: a header, but of other features
    else:
        columns = unnamed(width, (row.split(",", 1)[0] for row in rows), features)
    first, index = columns[0], None
    if 0 not in columns and (header is None or cells_of(header)[0] in preprocess.INDEX_NAMES):
        index = [row[: row.find(",")].strip().translate(SHOWN) for row in rows]
    if list(columns) == list(range(first, width)):
        cells = [row.split(",", first)[first] for row in rows]
    else:
        pick = itemgetter(*columns)
        cells = [",".join(pick(row.split(","))) for row in rows]
    text = ",".join(cells).encode("utf-8", "replace")
    try:
        values = preprocess.one_column(text, ",", **EXACT).reshape(len(rows), len(features))
    except (preprocess.NotNumbers, ValueError):
        values = None
    return checked(values, (row.split(",") for row in cells), features), index


def is_name(cell, most):
    """Whether a cell must be one of a header line: text, or a number above the most that a feature can be."""
    value = preprocess.number(cell)
    return bool(cell) if value is None else value > most


def read_json(text, features):
    """The features in a JSON body, and its index or None.

    Rows as lists or as objects; bare, under "instances", or under "data" beside "columns" and "index". A row may
    stand under "features".
    """
    body, names, labels = parse_json(text), None, None
    if isinstance(body, dict) and "instances" in body:
        body, labels = body["instances"], body.get("index")
    elif isinstance(body, dict) and "data" in body:
        body, names, labels = body["data"], body.get("columns"), body.get("index")
    if not (isinstance(body, list) and body and isinstance(body[0], (list, dict))):
        body = [body]
    values, index = json_values(list(map(unwrapped, body)), names, features)
    if labels is not None and (not isinstance(labels, list) or len(labels) != len(values)):
        found = f"found {len(labels) if isinstance(labels, list) else 'no list'} in the index"
        remedy = "give each row its own or leave the index out"
        raise DataError("body", found, f"{len(values)}, one for each row", remedy)
    return values, labels or index


def unwrapped(row):
    """The row that an object holds under "features"; a DataError where it holds others under another name."""
    if not isinstance(row, dict):
        return row
    if list(row) == ["features"] and isinstance(row["features"], (list, dict)):
        return row["features"]
    nested = next((name for name, cell in row.items() if isinstance(cell, (list, dict))), None)
    if nested is None:
        return row
    found = f"found an object that holds more under {nested!r}"
    raise DataError("body", found, FORMS, "send one of these")


def read_json_lines(text, features):
    """The features in a body of JSON lines, each a list or an object; and the rows' index or None."""
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        raise DataError("body", "found no line", "one for each sample", "send features as JSON lines")
    rows = [unwrapped(parse_json(line, f"row {number}")) for number, line in enumerate(lines, 1)]
    return json_values(rows, None, features)


def parse_json(text, at="body"):
    """JSON as Python's lists and dicts; `at` words the place."""
    try:
        return json.loads(text, object_pairs_hook=unique)
    except DataError as error:
        raise DataError(at, *error.args[1:]) from None
    except (ValueError, RecursionError) as error:
        found = f"found no valid JSON ({error})"
        raise DataError(at, found, remedy="send rows as lists or objects") from None


def unique(pairs):
    """A JSON object as a dict; a DataError where a name comes twice."""
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError("", f"found column {twice!r} more than once", "every name once", "rename one")
    return row


def json_values(rows, names, features):
    """The features in rows that are lists, named or not, or objects; and the rows' index or None."""
    kind, index = type(rows[0]), None
    if kind is dict:
        places(list(rows[0]), features)
        pick = itemgetter(*features)
        labels = [name for name in preprocess.INDEX_NAMES if name not in features]
        index = next((name for name in labels if any(name in row for row in rows)), None)
    elif kind is list:
        if names is not None and not isinstance(names, list):
            raise DataError("body", "found columns that are no list", "their names", "send a list of names")
        width = len(rows[0]) if names is None else len(names)
        if names is None:
            columns = unnamed(width, (row[0] for row in rows if isinstance(row, list) and row), features)
        else:
            columns = places(list(map(str, names)), features)
        pick = itemgetter(*columns)
        if 0 not in columns and (names is None or str(names[0]) in preprocess.INDEX_NAMES):
            index = 0
    cells = []
    for number, row in enumerate(rows, 1):
        if type(row) is not kind or kind not in (list, dict) or (kind is list and len(row) != width):
            size = f" of {len(row)}" if isinstance(row, (list, dict)) else ""
            expected = f"a list of {width}" if kind is list else "a list or an object"
            wanted = f"{expected} like every row, from the first column to the last"
            remedy = "send rows as lists or objects of features"
            raise DataError(f"row {number}", f"found a {type(row).__name__}{size}", wanted, remedy)
        if kind is dict and row.keys() != rows[0].keys():
            try:
                places(list(row), features)
            except DataError as error:
                raise DataError(f"row {number}", *error.args[1:]) from None
        cells.append(pick(row))
    values = to_array(cells, features)
    if index is None:
        return values, None
    without = next((number for number, row in enumerate(rows, 1) if kind is dict and index not in row), None)
    if without is not None:
        found, remedy = f"found no {index!r}", "give each row its own or none"
        raise DataError(f"row {without}", found, "one as in other rows", remedy)
    return values, [row[index] for row in rows]


READERS = {"text/csv": read_csv, "application/json": read_json, "application/jsonlines": read_json_lines}


def read_npy(data, features):
    """The features in an npy body, and its index or None; nothing in it is ever unpickled."""
    data = data.encode("latin-1", "replace") if isinstance(data, str) else bytes(data)
    file, form = io.BytesIO(data), np.lib.format
    try:
        read_header = {(1, 0): form.read_array_header_1_0, (2, 0): form.read_array_header_2_0}
        shape, by_column, dtype = read_header[form.read_magic(file)](file)
    except Exception as error:  # numpy's own kinds differ between versions
        found = f"found no array in npy format ({one_line(error)[:80]})"
        raise DataError("body", found, remedy="send what numpy.save writes") from None
    if dtype.kind not in "fiu" or len(shape) not in (1, 2) or 0 in shape:
        found = f"found an array of {dtype} of shape {shape}"
        remedy = "send a float array of shape (n_rows, n_features)"
        raise DataError("body", found, "one row or a table of numbers", remedy)
    size = reduce(mul, shape, dtype.itemsize)  # in Python's integers, which have no largest
    if size != len(data) - file.tell():
        seen = f"found {len(data) - file.tell()} bytes after the npy header"
        raise DataError("body", seen, f"{size} for shape {shape}", "send one array a request, whole")
    values = np.frombuffer(data, dtype, offset=file.tell())
    values = np.atleast_2d(values.reshape(shape, order="F" if by_column else "C"))
    columns = unnamed(values.shape[1], values[:, 0].tolist(), features)
    index = values[:, 0].tolist() if columns[0] else None
    return to_array(values[:, columns[0] :], features), index


def refusal(status, reason):
    """A WSGI application that answers with one line of text."""
    text = (one_line(reason) + "\n").encode("utf-8", "backslashreplace")

    def answer(environ, start_response):
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(text)))]
        start_response(status, headers)
        return [text]

    return answer


def one_line(message):
    """A message without line ends or control characters."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\s]+", " ", str(message)).strip()
