"""tools/demo_data: the files, single and in folders, and what a failure leaves."""

import gzip
import os
import signal
import subprocess
import sys
import time
import tracemalloc

import numpy as np
import pandas as pd
import pytest

import preprocess
from tests.conftest import ROOT
from tools import spectra
from tools.demo_data import __main__ as demo_main
from tools.demo_data import files, holes

SMALL = 350  # channels


@pytest.fixture(scope="module")
def frame():
    return pd.concat(holes.blocks())


def write(path, *arguments):
    demo_main.main(["--output", str(path), "--rows", "100", "--channels", str(SMALL), *arguments])
    return path


def shards(folder, *arguments):
    """The tables of a folder of 250 rows, 60 to a file."""
    settings = ["--rows", "250", "--channels", str(SMALL), "--shard-rows", "60", "--jobs", "1"]
    demo_main.main(["--output", str(folder), *settings, *arguments])
    return sorted(folder.iterdir())


def test_columns_are_the_challenges_in_its_order(tmp_path):
    with gzip.open(write(tmp_path / "public.csv.gz"), "rt") as file:
        header = file.readline().rstrip("\n").split(",")
    assert header[:4] == ["", "DepthTo", "SiteID", "DepthFrom"]
    assert header[-49:] == list(preprocess.TARGETS)
    channels = np.array(header[4:-49], float)
    assert len(channels) == SMALL
    assert channels[0] == 3997.4 and channels[-1] == 430
    assert (np.diff(channels) < 0).all()


def test_values_have_no_gap_and_no_negative_concentration(tmp_path):
    table = pd.read_csv(write(tmp_path / "public.csv.gz"), index_col=0)
    assert list(table.index) == list(range(100))
    assert table.SiteID.dtype.kind == "i"
    assert np.isfinite(table.to_numpy()).all()
    assert (table[list(preprocess.TARGETS)] > 0).all(axis=None)
    assert (table.DepthTo > table.DepthFrom).all()


def test_the_default_file_has_1344_spectra_of_1700_channels(frame):
    assert frame.shape == (1344, 3 + 1700 + 49)
    assert 10 < frame.SiteID.nunique() < 50


def test_the_pipeline_reads_the_file_as_it_is(tmp_path):
    table = spectra.read_table(str(write(tmp_path / "public.csv.gz")))
    assert table.features.shape == (100, 50)
    assert list(table.ids) == ["DepthTo", "SiteID", "DepthFrom"]
    assert tuple(table.targets) == preprocess.TARGETS


def test_a_private_file_is_the_public_one_without_targets(tmp_path):
    public = pd.read_csv(write(tmp_path / "public.csv"), index_col=0)
    private = pd.read_csv(write(tmp_path / "private.csv", "--private"), index_col=0)
    pd.testing.assert_frame_equal(private, public.drop(columns=list(preprocess.TARGETS)))


def test_a_plain_file_holds_the_same_text(tmp_path):
    packed, plain = write(tmp_path / "public.csv.gz"), write(tmp_path / "public.csv")
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()


def test_the_gzip_header_says_synthetic_and_has_no_time(tmp_path):
    packed = write(tmp_path / "public.csv.gz").read_bytes()
    assert packed[4:8] == bytes(4)
    assert b"synthetic" in packed[:64]


def test_the_line_printed_says_synthetic(tmp_path, capsys):
    write(tmp_path / "public.csv.gz")
    printed = capsys.readouterr()
    assert printed.out.endswith("100 rows, 350 channels (synthetic spectra, not from an instrument)\n")
    assert printed.err == ""  # a bar on terminals only


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path):
    first, again = write(tmp_path / "a.csv.gz").read_bytes(), write(tmp_path / "b.csv.gz").read_bytes()
    assert first == again
    assert write(tmp_path / "c.csv.gz", "--seed", "1").read_bytes() != first


def test_a_shorter_file_is_the_beginning_of_a_longer_one():
    long = pd.concat(holes.blocks(200, SMALL))
    for rows in (1, 70, 199):
        pd.testing.assert_frame_equal(pd.concat(holes.blocks(rows, SMALL)), long[:rows])


def test_rows_do_not_depend_on_how_they_are_split_for_writing(tmp_path):
    long = pd.concat(holes.blocks(100, SMALL))
    split = [long[start : start + 7] for start in range(0, 100, 7)]
    files.write(tmp_path / "split.csv", split)
    assert (tmp_path / "split.csv").read_bytes() == write(tmp_path / "whole.csv").read_bytes()


def test_memory_does_not_grow_with_rows(tmp_path):
    def peak(rows):
        tracemalloc.start()
        files.write(tmp_path / "public.csv", holes.blocks(rows, SMALL))
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(100)  # what is imported and cached on first use
    assert peak(1000) < 1.2 * peak(300)


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--channels", "300"], "--channels: found 300, expected at least 301"),
        (["--rows", "0"], "--rows: found 0"),
    ],
)
def test_too_small_numbers_end_in_one_line_and_no_file(tmp_path, arguments, found):
    with pytest.raises(preprocess.DataError, match=found):
        write(tmp_path / "public.csv.gz", *arguments)
    assert not list(tmp_path.iterdir())


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    def frames():
        yield next(holes.blocks(10, SMALL))
        raise OSError("disk full")

    path = tmp_path / "public.csv.gz"
    path.write_text("old")
    with pytest.raises(OSError, match="disk full"):
        files.write(path, frames())
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_killed_run_leaves_the_old_file(tmp_path):
    path = tmp_path / "public.csv.gz"
    path.write_text("old")
    command = [sys.executable, "-m", "tools.demo_data", "--rows", "100000", "--output", str(path)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        for _ in range(1200):
            time.sleep(0.05)
            if len(os.listdir(tmp_path)) > 1:
                break
        assert len(os.listdir(tmp_path)) > 1  # it is writing, beside
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert path.read_text() == "old"


def test_shards_hold_the_rows_of_the_single_file(tmp_path):
    paths = shards(tmp_path / "shards")
    demo_main.main(["--output", str(tmp_path / "one.parquet"), "--rows", "250", "--channels", str(SMALL)])
    together = pd.concat([pd.read_parquet(path) for path in paths])
    assert [len(pd.read_parquet(path)) for path in paths] == [60, 60, 60, 60, 10]
    pd.testing.assert_frame_equal(together, pd.read_parquet(tmp_path / "one.parquet"))
    exact = pd.concat(holes.blocks(250, SMALL))
    np.testing.assert_array_equal(together.index, exact.index)
    np.testing.assert_allclose(together, exact, rtol=1e-6)  # spectra are in single precision


def test_shards_of_csv_hold_the_lines_of_the_single_file(tmp_path):
    lines = [
        gzip.decompress(path.read_bytes()).decode().splitlines()
        for path in shards(tmp_path / "shards", "--format", "csv.gz")
    ]
    files.write(tmp_path / "one.csv", holes.blocks(250, SMALL))
    header, *rows = (tmp_path / "one.csv").read_text().splitlines()
    assert all(each[0] == header for each in lines)
    assert [row for each in lines for row in each[1:]] == rows


def test_shards_do_not_depend_on_the_number_of_processes(tmp_path):
    one, two = (shards(tmp_path / jobs, "--jobs", jobs) for jobs in ("1", "2"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_parquet_says_that_no_instrument_measured_it(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    metadata = parquet.read_schema(shards(tmp_path / "shards")[0]).metadata
    assert metadata[b"origin"].startswith(b"synthetic")
