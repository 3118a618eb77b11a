"""Spectra file in, feature table out: the preprocessing step, alone or imported.

    python preprocess.py --input data/public/public.csv.gz --output data/preprocess/public.csv
    python preprocess.py --input spectra/ --output features/       # a folder of .csv, .csv.gz, .parquet

Each spectrum is divided by its maximum over the channels SCALE_RANGE, clipped to
that range's own minimum and maximum, and summed in windows of WINDOW channels:

    x_ic = clip(s_ic / M_i, m_i / M_i, 1),   M_i, m_i = max, min of s_ic over SCALE_RANGE
    f_iw = sum of x_ic over the channels c of window w, rounded to DECIMALS

Rows are independent: a spectrum gives the same features alone, in any batch and in any order. The file
is read in blocks, so memory does not grow with it. The platform runs this file by itself: it imports
nothing of the project but, as a script, recore.many, which reads many tables and Parquet.
"""

import argparse
import csv
import glob
import gzip
import io
import logging
import math
import os
import re
import sys
import time
import uuid
import zlib
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain
from typing import List, NamedTuple, Optional

import numpy as np
import pandas as pd

logger = logging.getLogger(__name__)

SCALE_RANGE = slice(0, -300)  # channels; the last 300 are noise (best end of -1 ... -400)
RANGE = f"[{SCALE_RANGE.start}:{SCALE_RANGE.stop}]"
WINDOW = 7  # channels; best of 1, 3, 5, 7, 10 in cross-validation
DECIMALS = 12  # of a feature: a file then holds what memory does, to the last bit, and is short
BLOCK_BYTES = 4 << 20  # of text a block: some 270 spectra of 1,700 channels
CACHED_ROWS = 256  # preprocessed at a time: 3.5 MB of 1,700 channels, which a processor's cache holds
THREADS = min(4, os.cpu_count() or 1)  # blocks in work; parsing releases the GIL

