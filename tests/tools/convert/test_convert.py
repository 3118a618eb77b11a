"""python -m tools.convert: a folder and a sheet of assays become the table that train.py reads."""

import hashlib
import json
import re
import zipfile

import numpy as np
import pandas as pd
import pytest

import predict
import train
from preprocess import DataError
from tests.conftest import REAL
from tools.convert import __main__ as convert

AXIS = np.linspace(4000, 600, 400)
VALUES = {"Ca": [1.25, 1234.5, 0.5, 12.75, 3.125, 2000.25], "Fe tot": [10.5, 20.25, 30.5, 40.75, 50.5, 60.25]}
NAMES = [f"soil {k:03d}" for k in range(6)]


def scans(folder, names=NAMES, per=2, header="wavenumber,absorbance\n", axis=AXIS, seed=0):
    """Text files of some scans a sample, NAME_1.csv and so on."""
    random = np.random.default_rng(seed)
    folder.mkdir(exist_ok=True)
    for k, name in enumerate(names):
        signal = 0.3 + 0.1 * np.sin(axis / (60 + 5 * k))
        for scan in range(per):
            noisy = signal + random.normal(0, 1e-4, len(axis))
            rows = "".join(f"{x:.4f},{y:.6f}\n" for x, y in zip(axis, noisy, strict=True))
            (folder / f"{name}_{scan + 1}.csv").write_text(header + rows)
    return folder


def uncounted(folder):
    """The same scans, one a name, called as they are."""
    for each in list(folder.iterdir()):
        each.rename(folder / (each.name[: -len("_1.csv")] + ".csv"))
    return folder


