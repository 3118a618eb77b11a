"""recore/leverage.py: equations (5) and (7) against inverses written out."""

import numpy as np

from recore.leverage import UNEXPLAINED, beta_of, beyond_axes, leverages, middle_alpha, residuals


def parts(kept, seed=0):
    """Centred training rows, new rows, and eigenvalues and axes of the first `kept` directions."""
    rng = np.random.RandomState(seed)
    X = rng.normal(0, 1, (30, 5)) @ np.diag([5, 3, 2, 1, 0.5])
    X -= X.mean(axis=0)
    s, V = np.linalg.eigh(X.T @ X)
    return X, rng.normal(0, 2, (4, 5)), s[::-1][:kept], V.T[::-1][:kept]


def test_leverage_is_the_inverse_s_whether_or_not_the_new_row_lies_in_the_axes():
    _, new, s, axes = parts(3)
    gram = axes.T @ np.diag(s) @ axes  # what the axes know of X'X
    scores = new @ axes.T
    for alpha in (0.1, 10.0):
        found = leverages(scores, beyond_axes(new, scores), s, np.array([alpha]))[:, 0]
        expected = np.einsum("ij,ij->i", new @ np.linalg.inv(gram + alpha * np.eye(5)), new)
        np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_what_is_left_over_is_that_of_a_ridge_of_the_spectra_on_themselves():
    X, new, s, axes = parts(5)
    beta = UNEXPLAINED * np.trace(X.T @ X)
    np.testing.assert_allclose(beta_of(s), [beta], rtol=1e-12)
    expected = new - new @ np.linalg.solve(X.T @ X + beta * np.eye(5), X.T @ X)
    np.testing.assert_allclose(residuals(new, new @ axes.T, s, axes, beta_of(s)), expected, atol=1e-10)


def test_the_middle_alpha_is_one_that_a_target_has():
    assert middle_alpha(np.array([5.0, 1.0, 3.0, 2.0])).tolist() == [2.0]
    assert middle_alpha(7.0).tolist() == [7.0]
