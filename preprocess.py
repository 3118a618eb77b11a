"""Spectra file in, feature table out: the preprocessing step, alone or imported.

    python preprocess.py data/public/public.csv.gz --output data/preprocess/public.csv
    python preprocess.py spectra/ --output features/       # a folder of .csv, .csv.gz, .parquet

Each spectrum is divided by its maximum over a range of channels, clipped to that range's
own minimum and maximum, and summed in windows of some channels:

    x_ic = clip(s_ic / M_i, m_i / M_i, 1),   M_i, m_i = max, min of s_ic over the range
    f_iw = sum of x_ic over the channels c of window w, rounded to DECIMALS

Range, window and other treatments than this one: SETTINGS. Rows are independent: a spectrum gives
the same features alone, in any batch and in any order. The file is read in blocks, so memory does
not grow with it. The platform runs this file by itself: it imports nothing of the project but, as a
script, recore.many, which reads many tables and Parquet.
"""

import argparse
import codecs
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
from typing import Callable, List, NamedTuple, Optional, Sequence

import numpy as np
import pandas as pd

logger = logging.getLogger(__name__)


class Settings(NamedTuple):
    """How spectra become features; the defaults are the challenge's."""

    range: str = "0:-300"  # channels, counted as a slice (the last 300 are noise), or '3900:700cm-1'
    window: int = 7  # channels; best of 1, 3, 5, 7, 10 in cross-validation
    treatment: str = "max"  # one of TREATMENTS

    def __str__(self):
        """Those that are not the challenge's: 'treatment=snv'; nothing where all are."""
        own = zip(self._fields, self, type(self)())
        return " ".join(f"{name}={value}" for name, value, usual in own if value != usual)


TREATMENTS = {
    "max": "divided by the maximum over the range, clipped to it; channels outside stay",
    "none": "as they are, over the range",
    "snv": "minus their mean over the range, by their standard deviation (Barnes et al. 1989)",
    "derivative": "first derivative over the range (Savitzky & Golay 1964)",
    "both": "snv, then derivative",
}
# The platform's Processing job has no others; `tools.tune --apply` writes this line.
SETTINGS = Settings()
SLOPES = ("derivative", "both")
SLOPE = 21  # channels that a slope is fitted to, a parabola's
DECIMALS = 12  # of a feature: a file then holds what memory does, to the last bit, and is short
BLOCK_BYTES = 4 << 20  # of text a block: some 270 spectra of 1,700 channels
CACHED_ROWS = 256  # preprocessed at a time: 3.5 MB of 1,700 channels, which a processor's cache holds
FEWEST = 301  # channels of names that have a number with text around it; fewer are columns
MANY = 10  # numbered columns of another name than the channels: more channels, not assays
LONGEST = 16 << 20  # bytes of a line: 1,700 channels need 30 thousand; a cell of several lines has a 16th
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
THREADS = min(4, CORES)  # blocks in work; parsing releases the GIL
SHOWN = 10  # of a file's bad cells
MEND = "mend the cell (an assay below detection: half the limit, or leave it empty)"
AGAIN = "found a header line among the rows", "numbers", "remove it, and join files without their headers"

ID_COLUMNS = ("DepthTo", "SiteID", "DepthFrom")
INDEX_NAMES = ("", "Unnamed: 0", "index")  # what the first column is called when it counts rows
# pandas before 1.2 reads numbers less exactly unless told to; later ones warn when told.
PRECISION = {"float_precision": "high"} if pd.__version__.startswith(("1.0", "1.1")) else {}
TABLES = (".csv", ".csv.gz", ".parquet")  # how the name of a table ends, in any case
PLATFORM = "/opt/ml"  # its folder
PUBLIC = "public.csv.gz"  # the platform's; a folder that holds it stands for it alone
DETAILS = ".details.csv"  # how the name of predict.py's table ends, which holds no spectra
DECIMAL = re.compile(r"(?:\+|(-))?(0|[1-9][0-9]*)(?:\.([0-9]*?)0*)?")  # a plain number: sign, digits, digits
NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)?")  # in the name of a channel
EMPTY = b", \t\x0b\x0c"  # what a line without a cell filled is made of
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


class BadCells(DataError):
    """What is wrong with the cells of a file, a line each, of which SHOWN are kept."""

    def __init__(self, cells, count=None):
        super().__init__(*cells[0].args)
        self.cells, self.count = cells[:SHOWN], count or len(cells)

    def __reduce__(self):  # else a process would get the first alone
        return type(self), (self.cells, self.count)

    def __str__(self):
        lines = [DataError.__str__(cell) for cell in self.cells]
        return "\n".join(lines + [f"and {self.count - len(lines):,} more"] * (self.count > len(lines)))


class EmptyTable(DataError):
    """A table without a row: of several it may be left out."""


class Layout(NamedTuple):
    """Which columns of a file are what, by name, in file order (the 49 targets in their own)."""

    index: Optional[str]
    ids: List[str]
    channels: List[str]  # as the file calls them
    targets: List[str]
    axis: List[str]  # the channels in one canonical form: numbers where their names tell them
    names: List[str]  # all columns


