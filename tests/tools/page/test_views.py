"""tools/page: what stands first, which columns are shown, and that row-wise figures never stand alone."""

import numpy as np
import pandas as pd

from tests.tools.page.conftest import bytes_of, table_of
from tools.page import views


def frame_of(ask):
    table = table_of(6, seed=2)
    channels = [name for name in table if name[0].isdigit()]
    table.loc[table.index[4], channels[40:47]] += 0.5
    return ask(("new.csv", bytes_of(table)))[0][0].frame


def test_flagged_samples_come_first_and_the_others_in_the_files_order(ask):
    frame = frame_of(ask)
    assert list(frame["verdict"]) == ["unlike", *["inside"] * 3, "unlike", "inside"]
    assert list(views.flagged_first(frame)) == [4, 0, 1, 2, 3, 5]
    assert views.counts_of(frame) == {"inside": 4, "unlike": 2}


def test_a_targets_verdict_is_shown_where_one_is_beyond_what_was_measured(ask):
    frame = frame_of(ask)
    frame["clay verdict"] = ["inside", "above", *["inside"] * 4]
    frame["Ca verdict"] = "inside"
    shown = list(views.wide(frame, ["clay", "Ca"]))
    assert shown[-7:] == ["clay", "clay lower", "clay upper", "clay verdict", "Ca", "Ca lower", "Ca upper"]
    assert shown[:5] == ["index", "DepthTo", "SiteID", "DepthFrom", "verdict"]


def test_columns_that_only_go_along_stand_last(ask):
    table = table_of(6).assign(operator="north")
    shown = list(views.wide(ask(("new.csv", bytes_of(table)))[0][0].frame, ["Ca"]))
    assert shown[-4:] == ["Ca", "Ca lower", "Ca upper", "operator"]


def test_one_sample_has_the_numbers_of_its_row_and_what_was_measured(ask, described):
    frame, targets = frame_of(ask), described[1]["targets"]
    found = views.one_sample(frame, 3, targets).set_index("target")
    assert (
        found.loc["Ca", "prediction"] == frame.loc[3, "Ca"]
        and found.loc["Ca", "upper"] == frame.loc[3, "Ca upper"]
    )
    assert found.loc["clay", "to"] == float(f"{table_of(60)['clay'].max():.3g}")


def test_figures_by_row_stand_beside_those_by_site(described):
    description = described[1]
    ways = [each["held_out"] for each in description["training"]["expected"]]
    found = views.model_table(description["targets"], ways).set_index("target")
    assert ways == ["row", "SiteID"] and {"R² by row", "R² by SiteID", "RMSE by SiteID"} <= {*found}
    told = {each["name"]: each["expected"]["SiteID"]["r2"] for each in description["targets"]}
    assert found["R² by SiteID"].to_dict() == {name: round(value, 2) for name, value in told.items()}


def test_what_may_be_reported_is_shown_first_and_everything_where_nothing_may():
    assert views.shown_first(["weak", "quantities", "no skill"]) == ["quantities"]
    assert views.shown_first(["no skill", "weak", "weak"]) == ["weak", "no skill"]
    assert views.marks_present(["unknown", "weak", "weak"]) == {"weak": 2, "unknown": 1}
    targets = [
        {"name": name, "mark": mark} for name, mark in (("a", "weak"), ("b", "quantities"), ("c", "weak"))
    ]
    assert [each["name"] for each in views.by_mark(targets)] == ["b", "a", "c"]
    assert [each["name"] for each in views.by_mark(targets, ["weak"])] == ["a", "c"]


def test_the_order_is_that_of_the_largest_of_leverage_and_residual():
    frame = pd.DataFrame(
        {
            "leverage": [0.1, 3.0, 1.2],
            "residual": [2.0, 0.1, 0.9],
            "verdict": ["unlike", "extrapolating", "extrapolating"],
        }
    )
    np.testing.assert_array_equal(views.flagged_first(frame), [1, 0, 2])
