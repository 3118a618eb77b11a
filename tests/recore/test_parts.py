"""fit_stored, of rows in parts, against fit on the same rows in memory."""

import functools
import random

import numpy as np
import pandas as pd
import pytest

import recore.groups
import recore.parts
import recore.sums
from mdl import ZeroClippedRidgeCV
from tests.oracles import assert_close, make_data

EXACT = ("lower_", "n_rows_", "weight_", "total_weight_")


class Rows:
    """A store in memory, that counts how many rows are asked for at once."""

    def __init__(self, X, Y):
        self.X, self.Y, self.n_rows, self.most = X, Y, len(X), 0
        self.feature_names = ["f%d" % k for k in range(X.shape[1])]
        self.target_names = ["t%d" % k for k in range(Y.shape[1])]

    def read(self, rows):
        X, Y = self.X[rows], self.Y[rows]
        self.most = max(self.most, len(X))
        return X.copy(), Y.copy()

    def fit(self, groups, **settings):
        """The model of the same rows by `fit`."""
        X = pd.DataFrame(self.X, columns=self.feature_names)
        Y = pd.DataFrame(self.Y, columns=self.target_names)
        return ZeroClippedRidgeCV(**settings).fit(X, Y, groups=groups)


def with_gaps(Y, columns, seed=0):
    """Y without a fifth of the assays of some columns; two of them lack the same."""
    Y = Y.copy()
    gaps = np.random.RandomState(seed).uniform(size=Y.shape) < 0.2
    for k in columns:
        Y[gaps[:, max(k, 1)], k] = np.nan
    return Y


def assert_same(found, expected):
    """The same attributes, but for rounding."""
    assert sorted(vars(found)) == sorted(vars(expected))
    for name, values in vars(expected).items():
        if name in EXACT:
            np.testing.assert_allclose(getattr(found, name), values, rtol=1e-12)
        elif isinstance(values, np.ndarray) and values.dtype == float and name != "axes_":
            assert_close(getattr(found, name).ravel(), values.ravel(), 1e-8)
        elif isinstance(values, float):
            assert getattr(found, name) == pytest.approx(values, rel=1e-8)
    # the sign of an axis means nothing
    np.testing.assert_allclose(np.abs(found.axes_), np.abs(expected.axes_), atol=1e-6)
    assert list(found.feature_names_in_) == list(expected.feature_names_in_)
    assert found.target_names_ == expected.target_names_


