"""Folders of tables, Parquet, and what goes wrong on the way: the scripts as processes of their own."""

import gzip
import hashlib
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

import preprocess
import recore.many
import recore.parquet
import recore.parts
import recore.store
import recore.tables
import train
from tests.conftest import ROOT, channels_of, make_table, said_in_one_line, step, write

ROWS, FILES = 240, 4


@pytest.fixture(scope="module")
def table():
    """More rows than features, sites that go on from file to file, gaps, an index that counts through."""
    table = make_table(rows=ROWS, seed=4)
    table["SiteID"] = np.arange(ROWS) // 7 + 1
    table["Lab"] = np.where(np.arange(ROWS) % 2, "north", "south, old")
    return table


def split(table, folder, ending=".csv.gz", files=FILES):
    """A table in files of the same number of rows."""
    folder.mkdir()
    size = len(table) // files
    for k in range(files):
        part = table.iloc[k * size : (k + 1) * size]
        path = folder / ("part-%d%s" % (k, ending))
        part.to_parquet(str(path)) if ending == ".parquet" else write(part, path)
    return folder


def needs_parquet():
    pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed here")


def contents(folder):
    """Bytes of what stands in a folder, but for what a process was writing when it was killed."""
    paths = (path for path in sorted(folder.iterdir()) if not path.name.endswith(".part"))
    return {path.name: path.read_bytes() for path in paths}


def with_records(names):
    """Names of outputs, each with the record beside it that tells what it was made of."""
    return {each for name in names for each in (name, ".%s.json" % name)}


def model_of(folder):
    return (folder / "model.pkl").read_bytes()


def do(name, *arguments):
    """Run a step in this process."""
    jobs = () if name == "score" else ("--jobs", "1")
    main = importlib.import_module("recore.many" if name == "preprocess" else name).main
    main([*map(str, arguments), *jobs])


