"""What a dropped file is: a table that predict.py reads, a sheet that becomes one, a scan of an instrument, a zip."""

import io
import zipfile

from preprocess import FEWEST, ends
from tools.convert.sheet import delimiter_of
from tools.convert.text import decoded

TABLE, SHEET, SCAN, ARCHIVE = "table", "sheet", "scan", "archive"
LOOKED_AT = 1 << 20  # bytes of text
LINES = 200  # of text, that tell how wide it is


def kind_of(name, data):
    """The kind of a file, by its bytes; only of what is compressed and of Parquet the name tells as well."""
    if ends(name, ".csv.gz", ".parquet") or data.startswith(b"PAR1"):
        return TABLE
    if data.startswith(b"PK\x03\x04"):
        return SHEET if is_workbook(data) else ARCHIVE
    if 0 in data[:1000] and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        return SCAN
    text = decoded(data[:LOOKED_AT])
    lines = text.splitlines()[:LINES]
    end = delimiter_of(lines)
    widths = [line.count(end) + 1 for line in lines]
    if max(widths, default=0) >= FEWEST:
        return TABLE if widths[0] >= FEWEST and end == "," else SHEET
    lies = len(widths) > FEWEST // 2 and sorted(widths)[len(widths) // 2] > 3  # more than an index, x and y
    return SHEET if lies else SCAN


def is_workbook(data):
    """Whether a zip is a workbook of Excel or LibreOffice."""
    try:
        names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return True  # a damaged one, of which tools.convert tells
    return "xl/workbook.xml" in names


def unpacked(data):
    """Bytes that a zip says that it holds."""
    try:
        return sum(each.file_size for each in zipfile.ZipFile(io.BytesIO(data)).infolist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return 0
