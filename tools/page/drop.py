"""Files that are dropped become tables in a folder; what cannot be read is named, and the rest goes on."""

import os
from contextlib import redirect_stdout
from io import StringIO
from threading import Lock
from typing import NamedTuple

from preprocess import DataError
from tools.convert import __main__ as convert
from tools.convert.table import convert_table
from tools.page import kinds
from tools.page.heard import one_line
from tools.page.scans import sources_of_scans
from tools.page.source import Source

LARGEST_SHEET = 400 << 20  # bytes, unpacked: a workbook is read whole
printing = Lock()  # of tools.convert, whose words are lines on the page


class Dropped(NamedTuple):
    """A file as the browser sends it."""

    name: str
    data: bytes


def plain_name(name):
    """A name without folders and without what cannot be printed, or would be a pattern."""
    name = os.path.basename(name.replace("\\", "/"))
    name = "".join("_" if not each.isprintable() or each in '*?[]"' else each for each in name)
    return name.lstrip(".") or "file"


def sources_of(dropped, folder, asked, step=lambda name: None):
    """The Sources of files, and (name, reason) of those that are refused.

    Parameters
    ----------
    dropped : list of Dropped
    folder : str
        Empty, to write in.
    asked : Asked
    step : callable, optional
        `step(name)` before each file.

    Returns
    -------
    sources : list of Source
        Tables in the order given, then instrument files, one for each grid of channels.
    refused : list of (str, str)
    """
    sources, refused, scans, seen = [], [], [], {}
    for place, (name, data) in enumerate(dropped):
        name = plain_name(name)
        if name in seen:
            again = "the same file was dropped twice, and is answered once"
            refused.append(
                (name, again if seen[name] == data else "it is the second of this name; rename one")
            )
            continue
        seen[name] = data
        kind = kinds.kind_of(name, data)
        if kind == kinds.ARCHIVE:
            refused.append((name, "it is a zip archive; drop the files that are in it"))
            continue
        below = os.path.join(folder, "scans" if kind == kinds.SCAN else f"table{place}")
        os.makedirs(below, exist_ok=True)
        path = os.path.join(below, name)
        with open(path, "wb") as file:
            file.write(data)
        if kind == kinds.SCAN:
            scans.append(path)
            continue
        step(name)
        try:
            sources.append(Source(name, path, []) if kind == kinds.TABLE else converted(name, path, data))
        except Exception as error:  # a damaged file may raise anything, and the others wait
            refused.append((name, one_line(error, below, name)))
    found, bad = sources_of_scans(scans, folder, asked, step) if scans else ([], [])
    return sources + found, refused + bad


def converted(name, path, data):
    """The Source of a sheet, which tools.convert makes a table of."""
    if kinds.unpacked(data) > LARGEST_SHEET:
        found = f"found {kinds.unpacked(data) >> 20:,} MB once unpacked"
        raise DataError(name, found, f"at most {LARGEST_SHEET >> 20} MB", "save it as CSV")
    output = os.path.join(os.path.dirname(path), "table.csv")
    arguments = convert.command_line().parse_args([path, "--output", output])
    with printing, redirect_stdout(StringIO()) as printed:
        convert_table(arguments, "")
    said = [line for line in printed.getvalue().splitlines() if not line.startswith("wrote ")]
    return Source(name, output, [f"{name}: {line}" for line in said])