class Table(NamedTuple):
    """Rows of a spectra file, preprocessed; the three frames share the file's index."""

    features: pd.DataFrame  # (n_rows, n_windows)
    ids: pd.DataFrame  # (n_rows, n_ids)
    targets: pd.DataFrame  # (n_rows, n_targets), no column in a private file
    channels: Sequence[str] = ()  # as Layout.axis


# --- the arithmetic -----------------------------------------------------------------


def span(settings, channels):
    """The slice of channels that the settings' range names; a DataError where it leaves too few.

    Channels are names, of which a range in cm-1 takes the numbers.
    """
    first, _, last = settings.range.partition(":")
    if last.endswith("cm-1"):
        axis = np.array([number(name) for name in channels], dtype=float)
        low, high = sorted((float(first), float(last[:-4])))
        inside = np.flatnonzero((axis >= low) & (axis <= high))
        if np.isnan(axis).any() or not len(inside):
            ends = f"{channels[0]!r} to {channels[-1]!r}" if len(channels) else "none"
            found = f"found the channels {ends}, none of them in the range {settings.range}"
            raise DataError("", found, remedy="name a range that they are in")
        part = slice(int(inside[0]), int(inside[-1]) + 1)
    else:
        part = slice(*(int(end) if end else None for end in (first, last)))
    found, least = len(range(len(channels))[part]), SLOPE if settings.treatment in SLOPES else 1
    if found < least:
        cut = max(part.start or 0, 0) + max(-(part.stop or 0), 0)
        expected = f"at least {least + cut} for the range [{settings.range}]"
        remedy = "is it a table of spectra, separated by commas?"
        raise DataError("", f"found {len(channels)} channels", expected, remedy)
    return part


def treat(spectra, part, treatment):
    """Spectra (n_rows, n_channels) treated as TREATMENTS says, (n_rows, n_channels) or those of the part."""
    if treatment == "max":
        return scale(spectra, part)
    kept = np.ascontiguousarray(spectra[:, part])
    if treatment in ("snv", "both"):
        kept = kept - kept.mean(axis=1, keepdims=True)
        kept /= np.sqrt(np.square(kept).mean(axis=1, keepdims=True))
    return slopes(kept) if treatment in SLOPES else kept


def slopes(spectra):
    """First derivative a channel of spectra (n_rows, n_channels): of a parabola through SLOPE channels around each.

    At the ends the first and the last parabola go on (Savitzky & Golay 1964, Anal. Chem. 36, 1627).
    """
    half, n = SLOPE // 2, spectra.shape[1]
    squares = 2 * sum(k**2 for k in range(1, half + 1))
    fourths = 2 * sum(k**4 for k in range(1, half + 1))
    slope = np.zeros((len(spectra), n - 2 * half))
    for k in range(1, half + 1):
        slope += k * (spectra[:, half + k : n - half + k] - spectra[:, half - k : n - half - k])
    slope /= squares
    found = np.empty(spectra.shape)
    found[:, half : n - half] = slope
    for first, at, middle in ((0, range(-half, 0), 0), (n - SLOPE, range(1, half + 1), -1)):
        bend = np.zeros(len(spectra))
        for k in range(-half, half + 1):
            bend += (SLOPE * k**2 - squares) * spectra[:, first + half + k]
        bend /= SLOPE * fourths - squares**2
        for t in at:
            found[:, first + half + t] = slope[:, middle] + 2 * t * bend
    return found


def scale(spectra, channels):
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


def window_sums(spectra, width):
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


def window_names(channels, settings=SETTINGS):
    """Name each window by its first and its last channel, '3997.4:3985.2', so that other channels give other names.

    Settings that are not the challenge's stand in the name as well: '3997.4:3985.2 [treatment=snv]'.
    """
    kept = channels if settings.treatment == "max" else channels[span(settings, channels)]
    windows = [kept[first : first + settings.window] for first in range(0, len(kept), settings.window)]
    own = f" [{settings}]" if str(settings) else ""
    return [f"{window[0]}:{window[-1]}{own}" for window in windows]


def features(spectra, settings=SETTINGS):
    """The features (n_rows, n_windows) of a DataFrame of spectra (n_rows, n_channels), treated and summed.

    A DataError names each gap, infinity, and spectrum that cannot be treated, or tells of too few channels.
    """
    channels = [str(name) for name in spectra.columns]
    known = channel_names(channels)
    axis = [known.get(name, name) for name in channels]
    part = check_channels(axis, "spectra", settings)
    values = np.ascontiguousarray(spectra, dtype=float)
    refuse(wrong_spectra(values, values.min(axis=1), channels, "row {}".format, part, settings))
    sums = window_sums(treat(values, part, settings.treatment), settings.window)
    return pd.DataFrame(sums, spectra.index, window_names(axis, settings))