def sheet(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def rows(end=",", number=str, names=NAMES, header=("sample", "site", *VALUES)):
    lines = [end.join(header)]
    for k, name in enumerate(names):
        lines.append(end.join([name, "AB"[k % 2], *(number(values[k]) for values in VALUES.values())]))
    return "\n".join(lines) + "\n"


def comma(value):
    return str(value).replace(".", ",")


def german(value):
    return f"{value:,}".replace(",", "_").replace(".", ",").replace("_", ".")


def spaced(value):
    return f"{value:,}".replace(",", "\u00a0").replace(".", ",")


def workbook(path, cells, title=None):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in ([[title]] if title else []) + cells:
        book.active.append(row)
    book.save(str(path))
    return path


CELLS = [
    ["sample", "site", *VALUES],
    *([name, "AB"[k % 2], *(v[k] for v in VALUES.values())] for k, name in enumerate(NAMES)),
]
DIALECTS = {
    "commas": lambda p: sheet(p, rows()),
    "semicolons": lambda p: sheet(p, rows(";")),
    "tabs": lambda p: sheet(p, rows("\t")),
    "bars": lambda p: sheet(p, rows("|")),
    "decimal commas": lambda p: sheet(p, rows(";", comma)),
    "decimal commas, tabs": lambda p: sheet(p, rows("\t", comma)),
    "quoted decimal commas": lambda p: sheet(p, rows(",", lambda v: f'"{comma(v)}"')),
    "thousands with points": lambda p: sheet(p, rows(";", german)),
    "thousands with blanks": lambda p: sheet(p, rows(";", spaced)),
    "thousands with commas": lambda p: sheet(p, rows(";", lambda v: f"{v:,}")),
    "thousands with apostrophes": lambda p: sheet(p, rows(";", lambda v: f"{v:,}".replace(",", "'"))),
    "BOM and CRLF": lambda p: sheet(p, "\ufeff" + rows(";", comma).replace("\n", "\r\n")),
    "UTF-16": lambda p: sheet(p, rows("\t"), "utf-16"),
    "UTF-16 without BOM": lambda p: sheet(p, rows("\t"), "utf-16-le"),
    "cp1252": lambda p: sheet(p, "Böden; Größe\n\n" + rows(";", comma), "cp1252"),
    "sep=": lambda p: sheet(p, "sep=;\n" + rows(";")),
    "title lines": lambda p: sheet(p, "Assays of 2024;;;\n;;;\n" + rows(";")),
    "units row": lambda p: sheet(p, rows(";").replace("\n", "\n;;mg/kg;%\n", 1)),
    "empty rows and columns": lambda p: sheet(
        p, "".join(line + ";;\n;;;;;\n" for line in rows(";").splitlines())
    ),
    "exponents": lambda p: sheet(p, rows(",", lambda v: f"{v:e}")),
    "workbook": lambda p: workbook(p.with_suffix(".xlsx"), CELLS),
    "workbook of text": lambda p: workbook(
        p.with_suffix(".xlsx"), [[comma(cell) for cell in row] for row in CELLS], "Assays 2024"
    ),
    "rows in another order": lambda p: sheet(
        p, "\n".join([rows().splitlines()[0], *rows().splitlines()[:0:-1]]) + "\n"
    ),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_sheet_in_any_dialect_gives_the_same_assays(dialect, tmp_path, capsys):
    folder, path = scans(tmp_path / "scans"), DIALECTS[dialect](tmp_path / "assays.csv")
    output = tmp_path / "table.csv"
    convert.main([str(folder), "--assays", str(path), "--site", "site", "--output", str(output)])
    found = pd.read_csv(output, index_col=0)
    assert list(found.index) == NAMES and next(iter(found)) == "SiteID" and list(found)[-2:] == [*VALUES]
    assert found["SiteID"].tolist() == list("ABABAB")
    for name, values in VALUES.items():
        assert found[name].tolist() == values
    assert "6 have spectra and assays" in capsys.readouterr().out


def test_scans_are_averaged_on_their_own_grid_and_twice_gives_the_same_bytes(tmp_path):
    folder, path = scans(tmp_path / "scans", per=3), sheet(tmp_path / "assays.csv", rows())
    sums = []
    for output in ("a/table.csv.gz", "b/table.csv.gz"):
        convert.main([str(folder), "--assays", str(path), "--output", str(tmp_path / output)])
        sums.append(hashlib.sha256((tmp_path / output).read_bytes()).hexdigest())
    assert sums[0] == sums[1]
    found = pd.read_csv(tmp_path / "a/table.csv.gz", index_col=0)
    parts = [pd.read_csv(folder / f"soil 002_{k}.csv")["absorbance"].to_numpy() for k in (1, 2, 3)]
    np.testing.assert_allclose(
        found.loc["soil 002"].iloc[:400].to_numpy(float), np.mean(parts, axis=0), rtol=1e-8
    )
    log = json.loads((tmp_path / "a/table.convert.json").read_text())
    assert log["samples"] == dict.fromkeys(NAMES, 3) and len(log["read"]) == 18 and log["refused"] == {}
    assert "tools.convert" in log["command"]


def test_parquet_holds_what_csv_does(tmp_path):
    folder, path = scans(tmp_path / "scans"), sheet(tmp_path / "assays.csv", rows())
    for end in ("csv", "parquet"):
        convert.main([str(folder), "--assays", str(path), "--output", str(tmp_path / f"table.{end}")])
    table, other = (
        pd.read_csv(tmp_path / "table.csv", index_col=0),
        pd.read_parquet(tmp_path / "table.parquet"),
    )
    np.testing.assert_allclose(
        other.set_index("index")[list(table)].to_numpy(float), table.to_numpy(float), rtol=1e-8
    )


def test_a_table_to_predict_on_the_grid_of_the_training_goes_through_predict(tmp_path):
    folder, path = scans(tmp_path / "scans"), sheet(tmp_path / "assays.csv", rows())
    old, new = str(tmp_path / "old.csv.gz"), str(tmp_path / "new.csv.gz")
    convert.main([str(folder), "--assays", str(path), "--output", old])
    train.main([old, "--model", str(tmp_path / "model")])
    other = np.linspace(4010, 590, 700)  # another instrument's grid
    convert.main(
        [str(scans(tmp_path / "new", ["x", "y"], axis=other, per=1)), "--grid", old, "--output", new]
    )
    predict.main([new, "--model", str(tmp_path / "model"), "--output", str(tmp_path / "out")])
    assert len(pd.read_csv(tmp_path / "out/new.csv.out", header=None)) == 2
    assert list(pd.read_csv(new, index_col=0)) == list(pd.read_csv(old, index_col=0))[:400]


def test_every_scan_a_row_has_its_sample_as_site(tmp_path, capsys):
    folder, path = scans(tmp_path / "scans"), sheet(tmp_path / "assays.csv", rows())
    convert.main([str(folder), "--assays", str(path), "--keep-scans", "--output", str(tmp_path / "t.csv")])
    found = pd.read_csv(tmp_path / "t.csv", index_col=0)
    assert len(found) == 12 and found["SiteID"].tolist()[:3] == ["soil 000", "soil 000", "soil 001"]
    assert "--group SiteID" in capsys.readouterr().out


def convert_error(*arguments):
    with pytest.raises(DataError) as refused:
        convert.main(list(map(str, arguments)))
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_bad_file_is_named_and_nothing_is_written_unless_said(tmp_path, capsys):
    folder, output = scans(tmp_path / "scans"), tmp_path / "t.csv"
    (folder / "broken.0").write_bytes(b"\x0a\x0a\xfe\xfe\x00\x00")
    (folder / "._soil 000_1.csv").write_bytes(b"x")
    assert "1 of 13 files were refused" in convert_error(folder, "--output", output)
    assert "refused broken.0: it is cut" in capsys.readouterr().out and not output.exists()
    convert.main([str(folder), "--skip-bad", "--output", str(output)])
    log = json.loads((tmp_path / "t.convert.json").read_text())
    assert list(log["refused"]) == ["broken.0"] and log["passed_over"] == ["._soil 000_1.csv"]
    assert len(pd.read_csv(output)) == 12


def test_values_below_a_limit_are_refused_all_at_once_or_become_what_is_said(tmp_path):
    folder, output = scans(tmp_path / "scans"), tmp_path / "t.csv"
    path = sheet(tmp_path / "assays.csv", rows(";").replace("1.25;", "<0.5;").replace("40.75", "n.d."))
    said = convert_error(folder, "--assays", path, "--output", output)
    assert (
        "row 2, column 'Ca': '<0.5'" in said
        and "row 5, column 'Fe tot': 'n.d.'" in said
        and "--below" in said
    )
    for below, value in (("half", 0.25), ("zero", 0.0), ("gap", np.nan)):
        convert.main([str(folder), "--assays", str(path), "--below", below, "--output", str(output)])
        found = pd.read_csv(output, index_col=0)
        np.testing.assert_equal(found["Ca"].iloc[0], value)
        assert np.isnan(found["Fe tot"].iloc[3])
        changed = json.loads((tmp_path / "t.convert.json").read_text())["changed"]
        assert [each["cell"] for each in changed] == ["row 2, column 'Ca'", "row 5, column 'Fe tot'"]


def test_an_ambiguous_thousand_is_refused(tmp_path):
    text = "sample;Ca\n" + "".join(f"{name};1,{k}00\n" for k, name in enumerate(NAMES))
    path = sheet(tmp_path / "assays.csv", text)
    said = convert_error(scans(tmp_path / "scans"), "--assays", path, "--output", tmp_path / "t.csv")
    assert "may be two, row 2, column 'Ca': '1,000'" in said


def assays_of(tmp_path, text, *arguments):
    """The table, indexed by sample, of scans with a sheet."""
    folder, path = scans(tmp_path / "scans", per=1), sheet(tmp_path / "assays.csv", text)
    convert.main([str(folder), "--assays", str(path), "--output", str(tmp_path / "t.csv"), *arguments])
    return pd.read_csv(tmp_path / "t.csv", index_col=0)


def refused(tmp_path, text, *arguments):
    folder, path = scans(tmp_path / "scans", per=1), sheet(tmp_path / "assays.csv", text)
    said = convert_error(folder, "--assays", path, "--output", tmp_path / "t.csv", *arguments)
    assert not (tmp_path / "t.csv").exists()
    return said


def listed(header, *columns, end=";", names=NAMES):
    """A sheet of samples and columns, each a text or one for each sample."""
    columns = [[column] * len(names) if isinstance(column, str) else column for column in columns]
    return (
        "\n".join(
            [end.join(["sample", *header]), *(end.join(row) for row in zip(names, *columns, strict=True))]
        )
        + "\n"
    )


def test_other_columns_tell_a_decimal_sign_and_never_a_thousand(tmp_path):
    assert set(assays_of(tmp_path, listed(["Ca", "pH"], "1,250", "0,5"))["Ca"]) == {1.25}
    (tmp_path / "t.csv").unlink()
    for cell, other in (("1,250", "0.5"), ("5.125", "1,5")):
        assert f"may be two, row 2, column 'Ca': '{cell}'" in refused(
            tmp_path, listed(["Ca", "pH"], cell, other)
        )
    said = refused(tmp_path, listed(["Ca"], ["1.25", "1,5", "2", "2", "2", "2"]))
    assert "column 'Ca': points and commas" in said
    assert "1e400" in refused(tmp_path, listed(["Ca"], ["1e400", "1", "1", "1", "1", "1"]))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (listed(["1000", "Ca"], "77", "1.5"), "found column '1000', as a channel or an index is called"),
        (listed(["index", "Ca"], "77", "1.5"), "found column 'index'"),
        (listed(["Ca", "N"], "1.5", "2.5").split("\n", 1)[1], "found column '1.5'.*--header"),
        (
            listed(["number", "Ca"], NAMES[::-1], "1"),
            "found samples in the columns 'sample' and 'number', expected one",
        ),
        (listed(["Ca"], ["1", "1", "1", "n.d.", "n.d.", "n.d."]), "'n.d.'"),
        (listed(["Ca"], "1.2%"), "'1.2%'"),
        (listed(["Ca"], "1,23,456"), "'1,23,456'"),
        (listed(["Ca"], "<LOD"), "'<LOD'"),
        (
            listed(["Ca", "N"], ["-", "1", "2", "3", "4", "5"], ["-", "1", "2", "3", "4", "5"]),
            "row 2, column 'Ca': '-'",
        ),
        (listed(["Ca", "note"], "1.5", ['"5 cm', "x", "x", "x", "x", "x"]), "near line .*quotes in pairs"),
    ],
)
def test_what_may_be_misread_is_refused(text, reason, tmp_path):
    assert re.search(reason, refused(tmp_path, text))


