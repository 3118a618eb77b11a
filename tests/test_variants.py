"""A real file as instruments and spreadsheets write it: read right, or refused with what it is and what to do."""

import csv
import gzip
import io
import json

import numpy as np
import pandas as pd
import pytest

import recore.tables
from preprocess import DataError
from tests.conftest import REAL, channels_of

NAME = "yamsys_soil/yamsys_soil_full.csv.gz"
ROWS = 24


@pytest.fixture(scope="module")
def soil():
    """Twenty-four soils as text, cell by cell: a DataFrame with SiteID, 1,716 channels and 31 targets."""
    if not (REAL / NAME).exists():
        pytest.skip(f"the real spectra are not here: {REAL / NAME}")
    table = pd.read_csv(REAL / NAME, index_col=0, dtype=str, keep_default_na=False)
    return table.iloc[:: len(table) // ROWS][:ROWS].reset_index(drop=True)


def read(path):
    return recore.tables.read_table(str(path))


def as_csv(table, index=True, **options):
    text = io.StringIO(newline="")
    table.to_csv(text, index=index, **options)
    return text.getvalue()


def lines(edit):
    """The CSV with its lines edited: a list in, a list out."""
    return lambda table: "\n".join(edit(as_csv(table).splitlines())) + "\n"


def cell(row, column, value, quoted=False):
    """The CSV with another cell."""

    def make(table):
        own = table.copy()
        own.loc[own.index[row], column] = value
        return as_csv(own)

    return make


def renamed(name):
    return lambda table: as_csv(table.rename(columns={each: name(each) for each in channels_of(table)}))


def commas(table, separator=";"):
    """Cells apart by semicolons, numbers with decimal commas, in the header as well."""
    own = table.apply(lambda column: column.str.replace(".", ",", regex=False))
    return as_csv(own.rename(columns=lambda name: name.replace(".", ",")), sep=separator)


def pandas_twice(table):
    once = pd.read_csv(io.StringIO(as_csv(table)), dtype=str, keep_default_na=False)
    return as_csv(once)


def transposed(table):
    return as_csv(table[channels_of(table)].T.rename(columns="S{}".format).rename_axis("wavenumber"))


def with_column(place, name, values):
    def make(table):
        own = table.copy()
        own.insert(place if place >= 0 else own.shape[1], name, values, allow_duplicates=True)
        return as_csv(own)

    return make


READ = {
    "as it is": as_csv,
    "a byte order mark": lambda table: "\ufeff" + as_csv(table),
    "line ends of Windows": lambda table: as_csv(table).replace("\n", "\r\n"),
    "no line end at the end": lambda table: as_csv(table).rstrip("\n"),
    "blank lines between and at the end": lines(lambda rows: [*rows[:5], "", *rows[5:], "", "  "]),
    "blank lines above": lines(lambda rows: ["", ",,,", *rows]),
    "lines of commas at the end": lines(lambda rows: [*rows, "," * rows[0].count(","), ",,"]),
    "empty columns at the end": lines(lambda rows: [row + ",,," for row in rows]),
    "an empty column at the begin": lambda table: "\n".join(
        "," + row for row in as_csv(table, index=False).splitlines()
    ),
    "an empty column between": with_column(1, "", ""),
    "sep=, in the first line": lines(lambda rows: ["sep=,", *rows]),
    "sep=, and empty cells behind it": lines(lambda rows: ["sep=,,,", *rows]),
    '"sep=," and a byte order mark': lambda table: "\ufeffsep=,\r\n" + as_csv(table).replace("\n", "\r\n"),
    "everything in quotes": lambda table: as_csv(table, quoting=csv.QUOTE_ALL),
    "text in quotes": lambda table: as_csv(table, quoting=csv.QUOTE_NONNUMERIC),
    "R's write.csv": lambda table: as_csv(
        table.set_axis(table.index + 1).rename(columns={name: f"X{name}" for name in channels_of(table)}),
        quoting=csv.QUOTE_ALL,
    ),
    "blanks around cells": lambda table: as_csv(table).replace(",", " , "),
    "no-break spaces around numbers": lambda table: as_csv(table.apply(lambda column: "\u00a0" + column)),
    "an index called index": lambda table: as_csv(table, index_label="index"),
    "no index": lambda table: as_csv(table, index=False),
    "saved twice by pandas": pandas_twice,
    "saved three times by pandas": lambda table: pandas_twice(
        pd.read_csv(io.StringIO(as_csv(table)), dtype=str, keep_default_na=False)
    ),
    "exponents": lambda table: as_csv(
        table.apply(
            lambda column: column if column.name == "SiteID" else column.where(column == "", column + "E+00")
        )
    ),
    "plus signs": lambda table: as_csv(
        table.apply(
            lambda column: column.where(~column.str.match("[0-9]") | (column.name == "SiteID"), "+" + column)
        )
    ),
    "wavenumbers with a unit": renamed("{} cm-1".format),
    "wavenumbers as R names them": renamed("X{}".format),
    "wavenumbers with zeros behind": renamed("{}00".format),
    "wavenumbers with a decimal comma": renamed(lambda name: name.replace(".", ",")),
    "names of a spectral library": renamed("scan_mir.{}_abs".format),
    "a remark with commas, quotes and line breaks": with_column(
        3, "Remark", ['wet, "sticky"\nand red'] * ROWS
    ),
    "a remark that begins late": with_column(-1, "Remark", [*[""] * (ROWS - 1), "wet"]),
    "an empty remark": with_column(-1, "Remark", ""),
    "a column of the same number": with_column(-1, "batch", "7"),
    "a column of row numbers at the end": with_column(-1, "Nr", [str(k) for k in range(1, ROWS + 1)]),
    "a copy that pandas renamed": lambda table: as_csv(table.assign(**{"C.1": table["C"]})),
    "a text column at the end": with_column(-1, "lab", "Bern"),
    "targets before channels": lambda table: as_csv(
        table[[name for name in table if name not in channels_of(table)] + channels_of(table)]
    ),
    "gaps written in other ways": lambda table: as_csv(table).replace(",,", ",NA,").replace(",,", ",n/a,"),
    "zeros behind": lambda table: as_csv(
        table.apply(lambda column: column.where(~column.str.contains(r"\.[0-9]+$"), column + "00"))
    ),
}
ENDINGS = (".csv", ".CSV", ".csv.gz", ".CSV.GZ", ".Csv.Gz")

REFUSED = {
    "semicolons": (lambda table: as_csv(table, sep=";"), "cells separated by semicolons.*tools.convert"),
    "semicolons and decimal commas": (
        commas,
        "separated by semicolons, numbers with decimal commas.*tools.convert",
    ),
    "sep=; and decimal commas": (
        lambda table: "sep=;\n" + commas(table),
        "separated by semicolons, numbers with dec",
    ),
    "sep= and a tab": (
        lambda table: "sep=\t\n" + as_csv(table, sep="\t"),
        "cells separated by tabs.*CSV UTF-8",
    ),
    "tabs": (lambda table: as_csv(table, sep="\t"), "cells separated by tabs.*CSV UTF-8"),
    "bars": (lambda table: as_csv(table, sep="|"), "cells separated by bars"),
    "blanks": (
        lambda table: as_csv(table.drop(columns="SiteID").replace("", "NA"), sep=" "),
        "separated by blanks",
    ),
    "decimal commas in quotes": (
        lambda table: commas(table, ","),
        r"numbers with decimal commas \(such as '[0-9]+,[0-9]+'\).*CSV UTF-8",
    ),
    "thousands": (
        lambda table: as_csv(table.assign(P_tot="1,234.5")),
        r"separators of thousands \(such as '1,234\.5'\)",
    ),
    "a title": (
        lines(lambda rows: ["Soils of Burkina Faso, 2019", *rows]),
        "above the header, which seems to be line 2",
    ),
    "two lines of title": (
        lines(lambda rows: ["Soils" + "," * rows[0].count(","), "measured 2019", *rows]),
        "above the header, which seems to be line 3.*remove them",
    ),
    "comments": (
        lines(lambda rows: ["# instrument: Vertex", "# resolution: 4", *rows]),
        "seems to be line 3",
    ),
    "a row of units": (
        lines(lambda rows: [rows[0], ",-" + ",%" * (rows[0].count(",") - 1), *rows[1:]]),
        r"a row of units or a second header in line 2 \(such as '%'\); |row of units.*remove it",
    ),
    "the header twice": (lines(lambda rows: [*rows, *rows]), "line 26: found a header line among the rows"),
    "a row of means": (
        lines(lambda rows: [*rows, "Mean,," + ",".join(["n.a."] * (rows[0].count(",") - 1))]),
        "a last line, 26, of sums or remarks.*remove it",
    ),
    "a footnote": (
        lines(lambda rows: [*rows, "measured by us" + "," * rows[0].count(",")]),
        "line 26|a last line, 26, of sums or remarks",
    ),
    "below detection": (
        cell(4, "P_tot", "<0.01"),
        "line 6, column 'P_tot': found the text '<0.01'.*half the limit",
    ),
    "an error of Excel's": (cell(4, "P_tot", "#DIV/0!"), "'#DIV/0!', an error of the spreadsheet's"),
    "a unit in a cell": (cell(4, "P_tot", "12 ppm"), "line 6, column 'P_tot': found the text '12 ppm'"),
    "a sample without spectrum": (
        lambda table: as_csv(
            table.assign(**{name: table[name].mask(table.index == 3, "") for name in channels_of(table)})
        ),
        "line 5, column .*: found a gap and 1715 more",
    ),
    "codes for gaps": (cell(4, "P_tot", "-9999"), "line 6, column 'P_tot': found -9999, a code for a gap"),
    "channels down": (transposed, "looks the other way round.*transpose it"),
    "a wrong number of cells": (
        lines(lambda rows: [*rows[:4], rows[4] + ",5", *rows[5:]]),
        "line 5: found 1750 cells",
    ),
    "UTF-16": (lambda table: as_csv(table).encode("utf-16"), "text in UTF-16.*CSV UTF-8"),
    "UTF-16 without a mark": (lambda table: as_csv(table).encode("utf-16-le"), "text in UTF-16"),
    "Windows-1252": (
        lambda table: as_csv(table.assign(Lab="Zürich")).encode("cp1252"),
        "not UTF-8 but perhaps Windows-1252 or Latin-1.*Zürich",
    ),
    "old Macs": (lambda table: as_csv(table).replace("\n", "\r"), r"line ends of old Macs \(CR\)"),
    "a workbook": (lambda table: b"PK\x03\x04" + b"\x14\0\6\0" * 500, "a workbook of Excel"),
    "an old workbook": (
        lambda table: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000),
        "workbook of Excel, of the old",
    ),
    "a PDF": (lambda table: b"%PDF-1.7\n" + bytes(range(256)) * 9, "a PDF"),
    "a web page": (lambda table: "<!DOCTYPE html>\n<html><table>", "a web page"),
    "JSON": (lambda table: json.dumps(table.to_dict("records")), "JSON"),
    "OPUS": (lambda table: b"\x0a\x0a\xfe\xfe" + bytes(range(256)) * 9, "Bruker's OPUS"),
    "JCAMP": (lambda table: "##TITLE=soil\n##JCAMP-DX=5.00\n" * 20, "JCAMP-DX"),
    "gzip under .csv": (
        lambda table: gzip.compress(as_csv(table).encode()),
        "gzip, |compressed with gzip.*end in .gz",
    ),
    "one spectrum": (
        lambda table: "\n".join(f"{name},{table[name].iloc[0]}" for name in channels_of(table)),
        "one spectrum, a channel a line",
    ),
    "nothing": (lambda table: "", "the file is empty"),
    "blanks alone": (lambda table: "\n\n , ,\n", "the file is empty|no row"),
    "Git LFS": (
        lambda table: "version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 9\n",
        "git lfs pull",
    ),
}


