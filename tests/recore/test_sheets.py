"""What a file is that is no table."""

import gzip
import re

import pytest

from preprocess import BadCells, DataError
from recore import sheets
from tests.conftest import REAL, write
from tests.tables import soil

RAW = REAL / "raw_files"
KINDS = {
    "parquet": (b"PAR1" + bytes(99), "Parquet"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(99), "HDF5"),
    "npy": (b"\x93NUMPY\x01\x00" + b"v" * 99, "NumPy"),
    "sqlite": (b"SQLite format 3\x00" + bytes(99), "SQLite"),
    "bz2": (b"BZh91AY&SY" + bytes(99), "bzip2"),
    "xz": (b"\xfd7zXZ\x00" + bytes(99), "xz"),
    "pickle": (b"\x80\x04\x95" + bytes(99), "pickle.*never opened"),
    "spc": (b"\x80K" + bytes(99), "SPC"),
    "tar": (b"name".ljust(257, b"\0") + b"ustar" + bytes(99), "tar"),
    "gzip within gzip": (gzip.compress(gzip.compress(b"a,b\n1,2\n")), "gzip within gzip"),
    "zeros": (b"a,b\n" + bytes(400), "bytes of zero|UTF-16"),
    "utf-16, big end first": ("a,b\n1,2\n".encode("utf-16-be") * 99, "UTF-16"),
    "xml": (b"<?xml version='1.0'?>\n<a/>\n", "XML"),
    "error of another kind": (b"SiteID;Al\nA;1\nB;2\n", "cells separated by semicolons"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_told_by_its_bytes(kind, tmp_path):
    data, told = KINDS[kind]
    (tmp_path / "a.csv").write_bytes(data)
    found = sheets.reason(str(tmp_path / "a.csv"), DataError("a.csv", "found 1 column"))
    assert found.where == "a.csv" and found.remedy
    assert re.search(told, str(found)), found


@pytest.mark.parametrize("ending", [".csv", ".csv.gz"])
def test_of_a_table_there_is_nothing_better_to_say(ending, tmp_path):
    """Whatever the reader's error was: a repeated index, a code, a cell of text."""
    table = soil().assign(Remark="wet; red, 12 345 m|deep", Lab="1,5").astype({"clay": object})
    for own in (table, table.assign(clay=["<0.01", *table["clay"][1:]])):
        path = write(own, tmp_path / ("a" + ending))
        for error in (
            DataError("a.csv", "found the index 3 more than once"),
            BadCells([DataError("a.csv, line 2, column 'clay'", "found the text '<0.01'", "a number")]),
            BadCells(
                [DataError("a.csv, line 4, column 'clay'", "found -9999, a code for a gap", "a number")]
            ),
        ):
            assert sheets.reason(str(path), error) is None


def test_nothing_is_raised_for_what_is_not_there_or_broken(tmp_path):
    (tmp_path / "half.csv.gz").write_bytes(gzip.compress(b"a,b\n" * 9999)[:60])
    for name in ("no.csv", "half.csv.gz"):
        assert sheets.reason(str(tmp_path / name), DataError(name, "found nothing")) is None


def test_every_raw_file_under_the_name_of_a_table_is_refused_by_what_it_is(tmp_path):
    if not RAW.exists():
        pytest.skip(f"the instruments' files are not here: {RAW}")
    seen = 0
    for path in sorted(RAW.rglob("*")):
        if path.is_file() and path.suffix.lower() in (
            ".spa",
            ".spc",
            ".sp",
            ".jdx",
            ".dx",
            ".0",
            ".xlsx",
            ".mat",
        ):
            found = sheets.reason(str(path), DataError(path.name, "found 1 column"))
            assert found is not None, path
            seen += 1
    assert seen > 5
