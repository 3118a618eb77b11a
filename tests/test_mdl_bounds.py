"""Bounds and verdicts of ZeroClippedRidgeCV: what they promise to new rows."""

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

import recore.bounds
import recore.leverage
import recore.rows
from mdl import ZeroClippedRidgeCV
from tests.oracles import (
    ALPHAS,
    assert_close,
    inverse,
    leverage_of,
    make_data,
    make_errors,
    make_spectra,
    residual_of,
)

# --- bounds ---


def test_bounds_are_the_prediction_and_the_quantiles_widened_by_leverage_and_concentration():
    X, Y, weight = make_data(50, 8)
    model = ZeroClippedRidgeCV().fit(X, Y, weight)
    new = make_data(9, 8, seed=5)[0]
    lower, upper = model.predict_interval(new, coverage=0.8)
    predicted = model.predict(new)
    for k, alpha in enumerate(model.alpha_):
        spread = (1 / weight.mean() + leverage_of(new, X, weight, alpha)) * (
            model.error_growth_[k] @ [np.ones(9), predicted[:, k] ** 2]
        )
        low, high = (
            np.interp(level, recore.bounds.LEVELS, model.error_quantiles_[k]) * np.sqrt(spread)
            for level in (0.1, 0.9)
        )
        assert_close(lower[:, k], np.maximum(predicted[:, k] + low, model.lower_[k]))
        assert_close(upper[:, k], predicted[:, k] + high)


@pytest.mark.parametrize("growing", [False, True])
@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95])
def test_new_rows_are_covered_as_promised_in_every_third_of_the_concentrations(growing, coverage):
    X, y = make_errors(3000, growing, 0)
    model = ZeroClippedRidgeCV().fit(X, y)
    new, actual = make_errors(6000, growing, 1)
    lower, upper = model.predict_interval(new, coverage)
    inside = (actual >= lower) & (actual <= upper)
    assert inside.mean() == pytest.approx(coverage, abs=0.02)
    thirds = np.digitize(model.predict(new), np.quantile(model.predict(new), [1 / 3, 2 / 3]))
    for third in range(3):
        assert inside[thirds == third].mean() == pytest.approx(coverage, abs=0.04)
    assert (actual < lower).mean() == pytest.approx((1 - coverage) / 2, abs=0.015)
    assert (model.error_growth_[1] > 0) == growing or model.error_growth_[1] < 0.02


def test_leaving_out_groups_covers_new_groups_where_leaving_out_rows_does_not():
    rng = np.random.RandomState(0)

    def sites(count):
        site = np.repeat(np.arange(count), 10)
        X = rng.standard_normal((count, 4))[site] + 0.3 * rng.standard_normal((10 * count, 4))
        y = 20 + X.sum(axis=1) + rng.standard_normal(count)[site] + 0.3 * rng.standard_normal(10 * count)
        return np.hstack([X, rng.standard_normal((count, 30))[site]]), y, site  # and what marks a site

    (X, y, site), (new, actual, _) = sites(60), sites(300)
    covered = {}
    for name, groups in (("row", None), ("group", site)):
        lower, upper = ZeroClippedRidgeCV().fit(X, y, groups=groups).predict_interval(new)
        covered[name] = np.mean((actual >= lower) & (actual <= upper))
    assert covered["row"] < 0.7 and covered["group"] == pytest.approx(0.9, abs=0.06)


@pytest.mark.parametrize("gaps", [False, True])
def test_bounds_stand_around_the_prediction_above_the_lower_bound_and_widen_with_coverage(gaps):
    X, Y = make_spectra(60, 40)
    if gaps:
        Y[::3, 0] = Y[1::4, 1] = np.nan  # no target has all
    model = ZeroClippedRidgeCV().fit(X, Y)
    new = make_spectra(30, 40, seed=7)[0]
    predicted, previous = model.predict(new), 0
    for coverage in (1e-9, 0.5, 0.9, 0.995):
        lower, upper = model.predict_interval(new, coverage)
        assert np.all((model.lower_ <= lower) & (lower <= predicted) & (predicted <= upper))
        assert np.all(upper - lower >= previous) and np.isfinite(upper).all()
        previous = upper - lower