def put(text, path):
    data = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(gzip.compress(data) if path.name.lower().endswith(".gz") else data)
    return path


@pytest.mark.parametrize("variant", READ)
def test_a_variant_is_read_to_the_same_numbers(variant, soil, tmp_path):
    expected = read(put(as_csv(soil), tmp_path / "plain.csv"))
    found = read(put(READ[variant](soil), tmp_path / "variant.csv"))
    assert list(found.targets) == list(expected.targets) and len(found.targets.columns) == 31
    assert list(found.features) == list(expected.features) and found.channels == expected.channels
    np.testing.assert_array_equal(found.features, expected.features)
    np.testing.assert_array_equal(found.targets, expected.targets)
    assert list(found.ids["SiteID"]) == list(expected.ids["SiteID"])


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_ending_is_one_in_capitals_or_not(ending, soil, tmp_path):
    expected = read(put(as_csv(soil), tmp_path / "plain.csv"))
    found = read(put(as_csv(soil), tmp_path / f"variant{ending}"))
    np.testing.assert_array_equal(found.features, expected.features)


@pytest.mark.parametrize("variant", REFUSED)
def test_a_variant_is_refused_with_what_it_is_and_what_to_do(variant, soil, tmp_path):
    make, told = REFUSED[variant]
    with pytest.raises(DataError, match=told) as caught:
        read(put(make(soil), tmp_path / "variant.csv"))
    assert str(caught.value).startswith("variant.csv")


def test_plain_text_under_gz_is_named(soil, tmp_path):
    (tmp_path / "variant.csv.gz").write_text(as_csv(soil))
    with pytest.raises(DataError, match=r"cannot be read as gzip.*end its name in \.csv"):
        read(tmp_path / "variant.csv.gz")
