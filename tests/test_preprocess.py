"""preprocess.py: scaling, windows, columns, reading."""

import csv

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import preprocess
import recore.tables
from preprocess import DataError, split_columns
from tests.conftest import channels_of, step, write

# --- the arithmetic ---


def test_scaling_divides_by_the_maximum_of_the_range_and_clips_to_the_range():
    spectrum = np.array([[1.0, 4.0, 2.0] + [0.5] * 148 + [100.0] * 150 + [-7.0]])
    scaled = preprocess.scale(spectrum, slice(0, -300))  # 302 channels: the range is the first two
    assert scaled[0, :3].tolist() == [0.25, 1.0, 0.5]
    assert scaled[0, 3] == 0.25  # 0.125 lies below the range's own minimum
    assert scaled[0, 200] == 1.0 and scaled[0, -1] == 0.25


def test_windows_start_at_the_first_channel_and_the_last_keeps_what_is_left():
    spectra = np.arange(16.0)[None]
    assert preprocess.window_sums(spectra, 7).tolist() == [[21.0, 70.0, 29.0]]


def test_a_window_is_named_by_its_first_and_its_last_channel():
    assert preprocess.window_names(list("abcdefgh")) == ["a:g", "h:h"]


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


def test_an_assay_beside_channels_that_only_count_is_no_channel():
    header = ["SiteID", *(f"c{k}" for k in range(1, 341)), "Au", "Clay"]
    for spectra in (header, [*header, "AgPPM"], [*header[:100], "pH", *header[100:]]):
        with pytest.raises(DataError, match=r"column .(Au|Clay|pH). beside channels .*--targets or --ids"):
            split_columns(spectra)
    layout = split_columns(header, targets=["Clay"], ids=["Au"])
    assert layout.channels == header[1:341] and (layout.targets, layout.ids) == (["Clay"], ["SiteID", "Au"])


def test_channels_that_only_count_may_have_two_names_and_the_first_no_number():
    fused = [*(f"mir_{k}" for k in range(1, 401)), *(f"nir_{k}" for k in range(1, 201))]
    copies = ["x", *(f"x.{k}" for k in range(1, 400))]
    for channels in (fused, copies):
        layout = split_columns(["SiteID", *channels, "Clay"], targets=["Clay"])
        assert layout.channels == channels and layout.ids == ["SiteID"]


# --- which tables ---


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


# --- reading and writing ---


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


def test_digits_beyond_those_of_a_float_still_tell_rows_of_csv_apart(long_table, tmp_path):
    long_table = long_table[:30].set_index(np.arange(30) + 2**60)
    found = recore.tables.read_table(str(write(long_table, tmp_path / "a.csv")))
    assert list(map(int, found.features.index)) == list(long_table.index)


@given(arrays(np.float64, (4, 3), elements=st.floats(-7, 7)))
def test_features_written_read_back_to_the_last_bit(values):
    table = pd.DataFrame(np.round(values, preprocess.DECIMALS), columns=list("abc"), index=["x,y", 1, 2, 3])
    lines = (preprocess.csv_header(list(table)) + preprocess.csv_rows(table)).splitlines()
    rows = list(csv.reader(lines))
    assert rows[0] == ["", "a", "b", "c"] and rows[1][0] == "x,y"
    assert np.array_equal(np.array([row[1:] for row in rows[1:]], dtype=float), table.to_numpy())


# --- the challenge's hook ---