def test_a_target_with_negative_values_has_no_lower_bound_and_errors_that_do_not_grow():
    X, y = make_errors(200, True, 0)
    model = ZeroClippedRidgeCV().fit(X, np.column_stack([y, y - 5]))
    assert model.lower_.tolist() == [0, -np.inf]
    assert model.error_growth_[0, 1] > 0 and model.error_growth_[1].tolist() == [1, 0]


def test_a_one_dimensional_target_has_one_dimensional_bounds():
    X, y = make_errors(40, False, 0)
    one, two = ZeroClippedRidgeCV().fit(X, y), ZeroClippedRidgeCV().fit(X, y[:, None])
    for flat, column in zip(one.predict_interval(X), two.predict_interval(X)):
        assert flat.shape == (40,)
        np.testing.assert_array_equal(flat, column[:, 0])
    pd.testing.assert_frame_equal(one.applicability(X), two.applicability(X))


def test_units_of_a_target_change_nothing_but_its_bounds_units():
    X, y = make_errors(100, True, 0)
    one, other = ZeroClippedRidgeCV().fit(X, y), ZeroClippedRidgeCV().fit(X, 1e4 * y)
    for bound, scaled in zip(one.predict_interval(X), other.predict_interval(X)):
        np.testing.assert_allclose(1e4 * bound, scaled, rtol=1e-9)


def test_one_alpha_for_all_has_bounds_for_each():
    X, Y, _ = make_data(50, 8)
    model = ZeroClippedRidgeCV(alpha_per_target=False).fit(X, Y)
    lower, upper = model.predict_interval(X)
    assert lower.shape == Y.shape and ((lower <= Y) & (Y <= upper)).mean(axis=0).min() > 0.85  # noqa: SIM300


@pytest.mark.parametrize("scale", [1e-6, 1 / 30, 1e4])
def test_the_unit_of_the_weights_changes_no_bound_and_no_verdict(scale):
    X, Y, weight = make_data(50, 8)
    one = ZeroClippedRidgeCV(ALPHAS).fit(X, Y, weight)
    other = ZeroClippedRidgeCV(scale * ALPHAS).fit(X, Y, scale * weight)
    new = make_data(9, 8, seed=5)[0]
    for bound, scaled in zip(one.predict_interval(new), other.predict_interval(new)):
        np.testing.assert_allclose(bound, scaled, rtol=1e-6)
    found, scaled = one.applicability(new), other.applicability(new)
    np.testing.assert_allclose(found.iloc[:, :2], scaled.iloc[:, :2], rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-6, 1e6, 1e9])
def test_the_unit_of_the_features_changes_no_bound_and_no_verdict(scale):
    X, Y = make_spectra(40, 100)
    one = ZeroClippedRidgeCV(ALPHAS).fit(X, Y)
    other = ZeroClippedRidgeCV(scale**2 * ALPHAS).fit(scale * X, Y)
    new = make_spectra(9, 100, seed=5)[0]
    for bound, scaled in zip(one.predict_interval(new), other.predict_interval(scale * new)):
        np.testing.assert_allclose(bound, scaled, rtol=1e-5)
    found, scaled = one.applicability(new), other.applicability(scale * new)
    np.testing.assert_allclose(found.iloc[:, :2], scaled.iloc[:, :2], rtol=1e-5)


@pytest.mark.parametrize("coverage", [0, 1, -0.1, 0.999, np.nan, "0.9", [0.9, 0.9], None])
def test_a_coverage_that_cannot_be_promised_is_refused(coverage):
    X, y = make_errors(20, False, 0)
    with pytest.raises(ValueError, match="above 0 and at most"):
        ZeroClippedRidgeCV().fit(X, y).predict_interval(X, coverage)


# --- verdicts ---