def test_a_site_is_one_column(tmp_path):
    text = listed(["field", "SiteID", "Ca"], "a", "9", "1")
    assert "found 'field', and a column SiteID" in refused(tmp_path, text, "--site", "field")
    text = listed(["field", "Ca"], "a", "1")
    assert "makes each sample a site" in refused(tmp_path, text, "--site", "field", "--keep-scans")


@pytest.mark.parametrize(
    "units", [["mg/l", "dS/m"], ["g cm-3", "mg kg^-1"], ["g kg−1", "% C"], ["mg.kg-1", "-"]]
)
def test_a_row_of_units_has_no_sample(units, tmp_path):
    lines = listed(["Ca", "N"], "1", "2").split("\n")
    found = assays_of(tmp_path, "\n".join([lines[0], ";".join(["", *units]), *lines[1:]]))
    assert list(found.index) == NAMES and set(found["Ca"]) == {1}


def test_merged_cells_of_several_rows_are_refused_and_titles_are_not(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    folder, path = scans(tmp_path / "scans", per=1), tmp_path / "assays.xlsx"
    for merged, reason in (("A1:B1", None), ("B3:B4", "found the merged cells B3:B4")):
        book = openpyxl.Workbook()
        for row in [["Assays", None], ["sample", "Ca"], *([name, 1.5] for name in NAMES)]:
            book.active.append(row)
        book.active.merge_cells(merged)
        book.save(str(path))
        if reason is None:
            convert.main([str(folder), "--assays", str(path), "--output", str(tmp_path / "t.csv")])
        else:
            assert reason in convert_error(folder, "--assays", path, "--output", tmp_path / "u.csv")


def test_a_damaged_workbook_is_told_in_one_line(tmp_path):
    path = workbook(tmp_path / "assays.xlsx", CELLS)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data[: len(data) // 2] if name.endswith("sheet1.xml") else data)
    said = convert_error(scans(tmp_path / "scans"), "--assays", path, "--output", tmp_path / "t.csv")
    assert "cannot be read as a workbook" in said


def test_one_sample_of_several_scans_is_a_table_and_twins_that_contradict_are_named(tmp_path, capsys):
    folder = scans(tmp_path / "scans", NAMES[:1])
    path = sheet(tmp_path / "assays.csv", "sample,Ca\nsoil 000,1\n")
    rows = (folder / "soil 000_1.csv").read_text().split("\n")
    turned = [f"{x},{1 - float(y):.6f}" for x, y in (row.split(",") for row in rows[1:-1])]
    (folder / "soil 000_2.csv").write_text("\n".join([rows[0], *turned, ""]))
    convert.main([str(folder), "--assays", str(path), "--output", str(tmp_path / "t.csv")])
    assert "soil 000_1.csv: correlation -1.000 with its twins" in capsys.readouterr().out
    assert len(pd.read_csv(tmp_path / "t.csv")) == 1


def test_odd_names_and_patterns_give_no_traceback(tmp_path):
    folder = scans(tmp_path / "scans", ["S1²3", "S10", "S9"], per=1)
    assert "--sample-pattern: found '('" in convert_error(
        folder, "--sample-pattern", "(", "--output", tmp_path / "t.csv"
    )
    convert.main([str(folder), "--output", str(tmp_path / "t.csv")])
    assert list(pd.read_csv(tmp_path / "t.csv", index_col=0).index) == ["S1²3_1", "S9_1", "S10_1"]


def test_a_tables_first_column_of_numbers_is_its_index_when_each_is_another(tmp_path):
    axis = ",".join(f"{4000 - 8 * k}" for k in range(401))
    rows = [f"{name},{','.join(['0.5', *['0.25'] * 400])},1.5" for name in ("001", "002", "003")]
    path = sheet(tmp_path / "t.csv", "\n".join([f"sample,{axis},C", *rows, ""]))
    convert.main([str(path), "--output", str(tmp_path / "out.csv")])
    found = pd.read_csv(tmp_path / "out.csv", index_col=0, dtype=str)
    assert list(found.index) == ["001", "002", "003"] and list(found)[-1] == "C" and found.shape == (3, 402)
    sheet(path, "\n".join([f",{axis},C", rows[0], rows[0], ""]))
    assert "found the sample '001' more than once" in convert_error(path, "--output", tmp_path / "out.csv")


def test_a_workbooks_numbers_stand_whatever_its_texts_look_like_and_a_formula_needs_its_value(tmp_path):
    folder = scans(tmp_path / "scans", per=1)
    cells = [["sample", "Ca"], *([name, 1.5 if k else "2,5"] for k, name in enumerate(NAMES))]
    path = workbook(tmp_path / "assays.xlsx", cells)
    convert.main([str(folder), "--assays", str(path), "--output", str(tmp_path / "t.csv")])
    assert pd.read_csv(tmp_path / "t.csv", index_col=0)["Ca"].tolist() == [2.5, *[1.5] * 5]
    cells[3][1] = "=1+1"
    path = workbook(tmp_path / "assays.xlsx", cells)
    said = convert_error(folder, "--assays", path, "--output", tmp_path / "t.csv")
    assert "row 4, column 2: found the formula '=1+1' without a value" in said


def test_samples_without_partners_and_near_misses_are_told_both_ways(tmp_path, capsys):
    names = [*NAMES[:4], "Soil-004", "other"]
    path = sheet(tmp_path / "assays.csv", rows(names=names))
    convert.main([str(scans(tmp_path / "scans")), "--assays", str(path), "--output", str(tmp_path / "t.csv")])
    said = capsys.readouterr().out
    assert "spectra without assays, left out, 2: soil 004, soil 005" in said
    assert "assays without spectra, left out, 2: Soil-004, other" in said
    assert "soil 004 may be Soil-004" in said


def test_mixed_quantities_are_refused_or_converted(tmp_path, capsys):
    folder = scans(tmp_path / "scans")
    scans(folder, ["r"], header="wavenumber,%reflectance\n")
    said = convert_error(folder, "--output", tmp_path / "t.csv")
    assert "12 of absorbance" in said and "2 of % reflectance" in said and "--to absorbance" in said
    convert.main([str(folder), "--to", "absorbance", "--output", str(tmp_path / "t.csv")])
    assert "they measure 14 absorbance" in capsys.readouterr().out
    unknown = scans(tmp_path / "unknown", header="")
    assert "do not say what they measure" in convert_error(unknown, "--output", tmp_path / "u.csv")
    convert.main([str(unknown), "--quantity", "absorbance", "--output", str(tmp_path / "u.csv")])


def test_one_sample_in_two_folders_and_one_file_of_two_names_are_refused(tmp_path):
    folder = scans(tmp_path / "scans")
    scans(folder / "again", NAMES[:1], seed=5)
    assert "found sample 'soil 000_1' in" in convert_error(folder, "--output", tmp_path / "t.csv")
    other = scans(tmp_path / "other")
    (other / "copy.csv").write_bytes((other / "soil 003_1.csv").read_bytes())
    assert "found the same spectrum in" in convert_error(other, "--output", tmp_path / "t.csv")


def test_a_label_that_all_files_share_is_no_sample_and_a_pattern_finds_others(tmp_path):
    folder = scans(tmp_path / "scans", [f"plate A{k} soil" for k in range(4)], per=1)
    assert "for all 4 files" in convert_error(
        folder, "--sample-pattern", "plate", "--output", tmp_path / "t.csv"
    )
    convert.main([str(folder), "--sample-pattern", r"plate (\w+)", "--output", str(tmp_path / "t.csv")])
    assert list(pd.read_csv(tmp_path / "t.csv", index_col=0).index) == ["A0", "A1", "A2", "A3"]


def test_a_table_in_another_dialect_becomes_the_projects(tmp_path, capsys):
    folder, path = scans(tmp_path / "scans"), sheet(tmp_path / "assays.csv", rows())
    convert.main(
        [str(folder), "--assays", str(path), "--site", "site", "--output", str(tmp_path / "table.csv")]
    )
    table = pd.read_csv(tmp_path / "table.csv", index_col=0)
    text = table.map(lambda cell: comma(cell) if isinstance(cell, float) else cell)
    text.columns = [f"{comma(name)} cm-1" if name[0].isdigit() else name for name in text]
    text.to_csv(tmp_path / "german.csv", sep=";", encoding="cp1252")
    convert.main([str(tmp_path / "german.csv"), "--output", str(tmp_path / "again.csv")])
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "again.csv", index_col=0), table)
    assert "changed" in capsys.readouterr().out
    spectra = table.drop(columns=["SiteID", *VALUES])
    spectra.T.to_csv(tmp_path / "side.csv", index_label="wavenumber")
    convert.main([str(tmp_path / "side.csv"), "--output", str(tmp_path / "upright.csv")])
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "upright.csv", index_col=0), spectra)


