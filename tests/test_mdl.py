"""ZeroClippedRidgeCV against scikit-learn's RidgeCV, against refits row by row, and by hand."""

import base64
import copy
import io
import logging
import math
import pickle
import pickletools
import tracemalloc
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.metrics import make_scorer, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    LeaveOneOut,
    cross_val_predict,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from threadpoolctl import threadpool_limits

import mdl
import recore
from mdl import ZeroClippedRidgeCV

REAL = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
SKLEARN = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
ALPHAS = np.array(mdl.ALPHAS)
CLEAR_ALPHAS = np.logspace(-2, 5, 50)  # clear of where RidgeCV before 1.9 divides rounding by alpha
SHAPES = [(60, 20), (22, 20), (21, 20), (20, 20), (20, 60), (300, 100)]  # long to wide, and the border


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small matrices gain nothing from threads, and lose much to them on a busy machine."""
    with threadpool_limits(1):
        yield


def make_data(n, p, t=4, seed=0):
    """Correlated features off the origin, targets with noise of their own size."""
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n, p)) @ rng.standard_normal((p, p)) / math.sqrt(p) + 3
    noise = np.logspace(-1, 1, t)
    Y = X @ rng.standard_normal((p, t)) + noise * rng.standard_normal((n, t))
    return X, Y, rng.uniform(0.1, 3, n)


def make_spectra(n, p, t=4, noise=1e-4, seed=0):
    """Overlapping bands: singular values over many decades."""
    rng = np.random.RandomState(seed)
    channel = np.linspace(0, 1, p)
    bands = np.exp(-(((channel - rng.uniform(size=(30, 1))) / 0.07) ** 2))
    amounts = rng.gamma(1, 1, (n, 30))
    X = amounts @ bands
    X = 7 * X / X.max(axis=1, keepdims=True) + noise * rng.standard_normal((n, p))
    return X, amounts[:, :t] * rng.lognormal(0, 0.2, (n, t))


def oracle(X, Y, weight=None, **parameters):
    """scikit-learn's RidgeCV, from singular values where it can."""
    parameters = {"alphas": ALPHAS, "alpha_per_target": True, **parameters}
    mode = "svd" if len(X) > X.shape[1] else "eigen"
    return RidgeCV(gcv_mode=mode, **parameters).fit(X, Y, sample_weight=weight)


def assert_close(found, expected, tolerance=1e-8):
    """Equal to `tolerance` of the largest number expected for each target."""
    found, expected = np.atleast_2d(found), np.atleast_2d(expected)
    scale = np.abs(expected).max(axis=-1, keepdims=True)
    assert np.all(np.abs(found - expected) <= tolerance * np.maximum(scale, 1e-300))


def assert_same_model(model, expected):
    np.testing.assert_array_equal(model.alpha_, expected.alpha_)
    assert_close(model.coef_, expected.coef_)
    assert_close(np.reshape(model.intercept_, -1), np.reshape(expected.intercept_, -1))
    np.testing.assert_allclose(model.best_score_, expected.best_score_, rtol=1e-8)


def refit_errors(X, Y, weight, groups, alphas, fit_intercept=True):
    """Errors of each group from a model fitted without it, (n_alphas, n, t)."""
    errors = np.empty((len(alphas), *Y.shape))
    for a, alpha in enumerate(alphas):
        for group in np.unique(groups):
            out = groups == group
            w, x = weight[~out], X[~out]
            x_mean = w @ x / w.sum() if fit_intercept else np.zeros(X.shape[1])
            y_mean = w @ Y[~out] / w.sum() if fit_intercept else np.zeros(Y.shape[1])
            x = (x - x_mean) * np.sqrt(w)[:, None]
            y = (Y[~out] - y_mean) * np.sqrt(w)[:, None]
            augmented = np.vstack([x, np.sqrt(alpha) * np.eye(X.shape[1])])
            filled = np.vstack([y, np.zeros((X.shape[1], Y.shape[1]))])
            coef = np.linalg.lstsq(augmented, filled, rcond=None)[0]
            errors[a, out] = Y[out] - y_mean - (X[out] - x_mean) @ coef
    return errors


def held_out_errors(X, Y, weight, alphas, groups=None, fit_intercept=True):
    """The same from the closed form."""
    rows, columns = np.arange(len(X)), list(range(Y.shape[1]))
    problem = recore.ridge.ridge_of(X, Y, weight, rows, columns, fit_intercept, min(alphas))
    errors = np.full((len(alphas), *Y.shape), np.nan)
    for at, block in recore.groups.left_out_errors(problem, np.asarray(alphas), groups):
        errors[:, at] = block.transpose(0, 2, 1) / problem.root_w[at, None]
    return errors


def read_real(name):
    """Features (windows of 7 channels), targets and sites of a folder of real spectra."""
    path = next(iter(REAL.glob(f"{name}/*_full.csv.gz")), None)
    if path is None:
        pytest.skip(f"no real spectra at {REAL / name}")
    table = pd.read_csv(path, index_col=0)
    table = table.drop(columns=["DepthTo", "DepthFrom"], errors="ignore")
    channels = [name for name in table if name.replace(".", "").isdigit()]
    spectra = table[channels].to_numpy()
    X = np.add.reduceat(spectra / spectra.max(axis=1, keepdims=True), range(0, len(channels), 7), axis=1)
    return X, table.drop(columns=[*channels, "SiteID"]), table["SiteID"].to_numpy()


# Leave-one-out against scikit-learn


