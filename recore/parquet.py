"""Parquet, read in blocks that fit a processor's cache, and written."""

import json
import math
import sys
from contextlib import contextmanager
from functools import partial

import numpy as np
import pandas as pd

from preprocess import SETTINGS, Cells, DataError, EmptyTable, label_names, progress, split_columns

BATCH_ROWS = 2048  # of Parquet a block: to decode a column costs the same however few rows it has
GROUP_ROWS = 4096  # a row group of Parquet written
LARGE_GROUP = 64 << 20  # bytes of a row group that is read in pieces


def pyarrow_parquet():
    """The module pyarrow.parquet."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        remedy = "install it (pip install pyarrow), or give .csv.gz"
        raise DataError("", "found no pyarrow, which .parquet needs", remedy=remedy) from None
    if int(pyarrow.__version__.split(".")[0]) < 3:
        expected = "3 or newer to read .parquet in blocks"
        raise DataError("", f"found pyarrow {pyarrow.__version__}", expected, "upgrade it, or give .csv.gz")
    return pyarrow.parquet


@contextmanager
def parquet_errors(name):
    """Say in one line what pyarrow raises for a damaged file."""
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, OSError) as error:
        if getattr(error, "errno", None):
            raise
        found = f"cannot be read as Parquet ({' '.join(str(error).split())})"
        raise DataError(name, found, remedy="copy or write it again") from None


def open_parquet(path, name, spectra=True, targets=None, ids=(), settings=SETTINGS):
    """As `preprocess.open_csv`, of a Parquet file.

    Memory is a block, and a page of each column: those of a row group are read side by side.
    """
    parquet = pyarrow_parquet()
    with parquet_errors(name):
        file = parquet.ParquetFile(path, pre_buffer=False)
        groups = [file.metadata.row_group(k).total_byte_size for k in range(file.num_row_groups)]
        if max(groups, default=0) > LARGE_GROUP:
            # Else all of its bytes are in memory at once, and pandas writes one row group for a million rows.
            file = parquet.ParquetFile(path, buffer_size=1 << 12, pre_buffer=False, metadata=file.metadata)
        schema = file.schema_arrow
        if not file.metadata.num_rows:
            raise EmptyTable(name, "found no row", "spectra", "see data/README.md")
    rows = range(file.metadata.num_rows)
    index, columns = pandas_index(schema, name), list(schema.names)
    if index in columns:
        columns.insert(0, columns.pop(columns.index(index)))
    elif isinstance(index, range) and len(index) == len(rows):  # else that of a frame of which this is a part
        rows = index
    names = ["", *columns[1:]] if index in columns else columns
    split_columns(
        names, (), name, spectra, targets, ids, settings
    )  # what the names tell by themselves comes first
    texts = [is_text(schema.field(column).type, f"{name}, column {column!r}") for column in columns]
    text = [title for title, some in zip(names, texts) if some]
    if len(names) < 2:
        raise DataError(name, f"found {len(names)} column", "spectra and assays", "see data/README.md")
    layout = split_columns(names, text, name, spectra, targets, ids, settings)
    column_of = dict(zip(names, columns))
    wanted = [column_of[name] for name in (*label_names(layout), *layout.channels, *layout.targets)]

    def numbered():
        row = 0
        with parquet_errors(name), progress(name, file.metadata.num_rows) as show:
            for batch in file.iter_batches(BATCH_ROWS, columns=wanted, use_threads=False):
                index = pd.RangeIndex.from_range(rows[row : row + batch.num_rows])
                yield index, partial(parquet_cells, batch, column_of), partial(row_of, name, row)
                row += batch.num_rows
                show(row)

    return layout, numbered(), lambda: None


def pandas_index(schema, name):
    """The column that pandas wrote a frame's index to, or the range that it was; None when neither."""
    about = json.loads((schema.metadata or {}).get(b"pandas", b"{}").decode())
    levels = about.get("index_columns", [])
    if len(levels) > 1:
        found = f"found an index of {len(levels)} levels, {', '.join(map(repr, levels))}"
        raise DataError(name, found, "one", "write the frame with reset_index()")
    if levels and isinstance(levels[0], dict):
        return range(*(levels[0].get(key, usual) for key, usual in (("start", 0), ("stop", 0), ("step", 1))))
    return levels[0] if levels else None