@pytest.mark.parametrize("n, p", [(200, 40), (30, 60)])
def test_ratios_are_leverage_and_residual_over_their_limits(n, p):
    X, Y = make_spectra(n, p)
    model = ZeroClippedRidgeCV().fit(X, Y)
    new = make_spectra(9, p, seed=3)[0]
    found = model.applicability(pd.DataFrame(new, index=list("abcdefghi")))
    ones = np.ones(n)
    leverage = leverage_of(new, X, ones, recore.leverage.middle_alpha(model.alpha_)[0])
    beta = recore.leverage.UNEXPLAINED * np.trace(inverse(X, ones, 1.0)[1])
    residual = np.abs(residual_of(new, X, ones, beta) / model.residual_scale_).max(axis=1)
    np.testing.assert_allclose(found["leverage"], leverage / model.leverage_limit_, rtol=1e-6)
    np.testing.assert_allclose(found["residual"], residual / model.residual_limit_, rtol=1e-6)
    expected = [
        "unlike" if r > 1 else "extrapolating" if h > 1 else "inside" for h, r in found.to_numpy()[:, :2]
    ]
    assert found["verdict"].tolist() == expected and list(found.index) == list("abcdefghi")


def test_more_of_what_there_was_extrapolates_and_what_there_was_not_is_unlike():
    rng = np.random.RandomState(0)
    channel = np.linspace(0, 1, 60)
    bands = np.exp(-(((channel - np.array([[0.2], [0.5], [0.8]])) / 0.1) ** 2))
    amounts = rng.uniform(1, 2, (400, 3))
    model = ZeroClippedRidgeCV().fit(amounts @ bands + 1e-3 * rng.standard_normal((400, 60)), amounts)
    good = rng.uniform(1, 2, (2000, 3)) @ bands + 1e-3 * rng.standard_normal((2000, 60))
    more, spike = 6 * good, good + 0.05 * (np.arange(60) == 31)
    assert (model.applicability(good)["verdict"] == "inside").mean() == pytest.approx(
        recore.bounds.LIMIT, abs=0.015
    )
    assert set(model.applicability(more)["verdict"]) <= {"extrapolating", "unlike"}
    assert (model.applicability((good + more) / 2 - 1e-3)["leverage"] > 1).all()
    assert (model.applicability(spike)["verdict"] == "unlike").all()


def test_lists_will_do():
    X, Y, _ = make_data(20, 4)
    model = ZeroClippedRidgeCV().fit(X.tolist(), Y.tolist())
    pd.testing.assert_frame_equal(model.applicability(X.tolist()), model.applicability(X))
    for bound, expected in zip(model.predict_interval(X.tolist()), model.predict_interval(X)):
        np.testing.assert_array_equal(bound, expected)


def test_before_fit_neither_bounds_nor_verdicts():
    for ask in (ZeroClippedRidgeCV().applicability, ZeroClippedRidgeCV().predict_interval):
        with pytest.raises(NotFittedError):
            ask(np.ones((2, 2)))


def test_two_groups_of_which_one_is_a_single_row():
    for n in (2, 5, 60):
        X, Y, _ = make_data(n, 3)
        model = ZeroClippedRidgeCV().fit(X, Y, groups=np.arange(n) == 0)
        assert np.isfinite(model.predict_interval(X)).all()


def test_a_feature_that_was_constant_and_moves_is_unlike():
    X, Y, _ = make_data(40, 6)
    X[:, 2] = 5.0
    model = ZeroClippedRidgeCV().fit(X, Y)
    X[0, 2] += 1e-3
    assert model.applicability(X)["verdict"].tolist()[0] == "unlike"
    assert (model.applicability(X)["residual"][1:] < 1).mean() > 0.9


def test_spectra_that_are_all_alike_have_limits_all_the_same():
    model = ZeroClippedRidgeCV().fit(np.ones((5, 3)), np.arange(5.0))
    assert model.applicability(np.ones((2, 3)))["verdict"].tolist() == ["inside"] * 2
    assert np.isfinite(model.predict_interval(np.ones((2, 3)))).all()


def test_rows_beyond_the_calibration_change_little(monkeypatch):
    X, y = make_errors(4000, True, 0)
    whole = ZeroClippedRidgeCV().fit(X, y)
    monkeypatch.setattr(recore.rows, "CALIBRATION", 2000)
    monkeypatch.setattr(recore.rows, "SPECTRA", 1000)
    some = ZeroClippedRidgeCV().fit(X, y)
    for full, part in zip(whole.predict_interval(X[:50]), some.predict_interval(X[:50])):
        np.testing.assert_allclose(part, full, rtol=0.15)
    assert some.residual_limit_ == pytest.approx(whole.residual_limit_, rel=0.2)
    np.testing.assert_array_equal(recore.rows.evenly_spaced(4000, 2000), np.arange(0, 4000, 2))
