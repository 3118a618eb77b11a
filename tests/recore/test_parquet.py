"""Parquet against CSV of the same table."""

import numpy as np
import pandas as pd
import pytest

import preprocess
import recore.many
import recore.parquet
import recore.tables
from tests.conftest import channels_of, write
from tests.tables import do, needs_parquet, said_by, said_without


def same_tables(found, expected):
    assert found.channels == expected.channels
    for each, other in zip(found[:3], expected):
        np.testing.assert_array_equal(each.index, other.index)
        assert list(each) == list(other)
        np.testing.assert_array_equal(each.to_numpy(), other.to_numpy())


@pytest.mark.parametrize("keep_index", [True, False, None], ids=["column", "none", "range"])
def test_parquet_gives_what_csv_gives_to_the_last_bit(long_table, tmp_path, keep_index):
    needs_parquet()
    long_table = long_table.copy()
    long_table.iloc[3, -2] = np.nan
    long_table.index = long_table.index + 100 if keep_index is None else long_table.index
    long_table.to_parquet(str(tmp_path / "a.parquet"), index=keep_index)
    found = recore.tables.read_table(str(tmp_path / "a.parquet"))
    same_tables(found, recore.tables.read_table(str(write(long_table, tmp_path / "a.csv"))))


def test_parquet_of_every_type_of_number_and_text(long_table, tmp_path):
    needs_parquet()
    import pyarrow
    from pyarrow import parquet

    long_table = long_table[:30].reset_index(drop=True)
    expected = recore.tables.read_table(str(write(long_table, tmp_path / "a.csv")))
    columns = {name: pyarrow.array(long_table[name]) for name in long_table}
    columns["Lab"] = columns["Lab"].dictionary_encode()
    columns["SiteID"] = columns["SiteID"].cast(pyarrow.int16())
    columns["AgPPM"] = columns["AgPPM"].cast(pyarrow.decimal128(12, 4))
    parquet.write_table(pyarrow.table(columns), str(tmp_path / "a.parquet"))
    same_tables(recore.tables.read_table(str(tmp_path / "a.parquet")), expected)
    columns["Lab"] = pyarrow.array([[1.0]] * 30)
    parquet.write_table(pyarrow.table(columns), str(tmp_path / "a.parquet"))
    with pytest.raises(preprocess.DataError, match="column 'Lab': found the type list"):
        recore.tables.read_table(str(tmp_path / "a.parquet"))


def test_a_parquet_index_is_what_pandas_says_it_is(long_table, tmp_path):
    needs_parquet()
    path = tmp_path / "a.parquet"
    own = long_table[:30].drop(columns=list(preprocess.TARGETS)).assign(Clay=np.arange(30.0) / 2)

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


def test_a_parquet_file_that_was_cut_from_a_frame_counts_its_own_rows(long_table, tmp_path):
    needs_parquet()
    import pyarrow
    from pyarrow import parquet

    part = pyarrow.Table.from_pandas(long_table).slice(100, 20)  # says of its index what the whole frame had
    parquet.write_table(part, str(tmp_path / "a.parquet"))
    assert list(recore.tables.read_table(str(tmp_path / "a.parquet")).features.index) == list(
        map(str, range(20))
    )


def test_a_column_that_stands_twice_in_parquet_is_named(long_table, tmp_path):
    needs_parquet()
    import pyarrow
    from pyarrow import parquet

    columns = [pyarrow.array(long_table[name]) for name in long_table]
    twice = pyarrow.Table.from_arrays([*columns, columns[0]], [*long_table, "DepthTo"])
    parquet.write_table(twice, str(tmp_path / "a.parquet"))
    with pytest.raises(preprocess.DataError, match="found column 'DepthTo' 2 times"):
        recore.tables.read_table(str(tmp_path / "a.parquet"))


def test_an_index_that_turns_to_text_in_a_later_block_stands_in_parquet_as_in_the_file(
    long_table, tmp_path, monkeypatch
):
    needs_parquet()
    monkeypatch.setattr(preprocess, "BLOCK_BYTES", 1)
    monkeypatch.setattr(recore.parquet, "GROUP_ROWS", 4)
    index = [*("%03d" % row for row in range(29)), "29A"]
    path = write(long_table[:30].set_index(np.array(index)), tmp_path / "a.csv")
    recore.many.preprocess_table(str(path), str(tmp_path / "features.parquet"))
    assert list(pd.read_parquet(str(tmp_path / "features.parquet"))["index"]) == index


def test_a_gap_in_a_parquet_spectrum_is_named_by_row_and_column(long_table, tmp_path, monkeypatch):
    needs_parquet()
    monkeypatch.setattr(recore.parquet, "BATCH_ROWS", 16)
    monkeypatch.setattr(preprocess, "CACHED_ROWS", 5)
    channel = channels_of(long_table)[7]
    long_table = long_table.copy()
    long_table.loc[long_table.index[38], channel] = np.nan
    long_table.to_parquet(str(tmp_path / "a.parquet"))
    with pytest.raises(preprocess.DataError, match="a.parquet, row 39, column '%s': found a gap" % channel):
        recore.tables.read_table(str(tmp_path / "a.parquet"))


def test_what_preprocess_writes_as_parquet_is_what_it_writes_as_csv(long_table, tmp_path):
    public = write(long_table, tmp_path / "public.csv.gz")
    needs_parquet()
    for name in ("f.csv", "f.parquet"):
        do("preprocess", "--input", public, "--output", tmp_path / name)
    csv, parquet = (
        pd.read_csv(str(tmp_path / "f.csv"), index_col=0),
        pd.read_parquet(str(tmp_path / "f.parquet")),
    )
    assert list(parquet) == ["index", *csv]
    assert list(parquet["index"]) == list(map(str, csv.index))
    np.testing.assert_array_equal(parquet.drop(columns="index").to_numpy(), csv.to_numpy())


@pytest.mark.parametrize("size", [4, 2000, -1], ids=["no bytes", "cut", "no end"])
def test_a_damaged_parquet_file_is_named_in_one_line(long_table, tmp_path, size):
    needs_parquet()
    long_table.to_parquet(str(tmp_path / "a.parquet"))
    whole = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(whole[:size])
    said = said_by("preprocess", "--input", tmp_path / "a.parquet", "--output", tmp_path / "out.csv")
    assert said.startswith("a.parquet: cannot be read as Parquet")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.parquet"]


def test_without_pyarrow_parquet_is_refused_in_one_line(long_table, tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    arguments = "--input", tmp_path / "a.parquet", "--output", tmp_path / "a.csv"
    assert "found no pyarrow, which .parquet needs" in said_without("pyarrow", *arguments)