YAMSYS = REAL / "yamsys_opus"


@pytest.mark.skipif(not YAMSYS.exists(), reason=f"the instruments' files are not here: {YAMSYS}")
def test_a_laboratorys_folder_of_opus_files_gives_the_table_that_another_reader_made(tmp_path):
    output = tmp_path / "yamsys.csv.gz"
    convert.main(
        [
            str(YAMSYS),
            "--assays",
            str(YAMSYS / "soilchem_yamsys.csv"),
            "--site",
            "site_comb",
            "--output",
            str(output),
        ]
    )
    found = pd.read_csv(output, index_col=0, dtype=str)
    known = pd.read_csv(REAL / "yamsys_soil" / "yamsys_soil_full.csv.gz", index_col=0, dtype=str)
    channels = [name for name in found if name[0].isdigit()]
    theirs = [name for name in known if name[0].isdigit()]
    np.testing.assert_allclose(list(map(float, channels)), list(map(float, theirs)), atol=1.1e-4)
    assert [name for name in found if name not in channels] == [name for name in known if name not in theirs]
    for ours, other in zip(found[channels].to_numpy().flat, known[theirs].to_numpy().flat, strict=True):
        assert abs(float(ours) - float(other)) <= 0.50001 * 10.0 ** -len(other.partition(".")[2])
    targets = [name for name in known if name not in theirs and name != "SiteID"]
    np.testing.assert_allclose(found[targets].astype(float), known[targets].astype(float), rtol=1e-7)
    assert pd.factorize(found["SiteID"])[0].tolist() == pd.factorize(known["SiteID"])[0].tolist()


