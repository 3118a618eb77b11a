"""What kind a file is, by its first bytes; names lie."""

import os
import re

from tools.convert.libraries import read_openreadout, read_opus
from tools.convert.own import read_asp, read_columns, read_peir
from tools.convert.scan import Refused

OPUS, PEIR, PEPE, SPA = b"\x0a\x0a\xfe\xfe", b"PE IR", b"PEPE", b"Spectral Data File"
SPC_VERSIONS = (0x4B, 0x4C, 0x4D)
OTHERS = {
    b"PK\x03\x04": "is a zip archive or a workbook: unpack it, or name it with --assays",
    b"\x1f\x8b": "is a gzip file: unpack it",
    b"%PDF": "is a PDF",
    b"\xd0\xcf\x11\xe0": "is an old Office file",
    b"PAR1": "is Parquet: a table, not a scan",
    b"\x89PNG": "is a picture",
    b"\xff\xd8\xff": "is a picture",
    b"II*\x00": "is a picture",
    b"SQLite": "is a database",
    b"\x7fELF": "is a program",
    b"MZ": "is a program",
    b"{": "is JSON",
    b"<": "is XML or a web page",
}
PASSED = re.compile(r"\.|~\$|thumbs\.db$|desktop\.ini$|readme|licen[cs]e", re.IGNORECASE)  # how names begin
DOCUMENTS = (".md", ".html", ".pdf", ".docx", ".json", ".py", ".r", ".log", ".rst")


def is_passed_over(name):
    """Whether a file is what a system or a person leaves beside spectra."""
    return bool(PASSED.match(name)) or name.lower().endswith(DOCUMENTS)


def read_scan(path, block="last"):
    """The Scan in a file; Refused with the reason where there is none."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise Refused(f"cannot be read: {error.strerror}") from None
    if not data:
        raise Refused("is empty")
    if data.startswith(OPUS):
        return read_opus(path, data, block)
    if data.startswith(PEIR):
        return read_peir(path, data)
    if data.startswith((PEPE, SPA)) or data.lstrip(b"\xef\xbb\xbf \t\r\n")[:2] in (b"##", b"$$"):
        return read_openreadout(path, data)
    for begin, what in OTHERS.items():
        if data.startswith(begin):
            raise Refused(what)
    if len(data) > 32 and data[1] in SPC_VERSIONS and 0 in data[:32]:
        return read_openreadout(path, data)
    if 0 in data[:1000] and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        raise Refused(f"is of no kind that is known here (it begins with {data[:8].hex(' ')})")
    lines = data[:400].split()
    if (
        len(lines) > 3
        and re.fullmatch(rb"[0-9]+", lines[0])
        and b"," not in data[:200]
        and os.path.splitext(path)[1].lower() == ".asp"
    ):
        return read_asp(path, data)
    return read_columns(path, data)
