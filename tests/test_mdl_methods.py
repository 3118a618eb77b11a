"""TwoViewRidgeCV and KernelRidgeCV: against refits, scikit-learn's KernelRidge, and themselves in parts."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold

import mdl
import recore.blend
import recore.parts
from mdl import KernelRidgeCV, TwoViewRidgeCV, ZeroClippedRidgeCV
from recore.blend import soft_weights
from recore.closed import Closed
from recore.views import SHARE
from tests.oracles import assert_close, make_spectra, read_real, refit_errors
from tests.recore.test_parts import Rows, assert_same, with_gaps
from tests.recore.test_views import by_hand

KINDS = [TwoViewRidgeCV, KernelRidgeCV]
GRID = np.logspace(-3, 3, 7)


@pytest.fixture
def few_alphas(monkeypatch):
    """Fewer alphas of the second views, for tests that refit at each."""
    monkeypatch.setattr(mdl, "ALPHAS", tuple(np.logspace(-5, 5, 11)))
    monkeypatch.setattr(mdl, "KERNEL_ALPHAS", np.logspace(-4, 2, 7))


def spectra(n, p=30, seed=0):
    X, Y = make_spectra(n, p, noise=0.02, seed=seed)
    Y[:, 1] -= Y[:, 1].mean()  # one that is not clipped
    return X, Y


def kernel_of(Z, others, weight):
    """The product of [z, phi] of rows and others, as equation (9) has it, and its unit."""
    K = -cdist(Z, Z)
    share = weight / weight.sum()
    means, mean = K @ share, share @ K @ share
    unit = share @ (K.diagonal() - 2 * means + mean)
    far = -cdist(others, Z)
    centred = far - means - (far @ share)[:, None] + mean
    return others @ Z.T + SHARE / unit * centred


def other_view(kind, X, weight):
    """Features of the second ridge, of all rows, and its alphas."""
    Z = by_hand(X, weight, kind is KernelRidgeCV)
    if kind is TwoViewRidgeCV:
        return Z, np.array(mdl.ALPHAS)
    s, V = np.linalg.eigh(kernel_of(Z, Z, weight))
    # any features of the same product give the same ridge
    return V * np.sqrt(np.maximum(s, 0)), mdl.KERNEL_ALPHAS


def refitted(kind, X, Y, weight, units):
    """Held-out errors (n, t) of the average, by refits without each unit at every alpha, and its weights."""
    other, alphas = other_view(kind, X, weight)
    errors = np.concatenate(
        [refit_errors(view, Y, weight, units, grid) for view, grid in ((X, GRID), (other, alphas))]
    )
    weights = soft_weights(np.einsum("ant,n->at", errors**2, weight), [GRID, alphas])
    return np.einsum("ant,at->nt", errors, weights), weights


@pytest.mark.usefixtures("few_alphas")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n", [24, 45])  # no more than features, and more
def test_held_out_figures_are_those_of_refits(kind, grouped, weighted, n):
    X, Y = spectra(n)
    weight = np.random.RandomState(3).uniform(0.2, 3, n) if weighted else np.ones(n)
    groups = np.random.RandomState(1).geometric(0.3, n) if grouped else None
    model = kind(GRID).fit(X, Y, sample_weight=weight if weighted else None, groups=groups)
    errors, weights = refitted(kind, X, Y, weight, np.arange(n) if groups is None else groups)
    np.testing.assert_allclose(model.best_score_, -np.mean(weight[:, None] * errors**2, axis=0), rtol=1e-8)
    clipped = np.minimum(errors, Y - model.lower_)
    sse = weight @ clipped**2
    np.testing.assert_allclose(model.cv_rmse_, np.sqrt(sse / weight.sum()), rtol=1e-8)
    np.testing.assert_array_equal(model.alpha_, GRID[weights[: len(GRID)].argmax(axis=0)])
    assert model.lower_.tolist() == [0, -np.inf, 0, 0]


@pytest.mark.usefixtures("few_alphas")
@pytest.mark.parametrize("kind", KINDS)
def test_bounds_are_made_of_the_held_out_errors_of_the_average(kind):
    X, Y = spectra(40)
    model = kind(GRID).fit(X, Y)
    errors, _ = refitted(kind, X, Y, np.ones(40), np.arange(40))
    clipped = np.minimum(errors, Y - model.lower_)
    plain = ZeroClippedRidgeCV(GRID).fit(X, Y)
    for name in (
        "x_mean_",
        "axes_",
        "eigenvalues_",
        "leverage_limit_",
        "residual_limit_",
        "residual_scale_",
        "alpha_",
    ):
        np.testing.assert_array_equal(
            getattr(model, name), getattr(plain, name)
        )  # leverage is that of windows
    lower, upper = model.predict_interval(X, 0.8)
    assert 0.75 < np.mean((lower <= Y) & (upper >= Y)) <= 1
    fitted, (s0, s1) = Y - clipped, model.error_growth_.T
    rows, targets = range(40), range(Y.shape[1])
    left = np.array([[1 / (1 + leverage_without(X, row, model.alpha_[k])) for k in targets] for row in rows])
    scaled = np.sort(clipped * np.sqrt(left) / np.sqrt(s0 + s1 * fitted**2), axis=0)
    np.testing.assert_allclose(model.error_quantiles_[:, [0, -1]], scaled[[0, -1]].T, rtol=1e-6)


def leverage_without(X, row, alpha):
    """Equation (5) of a row, by the others."""
    others = np.delete(X, row, axis=0)
    centred, x = others - others.mean(axis=0), X[row] - others.mean(axis=0)
    return 1 / len(others) + x @ np.linalg.solve(centred.T @ centred + alpha * np.eye(len(x)), x)


@pytest.mark.usefixtures("few_alphas")
@pytest.mark.parametrize("n", [24, 45])
def test_two_views_are_the_average_of_two_ridges_folded_into_one(n):
    X, Y = spectra(n)
    new, _ = spectra(10, seed=1)
    model = TwoViewRidgeCV(GRID).fit(X, Y)
    _, weights = refitted(TwoViewRidgeCV, X, Y, np.ones(n), np.arange(n))
    d = np.gradient(X, axis=1)
    floored = np.sqrt(d.var(axis=0) + 0.1 * d.var(axis=0).mean())
    unit = np.sqrt(np.mean(np.sum(((d - d.mean(axis=0)) / floored) ** 2, axis=1)))
    views = [
        (X, new, GRID, weights[:7]),
        *[(d / floored / unit, np.gradient(new, axis=1) / floored / unit, np.array(mdl.ALPHAS), weights[7:])],
    ]
    expected = sum(
        part * Ridge(alpha, solver="svd").fit(old, Y).predict(other)
        for old, other, grid, weight in views
        for alpha, part in zip(grid, weight)
    )
    assert_close((new @ model.coef_.T + model.intercept_).T, expected.T, 1e-8)
    np.testing.assert_allclose(model.predict(new), np.maximum(expected, model.lower_), atol=1e-7)
    assert set(vars(model)) == set(vars(ZeroClippedRidgeCV(GRID).fit(X, Y))) - {
        "fit_intercept",
        "scoring",
        "alpha_per_target",
    }


@pytest.mark.usefixtures("few_alphas")
@pytest.mark.parametrize("weighted", [False, True])
def test_the_kernel_is_scikit_learn_s_kernel_ridge_beside_a_ridge(weighted):
    X, Y = spectra(40)
    new, _ = spectra(12, seed=1)
    weight = np.random.RandomState(3).uniform(0.2, 3, 40) if weighted else np.ones(40)
    model = KernelRidgeCV(GRID).fit(X, Y, sample_weight=weight if weighted else None)
    _, weights = refitted(KernelRidgeCV, X, Y, weight, np.arange(40))
    Z = by_hand(X, weight, True)
    both = by_hand_new(X, new, weight)
    centre = weight @ Y / weight.sum()
    share = weight / weight.sum()
    K, far = kernel_of(Z, Z, weight), kernel_of(Z, both, weight)
    # centred once more, as an intercept does to z, which by_hand centred, and to what is centred already: nothing
    assert np.abs(share @ K).max() < 1e-10
    expected = sum(
        part * Ridge(alpha, solver="svd").fit(X, Y, sample_weight=weight).predict(new)
        for alpha, part in zip(GRID, weights[:7])
    )
    for alpha, part in zip(mdl.KERNEL_ALPHAS, weights[7:]):
        kernel_ridge = KernelRidge(alpha=alpha, kernel="precomputed").fit(K, Y - centre, sample_weight=weight)
        if weighted:  # its centring is ours, not one that weights change
            root = np.sqrt(weight)
            dual = np.linalg.solve(
                K * np.outer(root, root) + alpha * np.eye(40), (Y - centre) * root[:, None]
            )
            np.testing.assert_allclose(
                kernel_ridge.dual_coef_, dual * root[:, None], atol=1e-7 * np.abs(dual).max()
            )
        expected = expected + part * (kernel_ridge.predict(far) + centre)
    assert_close(model.unclipped(new).T, expected.T, 1e-8)
    np.testing.assert_allclose(
        weight @ model.unclipped(X) / weight.sum(), model.y_mean_, rtol=1e-9, atol=1e-9
    )


def by_hand_new(X, new, weight):
    """z of new rows, standardised as those of the training."""
    variate = [
        (each - each.mean(axis=1, keepdims=True)) / each.std(axis=1, keepdims=True) for each in (X, new)
    ]
    d, theirs = (np.gradient(each, axis=1) for each in variate)
    mean = np.average(d, axis=0, weights=weight)
    variance = np.average((d - mean) ** 2, axis=0, weights=weight)
    scale = np.sqrt(variance + 0.1 * variance.mean())
    return (
        (theirs - mean) / scale / np.sqrt(np.average((((d - mean) / scale) ** 2).sum(axis=1), weights=weight))
    )


@pytest.mark.parametrize("kind", KINDS)
def test_predictions_have_the_same_bits_in_any_batch_and_order_and_with_any_threads(kind):
    from threadpoolctl import threadpool_limits

    X, Y = spectra(70)
    model = kind(GRID).fit(X[:50], Y[:50])
    whole = model.predict(X)
    for at in ([3], [4, 3], range(69, -1, -1), range(20, 60)):
        np.testing.assert_array_equal(model.predict(X[list(at)]), whole[list(at)])
    np.testing.assert_array_equal(model.predict(np.asfortranarray(X)), whole)
    with threadpool_limits(1):
        np.testing.assert_array_equal(model.predict(X), whole)


@pytest.mark.parametrize("kind", KINDS)
def test_a_pickle_predicts_the_same_bits(kind):
    X, Y = spectra(50)
    model = kind(GRID).fit(X, Y)
    again = pickle.loads(pickle.dumps(model, protocol=4))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert sorted(vars(again)) == sorted(vars(model))


@pytest.mark.parametrize("kind", KINDS)
def test_targets_with_gaps_are_fitted_on_the_rows_that_have_them(kind):
    X, Y = spectra(60)
    gaps = with_gaps(Y, (1, 2))
    model, whole = kind(GRID).fit(X, gaps), kind(GRID).fit(X, Y)
    np.testing.assert_allclose(model.predict(X)[:, [0, 3]], whole.predict(X)[:, [0, 3]], rtol=1e-9)
    assert model.n_rows_.tolist() == (~np.isnan(gaps)).sum(axis=0).tolist()
    one = kind(GRID).fit(X, gaps[:, 1])  # slopes and landmarks are of all rows, whatever their assays
    assert_close(one.predict(X), model.predict(X)[:, 1], 1e-9)
    assert type(one.alpha_) is float and one.coef_.shape == (30,)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n, p", [(120, 10), (60, 30), (25, 30)])
@pytest.mark.parametrize("grouped", [False, True])
def test_rows_that_are_read_in_parts_give_what_the_whole_gives(kind, n, p, grouped, monkeypatch):
    monkeypatch.setattr(recore.parts, "PART", 40 * (p + 4))
    X, Y = spectra(n, p)
    store = Rows(X, with_gaps(Y, (1, 2)))
    groups = np.unique(np.random.RandomState(3).randint(0, 9, n), return_inverse=True)[1] if grouped else None
    found = kind(GRID).fit_stored(store, groups)
    frame = pd.DataFrame(X, columns=store.feature_names), pd.DataFrame(store.Y, columns=store.target_names)
    expected = kind(GRID).fit(*frame, groups=groups)
    assert_close(found.predict(frame[0]).T, expected.predict(frame[0]).T)
    if kind is TwoViewRidgeCV:
        assert_same(found, expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("grouped", [False, True])
def test_parts_may_meet_gaps_in_another_order_in_another_view(kind, grouped, monkeypatch):
    X, Y = spectra(160, 12)
    Y[:30, 1], Y[130:, 2] = np.nan, np.nan
    groups = None if not grouped else np.array([0] * 90 + [1] * 30 + [2] * 40)  # one larger than a part
    expected = kind(GRID).fit(X, Y, groups=groups)
    for cells in (40 * 16, 700 * 16):  # parts of 40 rows, of fewer in the kernel's view; then of all
        monkeypatch.setattr(recore.parts, "PART", cells)
        found = kind(GRID).fit_stored(Rows(X, Y), groups)
        np.testing.assert_allclose(found.cv_r2_, expected.cv_r2_, rtol=1e-8)
        named = pd.DataFrame(X, columns=found.feature_names_in_)
        assert_close(found.predict(named).T, expected.predict(X).T)


def test_spectra_that_differ_by_rounding_only_have_no_slopes():
    X, Y = spectra(20)
    alike = np.linspace(1, 2, 20)[:, None] * X[:1]
    with pytest.raises(
        ValueError, match="found spectra that all slope alike, once standardised, expected some"
    ):
        KernelRidgeCV(GRID).fit(alike, Y)
    with pytest.raises(ValueError, match="found spectra that all slope alike, expected some"):
        TwoViewRidgeCV(GRID).fit(X[:1] + np.linspace(1, 2, 20)[:, None], Y)
    TwoViewRidgeCV(GRID).fit(alike, Y)


@pytest.mark.parametrize("kind", KINDS)
def test_single_precision_features_are_taken_as_the_numbers_that_they_are(kind):
    X, Y = spectra(40)
    single = (X + 1e4).astype(np.float32)
    model, expected = kind(GRID).fit(single, Y), kind(GRID).fit(single.astype(float), Y)
    np.testing.assert_array_equal(model.predict(single), expected.predict(single.astype(float)))


def test_of_many_rows_some_are_drawn_as_landmarks_always_the_same(monkeypatch):
    monkeypatch.setattr(mdl, "LANDMARKS", (50, 20))
    X, Y = spectra(60)
    model, again = KernelRidgeCV(GRID).fit(X, Y), KernelRidgeCV(GRID).fit(X, Y)
    assert (
        model.landmarks_.shape == (20, 30)
        and KernelRidgeCV(GRID).fit(X[:50], Y[:50]).landmarks_.shape[0] == 50
    )
    np.testing.assert_array_equal(model.landmarks_, again.landmarks_)
    Z = by_hand(X, np.ones(60), True)
    nearest = cdist(model.landmarks_, Z)
    assert nearest.min(axis=1).max() < 1e-9 and len(set(nearest.argmin(axis=1))) == 20
    stored = KernelRidgeCV(GRID).fit_stored(Rows(X, Y))
    np.testing.assert_allclose(stored.landmarks_, model.landmarks_, atol=1e-10)


@pytest.mark.usefixtures("few_alphas")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("chosen_by", ["row", "site"])
def test_closed_figures_are_those_of_refits(kind, chosen_by):
    n = 40
    X, Y = spectra(n)
    sites = np.arange(n)[::-1] % 6
    ways, units = {"row": None, "site": sites}, {"row": np.arange(n), "site": sites}
    pairs = [("row", "row"), ("site", "row"), ("row", "site"), ("site", "site")]
    judges = [Closed(Y.shape[1], ways, pairs, chosen_by) for _ in range(2)]
    groups = ways[chosen_by]
    model = kind(GRID).fit(X, Y, groups=groups, judge=judges[0])
    kind(GRID).fit_stored(Rows(X, Y), groups, judge=judges[1])
    other, alphas = other_view(kind, X, np.ones(n))
    errors = {
        way: np.concatenate([refit_errors(v, Y, np.ones(n), u, g) for v, g in ((X, GRID), (other, alphas))])
        for way, u in units.items()
    }
    for found, stored in zip(judges[0].figures(), judges[1].figures()):
        out, left = errors[found.held_out], errors[found.left_out]
        expected = np.empty(Y.shape)
        for unit in np.unique(units[found.held_out]):
            test = units[found.held_out] == unit
            others = ~test if found.held_out == found.left_out == "site" else np.full(n, True)
            weights = soft_weights(np.square(left[:, others]).sum(axis=1), [GRID, alphas])
            expected[test] = np.einsum("ant,at->nt", out[:, test], weights)
        clipped = np.minimum(expected, Y - model.lower_)
        np.testing.assert_allclose(found.r2, r2_score(Y, Y - clipped, multioutput="raw_values"), rtol=1e-6)
        np.testing.assert_allclose(stored.r2, found.r2, rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_features_without_a_slope_are_refused(kind):
    X, Y = spectra(20)
    with pytest.raises(ValueError, match="found n_features = 1, expected 2 or more"):
        kind().fit(X[:, :1], Y)


def test_a_spectrum_that_is_the_same_throughout_is_refused_by_its_row():
    X, Y = spectra(20)
    model = KernelRidgeCV(GRID).fit(X, Y)
    X[13] = 7
    X[13, -1] = 4
    with pytest.raises(ValueError, match="the same value in all features in row 13"):
        KernelRidgeCV().fit(X, Y)
    with pytest.raises(ValueError, match="the same value in all features in row 1, expected"):
        model.predict(X[12:15])
    with pytest.raises(ValueError, match="the same value in all features in row 13"):
        KernelRidgeCV().fit_stored(Rows(X, Y))
    assert np.isfinite(TwoViewRidgeCV(GRID).fit(X, Y).predict(X)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_repr_is_short(kind):
    assert repr(kind()) == f"{kind.__name__}()"
    assert "50" in repr(kind(np.logspace(-3, 3, 50))) and len(repr(kind(np.logspace(-3, 3, 50)))) < 80


FOUND = {  # mean R2 by row and by site of ridge, views and kernel, as they were found when the methods were
    "yamsys_soil": [(0.472, 0.259), (0.514, 0.306), (0.528, 0.298)],
    "peat_redoxpeat": [(0.262, -0.297), (0.332, 0.086), (0.368, 0.123)],
}


def cross_validated(kind, X, Y, folds, sites=None):
    """Mean R2 over targets, of predictions of each fold; alphas by sites where there are such."""
    predicted = np.empty(Y.shape)
    for fold in np.unique(folds):
        test = folds == fold
        model = kind()
        model.with_bounds = False
        inside = None if sites is None else sites[~test]
        predicted[test] = model.fit(X[~test], Y[~test], groups=inside).predict(X[test])
    return r2_score(Y, predicted)


def mixtures(n, p, width, noise, seed=0):
    """Sums of 12 bands with noise, and 4 targets that are linear in them but for errors of their own."""
    rng = np.random.RandomState(seed)
    bands = np.exp(-(((np.linspace(0, 1, p) - rng.uniform(0.1, 0.9, (12, 1))) / width) ** 2))
    amounts = rng.gamma(1.5, 1, (n, 12))
    X = 0.3 + amounts @ bands + noise * rng.standard_normal((n, p))
    return X / X.max(axis=1, keepdims=True), amounts @ rng.uniform(size=(12, 4)) + rng.normal(0, 0.2, (n, 4))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [0.02, 0.06])
@pytest.mark.parametrize("noise", [0.001, 0.02, 0.1])
def test_poor_slopes_cost_nothing(kind, width, noise, monkeypatch):
    X, Y = mixtures(150, 120, width, noise)
    folds = np.arange(len(X)) % 5
    ridge, found = (cross_validated(each, X, Y, folds) for each in (ZeroClippedRidgeCV, kind))
    assert found > ridge - 0.015
    if noise == 0.1:
        monkeypatch.setattr(recore.blend, "PREFERENCE", 0)
        assert cross_validated(kind, X, Y, folds) < ridge - 0.05, "halves of both"


@pytest.mark.parametrize("name", FOUND)
def test_on_real_spectra_both_are_ahead_of_the_plain_ridge_by_row_and_by_site(name):
    X, Y, sites = read_real(name)
    Y = Y.loc[:, Y.notna().mean() > 0.9]
    whole = Y.notna().all(axis=1).to_numpy()
    X, Y, sites = X[whole], Y.to_numpy()[whole], sites[whole]
    rows = np.empty(len(X), dtype=int)
    for fold, (_, test) in enumerate(KFold(5, shuffle=True, random_state=0).split(X)):
        rows[test] = fold
    places = np.unique(sites, return_inverse=True)[1]
    by_site = places % 5  # whole sites; each by itself where there are four
    found = [cross_validated(kind, X, Y, rows) for kind in mdl.METHODS.values()]
    assert found[0] + 0.02 < found[1] < found[2], "views before the challenge's, the kernel before both"
    if name == "yamsys_soil":
        found += [cross_validated(kind, X, Y, by_site, sites) for kind in mdl.METHODS.values()]
        np.testing.assert_allclose(found[3:], [site for _, site in FOUND[name]], atol=0.015)
        np.testing.assert_allclose(
            found[:3], [row for row, _ in FOUND[name]], atol=0.03
        )  # one drawing of folds