@pytest.mark.parametrize(("end", "small"), [(";", "0,234"), (";", "0.234"), (",", "0.234")])
def test_a_group_after_a_leading_0_is_never_a_thousand(end, small, tmp_path):
    text = f"sample{end}Ca\n" + "".join(f"{name}{end}{small}\n" for name in NAMES)
    path = sheet(tmp_path / "assays.csv", text)
    folder = scans(tmp_path / "scans", per=1)
    convert.main([str(folder), "--assays", str(path), "--output", str(tmp_path / "t.csv")])
    assert pd.read_csv(tmp_path / "t.csv", index_col=0)["Ca"].tolist() == [0.234] * 6


def test_numbers_of_an_assay_are_no_samples_unless_it_is_said(tmp_path):
    """Files 11 to 16, and clay of 11 to 16 %: what would be joined are other samples' assays."""
    names = [str(k) for k in range(11, 17)]
    folder, path = scans(tmp_path / "scans", names, per=1), tmp_path / "a.csv"
    path.write_text(
        listed(["clay", "Mg"], names[1:] + names[:1], list("123456"), names=[f"P {k}" for k in names])
    )
    for column, reason in (
        ([], "column 'clay' of numbers alone"),
        (["--id", "sample"], "found none of the samples"),
    ):
        with pytest.raises(DataError, match=reason):
            convert.main([str(folder), "--assays", str(path), "--output", str(tmp_path / "t.csv"), *column])


