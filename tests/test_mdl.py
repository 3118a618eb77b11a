"""ZeroClippedRidgeCV against scikit-learn's RidgeCV, target by target, and by hand."""

import logging
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import make_scorer, r2_score
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict

import mdl
import recore.linalg
from mdl import ZeroClippedRidgeCV
from tests.oracles import (
    ALPHAS,
    CLEAR_ALPHAS,
    SHAPES,
    SKLEARN,
    assert_close,
    assert_same_model,
    make_data,
    make_spectra,
    oracle,
    read_real,
    refit_errors,
)

# --- alphas, coefficients and scores ---


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


# --- missing assays, weights, bounds ---


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


# --- the grid ---


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


# --- numbers that are hard ---


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
