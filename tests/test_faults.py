"""Slips that people report of tables, each kind with its relatives: read right, or one line that says what and where.

What stands elsewhere: reversed_axis, lastchannel, rnames in test_channels; const, onerow in test_score; nanscore,
polars_frame in test_mdl_in_sklearn; instances in recore/test_codecs; channel_train in test_train; affinity in
recore/test_workers; transposed in recore/test_impossible; stale_settings in recore/test_many; wrongline, sepline,
ghost, blank also in test_variants.
"""

import gzip
import io
import json
import os
import resource
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import preprocess
import recore.tables
import score
import train
from preprocess import DataError
from tests.conftest import ROOT, channels_of, step, write
from tests.tables import do, model_of, needs_parquet, said_by, soil


@pytest.fixture(scope="module")
def table():
    return soil()


@pytest.fixture(scope="module")
def plain(table, tmp_path_factory):
    """The table's model, and its features."""
    folder = tmp_path_factory.mktemp("plain")
    path = write(table, folder / "plain.csv")
    do("train", "--data_dir", path, "--model_dir", folder / "model")
    return model_of(folder / "model"), recore.tables.read_table(str(path)).features, folder / "model"


def trained(path, folder, *options):
    do("train", "--data_dir", path, "--model_dir", folder / "model", *options)
    return model_of(folder / "model")


def put(text, path):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def scored(path, predicted, folder):
    score.main(["--actual", str(path), "--predicted", str(predicted), "--output", str(folder / "score.txt")])
    return float((folder / "score.txt").read_text())


ENDINGS = (("a.csv", "b.CSV"), ("a.CSV.GZ", "b.csv.gz"), ("a.Csv", "b.cSv.Gz"), ("a.PARQUET", "b.Parquet"))


@pytest.mark.parametrize("names", ENDINGS, ids=" ".join)
def test_upper_all_rows_whatever_the_case_of_an_ending_in_every_step(names, table, plain, tmp_path, caplog):
    caplog.set_level("INFO")
    folder, half = tmp_path / "up", len(table) // 2
    folder.mkdir()
    for name, part in zip(names, (table[:half], table[half:])):
        if name.lower().endswith("parquet"):
            needs_parquet()
            part.to_parquet(str(folder / name))
        else:
            text = part.to_csv().encode()
            (folder / name).write_bytes(gzip.compress(text) if name.lower().endswith(".gz") else text)
    model = (
        train.model_fn(os.path.dirname(str(tmp_path / "model" / "x"))) if trained(folder, tmp_path) else None
    )
    np.testing.assert_allclose(model.n_rows_, len(table))
    do("preprocess", "--input", folder, "--output", tmp_path / "features", "--format", "csv")
    rows = sum(len(pd.read_csv(path)) for path in (tmp_path / "features").glob("[!.]*"))
    assert rows == len(table)
    do("predict", folder, "--model", tmp_path / "model", "--output", tmp_path / "out", "--details")
    assert len(list((tmp_path / "out").iterdir())) == 4
    assert scored(folder, tmp_path / "out", tmp_path) > 0.3


def test_upper_the_platforms_file_in_capitals_stands_for_its_folder(table, tmp_path):
    folder = tmp_path / "up"
    folder.mkdir()
    for name in ("PUBLIC.CSV.GZ", "other.csv"):
        text = table.to_csv().encode()
        (folder / name).write_bytes(gzip.compress(text) if name.endswith("GZ") else text)
    assert preprocess.find_tables(str(folder)) == [str(folder / "PUBLIC.CSV.GZ")]


@pytest.mark.parametrize("index", [True, False])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("private", [True, False])
def test_catted_a_second_header_is_no_spectrum(index, end, private, table, tmp_path):
    own = table.drop(columns=["Ca", "clay"]) if private else table
    parts = [own[first : first + 10].to_csv(index=index).replace("\n", end) for first in (0, 10, 20)]
    path = tmp_path / "all.csv"
    path.write_bytes("".join(parts).encode())
    said = said_by("preprocess", "--input", path, "--output", tmp_path / "out.csv", lines=2).splitlines()
    assert [line.split(":")[0] for line in said] == ["all.csv, line 12", "all.csv, line 23"]
    assert all("found a header line among the rows" in line for line in said)
    assert not (tmp_path / "out.csv").exists()