def test_the_hook_gives_index_ids_features_and_targets_as_the_step_writes_them(table, tmp_path):
    table.insert(0, "Hole", ["BH-%d" % (row // 8) for row in range(len(table))])
    table.loc[3, "CuPPM"] = np.nan
    table.index = ["%03d" % row for row in range(len(table))]
    public = write(table, tmp_path / "public.csv.gz")
    frame = preprocess.preprocess(str(public))
    done = step("preprocess", "--input", public, "--output", tmp_path / "public.csv")
    assert done.returncode == 0, done.stderr
    with open(str(tmp_path / "public.csv"), newline="") as file:
        (_, *names_written), *rows = csv.reader(file)
    ids, targets = ["Hole", "DepthTo", "SiteID", "DepthFrom"], list(preprocess.TARGETS)
    assert list(frame) == ids + names_written + targets and list(frame.index) == list(table.index)
    assert [row[0] for row in rows] == list(table.index)
    np.testing.assert_array_equal(frame[names_written], [list(map(float, row[1:])) for row in rows])
    assert frame[ids].to_numpy().tolist() == table[ids].astype(str).to_numpy().tolist()
    np.testing.assert_array_equal(frame[targets].to_numpy(), table[targets].to_numpy())


def test_the_hook_takes_a_folder_and_a_private_file_has_no_targets(table, tmp_path):
    write(table.drop(columns=list(preprocess.TARGETS)), tmp_path / "public.csv.gz")
    frame = preprocess.preprocess(str(tmp_path))
    assert list(frame)[:3] == list(preprocess.ID_COLUMNS) and not set(frame) & set(preprocess.TARGETS)
    assert frame.shape == (len(table), 3 + -(-len(channels_of(table)) // preprocess.SETTINGS.window))


def test_what_the_hook_gives_is_split_by_the_layout_of_the_file(table, tmp_path):
    own = table.drop(columns=list(preprocess.TARGETS)).assign(Clay=np.arange(len(table)) / 7)
    own.insert(0, "3901", "a hole named by a number")  # names alone would take it for a channel
    path = write(own.rename(columns={"3901": "Hole"}), tmp_path / "own.csv")
    found = preprocess.split(preprocess.preprocess(str(path)))
    assert list(found.ids) == ["Hole", *preprocess.ID_COLUMNS] and list(found.targets) == ["Clay"]
    pd.testing.assert_frame_equal(
        found.features.reset_index(drop=True), preprocess.features(own[channels_of(table)])
    )
    for each in (found.features, found.ids, found.targets):
        assert list(each.index) == list(map(str, table.index))


def test_a_repeated_index_is_told_whatever_its_writing(table, tmp_path):
    for labels, same in (
        (["7", "007"], False),
        (["7", "7.0"], True),
        (["7", "7A"], False),
        (["x7", "X7"], False),
    ):
        own = table.set_axis([*labels, *map(str, range(100, 98 + len(table)))])
        path = write(own, tmp_path / "own.csv")
        if same:
            with pytest.raises(DataError, match="found the index %s more than once" % labels[1]):
                preprocess.preprocess(str(path))
        else:
            assert list(preprocess.preprocess(str(path)).index[:2]) == labels


@example([(10**30, 0), (10**30 + 1, 0)])
@given(st.lists(st.tuples(st.integers(-(10**40), 10**40), st.integers(0, 3)), min_size=1))
def test_labels_that_are_plain_numbers_compare_as_numbers(cells):
    """However many zeros stand after the point, and however long they are."""
    labels = [str(value) + ("." + "0" * after if after else "") for value, after in cells]
    keys = preprocess.label_keys(labels)
    for (value, _), key in zip(cells, keys):
        assert [value == other for other, _ in cells] == [key == other for other in keys]
    for other in ("A", "007", "10E5"):  # then a number is a name
        assert preprocess.label_keys([*labels, other]) == [*labels, other]


@pytest.mark.parametrize("cell, value", [(" ", np.nan), (" NA ", np.nan), ("\u00a015", 15.0), (" 3.5 ", 3.5)])
def test_blanks_around_a_cell_are_none_of_it(cell, value, table, tmp_path):
    own = table.astype({"CuPPM": object})
    own.loc[5, "CuPPM"] = cell
    found = preprocess.split(preprocess.preprocess(str(write(own, tmp_path / "own.csv"))))
    np.testing.assert_array_equal(found.targets["CuPPM"].iloc[5], value)
    others = found.targets["CuPPM"].drop("5").tolist()
    assert others == table["CuPPM"].drop(5).tolist()


def test_a_path_may_be_a_path(public):
    pd.testing.assert_frame_equal(preprocess.preprocess(public), preprocess.preprocess(str(public)))
