"""Spectra file in, feature table out: the preprocessing step, alone or imported.

    python preprocess.py --input data/public/public.csv.gz --output data/preprocess/public.csv
    python preprocess.py --input spectra/ --output features/       # a folder of .csv, .csv.gz, .parquet

Each spectrum is divided by its maximum over the channels SCALE_RANGE, clipped to
that range's own minimum and maximum, and summed in windows of WINDOW channels:

    x_ic = clip(s_ic / M_i, m_i / M_i, 1),   M_i, m_i = max, min of s_ic over SCALE_RANGE
    f_iw = sum of x_ic over the channels c of window w, rounded to DECIMALS

Rows are independent: a spectrum gives the same features alone, in any batch and
in any order. The file is read in blocks, so memory does not grow with it. Of several tables each
becomes one of its own, in processes here or on a cluster; those that are done are not done again.

The platform runs this file by itself: it imports nothing of the project.
"""

import argparse
import csv
import glob
import gzip
import io
import json
import logging
import math
import os
import re
import shutil
import signal
import sys
import threading
import time
import uuid
import zlib
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from itertools import chain, islice
from typing import List, NamedTuple, Optional

import numpy as np
import pandas as pd

try:
    import fcntl
except ImportError:  # Windows, which removes no open file
    fcntl = None

logger = logging.getLogger(__name__)

SCALE_RANGE = slice(0, -300)  # channels; the last 300 are noise (best end of -1 ... -400)
RANGE = f"[{SCALE_RANGE.start}:{SCALE_RANGE.stop}]"
WINDOW = 7  # channels; best of 1, 3, 5, 7, 10 in cross-validation
DECIMALS = 12  # of a feature: a file then holds what memory does, to the last bit, and is short
BLOCK_BYTES = 4 << 20  # of text a block: some 270 spectra of 1,700 channels
BATCH_ROWS = 2048  # of Parquet a block: to decode a column costs the same however few rows it has
CACHED_ROWS = 256  # preprocessed at a time: 3.5 MB of 1,700 channels, which a processor's cache holds
GROUP_ROWS = 4096  # a row group of Parquet written
LARGE_GROUP = 64 << 20  # bytes of a row group that is read in pieces
THREADS = min(4, os.cpu_count() or 1)  # blocks in work; parsing releases the GIL

