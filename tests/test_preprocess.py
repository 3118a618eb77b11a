"""preprocess.py: columns, scaling, windows, bad files, and the step alone."""

import csv
import gzip
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import preprocess
import recore.tables
from preprocess import DataError, split_columns
from tests.conftest import ROOT, channels_of, make_table, said_in_one_line, step, write

# --- the arithmetic ---


def test_scaling_divides_by_the_maximum_of_the_range_and_clips_to_the_range():
    spectrum = np.array([[1.0, 4.0, 2.0] + [0.5] * 148 + [100.0] * 150 + [-7.0]])
    scaled = preprocess.scale(spectrum)  # 302 channels: the range is the first two
    assert scaled[0, :3].tolist() == [0.25, 1.0, 0.5]
    assert scaled[0, 3] == 0.25  # 0.125 lies below the range's own minimum
    assert scaled[0, 200] == 1.0 and scaled[0, -1] == 0.25


def test_windows_start_at_the_first_channel_and_the_last_keeps_what_is_left():
    spectra = np.arange(16.0)[None]
    assert preprocess.window_sums(spectra).tolist() == [[21.0, 70.0, 29.0]]


def test_a_window_is_named_after_its_middle_channel():
    assert preprocess.window_names(list("abcdefghij")) == ["d", "i"]


spectra_strategy = arrays(
    np.float64, st.tuples(st.integers(2, 6), st.integers(301, 330)), elements=st.floats(0.01, 3)
)


@settings(max_examples=30, deadline=None)
@given(spectra_strategy, st.randoms(use_true_random=False))
def test_a_spectrum_gives_the_same_features_alone_in_any_batch_and_order(spectra, random):
    frame = pd.DataFrame(spectra, columns=["c%d" % place for place in range(spectra.shape[1])])
    together = preprocess.features(frame)
    order = list(range(len(frame)))
    random.shuffle(order)
    shuffled = preprocess.features(frame.iloc[order])
    assert np.array_equal(shuffled.to_numpy(), together.to_numpy()[order])
    for row in order:
        assert np.array_equal(preprocess.features(frame.iloc[[row]]).to_numpy()[0], together.to_numpy()[row])


@settings(max_examples=30, deadline=None)
@given(spectra_strategy, st.floats(0.1, 10))
def test_features_do_not_depend_on_a_spectrums_gain(spectra, gain):
    frame = pd.DataFrame(spectra, columns=["c%d" % place for place in range(spectra.shape[1])])
    np.testing.assert_allclose(preprocess.features(frame * gain), preprocess.features(frame), rtol=1e-12)


# --- the columns ---


def names(channels=310, before=(), after=(), index=("",)):
    return [*index, *before, *("%d" % (4000 - place) for place in range(channels)), *after]


def test_the_49_targets_make_other_numeric_columns_ids_beside_numbered_channels():
    layout = split_columns(names(before=["DepthTo", "Hole"], after=preprocess.TARGETS))
    assert layout.ids == ["DepthTo", "Hole"] and layout.targets == list(preprocess.TARGETS)
    assert len(layout.channels) == 310 and layout.index == ""


def test_every_other_numeric_column_is_a_target_where_channels_are_numbers_and_none_is_of_the_49():
    layout = split_columns(names(before=["Name", "SiteID"], after=["Cu", "pH"]), text=["Name"])
    assert layout.targets == ["Cu", "pH"] and layout.ids == ["Name", "SiteID"]


def test_channels_without_numbers_are_whatever_is_neither_id_nor_target():
    header = ["", "DepthTo", "SiteID", "DepthFrom"] + ["ch_a%d" % place for place in range(305)]
    layout = split_columns(header + list(preprocess.TARGETS))
    assert layout.channels == header[4:] and layout.ids == header[1:4]
    assert split_columns(header).targets == []


def test_targets_come_in_the_official_order_whatever_the_files():
    layout = split_columns(names(after=reversed(preprocess.TARGETS)))
    assert layout.targets == list(preprocess.TARGETS)


@pytest.mark.parametrize(
    "header, text, said",
    [
        (names(after=preprocess.TARGETS[:-1]), (), "found 48 of 49 targets, missing: YPPM"),
        (names(after=["Cu", "Cu"]), (), "found column 'Cu' 2 times"),
        (names(after=["Cu", ""]), (), "column 313 has no name"),
        (names(300), (), "found 300 channels, expected at least 301"),
        (names()[:200] + names()[210:] + names()[200:210], (), "neither rise nor fall"),
        (names(), ("3900",), "column '3900': found text"),
        (names(after=preprocess.TARGETS), ("CuPPM",), "column 'CuPPM': found text"),
    ],
)
def test_columns_that_cannot_be_told_apart_are_refused_by_name(header, text, said):
    with pytest.raises(DataError, match=said):
        split_columns(header, text, "file.csv")


# --- reading ---