def test_plots_and_depths_are_not_averaged_when_both_are_in_the_sheet(tmp_path):
    names = ["1-1", "1-2", "2-1", "2-2", "3-1", "3-2"]
    folder, path, output = (
        uncounted(scans(tmp_path / "scans", names, per=1)),
        tmp_path / "a.csv",
        tmp_path / "t.csv",
    )
    path.write_text("lab;plot;clay\n1-1;1;12.5\n2-1;2;17.2\n3-1;3;18.1\n")
    order = [str(folder), "--assays", str(path), "--output", str(output)]
    with pytest.raises(DataError, match="samples such as '1' and '1-1' in the assays"):
        convert.main(order)
    convert.main([*order, "--id", "lab"])
    assert list(pd.read_csv(output, index_col=0).index) == ["1-1", "2-1", "3-1"]


def test_within_one_column_a_whole_name_goes_before_a_part_of_it(tmp_path):
    names = ["A_1", "A_2", "B_1", "B_2"]
    folder, output = uncounted(scans(tmp_path / "scans", names, per=1)), tmp_path / "t.csv"
    path = sheet(tmp_path / "a.csv", listed(["Ca"], [*"123456"], names=[*names, "A", "B"]))
    convert.main([str(folder), "--assays", str(path), "--output", str(output)])
    assert pd.read_csv(output, index_col=0)["Ca"].to_dict() == {"A_1": 1, "A_2": 2, "B_1": 3, "B_2": 4}


