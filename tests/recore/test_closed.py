"""recore.closed: figures from a fit's own decompositions, against refits."""

import numpy as np
import pytest
from sklearn.metrics import r2_score

from mdl import ZeroClippedRidgeCV
from recore.closed import Closed
from recore.folds import site_folds
from tests.oracles import make_spectra
from tests.recore.test_parts import Rows

ALPHAS = np.logspace(-2, 2, 9)
PAIRS = [("row", "row"), ("site", "row"), ("row", "site"), ("site", "site")]


def held_out_at(X, Y, units, alpha):
    """Predictions of each unit by a refit without it, at one alpha."""
    predicted = np.empty(Y.shape)
    for unit in np.unique(units):
        test = units == unit
        predicted[test] = ZeroClippedRidgeCV([alpha]).fit(X[~test], Y[~test]).predict(X[test])
    return predicted


def unclipped_at(X, Y, units, alpha):
    """The same, not clipped: of targets moved so far down that none is."""
    return held_out_at(X, Y - 1e4, units, alpha) + 1e4


def by_hand(X, Y, sites, held_out, left_out):
    """R2 (t,) by refits at every alpha."""
    ways = {"row": np.arange(len(X)), "site": sites}
    units, chosen_by = ways[held_out], ways[left_out]
    errors = np.array([np.square(Y - unclipped_at(X, Y, chosen_by, alpha)) for alpha in ALPHAS])
    predictions = np.array([held_out_at(X, Y, units, alpha) for alpha in ALPHAS])
    predicted = np.empty(Y.shape)
    for unit in np.unique(units):
        test = units == unit
        choosing = ~test if held_out == left_out == "site" else np.full(len(X), True)
        best = errors[:, choosing].sum(axis=1).argmin(axis=0)
        predicted[test] = np.array([predictions[best[k], test, k] for k in range(Y.shape[1])]).T
    return r2_score(Y, predicted, multioutput="raw_values")


@pytest.mark.parametrize("chosen_by", ["row", "site"])
@pytest.mark.parametrize("n, p", [pytest.param(48, 10, marks=pytest.mark.slow), (30, 40)])
def test_the_figures_are_those_of_refits(n, p, chosen_by):
    X, Y = make_spectra(n, p, noise=0.02)
    sites = np.arange(n)[::-1] % 6  # numbered otherwise than they come
    judge = Closed(Y.shape[1], {"row": None, "site": sites}, PAIRS, chosen_by)
    groups = sites if chosen_by == "site" else None
    model = ZeroClippedRidgeCV(ALPHAS).fit(X, Y, groups=groups, judge=judge)
    found = list(judge.figures())
    assert [(each.held_out, each.left_out) for each in found] == PAIRS
    for each in found:
        expected = by_hand(X, Y, sites, each.held_out, each.left_out)
        np.testing.assert_allclose(each.r2, expected, rtol=1e-6)
        rmse = np.sqrt((1 - expected) * Y.var(axis=0))
        np.testing.assert_allclose(each.rmse, rmse, rtol=1e-6)
        assert (each.interval is None) == (each.held_out == "row")
    if chosen_by == "row":
        np.testing.assert_allclose(found[0].r2, model.cv_r2_)
    plain = ZeroClippedRidgeCV(ALPHAS).fit(X, Y, groups=groups)
    assert np.array_equal(plain.coef_, model.coef_), "judging changes no model"


@pytest.mark.parametrize("chosen_by", ["row", "site", "hole"])
@pytest.mark.parametrize("n", [300, 30])
def test_rows_that_are_read_in_parts_have_the_same_figures(n, chosen_by):
    X, Y = make_spectra(n, 40)
    Y[::7, 1] = np.nan
    ways = {"row": None, "site": np.arange(n) % 6, "hole": np.arange(n) % 9}
    pairs = [("row", "row"), ("site", chosen_by), ("row", "site"), ("hole", "hole")]
    judges = [Closed(Y.shape[1], ways, pairs, chosen_by) for _ in range(2)]
    ZeroClippedRidgeCV(ALPHAS).fit(X, Y, groups=ways[chosen_by], judge=judges[0])
    ZeroClippedRidgeCV(ALPHAS).fit_stored(Rows(X, Y), ways[chosen_by], judge=judges[1])
    for one, other in zip(*(judge.figures() for judge in judges)):
        np.testing.assert_allclose(one.r2, other.r2, rtol=1e-7)
        np.testing.assert_allclose(one.rmse, other.rmse, rtol=1e-7)
        assert (one.interval is None) == (other.interval is None)


def test_a_target_of_two_sites_has_no_figure_by_site():
    X, Y = make_spectra(60, 10)
    sites = np.arange(60) % 6
    Y[sites > 1, 0] = np.nan
    judge = Closed(Y.shape[1], {"row": None, "site": sites}, PAIRS[:2], "row")
    ZeroClippedRidgeCV(ALPHAS).fit(X, Y, judge=judge)
    row, site = judge.figures()
    assert np.isfinite(row.r2).all() and np.isnan(site.r2[0]) and np.isfinite(site.r2[1:]).all()


def test_sites_beyond_the_bins_are_judged_together():
    n = 400
    X, Y = make_spectra(n, 10)
    sites = np.arange(n) % 130
    judge = Closed(Y.shape[1], {"site": sites}, [("site", "site")], "site")
    model = ZeroClippedRidgeCV(ALPHAS).fit(X, Y, groups=sites, judge=judge)
    (figure,) = judge.figures()
    np.testing.assert_allclose(figure.r2, model.cv_r2_, atol=0.01)
    assert (figure.r2 <= model.cv_r2_ + 1e-9).all() and len(np.unique(site_folds(sites))) == 50