@pytest.mark.parametrize("n, p", SHAPES)
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("alpha_per_target", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
def test_same_alphas_coefficients_and_scores_as_ridgecv(n, p, fit_intercept, alpha_per_target, weighted):
    X, Y, weight = make_data(n, p)
    weight = weight if weighted else None
    parameters = {"fit_intercept": fit_intercept, "alpha_per_target": alpha_per_target}
    expected = oracle(X, Y, weight, alphas=CLEAR_ALPHAS, **parameters)
    assert_same_model(ZeroClippedRidgeCV(CLEAR_ALPHAS, **parameters).fit(X, Y, weight), expected)


@pytest.mark.parametrize("noise", [1e-2, 1e-4, 1e-6])
def test_same_as_ridgecv_by_svd_on_spectra_of_any_condition(noise):
    X, Y = make_spectra(400, 120, noise=noise)
    model, expected = ZeroClippedRidgeCV().fit(X, Y), oracle(X, Y)
    np.testing.assert_array_equal(model.alpha_, expected.alpha_)
    np.testing.assert_allclose(model.best_score_, expected.best_score_, rtol=1e-8)
    # RidgeCV before 1.9 takes coefficients from a difference that 1 / alpha blows up; Ridge does not
    for k, alpha in enumerate(model.alpha_):
        ridge = Ridge(alpha=alpha, solver="svd").fit(X, Y[:, k])
        assert_close(model.coef_[k], ridge.coef_)
        assert model.intercept_[k] == pytest.approx(ridge.intercept_, rel=1e-8)


def test_coefficients_at_an_alpha_far_below_the_rounding_of_the_gram_matrix():
    X, Y = make_spectra(400, 120, noise=1e-7)
    alpha = 1e-9
    s = np.linalg.svd(X - X.mean(axis=0), compute_uv=False) ** 2
    assert np.finfo(float).eps * s[0] > 1e-5 * (s[-1] + alpha)  # X'X alone would not do
    expected = Ridge(alpha=alpha, solver="svd").fit(X, Y)
    assert_close(ZeroClippedRidgeCV([alpha]).fit(X, Y).coef_, expected.coef_, 1e-6)


@pytest.mark.parametrize("name", ["yamsys_soil", "peat_redoxpeat"])
@pytest.mark.parametrize("columns", [slice(None), slice(0, None, 12)])  # wide, long
@pytest.mark.parametrize("weighted", [False, True])
def test_same_as_ridgecv_on_real_spectra(name, columns, weighted):
    X, targets, _ = read_real(name)
    X, Y = X[:, columns], targets.dropna(axis=1).to_numpy()
    weight = np.random.RandomState(0).uniform(0.5, 2, len(X)) if weighted else None
    assert_same_model(ZeroClippedRidgeCV().fit(X, Y, weight), oracle(X, Y, weight))


@pytest.mark.parametrize("scoring", ["r2", "neg_mean_squared_error", "neg_mean_absolute_error"])
@pytest.mark.parametrize("alpha_per_target", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_scorer_chooses_as_in_ridgecv(scoring, alpha_per_target, weighted):
    X, Y, weight = make_data(80, 20)
    if SKLEARN < (1, 5) and (weighted or not alpha_per_target):
        pytest.skip("before 1.5, RidgeCV scores centred and weighted predictions, all in one column")
    parameters = {"alphas": CLEAR_ALPHAS, "scoring": scoring, "alpha_per_target": alpha_per_target}
    weight = weight if weighted else None
    model = ZeroClippedRidgeCV(**parameters).fit(X, Y, weight)
    assert_same_model(model, oracle(X, Y, weight, **parameters))


def test_a_scorer_works_on_many_alphas_a_few_at_a_time(monkeypatch):
    X, Y, _ = make_data(80, 20)
    scorer = make_scorer(r2_score)
    monkeypatch.setattr(recore.linalg, "CELLS", 1000)  # 12 alphas at a time, 4 rows at a time
    assert_same_model(ZeroClippedRidgeCV(scoring=scorer).fit(X, Y), oracle(X, Y, scoring="r2"))


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_1d_y_gives_scalars_as_ridgecv_does(fit_intercept):
    X, Y, _ = make_data(60, 20)
    model = ZeroClippedRidgeCV(fit_intercept=fit_intercept).fit(X, Y[:, 0])
    expected = oracle(X, Y[:, 0], fit_intercept=fit_intercept)
    assert_same_model(model, expected)
    assert model.coef_.shape == (20,)
    assert model.predict(X).shape == (60,)
    for name in "alpha_", "best_score_", "intercept_", "lower_", "cv_r2_", "cv_rmse_":
        assert type(getattr(model, name)) is float
    assert model.n_rows_ == 60


def test_a_tie_takes_the_first_alpha():
    X, _, _ = make_data(60, 20)
    alphas = [3.0, 1.0, 1.0, 3.0]
    model = ZeroClippedRidgeCV(alphas).fit(X, np.zeros(60))
    assert model.alpha_ == oracle(X, np.zeros(60), alphas=alphas).alpha_ == 3.0


def test_three_rows_by_hand():
    # x = 0, 1, 2 and y = 0, 1, 5. Without row i, of the two left a and b:
    # slope = (y_b - y_a) d / (d^2 + 2 alpha), d = x_b - x_a, through their middle
    x, y, alpha = np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 5.0]), 0.5
    errors = [0 - (3 - 1.5 * 4 / 2), 1 - 2.5, 5 - (0.5 + 1.5 * 1 / 2)]
    model = ZeroClippedRidgeCV([alpha]).fit(x[:, None], y)
    assert model.coef_[0] == pytest.approx(5 / (2 + alpha))
    assert model.intercept_ == pytest.approx(2 - 5 / (2 + alpha))
    assert model.best_score_ == pytest.approx(-np.mean(np.square(errors)))