# --- the columns --------------------------------------------------------------------


def number(name):
    """The number that a name is ('3997.4'), else None."""
    try:
        value = float(name)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def largest_family(names):
    """The text before and after a number that most of the names have in common, and their numbers by name."""
    families = {}
    for name in names:
        places = [(0, len(name))] if number(name) is not None else map(re.Match.span, NUMBER.finditer(name))
        for start, end in places:
            value = float(name[start:end].replace(",", "."))
            families.setdefault((name[:start], name[end:]), {}).setdefault(name, value)
    return max(families.items(), key=lambda family: len(family[1]), default=(("", ""), {}))


def channel_names(names):
    """{name: the number in it, canonical} of the columns that are channels by their names, in their order.

    A number counts where most of the names have the same text around it: '3997.4', 'X3997.4', '3997.4 cm-1',
    'scan_mir.3997.4_abs'; so 'Al2O3' is no channel. There are none where the names only count ('a1', 'a2', …).
    """
    around, found = largest_family(names)
    if 2 * len(found) <= len(names):
        return {}
    if around not in (("", ""), ("X", "")):  # R puts an X before a number
        axis = list(found.values())
        steps = np.diff(axis)
        counts = axis[0] in (0, 1) and (steps == 1).all()
        if len(axis) < FEWEST or counts or not ((steps > 0).all() or (steps < 0).all()):
            return {}
    return {name: re.sub(r"\.0$", "", repr(value)) for name, value in found.items()}