ID_COLUMNS = ("DepthTo", "SiteID", "DepthFrom")
INDEX_NAMES = ("", "Unnamed: 0", "index")  # what the first column is called when it counts rows
# pandas before 1.2 reads numbers less exactly unless told to; later ones warn when told.
PRECISION = {"float_precision": "high"} if pd.__version__.startswith(("1.0", "1.1")) else {}
TABLES = (".csv", ".csv.gz", ".parquet")  # how the name of a table ends
PUBLIC = "public.csv.gz"  # the platform's; a folder that holds it stands for it alone
DETAILS = ".details.csv"  # how the name of predict.py's table ends, which holds no spectra
DECIMAL = re.compile(
    r"(?:\+|(-))?(?=[0-9])0*([0-9]*)(?:\.([0-9]*?)0*)?"
)  # a plain number: sign, digits, digits
SEPARATOR = "\x1f"  # of columns, where there is only one
GAPS = ["", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None"]  # cells without a value

TARGETS = tuple(
    """
    AgPPM AsPPM AuPPM BaPPM BiPPM CdPPM CoPPM CuPPM FePCT MnPPM MoPPM NiPPM PPCT PbPPM SPPM SbPPM SePPM
    SnPPM SrPPM TePPB ThPPB UPPB VPCT WPPM ZnPPM ZrPPM BePPM AlPPM CaPPM CePPM CrPPM CsPPM GaPPM GePPM
    HfPPM InPPM KPPM LaPPM LiPPM MgPPM NaPPM NbPPM RbPPM RePPM ScPPM TaPPM TiPPM TlPPM YPPM
    """.split()
)


class DataError(ValueError):
    """A mistake in what the user gave, in one line: the place, what was found and expected, a remedy."""

    def __init__(self, where, found, expected="", remedy=""):
        super().__init__(where, found, expected, remedy)
        self.where, self.found, self.expected, self.remedy = self.args

    def __str__(self):
        text = f"{self.where}: {self.found}" if self.where else self.found
        text += f", expected {self.expected}" if self.expected else ""
        return text + (f"; {self.remedy}" if self.remedy else "")


class Layout(NamedTuple):
    """Which columns of a file are what, by name, in file order (the 49 targets in their own)."""

    index: Optional[str]
    ids: List[str]
    channels: List[str]
    targets: List[str]


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
    scaled = np.minimum(spectra, highest)  # np.clip is slower where the bounds are of rows
    np.maximum(scaled, reference.min(axis=1, keepdims=True), out=scaled)
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
    """The features (n_rows, n_windows) of a DataFrame of spectra (n_rows, n_channels), scaled and summed.

    A DataError names a gap, an infinity, a maximum that is not above 0, or too few channels.
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


def split_columns(names, text=(), path="table", spectra=True):
    """Tell ids, channels and targets apart, by the names of a header and which of them hold text.

    Ids are ID_COLUMNS and columns of text. Targets are the 49 TARGETS; in a file that has none of them and
    names its channels by numbers, every other numeric column. Channels are the rest, in file order. Without
    `spectra` there may be no channel, and those that are there are left out. A DataError names `path` and the
    column that breaks a rule of data/README.md.
    """
    names = list(names)
    if "" in names[1:]:
        found = f"column {names.index('', 1) + 1} has no name, and only the first, the index, may have none"
        raise DataError(path, found, remedy="name it")
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        remedy = "rename or remove the others, and put the header line first"
        raise DataError(path, f"found column {name!r} {times} times", "every name once", remedy)
    index = names[0] if names[0] in INDEX_NAMES else None
    official = [name for name in TARGETS if name in names]  # in the order the score expects
    if official and len(official) < len(TARGETS):
        missing = ", ".join(name for name in TARGETS if name not in official)
        seen = f"found {len(official)} of {len(TARGETS)} targets, missing: {missing}"
        raise DataError(path, seen, remedy="give all of them or none")
    rest = [name for name in names if name not in (index, *ID_COLUMNS, *TARGETS)]
    numbered = [name for name in rest if number(name) is not None]
    if 2 * len(numbered) > len(rest) or not (spectra or official):
        channels = numbered
        targets = official or [name for name in rest if number(name) is None and name not in text]
        if spectra:
            check_axis(channels, path)
    else:
        numeric = [place for place, name in enumerate(rest) if name not in text]
        # Text between channels is a damaged channel, not an id.
        channels = rest[numeric[0] : numeric[-1] + 1] if numeric else []
        targets = official
    taken = {index, *channels, *targets}
    ids = [name for name in names if name not in taken]
    channels = channels if spectra else []
    for name in channels + targets:
        if name in text:
            raise DataError(f"{path}, column {name!r}", "found text", "numbers", "mend or remove it")
    if spectra:
        check_channels(channels, path)
    return Layout(index, ids, channels, targets)


def check_axis(channels, path):
    """Raise a DataError unless the numbers that name the channels rise or fall throughout."""
    axis = np.array([number(name) for name in channels])
    right = np.diff(axis) * (axis[-1] - axis[0]) > 0
    if not right.all():
        wrong = channels[int(np.argmin(right)) + 1]
        found = f"the channels are named by numbers that neither rise nor fall throughout, see {wrong!r}"
        raise DataError(path, found, remedy="put the header line first and the channels in spectral order")


def check_channels(channels, path):
    """Raise a DataError unless SCALE_RANGE leaves a channel to scale by."""
    if not range(len(channels))[SCALE_RANGE]:
        expected = f"at least {1 - SCALE_RANGE.stop} for the range {RANGE}"
        remedy = "is it a table of spectra, separated by commas?"
        raise DataError(path, f"found {len(channels)} channels", expected, remedy)


def check_spectra(values, channels, at):
    """Raise a DataError that names the first gap, infinity or maximum not above 0; `at(row)` words where."""
    check_finite(values, channels, at, False, "mend or remove the spectrum")
    highest = values[:, SCALE_RANGE].max(axis=1)
    if not (highest > 0).all():
        row = int(np.argmin(highest > 0))
        seen = f"found a spectrum whose maximum over the channels {RANGE} is {highest[row]:g}"
        raise DataError(at(row), seen, "more than 0", "remove it or measure it again")


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
    """The tables that a file, a folder (public.csv.gz, else all of them) or a pattern stands for, by name."""
    path, folder = os.fspath(path), os.path.isdir(path)
    if os.path.exists(path) and not folder:
        return [path]
    if not folder and not glob.has_magic(path):
        raise DataError(path, "not found", "a spectra file as data/README.md describes", "check the path")
    names = [os.path.join(path, name) for name in os.listdir(path)] if folder else glob.glob(path)
    found, public = sorted(filter(is_table, names)), os.path.join(path, PUBLIC)
    if public in found:
        if len(found) > 1:
            logger.info("%s: %s taken, %d other tables left", path, PUBLIC, len(found) - 1)
        return [public]
    if not found:
        where, expected = "in the folder" if folder else "by it", f"names that end in {', '.join(TABLES)}"
        raise DataError(path, f"found no table {where}", expected, "check the path")
    stem, times = Counter(map(stem_of, found)).most_common(1)[0]
    if times > 1:
        both = [name for name in found if stem_of(name) == stem]
        raise DataError(path, f"found {both[0]} and {both[1]}", "one table of a name", "move or rename one")
    return found


def find_table(path):
    """The one table that a path stands for, see `find_tables`."""
    found = find_tables(path)
    if len(found) > 1:
        names = ", ".join(map(os.path.basename, found[:3])) + (", …" if len(found) > 3 else "")
        raise DataError(path, f"found {len(found)} tables, {names}", "one", "name it")
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
    """Yield a file's lines as Blocks of about BLOCK_BYTES, the header line alone; no quoted cell is cut."""
    name, line = os.path.basename(path), 1
    with open(path, "rb") as raw, progress(name, os.path.getsize(path)) as show:
        stream = gzip.GzipFile(fileobj=raw) if path.endswith(".gz") else raw
        try:
            text = stream.readline()
            while text:
                while text.count(b'"') % 2:
                    more = stream.readline()
                    if not more:
                        found = "found a quote that is never closed"
                        raise DataError(f"{name}, from line {line}", found, remedy="mend the file")
                    text += more
                yield Block(text, line, name)
                line += text.count(b"\n")
                text = stream.read(BLOCK_BYTES)
                text += stream.readline()
                show(raw.tell())
        except EOFError:
            found = f"the gzip file ends too early, near line {line}"
            raise DataError(name, found, remedy="copy or download it again") from None
        except (zlib.error, OSError) as error:
            kind, remedy = "a file", "check it"
            if path.endswith(".gz"):
                kind, remedy = "gzip", "compress it with gzip, or end its name in .csv if it is plain text"
            raise DataError(name, f"cannot be read as {kind} ({error})", remedy=remedy) from None


def read_cells(text, at):
    """Lines of CSV, as bytes, as lists of cells; `at()` words the place."""
    try:
        return list(csv.reader(io.StringIO(text.decode("utf-8-sig"))))
    except UnicodeDecodeError as error:
        found = f"found bytes that are not UTF-8 ({error.reason})"
        raise DataError(at(), found, remedy="save the table as CSV in UTF-8") from None
    except csv.Error as error:
        found = f"found what is no CSV ({error})"
        raise DataError(at(), found, remedy="save the table as CSV") from None


def read_header(block):
    """The column names of a header line."""
    rows = read_cells(block.text, lambda: f"{block.path}, line 1")
    names = [cell.strip() for cell in rows[0]] if rows else []
    if len(names) < 2:
        expected = "a header line with names separated by commas"
        raise DataError(f"{block.path}, line 1", f"found {len(names)} column", expected, "see data/README.md")
    return names


class NotNumbers(Exception):
    """A cell outside the columns of text is no number."""


def parse(block, names, labels=(), kept=(), quick=True):
    """The numbers of a block in all columns but labels, NaN for gaps, and {kept label: texts}; or NotNumbers.

    The cells are read as one long column: over 1,750 columns pandas spends more time on columns than on
    numbers, and this way it reads two to three times as fast.
    """
    if quick and names[: len(labels)] == list(labels) and b'"' not in block.text:
        rows, end = block.lines(), ","
        check_widths([line.count(b",") + 1 for line in rows], names, block)
        rows = [line.split(b",", len(labels)) for line in rows]
        try:
            texts = [[row[place].decode("utf-8") for row in rows] for place in map(names.index, kept)]
        except UnicodeDecodeError:
            split_rows(block, names)  # which says so in one line
            raise
        cells = b",".join([row[-1] for row in rows])
    else:
        rows, end = split_rows(block, names), "\n"
        texts = [[row[place] for row in rows] for place in map(names.index, kept)]
        others = sorted(set(range(len(names))).difference(map(names.index, labels)))
        cells = "\n".join([row[place].strip() for row in rows for place in others]).encode()
    values = one_column(cells, end, na_values=GAPS, **PRECISION).reshape(len(rows), len(names) - len(labels))
    return values, {name: [cell.strip() for cell in cells] for name, cells in zip(kept, texts)}


def parse_numbers(block, names, labels=(), kept=()):
    """As `parse`; a DataError that names the first cell that is no number."""
    for quick in (True, False):  # the slow way takes numbers and gaps with blanks around them as well
        with suppress(NotNumbers):
            return parse(block, names, labels, kept, quick)
    cells, wrong = text_cells(block, names)
    raise not_a_number(block, names, cells, wrong & ~np.isin(names, labels))


def check_finite(values, names, at, gaps_allowed=True, remedy="mend the cell or leave it empty"):
    """Raise a DataError that names the first infinity, or gap where none may be; `at(row)` words where."""
    wrong = np.isinf(values) if gaps_allowed else ~np.isfinite(values)
    if wrong.any():
        row, place = np.argwhere(wrong)[0]
        found = "found a gap" if np.isnan(values[row, place]) else "found an infinite value"
        raise DataError(f"{at(row)}, column {names[place]!r}", found, "a number", remedy)


def one_column(cells, end, **options):
    """Cells with `end` between them as numbers, NaN for gaps; NotNumbers where one is none."""
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
            low_memory=False,
            **options,
        )
    except ValueError:
        raise NotNumbers from None
    return column.to_numpy().ravel()