@settings(deadline=None, max_examples=60)
@given(
    n=st.integers(3, 14),
    p=st.integers(1, 14),
    fit_intercept=st.booleans(),
    weighted=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_leave_one_out_equals_refitting_without_each_row(n, p, fit_intercept, weighted, seed):
    X, Y, weight = make_data(n, p, 2, seed)
    weight = weight if weighted else np.ones(n)
    alphas = [1e-2, 1.0, 1e3]
    expected = refit_errors(X, Y, weight, np.arange(n), alphas, fit_intercept)
    assert_close(held_out_errors(X, Y, weight, alphas, None, fit_intercept), expected)


# Leave-one-group-out


@pytest.mark.parametrize("n, p", SHAPES)
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("share", [0.15, 0.7])  # of all rows in the largest group
def test_leave_one_group_out_equals_refitting_without_each_group(n, p, fit_intercept, weighted, share):
    X, Y, weight = make_data(n, p)
    weight = weight if weighted else np.ones(n)
    groups = np.random.RandomState(1).geometric(share, n)  # many rows in 1, one in the last
    assert len(set(np.bincount(groups)[1:])) > 1
    alphas = [1e-2, 1.0, 1e3]
    expected = refit_errors(X, Y, weight, groups, alphas, fit_intercept)
    assert_close(held_out_errors(X, Y, weight, alphas, groups, fit_intercept), expected)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("n, p", [(90, 20), (60, 80)])
def test_both_forms_of_a_group_s_error_agree(n, p, fit_intercept):
    X, Y, weight = make_data(n, p)
    alphas = np.array([1e-2, 1.0, 1e3])
    problem = recore.ridge.ridge_of(X, Y, weight, np.arange(n), [0, 1, 2, 3], fit_intercept, 1e-2)
    shrink = 1 / (problem.s + alphas[:, None])
    for group in np.array_split(np.random.RandomState(0).permutation(n), [1, 5, 30])[:-1]:
        solved = recore.groups.solve_group(problem, group, shrink, shrink[:, None, :] * problem.yz)
        ((at, refitted),) = recore.groups.refit_errors(problem, group, alphas)
        np.testing.assert_array_equal(at, group)
        assert_close(refitted, solved)


def test_a_large_group_is_refitted_in_parts_of_bounded_size(monkeypatch):
    X, Y, weight = make_data(300, 10)
    groups = np.repeat([0, 1, 2], [200, 60, 40])
    expected = refit_errors(X, Y, weight, groups, [0.1, 10.0])
    monkeypatch.setattr(recore.linalg, "CELLS", 500)
    assert_close(held_out_errors(X, Y, weight, [0.1, 10.0], groups), expected)


def test_groups_of_one_row_choose_as_leave_one_out():
    X, Y, _ = make_data(60, 20)
    alone, grouped = ZeroClippedRidgeCV().fit(X, Y), ZeroClippedRidgeCV().fit(X, Y, groups=range(60))
    assert_same_model(grouped, alone)
    np.testing.assert_allclose(grouped.cv_r2_, alone.cv_r2_)


def test_groups_decide_the_alpha_that_predicts_new_groups_best():
    X, Y, _ = make_data(60, 20)
    sites = np.repeat(list("abcde"), [4, 8, 12, 16, 20])
    model = ZeroClippedRidgeCV().fit(X, Y, groups=sites)
    scores = [
        [
            -np.mean(
                (y - cross_val_predict(Ridge(alpha=alpha), X, y, groups=sites, cv=LeaveOneGroupOut())) ** 2
            )
            for alpha in ALPHAS
        ]
        for y in Y.T
    ]
    np.testing.assert_array_equal(model.alpha_, ALPHAS[np.argmax(scores, axis=1)])
    np.testing.assert_allclose(model.best_score_, np.max(scores, axis=1), rtol=1e-7)


@pytest.mark.parametrize("name", ["yamsys_soil", "peat_redoxpeat"])
@pytest.mark.parametrize("columns", [slice(None), slice(0, None, 12)])
def test_leave_one_site_out_on_real_spectra(name, columns):
    X, targets, sites = read_real(name)
    X, Y = X[:, columns], targets.dropna(axis=1).to_numpy()
    weight, alphas = np.ones(len(X)), [1e-3, 1.0, 1e3]
    expected = refit_errors(X, Y, weight, sites, alphas).transpose(0, 2, 1)
    assert_close(held_out_errors(X, Y, weight, alphas, sites).transpose(0, 2, 1), expected)


def test_a_group_that_alone_has_a_feature_is_survived_at_any_alpha():
    X, Y, _ = make_data(60, 5)
    X[:, 0] = 0
    X[:3, 0] = 1e6
    model = ZeroClippedRidgeCV(np.logspace(-12, 12, 25)).fit(X, Y, groups=np.arange(60) // 3)
    assert np.isfinite(model.best_score_).all()
    assert np.isfinite(model.predict(X)).all()


# Missing assays, weights, bounds


@pytest.mark.parametrize("p", [10, 100])
@pytest.mark.parametrize("grouped", [False, True])
def test_a_target_with_gaps_is_fitted_on_the_rows_that_have_it(p, grouped):
    X, Y, weight = make_data(60, p, 6)
    rng = np.random.RandomState(0)
    groups = rng.randint(0, 9, 60) if grouped else None
    Y[rng.uniform(size=Y.shape) < 0.2] = np.nan
    Y[:, 4] = np.where(np.isnan(Y[:, 3]), np.nan, Y[:, 4])
    Y[:, 5] = np.random.RandomState(1).standard_normal(60)
    model = ZeroClippedRidgeCV().fit(X, Y, weight, groups)
    for k, y in enumerate(Y.T):
        has = ~np.isnan(y)
        alone = ZeroClippedRidgeCV().fit(X[has], y[has], weight[has], groups[has] if grouped else None)
        assert model.n_rows_[k] == has.sum()
        assert model.alpha_[k] == alone.alpha_
        assert_close(model.coef_[k], alone.coef_)
        np.testing.assert_allclose(
            [model.cv_r2_[k], model.cv_rmse_[k], model.best_score_[k]],
            [alone.cv_r2_, alone.cv_rmse_, alone.best_score_],
        )


def test_gaps_in_real_assays_leave_the_complete_targets_alone():
    X, targets, _ = read_real("yamsys_soil")
    complete = targets.dropna(axis=1)
    assert len(complete.columns) < len(targets.columns)
    model, expected = ZeroClippedRidgeCV().fit(X, targets), oracle(X, complete.to_numpy())
    k = [list(targets).index(name) for name in complete]
    np.testing.assert_array_equal(model.alpha_[k], expected.alpha_)
    assert_close(model.coef_[k], expected.coef_)
    np.testing.assert_array_equal(model.n_rows_, targets.notna().sum())


def test_targets_with_the_same_gaps_share_a_decomposition(monkeypatch):
    X, Y, _ = make_data(60, 10, 6)
    Y[:5, :3] = np.nan
    Y[7, 3] = np.nan
    made = []
    init = recore.ridge.Ridge.__init__
    monkeypatch.setattr(
        recore.ridge.Ridge, "__init__", lambda self, *args: made.append(args[4]) or init(self, *args)
    )
    ZeroClippedRidgeCV().fit(X, Y)
    assert made == [[0, 1, 2], [3], [4, 5]]


def test_one_alpha_for_all_counts_each_assay_once():
    X, Y, _ = make_data(60, 10, 3)
    Y[:30, 0] = np.nan
    model = ZeroClippedRidgeCV(alpha_per_target=False).fit(X, Y)
    groups, weight = np.arange(60), np.ones(60)
    errors = [
        refit_errors(X[has], y[has, None], weight[has], groups[has], ALPHAS)[:, :, 0]
        for y in Y.T
        for has in [~np.isnan(y)]
    ]
    scores = -np.square(np.concatenate(errors, axis=1)).mean(axis=1)
    assert model.alpha_ == ALPHAS[scores.argmax()]
    assert model.best_score_ == pytest.approx(scores.max())
    assert model.coef_.shape == (3, 10)


@pytest.mark.parametrize("p", [10, 100])
def test_whole_weights_equal_repeated_rows(p):
    X, Y, _ = make_data(60, p)
    counts = np.random.RandomState(0).randint(1, 4, 60)
    weighted = ZeroClippedRidgeCV([0.3]).fit(X, Y, counts)
    repeated = ZeroClippedRidgeCV([0.3]).fit(np.repeat(X, counts, axis=0), np.repeat(Y, counts, axis=0))
    assert_close(weighted.coef_, repeated.coef_)
    assert_close(weighted.intercept_, repeated.intercept_)


@pytest.mark.parametrize("p", [10, 100])
def test_a_row_of_weight_0_is_a_row_left_out(p):
    X, Y, weight = make_data(60, p)
    weight[:7] = 0
    Y = np.abs(Y)
    Y[0] = -1
    model = ZeroClippedRidgeCV().fit(X, Y, weight)
    left_out = ZeroClippedRidgeCV().fit(X[7:], Y[7:], weight[7:])
    for name in "alpha_", "coef_", "intercept_", "lower_", "cv_r2_", "cv_rmse_", "n_rows_":
        np.testing.assert_array_equal(getattr(model, name), getattr(left_out, name))
    assert_same_model(model, oracle(X, Y, weight))  # whose best_score_ counts the rows of weight 0


def test_only_targets_that_never_fall_below_0_are_clipped():
    X, Y, _ = make_data(60, 20, 3)
    Y[:, 0] = np.maximum(Y[:, 0] - np.median(Y[:, 0]), 0)
    Y[:, 1] = -np.abs(Y[:, 1])
    Y[:, 2] = 5
    model = ZeroClippedRidgeCV().fit(X, Y)
    np.testing.assert_array_equal(model.lower_, [0, -np.inf, 0])
    unclipped = X @ model.coef_.T + model.intercept_
    assert (unclipped[:, 0] < 0).any()
    np.testing.assert_allclose(model.predict(X), np.maximum(unclipped, model.lower_))
    assert_same_model(model, oracle(X, Y))  # chosen before clipping


@pytest.mark.parametrize("p", [15, 100])
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_reported_r2_and_rmse_are_of_clipped_held_out_predictions(p, grouped, weighted):
    X, Y, weight = make_data(60, p)
    Y[:, 1:] = np.maximum(Y[:, 1:], 0)
    groups = np.random.RandomState(0).randint(0, 7, 60) if grouped else np.arange(60)
    model = ZeroClippedRidgeCV().fit(X, Y, weight if weighted else None, groups if grouped else None)
    weight = weight if weighted else np.ones(60)
    for k, alpha in enumerate(model.alpha_):
        errors = refit_errors(X, Y[:, [k]], weight, groups, [alpha])[0, :, 0]
        predicted = np.maximum(Y[:, k] - errors, model.lower_[k])
        expected = r2_score(Y[:, k], predicted, sample_weight=weight)
        assert model.cv_r2_[k] == pytest.approx(expected, rel=1e-8)
        rmse = np.sqrt(np.average((Y[:, k] - predicted) ** 2, weights=weight))
        assert model.cv_rmse_[k] == pytest.approx(rmse, rel=1e-8)


# The grid


def test_targets_on_the_edge_of_the_grid_are_named_in_one_line(caplog):
    X, Y, _ = make_data(60, 20, 3)
    rng = np.random.RandomState(0)
    table = pd.DataFrame({"Cu": X[:, 0], "Fe": Y[:, 1], "Au": rng.standard_normal(60), "Ag": np.ones(60)})
    ZeroClippedRidgeCV().fit(X, table)
    (record,) = caplog.records
    assert record.name == "mdl"
    assert record.levelno == logging.WARNING
    message = record.getMessage()
    assert "1e-05, for Cu and" in message
    assert "100000, for Au;" in message
    assert "Ag" not in message  # a constant has no alpha that is better
    assert "\n" not in message


def test_the_default_grid_is_50_values_from_1e_5_to_1e5():
    np.testing.assert_array_equal(mdl.ALPHAS, np.logspace(-5, 5, 50))


def test_a_grid_that_is_long_enough_is_silent(caplog):
    X, Y, _ = make_data(60, 20)
    ZeroClippedRidgeCV().fit(X, Y[:, 1:3])
    ZeroClippedRidgeCV([1.0]).fit(X, Y)
    assert not caplog.records


@pytest.mark.parametrize("n, p", [(60, 20), (20, 60)])
def test_an_automatic_grid_spans_the_eigenvalues(n, p):
    X, Y, _ = make_data(n, p)
    model = ZeroClippedRidgeCV("auto").fit(X, Y)
    s = np.linalg.svd(X - X.mean(axis=0), compute_uv=False)[: min(n - 1, p)] ** 2
    np.testing.assert_allclose(model.alphas_[[0, -1]], [s.min() / 10, s.max() * 10])
    assert len(model.alphas_) == 50
    assert set(model.alpha_) <= set(model.alphas_)


def test_an_automatic_grid_follows_the_scale_of_x():
    X, Y, _ = make_data(60, 20)
    model, scaled = ZeroClippedRidgeCV("auto").fit(X, Y), ZeroClippedRidgeCV("auto").fit(1e6 * X, Y)
    np.testing.assert_allclose(scaled.alpha_, 1e12 * model.alpha_)
    np.testing.assert_allclose(scaled.predict(1e6 * X), model.predict(X), rtol=1e-6)


def test_an_automatic_grid_of_constant_features_is_the_default_one():
    model = ZeroClippedRidgeCV("auto").fit(np.ones((5, 3)), np.arange(5.0))
    np.testing.assert_allclose(model.alphas_, ALPHAS)
    np.testing.assert_array_equal(model.coef_, 0)


# Numbers that are hard


@pytest.mark.parametrize("p", [10, 100])
@pytest.mark.parametrize("grouped", [False, True])
def test_a_constant_feature_gets_no_weight_and_a_constant_target_is_met_exactly(p, grouped):
    X, Y, weight = make_data(60, p)
    X[:, 3], Y[:, 1] = 0.1, 0.7  # neither is a binary fraction
    groups = np.arange(60) // 4 if grouped else None
    model = ZeroClippedRidgeCV(np.logspace(-12, 12, 25)).fit(X, Y, weight, groups)
    np.testing.assert_array_equal(model.coef_[:, 3], 0)
    np.testing.assert_array_equal(model.coef_[1], 0)
    np.testing.assert_array_equal(model.predict(X)[:, 1], 0.7)
    assert (model.cv_r2_[1], model.cv_rmse_[1], model.alpha_[1]) == (1, 0, 1e-12)
    least = ZeroClippedRidgeCV([1e-12]).fit(X, Y, weight, groups)
    np.testing.assert_array_equal(least.coef_[:, 3], 0)


@pytest.mark.parametrize("n, p", [*SHAPES, (61, 60)])
@pytest.mark.parametrize("grouped", [False, True])
def test_everything_is_finite_from_alpha_1e_12_to_1e12_with_duplicate_rows(n, p, grouped):
    X, Y, weight = make_data(n, p)
    X[n // 2 :] = X[: n - n // 2]
    X[:, -1] = X[:, 0]
    groups = np.arange(n) // 3 if grouped else None
    for alpha in np.logspace(-12, 12, 9):
        model = ZeroClippedRidgeCV([alpha]).fit(X, Y, weight, groups)
        assert np.isfinite(model.best_score_).all()
        assert np.isfinite(model.predict(X)).all()
    assert_close(model.predict(X), np.broadcast_to(weight @ Y / weight.sum(), Y.shape), 1e-6)


@pytest.mark.parametrize("n, p", [(60, 20), (20, 60)])
def test_scaling_a_target_scales_its_coefficients_and_no_other_s(n, p):
    X, Y, _ = make_data(n, p)
    scale = np.array([1, 1e9, 1e-9, 1e18])
    model, scaled = ZeroClippedRidgeCV().fit(X, Y), ZeroClippedRidgeCV().fit(X, Y * scale)
    np.testing.assert_array_equal(scaled.alpha_, model.alpha_)
    assert_close(scaled.coef_, model.coef_ * scale[:, None], 1e-11)
    np.testing.assert_allclose(scaled.cv_r2_, model.cv_r2_)
    np.testing.assert_allclose(scaled.cv_rmse_, model.cv_rmse_ * scale)


@pytest.mark.parametrize("n, p", [(60, 20), (20, 60)])
def test_float32_is_computed_in_float64(n, p):
    X, Y, _ = make_data(n, p)
    X, Y = X.astype(np.float32), Y.astype(np.float32)
    single, double = (
        ZeroClippedRidgeCV().fit(X, Y),
        ZeroClippedRidgeCV().fit(X.astype(float), Y.astype(float)),
    )
    np.testing.assert_array_equal(single.coef_, double.coef_)
    np.testing.assert_array_equal(single.predict(X), double.predict(X.astype(float)))
    assert single.coef_.dtype == np.float64


@pytest.mark.parametrize("offset", [1e3, 1e6])
def test_an_offset_far_from_0_costs_only_its_own_rounding(offset):
    X, Y, _ = make_data(60, 20)
    expected = ZeroClippedRidgeCV().fit(X, Y)
    model = ZeroClippedRidgeCV().fit(X + offset, Y + offset)
    np.testing.assert_array_equal(model.alpha_, expected.alpha_)
    assert_close(model.coef_, expected.coef_, 1e-13 * offset)


def test_memory_does_not_grow_with_the_rows():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((40_000, 100))
    Y = X[:, :10] + rng.standard_normal((40_000, 10))
    tracemalloc.start()
    ZeroClippedRidgeCV().fit(X, Y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.5 * X.nbytes  # a centred copy and a factor of X would be 2


# Predictions


@pytest.fixture(scope="module")
def fitted():
    X, Y, _ = make_data(300, 83, 7)
    Y[:, 0] = np.maximum(Y[:, 0], 0)
    return ZeroClippedRidgeCV().fit(X, Y), make_data(1500, 83, 7, seed=1)[0]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 257, 1000, 1499])
def test_a_row_s_prediction_is_the_same_to_the_bit_in_any_batch(fitted, size):
    model, X = fitted
    together = model.predict(X)
    for start in (0, 1, 750, len(X) - size):
        part = slice(start, start + size)
        assert (model.predict(X[part]) == together[part]).all()
        assert (model.predict(np.asfortranarray(X[part])) == together[part]).all()


@settings(deadline=None, max_examples=30)
@given(rows=st.lists(st.integers(0, 1499), min_size=1, max_size=60))
def test_a_row_s_prediction_is_the_same_to_the_bit_in_any_order(fitted, rows):
    model, X = fitted
    assert (model.predict(X[rows]) == model.predict(X)[rows]).all()


@pytest.mark.parametrize("targets", [1, 2, 49])
@pytest.mark.parametrize("p", [1, 2, 3, 5, 8, 13, 243])
def test_predictions_are_summed_in_one_order_on_every_machine(p, targets):
    rng = np.random.RandomState(0)
    X, coef = rng.standard_normal((3, p)), rng.standard_normal((targets, p))

    def fold(terms):
        half = (len(terms) + 1) // 2
        folded = [a + b for a, b in zip(terms, terms[half:])] + terms[len(terms) - half : half]
        return fold(folded) if len(folded) > 1 else folded[0]

    expected = [[fold([a * b for a, b in zip(x, c)]) for c in coef.tolist()] for x in X.tolist()]
    assert recore.linalg.product_by_row(X, coef).tolist() == expected


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_change_no_bit_of_a_prediction(fitted, threads):
    model, X = fitted
    expected = model.predict(X)
    with threadpool_limits(threads):
        for size in (1, 3, 64, 1000):
            assert (model.predict(X[:size]) == expected[:size]).all()


def test_blocks_of_any_size_predict_the_same(fitted, monkeypatch):
    model, X = fitted
    expected = model.predict(X)
    for cells in (1, 1000, 10**5):
        monkeypatch.setattr(recore.linalg, "CELLS", cells)
        assert (model.predict(X[:50]) == expected[:50]).all()


# At home in scikit-learn

CANNOT_HOLD = {
    "check_sample_weight_equivalence_on_dense_data": "a repeated row's twin stays when it is held out, a "
    "weighted row leaves whole: errors and alpha differ (at one alpha they agree, tested above)",
    "check_sample_weight_equivalence": "as check_sample_weight_equivalence_on_dense_data",
}
if SKLEARN < (1, 0):
    CANNOT_HOLD["check_supervised_y_no_nan"] = "wants one wording for infinity; ours names row and target"


def sklearn_checks():
    """scikit-learn's checks of this version, those that cannot hold marked."""
    if SKLEARN >= (1, 6):
        from sklearn.utils.estimator_checks import estimator_checks_generator

        model = ZeroClippedRidgeCV()
        return list(estimator_checks_generator(model, expected_failed_checks=CANNOT_HOLD, mark="xfail"))
    checks = []
    for model, check in check_estimator(ZeroClippedRidgeCV(), generate_only=True):
        name = check.func.__name__
        marks = [pytest.mark.xfail(reason=CANNOT_HOLD[name])] if name in CANNOT_HOLD else []
        checks.append(pytest.param(model, check, marks=marks))
    return checks


@pytest.mark.parametrize(
    "model, check", sklearn_checks(), ids=lambda it: getattr(it, "func", type(it)).__name__
)
def test_scikit_learn_s_own_checks_hold(model, check):
    check(model)


def test_it_is_a_ridgecv():
    assert issubclass(ZeroClippedRidgeCV, RidgeCV)


@pytest.mark.parametrize("alphas", [(0.1, 1.0), [0.1, 1.0], np.array([0.1, 1.0]), "auto", 1.0])
def test_parameters_survive_clone_repr_and_set_params(alphas):
    model = ZeroClippedRidgeCV(alphas, scoring="r2", alpha_per_target=False)
    copied = clone(model)
    for name, value in model.get_params().items():
        np.testing.assert_array_equal(copied.get_params()[name], value)
    assert repr(copied) == repr(model)
    assert "scoring='r2'" in repr(model)
    assert repr(ZeroClippedRidgeCV()) == "ZeroClippedRidgeCV()"
    assert model.set_params(fit_intercept=False).fit_intercept is False
    assert set(model.get_params()) == {"alphas", "fit_intercept", "scoring", "alpha_per_target"}


def test_it_works_in_a_pipeline_with_groups():
    X, Y, _ = make_data(60, 20)
    groups = np.arange(60) // 6
    pipeline = make_pipeline(StandardScaler(), ZeroClippedRidgeCV())
    pipeline.fit(X, Y, zeroclippedridgecv__groups=groups)
    expected = ZeroClippedRidgeCV().fit(StandardScaler().fit_transform(X), Y, groups=groups)
    np.testing.assert_array_equal(pipeline[-1].alpha_, expected.alpha_)


def test_it_works_in_a_grid_search_and_cross_validation():
    X, Y, _ = make_data(60, 20)
    search = GridSearchCV(ZeroClippedRidgeCV(), {"alphas": ["auto", (0.1, 1.0)]}, cv=KFold(3)).fit(X, Y)
    assert search.best_params_["alphas"] in ("auto", (0.1, 1.0))
    predicted = cross_val_predict(ZeroClippedRidgeCV(), X, Y, groups=np.arange(60) // 6, cv=GroupKFold(5))
    assert predicted.shape == Y.shape


def test_cross_val_predict_agrees_with_the_reported_figures():
    X, Y, _ = make_data(40, 5)
    predicted = cross_val_predict(ZeroClippedRidgeCV([1.0]), X, Y, cv=LeaveOneOut())
    model = ZeroClippedRidgeCV([1.0]).fit(X, Y)
    np.testing.assert_allclose(r2_score(Y, predicted, multioutput="raw_values"), model.cv_r2_)


@pytest.mark.skipif(SKLEARN < (1, 5), reason="fit parameters are routed from scikit-learn 1.5 on")
def test_groups_can_be_routed_to_fit():
    X, Y, _ = make_data(60, 20)
    groups = np.arange(60) // 6
    with sklearn.config_context(enable_metadata_routing=True):
        model = ZeroClippedRidgeCV().set_fit_request(groups=True)
        search = GridSearchCV(model, {"fit_intercept": [True]}, cv=KFold(3))
        search.fit(X, Y, groups=groups)
    expected = ZeroClippedRidgeCV().fit(X, Y, groups=groups)
    np.testing.assert_array_equal(search.best_estimator_.alpha_, expected.alpha_)


def test_features_are_remembered_and_compared_by_name():
    X, Y, _ = make_data(30, 4)
    table = pd.DataFrame(X, columns=list("abcd"))
    model = ZeroClippedRidgeCV().fit(table, pd.DataFrame(Y))
    assert model.feature_names_in_.tolist() == list("abcd")
    assert model.feature_names_in_.dtype == object
    assert (model.predict(table) == ZeroClippedRidgeCV().fit(X, Y).predict(X)).all()
    with pytest.raises(ValueError, match=r"(?i)feature"):
        model.predict(table[list("badc")])
    model.fit(X, Y)
    assert not hasattr(model, "feature_names_in_")


@pytest.mark.parametrize("kind", [pd.DataFrame, np.asfortranarray, np.ndarray.tolist])
def test_any_kind_of_table_gives_the_same_model(kind):
    X, Y, _ = make_data(30, 4)
    expected = ZeroClippedRidgeCV().fit(X, Y)
    model = ZeroClippedRidgeCV().fit(kind(X), kind(Y))
    assert_close(model.coef_, expected.coef_, 1e-12)


def test_nothing_given_to_fit_is_changed():
    X, Y, weight = make_data(30, 4)
    groups = np.arange(30) // 3
    given = [X, Y, weight, groups]
    before = copy.deepcopy(given)
    ZeroClippedRidgeCV().fit(X, Y, weight, groups).predict(X)
    for now, then in zip(given, before):
        np.testing.assert_array_equal(now, then)


# Pickles


def frame_model(**parameters):
    X, Y, _ = make_data(30, 3)
    X = pd.DataFrame(X, columns=["997.1", "1001.2", "1005.3"])
    return ZeroClippedRidgeCV(**parameters).fit(X, Y), X


def globals_of(pickled):
    """Classes and functions that a pickle names."""
    found, strings = set(), []
    for opcode, argument, _ in pickletools.genops(pickled):
        if opcode.name == "GLOBAL":
            found.add(argument.replace(" ", "."))
        elif opcode.name == "STACK_GLOBAL":
            found.add(".".join(strings[-2:]))
        elif isinstance(argument, str):
            strings.append(argument)
    return found


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "parameters", [{}, {"alphas": np.array([0.1, 1])}, {"alphas": [np.float64(0.1), 1]}, {"alphas": "auto"}]
)
def test_a_pickle_names_no_class_but_its_own_and_predicts_the_same(parameters, protocol):
    model, X = frame_model(**parameters)
    pickled = pickle.dumps(model, protocol=protocol)
    assert globals_of(pickled) - {"_codecs.encode"} == {"mdl.ZeroClippedRidgeCV"}
    if protocol > 2:
        assert globals_of(pickled) == {"mdl.ZeroClippedRidgeCV"}
    loaded = pickle.loads(pickled)
    assert (loaded.predict(X) == model.predict(X)).all()
    assert set(vars(loaded)) == set(vars(model))
    assert loaded.feature_names_in_.tolist() == model.feature_names_in_.tolist()
    assert repr(clone(loaded)) == repr(model).replace("np.float64(0.1)", "0.1")


@pytest.mark.parametrize("one_target", [False, True])
def test_joblib_and_deepcopy_keep_a_model(one_target):
    X, Y, _ = make_data(30, 4)
    model = ZeroClippedRidgeCV().fit(X, Y[:, 0] if one_target else Y)
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    for other in joblib.load(file), copy.deepcopy(model):
        assert (other.predict(X) == model.predict(X)).all()
        for name, value in vars(model).items():
            assert type(getattr(other, name)) is type(value)
            np.testing.assert_array_equal(getattr(other, name), value)


# python -c "fit as below; print(base64.b64encode(pickle.dumps(model, 4)))" on Python 3.7, numpy 1.19.2,
# scikit-learn 0.24.2
OLD_PICKLE = (
    "gASVVwYAAAAAAACMA21kbJSMElplcm9DbGlwcGVkUmlkZ2VDVpSTlCmBlH2UKIwGYWxwaGFzlF2UKEc/4AAAAAAAAEdAAAAA"
    "AAAAAGWMDWZpdF9pbnRlcmNlcHSUiIwHc2NvcmluZ5ROjBBhbHBoYV9wZXJfdGFyZ2V0lIiMDm5fZmVhdHVyZXNfaW5flEsC"
    "jAdfYXJyYXlzlH2UKIwRZmVhdHVyZV9uYW1lc19pbl+UXZQojAU5OTcuMZSMBjEwMDEuMpRljAdhbHBoYXNflEOQk05VTVBZ"
    "AQB2AHsnZGVzY3InOiAnPGY4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwgfSAgICAgICAgICAg"
    "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAADgPwAAAAAAAABAlIwGYWxw"
    "aGFflEOQk05VTVBZAQB2AHsnZGVzY3InOiAnPGY4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwg"
    "fSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAADgPwAA"
    "AAAAAOA/lIwLYmVzdF9zY29yZV+UQ5CTTlVNUFkBAHYAeydkZXNjcic6ICc8ZjgnLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNl"
    "LCAnc2hhcGUnOiAoMiwpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
    "ICAgICAgCiMCQAzU2QbA9RwKNATmLMCUjAVjb2VmX5RDoJNOVU1QWQEAdgB7J2Rlc2NyJzogJzxmOCcsICdmb3J0cmFuX29y"
    "ZGVyJzogRmFsc2UsICdzaGFwZSc6ICgyLCAyKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
    "ICAgICAgICAgICAgICAgICAKDeU1lNdQ/j/pTqs7re70P0Z5DeU1lOc/7bS60+pOA0CUjAppbnRlcmNlcHRflEOQk05VTVBZ"
    "AQB2AHsnZGVzY3InOiAnPGY4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwgfSAgICAgICAgICAg"
    "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIApw9M3RN0fvv0TfHH1z9PW/lIwGbG93"
    "ZXJflEOQk05VTVBZAQB2AHsnZGVzY3InOiAnPGY4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwg"
    "fSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAAAAAAAA"
    "AAAAAAAAlIwGY3ZfcjJflEOQk05VTVBZAQB2AHsnZGVzY3InOiAnPGY4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3No"
    "YXBlJzogKDIsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
    "IApI0Fgb2onoP4BAGIHHfKq/lIwIY3Zfcm1zZV+UQ5CTTlVNUFkBAHYAeydkZXNjcic6ICc8ZjgnLCAnZm9ydHJhbl9vcmRl"
    "cic6IEZhbHNlLCAnc2hhcGUnOiAoMiwpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
    "ICAgICAgICAgICAgICAgCgWxno6OCvs//OtkDC7LDUCUjAduX3Jvd3NflEOQk05VTVBZAQB2AHsnZGVzY3InOiAnPGk4Jywg"
    "J2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
    "ICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoEAAAAAAAAAAQAAAAAAAAAlHV1Yi4="
)


def test_a_pickle_from_scikit_learn_0_24_and_numpy_1_19_predicts_the_same_and_clones():
    model = pickle.loads(base64.b64decode(OLD_PICKLE))
    X = pd.DataFrame({"997.1": [0.0, 1, 2, 3], "1001.2": [1.0, 0, 1, 3]})
    expected = ZeroClippedRidgeCV([0.5, 2.0]).fit(X, X.to_numpy() ** 2)
    np.testing.assert_allclose(model.predict(X), expected.predict(X), rtol=1e-10)
    assert repr(clone(model)) == "ZeroClippedRidgeCV(alphas=[0.5, 2.0])"


# Errors

BAD = [
    ({"X": np.array([[1.0, 2], [np.nan, 4], [5, 6]])}, "X has nan in row 1, feature 0, expected finite"),
    ({"X": pd.DataFrame({"a": [1, 2, 3], "b": [4, 5, np.inf]})}, "X has inf in row 2, feature b"),
    ({"y": [1, 2, np.inf]}, "y has an infinity in row 2, target y"),
    ({"y": pd.DataFrame({"Cu": [1, 2, 3], "Au": [np.nan, 1, np.nan]})}, "found 1 rows with an assay of Au"),
    ({"y": [1, 2]}, "inconsistent numbers of samples: y has 2, X has 3"),
    ({"y": None}, "y to be passed"),
    ({"y": np.ones((3, 2, 2))}, "y|dim"),
    ({"y": np.ones((3, 0))}, "0 feature"),
    ({"groups": [1, 1, 1]}, "found 1 groups with an assay of y, expected 2 or more"),
    ({"groups": [1, 2]}, "groups has 2, X has 3"),
    ({"groups": ["a", None, "b"]}, "groups has no label in row 1"),
    ({"groups": [1, 2, np.nan]}, "groups has no label in row 2"),
    ({"groups": np.ones((3, 2))}, r"groups has shape \(3, 2\)"),
    ({"sample_weight": [1, -1, 1]}, "sample_weight has a negative weight"),
    ({"sample_weight": [0, 0, 0]}, "only zeros|non-zero"),
    ({"alphas": [1, 0]}, "alphas is .*, expected 'auto' or a list of positive"),
    ({"alphas": "Auto"}, "alphas is 'Auto', expected 'auto'"),
    ({"alphas": []}, "alphas is"),
    ({"alphas": [1, np.inf]}, "alphas is"),
    ({"alphas": [[1.0]]}, "alphas is"),
]


@pytest.mark.parametrize("bad, message", BAD, ids=[message[:30] for _, message in BAD])
def test_bad_input_is_refused_in_one_line(bad, message):
    given = {"X": np.arange(6.0).reshape(3, 2), "y": [1.0, 2, 4], **bad}
    model = ZeroClippedRidgeCV(given.pop("alphas", [1.0]))
    with pytest.raises(ValueError, match=message) as error:
        model.fit(**given)
    assert "\n" not in str(error.value)


def test_a_gap_in_x_is_refused_by_predict_too():
    model, X = frame_model()
    X.iloc[3, 1] = np.nan
    with pytest.raises(ValueError, match=r"X has nan in row 3, feature 1001\.2"):
        model.predict(X)
