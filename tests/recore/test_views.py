"""recore.views: slopes and distances, against their equations as they stand."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from recore.views import (
    FLOOR,
    SHARE,
    Distances,
    Slopes,
    flat_rows,
    kernel,
    lengths_of,
    moments_of,
    moments_of_both,
    products,
    standard_normal_variate,
)
from tests.oracles import assert_close, make_spectra


def slopes(X, weight=None, scatter=False):
    found = Slopes(scatter)
    weight = np.ones(len(X)) if weight is None else weight
    return found.take_in(moments_of(found, X, weight))


def by_hand(X, weight, scatter):
    """Equation (8)."""
    s = (X - X.mean(axis=1, keepdims=True)) / X.std(axis=1, keepdims=True) if scatter else X
    d = np.array([np.gradient(row) for row in s])
    mean = np.average(d, axis=0, weights=weight)
    variance = np.average((d - mean) ** 2, axis=0, weights=weight)
    z = (d - mean) / np.sqrt(variance + FLOOR * variance.mean())
    return z / np.sqrt(np.average((z**2).sum(axis=1), weights=weight))


@pytest.mark.parametrize("scatter", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_slopes_are_equation_8(scatter, weighted):
    X, _ = make_spectra(40, 25)
    weight = np.random.RandomState(0).uniform(0.1, 3, 40) if weighted else np.ones(40)
    assert_close(slopes(X, weight, scatter)(X), by_hand(X, weight, scatter), 1e-11)


def test_moments_of_parts_are_those_of_all():
    X, _ = make_spectra(50, 12)
    view, ones = Slopes(True), np.ones(50)
    parts = [moments_of(view, X[at], ones[at]) for at in (slice(0, 7), slice(7, 40), slice(40, 50))]
    joint = moments_of_both(moments_of_both(*parts[:2]), parts[2])
    assert len(joint) == 4
    for found, expected in zip(joint, moments_of(view, X, ones)):
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)


def test_a_feature_that_hardly_varies_counts_for_little_on_spectra_never_seen():
    X, _ = make_spectra(60, 20)
    X[:, 4] = X[:, 2] + 1e-9 * np.random.RandomState(0).standard_normal(
        60
    )  # a slope that is all but constant
    new = X[:1].copy()
    new[0, 4] += 1
    assert np.abs(slopes(X)(new)).max() < 100 * np.abs(slopes(X)(X)).max()


def test_coefficients_of_slopes_fold_into_those_of_windows():
    X, _ = make_spectra(30, 15)
    view, coef = slopes(X), np.random.RandomState(0).standard_normal((3, 15))
    folded = view.folded(coef)
    assert_close(X @ folded["coef_"].T + folded["constant"], view(X) @ coef.T, 1e-10)


@pytest.mark.parametrize("weighted", [False, True])
def test_distances_have_the_centred_kernel_as_their_product(weighted):
    X, _ = make_spectra(35, 20)
    weight = np.random.RandomState(0).uniform(0.1, 3, 35) if weighted else np.ones(35)
    view = slopes(X, weight, scatter=True)
    Z = view(X)
    phi = Distances(view, Z, weight)(X)[:, 20:]
    share = weight / weight.sum()
    centre = np.eye(35) - share  # takes the weighted mean of the others from each
    K = centre @ -cdist(Z, Z) @ centre.T
    assert_close((phi @ phi.T).ravel(), (SHARE * K / (share @ K.diagonal())).ravel(), 1e-8)


def test_features_of_distances_fold_into_the_landmarks():
    X, _ = make_spectra(50, 20)
    view = slopes(X, scatter=True)
    distances = Distances(view, view(X[:30]), np.ones(30))
    features = distances(X)
    assert features.shape[1] == distances.n_features
    coef = np.random.RandomState(0).standard_normal((4, features.shape[1]))
    folded = distances.folded(coef)
    far = -cdist(view(X), distances.Z)
    told = view(X) @ folded["slope_coef_"].T + far @ folded["dual_coef_"].T + folded["constant"]
    assert_close(told, features @ coef.T, 1e-9)


def test_distances_are_exact_where_rows_are_all_but_the_same():
    Z = np.random.RandomState(0).standard_normal((20, 30))
    near = Z + 1e-9 * np.random.RandomState(1).standard_normal(Z.shape)
    for product in (products, np.inner):
        found = kernel(near, Z, lengths_of(Z), product)
        np.testing.assert_allclose(found, -cdist(near, Z), rtol=1e-6)
        assert not kernel(Z, Z, lengths_of(Z), product).diagonal().any()


def test_a_row_s_variate_and_distances_have_the_same_bits_in_any_batch():
    X, _ = make_spectra(90, 41)
    landmarks = np.asfortranarray(standard_normal_variate(X[:33]))
    whole = standard_normal_variate(X)
    far = kernel(whole, landmarks, lengths_of(landmarks))
    for at in ([5], [7, 5], range(40, 90), range(89, -1, -1)):
        rows = standard_normal_variate(X[list(at)])
        np.testing.assert_array_equal(rows, whole[list(at)])
        np.testing.assert_array_equal(kernel(rows, landmarks, lengths_of(landmarks)), far[list(at)])


def test_flat_rows_are_found_also_where_the_last_window_is_narrower():
    X, _ = make_spectra(6, 10)
    X[2], X[4] = 7.0, 0.1 + 0.2
    X[4, -1] = 3.0
    X[5, :-1] = 0
    assert flat_rows(X).tolist() == [2, 4, 5]