def labels(kind, n):
    rng = np.random.RandomState(3)
    if kind == "rows":
        return None
    groups = {"small": rng.randint(0, n // 6, n), "few": rng.randint(0, 3, n), "sorted": np.arange(n) // 4}[
        kind
    ]
    return np.unique(groups, return_inverse=True)[1]


@pytest.mark.parametrize("n, p", [(300, 20), (90, 6), (60, 40), (40, 60)])
@pytest.mark.parametrize("gaps", [(), (0, 1, 3), (0, 1, 2, 3)], ids=["no gaps", "some", "in every target"])
@pytest.mark.parametrize("kind", ["rows", "small", "few", "sorted"])
def test_parts_give_what_the_whole_gives(n, p, gaps, kind, monkeypatch):
    X, Y, _ = make_data(n, p)
    store, groups = Rows(X, with_gaps(Y, gaps)), labels(kind, n)
    expected = store.fit(groups)
    monkeypatch.setattr(recore.parts, "PART", 30 * (p + 4))
    assert_same(ZeroClippedRidgeCV().fit_stored(store, groups), expected)
    assert store.most <= 30


@pytest.mark.parametrize(
    "settings",
    [
        {"fit_intercept": False},
        {"alphas": "auto"},
        {"alpha_per_target": False},
        {"scoring": "r2"},
        {"scoring": "neg_mean_squared_error"},
        {"alphas": [1e-9, 1e-3, 10.0]},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["rows", "few"])
def test_every_setting_does(settings, kind, monkeypatch):
    X, Y, _ = make_data(200, 12)
    store, groups = Rows(X, with_gaps(Y, (0, 1, 3))), labels(kind, 200)
    monkeypatch.setattr(recore.parts, "PART", 500)
    assert_same(ZeroClippedRidgeCV(**settings).fit_stored(store, groups), store.fit(groups, **settings))


@pytest.mark.parametrize("kind", ["rows", "few", "small"])
def test_spectra_that_hardly_differ_lose_no_digits(kind, monkeypatch):
    X, Y, _ = make_data(300, 10)
    X[:, 3] = X[:, 4] + 1e-7 * X[:, 3]  # the sums by themselves would lose this
    X[:, 7] = 5.0
    store, groups = Rows(X, Y), labels(kind, 300)
    monkeypatch.setattr(recore.parts, "PART", 700)
    assert_same(ZeroClippedRidgeCV().fit_stored(store, groups), store.fit(groups))


@pytest.mark.parametrize("room", [2**25, 0], ids=["kept", "made anew"])
@pytest.mark.parametrize("size", [20, 120], ids=["smaller than a part", "larger"])
def test_a_group_that_holds_all_there_is_of_a_direction_is_left_out_with_the_other_rows(
    room, size, monkeypatch
):
    X, Y, _ = make_data(300, 8)
    groups = np.r_[np.zeros(size, dtype=int), 1 + np.arange(300 - size) % 7]
    X[:, 5] = np.where(groups == 0, X[:, 5], 2.0)
    store = Rows(X, Y)
    expected = store.fit(groups)
    monkeypatch.setattr(recore.parts, "PART", 50 * 12)
    monkeypatch.setattr(recore.groups, "REFITS", room)
    monkeypatch.setattr(recore.parts, "REFITS", room)
    asked = []

    def run(function, items, label=None):
        asked.append(label)
        return map(function, items)

    found = ZeroClippedRidgeCV().fit_stored(store, groups, run)
    assert "others" in asked
    assert_close(found.cv_rmse_, expected.cv_rmse_, 1e-8)
    assert_close(found.error_quantiles_.ravel(), expected.error_quantiles_.ravel(), 1e-8)


def test_the_order_in_which_parts_are_done_does_not_matter_to_the_last_bit(monkeypatch):
    X, Y, _ = make_data(300, 12)
    store, groups = Rows(X, with_gaps(Y, (1, 2))), labels("small", 300)
    monkeypatch.setattr(recore.parts, "PART", 640)

    def shuffled(function, items, label=None):
        items = list(items)
        order = random.Random(1).sample(range(len(items)), len(items))
        done = {k: function(items[k]) for k in order}
        return (done[k] for k in range(len(items)))

    for each in (None, groups):
        found, expected = (ZeroClippedRidgeCV().fit_stored(store, each, run) for run in (shuffled, None))
        for name, values in vars(expected).items():
            if isinstance(values, np.ndarray):
                np.testing.assert_array_equal(getattr(found, name), values)


def test_only_sums_and_a_sample_come_back(monkeypatch):
    X, Y, _ = make_data(4000, 5)
    store = Rows(X, Y)
    monkeypatch.setattr(recore.parts, "PART", 900)
    monkeypatch.setattr(recore.parts, "CALIBRATION", 200)
    monkeypatch.setattr(recore.parts, "SPECTRA", 100)
    rows = []

    def size(found):
        if isinstance(found, np.ndarray):
            return found.size
        if isinstance(found, recore.sums.Sums):
            return sum(map(size, vars(found).values()))
        return sum(map(size, found)) if isinstance(found, (list, tuple)) else 1

    def run(function, items, label=None):
        for found in map(function, items):
            rows.append((label, size(found)))
            yield found

    ZeroClippedRidgeCV().fit_stored(store, None, run)
    table = X.size + Y.size
    by_label = {label: sum(n for each, n in rows if each == label) for label, _ in rows}
    assert by_label["sample"] <= (200 + 100) * (5 + 4 + 1)
    assert max(n for _, n in rows) < 900
    assert sum(by_label.values()) < table


def test_a_scorer_that_must_see_all_predictions_is_refused():
    X, Y, _ = make_data(50, 5)
    with pytest.raises(ValueError, match="scoring is 'max_error', expected one of"):
        ZeroClippedRidgeCV(scoring="max_error").fit_stored(Rows(X, Y))


@pytest.mark.parametrize("groups, unit", [(None, "rows"), (np.zeros(40, dtype=int), "groups")])
def test_a_target_that_leaves_nothing_to_hold_out_is_named(groups, unit):
    X, Y, _ = make_data(40, 5)
    if groups is None:
        Y[1:, 2] = np.nan
    with pytest.raises(ValueError, match=f"1 {unit} with an assay of t"):
        ZeroClippedRidgeCV().fit_stored(Rows(X, Y), groups)


def test_functions_and_problems_go_to_other_processes(monkeypatch):
    joblib = pytest.importorskip("joblib")
    X, Y, _ = make_data(200, 12)
    store, groups = Rows(X, Y), labels("few", 200)
    monkeypatch.setattr(recore.parts, "PART", 1600)

    def run(function, items, label=None):
        return joblib.Parallel(n_jobs=2, backend="threading")(
            joblib.delayed(functools.partial(pickled, function))(item) for item in items
        )

    assert_same(ZeroClippedRidgeCV().fit_stored(store, groups, run), store.fit(groups))


def pickled(function, item):
    import pickle

    function, item = pickle.loads(pickle.dumps((function, item)))
    return pickle.loads(pickle.dumps(function(item)))
