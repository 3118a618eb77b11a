"""recore.nested: figures of models that know nothing of what they are judged on, against plain loops."""

import numpy as np
import pytest
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score

from mdl import ALPHAS, ZeroClippedRidgeCV
from recore.expected import fitting
from recore.folds import draw_folds, enough, row_folds, site_folds, told
from recore.nested import fit_predict, nested
from recore.tables import read_table
from tests.conftest import REAL
from tests.oracles import CLEAR_ALPHAS, make_spectra

FIT = fitting(ZeroClippedRidgeCV, ALPHAS)


def by_hand(X, Y, folds, sites=None):
    """Mean R2 and RMSE (t,) over repeats, alpha by the smallest error of rows, or sites, of the training half."""
    r2, rmse = [], []
    for fold in folds:
        predicted = np.empty_like(Y)
        for k in np.unique(fold):
            test = fold == k
            if sites is None:
                model = RidgeCV(CLEAR_ALPHAS, alpha_per_target=True).fit(X[~test], Y[~test])
                predicted[test] = np.maximum(model.predict(X[test]), 0)
            else:
                predicted[test] = ZeroClippedRidgeCV(CLEAR_ALPHAS).fit(X[~test], Y[~test], groups=sites[~test]).predict(X[test])  # fmt: skip
        r2.append(r2_score(Y, predicted, multioutput="raw_values"))
        rmse.append(np.sqrt(np.square(Y - predicted).mean(axis=0)))
    return np.mean(r2, axis=0), np.mean(rmse, axis=0)


@pytest.mark.parametrize("n, p", [(40, 60), (60, 20)])
def test_rows_and_sites_are_judged_by_models_that_have_not_seen_them(n, p):
    X, Y = make_spectra(n, p, noise=0.05)
    sites = np.arange(n) % 7
    ways, fit = {"row": None, "site": sites}, fitting(ZeroClippedRidgeCV, CLEAR_ALPHAS)
    pairs = [("row", "row"), ("site", "row"), ("site", "site")]
    found = nested(X, Y, ways, pairs, fit)
    assert [(each.held_out, each.left_out) for each in found] == pairs
    assert [each.how for each in found] == ["5 × 10 folds", "each left out", "each left out"]
    expected = [
        by_hand(X, Y, draw_folds(np.arange(n), 5, 10)),
        by_hand(X, Y, [sites]),
        by_hand(X, Y, [sites], sites),
    ]
    for each, (r2, rmse) in zip(found, expected):
        np.testing.assert_allclose(each.r2, r2, rtol=1e-6)
        np.testing.assert_allclose(each.rmse, rmse, rtol=1e-6)
        assert each.mean_r2 == pytest.approx(r2.mean(), rel=1e-6)
        assert each.interval[0] < each.mean_r2 < each.interval[1]


def test_threads_change_no_bit():
    X, Y = make_spectra(50, 20)
    ways, pairs = {"row": None, "site": np.arange(50) % 5}, [("row", "site"), ("site", "row")]
    for one, two in zip(nested(X, Y, ways, pairs, FIT, 1), nested(X, Y, ways, pairs, FIT, 4)):
        assert np.array_equal(one.r2, two.r2) and one.interval == two.interval


@pytest.mark.parametrize(
    "folder, row, site", [("yamsys_soil", 0.535, 0.295), ("peat_redoxpeat", 0.26, -0.327)]
)
def test_real_spectra_are_not_promised_what_the_rows_that_chose_alpha_say(folder, row, site):
    """yamsys by row .581 and by site .402 of rows that chose alpha, peat .404 and .261."""
    path = next(iter(REAL.glob(f"{folder}/*_full.csv.gz")), None)
    if path is None:
        pytest.skip(f"no real spectra at {REAL / folder}")
    table = read_table(str(path))
    X, Y = table.features.to_numpy(), table.targets.to_numpy()
    ways = {"row": None, "SiteID": table.ids["SiteID"].to_numpy()}
    found = nested(X, Y, ways, [("row", "row"), ("SiteID", "row")], FIT)
    assert [each.mean_r2 for each in found] == pytest.approx([row, site], abs=0.02)
    test = np.arange(len(X)) % 10 == 0  # other folds than drawn here
    other = fit_predict(FIT, X[~test], Y[~test], X[test])
    assert np.isfinite(other).all()


def test_a_target_with_too_few_assays_has_no_figure_and_costs_no_other_its():
    X, Y = make_spectra(40, 20, t=3)
    sites = np.arange(40) % 4
    gaps = Y.copy()
    gaps[2:, 1] = np.nan  # two rows
    gaps[(sites > 1), 2] = np.nan  # two sites
    ways = {"row": None, "site": sites}
    alone = nested(X, Y[:, :1], ways, [("row", "row"), ("site", "site")], FIT)
    found = nested(X, gaps, ways, [("row", "row"), ("site", "site")], FIT)
    for each, expected in zip(found, alone):
        assert np.isnan(each.r2[1:]).all() and np.isnan(each.rmse[1:]).all()
        assert [each.r2[0], *each.interval] == pytest.approx([expected.r2[0], *expected.interval], rel=1e-9)
    assert np.isnan(nested(X, gaps[:, 1:2], ways, [("row", "row")], FIT)[0].mean_r2)


def test_what_can_be_told():
    Y = np.array([[1.0, 1, np.nan], [1, np.nan, np.nan], [1, 1, 1], [1, 1, 1]])
    assert enough(Y).tolist() == [True, True, True]
    assert enough(Y, np.array(["a", "a", "b", "b"])).tolist() == [True, True, False]
    each = np.arange(4)[None]
    assert told(Y, each).tolist() == [True, True, False]
    assert told(Y, each, np.array([1, 1, 2, 2])).tolist() == [True, False, False]


def test_folds_are_drawn_five_times_of_few_rows_and_once_of_more():
    assert row_folds(500).shape == (5, 500) and row_folds(501).shape == (1, 501)
    assert row_folds(7).tolist() == [list(range(7))]
    sites = np.arange(400) % 60
    assert len(np.unique(site_folds(sites))) == 50
    assert len(np.unique(site_folds(sites % 50))) == 50