def test_a_file_read_in_small_blocks_gives_what_pandas_and_the_arithmetic_give(table, public, monkeypatch):
    monkeypatch.setattr(preprocess, "BLOCK_BYTES", 5000)
    read = recore.tables.read_table(str(public))
    by_pandas = pd.read_csv(str(public), index_col=0)
    spectra = by_pandas[channels_of(table)]
    pd.testing.assert_frame_equal(read.features.set_axis(by_pandas.index), preprocess.features(spectra))
    pd.testing.assert_frame_equal(
        read.targets.set_axis(by_pandas.index), by_pandas[list(preprocess.TARGETS)].astype(float)
    )
    assert read.features.index.tolist() == by_pandas.index.astype(str).tolist()
    assert (
        read.ids.to_numpy().tolist()
        == by_pandas[["DepthTo", "SiteID", "DepthFrom"]].astype(str).to_numpy().tolist()
    )


def test_real_files_read_as_pandas_reads_them(real_table):
    read = recore.tables.read_table(str(real_table))
    by_pandas = pd.read_csv(str(real_table), index_col=0)
    expected = preprocess.features(by_pandas[channels_of(by_pandas)])
    np.testing.assert_allclose(read.features, expected, rtol=1e-13, atol=2e-12)  # one last decimal
    np.testing.assert_allclose(read.targets, by_pandas[list(read.targets)], rtol=1e-13)
    assert set(read.ids) | set(read.targets) == set(by_pandas) - set(channels_of(by_pandas))


def test_ids_of_text_travel_and_quotes_blank_lines_and_windows_line_ends_are_read(table, tmp_path):
    plain = recore.tables.read_table(str(write(table, tmp_path / "plain.csv")))
    table.insert(0, "Hole", ['BH-%d, "deep"' % row for row in range(len(table))])
    text = "\ufeff" + table.to_csv().replace("\n", "\r\n").replace("\r\n5,", "\r\n\r\n5,")
    (tmp_path / "odd.csv").write_bytes(text.encode("utf-8"))
    odd = recore.tables.read_table(str(tmp_path / "odd.csv"))
    assert odd.ids["Hole"].tolist() == table["Hole"].tolist()
    pd.testing.assert_frame_equal(odd.features, plain.features)
    pd.testing.assert_frame_equal(odd.targets, plain.targets)


def test_a_hole_that_turns_to_text_in_a_later_block_is_still_an_id(table, tmp_path, monkeypatch):
    monkeypatch.setattr(preprocess, "BLOCK_BYTES", 5000)
    table["SiteID"] = ["12A" if row == 35 else str(row) for row in range(len(table))]
    read = recore.tables.read_table(str(write(table, tmp_path / "public.csv.gz")))
    assert read.ids["SiteID"].iloc[35] == "12A"
    assert len(read.features) == len(table)


def test_missing_assays_are_gaps_and_the_index_may_be_missing(table, tmp_path):
    table.loc[3, "CuPPM"] = np.nan
    (tmp_path / "own.csv").write_text(table.to_csv(index=False))
    read = recore.tables.read_table(str(tmp_path / "own.csv"))
    assert np.isnan(read.targets.loc["3", "CuPPM"]) and read.targets.isna().to_numpy().sum() == 1
    assert read.features.index.tolist() == list(map(str, range(len(table))))


@given(arrays(np.float64, (4, 3), elements=st.floats(-7, 7)))
def test_features_written_read_back_to_the_last_bit(values):
    table = pd.DataFrame(np.round(values, preprocess.DECIMALS), columns=list("abc"), index=["x,y", 1, 2, 3])
    lines = (preprocess.csv_header(list(table)) + preprocess.csv_rows(table)).splitlines()
    rows = list(csv.reader(lines))
    assert rows[0] == ["", "a", "b", "c"] and rows[1][0] == "x,y"
    assert np.array_equal(np.array([row[1:] for row in rows[1:]], dtype=float), table.to_numpy())


# --- the step ---


def test_alone_in_an_empty_folder_it_turns_a_private_file_into_features(table, tmp_path):
    shutil.copy(str(ROOT / "preprocess.py"), str(tmp_path))
    private = table.drop(columns=list(preprocess.TARGETS))
    write(private, tmp_path / "private.csv.gz")
    command = [
        sys.executable,
        "-W",
        "error",
        "preprocess.py",
        "--input",
        "private.csv.gz",
        "--output",
        "f.csv",
    ]
    subprocess.run(command, cwd=str(tmp_path), check=True)
    written = pd.read_csv(str(tmp_path / "f.csv"), index_col=0)
    expected = preprocess.features(private[channels_of(private)])
    np.testing.assert_allclose(written, expected, rtol=1e-14)
    assert list(written) == list(expected)


def test_folders_stand_for_the_file_in_them(public, tmp_path):
    result = step("preprocess", "--input", public.parent, "--output", tmp_path / "new" / "public.csv")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "new" / "public.csv").exists()


def change(column, value, row=7):
    def changed(table):
        table = table.astype({column: object}) if isinstance(value, str) else table
        table.loc[row, column] = value
        return table.to_csv()

    return changed


def spectrum(value):
    def changed(table):
        table.loc[7, channels_of(table)] = value
        return table.to_csv()

    return changed


