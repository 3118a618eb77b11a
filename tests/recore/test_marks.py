"""recore.marks: what each target may be reported for."""

import pytest

from recore.marks import MARKS, UNKNOWN, mark_of, marks_told


@pytest.mark.parametrize(
    "r2, mark",
    [(1, "quantities"), (0.75, "quantities"), (0.7499, "screening"), (0.5, "screening"), (0.49, "weak"), (0.1, "weak"), (0.09, "no skill"), (-11, "no skill"), (None, UNKNOWN)],
)  # fmt: skip
def test_the_mark_of_an_r2(r2, mark):
    assert mark_of(r2) == mark
    if mark in ("quantities", "screening") and r2 < 1:  # RPD is 1 / sqrt(1 - R2)
        assert (1 / (1 - MARKS[mark]) ** 0.5) == pytest.approx(
            {"quantities": 2, "screening": 1.414}[mark], abs=1e-3
        )


def target(name, r2, rmse=12.3456):
    return {"name": name, "mark": mark_of(r2), "expected": {"SiteID": {"r2": r2, "rmse": rmse}}}


def test_the_list_tells_the_best_first_with_rmse():
    targets = [target("Ca", 0.8), target("Al", 0.9, 0.00123), target("Au", -3), target("P", None, None), target("C", 0.3, 12345)]  # fmt: skip
    assert list(marks_told(targets, "SiteID")) == [
        "which targets to report, by R² of each SiteID left out; ± is RMSE in the target's unit:",
        "  for quantities (R² from 0.75), 2 of 5: Al ± 0.0012, Ca ± 12",
        "  weak (R² from 0.1), 1 of 5: C ± 12000",
        "  no skill (below 0.1), 1 of 5: Au ± 12",
        "  unknown (too few assays), 1 of 5: P",
    ]
    assert list(marks_told(targets, None)) == []
