"""What the matrix of versions calls a difference."""

import sys
from importlib.metadata import distributions

import numpy as np
import pytest

from tools.container import environments, matrix, versions
from tools.container.matrix import Outcome, difference, judge
from tools.container.versions import Made, Version

OLDEST = versions.CONTAINERS[0]
HERE = Version("here", "%d.%d" % sys.version_info[:2], ())
PREDICTED = np.array([[1.0, 200.0, 0.0], [4.0, 100.0, 0.0]])


def outcome(*served, features=b"a,b\n", sharded=None, score=0.9, kernel=PREDICTED):
    further = {"kernel": [np.stack([kernel, kernel])]}
    return Outcome(features, sharded, [np.stack([each, each]) for each in served], score, further)


def test_the_nearest_to_exact_versions_are_their_patch_releases():
    assert versions.nearest(("numpy==1.19.2", "joblib==1.3.*", "scipy")) == (
        "numpy==1.19.*", "joblib==1.3.*", "scipy",
    )  # fmt: skip


# --- what is a difference -----------------------------------------------------------


def test_a_difference_is_measured_in_units_of_the_targets_largest_prediction():
    off = PREDICTED + np.array([[0, 0, 0], [2e-9, 0, 0]])
    assert difference(off, PREDICTED) == pytest.approx(2e-9 / 4)
    off = PREDICTED + np.array([[0, 0, 0], [0, 2e-9, 0]])
    assert difference(off, PREDICTED) == pytest.approx(2e-9 / 200)
    assert difference(PREDICTED, PREDICTED) == 0


@pytest.mark.parametrize("wrong", [PREDICTED[:1], PREDICTED[:, :2], PREDICTED * np.nan, PREDICTED + np.inf])
def test_a_lost_row_and_what_is_no_number_differ_without_bound(wrong):
    assert difference(wrong, PREDICTED) == np.inf


def test_versions_that_agree_to_rounding_are_right():
    close = PREDICTED * (1 + 1e-12)
    outcomes = {OLDEST: outcome(PREDICTED, close), HERE: outcome(close, close)}
    wrong, differences = judge(outcomes)
    assert wrong == [] and np.shape(differences) == (2, 2)


def test_each_way_to_disagree_is_named_with_its_versions():
    far = PREDICTED * (1 + 1e-9)
    wrong, _ = judge({OLDEST: outcome(PREDICTED, PREDICTED), HERE: outcome(PREDICTED, far)})
    assert len(wrong) == 1 and wrong[0].startswith(f"trained on {HERE.label}, served on {HERE.label}")
    wrong, _ = judge({OLDEST: outcome(PREDICTED, PREDICTED), HERE: outcome(far, PREDICTED)})
    assert len(wrong) == 1 and wrong[0].startswith(f"trained on {OLDEST.label}, served on {HERE.label}")
    wrong, _ = judge(
        {OLDEST: outcome(PREDICTED, PREDICTED), HERE: outcome(PREDICTED, PREDICTED, features=b"")}
    )
    assert len(wrong) == 1 and "another file" in wrong[0]
    wrong, _ = judge(
        {OLDEST: outcome(PREDICTED, PREDICTED), HERE: outcome(PREDICTED, PREDICTED, sharded=b"")}
    )
    assert len(wrong) == 1 and "other features of Parquet" in wrong[0]
    wrong, _ = judge({OLDEST: outcome(PREDICTED, PREDICTED), HERE: outcome(PREDICTED, PREDICTED, score=0.91)})
    assert len(wrong) == 1 and "scored 0.91" in wrong[0]
    wrong, _ = judge({OLDEST: outcome(PREDICTED, score=float("nan"))})
    assert wrong
    wrong, _ = judge({OLDEST: outcome(PREDICTED, PREDICTED), HERE: outcome(PREDICTED, PREDICTED, kernel=far)})
    assert len(wrong) == 1 and wrong[0].startswith(f"--method kernel, served on {HERE.label}: ")


def test_what_requirements_may_not_move_is_named(monkeypatch, capsys):
    moved = {"scipy": ["1.5.3", "1.7.0"]}
    monkeypatch.setattr(versions, "make", lambda version: Made("python", {}, moved, exact=False))
    made, wrong = versions.make_all([OLDEST])
    assert list(made) == [OLDEST]
    assert wrong == [f"{OLDEST.label}: requirements.txt moved scipy 1.5.3 → 1.7.0, expected scikit-learn"]
    assert "nearest patch releases" in capsys.readouterr().out


# --- for real -----------------------------------------------------------------------


@pytest.mark.pythons
def test_models_of_this_version_and_of_the_oldest_container_are_served_alike_by_both():
    try:
        oldest = versions.make(OLDEST)
    except environments.CannotInstall as error:
        pytest.skip(f"no environment of the oldest container here: {error}")
    assert oldest.packages["numpy"] == "1.19.2" and set(oldest.moved) == {"scikit-learn"}
    packages = {found.metadata["Name"].lower(): found.version for found in distributions()}
    here = Made(sys.executable, packages, {}, exact=True)
    outcomes = matrix.run_all({OLDEST: oldest, HERE: here})
    assert outcomes[OLDEST].sharded is None and outcomes[HERE].sharded
    wrong, differences = judge(outcomes)
    assert wrong == [] and np.shape(differences) == (2, 2)