ID_COLUMNS = ("DepthTo", "SiteID", "DepthFrom")
INDEX_NAMES = ("", "Unnamed: 0", "index")  # what the first column is called when it counts rows
# pandas before 1.2 reads numbers less exactly unless told to; later ones warn when told.
PRECISION = {"float_precision": "high"} if pd.__version__.startswith(("1.0", "1.1")) else {}
TABLES = (".csv", ".csv.gz", ".parquet")  # how the name of a table ends
PUBLIC = "public.csv.gz"  # the platform's; a folder that holds it stands for it alone
DETAILS = ".details.csv"  # how the name of predict.py's table ends, which holds no spectra
EXACT = 2**53  # whole numbers below it are the same as float64
SEPARATOR = "\x1f"  # of columns, where there is only one
GAPS = ["", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None"]  # cells without a value

# score.py, which stands alone, holds these names as well; a test compares the two.
TARGETS = tuple(
    """
    AgPPM AsPPM AuPPM BaPPM BiPPM CdPPM CoPPM CuPPM FePCT MnPPM MoPPM NiPPM PPCT
    PbPPM SPPM SbPPM SePPM SnPPM SrPPM TePPB ThPPB UPPB VPCT WPPM ZnPPM ZrPPM BePPM
    AlPPM CaPPM CePPM CrPPM CsPPM GaPPM GePPM HfPPM InPPM KPPM LaPPM LiPPM MgPPM
    NaPPM NbPPM RbPPM RePPM ScPPM TaPPM TiPPM TlPPM YPPM
    """.split()
)


class DataError(ValueError):
    """A mistake in what the user gave: one line with found, where, expected, remedy."""


class Layout(NamedTuple):
    """Which columns of a file are what, by name, in file order (the 49 targets in their own)."""

    index: Optional[str]
    ids: List[str]
    channels: List[str]
    targets: List[str]
    text: List[str]  # those that hold text


class Table(NamedTuple):
    """Rows of a spectra file, preprocessed; the three frames share the file's index."""

    features: pd.DataFrame  # (n_rows, n_windows)
    ids: pd.DataFrame  # (n_rows, n_ids)
    targets: pd.DataFrame  # (n_rows, n_targets), no column in a private file


# --- the arithmetic -----------------------------------------------------------------


def scale(spectra, channels=SCALE_RANGE):
    """Divide each spectrum by its maximum over a range of channels and clip it to that range.

    The clipping keeps the noisy channels outside the range from dominating.

    Parameters
    ----------
    spectra : ndarray of shape (n_rows, n_channels)
        Absorbance or % reflectance, finite, with a maximum over the range above 0.
    channels : slice
        The range.

    Returns
    -------
    ndarray of shape (n_rows, n_channels)
        Without unit, at most 1.
    """
    reference = spectra[:, channels]
    highest = reference.max(axis=1, keepdims=True)
    lowest = reference.min(axis=1, keepdims=True)
    scaled = np.minimum(spectra, highest)  # np.clip is slower where the bounds are of rows
    np.maximum(scaled, lowest, out=scaled)
    scaled /= highest
    return scaled


def window_sums(spectra, width=WINDOW):
    """Sum neighbouring channels in windows that do not overlap.

    Parameters
    ----------
    spectra : ndarray of shape (n_rows, n_channels)
    width : int
        Channels a window; the last window keeps what is left.

    Returns
    -------
    ndarray of shape (n_rows, ceil(n_channels / width))
        Rounded to DECIMALS.
    """
    first = spectra[:, ::width]
    sums = np.zeros_like(first)  # in the memory order of the spectra, on which no bit depends
    for channel in range(1, width):
        part = spectra[:, channel::width]
        sums[:, : part.shape[1]] += part
    sums += first
    return np.round(sums, DECIMALS)


def window_names(channels, width=WINDOW):
    """Name each window after its middle channel, so coefficients can be drawn over it."""
    windows = [channels[i : i + width] for i in range(0, len(channels), width)]
    return [window[len(window) // 2] for window in windows]


def features(spectra):
    """Turn spectra into features: scale, then window sums.

    Parameters
    ----------
    spectra : DataFrame of shape (n_rows, n_channels)
        Channels in the file's order.

    Returns
    -------
    DataFrame of shape (n_rows, ceil(n_channels / WINDOW))
        Columns named after each window's middle channel.

    Raises
    ------
    DataError
        For too few channels, a gap, an infinity, or a maximum that is not above 0.
    """
    channels = [str(name) for name in spectra.columns]
    check_channels(channels, "spectra")
    values = np.ascontiguousarray(spectra, dtype=float)
    check_spectra(values, channels, "row {}".format)
    return pd.DataFrame(window_sums(scale(values)), spectra.index, window_names(channels))


# --- the columns --------------------------------------------------------------------


def number(name):
    """The number that a column is named by ('3997.4', or R's 'X3997.4'), else None."""
    try:
        value = float(name[1:] if name[:1] == "X" else name)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def split_columns(names, text=(), path="table"):
    """Tell ids, channels and targets apart.

    Ids are ID_COLUMNS and columns of text. Targets are the 49 TARGETS; in a file that
    has none of them and names its channels by numbers, every other numeric column.
    Channels are the rest, in file order.

    Parameters
    ----------
    names : list of str
        The header.
    text : collection of str
        Columns that hold text.
    path : str
        Named in errors.

    Returns
    -------
    Layout

    Raises
    ------
    DataError
        For duplicate or empty names, some but not all of the TARGETS, a target or a
        channel of text, too few channels, wavenumbers neither rising nor falling.
    """
    names = list(names)
    if "" in names[1:]:
        raise DataError(
            f"{path}: column {names.index('', 1) + 1} has no name, and only the first, "
            "the index, may have none; name it"
        )
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise DataError(
            f"{path}: found column {name!r} {times} times, expected every name once; "
            "rename or remove the others, and put the header line first"
        )
    index = names[0] if names[0] in INDEX_NAMES else None
    official = [name for name in TARGETS if name in names]  # in the order the score expects
    if official and len(official) < len(TARGETS):
        missing = ", ".join(name for name in TARGETS if name not in official)
        raise DataError(
            f"{path}: found {len(official)} of {len(TARGETS)} targets, missing: {missing}; "
            "give all of them or none"
        )
    rest = [name for name in names if name not in (index, *ID_COLUMNS, *TARGETS)]
    numbered = [name for name in rest if number(name) is not None]
    if 2 * len(numbered) > len(rest):
        channels = numbered
        targets = official or [name for name in rest if number(name) is None and name not in text]
        check_axis(channels, path)
    else:
        numeric = [place for place, name in enumerate(rest) if name not in text]
        # Text between channels is a damaged channel, not an id.
        channels = rest[numeric[0] : numeric[-1] + 1] if numeric else []
        targets = official
    for name in channels + targets:
        if name in text:
            raise DataError(f"{path}, column {name!r}: found text, expected numbers; mend or remove it")
    check_channels(channels, path)
    taken = set(channels) | set(targets) | {index}
    return Layout(index, [name for name in names if name not in taken], channels, targets, list(text))


def check_axis(channels, path):
    """Raise a DataError unless the numbers that name the channels rise or fall throughout."""
    axis = np.array([number(name) for name in channels])
    right = np.diff(axis) * (axis[-1] - axis[0]) > 0
    if not right.all():
        raise DataError(
            f"{path}: the channels are named by numbers that neither rise nor fall throughout, "
            f"see {channels[int(np.argmin(right)) + 1]!r}; put the header line first and the "
            "channels in spectral order"
        )


def check_channels(channels, path):
    """Raise a DataError unless SCALE_RANGE leaves a channel to scale by."""
    if not range(len(channels))[SCALE_RANGE]:
        raise DataError(
            f"{path}: found {len(channels)} channels, expected at least {1 - SCALE_RANGE.stop} "
            f"for the range {RANGE}; is it a table of spectra, separated by commas?"
        )


def check_spectra(values, channels, at):
    """Raise a DataError that names the first gap, infinity or maximum not above 0.

    `at(row)` words the row's place.
    """
    if not np.isfinite(values).all():
        row, column = np.argwhere(~np.isfinite(values))[0]
        found = "a gap" if np.isnan(values[row, column]) else "an infinite value"
        raise DataError(
            f"{at(row)}, column {channels[column]!r}: found {found}, expected a number; "
            "mend or remove the spectrum"
        )
    highest = values[:, SCALE_RANGE].max(axis=1)
    if not (highest > 0).all():
        row = int(np.argmin(highest > 0))
        raise DataError(
            f"{at(row)}: found a spectrum whose maximum over the channels {RANGE} is "
            f"{highest[row]:g}, expected more than 0; remove it or measure it again"
        )


# --- reading ------------------------------------------------------------------------


class Block(NamedTuple):
    """Whole lines of a file."""

    text: bytes
    first_line: int  # in the file, counted from 1
    path: str

    def lines(self):
        """The lines that are not blank, without their ends."""
        return [line for line in self.text.splitlines() if line.strip()]

    def at(self, row):
        """The place of a row of this block: 'public.csv.gz, line 17'."""
        filled = [place for place, line in enumerate(self.text.splitlines()) if line.strip()]
        return f"{self.path}, line {self.first_line + filled[row]}"


def find_tables(path):
    """The tables that a file, a folder or a pattern stands for, sorted by name.

    Parameters
    ----------
    path : str
        A file; a folder, of which public.csv.gz is taken or else all tables; or a pattern such as
        "spectra/*.parquet".

    Returns
    -------
    list of str

    Raises
    ------
    DataError
        When there is none, or two of one name that differ in their ending only.
    """
    if os.path.isdir(path):
        found, where = [os.path.join(path, name) for name in sorted(os.listdir(path))], "in the folder"
        found = list(filter(is_table, found))
        public = os.path.join(path, PUBLIC)
        if public in found:
            if len(found) > 1:
                logger.info("%s: %s taken, %d other tables left", path, PUBLIC, len(found) - 1)
            found = [public]
    elif os.path.exists(path):
        return [path]
    elif glob.has_magic(path):
        found, where = list(filter(is_table, sorted(glob.glob(path)))), "by it"
    else:
        raise DataError(
            f"{path}: not found, expected a spectra file as data/README.md describes; check the path"
        )
    if not found:
        raise DataError(
            f"{path}: found no table {where}, expected names that end in {', '.join(TABLES)}; check the path"
        )
    stem, times = Counter(map(stem_of, found)).most_common(1)[0]
    if times > 1:
        both = [name for name in found if stem_of(name) == stem]
        raise DataError(
            f"{path}: found {both[0]} and {both[1]}, expected one table of a name; move or rename one"
        )
    return found


def find_table(path):
    """The one table that a path stands for, see `find_tables`."""
    found = find_tables(path)
    if len(found) > 1:
        names = ", ".join(map(os.path.basename, found[:3])) + (", …" if len(found) > 3 else "")
        raise DataError(f"{path}: found {len(found)} tables, {names}, expected one; name it")
    return found[0]


def is_table(path):
    """Whether a path is that of a file of spectra, by its name."""
    name = os.path.basename(path)
    by_name = name.endswith(TABLES) and not name.endswith(DETAILS) and not name.startswith(".")
    return by_name and os.path.isfile(path)


def stem_of(path):
    """The name of a table without its ending."""
    name = os.path.basename(path)
    return next((name[: -len(end)] for end in TABLES if name.endswith(end)), name)


@contextmanager
def progress(label, size):
    """Give `show(done)`: percent of `size`, or how many, on a terminal after two seconds, else silent."""
    began, shown = time.monotonic(), []

    def show(done):
        if sys.stderr.isatty() and not in_task and time.monotonic() - began > 2:
            sys.stderr.write(f"\r{label}: " + (f"{100 * done / size:3.0f} %" if size else f"{done:3,}  "))
            sys.stderr.flush()
            shown.append(done)

    yield show
    if shown:
        sys.stderr.write("\r" + " " * (len(label) + 7) + "\r")


def read_blocks(path):
    """Yield a file's lines as Blocks of about BLOCK_BYTES, the header line first, alone.

    A block ends at a line's end, but never inside a quoted cell.
    """
    name, line = os.path.basename(path), 1
    with open(path, "rb") as raw, progress(name, os.path.getsize(path)) as show:
        stream = gzip.GzipFile(fileobj=raw) if path.endswith(".gz") else raw
        try:
            text = stream.readline()
            while text:
                while text.count(b'"') % 2:
                    more = stream.readline()
                    if not more:
                        raise DataError(
                            f"{name}, from line {line}: found a quote that is never closed; mend the file"
                        )
                    text += more
                yield Block(text, line, name)
                line += text.count(b"\n")
                text = stream.read(BLOCK_BYTES)
                text += stream.readline()
                show(raw.tell())
        except EOFError:
            raise DataError(
                f"{name}: the gzip file ends too early, near line {line}; copy or download it again"
            ) from None
        except (zlib.error, OSError) as error:
            kind, remedy = (
                ("gzip", "compress it with gzip, or end its name in .csv if it is plain text")
                if path.endswith(".gz")
                else ("a file", "check it")
            )
            raise DataError(f"{name}: cannot be read as {kind} ({error}); {remedy}") from None


def read_cells(text, at):
    """Lines of CSV, as bytes, as lists of cells; `at()` words the place."""
    try:
        return list(csv.reader(io.StringIO(text.decode("utf-8-sig"))))
    except UnicodeDecodeError as error:
        raise DataError(
            f"{at()}: found bytes that are not UTF-8 ({error.reason}); save the table as CSV in UTF-8"
        ) from None
    except csv.Error as error:
        raise DataError(f"{at()}: found what is no CSV ({error}); save the table as CSV") from None


def read_header(block):
    """The column names of a header line."""
    rows = read_cells(block.text, lambda: f"{block.path}, line 1")
    names = [cell.strip() for cell in rows[0]] if rows else []
    if len(names) < 2:
        raise DataError(
            f"{block.path}, line 1: found {len(names)} column, expected a header line with "
            "names separated by commas; see data/README.md"
        )
    return names


class NotNumbers(Exception):
    """A cell outside the columns of text is no number."""


def parse(block, names, text=()):
    """Turn a block of lines into numbers, and into text where it is text.

    Parameters
    ----------
    block : Block
    names : list of str
        The header.
    text : collection of str
        Columns to leave as text.

    Returns
    -------
    values : ndarray of shape (n_rows, n_columns)
        NaN for gaps, and in columns of text.
    texts : dict of str to list of str
        The cells of each column of text.

    Raises
    ------
    NotNumbers
        When a column outside `text` holds text.
    DataError
        For a line with more or fewer cells than the header.

    Notes
    -----
    The cells are read as one long column: over 1,750 columns pandas spends more time
    on columns than on numbers, and this way it reads two to three times as fast.
    """
    texts, end = {}, ","
    if text or b'"' in block.text:
        rows, end = split_rows(block, names), "\n"
        for place, name in enumerate(names):
            if name in text:
                texts[name] = [row[place].strip() for row in rows]
                for row in rows:
                    row[place] = ""
        cells = "\n".join("\n".join(row) for row in rows).encode()
    else:
        rows = block.lines()
        check_widths([line.count(b",") + 1 for line in rows], names, block)
        cells = b",".join(rows)
    if SEPARATOR.encode() in cells:
        raise NotNumbers  # two cells to pandas
    try:
        column = pd.read_csv(
            io.BytesIO(cells + end.encode()),
            header=None,
            names=["cell"],
            dtype=np.float64,
            sep=SEPARATOR,
            lineterminator=end,
            quoting=csv.QUOTE_NONE,
            skip_blank_lines=False,
            keep_default_na=False,
            na_values=GAPS,
            low_memory=False,
            **PRECISION,
        )
        return column.to_numpy().reshape(len(rows), len(names)), texts
    except ValueError:
        raise NotNumbers from None


def split_rows(block, names):
    """The cells of every line, as lists of text."""
    rows = read_cells(block.text, lambda: block.at(0))
    rows = [row for row in rows if len(row) > 1 or "".join(row).strip()]
    check_widths([len(row) for row in rows], names, block)
    return rows


def check_widths(widths, names, block):
    """Raise a DataError that names the first line with more or fewer cells than the header."""
    for row, width in enumerate(widths):
        if width != len(names):
            raise DataError(
                f"{block.at(row)}: found {width} cells, expected {len(names)} as in the header; mend the line"
            )


def text_cells(block, names):
    """All cells as text, and which of them are no numbers; two arrays (n_rows, n_columns)."""
    cells = np.array([[cell.strip() for cell in row] for row in split_rows(block, names)], dtype=object)
    numbers = pd.to_numeric(pd.Series(cells.ravel()), errors="coerce").to_numpy().reshape(cells.shape)
    return cells, np.isnan(numbers) & ~np.isin(cells, GAPS)


def not_a_number(block, names, cells, wrong):
    """The DataError for the first cell that `wrong` marks."""
    row, place = np.argwhere(wrong)[0]
    return DataError(
        f"{block.at(row)}, column {names[place]!r}: found the text {cells[row, place]!r}, "
        "expected a number; mend the cell (an assay below detection: half the limit, or "
        "leave it empty)"
    )


def text_columns(block, names):
    """The columns of a file's first block that hold text.

    A column of numbers with some text among them is an id where it stands left of
    every column named by a number (hole '12', '12A'), elsewhere a mistake.
    """
    try:
        parse(block, names)
        return []
    except NotNumbers:
        cells, wrong = text_cells(block, names)
    numbered = [number(name) is not None for name in names]
    left = np.arange(len(names)) < (numbered.index(True) if True in numbered else 0)
    known = np.isin(names, [*ID_COLUMNS, *INDEX_NAMES]) | left
    all_text = (wrong | np.isin(cells, GAPS)).all(axis=0) & ~np.isin(names, TARGETS) & ~np.array(numbered)
    mixed = wrong & ~(known | all_text)
    if mixed.any():
        raise not_a_number(block, names, cells, mixed)
    return [name for name, some in zip(names, wrong.any(axis=0)) if some]


def in_order(function, items):
    """Yield function(item) in the items' order, with THREADS of them in work at a time."""
    with ThreadPoolExecutor(THREADS) as pool:
        waiting = deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def cells_as_text(block, names, columns):
    """The cells of some columns as they stand in the file, {name: list of str}."""
    places = [names.index(name) for name in columns]
    if b'"' in block.text:
        rows = split_rows(block, names)
    else:  # a fraction of the time where the columns stand left
        rows = [line.decode("utf-8").split(",", max(places, default=0) + 1) for line in block.lines()]
    return {name: [row[place].strip() for row in rows] for name, place in zip(columns, places)}


class Cells(NamedTuple):
    """What a block of a table holds."""

    spectra: np.ndarray  # (n_rows, n_channels)
    targets: np.ndarray  # (n_rows, n_targets)
    labels: dict  # index and ids by name, each of n_rows numbers or texts


def csv_cells(block, names, layout, as_text):
    """The Cells of a block of lines; `as_text` leaves index and ids as they stand."""
    try:
        values, texts = parse(block, names, layout.text)
    except NotNumbers:
        cells, wrong = text_cells(block, names)
        stray = wrong & ~np.isin(names, [layout.index, *layout.ids])
        if stray.any():
            raise not_a_number(block, names, cells, stray) from None
        turned = [name for name, some in zip(names, wrong.any(axis=0)) if some]
        values, texts = parse(block, names, [*layout.text, *turned])

    places = {name: place for place, name in enumerate(names)}
    labels = label_names(layout)
    if not as_text:  # digits that a float has not
        labels = [name for name in labels if (np.abs(values[:, places[name]]) >= EXACT).any()]
    texts.update(cells_as_text(block, names, labels))
    return Cells(
        values[:, [places[name] for name in layout.channels]],
        values[:, [places[name] for name in layout.targets]],
        {
            name: texts[name] if name in texts else whole(values[:, places[name]])
            for name in label_names(layout)
        },
    )


def label_names(layout):
    """The columns that tell rows apart: index and ids."""
    return [name for name in (layout.index, *layout.ids) if name is not None]


def to_table(cells, rows, layout, at):
    """Check and preprocess the Cells of a block, whose rows are numbered so where they have no index."""
    sums = []
    for first in range(0, len(cells.spectra), CACHED_ROWS):
        spectra = cells.spectra[first : first + CACHED_ROWS].astype(np.float64, copy=False)
        check_spectra(spectra, layout.channels, lambda row, first=first: at(first + row))
        sums.append(window_sums(scale(spectra)))
    if np.isinf(cells.targets).any():
        row, place = np.argwhere(np.isinf(cells.targets))[0]
        raise DataError(
            f"{at(row)}, column {layout.targets[place]!r}: found an infinite value, "
            "expected a number; mend the cell or leave it empty"
        )
    index = rows
    if layout.index is not None:
        index = pd.Index(cells.labels[layout.index])
        gaps = np.flatnonzero(index.isna() | (index == ""))
        if len(gaps):
            raise DataError(
                f"{at(gaps[0])}: found a row without index, expected one for each row; number the rows"
            )
    return Table(
        pd.DataFrame(np.concatenate(sums), index, window_names(layout.channels)),
        pd.DataFrame({name: cells.labels[name] for name in layout.ids}, index),
        pd.DataFrame(cells.targets, index, layout.targets),
    )


def whole(values):
    """Numbers as integers when all of them are whole."""
    return values.astype(np.int64) if np.array_equal(values, np.floor(values)) else values


def read_tables(path, then=None, as_text=False):
    """Read and preprocess a spectra file block by block, in THREADS threads.

    Parameters
    ----------
    path : str
        A .csv.gz or .csv file, or a folder that holds public.csv.gz or one table.
    then : callable, optional
        Applied to each Table in the thread that made it; its result is yielded instead.
    as_text : bool
        Leave index and ids as they stand in the file ("007", empty), for a table that goes with it.

    Yields
    ------
    Table
        Some hundred rows, in file order.

    Raises
    ------
    DataError
        For anything in the file that is not as data/README.md says. A repeated index is
        noticed after the last row.
    """
    layout, blocks = open_table(path)
    name, indexes = os.path.basename(find_table(path)), []

    def work(block):
        rows, read, at = block
        table = to_table(read(layout, as_text), rows, layout, at)
        return table.features.index, then(table) if then else table

    for index, result in in_order(work, blocks):
        indexes.append(index)
        yield result
    index = indexes[0].append(indexes[1:])
    if not index.is_unique:
        raise DataError(
            f"{name}: found the index {index[index.duplicated()][0]} more than once, expected "
            "every row to have its own; number the rows anew"
        )


def open_table(path):
    """The Layout of a table and its blocks, as `csv_blocks` and `parquet_blocks` give them."""
    path = find_table(path)
    return (parquet_blocks if path.endswith(".parquet") else csv_blocks)(path, os.path.basename(path))


def csv_blocks(path, name):
    """The Layout of a CSV file, and its blocks: row numbers, what reads their Cells, what words a row's place."""
    blocks = read_blocks(path)
    header = next(blocks, None)
    if header is None:
        raise DataError(f"{name}: the file is empty, expected a header line and spectra; see data/README.md")
    names = read_header(header)
    split_columns(names, (), name)  # what the header tells by itself comes first
    blocks = (block for block in blocks if block.lines())
    first = next(blocks, None)
    if first is None:
        raise DataError(
            f"{name}: found a header line and no row below it, expected spectra; see data/README.md"
        )

    def numbered():
        row = 0
        for block in chain([first], blocks):
            rows = pd.RangeIndex(row, row + len(block.lines()))
            yield rows, partial(csv_cells, block, names), block.at
            row = rows.stop

    return split_columns(names, text_columns(first, names), name), numbered()


# --- Parquet ------------------------------------------------------------------------


def pyarrow_parquet():
    """The module pyarrow.parquet."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise DataError(
            "found no pyarrow, which .parquet needs; install it (pip install pyarrow), or give .csv.gz"
        ) from None
    if int(pyarrow.__version__.split(".")[0]) < 3:
        raise DataError(
            f"found pyarrow {pyarrow.__version__}, expected 3 or newer to read .parquet in blocks; upgrade it, "
            "or give .csv.gz"
        )
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
        raise DataError(
            f"{name}: cannot be read as Parquet ({' '.join(str(error).split())}); copy or write it again"
        ) from None


def parquet_blocks(path, name):
    """As `csv_blocks`, of a Parquet file.

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
            raise DataError(f"{name}: found no row, expected spectra; see data/README.md")
    rows = range(file.metadata.num_rows)
    index, columns = pandas_index(schema, name), list(schema.names)
    if index in columns:
        columns.insert(0, columns.pop(columns.index(index)))
    elif isinstance(index, range) and len(index) == len(rows):  # else that of a frame of which this is a part
        rows = index
    names = ["", *columns[1:]] if index in columns else columns
    split_columns(names, (), name)  # what the names tell by themselves comes first
    text = [
        title
        for title, column in zip(names, columns)
        if is_text(schema.field(column).type, f"{name}, column {column!r}")
    ]
    if len(names) < 2:
        raise DataError(f"{name}: found {len(names)} column, expected spectra and assays; see data/README.md")
    layout = split_columns(names, text, name)
    places = dict(zip(names, (schema.get_field_index(column) for column in columns)))

    def numbered():
        row = 0
        with parquet_errors(name), progress(name, file.metadata.num_rows) as show:
            for batch in file.iter_batches(BATCH_ROWS, use_threads=False):
                index = pd.RangeIndex.from_range(rows[row : row + batch.num_rows])
                yield index, partial(parquet_cells, batch, places), partial(row_of, name, row)
                row += batch.num_rows
                show(row)

    return layout, numbered()


def pandas_index(schema, name):
    """The column that pandas wrote a frame's index to, or the range that it was; None when neither."""
    about = json.loads((schema.metadata or {}).get(b"pandas", b"{}").decode())
    levels = about.get("index_columns", [])
    if len(levels) > 1:
        raise DataError(
            f"{name}: found an index of {len(levels)} levels, {', '.join(map(repr, levels))}, expected one; "
            "write the frame with reset_index()"
        )
    if levels and isinstance(levels[0], dict):
        return range(*(levels[0].get(key, usual) for key, usual in (("start", 0), ("stop", 0), ("step", 1))))
    return levels[0] if levels else None


def row_of(name, first, row):
    """The place of a row: 'public.parquet, row 17'."""
    return f"{name}, row {first + row + 1}"


def is_text(kind, at):
    """Whether a type of Arrow's is text, not numbers; a DataError when it is neither."""
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_boolean(kind):
        return False
    if types.is_string(kind) or types.is_large_string(kind) or types.is_temporal(kind):
        return True
    if types.is_null(kind):
        return False
    raise DataError(f"{at}: found the type {kind}, expected numbers or text; write it as one of these")


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
    return [
        "" if cell != cell else "%d" % cell if cell % 1 == 0 else repr(cell)
        for cell in numbers_of(column).tolist()
    ]


def parquet_cells(batch, places, layout, as_text):
    """The Cells of a batch of rows; `places` tells the column of each name."""
    from pyarrow.types import is_floating, is_integer

    def numbers(names):
        some = batch.select([places[name] for name in names])
        types = set(some.schema.types)
        if (
            len(types) == 1 and is_floating(next(iter(types))) and hasattr(some, "to_tensor")
        ):  # from pyarrow 16
            return some.to_tensor(null_to_nan=True, row_major=False).to_numpy()
        values = np.empty((len(names), batch.num_rows))  # as the file has them: channel after channel
        for row, column in zip(values, some.columns):
            row[:] = numbers_of(column)
        return values.T

    labels = {}
    for name in label_names(layout):
        column = batch.column(places[name])
        if as_text or name in layout.text:
            labels[name] = texts_of(column)
        elif is_integer(column.type) and not column.null_count:
            labels[name] = column.cast("int64").to_numpy()
        else:
            labels[name] = whole(numbers_of(column).astype(float))
    return Cells(numbers(layout.channels), numbers(layout.targets), labels)


def release_memory():
    """Give back what Arrow keeps for a next table, where none is read soon."""
    if "pyarrow" in sys.modules:
        pool = sys.modules["pyarrow"].default_memory_pool()
        if hasattr(pool, "release_unused"):  # pyarrow 4 and newer
            pool.release_unused()


def read_table(path):
    """Read and preprocess a whole spectra file; the Table of all its rows."""
    tables = list(read_tables(path))
    return Table(*(pd.concat(part) for part in zip(*tables)))


# --- writing ------------------------------------------------------------------------


def quote(cell):
    """A cell of text as CSV."""
    cell = str(cell)
    return '"' + cell.replace('"', '""') + '"' if any(c in cell for c in ',"\r\n') else cell


def csv_header(names):
    """The header line of a table with an unnamed index."""
    return ",".join(["", *map(quote, names)]) + "\n"


def csv_rows(features):
    """The rows of a feature table as CSV; they read back as the same numbers."""
    line = ",".join(["%s"] + [f"%.{DECIMALS}f"] * features.shape[1])
    labels = map(quote, features.index)
    return "".join([line % (label, *row) + "\n" for label, row in zip(labels, features.to_numpy().tolist())])


class ParquetRows:
    """Writes feature tables to an open file as Parquet, GROUP_ROWS to a row group."""

    def __init__(self, file, name):
        self.file, self.name = file, name
        self.parquet, self.writer, self.waiting = pyarrow_parquet(), None, []

    def __enter__(self):
        return self

    def __exit__(self, failed, *_):
        try:
            if not failed:
                self.flush()
                self.writer.close()
        finally:
            if self.writer is not None:
                self.writer.is_open = False  # else it would write an end to what failed, when it is collected

    def write(self, features):
        self.waiting.append(features)
        if sum(map(len, self.waiting)) >= GROUP_ROWS:
            self.flush()

    def flush(self):
        import pyarrow

        if not self.waiting:
            return
        index = np.concatenate([features.index.to_numpy() for features in self.waiting])
        values = np.concatenate([features.to_numpy().T for features in self.waiting], axis=1)
        names = ["index", *self.waiting[0].columns]
        if index.dtype == object and not all(isinstance(label, str) for label in index):
            index = index.astype(str)  # numbers at first, text later on
        table = pyarrow.Table.from_arrays([pyarrow.array(index), *map(pyarrow.array, values)], names)
        if self.writer is None:
            # Twelve decimals are noise to a dictionary, and to a compressor; nobody looks for a range of them.
            options = {"compression": "none", "use_dictionary": False, "write_statistics": False}
            self.writer = self.parquet.ParquetWriter(self.file, table.schema, **options)
        if table.schema.types != self.writer.schema.types:
            raise DataError(
                f"{self.name}: found the index {index[0]} among others of another kind before it, expected "
                "numbers or text throughout, as Parquet has them; number the rows anew, or write .csv"
            )
        self.writer.write_table(table)
        self.waiting = []


def beside(path):
    """A name for what takes the place of `path` when it is whole; see `clear_leftovers`."""
    folder, name = os.path.split(os.path.abspath(path))
    return os.path.join(folder, f".{name}.{uuid.uuid4().hex[:8]}.part")


@contextmanager
def held(path):
    """Lock a file or folder; gives whether no other process holds it."""
    if fcntl is None:
        yield True
        return
    descriptor, free = os.open(path, os.O_RDONLY), True
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            free = False
        except OSError:
            pass  # a file system without locks
        yield free
    finally:
        os.close(descriptor)


def clear_leftovers(folder):
    """Remove what a run that was killed has left beside its outputs, not what another is writing."""
    for name in os.listdir(folder):
        if re.fullmatch(r"\..+\.[0-9a-f]{8}\.part", name):
            path = os.path.join(folder, name)
            with suppress(FileNotFoundError), held(path) as free:
                if free:
                    shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)


@contextmanager
def replacing(path, mode="w", modified=None):
    """Open a file beside `path` that takes its place when all is written, or leaves no trace.

    `modified` is the time of modification that it gets, in ns.
    """
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    part = beside(path)
    try:
        with ExitStack() as stack:
            with open(part, mode) as file:
                stack.enter_context(held(part))
                yield file
            if modified is not None:
                os.utime(part, ns=(modified, modified))
            os.replace(part, path)
    except BaseException:
        if os.path.exists(part):
            os.remove(part)
        raise


@contextmanager
def naming(source, output):
    """Say of which table an error of the system's is."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{source} to {output}: {error.strerror or error}; mend that and run again") from None


def is_done(path, source):
    """Whether `path` was made of the source as it is now, whose time of modification it has."""
    return os.path.exists(path) and os.stat(path).st_mtime_ns == os.stat(source).st_mtime_ns


# --- many tables --------------------------------------------------------------------

GENERATORS = ("loky", "dask")  # backends from which joblib gives each result as it comes
in_task = False  # whether other tasks run beside this one: their progress is told as a whole


def add_workers(parser):
    """Add the options that `workers` takes."""
    group = parser.add_argument_group("several tables, or one larger than memory")
    group.add_argument("--jobs", type=int, help="processes (as many as there are cores)")
    group.add_argument(
        "--backend",
        choices=["loky", "dask", "ray", "spark"],
        default="loky",
        help="where they run, by joblib's name: on this machine (%(default)s), or a cluster's",
    )
    group.add_argument("--scheduler", help="address of the cluster's scheduler")


@contextmanager
def workers(jobs=None, backend="loky", scheduler=None):
    """Give `run(function, items, label)`, which yields function(item) in the items' order.

    Parameters
    ----------
    jobs : int, optional
        Processes; as many as there are cores by default.
    backend : str
        "loky" for processes on this machine; "dask", "ray", "spark" for a cluster.
    scheduler : str, optional
        Where the cluster is.

    Yields
    ------
    callable
        A DataError or OSError of one item does not keep the others from being done; it is raised then.
        BLAS has one thread in each task, so that sums have the same bits however many tasks run at a time.
    """
    jobs = jobs if jobs is not None else os.cpu_count() or 1
    if jobs < 1:
        raise DataError(f"--jobs: found {jobs}, expected 1 or more; leave it out for all cores")
    with ExitStack() as stack:
        if backend != "loky":
            stack.enter_context(cluster(backend, scheduler))
        one_thread_of_all = []

        def run(function, items, label=""):
            if not one_thread_of_all:  # sums in this process have the same bits, too
                one_thread_of_all.append(stack.enter_context(one_thread()))
            total = len(items) if hasattr(items, "__len__") else None
            if backend == "loky" and (jobs == 1 or total == 1):
                results = in_this_process(function, items, alone=total == 1)
            else:
                here = backend == "loky"
                threads = max(1, (os.cpu_count() or 1) // jobs) if here else 1
                results = in_processes(
                    partial(attempt, function, threads), items, jobs if here else None, backend in GENERATORS
                )
            return told(results, label, total)

        yield run


def in_this_process(function, items, alone):
    """Yield what `tried` gives, one after the other."""
    global in_task
    for item in items:
        before, in_task = in_task, not alone
        try:
            result = tried(function, item)
        finally:
            in_task = before
        yield result


def one_thread():
    """A context in which BLAS has one thread."""
    from threadpoolctl import threadpool_limits  # scikit-learn needs it, so it is there

    return threadpool_limits(1)


def attempt(function, threads, item):
    """function(item) in a process of its own, and None; or None and its DataError or OSError."""
    global in_task, THREADS
    in_task, THREADS = True, threads
    with no_interrupt():
        one_thread()
    return tried(function, item)


@contextmanager
def no_interrupt():
    """Leave an interrupt to the process that has begun this one, and stops it.

    One that falls within the calls to C in which libraries are looked up is printed, and lost.
    """
    if threading.current_thread() is not threading.main_thread():  # of a cluster's worker
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def tried(function, item):
    try:
        return function(item), None
    except (DataError, OSError) as error:
        return None, error


def in_processes(function, items, jobs, one_by_one):
    """Yield function(item) in the items' order, from joblib's processes, in batches unless one by one."""
    from joblib import Parallel, delayed
    from joblib import __version__ as joblib_version

    calls = map(delayed(function), items)
    try:
        if one_by_one and tuple(map(int, joblib_version.split(".")[:2])) >= (1, 3):
            yield from Parallel(n_jobs=jobs, batch_size=1, return_as="generator")(calls)
        else:
            while True:
                some = list(islice(calls, 4 * (jobs or 16)))
                if not some:
                    break
                yield from Parallel(n_jobs=jobs, batch_size=1)(some)
    except Exception as error:
        if isinstance(error, BrokenProcessPool) or type(error).__name__ == "KilledWorker":
            raise DataError(
                "a worker process was killed, by hand or by the system when memory is short; run the same "
                "command again, what is finished is kept, with fewer --jobs if memory is short"
            ) from None
        raise


def told(results, label, total):
    """Yield results, with progress; after the last, raise the first error among them."""
    errors, done = [], 0
    with progress(label, total) as show:
        for result, error in results:
            done += 1
            show(done)
            if error is not None:
                errors.append(error)
            elif not errors:
                yield result
    if errors:
        more = f"; {len(errors) - 1} more failed" if len(errors) > 1 else ""
        raise DataError(f"{errors[0]}{more}") from None


@contextmanager
def cluster(backend, scheduler):
    """Have joblib run on a cluster."""
    import joblib

    library = {"dask": "distributed", "ray": "ray", "spark": "joblibspark"}[backend]
    try:
        __import__(library)
    except ImportError:
        raise DataError(
            f"--backend {backend}: found no {library}; install it (pip install {library})"
        ) from None
    names = ("preprocess", "mdl", "train", "predict")  # each needs those before it
    modules = [sys.modules[name] for name in names if name in sys.modules]
    with ExitStack() as stack:
        settings = {}
        if backend == "dask":
            from distributed import Client

            client = settings["client"] = stack.enter_context(Client(scheduler))
            for module in modules:
                client.upload_file(module.__file__)
        elif backend == "ray":
            import ray
            from ray.util.joblib import register_ray

            sent = {"py_modules": modules} if modules else None
            ray.init(address=scheduler, runtime_env=sent, configure_logging=False)
            stack.callback(ray.shutdown)
            register_ray()
        else:
            from joblibspark import register_spark
            from pyspark.sql import SparkSession

            session = SparkSession.builder
            session = (session.master(scheduler) if scheduler else session).getOrCreate()
            stack.callback(session.stop)
            for module in modules:
                session.sparkContext.addPyFile(module.__file__)
            register_spark()
        stack.enter_context(joblib.parallel_backend(backend, **settings))
        yield


def run(main):
    """Run a step; a mistake in what the user gave ends in one line and status 1."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        main()
    except (DataError, OSError) as error:
        sys.exit(f"{os.path.basename(sys.argv[0])}: {error}")
    except KeyboardInterrupt:
        sys.exit(f"{os.path.basename(sys.argv[0])}: interrupted, nothing is half-written")


def preprocess_table(source, output, keep_time=False):
    """Preprocess one table; feature names and rows of what was written.

    Parameters
    ----------
    source : str
    output : str
        Parquet where its name says so, else CSV.
    keep_time : bool
        Whether the output is as old as its source, so that it is known to be done.
    """
    rows, names = 0, None
    modified = (
        os.stat(source).st_mtime_ns if keep_time else None
    )  # before it is read: it may change meanwhile
    if output.endswith(".parquet"):
        with replacing(output, "wb", modified) as file, ParquetRows(file, os.path.basename(source)) as writer:
            for table in read_tables(source):
                writer.write(table.features)
                names, rows = list(table.features), rows + len(table.features)
        return names, rows
    with replacing(output, "w", modified) as file:
        for names, text in read_tables(
            source, lambda table: (list(table.features), csv_rows(table.features))
        ):
            file.write(text if rows else csv_header(names) + text)
            rows += text.count("\n")
    return names, rows


def preprocess_shard(item):
    """As `preprocess_table`, of a source and an output that may be done: then it has no rows."""
    source, output = item
    if is_done(output, source):
        return written_names(output), None
    with naming(source, output):
        return preprocess_table(source, output, keep_time=True)


def written_names(path):
    """The names of the features in a table that `preprocess_table` wrote."""
    if path.endswith(".parquet"):
        with parquet_errors(path):
            return pyarrow_parquet().read_schema(path).names[1:]
    with open(path, encoding="utf-8") as file:
        return next(csv.reader(file))[1:]


def preprocess_all(sources, folder, kind, run):
    """Preprocess tables to a folder; feature names, rows and tables written, and tables done before."""
    outputs = [
        os.path.join(
            folder, stem_of(source) + (kind or (".parquet" if source.endswith(".parquet") else ".csv"))
        )
        for source in sources
    ]
    taken = {os.path.realpath(source) for source in sources}
    for output in outputs:
        if os.path.realpath(output) in taken:
            raise DataError(
                f"{output}: found spectra there, expected another folder for the features; name one"
            )
    os.makedirs(folder, exist_ok=True)
    clear_leftovers(folder)
    pairs = list(zip(map(os.path.abspath, sources), map(os.path.abspath, outputs)))
    each_names, each_rows = zip(*run(preprocess_shard, pairs, "tables"))
    for source, names in zip(sources, each_names):
        if names != each_names[0]:
            raise DataError(
                f"{source}: found other channels than in {sources[0]}, expected the same in all; preprocess "
                "them apart"
            )
    written = [rows for rows in each_rows if rows is not None]
    return each_names[0], sum(written), len(written), len(sources) - len(written)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--input",
        default="/opt/ml/processing/input/public/public.csv.gz",
        help="spectra file (.csv, .csv.gz, .parquet), or a folder or pattern of such (%(default)s)",
    )
    parser.add_argument(
        "--output",
        default="/opt/ml/processing/output/preprocess/public.csv",
        help="feature table to write (.csv, .parquet), or a folder for one a file (%(default)s)",
    )
    parser.add_argument(
        "--format", choices=["csv", "parquet"], help="of the tables in a folder (as the input's)"
    )
    add_workers(parser)
    arguments = parser.parse_args(argv)
    sources, output = find_tables(arguments.input), arguments.output
    if output.endswith(".gz"):
        raise DataError(
            f"--output: found {output}, expected a name in .csv or .parquet, or a folder; name one"
        )
    if output.endswith((".csv", ".parquet")) and not os.path.isdir(output):
        if len(sources) > 1:
            raise DataError(
                f"--output: found {output} for the {len(sources)} tables of {arguments.input}, expected a folder; "
                "name one"
            )
        names, rows = preprocess_table(sources[0], output)
        done = ""
    else:
        with workers(arguments.jobs, arguments.backend, arguments.scheduler) as run:
            kind = arguments.format and "." + arguments.format
            names, rows, written, before = preprocess_all(sources, output, kind, run)
        done = f" in {written} tables, {before} done before" if before else f" in {written} tables"
    logger.info("%s: %s spectra, %d features each%s", output, format(rows, ","), len(names), done)


if __name__ == "__main__":
    run(main)