def split_rows(block, names):
    """The cells of every line, as lists of text."""
    cells = read_cells(block.text, lambda: block.at(0))
    rows = [row for row in cells if len(row) > 1 or "".join(row).strip()]
    check_widths([len(row) for row in rows], names, block)
    return rows


def check_widths(widths, names, block):
    """Raise a DataError that names the first line with more or fewer cells than the header."""
    for row, width in enumerate(widths):
        if width != len(names):
            expected = f"{len(names)} as in the header"
            raise DataError(block.at(row), f"found {width} cells", expected, "mend the line")


def text_cells(block, names):
    """All cells as text, and which of them are no numbers; two arrays (n_rows, n_columns)."""
    cells = np.array([[cell.strip() for cell in row] for row in split_rows(block, names)], dtype=object)
    numbers = pd.to_numeric(pd.Series(cells.ravel()), errors="coerce").to_numpy().reshape(cells.shape)
    return cells, np.isnan(numbers) & ~np.isin(cells, GAPS)


def not_a_number(block, names, cells, wrong):
    """The DataError for the first cell that `wrong` marks."""
    row, place = np.argwhere(wrong)[0]
    where, found = f"{block.at(row)}, column {names[place]!r}", f"found the text {cells[row, place]!r}"
    remedy = "mend the cell (an assay below detection: half the limit, or leave it empty)"
    return DataError(where, found, "a number", remedy)


