"""recore.blend: averages over views and alphas, against refits without each row and each group."""

import numpy as np
import pytest

from recore.blend import Blend, averaged_errors, averaged_squares, soft_weights
from recore.forms import ridge_of
from recore.held_out import BINS
from tests.oracles import assert_close, make_data, refit_errors

GRIDS = [np.logspace(-2, 3, 6), np.logspace(-3, 1, 5)]


def test_the_weights_are_equations_10_and_11():
    squares = np.random.RandomState(0).uniform(1, 3, (11, 4))
    squares[6:] *= [1, 0.7, 1.5, 5]
    found = soft_weights(squares, GRIDS)
    least = np.array([squares[:6].min(axis=0), squares[6:].min(axis=0)])
    shares = np.exp(-4 * np.maximum(0, least / least.min(axis=0) - 1.5))
    shares /= shares.sum(axis=0)
    for part, weights, share in ((squares[:6], found[:6], shares[0]), (squares[6:], found[6:], shares[1])):
        expected = np.exp(-10 * (part / part.min(axis=0) - 1))
        np.testing.assert_allclose(weights, share * expected / expected.sum(axis=0))


def test_views_that_are_alike_weigh_alike_and_one_that_is_worse_by_far_nothing():
    squares = np.full((11, 4), 3.0)
    squares[6:] *= [1, 1.5, 0.67, 10]
    shares = soft_weights(squares, GRIDS)[:6].sum(axis=0)
    np.testing.assert_allclose(shares, [0.5, 0.5, 0.5, 1], rtol=1e-12)


def test_alphas_that_meet_a_target_exactly_have_all_the_weight():
    squares = np.ones((11, 1))
    squares[[2, 3]], squares[8] = 0, 0
    expected = np.zeros(11)
    expected[[2, 3]], expected[8] = 0.25, 0.5
    np.testing.assert_allclose(soft_weights(squares, GRIDS)[:, 0], expected)


def two_views(n, p, weighted):
    X, Y, weight = make_data(n, p)
    other = np.hstack([np.tanh(X), np.random.RandomState(5).standard_normal((n, 7))])
    return [X, other], Y, weight if weighted else np.ones(n)


def blend_of(views, Y, weight, gaps=()):
    Y = Y.copy()
    Y[list(gaps)] = np.nan
    rows = np.flatnonzero(~np.isnan(Y[:, 0]))
    ridges = [
        ridge_of(X, Y, weight, rows, list(range(Y.shape[1])), True, grid.min())
        for X, grid in zip(views, GRIDS)
    ]
    return Blend(ridges, None), rows


@pytest.mark.parametrize("n, p", [(70, 20), (33, 30), (30, 60)])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("share", [None, 0.15, 0.6])  # of all rows in the largest group
@pytest.mark.parametrize("kept", [False, True])
def test_held_out_errors_of_the_average_are_those_of_refits(n, p, weighted, share, kept):
    views, Y, weight = two_views(n, p, weighted)
    blend, rows = blend_of(views, Y, weight, gaps=(3, 11))
    groups = None if share is None else np.random.RandomState(1).geometric(share, n)
    units = np.arange(n) if groups is None else groups
    refits = [
        refit_errors(X[rows], Y[rows], weight[rows], units[rows], grid) for X, grid in zip(views, GRIDS)
    ]
    weights = np.random.RandomState(2).uniform(size=(11, Y.shape[1]))
    expected = np.einsum("ant,at->nt", np.concatenate(refits), weights)
    if kept:
        blend.keep(GRIDS)
    for _ in range(2):  # kept errors are the same when they are asked for again
        found = np.full(expected.shape, np.nan)
        for at, errors in averaged_errors(blend, GRIDS, weights, groups):
            found[at] = errors.T / blend.root_w[at][:, None]
        assert_close(found.T, expected.T)


def test_groups_may_have_weights_of_their_own():
    views, Y, weight = two_views(60, 10, False)
    blend, _ = blend_of(views, Y, weight)
    groups = np.arange(60) % 7
    weights = np.random.RandomState(2).uniform(size=(BINS, 11, Y.shape[1]))
    squares, without = averaged_squares(blend, GRIDS, weights, groups)
    assert without == []
    for group in range(7):
        alone = averaged_squares(blend, GRIDS, weights[group], groups)[0]
        np.testing.assert_allclose(squares[:, group], alone[:, group])


@pytest.mark.parametrize("n, p", [(70, 20), (30, 60)])
def test_coefficients_are_averaged_as_errors_are(n, p):
    views, Y, weight = two_views(n, p, True)
    blend, _ = blend_of(views, Y, weight)
    weights = np.random.RandomState(2).uniform(size=(11, Y.shape[1]))
    for view, ridge, grid, (coef, intercept), part in zip(
        views, blend.ridges, GRIDS, blend.average(GRIDS, weights), (weights[:6], weights[6:])
    ):
        each = [ridge.solve(np.full(Y.shape[1], alpha)) for alpha in grid]
        expected = sum(w * (view @ c.T + i) for w, (c, i) in zip(part, each))
        assert_close((view @ coef.T + intercept).T, expected.T)