def row_of(name, first, row):
    """The place of a row: 'public.parquet, row 17'."""
    return f"{name}, row {first + row + 1}"


def is_text(kind, at):
    """Whether a type of Arrow's is text, not numbers; a DataError when it is neither."""
    from pyarrow import types

    kind = kind.value_type if types.is_dictionary(kind) else kind
    if types.is_string(kind) or types.is_large_string(kind) or types.is_temporal(kind):
        return True
    numbers = types.is_integer, types.is_floating, types.is_decimal, types.is_boolean, types.is_null
    if any(is_kind(kind) for is_kind in numbers):
        return False
    raise DataError(at, f"found the type {kind}", "numbers or text", "write it as one of these")


def numbers_of(column):
    """A column of Arrow's as an array of numbers, NaN for gaps."""
    import pyarrow

    if column.null_count or not pyarrow.types.is_floating(column.type):
        if pyarrow.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if pyarrow.types.is_decimal(column.type):  # Arrow's own cast may miss the last bit
            return np.array([math.nan if cell is None else float(cell) for cell in column.to_pylist()])
        if pyarrow.types.is_boolean(column.type):
            column = column.cast(pyarrow.int8())
        column = column.cast(pyarrow.float64(), safe=False)
    return column.to_numpy(zero_copy_only=False)


def texts_of(column):
    """A column of Arrow's as text, empty for gaps; numbers as CSV has them."""
    import pyarrow

    if is_text(column.type, "column"):
        return ["" if cell is None else cell.strip() for cell in column.cast(pyarrow.string()).to_pylist()]
    if pyarrow.types.is_integer(column.type):
        return ["" if cell is None else str(cell) for cell in column.to_pylist()]
    cells = numbers_of(column).tolist()
    return ["" if cell != cell else "%d" % cell if cell % 1 == 0 else repr(cell) for cell in cells]


def parquet_cells(batch, column_of, layout):
    """The Cells of a batch of rows; `column_of` tells what the column of each name is called there."""
    from pyarrow.types import is_floating

    place = batch.schema.get_field_index

    def numbers(names):
        some = batch.select([place(column_of[name]) for name in names])
        types = set(some.schema.types)
        if len(types) == 1 and is_floating(min(types, key=str)) and hasattr(some, "to_tensor"):  # pyarrow 16
            return some.to_tensor(null_to_nan=True, row_major=False).to_numpy()
        values = np.empty((len(names), batch.num_rows))  # as the file has them: channel after channel
        for row, column in zip(values, some.columns):
            row[:] = numbers_of(column)
        return values.T

    labels = {name: texts_of(batch.column(place(column_of[name]))) for name in label_names(layout)}
    return Cells(numbers(layout.channels), numbers(layout.targets), labels)


def release_memory():
    """Give back what Arrow keeps for a next table, where none is read soon."""
    if "pyarrow" in sys.modules:
        pool = sys.modules["pyarrow"].default_memory_pool()
        if hasattr(pool, "release_unused"):  # pyarrow 4 and newer
            pool.release_unused()


@contextmanager
def parquet_rows(file):
    """Give `write(features)`, which puts tables into an open file as Parquet, GROUP_ROWS to a row group."""
    import pyarrow

    writers, waiting = [], []

    def flush():
        index = np.concatenate([features.index.to_numpy() for features in waiting])
        values = np.concatenate([features.to_numpy().T for features in waiting], axis=1)
        names = ["index", *waiting[0].columns]
        table = pyarrow.Table.from_arrays([pyarrow.array(index), *map(pyarrow.array, values)], names)
        if not writers:
            # Twelve decimals are noise to a dictionary and to a compressor; nobody looks for a range of them.
            options = {"compression": "none", "use_dictionary": False, "write_statistics": False}
            writers.append(pyarrow_parquet().ParquetWriter(file, table.schema, **options))
        writers[0].write_table(table)
        waiting.clear()

    def write(features):
        waiting.append(features)
        if sum(map(len, waiting)) >= GROUP_ROWS:
            flush()

    try:
        yield write
        if waiting:
            flush()
        writers[0].close()
    except BaseException:
        for writer in writers:
            writer.is_open = False  # else it would write an end to what failed, when it is collected
        raise