def text_columns(block, names, spectra=True):
    """The columns of a file's first block that hold text.

    A column of numbers with some text among them is an id where it stands left of every column named by a
    number (hole '12', '12A'), elsewhere a mistake.
    """
    try:
        parse(block, names)
        return []
    except NotNumbers:
        cells, wrong = text_cells(block, names)
    numbered = np.array([number(name) is not None for name in names])
    left = numbered.any() & (numbered.cumsum() == 0)
    known = np.isin(names, [*ID_COLUMNS, *INDEX_NAMES]) | left
    all_text = (wrong | np.isin(cells, GAPS)).all(axis=0) & ~np.isin(names, TARGETS) & ~numbered
    mixed = wrong & ~(known | all_text | (numbered & (not spectra)))
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


class Cells(NamedTuple):
    """What a block of a table holds."""

    spectra: np.ndarray  # (n_rows, n_channels)
    targets: np.ndarray  # (n_rows, n_targets)
    labels: dict  # index and ids by name, each of n_rows texts


def csv_cells(block, names, layout):
    """The Cells of a block of lines."""
    numeric = {*layout.channels, *layout.targets}
    labels = [name for name in names if name not in numeric]
    values, texts = parse_numbers(block, names, labels, label_names(layout))
    at = {name: place for place, name in enumerate(name for name in names if name in numeric)}
    spectra, targets = (values[:, [at[name] for name in some]] for some in (layout.channels, layout.targets))
    return Cells(spectra, targets, texts)


def label_names(layout):
    """The columns that tell rows apart: index and ids."""
    return [name for name in (layout.index, *layout.ids) if name is not None]


