"""Equation (4) for a group left out, against refits without it."""

import numpy as np
import pytest

import recore.forms
import recore.groups
import recore.linalg
from mdl import ZeroClippedRidgeCV
from tests.oracles import (
    SHAPES,
    apart,
    assert_close,
    held_out_errors,
    leverage_of,
    make_data,
    read_real,
    refit_errors,
)


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
    problem = recore.forms.ridge_of(X, Y, weight, np.arange(n), [0, 1, 2, 3], fit_intercept, 1e-2)
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


@pytest.mark.parametrize("n, p", [(40, 12), (13, 12), (12, 12), (12, 40)])
@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_errors_and_leverages_are_those_of_refits_without_the_group(n, p, size, weighted, fit_intercept):
    X, Y, weight = make_data(n, p)
    weight = weight if weighted else np.ones(n)
    groups = np.arange(n) // size
    alphas = np.array([0.1, 3.0, 0.1, 40.0])
    problem = recore.forms.ridge_of(X, Y, weight, np.arange(n), list(range(4)), fit_intercept, 0.1)
    errors, left = np.full((2, 4, n), np.nan)
    for at, some, part in recore.groups.left_out_errors_at(problem, alphas, None if size == 1 else groups):
        errors[:, at], left[:, at] = some / problem.root_w[at], part
    expected = refit_errors(X, Y, weight, groups, alphas, fit_intercept)
    for k, alpha in enumerate(alphas):
        assert_close(errors[k], expected[k, :, k])
        for out, others in apart(groups):
            leverage = leverage_of(X[out], X[others], weight[others], alpha, fit_intercept)
            np.testing.assert_allclose(1 / left[k, out], 1 + weight[out] * leverage, rtol=1e-6)


@pytest.mark.parametrize("kept", [2**25, 0], ids=["refits kept", "refits made anew"])
def test_large_groups_that_are_fitted_anew_give_the_same(kept, monkeypatch):
    monkeypatch.setattr(recore.groups, "REFITS", kept)
    X, Y, weight = make_data(90, 6)
    groups = np.arange(90) // 30
    problem = recore.forms.ridge_of(X, Y, weight, np.arange(90), list(range(4)), True, 0.1)
    assert recore.groups.without(problem, np.arange(30), np.array([0.1])) is not None
    alphas = np.array([0.1, 3.0, 0.1, 40.0])
    expected = refit_errors(X, Y, weight, groups, alphas)
    for at, errors, left in recore.groups.left_out_errors_at(problem, alphas, groups):
        out, others = np.isin(np.arange(90), at), ~np.isin(np.arange(90), at)
        for k, alpha in enumerate(alphas):
            assert_close(errors[k] / problem.root_w[at], expected[k, at, k])
            leverage = leverage_of(X[out], X[others], weight[others], alpha)
            np.testing.assert_allclose(1 / left[k], 1 + weight[at] * leverage, rtol=1e-8)
