"""Which columns of a laboratory's own table are targets."""

import numpy as np
import pytest

from preprocess import DataError
from recore import columns

RNG = np.random.default_rng(0)
CLAY = RNG.gamma(2, 10, 48).round(1)
KINDS = {
    "rows from 0": (np.arange(48), "counts"),
    "rows from 1001": (np.arange(48) + 1001, "counts"),
    "rows backwards": (np.arange(48)[::-1], "counts"),
    "samples of three scans": (np.arange(48) // 3, "counts"),
    "scans of each sample": (np.arange(48) % 3 + 1, "counts"),
    "two scans of each sample": (np.arange(48) % 2 + 1, "counts"),
    "always the same": (np.full(48, 0.1), "constant"),
    "the same or missing": (np.where(np.arange(48) % 5, 0.7, np.nan), "constant"),
    "nothing": (np.full(48, np.nan), "empty"),
    "an assay": (CLAY, None),
    "an assay with gaps": (np.where(np.arange(48) % 5, CLAY, np.nan), None),
    "sorted assays": (np.sort(CLAY), None),
    "whole assays": (RNG.integers(0, 90, 48), None),
    "yes and no": (RNG.integers(0, 2, 48), None),
    "sample numbers shuffled": (RNG.permutation(48), None),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_that_counts_or_never_changes_is_no_target(kind):
    values, doubt = KINDS[kind]
    assert columns.doubts({"Clay": CLAY, "other": np.asarray(values, float)}).get("other") == doubt


def test_a_shuffled_column_that_pandas_named_counts_rows():
    for name in ("Unnamed: 0", "Unnamed: 0.1", "index", "level_0", "X", "...1", "rownames"):
        assert columns.doubts({name: RNG.permutation(np.arange(48.0))}) == {name: "counts"}
    assert columns.doubts({"index": CLAY}) == {}


def test_a_renamed_copy_is_no_target_and_another_column_of_such_a_name_is():
    for name, copy in (("Al", "Al.1"), ("Al", "Al.2"), ("Al_x", "Al_y"), ("Al.x", "Al.y"), ("Al.1", "Al.2")):
        assert columns.doubts({name: CLAY, copy: CLAY.copy()}) == {copy: "copy"}
        assert columns.doubts({name: CLAY, copy: CLAY + 1}) == {}
    gaps = np.where(np.arange(48) % 5, CLAY, np.nan)
    assert columns.doubts({"Al": gaps, "Al.1": gaps.copy()}) == {"Al.1": "copy"}


def test_tables_are_decided_on_together_and_counted_each_from_the_start(caplog):
    caplog.set_level("INFO")
    parts = [
        {"Nr": np.arange(24.0), "Lab": np.full(24, k), "Al": CLAY[:24], "Site": np.full(24, 3.0)}
        for k in range(2)
    ]
    assert columns.decide(parts, ["Nr", "Lab", "Site"], "a.csv") == ["Lab", "Al"]
    assert "'Nr'" in caplog.text and "always the same: 'Site'" in caplog.text
    assert columns.decide(parts, ["Lab"], "a.csv") == [
        "Nr",
        "Lab",
        "Al",
        "Site",
    ]  # these were seen to be assays


def test_whole_numbers_that_are_all_different_are_asked_about():
    seen = {"Nr": set(), "Al": set(), "Twice": set(), "Gaps": set()}
    for rows in ([5, 3], [9, 4]):
        rows = np.array(rows, float)
        columns.keep_numbering(
            seen, {"Nr": rows, "Al": rows + 0.5, "Twice": rows * 0, "Gaps": [np.nan, 1] * rows}
        )
    assert list(seen) == ["Nr"]


def test_an_undecided_column_of_numbers_and_text_is_a_mistake_and_one_of_text_is_an_id():
    text = columns.Undecided("a.csv", "Remark")
    assert np.isnan(text.add(["", "NA"])).all() and np.isnan(text.add(["wet", ""])).all() and text.is_text()
    numbers = columns.Undecided("a.csv", "Al")
    assert numbers.add(["", "0.1"])[1] == 0.1 and not numbers.is_text()
    with pytest.raises(DataError, match=r"a\.csv, row 4, column 'Al': found the text '<0\.1'"):
        numbers.add(["0.1", "<0.1"])


def test_as_many_targets_as_there_are_predictions():
    found = {"Nr": np.arange(48.0), "Al": CLAY, "Flat": np.full(48, 2.0), "None": np.full(48, np.nan)}
    for width, targets in ((1, ["Al"]), (2, ["Al", "Flat"]), (3, ["Al", "Flat", "None"]), (4, list(found))):
        assert columns.fitting(found, width, "a.csv") == targets
    with pytest.raises(DataError, match="found 1 targets, 'Al', expected 5 as in the predictions"):
        columns.fitting(found, 5, "a.csv")


def test_names_are_a_line_of_csv():
    assert columns.names_in('Al, "Ca, total", pH ') == ["Al", "Ca, total", "pH"]