def label_keys(labels):
    """Labels as they compare: as numbers where all are plain decimal numbers, else as text."""
    keys = {label: DECIMAL.fullmatch(label) for label in set(labels)}
    if not all(keys.values()):
        return list(labels)
    return ["%s%s.%s" % keys[label].groups("") for label in labels]


def to_table(cells, rows, layout, at):
    """Check and preprocess the Cells of a block, whose rows are numbered so where they have no index."""
    sums = []
    for first in range(0, len(cells.spectra), CACHED_ROWS):
        spectra = cells.spectra[first : first + CACHED_ROWS].astype(np.float64, copy=False)
        check_spectra(spectra, layout.channels, lambda row, first=first: at(first + row))
        sums.append(window_sums(scale(spectra)))
    check_finite(cells.targets, layout.targets, at)
    labels = list(map(str, rows)) if layout.index is None else cells.labels[layout.index]
    if "" in labels:
        raise DataError(at(labels.index("")), "found a row without index", "one for each row", "number them")
    index = pd.Index(labels, dtype=object)
    return Table(
        pd.DataFrame(np.concatenate(sums), index, window_names(layout.channels)),
        pd.DataFrame({name: cells.labels[name] for name in layout.ids}, index),
        pd.DataFrame(cells.targets, index, layout.targets),
    )


def read_tables(path, then=None, open_table=None):
    """Read and preprocess a spectra file block by block, in THREADS threads.

    Parameters
    ----------
    path : str
        A .csv.gz or .csv file, or a folder that holds public.csv.gz or one table.
    then : callable, optional
        Applied to each Table in the thread that made it; its result is yielded instead.
    open_table : callable, optional
        Gives the Layout of a table and its blocks, as `open_csv` does, for tables of other kinds.

    Yields
    ------
    Table
        Some hundred rows, in file order.

    Raises
    ------
    DataError
        For what is not as data/README.md says; for a repeated index after the last row.
    """
    path, indexes = find_table(path), []
    name = os.path.basename(path)
    layout, blocks = (open_table or open_csv)(path, name)

    def work(block):
        rows, read, at = block
        table = to_table(read(layout), rows, layout, at)
        return table.features.index, then(table) if then else table

    for index, result in in_order(work, blocks):
        indexes.append(index)
        yield result
    index = pd.Index(label_keys(indexes[0].append(indexes[1:])))
    if not index.is_unique:
        found = f"found the index {indexes[0].append(indexes[1:])[index.duplicated()][0]} more than once"
        raise DataError(name, found, "every row to have its own", "number the rows anew")


def preprocess(data_file, open_table=None):
    """Preprocess a whole spectra file: the challenge's hook.

    Parameters
    ----------
    data_file : str
        A .csv.gz or .csv file, or a folder that holds public.csv.gz or one table.
    open_table : callable, optional
        See `read_tables`.

    Returns
    -------
    DataFrame of shape (n_rows, n_ids + n_windows + n_targets)
        Indexed as the file is; ids as text, then features, then the targets where the file has them.
        `attrs` tells "ids" and "targets" by name, see `split`.

    Raises
    ------
    DataError
        As `read_tables`.
    """
    sums, ids, targets = map(pd.concat, zip(*read_tables(data_file, open_table=open_table)))
    frame = pd.concat([ids, sums, targets], axis=1)
    frame.attrs = {"ids": list(ids), "targets": list(targets)}
    return frame


def split(frame):
    """The Table of what `preprocess` gives."""
    ids, targets = frame.attrs["ids"], frame.attrs["targets"]
    return Table(frame.drop(columns=ids + targets), frame[ids], frame[targets])


def open_csv(path, name, spectra=True):
    """The Layout of a CSV file, and its blocks: row numbers, what reads Cells, what words a row's place."""
    if path.endswith(".parquet"):
        remedy = "put the project's folder recore beside it (recore.tables reads both), or give .csv.gz"
        raise DataError(name, "found Parquet, which preprocess.py cannot read by itself", remedy=remedy)
    blocks = read_blocks(path)
    header = next(blocks, None)
    if header is None:
        raise DataError(name, "the file is empty", "a header line and spectra", "see data/README.md")
    names = read_header(header)
    split_columns(names, (), name, spectra)  # what the header tells by itself comes first
    blocks = (block for block in blocks if block.lines())
    first = next(blocks, None)
    if first is None:
        raise DataError(name, "found a header line and no row below it", "spectra", "see data/README.md")

    def numbered():
        row = 0
        for block in chain([first], blocks):
            rows = pd.RangeIndex(row, row + len(block.lines()))
            yield rows, partial(csv_cells, block, names), block.at
            row = rows.stop

    return split_columns(names, text_columns(first, names, spectra), name, spectra), numbered()


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