@pytest.mark.parametrize("name", ["Scandium", "Lab pH", "plasticity index"])
def test_an_assay_called_a_little_like_samples_is_none(name, tmp_path):
    names = [str(k) for k in range(11, 17)]
    folder, path = uncounted(scans(tmp_path / "scans", names, per=1)), tmp_path / "a.csv"
    path.write_text(listed([name, "Mg"], names[::-1], "1", names=[f"P {k}" for k in names]))
    said = convert_error(folder, "--assays", path, "--output", tmp_path / "t.csv")
    assert f"in column '{name}' of numbers alone" in said


@pytest.mark.parametrize(
    "cells, found",
    [
        (["1.234.567", "1.234", "850.123", "900", "12.500", "1"], [1234567, 1234, 850123, 900, 12500, 1]),
        (["1,234,567", "1,234", "850,123", "900", "12,500", "1"], [1234567, 1234, 850123, 900, 12500, 1]),
    ],
)
def test_a_number_of_two_groups_tells_the_sign_of_its_column(cells, found, tmp_path):
    assert assays_of(tmp_path, listed(["Ca"], cells))["Ca"].tolist() == found


@pytest.mark.parametrize("cells", ["n.a. n.a. n.a. 1 2 3", "tr tr tr tr 1 2", "−1.5 −2 −1 −3 −2 −1"])
def test_a_column_of_codes_and_other_minus_signs_is_refused_and_not_left_out(cells, tmp_path):
    with pytest.raises(DataError, match="found what is no number"):
        assays_of(tmp_path, listed(["Ca", "Mg"], cells.split(), "1"))


@pytest.mark.parametrize("text", [";S1;<0,5", ";S1;1.234,5", ";S1;n.d.", ";S1;"])
def test_a_first_sample_beside_an_empty_column_is_no_row_of_units(text, tmp_path):
    folder, path, output = (
        scans(tmp_path / "scans", ["S1", "S2"], per=1),
        tmp_path / "a.csv",
        tmp_path / "t.csv",
    )
    path.write_text(f";sample;Ca\n{text}\n;S2;2,5\n")
    convert.main([str(folder), "--assays", str(path), "--output", str(output), "--below", "gap"])
    assert list(pd.read_csv(output, index_col=0).index) == ["S1", "S2"]


def test_a_workbook_is_read_whole_whatever_it_says_of_its_size_and_its_charts_and_hidden_sheets_are_not(
    tmp_path,
):
    openpyxl = pytest.importorskip("openpyxl")
    folder, path, output = scans(tmp_path / "scans", per=1), tmp_path / "a.xlsx", tmp_path / "t.csv"
    book = openpyxl.Workbook()
    for row in [["sample", "Ca"], *([name, k + 1.5] for k, name in enumerate(NAMES))]:
        book.active.append(row)
    book.create_chartsheet("Figure").add_chart(openpyxl.chart.BarChart())
    book.create_sheet("Lists").append(["a", "b"])
    book["Lists"].sheet_state = "hidden"
    book.save(path)
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    sheet_part = "xl/worksheets/sheet1.xml"
    assert b'ref="A1:B7"' in parts[sheet_part]
    parts[sheet_part] = parts[sheet_part].replace(b'ref="A1:B7"', b'ref="A1:B4"')
    with zipfile.ZipFile(path, "w") as file:
        for name, part in parts.items():
            file.writestr(name, part)
    convert.main([str(folder), "--assays", str(path), "--output", str(output)])
    assert pd.read_csv(output, index_col=0)["Ca"].tolist() == [1.5, 2.5, 3.5, 4.5, 5.5, 6.5]