def said_by(name, *arguments):
    """What a step says that fails in this process."""
    with pytest.raises(preprocess.DataError) as caught:
        do(name, *arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def said_without(package, *arguments):
    """What preprocess.py says in one line where a package is not installed."""
    hidden = "import runpy, sys; sys.modules[%r] = None; sys.argv = sys.argv[1:]; runpy.run_path(%r, run_name='__main__')"
    program = hidden % (package, str(ROOT / "preprocess.py"))
    result = subprocess.run(
        [sys.executable, "-c", program, "preprocess.py", *map(str, arguments)], cwd=str(ROOT),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
    )  # fmt: skip
    return said_in_one_line(result)


def small_parts(monkeypatch):
    """Tables go through disk and are fitted from parts, however small they are."""
    monkeypatch.setattr(train, "SMALL", 0)
    monkeypatch.setattr(recore.parts, "PART", 30 * 60)


# --- which tables -------------------------------------------------------------------


def test_a_folder_a_pattern_and_a_file_stand_for_tables_in_the_order_of_their_names(tmp_path):
    for name in ("b.csv", "a.csv.gz", "c.parquet", ".hidden.csv", "a.details.csv", "notes.txt", "_SUCCESS"):
        (tmp_path / name).write_text("")
    (tmp_path / "folder.csv").mkdir()
    names = [str(tmp_path / name) for name in ("a.csv.gz", "b.csv", "c.parquet")]
    assert preprocess.find_tables(str(tmp_path)) == names
    assert preprocess.find_tables(str(tmp_path / "*.csv*")) == names[:2]
    assert preprocess.find_tables(names[1]) == names[1:2]
    (tmp_path / "odd[1].csv").write_text("")
    assert preprocess.find_tables(str(tmp_path / "odd[1].csv")) == [str(tmp_path / "odd[1].csv")]


def test_the_platform_s_file_stands_for_its_folder_and_the_log_says_so(tmp_path, caplog):
    caplog.set_level("INFO")
    for name in ("public.csv.gz", "other.csv"):
        (tmp_path / name).write_text("")
    assert preprocess.find_tables(str(tmp_path)) == [str(tmp_path / "public.csv.gz")]
    assert "public.csv.gz taken, 1 other tables left" in caplog.text


@pytest.mark.parametrize(
    "names, path, message",
    [
        ([], ".", "found no table in the folder"),
        (["a.csv"], "*.parquet", "found no table by it"),
        (["a.csv", "a.csv.gz"], ".", "expected one table of a name"),
        ([], "missing.csv", "not found"),
    ],
)
def test_no_table_or_two_of_one_name_are_refused(tmp_path, names, path, message):
    for name in names:
        (tmp_path / name).write_text("")
    with pytest.raises(preprocess.DataError, match=message):
        preprocess.find_tables(str(tmp_path / path))


def test_where_one_table_is_meant_several_are_refused(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("")
    with pytest.raises(preprocess.DataError, match=r"found 2 tables, a\.csv, b\.csv, expected one"):
        preprocess.find_table(str(tmp_path))


# --- Parquet ------------------------------------------------------------------------


def same_tables(found, expected):
    for each, other in zip(found, expected):
        np.testing.assert_array_equal(each.index, other.index)
        assert list(each) == list(other)
        np.testing.assert_array_equal(each.to_numpy(), other.to_numpy())


@pytest.mark.parametrize("keep_index", [True, False, None], ids=["column", "none", "range"])
def test_parquet_gives_what_csv_gives_to_the_last_bit(table, tmp_path, keep_index):
    needs_parquet()
    table = table.copy()
    table.iloc[3, -2] = np.nan
    table.index = table.index + 100 if keep_index is None else table.index
    table.to_parquet(str(tmp_path / "a.parquet"), index=keep_index)
    found = recore.tables.read_table(str(tmp_path / "a.parquet"))
    same_tables(found, recore.tables.read_table(str(write(table, tmp_path / "a.csv"))))


def test_parquet_of_every_type_of_number_and_text(table, tmp_path):
    needs_parquet()
    import pyarrow
    from pyarrow import parquet

    table = table[:30].reset_index(drop=True)
    expected = recore.tables.read_table(str(write(table, tmp_path / "a.csv")))
    columns = {name: pyarrow.array(table[name]) for name in table}
    columns["Lab"] = columns["Lab"].dictionary_encode()
    columns["SiteID"] = columns["SiteID"].cast(pyarrow.int16())
    columns["AgPPM"] = columns["AgPPM"].cast(pyarrow.decimal128(12, 4))
    parquet.write_table(pyarrow.table(columns), str(tmp_path / "a.parquet"))
    same_tables(recore.tables.read_table(str(tmp_path / "a.parquet")), expected)
    columns["Lab"] = pyarrow.array([[1.0]] * 30)
    parquet.write_table(pyarrow.table(columns), str(tmp_path / "a.parquet"))
    with pytest.raises(preprocess.DataError, match="column 'Lab': found the type list"):
        recore.tables.read_table(str(tmp_path / "a.parquet"))


def test_a_parquet_index_is_what_pandas_says_it_is(table, tmp_path):
    needs_parquet()
    path = tmp_path / "a.parquet"
    own = table[:30].drop(columns=list(preprocess.TARGETS)).assign(Clay=np.arange(30.0))

    def read(frame):
        frame.to_parquet(str(path))
        return recore.tables.read_table(str(path))

    numbered = read(own.assign(sample=np.arange(30) + 2**60).set_index("sample"))
    assert list(map(int, numbered.features.index)) == list(
        np.arange(30) + 2**60
    )  # which no float64 tells apart
    assert list(numbered.targets) == ["Clay"]
    assert list(read(own[10:20]).features.index) == list(map(str, range(10, 20)))
    with pytest.raises(preprocess.DataError, match="found an index of 2 levels, 'SiteID', 'DepthTo'"):
        read(own.set_index(["SiteID", "DepthTo"]))


def test_a_parquet_file_that_was_cut_from_a_frame_counts_its_own_rows(table, tmp_path):
    needs_parquet()
    import pyarrow
    from pyarrow import parquet

    part = pyarrow.Table.from_pandas(table).slice(100, 20)  # says of its index what the whole frame had
    parquet.write_table(part, str(tmp_path / "a.parquet"))
    assert list(recore.tables.read_table(str(tmp_path / "a.parquet")).features.index) == list(
        map(str, range(20))
    )


def test_a_column_that_stands_twice_in_parquet_is_named(table, tmp_path):
    needs_parquet()
    import pyarrow
    from pyarrow import parquet

    columns = [pyarrow.array(table[name]) for name in table]
    twice = pyarrow.Table.from_arrays([*columns, columns[0]], [*table, "DepthTo"])
    parquet.write_table(twice, str(tmp_path / "a.parquet"))
    with pytest.raises(preprocess.DataError, match="found column 'DepthTo' 2 times"):
        recore.tables.read_table(str(tmp_path / "a.parquet"))


def test_digits_beyond_those_of_a_float_still_tell_rows_of_csv_apart(table, tmp_path):
    table = table[:30].set_index(np.arange(30) + 2**60)
    found = recore.tables.read_table(str(write(table, tmp_path / "a.csv")))
    assert list(map(int, found.features.index)) == list(table.index)


def test_an_index_that_turns_to_text_in_a_later_block_stands_in_parquet_as_in_the_file(
    table, tmp_path, monkeypatch
):
    needs_parquet()
    monkeypatch.setattr(preprocess, "BLOCK_BYTES", 1)
    monkeypatch.setattr(recore.parquet, "GROUP_ROWS", 4)
    index = [*("%03d" % row for row in range(29)), "29A"]
    path = write(table[:30].set_index(np.array(index)), tmp_path / "a.csv")
    recore.many.preprocess_table(str(path), str(tmp_path / "features.parquet"))
    assert list(pd.read_parquet(str(tmp_path / "features.parquet"))["index"]) == index


def test_a_gap_in_a_parquet_spectrum_is_named_by_row_and_column(table, tmp_path, monkeypatch):
    needs_parquet()
    monkeypatch.setattr(recore.parquet, "BATCH_ROWS", 16)
    monkeypatch.setattr(preprocess, "CACHED_ROWS", 5)
    channel = channels_of(table)[7]
    table = table.copy()
    table.loc[table.index[38], channel] = np.nan
    table.to_parquet(str(tmp_path / "a.parquet"))
    with pytest.raises(preprocess.DataError, match="a.parquet, row 39, column '%s': found a gap" % channel):
        recore.tables.read_table(str(tmp_path / "a.parquet"))


def test_what_preprocess_writes_as_parquet_is_what_it_writes_as_csv(table, tmp_path):
    public = write(table, tmp_path / "public.csv.gz")
    needs_parquet()
    for name in ("f.csv", "f.parquet"):
        assert step("preprocess", "--input", public, "--output", tmp_path / name).returncode == 0
    csv, parquet = (
        pd.read_csv(str(tmp_path / "f.csv"), index_col=0),
        pd.read_parquet(str(tmp_path / "f.parquet")),
    )
    assert list(parquet) == ["index", *csv]
    assert list(parquet["index"]) == list(map(str, csv.index))
    np.testing.assert_array_equal(parquet.drop(columns="index").to_numpy(), csv.to_numpy())


@pytest.mark.parametrize("size", [4, 2000, -1], ids=["no bytes", "cut", "no end"])
def test_a_damaged_parquet_file_is_named_in_one_line(table, tmp_path, size):
    needs_parquet()
    table.to_parquet(str(tmp_path / "a.parquet"))
    whole = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(whole[:size])
    result = step("preprocess", "--input", tmp_path / "a.parquet", "--output", tmp_path / "out.csv")
    assert said_in_one_line(result).startswith("preprocess.py: a.parquet: cannot be read as Parquet")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.parquet"]


def test_without_pyarrow_parquet_is_refused_in_one_line(table, tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    arguments = "--input", tmp_path / "a.parquet", "--output", tmp_path / "a.csv"
    assert "found no pyarrow, which .parquet needs" in said_without("pyarrow", *arguments)


# --- preprocess ---------------------------------------------------------------------


def test_each_table_becomes_what_it_becomes_alone_whatever_the_processes(table, tmp_path):
    folder = split(table, tmp_path / "spectra")
    for jobs in ("1", "3"):
        result = step("preprocess", "--input", folder, "--output", tmp_path / jobs, "--jobs", jobs)
        assert result.returncode == 0, result.stderr
        assert "240 spectra, %d features each in 4 tables" % -(-len(channels_of(table)) // 7) in result.stderr
    assert contents(tmp_path / "1") == contents(tmp_path / "3")
    for k in range(FILES):
        alone = tmp_path / "alone.csv"
        do("preprocess", "--input", folder / ("part-%d.csv.gz" % k), "--output", alone)
        assert alone.read_bytes() == (tmp_path / "1" / ("part-%d.csv" % k)).read_bytes()


def test_tables_that_are_done_are_not_done_again_and_changed_ones_are(table, tmp_path, caplog):
    folder, out = split(table, tmp_path / "spectra", ".csv"), tmp_path / "out"
    arguments = "--input", folder, "--output", out
    do("preprocess", *arguments)
    (out / "part-1.csv").unlink()
    write(table[60:90], folder / "part-2.csv")
    written = {path.name: path.stat().st_ctime_ns for path in out.iterdir()}
    caplog.set_level("INFO")
    do("preprocess", *arguments)
    assert "90 spectra" in caplog.text and "in 2 tables, 2 done before" in caplog.text
    again = [path.name for path in sorted(out.iterdir()) if written.get(path.name) != path.stat().st_ctime_ns]
    assert set(again) == with_records(["part-1.csv", "part-2.csv"])
    assert len((out / "part-2.csv").read_text().splitlines()) == 31


def test_a_table_that_is_replaced_while_it_is_read_is_not_taken_as_done(table, tmp_path, monkeypatch):
    path, out = write(table, tmp_path / "a.csv"), tmp_path / "out.csv"
    read = preprocess.read_tables

    def replaced_meanwhile(*arguments, **options):
        yield from read(*arguments, **options)
        write(table[:10], path)
        os.utime(str(path))

    monkeypatch.setattr(preprocess, "read_tables", replaced_meanwhile)
    assert recore.many.preprocess_shard((str(path), str(out)))[1] == ROWS
    monkeypatch.setattr(preprocess, "read_tables", read)
    assert recore.many.preprocess_shard((str(path), str(out)))[1] == 10


def test_processes_are_one_or_more(table, tmp_path):
    folder = split(table, tmp_path / "spectra", ".csv")
    with pytest.raises(preprocess.DataError, match="--jobs: found 0, expected 1 or more"):
        recore.many.main(["--input", str(folder), "--output", str(tmp_path / "out"), "--jobs", "0"])


def test_the_format_of_the_features_is_the_input_s_or_the_one_asked_for(table, tmp_path):
    needs_parquet()
    folder = split(table, tmp_path / "spectra", ".parquet")
    do("preprocess", "--input", folder, "--output", tmp_path / "same")
    do("preprocess", "--input", folder, "--output", tmp_path / "csv", "--format", "csv")
    for name in ("parquet", "csv"):
        expected = with_records("part-%d.%s" % (k, name) for k in range(FILES))
        assert set(contents(tmp_path / ("same" if name == "parquet" else name))) == expected


@pytest.mark.parametrize(
    "output, message",
    [
        ("one.csv", "expected a folder"),
        ("one.csv.gz", "expected a name in .csv"),
        ("spectra", "found spectra there"),
    ],
)
def test_an_output_that_cannot_be_is_refused_before_any_work(table, tmp_path, output, message):
    folder = split(table, tmp_path / "spectra", ".csv")
    before = contents(folder)
    assert message in said_in_one_line(step("preprocess", "--input", folder, "--output", tmp_path / output))
    assert contents(folder) == before and [path.name for path in tmp_path.iterdir()] == ["spectra"]


def test_tables_of_other_channels_are_named(table, tmp_path):
    folder = split(table, tmp_path / "spectra", ".csv")
    write(make_table(rows=5, channels=350), folder / "part-2.csv")
    for _ in range(2):  # also when all are done
        said = said_in_one_line(step("preprocess", "--input", folder, "--output", tmp_path / "out"))
        assert "part-2.csv: found other channels than in" in said and "part-0.csv" in said


# --- train, predict, score ----------------------------------------------------------


@pytest.mark.parametrize("group", [None, "SiteID", "Lab"])
def test_a_folder_gives_the_model_of_the_single_file(table, tmp_path, monkeypatch, group):
    folder = split(table, tmp_path / "spectra")
    one = train.fit(recore.tables.read_table(str(write(table, tmp_path / "one.csv"))), group)
    small_parts(monkeypatch)
    data = recore.store.Stored(
        [recore.store.store(str(tmp_path), path) for path in preprocess.find_tables(str(folder))]
    )
    model = train.fit(data, group)
    np.testing.assert_allclose(model.alpha_, one.alpha_)
    np.testing.assert_allclose(model.coef_, one.coef_, atol=1e-8 * np.abs(one.coef_).max())
    np.testing.assert_allclose(model.cv_r2_, one.cv_r2_, rtol=1e-8)
    np.testing.assert_allclose(model.error_quantiles_, one.error_quantiles_, rtol=1e-6, atol=1e-8)
    assert model.target_names_ == one.target_names_
    assert list(model.feature_names_in_) == list(one.feature_names_in_)


def test_the_same_model_and_predictions_whatever_the_processes(table, tmp_path, capsys):
    folder = split(table, tmp_path / "spectra")
    for jobs in ("1", "3"):
        out = tmp_path / jobs
        result = step("train", "--data_dir", folder, "--model_dir", out / "model", "--jobs", jobs)
        assert result.returncode == 0, result.stderr
        assert "4 tables: 240 spectra, 49 targets" in result.stderr
        assert sorted(path.name for path in (out / "model").iterdir()) == ["model.json", "model.pkl"]
        arguments = "--data_dir", folder, "--model_dir", out / "model", "--output_dir", out / "predictions"
        result = step("predict", *arguments, "--details", "--jobs", jobs)
        assert result.returncode == 0, result.stderr
    assert model_of(tmp_path / "1/model") == model_of(tmp_path / "3/model")
    first = contents(tmp_path / "1/predictions")
    assert first == contents(tmp_path / "3/predictions")
    assert set(first) == {
        "part-%d%s" % (k, end) for k in range(FILES) for end in (".csv.out", ".details.csv")
    }

    together = tmp_path / "together"
    together.mkdir()
    write(table, together / "all.csv")
    do("predict", "--data_dir", together, "--model_dir", tmp_path / "1/model", "--output_dir", together)
    assert (together / "all.csv.out").read_bytes() == b"".join(
        first["part-%d.csv.out" % k] for k in range(FILES)
    )
    scores = []
    for actual, predicted in ((folder, tmp_path / "1/predictions"), (together, together)):
        do("score", "--actual", actual, "--predicted", predicted, "--output", tmp_path / "score.txt")
        assert "240 rows" in capsys.readouterr().out
        scores.append(float((tmp_path / "score.txt").read_text()))
    assert scores[0] == pytest.approx(scores[1], rel=1e-12)


def test_the_description_tells_the_files_and_a_sum_that_a_shell_gives_too(table, tmp_path):
    folder = split(table, tmp_path / "spectra")
    do("train", "--data_dir", folder, "--model_dir", tmp_path / "model")
    training = json.loads((tmp_path / "model" / "model.json").read_text())["training"]
    lines = [
        "%s  %s\n" % (hashlib.sha256(path.read_bytes()).hexdigest(), path.name)
        for path in sorted(folder.iterdir())
    ]
    assert training["sha256"] == hashlib.sha256("".join(lines).encode()).hexdigest()
    assert training["files"] == FILES and training["rows"] == ROWS
    assert set(training["mean_r2"]) == {"row", "SiteID"}


def test_features_that_are_kept_are_not_made_again(table, tmp_path, monkeypatch):
    folder, cache = split(table, tmp_path / "spectra"), tmp_path / "cache"
    arguments = "--data_dir", folder, "--model_dir", tmp_path / "model", "--cache", cache
    do("train", *arguments)
    first = model_of(tmp_path / "model")
    written = {path.name: (path / "table.json").stat().st_mtime_ns for path in cache.iterdir()}
    assert set(written) == {path.name for path in folder.iterdir()}
    os.utime(str(folder / "part-0.csv.gz"))  # of the same bytes
    rows = gzip.decompress((folder / "part-1.csv.gz").read_bytes())
    (folder / "part-1.csv.gz").write_bytes(gzip.compress(rows, 1))
    shutil.rmtree(str(cache / "part-2.csv.gz"))
    (cache / "part-3.csv.gz" / "table.json").write_text("{")
    do("train", *arguments)
    again = [
        path.name
        for path in sorted(cache.iterdir())
        if written[path.name] != (path / "table.json").stat().st_mtime_ns
    ]
    assert again == ["part-1.csv.gz", "part-2.csv.gz", "part-3.csv.gz"]
    assert model_of(tmp_path / "model") == first


def test_tables_of_other_targets_or_channels_are_named(table, tmp_path):
    folder = split(table, tmp_path / "spectra", ".csv")
    write(table[60:120].drop(columns=list(preprocess.TARGETS)), folder / "part-1.csv")
    said = said_by("train", "--data_dir", folder, "--model_dir", tmp_path / "model")
    assert "part-1.csv: found other targets than in part-0.csv" in said
    write(make_table(rows=5, channels=350), folder / "part-1.csv")
    said = said_by("train", "--data_dir", folder, "--model_dir", tmp_path / "model")
    assert "part-1.csv: found other features than in part-0.csv" in said


def test_rows_without_a_site_cost_the_figure_by_site_only(table, tmp_path, caplog):
    caplog.set_level("INFO")
    table = table.astype({"SiteID": float})
    table.loc[table.index[70], "SiteID"] = np.nan
    folder, one = split(table, tmp_path / "spectra"), write(table, tmp_path / "one.csv")
    for path, place in ((folder, "part-1.csv.gz, row 11"), (one, "row 71, column 'SiteID'")):
        caplog.clear()
        do("train", "--data_dir", path, "--model_dir", tmp_path / "model")
        assert "no figure by SiteID" in caplog.text and place in caplog.text
        arguments = "--data_dir", path, "--model_dir", tmp_path / "model", "--group", "SiteID"
        assert "no label" in said_by("train", *arguments)


@pytest.mark.parametrize("missing", ["part-2.csv.out", None])
def test_score_names_predictions_that_are_missing(table, tmp_path, missing):
    folder = split(table, tmp_path / "spectra")
    do("train", "--data_dir", folder, "--model_dir", tmp_path / "model")
    out = tmp_path / "out"
    do("predict", "--data_dir", folder, "--model_dir", tmp_path / "model", "--output_dir", out)
    if missing:
        (out / missing).unlink()
    predicted = out if missing else out / "part-0.csv.out"
    said = said_by("score", "--actual", folder, "--predicted", predicted, "--output", tmp_path / "score.txt")
    assert (missing or "not a folder") in said
    assert not (tmp_path / "score.txt").exists()


def test_score_reads_assays_from_parquet(table, tmp_path):
    needs_parquet()
    folder, other = split(table, tmp_path / "spectra", ".csv"), split(table, tmp_path / "parquet", ".parquet")
    do("train", "--data_dir", folder, "--model_dir", tmp_path / "model")
    scores = []
    for each in (folder, other):
        out = tmp_path / ("of-" + each.name)
        do("predict", "--data_dir", each, "--model_dir", tmp_path / "model", "--output_dir", out)
        do("score", "--actual", each, "--predicted", out, "--output", tmp_path / "score.txt")
        scores.append((tmp_path / "score.txt").read_text())
    assert scores[0] == scores[1]


# --- what goes wrong ----------------------------------------------------------------


def test_a_bad_table_is_named_and_the_others_are_finished_and_kept(table, tmp_path, caplog):
    folder, out = split(table, tmp_path / "spectra"), tmp_path / "out"
    bad, good = folder / "part-1.csv.gz", (folder / "part-1.csv.gz").read_bytes()
    bad.write_bytes(good[: len(good) // 2])
    (folder / "part-3.csv.gz").write_bytes(b"no gzip")
    for arguments in (
        ("preprocess", "--input", folder, "--output", out),
        ("train", "--data_dir", folder, "--model_dir", tmp_path / "model"),
    ):
        said = said_in_one_line(step(*arguments))
        assert "part-1.csv.gz: the gzip file ends too early" in said and said.endswith("; 1 more failed")
    assert set(contents(out)) == with_records(["part-0.csv", "part-2.csv"])
    assert [path.name for path in (tmp_path / "model").iterdir()] == [".features"]
    bad.write_bytes(good)
    write(table[180:], folder / "part-3.csv.gz")
    caplog.set_level("INFO")
    do("preprocess", "--input", folder, "--output", out)
    assert "in 2 tables, 2 done before" in caplog.text
    do("train", "--data_dir", folder, "--model_dir", tmp_path / "model")
    do("train", "--data_dir", folder, "--model_dir", tmp_path / "undisturbed")
    assert model_of(tmp_path / "model") == model_of(tmp_path / "undisturbed")
    assert not (tmp_path / "model" / ".features").exists()


def large_table(folder):
    """Tables that take a while."""
    folder.mkdir()
    for k in range(6):
        part = make_table(rows=400, channels=1200, seed=k)
        part.index += 400 * k
        with gzip.open(str(folder / ("part-%d.csv.gz" % k)), "wt", compresslevel=1) as file:
            part.to_csv(file, float_format="%.5f")
    return folder


def begin(*command):
    command = [sys.executable, str(ROOT / (command[0] + ".py")), *map(str, command[1:])]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        start_new_session=True,
        # what a shell runs in the background ignores interrupts, and so would this
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def workers_of(process):
    """The worker processes of joblib below a process."""
    found, waiting = [], [process.pid]
    while waiting:
        pid = waiting.pop()
        try:
            with open("/proc/%d/task/%d/children" % (pid, pid)) as children:
                below = list(map(int, children.read().split()))
            for child in below:
                with open("/proc/%d/cmdline" % child) as line:
                    if "popen_loky" in line.read():
                        found.append(child)
        except OSError:
            continue
        waiting += below
    return found


def wait_for(condition):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("nothing happened within a minute")


def begun(out):
    """Whether something is being written in a folder."""
    return out.exists() and any(path.name.endswith(".part") for path in out.iterdir())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds the workers in /proc")
@pytest.mark.parametrize("name", ["preprocess", "train"])
def test_a_worker_that_is_killed_ends_in_one_line_and_the_same_command_goes_on(tmp_path, name):
    folder = large_table(tmp_path / "spectra")

    def arguments(out):
        if name == "preprocess":
            return name, "--input", folder, "--output", out, "--jobs", "2"
        return name, "--data_dir", folder, "--model_dir", out, "--jobs", "2"

    out = tmp_path / "out"
    place = out if name == "preprocess" else out / ".features"
    process = begin(*arguments(out))
    wait_for(lambda: begun(place))
    os.kill(workers_of(process)[0], signal.SIGKILL)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    # joblib's own warnings may follow
    ours = [line for line in said.splitlines() if line.startswith("%s.py: " % name)]
    assert len(ours) == 1 and "a worker process was killed" in ours[0]
    assert "Traceback" not in said
    result = step(*arguments(out))
    assert result.returncode == 0, result.stderr
    assert step(*arguments(tmp_path / "undisturbed")).returncode == 0
    assert contents(out) == contents(tmp_path / "undisturbed")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds the workers in /proc")
def test_an_interrupt_ends_in_one_line_and_leaves_nothing_half_written_and_no_worker(tmp_path):
    folder, out = large_table(tmp_path / "spectra"), tmp_path / "out"
    process = begin("preprocess", "--input", folder, "--output", out, "--jobs", "2")
    wait_for(lambda: begun(out))
    workers = workers_of(process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to all of them
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.strip() == "preprocess.py: interrupted, nothing is half-written"
    wait_for(lambda: not any(os.path.exists("/proc/%d" % each) for each in workers))
    step("preprocess", "--input", folder, "--output", out)
    step("preprocess", "--input", folder, "--output", tmp_path / "undisturbed")
    assert contents(out) == contents(tmp_path / "undisturbed")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits the size of files")
@pytest.mark.parametrize("name", ["preprocess", "preprocess to parquet", "train", "predict"])
def test_a_full_disk_ends_in_one_line_that_names_the_table(table, tmp_path, name):
    import resource

    folder, out, model = split(table, tmp_path / "spectra"), tmp_path / "out", tmp_path / "model"
    if name == "predict":
        do("train", "--data_dir", folder, "--model_dir", model)
    if name.endswith("parquet"):
        needs_parquet()
    arguments = {
        "preprocess": ("--input", folder, "--output", out),
        "preprocess to parquet": ("--input", folder, "--output", out, "--format", "parquet"),
        "train": ("--data_dir", folder, "--model_dir", out),
        "predict": ("--data_dir", folder, "--model_dir", model, "--output_dir", out),
    }[name]
    name = name.split()[0]
    command = [sys.executable, str(ROOT / (name + ".py")), *map(str, arguments)]
    result = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000)),
    )  # fmt: skip
    said = said_in_one_line(result)
    assert "part-0.csv" in said and "File too large" in said, said
    place = out / ".features" if name == "train" else out
    assert contents(place) == {}
    do(name, *arguments)


# --- a cluster ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def dask_cluster():
    """Address and workers of a Dask cluster on loopback: a scheduler and two workers, processes of their own."""
    pytest.importorskip("distributed", reason="distributed is not installed here")
    from tools.benchmark.cluster import dask_cluster

    with dask_cluster() as cluster:
        yield cluster


def test_a_dask_cluster_gives_the_same_bytes_also_when_a_worker_is_killed(tmp_path, dask_cluster):
    address, workers = dask_cluster
    folder = large_table(tmp_path / "spectra")
    on_cluster = "--backend", "dask", "--scheduler", address
    for name, options in (("here", ("--jobs", "1")), ("there", on_cluster)):
        out = tmp_path / name
        for each in (
            ("preprocess", "--input", folder, "--output", out / "features"),
            ("train", "--data_dir", folder, "--model_dir", out / "model"),
            (
                "predict",
                "--data_dir",
                folder,
                "--model_dir",
                out / "model",
                "--output_dir",
                out / "predictions",
            ),
        ):
            result = step(*each, *options)
            assert result.returncode == 0, result.stderr
    for each in ("features", "predictions"):
        assert contents(tmp_path / "here" / each) == contents(tmp_path / "there" / each)
    assert model_of(tmp_path / "here/model") == model_of(tmp_path / "there/model")

    out = tmp_path / "killed"
    process = begin("train", "--data_dir", folder, "--model_dir", out, *on_cluster)
    wait_for(lambda: begun(out / ".features"))
    workers[0].kill()
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert model_of(out) == model_of(tmp_path / "here/model")


def test_a_backend_that_is_not_installed_is_named(table, tmp_path):
    folder = split(table, tmp_path / "spectra")
    said = said_without("distributed", "--input", folder, "--output", tmp_path / "out", "--backend", "dask")
    assert "--backend dask: found no distributed; install it" in said