def test_catted_files_of_other_columns_are_told_by_their_first_line(table, tmp_path):
    text = table[:10].to_csv() + table[10:20][list(table)[::-1]].to_csv()
    with pytest.raises(DataError, match=r"all\.csv, line 12"):
        recore.tables.read_table(str(put(text, tmp_path / "all.csv")))


def test_x1_an_element_called_x1_is_a_target_and_its_channels_are_numbers(table, tmp_path):
    for names in (
        {"Ca": "X1", "clay": "X2.5"},
        {"Ca": "X", "clay": "Al2O3"},
        {"Ca": "wn_5", "clay": "4000 Al"},
    ):
        found = recore.tables.read_table(str(write(table.rename(columns=names), tmp_path / "x1.csv")))
        assert list(found.targets) == list(names.values()) and len(found.channels) == len(channels_of(table))
    named = {name: f"X{name}" for name in channels_of(table)}
    found = recore.tables.read_table(
        str(write(table.rename(columns={**named, "Ca": "X1a"}), tmp_path / "x1.csv"))
    )
    assert list(found.targets) == ["X1a", "clay"]


def counted(table):
    once = pd.read_csv(io.StringIO(table.to_csv()))
    again = pd.read_csv(io.StringIO(once.to_csv()))
    n = len(table)
    return {
        "saved again": once,
        "saved again and again": again,
        "numbered at the end": table.assign(Nr=np.arange(n) + 1),
        "sample numbers": table.assign(Lab_No=np.arange(n) + 20190001),
        "samples of three scans": table.assign(sample=np.arange(n) // 3, scan=np.arange(n) % 3 + 1),
        "a constant": table.assign(batch=7, year=2019.0),
        "a copy": table.assign(**{"Ca.1": table["Ca"], "clay_y": table["clay"]}).rename(
            columns={"clay": "clay_x"}
        ),
        "shuffled, with an index": once.iloc[np.random.default_rng(0).permutation(n)],
    }


@pytest.mark.parametrize("kind", counted(soil()))
def test_twice_columns_that_count_or_never_change_are_ids_in_every_step(kind, table, plain, tmp_path, caplog):
    caplog.set_level("INFO")
    own = counted(table)[kind]
    path = write(own, tmp_path / "tw.csv")
    trained(path, tmp_path)
    targets = ["Ca", "clay_x" if kind == "a copy" else "clay"]
    assert f"targets: {', '.join(targets)}" in caplog.text and "no target, " in caplog.text
    do(
        "predict",
        "--data_dir",
        path,
        "--model_dir",
        tmp_path / "model",
        "--output_dir",
        tmp_path / "out",
        "--details",
    )
    assert scored(path, tmp_path / "out", tmp_path) > 0.3
    details = pd.read_csv(tmp_path / "out" / "tw.details.csv", index_col=0)
    assert set(own.columns) - set(channels_of(own)) - {*targets} - set(details) <= {"", "Unnamed: 0"}
    if kind == "a copy":
        return
    folder, half = tmp_path / "tables", len(own) // 6 * 3
    folder.mkdir()
    for k, part in enumerate((own[:half], own[half:])):
        write(part, folder / f"{k}.csv")
    trained(folder, tmp_path)
    assert train.model_fn(str(tmp_path / "model")).target_names_ == targets
    do("predict", "--data_dir", folder, "--model_dir", tmp_path / "model", "--output_dir", tmp_path / "two")
    assert scored(folder, tmp_path / "two", tmp_path) > 0.3


def test_twice_a_target_that_is_constant_in_a_first_block_or_table_is_one_over_all(
    table, tmp_path, monkeypatch
):
    monkeypatch.setattr(preprocess, "BLOCK_BYTES", 1 << 13)
    own = table.copy()
    own.loc[own.index[:20], "clay"] = 0.5
    own.insert(1, "late", [np.nan] * 30 + list(np.random.default_rng(0).gamma(2, 5, len(own) - 30).round(2)))
    path = write(own, tmp_path / "own.csv")
    found = recore.tables.read_table(str(path))
    assert list(found.targets) == ["late", "Ca", "clay"] and list(found.ids) == list(preprocess.ID_COLUMNS)
    np.testing.assert_array_equal(found.targets, own[["late", "Ca", "clay"]])
    folder = tmp_path / "tables"
    folder.mkdir()
    write(own[:20], folder / "a.csv")
    write(own[20:], folder / "b.csv")
    monkeypatch.setattr(train, "SMALL", 0)
    trained(folder, tmp_path)
    model = train.model_fn(str(tmp_path / "model"))
    assert model.target_names_ == ["late", "Ca", "clay"] and model.n_rows_.tolist() == [18, 48, 48]
    described = json.loads((tmp_path / "model" / "model.json").read_text())["training"]
    assert described["missing_assays"] == 30 and described["rows"] == 48


def test_twice_named_targets_and_ids_overrule(table, tmp_path, caplog):
    caplog.set_level("INFO")
    own = table.assign(Nr=np.arange(len(table)), **{"Cu, total": table["Ca"] * 2})
    path = write(own, tmp_path / "own.csv")
    for options, targets in (
        (["--targets", 'Nr,"Cu, total"'], "Nr, Cu, total"),
        (["--ids", "clay"], "Ca, Cu, total"),
        (["--targets", "clay,Ca", "--ids", "Nr"], "Ca, clay"),
    ):
        caplog.clear()
        trained(path, tmp_path, *options)
        assert f"targets: {targets}\n" in caplog.text
    for option in ("--targets", "--ids"):
        said = said_by("train", "--data_dir", path, "--model_dir", tmp_path / "no", option, "pH")
        assert "found no column 'pH'" in said and option in said
    trained(path, tmp_path, "--group", "Nr")  # a group is an id
    assert train.model_fn(str(tmp_path / "model")).target_names_ == ["Ca", "clay", "Cu, total"]


@pytest.mark.parametrize(
    "words", ["scan_mir.{:g}_abs", "wn_{:.1f}", "{:.2f} cm-1", "X{:g}.cm.1", "mir2 {:g}"]
)
def test_ossl_the_number_inside_a_name_is_the_channels_and_assays_are_targets(words, table, plain, tmp_path):
    channels = channels_of(table)
    own = table.rename(columns={name: words.format(float(name)) for name in channels})
    own.insert(1, "clay.tot_usda.a334_w.pct", np.linspace(5, 60, len(own)) ** 1.1)
    found = recore.tables.read_table(str(write(own, tmp_path / "ossl.csv")))
    assert found.features.columns.tolist() == plain[1].columns.tolist()
    np.testing.assert_array_equal(found.features, plain[1])
    assert list(found.targets) == ["clay.tot_usda.a334_w.pct", "Ca", "clay"]


@pytest.mark.parametrize("cell", ["", " ", "\u00a0", "\u2009", "\t", '"  "', " NA ", "\u00a0NaN", "#N/A"])
def test_blank_a_blank_cell_is_a_gap(cell, table, tmp_path):
    lines = table.to_csv().splitlines()
    lines[5] = ",".join([*lines[5].split(",")[:-1], cell])
    found = recore.tables.read_table(str(put("\n".join(lines) + "\n", tmp_path / "a.csv")))
    assert np.isnan(found.targets["clay"].iloc[4]) and found.targets["clay"].notna().sum() == len(table) - 1


@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u2009", "\t", "\u202f"])
def test_blank_a_number_between_blanks_is_the_number(blank, table, plain, tmp_path):
    text = table.to_csv().replace(",", f"{blank},{blank}").replace("\n", f"{blank}\n")
    np.testing.assert_array_equal(
        recore.tables.read_table(str(put(text, tmp_path / "a.csv"))).features, plain[1]
    )


@pytest.mark.parametrize("label", ["", "  "])
def test_blanksite_a_row_without_a_label_is_named_with_group(label, table, tmp_path):
    own = table.astype({"SiteID": object})
    own.loc[own.index[11:13], "SiteID"] = label
    path = write(own, tmp_path / "own.csv")
    said = said_by("train", "--data_dir", path, "--model_dir", tmp_path / "no", "--group", "SiteID")
    assert "row 12, column 'SiteID': found no label" in said
    trained(path, tmp_path)  # without it the rows are as good as others


def test_na_site_labels_are_text_as_they_stand(table, tmp_path):
    for labels, groups in (
        (["NA", "ZA", "BW", "MZ"], 4),
        (["nan", "None", "null", "x"], 4),
        (["1", "1.0", "01", "2"], 4),
        (["1", "1.0", "1.00", "2"], 2),
        (["10E5", "100E4", "7", "8"], 4),
    ):
        own = table.assign(SiteID=np.repeat(labels, len(table) // 4))
        folder = tmp_path / "na"
        folder.mkdir(exist_ok=True)
        write(own[:20], folder / "a.csv")
        write(own[20:], folder / "b.csv")
        data = recore.tables.read_table(str(write(own, tmp_path / "na.csv")))
        assert len(set(train.groups_of(data, "SiteID"))) == groups
        assert list(data.ids["SiteID"]) == list(own["SiteID"])
        trained(tmp_path / "na.csv", tmp_path, "--group", "SiteID")
        alpha = train.model_fn(str(tmp_path / "model")).alpha_
        trained(folder, tmp_path, "--group", "SiteID")
        np.testing.assert_array_equal(train.model_fn(str(tmp_path / "model")).alpha_, alpha)


def test_newline_and_wrongline_quoted_breaks_are_cells_and_lines_are_those_of_the_file(
    table, plain, tmp_path
):
    own = table.assign(Remark="fine").astype({"clay": object})
    own.loc[own.index[4], "Remark"] = 'two\nlines, "quoted"\r\nand more'
    for index in (True, False):
        path = put(own.to_csv(index=index), tmp_path / "a.csv")
        np.testing.assert_array_equal(recore.tables.read_table(str(path)).features, plain[1])
    own.loc[own.index[[3, 20]], "clay"] = "<0.01"
    text = own.to_csv()
    wrong = [1 + text[: text.index("<0.01")].count("\n"), 1 + text[: text.rindex("<0.01")].count("\n")]
    (tmp_path / "a.csv").write_bytes(text.encode())
    with pytest.raises(DataError) as caught:
        recore.tables.read_table(str(tmp_path / "a.csv"))
    places = [line.split(",")[1] for line in str(caught.value).splitlines()]
    assert places == [f" line {line}" for line in wrong]


def test_headbreak_names_with_line_breaks_go_through_all_steps(table, tmp_path):
    own = table.rename(columns={"Ca": "Ca\n(ppm)", "clay": "clay, <2 µm\n%"})
    path = write(own, tmp_path / "hb.csv")
    trained(path, tmp_path)
    do(
        "predict",
        "--data_dir",
        path,
        "--model_dir",
        tmp_path / "model",
        "--output_dir",
        tmp_path,
        "--details",
    )
    assert scored(path, tmp_path / "hb.csv.out", tmp_path) > 0.3
    details = pd.read_csv(tmp_path / "hb.details.csv", index_col=0)
    assert "Ca\n(ppm) lower" in details and len(details) == len(own)


@pytest.mark.parametrize("encoding", ["gbk", "ascii", "cp437"])
def test_gbk_the_score_is_written_whatever_characters_the_console_has(encoding, table, plain, tmp_path):
    path = write(table, tmp_path / "t.csv")
    do("predict", "--data_dir", path, "--model_dir", plain[2], "--output_dir", tmp_path)
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    places = "--actual", path, "--predicted", tmp_path / "t.csv.out", "--output", tmp_path / "s.txt"
    result = step("score", *places, env=environment, errors="replace")
    assert result.returncode == 0, result.stderr
    assert 0.3 < float((tmp_path / "s.txt").read_text()) <= 1 and "mean R" in result.stdout


def test_empties_a_column_without_a_number_is_no_target_whenever_its_text_comes(table, tmp_path, monkeypatch):
    monkeypatch.setattr(preprocess, "BLOCK_BYTES", 1 << 13)
    for texts in ([""] * 48, [*[""] * 40, *["wet"] * 8], ["NA"] * 48, [*["NA"] * 47, "dry"]):
        for place in (1, table.shape[1]):
            own = table.copy()
            own.insert(place, "Remark", texts)
            found = recore.tables.read_table(str(write(own, tmp_path / "e.csv")))
            assert list(found.targets) == ["Ca", "clay"] and list(found.ids["Remark"]) == texts


@pytest.mark.parametrize("kind", ["unclosed quote", "one line", "one name", "one cell", "zeros"])
def test_endless_what_never_ends_is_one_line_in_bounded_memory(kind, table, tmp_path):
    """150 MB, of which gzip makes 150 kB, under a limit of memory."""
    path = tmp_path / "line.csv.gz"
    begin = {
        "unclosed quote": table[:3].to_csv() + '"',
        "one line": "",
        "one name": "SiteID,",
        "one cell": table[:3].to_csv() + "5,",
        "zeros": "",
    }[kind]
    with gzip.open(str(path), "wb", compresslevel=1) as file:
        file.write(begin.encode())
        for _ in range(150):
            file.write(
                (b"\0" if kind == "zeros" else b"1,\n" if kind == "unclosed quote" else b"1") * 1_000_000
            )

    def limited():
        resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))

    command = [
        sys.executable,
        str(ROOT / "preprocess.py"),
        "--input",
        str(path),
        "--output",
        str(tmp_path / "o.csv"),
    ]
    result = subprocess.run(command, preexec_fn=limited, capture_output=True, text=True)
    assert result.returncode == 1 and len(result.stderr.strip().splitlines()) == 1, result.stderr[-500:]
    told = {"unclosed quote": "a quote that is never closed", "zeros": "line.csv.gz: found"}
    assert told.get(kind, "line.csv.gz, near line") in result.stderr
    assert kind in told or "a line of more than 16 MB" in result.stderr


def empty_tables(table, folder, kind):
    folder.mkdir()
    half = len(table) // 2
    for name, part in (("a", table[:0]), ("b", table[:half]), ("c", table[half:]), ("d", table[:0])):
        if kind == "parquet":
            needs_parquet()
            part.to_parquet(str(folder / f"{name}.parquet"), index=False)
        else:
            (folder / f"{name}.csv").write_text(
                part.to_csv(index=False) if len(part) or kind == "header" else ""
            )


@pytest.mark.parametrize("kind", ["parquet", "header", "no byte"])
def test_shard_an_empty_part_is_left_out_and_said_and_all_empty_is_an_error(kind, table, tmp_path, caplog):
    caplog.set_level("INFO")
    folder = tmp_path / "spark"
    empty_tables(table, folder, kind)
    trained(folder, tmp_path)
    assert caplog.text.count(", left out") == 2
    model = train.model_fn(str(tmp_path / "model"))
    assert model.n_rows_.tolist() == [len(table)] * 2
    do("preprocess", "--input", folder, "--output", tmp_path / "features")
    do("predict", folder, "--model", tmp_path / "model", "--output", tmp_path / "out", "--no-details")
    for made in ("features", "out"):
        assert sorted(path.name[0] for path in (tmp_path / made).glob("[!.]*")) == ["b", "c"]
    assert scored(folder, tmp_path / "out", tmp_path) > 0.3
    for path in list(folder.iterdir()):
        if path.name[0] in "bc":
            path.unlink()
    out = tmp_path / "none"
    for name, *arguments in (
        ("train", "--data_dir", folder, "--model_dir", out),
        ("preprocess", "--input", folder, "--output", out),
        ("predict", "--data_dir", folder, "--model_dir", tmp_path / "model", "--output_dir", out),
        ("score", "--actual", folder, "--predicted", tmp_path / "out", "--output", out / "score.txt"),
    ):
        assert "found no row in 2 tables" in said_by(name, *arguments)


def test_two_of_49_are_a_laboratorys_own_and_half_is_said_to_be_too_few(table, tmp_path, caplog):
    caplog.set_level("INFO")
    own = table.rename(columns={"Ca": "CuPPM", "clay": "ZnPPM"}).assign(
        pH=np.random.default_rng(0).normal(6, 1, 48)
    )
    path = write(own, tmp_path / "own.csv")
    trained(path, tmp_path)
    assert "targets: CuPPM, ZnPPM, pH\n" in caplog.text
    assert "CuPPM, ZnPPM: taken as your own elements, there is no official score" in caplog.text
    do("predict", "--data_dir", path, "--model_dir", tmp_path / "model", "--output_dir", tmp_path)
    assert scored(path, tmp_path / "own.csv.out", tmp_path) < 1
    rng = np.random.default_rng(0)
    for number, refused in ((24, False), (25, True), (48, True)):
        assays = pd.DataFrame(rng.gamma(2, 9, (48, number)), table.index, preprocess.TARGETS[:number])
        many = write(pd.concat([table.drop(columns=["Ca", "clay"]), assays], axis=1), tmp_path / "many.csv")
        if refused:
            said = said_by("train", "--data_dir", many, "--model_dir", tmp_path / "no")
            assert f"found {number} of 49 targets, missing: " in said and "--targets" in said
            trained(many, tmp_path, "--targets", "AgPPM,AsPPM")
            assert train.model_fn(str(tmp_path / "model")).target_names_ == ["AgPPM", "AsPPM"]
        else:
            trained(many, tmp_path)
            assert len(train.model_fn(str(tmp_path / "model")).target_names_) == number


def test_order_columns_of_several_tables_are_matched_by_name(table, tmp_path):
    needs_parquet()
    own = table.assign(pH=np.random.default_rng(0).normal(6, 1, len(table)), Hole="A")
    folder, other = tmp_path / "o", tmp_path / "p"
    for each in (folder, other):
        each.mkdir()
        write(own[:24], each / "a.csv")
    write(own[24:], folder / "b.csv")
    channels = channels_of(own)
    own[24:][["Hole", "pH", "clay", *channels, "Ca", "SiteID", "DepthTo", "DepthFrom"]].to_parquet(
        str(other / "b.parquet")
    )
    trained(folder, tmp_path)
    expected = model_of(tmp_path / "model")
    assert trained(other, tmp_path) == expected
    do("predict", "--data_dir", other, "--model_dir", tmp_path / "model", "--output_dir", tmp_path / "out")
    assert scored(other, tmp_path / "out", tmp_path) > 0.2
    own[24:].drop(columns="clay").to_csv(str(folder / "b.csv"))
    assert "b.csv: found other targets than in a.csv, without 'clay'" in said_by(
        "train", "--data_dir", folder, "--model_dir", tmp_path / "no"
    )


def test_uint64_numbers_beyond_a_float_are_text_in_parquet(table, tmp_path):
    needs_parquet()
    own = table.copy()
    own.insert(0, "index", np.arange(2**63, 2**63 + len(own), dtype="uint64"))
    own["Barcode"] = own["index"]
    own["Ca"] = (own["Ca"] * 10).astype("uint64")
    own.to_parquet(str(tmp_path / "u.parquet"), index=False)
    found = recore.tables.read_table(str(tmp_path / "u.parquet"))
    assert list(found.features.index) == [str(2**63 + k) for k in range(len(own))]
    assert found.targets["Ca"].tolist() == own["Ca"].tolist()