def test_formulas_of_several_cells_need_values_and_cells_merged_across_data_are_refused(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    from openpyxl.worksheet.formula import ArrayFormula

    folder, path = scans(tmp_path / "scans", per=1), tmp_path / "a.xlsx"

    def formula(table):
        table["B3"] = ArrayFormula("B3", "=SUM(C3:D3*2)")

    def across(table):
        table.merge_cells("B3:C3")

    for change, reason in ((formula, "without a value"), (across, "found the merged cells B3:C3")):
        book = openpyxl.Workbook()
        for row in [["sample", "Ca", "Mg"], *([name, 1.5, 2.5] for name in NAMES)]:
            book.active.append(row)
        change(book.active)
        book.save(path)
        with pytest.raises(DataError, match=reason):
            convert.main([str(folder), "--assays", str(path), "--output", str(tmp_path / "t.csv")])


def table_of(names, first=("sample",), cells=("a",)):
    values = [f"{0.3 + k / 1000:.3f}" for k in range(len(names))]
    rows = [";".join([*[f"{cell}{row}" for cell in cells], *values]) for row in range(3)]
    return ";".join([*first, *names]) + "\n" + "\n".join(rows) + "\n"


WAVENUMBERS = [str(4000 - 8 * k) for k in range(401)]


@pytest.mark.parametrize(
    "text, reason",
    [
        (table_of([f"{4000 - 8 * k:,}" for k in range(401)]), "signs of thousands"),
        (table_of([f"{4000.5 - 8 * k:,}" for k in range(401)]), "signs of thousands"),
        (table_of([f"{350 + k} nm" for k in range(401)]), "found channel '350 nm'"),
        (table_of(["4000", *WAVENUMBERS]), "found column '4000' twice"),
        (table_of(["4000.0", *WAVENUMBERS]), "'4000' after '4000.0'"),
        (table_of(WAVENUMBERS, ("name", "index"), ("a", "b")), "found column 'index'"),
        ("\n".join(f"{x};0.{x};0.3{x}" for x in WAVENUMBERS), "found the number '4000' where the names"),
        ("Wavelength (nm);S1\n" + "\n".join(f"{x};0.{x}" for x in WAVENUMBERS), "found an axis"),
    ],
)
def test_a_table_whose_axis_may_be_misread_is_refused(text, reason, tmp_path):
    path, output = sheet(tmp_path / "t.csv", text), tmp_path / "o.csv"
    with pytest.raises(DataError, match=reason):
        convert.main([str(path), "--output", str(output)])
    assert not output.exists()


@pytest.mark.parametrize(
    "options",
    [
        ["--to", "absorbance"],
        ["--grid", "none.csv"],
        ["--assays", "none.csv"],
        ["--keep-scans"],
        ["--id", "x"],
    ],
)
def test_an_option_that_does_nothing_to_a_table_is_refused(options, tmp_path):
    path = sheet(tmp_path / "t.csv", table_of(WAVENUMBERS))
    with pytest.raises(DataError, match=f"{options[0]}: has no effect here"):
        convert.main([str(path), "--output", str(tmp_path / "o.csv"), *options])


def test_what_a_table_is_made_of_is_never_written_over(tmp_path):
    folder = scans(tmp_path / "scans", per=1)
    path = sheet(tmp_path / "a.csv", listed(["Ca"], "1"))
    for output in (path, folder / f"{NAMES[0]}_1.csv"):
        before = output.read_bytes()
        with pytest.raises(DataError, match="--output: found"):
            convert.main([str(folder), "--assays", str(path), "--output", str(output)])
        assert output.read_bytes() == before


def test_a_sheets_own_sites_stay_when_every_scan_is_a_row(tmp_path):
    folder, output = scans(tmp_path / "scans"), tmp_path / "t.csv"
    path = sheet(tmp_path / "a.csv", listed(["SiteID", "Ca"], [*"AABBCC"], "1"))
    convert.main([str(folder), "--assays", str(path), "--keep-scans", "--output", str(output)])
    assert pd.read_csv(output, index_col=0)["SiteID"].tolist() == list("AAAABBBBCCCC")


def test_hidden_folders_and_links_are_passed_over_and_told(tmp_path, capsys):
    folder = scans(tmp_path / "scans", per=1)
    scans(folder / ".trash", ["gone"], per=1)
    scans(tmp_path / "other", ["far"], per=1)
    (folder / "link").symlink_to(tmp_path / "other", target_is_directory=True)
    convert.main([str(folder), "--output", str(tmp_path / "t.csv")])
    told = capsys.readouterr().out
    assert "passed over 2 files or folders" in told and ".trash" in told and "link" in told
    assert len(pd.read_csv(tmp_path / "t.csv")) == len(NAMES)


@pytest.mark.parametrize("form", ["{}({})", "{}.{}", "{}_r{}", "{} ({})", "{}_000{}"])
def test_twins_are_known_however_software_counts_them(form, tmp_path):
    names = [form.format(name, k) for name in "AB" for k in (1, 2)]
    folder, path, output = (
        tmp_path / "scans",
        sheet(tmp_path / "a.csv", "sample,Ca\nA,1\nB,2\n"),
        tmp_path / "t.csv",
    )
    uncounted(scans(folder, names, per=1))
    convert.main([str(folder), "--assays", str(path), "--output", str(output)])
    assert list(pd.read_csv(output, index_col=0).index) == ["A", "B"]