def line(edit, row=7):
    def changed(table):
        lines = table.to_csv().splitlines(True)
        lines[row + 1] = edit(lines[row + 1])
        return "".join(lines)

    return changed


CHANNEL = channels_of(make_table(rows=1))[200]
BAD_FILES = {
    "an empty file": (lambda table: "", "is empty"),
    "a header only": (lambda table: table.to_csv().splitlines(True)[0], "no row below"),
    "no header": (lambda table: table.to_csv(header=False), "header line first"),
    "semicolons": (lambda table: table.to_csv(sep=";"), "separated by commas"),
    "a target missing": (
        lambda table: table.drop(columns="YPPM").to_csv(),
        "found 48 of 49 targets, missing: YPPM",
    ),
    "a target of text": (change("CuPPM", "<0.5"), "line 9, column 'CuPPM': found the text '<0.5'"),
    "a target all of text": (
        lambda table: table.assign(CuPPM="low").to_csv(),
        "column 'CuPPM': found the text 'low'",
    ),
    "an infinite target": (change("CuPPM", np.inf), "line 9, column 'CuPPM': found an infinite"),
    "a channel of text": (
        change(CHANNEL, "saturated"),
        "line 9, column '%s': found the text 'saturated'" % CHANNEL,
    ),
    "a control character": (change(CHANNEL, "1\x1f2"), "line 9, column '%s': found the text" % CHANNEL),
    "a gap in a spectrum": (change(CHANNEL, np.nan), "line 9, column '%s': found a gap" % CHANNEL),
    "an infinite channel": (change(CHANNEL, np.inf), "line 9, column '%s': found an infinite" % CHANNEL),
    "a spectrum of zeros": (spectrum(0.0), "line 9: found a spectrum whose maximum"),
    "a negative spectrum": (spectrum(-0.5), "line 9: found a spectrum whose maximum"),
    "too few channels": (
        lambda table: table.drop(columns=channels_of(table)[:50]).to_csv(),
        "found 290 channels",
    ),
    "a duplicate column": (
        lambda table: table.rename(columns={"SiteID": "DepthTo"}).to_csv(),
        "'DepthTo' 2 times",
    ),
    "a duplicate index": (lambda table: table.rename(index={7: 3}).to_csv(), "the index 3 more than once"),
    "a gap in the index": (line(lambda text: text[1:]), "without index"),
    "a short line": (
        line(lambda text: text.rsplit(",", 2)[0] + "\n"),
        "line 9: found 391 cells, expected 393",
    ),
    "a long line": (line(lambda text: text.strip() + ",1\n"), "line 9: found 394 cells, expected 393"),
    "a quote left open": (line(lambda text: '"' + text), "never closed"),
}


@pytest.mark.parametrize("bad", BAD_FILES)
def test_a_bad_file_ends_in_one_line_and_leaves_the_old_output(bad, table, tmp_path):
    make, said = BAD_FILES[bad]
    with gzip.open(str(tmp_path / "public.csv.gz"), "wt") as file:
        file.write(make(table))
    output = tmp_path / "out" / "public.csv"
    output.parent.mkdir()
    output.write_text("old")
    message = said_in_one_line(step("preprocess", "--input", tmp_path / "public.csv.gz", "--output", output))
    assert said in message and message.startswith("preprocess.py: "), message
    assert output.read_text() == "old" and [path.name for path in output.parent.iterdir()] == ["public.csv"]


def damaged_gzip(kind, data):
    return {
        "not gzip": b"plain text, no gzip",
        "truncated": data[: len(data) // 2],
        "flipped bits": data[:900] + bytes(255 - byte for byte in data[900:1000]) + data[1000:],
        "not UTF-8": gzip.compress(b"\xff\xfe\x00,1\n"),
        "no CSV": gzip.compress(b"x" * 200000 + b",1\n"),
    }[kind]


@pytest.mark.parametrize("kind", ["not gzip", "truncated", "flipped bits", "not UTF-8", "no CSV"])
def test_a_damaged_file_ends_in_one_line(kind, public, tmp_path):
    public.write_bytes(damaged_gzip(kind, public.read_bytes()))
    said_in_one_line(step("preprocess", "--input", public, "--output", tmp_path / "out.csv"))
    assert not (tmp_path / "out.csv").exists()


def test_a_missing_file_is_named(tmp_path):
    message = said_in_one_line(
        step("preprocess", "--input", tmp_path / "none.csv.gz", "--output", tmp_path / "o.csv")
    )
    assert "none.csv.gz: not found" in message


def test_a_killed_step_leaves_the_old_output_in_place(tmp_path):
    big = make_table(rows=60)
    write(pd.concat([big] * 60, ignore_index=True), tmp_path / "public.csv")
    output = tmp_path / "out.csv"
    output.write_text("old")
    command = [sys.executable, str(ROOT / "preprocess.py"), "--input", str(tmp_path / "public.csv")]
    process = subprocess.Popen([*command, "--output", str(output)], stderr=subprocess.PIPE)
    while not list(tmp_path.glob(".out.csv.*")):  # it has begun to write
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert output.read_text() == "old"