def split_columns(names, text=(), path="table", spectra=True, targets=None, ids=(), settings=SETTINGS):
    """Tell ids, channels and targets apart, by the names of a header and which of them hold text.

    Ids are ID_COLUMNS, columns of text, and `ids`. Targets are `targets` where they are given, else the 49
    TARGETS where all are there; else, in a file that names its channels by numbers, every other numeric
    column, among them up to half of the 49. Channels are the rest, in file order. Without `spectra` there may be
    no channel, and those that are there are left out. A DataError names `path` and what breaks a rule.
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
    # In the order that the score expects.
    official = [name for name in TARGETS if name in names and name not in ids]
    whole = len(official) == len(TARGETS)
    if targets is None and not whole and 2 * len(official) > len(TARGETS):
        missing = ", ".join(name for name in TARGETS if name not in official)
        seen = f"found {len(official)} of {len(TARGETS)} targets, missing: {missing}"
        raise DataError(path, seen, remedy="give all of them or none, or name those to learn with --targets")
    apart = {index, *ID_COLUMNS, *TARGETS, *ids, *(targets or ())}
    rest = [name for name in names if name not in apart]
    numeric = [place for place, name in enumerate(rest) if name not in text]
    # Text between channels is a damaged channel, not an id.
    run = rest[numeric[0] : numeric[-1] + 1] if numeric else []
    channel = channel_names(rest)
    first = next(iter(channel), "")
    if number(first[first[:1] == "X" :]) is None:  # in the challenge's shape no numeric column is lost
        others = [name for name in run if name not in channel]
        if others and (whole or many_alike(others)):
            channel = {}
    if not (channel or spectra or whole):
        channel = dict.fromkeys(name for name in rest if number(name) is not None)
    own = [name for name in rest if name not in channel and name not in text]
    if not channel and (spectra or whole):
        channel, own = {name: name for name in run}, []
        if not whole:
            leading = [name for name in names if name != index][:1]  # of a table on its side: an axis
            check_alike(run[run[:1] == leading :], path)
    learnt = (official if whole else [*official, *own]) if targets is None else {*targets}.intersection(names)
    targets = [name for name in (TARGETS if {*learnt} == {*TARGETS} else names) if name in learnt]
    taken = {index, *channel, *targets}
    ids = [name for name in names if name not in taken]
    channels = list(channel) if spectra else []
    for name in channels + targets:
        if name in text:
            raise DataError(f"{path}, column {name!r}", "found text", "numbers", "mend or remove it")
    axis = [channel[name] for name in channels]
    if spectra:
        check_axis(axis, path)
        check_channels(axis, path, settings)
    return Layout(index, ids, channels, targets, axis, names)


def check_alike(channels, path):
    """Raise a DataError where most of the channels' names differ by a number alone, and some, assays', do not."""
    (before, after), alike = largest_family(channels)
    beside = [name for name in channels if name not in alike and name != before.rstrip("._") + after]
    if beside and 2 * len(alike) > len(channels) and not many_alike(beside):
        first, *_, last = alike
        found = f"found the column {beside[0]!r} beside channels that are named {first!r} to {last!r}"
        raise DataError(path, found, remedy="remove it, or name it with train.py --targets or --ids")


def many_alike(names):
    """Whether names are those of channels: MANY, most of which differ by a number alone."""
    return len(names) >= MANY and 2 * len(largest_family(names)[1]) > len(names)


def check_axis(channels, path):
    """Raise a DataError unless the numbers that name the channels rise or fall throughout."""
    axis = np.array([number(name) for name in channels], dtype=float)
    right = np.diff(axis) * (axis[-1:] - axis[:1]) > 0
    if not (right | np.isnan(axis[1:])).all():
        wrong = channels[int(np.argmin(right)) + 1]
        found = f"the channels are named by numbers that neither rise nor fall throughout, see {wrong!r}"
        raise DataError(path, found, remedy="put the header line first and the channels in spectral order")


def check_channels(axis, path, settings):
    """As `span`, of the table at a path."""
    try:
        return span(settings, axis)
    except DataError as error:
        raise DataError(path, *error.args[1:]) from None


def wrong_spectra(values, lowest, channels, at, part, settings):
    """Yield a DataError for what no spectrum can hold: gaps, infinities, the header; or what cannot be treated.

    `lowest` are the spectra's minima, which tell of a gap; `at(row)` words where; `part` is the range.
    """
    used = values[:, part]
    highest = used.max(axis=1)
    parts = lowest, highest, values[:, : part.stop], values[:, part.stop :]
    with np.errstate(all="ignore"):
        finite = all(np.isfinite(part.sum()) for part in parts)  # quicker than to look at each
    if not finite:
        yield from wrong_cells(~np.isfinite(values), values, channels, at, "mend or remove the spectrum")
    ends = np.array([number(channels[0]), number(channels[-1])], dtype=float)
    for row in np.flatnonzero(np.isclose(values[:, [0, -1]], ends, 1e-9, 0).all(axis=1)):
        yield DataError(at(row), *AGAIN)
    remedy = "remove it or measure it again"
    for row in np.flatnonzero(highest <= 0) if settings.treatment == "max" else ():
        seen = f"found a spectrum whose maximum over the channels [{settings.range}] is {highest[row]:g}"
        yield DataError(at(row), seen, "more than 0", remedy)
    for row in np.flatnonzero(highest == used.min(axis=1)) if settings.treatment in ("snv", "both") else ():
        seen = f"found a spectrum that is {highest[row]:g} throughout the channels [{settings.range}]"
        yield DataError(at(row), seen, "one that varies", remedy)


def wrong_cells(wrong, cells, names, at, remedy):
    """Yield a DataError for each cell that is marked, or for a row with many; `at(row)` words where."""
    for row in np.flatnonzero(wrong.any(axis=1)) if wrong.any() else ():
        places = np.flatnonzero(wrong[row])
        if 2 * np.sum([cells[row, place] == names[place] for place in places]) > len(places):
            yield DataError(at(row), *AGAIN)
            continue
        for place in places[: len(places) if len(places) < SHOWN else 1]:
            cell, found = cells[row, place], "an infinite value"
            if isinstance(cell, str) or cell != cell:
                found = f"the text {cell!r}" if isinstance(cell, str) else "a gap"
            more = f" and {len(places) - 1} more cells of that kind" if len(places) >= SHOWN else ""
            yield DataError(f"{at(row)}, column {names[place]!r}", f"found {found}{more}", "a number", remedy)


def refuse(errors):
    """Raise the BadCells of what is wrong, if anything is; what was found in two ways is told once."""
    errors = list({error.args: error for error in errors}.values())
    if errors:
        raise BadCells(errors)


# --- reading ------------------------------------------------------------------------


class Block:
    """Whole records of a file; those in which no cell is filled are left out."""

    def __init__(self, text, first_line, path):
        self.text, self.first_line, self.path = text, first_line, path
        self.quoted, self.kept, self.left = b'"' in text, None, []

    def each(self):
        """Yield the line that each record starts in, and the record: bytes, where quotes are a list of cells."""
        if not self.quoted:
            yield from enumerate(self.text.splitlines(), self.first_line)
            return
        rows = csv.reader(io.StringIO(self.decoded(self.text), newline=""))
        line = self.first_line
        try:
            for cells in rows:
                yield line, cells
                line = self.first_line + rows.line_num
        except csv.Error as error:
            found = f"found what is no CSV ({error})"
            raise DataError(f"{self.path}, line {line}", found, remedy="save the table as CSV") from None

    def decoded(self, text):
        """Bytes as text; a DataError where they are not UTF-8."""
        try:
            return text.decode("utf-8")
        except UnicodeDecodeError as error:
            line = self.first_line + self.text.count(b"\n", 0, max(self.text.find(text), 0) + error.start)
            found = f"found bytes that are not UTF-8 ({error.reason})"
            remedy = "save the table as CSV in UTF-8"
            raise DataError(f"{self.path}, line {line}", found, remedy=remedy) from None

    def is_filled(self, record):
        """Whether a cell of a record is filled."""
        return "".join(record).strip() if self.quoted else record.strip(EMPTY)

    def records(self):
        """The records in which a cell is filled."""
        if self.kept is None:
            self.kept = []
            for line, record in self.each():
                if self.is_filled(record):
                    self.kept.append(record)
                elif len(record) > 1 if self.quoted else b"," in record:
                    self.left.append(line)
        return self.kept

    def rows(self):
        """The records as lists of cells."""
        return self.records() if self.quoted else [self.decoded(line).split(",") for line in self.records()]

    def at(self, row):
        """The place of a row of this block: 'public.csv.gz, line 17'."""
        return f"{self.path}, line {[line for line, record in self.each() if self.is_filled(record)][row]}"


def find_tables(path):
    """The tables that a file, a folder (public.csv.gz, else all of them) or a pattern stands for, by name."""
    path, folder = os.fspath(path), os.path.isdir(path)
    if os.path.exists(path) and not folder:
        return [path]
    if not folder and not glob.has_magic(path):
        raise DataError(path, "not found", "a spectra file as data/README.md describes", "check the path")
    names = [os.path.join(path, name) for name in os.listdir(path)] if folder else glob.glob(path)
    found = sorted(filter(is_table, names))
    public = [table for table in found if folder and os.path.basename(table).lower() == PUBLIC]
    if public:
        if len(found) > 1:
            logger.info("%s: %s taken, %d other tables left", path, PUBLIC, len(found) - 1)
        return public[:1]
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
    by_name = ends(name, *TABLES) and not ends(name, DETAILS) and not name.startswith(".")
    return by_name and os.path.isfile(path)


def ends(path, *endings):
    """Whether the name of a file has one of these endings, in capitals or not."""
    return path.lower().endswith(endings)


def stem_of(path):
    """The name of a table without its ending."""
    name = os.path.basename(path)
    return next((name[: -len(end)] for end in TABLES if ends(name, end)), name)


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
        stream = gzip.GzipFile(fileobj=raw) if ends(path, ".gz") else raw
        try:
            text = read_line(stream, name, line)
            text = text[len(codecs.BOM_UTF8) :] if text.startswith(codecs.BOM_UTF8) else text
            # What spreadsheets put above the header.
            while text and (
                not text.strip(EMPTY + b"\r\n") or text.strip(EMPTY + b'"\r\n').lower() == b"sep="
            ):
                text, line = read_line(stream, name, line + 1), line + 1
            while text:
                parts, odd, more = [text], text.count(b'"') % 2, LONGEST >> 4
                while odd:
                    parts.append(read_line(stream, name, line))
                    odd, more = (odd + parts[-1].count(b'"')) % 2, more - len(parts[-1])
                    if not parts[-1] or more < 0:
                        found = "found a quote that is never closed"
                        raise DataError(f"{name}, from line {line}", found, remedy="mend the file")
                text = b"".join(parts)
                yield Block(text, line, name)
                line += text.count(b"\n")
                text = stream.read(BLOCK_BYTES)
                if text:
                    text += read_line(stream, name, line)
                show(raw.tell())
        except EOFError:
            found = f"the gzip file ends too early, near line {line}"
            raise DataError(name, found, remedy="copy or download it again") from None
        except (zlib.error, OSError) as error:
            kind, remedy = "a file", "check it"
            if ends(path, ".gz"):
                kind, remedy = "gzip", "compress it with gzip, or end its name in .csv if it is plain text"
            raise DataError(name, f"cannot be read as {kind} ({error})", remedy=remedy) from None


def read_line(stream, name, line):
    """A line of a file, however long it claims to be."""
    text = stream.readline(LONGEST)
    if len(text) == LONGEST and not text.endswith(b"\n"):
        found = f"found a line of more than {LONGEST >> 20} MB"
        raise DataError(f"{name}, near line {line}", found, "a spectrum a line", "is it a table?")
    return text


def read_header(block):
    """The column names of a header line."""
    names = [cell.strip() for cell in next(iter(block.rows()), [])]
    if len(names) < 2:
        where = f"{block.path}, line {block.first_line}"
        expected = "a header line with names separated by commas"
        raise DataError(where, f"found {len(names)} column", expected, "see data/README.md")
    return names


class NotNumbers(Exception):
    """A cell outside the columns of text is no number."""


def parse(block, names, labels=(), kept=(), quick=True):
    """The numbers of a block in all columns but labels, NaN for gaps, and {kept label: texts}; or NotNumbers.

    The cells are read as one long column: over 1,750 columns pandas spends more time on columns than on
    numbers, and this way it reads two to three times as fast.
    """
    records, width = block.records(), len(names) - len(labels)
    lead = next((place for place, name in enumerate(names) if name not in labels), 0)
    tail = len(labels) - lead
    if quick and not block.quoted and width and names[:lead] + names[len(names) - tail :] == list(labels):
        if any(line.count(b",") + 1 != len(names) for line in records):
            raise NotNumbers
        rows, end = [line.split(b",", lead) for line in records], ","
        rows = [[*row[:-1], *row[-1].rsplit(b",", tail)] for row in rows]
        places = [place if place < lead else place - len(names) for place in map(names.index, kept)]
        texts = [[block.decoded(row[place]) for row in rows] for place in places]
        cells = b",".join([row[lead] for row in rows])
    else:
        rows, end = block.rows(), "\n"
        if any(len(row) != len(names) for row in rows):
            raise NotNumbers
        texts = [[row[place] for row in rows] for place in map(names.index, kept)]
        others = sorted(set(range(len(names))).difference(map(names.index, labels)))
        cells = "\n".join([row[place].strip() for row in rows for place in others]).encode()
    values = one_column(cells, end, na_values=GAPS, **PRECISION) if width else np.empty(0)
    if values.size != len(rows) * width:  # a line break in a cell
        raise NotNumbers
    texts = {name: [cell.strip() for cell in cells] for name, cells in zip(kept, texts)}
    return values.reshape(len(rows), width), texts


def parse_numbers(block, names, labels=(), kept=()):
    """As `parse`, and what is wrong: a DataError each. A cell that is no number counts as 1, an empty one too."""
    for quick in (True, False):  # the slow way takes numbers and gaps with blanks around them as well
        with suppress(NotNumbers):
            return (*parse(block, names, labels, kept, quick), [])
    cells, values, wrong = text_cells(block, names)
    errors = [
        DataError(block.at(row), f"found {width} cells", f"{len(names)} as in the header", "mend the line")
        for row, width in enumerate(map(len, block.rows()))
        if width != len(names)
    ]
    wrong &= ~np.isin(names, labels)
    errors += wrong_cells(wrong, cells, names, block.at, MEND)
    texts = {name: cells[:, names.index(name)].tolist() for name in kept}
    return np.where(wrong, 1, values)[:, ~np.isin(names, labels)], texts, errors


def one_column(cells, end, **options):
    """Cells with `end` between them as numbers, NaN for gaps; NotNumbers where one is none."""
    if SEPARATOR.encode() in cells:
        raise NotNumbers  # two cells to pandas
    lines = {"header": None, "names": ["cell"], "sep": SEPARATOR, "lineterminator": end}
    off = dict.fromkeys(("skip_blank_lines", "keep_default_na", "low_memory"), False)
    options = {"dtype": np.float64, "quoting": csv.QUOTE_NONE, **off, **options}
    try:
        column = pd.read_csv(io.BytesIO(cells + end.encode()), **lines, **options)
    except ValueError:
        raise NotNumbers from None
    return column.to_numpy().ravel()


def text_cells(block, names):
    """All cells as text, as numbers, and which are neither number nor gap; arrays (n_rows, n_columns)."""
    rows = [row if len(row) == len(names) else ["1"] * len(names) for row in block.rows()]
    cells = np.array([[cell.strip() for cell in row] for row in rows], dtype=object)
    values = pd.to_numeric(pd.Series(cells.ravel()), errors="coerce").to_numpy(float).reshape(cells.shape)
    return cells, values, np.isnan(values) & ~np.isin(cells, GAPS)


def text_columns(block, names, spectra=True, targets=()):
    """The columns of a file's first block that hold text, or nothing.

    A column of numbers with some text among them is an id where it stands left of every channel that is named by
    a number (hole '12', '12A'), elsewhere a mistake.
    """
    try:
        values = parse(block, names)[0]
        wrong = np.zeros(values.shape, bool)
    except NotNumbers:
        _, values, wrong = text_cells(block, names)
    known = channel_names(names)
    numbered = np.array([name in known or number(name) is not None for name in names])
    left = numbered.any() & (numbered.cumsum() == 0)
    without = np.isnan(values).all(axis=0) & ~np.isin(names, [*TARGETS, *targets]) & ~numbered
    mixed = np.isin(names, [*ID_COLUMNS, *INDEX_NAMES]) | left | (numbered & (not spectra))
    return [name for name, text in zip(names, without | (wrong.any(axis=0) & mixed)) if text]


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
    errors: Sequence[DataError] = ()  # what is wrong with them
    look: Optional[Callable] = None  # of spectra, their minima, and what words a place: what else is wrong


def csv_cells(block, names, nameless, layout):
    """The Cells of a block of lines; columns without a name must be empty."""
    numeric = {*layout.channels, *layout.targets}
    labels = [name for name in names if name not in numeric]
    values, texts, errors = parse_numbers(block, names, labels, label_names(layout) + nameless)
    remedy = "nothing in a column without a name", "name it"
    for name in nameless:
        filled = [(f"{block.at(row)}, {name}", cell) for row, cell in enumerate(texts.pop(name)) if cell]
        errors += [DataError(place, f"found {cell!r}", *remedy) for place, cell in filled]
    at = {name: place for place, name in enumerate(name for name in names if name in numeric)}
    spectra, targets = (values[:, [at[name] for name in some]] for some in (layout.channels, layout.targets))
    return Cells(spectra, targets, texts, errors)


def label_names(layout):
    """The columns that tell rows apart: index and ids."""
    return [name for name in (layout.index, *layout.ids) if name is not None]


def label_keys(labels):
    """Labels as they compare: as numbers where all are plain decimal numbers, else as text."""
    keys = {label: DECIMAL.fullmatch(label) for label in set(labels)}
    if not all(keys.values()):
        return list(labels)
    return ["%s%s.%s" % keys[label].groups("") for label in labels]


def to_table(cells, rows, layout, at, settings):
    """Check and preprocess the Cells of a block, whose rows are numbered so where they have no index."""
    errors, sums, part = list(cells.errors), [], span(settings, layout.axis)
    for first in range(0, len(cells.spectra), CACHED_ROWS):
        spectra = cells.spectra[first : first + CACHED_ROWS].astype(np.float64, copy=False)
        lowest, here = spectra.min(axis=1), lambda row, first=first: at(first + row)
        errors += wrong_spectra(spectra, lowest, layout.channels, here, part, settings)
        errors += cells.look(spectra, lowest, here) if cells.look else ()
        if not errors:
            sums.append(window_sums(treat(spectra, part, settings.treatment), settings.window))
    errors += wrong_cells(np.isinf(cells.targets), cells.targets, layout.targets, at, MEND)
    labels = list(map(str, rows)) if layout.index is None else cells.labels[layout.index]
    known = {error.where for error in errors}
    for row in (row for row, label in enumerate(labels) if not label and at(row) not in known):
        errors.append(DataError(at(row), "found a row without index", "one for each row", "number them"))
    refuse(errors)
    index = pd.Index(labels, dtype=object)
    return Table(
        pd.DataFrame(np.concatenate(sums), index, window_names(layout.axis, settings)),
        pd.DataFrame({name: cells.labels[name] for name in layout.ids}, index),
        pd.DataFrame(cells.targets, index, layout.targets),
        layout.axis,
    )


def read_tables(path, then=None, open_table=None, settings=SETTINGS):
    """Yield a spectra file as preprocessed Tables of some hundred rows, in file order.

    `then` is applied to each in the thread that made it, and its result yielded instead; `open_table` gives what
    `open_csv` does, for tables of other kinds. A DataError tells what is not as data/README.md says, all bad cells
    and a repeated index after the last row.
    """
    path, indexes, wrong = find_table(path), [], []
    name = os.path.basename(path)
    layout, blocks, finish = (open_table or open_csv)(path, name)

    def work(block):
        rows, read, at = block
        try:
            table = to_table(read(layout), rows, layout, at, settings)
        except BadCells as error:
            return None, error
        return table.features.index, then(table) if then else table

    for index, result in in_order(work, blocks):
        if index is None:
            wrong.append(result)
        elif not wrong:  # else what follows is read for what is wrong with it as well
            indexes.append(index)
            yield result
    if wrong:
        raise BadCells(list(chain(*(error.cells for error in wrong))), sum(error.count for error in wrong))
    index = pd.Index(label_keys(indexes[0].append(indexes[1:])))
    if not index.is_unique:
        found = f"found the index {indexes[0].append(indexes[1:])[index.duplicated()][0]} more than once"
        raise DataError(name, found, "every row to have its own", "number the rows anew")
    finish()


def preprocess(data_file, open_table=None, settings=SETTINGS):
    """Preprocess a whole spectra file: the challenge's hook.

    Parameters
    ----------
    data_file : str
        A .csv.gz or .csv file, or a folder that holds public.csv.gz or one table.
    open_table : callable, optional
        Gives what `open_csv` does, for tables of other kinds.
    settings : Settings
        How spectra become features.

    Returns
    -------
    DataFrame of shape (n_rows, n_ids + n_windows + n_targets)
        Indexed as the file is; ids as text, then features, then the targets where the file has them.
        `attrs` tells "ids", "targets" and "channels" by name, see `split`.

    Raises
    ------
    DataError
        For what is not as data/README.md says.
    """
    *frames, channels = zip(*read_tables(data_file, None, open_table, settings))
    sums, ids, targets = map(pd.concat, frames)
    frame = pd.concat([ids, sums, targets], axis=1)
    frame.attrs = {"ids": list(ids), "targets": list(targets), "channels": list(channels[0])}
    return frame


def split(frame):
    """The Table of what `preprocess` gives."""
    ids, targets = frame.attrs["ids"], frame.attrs["targets"]
    return Table(frame.drop(columns=ids + targets), frame[ids], frame[targets], frame.attrs["channels"])


def open_csv(path, name, spectra=True, targets=None, ids=(), settings=SETTINGS):
    """The Layout of a CSV file, its blocks, and what is to be done after the last.

    A block is row numbers, what reads Cells, and what words a row's place. For the rest see `split_columns`.
    """
    if ends(path, ".parquet"):
        remedy = "put the project's folder recore beside it (recore.tables reads both), or give .csv.gz"
        raise DataError(name, "found Parquet, which preprocess.py cannot read by itself", remedy=remedy)
    blocks, empty = read_blocks(path), []
    header = next(blocks, None)
    if header is None:
        raise EmptyTable(name, "the file is empty", "a header line and spectra", "see data/README.md")
    names = read_header(header)
    nameless = [f"column {place}" for place, title in enumerate(names, 1) if place > 1 and not title]
    names = [title or (place > 1 and f"column {place}") or "" for place, title in enumerate(names, 1)]
    rules = name, spectra, targets, ids, settings
    split_columns(names, nameless, *rules)  # what the header tells by itself comes first
    blocks = (block for block in blocks if block.records() or empty.extend(block.left))
    first = next(blocks, None)
    if first is None:
        raise EmptyTable(name, "found a header line and no row below it", "spectra", "see data/README.md")
    if not names[0] and not any(row[0].strip() for row in first.rows()):
        nameless.append("column 1")
        names[0] = "column 1"
    text = nameless + text_columns(first, names, spectra, targets or ())
    layout = split_columns(names, text, *rules)
    layout = layout._replace(ids=[title for title in layout.ids if title not in nameless])

    def numbered():
        row = 0
        for block in chain([first], blocks):
            rows = pd.RangeIndex(row, row + len(block.records()))
            empty.extend(block.left)
            yield rows, partial(csv_cells, block, names, nameless), block.at
            row = rows.stop

    def finish():
        if nameless:
            logger.info("%s: left out %s, without a name and empty", name, ", ".join(nameless))
        if empty:
            logger.info(
                "%s: left out %d lines without a cell filled, first line %d", name, len(empty), empty[0]
            )

    return layout, numbered(), finish


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
    for stream in (sys.stdout, sys.stderr):  # a console may lack a character, such as ²
        stream.reconfigure(errors="replace")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        main()
    except (DataError, OSError) as error:
        sys.exit(f"{os.path.basename(sys.argv[0])}: {error}")
    except KeyboardInterrupt:
        sys.exit(f"{os.path.basename(sys.argv[0])}: interrupted, no output is half-written")


def place(platform, own):
    """The platform's path where its folder is, else the project's own, as it is called from here."""
    if os.path.isdir(PLATFORM):
        return platform
    return os.path.relpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), own))


def arguments(kind=argparse.ArgumentParser):
    """The parser of the arguments that the platform gives, and of a file without a name."""
    parser = kind(description=__doc__.splitlines()[0])
    folder = PLATFORM + "/processing"
    spectra = place(f"{folder}/input/public/public.csv.gz", "data/public/public.csv.gz")
    table = place(f"{folder}/output/preprocess/public.csv", "data/preprocess/public.csv")
    what = "spectra file (.csv, .csv.gz, .parquet), or a folder or pattern of such"
    parser.add_argument("file", nargs="?", help=f"{what} ({spectra})")
    parser.add_argument("--input", help="the same, as the platform names it")
    of = "feature table to write (.csv, .parquet), or a folder for one a file (%(default)s)"
    parser.add_argument("--output", default=table, help=of)
    parser.set_defaults(spectra=("--input", spectra))
    return parser


def one_of(file, named, option, default):
    """The spectra that a command line names, by themselves or with an option, or the usual ones."""
    if file is not None and named is not None:
        raise DataError(option, f"found {named}, and {file} without a name", "one of them", "leave one out")
    return next(path for path in (file, named, default) if path is not None)


def output_paths(sources, output, kind=None):
    """Where the features of each table go; `kind` ends names in a folder, by default as the source's."""
    if ends(output, ".gz"):
        raise DataError("--output", f"found {output}", "a name in .csv or .parquet, or a folder", "name one")
    outputs = [output]
    if not is_one_table(output):
        kinds = [kind or (".parquet" if ends(source, ".parquet") else ".csv") for source in sources]
        outputs = [os.path.join(output, stem_of(source) + end) for source, end in zip(sources, kinds)]
    elif len(sources) > 1:
        raise DataError("--output", f"found {output} for {len(sources)} tables", "a folder", "name one")
    taken = set(map(os.path.realpath, sources))
    for path in outputs:
        if os.path.realpath(path) in taken:
            raise DataError(path, "found spectra there", "another place for the features", "name one")
    return outputs


def is_one_table(output):
    """Whether an output is the name of a table, not of a folder."""
    return ends(output, ".csv", ".parquet") and not os.path.isdir(output)


def write_csv(source, output, read=read_tables):
    """Preprocess one table to a CSV file; feature names and rows of what was written."""
    rows = 0
    with replacing(output) as file:
        for features, text in read(source, lambda table: (table.features, csv_rows(table.features))):
            file.write(text if rows else csv_header(features) + text)
            rows += len(features)
    return list(features), rows


def main(argv=None):
    """The step as the platform runs it: this file alone, one table after the other."""
    given, further = arguments().parse_known_args(argv)
    if further:
        found = f"found the argument {further[0]}, which needs the project's folder recore beside this file"
        raise DataError("", found, remedy="put it there")
    sources = find_tables(one_of(given.file, given.input, *given.spectra))
    for source, output in zip(sources, output_paths(sources, given.output)):
        if ends(output, ".parquet"):
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