def beside(path):
    """A name for what takes the place of `path` when it is whole."""
    folder, name = os.path.split(os.path.abspath(path))
    return os.path.join(folder, f".{name}.{uuid.uuid4().hex[:8]}.part")


@contextmanager
def replacing(path, mode="w"):
    """Open a file beside `path` that takes its place when all is written, or leaves no trace."""
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    part = beside(path)
    try:
        with open(part, mode) as file:
            yield file
        os.replace(part, path)
    except BaseException:
        if os.path.exists(part):
            os.remove(part)
        raise


# --- the step -----------------------------------------------------------------------

in_task = False  # whether other tasks run beside this one: their progress is told as a whole


def run(main):
    """Run a step; a mistake in what the user gave ends in one line and status 1."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        main()
    except (DataError, OSError) as error:
        sys.exit(f"{os.path.basename(sys.argv[0])}: {error}")
    except KeyboardInterrupt:
        sys.exit(f"{os.path.basename(sys.argv[0])}: interrupted, no output is half-written")


def arguments():
    """The parser of the arguments that the platform gives."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    spectra = "spectra file (.csv, .csv.gz, .parquet), or a folder or pattern of such (%(default)s)"
    table = "feature table to write (.csv, .parquet), or a folder for one a file (%(default)s)"
    parser.add_argument("--input", default="/opt/ml/processing/input/public/public.csv.gz", help=spectra)
    parser.add_argument("--output", default="/opt/ml/processing/output/preprocess/public.csv", help=table)
    return parser


def output_paths(sources, output, kind=None):
    """Where the features of each table go; `kind` ends names in a folder, by default as the source's."""
    if output.endswith(".gz"):
        raise DataError("--output", f"found {output}", "a name in .csv or .parquet, or a folder", "name one")
    outputs = [output]
    if not is_one_table(output):
        ends = [kind or (".parquet" if source.endswith(".parquet") else ".csv") for source in sources]
        outputs = [os.path.join(output, stem_of(source) + end) for source, end in zip(sources, ends)]
    elif len(sources) > 1:
        raise DataError("--output", f"found {output} for {len(sources)} tables", "a folder", "name one")
    taken = set(map(os.path.realpath, sources))
    for path in outputs:
        if os.path.realpath(path) in taken:
            raise DataError(path, "found spectra there", "another place for the features", "name one")
    return outputs


def is_one_table(output):
    """Whether an output is the name of a table, not of a folder."""
    return output.endswith((".csv", ".parquet")) and not os.path.isdir(output)


def write_csv(source, output, open_table=None):
    """Preprocess one table to a CSV file; feature names and rows of what was written."""
    rows = 0
    with replacing(output) as file:
        for features, text in read_tables(source, lambda t: (t.features, csv_rows(t.features)), open_table):
            file.write(text if rows else csv_header(features) + text)
            rows += len(features)
    return list(features), rows


def main(argv=None):
    """The step as the platform runs it: this file alone, one table after the other."""
    given, further = arguments().parse_known_args(argv)
    if further:
        found = f"found the argument {further[0]}, which needs the project's folder recore beside this file"
        raise DataError("", found, remedy="put it there")
    sources = find_tables(given.input)
    for source, output in zip(sources, output_paths(sources, given.output)):
        if output.endswith(".parquet"):
            remedy = "put the project's folder recore beside it for Parquet, or name one"
            raise DataError(output, "expected a name in .csv where this file is alone", remedy=remedy)
        names, rows = write_csv(source, output)
        logger.info("%s: %s spectra, %d features each", output, format(rows, ","), len(names))


def command():
    """Run the project's command where its package is, else this file's, which the platform gives alone."""
    try:
        from recore import many
    except ImportError as missing:
        found = getattr(sys.modules.get("recore"), "__file__", None)  # an empty folder of that name has none
        if found or missing.name != "recore":  # the package is there, and broken
            raise
        run(main)
    else:
        many.command()  # in the module `preprocess`, whose errors it catches: this script is `__main__`


if __name__ == "__main__":
    command()
